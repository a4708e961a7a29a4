"""Samples of in-place forms, of rearranging in place, and of the small methods around a tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.op_samples import S, Sample, t


def idx(*values: Any) -> t:
    return t(values=list(values), dtype="int64")


def inplace(name: str, *args: Any, **kwargs: Any) -> Sample:
    """The in-place method on a recorded copy of the first argument, which is what comes out."""
    extra = {k: kwargs.pop(k) for k in ("check", "parity") if k in kwargs}

    def run(T: Any, x: Any, *rest: Any) -> Any:
        y = x.clone()
        z = getattr(y, name)(*rest, **kwargs)
        assert z is y
        return y

    return S(run, *args, label=f"{name} of {', '.join(_show(a) for a in args)} {kwargs or ''}", **extra)


def _show(a: Any) -> str:
    return f"{a.dtype}{list(a.shape)}" if isinstance(a, t) else str(a)


def on_clone(label: str, f: Callable[[Any, Any], Any], x: t) -> Sample:
    return S(lambda T, x: f(T, x.clone()), x, label=label)


def _through_view(T: Any, x: Any) -> Any:
    """A write into a transposed view after the base was rearranged in place."""
    row = x[0]
    x.t_()
    x.unsqueeze_(0)
    row.mul_(3.0)
    x[0, 1].add_(x[0, 0])
    return x * 1, row * 1


def _rearranged_view(T: Any, x: Any) -> Any:
    """A view that is rearranged still writes into its base."""
    v = x[1:]
    v.transpose_(0, 1)
    v.mul_(2.0)
    v.squeeze_()
    v[0] = 5.0
    return x * 1, v * 1


X, P = t(3, 4), t(3, 4, lo=0.2, hi=0.9)
SAMPLES = [
    inplace("squeeze_", t(1, 3, 1)), inplace("squeeze_", t(1, 3, 1), 0), inplace("unsqueeze_", X, 1), inplace("t_", X), inplace("transpose_", t(2, 3, 4), 0, 2), inplace("swapaxes_", X, 0, 1), inplace("swapdims_", X, -1, 0),
    on_clone("t_ then writes through a view", _through_view, X), on_clone("transpose_ of a view", _rearranged_view, t(3, 2)),
    inplace("index_add_", X, 0, idx(1, 1), t(2, 4)), inplace("index_copy_", X, 0, idx(1), t(1, 4)), inplace("index_fill_", X, 1, idx(0, 2), 3.0), inplace("index_put_", X, (idx(0, 2), idx(1, 1)), t(2)), inplace("index_reduce_", P, 0, idx(1, 1), t(2, 4, lo=0.2, hi=0.9), "prod"),
    inplace("scatter_reduce_", X, 0, t(values=[[0, 1, 2, 0]], dtype="int64"), t(1, 4), "sum"), inplace("masked_scatter_", X, t(3, 4, dtype="bool"), t(12)), inplace("put_", X, idx(0, 5), t(2)), inplace("fill_diagonal_", X, 2.0), inplace("fill_diagonal_", t(5, 2), 1.0, True),
    inplace("scatter_", X, 0, t(values=[[0, 1, 2, 0]], dtype="int64"), t(1, 4)), inplace("scatter_add_", X, 0, t(values=[[0, 1, 2, 0]], dtype="int64"), t(1, 4)), inplace("masked_fill_", X, t(3, 4, dtype="bool"), 2.0), inplace("clamp_", X, -0.5, 0.5), inplace("copysign_", X, -1.0), inplace("hypot_", P, P), inplace("nan_to_num_", X),
    inplace("ldexp_", X, t(4)), inplace("cumsum_", X, 0), inplace("cumprod_", P, 1), inplace("logcumsumexp_", X, 1, parity=False),  # PyTorch has no such method
    inplace("renorm_", t(2, 3, lo=0.5, hi=2.0), 2, 0, 1.0), inplace("tril_", X), inplace("triu_", X, 1), inplace("fill_", X, t()), inplace("gcd_", t(4, dtype="int64", lo=1, hi=40), t(4, dtype="int64", lo=1, hi=40), check="value"), inplace("heaviside_", t(3, grad=False), t(3, grad=False), check="value"),
    S("fill", t(3, 4, grad=False), 2.0, check="value"), S("fill", X, t()), S("fill", t(2, dtype="int64", lo=0, hi=3), 7, check="value"),
    S("Tensor.sum_to_size", X, 3, 1), S("Tensor.sum_to_size", X, (4,)), S("Tensor.sum_to_size", t(2, 3, 4), 3, 4),
    S("Tensor.unsafe_chunk", X, 2), S("Tensor.unsafe_split", X, 2, 1), S("Tensor.__reversed__", X), S("Tensor.to_dense", X), S("Tensor.storage_offset", X, check="value"), S("Tensor.is_set_to", X, X, check="value"),
    S("Tensor.apply_", t(3, grad=False), abs, check="value"), S("Tensor.map_", t(3, grad=False), t(3, grad=False), max, check="value"), S("Tensor.is_shared", X, check="value"), S("Tensor.is_pinned", X, check="value"),
]  # fmt: skip
