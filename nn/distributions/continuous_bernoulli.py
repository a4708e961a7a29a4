"""The continuous Bernoulli distribution."""

from __future__ import annotations

import math
from typing import Any

import autograd_core as ac

from . import constraints
from .odds import Odds
from .sampling import uniform
from .utils import clamp_probs, lazy_property, logits_to_probs, softplus


class ContinuousBernoulli(Odds):
    """The density proportional to ``p^x (1 - p)^(1 - x)`` on [0, 1] (Loaiza-Ganem and Cunningham, 2019).

    Parameters
    ----------
    probs, logits : float or Tensor
        One of them.
    lims : (float, float)
        Probabilities between them use a Taylor series around 1/2, where the closed form is 0 / 0.
    validate_args : bool, optional
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0
    _also = ("_by_logits", "_lims")

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        self._lims = lims
        self._take(validate_args, probs, logits)
        if probs is not None:
            self.probs = clamp_probs(self.probs)

    @lazy_property
    def probs(self) -> Any:
        """The parameter p (not the mean)."""
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    def _cut(self) -> tuple[Any, Any]:
        """Where the closed form holds, and probabilities for which it does."""
        outside = (self.probs <= self._lims[0]) | (self.probs > self._lims[1])
        return outside, ac.where(outside, self.probs, self._lims[0])

    def _cont_bern_log_norm(self) -> Any:
        outside, p = self._cut()
        below = ac.where(p <= 0.5, p, 0.0)
        above = ac.where(p >= 0.5, p, 1.0)
        log_norm = ac.log(ac.abs(ac.log1p(-p) - ac.log(p))) - ac.where(
            p <= 0.5, ac.log1p(-2.0 * below), ac.log(2.0 * above - 1.0)
        )
        x = (self.probs - 0.5).square()
        return ac.where(outside, log_norm, math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x)

    @property
    def mean(self) -> Any:
        outside, p = self._cut()
        closed = p / (2.0 * p - 1.0) + 1.0 / (ac.log1p(-p) - ac.log(p))
        x = self.probs - 0.5
        return ac.where(outside, closed, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x.square()) * x)

    @property
    def variance(self) -> Any:
        outside, p = self._cut()
        closed = p * (p - 1.0) / (1.0 - 2.0 * p).square() + 1.0 / (ac.log1p(-p) - ac.log(p)).square()
        x = (self.probs - 0.5).square()
        return ac.where(outside, closed, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x)

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.icdf(uniform(self._extended_shape(sample_shape), self.probs))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        return value * self.logits - softplus(self.logits) + self._cont_bern_log_norm()

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        outside, p = self._cut()
        closed = (p.pow(value) * (1.0 - p).pow(1.0 - value) + p - 1.0) / (2.0 * p - 1.0)
        inside = ac.where(outside, closed, value)
        return ac.where(value <= 0.0, 0.0, ac.where(value >= 1.0, 1.0, inside))

    def icdf(self, value: Any) -> Any:
        outside, p = self._cut()
        closed = (ac.log1p(-p + value * (2.0 * p - 1.0)) - ac.log1p(-p)) / (p.log() - ac.log1p(-p))
        return ac.where(outside, closed, value)

    def entropy(self) -> Any:
        low, high = ac.log1p(-self.probs), self.probs.log()
        return self.mean * (low - high) - self._cont_bern_log_norm() - low

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return (self.logits,)

    def _log_normalizer(self, x: Any) -> Any:  # type: ignore[override]
        outside = (x <= self._lims[0] - 0.5) | (x > self._lims[1] - 0.5)
        cut = ac.where(outside, x, self._lims[0] - 0.5)
        closed = ac.log(ac.abs(ac.expm1(cut))) - ac.log(ac.abs(cut))
        return ac.where(outside, closed, 0.5 * x + x.square() / 24.0 - x.pow(4) / 2880.0)
