"""Shows: tiny changes that fool a net (one gradient sign step, then many projected ones), and training against them.
Source: Goodfellow, Shlens and Szegedy, "Explaining and harnessing adversarial examples" (2015); Madry et al. (PGD, 2018).
Result: at 0.15 a pixel PGD breaks the plain net (below 35 %), the trained-against net keeps 25 points or more above it.
"""

import numpy as np
from _common import accuracy, batches, canvas, digits, run, save, tiles

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {
    "plain: clean": (0.93, 1.0), "plain: PGD 0.15": (0, 0.35), "trained against: clean": (0.85, 1.0), "gain under PGD 0.15": (0.25, 1.0),
    "PGD success minus random noise's": (0.4, 1.0),
}  # fmt: skip
SMALL = RESULT | {
    "plain: clean": (0.85, 1.0), "trained against: clean": (0.6, 1.0), "gain under PGD 0.15": (0.1, 1.0), "plain: PGD 0.15": (0, 0.5),
}  # fmt: skip


def attack(model: nn.Module, x: torch.Tensor, y: torch.Tensor, size: float, steps: int) -> torch.Tensor:
    """Ascend the loss by gradient signs inside the box |change| <= size; one step is FGSM, several are PGD."""
    change = torch.zeros_like(x) if steps == 1 else size * (2 * torch.rand_like(x) - 1)
    for _ in range(steps):
        change.requires_grad_()
        (g,) = torch.autograd.grad(F.cross_entropy(model(x + change), y), change)
        change = (change.detach() + size * (1 if steps == 1 else 2.5 / steps) * g.sign()).clamp(-size, size)
        change = (x + change).clamp(0, 1) - x
    return x + change


def train(x: torch.Tensor, y: torch.Tensor, epochs: int, size: float) -> nn.Module:
    """Ordinary training, or on the worst nearby images."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = nn.optim.Adam(model.parameters(), lr=2e-3)
    for pick in batches(len(x), 64, epochs):
        inputs = attack(model, x[pick], y[pick], size, 5) if size else x[pick]
        optimizer.zero_grad()
        F.cross_entropy(model(inputs), y[pick]).backward()
        optimizer.step()
    return model


def main(small: bool = False, out: str = "runs/adversarial") -> dict[str, float]:
    """Two nets under attacks of growing size."""
    x, y, t, labels = digits()
    sizes = np.linspace(0, 0.3, 3 if small else 7)
    models = {"plain": train(x, y, 8 if small else 40, 0.0), "trained against": train(x, y, 8 if small else 40, 0.15)}
    curves: dict[str, list[float]] = {}
    for name, model in models.items():
        for kind, steps in (("FGSM", 1), ("PGD", 20)):
            hits = [accuracy(model(attack(model, t, labels, float(s), steps)), labels) if s else accuracy(model(t), labels) for s in sizes]
            curves[f"{name}, {kind}"] = hits
    half = len(sizes) // 2  # 0.15
    noise = accuracy(models["plain"](t + 0.15 * torch.randn_like(t).sign()), labels)

    figure, (left, middle, right) = canvas(1, 3, 10, 3.2)
    for name, hits in curves.items():
        colour = "tab:red" if "plain" in name else "tab:green"
        left.plot(sizes, [100 * h for h in hits], "-" if "PGD" in name else ":", label=name, color=colour)
    left.set(xlabel="largest change of a pixel", ylabel="accuracy (%)", title="Held-out accuracy under attack")
    left.legend(fontsize=7)
    for ax, name in ((middle, "plain"), (right, "trained against")):
        bad = attack(models[name], t[:24], labels[:24], 0.15, 20)
        read = (models[name](bad).argmax(1) == labels[:24]).sum().item()
        tiles(ax, bad, 6, f"{name}: {read} of 24 read", vmin=0, vmax=1)
    save(figure, out)
    plain, hard = curves["plain, PGD"], curves["trained against, PGD"]
    return {
        "plain: clean": plain[0], "plain: FGSM 0.15": curves["plain, FGSM"][half], "plain: PGD 0.15": plain[half],
        "trained against: clean": hard[0], "trained against: PGD 0.15": hard[half], "gain under PGD 0.15": hard[half] - plain[half],
        "PGD success minus random noise's": noise - plain[half],
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "adversarial", RESULT, SMALL)
