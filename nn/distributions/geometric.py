"""The geometric distribution."""

from __future__ import annotations

from typing import Any

import autograd_core as ac

from . import constraints
from .odds import Odds
from .sampling import open_uniform
from .utils import softplus


class Geometric(Odds):
    """The number of failures before the first success: ``(1 - p)^k p``.

    Parameters
    ----------
    probs, logits : float or Tensor
        One of them; probabilities must be more than 0.
    validate_args : bool, optional
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._take(validate_args, probs, logits)
        if self._validate_args and probs is not None and not bool((self.probs > 0).all()):
            raise ValueError(f"Geometric: probs must be more than 0 (no success would ever come), got {self.probs}.")

    @property
    def mean(self) -> Any:
        return 1.0 / self.probs - 1.0

    @property
    def mode(self) -> Any:
        return ac.zeros_like(self.probs)

    @property
    def variance(self) -> Any:
        return (1.0 / self.probs - 1.0) / self.probs

    def sample(self, sample_shape: Any = ()) -> Any:
        with ac.no_grad():
            u = open_uniform(self._extended_shape(sample_shape), self.probs)
            return (u.log() / ac.log1p(-self.probs)).floor()

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        p = ac.where((self.probs == 1) & (value == 0), 0.0, self.probs)  # 0 * log(0)
        return ac.xlogy(value, 1 - p) + self.probs.log()

    def entropy(self) -> Any:
        return (softplus(self.logits) - self.probs * self.logits) / self.probs
