"""Bernoulli variables relaxed to (0, 1)."""

from __future__ import annotations

from typing import Any

import autograd_core as ac

from . import constraints
from .odds import Odds
from .sampling import uniform
from .transformed_distribution import TransformedDistribution
from .transforms import SigmoidTransform
from .utils import clamp_probs, softplus


class LogitRelaxedBernoulli(Odds):
    """The logit of a :class:`RelaxedBernoulli` (Maddison et al., 2017).

    Parameters
    ----------
    temperature : Tensor
    probs, logits : float or Tensor
        One of them.
    validate_args : bool, optional
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.real
    has_rsample = True

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self.temperature = temperature
        self._take(validate_args, probs, logits)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new.temperature = self.temperature
        return new

    def entropy(self) -> Any:
        raise self._missing("entropy")

    def rsample(self, sample_shape: Any = ()) -> Any:
        shape = self._extended_shape(sample_shape)
        p, u = clamp_probs(self.probs.expand(shape)), clamp_probs(uniform(shape, self.probs))
        return (u.log() - ac.log1p(-u) + p.log() - ac.log1p(-p)) / self.temperature

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        difference = self.logits - value * self.temperature
        return self.temperature.log() + difference - 2 * softplus(difference)


class RelaxedBernoulli(TransformedDistribution):
    """A differentiable Bernoulli sample: near 0 or 1 at low temperature (Jang et al.; Maddison et al., 2017).

    Parameters
    ----------
    temperature : Tensor
    probs, logits : float or Tensor
        One of them.
    validate_args : bool, optional
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)

    @property
    def temperature(self) -> Any:
        return self.base_dist.temperature

    @property
    def logits(self) -> Any:
        return self.base_dist.logits

    @property
    def probs(self) -> Any:
        return self.base_dist.probs
