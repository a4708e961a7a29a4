"""Adadelta."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor

from .formula import FormulaOptimizer, Rows, add_decay
from .optimizer import Array, Group, Params, State, Workspace, at_least, new_step, number, zeros_for


class Adadelta(FormulaOptimizer):
    r"""ADADELTA: An Adaptive Learning Rate Method (Zeiler, 2012; PyTorch's ``Adadelta``).

    With g the gradient plus ``weight_decay * p``::

        v = rho * v + (1 - rho) * g * g
        d = sqrt(u + eps) / sqrt(v + eps) * g
        u = rho * u + (1 - rho) * d * d
        p = p - lr * d

    Parameters
    ----------
    params : iterable
        Parameters, groups, or named parameters.
    lr, rho, eps, weight_decay : float
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

    kernel = "adadelta"
    moments = ("square_avg", "acc_delta")

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        at_least("Adadelta", "lr", lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Adadelta: invalid rho: must be from 0 to 1, got {rho}.")
        at_least("Adadelta", "eps", eps)
        at_least("Adadelta", "weight_decay", weight_decay)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _init_state(self, p: Tensor, state: State, group: Group) -> None:
        state["step"] = new_step()
        state["square_avg"] = zeros_for(p)
        state["acc_delta"] = zeros_for(p)

    def _scalars(
        self, states: list[State], group: Group, step: int | list[int], work: Workspace, counters: dict[str, Array]
    ) -> Rows:
        rho = group["rho"]
        return [(number(group["lr"]), rho, 1 - rho, group["eps"], group["weight_decay"])]

    def _formula(self, F: Any, p: Any, g: Any, s: dict[str, Any], h: Group, step: int) -> tuple[Any, dict[str, Any]]:
        rho, eps = h["rho"], h["eps"]
        g = add_decay(p, g, h["weight_decay"])
        v = rho * s["square_avg"] + (1 - rho) * g * g
        delta = F.sqrt(s["acc_delta"] + eps) / F.sqrt(v + eps) * g
        u = rho * s["acc_delta"] + (1 - rho) * delta * delta
        return p - h["lr"] * delta, {"square_avg": v, "acc_delta": u}
