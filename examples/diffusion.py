"""Shows: denoising diffusion turning noise into a spiral, step by step.
Source: Ho, Jain and Abbeel, "Denoising diffusion probabilistic models" (2020); Song et al., "DDIM" (2021) for the short sampler.
Result: energy distance of samples to fresh data below 3 % of the noise's; the 20-step DDIM sampler stays below 6 %.
"""

from __future__ import annotations

import math

from _common import canvas, run, save

import autograd_core as torch
import nn
import nn.functional as F
from nn.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

RESULT = {
    "energy distance, DDPM / noise": (0, 0.03), "energy distance, DDIM (20 steps) / noise": (0, 0.06), "noise prediction loss": (0.05, 0.6),
}  # fmt: skip
SMALL = {
    "energy distance, DDPM / noise": (0, 0.2), "energy distance, DDIM (20 steps) / noise": (0, 0.15), "noise prediction loss": (0.05, 0.6),
}  # fmt: skip
STEPS = 100
BETA = torch.linspace(1e-4, 0.1, STEPS)
ALPHA_BAR = (1 - BETA).cumprod(0)


def data(count: int) -> torch.Tensor:
    """One arm of a spiral, about unit variance."""
    r = torch.rand(count).sqrt()
    angle = 3 * math.pi * r
    return 2 * r.unsqueeze(1) * torch.stack([angle.cos(), angle.sin()], 1) + 0.05 * torch.randn(count, 2)


class Denoiser(nn.Module):
    """Predicts the noise in x at time t; time enters as sines."""

    def __init__(self, width: int = 96) -> None:
        super().__init__()
        self.register_buffer("frequencies", 2.0 ** torch.arange(6) * math.pi / 2)
        self.net = nn.Sequential(
            nn.Linear(14, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2)
        )

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """x (N, 2), t (N,) integer."""
        phase = (t / STEPS).unsqueeze(1) * self.frequencies
        return self.net(torch.cat([x, phase.sin(), phase.cos()], 1))


def energy(a: torch.Tensor, b: torch.Tensor) -> float:
    """Energy distance, zero only for equal laws."""
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


@torch.no_grad()
def sample(model: Denoiser, count: int, times: list[int], noisy: bool) -> list[torch.Tensor]:
    """Walk down ``times``: DDPM adds noise at each step, DDIM adds none. Returns the states."""
    x = torch.randn(count, 2)
    states = [x]
    for now, after in zip(times, [*times[1:], -1], strict=True):
        a, b = ALPHA_BAR[now], ALPHA_BAR[after] if after >= 0 else torch.tensor(1.0)
        noise = model(x, torch.full((count,), now))
        clean = ((x - (1 - a).sqrt() * noise) / a.sqrt()).clamp(-3, 3)
        sigma = ((1 - b) / (1 - a) * (1 - a / b)).sqrt() if noisy else torch.tensor(0.0)
        x = b.sqrt() * clean + (1 - b - sigma**2).clamp(min=0).sqrt() * noise + sigma * torch.randn_like(x)
        states.append(x)
    return states


def main(small: bool = False, out: str = "runs/diffusion") -> dict[str, float]:
    """Train on noised points, then sample in 100 and in 20 steps."""
    torch.manual_seed(0)
    model, steps = Denoiser(), 1200 if small else 8000
    optimizer = nn.optim.Adam(model.parameters(), lr=3e-3)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.99))
    losses = []
    for _ in range(steps):
        x, noise, t = data(256), torch.randn(256, 2), torch.randint(STEPS, (256,))
        a = ALPHA_BAR[t].unsqueeze(1)
        optimizer.zero_grad()
        loss = F.mse_loss(model(a.sqrt() * x + (1 - a).sqrt() * noise, t), noise)
        loss.backward()
        optimizer.step()
        schedule.step()
        average.update_parameters(model)
        losses.append(loss.item())
    every = list(range(STEPS - 1, -1, -1))
    states = sample(average, 1500, every, noisy=True)
    quick = sample(average, 1500, every[::5], noisy=False)
    fresh = data(1500)
    start = energy(torch.randn(1500, 2), fresh)
    figure, axes = canvas(1, 5, 11, 2.5)
    shown = {"noise": states[0], "60 steps": states[60], "85 steps": states[85], "100 steps (DDPM)": states[-1]}
    for ax, (name, x) in zip(axes, (shown | {"20 steps (DDIM)": quick[-1]}).items(), strict=True):
        ax.scatter(*x.numpy().T, s=1.5)
        ax.set(xlim=(-3, 3), ylim=(-3, 3), title=name, aspect="equal")
    save(figure, out)
    return {
        "energy distance, DDPM / noise": energy(states[-1], fresh) / start,
        "energy distance, DDIM (20 steps) / noise": energy(quick[-1], fresh) / start, "noise prediction loss": sum(losses[-100:]) / 100,
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "diffusion", RESULT, SMALL)
