"""Samples of pooling.  Inputs have distinct values, so that maxima are unique."""

from __future__ import annotations

import numpy as np

from tests.op_samples import S, distinct, t

F = "nn.functional."
SHAPES = {1: (2, 3, 9), 2: (2, 3, 7, 8), 3: (2, 2, 5, 6, 4)}

SAMPLES = []
for n, shape in SHAPES.items():
    x = distinct(*shape, lo=-2, hi=2)
    for name in (f"max_pool{n}d", f"max_pool{n}d_with_indices"):
        SAMPLES += [
            S(F + name, x, 2),
            S(F + name, x, 3, 2, 1),
            S(F + name, x, (3,) + (2,) * (n - 1), stride=(2,) + (1,) * (n - 1), ceil_mode=True),
        ]
    SAMPLES += [
        S(F + f"max_pool{n}d", x, 2, dilation=2, stride=1),
        S(F + f"max_pool{n}d", x, 3, 3, padding=1, ceil_mode=True, return_indices=True),
        S(F + f"max_pool{n}d", distinct(*shape[1:]), 2),
        S(F + f"avg_pool{n}d", x, 2),
        S(F + f"avg_pool{n}d", x, 3, 2, 1),
        S(F + f"avg_pool{n}d", x, 3, stride=2, padding=1, count_include_pad=False),
        S(F + f"avg_pool{n}d", x, 3, stride=2, ceil_mode=True),
        S(F + f"avg_pool{n}d", x, 3, 2, 1, True, True),
        S(F + f"avg_pool{n}d", distinct(*shape[1:]), (2,) * n),
        S(F + f"adaptive_avg_pool{n}d", x, 3),
        S(F + f"adaptive_avg_pool{n}d", x, 1),
        S(F + f"adaptive_avg_pool{n}d", distinct(*shape[1:]), output_size=4),
        S(F + f"adaptive_max_pool{n}d", x, 3),
        S(F + f"adaptive_max_pool{n}d", x, output_size=2, return_indices=True),
        S(F + f"adaptive_max_pool{n}d", distinct(*shape[1:]), 4),
        S(F + f"adaptive_max_pool{n}d_with_indices", x, 2),
    ]
SAMPLES += [
    S(F + "avg_pool2d", t(2, 3, 6, 6), 2, divisor_override=3),
    S(F + "avg_pool2d", t(2, 3, 6, 6), (3, 2), (2, 1), (1, 0), divisor_override=-2),
    S(F + "avg_pool3d", t(1, 2, 4, 4, 4), 2, divisor_override=5),
    S(F + "adaptive_avg_pool2d", t(2, 3, 6, 7), (None, 3)),
    S(F + "adaptive_avg_pool2d", t(2, 3, 6, 7), (3, 5)),
    S(F + "adaptive_max_pool2d", distinct(2, 3, 6, 7), (4, None)),
    S(F + "adaptive_avg_pool3d", t(1, 2, 4, 5, 6), (2, None, 3)),
    S(F + "max_pool2d", t(values=[[[[np.nan, 1.0], [2.0, 3.0]]]], grad=False), 2, return_indices=True, check="value"),
    S(F + "max_pool2d", t(values=np.full((1, 1, 2, 2), -np.inf), grad=False), 2, return_indices=True, check="value"),
    S(F + "max_pool2d", t(0, 2, 4, 4), 2),
    S("max_pool2d", distinct(2, 3, 6, 6), 2),
    S("max_pool1d", distinct(2, 3, 6), 2),
    S("avg_pool1d", distinct(2, 3, 6), 2),
    S("adaptive_avg_pool1d", distinct(2, 3, 6), 4),
]
