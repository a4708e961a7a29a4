"""Datasets: something with `__getitem__` and `__len__`, or something to iterate over."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

import autograd_core as ac

from .collate import Batch
from .seeding import fetch_each

__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "random_split",
]  # fmt: skip

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """A map from index to sample; subclasses give `__getitem__`, and `__len__` where samplers need it.

    `__getitems__(list of indices) -> list of samples` is optional and used by `DataLoader` when present.

    Source: PyTorch, `torch.utils.data.Dataset`.
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__}: a Dataset subclass must define __getitem__(self, index).")

    def __add__(self, other: Dataset[Any]) -> ConcatDataset[Any]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co]):
    """A stream of samples; subclasses give `__iter__`.

    With several workers every worker iterates over its own copy: split the stream by `get_worker_info()`.

    Source: PyTorch, `torch.utils.data.IterableDataset`.
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__}: an IterableDataset subclass must define __iter__(self).")

    def __add__(self, other: Dataset[Any]) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Any, ...]]):
    """Sample i is the tuple of the i-th entries of `tensors` along their first dimension.

    A `DataLoader` without workers takes a batch from it by one index operation per tensor.

    Parameters
    ----------
    *tensors : Tensor
        All of the same length.

    Raises
    ------
    ValueError
        When the lengths differ.

    Examples
    --------
    >>> import autograd_core as ac
    >>> TensorDataset(ac.arange(3), ac.zeros(3))[1]
    (tensor(1), tensor(0.))

    Source: PyTorch, `torch.utils.data.TensorDataset`.
    """

    tensors: tuple[ac.Tensor, ...]

    def __init__(self, *tensors: ac.Tensor) -> None:
        if not tensors:
            raise ValueError("TensorDataset: give at least one tensor.")
        for i, tensor in enumerate(tensors):
            if not isinstance(tensor, ac.Tensor):
                raise TypeError(
                    f"TensorDataset: argument {i} is {type(tensor).__name__}, not Tensor; wrap it in "
                    "autograd_core.as_tensor()."
                )
            if tensor.ndim == 0:
                raise ValueError(
                    f"TensorDataset: argument {i} is 0-dimensional; samples lie along the first dimension."
                )
        lengths = [tensor.shape[0] for tensor in tensors]
        if len(set(lengths)) > 1:
            raise ValueError(f"TensorDataset: size mismatch between tensors: their lengths are {lengths}.")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        rows = np.asarray(indices, dtype=np.intp)
        try:
            return Batch(
                *[
                    tensor[rows] if tensor.requires_grad else ac.from_numpy(tensor.array.take(rows, axis=0))
                    for tensor in self.tensors
                ]
            )
        except IndexError:
            raise _out_of_range(self, rows) from None

    def __len__(self) -> int:
        return len(self.tensors[0])


def _out_of_range(dataset: Any, rows: np.ndarray) -> IndexError:
    length = len(dataset)
    bad = rows[(rows < -length) | (rows >= length)]
    return IndexError(
        f"{type(dataset).__name__}: index {int(bad[0]) if bad.size else '?'} is out of range for {length} samples."
    )


class StackDataset(Dataset[Any]):
    """Several datasets side by side: sample i holds sample i of each, as a tuple or, by keyword, a dict.

    Source: PyTorch, `torch.utils.data.StackDataset`.
    """

    datasets: tuple[Dataset[Any], ...] | dict[str, Dataset[Any]]

    def __init__(self, *args: Dataset[Any], **kwargs: Dataset[Any]) -> None:
        if args and kwargs:
            raise ValueError(
                "StackDataset: give datasets either by position (samples are tuples) or by keyword (samples are "
                "dicts), not both."
            )
        if not args and not kwargs:
            raise ValueError("StackDataset: give at least one dataset.")
        lengths = [len(dataset) for dataset in (args or kwargs.values())]  # type: ignore[arg-type]
        if len(set(lengths)) > 1:
            raise ValueError(f"StackDataset: size mismatch between datasets: their lengths are {lengths}.")
        self._length = lengths[0]
        self.datasets = args or kwargs

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T_co]):
    """Datasets one after the other.

    Parameters
    ----------
    datasets : iterable of Dataset
        At least one; each with a length.

    Source: PyTorch, `torch.utils.data.ConcatDataset`.
    """

    datasets: list[Dataset[T_co]]
    cumulative_sizes: list[int]

    def __init__(self, datasets: Iterable[Dataset[T_co]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset: datasets should not be an empty iterable.")
        for i, dataset in enumerate(self.datasets):
            if isinstance(dataset, IterableDataset):
                raise TypeError(
                    f"ConcatDataset: dataset {i} is an IterableDataset, which has no indices; use ChainDataset."
                )
        self.cumulative_sizes = list(itertools.accumulate(len(d) for d in self.datasets))  # type: ignore[arg-type]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def _locate(self, index: int) -> tuple[int, int]:
        """(which dataset, index in it)."""
        length = len(self)
        if not -length <= index < length:
            raise IndexError(f"ConcatDataset: index {index} is out of range for {length} samples.")
        index = index % length
        which = bisect.bisect_right(self.cumulative_sizes, index)
        return which, index - (self.cumulative_sizes[which - 1] if which else 0)

    def __getitem__(self, index: int) -> T_co:
        which, inner = self._locate(index)
        return self.datasets[which][inner]


class ChainDataset(IterableDataset[Any]):
    """Iterable datasets one after the other.

    Source: PyTorch, `torch.utils.data.ChainDataset`.
    """

    def __init__(self, datasets: Iterable[Dataset[Any]]) -> None:
        self.datasets = list(datasets)
        for i, dataset in enumerate(self.datasets):
            if not isinstance(dataset, IterableDataset):
                raise TypeError(
                    f"ChainDataset: dataset {i} is {type(dataset).__name__}; ChainDataset only supports "
                    "IterableDataset. Use ConcatDataset for datasets with indices."
                )

    def __iter__(self) -> Iterator[Any]:
        for dataset in self.datasets:
            yield from dataset  # type: ignore[misc]

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self.datasets)  # type: ignore[arg-type,misc]


class Subset(Dataset[T_co]):
    """The samples of `dataset` at `indices`.

    Parameters
    ----------
    dataset : Dataset
    indices : sequence of int

    Source: PyTorch, `torch.utils.data.Subset`.
    """

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Sequence[int]) -> Any:
        if type(self).__getitem__ is not Subset.__getitem__:  # a subclass changed what a sample is
            return fetch_each(self.__getitem__, indices)
        inner = [self.indices[i] for i in indices]
        together = getattr(self.dataset, "__getitems__", None)
        # Streams are named by the index in the whole dataset: a picture keeps its augmentation in any subset.
        return fetch_each(self.dataset.__getitem__, inner) if together is None else together(inner)

    def __len__(self) -> int:
        return len(self.indices)


def random_split(dataset: Dataset[T_co], lengths: Sequence[int | float], generator: Any = None) -> list[Subset[T_co]]:
    """Split `dataset` at random into parts that do not overlap.

    Parameters
    ----------
    dataset : Dataset
    lengths : sequence of int or float
        Numbers of samples that sum to ``len(dataset)``, or fractions that sum to 1: each part then gets
        ``floor(n * fraction)`` and the remaining samples go round, one to each part from the first.
    generator : Generator, optional
        For the permutation; default: the default generator.

    Returns
    -------
    list of Subset

    Raises
    ------
    ValueError
        When the lengths do not sum to the dataset's length, or are negative.

    Examples
    --------
    >>> import autograd_core as ac
    >>> [len(part) for part in random_split(range(10), [0.7, 0.3], ac.Generator().manual_seed(0))]
    [7, 3]

    Source: PyTorch, `torch.utils.data.random_split`.
    """
    size = len(dataset)  # type: ignore[arg-type]
    if not lengths:
        raise ValueError("random_split: lengths is empty; give at least one length or fraction.")
    for i, length in enumerate(lengths):
        if not length >= 0:  # also refuses NaN
            raise ValueError(f"random_split: lengths[{i}]={length} is negative or not a number.")
    total = math.fsum(lengths)
    if math.isclose(total, 1):
        counts = [math.floor(size * fraction) for fraction in lengths]
        for i in range(size - sum(counts)):
            counts[i % len(counts)] += 1
        for i, count in enumerate(counts):
            if count == 0:
                warnings.warn(
                    f"random_split: length of split at index {i} is 0: {lengths[i]} of {size} samples.", stacklevel=2
                )
    else:
        if any(int(length) != length for length in lengths):
            raise ValueError(
                f"random_split: lengths={list(lengths)} sum to {total:g}; fractions must sum to 1, and counts must be "
                "whole numbers."
            )
        counts = [int(length) for length in lengths]
    if sum(counts) != size:
        raise ValueError(
            f"random_split: sum of input lengths does not equal the length of the input dataset: {counts} sum to "
            f"{sum(counts)}, the dataset has {size} samples."
        )
    order = ac.randperm(size, generator=generator).tolist()
    ends = itertools.accumulate(counts)
    return [Subset(dataset, order[end - count : end]) for end, count in zip(ends, counts, strict=True)]
