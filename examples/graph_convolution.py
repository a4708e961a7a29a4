"""Shows: a graph convolution net splitting Zachary's karate club from two labelled members, the two leaders.
Source: Kipf and Welling, "Semi-supervised classification with graph convolutional networks" (2017); Zachary (1977) for the club.
Result: at most 2 of the 34 members on the wrong side, averaged over starts; without the graph it cannot beat chance by much.
"""

import numpy as np
from _common import canvas, run, save

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {"members right, graph": (0.94, 1.0), "members right, no graph": (0.3, 0.75), "friendships": (78, 78)}
# Zachary's table of friendships, members counted from 1
FRIENDS = {
    1: "2 3 4 5 6 7 8 9 11 12 13 14 18 20 22 32", 2: "3 4 8 14 18 20 22 31", 3: "4 8 9 10 14 28 29 33", 4: "8 13 14", 5: "7 11",
    6: "7 11 17", 7: "17", 9: "31 33 34", 10: "34", 14: "34", 15: "33 34", 16: "33 34", 19: "33 34", 20: "34", 21: "33 34",
    23: "33 34", 24: "26 28 30 33 34", 25: "26 28 32", 26: "32", 27: "30 34", 28: "34", 29: "32 34", 30: "33 34", 31: "33 34",
    32: "33 34", 33: "34",
}  # fmt: skip
OFFICER = [10, 15, 16, 19, 21, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34]  # the side of member 34 after the split; 9 went with 1


class GCN(nn.Module):
    """Two layers H' = relu(A H W) with the normalised adjacency A; no member has a feature but its own name."""

    def __init__(self, mix: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mix", mix)
        self.first, self.second = nn.Linear(34, 16, bias=False), nn.Linear(16, 2, bias=False)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Hidden features and logits of all members."""
        h = (self.mix @ self.first(x)).tanh()
        return h, self.mix @ self.second(h)


def main(small: bool = False, out: str = "runs/graph_convolution") -> dict[str, float]:
    """Train from two labels, with and without the graph."""
    edges = [(a - 1, int(b) - 1) for a, row in FRIENDS.items() for b in row.split()]
    adjacency = torch.eye(34)
    for a, b in edges:
        adjacency[a, b] = adjacency[b, a] = 1.0
    scale = adjacency.sum(1).rsqrt()
    mix = scale.unsqueeze(1) * adjacency * scale
    truth = torch.zeros(34, dtype=torch.int64)
    truth[torch.tensor(OFFICER) - 1] = 1
    x, known = torch.eye(34), torch.tensor([0, 33])
    unknown = torch.arange(1, 33)

    shares: dict[str, list[float]] = {"graph": [], "no graph": []}
    for seed in range(5 if small else 20):
        for name, matrix in (("graph", mix), ("no graph", torch.eye(34))):
            torch.manual_seed(seed)
            model = GCN(matrix)
            optimizer = nn.optim.Adam(model.parameters(), lr=0.02, weight_decay=5e-4)
            for _ in range(100):
                optimizer.zero_grad()
                _, logits = model(x)
                F.cross_entropy(logits[known], truth[known]).backward()
                optimizer.step()
            _, logits = model(x)
            shares[name].append((logits.argmax(1) == truth)[unknown].float().mean().item())
            if name == "graph":
                hidden, belief = model(x)[0].detach(), logits.softmax(1)[:, 1].detach()

    figure, (left, right) = canvas(1, 2, 9.5, 4)
    u, s, _ = torch.linalg.svd(hidden - hidden.mean(0), full_matrices=False)
    place = (u[:, :2] * s[:2]).numpy()
    for a, b in edges:
        left.plot(*place[[a, b]].T, color="0.85", lw=0.6, zorder=0)
    left.scatter(*place.T, c=belief.numpy(), cmap="coolwarm", vmin=0, vmax=1, s=90, edgecolors="k", linewidths=0.5)
    for i, (a, b) in enumerate(place):
        left.text(a, b, str(i + 1), ha="center", va="center", fontsize=6)
    left.set_title("Learnt features (two principal directions) and belief")
    left.set_axis_off()
    for i, (name, values) in enumerate(shares.items()):
        right.scatter(np.full(len(values), i) + np.linspace(-0.2, 0.2, len(values)), values, s=14, label=f"{name}: {np.mean(values):.3f}")
    right.axhline(0.5, color="k", ls=":", lw=0.8)
    right.set(xticks=[0, 1], xticklabels=list(shares), ylim=(0, 1.05), title="Share of unlabelled members right, each start")
    right.legend()
    save(figure, out)
    return {f"members right, {name}": float(np.mean(values)) for name, values in shares.items()} | {"friendships": len(edges)}


if __name__ == "__main__":
    run(main, __doc__, "graph_convolution", RESULT)
