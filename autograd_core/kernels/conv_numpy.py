"""Convolution in plain NumPy, any real dtype and any number of spatial dimensions: the kernels' reference and fallback.

With taps ``t`` over the kernel window, per group (cross-correlation, as PyTorch defines convolution)::

    y[n, o, p]  = bias[o] + sum_{c, t} w[o, c, t] x[n, c, p * stride + t * dilation - padding]
    dx[n, c, i] = sum over all (o, t, p) with p * stride + t * dilation - padding = i  of  w[o, c, t] g[n, o, p]
    dw[o, c, t] = sum_{n, p} g[n, o, p] x[n, c, p * stride + t * dilation - padding]

The windows of the input are a strided view, copied once per block of images so that BLAS can multiply them.
All functions take checked arguments: tuples with one entry per spatial dimension.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

import numpy as np

Ints = tuple[int, ...]
WORKSPACE = 1 << 26  # bytes that the copied windows of one block of images may take


def out_size(spatial: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints) -> Ints:
    """Spatial shape of the output: ``floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1``."""
    return tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(spatial, kernel, stride, padding, dilation, strict=True)
    )


def _pad(x: np.ndarray, padding: Ints) -> np.ndarray:
    if not any(padding):
        return x
    padded = np.zeros(x.shape[:2] + tuple(n + 2 * p for n, p in zip(x.shape[2:], padding, strict=True)), x.dtype)
    padded[_inside(x.shape[2:], padding)] = x
    return padded


def _inside(spatial: Ints, padding: Ints) -> tuple[slice, ...]:
    return (slice(None), slice(None), *(slice(p, p + n) for n, p in zip(spatial, padding, strict=True)))


def _windows(x: np.ndarray, kernel: Ints, out: Ints, stride: Ints, dilation: Ints) -> np.ndarray:
    """View ``(n, c, *kernel, *out)`` of a padded ``(n, c, *spatial)`` array."""
    steps = x.strides[2:]
    return np.lib.stride_tricks.as_strided(
        x,
        x.shape[:2] + kernel + out,
        x.strides[:2]
        + tuple(b * d for b, d in zip(steps, dilation, strict=True))
        + tuple(b * s for b, s in zip(steps, stride, strict=True)),
        writeable=False,
    )


def _columns(
    x: np.ndarray, kernel: Ints, out: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> Iterator[tuple[slice, np.ndarray]]:
    """Blocks of images and their windows as matrices ``(n, groups, c/groups * taps, pixels)``."""
    n, c = x.shape[:2]
    taps, pixels = math.prod(kernel), math.prod(out)
    block = max(1, WORKSPACE // max(1, c * taps * pixels * x.itemsize))
    for begin in range(0, n, block):
        images = slice(begin, min(begin + block, n))
        windows = _windows(_pad(x[images], padding), kernel, out, stride, dilation)
        yield images, windows.reshape(images.stop - begin, groups, c // groups * taps, pixels)


def conv(
    x: np.ndarray, w: np.ndarray, bias: np.ndarray | None, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> np.ndarray:
    """Convolution of ``x`` ``(n, c, *spatial)`` with ``w`` ``(o, c/groups, *kernel)``."""
    o, kernel = w.shape[0], w.shape[2:]
    out = out_size(x.shape[2:], kernel, stride, padding, dilation)
    y = np.empty((x.shape[0], o, *out), np.result_type(x, w))
    matrix = w.reshape(groups, o // groups, -1)
    rows = y.reshape(x.shape[0], groups, o // groups, math.prod(out))
    for images, columns in _columns(x, kernel, out, stride, padding, dilation, groups):
        np.matmul(matrix, columns, out=rows[images])
    if bias is not None:
        y += bias.reshape(-1, *(1,) * len(kernel))
    return y


def conv_grad_input(
    g: np.ndarray, w: np.ndarray, x_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> np.ndarray:
    """Gradient of `conv` with respect to ``x``: every window's gradient is added where the window was read."""
    n, c = x_shape[:2]
    o, kernel, out = w.shape[0], w.shape[2:], g.shape[2:]
    taps, pixels = math.prod(kernel), math.prod(out)
    dtype = np.result_type(g, w)
    # the padded input may be larger than what the windows reach (stride), or, transposed, smaller
    reach = tuple((m - 1) * s + (k - 1) * d + 1 for m, s, k, d in zip(out, stride, kernel, dilation, strict=True))
    full = tuple(max(m + 2 * p, r) for m, p, r in zip(x_shape[2:], padding, reach, strict=True))
    dx = np.zeros((n, c, *full), dtype)
    if pixels:
        matrix = np.ascontiguousarray(w.reshape(groups, o // groups, -1).swapaxes(1, 2))
        block = max(1, WORKSPACE // max(1, c * taps * pixels * dtype.itemsize))
        for begin in range(0, n, block):
            piece = g[begin : begin + block]
            windows = np.matmul(matrix, piece.reshape(len(piece), groups, o // groups, pixels))
            windows = windows.reshape(len(piece), c, *kernel, *out)
            for tap in product(*map(range, kernel)):
                there = tuple(
                    slice(t * d, t * d + (m - 1) * s + 1, s)
                    for t, d, m, s in zip(tap, dilation, out, stride, strict=True)
                )
                dx[(slice(begin, begin + block), slice(None), *there)] += windows[(slice(None), slice(None), *tap)]
    return np.ascontiguousarray(dx[_inside(x_shape[2:], padding)])


def conv_grad_weight(
    g: np.ndarray, x: np.ndarray, w_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> np.ndarray:
    """Gradient of `conv` with respect to ``w``."""
    o, kernel, out = w_shape[0], w_shape[2:], g.shape[2:]
    dw = np.zeros((groups, o // groups, math.prod(w_shape[1:])), np.result_type(g, x))
    pixels = math.prod(out)
    for images, columns in _columns(x, kernel, out, stride, padding, dilation, groups):
        rows = g[images].reshape(len(columns), groups, o // groups, pixels)
        dw += np.matmul(rows, columns.swapaxes(2, 3)).sum(0)
    return dw.reshape(w_shape)
