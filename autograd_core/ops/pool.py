"""Pooling: the largest, the mean or the p-norm of windows; fixed, adaptive and random windows; unpooling.

Max pooling keeps the index of each maximum, 4 bytes an output; its gradient is a scatter to those indices, whose own
gradient is a gather from them.  Average pooling is linear, so it and its gradient differentiate into each other.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..kernels import pooling as kernels
from ..op import defop, sym
from ..tensor import Tensor, wrap
from .checks import batched, floating, sizes, tensor

__all__ = [
    "adaptive_avg_pool1d", "adaptive_max_pool1d", "avg_pool1d", "max_pool1d", "max_pool1d_with_indices", "max_pool2d",
    "max_pool3d",
]  # fmt: skip

# ------------------------------------------------------------------------------------------------- declarations

defop(
    kernels.max_pool,
    params="kernel stride padding dilation ceil_mode",
    name="max_pool",
    outputs="y indices",
    differentiable="y",
    formula="the largest x of each window, and where it is",
    x=lambda g, indices, x_shape, kernel, F: F.scatter_planes(g, indices, x_shape, len(kernel)),
)
defop(
    kernels.adaptive_max_pool,
    params="output_size",
    name="adaptive_max_pool",
    outputs="y indices",
    differentiable="y",
    formula="the largest x of each of output_size nearly equal windows, and where it is",
    x=lambda g, indices, x_shape, output_size, F: F.scatter_planes(g, indices, x_shape, len(output_size)),
)


def _gather_planes(x: Any, indices: Any, dims: int) -> Any:
    lead = x.shape[: x.ndim - dims]
    flat = x.reshape(*lead, -1)
    return np.take_along_axis(flat, indices.reshape(*lead, -1), -1).reshape(indices.shape)


defop(
    kernels.max_pool_backward,
    "x indices",
    "shape dims",
    name="scatter_planes",
    formula="zeros of shape, x added at indices of the flattened last dims",
    x=lambda g, indices, dims, F: F.gather_planes(g, indices, dims),
)
defop(
    _gather_planes,
    "x indices",
    "dims",
    name="gather_planes",
    formula="x at indices of the flattened last dims",
    x=lambda g, indices, x_shape, dims, F: F.scatter_planes(g, indices, x_shape, dims),
)
defop(
    kernels.max_unpool,
    "x indices",
    "spatial",
    name="max_unpool",
    formula="zeros with x at indices of the flattened planes",
    x=lambda g, indices, spatial, F: F.gather_planes(g, indices, len(spatial)),
)
defop(
    kernels.avg_pool,
    params="kernel stride padding ceil_mode count_include_pad divisor_override",
    name="avg_pool",
    formula="the mean of x over each window",
    x=lambda g, x_shape, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override, F: (
        F.avg_pool_backward(g, x_shape, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override)
    ),
)
defop(
    kernels.avg_pool_backward,
    params="shape kernel stride padding ceil_mode count_include_pad divisor_override",
    name="avg_pool_backward",
    formula="each x spread evenly over its window in zeros of shape",
    x=lambda g, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override, F: F.avg_pool(
        g, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override
    ),
)
defop(
    kernels.adaptive_avg_pool,
    params="output_size",
    name="adaptive_avg_pool",
    formula="the mean of x over each of output_size nearly equal windows",
    x=lambda g, x_shape, output_size, F: F.adaptive_avg_pool_backward(g, x_shape, output_size),
)
defop(
    kernels.adaptive_avg_pool_backward,
    params="shape output_size",
    name="adaptive_avg_pool_backward",
    formula="each x spread evenly over its window in zeros of shape",
    x=lambda g, output_size, F: F.adaptive_avg_pool(g, output_size),
)

# ------------------------------------------------------------------------------------------------- max pooling


def _input(name: str, value: Any, rank: int) -> Tensor:
    x = tensor(name, value)
    batched(name, x, rank)
    if x.array.dtype.kind not in "fiu":
        raise RuntimeError(f"{name}: not defined for dtype {x.dtype.name}; convert the input to a number type.")
    if 0 in x.array.shape[-rank - 1 :]:
        raise RuntimeError(f"{name}: only the batch dimension of the input may be empty, got shape {x.array.shape}.")
    return x


def _named(name: str, call: Any, *arguments: Any) -> Any:
    """Call a dispatcher; its kernel's complaint is said in the name of the function that the user called."""
    try:
        return call(*arguments)
    except RuntimeError as error:
        text = str(error)
        head, colon, rest = text.partition(": ")
        if colon and head.replace("_", "").isalnum() and head != name:
            explained = type(error)(f"{name}: {rest}")
            raise explained from None
        raise


Shape = tuple[int, ...]


def _windows(
    name: str, rank: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any = 1
) -> tuple[Shape, Shape, Shape, Shape]:
    try:
        return _checked_windows(name, rank, kernel_size, stride, padding, dilation)
    except TypeError:  # lists cannot be remembered; what is wrong is said here
        return _checked_windows.__wrapped__(name, rank, kernel_size, stride, padding, dilation)


@functools.lru_cache(maxsize=256, typed=True)
def _checked_windows(
    name: str, rank: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any
) -> tuple[Shape, Shape, Shape, Shape]:
    kernel = sizes(name, kernel_size, rank, "kernel_size")
    step = (
        kernel
        if stride is None or (isinstance(stride, (tuple, list)) and not stride)
        else sizes(name, stride, rank, "stride")
    )
    if min(step) < 1:
        raise RuntimeError(f"{name}: stride should not be zero or negative, got {step}.")
    return kernel, step, sizes(name, padding, rank, "padding"), sizes(name, dilation, rank, "dilation")


def _max_pool(
    name: str,
    rank: int,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    x = _input(name, input, rank)
    kernel, step, pad, spread = _windows(name, rank, kernel_size, stride, padding, dilation)
    y, indices = _named(name, sym.max_pool, x, kernel, step, pad, spread, bool(ceil_mode))
    return (y, wrap(indices.array.astype(np.int64, copy=False))) if return_indices else y


def max_pool1d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # fmt: skip
    """The largest element of each window of signals (n, c, length) or (c, length).  See :func:`max_pool2d`."""
    return _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # fmt: skip
    """The largest element of each window of images.

    Parameters
    ----------
    input : Tensor, (n, c, height, width) or (c, height, width)
    kernel_size : int or tuple of int
        Size of the window.
    stride : int or tuple of int, optional
        Step of the window, ``kernel_size`` when left out.
    padding : int or tuple of int
        Minus infinity added on both sides, at most half a window.
    dilation : int or tuple of int
        Step between the elements of a window.
    ceil_mode : bool
        Round the output size up: a last window may hang over the edge.
    return_indices : bool
        Return also where each maximum lies in the flattened plane.

    Returns
    -------
    Tensor, or (Tensor, Tensor of int64)

    Raises
    ------
    RuntimeError
        If the window does not fit.

    Source: PyTorch, ``torch.nn.functional.max_pool2d``.
    """
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # fmt: skip
    """The largest element of each window of volumes.  See :func:`max_pool2d`."""
    return _max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool1d_with_indices(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """:func:`max_pool1d` and the indices of the maxima."""
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d_with_indices(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """:func:`max_pool2d` and the indices of the maxima."""
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool3d_with_indices(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """:func:`max_pool3d` and the indices of the maxima."""
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


# ------------------------------------------------------------------------------------------------- adaptive


def _output_size(name: str, value: Any, x: Tensor, rank: int) -> tuple[int, ...]:
    """The output's size; None keeps the input's."""
    spatial = x.array.shape[-rank:]
    if isinstance(value, (tuple, list)):
        if len(value) == 1:
            value = tuple(value) * rank
        if len(value) != rank:
            raise RuntimeError(
                f"{name}: output_size must be one int or {rank} (None keeps a size), got {tuple(value)}."
            )
        value = tuple(s if v is None else v for v, s in zip(value, spatial, strict=True))
    elif value is None:
        value = spatial
    out = sizes(name, value, rank, "output_size")
    if min(out) < 0:
        raise RuntimeError(f"{name}: output_size must not be negative, got {out}.")
    return out


def _adaptive_max(name: str, rank: int, input: Any, output_size: Any, return_indices: bool) -> Any:
    x = _input(name, input, rank)
    y, indices = sym.adaptive_max_pool(x, _output_size(name, output_size, x, rank))
    return (y, wrap(indices.array.astype(np.int64, copy=False))) if return_indices else y


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest element of each of ``output_size`` nearly equal windows."""
    return _adaptive_max("adaptive_max_pool1d", 1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest element of each of ``output_size`` nearly equal windows (None keeps the input's size)."""
    return _adaptive_max("adaptive_max_pool2d", 2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest element of each of ``output_size`` nearly equal windows (None keeps the input's size)."""
    return _adaptive_max("adaptive_max_pool3d", 3, input, output_size, return_indices)


def adaptive_max_pool1d_with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """:func:`adaptive_max_pool1d` and the indices of the maxima."""
    return adaptive_max_pool1d(input, output_size, True)


def adaptive_max_pool2d_with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """:func:`adaptive_max_pool2d` and the indices of the maxima."""
    return adaptive_max_pool2d(input, output_size, True)


def adaptive_max_pool3d_with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """:func:`adaptive_max_pool3d` and the indices of the maxima."""
    return adaptive_max_pool3d(input, output_size, True)


def _adaptive_avg(name: str, rank: int, input: Any, output_size: Any) -> Tensor:
    x = _input(name, input, rank)
    floating(name, x)
    return sym.adaptive_avg_pool(x, _output_size(name, output_size, x, rank))


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of each of ``output_size`` nearly equal windows."""
    return _adaptive_avg("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of each of ``output_size`` nearly equal windows (None keeps the input's size)."""
    return _adaptive_avg("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of each of ``output_size`` nearly equal windows (None keeps the input's size)."""
    return _adaptive_avg("adaptive_avg_pool3d", 3, input, output_size)


# ------------------------------------------------------------------------------------------------- average pooling


def _avg_pool(
    name: str,
    rank: int,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor: Any,
) -> Tensor:
    x = _input(name, input, rank)
    floating(name, x)
    kernel, step, pad, _ = _windows(name, rank, kernel_size, stride, padding)
    if divisor == 0:
        raise RuntimeError(f"{name}: divisor_override must not be zero.")
    return _named(name, sym.avg_pool, x, kernel, step, pad, bool(ceil_mode), bool(count_include_pad), divisor)


def avg_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of signals.  See :func:`avg_pool2d`."""
    return _avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window of images.

    Parameters
    ----------
    input : Tensor, (n, c, height, width) or (c, height, width)
    kernel_size, stride, padding : int or tuple of int
        As for :func:`max_pool2d`; the padding is of zeros.
    ceil_mode : bool
        Round the output size up.
    count_include_pad : bool
        Whether zeros of the padding count as elements.
    divisor_override : int, optional
        Divide by this number instead of the number of elements.

    Source: PyTorch, ``torch.nn.functional.avg_pool2d``.
    """
    return _avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def avg_pool3d(
    input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window of volumes.  See :func:`avg_pool2d`."""
    return _avg_pool(
        "avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )
