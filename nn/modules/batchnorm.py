"""Batch normalisation over 1, 2 and 3 spatial dimensions, and its lazy forms."""

from __future__ import annotations

from typing import Any

import autograd_core as ac
from autograd_core import Tensor, errors

from .. import functional as F
from .. import init
from ..module import Module
from ..parameter import Parameter, UninitializedBuffer, UninitializedParameter
from .lazy import LazyModuleMixin
from .sizes import positive

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "SyncBatchNorm",
]


class _NormBase(Module):
    """Parameters and running statistics that batch norm and instance norm have in common."""

    weight: Tensor | None
    bias: Parameter  # None without a bias; typed for the common case, as in PyTorch
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    _ndims: tuple[int, ...]  # the numbers of dimensions that an input may have
    _feature_dim = 1

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = positive(type(self).__name__, "num_features", num_features, zero=True)
        self.eps, self.momentum, self.affine, self.track_running_stats = eps, momentum, affine, track_running_stats
        new = {"device": device, "dtype": dtype}
        self.register_parameter("weight", Parameter(ac.empty(num_features, **new)) if affine else None)
        self.register_parameter("bias", Parameter(ac.empty(num_features, **new)) if affine and bias else None)
        self.register_buffer("running_mean", ac.zeros(num_features, **new) if track_running_stats else None)
        self.register_buffer("running_var", ac.ones(num_features, **new) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", ac.tensor(0, dtype=ac.int64) if track_running_stats else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the running statistics: mean 0, variance 1, no batches."""
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            init.zeros_(self.num_batches_tracked)

    def reset_parameters(self) -> None:
        """Weight 1, bias 0, fresh running statistics."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim not in self._ndims:
            dims = " or ".join(f"{n}-d" for n in self._ndims)
            raise errors.ShapeError(
                f"{type(self).__name__}: expected {dims} input, got {input.ndim}-d, input shape {tuple(input.shape)}."
            )

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: Any,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        # Checkpoints from before this counter existed do not have it.
        key = prefix + "num_batches_tracked"
        version = local_metadata.get("version")
        if (version is None or version < 2) and self.num_batches_tracked is not None and key not in state_dict:
            state_dict[key] = self.num_batches_tracked.detach()
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_NormBase):
    """y = (x - mean) / sqrt(var + eps) * weight + bias, statistics over all dimensions but the channels.

    In training they are the batch's (and move the running ones), in evaluation the running ones.

    Parameters
    ----------
    num_features : int
        Channels: the size of dimension 1.
    eps : float
        Added to the variance.
    momentum : float or None
        Weight of a new batch in the running statistics; None for the plain mean over all batches.
    affine : bool
        Whether weight and bias are learned.
    track_running_stats : bool
        Whether running statistics are kept; otherwise the batch's are used in evaluation too.
    bias : bool
        Whether there is a bias (with ``affine``).

    Raises
    ------
    ValueError
        For an input with a wrong number of dimensions, or one value per channel in training.

    Notes
    -----
    Source: Ioffe & Szegedy 2015; PyTorch, page "BatchNorm2d".
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in self._ndims:
            self._check_input_dim(input)
        if input.array.shape[1] != self.num_features:
            raise errors.ShapeError(
                f"{type(self).__name__}: expected {self.num_features} channels in dimension 1, got "
                f"{input.array.shape[1]}, "
                f"input shape {tuple(input.shape)}."
            )
        if self.eps <= 0:
            raise ValueError(f"{type(self).__name__}: eps must be positive, got {self.eps}.")
        factor = self.momentum if self.momentum is not None else 0.0
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            count = self.num_batches_tracked.array
            count += 1
            if self.momentum is None:
                factor = 1.0 / float(count)
        use_batch = self.training or self.running_mean is None
        keep = not self.training or self.track_running_stats
        return F.batch_norm(
            input,
            self.running_mean if keep else None,
            self.running_var if keep else None,
            self.weight,
            self.bias,
            use_batch,
            factor,
            self.eps,
        )


class BatchNorm1d(_BatchNorm):
    __doc__ = _BatchNorm.__doc__
    _ndims = (2, 3)


class BatchNorm2d(_BatchNorm):
    __doc__ = _BatchNorm.__doc__
    _ndims = (4,)


class BatchNorm3d(_BatchNorm):
    __doc__ = _BatchNorm.__doc__
    _ndims = (5,)


class SyncBatchNorm(_BatchNorm):
    """Batch norm across processes; with one process, which is what there is here, :class:`BatchNorm2d` for any
    input."""

    _ndims = (2, 3, 4, 5)

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype)

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """The module as it is: there is one process."""
        return module


class _LazyNormBase(LazyModuleMixin):
    """A norm that takes ``num_features`` from its first input."""

    num_features: int
    weight: Any
    bias: Any
    running_mean: Any
    running_var: Any

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False)
        self.affine, self.track_running_stats = affine, track_running_stats
        if affine:
            self.weight = UninitializedParameter(device=device, dtype=dtype)
            if bias:
                self.bias = UninitializedParameter(device=device, dtype=dtype)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)
            self.num_batches_tracked = ac.tensor(0, dtype=ac.int64)

    def reset_parameters(self) -> None:
        """Weight 1, bias 0, fresh running statistics, once there are shapes."""
        if not self.has_uninitialized_params() and self.num_features != 0:
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor) -> None:
        """Give parameters and statistics their shapes and initial values."""
        self._check_input_dim(input)  # type: ignore[attr-defined]
        if self.num_features == 0:  # also when values were loaded before the first input
            self.num_features = int(input.shape[self._feature_dim])  # type: ignore[attr-defined]
        if not self.has_uninitialized_params():
            return
        for t in (self.weight, self.bias, self.running_mean, self.running_var):
            if t is not None:
                t.materialize((self.num_features,))
        self.reset_parameters()


class LazyBatchNorm1d(_LazyNormBase, BatchNorm1d):  # type: ignore[misc]
    """:class:`BatchNorm1d` that takes ``num_features`` from its first input."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNormBase, BatchNorm2d):  # type: ignore[misc]
    """:class:`BatchNorm2d` that takes ``num_features`` from its first input."""

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNormBase, BatchNorm3d):  # type: ignore[misc]
    """:class:`BatchNorm3d` that takes ``num_features`` from its first input."""

    cls_to_become = BatchNorm3d
