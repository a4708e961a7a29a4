# mypy: ignore-errors
"""Numba: recurrent layers. A piece is some rows of the batch, walked through the whole sequence."""

from __future__ import annotations

import numpy as np

from .jit import kernel
from .jit_gemm import ROWS, WIDTH, multiply
from .jit_math import maximum, select, sigmoid, tanh
from .jit_simd import address

ZERO, ONE = np.float32(0), np.float32(1)


@kernel
def rnn(begin, end, xp, panels, h0, relu, reverse, y):
    """Rows `begin` to `end` of the batch through all steps: ``h = tanh(xp + w h)``, or relu."""
    steps, _, h = y.shape
    rows = end - begin
    spots, offsets = np.empty(ROWS, np.int64), np.empty(h, np.int64)
    zeros, tile = np.zeros(WIDTH, np.float32), np.empty((ROWS, WIDTH), np.float32)
    state = address(h0[begin])
    for step in range(steps):
        t = steps - 1 - step if reverse else step
        multiply(state, 4 * h, 4, rows, h, panels, h, y[t, begin:end], False, spots, offsets, zeros, tile)
        for r in range(begin, end):
            x, out = xp[t, r], y[t, r]
            if relu:
                for j in range(h):
                    out[j] = maximum(out[j] + x[j], ZERO)
            else:
                for j in range(h):
                    out[j] = tanh(out[j] + x[j])
        state = address(y[t, begin])


@kernel
def rnn_backward(begin, end, gy, y, panels, relu, reverse, gxp, gh):
    """Gradients of the projections and of the initial state, back through all steps."""
    steps, _, h = y.shape
    rows = end - begin
    spots, offsets = np.empty(ROWS, np.int64), np.empty(h, np.int64)
    zeros, tile = np.zeros(WIDTH, np.float32), np.empty((ROWS, WIDTH), np.float32)
    for step in range(steps):
        t = step if reverse else steps - 1 - step
        for r in range(begin, end):
            up, carried, out, target = gy[t, r], gh[r], y[t, r], gxp[t, r]
            for j in range(h):
                g = up[j] + carried[j]
                target[j] = select(out[j] <= ZERO, ZERO, g) if relu else g * (ONE - out[j] * out[j])
        multiply(
            address(gxp[t, begin]), 4 * h, 4, rows, h, panels, h, gh[begin:end], False, spots, offsets, zeros, tile
        )


@kernel
def lstm(begin, end, xp, panels, h0, c0, reverse, y, cells, gates):
    """Rows `begin` to `end` of the batch through all steps; keeps cells and gates (i, f, g, o)."""
    steps, _, h = y.shape
    rows = end - begin
    spots, offsets = np.empty(ROWS, np.int64), np.empty(h, np.int64)
    zeros, tile = np.zeros(WIDTH, np.float32), np.empty((ROWS, WIDTH), np.float32)
    state = address(h0[begin])
    previous = c0
    for step in range(steps):
        t = steps - 1 - step if reverse else step
        multiply(state, 4 * h, 4, rows, h, panels, 4 * h, gates[t, begin:end], False, spots, offsets, zeros, tile)
        for r in range(begin, end):
            x, z = xp[t, r], gates[t, r]
            for j in range(2 * h):
                z[j] = sigmoid(z[j] + x[j])
            middle, source = z[2 * h : 3 * h], x[2 * h : 3 * h]
            for j in range(h):
                middle[j] = tanh(middle[j] + source[j])
            last, source = z[3 * h :], x[3 * h :]
            for j in range(h):
                last[j] = sigmoid(last[j] + source[j])
            forget, before, cell, out = z[h : 2 * h], previous[r], cells[t, r], y[t, r]
            for j in range(h):
                c = forget[j] * before[j] + z[j] * middle[j]
                cell[j] = c
                out[j] = last[j] * tanh(c)
        state = address(y[t, begin])
        previous = cells[t]


@kernel
def lstm_backward(begin, end, gy, cells, gates, panels, c0, reverse, gxp, gh, gc):
    """gh, gc: in, gradients of h_n (zero, for it is in gy) and c_n; out, those of h0 and c0."""
    steps, _, h = cells.shape
    rows = end - begin
    spots, offsets = np.empty(ROWS, np.int64), np.empty(4 * h, np.int64)
    zeros, tile = np.zeros(WIDTH, np.float32), np.empty((ROWS, WIDTH), np.float32)
    for step in range(steps):
        t = step if reverse else steps - 1 - step
        before = t + 1 if reverse else t - 1
        previous = c0 if step == steps - 1 else cells[before]
        for r in range(begin, end):
            z, out = gates[t, r], gxp[t, r]
            i, f, g, o = z[:h], z[h : 2 * h], z[2 * h : 3 * h], z[3 * h :]
            gi, gf, gg, go = out[:h], out[h : 2 * h], out[2 * h : 3 * h], out[3 * h :]
            up, carried, cell, old, memory = gy[t, r], gh[r], cells[t, r], previous[r], gc[r]
            for j in range(h):
                u, squashed = up[j] + carried[j], tanh(cell[j])
                c = memory[j] + u * o[j] * (ONE - squashed * squashed)
                gi[j] = c * g[j] * i[j] * (ONE - i[j])
                gf[j] = c * old[j] * f[j] * (ONE - f[j])
                gg[j] = c * i[j] * (ONE - g[j] * g[j])
                go[j] = u * squashed * o[j] * (ONE - o[j])
                memory[j] = c * f[j]
        multiply(
            address(gxp[t, begin]), 16 * h, 4, rows, 4 * h, panels, h, gh[begin:end], False, spots, offsets, zeros, tile
        )


@kernel
def gru(begin, end, xp, panels, bias, h0, reverse, y, gates):
    """Rows `begin` to `end` of the batch through all steps; keeps gates (r, z, n) and ``w_n h + b_n``."""
    steps, _, h = y.shape
    rows = end - begin
    spots, offsets = np.empty(ROWS, np.int64), np.empty(h, np.int64)
    zeros, tile = np.zeros(WIDTH, np.float32), np.empty((ROWS, WIDTH), np.float32)
    product = np.empty((rows, 3 * h), np.float32)
    state = address(h0[begin])
    previous = h0
    for step in range(steps):
        t = steps - 1 - step if reverse else step
        multiply(state, 4 * h, 4, rows, h, panels, 3 * h, product, False, spots, offsets, zeros, tile)
        for r in range(begin, end):
            x, z, p = xp[t, r], gates[t, r], product[r - begin]
            for j in range(2 * h):
                z[j] = sigmoid(x[j] + p[j] + bias[j])
            new, hidden, source = z[2 * h : 3 * h], z[3 * h :], x[2 * h :]
            part, shift = p[2 * h :], bias[2 * h :]
            update, before, out = z[h : 2 * h], previous[r], y[t, r]
            for j in range(h):
                hidden[j] = part[j] + shift[j]
                n = tanh(source[j] + z[j] * hidden[j])
                new[j] = n
                out[j] = (ONE - update[j]) * n + update[j] * before[j]
        state = address(y[t, begin])
        previous = y[t]


@kernel
def gru_backward(begin, end, gy, y, gates, panels, h0, reverse, gxp, ghp, gh):
    """Gradients of both projections and of the initial state, back through all steps."""
    steps, _, h = y.shape
    rows = end - begin
    spots, offsets = np.empty(ROWS, np.int64), np.empty(3 * h, np.int64)
    zeros, tile = np.zeros(WIDTH, np.float32), np.empty((ROWS, WIDTH), np.float32)
    direct = np.empty((rows, h), np.float32)
    for step in range(steps):
        t = step if reverse else steps - 1 - step
        before = t + 1 if reverse else t - 1
        previous = h0 if step == steps - 1 else y[before]
        for k in range(begin, end):
            saved, out, other = gates[t, k], gxp[t, k], ghp[t, k]
            r, z, new, hidden = saved[:h], saved[h : 2 * h], saved[2 * h : 3 * h], saved[3 * h :]
            gr, gz, gn = out[:h], out[h : 2 * h], out[2 * h :]
            hr, hz, hn = other[:h], other[h : 2 * h], other[2 * h :]
            up, carried, old, passed = gy[t, k], gh[k], previous[k], direct[k - begin]
            for j in range(h):
                u = up[j] + carried[j]
                slope = u * (ONE - z[j]) * (ONE - new[j] * new[j])
                reset = slope * hidden[j] * r[j] * (ONE - r[j])
                update = u * (old[j] - new[j]) * z[j] * (ONE - z[j])
                gr[j] = reset
                gz[j] = update
                gn[j] = slope
                hr[j] = reset
                hz[j] = update
                hn[j] = slope * r[j]
                passed[j] = u * z[j]
        multiply(
            address(ghp[t, begin]), 12 * h, 4, rows, 3 * h, panels, h, gh[begin:end], False, spots, offsets, zeros, tile
        )
        for k in range(begin, end):
            carried, passed = gh[k], direct[k - begin]
            for j in range(h):
                carried[j] += passed[j]
