"""Shows: a denoising diffusion model that writes the digit it is asked for, from noise, judged by a classifier.
Source: Ho, Jain and Abbeel, "Denoising diffusion probabilistic models" (2020); Nichol and Dhariwal (2021).
Result: a classifier taught on real digits reads the asked digit in 80 % of the samples, and each digit in over 50 %.
"""

import math

from _common import accuracy, batches, canvas, digits, run, save, tiles

import autograd_core as torch
import nn
import nn.functional as F
from nn.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

RESULT = {
    "asked digit is read": (0.8, 1), "worst digit is read": (0.5, 1), "median confidence": (0.9, 1),
    "energy distance / noise of equal moments": (-0.6, 0.2), "classifier on real digits": (0.95, 1),
}  # fmt: skip
SMALL = dict.fromkeys(("asked digit is read", "median confidence", "classifier on real digits"), (0.5, 1.0))
SMALL["energy distance / noise of equal moments"] = (-1, 0.6)  # unbiased: real training digits score -0.2 +- 0.3
STEPS = 100
ALPHA_BAR = (((torch.arange(STEPS) + 1) / STEPS + 0.008) / 1.008 * math.pi / 2).cos().square().clamp(min=1e-4)


class Block(nn.Module):
    """Residual: two convolutions with group norm, time and class added between them."""

    def __init__(self, channels: int, embedding: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(4, channels), nn.Conv2d(channels, channels, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(4, channels), nn.Conv2d(channels, channels, 3, padding=1)
        self.condition = nn.Linear(embedding, channels)

    def forward(self, x: torch.Tensor, e: torch.Tensor) -> torch.Tensor:
        h = self.conv1(F.silu(self.norm1(x))) + self.condition(e)[:, :, None, None]
        return x + self.conv2(F.silu(self.norm2(h)))


class Denoiser(nn.Module):
    """U-Net over 8 x 8 and 4 x 4 pixels: predicts the noise in x at time t, knowing the digit."""

    def __init__(self, width: int = 32, embedding: int = 64) -> None:
        super().__init__()
        self.time, self.digit = nn.Linear(12, embedding), nn.Embedding(10, embedding)
        self.first, self.down = nn.Conv2d(1, width, 3, padding=1), nn.Conv2d(width, 2 * width, 3, padding=1, stride=2)
        self.up, self.last = nn.ConvTranspose2d(2 * width, width, 2, stride=2), nn.Conv2d(width, 1, 3, padding=1)
        self.fine, self.coarse, self.fine2 = (Block(c, embedding) for c in (width, 2 * width, width))

    def forward(self, x: torch.Tensor, t: torch.Tensor, digit: torch.Tensor) -> torch.Tensor:
        """x (N, 1, 8, 8), t and digit (N,) integers."""
        phase = (t / STEPS).unsqueeze(1) * 2.0 ** torch.arange(6) * math.pi / 2
        e = F.silu(self.time(torch.cat([phase.sin(), phase.cos()], 1)) + self.digit(digit))
        fine = self.fine(self.first(x), e)
        return self.last(self.fine2(fine + self.up(self.coarse(self.down(fine), e)), e))


def classifier(x: torch.Tensor, y: torch.Tensor, epochs: int) -> nn.Sequential:
    """The judge: a small convolutional net on real digits in [-1, 1]."""
    body = nn.Sequential(nn.Conv2d(1, 16, 3, 1, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Flatten())
    model = nn.Sequential(body, nn.Linear(512, 10))
    optimizer = nn.optim.Adam(model.parameters(), lr=2e-3)
    for pick in batches(len(x), 64, epochs):
        optimizer.zero_grad()
        F.cross_entropy(model(x[pick]), y[pick]).backward()
        optimizer.step()
    return model


@torch.no_grad()
def sample(model: nn.Module, digit: torch.Tensor) -> list[torch.Tensor]:
    """Ancestral sampling from noise: the states on the way."""
    states = [torch.randn(len(digit), 1, 8, 8)]
    for t in reversed(range(STEPS)):
        a, b = ALPHA_BAR[t], ALPHA_BAR[t - 1] if t else torch.tensor(1.0)
        x = states[-1]
        clean = ((x - (1 - a).sqrt() * model(x, torch.full((len(x),), t), digit)) / a.sqrt()).clamp(-1, 1)
        keep, spread = (a / b).sqrt() * (1 - b) / (1 - a), ((1 - b) / (1 - a) * (1 - a / b)).sqrt()
        states.append(b.sqrt() * (1 - a / b) / (1 - a) * clean + keep * x + spread * torch.randn_like(x))
    return states


def main(small: bool = False, out: str = "runs/diffusion_digits") -> dict[str, float]:
    """Train on noised digits, ask for every digit, judge."""
    torch.manual_seed(0)
    x, y, test_x, test_y = digits()
    x, test_x = 2 * x - 1, 2 * test_x - 1
    judge = classifier(x, y, 4 if small else 20)
    model, epochs = Denoiser(16 if small else 32), 20 if small else 120
    optimizer = nn.optim.Adam(model.parameters(), lr=4e-3 if small else 2e-3)
    picks = list(batches(len(x), 64, epochs))
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, len(picks))
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.98))
    for pick in picks:
        noise, t = torch.randn(64, 1, 8, 8), torch.randint(STEPS, (64,))
        a = ALPHA_BAR[t][:, None, None, None]
        optimizer.zero_grad()
        F.mse_loss(model(a.sqrt() * x[pick] + (1 - a).sqrt() * noise, t, y[pick]), noise).backward()
        optimizer.step()
        schedule.step()
        average.update_parameters(model)
    asked = torch.arange(10).repeat(10 if small else 40)
    states = sample(average, asked)
    p, real = judge(states[-1]).detach().softmax(1), accuracy(judge(test_x), test_y)
    hit = (p.argmax(1) == asked).float()
    noise = x.mean(0) + x.std(0) * torch.randn(len(asked), 1, 8, 8)
    made, noise, true = (images.flatten(1) for images in (states[-1], noise, test_x))
    energy = lambda a, b: (2 * torch.cdist(a, b).mean() - torch.pdist(a).mean() - torch.pdist(b).mean()).item()
    figure, (left, right) = canvas(1, 2, 9, 4)
    tiles(left, torch.stack([x[:10] for x in states[::20]]), 10, "From noise to digits", vmin=-1, vmax=1)
    tiles(right, states[-1][:80], 10, f"Samples: {100 * hit.mean().item():.0f} % read as asked", vmin=-1, vmax=1)
    save(figure, out)
    return {
        "asked digit is read": hit.mean().item(), "worst digit is read": hit.reshape(-1, 10).mean(0).min().item(),
        "median confidence": p.max(1).values.median().item(), "classifier on real digits": real,
        "energy distance / noise of equal moments": energy(made, true) / energy(noise, true),
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "diffusion_digits", RESULT, SMALL)
