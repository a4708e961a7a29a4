"""Sparse tensors by coordinates (PyTorch's COO layout): the places of the entries, and their values as a Tensor.

The places are a constant; the values are an ordinary Tensor, and whatever is computed from a sparse tensor is recorded
as computed from its values.  So a sparse tensor has its values' place in the graph, and no rule here is about sparsity
but those of the product with a dense matrix.  Entries at one place add up until `coalesce` sums them.

Examples
--------
>>> import autograd_core as ac
>>> a = ac.sparse_coo_tensor([[0, 1, 1], [2, 0, 2]], [3.0, 4.0, 5.0], (2, 3))
>>> a.to_dense()
tensor([[0., 0., 3.],
        [4., 0., 5.]])
>>> ac.sparse.mm(a, ac.ones(3, 1))
tensor([[3.],
        [9.]])

Source: PyTorch, page "torch.sparse".
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from . import dtypes, factories
from .device import check_device
from .errors import AutogradError, DtypeError, OutOfRangeError, ShapeError, bad_dim, wrong_type
from .formatting import array_text, options
from .graph import Node, RemovableHandle
from .kernels import coo as kernels
from .op import sym
from .ops.manners import sparse_coo
from .tensor import Size, Tensor, wrap

__all__ = ["addmm", "mm", "sparse_coo_tensor", "spmm", "sum"]


def _gather(values: Tensor, index: Any) -> Tensor:
    """``values[index]`` along the first dimension."""
    return sym.take_index(values, (index,))  # type: ignore[no-any-return]


def _add_up(values: Tensor, index: Any, length: int) -> Tensor:
    """Zeros of ``length`` rows with each row of ``values`` added at its index."""
    rest = values.array.shape[1:]
    columns = sym.reshape(values, (values.array.shape[0], prod(rest)))
    total = sym.add_rows(columns, wrap(index), (length, prod(rest)), -1, False)
    return sym.reshape(total, (length, *rest))  # type: ignore[no-any-return]


# ------------------------------------------------------------------------------------------------- the class


class SparseTensor(Tensor):
    """A sparse tensor; make one with :func:`sparse_coo_tensor` or ``Tensor.to_sparse()``.

    It is a Tensor by name only: it has no ``array``, and functions of dense tensors refuse it.  What is defined for it
    are the methods here and the functions of ``autograd_core.sparse``.
    """

    __slots__ = ("_coalesced", "_content", "_index", "_sizes")

    _index: Any  # ndarray (sparse dimensions, entries) of int64
    _content: Tensor  # (entries, *dense dimensions)
    _sizes: tuple[int, ...]
    _coalesced: bool

    # ------------------------------------------------------------------------------------------- what it is

    @property
    def array(self) -> Any:  # type: ignore[override]
        """None to be had: the values of a sparse tensor are not one array."""
        raise AutogradError(
            f"sparse tensor: this function takes dense tensors only, got a sparse one of shape {self._sizes}. "
            "Convert it with to_dense(), or use a function of autograd_core.sparse."
        )

    @property
    def node(self) -> Node | None:  # type: ignore[override]
        """Its values' place in the graph."""
        return self._content.node

    @property
    def extra(self) -> Any:  # type: ignore[override]
        return self._content.extra

    @property
    def shape(self) -> Size:
        """The sizes of the dimensions."""
        return Size(self._sizes)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        return Size(self._sizes) if dim is None else self._sizes[self._dim("size", dim)]

    @property
    def dtype(self) -> dtypes.dtype:
        """The number type of the values."""
        return self._content.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions, sparse and dense ones."""
        return len(self._sizes)

    def dim(self) -> int:
        """The number of dimensions."""
        return len(self._sizes)

    def sparse_dim(self) -> int:
        """How many of the leading dimensions are sparse."""
        return int(self._index.shape[0])

    def dense_dim(self) -> int:
        """How many dimensions each entry has."""
        return len(self._sizes) - int(self._index.shape[0])

    def numel(self) -> int:
        """The number of elements, zeros included."""
        return prod(self._sizes)

    nelement = numel

    is_sparse = True
    layout = sparse_coo

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self._content.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of the places and the values."""
        return int(self._index.nbytes) + self._content.nbytes

    def _nnz(self) -> int:
        """The number of entries held (repeated places count each time)."""
        return int(self._index.shape[1])

    @property
    def nnz(self) -> int:
        """The number of entries held."""
        return self._nnz()

    def is_coalesced(self) -> bool:
        """Whether no place comes twice and the places are sorted, as far as is known."""
        return self._coalesced

    def indices(self) -> Tensor:
        """The places, (sparse dimensions, entries), of a coalesced tensor."""
        self._need_coalesced("indices")
        return wrap(self._index)

    def values(self) -> Tensor:
        """The values, (entries, *dense dimensions), of a coalesced tensor; gradients flow through them."""
        self._need_coalesced("values")
        v = self._content
        return v if v.node is None else sym.alias(v)

    def _indices(self) -> Tensor:
        """The places as they are held, coalesced or not."""
        return wrap(self._index)

    def _values(self) -> Tensor:
        """The values as they are held, as a constant that shares memory."""
        return self._content.detach()

    def _need_coalesced(self, name: str) -> None:
        if not self._coalesced:
            raise AutogradError(
                f"{name}: this sparse tensor may hold a place twice (it is not coalesced); call coalesce() first, "
                f"or _{name}() for what is held."
            )

    def _dim(self, name: str, dim: int) -> int:
        if not -len(self._sizes) <= dim < len(self._sizes):
            raise bad_dim(name, dim, len(self._sizes))
        return dim % len(self._sizes)

    # ------------------------------------------------------------------------------------------- other forms

    def coalesce(self) -> SparseTensor:
        """The same tensor with places sorted and the entries of one place summed (itself where that is so already)."""
        if self._coalesced:
            return self
        index, which = kernels.distinct(self._index, self._sizes[: self.sparse_dim()])
        return make_sparse(index, _add_up(self._content, which, index.shape[1]), self._sizes, True)

    def to_dense(self, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
        """The dense tensor of the same values."""
        front = self._sizes[: self.sparse_dim()]
        y = sym.reshape(_add_up(self._content, kernels.places(self._index, front), prod(front)), self._sizes)
        return y if dtype is None else sym.cast(y, dtypes.to_numpy(dtype, "to_dense"))  # type: ignore[no-any-return]

    def to_sparse(self, sparse_dim: int | None = None) -> SparseTensor:  # type: ignore[override]
        """Itself."""
        return self

    def _with(self, values: Tensor) -> SparseTensor:
        """Other values at the same places."""
        return make_sparse(self._index, values, self._sizes, self._coalesced)

    def clone(self, *, memory_format: Any = None) -> SparseTensor:
        """A copy, through which gradients flow."""
        return make_sparse(self._index.copy(), sym.clone(self._content), self._sizes, self._coalesced)

    def detach(self) -> SparseTensor:
        """A constant that shares the places and values."""
        return self._with(self._content.detach())

    @property  # type: ignore[misc]
    def data(self) -> SparseTensor:  # type: ignore[override]
        """A constant that shares the places and values."""
        return self.detach()

    def to(self, *args: Any, dtype: Any = None, device: Any = None, **kwargs: Any) -> SparseTensor:
        """The tensor in another number type (the device is always the CPU)."""
        for a in args:
            if isinstance(a, Tensor):
                dtype = a.dtype
            elif isinstance(a, dtypes.dtype):
                dtype = a
            else:
                device = a
        check_device("to", device)
        return self if dtype is None or dtype is self.dtype else self._with(
            sym.cast(self._content, dtypes.to_numpy(dtype, "to"))
        )  # fmt: skip

    def type(self, dtype: Any) -> SparseTensor:  # type: ignore[override]
        """The tensor in another number type."""
        return self.to(dtype=dtype)

    def float(self) -> SparseTensor:  # type: ignore[override]
        """In float32."""
        return self.to(dtypes.float32)

    def double(self) -> SparseTensor:  # type: ignore[override]
        """In float64."""
        return self.to(dtypes.float64)

    def cpu(self) -> SparseTensor:  # type: ignore[override]
        """Itself."""
        return self

    def zero_(self) -> SparseTensor:
        """Drop all entries, in place."""
        if self.node is not None:
            raise AutogradError("zero_: this sparse tensor requires grad; use detach() first.")
        self._index, self._coalesced = self._index[:, :0].copy(), True
        self._content = wrap(self._content.array[:0].copy())
        return self

    # ------------------------------------------------------------------------------------------- gradients

    def requires_grad_(self, requires_grad: bool = True) -> SparseTensor:
        """Ask for a gradient (of the values), in place."""
        self._content.requires_grad_(requires_grad)
        return self

    @property
    def grad(self) -> Any:
        """The accumulated gradient of a leaf, a sparse tensor with entries at the same places."""
        g = self._content.grad
        return None if g is None else self._with(g)

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None:
            if not isinstance(value, SparseTensor) or not np.array_equal(value._index, self._index):
                raise AutogradError(
                    "Tensor.grad: the gradient of a sparse tensor is a sparse one with the same indices."
                )
            value = value._content
        self._content.grad = value

    @grad.deleter
    def grad(self) -> None:
        self._content.grad = None

    def row_gradient(self) -> kernels.RowGradient:
        """The parts of a sparse tensor of rows as the backward pass carries them."""
        if self.sparse_dim() != 1:
            raise ShapeError(
                f"row_gradient: expected 1 sparse dimension, got {self.sparse_dim()}; the gradient consists of rows."
            )
        return kernels.RowGradient(self._index[0], self._content.array, self._sizes)

    def register_hook(self, hook: Callable[[Any], Any]) -> RemovableHandle:
        """Call ``hook(grad)`` with the sparse gradient; what it returns (same places) replaces it."""

        def of_values(g: Tensor) -> Tensor | None:
            got = hook(self._with(g))
            return None if got is None else got._content

        return self._content.register_hook(of_values)

    # ------------------------------------------------------------------------------------------- arithmetic

    def neg(self) -> SparseTensor:
        """The negative."""
        return self._with(-self._content)

    def add(self, other: Any, *, alpha: Any = 1) -> Any:
        """The sum with a sparse tensor (sparse) or a dense one (dense)."""
        if not isinstance(other, Tensor):
            raise TypeError(f"add: a sparse tensor plus {other!r} would be dense; use to_dense() first.")
        if not isinstance(other, SparseTensor):
            return self.to_dense() + (other if alpha == 1 else other * alpha)
        if self._sizes != other._sizes or self.sparse_dim() != other.sparse_dim():
            raise ShapeError(
                f"add: sparse tensors of shapes {self._sizes} and {other._sizes} (sparse dimensions "
                f"{self.sparse_dim()} and {other.sparse_dim()}) cannot be added; sparse tensors do not broadcast."
            )
        kind = dtypes.promote_numpy(self._content.array.dtype, other._content.array.dtype)
        parts = [
            sym.cast(self._content, kind),
            sym.cast(other._content if alpha == 1 else other._content * alpha, kind),
        ]
        both = make_sparse(np.concatenate([self._index, other._index], 1), sym.cat(parts, 0), self._sizes, False)
        return both.coalesce() if self._coalesced and other._coalesced else both

    def sub(self, other: Any, *, alpha: Any = 1) -> Any:
        """The difference."""
        return self.add(other, alpha=-alpha)

    def mul(self, other: Any) -> SparseTensor:
        """The elementwise product with a number, a 0-d tensor, or a tensor of the same shape; sparse in any case."""
        if isinstance(other, SparseTensor):
            other = other.to_dense()
        if isinstance(other, Tensor) and other.array.ndim:
            if other.array.shape != self._sizes:
                raise ShapeError(
                    f"mul: a sparse tensor of shape {self._sizes} and one of shape {other.array.shape} do not multiply; "
                    "sparse tensors do not broadcast."
                )
            here = self.coalesce()
            return here._with(here._content * sym.take_index(other, tuple(here._index)))
        return self._with(self._content * other)

    def div(self, other: Any) -> SparseTensor:  # type: ignore[override]
        """The quotient by a number or a 0-d tensor."""
        if isinstance(other, SparseTensor) or (isinstance(other, Tensor) and other.array.ndim):
            raise ShapeError(
                "div: a sparse tensor can be divided by a number only; 0 / 0 lies at most places otherwise."
            )
        return self._with(self._content / other)

    def __add__(self, other: Any) -> Any:
        return self.add(other)

    def __radd__(self, other: Any) -> Any:
        return self.add(other)

    def __sub__(self, other: Any) -> Any:
        return self.sub(other)

    def __rsub__(self, other: Any) -> Any:
        return self.neg().add(other)

    def __mul__(self, other: Any) -> SparseTensor:
        return self.mul(other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> SparseTensor:
        return self.div(other)

    def __neg__(self) -> SparseTensor:
        return self.neg()

    def __matmul__(self, other: Any) -> Any:
        return self.matmul(other)

    def __rmatmul__(self, other: Any) -> Tensor:
        """Dense @ sparse, by the transpose of both."""
        if not isinstance(other, Tensor) or other.array.ndim != 2:
            raise ShapeError("matmul: dense @ sparse takes matrices; give the left one 2 dimensions.")
        return sym.transpose(mm(self.t(), sym.transpose(other, 0, 1)), 0, 1)  # type: ignore[no-any-return]

    def matmul(self, other: Any) -> Any:
        """The product with a dense matrix or vector, or a sparse matrix."""
        if isinstance(other, Tensor) and not isinstance(other, SparseTensor) and other.array.ndim == 1:
            return sym.reshape(mm(self, sym.reshape(other, (-1, 1))), (self._sizes[0],))
        return mm(self, other)

    def mv(self, vec: Tensor) -> Tensor:
        """The product with a dense vector."""
        return self.matmul(vec)  # type: ignore[no-any-return]

    def mm(self, mat2: Tensor) -> Any:
        """The matrix product, see :func:`autograd_core.sparse.mm`."""
        return mm(self, mat2)

    def sum(self, dim: Any = None, *, dtype: Any = None) -> Any:  # type: ignore[override]
        """The sum of all elements or over dimensions, see :func:`autograd_core.sparse.sum`."""
        return sum(self, dim, dtype)

    def transpose(self, dim0: int, dim1: int) -> SparseTensor:
        """Two sparse dimensions swapped."""
        a, b, k = self._dim("transpose", dim0), self._dim("transpose", dim1), self.sparse_dim()
        if a >= k or b >= k:
            raise ShapeError(
                f"transpose: only the {k} sparse dimensions of a sparse tensor can be swapped, got {dim0}, {dim1}."
            )
        order = list(range(self.ndim))
        order[a], order[b] = b, a
        sizes = tuple(self._sizes[i] for i in order)
        return make_sparse(self._index[order[:k]], self._content, sizes, self._coalesced and a == b)

    def t(self) -> SparseTensor:
        """The transpose of a sparse matrix."""
        if self.ndim != 2 or self.sparse_dim() != 2:
            raise ShapeError(
                f"t: expected a sparse matrix, got shape {self._sizes} with {self.dense_dim()} dense dimensions."
            )
        return self.transpose(0, 1)

    @property
    def T(self) -> SparseTensor:
        """The transpose of a sparse matrix."""
        return self.t()

    # ------------------------------------------------------------------------------------------- Python's manners

    def __len__(self) -> int:
        if not self._sizes:
            raise TypeError("len: a 0-d tensor has no length.")
        return self._sizes[0]

    def __repr__(self) -> str:
        index, values = self._index, self._content.array
        texts = []
        for name, a in (("indices", index), ("values", values)):
            prefix = f"       {name}=tensor("
            text = "[]" if a.size == 0 else array_text(a, len(prefix))
            texts.append(prefix + text + (f", size={a.shape})" if a.size == 0 else ")"))
        suffixes = [f"size={self._sizes}", f"nnz={self._nnz()}"]
        if values.dtype not in (dtypes.default.numpy, dtypes.default.complex, np.dtype(np.int64), np.dtype(bool)):
            suffixes.append(f"dtype={self.dtype!r}")
        suffixes.append(f"layout={self.layout!r}")
        if self.node is not None:
            suffixes.append("requires_grad=True" if self.is_leaf else f"grad_fn={self._grad_fn_text()}")
        out = "tensor(" + ",\n".join(texts).lstrip()
        lines, line = [], ""
        for s in suffixes:
            if line and 7 + len(line) + 2 + len(s) > options.linewidth:
                lines.append(line)
                line = s
            else:
                line = f"{line}, {s}" if line else s
        return out + "".join(f",\n       {text}" for text in [*lines, line]) + ")"

    def __copy__(self) -> SparseTensor:
        return self._with(self._content)

    def __deepcopy__(self, memo: dict[int, Any]) -> SparseTensor:
        if id(self) not in memo:
            values = self._content.__deepcopy__(memo)
            memo[id(self)] = make_sparse(self._index.copy(), values, self._sizes, self._coalesced)
        return memo[id(self)]  # type: ignore[no-any-return]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return make_sparse, (self._index, self._content, self._sizes, self._coalesced)


def make_sparse(index: Any, values: Tensor, sizes: tuple[int, ...], coalesced: bool) -> SparseTensor:
    """A sparse tensor of parts that are known to fit (int64 places, their values)."""
    t: SparseTensor = object.__new__(SparseTensor)
    t._index, t._content, t._sizes = index, values, tuple(sizes)
    t._coalesced = coalesced or index.shape[1] < 2
    return t


def sparse_gradient(g: kernels.RowGradient) -> SparseTensor:
    """The gradient of a table as a sparse tensor of rows."""
    return make_sparse(g.rows[None], wrap(g.values), g.shape, False)


# ------------------------------------------------------------------------------------------------- the functions


def sparse_coo_tensor(
    indices: Any, values: Any = None, size: Any = None, *, dtype: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False, check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> SparseTensor:  # fmt: skip
    """A sparse tensor with ``values[k]`` at ``indices[:, k]``; entries at one place add up.

    Parameters
    ----------
    indices : array_like of integers, (sparse dimensions, entries)
        Or, alone, a size: ``sparse_coo_tensor((2, 3))`` has no entries.
    values : array_like, (entries, *dense dimensions)
        If a Tensor that requires grad is given, gradients flow to it.
    size : sequence of int, optional
        Default: the smallest that holds all indices.
    dtype : dtype, optional
        Default: that of ``values``.
    requires_grad : bool
        Make a leaf of its own.
    check_invariants : bool, optional
        Accepted: the arguments are always checked.
    is_coalesced : bool, optional
        State that the indices are sorted and distinct.

    Raises
    ------
    RuntimeError
        If shapes do not fit or an index lies outside.
    TypeError
        If indices are not integers.

    Source: PyTorch, ``torch.sparse_coo_tensor``.
    """
    name = "sparse_coo_tensor"
    check_device(name, device)
    if values is None:
        size = tuple(int(n) for n in (indices if size is None else size))
        empty = np.zeros(0, dtypes.default.numpy if dtype is None else dtypes.to_numpy(dtype, name))
        made = make_sparse(np.zeros((len(size), 0), np.int64), wrap(empty), size, True)
        return made.requires_grad_() if requires_grad else made
    index = indices.array if isinstance(indices, Tensor) else np.asarray(indices)
    if index.size == 0 and not isinstance(indices, (Tensor, np.ndarray)):
        index = index.astype(np.int64)
    if index.dtype.kind not in "iu":
        raise DtypeError(f"{name}: indices must be integers, got {index.dtype}; convert them with long().")
    if index.ndim != 2:
        raise ShapeError(f"{name}: indices must be a matrix (sparse dimensions, entries), got shape {index.shape}.")
    index = index.astype(np.int64)
    content = factories.as_tensor(values, dtype)
    if content.array.ndim == 0 or content.array.shape[0] != index.shape[1]:
        raise ShapeError(
            f"{name}: {index.shape[1]} indices need as many values, got values of shape {content.array.shape}."
        )
    least = (index.max(1) + 1).tolist() if index.size else [0] * index.shape[0]
    dense = content.array.shape[1:]
    sizes = (*least, *dense) if size is None else tuple(int(n) for n in size)
    if len(sizes) != len(least) + len(dense) or sizes[len(least) :] != dense:
        raise ShapeError(
            f"{name}: size {sizes} does not fit {len(least)} sparse dimensions and values of shape "
            f"{content.array.shape}; it must have {len(least) + len(dense)} dimensions and end in {dense}."
        )
    if index.size and index.min() < 0:
        raise OutOfRangeError(f"{name}: indices must not be negative, got {int(index.min())}.")
    for d, (need, have) in enumerate(zip(least, sizes, strict=False)):
        if need > have:
            raise OutOfRangeError(f"{name}: index {need - 1} of dimension {d} is out of range for size {sizes}.")
    if is_coalesced:
        flat = kernels.places(index, sizes[: len(least)])
        if (np.diff(flat) <= 0).any():
            raise ShapeError(f"{name}: is_coalesced=True, but the indices are not sorted and distinct.")
    if requires_grad:
        content = sym.clone(content.detach()).requires_grad_()
    elif content.node is not None:
        content = sym.alias(content)
    elif content is values:
        content = content.detach()
    return make_sparse(index, content, sizes, bool(is_coalesced))


def _matrix(name: str, argument: str, x: Any) -> None:
    if not isinstance(x, Tensor):
        raise wrong_type(name, argument, "a Tensor", x)
    if x.ndim != 2 or (isinstance(x, SparseTensor) and x.sparse_dim() != 2):
        raise ShapeError(f"{name}: {argument} must be a matrix, got shape {tuple(x.shape)}.")


def mm(input: Tensor, mat2: Tensor) -> Any:
    """The product of a sparse matrix with a dense one (dense) or a sparse one (sparse).

    Gradients flow to the sparse matrix's values, at its places only, and to the other one.

    Parameters
    ----------
    input : Tensor, (n, m)
    mat2 : Tensor, (m, k)

    Raises
    ------
    RuntimeError
        If they are not matrices, the shapes do not fit or the dtypes differ.

    Source: PyTorch, ``torch.sparse.mm``.
    """
    _matrix("sparse.mm", "input", input)
    _matrix("sparse.mm", "mat2", mat2)
    if input.shape[1] != mat2.shape[0]:
        raise ShapeError(
            f"sparse.mm: shapes {tuple(input.shape)} and {tuple(mat2.shape)} do not fit: the first has "
            f"{input.shape[1]} columns, the second {mat2.shape[0]} rows."
        )
    if input.dtype is not mat2.dtype:
        raise DtypeError(
            f"sparse.mm: expected one dtype, got {input.dtype.name} and {mat2.dtype.name}; convert one with to()."
        )
    if not isinstance(input, SparseTensor):
        return input @ mat2  # type: ignore[operator]
    if isinstance(mat2, SparseTensor):
        return _mm_sparse(input, mat2)
    return sym.coo_mm(input._content, mat2, input._index, input._sizes[0])


def _mm_sparse(a: SparseTensor, b: SparseTensor) -> SparseTensor:
    """Each entry (i, j) of ``a`` meets each entry (j, k) of ``b``; what meets at (i, k) adds up."""
    b = b.coalesce()
    per_row = np.bincount(b._index[0], minlength=b._sizes[0])
    first = np.cumsum(per_row) - per_row
    counts = per_row[a._index[1]]
    left = np.repeat(np.arange(a._nnz()), counts)
    step = np.arange(left.size) - np.repeat(np.cumsum(counts) - counts, counts)
    right = first[a._index[1][left]] + step
    index = np.stack([a._index[0][left], b._index[1][right]])
    values = _gather(a._content, left) * _gather(b._content, right)
    return make_sparse(index, values, (a._sizes[0], b._sizes[1]), False).coalesce()


spmm = mm


def addmm(mat: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1.0, alpha: Any = 1.0) -> Tensor:
    """``beta * mat + alpha * (mat1 @ mat2)`` with ``mat1`` sparse.

    Source: PyTorch, ``torch.sparse.addmm``.
    """
    if not isinstance(mat, Tensor):
        raise wrong_type("sparse.addmm", "mat", "a Tensor", mat)
    product = mm(mat1, mat2)
    total = (product if alpha == 1 else product * alpha) + (mat if beta == 1 else mat * beta)
    if tuple(total.shape) != tuple(product.shape):
        raise ShapeError(f"sparse.addmm: mat of shape {tuple(mat.shape)} does not broadcast to {tuple(product.shape)}.")
    return total  # type: ignore[no-any-return]


def sum(input: SparseTensor, dim: Any = None, dtype: Any = None) -> Any:
    """The sum of all elements, or over the dimensions ``dim`` (sparse as long as a sparse dimension is left).

    Source: PyTorch, ``torch.sparse.sum``.
    """
    if not isinstance(input, SparseTensor):
        raise wrong_type("sparse.sum", "input", "a sparse tensor", input)
    x = input if dtype is None else input.to(dtype=dtype)
    if dim is None:
        return x._content.sum()  # type: ignore[attr-defined]
    k = x.sparse_dim()
    dims = {x._dim("sparse.sum", d) for d in ((dim,) if isinstance(dim, int) else dim)}
    inner = tuple(d - k + 1 for d in sorted(dims) if d >= k)
    values = sym.sum(x._content, inner, False) if inner else x._content
    kept = [d for d in range(k) if d not in dims]
    sizes = tuple(n for d, n in enumerate(x._sizes) if d not in dims)
    if not kept:
        return sym.sum(values, (0,), False)
    if len(kept) == k:
        return make_sparse(x._index, values, sizes, x._coalesced)
    return make_sparse(x._index[kept], values, sizes, False).coalesce()


def to_sparse(self: Tensor, sparse_dim: int | None = None) -> SparseTensor:
    """The sparse tensor of the elements that are not 0; of the leading ``sparse_dim`` dimensions (default: all)."""
    n = self.array.ndim
    k = n if sparse_dim is None else sparse_dim
    if not (0 < k <= n or (k == 0 and n == 0)):
        raise ShapeError(
            f"to_sparse: sparse_dim must be 1 to {n} for a tensor of shape {self.array.shape}, got {sparse_dim}."
        )
    there = self.array != 0
    found = (there if k == n else there.any(tuple(range(k, n)))).reshape(self.array.shape[:k])
    index = np.stack(np.nonzero(found)).astype(np.int64) if k else np.zeros((0, int(found)), np.int64)
    if not k:
        return make_sparse(index, sym.reshape(self, (1,)) if found else wrap(self.array.reshape(1)[:0]), (), True)
    return make_sparse(index, sym.take_index(self, tuple(index)), self.array.shape, True)


def sparse_mask(self: Tensor, mask: SparseTensor) -> SparseTensor:
    """The elements of this tensor at the places of a sparse one."""
    if not isinstance(mask, SparseTensor):
        raise wrong_type("sparse_mask", "mask", "a sparse tensor", mask)
    if self.array.shape != mask._sizes:
        raise ShapeError(f"sparse_mask: shapes {self.array.shape} and {mask._sizes} differ; they must be equal.")
    mask = mask.coalesce()
    return mask._with(sym.take_index(self, tuple(mask._index)))


Tensor.to_sparse = to_sparse  # type: ignore[attr-defined,method-assign]
Tensor.sparse_mask = sparse_mask  # type: ignore[attr-defined,method-assign]
