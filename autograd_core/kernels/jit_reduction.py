# mypy: ignore-errors
"""Numba: sums, products and scans over rows. Arrays are C-contiguous; see `reduction`."""

from __future__ import annotations

from .jit import kernel

BLOCK = 1024  # elements added up in the array's own precision; blocks are added up in float64


@kernel
def sum_rows(begin, end, x, out):
    for r in range(begin, end):
        row, total = x[r], 0.0
        for start in range(0, len(row), BLOCK):
            part = row[start : start + BLOCK]
            s = x.dtype.type(0)
            for i in range(len(part)):
                s += part[i]
            total += s
        out[r] = total


@kernel
def square_rows(begin, end, x, out):
    for r in range(begin, end):
        row, total = x[r], 0.0
        for start in range(0, len(row), BLOCK):
            part = row[start : start + BLOCK]
            s = x.dtype.type(0)
            for i in range(len(part)):
                s += part[i] * part[i]
            total += s
        out[r] = total


@kernel
def product_rows(begin, end, x, out):
    for r in range(begin, end):
        row, y = x[r], x.dtype.type(1)
        for i in range(len(row)):
            y *= row[i]
        out[r] = y


@kernel(fastmath=False)
def running_sum(begin, end, x, y, backwards):
    """Four rows at a time: one sum must wait for the one before it, four sums need not wait for each other."""
    n = x.shape[1]
    first, step = (n - 1, -1) if backwards else (0, 1)
    r = begin
    while r + 4 <= end:
        x0, x1, x2, x3 = x[r], x[r + 1], x[r + 2], x[r + 3]
        y0, y1, y2, y3 = y[r], y[r + 1], y[r + 2], y[r + 3]
        s0 = s1 = s2 = s3 = x.dtype.type(0)
        i = first
        for _ in range(n):
            s0 += x0[i]
            s1 += x1[i]
            s2 += x2[i]
            s3 += x3[i]
            y0[i], y1[i], y2[i], y3[i] = s0, s1, s2, s3
            i += step
        r += 4
    while r < end:
        s, i = x.dtype.type(0), first
        for _ in range(n):
            s += x[r, i]
            y[r, i] = s
            i += step
        r += 1


@kernel(fastmath=False)
def running_product(begin, end, x, y, backwards):
    n = x.shape[1]
    first, step = (n - 1, -1) if backwards else (0, 1)
    r = begin
    while r + 4 <= end:
        x0, x1, x2, x3 = x[r], x[r + 1], x[r + 2], x[r + 3]
        y0, y1, y2, y3 = y[r], y[r + 1], y[r + 2], y[r + 3]
        s0 = s1 = s2 = s3 = x.dtype.type(1)
        i = first
        for _ in range(n):
            s0 *= x0[i]
            s1 *= x1[i]
            s2 *= x2[i]
            s3 *= x3[i]
            y0[i], y1[i], y2[i], y3[i] = s0, s1, s2, s3
            i += step
        r += 4
    while r < end:
        s, i = x.dtype.type(1), first
        for _ in range(n):
            s *= x[r, i]
            y[r, i] = s
            i += step
        r += 1
