"""Samples of the elementwise ops: arithmetic, powers, exponentials, trigonometry, comparison, selection."""

from __future__ import annotations

import math

from tests.op_samples import S, distinct, t

nan, inf = math.nan, math.inf
POSITIVE = dict(lo=0.2, hi=2.0)
EDGE = t(values=[0.0, -0.0, inf, -inf, nan, 1.0, -1.0, 1e-30, 1e30], grad=False)

_DOMAIN = {
    "acos": dict(lo=-0.9, hi=0.9), "asin": dict(lo=-0.9, hi=0.9), "atanh": dict(lo=-0.9, hi=0.9), "acosh": dict(lo=1.2, hi=3.0),
    "log": POSITIVE, "log2": POSITIVE, "log10": POSITIVE, "log1p": dict(lo=-0.5, hi=2.0), "sqrt": POSITIVE, "rsqrt": POSITIVE,
    "reciprocal": POSITIVE, "abs": POSITIVE,
}  # fmt: skip
_UNARY = (
    "abs acos acosh asin asinh atan atanh cos cosh exp exp2 expm1 log log10 log1p log2 neg positive reciprocal rsqrt sgn sigmoid "
    "sign sin sinh sqrt square tan tanh relu frac"
).split()
_STEPS = "ceil floor trunc round".split()

SAMPLES = []
for _n in _UNARY:
    SAMPLES += [
        S(_n, t(3, 4, **_DOMAIN.get(_n, {}))),
        S(_n, t(**_DOMAIN.get(_n, {}))),
        S(_n, t(0, 3)),
        S(_n, EDGE, check="value"),
    ]
for _n in _STEPS:
    SAMPLES += [S(_n, t(3, 4, lo=-3, hi=3)), S(_n, EDGE, check="value")]
SAMPLES += [
    S("round", t(3, lo=-3, hi=3), decimals=1, check="first"),
    S("round", t(values=[0.5, 1.5, 2.5, -0.5], grad=False), check="value"),
]

for _n in ("add", "sub", "mul", "div", "maximum", "minimum", "atan2", "logaddexp", "logaddexp2", "fmax", "fmin"):
    SAMPLES += [
        S(_n, t(3, 4, **POSITIVE), t(3, 4, **POSITIVE)), S(_n, t(3, 4), t(4, **POSITIVE)), S(_n, t(3, 1), t(1, 4, **POSITIVE)),
        S(_n, t(), t(2, 3, **POSITIVE)), S(_n, t(0, 4), t(4)), S(_n, EDGE, EDGE, check="value"),
    ]  # fmt: skip
for _n in ("remainder", "fmod"):
    SAMPLES += [
        S(_n, t(3, 4, lo=2, hi=5), t(3, 4, lo=1.1, hi=1.7)),
        S(_n, t(3, lo=-5, hi=5), 1.3),
        S(_n, EDGE, EDGE, check="value"),
    ]
SAMPLES += [
    S("add", t(3), 2.5), S("add", t(3), t(3), alpha=2.5), S("sub", t(3), t(3), alpha=-2), S("rsub", t(3), 2.0), S("mul", t(3), 2),
    S("div", t(3), 2), S("div", t(3, lo=-5, hi=5), 1.7, rounding_mode="floor", check="value"),
    S("div", t(3, lo=-5, hi=5), 1.7, rounding_mode="trunc", check="value"),
    S("div", t(4, dtype="int64", lo=-9, hi=9), t(4, dtype="int64", lo=1, hi=4), check="value"),
    S("div", t(4, dtype="int64", lo=-9, hi=9), 2, rounding_mode="trunc", check="value"),
    S("div", t(4, dtype="int64", lo=-9, hi=9), 2, rounding_mode="floor", check="value"),
    S("floor_divide", t(4, lo=-9, hi=9, grad=False), 2.0, check="value"),
    S("pow", t(3, 4, **POSITIVE), 3), S("pow", t(3, 4, **POSITIVE), 0.5), S("pow", t(3, 4, **POSITIVE), t(4)), S("pow", 2.5, t(3)),
    S("pow", t(values=[0.0, 1.0, 2.0]), 2), S("pow", t(values=[0.0, 1.0, 2.0]), 0), S("pow", t(3), -2), S("pow", t(3), 1),
    S("pow", t(4, dtype="int64", lo=-3, hi=4), 3, check="value"),
    S("addcmul", t(3, 4), t(3, 4), t(4)), S("addcmul", t(3), t(3), t(3), value=0.5),
    S("addcdiv", t(3, 4), t(3, 4), t(4, **POSITIVE)), S("addcdiv", t(3), t(3), t(3, **POSITIVE), value=-2),
    S("lerp", t(3, 4), t(3, 4), 0.3), S("lerp", t(3, 4), t(3, 4), t(3, 4)),
    S("clamp", distinct(3, 4), -0.5, 0.5), S("clamp", distinct(3, 4), min=0.05), S("clamp", distinct(3, 4), max=0.05),
    S("clamp", distinct(3, 4, lo=-0.9), t(4, lo=-0.8, hi=-0.7), t(3, 1, lo=0.4, hi=0.5)), S("clamp", EDGE, -1.0, 1.0, check="value"),
    S("clamp_min", distinct(5), 0.1), S("clamp_max", distinct(5), 0.1),
    S("where", t(3, 4, dtype="bool"), t(3, 4), t(4)), S("where", t(3, 1, dtype="bool"), t(), t(1, 4)),
    S("where", t(3, dtype="bool"), t(3), 2.0), S("where", t(3, dtype="bool"), 1.0, t(3)),
    S("masked_fill", t(3, 4), t(3, 4, dtype="bool"), 2.0), S("masked_fill", t(3, 4), t(4, dtype="bool"), -9),
    S("masked_fill", t(3, 4), t(3, 1, dtype="bool"), t()), S("clone", t(3, 4)),
]  # fmt: skip
for _n in ("eq", "ne", "lt", "le", "gt", "ge"):
    SAMPLES += [
        S(_n, t(3, 4, dtype="int64", lo=0, hi=3), t(4, dtype="int64", lo=0, hi=3), check="value"), S(_n, EDGE, EDGE, check="value"),
        S(_n, EDGE, 0, check="value"), S(_n, t(3, dtype="float32"), t(3, grad=False), check="value"),
    ]  # fmt: skip
for _n in ("isnan", "isinf", "isfinite", "logical_not"):
    SAMPLES += [S(_n, EDGE, check="value"), S(_n, t(3, dtype="int64", lo=0, hi=2), check="value")]
for _n in ("logical_and", "logical_or", "logical_xor"):
    SAMPLES += [S(_n, t(3, 4, dtype="bool"), t(4, dtype="bool"), check="value"), S(_n, EDGE, EDGE, check="value")]
for _n in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    SAMPLES += [
        S(_n, t(3, 4, dtype="bool"), t(4, dtype="bool"), check="value"),
        S(_n, t(3, dtype="int32", lo=-9, hi=9), t(3, dtype="int64", lo=-9, hi=9), check="value"), S(_n, t(3, dtype="uint8", lo=0, hi=9), 5, check="value"),
    ]  # fmt: skip
SAMPLES += [
    S("bitwise_not", t(3, dtype="int64", lo=-9, hi=9), check="value"), S("bitwise_not", t(3, dtype="bool"), check="value"),
    S("bitwise_left_shift", t(3, dtype="int64", lo=0, hi=9), 2, check="value"), S("bitwise_right_shift", t(3, dtype="int64", lo=0, hi=99), 2, check="value"),
]  # fmt: skip

# promotion: the three categories, 0-d tensors, Python numbers
_KINDS = [("bool", dict(dtype="bool")), ("int", dict(dtype="int64", lo=1, hi=5)), ("byte", dict(dtype="uint8", lo=1, hi=5)),
          ("float", dict(dtype="float32", lo=0.5, hi=2)), ("double", dict(dtype="float64", lo=0.5, hi=2)),
          ("half", dict(dtype="float16", lo=0.5, hi=2)), ("complex", dict(dtype="complex64"))]  # fmt: skip
for _op in ("add", "mul", "div"):
    for _a, _ka in _KINDS:
        for _b, _kb in _KINDS:
            if {_a, _b} == {"half", "complex"}:
                continue  # PyTorch's ComplexHalf: NumPy has no such type, here the result is complex64
            SAMPLES += [
                S(_op, t(2, grad=False, **_ka), t(2, grad=False, **_kb), check="value", label=f"{_op} {_a} {_b}", tolerance=1e5 if "half" in (_a, _b) else 100),
                S(_op, t(2, grad=False, **_ka), t(grad=False, **_kb), check="value", label=f"{_op} {_a} 0-d {_b}", tolerance=1e5 if "half" in (_a, _b) else 100),
            ]  # fmt: skip
        SAMPLES += [
            S(_op, t(2, grad=False, **_ka), v, check="value", label=f"{_op} {_a} {v!r}", tolerance=1e5 if _a == "half" else 100) for v in (2, 2.5, True, 1 + 2j)
            if not (_a == "half" and isinstance(v, complex))
        ]  # fmt: skip
