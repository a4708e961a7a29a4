"""Samples of stacking, splitting, diagonals, windows and differences."""

from __future__ import annotations

from tests.op_samples import S, distinct, t

X = t(4, 6)
SAMPLES = [
    S("atleast_1d", t()), S("atleast_2d", t(3)), S("atleast_3d", t(3), t(2, 3), t()), S("atleast_1d", (t(), t(2))),
    S("hstack", [t(2), t(3)]), S("hstack", (t(2, 1), t(2, 3))), S("vstack", [t(3), t(2, 3)]), S("row_stack", [t(3), t(3)]), S("dstack", [t(2, 3), t(2, 3)]), S("column_stack", [t(3), t(3, 2)]),
    S("tensor_split", X, 4), S("tensor_split", X, (1, 3), 1), S("tensor_split", X, (2, 9, 1)), S("hsplit", X, 3), S("vsplit", X, (1, 2)), S("dsplit", t(2, 2, 4), 2), S("hsplit", t(6), 2),
    S("fliplr", X), S("flipud", X), S("rot90", X), S("rot90", X, 2), S("rot90", t(2, 3, 2), -1, (1, 2)), S("rot90", X, 4),
    S("meshgrid", t(2), t(3), indexing="ij"), S("meshgrid", t(2), t(3), t(2), indexing="xy"), S("cartesian_prod", t(2), t(3)), S("cartesian_prod", t(2)), S("combinations", t(4)), S("combinations", t(3), 2, True), S("combinations", t(4), r=3),
    S("block_diag", t(2, 3), t(3), t()), S("diag", t(3)), S("diag", X, 1), S("diag", t(3), -1), S("diag_embed", t(2, 3)), S("diag_embed", t(2, 3), 1, 0, 2), S("diag_embed", t(2, 3), offset=-2, dim1=0, dim2=1), S("diagflat", t(2, 2)), S("diagflat", t(2), 1),
    S("diagonal_scatter", X, t(4)), S("diagonal_scatter", X, t(4), 1), S("select_scatter", X, t(6), 0, 2), S("select_scatter", X, t(4), 1, -1), S("slice_scatter", X, t(2, 6), 0, 1, 3), S("slice_scatter", X, t(4, 3), dim=1, start=0, step=2),
    S("tril_indices", 3, 4, check="value"), S("triu_indices", 3, 4, 1, check="value"), S("tril_indices", 3, 3, offset=-1, check="value"),
    S("repeat_interleave", t(3), 2), S("repeat_interleave", t(2, 3), 2, 1), S("repeat_interleave", t(2, 3), t(values=[1, 2], dtype="int64"), dim=0), S("repeat_interleave", t(values=[1, 0, 2], dtype="int64"), check="value"),
    S("Tensor.unfold", t(7), 0, 3, 2), S("Tensor.unfold", X, 1, 2, 1), S("Tensor.unfold", X, -1, 3, 3), S("as_strided", t(12), (2, 3), (1, 2)), S("as_strided", X, (3, 2), (1, 1), 2), S(lambda T, x: (x * 1)[1:].as_strided((2, 2), (1, 2), 7) ** 2, X, label="as_strided of a slice"), S("as_strided", X, (2, 0), (1, 1)),
    S("take", X, t(values=[[0, 5], [23, 5]], dtype="int64")), S("take", X, t(values=[-1, 2], dtype="int64")), S("narrow_copy", X, 1, 2, 3, parity=False),  # PyTorch's has no gradient
    S("diff", X), S("diff", X, 2, 0), S("diff", t(4), prepend=t(1), append=t(2)), S("diff", t(4, dtype="bool"), check="value"), S("diff", t(3), 5),
    S("gradient", X), S("gradient", X, dim=1), S("gradient", t(5), spacing=2.0, edge_order=2), S("gradient", t(5), spacing=(t(values=[0.0, 1.0, 1.5, 3.0, 4.0], grad=False),)),
    S("renorm", distinct(3, 4, lo=0.5, hi=2.0), 2, 0, 1.5), S("renorm", distinct(3, 4, lo=0.5, hi=2.0), 1, 1, 2.0),
]  # fmt: skip
