"""Random numbers for the distributions, from the default generator; gamma samples carry implicit gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ac
from autograd_core import Tensor
from autograd_core.tensor import wrap


def rng() -> np.random.Generator:
    """NumPy's generator behind the default one (``manual_seed`` seeds it)."""
    return ac.default_generator.numpy


def as_tensor(array: Any, like: Any) -> Any:
    """A NumPy result as a tensor of ``like``'s dtype."""
    return wrap(np.asarray(array).astype(like.array.dtype, copy=False))


def plain(x: Any) -> Any:
    """A tensor's values in float64."""
    return x.array.astype(np.float64, copy=False)


def uniform(shape: Any, like: Any) -> Any:
    """Uniform numbers in [0, 1) of ``like``'s dtype."""
    return ac.rand(tuple(shape), dtype=like.dtype)


def open_uniform(shape: Any, like: Any) -> Any:
    """Uniform numbers in (0, 1): the ends are moved inwards by the smallest number, or one rounding."""
    info = ac.finfo(like.dtype)
    return uniform(shape, like).clamp(min=info.tiny, max=1 - info.eps / 2)


def standard_normal(shape: Any, like: Any) -> Any:
    """Normal numbers of ``like``'s dtype."""
    return ac.randn(tuple(shape), dtype=like.dtype)


def standard_exponential(shape: Any, like: Any) -> Any:
    """Exponential numbers of rate 1, never 0."""
    return as_tensor(rng().standard_exponential(tuple(shape)), like).clamp(min=ac.finfo(like.dtype).tiny)


def gamma_gradient(concentration: Any, sample: Any) -> Any:
    """The derivative of a gamma sample by its concentration a, at a fixed quantile.

    ``dx/da = -(dP(a, x)/da) / p(x; a)`` with P the regularised incomplete gamma function (Figurnov, Mohamed and Mnih,
    Implicit Reparameterization Gradients, 2018).  The derivative of P is taken through its logarithm, or that of 1 - P
    where that is smaller, by a central difference: with steps of 1e-4 of the scale on which it varies, the errors of
    truncation (about 1e-8) and rounding (about 1e-10) stay far below the noise of any estimate.
    """
    from scipy import special

    a, x = np.broadcast_arrays(np.asarray(concentration, np.float64), np.asarray(sample, np.float64))
    out = np.empty(a.shape)
    with np.errstate(all="ignore"):
        below = special.gammainc(a, x)
        for chosen, function, sign in ((below < 0.5, special.gammainc, -1.0), (below >= 0.5, special.gammaincc, 1.0)):
            b, y = a[chosen], x[chosen]
            step = 1e-4 * np.where(b < 1, b, np.sqrt(b))
            slope = np.log(function(b + step, y) / function(b - step, y)) / (2 * step)
            tail = function(b, y)
            density = np.exp((b - 1) * np.log(y) - y - special.gammaln(b))
            out[chosen] = sign * slope * tail / density
    return np.nan_to_num(out, nan=0.0, posinf=0.0, neginf=0.0)


class _StandardGamma(ac.autograd.Function):
    """Gamma samples of rate 1, differentiable by the concentration."""

    @staticmethod
    def forward(ctx: Any, concentration: Any) -> Any:
        values = rng().standard_gamma(plain(concentration))
        sample = as_tensor(np.maximum(values, ac.finfo(concentration.dtype).tiny), concentration)  # never 0
        ctx.save_for_backward(concentration, sample)
        return sample

    @staticmethod
    @ac.autograd.once_differentiable
    def backward(ctx: Any, grad: Any) -> Any:
        concentration, sample = ctx.saved_tensors
        return grad * as_tensor(gamma_gradient(concentration.array, sample.array), grad)


def standard_gamma(concentration: Any) -> Any:
    """One gamma sample of rate 1 for each element of ``concentration``, with implicit gradients."""
    return _StandardGamma.apply(concentration)


def log_standard_gamma(concentration: Any) -> Any:
    """The logarithm of a gamma sample, which small concentrations do not underflow.

    If g is gamma distributed with concentration a + 1 and u uniform, then g u^(1/a) is so with a.
    """
    u = open_uniform(concentration.shape, concentration)
    return standard_gamma(concentration + 1).log() + u.log() / concentration


def categorical(probs: Any, count: int) -> Any:
    """``count`` indices for each row of probabilities (rows, K), as (count, rows) of int64."""
    cumulative = np.cumsum(np.asarray(probs, np.float64), -1)
    rows, size = cumulative.shape
    points = rng().random((count, rows)) * cumulative[:, -1]
    if count * rows * size <= 4_000_000:
        index = (cumulative <= points[..., None]).sum(-1)
    else:
        index = np.empty((count, rows), np.int64)
        for r in range(rows):
            index[:, r] = np.searchsorted(cumulative[r], points[:, r], side="right")
    last = size - 1 - np.argmax(np.asarray(probs)[:, ::-1] > 0, -1)  # rounding may reach the total
    return np.minimum(index, last).astype(np.int64)


def constant(values: Any, like: Any) -> Tensor:
    """Values as a tensor of ``like``'s dtype."""
    return as_tensor(values, like)
