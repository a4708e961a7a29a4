"""Shows: the two oldest learning rules, the perceptron's and the delta rule, and that the second is a gradient.
Source: Rosenblatt, "The perceptron" (1958); Novikoff's theorem (1962); Widrow and Hoff, "Adaptive switching circuits" (1960).
Result: no error left after at most (R/margin)^2 corrections; delta rule = gradient to 1e-6, least squares reached to 1e-3.
"""

from __future__ import annotations

import numpy as np
from _common import canvas, run, save

import autograd_core as torch

RESULT = {
    "errors left": (0, 0), "corrections / Novikoff's bound": (0.001, 1.0), "delta rule against gradient": (0, 1e-6),
    "distance to least squares": (0, 1e-3),
}  # fmt: skip


def clouds(rng: np.random.Generator, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two separable clouds with a constant third input (the bias), labels -1 and +1."""
    labels = np.where(np.arange(count) % 2, 1.0, -1.0)
    points = rng.normal(0, 0.6, (count, 2)) + labels[:, None] * np.array([1.6, 1.2])
    keep = np.abs(points @ [0.8, 0.6]) > 0.25
    keep &= np.sign(points @ [0.8, 0.6]) == labels
    x = np.column_stack([points, np.ones(count)])[keep]
    return torch.tensor(x), torch.tensor(labels[keep])


def perceptron(x: torch.Tensor, t: torch.Tensor) -> tuple[torch.Tensor, list[int]]:
    """w += t x at every mistake: the sub-gradient of max(0, -t w.x), which autograd gives. Returns w, mistakes an epoch."""
    w = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    history: list[int] = []
    while not history or history[-1]:
        mistakes = 0
        for xi, ti in zip(x, t, strict=True):
            margin = ti * (w @ xi)
            if margin.item() <= 0:
                w.grad = None
                (-margin).backward()
                with torch.no_grad():
                    w -= w.grad
                mistakes += 1
        history.append(mistakes)
    return w.detach(), history


def delta_rule(x: torch.Tensor, t: torch.Tensor, epochs: int) -> tuple[torch.Tensor, list[float], float]:
    """Widrow-Hoff: w += rate (t - w.x) x, sample by sample, with a rate that falls; also the largest gap to autograd."""
    w = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    losses, gap = [], 0.0
    for epoch in range(epochs):
        rate = 0.05 / (1 + 0.5 * epoch)
        for xi, ti in zip(x, t, strict=True):
            rule = (ti - w.detach() @ xi) * xi
            (gradient,) = torch.autograd.grad(0.5 * (ti - w @ xi) ** 2, w)
            gap = max(gap, (rule + gradient).abs().max().item())
            with torch.no_grad():
                w -= rate * gradient
        losses.append(((x @ w.detach() - t) ** 2).mean().item())
    return w.detach(), losses, gap


def main(small: bool = False, out: str = "runs/perceptron") -> dict[str, float]:
    """Both rules on one data set."""
    x, t = clouds(np.random.default_rng(0), 60 if small else 200)
    w, mistakes = perceptron(x, t)
    a, losses, gap = delta_rule(x, t, 150 if small else 300)
    best = torch.linalg.lstsq(x, t.unsqueeze(1)).solution[:, 0]
    # Novikoff with the separator that made the data; any separator gives a valid bound
    unit = torch.tensor([0.8, 0.6, 0.0], dtype=torch.float64)
    bound = (x.norm(dim=1).max() / (t * (x @ unit)).min()).item() ** 2

    figure, (left, right) = canvas(1, 2, 8)
    for label, colour in ((-1, "tab:blue"), (1, "tab:red")):
        left.scatter(*x[t == label][:, :2].numpy().T, s=9, c=colour)
    line = np.array([-3.0, 3.0])
    for v, name, style in ((w, "perceptron", "k-"), (a, "delta rule", "k--")):
        left.plot(line, -(v[0].item() * line + v[2].item()) / v[1].item(), style, label=name)
    left.set(xlim=(-3.2, 3.2), ylim=(-3, 3), title="Decision lines")
    left.legend()
    right.plot(losses)
    right.axhline(((x @ best - t) ** 2).mean().item(), color="k", lw=0.7, ls=":", label="least squares")
    right.set(xlabel="epoch", ylabel="mean squared error", yscale="log", title="Delta rule")
    right.legend()
    save(figure, out)
    return {
        "errors left": int((t * (x @ w) <= 0).sum()), "corrections / Novikoff's bound": sum(mistakes) / bound,
        "delta rule against gradient": gap, "distance to least squares": (a - best).norm().item(),
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "perceptron", RESULT)
