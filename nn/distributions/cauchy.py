"""The Cauchy distribution."""

from __future__ import annotations

import math
from typing import Any

import autograd_core as ac

from . import constraints
from .distribution import Distribution
from .sampling import as_tensor, rng


class Cauchy(Distribution):
    """The density ``1 / (pi scale (1 + ((x - loc) / scale)^2))``; it has no mean."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self._set(validate_args, loc=loc, scale=scale)

    loc: Any
    scale: Any

    @property
    def mean(self) -> Any:
        return ac.full_like(self.loc, math.nan)

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        return ac.full_like(self.loc, math.inf)

    def rsample(self, sample_shape: Any = ()) -> Any:
        noise = as_tensor(rng().standard_cauchy(tuple(self._extended_shape(sample_shape))), self.loc)
        return self.loc + self.scale * noise

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        return -math.log(math.pi) - self.scale.log() - ac.log1p(((value - self.loc) / self.scale).square())

    def cdf(self, value: Any) -> Any:
        self._validate_sample(value)
        return ac.atan((value - self.loc) / self.scale) / math.pi + 0.5

    def icdf(self, value: Any) -> Any:
        return ac.tan(math.pi * (value - 0.5)) * self.scale + self.loc

    def entropy(self) -> Any:
        return math.log(4 * math.pi) + self.scale.log()
