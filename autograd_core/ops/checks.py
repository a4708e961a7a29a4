"""Checks of arguments of neural-network functions: each raises in the house's words and costs little."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dtypes
from ..errors import DtypeError, ShapeError, wrong_type
from ..inplace import check_writable, write
from ..op import sym
from ..tensor import Tensor, wrap


def tensor(name: str, value: Any, argument: str = "input") -> Tensor:
    """``value``, which must be a Tensor (an ndarray becomes a constant one)."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ndarray):
        return wrap(value)
    raise wrong_type(name, argument, "a Tensor", value)


def floating(name: str, value: Any, argument: str = "input", complex: bool = False) -> Tensor:
    """``value``, which must be a Tensor of a floating point type (or a complex one, where the function has it)."""
    x = tensor(name, value, argument)
    kind = x.array.dtype.kind
    if kind != "f" and not (complex and kind == "c"):
        way = "take its real or imaginary part" if kind == "c" else "convert it with float()"
        raise DtypeError(f"{name}: {argument} must be a floating point tensor, got {x.dtype.name}; {way}.")
    return x


def inexact(name: str, value: Any, argument: str = "input") -> Tensor:
    """``value``, integers converted to the default float type."""
    x = tensor(name, value, argument)
    return sym.cast(x, dtypes.default.numpy) if x.array.dtype.kind in "iub" else x


def one_type(name: str, **tensors: Tensor | None) -> None:
    """Raise when the tensors given are not all of one dtype."""
    given = [(n, t) for n, t in tensors.items() if t is not None]
    first = given[0][1].array.dtype
    for _, t in given:
        if t.array.dtype is not first and t.array.dtype != first:
            kinds = ", ".join(f"{n} {t.dtype.name}" for n, t in given)
            raise DtypeError(f"{name}: expected tensors of one dtype, got {kinds}; convert one with to().")


def integers(name: str, value: Any, argument: str) -> Tensor:
    """``value``, which must be a Tensor of an integer type."""
    x = tensor(name, value, argument)
    if x.array.dtype.kind not in "iu":
        raise DtypeError(f"{name}: {argument} must be an integer tensor, got {x.dtype.name}; convert it with long().")
    return x


def sizes(name: str, value: Any, rank: int, argument: str) -> tuple[int, ...]:
    """An int, or ``rank`` of them, as a tuple of ``rank`` ints."""
    if hasattr(value, "__index__") and not isinstance(value, bool):
        return (int(value),) * rank
    if isinstance(value, Sequence) and not isinstance(value, str) and all(hasattr(v, "__index__") for v in value):
        out = tuple(int(v) for v in value)
        if len(out) == 1:
            return out * rank
        if len(out) == rank:
            return out
        raise RuntimeError(f"{name}: {argument} must be one int or {rank} ints, got {out}.")
    raise wrong_type(name, argument, f"an int or a tuple of {rank} ints", value)


def batched(name: str, x: Tensor, rank: int) -> bool:
    """Whether ``x`` is (batch, channels, *spatial) rather than (channels, *spatial)."""
    n = x.array.ndim
    if n not in (rank + 1, rank + 2):
        what = ", ".join(("depth", "height", "width")[-rank:] if rank > 1 else ("length",))
        raise ShapeError(
            f"{name}: expected input of {rank + 2} dimensions (batch, channels, {what}) or {rank + 1} (channels, "
            f"{what}), "
            f"got shape {x.array.shape}."
        )
    return n == rank + 2


def settle(x: Any, result: Tensor, inplace: bool, name: str) -> Tensor:
    """``result``, written into ``x`` when ``inplace``."""
    if not inplace:
        return result
    check_writable(x, name)
    return write(x, result, name)


def probability(name: str, p: Any) -> float:
    """``p`` as a float from 0 to 1."""
    if isinstance(p, bool) or not isinstance(p, (int, float)):
        raise wrong_type(name, "p", "a number from 0 to 1", p)
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{name}: dropout probability has to be between 0 and 1, got {p}.")
    return float(p)
