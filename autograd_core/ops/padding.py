"""Padding: constant borders, and borders that reflect, repeat or wrap the input."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..op import defop, sym
from ..tensor import Tensor
from .checks import tensor

__all__: list[str] = []


def _source(mode: str, size: int, before: int, after: int) -> Any:
    """For each place along a padded dimension, the place of the input that it shows."""
    i = np.arange(-before, size + after)
    if mode == "replicate":
        return np.clip(i, 0, size - 1)
    if mode == "circular":  # where a negative width crops, what is left goes round
        first, last = max(-before, 0), size - max(-after, 0)
        return first + (i - first) % max(last - first, 1)
    return (size - 1) - np.abs((size - 1) - np.abs(i))  # reflect


def _pad_with(x: Any, mode: str, widths: tuple[tuple[int, int], ...]) -> Any:
    for axis, (before, after) in enumerate(widths):
        if before or after:
            x = np.take(x, _source(mode, x.shape[axis], before, after), axis)
    return x


def _fold_borders(x: Any, mode: str, widths: tuple[tuple[int, int], ...]) -> Any:
    """The transpose of `_pad_with`: what the borders show is added where it came from."""
    for axis in reversed(range(len(widths))):
        before, after = widths[axis]
        if not (before or after):
            continue
        lead = (slice(None),) * axis
        size = x.shape[axis] - before - after
        out = np.zeros((*x.shape[:axis], size, *x.shape[axis + 1 :]), x.dtype)
        source = _source(mode, size, before, after)
        inner = range(max(before, 0), x.shape[axis] - max(after, 0))  # these places show themselves
        first = source[inner.start] if len(inner) else 0
        out[(*lead, slice(first, first + len(inner)))] = x[(*lead, slice(inner.start, inner.stop))]
        for place in (*range(inner.start), *range(inner.stop, x.shape[axis])):
            out[(*lead, source[place])] += x[(*lead, place)]
        x = out
    return x


defop(
    _pad_with,
    params="kind widths",
    name="pad_with",
    formula="x with borders that reflect, replicate or wrap it",
    x=lambda g, kind, widths, F: F.fold_borders(g, kind, widths),
)
defop(
    _fold_borders,
    params="kind widths",
    name="fold_borders",
    formula="the inside of x, with its borders added to the places they show",
    x=lambda g, kind, widths, F: F.pad_with(g, kind, widths),
)


def pad(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    """Pad the last dimensions.

    Parameters
    ----------
    input : Tensor
    pad : sequence of int
        Widths in pairs (before, after), the last dimension first; negative widths crop.
    mode : {"constant", "reflect", "replicate", "circular"}
        What the border shows: ``value``, the input mirrored without its edge, its edge, or its other end.
    value : float, optional
        For mode "constant", 0 when left out.

    Raises
    ------
    RuntimeError, ValueError
        If the widths do not fit.
    NotImplementedError
        If a mode other than "constant" is asked for other than the last 1 to 3 dimensions of images.

    Examples
    --------
    >>> import autograd_core as ac
    >>> from autograd_core.ops.padding import pad
    >>> pad(ac.tensor([[1.0, 2.0, 3.0]]), (2, 1), mode="reflect")
    tensor([[3., 2., 1., 2., 3., 2.]])

    Source: PyTorch, ``torch.nn.functional.pad``.
    """
    x = tensor("pad", input)
    shape = x.array.shape
    if not isinstance(pad, (tuple, list)) or not all(hasattr(p, "__index__") for p in pad):
        raise TypeError(f"pad: pad must be a sequence of ints, got {pad!r}.")
    widths = tuple(int(p) for p in pad)
    if len(widths) % 2:
        raise RuntimeError(f"pad: widths come in pairs (before, after), got {len(widths)} of them: {widths}.")
    count = len(widths) // 2
    if count > len(shape):
        raise RuntimeError(f"pad: {count} pairs of widths for an input of {len(shape)} dimensions (shape {shape}).")
    pairs = tuple((widths[2 * i], widths[2 * i + 1]) for i in reversed(range(count)))
    every = ((0, 0),) * (len(shape) - count) + pairs
    for axis, (size, (lo, hi)) in enumerate(zip(shape, every, strict=True)):
        if size + lo + hi < 0 or (size + lo + hi == 0 and size and mode != "constant"):
            raise RuntimeError(
                f"pad: dimension {axis} of size {size} padded by ({lo}, {hi}) would have size {size + lo + hi}."
            )
    if mode == "constant":
        fill = 0 if value is None else value
        if dtypes.category(dtypes.number_type(fill)) > dtypes.category(x.array.dtype):
            fill = np.asarray(fill).astype(x.array.dtype).item()
        return sym.pad_constant(x, every, fill)
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"pad: mode must be 'constant', 'reflect', 'replicate' or 'circular', got {mode!r}.")
    if value is not None and value != 0:
        raise ValueError(f"pad: mode {mode!r} takes no value, got {value}.")
    if not (1 <= count <= 3 and len(shape) in (count + 1, count + 2)):
        raise NotImplementedError(
            f"pad: mode {mode!r} pads the last 1 to 3 dimensions of an input with one or two more in front, got "
            f"{count} pairs for "
            f"shape {shape}."
        )
    for size, (lo, hi) in zip(shape[-count:], pairs, strict=True):
        if mode == "reflect" and max(lo, hi) >= size:
            raise RuntimeError(
                f"pad: for mode 'reflect' the widths must be smaller than the size {size}, got ({lo}, {hi}); input "
                f"{shape}."
            )
        if mode == "circular" and max(lo, hi) > size:
            raise RuntimeError(
                f"pad: for mode 'circular' the widths must not exceed the size {size}, got ({lo}, {hi}); input {shape}."
            )
        if size == 0:
            raise RuntimeError(f"pad: mode {mode!r} needs something to show, got shape {shape}.")
    return sym.pad_with(x, mode, every)
