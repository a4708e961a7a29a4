"""Borders around the last dimensions: constant, reflected, repeated and circular."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor, errors

from .. import functional as F
from ..module import Module
from .sizes import per_dim

__all__ = [
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d", "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]  # fmt: skip


class _Pad(Module):
    """A border of one kind around the last ``_n`` dimensions."""

    _n: int
    _mode: str

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = per_dim(type(self).__name__, "padding", padding, 2 * self._n)

    def _check(self, input: Tensor) -> None:
        n = self._n
        if input.ndim not in (n + 1, n + 2):
            raise errors.ShapeError(
                f"{type(self).__name__}: expected {n + 1}-d or {n + 2}-d input, got shape {tuple(input.shape)}."
            )

    def forward(self, input: Tensor) -> Tensor:
        self._check(input)
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    _mode = "constant"

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Pads the last dimension with ``value``; ``padding`` is a width or (left, right)."""

    _n = 1


class ConstantPad2d(_ConstantPad):
    """Pads the last two dimensions with ``value``; ``padding`` is a width or (left, right, top, bottom).

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> nn.ConstantPad2d((1, 0, 0, 0), 3.5)(torch.zeros(1, 1, 2))
    tensor([[[3.5000, 0.0000, 0.0000]]])
    """

    _n = 2


class ConstantPad3d(_ConstantPad):
    """Pads the last three dimensions with ``value``; ``padding`` is a width or (left, right, top, bottom, front,
    back)."""

    _n = 3


class ZeroPad1d(ConstantPad1d):
    """Pads the last dimension with zeros."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad2d(ConstantPad2d):
    """Pads the last two dimensions with zeros."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad3d(ConstantPad3d):
    """Pads the last three dimensions with zeros."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ReflectionPad1d(_Pad):
    """Pads the last dimension with its mirror image (the edge itself is not repeated)."""

    _n, _mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """Pads the last two dimensions with their mirror image (the edge itself is not repeated)."""

    _n, _mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """Pads the last three dimensions with their mirror image (the edge itself is not repeated)."""

    _n, _mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """Pads the last dimension with its edge values."""

    _n, _mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """Pads the last two dimensions with their edge values."""

    _n, _mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """Pads the last three dimensions with their edge values."""

    _n, _mode = 3, "replicate"


class CircularPad1d(_Pad):
    """Pads the last dimension with the values of its other end."""

    _n, _mode = 1, "circular"


class CircularPad2d(_Pad):
    """Pads the last two dimensions with the values of their other ends."""

    _n, _mode = 2, "circular"


class CircularPad3d(_Pad):
    """Pads the last three dimensions with the values of their other ends."""

    _n, _mode = 3, "circular"
