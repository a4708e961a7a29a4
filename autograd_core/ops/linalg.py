"""Linear algebra: inverses, solves, determinants, Cholesky factors, pseudo-inverses, the matrix exponential.

Rules are written with matrix operations only, so each is differentiable itself.  ``mT`` is the transpose, ``mH`` the
conjugate transpose.  Sources: M. B. Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008); I. Murray, "Differentiation of the Cholesky decomposition" (2016); G. H. Golub and
V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems" (1973); A. H. Al-Mohy and N.
J. Higham,
"Computing the Frechet derivative of the matrix exponential" (2009).
"""

from __future__ import annotations

import functools
import math
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..op import defop, helper, sym
from ..tensor import Tensor, wrap
from . import lapack
from .lapack import LinAlgError

# ------------------------------------------------------------------------------------------------- helpers of rules


@helper
def mH(F: Any, x: Any) -> Any:
    """The conjugate transpose of the last two dimensions."""
    return F.conj(F.mT(x)) if F.is_complex(x) else F.mT(x)


@helper
def row(F: Any, x: Any) -> Any:
    """Vectors as matrices of one row: what scales columns."""
    return F.reshape(x, (*x.shape[:-1], 1, x.shape[-1]))


@helper
def column(F: Any, x: Any) -> Any:
    """Vectors as matrices of one column: what scales rows."""
    return F.reshape(x, (*x.shape, 1))


@helper
def on_diagonal(F: Any, x: Any) -> Any:
    """Diagonal matrices of vectors."""
    return F.diagonal_scatter_zero(x, (*x.shape, x.shape[-1]), 0, -2, -1)


@helper
def off_diagonal(F: Any, x: Any) -> Any:
    """Square matrices with their diagonal set to 0."""
    return x - F.on_diagonal(F.diagonal(x, 0, -2, -1))


@helper
def hermitian_of_lower(F: Any, x: Any) -> Any:
    """The Hermitian matrix with the lower triangle of x (and the real part of its diagonal)."""
    half = (F.tril(x, 0) + F.tril(x, -1)) * 0.5
    return half + F.mH(half)


@helper
def ratio(F: Any, a: Any, b: Any) -> Any:
    """a / b, and 0 where both are 0: a cotangent that is not there meets no difference of equal values."""
    nothing = (a == 0) & (b == 0)
    return F.where(nothing, 0.0, a / F.where(nothing, 1.0, b))


@helper
def divide_right(F: Any, x: Any, a: Any, upper: bool) -> Any:
    """x a^-1 for triangular a."""
    return F.mT(F.solve_triangular(F.mT(a), F.mT(x), not upper, False))


def values_of(x: Any) -> Any:
    """The ndarray behind a value that may be a Tensor."""
    return x.array if isinstance(x, Tensor) else x


# ------------------------------------------------------------------------------------------------- solving

defop(
    lapack.inv,
    name="inv",
    formula="x^-1",
    x=lambda g, y, F: -F.matmul(F.mT(y), F.matmul(g, F.mT(y))),
)


def _solve_rule(g: Any, a: Any, y: Any, a_shape: Any, b_shape: Any, needs: Any, F: Any) -> Any:
    """b: a^-T g.  a: -(a^-T g) y^T (Giles 2.3.1)."""
    gb = F.solve(F.mT(a), g)
    ga = -F.sum_to(F.matmul(gb, F.mT(y)), a_shape) if needs[0] else None
    return ga, F.sum_to(gb, b_shape) if needs[1] else None


defop(lapack.solve, "a b", name="solve", formula="a^-1 b", joint=_solve_rule)


def _solve_and_keep_rule(g: Any, solution: Any, LU: Any, pivots: Any, needs: Any) -> Any:
    """As that of solve, from the factors that the forward computation left."""
    gb = lapack.solve_transposed_again(LU, pivots, g)
    return -gb @ solution.swapaxes(-2, -1) if needs[0] else None, gb


defop(
    lapack.solve_and_keep,
    "a b",
    name="solve_and_keep",
    outputs="solution LU pivots",
    differentiable="solution",
    formula="a^-1 b, with the factors of a",
    joint=_solve_and_keep_rule,
    reference=lambda a, b: sym.solve(a, b),
)


def _solve_triangular_rule(
    g: Any, a: Any, y: Any, a_shape: Any, b_shape: Any, upper: bool, unitriangular: bool, needs: Any, F: Any
) -> Any:
    """As that of solve, of which only the triangle that was read counts."""
    gb = F.solve_triangular(F.mT(a), g, not upper, unitriangular)
    ga = None
    if needs[0]:
        cut = F.triu if upper else F.tril
        ga = -F.sum_to(cut(F.matmul(gb, F.mT(y)), (1 if upper else -1) * int(unitriangular)), a_shape)
    return ga, F.sum_to(gb, b_shape) if needs[1] else None


defop(
    lapack.solve_triangular,
    "a b",
    "upper unitriangular",
    name="solve_triangular",
    formula="a^-1 b, a triangular",
    joint=_solve_triangular_rule,
)


@helper
def cholesky_rule(F: Any, g: Any, y: Any, upper: bool) -> Any:
    """L^-H P(L^H g) L^-1, P taking the lower triangle, its diagonal halved, to a Hermitian matrix (Murray 2016, eq.
    10)."""
    if upper:
        g, y = F.mH(g), F.mH(y)
    inner = F.matmul(F.mH(y), g)
    inner = (F.tril(inner, 0) + F.mH(F.tril(inner, -1))) * 0.5
    left = F.solve_triangular(F.mH(y), inner, True, False)
    return F.divide_right(left, y, False)


defop(
    lambda x, upper: lapack.adjoint(lapack.cholesky(lapack.adjoint(x))) if upper else lapack.cholesky(x),
    params="upper",
    name="cholesky",
    formula="lower triangular L with L L^H = x (its conjugate transpose when upper)",
    holomorphic=False,
    x=lambda g, y, upper, F: F.cholesky_rule(g, y, upper),
)

# ------------------------------------------------------------------------------------------------- determinants


def _lift(a: Any) -> Any:
    """A small matrix that makes singular ones among a invertible.

    det is a polynomial, so its derivatives where a is singular are the limits of those beside.  Singular values that
    are 0 become e: the second derivative then is off by order e, and by order eps / e^2 through the cancellation of
    terms as large as 1 / e; e = eps^(1/3) balances the two.
    """
    u, s, vh = lapack.svd(a, False)
    eps = np.finfo(a.dtype).eps
    low = s <= s[..., :1] * (eps * a.shape[-1])
    e = np.where(s[..., :1] > 0, s[..., :1], 1) * eps ** (1 / 3)
    return ((u * np.where(low, e, 0)[..., None, :]) @ vh).astype(a.dtype, copy=False)


def _cofactors(a: Any) -> Any:
    """det(a) a^-T also for singular a: with a = U S Vh it is det(U) det(Vh) conj(U) C conj(Vh), C the products of the
    other singular values."""
    u, s, vh = lapack.svd(a, False)
    n = s.shape[-1]
    if n == 0:
        return a.copy()
    others = np.stack([np.prod(np.delete(s, i, -1), -1) for i in range(n)], -1)
    turn = np.linalg.det(u) * np.linalg.det(vh)
    return (np.conj(u) * (turn[..., None] * others)[..., None, :]) @ np.conj(vh)


@helper
def cofactor_rule(F: Any, g: Any, x: Any) -> Any:
    """sum(g C) X - C g^T X with C = det(x) X, X = x^-T, at a point beside x where x is singular."""
    x = x + _lift(values_of(x))
    inverse = F.mT(F.inv(x))
    c = F.column(F.column(F.det(x))) * inverse
    n = len(x.shape)
    return F.sum(g * c, (n - 2, n - 1), True) * inverse - F.matmul(c, F.matmul(F.mT(g), inverse))


@helper
def det_rule(F: Any, g: Any, x: Any, y: Any) -> Any:
    """g det(x) x^-T (Giles 2.2.4); where x is singular, g times its cofactors."""
    if _ill(values_of(x)):
        return F.column(F.column(g)) * F.cofactors(x)
    return F.column(F.column(g * y)) * F.mT(F.inv(x))


def _ill(a: Any) -> bool:
    """Whether some matrix is singular to working precision, by LU's diagonal: what would make its inverse worthless."""
    if a.size == 0:
        return False
    with np.errstate(all="ignore"):
        sign, log = np.linalg.slogdet(a)
        n = a.shape[-1]
        size = np.sqrt((np.abs(a) ** 2).sum((-2, -1)) / n)  # the scale of a: a det far below scale^n is suspicious
        return bool((~(sign != 0) | (log < n * np.log(size) + math.log(np.finfo(a.dtype).eps) * 0.75)).any())


defop(
    _cofactors,
    name="cofactors",
    formula="det(x) x^-T, also where x is singular",
    x=lambda g, x, F: F.cofactor_rule(g, x),
)
defop(
    np.linalg.det,
    name="det",
    formula="the determinant of x",
    x=lambda g, x, y, F: F.det_rule(g, x, y),
)


@helper
def slogdet_rule(F: Any, g: Any, x: Any, sign: Any) -> Any:
    """(g_log + i Im(g_sign conj(sign))) x^-H: log|det| moves by Re tr(x^-1 dx), a complex sign turns by Im tr(x^-1
    dx)."""
    weight = g[1]
    if F.is_complex(x):
        weight = weight + F.imag(g[0] * F.conj(sign)) * 1j
    return F.reshape(weight, (*weight.shape, 1, 1)) * F.mH(F.inv(x))


defop(
    lambda x: tuple(np.linalg.slogdet(x)),
    name="slogdet",
    outputs="sign logabsdet",
    formula="det(x) / |det(x)| and log |det(x)|",
    holomorphic=False,
    x=lambda g, x, sign, F: F.slogdet_rule(g, x, sign),
)

# ------------------------------------------------------------------------------------------------- exponential,
# pseudo-inverse


@helper
def expm_rule(F: Any, g: Any, x: Any) -> Any:
    """The Frechet derivative at x^T in direction g: the upper right block of exp([[x^T, g], [0, x^T]])."""
    n = x.shape[-1]
    t = F.mT(x)
    top = F.cat([t, g], t.ndim - 1)
    bottom = F.cat([t * 0, t], t.ndim - 1)
    block = F.matrix_exp(F.cat([top, bottom], t.ndim - 2))
    return F.getitem(block, (Ellipsis, slice(0, n), slice(n, 2 * n)))


defop(lapack.expm, name="matrix_exp", formula="sum of x^k / k!", x=lambda g, x, F: F.expm_rule(g, x))


def _pinv(x: Any, atol: Any, rtol: Any, hermitian: bool) -> Any:
    if x.size == 0:
        return np.zeros((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype)
    if hermitian:
        w, v = lapack.eigh(x, "L")
        s, u, vh = np.abs(w), v * np.where(w < 0, -1, 1).astype(w.dtype)[..., None, :], lapack.adjoint(v)
    else:
        u, s, vh = lapack.svd(x, False)
    keep = s > cutoff(s, x.shape, atol, rtol)[..., None]
    inverse = np.where(keep, 1 / np.where(keep, s, 1), 0).astype(s.dtype, copy=False)
    return lapack.adjoint(vh) @ (inverse[..., :, None] * lapack.adjoint(u))


def cutoff(s: Any, shape: tuple[int, ...], atol: Any, rtol: Any) -> Any:
    """PyTorch's threshold below which a singular value counts as 0: max(atol, rtol * largest)."""
    if rtol is None:
        default = np.finfo(s.dtype).eps * max(shape[-2:])
        rtol = np.where(np.asarray(atol) > 0, 0.0, default) if atol is not None else default
    largest = s.max(-1) if s.shape[-1] else np.zeros(s.shape[:-1], s.dtype)
    return np.maximum(np.asarray(0.0 if atol is None else atol), np.asarray(rtol) * largest)


@helper
def pinv_rule(F: Any, g: Any, x: Any, y: Any) -> Any:
    """The adjoint of Golub & Pereyra's derivative at constant rank:
    dy = -y dx y + y y^H dx^H (I - x y) + (I - y x) dx^H y^H y."""
    h, yh = F.mH(g), F.mH(y)
    first = F.matmul(yh, F.matmul(g, yh))
    second = F.matmul(F.matmul(h, y), yh)
    third = F.matmul(F.matmul(yh, y), h)
    return (
        -first
        + second - F.matmul(x, F.matmul(y, second))
        + third - F.matmul(F.matmul(third, y), x)
    )  # fmt: skip


defop(
    _pinv,
    "x",
    "atol rtol hermitian",
    name="pinv",
    formula="the Moore-Penrose inverse of x",
    holomorphic=False,
    x=lambda g, x, y, F: F.pinv_rule(g, x, y),
)


def _lstsq_rule(g: Any, a: Any, b: Any, needs: Any, F: Any) -> Any:
    """y = a^+ b, so that b gets (a^+)^H g, and a the rule of pinv with cotangent g b^H."""
    p = F.pinv(a, None, None, False)
    ga = F.pinv_rule(F.matmul(g, F.mH(b)), a, p) if needs[0] else None
    return ga, F.matmul(F.mH(p), g) if needs[1] else None


defop(
    lapack.gelsx,
    "a b",
    "rcond driver",
    name="lstsq",
    outputs="solution rank singular_values",
    differentiable="solution",
    formula="the x of least |a x - b|, of least norm among equals",
    holomorphic=False,
    joint=_lstsq_rule,
)

# ------------------------------------------------------------------------------------------------- checks


def also(**names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: keywords that PyTorch understands beside those its pages name (``also(input="A")``)."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if kwargs:
                kwargs = {names.get(k, k): v for k, v in kwargs.items()}
            return function(*args, **kwargs)

        return call

    return decorate


def record(name: str, fields: str) -> Any:
    """A named tuple for results, called as PyTorch's (``torch.return_types``)."""
    return namedtuple(name, fields.split())


def matrices(name: str, x: Any, square: bool = False, argument: str = "A") -> Tensor:
    """``x`` as a float or complex tensor of matrices, or the house's error."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}: {argument} must be a Tensor, got {type(x).__name__}.")
    a = x.array
    if a.ndim < 2:
        raise ShapeError(f"{name}: the input tensor {argument} must have at least 2 dimensions, got shape {a.shape}.")
    floating(name, x)
    if square and a.shape[-1] != a.shape[-2]:
        raise ShapeError(
            f"{name}: {argument} must be batches of square matrices, but they are {a.shape[-2]} by {a.shape[-1]} "
            "matrices "
            f"(shape {a.shape})."
        )
    return x


def floating(name: str, x: Tensor) -> Tensor:
    """``x``, if it is a float32, float64 or complex tensor."""
    if x.array.dtype.kind not in "fc" or x.array.dtype.itemsize < 4:
        raise RuntimeError(
            f"{name}: expected a float32, float64 or complex tensor, got {x.dtype.name}; convert it with float() or "
            "double()."
        )
    return x


def same_type(name: str, a: Tensor, b: Tensor) -> None:
    """Raise unless both are of one dtype."""
    if a.array.dtype != b.array.dtype:
        raise RuntimeError(
            f"{name}: both tensors must have the same dtype, got {a.dtype.name} and {b.dtype.name}; convert one with "
            "to()."
        )


def no_info(a: Tensor) -> Tensor:
    """LAPACK's info of a computation that went well."""
    return wrap(np.zeros(a.array.shape[:-2], np.int32))


# ------------------------------------------------------------------------------------------------- torch.linalg:
# solving


def inv(A: Tensor) -> Tensor:
    """The inverse of square matrices.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)

    Returns
    -------
    Tensor, shape (..., n, n)

    Raises
    ------
    LinAlgError
        If a matrix is singular.

    Examples
    --------
    >>> import autograd_core as ac
    >>> ac.linalg.inv(ac.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return sym.inv(matrices("linalg.inv", A, square=True))


_InvEx = record("linalg_inv_ex", "inverse info")
_SolveEx = record("linalg_solve_ex", "result info")
_CholeskyEx = record("linalg_cholesky_ex", "L info")


def _failures(a: Any) -> Any:
    """For each matrix the 1-based place of the first zero on LU's diagonal, or 0."""
    return lapack.getrf(a)[2]


def inv_ex(A: Tensor, *, check_errors: bool = False) -> Any:
    """:func:`inv` with an ``info`` instead of an error: ``(inverse, info)``; a singular matrix gives NaN and info >
    0."""
    x = matrices("linalg.inv", A, square=True)
    if check_errors:
        return _InvEx(inv(x), no_info(x))
    info = _failures(x.array)
    return _InvEx(sym.inv(_without(x, info)) if info.any() else sym.inv(x), wrap(np.asarray(info)))


def _without(a: Tensor, info: Any) -> Tensor:
    """The matrices with those that failed replaced by NaN."""
    bad = np.broadcast_to((np.asarray(info) != 0)[..., None, None], a.array.shape)
    return sym.masked_fill(a, wrap(bad), math.nan)


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """The solution X of A X = B (or X A = B with ``left=False``).

    Parameters
    ----------
    A : Tensor, shape (..., n, n)
    B : Tensor, shape (..., n), (..., n, k) or (n,)
        Vectors when ``B.ndim == 1`` or its shape is A's without the last dimension.
    left : bool

    Raises
    ------
    LinAlgError
        If a matrix is singular.
    RuntimeError
        If the shapes or dtypes do not fit.
    """
    return _solve("linalg.solve", A, B, left)


def _solve(name: str, A: Tensor, B: Tensor, left: bool) -> Tensor:
    a = matrices(name, A, square=True)
    if not isinstance(B, Tensor):
        raise TypeError(f"{name}: B must be a Tensor, got {type(B).__name__}.")
    same_type(name, a, B)
    vector = is_vector(a, B)
    if vector and not left:
        raise RuntimeError(f"{name}: vectors of shape {B.array.shape} can only be on the right; use left=True.")
    b = sym.column(B) if vector else B
    check_sides(name, a, b, left)
    y = _solution(a, b) if left else sym.mT(_solution(sym.mT(a), sym.mT(b)))
    return sym.reshape(y, y.array.shape[:-1]) if vector else y


def _solution(a: Tensor, b: Tensor) -> Tensor:
    """One system that will be differentiated keeps its factors; stacks are solved in C and factored again."""
    if a.array.ndim == 2 and b.array.ndim == 2 and (a.node is not None or b.node is not None):
        return sym.solve_and_keep(a, b)[0]  # type: ignore[no-any-return]
    return sym.solve(a, b)  # type: ignore[no-any-return]


def is_vector(a: Tensor, b: Tensor) -> bool:
    """Whether b is a (stack of) vectors beside the matrices a, by PyTorch's rule."""
    s = b.array.shape
    return len(s) == 1 or (a.array.ndim - 1 == len(s) and s == a.array.shape[:-1])


def check_sides(name: str, a: Tensor, b: Tensor, left: bool) -> None:
    """Raise unless the n by n matrices a and the right-hand sides b fit."""
    s, t = a.array.shape, b.array.shape
    if len(t) < 2:
        raise ShapeError(f"{name}: B must have at least 2 dimensions, got shape {t}.")
    if t[-2 if left else -1] != s[-1]:
        raise ShapeError(
            f"{name}: incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
            f"({s[-2]}x{s[-1]} and {t[-2]}x{t[-1]}; shapes {s} and {t})."
        )
    try:
        np.broadcast_shapes(s[:-2], t[:-2])
    except ValueError:
        raise ShapeError(f"{name}: the batch dimensions of A {s[:-2]} and B {t[:-2]} do not broadcast.") from None


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> Any:
    """:func:`solve` with an ``info`` instead of an error: ``(result, info)``; a singular matrix gives NaN and info >
    0."""
    a = matrices("linalg.solve", A, square=True)
    if check_errors:
        return _SolveEx(solve(a, B, left=left), no_info(a))
    info = _failures(a.array)
    return _SolveEx(solve(_without(a, info) if info.any() else a, B, left=left), wrap(np.asarray(info)))


@also(input="A")
def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """The solution X of A X = B (X A = B with ``left=False``) for triangular A, of which one triangle is read.

    A zero on the diagonal gives infinities, not an error.
    """
    a = matrices("linalg.solve_triangular", A, square=True)
    b = matrices("linalg.solve_triangular", B, argument="B")
    same_type("linalg.solve_triangular", a, b)
    check_sides("linalg.solve_triangular", a, b, left)
    if left:
        return sym.solve_triangular(a, b, bool(upper), bool(unitriangular))
    return sym.mT(sym.solve_triangular(sym.mT(a), sym.mT(b), not upper, bool(unitriangular)))


_Lstsq = record("linalg_lstsq", "solution residuals rank singular_values")


@also(input="A", b="B")
def lstsq(A: Tensor, B: Tensor, *, rcond: float | None = None, driver: str | None = None) -> Any:
    """Least squares: the X that minimises |A X - B|, of least norm where several do.

    Parameters
    ----------
    A : Tensor, shape (..., m, n)
    B : Tensor, shape (..., m) or (..., m, k)
    rcond : float, optional
        Singular values below ``rcond`` times the largest count as 0 (default: machine epsilon times max(m, n)).
    driver : {"gels", "gelsy", "gelsd", "gelss"}
        LAPACK's routine; "gelsy" unless given.

    Returns
    -------
    namedtuple ``(solution, residuals, rank, singular_values)``
        Residuals (squared) when m > n and every matrix has full rank, else empty, and always empty for "gelsy"; rank
        not for "gels"; singular values for "gelsd" and "gelss".  Gradients flow through solution and residuals, at
        constant rank.
    """
    name = "linalg.lstsq"
    a = matrices(name, A)
    same_type(name, a, B)
    driver = driver or "gelsy"
    if driver not in ("gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(f"{name}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss), got {driver!r}.")
    m, n = a.array.shape[-2:]
    vector = a.array.ndim - 1 == B.array.ndim and B.array.shape == a.array.shape[:-1]
    b = sym.column(B) if vector else B
    if b.array.ndim < 2 or b.array.shape[-2] != m:
        raise ShapeError(
            f"{name}: A of shape {a.array.shape} and B of shape {B.array.shape} must have the same number of rows."
        )
    lead = np.broadcast_shapes(a.array.shape[:-2], b.array.shape[:-2])
    if a.array.shape[:-2] != lead:
        a = sym.broadcast_to(a, (*lead, m, n))
    if b.array.shape[:-2] != lead:
        b = sym.broadcast_to(b, (*lead, *b.array.shape[-2:]))
    x, rank, s = sym.lstsq(a, b, rcond, driver)
    full = driver == "gels" or (driver != "gelsy" and bool((rank.array == n).all()))
    if m > n and full:
        difference = sym.sub(sym.matmul(a, x), b)
        size = sym.abs(difference) if a.array.dtype.kind == "c" else difference
        residuals = sym.sum(sym.mul(size, size), (size.array.ndim - 2,), False)
    else:
        residuals = wrap(np.empty(0, a.array.real.dtype))
    if vector:
        x = sym.reshape(x, x.array.shape[:-1])
    return _Lstsq(
        x,
        residuals,
        rank if driver != "gels" else wrap(np.empty(0, np.int64)),
        s if driver in ("gelsd", "gelss") else wrap(np.empty(0, a.array.real.dtype)),
    )


# ------------------------------------------------------------------------------------------------- torch.linalg: the
# rest


@also(input="A")
def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """The lower (or ``upper``) triangular Cholesky factor of Hermitian positive definite matrices.

    Only one triangle of A is read; the gradient is Hermitian.

    Raises
    ------
    LinAlgError
        If a matrix is not positive definite.
    """
    a = matrices("linalg.cholesky", A, square=True)
    return sym.cholesky(a, bool(upper))


@also(input="A")
def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False) -> Any:
    """:func:`cholesky` with an ``info`` instead of an error: ``(L, info)``; where it fails, NaN and info > 0."""
    a = matrices("linalg.cholesky", A, square=True)
    if check_errors:
        return _CholeskyEx(cholesky(a, upper=upper), no_info(a))
    try:
        return _CholeskyEx(cholesky(a, upper=upper), no_info(a))
    except LinAlgError:
        read = lapack.adjoint(a.array) if upper else a.array
        info = np.array([lapack.leading_minor(m) for m in lapack.stack_of(read)], np.int32).reshape(a.array.shape[:-2])
        bad = np.broadcast_to((info != 0)[..., None, None], a.array.shape)
        fine = sym.where(wrap(bad), wrap(np.eye(a.array.shape[-1], dtype=a.array.dtype)), a)
        return _CholeskyEx(sym.masked_fill(cholesky(fine, upper=upper), wrap(bad), math.nan), wrap(np.asarray(info)))


@also(input="A")
def det(A: Tensor) -> Tensor:
    """The determinant of square matrices; differentiable also where they are singular."""
    return sym.det(matrices("linalg.det", A, square=True))


_Slogdet = record("linalg_slogdet", "sign logabsdet")


@also(input="A")
def slogdet(A: Tensor) -> Any:
    """``(sign, logabsdet)`` with det = sign * exp(logabsdet); the sign is complex, of modulus 1, for complex
    matrices."""
    return _Slogdet(*sym.slogdet(matrices("linalg.slogdet", A, square=True)))


@also(input="A")
def matrix_exp(A: Tensor) -> Tensor:
    """The exponential of square matrices."""
    return sym.matrix_exp(matrices("linalg.matrix_exp", A, square=True))


def _tolerance(value: Any) -> Any:
    return value.array if isinstance(value, Tensor) else value


@also(input="A")
def pinv(A: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    """The Moore-Penrose pseudo-inverse, through the SVD (or the eigenvalues of ``hermitian`` matrices).

    Singular values not above ``max(atol, rtol * largest)`` count as 0.  The gradient is that at constant rank.
    """
    a = matrices("linalg.pinv", A, square=hermitian)
    if isinstance(rcond, bool):
        rcond, hermitian = None, rcond
    rtol = rcond if rtol is None else rtol
    return sym.pinv(a, _tolerance(atol), _tolerance(rtol), bool(hermitian))
