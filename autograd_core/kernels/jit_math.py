# mypy: ignore-errors
"""Numba: float32 exp, expm1, log1p, tanh, sigmoid, erf and atan2 that the compiler can vectorise.

Numba has no vector mathematics of its own here: its exp is a scalar call, 5 times slower than these. Each function is
branch-free arithmetic (both sides of a condition are computed and one is selected), within 1 to 2 units in the last
place, and gives IEEE's answers for NaN, infinities, overflow and underflow. Polynomials are minimax fits, computed in
40 digits by reweighted least squares and rounded to float32.

`contract` is the only fastmath flag allowed here: `reassoc` would "simplify" the rounding trick of `exp` away.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

f = np.float32

_inlined = njit(fastmath={"contract"}, error_model="numpy")


@intrinsic
def bits_of(typing_context: Any, x: Any) -> Any:
    """The 32 bits of a float32 as an int32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


@intrinsic
def float_of(typing_context: Any, bits: Any) -> Any:
    """The float32 whose bits are this int32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@intrinsic
def select(typing_context: Any, condition: Any, yes: Any, no: Any) -> Any:
    """``yes if condition else no`` of two float32 already computed: a branch would keep a loop from vectorising."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.select(*arguments)

    return types.float32(types.boolean, types.float32, types.float32), generate


@intrinsic
def maximum(typing_context: Any, a: Any, b: Any) -> Any:
    """The larger of two floats, NaN when either is NaN; unlike a comparison it vectorises as a reduction."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = arguments[0].type
        name = "llvm.maximum.f32" if kind == ir.FloatType() else "llvm.maximum.f64"
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind, kind]), name)
        return builder.call(function, arguments)

    return a(a, a), generate


ZERO, HALF, ONE, TWO = f(0), f(0.5), f(1), f(2)
LOG2_E = f(1.4426950408889634)
LN2_HIGH, LN2_LOW = f(0.693359375), f(-2.12194440e-4)  # ln 2 in two parts: n * LN2_HIGH is exact
ROUND = f(12582912.0)  # 1.5 * 2**23: adding it leaves the nearest integer in the low bits
ROUND_BITS, BIAS, MANTISSA, ONE_BIT = np.int32(0x4B400000), np.int32(127), np.int32(23), np.int32(1)
EXP_MAX, EXP_MIN = f(89.0), f(-104.0)  # beyond: infinity and zero in float32

# (exp(r) - 1 - r) / r**2 on |r| <= ln(2) / 2
E0, E1, E2, E3, E4, E5 = (
    f(0.5),
    f(0.1666666716337204),
    f(0.04166710376739502),
    f(0.008333309553563595),
    f(0.001388372853398323),
    f(0.00019894192519132048),
)


@_inlined
def exp(x):
    x = select(x > EXP_MAX, EXP_MAX, x)  # written so that NaN passes
    nothing = x < EXP_MIN  # the usual masked score, -inf, must not run into slow subnormal arithmetic
    x = select(nothing, ZERO, x)
    shifted = x * LOG2_E + ROUND
    n = shifted - ROUND
    power = np.int32(bits_of(shifted) - ROUND_BITS)
    r = x - n * LN2_HIGH
    r = r - n * LN2_LOW
    p = ((((E5 * r + E4) * r + E3) * r + E2) * r + E1) * r + E0
    p = p * (r * r) + r + ONE
    half = np.int32(power >> ONE_BIT)  # 2**power in two factors: one alone cannot hold 2**128 or a subnormal result
    rest = np.int32(power - half)
    y = p * float_of(np.int32((half + BIAS) << MANTISSA)) * float_of(np.int32((rest + BIAS) << MANTISSA))
    return select(nothing, ZERO, y)


# (atanh(s) / s - 1) / s**2 in s**2, on s <= 1/3
L0, L1, L2, L3, L4 = (
    f(0.3333333432674408),
    f(0.19999848306179047),
    f(0.14296405017375946),
    f(0.10850021988153458),
    f(0.11626886576414108),
)


@_inlined
def log1p_unit(t):
    """log(1 + t) for 0 <= t <= 1."""
    s = t / (TWO + t)
    z = s * s
    p = (((L4 * z + L3) * z + L2) * z + L1) * z + L0
    return TWO * (s + s * z * p)


# (tanh(x) / x - 1) / x**2 in x**2, on |x| <= 0.625
T0, T1, T2, T3, T4 = (
    f(-0.333333283662796),
    f(0.13332794606685638),
    f(-0.053854070603847504),
    f(0.021010078489780426),
    f(-0.006113188341259956),
)
TANH_SMALL = f(0.625)


@_inlined
def tanh(x):
    a = abs(x)
    z = x * x
    small = x + x * z * ((((T4 * z + T3) * z + T2) * z + T1) * z + T0)
    large = ONE - TWO / (exp(TWO * a) + ONE)
    return select(a < TANH_SMALL, small, select(x < ZERO, -large, large))  # NaN takes `large`, which is NaN


@_inlined
def sigmoid(x):
    return ONE / (ONE + exp(-x))


# erf(x) / x in x**2, on |x| <= 1; log(erfc(t)) on 1 <= t <= 4.2
R0, R1, R2, R3, R4, R5, R6 = (
    f(0.12837916709551256),  # less 1: x + x * 0.128 rounds once where x * 1.128 rounds twice
    f(-0.3761262595653534),
    f(0.11283600330352783),
    f(-0.026854444295167923),
    f(0.005189535208046436),
    f(-0.0008020841050893068),
    f(7.889119297033176e-05),
)
Q0, Q1, Q2, Q3, Q4, Q5, Q6 = (
    f(-0.0003537075244821608),
    f(-1.1270400285720825),
    f(-0.6382256150245667),
    f(-0.10303744673728943),
    f(0.021805355325341225),
    f(-0.002939616795629263),
    f(0.00018557501607574522),
)
ERF_MAX = f(4.2)  # from here on erf is 1 in float32
EXPM1_MIN = f(-30.0)  # from here down exp(x) - 1 is -1 in float32


@_inlined
def erf(x):
    z = x * x
    small = x + x * ((((((R6 * z + R5) * z + R4) * z + R3) * z + R2) * z + R1) * z + R0)
    t = abs(x)
    t = select(t > ERF_MAX, ERF_MAX, t)
    large = ONE - exp((((((Q6 * t + Q5) * t + Q4) * t + Q3) * t + Q2) * t + Q1) * t + Q0)
    return select(t < ONE, small, select(x < ZERO, -large, large))


@_inlined
def expm1_negative(x):
    """exp(x) - 1 for x <= 0, also accurate near 0; the value for positive x is finite and meaningless."""
    x = select(x > ONE, ONE, x)
    x = select(x < EXPM1_MIN, EXPM1_MIN, x)
    shifted = x * LOG2_E + ROUND
    n = shifted - ROUND
    r = x - n * LN2_HIGH
    r = r - n * LN2_LOW
    p = ((((E5 * r + E4) * r + E3) * r + E2) * r + E1) * r + E0
    power = float_of(np.int32((np.int32(bits_of(shifted) - ROUND_BITS) + BIAS) << MANTISSA))
    return power * (p * (r * r) + r) + (power - ONE)


@_inlined
def softplus(x):
    """log(1 + exp(x))."""
    return maximum(x, ZERO) + log1p_unit(exp(-abs(x)))


# (1 - Phi(a)) * exp(a**2 / 2) in t = 1 / (1 + 0.3 a) for a >= 0, Phi the normal distribution function: erfc without
# a second exponential, to a relative error of 6e-8
N0, N1, N2, N3, N4, N5, N6, N7, N8 = (
    f(7.169771834014682e-06),
    f(0.11948767304420471),
    f(0.12192048877477646),
    f(0.09468289464712143),
    f(0.14253714680671692),
    f(-0.0765090361237526),
    f(0.22866249084472656),
    f(-0.16916735470294952),
    f(0.03837855905294418),
)
TAIL_RATE = f(0.3)


@_inlined
def normal_cdf(x, bell):
    """Phi(x), given ``bell = exp(-x**2 / 2)``."""
    t = ONE / (ONE + TAIL_RATE * abs(x))
    p = (((((((N8 * t + N7) * t + N6) * t + N5) * t + N4) * t + N3) * t + N2) * t + N1) * t + N0
    tail = bell * p
    return select(x < ZERO, tail, ONE - tail)


EXPM1_TINY = f(1e-8)  # exp(x) - 1 is x


@_inlined
def expm1(x):
    """exp(x) - 1 for all x."""
    held = select(x > EXP_MAX, EXP_MAX, x)
    held = select(held < EXPM1_MIN, EXPM1_MIN, held)
    shifted = held * LOG2_E + ROUND
    n = shifted - ROUND
    r = held - n * LN2_HIGH
    r = r - n * LN2_LOW
    p = ((((E5 * r + E4) * r + E3) * r + E2) * r + E1) * r + E0
    # half of 2**n, for 2**128 is no float32
    power = float_of(np.int32((np.int32(bits_of(shifted) - ROUND_BITS) + BIAS - ONE_BIT) << MANTISSA))
    y = TWO * (power * (p * (r * r) + r) + (power - HALF))
    return select(abs(x) < EXPM1_TINY, x, y)


INFINITY, NAN, MINUS_ONE = f(np.inf), f(np.nan), f(-1)
ROOT_HALF_BITS, MANTISSA_BITS = np.int32(0x3F3504F3), np.int32(0x007FFFFF)  # sqrt(1/2)
LOG_HIGH, LOG_LOW = f(0.69313812256), f(9.0580006145e-06)  # ln 2 in two parts, for exponents up to 128


@_inlined
def log1p(x):
    """log(1 + x): the logarithm of u = 1 + x, rounded, and a correction for the rounding, (1 + x - u) / u."""
    u = ONE + x
    shifted = np.int32(bits_of(u) - ROOT_HALF_BITS)
    exponent = np.int32(shifted >> MANTISSA)  # u = 2**exponent * (1 + t) with 1 + t from sqrt(1/2) to sqrt(2)
    t = float_of(np.int32((shifted & MANTISSA_BITS) + ROOT_HALF_BITS)) - ONE
    lost = select(x > ONE, ONE - (u - x), x - (u - ONE)) / u
    near = exponent == np.int32(0)
    t = select(near, x, t)
    lost = select(near, ZERO, lost)
    s = t / (TWO + t)
    z = s * s
    p = (((L4 * z + L3) * z + L2) * z + L1) * z + L0
    half_square = HALF * t * t
    n = f(exponent)
    y = s * (half_square + TWO * z * p) + (n * LOG_LOW + lost)
    y = n * LOG_HIGH + (t - (half_square - y))
    y = select(x == INFINITY, INFINITY, select(x == MINUS_ONE, -INFINITY, y))
    y = select(abs(x) < EXPM1_TINY, x, y)
    return select(x >= MINUS_ONE, y, NAN)


# (atan(t) / t - 1) / t**2 in t**2, on 0 <= t <= 1
A0, A1, A2, A3, A4, A5, A6, A7, A8 = (
    f(-0.33333301544189453),
    f(0.19998638331890106),
    f(-0.1426524519920349),
    f(0.10957571864128113),
    f(-0.08419445902109146),
    f(0.0582343190908432),
    f(-0.03145546838641167),
    f(0.011064315214753151),
    f(-0.0018271846929565072),
)
QUARTER_HIGH, QUARTER_LOW = f(1.5707963705062866), f(-4.371138828673793e-08)  # pi / 2 in two parts


@_inlined
def atan2(y, x):
    """The angle of the point (x, y), from -pi to pi, with C's answers for signed zeros and infinities."""
    a, b = abs(x), abs(y)
    steep = b > a
    low, high = select(steep, a, b), select(steep, b, a)
    t = select(high == ZERO, ZERO, select(low == high, ONE, low / high))  # 0/0 and inf/inf
    z = t * t
    p = (((((((A8 * z + A7) * z + A6) * z + A5) * z + A4) * z + A3) * z + A2) * z + A1) * z + A0
    angle = t + t * z * p
    angle = select(steep, QUARTER_HIGH - (angle - QUARTER_LOW), angle)
    left = bits_of(x) < np.int32(0)
    angle = select(left, TWO * QUARTER_HIGH - (angle - TWO * QUARTER_LOW), angle)
    angle = select(bits_of(y) < np.int32(0), -angle, angle)
    return select(x == x, select(y == y, angle, y), x)
