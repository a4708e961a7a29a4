"""How one batch is made from a dataset: the same code in the main process and in every worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from . import seeding
from .collate import Batch, default_collate
from .dataset import IterableDataset

__all__ = ["MapFetcher", "StreamFetcher", "make_fetcher"]


class MapFetcher:
    """Batches of a dataset with indices."""

    def __init__(self, dataset: Any, batched: bool, collate_fn: Callable[[Any], Any]) -> None:
        self._dataset = dataset
        self._collate = collate_fn
        self._together = getattr(dataset, "__getitems__", None) if batched else None
        self._batched = batched

    def __call__(self, indices: Any) -> Any:
        try:
            return self._fetch(indices)
        except StopIteration as error:  # would end the user's for loop as if the epoch were over
            raise RuntimeError("DataLoader: the dataset or collate_fn raised StopIteration.") from error

    def _fetch(self, indices: Any) -> Any:
        if not self._batched:
            seeding.at(indices)
            return self._collate(self._dataset[indices])
        if self._together is None:
            return self._collate(seeding.fetch_each(self._dataset.__getitem__, indices))
        seeding.at(indices)
        samples = self._together(indices)
        if type(samples) is Batch and self._collate is not default_collate:
            samples = list(samples)
        return self._collate(samples)


class StreamFetcher:
    """Batches of an iterable dataset; raises StopIteration when the stream ends.

    The streams of random numbers are named by (worker, position in the worker's stream).
    """

    def __init__(
        self, dataset: Any, batched: bool, collate_fn: Callable[[Any], Any], drop_last: bool, worker: int = 0
    ) -> None:
        self._collate = collate_fn
        self._batched = batched
        self._drop_last = drop_last
        self._position = worker << 40
        seeding.at(("iter", worker))
        self._stream: Iterator[Any] = iter(dataset)
        self._ended = False

    def _next(self) -> Any:
        seeding.at(self._position)
        self._position += 1
        return next(self._stream)

    def __call__(self, indices: Any) -> Any:
        if self._ended:
            raise StopIteration
        if not self._batched:
            return self._collate(self._next())
        samples = []
        for _ in indices:
            try:
                samples.append(self._next())
            except StopIteration:
                self._ended = True
                break
        if not samples or (self._drop_last and len(samples) < len(indices)):
            raise StopIteration
        return self._collate(samples)


def make_fetcher(
    dataset: Any, batched: bool, collate_fn: Callable[[Any], Any], drop_last: bool, worker: int = 0
) -> MapFetcher | StreamFetcher:
    """The fetcher for `dataset`: by index, or (an `IterableDataset`) from a fresh iterator."""
    if isinstance(dataset, IterableDataset):
        return StreamFetcher(dataset, batched, collate_fn, drop_last, worker)
    return MapFetcher(dataset, batched, collate_fn)
