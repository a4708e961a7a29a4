"""Recurrent layers over whole sequences: one layer, one direction, from input projections computed beforehand.

    rnn(xp, w, h0, activation="tanh", reverse=False) -> y
    rnn_backward(gy, y, w, h0, activation, reverse) -> (gxp, gw, gh0)
    lstm(xp, w, h0, c0, reverse=False) -> (y, cells, gates)
    lstm_backward(gy, gc, y, cells, gates, w, h0, c0, reverse) -> (gxp, gw, gh0, gc0)
    gru(xp, w, b, h0, reverse=False) -> (y, gates)
    gru_backward(gy, y, gates, w, h0, reverse) -> (gxp, gw, gb, gh0)

xp: (T, B, G * H), the product ``x @ w_ih.T + b_ih`` (for RNN and LSTM plus ``b_hh``); w: ``weight_hh`` (G * H, H);
b: ``bias_hh`` of the GRU; h0, c0: (B, H). G and the order of gates are PyTorch's: 1; i f g o; r z n. y: hidden states
(T, B, H), of which the last in walking order (``y[-1]``, or ``y[0]`` with `reverse`) is h_n; likewise `cells` and c_n.
gates: what the backward pass needs, (T, B, 4 * H): i f g o, or r z n and ``w_n h + b_n``. gy: gradient of all hidden
states, that of h_n already added to its row; gc: gradient of c_n (B, H). The gradients of x, w_ih and b_ih follow
from gxp by one product each.

    lstm: c = f * c + i * g, h = o * tanh(c)        gru: n = tanh(xp_n + r * (w_n h + b_n)), h = (1 - z) * n + z * h

In the kernels (float32) each thread walks through time with its own rows of the batch: nobody waits for anybody.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import blas, runtime
from .thresholds import THRESHOLDS

FLOAT32 = np.dtype(np.float32)


def _check(
    function: str, xp: np.ndarray, w: np.ndarray, states: tuple[np.ndarray, ...], gates: int
) -> tuple[int, int, int]:
    if xp.ndim != 3 or w.ndim != 2 or w.shape[0] != gates * w.shape[1] or xp.shape[2] != w.shape[0]:
        raise RuntimeError(
            f"{function}: expected projections (T, B, {gates} * H) and weight_hh ({gates} * H, H), "
            f"got {xp.shape} and {w.shape}"
        )
    t, b, h = xp.shape[0], xp.shape[1], w.shape[1]
    for state in states:
        if state.shape != (b, h):
            raise RuntimeError(f"{function}: expected hidden size ({b}, {h}), got {state.shape}")
    if any(a.dtype != xp.dtype for a in (w, *states)):
        raise RuntimeError(
            f"{function}: projections, weight and states must have one dtype, got "
            f"{', '.join(str(a.dtype) for a in (xp, w, *states))}"
        )
    return t, b, h


def _check_gradient(function: str, gy: np.ndarray, y: np.ndarray, h0: np.ndarray) -> None:
    if gy.shape != y.shape or y.shape[1:] != h0.shape:
        raise RuntimeError(
            f"{function}: gradient {gy.shape} and states {h0.shape} do not belong to an output of {y.shape}"
        )


def _jit(t: int, b: int, w: np.ndarray) -> Any:
    return runtime.native("rnn") if 0 < t * b * w.size >= THRESHOLDS["rnn.numba"] and w.dtype == FLOAT32 else None


def _grain(t: int, w: np.ndarray) -> int:
    return max(1, THRESHOLDS["parallel.fma"] // max(1, t * w.size))


def _steps(t: int, reverse: bool) -> range:
    return range(t - 1, -1, -1) if reverse else range(t)


def _before(y: np.ndarray, h0: np.ndarray, reverse: bool) -> np.ndarray:
    """The state that each step started from."""
    return np.concatenate([y[1:], h0[None]]) if reverse else np.concatenate([h0[None], y[:-1]])


def _panels(matrix: np.ndarray, width: int) -> np.ndarray:
    """A matrix (depth, n) cut into panels of `width` columns, (n / width, depth, width), zeros beyond n."""
    depth, n = matrix.shape
    count = -(-n // width)
    padded = np.zeros((depth, count * width), matrix.dtype)
    padded[:, :n] = matrix
    return np.ascontiguousarray(padded.reshape(depth, count, width).transpose(1, 0, 2))


def _weight_gradient(gates: np.ndarray, y: np.ndarray, h0: np.ndarray, reverse: bool) -> np.ndarray:
    before = _before(y, h0, reverse)
    return blas.matmul(gates.reshape(-1, gates.shape[-1]).T, before.reshape(-1, before.shape[-1]))


def _squash(z: np.ndarray) -> None:
    """The logistic function, in place."""
    np.negative(z, out=z)
    np.exp(z, out=z)  # may be infinite: its reciprocal is the 0 wanted
    z += 1
    np.reciprocal(z, out=z)


# The twins walk through time; what does not depend on the step before is computed for all steps at once.

# ------------------------------------------------------------------------------------------------ RNN


def _relu(activation: str) -> bool:
    if activation not in ("tanh", "relu"):
        raise ValueError(f"rnn: unknown nonlinearity {activation!r}; use 'tanh' or 'relu'")
    return activation == "relu"


def rnn(xp: np.ndarray, w: np.ndarray, h0: np.ndarray, activation: str = "tanh", reverse: bool = False) -> np.ndarray:
    """``h = tanh(xp + w h)``, or relu."""
    t, b, h = _check("rnn", xp, w, (h0,), 1)
    relu = _relu(activation)
    y = np.empty((t, b, h), xp.dtype)
    jit = _jit(t, b, w)
    if jit is not None:
        runtime.parallel(
            jit.rnn,
            b,
            np.ascontiguousarray(xp),
            _panels(w.T, jit.WIDTH),
            np.ascontiguousarray(h0),
            relu,
            reverse,
            y,
            grain=_grain(t, w),
        )
        return y
    state, turned = h0, w.T
    for step in _steps(t, reverse):
        z = np.dot(state, turned, out=y[step])
        z += xp[step]
        state = np.maximum(z, 0, out=z) if relu else np.tanh(z, out=z)
    return y


def rnn_backward(
    gy: np.ndarray, y: np.ndarray, w: np.ndarray, h0: np.ndarray, activation: str = "tanh", reverse: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of projections, weight and initial state."""
    _check_gradient("rnn_backward", gy, y, h0)
    relu = _relu(activation)
    t, b, _ = _check("rnn_backward", y, w, (h0,), 1)
    gxp = np.empty_like(y, order="C")
    jit = _jit(t, b, w)
    if jit is not None:
        gh = np.zeros(h0.shape, FLOAT32)
        runtime.parallel(
            jit.rnn_backward,
            b,
            np.ascontiguousarray(gy),
            np.ascontiguousarray(y),
            _panels(w, jit.WIDTH),
            relu,
            reverse,
            gxp,
            gh,
            grain=_grain(t, w),
        )
    else:
        gh = np.zeros_like(h0)
        slopes = y <= 0 if relu else 1 - y * y
        for step in _steps(t, not reverse):
            up = np.add(gh, gy[step], out=gxp[step])
            if relu:
                up[slopes[step]] = 0
            else:
                up *= slopes[step]
            gh = np.dot(up, w)
    return gxp, _weight_gradient(gxp, y, h0, reverse), gh


# ------------------------------------------------------------------------------------------------ LSTM


def lstm(
    xp: np.ndarray, w: np.ndarray, h0: np.ndarray, c0: np.ndarray, reverse: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hidden states, cells and gates of a whole sequence (Hochreiter and Schmidhuber 1997; `torch.nn.LSTM`)."""
    t, b, h = _check("lstm", xp, w, (h0, c0), 4)
    y, cells, gates = np.empty((t, b, h), xp.dtype), np.empty((t, b, h), xp.dtype), np.empty((t, b, 4 * h), xp.dtype)
    jit = _jit(t, b, w)
    if jit is not None:
        runtime.parallel(
            jit.lstm,
            b,
            np.ascontiguousarray(xp),
            _panels(w.T, jit.WIDTH),
            np.ascontiguousarray(h0),
            np.ascontiguousarray(c0),
            reverse,
            y,
            cells,
            gates,
            grain=_grain(t, w),
        )
        return y, cells, gates
    state, cell, turned = h0, c0, w.T
    for step in _steps(t, reverse):
        z = np.dot(state, turned, out=gates[step])
        z += xp[step]
        i, f, g, o = (z[:, k * h : (k + 1) * h] for k in range(4))
        new = np.tanh(g)
        _squash(z)  # g with the others: one pass is quicker than two
        g[...] = new
        new *= i
        cell = np.multiply(f, cell, out=cells[step])
        cell += new
        state = np.tanh(cell, out=y[step])
        state *= o
    return y, cells, gates


def lstm_backward(
    gy: np.ndarray,
    gc: np.ndarray,
    y: np.ndarray,
    cells: np.ndarray,
    gates: np.ndarray,
    w: np.ndarray,
    h0: np.ndarray,
    c0: np.ndarray,
    reverse: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of projections, weight and both initial states."""
    _check_gradient("lstm_backward", gy, y, h0)
    t, b, h = _check("lstm_backward", gates, w, (h0, c0, gc), 4)
    gxp = np.empty(gates.shape, gates.dtype)
    jit = _jit(t, b, w)
    if jit is not None:
        gh, gc = np.zeros(h0.shape, FLOAT32), gc.copy()
        runtime.parallel(
            jit.lstm_backward,
            b,
            np.ascontiguousarray(gy),
            np.ascontiguousarray(cells),
            np.ascontiguousarray(gates),
            _panels(w, jit.WIDTH),
            np.ascontiguousarray(c0),
            reverse,
            gxp,
            gh,
            gc,
            grain=_grain(t, w),
        )
    else:
        slopes = gxp.reshape(t, b, 4, h)  # what a gradient of cell or output is multiplied with
        i, f, g, o = (gates[:, :, k * h : (k + 1) * h] for k in range(4))
        squashed = np.tanh(cells)
        np.multiply(g, i - i * i, out=slopes[:, :, 0])
        np.multiply(_before(cells, c0, reverse), f - f * f, out=slopes[:, :, 1])
        np.multiply(i, 1 - g * g, out=slopes[:, :, 2])
        np.multiply(squashed, o - o * o, out=slopes[:, :, 3])
        np.multiply(squashed, squashed, out=squashed)
        through = o - o * squashed  # from output to cell
        gh, gc = np.zeros_like(h0), gc.copy()
        for step in _steps(t, not reverse):
            up, out = gh + gy[step], slopes[step]
            out[:, 3] *= up
            up *= through[step]
            gc += up
            out[:, :3] *= gc[:, None]
            gc *= f[step]
            gh = np.dot(gxp[step], w)
    return gxp, _weight_gradient(gxp, y, h0, reverse), gh, gc


# ------------------------------------------------------------------------------------------------ GRU


def gru(
    xp: np.ndarray, w: np.ndarray, b: np.ndarray, h0: np.ndarray, reverse: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Hidden states and gates of a whole sequence (Cho et al. 2014; `torch.nn.GRU`)."""
    t, n, h = _check("gru", xp, w, (h0,), 3)
    if b.shape != (3 * h,) or b.dtype != xp.dtype:
        raise RuntimeError(
            f"gru: expected bias_hh of shape ({3 * h},) and dtype {xp.dtype}, got {b.shape} and {b.dtype}"
        )
    y, gates = np.empty((t, n, h), xp.dtype), np.empty((t, n, 4 * h), xp.dtype)
    jit = _jit(t, n, w)
    if jit is not None:
        runtime.parallel(
            jit.gru,
            n,
            np.ascontiguousarray(xp),
            _panels(w.T, jit.WIDTH),
            np.ascontiguousarray(b),
            np.ascontiguousarray(h0),
            reverse,
            y,
            gates,
            grain=_grain(t, w),
        )
        return y, gates
    state, turned = h0, w.T
    for step in _steps(t, reverse):
        z = np.dot(state, turned)
        z += b
        out, x = gates[step], xp[step]
        both, new = out[:, : 2 * h], out[:, 2 * h : 3 * h]
        np.add(x[:, : 2 * h], z[:, : 2 * h], out=both)
        _squash(both)
        hidden, reset, update = z[:, 2 * h :], both[:, :h], both[:, h:]
        out[:, 3 * h :] = hidden
        hidden *= reset
        hidden += x[:, 2 * h :]
        np.tanh(hidden, out=new)
        state = np.subtract(state, new, out=y[step])  # new + z (h - new)
        state *= update
        state += new
    return y, gates


def gru_backward(
    gy: np.ndarray, y: np.ndarray, gates: np.ndarray, w: np.ndarray, h0: np.ndarray, reverse: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of projections, weight, bias_hh and initial state."""
    _check_gradient("gru_backward", gy, y, h0)
    h = h0.shape[1]
    if gates.shape != (*y.shape[:2], 4 * h):
        raise RuntimeError(f"gru_backward: expected gates of shape {(*y.shape[:2], 4 * h)}, got {gates.shape}")
    t, n, h = _check("gru_backward", gates[:, :, : 3 * h], w, (h0,), 3)
    gxp, ghp = np.empty((t, n, 3 * h), y.dtype), np.empty((t, n, 3 * h), y.dtype)
    jit = _jit(t, n, w)
    if jit is not None:
        gh = np.zeros(h0.shape, FLOAT32)
        runtime.parallel(
            jit.gru_backward,
            n,
            np.ascontiguousarray(gy),
            np.ascontiguousarray(y),
            np.ascontiguousarray(gates),
            _panels(w, jit.WIDTH),
            np.ascontiguousarray(h0),
            reverse,
            gxp,
            ghp,
            gh,
            grain=_grain(t, w),
        )
    else:
        r, z, new, hidden = (gates[:, :, k * h : (k + 1) * h] for k in range(4))
        slopes, inner = gxp.reshape(t, n, 3, h), ghp.reshape(t, n, 3, h)
        np.multiply(1 - z, 1 - new * new, out=slopes[:, :, 2])
        np.multiply(slopes[:, :, 2], hidden * (r - r * r), out=slopes[:, :, 0])
        np.multiply(_before(y, h0, reverse) - new, z - z * z, out=slopes[:, :, 1])
        gh = np.zeros_like(h0)
        for step in _steps(t, not reverse):
            up = gh + gy[step]
            slopes[step] *= up[:, None]
            ghp[step] = gxp[step]
            inner[step, :, 2] *= r[step]
            up *= z[step]
            gh = np.dot(ghp[step], w)
            gh += up
    return gxp, _weight_gradient(ghp, y, h0, reverse), blas.sum_rows(ghp.reshape(-1, ghp.shape[2])), gh


def warm() -> list[tuple[str, Any]]:
    """What ``python -m autograd_core.kernels warm`` compiles."""
    h, y = np.zeros((32, 64), np.float32), np.zeros((16, 32, 64), np.float32)
    w1, w3, w4 = (np.zeros((n * 64, 64), np.float32) for n in (1, 3, 4))
    x3, x4 = (np.zeros((16, 32, n * 64), np.float32) for n in (3, 4))
    return [
        ("rnn", lambda: rnn(y, w1, h)),
        ("rnn_backward", lambda: rnn_backward(y, y, w1, h)),
        ("lstm", lambda: lstm(x4, w4, h, h)),
        ("lstm_backward", lambda: lstm_backward(y, h, y, y, x4, w4, h, h)),
        ("gru", lambda: gru(x3, w3, w3[:, 0].copy(), h)),
        ("gru_backward", lambda: gru_backward(y, y, x4, w3, h)),
    ]
