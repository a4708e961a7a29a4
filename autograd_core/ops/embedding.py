"""Rows picked from a table: embedding, bags of embeddings, one-hot vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import AutogradError
from ..graph import wrote
from ..kernels import coo
from ..kernels import indexing as kernels
from ..op import defop, helper, raw, sym
from ..tensor import Tensor, wrap
from .checks import floating, integers, tensor

__all__ = ["embedding_renorm_"]

# ------------------------------------------------------------------------------------------------- declarations


def _add_rows(x: Any, index: Any, shape: tuple[int, ...], padding_idx: int, by_count: bool) -> Any:
    """Zeros of shape with each row of x added at its index."""
    return kernels.embedding_backward(x, index, shape[0], None if padding_idx < 0 else padding_idx, by_count)


def _pick_rows(x: Any, index: Any, padding_idx: int, by_count: bool) -> Any:
    """The transpose of `_add_rows`."""
    out = x[index]
    if by_count:
        counts = np.bincount(index.reshape(-1), minlength=x.shape[0])[index].astype(x.dtype)
        out /= counts.reshape(*index.shape, *(1,) * (x.ndim - 1))
    if padding_idx >= 0:
        out[index == padding_idx] = 0
    return out


defop(
    lambda weight, index, padding_idx, by_count: kernels.take_rows(weight, index),
    "weight index",
    "padding_idx by_count",
    name="embedding",
    formula="the rows of weight at index",
    weight=lambda g, index, weight_shape, padding_idx, by_count, F: F.add_rows(
        g, index, weight_shape, padding_idx, by_count
    ),
)


@helper
def row_gradient(F: Any, g: Any, index: Any, shape: tuple[int, ...], padding_idx: int, by_count: bool) -> Any:
    """The gradient of a table as rows and values; under ``create_graph`` it is dense."""
    return (coo.row_gradient if F is raw else F.add_rows)(g, index, shape, padding_idx, by_count)


defop(
    lambda weight, index, padding_idx, by_count: kernels.take_rows(weight, index),
    "weight index",
    "padding_idx by_count",
    name="embedding_sparse",
    formula="the rows of weight at index, whose gradient is sparse",
    weight=lambda g, index, weight_shape, padding_idx, by_count, F: F.row_gradient(
        g, index, weight_shape, padding_idx, by_count
    ),
)
defop(
    _add_rows,
    "x index",
    "shape padding_idx by_count",
    name="add_rows",
    formula="zeros of shape with each row of x added at its index (row padding_idx stays 0)",
    x=lambda g, index, padding_idx, by_count, F: F.pick_rows(g, index, padding_idx, by_count),
)
defop(
    _pick_rows,
    "x index",
    "padding_idx by_count",
    name="pick_rows",
    formula="the rows of x at index, 0 where index is padding_idx",
    x=lambda g, index, x_shape, padding_idx, by_count, F: F.add_rows(g, index, x_shape, padding_idx, by_count),
)

# ------------------------------------------------------------------------------------------------- the functions


def _rows(name: str, index: Tensor, count: int, what: str = "index") -> None:
    """Raise for an index that is no row (negative ones are none)."""
    a = index.array
    if a.size and (a.min() < 0 or a.max() >= count):
        wrong = a[(a < 0) | (a >= count)].reshape(-1)[0]
        raise IndexError(f"{name}: {what} {int(wrong)} is out of range for a table of {count} rows (0 to {count - 1}).")


def _padding(name: str, padding_idx: int | None, rows: int) -> int:
    """``padding_idx`` as a row, -1 for none."""
    if padding_idx is None:
        return -1
    if not -rows <= padding_idx < rows:
        raise ValueError(f"{name}: padding_idx {padding_idx} must be within num_embeddings, a table of {rows} rows.")
    return padding_idx % rows


def embedding_renorm_(weight: Tensor, input: Tensor, max_norm: float, norm_type: float = 2.0) -> Tensor:
    """Scale the rows of ``weight`` named by ``input`` down to norm ``max_norm`` where they are longer, in place."""
    rows = np.unique(input.array)
    picked = weight.array[rows]
    norms = np.linalg.norm(picked, norm_type, axis=-1, keepdims=True)
    weight.array[rows] = np.where(norms > max_norm, picked * (max_norm / (norms + 1e-7)), picked)
    wrote(weight.array)
    return weight


def _lookup(name: str, weight: Tensor, sparse: bool) -> Any:
    """The op that reads rows; a sparse gradient can only rest at a leaf."""
    if not sparse:
        return sym.embedding
    if weight.node is not None and weight.node.op is not None:
        raise AutogradError(
            f"{name}: sparse=True needs a weight that is a leaf, this one was computed by '{weight.node.op.name}'; "
            "its gradient is dense. Use sparse=False, or pass the parameter itself."
        )
    return sym.embedding_sparse


def embedding(
    input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Tensor:  # fmt: skip
    """The rows of ``weight`` at the indices ``input``.

    Parameters
    ----------
    input : Tensor of integers, any shape
    weight : Tensor, (rows, features)
    padding_idx : int, optional
        A row that gets no gradient.
    max_norm, norm_type : float, optional
        Rows longer than ``max_norm`` are first scaled down to it, in place.
    scale_grad_by_freq : bool
        Divide each row's gradient by how often it was picked.
    sparse : bool
        Let the gradient of ``weight``, which must then be a leaf, be a sparse tensor of rows.  (It is dense under
        ``create_graph``, and where a dense gradient of the same leaf is added.)

    Returns
    -------
    Tensor, (*input.shape, features)

    Raises
    ------
    IndexError
        If an index is no row.
    RuntimeError
        If the indices are not integers, or ``sparse`` and ``weight`` is computed from other tensors.

    Source: PyTorch, ``torch.nn.functional.embedding``.
    """
    index, table = integers("embedding", input, "input"), tensor("embedding", weight, "weight")
    if table.array.ndim != 2:
        raise RuntimeError(f"embedding: weight must have 2 dimensions (rows, features), got shape {table.array.shape}.")
    _rows("embedding", index, table.array.shape[0])
    padding = _padding("embedding", padding_idx, table.array.shape[0])
    if max_norm is not None:
        embedding_renorm_(table, index, max_norm, norm_type)
    return _lookup("embedding", table, sparse)(table, index, padding, bool(scale_grad_by_freq))


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Vectors with a 1 at the class that ``tensor`` names and 0 elsewhere, along a new last dimension, as int64.

    Raises
    ------
    RuntimeError
        If a class is negative or not below ``num_classes``.
    """
    x = integers("one_hot", tensor, "tensor").array
    if x.dtype != np.int64:
        raise RuntimeError(f"one_hot: only int64 index tensors are taken, got {x.dtype}; convert it with long().")
    if x.size == 0 and num_classes <= 0:
        raise RuntimeError(
            f"one_hot: the number of classes cannot be told from an empty tensor of shape {x.shape}; give num_classes."
        )
    if x.size and x.min() < 0:
        raise RuntimeError(f"one_hot: class values must not be negative, got {int(x.min())}.")
    classes = int(x.max()) + 1 if num_classes == -1 else num_classes
    if classes < 1:
        raise RuntimeError(f"one_hot: num_classes must be positive, got {num_classes}.")
    if x.size and x.max() >= classes:
        raise RuntimeError(f"one_hot: class values must be smaller than num_classes={classes}, got {int(x.max())}.")
    out = np.zeros((*x.shape, classes), np.int64)
    if x.size:
        np.put_along_axis(out, x[..., None], 1, -1)
    return wrap(out)


def _bags(name: str, input: Any, offsets: Any, include_last_offset: bool) -> tuple[Tensor, Any, int]:
    """The flat indices, the bag of each, and how many bags there are."""
    index = integers(name, input, "input")
    if index.array.ndim == 2:
        if offsets is not None:
            raise ValueError(
                f"{name}: if input is 2-d, offsets has to be None (a row is a bag), got offsets of shape "
                f"{offsets.array.shape}."
            )
        bags, length = index.array.shape
        return sym.reshape(index, (bags * length,)), np.repeat(np.arange(bags), length), bags
    if index.array.ndim != 1:
        raise ValueError(f"{name}: input has to be 1-d or 2-d, got shape {index.array.shape}.")
    if offsets is None:
        raise ValueError(f"{name}: if input is 1-d, offsets has to be a 1-d tensor of where the bags start, got None.")
    starts = integers(name, offsets, "offsets").array
    if starts.ndim != 1:
        raise ValueError(f"{name}: offsets has to be 1-d, got shape {starts.shape}.")
    n = index.array.size
    if include_last_offset:
        if starts.size == 0:
            raise ValueError(f"{name}: include_last_offset=True needs at least one offset, got none.")
        starts = starts[:-1] if starts[-1] == n else np.minimum(starts, n)[:-1]
    if starts.size and (starts[0] != 0 or (np.diff(starts) < 0).any() or starts[-1] > n):
        raise RuntimeError(
            f"{name}: offsets must start at 0, not decrease, and stay within the {n} indices, got {starts.tolist()}."
        )
    lengths = np.diff(np.append(starts, n))
    return index, np.repeat(np.arange(starts.size), lengths), int(starts.size)


def embedding_bag(
    input: Tensor, weight: Tensor, offsets: Tensor | None = None, max_norm: float | None = None, norm_type: float = 2,
    scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False, padding_idx: int | None = None,
) -> Tensor:  # fmt: skip
    """The sum, mean or maximum of the rows of each bag of indices, without keeping the rows.

    Parameters
    ----------
    input : Tensor of integers, (bags, length) or (n,)
        Indices; one bag a row, or cut into bags by ``offsets``.
    weight : Tensor, (rows, features)
    offsets : Tensor of integers, optional
        Where each bag starts, for 1-d input (with ``include_last_offset`` also where the last ends).
    mode : {"mean", "sum", "max"}
    per_sample_weights : Tensor, input's shape, optional
        A factor for each row, for mode "sum".
    padding_idx : int, optional
        A row that counts nowhere.
    sparse : bool
        As for :func:`embedding`; not for mode "max".

    Returns
    -------
    Tensor, (bags, features)

    Source: PyTorch, ``torch.nn.functional.embedding_bag``.
    """
    name = "embedding_bag"
    if (
        isinstance(input, Tensor)
        and isinstance(weight, Tensor)
        and weight.array.dtype.kind in "iu"
        and input.array.dtype.kind == "f"
    ):
        input, weight = weight, input  # PyTorch's old order of arguments
    table = floating(name, weight, "weight")
    if table.array.ndim != 2:
        raise RuntimeError(f"{name}: weight must have 2 dimensions (rows, features), got shape {table.array.shape}.")
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"{name}: mode has to be 'sum', 'mean' or 'max', got {mode!r}.")
    if sparse and mode == "max":
        raise RuntimeError(
            f"{name}: sparse gradients do not go with mode='max'; use sparse=False, or mode 'sum' or 'mean'."
        )
    if per_sample_weights is not None:
        if mode != "sum":
            raise NotImplementedError(f"{name}: per_sample_weights is only defined for mode='sum', got mode={mode!r}.")
        if per_sample_weights.array.shape != input.array.shape:
            raise ValueError(
                f"{name}: expected per_sample_weights of the input's shape {input.array.shape}, got "
                f"{per_sample_weights.array.shape}."
            )
    index, bag, bags = _bags(name, input, offsets, include_last_offset)
    _rows(name, index, table.array.shape[0])
    padding = _padding(name, padding_idx, table.array.shape[0])
    if max_norm is not None:
        embedding_renorm_(table, index, max_norm, norm_type)
    factors = None if per_sample_weights is None else sym.reshape(per_sample_weights, (index.array.size, 1))
    if padding >= 0:
        kept = np.flatnonzero(index.array != padding)
        index, bag = wrap(index.array[kept]), bag[kept]
        factors = None if factors is None else sym.take_index(factors, (kept,))
    rows = _lookup(name, table, sparse)(table, index, padding, bool(scale_grad_by_freq))
    if factors is not None:
        rows = rows * factors
    shape = (bags, table.array.shape[1])
    if mode == "max":
        return _bag_max(rows, bag, shape)
    total = sym.add_rows(rows, wrap(bag), shape, -1, False)
    if mode == "sum":
        return total
    counts = np.maximum(np.bincount(bag, minlength=bags), 1).astype(total.array.dtype)
    return total / wrap(counts[:, None])


def _bag_max(rows: Tensor, bag: Any, shape: tuple[int, ...]) -> Tensor:
    """The largest value of each feature in each bag (0 for an empty bag); the gradient goes to the first of equals."""
    values = rows.array
    if not values.shape[0]:
        return sym.add_rows(rows, wrap(bag), shape, -1, False)
    winner = np.zeros(shape, np.int64)
    lengths = np.bincount(bag, minlength=shape[0])
    start = 0
    for b, n in enumerate(lengths):
        if n:
            winner[b] = start + values[start : start + n].argmax(0)
        start += n
    best = sym.gather(rows, wrap(winner), 0)
    empty = lengths == 0
    return sym.masked_fill(best, wrap(np.broadcast_to(empty[:, None], shape)), 0.0) if empty.any() else best
