"""Shows: a linear auto-encoder finds the principal components; a deep one does better; a denoising one cleans digits.
Source: Baldi and Hornik (1989); Hinton and Salakhutdinov, Science 313 (2006); Vincent et al., "Denoising autoencoders" (2008).
Result: linear error within 3 % of PCA's, deep error below 0.9 of it (8 numbers a digit); noise power cut at least by half.
"""

from __future__ import annotations

import numpy as np
from _common import batches, canvas, digits, run, save, tiles

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {
    "linear error / PCA error": (0.999, 1.03), "deep error / PCA error": (0.1, 0.9), "noise left after denoising": (0.01, 0.5),
}  # fmt: skip
SMALL = RESULT | {"linear error / PCA error": (0.999, 1.3), "deep error / PCA error": (0.1, 1.1)}


def deep(code: int, hidden: int = 128) -> nn.Sequential:
    """64 pixels to ``code`` numbers and back."""
    return nn.Sequential(
        nn.Linear(64, hidden), nn.SiLU(), nn.Linear(hidden, code), nn.Linear(code, hidden), nn.SiLU(), nn.Linear(hidden, 64)
    )


def train(model: nn.Module, x: torch.Tensor, epochs: int, rate: float, noise: float = 0.0) -> nn.Module:
    """Reproduce x from x under noise; the rate falls along a cosine."""
    steps = epochs * (len(x) // 64)
    optimizer = nn.optim.Adam(model.parameters(), lr=rate)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for pick in batches(len(x), 64, epochs):
        clean = x[pick]
        optimizer.zero_grad()
        F.mse_loss(model(clean + noise * torch.randn_like(clean)), clean).backward()
        optimizer.step()
        schedule.step()
    return model.eval()


@torch.no_grad()
def main(small: bool = False, out: str = "runs/autoencoder") -> dict[str, float]:
    """Three auto-encoders on the same digits."""
    torch.manual_seed(0)
    images, _, test, _ = digits()
    x, code, epochs = images.flatten(1), 8, 16 if small else 150
    mean = x.mean(0)
    _, _, vh = torch.linalg.svd(x - mean, full_matrices=False)
    project = vh[:code].T @ vh[:code]
    pca = F.mse_loss((x - mean) @ project, x - mean).item()

    with torch.enable_grad():
        linear = train(nn.Sequential(nn.Linear(64, code), nn.Linear(code, 64)), x, epochs, 1e-2)
        model = train(deep(code), x, epochs, 3e-3)
        cleaner = train(deep(32, 256), x, epochs, 3e-3, noise=0.3)
    t = test.flatten(1)
    noisy = t + 0.3 * torch.randn_like(t)
    clean = cleaner(noisy)

    figure, axes = canvas(1, 5, 10, 2.6)
    rows = {"digits": t, "PCA, 8 numbers": (t - mean) @ project + mean, "deep, 8 numbers": model(t), "noisy": noisy, "cleaned": clean}
    for ax, (name, picture) in zip(axes, rows.items(), strict=True):
        tiles(ax, picture[:24].reshape(-1, 8, 8), 4, name, vmin=0, vmax=1)
    save(figure, out)
    return {
        "linear error / PCA error": F.mse_loss(linear(x), x).item() / pca,
        "deep error / PCA error": F.mse_loss(model(x), x).item() / pca,
        "noise left after denoising": F.mse_loss(clean, t).item() / np.float64(F.mse_loss(noisy, t).item()),
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "autoencoder", RESULT, SMALL)
