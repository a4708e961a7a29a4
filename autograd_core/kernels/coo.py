"""Sparse matrices by coordinates: ndarrays of places and values in, ndarrays out.

    coo_mm(values, dense, index, rows) -> y        y[i] = sum over the entries (i, j) of values * dense[j]
    coo_dot(a, b, index) -> values                 for each entry (i, j) the dot product of a[i] and b[j]
    places(index, shape) -> flat                   each entry's place in the flattened tensor
    distinct(index, shape) -> index, which         the places without repetition, sorted, and each entry's among them

``index`` is (dimensions, entries); entries at one place add up.  `RowGradient` is the gradient of a table of which only
some rows were read.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def coo_mm(values: Array, dense: Array, index: Array, rows: int) -> Array:
    """The product of a sparse matrix of ``rows`` rows and a dense matrix (SciPy's compressed rows do it)."""
    from scipy.sparse import csr_array

    kind = np.result_type(values, dense)
    if kind == np.float16:  # SciPy has no half precision: single precision inside
        return coo_mm(values.astype(np.float32), dense.astype(np.float32), index, rows).astype(kind)
    y = csr_array((values, (index[0], index[1])), (rows, dense.shape[0])) @ dense
    return np.ascontiguousarray(y, kind)


def coo_dot(a: Array, b: Array, index: Array) -> Array:
    """The entries of ``a @ b.T`` at the places ``index``."""
    return np.asarray(np.einsum("nk,nk->n", a[index[0]], b[index[1]]))


def places(index: Array, shape: tuple[int, ...]) -> Array:
    """Each entry's place in the flattened tensor."""
    if not shape:
        return np.zeros(index.shape[1], np.int64)
    if index.shape[1] == 0:
        return np.zeros(0, np.int64)
    return np.ravel_multi_index(tuple(index), shape).astype(np.int64)


def distinct(index: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """The places without repetition in lexicographic order, and for each entry which of them is its own."""
    flat, which = np.unique(places(index, shape), return_inverse=True)
    if not shape or flat.size == 0:
        return np.zeros((len(shape), flat.size), np.int64), which.reshape(-1)
    return np.stack(np.unravel_index(flat, shape)).astype(np.int64), which.reshape(-1)


class RowGradient:
    """The gradient of a table: ``values[k]`` belongs to row ``rows[k]``, a row may come several times, all else is 0.

    It has what the backward pass asks of a gradient (a shape, a dtype, a sum), and becomes dense where an ndarray is
    wanted; a leaf keeps it as a sparse tensor.
    """

    __slots__ = ("rows", "shape", "values")
    __array_priority__ = 1000

    def __init__(self, rows: Array, values: Array, shape: tuple[int, ...]) -> None:
        self.rows, self.values, self.shape = rows, values, shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.values.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, RowGradient):
            rows, values = np.concatenate([self.rows, other.rows]), np.concatenate([self.values, other.values])
            return RowGradient(rows, values, self.shape)
        return self.__array__() + other

    __radd__ = __add__

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        from .indexing import add_rows

        return add_rows(np.zeros(self.shape, self.dtype), self.rows, self.values).astype(
            dtype or self.dtype, copy=False
        )


def row_gradient(g: Array, index: Array, shape: tuple[int, ...], padding_idx: int, by_count: bool) -> RowGradient:
    """The gradient of a table whose rows ``index`` were read; the row ``padding_idx`` (-1 for none) gets none."""
    rows, values = index.reshape(-1).astype(np.int64), g.reshape(index.size, *shape[1:])
    if by_count:
        counts = np.bincount(rows, minlength=shape[0])[rows].astype(g.dtype)
        values = values / counts.reshape(-1, *(1,) * (len(shape) - 1))
    if padding_idx >= 0:
        kept = rows != padding_idx
        rows, values = rows[kept], values[kept]
    return RowGradient(rows, values, shape)
