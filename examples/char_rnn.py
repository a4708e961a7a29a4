"""Shows: a plain RNN, a GRU and an LSTM read a text letter by letter, remember what counting cannot, and write.
Source: Elman, "Finding structure in time" (1990); Mikolov et al., "RNN based language model" (2010); Graves (2013) for sampling.
Result: held-out bits per letter: each net below a counted 5-gram, GRU and LSTM at most 5 % above the grammar's exact entropy.
"""

from __future__ import annotations

import math
from typing import Any

from _common import canvas, run, save
from char_gpt import five_gram

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {
    "RNN / 5-gram": (0.3, 1.0), "GRU / 5-gram": (0.3, 1.0), "LSTM / 5-gram": (0.3, 1.0), "GRU / entropy": (0.97, 1.05),
    "LSTM / entropy": (0.97, 1.05), "LSTM: real words among the sampled": (0.95, 1.0),
}  # fmt: skip
# The grammar draws one of 8 subjects, 8 verbs, 7 objects, and for every second sentence one of 6 endings.
BITS_PER_SENTENCE = 3 + 3 + math.log2(7) + 1 + math.log2(6) / 2


class CharRNN(nn.Module):
    """Embedding, one recurrent layer of the given kind, and a read-out."""

    def __init__(self, kind: type[nn.RNN | nn.GRU | nn.LSTM], symbols: int, width: int) -> None:
        super().__init__()
        self.embed, self.read = nn.Embedding(symbols, 16), nn.Linear(width, symbols)
        self.recurrent = kind(16, width, batch_first=True)

    def forward(self, ids: torch.Tensor, state: Any = None) -> tuple[torch.Tensor, Any]:
        """Logits of the next symbol at every place, and the state to go on with."""
        seen, state = self.recurrent(self.embed(ids), state)
        return self.read(seen), state

    @torch.no_grad()
    def sample(self, first: int, count: int, temperature: float = 0.8) -> list[int]:
        """Write ``count`` symbols: only the state and the last symbol are carried along."""
        written, state = [first], None
        for _ in range(count):
            logits, state = self(torch.tensor([[written[-1]]]), state)
            written.append(torch.multinomial((logits[0, 0] / temperature).softmax(-1), 1).item())
        return written


def learn(model: CharRNN, ids: torch.Tensor, test: torch.Tensor, steps: int, rate: float) -> list[tuple[int, float]]:
    """Read 16 places of the text in parallel, 32 letters a step; returns (step, held-out bits per letter)."""
    streams = ids[: len(ids) // 16 * 16].view(16, -1)
    optimizer = nn.optim.Adam(model.parameters(), lr=rate)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    at, state, curve = 0, None, list[tuple[int, float]]()
    for step in range(1, steps + 1):
        if at + 33 > streams.shape[1]:
            at, state = 0, None
        logits, state = model(streams[:, at : at + 32], state)
        loss = F.cross_entropy(logits.flatten(0, 1), streams[:, at + 1 : at + 33].flatten())
        state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()  # truncated in time
        at += 32
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % (steps // 10) == 0:
            curve.append((step, surprise(model, test).mean().item()))
    return curve


@torch.no_grad()
def surprise(model: CharRNN, test: torch.Tensor) -> torch.Tensor:
    """Bits of each letter of the held-out text, read once from its beginning."""
    logits, _ = model(test[None, :-1])
    return F.cross_entropy(logits[0], test[1:], reduction="none") / math.log(2)


def main(small: bool = False, out: str = "runs/char_rnn") -> dict[str, float]:
    """Train the three on the same text; compare with counting and with the grammar; write."""
    text, held = nn.datasets.toy_text(3000, seed=0), nn.datasets.toy_text(300, seed=1)
    alphabet = sorted(set(text + held))
    ids, test = (torch.tensor([alphabet.index(c) for c in t]) for t in (text, held))
    counted = five_gram(text, held, len(alphabet)) / math.log(2)
    entropy = 300 * BITS_PER_SENTENCE / len(held)
    words = set(text.lower().replace(".", "").split())
    figures: dict[str, float] = {}
    figure, ((top, pen), (bottom, inside)) = canvas(2, 2, 10.5, 6)
    for name, kind in (("RNN", nn.RNN), ("GRU", nn.GRU), ("LSTM", nn.LSTM)):
        torch.manual_seed(0)
        model = CharRNN(kind, len(alphabet), 64)
        curve = learn(model, ids, test, 320 if small else 2400, 0.03 if small else 0.01)
        figures |= {f"{name} / 5-gram": curve[-1][1] / counted, f"{name} / entropy": curve[-1][1] / entropy}
        top.plot(*zip(*curve, strict=True), "o-", ms=3, label=f"{name}: {curve[-1][1]:.4f}")
    written = "".join(alphabet[i] for i in model.sample(alphabet.index("\n"), 400))
    written = written.split("\n", 2)[2]  # without the first sentence, begun with nothing read
    said = written.lower().replace(".", "").split()[:-1]  # the last word may be cut
    words = set(text.lower().replace(".", "").split())
    figures["LSTM: real words among the sampled"] = sum(w in words for w in said) / len(said)

    top.axhline(counted, color="k", ls=":", label=f"counted 5-gram: {counted:.4f}")
    top.axhline(entropy, color="k", label=f"the grammar's entropy: {entropy:.4f}")
    top.set(xlabel="step", title="Held-out bits per letter")
    top.legend()
    pen.text(0, 1, "\n".join(written.split("\n")[:10]), va="top", family="monospace", fontsize=9)
    pen.set(title="Written by the LSTM", xticks=[], yticks=[], frame_on=False)
    start, end = held.index("\n") + 1, held.index("\n", 50)  # the second sentence, read after the first
    states, _ = model.recurrent(model.embed(test[None, :end]))
    bottom.bar(range(end - start), surprise(model, test[:end])[start - 1 :].numpy())
    bottom.set(title="Surprise of the LSTM, letter by letter (bits)", xlim=(-0.5, end - start - 0.5))
    inside.imshow(states[0, start:, :24].T.detach().numpy(), aspect="auto", cmap="RdBu_r", vmin=-1, vmax=1)
    inside.set(title="Its state after each letter", ylabel="unit (24 of 64)")
    for ax in (bottom, inside):
        ax.set_xticks(range(end - start), list(held[start:end]), family="monospace", fontsize=8)
    save(figure, out)
    return figures


if __name__ == "__main__":
    run(main, __doc__, "char_rnn", RESULT)
