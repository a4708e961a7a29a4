"""Lion: the sign of an interpolated momentum."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor

from .formula import FormulaOptimizer, Rows
from .optimizer import Array, Group, Params, State, Workspace, at_least, fraction, number, zeros_for


class Lion(FormulaOptimizer):
    r"""Symbolic Discovery of Optimization Algorithms (Chen et al., 2023).  Not in PyTorch.

    ::

        p = p * (1 - lr * weight_decay) - lr * sign(beta1 * m + (1 - beta1) * g)
        m = beta2 * m + (1 - beta2) * g

    Every weight moves by ``lr``, so a learning rate three to ten times smaller than Adam's fits.

    Parameters
    ----------
    params : iterable
        Parameters, groups, or named parameters.
    lr : float
    betas : (float, float)
    weight_decay : float
        Decoupled, as AdamW's.
    maximize : bool
        Climb instead of descend.
    differentiable : bool
        Record the step, so that gradients flow through it.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Examples
    --------
    >>> import autograd_core as ac
    >>> from nn.optim import Lion
    >>> p = ac.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Lion([p], lr=0.25)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p
    tensor([ 0.7500, -1.7500], requires_grad=True)
    """

    counts = False

    kernel = "lion"
    moments = ("exp_avg",)

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        at_least("Lion", "lr", lr)
        fraction("Lion", "betas[0]", betas[0])
        fraction("Lion", "betas[1]", betas[1])
        at_least("Lion", "weight_decay", weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _init_state(self, p: Tensor, state: State, group: Group) -> None:
        state["exp_avg"] = zeros_for(p)

    def _scalars(
        self, states: list[State], group: Group, step: int | list[int], work: Workspace, counters: dict[str, Array]
    ) -> Rows:
        (beta1, beta2), lr = group["betas"], number(group["lr"])
        return [(1 - lr * group["weight_decay"], lr, beta1, 1 - beta1, beta2, 1 - beta2)]

    def _formula(self, F: Any, p: Any, g: Any, s: dict[str, Any], h: Group, step: int) -> tuple[Any, dict[str, Any]]:
        (beta1, beta2), lr, m = h["betas"], h["lr"], s["exp_avg"]
        p = p * (1 - lr * h["weight_decay"]) - lr * F.sign(beta1 * m + (1 - beta1) * g)
        return p, {"exp_avg": beta2 * m + (1 - beta2) * g}
