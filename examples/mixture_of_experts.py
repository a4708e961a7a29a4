"""Shows: a sparsely gated mixture: each picture goes to 2 of 8 experts, and they divide the work among themselves.
Source: Shazeer et al., "Outrageously large neural networks: the sparsely-gated mixture-of-experts layer" (2017).
Result: a third or more below the errors of a dense net of as much work per picture; even loads, specialised experts.
"""

import math

import numpy as np
from _common import accuracy, canvas, digits, run, save

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {
    "errors, mixture / dense": (0, 0.67), "spread of loads, balanced": (0, 0.5), "spread, not / balanced": (1.5, 1e3),
    "share of the dialect that the expert tells": (0.3, 1.0),
}  # fmt: skip
EXPERTS, TOP, DIALECTS, WIDTH = 8, 2, 8, 12
net = lambda width: nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))
variation = lambda totals: totals.var(correction=0) / totals.mean().square()  # squared; 0 where all are equal


class Mixture(nn.Module):
    """Noisy top-k gating (section 2.1) over experts of one hidden layer; an expert runs on its own rows only."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.noise = nn.Linear(64, EXPERTS, bias=False), nn.Linear(64, EXPERTS, bias=False)
        nn.init.zeros_(self.gate.weight)  # all alike at first (appendix A)
        nn.init.zeros_(self.noise.weight)
        self.experts = nn.ModuleList(net(WIDTH) for _ in range(EXPERTS))

    def gates(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights (N, 8) of which two are not zero, and the smooth chance of each expert to be among the two."""
        clean, scale = self.gate(x), F.softplus(self.noise(x)) + 1e-2
        noisy = clean + scale * torch.randn_like(clean) if self.training else clean
        top = noisy.topk(TOP + 1, 1)
        gates = torch.zeros_like(noisy).scatter(1, top.indices[:, :TOP], top.values[:, :TOP].softmax(1))
        last, next_one = top.values[:, TOP - 1 : TOP], top.values[:, TOP:]
        bar = torch.where(noisy >= last, next_one, last)  # what an expert's noisy value has to pass
        return gates, torch.special.ndtr((clean - bar) / scale)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores (N, 10), and the balancing loss: squared variation of importances and of loads."""
        gates, chance = self.gates(x)
        out = torch.zeros(len(x), 10)
        for k, expert in enumerate(self.experts):
            rows = (gates[:, k] > 0).nonzero()[:, 0]
            out = out.index_add(0, rows, gates[rows, k].unsqueeze(1) * expert(x[rows]))
        return out, variation(gates.sum(0)) + variation(chance.sum(0))


def dialects(x: torch.Tensor, y: torch.Tensor, count: int, seed: int) -> tuple[torch.Tensor, ...]:
    """Digits (count, 64) in eight dialects, each a fixed order of the pixels of its own; labels; dialects."""
    orders = torch.from_numpy(np.stack([np.random.default_rng(k).permutation(64) for k in range(DIALECTS)]))
    rng = np.random.default_rng(100 + seed)
    pick, dialect = (torch.from_numpy(rng.integers(n, size=count)) for n in (len(x), DIALECTS))
    return x[pick].flatten(1).gather(1, orders[dialect]), y[pick], dialect


def learn(model: nn.Module, x: torch.Tensor, y: torch.Tensor, steps: int, weight: float = 0.0) -> None:
    """Adam on the cross-entropy, plus ``weight`` times the balancing loss of a mixture."""
    optimizer = nn.optim.Adam(model.parameters(), lr=5e-3)
    schedule = nn.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=steps)
    for _ in range(steps):
        pick = torch.randint(len(x), (128,))
        said = model(x[pick])
        scores, uneven = said if isinstance(said, tuple) else (said, 0.0)
        loss = F.cross_entropy(scores, y[pick]) + weight * uneven
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()


def main(small: bool = False, out: str = "runs/mixture_of_experts") -> dict[str, float]:
    """Train a dense net and mixtures with and without balancing; see who reads what."""
    torch.manual_seed(0)
    images, labels, held, names = digits()
    x, y, _ = dialects(images, labels, 8000, 0)
    test, truth, dialect = dialects(held, names, 2000, 1)
    steps = 400 if small else 2000
    dense = net(TOP * WIDTH)  # the work of two experts
    learn(dense, x, y, steps)
    who = F.one_hot(dialect, DIALECTS).float()
    tables, right = {}, {"dense": accuracy(dense(test), truth)}
    for name, weight in (("balanced", 0.1), ("not balanced", 0.0)):
        model = Mixture()
        learn(model, x, y, steps, weight)
        with torch.no_grad():
            right[name] = accuracy(model(test)[0], truth)
            tables[name] = who.T @ model.gates(test)[0] / len(test)  # joint shares of dialect and expert
    spread = {name: variation(table.sum(0)).sqrt().item() for name, table in tables.items()}
    joint = tables["balanced"]
    surprise = joint / (joint.sum(0) * joint.sum(1, keepdim=True)).clamp(min=1e-9)
    told = torch.special.xlogy(joint, surprise).sum().item() / math.log(DIALECTS)  # mutual information

    figure, (left, middle, corner) = canvas(1, 3, 10.5, 3.2)
    bars = left.barh(["dense", "mixture,\nbalanced", "mixture, not\nbalanced"], [100 * (1 - r) for r in right.values()])
    left.bar_label(bars, fmt="%.1f", label_type="center", color="white")
    left.invert_yaxis()
    left.set(title="Held-out digits misread (%)")
    for ax, (name, table) in zip((middle, corner), tables.items(), strict=True):
        drawn = ax.imshow(table.numpy() * DIALECTS, cmap="viridis", vmin=0, vmax=1)
        ax.set(xlabel="expert", ylabel="dialect", title=f"Who reads what, {name}", xticks=range(8), yticks=range(8))
    figure.colorbar(drawn, ax=corner)
    save(figure, out)
    return {
        "errors, mixture / dense": (1 - right["balanced"]) / (1 - right["dense"]), "dense: accuracy": right["dense"],
        "mixture: accuracy": right["balanced"], "spread of loads, balanced": spread["balanced"],
        "spread, not / balanced": spread["not balanced"] / spread["balanced"],
        "share of the dialect that the expert tells": told,
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "mixture_of_experts", RESULT)
