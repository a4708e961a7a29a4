"""``Unfold`` (image to columns) and ``Fold`` (its transpose)."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor

from .. import functional as F
from ..module import Module

__all__ = ["Fold", "Unfold"]


class Fold(Module):
    """Sums sliding blocks (N, C * prod(kernel_size), L) into images (N, C, *output_size): the transpose of
    :class:`Unfold`.

    Parameters
    ----------
    output_size : int or tuple of 2 ints
        Height and width of the result.
    kernel_size, dilation, padding, stride : int or tuple of 2 ints
        As in a convolution.
    """

    def __init__(
        self, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        super().__init__()
        self.output_size, self.kernel_size = output_size, kernel_size
        self.dilation, self.padding, self.stride = dilation, padding, stride

    def forward(self, input: Tensor) -> Tensor:
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )


class Unfold(Module):
    """Takes the sliding blocks of images (N, C, H, W): (N, C * prod(kernel_size), number of blocks).

    Parameters
    ----------
    kernel_size, dilation, padding, stride : int or tuple of 2 ints
        As in a convolution.

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> nn.Unfold((2, 3))(torch.zeros(2, 5, 3, 4)).shape
    Size([2, 30, 4])
    """

    def __init__(self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> None:
        super().__init__()
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"
