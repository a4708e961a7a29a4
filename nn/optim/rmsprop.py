"""RMSprop."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor
from autograd_core.kernels import optim as kernels

from .formula import FormulaOptimizer, Rows, add_decay
from .optimizer import Array, Group, Params, State, Workspace, at_least, new_step, number, real_view, zeros_for


class RMSprop(FormulaOptimizer):
    r"""RMSprop (Tieleman and Hinton, 2012; PyTorch's ``RMSprop``).

    With g the gradient plus ``weight_decay * p``::

        v = alpha * v + (1 - alpha) * g * g
        s = sqrt(v) + eps,  or sqrt(v - a * a) + eps with a = alpha * a + (1 - alpha) * g  if centered
        p = p - lr * g / s, or p - lr * b with b = momentum * b + g / s  if momentum > 0

    Parameters
    ----------
    params : iterable
        Parameters, groups, or named parameters.
    lr, alpha, eps, weight_decay, momentum : float
    centered : bool
        Divide by an estimate of the gradient's standard deviation instead of its root mean square.
    capturable, foreach : bool, optional
        Accepted; every step here is fused.
    maximize : bool
        Climb instead of descend.
    differentiable : bool
        Record the step, so that gradients flow through it.

    Raises
    ------
    ValueError
        If an option is negative.
    """

    kernel = "rmsprop"

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        for option, value in (
            ("lr", lr),
            ("eps", eps),
            ("momentum", momentum),
            ("weight_decay", weight_decay),
            ("alpha", alpha),
        ):
            at_least("RMSprop", option, value)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _init_state(self, p: Tensor, state: State, group: Group) -> None:
        state["step"] = new_step()
        state["square_avg"] = zeros_for(p)
        if group["momentum"] > 0:
            state["momentum_buffer"] = zeros_for(p)
        if group["centered"]:
            state["grad_avg"] = zeros_for(p)

    def _pieces(self, group: Group) -> tuple[str, ...]:
        chosen = ("grad_avg",) * bool(group["centered"]) + ("momentum_buffer",) * (group["momentum"] > 0)
        return ("square_avg", *chosen)

    def _choices(self, group: Group) -> tuple[bool, ...]:
        return group["centered"], group["momentum"] > 0, group["maximize"]

    def _scalars(
        self, states: list[State], group: Group, step: int | list[int], work: Workspace, counters: dict[str, Array]
    ) -> Rows:
        lr, decay = number(group["lr"]), group["weight_decay"]
        return [kernels.rmsprop_row(lr, group["alpha"], group["eps"], decay, group["momentum"])]

    def _update(
        self, params: list[Array], grads: list[Array], states: list[State], group: Group, step: Any, work: Workspace
    ) -> None:
        kernels.rmsprop(
            params,
            grads,
            [real_view(s["square_avg"].array) for s in states],
            [real_view(s["grad_avg"].array) for s in states] if group["centered"] else None,
            [real_view(s["momentum_buffer"].array) for s in states] if group["momentum"] > 0 else None,
            lr=number(group["lr"]),
            alpha=group["alpha"],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            momentum=group["momentum"],
            maximize=group["maximize"],
            plan=work.plan,
        )

    def _formula(self, F: Any, p: Any, g: Any, s: dict[str, Any], h: Group, step: int) -> tuple[Any, dict[str, Any]]:
        alpha = h["alpha"]
        g = add_decay(p, g, h["weight_decay"])
        v = alpha * s["square_avg"] + (1 - alpha) * g * g
        changed = {"square_avg": v}
        if h["centered"]:
            a = changed["grad_avg"] = s["grad_avg"] + (1 - alpha) * (g - s["grad_avg"])
            v = v - a * a
        g = g / (F.sqrt(v) + h["eps"])
        if h["momentum"] > 0:
            g = changed["momentum_buffer"] = h["momentum"] * s["momentum_buffer"] + g
        return p - h["lr"] * g, changed
