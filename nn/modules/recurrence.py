"""One step of RNN, GRU and LSTM, given the input's part of the gates: what the cells are made of."""

from __future__ import annotations

from typing import Any

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
    own: Any = F.linear(h, w_hh, b_hh)
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
