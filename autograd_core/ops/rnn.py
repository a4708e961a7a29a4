"""One layer and direction of RNN, LSTM and GRU as one op over the whole sequence.

    rnn_layer(x, h0, w_ih, w_hh, b_ih, b_hh, nonlinearity="tanh", reverse=False, lengths=None)       -> out, hn
    lstm_layer(x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr=None, reverse=False, lengths=None)           -> out, hn, cn
    gru_layer(x, h0, w_ih, w_hh, b_ih, b_hh, reverse=False, lengths=None)                           -> out, hn

``x`` is (time, batch, features), the states are (batch, hidden).  With ``lengths`` (batch,), row n takes part in the
first ``lengths[n]`` steps only: its state then stands still and its output is 0; backwards it starts at its own end.
That is what packed sequences need.  The product with the input is done for all steps at once; what is kept for the
backward pass is what PyTorch keeps: outputs for RNN, gates and cells for LSTM, gates for GRU.  Sequences of one length
run on the kernels of ``kernels/rnn.py``; lengths and projections are walked here, one NumPy step at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernels import blas
from ..kernels import rnn as kernels
from ..op import defop, sym
from ..tensor import Tensor, wrap
from .checks import floating, integers, one_type

__all__: list[str] = []


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _steps(count: int, reverse: bool) -> range:
    return range(count - 1, -1, -1) if reverse else range(count)


def _inputs(x: Any, w_ih: Any, b_ih: Any, b_hh: Any = None) -> Any:
    """The part of all gates that comes from the input, for all steps: (time, batch, gates)."""
    bias = b_ih if b_hh is None else b_hh if b_ih is None else b_ih + b_hh
    return blas.linear(x.reshape(-1, x.shape[2]), w_ih, bias).reshape(*x.shape[:2], -1)


def _active(lengths: Any, t: int) -> Any:
    """Which rows take part in step t, as a column; None for all."""
    return None if lengths is None else (t < lengths)[:, None]


def _keep(active: Any, new: Any, old: Any) -> Any:
    return new if active is None else np.where(active, new, old)


def _blank(active: Any, value: Any) -> Any:
    return value if active is None else np.where(active, value, value.dtype.type(0))


def _before(states: Any, start: Any, lengths: Any, t: int, reverse: bool) -> Any:
    """The state that step t started from."""
    previous = t + 1 if reverse else t - 1
    if not 0 <= previous < len(states):
        return start
    return _keep(_active(lengths, previous), states[previous], start) if reverse else states[previous]


def _input_weights(da: Any, x: Any, w_ih: Any, needs_x: bool) -> tuple[Any, Any, Any]:
    """Gradients of x, w_ih and the bias from those of all pre-activations."""
    flat = da.reshape(-1, da.shape[2])
    gx = blas.matmul(flat, w_ih).reshape(x.shape) if needs_x else None
    return gx, blas.matmul(flat.T, x.reshape(-1, x.shape[2])), blas.sum_rows(flat)


def _state_weight(da: Any, previous: Any) -> Any:
    """The gradient of w_hh."""
    return blas.matmul(da.reshape(-1, da.shape[2]).T, previous.reshape(-1, previous.shape[2]))


def _last(states: Any, reverse: bool) -> Any:
    """A copy of the state in which the walk ended."""
    return states[0 if reverse else -1].copy()


def _with_last(g_out: Any, g_last: Any, reverse: bool) -> Any:
    """The gradient of all states, that of the last one added."""
    out = g_out.copy()
    out[0 if reverse else -1] += g_last
    return out


def _all_before(states: Any, start: Any, lengths: Any, reverse: bool) -> Any:
    """What each step started from, (time, batch, hidden)."""
    out = np.empty((len(states), *start.shape), start.dtype)
    for t in range(len(states)):
        out[t] = _before(states, start, lengths, t, reverse)
    return out


# ------------------------------------------------------------------------------------------------- RNN (Elman, 1990)


def _rnn(x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, lengths: Any, relu: bool, reverse: bool) -> Any:
    gates = _inputs(x, w_ih, b_ih, b_hh)
    if lengths is None:
        out = kernels.rnn(gates, w_hh, h0, "relu" if relu else "tanh", reverse)
        return out, _last(out, reverse)
    out, h = np.empty_like(gates), h0
    for t in _steps(len(x), reverse):
        a = gates[t] + h @ w_hh.T
        new = np.maximum(a, 0) if relu else np.tanh(a)
        active = _active(lengths, t)
        h = _keep(active, new, h)
        out[t] = _blank(active, new)
    return out, np.array(h)


def _rnn_rule(
    g: Any,
    x: Any,
    h0: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any,
    lengths: Any,
    out: Any,
    relu: bool,
    reverse: bool,
    needs: Any,
) -> Any:
    g_out, carry = g[0], g[1]
    if lengths is None:
        da, gw_hh, carry = kernels.rnn_backward(
            _with_last(g_out, carry, reverse), out, w_hh, h0, "relu" if relu else "tanh", reverse
        )
        gx, gw_ih, gb = _input_weights(da, x, w_ih, needs[0])
        return gx, carry, gw_ih, gw_hh, gb, gb.copy() if needs[5] else None, None
    da = np.empty_like(out)
    for t in reversed(_steps(len(x), reverse)):
        active = _active(lengths, t)
        total = g_out[t] + carry
        step = total * (out[t] > 0) if relu else total * (1 - out[t] * out[t])
        da[t] = step = _blank(active, step)
        carry = _keep(active, step @ w_hh, carry)
    gx, gw_ih, gb = _input_weights(da, x, w_ih, needs[0])
    gw_hh = _state_weight(da, _all_before(out, h0, lengths, reverse))
    return gx, carry, gw_ih, gw_hh, gb, gb.copy() if needs[5] else None, None


def _sym_inputs(x: Any, w_ih: Any, b_ih: Any) -> Any:
    return sym.linear(x, w_ih, b_ih)


def _sym_keep(active: Any, new: Any, old: Any) -> Any:
    if active is None:
        return new
    return sym.where(wrap(np.broadcast_to(active, new.array.shape)), new, old)


def _unroll(x: Any, lengths: Any, reverse: bool, start: tuple[Any, ...], step: Any) -> Any:
    """Run ``step(t, state) -> state`` over the sequence; the state's first part is the output."""
    state, outs = start, [None] * x.array.shape[0]
    for t in _steps(x.array.shape[0], reverse):
        active = None if lengths is None else _active(lengths.array, t)
        new = step(t, state)
        outs[t] = _sym_keep(active, new[0], 0.0)
        state = tuple(_sym_keep(active, n, o) for n, o in zip(new, state, strict=True))
    return sym.stack(outs, 0), state


def _rnn_reference(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, lengths: Any, relu: bool, reverse: bool
) -> Any:
    gates = _sym_inputs(x, w_ih, b_ih)

    def step(t: int, state: Any) -> Any:
        a = sym.getitem(gates, (t, Ellipsis)) + sym.linear(state[0], w_hh, b_hh)
        return (sym.relu(a) if relu else sym.tanh(a),)

    out, (hn,) = _unroll(x, lengths, reverse, (h0,), step)
    return out, hn


defop(
    _rnn,
    "x h0 w_ih w_hh b_ih b_hh lengths",
    "relu reverse",
    name="rnn_layer",
    outputs="out hn",
    formula="h[t] = tanh(w_ih x[t] + b_ih + w_hh h[t-1] + b_hh), or max(..., 0)",
    reference=_rnn_reference,
    joint=_rnn_rule,
)

# ------------------------------------------------------------------------------------------------- LSTM


def _lstm(
    x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, w_hr: Any, lengths: Any, reverse: bool
) -> Any:
    gates = _inputs(x, w_ih, b_ih, b_hh)
    if lengths is None and w_hr is None:
        out, cells, gates = kernels.lstm(gates, w_hh, h0, c0, reverse)
        return out, _last(out, reverse), _last(cells, reverse), gates, cells
    hidden = c0.shape[1]
    out, cells = np.empty((*x.shape[:2], h0.shape[1]), x.dtype), np.empty((*x.shape[:2], hidden), x.dtype)
    h, c = h0, c0
    for t in _steps(len(x), reverse):
        a = gates[t]
        a += h @ w_hh.T
        a[:, : 2 * hidden] = _sigmoid(a[:, : 2 * hidden])
        np.tanh(a[:, 2 * hidden : 3 * hidden], out=a[:, 2 * hidden : 3 * hidden])
        a[:, 3 * hidden :] = _sigmoid(a[:, 3 * hidden :])
        i, f, u, o = np.split(a, 4, 1)
        new_c = f * c + i * u
        new_h = o * np.tanh(new_c)
        if w_hr is not None:
            new_h = new_h @ w_hr.T
        active = _active(lengths, t)
        h, c = _keep(active, new_h, h), _keep(active, new_c, c)
        out[t], cells[t] = _blank(active, new_h), _blank(active, new_c)
    return out, np.array(h), np.array(c), gates, cells


def _lstm_rule(
    g: Any, x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, w_hr: Any, lengths: Any, out: Any, gates: Any,
    cells: Any,
    reverse: bool, needs: Any,
) -> Any:  # fmt: skip
    g_out, dh, dc = g[0], g[1], g[2]
    if lengths is None and w_hr is None:
        da, gw_hh, dh, dc = kernels.lstm_backward(
            _with_last(g_out, dh, reverse), dc, out, cells, gates, w_hh, h0, c0, reverse
        )
        gx, gw_ih, gb = _input_weights(da, x, w_ih, needs[0])
        return gx, dh, dc, gw_ih, gw_hh, gb, gb.copy() if needs[6] else None, None, None
    da = np.empty_like(gates)
    gw_hr = None if w_hr is None else np.zeros_like(w_hr)
    for t in reversed(_steps(len(x), reverse)):
        active = _active(lengths, t)
        i, f, u, o = np.split(gates[t], 4, 1)
        tc = np.tanh(cells[t])
        total = _blank(active, g_out[t] + dh)
        if w_hr is not None:
            gw_hr += total.T @ (o * tc)
            total = total @ w_hr
        d = total * o * (1 - tc * tc) + dc
        step = da[t]
        hidden = d.shape[1]
        step[:, :hidden] = d * u * i * (1 - i)
        step[:, hidden : 2 * hidden] = d * _before(cells, c0, lengths, t, reverse) * f * (1 - f)
        step[:, 2 * hidden : 3 * hidden] = d * i * (1 - u * u)
        step[:, 3 * hidden :] = total * tc * o * (1 - o)
        if active is not None:
            step *= active
        dc = _keep(active, d * f, dc)
        dh = _keep(active, step @ w_hh, dh)
    gx, gw_ih, gb = _input_weights(da, x, w_ih, needs[0])
    gw_hh = _state_weight(da, _all_before(out, h0, lengths, reverse))
    return gx, dh, dc, gw_ih, gw_hh, gb, gb.copy() if needs[6] else None, gw_hr, None


def _lstm_reference(
    x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, w_hr: Any, lengths: Any, reverse: bool
) -> Any:
    gates = _sym_inputs(x, w_ih, b_ih)
    hidden = c0.array.shape[1]

    def step(t: int, state: Any) -> Any:
        a = sym.getitem(gates, (t, Ellipsis)) + sym.linear(state[0], w_hh, b_hh)
        i, f, u, o = (sym.getitem(a, (slice(None), slice(k * hidden, (k + 1) * hidden))) for k in range(4))
        c = sym.sigmoid(f) * state[1] + sym.sigmoid(i) * sym.tanh(u)
        h = sym.sigmoid(o) * sym.tanh(c)
        return (h if w_hr is None else sym.linear(h, w_hr, None)), c

    out, (hn, cn) = _unroll(x, lengths, reverse, (h0, c0), step)
    return out, hn, cn


# Hochreiter and Schmidhuber, 1997, with forget gates (Gers et al., 2000); w_hr projects the output (Sak et al., 2014).
defop(
    _lstm,
    "x h0 c0 w_ih w_hh b_ih b_hh w_hr lengths",
    "reverse",
    name="lstm_layer",
    outputs="out hn cn gates cells",
    differentiable="out hn cn",
    formula="i, f, g, o from w_ih x[t] + b_ih + w_hh h[t-1] + b_hh; c[t] = f c[t-1] + i g; h[t] = o tanh(c[t])",
    reference=_lstm_reference,
    joint=_lstm_rule,
)

# ------------------------------------------------------------------------------------------------- GRU


def _gru(x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, lengths: Any, reverse: bool) -> Any:
    inputs = _inputs(x, w_ih, b_ih)
    hidden = h0.shape[1]
    b = np.zeros(3 * hidden, x.dtype) if b_hh is None else b_hh
    if lengths is None:
        out, gates = kernels.gru(inputs, w_hh, b, h0, reverse)
        return out, _last(out, reverse), gates
    out, gates, h = np.empty((*x.shape[:2], hidden), x.dtype), np.empty((*x.shape[:2], 4 * hidden), x.dtype), h0
    for t in _steps(len(x), reverse):
        from_h, a = h @ w_hh.T + b, gates[t]
        a[:, : 2 * hidden] = _sigmoid(inputs[t][:, : 2 * hidden] + from_h[:, : 2 * hidden])
        a[:, 3 * hidden :] = from_h[:, 2 * hidden :]
        a[:, 2 * hidden : 3 * hidden] = np.tanh(inputs[t][:, 2 * hidden :] + a[:, :hidden] * a[:, 3 * hidden :])
        z, n = a[:, hidden : 2 * hidden], a[:, 2 * hidden : 3 * hidden]
        new = n + z * (h - n)
        active = _active(lengths, t)
        h = _keep(active, new, h)
        out[t] = _blank(active, new)
    return out, np.array(h), gates


def _gru_rule(
    g: Any, x: Any, h0: Any, w_ih: Any, w_hh: Any, lengths: Any, out: Any, gates: Any, reverse: bool, needs: Any
) -> Any:
    g_out, dh = g[0], g[1]
    if lengths is None:
        da, gw_hh, gb_hh, dh = kernels.gru_backward(_with_last(g_out, dh, reverse), out, gates, w_hh, h0, reverse)
        gx, gw_ih, gb_ih = _input_weights(da, x, w_ih, needs[0])
        return gx, dh, gw_ih, gw_hh, gb_ih, gb_hh, None
    hidden = h0.shape[1]
    da = np.empty((*out.shape[:2], 3 * hidden), out.dtype)
    from_h = np.empty_like(da)
    for t in reversed(_steps(len(x), reverse)):
        active = _active(lengths, t)
        r, z, n, inner = np.split(gates[t], 4, 1)
        d = g_out[t] + dh
        step = da[t]
        dn = d * (1 - z) * (1 - n * n)
        step[:, :hidden] = dn * inner * r * (1 - r)
        step[:, hidden : 2 * hidden] = d * (_before(out, h0, lengths, t, reverse) - n) * z * (1 - z)
        step[:, 2 * hidden :] = dn
        step *= active
        from_h[t] = step
        from_h[t, :, 2 * hidden :] *= r
        dh = _keep(active, d * z + from_h[t] @ w_hh, dh)
    gx, gw_ih, gb_ih = _input_weights(da, x, w_ih, needs[0])
    gw_hh = _state_weight(from_h, _all_before(out, h0, lengths, reverse))
    return gx, dh, gw_ih, gw_hh, gb_ih, from_h.sum((0, 1)), None


def _gru_reference(x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, lengths: Any, reverse: bool) -> Any:
    gates = _sym_inputs(x, w_ih, b_ih)
    hidden = h0.array.shape[1]

    def step(t: int, state: Any) -> Any:
        a, b = sym.getitem(gates, (t, Ellipsis)), sym.linear(state[0], w_hh, b_hh)
        parts = [(slice(None), slice(k * hidden, (k + 1) * hidden)) for k in range(3)]
        r = sym.sigmoid(sym.getitem(a, parts[0]) + sym.getitem(b, parts[0]))
        z = sym.sigmoid(sym.getitem(a, parts[1]) + sym.getitem(b, parts[1]))
        n = sym.tanh(sym.getitem(a, parts[2]) + r * sym.getitem(b, parts[2]))
        return (n + z * (state[0] - n),)

    out, (hn,) = _unroll(x, lengths, reverse, (h0,), step)
    return out, hn


# Cho et al., 2014, with the reset gate behind the product, as cuDNN and PyTorch have it.
defop(
    _gru,
    "x h0 w_ih w_hh b_ih b_hh lengths",
    "reverse",
    name="gru_layer",
    outputs="out hn gates",
    differentiable="out hn",
    formula="r, z, n from w_ih x[t] + b_ih and w_hh h[t-1] + b_hh; h[t] = (1 - z) n + z h[t-1]",
    reference=_gru_reference,
    joint=_gru_rule,
)

# ------------------------------------------------------------------------------------------------- the functions


def _checked(
    name: str,
    gates: int,
    x: Any,
    h0: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any,
    b_hh: Any,
    lengths: Any,
    c0: Any = None,
    w_hr: Any = None,
) -> Any:
    """Raise unless all sizes agree; returns ``lengths`` as a Tensor of ints (or None)."""
    floating(name, x)
    one_type(name, input=x, h0=h0, w_ih=w_ih, w_hh=w_hh, b_ih=b_ih, b_hh=b_hh, c0=c0, w_hr=w_hr)
    s = x.array.shape
    if len(s) != 3:
        raise RuntimeError(f"{name}: expected input of 3 dimensions (time, batch, features), got shape {s}.")
    if s[0] == 0:
        raise RuntimeError(f"{name}: expected a sequence length of at least 1, got input of shape {s}.")
    rows = w_ih.array.shape[0]
    hidden = rows // gates
    out = hidden if w_hr is None else w_hr.array.shape[0]
    expected = {
        "w_ih": (w_ih, (gates * hidden, s[2])),
        "w_hh": (w_hh, (gates * hidden, out)),
        "b_ih": (b_ih, (gates * hidden,)),
        "b_hh": (b_hh, (gates * hidden,)),
        "h0": (h0, (s[1], out)),
        "c0": (c0, (s[1], hidden)),
        "w_hr": (w_hr, (out, hidden)),
    }  # fmt: skip
    for what, (v, shape) in expected.items():
        if v is not None and v.array.shape != shape:
            raise RuntimeError(
                f"{name}: expected {what} of shape {shape} for input {s} and hidden size {hidden}, got {v.array.shape}."
            )
    if lengths is None:
        return None
    n = integers(name, lengths if isinstance(lengths, Tensor) else wrap(np.asarray(lengths)), "lengths")
    if n.array.shape != (s[1],) or (n.array.size and (n.array.min() < 0 or n.array.max() > s[0])):
        raise RuntimeError(f"{name}: lengths must be {s[1]} numbers from 0 to {s[0]}, got {n.array.tolist()}.")
    return n


def rnn_layer(
    x: Tensor, h0: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None,
    nonlinearity: str = "tanh", reverse: bool = False, lengths: Any = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """One direction of one layer of ``torch.nn.RNN``; see the module's text.

    Returns
    -------
    out : Tensor, (time, batch, hidden)
    hn : Tensor, (batch, hidden)
    """
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f"rnn_layer: nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}.")
    n = _checked("rnn_layer", 1, x, h0, w_ih, w_hh, b_ih, b_hh, lengths)
    return sym.rnn_layer(x, h0, w_ih, w_hh, b_ih, b_hh, n, nonlinearity == "relu", bool(reverse))


def lstm_layer(
    x: Tensor, h0: Tensor, c0: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
    w_hr: Tensor | None = None, reverse: bool = False, lengths: Any = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """One direction of one layer of ``torch.nn.LSTM``; see the module's text.

    Returns
    -------
    out : Tensor, (time, batch, hidden or projection)
    hn : Tensor, (batch, hidden or projection)
    cn : Tensor, (batch, hidden)
    """
    n = _checked("lstm_layer", 4, x, h0, w_ih, w_hh, b_ih, b_hh, lengths, c0, w_hr)
    return sym.lstm_layer(x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr, n, bool(reverse))[:3]


def gru_layer(
    x: Tensor, h0: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None,
    reverse: bool = False,
    lengths: Any = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """One direction of one layer of ``torch.nn.GRU``; see the module's text.

    Returns
    -------
    out : Tensor, (time, batch, hidden)
    hn : Tensor, (batch, hidden)
    """
    n = _checked("gru_layer", 3, x, h0, w_ih, w_hh, b_ih, b_hh, lengths)
    return sym.gru_layer(x, h0, w_ih, w_hh, b_ih, b_hh, n, bool(reverse))[:2]
