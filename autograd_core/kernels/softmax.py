"""Softmax and log-softmax over one axis, with their backward passes.

    softmax(x, axis=-1) -> y                    y = exp(x - max x) / sum exp(x - max x)
    softmax_backward(g, y, axis=-1) -> gx       gx = y * (g - sum(g * y))
    log_softmax(x, axis=-1) -> y                y = x - max x - log sum exp(x - max x)
    log_softmax_backward(g, y, axis=-1) -> gx   gx = g - exp(y) * sum(g)

A slice with a NaN, with +inf, or of -inf only comes out as NaN, as in PyTorch. Results are C-contiguous in the dtype of
the first argument; float16 is computed in float32. The compiled kernels take float32; everything else is NumPy.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from . import runtime
from .thresholds import THRESHOLDS

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
NO_SHIFT = 60.0  # up to here exp and its sums are far from the ends of every type: nothing is to be subtracted before
SHORT = 1024  # longer sums are NumPy's, which adds by pairs


def _axis(function: str, x: np.ndarray, axis: int) -> int:
    if not -max(1, x.ndim) <= axis < max(1, x.ndim):
        raise IndexError(f"{function}: axis {axis} is out of range for a {x.ndim}-d array")
    return axis % max(1, x.ndim)


def _lines(x: np.ndarray, axis: int) -> tuple[int, int, int]:
    """`x` as (outer, length, inner) around `axis`."""
    shape = x.shape or (1,)
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


def _run(kernel: str, axis: int, *arrays: np.ndarray) -> np.ndarray | None:
    """The compiled kernel's answer, or None when the NumPy twin is the better choice."""
    x = arrays[0]
    if x.size < THRESHOLDS["softmax.numba"] or any(a.dtype != FLOAT32 for a in arrays):
        return None
    jit = runtime.native("softmax")
    if jit is None:
        return None
    outer, length, inner = _lines(x, axis)
    y = np.empty(x.shape, FLOAT32)
    cube = (outer, length) if inner == 1 else (outer, length, inner)
    views = [np.ascontiguousarray(a).reshape(cube) for a in arrays]
    out = y.reshape(cube)
    per_row = length * inner
    if inner == 1:
        runtime.parallel(getattr(jit, kernel), outer, *views, out, grain=-(-THRESHOLDS["parallel.exp"] // per_row))
    else:  # pieces of the (outer, inner) plane in strips of neighbouring columns
        strips = -(-inner // jit.STRIP)
        runtime.parallel(
            getattr(jit, kernel + "_strided"),
            outer * strips,
            *views,
            out,
            grain=-(-THRESHOLDS["parallel.exp"] * strips // per_row),
        )
    return y


@functools.lru_cache(maxsize=64)
def _ones(count: int, dtype: np.dtype) -> np.ndarray:
    return np.ones((count, 1), dtype)


def _sum(x: np.ndarray, axis: int) -> np.ndarray:
    """Sum along `axis`, which stays with length 1; a short last one as a product with ones, which is quicker."""
    if axis == x.ndim - 1 and x.shape[axis] <= SHORT:
        ones = _ones(x.shape[axis], x.dtype)
        return x.dot(ones) if x.ndim == 2 else x.reshape(-1, len(ones)).dot(ones).reshape(*x.shape[:-1], 1)
    return np.add.reduce(x, axis, keepdims=True)


def _half(function: Any, axis: int, *arrays: np.ndarray) -> np.ndarray:
    return function(*(a.astype(np.float32) for a in arrays), axis).astype(np.float16)


def _same_shape(function: str, g: np.ndarray, y: np.ndarray) -> None:
    if g.shape != y.shape:
        raise RuntimeError(
            f"{function}: the gradient has shape {g.shape} but the output has {y.shape}; they must agree"
        )


def _small(x: np.ndarray, axis: int) -> bool:
    """The everyday case that is NumPy's: floats, not many, an axis that is there."""
    return (
        0 < x.size < THRESHOLDS["softmax.numba"]
        and (x.dtype is FLOAT32 or x.dtype is FLOAT64)
        and -x.ndim <= axis < x.ndim
    )


def bounded(x: np.ndarray) -> bool:
    """Whether ``exp(x)`` can be summed as it is (not where there is a NaN)."""
    return bool(np.maximum.reduce(x, None) < NO_SHIFT and np.minimum.reduce(x, None) > -NO_SHIFT)


def _shifted(x: np.ndarray, axis: int) -> np.ndarray:
    """`x` minus its greatest element along `axis`, C-contiguous."""
    with np.errstate(invalid="ignore"):  # -inf - -inf: a NaN is the answer wanted
        return np.subtract(x, np.maximum.reduce(x, axis, keepdims=True), order="C")


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """``exp(x) / sum(exp(x))`` along `axis`, without overflow."""
    if _small(x, axis):
        if bounded(x):  # half the time of finding each slice's greatest element
            e = np.exp(x, order="C")
        else:
            e = _shifted(x, axis)
            np.exp(e, e)
        return np.divide(e, _sum(e, axis % x.ndim), e)
    axis = _axis("softmax", x, axis)
    if x.dtype == np.float16:
        return _half(softmax, axis, x)
    y = _run("softmax", axis, x)
    if y is not None or x.size == 0:
        return np.empty(x.shape, x.dtype) if y is None else y
    if x.ndim == 0:
        return softmax(x.reshape(1)).reshape(())
    y = _shifted(x, axis)
    np.exp(y, y)
    y /= _sum(y, axis)
    return y


def softmax_backward(g: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
    """Gradient of `softmax` from its output."""
    if _small(y, axis) and g.shape == y.shape and g.dtype is y.dtype:
        gx = np.multiply(g, y, order="C")
        return np.subtract(gx, y * _sum(gx, axis % y.ndim), out=gx)
    axis = _axis("softmax_backward", y, axis)
    _same_shape("softmax_backward", g, y)
    if y.dtype == np.float16:
        return _half(softmax_backward, axis, g, y)
    gx = _run("softmax_backward", axis, g, y)
    if gx is not None:
        return gx
    if y.ndim == 0:
        return softmax_backward(g.reshape(1), y.reshape(1)).reshape(())
    gx = np.multiply(g, y, order="C")
    total = _sum(gx, axis)
    return np.subtract(gx, y * total, out=gx)


def log_softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """``x - log(sum(exp(x)))`` along `axis`, without overflow or loss of small differences."""
    if _small(x, axis):
        d = _shifted(x, axis)
        return np.subtract(d, np.log(_sum(np.exp(d), axis % x.ndim)), d)
    axis = _axis("log_softmax", x, axis)
    if x.dtype == np.float16:
        return _half(log_softmax, axis, x)
    y = _run("log_softmax", axis, x)
    if y is not None or x.size == 0:
        return np.empty(x.shape, x.dtype) if y is None else y
    if x.ndim == 0:
        return log_softmax(x.reshape(1)).reshape(())
    y = _shifted(x, axis)
    y -= np.log(_sum(np.exp(y), axis))
    return y


def log_softmax_backward(g: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
    """Gradient of `log_softmax` from its output."""
    axis = _axis("log_softmax_backward", y, axis)
    _same_shape("log_softmax_backward", g, y)
    if y.dtype == np.float16:
        return _half(log_softmax_backward, axis, g, y)
    gx = _run("log_softmax_backward", axis, g, y)
    if gx is not None:
        return gx
    if y.ndim == 0:
        return log_softmax_backward(g.reshape(1), y.reshape(1)).reshape(())
    gx = np.exp(y, order="C")
    gx *= _sum(g, axis)
    return np.subtract(g, gx, out=gx)


def warm() -> list[tuple[str, Any]]:
    """What ``python -m autograd_core.kernels warm`` compiles."""
    rows, cube = np.zeros((64, 1024), np.float32), np.zeros((4, 64, 256), np.float32)
    forward, backward = (softmax, log_softmax), (softmax_backward, log_softmax_backward)
    return [(f.__name__, lambda f=f, x=x: f(x, 1)) for f in forward for x in (rows, cube)] + [
        (f.__name__, lambda f=f, x=x: f(x, x, 1)) for f in backward for x in (rows, cube)
    ]
