"""Adagrad."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core import Tensor
from autograd_core.kernels import optim as kernels
from autograd_core.tensor import wrap

from .formula import FormulaOptimizer, Rows, add_decay, each_step
from .optimizer import (
    Array,
    Group,
    Params,
    State,
    Workspace,
    at_least,
    check_ways,
    new_step,
    number,
    real_view,
    rows_of,
)


class Adagrad(FormulaOptimizer):
    r"""Adaptive Subgradient Methods (Duchi, Hazan and Singer, 2011; PyTorch's ``Adagrad``).

    With g the gradient plus ``weight_decay * p``::

        s = s + g * g                                   (s starts at initial_accumulator_value)
        p = p - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)

    Sparse gradients touch only their rows.

    Parameters
    ----------
    params : iterable
        Parameters, groups, or named parameters.
    lr, lr_decay, weight_decay, initial_accumulator_value, eps : float
    foreach, fused : bool, optional
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

    takes_sparse = True

    kernel = "adagrad"
    moments = ("sum",)

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        at_least("Adagrad", "lr", lr)
        at_least("Adagrad", "lr_decay", lr_decay)
        at_least("Adagrad", "weight_decay", weight_decay)
        at_least("Adagrad", "initial_accumulator_value", initial_accumulator_value)
        at_least("Adagrad", "eps", eps)
        check_ways("Adagrad", foreach, fused, differentiable)
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:  # PyTorch's Adagrad has its state before the first step
            for p in group["params"]:
                self._init_state(p, self.state[p], group)

    def _init_state(self, p: Tensor, state: State, group: Group) -> None:
        start = group["initial_accumulator_value"]
        state["step"] = new_step()
        state["sum"] = wrap(np.full_like(p.array, complex(start, start) if p.array.dtype.kind == "c" else start))

    def _scalars(
        self, states: list[State], group: Group, step: int | list[int], work: Workspace, counters: dict[str, Array]
    ) -> Rows:
        options = number(group["lr"]), group["lr_decay"], group["weight_decay"], group["eps"]
        return each_step(step, lambda t: kernels.adagrad_row(t, *options))

    def _update(
        self, params: list[Array], grads: list[Array], states: list[State], group: Group, step: Any, work: Workspace
    ) -> None:
        kernels.adagrad(
            params,
            grads,
            [real_view(s["sum"].array) for s in states],
            step=step,
            lr=number(group["lr"]),
            lr_decay=group["lr_decay"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=group["maximize"],
            plan=work.plan,
        )

    def _update_rows(self, p: Tensor, g: Any, state: State, group: Group) -> bool:
        if group["weight_decay"] != 0:
            raise RuntimeError("Adagrad: weight_decay is not compatible with sparse gradients; set it to 0.")
        state["step"].array[...] += 1
        rows, values = rows_of(g, group["maximize"])
        total = state["sum"].array
        total[rows] += values * values
        lr = number(group["lr"]) / (1 + (float(state["step"]) - 1) * group["lr_decay"])
        p.array[rows] -= lr * values / (np.sqrt(total[rows]) + group["eps"])
        return True

    def _formula(self, F: Any, p: Any, g: Any, s: dict[str, Any], h: Group, step: int) -> tuple[Any, dict[str, Any]]:
        g = add_decay(p, g, h["weight_decay"])
        total = s["sum"] + g * g
        lr = h["lr"] / (1 + (step - 1) * h["lr_decay"])
        return p - lr * g / (F.sqrt(total) + h["eps"]), {"sum": total}
