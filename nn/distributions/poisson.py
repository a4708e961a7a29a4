"""The Poisson distribution."""

from __future__ import annotations

from typing import Any

import autograd_core as ac

from . import constraints
from .distribution import ExponentialFamily
from .sampling import as_tensor, plain, rng


class Poisson(ExponentialFamily):
    """``rate^k exp(-rate) / k!``.

    Parameters
    ----------
    rate : float or Tensor
        At least 0.
    validate_args : bool, optional
    """

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer
    rate: Any

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        self._set(validate_args, rate=rate)

    @property
    def mean(self) -> Any:
        return self.rate

    @property
    def mode(self) -> Any:
        return self.rate.floor()

    @property
    def variance(self) -> Any:
        return self.rate

    def sample(self, sample_shape: Any = ()) -> Any:
        rate = plain(self.rate.detach())
        return as_tensor(rng().poisson(rate, tuple(self._extended_shape(sample_shape))), self.rate)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        return ac.xlogy(value, self.rate) - self.rate - ac.lgamma(value + 1)

    def entropy(self) -> Any:
        raise self._missing("entropy")

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return (self.rate.log(),)

    def _log_normalizer(self, x: Any) -> Any:  # type: ignore[override]
        return x.exp()
