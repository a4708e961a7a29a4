# mypy: ignore-errors
"""Numba: normalisation. Means and variances of a part are taken in the array's own type while it is in cache, and
parts are merged in float64 (Chan, Golub and LeVeque 1983), so that one read of memory gives accurate statistics."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from .jit import FASTMATH, kernel

STRIP = 64  # neighbouring columns that the kernels for (N, C) carry along together
_inlined = njit(fastmath=set(FASTMATH), error_model="numpy")


@_inlined
def _mean(x):
    total = x.dtype.type(0)
    for i in range(len(x)):
        total += x[i]
    return total / x.dtype.type(len(x))


@_inlined
def _squares(x, mean):
    total = x.dtype.type(0)
    for i in range(len(x)):
        d = x[i] - mean
        total += d * d
    return total


@_inlined
def _affine(x, mean, scale, shift, y):
    for i in range(len(x)):
        y[i] = (x[i] - mean) * scale + shift


@kernel
def batch_norm(begin, end, x, weight, bias, eps, y, mean, var, invstd):
    """Channels of (N, C, S): statistics in one read, the output in a second one."""
    n, _, s = x.shape
    t = x.dtype.type
    for c in range(begin, end):
        middle, spread, seen = 0.0, 0.0, 0.0
        for i in range(n):
            part = _mean(x[i, c])
            squares = _squares(x[i, c], part)
            delta = part - middle
            total = seen + s
            middle += delta * s / total
            spread += squares + delta * delta * seen * s / total
            seen = total
        mean[c] = middle
        var[c] = spread / seen
        invstd[c] = 1.0 / math.sqrt(spread / seen + eps)
        scale = invstd[c] * weight[c]
        for i in range(n):
            _affine(x[i, c], t(middle), scale, bias[c], y[i, c])


@kernel
def normalise(begin, end, x, mean, scale, shift, y):
    """Rows of (N * C, S), each with its channel's numbers."""
    for r in range(begin, end):
        c = r % len(mean)
        _affine(x[r], mean[c], scale[c], shift[c], y[r])


@kernel
def batch_norm_backward(begin, end, g, x, mean, invstd, weight, training, gx, gw, gb):
    """Channels of (N, C, S): both sums in one read, ``gx`` in a second one."""
    n, _, s = x.shape
    t = x.dtype.type
    for c in range(begin, end):
        total, products = 0.0, 0.0
        middle = mean[c]
        for i in range(n):
            up, row = g[i, c], x[i, c]
            a, b = t(0), t(0)
            for k in range(s):
                a += up[k]
                b += up[k] * (row[k] - middle)
            total += a
            products += b
        gb[c] = total
        gw[c] = products * invstd[c]
        scale = invstd[c] * weight[c]
        shift, slope = t(0), t(0)
        if training:
            shift = t(total / (n * s))
            slope = t(products / (n * s)) * invstd[c] * invstd[c]
        for i in range(n):
            up, row, out = g[i, c], x[i, c], gx[i, c]
            for k in range(s):
                out[k] = (up[k] - shift - (row[k] - middle) * slope) * scale


@kernel
def batch_norm_columns(begin, end, x, weight, bias, eps, y, mean, var, invstd):
    """(N, C): a strip of columns at a time, row by row."""
    n, c = x.shape
    t = x.dtype.type
    sums = np.empty(STRIP, np.float64)
    for strip in range(begin, end):
        left = strip * STRIP
        right = min(left + STRIP, c)
        width = right - left
        total, middle, scale = sums[:width], mean[left:right], invstd[left:right]
        total[:] = 0.0
        for i in range(n):
            row = x[i, left:right]
            for k in range(width):
                total[k] += row[k]
        for k in range(width):
            middle[k] = total[k] / n
        total[:] = 0.0
        for i in range(n):
            row = x[i, left:right]
            for k in range(width):
                d = row[k] - middle[k]
                total[k] += d * d
        for k in range(width):
            var[left + k] = total[k] / n
            scale[k] = t(1.0 / math.sqrt(total[k] / n + eps))
        w, b = weight[left:right], bias[left:right]
        for i in range(n):
            row, out = x[i, left:right], y[i, left:right]
            for k in range(width):
                out[k] = (row[k] - middle[k]) * (scale[k] * w[k]) + b[k]


@kernel
def batch_norm_columns_backward(begin, end, g, x, mean, invstd, weight, training, gx, gw, gb):
    """Gradients of `batch_norm_columns`, a strip of columns at a time."""
    n, c = x.shape
    t = x.dtype.type
    for strip in range(begin, end):
        left = strip * STRIP
        right = min(left + STRIP, c)
        width = right - left
        middle, scale, w = mean[left:right], invstd[left:right], weight[left:right]
        total, products = gb[left:right], gw[left:right]
        total[:] = 0
        products[:] = 0
        for i in range(n):
            up, row = g[i, left:right], x[i, left:right]
            for k in range(width):
                total[k] += up[k]
                products[k] += up[k] * ((row[k] - middle[k]) * scale[k])
        share = t(1.0 / n if training else 0.0)
        for i in range(n):
            up, row, out = g[i, left:right], x[i, left:right], gx[i, left:right]
            for k in range(width):
                hat = (row[k] - middle[k]) * scale[k]
                out[k] = (up[k] - share * total[k] - hat * (share * products[k])) * (scale[k] * w[k])


@kernel
def layer_norm(begin, end, x, weight, bias, eps, centred, y, mean, rstd):
    """Rows of (rows, n); without `centred` the mean is not subtracted (RMS norm)."""
    t = x.dtype.type
    n = x.shape[1]
    for r in range(begin, end):
        row, out = x[r], y[r]
        middle = _mean(row) if centred else t(0)
        scale = t(1.0 / math.sqrt(_squares(row, middle) / n + eps))
        mean[r] = middle
        rstd[r] = scale
        for k in range(n):
            out[k] = (row[k] - middle) * scale * weight[k] + bias[k]


@kernel
def layer_norm_backward(begin, end, g, x, mean, rstd, weight, centred, gx, partial):
    """Piece p has rows from ``p * rows // pieces`` on, and sums the gradients of weight and bias in ``partial[p]``."""
    rows, n = x.shape
    t = x.dtype.type
    pieces = partial.shape[0]
    for p in range(begin, end):
        gw, gb = partial[p, 0], partial[p, 1]
        for r in range(p * rows // pieces, (p + 1) * rows // pieces):
            up, row, out = g[r], x[r], gx[r]
            middle, scale = mean[r], rstd[r]
            total, products = t(0), t(0)
            for k in range(n):
                gy = up[k] * weight[k]
                total += gy
                products += gy * ((row[k] - middle) * scale)
            shift = total / t(n) if centred else t(0)
            slope = products / t(n)
            for k in range(n):
                hat = (row[k] - middle) * scale
                gw[k] += up[k] * hat
                gb[k] += up[k]
                out[k] = (up[k] * weight[k] - shift - hat * slope) * scale


@kernel
def group_norm(begin, end, x, weight, bias, eps, y, mean, rstd):
    """x: (N * groups, channels of a group, S)."""
    t = x.dtype.type
    channels = x.shape[1]
    groups = len(weight) // channels
    for r in range(begin, end):
        flat = x[r].reshape(-1)
        middle = _mean(flat)
        scale = t(1.0 / math.sqrt(_squares(flat, middle) / len(flat) + eps))
        mean[r] = middle
        rstd[r] = scale
        first = r % groups * channels
        for c in range(channels):
            _affine(x[r, c], middle, scale * weight[first + c], bias[first + c], y[r, c])


@kernel
def group_norm_backward(begin, end, g, x, mean, rstd, weight, gx, sums):
    """``sums[0]``, ``sums[1]``: each sample's part of the gradients of weight and bias, (N * groups, channels)."""
    t = x.dtype.type
    _, channels, s = x.shape
    groups = len(weight) // channels
    count = t(channels * s)
    for r in range(begin, end):
        first = r % groups * channels
        middle, scale = mean[r], rstd[r]
        total, products = t(0), t(0)
        for c in range(channels):
            up, row = g[r, c], x[r, c]
            a, b = t(0), t(0)
            for k in range(s):
                a += up[k]
                b += up[k] * (row[k] - middle)
            sums[0, r, c] = b * scale
            sums[1, r, c] = a
            total += a * weight[first + c]
            products += b * weight[first + c]
        shift = total / count * scale
        slope = products / count * scale * scale * scale
        for c in range(channels):
            up, row, out = g[r, c], x[r, c], gx[r, c]
            factor = scale * weight[first + c]
            for k in range(s):
                out[k] = up[k] * factor - shift - (row[k] - middle) * slope
