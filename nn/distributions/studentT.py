"""Student's t-distribution."""

from __future__ import annotations

import math
from typing import Any

import autograd_core as ac

from . import constraints
from .chi2 import Chi2
from .distribution import Distribution
from .sampling import standard_normal


class StudentT(Distribution):
    """Student's t-distribution with ``df`` degrees of freedom, shifted by ``loc`` and stretched by ``scale``.

    Samples are differentiable by all three parameters.
    """

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    _also = ("_chi2",)

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self._set(validate_args, df=df, loc=loc, scale=scale)
        self._chi2 = Chi2(self.df)

    df: Any
    loc: Any
    scale: Any

    @property
    def mean(self) -> Any:
        return ac.where(self.df > 1, self.loc, math.nan)

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        df = ac.where(self.df > 2, self.df, 3.0)
        finite = self.scale.square() * df / (df - 2)
        return ac.where(self.df > 2, finite, ac.where(self.df > 1, math.inf, math.nan * self.df))

    def rsample(self, sample_shape: Any = ()) -> Any:
        x = standard_normal(self._extended_shape(sample_shape), self.loc)
        z = self._chi2.rsample(sample_shape)
        return self.loc + self.scale * x * ac.rsqrt(z / self.df)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        y = (value - self.loc) / self.scale
        half = 0.5 * self.df
        norm = (
            self.scale.log() + 0.5 * self.df.log() + 0.5 * math.log(math.pi) + ac.lgamma(half) - ac.lgamma(half + 0.5)
        )
        return -(half + 0.5) * ac.log1p(y.square() / self.df) - norm

    def entropy(self) -> Any:
        half = 0.5 * self.df
        log_beta = ac.lgamma(half) + math.lgamma(0.5) - ac.lgamma(half + 0.5)
        return (
            self.scale.log()
            + (half + 0.5) * (ac.digamma(half + 0.5) - ac.digamma(half))
            + 0.5 * self.df.log()
            + log_beta
        )
