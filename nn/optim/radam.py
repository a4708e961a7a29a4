"""RAdam: Adam whose adaptive step waits until its variance is known."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor

from .formula import FormulaOptimizer, Rows, add_decay, each_step
from .optimizer import Array, Group, Params, State, Workspace, at_least, fraction, new_step, number, zeros_for


class RAdam(FormulaOptimizer):
    r"""On the Variance of the Adaptive Learning Rate and Beyond (Liu et al., 2020; PyTorch's ``RAdam``).

    With Adam's averages m and v, ``rho_inf = 2 / (1 - beta2) - 1`` and
    ``rho = rho_inf - 2 t beta2^t / (1 - beta2^t)``::

        p = p - lr * m / (1 - beta1^t) * r * sqrt(1 - beta2^t) / (sqrt(v) + eps)      if rho > 5
        p = p - lr * m / (1 - beta1^t)                                                otherwise
        r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))

    Parameters
    ----------
    params : iterable
        Parameters, groups, or named parameters.
    lr : float
    betas : (float, float)
    eps, weight_decay : float
    decoupled_weight_decay : bool
        Shrink the parameters themselves instead of adding to the gradient, as AdamW.
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

    kernel = "radam"
    moments = ("exp_avg", "exp_avg_sq")
    flags = ("decoupled_weight_decay", "maximize")

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        at_least("RAdam", "lr", lr)
        at_least("RAdam", "eps", eps)
        fraction("RAdam", "betas[0]", betas[0])
        fraction("RAdam", "betas[1]", betas[1])
        at_least("RAdam", "weight_decay", weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _init_state(self, p: Tensor, state: State, group: Group) -> None:
        state["step"] = new_step()
        state["exp_avg"] = zeros_for(p)
        state["exp_avg_sq"] = zeros_for(p)

    def _scalars(
        self, states: list[State], group: Group, step: int | list[int], work: Workspace, counters: dict[str, Array]
    ) -> Rows:
        (beta1, beta2), lr, eps = group["betas"], number(group["lr"]), group["eps"]
        decay = 1 - lr * group["weight_decay"] if group["decoupled_weight_decay"] else group["weight_decay"]

        def row(t: int) -> tuple[float, ...]:
            correction = 1 - beta2**t
            return (lr, 1 - beta1**t, correction**0.5, rectification(beta2, t), 1 - beta1, beta2, 1 - beta2, eps, decay)

        return each_step(step, row)

    def _formula(self, F: Any, p: Any, g: Any, s: dict[str, Any], h: Group, step: int) -> tuple[Any, dict[str, Any]]:
        (beta1, beta2), lr = h["betas"], h["lr"]
        if h["decoupled_weight_decay"]:
            p = p * (1 - lr * h["weight_decay"])
        else:
            g = add_decay(p, g, h["weight_decay"])
        m = s["exp_avg"] + (1 - beta1) * (g - s["exp_avg"])
        v = beta2 * s["exp_avg_sq"] + (1 - beta2) * g * g
        move = m / (1 - beta1**step) * lr
        rectify = rectification(beta2, step)
        if rectify:
            move = move * ((1 - beta2**step) ** 0.5 / (F.sqrt(v) + h["eps"])) * rectify
        return p - move, {"exp_avg": m, "exp_avg_sq": v}


def rectification(beta2: float, step: int) -> float:
    """The factor of the adaptive step, 0 while its variance is not known well enough to use one."""
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * step * beta2**step / (1 - beta2**step)
    if rho <= 5.0:
        return 0.0
    return float(((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)) ** 0.5)
