"""Shows: back-propagation teaching two hidden sigmoid units to compute XOR, from a hundred random starts at once.
Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors" (1986).
Result: over 60 % of the starts solve it (the rest rest in local minima, as in 1986); our gradient = theirs to 1e-12.
"""

from __future__ import annotations

import numpy as np
from _common import canvas, run, save

import autograd_core as torch
import nn

RESULT = {"share of starts that solve it": (0.6, 0.99), "best error": (0, 2e-3), "their rule against gradient": (0, 1e-12)}

X = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
T = torch.tensor([[0.0], [1.0], [1.0], [0.0]], dtype=torch.float64)


def net(w: list[torch.Tensor], x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Hidden and output activities of 2-2-1 nets, one per start: weights (starts, in, out)."""
    hidden = (x @ w[0] + w[1]).sigmoid()
    return hidden, (hidden @ w[2] + w[3]).sigmoid()


def by_hand(w: list[torch.Tensor]) -> list[torch.Tensor]:
    """The paper's generalised delta rule: dE/dx_j = y_j (1 - y_j) sum_k w_jk dE/dx_k."""
    hidden, y = net(w, X)
    top = (y - T) * y * (1 - y)
    low = hidden * (1 - hidden) * (top @ w[2].mT)
    return [X.T @ low, low.sum(1, keepdim=True), hidden.mT @ top, top.sum(1, keepdim=True)]


def main(small: bool = False, out: str = "runs/xor") -> dict[str, float]:
    """Train all starts together: their losses are summed, so their gradients do not mix."""
    torch.manual_seed(0)
    starts, steps = (40, 1500) if small else (200, 4000)
    shapes = ((2, 2), (1, 2), (2, 1), (1, 1))
    w = [(2 * torch.rand(starts, *shape, dtype=torch.float64) - 1).requires_grad_() for shape in shapes]

    _, y = net(w, X)
    gradient = torch.autograd.grad(((y - T) ** 2).sum() / 2, w)
    with torch.no_grad():
        gap = max((a - b).abs().max().item() for a, b in zip(gradient, by_hand(w), strict=True))

    optimizer = nn.optim.SGD(w, lr=0.5, momentum=0.9)  # the momentum term is the paper's equation 9
    history = []
    for _ in range(steps):
        optimizer.zero_grad()
        errors = ((net(w, X)[1] - T) ** 2).sum((1, 2)) / 2
        errors.sum().backward()
        optimizer.step()
        history.append(errors.detach().numpy().copy())
    last = history[-1]
    solved = ((net(w, X)[1] - T).abs() < 0.4).all(1).all(1).float().mean().item()

    figure, (left, middle, right) = canvas(1, 3)
    for curve in np.array(history)[:, : 40].T:
        left.plot(curve, lw=0.7, color="tab:green" if curve[-1] < 0.05 else "tab:red")
    left.set(xlabel="sweep", ylabel="error E", title="40 starts: solved, stuck", yscale="log")
    side = torch.linspace(-0.3, 1.3, 60, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(side, side, indexing="xy"), -1).reshape(-1, 2)
    for ax, start, name in ((middle, last.argmin(), "a solution"), (right, last.argmax(), "a local minimum")):
        with torch.no_grad():
            surface = net([v[int(start)] for v in w], grid)[1].reshape(60, 60)
        ax.imshow(surface.numpy(), extent=(-0.3, 1.3, -0.3, 1.3), origin="lower", cmap="RdBu_r", vmin=0, vmax=1)
        ax.scatter(*X.numpy().T, c=T[:, 0].numpy(), cmap="RdBu_r", edgecolors="k")
        ax.set_title(name)
    save(figure, out)
    return {"share of starts that solve it": solved, "best error": last.min(), "their rule against gradient": gap}


if __name__ == "__main__":
    run(main, __doc__, "xor", RESULT)
