"""The two products of a sparse and a dense matrix; :mod:`autograd_core.sparse` builds the rest of sparsity on them."""

from __future__ import annotations

from ..kernels import coo as kernels
from ..op import defop

defop(
    kernels.coo_mm,
    "values dense",
    "index rows",
    name="coo_mm",
    formula="y[i] = sum over the entries (i, j) of values dense[j]",
    values=lambda g, dense, index, F: F.coo_dot(g, dense, index),
    dense=lambda g, values, dense_shape, index, F: F.coo_mm(values, g, index[::-1], dense_shape[0]),
)
defop(
    kernels.coo_dot,
    "a b",
    "index",
    name="coo_dot",
    formula="y = sum over k of a[i, k] b[j, k], for the entries (i, j) of index",
    a=lambda g, b, index, a_shape, F: F.coo_mm(g, b, index, a_shape[0]),
    b=lambda g, a, index, b_shape, F: F.coo_mm(g, a, index[::-1], b_shape[0]),
)
