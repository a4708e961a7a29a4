"""Reductions: sums, means, products, extremes, norms, cumulative forms, softmax.

A reduction's rule first puts the reduced dimensions back as size 1 (``F.unreduce``) and then broadcasts.
"""

from __future__ import annotations

import builtins
import math
from collections import namedtuple
from typing import Any

import numpy as np

from .. import dtypes
from ..dtypes import F32, F64
from ..kernels import reduction as reductions
from ..kernels import softmax as softmaxes
from ..op import defop, helper, method, sym
from ..tensor import Tensor, wrap
from .arithmetic import tensor_of
from .dims import many_dims, one_dim
from .index import gather_along

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "cumprod", "cumsum", "log_softmax", "logsumexp", "max",
    "mean", "min", "prod", "softmax", "std", "std_mean", "sum", "var", "var_mean",
]  # fmt: skip

_max, _min, _sum, _all, _any = builtins.max, builtins.min, builtins.sum, builtins.all, builtins.any

# NumPy types `keepdims` as a literal, so that a variable does not fit its overloads.
_add: Any = np.add.reduce
_maximum: Any = np.maximum.reduce
_minimum: Any = np.minimum.reduce

# ------------------------------------------------------------------------------------------------- declarations


@helper
def unreduce(F: Any, g: Any, shape: tuple[int, ...], axes: tuple[int, ...], keepdim: bool) -> Any:
    """``g`` with the reduced dimensions back as size 1."""
    return g if keepdim else F.reshape(g, tuple(1 if i in axes else s for i, s in enumerate(shape)))


@helper
def spread(F: Any, g: Any, shape: tuple[int, ...], axes: tuple[int, ...], keepdim: bool) -> Any:
    """``g`` repeated along the reduced dimensions."""
    if not keepdim and axes == tuple(range(len(axes))):  # the leading ones, or all
        return F.repeat_to(g, shape)
    return F.repeat_to(F.unreduce(g, shape, axes, keepdim), shape)


def _count(shape: tuple[int, ...], axes: tuple[int, ...]) -> int:
    return math.prod(shape[a] for a in axes)


defop(
    lambda x, axes, keepdim: (
        _add(x, axis=axes, keepdims=keepdim) if x.size < reductions.LARGE else reductions.add(x, axes, keepdim)
    ),
    params="axes keepdim",
    name="sum",
    formula="sum of x over axes",
    x=lambda g, x_shape, axes, keepdim, F: F.spread(g, x_shape, axes, keepdim),
)


def _mean(x: Any, axes: tuple[int, ...], keepdim: bool) -> Any:
    if x.dtype is F32 or x.dtype is F64:
        n = x.dtype.type((x.size if len(axes) == x.ndim else _count(x.shape, axes)) or math.nan)
        if x.size < reductions.LARGE:
            return _add(x, axis=axes, keepdims=keepdim) / n
        return reductions.add(x, axes, keepdim) / n
    total = (
        reductions.add(x, axes, keepdim)
        if x.dtype.itemsize > 2
        else _add(x, axis=axes, keepdims=keepdim, dtype=np.float32)
    )
    return np.true_divide(total, _count(x.shape, axes) or math.nan).astype(x.dtype, copy=False)  # float16 may overflow


defop(
    _mean,
    params="axes keepdim",
    name="mean",
    formula="sum of x over axes / n",
    x=lambda g, x_shape, axes, keepdim, F: F.spread(g / (_count(x_shape, axes) or math.nan), x_shape, axes, keepdim),
)


def _var(x: Any, axes: tuple[int, ...], correction: float, keepdim: bool) -> Any:
    n = _count(x.shape, axes)
    d = x - _mean(x, axes, True) if x.size else x
    squares = (d * d.conj()).real if x.dtype.kind == "c" else d * d
    freedom = _max(n - correction, 0)
    return np.true_divide(_add(squares, axis=axes, keepdims=keepdim), squares.dtype.type(freedom))


defop(
    _var,
    params="axes correction keepdim",
    name="var",
    holomorphic=False,
    formula="sum of |x - mean|^2 over axes / (n - correction)",
    x=lambda g, x, axes, correction, keepdim, F: (
        F.centred(x, axes)
        * F.unreduce(g, x.shape, axes, keepdim)
        * (2.0 / _denominator(_count(x.shape, axes) - correction))
    ),
)
helper(lambda F, x, axes: x - F.mean(x, axes, True), "centred")


def _denominator(n: float) -> float:
    return n if n > 0 else math.nan


defop(
    lambda x, axes, correction, keepdim: np.sqrt(_var(x, axes, correction, keepdim)),
    params="axes correction keepdim",
    name="std",
    holomorphic=False,
    formula="sqrt(var(x))",
    x=lambda g, x, y, axes, correction, keepdim, F: (
        F.centred(x, axes)
        * F.unreduce(g / (y * _denominator(_count(x.shape, axes) - correction)), x.shape, axes, keepdim)
    ),
)


def _prod(x: Any, axes: tuple[int, ...], keepdim: bool) -> Any:
    return reductions.multiply(x, axes, keepdim)


@helper
def prod_of_others(F: Any, x: Any, axis: int) -> Any:
    """For each element, the product of the other elements along axis (right also where some are 0)."""
    return F.exclusive_cumprod(x, axis) * F.flip(F.exclusive_cumprod(F.flip(x, (axis,)), axis), (axis,))


@helper
def exclusive_cumprod(F: Any, x: Any, axis: int) -> Any:
    """1, x0, x0 x1, ..."""
    n = x.shape[axis]
    head = (builtins.slice(None),) * axis
    one = F.getitem(x, (*head, builtins.slice(0, 1))) * 0 + 1
    return F.cumprod(F.cat([one, F.getitem(x, (*head, builtins.slice(0, _max(n - 1, 0))))], axis), axis) if n else x


def _prod_along(x: Any, axis: int, keepdim: bool) -> Any:
    return reductions.multiply(x, axis, keepdim)


# One dimension at a time: the product of the others is well defined where an element is 0 (y / x is not).
defop(
    _prod_along,
    params="axis keepdim",
    name="prod",
    formula="product of x along axis",
    x=lambda g, x, axis, keepdim, F: F.unreduce(g, x.shape, (axis,), keepdim) * F.prod_of_others(x, axis),
)


@helper
def cumprod_rule(F: Any, g: Any, x: Any, y: Any, axis: int) -> Any:
    """Suffix sums of g y over x; where x has a zero, each term's product is formed without it."""
    values = x if isinstance(x, (np.ndarray, np.generic)) else x.array
    if not (values == 0).any():
        return F.flip(F.cumsum(F.flip(g * y, (axis,)), axis), (axis,)) / x
    n = x.shape[axis]
    head = (builtins.slice(None),) * axis
    parts = []
    for i in range(n):  # d y_k / d x_i = (product of x_0..x_k without x_i) for k >= i
        before = F.getitem(x, (*head, builtins.slice(0, i)))
        lead = F.prod(before, axis, True)
        after = F.getitem(x, (*head, builtins.slice(i + 1, n)))
        one = F.getitem(x, (*head, builtins.slice(i, i + 1))) * 0 + 1
        tail = F.cumprod(F.cat([one, after], axis), axis)
        parts.append(F.sum(F.getitem(g, (*head, builtins.slice(i, n))) * tail * lead, (axis,), True))
    return F.cat(parts, axis)


defop(
    reductions.cumsum,
    params="axis",
    name="cumsum",
    formula="y_k = x_0 + ... + x_k along axis",
    x=lambda g, axis, F: F.flip(F.cumsum(F.flip(g, (axis,)), axis), (axis,)),
)
defop(
    reductions.cumprod,
    params="axis",
    name="cumprod",
    formula="y_k = x_0 ... x_k along axis",
    x=lambda g, x, y, axis, F: F.cumprod_rule(g, x, y, axis),
)


# Extremes over several dimensions share the gradient among equals; over one dimension it goes to the index.
@helper
def shared_extreme(F: Any, g: Any, x: Any, y: Any, axes: tuple[int, ...], keepdim: bool) -> Any:
    """g at the elements equal to the extreme, divided by how many they are."""
    y = F.unreduce(y, x.shape, axes, keepdim)
    hit = (x == y) | (F.isnan(x) & F.isnan(y))
    hit = F.cast(hit, _dtype(x))
    return F.unreduce(g, x.shape, axes, keepdim) * (hit / F.sum(hit, axes, True))


def _dtype(x: Any) -> Any:
    return x.dtype if isinstance(x, (np.ndarray, np.generic)) else x.array.dtype


for _name, _kernel in (("amax", np.maximum), ("amin", np.minimum)):
    defop(
        lambda x, axes, keepdim, _kernel=_kernel: _kernel.reduce(x, axis=axes, keepdims=keepdim),
        params="axes keepdim",
        name=_name,
        formula=f"{_name[1:]} of x over axes (equal elements share the gradient)",
        x=lambda g, x, y, axes, keepdim, F: F.shared_extreme(g, x, y, axes, keepdim),
    )


def _extreme(arg: Any) -> Any:
    def kernel(x: Any, axis: int, keepdim: bool) -> Any:
        index = arg(x, axis=axis, keepdims=True)
        values = gather_along(x, index, axis)
        return (values, index) if keepdim else (values.squeeze(axis), index.squeeze(axis))

    return kernel


for _name, _index in (("max", np.argmax), ("min", np.argmin)):
    defop(
        _extreme(_index),
        params="axis keepdim",
        name=f"{_name}_along",
        outputs="values indices",
        differentiable="values",
        formula=f"{_name} of x along axis, with its index",
        x=lambda g, indices, x_shape, axis, keepdim, F: F.put_along(
            F.unreduce(g, x_shape, (axis,), keepdim), F.unreduce(indices, x_shape, (axis,), keepdim), x_shape, axis
        ),
    )


def _logsumexp(x: Any, axes: tuple[int, ...], keepdim: bool) -> Any:
    top = _maximum(x, axis=axes, keepdims=True)
    top = np.where(np.isfinite(top), top, x.dtype.type(0))
    y = np.log(_add(np.exp(x - top), axis=axes, keepdims=True)) + top
    return y if keepdim else np.squeeze(y, axes)


defop(
    _logsumexp,
    params="axes keepdim",
    name="logsumexp",
    formula="log(sum of exp(x) over axes)",
    x=lambda g, x, y, axes, keepdim, F: (
        F.unreduce(g, x.shape, axes, keepdim) * F.exp_difference(x, F.unreduce(y, x.shape, axes, keepdim))
    ),
)


defop(
    softmaxes.softmax,
    params="axis",
    name="softmax",
    formula="exp(x) / sum of exp(x) along axis",
    x=lambda g, y, axis, F: F.softmax_backward(g, y, axis),
)
defop(
    softmaxes.softmax_backward,
    "u v",
    "axis",
    name="softmax_backward",
    formula="v (u - sum of u v along axis)",
    u=lambda g, v, axis, F: F.softmax_backward(g, v, axis),
    v=lambda g, u, v, axis, F: g * (u - F.sum(u * v, (axis,), True)) - u * F.sum(g * v, (axis,), True),
)
defop(
    softmaxes.log_softmax,
    params="axis",
    name="log_softmax",
    formula="x - log(sum of exp(x) along axis)",
    x=lambda g, y, axis, F: F.log_softmax_backward(g, y, axis),
)
defop(
    softmaxes.log_softmax_backward,
    "u v",
    "axis",
    name="log_softmax_backward",
    formula="u - exp(v) (sum of u along axis)",
    u=lambda g, v, axis, F: g - F.sum(g * F.exp(v), (axis,), True),
    v=lambda g, u, v, axis, F: -g * F.exp(v) * F.sum(u, (axis,), True),
)


def _vector_norm(x: Any, p: float, axes: tuple[int, ...], keepdim: bool) -> Any:
    if p == 2 and x.dtype.kind == "f":
        return np.sqrt(reductions.square(x, axes, keepdim))
    a = np.abs(x)
    if p == 2:
        return np.sqrt(_add(a * a, axis=axes, keepdims=keepdim))
    if p == 1:
        return _add(a, axis=axes, keepdims=keepdim)
    if p == math.inf:
        return _maximum(a, axis=axes, keepdims=keepdim)
    if p == -math.inf:
        return _minimum(a, axis=axes, keepdims=keepdim)
    if p == 0:
        return _add((a != 0).astype(a.dtype), axis=axes, keepdims=keepdim)
    return _add(a**p, axis=axes, keepdims=keepdim) ** (1 / p)


@helper
def norm_rule(F: Any, g: Any, x: Any, y: Any, p: float, axes: tuple[int, ...], keepdim: bool) -> Any:
    """d|x|_p: sgn(x) (|x|/|x|_p)^(p-1), and 0 where the norm is 0."""
    g, y = F.unreduce(g, x.shape, axes, keepdim), F.unreduce(y, x.shape, axes, keepdim)
    if p == 2:
        return F.over_or_zero(x, y) * g
    if p == 0:
        return x * 0 * g
    if p == 1:
        return F.sgn(x) * g
    a = F.abs(x)
    if p in (math.inf, -math.inf):
        hit = F.cast(a == y, _dtype(a))
        return F.sgn(x) * hit * (g / F.sum(hit, axes, True))
    if p < 2:  # |x|^(p-1) has an infinite slope at 0: leave those elements out
        return F.sgn(x) * F.where(a == 0, 0.0, F.pow(F.over_or_zero(F.where(a == 0, 1.0, a), y), p - 1)) * g
    return F.sgn(x) * F.pow(F.over_or_zero(a, y), p - 1) * g


defop(
    _vector_norm,
    params="p axes keepdim",
    name="vector_norm",
    holomorphic=False,
    formula="(sum of |x|^p over axes)^(1/p)",
    x=lambda g, x, y, p, axes, keepdim, F: F.norm_rule(g, x, y, p, axes, keepdim),
)

# ------------------------------------------------------------------------------------------------- sums and means


def _typed(input: Tensor, dtype: Any, name: str, floating: bool = False) -> Tensor:
    """``input`` converted to ``dtype``; integers are summed in int64 when it is left out."""
    if dtype is None and isinstance(input, Tensor) and (input.array.dtype is F32 or input.array.dtype is F64):
        return input
    x = tensor_of(input, name)
    kind = x.array.dtype.kind
    if dtype is not None:
        target = dtypes.to_numpy(dtype, name)
    elif kind in "iub" and not floating:
        target = dtypes.long.numpy
    else:
        target = x.array.dtype
    if floating and target.kind not in "fc":
        raise RuntimeError(
            f"{name}: needs a floating point or complex tensor, got {x.dtype.name}; convert it with float(), or pass dtype=."
        )
    return x if x.array.dtype == target else sym.cast(x, target)


def _pick(dim: Any, axis: Any, keepdim: bool, keepdims: bool | None) -> tuple[Any, bool]:
    """NumPy's spellings ``axis`` and ``keepdims`` are understood too."""
    return (dim if axis is None else axis), (keepdim if keepdims is None else keepdims)


@method()
def sum(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, axis: Any = None, keepdims: Any = None
) -> Tensor:
    """The sum of all elements, or over ``dim`` (one or several dimensions).

    Integers are summed in int64 unless ``dtype`` says otherwise.
    """
    dim, keepdim = _pick(dim, axis, keepdim, keepdims)
    x = _typed(input, dtype, "sum")
    return sym.sum(x, many_dims("sum", dim, x.array.ndim), keepdim)


@method()
def mean(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, axis: Any = None, keepdims: Any = None
) -> Tensor:
    """The arithmetic mean of all elements, or over ``dim``."""
    dim, keepdim = _pick(dim, axis, keepdim, keepdims)
    x = _typed(input, dtype, "mean", floating=True)
    return sym.mean(x, many_dims("mean", dim, x.array.ndim), keepdim)


def _spread_arguments(dim: Any, unbiased: Any, correction: Any) -> tuple[Any, float]:
    """PyTorch's two signatures: ``var(dim, unbiased, keepdim)`` and ``var(unbiased)``."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None else int(unbiased)
    return dim, correction


@method()
def var(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None,
    axis: Any = None, keepdims: Any = None,
) -> Tensor:  # fmt: skip
    """The variance over ``dim``, the sum of squares divided by ``n - correction`` (1 unless given)."""
    dim, keepdim = _pick(dim, axis, keepdim, keepdims)
    dim, correction = _spread_arguments(dim, unbiased, correction)
    x = _typed(input, None, "var", floating=True)
    return sym.var(x, many_dims("var", dim, x.array.ndim), correction, keepdim)


@method()
def std(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None,
    axis: Any = None, keepdims: Any = None,
) -> Tensor:  # fmt: skip
    """The square root of :func:`var`."""
    dim, keepdim = _pick(dim, axis, keepdim, keepdims)
    dim, correction = _spread_arguments(dim, unbiased, correction)
    x = _typed(input, None, "std", floating=True)
    return sym.std(x, many_dims("std", dim, x.array.ndim), correction, keepdim)


def var_mean(
    input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None
) -> Any:
    """``(var, mean)``."""
    d, c = _spread_arguments(dim, unbiased, correction)
    return var(input, d, keepdim=keepdim, correction=c), mean(input, d, keepdim)


def std_mean(
    input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None
) -> Any:
    """``(std, mean)``."""
    d, c = _spread_arguments(dim, unbiased, correction)
    return std(input, d, keepdim=keepdim, correction=c), mean(input, d, keepdim)


@method()
def prod(
    input: Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    axis: Any = None,
    keepdims: Any = None,
) -> Tensor:
    """The product of all elements, or along ``dim``."""
    dim, keepdim = _pick(dim, axis, keepdim, keepdims)
    x = _typed(input, dtype, "prod")
    if dim is None:
        return sym.prod(sym.reshape(x, (x.array.size,)), 0, False)
    if x.array.ndim == 0:
        return x
    return sym.prod(x, one_dim("prod", dim, x.array.ndim), keepdim)


def _needed(name: str, dim: Any, axis: Any) -> Any:
    d = dim if axis is None else axis
    if d is None:
        raise TypeError(f"{name}: missing argument dim.")
    return d


@method(inplace=True)
def cumsum(input: Tensor, dim: Any = None, *, dtype: Any = None, axis: Any = None, out: Any = None) -> Tensor:
    """Running sums along ``dim``."""
    dim = _needed("cumsum", dim, axis)
    x = _typed(input, dtype, "cumsum")
    return _put_out(out, sym.cumsum(x, one_dim("cumsum", dim, x.array.ndim)) if x.array.ndim else sym.clone(x))


@method(inplace=True)
def cumprod(input: Tensor, dim: Any = None, *, dtype: Any = None, axis: Any = None, out: Any = None) -> Tensor:
    """Running products along ``dim``."""
    dim = _needed("cumprod", dim, axis)
    x = _typed(input, dtype, "cumprod")
    return _put_out(out, sym.cumprod(x, one_dim("cumprod", dim, x.array.ndim)) if x.array.ndim else sym.clone(x))


# ------------------------------------------------------------------------------------------------- extremes

_ValuesIndices: Any = {n: namedtuple(n, ["values", "indices"]) for n in ("max", "min")}  # type: ignore[misc]


def _empty_error(name: str, shape: Any) -> Exception:
    return IndexError(
        f"{name}: the tensor of shape {tuple(shape)} has no elements to reduce; give a dim that is not empty."
    )


def _extreme_of(name: str, input: Tensor, dim: Any, keepdim: bool) -> Any:
    x = tensor_of(input, name)
    if dim is None:
        if not x.array.size:
            raise RuntimeError(
                f"{name}: the tensor of shape {x.array.shape} has no elements; give a dim that is not empty."
            )
        return getattr(sym, f"a{name}")(x, tuple(range(x.array.ndim)), False)
    from .arithmetic import maximum, minimum

    if isinstance(dim, Tensor):
        return maximum(x, dim) if name == "max" else minimum(x, dim)
    d = one_dim(name, dim, x.array.ndim)
    if x.array.ndim == 0:
        return _ValuesIndices[name](sym.alias(x), wrap(np.asarray(0, np.int64)))
    if x.array.shape[d] == 0:
        raise _empty_error(name, x.array.shape)
    return _ValuesIndices[name](*getattr(sym, f"{name}_along")(x, d, keepdim))


@method()
def max(input: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: Any = None, other: Any = None,
        out: Any = None) -> Any:  # fmt: skip
    """The largest element; along ``dim``, ``(values, indices)``; against another tensor, the elementwise maximum.

    The gradient goes to the index when ``dim`` is given, and is shared evenly among equals when not.
    """
    dim, keepdim = _pick(dim if other is None else other, axis, keepdim, keepdims)
    return _put_out(out, _extreme_of("max", input, dim, keepdim))


@method()
def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: Any = None, other: Any = None,
        out: Any = None) -> Any:  # fmt: skip
    """The smallest element; see :func:`max`."""
    dim, keepdim = _pick(dim if other is None else other, axis, keepdim, keepdims)
    return _put_out(out, _extreme_of("min", input, dim, keepdim))


def _put_out(out: Any, result: Any) -> Any:
    """PyTorch's ``out=``: a tensor, or a tuple of them for results that are one."""
    if out is None:
        return result
    from .shape import _into

    if isinstance(result, tuple):
        return type(result)(*(_into(o, r) for o, r in zip(out, result, strict=True)))
    return _into(out, result)


def _several_extreme(name: str, input: Tensor, dim: Any, keepdim: bool) -> Tensor:
    x = tensor_of(input, name)
    axes = many_dims(name, None if dim == () else dim, x.array.ndim)
    if _any(x.array.shape[a] == 0 for a in axes):
        raise _empty_error(name, x.array.shape)
    return getattr(sym, name)(x, axes, keepdim)


@method()
def amax(input: Tensor, dim: Any = (), keepdim: bool = False, *, axis: Any = None, keepdims: Any = None) -> Tensor:
    """The largest element over ``dim``; equal elements share the gradient."""
    return _several_extreme("amax", input, *_pick(dim, axis, keepdim, keepdims))


@method()
def amin(input: Tensor, dim: Any = (), keepdim: bool = False, *, axis: Any = None, keepdims: Any = None) -> Tensor:
    """The smallest element over ``dim``; equal elements share the gradient."""
    return _several_extreme("amin", input, *_pick(dim, axis, keepdim, keepdims))


def _arg(name: str, input: Tensor, dim: Any, keepdim: bool) -> Tensor:
    x = tensor_of(input, name).array
    if x.size == 0:
        raise _empty_error(name, x.shape)
    f = getattr(np, name)
    if dim is None:
        index = np.asarray(f(x))
        return wrap(index.reshape((1,) * x.ndim) if keepdim else index)
    d = one_dim(name, dim, x.ndim)
    return wrap(np.asarray(f(x, axis=d, keepdims=keepdim) if x.ndim else 0))


@method()
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False, *, axis: Any = None) -> Tensor:
    """The index of the (first) largest element, of the flattened tensor or along ``dim``."""
    return _arg("argmax", input, dim if axis is None else axis, keepdim)


@method()
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False, *, axis: Any = None) -> Tensor:
    """The index of the (first) smallest element, of the flattened tensor or along ``dim``."""
    return _arg("argmin", input, dim if axis is None else axis, keepdim)


@method()
def all(input: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None) -> Tensor:
    """Whether all elements are true (not 0)."""
    x = tensor_of(input, "all").array
    axes = many_dims("all", dim if axis is None else axis, x.ndim)
    y = np.asarray(np.all(x, axis=axes if len(axes) < x.ndim else None, keepdims=keepdim))
    return wrap(y.astype(np.uint8) if x.dtype == np.uint8 else y)


@method()
def any(input: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None) -> Tensor:
    """Whether any element is true (not 0)."""
    x = tensor_of(input, "any").array
    axes = many_dims("any", dim if axis is None else axis, x.ndim)
    y = np.asarray(np.any(x, axis=axes if len(axes) < x.ndim else None, keepdims=keepdim))
    return wrap(y.astype(np.uint8) if x.dtype == np.uint8 else y)


# ------------------------------------------------------------------------------------------------- exponential families


@method()
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False, *, axis: Any = None) -> Tensor:
    """``log(sum(exp(input)))`` over ``dim``, without overflow."""
    x = tensor_of(input, "logsumexp")
    if x.array.dtype.kind in "iub":
        x = sym.cast(x, dtypes.default.numpy)
    return sym.logsumexp(x, many_dims("logsumexp", dim if axis is None else axis, x.array.ndim), keepdim)


@method()
def softmax(input: Tensor, dim: int | None = None, *, dtype: Any = None, axis: Any = None) -> Tensor:
    """``exp(input) / sum(exp(input))`` along ``dim``."""
    x = _typed(input, dtype, "softmax", floating=True)
    d = dim if axis is None else axis
    if d is None:
        raise TypeError("softmax: missing argument dim; name the dimension whose elements sum to 1.")
    if x.array.ndim == 0:
        one_dim("softmax", d, 0)
        return sym.reshape(sym.softmax(sym.reshape(x, (1,)), 0), ())
    return sym.softmax(x, one_dim("softmax", d, x.array.ndim))


@method()
def log_softmax(input: Tensor, dim: int | None = None, *, dtype: Any = None, axis: Any = None) -> Tensor:
    """``log(softmax(input))`` along ``dim``, computed without overflow."""
    x = _typed(input, dtype, "log_softmax", floating=True)
    d = dim if axis is None else axis
    if d is None:
        raise TypeError("log_softmax: missing argument dim; name the dimension whose elements sum to 1.")
    if x.array.ndim == 0:
        one_dim("log_softmax", d, 0)
        return sym.reshape(sym.log_softmax(sym.reshape(x, (1,)), 0), ())
    return sym.log_softmax(x, one_dim("log_softmax", d, x.array.ndim))


# ------------------------------------------------------------------------------------------------- norms


def vector_norm(x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """``(sum |x|^ord)^(1/ord)`` over ``dim``; ``ord`` may be 0, inf and -inf."""
    x = _typed(x, dtype, "vector_norm", floating=True)
    axes = many_dims("vector_norm", dim, x.array.ndim)
    if not isinstance(ord, (int, float)):
        raise TypeError(f"vector_norm: ord must be a number, got {ord!r}.")
    if (ord < 0 or ord == math.inf) and _any(x.array.shape[a] == 0 for a in axes):
        raise RuntimeError(
            f"vector_norm: the norm of order {ord} of no elements is not defined (shape {x.array.shape})."
        )
    return sym.vector_norm(x, float(ord), axes, keepdim)
