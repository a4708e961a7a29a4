"""The multinomial distribution."""

from __future__ import annotations

from typing import Any

import autograd_core as ac

from . import constraints
from .binomial import Binomial
from .categorical import Categorical
from .distribution import Distribution
from .sampling import as_tensor, plain, rng


class Multinomial(Distribution):
    """How often each of K outcomes came in ``total_count`` draws.

    Parameters
    ----------
    total_count : int
    probs : Tensor, shape (..., K)
        Not negative; they are normalised.
    logits : Tensor, shape (..., K)
        Unnormalised log-probabilities; give one of the two.
    validate_args : bool, optional
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    _also = ("total_count", "_categorical")

    def __init__(
        self, total_count: int = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("Multinomial: different total counts in a batch are not supported; give an int.")
        self.total_count = total_count
        self._categorical = Categorical(probs, logits)
        super().__init__(self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        return constraints.multinomial(self.total_count)

    @property
    def probs(self) -> Any:
        """Normalised probabilities."""
        return self._categorical.probs

    @property
    def logits(self) -> Any:
        """Normalised log-probabilities."""
        return self._categorical.logits

    @property
    def param_shape(self) -> Any:
        """The parameter's shape."""
        return self._categorical.param_shape

    @property
    def mean(self) -> Any:
        return self.probs * self.total_count

    @property
    def variance(self) -> Any:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        p = plain(self.probs.detach())
        shape = tuple(self._extended_shape(sample_shape))
        return as_tensor(rng().multinomial(self.total_count, p / p.sum(-1, keepdims=True), shape[:-1]), self.probs)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        logits = ac.where((value == 0) & (self.logits == -ac.inf), 0.0, self.logits)
        return ac.lgamma(value.sum(-1) + 1) - ac.lgamma(value + 1).sum(-1) + (logits * value).sum(-1)

    def entropy(self) -> Any:
        n = ac.tensor(self.total_count, dtype=self.probs.dtype)
        each = Binomial(total_count=self.total_count, probs=self.probs)
        counts = each.enumerate_support(expand=False)[1:]
        weights = each.log_prob(counts).exp()
        return n * self._categorical.entropy() - ac.lgamma(n + 1) + (weights * ac.lgamma(counts + 1)).sum((0, -1))
