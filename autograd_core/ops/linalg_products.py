"""Products beyond matmul: tensordot, kron, cross, chains of matrices, powers, and the systems solved over tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..op import METHODS, method, sym
from ..tensor import Tensor, wrap
from .arithmetic import mul, tensor_of
from .dims import many_dims, one_dim
from .linalg import also, inv, matrices, solve
from .matmul import _check_types, _combine, matmul, mv, outer

__all__ = [
    "addbmm",
    "addmv",
    "addr",
    "chain_matmul",
    "cross",
    "inner",
    "kron",
    "matrix_power",
    "pca_lowrank",
    "svd_lowrank",
    "tensordot",
    "trace",
    "vander",
    "vdot",
]


@method()
def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal."""
    if input.array.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, got shape {input.array.shape}.")
    d = sym.diagonal(input, 0, 0, 1)
    return sym.sum(d if d.array.dtype.kind not in "iub" else sym.cast(d, np.dtype(np.int64)), (0,), False)


def _contracted(name: str, dims: Any, a: Tensor, b: Tensor) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"{name}: dims must be >= 0, got {dims}.")
        if min(a.array.ndim, b.array.ndim) < dims:
            raise RuntimeError(
                f"{name}: dims={dims} exceeds the dimensions of shapes {a.array.shape} and {b.array.shape}."
            )
        return tuple(range(a.array.ndim - dims, a.array.ndim)), tuple(range(dims))
    one, two = ((v,) if isinstance(v, int) else tuple(v) for v in dims)
    if len(one) != len(two):
        raise RuntimeError(f"{name}: both tensors must contract the same number of dimensions, got {one} and {two}.")
    x = many_dims(name, one, a.array.ndim) if one else ()
    return x, many_dims(name, two, b.array.ndim) if two else ()


def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Any = None) -> Tensor:
    """The sum of products over ``dims``: the last n of ``a`` with the first n of ``b``, or two lists of dimensions.

    Examples
    --------
    >>> import autograd_core as ac
    >>> ac.tensordot(ac.ones(2, 3, 4), ac.ones(4, 3, 5), dims=([1, 2], [1, 0])).shape
    Size([2, 5])
    """
    a, b = tensor_of(a, "tensordot"), tensor_of(b, "tensordot")
    _check_types("tensordot", a, b)
    one, two = _contracted("tensordot", dims, a, b)
    for i, j in zip(one, two, strict=True):
        m, n = a.array.shape[i], b.array.shape[j]
        if m != n and 1 not in (m, n):
            raise ShapeError(
                f"tensordot: contracted dimensions need to match, dim {i} of a has size {m} but dim {j} of b has size "
                f"{n}."
            )
        if m != n:  # a size of 1 counts for all
            a = sym.sum(a, (i,), True) if n == 1 else a
            b = sym.sum(b, (j,), True) if m == 1 else b
    free_a = tuple(i for i in range(a.array.ndim) if i not in one)
    free_b = tuple(j for j in range(b.array.ndim) if j not in two)
    shape_a, shape_b = tuple(a.array.shape[i] for i in free_a), tuple(b.array.shape[j] for j in free_b)
    inner_size = math.prod(a.array.shape[i] for i in one)
    left = sym.reshape(sym.permute(a, (*free_a, *one)), (math.prod(shape_a), inner_size))
    right = sym.reshape(sym.permute(b, (*two, *free_b)), (inner_size, math.prod(shape_b)))
    return sym.reshape(sym.matmul(left, right), shape_a + shape_b)


@method()
def inner(input: Tensor, other: Tensor) -> Tensor:
    """Sums of products over the last dimensions of both (a plain product when one is 0-d)."""
    a, b = tensor_of(input, "inner"), tensor_of(other, "inner")
    if a.array.ndim == 0 or b.array.ndim == 0:
        return mul(a, b)
    if a.array.shape[-1] != b.array.shape[-1]:
        raise ShapeError(f"inner: the last dimensions must match, got shapes {a.array.shape} and {b.array.shape}.")
    return tensordot(a, b, ((-1,), (-1,)))


@method()
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """``sum(conj(input) * other)`` of two vectors."""
    if input.array.ndim != 1 or other.array.ndim != 1:
        raise RuntimeError(f"vdot: expects 1-d tensors, got shapes {input.array.shape} and {other.array.shape}.")
    return matmul(sym.conj(input) if input.array.dtype.kind == "c" else input, other)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """``sum(conj(x) * y)`` along ``dim``, broadcasting the others."""
    for v in (x, y):
        if v.array.dtype.kind not in "fc":
            raise RuntimeError(f"linalg.vecdot: expected floating point or complex tensors, got {v.dtype.name}.")
    product = mul(sym.conj(x) if x.array.dtype.kind == "c" else x, y)
    return sym.sum(product, (one_dim("linalg.vecdot", dim, product.array.ndim),), False)


@method()
def kron(input: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product: every element of ``input`` times all of ``other``."""
    a, b = tensor_of(input, "kron"), tensor_of(other, "kron")
    n = max(a.array.ndim, b.array.ndim)
    s, t = (1,) * (n - a.array.ndim) + a.array.shape, (1,) * (n - b.array.ndim) + b.array.shape
    left = sym.reshape(a, tuple(v for k in s for v in (k, 1)))
    right = sym.reshape(b, tuple(v for k in t for v in (1, k)))
    return sym.reshape(mul(left, right), tuple(p * q for p, q in zip(s, t, strict=True)))


def linalg_cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The cross product along ``dim``, which has size 3; the other dimensions broadcast (``torch.linalg.cross``)."""
    return _cross("linalg.cross", input, other, dim)


@method()
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The cross product along ``dim`` (the first dimension of size 3 when left out; ``torch.cross``)."""
    if dim is None:
        shape = input.array.shape
        if 3 not in shape:
            raise RuntimeError(f"cross: no dimension of size 3 in shape {shape}.")
        dim = shape.index(3)
    return _cross("cross", input, other, dim)


def _cross(name: str, a: Tensor, b: Tensor, dim: int) -> Tensor:
    if a.array.ndim != b.array.ndim:
        raise ShapeError(
            f"{name}: inputs must have the same number of dimensions, got shapes {a.array.shape} and {b.array.shape}."
        )
    d = one_dim(name, dim, a.array.ndim)
    if a.array.shape[d] != 3 or b.array.shape[d] != 3:
        raise ShapeError(f"{name}: dimension {dim} must have size 3, got shapes {a.array.shape} and {b.array.shape}.")

    def turn(x: Tensor, k: int) -> Tensor:
        return sym.roll(x, (-k,), (d,))

    return sym.sub(mul(turn(a, 1), turn(b, 2)), mul(turn(a, 2), turn(b, 1)))


# ------------------------------------------------------------------------------------------------- sums with products


@method(inplace=True)
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * input + alpha * sum over the batch of batch1 @ batch2``."""
    s, t = batch1.array.shape, batch2.array.shape
    if len(s) != 3 or len(t) != 3 or s[0] != t[0] or s[2] != t[1]:
        raise ShapeError(f"addbmm: expects tensors of shapes (b, n, m) and (b, m, p), got {s} and {t}.")
    left = sym.reshape(sym.permute(batch1, (1, 0, 2)), (s[1], s[0] * s[2]))
    return _combine(input, matmul(left, sym.reshape(batch2, (t[0] * t[1], t[2]))), beta, alpha)


@method(inplace=True)
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * input + alpha * mat @ vec``."""
    return _combine(input, mv(mat, vec), beta, alpha)


@method(inplace=True)
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * input + alpha * outer(vec1, vec2)``."""
    return _combine(input, outer(vec1, vec2), beta, alpha)


# ------------------------------------------------------------------------------------------------- chains and powers


def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of two or more matrices (the first and last may be vectors), in the order that costs least.

    The order is found by dynamic programming over where to split (Cormen et al., "Introduction to Algorithms",
    matrix-chain multiplication).
    """
    xs = list(tensors)
    if len(xs) < 2:
        raise RuntimeError(f"linalg.multi_dot: expected at least 2 tensors, got {len(xs)}.")
    first, last = xs[0].array.ndim == 1, xs[-1].array.ndim == 1
    if first:
        xs[0] = sym.reshape(xs[0], (1, -1))
    if last:
        xs[-1] = sym.reshape(xs[-1], (-1, 1))
    for i, x in enumerate(xs):
        if x.array.ndim != 2:
            raise RuntimeError(
                f"linalg.multi_dot: tensor {i} must be a matrix (the first and last may be vectors), got shape "
                f"{tensors[i].array.shape}."
            )
    y = _chain(xs)
    if first or last:
        y = sym.reshape(y, tuple(n for n, gone in zip(y.array.shape, (first, last), strict=True) if not gone))
    return y


def _chain(xs: list[Tensor]) -> Tensor:
    n = len(xs)
    sizes = [x.array.shape[0] for x in xs] + [xs[-1].array.shape[1]]
    cost = [[0] * n for _ in range(n)]
    split = [[0] * n for _ in range(n)]
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i][j], split[i][j] = min(
                (cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )

    def product(i: int, j: int) -> Tensor:
        return xs[i] if i == j else matmul(product(i, split[i][j]), product(split[i][j] + 1, j))

    return product(0, n - 1)


def chain_matmul(*matrices: Any, out: Any = None) -> Tensor:
    """The product of matrices in the order that costs least; PyTorch's older spelling of ``linalg.multi_dot``."""
    xs = matrices[0] if len(matrices) == 1 and isinstance(matrices[0], (list, tuple)) else matrices
    if len(xs) == 1:
        return xs[0]
    for i, x in enumerate(xs):
        if x.array.ndim != 2:
            raise RuntimeError(f"chain_matmul: tensor {i} must be a matrix, got shape {x.array.shape}.")
    return multi_dot(xs)


@method()
def matrix_power(input: Tensor, n: int) -> Tensor:
    """The n-th power of square matrices by repeated squaring; a negative n powers the inverse."""
    x = input
    if n < 0 or x.array.dtype.kind in "fc":
        x = matrices("linalg.matrix_power", input, square=True)
    elif x.array.ndim < 2 or x.array.shape[-1] != x.array.shape[-2]:
        raise ShapeError(f"linalg.matrix_power: A must be batches of square matrices, got shape {x.array.shape}.")
    if n == 0:
        eye = np.broadcast_to(np.eye(x.array.shape[-1], dtype=x.array.dtype), x.array.shape).copy()
        return sym.add(sym.mul(x, 0), wrap(eye)) if x.node is not None else wrap(eye)
    if n < 0:
        x, n = inv(x), -n
    result: Tensor | None = None
    while True:
        if n & 1:
            result = x if result is None else matmul(result, x)
        n >>= 1
        if not n:
            return sym.clone(result) if result is input else result  # type: ignore[return-value]
        x = matmul(x, x)


def linalg_vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """Vandermonde matrices: columns x^0, x^1, ... x^(N-1) (N = the length of x unless given;
    ``torch.linalg.vander``)."""
    if x.array.ndim == 0:
        raise RuntimeError("linalg.vander: expects at least 1 dimension, got a 0-d tensor.")
    n = x.array.shape[-1] if N is None else N
    if N is not None and N <= 1:
        raise RuntimeError(f"linalg.vander: N must be greater than 1, got {N}.")
    return _powers(x, n)


def _powers(x: Tensor, n: int) -> Tensor:
    if n == 0:
        return wrap(np.empty((*x.array.shape, 0), x.array.dtype))
    columns = [wrap(np.ones(x.array.shape, x.array.dtype))]
    for _ in range(n - 1):
        columns.append(mul(columns[-1], x) if len(columns) > 1 else x)
    return sym.stack(columns, x.array.ndim)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The Vandermonde matrix of a vector, powers falling from the left unless ``increasing`` (``torch.vander``)."""
    if x.array.ndim != 1:
        raise RuntimeError(f"vander: expects a 1-d tensor, got shape {x.array.shape}.")
    y = _powers(x, x.array.shape[0] if N is None else int(N))
    if x.array.dtype.kind in "iub" and y.array.dtype != np.int64:
        y = sym.cast(y, np.dtype(np.int64))
    return y if increasing else sym.flip(y, (1,))


# ------------------------------------------------------------------------------------------------- systems over tensors


@also(input="A")
def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """The inverse with respect to ``tensordot(A, B, ind)``: A's first ``ind`` dimensions against the others."""
    if not isinstance(ind, int) or ind <= 0:
        raise RuntimeError(f"linalg.tensorinv: ind must be a positive int, got {ind!r}.")
    s = A.array.shape
    rows, columns = math.prod(s[:ind]), math.prod(s[ind:])
    if rows != columns:
        raise ShapeError(
            f"linalg.tensorinv: expected prod(A.shape[ind:]) to equal prod(A.shape[:ind]), got {columns} and {rows} "
            f"for shape {s}, ind={ind}."
        )
    return sym.reshape(inv(sym.reshape(A, (rows, columns))), s[ind:] + s[:ind])


@also(input="A", other="B")
def tensorsolve(A: Tensor, B: Tensor, dims: Sequence[int] | None = None) -> Tensor:
    """The X with ``tensordot(A, X, X.ndim) = B``; ``dims`` of A are moved to its end first."""
    if dims is not None:
        moved = many_dims("linalg.tensorsolve", dims, A.array.ndim)
        A = sym.permute(A, tuple(d for d in range(A.array.ndim) if d not in moved) + moved)
    s = A.array.shape
    rest = s[B.array.ndim :]
    n = math.prod(rest)
    if n != B.array.size or math.prod(s[: B.array.ndim]) != n:
        raise ShapeError(
            f"linalg.tensorsolve: expected prod(A.shape[B.ndim:]) = B.numel() = prod(A.shape[:B.ndim]), got A {s} and "
            f"B {B.array.shape}."
        )
    return sym.reshape(solve(sym.reshape(A, (n, n)), sym.reshape(B, (n,))), rest)


# ------------------------------------------------------------------------------------------------- random projections


def svd_lowrank(A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None) -> Any:
    """About the q largest singular values with their vectors, ``(U, S, V)`` with A (less M) near U diag(S) V^H.

    A random projection with ``niter`` subspace iterations (Halko, Martinsson and Tropp, "Finding structure with
    randomness", 2009, algorithm 5.1); exact when the rank is at most q.
    """
    from ..factories import randn
    from .decompositions import qr, svd

    q, niter = 6 if q is None else q, 2 if niter is None else niter
    a = matrices("svd_lowrank", A)
    m, n = a.array.shape[-2:]
    if not 0 <= q <= min(m, n):
        raise ValueError(f"svd_lowrank: q must be between 0 and min(m, n) = {min(m, n)}, got {q}.")
    if M is not None:
        a = sym.sub(a, M)
    tall = a if m >= n else sym.mH(a)
    h = sym.mH(tall)
    basis = qr(matmul(tall, randn(min(m, n), q, dtype=a.dtype))).Q
    for _ in range(niter):
        basis = qr(matmul(tall, qr(matmul(h, basis)).Q)).Q
    u, s, vh = svd(matmul(sym.mH(basis), tall), full_matrices=False)
    u, v = matmul(basis, u), sym.mH(vh)
    return (u, s, v) if m >= n else (v, s, u)


def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> Any:
    """Principal components, ``(U, S, V)`` of the (centred) columns of A through :func:`svd_lowrank`."""
    a = matrices("pca_lowrank", A)
    m, n = a.array.shape[-2:]
    q = min(6, m, n) if q is None else q
    if not 0 <= q <= min(m, n):
        raise ValueError(f"pca_lowrank: q must be between 0 and min(m, n) = {min(m, n)}, got {q}.")
    if niter < 0:
        raise ValueError(f"pca_lowrank: niter must not be negative, got {niter}.")
    return svd_lowrank(sym.sub(a, sym.mean(a, (a.array.ndim - 2,), True)) if center else a, q, niter)


METHODS["inner"] = inner
