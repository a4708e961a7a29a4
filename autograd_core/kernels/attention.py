"""Scaled dot-product attention: ``softmax(scale * q kT + mask) v``, forward and backward, without a T x S array.

    attention(q, k, v, mask=None, causal=False, scale=None) -> (y, lse)
    attention_backward(g, q, k, v, y, lse, mask=None, causal=False, scale=None) -> (gq, gk, gv)

q: (..., T, D), k: (..., S, D), v: (..., S, E), all with the same leading dimensions; y: (..., T, E). `mask` broadcasts
against (..., T, S): bool (True takes part) or float (added to the scores); `causal` lets query i see keys 0 to i.
`scale` defaults to ``1 / sqrt(D)``. lse: log-sum-exp of each row of scores, (..., T), from which the backward pass
computes the probabilities again; it is +inf for a row that may see nothing, whose output is 0.

The compiled kernels (float32) hold a band of query rows times all keys per thread, bounded by `BAND` floats, and
multiply matrices with the register tile of the convolutions.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from . import runtime
from .thresholds import THRESHOLDS

FLOAT32 = np.dtype(np.float32)
SMALL = 4096  # queries times keys up to which the causal mask is kept
BAND = 1 << 16  # floats of one band of scores: with its gradient, half of a second-level cache


def _check(function: str, q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: np.ndarray | None) -> None:
    if (
        min(q.ndim, k.ndim, v.ndim) < 2
        or q.shape[:-2] != k.shape[:-2]
        or k.shape[:-1] != v.shape[:-1]
        or q.shape[-1] != k.shape[-1]
    ):
        raise RuntimeError(
            f"{function}: shapes of query {q.shape}, key {k.shape} and value {v.shape} do not fit: expected "
            "(..., T, D), (..., S, D) and (..., S, E)"
        )
    if not q.dtype == k.dtype == v.dtype or q.dtype.kind != "f":
        raise RuntimeError(
            f"{function}: expected query, key and value of one floating-point dtype, "
            f"got {q.dtype}, {k.dtype}, {v.dtype}"
        )
    if mask is not None:
        if mask.dtype != np.bool_ and mask.dtype != q.dtype:
            raise RuntimeError(f"{function}: expected a mask of dtype bool or {q.dtype}, got {mask.dtype}")
        scores = q.shape[:-1] + k.shape[-2:-1]
        if mask.ndim > len(scores) or any(
            m not in (1, s) for m, s in zip(mask.shape[::-1], scores[::-1], strict=False)
        ):
            raise RuntimeError(f"{function}: a mask of shape {mask.shape} does not broadcast to the scores' {scores}")


def _plan(q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: np.ndarray | None, others: tuple[np.ndarray, ...]) -> Any:
    work = q.size * k.shape[-2]
    if (
        work < THRESHOLDS["attention.numba"]
        or 0 in q.shape
        or 0 in v.shape
        or any(a.dtype != FLOAT32 for a in (q, k, v, *others))
    ):
        return None
    return runtime.native("attention")


def _batched(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x).reshape(-1, *x.shape[-2:])


def _mask_tables(mask: np.ndarray | None, q: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
    """The mask as numbers to add, (matrices, T or 1, S or 1), and which matrix each batch entry takes."""
    lead = q.shape[:-2]
    if mask is None:
        return np.zeros((1, 1, 1), np.float32), np.zeros(1, np.int64), False
    mask = _additive(mask, q.dtype)
    mask = mask.reshape((1,) * (q.ndim - mask.ndim) + mask.shape)
    numbers = np.arange(math.prod(mask.shape[:-2])).reshape(mask.shape[:-2])
    which = np.ascontiguousarray(np.broadcast_to(numbers, lead)).reshape(-1)
    return np.require(mask.reshape(-1, *mask.shape[-2:]), requirements=["C", "W"]), which, True


def _additive(mask: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return np.where(mask, dtype.type(0), dtype.type(-np.inf)) if mask.dtype == np.bool_ else mask


def _band(t: int, s: int, causal: bool) -> int:
    """Query rows worked on at a time; narrow bands when causal, for a band computes the keys before its last row."""
    return min(t, max(1, BAND // s), (24 if t < 128 else 48) if causal else t)


def _widened(*arrays: np.ndarray | None) -> list[Any]:
    """float16 as float32; a bool mask, or none, as it is."""
    return [a if a is None or a.dtype != np.float16 else a.astype(np.float32) for a in arrays]


def _scores(q: np.ndarray, k: np.ndarray, mask: np.ndarray | None, causal: bool, scale: float) -> np.ndarray:
    scores = np.matmul(q * q.dtype.type(scale), k.swapaxes(-1, -2))
    if mask is not None:
        scores += _additive(mask, scores.dtype)
    if causal:
        t, s = scores.shape[-2:]
        np.copyto(scores, -np.inf, where=_future(t, s) if t * s <= SMALL else _future.__wrapped__(t, s))
    return scores


@functools.lru_cache(maxsize=32)
def _future(t: int, s: int) -> np.ndarray:
    """Where the key comes after the query."""
    return np.arange(s) > np.arange(t)[:, None]


def attention(
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    mask: np.ndarray | None = None,
    causal: bool = False,
    scale: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Attention and the log-sum-exp of its scores. See the module's docstring."""
    _check("scaled_dot_product_attention", q, k, v, mask)
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    lead, t, d, s, e = q.shape[:-2], q.shape[-2], q.shape[-1], k.shape[-2], v.shape[-1]
    jit = _plan(q, k, v, mask, ())
    if jit is not None:
        y, lse = np.empty((*lead, t, e), FLOAT32), np.empty((*lead, t), FLOAT32)
        added, which, masked = _mask_tables(mask, q)
        rows = _band(t, s, causal)
        bands = -(-t // rows)
        count = math.prod(lead) * bands
        runtime.parallel(
            jit.attention,
            count,
            _batched(q),
            _batched(k),
            _batched(v),
            added,
            which,
            masked,
            causal,
            np.float32(scale),
            rows,
            y.reshape(-1, t, e),
            lse.reshape(-1, t),
            grain=max(1, THRESHOLDS["parallel.fma"] // (rows * s * (d + e))),
        )
        return y, lse
    if q.dtype == np.float16:
        q, k, v, mask = _widened(q, k, v, mask)
        y, lse = attention(q, k, v, mask, causal, scale)
        return y.astype(np.float16), lse
    with np.errstate(invalid="ignore", divide="ignore"):
        scores = _scores(q, k, mask, causal, scale)
        if mask is None and scores.shape[-1]:  # every query sees a key
            top = np.maximum.reduce(scores, -1, keepdims=True)
            if np.minimum.reduce(top, None, initial=np.inf) > -np.inf:
                scores -= top
                np.exp(scores, out=scores)
                total = np.add.reduce(scores, -1, keepdims=True)
                scores /= total
                np.log(total, out=total)
                total += top
                return np.matmul(scores, v), total[..., 0]
        top = scores.max(-1, keepdims=True, initial=-np.inf)
        blind = top == -np.inf
        scores -= np.where(blind, scores.dtype.type(0), top)
        np.exp(scores, out=scores)
        total = scores.sum(-1, keepdims=True)
        lse = np.where(blind, scores.dtype.type(np.inf), np.log(total) + top)[..., 0]
        scores /= np.where(blind, scores.dtype.type(1), total)
    return np.matmul(scores, v), lse


def attention_backward(
    g: np.ndarray,
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    y: np.ndarray,
    lse: np.ndarray,
    mask: np.ndarray | None = None,
    causal: bool = False,
    scale: float | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of query, key and value; the probabilities are computed again from `lse`."""
    name = "scaled_dot_product_attention backward"
    _check(name, q, k, v, mask)
    if g.shape != y.shape or y.shape != q.shape[:-1] + v.shape[-1:] or lse.shape != q.shape[:-1]:
        raise RuntimeError(
            f"{name}: gradient {g.shape}, output {y.shape} and lse {lse.shape} do not fit "
            f"query {q.shape} and value {v.shape}"
        )
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    t, d, s, e = q.shape[-2], q.shape[-1], k.shape[-2], v.shape[-1]
    jit = _plan(q, k, v, mask, (g, y, lse))
    if jit is not None:
        gq, gk, gv = np.empty(q.shape, FLOAT32), np.zeros(k.shape, FLOAT32), np.zeros(v.shape, FLOAT32)
        added, which, masked = _mask_tables(mask, q)
        rows = _band(t, s, causal)
        runtime.parallel(
            jit.attention_backward,
            math.prod(q.shape[:-2]),
            _batched(g),
            _batched(q),
            _batched(k),
            _batched(v),
            _batched(y),
            np.ascontiguousarray(lse).reshape(-1, t),
            added,
            which,
            masked,
            causal,
            np.float32(scale),
            rows,
            gq.reshape(-1, t, d),
            gk.reshape(-1, s, d),
            gv.reshape(-1, s, e),
            grain=max(1, THRESHOLDS["parallel.fma"] // (2 * t * s * (d + e))),
        )
        return gq, gk, gv
    if q.dtype == np.float16:
        g, q, k, v, y, mask = _widened(g, q, k, v, y, mask)
        gq, gk, gv = attention_backward(g, q, k, v, y, lse, mask, causal, scale)
        return gq.astype(np.float16), gk.astype(np.float16), gv.astype(np.float16)
    with np.errstate(invalid="ignore"):
        p = np.exp(_scores(q, k, mask, causal, scale) - lse[..., None])
    gv = np.matmul(p.swapaxes(-1, -2), g)
    ds = np.matmul(g, v.swapaxes(-1, -2))
    ds -= np.add.reduce(g * y, -1, keepdims=True)
    ds *= p
    ds *= q.dtype.type(scale)
    return np.matmul(ds, k), np.matmul(ds.swapaxes(-1, -2), q), gv


def warm() -> list[tuple[str, Any]]:
    """What ``python -m autograd_core.kernels warm`` compiles."""
    q, lse = np.zeros((8, 64, 32), np.float32), np.zeros((8, 64), np.float32)
    return [
        ("attention", lambda: attention(q, q, q)),
        ("attention_backward", lambda: attention_backward(q, q, q, q, q, lse)),
        ("attention, masked", lambda: attention(q, q, q, np.zeros((64, 64), np.float32))),
    ]
