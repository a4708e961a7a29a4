"""Adamax: Adam with the infinity norm."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor

from .formula import FormulaOptimizer, Rows, add_decay, each_step
from .optimizer import Array, Group, Params, State, Workspace, at_least, fraction, new_step, number, zeros_for


class Adamax(FormulaOptimizer):
    r"""Adam's variant of the infinity norm (Kingma and Ba, 2015, section 7; PyTorch's ``Adamax``).

    With g the gradient plus ``weight_decay * p``::

        m = beta1 * m + (1 - beta1) * g
        u = max(beta2 * u, |g| + eps)
        p = p - lr / (1 - beta1^t) * m / u

    Parameters
    ----------
    params : iterable
        Parameters, groups, or named parameters.
    lr : float
    betas : (float, float)
    eps, weight_decay : float
    foreach, capturable : bool, optional
        Accepted without effect.
    maximize : bool
        Climb instead of descend.
    differentiable : bool
        Record the step, so that gradients flow through it.

    Raises
    ------
    ValueError
        If an option is out of its range.
    """

    kernel = "adamax"
    moments = ("exp_avg", "exp_inf")

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        at_least("Adamax", "lr", lr)
        at_least("Adamax", "eps", eps)
        fraction("Adamax", "betas[0]", betas[0])
        fraction("Adamax", "betas[1]", betas[1])
        at_least("Adamax", "weight_decay", weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _init_state(self, p: Tensor, state: State, group: Group) -> None:
        state["step"] = new_step()
        state["exp_avg"] = zeros_for(p)
        state["exp_inf"] = zeros_for(p)

    def _scalars(
        self, states: list[State], group: Group, step: int | list[int], work: Workspace, counters: dict[str, Array]
    ) -> Rows:
        (beta1, beta2), lr, eps, decay = group["betas"], number(group["lr"]), group["eps"], group["weight_decay"]
        return each_step(step, lambda t: (lr / (1 - beta1**t), 1 - beta1, beta2, eps, decay))

    def _formula(self, F: Any, p: Any, g: Any, s: dict[str, Any], h: Group, step: int) -> tuple[Any, dict[str, Any]]:
        beta1, beta2 = h["betas"]
        g = add_decay(p, g, h["weight_decay"])
        m = s["exp_avg"] + (1 - beta1) * (g - s["exp_avg"])
        u = F.maximum(beta2 * s["exp_inf"], abs(g) + h["eps"])
        return p - h["lr"] / (1 - beta1**step) * m / u, {"exp_avg": m, "exp_inf": u}
