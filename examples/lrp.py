"""Shows: layer-wise relevance propagation: how much each pixel contributed, by the epsilon and the z+ rule, as one backward.
Source: Bach et al., PLOS ONE (2015); Montavon et al., "Explaining nonlinear classification decisions" (2017).
Result: relevance conserved to 1e-5 of the output; epsilon rule at eps -> 0 = gradient x input to 1e-4; removing top pixels hurts most.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from _common import accuracy, batches, canvas, digits, run, save, tiles

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {
    "epsilon rule: relevance lost": (0, 1e-5), "z+ rule: relevance lost": (0, 1e-5), "epsilon rule against gradient x input": (0, 1e-4),
    "score left, relevant / random pixels removed": (-1.0, 0.8), "accuracy": (0.93, 1.0),
}  # fmt: skip
SMALL = RESULT | {"accuracy": (0.8, 1.0)}


class Propagate(torch.autograd.Function):
    """A linear map forward; backward redistributes relevance R_j = sum_k z_jk / sum_j z_jk R_k instead of a gradient."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, w: torch.Tensor, rule: str) -> torch.Tensor:
        ctx.save_for_backward(x, w)
        ctx.rule = rule
        return x @ w.T

    @staticmethod
    def backward(ctx: Any, relevance: torch.Tensor) -> tuple:
        x, w = ctx.saved_tensors
        if ctx.rule == "z+":
            w = w.clamp(min=0)
        z = x @ w.T
        epsilon = 1e-9 if ctx.rule == "epsilon" else 1e-12
        return x * ((relevance / (z + epsilon * torch.where(z >= 0, 1.0, -1.0))) @ w), None, None


class Passing(torch.autograd.Function):
    """ReLU that hands relevance on unchanged."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.relu()

    @staticmethod
    def backward(ctx: Any, relevance: torch.Tensor) -> torch.Tensor:
        return relevance


def explain(model: nn.Sequential, x: torch.Tensor, label: torch.Tensor, rule: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Relevance of every pixel for the logit of ``label``, and that logit."""
    h = x.clone().requires_grad_()
    out = h
    for layer in model:
        out = Propagate.apply(out, layer.weight, rule) if isinstance(layer, nn.Linear) else Passing.apply(out)
    score = out.gather(1, label.unsqueeze(1))
    start = torch.zeros_like(out).scatter(1, label.unsqueeze(1), score.detach())
    return torch.autograd.grad(out, h, start)[0], score.detach()[:, 0]


def main(small: bool = False, out: str = "runs/lrp") -> dict[str, float]:
    """Train a net without biases (they would absorb relevance), explain its held-out decisions."""
    torch.manual_seed(0)
    x, y, t, labels = digits()
    x, t = x.flatten(1).double(), t.flatten(1).double()
    first, second, last = nn.Linear(64, 64, bias=False), nn.Linear(64, 64, bias=False), nn.Linear(64, 10, bias=False)
    model = nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), last).double()
    optimizer = nn.optim.Adam(model.parameters(), lr=2e-3)
    for pick in batches(len(x), 32, 4 if small else 25):
        optimizer.zero_grad()
        F.cross_entropy(model(x[pick]), y[pick]).backward()
        optimizer.step()
    score = accuracy(model(t), labels)

    found, lost = {}, {}
    for rule in ("epsilon", "z+"):
        relevance, logit = explain(model, t, labels, rule)
        found[rule] = relevance
        lost[rule] = ((relevance.sum(1) - logit).abs() / logit.abs().clamp(min=1e-2)).max().item()
    h = t.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(h).gather(1, labels.unsqueeze(1)).sum(), h)
    gap = (found["epsilon"] - gradient * t).abs().max().item()

    left_over: dict[str, list[float]] = {}
    relevance = found["epsilon"]
    orders = {"most relevant first": (-relevance).argsort(1), "random": torch.rand(t.shape).argsort(1), "least first": relevance.argsort(1)}
    with torch.no_grad():
        for name, order in orders.items():
            logits = [model(t.scatter(1, order[:, :n], 0.0)) for n in range(0, 33, 4)]
            left_over[name] = [logit.gather(1, labels.unsqueeze(1)).mean().item() for logit in logits]
    ratio = left_over["most relevant first"][2] / left_over["random"][2]

    figure, axes = canvas(1, 4, 11, 3)
    show = torch.cat([(labels == k).nonzero()[:1, 0] for k in range(10)])
    tiles(axes[0], t[show].reshape(-1, 8, 8), 3, "digits")
    for ax, rule in ((axes[1], "epsilon"), (axes[2], "z+")):
        r = found[rule][show]
        r = (r / r.abs().amax(1, keepdim=True)).reshape(-1, 8, 8)
        tiles(ax, r, 3, f"relevance, {rule} rule", cmap="RdBu_r", vmin=-1, vmax=1)
    for name, values in left_over.items():
        axes[3].plot(np.arange(0, 33, 4), values, label=name)
    axes[3].set(xlabel="pixels removed", title="Logit of the true digit")
    axes[3].legend(fontsize=7)
    save(figure, out)
    return {
        "epsilon rule: relevance lost": lost["epsilon"], "z+ rule: relevance lost": lost["z+"],
        "epsilon rule against gradient x input": gap,
        "score left, relevant / random pixels removed": ratio,
        "accuracy": score,
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "lrp", RESULT, SMALL)
