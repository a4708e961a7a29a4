"""Shows: a PyTorch checkpoint (.pt) read without PyTorch, its training resumed, its net fine-tuned to another task.
Source: PyTorch's notes "Serialization semantics" and "Saving and loading models"; Yosinski et al. (2014).
Result: logits within 1e-4, five resumed losses within 1e-3 of PyTorch's; fine-tuned error at most 0.8 of a new net's.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

from _common import accuracy, batches, canvas, digits, run, save, tiles

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {
    "logits against PyTorch's": (0, 1e-4), "resumed losses against PyTorch's": (0, 1e-3),
    "held-out accuracy against PyTorch's": (0, 0.003), "error, fine-tuned / from scratch": (0, 0.8),
    "error, fine-tuned / not tuned": (0, 0.5), "PyTorch was imported": (0, 0),
}  # fmt: skip
FILE = Path(__file__).parent / "data" / "digits_torch.pt"  # made by scripts/make_pt_checkpoint.py


def net() -> nn.Sequential:
    """The net of the checkpoint, in the words in which it was written for PyTorch."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(96, 10),
    )  # fmt: skip


def other(images: torch.Tensor) -> torch.Tensor:
    """The new task: the paper turned by 35 degrees, half the contrast, a grey ground."""
    c, s = math.cos(math.radians(35)), math.sin(math.radians(35))
    turn = torch.tensor([[c, -s, 0], [s, c, 0]]).expand(len(images), 2, 3)
    grid = F.affine_grid(turn, images.shape, align_corners=False)
    return 0.3 + 0.5 * F.grid_sample(images, grid, align_corners=False)


@torch.no_grad()
def held_out(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """Accuracy in evaluation mode."""
    model.eval()
    return accuracy(model(x), y)


def tune(
    model: nn.Module, x: torch.Tensor, y: torch.Tensor, test: tuple[torch.Tensor, torch.Tensor], epochs: int
) -> list[float]:
    """Adam on a few images: held-out errors along the way."""
    optimizer = nn.optim.Adam(model.parameters(), lr=2e-3)
    errors = [1 - held_out(model, *test)]
    for pick in batches(len(x), len(x) // 2, epochs):
        model.train()
        optimizer.zero_grad()
        F.cross_entropy(model(x[pick]), y[pick]).backward()
        optimizer.step()
        errors.append(1 - held_out(model, *test))
    return errors


def main(small: bool = False, out: str = "runs/torch_checkpoint") -> dict[str, float]:
    """Load, compare, resume, fine-tune."""
    imported = "torch" in sys.modules
    checkpoint = torch.load(FILE)
    model = net()
    model.load_state_dict(checkpoint["model"])
    x, y, test_x, test_y = digits()
    reached = held_out(model, test_x, test_y)
    with torch.no_grad():
        gap = (model(checkpoint["images"]) - checkpoint["logits"]).abs().max().item()

    optimizer = nn.optim.Adam(model.parameters(), lr=1.0)  # the checkpoint knows the rate, and the moments
    optimizer.load_state_dict(checkpoint["optimizer"])
    model.train()
    losses = []
    for _ in checkpoint["losses"]:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(checkpoint["images"]), checkpoint["labels"])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    apart = max(abs(a / b - 1) for a, b in zip(losses, checkpoint["losses"], strict=True))

    torch.manual_seed(0)
    few = torch.cat([(y == digit).nonzero()[:3, 0] for digit in range(10)])
    test, curves = (other(test_x), test_y), {}
    for name in ("from scratch", "fine-tuned"):
        student = net()
        if name == "fine-tuned":
            student.load_state_dict(checkpoint["model"])
        curves[name] = tune(student, other(x[few]), y[few], test, 30 if small else 100)
    figure, (left, middle, right) = canvas(1, 3, 10, 3.3)
    left.plot(checkpoint["losses"], "o", ms=9, mfc="none", label="PyTorch")
    left.plot(losses, "x-", label="here, from the checkpoint")
    left.set(title="Training, resumed", xlabel="step", ylabel="loss", xticks=range(5))
    left.legend(loc="lower left")
    tiles(middle, torch.cat([x[few[::3]], other(x[few[::3]])]), 5, "Old task, new task", vmin=0, vmax=1)
    for name, errors in curves.items():
        right.plot([100 * error for error in errors], label=name)
    right.set(title="New task, 3 images a class", xlabel="step", ylabel="held-out error, %")
    right.legend()
    save(figure, out)
    tuned, scratch = curves["fine-tuned"], curves["from scratch"]
    return {
        "logits against PyTorch's": gap, "resumed losses against PyTorch's": apart,
        "held-out accuracy against PyTorch's": abs(reached - checkpoint["held_out"]), "held-out accuracy": reached,
        "error, fine-tuned / from scratch": tuned[-1] / scratch[-1], "error, fine-tuned": tuned[-1],
        "error, fine-tuned / not tuned": tuned[-1] / tuned[0],
        "PyTorch was imported": "torch" in sys.modules and not imported,
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "torch_checkpoint", RESULT)
