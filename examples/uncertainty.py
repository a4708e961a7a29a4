"""Shows: three ways to know what a net does not know: Bayes by backprop, MC dropout, a Laplace approximation.
Source: Blundell et al. (2015); Gal and Ghahramani (2016); MacKay (1992), Ritter et al. (2018).
Result: each is at least 1.25 times as uncertain away from the data as at it, and covers 80 to 100 % of held-out points.
"""

from __future__ import annotations

import math

import numpy as np
from _common import canvas, run, save

import autograd_core as torch
import nn
import nn.functional as F
from nn.distributions import Normal, kl_divergence

METHODS = ("Bayes by backprop", "MC dropout", "Laplace")
RESULT = {f"{m}: std away from / at the data": (1.25, 100.0) for m in METHODS} | {f"{m}: coverage of 2 std": (0.8, 1.0) for m in METHODS}
SMALL = {f"{m}: std away from / at the data": (1.1, 100.0) for m in METHODS} | {f"{m}: coverage of 2 std": (0.8, 1.0) for m in METHODS}
NOISE = 0.1


def data(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A sine with noise, and nothing between -0.6 and 0.6."""
    x = (0.6 + 1.2 * torch.rand(count, 1)) * torch.where(torch.rand(count, 1) < 0.5, -1.0, 1.0)
    return x, (2.5 * x).sin() + NOISE * torch.randn(count, 1)


class BayesLinear(nn.Module):
    """A linear layer whose weights are drawn afresh at every call from a factorised normal."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.randn(inputs + 1, outputs) / math.sqrt(inputs))
        self.rho = nn.Parameter(torch.full((inputs + 1, outputs), -4.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Local reparameterisation: draw the pre-activation, which is normal too."""
        x = torch.cat([x, torch.ones(len(x), 1)], 1)
        spread = (x**2 @ F.softplus(self.rho) ** 2).clamp(min=1e-12).sqrt()
        return x @ self.mean + spread * torch.randn_like(spread)

    def kl(self) -> torch.Tensor:
        """KL to the prior N(0, 1)."""
        return kl_divergence(Normal(self.mean, F.softplus(self.rho)), Normal(0.0, 1.0)).sum()


def fit(model: nn.Sequential, x: torch.Tensor, y: torch.Tensor, steps: int, rate: float = 0.01, extra: float = 0.0) -> None:
    """Negative log-likelihood (all samples) plus KL or a normal prior on the weights."""
    optimizer = nn.optim.Adam(model.parameters(), lr=rate)
    for _ in range(steps):
        loss = F.mse_loss(model(x), y, reduction="sum") / (2 * NOISE**2)
        loss = loss + sum((m.kl() for m in model if isinstance(m, BayesLinear)), torch.tensor(0.0))
        loss = loss + 0.5 * extra * sum((p.square().sum() for p in model.parameters()), torch.tensor(0.0))
        optimizer.zero_grad()
        (loss / len(x)).backward()
        optimizer.step()


def laplace(model: nn.Module, x: torch.Tensor, grid: torch.Tensor, prior: float) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Newton Hessian in all weights; predictive variance J H^-1 J^T of the linearised net."""
    def jacobian(points: torch.Tensor) -> torch.Tensor:
        y = model(points)[:, 0]
        rows = [torch.autograd.grad(v, list(model.parameters()), retain_graph=True) for v in y]
        return torch.stack([nn.utils.parameters_to_vector(row) for row in rows]).double()
    j, jg = jacobian(x), jacobian(grid)
    h = j.T @ j / NOISE**2 + prior * torch.eye(j.shape[1], dtype=torch.float64)
    variance = (jg * torch.linalg.solve(h, jg.T).T).sum(1)
    return model(grid).detach().numpy()[:, 0], variance.sqrt().numpy()


def main(small: bool = False, out: str = "runs/uncertainty") -> dict[str, float]:
    """Mean and standard deviation of the function on a grid, three ways."""
    torch.manual_seed(0)
    x, y = data(80)
    held_x, held_y = data(200)
    grid = torch.cat([torch.linspace(-2.4, 2.4, 121).unsqueeze(1), held_x])
    steps = 250 if small else 5000
    predicted: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    bayes = nn.Sequential(BayesLinear(1, 50), nn.Tanh(), BayesLinear(50, 1))
    fit(bayes, x, y, steps)
    dropout = nn.Sequential(
        nn.Linear(1, 100), nn.ReLU(), nn.Dropout(0.1), nn.Linear(100, 100), nn.ReLU(), nn.Dropout(0.1), nn.Linear(100, 1)
    )
    fit(dropout, x, y, steps, 3e-3)
    with torch.no_grad():
        for name, model in (("Bayes by backprop", bayes), ("MC dropout", dropout)):  # dropout stays on
            draws = torch.stack([model(grid)[:, 0] for _ in range(100 if small else 400)])
            predicted[name] = draws.mean(0).numpy(), draws.std(0).numpy()
    plain = nn.Sequential(nn.Linear(1, 30), nn.Tanh(), nn.Linear(30, 1))
    fit(plain, x, y, steps, extra=0.3)
    predicted["Laplace"] = laplace(plain, x, grid, 0.3)

    figure, axes = canvas(1, 3, 10, 3)
    figures: dict[str, float] = {}
    at, truth = grid[:121, 0].numpy(), held_y[:, 0].numpy()
    for ax, (name, (mean, std)) in zip(axes, predicted.items(), strict=True):
        total = np.sqrt(std**2 + NOISE**2)
        figures[f"{name}: std away from / at the data"] = std[:121][(np.abs(at) < 0.3) | (np.abs(at) > 2.1)].mean() / std[121:].mean()
        figures[f"{name}: coverage of 2 std"] = (np.abs(mean[121:] - truth) < 2 * total[121:]).mean()
        ax.fill_between(at, (mean - 2 * total)[:121], (mean + 2 * total)[:121], alpha=0.3)
        ax.plot(at, mean[:121])
        ax.plot(at, np.sin(2.5 * at), "k:", lw=1)
        ax.plot(x.numpy(), y.numpy(), "k.", ms=3)
        ax.set(title=name, ylim=(-2.5, 2.5))
    save(figure, out)
    return figures


if __name__ == "__main__":
    run(main, __doc__, "uncertainty", RESULT, SMALL)
