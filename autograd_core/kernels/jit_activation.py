# mypy: ignore-errors
"""Numba: activation functions over flat float32 arrays.

Both sides of each condition are computed and one is selected; arrays are sliced to the piece first, because an index
from `begin` on might be negative for all Numba knows, and the test for it keeps a loop from vectorising.
"""

from __future__ import annotations

import numpy as np

from .jit import kernel
from .jit_math import exp, expm1_negative, maximum, normal_cdf, select
from .jit_math import sigmoid as _sigmoid
from .jit_math import softplus as _softplus
from .jit_math import tanh as _tanh

f = np.float32
ZERO, HALF, ONE, TWO = f(0), f(0.5), f(1), f(2)
PDF = f(0.3989422804014327)  # 1 / sqrt(2 pi)
INNER, CUBIC = f(1.5957691216057308), f(0.044715)  # 2 sqrt(2 / pi): (1 + tanh(u)) / 2 is sigmoid(2 u)


@kernel
def relu(begin, end, x, y):
    """``y = max(x, 0)``; a NaN stays one."""
    x, y = x[begin:end], y[begin:end]
    for i in range(len(y)):
        y[i] = maximum(x[i], ZERO)


@kernel
def relu_backward(begin, end, g, y, gx):
    """``gx = g``, and 0 where ``y <= 0``."""
    g, y, gx = g[begin:end], y[begin:end], gx[begin:end]
    for i in range(len(gx)):
        gx[i] = select(y[i] <= ZERO, ZERO, g[i])


@kernel
def leaky_relu(begin, end, x, y, slope):
    """``y = x if x > 0 else slope * x``."""
    x, y = x[begin:end], y[begin:end]
    for i in range(len(y)):
        y[i] = select(x[i] > ZERO, x[i], x[i] * slope)


@kernel
def leaky_relu_backward(begin, end, g, x, gx, slope):
    """``gx = g if x > 0 else slope * g``."""
    g, x, gx = g[begin:end], x[begin:end], gx[begin:end]
    for i in range(len(gx)):
        gx[i] = select(x[i] > ZERO, g[i], g[i] * slope)


@kernel
def elu(begin, end, x, y, low, scale, rate):
    """``y = scale * x if x > 0 else low * (exp(rate * x) - 1)``."""
    x, y = x[begin:end], y[begin:end]
    for i in range(len(y)):
        y[i] = select(x[i] > ZERO, scale * x[i], low * expm1_negative(rate * x[i]))


@kernel
def elu_backward(begin, end, g, x, gx, low, scale, rate):
    """``gx = g * scale if x > 0 else g * low * exp(rate * x)``; `low` holds the rate already."""
    g, x, gx = g[begin:end], x[begin:end], gx[begin:end]
    for i in range(len(gx)):
        gx[i] = g[i] * select(x[i] > ZERO, scale, low * exp(rate * x[i]))


@kernel
def sigmoid(begin, end, x, y):
    """``y = 1 / (1 + exp(-x))``."""
    x, y = x[begin:end], y[begin:end]
    for i in range(len(y)):
        y[i] = _sigmoid(x[i])


@kernel
def sigmoid_backward(begin, end, g, y, gx):
    """``gx = g * y * (1 - y)``."""
    g, y, gx = g[begin:end], y[begin:end], gx[begin:end]
    for i in range(len(gx)):
        gx[i] = g[i] * y[i] * (ONE - y[i])


@kernel
def tanh(begin, end, x, y):
    """``y = tanh(x)``."""
    x, y = x[begin:end], y[begin:end]
    for i in range(len(y)):
        y[i] = _tanh(x[i])


@kernel
def tanh_backward(begin, end, g, y, gx):
    """``gx = g * (1 - y**2)``."""
    g, y, gx = g[begin:end], y[begin:end], gx[begin:end]
    for i in range(len(gx)):
        gx[i] = g[i] * (ONE - y[i] * y[i])


@kernel
def silu(begin, end, x, y):
    """``y = x * sigmoid(x)``."""
    x, y = x[begin:end], y[begin:end]
    for i in range(len(y)):
        y[i] = x[i] * _sigmoid(x[i])


@kernel
def silu_backward(begin, end, g, x, gx):
    """``gx = g * s * (1 + x * (1 - s))`` with ``s = sigmoid(x)``."""
    g, x, gx = g[begin:end], x[begin:end], gx[begin:end]
    for i in range(len(gx)):
        s = _sigmoid(x[i])
        gx[i] = g[i] * (s * (ONE + x[i] * (ONE - s)))


@kernel
def gelu(begin, end, x, y):
    """``y = x * Phi(x)``, Phi the normal distribution function."""
    x, y = x[begin:end], y[begin:end]
    for i in range(len(y)):
        y[i] = x[i] * normal_cdf(x[i], exp(-HALF * x[i] * x[i]))


@kernel
def gelu_backward(begin, end, g, x, gx):
    """``gx = g * (Phi(x) + x * phi(x))``."""
    g, x, gx = g[begin:end], x[begin:end], gx[begin:end]
    for i in range(len(gx)):
        bell = exp(-HALF * x[i] * x[i])
        gx[i] = g[i] * (normal_cdf(x[i], bell) + x[i] * (PDF * bell))


@kernel
def gelu_tanh(begin, end, x, y):
    """The tanh approximation of gelu, as ``x * sigmoid(2 u)`` with u the argument of tanh."""
    x, y = x[begin:end], y[begin:end]
    for i in range(len(y)):
        y[i] = x[i] * _sigmoid(INNER * (x[i] + CUBIC * x[i] * x[i] * x[i]))


@kernel
def gelu_tanh_backward(begin, end, g, x, gx):
    """``gx = g`` times the derivative of the tanh approximation."""
    g, x, gx = g[begin:end], x[begin:end], gx[begin:end]
    for i in range(len(gx)):
        square = x[i] * x[i]
        s = _sigmoid(INNER * x[i] * (ONE + CUBIC * square))
        gx[i] = g[i] * (s + x[i] * s * (ONE - s) * (INNER * (ONE + f(3) * CUBIC * square)))


@kernel
def softplus(begin, end, x, y, beta, threshold):
    """``y = log(1 + exp(beta * x)) / beta``, and x where ``beta * x > threshold``."""
    x, y = x[begin:end], y[begin:end]
    inverse = ONE / beta
    for i in range(len(y)):
        z = x[i] * beta
        y[i] = select(z > threshold, x[i], _softplus(z) * inverse)


@kernel
def softplus_backward(begin, end, g, x, gx, beta, threshold):
    """``gx = g * sigmoid(beta * x)``, and g where ``beta * x > threshold``."""
    g, x, gx = g[begin:end], x[begin:end], gx[begin:end]
    for i in range(len(gx)):
        z = x[i] * beta
        gx[i] = g[i] * select(z > threshold, ONE, _sigmoid(z))


@kernel
def bias_relu(begin, end, x, bias):
    """``x = max(x + bias, 0)`` in place, by rows."""
    for r in range(begin, end):
        row = x[r]
        for i in range(len(bias)):
            row[i] = maximum(row[i] + bias[i], ZERO)


@kernel
def bias_relu_backward(begin, end, g, y, gx, partial):
    """Piece p has rows from ``p * rows // pieces`` on, and sums the gradient of the bias in ``partial[p]``."""
    rows, pieces = len(g), len(partial)
    for p in range(begin, end):
        total = partial[p]
        for r in range(p * rows // pieces, (p + 1) * rows // pieces):
            up, row, out = g[r], y[r], gx[r]
            for i in range(len(total)):
                value = select(row[i] <= ZERO, ZERO, up[i])
                out[i] = value
                total[i] += value
