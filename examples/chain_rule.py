"""Shows: the chain rule, walked by hand through f(x1, x2) = ln x1 + x1 x2 - sin x2, with its graph drawn.
Source: Baydin, Pearlmutter, Radul and Siskind, "Automatic differentiation in machine learning" (2018), table 3 and figure 4.
Result: the paper's numbers at (2, 5): f = 11.652, df/dx1 = 5.5, df/dx2 = 1.716, and the engine's adjoints equal ours.
"""

from __future__ import annotations

from pathlib import Path

from _common import canvas, run, save

import autograd_core as torch
from autograd_core import viz

RESULT = {"f": (11.651, 11.653), "df/dx1": (5.4999, 5.5001), "df/dx2": (1.716, 1.717), "largest gap of an adjoint": (0, 1e-12)}


def main(small: bool = False, out: str = "runs/chain_rule") -> dict[str, float]:
    """Forward once, backward twice: once with the engine, once by hand."""
    x1 = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    x2 = torch.tensor(5.0, dtype=torch.float64, requires_grad=True)
    v1, v2, v3 = x1.log(), x1 * x2, x2.sin()
    v4 = v1 + v2
    v5 = v4 - v3
    nodes = {"x1": x1, "x2": x2, "v1 = ln x1": v1, "v2 = x1 x2": v2, "v3 = sin x2": v3, "v4 = v1 + v2": v4, "v5 = v4 - v3": v5}
    for v in nodes.values():
        v.retain_grad()
    program = viz.graph(v5)  # the graph as data, before backward() frees it
    text, drawing = viz.text(v5), viz.dot(v5)
    v5.backward()

    # The same walk by hand. The adjoint of a value is d v5 / d value; each line uses only adjoints that stand above it.
    a5 = 1.0
    a4, a3 = a5, -a5
    a1, a2 = a4, a4
    b2 = a3 * x2.cos().item() + a2 * x1.item()
    b1 = a1 / x1.item() + a2 * x2.item()
    by_hand = [b1, b2, a1, a2, a3, a4, a5]
    adjoints = [v.grad.item() for v in nodes.values() if v.grad is not None]
    print(text)
    for (name, v), adjoint, mine in zip(nodes.items(), adjoints, by_hand, strict=True):
        print(f"{name:14s} value {v.item():8.4f}   adjoint {adjoint:8.4f}   by hand {mine:8.4f}")
    gap = max(abs(adjoint - mine) for adjoint, mine in zip(adjoints, by_hand, strict=True))

    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    drawing.save(str(folder / "graph.dot"))
    places = [(0, 1), (0, 0), (1, 1.4), (1, 0.7), (1, -0.2), (2, 1.1), (3, 0.5)]
    edges = ((0, 2), (0, 3), (1, 3), (1, 4), (2, 5), (3, 5), (5, 6), (4, 6))
    figure, ax = canvas(1, 1, 9, 3.6)
    for start, end in edges:
        ax.annotate("", places[end], places[start], arrowprops={"arrowstyle": "->", "shrinkA": 44, "shrinkB": 48})
    for (name, v), adjoint, place in zip(nodes.items(), adjoints, places, strict=True):
        label = f"{name}\nvalue {v.item():.3f}\nadjoint {adjoint:.3f}"
        ax.annotate(label, place, ha="center", va="center", fontsize=9, bbox={"boxstyle": "round", "fc": "#eef4ff"})
    ax.set(xlim=(-0.4, 3.4), ylim=(-0.6, 1.8), title=f"{len(program.nodes)} recorded nodes: values forward, adjoints backward")
    ax.set_axis_off()
    save(figure, out)
    return {"f": v5.item(), "df/dx1": adjoints[0], "df/dx2": adjoints[1], "largest gap of an adjoint": gap}


if __name__ == "__main__":
    run(main, __doc__, "chain_rule", RESULT)
