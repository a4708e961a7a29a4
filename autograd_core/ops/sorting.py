"""Order: sort, topk, median and quantiles, unique values, searching and counting.

The differentiable ones pick elements, so their rule puts the cotangent back where the elements came from.
"""

from __future__ import annotations

import math
from collections import namedtuple
from typing import Any

import numpy as np

from .. import dtypes
from ..errors import wrong_type
from ..kernels import selection
from ..op import defop, method, sym
from ..tensor import Tensor, wrap
from .arithmetic import tensor_of
from .dims import one_dim
from .index import gather_along
from .reduce import _put_out

__all__ = [
    "argsort", "bincount", "bucketize", "count_nonzero", "cummax", "cummin", "histc", "histogram", "isin", "kthvalue", "median",
    "mode", "msort", "nanmedian", "nanquantile", "quantile", "searchsorted", "sort", "topk", "unique", "unique_consecutive",
]  # fmt: skip


# ------------------------------------------------------------------------------------------------- declarations


def _order(x: Any, axis: int, descending: bool) -> Any:
    """Indices that sort along axis, equal elements in their order, NaN greatest (as PyTorch has it)."""
    if not descending:
        return np.argsort(x, axis, kind="stable")
    # descending and stable: sort the reversed array ascending, then reverse the result
    n = x.shape[axis]
    return (n - 1) - np.flip(np.argsort(np.flip(x, axis), axis, kind="stable"), axis)


def _sort(x: Any, axis: int, descending: bool) -> Any:
    index = _order(x, axis, descending)
    return gather_along(x, index, axis), index


_PICK: dict[str, Any] = dict(x=lambda g, indices, x_shape, axis, F: F.put_along(g, indices, x_shape, axis))

defop(
    _sort, params="axis descending", name="sort", outputs="values indices", differentiable="values",
    formula="the elements of x in order along axis, with their indices", **_PICK,
)  # fmt: skip


def _topk(x: Any, k: int, axis: int, largest: bool) -> Any:
    n = x.shape[axis]
    found = selection.top(x, k, axis, largest)
    if found is not None:
        return found
    if 0 < k < n // 8:  # a partition first: the k best in O(n), then only those are sorted
        key = -x if largest and x.dtype.kind in "f" else x
        if not (largest and x.dtype.kind != "f") and not (key.dtype.kind == "f" and np.isnan(key).any()):
            part = np.argpartition(key, k - 1, axis)
            part = np.sort(np.take(part, np.arange(k), axis), axis)  # by index, so that equal elements keep their order
            order = np.argsort(gather_along(key, part, axis), axis, kind="stable")
            index = gather_along(part, order, axis)
            return gather_along(x, index, axis), index
    index = np.take(_order(x, axis, largest), np.arange(k), axis)
    return gather_along(x, index, axis), index


defop(
    _topk, params="k axis largest", name="topk", outputs="values indices", differentiable="values",
    formula="the k largest (or smallest) elements along axis, with their indices", **_PICK,
)  # fmt: skip


def _rank(x: Any, k: int, axis: int) -> Any:
    """The element of rank k (0-based) along axis, dimension kept."""
    found = selection.rank(x, k, axis)
    if found is not None:
        return found
    index = np.take(np.argsort(x, axis, kind="stable"), [k], axis)
    return gather_along(x, index, axis), index


defop(
    _rank, params="k axis", name="rank", outputs="values indices", differentiable="values",
    formula="the element of rank k along axis, with its index", **_PICK,
)  # fmt: skip


def _median(x: Any, axis: int, skip_nan: bool) -> Any:
    """The lower middle element; NaN where there is one, unless NaN are skipped."""
    found = selection.median(x, axis, skip_nan)
    if found is not None:
        return found
    order = np.argsort(x, axis, kind="stable")  # NaN come last
    n = x.shape[axis]
    if x.dtype.kind == "f":
        nans = np.isnan(x).sum(axis, keepdims=True)
        k = np.where(nans > 0, np.maximum((n - nans - 1) // 2, 0) if skip_nan else n - nans, (n - 1) // 2)
    else:
        k = np.full([1 if a == axis else s for a, s in enumerate(x.shape)], (n - 1) // 2)
    index = gather_along(order, k, axis)
    return gather_along(x, index, axis), index


defop(
    _median, params="axis skip_nan", name="median_along", outputs="values indices", differentiable="values",
    formula="the lower of the middle elements along axis, with its index", **_PICK,
)  # fmt: skip


def _running(x: Any, axis: int, largest: bool) -> Any:
    """Running extremes and the index of the last element that set each (NaN stays)."""
    values = (np.maximum if largest else np.minimum).accumulate(x, axis)
    hit = (x == values) | (np.isnan(x) if x.dtype.kind == "f" else False)
    places = np.where(hit, np.arange(x.shape[axis]).reshape([-1 if a == axis else 1 for a in range(x.ndim)]), 0)
    return values, np.maximum.accumulate(places, axis)


defop(
    _running, params="axis largest", name="cumulative_extreme", outputs="values indices", differentiable="values",
    formula="the largest (or smallest) element so far along axis, with its index",
    x=lambda g, indices, x_shape, axis, F: F.scatter_add_zeros(g, indices, x_shape, axis),
)  # fmt: skip


def _mode(x: Any, axis: int) -> Any:
    """The most frequent element (the smallest among equals) and the last index it stands at."""
    moved = np.moveaxis(x, axis, -1)
    values = np.empty(moved.shape[:-1], x.dtype)
    index = np.empty(moved.shape[:-1], np.int64)
    for place in np.ndindex(moved.shape[:-1]):
        row = moved[place]
        found, counts = np.unique(row, return_counts=True)
        values[place] = found[np.argmax(counts)]
        index[place] = np.flatnonzero(row == values[place])[-1]
    return np.expand_dims(values, axis), np.expand_dims(index, axis)


defop(
    _mode, params="axis", name="mode_along", outputs="values indices", differentiable="values",
    formula="the most frequent element along axis, with an index of it", **_PICK,
)  # fmt: skip

# ------------------------------------------------------------------------------------------------- sorting

_Pair: Any = {
    n: namedtuple(n, ["values", "indices"])
    for n in ("sort", "topk", "kthvalue", "median", "nanmedian", "mode", "cummax", "cummin")
}  # type: ignore[misc]


def _scalar_pair(name: str, x: Tensor) -> Any:
    return _Pair[name](sym.alias(x), wrap(np.asarray(0, np.int64)))


def _refuse_complex(name: str, x: Tensor) -> Tensor:
    if x.array.dtype.kind == "c":
        raise RuntimeError(f"{name}: complex numbers have no order; compare abs() or real instead.")
    return x


@method()
def sort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool | None = None, out: Any = None) -> Any:
    """``(values, indices)`` in order along ``dim``; equal elements keep their order, NaN counts as greatest."""
    x = _refuse_complex("sort", tensor_of(input, "sort"))
    d = one_dim("sort", dim, x.array.ndim)
    return _put_out(out, _Pair["sort"](*sym.sort(x, d, descending)) if x.array.ndim else _scalar_pair("sort", x))


@method()
def argsort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool | None = None) -> Tensor:
    """The indices that sort along ``dim``."""
    x = _refuse_complex("argsort", tensor_of(input, "argsort"))
    d = one_dim("argsort", dim, x.array.ndim)
    return wrap(_order(x.array, d, descending) if x.array.ndim else np.asarray(0, np.int64))


@method()
def msort(input: Tensor) -> Tensor:
    """Sorted along the first dimension."""
    return sort(input, 0)[0]


@method()
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *, out: Any = None) -> Any:
    """``(values, indices)`` of the ``k`` largest (or smallest) elements along ``dim``, in order."""
    x = _refuse_complex("topk", tensor_of(input, "topk"))
    d = one_dim("topk", dim, x.array.ndim)
    n = x.array.shape[d] if x.array.ndim else 1
    if not 0 <= int(k) <= n:
        raise RuntimeError(f"topk: k must be between 0 and the size {n} of dimension {dim}, got {k}.")
    if not x.array.ndim:
        return _scalar_pair("topk", x)
    return _put_out(out, _Pair["topk"](*sym.topk(x, int(k), d, bool(largest))))


def _squeezed(name: str, pair: Any, d: int, keepdim: bool) -> Any:
    values, index = pair
    if not keepdim:
        shape = tuple(s for a, s in enumerate(index.array.shape) if a != d)
        values, index = sym.reshape(values, shape), wrap(index.array.reshape(shape))
    return _Pair[name](values, index)


@method()
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """``(values, indices)`` of the ``k``-th smallest element (counted from 1) along ``dim``."""
    x = _refuse_complex("kthvalue", tensor_of(input, "kthvalue"))
    d = one_dim("kthvalue", dim, x.array.ndim)
    n = x.array.shape[d] if x.array.ndim else 1
    if not 1 <= int(k) <= n:
        raise RuntimeError(f"kthvalue: k must be between 1 and the size {n} of dimension {dim}, got {k}.")
    return (
        _squeezed("kthvalue", sym.rank(x, int(k) - 1, d), d, keepdim) if x.array.ndim else _scalar_pair("kthvalue", x)
    )


def _median_of(name: str, input: Tensor, dim: Any, keepdim: bool, skip: bool) -> Any:
    x = _refuse_complex(name, tensor_of(input, name))
    if dim is None:
        flat = sym.reshape(x, (x.array.size,))
        if not x.array.size:
            return wrap(np.asarray(math.nan, x.array.dtype if x.array.dtype.kind == "f" else dtypes.default.numpy))
        return sym.reshape(sym.median_along(flat, 0, skip)[0], ())
    d = one_dim(name, dim, x.array.ndim)
    if not x.array.ndim:
        return _scalar_pair(name, x)
    if x.array.shape[d] == 0:
        raise IndexError(f"{name}: dimension {dim} of shape {x.array.shape} has no elements.")
    return _squeezed(name, sym.median_along(x, d, skip), d, keepdim)


@method()
def median(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The (lower) middle element of all, or ``(values, indices)`` along ``dim``; NaN where there is one."""
    return _median_of("median", input, dim, keepdim, False)


@method()
def nanmedian(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """:func:`median` without the NaN."""
    return _median_of("nanmedian", input, dim, keepdim, True)


@method()
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    """``(values, indices)`` of the most frequent element along ``dim``."""
    x = _refuse_complex("mode", tensor_of(input, "mode"))
    d = one_dim("mode", dim, x.array.ndim)
    return _squeezed("mode", sym.mode_along(x, d), d, keepdim) if x.array.ndim else _scalar_pair("mode", x)


@method()
def cummax(input: Tensor, dim: int) -> Any:
    """``(values, indices)`` of the largest element so far along ``dim``."""
    x = tensor_of(input, "cummax")
    d = one_dim("cummax", dim, x.array.ndim)
    return _Pair["cummax"](*sym.cumulative_extreme(x, d, True)) if x.array.ndim else _scalar_pair("cummax", x)


@method()
def cummin(input: Tensor, dim: int) -> Any:
    """``(values, indices)`` of the smallest element so far along ``dim``."""
    x = tensor_of(input, "cummin")
    d = one_dim("cummin", dim, x.array.ndim)
    return _Pair["cummin"](*sym.cumulative_extreme(x, d, False)) if x.array.ndim else _scalar_pair("cummin", x)


# ------------------------------------------------------------------------------------------------- quantiles

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(name: str, input: Tensor, q: Any, dim: Any, keepdim: bool, interpolation: str, skip_nan: bool) -> Tensor:
    x = tensor_of(input, name)
    if x.array.dtype.kind != "f":
        raise RuntimeError(f"{name}: needs a float tensor, got {x.dtype.name}.")
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(f"{name}: interpolation must be one of {', '.join(_INTERPOLATIONS)}, got {interpolation!r}.")
    if isinstance(q, Tensor) and q.array.dtype != x.array.dtype:
        raise RuntimeError(f"{name}: q is {q.dtype.name}, the input {x.dtype.name}; both must be of one type.")
    qs = np.asarray(q.array if isinstance(q, Tensor) else q, np.float64)
    if qs.ndim > 1:
        raise RuntimeError(f"{name}: q must be a number or a vector, got shape {qs.shape}.")
    if ((qs < 0) | (qs > 1)).any():
        raise RuntimeError(f"{name}: q must lie in [0, 1], got {qs.tolist()}.")
    whole = dim is None
    if whole:
        x, d, shape = sym.reshape(x, (x.array.size,)), 0, (1,) * x.array.ndim
    else:
        d = one_dim(name, dim, x.array.ndim)
        if x.array.ndim == 0:
            x = sym.reshape(x, (1,))
        shape = tuple(1 if a == d else s for a, s in enumerate(x.array.shape))
    if x.array.shape[d] == 0:
        raise RuntimeError(f"{name}: the input has no elements along the dimension (shape {x.array.shape}).")
    ordered = sym.sort(x, d, False)[0]
    nans = np.isnan(x.array).sum(d, keepdims=True)
    n = x.array.shape[d]
    last = np.maximum(n - nans, 1) - 1 if skip_nan else np.full(nans.shape, n - 1)
    parts = []
    for value in np.atleast_1d(qs):
        place = value * last
        if not skip_nan:
            place = np.where(nans > 0, n - 1, place)  # the last element is NaN then
        if interpolation == "lower":
            place = np.floor(place)
        elif interpolation == "higher":
            place = np.ceil(place)
        elif interpolation == "nearest":
            place = np.rint(place)
        low, high = np.floor(place).astype(np.int64), np.ceil(place).astype(np.int64)
        a, b = (sym.gather(ordered, wrap(k), d) for k in (low, high))
        weight = (np.full(place.shape, 0.5) * (high > low)) if interpolation == "midpoint" else place - low
        exact = (low == high).all()
        parts.append(a if exact else a + (b - a) * wrap(weight.astype(x.array.dtype)))
    parts = [sym.reshape(p, shape if keepdim or not whole else ()) for p in parts]
    if not keepdim and not whole:
        parts = [sym.reshape(p, tuple(s for a, s in enumerate(shape) if a != d)) for p in parts]
    if not keepdim and not whole and tensor_of(input, name).array.ndim == 0:
        parts = [sym.reshape(p, ()) for p in parts]
    return sym.stack(parts, 0) if qs.ndim else parts[0]


@method()
def quantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """The ``q``-quantiles (numbers in [0, 1]) of all elements, or along ``dim``; NaN where there is one."""
    return _quantile("quantile", input, q, dim, keepdim, interpolation, False)


@method()
def nanquantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """:func:`quantile` without the NaN."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, True)


# ------------------------------------------------------------------------------------------------- unique values


def _several(parts: list[Any]) -> Any:
    return parts[0] if len(parts) == 1 else tuple(parts)


@method()
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements (or slices along ``dim``) in order; on request, where each element went, and the counts."""
    x = tensor_of(input, "unique").array
    axis = None if dim is None else one_dim("unique", dim, x.ndim)
    values, inverse, counts = np.unique(x, return_inverse=True, return_counts=True, axis=axis, equal_nan=False)
    inverse = inverse.reshape(x.shape) if axis is None else inverse.reshape(-1)
    out = [wrap(values)]
    if return_inverse:
        out.append(wrap(inverse.astype(np.int64)))
    if return_counts:
        out.append(wrap(counts.astype(np.int64)))
    return _several(out)


@method()
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """Runs of equal elements (or slices along ``dim``) as one each."""
    x = tensor_of(input, "unique_consecutive").array
    rows = x.reshape(-1) if dim is None else np.moveaxis(x, one_dim("unique_consecutive", dim, x.ndim), 0)
    n = rows.shape[0]
    flat = rows.reshape(n, -1) if n else rows.reshape(0, 1)
    new = np.ones(n, bool)
    new[1:] = (flat[1:] != flat[:-1]).any(1)
    starts = np.flatnonzero(new)
    values = rows[starts] if dim is None else np.moveaxis(rows[starts], 0, one_dim("unique_consecutive", dim, x.ndim))
    inverse = np.cumsum(new) - 1
    out = [wrap(np.ascontiguousarray(values))]
    if return_inverse:
        out.append(wrap(inverse.reshape(x.shape) if dim is None else inverse))
    if return_counts:
        out.append(wrap(np.diff(np.append(starts, n)).astype(np.int64)))
    return _several(out)


# ------------------------------------------------------------------------------------------------- searching


def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Any = None,
) -> Tensor:
    """Where each value of ``input`` would be inserted to keep ``sorted_sequence`` (sorted in its last dimension) in order."""
    if side is not None and side not in ("left", "right"):
        raise RuntimeError(f"searchsorted: side must be 'left' or 'right', got {side!r}.")
    which: Any = "right" if right or side == "right" else "left"
    a = tensor_of(sorted_sequence, "searchsorted").array
    v = tensor_of(input, "searchsorted").array
    if sorter is not None:
        a = gather_along(a, tensor_of(sorter, "searchsorted").array, -1)
    if a.ndim == 1:
        index = np.searchsorted(a, v, which)
    else:
        if a.shape[:-1] != v.shape[:-1]:
            raise RuntimeError(f"searchsorted: all but the last dimension must agree: shapes {a.shape} and {v.shape}.")
        index = np.empty(v.shape, np.int64)
        for place in np.ndindex(a.shape[:-1]):
            index[place] = np.searchsorted(a[place], v[place], which)
    return wrap(np.asarray(index).astype(np.int32 if out_int32 else np.int64))


def bucketize(input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """The index of the bucket, between sorted ``boundaries``, that each value falls into."""
    b = tensor_of(boundaries, "bucketize")
    if b.array.ndim != 1:
        raise RuntimeError(f"bucketize: boundaries must be a vector, got shape {b.array.shape}.")
    return searchsorted(b, input, out_int32=out_int32, right=right)


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """For each element whether it is among ``test_elements``."""
    a, b = tensor_of(elements, "isin").array, tensor_of(test_elements, "isin").array
    return wrap(np.asarray(np.isin(a, b, invert=invert)))


# ------------------------------------------------------------------------------------------------- counting


@method()
def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """How many elements are not zero, of all or over ``dim``."""
    from .dims import many_dims

    x = tensor_of(input, "count_nonzero").array
    return wrap(np.asarray(np.count_nonzero(x, axis=many_dims("count_nonzero", dim, x.ndim)), np.int64))


@method()
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each value 0, 1, 2 ... occurs in a vector of integers, or the sum of its weights."""
    x = tensor_of(input, "bincount").array
    if x.ndim != 1 or x.dtype.kind not in "iu":
        raise RuntimeError(f"bincount: expects a vector of integers, got shape {x.shape} of {x.dtype}.")
    if x.size and x.min() < 0:
        raise RuntimeError(f"bincount: the integers must not be negative, got {int(x.min())}.")
    if minlength < 0:
        raise RuntimeError(f"bincount: minlength must not be negative, got {minlength}.")
    if weights is None:
        return wrap(np.bincount(x, minlength=minlength).astype(np.int64))
    w = tensor_of(weights, "bincount").array
    if w.shape != x.shape:
        raise RuntimeError(f"bincount: weights of shape {w.shape} do not fit the input of shape {x.shape}.")
    return wrap(np.bincount(x, w, minlength).astype(w.dtype if w.dtype == np.float32 else np.float64))


@method()
def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """Counts in ``bins`` equal bins from ``min`` to ``max`` (from the values when both are 0); others are left out."""
    x = tensor_of(input, "histc").array
    if bins <= 0:
        raise RuntimeError(f"histc: the number of bins must be positive, got {bins}.")
    lo, hi = float(min), float(max)
    if lo == hi and x.size:
        lo, hi = float(x.min()), float(x.max())
    if lo == hi:
        lo, hi = lo - 1, hi + 1
    if not (math.isfinite(lo) and math.isfinite(hi)) or lo > hi:
        raise RuntimeError(f"histc: the range [{lo}, {hi}] must be finite and increasing.")
    return wrap(np.histogram(x, bins, (lo, hi))[0].astype(x.dtype))


_Histogram: Any = namedtuple("histogram", ["hist", "bin_edges"])  # type: ignore[name-match]


@method()
def histogram(input: Tensor, bins: Any, *, range: Any = None, weight: Any = None, density: bool = False) -> Any:
    """``(hist, bin_edges)`` of the values, in equal bins or between given edges."""
    x = tensor_of(input, "histogram").array
    if x.dtype.kind != "f":
        raise RuntimeError(f"histogram: needs a float tensor, got {x.dtype}.")
    edges = bins.array if isinstance(bins, Tensor) else bins
    if not isinstance(edges, (int, np.ndarray)):
        raise wrong_type("histogram", "bins", "an int or a Tensor of edges", bins)
    w = None if weight is None else tensor_of(weight, "histogram").array
    hist, found = np.histogram(x, edges, range, density=density, weights=w)
    return _Histogram(wrap(hist.astype(x.dtype)), wrap(found.astype(x.dtype)))
