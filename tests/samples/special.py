"""Samples of the special functions."""

from __future__ import annotations

import math
from typing import Any

from tests.op_samples import S, t

nan, inf = math.nan, math.inf
EDGE = t(values=[0.0, -0.0, inf, -inf, nan, 1.0, -1.0, 0.5, -0.5, 2.5, -2.5, 5.0, -7.0, 30.0, -30.0], grad=False)
WIDE = t(values=[[0.1, 0.7, 1.3, 2.9], [4.2, 8.5, 15.0, 60.0]], grad=False)
POSITIVE = dict(lo=0.2, hi=3.0)
UNIT = dict(lo=0.05, hi=0.95)
F32 = 50  # integers give float32 results: both sides round to 6e-8, in other places (50 * 1e-7 allows some 40 such roundings)
Y = 100  # PyTorch's bessel_y0 and bessel_y1 err by about 1e-8 (against scipy.special.yv)

_BOTH_SIDES: list[tuple[str, dict[str, float]]] = [
    ("erf", {}), ("erfc", {}), ("special.erfcx", {}), ("erfinv", dict(lo=-0.9, hi=0.9)), ("lgamma", POSITIVE), ("digamma", POSITIVE),
    ("i0", dict(lo=-3, hi=3)), ("special.i0e", dict(lo=0.3, hi=3)), ("special.i1", dict(lo=0.3, hi=3)), ("special.i1e", dict(lo=-3, hi=-0.3)),
    ("special.ndtr", {}), ("special.log_ndtr", dict(lo=-8, hi=3)), ("special.ndtri", UNIT), ("special.entr", POSITIVE), ("logit", UNIT),
    ("special.logit", UNIT), ("sinc", dict(lo=0.2, hi=1.8)), ("special.sinc", dict(lo=-1.8, hi=-0.2)), ("special.erf", {}), ("special.erfc", {}),
    ("special.erfinv", dict(lo=-0.9, hi=0.9)), ("special.gammaln", POSITIVE), ("special.digamma", POSITIVE), ("special.psi", POSITIVE), ("special.i0", dict(lo=-3, hi=3)),
    ("special.expit", dict(lo=-5, hi=5)), ("special.exp2", {}), ("special.expm1", {}), ("special.log1p", dict(lo=-0.5, hi=2)),
    ("Tensor.erf", {}), ("Tensor.erfc", {}), ("Tensor.erfinv", UNIT), ("Tensor.lgamma", POSITIVE), ("Tensor.digamma", POSITIVE), ("Tensor.i0", {}), ("Tensor.logit", UNIT),
    ("Tensor.sinc", UNIT),
]  # fmt: skip

SAMPLES: list[Any] = []
for _n, _d in _BOTH_SIDES:
    SAMPLES += [
        S(_n, t(3, 4, **_d)),
        S(_n, t(**_d)),
        S(_n, t(0, 3)),
        S(_n, t(4, dtype="int64", lo=1, hi=3), check="value", tolerance=F32),
    ]
    if not _n.startswith("Tensor"):
        SAMPLES += [S(_n, EDGE, check="value"), S(_n, WIDE, check="value")]

# PyTorch gives these no gradient: here they have one, checked against differences only
for _n in ("airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "modified_bessel_i0", "modified_bessel_i1", "modified_bessel_k0",
           "modified_bessel_k1", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "spherical_bessel_j0"):  # fmt: skip
    _n = f"special.{_n}"
    SAMPLES += [
        S(_n, t(3, 4, **POSITIVE), parity=False),
        S(_n, t(3, 4, lo=0.1, hi=20, grad=False), check="value", tolerance=Y if "_y" in _n else 1),
        S(_n, t(0, grad=False), check="value"),
    ]
    SAMPLES += [
        S(_n, t(3, dtype="int64", lo=1, hi=5), check="value", tolerance=F32),
        S(_n, t(values=[0.0, 1.0, nan], grad=False), check="value"),
    ]

for _n, _a, _b in (
    ("xlogy", {}, POSITIVE), ("special.xlogy", {}, POSITIVE), ("special.xlog1py", {}, POSITIVE), ("Tensor.xlogy", {}, POSITIVE),
):  # fmt: skip
    SAMPLES += [
        S(_n, t(3, 4, **_a), t(3, 4, **_b)),
        S(_n, t(3, 1, **_a), t(4, **_b)),
        S(_n, t(3, **_a), 1.5),
        S(_n, t(0, 3), t(3, **_b)),
    ]
    SAMPLES += [
        S(
            _n,
            t(values=[0.0, 0.0, 1.0, 2.0, nan, 0.0], grad=False),
            t(values=[0.0, 2.0, 0.0, nan, 1.0, nan], grad=False),
            check="value",
        )
    ]
    SAMPLES += [S(_n, t(3, dtype="int64", lo=0, hi=3), t(3, dtype="int64", lo=1, hi=4), check="value")]
    if not _n.startswith("Tensor"):
        SAMPLES += [
            S(_n, 2.5, t(3, **_b)),
            S(_n, t(values=[0.0, 0.0, 1.0], grad=True), t(values=[0.5, 2.0, 3.0]), check="first"),
        ]
for _n in (
    "special.zeta",
    "special.gammainc",
    "special.gammaincc",
    "igamma",
    "igammac",
    "Tensor.igamma",
    "Tensor.igammac",
):
    SAMPLES += [
        S(_n, t(3, 4, lo=1.5, hi=4, grad=False), t(3, 4, **POSITIVE)),
        S(_n, t(3, 1, lo=1.5, hi=4, grad=False), t(4, **POSITIVE)),
    ]
    SAMPLES += [
        S(
            _n,
            t(values=[1.5, 2.0, 3.0, 0.5, 2.0], grad=False),
            t(values=[0.1, 20.0, 0.0, 1.0, nan], grad=False),
            check="value",
        )
    ]
SAMPLES += [
    S("special.zeta", t(3, lo=1.5, hi=4, grad=False), 2.0, check="value"),
    S("special.zeta", 2.0, t(3, **POSITIVE)),
]

for _p in (0, 1, 2, 3):
    SAMPLES += [
        S("polygamma", _p, t(3, 4, **POSITIVE), tolerance=20),
        S("special.polygamma", _p, t(**POSITIVE), tolerance=20),
        S("Tensor.polygamma", t(3, **POSITIVE), _p, tolerance=20),
    ]
    SAMPLES += [S("polygamma", _p, t(3, dtype="int64", lo=1, hi=5), check="value", tolerance=F32)]
SAMPLES += [S("polygamma", 0, EDGE, check="value")]
# At the poles -1, -2 ... PyTorch's trigamma is some 1e30, its others NaN at +inf; here inf and 0
SAMPLES += [S("polygamma", _p, EDGE, check="value", parity=False) for _p in (1, 2, 3)]
for _p in (1, 2, 5):
    SAMPLES += [S(_n, t(3, 4, lo=2.5, hi=5), _p) for _n in ("mvlgamma", "special.multigammaln", "Tensor.mvlgamma")]
    SAMPLES += [
        S("mvlgamma", t(3, dtype="int64", lo=4, hi=6), p=_p, check="value"),
        S("mvlgamma", t(lo=2.5, hi=5), _p),
        S("mvlgamma", t(0, 2), _p),
    ]
SAMPLES += [
    S(_n, t(values=[-0.5, 0.0, 0.02, 0.3, 0.97, 1.0, 1.5]), eps=0.05, check="first") for _n in ("logit", "special.logit", "Tensor.logit")
]  # fmt: skip
SAMPLES += [
    S("logit", t(3, 4), 0.1),
    S("sinc", t(values=[0.0, 0.5, -1.0, 2.0]), check="first"),
    S("special.i1", t(values=[0.0, 1.0]), check="first"),
]
SAMPLES += [
    S("special.i1e", t(values=[0.0, 1.0]), check="first"),
    S("special.modified_bessel_i1", t(values=[0.0, 1.0]), check="first", parity=False),
]
SAMPLES += [
    S("special.round", t(4, lo=-3, hi=3), check="first"), S("special.round", t(4, lo=-3, hi=3), decimals=1, check="first"),
    S("special.softmax", t(3, 4), 1), S("special.softmax", t(3, 4), dim=0), S("special.log_softmax", t(3, 4), 1), S("special.log_softmax", t(3, 4), dim=-2),
    S("special.logsumexp", t(3, 4), 1), S("special.logsumexp", t(3, 4), (0, 1), keepdim=True),
]  # fmt: skip

for _n in ("chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v", "chebyshev_polynomial_w", "hermite_polynomial_h",
           "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p", "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u",
           "shifted_chebyshev_polynomial_v", "shifted_chebyshev_polynomial_w"):  # fmt: skip
    _n, _x = f"special.{_n}", dict(lo=0.05 if "shifted" in _n else -0.9, hi=0.9, grad=False)
    SAMPLES += [
        S(_n, t(3, 4, **_x), t(values=[[0.0], [1.0], [5.0]], grad=False), check="value"),
        S(_n, t(3, **_x), 3, check="value"),
        S(_n, 0.5, t(3, dtype="int64", lo=0, hi=9), check="value", tolerance=F32),
    ]
    SAMPLES += [
        S(_n, t(3, **_x), t(values=[-1.0, 2.7, 12.0], grad=False), check="value", tolerance=10),
        S(_n, t(0, 3, grad=False), 2, check="value"),
    ]
