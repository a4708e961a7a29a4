"""Shape ops: the same elements in another arrangement.  Most are views, as PyTorch's are."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np

from .. import dtypes
from ..errors import OutOfRangeError, ShapeError, wrong_type
from ..op import METHODS, defop, method, sym
from ..tensor import Tensor, wrap
from .arithmetic import tensor_of
from .dims import many_dims, one_dim, size_list

__all__ = [
    "adjoint", "broadcast_shapes", "broadcast_tensors", "broadcast_to", "cat", "chunk", "concat", "concatenate",
    "diagonal", "flatten", "flip", "moveaxis", "movedim", "numel", "permute", "ravel", "reshape", "roll", "split",
    "split_with_sizes", "squeeze", "stack", "swapaxes", "swapdims", "t", "tile", "transpose", "tril", "triu",
    "unbind", "unflatten", "unsqueeze",
]  # fmt: skip

# ------------------------------------------------------------------------------------------------- declarations

defop(
    lambda x, shape: x.reshape(shape),
    params="shape",
    name="reshape",
    formula="the elements of x in row-major order, in another shape",
    view=True,
    x=lambda g, x_shape, F: F.reshape(g, x_shape),
)
defop(
    lambda x, axes: x.transpose(axes),
    params="axes",
    name="permute",
    formula="y[i0, i1, ...] = x[i_axes[0], ...]",
    view=True,
    x=lambda g, axes, F: F.permute(g, tuple(np.argsort(axes).tolist())),
)
defop(
    lambda x, a, b: x.swapaxes(a, b),
    params="a b",
    name="transpose",
    formula="dimensions a and b exchanged",
    view=True,
    x=lambda g, a, b, F: F.transpose(g, a, b),
)


def _cat(xs: Sequence[Any], axis: int) -> Any:
    return np.concatenate(xs, axis)


def _cat_rule(g: Any, xs_shape: Any, axis: int, needs: Any, F: Any) -> Any:
    """Each input gets back its own stretch of g."""
    out, start = [], 0
    for shape, need in zip(xs_shape, needs, strict=True):
        stop = start + shape[axis]
        out.append(F.getitem(g, (builtins.slice(None),) * axis + (builtins.slice(start, stop),)) if need else None)
        start = stop
    return out


_ALL, _BACKWARDS = builtins.slice(None), builtins.slice(None, None, -1)


def _triangle(rows: int, columns: int, k: int) -> Any:
    """Where column - row <= k.  NumPy's `tril` makes it anew in each call, which takes longer than using it."""
    return _kept_triangle(rows, columns, k) if rows * columns <= 1 << 21 else np.tri(rows, columns, k, bool)


_kept_triangle = lru_cache(maxsize=4)(partial(np.tri, dtype=bool))


@lru_cache(maxsize=32)
def _zero(dtype: Any) -> Any:
    return np.zeros((), dtype)


defop(
    _cat, "xs", "axis", name="cat", variadic=True, formula="the inputs behind one another along axis", joint=_cat_rule
)


def _stack(xs: Sequence[Any], axis: int) -> Any:
    new = (builtins.slice(None),) * axis + (None,)
    return np.concatenate([x[new] for x in xs], axis)  # np.stack checks what was checked, in 2 us


defop(
    _stack,
    "xs",
    "axis",
    name="stack",
    variadic=True,
    formula="the inputs along a new axis",
    joint=lambda g, xs_shape, axis, needs, F: [
        F.getitem(g, (builtins.slice(None),) * axis + (i,)) if need else None for i, need in enumerate(needs)
    ],
)
defop(
    lambda x, axes: x[tuple(_BACKWARDS if a in axes else _ALL for a in range(x.ndim))].copy(),
    params="axes",
    name="flip",
    formula="x in reverse order along axes",
    x=lambda g, axes, F: F.flip(g, axes),
)
defop(
    np.roll,
    params="shifts axes",
    name="roll",
    formula="x shifted along axes, what falls off comes in at the other end",
    x=lambda g, shifts, axes, F: F.roll(g, tuple(-s for s in shifts), axes),
)
defop(
    lambda x, k: np.where(_triangle(x.shape[-2], x.shape[-1], k), x, _zero(x.dtype)),
    params="k",
    name="tril",
    formula="x where column - row <= k, else 0",
    x=lambda g, k, F: F.tril(g, k),
)
defop(
    lambda x, k: np.where(_triangle(x.shape[-2], x.shape[-1], k - 1), _zero(x.dtype), x),
    params="k",
    name="triu",
    formula="x where column - row >= k, else 0",
    x=lambda g, k, F: F.triu(g, k),
)


def _pad_constant(x: Any, widths: Any, value: Any) -> Any:
    """Pad (or, with negative widths, crop) each dimension."""
    shape = tuple(s + lo + hi for s, (lo, hi) in zip(x.shape, widths, strict=True))
    out = np.full(shape, value, x.dtype)
    inner = tuple(builtins.slice(max(lo, 0), s - max(hi, 0)) for s, (lo, hi) in zip(shape, widths, strict=True))
    source = tuple(builtins.slice(max(-lo, 0), n - max(-hi, 0)) for n, (lo, hi) in zip(x.shape, widths, strict=True))
    out[inner] = x[source]
    return out


defop(
    _pad_constant,
    params="widths value",
    name="pad_constant",
    formula="x with a border of value",
    x=lambda g, widths, F: F.pad_constant(g, tuple((-lo, -hi) for lo, hi in widths), 0),
)


def _diagonal(x: Any, offset: int, a: int, b: int) -> Any:
    """NumPy's diagonal is read-only; this view can be written wherever ``x`` can."""
    y = np.diagonal(x, offset, a, b)
    if not x.flags.writeable:
        return y
    return np.lib.stride_tricks.as_strided(_first(x, y, offset, a, b), y.shape, y.strides)


def _first(x: Any, y: Any, offset: int, a: int, b: int) -> Any:
    """The part of ``x`` that starts where its diagonal ``y`` starts."""
    start = [builtins.slice(None)] * x.ndim
    start[b if offset > 0 else a] = builtins.slice(builtins.abs(offset) if y.size else 0, None)
    return x[tuple(start)]


defop(
    _diagonal,
    params="offset a b",
    name="diagonal",
    formula="y[..., i] = x[..., i, i + offset, ...]",
    view=True,
    x=lambda g, x_shape, offset, a, b, F: F.diagonal_scatter_zero(g, x_shape, offset, a, b),
)


def _diagonal_scatter_zero(g: Any, shape: Any, offset: int, a: int, b: int) -> Any:
    out = np.zeros(shape, g.dtype)
    _diagonal(out, offset, a, b)[...] = g
    return out


defop(
    _diagonal_scatter_zero,
    params="shape offset a b",
    name="diagonal_scatter_zero",
    formula="zeros of shape with x on a diagonal",
    x=lambda g, offset, a, b, F: F.diagonal(g, offset, a, b),
)


# ------------------------------------------------------------------------------------------------- reshaping


def _fill_minus_one(name: str, shape: tuple[int, ...], x: Any) -> tuple[int, ...]:
    """Replace one -1 by what the element count leaves."""
    total, known, hole = x.size, 1, None
    for i, s in enumerate(shape):
        if s == -1 and hole is None:
            hole = i
        elif s < 0:
            raise RuntimeError(f"{name}: invalid size {s} in {shape}; sizes are >= 0, and one may be -1.")
        else:
            known *= s
    if hole is not None:
        if known == 0 or total % known:
            raise RuntimeError(f"{name}: shape {shape} does not fit a tensor of shape {x.shape} with {total} elements.")
        return (*shape[:hole], total // known, *shape[hole + 1 :])
    if known != total:
        raise RuntimeError(f"{name}: shape {shape} has {known} elements, the tensor of shape {x.shape} has {total}.")
    return shape


@method()
def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The elements in another shape (a view where the memory allows it); one size may be -1.

    Raises
    ------
    RuntimeError
        If the element counts differ.
    """
    return sym.reshape(input, _fill_minus_one("reshape", size_list("reshape", shape), input.array))


@method()
def view(input: Tensor, *shape: Any, dtype: Any = None) -> Tensor:
    """The same memory in another shape, or read as another dtype.

    Raises
    ------
    RuntimeError
        If the shape does not fit, or the memory does not allow it without a copy.
    """
    if dtype is not None or (len(shape) == 1 and isinstance(shape[0], dtypes.dtype)):
        return wrap(input.array.view(dtypes.to_numpy(dtype if dtype is not None else shape[0], "view")))
    out = sym.reshape(input, _fill_minus_one("view", size_list("view", shape), input.array))
    if out.array.size and out.array is not input.array and not np.may_share_memory(out.array, input.array):
        raise RuntimeError(
            f"view: shape {out.array.shape} needs a copy of this tensor of shape {input.array.shape} and strides "
            f"{stride(input)}; use reshape(), or contiguous() first."
        )
    return out


@method()
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """``input.view(other.shape)``."""
    return view(input, other.array.shape)


@method()
def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """``input.reshape(other.shape)``."""
    return reshape(input, other.array.shape)


@method()
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions ``start_dim`` to ``end_dim`` as one."""
    n = input.array.ndim
    if n == 0:
        return sym.reshape(input, (1,))
    a, b = one_dim("flatten", start_dim, n), one_dim("flatten", end_dim, n)
    if a > b:
        raise RuntimeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}.")
    s = input.array.shape
    if a == b:
        return input
    size = 1
    for k in s[a : b + 1]:
        size *= k
    return sym.reshape(input, (*s[:a], size, *s[b + 1 :]))


@method()
def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension."""
    return sym.reshape(input, (input.array.size,))


@method()
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Split dimension ``dim`` into ``sizes`` (one may be -1)."""
    s = input.array.shape
    d = one_dim("unflatten", dim, len(s))
    known = 1
    for k in sizes:
        known *= k if k != -1 else 1
    filled = tuple(s[d] // known if k == -1 and known else k for k in sizes)
    if int(np.prod(filled)) != s[d]:
        raise RuntimeError(f"unflatten: sizes {tuple(sizes)} do not multiply to the size {s[d]} of dimension {dim}.")
    return sym.reshape(input, (*s[:d], *filled, *s[d + 1 :]))


@method()
def squeeze(input: Tensor, dim: Any = None, *, axis: Any = None) -> Tensor:
    """Without the dimensions of size 1 (all of them, or those named)."""
    dim = dim if axis is None else axis
    s = input.array.shape
    if dim is None:
        keep = tuple(k for k in s if k != 1)
    else:
        dims = many_dims("squeeze", dim, len(s))
        keep = tuple(k for i, k in enumerate(s) if i not in dims or k != 1)
    return sym.reshape(input, keep)


@method()
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a dimension of size 1 at ``dim``."""
    s = input.array.shape
    d = one_dim("unsqueeze", dim, len(s) + 1)
    return sym.reshape(input, (*s[:d], 1, *s[d:]))


@method()
def permute(input: Tensor, *dims: Any) -> Tensor:
    """The dimensions in another order."""
    order = size_list("permute", dims)
    n = input.array.ndim
    axes = tuple(one_dim("permute", d, n) for d in order)
    if len(axes) != n or len(set(axes)) != n:
        raise RuntimeError(f"permute: {order} is not an order of the {n} dimensions of shape {input.array.shape}.")
    return sym.permute(input, axes)


@method("transpose", "swapaxes", "swapdims")
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Dimensions ``dim0`` and ``dim1`` exchanged."""
    n = input.array.ndim
    a, b = one_dim("transpose", dim0, n), one_dim("transpose", dim1, n)
    return sym.transpose(input, a, b) if n else input


swapaxes = swapdims = transpose


@method()
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix (tensors of fewer dimensions are returned as they are)."""
    n = input.array.ndim
    if n > 2:
        raise RuntimeError(f"t: expects at most 2 dimensions, got shape {input.array.shape}; use transpose() or .mT.")
    return sym.transpose(input, 0, 1) if n == 2 else input


@method()
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Dimensions ``source`` moved to the places ``destination``; the others keep their order."""
    n = input.array.ndim
    src, dst = many_dims("movedim", source, n), many_dims("movedim", destination, n)
    if len(src) != len(dst):
        raise RuntimeError(f"movedim: {len(src)} source dimensions but {len(dst)} destinations.")
    order = [d for d in range(n) if d not in src]
    for where, d in sorted(zip(dst, src, strict=True)):
        order.insert(where, d)
    return sym.permute(input, tuple(order))


moveaxis = movedim
METHODS["moveaxis"] = movedim


@method()
def expand(input: Tensor, *sizes: Any) -> Tensor:
    """Dimensions of size 1 repeated without copying; -1 keeps a size."""
    want = size_list("expand", sizes)
    have = input.array.shape
    if len(want) < len(have):
        raise RuntimeError(f"expand: sizes {want} have fewer dimensions than the tensor of shape {have}.")
    lead = len(want) - len(have)
    full = []
    for i, w in enumerate(want):
        h = have[i - lead] if i >= lead else None
        if w == -1:
            if h is None:
                raise RuntimeError(f"expand: -1 is not allowed in a leading, new dimension (sizes {want}).")
            w = h
        if h is not None and h not in (1, w):
            raise RuntimeError(
                f"expand: dimension {i} has size {h}, which cannot be expanded to {w} (shape {have}, sizes {want})."
            )
        full.append(w)
    return sym.broadcast_to(input, tuple(full))


@method()
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """``input.expand(other.shape)``."""
    return expand(input, other.array.shape)


@method()
def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """``input.expand(size)``."""
    return expand(input, tuple(size))


def broadcast_shapes(*shapes: Any) -> Any:
    """The shape that tensors of ``shapes`` broadcast to."""
    from ..errors import no_broadcast
    from ..tensor import Size

    sized = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    try:
        return Size(np.broadcast_shapes(*sized))
    except ValueError:
        raise no_broadcast("broadcast_shapes", *sized) from None


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors expanded to their common shape."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    shape = broadcast_shapes(*[x.array.shape for x in tensors])
    return tuple(expand(x, shape) for x in tensors)


@method()
def repeat(input: Tensor, *sizes: Any) -> Tensor:
    """The tensor copied ``sizes[d]`` times along each dimension."""
    reps = size_list("repeat", sizes)
    s = input.array.shape
    if len(reps) < len(s):
        raise RuntimeError(
            f"repeat: {len(reps)} counts for a tensor of {len(s)} dimensions (shape {s}); give one for each."
        )
    if any(r < 0 for r in reps):
        raise RuntimeError(f"repeat: counts must not be negative, got {reps}.")
    s = (1,) * (len(reps) - len(s)) + s
    wide = sym.reshape(input, tuple(v for k in s for v in (1, k)))
    full = sym.broadcast_to(wide, tuple(v for r, k in zip(reps, s, strict=True) for v in (r, k)))
    return sym.clone(sym.reshape(full, tuple(r * k for r, k in zip(reps, s, strict=True))))


@method()
def tile(input: Tensor, *dims: Any) -> Tensor:
    """As :func:`repeat`, missing counts being 1."""
    reps = size_list("tile", dims)
    return repeat(input, (1,) * (input.array.ndim - len(reps)) + reps)


# ------------------------------------------------------------------------------------------------- joining and splitting


def _sequence(tensors: Any, name: str) -> list[Tensor]:
    if tensors.__class__ not in (list, tuple) and (isinstance(tensors, Tensor) or not isinstance(tensors, Sequence)):
        raise wrong_type(name, "tensors", "a sequence of Tensors", tensors)
    if not tensors:
        raise ShapeError(f"{name}: expected a non-empty sequence of tensors.")
    for i, x in enumerate(tensors):
        if not isinstance(x, Tensor):
            raise TypeError(f"{name}: element {i} must be a Tensor, got {type(x).__name__}.")
    target = tensors[0].array.dtype
    if [x for x in tensors if x.array.dtype is not target]:
        for x in tensors:
            target = dtypes.promote_numpy(target, x.array.dtype)
        return [x if x.array.dtype == target else sym.cast(x, target) for x in tensors]
    return list(tensors)


def cat(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None, out: Any = None) -> Tensor:
    """The tensors behind one another along ``dim``; their other sizes must agree.

    Raises
    ------
    RuntimeError
        If the sequence is empty or the shapes do not fit.
    """
    xs = _sequence(tensors, "cat")
    kept = [x for x in xs if x.array.shape != (0,)] or xs[:1]  # PyTorch skips empty 1-d tensors
    n = kept[0].array.ndim
    if n == 0:
        raise RuntimeError("cat: 0-d tensors cannot be concatenated; use stack().")
    d = one_dim("cat", dim if axis is None else axis, n)
    first = kept[0].array.shape
    others = first[:d] + first[d + 1 :]
    for i, x in enumerate(kept):
        s = x.array.shape
        if len(s) != n or s[:d] + s[d + 1 :] != others:
            raise ShapeError(
                f"cat: tensor {i} has shape {s}, the first has {first}; sizes must agree except in dimension {d}."
            )
    return _into(out, sym.cat(kept, d))


concat = concatenate = cat


def _into(out: Tensor | None, result: Tensor) -> Tensor:
    """PyTorch's ``out=``: write the result into a given tensor."""
    if out is None:
        return result
    from ..inplace import check_writable, write

    check_writable(out, "out=")
    if out.array.shape != result.array.shape:
        out.array = np.empty(result.array.shape, out.array.dtype)
    return write(out, result, "out=")


def stack(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None, out: Any = None) -> Tensor:
    """The tensors, all of one shape, along a new dimension ``dim``."""
    xs = _sequence(tensors, "stack")
    first = xs[0].array.shape
    for i, x in enumerate(xs):
        if x.array.shape != first:
            raise ShapeError(f"stack: tensor {i} has shape {x.array.shape}, the first has {first}; all must be equal.")
    return _into(out, sym.stack(xs, one_dim("stack", dim if axis is None else axis, len(first) + 1)))


def _at(dim: int, index: Any) -> tuple[Any, ...]:
    return (builtins.slice(None),) * dim + (index,)


@method()
def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of stretches along ``dim``: of one size (the last may be smaller), or of the sizes listed."""
    d = one_dim("split", dim, tensor.array.ndim)
    if tensor.array.ndim == 0:
        raise RuntimeError("split: a 0-d tensor cannot be split.")
    n = tensor.array.shape[d]
    if isinstance(split_size_or_sections, int):
        k = split_size_or_sections
        if k < 0 or (k == 0 and n):
            raise RuntimeError(f"split: the size must be positive, got {k}.")
        sizes = [min(k, n - i) for i in range(0, n, k)] if n else [0]
    else:
        sizes = [int(s) for s in split_size_or_sections]
        if sum(sizes) != n or any(s < 0 for s in sizes):
            raise RuntimeError(
                f"split: sizes {sizes} must sum to {n}, the size of dimension {dim} of shape {tensor.array.shape}."
            )
    out, start = [], 0
    for s in sizes:
        out.append(sym.getitem(tensor, _at(d, builtins.slice(start, start + s))))
        start += s
    return tuple(out)


@method()
def split_with_sizes(tensor: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """:func:`split` with a list of sizes."""
    return split(tensor, list(split_sizes), dim)


@method()
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of at most ``chunks`` stretches of equal size (the last may be smaller)."""
    if chunks <= 0:
        raise RuntimeError(f"chunk: the number of chunks must be positive, got {chunks}.")
    d = one_dim("chunk", dim, input.array.ndim)
    n = input.array.shape[d]
    size = -(-n // chunks)
    return split(input, size, d) if n else split(input, [0] * chunks, d)


@method()
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of each slice along ``dim``."""
    d = one_dim("unbind", dim, input.array.ndim)
    if input.array.ndim == 0:
        raise OutOfRangeError("unbind: a 0-d tensor has no dimension to unbind.")
    return tuple(sym.getitem(input, (*_at(d, i), Ellipsis)) for i in range(input.array.shape[d]))


# ------------------------------------------------------------------------------------------------- rearranging


@method()
def flip(input: Tensor, *dims: Any) -> Tensor:
    """The order of the elements along ``dims`` reversed (a copy)."""
    return sym.flip(input, tuple(one_dim("flip", d, input.array.ndim) for d in size_list("flip", dims)))


@method()
def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """Elements shifted along ``dims``; without dims the flattened tensor is rolled."""
    s = tuple(shifts) if isinstance(shifts, (tuple, list)) else (int(shifts),)
    if dims is None:
        if len(s) != 1:
            raise RuntimeError(f"roll: {len(s)} shifts without dims; give one dimension for each shift.")
        return sym.reshape(sym.roll(ravel(input), s, (0,)), input.array.shape)
    d = tuple(dims) if isinstance(dims, (tuple, list)) else (int(dims),)
    if len(d) != len(s):
        raise RuntimeError(f"roll: {len(s)} shifts but {len(d)} dims; give one for each.")
    return sym.roll(input, s, tuple(one_dim("roll", k, input.array.ndim) for k in d))


def _matrix(input: Tensor, name: str) -> Tensor:
    if input.array.ndim < 2:
        raise RuntimeError(f"{name}: expects at least 2 dimensions, got shape {input.array.shape}.")
    return input


@method(inplace=True)
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle of (batches of) matrices, zero above ``diagonal``."""
    return sym.tril(_matrix(input, "tril"), int(diagonal))


@method(inplace=True)
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle of (batches of) matrices, zero below ``diagonal``."""
    return sym.triu(_matrix(input, "triu"), int(diagonal))


@method()
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A view of the elements whose indices in ``dim1`` and ``dim2`` differ by ``offset``, as the last dimension."""
    n = input.array.ndim
    a, b = one_dim("diagonal", dim1, n), one_dim("diagonal", dim2, n)
    if a == b:
        raise RuntimeError(f"diagonal: dim1 and dim2 must differ, both are {a}.")
    return sym.diagonal(input, int(offset), a, b)


@method()
def contiguous(input: Tensor, memory_format: Any = None) -> Tensor:
    """This tensor in row-major memory (itself where it is so already)."""
    return input if input.array.flags.c_contiguous else sym.clone_contiguous(input)


defop(lambda x: np.ascontiguousarray(x), name="clone_contiguous", formula="a row-major copy of x", x=lambda g: g)


@method()
def is_contiguous(input: Tensor, memory_format: Any = None) -> bool:
    """Whether the elements lie in memory in row-major order."""
    return bool(input.array.flags.c_contiguous)


@method()
def stride(input: Tensor, dim: int | None = None) -> Any:
    """The steps in memory, in elements, from one index to the next along each dimension."""
    strides = tuple(k // input.array.itemsize for k in input.array.strides)
    return strides if dim is None else strides[one_dim("stride", dim, input.array.ndim)]


@method()
def size(input: Tensor, dim: int | None = None) -> Any:
    """The shape, or the size of one dimension."""
    if dim is None:
        return input.shape
    return input.array.shape[one_dim("size", dim, input.array.ndim)]


@method("numel", "nelement")
def numel(input: Tensor) -> int:
    """The number of elements."""
    return int(input.array.size)


@method("dim", "ndimension")
def _dim(input: Tensor) -> int:
    """The number of dimensions."""
    return int(input.array.ndim)


@method()
def element_size(input: Tensor) -> int:
    """Bytes of one element."""
    return int(input.array.itemsize)


@method()
def data_ptr(input: Tensor) -> int:
    """The address of the first element."""
    return int(input.array.ctypes.data)


def _swap_last(x: Tensor, name: str) -> Tensor:
    if x.array.ndim < 2:
        raise RuntimeError(f"{name}: expects at least 2 dimensions, got shape {x.array.shape}.")
    return sym.transpose(x, x.array.ndim - 2, x.array.ndim - 1)


METHODS["T"] = property(lambda x: sym.permute(x, tuple(range(x.array.ndim))[::-1]), doc="All dimensions reversed.")  # type: ignore[assignment]
METHODS["mT"] = property(lambda x: _swap_last(x, "mT"), doc="The last two dimensions exchanged.")  # type: ignore[assignment]


@method()
def adjoint(input: Tensor) -> Tensor:
    """The conjugate of the matrices transposed."""
    y = _swap_last(tensor_of(input, "adjoint"), "adjoint")
    return sym.conj(y) if y.array.dtype.kind == "c" else y


METHODS["H"] = property(adjoint, doc="The conjugate transpose of a matrix.")  # type: ignore[assignment]
METHODS["mH"] = property(adjoint, doc="The conjugate transpose of the last two dimensions.")  # type: ignore[assignment]
