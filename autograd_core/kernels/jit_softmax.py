# mypy: ignore-errors
"""Numba: softmax over the last axis of (rows, length), and over the middle axis of (outer, length, inner)."""

from __future__ import annotations

import math

import numpy as np

from .jit import kernel
from .jit_math import exp, maximum

ZERO, ONE, LOWEST = np.float32(0), np.float32(1), np.float32(-np.inf)
STRIP = 256  # neighbouring columns that the strided kernels carry along together


@kernel
def softmax(begin, end, x, y):
    """Rows: ``y = exp(x - max x) / sum``."""
    n = x.shape[1]
    for r in range(begin, end):
        top = LOWEST
        for i in range(n):
            top = maximum(top, x[r, i])
        total = ZERO
        for i in range(n):
            e = exp(x[r, i] - top)
            y[r, i] = e
            total += e
        scale = ONE / total
        for i in range(n):
            y[r, i] *= scale


@kernel
def log_softmax(begin, end, x, y):
    """Rows: ``y = x - max x - log(sum of exp)``."""
    n = x.shape[1]
    for r in range(begin, end):
        top = LOWEST
        for i in range(n):
            top = maximum(top, x[r, i])
        total = ZERO
        for i in range(n):
            total += exp(x[r, i] - top)
        log_total = np.float32(math.log(total))
        for i in range(n):
            y[r, i] = (x[r, i] - top) - log_total


@kernel
def softmax_backward(begin, end, g, y, gx):
    """Rows: ``gx = y * (g - sum(g * y))``."""
    n = y.shape[1]
    for r in range(begin, end):
        total = ZERO
        for i in range(n):
            total += g[r, i] * y[r, i]
        for i in range(n):
            gx[r, i] = y[r, i] * (g[r, i] - total)


@kernel
def log_softmax_backward(begin, end, g, y, gx):
    """Rows: ``gx = g - exp(y) * sum(g)``."""
    n = y.shape[1]
    for r in range(begin, end):
        total = ZERO
        for i in range(n):
            total += g[r, i]
        for i in range(n):
            gx[r, i] = g[r, i] - exp(y[r, i]) * total


# Rows are sliced before the inner loops: an index that is a sum may be negative for all Numba knows, and the test for
# it would keep the loop from vectorising.


@kernel
def softmax_strided(begin, end, x, y):
    """`softmax` over the middle axis, a strip of neighbouring columns at a time."""
    _, n, inner = x.shape
    strips = -(-inner // STRIP)
    tops, totals = np.empty(STRIP, np.float32), np.empty(STRIP, np.float32)
    for piece in range(begin, end):
        r, left = piece // strips, piece % strips * STRIP
        right = min(left + STRIP, inner)
        width = right - left
        top, total = tops[:width], totals[:width]
        top[:] = LOWEST
        total[:] = ZERO
        for i in range(n):
            row = x[r, i, left:right]
            for j in range(width):
                top[j] = maximum(top[j], row[j])
        for i in range(n):
            row, out = x[r, i, left:right], y[r, i, left:right]
            for j in range(width):
                e = exp(row[j] - top[j])
                out[j] = e
                total[j] += e
        for j in range(width):
            total[j] = ONE / total[j]
        for i in range(n):
            out = y[r, i, left:right]
            for j in range(width):
                out[j] *= total[j]


@kernel
def log_softmax_strided(begin, end, x, y):
    """`log_softmax` over the middle axis, by strips."""
    _, n, inner = x.shape
    strips = -(-inner // STRIP)
    tops, totals = np.empty(STRIP, np.float32), np.empty(STRIP, np.float32)
    for piece in range(begin, end):
        r, left = piece // strips, piece % strips * STRIP
        right = min(left + STRIP, inner)
        width = right - left
        top, total = tops[:width], totals[:width]
        top[:] = LOWEST
        total[:] = ZERO
        for i in range(n):
            row = x[r, i, left:right]
            for j in range(width):
                top[j] = maximum(top[j], row[j])
        for i in range(n):
            row = x[r, i, left:right]
            for j in range(width):
                total[j] += exp(row[j] - top[j])
        for j in range(width):
            total[j] = math.log(total[j])
        for i in range(n):
            row, out = x[r, i, left:right], y[r, i, left:right]
            for j in range(width):
                out[j] = (row[j] - top[j]) - total[j]


@kernel
def softmax_backward_strided(begin, end, g, y, gx):
    """`softmax_backward` over the middle axis, by strips."""
    _, n, inner = y.shape
    strips = -(-inner // STRIP)
    totals = np.empty(STRIP, np.float32)
    for piece in range(begin, end):
        r, left = piece // strips, piece % strips * STRIP
        right = min(left + STRIP, inner)
        width = right - left
        total = totals[:width]
        total[:] = ZERO
        for i in range(n):
            up, row = g[r, i, left:right], y[r, i, left:right]
            for j in range(width):
                total[j] += up[j] * row[j]
        for i in range(n):
            up, row, out = g[r, i, left:right], y[r, i, left:right], gx[r, i, left:right]
            for j in range(width):
                out[j] = row[j] * (up[j] - total[j])


@kernel
def log_softmax_backward_strided(begin, end, g, y, gx):
    """`log_softmax_backward` over the middle axis, by strips."""
    _, n, inner = y.shape
    strips = -(-inner // STRIP)
    totals = np.empty(STRIP, np.float32)
    for piece in range(begin, end):
        r, left = piece // strips, piece % strips * STRIP
        right = min(left + STRIP, inner)
        width = right - left
        total = totals[:width]
        total[:] = ZERO
        for i in range(n):
            up = g[r, i, left:right]
            for j in range(width):
                total[j] += up[j]
        for i in range(n):
            up, row, out = g[r, i, left:right], y[r, i, left:right], gx[r, i, left:right]
            for j in range(width):
                out[j] = up[j] - exp(row[j]) * total[j]
