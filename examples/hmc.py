"""Shows: Hamiltonian Monte Carlo with our gradients, many chains at once, on a bent density with known moments.
Source: Neal, "MCMC using Hamiltonian dynamics" (2011); Gelman and Rubin (1992) for R-hat; Haario et al. (1999) for the banana.
Result: mean and variance within 5 % (of a std), R-hat below 1.01, energy error falls as the square of the step (exponent 2 +- 0.2).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from _common import canvas, run, save

import autograd_core as torch

RESULT = {
    "largest error of a mean (std)": (0, 0.05), "largest error of a variance": (0, 0.05), "R-hat": (0.99, 1.01),
    "acceptance": (0.6, 0.99), "order of the energy error": (1.8, 2.2),
}  # fmt: skip
SMALL = RESULT | {"largest error of a mean (std)": (0, 0.12), "largest error of a variance": (0, 0.2), "R-hat": (0.99, 1.05)}
BEND = 0.4


def energy(q: torch.Tensor) -> torch.Tensor:
    """-log density of the banana: q1 ~ N(0, 2^2), q2 ~ N(bend (q1^2 - 4), 1). Mean 0, variances 4 and 1 + 32 bend^2."""
    return 0.5 * (q[:, 0] / 2) ** 2 + 0.5 * (q[:, 1] - BEND * (q[:, 0] ** 2 - 4)) ** 2


def leapfrog(f: Callable, q: torch.Tensor, p: torch.Tensor, size: float, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Half kick, drift, kick, ..., half kick; the chains' energies are summed, so one backward serves all."""
    def force(q: torch.Tensor) -> torch.Tensor:
        q = q.detach().requires_grad_()
        return torch.autograd.grad(f(q).sum(), q)[0]

    p = p - 0.5 * size * force(q)
    for step in range(steps):
        q = q + size * p
        p = p - (size if step < steps - 1 else 0.5 * size) * force(q)
    return q, p


def main(small: bool = False, out: str = "runs/hmc") -> dict[str, float]:
    """Sample, compare the moments, measure the integrator's order."""
    torch.manual_seed(0)
    chains, draws, warm = (64, 60, 20) if small else (64, 800, 60)
    q = 2 * torch.randn(chains, 2, dtype=torch.float64)
    kept, accepted = [], []
    for draw in range(draws + warm):
        p = torch.randn_like(q)
        new, end = leapfrog(energy, q, p, 0.25, 16)
        change = energy(new) + 0.5 * end.square().sum(1) - energy(q) - 0.5 * p.square().sum(1)
        accept = torch.rand(chains, dtype=torch.float64) < (-change).exp()
        q = torch.where(accept.unsqueeze(1), new, q)
        accepted.append(accept.double().mean().item())
        if draw >= warm:
            kept.append(q.numpy().copy())
    sample = np.array(kept)  # (draws, chains, 2)

    variance = np.array([4.0, 1 + 32 * BEND**2])
    flat = sample.reshape(-1, 2)
    within, between = sample.var(0, ddof=1).mean(0), sample.mean(0).var(0, ddof=1)
    r_hat = np.sqrt((within * (draws - 1) / draws + between) / within)

    sizes = np.array([0.2, 0.1, 0.05, 0.025])
    start, push = torch.randn(100, 2, dtype=torch.float64), torch.randn(100, 2, dtype=torch.float64)
    errors = []
    for size in sizes:
        a, b = leapfrog(energy, start, push, size, round(1 / size))
        errors.append((energy(a) + 0.5 * b.square().sum(1) - energy(start) - 0.5 * push.square().sum(1)).abs().mean().item())
    order = np.polyfit(np.log(sizes), np.log(errors), 1)[0]

    figure, (left, middle, right) = canvas(1, 3, 10, 3.2)
    side = np.linspace(-7, 7, 100), np.linspace(-7, 16, 100)
    gx, gy = np.meshgrid(*side)
    left.contour(gx, gy, np.exp(-0.5 * (gx / 2) ** 2 - 0.5 * (gy - BEND * (gx**2 - 4)) ** 2), 6, cmap="Greys")
    left.scatter(*flat[:: max(1, len(flat) // 1500)].T, s=2)
    left.set_title("Samples on the banana")
    middle.plot(sample[:60, 0, :])
    middle.set(xlabel="draw", title="One chain: q1, q2")
    right.loglog(sizes, errors, "o-", label=f"order {order:.2f}")
    right.set(xlabel="step size", title="Energy error of leapfrog")
    right.legend()
    save(figure, out)
    return {
        "largest error of a mean (std)": float(np.abs(flat.mean(0) / np.sqrt(variance)).max()),
        "largest error of a variance": float(np.abs(flat.var(0) / variance - 1).max()), "R-hat": float(r_hat.max()),
        "acceptance": float(np.mean(accepted)), "order of the energy error": float(order),
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "hmc", RESULT, SMALL)
