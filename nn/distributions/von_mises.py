"""The von Mises distribution."""

from __future__ import annotations

import math
from typing import Any

import autograd_core as ac

from . import constraints
from .distribution import Distribution
from .sampling import as_tensor, plain, rng
from .utils import lazy_property


class VonMises(Distribution):
    """Angles around ``loc``: the density ``exp(kappa cos(x - loc)) / (2 pi I0(kappa))``, kappa the concentration."""

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self._set(validate_args, loc=loc, concentration=concentration)

    loc: Any
    concentration: Any

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        kappa = self.concentration
        return kappa * (ac.cos(value - self.loc) - 1) - math.log(2 * math.pi) - ac.special.i0e(kappa).log()

    def sample(self, sample_shape: Any = ()) -> Any:
        angles = rng().vonmises(0.0, plain(self.concentration), tuple(self._extended_shape(sample_shape)))
        return as_tensor((angles + plain(self.loc) + math.pi) % (2 * math.pi) - math.pi, self.loc)

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @lazy_property
    def variance(self) -> Any:
        """The circular variance."""
        return 1 - ac.special.i1e(self.concentration) / ac.special.i0e(self.concentration)
