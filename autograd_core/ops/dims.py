"""Checks of dimension arguments, shared by the tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import bad_dim, wrong_type
from ..tensor import Tensor

ALL = tuple(tuple(range(n)) for n in range(65))  # the dimensions of an array of n; NumPy has at most 64


def one_dim(name: str, dim: Any, ndim: int) -> int:
    """``dim`` as a non-negative int (a 0-d tensor has the dimensions 0 and -1)."""
    if not isinstance(dim, int) or isinstance(dim, bool):
        if isinstance(dim, Tensor) or hasattr(dim, "__index__"):
            dim = int(dim)
        else:
            raise wrong_type(name, "dim", "an int", dim)
    n = ndim or 1
    if not -n <= dim < n:
        raise bad_dim(name, dim, ndim)
    return dim % n


def many_dims(name: str, dims: Any, ndim: int) -> tuple[int, ...]:
    """``dims`` (None for all, an int, or several) as a sorted-as-given tuple of distinct non-negative ints."""
    if dims is None:
        return ALL[ndim]
    if isinstance(dims, int) and not isinstance(dims, bool) and -ndim <= dims < ndim:
        return (dims % ndim,)
    if isinstance(dims, Iterable) and not isinstance(dims, Tensor):
        out = tuple(one_dim(name, d, ndim) for d in dims)
        if not out:
            return tuple(range(ndim))
        if len(set(out)) != len(out):
            raise RuntimeError(f"{name}: a dimension appears twice in {tuple(dims)}.")
    else:
        out = (one_dim(name, dims, ndim),)
    return out if ndim else ()


def size_list(name: str, sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """``f(2, 3)`` and ``f((2, 3))`` alike, as a tuple of int."""
    if len(sizes) == 1 and isinstance(sizes[0], Iterable) and not (isinstance(sizes[0], Tensor) and sizes[0].ndim == 0):
        sizes = tuple(sizes[0])
    out = []
    for s in sizes:
        if isinstance(s, float) or not hasattr(s, "__index__"):
            raise wrong_type(name, "sizes", "ints", s)
        out.append(int(s))
    return tuple(out)
