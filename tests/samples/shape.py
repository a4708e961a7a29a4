"""Samples of the shape ops."""

from __future__ import annotations

from tests.op_samples import S, t

X = t(2, 3, 4)
SAMPLES = [
    S("reshape", X, (6, 4)), S("reshape", X, (-1, 2)), S("reshape", t(), (1, 1)), S("reshape", t(0, 3), (3, 0)), S("Tensor.reshape", X, 4, 6),
    S("Tensor.view", X, 6, -1), S("Tensor.view", X, (24,)), S("Tensor.view_as", X, t(4, 6)), S("Tensor.reshape_as", X, t(4, 6)),
    S("flatten", X), S("flatten", X, 1), S("flatten", X, 0, 1), S("flatten", t()), S("ravel", X), S("unflatten", t(6, 4), 0, (2, 3)), S("unflatten", t(6, 4), 0, (-1, 3)),
    S("squeeze", t(1, 3, 1)), S("squeeze", t(1, 3, 1), 0), S("squeeze", t(1, 3, 1), 1), S("squeeze", t(1, 3, 1), (0, 2)), S("squeeze", t()),
    S("unsqueeze", X, 0), S("unsqueeze", X, -1), S("unsqueeze", t(), 0), S("permute", X, (2, 0, 1)), S("Tensor.permute", X, -1, 0, 1), S("permute", t(), ()),
    S("transpose", X, 0, 2), S("transpose", X, -1, 1), S("swapaxes", X, 0, 1), S("swapdims", X, 0, 1), S("t", t(2, 3)), S("t", t(3)),
    S("movedim", X, 0, 2), S("movedim", X, (0, 1), (2, 0)), S("moveaxis", X, -1, 0), S("adjoint", X), S("adjoint", t(2, 3, dtype="complex128")),
    S(lambda T, x: x.T, t(2, 3), label="T matrix"), S(lambda T, x: x.mT, X, label="mT batch"), S(lambda T, x: x.H, t(2, 3, dtype="complex128"), label="H matrix"),
    S(lambda T, x: x.mH, t(2, 3, 2, dtype="complex128"), label="mH batch"),
    S("Tensor.expand", t(3, 1), 3, 4), S("Tensor.expand", t(3, 1), 2, -1, 4), S("Tensor.expand", t(), 2, 3), S("Tensor.expand_as", t(1, 4), t(3, 4)), S("broadcast_to", t(3, 1), (2, 3, 4)),
    S("broadcast_tensors", t(3, 1), t(1, 4)), S("Tensor.repeat", t(2, 3), 2, 2), S("Tensor.repeat", t(3), 2, 1, 2), S("tile", t(2, 3), (2,)), S("tile", t(2, 3), (2, 1, 2)), S("Tensor.repeat", t(2), 0),
    S("cat", [t(2, 3), t(1, 3)]), S("cat", [t(2, 3), t(2, 1), t(2, 2)], 1), S("cat", (t(2, 3), t(2, 3)), dim=-1), S("cat", [t(0), t(2, 3)]), S("cat", [t(2, grad=False), t(3)]),
    S("cat", [t(2, dtype="int64", lo=0, hi=9), t(2)]), S("concat", [t(2), t(3)]), S("concatenate", [t(2), t(3)]),
    S("stack", [t(2, 3), t(2, 3)]), S("stack", [t(2, 3), t(2, 3)], 1), S("stack", (t(), t(), t())), S("stack", [t(2, 3), t(2, 3)], dim=-1),
    S("split", t(5, 2), 2), S("split", t(5, 2), [1, 4]), S("split", t(2, 6), 3, dim=1), S("Tensor.split_with_sizes", t(5), [2, 3]), S("chunk", t(5, 2), 3), S("chunk", t(2, 6), 4, 1), S("chunk", t(2), 5),
    S("unbind", t(3, 2)), S("unbind", t(3, 2), 1), S("flip", X, (0,)), S("flip", X, (0, 2)), S("Tensor.flip", X, -1), S("roll", X, 1), S("roll", X, (1, -2), (0, 2)), S("roll", X, 5, 1),
    S("tril", t(3, 4)), S("tril", t(2, 3, 3), 1), S("triu", t(3, 4), diagonal=-1), S("triu", t(2, 3, 3)), S("diagonal", t(3, 4)), S("diagonal", t(3, 4), 1), S("diagonal", X, -1, 0, 2), S("diagonal", t(3, 3), offset=5),
    S("Tensor.contiguous", X), S(lambda T, x: x.t().contiguous(), t(2, 3), label="contiguous of a transpose"), S("Tensor.is_contiguous", X, check="value"), S("Tensor.stride", X, check="value"),
    S("Tensor.size", X, 1, check="value"), S("numel", X, check="value"), S("Tensor.dim", X, check="value"), S("Tensor.element_size", X, check="value"),
    S("broadcast_shapes", (2, 1), (3,), check="value"),
]  # fmt: skip
