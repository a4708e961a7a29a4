"""The log-normal distribution."""

from __future__ import annotations

from typing import Any

import autograd_core as ac

from . import constraints
from .normal import Normal
from .transformed_distribution import TransformedDistribution
from .transforms import ExpTransform


class LogNormal(TransformedDistribution):
    """The exponential of a normal variable of mean ``loc`` and standard deviation ``scale``."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(loc, scale, validate_args=validate_args), ExpTransform(), validate_args=validate_args)

    @property
    def loc(self) -> Any:
        return self.base_dist.loc

    @property
    def scale(self) -> Any:
        return self.base_dist.scale

    @property
    def mean(self) -> Any:
        return ac.exp(self.loc + self.scale.square() / 2)

    @property
    def mode(self) -> Any:
        return ac.exp(self.loc - self.scale.square())

    @property
    def variance(self) -> Any:
        s = self.scale.square()
        return ac.expm1(s) * ac.exp(2 * self.loc + s)

    def entropy(self) -> Any:
        return self.base_dist.entropy() + self.loc
