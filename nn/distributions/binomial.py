"""The binomial distribution."""

from __future__ import annotations

from typing import Any

import autograd_core as ac

from . import constraints
from .odds import Odds
from .sampling import as_tensor, plain, rng


class Binomial(Odds):
    """The number of successes in ``total_count`` trials.

    Parameters
    ----------
    total_count : int or Tensor
    probs, logits : float or Tensor
        One of them.
    validate_args : bool, optional
    """

    arg_constraints = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True
    total_count: Any

    def __init__(
        self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._take(validate_args, probs, logits, total_count=total_count)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Any:
        return self.total_count * self.probs

    @property
    def mode(self) -> Any:
        return ac.minimum(((self.total_count + 1) * self.probs).floor(), self.total_count)

    @property
    def variance(self) -> Any:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        counts = plain(self.total_count).astype("int64")
        shape = tuple(self._extended_shape(sample_shape))
        return as_tensor(rng().binomial(counts, plain(self.probs.detach()), shape), self.probs)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        n = self.total_count
        choose = ac.lgamma(n + 1) - ac.lgamma(value + 1) - ac.lgamma(n - value + 1)
        soft = self.logits.clamp(min=0) + ac.log1p(ac.exp(-self.logits.abs()))  # log(1 + exp(logits)), without overflow
        return value * self.logits - n * soft + choose

    def _count(self, what: str) -> int:
        count = int(self.total_count.max())
        if int(self.total_count.min()) != count:
            raise NotImplementedError(f"Binomial.{what}: not defined for a batch with different total counts.")
        return count

    def entropy(self) -> Any:
        self._count("entropy")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(log_prob.exp() * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Any:
        return self._enumerated(ac.arange(1 + self._count("enumerate_support"), dtype=self._param.dtype), expand)
