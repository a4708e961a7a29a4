"""Sums, products and scans, quicker than NumPy's where those are scalar or read memory more than once.

    add(x, axes, keepdims)        sum over axes           square(x, axes, keepdims)     sum of squares over axes
    multiply(x, axes, keepdims)   product over axes
    cumsum(x, axis)               cumprod(x, axis)

The compiled passes take float32 and float64, C-contiguous, over the last axes; everything else is NumPy's. Sums are
blocks of 1024 elements added up in float64: at least as exact as NumPy's pairwise ones. Scans go from element to
element as NumPy's, and give the same bits.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import runtime
from .thresholds import THRESHOLDS

COMPILED = (np.dtype(np.float32), np.dtype(np.float64))
LARGE = THRESHOLDS["reduction.numba"]
CHUNK = 65536  # elements of a long row that are one piece of work
_add: Any = np.add.reduce
_multiply: Any = np.multiply.reduce


def _native(x: np.ndarray, least: str) -> Any:
    if x.size == 0 or x.size < THRESHOLDS[least] or x.dtype not in COMPILED or not x.flags.carray:
        return None
    return runtime.native("reduction")


def _trailing(x: np.ndarray, axes: Any) -> int:
    """Elements of the axes when they are the last ones, else 0."""
    if axes is None:
        return x.size
    chosen = sorted(a % x.ndim for a in ((axes,) if isinstance(axes, int) else axes))
    first = x.ndim - len(chosen)
    return math.prod(x.shape[first:]) if chosen == list(range(first, x.ndim)) else 0


def _shape(x: np.ndarray, axes: Any, keepdims: bool) -> tuple[int, ...]:
    chosen = range(x.ndim) if axes is None else [a % x.ndim for a in ((axes,) if isinstance(axes, int) else axes)]
    if keepdims:
        return tuple(1 if a in chosen else s for a, s in enumerate(x.shape))
    return tuple(s for a, s in enumerate(x.shape) if a not in chosen)


def _rows(kernel: Any, x: np.ndarray, n: int) -> np.ndarray:
    """One float64 for each row of n elements; a row longer than a piece of work is cut."""
    rows = x.size // n
    if rows * 8 > n or n < 2 * CHUNK:
        out = np.empty(rows)
        runtime.parallel(kernel, rows, x.reshape(rows, n), out, grain=max(1, THRESHOLDS["parallel.elements"] // n))
        return out
    whole = n // CHUNK * CHUNK
    lines = x.reshape(rows, n)
    out = np.zeros(rows)
    for r in range(rows):
        parts = np.empty(whole // CHUNK + 1)
        runtime.parallel(kernel, whole // CHUNK, lines[r, :whole].reshape(-1, CHUNK), parts)
        runtime.parallel(kernel, 1, lines[r : r + 1, whole:], parts[-1:])
        out[r] = parts.sum()
    return out


def add(x: np.ndarray, axes: Any, keepdims: bool = False) -> Any:
    """The sum over `axes` (None: all), in the dtype of `x`."""
    jit = _native(x, "reduction.numba")
    if jit is None:
        return _add(x, axis=axes, keepdims=keepdims)
    n = _trailing(x, axes)
    if not n:
        return _add(x, axis=axes, keepdims=keepdims)  # NumPy adds rows to rows as quickly as memory allows
    return _rows(jit.sum_rows, x, n).astype(x.dtype).reshape(_shape(x, axes, keepdims))[()]


def square(x: np.ndarray, axes: Any, keepdims: bool = False) -> Any:
    """The sum of squares of real numbers over `axes`."""
    jit = _native(x, "scan.numba")
    n = _trailing(x, axes) if jit is not None else 0
    if not n:
        return _add(x * x, axis=axes, keepdims=keepdims)
    return _rows(jit.square_rows, x, n).astype(x.dtype).reshape(_shape(x, axes, keepdims))[()]


def multiply(x: np.ndarray, axes: Any, keepdims: bool = False) -> Any:
    """The product over `axes`."""
    jit = _native(x, "scan.numba")
    n = _trailing(x, axes) if jit is not None else 0
    if not n:
        return _product(x, axes, keepdims)
    out = np.empty(x.size // n, x.dtype)
    grain = max(1, THRESHOLDS["parallel.elements"] // n)
    runtime.parallel(jit.product_rows, len(out), x.reshape(len(out), n), out, grain=grain)
    return out.reshape(_shape(x, axes, keepdims))[()]


def _product(x: np.ndarray, axes: Any, keepdims: bool) -> Any:
    if axes == x.ndim - 1 and x.shape[axes] >= 64 and x.dtype.kind == "f":
        n = x.shape[axes]
        while n > 8:  # halves are multiplied in vectors, where a product along the row is one number at a time
            half = n // 2
            y = x[..., :half] * x[..., half : 2 * half]
            if n % 2:
                y[..., 0] *= x[..., n - 1]
            x, n = y, half
    return _multiply(x, axis=axes, keepdims=keepdims)


def _scan(kernel: str, x: np.ndarray, axis: int) -> np.ndarray | None:
    """The scan along the last axis by the compiled kernel, also of a flipped array; None: NumPy's."""
    if x.size == 0 or x.ndim == 0 or axis % x.ndim != x.ndim - 1 or x.size < THRESHOLDS["scan.numba"] or x.dtype not in COMPILED:
        return None
    backwards = x.strides[-1] < 0
    source = x[..., ::-1] if backwards else x
    jit = runtime.native("reduction")
    if jit is None or not source.flags.carray:
        return None
    n = x.shape[-1]
    y = np.empty(x.shape, x.dtype)
    grain = max(1, THRESHOLDS["parallel.elements"] // n)
    runtime.parallel(getattr(jit, kernel), x.size // n, source.reshape(-1, n), y.reshape(-1, n), backwards, grain=grain)
    return y[..., ::-1] if backwards else y


def cumsum(x: np.ndarray, axis: int) -> np.ndarray:
    """``y[k] = x[0] + ... + x[k]`` along `axis`, in the dtype of `x`."""
    y = _scan("running_sum", x, axis)
    return np.cumsum(x, axis, dtype=x.dtype) if y is None else y


def cumprod(x: np.ndarray, axis: int) -> np.ndarray:
    """``y[k] = x[0] * ... * x[k]`` along `axis`, in the dtype of `x`."""
    y = _scan("running_product", x, axis)
    return np.cumprod(x, axis, dtype=x.dtype) if y is None else y


def warm() -> list[tuple[str, Any]]:
    """What ``python -m autograd_core.kernels warm`` compiles."""
    x = np.zeros((300, 300), np.float32)
    return [
        ("sum rows", lambda: add(x, 1)),
        ("sum of squares", lambda: square(x, 1)),
        ("product", lambda: multiply(x, 1)),
        ("cumsum", lambda: cumsum(x, 1)),
        ("cumprod", lambda: cumprod(x, 1)),
    ]
