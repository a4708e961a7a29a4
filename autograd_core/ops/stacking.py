"""Stacking, splitting and rearranging in PyTorch's wider vocabulary, all of it made of the shape ops."""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dtypes
from ..device import check_device
from ..errors import ShapeError
from ..op import defop, method, sym
from ..tensor import Tensor, wrap
from .arithmetic import tensor_of
from .dims import one_dim
from .index import narrow
from .shape import broadcast_tensors, cat, diagonal, flip, movedim, stack

__all__ = [
    "as_strided", "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "cartesian_prod", "column_stack", "combinations", "diag",
    "diag_embed", "diagflat", "diagonal_scatter", "diff", "dsplit", "dstack", "fliplr", "flipud", "gradient", "hsplit", "hstack",
    "meshgrid", "narrow_copy", "renorm", "repeat_interleave", "rot90", "row_stack", "select_scatter", "slice_scatter", "take",
    "tensor_split", "tril_indices", "triu_indices", "unfold_dim", "vsplit", "vstack",
]  # fmt: skip


def _all(tensors: Any) -> tuple[Tensor, ...]:
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    return tuple(tensor_of(x, "atleast") for x in tensors)


def _each(tensors: Any, change: Any) -> Any:
    single = len(tensors) == 1 and isinstance(tensors[0], Tensor)
    out = tuple(change(x) for x in _all(tensors))
    return out[0] if single else out


def atleast_1d(*tensors: Any) -> Any:
    """The tensors with at least one dimension."""
    return _each(tensors, lambda x: sym.reshape(x, (1,)) if x.array.ndim == 0 else x)


def atleast_2d(*tensors: Any) -> Any:
    """The tensors with at least two dimensions (new ones in front)."""
    return _each(
        tensors, lambda x: sym.reshape(x, (1,) * (2 - x.array.ndim) + x.array.shape) if x.array.ndim < 2 else x
    )


def atleast_3d(*tensors: Any) -> Any:
    """The tensors with at least three dimensions: ``(n,)`` becomes ``(1, n, 1)``, ``(n, m)`` ``(n, m, 1)``."""

    def change(x: Tensor) -> Tensor:
        s = x.array.shape
        shape = {0: (1, 1, 1), 1: (1, *s, 1), 2: (*s, 1)}.get(len(s))
        return x if shape is None else sym.reshape(x, shape)

    return _each(tensors, change)


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Side by side: along dimension 1, or 0 for vectors."""
    xs = atleast_1d(list(tensors))
    return cat(xs, 0 if xs and xs[0].array.ndim == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Below one another: along dimension 0, vectors as rows."""
    return cat(atleast_2d(list(tensors)), 0)


row_stack = vstack


def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Behind one another: along dimension 2."""
    return cat(atleast_3d(list(tensors)), 2)


def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Vectors as columns, side by side."""
    return hstack([sym.reshape(x, (-1 if x.array.size else 0, 1)) if x.array.ndim <= 1 else x for x in tensors])


@method()
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of stretches along ``dim``: a number of nearly equal ones, or cut at the indices."""
    d = one_dim("tensor_split", dim, input.array.ndim)
    if input.array.ndim == 0:
        raise RuntimeError("tensor_split: a 0-d tensor cannot be split.")
    n = input.array.shape[d]
    cuts = indices_or_sections.tolist() if isinstance(indices_or_sections, Tensor) else indices_or_sections
    if isinstance(cuts, int):
        if cuts <= 0:
            raise RuntimeError(f"tensor_split: the number of sections must be positive, got {cuts}.")
        size, rest = divmod(n, cuts)
        ends = list(itertools.accumulate([size + 1] * rest + [size] * (cuts - rest)))
        bounds = list(zip([0, *ends[:-1]], ends, strict=True))
    else:
        marks = [0, *cuts, n]
        clipped = [slice(a, b).indices(n)[:2] for a, b in itertools.pairwise(marks)]
        bounds = [(a, max(a, b)) for a, b in clipped]
    return tuple(narrow(input, d, a, b - a) for a, b in bounds)


def _fixed_split(name: str, least: int, dim: int) -> Any:
    def f(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
        if input.array.ndim < least:
            raise RuntimeError(f"{name}: needs at least {least} dimensions, got shape {input.array.shape}.")
        d = 0 if name == "hsplit" and input.array.ndim == 1 else dim
        if isinstance(indices_or_sections, int) and (
            indices_or_sections <= 0 or input.array.shape[d] % indices_or_sections
        ):
            raise RuntimeError(
                f"{name}: dimension {d} of shape {input.array.shape} does not split into {indices_or_sections} equal parts."
            )
        return tensor_split(input, indices_or_sections, d)

    f.__name__ = f.__qualname__ = name
    f.__doc__ = f":func:`tensor_split` along dimension {dim}."
    return method(name)(f)


hsplit = _fixed_split("hsplit", 1, 1)
vsplit = _fixed_split("vsplit", 2, 0)
dsplit = _fixed_split("dsplit", 3, 2)


@method()
def fliplr(input: Tensor) -> Tensor:
    """Columns in reverse order."""
    if input.array.ndim < 2:
        raise RuntimeError(f"fliplr: needs at least 2 dimensions, got shape {input.array.shape}.")
    return flip(input, 1)


@method()
def flipud(input: Tensor) -> Tensor:
    """Rows in reverse order."""
    if input.array.ndim < 1:
        raise RuntimeError("flipud: needs at least 1 dimension.")
    return flip(input, 0)


@method()
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Rotated by ``k`` quarter turns in the plane of two dimensions, from the first towards the second."""
    if len(dims) != 2:
        raise RuntimeError(f"rot90: expected two dimensions, got {tuple(dims)}.")
    if input.array.ndim < 2:
        raise RuntimeError(f"rot90: needs at least 2 dimensions, got shape {input.array.shape}.")
    a, b = (one_dim("rot90", d, input.array.ndim) for d in dims)
    if a == b:
        raise RuntimeError(f"rot90: needs two different dimensions, got {tuple(dims)} for shape {input.array.shape}.")
    k %= 4
    if k == 0:
        return sym.clone(input)
    if k == 2:
        return flip(input, (a, b))
    return sym.transpose(flip(input, b), a, b) if k == 1 else flip(sym.transpose(input, a, b), b)


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Grids of coordinates; ``indexing="ij"`` (the default) gives result ``i`` varying along dimension ``i``, "xy" swaps two."""
    xs = _all(tensors)
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(f"meshgrid: indexing must be 'ij' or 'xy', got {indexing!r}.")
    for x in xs:
        if x.array.ndim > 1:
            raise RuntimeError(f"meshgrid: expects vectors, got shape {x.array.shape}.")
    swap = indexing == "xy" and len(xs) >= 2
    if swap:
        xs = (xs[1], xs[0], *xs[2:])
    n = len(xs)
    wide = [sym.reshape(x, tuple(x.array.size if i == k else 1 for i in range(n))) for k, x in enumerate(xs)]
    out = list(broadcast_tensors(*wide))
    if swap:
        out[0], out[1] = out[1], out[0]
    return tuple(out)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All combinations of one element from each vector, one a row."""
    if len(tensors) == 1:
        return tensors[0]
    return stack([sym.reshape(g, (g.array.size,)) for g in meshgrid(*tensors)], 1)


@method()
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All combinations of ``r`` elements of a vector, one a row."""
    if input.array.ndim != 1:
        raise RuntimeError(f"combinations: expects a vector, got shape {input.array.shape}.")
    pick = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    index = np.array(list(pick(range(input.array.size), r)), np.int64).reshape(-1, r)
    return sym.take_index(input, (index,))


def block_diag(*tensors: Any) -> Tensor:
    """The matrices (vectors as rows) along the diagonal of a zero matrix."""
    xs = [atleast_2d(x) for x in tensors]
    for x in xs:
        if x.array.ndim != 2:
            raise RuntimeError(f"block_diag: expects matrices, got shape {x.array.shape}.")
    cols, start, rows = builtins.sum(x.array.shape[1] for x in xs), 0, []
    for x in xs:
        w = x.array.shape[1]
        rows.append(sym.pad_constant(x, ((0, 0), (start, cols - start - w)), 0))
        start += w
    return cat(rows, 0)


# ------------------------------------------------------------------------------------------------- diagonals


@method()
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Zero matrices in dimensions ``dim1`` and ``dim2`` with the last dimension of ``input`` on a diagonal."""
    s = input.array.shape
    n = s[-1] + builtins.abs(offset)
    a, b = one_dim("diag_embed", dim1, len(s) + 1), one_dim("diag_embed", dim2, len(s) + 1)
    if a == b:
        raise RuntimeError(f"diag_embed: dim1 and dim2 must differ, both are {a}.")
    shape = list(s[:-1])
    for d in builtins.sorted((a, b)):
        shape.insert(d, n)
    return sym.diagonal_scatter_zero(input, tuple(shape), int(offset), a, b)


@method()
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """A vector as the diagonal of a matrix, or the diagonal of a matrix as a vector (a copy)."""
    if input.array.ndim == 1:
        return diag_embed(input, diagonal)
    if input.array.ndim != 2:
        raise RuntimeError(f"diag: expects a vector or a matrix, got shape {input.array.shape}.")
    return sym.clone(sym.diagonal(input, int(diagonal), 0, 1))


@method()
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """All elements on the diagonal of a matrix."""
    return diag_embed(sym.reshape(input, (input.array.size,)), offset)


@method()
def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy of ``input`` with ``src`` on a diagonal."""
    y = sym.clone(input)
    return _embed("diagonal_scatter", y, diagonal(y, offset, dim1, dim2), src)


@method()
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of ``input`` with ``src`` at ``index`` of ``dim``."""
    y = sym.clone(input)
    from .index import select

    return _embed("select_scatter", y, select(y, dim, index), src)


@method()
def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """A copy of ``input`` with ``src`` in the slice ``start:end:step`` of ``dim``."""
    y = sym.clone(input)
    d = one_dim("slice_scatter", dim, y.array.ndim)
    return _embed("slice_scatter", y, sym.getitem(y, (*(slice(None),) * d, slice(start, end, step))), src)


def _embed(name: str, y: Tensor, region: Tensor, src: Tensor) -> Tensor:
    if region.array.shape != src.array.shape:
        raise ShapeError(
            f"{name}: src has shape {src.array.shape}, the region {region.array.shape}; they must be equal."
        )
    region.copy_(src)  # type: ignore[attr-defined]
    return y


def _triangle(name: str, find: Any, row: int, col: int, offset: int, dtype: Any, device: Any) -> Tensor:
    if row < 0 or col < 0:
        raise RuntimeError(f"{name}: the numbers of rows and columns must not be negative, got {row} and {col}.")
    if device is not None:
        check_device(name, device)
    target = np.dtype(np.int64) if dtype is None else dtypes.to_numpy(dtype, name)
    return wrap(np.stack(find(row, offset, col)).astype(target))


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None, layout: Any = None
) -> Tensor:
    """The row and column indices of the lower triangle, as a 2 x n tensor."""
    return _triangle("tril_indices", np.tril_indices, row, col, offset, dtype, device)


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None, layout: Any = None
) -> Tensor:
    """The row and column indices of the upper triangle, as a 2 x n tensor."""
    return _triangle("triu_indices", np.triu_indices, row, col, offset, dtype, device)


# ------------------------------------------------------------------------------------------------- repeating, windows, strides


@method()
def repeat_interleave(
    input: Any, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element (or slice along ``dim``) repeated; with ``repeats`` alone, the indices repeated that often."""
    if repeats is None:
        counts = tensor_of(input, "repeat_interleave").array
        return wrap(np.repeat(np.arange(counts.size), counts))
    x = tensor_of(input, "repeat_interleave")
    if dim is None:
        x, dim = sym.reshape(x, (x.array.size,)), 0
    d = one_dim("repeat_interleave", dim, x.array.ndim)
    n = np.asarray(repeats.array if isinstance(repeats, Tensor) else repeats)
    if n.dtype.kind not in "iu" or (n < 0).any():
        raise RuntimeError("repeat_interleave: repeats must be integers that are not negative.")
    if n.ndim and n.size not in (1, x.array.shape[d]):
        raise RuntimeError(f"repeat_interleave: {n.size} counts for dimension {dim} of size {x.array.shape[d]}.")
    index = np.repeat(np.arange(x.array.shape[d]), n if n.size > 1 else int(n.reshape(-1)[0]))
    return sym.take_index(x, (*(slice(None),) * d, index))


def _windows(x: Any, axis: int, size: int, step: int) -> Any:
    w = np.lib.stride_tricks.sliding_window_view(x, size, axis, writeable=True)
    return w[(slice(None),) * axis + (slice(None, None, step),)]


def _windows_back(g: Any, shape: tuple[int, ...], axis: int, size: int, step: int) -> Any:
    out = np.zeros(shape, g.dtype)
    for k in range(size):
        stop = k + step * (g.shape[axis] - 1) + 1
        out[(slice(None),) * axis + (slice(k, stop, step),)] += g[..., k]
    return out


defop(
    _windows, params="axis size step", name="unfold_dim", view=True,
    formula="windows of size along axis, every step, as the last dimension",
    x=lambda g, x_shape, axis, size, step, F: F.fold_dim(g, x_shape, axis, size, step),
)  # fmt: skip
defop(
    _windows_back, params="shape axis size step", name="fold_dim", formula="windows added up where they came from",
    x=lambda g, axis, size, step, F: F.unfold_dim(g, axis, size, step),
)  # fmt: skip


@method("unfold")
def unfold_dim(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """A view of windows of ``size`` along ``dimension``, every ``step``, as a new last dimension (``Tensor.unfold``)."""
    if input.array.ndim == 0:
        input = sym.reshape(input, (1,))
    d = one_dim("unfold", dimension, input.array.ndim)
    n = input.array.shape[d]
    if not 0 <= size <= n or step <= 0:
        raise RuntimeError(f"unfold: size {size} must lie between 0 and {n}, and step {step} must be positive.")
    return sym.unfold_dim(input, d, int(size), int(step))


def _places(size: tuple[int, ...], strides: tuple[int, ...], offset: int) -> Any:
    """The row-major places that size and strides reach."""
    index = np.full(size, offset, np.int64)
    for d, (n, k) in enumerate(zip(size, strides, strict=True)):
        index += (np.arange(n) * k).reshape([-1 if a == d else 1 for a in range(len(size))])
    return index


def _as_strided(x: Any, size: tuple[int, ...], strides: tuple[int, ...], offset: int) -> Any:
    flat = np.ascontiguousarray(x).reshape(-1)[offset:]
    return np.lib.stride_tricks.as_strided(
        flat, size, tuple(k * flat.itemsize for k in strides), writeable=x.flags.writeable
    )


def _strided_sum(g: Any, shape: tuple[int, ...], size: tuple[int, ...], strides: tuple[int, ...], offset: int) -> Any:
    out = np.zeros(shape, g.dtype)
    np.add.at(out.reshape(-1), _places(size, strides, offset), g)
    return out


defop(
    _as_strided, params="size strides offset", name="as_strided", view=True, formula="the elements of x's memory by size and strides",
    x=lambda g, x_shape, size, strides, offset, F: F.strided_sum(g, x_shape, size, strides, offset),
)  # fmt: skip
defop(
    _strided_sum, params="shape size strides offset", name="strided_sum", formula="zeros of shape, x added where size and strides reach",
    x=lambda g, size, strides, offset, F: F.as_strided(g, size, strides, offset),
)  # fmt: skip


@method()
def as_strided(input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Tensor:
    """A view of a contiguous tensor's memory by size and strides (in elements); places that appear twice add up their gradients.

    Raises
    ------
    RuntimeError
        If the tensor is not contiguous, or size and strides reach beyond it.
    """
    x = tensor_of(input, "as_strided")
    if not x.array.flags.c_contiguous:
        raise RuntimeError(
            "as_strided: needs a contiguous tensor, whose memory is its elements in order; call contiguous() first."
        )
    sizes, steps = tuple(int(s) for s in size), tuple(int(k) for k in stride)
    if len(sizes) != len(steps) or any(v < 0 for v in (*sizes, *steps)):
        raise RuntimeError(f"as_strided: size {sizes} and stride {steps} must be as many numbers, none negative.")
    start = 0 if storage_offset is None else int(storage_offset) - x.storage_offset()
    last = start + builtins.sum((n - 1) * k for n, k in zip(sizes, steps, strict=True)) if all(sizes) else -1
    if start < 0 or last >= x.array.size:
        raise RuntimeError(
            f"as_strided: size {sizes} and stride {steps} reach beyond the {x.array.size} elements of the tensor."
        )
    return sym.as_strided(x, sizes, steps, start)


@method()
def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements of the flattened tensor at ``index``."""
    i = tensor_of(index, "take").array
    n = input.array.size
    if i.dtype != np.int64:
        raise RuntimeError(f"take: the index must be int64, got {i.dtype}.")
    if i.size and (i.min() < -n or i.max() >= n):
        raise IndexError(f"take: index {int(i.min() if i.min() < -n else i.max())} is out of range for {n} elements.")
    return sym.take_index(sym.reshape(input, (n,)), (np.array(i),))


@method()
def narrow_copy(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """:func:`narrow` as a copy."""
    return sym.clone(narrow(input, dim, start, length))


# ------------------------------------------------------------------------------------------------- differences


@method()
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """The ``n``-th differences of neighbours along ``dim``."""
    if n < 0:
        raise RuntimeError(f"diff: the order must not be negative, got {n}.")
    if input.array.ndim == 0:
        raise RuntimeError("diff: needs at least one dimension.")
    d = one_dim("diff", dim, input.array.ndim)
    parts = [p for p in (prepend, input, append) if p is not None]
    x = cat(parts, d) if len(parts) > 1 else input
    for _ in range(min(n, x.array.shape[d])):
        head = (slice(None),) * d
        a, b = sym.getitem(x, (*head, slice(1, None))), sym.getitem(x, (*head, slice(None, -1)))
        x = sym.ne(a, b) if x.array.dtype.kind == "b" else a - b
    return x


def gradient(input: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """Numerical derivatives along each dimension: second order inside, ``edge_order`` at the ends (NumPy's formulas)."""
    n = input.array.ndim
    dims = list(range(n)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    dims = [one_dim("gradient", d, n) for d in dims]
    if edge_order not in (1, 2):
        raise RuntimeError(f"gradient: edge_order must be 1 or 2, got {edge_order}.")
    steps = [spacing] * len(dims) if isinstance(spacing, (int, float, Tensor)) else list(spacing)
    if len(steps) != len(dims):
        raise RuntimeError(f"gradient: {len(steps)} spacings for {len(dims)} dimensions.")
    out = []
    for d, h in zip(dims, steps, strict=True):
        m = input.array.shape[d]
        if m < edge_order + 1:
            raise RuntimeError(
                f"gradient: dimension {d} of shape {input.array.shape} needs at least {edge_order + 1} elements."
            )
        x = (
            np.arange(m) * float(h)
            if isinstance(h, (int, float))
            else np.asarray(h.array if isinstance(h, Tensor) else h, np.float64)
        )
        out.append(_gradient_along(movedim(input, d, 0), x, edge_order, d))
    return tuple(out)


def _gradient_along(y: Tensor, x: Any, edge: int, d: int) -> Tensor:
    m = y.array.shape[0]
    weights = np.zeros((m, m))
    h = np.diff(x)
    for i in range(1, m - 1):
        a, b = h[i - 1], h[i]
        weights[i, i - 1 : i + 2] = [-b / (a * (a + b)), (b - a) / (a * b), a / (b * (a + b))]
    if edge == 1:
        weights[0, :2] = [-1 / h[0], 1 / h[0]]
        weights[-1, -2:] = [-1 / h[-1], 1 / h[-1]]
    else:
        a, b = h[0], h[1]
        weights[0, :3] = [-(2 * a + b) / (a * (a + b)), (a + b) / (a * b), -a / (b * (a + b))]
        a, b = h[-2], h[-1]
        weights[-1, -3:] = [b / (a * (a + b)), -(b + a) / (a * b), (2 * b + a) / (b * (a + b))]
    dtype = y.array.dtype if y.array.dtype.kind in "fc" else np.dtype(np.float32)
    flat = sym.reshape(y if y.array.dtype == dtype else sym.cast(y, dtype), (m, -1 if y.array.size else 0))
    got = sym.matmul(wrap(weights.astype(dtype)), flat)
    return movedim(sym.reshape(got, y.array.shape), 0, d)


@method(inplace=True)
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Each slice along ``dim`` scaled down to a p-norm of at most ``maxnorm``."""
    d = one_dim("renorm", dim, input.array.ndim)
    axes = tuple(a for a in range(input.array.ndim) if a != d)
    norm = sym.vector_norm(input, float(p), axes, True)
    scale = sym.where(norm.detach() > maxnorm, maxnorm / (norm + 1e-7), wrap(np.ones((), input.array.dtype)))
    return input * scale  # type: ignore[operator]
