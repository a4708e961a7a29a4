"""Shows: a classifier that treats two groups differently, and penalties on the gap (parity, opportunity) that cure it.
Source: Hardt, Price and Srebro, "Equality of opportunity in supervised learning" (2016); Zafar et al., "Fairness constraints" (2017).
Result: held-out gaps fall from over 0.2 to below 0.06, each under its own penalty; accuracy falls by at most 0.08.
"""

from __future__ import annotations

import numpy as np
from _common import batches, canvas, run, save

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {
    "parity gap before": (0.2, 1), "parity gap after": (0, 0.06), "opportunity gap before": (0.2, 1),
    "opportunity gap after": (0, 0.06), "accuracy lost for parity": (-0.02, 0.08), "accuracy lost for opportunity": (-0.02, 0.08),
    "accuracy before": (0.75, 1),
}  # fmt: skip


def applicants(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Features (N, 4), who would repay (N,), group (N,): group 1 repays less often, and a proxy gives the group away.

    The group itself is no feature. The score of the past, a feature too, was lower for group 1 at equal merit.
    """
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 2, count)
    merit = rng.normal(0.4 - 0.8 * group, 1.0)
    repays = merit + 0.5 * rng.normal(size=count) > 0
    test = merit + 0.8 * rng.normal(size=count)
    score = merit - 1.2 * group + 0.6 * rng.normal(size=count)
    proxy = group + 0.4 * rng.normal(size=count)
    x = np.stack([test, score, proxy, rng.normal(size=count)], 1).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy(repays.astype(np.float32)), torch.from_numpy(group)


def rate(p: torch.Tensor, y: torch.Tensor, group: torch.Tensor, kind: str) -> list[torch.Tensor]:
    """Share of each group that is accepted: of all (parity) or of those who would repay (opportunity)."""
    among = [(group == g) & (y > 0.5) if kind == "opportunity" else group == g for g in (0, 1)]
    return [p[mask].mean() for mask in among]


def train(x: torch.Tensor, y: torch.Tensor, group: torch.Tensor, kind: str, weight: float, steps: int) -> nn.Module:
    """Cross-entropy plus ``weight`` times the squared gap of a batch.

    The penalty sees decisions through a steep sigmoid: a gap of probabilities may close while that of decisions stays.
    """
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0))
    optimizer = nn.optim.Adam(model.parameters(), lr=0.01)
    picks = list(batches(len(x), 500, 1 + steps * 500 // len(x)))[:steps]
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for pick in picks:
        logit = model(x[pick])
        first, second = rate((4 * logit).sigmoid(), y[pick], group[pick], kind)
        loss = F.binary_cross_entropy_with_logits(logit, y[pick]) + weight * (first - second) ** 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model


@torch.no_grad()
def judge(model: nn.Module, x: torch.Tensor, y: torch.Tensor, group: torch.Tensor) -> dict[str, float]:
    """Accuracy and both gaps of the decisions."""
    accepted = (model(x) > 0).float()
    gaps = {}
    for kind in ("parity", "opportunity"):
        first, second = rate(accepted, y, group, kind)
        gaps[kind] = (first - second).abs().item()
    return {"accuracy": (accepted == y).float().mean().item(), **gaps}


def main(small: bool = False, out: str = "runs/fairness") -> dict[str, float]:
    """One plain model, then a path of growing penalties of either kind."""
    train_set, test_set = applicants(6000, 0), applicants(20000, 1)
    weights = [0.0, 10.0] if small else [0.0, 0.1, 0.3, 1.0, 3.0, 10.0]
    results = {
        kind: [judge(train(*train_set, kind, weight, 300 if small else 1200), *test_set) for weight in weights]
        for kind in ("parity", "opportunity")
    }
    before = results["parity"][0]

    figure, axes = canvas(1, 3, 10.5, 3.3)
    for ax, (kind, path) in zip(axes, results.items(), strict=False):
        for measured, colour in (("parity", "C0"), ("opportunity", "C1")):
            ax.plot(range(len(weights)), [point[measured] for point in path], "o-", color=colour, label=f"{measured} gap")
        ax.set(title=f"Penalty on {kind}", xlabel="weight of the penalty", ylim=(0, None))
        ax.set_xticks(range(len(weights)), [f"{w:g}" for w in weights])
        ax.legend()
        axes[2].plot([p[kind] for p in path], [p["accuracy"] for p in path], "o-", label=f"penalty on {kind}")
    axes[0].set_ylabel("gap of the decisions")
    axes[2].set(title="What it costs", xlabel="the gap that is penalised", ylabel="accuracy")
    axes[2].legend()
    save(figure, out)
    figures = {"accuracy before": before["accuracy"]}
    for kind, path in results.items():
        figures[f"{kind} gap before"], figures[f"{kind} gap after"] = before[kind], path[-1][kind]
        figures[f"accuracy lost for {kind}"] = before["accuracy"] - path[-1]["accuracy"]
    return figures


if __name__ == "__main__":
    run(main, __doc__, "fairness", RESULT)
