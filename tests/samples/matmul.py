"""Samples of the matrix products."""

from __future__ import annotations

from tests.op_samples import S, t

C = "complex128"
SAMPLES = [
    S("matmul", t(3, 4), t(4, 2)), S("matmul", t(4), t(4)), S("matmul", t(3, 4), t(4)), S("matmul", t(3), t(3, 4)), S("matmul", t(2, 3, 4), t(4, 2)),
    S("matmul", t(2, 3, 4), t(2, 4, 2)), S("matmul", t(2, 1, 3, 4), t(5, 4, 2)), S("matmul", t(3, 4), t(2, 4, 2)), S("matmul", t(4), t(2, 4, 3)), S("matmul", t(2, 3, 4), t(4)),
    S("matmul", t(0, 4), t(4, 2)), S("matmul", t(3, 0), t(0, 2)), S("matmul", t(2, 0, 4), t(4, 2)), S("matmul", t(3, 4, dtype=C), t(4, 2, dtype=C)),
    S("matmul", t(3, 4, dtype="int64", lo=-3, hi=4), t(4, dtype="int64", lo=-3, hi=4), check="value"), S(lambda T, a, b: a @ b, t(2, 3), t(3, 2), label="__matmul__ operator"),
    S("mm", t(3, 4), t(4, 2)), S("bmm", t(2, 3, 4), t(2, 4, 2)), S("mv", t(3, 4), t(4)), S("dot", t(4), t(4)), S("outer", t(3), t(4)), S("ger", t(3), t(4)), S("inner", t(4), t(4)),
    S("addmm", t(2), t(3, 4), t(4, 2)), S("addmm", t(3, 2), t(3, 4), t(4, 2), beta=0.5, alpha=2), S("addmm", t(3, 2), t(3, 4), t(4, 2), beta=0),
    S("baddbmm", t(2, 3, 2), t(2, 3, 4), t(2, 4, 2)), S("baddbmm", t(1, 3, 1), t(2, 3, 4), t(2, 4, 2), beta=2, alpha=-1),
    S("einsum", "ij,jk->ik", t(3, 4), t(4, 2)), S("einsum", "ij,jk", t(3, 4), t(4, 2)), S("einsum", "ii->i", t(3, 3)), S("einsum", "ii", t(3, 3)), S("einsum", "ij->ji", t(3, 4)), S("einsum", "ij->", t(3, 4)),
    S("einsum", "bij,bjk->bik", t(2, 3, 4), t(2, 4, 2)), S("einsum", "...ij,...jk->...ik", t(2, 3, 4), t(4, 2)), S("einsum", "i,j->ij", t(3), t(4)), S("einsum", "i,i->", t(3), t(3)),
    S("einsum", "bhqd,bhkd->bhqk", t(2, 2, 3, 4), t(2, 2, 5, 4)), S("einsum", "ij,jk,kl->il", t(2, 3), t(3, 4), t(4, 2)), S("einsum", "ij,ij->i", t(3, 4), t(3, 4)), S("einsum", "i...->...", t(3, 2, 2)),
    S("einsum", "ijk,k->ij", t(2, 3, 4), t(4)), S("einsum", "ij,kl->il", t(2, 3), t(3, 2)), S("einsum", "ij,jk->ik", t(2, 3, dtype=C), t(3, 2, dtype=C)),
    S("nn.functional.linear", t(3, 4), t(2, 4)), S("nn.functional.linear", t(3, 4), t(2, 4), t(2)), S("nn.functional.linear", t(4), t(2, 4), t(2)), S("nn.functional.linear", t(2, 3, 4), t(5, 4), t(5)),
]  # fmt: skip
