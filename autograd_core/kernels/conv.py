"""Convolution kernels, 1 to 3 spatial dimensions: forward and both gradients, strided, padded, dilated, grouped.

`conv`, `conv_grad_input` and `conv_grad_weight` check their arguments and choose: compiled kernels for float32 above a
measured size (``jit_conv``), NumPy for the rest (``conv_numpy``, where the formulas stand).  Transposed convolution is
`conv_grad_input` with the shape that its output is to have (`transposed_size`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from . import conv_native, conv_numpy, runtime
from .conv_numpy import Ints, out_size
from .conv_plan import Problem

IntOrInts = int | tuple[int, ...]


def _ints(value: IntOrInts, rank: int, what: str, name: str) -> Ints:
    if isinstance(value, int | np.integer):
        return (int(value),) * rank
    values = tuple(int(v) for v in value)
    if len(values) == 1:
        return values * rank
    if len(values) != rank:
        raise RuntimeError(f"{name}: expected {what} to be one int or {rank}, got {values}.")
    return values


def _by(values: Ints) -> str:
    return " x ".join(map(str, values))


@lru_cache(maxsize=1024)
def _check(
    name: str, x_shape: Ints, w_shape: Ints, stride: IntOrInts, padding: IntOrInts, dilation: IntOrInts, groups: int
) -> Problem:
    """The arguments of one convolution, checked; what is right once is right the next time."""
    rank = len(w_shape) - 2
    if not 1 <= rank <= 3:
        raise RuntimeError(
            f"{name}: expected weight of shape (out_channels, in_channels/groups, *kernel) with 1 to 3 kernel "
            f"dimensions, got {w_shape}."
        )
    if len(x_shape) != rank + 2:
        raise RuntimeError(
            f"{name}: weight {w_shape} has {rank} kernel dimensions, so the input must be (batch, channels, "
            f"{', '.join('DHW'[-rank:])}), got shape {x_shape}."
        )
    if groups < 1:
        raise RuntimeError(f"{name}: groups must be positive, got {groups}.")
    stride = _ints(stride, rank, "stride", name)
    padding = _ints(padding, rank, "padding", name)
    dilation = _ints(dilation, rank, "dilation", name)
    if min(stride) < 1:
        raise RuntimeError(f"{name}: stride must be positive, got {stride}.")
    if min(padding) < 0:
        raise RuntimeError(f"{name}: padding must not be negative, got {padding}; slice the input instead.")
    if min(dilation) < 1:
        raise RuntimeError(f"{name}: dilation must be positive, got {dilation}.")
    if w_shape[0] == 0 or 0 in w_shape[2:]:
        raise RuntimeError(f"{name}: weight {w_shape} has a dimension of size 0; only in_channels may be 0.")
    if w_shape[0] % groups:
        raise RuntimeError(
            f"{name}: out_channels={w_shape[0]} of weight {w_shape} cannot be divided into groups={groups}."
        )
    if x_shape[1] != w_shape[1] * groups:
        raise RuntimeError(
            f"{name}: weight {w_shape} with groups={groups} expects {w_shape[1] * groups} input channels, "
            f"got input {x_shape} with {x_shape[1]}."
        )
    spatial, kernel = x_shape[2:], w_shape[2:]
    if 0 in spatial:
        raise RuntimeError(f"{name}: input {x_shape} has no pixels; only the batch or the channels may be 0.")
    reach = tuple(d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True))
    padded = tuple(n + 2 * p for n, p in zip(spatial, padding, strict=True))
    if any(n < r for n, r in zip(padded, reach, strict=True)):
        raise RuntimeError(
            f"{name}: the kernel ({_by(reach)} with its dilation) is larger than the padded input ({_by(padded)}); "
            f"input {x_shape}, weight {w_shape}, padding {padding}. Pad more or use a smaller kernel."
        )
    out = out_size(spatial, kernel, stride, padding, dilation)
    return Problem(x_shape, w_shape, stride, padding, dilation, groups, out)


def _hashable(value: IntOrInts) -> IntOrInts:
    return tuple(value) if isinstance(value, list) else value


def _same_dtype(name: str, **arrays: np.ndarray | None) -> np.dtype:
    dtypes = {what: array.dtype for what, array in arrays.items() if array is not None}
    first = next(iter(dtypes.values()))
    if any(dtype != first for dtype in dtypes.values()):
        raise RuntimeError(
            f"{name}: expected one dtype, got {', '.join(f'{k} {v}' for k, v in dtypes.items())}; convert with .to()."
        )
    return first


def _native(dtype: np.dtype, problem: Problem) -> bool:
    """Whether the compiled kernels take this: float32, and large enough to be worth it."""
    return (
        dtype == np.float32
        and problem.work >= max(1, runtime.THRESHOLDS["conv.numba"])
        and runtime.native("conv") is not None
    )


def _wide(array: np.ndarray) -> np.ndarray:
    """Half precision is computed in single: NumPy has no matrix product for it, and sums would lose digits."""
    return array.astype(np.float32) if array.dtype == np.float16 else array


def conv(
    x: np.ndarray,
    w: np.ndarray,
    bias: np.ndarray | None = None,
    stride: IntOrInts = 1,
    padding: IntOrInts = 0,
    dilation: IntOrInts = 1,
    groups: int = 1,
) -> np.ndarray:
    """Convolve (cross-correlate) images with kernels; see ``conv_numpy`` for the formula.

    Parameters
    ----------
    x : ndarray, (n, c, *spatial)
        Images with 1 to 3 spatial dimensions, any strides.
    w : ndarray, (o, c / groups, *kernel)
        Kernels.
    bias : ndarray, (o,), optional
        Added to each output channel.
    stride, padding, dilation : int or tuple of int
        Per spatial dimension; ``padding`` zeros on both sides.
    groups : int
        Channels are cut in ``groups`` equal parts that do not mix.

    Returns
    -------
    ndarray, (n, o, *out)
        C-contiguous, of the inputs' dtype.

    Raises
    ------
    RuntimeError
        Shapes or dtypes do not fit, or the kernel is larger than the padded input.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_core.kernels.conv import conv
    >>> conv(np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2)), padding=1)[0, 0, 0]
    array([1., 2., 2., 1.])

    Source: PyTorch, ``torch.nn.functional.conv2d``.
    """
    name = f"conv{w.ndim - 2}d"
    problem = _check(name, x.shape, w.shape, _hashable(stride), _hashable(padding), _hashable(dilation), groups)
    dtype = _same_dtype(name, input=x, weight=w, bias=bias)
    if bias is not None and bias.shape != w.shape[:1]:
        raise RuntimeError(f"{name}: expected bias of shape ({w.shape[0]},), got {bias.shape}.")
    if _native(dtype, problem):
        return conv_native.conv(x, w, bias, problem)
    y = conv_numpy.conv(_wide(x), _wide(w), None if bias is None else _wide(bias), *problem.how)
    return y.astype(dtype, copy=False)


def conv_grad_input(
    g: np.ndarray,
    w: np.ndarray,
    x_shape: Ints,
    stride: IntOrInts = 1,
    padding: IntOrInts = 0,
    dilation: IntOrInts = 1,
    groups: int = 1,
    name: str | None = None,
) -> np.ndarray:
    """Gradient of `conv` with respect to its input; also the transposed convolution of ``g``.

    Parameters
    ----------
    g : ndarray, (n, o, *out)
        Gradient of the output, with the shape `conv` gives for ``x_shape``.
    w : ndarray, (o, c / groups, *kernel)
        Kernels.
    x_shape : tuple of int
        Shape of the input, ``(n, c, *spatial)``.
    stride, padding, dilation, groups
        As given to `conv`.
    name : str, optional
        The function that the user called, for messages.

    Returns
    -------
    ndarray, ``x_shape``

    Raises
    ------
    RuntimeError
        Shapes or dtypes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_core.kernels.conv import conv_grad_input
    >>> conv_grad_input(np.ones((1, 1, 2)), np.ones((1, 1, 2)), (1, 1, 3))
    array([[[1., 2., 1.]]])

    Source: PyTorch, ``torch.nn.grad.conv2d_input`` and ``torch.nn.functional.conv_transpose2d``.
    """
    name = name or f"conv{w.ndim - 2}d_input"
    x_shape = tuple(x_shape)
    problem = _check(name, x_shape, w.shape, _hashable(stride), _hashable(padding), _hashable(dilation), groups)
    dtype = _same_dtype(name, gradient=g, weight=w)
    if g.shape != problem.y_shape:
        raise RuntimeError(f"{name}: expected a gradient of shape {problem.y_shape}, got {g.shape}.")
    if _native(dtype, problem):
        return conv_native.conv_grad_input(g, w, problem)
    dx = conv_numpy.conv_grad_input(_wide(g), _wide(w), x_shape, *problem.how)
    return dx.astype(dtype, copy=False)


def conv_grad_weight(
    g: np.ndarray,
    x: np.ndarray,
    w_shape: Ints,
    stride: IntOrInts = 1,
    padding: IntOrInts = 0,
    dilation: IntOrInts = 1,
    groups: int = 1,
    name: str | None = None,
) -> np.ndarray:
    """Gradient of `conv` with respect to its weight; that of the bias is `bias_grad`.

    Parameters
    ----------
    g : ndarray, (n, o, *out)
        Gradient of the output.
    x : ndarray, (n, c, *spatial)
        The input that was given to `conv`.
    w_shape : tuple of int
        Shape of the weight, ``(o, c / groups, *kernel)``.
    stride, padding, dilation, groups
        As given to `conv`.
    name : str, optional
        The function that the user called, for messages.

    Returns
    -------
    ndarray, ``w_shape``

    Raises
    ------
    RuntimeError
        Shapes or dtypes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_core.kernels.conv import conv_grad_weight
    >>> conv_grad_weight(np.ones((1, 1, 2)), np.array([[[1.0, 2.0, 4.0]]]), (1, 1, 2))
    array([[[3., 6.]]])

    Source: PyTorch, ``torch.nn.grad.conv2d_weight``.
    """
    w_shape = tuple(w_shape)
    name = name or f"conv{len(w_shape) - 2}d_weight"
    problem = _check(name, x.shape, w_shape, _hashable(stride), _hashable(padding), _hashable(dilation), groups)
    dtype = _same_dtype(name, gradient=g, input=x)
    if g.shape != problem.y_shape:
        raise RuntimeError(f"{name}: expected a gradient of shape {problem.y_shape}, got {g.shape}.")
    if _native(dtype, problem):
        return conv_native.conv_grad_weight(g, x, problem)
    dw = conv_numpy.conv_grad_weight(_wide(g), _wide(x), w_shape, *problem.how)
    return dw.astype(dtype, copy=False)


def bias_grad(g: np.ndarray) -> np.ndarray:
    """Gradient of `conv` with respect to its bias: the sum of ``g`` over images and pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_core.kernels.conv import bias_grad
    >>> bias_grad(np.ones((2, 3, 5)))
    array([10., 10., 10.])
    """
    n, o = g.shape[:2]
    if g.dtype == np.float32 and g.size >= runtime.THRESHOLDS["conv.bias_grad"] and runtime.native("conv"):
        return conv_native.bias_grad(g)
    wide = np.float32 if g.dtype == np.float16 else g.dtype
    # pixels first: NumPy sums pairwise along the innermost axis
    return g.reshape(n, o, math.prod(g.shape[2:])).sum(2, dtype=wide).sum(0).astype(g.dtype, copy=False)


def transposed_size(
    name: str,
    x_shape: Ints,
    w_shape: Ints,
    stride: IntOrInts = 1,
    padding: IntOrInts = 0,
    output_padding: IntOrInts = 0,
    groups: int = 1,
    dilation: IntOrInts = 1,
) -> Ints:
    """Shape of a transposed convolution: ``(size - 1) stride - 2 padding + dilation (kernel - 1) + 1 + extra``.

    ``conv_grad_input(x, w, transposed_size(...), ...)`` is the transposed convolution of ``x``.

    Parameters
    ----------
    name : str
        The function that the user called, for messages.
    x_shape : tuple of int
        ``(n, c, *spatial)``.
    w_shape : tuple of int
        ``(c, o / groups, *kernel)``.
    stride, padding, output_padding, dilation : int or tuple of int
        Per spatial dimension; ``output_padding`` (``extra``) must be smaller than stride or dilation.
    groups : int
        Number of groups.

    Examples
    --------
    >>> from autograd_core.kernels.conv import transposed_size
    >>> transposed_size("conv_transpose2d", (8, 16, 7, 7), (16, 32, 3, 3), stride=2, padding=1, output_padding=1)
    (8, 32, 14, 14)
    """
    rank = len(w_shape) - 2
    if not 1 <= rank <= 3 or len(x_shape) != rank + 2:
        raise RuntimeError(
            f"{name}: expected input (batch, channels, *spatial) and weight (in_channels, out_channels/groups, "
            f"*kernel) with 1 to 3 spatial dimensions, got {x_shape} and {w_shape}."
        )
    stride = _ints(stride, rank, "stride", name)
    padding = _ints(padding, rank, "padding", name)
    extra = _ints(output_padding, rank, "output_padding", name)
    dilation = _ints(dilation, rank, "dilation", name)
    if groups < 1 or x_shape[1] % groups:
        raise RuntimeError(f"{name}: {x_shape[1]} input channels cannot be divided into groups={groups}.")
    if x_shape[1] != w_shape[0]:
        raise RuntimeError(
            f"{name}: weight {w_shape} expects {w_shape[0]} input channels, got input {x_shape} with {x_shape[1]}."
        )
    for e, s, d in zip(extra, stride, dilation, strict=True):
        if not 0 <= e < max(s, d):
            raise RuntimeError(
                f"{name}: output_padding must be smaller than stride or dilation, got output_padding {extra}, "
                f"stride {stride}, dilation {dilation}."
            )
    size = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + 1 + e
        for n, s, p, d, k, e in zip(x_shape[2:], stride, padding, dilation, w_shape[2:], extra, strict=True)
    )
    if min(size) < 1:
        raise RuntimeError(
            f"{name}: the output would have size ({_by(size)}): input {x_shape}, weight {w_shape}, padding {padding}. "
            "Use less padding or a larger kernel."
        )
    return (x_shape[0], w_shape[1] * groups, *size)


def warm() -> list[tuple[str, Callable[[], object]]]:
    """Calls that compile every kernel here, for ``python -m autograd_core.kernels warm``."""
    if runtime.native("conv") is None:
        return []
    x, half = np.ones((1, 8, 4, 4), np.float32), np.ones((1, 8, 2, 2), np.float32)
    many, few = np.ones((8, 8, 3, 3), np.float32), np.ones((8, 1, 3, 3), np.float32)
    full = Problem(x.shape, many.shape, (1, 1), (1, 1), (1, 1), 1, (4, 4))
    strided = Problem(x.shape, many.shape, (2, 2), (1, 1), (1, 1), 1, (2, 2))
    depthwise = Problem(x.shape, few.shape, (2, 2), (1, 1), (1, 1), 8, (2, 2))
    return [
        ("forward", lambda: conv_native.conv(x, many, None, full)),
        ("gradient of input", lambda: conv_native.conv_grad_input(x, many, full)),
        ("gradient of input, strided", lambda: conv_native.conv_grad_input(half, many, strided)),
        ("gradient of weight", lambda: conv_native.conv_grad_weight(x, x, full)),
        ("gradient of bias", lambda: conv_native.bias_grad(x)),
        ("depthwise", lambda: conv_native.conv(x, few, None, depthwise)),
        ("depthwise, gradient of weight", lambda: conv_native.conv_grad_weight(half, x, depthwise)),
    ]
