"""Linear algebra under PyTorch's top-level names and as Tensor methods: ``x.inverse()``, ``torch.svd(some=...)``,
``lu`` ..."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..op import METHODS, method, sym
from ..tensor import Tensor, wrap
from . import decompositions, linalg, linalg_products
from .decompositions import geqrf, householder_product, lu_unpack, ormqr
from .linalg import also, matrices, record, same_type

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "cholesky_solve",
    "det",
    "geqrf",
    "inverse",
    "logdet",
    "lu",
    "lu_solve",
    "lu_unpack",
    "matrix_exp",
    "orgqr",
    "ormqr",
    "pinverse",
    "qr",
    "slogdet",
    "svd",
    "triangular_solve",
]

det = linalg.det
slogdet = linalg.slogdet
matrix_exp = linalg.matrix_exp
orgqr = householder_product
for _function in (det, slogdet, matrix_exp, geqrf, ormqr):
    METHODS[_function.__name__] = _function
METHODS["orgqr"] = orgqr
METHODS["matrix_power"] = linalg_products.matrix_power


@method()
def inverse(input: Tensor) -> Tensor:
    """The inverse of square matrices (``linalg.inv``)."""
    return linalg.inv(input)


@method()
def logdet(input: Tensor) -> Tensor:
    """log(det(input)): NaN for negative determinants of real matrices, -inf for singular ones."""
    x = matrices("logdet", input, square=True)
    sign, log = sym.slogdet(x)
    if x.array.dtype.kind == "c":
        return sym.add(log, sym.log(sign))
    return sym.masked_fill(log, wrap(np.asarray(sign.array < 0)), np.nan)


@method()
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """The pseudo-inverse, singular values below ``rcond`` times the largest counting as 0."""
    return linalg.pinv(input, rcond)


@method()
def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """The Cholesky factor (``linalg.cholesky``)."""
    return linalg.cholesky(input, upper=upper)


@method()
@also(input="L")
def cholesky_inverse(L: Tensor, upper: bool = False) -> Tensor:
    """The inverse of A from its Cholesky factor: A = L L^H, or U^H U when ``upper``."""
    x = matrices("cholesky_inverse", L, square=True, argument="L")
    eye = wrap(np.eye(x.array.shape[-1], dtype=x.array.dtype))
    half = sym.solve_triangular(sym.mH(x) if upper else x, eye, False, False)
    return sym.matmul(sym.mH(half), half)


@method()
@also(input="B", input2="L")
def cholesky_solve(B: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """The solution X of A X = B from A's Cholesky factor."""
    b, x = matrices("cholesky_solve", B, argument="B"), matrices("cholesky_solve", L, square=True, argument="L")
    same_type("cholesky_solve", x, b)
    linalg.check_sides("cholesky_solve", x, b, True)
    low = sym.mH(x) if upper else x
    return sym.solve_triangular(sym.mH(low), sym.solve_triangular(low, b, False, False), True, False)


_QR = record("qr", "Q R")
_SVD = record("svd", "U S V")
_Triangular = record("triangular_solve", "solution cloned_coefficient")


@method()
def qr(input: Tensor, some: bool = True) -> Any:
    """``(Q, R)``, reduced when ``some``."""
    return _QR(*decompositions.qr(input, "reduced" if some else "complete"))


@method()
def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> Any:
    """``(U, S, V)`` with input = U diag(S) V^H: V, not V^H, unlike ``linalg.svd``.

    U and V are reduced when ``some``; all zeros when not ``compute_uv``.
    """
    x = matrices("svd", input)
    if not compute_uv:
        *lead, m, n = x.array.shape
        u, v = np.zeros((*lead, m, m), x.array.dtype), np.zeros((*lead, n, n), x.array.dtype)
        return _SVD(wrap(u), decompositions.svdvals(x), wrap(v))
    u, s, vh = sym.svd(x, not some)
    return _SVD(u, s, sym.mH(vh))


@method()
def lu(A: Tensor, pivot: bool = True, get_infos: bool = False) -> Any:
    """The packed LU factors and pivots, ``(LU, pivots)``, with LAPACK's infos if asked (``torch.lu``; see
    ``linalg.lu``)."""
    got = decompositions.lu_factor_ex(A, pivot=pivot, check_errors=not get_infos)
    return tuple(got) if get_infos else (got.LU, got.pivots)


@method()
@also(input="b")
def lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """The solution x of A x = b from A's packed LU factors (``torch.lu_solve``; other order than
    ``linalg.lu_solve``)."""
    return decompositions.lu_solve(LU_data, LU_pivots, b)


@method()
@also(input="b")
def triangular_solve(
    b: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> Any:
    """``(solution, cloned_coefficient)`` of A X = b (A^T X = b when ``transpose``) for triangular A."""
    x, a = matrices("triangular_solve", b, argument="b"), matrices("triangular_solve", A, square=True)
    same_type("triangular_solve", a, x)
    if a.array.shape[-1] != x.array.shape[-2]:
        raise ShapeError(
            f"triangular_solve: b of shape {x.array.shape} must have {a.array.shape[-1]} rows, as A {a.array.shape} "
            "has."
        )
    coefficient = sym.clone(a)
    if transpose:
        a, upper = sym.mT(a), not upper
    return _Triangular(sym.solve_triangular(a, x, bool(upper), bool(unitriangular)), coefficient)
