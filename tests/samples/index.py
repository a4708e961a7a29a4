"""Samples of indexing: reading, assigning, gather and scatter."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.op_samples import S, t

X = t(4, 5, 3)


def _i(*values: Any) -> t:
    return t(values=list(values), dtype="int64")


READS: dict[str, Any] = {
    "int": lambda T, x: x[1], "negative int": lambda T, x: x[-1], "ints": lambda T, x: x[1, 2, 0], "slice": lambda T, x: x[1:3], "step": lambda T, x: x[::2, 1::3],
    "none": lambda T, x: x[:, None, 1], "ellipsis": lambda T, x: x[..., 1], "ellipsis middle": lambda T, x: x[1, ..., 2], "empty slice": lambda T, x: x[3:1], "list": lambda T, x: x[[0, 2, 2]],
    "two lists": lambda T, x: x[[0, 1], [2, 3]], "list and slice": lambda T, x: x[[0, 1], 1:3], "slice and list": lambda T, x: x[:, [0, 1, 1]], "separated lists": lambda T, x: x[[0, 1], :, [2, 0]],
    "list and int": lambda T, x: x[[0, 1], 2], "int tensor": lambda T, x: x[T.tensor([0, 3, 3])], "2-d int tensor": lambda T, x: x[T.tensor([[0, 1], [2, 3]])], "0-d tensor": lambda T, x: x[T.tensor(1)],
    "mask": lambda T, x: x[T.tensor([True, False, True, False])], "full mask": lambda T, x: x[x.detach() > 0], "mask and int": lambda T, x: x[T.tensor([True, False, True, False]), 2], "2-d mask": lambda T, x: x[T.ones(4, 5, dtype=T.bool)],
    "true": lambda T, x: x[True], "range": lambda T, x: x[range(2)], "numpy": lambda T, x: x[np.array([0, 2])], "none and list": lambda T, x: x[None, [0, 1]], "negative list": lambda T, x: x[[-1, 0]],
    "broadcast lists": lambda T, x: x[[[0], [1]], [0, 1, 2]], "empty list": lambda T, x: x[[]], "all": lambda T, x: x[...], "nothing": lambda T, x: x[()],
}  # fmt: skip


def _assign(index: Any) -> Any:
    def f(T: Any, x: Any, v: Any) -> Any:
        y = x.clone()
        y[index(T)] = v
        return y

    return f


WRITES: dict[str, Any] = {
    "int": (lambda T: 1, t(5, 3)), "slice": (lambda T: slice(1, 3), t(5, 3)), "column": (lambda T: (slice(None), 2), t(4, 3)), "broadcast": (lambda T: (Ellipsis, 1), t()), "list": (lambda T: [0, 2], t(2, 5, 3)),
    "mask": (lambda T: T.tensor([True, False, True, False]), t(2, 5, 3)), "mask scalar": (lambda T: T.tensor([True, False, True, False]), t()), "int tensor": (lambda T: T.tensor([3, 0]), t(5, 3)),
    "element": (lambda T: (0, 0, 0), t()), "all": (lambda T: Ellipsis, t(4, 5, 3)), "leading ones": (lambda T: 1, t(1, 5, 3)), "step": (lambda T: slice(None, None, 2), t(2, 1, 3)),
}  # fmt: skip


def _inplace(T: Any, x: Any, z: Any) -> Any:
    h = x * 1
    h[:, 1] += z
    h.view(-1)[3] = z.sum()
    h[0].mul_(2)
    return h


def _view_of_constant(T: Any, w: Any) -> Any:
    h = T.zeros(3, 2, dtype=w.dtype)
    v = h[1]
    v.add_(w)
    return h, v


def _chain_of_views(T: Any, x: Any) -> Any:
    h = x * 2
    a = h.transpose(0, 1)
    b = a[1]
    other = h[0]
    b.mul_(3)
    b.sin_()
    return h, a, b, other


SAMPLES = [S(f, X, label=f"getitem {n}") for n, f in READS.items()]
SAMPLES += [S(_assign(i), X, v, label=f"setitem {n}") for n, (i, v) in WRITES.items()]
SAMPLES += [
    S(_inplace, X, t(4, 3), label="setitem views and in-place"), S(_view_of_constant, t(2), label="setitem through a view of a constant"),
    S(_chain_of_views, t(3, 4), label="setitem through a chain of views"),
    S(lambda T, x: x.clone().add_(1).mul_(x).exp_(), t(3), label="Tensor.exp_ in-place chain"),
    S(lambda T, x, y: x.clone().copy_(y), t(3, 4), t(4), label="Tensor.copy_ broadcast"), S(lambda T, x: (x * 2).zero_() + x, t(3), label="Tensor.zero_"),
    S(lambda T, x: (x * 2).fill_(3) + x, t(3), label="Tensor.fill_"), S(lambda T, x: (x * 1).clamp_(min=0.01), t(3, lo=0.1), label="Tensor.clamp_"),
    S(lambda T, x, m: (x * 1).masked_fill_(m, 2.0), t(3, 4), t(4, dtype="bool"), label="Tensor.masked_fill_"),
    S("index_select", X, 0, _i(0, 2, 2)), S("index_select", X, 1, _i(4)), S("index_select", X, -1, t(values=[], dtype="int64")), S("index_select", t(), 0, _i(0)),
    S("gather", t(3, 4), 1, t(3, 2, dtype="int64", lo=0, hi=4)), S("gather", t(3, 4), 0, t(2, 4, dtype="int64", lo=0, hi=3)), S("gather", t(3, 4), -1, t(2, 3, dtype="int64", lo=0, hi=4)), S("gather", t(), 0, t(values=0, dtype="int64")),
    S("gather", t(3, 4), 1, t(3, 0, dtype="int64")), S("scatter", t(3, 4), 1, _i([0, 2], [1, 3], [3, 0]), t(3, 2)), S("scatter", t(3, 4), 0, _i([0, 1, 2, 0]), t(1, 4)),
    # a src larger than the index: PyTorch's own backward raises on the gradient's shape, ours pads it
    S("scatter", t(3, 4), 1, _i([0, 2], [1, 3], [3, 0]), t(3, 3), parity=False), S("scatter_add", t(3, 4), 0, t(2, 3, dtype="int64", lo=0, hi=3), t(4, 4), parity=False), S("scatter", t(3, 4), 1, _i([0], [1], [3]), 2.5),
    S("scatter", t(3, 4), 1, _i([0], [1], [3]), value=2.5), S("scatter_add", t(3, 4), 1, t(3, 6, dtype="int64", lo=0, hi=4), t(3, 6)), S("scatter_add", t(3, 4), 0, t(2, 3, dtype="int64", lo=0, hi=3), t(2, 3)),
    S("take_along_dim", t(3, 4), t(3, 2, dtype="int64", lo=0, hi=4), 1), S("take_along_dim", t(3, 4), t(1, 2, dtype="int64", lo=0, hi=4), dim=1), S("take_along_dim", t(3, 4), t(5, dtype="int64", lo=0, hi=12)),
    S("narrow", X, 0, 1, 2), S("narrow", X, -1, -2, 1), S("select", X, 0, 1), S("select", X, 1, -1), S("masked_select", t(3, 4), t(3, 4, dtype="bool")), S("masked_select", t(3, 1), t(4, dtype="bool")),
    S("nonzero", t(3, 4, dtype="int64", lo=0, hi=2), check="value"), S("nonzero", t(3, 4, dtype="bool"), as_tuple=True, check="value"), S("where", t(3, 4, dtype="bool"), check="value"),
]  # fmt: skip
