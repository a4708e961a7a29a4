# mypy: ignore-errors
"""Numba: cross-entropy over rows of logits, forward and backward, with weights, smoothing and ignored rows."""

from __future__ import annotations

import math

import numpy as np

from .jit import kernel
from .jit_math import exp, maximum

ZERO, ONE, LOWEST = np.float32(0), np.float32(1), np.float32(-np.inf)


@kernel
def cross_entropy(begin, end, x, target, weight, ignore_index, smoothing, losses, lse, outside):
    """`weight` of length 0 stands for ones; a target that is no class is reported in `outside`, not followed."""
    n = x.shape[1]
    keep, spread = np.float32(1 - smoothing), np.float32(smoothing / n)
    for r in range(begin, end):
        row = x[r]
        top = LOWEST
        for i in range(n):
            top = maximum(top, row[i])
        total = ZERO
        for i in range(n):
            total += exp(row[i] - top)
        log_total = np.float32(math.log(total)) + top
        lse[r] = log_total
        t = target[r]
        if t == ignore_index:
            losses[r] = ZERO
            continue
        if t < 0 or t >= n:
            outside[0] = True
            continue
        loss = log_total - row[t]
        if weight.size:
            loss *= weight[t]
        if smoothing > 0:
            uniform = ZERO
            if weight.size:
                for i in range(n):
                    uniform += (log_total - row[i]) * weight[i]
            else:
                for i in range(n):
                    uniform += log_total - row[i]
            loss = keep * loss + spread * uniform
        losses[r] = loss


@kernel
def cross_entropy_backward(begin, end, x, target, weight, ignore_index, smoothing, lse, scale, gx, outside):
    """`scale` holds one number, or one for each row."""
    n = x.shape[1]
    keep, spread = np.float32(1 - smoothing), np.float32(smoothing / n)
    total_weight = np.float32(n)
    if weight.size:
        total_weight = ZERO
        for i in range(n):
            total_weight += weight[i]
    for r in range(begin, end):
        row, out, t = x[r], gx[r], target[r]
        if t == ignore_index:
            out[:] = ZERO
            continue
        if t < 0 or t >= n:
            outside[0] = True
            continue
        factor = scale[r] if scale.size > 1 else scale[0]
        own = keep * (weight[t] if weight.size else ONE)
        slope = factor * (own + spread * total_weight)
        shift = lse[r]
        for i in range(n):
            out[i] = slope * exp(row[i] - shift)
        out[t] -= factor * own
        if smoothing > 0:
            if weight.size:
                for i in range(n):
                    out[i] -= factor * spread * weight[i]
            else:
                for i in range(n):
                    out[i] -= factor * spread
