"""Shows: scipy.optimize.minimize driven by our gradients and Hessian-vector products, beside finite differences.
Source: Nash, "Newton-type minimization via the Lanczos method" (1984); SciPy's manual, "Newton-CG" and "trust-ncg".
Result: all methods reach the same minimum to 1e-6; with our derivatives at most a tenth of the evaluations of finite differences.
"""

import numpy as np
from _common import canvas, digits, run, save
from scipy.optimize import minimize

import autograd_core as torch
import nn
import nn.functional as F
from nn.utils.stateless import functional_call

RESULT = {
    "spread of the minima": (0, 1e-6), "evaluations, ours / differences": (0, 0.1), "gradient's norm at the end": (0, 1e-5),
    "check_grad": (0, 1e-5),
}  # fmt: skip


class Objective:
    """Value, gradient and Hessian-vector product of a module's loss as functions of one NumPy vector."""

    def __init__(self, model: nn.Module, x: torch.Tensor, y: torch.Tensor, decay: float) -> None:
        self.model, self.x, self.y, self.decay, self.calls = model, x, y, decay, 0

    def loss(self, v: torch.Tensor) -> torch.Tensor:
        """Cross-entropy with a quadratic penalty, the parameters cut out of v."""
        self.calls += 1
        named, at = {}, 0
        for name, p in self.model.named_parameters():
            named[name] = v[at : at + p.numel()].reshape(p.shape)
            at += p.numel()
        return F.cross_entropy(functional_call(self.model, named, (self.x,)), self.y) + self.decay * v.square().sum()

    def value(self, v: np.ndarray) -> float:
        """For finite differences."""
        return self.loss(torch.tensor(v)).item()

    def both(self, v: np.ndarray) -> tuple[float, np.ndarray]:
        """Value and gradient (jac=True)."""
        point = torch.tensor(v, requires_grad=True)
        loss = self.loss(point)
        return loss.item(), torch.autograd.grad(loss, point)[0].numpy()

    def hessp(self, v: np.ndarray, direction: np.ndarray) -> np.ndarray:
        """Hessian times a direction."""
        point = torch.tensor(v, requires_grad=True)
        (g,) = torch.autograd.grad(self.loss(point), point, create_graph=True)
        return torch.autograd.grad(g, point, torch.tensor(direction))[0].numpy()


def main(small: bool = False, out: str = "runs/scipy_bridge") -> dict[str, float]:
    """Multinomial regression on pooled digits: convex, so there is one minimum to agree on."""
    torch.manual_seed(0)
    x, y, *_ = digits(100 if small else 400)
    model = nn.Sequential(nn.AvgPool2d(4 if small else 2), nn.Flatten(), nn.Linear(4 if small else 16, 10)).double()
    objective = Objective(model, x.double(), y, 1e-2)
    start = np.zeros(sum(p.numel() for p in model.parameters()))
    direction = np.random.default_rng(0).normal(size=len(start))
    slope = (objective.value(1e-5 * direction) - objective.value(-1e-5 * direction)) / 2e-5
    check = abs(slope - objective.both(start)[1] @ direction) / abs(slope)

    ends, counts, curves, norms = {}, {}, {}, {}
    plans = {
        "BFGS, finite differences": dict(fun=objective.value, method="BFGS", options={"gtol": 2e-6}),
        "L-BFGS-B": dict(fun=objective.both, jac=True, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-7}),
        "Newton-CG": dict(fun=objective.both, jac=True, hessp=objective.hessp, method="Newton-CG", options={"xtol": 1e-9}),
        "trust-ncg": dict(fun=objective.both, jac=True, hessp=objective.hessp, method="trust-ncg", options={"gtol": 1e-7}),
    }
    for name, plan in plans.items():
        objective.calls = 0
        steps: list[tuple[int, float]] = []
        result = minimize(x0=start, callback=lambda v: steps.append((objective.calls, objective.value(v))), **plan)
        ends[name], counts[name] = result.fun, objective.calls - len(steps)
        curves[name], norms[name] = np.array(steps), np.linalg.norm(objective.both(result.x)[1])
    best = min(ends.values())
    figure, ax = canvas(1, 1, 7, 3.2)
    for name, trace in curves.items():
        ax.loglog(trace[:, 0], np.maximum(trace[:, 1] - best, 1e-13), ".-", label=f"{name}: {counts[name]}")
    ax.set(xlabel="evaluations of the loss", ylabel="above the minimum", title="SciPy's optimisers with our derivatives")
    ax.legend(fontsize=8)
    save(figure, out)
    ours = max(count for name, count in counts.items() if "differences" not in name)
    return {
        "spread of the minima": max(ends.values()) - best, "evaluations, ours / differences": ours / counts["BFGS, finite differences"],
        "gradient's norm at the end": float(min(norms.values())), "check_grad": float(check),
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "scipy_bridge", RESULT)
