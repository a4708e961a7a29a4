"""Instance normalisation over 1, 2 and 3 spatial dimensions, and its lazy forms."""

from __future__ import annotations

import warnings
from typing import Any

from autograd_core import Tensor, errors

from .. import functional as F
from .batchnorm import _LazyNormBase, _NormBase

__all__ = [
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
]


class _InstanceNorm(_NormBase):
    """y = (x - mean) / sqrt(var + eps) * weight + bias, statistics of each channel of each sample on its own.

    Parameters
    ----------
    num_features : int
        Channels of (N, C, ...) or, without a batch, (C, ...).
    eps : float
        Added to the variance.
    momentum : float
        Weight of a new batch in the running statistics.
    affine : bool
        Whether weight and bias are learned (off by default).
    track_running_stats : bool
        Whether running statistics are kept and used in evaluation (off by default).

    Notes
    -----
    Source: Ulyanov et al. 2016; PyTorch, page "InstanceNorm2d".
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    @property
    def _feature_dim(self) -> int:  # type: ignore[override]
        return 1 - self._ndims[-1]  # counted from the end: with or without a batch

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        channels = input.shape[self._feature_dim]
        if channels != self.num_features:
            name, shape = type(self).__name__, tuple(input.shape)
            text = f"{name}: expected {self.num_features} channels, got {channels}, input shape {shape}."
            if self.affine or self.track_running_stats:
                raise errors.ShapeError(text)
            warnings.warn(f"{text} num_features is not used without affine; give the right one.", stacklevel=2)
        if input.ndim == self._ndims[0]:
            return self._norm(input.unsqueeze(0)).squeeze(0)  # type: ignore[attr-defined,no-any-return]
        return self._norm(input)

    def _norm(self, input: Tensor) -> Tensor:
        return F.instance_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum if self.momentum is not None else 0.0,
            self.eps,
        )


class InstanceNorm1d(_InstanceNorm):
    __doc__ = _InstanceNorm.__doc__
    _ndims = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    __doc__ = _InstanceNorm.__doc__
    _ndims = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    __doc__ = _InstanceNorm.__doc__
    _ndims = (4, 5)


class LazyInstanceNorm1d(_LazyNormBase, InstanceNorm1d):  # type: ignore[misc]
    """:class:`InstanceNorm1d` that takes ``num_features`` from its first input (affine and tracking unless told)."""

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNormBase, InstanceNorm2d):  # type: ignore[misc]
    """:class:`InstanceNorm2d` that takes ``num_features`` from its first input (affine and tracking unless told)."""

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNormBase, InstanceNorm3d):  # type: ignore[misc]
    """:class:`InstanceNorm3d` that takes ``num_features`` from its first input (affine and tracking unless told)."""

    cls_to_become = InstanceNorm3d
