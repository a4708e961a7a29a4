"""From a list of samples to one batch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

import autograd_core as ac

__all__ = ["Batch", "collate", "default_collate", "default_collate_fn_map", "default_convert"]

Collate = Callable[..., Any]


class Batch(Sequence[Any]):
    """The samples of a batch, already side by side: one column per field.

    A dataset that can index a whole batch at once returns this from `__getitems__`; it reads as a sequence of sample
    tuples, and `default_collate` takes the columns as they are instead of stacking samples that it would first have
    to cut apart.

    Parameters
    ----------
    *columns : Tensor
        One per field of the sample, each with the batch as its first dimension.
    """

    __slots__ = ("columns",)

    def __init__(self, *columns: Any) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def __getitem__(self, index: Any) -> Any:
        return tuple(column[index] for column in self.columns)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))


def default_convert(data: Any) -> Any:
    """NumPy arrays and scalars inside `data` as tensors; the rest as it is (used where batching is off).

    Source: PyTorch, `torch.utils.data.default_convert`.
    """
    if isinstance(data, ac.Tensor):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        return data if _is_text(data.dtype) else ac.as_tensor(data)
    if isinstance(data, Mapping):
        converted = {key: default_convert(value) for key, value in data.items()}
        return _refill_mapping(data, converted)
    if isinstance(data, tuple):
        values = [default_convert(value) for value in data]
        return type(data)(*values) if hasattr(data, "_fields") else values
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _refill_sequence(data, [default_convert(value) for value in data])
    return data


def default_collate(batch: Sequence[Any]) -> Any:
    """Stack the samples of `batch` into one batch, keeping their structure.

    Tensors, arrays and numbers gain a first dimension of the batch's length; floats become float64 and integers int64
    tensors; strings and bytes stay lists; mappings, tuples and lists are collated field by field (a tuple gives a
    list, a named tuple its own type).

    Parameters
    ----------
    batch : sequence
        Samples of equal structure, at least one.

    Returns
    -------
    Tensor or container of Tensors

    Raises
    ------
    RuntimeError
        When tensors or lists differ in shape.
    TypeError
        When a sample holds something that cannot be stacked.

    Examples
    --------
    >>> default_collate([(1, 2.0), (3, 4.0)])
    [tensor([1, 3]), tensor([2., 4.], dtype=autograd_core.float64)]

    Source: PyTorch, `torch.utils.data.default_collate`.
    """
    if type(batch) is Batch:
        return list(batch.columns)
    return collate(batch, collate_fn_map=default_collate_fn_map)


def collate(batch: Sequence[Any], *, collate_fn_map: dict[Any, Collate] | None = None) -> Any:
    """`default_collate` with the type's function looked up in `collate_fn_map` (exact type first, then subclasses).

    Each function is called as ``fn(batch, collate_fn_map=collate_fn_map)``.
    """
    if len(batch) == 0:
        raise ValueError("default_collate: the batch is empty; give at least one sample.")
    first = batch[0]
    kind = type(first)
    if collate_fn_map is not None:
        if kind in collate_fn_map:
            return collate_fn_map[kind](batch, collate_fn_map=collate_fn_map)
        for known, function in collate_fn_map.items():
            if isinstance(first, known):
                return function(batch, collate_fn_map=collate_fn_map)
    if isinstance(first, Mapping):
        columns = {}
        for key in first:
            try:
                columns[key] = collate([sample[key] for sample in batch], collate_fn_map=collate_fn_map)
            except KeyError:
                lacking = next(i for i, sample in enumerate(batch) if key not in sample)
                raise KeyError(
                    f"default_collate: sample {lacking} of the batch has no key {key!r}, sample 0 has it. "
                    "Give every sample the same keys, or pass your own collate_fn."
                ) from None
        return _refill_mapping(first, columns)
    if isinstance(first, Sequence):
        for i, sample in enumerate(batch):
            if len(sample) != len(first):
                raise RuntimeError(
                    f"default_collate: each element in list of batch should be of equal size: sample 0 has "
                    f"{len(first)} items, sample {i} has {len(sample)}. Pad them, or pass your own collate_fn."
                )
        fields = [collate(field, collate_fn_map=collate_fn_map) for field in zip(*batch, strict=True)]
        if isinstance(first, tuple):
            return kind(*fields) if hasattr(first, "_fields") else fields
        return _refill_sequence(first, fields)
    raise TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {kind}. "
        "Return one of these from the dataset, or pass your own collate_fn."
    )


def _refill_mapping(like: Mapping[Any, Any], content: dict[Any, Any]) -> Any:
    """`content` in the type of `like`; a plain dict where that type cannot be filled."""
    try:
        if isinstance(like, MutableMapping):
            clone = copy.copy(like)
            clone.update(content)
            return clone
        return type(like)(content)  # type: ignore[call-arg]
    except TypeError:
        return content


def _refill_sequence(like: Sequence[Any], content: list[Any]) -> Any:
    """`content` in the type of `like`; a plain list where that type cannot be filled (such as range)."""
    if type(like) is list:
        return content
    try:
        if isinstance(like, MutableSequence):
            clone = copy.copy(like)
            for i, value in enumerate(content):
                clone[i] = value
            return clone
        return type(like)(content)  # type: ignore[call-arg]
    except TypeError:
        return content


def _is_text(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "SaUO"


def _stack_arrays(arrays: list[np.ndarray]) -> ac.Tensor:
    shape = arrays[0].shape
    for i, array in enumerate(arrays):
        if array.shape != shape:
            raise RuntimeError(
                f"default_collate: samples differ in shape: sample 0 is {shape}, sample {i} is {array.shape}. "
                "Crop, resize or pad them to one shape, or pass your own collate_fn."
            )
    out = np.empty((len(arrays), *shape), dtype=np.result_type(*{array.dtype for array in arrays}))
    for i, array in enumerate(arrays):
        out[i] = array
    return ac.from_numpy(out)


def _collate_tensors(batch: Sequence[Any], *, collate_fn_map: Any = None) -> ac.Tensor:
    if any(tensor.requires_grad for tensor in batch):
        return ac.stack(list(batch), 0)
    return _stack_arrays([tensor.array for tensor in batch])


def _collate_arrays(batch: Sequence[Any], *, collate_fn_map: Any = None) -> ac.Tensor:
    if _is_text(batch[0].dtype):
        raise TypeError(
            "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
            f"found an array of dtype {batch[0].dtype}. Return str or numbers, or pass your own collate_fn."
        )
    return _stack_arrays([np.asarray(array) for array in batch])


def _collate_numpy_scalars(batch: Sequence[Any], *, collate_fn_map: Any = None) -> ac.Tensor:
    return ac.from_numpy(np.array(batch))


def _collate_floats(batch: Sequence[Any], *, collate_fn_map: Any = None) -> ac.Tensor:
    return ac.from_numpy(np.array(batch, dtype=np.float64))


def _collate_bools(batch: Sequence[Any], *, collate_fn_map: Any = None) -> ac.Tensor:
    return ac.tensor(list(batch))


def _collate_ints(batch: Sequence[Any], *, collate_fn_map: Any = None) -> ac.Tensor:
    try:
        return ac.from_numpy(np.array(batch, dtype=np.int64))
    except OverflowError:
        raise RuntimeError("default_collate: an integer of the batch does not fit in int64.") from None


def _keep(batch: Sequence[Any], *, collate_fn_map: Any = None) -> Any:
    return batch


default_collate_fn_map: dict[Any, Collate] = {
    ac.Tensor: _collate_tensors,
    np.ndarray: _collate_arrays,
    (np.bool_, np.number): _collate_numpy_scalars,
    float: _collate_floats,
    bool: _collate_bools,
    int: _collate_ints,
    str: _keep,
    bytes: _keep,
}
