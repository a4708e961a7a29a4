"""Samples of writing and reducing into places named by index tensors."""

from __future__ import annotations

from typing import Any

from tests.op_samples import S, Sample, distinct, t


def idx(*values: Any) -> t:
    return t(values=list(values), dtype="int64")


X, SRC = t(4, 3), t(2, 3)
INDEX = t(values=[[0, 1, 2], [0, 3, 1]], dtype="int64")
D, DS = distinct(4, 3), distinct(2, 3, lo=-1.4, hi=1.6)
POS, POSS = t(4, 3, lo=0.5, hi=2.0), t(2, 3, lo=0.5, hi=2.0)


def reductions() -> list[Sample]:
    out = []
    for own in (True, False):
        out += [
            S("scatter_reduce", X, 0, INDEX, SRC, "sum", include_self=own),
            S("scatter_reduce", X, 0, INDEX, SRC, "mean", include_self=own),
            S("scatter_reduce", POS, 0, INDEX, POSS, "prod", include_self=own),
        ]
        out += [S("scatter_reduce", D, 0, INDEX, DS, reduce=kind, include_self=own) for kind in ("amax", "amin")]
        out += [
            S(
                "scatter_reduce",
                t(2, 3, dtype="int64", lo=-5, hi=6),
                1,
                t(values=[[0, 0], [2, 1]], dtype="int64"),
                t(2, 2, dtype="int64", lo=-5, hi=6),
                kind,
                include_self=own,
                check="value",
            )
            for kind in ("sum", "mean", "prod", "amax", "amin")
        ]
        out += [
            S("index_reduce", POS, 0, idx(1, 1, 3), t(3, 3, lo=0.5, hi=2.0), kind, include_self=own)
            for kind in ("mean", "prod")
        ]
        out += [
            S("index_reduce", D, 1, idx(2, 0, 2), distinct(4, 3, lo=-1.3, hi=1.7), kind, include_self=own)
            for kind in ("amax", "amin")
        ]
    return out


SAMPLES = [
    *reductions(),
    # equal extremes share the gradient; one zero and two zeros in a product (no second order: PyTorch has none there)
    S("scatter_reduce", t(values=[1.0, 2.0]), 0, idx(0, 0, 1), t(values=[1.0, 1.0, 5.0]), "amax", check="value"),
    S("scatter_reduce", t(values=[2.0, 3.0]), 0, idx(0, 0, 1), t(values=[0.0, 4.0, 5.0]), "prod", check="first"), S("scatter_reduce", t(values=[0.0, 3.0]), 0, idx(0, 0, 1), t(values=[0.0, 4.0, 5.0]), "prod", check="first"),
    S("scatter_reduce", t(), 0, t(values=0, dtype="int64"), t(), "sum"), S("scatter_reduce", X, -1, t(values=[[0, 0, 1]], dtype="int64"), t(2, 4), "amax", include_self=False, check="value"),
    S("scatter", X, 0, INDEX, SRC, reduce="add", check="value"), S("scatter", X, 0, INDEX, 2.0, reduce="multiply", check="value"),
    S("index_add", X, 0, idx(0, 2, 0), t(3, 3)), S("index_add", X, 1, idx(2, 1), t(4, 2), alpha=-2.0), S("index_add", t(3, dtype="int64", lo=0, hi=9), 0, idx(1, 1), t(2, dtype="int64", lo=0, hi=9), alpha=3, check="value"), S("index_add", t(), 0, t(values=0, dtype="int64"), t()), S("index_add", X, -1, idx(), t(4, 0)),
    S("index_copy", X, 0, idx(3, 0), t(2, 3)), S("index_copy", X, 1, idx(2), t(4, 1)), S("index_copy", X, 1, t(values=1, dtype="int64"), t(4, 1)), S("index_copy", t(4), 0, t(values=1, dtype="int64"), t()),
    S("index_fill", X, 0, idx(0, 2), 5.0), S("index_fill", X, 1, idx(1), t()), S("index_fill", X, -1, idx(-1, 0), 2), S("index_fill", t(), 0, idx(0), 1.0),
    S("index_put", X, (idx(0, 3), idx(1, 2)), t(2)), S("index_put", X, (idx(1, 1),), t(2, 3), True), S("index_put", X, (idx(0, 0, 2),), t(), accumulate=True), S("index_put", X, (t(values=[True, False, True, False], dtype="bool"),), t(2, 3)), S("index_put", X, [t(values=[[0], [1]], dtype="int64"), idx(0, 2)], t(2, 2), True),
    S("put", X, idx(0, 11, 4), t(3)), S("put", X, idx(-1, 2, 2), t(3), True), S("put", X, t(values=[[0, 5]], dtype="int64"), t(1, 2), accumulate=False),
    S("masked_scatter", X, t(4, 3, dtype="bool"), t(12)), S("masked_scatter", X, t(values=[True, False, True], dtype="bool"), t(3, 4)), S("masked_scatter", t(3), t(4, 3, dtype="bool"), t(12)),
    S("argwhere", t(values=[[0, 2], [3, 0]], dtype="int64"), check="value"), S("argwhere", t(values=1.0, grad=False), check="value"), S("argwhere", t(3, grad=False), check="value"),
]  # fmt: skip
