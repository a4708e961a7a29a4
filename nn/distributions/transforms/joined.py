"""Transforms of the parts of a dimension, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import autograd_core as ac

from .. import constraints
from ..utils import sum_rightmost
from .base import Transform


class _Parts(Transform):
    """What :class:`CatTransform` and :class:`StackTransform` share."""

    transforms: list[Transform]
    dim: int

    @property
    def bijective(self) -> Any:  # type: ignore[override]
        return all(t.bijective for t in self.transforms)

    def _take(self, tseq: Sequence[Transform], cache_size: int) -> None:
        for t in tseq:
            if not isinstance(t, Transform):
                raise TypeError(f"{type(self).__name__}: expected transforms, got {type(t).__name__}.")
        Transform.__init__(self, cache_size=cache_size)
        self.transforms = [t.with_cache(cache_size) for t in tseq] if cache_size else list(tseq)

    def _check(self, x: Any, size: int) -> None:
        if not -x.ndim <= self.dim < x.ndim or x.shape[self.dim] != size:
            raise ValueError(
                f"{type(self).__name__}: expected size {size} in dimension {self.dim}, got shape {tuple(x.shape)}."
            )


class CatTransform(_Parts):
    """Maps for consecutive parts of a dimension.

    Parameters
    ----------
    tseq : sequence of Transform
    dim : int
    lengths : sequence of int, optional
        Of the parts (default: 1 each).
    cache_size : {0, 1}
    """

    def __init__(
        self, tseq: Sequence[Transform], dim: int = 0, lengths: Sequence[int] | None = None, cache_size: int = 0
    ) -> None:
        self._take(tseq, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise ValueError(f"CatTransform: {len(self.transforms)} transforms and {len(self.lengths)} lengths.")
        self.dim = dim

    def _options(self) -> tuple[Any, ...]:
        return self.transforms, self.dim, self.lengths

    @property
    def event_dim(self) -> int:
        return max(t.event_dim for t in self.transforms)

    @property
    def length(self) -> int:
        """The size of the dimension."""
        return sum(self.lengths)

    def _slices(self, x: Any) -> list[Any]:
        self._check(x, self.length)
        starts = [sum(self.lengths[:i]) for i in range(len(self.lengths))]
        return [x.narrow(self.dim, s, n) for s, n in zip(starts, self.lengths, strict=True)]

    def _call(self, x: Any) -> Any:
        return ac.cat([t(v) for t, v in zip(self.transforms, self._slices(x), strict=True)], self.dim)

    def _inverse(self, y: Any) -> Any:
        return ac.cat([t.inv(v) for t, v in zip(self.transforms, self._slices(y), strict=True)], self.dim)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        terms = []
        for t, a, b in zip(self.transforms, self._slices(x), self._slices(y), strict=True):
            terms.append(sum_rightmost(t.log_abs_det_jacobian(a, b), self.event_dim - t.event_dim))
        dim = (self.dim - x.ndim if self.dim >= 0 else self.dim) + self.event_dim
        return ac.cat(terms, dim) if dim < 0 else sum(terms[1:], terms[0])

    @constraints.dependent_property(is_discrete=False)
    def domain(self) -> Any:
        return constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)

    @constraints.dependent_property(is_discrete=False)
    def codomain(self) -> Any:
        return constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)


class StackTransform(_Parts):
    """Maps for each index of a dimension.

    Parameters
    ----------
    tseq : sequence of Transform
    dim : int
    cache_size : {0, 1}
    """

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        self._take(tseq, cache_size)
        self.dim = dim

    def _options(self) -> tuple[Any, ...]:
        return self.transforms, self.dim

    def _slices(self, x: Any) -> list[Any]:
        self._check(x, len(self.transforms))
        return [x.select(self.dim, i) for i in range(len(self.transforms))]

    def _call(self, x: Any) -> Any:
        return ac.stack([t(v) for t, v in zip(self.transforms, self._slices(x), strict=True)], self.dim)

    def _inverse(self, y: Any) -> Any:
        return ac.stack([t.inv(v) for t, v in zip(self.transforms, self._slices(y), strict=True)], self.dim)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        pairs = zip(self.transforms, self._slices(x), self._slices(y), strict=True)
        return ac.stack([t.log_abs_det_jacobian(a, b) for t, a, b in pairs], self.dim)

    @constraints.dependent_property(is_discrete=False)
    def domain(self) -> Any:
        return constraints.stack([t.domain for t in self.transforms], self.dim)

    @constraints.dependent_property(is_discrete=False)
    def codomain(self) -> Any:
        return constraints.stack([t.codomain for t in self.transforms], self.dim)
