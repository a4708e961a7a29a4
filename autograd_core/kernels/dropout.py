"""Dropout with a counter-based random stream: the same mask whatever the number of threads, with or without Numba.

    dropout(x, p, rng) -> (y, mask)         y = x * mask / (1 - p); mask is bool, False with probability p
    dropout_backward(g, mask, p) -> gx
    keep_mask(shape, p, rng) -> mask

`rng` is a `numpy.random.Generator`; one 64-bit word is drawn from it for each call, and from that word element i gets
32 bits of SplitMix64 (Steele, Lea and Flood 2014) at counter i // 2. A probability is met to within 2**-32.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import runtime
from .thresholds import THRESHOLDS

FLOAT32 = np.dtype(np.float32)
GOLDEN, MIX1, MIX2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def _threshold(function: str, p: float) -> int:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{function}: dropout probability has to be between 0 and 1, but got {p}")
    return min(round(p * 2**32), 2**32 - 1)


def _seed(rng: np.random.Generator) -> int:
    return int(rng.bit_generator.random_raw())


def _words(n: int, seed: int) -> np.ndarray:
    """32 random bits for each of n elements."""
    with np.errstate(over="ignore"):
        z = np.arange(1, (n + 1) // 2 + 1, dtype=np.uint64)
        z *= np.uint64(GOLDEN)
        z += np.uint64(seed)
        z ^= z >> np.uint64(30)
        z *= np.uint64(MIX1)
        z ^= z >> np.uint64(27)
        z *= np.uint64(MIX2)
        z ^= z >> np.uint64(31)
    out = np.empty((len(z), 2), np.uint32)
    out[:, 0], out[:, 1] = z & np.uint64(0xFFFFFFFF), z >> np.uint64(32)
    return out.reshape(-1)[:n]


def keep_mask(shape: tuple[int, ...], p: float, rng: np.random.Generator) -> np.ndarray:
    """True with probability ``1 - p``."""
    limit, n = _threshold("dropout", p), math.prod(shape)
    if p == 1.0:
        return np.zeros(shape, np.bool_)
    return (_words(n, _seed(rng)) >= np.uint32(limit)).reshape(shape)


def dropout(x: np.ndarray, p: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Zero each element with probability `p`, scale the others by ``1 / (1 - p)``."""
    limit = _threshold("dropout", p)
    if p == 1.0:
        return np.zeros(x.shape, x.dtype), np.zeros(x.shape, np.bool_)
    jit = runtime.native("dropout") if x.size >= THRESHOLDS["dropout.numba"] and x.dtype == FLOAT32 else None
    if jit is None:
        mask = keep_mask(x.shape, p, rng)
        return _scaled(x, mask, p), mask
    y, mask = np.empty(x.shape, FLOAT32), np.empty(x.shape, np.bool_)
    runtime.parallel(
        jit.dropout,
        -(-x.size // jit.BLOCK),
        np.ascontiguousarray(x).reshape(-1),
        np.uint64(_seed(rng)),
        np.uint32(limit),
        np.float32(1 / (1 - p)),
        y.reshape(-1),
        mask.reshape(-1),
        grain=-(-THRESHOLDS["parallel.exp"] // jit.BLOCK),
    )
    return y, mask


def dropout_backward(g: np.ndarray, mask: np.ndarray, p: float) -> np.ndarray:
    """``g * mask / (1 - p)``."""
    _threshold("dropout_backward", p)
    if g.shape != mask.shape:
        raise RuntimeError(f"dropout_backward: the gradient has shape {g.shape} but the mask has {mask.shape}")
    jit = (
        runtime.native("dropout")
        if g.size >= THRESHOLDS["elementwise.numba"] and g.dtype == FLOAT32 and p < 1
        else None
    )
    if jit is None:
        return _scaled(g, mask, p)
    gx = np.empty(g.shape, FLOAT32)
    runtime.parallel(
        jit.scale_kept,
        g.size,
        np.ascontiguousarray(g).reshape(-1),
        np.ascontiguousarray(mask).reshape(-1),
        np.float32(1 / (1 - p)),
        gx.reshape(-1),
        grain=THRESHOLDS["parallel.elements"],
    )
    return gx


def _scaled(x: np.ndarray, mask: np.ndarray, p: float) -> np.ndarray:
    return np.asarray(np.multiply(x, mask * x.dtype.type(1 / (1 - p) if p < 1 else 0), order="C"))


def warm() -> list[tuple[str, Any]]:
    """What ``python -m autograd_core.kernels warm`` compiles."""
    x, rng = np.zeros(100_000, np.float32), np.random.default_rng(0)
    return [("dropout", lambda: dropout(x, 0.5, rng)), ("dropout_backward", lambda: dropout_backward(x, x > 0, 0.5))]
