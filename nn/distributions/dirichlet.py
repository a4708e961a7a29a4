"""The Dirichlet distribution."""

from __future__ import annotations

from typing import Any

import autograd_core as ac

from . import constraints
from .distribution import Distribution, ExponentialFamily
from .sampling import log_standard_gamma


class Dirichlet(ExponentialFamily):
    """Probabilities over K outcomes, with density proportional to the product of ``x_k^(a_k - 1)``.

    Samples are normalised gamma variables, in logarithms, so that small concentrations do not underflow; they are
    differentiable (implicit gradients).
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Any, validate_args: bool | None = None) -> None:
        if concentration.ndim < 1:
            raise ValueError("Dirichlet: concentration must be at least one-dimensional, got a 0-d tensor.")
        self.concentration = concentration
        Distribution.__init__(self, concentration.shape[:-1], concentration.shape[-1:], validate_args)

    def rsample(self, sample_shape: Any = ()) -> Any:
        concentration = self.concentration.expand(self._extended_shape(sample_shape))
        return ac.softmax(log_standard_gamma(concentration), -1)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        a = self.concentration
        return ac.xlogy(a - 1, value).sum(-1) + ac.lgamma(a.sum(-1)) - ac.lgamma(a).sum(-1)

    @property
    def mean(self) -> Any:
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Any:
        above = (self.concentration - 1).clamp(min=0.0)
        mode = above / above.sum(-1, True)
        all_below = (self.concentration < 1).all(-1)
        if not bool(all_below.any()):
            return mode
        corner = ac.zeros_like(mode)
        corner.array[...] = mode.array.argmax(-1)[..., None] == range(mode.shape[-1])
        return ac.where(all_below.unsqueeze(-1), corner, mode)

    @property
    def variance(self) -> Any:
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total.square() * (total + 1))

    def entropy(self) -> Any:
        a, k = self.concentration, self.concentration.shape[-1]
        total = a.sum(-1)
        log_norm = ac.lgamma(a).sum(-1) - ac.lgamma(total)
        return log_norm - (k - total) * ac.digamma(total) - ((a - 1) * ac.digamma(a)).sum(-1)

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return (self.concentration,)

    def _log_normalizer(self, x: Any) -> Any:  # type: ignore[override]
        return ac.lgamma(x).sum(-1) - ac.lgamma(x.sum(-1))
