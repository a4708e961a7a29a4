# mypy: ignore-errors
"""Numba: elementwise functions over flat float32 arrays, where NumPy calls a scalar function for each element.

As in `jit_activation`: arrays are sliced to the piece first and conditions are selections, so that loops vectorise.
`contract` only (see `jit_math`): the corrections for rounding must not be simplified away.
"""

from __future__ import annotations

import numpy as np

from . import jit_math
from .jit import kernel
from .jit_math import ONE, ZERO, select

_one_pass = kernel(fastmath={"contract"})


@_one_pass
def expm1(begin, end, x, y):
    x, y = x[begin:end], y[begin:end]
    for i in range(len(y)):
        y[i] = jit_math.expm1(x[i])


@_one_pass
def log1p(begin, end, x, y):
    x, y = x[begin:end], y[begin:end]
    for i in range(len(y)):
        y[i] = jit_math.log1p(x[i])


@_one_pass
def erf(begin, end, x, y):
    x, y = x[begin:end], y[begin:end]
    for i in range(len(y)):
        y[i] = jit_math.erf(x[i])


@_one_pass
def sign(begin, end, x, y):
    """0 for NaN."""
    x, y = x[begin:end], y[begin:end]
    for i in range(len(y)):
        y[i] = select(x[i] > ZERO, ONE, select(x[i] < ZERO, -ONE, ZERO))


@_one_pass
def rsqrt(begin, end, x, y):
    x, y = x[begin:end], y[begin:end]
    for i in range(len(y)):
        y[i] = ONE / np.sqrt(x[i])


@_one_pass
def atan2(begin, end, a, b, y):
    a, b, y = a[begin:end], b[begin:end], y[begin:end]
    for i in range(len(y)):
        y[i] = jit_math.atan2(a[i], b[i])
