"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core import Tensor

from .formula import FormulaOptimizer, Rows, add_decay
from .optimizer import Array, Group, Params, State, Workspace, at_least, new_step, number, zeros_for


class ASGD(FormulaOptimizer):
    r"""Acceleration of Stochastic Approximation by Averaging (Polyak and Juditsky, 1992; PyTorch's ``ASGD``).

    With g the gradient plus ``weight_decay * p``::

        p  = p * (1 - lambd * eta) - eta * g
        ax = ax + mu * (p - ax)                       the average, in the state
        eta = lr / (1 + lambd * lr * t)^alpha,  mu = 1 / max(1, t - t0)

    Parameters
    ----------
    params : iterable
        Parameters, groups, or named parameters.
    lr, lambd, alpha, t0, weight_decay : float
        ``t0`` is the step at which averaging starts.
    foreach, capturable : bool, optional
        Accepted without effect.
    maximize : bool
        Climb instead of descend.
    differentiable : bool
        Record the step, so that gradients flow through it.

    Raises
    ------
    ValueError
        If lr or weight_decay is negative.
    """

    kernel = "asgd"
    moments = ("ax",)

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        at_least("ASGD", "lr", lr)
        at_least("ASGD", "weight_decay", weight_decay)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _init_state(self, p: Tensor, state: State, group: Group) -> None:
        state["step"] = new_step()
        state["eta"] = new_step(number(group["lr"]))
        state["mu"] = new_step(1.0)
        state["ax"] = zeros_for(p)

    def _scalars(
        self, states: list[State], group: Group, step: int | list[int], work: Workspace, counters: dict[str, Array]
    ) -> Rows:
        lambd, lr, alpha, t0 = group["lambd"], number(group["lr"]), group["alpha"], group["t0"]
        etas, mus = work.together("eta", states), work.together("mu", states)
        steps = [step] * len(states) if isinstance(step, int) else step
        counters["eta"] = np.array([lr / (1 + lambd * lr * t) ** alpha for t in steps], etas.dtype)
        counters["mu"] = np.array([1 / max(1, t - t0) for t in steps], mus.dtype)
        keys = list(zip(etas.tolist(), mus.tolist(), strict=True))
        rows = {(eta, mu): (1 - lambd * eta, eta, mu, group["weight_decay"]) for eta, mu in set(keys)}
        return [rows[key] for key in (keys if len(rows) > 1 else keys[:1])]

    def _formula(self, F: Any, p: Any, g: Any, s: dict[str, Any], h: Group, step: int) -> tuple[Any, dict[str, Any]]:
        lambd, lr = h["lambd"], number(h["lr"])
        eta, mu = number(s["eta"]), number(s["mu"])
        g = add_decay(p, g, h["weight_decay"])
        p = p * (1 - lambd * eta) - eta * g
        average = p if mu == 1 else s["ax"] + (p - s["ax"]) * mu
        eta = lr / (1 + lambd * lr * step) ** h["alpha"]
        return p, {"ax": average, "eta": eta, "mu": 1 / max(1, step - h["t0"])}
