"""Linear and bilinear maps of features, and distances between rows."""

from __future__ import annotations

from ..errors import ShapeError
from ..op import sym
from ..tensor import Tensor
from .checks import one_type, tensor
from .matmul import einsum

__all__ = ["bilinear"]


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``input @ weight.T + bias``.

    Parameters
    ----------
    input : Tensor, (*, in_features)
    weight : Tensor, (out_features, in_features) or (in_features,)
    bias : Tensor, (out_features,), optional

    Returns
    -------
    Tensor, (*, out_features)

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit.

    Examples
    --------
    >>> import autograd_core as ac
    >>> from autograd_core.ops.linear import linear
    >>> linear(ac.ones(2, 3), ac.ones(4, 3)).shape
    Size([2, 4])
    """
    x = input.array if isinstance(input, Tensor) else tensor("linear", input).array
    w = weight.array if isinstance(weight, Tensor) else tensor("linear", weight, "weight").array
    if x.dtype is not w.dtype or (bias is not None and bias.array.dtype is not w.dtype):
        one_type("linear", input=input, weight=weight, bias=bias)
    if w.ndim == 1:
        y = linear(input, sym.reshape(weight, (1, w.shape[0])))
        y = sym.reshape(y, y.array.shape[:-1])
        return y if bias is None else y + bias
    if w.ndim != 2 or x.ndim == 0 or x.shape[-1] != w.shape[1]:
        raise ShapeError(
            f"linear: expected input with last dimension in_features={w.shape[-1] if w.ndim else '?'}, got input "
            f"{x.shape} and "
            f"weight {w.shape} (out_features, in_features)."
        )
    if bias is not None and bias.array.shape != (w.shape[0],):
        if bias.array.shape not in ((), (1,)):
            raise ShapeError(f"linear: expected bias of shape ({w.shape[0]},), got {bias.array.shape}.")
        bias = sym.broadcast_to(bias, (w.shape[0],))
    return sym.linear(input, weight, bias)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``y[..., k] = sum over i, j of input1[..., i] weight[k, i, j] input2[..., j] + bias[k]``.

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit.
    """
    a, b, w = (
        tensor("bilinear", input1, "input1"),
        tensor("bilinear", input2, "input2"),
        tensor("bilinear", weight, "weight"),
    )
    one_type("bilinear", input1=a, input2=b, weight=w, bias=bias)
    p, q, s = a.array.shape, b.array.shape, w.array.shape
    if len(s) != 3 or not p or not q or p[:-1] != q[:-1] or p[-1] != s[1] or q[-1] != s[2]:
        raise RuntimeError(
            f"bilinear: expected input1 (*, {s[1] if len(s) == 3 else 'in1'}), input2 (*, "
            f"{s[2] if len(s) == 3 else 'in2'}) with equal "
            f"leading sizes and weight (out, in1, in2), got {p}, {q} and {s}."
        )
    if bias is not None and bias.array.shape != (s[0],):
        raise RuntimeError(f"bilinear: expected bias of shape ({s[0]},), got {bias.array.shape}.")
    y = einsum("...i,kij,...j->...k", a, w, b)
    return y if bias is None else y + bias
