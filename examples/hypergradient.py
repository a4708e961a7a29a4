"""Shows: gradient descent on hyper-parameters: the validation loss differentiated through a whole unrolled training run.
Source: Domke (2012); Maclaurin, Duvenaud and Adams, "Gradient-based hyperparameter optimization through reversible learning" (2015).
Result: hyper-gradient = central difference to 1e-5; per-input penalties cut the validation loss by 15 % or more and find the noise.
"""

from __future__ import annotations

import numpy as np
from _common import canvas, run, save

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {
    "hyper-gradient against differences": (0, 1e-5), "validation loss, end / start": (0, 0.85), "test loss, end / start": (0, 0.95),
    "penalty on noise / on signal": (5.0, 1e9),
}  # fmt: skip
SIGNAL, INPUTS = 5, 25


def problem() -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Logistic regression in which only the first 5 of 25 inputs matter; few training samples."""
    rng = np.random.default_rng(0)
    w = np.zeros(INPUTS)
    w[:SIGNAL] = 2 * np.sign(rng.normal(size=SIGNAL))
    out = {}
    for name, n in (("train", 60), ("validation", 200), ("test", 2000)):
        x = rng.normal(size=(n, INPUTS))
        out[name] = torch.tensor(x), torch.tensor((x @ w + rng.logistic(size=n) > 0).astype(float))
    return out


def inner(hyper: torch.Tensor, data: tuple[torch.Tensor, torch.Tensor], steps: int) -> torch.Tensor:
    """Train by gradient descent with momentum; hyper holds 25 log-penalties and the log of the rate. Stays differentiable."""
    x, y = data
    w = torch.zeros(INPUTS, dtype=torch.float64, requires_grad=True)
    speed = torch.zeros_like(w)
    penalty, rate = hyper[:-1].exp(), hyper[-1].exp()
    for _ in range(steps):
        loss = F.binary_cross_entropy_with_logits(x @ w, y) + 0.5 * (penalty * w**2).sum()
        (g,) = torch.autograd.grad(loss, w, create_graph=True)
        speed = 0.8 * speed - rate * g
        w = w + speed
    return w


def loss_of(hyper: torch.Tensor, data: dict, steps: int, part: str) -> torch.Tensor:
    """Loss on a part of the data after training with these hyper-parameters."""
    x, y = data[part]
    return F.binary_cross_entropy_with_logits(x @ inner(hyper, data["train"], steps), y)


def main(small: bool = False, out: str = "runs/hypergradient") -> dict[str, float]:
    """Check the hyper-gradient, then descend."""
    data, steps, outer = problem(), 30 if small else 60, 25 if small else 120
    start = torch.cat([torch.full((INPUTS,), -5.0), torch.tensor([-1.0])]).double()
    (g,) = torch.autograd.grad(loss_of(h := start.clone().requires_grad_(), data, steps, "validation"), h)
    gap = 0.0
    for i in (0, 12, INPUTS):
        shift = torch.zeros_like(start)
        shift[i] = 1e-4
        sides = [loss_of(start + s * shift, data, steps, "validation").item() for s in (1, -1)]
        gap = max(gap, abs((sides[0] - sides[1]) / 2e-4 - g[i].item()) / g.abs().max().item())

    hyper = start.clone().requires_grad_()
    optimizer = nn.optim.Adam([hyper], lr=0.4 if small else 0.15)
    history = []
    for _ in range(outer):
        optimizer.zero_grad()
        loss = loss_of(hyper, data, steps, "validation")
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            hyper[-1].clamp_(max=0.0)  # a rate above 1 would leave the region where training is stable
        history.append(hyper.detach().numpy().copy())
    ends = {part: [loss_of(h, data, steps, part).item() for h in (start, hyper.detach())] for part in data}
    penalty = hyper.detach()[:-1]

    figure, (left, middle, right) = canvas(1, 3, 10, 3)
    trace = np.array(history)
    left.plot(trace[:, :SIGNAL], color="tab:green", lw=1)
    left.plot(trace[:, SIGNAL:-1], color="tab:red", lw=0.6)
    left.set(xlabel="outer step", title="log penalty: signal, noise")
    middle.plot(np.exp(trace[:, -1]))
    middle.set(xlabel="outer step", title="Learning rate")
    for i, (part, (a, b)) in enumerate(ends.items()):
        right.bar([i - 0.2, i + 0.2], [a, b], 0.38, color=["tab:gray", "tab:blue"], label=["before", "after"] if not i else None)
        right.text(i, max(a, b) + 0.01, part, ha="center")
    right.set(xticks=[], title="Loss before (grey), after (blue)")
    save(figure, out)
    return {
        "hyper-gradient against differences": gap, "validation loss, end / start": ends["validation"][1] / ends["validation"][0],
        "test loss, end / start": ends["test"][1] / ends["test"][0],
        "penalty on noise / on signal": (penalty[SIGNAL:].mean() - penalty[:SIGNAL].mean()).exp().item(),
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "hypergradient", RESULT)
