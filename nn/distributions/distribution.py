"""The base of all distributions, and of the exponential families."""

from __future__ import annotations

import warnings
from typing import Any

import autograd_core as ac
from autograd_core import Size, Tensor, no_grad

from . import constraints
from .utils import broadcast_all, lazy_property, shape_of


class Distribution:
    """Base class of probability distributions over tensors (``torch.distributions.Distribution``).

    A distribution has a batch shape, of independent distributions with their own parameters, and an event shape, of one
    sample of one of them; samples have the shape ``sample_shape + batch_shape + event_shape``.

    Attributes
    ----------
    has_rsample : bool
        Whether :meth:`rsample` gives samples through which gradients flow to the parameters.
    has_enumerate_support : bool
        Whether :meth:`enumerate_support` gives all values.
    arg_constraints : dict
        From a parameter's name to what it must satisfy.
    support : Constraint
        The values of samples.

    Parameters
    ----------
    batch_shape, event_shape : Size
    validate_args : bool, optional
        Whether parameters and values are checked (default: yes, see :meth:`set_default_validate_args`).

    Raises
    ------
    ValueError
        If a parameter does not satisfy its constraint.
    """

    has_rsample: Any = False
    has_enumerate_support: bool = False
    _validate_args: bool = __debug__
    arg_constraints: Any = None
    support: Any = None

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions check their parameters and values unless told otherwise."""
        if value not in (True, False):
            raise ValueError(f"set_default_validate_args: expected True or False, got {value!r}.")
        Distribution._validate_args = value

    def __init__(
        self,
        batch_shape: Any = (),
        event_shape: Any = (),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape, self._event_shape = shape_of(batch_shape), shape_of(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if not self._validate_args:
            return
        checks = self.arg_constraints
        if checks is None:
            warnings.warn(
                f"{type(self).__name__} does not define arg_constraints. Set arg_constraints = {{}}, or pass "
                "validate_args=False to turn off validation.",
                stacklevel=2,
            )
            return
        for name, constraint in checks.items():
            if constraints.is_dependent(constraint):
                continue
            if name not in self.__dict__ and isinstance(getattr(type(self), name, None), lazy_property):
                continue  # derived from another parameter
            value = getattr(self, name)
            if not constraint.holds(value):
                raise ValueError(
                    f"{type(self).__name__}: expected parameter {name} ({type(value).__name__} of shape "
                    f"{tuple(value.shape)}) "
                    f"of distribution {self!r} to satisfy the constraint {constraint!r}, but found invalid "
                    f"values:\n{value}"
                )

    def _set(self, validate_args: bool | None, **params: Any) -> None:
        """Broadcast the parameters together, make them attributes, and initialise with their shape as batch shape."""
        values = broadcast_all(*params.values())
        self.__dict__.update(zip(params, values, strict=True))
        Distribution.__init__(self, values[0].shape, validate_args=validate_args)

    # ------------------------------------------------------------------------------------------- shapes

    @property
    def batch_shape(self) -> Size:
        """The shape of independent distributions."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one sample of one distribution."""
        return self._event_shape

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The distribution with its parameters expanded (without copying) to a larger batch shape."""
        new = self._get_checked_instance(Distribution, _instance)
        batch_shape = shape_of(batch_shape)
        kept = len(self._batch_shape)
        for name in self._expanded():
            if name in self.__dict__:
                value = self.__dict__[name]
                if isinstance(value, Distribution):
                    new.__dict__[name] = value.expand(batch_shape + tuple(value.batch_shape[kept:]))
                elif isinstance(value, Tensor):
                    new.__dict__[name] = value.expand(tuple(batch_shape) + tuple(value.shape[kept:]))  # type: ignore[attr-defined]
                else:
                    new.__dict__[name] = value
        Distribution.__init__(new, batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    _also: tuple[str, ...] = ()

    def _expanded(self) -> tuple[str, ...]:
        """The attributes that :meth:`expand` carries over: the parameters, and those in ``_also``."""
        return (*self.arg_constraints, *self._also)

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        return object.__new__(type(self)) if _instance is None else _instance

    def _extended_shape(self, sample_shape: Any = ()) -> Size:
        return Size(tuple(shape_of(sample_shape)) + tuple(self._batch_shape) + tuple(self._event_shape))

    # ------------------------------------------------------------------------------------------- what they compute

    def _missing(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__}.{what}: not defined for this distribution.")

    @property
    def mean(self) -> Any:
        """The expectation."""
        raise self._missing("mean")

    @property
    def mode(self) -> Any:
        """The most probable value."""
        raise self._missing("mode")

    @property
    def variance(self) -> Any:
        """The variance of each component."""
        raise self._missing("variance")

    @property
    def stddev(self) -> Any:
        """The standard deviation of each component."""
        return ac.sqrt(self.variance)

    def sample(self, sample_shape: Any = ()) -> Any:
        """A sample, without gradients."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """A sample as a differentiable function of the parameters (and of noise)."""
        raise self._missing("rsample")

    def sample_n(self, n: int) -> Any:
        """``n`` samples (deprecated: use ``sample((n,))``)."""
        warnings.warn("sample_n(n) is deprecated: use sample((n,)) instead.", FutureWarning, stacklevel=2)
        return self.sample((n,))

    def log_prob(self, value: Any) -> Any:
        """The log of the density, or of the probability, at ``value``."""
        raise self._missing("log_prob")

    def cdf(self, value: Any) -> Any:
        """The probability of values up to ``value``."""
        raise self._missing("cdf")

    def icdf(self, value: Any) -> Any:
        """The quantile: the inverse of :meth:`cdf`."""
        raise self._missing("icdf")

    def enumerate_support(self, expand: bool = True) -> Any:
        """All values of a discrete distribution along a new first dimension; ``expand=False`` leaves the batch at 1."""
        raise self._missing("enumerate_support")

    def entropy(self) -> Any:
        """The (differential) entropy, in nats."""
        raise self._missing("entropy")

    def perplexity(self) -> Any:
        """The exponential of the entropy."""
        return ac.exp(self.entropy())

    def _enumerated(self, values: Any, expand: bool) -> Any:
        values = values.reshape((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1, *self._batch_shape)) if expand else values

    # ------------------------------------------------------------------------------------------- checks

    def _validate_sample(self, value: Any) -> None:
        """Raise ValueError unless ``value`` is a tensor of values of this distribution."""
        if not self._validate_args:
            return
        name = type(self).__name__
        if not isinstance(value, Tensor):
            raise ValueError(f"{name}.log_prob: the value must be a Tensor, got {type(value).__name__}.")
        shape, events = tuple(value.shape), len(self._event_shape)
        if len(shape) < events or shape[len(shape) - events :] != tuple(self._event_shape):
            raise ValueError(
                f"{name}.log_prob: the right-most sizes of the value must be the event_shape: "
                f"{shape} against {tuple(self._event_shape)}."
            )
        whole = tuple(self._batch_shape) + tuple(self._event_shape)
        for i, j in zip(reversed(shape), reversed(whole), strict=False):
            if i != 1 and j != 1 and i != j:
                raise ValueError(
                    f"{name}.log_prob: the value does not broadcast with batch_shape + event_shape: {shape} "
                    f"against {whole}."
                )
        support = self.support
        if support is None:
            warnings.warn(
                f"{name} does not define its support, so values are not checked; pass validate_args=False.",
                stacklevel=3,
            )
            return
        if not support.holds(value):
            raise ValueError(
                f"{name}.log_prob: expected value argument ({type(value).__name__} of shape {shape}) to be within "
                "the support "
                f"({support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
            )

    def __repr__(self) -> str:
        parts = []
        for name in self.arg_constraints or ():
            if name in self.__dict__:
                value = self.__dict__[name]
                parts.append(f"{name}: {_short(value)}")
        return f"{type(self).__name__}({', '.join(parts)})"


def _short(value: Any) -> str:
    """A parameter in a repr: a single number as it is, more by their size."""
    if value.numel() != 1:
        return f"{value.size()}"
    return str(value.item()) if value.ndim == 0 else str(value)


class ExponentialFamily(Distribution):
    """Distributions ``exp(<t(x), theta> - F(theta) + k(x))``: entropy and divergence follow from F and its gradient."""

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        raise self._missing("_natural_params")

    def _log_normalizer(self, *natural_params: Any) -> Any:
        raise self._missing("_log_normalizer")

    @property
    def _mean_carrier_measure(self) -> Any:
        raise self._missing("_mean_carrier_measure")

    def entropy(self) -> Any:
        """The entropy, by the Bregman divergence of the log-normaliser."""
        result = -self._mean_carrier_measure
        params = [p.detach().requires_grad_() for p in self._natural_params]
        with ac.enable_grad():
            normalizer = self._log_normalizer(*params)
            gradients = ac.autograd.grad(normalizer.sum(), params, create_graph=True)
        result = result + normalizer
        for p, g in zip(params, gradients, strict=True):
            result = result - (p * g).reshape((*tuple(self._batch_shape), -1)).sum(-1)
        return result
