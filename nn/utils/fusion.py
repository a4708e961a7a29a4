"""Folding a batch norm in evaluation mode into the layer before it."""

from __future__ import annotations

import copy
from typing import Any

import autograd_core as ac
from autograd_core import Tensor

from ..parameter import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]


def _check(name: str, layer: Any, bn: Any) -> None:
    if layer.training or bn.training:
        raise RuntimeError(f"{name}: both modules must be in evaluation mode; call eval() first.")
    if bn.running_mean is None or bn.running_var is None:
        raise RuntimeError(f"{name}: the batch norm has no running statistics (track_running_stats=False).")


def fuse_conv_bn_weights(
    conv_w: Any, conv_b: Any, bn_rm: Any, bn_rv: Any, bn_eps: float, bn_w: Any, bn_b: Any, transpose: bool = False
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the convolution that computes ``batch_norm(conv(x))``: w s and (b - mean) s + bias, s =
    weight / sqrt(var + eps)."""
    scale = (bn_rv + bn_eps).rsqrt()
    if bn_w is not None:
        scale = scale * bn_w
    shape = [1] * conv_w.ndim
    shape[1 if transpose else 0] = -1
    bias = (-bn_rm if conv_b is None else conv_b - bn_rm) * scale
    if bn_b is not None:
        bias = bias + bn_b
    needs = conv_b.requires_grad if conv_b is not None else conv_w.requires_grad
    return Parameter(conv_w * scale.reshape(shape), conv_w.requires_grad), Parameter(bias, needs)


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """One convolution that computes ``bn(conv(x))``.

    Parameters
    ----------
    conv, bn : Module
        A convolution and the batch norm after it, both in evaluation mode.
    transpose : bool
        Whether ``conv`` is a transposed convolution.

    Raises
    ------
    RuntimeError
        If a module is in training mode, or ``bn`` has no running statistics.
    """
    _check("fuse_conv_bn_eval", conv, bn)
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_linear_bn_weights(
    linear_w: Tensor, linear_b: Any, bn_rm: Any, bn_rv: Any, bn_eps: float, bn_w: Any, bn_b: Any
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the linear map that computes ``batch_norm(linear(x))``."""
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """One linear map that computes ``bn(linear(x))``; both must be in evaluation mode."""
    _check("fuse_linear_bn_eval", linear, bn)
    if bn.num_features not in (1, linear.out_features):
        raise RuntimeError(
            f"fuse_linear_bn_eval: the batch norm has {bn.num_features} features, the linear map "
            f"{linear.out_features} outputs."
        )
    fused = copy.deepcopy(linear)
    statistics = [
        None if t is None else t.expand(linear.out_features)
        for t in (bn.running_mean, bn.running_var, bn.weight, bn.bias)
    ]
    mean, var, weight, bias = statistics
    with ac.no_grad():
        fused.weight, fused.bias = fuse_linear_bn_weights(fused.weight, fused.bias, mean, var, bn.eps, weight, bias)
    return fused
