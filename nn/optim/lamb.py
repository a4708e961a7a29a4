"""LAMB: Adam's direction, with a step as long as the layer's weights."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor

from .formula import FormulaOptimizer
from .optimizer import Group, Params, State, at_least, fraction, new_step, number, zeros_for


class LAMB(FormulaOptimizer):
    r"""Large Batch Optimization for Deep Learning (You et al., 2020).  Not in PyTorch.

    With Adam's averages m and v, for each parameter as a whole::

        r = (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps) + weight_decay * p
        p = p - lr * (|p| / |r|) * r                  (the ratio is 1 where one of the norms is 0)

    Parameters
    ----------
    params : iterable
        Parameters, groups, or named parameters.
    lr : float
    betas : (float, float)
    eps, weight_decay : float
    max_trust_ratio : float, optional
        Bound of the ratio of the norms.
    maximize : bool
        Climb instead of descend.
    differentiable : bool
        Record the step, so that gradients flow through it (the ratio counts as a constant).

    Raises
    ------
    ValueError
        If an option is out of its range.
    """

    elementwise = False

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        max_trust_ratio: float | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        at_least("LAMB", "lr", lr)
        at_least("LAMB", "eps", eps)
        fraction("LAMB", "betas[0]", betas[0])
        fraction("LAMB", "betas[1]", betas[1])
        at_least("LAMB", "weight_decay", weight_decay)
        if max_trust_ratio is not None:
            at_least("LAMB", "max_trust_ratio", max_trust_ratio, strict=True)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "max_trust_ratio": max_trust_ratio,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _init_state(self, p: Tensor, state: State, group: Group) -> None:
        state["step"] = new_step()
        state["exp_avg"] = zeros_for(p)
        state["exp_avg_sq"] = zeros_for(p)

    def _formula(self, F: Any, p: Any, g: Any, s: dict[str, Any], h: Group, step: int) -> tuple[Any, dict[str, Any]]:
        beta1, beta2 = h["betas"]
        m = s["exp_avg"] + (1 - beta1) * (g - s["exp_avg"])
        v = beta2 * s["exp_avg_sq"] + (1 - beta2) * g * g
        r = m / (1 - beta1**step) / (F.sqrt(v / (1 - beta2**step)) + h["eps"])
        if h["weight_decay"] != 0:
            r = r + h["weight_decay"] * p
        of_p, of_r = (number((x * x).sum()) ** 0.5 for x in (p, r))
        ratio = of_p / of_r if of_p > 0 and of_r > 0 else 1.0
        if h["max_trust_ratio"] is not None:
            ratio = min(ratio, h["max_trust_ratio"])
        return p - h["lr"] * ratio * r, {"exp_avg": m, "exp_avg_sq": v}
