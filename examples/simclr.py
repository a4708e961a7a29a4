"""Shows: contrastive learning without labels: two views of a digit attract, all others repel; then a linear probe.
Source: Chen, Kornblith, Norouzi and Hinton, "A simple framework for contrastive learning" (SimCLR, 2020).
Result: with 5 labels a class, the probe on learnt features beats the probe on a random net's features by 10 points or more.
"""

from __future__ import annotations

import numpy as np
from _common import accuracy, batches, canvas, digits, run, save

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {"probe gain over random features": (0.10, 0.6), "probe accuracy": (0.75, 1.0), "contrastive loss, end / start": (0, 0.7)}
SMALL = RESULT | {"contrastive loss, end / start": (0, 0.8)}


class Encoder(nn.Module):
    """A small convolution net and the projection head that only the contrastive loss sees."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(), nn.Linear(512, 64), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Unit vectors for the loss."""
        return F.normalize(self.head(self.body(x)))


def view(x: torch.Tensor) -> torch.Tensor:
    """A random small rotation, scale, shift and noise of each image (grid_sample)."""
    n = len(x)
    angle, scale = 0.35 * (2 * torch.rand(n) - 1), 1 + 0.2 * (2 * torch.rand(n) - 1)
    c, s, shift = scale * angle.cos(), scale * angle.sin(), 0.25 * (2 * torch.rand(n, 2) - 1)
    theta = torch.stack([torch.stack([c, -s, shift[:, 0]], 1), torch.stack([s, c, shift[:, 1]], 1)], 1)
    moved = F.grid_sample(x, F.affine_grid(theta, list(x.shape), align_corners=False), align_corners=False)
    return (moved + 0.1 * torch.randn_like(x)) * (0.7 + 0.6 * torch.rand(n, 1, 1, 1))


def nt_xent(a: torch.Tensor, b: torch.Tensor, temperature: float = 0.3) -> torch.Tensor:
    """Each of 2N views must find its partner among the other 2N - 1."""
    z = torch.cat([a, b])
    n = len(a)
    likeness = (z @ z.T / temperature).masked_fill(torch.eye(2 * n, dtype=torch.bool), -torch.inf)
    return F.cross_entropy(likeness, torch.cat([torch.arange(n, 2 * n), torch.arange(n)]))


@torch.no_grad()
def features(model: Encoder, x: torch.Tensor) -> torch.Tensor:
    """The body's output in evaluation mode."""
    model.eval()
    f = model.body(x)
    model.train()
    return f


def probe(f: torch.Tensor, y: torch.Tensor, test_f: torch.Tensor, test_y: torch.Tensor) -> float:
    """Logistic regression on standardised features with few labels, by L-BFGS."""
    mean, scale = f.mean(0), f.std(0) + 1e-3
    f, test_f = (f - mean) / scale, (test_f - mean) / scale
    layer = nn.Linear(f.shape[1], 10)
    optimizer = nn.optim.LBFGS(layer.parameters(), max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(layer(f), y) + 1e-2 * layer.weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return accuracy(layer(test_f), test_y)


def main(small: bool = False, out: str = "runs/simclr") -> dict[str, float]:
    """Learn without labels, then probe with 5 labels of each class."""
    torch.manual_seed(0)
    x, y, test_x, test_y = digits()
    few = torch.cat([(y == k).nonzero()[:5, 0] for k in range(10)])
    model = Encoder()
    before = features(model, torch.cat([x[few], test_x]))
    optimizer = nn.optim.Adam(model.parameters(), lr=2e-3)
    losses = []
    for pick in batches(len(x), 128, 4 if small else 40):
        optimizer.zero_grad()
        loss = nt_xent(model(view(x[pick])), model(view(x[pick])))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    after = features(model, torch.cat([x[few], test_x]))
    scores = [probe(f[:50], y[few], f[50:], test_y) for f in (before, after)]
    pixels = probe(x[few].flatten(1), y[few], test_x.flatten(1), test_y)

    figure, (left, middle, right) = canvas(1, 3, 10, 3.2)
    left.plot(losses, lw=0.8)
    left.set(xlabel="step", title="Contrastive loss")
    for ax, f, name in ((middle, before[50:], "random net"), (right, after[50:], "learnt, no labels")):
        u, s, _ = torch.linalg.svd(f - f.mean(0), full_matrices=False)
        ax.scatter(*(u[:, :2] * s[:2]).numpy().T, c=test_y.numpy(), cmap="tab10", s=8)
        ax.set_title(f"{name}: probe {100 * scores[name != 'random net']:.1f} %")
    save(figure, out)
    return {
        "probe gain over random features": scores[1] - scores[0], "probe accuracy": scores[1], "probe on pixels": pixels,
        "contrastive loss, end / start": float(np.mean(losses[-10:]) / losses[0]),
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "simclr", RESULT, SMALL)
