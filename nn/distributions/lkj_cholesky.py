"""The LKJ distribution of correlation matrices' Cholesky factors."""

from __future__ import annotations

import math
from typing import Any

import autograd_core as ac

from . import constraints
from .beta import Beta
from .distribution import Distribution
from .sampling import standard_normal
from .utils import broadcast_all


class LKJCholesky(Distribution):
    """Cholesky factors L of correlation matrices with density proportional to ``det(L L^T)^(concentration - 1)``.

    Sampled by the onion method (Lewandowski, Kurowicka and Joe, 2009).

    Parameters
    ----------
    dim : int
        Of the matrices; at least 2.
    concentration : float or Tensor
        1: uniform over correlation matrices; more: closer to the identity.
    validate_args : bool, optional
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ValueError(f"LKJCholesky: expected dim to be an integer of at least 2, got {dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args)
        offset = ac.tensor([0.0, *range(dim - 1)], dtype=self.concentration.dtype)
        marginal = (self.concentration + 0.5 * (dim - 2)).unsqueeze(-1)
        # PyTorch has offset + 1 / 2 for the first, and its correlations below the second row come out too large.
        self._beta = Beta(0.5 * offset + 0.5, marginal - 0.5 * offset)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new.dim = self.dim
        new._beta = self._beta.expand((*new._batch_shape, self.dim))
        return new

    def sample(self, sample_shape: Any = ()) -> Any:
        with ac.no_grad():
            radius = self._beta.sample(sample_shape).unsqueeze(-1)  # squared norms of the rows below the diagonal
            direction = standard_normal(self._extended_shape(sample_shape), radius).tril(-1)
            norm = direction.square().sum(-1, keepdim=True).sqrt()
            rows = ac.sqrt(radius) * ac.where(norm > 0, direction / norm, 0.0)
            diagonal = (1 - rows.square().sum(-1)).clamp(min=ac.finfo(rows.dtype).tiny).sqrt()
            return rows + ac.diag_embed(diagonal)

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        n, c = self.dim, self.concentration
        diagonal = value.diagonal(dim1=-2, dim2=-1)[..., 1:]
        power = 2 * (c - 1).unsqueeze(-1) + n - ac.arange(2, n + 1, dtype=c.dtype)
        alpha = c + 0.5 * (n - 1)
        log_norm = 0.5 * (n - 1) * math.log(math.pi) + ac.mvlgamma(alpha - 0.5, n - 1) - ac.lgamma(alpha) * (n - 1)
        return (power * diagonal.log()).sum(-1) - log_norm
