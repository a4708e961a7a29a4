"""The Wishart distribution."""

from __future__ import annotations

import math
import warnings
from numbers import Number
from typing import Any

import autograd_core as ac

from . import constraints
from .chi2 import Chi2
from .distribution import Distribution, ExponentialFamily
from .multivariate_normal import precision_to_scale_tril
from .sampling import standard_normal
from .utils import half_log_det, lazy_property


class Wishart(ExponentialFamily):
    """Positive definite matrices: the scatter of ``df`` normal vectors with covariance ``covariance_matrix``.

    Samples by Bartlett's decomposition; differentiable.

    Parameters
    ----------
    df : float or Tensor
        More than n - 1.
    covariance_matrix, precision_matrix, scale_tril : Tensor, shape (..., n, n)
        The scale, its inverse, or its lower Cholesky factor: one of them.
    validate_args : bool, optional
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0

    @property
    def arg_constraints(self) -> Any:  # type: ignore[override]
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self._event_shape[-1] - 1),
        }

    def __init__(
        self,
        df: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        given = {"covariance_matrix": covariance_matrix, "scale_tril": scale_tril, "precision_matrix": precision_matrix}
        given = {name: value for name, value in given.items() if value is not None}
        if len(given) != 1:
            raise ValueError(
                "Wishart: exactly one of covariance_matrix, precision_matrix and scale_tril must be given, got "
                f"{len(given)}."
            )
        ((name, matrix),) = given.items()
        if matrix.ndim < 2:
            raise ValueError(f"Wishart: {name} must be at least two-dimensional, got shape {tuple(matrix.shape)}.")
        n = matrix.shape[-1]
        df = ac.tensor(df, dtype=matrix.dtype) if isinstance(df, Number) else df
        batch = ac.broadcast_shapes(tuple(matrix.shape[:-2]), tuple(df.shape))
        self.df = df.expand(batch)
        if bool((df <= n - 1).any()):
            raise ValueError(f"Wishart: df must be greater than {n - 1} (the dimension less one), got {df}.")
        if bool((df < n).any()):
            warnings.warn("Wishart: with df less than the dimension, singular samples are likely.", stacklevel=2)
        self.__dict__[name] = matrix.expand((*batch, n, n))
        super().__init__(batch, (n, n), validate_args=validate_args)
        if name == "scale_tril":
            self._unbroadcasted_scale_tril = scale_tril
        elif name == "covariance_matrix":
            self._unbroadcasted_scale_tril = ac.linalg.cholesky(covariance_matrix)
        else:
            self._unbroadcasted_scale_tril = precision_to_scale_tril(precision_matrix)
        self._set_chi2()

    def _set_chi2(self) -> None:
        n = self._event_shape[-1]
        self._dist_chi2 = Chi2(self.df.unsqueeze(-1) - ac.arange(n, dtype=self._unbroadcasted_scale_tril.dtype))

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(Wishart, _instance)
        new._event_shape = self._event_shape
        Distribution.expand(self, batch_shape, new)
        new._unbroadcasted_scale_tril = self._unbroadcasted_scale_tril
        new._set_chi2()
        return new

    def _whole(self, matrix: Any) -> Any:
        return matrix.expand((*self._batch_shape, *self._event_shape))

    @lazy_property
    def scale_tril(self) -> Any:
        """The lower Cholesky factor of the scale."""
        return self._whole(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self) -> Any:
        """The scale."""
        tril = self._unbroadcasted_scale_tril
        return self._whole(tril @ tril.mT)

    @lazy_property
    def precision_matrix(self) -> Any:
        """The inverse of the scale."""
        return self._whole(ac.cholesky_inverse(self._unbroadcasted_scale_tril))

    def _per_matrix(self, x: Any) -> Any:
        return x.reshape((*self._batch_shape, 1, 1))

    @property
    def mean(self) -> Any:
        return self._per_matrix(self.df) * self.covariance_matrix

    @property
    def mode(self) -> Any:
        factor = self.df - self.covariance_matrix.shape[-1] - 1
        factor = ac.where(factor <= 0, math.nan, factor)
        return self._per_matrix(factor) * self.covariance_matrix

    @property
    def variance(self) -> Any:
        v = self.covariance_matrix
        diagonal = v.diagonal(dim1=-2, dim2=-1)
        return self._per_matrix(self.df) * (v.square() + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2))

    def rsample(self, sample_shape: Any = ()) -> Any:
        diagonal = self._dist_chi2.rsample(sample_shape).clamp(min=ac.finfo(self.df.dtype).tiny).sqrt()
        noise = standard_normal(self._extended_shape(sample_shape), self._unbroadcasted_scale_tril).tril(-1)
        root = self._unbroadcasted_scale_tril @ (noise + ac.diag_embed(diagonal))
        return root @ root.mT

    def log_prob(self, value: Any) -> Any:
        self._validate_sample(value)
        nu, p = self.df, self._event_shape[-1]
        tril = self._unbroadcasted_scale_tril
        trace = ac.cholesky_solve(value, tril).diagonal(dim1=-2, dim2=-1).sum(-1)
        log_scale = p * math.log(2) / 2 + half_log_det(tril)
        log_det = ac.linalg.slogdet(value)[1]
        return -nu * log_scale - ac.mvlgamma(nu / 2, p) + (nu - p - 1) / 2 * log_det - trace / 2

    def entropy(self) -> Any:
        nu, p = self.df, self._event_shape[-1]
        log_scale = p * math.log(2) / 2 + half_log_det(self._unbroadcasted_scale_tril)
        digammas = ac.digamma(nu.unsqueeze(-1) / 2 - ac.arange(p, dtype=nu.dtype) / 2).sum(-1)
        return (p + 1) * log_scale + ac.mvlgamma(nu / 2, p) - (nu - p - 1) / 2 * digammas + nu * p / 2

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, x: Any, y: Any) -> Any:  # type: ignore[override]
        p = self._event_shape[-1]
        half = y + (p + 1) / 2
        return half * (p * math.log(2) - ac.linalg.slogdet(-2 * x)[1]) + ac.mvlgamma(half, p)
