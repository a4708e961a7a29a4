"""Shows: an nn.TransformerEncoder looking things up: eight pairs of letter and number, then questions; where it looks.
Source: Vaswani et al., "Attention is all you need" (2017); the task: Graves et al., "Neural Turing machines" (2014).
Result: 95 % of answers right (an LSTM of as many weights: below 60 %), a head with 80 % of its attention on the answer.
"""

from typing import Any

from _common import canvas, run, save

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {
    "encoder: answers right": (0.95, 1.0), "LSTM: answers right": (0.05, 0.6),
    "weights, LSTM / encoder": (0.9, 1.3), "attention on the answer (best head)": (0.8, 1.0),
}  # fmt: skip
PAIRS, KEYS, VALUES = 8, 16, 16
Rows = tuple[torch.Tensor, torch.Tensor]


def task(count: int) -> tuple[Rows, torch.Tensor, torch.Tensor]:
    """Eight pairs, keys all different, then these keys shuffled, with the value "?" (16); answers; their places."""
    keys = torch.rand(count, KEYS).argsort(1)[:, :PAIRS]
    values = torch.randint(VALUES, (count, PAIRS))
    order = torch.rand(count, PAIRS).argsort(1)
    asked = torch.cat([keys, keys.gather(1, order)], 1)
    return (asked, torch.cat([values, torch.full_like(values, VALUES)], 1)), values.gather(1, order), order


class Reader(nn.Module):
    """Symbols and their places, through a body, to scores of values at the questions."""

    def __init__(self, body: nn.Module, width: int, wide: int) -> None:
        super().__init__()
        self.key, self.value = nn.Embedding(KEYS, width), nn.Embedding(VALUES + 1, width)
        self.place = nn.Parameter(0.02 * torch.randn(2 * PAIRS, width))
        self.body, self.answer = body, nn.Linear(wide, VALUES)

    def forward(self, rows: Rows) -> torch.Tensor:
        """Scores (N, 8, 16)."""
        seen = self.body(self.key(rows[0]) + self.value(rows[1]) + self.place)
        return self.answer((seen[0] if isinstance(seen, tuple) else seen)[:, PAIRS:])


def learn(model: Reader, steps: int) -> list[float]:
    """Share of right answers in each batch of fresh rows."""
    optimizer = nn.optim.Adam(model.parameters(), lr=3e-3)
    schedule = nn.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    right = []
    for _ in range(steps):
        rows, answers, _ = task(64)
        scores = model(rows)
        optimizer.zero_grad()
        F.cross_entropy(scores.flatten(0, 1), answers.flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        right.append((scores.argmax(2) == answers).float().mean().item())
    return right


@torch.no_grad()
def attention(model: Reader, rows: Rows) -> list[torch.Tensor]:
    """What each layer's heads look at, (N, heads, 16, 16): hooks ask for the weights and keep them."""
    found: list[torch.Tensor] = []

    def ask(module: nn.Module, inputs: Any, named: dict[str, Any]) -> Any:
        return inputs, named | {"need_weights": True, "average_attn_weights": False}

    for layer in model.body.layers:
        layer.self_attn.register_forward_pre_hook(ask, with_kwargs=True)
        layer.self_attn.register_forward_hook(lambda module, inputs, output: found.append(output[1]))
    model(rows)
    return found


def main(small: bool = False, out: str = "runs/transformer_encoder") -> dict[str, float]:
    """Train the encoder and an LSTM of as many weights; look where the encoder looks."""
    torch.manual_seed(0)
    steps, width = (250, 32) if small else (800, 48)
    layer = nn.TransformerEncoderLayer(width, 2, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
    encoder = Reader(nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(width)), width, width)
    lstm = Reader(nn.LSTM(width, width, batch_first=True, bidirectional=True), width, 2 * width)
    curves = [learn(model, steps) for model in (encoder, lstm)]
    sizes = [sum(p.numel() for p in model.parameters()) for model in (encoder, lstm)]
    rows, answers, places = task(500)
    with torch.no_grad():
        right, other = ((model(rows).argmax(2) == answers).float().mean().item() for model in (encoder, lstm))
    looks = [look[:, :, PAIRS:, :PAIRS] for look in attention(encoder, rows)]  # from questions to pairs
    index = places[:, None, :, None].expand(-1, 2, -1, -1)
    share = [look.gather(3, index).mean((0, 2, 3)) for look in looks]  # of each head, on the answer's pair
    best = max((s[h].item(), k, h) for k, s in enumerate(share) for h in range(2))

    figure, (left, middle, corner) = canvas(1, 3, 10.5, 3.2)
    for name, size, curve in zip(("encoder", "LSTM, both ways"), sizes, curves, strict=True):
        left.plot(curve, lw=0.8, label=f"{name}, {size:,} weights")
    left.set(xlabel="step", ylim=(0, 1), title="Answers right")
    left.axhline(1 / PAIRS, color="gray", ls=":", label="any value of the row")
    left.legend(fontsize=7)
    letters = "ABCDEFGHIJKLMNOP"
    said = [f"{letters[k]}={v}" for k, v in zip(rows[0][0, :PAIRS].tolist(), rows[1][0].tolist(), strict=False)]
    middle.imshow(looks[best[1]][0, best[2]].numpy(), cmap="viridis", vmin=0, vmax=1)
    middle.set_xticks(range(PAIRS), said, rotation=60, fontsize=7)
    middle.set_yticks(range(PAIRS), [letters[k] + "?" for k in rows[0][0, PAIRS:].tolist()], fontsize=7)
    middle.set_title(f"Layer {best[1] + 1}, head {best[2] + 1}, one row")
    bars = corner.bar([f"layer {k + 1}\nhead {h + 1}" for k in range(2) for h in range(2)], torch.cat(share).tolist())
    corner.bar_label(bars, fmt="%.2f")
    corner.set(ylim=(0, 1.1), title="Attention on the answer's pair, mean")
    save(figure, out)
    return {
        "encoder: answers right": right, "LSTM: answers right": other, "weights, LSTM / encoder": sizes[1] / sizes[0],
        "attention on the answer (best head)": best[0],
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "transformer_encoder", RESULT)
