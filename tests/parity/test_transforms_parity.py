"""Image operations beside PyTorch's own interpolation and sampling functions."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ac
from nn.transforms import functional as F

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(0)
SIZES = [(5, 7), (23, 31), (40, 64), (1, 1), (24, 8)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_resize(size, mode):
    image = RNG.random((3, 23, 31))
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(image)[None], size=size, mode=mode, align_corners=False, antialias=True
    )[0]
    ours = F.resize(ac.from_numpy(image), size, mode)
    np.testing.assert_allclose(ours.array, expected.numpy(), atol=1e-12)
    if mode == "bilinear":
        expected = torch.nn.functional.interpolate(
            torch.from_numpy(image)[None], size=size, mode=mode, align_corners=False
        )
        ours = F.resize(ac.from_numpy(image), size, mode, antialias=False)
        np.testing.assert_allclose(ours.array, expected[0].numpy(), atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_resize_nearest(size):
    image = RNG.random((3, 23, 31))
    expected = torch.nn.functional.interpolate(torch.from_numpy(image)[None], size=size, mode="nearest")[0]
    np.testing.assert_array_equal(F.resize(ac.from_numpy(image), size, "nearest").array, expected.numpy())


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize(
    ("angle", "translate", "scale", "shear"),
    [(0, (0, 0), 1, (0, 0)), (30, (0, 0), 1, (0, 0)), (-77, (3, -2), 1.3, (0, 0)), (10, (1, 1), 0.7, (12, -20))],
)
def test_affine(angle, translate, scale, shear, mode):
    """The map and the sampling against affine_grid and grid_sample with the matrix written out for PyTorch."""
    h, w = 16, 21
    image = RNG.random((2, h, w))
    a, sx, sy = np.deg2rad([angle, *shear])
    rotation_shear = np.array(
        [
            [np.cos(a - sy) / np.cos(sy), -np.cos(a - sy) * np.tan(sx) / np.cos(sy) - np.sin(a)],
            [np.sin(a - sy) / np.cos(sy), -np.sin(a - sy) * np.tan(sx) / np.cos(sy) + np.cos(a)],
        ]
    )
    inverse = np.linalg.inv(scale * rotation_shear)
    shift = -inverse @ np.array(translate, float)
    half = np.array([w / 2, h / 2])
    theta = np.concatenate([inverse * half[None] / half[:, None], (shift / half)[:, None]], 1)
    grid = torch.nn.functional.affine_grid(torch.from_numpy(theta)[None], (1, 2, h, w), align_corners=False)
    expected = torch.nn.functional.grid_sample(
        torch.from_numpy(image)[None], grid, mode=mode, padding_mode="zeros", align_corners=False
    )[0].numpy()
    ours = F.affine(ac.from_numpy(image), angle, translate, scale, shear, mode).array
    if mode == "nearest":  # a position half-way between pixels may go either way: float error decides
        assert (ours != expected).mean() < 0.01
    else:
        np.testing.assert_allclose(ours, expected, atol=1e-7)  # positions are rounded to 1e-9 of a pixel


def test_gaussian_blur():
    image = RNG.random((1, 12, 15))
    k, s = 5, 1.3
    x = np.arange(-2, 3)
    taps = np.exp(-0.5 * (x / s) ** 2)
    kernel = torch.from_numpy(np.outer(taps, taps) / taps.sum() ** 2)[None, None]
    padded = torch.nn.functional.pad(torch.from_numpy(image)[None], (2, 2, 2, 2), mode="reflect")
    expected = torch.nn.functional.conv2d(padded, kernel)[0].numpy()
    np.testing.assert_allclose(F.gaussian_blur(ac.from_numpy(image), k, s).array, expected, atol=1e-14)
