"""The generalised Pareto distribution."""

from __future__ import annotations

import math
from typing import Any

import autograd_core as ac

from . import constraints
from .distribution import Distribution
from .sampling import uniform


class GeneralizedPareto(Distribution):
    """Exceedances over ``loc``: ``1 - cdf(x) = (1 + c (x - loc) / scale)^(-1/c)``, c being the concentration.

    With c = 0 it is the shifted exponential distribution; with c < 0 it ends at ``loc - scale / c``.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self._set(validate_args, loc=loc, scale=scale, concentration=concentration)

    loc: Any
    scale: Any
    concentration: Any

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        c = self.concentration
        end = self.loc - self.scale / ac.where(c < 0, c, -1.0)
        return constraints.interval(self.loc, ac.where(c < 0, end, math.inf))

    def _shape(self) -> tuple[Any, Any]:
        """Where the concentration is (next to) 0, and a concentration that is not."""
        zero = self.concentration.abs() <= 1e-8
        return zero, ac.where(zero, 1.0, self.concentration)

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self.icdf(uniform(self._extended_shape(sample_shape), self.loc))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        z = (value - self.loc) / self.scale
        zero, c = self._shape()
        power = 1 / c + 1
        return -self.scale.log() - ac.where(zero, z, ac.where(power == 0, 0.0, power * ac.log1p(c * z)))

    def log_survival_function(self, value: Any) -> Any:
        """The log of the probability of values above ``value``."""
        self._validate_sample(value)
        z = (value - self.loc) / self.scale
        zero, c = self._shape()
        return ac.where(zero, -z, -ac.log1p(c * z) / c)

    def log_cdf(self, value: Any) -> Any:
        """The log of :meth:`cdf`."""
        return ac.log1p(-ac.exp(self.log_survival_function(value)))

    def cdf(self, value: Any) -> Any:
        return -ac.expm1(self.log_survival_function(value))

    def icdf(self, value: Any) -> Any:
        zero, c = self._shape()
        log_tail = ac.log1p(-value)
        return self.loc + self.scale * ac.where(zero, -log_tail, ac.expm1(-c * log_tail) / c)

    @property
    def mean(self) -> Any:
        c = ac.where(self.concentration < 1, self.concentration, 0.5)
        return ac.where(self.concentration < 1, self.loc + self.scale / (1 - c), math.nan)

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        c = ac.where(self.concentration < 0.5, self.concentration, 0.25)
        value = self.scale.square() / ((1 - c).square() * (1 - 2 * c))
        return ac.where(self.concentration < 0.5, value, math.nan)

    def entropy(self) -> Any:
        return self.scale.log() + self.concentration + 1
