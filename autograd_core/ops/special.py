"""Special functions: error functions, gamma functions, Bessel functions, entropies.

Values come from SciPy's ufuncs (imported at the first call), which compute float32 in float32.  The derivatives are
those of the NIST Digital Library of Mathematical Functions (chapters 5 gamma, 7 error functions, 9 Airy, 10 Bessel, 25
zeta).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes
from ..kernels import elementwise as vectors
from ..op import INPLACE, METHODS, defop, helper, method, sym
from ..tensor import Tensor
from .arithmetic import tensor_of

__all__ = [
    "digamma",
    "erf",
    "erfc",
    "erfinv",
    "i0",
    "igamma",
    "igammac",
    "lgamma",
    "logit",
    "mvlgamma",
    "polygamma",
    "sinc",
    "xlogy",
]


def scipy_special() -> Any:
    """``scipy.special``, imported when first needed."""
    import scipy.special

    return scipy.special


def _ufunc(name: str, pick: int | None = None) -> Callable[..., Any]:
    """A kernel that calls SciPy's ufunc ``name`` and keeps the dtype of its first argument (SciPy has no float16)."""
    f: Any = None

    def kernel(x: Any, *others: Any) -> Any:
        nonlocal f
        if f is None:
            f = getattr(scipy_special(), name)
        y = f(x, *others)
        if pick is not None:
            y = y[pick]
        return y if y.dtype == x.dtype else y.astype(x.dtype)

    kernel.__name__ = name
    return kernel


def _unary(
    name: str, scipy_name: str | None, rule: Any, kernel: Any = None, *, formula: str = ""
) -> Callable[[Tensor], Tensor]:
    """Declare an elementwise function of one argument."""
    return defop(
        kernel or _ufunc(scipy_name or name),
        name=name,
        scalar=f"{name}({{x}})",
        formula=formula,
        promote="float",
        x=rule,
    )


# ------------------------------------------------------------------------------------------------- error functions

_ROOT_PI, _ROOT_2PI = math.sqrt(math.pi), math.sqrt(2 * math.pi)
_scipy_erf = _ufunc("erf")

_unary(
    "erf",
    None,
    lambda g, x, F: g * (F.exp(-x * x) * (2 / _ROOT_PI)),
    lambda x: vectors.erf(x) if x.size >= vectors.LARGE else _scipy_erf(x),
    formula="2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x",
)
_unary("erfc", None, lambda g, x, F: g * (F.exp(-x * x) * (-2 / _ROOT_PI)), formula="1 - erf(x)")
_unary("erfcx", None, lambda g, x, y: g * (2 * x * y - 2 / _ROOT_PI), formula="exp(x^2) erfc(x)")
_unary("erfinv", None, lambda g, y, F: g * (F.exp(y * y) * (_ROOT_PI / 2)), formula="the y with erf(y) = x")
_unary("ndtr", None, lambda g, x, F: g * (F.exp(x * x * -0.5) / _ROOT_2PI), formula="(1 + erf(x / sqrt 2)) / 2")
_unary(
    "log_ndtr",
    None,
    lambda g, x, F: g * (math.sqrt(2 / math.pi) / F.erfcx(x * -math.sqrt(0.5))),
    formula="log of the normal distribution function",
)
_unary("ndtri", None, lambda g, y, F: g * (F.exp(y * y * 0.5) * _ROOT_2PI), formula="the y with ndtr(y) = x")

# ------------------------------------------------------------------------------------------------- gamma functions


def _lgamma(x: Any) -> Any:
    y = _ufunc("gammaln")(x)
    return np.where(np.isneginf(x), np.abs(x), y)  # SciPy says -inf at -inf; the C library and PyTorch +inf


_unary("lgamma", None, lambda g, x, F: g * F.digamma(x), _lgamma, formula="log |gamma(x)|")


def _digamma(x: Any) -> Any:
    y = _ufunc("psi")(x)
    return np.where(x == 0, np.copysign(x.dtype.type(np.inf), -x), y)


_unary("digamma", None, lambda g, x, F: g * F.polygamma(x, 1), _digamma, formula="the derivative of log gamma(x)")


# B_2, B_4 ... B_16, the coefficients of trigamma's asymptotic series
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)


def _trigamma(x: Any) -> Any:
    """1/x^2 + ... + 1/(x+9)^2 and then 1/z + 1/(2 z^2) + sum of B_2k / z^(2k+1), z = x + 10 (error below 6e-18); for
    x < 1/2 by reflection, pi^2 / sin(pi x)^2 - trigamma(1 - x)."""
    w = np.asarray(x, np.float64)
    low = w < 0.5
    z = np.where(low, 1 - w, w)
    total = np.zeros_like(z)
    for _ in range(10):
        total += 1 / (z * z)
        z = z + 1
    u = 1 / (z * z)
    series = np.zeros_like(z)
    for b in reversed(_BERNOULLI):
        series = (series + b) * u
    total += 1 / z + 0.5 * u + series / z
    if low.any():
        sine = np.sin(np.pi * (w - np.floor(w)))
        mirrored = np.where(w == np.floor(w), np.inf, (np.pi / np.where(sine == 0, 1, sine)) ** 2) - total
        total = np.where(low, np.where(np.isneginf(w), np.nan, mirrored), total)
    return total.astype(x.dtype, copy=False)


def _polygamma(x: Any, n: int) -> Any:
    """(-1)^(n+1) n! zeta(n + 1, x)."""
    if n == 0:
        return _digamma(x)
    if n == 1:
        return _trigamma(x)
    y = scipy_special().zeta(x.dtype.type(n + 1), x) * ((-1.0) ** (n + 1) * math.gamma(n + 1))
    return np.asarray(np.where(np.isneginf(x), math.nan, y), x.dtype)


defop(
    _polygamma,
    params="order",
    name="polygamma",
    elementwise=True,
    promote="float",
    formula="the n-th derivative of digamma(x)",
    x=lambda g, x, order, F: g * F.polygamma(x, order + 1),
)


def _no_derivative(name: str) -> Any:
    raise NotImplementedError(
        f"{name}: the derivative in its first argument is not implemented (nor is it in PyTorch); "
        "detach() that argument."
    )


defop(
    _ufunc("zeta"),
    "a b",
    name="zeta",
    scalar="zeta({a}, {b})",
    promote="float",
    formula="sum over k >= 0 of (k + b)^-a",
    a=lambda g: _no_derivative("zeta"),
    b=lambda g, a, b, F: g * (-a * F.zeta(a + 1, b)),
)
defop(
    _ufunc("gammainc"),
    "a b",
    name="gammainc",
    scalar="gammainc({a}, {b})",
    promote="float",
    formula="the integral of t^(a-1) exp(-t) from 0 to b, over gamma(a)",
    a=lambda g: _no_derivative("gammainc"),
    b=lambda g, a, b, F: g * F.gamma_density(a, b),
)
defop(
    _ufunc("gammaincc"),
    "a b",
    name="gammaincc",
    scalar="gammaincc({a}, {b})",
    promote="float",
    formula="1 - gammainc(a, b)",
    a=lambda g: _no_derivative("gammaincc"),
    b=lambda g, a, b, F: -g * F.gamma_density(a, b),
)
helper(lambda F, a, b: F.exp(F.xlogy(a - 1, b) - b - F.lgamma(a)), "gamma_density")

# ------------------------------------------------------------------------------------------------- entropies and logits


defop(
    _ufunc("xlogy"),
    "a b",
    name="xlogy",
    scalar="0 if {a} == 0 else {a} * log({b})",
    promote="float",
    a=lambda g, a, b, F: g * F.where((a == 0) & (b <= 0), 0.0, F.log(F.where((a == 0) & (b <= 0), 1.0, b))),
    b=lambda g, a, b: g * a / b,
)
defop(
    _ufunc("xlog1py"),
    "a b",
    name="xlog1py",
    scalar="0 if {a} == 0 else {a} * log(1 + {b})",
    promote="float",
    a=lambda g, a, b, F: g * F.where((a == 0) & (b <= -1), 0.0, F.log1p(F.where((a == 0) & (b <= -1), 0.0, b))),
    b=lambda g, a, b: g * a / (b + 1),
)
_unary("entr", None, lambda g, x, F: g * (-F.log(x) - 1), formula="-x log(x)")


def _logit(x: Any, eps: float | None) -> Any:
    if eps is not None:
        x = np.clip(x, eps, 1 - eps)
    return np.log(x / (1 - x))


@helper
def logit_rule(F: Any, g: Any, x: Any, eps: float | None) -> Any:
    """g / (x (1 - x)); outside [eps, 1 - eps], where x was clamped, 0; outside [0, 1] without eps NaN."""
    if eps is None:
        return F.where((x < 0) | (x > 1), math.nan, g / (x * (1 - x)))
    out = (x < eps) | (x > 1 - eps)
    safe = F.where(out, 0.5, x)
    return F.where(out, 0.0, g / (safe * (1 - safe)))


defop(
    _logit,
    params="eps",
    name="logit",
    elementwise=True,
    promote="float",
    formula="log(x / (1 - x))",
    x=lambda g, x, eps, F: F.logit_rule(g, x, eps),
)


def _sinc(x: Any) -> Any:
    z = x * x.dtype.type(math.pi)
    return np.where(z == 0, x.dtype.type(1), np.sin(z) / np.where(z == 0, x.dtype.type(1), z))


_unary(
    "sinc",
    None,
    lambda g, x, y, F: g * F.over_or_zero(F.cos(x * math.pi) - y, x),
    _sinc,
    formula="sin(pi x) / (pi x), 1 at 0",
)

# ------------------------------------------------------------------------------------------------- Bessel and Airy
# functions


@helper
def over_or_half(F: Any, a: Any, x: Any) -> Any:
    """a / x, and its limit 1/2 at x = 0 (that of I1(x) / x and J1(x) / x)."""
    return F.where(x == 0, 0.5, a / F.where(x == 0, 1.0, x))


_unary("i0", None, lambda g, x, F: g * F.i1(x), formula="modified Bessel function of the first kind, order 0")
_unary(
    "i1",
    None,
    lambda g, x, y, F: g * (F.i0(x) - F.over_or_half(y, x)),
    formula="modified Bessel function of the first kind, order 1",
)
_unary("i0e", None, lambda g, x, y, F: g * (F.i1e(x) - F.sgn(x) * y), formula="exp(-|x|) i0(x)")
_unary("i1e", None, lambda g, x, y, F: g * (F.i0e(x) - y * F.sgn(x) - F.over_or_half(y, x)), formula="exp(-|x|) i1(x)")
_unary("bessel_j0", "j0", lambda g, x, F: -g * F.bessel_j1(x), formula="Bessel function of the first kind, order 0")
_unary(
    "bessel_j1",
    "j1",
    lambda g, x, y, F: g * (F.bessel_j0(x) - F.over_or_half(y, x)),
    formula="Bessel function of the first kind, order 1",
)
_unary("bessel_y0", "y0", lambda g, x, F: -g * F.bessel_y1(x), formula="Bessel function of the second kind, order 0")
_unary(
    "bessel_y1",
    "y1",
    lambda g, x, y, F: g * (F.bessel_y0(x) - y / x),
    formula="Bessel function of the second kind, order 1",
)
_unary(
    "modified_bessel_k0",
    "k0",
    lambda g, x, F: -g * F.modified_bessel_k1(x),
    formula="modified Bessel function of the second kind, order 0",
)
_unary(
    "modified_bessel_k1",
    "k1",
    lambda g, x, y, F: -g * (F.modified_bessel_k0(x) + y / x),
    formula="modified Bessel function of the second kind, order 1",
)
_unary(
    "scaled_modified_bessel_k0",
    "k0e",
    lambda g, x, y, F: g * (y - F.scaled_modified_bessel_k1(x)),
    formula="exp(x) k0(x)",
)
_unary(
    "scaled_modified_bessel_k1",
    "k1e",
    lambda g, x, y, F: g * (y - F.scaled_modified_bessel_k0(x) - y / x),
    formula="exp(x) k1(x)",
)


def _spherical_j0(x: Any) -> Any:
    """sin(x) / x, 0 at infinity."""
    y = np.where(x == 0, x.dtype.type(1), np.sin(x) / np.where(x == 0, x.dtype.type(1), x))
    return np.where(np.isinf(x), x.dtype.type(0), y)


_unary(
    "spherical_bessel_j0",
    None,
    lambda g, x, y, F: g * F.over_or_zero(F.cos(x) - y, x),
    _spherical_j0,
    formula="sin(x) / x, 1 at 0",
)
_unary("airy_ai", None, lambda g, x, F: g * F.airy_ai_slope(x), _ufunc("airy", 0), formula="Airy function Ai(x)")
_unary(
    "airy_ai_slope", None, lambda g, x, F: g * x * F.airy_ai(x), _ufunc("airy", 1), formula="the derivative of Ai(x)"
)

# ------------------------------------------------------------------------------------------------- functions


def _register(name: str, function: Callable[..., Any], *names: str) -> Callable[..., Any]:
    for n in (name, *names):
        METHODS[n] = function
        INPLACE[f"{n}_"] = function
    return function


erf = _register("erf", sym.erf)
erfc = _register("erfc", sym.erfc)
erfinv = _register("erfinv", sym.erfinv)
lgamma = _register("lgamma", sym.lgamma)
digamma = _register("digamma", sym.digamma)
i0 = _register("i0", sym.i0)
sinc = _register("sinc", sym.sinc)

erfcx, ndtr, log_ndtr, ndtri, entr = sym.erfcx, sym.ndtr, sym.log_ndtr, sym.ndtri, sym.entr
i0e, i1, i1e = sym.i0e, sym.i1, sym.i1e
bessel_j0, bessel_j1, bessel_y0, bessel_y1 = sym.bessel_j0, sym.bessel_j1, sym.bessel_y0, sym.bessel_y1
modified_bessel_k0, modified_bessel_k1 = sym.modified_bessel_k0, sym.modified_bessel_k1
scaled_modified_bessel_k0, scaled_modified_bessel_k1 = sym.scaled_modified_bessel_k0, sym.scaled_modified_bessel_k1
spherical_bessel_j0, airy_ai = sym.spherical_bessel_j0, sym.airy_ai


def _two(dispatch: Callable[..., Any], name: str, doc: str) -> Callable[[Any, Any], Tensor]:
    """A function of two tensors, of which one may be a number."""

    def function(input: Any, other: Any) -> Tensor:
        if not isinstance(input, Tensor) and not isinstance(other, Tensor):
            raise TypeError(
                f"{name}: at least one argument must be a Tensor, got ({type(input).__name__}, {type(other).__name__})."
            )
        result = dispatch(input, other)
        if result is NotImplemented:
            raise TypeError(
                f"{name}: expected tensors or numbers, got ({type(input).__name__}, {type(other).__name__})."
            )
        return result

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


xlogy = _register(
    "xlogy", _two(sym.xlogy, "xlogy", "``input * log(other)``, 0 where the input is 0 (NaN where other is).")
)
xlog1py = _two(sym.xlog1py, "xlog1py", "``input * log1p(other)``, 0 where the input is 0 (NaN where other is).")
zeta = _two(
    sym.zeta,
    "zeta",
    "The Hurwitz zeta function, the sum over k >= 0 of ``(k + other)^-input``; differentiable in other.",
)
gammainc = _two(
    sym.gammainc,
    "gammainc",
    "The regularised lower incomplete gamma function P(input, other); differentiable in other.",
)
gammaincc = _two(
    sym.gammaincc,
    "gammaincc",
    "The regularised upper incomplete gamma function Q(input, other); differentiable in other.",
)
igamma, igammac = _register("igamma", gammainc), _register("igammac", gammaincc)


@method(inplace=True)
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """``log(x / (1 - x))``, x clamped to [eps, 1 - eps] when ``eps`` is given."""
    return sym.logit(tensor_of(input, "logit"), eps)


def polygamma(n: int, input: Tensor) -> Tensor:
    """The ``n``-th derivative of the digamma function, n >= 0."""
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
        raise TypeError(f"polygamma: n must be an int, got {type(n).__name__}.")
    if n < 0:
        raise RuntimeError(f"polygamma: n must not be negative, got {n}.")
    return sym.polygamma(tensor_of(input, "polygamma"), int(n))


def _polygamma_method(input: Tensor, n: int) -> Tensor:
    """The ``n``-th derivative of the digamma function."""
    return polygamma(n, input)


_register("polygamma", _polygamma_method)


@method(inplace=True)
def mvlgamma(input: Tensor, p: int) -> Tensor:
    """The log of the multivariate gamma function of dimension ``p``:
    ``p (p - 1) / 4 log(pi) + sum over i < p of lgamma(input - i / 2)``, for input > (p - 1) / 2."""
    if p < 1:
        raise RuntimeError(f"mvlgamma: p has to be greater than or equal to 1, got {p}.")
    x = tensor_of(input, "mvlgamma")
    if x.array.dtype.kind not in "f":
        x = sym.cast(x, dtypes.default.numpy)
    steps = sym.reshape(x, (*x.array.shape, 1)) - np.arange(p, dtype=x.array.dtype) / x.array.dtype.type(2)
    return sym.sum(sym.lgamma(steps), (x.array.ndim,), False) + p * (p - 1) / 4 * math.log(math.pi)
