"""Batches of sequences of different lengths: packing, padding, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

import autograd_core as ac
from autograd_core import Tensor

__all__ = [
    "PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence", "unpad_sequence",
]  # fmt: skip


class _Packed(NamedTuple):
    data: Any
    batch_sizes: Any
    sorted_indices: Any
    unsorted_indices: Any


class PackedSequence(_Packed):
    """Sequences of different lengths without padding: their elements, time step by time step.

    Made by :func:`pack_padded_sequence` and :func:`pack_sequence`; RNN, LSTM and GRU take and return it.

    Attributes
    ----------
    data : Tensor (number of elements, ...)
    batch_sizes : Tensor of int64
        How many sequences are still running at each time step.
    sorted_indices, unsorted_indices : Tensor or None
        How the batch was sorted (longest first), and back.
    """

    __slots__ = ()

    def __new__(
        cls, data: Any, batch_sizes: Any = None, sorted_indices: Any = None, unsorted_indices: Any = None
    ) -> PackedSequence:
        if batch_sizes is None:
            if not isinstance(data, (list, tuple)) or len(data) != 2:
                raise TypeError(
                    "PackedSequence: give data and batch_sizes; it is usually made by pack_padded_sequence()."
                )
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Convert ``data`` as ``Tensor.to`` does."""
        return self._replace(data=self.data.to(*args, **kwargs))

    def cpu(self) -> PackedSequence:
        return self

    def pin_memory(self) -> PackedSequence:
        return self

    def double(self) -> PackedSequence:
        return self.to(ac.float64)

    def float(self) -> PackedSequence:
        return self.to(ac.float32)

    def half(self) -> PackedSequence:
        return self.to(ac.float16)

    def long(self) -> PackedSequence:
        return self.to(ac.int64)

    def int(self) -> PackedSequence:
        return self.to(ac.int32)

    @property
    def is_cuda(self) -> bool:
        return False

    def is_pinned(self) -> bool:
        return False


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes ``permutation``."""
    if permutation is None:
        return None
    inverse = np.empty_like(permutation.array)
    inverse[permutation.array] = np.arange(permutation.array.size)
    return ac.from_numpy(inverse)


def _lengths(lengths: Any, name: str) -> Any:
    values = lengths.array if isinstance(lengths, Tensor) else np.asarray(list(lengths))
    if values.dtype.kind not in "iu":
        raise TypeError(f"{name}: lengths must be integers, got {values.dtype}.")
    return values.astype(np.int64).reshape(-1)


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack a padded batch.

    Parameters
    ----------
    input : Tensor (T, B, ...) or, with ``batch_first``, (B, T, ...)
    lengths : the B lengths, a tensor or a list
    enforce_sorted : bool
        Whether the lengths are already in decreasing order (otherwise the batch is sorted here).

    Raises
    ------
    RuntimeError
        If the lengths do not fit the batch, or are not sorted although ``enforce_sorted``.
    ValueError
        If a length is not positive.

    Examples
    --------
    >>> import autograd_core as torch
    >>> from nn.utils.rnn import pack_padded_sequence
    >>> packed = pack_padded_sequence(torch.tensor([[1, 2, 3], [4, 0, 0]]), [3, 1], batch_first=True)
    >>> packed.data, packed.batch_sizes
    (tensor([1, 4, 2, 3]), tensor([2, 1, 1]))
    """
    if not isinstance(input, Tensor):
        raise TypeError(f"pack_padded_sequence: input must be a Tensor, got {type(input).__name__}.")
    if input.ndim < 2:
        raise RuntimeError(
            f"pack_padded_sequence: expected at least 2 dimensions (time and batch), got shape {tuple(input.shape)}."
        )
    sizes = _lengths(lengths, "pack_padded_sequence")
    batch, steps = (input.shape[0], input.shape[1]) if batch_first else (input.shape[1], input.shape[0])
    if sizes.size != batch:
        raise RuntimeError(f"pack_padded_sequence: {sizes.size} lengths for a batch of {batch}.")
    if sizes.size == 0:
        raise RuntimeError("pack_padded_sequence: cannot pack an empty batch.")
    if sizes.min() <= 0:
        raise RuntimeError(f"pack_padded_sequence: every length must be at least 1, got {sizes.tolist()}.")
    if sizes.max() > steps:
        raise RuntimeError(
            f"pack_padded_sequence: the longest length is {sizes.max()}, but the input has {steps} time steps."
        )
    order = None
    if not enforce_sorted:
        order = np.argsort(-sizes, kind="stable")
        sizes = sizes[order]
    elif (np.diff(sizes) > 0).any():
        raise RuntimeError(
            "pack_padded_sequence: lengths must be in decreasing order when enforce_sorted=True, got "
            f"{sizes.tolist()}. "
            "Pass enforce_sorted=False to have the batch sorted."
        )
    running = (np.arange(sizes[0])[:, None] < sizes[None, :]).sum(1)
    step = np.repeat(np.arange(sizes[0]), running)
    member = np.concatenate([np.arange(n) for n in running])
    if order is not None:
        member = order[member]
    rows = member * steps + step if batch_first else step * batch + member
    flat: Any = input.reshape(batch * steps, *input.shape[2:])  # type: ignore[attr-defined]
    return PackedSequence(
        flat.index_select(0, ac.from_numpy(rows)),
        ac.from_numpy(running),
        None if order is None else ac.from_numpy(order),
    )


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Undo :func:`pack_padded_sequence`.

    Returns
    -------
    tuple
        The padded batch (T, B, ...) (or (B, T, ...)) and the lengths.

    Raises
    ------
    ValueError
        If ``total_length`` is less than the longest sequence.
    """
    running = sequence.batch_sizes.array
    steps, batch = len(running), int(running[0])
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                f"pad_packed_sequence: total_length={total_length} is less than the longest sequence, which has "
                f"{steps} elements."
            )
        running = np.concatenate([running, np.zeros(total_length - steps, running.dtype)])
        steps = total_length
    present = np.arange(batch)[None, :] < running[:, None]  # (steps, batch)
    place = np.zeros((steps, batch), np.int64)
    place[present] = np.arange(int(running.sum()))
    lengths = present.sum(0)
    if sequence.unsorted_indices is not None:
        back = sequence.unsorted_indices.array
        present, place, lengths = present[:, back], place[:, back], lengths[back]
    if batch_first:
        present, place = present.T, place.T
    data: Any = sequence.data
    rows = data.index_select(0, ac.from_numpy(np.ascontiguousarray(place).reshape(-1)))
    rows = rows.reshape(*place.shape, *data.shape[1:])
    if not present.all():
        absent = ~present.reshape(present.shape + (1,) * (data.ndim - 1))
        rows = rows.masked_fill(ac.from_numpy(absent), padding_value)
    return rows, ac.from_numpy(np.ascontiguousarray(lengths))


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Stack sequences (L_i, ...) of different lengths into (T, B, ...) (or (B, T, ...)), padded with a value.

    Examples
    --------
    >>> import autograd_core as torch
    >>> from nn.utils.rnn import pad_sequence
    >>> pad_sequence([torch.tensor([1, 2]), torch.tensor([3])], batch_first=True)
    tensor([[1, 2],
            [3, 0]])
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(f"pad_sequence: expected an iterable of tensors, got {type(sequences).__name__}.")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"pad_sequence: padding_side must be 'left' or 'right', got {padding_side!r}.")
    items: list[Any] = list(sequences)
    if not items:
        raise RuntimeError("pad_sequence: expected at least one sequence.")
    longest = max(len(s) for s in items)
    tail = items[0].shape[1:]
    padded = []
    for i, s in enumerate(items):
        if s.shape[1:] != tail:
            raise RuntimeError(
                f"pad_sequence: sequences may differ in their first dimension only; sequence {i} has shape "
                f"{tuple(s.shape)}, "
                f"sequence 0 {tuple(items[0].shape)}."
            )
        if len(s) < longest:
            border = ac.full((longest - len(s), *tail), padding_value, dtype=s.dtype)
            s = ac.cat([s, border] if padding_side == "right" else [border, s], 0)  # type: ignore[attr-defined]
        padded.append(s)
    return ac.stack(padded, 0 if batch_first else 1)  # type: ignore[attr-defined,no-any-return]


def unpad_sequence(padded_sequences: Tensor, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """The sequences of a padded batch, each cut to its length."""
    padded: Any = padded_sequences if batch_first else padded_sequences.transpose(0, 1)  # type: ignore[attr-defined]
    return [s[:n] for s, n in zip(padded, _lengths(lengths, "unpad_sequence").tolist(), strict=True)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack a list of sequences (longest first, or with ``enforce_sorted=False`` in any order)."""
    return pack_padded_sequence(pad_sequence(sequences), [len(s) for s in sequences], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a packed batch, in their original order."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
