"""Samplers: in which order the indices of a dataset come.

The random ones remember the state their generator had when the running epoch began (`state_dict`), which together with
the number of batches handed out is all that an exact resume needs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import numpy as np

import autograd_core as ac

from .seeding import draw_seed

__all__ = [
    "BatchSampler",
    "DistributedSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]  # fmt: skip

T_co = TypeVar("T_co", covariant=True)


class Sampler(Generic[T_co]):
    """An iterable over indices (or lists of indices); subclasses give `__iter__`, and `__len__` where it is known.

    Source: PyTorch, `torch.utils.data.Sampler`.
    """

    def __init__(self, data_source: Sized | None = None) -> None:
        """`data_source` is accepted and not used."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__}: a Sampler subclass must define __iter__(self).")


class SequentialSampler(Sampler[int]):
    """0, 1, ..., n-1.

    Source: PyTorch, `torch.utils.data.SequentialSampler`.
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class _Shuffling(Sampler[int]):
    """What the random samplers share: one generator per epoch, whose start can be saved and put back."""

    generator: Any = None
    _began: dict[str, Any] | None = None
    _resume: dict[str, Any] | None = None

    def _begin(self) -> Any:
        """The generator of the epoch that begins now.

        Without a generator of its own a sampler draws one seed from the default generator; so an epoch's order
        does not depend on what else is drawn while it runs.
        """
        start, self._resume = self._resume, None
        if self.generator is not None:
            if start is not None:
                self.generator.set_state(start["generator"])
            self._began = {"generator": self.generator.get_state()}
            return self.generator
        self._began = start or {"seed": draw_seed(None)}
        return ac.Generator().manual_seed(self._began["seed"])

    def state_dict(self) -> dict[str, Any]:
        """The state from which the epoch that runs (or ran last) began; empty before the first."""
        return dict(self._resume or self._began or {})

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Begin the next iteration from `state`."""
        key = "seed" if self.generator is None else "generator"
        if state and key not in state:
            raise ValueError(
                f"{type(self).__name__}.load_state_dict: the state has {sorted(state)}, expected {key!r}: it was saved "
                f"by a sampler {'with' if key == 'seed' else 'without'} a generator of its own."
            )
        self._resume = dict(state) or None


class RandomSampler(_Shuffling):
    """A random order of the indices of `data_source`.

    Parameters
    ----------
    data_source : Sized
    replacement : bool
        Draw every index independently instead of permuting.
    num_samples : int, optional
        How many indices to give, default ``len(data_source)``; without replacement more than that repeats
        permutations.
    generator : Generator, optional

    Source: PyTorch, `torch.utils.data.RandomSampler`.
    """

    def __init__(
        self, data_source: Sized, replacement: bool = False, num_samples: int | None = None, generator: Any = None
    ) -> None:
        _check_flag("RandomSampler", "replacement", replacement)
        if num_samples is not None:
            _check_count("RandomSampler", "num_samples", num_samples, least=0)
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator

    @property
    def num_samples(self) -> int:
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        size, count = len(self.data_source), self.num_samples
        if count and not size:
            raise ValueError("RandomSampler: cannot draw from an empty data_source.")
        generator = self._begin()
        if count <= size and not self.replacement:  # one permutation: no need to draw in parts
            return iter(ac.randperm(size, generator=generator).tolist()[:count])
        return self._indices(size, count, generator)

    def _indices(self, size: int, count: int, generator: Any) -> Iterator[int]:
        while count > 0:
            if self.replacement:
                part = ac.randint(0, size, (min(count, 1024),), generator=generator).tolist()
            else:
                part = ac.randperm(size, generator=generator).tolist()[:count]
            yield from part
            count -= len(part)

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(_Shuffling):
    """The given indices in a random order, without replacement.

    Source: PyTorch, `torch.utils.data.SubsetRandomSampler`.
    """

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        order = ac.randperm(len(self.indices), generator=self._begin()).tolist()
        return iter([self.indices[i] for i in order])

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(_Shuffling):
    r"""Index i with probability :math:`w_i / \sum_j w_j`.

    Parameters
    ----------
    weights : sequence of float
        Not necessarily summing to one; not negative, finite, with a positive sum.
    num_samples : int
        How many indices to draw.
    replacement : bool
        Without it an index comes at most once, drawn in sequence from what is left.
    generator : Generator, optional

    Notes
    -----
    With replacement by inverting the cumulative sum. Without, by the largest of
    :math:`u_i^{1/w_i}` (Efraimidis and Spirakis, 2006), which has the distribution of sequential drawing.

    Source: PyTorch, `torch.utils.data.WeightedRandomSampler`.
    """

    def __init__(
        self, weights: Sequence[float], num_samples: int, replacement: bool = True, generator: Any = None
    ) -> None:
        _check_count("WeightedRandomSampler", "num_samples", num_samples, least=1)
        _check_flag("WeightedRandomSampler", "replacement", replacement)
        values = weights.array if isinstance(weights, ac.Tensor) else np.asarray(weights)
        if values.ndim != 1:
            raise ValueError(f"WeightedRandomSampler: weights should be a 1d sequence, got shape {values.shape}.")
        values = values.astype(np.float64)
        if not np.isfinite(values).all() or (values < 0).any():
            raise ValueError("WeightedRandomSampler: weights must be finite and not negative.")
        usable = int(np.count_nonzero(values))
        if usable == 0:
            raise ValueError(f"WeightedRandomSampler: all {values.size} weights are zero; nothing can be drawn.")
        if not replacement and num_samples > usable:
            raise ValueError(
                f"WeightedRandomSampler: cannot draw num_samples={num_samples} without replacement from "
                f"{usable} indices of positive weight."
            )
        self.weights = ac.from_numpy(values)
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        weights: np.ndarray = self.weights.array
        generator = self._begin()
        if self.replacement:
            ends = np.cumsum(weights)
            u = ac.rand(self.num_samples, dtype=ac.float64, generator=generator).array * ends[-1]
            # u < ends[-1] up to rounding; the clip keeps a rounded-up u on the last index of positive weight.
            last = int(np.flatnonzero(weights)[-1])
            return iter(np.minimum(np.searchsorted(ends, u, side="right"), last).tolist())
        u = ac.rand(weights.size, dtype=ac.float64, generator=generator).array
        with np.errstate(divide="ignore"):
            keys = np.where(weights > 0, np.log(u) / weights, -np.inf)  # log of u**(1/w)
        return iter(np.argsort(-keys, kind="stable")[: self.num_samples].tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Lists of `batch_size` consecutive indices of `sampler`; the last may be shorter, or is dropped.

    Examples
    --------
    >>> list(BatchSampler(SequentialSampler(range(5)), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]

    Source: PyTorch, `torch.utils.data.BatchSampler`.
    """

    def __init__(self, sampler: Sampler[Any] | Iterable[Any], batch_size: int, drop_last: bool) -> None:
        _check_count("BatchSampler", "batch_size", batch_size, least=1)
        _check_flag("BatchSampler", "drop_last", drop_last)
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) < self.batch_size and self.drop_last:
                return
            yield batch

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)


class DistributedSampler(Sampler[int]):
    """Every `num_replicas`-th index from `rank` on, of a permutation that all replicas agree on.

    Parameters
    ----------
    dataset : Sized
    num_replicas, rank : int, optional
        Default 1 and 0: there is no process group to ask.
    shuffle : bool
        Permute by a generator seeded with ``seed + epoch``; call `set_epoch` before each epoch.
    seed : int
        The same in all replicas.
    drop_last : bool
        Drop the tail so that all replicas get the same number, instead of repeating samples from the start.

    Source: PyTorch, `torch.utils.data.distributed.DistributedSampler`.
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        num_replicas = 1 if num_replicas is None else num_replicas
        rank = 0 if rank is None else rank
        _check_count("DistributedSampler", "num_replicas", num_replicas, least=1)
        if not 0 <= rank < num_replicas:
            raise ValueError(
                f"DistributedSampler: invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]."
            )
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.shuffle = shuffle
        self.seed = seed
        self.drop_last = drop_last
        size = len(dataset)
        self.num_samples = size // num_replicas if drop_last else math.ceil(size / num_replicas)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        size = len(self.dataset)
        if self.shuffle:
            order = ac.randperm(size, generator=ac.Generator().manual_seed(self.seed + self.epoch)).tolist()
        else:
            order = list(range(size))
        if len(order) < self.total_size:
            order = (order * math.ceil(self.total_size / len(order)))[: self.total_size]
        return iter(order[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Choose the permutation of this epoch."""
        self.epoch = epoch

    def state_dict(self) -> dict[str, Any]:
        """The seed and epoch, which decide the order."""
        return {"seed": self.seed, "epoch": self.epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the seed and epoch of `state`."""
        self.seed, self.epoch = state["seed"], state["epoch"]


def _check_count(who: str, name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        what = "a positive integer" if least == 1 else f"an integer of at least {least}"
        raise ValueError(f"{who}: {name} should be {what}, got {name}={value!r}.")


def _check_flag(who: str, name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{who}: {name} should be a bool, got {name}={value!r}.")
