"""Samples of the reductions."""

from __future__ import annotations

import math

from tests.op_samples import Dtype, S, distinct, t

nan, inf = math.nan, math.inf
EDGE = t(values=[[0.0, inf, 1.0], [-inf, 2.0, -inf], [nan, 1.0, 2.0], [-inf, -inf, -inf]], grad=False)
INT = t(3, 4, dtype="int64", lo=-5, hi=6)
BOOL = t(3, 4, dtype="bool")
BYTE = t(3, 4, dtype="uint8", lo=0, hi=3)

SAMPLES = []
for _n in ("sum", "mean", "amax", "amin", "logsumexp", "nansum", "std", "var"):
    _x = distinct(3, 4) if _n.startswith("am") else t(3, 4)
    _y = distinct(2, 3, 4) if _n.startswith("am") else t(2, 3, 4)
    if _n != "nansum":
        SAMPLES += [
            S(_n, _x, 0),
            S(_n, _x, -1),
            S(_n, _y, (0, 2)),
            S(_n, _y, dim=(1,), keepdim=True),
            S(_n, EDGE, 1, check="value"),
        ]
        if _n != "logsumexp":
            SAMPLES += [S(_n, _x), S(_n, _x, dim=1, keepdim=True)]
for _n in ("sum", "mean"):
    SAMPLES += [S(_n, t()), S(_n, t(0, 3, grad=False), check="value"), S(_n, t(0, 3, grad=False), 0, check="value"), S(_n, t(3, 4), 0, True), S(_n, t(3, 4, dtype="complex128")),
                S(_n, t(3, 4, dtype="float32"), dtype=Dtype("float64"), check="value")]  # fmt: skip
SAMPLES += [
    S("sum", INT, check="value"), S("sum", BOOL, check="value"), S("sum", BYTE, 0, check="value"), S("sum", INT, 1, dtype=Dtype("float32"), check="value"),
    S("prod", t(3, 4)), S("prod", t(3, 4), 0), S("prod", t(2, 131, lo=0.9, hi=1.1), 1), S("prod", t(3, 4), 1, True), S("prod", INT, 0, check="value"), S("prod", t()),
    S("prod", t(values=[[1.0, 0.0, 2.0], [0.0, 0.0, 3.0], [1.0, 2.0, 3.0]]), 1), S("prod", t(0, 3), 0), S("prod", t(3, 4), dtype=Dtype("float64")),
    S("std", t(3, 4), 0, True), S("std", t(3, 4), False), S("std", t(3, 4), dim=1, correction=0), S("var", t(3, 4), dim=1, unbiased=False),
    S("var", t(3, 4), 0, correction=2), S("var", t(1, 3), 0, check="value", parity=False),  # PyTorch warns beside its NaN
    S("std", t(4, 3), (0, 1), correction=0, keepdim=True),
    S("var_mean", t(3, 4), 1), S("std_mean", t(3, 4), 0, keepdim=True), S("var", t(3, 4, dtype="complex128"), 1),
    S("logsumexp", t(3, 4), (0, 1)), S("logsumexp", t(), 0), S("logsumexp", INT, 1, check="value"),
    S("softmax", t(3, 4), 1), S("softmax", t(2, 3, 4), 1), S("softmax", t(), 0), S("softmax", t(3, 4), -1, dtype=Dtype("float64")), S("softmax", EDGE, 1, check="value"),
    S("log_softmax", t(3, 4), 1), S("log_softmax", t(2, 3, 4), 0), S("log_softmax", t(), -1), S("log_softmax", EDGE, 1, check="value"), S("softmax", t(0, 3), 1),
    S("cumsum", t(3, 4), 0), S("cumsum", t(3, 4), 1), S("cumsum", t(), 0), S("cumsum", INT, 1, check="value"), S("cumsum", BOOL, 0, check="value"),
    S("cumprod", t(3, 4), 0), S("cumprod", t(3, 4), 1), S("cumprod", t(values=[[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]]), 1), S("cumprod", t(), 0),
    S("max", distinct(3, 4)), S("min", distinct(3, 4)), S("max", distinct(3, 4), 0), S("min", distinct(3, 4), 1, True), S("max", distinct(2, 3, 2), dim=-2, keepdim=True),
    S("max", distinct(4), t(4, lo=-0.01, hi=0.01)), S("min", distinct(4), t(4, lo=-0.01, hi=0.01)), S("max", EDGE, 1, check="value"), S("min", EDGE, 0, check="value"),
    S("max", INT, 0, check="value"), S("max", BOOL, 1, check="value"), S("max", t(), 0), S("amax", INT, check="value"),
    S("amax", t(values=[[1.0, 2.0, 2.0], [3.0, 1.0, 0.0]]), check="first", label="amax ties share"), S("max", t(values=[1.0, 2.0, 2.0]), check="value"),
    S("argmax", distinct(3, 4), check="value"), S("argmax", distinct(3, 4), 1, check="value"), S("argmin", distinct(3, 4), 0, keepdim=True, check="value"),
    S("argmax", t(values=[1.0, 2.0, 2.0], grad=False), 0, check="value"), S("argmin", INT, check="value"), S("argmax", EDGE, 1, check="value"), S("argmax", t(), check="value"),
    S("all", BOOL, check="value"), S("all", BOOL, 1, check="value"), S("all", BYTE, 0, True, check="value"), S("all", t(0, 3), check="value"), S("all", t(3, 4), dim=(0, 1), check="value"),
    S("any", BOOL, check="value"), S("any", BOOL, 1, check="value"), S("any", BYTE, 0, True, check="value"), S("any", t(0, 3), 0, check="value"),
]  # fmt: skip
for _p in (2, 1, 0, 3, 0.5, inf, -inf, 1.5, -1):
    _x = distinct(3, 4, lo=0.1, hi=1.0)
    SAMPLES += [
        S("linalg.vector_norm", _x, _p),
        S("linalg.vector_norm", _x, _p, dim=1, keepdim=True),
        S("linalg.vector_norm", _x, ord=_p, dim=(0,)),
    ]
SAMPLES += [
    S("linalg.vector_norm", t(2, 3, dtype="complex128"), 2),
    S("linalg.vector_norm", t(2, 3, dtype="complex128"), 3, dim=0),
]
