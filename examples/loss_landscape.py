"""Shows: the loss around the minima of a plain and a residual net of 20 layers, in two random directions, and along the path.
Source: Li, Xu, Taylor, Studer and Goldstein, "Visualizing the loss landscape of neural nets" (2018), filter normalisation.
Result: final loss of the residual net below half the plain one's; two PCA directions hold 60 % of its path; power iteration settles.
"""

import numpy as np
from _common import batches, canvas, digits, run, save

import autograd_core as torch
import nn
import nn.functional as F
from nn.utils import parameters_to_vector
from nn.utils.stateless import functional_call

RESULT = {
    "residual loss / plain loss": (0, 0.5), "share of the path in two directions": (0.6, 1.0), "power iteration: last change": (0, 1e-3),
    "sharpness of the residual net": (0.01, 1e4),
}  # fmt: skip
SMALL = RESULT | {"residual loss / plain loss": (0, 0.9), "power iteration: last change": (0, 0.2)}


class Net(nn.Module):
    """20 narrow layers, with or without the identity path."""

    def __init__(self, residual: bool, depth: int = 20, width: int = 16) -> None:
        super().__init__()
        self.residual, self.first, self.last = residual, nn.Linear(64, width), nn.Linear(width, 10)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images to logits."""
        h = self.first(x.flatten(1))
        for layer in self.layers:
            h = h + 0.3 * layer(h).relu() if self.residual else layer(h).relu()
        return self.last(h)


def loss_at(model: nn.Module, weights: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> float:
    """Loss with other weights."""
    names = [name for name, _ in model.named_parameters()]
    return F.cross_entropy(functional_call(model, dict(zip(names, weights, strict=True)), (x,)), y).item()


def direction(model: nn.Module) -> list[torch.Tensor]:
    """Random, each row scaled to the norm of the weight row it belongs to; biases stay."""
    out = []
    for p in model.parameters():
        d = torch.randn_like(p) if p.dim() > 1 else torch.zeros_like(p)
        out.append(d * (p.detach().norm(dim=-1, keepdim=True) / d.norm(dim=-1, keepdim=True)) if p.dim() > 1 else d)
    return out


def sharpness(model: nn.Module, x: torch.Tensor, y: torch.Tensor, steps: int) -> tuple[float, float]:
    """Largest Hessian eigenvalue by power iteration, and its last relative change."""
    parameters = list(model.parameters())
    grads = torch.autograd.grad(F.cross_entropy(model(x), y), parameters, create_graph=True)
    v = [torch.randn_like(p) for p in parameters]
    values = [1.0]
    for _ in range(steps):
        norm = parameters_to_vector(v).norm()
        hv = torch.autograd.grad(grads, parameters, [u / norm for u in v], retain_graph=True)
        values.append((parameters_to_vector(v) @ parameters_to_vector(hv) / norm).item())
        v = list(hv)
    return values[-1], abs(values[-1] / values[-2] - 1)


def main(small: bool = False, out: str = "runs/loss_landscape") -> dict[str, float]:
    """Train both, draw the surfaces, measure."""
    x, y, *_ = digits(400)
    side, figures, final = np.linspace(-1, 1, 7 if small else 31), {}, {}
    figure, axes = canvas(1, 3, 10.5, 3.3)
    for ax, (name, residual) in zip(axes, (("plain", False), ("residual", True)), strict=False):
        torch.manual_seed(0)
        model, path = Net(residual), []
        optimizer = nn.optim.Adam(model.parameters(), lr=3e-3)
        for pick in batches(len(x), 50, 4 if small else 30):
            path.append(parameters_to_vector(model.parameters()).detach().numpy().copy())
            optimizer.zero_grad()
            F.cross_entropy(model(x[pick]), y[pick]).backward()
            optimizer.step()
        centre = [p.detach().clone() for p in model.parameters()]
        a, b = direction(model), direction(model)
        with torch.no_grad():
            final[name] = loss_at(model, centre, x, y)
            surface = [
                [loss_at(model, [c + float(i) * u + float(j) * v for c, u, v in zip(centre, a, b, strict=True)], x, y) for i in side]
                for j in side
            ]
        drawn = ax.contourf(side, side, np.log10(np.array(surface)), 20, cmap="viridis")
        figure.colorbar(drawn, ax=ax)
        top, change = sharpness(model, x, y, 12 if small else 60)
        figures[f"sharpness of the {name} net"] = top
        ax.plot(0, 0, "r+")
        ax.set_title(f"{name}: log10 loss, sharpness {top:.1f}")
    steps = np.array(path) - np.array(path)[-1]
    u, s, _ = np.linalg.svd(steps, full_matrices=False)
    axes[2].plot(u[:, 0] * s[0], u[:, 1] * s[1], ".-", ms=2, lw=0.8)
    share = float((s[:2] ** 2).sum() / (s**2).sum())
    axes[2].set_title(f"Residual: path of Adam, {100 * share:.0f} % in two directions")
    save(figure, out)
    return figures | {
        "residual loss / plain loss": final["residual"] / final["plain"], "share of the path in two directions": share,
        "power iteration: last change": change,
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "loss_landscape", RESULT, SMALL)
