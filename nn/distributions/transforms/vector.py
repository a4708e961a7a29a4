"""Transforms of vectors and matrices."""

from __future__ import annotations

import math
from typing import Any

import autograd_core as ac
from autograd_core import Size

from .. import constraints
from ..utils import softplus, tril_matrix_to_vec, vec_to_tril_matrix
from .base import Transform, enough_dims
from .scalar import clipped_sigmoid


class SoftmaxTransform(Transform):
    """``y = softmax(x)``: coordinate-wise, but not one to one."""

    domain = constraints.real_vector
    codomain = constraints.simplex
    _plain = True

    def _call(self, x: Any) -> Any:
        return ac.softmax(x, -1)

    def _inverse(self, y: Any) -> Any:
        return y.log()

    def forward_shape(self, shape: Any) -> Any:
        enough_dims(self, shape, 1)
        return shape

    inverse_shape = forward_shape


class StickBreakingTransform(Transform):
    """K - 1 real numbers to K probabilities: each takes its part of what is left of a stick."""

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True
    _plain = True

    def _offset(self, x: Any, count: int) -> Any:
        return ac.arange(count, 0, -1, dtype=x.dtype).log()

    def _call(self, x: Any) -> Any:
        z = clipped_sigmoid(x - self._offset(x, x.shape[-1]))
        one = ac.ones_like(x[..., :1])
        return ac.cat([z, one], -1) * ac.cat([one, (1 - z).cumprod(-1)], -1)

    def _inverse(self, y: Any) -> Any:
        parts = y[..., :-1]
        left = (1 - parts.cumsum(-1)).clamp(min=ac.finfo(y.dtype).tiny)
        return parts.log() - left.log() + self._offset(y, parts.shape[-1])

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        x = x - self._offset(x, x.shape[-1])
        return (-x - softplus(-x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        enough_dims(self, shape, 1)
        return Size((*shape[:-1], shape[-1] + 1))

    def inverse_shape(self, shape: Any) -> Any:
        enough_dims(self, shape, 1)
        return Size((*shape[:-1], shape[-1] - 1))


class CorrCholeskyTransform(Transform):
    """D (D - 1) / 2 real numbers to the Cholesky factor of a D x D correlation matrix, row by row on spheres."""

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    def _call(self, x: Any) -> Any:
        x = ac.tanh(x)
        eps = ac.finfo(x.dtype).eps
        r = vec_to_tril_matrix(x.clamp(min=-1 + eps, max=1 - eps), diag=-1)
        left = (1 - r.square()).sqrt().cumprod(-1)
        one = ac.ones_like(r[..., :1])
        return (r + ac.eye(r.shape[-1], dtype=r.dtype)) * ac.cat([one, left[..., :-1]], -1)

    def _inverse(self, y: Any) -> Any:
        left = 1 - (y * y).cumsum(-1)
        shifted = ac.cat([ac.ones_like(y[..., :1]), left[..., :-1]], -1)
        t = tril_matrix_to_vec(y, diag=-1) / tril_matrix_to_vec(shifted, diag=-1).sqrt()
        return (ac.log1p(t) - ac.log1p(-t)) / 2

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        left = tril_matrix_to_vec(1 - (y * y).cumsum(-1), diag=-2) if y.shape[-1] > 1 else y.new_zeros((0,))
        return 0.5 * left.log().sum(-1) - 2 * (x + softplus(-2 * x) - math.log(2.0)).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        enough_dims(self, shape, 1)
        n = shape[-1]
        d = round((0.25 + 2 * n) ** 0.5 + 0.5)
        if d * (d - 1) // 2 != n:
            raise ValueError(f"CorrCholeskyTransform: {n} numbers are not a flattened lower triangle.")
        return Size((*shape[:-1], d, d))

    def inverse_shape(self, shape: Any) -> Any:
        enough_dims(self, shape, 2)
        if shape[-2] != shape[-1]:
            raise ValueError(f"CorrCholeskyTransform: the input is not square: {tuple(shape)}.")
        d = shape[-1]
        return Size((*shape[:-2], d * (d - 1) // 2))


class LowerCholeskyTransform(Transform):
    """Matrices to lower triangular ones with a positive diagonal."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky
    _plain = True

    def _call(self, x: Any) -> Any:
        return x.tril(-1) + ac.diag_embed(x.diagonal(dim1=-2, dim2=-1).exp())

    def _inverse(self, y: Any) -> Any:
        return y.tril(-1) + ac.diag_embed(y.diagonal(dim1=-2, dim2=-1).log())


class PositiveDefiniteTransform(Transform):
    """Matrices to positive definite ones, ``L L^T`` with L of :class:`LowerCholeskyTransform`."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite
    _plain = True

    def _call(self, x: Any) -> Any:
        lower = LowerCholeskyTransform()(x)
        return lower @ lower.mT

    def _inverse(self, y: Any) -> Any:
        return LowerCholeskyTransform().inv(ac.linalg.cholesky(y))
