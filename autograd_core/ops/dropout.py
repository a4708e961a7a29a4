"""Dropout and its kin.  What is kept for the backward pass is the mask, one byte an element (one a channel)."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..kernels import dropout as kernels
from ..op import defop, sym
from ..random import stream
from ..tensor import Tensor, wrap
from .checks import floating, probability, settle, tensor

__all__ = ["alpha_dropout", "alpha_dropout_", "dropout", "dropout_", "feature_alpha_dropout", "feature_dropout"]


# Srivastava et al., "Dropout", 2014.
defop(
    kernels.dropout,
    "x",
    "p rng",
    name="dropout",
    outputs="y mask",
    differentiable="y",
    formula="x / (1 - p) with probability 1 - p, else 0",
    x=lambda g, mask, p, F: F.dropout_backward(g, mask, p),
)
defop(
    kernels.dropout_backward,
    "x mask",
    "p",
    name="dropout_backward",
    formula="x / (1 - p) where mask, else 0",
    x=lambda g, mask, p, F: F.dropout_backward(g, mask, p),
)


def _masked(x: Any, mask: Any, scale: float) -> Any:
    y = x * mask
    y *= scale
    return y


defop(
    _masked,
    "x mask",
    "scale",
    name="scale_kept",
    formula="scale x where mask (broadcast), else 0",
    x=lambda g, mask, scale, F: F.scale_kept(g, mask, scale),
)

# Klambauer et al., "Self-Normalizing Neural Networks", 2017: dropped units take the value -1.758 = SELU(-inf), and an
# affine map restores mean and variance.
ALPHA = 1.7580993408473766
defop(
    lambda x, mask, scale, low, shift: np.where(mask, x * scale, np.asarray(low, x.dtype)) + shift,
    "x mask",
    "scale low shift",
    name="alpha_dropout",
    formula="scale x + shift where mask, else low + shift",
    x=lambda g, mask, scale, F: F.scale_kept(g, mask, scale),
)


def _keep(shape: tuple[int, ...], p: float, generator: Any) -> Tensor:
    """A mask that is True with probability 1 - p."""
    return wrap(kernels.keep_mask(shape, p, stream(generator)))


def _channels(x: Tensor) -> tuple[int, ...]:
    return x.array.shape[:2] + (1,) * (x.array.ndim - 2)


def _dropped(x: Tensor, p: float, shape: tuple[int, ...], generator: Any) -> Tensor:
    return sym.scale_kept(x, _keep(shape, p, generator), 0.0 if p == 1.0 else 1 / (1 - p))


def dropout(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, generator: Any = None
) -> Tensor:
    """Set each element to 0 with probability ``p``, scale the others by ``1 / (1 - p)``; the input when not training.

    Raises
    ------
    ValueError
        If ``p`` is not between 0 and 1.

    Source: Srivastava et al., 2014; PyTorch, ``torch.nn.functional.dropout``.
    """
    p = probability("dropout", p)
    if not training or p == 0.0:
        return tensor("dropout", input)
    x = floating("dropout", input)
    return settle(input, sym.dropout(x, p, stream(generator))[0], inplace, "dropout_")


def dropout_(input: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """:func:`dropout`, written into its argument."""
    return dropout(input, p, training, inplace=True)


def feature_dropout(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, generator: Any = None
) -> Tensor:
    """:func:`dropout` of whole channels: all of ``input[n, c]`` is kept or set to 0."""
    return _feature(input, p, training, inplace, generator, "feature_dropout")


def _feature(input: Any, p: Any, training: bool, inplace: bool, generator: Any, name: str) -> Tensor:
    p = probability(name, p)
    x = tensor(name, input)
    if not training or p == 0.0:
        return x
    if x.array.ndim < 2:
        raise RuntimeError(
            f"{name}: channels need at least 2 dimensions (batch, channels, ...), got shape {x.array.shape}."
        )
    return settle(input, _dropped(floating(name, x), p, _channels(x), generator), inplace, name)


def _dimensional(
    name: str, rank: int, input: Any, p: Any, training: bool, inplace: bool, generator: Any, unbatched: bool
) -> Tensor:
    x = tensor(name, input)
    n = x.array.ndim
    if n not in (rank + 1, rank + 2):
        text = f"{name}: received a {n}-d input, expected {rank + 1} or {rank + 2} dimensions; "
        if rank == 1:
            raise RuntimeError(text + "shapes are (channels, length) or (batch, channels, length).")
        warnings.warn(text + "the first two are taken as batch and channels.", UserWarning, stacklevel=3)
    if n == rank + 1 and unbatched:  # (channels, ...): each channel is kept or dropped
        p = probability(name, p)
        if not training or p == 0.0:
            return x
        y = _dropped(floating(name, x), p, (x.array.shape[0], *(1,) * (n - 1)), generator)
        return settle(input, y, inplace, name)
    if n == rank + 1 and rank == 2:
        warnings.warn(
            f"{name}: a 3-d input is taken as (batch, channels, length); use dropout1d for that, or unsqueeze(0) a "
            "single image.",
            UserWarning, stacklevel=3,
        )  # fmt: skip
    return _feature(input, p, training, inplace, generator, name)


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, generator: Any = None
) -> Tensor:
    """:func:`dropout` of whole channels of (n, c, length) or (c, length) (Tompson et al., 2015)."""
    return _dimensional("dropout1d", 1, input, p, training, inplace, generator, True)


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, generator: Any = None
) -> Tensor:
    """:func:`dropout` of whole channels of (n, c, height, width)."""
    return _dimensional("dropout2d", 2, input, p, training, inplace, generator, False)


def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False, generator: Any = None
) -> Tensor:
    """:func:`dropout` of whole channels of (n, c, depth, height, width) or (c, depth, height, width)."""
    return _dimensional("dropout3d", 3, input, p, training, inplace, generator, True)


def _alpha(name: str, input: Any, p: Any, training: bool, inplace: bool, generator: Any, channels: bool) -> Tensor:
    p = probability(name, p)
    if not training or p == 0.0:
        return tensor(name, input)
    x = floating(name, input)
    if p == 1.0:
        return settle(input, sym.mul(x, 0), inplace, name)
    if channels and x.array.ndim < 2:
        raise RuntimeError(
            f"{name}: channels need at least 2 dimensions (batch, channels, ...), got shape {x.array.shape}."
        )
    mask = _keep(_channels(x) if channels else x.array.shape, p, generator)
    a = 1 / math.sqrt((ALPHA * ALPHA * p + 1) * (1 - p))
    return settle(input, sym.alpha_dropout(x, mask, a, -ALPHA * a, ALPHA * a * p), inplace, name)


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False, generator: Any = None
) -> Tensor:
    """Dropout that keeps mean and variance under SELU: dropped elements take its lowest value."""
    return _alpha("alpha_dropout", input, p, training, inplace, generator, False)


def alpha_dropout_(input: Tensor, p: float = 0.5, training: bool = False) -> Tensor:
    """:func:`alpha_dropout`, written into its argument."""
    return alpha_dropout(input, p, training, inplace=True)


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False, generator: Any = None
) -> Tensor:
    """:func:`alpha_dropout` of whole channels."""
    return _alpha("feature_alpha_dropout", input, p, training, inplace, generator, True)
