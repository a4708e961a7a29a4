"""Indexing: slices (views), integer and mask indexing (copies), assignment, gather and scatter."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from .. import dtypes
from ..errors import OutOfRangeError, ShapeError
from ..inplace import check_writable, store, write
from ..kernels import indexing
from ..kernels.indexing import PartGradient
from ..kernels.thresholds import THRESHOLDS
from ..op import defop, method, raw, sym
from ..tensor import Tensor, wrap
from .arithmetic import tensor_of
from .dims import one_dim

__all__ = [
    "gather", "index_select", "masked_select", "narrow", "nonzero", "scatter", "scatter_add", "select",
    "take_along_dim",
]  # fmt: skip

# ------------------------------------------------------------------------------------------------- declarations

defop(
    lambda x, index: x[index],
    params="index",
    name="getitem",
    formula="x[index], index of ints, slices, None and ...",
    view=True,
    x=lambda g, x_shape, index, F: F.setitem_zeros(g, x_shape, index),
)


defop(
    lambda x, shape, index: PartGradient(x, shape, index).whole(),
    params="shape index",
    name="setitem_zeros",
    formula="zeros of shape with x at index",
    x=lambda g, index, F: F.getitem(g, index),
)
raw.setitem_zeros = PartGradient  # on arrays the zeros are made, at most once, by the engine


def _one_axis(index: Any) -> int | None:
    """The axis of an index that is one integer array after full slices, None for any other."""
    last = index[-1]
    if not isinstance(last, np.ndarray) or last.dtype.kind == "b":
        return None
    for part in index[:-1]:
        if not isinstance(part, builtins.slice) or part != builtins.slice(None):
            return None
    return len(index) - 1


def _take_index(x: Any, index: Any) -> Any:
    axis = _one_axis(index)
    if axis is None:
        return x[index]
    where = index[-1]
    if where.ndim == 1 and axis:  # rows of axis 0 NumPy copies whole
        try:
            found = indexing.along("take_slices", x, where, None, axis)
        except IndexError:  # perhaps negative ones only
            found = None
        if found is not None:
            return found
    return x.take(where, axis)  # quicker than x[index]


def _add_at(g: Any, shape: tuple[int, ...], index: Any) -> Any:
    out = np.zeros(shape, g.dtype)
    axis = _one_axis(index)
    if axis is not None:
        add_along(out, _from_zero(index[-1], shape[axis]), g, axis)
    elif len(index) == 1 and isinstance(index[0], np.ndarray) and index[0].dtype.kind == "b":
        out[index] = g  # a mask names each place once
    else:
        np.add.at(out, index, g)
    return out


def _from_zero(index: Any, n: int) -> Any:
    """Indices with negative ones counted from the end."""
    return np.where(index < 0, index + n, index) if index.size and index.min() < 0 else index


ONE_PIECE = 2 * THRESHOLDS["parallel.elements"]


def add_along(out: Any, index: Any, values: Any, axis: int) -> None:
    """``out[:, ..., index] += values`` in place, duplicates accumulating; ``out`` is C-contiguous, ``index`` not negative."""
    if values.size < 512:
        np.add.at(out, (*(builtins.slice(None),) * axis, index), values)
        return
    if index.ndim == 1 and (axis or values.size < ONE_PIECE):  # rows of axis 0 have a way for several threads
        if indexing.along("add_slices", out, index, values, axis) is not None:
            return
    if axis == 0 and out.ndim > 1:
        indexing.add_rows(out, index.reshape(-1), values.reshape(index.size, *out.shape[1:]))
        return
    width = int(np.prod(out.shape[axis + 1 :], dtype=np.int64))
    places = (index.reshape(-1, 1) * width + np.arange(width)).reshape(-1) if width != 1 else index.reshape(-1)
    lead = out.size // (out.shape[axis] * width)
    if lead > 1:
        places = np.arange(lead).reshape(-1, 1) * (out.shape[axis] * width) + places
    indexing.add_at(
        out,
        places.reshape(-1),
        np.broadcast_to(values, (*out.shape[:axis], *index.shape, *out.shape[axis + 1 :])).reshape(-1),
    )


defop(
    _take_index,
    params="index",
    name="take_index",
    formula="x[index], index with integer or bool tensors",
    x=lambda g, x_shape, index, F: F.add_at(g, x_shape, index),
)
defop(
    _add_at,
    params="shape index",
    name="add_at",
    formula="zeros of shape, x added at index (duplicates accumulate)",
    x=lambda g, index, F: F.take_index(g, index),
)


def _replace_index(x: Any, value: Any, index: Any) -> Any:
    out = np.array(x, order="K")
    out[index] = value
    return out


# x[index] = value as a value: the gradient of x is g with the written places zeroed, that of value is g at those places.
defop(
    _replace_index,
    "x value",
    "index",
    name="replace_index",
    elementwise=True,
    promote="none",
    formula="x with value at index",
    x=lambda g, index, F: F.fill_index(g, index, 0.0),
    value=lambda g, index, F: F.take_any(g, index),
)
defop(
    lambda x, index, value: _replace_index(x, value, index),
    params="index value",
    name="fill_index",
    formula="x with a number at index",
    x=lambda g, index, F: F.fill_index(g, index, 0.0),
)
defop(
    lambda x, index: np.array(x[index]),
    params="index",
    name="take_any",
    formula="a copy of x[index]",
    x=lambda g, x_shape, index, F: F.add_at(g, x_shape, index),
)


def _put_along(x: Any, index: Any, shape: tuple[int, ...], axis: int) -> Any:
    out = np.zeros(shape, x.dtype)
    if indexing.along("put_along", out, index, x, axis) is None:
        np.put_along_axis(out, index, x, axis)
    return out


def _plain(index: Any) -> Any:
    return index.array if isinstance(index, Tensor) else index


defop(
    _put_along,
    "x index",
    "shape axis",
    name="put_along",
    formula="zeros of shape with x at index along axis (no index twice)",
    x=lambda g, index, axis, F: F.take_along(g, index, axis),
)
defop(
    lambda x, index, axis: np.take_along_axis(x, index, axis),
    "x index",
    "axis",
    name="take_along",
    formula="y[i][j] = x[index[i][j]][j] along axis",
    x=lambda g, index, x_shape, axis, F: F.scatter_add_zeros(g, index, x_shape, axis),
)


def _along(index: Any, axis: int) -> tuple[Any, ...]:
    """The full index tuple of elements ``index`` along ``axis`` (other dimensions count through)."""
    last = index.ndim - 1
    return tuple(
        index if d == axis else np.arange(n).reshape((1,) * d + (n,) + (1,) * (last - d))
        for d, n in enumerate(index.shape)
    )


def flat_places(index: Any, shape: tuple[int, ...], axis: int) -> Any:
    """The row-major places, in an array of ``shape``, of elements ``index`` along ``axis`` (other dimensions count through)."""
    step, places = 1, None
    for d in range(len(shape) - 1, -1, -1):
        if d == axis:
            part = index if step == 1 else index * step
        elif index.shape[d] > 1:
            part = np.arange(0, index.shape[d] * step, step).reshape(-1, *(1,) * (len(shape) - 1 - d))
        else:
            part = None
        if part is not None:
            places = part if places is None else places + part
        step *= shape[d]
    return places


def _covered(x: Any, index: Any) -> Any:
    """The part of x that an index covers."""
    return x if x.shape == index.shape else x[tuple(builtins.slice(n) for n in index.shape)]


def _scatter_add_zeros(x: Any, index: Any, shape: tuple[int, ...], axis: int) -> Any:
    out = np.zeros(shape, x.dtype)
    if index.size and indexing.along("add_along", out, index, x, axis) is None:
        indexing.add_at(out, flat_places(index, shape, axis), _covered(x, index))
    return out


def gather_along(x: Any, index: Any, axis: int) -> Any:
    """What :func:`gather` computes: ``np.take_along_axis`` in a third of its time."""
    if not index.size:
        return np.empty(index.shape, x.dtype)
    found = indexing.along("take_along", x, index, None, axis)
    if found is not None:
        return found
    return np.ascontiguousarray(x).reshape(-1).take(flat_places(index, x.shape, axis), mode="clip")  # checked before


defop(
    _scatter_add_zeros,
    "x index",
    "shape axis",
    name="scatter_add_zeros",
    formula="zeros of shape, x added at index along axis",
    x=lambda g, index, x_shape, axis, F: F.pad_to(F.gather(g, index, axis), x_shape),
)


def _pad_to(x: Any, shape: tuple[int, ...]) -> Any:
    if x.shape == shape:
        return x
    out = np.zeros(shape, x.dtype)
    out[tuple(builtins.slice(n) for n in x.shape)] = x
    return out


defop(
    _pad_to,
    params="shape",
    name="pad_to",
    formula="x, zeros behind it up to shape",
    x=lambda g, x_shape, F: F.getitem(g, tuple(builtins.slice(n) for n in x_shape)),
)
defop(
    gather_along,
    "x index",
    "axis",
    name="gather",
    formula="y[i][j] = x[index[i][j]][j] along axis",
    x=lambda g, index, x_shape, axis, F: F.scatter_add_zeros(g, index, x_shape, axis),
)


def _scatter(x: Any, index: Any, src: Any, axis: int) -> Any:
    out = np.array(x, order="K")
    where = _along(index, axis)
    out[where] = src[tuple(builtins.slice(n) for n in index.shape)] if isinstance(src, np.ndarray) and src.ndim else src
    return out


defop(
    _scatter,
    "x index src",
    "axis",
    name="scatter",
    formula="x with src written at index along axis",
    x=lambda g, index, axis, F: F.scatter_fill(g, index, 0.0, axis),
    src=lambda g, index, src_shape, axis, F: F.pad_to(F.gather(g, index, axis), src_shape),
)
defop(
    lambda x, index, value, axis: _scatter(x, index, value, axis),
    "x index",
    "value axis",
    name="scatter_fill",
    formula="x with a number at index along axis",
    x=lambda g, index, axis, F: F.scatter_fill(g, index, 0.0, axis),
)


def _scatter_add(x: Any, index: Any, src: Any, axis: int) -> Any:
    out = np.array(x, order="C")
    if index.size and indexing.along("add_along", out, index, src, axis) is None:
        indexing.add_at(out, flat_places(index, out.shape, axis), _covered(src, index))
    return out


defop(
    _scatter_add,
    "x index src",
    "axis",
    name="scatter_add",
    formula="x with src added at index along axis",
    x=lambda g: g,
    src=lambda g, index, src_shape, axis, F: F.pad_to(F.gather(g, index, axis), src_shape),
)

# ------------------------------------------------------------------------------------------------- x[...]


def _index_part(part: Any, advanced: list[bool]) -> Any:
    """One part of an index as NumPy understands it; notes in ``advanced`` whether it makes a copy."""
    if part is None or part is Ellipsis:
        return part
    if isinstance(part, builtins.slice):
        step = 1 if part.step is None else int(part.step)
        if step <= 0:
            raise ValueError(f"getitem: slice step must be positive, got {step}; use flip() to reverse.")
        start = None if part.start is None else int(part.start)
        stop = None if part.stop is None else int(part.stop)
        return builtins.slice(start, stop, step)
    if isinstance(part, Tensor):
        part = part.array
    if isinstance(part, (bool, np.bool_)):
        advanced[0] = True
        return np.asarray(part)
    if isinstance(part, int):
        return part
    if isinstance(part, (list, tuple, range)):
        part = np.asarray([_plain(p) for p in part] if len(part) else np.empty(0, np.int64))
        if part.size == 0 and part.dtype.kind == "f":
            part = part.astype(np.int64)
    if isinstance(part, (np.ndarray, np.integer)):
        if part.ndim == 0 and part.dtype.kind in "iu":
            return int(part)
        if part.dtype.kind not in "iub":
            raise IndexError(f"getitem: a tensor used as index must be integer or bool, got {part.dtype}.")
        advanced[0] = True
        return part.astype(bool) if part.dtype == np.uint8 else np.array(part)  # a copy: it is kept for backward
    if hasattr(part, "__index__"):
        return int(part)
    raise IndexError(
        f"getitem: only ints, slices, ..., None, integer and bool tensors are indices, got {type(part).__name__}."
    )


def normalise(index: Any) -> tuple[tuple[Any, ...], bool]:
    """An index as a tuple of NumPy's parts, and whether it is advanced (makes a copy)."""
    advanced = [False]
    if isinstance(index, tuple) or (
        isinstance(index, list) and any(isinstance(p, (builtins.slice, type(None), type(Ellipsis))) for p in index)
    ):
        parts = tuple(_index_part(p, advanced) for p in index)
    else:
        parts = (_index_part(index, advanced),)
    if not advanced[0] and not any(p is Ellipsis for p in parts):
        parts = (*parts, Ellipsis)  # so that NumPy gives an array, not a scalar
    return parts, advanced[0]


def _index_error(x: Tensor, index: Any, error: BaseException) -> IndexError:
    return IndexError(f"getitem: {error} (index {index!r}, shape {tuple(x.array.shape)}).")


@method("__getitem__")
def getitem(input: Tensor, index: Any) -> Tensor:
    """``input[index]``: a view for ints, slices, None and ..., a copy with integer or bool tensors."""
    if index.__class__ is int:
        parts, advanced = (index, Ellipsis), False
    else:
        parts, advanced = normalise(index)
    try:
        if advanced:
            return sym.take_index(input, parts)
        return sym.getitem(input, parts)
    except IndexError as error:
        raise _index_error(input, index, error.__cause__ or error) from None


@method("__setitem__")
def setitem(input: Tensor, index: Any, value: Any) -> None:
    """``input[index] = value``, recorded: gradients flow to ``value`` and to what was not overwritten."""
    check_writable(input, "setitem")
    parts, _ = normalise(index)
    x = input.array
    if isinstance(value, Tensor):
        v = value
    elif isinstance(value, (bool, int, float, complex, np.ndarray, np.generic)):
        v = wrap(np.asarray(value))
    else:
        raise TypeError(f"setitem: expected a Tensor or a number to assign, got {type(value).__name__}.")
    if dtypes.category(v.array.dtype) > dtypes.category(x.dtype) == 3:
        raise RuntimeError(
            f"setitem: a value of type {v.dtype.name} cannot be stored in a tensor of type {input.dtype.name}."
        )
    if v.array.dtype != x.dtype:
        v = sym.cast(v, x.dtype)
    try:
        where = x[parts].shape
        fitted = _fit_value(v, where)
    except IndexError as error:
        raise _index_error(input, index, error) from None
    if v.node is None and input.node is None and (input.extra is None or input.extra.view_of is None):
        store_index(x, parts, fitted.array)
        from ..graph import wrote

        wrote(x)
        return
    from ..graph import mode

    if not mode.grad:
        store_index(x, parts, fitted.array)
        from ..graph import wrote

        wrote(x)
        return
    write(input, sym.replace_index(input, fitted, parts), "setitem")


def store_index(x: Any, parts: Any, value: Any) -> None:
    """NumPy's assignment, with the house's error for read-only memory."""
    try:
        x[parts] = value
    except ValueError:
        store(x, x, "setitem")
        raise


def _fit_value(value: Tensor, shape: tuple[int, ...]) -> Tensor:
    """``value`` in a shape that assigns to ``shape`` (leading dimensions of size 1 may be dropped, as PyTorch allows)."""
    s = value.array.shape
    extra = len(s) - len(shape)
    if extra > 0 and all(k == 1 for k in s[:extra]):
        value = sym.reshape(value, s[extra:])
        s = s[extra:]
    try:
        if np.broadcast_shapes(s, shape) == shape:
            return value
    except ValueError:
        pass
    raise ShapeError(f"setitem: a value of shape {s} cannot be assigned to the indexed region of shape {shape}.")


# ------------------------------------------------------------------------------------------------- functions


def check_index(name: str, index: Tensor, size: int, dim: int) -> None:
    """Raise unless all of ``index`` are integers in [0, size)."""
    a = index.array
    if a.dtype.kind not in "iu" or a.dtype == np.uint8:
        raise RuntimeError(f"{name}: the index must be an int64 tensor, got {index.dtype.name}.")
    low, high = indexing.bounds(a) if a.size else (0, -1)
    if low < 0 or high >= size:
        bad = low if low < 0 else high
        raise OutOfRangeError(f"{name}: index {bad} is out of range for dimension {dim} with size {size}.")


@method()
def index_select(input: Tensor, dim: int, index: Tensor, *, out: Any = None) -> Tensor:
    """The slices at ``index`` (1-d) along ``dim``, as a copy."""
    x, i = tensor_of(input, "index_select"), tensor_of(index, "index_select")
    if i.array.ndim > 1:
        raise IndexError(f"index_select: the index must be a vector, got shape {i.array.shape}.")
    d = one_dim("index_select", dim, x.array.ndim)
    check_index("index_select", i, x.array.shape[d] if x.array.ndim else 1, d)
    if x.array.ndim == 0:
        return sym.clone(x)
    result = sym.take_index(x, (*(builtins.slice(None),) * d, np.array(i.array, ndmin=1)))
    if out is None:
        return result
    from .shape import _into

    return _into(out, result)


@method()
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """``out[i][j] = input[index[i][j]][j]`` for dim 0, and so on."""
    x, i = tensor_of(input, "gather"), tensor_of(index, "gather")
    d = one_dim("gather", dim, x.array.ndim)
    _check_scatter("gather", x, i, d)
    if x.array.ndim == 0:
        return sym.reshape(sym.gather(sym.reshape(x, (1,)), sym.reshape(i, (1,)), 0), i.array.shape)
    return sym.gather(x, _own_index(i), d)


def _own_index(index: Tensor) -> Tensor:
    return wrap(index.array.astype(np.int64, copy=False))


def _check_scatter(name: str, x: Tensor, index: Tensor, d: int, src: Tensor | None = None) -> None:
    nx, ni = builtins.max(x.array.ndim, 1), builtins.max(index.array.ndim, 1)
    if nx != ni:
        raise RuntimeError(
            f"{name}: the index must have as many dimensions as the input: shapes {index.array.shape} and {x.array.shape}."
        )
    for k, (a, b) in enumerate(zip(index.array.shape, x.array.shape, strict=False)):
        if k != d and a > b:
            raise RuntimeError(
                f"{name}: size {a} of the index in dimension {k} exceeds the input's {b} (shapes {index.array.shape}, {x.array.shape})."
            )
    if src is not None and any(a > b for a, b in zip(index.array.shape, src.array.shape, strict=False)):
        raise RuntimeError(f"{name}: the index of shape {index.array.shape} exceeds src of shape {src.array.shape}.")
    check_index(name, index, x.array.shape[d] if x.array.ndim else 1, d)


@method(inplace=True)
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """``input`` with ``src`` (a tensor or a number) written at ``index`` along ``dim``."""
    if src is None:
        src = value
    if src is None:
        raise TypeError("scatter: missing argument src (a tensor) or value (a number).")
    if reduce is not None:
        return _scatter_reduced(input, dim, index, src, reduce)
    x, i = tensor_of(input, "scatter"), tensor_of(index, "scatter")
    d = one_dim("scatter", dim, x.array.ndim)
    if isinstance(src, Tensor):
        _check_scatter("scatter", x, i, d, src)
        if src.array.dtype != x.array.dtype:
            raise RuntimeError(f"scatter: src is {src.dtype.name}, the input {x.dtype.name}; both must be of one type.")
        return sym.scatter(x, _own_index(i), src, d)
    _check_scatter("scatter", x, i, d)
    return sym.scatter_fill(x, _own_index(i), src, d)


def _scatter_reduced(input: Tensor, dim: int, index: Tensor, src: Any, reduce: str) -> Tensor:
    kinds = {"add": "sum", "multiply": "prod"}
    if reduce not in kinds:
        raise RuntimeError(
            f"scatter: reduce must be 'add' or 'multiply', got {reduce!r}; for others use scatter_reduce()."
        )
    if not isinstance(src, Tensor):
        src = wrap(np.full(index.array.shape, src, input.array.dtype))
    from .scatter import scatter_reduce

    return scatter_reduce(input, dim, index, src, kinds[reduce])


@method(inplace=True)
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """``input`` with ``src`` added at ``index`` along ``dim`` (duplicates accumulate)."""
    x, i, s = tensor_of(input, "scatter_add"), tensor_of(index, "scatter_add"), tensor_of(src, "scatter_add")
    d = one_dim("scatter_add", dim, x.array.ndim)
    _check_scatter("scatter_add", x, i, d, s)
    if s.array.dtype != x.array.dtype:
        raise RuntimeError(f"scatter_add: src is {s.dtype.name}, the input {x.dtype.name}; both must be of one type.")
    return sym.scatter_add(x, _own_index(i), s, d)


@method()
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """:func:`gather` with broadcasting; without ``dim`` the flattened tensor is indexed."""
    if dim is None:
        return gather(sym.reshape(input, (input.array.size,)), 0, sym.reshape(indices, (indices.array.size,)))
    from .shape import broadcast_shapes, expand

    d = one_dim("take_along_dim", dim, input.array.ndim)
    a, b = list(input.array.shape), list(indices.array.shape)
    if len(a) != len(b):
        raise RuntimeError(f"take_along_dim: shapes {tuple(a)} and {tuple(b)} have different numbers of dimensions.")
    common = list(
        broadcast_shapes([1 if k == d else s for k, s in enumerate(a)], [1 if k == d else s for k, s in enumerate(b)])
    )
    wide_x = expand(input, [a[d] if k == d else s for k, s in enumerate(common)])
    wide_i = expand(indices, [b[d] if k == d else s for k, s in enumerate(common)])
    return gather(wide_x, d, wide_i)


@method()
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """The view ``input[..., start:start+length, ...]`` along ``dim``."""
    d = one_dim("narrow", dim, input.array.ndim)
    n = input.array.shape[d]
    start = int(start)
    begin = start + n if start < 0 else start
    if not 0 <= begin <= n or length < 0 or begin + length > n:
        raise RuntimeError(f"narrow: start {start} with length {length} exceeds dimension {dim} of size {n}.")
    return sym.getitem(input, (*(builtins.slice(None),) * d, builtins.slice(begin, begin + length)))


@method()
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The view ``input[..., index, ...]`` along ``dim``."""
    d = one_dim("select", dim, input.array.ndim)
    n = input.array.shape[d] if input.array.ndim else 0
    if not -n <= int(index) < n:
        raise IndexError(f"select: index {int(index)} is out of range for dimension {dim} with size {n}.")
    return sym.getitem(input, (*(builtins.slice(None),) * d, int(index), Ellipsis))


@method()
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where ``mask`` is True, as a vector (input and mask broadcast)."""
    from .shape import broadcast_shapes, expand

    if mask.array.dtype.kind != "b":
        raise RuntimeError(f"masked_select: the mask must be a bool tensor, got {mask.dtype.name}.")
    shape = broadcast_shapes(input.array.shape, mask.array.shape)
    return getitem(expand(input, shape), expand(mask, shape))


@method()
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The indices of the elements that are not zero: one row each, or one vector a dimension."""
    x = tensor_of(input, "nonzero").array
    if as_tuple:
        return tuple(wrap(i) for i in np.nonzero(np.atleast_1d(x)))
    return wrap(np.argwhere(x).astype(np.int64))
