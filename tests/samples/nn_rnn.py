"""Samples of attention and of the recurrent layers (compared with PyTorch's modules, the weights given)."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.op_samples import S, resolve, t

F = "nn.functional."
SDPA = F + "scaled_dot_product_attention"


def mask(*shape: int, first: bool = True) -> t:
    def make(rng: np.random.Generator) -> np.ndarray:
        m = rng.random(shape) < 0.6
        if first:
            m[..., 0] = True  # no query is blind
        return m

    return t(*shape, dtype="bool", make=make, grad=False)


SAMPLES = [
    S(SDPA, t(2, 3, 4, 5), t(2, 3, 6, 5), t(2, 3, 6, 2)),
    S(SDPA, t(3, 4), t(5, 4), t(5, 4)),
    S(SDPA, t(2, 4, 4), t(2, 4, 4), t(2, 4, 3), is_causal=True),
    S(SDPA, t(2, 2, 4, 3), t(2, 2, 6, 3), t(2, 2, 6, 3), mask(4, 6), check="first"),  # PyTorch takes its flash kernel, which has no second order
    S(SDPA, t(2, 2, 4, 3), t(2, 2, 6, 3), t(2, 2, 6, 3), attn_mask=mask(2, 1, 4, 6), scale=0.3, check="first"),
    S(SDPA, t(2, 4, 3), t(2, 6, 3), t(2, 6, 3), attn_mask=mask(2, 4, 6), scale=0.3),
    S(SDPA, t(2, 2, 4, 3), t(2, 2, 6, 3), t(2, 2, 6, 3), attn_mask=t(2, 2, 4, 6)),
    S(SDPA, t(2, 2, 4, 3), t(2, 2, 6, 3), t(2, 2, 6, 3), attn_mask=t(1, 4, 6)),
    S(SDPA, t(2, 4, 3, 2), t(2, 2, 5, 2), t(2, 2, 5, 2), enable_gqa=True, check="first"),
    S(SDPA, t(4, 3, 2), t(2, 5, 2), t(2, 5, 2), enable_gqa=True, parity=False),  # PyTorch refuses fewer than 4 dimensions
    S(SDPA, t(2, 3, 3), t(2, 5, 3), t(2, 5, 3), is_causal=True),
    S(
        lambda T, q, k, v: (T.manual_seed(2), resolve(T, SDPA)(q, k, v, dropout_p=0.4, is_causal=True))[1],
        t(2, 3, 4), t(2, 3, 4), t(2, 3, 4), label=SDPA + " dropout", parity=False,  # other random numbers
    ),
    S(
        SDPA, t(1, 3, 2), t(1, 4, 2), t(1, 4, 2),
        attn_mask=t(values=[[True] * 4, [False] * 4, [True, False, True, False]], dtype="bool", grad=False), label=SDPA + " blind query",
    ),
]  # fmt: skip


def layer(kind: str, reverse: bool, lengths: list[int] | None = None, **kwargs: Any) -> Any:
    """Ours: the layer op.  PyTorch's: a one-layer module with the same weights, reversed by flipping each row."""

    def run(T: Any, x: Any, *rest: Any) -> Any:
        if T.__name__ == "autograd_core":
            from autograd_core.ops import rnn

            return list(getattr(rnn, f"{kind}_layer")(x, *rest, reverse=reverse, lengths=lengths, **kwargs))
        return _theirs(T, kind, reverse, lengths, x, list(rest), **kwargs)

    return run


def _theirs(torch: Any, kind: str, reverse: bool, lengths: Any, x: Any, rest: list[Any], **kwargs: Any) -> list[Any]:
    steps, batch = x.shape[:2]
    lengths = [steps] * batch if lengths is None else lengths
    if reverse:
        order = torch.tensor(
            [[(lengths[n] - 1 - s) if s < lengths[n] else s for n in range(batch)] for s in range(steps)]
        )
        x = torch.gather(x, 0, order[:, :, None].expand_as(x))
    states = rest[:2] if kind == "lstm" else rest[:1]
    weights = rest[len(states) :]
    hidden = states[-1].shape[1]
    out, h = [], list(states)
    w_ih, w_hh, b_ih, b_hh, *w_hr = weights
    for s in range(steps):
        new = _cell(torch, kind, x[s], h, w_ih, w_hh, b_ih, b_hh, w_hr[0] if w_hr else None, hidden, **kwargs)
        on = torch.tensor([[s < n] for n in lengths])
        out.append(torch.where(on, new[0], torch.zeros_like(new[0])))
        h = [torch.where(on, a, b) for a, b in zip(new, h, strict=True)]
    y = torch.stack(out)
    if reverse:
        y = torch.gather(y, 0, order[:, :, None].expand_as(y))
    return [y, *h]


def _cell(
    torch: Any,
    kind: str,
    x: Any,
    h: Any,
    w_ih: Any,
    w_hh: Any,
    b_ih: Any,
    b_hh: Any,
    w_hr: Any,
    hidden: int,
    nonlinearity: str = "tanh",
) -> Any:
    if kind == "rnn":
        return [
            (torch.rnn_tanh_cell if nonlinearity == "tanh" else torch.rnn_relu_cell)(x, h[0], w_ih, w_hh, b_ih, b_hh)
        ]
    if kind == "gru":
        return [torch.gru_cell(x, h[0], w_ih, w_hh, b_ih, b_hh)]
    if w_hr is None:
        return list(torch.lstm_cell(x, h, w_ih, w_hh, b_ih, b_hh))
    i, f, g, o = torch.nn.functional.linear(x, w_ih, b_ih).add(torch.nn.functional.linear(h[0], w_hh, b_hh)).chunk(4, 1)
    c = f.sigmoid() * h[1] + i.sigmoid() * g.tanh()
    return [torch.nn.functional.linear(o.sigmoid() * c.tanh(), w_hr), c]


T, N, I, H, P = 4, 3, 2, 5, 2
for reverse in (False, True):
    for lengths in (None, [4, 2, 3], [1, 4, 0]):
        tag = f"{'backward' if reverse else 'forward'} {lengths or ''}"
        for act in ("tanh", "relu"):
            SAMPLES.append(
                S(
                    layer("rnn", reverse, lengths, nonlinearity=act),
                    t(T, N, I),
                    t(N, H),
                    t(H, I),
                    t(H, H),
                    t(H),
                    t(H),
                    label=f"rnn_layer {act} {tag}",
                )
            )
        SAMPLES.append(
            S(
                layer("gru", reverse, lengths),
                t(T, N, I),
                t(N, H),
                t(3 * H, I),
                t(3 * H, H),
                t(3 * H),
                t(3 * H),
                label=f"gru_layer {tag}",
            )
        )
        SAMPLES.append(
            S(
                layer("lstm", reverse, lengths),
                t(T, N, I),
                t(N, H),
                t(N, H),
                t(4 * H, I),
                t(4 * H, H),
                t(4 * H),
                t(4 * H),
                label=f"lstm_layer {tag}",
            )
        )
        SAMPLES.append(
            S(
                layer("lstm", reverse, lengths), t(T, N, I), t(N, P), t(N, H), t(4 * H, I), t(4 * H, P), t(4 * H), t(4 * H), t(P, H),
                label=f"lstm_layer projected {tag}",
            )
        )  # fmt: skip
SAMPLES += [
    S(layer("rnn", False), t(T, N, I), t(N, H), t(H, I), t(H, H), None, None, label="rnn_layer without bias"),
    S(layer("gru", True), t(T, N, I), t(N, H), t(3 * H, I), t(3 * H, H), None, None, label="gru_layer without bias"),
    S(
        layer("lstm", False),
        t(T, N, I),
        t(N, H),
        t(N, H),
        t(4 * H, I),
        t(4 * H, H),
        None,
        None,
        label="lstm_layer without bias",
    ),
]
