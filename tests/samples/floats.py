"""Samples of floats' signs, parts and neighbours, closeness, and of sums without NaN, covariance and areas."""

from __future__ import annotations

import math
from typing import Any

from tests.op_samples import S, distinct, t

nan, inf = math.nan, math.inf
X, Y = t(3, 4), t(3, 4, lo=0.5, hi=2.0)
ODD = t(values=[nan, inf, -inf, 0.0, -0.0, 1.5], grad=False)
I, J = t(3, 4, dtype="int64", lo=-12, hi=13), t(4, dtype="int64", lo=1, hi=9)
NANS = t(values=[[1.0, nan, 3.0], [nan, nan, 0.5]])


def _float_power(T: Any, base: Any, exponent: Any) -> Any:  # float64 comes out whatever went in
    return T.float_power(base, exponent)


SAMPLES = [
    # PyTorch's gradient of ldexp rounds 2**other to an integer when other is one
    S("copysign", X, Y), S("copysign", X, t(4)), S("copysign", X, -2.0), S("copysign", t(), X), S("copysign", ODD, -1.0, check="value"), S("copysign", I, -1.0, check="value"),
    S("hypot", X, Y), S("hypot", X, t(4)), S("hypot", t(values=[1e200], grad=False), t(values=[1e200], grad=False), check="value"),
    S("nextafter", ODD, t(values=[0.0], grad=False), check="value"), S("nextafter", t(3, grad=False), t(3, grad=False), check="value"),
    S("heaviside", ODD, t(values=[0.5], grad=False), check="value"), S("heaviside", I, J, check="value"),
    S("gcd", I, J, check="value"), S("gcd", I, I, check="value"), S("lcm", I, J, check="value"), S("lcm", t(values=[0, -4], dtype="int64"), t(values=[6], dtype="int64"), check="value"),
    S("deg2rad", X), S("deg2rad", I, check="value"), S("rad2deg", X), S("rad2deg", t()), S("signbit", ODD, check="value"), S("signbit", I, check="value"),
    S("nan_to_num", t(values=[nan, inf, -inf, 0.5]), check="value"), S("nan_to_num", ODD, 2.0, 3.0, -3.0, check="value"), S("nan_to_num", X, nan=1.0, posinf=9.0, neginf=-9.0), S("nan_to_num", I, check="value"),
    S("frexp", Y), S("frexp", t(values=[3.0, 7.0, -3.0])), S("frexp", t(values=[0.0, 8.0, nan], grad=False), check="value"), S("ldexp", X, t(4, dtype="int64", lo=0, hi=4)), S("ldexp", X, t(4, dtype="int64", lo=-3, hi=4), parity=False), S("ldexp", X, t(4)), S("ldexp", t(values=[1, 2], dtype="int64"), t(values=[3, -1], dtype="int64"), check="value"),
    S(_float_power, Y, 2, label="float_power of a number"), S(_float_power, Y, t(4), label="float_power of a tensor"), S(_float_power, 2.0, t(3), label="float_power of a base"), S("float_power", I, 2, check="value"), S("float_power", J, t(values=[-1], dtype="int64"), check="value"),
    S("isneginf", ODD, check="value"), S("isposinf", ODD, check="value"), S("isneginf", I, check="value"), S("isreal", t(values=[1 + 0j, 1j], dtype="complex128", grad=False), check="value"), S("isreal", I, check="value"),
    S("isclose", ODD, ODD, check="value"), S("isclose", ODD, ODD, equal_nan=True, check="value"), S("isclose", t(3, grad=False), t(2, 3, grad=False), 0.5, 0.5, check="value"), S("isclose", I, J, rtol=0.0, atol=3.0, check="value"),
    S("allclose", X, X, check="value"), S("allclose", ODD, ODD, equal_nan=True, check="value"), S("allclose", X, Y, rtol=9.0, atol=9.0, check="value"),
    S("equal", X, Y, check="value"), S("equal", X, t(3), check="value"), S("equal", t(values=[1, 2], dtype="int64"), t(values=[1, 2], dtype="int64"), check="value"),
    S("is_nonzero", t(values=[0.0], grad=False), check="value"), S("is_nonzero", t(values=3, dtype="int64"), check="value"), S("Tensor.is_same_size", X, Y, check="value"), S("Tensor.is_same_size", X, t(2), check="value"), S("is_signed", I, check="value"), S("is_signed", t(2, dtype="uint8", lo=0, hi=9), check="value"),

    S("logcumsumexp", X, 0), S("logcumsumexp", X, -1), S("logcumsumexp", t(5, lo=-2, hi=2), dim=0), S("logcumsumexp", t(), 0), S("logcumsumexp", t(values=[1.0, 1000.0, -2000.0, 999.0], grad=False), 0, check="value"), S("logcumsumexp", t(values=[-inf, 0.5, 1.0], grad=False), 0, check="value"), S("logcumsumexp", t(0, 2), 0),
    S("nansum", t(values=[[1.0, nan], [nan, 2.0]], grad=False), check="value"), S("nansum", X), S("nansum", X, 1, True), S("nansum", I, dim=(0, 1), check="value"), S("nansum", NANS, 0, check="value"),
    S("nanmean", t(values=[[1.0, nan], [nan, 2.0]], grad=False), check="value"), S("nanmean", X, (0, 1)), S("nanmean", X, dim=0, keepdim=True), S("nanmean", t(values=[[nan, nan], [1.0, nan]], grad=False), 1, check="value"),
    S("aminmax", distinct(3, 4)), S("aminmax", distinct(3, 4), dim=1), S("aminmax", distinct(3, 4), dim=0, keepdim=True), S("aminmax", I, check="value"), S("aminmax", t()),
    S("cov", X), S("cov", t(5)), S("cov", X, correction=0), S("cov", X, fweights=J, aweights=t(4, lo=0.5, hi=2.0, grad=False)), S("cov", X, correction=2, aweights=t(4, lo=0.5, hi=2.0, grad=False)), S("cov", t(2, 3, dtype="complex128")), S("cov", X, fweights=J),
    S("corrcoef", t(2, 5)), S("corrcoef", t(4)), S("corrcoef", t(3, 6)),
    S("trapezoid", X), S("trapezoid", X, dx=0.5), S("trapezoid", X, t(4), dim=1), S("trapezoid", X, t(3), dim=0), S("trapezoid", X, t(3, 4)), S("trapz", X, t(4)), S("trapezoid", t(2, 0), check="value"),
    S("cumulative_trapezoid", X), S("cumulative_trapezoid", X, dx=2, dim=0), S("cumulative_trapezoid", X, t(4)),
]  # fmt: skip
