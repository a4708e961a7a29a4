"""Shows: making a net small: distillation into a small one, magnitude pruning, weights of three levels (straight-through).
Source: Hinton, Vinyals and Dean (2015); LeCun, "Optimal brain damage" (1990), Han et al. (2015); Bengio et al. (2013) for the estimator.
Result: pruning 90 % costs under 4 points, three-level weights under 6 after training through the rounding, which gains 2 or more.
"""

import copy
from typing import Any, TypeVar

from _common import accuracy, batches, canvas, digits, run, save

import autograd_core as torch
import nn
import nn.functional as F
from nn.utils import parametrize, prune

RESULT = {
    "cost of 90 % pruning": (-0.05, 0.04), "cost of 2-bit weights, trained": (-0.05, 0.06),
    "gain of training through rounding": (0.02, 1.0), "full net": (0.95, 1.0),
    "weights left after pruning": (0.09, 0.11), "student with teacher minus alone": (0.0, 0.5),
}  # fmt: skip
Net = TypeVar("Net", bound=nn.Module)


class Round(torch.autograd.Function):
    """Nearest whole number; the gradient passes straight through."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.round()

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
        return g


class Quantise(nn.Module):
    """A parametrisation: weights on a grid of 2^bits - 1 symmetric levels, one scale for each output."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.levels = 2 ** (bits - 1) - 1

    def forward(self, w: torch.Tensor) -> torch.Tensor:
        """Straight-through rounding; the scale is a constant."""
        scale = 1.4 * w.detach().abs().mean(1, keepdim=True) / self.levels
        return Round.apply((w / scale).clamp(-self.levels, self.levels)) * scale


def net(width: int) -> nn.Sequential:
    """64-width-width-10."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10))


def train(model: Net, x: torch.Tensor, y: torch.Tensor, epochs: int, teacher: nn.Module | None = None) -> Net:
    """Cross-entropy; with a teacher, also the divergence to its softened answers (temperature 3)."""
    optimizer = nn.optim.Adam(model.parameters(), lr=2e-3)
    for k, pick in enumerate(batches(len(x), 32, epochs)):
        logits = model(x[pick])
        loss = F.cross_entropy(logits, y[pick])
        if teacher is not None:  # on noisy copies of the digits as well: there the teacher tells more than the labels
            torch.manual_seed(k)
            near = x[pick] + 0.2 * torch.randn_like(x[pick])
            with torch.no_grad():
                soft = (teacher(near) / 3).log_softmax(1)
            loss = 0.3 * loss + 9 * F.kl_div((model(near) / 3).log_softmax(1), soft, log_target=True, reduction="batchmean")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def main(small: bool = False, out: str = "runs/compression") -> dict[str, float]:
    """Teacher, student, pruned, quantised."""
    x, y, t, labels = digits()
    epochs = 20 if small else 30
    teacher = train(net(64), x, y, epochs)
    scores = {"full net": accuracy(teacher(t), labels)}
    few = slice(0, 150)  # the students see 150 digits
    scores["student alone"] = accuracy(train(net(12), x[few], y[few], 4 * epochs)(t), labels)
    scores["student, taught"] = accuracy(train(net(12), x[few], y[few], 4 * epochs, teacher=teacher)(t), labels)

    pruned = copy.deepcopy(teacher)
    layers = [(m, "weight") for m in pruned if isinstance(m, nn.Linear)]
    for share in (0.5, 0.75, 0.9):  # prune, train on, prune further; masks accumulate, so amounts are of what is left
        have = sum(int((m.weight != 0).sum()) for m, _ in layers) / sum(m.weight.numel() for m, _ in layers)
        prune.global_unstructured(layers, pruning_method=prune.L1Unstructured, amount=1 - (1 - share) / have)
        train(pruned, x, y, max(2, epochs // 3))
    scores["90 % pruned"] = accuracy(pruned(t), labels)
    left = sum(int((m.weight != 0).sum()) for m, _ in layers) / sum(m.weight.numel() for m, _ in layers)

    coarse = copy.deepcopy(teacher)
    for m in coarse:
        if isinstance(m, nn.Linear):
            parametrize.register_parametrization(m, "weight", Quantise(2))
    scores["2 bit, rounded"] = accuracy(coarse(t), labels)
    scores["2 bit, trained"] = accuracy(train(coarse, x, y, epochs)(t), labels)

    figure, ax = canvas(1, 1, 8, 3)
    ax.bar(list(scores), [100 * v for v in scores.values()], color=["k", *["tab:blue"] * 2, "tab:green", *["tab:orange"] * 2])
    for i, v in enumerate(scores.values()):
        ax.text(i, 100 * v, f"{100 * v:.1f}", ha="center", va="bottom", fontsize=8)
    ax.set(ylim=(0, 108), title="Held-out accuracy (%): distilled, pruned, quantised")
    save(figure, out)
    return {
        "cost of 90 % pruning": scores["full net"] - scores["90 % pruned"], "weights left after pruning": left,
        "cost of 2-bit weights, trained": scores["full net"] - scores["2 bit, trained"],
        "gain of training through rounding": scores["2 bit, trained"] - scores["2 bit, rounded"],
        "full net": scores["full net"], "student with teacher minus alone": scores["student, taught"] - scores["student alone"],
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "compression", RESULT)
