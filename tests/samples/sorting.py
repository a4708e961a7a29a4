"""Samples of order, quantiles, unique values, searching and counting."""

from __future__ import annotations

import math

from tests.op_samples import S, distinct, t

nan = math.nan
D = distinct(3, 5)
TIES = t(values=[[3.0, 1.0, 3.0, nan], [2.0, 2.0, 0.0, 1.0]], grad=False)
INT = t(3, 5, dtype="int64", lo=-4, hi=5)

SAMPLES = [
    S("sort", D), S("sort", D, 0), S("sort", D, descending=True), S("sort", TIES, stable=True, check="value"), S("sort", TIES, dim=1, descending=True, stable=True, check="value"), S("sort", INT, dim=0, check="value", stable=True), S("sort", t()), S("sort", t(0, 3), 0),
    S("argsort", D, check="value"), S("argsort", D, 0, True, check="value"), S("argsort", INT, dim=0, descending=True, stable=True, check="value"), S("msort", D), S(lambda T, x: T.sort(x)[0] ** 3, D, label="sort cubed"),
    S("topk", D, 2), S("topk", D, 2, 0, False), S("topk", D, k=1, dim=1, largest=True, sorted=True), S("topk", distinct(40), 3), S("topk", distinct(40), 3, largest=False), S("topk", t(), 1), S("topk", D, 0, check="value"),
    S("kthvalue", D, 2), S("kthvalue", D, 1, 0, True), S("kthvalue", t(), 1), S("median", D), S("median", D, 1), S("median", distinct(4, 3), 0, True), S("median", TIES, check="value"), S("median", t()), S("median", INT, check="value"),
    S("nanmedian", D), S("nanmedian", D, 1), S("nanmedian", t(values=[[3.0, 1.0, 2.0, nan], [nan, nan, 0.0, 1.0]], grad=False), 1, check="value"), S("nanmedian", t(values=[nan, 1.0, 5.0, 2.0], grad=False), check="value"),
    S("mode", D), S("mode", D, 0, keepdim=True), S("mode", t(values=[[1.0, 2.0, 2.0, 3.0], [4.0, 1.0, 4.0, 1.0]], grad=False), check="value"), S("mode", t(3, 6, dtype="int64", lo=0, hi=3), 1, True, check="value", parity=False),  # the index among equals is PyTorch's accident
    S("cummax", D, 1), S("cummax", D, 0), S("cummin", D, -1), S("cummin", t(), 0), S("cummax", t(values=[1.0, 3.0, 3.0, 2.0, nan, 5.0], grad=False), 0, check="value"), S("cummin", INT, 1, check="value"),
    S("quantile", D, 0.4), S("quantile", D, 0.4, 1), S("quantile", D, t(values=[0.1, 0.5, 0.9], grad=False), 0, True), S("quantile", D, 0.3, 1, interpolation="lower"), S("quantile", D, 0.3, 1, interpolation="higher"),
    S("quantile", D, 0.3, 1, interpolation="midpoint"), S("quantile", D, 0.3, dim=0, interpolation="nearest"), S("quantile", TIES, 0.5, 1, check="value"), S("quantile", distinct(4), t(values=[0.0, 1.0], grad=False), keepdim=True),
    S("nanquantile", D, 0.4), S("nanquantile", t(values=[[3.0, 1.0, nan, 2.0], [nan, 5.0, 0.0, 1.0]], grad=False), 0.6, 1, check="value"), S("nanquantile", D, 0.25, 0, keepdim=True),
    S("unique", INT, check="value"), S("unique", INT, return_inverse=True, return_counts=True, check="value"), S("unique", t(values=[[1, 2], [1, 2], [0, 3]], dtype="int64"), dim=0, return_inverse=True, check="value"),
    S("unique", t(4, dtype="int64", lo=0, hi=3), True, True, False, check="value"),
    S("unique_consecutive", t(values=[1, 1, 2, 2, 3, 1], dtype="int64"), return_inverse=True, return_counts=True, check="value"), S("unique_consecutive", t(values=[[1, 1, 2], [1, 1, 2], [0, 0, 1]], dtype="int64"), dim=1, check="value"),
    S("unique_consecutive", t(values=[[1, 1], [2, 2]], dtype="int64"), check="value"),
    S("searchsorted", t(values=[1.0, 3.0, 5.0], grad=False), t(values=[[0.0, 3.0], [4.0, 9.0]], grad=False), check="value"), S("searchsorted", t(values=[[1.0, 3.0], [2.0, 4.0]], grad=False), t(values=[[3.0], [3.0]], grad=False), right=True, check="value"),
    S("searchsorted", t(values=[1, 3, 5], dtype="int64"), 3, check="value"), S("searchsorted", t(values=[1, 3, 5], dtype="int64"), t(values=[3], dtype="int64"), side="right", out_int32=True, check="value"),
    S("bucketize", t(values=[0.5, 3.0, 7.0], grad=False), t(values=[1.0, 3.0, 5.0], grad=False), check="value"), S("bucketize", t(values=[3.0], grad=False), t(values=[1.0, 3.0], grad=False), right=True, check="value"),
    S("isin", INT, t(3, dtype="int64", lo=0, hi=4), check="value"), S("isin", INT, t(values=[0, 1], dtype="int64"), invert=True, check="value"), S("isin", INT, 2, check="value"),
    S("count_nonzero", INT, check="value"), S("count_nonzero", INT, 1, check="value"), S("count_nonzero", INT, dim=(0, 1), check="value"),
    S("bincount", t(6, dtype="int64", lo=0, hi=4), check="value"), S("bincount", t(6, dtype="int64", lo=0, hi=4), t(6, grad=False), 7, check="value"), S("bincount", t(values=[], dtype="int64"), minlength=3, check="value"),
    S("histc", t(20, grad=False), 5, -1, 1, check="value"), S("histc", t(20, grad=False), bins=4, check="value"), S("histogram", t(20, grad=False), 5, check="value"), S("histogram", t(20, grad=False), t(values=[-1.0, 0.0, 1.0], grad=False), density=True, check="value"),
    S("histogram", t(20, grad=False), 3, range=(-1.0, 1.0), weight=t(20, grad=False), check="value"),
]  # fmt: skip
