"""The inverse gamma distribution."""

from __future__ import annotations

from typing import Any

import autograd_core as ac

from . import constraints
from .gamma import Gamma
from .transformed_distribution import TransformedDistribution
from .transforms import PowerTransform
from .utils import broadcast_all


class InverseGamma(TransformedDistribution):
    """The reciprocal of a gamma variable with the same concentration and rate."""

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        base = Gamma(concentration, rate, validate_args=validate_args)
        (minus_one,) = broadcast_all(-base.rate.new_ones(()))
        super().__init__(base, PowerTransform(minus_one), validate_args=validate_args)

    @property
    def concentration(self) -> Any:
        return self.base_dist.concentration

    @property
    def rate(self) -> Any:
        return self.base_dist.rate

    @property
    def mean(self) -> Any:
        a = self.concentration
        return ac.where(a > 1, self.rate / ac.where(a > 1, a - 1, 1.0), ac.inf)

    @property
    def mode(self) -> Any:
        return self.rate / (self.concentration + 1)

    @property
    def variance(self) -> Any:
        a = self.concentration
        b = ac.where(a > 2, a, 3.0)
        return ac.where(a > 2, self.rate.square() / ((b - 1).square() * (b - 2)), ac.inf)

    def entropy(self) -> Any:
        a = self.concentration
        return a + self.rate.log() + ac.lgamma(a) - (1 + a) * ac.digamma(a)
