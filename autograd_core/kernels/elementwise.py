"""Elementwise functions that NumPy computes one element at a time, as vectorised passes.

    expm1(x)    log1p(x)    erf(x)    sign(x)    rsqrt(x)    atan2(y, x)

Large float32 arrays of one shape go through the compiled passes (within 2 units in the last place, IEEE's answers for
NaN, infinities and signed zeros); everything else is NumPy's or SciPy's. A result is C-contiguous.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import activation, runtime
from .thresholds import THRESHOLDS

FLOAT32 = np.dtype(np.float32)
LARGE = THRESHOLDS["elementwise.scalar"]


def _pass(name: str, x: np.ndarray, *rest: np.ndarray) -> np.ndarray | None:
    """One compiled pass, or None when NumPy is to do it."""
    if x.dtype is not FLOAT32 or x.size < THRESHOLDS["elementwise.scalar"]:
        return None
    for a in rest:
        if a.dtype is not FLOAT32 or a.shape != x.shape:
            return None
    jit = runtime.native("elementwise")
    if jit is None:
        return None
    y = np.empty(x.shape, FLOAT32)
    flat = [np.ascontiguousarray(a).reshape(-1) for a in (x, *rest)]
    runtime.parallel(getattr(jit, name), x.size, *flat, y.reshape(-1), grain=THRESHOLDS["parallel.exp"])
    return y


def expm1(x: np.ndarray) -> Any:
    """``exp(x) - 1``, accurate near 0."""
    y = _pass("expm1", x)
    return np.expm1(x) if y is None else y


def log1p(x: np.ndarray) -> Any:
    """``log(1 + x)``, accurate near 0."""
    y = _pass("log1p", x)
    return np.log1p(x) if y is None else y


def erf(x: np.ndarray) -> Any:
    """The error function."""
    y = _pass("erf", x)
    return activation.erf(x).astype(x.dtype, copy=False) if y is None else y


def rsqrt(x: np.ndarray) -> Any:
    """``1 / sqrt(x)``."""
    y = _pass("rsqrt", x)
    return 1 / np.sqrt(x) if y is None else y


def sign(x: np.ndarray) -> Any:
    """-1, 0 or 1; 0 for NaN."""
    y = _pass("sign", x)
    # NumPy's own sign costs more than two comparisons and their difference, and keeps NaN.
    return np.subtract(x > 0, x < 0, dtype=x.dtype) if y is None else y


def atan2(y: np.ndarray, x: np.ndarray) -> Any:
    """The angle of the points (x, y)."""
    angle = _pass("atan2", y, x)
    return np.arctan2(y, x) if angle is None else angle


def warm() -> list[tuple[str, Any]]:
    """What ``python -m autograd_core.kernels warm`` compiles."""
    x = np.full(20_000, 0.5, np.float32)
    return [(f.__name__, lambda f=f: f(x)) for f in (expm1, log1p, erf, rsqrt, sign)] + [("atan2", lambda: atan2(x, x))]
