"""Resampling of images and volumes."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor

from .. import functional as F
from ..module import Module

__all__ = ["Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"]


class Upsample(Module):
    """Resamples (N, C, spatial...) to a given size or by a factor; see ``nn.functional.interpolate``.

    Parameters
    ----------
    size : int or tuple of int, optional
        Spatial size of the result.
    scale_factor : float or tuple of float, optional
        Or the factor by which the size grows.
    mode : {"nearest", "linear", "bilinear", "bicubic", "trilinear", "nearest-exact"}
    align_corners : bool, optional
        Whether the corner elements' centres keep their place.
    recompute_scale_factor : bool, optional
        Whether the factor is computed again from the integer sizes.

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> nn.Upsample(scale_factor=2)(torch.zeros(1, 1, 2, 2)).shape
    Size([1, 1, 4, 4])
    """

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.size = size
        if isinstance(scale_factor, tuple):
            self.scale_factor: Any = tuple(float(f) for f in scale_factor)
        else:
            self.scale_factor = float(scale_factor) if scale_factor else None
        self.mode, self.align_corners, self.recompute_scale_factor = mode, align_corners, recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.interpolate(
            input,
            self.size,
            self.scale_factor,
            self.mode,
            self.align_corners,
            recompute_scale_factor=self.recompute_scale_factor,
        )

    def extra_repr(self) -> str:
        what = f"scale_factor={self.scale_factor!r}" if self.scale_factor is not None else f"size={self.size!r}"
        return f"{what}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """:class:`Upsample` with ``mode="nearest"``."""

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """:class:`Upsample` with ``mode="bilinear"`` and aligned corners."""

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)
