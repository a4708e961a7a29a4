# mypy: ignore-errors
"""Numba: attention over bands of query rows, its matrix products by the register tile of `jit_simd`."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from .jit import FASTMATH, kernel
from .jit_gemm import ROWS, WIDTH, multiply, pack_columns, pack_rows
from .jit_math import exp, maximum
from .jit_simd import address

ZERO, ONE, LOWEST = np.float32(0), np.float32(1), np.float32(-np.inf)
_inlined = njit(fastmath=set(FASTMATH), error_model="numpy")


@_inlined
def _mask_row(row, n, i, added, masked, scale):
    """Scale the scores of query i over n keys, and mask them."""
    for j in range(n):
        row[j] *= scale
    if masked:
        line = added[i if len(added) > 1 else 0]
        if len(line) > 1:
            for j in range(n):
                row[j] += line[j]
        else:
            for j in range(n):
                row[j] += line[0]


@kernel
def attention(begin, end, q, k, v, added, which, masked, causal, scale, rows, y, lse):
    """A piece is a band of `rows` queries of one batch entry."""
    t, d = q.shape[1:]
    s, e = v.shape[1:]
    bands = -(-t // rows)
    keys, values = np.empty((-(-s // WIDTH), d, WIDTH), np.float32), np.empty((-(-e // WIDTH), s, WIDTH), np.float32)
    scores = np.empty((rows, s), np.float32)
    spots, offsets = np.empty(ROWS, np.int64), np.empty(max(s, d), np.int64)
    zeros, tile = np.zeros(WIDTH, np.float32), np.empty((ROWS, WIDTH), np.float32)
    packed = -1
    for piece in range(begin, end):
        entry, first = piece // bands, piece % bands * rows
        count = min(rows, t - first)
        n = min(s, first + count) if causal else s  # keys that this band can see
        if packed != entry:
            pack_rows(k[entry], keys)
            pack_columns(v[entry], values)
            packed = entry
        multiply(address(q[entry, first]), 4 * d, 4, count, d, keys, n, scores, False, spots, offsets, zeros, tile)
        for i in range(count):
            seen = min(n, first + i + 1) if causal else n
            row, rest = scores[i, :seen], scores[i, seen:n]
            rest[:] = ZERO
            _mask_row(row, seen, first + i, added[which[entry] if masked else 0], masked, scale)
            top = LOWEST
            for j in range(seen):
                top = maximum(top, row[j])
            if top == LOWEST:
                row[:] = ZERO
                lse[entry, first + i] = np.inf
                continue
            total = ZERO
            for j in range(seen):
                p = exp(row[j] - top)
                row[j] = p
                total += p
            share = ONE / total
            for j in range(seen):
                row[j] *= share
            lse[entry, first + i] = np.float32(math.log(total)) + top
        multiply(
            address(scores),
            4 * s,
            4,
            count,
            n,
            values,
            e,
            y[entry, first : first + count],
            False,
            spots,
            offsets,
            zeros,
            tile,
        )


@kernel
def attention_backward(begin, end, g, q, k, v, y, lse, added, which, masked, causal, scale, rows, gq, gk, gv):
    """A piece is a batch entry; gk and gv start as zeros."""
    t, d = q.shape[1:]
    s, e = v.shape[1:]
    down, across = -(-d // WIDTH), -(-e // WIDTH)
    keys, values = np.empty((-(-s // WIDTH), d, WIDTH), np.float32), np.empty((-(-s // WIDTH), e, WIDTH), np.float32)
    columns = np.empty((down, s, WIDTH), np.float32)
    queries, ups = np.empty((down, rows, WIDTH), np.float32), np.empty((across, rows, WIDTH), np.float32)
    p, ds = np.empty((rows, s), np.float32), np.empty((rows, s), np.float32)
    spots, offsets = np.empty(ROWS, np.int64), np.empty(max(s, d, e, rows), np.int64)
    zeros, tile = np.zeros(WIDTH, np.float32), np.empty((ROWS, WIDTH), np.float32)
    for entry in range(begin, end):
        pack_rows(k[entry], keys)
        pack_rows(v[entry], values)
        pack_columns(k[entry], columns)
        for first in range(0, t, rows):
            count = min(rows, t - first)
            last = first + count
            n = min(s, last) if causal else s
            multiply(address(q[entry, first]), 4 * d, 4, count, d, keys, n, p, False, spots, offsets, zeros, tile)
            multiply(address(g[entry, first]), 4 * e, 4, count, e, values, n, ds, False, spots, offsets, zeros, tile)
            for i in range(count):
                seen = min(n, first + i + 1) if causal else n
                row, slope, up, out = p[i, :seen], ds[i, :seen], g[entry, first + i], y[entry, first + i]
                p[i, seen:n] = ZERO
                ds[i, seen:n] = ZERO
                _mask_row(row, seen, first + i, added[which[entry] if masked else 0], masked, scale)
                shift = lse[entry, first + i]
                delta = ZERO
                for j in range(e):
                    delta += up[j] * out[j]
                for j in range(seen):
                    probability = exp(row[j] - shift)
                    row[j] = probability
                    slope[j] = probability * (slope[j] - delta) * scale
            pack_columns(q[entry, first:last], queries)
            pack_columns(g[entry, first:last], ups)
            multiply(
                address(ds), 4 * s, 4, count, n, columns, d, gq[entry, first:last], False, spots, offsets, zeros, tile
            )
            multiply(address(ds), 4, 4 * s, n, count, queries, d, gk[entry], True, spots, offsets, zeros, tile)
            multiply(address(p), 4, 4 * s, n, count, ups, e, gv[entry], True, spots, offsets, zeros, tile)
