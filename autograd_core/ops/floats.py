"""The finer points of numbers: signs, neighbours and parts of floats, closeness, angles, divisors."""

from __future__ import annotations

import builtins
import math
from collections import namedtuple
from typing import Any

import numpy as np

from .. import dtypes
from ..op import defop, method, sym
from ..tensor import Tensor, wrap
from .arithmetic import _binary, mul, pow, tensor_of

__all__ = [
    "allclose", "copysign", "deg2rad", "equal", "float_power", "frexp", "gcd", "heaviside", "hypot", "is_nonzero", "is_same_size",
    "is_signed", "isclose", "isneginf", "isposinf", "isreal", "lcm", "ldexp", "nan_to_num", "nextafter", "rad2deg", "signbit",
]  # fmt: skip

# ------------------------------------------------------------------------------------------------- declarations

_copysign = defop(
    np.copysign, "a b", name="copysign", scalar="copysign({a}, {b})", promote="float", formula="|a| with the sign of b",
    a=lambda g, a, y, F: g * F.sign(a) * F.sign(y), b=lambda g: g * 0,
)  # fmt: skip
_hypot = defop(
    np.hypot, "a b", name="hypot", scalar="sqrt({a} * {a} + {b} * {b})",
    a=lambda g, a, y: g * (a / y), b=lambda g, b, y: g * (b / y),
)  # fmt: skip
_nextafter = defop(np.nextafter, "a b", name="nextafter", elementwise=True, formula="the next float after a towards b")
_heaviside = defop(
    lambda a, b: np.where(a == 0, b, (a > 0).astype(a.dtype)),
    "a b",
    name="heaviside",
    scalar="0 if {a} < 0 else 1 if {a} > 0 else {b}",
)
_gcd = defop(np.gcd, "a b", name="gcd", scalar="gcd({a}, {b})")
_lcm = defop(np.lcm, "a b", name="lcm", scalar="lcm({a}, {b})")
deg2rad = defop(
    np.deg2rad, name="deg2rad", scalar="{x} * (pi / 180)", promote="float", x=lambda g: g * (math.pi / 180),
)  # fmt: skip
rad2deg = defop(
    np.rad2deg, name="rad2deg", scalar="{x} * (180 / pi)", promote="float", x=lambda g: g * (180 / math.pi),
)  # fmt: skip
signbit = defop(
    lambda x: np.signbit(x) if x.dtype.kind == "f" else x < 0,
    name="signbit",
    elementwise=True,
    formula="whether x carries a minus sign",
)
method(inplace=True)(deg2rad)
method(inplace=True)(rad2deg)
method()(signbit)


def _nan_to_num(x: Any, nan: float, posinf: float | None, neginf: float | None) -> Any:
    return np.nan_to_num(x, copy=True, nan=nan, posinf=posinf, neginf=neginf)


defop(
    _nan_to_num, params="nan posinf neginf", name="nan_to_num", elementwise=True, formula="x with NaN and infinities replaced",
    x=lambda g, x, F: F.masked_fill(g, ~F.isfinite(x), 0.0),
)  # fmt: skip


def _frexp(x: Any) -> Any:
    mantissa, exponent = np.frexp(x)
    return mantissa, np.asarray(exponent).astype(np.int32, copy=False)


defop(
    _frexp, name="frexp", outputs="mantissa exponent", differentiable="mantissa",
    formula="x = mantissa * 2**exponent, 0.5 <= |mantissa| < 1",
    x=lambda g, exponent, F: g / F.exp2(exponent),
)  # fmt: skip

# ------------------------------------------------------------------------------------------------- functions

copysign = _binary(_copysign, "copysign", "``input`` with the sign of ``other`` (the sign of zeros and NaN counts).")
gcd = _binary(_gcd, "gcd", "The greatest common divisor of integers.")
lcm = _binary(_lcm, "lcm", "The least common multiple of integers.")


def _floats(name: str, *values: Any) -> None:
    for v in values:
        if not isinstance(v, Tensor):
            raise TypeError(f"{name}: expected tensors, got {type(v).__name__}.")
    if len({v.array.dtype for v in values}) > 1:
        kinds = " and ".join(v.dtype.name for v in values)
        raise RuntimeError(f"{name}: the tensors must be of one type, got {kinds}.")


@method(inplace=True)
def hypot(input: Tensor, other: Tensor) -> Tensor:
    """``sqrt(input**2 + other**2)`` without overflow in between."""
    return _hypot(tensor_of(input, "hypot"), tensor_of(other, "hypot"))


@method(inplace=True)
def nextafter(input: Tensor, other: Tensor) -> Tensor:
    """The next representable number after ``input`` towards ``other``."""
    _floats("nextafter", input, other)
    return _nextafter(input, other)


@method(inplace=True)
def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """0 where ``input`` is negative, 1 where positive, ``values`` where it is 0."""
    _floats("heaviside", input, values)
    return _heaviside(input, values)


@method(inplace=True)
def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """``input * 2**other``."""
    return mul(input, pow(2.0, other))


_Frexp: Any = namedtuple("frexp", ["mantissa", "exponent"])  # type: ignore[name-match]


@method()
def frexp(input: Tensor) -> Any:
    """``(mantissa, exponent)`` with ``input = mantissa * 2**exponent`` and ``0.5 <= |mantissa| < 1``."""
    x = tensor_of(input, "frexp")
    if x.array.dtype.kind != "f":
        raise RuntimeError(f"frexp: needs a floating point tensor, got {x.dtype.name}.")
    return _Frexp(*sym.frexp(x))


@method(inplace=True)
def nan_to_num(
    input: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """NaN as ``nan`` (0), infinities as ``posinf`` and ``neginf`` (the greatest and least finite numbers)."""
    x = tensor_of(input, "nan_to_num")
    if x.array.dtype.kind in "iub":
        return sym.clone(x)
    return sym.nan_to_num(x, 0.0 if nan is None else nan, posinf, neginf)


@method(inplace=True)
def float_power(input: Any, exponent: Any) -> Tensor:
    """``input ** exponent`` computed in float64 (or complex128)."""
    sides = [v.array if isinstance(v, Tensor) else v for v in (input, exponent)]
    target = np.dtype(np.complex128 if dtypes.result_dtype(sides).kind == "c" else np.float64)
    wide = [sym.cast(v, target) if isinstance(v, Tensor) else wrap(np.asarray(v, target)) for v in (input, exponent)]
    return pow(*wide)


# ------------------------------------------------------------------------------------------------- questions


@method()
def isneginf(input: Tensor) -> Tensor:
    """Where the elements are -infinity."""
    return _infinite("isneginf", input, True)


@method()
def isposinf(input: Tensor) -> Tensor:
    """Where the elements are +infinity."""
    return _infinite("isposinf", input, False)


def _infinite(name: str, input: Tensor, negative: bool) -> Tensor:
    x = tensor_of(input, name).array
    if x.dtype.kind == "c":
        raise RuntimeError(f"{name}: complex numbers have no sign; look at real and imag.")
    return wrap(np.asarray(x == (-math.inf if negative else math.inf)))


@method()
def isreal(input: Tensor) -> Tensor:
    """Where the imaginary part is 0."""
    return wrap(np.asarray(np.isreal(tensor_of(input, "isreal").array)))


def _close(name: str, input: Any, other: Any, rtol: float, atol: float, equal_nan: bool) -> Any:
    _floats(name, input, other)
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"{name}: rtol and atol must not be negative, got {rtol} and {atol}.")
    a, b = input.array, other.array
    if a.dtype.kind in "iub":
        a, b = a.astype(np.float64), b.astype(np.float64)
    try:
        with np.errstate(all="ignore"):
            near = (a == b) | ((np.abs(a - b) <= atol + np.abs(rtol * b)) & np.isfinite(b))
            return near | (np.isnan(a) & np.isnan(b)) if equal_nan else near
    except ValueError:
        from ..errors import no_broadcast

        raise no_broadcast(name, a.shape, b.shape) from None


@method()
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Where ``|input - other| <= atol + rtol * |other|``."""
    return wrap(np.asarray(_close("isclose", input, other, rtol, atol, equal_nan)))


@method()
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether :func:`isclose` holds everywhere."""
    return builtins.bool(np.all(_close("allclose", input, other, rtol, atol, equal_nan)))


@method()
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape and the same elements."""
    for v in (input, other):
        if not isinstance(v, Tensor):
            raise TypeError(f"equal: expected two tensors, got {type(v).__name__}.")
    return builtins.bool(np.array_equal(input.array, other.array))


@method()
def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not 0."""
    x = tensor_of(input, "is_nonzero").array
    if x.size != 1:
        raise RuntimeError(
            f"is_nonzero: the truth of a tensor with {x.size} elements is ambiguous; use any() or all()."
        )
    return builtins.bool(x.reshape(-1)[0])


@method()
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape."""
    return input.array.shape == other.array.shape


@method()
def is_signed(input: Tensor) -> bool:
    """Whether the type has negative numbers."""
    return input.array.dtype.kind in "ifc"
