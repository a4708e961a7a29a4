"""Mixtures of distributions of one family."""

from __future__ import annotations

from typing import Any

import autograd_core as ac

from . import constraints
from .categorical import Categorical
from .distribution import Distribution
from .utils import shape_of


class MixtureSameFamily(Distribution):
    """A mixture whose components are the last batch dimension of one distribution.

    Parameters
    ----------
    mixture_distribution : Categorical
        The components' weights.
    component_distribution : Distribution
        Its last batch dimension is the components.
    validate_args : bool, optional

    Examples
    --------
    >>> from nn.distributions import Categorical, MixtureSameFamily, Normal
    >>> mixture = MixtureSameFamily(Categorical(ac.ones(2)), Normal(ac.tensor([-1.0, 1.0]), ac.ones(2)))
    >>> mixture.mean, mixture.variance
    (tensor(0.), tensor(2.))
    """

    arg_constraints: Any = {}
    has_rsample = False

    def __init__(
        self, mixture_distribution: Any, component_distribution: Any, validate_args: bool | None = None
    ) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(
                "MixtureSameFamily: the mixture distribution must be a Categorical, got "
                f"{type(mixture_distribution).__name__}."
            )
        if not isinstance(component_distribution, Distribution):
            raise ValueError(
                "MixtureSameFamily: the component distribution must be a Distribution, "
                f"got {type(component_distribution).__name__}."
            )
        weights, components = mixture_distribution.batch_shape, component_distribution.batch_shape
        for i, j in zip(reversed(weights), reversed(components[:-1]), strict=False):
            if i != 1 and j != 1 and i != j:
                raise ValueError(
                    f"MixtureSameFamily: the mixture's batch shape {tuple(weights)} does not fit the components' "
                    f"{tuple(components[:-1])}."
                )
        count = mixture_distribution.param_shape[-1]
        if not components or components[-1] != count:
            raise ValueError(
                f"MixtureSameFamily: {count} weights, but the components' batch shape is {tuple(components)}; its "
                "last size "
                "must be their number."
            )
        self._mixture_distribution, self._component_distribution = mixture_distribution, component_distribution
        self._num_component = count
        self._event_ndims = len(component_distribution.event_shape)
        super().__init__(components[:-1], component_distribution.event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(MixtureSameFamily, _instance)
        batch_shape = shape_of(batch_shape)
        new._component_distribution = self._component_distribution.expand((*batch_shape, self._num_component))
        new._mixture_distribution = self._mixture_distribution.expand(batch_shape)
        new._num_component, new._event_ndims = self._num_component, self._event_ndims
        Distribution.__init__(new, batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    @constraints.dependent_property
    def support(self) -> Any:
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self) -> Any:
        """The distribution of the component's index."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Any:
        """The components."""
        return self._component_distribution

    def _pad(self, x: Any) -> Any:
        return x.unsqueeze(-1 - self._event_ndims)

    def _weights(self) -> Any:
        probs = self._mixture_distribution.probs
        return probs.reshape(tuple(probs.shape) + (1,) * self._event_ndims)

    def _average(self, x: Any) -> Any:
        return (self._weights() * x).sum(-1 - self._event_ndims)

    @property
    def mean(self) -> Any:
        return self._average(self._component_distribution.mean)

    @property
    def variance(self) -> Any:
        inside = self._average(self._component_distribution.variance)
        between = self._average((self._component_distribution.mean - self._pad(self.mean)).square())
        return inside + between

    def cdf(self, value: Any) -> Any:
        return (self._component_distribution.cdf(self._pad(value)) * self._mixture_distribution.probs).sum(-1)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        each = self._component_distribution.log_prob(self._pad(value))
        return ac.logsumexp(each + ac.log_softmax(self._mixture_distribution.logits, -1), -1)

    def sample(self, sample_shape: Any = ()) -> Any:
        with ac.no_grad():
            shape = shape_of(sample_shape)
            dim = len(shape) + len(self._batch_shape)
            index = self._mixture_distribution.expand(self._batch_shape).sample(shape)
            index = index.reshape(tuple(index.shape) + (1,) * (self._event_ndims + 1))
            values = self._component_distribution.sample(shape)
            index = index.expand((*tuple(index.shape)[: dim + 1], *self._event_shape))
            return values.gather(dim, index).squeeze(dim)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self._mixture_distribution},\n  {self._component_distribution})"
