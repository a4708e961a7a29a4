"""The negative binomial distribution."""

from __future__ import annotations

from typing import Any

import autograd_core as ac

from . import constraints
from .odds import Odds
from .sampling import as_tensor, plain, rng
from .utils import softplus


class NegativeBinomial(Odds):
    """The number of successes before ``total_count`` failures (which need not be whole: a gamma mixture of Poissons).

    Parameters
    ----------
    total_count : float or Tensor
    probs, logits : float or Tensor
        Of success; one of them.
    validate_args : bool, optional
    """

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer
    total_count: Any

    def __init__(
        self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._take(validate_args, probs, logits, total_count=total_count)

    def entropy(self) -> Any:
        raise self._missing("entropy")

    @property
    def mean(self) -> Any:
        return self.total_count * ac.exp(self.logits)

    @property
    def mode(self) -> Any:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Any:
        return self.mean / ac.sigmoid(-self.logits)

    def sample(self, sample_shape: Any = ()) -> Any:
        shape = tuple(self._extended_shape(sample_shape))
        odds = plain(self.logits.detach().exp())
        rate = rng().standard_gamma(plain(self.total_count.detach()), shape) * odds
        return as_tensor(rng().poisson(rate), self._param)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        n = self.total_count
        power = -n * softplus(self.logits) - value * softplus(-self.logits)
        log_norm = ac.lgamma(1.0 + value) + ac.lgamma(n) - ac.lgamma(n + value)
        return power - ac.where(n + value == 0.0, 0.0, log_norm)
