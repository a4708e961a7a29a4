"""Distances and similarities between vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..op import sym
from ..tensor import Tensor
from .checks import floating, tensor
from .dims import one_dim
from .reduce import vector_norm
from .shape import broadcast_tensors

__all__ = ["cosine_similarity", "pairwise_distance", "pdist"]


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """``x1 . x2 / (max(|x1|, eps) max(|x2|, eps))`` along ``dim``; the inputs are broadcast.

    Raises
    ------
    RuntimeError
        If an input is not of a floating point type or the shapes do not broadcast.
    """
    a, b = floating("cosine_similarity", x1, "x1"), floating("cosine_similarity", x2, "x2")
    if a.array.shape != b.array.shape:
        a, b = broadcast_tensors(a, b)
    d = (one_dim("cosine_similarity", dim, a.array.ndim),)
    if a.array.ndim == 0:
        a, b = sym.reshape(a, (1,)), sym.reshape(b, (1,))
    na, nb = (sym.clamp(sym.vector_norm(x, 2.0, d, True), eps, None) for x in (a, b))
    return sym.sum((a / na) * (b / nb), d, False)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """``|x1 - x2 + eps|_p`` over the last dimension; the inputs are broadcast."""
    a, b = tensor("pairwise_distance", x1, "x1"), tensor("pairwise_distance", x2, "x2")
    return vector_norm(a - b + eps, p, -1, keepdim)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The distances ``|x_i - x_j|_p`` of all pairs of rows ``i < j``.

    Raises
    ------
    RuntimeError
        If the input is not a matrix, or ``p`` is negative.
    """
    x = floating("pdist", input)
    if x.array.ndim != 2:
        raise RuntimeError(f"pdist: expected a 2-d tensor, rows being vectors, got shape {x.array.shape}.")
    if not p >= 0:
        raise RuntimeError(f"pdist: p must not be negative, got {p}.")
    i, j = np.triu_indices(x.array.shape[0], 1)
    difference = sym.take_index(x, (i,)) - sym.take_index(x, (j,))
    return sym.vector_norm(difference, float(p), (1,), False)


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """``input / max(|input|_p, eps)``, the norm being taken along ``dim`` (one dimension or several)."""
    x = floating("normalize", input, complex=True)
    if not isinstance(p, (int, float)) or math.isnan(p):
        raise TypeError(f"normalize: p must be a number, got {p!r}.")
    y = x / sym.clamp(vector_norm(x, p, dim, True), eps, None)
    if out is None:
        return y
    from ..inplace import check_writable, write

    check_writable(out, "normalize")
    return write(out, y, "normalize")
