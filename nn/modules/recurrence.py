"""One recurrent layer in one direction over a packed batch: what RNN, LSTM and GRU are made of.

A packed batch is a matrix whose rows are the elements of all sequences, time step by time step; ``sizes[t]`` says how many
sequences are still running at step t (longest first).  A plain batch is one whose sizes are all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import autograd_core as ac

from .. import functional as F

__all__: list[str] = []


def tanh_step(gates: Any, h: Any, w_hh: Any, b_hh: Any) -> Any:
    """h' = tanh(gates + W h + b)."""
    return (gates + F.linear(h, w_hh, b_hh)).tanh()


def relu_step(gates: Any, h: Any, w_hh: Any, b_hh: Any) -> Any:
    """h' = relu(gates + W h + b)."""
    return (gates + F.linear(h, w_hh, b_hh)).relu()


def gru_step(gates: Any, h: Any, w_hh: Any, b_hh: Any) -> Any:
    """The gated recurrent unit (Cho et al. 2014) in PyTorch's form: h' = n + z (h - n)."""
    n_hidden = h.shape[-1]
    own = F.linear(h, w_hh, b_hh)
    rz = (gates[..., : 2 * n_hidden] + own[..., : 2 * n_hidden]).sigmoid()
    r, z = rz[..., :n_hidden], rz[..., n_hidden:]
    n = (gates[..., 2 * n_hidden :] + r * own[..., 2 * n_hidden :]).tanh()
    return n + z * (h - n)


def lstm_step(gates: Any, h: Any, c: Any, w_hh: Any, b_hh: Any, w_hr: Any = None) -> tuple[Any, Any]:
    """The long short-term memory (Hochreiter & Schmidhuber 1997): gates i f g o, c' = f c + i g, h' = o tanh(c')."""
    i, f, g, o = (gates + F.linear(h, w_hh, b_hh)).chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    return (h if w_hr is None else F.linear(h, w_hr)), c


STEPS = {"RNN_TANH": tanh_step, "RNN_RELU": relu_step, "GRU": gru_step}


def run_layer(mode: str, data: Any, sizes: Sequence[int], state: tuple[Any, ...], weights: Sequence[Any], reverse: bool) -> Any:
    """Run one layer in one direction.

    Parameters
    ----------
    mode : {"RNN_TANH", "RNN_RELU", "GRU", "LSTM"}
    data : Tensor (sum of sizes, features)
    sizes : running sequences per time step
    state : h (and c for LSTM), each (sizes[0], hidden)
    weights : w_ih, w_hh, b_ih, b_hh, w_hr (the last three may be None)
    reverse : from the last step to the first

    Returns
    -------
    tuple
        The outputs, packed as ``data``, and the final state.
    """
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    gates = F.linear(data, w_ih, b_ih).split(list(sizes), 0)  # all input projections in one product
    order = range(len(sizes) - 1, -1, -1) if reverse else range(len(sizes))
    running = tuple(s[: sizes[order[0]]] for s in state) if reverse else state
    finished: list[tuple[Any, ...]] = []
    outputs: list[Any] = [None] * len(sizes)
    for t in order:
        n, now = sizes[t], running[0].shape[0]
        if n < now:
            finished.append(tuple(s[n:] for s in running))
            running = tuple(s[:n] for s in running)
        elif n > now:  # backwards, shorter sequences join with their initial state
            running = tuple(ac.cat([s, s0[now:n]], 0) for s, s0 in zip(running, state, strict=True))  # type: ignore[attr-defined]
        if mode == "LSTM":
            running = lstm_step(gates[t], *running, w_hh, b_hh, w_hr)
        else:
            running = (STEPS[mode](gates[t], running[0], w_hh, b_hh),)
        outputs[t] = running[0]
    if finished:
        finished.append(running)
        running = tuple(ac.cat(parts, 0) for parts in zip(*reversed(finished), strict=True))  # type: ignore[attr-defined]
    return ac.cat(outputs, 0), running  # type: ignore[attr-defined]
