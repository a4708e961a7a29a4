"""Writing and reducing into places named by index tensors, as values: ``index_add``, ``scatter_reduce``, ``put`` and kin."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..op import defop, method, sym
from ..tensor import Tensor, wrap
from .arithmetic import add, div, floor_divide, tensor_of
from .dims import one_dim
from .index import _along, _check_scatter, _own_index, add_along, check_index, nonzero, normalise, scatter_add
from .shape import broadcast_shapes, expand

__all__ = [
    "argwhere", "index_add", "index_copy", "index_fill", "index_put", "index_reduce", "masked_scatter", "put", "scatter_reduce",
]  # fmt: skip


def _at(axis: int, index: Any) -> tuple[Any, ...]:
    return (*(builtins.slice(None),) * axis, index)


# ------------------------------------------------------------------------------------------------- declarations


def _index_add(x: Any, source: Any, index: Any, axis: int, alpha: Any) -> Any:
    out = np.array(x, order="C")
    add_along(out, index, source if alpha == 1 else source * out.dtype.type(alpha), axis)
    return out


defop(
    _index_add, "x source", "index axis alpha", name="index_add", formula="x with alpha * source added at index along axis",
    x=lambda g: g, source=lambda g, index, axis, alpha, F: F.take_index(g, _at(axis, index)) * alpha,
)  # fmt: skip

_UFUNC = {"prod": np.multiply, "amax": np.maximum, "amin": np.minimum}


def _start(kind: str, dtype: Any) -> Any:
    """The element that changes nothing."""
    if kind == "prod":
        return dtype.type(1)
    if dtype.kind == "f":
        return dtype.type(-np.inf if kind == "amax" else np.inf)
    if dtype.kind == "b":
        return kind == "amin"
    return np.iinfo(dtype).min if kind == "amax" else np.iinfo(dtype).max


def _scatter_fold(x: Any, index: Any, src: Any, kind: str, axis: int, include_self: bool) -> Any:
    out = np.array(x, order="C")
    where = _along(index, axis)
    if not include_self:
        out[where] = _start(kind, out.dtype)
    _UFUNC[kind].at(out, where, src[tuple(builtins.slice(n) for n in index.shape)])
    return out


def _cast_like(F: Any, hit: Any, x: Any) -> Any:
    return F.cast(hit, x.dtype if isinstance(x, (np.ndarray, np.generic)) else x.array.dtype)


def _head(F: Any, src: Any, index: Any) -> Any:
    """The part of src that the index covers."""
    return F.getitem(src, tuple(builtins.slice(n) for n in index.shape))


def _share(g: Any, x: Any, index: Any, src: Any, y: Any, axis: int, include_self: bool, needs: Any, F: Any) -> Any:
    """Equal extremes share the gradient evenly, the old element among them when it counts."""
    used = _head(F, src, index)
    mine = _cast_like(F, x == y, x)
    if not include_self:
        untouched = F.scatter_fill(F.cast(x == x, _np_type(x)) * 0 + 1, index, 0.0, axis)
        mine = mine * untouched + (1 - untouched) * 0
    theirs = _cast_like(F, used == F.gather(y, index, axis), x)
    each = g / F.maximum(F.scatter_add(mine, index, theirs, axis), 1.0)
    return each * mine, None, F.pad_to(F.gather(each, index, axis) * theirs, src.shape)


def _np_type(x: Any) -> Any:
    return x.dtype if isinstance(x, (np.ndarray, np.generic)) else x.array.dtype


def _others(g: Any, x: Any, index: Any, src: Any, axis: int, include_self: bool, needs: Any, F: Any) -> Any:
    """The product of the others: P/element without zeros; with one zero, that element's is the product of the rest."""
    used = _head(F, src, index)
    x0, s0 = _cast_like(F, x == 0, x), _cast_like(F, used == 0, x)
    x1, s1 = F.where(x == 0, 1.0, x), F.where(used == 0, 1.0, used)
    product = F.scatter_fold(x1, index, s1, "prod", axis, include_self)
    if include_self:
        zeros = F.scatter_add(x0, index, s0, axis)
        gx = F.where(zeros == x0, g * product / x1, 0.0)
    else:
        zeros = F.scatter_add(F.scatter_fill(x0, index, 0.0, axis), index, s0, axis)
        gx = F.scatter_fill(g, index, 0.0, axis)
    gs = F.where(F.gather(zeros, index, axis) == s0, F.gather(g * product, index, axis) / s1, 0.0)
    return gx, None, F.pad_to(gs, src.shape)


def _fold_rule(
    g: Any, x: Any, index: Any, src: Any, y: Any, kind: str, axis: int, include_self: bool, needs: Any, F: Any
) -> Any:
    if kind == "prod":
        return _others(g, x, index, src, axis, include_self, needs, F)
    return _share(g, x, index, src, y, axis, include_self, needs, F)


defop(
    _scatter_fold, "x index src", "kind axis include_self", name="scatter_fold",
    formula="x, reduced with src (product or extreme) at index along axis", joint=_fold_rule,
)  # fmt: skip

# ------------------------------------------------------------------------------------------------- along a dimension


def _along_dim(name: str, input: Any, dim: int, index: Any, source: Any) -> tuple[Tensor, Tensor, Tensor, int]:
    """Checked operands; 0-d ones as vectors of one element."""
    x, i, s = tensor_of(input, name), tensor_of(index, name), tensor_of(source, name)
    d = one_dim(name, dim, x.array.ndim)
    if s.array.dtype != x.array.dtype:
        raise RuntimeError(f"{name}: source is {s.dtype.name}, the input {x.dtype.name}; both must be of one type.")
    if i.array.ndim > 1:
        raise IndexError(f"{name}: the index must be a vector, got shape {i.array.shape}.")
    x1 = x if x.array.ndim else sym.reshape(x, (1,))
    i1 = i if i.array.ndim else sym.reshape(i, (1,))
    if s.array.ndim == 0:
        s = sym.reshape(s, (1,))
    elif i.array.ndim == 0 and s.array.ndim == x1.array.ndim - 1:
        s = sym.reshape(s, (*s.array.shape[:d], 1, *s.array.shape[d:]))
    expected = tuple(i1.array.size if k == d else n for k, n in enumerate(x1.array.shape))
    if s.array.shape != expected:
        raise ShapeError(
            f"{name}: source has shape {s.array.shape}; for an index of {i1.array.size} in dimension {d} of shape "
            f"{x.array.shape} it must be {expected}."
        )
    check_index(name, i1, x1.array.shape[d], d)
    return x1, i1, s, d


@method(inplace=True)
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Any = 1) -> Tensor:
    """``input`` with ``alpha * source`` added to the slices at ``index`` along ``dim`` (duplicates accumulate)."""
    x, i, s, d = _along_dim("index_add", input, dim, index, source)
    return sym.reshape(sym.index_add(x, s, i.array.astype(np.int64), d, alpha), input.array.shape)


@method(inplace=True)
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """``input`` with ``source`` written to the slices at ``index`` along ``dim``."""
    x, i, s, d = _along_dim("index_copy", input, dim, index, source)
    return sym.reshape(sym.replace_index(x, s, _at(d, i.array.astype(np.int64))), input.array.shape)


@method(inplace=True)
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """``input`` with the slices at ``index`` along ``dim`` set to a number or a 0-d tensor."""
    x, i = tensor_of(input, "index_fill"), tensor_of(index, "index_fill")
    d = one_dim("index_fill", dim, x.array.ndim)
    if i.array.ndim > 1:
        raise IndexError(f"index_fill: the index must be a vector, got shape {i.array.shape}.")
    n = x.array.shape[d] if x.array.ndim else 1
    k = np.atleast_1d(i.array)
    i = wrap(np.where(k < 0, k + n, k) if k.dtype.kind == "i" else k)
    check_index("index_fill", i, n, d)
    x1 = x if x.array.ndim else sym.reshape(x, (1,))
    if isinstance(value, Tensor):
        if value.array.ndim:
            raise RuntimeError(f"index_fill: value must be a number or a 0-d tensor, got shape {value.array.shape}.")
        y = sym.replace_index(x1, sym.cast(value, x.array.dtype), _at(d, i.array.astype(np.int64)))
    else:
        y = sym.fill_index(x1, _at(d, i.array.astype(np.int64)), value)
    return sym.reshape(y, x.array.shape)


_REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


@method(inplace=True)
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """``input`` reduced with the elements of ``src`` that ``index`` sends to each place.

    Parameters
    ----------
    reduce : {"sum", "prod", "mean", "amax", "amin"}
    include_self : bool
        Whether the elements of ``input`` take part (places that nothing is sent to keep theirs in any case).
    """
    return _reduced("scatter_reduce", input, dim, index, src, reduce, include_self)


def _reduced(name: str, input: Any, dim: int, index: Any, src: Any, reduce: str, include_self: bool) -> Tensor:
    if reduce not in _REDUCTIONS:
        raise RuntimeError(f"{name}: reduce must be one of {', '.join(_REDUCTIONS)}, got {reduce!r}.")
    x, i, s = tensor_of(input, name), tensor_of(index, name), tensor_of(src, name)
    shape = x.array.shape
    d = one_dim(name, dim, x.array.ndim)
    if s.array.dtype != x.array.dtype:
        raise RuntimeError(f"{name}: src is {s.dtype.name}, the input {x.dtype.name}; both must be of one type.")
    x, i, s = (v if v.array.ndim else sym.reshape(v, (1,)) for v in (x, i, s))
    _check_scatter(name, x, i, d, s)
    i = _own_index(i)
    if reduce in ("prod", "amax", "amin"):
        return sym.reshape(sym.scatter_fold(x, i, s, reduce, d, bool(include_self)), shape)
    start = x if include_self else sym.scatter_fill(x, i, 0, d)
    total = scatter_add(start, d, i, s)
    if reduce == "mean":
        counts = np.full(x.array.shape, 1 if include_self else 0, np.int64)
        np.add.at(counts, _along(i.array, d), 1)
        many = wrap(np.maximum(counts, 1).astype(x.array.dtype))
        total = div(total, many) if x.array.dtype.kind in "fc" else floor_divide(total, many)
    return sym.reshape(total, shape)


@method(inplace=True)
def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """:func:`scatter_reduce` of whole slices: ``index`` names one place along ``dim`` for each slice of ``source``."""
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce: reduce must be one of prod, mean, amax, amin, got {reduce!r}.")
    x, i, s, d = _along_dim("index_reduce", input, dim, index, source)
    wide = expand(sym.reshape(i, tuple(-1 if k == d else 1 for k in range(x.array.ndim))), s.array.shape)
    return sym.reshape(
        _reduced("index_reduce", x, d, wide, s, reduce, include_self), tensor_of(input, "index_reduce").array.shape
    )


# ------------------------------------------------------------------------------------------------- anywhere


@method(inplace=True)
def index_put(input: Tensor, indices: Any, values: Any, accumulate: bool = False) -> Tensor:
    """``input`` with ``input[indices] = values``, or added there when ``accumulate`` (duplicates add up)."""
    x, v = tensor_of(input, "index_put"), tensor_of(values, "index_put")
    if not isinstance(indices, (tuple, list)):
        raise TypeError(f"index_put: indices must be a tuple of tensors, got {type(indices).__name__}.")
    if v.array.dtype != x.array.dtype:
        raise RuntimeError(f"index_put: values are {v.dtype.name}, the input {x.dtype.name}; both must be of one type.")
    parts, _ = normalise(tuple(builtins.slice(None) if k is None else k for k in indices))
    try:
        shape = x.array[parts].shape
    except IndexError as error:
        raise IndexError(f"index_put: {error} (shape {x.array.shape}).") from None
    try:
        wide = sym.broadcast_to(v, shape)
    except RuntimeError:
        raise ShapeError(
            f"index_put: values of shape {v.array.shape} do not fit the indexed region of shape {shape}."
        ) from None
    if accumulate:
        return add(x, sym.add_at(wide, x.array.shape, parts))
    return sym.replace_index(x, wide, parts)


@method(inplace=True)
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """``input``, seen as a vector, with ``source`` written (or added) at ``index``."""
    x, i, s = tensor_of(input, "put"), tensor_of(index, "put"), tensor_of(source, "put")
    n = x.array.size
    if i.array.dtype != np.int64:
        raise RuntimeError(f"put: the index must be int64, got {i.dtype.name}.")
    if i.array.size != s.array.size:
        raise RuntimeError(f"put: {i.array.size} indices for {s.array.size} elements of source; give as many of each.")
    if i.array.size and (i.array.min() < -n or i.array.max() >= n):
        bad = int(i.array.min() if i.array.min() < -n else i.array.max())
        raise IndexError(f"put: index {bad} is out of range for {n} elements.")
    flat = index_put(
        sym.reshape(x, (n,)), (sym.reshape(i, (i.array.size,)),), sym.reshape(s, (s.array.size,)), accumulate
    )
    return sym.reshape(flat, x.array.shape)


@method(inplace=True)
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """``input`` with the elements where ``mask`` is True replaced by those of ``source``, in order."""
    x, m, s = tensor_of(input, "masked_scatter"), tensor_of(mask, "masked_scatter"), tensor_of(source, "masked_scatter")
    if m.array.dtype.kind != "b":
        raise RuntimeError(f"masked_scatter: the mask must be a bool tensor, got {m.dtype.name}.")
    if s.array.dtype != x.array.dtype:
        raise RuntimeError(
            f"masked_scatter: source is {s.dtype.name}, the input {x.dtype.name}; both must be of one type."
        )
    shape = broadcast_shapes(x.array.shape, m.array.shape)
    where = np.array(np.broadcast_to(m.array, shape))
    n = int(where.sum())
    if s.array.size < n:
        raise RuntimeError(f"masked_scatter: source has {s.array.size} elements, the mask asks for {n}.")
    values = sym.getitem(sym.reshape(s, (s.array.size,)), (builtins.slice(0, n),))
    return sym.replace_index(expand(x, shape), values, (where,))


@method()
def argwhere(input: Tensor) -> Tensor:
    """The indices of the elements that are not zero, one row each."""
    return nonzero(input)
