"""Factorisations: QR, eigenvalues, singular values, LU, LDL, products of Householder reflections.

Rules follow S. F. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions with application in
optimum experimental design" (2010) for QR; M. B. Giles (2008) for eigenvalues; J. Townsend, "Differentiating the
singular value decomposition" (2016); and, for complex matrices and rectangular LU, PyTorch's "linalg" notes on gauges.
 Vectors of
a decomposition are defined up to a sign (a phase): only functions that do not depend on it have a gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import AutogradError, ShapeError
from ..op import defop, helper, sym
from ..tensor import Tensor, wrap
from . import lapack
from .linalg import also, check_sides, floating, matrices, record, same_type, values_of

# ------------------------------------------------------------------------------------------------- QR


@helper
def qr_rule(F: Any, g: Any, y: Any, complete: bool) -> Any:
    """(gQ + Q S) R^-H, S Hermitian with the lower triangle of R gR^H - gQ^H Q (Walter & Lehmann, for m >= n)."""
    (gq, gr), (q, r) = g, y
    if q.shape[-1] > r.shape[-1]:
        raise AutogradError(
            "linalg.qr: the gradient does not exist for mode='complete' with more rows than columns, because the "
            "additional "
            "columns of Q are not determined by the input; use mode='reduced'."
        )
    s = F.hermitian_of_lower(F.matmul(r, F.mH(gr)) - F.matmul(F.mH(gq), q))
    return F.divide_right(gq + F.matmul(q, s), F.mH(r), False)


defop(
    lapack.qr,
    params="complete",
    name="qr",
    outputs="Q R",
    formula="Q with orthonormal columns, upper triangular R, Q R = x",
    holomorphic=False,
    x=lambda g, y, complete, F: F.qr_rule(g, y, complete),
)

_QR = record("linalg_qr", "Q R")


def qr(A: Tensor, mode: str = "reduced") -> Any:
    """The QR decomposition, ``(Q, R)``.

    Parameters
    ----------
    A : Tensor, shape (..., m, n)
    mode : {"reduced", "complete", "r"}
        Q with min(m, n) columns, with m columns, or not at all (an empty tensor).

    Notes
    -----
    The gradient exists when the first min(m, n) columns are independent; not for "complete" with m > n, nor for "r".
    """
    a = matrices("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"linalg.qr: mode must be 'reduced', 'complete' or 'r', got {mode!r}.")
    m, n = a.array.shape[-2:]
    if mode == "r":
        return _QR(wrap(np.empty(0, a.array.dtype)), _only_r(a))
    if m >= n or a.node is None:
        return _QR(*sym.qr(a, mode == "complete"))
    # A wide matrix: Q is that of its first m columns, R has Q^H times the others beside it.
    q, r = sym.qr(sym.getitem(a, (Ellipsis, slice(0, m))), False)
    rest = sym.getitem(a, (Ellipsis, slice(m, n)))
    return _QR(q, sym.cat([r, sym.matmul(sym.mH(q), rest)], a.array.ndim - 1))


def _refuse(g: Any) -> Any:
    raise AutogradError("linalg.qr: the gradient needs Q; use mode='reduced' instead of mode='r'.")


_only_r = defop(
    lambda x: lapack.qr(x, False)[1], name="qr_r", formula="R of the QR decomposition", x=lambda g: _refuse(g)
)


# ------------------------------------------------------------------------------------------------- eigenvalues


def _same_phase(name: str, d: Any, scale: Any) -> None:
    """Raise when a cotangent depends on the phases of complex vectors: Im of the diagonal of V^H gV must be 0."""
    d = values_of(d)
    if d.dtype.kind != "c" or d.size == 0:
        return
    limit = 100 * np.finfo(d.dtype).eps ** 0.75 * max(1.0, float(np.abs(values_of(scale)).max()))
    if np.abs(d.imag).max() > limit:
        raise AutogradError(
            f"{name}: the vectors of complex matrices are determined up to multiplication by a phase; the function "
            "that is "
            "differentiated depends on it, so its gradient is not defined. Use quantities such as abs() that do not."
        )


helper(lambda F, name, d, scale: _same_phase(name, d, scale), "same_phase")


@helper
def gaps(F: Any, w: Any) -> Any:
    """E[i, j] = w[j] - w[i], and 1 on the diagonal."""
    return F.row(w) - F.column(w) + np.eye(w.shape[-1], dtype=values_of(w).real.dtype)


@helper
def eigh_rule(F: Any, g: Any, y: Any) -> Any:
    """V (diag(gw) + sk(V^H gV) / 2E) V^H with sk(X) = X - X^H, which is Hermitian (Giles 3.1)."""
    (gw, gv), (w, v) = g, y
    inner = F.matmul(F.mH(v), gv)
    F.same_phase("linalg.eigh", F.diagonal(inner, 0, -2, -1), inner)
    core = F.ratio(F.off_diagonal(inner - F.mH(inner)) * 0.5, F.gaps(w)) + F.on_diagonal(gw)
    return F.matmul(v, F.matmul(core, F.mH(v)))


defop(
    lapack.eigh,
    params="UPLO",
    name="eigh",
    outputs="eigenvalues eigenvectors",
    formula="real ascending w and unitary V with x V = V diag(w)",
    holomorphic=False,
    x=lambda g, y, F: F.eigh_rule(g, y),
)
# Eigenvalues alone are differentiable also where some are equal.
defop(
    lapack.eigh,
    params="UPLO",
    name="eigvalsh",
    outputs="eigenvalues eigenvectors",
    differentiable="eigenvalues",
    formula="the real eigenvalues of x, ascending",
    holomorphic=False,
    x=lambda g, eigenvectors, F: F.matmul(eigenvectors * F.row(g), F.mH(eigenvectors)),
    reference=lambda x, UPLO: sym.eigh(x, UPLO)[0],
)


@helper
def eig_rule(F: Any, g: Any, y: Any) -> Any:
    """V^-H (diag(gw) + (V^H gV - V^H V Re(diag(V^H gV))) / conj(E)) V^H: Giles 3.1 for vectors normalised to length
    1."""
    (gw, gv), (w, v) = g, y
    vh = F.mH(v)
    inner = F.matmul(vh, gv)
    d = F.diagonal(inner, 0, -2, -1)
    F.same_phase("linalg.eig", d, inner)
    core = inner - F.matmul(vh, v) * F.row(F.real(d))
    core = F.ratio(F.off_diagonal(core), F.conj(F.gaps(w))) + F.on_diagonal(gw)
    return F.solve(vh, F.matmul(core, vh))


defop(
    lapack.eig,
    name="eig",
    outputs="eigenvalues eigenvectors",
    formula="complex w and V, columns of length 1, with x V = V diag(w)",
    holomorphic=False,
    x=lambda g, y, F: F.eig_rule(g, y),
)
defop(
    lapack.eig,
    name="eigvals",
    outputs="eigenvalues eigenvectors",
    differentiable="eigenvalues",
    formula="the complex eigenvalues of x",
    holomorphic=False,
    x=lambda g, eigenvectors, F: F.solve(F.mH(eigenvectors), F.column(g) * F.mH(eigenvectors)),
    reference=lambda x: sym.eig(x)[0],
)

_Eigh = record("linalg_eigh", "eigenvalues eigenvectors")
_Eig = record("linalg_eig", "eigenvalues eigenvectors")


def _triangle(name: str, UPLO: Any) -> Any:
    if not isinstance(UPLO, str) or UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"{name}: UPLO must be 'L' or 'U' (the triangle to read), got {UPLO!r}.")
    return UPLO.upper()


@also(input="A")
def eigh(A: Tensor, UPLO: str = "L") -> Any:
    """``(eigenvalues, eigenvectors)`` of Hermitian matrices, of which one triangle is read; eigenvalues ascend.

    The gradient through the vectors needs distinct eigenvalues, and a function that does not depend on their signs.
    """
    return _Eigh(*sym.eigh(matrices("linalg.eigh", A, square=True), _triangle("linalg.eigh", UPLO)))


@also(input="A")
def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The real eigenvalues of Hermitian matrices, ascending; differentiable also where some are equal."""
    a, uplo = matrices("linalg.eigvalsh", A, square=True), _triangle("linalg.eigvalsh", UPLO)
    if a.node is None and a.array.size and np.isfinite(a.array).all():
        return wrap(np.linalg.eigvalsh(a.array, uplo))
    return sym.eigvalsh(a, uplo)[0]


@also(input="A")
def eig(A: Tensor) -> Any:
    """``(eigenvalues, eigenvectors)`` of square matrices, always complex; vectors of length 1."""
    a = matrices("linalg.eig", A, square=True)
    return _Eig(*sym.eig(a))


@also(input="A")
def eigvals(A: Tensor) -> Tensor:
    """The complex eigenvalues of square matrices."""
    a = matrices("linalg.eigvals", A, square=True)
    return wrap(lapack.eigvals(a.array)) if a.node is None else sym.eigvals(a)[0]


# ------------------------------------------------------------------------------------------------- singular values


@helper
def svd_rule(F: Any, g: Any, y: Any, full: bool) -> Any:
    """U (sk(U^H gU)/E S + S sk(V^H gV)/E + diag(gS)) V^H, with sk(X) = X - X^H and E[i, j] = s_j^2 - s_i^2, and, of U
    and V with fewer columns than rows, the parts of gU S^-1 and S^-1 gV^H outside their span (Townsend 2016)."""
    (gu, gs, gvh), (u, s, vh) = g, y
    if full and u.shape[-1] != vh.shape[-2]:
        k = s.shape[-1]
        if k and (_any(_tail(gu, k, -1)) or _any(_tail(gvh, k, -2))):
            raise AutogradError(
                "linalg.svd: the gradient does not exist for the additional columns of full_matrices=True, which the "
                "input does "
                "not determine; use full_matrices=False."
            )
        columns, rows = (Ellipsis, slice(0, k)), (Ellipsis, slice(0, k), slice(None))
        gu, u = F.getitem(gu, columns), F.getitem(u, columns)
        gvh, vh = F.getitem(gvh, rows), F.getitem(vh, rows)
    uh, v = F.mH(u), F.mH(vh)
    a, b = F.matmul(uh, gu), F.matmul(vh, F.mH(gvh))
    e = F.gaps(s * s)
    inner = F.ratio(F.off_diagonal(a - F.mH(a)), e) * F.row(s) + F.column(s) * F.ratio(F.off_diagonal(b - F.mH(b)), e)
    inner = inner + F.on_diagonal(gs)
    if F.is_complex(u):
        turn = F.diagonal(a, 0, -2, -1)
        F.same_phase("linalg.svd", turn + F.diagonal(b, 0, -2, -1), a)
        inner = inner + F.on_diagonal(F.ratio(F.imag(turn) * 1j, s))
    left = F.matmul(u, inner)
    if u.shape[-2] > u.shape[-1]:
        outside = F.ratio(gu, F.row(s))
        left = left + outside - F.matmul(u, F.matmul(uh, outside))
    out = F.matmul(left, vh)
    if vh.shape[-1] > vh.shape[-2]:
        outside = F.ratio(gvh, F.column(s))
        out = out + F.matmul(u, outside - F.matmul(F.matmul(outside, v), vh))
    return out


def _tail(x: Any, k: int, axis: int) -> Any:
    return values_of(x)[(Ellipsis, slice(k, None), slice(None))[: 3 if axis == -2 else 2]]


def _any(x: Any) -> bool:
    return bool(np.any(x))


defop(
    lapack.svd,
    params="full",
    name="svd",
    outputs="U S Vh",
    formula="U diag(S) Vh = x, S descending and not negative, U and V with orthonormal columns",
    holomorphic=False,
    x=lambda g, y, full, F: F.svd_rule(g, y, full),
)
# Singular values alone are differentiable also where some are equal.
defop(
    lambda x: lapack.svd(x, False),
    name="svdvals",
    outputs="U S Vh",
    differentiable="S",
    formula="the singular values of x, descending",
    holomorphic=False,
    x=lambda g, U, Vh, F: F.matmul(U * F.row(g), Vh),
    reference=lambda x: sym.svd(x, False)[1],
)

_SVD = record("linalg_svd", "U S Vh")


def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> Any:
    """The singular value decomposition ``(U, S, Vh)``, A = U diag(S) Vh with S in descending order.

    Parameters
    ----------
    A : Tensor, shape (..., m, n)
    full_matrices : bool
        U and Vh square (m by m, n by n), or with min(m, n) columns and rows.
    driver : None
        Only PyTorch's CUDA build takes another value.

    Notes
    -----
    The gradient through U and Vh needs distinct singular values, and a function that does not depend on signs; for
    singular values only, :func:`svdvals` has none of these limits.
    """
    if driver is not None:
        raise RuntimeError(
            f"linalg.svd: keyword argument `driver` is for CUDA inputs only, got {driver!r}; leave it out."
        )
    return _SVD(*sym.svd(matrices("linalg.svd", A), bool(full_matrices)))


def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """The singular values of matrices, in descending order."""
    if driver is not None:
        raise RuntimeError(
            f"linalg.svdvals: keyword argument `driver` is for CUDA inputs only, got {driver!r}; leave it out."
        )
    a = matrices("linalg.svdvals", A)
    if a.node is None and a.array.size and np.isfinite(a.array).all():
        return wrap(np.linalg.svd(a.array, compute_uv=False))
    return sym.svdvals(a)[1]


# ------------------------------------------------------------------------------------------------- LU


def _part(F: Any, x: Any, rows: slice, columns: slice) -> Any:
    return F.getitem(x, (Ellipsis, rows, columns))


@helper
def lu_rule(F: Any, g: Any, lu: Any, pivots: Any) -> Any:
    """P L1^-T [tril(L1^T gL1 - gU2 U2^T, -1) + triu(gU1 U1^T - L2^T gL2)] U1^-T for the leading square part, and
    L1^-T gU2 or gL2 U1^-T for what is beside or below it; 1 marks the leading square blocks, 2 the rest."""
    m, n = lu.shape[-2:]
    k = min(m, n)
    head, tail_rows, tail_columns = slice(0, k), slice(k, m), slice(k, n)
    l1, u1 = _part(F, lu, head, head), F.triu(_part(F, lu, head, head), 0)
    eye = np.eye(k, dtype=values_of(lu).dtype)
    l1 = F.tril(l1, -1) + eye
    g1 = _part(F, g, head, head)
    low = F.matmul(F.mT(l1), F.tril(g1, -1))
    up = F.matmul(F.triu(g1, 0), F.mT(u1))
    if n > m:
        g2 = _part(F, g, slice(None), tail_columns)
        low = low - F.matmul(g2, F.mT(_part(F, lu, slice(None), tail_columns)))
    if m > n:
        g2 = _part(F, g, tail_rows, slice(None))
        up = up - F.matmul(F.mT(_part(F, lu, tail_rows, slice(None))), g2)
    inner = F.tril(low, -1) + F.triu(up, 0)
    inner = F.divide_right(F.solve_triangular(F.mT(l1), inner, True, True), F.mT(u1), False)
    if n > m:
        inner = F.cat([inner, F.solve_triangular(F.mT(l1), g2, True, True)], inner.ndim - 1)
    if m > n:
        inner = F.cat([inner, F.divide_right(g2, F.mT(u1), False)], inner.ndim - 2)
    return F.matmul(lapack.permutation_matrix(lapack.permutation(values_of(pivots), m), values_of(lu).dtype), inner)


def _lu_factor(a: Any) -> tuple[Any, Any]:
    lu, pivots, _ = lapack.getrf(a)
    return lu, pivots


defop(
    _lu_factor,
    name="lu_factor",
    outputs="LU pivots",
    differentiable="LU",
    formula="L below and U on and above the diagonal, P L U = x, rows exchanged for the largest pivot",
    x=lambda g, LU, pivots, F: F.lu_rule(g, LU, pivots),
)

_LUFactor = record("linalg_lu_factor", "LU pivots")
_LUFactorEx = record("linalg_lu_factor_ex", "LU pivots info")
_LU = record("linalg_lu", "P L U")
_Unpacked = record("lu_unpack", "P L U")


def _must_pivot(name: str, pivot: bool) -> None:
    if not pivot:
        raise RuntimeError(f"{name}: LU without pivoting is not implemented on the CPU; leave pivot=True.")


def lu_factor(A: Tensor, *, pivot: bool = True) -> Any:
    """The packed LU factors of matrices with their row exchanges, ``(LU, pivots)``, for :func:`lu_solve`.

    ``pivots`` are int32, counted from 1: row i was exchanged with row pivots[i] - 1.

    Raises
    ------
    LinAlgError
        If U has an exact zero on its diagonal.
    """
    a = matrices("linalg.lu_factor", A)
    _must_pivot("linalg.lu_factor", pivot)
    lu, pivots = sym.lu_factor(a)
    _check_diagonal("linalg.lu_factor", lu.array)
    return _LUFactor(lu, pivots)


def _zero_diagonal(lu: Any) -> Any:
    """For each matrix the 1-based place of the first exact zero on U's diagonal, or 0."""
    zero = np.diagonal(lu, 0, -2, -1) == 0
    if zero.shape[-1] == 0:
        return np.zeros(lu.shape[:-2], np.int32)
    return np.where(zero.any(-1), zero.argmax(-1) + 1, 0).astype(np.int32)


def _check_diagonal(name: str, lu: Any) -> None:
    info = _zero_diagonal(lu)
    if info.any():
        i = int(np.flatnonzero(info)[0])
        raise lapack.LinAlgError(
            f"{name}: {lapack.element(lu.shape[:-2], i)}U[{info.flat[i]},{info.flat[i]}] is zero and using it on "
            "lu_solve would "
            "result in a division by zero. If you still want to perform the factorization, use linalg.lu(A) or "
            "linalg.lu_factor_ex(A)."
        )


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> Any:
    """:func:`lu_factor` with an ``info`` instead of an error: ``(LU, pivots, info)``."""
    a = matrices("linalg.lu_factor_ex", A)
    _must_pivot("linalg.lu_factor_ex", pivot)
    lu, pivots = sym.lu_factor(a)
    if check_errors:
        _check_diagonal("linalg.lu_factor_ex", lu.array)
    return _LUFactorEx(lu, pivots, wrap(np.asarray(_zero_diagonal(lu.array))))


def lu(A: Tensor, *, pivot: bool = True) -> Any:
    """``(P, L, U)`` with A = P L U: a permutation, a unit lower and an upper triangular matrix."""
    a = matrices("linalg.lu", A)
    _must_pivot("linalg.lu", pivot)
    packed, pivots = sym.lu_factor(a)
    return _LU(*lu_unpack(packed, pivots))


def lu_unpack(LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True) -> Any:
    """``(P, L, U)`` of packed LU factors; parts that are not unpacked are empty."""
    x = matrices("lu_unpack", LU_data, argument="LU_data")
    if LU_pivots.array.dtype != np.int32:
        raise RuntimeError(
            f"lu_unpack: LU_pivots must be an int32 tensor as lu_factor() makes them, got {LU_pivots.dtype.name}."
        )
    m, n = x.array.shape[-2:]
    k = min(m, n)
    nothing = wrap(np.empty(0, x.array.dtype))
    p, low, up = nothing, nothing, nothing
    if unpack_data:
        low = sym.tril(sym.getitem(x, (Ellipsis, slice(0, k))), -1)
        low = sym.add(low, wrap(np.eye(m, k, dtype=x.array.dtype)))
        up = sym.triu(sym.getitem(x, (Ellipsis, slice(0, k), slice(None))), 0)
    if unpack_pivots:
        p = wrap(np.ascontiguousarray(lapack.permutation_matrix(lapack.permutation(LU_pivots.array, m), x.array.dtype)))
    return _Unpacked(p, low, up)


def lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False) -> Tensor:
    """The solution X of A X = B from A's packed LU factors (X A = B with ``left=False``; A^H for ``adjoint``)."""
    name = "linalg.lu_solve"
    x, b = matrices(name, LU, square=True, argument="LU"), matrices(name, B, argument="B")
    same_type(name, x, b)
    check_sides(name, x, b, left)
    if pivots.array.dtype != np.int32 or pivots.array.shape != x.array.shape[:-1]:
        raise RuntimeError(
            f"{name}: pivots must be an int32 tensor of shape {x.array.shape[:-1]}, got {pivots.dtype.name} of shape "
            f"{pivots.array.shape}."
        )
    order = lapack.permutation(pivots.array, x.array.shape[-1])
    if not left:  # X A = B is A^H X^H = B^H
        return sym.mH(_lu_solve(x, order, sym.mH(b), not adjoint))
    return _lu_solve(x, order, b, adjoint)


def _lu_solve(x: Tensor, order: Any, b: Tensor, adjoint: bool) -> Tensor:
    p = lapack.permutation_matrix(order, x.array.dtype)
    if adjoint:  # A^H = U^H L^H P^H
        h = sym.mH(x)
        y = sym.solve_triangular(h, sym.solve_triangular(h, b, False, False), True, True)
        return sym.matmul(wrap(p), y)
    y = sym.solve_triangular(x, sym.matmul(wrap(lapack.swap(p)), b), False, True)
    return sym.solve_triangular(x, y, True, False)


# ------------------------------------------------------------------------------------------------- Householder
# reflections


@also(input="A", input2="tau")
def householder_product(A: Tensor, tau: Tensor) -> Tensor:
    """The first n columns of H_1 H_2 ... H_k, H_i = I - tau_i v_i v_i^H, v_i being column i of A below its unit
    diagonal.

    ``geqrf`` makes such A and tau.
    """
    a = matrices("linalg.householder_product", A)
    t = floating("linalg.householder_product", tau)
    m, n = a.array.shape[-2:]
    k = t.array.shape[-1] if t.array.ndim else 0
    if m < n or k > n or t.array.shape[:-1] != a.array.shape[:-2]:
        raise ShapeError(
            "linalg.householder_product: expected A of shape (..., m, n) with m >= n, and tau of shape (..., k) with "
            "k <= n and the "
            f"same batch; got {a.array.shape} and {t.array.shape}."
        )
    same_type("linalg.householder_product", a, t)
    q = wrap(np.broadcast_to(np.eye(m, n, dtype=a.array.dtype), a.array.shape).copy())
    return _reflect(a, t, q, False, reverse=True)


def _reflect(a: Tensor, tau: Tensor, x: Tensor, adjoint: bool, reverse: bool) -> Tensor:
    """Apply the reflections (or their adjoints) in turn to the rows of x."""
    m = a.array.shape[-2]
    unit = sym.tril(a, -1)
    steps = range(tau.array.shape[-1])
    for i in reversed(steps) if reverse else steps:
        v = sym.getitem(unit, (Ellipsis, slice(i, i + 1)))
        v = sym.add(v, wrap(np.eye(m, 1, -i, dtype=a.array.dtype)))
        t = sym.getitem(tau, (Ellipsis, slice(i, i + 1), None))
        t = sym.conj(t) if adjoint and t.array.dtype.kind == "c" else t
        x = sym.sub(x, sym.matmul(sym.mul(v, t), sym.matmul(sym.mH(v), x)))
    return x


_Geqrf = record("geqrf", "a tau")


def geqrf(input: Tensor) -> Any:
    """QR in LAPACK's packed form ``(a, tau)``: R on and above the diagonal, reflections below.  Carries no gradient."""
    a = matrices("geqrf", input)
    h, tau = lapack.geqrf(a.array)
    return _Geqrf(wrap(h), wrap(tau))


@also(input2="tau", input3="other")
def ormqr(input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False) -> Tensor:
    """``Q other`` (``other Q`` when not ``left``), Q being all m columns of the product of reflections; its adjoint
    if asked."""
    a, b = matrices("ormqr", input), matrices("ormqr", other, argument="other")
    same_type("ormqr", a, b)
    m, n = a.array.shape[-2:]
    if tau.array.shape[-1] != min(m, n):
        raise ShapeError(
            f"ormqr: tau must have size {min(m, n)} = min(m, n) in its last dimension, got shape {tau.array.shape}."
        )
    if b.array.shape[-2 if left else -1] != m:
        raise ShapeError(
            f"ormqr: other of shape {b.array.shape} must have {m} {'rows' if left else 'columns'}, the rows of input "
            f"{a.array.shape}."
        )
    if left:
        return _reflect(a, tau, b, transpose, reverse=not transpose)
    return sym.mH(_reflect(a, tau, sym.mH(b), not transpose, reverse=transpose))


# ------------------------------------------------------------------------------------------------- LDL

_LDL = record("linalg_ldl_factor", "LD pivots")
_LDLEx = record("linalg_ldl_factor_ex", "LD pivots info")


@also(input="A")
def ldl_factor(A: Tensor, *, hermitian: bool = False) -> Any:
    """Bunch-Kaufman factors of symmetric (or Hermitian) matrices, packed as LAPACK does, ``(LD, pivots)``; no
    gradient."""
    got = ldl_factor_ex(A, hermitian=hermitian, check_errors=True)
    return _LDL(got.LD, got.pivots)


@also(input="A")
def ldl_factor_ex(A: Tensor, *, hermitian: bool = False, check_errors: bool = False) -> Any:
    """:func:`ldl_factor` with an ``info`` instead of an error: ``(LD, pivots, info)``."""
    a = matrices("linalg.ldl_factor", A, square=True)
    ld, pivots, info = lapack.ldl(a.array, hermitian)
    if check_errors and info.any():
        i = int(np.flatnonzero(info)[0])
        raise lapack.LinAlgError(
            f"linalg.ldl_factor: {lapack.element(info.shape, i)}D[{info.flat[i]},{info.flat[i]}] is zero, so D cannot "
            "be solved with. "
            "Use ldl_factor_ex() to have the factors nevertheless."
        )
    return _LDLEx(wrap(ld), wrap(pivots), wrap(np.asarray(info)))


def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False) -> Tensor:
    """The solution X of A X = B from :func:`ldl_factor`'s result; differentiable in B."""
    x, b = matrices("linalg.ldl_solve", LD, square=True, argument="LD"), matrices("linalg.ldl_solve", B, argument="B")
    same_type("linalg.ldl_solve", x, b)
    check_sides("linalg.ldl_solve", x, b, True)
    return sym.ldl_solve(b, x, pivots, bool(hermitian))


# A is symmetric (so is its inverse): the transpose of the solve is the solve; for Hermitian A it is the solve with
# conj(A).
defop(
    lapack.ldl_solve,
    "b ld pivots",
    "hermitian",
    name="ldl_solve",
    formula="A^-1 b from A's LDL factors",
    b=lambda g, ld, pivots, hermitian, b_shape, F: F.sum_to(
        F.conj(F.ldl_solve(F.conj(g), ld, pivots, True)) if hermitian else F.ldl_solve(g, ld, pivots, False), b_shape
    ),
)

__all__ = ["geqrf", "lu_unpack", "ormqr"]
