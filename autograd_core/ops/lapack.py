"""LAPACK on stacks of matrices: ndarrays in, ndarrays out.

NumPy's ``linalg`` loops over a stack in C and keeps float32, so it does what it can do; the rest (triangular solves,
LU, least squares, LDL) calls SciPy's LAPACK matrix by matrix.  SciPy is imported at the first such call.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Array = Any


class LinAlgError(RuntimeError, np.linalg.LinAlgError):
    """A matrix for which the result does not exist: singular, not positive definite, not converging."""


def swap(a: Array) -> Array:
    """The matrices transposed."""
    return a.swapaxes(-2, -1)


def adjoint(a: Array) -> Array:
    """The matrices conjugated and transposed."""
    return np.conj(a).swapaxes(-2, -1) if a.dtype.kind == "c" else a.swapaxes(-2, -1)


def scipy_linalg() -> Any:
    """``scipy.linalg``, imported when first needed."""
    import scipy.linalg

    return scipy.linalg


def lapack(*names: str, like: Array) -> Any:
    """LAPACK (or BLAS) routines for the type of ``like``; one routine, or a list."""
    found = scipy_linalg().get_lapack_funcs(names, (like,))
    return found[0] if len(names) == 1 else found


def stack_of(a: Array, core: int = 2) -> Array:
    """The leading dimensions as one."""
    return a.reshape(math.prod(a.shape[: a.ndim - core]), *a.shape[a.ndim - core :])


def element(shape: tuple[int, ...], i: int) -> str:
    """How PyTorch names one matrix of a stack in an error."""
    return f"(Batch element {i}): " if math.prod(shape) > 1 or shape else ""


def first_failing(a: Array, works: Callable[[Array], bool]) -> Iterator[int]:
    """The indices, in the flattened stack, of the matrices for which ``works`` is false."""
    return (i for i, m in enumerate(stack_of(a)) if not works(m))


def _succeeds(f: Callable[[Array], Any]) -> Callable[[Array], bool]:
    def works(m: Array) -> bool:
        try:
            f(m)
        except np.linalg.LinAlgError:
            return False
        return True

    return works


def singular(name: str, a: Array, what: str) -> LinAlgError:
    """The error for a stack in which one matrix is exactly singular."""
    i = next(first_failing(a, _succeeds(np.linalg.inv)), 0)
    _, _, info = getrf(stack_of(a)[i])
    return LinAlgError(
        f"linalg.{name}: {element(a.shape[:-2], i)}The diagonal element {int(info)} is zero, the {what} could not be "
        "completed "
        f"because the input matrix is singular. Check the matrix, or use linalg.pinv() or linalg.lstsq()."
    )


# ------------------------------------------------------------------------------------------------- solving


def inv(a: Array) -> Array:
    """The inverses."""
    try:
        return np.linalg.inv(a)
    except np.linalg.LinAlgError:
        raise singular("inv", a, "inversion") from None


def solve(a: Array, b: Array) -> Array:
    """The solutions of a x = b, b a stack of matrices; leading dimensions broadcast."""
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        raise singular("solve", a, "solve") from None


def solve_and_keep(a: Array, b: Array) -> tuple[Array, Array, Array]:
    """The solution of a x = b for one matrix, with the factors of a^T (a row-major matrix is its transpose to
    LAPACK)."""
    if b.size == 0:
        return b.copy(), a, np.zeros(0, np.int32)
    getrf_, getrs = lapack("getrf", "getrs", like=b)
    lu, pivots, info = getrf_(a.T)
    if info > 0:
        raise singular("solve", a, "solve")
    return np.ascontiguousarray(getrs(lu, pivots, b, trans=1)[0]), lu, pivots


def solve_transposed_again(lu: Array, pivots: Array, b: Array) -> Array:
    """The solution of a^T x = b from what :func:`solve_and_keep` kept."""
    return b.copy() if b.size == 0 else np.ascontiguousarray(lapack("getrs", like=b)(lu, pivots, b)[0])


def solve_triangular(a: Array, b: Array, upper: bool, unitriangular: bool) -> Array:
    """The solutions of a x = b reading one triangle of a only; a zero on the diagonal gives inf, as in PyTorch.

    BLAS wants column-major matrices.  A row-major a is its transpose in column-major, so x^T a^T = b^T is what is
    solved and nothing is copied.
    """
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    n, k = b.shape[-2:]
    out = np.empty((*lead, n, k), b.dtype)
    if out.size == 0:
        return out
    if math.prod(lead) > n:
        return _substitute(a, b, out, upper, unitriangular)
    (trsm,) = scipy_linalg().get_blas_funcs(("trsm",), (out,))
    left = stack_of(np.ascontiguousarray(np.broadcast_to(a, (*lead, n, n))))
    right = stack_of(np.ascontiguousarray(np.broadcast_to(b, (*lead, n, k))))
    flat = stack_of(out)
    for i in range(len(flat)):
        flat[i] = trsm(1.0, left[i].T, right[i].T, side=1, lower=int(upper), diag=int(unitriangular)).T
    return out


def _substitute(a: Array, b: Array, out: Array, upper: bool, unitriangular: bool) -> Array:
    """Row by row for the whole stack at once: n steps instead of a call for each of many small matrices."""
    n = out.shape[-2]
    for i in reversed(range(n)) if upper else range(n):
        done = slice(i + 1, n) if upper else slice(0, i)
        row = b[..., i : i + 1, :] - a[..., i : i + 1, done] @ out[..., done, :]
        out[..., i : i + 1, :] = row if unitriangular else row / a[..., i : i + 1, i : i + 1]
    return out


def cholesky(a: Array) -> Array:
    """The lower triangular factors, reading the lower triangles of a."""
    try:
        return np.linalg.cholesky(a)
    except np.linalg.LinAlgError:
        i = next(first_failing(a, _succeeds(np.linalg.cholesky)), 0)
        minor = leading_minor(stack_of(a)[i])
        raise LinAlgError(
            f"linalg.cholesky: {element(a.shape[:-2], i)}The factorization could not be completed because the input is "
            "not "
            f"positive-definite (the leading minor of order {minor} is not positive-definite)."
        ) from None


def leading_minor(m: Array) -> int:
    """The order of the first leading minor that is not positive definite; 0 when all are."""
    (potrf,) = scipy_linalg().get_lapack_funcs(("potrf",), (m,))
    return int(potrf(m, lower=True)[1])


# ------------------------------------------------------------------------------------------------- factorisations


def getrf(a: Array) -> tuple[Array, Array, Array]:
    """Packed LU factors, pivots counted from 1 (int32), and info, of a stack of m by n matrices."""
    *lead, m, n = a.shape
    lu = np.empty(a.shape, a.dtype)
    pivots = np.empty((*lead, min(m, n)), np.int32)
    info = np.zeros(tuple(lead), np.int32)
    if a.size == 0:
        return lu, pivots, info
    if info.size > max(m, n):
        return _eliminate(a.astype(a.dtype, order="C"), pivots, info)
    routine = lapack("getrf", like=a)
    flat_lu, flat_pivots, flat_info = stack_of(lu), stack_of(pivots, 1), info.reshape(-1)
    for i, matrix in enumerate(stack_of(a)):
        flat_lu[i], p, flat_info[i] = routine(matrix)
        flat_pivots[i] = p + 1
    return lu, pivots, info


def _eliminate(lu: Array, pivots: Array, info: Array) -> tuple[Array, Array, Array]:
    """Gaussian elimination in place, column by column for the whole stack at once, for many small matrices."""
    *_, m, n = lu.shape
    flat, flat_pivots, flat_info = stack_of(lu), stack_of(pivots, 1), info.reshape(-1)
    every = np.arange(len(flat))
    for k in range(min(m, n)):
        below = flat[:, k:, k]  # LAPACK measures complex numbers by |Re| + |Im|
        size = np.abs(below.real) + np.abs(below.imag) if lu.dtype.kind == "c" else np.abs(below)
        p = size.argmax(-1) + k
        flat_pivots[:, k] = p + 1
        swapped = flat[every, p]
        flat[every, p] = flat[:, k]
        flat[:, k] = swapped
        pivot = flat[:, k, k]
        flat_info[(pivot == 0) & (flat_info == 0)] = k + 1
        flat[:, k + 1 :, k] /= np.where(pivot == 0, 1, pivot)[:, None]
        flat[:, k + 1 :, k + 1 :] -= flat[:, k + 1 :, k, None] * flat[:, k, None, k + 1 :]
    return lu, pivots, info


def permutation(pivots: Array, m: int) -> Array:
    """The row order that a sequence of exchanges amounts to: ``(P^T a)[i] = a[order[i]]``."""
    order = np.broadcast_to(np.arange(m), (*pivots.shape[:-1], m)).copy()
    flat, exchanges = stack_of(order, 1), stack_of(pivots, 1)
    every = np.arange(len(flat))
    for i in range(exchanges.shape[1]):
        j = exchanges[:, i] - 1
        flat[every, i], flat[every, j] = flat[every, j], flat[every, i].copy()
    return order


def permutation_matrix(order: Array, dtype: Any) -> Array:
    """P with ``P[order[i], i] = 1``."""
    return swap(np.eye(order.shape[-1], dtype=dtype)[order])


def qr(a: Array, complete: bool) -> tuple[Array, Array]:
    """Q and R, Q with all m columns when ``complete``."""
    *lead, m, n = a.shape
    if a.size == 0:
        k = m if complete else min(m, n)
        q = np.broadcast_to(np.eye(m, k, dtype=a.dtype), (*lead, m, k)).copy()
        return q, np.zeros((*lead, k, n), a.dtype)
    if a[..., 0, 0].size < min(m, n):  # few and not tiny: NumPy would compute float32 in float64
        q, r = (
            np.empty((*lead, m, m if complete else min(m, n)), a.dtype),
            np.empty((*lead, m if complete else min(m, n), n), a.dtype),
        )
        flat_q, flat_r = stack_of(q), stack_of(r)
        for i, matrix in enumerate(stack_of(a)):
            flat_q[i], flat_r[i] = scipy_linalg().qr(
                matrix, mode="full" if complete else "economic", check_finite=False
            )
        return q, r
    q, r = np.linalg.qr(a, "complete" if complete else "reduced")
    return q, r


def svd(a: Array, full: bool) -> tuple[Array, Array, Array]:
    """U, S and Vh."""
    *lead, m, n = a.shape
    if a.size == 0:
        k = min(m, n)
        u = np.broadcast_to(np.eye(m, m if full else k, dtype=a.dtype), (*lead, m, m if full else k)).copy()
        vh = np.broadcast_to(np.eye(n if full else k, n, dtype=a.dtype), (*lead, n if full else k, n)).copy()
        return u, np.zeros((*lead, k), a.real.dtype), vh
    try:
        u, s, vh = np.linalg.svd(a, full_matrices=full)
    except np.linalg.LinAlgError:
        raise _not_converged("svd", a, lambda m: np.linalg.svd(m, compute_uv=False)) from None
    if not np.isfinite(s).all():
        _check_finite("svd", a)
    return u, s, vh


def _not_converged(name: str, a: Array, f: Callable[[Array], Any]) -> LinAlgError:
    i = next(first_failing(a, _succeeds(f)), 0)
    return LinAlgError(
        f"linalg.{name}: {element(a.shape[:-2], i)}The algorithm failed to converge because the input matrix contained "
        "non-finite "
        "values or is too ill-conditioned. Check it with isfinite()."
    )


def _check_finite(name: str, a: Array) -> None:
    bad = [i for i, m in enumerate(stack_of(a)) if not np.isfinite(m).all()]
    if bad:
        raise LinAlgError(
            f"linalg.{name}: {element(a.shape[:-2], bad[0])}The algorithm failed to converge because the input matrix "
            "contained "
            "non-finite values."
        )


def eigh(a: Array, uplo: Any) -> tuple[Array, Array]:
    """Eigenvalues in ascending order and eigenvectors, reading one triangle."""
    if a.size == 0:
        return np.zeros(a.shape[:-1], a.real.dtype), a.copy()
    try:
        w, v = np.linalg.eigh(a, uplo)
    except np.linalg.LinAlgError:
        raise _not_converged("eigh", a, np.linalg.eigvalsh) from None
    if not np.isfinite(w).all():
        _check_finite("eigh", a)
    return w, v


def eig(a: Array) -> tuple[Array, Array]:
    """Eigenvalues and eigenvectors, always complex."""
    kind = np.result_type(a.dtype, np.complex64)
    if a.size == 0:
        return np.zeros(a.shape[:-1], kind), a.astype(kind)
    try:
        w, v = np.linalg.eig(a)
    except np.linalg.LinAlgError:
        raise _eig_failed("eig", a) from None
    return w.astype(kind, copy=False), v.astype(kind, copy=False)


def eigvals(a: Array) -> Array:
    """Eigenvalues only, always complex."""
    kind = np.result_type(a.dtype, np.complex64)
    if a.size == 0:
        return np.zeros(a.shape[:-1], kind)
    try:
        return np.linalg.eigvals(a).astype(kind, copy=False)
    except np.linalg.LinAlgError:
        raise _eig_failed("eigvals", a) from None


def _eig_failed(name: str, a: Array) -> Exception:
    if not np.isfinite(a).all():
        return RuntimeError(f"linalg.{name}: input tensor should not contain infs or NaNs.")
    return _not_converged(name, a, np.linalg.eigvals)


# Pade approximants p(x) / p(-x) of exp that are exact to half the type's precision where the 1-norm is at most theta
# (N. J. Higham, "The scaling and squaring method for the matrix exponential revisited", 2005, table 2.3).
_PADE = {
    7: (3.925724783138660, (17297280.0, 8648640.0, 1995840.0, 277200.0, 25200.0, 1512.0, 56.0, 1.0)),
    13: (
        5.371920351148152,
        (
            64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
            10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0,
        ),
    ),
}  # fmt: skip


def expm(a: Array) -> Array:
    """Matrix exponentials by scaling and squaring: exp(a) = exp(a / 2^s)^(2^s), s chosen for each matrix."""
    if a.size == 0:
        return a.copy()
    degree = 7 if a.dtype.itemsize // (2 if a.dtype.kind == "c" else 1) == 4 else 13
    theta, c = _PADE[degree]
    norm = np.abs(a).sum(-2).max(-1)
    large = np.isfinite(norm) & (norm > theta)
    squarings = np.where(large, np.ceil(np.log2(np.where(large, norm, theta) / theta)), 0).astype(int)
    x = a * (0.5 ** squarings[..., None, None]).astype(a.real.dtype)
    eye = np.eye(a.shape[-1], dtype=a.dtype)
    square = x @ x
    even, odd, power = c[0] * eye, c[1] * eye, eye
    for k in range(2, degree, 2):
        power = power @ square if k > 2 else square
        even, odd = even + c[k] * power, odd + c[k + 1] * power
    odd = x @ odd
    try:
        y = np.linalg.solve(even - odd, even + odd)
    except np.linalg.LinAlgError:  # infinities or NaN in the input
        y = np.full_like(x, np.nan)
    for k in range(int(squarings.max(initial=0))):
        y = np.where((squarings > k)[..., None, None], y @ y, y)
    return y.astype(a.dtype, copy=False)


def geqrf(a: Array) -> tuple[Array, Array]:
    """QR as Householder vectors below R, and their factors tau."""
    *lead, m, n = a.shape
    if a.size == 0:
        return a.copy(), np.zeros((*lead, min(m, n)), a.dtype)
    h, tau = np.linalg.qr(a, "raw")
    return np.ascontiguousarray(swap(h)).astype(a.dtype, copy=False), tau.astype(a.dtype, copy=False)


def ldl(a: Array, hermitian: bool) -> tuple[Array, Array, Array]:
    """Bunch-Kaufman factors of the lower triangle, pivots (LAPACK's signed convention), and info."""
    out = np.empty(a.shape, a.dtype)
    pivots = np.empty(a.shape[:-1], np.int32)
    info = np.zeros(a.shape[:-2], np.int32)
    if a.size == 0:
        return out, pivots, info
    kind = "hetrf" if hermitian and a.dtype.kind == "c" else "sytrf"
    routine, ask = lapack(kind, f"{kind}_lwork", like=a)
    lwork = max(int(np.real(ask(a.shape[-1], lower=1)[0])), 1)
    flat, flat_pivots, flat_info = stack_of(out), stack_of(pivots, 1), info.reshape(-1)
    for i, matrix in enumerate(stack_of(a)):
        flat[i], flat_pivots[i], flat_info[i] = routine(matrix, lower=1, lwork=lwork)
    return out, pivots, info


def ldl_solve(b: Array, ld: Array, pivots: Array, hermitian: bool) -> Array:
    """The solutions of A x = b from the factors that :func:`ldl` made."""
    n, k = b.shape[-2:]
    lead = np.broadcast_shapes(ld.shape[:-2], b.shape[:-2])
    out = np.empty((*lead, n, k), b.dtype)
    if out.size == 0:
        return out
    routine = lapack("hetrs" if hermitian and ld.dtype.kind == "c" else "sytrs", like=ld)
    factors = stack_of(np.broadcast_to(ld, (*lead, n, n)))
    exchanges = stack_of(np.broadcast_to(pivots, (*lead, n)), 1)
    sides, flat = stack_of(np.broadcast_to(b, (*lead, n, k))), stack_of(out)
    for i in range(len(flat)):
        flat[i] = routine(factors[i], exchanges[i], sides[i], lower=1)[0]
    return out


def gelsx(a: Array, b: Array, rcond: float | None, driver: str) -> tuple[Array, Array, Array]:
    """Least squares solutions, ranks and singular values (where the driver finds them) of stacks of equal length."""
    *lead, m, n = a.shape
    k = b.shape[-1]
    x = np.zeros((*lead, n, k), a.dtype)
    rank = np.zeros(tuple(lead), np.int64)
    s = np.zeros((*lead, min(m, n)), a.real.dtype)
    if a.size == 0 or b.size == 0:
        return x, rank, s
    cut = float(np.finfo(a.dtype).eps * max(m, n)) if rcond is None else rcond
    flat_x, flat_rank, flat_s = stack_of(x), rank.reshape(-1), stack_of(s, 1)
    for i, (ai, bi) in enumerate(zip(stack_of(a), stack_of(b), strict=True)):
        if driver == "gels":
            flat_x[i] = _gels(ai, bi)
        else:
            flat_x[i], _, flat_rank[i], sv = scipy_linalg().lstsq(
                ai, bi, cond=cut, lapack_driver=driver, check_finite=False
            )
            if sv is not None:
                flat_s[i] = sv
    return x, rank, s


def _gels(a: Array, b: Array) -> Array:
    """Least squares (or least norm) through QR, for full rank."""
    m, n = a.shape
    routine, ask = lapack("gels", "gels_lwork", like=a)
    wide = np.zeros((max(m, n), b.shape[1]), a.dtype)
    wide[:m] = b
    lwork = max(int(np.real(ask(m, n, b.shape[1])[0])), 1)
    _, x, info = routine(a, wide, lwork=lwork)
    if info > 0:
        raise LinAlgError(
            "linalg.lstsq: the least squares solution could not be computed because the input matrix does not have "
            "full rank "
            f"(error code: {info}). Use driver='gelsd' or 'gelsy'."
        )
    return x[:n]
