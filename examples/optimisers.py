"""Shows: ten optimisers on Rosenbrock's valley (paths) and on digits (loss), mini-batch against full batch.
Source: Robbins-Monro (1951), Polyak (1964), Nesterov (1983), AdaGrad (2011), Adam (2015), L-BFGS (1989), Steihaug's Newton-CG (1983).
Result: L-BFGS and Newton-CG reach f < 1e-10 in the valley; every optimiser reads >= 90 % of held-out digits.
"""

from collections.abc import Callable, Iterable

import numpy as np
from _common import accuracy, batches, canvas, digits, run, save

import autograd_core as torch
import nn
import nn.functional as F

RESULT: dict[str, tuple[float, float]] = {f"{name} in the valley": (0, 1e-10) for name in ("L-BFGS", "Newton-CG")}
RESULT |= {"worst digits accuracy": (0.90, 1.0), "gain of mini-batches": (0.02, 1.0)}
OPTIM = nn.optim
FIRST_ORDER: dict[str, tuple[Callable[..., nn.optim.Optimizer], dict[str, float], dict[str, float]]] = {  # valley, digits
    "SGD": (OPTIM.SGD, {"lr": 1e-3}, {"lr": 0.5}),
    "momentum": (OPTIM.SGD, {"lr": 1e-3, "momentum": 0.9}, {"lr": 0.1, "momentum": 0.9}),
    "Nesterov": (OPTIM.SGD, {"lr": 1e-3, "momentum": 0.9, "nesterov": True}, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    "AdaGrad": (OPTIM.Adagrad, {"lr": 0.5}, {"lr": 0.03}),
    "AdaDelta": (OPTIM.Adadelta, {"lr": 20.0}, {"lr": 1.0}),
    "RMSprop": (OPTIM.RMSprop, {"lr": 5e-3}, {"lr": 3e-3}),
    "Adam": (OPTIM.Adam, {"lr": 0.05}, {"lr": 5e-3}),
    "AdamW": (OPTIM.AdamW, {"lr": 0.05}, {"lr": 5e-3}),
}  # fmt: skip


def rosenbrock(p: torch.Tensor) -> torch.Tensor:
    """(1 - x)^2 + 100 (y - x^2)^2, least at (1, 1)."""
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


def newton_cg(f: Callable[[torch.Tensor], torch.Tensor], p: torch.Tensor, steps: int) -> list[np.ndarray]:
    """Newton's direction by conjugate gradients on Hessian-vector products (two backwards, no matrix), halving steps."""
    path = [p.detach().numpy().copy()]
    for _ in range(steps):
        p = p.detach().requires_grad_()
        value = f(p)
        (g,) = torch.autograd.grad(value, p, create_graph=True)
        d, r = torch.zeros_like(p), -g.detach()
        q = r
        for _ in range(len(p)):
            (hq,) = torch.autograd.grad(g, p, q, retain_graph=True)
            if (curvature := q @ hq) <= 0:  # leave along the direction of negative curvature, as Steihaug does
                d = q if d.norm() == 0 else d
                break
            d, new = d + (r @ r / curvature) * q, r - (r @ r / curvature) * hq
            q, r = new + (new @ new) / (r @ r) * q, new
        size = 1.0
        while f(p.detach() + size * d) > value.detach() + 1e-4 * size * (g.detach() @ d) and size > 1e-10:
            size /= 2
        p = p.detach() + size * d
        path.append(p.numpy().copy())
    return path


def descend(optimizer: nn.optim.Optimizer, loss: Callable[[], torch.Tensor]) -> float:
    """One step (L-BFGS evaluates the loss several times); returns the loss before it."""
    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        (value := loss()).backward()
        return value
    return float(optimizer.step(closure))


def valley(make: Callable[..., nn.optim.Optimizer], steps: int) -> list[np.ndarray]:
    """The path of an optimiser from (-1.2, 1)."""
    p = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    optimizer, path = make([p]), [p.detach().numpy().copy()]
    for _ in range(steps):
        descend(optimizer, lambda: rosenbrock(p))
        path.append(p.detach().numpy().copy())
    return path


def learn(make: Callable[..., nn.optim.Optimizer], epochs: int, size: int) -> tuple[list[float], float]:
    """Train a 64-32-10 net on digits; loss at each step and held-out accuracy."""
    x, y, test_x, test_y = digits()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))
    optimizer = make(model.parameters())
    losses = [descend(optimizer, lambda: F.cross_entropy(model(x[pick]), y[pick])) for pick in batches(len(x), size, epochs)]
    return losses, accuracy(model(test_x), test_y)


def lbfgs(p: Iterable[torch.Tensor]) -> nn.optim.Optimizer:
    """L-BFGS with a Wolfe line search, ten directions a step, never satisfied."""
    return OPTIM.LBFGS(p, max_iter=10, tolerance_grad=1e-12, tolerance_change=1e-16, line_search_fn="strong_wolfe")


def main(small: bool = False, out: str = "runs/optimisers") -> dict[str, float]:
    """Valley paths left, digits losses right."""
    steps, epochs = (150, 3) if small else (2000, 15)
    paths = {name: valley(lambda p, o=o, a=a: o(p, **a), steps) for name, (o, a, _) in FIRST_ORDER.items()}
    paths |= {"L-BFGS": valley(lbfgs, 9), "Newton-CG": newton_cg(rosenbrock, torch.tensor([-1.2, 1.0]).double(), 25)}
    curves = {name: learn(lambda p, o=o, a=a: o(p, **a), epochs, 32) for name, (o, _, a) in FIRST_ORDER.items()}
    curves["L-BFGS, full batch"] = learn(lbfgs, epochs, 1438)
    full = learn(lambda p: OPTIM.SGD(p, lr=0.5), epochs, 1438)  # as many passes over the data as the others
    figure, (left, right) = canvas(1, 2, 10, 4.2)
    gx, gy = np.meshgrid(np.linspace(-1.7, 1.7, 120), np.linspace(-0.6, 1.8, 120))
    left.contourf(gx, gy, np.log10((1 - gx) ** 2 + 100 * (gy - gx**2) ** 2 + 1e-3), 20, cmap="Greys")
    for name, path in paths.items():
        left.plot(*np.array(path).T, ".-", ms=2, lw=1, label=name)
    left.set(xlim=(-1.7, 1.7), ylim=(-0.6, 1.8), title="Rosenbrock's valley, log f in grey")
    left.legend(fontsize=7, loc="lower right")
    for name, (losses, right_share) in ({**curves, "SGD, full batch": full}).items():
        right.plot(np.linspace(0, epochs, len(losses)), losses, lw=1, label=f"{name}: {100 * right_share:.1f} %")
    right.set(yscale="log", xlabel="passes over the digits", title="Training loss; held-out accuracy")
    right.legend(fontsize=7)
    save(figure, out)
    end = {name: float(rosenbrock(torch.tensor(path[-1]))) for name, path in paths.items()}
    return {f"{name} in the valley": end[name] for name in ("L-BFGS", "Newton-CG", "Adam")} | {
        "worst digits accuracy": min(share for _, share in curves.values()), "gain of mini-batches": curves["SGD"][1] - full[1],
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "optimisers", RESULT)
