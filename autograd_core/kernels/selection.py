"""The k-th smallest element of rows, medians, and the k first in order, found without sorting the rows.

    rank(x, k, axis)                -> values, indices     the element of rank k (from 0) along axis, dimension kept
    median(x, axis, skip_nan)       -> values, indices     the lower middle one; NaN where there is one unless skipped
    top(x, k, axis, largest)        -> values, indices     the k largest (or smallest), in order

NaN counts as greatest, and of equal elements the index is the one that a stable sort would give. Each returns None when
NumPy is the better choice: a small array, another dtype, many elements to select.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import runtime
from .thresholds import THRESHOLDS

COMPILED = tuple(np.dtype(t) for t in (np.float32, np.float64, np.int64, np.int32))
MOST = 64  # elements selected by insertion
Pair = tuple[np.ndarray, np.ndarray]


def _lines(x: np.ndarray, axis: int) -> tuple[Any, np.ndarray] | None:
    """The kernels and the array with `axis` as its last, or None."""
    if x.size == 0 or x.size < THRESHOLDS["selection.numba"] or x.dtype not in COMPILED:
        return None
    jit = runtime.native("selection")
    if jit is None:
        return None
    return jit, np.ascontiguousarray(x if axis == x.ndim - 1 else np.moveaxis(x, axis, -1))


def _back(a: np.ndarray, axis: int) -> np.ndarray:
    return a if axis == a.ndim - 1 else np.ascontiguousarray(np.moveaxis(a, -1, axis))


def _rank(x: np.ndarray, axis: int, k: int, median: bool, skip_nan: bool) -> Pair | None:
    found = _lines(x, axis)
    if found is None:
        return None
    jit, lines = found
    shape, n = lines.shape, lines.shape[-1]
    rows = math.prod(shape[:-1])
    values, index = np.empty(rows, x.dtype), np.empty(rows, np.int64)
    grain = max(1, THRESHOLDS["parallel.exp"] // n)
    runtime.parallel(jit.rank_rows, rows, lines.reshape(rows, n), k, median, skip_nan, values, index, grain=grain)
    kept = (*shape[:-1], 1)
    return _back(values.reshape(kept), axis), _back(index.reshape(kept), axis)


def rank(x: np.ndarray, k: int, axis: int) -> Pair | None:
    """The element of rank k along `axis`."""
    return _rank(x, axis, k, False, False)


def median(x: np.ndarray, axis: int, skip_nan: bool) -> Pair | None:
    """The lower of the middle elements along `axis`."""
    return _rank(x, axis, 0, True, skip_nan)


def top(x: np.ndarray, k: int, axis: int, largest: bool) -> Pair | None:
    """The k largest, or smallest, along `axis`, in order."""
    if not 0 < k <= min(MOST, x.shape[axis] // 2):
        return None
    found = _lines(x, axis)
    if found is None:
        return None
    jit, lines = found
    shape, n = lines.shape, lines.shape[-1]
    rows = math.prod(shape[:-1])
    values, index = np.empty((rows, k), x.dtype), np.empty((rows, k), np.int64)
    grain = max(1, THRESHOLDS["parallel.exp"] // n)
    runtime.parallel(jit.top_rows, rows, lines.reshape(rows, n), largest, values, index, grain=grain)
    kept = (*shape[:-1], k)
    return _back(values.reshape(kept), axis), _back(index.reshape(kept), axis)


def warm() -> list[tuple[str, Any]]:
    """What ``python -m autograd_core.kernels warm`` compiles."""
    x = np.zeros((100, 100), np.float32)
    return [
        ("rank", lambda: rank(x, 3, 1)),
        ("median", lambda: median(x, 1, False)),
        ("top", lambda: top(x, 3, 1, True)),
    ]
