"""Gather rows and add into indexed places; duplicate indices accumulate, always in the order of the indices.

    take_rows(weight, index) -> weight[index]
    embedding_backward(g, index, rows, padding_idx=None, scale_grad_by_freq=False) -> gradient of the (rows, ...) weight
    add_rows(out, index, values, alpha=1) -> out        in place: out[index[k]] += alpha * values[k]
    add_at(out, index, values) -> out                   in place: out.reshape(-1)[index[k]] += values[k], index flat
    bounds(index) -> (least, greatest)
    along(kernel, x, index, values, axis)               "take_along", "add_along", "put_along": one index per element,
                                                        "take_slices", "add_slices": one for each slice along axis

Indices run from 0 to the length - 1; a negative one is an error here, wrap it before. The result does not depend on the
number of threads: each of them owns columns, not indices.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import runtime
from .thresholds import THRESHOLDS

INT64 = np.dtype(np.int64)
COMPILED = (np.dtype(np.float32), np.dtype(np.float64), INT64)


class PartGradient:
    """The gradient of an array of which only ``x[index]`` was used: zeros, and ``value`` there.

    The backward pass adds it into the gradient that the array has already, so that going through a sequence step by
    step, or taking it apart, costs as much as its parts and not as the whole once for each part.
    """

    __slots__ = ("index", "shape", "value")
    dtype = None  # no array's: the backward pass looks closer

    def __init__(self, value: np.ndarray, shape: tuple[int, ...], index: Any) -> None:
        self.value, self.shape, self.index = value, shape, index

    def whole(self) -> np.ndarray:
        """The gradient as an array."""
        out = np.zeros(self.shape, self.value.dtype)
        out[self.index] = self.value
        return out

    def add_to(self, array: np.ndarray) -> None:
        """Add it to an array, in place."""
        array[self.index] += self.value


def _check(function: str, index: np.ndarray, length: int) -> None:
    if index.dtype.kind not in "iu":
        raise RuntimeError(f"{function}: expected integer indices, got {index.dtype}")
    if index.size and (index.min() < 0 or index.max() >= length):
        at = tuple(int(i) for i in np.argwhere((index < 0) | (index >= length))[0])
        raise IndexError(f"{function}: index {index[at]} at {at} is out of range for {length} rows")


def take_rows(weight: np.ndarray, index: np.ndarray) -> np.ndarray:
    """``weight[index]``, shape ``index.shape + weight.shape[1:]``."""
    _check("embedding", index, weight.shape[0])
    return weight.take(index, 0, mode="clip") if index.size else np.empty(index.shape + weight.shape[1:], weight.dtype)


def embedding_backward(
    g: np.ndarray, index: np.ndarray, rows: int, padding_idx: int | None = None, scale_grad_by_freq: bool = False
) -> np.ndarray:
    """Sum of the gradients of each row taken; `padding_idx` gets none, `scale_grad_by_freq` makes it a mean."""
    if g.shape[: index.ndim] != index.shape:
        raise RuntimeError(f"embedding_backward: gradient {g.shape} does not belong to indices {index.shape}")
    row = g.shape[index.ndim :]
    gw = np.zeros((rows, *row), g.dtype)
    flat = index.reshape(-1)
    add_rows(gw, flat, g.reshape(len(flat), *row))
    if scale_grad_by_freq:
        gw /= np.maximum(np.bincount(flat, minlength=rows), 1).astype(g.dtype).reshape(-1, *(1,) * len(row))
    if padding_idx is not None:
        gw[padding_idx] = 0
    return gw


def add_rows(out: np.ndarray, index: np.ndarray, values: np.ndarray, alpha: float = 1) -> np.ndarray:
    """``out[index[k]] += alpha * values[k]`` for every k, in place."""
    if index.ndim != 1 or values.shape != index.shape + out.shape[1:] or out.ndim < 1:
        raise RuntimeError(
            f"add_rows: values must have shape {index.shape + out.shape[1:]} for indices {index.shape} "
            f"and an array of {out.shape}, got {values.shape}"
        )
    _check("add_rows", index, len(out))
    if alpha != 1:
        values = values * out.dtype.type(alpha)
    if values.size == 0:
        return out
    jit = None
    if values.size >= THRESHOLDS["indexing.numba"] and out.dtype in COMPILED and out.flags.carray:
        jit = runtime.native("indexing")
    if jit is None:
        if len(index) * 4 < len(out) or out.ndim == 1:
            np.add.at(out, index, values.astype(out.dtype, copy=False))
        else:  # sums of sorted runs: one ufunc call instead of one per index
            order = np.argsort(index, kind="stable")
            places, starts = np.unique(index[order], return_index=True)
            out[places] += np.add.reduceat(values[order], starts, axis=0, dtype=out.dtype)
        return out
    width = math.prod(out.shape[1:])
    strips = -(-width // jit.STRIP)
    runtime.parallel(
        jit.add_rows,
        strips,
        out.reshape(len(out), width),
        np.ascontiguousarray(index, np.int64),
        np.ascontiguousarray(values, out.dtype).reshape(len(index), width),
        grain=max(1, THRESHOLDS["parallel.elements"] * strips // values.size),
    )
    return out


def add_at(out: np.ndarray, index: np.ndarray, values: np.ndarray) -> np.ndarray:
    """``out.reshape(-1)[index[k]] += values[k]`` for every k, in place; what `numpy.add.at` does, quicker."""
    if index.shape != values.shape:
        raise RuntimeError(f"add_at: indices {index.shape} and values {values.shape} must have the same shape")
    if not out.flags.c_contiguous:
        raise RuntimeError("add_at: the array added into must be C-contiguous")
    _check("add_at", index, out.size)
    flat = out.reshape(-1)
    jit = None
    if values.size >= THRESHOLDS["indexing.numba"] and out.dtype in COMPILED and out.flags.carray:
        jit = runtime.native("indexing")
    if jit is None:
        np.add.at(flat, index.reshape(-1), values.reshape(-1).astype(out.dtype, copy=False))
    else:
        runtime.parallel(
            jit.add_at,
            1,
            flat,
            np.ascontiguousarray(index, np.int64).reshape(-1),
            np.ascontiguousarray(values, out.dtype).reshape(-1),
        )
    return out


def bounds(index: np.ndarray) -> tuple[int, int]:
    """The least and the greatest index, in one pass; there is at least one."""
    if index.size >= THRESHOLDS["selection.numba"] and index.dtype is INT64 and index.flags.carray:
        jit = runtime.native("indexing")
        if jit is not None:
            out = np.empty(2, np.int64)
            runtime.parallel(jit.bounds, 1, index.reshape(-1), out)
            return int(out[0]), int(out[1])
    return int(index.min()), int(index.max())


def along(kernel: str, x: np.ndarray, index: np.ndarray, values: np.ndarray | None, axis: int) -> np.ndarray | None:
    """Take from `x`, or add or put `values` into it in place, at `index` along `axis`; the result, or None: NumPy's.

    Compiled for large arrays when all dimensions but `axis` agree; then `x` must be C-contiguous if written to.

    Raises
    ------
    IndexError
        An index is negative or too large.
    """
    size = index.size if values is None else values.size
    if kernel == "take_slices":
        size *= x.size // x.shape[axis] if x.shape[axis] else 0
    if size == 0 or size < THRESHOLDS["selection.numba"] or x.dtype not in COMPILED or index.dtype is not INT64:
        return None
    lead, rest = x.shape[:axis], x.shape[axis + 1 :]
    slices = kernel.endswith("slices")
    taken = (*lead, index.size, *rest) if slices else index.shape
    if not slices and (index.ndim != x.ndim or taken[:axis] != lead or taken[axis + 1 :] != rest):
        return None
    if values is not None and (values.shape != taken or values.dtype != x.dtype or not x.flags.carray):
        return None
    jit = runtime.native("indexing")
    if jit is None:
        return None
    outer, inner = math.prod(lead), math.prod(rest)
    other = np.empty(taken, x.dtype) if values is None else np.ascontiguousarray(values)
    where = np.ascontiguousarray(index)
    bad = np.zeros(1, np.int64)
    shape = (outer, -1) if inner == 1 else (outer, -1, inner)
    runtime.parallel(
        getattr(jit, kernel + "_last" if inner == 1 else kernel),
        outer,
        (x if x.flags.carray else np.ascontiguousarray(x)).reshape(shape),
        where.reshape(-1) if slices else where.reshape(shape),
        other.reshape(shape),
        bad,
        grain=max(1, THRESHOLDS["parallel.elements"] * outer // size),
    )
    if bad[0]:
        low, high = bounds(where)
        raise IndexError(f"{kernel}: index {low if low < 0 else high} is out of range for size {x.shape[axis]}")
    return other if values is None else x


def warm() -> list[tuple[str, Any]]:
    """What ``python -m autograd_core.kernels warm`` compiles."""
    out, index = np.zeros((100, 64), np.float32), np.zeros(1000, np.int64)
    return [
        ("add_rows", lambda: add_rows(out, index, np.zeros((1000, 64), np.float32))),
        ("add_at", lambda: add_at(out, np.zeros(50_000, np.int64), np.zeros(50_000, np.float32))),
        ("bounds", lambda: bounds(np.zeros(10_000, np.int64))),
        *((name, lambda name=name: _warm_along(name)) for name in ("take_along", "add_along", "put_along")),
        *((name, lambda name=name: _warm_along(name)) for name in ("take_slices", "add_slices")),
    ]


def _warm_along(name: str) -> None:
    x = np.zeros((100, 100), np.float32)
    index = np.zeros(100 if name.endswith("slices") else x.shape, np.int64)
    for axis in (0, 1):
        along(name, x, index, None if name.startswith("take") else x.copy(), axis)
