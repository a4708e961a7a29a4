"""Norms of vectors and matrices, condition numbers, ranks, distances."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes
from ..errors import ShapeError
from ..op import defop, method, sym
from ..tensor import Tensor, wrap
from . import lapack
from .arithmetic import tensor_of
from .decompositions import svdvals
from .dims import many_dims, one_dim
from .linalg import also, cutoff, inv, matrices
from .reduce import vector_norm

__all__ = ["cdist", "dist", "norm"]


def _converted(name: str, A: Tensor, dtype: Any) -> Tensor:
    x = tensor_of(A, name)
    if dtype is not None:
        target = dtypes.to_numpy(dtype, name)
        if target.kind not in "fc" or (x.array.dtype.kind == "c" and target.kind != "c"):
            raise RuntimeError(
                f"{name}: dtype must be floating point (complex for complex input), got {dtype} for {x.dtype.name}."
            )
        x = x if x.array.dtype == target else sym.cast(x, target)
    if x.array.dtype.kind not in "fc":
        raise RuntimeError(
            f"{name}: needs a floating point or complex tensor, got {x.dtype.name}; convert it with float(), or pass "
            "dtype=."
        )
    return x


@also(input="A")
def matrix_norm(
    A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """A norm of the matrices that lie in the two dimensions ``dim``.

    Parameters
    ----------
    A : Tensor, shape (..., m, n)
    ord : {"fro", "nuc", inf, -inf, 1, -1, 2, -2}
        Root of the sum of squares; sum of singular values; largest (smallest) sum of a row's absolute values; of a
        column's; largest (smallest) singular value.
    dim : tuple of two int
    keepdim : bool
    dtype : dtype, optional
        Convert to this type first.
    """
    name = "linalg.matrix_norm"
    x = _converted(name, A, dtype)
    if x.array.ndim < 2:
        raise ShapeError(f"{name}: the input tensor A must have at least 2 dimensions, got shape {x.array.shape}.")
    axes = many_dims(name, dim, x.array.ndim)
    if len(axes) != 2:
        raise RuntimeError(f"{name}: dim must be a tuple of two different dimensions, got {dim!r}.")
    if isinstance(ord, str):
        if ord not in ("fro", "nuc"):
            raise RuntimeError(f"{name}: order {ord!r} not supported; one of 'fro', 'nuc', inf, -inf, 1, -1, 2, -2.")
        if ord == "fro":
            return vector_norm(x, 2, axes, keepdim)
    elif abs(float(ord)) not in (1.0, 2.0, math.inf):
        raise RuntimeError(f"{name}: order {ord!r} not supported; one of 'fro', 'nuc', inf, -inf, 1, -1, 2, -2.")
    empty = 0 in (x.array.shape[axes[0]], x.array.shape[axes[1]])
    if ord == "nuc" or abs(ord) == 2:
        rest = tuple(d for d in range(x.array.ndim) if d not in axes)
        s = svdvals(sym.permute(x, (*rest, *axes)))
        last = (s.array.ndim - 1,)
        if ord == "nuc":
            y = sym.sum(s, last, False)
        elif empty:
            y = _of_nothing(name, ord, x, sym.sum(s, last, False))
        else:
            y = sym.amax(s, last, False) if ord > 0 else sym.amin(s, last, False)
        return sym.reshape(y, tuple(1 if d in axes else n for d, n in enumerate(x.array.shape))) if keepdim else y
    summed, chosen = axes if abs(ord) == 1 else axes[::-1]
    if x.array.shape[chosen] == 0:
        return _of_nothing(name, ord, x, sym.sum(sym.abs(x), axes, keepdim))
    sums = sym.sum(sym.abs(x), (summed,), True)
    y = sym.amax(sums, (chosen,), True) if ord > 0 else sym.amin(sums, (chosen,), True)
    return y if keepdim else sym.reshape(y, tuple(n for d, n in enumerate(x.array.shape) if d not in axes))


def _of_nothing(name: str, ord: Any, x: Tensor, zero: Tensor) -> Tensor:
    """The norm of matrices without elements: 0 for orders that take a maximum, undefined for those that take a
    minimum."""
    if ord > 0:
        return zero
    raise IndexError(f"{name}: the norm of order {ord} of no elements is not defined (shape {x.array.shape}).")


@also(input="A")
def linalg_norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """A vector or matrix norm, as ``ord`` and the number of dimensions in ``dim`` say (``torch.linalg.norm``).

    Without ``ord`` the root of the sum of squares over ``dim`` (all dimensions when left out; else one or two).  With
    it, two dimensions mean :func:`matrix_norm` and one means :func:`vector_norm`; without ``dim`` the tensor must be
    1-d or 2-d.
    """
    name = "linalg.norm"
    x = _converted(name, A, dtype)
    if dim is not None and not isinstance(dim, int):
        dim = tuple(dim)
        if len(dim) not in (1, 2):
            raise RuntimeError(f"{name}: dim must have 1 or 2 elements, got {dim}; see linalg.vector_norm() for more.")
    if ord is None:
        return vector_norm(x, 2, dim, keepdim)
    if dim is None:
        if x.array.ndim not in (1, 2):
            raise RuntimeError(f"{name}: with ord but no dim, the input must be 1-d or 2-d, got shape {x.array.shape}.")
        dim = tuple(range(x.array.ndim))
    if isinstance(ord, str) or (not isinstance(dim, int) and len(dim) == 2):
        return matrix_norm(x, ord, dim if not isinstance(dim, int) else (dim,), keepdim)
    return vector_norm(x, ord, dim, keepdim)


@method()
def norm(
    input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, out: Any = None, dtype: Any = None
) -> Tensor:
    """The ``p``-norm of all elements or over ``dim`` (``torch.norm``): ``(sum |x|^p)^(1/p)``.

    ``p="fro"`` (and None) is the 2-norm, ``"nuc"`` the sum of the singular values of the matrices in ``dim``.
    """
    if isinstance(p, str) and p not in ("fro", "nuc"):
        raise RuntimeError(f"norm: p must be a number, 'fro' or 'nuc', got {p!r}.")
    x = _converted("norm", input, dtype)
    if p == "nuc":
        if dim is None and x.array.ndim != 2:
            raise RuntimeError(f"norm: p='nuc' without dim needs a 2-d tensor, got shape {x.array.shape}.")
        return matrix_norm(x, "nuc", (-2, -1) if dim is None else dim, keepdim)
    return vector_norm(x, 2 if p in ("fro", None) else float(p), dim, keepdim)


@also(input="A")
def cond(A: Tensor, p: Any = None) -> Tensor:
    """The condition number of matrices in the norm ``p``: |A| |A^-1|, and inf where A is singular.

    ``None`` and 2 are the ratio of the largest to the smallest singular value (any shape), -2 its inverse; other orders
    are those of :func:`matrix_norm` and need square matrices.
    """
    name = "linalg.cond"
    if p in (None, 2, -2):
        x = matrices(name, A)
        s = svdvals(x)
        if s.array.shape[-1] == 0:
            return sym.sum(s, (s.array.ndim - 1,), False)  # type: ignore[no-any-return]
        first, last = sym.getitem(s, (Ellipsis, 0)), sym.getitem(s, (Ellipsis, -1))
        return sym.div(last, first) if p == -2 else sym.div(first, last)
    x = matrices(name, A, square=True)
    singular = np.asarray(lapack.getrf(x.array)[2] != 0)
    if not singular.any():
        return sym.mul(matrix_norm(x, p), matrix_norm(inv(x), p))
    eye = wrap(np.eye(x.array.shape[-1], dtype=x.array.dtype))
    fine = sym.where(wrap(singular[..., None, None]), eye, x)
    product = sym.mul(matrix_norm(x, p), matrix_norm(inv(fine), p))
    return sym.masked_fill(product, wrap(singular), math.inf)


@also(input="A")
def matrix_rank(A: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    """The number of singular values (absolute eigenvalues of ``hermitian`` matrices) above ``max(atol, rtol *
    largest)``.

    ``tol``, the older spelling, is ``atol`` with ``rtol=0``.
    """
    x = matrices("linalg.matrix_rank", A, square=hermitian).array
    if isinstance(tol, bool):
        tol, hermitian = None, tol
    atol, rtol = (v.array if isinstance(v, Tensor) else v for v in (atol, rtol))
    if tol is not None:
        atol, rtol = tol.array if isinstance(tol, Tensor) else tol, 0.0
    if x.size == 0:
        return wrap(np.zeros(x.shape[:-2], np.int64))
    s = np.abs(np.linalg.eigvalsh(x)) if hermitian else np.linalg.svd(x, compute_uv=False)
    return wrap(np.asarray((s > cutoff(s, x.shape, atol, rtol)[..., None]).sum(-1)))


# ------------------------------------------------------------------------------------------------- distances


@method()
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The ``p``-norm of ``input - other``, over all elements."""
    return vector_norm(sym.sub(input, other), float(p))


def _euclidean(a: Any, b: Any, product: bool) -> Any:
    """Distances of all rows of a to all rows of b; through one matrix product when ``product``."""
    if not product:
        d = a[..., :, None, :] - b[..., None, :, :]
        return np.sqrt(np.einsum("...i,...i->...", d, d))
    squares = (a * a).sum(-1)[..., :, None] + (b * b).sum(-1)[..., None, :] - 2 * (a @ b.swapaxes(-2, -1))
    return np.sqrt(np.maximum(squares, 0))


def _euclidean_rule(g: Any, a: Any, b: Any, y: Any, a_shape: Any, b_shape: Any, needs: Any, F: Any) -> Any:
    """With r = g / y (0 at distance 0): sum_j r_ij (a_i - b_j) for a, the negative sum over i for b."""
    r = F.over_or_zero(g, y)
    n = len(r.shape)
    ga = F.sum_to(a * F.sum(r, (n - 1,), True) - F.matmul(r, b), a_shape) if needs[0] else None
    t = F.mT(r)
    gb = F.sum_to(b * F.sum(t, (n - 1,), True) - F.matmul(t, a), b_shape) if needs[1] else None
    return ga, gb


defop(
    _euclidean,
    "a b",
    "product",
    name="cdist",
    formula="y[i, j] = |a_i - b_j|",
    joint=_euclidean_rule,
)


def cdist(
    x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = "use_mm_for_euclid_dist_if_necessary"
) -> Tensor:
    """The distances between all rows of ``x1`` and all rows of ``x2``.

    Parameters
    ----------
    x1 : Tensor, shape (..., P, M)
    x2 : Tensor, shape (..., R, M)
    p : float
        Order of the norm, 0 to inf.
    compute_mode : str
        Whether Euclidean distances come from a matrix product, |a|^2 + |b|^2 - 2 ab, which is fast and less exact for
        near points: "use_mm_for_euclid_dist_if_necessary" (when P or R exceeds 25), "use_mm_for_euclid_dist",
        "donot_use_mm_for_euclid_dist".

    Returns
    -------
    Tensor, shape (..., P, R)
        The gradient at distance 0 is 0.
    """
    modes = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")
    if compute_mode is not None and compute_mode not in modes:
        raise ValueError(f"cdist: compute_mode must be one of {', '.join(modes)}, got {compute_mode!r}.")
    a, b = matrices("cdist", x1, argument="x1"), matrices("cdist", x2, argument="x2")
    if a.array.shape[-1] != b.array.shape[-1]:
        raise ShapeError(
            f"cdist: x1 and x2 must have the same number of columns, got shapes {a.array.shape} and {b.array.shape}."
        )
    if p < 0:
        raise RuntimeError(f"cdist: only supports non-negative p values, got {p}.")
    if a.array.dtype != b.array.dtype:
        target = np.promote_types(a.array.dtype, b.array.dtype)
        a, b = sym.cast(a, target), sym.cast(b, target)
    if p == 2:
        large = max(a.array.shape[-2], b.array.shape[-2]) > 25
        return sym.cdist(a, b, compute_mode == modes[1] or (compute_mode != modes[2] and large))
    one, two = sym.getitem(a, (Ellipsis, None, slice(None))), sym.getitem(b, (Ellipsis, None, slice(None), slice(None)))
    difference = sym.sub(one, two)
    if difference.array.shape[-1] == 0:
        return sym.sum(sym.abs(difference), (difference.array.ndim - 1,), False)
    return vector_norm(difference, float(p), one_dim("cdist", -1, difference.array.ndim))
