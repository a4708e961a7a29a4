"""Adam, with AMSGrad and decoupled weight decay."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor
from autograd_core.kernels import optim as kernels

from .formula import FormulaOptimizer, Rows, add_decay, each_step
from .optimizer import (
    Array,
    Group,
    Params,
    State,
    Workspace,
    at_least,
    check_ways,
    fraction,
    new_step,
    number,
    real_view,
    zeros_for,
)


class Adam(FormulaOptimizer):
    r"""Adam: A Method for Stochastic Optimization (Kingma and Ba, 2015; PyTorch's ``Adam``).

    With g the gradient plus ``weight_decay * p``::

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        p = p - lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)

    Parameters
    ----------
    params : iterable
        Parameters, groups, or named parameters.
    lr : float
    betas : (float, float)
        How slowly the averages of the gradient and of its square forget.
    eps : float
        Added to the denominator.
    weight_decay : float
    amsgrad : bool
        Use the largest v so far (On the Convergence of Adam and Beyond, 2018).
    maximize : bool
        Climb instead of descend.
    foreach, fused, capturable : bool, optional
        Accepted; every step here is fused.
    differentiable : bool
        Record the step, so that gradients flow through it.
    decoupled_weight_decay : bool
        Shrink the parameters themselves instead of adding to the gradient, as :class:`AdamW`.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Examples
    --------
    >>> import autograd_core as ac
    >>> from nn.optim import Adam
    >>> p = ac.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Adam([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p
    tensor([ 0.9000, -1.9000], requires_grad=True)
    """

    kernel = "adam"

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        name = type(self).__name__
        at_least(name, "lr", lr)
        at_least(name, "eps", eps)
        fraction(name, "betas[0]", betas[0])
        fraction(name, "betas[1]", betas[1])
        at_least(name, "weight_decay", weight_decay)
        check_ways(name, foreach, fused, differentiable)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def _init_state(self, p: Tensor, state: State, group: Group) -> None:
        state["step"] = new_step()
        state["exp_avg"] = zeros_for(p)
        state["exp_avg_sq"] = zeros_for(p)
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = zeros_for(p)

    def _update(
        self,
        params: list[Array],
        grads: list[Array],
        states: list[State],
        group: Group,
        step: int | list[int],
        work: Workspace,
    ) -> None:
        exp_avgs = [s["exp_avg"].array for s in states]
        exp_avg_sqs = [s["exp_avg_sq"].array for s in states]
        largest = [s["max_exp_avg_sq"].array for s in states] if group["amsgrad"] else None
        if "c" in [a.dtype.kind for a in exp_avgs]:
            exp_avgs, exp_avg_sqs = [real_view(a) for a in exp_avgs], [real_view(a) for a in exp_avg_sqs]
            largest = None if largest is None else [real_view(a) for a in largest]
        beta1, beta2 = group["betas"]
        kernels.adam(
            params,
            grads,
            exp_avgs,
            exp_avg_sqs,
            largest,
            step=step,
            lr=number(group["lr"]),
            betas=(number(beta1), number(beta2)),
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            decoupled=group["decoupled_weight_decay"],
            maximize=group["maximize"],
            plan=work.plan,
        )

    def _pieces(self, group: Group) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")

    def _choices(self, group: Group) -> tuple[bool, ...]:
        return group["amsgrad"], group["weight_decay"] != 0, group["decoupled_weight_decay"], group["maximize"]

    def _scalars(
        self, states: list[State], group: Group, step: int | list[int], work: Workspace, counters: dict[str, Array]
    ) -> Rows:
        lr, (beta1, beta2), eps, decay = number(group["lr"]), group["betas"], group["eps"], group["weight_decay"]
        beta1, beta2, decay = number(beta1), number(beta2), 1 - lr * decay if group["decoupled_weight_decay"] else decay
        return each_step(step, lambda t: kernels.adam_row(t, lr, beta1, beta2, eps, decay))

    def _formula(self, F: Any, p: Any, g: Any, s: dict[str, Any], h: Group, step: int) -> tuple[Any, dict[str, Any]]:
        (beta1, beta2), lr = h["betas"], h["lr"]
        if h["decoupled_weight_decay"]:
            p = p * (1 - lr * h["weight_decay"])
        else:
            g = add_decay(p, g, h["weight_decay"])
        m = s["exp_avg"] + (1 - beta1) * (g - s["exp_avg"])
        v = beta2 * s["exp_avg_sq"] + (1 - beta2) * g * g
        changed = {"exp_avg": m, "exp_avg_sq": v}
        if h["amsgrad"]:
            v = changed["max_exp_avg_sq"] = F.maximum(s["max_exp_avg_sq"], v)
        scale = F.sqrt(v) / (1 - beta2**step) ** 0.5 + h["eps"]
        return p - lr / (1 - beta1**step) * m / scale, changed
