"""Layer, RMS, group and local response normalisation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import autograd_core as ac
from autograd_core import Tensor, errors

from .. import functional as F
from .. import init
from ..module import Module
from ..parameter import Parameter
from .sizes import positive

__all__ = ["GroupNorm", "LayerNorm", "LocalResponseNorm", "RMSNorm"]


def _shape(name: str, value: Any) -> tuple[int, ...]:
    sizes = tuple(value) if isinstance(value, Iterable) else (value,)
    return tuple(positive(name, "normalized_shape", s, zero=True) for s in sizes)


def _fits(module: Any, input: Tensor) -> None:
    """Called after an error: whether the input's last dimensions were the reason."""
    shape, wanted = tuple(input.shape), module.normalized_shape
    if shape[len(shape) - len(wanted) :] != wanted:
        raise errors.ShapeError(
            f"{type(module).__name__}: expected an input that ends in normalized_shape={wanted}, got shape {shape}."
        )


class LayerNorm(Module):
    """y = (x - mean) / sqrt(var + eps) * weight + bias, statistics over the last dimensions of each sample.

    Parameters
    ----------
    normalized_shape : int or tuple of int
        The last dimensions: those that are normalised.
    eps : float
        Added to the variance.
    elementwise_affine : bool
        Whether weight (and bias) are learned.
    bias : bool
        Whether there is a bias.

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> nn.LayerNorm(3)(torch.tensor([1.0, 2.0, 3.0]))
    tensor([-1.2247,  0.0000,  1.2247], grad_fn=<LayerNormBackward>)

    Notes
    -----
    Source: Ba et al. 2016; PyTorch, page "LayerNorm".
    """

    weight: Tensor | None
    bias: Parameter  # None without a bias; typed for the common case, as in PyTorch

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape("LayerNorm", normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        new = {"device": device, "dtype": dtype}
        self.register_parameter(
            "weight", Parameter(ac.empty(self.normalized_shape, **new)) if elementwise_affine else None
        )
        self.register_parameter(
            "bias", Parameter(ac.empty(self.normalized_shape, **new)) if elementwise_affine and bias else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight 1, bias 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        try:
            return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)
        except RuntimeError:
            _fits(self, input)
            raise

    def extra_repr(self) -> str:
        bias = self.bias is not None
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, bias={bias}"


class RMSNorm(Module):
    """y = x / sqrt(mean(x^2) + eps) * weight, the mean over the last dimensions (Zhang & Sennrich 2019).

    Parameters
    ----------
    normalized_shape : int or tuple of int
        The last dimensions: those that are normalised.
    eps : float, optional
        Added to the mean square; the type's machine epsilon unless given.
    elementwise_affine : bool
        Whether weight is learned.
    """

    weight: Tensor | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape("RMSNorm", normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        values = ac.empty(self.normalized_shape, device=device, dtype=dtype) if elementwise_affine else None
        self.register_parameter("weight", Parameter(values) if values is not None else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        try:
            return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)
        except RuntimeError:
            _fits(self, x)
            raise

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """y = (x - mean) / sqrt(var + eps) * weight + bias, statistics over each of ``num_groups`` groups of channels.

    Parameters
    ----------
    num_groups, num_channels : int
        The channels (dimension 1) and into how many groups they are split; the first must divide the second.
    eps : float
        Added to the variance.
    affine : bool
        Whether weight and bias (one each per channel) are learned.

    Notes
    -----
    Source: Wu & He 2018; PyTorch, page "GroupNorm".
    """

    weight: Tensor | None
    bias: Parameter  # None without a bias; typed for the common case, as in PyTorch

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_groups = positive("GroupNorm", "num_groups", num_groups)
        self.num_channels = positive("GroupNorm", "num_channels", num_channels, zero=True)
        if num_channels % num_groups:
            raise ValueError(f"GroupNorm: num_channels={num_channels} must be divisible by num_groups={num_groups}.")
        self.eps, self.affine = eps, affine
        new = {"device": device, "dtype": dtype}
        self.register_parameter("weight", Parameter(ac.empty(num_channels, **new)) if affine else None)
        self.register_parameter("bias", Parameter(ac.empty(num_channels, **new)) if affine and bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight 1, bias 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        try:
            return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)
        except (RuntimeError, IndexError) as error:
            shape = tuple(input.shape)
            if len(shape) < 2 or shape[1] != self.num_channels:
                raise errors.ShapeError(
                    f"GroupNorm: expected num_channels={self.num_channels} in dimension 1, got input shape {shape}."
                ) from error
            raise

    def extra_repr(self) -> str:
        bias = self.bias is not None
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, bias={bias}"


class LocalResponseNorm(Module):
    """y_c = x_c / (k + alpha / size * sum of x^2 over the ``size`` channels around c)^beta (Krizhevsky et al. 2012)."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = positive("LocalResponseNorm", "size", size), alpha, beta, k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
