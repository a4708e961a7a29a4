"""Convolutions, plain and transposed, in 1 to 3 dimensions.

Convolution is bilinear, so its ops are closed under differentiation: the gradient of any of the three products below is
another one of them, and every order of derivative runs through the same three kernels.
"""

from __future__ import annotations

from typing import Any

from ..kernels import conv as kernels
from ..op import defop, sym
from ..tensor import Tensor
from .checks import batched, one_type, sizes, tensor

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]

# ------------------------------------------------------------------------------------------------- declarations

defop(
    kernels.conv,
    "x weight bias",
    "stride padding dilation groups",
    name="conv",
    formula="y[n, o, p] = bias[o] + sum over c, k of weight[o, c, k] x[n, c, p stride + k dilation - padding]",
    x=lambda g, weight, x_shape, stride, padding, dilation, groups, F: F.conv_grad_input(
        g, weight, x_shape, stride, padding, dilation, groups
    ),
    weight=lambda g, x, weight_shape, stride, padding, dilation, groups, F: F.conv_grad_weight(
        g, x, weight_shape, stride, padding, dilation, groups
    ),
    bias=lambda g, F: F.channel_sum(g),
)
defop(
    kernels.conv_grad_input,
    "x weight",
    "shape stride padding dilation groups",
    name="conv_grad_input",
    formula="the transpose of conv in its input, applied to x",
    x=lambda g, weight, stride, padding, dilation, groups, F: F.conv(
        g, weight, None, stride, padding, dilation, groups
    ),
    weight=lambda g, x, weight_shape, stride, padding, dilation, groups, F: F.conv_grad_weight(
        x, g, weight_shape, stride, padding, dilation, groups
    ),
)
defop(
    kernels.conv_grad_weight,
    "a x",
    "shape stride padding dilation groups",
    name="conv_grad_weight",
    formula="the transpose of conv in its weight: the sum over images and places of a x",
    a=lambda g, x, stride, padding, dilation, groups, F: F.conv(x, g, None, stride, padding, dilation, groups),
    x=lambda g, a, x_shape, stride, padding, dilation, groups, F: F.conv_grad_input(
        a, g, x_shape, stride, padding, dilation, groups
    ),
)


def _conv_transpose(
    x: Any, weight: Any, bias: Any, shape: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    y = kernels.conv_grad_input(
        x, weight, shape, stride, padding, dilation, groups, name=f"conv_transpose{weight.ndim - 2}d"
    )
    if bias is not None:
        y += bias.reshape(-1, *(1,) * (y.ndim - 2))
    return y


defop(
    _conv_transpose,
    "x weight bias",
    "shape stride padding dilation groups",
    name="conv_transpose",
    formula="the transpose of conv in its input, applied to x, + bias",
    x=lambda g, weight, stride, padding, dilation, groups, F: F.conv(
        g, weight, None, stride, padding, dilation, groups
    ),
    weight=lambda g, x, weight_shape, stride, padding, dilation, groups, F: F.conv_grad_weight(
        x, g, weight_shape, stride, padding, dilation, groups
    ),
    bias=lambda g, F: F.channel_sum(g),
)


def _over_channels(x: Any, shape: tuple[int, ...]) -> Any:
    import numpy as np

    return np.broadcast_to(x.reshape(-1, *(1,) * (len(shape) - 2)), shape)


defop(
    kernels.bias_grad,
    name="channel_sum",
    formula="x summed over all dimensions but the channels (1)",
    x=lambda g, x_shape, F: F.over_channels(g, x_shape),
)
defop(
    _over_channels,
    params="shape",
    name="over_channels",
    formula="x[c] repeated over all other dimensions of shape",
    x=lambda g, F: F.channel_sum(g),
)

# ------------------------------------------------------------------------------------------------- convolution


def _operands(name: str, rank: int, input: Any, weight: Any, bias: Any) -> tuple[Tensor, Tensor, bool]:
    """Input (with a batch dimension) and weight, checked; and whether the batch dimension was there."""
    x, w = tensor(name, input), tensor(name, weight, "weight")
    if bias is not None:
        bias = tensor(name, bias, "bias")
    if x.array.dtype is not w.array.dtype or bias is not None:
        one_type(name, input=x, weight=w, bias=bias)
    if w.array.ndim != rank + 2:
        raise RuntimeError(f"{name}: expected weight of {rank + 2} dimensions, got shape {w.array.shape}.")
    whole = batched(name, x, rank)
    return (x if whole else sym.reshape(x, (1, *x.array.shape))), w, whole


def _convolve(
    name: str, rank: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Tensor:
    x, w, whole = _operands(name, rank, input, weight, bias)
    stride, dilation = sizes(name, stride, rank, "stride"), sizes(name, dilation, rank, "dilation")
    if isinstance(padding, str):
        x, padding = _named_padding(name, x, w.array.shape[2:], stride, padding, dilation)
    else:
        padding = sizes(name, padding, rank, "padding")
    y = sym.conv(x, w, bias, stride, padding, dilation, groups)
    return y if whole else sym.reshape(y, y.array.shape[1:])


def _named_padding(
    name: str, x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...], padding: str, dilation: tuple[int, ...]
) -> tuple[Tensor, tuple[int, ...]]:
    """``"valid"``: none; ``"same"``: so much that the output has the input's size (the odd one goes behind)."""
    if padding == "valid":
        return x, (0,) * len(kernel)
    if padding != "same":
        raise RuntimeError(f"{name}: padding must be an int, a tuple, 'valid' or 'same', got {padding!r}.")
    if any(s != 1 for s in stride):
        raise RuntimeError(f"{name}: padding='same' is not defined for strided convolutions, got stride {stride}.")
    total = tuple(d * (k - 1) for d, k in zip(dilation, kernel, strict=True))
    odd = tuple(t % 2 for t in total)
    if any(odd):
        x = sym.pad_constant(x, ((0, 0), (0, 0), *((0, o) for o in odd)), 0)
    return x, tuple(t // 2 for t in total)


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve signals: input (n, c, length) or (c, length), weight (o, c/groups, k).  See :func:`conv2d`."""
    return _convolve("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve (cross-correlate) images with kernels.

    Parameters
    ----------
    input : Tensor, (n, c, height, width) or (c, height, width)
    weight : Tensor, (o, c / groups, kernel height, kernel width)
    bias : Tensor, (o,), optional
    stride, padding, dilation : int or tuple of int
        Per spatial dimension; ``padding`` zeros on both sides, or ``"valid"`` (none) or ``"same"`` (output as large as
        the input).
    groups : int
        Channels are cut in ``groups`` equal parts that do not mix.

    Returns
    -------
    Tensor, (n, o, out height, out width)

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit.

    Examples
    --------
    >>> import autograd_core as ac
    >>> from autograd_core.ops.conv import conv2d
    >>> conv2d(ac.ones(1, 1, 3, 3), ac.ones(1, 1, 2, 2)).shape
    Size([1, 1, 2, 2])

    Source: PyTorch, ``torch.nn.functional.conv2d``.
    """
    return _convolve("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve volumes: input (n, c, depth, height, width), weight (o, c/groups, *kernel).  See :func:`conv2d`."""
    return _convolve("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


# ------------------------------------------------------------------------------------------------- transposed


def _transposed(
    name: str,
    rank: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    x, w, whole = _operands(name, rank, input, weight, bias)
    stride, padding = sizes(name, stride, rank, "stride"), sizes(name, padding, rank, "padding")
    extra, dilation = sizes(name, output_padding, rank, "output_padding"), sizes(name, dilation, rank, "dilation")
    if min(stride) < 1 or min(dilation) < 1:
        raise RuntimeError(f"{name}: stride and dilation must be positive, got {stride} and {dilation}.")
    if min(padding) < 0:
        raise RuntimeError(f"{name}: padding must not be negative, got {padding}.")
    shape = kernels.transposed_size(name, x.array.shape, w.array.shape, stride, padding, extra, groups, dilation)
    channels = w.array.shape[1] * groups
    if bias is not None and bias.array.shape != (channels,):
        raise RuntimeError(f"{name}: expected bias of shape ({channels},), got {bias.array.shape}.")
    beyond = tuple(e // s for e, s in zip(extra, stride, strict=True))
    if any(beyond):  # more rows than the windows of x reach: those of zeros behind it
        x = sym.pad_constant(x, ((0, 0), (0, 0), *((0, b) for b in beyond)), 0)
    y = sym.conv_transpose(x, w, bias, shape, stride, padding, dilation, groups)
    return y if whole else sym.reshape(y, y.array.shape[1:])


def conv_transpose1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1,
    dilation: Any = 1,
) -> Tensor:  # fmt: skip
    """Transposed convolution of signals, input (n, c, length), weight (c, o/groups, k): :func:`conv_transpose2d`."""
    return _transposed("conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1,
    dilation: Any = 1,
) -> Tensor:  # fmt: skip
    """Transposed convolution: the gradient of :func:`conv2d` in its input, taken as a forward computation.

    Parameters
    ----------
    input : Tensor, (n, c, height, width) or (c, height, width)
    weight : Tensor, (c, o / groups, kernel height, kernel width)
    bias : Tensor, (o,), optional
    stride, padding, dilation : int or tuple of int
        Those of the convolution that is transposed.
    output_padding : int or tuple of int
        Rows added to one side of the output; smaller than stride or dilation.

    Returns
    -------
    Tensor
        Of size ``(size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1``.

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit.

    Examples
    --------
    >>> import autograd_core as ac
    >>> from autograd_core.ops.conv import conv_transpose2d
    >>> conv_transpose2d(ac.ones(1, 1, 3, 3), ac.ones(1, 1, 2, 2), stride=2).shape
    Size([1, 1, 6, 6])

    Source: PyTorch, ``torch.nn.functional.conv_transpose2d``.
    """
    return _transposed("conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1,
    dilation: Any = 1,
) -> Tensor:  # fmt: skip
    """Transposed convolution of volumes.  See :func:`conv_transpose2d`."""
    return _transposed("conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups, dilation)
