"""The ops that the engine itself needs: sums to a shape, broadcasting, casting, copies, conjugation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..kernels import blas
from ..op import defop, helper, raw

__all__ = ["alias", "broadcast_to_", "cast", "clone_", "conj_", "real_", "sum_to"]


def _sum_to(x: Any, shape: tuple[int, ...]) -> Any:
    """Sum out the dimensions that broadcasting added or stretched."""
    extra = x.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(i + extra for i, s in enumerate(shape) if s == 1 and x.shape[i + extra] != 1)
    if not axes:
        return x.reshape(shape)
    if x.size >= 4096 and axes == tuple(range(len(axes))) and shape and x.flags.c_contiguous:  # as of a bias: rows
        return blas.sum_rows(x.reshape(-1, math.prod(x.shape[len(axes) :]))).reshape(shape)
    return np.add.reduce(x, axis=axes).reshape(shape)


sum_to = defop(
    _sum_to,
    params="shape",
    name="sum_to",
    formula="x summed over the dimensions that are not in shape",
    x=lambda g, x_shape, F: F.repeat_to(g, x_shape),
)


def _repeat_to(x: Any, shape: tuple[int, ...]) -> Any:
    """Broadcast for rules: a small result is copied, which is three times as quick as NumPy's view of it."""
    if math.prod(shape) > 4096:
        return _broadcast_to(x, shape)
    out = np.empty(shape, x.dtype)
    out[...] = x
    return out


defop(
    _repeat_to,
    params="shape",
    name="repeat_to",
    formula="x repeated to shape",
    x=lambda g, x_shape, F: F.sum_to(g, x_shape),
)


@helper
def shaped(F: Any, x: Any, shape: tuple[int, ...]) -> Any:
    """``x`` summed to ``shape``, itself where it has it."""
    return x if (x if F is raw else x.array).shape == shape else F.sum_to(x, shape)


def _broadcast_to(x: Any, shape: tuple[int, ...]) -> Any:
    """``np.broadcast_to`` in a fifth of its time: most backward passes begin with it."""
    if x.__class__ is not np.ndarray:
        x = np.asarray(x)
    old = x.shape
    if old == shape:
        return x.view()
    if x.flags.c_contiguous and len(shape) >= len(old) and x.size and 0 not in shape:
        lead = len(shape) - len(old)
        strides = [0] * lead
        for n, step, wanted in zip(old, x.strides, shape[lead:], strict=True):
            if n != wanted and n != 1:
                break
            strides.append(step if n == wanted else 0)
        else:
            y: Any = np.ndarray(shape, x.dtype, x, 0, strides)
            y.setflags(False)  # write=False
            return y
    return np.broadcast_to(x, shape)


broadcast_to_ = defop(
    _broadcast_to,
    params="shape",
    name="broadcast_to",
    formula="x repeated (without copying) to shape",
    view=True,
    x=lambda g, x_shape, F: F.sum_to(g, x_shape),
)

alias = defop(lambda x: x, name="alias", formula="x", x=lambda g: g)

clone_ = defop(lambda x: np.array(x, order="K"), name="clone", formula="a copy of x", x=lambda g: g)


def _cast(x: Any, dtype: Any) -> Any:
    if x.dtype == dtype:
        return x
    if x.dtype.kind == "c" and dtype.kind != "c":
        x = x.real
    return x.astype(dtype)


# The engine casts each gradient to its parent's dtype, so the rule passes it on.
cast = defop(_cast, params="dtype", name="cast", formula="x converted to dtype", x=lambda g: g)

conj_ = defop(
    lambda x: np.conj(x) if x.dtype.kind == "c" else x,
    name="conj",
    formula="x with its imaginary part negated",
    holomorphic=False,
    x=lambda g, F: F.conj(g),
)

real_ = defop(
    lambda x: x.real if x.dtype.kind == "c" else x,
    name="real",
    formula="the real part of x",
    holomorphic=False,
    view=True,
    x=lambda g: g,
)
