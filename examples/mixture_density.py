"""Shows: a mixture density net on a problem with several right answers, where least squares gives their useless mean.
Source: Bishop, "Mixture density networks" (1994), the inverse of x = t + 0.3 sin(2 pi t).
Result: held-out log-likelihood at least 0.6 nats above a net with one Gaussian; three branches found at x = 0.5.
"""

from __future__ import annotations

import math

import numpy as np
from _common import canvas, run, save

import autograd_core as torch
import nn
from nn.distributions import Categorical, MixtureSameFamily, Normal

RESULT = {"gain over one Gaussian (nats)": (0.6, 3.0), "branches at x = 0.5": (3, 3), "largest error of a branch": (0, 0.06)}
SMALL = {"gain over one Gaussian (nats)": (0.3, 3.0), "branches at x = 0.5": (2, 4), "largest error of a branch": (0, 0.2)}


def data(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Bishop's data, input and output exchanged."""
    t = torch.rand(count)
    return (t + 0.3 * (2 * math.pi * t).sin() + 0.05 * (2 * torch.rand(count) - 1)).unsqueeze(1), t


class MDN(nn.Module):
    """A net whose output is the parameters of a mixture of normals."""

    def __init__(self, parts: int, width: int = 32) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 3 * parts))

    def forward(self, x: torch.Tensor) -> MixtureSameFamily:
        """p(t | x)."""
        logits, mean, log_scale = self.net(x).chunk(3, dim=1)
        return MixtureSameFamily(Categorical(logits=logits), Normal(mean + 0.5, log_scale.clamp(min=-3.5).exp()))


def train(parts: int, x: torch.Tensor, t: torch.Tensor, steps: int) -> MDN:
    """Maximum likelihood with Adam and a falling rate."""
    torch.manual_seed(1)
    model = MDN(parts)
    optimizer = nn.optim.Adam(model.parameters(), lr=0.01)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        (-model(x).log_prob(t).mean()).backward()
        optimizer.step()
        schedule.step()
    return model


@torch.no_grad()
def main(small: bool = False, out: str = "runs/mixture_density") -> dict[str, float]:
    """One Gaussian against five."""
    torch.manual_seed(0)
    x, t = data(300 if small else 1000)
    held = data(2000)
    steps = 250 if small else 1500
    with torch.enable_grad():
        models = [train(parts, x, t, steps) for parts in (1, 5)]
    single, mixed = (model(held[0]).log_prob(held[1]).mean().item() for model in models)

    side = torch.linspace(0, 1, 201)
    middle = models[1](torch.full((201, 1), 0.5)).log_prob(side).exp().numpy()
    peaks = [i for i in range(1, 200) if middle[i] > max(middle[i - 1], middle[i + 1], 0.3)]
    fine = np.linspace(0, 1, 20001)
    crossing = np.diff(np.sign(fine + 0.3 * np.sin(2 * np.pi * fine) - 0.5)) != 0
    truth = fine[1:][crossing]
    error = max(np.abs(truth - side.numpy()[i]).min() for i in peaks)

    figure, (left, centre, right) = canvas(1, 3, 10, 3.1)
    gx, gt = torch.meshgrid(side, side, indexing="xy")
    for ax, model, name in ((left, models[0], f"one Gaussian: {single:.2f} nats"), (centre, models[1], f"five: {mixed:.2f} nats")):
        density = model(gx.reshape(-1, 1)).log_prob(gt.reshape(-1)).exp().reshape(201, 201)
        ax.imshow(density.clamp(max=8).numpy(), origin="lower", extent=(0, 1, 0, 1), cmap="magma", aspect="auto")
        ax.plot(x[:200, 0].numpy(), t[:200].numpy(), "w.", ms=1.5)
        ax.set(title=name, xlabel="x")
    right.plot(side.numpy(), middle)
    for v in truth:
        right.axvline(v, color="k", ls=":", lw=1)
    right.set(title="p(t | x = 0.5); true branches dotted", xlabel="t")
    save(figure, out)
    return {"gain over one Gaussian (nats)": mixed - single, "branches at x = 0.5": len(peaks), "largest error of a branch": float(error)}


if __name__ == "__main__":
    run(main, __doc__, "mixture_density", RESULT, SMALL)
