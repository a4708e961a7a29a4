"""Checks of constructor arguments that name sizes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autograd_core import errors

__all__: list[str] = []


def positive(module: str, name: str, value: Any, zero: bool = False) -> int:
    """``value`` as an int above 0 (or, with ``zero``, not below)."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{module}: {name} must be an int, got {type(value).__name__} {value!r}.")
    n = int(value)
    if n < 0 or (n == 0 and not zero):
        raise errors.ShapeError(f"{module}: {name} must be {'non-negative' if zero else 'positive'}, got {n}.")
    return n


def per_dim(module: str, name: str, value: Any, n: int) -> tuple[Any, ...]:
    """``value`` repeated for each of ``n`` dimensions, or the n values given."""
    if isinstance(value, Iterable) and not isinstance(value, str):
        out = tuple(value)
        if len(out) != n:
            raise errors.ShapeError(f"{module}: {name} must be one number or {n}, got {len(out)}: {out}.")
        return out
    return (value,) * n


def probability(module: str, p: Any) -> float:
    """A dropout probability, checked."""
    if not 0 <= p <= 1:
        raise ValueError(f"{module}: the dropout probability p must be between 0 and 1, got {p}.")
    return p  # type: ignore[no-any-return]
