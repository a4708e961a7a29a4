"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core import Tensor

from .formula import FormulaOptimizer, Rows, add_decay
from .optimizer import Array, Group, Params, State, Workspace, at_least, fraction, new_step, number, zeros_for


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

    kernel = "nadam"
    moments = ("exp_avg", "exp_avg_sq")
    flags = ("decoupled_weight_decay", "maximize")

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

    def _scalars(
        self, states: list[State], group: Group, step: int | list[int], work: Workspace, counters: dict[str, Array]
    ) -> Rows:
        (beta1, beta2), lr, wane = group["betas"], number(group["lr"]), group["momentum_decay"]
        decay = 1 - lr * group["weight_decay"] if group["decoupled_weight_decay"] else group["weight_decay"]

        def row(t: int, product: float) -> tuple[float, ...]:
            ahead = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * wane))
            of_g, of_m = lr * (1 - mu[t]) / (1 - product), lr * ahead / (1 - product * ahead)
            return of_g, of_m, 1 - beta1, beta2, 1 - beta2, 1 - beta2**t, group["eps"], decay

        steps = [step] * len(states) if isinstance(step, int) else step
        mu = {t: beta1 * (1 - 0.5 * 0.96 ** (t * wane)) for t in set(steps)}
        products = work.together("mu_product", states)
        products = counters["mu_product"] = products * np.array([mu[t] for t in steps], products.dtype)
        keys = list(zip(steps, products.tolist(), strict=True))
        rows = {key: row(*key) for key in set(keys)}
        return [rows[key] for key in (keys if len(rows) > 1 else keys[:1])]

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
