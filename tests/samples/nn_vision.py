"""Samples of padding, interpolation, rearrangements of images and sampling on a grid."""

from __future__ import annotations

import numpy as np

from tests.op_samples import S, t

F = "nn.functional."


def off_pixels(*shape: int, low: float = -1.3, high: float = 1.3) -> t:
    """Grid coordinates away from the kinks of the images below (pixel centres, borders, mirrors)."""

    def make(rng: np.random.Generator) -> np.ndarray:
        n = int(np.prod(shape))
        return (np.round(rng.uniform(low, high, n) * 40) / 40 + 0.0071).reshape(shape)

    return t(*shape, make=make)


SAMPLES = [
    S(F + "pad", t(2, 3), (1, 2)),
    S(F + "pad", t(2, 3, 4), (1, 2, 0, 1, 2, 0), "constant", 0.5),
    S(F + "pad", t(2, 3, 4), [-1, 1, -2, 1], value=-1.0),
    S(F + "pad", t(2, 3), ()),
    S(F + "pad", t(2, 3, lo=0, hi=9, dtype="int64"), (1, 1), value=7, check="value"),
]
for mode in ("reflect", "replicate", "circular"):
    SAMPLES += [
        S(F + "pad", t(2, 4), (2, 1), mode=mode),
        S(F + "pad", t(2, 3, 5), (1, 3), mode=mode),
        S(F + "pad", t(2, 3, 4, 5), (2, 1, 0, 3), mode),
        S(F + "pad", t(3, 4, 5), (1, 1, 2, 2), mode=mode),
        S(F + "pad", t(1, 2, 3, 4, 3), (1, 2, 2, 1, 1, 0), mode=mode),
    ]
SAMPLES += [
    S(F + "pad", t(1, 2, 4, 5), (-1, 2, 1, -2), mode="circular"),
    S(F + "pad", t(1, 2, 4, 5), (-1, 2, 1, -2), mode="reflect"),
    S(F + "pad", t(2, 3), (4, 5), mode="replicate"),
    S(F + "pad", t(2, 3, 4, 5), (-1, 2, 1, -1), mode="replicate"),
]

for mode, shape in (
    ("nearest", (2, 3, 5)), ("nearest", (2, 2, 4, 5)), ("nearest", (1, 2, 3, 4, 2)), ("nearest-exact", (2, 3, 5)),
    ("nearest-exact", (2, 2, 4, 5)), ("nearest-exact", (1, 2, 3, 4, 2)), ("area", (2, 3, 5)), ("area", (2, 2, 4, 5)), ("area", (1, 2, 3, 4, 2)),
    ("linear", (2, 3, 5)), ("bilinear", (2, 2, 4, 5)), ("bicubic", (2, 2, 4, 5)), ("trilinear", (1, 2, 3, 4, 2)),
):  # fmt: skip
    rank = len(shape) - 2
    SAMPLES += [
        S(F + "interpolate", t(*shape), size=7, mode=mode),
        S(F + "interpolate", t(*shape), (2, 3, 1)[:rank], mode=mode),
        S(F + "interpolate", t(*shape), scale_factor=2.0, mode=mode),
        # no size stays as it is: for those PyTorch's nearest modes go forward by the scale and backward by the size
        S(F + "interpolate", t(*shape), scale_factor=(1.7, 0.6, 1.6)[:rank], mode=mode),
        S(F + "interpolate", t(*shape), scale_factor=1.7, mode=mode, recompute_scale_factor=True),
    ]
    if mode in ("linear", "bilinear", "bicubic", "trilinear"):
        SAMPLES += [
            S(F + "interpolate", t(*shape), size=7, mode=mode, align_corners=True),
            S(F + "interpolate", t(*shape), size=1, mode=mode, align_corners=True),
            S(F + "interpolate", t(*shape), scale_factor=0.7, mode=mode, align_corners=True),
        ]
for mode in ("bilinear", "bicubic"):
    for more in (
        {"size": (3, 9)},
        {"scale_factor": 0.4},
        {"scale_factor": (0.6, 1.7), "align_corners": True},
        {"size": (2, 2), "align_corners": True},
    ):
        SAMPLES += [S(F + "interpolate", t(2, 2, 7, 8), mode=mode, antialias=True, **more)]

SAMPLES += [
    S(F + "pixel_shuffle", t(2, 8, 3, 2), 2),
    S(F + "pixel_shuffle", t(9, 2, 2), upscale_factor=3),
    S(F + "pixel_unshuffle", t(2, 2, 4, 6), 2),
    S(F + "pixel_unshuffle", t(2, 3, 3), downscale_factor=3),
    S(F + "channel_shuffle", t(2, 6, 3, 2), 3),
    S(F + "channel_shuffle", t(2, 4, 3), groups=2),
    S("pixel_shuffle", t(2, 8, 3, 2), 2),
    S(F + "unfold", t(2, 3, 5, 6), 2),
    S(F + "unfold", t(2, 3, 5, 6), (3, 2), dilation=(1, 2), padding=(1, 0), stride=2),
    S(F + "unfold", t(3, 5, 6), 3, 1, 1, 1),
    S(F + "fold", t(2, 12, 20), (5, 6), 2),
    S(F + "fold", t(2, 12, 6), (5, 6), (3, 2), (1, 2), (1, 0), (2, 2)),
    S(F + "fold", t(18, 30), (5, 6), 3, padding=1),
    S(F + "affine_grid", t(2, 2, 3), (2, 3, 4, 5), align_corners=False),
    S(F + "affine_grid", t(2, 2, 3), [2, 3, 2, 5], align_corners=True),
    S(F + "affine_grid", t(1, 3, 4), (1, 2, 3, 4, 2), align_corners=False),
]  # fmt: skip
for align in (False, True):
    for padding in ("zeros", "border", "reflection"):
        SAMPLES += [
            S(F + "grid_sample", t(2, 3, 5, 4), off_pixels(2, 3, 4, 2), padding_mode=padding, align_corners=align),
            S(F + "grid_sample", t(2, 3, 5, 4), off_pixels(2, 3, 4, 2, low=-3, high=3), "bilinear", padding, align),
            S(
                F + "grid_sample",
                t(2, 3, 5, 4),
                off_pixels(2, 3, 4, 2),
                mode="nearest",
                padding_mode=padding,
                align_corners=align,
                check="first",
            ),
            S(
                F + "grid_sample",
                t(2, 3, 5, 4),
                off_pixels(2, 3, 4, 2),
                mode="bicubic",
                padding_mode=padding,
                align_corners=align,
                check="first",
            ),
            S(
                F + "grid_sample",
                t(2, 3, 5, 4),
                off_pixels(2, 2, 2, 2),
                mode="bicubic",
                padding_mode=padding,
                align_corners=align,
                parity=False,
            ),
            S(
                F + "grid_sample",
                t(1, 2, 3, 4, 5),
                off_pixels(1, 2, 3, 2, 3),
                padding_mode=padding,
                align_corners=align,
            ),
            S(
                F + "grid_sample",
                t(1, 2, 3, 4, 5),
                off_pixels(1, 2, 3, 2, 3),
                mode="nearest",
                padding_mode=padding,
                align_corners=align,
                check="first",
            ),
        ]
SAMPLES += [S(F + "grid_sample", t(1, 2, 1, 3), off_pixels(1, 2, 3, 2), padding_mode="reflection", align_corners=True)]
