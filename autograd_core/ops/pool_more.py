"""Less common pooling: windows at random places, p-norms of windows, and unpooling."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..op import defop, sym
from ..random import stream
from ..tensor import Tensor, wrap
from .checks import batched, floating, integers, sizes
from .pool import _windows

__all__: list[str] = []

# ------------------------------------------------------------------------------------------------- fractional


def _starts(size: int, out: int, kernel: int, sample: Any) -> Any:
    """Where the windows begin: pseudo-random steps of one of two neighbouring lengths, (planes, out)."""
    if out == 1:
        return np.full((*sample.shape, 1), size - kernel)
    step = sample.dtype.type((size - kernel) / (out - 1))
    i = np.arange(out - 1)
    at = ((i + sample[..., None]) * step).astype(np.int64) - (sample * step).astype(np.int64)[..., None]
    return np.concatenate([at, np.full((*sample.shape, 1), size - kernel)], -1)


def _fractional(x: Any, samples: Any, kernel: tuple[int, ...], output: tuple[int, ...]) -> tuple[Any, Any]:
    """(n, c, *spatial) and samples (n, c, rank) to the maxima and their places in the flattened planes."""
    rank, spatial = len(kernel), x.shape[2:]
    lead = x.shape[:2]
    index: Any = np.zeros((*lead, *(1,) * (2 * rank)), np.int64)
    for d in range(rank):
        # PyTorch's samples come in the order (w, h) for images and (t, h, w) for volumes
        sample = samples[..., rank - 1 - d] if rank == 2 else samples[..., d]
        places = _starts(spatial[d], output[d], kernel[d], sample)[..., None] + np.arange(kernel[d])
        shape = [1] * (2 * rank)
        shape[d], shape[rank + d] = output[d], kernel[d]
        index = index + places.reshape(*lead, *shape) * math.prod(spatial[d + 1 :])
    index = index.reshape(*lead, math.prod(output), math.prod(kernel))
    flat = x.reshape(*lead, 1, math.prod(spatial))
    values = np.take_along_axis(np.broadcast_to(flat, (*lead, index.shape[2], flat.shape[-1])), index, -1)
    best = np.argmax(values, -1)[..., None]
    where = np.take_along_axis(index, best, -1)[..., 0].reshape(*lead, *output)
    return np.take_along_axis(values, best, -1)[..., 0].reshape(*lead, *output), where


defop(
    _fractional,
    "x samples",
    "kernel output",
    name="fractional_max_pool",
    outputs="y indices",
    differentiable="y",
    formula="the largest x of windows at pseudo-random places, and where it is",
    x=lambda g, indices, x_shape, kernel, F: F.scatter_planes(g, indices, x_shape, len(kernel)),
)


def _fractional_pool(
    name: str,
    rank: int,
    input: Any,
    kernel_size: Any,
    output_size: Any,
    output_ratio: Any,
    return_indices: bool,
    samples: Any,
) -> Any:
    x = floating(name, input)
    whole = batched(name, x, rank)
    kernel = sizes(name, kernel_size, rank, "kernel_size")
    spatial = x.array.shape[-rank:]
    if (output_size is None) == (output_ratio is None):
        raise ValueError(f"{name}: give one of output_size and output_ratio.")
    if output_size is not None:
        out = sizes(name, output_size, rank, "output_size")
    else:
        ratios = tuple(output_ratio) if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * rank
        if not all(0 < r < 1 for r in ratios):
            raise ValueError(f"{name}: output_ratio must be between 0 and 1, got {output_ratio}.")
        out = tuple(int(s * r) for s, r in zip(spatial, ratios, strict=True))
    for s, k, o in zip(spatial, kernel, out, strict=True):
        if k < 1 or o < 1 or o + k - 1 > s:
            raise RuntimeError(f"{name}: {o} windows of size {k} do not fit into size {s} (input {x.array.shape}).")
    full = x if whole else sym.reshape(x, (1, *x.array.shape))
    n, c = full.array.shape[:2]
    if samples is None:
        samples = wrap(stream(None).random((n, c, rank)).astype(x.array.dtype))
    elif samples.array.shape[-2:] != (c, rank) or samples.array.shape[0] not in (1, n) or samples.array.ndim != 3:
        raise RuntimeError(f"{name}: _random_samples must have shape ({n}, {c}, {rank}), got {samples.array.shape}.")
    y, where = sym.fractional_max_pool(full, samples, kernel, out)
    if not whole:
        y, where = sym.reshape(y, y.array.shape[1:]), sym.reshape(where, where.array.shape[1:])
    return (y, where) if return_indices else y


def fractional_max_pool2d(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """The largest element of windows at pseudo-random places (Graham, "Fractional Max-Pooling", 2014).

    Parameters
    ----------
    input : Tensor, (n, c, h, w) or (c, h, w)
    kernel_size : int or tuple of int
    output_size, output_ratio : int or float, or tuple
        The output's size, or its share of the input's; one of them.
    return_indices : bool
        Return also where each maximum lies in the flattened plane.
    """
    return _fractional_pool(
        "fractional_max_pool2d", 2, input, kernel_size, output_size, output_ratio, return_indices, _random_samples
    )


def fractional_max_pool3d(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """:func:`fractional_max_pool2d` for volumes."""
    return _fractional_pool(
        "fractional_max_pool3d", 3, input, kernel_size, output_size, output_ratio, return_indices, _random_samples
    )


def fractional_max_pool2d_with_indices(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """:func:`fractional_max_pool2d` and the indices of the maxima."""
    return fractional_max_pool2d(input, kernel_size, output_size, output_ratio, True, _random_samples)


def fractional_max_pool3d_with_indices(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """:func:`fractional_max_pool3d` and the indices of the maxima."""
    return fractional_max_pool3d(input, kernel_size, output_size, output_ratio, True, _random_samples)


# ------------------------------------------------------------------------------------------------- p-norms


def _lp_pool(
    name: str, rank: int, input: Any, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool
) -> Tensor:
    x = floating(name, input)
    batched(name, x, rank)
    kernel, step, pad, _ = _windows(name, rank, kernel_size, stride, 0)
    power = x**norm_type
    mean = sym.avg_pool(power, kernel, step, pad, bool(ceil_mode), True, None)
    return (sym.sign(mean) * sym.relu(sym.abs(mean)) * math.prod(kernel)) ** (1.0 / norm_type)


def lp_pool1d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """``(sum of x**p) ** (1/p)`` over each window; p = 1 is the sum, p to infinity the maximum."""
    return _lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """``(sum of x**p) ** (1/p)`` over each window of images."""
    return _lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """``(sum of x**p) ** (1/p)`` over each window of volumes."""
    return _lp_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)


# ------------------------------------------------------------------------------------------------- unpooling


def _unpool(
    name: str, rank: int, input: Any, indices: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Tensor:
    x, where = floating(name, input), integers(name, indices, "indices")
    batched(name, x, rank)
    if where.array.dtype != np.int64:
        raise RuntimeError(f"{name}: indices must be int64, got {where.dtype.name}; convert them with long().")
    if where.array.shape != x.array.shape:
        raise RuntimeError(f"{name}: indices {where.array.shape} must have the input's shape {x.array.shape}.")
    kernel, step, pad, _ = _windows(name, rank, kernel_size, stride, padding)
    spatial = x.array.shape[-rank:]
    default = tuple((n - 1) * s + k - 2 * p for n, s, k, p in zip(spatial, step, kernel, pad, strict=True))
    out = default
    if output_size is not None:
        out = tuple(int(v) for v in output_size)
        out = out[-rank:] if len(out) in (rank + 1, rank + 2) else out
        if len(out) != rank:
            raise ValueError(f"{name}: output_size must name {rank} or {rank + 2} sizes, got {tuple(output_size)}.")
        for o, d, s in zip(out, default, step, strict=True):
            if not d - s < o < d + s:
                raise ValueError(
                    f"{name}: invalid output_size {out}: each must be within stride {step} of the default {default}."
                )
    area = math.prod(out)
    a = where.array
    if a.size and (a.min() < 0 or a.max() >= area):
        wrong = int(a[(a < 0) | (a >= area)][0])
        raise RuntimeError(f"{name}: found an invalid max index {wrong}: the output plane {out} has {area} elements.")
    return sym.max_unpool(x, where, out)


def max_unpool1d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """The partial inverse of ``max_pool1d``: each value at the index it came from, 0 elsewhere."""
    return _unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """The partial inverse of ``max_pool2d``: each value at the index it came from, 0 elsewhere."""
    return _unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """The partial inverse of ``max_pool3d``: each value at the index it came from, 0 elsewhere."""
    return _unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)
