"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor

from .formula import FormulaOptimizer, add_decay
from .optimizer import Group, Params, State, at_least, fraction, new_step, number, zeros_for


class NAdam(FormulaOptimizer):
    r"""Incorporating Nesterov Momentum into Adam (Dozat, 2016; PyTorch's ``NAdam``).

    With g the gradient plus ``weight_decay * p``::

        mu_t = beta1 * (1 - 0.96^(t * momentum_decay) / 2)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        d = mu_{t+1} * m / (1 - mu_1 ... mu_{t+1}) + (1 - mu_t) * g / (1 - mu_1 ... mu_t)
        p = p - lr * d / (sqrt(v / (1 - beta2^t)) + eps)

    Parameters
    ----------
    params : iterable
        Parameters, groups, or named parameters.
    lr : float
    betas : (float, float)
    eps, weight_decay, momentum_decay : float
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

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        at_least("NAdam", "lr", lr)
        at_least("NAdam", "eps", eps)
        fraction("NAdam", "betas[0]", betas[0])
        fraction("NAdam", "betas[1]", betas[1])
        at_least("NAdam", "weight_decay", weight_decay)
        at_least("NAdam", "momentum_decay", momentum_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _init_state(self, p: Tensor, state: State, group: Group) -> None:
        state["step"] = new_step()
        state["mu_product"] = new_step(1.0)
        state["exp_avg"] = zeros_for(p)
        state["exp_avg_sq"] = zeros_for(p)

    def _formula(self, F: Any, p: Any, g: Any, s: dict[str, Any], h: Group, step: int) -> tuple[Any, dict[str, Any]]:
        (beta1, beta2), lr, decay = h["betas"], h["lr"], h["momentum_decay"]
        if h["decoupled_weight_decay"]:
            p = p * (1 - lr * h["weight_decay"])
        else:
            g = add_decay(p, g, h["weight_decay"])
        mu = beta1 * (1 - 0.5 * 0.96 ** (step * decay))
        mu_next = beta1 * (1 - 0.5 * 0.96 ** ((step + 1) * decay))
        product = s["mu_product"] * mu  # kept in the counter's precision, as in PyTorch
        whole = number(product)
        m = s["exp_avg"] + (1 - beta1) * (g - s["exp_avg"])
        v = beta2 * s["exp_avg_sq"] + (1 - beta2) * g * g
        scale = F.sqrt(v / (1 - beta2**step)) + h["eps"]
        move = (lr * (1 - mu) / (1 - whole)) * g + (lr * mu_next / (1 - whole * mu_next)) * m
        return p - move / scale, {"mu_product": product, "exp_avg": m, "exp_avg_sq": v}
