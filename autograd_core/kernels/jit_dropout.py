# mypy: ignore-errors
"""Numba: dropout. Each piece computes its own part of the random stream from the counter."""

from __future__ import annotations

import numpy as np

from .dropout import GOLDEN, MIX1, MIX2
from .jit import kernel
from .jit_math import ZERO, select

BLOCK = 1024  # elements of one unit of work; even, for a word serves two elements
_GOLDEN, _MIX1, _MIX2 = np.uint64(GOLDEN), np.uint64(MIX1), np.uint64(MIX2)
_S27, _S30, _S31, _S32, _LOW, _ONE = (np.uint64(v) for v in (27, 30, 31, 32, 0xFFFFFFFF, 1))


@kernel
def dropout(begin, end, x, seed, limit, scale, y, mask):
    """``y = x * scale`` where a random number of 32 bits is at least `limit`, else 0; `mask` tells which."""
    words = np.empty((BLOCK // 2, 2), np.uint32)
    flat = words.reshape(-1)
    for block in range(begin, end):
        left = block * BLOCK
        source, out, kept = x[left : left + BLOCK], y[left : left + BLOCK], mask[left : left + BLOCK]
        first = np.uint64(left // 2) + _ONE
        for i in range(BLOCK // 2):
            z = seed + (first + np.uint64(i)) * _GOLDEN
            z = (z ^ (z >> _S30)) * _MIX1
            z = (z ^ (z >> _S27)) * _MIX2
            z = z ^ (z >> _S31)
            words[i, 0] = np.uint32(z & _LOW)
            words[i, 1] = np.uint32(z >> _S32)
        for i in range(len(source)):
            keep = flat[i] >= limit
            kept[i] = keep
            out[i] = select(keep, source[i] * scale, source[i] * ZERO)  # a dropped NaN stays NaN, as in PyTorch


@kernel
def scale_kept(begin, end, g, mask, scale, gx):
    """``gx = g * scale`` where `mask`, else 0."""
    g, mask, gx = g[begin:end], mask[begin:end], gx[begin:end]
    for i in range(len(gx)):
        gx[i] = g[i] * select(mask[i], scale, ZERO)
