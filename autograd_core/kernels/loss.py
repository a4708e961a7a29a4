"""Cross-entropy fused with log-softmax, and the negative log-likelihood, from class indices.

    cross_entropy(x, target, weight=None, *, ignore_index=-100, label_smoothing=0.0, reduction="mean")
        -> (loss, lse, total)     lse: log-sum-exp of each row, total: what "mean" divides by
    cross_entropy_backward(g, x, target, lse, total, weight=None, *, ignore_index, label_smoothing, reduction,
                           known=False) -> gx
    nll_loss(logp, target, weight=None, *, ignore_index=-100, reduction="mean") -> (loss, total)
    nll_loss_backward(g, logp_shape, logp_dtype, target, total, weight=None, *, ignore_index, reduction) -> gx

`x` is (C,), (N, C) or (N, C, d1, ...); `target` has that shape without C and an integer dtype. `loss` is 0-d, or with
reduction "none" of `target`'s shape. The backward
pass takes the logits and `lse` instead of a log-softmax, so the forward pass writes one
number per row and the backward pass one exponential per logit. Formulas and corners as `torch.nn.functional`'s: the
mean is weighted by the targets' weights, and over no target at all it is NaN.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from . import runtime
from .softmax import bounded
from .thresholds import THRESHOLDS

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
INT64, UNSIGNED = np.dtype(np.int64), np.dtype(np.uint64)
NO_WEIGHT = np.ones(0, np.float32)  # what the kernels take for "all ones"
REDUCTIONS = ("mean", "sum", "none")


def _check(
    function: str, x_shape: tuple[int, ...], target: np.ndarray, weight: np.ndarray | None, reduction: str
) -> int:
    """Return the number of classes; raise for what no kernel may see."""
    if not x_shape:
        raise ValueError(f"{function}: the input is 0-d; expected (C,), (N, C) or (N, C, d1, ...)")
    axis = 0 if len(x_shape) == 1 else 1
    classes = x_shape[axis]
    if reduction not in REDUCTIONS:
        raise ValueError(f"{function}: {reduction!r} is not a valid value for reduction; use one of {REDUCTIONS}")
    if target.dtype.kind not in "iu":
        raise RuntimeError(f"{function}: expected integer class indices as target, got {target.dtype}")
    if target.shape != x_shape[:axis] + x_shape[axis + 1 :]:
        raise ValueError(
            f"{function}: expected target shape {x_shape[:axis] + x_shape[axis + 1 :]} for input {x_shape}, "
            f"got {target.shape}"
        )
    if weight is not None and weight.shape != (classes,):
        raise RuntimeError(
            f"{function}: weight must have one value for each of the {classes} classes, got shape {weight.shape}"
        )
    return classes


def _check_range(function: str, target: np.ndarray, classes: int, ignore_index: int) -> bool:
    """Raise for a target that is no class; True when none can be `ignore_index` either, so that all rows count."""
    if target.size == 0:
        return True
    # as an unsigned number a negative one is huge: one pass instead of two
    unsigned = target.view(UNSIGNED) if target.dtype == INT64 and target.ndim else target
    if np.maximum.reduce(unsigned, None) < classes and (unsigned is not target or np.minimum.reduce(target, None) >= 0):
        return not 0 <= ignore_index < classes
    wrong = ((target < 0) | (target >= classes)) & (target != ignore_index)
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise IndexError(f"{function}: target {target[where]} at {where} is out of bounds for {classes} classes")
    return False


@functools.lru_cache(maxsize=64)
def _row_starts(rows: int, classes: int) -> np.ndarray:
    """Where each row of a (rows, classes) array begins."""
    starts = np.arange(0, rows * classes, classes) if classes else np.zeros(rows, INT64)
    starts.flags.writeable = False
    return starts


@functools.lru_cache(maxsize=64)
def _ones(count: int, dtype: np.dtype) -> np.ndarray:
    return np.ones(count, dtype)


def _sum_rows(x: np.ndarray) -> np.ndarray:
    """Sums of short rows as a product with ones, which is quicker than NumPy's reduction."""
    return x.dot(_ones(x.shape[1], x.dtype)) if x.shape[1] <= 1024 else np.add.reduce(x, 1)


def _rows(x: np.ndarray) -> np.ndarray:
    """`x` with the classes last, as (rows, C)."""
    if x.ndim == 2:
        return x
    return x.reshape(-1, x.shape[0]) if x.ndim == 1 else np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])


def _compiled(x: np.ndarray, weight: np.ndarray | None) -> Any:
    if x.size >= THRESHOLDS["loss.numba"] and x.dtype == FLOAT32 and (weight is None or weight.dtype == FLOAT32):
        return runtime.native("loss")
    return None


def _plain_targets(
    x: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None,
    ignore_index: int,
    label_smoothing: float,
    known: bool = False,
) -> np.ndarray | None:
    """Where the targets lie in `x` laid flat, in the everyday case that is too small for a kernel: rows of logits that
    all count, one int64 class for each. None in any other case, and for any target that is no class (unless they are
    `known` to be classes)."""
    if x.ndim != 2 or x.size >= THRESHOLDS["loss.numba"] or weight is not None or label_smoothing != 0.0:
        return None
    rows, classes = x.shape
    if not classes or not rows or target.dtype is not INT64 or target.shape != (rows,) or 0 <= ignore_index < classes:
        return None
    if x.dtype is not FLOAT32 and x.dtype is not FLOAT64:
        return None
    if not known and np.maximum.reduce(target.view(UNSIGNED)) >= classes:  # a negative one is huge as an unsigned number
        return None
    return _row_starts(rows, classes) + target


def _reduce(losses: np.ndarray, total: float, shape: tuple[int, ...], reduction: str, dtype: np.dtype) -> np.ndarray:
    if reduction == "none":
        return losses.reshape(shape).astype(dtype, copy=False)
    count = losses.size
    loss = float(losses.dot(_ones(count, losses.dtype)) if count <= 1024 else np.add.reduce(losses))
    if reduction == "mean":
        loss = loss / total if total else math.nan
    return np.array(loss, dtype)


def cross_entropy(
    x: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    *,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> tuple[np.ndarray, np.ndarray, float]:
    """Mean, sum or each of ``w[t] * (lse - x[t])``, mixed with the uniform distribution by `label_smoothing`.

    Parameters
    ----------
    x : (C,), (N, C) or (N, C, d1, ...)
        Logits.
    target
        Class indices, shape of `x` without C; `ignore_index` marks rows that do not count.
    weight : (C,), optional
        Weight of each class.

    Returns
    -------
    loss, lse, total
        See the module's docstring.

    Raises
    ------
    IndexError
        A target is no class and not `ignore_index`.
    """
    places = _plain_targets(x, target, weight, ignore_index, label_smoothing)
    if places is not None and reduction in REDUCTIONS:
        lse = _log_sum_exp(x)
        total = float(len(places))
        return _reduce(lse - x.take(places), total, target.shape, reduction, x.dtype), lse, total
    classes = _check("cross_entropy", x.shape, target, weight, reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"cross_entropy: label_smoothing must be between 0.0 and 1.0, got {label_smoothing}")
    dtype = x.dtype
    if dtype == np.float16:
        x = x.astype(np.float32)
        weight = None if weight is None else weight.astype(np.float32)
    rows, flat = _rows(x), target.reshape(-1).astype(INT64, copy=False)
    jit = _compiled(x, weight)
    if jit is not None and classes:
        rows, flat = np.ascontiguousarray(rows), np.ascontiguousarray(flat)
        losses, lse, outside = np.empty(len(rows), FLOAT32), np.empty(len(rows), FLOAT32), np.zeros(1, np.bool_)
        weights = NO_WEIGHT if weight is None else np.ascontiguousarray(weight)
        runtime.parallel(
            jit.cross_entropy,
            len(rows),
            rows,
            flat,
            weights,
            ignore_index,
            label_smoothing,
            losses,
            lse,
            outside,
            grain=-(-THRESHOLDS["parallel.exp"] // classes),
        )
        if outside[0]:
            _check_range("cross_entropy", target, classes, ignore_index)
    else:
        counted = None if _check_range("cross_entropy", target, classes, ignore_index) else flat != ignore_index
        losses, lse = _cross_entropy_numpy(rows, flat, weight, counted, label_smoothing)
        if counted is None and weight is None:
            total = float(len(flat))
            return _reduce(losses, total, target.shape, reduction, dtype), lse, total
    total = _total(flat, weight, ignore_index)
    return _reduce(losses, total, target.shape, reduction, dtype), lse, total


def _log_sum_exp(x: np.ndarray) -> np.ndarray:
    """log(sum(exp(x))) of each row."""
    if x.size and bounded(x):
        e = np.exp(x)
        lse = _sum_rows(e)
        return np.log(lse, lse)
    with np.errstate(invalid="ignore"):
        top = np.maximum.reduce(x, 1, keepdims=True)
        e = np.subtract(x, top, order="C")
        np.exp(e, e)
        lse = _sum_rows(e)
        np.log(lse, lse)
        lse += top[:, 0]
    return lse


def _cross_entropy_numpy(
    x: np.ndarray, target: np.ndarray, weight: np.ndarray | None, counted: np.ndarray | None, label_smoothing: float
) -> tuple[np.ndarray, np.ndarray]:
    rows, classes = x.shape
    with np.errstate(invalid="ignore", divide="ignore"):
        lse = _log_sum_exp(x) if classes else np.full(rows, -np.inf, x.dtype)
        safe = target if counted is None else np.where(counted, target, 0)
        if classes == 0:
            return np.zeros(rows, x.dtype), lse  # every row is an ignored one
        losses = lse - x.take(_row_starts(rows, classes) + safe)
        if weight is not None:
            losses *= weight[safe]
        if label_smoothing > 0:
            distance = lse[:, None] - x
            uniform = (distance if weight is None else distance * weight).sum(1)
            losses = (1 - label_smoothing) * losses + label_smoothing / classes * uniform
        return losses if counted is None else np.where(counted, losses, x.dtype.type(0)), lse


def _total(flat: np.ndarray, weight: np.ndarray | None, ignore_index: int) -> float:
    counted = flat != ignore_index
    if weight is None:
        return float(np.count_nonzero(counted))
    return float(weight[flat[counted]].sum(dtype=np.float64))


def _row_scale(g: np.ndarray, total: float, reduction: str) -> np.ndarray:
    """Gradient of the reduced loss with respect to each row's loss: one number, or one for each row."""
    g = np.asarray(g)
    if reduction == "mean":
        return g / total if total else g * np.nan
    return g


def cross_entropy_backward(
    g: np.ndarray,
    x: np.ndarray,
    target: np.ndarray,
    lse: np.ndarray,
    total: float,
    weight: np.ndarray | None = None,
    *,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    known: bool = False,
) -> np.ndarray:
    """``gx = g * w * (exp(x - lse) - onehot)`` (and the same for the smoothed part), zero in ignored rows.

    `known`: the forward pass has looked at these targets, so they are classes.
    """
    places = _plain_targets(x, target, weight, ignore_index, label_smoothing, known)
    if places is not None and g.ndim == 0 and lse.shape == target.shape and reduction in ("mean", "sum"):
        out = np.subtract(x, lse.reshape(-1, 1), order="C")
        np.exp(out, out)
        out.reshape(-1)[places] -= 1
        return np.multiply(out, g / total if reduction == "mean" else g, out)
    classes = _check("cross_entropy_backward", x.shape, target, weight, reduction)
    if g.shape != (target.shape if reduction == "none" else ()) or lse.shape != (target.size,):
        raise RuntimeError(
            f"cross_entropy_backward: gradient {g.shape} and lse {lse.shape} do not belong to "
            f"target {target.shape} with reduction {reduction!r}"
        )
    dtype = x.dtype
    if dtype == np.float16:
        x = x.astype(np.float32)
        weight = None if weight is None else weight.astype(np.float32)
    rows, flat = _rows(x), target.reshape(-1).astype(INT64, copy=False)
    scale = _row_scale(np.asarray(g, x.dtype), total, reduction).reshape(-1)
    jit = _compiled(x, weight)
    if jit is not None and classes:
        rows, flat = np.ascontiguousarray(rows), np.ascontiguousarray(flat)
        out, outside = np.empty(rows.shape, FLOAT32), np.zeros(1, np.bool_)
        weights = NO_WEIGHT if weight is None else np.ascontiguousarray(weight)
        runtime.parallel(
            jit.cross_entropy_backward,
            len(rows),
            rows,
            flat,
            weights,
            ignore_index,
            label_smoothing,
            np.ascontiguousarray(lse, FLOAT32),
            np.ascontiguousarray(scale, FLOAT32),
            out,
            outside,
            grain=-(-THRESHOLDS["parallel.exp"] // classes),
        )
        if outside[0]:
            _check_range("cross_entropy_backward", target, classes, ignore_index)
    else:
        every = _check_range("cross_entropy_backward", target, classes, ignore_index)
        safe = flat if every else np.where(flat != ignore_index, flat, 0)
        out = np.subtract(rows, lse.reshape(-1, 1), order="C")
        np.exp(out, out=out)
        p = out if label_smoothing == 0 else out.copy()
        if classes:
            out.reshape(-1)[_row_starts(len(rows), classes) + safe] -= 1
        if weight is not None:
            out *= weight[safe][:, None]
        if label_smoothing > 0:
            out *= 1 - label_smoothing
            w = np.ones(classes, x.dtype) if weight is None else weight
            out += label_smoothing / classes * (p * w.sum() - w)
        out *= scale.reshape(-1, 1)
        if not every:
            out[flat == ignore_index] = 0
    if x.ndim > 2:
        out = np.ascontiguousarray(np.moveaxis(out.reshape(x.shape[:1] + x.shape[2:] + (classes,)), -1, 1))
    return out.reshape(x.shape).astype(dtype, copy=False)


def nll_loss(
    logp: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> tuple[np.ndarray, float]:
    """Mean, sum or each of ``-w[t] * logp[t]``."""
    classes = _check("nll_loss", logp.shape, target, weight, reduction)
    every = _check_range("nll_loss", target, classes, ignore_index)
    flat = target.reshape(-1).astype(INT64, copy=False)
    if classes == 0:
        losses, total = np.zeros(len(flat), logp.dtype), 0.0
        return _reduce(losses, total, target.shape, reduction, logp.dtype), total
    rows, counted = _rows(logp), None if every else flat != ignore_index
    safe = flat if counted is None else np.where(counted, flat, 0)
    losses = np.negative(rows.take(_row_starts(len(rows), classes) + safe))
    if weight is not None:
        losses *= weight[safe]
    if counted is not None:
        losses[~counted] = 0
    total = float(len(flat)) if every and weight is None else _total(flat, weight, ignore_index)
    return _reduce(losses, total, target.shape, reduction, logp.dtype), total


def nll_loss_backward(
    g: np.ndarray,
    logp_shape: tuple[int, ...],
    logp_dtype: np.dtype,
    target: np.ndarray,
    total: float,
    weight: np.ndarray | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> np.ndarray:
    """``-g * w[t]`` at each target, zero elsewhere."""
    classes = _check("nll_loss_backward", logp_shape, target, weight, reduction)
    every = _check_range("nll_loss_backward", target, classes, ignore_index)
    if 0 in logp_shape:
        return np.zeros(logp_shape, logp_dtype)
    flat = target.reshape(-1).astype(INT64, copy=False)
    safe = flat if every else np.where(flat != ignore_index, flat, 0)
    values = -_row_scale(np.asarray(g, logp_dtype), total, reduction).reshape(-1)
    if weight is not None:
        values = values * weight[safe]
    if not every:
        values = np.where(flat != ignore_index, values, 0)
    out = np.zeros(len(flat) * classes, logp_dtype)
    out[_row_starts(len(flat), classes) + safe] = values
    if len(logp_shape) <= 2:
        return out.reshape(logp_shape)
    spread = out.reshape(logp_shape[:1] + logp_shape[2:] + (classes,))
    return np.ascontiguousarray(np.moveaxis(spread, -1, 1))


def warm() -> list[tuple[str, Any]]:
    """What ``python -m autograd_core.kernels warm`` compiles."""
    x, t = np.zeros((64, 1000), np.float32), np.zeros(64, np.int64)
    lse = np.full(64, math.log(1000), np.float32)
    return [
        ("cross_entropy", lambda: cross_entropy(x, t)),
        ("cross_entropy_backward", lambda: cross_entropy_backward(np.ones((), np.float32), x, t, lse, 64.0)),
    ]
