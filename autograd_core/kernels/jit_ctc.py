# mypy: ignore-errors
"""Numba: the CTC recursions, one sample of the batch after the other; each thread has samples of its own."""

from __future__ import annotations

import math

import numpy as np

from .jit import inner, kernel

INF = math.inf


@inner
def log_sum(a, b, c):
    """log(e^a + e^b + e^c), -inf being log 0."""
    top = max(a, b, c)
    if top == -INF:
        return top
    return top + math.log(math.exp(a - top) + math.exp(b - top) + math.exp(c - top))


@kernel
def ctc_forward(begin, end, logp, labels, jump, input_lengths, target_lengths, alphas, final):
    """alphas[t, n, s]: log-probability of all beginnings that are at label s after step t; final: of the target."""
    for n in range(begin, end):
        steps, width = input_lengths[n], 2 * target_lengths[n] + 1
        for t in range(steps):
            now = alphas[t, n]
            for s in range(width):
                if t == 0:
                    move = 0.0 if s < 2 else -INF
                else:
                    before = alphas[t - 1, n]
                    move = log_sum(
                        float(before[s]),
                        float(before[s - 1]) if s > 0 else -INF,
                        float(before[s - 2]) if jump[n, s] else -INF,
                    )
                now[s] = move + logp[t, n, labels[n, s]]
        if steps == 0:
            final[n] = 0.0 if width == 1 else -INF
        else:
            last = alphas[steps - 1, n]
            final[n] = log_sum(float(last[width - 1]), float(last[width - 2]) if width > 1 else -INF, -INF)


@kernel
def ctc_backward(begin, end, logp, labels, jump, input_lengths, target_lengths, alphas, final, scale, out):
    """out[t, n, c]: minus the probability, given the target, of being in class c at step t, times scale[n]."""
    beta = np.empty(labels.shape[1])
    ahead = np.empty(labels.shape[1])
    for n in range(begin, end):
        steps, width = input_lengths[n], 2 * target_lengths[n] + 1
        if final[n] == -INF:
            continue
        for t in range(steps - 1, -1, -1):
            for s in range(width):
                if t == steps - 1:
                    beta[s] = 0.0 if s >= width - 2 else -INF
                else:
                    beta[s] = log_sum(
                        ahead[s],
                        ahead[s + 1] if s + 1 < width else -INF,
                        ahead[s + 2] if s + 2 < width and jump[n, s + 2] else -INF,
                    )
            for s in range(width):
                c = labels[n, s]
                out[t, n, c] -= scale[n] * math.exp(float(alphas[t, n, s]) + beta[s] - final[n])
                ahead[s] = beta[s] + logp[t, n, c]
