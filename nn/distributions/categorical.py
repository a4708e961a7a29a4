"""The categorical distribution."""

from __future__ import annotations

from typing import Any

import autograd_core as ac

from . import constraints
from .distribution import Distribution
from .odds import one_of
from .sampling import categorical
from .utils import lazy_property, logits_to_probs, probs_to_logits


class Categorical(Distribution):
    """An index from 0 to K - 1, with the probabilities along the last dimension.

    Parameters
    ----------
    probs : Tensor, shape (..., K)
        Not negative; they are normalised.
    logits : Tensor, shape (..., K)
        Unnormalised log-probabilities; give one of the two.
    validate_args : bool, optional

    Examples
    --------
    >>> from nn.distributions import Categorical
    >>> Categorical(ac.tensor([0.25, 0.75])).log_prob(ac.tensor(1))
    tensor(-0.2877)
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        one_of("Categorical", probs, logits)
        param = logits if probs is None else probs
        if param.ndim < 1:
            raise ValueError(
                f"Categorical: {'probs' if logits is None else 'logits'} must be at least one-dimensional."
            )
        self._by_logits = probs is None
        if probs is not None:
            self.probs = probs / probs.sum(-1, keepdim=True)
        else:
            self.logits = logits - logits.logsumexp(dim=-1, keepdim=True)
        self._num_events = param.shape[-1]
        super().__init__(param.shape[:-1], validate_args=validate_args)

    _also = ("_by_logits", "_num_events")

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self._num_events - 1)

    @lazy_property
    def logits(self) -> Any:
        """Normalised log-probabilities."""
        return probs_to_logits(self.probs)

    @lazy_property
    def probs(self) -> Any:
        """Normalised probabilities."""
        return logits_to_probs(self.logits)

    @property
    def _param(self) -> Any:
        return self.logits if self._by_logits else self.probs

    @property
    def param_shape(self) -> Any:
        """The parameter's shape."""
        return self._param.shape

    @property
    def mean(self) -> Any:
        return self.probs.new_full(self._batch_shape, float("nan"))

    @property
    def mode(self) -> Any:
        return self.probs.argmax(-1)

    @property
    def variance(self) -> Any:
        return self.probs.new_full(self._batch_shape, float("nan"))

    def sample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        rows = self.probs.array.reshape(-1, self._num_events)
        count = 1
        for size in shape[: len(shape) - len(self._batch_shape)]:
            count *= size
        return ac.from_numpy(categorical(rows, count).reshape(tuple(shape)))

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        index = value.long().unsqueeze(-1)
        logits = self.logits
        if index.shape[:-1] != self._batch_shape:
            shape = ac.broadcast_shapes(tuple(index.shape[:-1]), tuple(self._batch_shape))
            logits, index = logits.expand((*shape, self._num_events)), index.expand((*shape, 1))
        return logits.gather(-1, index).squeeze(-1)

    def entropy(self) -> Any:
        logits = self.logits.clamp(min=ac.finfo(self.logits.dtype).min)  # 0 * (-inf) is 0 here
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Any:
        return self._enumerated(ac.arange(self._num_events), expand)
