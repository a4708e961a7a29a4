"""Helpers of the distributions: broadcasting, probabilities and logits, lazily computed parameters."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from numbers import Number
from typing import Any

import autograd_core as ac
from autograd_core import Size, Tensor, enable_grad

euler_constant = 0.57721566490153286060  # Euler and Mascheroni's


def broadcast_all(*values: Any) -> tuple[Any, ...]:
    """Tensors and numbers as tensors of one shape; numbers take the first tensor's dtype, or the default one.

    Raises
    ------
    ValueError
        If one of them is neither.
    """
    for value in values:
        if not isinstance(value, (Tensor, Number)):
            raise ValueError(f"broadcast_all: parameters must be tensors or numbers, got {type(value).__name__}.")
    tensors = [v for v in values if isinstance(v, Tensor)]
    if len(tensors) == len(values) and len({v.array.shape for v in tensors}) == 1:
        return values
    dtype = tensors[0].dtype if tensors else ac.get_default_dtype()
    return tuple(ac.broadcast_tensors(*(v if isinstance(v, Tensor) else ac.tensor(v, dtype=dtype) for v in values)))


def sum_rightmost(value: Any, count: int) -> Any:
    """The sum over the last ``count`` dimensions."""
    return value if count == 0 else value.reshape((*tuple(value.shape[:-count]), -1)).sum(-1)


def logits_to_probs(logits: Any, is_binary: bool = False) -> Any:
    """Probabilities from log-odds, or from unnormalised log-probabilities over the last dimension."""
    return ac.sigmoid(logits) if is_binary else ac.softmax(logits, -1)


def clamp_probs(probs: Any) -> Any:
    """Probabilities kept away from 0 and 1 by the type's machine epsilon."""
    eps = ac.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Any, is_binary: bool = False) -> Any:
    """Log-odds, or log-probabilities, of clamped probabilities."""
    p = clamp_probs(probs)
    return ac.log(p) - ac.log1p(-p) if is_binary else ac.log(p)


def softplus(x: Any) -> Any:
    """``log(1 + exp(x))``."""
    from ..functional import softplus as function

    return function(x)


def batch_mv(matrix: Any, vector: Any) -> Any:
    """Batches of matrices times batches of vectors."""
    return ac.matmul(matrix, vector.unsqueeze(-1)).squeeze(-1)


def half_log_det(tril: Any) -> Any:
    """Half of the log-determinant of ``L L^T``, from L."""
    return tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def mahalanobis(tril: Any, x: Any) -> Any:
    """``x^T (L L^T)^-1 x`` for batches of x and of triangular L."""
    return ac.linalg.solve_triangular(tril, x.unsqueeze(-1), upper=False).square().sum((-2, -1))


def frobenius(matrix: Any) -> Any:
    """The trace of ``X X^T``: the sum of squares of the last two dimensions."""
    return matrix.square().sum((-2, -1))


def shape_of(value: Any) -> Size:
    """``value`` (an int sequence) as a Size."""
    return value if isinstance(value, Size) else Size((value,)) if isinstance(value, int) else Size(value)


class lazy_property:
    """A property that is computed at first use (with gradients on) and then an attribute."""

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        self.wrapped = wrapped
        update_wrapper(self, wrapped)  # type: ignore[arg-type]

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        with enable_grad():
            value = self.wrapped(instance)
        instance.__dict__[self.wrapped.__name__] = value
        return value


def _tril_mask(n: int, diag: int) -> Any:
    return ac.ones((n, n), dtype=ac.bool).tril(diag)


def tril_matrix_to_vec(mat: Any, diag: int = 0) -> Any:
    """The lower triangle of D x D matrices, row by row, as vectors.

    Raises
    ------
    ValueError
        If ``diag`` is not a diagonal of the matrices.
    """
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"tril_matrix_to_vec: diag ({diag}) is outside [{-n}, {n - 1}].")
    return mat[..., _tril_mask(n, diag)]


def vec_to_tril_matrix(vec: Any, diag: int = 0) -> Any:
    """The matrices whose lower triangle :func:`tril_matrix_to_vec` gives.

    Raises
    ------
    ValueError
        If the vectors' length is not that of a triangle.
    """
    length = vec.shape[-1]
    n = (-(1 + 2 * diag) + ((1 + 2 * diag) ** 2 + 8 * length + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2
    if round(n) - n > ac.finfo(vec.dtype).eps:
        raise ValueError(f"vec_to_tril_matrix: {length} numbers are not the lower triangle of a square matrix.")
    size = round(n)
    mat = vec.new_zeros((*tuple(vec.shape[:-1]), size, size))
    mat[..., _tril_mask(size, diag)] = vec
    return mat
