"""The small helpers that custom layers import from here (``_pair`` and its kin)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

__all__: list[str] = []


def _ntuple(n: int) -> Callable[[Any], tuple[Any, ...]]:
    """A function that repeats a number ``n`` times and leaves sequences as they are."""

    def parse(x: Any) -> tuple[Any, ...]:
        return tuple(x) if isinstance(x, Iterable) else (x,) * n

    return parse


_single, _pair, _triple, _quadruple = (_ntuple(n) for n in (1, 2, 3, 4))


def _reverse_repeat_tuple(t: Iterable[Any], n: int) -> tuple[Any, ...]:
    """The values from last to first, each ``n`` times: what ``F.pad`` takes for a border on both sides."""
    return tuple(x for x in reversed(tuple(t)) for _ in range(n))
