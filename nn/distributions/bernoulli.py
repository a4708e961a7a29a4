"""The Bernoulli distribution."""

from __future__ import annotations

import math
from typing import Any

import autograd_core as ac

from . import constraints
from .odds import Odds
from .sampling import uniform
from .utils import softplus


class Bernoulli(Odds):
    """1 with probability ``probs``, else 0.

    Parameters
    ----------
    probs, logits : float or Tensor
        One of them.
    validate_args : bool, optional

    Examples
    --------
    >>> from nn.distributions import Bernoulli
    >>> Bernoulli(probs=0.25).log_prob(ac.tensor(0.0))
    tensor(-0.2877)
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.boolean
    has_enumerate_support = True
    _mean_carrier_measure = 0

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._take(validate_args, probs, logits)

    @property
    def mean(self) -> Any:
        return self.probs

    @property
    def mode(self) -> Any:
        return ac.where(self.probs == 0.5, math.nan, (self.probs >= 0.5).type_as(self.probs))

    @property
    def variance(self) -> Any:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        with ac.no_grad():
            return (uniform(self._extended_shape(sample_shape), self.probs) < self.probs).type_as(self.probs)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        return value * self.logits - softplus(self.logits)

    def entropy(self) -> Any:
        return softplus(self.logits) - self.probs * self.logits

    def enumerate_support(self, expand: bool = True) -> Any:
        return self._enumerated(ac.arange(2, dtype=self._param.dtype), expand)

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return (ac.logit(self.probs),)

    def _log_normalizer(self, x: Any) -> Any:  # type: ignore[override]
        return softplus(x)
