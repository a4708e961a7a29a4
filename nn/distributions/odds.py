"""Distributions of events given by probabilities or by log-odds."""

from __future__ import annotations

from typing import Any

from .distribution import Distribution, ExponentialFamily
from .utils import broadcast_all, lazy_property, logits_to_probs, probs_to_logits


def one_of(name: str, probs: Any, logits: Any) -> None:
    """Raise ValueError unless exactly one of them is given."""
    if (probs is None) == (logits is None):
        raise ValueError(f"{name}: either `probs` or `logits` must be specified, but not both.")


class Odds(ExponentialFamily):
    """A distribution with a parameter ``probs`` or ``logits``; the other one is computed at need."""

    _also: tuple[str, ...] = ("_by_logits",)

    def _take(self, validate_args: bool | None, probs: Any, logits: Any, **others: Any) -> None:
        """Set the parameter that is given, broadcast with the others (which come first and take its dtype)."""
        one_of(type(self).__name__, probs, logits)
        self._by_logits = probs is None
        *rest, param = broadcast_all(*others.values(), logits if probs is None else probs)
        self.__dict__["logits" if self._by_logits else "probs"] = param
        for name, value in zip(others, rest, strict=True):
            self.__dict__[name] = value.type_as(param)
        Distribution.__init__(self, param.shape, validate_args=validate_args)

    @property
    def _param(self) -> Any:
        return self.logits if self._by_logits else self.probs

    @property
    def param_shape(self) -> Any:
        """The parameter's shape."""
        return self._param.shape

    @lazy_property
    def logits(self) -> Any:
        """The log-odds."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Any:
        """The probabilities."""
        return logits_to_probs(self.logits, is_binary=True)
