"""Recurrent layers (``RNN``, ``LSTM``, ``GRU``) and their single steps (the cells)."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

import autograd_core as ac
from autograd_core import Tensor, errors
from autograd_core.ops.rnn import gru_layer, lstm_layer, rnn_layer

from .. import functional as F
from .. import init
from ..module import Module
from ..parameter import Parameter
from .recurrence import STEPS, lstm_step
from .sizes import positive

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class RNNBase(Module):
    """What RNN, LSTM and GRU share: parameters, checks, layers and directions."""

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if mode not in _GATES:
            raise ValueError(f"{name}: mode must be one of {list(_GATES)}, got {mode!r}.")
        self.mode = mode
        self.input_size = positive(name, "input_size", input_size)
        self.hidden_size = positive(name, "hidden_size", hidden_size)
        self.num_layers = positive(name, "num_layers", num_layers)
        for what, value in (("bias", bias), ("batch_first", batch_first)):
            if not isinstance(value, bool):
                raise TypeError(f"{name}: {what} must be True or False, got {type(value).__name__}.")
        self.bias, self.batch_first, self.bidirectional = bias, batch_first, bidirectional
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout <= 1:
            raise ValueError(f"{name}: dropout must be a number in [0, 1], got {dropout!r}.")
        self.dropout = float(dropout)
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                f"{name}: dropout comes between layers, so dropout={dropout} does nothing with num_layers=1.",
                stacklevel=3,
            )
        self.proj_size = positive(name, "proj_size", proj_size, zero=True)
        if proj_size >= hidden_size:
            raise ValueError(f"{name}: proj_size={proj_size} must be smaller than hidden_size={hidden_size}.")
        self._all_weights: list[list[str]] = []
        rows, out = _GATES[mode] * hidden_size, proj_size or hidden_size
        for layer in range(num_layers):
            width = input_size if layer == 0 else out * self._directions
            for suffix in ("", "_reverse")[: self._directions]:
                shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, width), "weight_hh": (rows, out)}
                if bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                names = [f"{kind}_l{layer}{suffix}" for kind in shapes]
                for full, shape in zip(names, shapes.values(), strict=True):
                    setattr(self, full, Parameter(ac.empty(shape, device=device, dtype=dtype)))
                self._all_weights.append(names)
        self.reset_parameters()

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def all_weights(self) -> list[list[Any]]:
        """The parameters, a list for each layer and direction."""
        return [[getattr(self, n) for n in names] for names in self._all_weights]

    @property
    def _flat_weights(self) -> list[Any]:
        return [w for group in self.all_weights for w in group]

    def flatten_parameters(self) -> None:
        """Nothing to do on a CPU."""

    def reset_parameters(self) -> None:
        """Draw new initial values: uniform in (-k, k) with k = 1 / sqrt(hidden_size)."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for w in self.parameters():
            init.uniform_(w, -bound, bound)

    def _weights(self, layer: int, direction: int) -> tuple[Any, ...]:
        """w_ih, w_hh, b_ih, b_hh, w_hr of one layer and direction."""
        end = f"_l{layer}" + ("_reverse" if direction else "")
        return (
            getattr(self, "weight_ih" + end),
            getattr(self, "weight_hh" + end),
            getattr(self, "bias_ih" + end) if self.bias else None,
            getattr(self, "bias_hh" + end) if self.bias else None,
            getattr(self, "weight_hr" + end) if self.proj_size else None,
        )

    def _check_input(self, x: Any, ndims: tuple[int, ...]) -> None:
        name, shape = type(self).__name__, tuple(x.shape)
        if x.ndim not in ndims:
            text = " or ".join(f"{n}-d" for n in ndims)
            raise errors.ShapeError(f"{name}: expected {text} input, got shape {shape}.")
        if shape[-1] != self.input_size:
            raise errors.ShapeError(
                f"{name}: expected input with last dimension input_size={self.input_size}, got shape {shape}."
            )
        kind = getattr(self, self._all_weights[0][0]).dtype
        if x.dtype != kind:
            raise ValueError(
                f"{name}: the input is {x.dtype} but the weights are {kind}; convert the input with x.to({kind})."
            )

    def _check_state(self, what: str, state: Any, batch: int, width: int, batched: bool) -> Any:
        wanted: tuple[int, ...] = (self.num_layers * self._directions, batch, width)
        if not batched:
            wanted = (wanted[0], width)
        if not isinstance(state, Tensor) or tuple(state.shape) != wanted:
            got = tuple(state.shape) if isinstance(state, Tensor) else type(state).__name__
            raise errors.ShapeError(f"{type(self).__name__}: expected {what} of shape {wanted}, got {got}.")
        return state if batched else state.unsqueeze(1)  # type: ignore[attr-defined]

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Run over a batch (T, B, input_size), (B, T, input_size) with ``batch_first``, one sequence, or a
        PackedSequence.

        Returns
        -------
        tuple
            The last layer's output at every step, and the final state (h, or (h, c) for LSTM) of every layer and
            direction.
        """
        from ..utils.rnn import PackedSequence

        if isinstance(input, PackedSequence):
            self._check_input(input.data, (2,))
            sizes = input.batch_sizes.array
            x, lengths, places = _unpack(input.data, sizes)
            states = self._states(hx, int(sizes[0]), input.data, True)
            if input.sorted_indices is not None and hx is not None:
                states = tuple(s.index_select(1, input.sorted_indices) for s in states)
            out, final = self._run(x, states, lengths)
            if input.unsorted_indices is not None:
                final = tuple(s.index_select(1, input.unsorted_indices) for s in final)
            packed = out.reshape(-1, out.shape[-1]).index_select(0, places)
            return PackedSequence(packed, *input[1:]), self._as_given(final)
        self._check_input(input, (2, 3))
        batched = input.ndim == 3
        x = input if batched else input.unsqueeze(1)
        if batched and self.batch_first:
            x = x.transpose(0, 1)
        steps, batch, _ = x.shape
        if steps == 0:
            raise errors.ShapeError(
                f"{type(self).__name__}: expected at least one time step, got input shape {tuple(input.shape)}."
            )
        out, final = self._run(x, self._states(hx, batch, x, batched))
        if not batched:
            return out.squeeze(1), self._as_given(tuple(s.squeeze(1) for s in final))
        return (out.transpose(0, 1) if self.batch_first else out), self._as_given(final)

    def _states(self, hx: Any, batch: int, x: Any, batched: bool) -> tuple[Any, ...]:
        """h (and c), each (layers * directions, batch, size); zeros unless given."""
        widths = {"h": self.proj_size or self.hidden_size} | ({"c": self.hidden_size} if self.mode == "LSTM" else {})
        if hx is None:
            layers = self.num_layers * self._directions
            return tuple(ac.zeros(layers, batch, w, dtype=x.dtype) for w in widths.values())
        given = hx if self.mode == "LSTM" else (hx,)
        if not isinstance(given, (tuple, list)) or len(given) != len(widths):
            raise RuntimeError(
                f"{type(self).__name__}: expected the state as ({', '.join(widths)}), got {type(hx).__name__}."
            )
        return tuple(
            self._check_state(f"{what}_0", s, batch, w, batched)
            for s, (what, w) in zip(given, widths.items(), strict=True)
        )

    def _as_given(self, final: tuple[Any, ...]) -> Any:
        return final if self.mode == "LSTM" else final[0]

    def _run(self, x: Any, states: tuple[Any, ...], lengths: Any = None) -> tuple[Any, tuple[Any, ...]]:
        """All layers over (T, B, features); the outputs and the final states (layers * directions, B, size)."""
        finals: list[tuple[Any, ...]] = []
        for layer in range(self.num_layers):
            outputs = []
            for direction in range(self._directions):
                own = [s[layer * self._directions + direction] for s in states]
                out, *final = self._layer(x, own, self._weights(layer, direction), direction == 1, lengths)
                outputs.append(out)
                finals.append(tuple(final))
            x = outputs[0] if len(outputs) == 1 else ac.cat(outputs, -1)  # type: ignore[attr-defined]
            if self.dropout > 0 and layer < self.num_layers - 1:
                x = F.dropout(x, self.dropout, self.training)
        return x, tuple(ac.stack(parts, 0) for parts in zip(*finals, strict=True))  # type: ignore[attr-defined]

    def _layer(self, x: Any, state: list[Any], weights: tuple[Any, ...], reverse: bool, lengths: Any) -> Any:
        rest: tuple[Any, ...] = (reverse, lengths)
        if self.mode == "LSTM":
            return lstm_layer(x, *state, *weights, *rest)
        if self.mode == "GRU":
            return gru_layer(x, *state, *weights[:4], *rest)
        rest = ("relu" if self.mode == "RNN_RELU" else "tanh", *rest)
        return rnn_layer(x, *state, *weights[:4], *rest)

    def extra_repr(self) -> str:
        s = f"{self.input_size}, {self.hidden_size}"
        if self.proj_size:
            s += f", proj_size={self.proj_size}"
        if self.num_layers != 1:
            s += f", num_layers={self.num_layers}"
        if not self.bias:
            s += f", bias={self.bias}"
        if self.batch_first:
            s += f", batch_first={self.batch_first}"
        if self.dropout:
            s += f", dropout={self.dropout}"
        if self.bidirectional:
            s += f", bidirectional={self.bidirectional}"
        return s


def _unpack(data: Any, sizes: Any) -> tuple[Any, Any, Any]:
    """A packed batch as (T, B, features) padded with its first row, the lengths, and where each packed row is."""
    present = np.arange(sizes[0])[None, :] < sizes[:, None]
    rows = np.zeros(present.shape, np.int64)
    rows[present] = np.arange(len(data))
    x = data.index_select(0, ac.from_numpy(rows.reshape(-1))).reshape(*present.shape, data.shape[-1])
    return x, ac.from_numpy(present.sum(0)), ac.from_numpy(np.flatnonzero(present))


_LAYER_DOC = """{title}

    {formula}

    Parameters
    ----------
    input_size, hidden_size : int
        Features of the input and of the hidden state.
    num_layers : int
        Layers on top of each other.
{extra}    bias : bool
        Whether there are the biases b_ih and b_hh.
    batch_first : bool
        Whether batches are (B, T, features) instead of (T, B, features); states are always (layers, B, features).
    dropout : float
        Dropout between the layers, in training.
    bidirectional : bool
        Whether a second network runs from the end to the start; outputs are put side by side.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, ... (and ``_reverse``)
        {gates}, uniform in (-k, k) with k = 1 / sqrt(hidden_size).

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> out, {state} = nn.{name}(10, 20, num_layers=2)(torch.zeros(5, 3, 10))
    >>> out.shape, h.shape
    (Size([5, 3, 20]), Size([2, 3, 20]))

    Notes
    -----
    Source: PyTorch, page "{name}".
    """


class RNN(RNNBase):
    __doc__ = _LAYER_DOC.format(
        name="RNN", state="h", title="Elman's recurrent network, with tanh or relu.",
        formula="h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)",
        extra='    nonlinearity : {"tanh", "relu"}\n', gates="One block of hidden_size rows",
    )  # fmt: skip

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        proj_size: int = 0,
    ) -> None:
        _no_projection("RNN", proj_size)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}.")
        super().__init__(
            f"RNN_{nonlinearity.upper()}",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            0,
            device,
            dtype,
        )
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    __doc__ = _LAYER_DOC.format(
        name="LSTM", state="(h, c)", title="Long short-term memory (Hochreiter & Schmidhuber 1997).",
        formula="i, f, o = sigmoid(...); g = tanh(...); c_t = f c_{t-1} + i g; h_t = o tanh(c_t), (...) = W_ih "
            "x_t + b_ih + W_hh h_{t-1} + b_hh",
        extra="", gates="Blocks of hidden_size rows for i, f, g, o",
    )  # fmt: skip

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "LSTM",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
        )


class GRU(RNNBase):
    __doc__ = _LAYER_DOC.format(
        name="GRU", state="h", title="Gated recurrent unit (Cho et al. 2014).",
        formula="r, z = sigmoid(...); n = tanh(W_in x_t + b_in + r (W_hn h_{t-1} + b_hn)); h_t = (1 - z) n + z h_{t-1}",
        extra="", gates="Blocks of hidden_size rows for r, z, n",
    )  # fmt: skip

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        proj_size: int = 0,
    ) -> None:
        _no_projection("GRU", proj_size)
        super().__init__(
            "GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )


def _no_projection(name: str, proj_size: int) -> None:
    if proj_size:
        raise ValueError(f"{name}: proj_size is only supported for LSTM.")


# ---------------------------------------------------------------------------------------------------- cells


class RNNCellBase(Module):
    """What the cells share: two weights, two biases, one step."""

    bias_ih: Tensor | None
    bias_hh: Tensor | None

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        name = type(self).__name__
        self.input_size = positive(name, "input_size", input_size, zero=True)
        self.hidden_size = positive(name, "hidden_size", hidden_size, zero=True)
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(ac.empty(rows, input_size, device=device, dtype=dtype))
        self.weight_hh = Parameter(ac.empty(rows, hidden_size, device=device, dtype=dtype))
        self.register_parameter("bias_ih", Parameter(ac.empty(rows, device=device, dtype=dtype)) if bias else None)
        self.register_parameter("bias_hh", Parameter(ac.empty(rows, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values: uniform in (-k, k) with k = 1 / sqrt(hidden_size)."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for w in self.parameters():
            init.uniform_(w, -bound, bound)

    def _step(self, function: Any, input: Any, states: tuple[Any, ...]) -> Any:
        """Check sizes, fill in zeros for a missing state, and take one step."""
        name, shape = type(self).__name__, tuple(input.shape)
        if input.ndim not in (1, 2):
            raise errors.ShapeError(f"{name}: expected input of 1 or 2 dimensions, got shape {shape}.")
        if shape[-1] != self.input_size:
            raise errors.ShapeError(
                f"{name}: expected input with last dimension input_size={self.input_size}, got shape {shape}."
            )
        wanted = (*shape[:-1], self.hidden_size)
        full = []
        for s in states:
            if s is not None and tuple(s.shape) != wanted:
                raise errors.ShapeError(
                    f"{name}: expected a hidden state of shape {wanted} for input {shape}, got {tuple(s.shape)}."
                )
            full.append(ac.zeros(wanted, dtype=input.dtype) if s is None else s)
        return function(F.linear(input, self.weight_ih, self.bias_ih), *full, self.weight_hh, self.bias_hh)

    def extra_repr(self) -> str:
        s = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            s += f", bias={self.bias}"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            s += f", nonlinearity={self.nonlinearity}"
        return s


class RNNCell(RNNCellBase):
    """One step of :class:`RNN`: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu.

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> nn.RNNCell(10, 20)(torch.zeros(3, 10)).shape
    Size([3, 20])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNNCell: nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}.")
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Any:
        return self._step(STEPS[f"RNN_{self.nonlinearity.upper()}"], input, (hx,))


class LSTMCell(RNNCellBase):
    """One step of :class:`LSTM`: takes x and (h, c), returns (h', c').

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> h, c = nn.LSTMCell(10, 20)(torch.zeros(3, 10))
    >>> h.shape
    Size([3, 20])
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: Any = None) -> Any:
        if hx is not None and (not isinstance(hx, (tuple, list)) or len(hx) != 2):
            raise errors.ShapeError(f"LSTMCell: expected the state as (h, c), got {type(hx).__name__}.")
        return self._step(lstm_step, input, (None, None) if hx is None else tuple(hx))


class GRUCell(RNNCellBase):
    """One step of :class:`GRU`.

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> nn.GRUCell(10, 20)(torch.zeros(3, 10)).shape
    Size([3, 20])
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Any:
        return self._step(STEPS["GRU"], input, (hx,))
