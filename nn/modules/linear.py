"""Affine maps: ``Linear``, ``Bilinear``, ``LazyLinear``, and ``Identity``."""

from __future__ import annotations

import math
from typing import Any

import autograd_core as ac
from autograd_core import Tensor, errors

from .. import functional as F
from .. import init
from ..module import Module
from ..parameter import Parameter, UninitializedParameter
from .lazy import LazyModuleMixin
from .sizes import positive

__all__ = ["Bilinear", "Identity", "LazyLinear", "Linear"]


class Identity(Module):
    """Returns its input; arguments of the constructor are ignored (a placeholder)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Linear(Module):
    """y = x W^T + b.

    Parameters
    ----------
    in_features, out_features : int
        Sizes of the last dimension of the input and of the output.
    bias : bool
        Whether b is there.

    Attributes
    ----------
    weight : (out_features, in_features), uniform in (-k, k) with k = 1 / sqrt(in_features)
    bias : (out_features,), the same

    Raises
    ------
    RuntimeError
        If the input's last dimension is not ``in_features``.

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> nn.Linear(20, 30)(torch.zeros(128, 20)).shape
    Size([128, 30])

    Notes
    -----
    Source: PyTorch, page "Linear".
    """

    in_features: int
    out_features: int
    weight: Tensor
    bias: Parameter  # None without a bias; typed for the common case, as in PyTorch

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features = positive("Linear", "in_features", in_features, zero=True)
        self.out_features = positive("Linear", "out_features", out_features, zero=True)
        self.weight = Parameter(ac.empty((out_features, in_features), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(ac.empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        try:
            return F.linear(input, self.weight, self.bias)
        except RuntimeError as error:
            shape = tuple(input.shape)
            if len(shape) == 0 or shape[-1] != self.in_features:
                raise errors.ShapeError(
                    f"Linear: expected input with last dimension in_features={self.in_features}, got shape {shape}."
                ) from error
            raise

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class NonDynamicallyQuantizableLinear(Linear):
    """PyTorch's name for the output projection of :class:`MultiheadAttention`; a plain :class:`Linear`."""


class Bilinear(Module):
    """y_k = x1^T A_k x2 + b_k.

    Parameters
    ----------
    in1_features, in2_features, out_features : int
        Sizes of the last dimensions of the two inputs and of the output.
    bias : bool
        Whether b is there.

    Attributes
    ----------
    weight : (out_features, in1_features, in2_features), uniform in (-k, k) with k = 1 / sqrt(in1_features)
    bias : (out_features,), the same

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> nn.Bilinear(20, 30, 40)(torch.zeros(128, 20), torch.zeros(128, 30)).shape
    Size([128, 40])
    """

    bias: Parameter  # None without a bias; typed for the common case, as in PyTorch

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in1_features = positive("Bilinear", "in1_features", in1_features)
        self.in2_features = positive("Bilinear", "in2_features", in2_features)
        self.out_features = positive("Bilinear", "out_features", out_features, zero=True)
        self.weight = Parameter(ac.empty((out_features, in1_features, in2_features), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(ac.empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )


class LazyLinear(LazyModuleMixin, Linear):
    """A :class:`Linear` that takes ``in_features`` from its first input.

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> layer = nn.LazyLinear(3)
    >>> layer(torch.zeros(2, 5)).shape, layer
    (Size([2, 3]), Linear(in_features=5, out_features=3, bias=True))
    """

    cls_to_become = Linear

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, 0, False)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_features = positive("LazyLinear", "out_features", out_features, zero=True)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.in_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Give the parameters their shapes and initial values."""
        if self.in_features == 0:  # also when values were loaded before the first input
            self.in_features = int(input.shape[-1])
        if self.has_uninitialized_params():
            self.weight.materialize((self.out_features, self.in_features))  # type: ignore[attr-defined]
            if self.bias is not None:
                self.bias.materialize((self.out_features,))  # type: ignore[attr-defined]
            self.reset_parameters()
