"""Elementwise ops: arithmetic, powers, exponentials, trigonometry, comparison, selection.

One line per input says how its gradient follows.  ``sqrt``, ``pow`` and ``where`` take care that an infinite derivative
in a branch that was not taken does not turn into NaN.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..dtypes import F32
from ..kernels import activation as kernels
from ..kernels import elementwise as vectors
from ..kernels.thresholds import THRESHOLDS
from ..op import defop, helper

LARGE = 8_000  # elements from which a kernel may be quicker than NumPy; below it, a rule is one line of NumPy
FORESEEN = 1_000  # elements up to which np.where is quick: the processor learns the branches of small arrays
WIDE = 60_000  # the same for a kernel that only saves a pass over memory

# ------------------------------------------------------------------------------------------------- arithmetic

add = defop(np.add, "a b", name="add", scalar="{a} + {b}", a=lambda g: g, b=lambda g: g)
sub = defop(np.subtract, "a b", name="sub", scalar="{a} - {b}", a=lambda g: g, b=lambda g: -g)
mul = defop(np.multiply, "a b", name="mul", scalar="{a} * {b}", a=lambda g, b: g * b, b=lambda g, a: g * a)
div = defop(
    np.true_divide,
    "a b",
    name="div",
    scalar="{a} / {b}",
    promote="float",
    a=lambda g, b: g / b,
    b=lambda g, y, b: -g * y / b,
)
neg = defop(np.negative, name="neg", scalar="-{x}", x=lambda g: -g)
positive = defop(np.positive, name="positive", scalar="+{x}", x=lambda g: g)
reciprocal = defop(lambda x: 1 / x, name="reciprocal", scalar="1 / {x}", promote="float", x=lambda g, y: -g * y * y)
square = defop(np.square, name="square", scalar="{x} * {x}", x=lambda g, x: 2 * g * x)
floor_divide = defop(np.floor_divide, "a b", name="floor_divide", scalar="floor({a} / {b})")
remainder = defop(
    np.remainder,
    "a b",
    name="remainder",
    scalar="{a} - {b} * floor({a} / {b})",
    a=lambda g: g,
    b=lambda g, a, b, F: -g * F.floor(a / b),
)
fmod = defop(
    np.fmod,
    "a b",
    name="fmod",
    scalar="{a} - {b} * trunc({a} / {b})",
    a=lambda g: g,
    b=lambda g, a, b, F: -g * F.trunc(a / b),
)

# ------------------------------------------------------------------------------------------------- powers and logs


def _pow(a: Any, b: Any) -> Any:
    if b.__class__ is np.ndarray and b.dtype.kind in "iu" and (b < 0).any():
        raise RuntimeError("pow: integers to negative integer powers are not defined; convert the base to float.")
    return np.power(a, b)


# At a power of 0 the derivative in the base is 0 (also at base 0, where b * a**(b-1) would be 0 * inf); at a base of 0
# the derivative in the exponent is 0 (where log(0) would be -inf) unless the power is negative.
pow = defop(
    _pow,
    "a b",
    name="pow",
    scalar="{a} ** {b}",
    keep_numbers=True,  # NumPy has short ways for x**2, and the rule for a number is simpler
    a=lambda g, a, b, F: g * F.pow_base(a, b),
    b=lambda g, a, b, y, F: g * F.pow_exponent(a, b, y),
)


@helper
def pow_base(F: Any, a: Any, b: Any) -> Any:
    """d(a**b)/da = b a**(b-1), and 0 where b is 0."""
    if isinstance(b, (int, float)):
        if b == 0:
            return a * 0
        if b == 2:
            return 2 * a
        return b * a ** (b - 1)
    return F.where(b == 0, 0.0, b * a ** F.where(b == 0, 1.0, b - 1))


@helper
def pow_exponent(F: Any, a: Any, b: Any, y: Any) -> Any:
    """d(a**b)/db = a**b log(a), and 0 where a is 0 and b is not negative."""
    if isinstance(a, (int, float)):
        return F.where(b >= 0, 0.0, y * -math.inf) if a == 0 else y * math.log(a) if a > 0 else y * math.nan
    zero = (a == 0) & (b >= 0)
    return F.where(zero, 0.0, y * F.log(F.where(zero, 1.0, a)))


sqrt = defop(np.sqrt, name="sqrt", scalar="sqrt({x})", promote="float", x=lambda g, y: g / (2 * y))
rsqrt = defop(
    lambda x: 1 / np.sqrt(x) if x.size < vectors.LARGE else vectors.rsqrt(x),
    name="rsqrt",
    scalar="1 / sqrt({x})",
    promote="float",
    x=lambda g, y: g * (y * y * y * -0.5),  # NumPy's y**3 calls pow
)
exp = defop(np.exp, name="exp", scalar="exp({x})", promote="float", x=lambda g, y: g * y)
exp2 = defop(np.exp2, name="exp2", scalar="2 ** {x}", promote="float", x=lambda g, y: g * y * math.log(2))
expm1 = defop(
    lambda x: np.expm1(x) if x.size < vectors.LARGE else vectors.expm1(x),
    name="expm1",
    scalar="exp({x}) - 1",
    promote="float",
    x=lambda g, y: g * (y + 1),
)
log = defop(np.log, name="log", scalar="log({x})", promote="float", x=lambda g, x: g / x)
log2 = defop(np.log2, name="log2", scalar="log2({x})", promote="float", x=lambda g, x: g / (x * math.log(2)))
log10 = defop(np.log10, name="log10", scalar="log10({x})", promote="float", x=lambda g, x: g / (x * math.log(10)))
log1p = defop(
    lambda x: np.log1p(x) if x.size < vectors.LARGE else vectors.log1p(x),
    name="log1p",
    scalar="log(1 + {x})",
    promote="float",
    x=lambda g, x: g / (x + 1),
)


logaddexp = defop(
    np.logaddexp,
    "a b",
    name="logaddexp",
    scalar="log(exp({a}) + exp({b}))",
    promote="float",
    a=lambda g, a, y, F: g * F.exp_difference(a, y),
    b=lambda g, b, y, F: g * F.exp_difference(b, y),
)
logaddexp2 = defop(
    np.logaddexp2,
    "a b",
    name="logaddexp2",
    scalar="log2(2 ** {a} + 2 ** {b})",
    promote="float",
    a=lambda g, a, y, F: g * F.exp_difference(a * math.log(2), y * math.log(2)),
    b=lambda g, b, y, F: g * F.exp_difference(b * math.log(2), y * math.log(2)),
)


@helper
def exp_difference(F: Any, a: Any, y: Any) -> Any:
    """e^(a - y), and 0 where both are -inf."""
    same = (a == y) & (a == -math.inf)
    return F.exp(F.where(same, -math.inf, a - F.where(same, 0.0, y)))


def _sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)): exp overflows to inf for very negative x, which gives the right 0."""
    if x.size >= LARGE and x.dtype is F32:
        return kernels.sigmoid(x)
    return 1 / (1 + np.exp(-x))


sigmoid = defop(
    _sigmoid, name="sigmoid", scalar="1 / (1 + exp(-{x}))", promote="float", x=lambda g, y, F: F.sigmoid_backward(g, y)
)
defop(
    lambda u, v: u * (v * (1 - v)) if v.size < LARGE or v.dtype is not F32 else kernels.sigmoid_backward(u, v),
    "u v",
    name="sigmoid_backward",
    scalar="{u} * {v} * (1 - {v})",
    promote="none",
    u=lambda g, v, F: F.sigmoid_backward(g, v),
    v=lambda g, u, v: g * u * (1 - 2 * v),
)
_ZERO = {
    d: np.zeros((), d) for d in (np.dtype(np.float32), np.dtype(np.float64))
}  # NumPy is quicker with these than with 0
_ZEROS: dict[Any, Any] = {}


@lru_cache(maxsize=256)
def _zeros(shape: tuple[int, ...], dtype: Any) -> Any:
    """Zeros to compare an array of fewer than WIDE elements with: one zero takes np.maximum three times as long."""
    if dtype not in _ZEROS:
        _ZEROS[dtype] = np.zeros(WIDE, dtype)
        _ZEROS[dtype].flags.writeable = False
    return _ZEROS[dtype][: math.prod(shape)].reshape(shape)


def _relu(x: Any) -> Any:
    if x.size < FORESEEN:
        return np.maximum(x, _ZERO.get(x.dtype, 0))
    return np.maximum(x, _zeros(x.shape, x.dtype)) if x.size < WIDE else kernels.relu(x)


relu = defop(
    _relu,
    name="relu",
    scalar="max({x}, 0)",
    x=lambda g, y, F: F.where_positive(g, y),
)


def _where_positive(x: Any, gate: Any) -> Any:
    if gate.ndim == 0 or x.shape != gate.shape:
        return np.where(np.less_equal(gate, 0), x.dtype.type(0), x)
    if gate.size >= THRESHOLDS["elementwise.numba"]:
        return kernels.relu_backward(x, gate)
    zero = _ZERO.get(gate.dtype, 0)
    closed = np.less_equal(gate, zero)
    if gate.size >= FORESEEN:
        return kernels.shut(x, closed)
    y = x.copy()  # a copy and putmask take three quarters of the time of np.where
    np.putmask(y, closed, zero)
    return y


# The rule of relu: 0 wherever y is not positive, also where g is infinite; a NaN lets the gradient pass, as PyTorch's.
defop(
    _where_positive,
    "x gate",
    name="where_positive",
    scalar="0 if {gate} <= 0 else {x}",
    promote="none",
    x=lambda g, gate, F: F.where_positive(g, gate),
)

# ------------------------------------------------------------------------------------------------- trigonometry

sin = defop(np.sin, name="sin", scalar="sin({x})", promote="float", x=lambda g, x, F: g * F.cos(x))
cos = defop(np.cos, name="cos", scalar="cos({x})", promote="float", x=lambda g, x, F: -g * F.sin(x))
tan = defop(np.tan, name="tan", scalar="tan({x})", promote="float", x=lambda g, y: g * (1 + y * y))
asin = defop(np.arcsin, name="asin", scalar="asin({x})", promote="float", x=lambda g, x, F: g * F.rsqrt(1 - x * x))
acos = defop(np.arccos, name="acos", scalar="acos({x})", promote="float", x=lambda g, x, F: -g * F.rsqrt(1 - x * x))
atan = defop(np.arctan, name="atan", scalar="atan({x})", promote="float", x=lambda g, x: g / (1 + x * x))
atan2 = defop(
    lambda a, b: np.arctan2(a, b) if a.size < vectors.LARGE else vectors.atan2(a, b),
    "a b",
    name="atan2",
    scalar="atan2({a}, {b})",
    promote="float",
    a=lambda g, a, b, F: g * F.over_or_zero(b, a * a + b * b),
    b=lambda g, a, b, F: -g * F.over_or_zero(a, a * a + b * b),
)
sinh = defop(np.sinh, name="sinh", scalar="sinh({x})", promote="float", x=lambda g, x, F: g * F.cosh(x))
cosh = defop(np.cosh, name="cosh", scalar="cosh({x})", promote="float", x=lambda g, x, F: g * F.sinh(x))
tanh = defop(
    lambda x: np.tanh(x) if x.size < LARGE or x.dtype is not F32 else kernels.tanh(x),
    name="tanh",
    scalar="tanh({x})",
    promote="float",
    x=lambda g, y, F: F.tanh_backward(g, y),
)


def _tanh_backward(u: Any, v: Any) -> Any:
    if v.size >= THRESHOLDS["elementwise.numba"] and v.dtype is F32:
        return kernels.tanh_backward(u, v)
    if v.ndim == 0:
        return u - u * v * v
    y = np.multiply(u, v)  # written into twice: 10 % quicker than three arrays
    np.multiply(y, v, y)
    return np.subtract(u, y, y)


defop(
    _tanh_backward,
    "u v",
    name="tanh_backward",
    scalar="{u} * (1 - {v} * {v})",
    promote="none",
    u=lambda g, v, F: F.tanh_backward(g, v),
    v=lambda g, u, v: -2 * g * u * v,
)
asinh = defop(np.arcsinh, name="asinh", scalar="asinh({x})", promote="float", x=lambda g, x, F: g * F.rsqrt(x * x + 1))
acosh = defop(
    np.arccosh,
    name="acosh",
    scalar="acosh({x})",
    promote="float",
    x=lambda g, x, F: g * F.rsqrt(x - 1) * F.rsqrt(x + 1),
)
atanh = defop(np.arctanh, name="atanh", scalar="atanh({x})", promote="float", x=lambda g, x: g / (1 - x * x))


@helper
def over_or_zero(F: Any, a: Any, b: Any) -> Any:
    """a / b, and 0 where b is 0."""
    return F.where(b == 0, 0.0, a / F.where(b == 0, 1.0, b))


# ------------------------------------------------------------------------------------------------- signs and rounding


abs = defop(np.abs, name="abs", scalar="abs({x})", holomorphic=False, x=lambda g, x, F: g * F.sgn(x))


def _sign(x: Any) -> Any:
    """-1, 0 or 1 (x/|x| for complex numbers); 0 for NaN, as PyTorch has it."""
    if x.dtype.kind == "b":
        return x.copy()
    return vectors.sign(x) if x.dtype.kind == "f" else np.sign(x)


sign = defop(_sign, name="sign", scalar="sign({x})", x=lambda g: g * 0)
sgn = defop(
    _sign,
    name="sgn",
    scalar="{x} / abs({x})",
    holomorphic=False,
    x=lambda g, x, y, F: F.sgn_rule(g, x, y),
)


@helper
def sgn_rule(F: Any, g: Any, x: Any, y: Any) -> Any:
    """0 for real x; for complex x the part of g across x, over |x| (and 0 at 0)."""
    if F.is_complex(x):
        return F.over_or_zero(g - F.real(F.conj(g) * y) * y, F.abs(x))
    return g * 0


floor = defop(np.floor, name="floor", scalar="floor({x})", x=lambda g: g * 0)
ceil = defop(np.ceil, name="ceil", scalar="ceil({x})", x=lambda g: g * 0)
trunc = defop(np.trunc, name="trunc", scalar="trunc({x})", x=lambda g: g * 0)
round_ = defop(np.rint, name="round", scalar="round({x})", x=lambda g: g * 0)
frac = defop(lambda x: x - np.trunc(x), name="frac", scalar="{x} - trunc({x})", x=lambda g: g)

# ------------------------------------------------------------------------------------------------- selection

# Equal arguments share the gradient evenly, as PyTorch's do.
maximum = defop(
    np.maximum,
    "a b",
    name="maximum",
    scalar="max({a}, {b})",
    a=lambda g, a, b, F: g * F.share(a, b),
    b=lambda g, a, b, F: g * F.share(b, a),
)
minimum = defop(
    np.minimum,
    "a b",
    name="minimum",
    scalar="min({a}, {b})",
    a=lambda g, a, b, F: g * F.share(b, a),
    b=lambda g, a, b, F: g * F.share(a, b),
)
fmax = defop(
    np.fmax,
    "a b",
    name="fmax",
    scalar="b if isnan({a}) else a if isnan({b}) else max({a}, {b})",
    a=lambda g, a, b, F: F.masked_fill(g, ~((a >= b) | F.isnan(b)), 0.0),
    b=lambda g, a, b, F: F.masked_fill(g, (a >= b) | F.isnan(b), 0.0),
)
fmin = defop(
    np.fmin,
    "a b",
    name="fmin",
    scalar="b if isnan({a}) else a if isnan({b}) else min({a}, {b})",
    a=lambda g, a, b, F: F.masked_fill(g, ~((a <= b) | F.isnan(b)), 0.0),
    b=lambda g, a, b, F: F.masked_fill(g, (a <= b) | F.isnan(b), 0.0),
)

defop(
    lambda a, b: (np.greater(a, b) + 0.5 * np.equal(a, b)).astype(getattr(a, "dtype", None) or b.dtype),
    "a b",
    name="share",
    scalar="1 if {a} > {b} else 0.5 if {a} == {b} else 0",
    formula="1 where a > b, 1/2 where equal, 0 elsewhere",
)

where = defop(
    np.where,
    "condition a b",
    name="where",
    scalar="{a} if {condition} else {b}",
    promote="none",
    a=lambda g, condition, F: F.where(condition, g, 0.0),
    b=lambda g, condition, F: F.where(condition, 0.0, g),
)

masked_fill = defop(
    lambda x, mask, value: np.where(mask, np.asarray(value, x.dtype), x),
    "x mask",
    "value",
    name="masked_fill",
    elementwise=True,
    promote="none",
    formula="value where mask, else x",
    x=lambda g, mask, F: F.masked_fill(g, mask, 0.0),
)

clamp = defop(
    lambda x, min, max: x.clip(min, max),  # np.clip is a microsecond of Python around it
    "x",
    "min max",
    name="clamp",
    elementwise=True,
    formula="min(max(x, min), max)",
    x=lambda g, x, min, max, F: F.masked_fill(g, F.outside(x, min, max), 0.0),
)


@helper
def outside(F: Any, x: Any, lo: Any, hi: Any) -> Any:
    """Where x lies outside [lo, hi]; a bound of None does not bound."""
    if lo is None:
        return x > hi
    return x < lo if hi is None else (x < lo) | (x > hi)


helper(
    lambda F, x: x.dtype.kind == "c" if isinstance(x, (np.ndarray, np.generic)) else x.array.dtype.kind == "c",
    "is_complex",
)

# ------------------------------------------------------------------------------------------------- comparison

eq = defop(np.equal, "a b", name="eq", scalar="{a} == {b}")
ne = defop(np.not_equal, "a b", name="ne", scalar="{a} != {b}")
lt = defop(np.less, "a b", name="lt", scalar="{a} < {b}")
le = defop(np.less_equal, "a b", name="le", scalar="{a} <= {b}")
gt = defop(np.greater, "a b", name="gt", scalar="{a} > {b}")
ge = defop(np.greater_equal, "a b", name="ge", scalar="{a} >= {b}")
isnan = defop(np.isnan, name="isnan", scalar="isnan({x})")
isinf = defop(np.isinf, name="isinf", scalar="isinf({x})")
isfinite = defop(np.isfinite, name="isfinite", scalar="isfinite({x})")
logical_and = defop(np.logical_and, "a b", name="logical_and", scalar="{a} and {b}")
logical_or = defop(np.logical_or, "a b", name="logical_or", scalar="{a} or {b}")
logical_xor = defop(np.logical_xor, "a b", name="logical_xor", scalar="bool({a}) != bool({b})")
logical_not = defop(np.logical_not, name="logical_not", scalar="not {x}")
bitwise_and = defop(np.bitwise_and, "a b", name="bitwise_and", scalar="{a} & {b}")
bitwise_or = defop(np.bitwise_or, "a b", name="bitwise_or", scalar="{a} | {b}")
bitwise_xor = defop(np.bitwise_xor, "a b", name="bitwise_xor", scalar="{a} ^ {b}")
bitwise_not = defop(np.invert, name="bitwise_not", scalar="~{x}")
bitwise_left_shift = defop(np.left_shift, "a b", name="bitwise_left_shift", scalar="{a} << {b}")
bitwise_right_shift = defop(np.right_shift, "a b", name="bitwise_right_shift", scalar="{a} >> {b}")
