"""The Laplace distribution."""

from __future__ import annotations

import math
from typing import Any

import autograd_core as ac

from . import constraints
from .distribution import Distribution
from .sampling import uniform


class Laplace(Distribution):
    """The density ``exp(-|x - loc| / scale) / (2 scale)``."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self._set(validate_args, loc=loc, scale=scale)

    loc: Any
    scale: Any

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        return 2 * self.scale.square()

    @property
    def stddev(self) -> Any:
        return math.sqrt(2) * self.scale

    def rsample(self, sample_shape: Any = ()) -> Any:
        eps = ac.finfo(self.loc.dtype).eps
        u = uniform(self._extended_shape(sample_shape), self.loc) * (2 - eps) + (eps - 1)  # in (-1, 1)
        return self.loc - self.scale * u.sign() * ac.log1p(-u.abs().clamp(min=ac.finfo(self.loc.dtype).tiny))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        return -ac.log(2 * self.scale) - ac.abs(value - self.loc) / self.scale

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        z = value - self.loc
        return 0.5 - 0.5 * z.sign() * ac.expm1(-z.abs() / self.scale)

    def icdf(self, value: Any) -> Any:
        z = value - 0.5
        return self.loc - self.scale * z.sign() * ac.log1p(-2 * z.abs())

    def entropy(self) -> Any:
        return 1 + ac.log(2 * self.scale)
