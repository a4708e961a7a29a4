"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor
from autograd_core.kernels import optim as kernels

from .formula import FormulaOptimizer, Rows, add_decay
from .optimizer import (
    Array,
    Group,
    Params,
    State,
    Workspace,
    at_least,
    check_ways,
    number,
    real_view,
    rows_of,
    zeros_for,
)


class SGD(FormulaOptimizer):
    r"""Stochastic gradient descent, with momentum (PyTorch's ``SGD``).

    With g the gradient plus ``weight_decay * p``::

        b = momentum * b + (1 - dampening) * g        (at the first step b = g)
        p = p - lr * (g + momentum * b  if nesterov  else  b)

    Parameters
    ----------
    params : iterable
        Parameters, groups, or named parameters.
    lr, momentum, dampening, weight_decay : float
    nesterov : bool
        Needs a momentum and no dampening.
    maximize : bool
        Climb instead of descend.
    foreach, fused : bool, optional
        Accepted; every step here is fused.
    differentiable : bool
        Record the step, so that gradients flow through it.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Examples
    --------
    >>> import autograd_core as ac
    >>> from nn.optim import SGD
    >>> p = ac.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = SGD([p], lr=0.5)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p
    tensor([0., 0.], requires_grad=True)
    """

    counts = False
    kernel = "sgd"
    takes_sparse = True

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        at_least("SGD", "lr", lr)
        at_least("SGD", "momentum", momentum)
        at_least("SGD", "weight_decay", weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError(
                "SGD: Nesterov momentum requires a momentum and zero dampening, "
                f"got momentum={momentum} and dampening={dampening}."
            )
        check_ways("SGD", foreach, fused, differentiable)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def _with_gradients(self, group: Group) -> tuple[list[Tensor], list[Tensor], list[State]]:
        params, grads, states = super()._with_gradients(group)
        if group["momentum"] != 0 and not group["differentiable"]:
            self._fresh = [s.get("momentum_buffer") is None for s in states]
            if True in self._fresh:
                for p, s, fresh in zip(params, states, self._fresh, strict=True):
                    if fresh:
                        s["momentum_buffer"] = zeros_for(p)
                        self.state[p] = s
        elif group["momentum"] != 0:
            for p, s in zip(params, states, strict=True):
                self.state[p] = s
        return params, grads, states

    def _update(
        self, params: list[Array], grads: list[Array], states: list[State], group: Group, step: Any, work: Workspace
    ) -> None:
        momentum = number(group["momentum"])
        buffers = None
        if momentum != 0:
            buffers = [s["momentum_buffer"].array for s in states]
            if "c" in [b.dtype.kind for b in buffers]:
                buffers = [real_view(b) for b in buffers]
        kernels.sgd(
            params,
            grads,
            buffers,
            lr=number(group["lr"]),
            momentum=momentum,
            dampening=number(group["dampening"]),
            weight_decay=number(group["weight_decay"]),
            nesterov=group["nesterov"],
            maximize=group["maximize"],
            first=self._fresh if momentum != 0 else False,
            plan=work.plan,
        )

    def _pieces(self, group: Group) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] != 0 else ()

    def _choices(self, group: Group) -> tuple[bool, ...]:
        return group["momentum"] != 0, group["nesterov"], group["maximize"]

    def _scalars(
        self, states: list[State], group: Group, step: int | list[int], work: Workspace, counters: dict[str, Array]
    ) -> Rows:
        momentum = number(group["momentum"])
        starts = self._fresh if momentum != 0 and True in self._fresh else [False]
        options = number(group["lr"]), momentum, number(group["dampening"]), number(group["weight_decay"])
        return [kernels.sgd_row(*options, start) for start in starts]

    def _update_rows(self, p: Tensor, g: Any, state: State, group: Group) -> bool:
        if group["momentum"] != 0 or group["weight_decay"] != 0:
            return False  # every row moves
        rows, values = rows_of(g, group["maximize"])
        p.array[rows] -= number(group["lr"]) * values
        return True

    def _formula(self, F: Any, p: Any, g: Any, s: dict[str, Any], h: Group, step: int) -> tuple[Any, dict[str, Any]]:
        momentum, changed = h["momentum"], {}
        g = add_decay(p, g, h["weight_decay"])
        if momentum != 0:
            b = s.get("momentum_buffer")
            b = g if b is None else momentum * b + (1 - h["dampening"]) * g
            changed["momentum_buffer"] = b
            g = g + momentum * b if h["nesterov"] else b
        return p - h["lr"] * g, changed
