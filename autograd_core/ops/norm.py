"""Normalisation: batch, layer, group, instance and RMS norm, and local response normalisation.

Each is a fused op: the forward pass keeps the input and two numbers a row (or channel), and the backward pass is one
formula.  The reference compositions beside them are what is differentiated for higher orders.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import DtypeError
from ..graph import wrote
from ..kernels import norm as kernels
from ..op import defop, sym
from ..tensor import Tensor
from .checks import floating, tensor

__all__ = ["group_norm", "instance_norm", "layer_norm", "rms_norm"]

# ------------------------------------------------------------------------------------------------- batch norm


def _channelwise(x: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes that are not channels, and the shape that spreads a value a channel over x."""
    return (0, *range(2, x.ndim)), (1, -1, *(1,) * (x.ndim - 2))


def _wide(x: Any) -> Any:
    """Half precision is computed in single."""
    return x.astype(np.float32) if x.dtype == np.float16 else x


def _batch_norm_reference(x: Any, weight: Any, bias: Any, eps: float) -> Any:
    axes, spread = _channelwise(x.array)
    y = (x - sym.mean(x, axes, True)) * sym.rsqrt(sym.var(x, axes, 0, True) + eps)
    return _affine_reference(y, weight, bias, spread)


def _affine_reference(y: Any, weight: Any, bias: Any, spread: tuple[int, ...]) -> Any:
    if weight is not None:
        y = y * sym.reshape(weight, spread)
    return y if bias is None else y + sym.reshape(bias, spread)


# Ioffe and Szegedy, "Batch Normalization", 2015.
defop(
    kernels.batch_norm,
    "x weight bias",
    "eps",
    name="batch_norm",
    outputs="y mean var invstd",
    differentiable="y",
    formula="(x - mean) / sqrt(var + eps) weight + bias, mean and var of each channel over the batch",
    reference=_batch_norm_reference,
    joint=lambda g, x, weight, mean, invstd: kernels.batch_norm_backward(g, x, mean, invstd, weight),
)


def _batch_norm_eval_reference(x: Any, weight: Any, bias: Any, mean: Any, var: Any, eps: float) -> Any:
    _, spread = _channelwise(x.array)
    y = (x - sym.reshape(mean, spread)) * sym.reshape(sym.rsqrt(var + eps), spread)
    return _affine_reference(y, weight, bias, spread)


defop(
    lambda x, weight, bias, mean, var, eps: kernels.batch_norm_eval(x, mean, var, weight, bias, eps),
    "x weight bias mean var",
    "eps",
    name="batch_norm_eval",
    outputs="y invstd",
    differentiable="y",
    formula="(x - mean) / sqrt(var + eps) weight + bias, mean and var as given",
    reference=_batch_norm_eval_reference,
    joint=lambda g, x, weight, mean, invstd: (
        *kernels.batch_norm_backward(g, x, mean, invstd, weight, training=False),
        None,
        None,
    ),
)

# ------------------------------------------------------------------------------------------------- layer, group, RMS


def _layer_norm_reference(x: Any, weight: Any, bias: Any, dims: int, eps: float) -> Any:
    n = x.array.ndim
    axes = tuple(range(n - dims, n))
    y = (x - sym.mean(x, axes, True)) * sym.rsqrt(sym.var(x, axes, 0, True) + eps)
    if weight is not None:
        y = y * weight
    return y if bias is None else y + bias


# Ba, Kiros and Hinton, "Layer Normalization", 2016.
defop(
    lambda x, weight, bias, dims, eps: kernels.layer_norm(x, dims, weight, bias, eps),
    "x weight bias",
    "dims eps",
    name="layer_norm",
    outputs="y mean rstd",
    differentiable="y",
    formula="(x - mean) / sqrt(var + eps) weight + bias, mean and var over the last dims",
    reference=_layer_norm_reference,
    joint=lambda g, x, weight, mean, rstd, dims: kernels.layer_norm_backward(g, x, mean, rstd, weight, dims),
)


def _group_norm_reference(x: Any, weight: Any, bias: Any, groups: int, eps: float) -> Any:
    shape = x.array.shape
    rows = sym.reshape(x, (shape[0] * groups, shape[1] // groups * math.prod(shape[2:])))
    y = (rows - sym.mean(rows, (1,), True)) * sym.rsqrt(sym.var(rows, (1,), 0, True) + eps)
    return _affine_reference(sym.reshape(y, shape), weight, bias, (1, -1, *(1,) * (len(shape) - 2)))


# Wu and He, "Group Normalization", 2018.
defop(
    lambda x, weight, bias, groups, eps: kernels.group_norm(x, groups, weight, bias, eps),
    "x weight bias",
    "groups eps",
    name="group_norm",
    outputs="y mean rstd",
    differentiable="y",
    formula="(x - mean) / sqrt(var + eps) weight + bias, mean and var over each group of channels of each sample",
    reference=_group_norm_reference,
    joint=lambda g, x, weight, mean, rstd, groups: kernels.group_norm_backward(g, x, mean, rstd, weight, groups),
)


def _rms_norm_reference(x: Any, weight: Any, dims: int, eps: float) -> Any:
    n = x.array.ndim
    y = x * sym.rsqrt(sym.mean(sym.square(x), tuple(range(n - dims, n)), True) + eps)
    return y if weight is None else y * weight


# Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.
defop(
    lambda x, weight, dims, eps: kernels.rms_norm(x, dims, weight, eps),
    "x weight",
    "dims eps",
    name="rms_norm",
    outputs="y rstd",
    differentiable="y",
    formula="x / sqrt(mean of x^2 + eps) weight, over the last dims",
    reference=_rms_norm_reference,
    joint=lambda g, x, weight, rstd, dims: kernels.rms_norm_backward(g, x, rstd, weight, dims),
)

# ------------------------------------------------------------------------------------------------- the functions


def _per_channel(name: str, channels: int, **values: Tensor | None) -> None:
    for what, v in values.items():
        if v is not None and tensor(name, v, what).array.shape != (channels,):
            raise RuntimeError(
                f"{name}: {what} must have shape ({channels},), one value for each channel of the input, got "
                f"{v.array.shape}."
            )


def _matching(name: str, x: Tensor, **values: Tensor | None) -> None:
    """Weights must be of the input's type (or float32 beside a float16 input)."""
    for what, v in values.items():
        if (
            v is not None
            and v.array.dtype != x.array.dtype
            and not (x.array.dtype == np.float16 and v.array.dtype == np.float32)
        ):
            raise DtypeError(
                f"{name}: {what} is {v.dtype.name} but the input is {x.dtype.name}; convert one with to()."
            )


def _track(name: str, running: Tensor | None, value: Any, momentum: float) -> None:
    """``running = (1 - momentum) running + momentum value``, in place."""
    if running is None:
        return
    array = running.array
    array *= 1 - momentum
    array += (momentum * value).astype(array.dtype, copy=False)
    wrote(array)


def batch_norm(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False, momentum: float | None = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """Normalise each channel over the batch and all places: ``(x - mean) / sqrt(var + eps) * weight + bias``.

    Parameters
    ----------
    input : Tensor, (n, c, ...)
    running_mean, running_var : Tensor, (c,), or None
        Used in place of the batch's own statistics when not ``training``; when ``training`` they move towards those
        (the variance with ``n - 1``) by ``momentum``, in place.
    weight, bias : Tensor, (c,), optional
    training : bool
        Use the batch's statistics.
    momentum : float
        How far the running statistics move.
    eps : float
        Added to the variance.

    Raises
    ------
    ValueError
        If ``training`` and there is only one value a channel.
    RuntimeError
        If shapes or dtypes do not fit, or statistics are missing.

    Source: Ioffe and Szegedy, 2015; PyTorch, ``torch.nn.functional.batch_norm``.
    """
    x = floating("batch_norm", input)
    shape = x.array.shape
    if len(shape) < 2:
        raise RuntimeError(f"batch_norm: expected at least 2 dimensions (batch, channels, ...), got shape {shape}.")
    channels = shape[1]
    _per_channel("batch_norm", channels, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    _matching("batch_norm", x, weight=weight, bias=bias)
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError("batch_norm: expected running_mean and running_var to be given when training=False.")
        return sym.batch_norm_eval(x, weight, bias, running_mean, running_var, eps)[0]
    count = x.array.size // channels if channels else 0
    if count == 1:
        raise ValueError(
            f"batch_norm: expected more than 1 value per channel when training, got input shape {shape}; "
            "use a larger batch, or eval()."
        )
    y, mean, var, _ = sym.batch_norm(x, weight, bias, eps)
    if count and (running_mean is not None or running_var is not None):  # an empty batch says nothing
        rate = 0.0 if momentum is None else momentum
        _track("batch_norm", running_mean, mean.array, rate)
        _track("batch_norm", running_var, var.array * (count / (count - 1) if count > 1 else math.nan), rate)
    return y


def instance_norm(
    input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None, weight: Tensor | None = None,
    bias: Tensor | None = None, use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
    cudnn_enabled: bool = False,
) -> Tensor:  # fmt: skip
    """:func:`batch_norm` with the statistics of each sample by itself (Ulyanov et al., 2016).

    Running statistics, where given, move towards the batch's mean of the samples' statistics; with
    ``use_input_stats=False`` they are used instead.
    """
    x = floating("instance_norm", input)
    shape = x.array.shape
    if len(shape) < 2:
        raise RuntimeError(f"instance_norm: expected at least 2 dimensions (batch, channels, ...), got shape {shape}.")
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise RuntimeError(
                "instance_norm: expected running_mean and running_var to be given when use_input_stats=False."
            )
        return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    _per_channel(
        "instance_norm", shape[1], running_mean=running_mean, running_var=running_var, weight=weight, bias=bias
    )
    _matching("instance_norm", x, weight=weight, bias=bias)
    places = math.prod(shape[2:])
    if places == 1:
        raise ValueError(
            f"instance_norm: expected more than 1 spatial element when training, got input shape {shape}; one value "
            "has no variance."
        )
    y, mean, _ = sym.group_norm(x, weight, bias, shape[1], eps)
    if running_mean is not None:
        _track("instance_norm", running_mean, mean.array.reshape(shape[:2]).mean(0), momentum)
    if running_var is not None:
        axes = tuple(range(2, len(shape)))
        _track("instance_norm", running_var, _wide(x.array).var(axes, ddof=1).mean(0), momentum)
    return y


def _normalized(name: str, x: Tensor, normalized_shape: Any, **values: Tensor | None) -> int:
    """How many of the last dimensions ``normalized_shape`` names."""
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    n = len(shape)
    if n == 0:
        raise RuntimeError(f"{name}: normalized_shape must name at least one dimension, got {shape}.")
    if x.array.shape[max(x.array.ndim - n, 0) :] != shape:
        expected = ", ".join(("*", *map(str, shape)))
        raise RuntimeError(
            f"{name}: normalized_shape={shape} expects input of shape ({expected}), got {x.array.shape}."
        )
    for what, v in values.items():
        if v is not None and tensor(name, v, what).array.shape != shape:
            raise RuntimeError(f"{name}: {what} must have shape normalized_shape={shape}, got {v.array.shape}.")
    _matching(name, x, **values)
    return n


def layer_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:  # fmt: skip
    """Normalise over the last dimensions: ``(x - mean) / sqrt(var + eps) * weight + bias``.

    Parameters
    ----------
    input : Tensor, (*, *normalized_shape)
    normalized_shape : int or sequence of int
        The sizes of the dimensions to normalise over.
    weight, bias : Tensor, normalized_shape, optional
    eps : float
        Added to the variance.

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit.

    Source: Ba, Kiros and Hinton, 2016; PyTorch, ``torch.nn.functional.layer_norm``.
    """
    x = floating("layer_norm", input)
    dims = _normalized("layer_norm", x, normalized_shape, weight=weight, bias=bias)
    return sym.layer_norm(x, weight, bias, dims, eps)[0]


def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """``x / sqrt(mean(x**2) + eps) * weight`` over the last dimensions (``eps``: the type's resolution if left out)."""
    x = floating("rms_norm", input, complex=True)
    dims = _normalized("rms_norm", x, normalized_shape, weight=weight)
    return sym.rms_norm(x, weight, dims, float(np.finfo(x.array.dtype).eps) if eps is None else eps)[0]


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:  # fmt: skip
    """Normalise each sample over each of ``num_groups`` groups of its channels.

    Raises
    ------
    RuntimeError
        If the channels cannot be divided into the groups.
    """
    x = floating("group_norm", input)
    shape = x.array.shape
    if len(shape) < 2:
        raise RuntimeError(f"group_norm: expected at least 2 dimensions (batch, channels, ...), got shape {shape}.")
    if num_groups < 1 or shape[1] % num_groups:
        raise RuntimeError(
            f"group_norm: the {shape[1]} channels of the input {shape} cannot be divided into num_groups={num_groups}."
        )
    _per_channel("group_norm", shape[1], weight=weight, bias=bias)
    _matching("group_norm", x, weight=weight, bias=bias)
    if x.array.size and shape[0] * math.prod(shape[2:]) * shape[1] == num_groups:
        raise ValueError(
            f"group_norm: expected more than 1 value per group when training, got input shape {shape} with "
            f"num_groups={num_groups}."
        )
    return sym.group_norm(x, weight, bias, num_groups, eps)[0]


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """``x / (k + alpha * mean of x**2 over size neighbouring channels) ** beta`` (Krizhevsky et al., 2012)."""
    x = floating("local_response_norm", input)
    shape = x.array.shape
    if len(shape) < 3:
        raise ValueError(f"local_response_norm: expected 3-d or more input (batch, channels, ...), got shape {shape}.")
    if size < 1:
        raise ValueError(f"local_response_norm: size must be positive, got {size}.")
    squares = sym.reshape(sym.square(x), (shape[0], 1, shape[1], math.prod(shape[2:])))
    padded = sym.pad_constant(squares, ((0, 0), (0, 0), (size // 2, (size - 1) // 2), (0, 0)), 0)
    means = sym.avg_pool(padded, (size, 1), (1, 1), (0, 0), False, True, None)
    return x / (sym.reshape(means, shape) * alpha + k) ** beta
