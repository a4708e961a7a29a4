"""Initial values of parameters (PyTorch's ``torch.nn.init``): each function fills a tensor in place and returns it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core import Generator, Tensor, graph
from autograd_core.random import stream

__all__ = [
    "calculate_gain", "constant_", "dirac_", "eye_", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_",
    "orthogonal_",
    "sparse_", "trunc_normal_", "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_",
]  # fmt: skip


def _fill(tensor: Tensor, values: Any) -> Tensor:
    """Write values into the tensor's memory; nothing is recorded."""
    tensor.array[...] = values
    graph.wrote(tensor.array)
    return tensor


def _check(tensor: Any, name: str) -> None:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name}: expected a Tensor to fill, got {type(tensor).__name__}.")


def _draw(tensor: Tensor, kind: str, generator: Generator | None) -> Any:
    """Standard uniform or normal numbers of the tensor's shape and precision."""
    a = tensor.array
    numbers = getattr(stream(generator), kind)
    return numbers(a.shape, dtype=a.dtype) if a.dtype in (np.float32, np.float64) else numbers(a.shape).astype(a.dtype)


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with numbers from the uniform distribution U(a, b)."""
    _check(tensor, "uniform_")
    if a > b:
        raise RuntimeError(f"uniform_: the interval must have a <= b, got [{a}, {b}].")
    return _fill(tensor, _draw(tensor, "random", generator) * (b - a) + a)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with numbers from the normal distribution N(mean, std^2)."""
    _check(tensor, "normal_")
    if std < 0:
        raise RuntimeError(f"normal_: std must not be negative, got {std}.")
    return _fill(tensor, _draw(tensor, "standard_normal", generator) * std + mean)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with numbers from N(mean, std^2) given that they lie in [a, b] (by inverting the distribution function)."""
    from scipy.special import ndtr, ndtri

    _check(tensor, "trunc_normal_")
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            f"trunc_normal_: mean={mean} is more than 2 std from [{a}, {b}]; the values may not be distributed well.",
            stacklevel=2,
        )
    lo, hi = ndtr((a - mean) / std), ndtr((b - mean) / std)
    p = stream(generator).random(tensor.array.shape) * (hi - lo) + lo
    return _fill(tensor, np.clip(ndtri(p) * std + mean, a, b))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one value."""
    _check(tensor, "constant_")
    return _fill(tensor, val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1."""
    _check(tensor, "ones_")
    return _fill(tensor, 1)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0."""
    _check(tensor, "zeros_")
    return _fill(tensor, 0)


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity (as many inputs as possible are kept)."""
    _check(tensor, "eye_")
    if tensor.ndim != 2:
        raise ValueError(f"eye_: only tensors with 2 dimensions are supported, got shape {tuple(tensor.shape)}.")
    return _fill(tensor, np.eye(*tensor.array.shape))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill a convolution weight so that the convolution passes its input channels on unchanged."""
    _check(tensor, "dirac_")
    shape = tensor.array.shape
    if len(shape) not in (3, 4, 5):
        raise ValueError(f"dirac_: only tensors with 3, 4, or 5 dimensions are supported, got shape {shape}.")
    if shape[0] % groups != 0:
        raise ValueError(f"dirac_: dim 0 must be divisible by groups, got {shape[0]} and {groups}.")
    values = np.zeros(shape, tensor.array.dtype)
    per_group = shape[0] // groups
    centre = tuple(s // 2 for s in shape[2:])
    for g in range(groups):
        for d in range(min(per_group, shape[1])):
            values[(g * per_group + d, d, *centre)] = 1
    return _fill(tensor, values)


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """Inputs and outputs of one unit: sizes 1 and 0, each times the size of the window."""
    shape = tensor.array.shape
    if len(shape) < 2:
        raise ValueError(
            f"fan in and fan out cannot be computed for a tensor with fewer than 2 dimensions, got shape {shape}."
        )
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    if mode.lower() not in ("fan_in", "fan_out"):
        raise ValueError(f"mode {mode!r} is not supported; use 'fan_in' or 'fan_out'.")
    return _calculate_fan_in_and_fan_out(tensor)[mode.lower() == "fan_out"]


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps the variance through a nonlinearity.

    1 for linear maps, convolutions and sigmoid, 5/3 for tanh, sqrt(2) for relu, sqrt(2 / (1 + slope^2)) for leaky_relu
    (``param`` is the slope, 0.01), 3/4 for selu.
    """
    if nonlinearity in ("linear", "sigmoid") or nonlinearity.startswith("conv"):
        return 1.0
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        if param is None:
            param = 0.01
        elif isinstance(param, bool) or not isinstance(param, (int, float)):
            raise ValueError(f"calculate_gain: negative_slope {param!r} is not a number.")
        return math.sqrt(2.0 / (1 + param**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(
        f"calculate_gain: unsupported nonlinearity {nonlinearity!r}; use linear, conv1d ... , sigmoid, tanh, "
        "relu, leaky_relu, selu."
    )


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill from U(-a, a), a = gain sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""
    _check(tensor, "xavier_uniform_")
    a = gain * math.sqrt(6.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return uniform_(tensor, -a, a, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill from N(0, s^2), s = gain sqrt(2 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""
    _check(tensor, "xavier_normal_")
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor))), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    return calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill from U(-b, b), b = gain sqrt(3 / fan) (He et al. 2015).

    Parameters
    ----------
    a : float
        The negative slope of the leaky_relu that follows (used with that nonlinearity only).
    mode : {"fan_in", "fan_out"}
        Keep the variance of the forward or of the backward pass.
    """
    _check(tensor, "kaiming_uniform_")
    if 0 in tensor.array.shape:
        warnings.warn("kaiming_uniform_: a tensor without elements has nothing to initialize.", stacklevel=2)
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill from N(0, s^2), s = gain / sqrt(fan) (He et al. 2015); arguments as :func:`kaiming_uniform_`."""
    _check(tensor, "kaiming_normal_")
    if 0 in tensor.array.shape:
        warnings.warn("kaiming_normal_: a tensor without elements has nothing to initialize.", stacklevel=2)
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Fill with a (semi) orthogonal matrix, the dimensions from 1 on taken as one (Saxe et al. 2013)."""
    _check(tensor, "orthogonal_")
    if tensor.ndim < 2:
        raise ValueError(
            f"orthogonal_: only tensors with 2 or more dimensions are supported, got shape {tuple(tensor.shape)}."
        )
    a = tensor.array
    if a.size == 0:
        return tensor
    rows, cols = a.shape[0], a.size // a.shape[0]
    m = stream(generator).standard_normal((rows, cols))
    q, r = np.linalg.qr(m if rows >= cols else m.T)
    q = q * np.sign(np.diag(r))  # makes the distribution uniform over orthogonal matrices
    return _fill(tensor, gain * (q if rows >= cols else q.T).reshape(a.shape))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """Fill a matrix from N(0, std^2) and set the fraction ``sparsity`` of each column to 0 (Martens 2010)."""
    _check(tensor, "sparse_")
    if tensor.ndim != 2:
        raise ValueError(f"sparse_: only tensors with 2 dimensions are supported, got shape {tuple(tensor.shape)}.")
    rows, cols = tensor.array.shape
    normal_(tensor, 0.0, std, generator)
    zeros = math.ceil(sparsity * rows)
    random = stream(generator)
    for c in range(cols):
        tensor.array[random.permutation(rows)[:zeros], c] = 0
    return tensor


def _deprecated(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """PyTorch's old name without the underscore: it warns and does the same."""
    new = function.__name__
    old = new[:-1]

    def call(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(f"nn.init.{old} is deprecated in favour of nn.init.{new}.", FutureWarning, stacklevel=2)
        return function(*args, **kwargs)

    call.__name__ = call.__qualname__ = old
    call.__doc__ = f"The old name of :func:`{new}`."
    return call


uniform, normal, constant, eye, dirac = (_deprecated(f) for f in (uniform_, normal_, constant_, eye_, dirac_))
xavier_uniform, xavier_normal = _deprecated(xavier_uniform_), _deprecated(xavier_normal_)
kaiming_uniform, kaiming_normal = _deprecated(kaiming_uniform_), _deprecated(kaiming_normal_)
orthogonal, sparse = _deprecated(orthogonal_), _deprecated(sparse_)
