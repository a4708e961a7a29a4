"""Batch, layer, RMS and group normalisation with their backward passes; each in one sweep over memory where it can be.

    batch_norm(x, weight, bias, eps) -> (y, mean, var, invstd)            training: statistics of this batch, biased var
    batch_norm_eval(x, mean, var, weight, bias, eps) -> (y, invstd)       with given statistics
    batch_norm_backward(g, x, mean, invstd, weight, training=True) -> (gx, gweight, gbias)
    layer_norm(x, dims, weight, bias, eps) -> (y, mean, rstd)             over the last `dims` dimensions
    layer_norm_backward(g, x, mean, rstd, weight, dims) -> (gx, gweight, gbias)
    rms_norm(x, dims, weight, eps) -> (y, rstd)
    rms_norm_backward(g, x, rstd, weight, dims) -> (gx, gweight)
    group_norm(x, groups, weight, bias, eps) -> (y, mean, rstd)           mean, rstd: (N, groups)
    group_norm_backward(g, x, mean, rstd, weight, groups) -> (gx, gweight, gbias)

`x` is (N, C, ...) for batch and group norm. `weight` and `bias` may be None; the gradients of the affine parameters
come back all the same. Layer norm's statistics have `x`'s leading shape. ``y = (x - mean) * invstd * weight + bias``
with ``invstd = 1 / sqrt(var + eps)``. Statistics and parameter gradients of float16 are float32. Running statistics are
the caller's: unbiased var is ``var * m / (m - 1)`` for ``m = x.size / C``.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from . import runtime
from .thresholds import THRESHOLDS

COMPILED = (np.dtype(np.float32), np.dtype(np.float64))
PIECES = 8  # partial sums of parameter gradients: a fixed number, so the result does not depend on the thread count

Optional = np.ndarray | None


def _jit(x: np.ndarray, *others: Optional) -> Any:
    if (
        x.size < THRESHOLDS["norm.numba"]
        or x.dtype not in COMPILED
        or any(a is not None and a.dtype != x.dtype for a in others)
    ):
        return None
    return runtime.native("norm")


def _grain(elements: int, count: int) -> int:
    return max(1, THRESHOLDS["parallel.elements"] * count // (2 * max(1, elements)))


def _vector(
    function: str, name: str, value: Optional, shape: tuple[int, ...], fill: float, dtype: np.dtype
) -> np.ndarray:
    if value is None:
        return _filled(math.prod(shape), fill, dtype)
    if value.shape != shape:
        raise RuntimeError(f"{function}: expected {name} of shape {shape}, got {value.shape}")
    if not value.flags.c_contiguous:
        value = np.ascontiguousarray(value)
    return value if value.ndim == 1 else value.reshape(-1)


def _same(function: str, g: np.ndarray, x: np.ndarray) -> None:
    if g.shape != x.shape:
        raise RuntimeError(f"{function}: the gradient has shape {g.shape} but the input has {x.shape}; they must agree")


def _wide(dtype: np.dtype) -> np.dtype:
    return np.dtype(np.float32) if dtype == np.float16 else dtype


LONG = 4096  # sums of more elements are NumPy's, by pairs: a plain sum would lose digits


@functools.lru_cache(maxsize=128)
def _filled(count: int, value: float, dtype: np.dtype) -> np.ndarray:
    """``count`` times `value`; nobody writes into it (a read-only array would be another type to a kernel)."""
    return np.full(count, value, dtype)


# The twins take sums as products with a vector of ones: for small arrays less than half the time of a reduction.


def _sum_rows(x: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Sum over the last dimension of a matrix, times `scale`."""
    if x.shape[1] > LONG:
        return np.add.reduce(x, 1) * x.dtype.type(scale)
    return x.dot(_filled(x.shape[1], scale, x.dtype))


def _sum_columns(x: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Sum over the first dimension of a matrix, times `scale`."""
    if x.shape[0] > LONG:
        return np.add.reduce(x, 0) * x.dtype.type(scale)
    return _filled(x.shape[0], scale, x.dtype).dot(x)


def _sum_channels(cube: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Sum over all but the channels of (n, c, s), times `scale`."""
    n, c, s = cube.shape
    flat = cube.reshape(n, c) if s == 1 else _sum_rows(cube.reshape(n * c, s)).reshape(n, c)
    return _sum_columns(flat, scale)


def _reciprocal_root(var: np.ndarray, eps: float) -> np.ndarray:
    """``1 / sqrt(var + eps)``."""
    root = var + var.dtype.type(eps)
    np.sqrt(root, out=root)
    return np.divide(var.dtype.type(1), root, out=root)


# ------------------------------------------------------------------------------------------------ batch


def _channels(function: str, x: np.ndarray) -> tuple[int, int, int]:
    if x.ndim < 2:
        raise ValueError(f"{function}: expected at least 2 dimensions (N, C, ...), got shape {x.shape}")
    return x.shape[0], x.shape[1], math.prod(x.shape[2:])


def batch_norm(
    x: np.ndarray, weight: Optional, bias: Optional, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Normalise each channel by the batch's own mean and (biased) variance."""
    n, c, s = _channels("batch_norm", x)
    if n * s == 1 and c:
        raise ValueError(
            f"batch_norm: expected more than 1 value per channel when training, got input of shape {x.shape}"
        )
    wide = _wide(x.dtype)
    w = _vector("batch_norm", "weight", weight, (c,), 1.0, wide)
    b = _vector("batch_norm", "bias", bias, (c,), 0.0, wide)
    if x.size == 0:
        return x.copy(), np.zeros(c, wide), np.zeros(c, wide), np.zeros(c, wide)
    jit = _jit(x, w, b)
    if jit is not None:
        solid = np.ascontiguousarray(x).reshape(n, c, s)
        y = np.empty(x.shape, x.dtype)
        mean, var, invstd = np.empty(c, x.dtype), np.empty(c, x.dtype), np.empty(c, x.dtype)
        out = y.reshape(n, c, s)
        if s == 1:
            runtime.parallel(
                jit.batch_norm_columns,
                -(-c // jit.STRIP),
                solid[:, :, 0],
                w,
                b,
                eps,
                out[:, :, 0],
                mean,
                var,
                invstd,
                grain=_grain(x.size, -(-c // jit.STRIP)),
            )
        else:
            runtime.parallel(jit.batch_norm, c, solid, w, b, eps, out, mean, var, invstd, grain=_grain(x.size, c))
        return y, mean, var, invstd
    cube = x.reshape(n, c, s).astype(wide, copy=False)
    share = 1 / (n * s)
    mean = _sum_channels(cube, share)
    y = cube - mean[:, None]
    var = _sum_channels(y * y, share)
    invstd = _reciprocal_root(var, eps)
    y *= (invstd if weight is None else invstd * w)[:, None]
    if bias is not None:
        y += b[:, None]
    return y.reshape(x.shape).astype(x.dtype, copy=False), mean, var, invstd


def batch_norm_eval(
    x: np.ndarray, mean: np.ndarray, var: np.ndarray, weight: Optional, bias: Optional, eps: float
) -> tuple[np.ndarray, np.ndarray]:
    """Normalise each channel by given statistics; also returns ``1 / sqrt(var + eps)`` for the backward pass."""
    n, c, s = _channels("batch_norm_eval", x)
    wide = _wide(x.dtype)
    w = _vector("batch_norm_eval", "weight", weight, (c,), 1.0, wide)
    b = _vector("batch_norm_eval", "bias", bias, (c,), 0.0, wide)
    mean = _vector("batch_norm_eval", "mean", mean, (c,), 0.0, wide).astype(wide, copy=False)
    var = _vector("batch_norm_eval", "var", var, (c,), 1.0, wide).astype(wide, copy=False)
    invstd = _reciprocal_root(var, eps)
    jit = _jit(x, w, b)
    if jit is not None and s > 1:
        y = np.empty(x.shape, x.dtype)
        runtime.parallel(
            jit.normalise,
            n * c,
            np.ascontiguousarray(x).reshape(n * c, s),
            mean,
            invstd * w,
            b,
            y.reshape(n * c, s),
            grain=_grain(x.size, n * c),
        )
        return y, invstd
    y = x.reshape(n, c, s) - mean[:, None]
    y *= (invstd if weight is None else invstd * w)[:, None]
    if bias is not None:
        y += b[:, None]
    return y.reshape(x.shape).astype(x.dtype, copy=False), invstd


def batch_norm_backward(
    g: np.ndarray, x: np.ndarray, mean: np.ndarray, invstd: np.ndarray, weight: Optional, training: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of input, weight and bias; without `training` the statistics are constants."""
    n, c, s = _channels("batch_norm_backward", x)
    _same("batch_norm_backward", g, x)
    wide = _wide(x.dtype)
    w = _vector("batch_norm_backward", "weight", weight, (c,), 1.0, wide)
    mean = _vector("batch_norm_backward", "mean", mean, (c,), 0.0, wide).astype(wide, copy=False)
    invstd = _vector("batch_norm_backward", "invstd", invstd, (c,), 1.0, wide).astype(wide, copy=False)
    jit = _jit(x, g, w)
    if jit is not None:
        gx, gw, gb = np.empty(x.shape, x.dtype), np.empty(c, x.dtype), np.empty(c, x.dtype)
        up, solid, out = (np.ascontiguousarray(a).reshape(n, c, s) for a in (g, x, gx))
        if s == 1:
            runtime.parallel(
                jit.batch_norm_columns_backward,
                -(-c // jit.STRIP),
                up[:, :, 0],
                solid[:, :, 0],
                mean,
                invstd,
                w,
                training,
                out[:, :, 0],
                gw,
                gb,
                grain=_grain(x.size, -(-c // jit.STRIP)),
            )
        else:
            runtime.parallel(
                jit.batch_norm_backward, c, up, solid, mean, invstd, w, training, out, gw, gb, grain=_grain(x.size, c)
            )
        return gx, gw, gb
    up, cube = g.reshape(n, c, s).astype(wide, copy=False), x.reshape(n, c, s).astype(wide, copy=False)
    hat = cube - mean[:, None]
    hat *= invstd[:, None]
    gb, gw = _sum_channels(up), _sum_channels(up * hat)
    slope = (invstd if weight is None else invstd * w)[:, None]
    if training:
        m = wide.type(max(1, n * s))
        hat *= (gw / m)[:, None]
        hat += (gb / m)[:, None]
        gx = np.subtract(up, hat, out=hat)
        gx *= slope
    else:
        gx = np.multiply(up, slope, out=hat)
    return gx.reshape(x.shape).astype(x.dtype, copy=False), gw, gb


# ------------------------------------------------------------------------------------------------ layer and RMS


def _rows(function: str, x: np.ndarray, dims: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if not 1 <= dims <= x.ndim:
        raise RuntimeError(f"{function}: cannot normalise the last {dims} dimensions of shape {x.shape}")
    return x.shape[: x.ndim - dims], x.shape[x.ndim - dims :]


def layer_norm(
    x: np.ndarray, dims: int, weight: Optional, bias: Optional, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Normalise over the last `dims` dimensions."""
    return _layer("layer_norm", x, dims, weight, bias, eps, True)


def rms_norm(x: np.ndarray, dims: int, weight: Optional, eps: float) -> tuple[np.ndarray, np.ndarray]:
    """Divide by the root mean square over the last `dims` dimensions."""
    y, _, rstd = _layer("rms_norm", x, dims, weight, None, eps, False)
    return y, rstd


def _layer(
    function: str, x: np.ndarray, dims: int, weight: Optional, bias: Optional, eps: float, centred: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    lead, inner = _rows(function, x, dims)
    rows, n, wide = math.prod(lead), math.prod(inner), _wide(x.dtype)
    w = _vector(function, "weight", weight, inner, 1.0, wide)
    b = _vector(function, "bias", bias, inner, 0.0, wide)
    jit = _jit(x, w, b)
    if jit is not None:
        y, mean, rstd = np.empty(x.shape, x.dtype), np.empty(rows, x.dtype), np.empty(rows, x.dtype)
        runtime.parallel(
            jit.layer_norm,
            rows,
            np.ascontiguousarray(x).reshape(rows, n),
            w,
            b,
            eps,
            centred,
            y.reshape(rows, n),
            mean,
            rstd,
            grain=_grain(x.size, rows),
        )
        return y, mean.reshape(lead), rstd.reshape(lead)
    flat = x.reshape(rows, n).astype(wide, copy=False)
    if n == 0:
        return x.copy(), np.zeros(lead, wide), np.full(lead, np.nan, wide)
    if centred:
        mean = _sum_rows(flat, 1 / n)
        y = flat - mean[:, None]
        rstd = _reciprocal_root(_sum_rows(y * y, 1 / n), eps)
        y *= rstd[:, None]
    else:
        mean = np.zeros(rows, wide)
        rstd = _reciprocal_root(_sum_rows(flat * flat, 1 / n), eps)
        y = flat * rstd[:, None]
    if weight is not None:
        y *= w
    if bias is not None:
        y += b
    return y.reshape(x.shape).astype(x.dtype, copy=False), mean.reshape(lead), rstd.reshape(lead)


def layer_norm_backward(
    g: np.ndarray, x: np.ndarray, mean: np.ndarray, rstd: np.ndarray, weight: Optional, dims: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of input, weight and bias."""
    return _layer_backward("layer_norm_backward", g, x, mean, rstd, weight, dims, True)


def rms_norm_backward(
    g: np.ndarray, x: np.ndarray, rstd: np.ndarray, weight: Optional, dims: int
) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of input and weight."""
    gx, gw, _ = _layer_backward("rms_norm_backward", g, x, np.zeros_like(rstd), rstd, weight, dims, False)
    return gx, gw


def _layer_backward(
    function: str,
    g: np.ndarray,
    x: np.ndarray,
    mean: np.ndarray,
    rstd: np.ndarray,
    weight: Optional,
    dims: int,
    centred: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    lead, inner = _rows(function, x, dims)
    _same(function, g, x)
    rows, n, wide = math.prod(lead), math.prod(inner), _wide(x.dtype)
    w = _vector(function, "weight", weight, inner, 1.0, wide)
    mean = _vector(function, "mean", mean, lead, 0.0, wide).astype(wide, copy=False)
    rstd = _vector(function, "rstd", rstd, lead, 1.0, wide).astype(wide, copy=False)
    jit = _jit(x, g, w)
    if jit is not None:
        gx, partial = np.empty(x.shape, x.dtype), np.zeros((PIECES, 2, n), x.dtype)
        runtime.parallel(
            jit.layer_norm_backward,
            PIECES,
            np.ascontiguousarray(g).reshape(rows, n),
            np.ascontiguousarray(x).reshape(rows, n),
            mean,
            rstd,
            w,
            centred,
            gx.reshape(rows, n),
            partial,
            grain=_grain(x.size, PIECES),
        )
        gw, gb = partial.sum(0)
        return gx, gw.reshape(inner), gb.reshape(inner)
    up, flat = g.reshape(rows, n).astype(wide, copy=False), x.reshape(rows, n).astype(wide, copy=False)
    mean, scale = mean.reshape(-1, 1), rstd.reshape(-1, 1)
    hat = flat - mean if centred else flat.copy()
    hat *= scale
    product = up * hat
    gw, gb = _sum_columns(product), _sum_columns(up)
    if n == 0:
        return x.copy(), gw.reshape(inner), gb.reshape(inner)
    if weight is not None:
        up = up * w
        product *= w
    hat *= _sum_rows(product, 1 / n)[:, None]
    gx = np.subtract(up, hat, out=hat)
    if centred:
        gx -= _sum_rows(up, 1 / n)[:, None]
    gx *= scale
    if len(inner) > 1:  # a view of its own shape would be copied when it becomes a leaf's gradient
        gw, gb = gw.reshape(inner), gb.reshape(inner)
    return gx.reshape(x.shape).astype(x.dtype, copy=False), gw, gb


# ------------------------------------------------------------------------------------------------ group


def _grouped(function: str, x: np.ndarray, groups: int) -> tuple[int, int, int]:
    n, c, s = _channels(function, x)
    if groups < 1 or c % groups:
        raise ValueError(
            f"{function}: the number of channels must be divisible by the number of groups, got {c} and {groups}"
        )
    return n, c, s


def group_norm(
    x: np.ndarray, groups: int, weight: Optional, bias: Optional, eps: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Normalise each group of channels of each sample; the affine parameters are per channel."""
    n, c, s = _grouped("group_norm", x, groups)
    wide = _wide(x.dtype)
    w = _vector("group_norm", "weight", weight, (c,), 1.0, wide)
    b = _vector("group_norm", "bias", bias, (c,), 0.0, wide)
    if x.size == 0:
        return x.copy(), np.zeros((n, groups), wide), np.full((n, groups), np.nan, wide)
    jit = _jit(x, w, b)
    if jit is not None:
        y, mean, rstd = np.empty(x.shape, x.dtype), np.empty((n, groups), x.dtype), np.empty((n, groups), x.dtype)
        runtime.parallel(
            jit.group_norm,
            n * groups,
            np.ascontiguousarray(x).reshape(n * groups, c // groups, s),
            w,
            b,
            eps,
            y.reshape(n * groups, c // groups, s),
            mean.reshape(-1),
            rstd.reshape(-1),
            grain=_grain(x.size, n * groups),
        )
        return y, mean, rstd
    flat = x.reshape(n * groups, c // groups * s).astype(wide, copy=False)
    share = 1 / flat.shape[1]
    mean = _sum_rows(flat, share)
    y = flat - mean[:, None]
    rstd = _reciprocal_root(_sum_rows(y * y, share), eps)
    y *= rstd[:, None]
    y = y.reshape(n, c, s)
    if weight is not None:
        y *= w[:, None]
    if bias is not None:
        y += b[:, None]
    return y.reshape(x.shape).astype(x.dtype, copy=False), mean.reshape(n, groups), rstd.reshape(n, groups)


def group_norm_backward(
    g: np.ndarray, x: np.ndarray, mean: np.ndarray, rstd: np.ndarray, weight: Optional, groups: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of input, weight and bias."""
    n, c, s = _grouped("group_norm_backward", x, groups)
    _same("group_norm_backward", g, x)
    wide = _wide(x.dtype)
    w = _vector("group_norm_backward", "weight", weight, (c,), 1.0, wide)
    mean = _vector("group_norm_backward", "mean", mean, (n, groups), 0.0, wide).astype(wide, copy=False)
    rstd = _vector("group_norm_backward", "rstd", rstd, (n, groups), 1.0, wide).astype(wide, copy=False)
    if x.size == 0:
        return x.copy(), np.zeros(c, wide), np.zeros(c, wide)
    jit = _jit(x, g, w)
    block = (n * groups, c // groups, s)
    if jit is not None:
        gx, sums = np.empty(x.shape, x.dtype), np.empty((2, n * groups, c // groups), x.dtype)
        runtime.parallel(
            jit.group_norm_backward,
            n * groups,
            np.ascontiguousarray(g).reshape(block),
            np.ascontiguousarray(x).reshape(block),
            mean,
            rstd,
            w,
            gx.reshape(block),
            sums,
            grain=_grain(x.size, n * groups),
        )
        gw, gb = sums.reshape(2, n, c).sum(1)
        return gx, gw, gb
    rows = (n * groups, c // groups * s)
    up, flat = g.reshape(n, c, s).astype(wide, copy=False), x.reshape(rows).astype(wide, copy=False)
    mean, scale = mean.reshape(-1, 1), rstd.reshape(-1, 1)
    hat = flat - mean
    hat *= scale
    gw, gb = _sum_channels(up * hat.reshape(n, c, s)), _sum_channels(up)
    up = (up if weight is None else up * w[:, None]).reshape(rows)
    share = 1 / rows[1]
    hat *= _sum_rows(up * hat, share)[:, None]
    hat += _sum_rows(up, share)[:, None]
    gx = np.subtract(up, hat, out=hat)
    gx *= scale
    return gx.reshape(x.shape).astype(x.dtype, copy=False), gw, gb


def warm() -> list[tuple[str, Any]]:
    """What ``python -m autograd_core.kernels warm`` compiles."""
    x, v, m = np.ones((16, 16, 16, 16), np.float32), np.ones(16, np.float32), np.ones((16, 16, 16), np.float32)
    flat, wide = np.ones((256, 256), np.float32), np.ones(256, np.float32)
    return [
        ("batch_norm", lambda: batch_norm(x, v, v, 1e-5)),
        ("batch_norm_eval", lambda: batch_norm_eval(x, v, v, v, v, 1e-5)),
        ("batch_norm_backward", lambda: batch_norm_backward(x, x, v, v, v)),
        ("batch_norm (N, C)", lambda: batch_norm(flat, wide, wide, 1e-5)),
        ("batch_norm_backward (N, C)", lambda: batch_norm_backward(flat, flat, wide, wide, wide)),
        ("layer_norm", lambda: layer_norm(x, 1, v, v, 1e-5)),
        ("layer_norm_backward", lambda: layer_norm_backward(x, x, m, m, v, 1)),
        ("group_norm", lambda: group_norm(x, 4, v, v, 1e-5)),
        ("group_norm_backward", lambda: group_norm_backward(x, x, m[0, :, :4], m[0, :, :4], v, 4)),
    ]
