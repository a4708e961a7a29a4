"""Sums that leave NaN out, extremes in pairs, running log-sums, covariance, the trapezoid rule."""

from __future__ import annotations

import math
from collections import namedtuple
from typing import Any

import numpy as np

from ..op import defop, method, sym
from ..tensor import Tensor, wrap
from .arithmetic import tensor_of
from .dims import one_dim
from .reduce import _typed, amax, amin, mean
from .reduce import sum as sum_
from .stacking import diff

__all__ = [
    "aminmax", "corrcoef", "cov", "cumulative_trapezoid", "logcumsumexp", "nanmean", "nansum", "trapezoid", "trapz",
]  # fmt: skip

# ------------------------------------------------------------------------------------------------- running log-sums


def _logcumsumexp_rule(g: Any, x: Any, y: Any, axis: int) -> Any:
    """sum over k >= i of g_k exp(x_i - y_k), in logarithms: no difference of x and y overflows."""

    def part(w: Any) -> Any:
        logs = np.where(
            (w > 0) & (y > -math.inf), np.log(np.where(w > 0, w, 1)) - np.where(y > -math.inf, y, 0), -math.inf
        )
        return np.exp(x + np.flip(np.logaddexp.accumulate(np.flip(logs, axis), axis), axis))

    return part(g) - part(-g)


def _by_cumsum(x: Any, axis: int) -> Any:
    top = wrap(np.max(x.array, axis=axis, keepdims=True, initial=-1e300 if x.array.dtype == np.float64 else -1e38))
    return sym.log(sym.cumsum(sym.exp(x - top), axis)) + top


defop(
    lambda x, axis: np.logaddexp.accumulate(x, axis), params="axis", name="logcumsumexp",
    formula="log(exp(x_0) + ... + exp(x_k)) along axis",
    reference=_by_cumsum, x=lambda g, x, y, axis: _logcumsumexp_rule(g, x, y, axis),
)  # fmt: skip


@method(inplace=True)
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """The logarithm of the running sums of ``exp(input)`` along ``dim``, without overflow."""
    x = tensor_of(input, "logcumsumexp")
    if x.array.dtype.kind != "f":
        raise RuntimeError(f"logcumsumexp: needs a floating point tensor, got {x.dtype.name}.")
    d = one_dim("logcumsumexp", dim, x.array.ndim)
    return sym.logcumsumexp(x, d) if x.array.ndim else sym.clone(x)


# ------------------------------------------------------------------------------------------------- without NaN


def _without_nan(x: Tensor) -> Tensor:
    return sym.masked_fill(x, wrap(np.isnan(x.array)), 0.0) if x.array.dtype.kind in "fc" else x


@method()
def nansum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """:func:`sum` with NaN counted as 0."""
    x = tensor_of(input, "nansum")
    if x.array.dtype.kind == "c":
        raise RuntimeError("nansum: not defined for complex tensors; sum real and imag.")
    return sum_(_without_nan(_typed(x, dtype, "nansum")), dim, keepdim)


@method()
def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """:func:`mean` over the elements that are not NaN."""
    x = _typed(tensor_of(input, "nanmean"), dtype, "nanmean", floating=True)
    there = wrap((~np.isnan(x.array)).astype(x.array.dtype))
    return sum_(_without_nan(x), dim, keepdim) / sum_(there, dim, keepdim)  # type: ignore[operator,no-any-return]


_MinMax: Any = namedtuple("aminmax", ["min", "max"])  # type: ignore[name-match]


@method()
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """``(min, max)`` of all elements or along ``dim``; equal elements share the gradient."""
    d = () if dim is None else one_dim("aminmax", dim, tensor_of(input, "aminmax").array.ndim)
    return _MinMax(amin(input, d, keepdim), amax(input, d, keepdim))


# ------------------------------------------------------------------------------------------------- covariance


def _weights(name: str, label: str, w: Any, n: int, kinds: str) -> Any:
    if w is None:
        return None
    t = tensor_of(w, name)
    if t.array.shape != (n,) or t.array.dtype.kind not in kinds:
        raise RuntimeError(
            f"{name}: {label} must be a vector of {n} {'integers' if kinds == 'iu' else 'floats'}, "
            f"got shape {t.array.shape} of {t.dtype.name}."
        )
    if (t.array < 0).any():
        raise RuntimeError(f"{name}: {label} must not be negative.")
    return t


@method()
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """The covariance matrix of variables in rows and observations in columns.

    Parameters
    ----------
    correction : int
        Subtracted from the number of observations (or the sum of weights).
    fweights, aweights : Tensor, optional
        How often (integers), and with what weight, each observation counts.
    """
    x = tensor_of(input, "cov")
    if x.array.ndim > 2:
        raise RuntimeError(f"cov: expects a matrix or a vector, got shape {x.array.shape}.")
    if x.array.dtype.kind == "b":
        raise RuntimeError("cov: not defined for bool; convert the tensor to float.")
    single = x.array.ndim < 2
    x = sym.reshape(x, (1, x.array.size)) if single else x
    n = x.array.shape[1]
    f, a = _weights("cov", "fweights", fweights, n, "iu"), _weights("cov", "aweights", aweights, n, "f")
    w = a if f is None else f if a is None else f * a
    if w is None:
        total: Any = float(n)
        centred = x - (mean(x, 1, True) if x.array.dtype.kind in "fc" else sum_(x, 1, True) / n)  # type: ignore[operator]
        weighted = centred
        norm: Any = total - correction
    else:
        total = sum_(w)
        if not total.item():
            raise RuntimeError("cov: the weights sum to 0.")
        centred = x - sum_(x * w, 1, True) / total
        weighted = centred * w
        norm = total - correction if a is None else total - correction * sum_(w * a) / total
    if (norm.item() if isinstance(norm, Tensor) else norm) <= 0:
        norm = 0.0
    c = sym.matmul(weighted, sym.conj(sym.transpose(centred, 0, 1))) / norm
    return sym.reshape(c, ()) if single or c.array.size == 1 else c


@method()
def corrcoef(input: Tensor) -> Tensor:
    """Pearson's correlation coefficients of variables in rows."""
    if tensor_of(input, "corrcoef").array.ndim > 2:
        raise RuntimeError(f"corrcoef: expects a matrix or a vector, got shape {input.array.shape}.")
    c = cov(input)
    if c.array.ndim == 0:
        return c / c  # type: ignore[operator,no-any-return]
    deviation = sym.sqrt(sym.real(sym.diagonal(c, 0, 0, 1)))
    n = c.array.shape[0]
    r = c / sym.reshape(deviation, (n, 1)) / sym.reshape(deviation, (1, n))
    return r if r.array.dtype.kind == "c" else sym.clamp(r, -1.0, 1.0)


# ------------------------------------------------------------------------------------------------- areas


def _slices(y: Tensor, d: int) -> tuple[Tensor, Tensor]:
    head = (slice(None),) * d
    return sym.getitem(y, (*head, slice(None, -1))), sym.getitem(y, (*head, slice(1, None)))


def _areas(name: str, y: Tensor, x: Any, dx: Any, dim: int) -> tuple[Tensor, int]:
    """The trapezoids between neighbours along ``dim``."""
    y = tensor_of(y, name)
    d = one_dim(name, dim, y.array.ndim)
    if y.array.dtype.kind == "b" or (isinstance(x, Tensor) and x.array.dtype.kind == "b"):
        raise RuntimeError(f"{name}: not defined for bool tensors.")
    if x is not None and dx is not None:
        raise TypeError(f"{name}: give x or dx, not both.")
    left, right = _slices(y, d)
    if x is None:
        step: Any = 1.0 if dx is None else dx
    else:
        place = tensor_of(x, name)
        if place.array.ndim == 1 and y.array.ndim != 1:
            if place.array.shape[0] != y.array.shape[d]:
                raise RuntimeError(
                    f"{name}: {place.array.shape[0]} places x for {y.array.shape[d]} values along dimension {dim}."
                )
            place = sym.reshape(place, tuple(-1 if i == d else 1 for i in range(y.array.ndim)))
        elif place.array.ndim < y.array.ndim:
            place = sym.reshape(place, (1,) * (y.array.ndim - place.array.ndim) + place.array.shape)
        step = diff(place, dim=d - y.array.ndim)
    return (left + right) * step / 2.0, d  # type: ignore[operator]


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The integral of ``y`` along ``dim`` by the trapezoid rule, at places ``x`` or in steps ``dx`` (1)."""
    areas, d = _areas("trapezoid", y, x, dx, dim)
    if not y.array.shape[d]:
        return wrap(np.zeros(tuple(n for k, n in enumerate(y.array.shape) if k != d), areas.array.dtype))
    return sum_(areas, d - y.array.ndim)


def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """Running integrals by the trapezoid rule, one fewer than values."""
    areas, d = _areas("cumulative_trapezoid", y, x, dx, dim)
    return sym.cumsum(areas, areas.array.ndim + d - y.array.ndim)


trapz = trapezoid
