"""Samples of complex numbers: parts and views, and every op that takes them, for PyTorch's complex gradients."""

from __future__ import annotations

import math
from typing import Any

from tests.op_samples import S, distinct, t

C = "complex128"
nan, inf = math.nan, math.inf
EDGE = t(values=[0.0, -0.0, inf, -inf, nan, 1.0, -2.0], grad=False)
Z, ZV = t(3, 4, dtype=C), t(4, dtype=C)
FAR = t(3, 4, dtype=C, lo=0.3, hi=1.5)

SAMPLES: list[Any] = [
    S("complex", t(3, 4), t(3, 4)), S("complex", t(3, 1), t(4)), S("complex", t(), t()), S("complex", t(0), t(0)),
    S("complex", t(values=[inf, nan, 0.0], grad=False), t(values=[0.0, 1.0, -inf], grad=False), check="value"),
    S("polar", t(3, 4, lo=0.1), t(3, 4, lo=-3, hi=3)), S("polar", t(3, 1, lo=0.1), t(4)),
    S("real", Z), S("real", t(3)), S("Tensor.conj", Z), S("conj", Z), S("conj", t(3)), S("conj_physical", Z), S("Tensor.conj_physical", Z), S("imag", Z), S("imag", t(dtype=C)),
    S(lambda T, x: (x.real * x.imag).sum(), Z, label="Tensor.imag and real"), S("angle", FAR), S("angle", t(3, lo=0.1)), S("angle", EDGE, check="value"), S("Tensor.angle", t(dtype=C)),
    S("angle", t(3, dtype="int64", lo=-2, hi=2), check="value"), S("angle", t(values=[0j, 1j, -1.0, complex(inf, 0)], dtype=C, grad=False), check="value"),
    S("view_as_real", Z), S("view_as_real", t(dtype=C)), S("view_as_real", t(0, dtype=C), parity=False), S("view_as_complex", t(3, 2)), S("view_as_complex", t(2)), S("view_as_complex", t(0, 2), parity=False),  # PyTorch refuses views of nothing

    S(lambda T, x: T.view_as_real(x.t()), Z, label="view_as_real transposed"), S("resolve_conj", Z), S("resolve_neg", Z), S("is_conj", Z, check="value"), S("is_neg", Z, check="value"),
    S("isreal", t(values=[1.0, 1j, 0j], dtype=C, grad=False), check="value"), S("isreal", t(3, grad=False), check="value"), S("is_complex", Z, check="value"),
    S(lambda T, x: [x.H, x.mH, x.adjoint()], Z, label="Tensor.H"), S(lambda T, x, y: T.where(x.real > 0, x, y), Z, Z, label="where complex"),
]  # fmt: skip

for _n in "exp log log2 log10 sqrt rsqrt reciprocal square neg positive sin cos tan sinh cosh tanh asin acos atan asinh atanh sigmoid expm1 log1p abs sgn clone exp2".split():
    SAMPLES += [S(_n, FAR if _n not in ("asin", "acos", "atan", "atanh") else t(3, 4, dtype=C, lo=-0.6, hi=0.6))]
SAMPLES += [
    S("acosh", t(3, 4, dtype=C, lo=1.2, hi=2)), S("abs", t(values=[0j, 1 + 1j], dtype=C), check="first"), S("sgn", t(values=[0j, 1 + 1j], dtype=C, grad=False), check="value"),
    *(S(_n, FAR, t(4, dtype=C, lo=0.3, hi=1.5)) for _n in ("add", "sub", "mul", "div", "pow")),
    # real beside complex: the real one gets a real gradient
    *(S(_n, t(3, 4, lo=0.3, hi=2), FAR) for _n in ("add", "sub", "mul", "div", "pow")), *(S(_n, FAR, t(4, lo=0.3, hi=2)) for _n in ("add", "sub", "mul", "div", "pow")),
    *(S(_n, FAR, 1.5 + 0.5j) for _n in ("add", "sub", "mul", "div", "pow")), *(S(_n, t(3, lo=0.3), 1.5 + 0.5j) for _n in ("add", "sub", "mul", "div", "pow")),
    S("pow", FAR, 2), S("pow", FAR, 3), S("pow", FAR, -1.5), S("pow", 2.0, FAR), S("pow", 1.5 + 1j, FAR), S("pow", FAR, 0), S("rsub", FAR, 1j),
    S("add", FAR, FAR, alpha=2j), S("sub", FAR, FAR, alpha=1 - 2j), S("addcmul", Z, Z, Z), S("addcmul", Z, t(3, 4), Z, value=1j), S("addcdiv", Z, Z, FAR, value=2), S("lerp", Z, Z, 0.3),
    S("lerp", Z, Z, Z), S("masked_fill", Z, t(3, 4, dtype="bool"), 1j), S("eq", Z, Z, check="value"), S("ne", Z, Z, check="value"),
    S("sinc", FAR), S("sinc", t(values=[0j, 1 + 1j], dtype=C), check="first"),
    # reductions
    S("sum", Z), S("sum", Z, 1, keepdim=True), S("mean", Z), S("mean", Z, dim=0), S("prod", FAR), S("prod", FAR, 1), S("prod", t(values=[[0j, 1 + 1j], [2j, 3.0]], dtype=C), 1, check="first"), S("cumsum", Z, 1), S("cumprod", FAR, 1),
    S("cumprod", t(values=[1j, 0j, 2.0, 1 + 1j], dtype=C), 0, check="first"), S("var", Z), S("var", Z, 1, correction=0), S("std", Z), S("std", Z, dim=0, keepdim=True),
    S("any", Z, check="value"), S("all", Z, check="value"),
    # products
    S("matmul", Z, t(4, 2, dtype=C)), S("matmul", t(2, 3, 4, dtype=C), ZV), S("mm", Z, t(4, 2, dtype=C)), S("bmm", t(2, 3, 4, dtype=C), t(2, 4, 2, dtype=C)), S("mv", Z, ZV), S("dot", ZV, ZV),
    S("outer", ZV, ZV), S("einsum", "ij,kj->ik", Z, t(2, 4, dtype=C)), S("einsum", "ij,j,i->", Z, ZV, t(3, dtype=C)), S("addmm", t(3, 2, dtype=C), Z, t(4, 2, dtype=C), beta=1j, alpha=2),
    S("baddbmm", t(3, 2, dtype=C), t(2, 3, 4, dtype=C), t(2, 4, 2, dtype=C), beta=0.5, alpha=1j),
    # shape and index
    S("cat", [Z, Z], 1), S("cat", [Z, t(3, 2)], 1), S("stack", [Z, Z]), S("reshape", Z, (2, 6)), S("permute", Z, (1, 0)), S("flip", Z, (0,)), S("roll", Z, 1, 0), S("tril", Z), S("triu", Z, 1),
    S("Tensor.expand", t(1, 4, dtype=C), 3, 4), S("Tensor.repeat", Z, 2, 1), S("diagonal", Z), S("gather", Z, 1, t(3, 2, dtype="int64", lo=0, hi=4)),
    S("index_select", Z, 1, t(5, dtype="int64", lo=0, hi=4)), S("scatter_add", Z, 0, t(2, 4, dtype="int64", lo=0, hi=3), t(2, 4, dtype=C)), S(lambda T, x: x[[0, 2, 0]], Z, label="Tensor.__getitem__ complex"),
    S(lambda T, x: x.to(T.complex64).to(T.complex128), Z, label="Tensor.to complex", check="value"), S(lambda T, x: x.to(T.complex128) * (1 + 2j), t(3, 4), label="Tensor.to real to complex"),
    S("isfinite", t(values=[complex(inf, 0), complex(0, nan), 1j], dtype=C, grad=False), check="value"), S("isnan", t(values=[complex(inf, 0), complex(0, nan), 1j], dtype=C, grad=False), check="value"),
    S("isinf", t(values=[complex(inf, 0), complex(0, nan), 1j], dtype=C, grad=False), check="value"), S("special.erf", distinct(4), check="first"),
]  # fmt: skip
