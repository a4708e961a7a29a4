"""Connectionist temporal classification (Graves et al. 2006): losses and their gradient in the log-probabilities.

    ctc(logp, targets, input_lengths, target_lengths, blank=0) -> (loss, alphas)
    ctc_backward(g, logp, targets, input_lengths, target_lengths, loss, alphas, blank=0) -> gradient of logp

logp: (T, N, C); targets: (N, S) classes, padded behind ``target_lengths[n]`` with any class; loss: (N,), infinite where
a target does not fit into its input (the gradient is then 0). alphas: (T, N, 2 S + 1), the log-probability of all
beginnings that are at label s after step t, labels being the target with blanks between and around its classes; what
lies behind a sample's own lengths is not set.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import runtime
from .thresholds import THRESHOLDS

COMPILED = (np.dtype(np.float32), np.dtype(np.float64))


def labelled(targets: np.ndarray, blank: int) -> tuple[np.ndarray, np.ndarray]:
    """Targets with blanks between and around them, and where a step may jump over a blank."""
    n, s = targets.shape
    out = np.full((n, 2 * s + 1), blank, np.int64)
    out[:, 1::2] = targets
    jump = np.zeros(out.shape, bool)
    jump[:, 2:] = (out[:, 2:] != blank) & (out[:, 2:] != out[:, :-2])
    return out, jump


def _shifted(a: np.ndarray, by: int) -> np.ndarray:
    """Columns moved ``by`` places to the right (left when negative), -inf coming in."""
    out = np.full_like(a, -np.inf)
    if by > 0:
        out[:, by:] = a[:, :-by]
    else:
        out[:, :by] = a[:, -by:]
    return out


def _check(
    logp: np.ndarray, targets: np.ndarray, input_lengths: np.ndarray, target_lengths: np.ndarray, blank: int
) -> None:
    if logp.ndim != 3 or targets.ndim != 2 or targets.shape[0] != logp.shape[1]:
        raise RuntimeError(
            f"ctc_loss: expected logp (T, N, C) and targets (N, S), got {logp.shape} and {targets.shape}"
        )
    steps, n, classes = logp.shape
    for name, lengths, most in (("input", input_lengths, steps), ("target", target_lengths, targets.shape[1])):
        if lengths.shape != (n,) or (n and not 0 <= lengths.min() <= lengths.max() <= most):
            raise RuntimeError(f"ctc_loss: {name}_lengths must be {n} numbers from 0 to {most}, got {lengths.tolist()}")
    if not 0 <= blank < classes or (targets.size and not 0 <= targets.min() <= targets.max() < classes):
        raise RuntimeError(f"ctc_loss: blank and targets must be classes, 0 to {classes - 1}")


def _jit(logp: np.ndarray, width: int) -> Any:
    cells = logp.shape[0] * logp.shape[1] * width
    return runtime.native("ctc") if cells >= THRESHOLDS["ctc.numba"] and logp.dtype in COMPILED else None


def _arguments(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(np.ascontiguousarray(a, np.int64 if a.dtype.kind in "iu" else None) for a in arrays)


def ctc(
    logp: np.ndarray, targets: np.ndarray, input_lengths: np.ndarray, target_lengths: np.ndarray, blank: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Loss of each sample, and the log-probabilities of all beginnings. See the module's docstring."""
    _check(logp, targets, input_lengths, target_lengths, blank)
    if logp.dtype == np.float16:
        loss, alphas = ctc(logp.astype(np.float32), targets, input_lengths, target_lengths, blank)
        return loss.astype(np.float16), alphas
    steps, n, _ = logp.shape
    labels, jump = labelled(targets, blank)
    jit = _jit(logp, labels.shape[1])
    if jit is not None:
        alphas, final = np.empty((steps, *labels.shape), logp.dtype), np.empty(n)
        solid, labels, jump, inputs, goals = _arguments(logp, labels, jump, input_lengths, target_lengths)
        runtime.parallel(jit.ctc_forward, n, solid, labels, jump, inputs, goals, alphas, final)
        return (-final).astype(logp.dtype), alphas
    emitted = logp[:, np.arange(n)[:, None], labels]
    alphas = np.empty(emitted.shape, logp.dtype)
    alpha = np.full(labels.shape, -np.inf, logp.dtype)  # a path starts with the blank or with the first label
    alpha[:, 0] = 0
    alpha[:, 1:2] = np.where(target_lengths > 0, 0, -np.inf)[:, None]
    for t in range(steps):
        move = alpha
        if t:
            move = np.logaddexp(alpha, _shifted(alpha, 1))
            move = np.logaddexp(move, np.where(jump, _shifted(alpha, 2), -np.inf))
        alpha = np.where((t < input_lengths)[:, None], move + emitted[t], alpha)
        alphas[t] = alpha
    rows = np.arange(n)
    last = alpha[rows, 2 * target_lengths]
    before = np.where(target_lengths > 0, alpha[rows, np.maximum(2 * target_lengths - 1, 0)], -np.inf)
    final = np.logaddexp(last, before)
    final = np.where(input_lengths > 0, final, np.where(target_lengths > 0, -np.inf, 0.0))
    return (-final).astype(logp.dtype), alphas


def ctc_backward(
    g: np.ndarray, logp: np.ndarray, targets: np.ndarray, input_lengths: np.ndarray, target_lengths: np.ndarray,
    loss: np.ndarray, alphas: np.ndarray, blank: int = 0,
) -> np.ndarray:  # fmt: skip
    """Minus the probability, given the target, of being in each class at each step, times ``g`` of its sample."""
    _check(logp, targets, input_lengths, target_lengths, blank)
    if logp.dtype == np.float16:
        wide = (g.astype(np.float32), logp.astype(np.float32))
        out = ctc_backward(*wide, targets, input_lengths, target_lengths, loss.astype(np.float32), alphas, blank)
        return out.astype(np.float16)
    steps, n, _ = logp.shape
    labels, jump = labelled(targets, blank)
    if alphas.shape != (steps, *labels.shape) or g.shape != (n,) or loss.shape != (n,):
        raise RuntimeError(
            f"ctc_loss backward: gradient {g.shape}, loss {loss.shape} and alphas {alphas.shape} do not belong to "
            f"logp {logp.shape} and targets {targets.shape}"
        )
    out = np.zeros(logp.shape, logp.dtype)
    jit = _jit(logp, labels.shape[1])
    if jit is not None:
        solid, labels, jump, inputs, goals = _arguments(logp, labels, jump, input_lengths, target_lengths)
        scale, final = np.ascontiguousarray(g, np.float64), -loss.astype(np.float64)
        runtime.parallel(jit.ctc_backward, n, solid, labels, jump, inputs, goals, alphas, final, scale, out)
        return out
    rows = np.arange(n)[:, None]
    emitted = logp[:, rows, labels]
    own = np.arange(labels.shape[1]) <= 2 * target_lengths[:, None]
    ends = np.where(own & (np.arange(labels.shape[1]) >= 2 * target_lengths[:, None] - 1), 0.0, -np.inf)
    ahead = np.zeros_like(jump)
    ahead[:, :-2] = jump[:, 2:]
    beta = np.full(labels.shape, -np.inf)
    possible = np.isfinite(loss)[:, None]
    for t in reversed(range(steps)):
        move = beta
        if t + 1 < steps:
            come = np.where(own, beta + emitted[t + 1], -np.inf)
            move = np.logaddexp(come, _shifted(come, -1))
            move = np.logaddexp(move, np.where(ahead, _shifted(come, -2), -np.inf))
        beta = np.where(np.equal(input_lengths, t + 1)[:, None], ends, move)
        counted = (t < input_lengths)[:, None] & possible & own
        weight = np.exp(np.where(counted, alphas[t] + beta, -np.inf) + np.where(possible[:, 0], loss, 0)[:, None])
        np.add.at(out[t], (np.broadcast_to(rows, labels.shape), labels), -weight)
    out *= g[None, :, None]
    return out


def warm() -> list[tuple[str, Any]]:
    """What ``python -m autograd_core.kernels warm`` compiles."""
    x, t = np.zeros((40, 8, 10), np.float32), np.ones((8, 10), np.int64)
    inputs, goals, one = np.full(8, 40), np.full(8, 10), np.ones(8, np.float32)
    return [
        ("ctc", lambda: ctc(x, t, inputs, goals)),
        ("ctc_backward", lambda: ctc_backward(one, x, t, inputs, goals, *ctc(x, t, inputs, goals))),
    ]
