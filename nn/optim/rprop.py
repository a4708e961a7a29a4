"""Resilient backpropagation."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core import Tensor
from autograd_core.tensor import wrap

from .formula import FormulaOptimizer, Rows
from .optimizer import Array, Group, Params, State, Workspace, at_least, new_step, number, zeros_for


class Rprop(FormulaOptimizer):
    r"""Resilient backpropagation (Riedmiller and Braun, 1993; PyTorch's ``Rprop``), for full batches.

    Each weight has its own step size: it grows by ``etas[1]`` where the gradient keeps its sign, and shrinks by
    ``etas[0]``, without a move, where the sign changed; ``p = p - sign(g) * step_size``.

    Parameters
    ----------
    params : iterable
        Parameters, groups, or named parameters.
    lr : float
        The first step size.
    etas : (float, float)
    step_sizes : (float, float)
        The smallest and the largest step size.
    capturable, foreach : bool, optional
        Accepted without effect.
    maximize : bool
        Climb instead of descend.
    differentiable : bool
        Record the step, so that gradients flow through it.

    Raises
    ------
    ValueError
        If lr is negative, or not 0 < etas[0] < 1 < etas[1].
    """

    kernel = "rprop"
    moments = ("prev", "step_size")

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        at_least("Rprop", "lr", lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Rprop: invalid etas: need 0 < etas[0] < 1 < etas[1], got {etas[0]} and {etas[1]}.")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _init_state(self, p: Tensor, state: State, group: Group) -> None:
        lr = number(group["lr"])
        state["step"] = new_step()
        state["prev"] = zeros_for(p)
        state["step_size"] = wrap(np.full_like(p.array, complex(lr, lr) if p.array.dtype.kind == "c" else lr))

    def _scalars(
        self, states: list[State], group: Group, step: int | list[int], work: Workspace, counters: dict[str, Array]
    ) -> Rows:
        return [(*group["etas"], *group["step_sizes"])]

    def _formula(self, F: Any, p: Any, g: Any, s: dict[str, Any], h: Group, step: int) -> tuple[Any, dict[str, Any]]:
        shrink, grow = h["etas"]
        turn = g * s["prev"]
        size = s["step_size"]
        size = F.where(turn > 0, size * grow, F.where(turn < 0, size * shrink, size))
        size = F.clip(size, *h["step_sizes"])
        g = F.where(turn < 0, F.zeros_like(g), g)
        return p - F.sign(g) * size, {"prev": g, "step_size": size}
