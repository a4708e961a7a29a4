"""Drawing random numbers: from tensors of probabilities and means, and into tensors in place.

Draws carry no gradient (PyTorch's carry one that is zero).  The numbers come from the generator's NumPy stream.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes
from ..device import check_device
from ..errors import wrong_type
from ..inplace import check_writable
from ..op import method
from ..random import Generator, stream
from ..tensor import Tensor, wrap
from .arithmetic import tensor_of
from .conversion import fill_array
from .shape import _into

__all__ = ["bernoulli", "binomial", "multinomial", "normal", "poisson"]


def _probabilities(name: str, p: Any) -> Any:
    a = p.array if isinstance(p, Tensor) else np.asarray(p, np.float64)
    if a.dtype.kind != "f":
        raise RuntimeError(f"{name}: probabilities must be floating point numbers, got {a.dtype}.")
    if not ((a >= 0) & (a <= 1)).all():
        raise RuntimeError(f"{name}: probabilities must lie in [0, 1], got values from {a.min()} to {a.max()}.")
    return a


@method()
def bernoulli(input: Tensor, p: float | None = None, *, generator: Generator | None = None, out: Any = None) -> Tensor:
    """1 with the probability that each element (or ``p``) names, else 0."""
    x = tensor_of(input, "bernoulli").array
    chance = _probabilities("bernoulli", input if p is None else p)
    return _into(out, wrap((stream(generator).random(x.shape) < chance).astype(x.dtype)))


@method()
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None, out: Any = None
) -> Tensor:
    """``num_samples`` indices drawn with the probabilities (or weights) in each row of ``input``.

    Raises
    ------
    RuntimeError
        If the weights are negative, not finite or sum to 0, or there are too few to draw without replacement.
    """
    x = tensor_of(input, "multinomial").array
    if x.ndim not in (1, 2) or x.dtype.kind != "f":
        raise RuntimeError(f"multinomial: expects a vector or matrix of floats, got shape {x.shape} of {x.dtype}.")
    n = int(num_samples)
    if n <= 0:
        raise RuntimeError(f"multinomial: the number of samples must be positive, got {n}.")
    w = np.atleast_2d(x).astype(np.float64)
    if not np.isfinite(w).all() or (w < 0).any():
        raise RuntimeError("multinomial: weights must be finite and not negative.")
    if (w.sum(1) <= 0).any():
        raise RuntimeError("multinomial: the weights of each row must sum to more than 0.")
    rng = stream(generator)
    if replacement:
        rows = np.cumsum(w, 1)
        u = rng.random((w.shape[0], n)) * rows[:, -1:]
        index = (
            np.stack([np.searchsorted(r, v, "right") for r, v in zip(rows, u, strict=True)])
            if len(w)
            else np.empty((0, n))
        )
        index = np.minimum(index, [[np.flatnonzero(r)[-1]] for r in w] if len(w) else 0)
    else:
        if n > w.shape[1] or (np.count_nonzero(w, axis=1) < n).any():
            raise RuntimeError(
                f"multinomial: cannot draw {n} different indices where {int(np.count_nonzero(w, axis=1).min())} weights are not zero; "
                "draw fewer, or pass replacement=True."
            )
        # the n earliest of exponential clocks that tick at the rates w (Efraimidis and Spirakis 2006)
        with np.errstate(divide="ignore"):
            clocks = rng.standard_exponential(w.shape) / w
        index = np.argsort(clocks, 1, kind="stable")[:, :n]
    index = index.astype(np.int64)
    return _into(out, wrap(index[0] if x.ndim == 1 else index))


def normal(
    mean: Any, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False, out: Any = None,
) -> Tensor:  # fmt: skip
    """Normal random numbers of given mean and standard deviation.

    ``mean`` and ``std`` are tensors (one may be a number), or both numbers together with ``size``.
    """
    if device is not None:
        check_device("normal", device)
    tensors = [v for v in (mean, std) if isinstance(v, Tensor)]
    if size is not None:
        if tensors:
            raise TypeError("normal: size goes with a mean and std that are numbers; tensors have sizes of their own.")
        from ..factories import randn

        y = randn(size, generator=generator, dtype=dtype).array
        result = wrap(y * y.dtype.type(std) + y.dtype.type(mean))
        return _into(out, result.requires_grad_() if requires_grad else result)
    if not tensors:
        raise TypeError("normal: a mean and std that are numbers need size=.")
    arrays = [np.asarray(v.array if isinstance(v, Tensor) else v) for v in (mean, std)]
    _check_spread("normal", arrays[1])
    target = tensors[0].array.dtype
    if target.kind != "f":
        raise RuntimeError(f"normal: needs floating point tensors, got {target}.")
    try:
        shape = np.broadcast_shapes(arrays[0].shape, arrays[1].shape)
    except ValueError:
        from ..errors import no_broadcast

        raise no_broadcast("normal", arrays[0].shape, arrays[1].shape) from None
    y = stream(generator).standard_normal(shape) * arrays[1] + arrays[0]
    return _into(out, wrap(np.asarray(y).astype(target)))


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Poisson random numbers whose rates are the elements of ``input``."""
    x = tensor_of(input, "poisson").array
    if x.dtype.kind != "f":
        raise RuntimeError(f"poisson: the rates must be floating point numbers, got {x.dtype}.")
    if not (x >= 0).all():
        raise RuntimeError(f"poisson: the rates must not be negative, got {x.min()}.")
    return wrap(np.asarray(stream(generator).poisson(x.astype(np.float64))).astype(x.dtype))


def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """How many of ``count`` trials succeed, each with probability ``prob``."""
    n, p = tensor_of(count, "binomial").array, _probabilities("binomial", prob)
    if (n < 0).any():
        raise RuntimeError(f"binomial: counts must not be negative, got {n.min()}.")
    return wrap(np.asarray(stream(generator).binomial(n.astype(np.int64), p)).astype(n.dtype))


# ------------------------------------------------------------------------------------------------- in place


def _check_spread(name: str, std: Any) -> None:
    if not (np.asarray(std) >= 0).all():
        raise RuntimeError(f"{name}: the standard deviation must not be negative, got {np.min(std)}.")


def _floating(self: Tensor, name: str) -> Any:
    if self.array.dtype.kind != "f":
        raise RuntimeError(f"{name}: needs a floating point tensor, this one is {self.dtype.name}.")
    return self.array.dtype


def _exact(n: Any) -> Any:
    """The type to draw in: float32 as such, others in float64."""
    return np.float32 if n == np.float32 else np.float64


@method()
def uniform_(self: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with uniform random numbers in [``from_``, ``to``)."""
    n = _floating(self, "uniform_")
    lo, hi = float(from_), float(to)
    if not lo <= hi or not math.isfinite(hi - lo):
        raise RuntimeError(f"uniform_: the bounds must be finite and in order, got {lo} and {hi}.")
    check_writable(self, "uniform_")
    y = stream(generator).random(self.array.shape, dtype=_exact(n)) * _exact(n)(hi - lo) + _exact(n)(lo)
    y = np.asarray(y).astype(n, copy=False)
    return fill_array(
        self, "uniform_", np.where(y >= hi, n.type(lo), y) if hi > lo else y
    )  # rounding may reach the end


@method()
def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with normal random numbers."""
    n = _floating(self, "normal_") if self.array.dtype.kind != "c" else self.array.dtype
    _check_spread("normal_", std)
    check_writable(self, "normal_")
    from ..factories import _normal

    return fill_array(self, "normal_", _normal(stream(generator), self.array.shape, n) * n.type(std) + n.type(mean))


@method()
def log_normal_(self: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with exponentials of normal random numbers."""
    _floating(self, "log_normal_")
    _check_spread("log_normal_", std)
    check_writable(self, "log_normal_")
    return fill_array(self, "log_normal_", np.exp(stream(generator).standard_normal(self.array.shape) * std + mean))


@method()
def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with exponential random numbers of rate ``lambd`` (never 0)."""
    n = _floating(self, "exponential_")
    if not lambd > 0:
        raise RuntimeError(f"exponential_: the rate must be positive, got {lambd}.")
    check_writable(self, "exponential_")
    y = stream(generator).standard_exponential(self.array.shape, dtype=_exact(n)) / _exact(n)(lambd)
    return fill_array(self, "exponential_", np.maximum(np.asarray(y).astype(n), np.finfo(n).tiny))


@method()
def cauchy_(self: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fill with Cauchy random numbers."""
    _floating(self, "cauchy_")
    if not sigma > 0:
        raise RuntimeError(f"cauchy_: sigma must be positive, got {sigma}.")
    check_writable(self, "cauchy_")
    return fill_array(self, "cauchy_", stream(generator).standard_cauchy(self.array.shape) * sigma + median)


@method()
def geometric_(self: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Fill with the number of trials up to the first success (1, 2, ...)."""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_: the probability must lie in (0, 1), got {p}.")
    check_writable(self, "geometric_")
    return fill_array(self, "geometric_", stream(generator).geometric(p, self.array.shape))


@method()
def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill with 1 with probability ``p`` (a number, or a tensor that broadcasts), else 0."""
    chance = _probabilities("bernoulli_", p)
    check_writable(self, "bernoulli_")
    return fill_array(self, "bernoulli_", stream(generator).random(self.array.shape) < chance)


@method()
def random_(self: Tensor, from_: Any = None, to: Any = None, *, generator: Generator | None = None) -> Tensor:
    """Fill with integers in [``from_``, ``to``); with one bound in [0, bound), without in all the type holds exactly."""
    n = self.array.dtype
    if from_ is not None and to is None:
        from_, to = 0, from_
    lo = 0 if from_ is None else int(from_)
    if to is not None:
        hi = int(to)
    elif n.kind == "f":
        hi = 2 ** (np.finfo(n).nmant + 1) + 1
    elif n.kind == "b":
        hi = 2
    else:
        hi = int(np.iinfo(n).max) + (0 if n.itemsize == 8 else 1)
    if lo >= hi:
        raise RuntimeError(f"random_: from must be smaller than to, got {lo} and {hi}.")
    if n.kind == "c":
        raise wrong_type("random_", "the tensor", "of integers, bools or floats", self)
    limit = dtypes.iinfo(dtypes.of(self.array)) if n.kind in "iu" else None
    if limit is not None and (lo < limit.min or hi - 1 > limit.max):
        raise RuntimeError(f"random_: [{lo}, {hi}) does not fit {self.dtype.name}.")
    check_writable(self, "random_")
    return fill_array(self, "random_", stream(generator).integers(lo, hi, self.array.shape))
