"""Numba: softmax over the last axis of (rows, length), and over the middle axis of (outer, length, inner)."""

from __future__ import annotations

import math

import numpy as np

from .jit import kernel
from .jit_math import exp, maximum

ZERO, ONE, LOWEST = np.float32(0), np.float32(1), np.float32(-np.inf)
STRIP = 64  # neighbouring columns that the strided kernels carry along together


@kernel
def softmax(begin, end, x, y):  # type: ignore[no-untyped-def]
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
def log_softmax(begin, end, x, y):  # type: ignore[no-untyped-def]
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
def softmax_backward(begin, end, g, y, gx):  # type: ignore[no-untyped-def]
    n = y.shape[1]
    for r in range(begin, end):
        total = ZERO
        for i in range(n):
            total += g[r, i] * y[r, i]
        for i in range(n):
            gx[r, i] = y[r, i] * (g[r, i] - total)


@kernel
def log_softmax_backward(begin, end, g, y, gx):  # type: ignore[no-untyped-def]
    n = y.shape[1]
    for r in range(begin, end):
        total = ZERO
        for i in range(n):
            total += g[r, i]
        for i in range(n):
            gx[r, i] = g[r, i] - exp(y[r, i]) * total


@kernel
def softmax_strided(begin, end, x, y):  # type: ignore[no-untyped-def]
    _, n, inner = x.shape
    strips = -(-inner // STRIP)
    top, total = np.empty(STRIP, np.float32), np.empty(STRIP, np.float32)
    for piece in range(begin, end):
        r, left = piece // strips, piece % strips * STRIP
        width = min(STRIP, inner - left)
        top[:] = LOWEST
        total[:] = ZERO
        for i in range(n):
            for j in range(width):
                top[j] = maximum(top[j], x[r, i, left + j])
        for i in range(n):
            for j in range(width):
                e = exp(x[r, i, left + j] - top[j])
                y[r, i, left + j] = e
                total[j] += e
        for j in range(width):
            total[j] = ONE / total[j]
        for i in range(n):
            for j in range(width):
                y[r, i, left + j] *= total[j]


@kernel
def log_softmax_strided(begin, end, x, y):  # type: ignore[no-untyped-def]
    _, n, inner = x.shape
    strips = -(-inner // STRIP)
    top, total = np.empty(STRIP, np.float32), np.empty(STRIP, np.float32)
    for piece in range(begin, end):
        r, left = piece // strips, piece % strips * STRIP
        width = min(STRIP, inner - left)
        top[:] = LOWEST
        total[:] = ZERO
        for i in range(n):
            for j in range(width):
                top[j] = maximum(top[j], x[r, i, left + j])
        for i in range(n):
            for j in range(width):
                total[j] += exp(x[r, i, left + j] - top[j])
        for j in range(width):
            total[j] = math.log(total[j])
        for i in range(n):
            for j in range(width):
                y[r, i, left + j] = (x[r, i, left + j] - top[j]) - total[j]


@kernel
def softmax_backward_strided(begin, end, g, y, gx):  # type: ignore[no-untyped-def]
    _, n, inner = y.shape
    strips = -(-inner // STRIP)
    total = np.empty(STRIP, np.float32)
    for piece in range(begin, end):
        r, left = piece // strips, piece % strips * STRIP
        width = min(STRIP, inner - left)
        total[:] = ZERO
        for i in range(n):
            for j in range(width):
                total[j] += g[r, i, left + j] * y[r, i, left + j]
        for i in range(n):
            for j in range(width):
                gx[r, i, left + j] = y[r, i, left + j] * (g[r, i, left + j] - total[j])


@kernel
def log_softmax_backward_strided(begin, end, g, y, gx):  # type: ignore[no-untyped-def]
    _, n, inner = y.shape
    strips = -(-inner // STRIP)
    total = np.empty(STRIP, np.float32)
    for piece in range(begin, end):
        r, left = piece // strips, piece % strips * STRIP
        width = min(STRIP, inner - left)
        total[:] = ZERO
        for i in range(n):
            for j in range(width):
                total[j] += g[r, i, left + j]
        for i in range(n):
            for j in range(width):
                gx[r, i, left + j] = g[r, i, left + j] - exp(y[r, i, left + j]) * total[j]
