"""Shows: the learning-rate range test, and constant, step, cosine, cyclical and one-cycle rates with the same budget.
Source: Smith, "Cyclical learning rates" (2017); Loshchilov and Hutter, "SGDR" (2017); Smith and Topin, "Super-convergence" (2018).
Result: the range test finds where training blows up; a falling rate ends below 0.93 times the constant rate's loss.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from _common import accuracy, batches, canvas, digits, run, save

import autograd_core as torch
import nn
import nn.functional as F
from nn.optim import lr_scheduler as rates

RESULT = {
    "steepest rate of the range test": (0.01, 2.0), "rate where it blows up": (0.5, 100.0),
    "one-cycle loss / constant loss": (0, 0.93), "cosine loss / constant loss": (0, 0.93), "worst accuracy": (0.8, 1.0),
}  # fmt: skip


def net() -> nn.Sequential:
    """A 64-64-10 net, the same start every time."""
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def noisy(x: torch.Tensor) -> torch.Tensor:
    """Images under noise of standard deviation 0.5."""
    return x + 0.5 * torch.randn_like(x)


def train(optimizer: nn.optim.Optimizer, model: nn.Module, schedule: Any, x: Any, y: Any, epochs: int) -> tuple[list, list]:
    """One rate a step, every digit under fresh noise (so that a rate leaves a noise floor); returns rates and losses."""
    used, losses = [], []
    for pick in batches(len(x), 16, epochs):
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.zero_grad()
        loss = F.cross_entropy(model(noisy(x[pick])), y[pick])
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return used, losses


def smooth(values: list[float], keep: float = 0.9) -> list[float]:
    """Exponential average with the start corrected, as in the range test."""
    out, mean = [], 0.0
    for i, v in enumerate(values):
        mean = keep * mean + (1 - keep) * v
        out.append(mean / (1 - keep ** (i + 1)))
    return out


def main(small: bool = False, out: str = "runs/schedules") -> dict[str, float]:
    """Range test first, then five schedules with the rate it suggests."""
    x, y, test_x, test_y = digits()
    model = net()
    optimizer = nn.optim.SGD(model.parameters(), lr=1e-3)
    steps = 2 * (len(x) // 16)
    tested, losses = train(optimizer, model, rates.ExponentialLR(optimizer, (1e4) ** (1 / steps)), x, y, 2)
    curve = smooth(losses)
    slopes = [b - a for a, b in zip(curve, curve[10:], strict=False)]
    lowest = min(range(len(curve)), key=curve.__getitem__)
    steep = tested[min(range(lowest), key=slopes.__getitem__)]
    blown = next((r for r, loss in zip(tested[lowest:], curve[lowest:], strict=True) if loss > 1.5 * curve[lowest]), tested[-1])

    epochs = 5 if small else 20
    total = epochs * (len(x) // 16)
    top = min(steep, blown / 2)
    plans: dict[str, Callable[[Any], Any]] = {
        "constant": lambda o: rates.LambdaLR(o, lambda step: 1.0),
        "step": lambda o: rates.MultiStepLR(o, [total // 2, 3 * total // 4], gamma=0.1),
        "warm-up, cosine": lambda o: rates.SequentialLR(
            o, [rates.LinearLR(o, 0.05, total_iters=total // 10), rates.CosineAnnealingLR(o, total - total // 10)], [total // 10]
        ),
        "cyclical": lambda o: rates.CyclicLR(
            o, top / 20, top, step_size_up=total // 6, mode="triangular2", cycle_momentum=False
        ),
        "one-cycle": lambda o: rates.OneCycleLR(o, 1.5 * top, total_steps=total + 1, cycle_momentum=False),
    }  # fmt: skip
    figure, (left, middle, right) = canvas(1, 3, 10, 3.2)
    left.plot(tested, curve)
    left.axvline(steep, color="g", ls=":", label=f"steepest at {steep:.2g}")
    left.axvline(blown, color="r", ls=":", label=f"blows up at {blown:.2g}")
    left.set(xscale="log", ylim=(0, 3.5), xlabel="learning rate", ylabel="loss", title="Range test")
    left.legend(fontsize=8)
    final, shares = {}, {}
    for name, plan in plans.items():
        model = net()
        optimizer = nn.optim.SGD(model.parameters(), lr=top)
        used, losses = train(optimizer, model, plan(optimizer), x, y, epochs)
        with torch.no_grad():
            final[name] = F.cross_entropy(model(noisy(x)), y).item()
            shares[name] = accuracy(model(test_x), test_y)
        middle.plot(used, lw=1)
        right.plot(smooth(losses, 0.98), lw=1, label=f"{name}: {100 * shares[name]:.1f} %")
    middle.set(xlabel="step", title="Learning rate")
    right.set(xlabel="step", yscale="log", title="Training loss; held-out accuracy")
    right.legend(fontsize=8)
    save(figure, out)
    return {
        "steepest rate of the range test": steep, "rate where it blows up": blown,
        "one-cycle loss / constant loss": final["one-cycle"] / final["constant"],
        "cosine loss / constant loss": final["warm-up, cosine"] / final["constant"], "worst accuracy": min(shares.values()),
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "schedules", RESULT)
