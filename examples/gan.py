"""Shows: a GAN and a Wasserstein GAN with gradient penalty (double backward) learning a ring of eight Gaussians.
Source: Goodfellow et al., "Generative adversarial nets" (2014); Gulrajani et al., "Improved training of Wasserstein GANs" (2017).
Result: WGAN-GP covers all 8 modes and cuts the energy distance to the data to 5 % of its start; |critic's gradient| near 1.
"""

from __future__ import annotations

import math

import numpy as np
from _common import canvas, run, save

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {
    "WGAN-GP: modes of 8": (8, 8), "WGAN-GP: energy distance, end / start": (0, 0.05), "GAN: energy distance, end / start": (0, 0.5),
    "norm of the critic's gradient": (0.8, 1.2),
}  # fmt: skip
SMALL = RESULT | {
    "WGAN-GP: modes of 8": (5, 8), "WGAN-GP: energy distance, end / start": (0, 0.25), "GAN: energy distance, end / start": (0, 0.2),
    "norm of the critic's gradient": (0.6, 1.4),
}  # fmt: skip


def mlp(inputs: int, outputs: int, width: int = 64) -> nn.Sequential:
    """Two hidden layers."""
    return nn.Sequential(
        nn.Linear(inputs, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, outputs)
    )


def ring(count: int) -> torch.Tensor:
    """Eight narrow Gaussians on a circle of radius 2."""
    angle = torch.randint(8, (count,)) * (math.pi / 4)
    return 2 * torch.stack([angle.cos(), angle.sin()], 1) + 0.1 * torch.randn(count, 2)


def energy(a: torch.Tensor, b: torch.Tensor) -> float:
    """Energy distance 2 E|a - b| - E|a - a'| - E|b - b'|, zero only for equal laws."""
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


def penalty(critic: nn.Module, real: torch.Tensor, fake: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(|gradient of the critic| - 1)^2 between real and fake; its own gradient needs a second backward."""
    mix = torch.rand(len(real), 1)
    point = (mix * real + (1 - mix) * fake).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(point).sum(), point, create_graph=True)
    norm = gradient.norm(dim=1)
    return ((norm - 1) ** 2).mean(), norm.mean()


def train(wasserstein: bool, steps: int) -> tuple[nn.Module, nn.Module, list[float], float]:
    """Generator, critic, energy distances along the way, mean norm of the critic's gradient at the end."""
    torch.manual_seed(1)
    generator, critic = mlp(2, 2), mlp(2, 1)
    over_g = nn.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.9))
    over_c = nn.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.9))
    distances, norms, size = [], [1.0], 128
    one = torch.ones(size, 1)
    for step in range(steps):
        for _ in range(4 if wasserstein else 1):
            real = ring(size)
            with torch.no_grad():
                fake = generator(torch.randn(size, 2))
            if wasserstein:
                cost, norm = penalty(critic, real, fake)
                loss = critic(fake).mean() - critic(real).mean() + 5 * cost
                norms.append(norm.item())
            else:
                loss = F.binary_cross_entropy_with_logits(critic(real), 0.9 * one)  # one-sided label smoothing
                loss = loss + F.binary_cross_entropy_with_logits(critic(fake), 0 * one)
            over_c.zero_grad()
            loss.backward()
            over_c.step()
        score = critic(generator(torch.randn(size, 2)))
        loss = -score.mean() if wasserstein else F.binary_cross_entropy_with_logits(score, one)
        over_g.zero_grad()
        loss.backward()
        over_g.step()
        if step % max(1, steps // 12) == 0 or step == steps - 1:
            with torch.no_grad():
                distances.append(energy(generator(torch.randn(500, 2)), ring(500)))
    return generator, critic, distances, float(np.mean(norms[-50:]))


def main(small: bool = False, out: str = "runs/gan") -> dict[str, float]:
    """Both games on the same ring."""
    steps = 110 if small else 2500
    figure, axes = canvas(1, 3, 10, 3.3)
    figures: dict[str, float] = {}
    for ax, (name, wasserstein) in zip(axes, (("GAN", False), ("WGAN-GP", True)), strict=False):
        generator, critic, distances, norm = train(wasserstein, steps if wasserstein else 3 * steps)
        side = torch.linspace(-3, 3, 60)
        with torch.no_grad():
            field = critic(torch.stack(torch.meshgrid(side, side, indexing="xy"), -1).reshape(-1, 2)).reshape(60, 60)
            samples, data = generator(torch.randn(2000, 2)), ring(500)
        ax.contourf(side.numpy(), side.numpy(), field.numpy(), 20, cmap="Greys", alpha=0.6)
        ax.scatter(*data.numpy().T, s=3, c="tab:blue")
        ax.scatter(*samples[:700].numpy().T, s=3, c="tab:red")
        ax.set(xlim=(-3, 3), ylim=(-3, 3), title=f"{name} (samples red)")
        axes[2].plot(np.linspace(0, 1, len(distances)), distances, label=name)
        angle = torch.arange(8) * (math.pi / 4)
        near = torch.cdist(samples, 2 * torch.stack([angle.cos(), angle.sin()], 1)) < 0.5
        figures[f"{name}: modes of 8"] = (near.sum(0) > 20).sum().item()
        figures[f"{name}: energy distance, end / start"] = distances[-1] / distances[0]
    axes[2].set(yscale="log", xlabel="share of training", title="Energy distance to the data")
    axes[2].legend()
    save(figure, out)
    return figures | {"norm of the critic's gradient": norm}


if __name__ == "__main__":
    run(main, __doc__, "gan", RESULT, SMALL)
