"""The gamma distribution."""

from __future__ import annotations

from typing import Any

import autograd_core as ac

from . import constraints
from .distribution import ExponentialFamily
from .sampling import standard_gamma


class Gamma(ExponentialFamily):
    """The density ``rate^a x^(a-1) exp(-rate x) / Gamma(a)`` of x >= 0, with a the concentration.

    Samples are differentiable by both parameters (implicit gradients).
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self._set(validate_args, concentration=concentration, rate=rate)

    concentration: Any
    rate: Any

    @property
    def mean(self) -> Any:
        return self.concentration / self.rate

    @property
    def mode(self) -> Any:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Any:
        return self.concentration / self.rate.square()

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        return standard_gamma(self.concentration.expand(shape)) / self.rate

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        a = self.concentration
        return ac.xlogy(a, self.rate) + ac.xlogy(a - 1, value) - self.rate * value - ac.lgamma(a)

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        return ac.special.gammainc(self.concentration, self.rate * value)

    def entropy(self) -> Any:
        a = self.concentration
        return a - self.rate.log() + ac.lgamma(a) + (1 - a) * ac.digamma(a)

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, x: Any, y: Any) -> Any:  # type: ignore[override]
        return ac.lgamma(x + 1) + (x + 1) * ac.log(-y.reciprocal())
