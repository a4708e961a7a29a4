"""AdamW: Adam whose weight decay does not pass through the averages."""

from __future__ import annotations

from typing import Any

from autograd_core import Tensor

from .adam import Adam
from .optimizer import Params


class AdamW(Adam):
    r"""Decoupled Weight Decay Regularization (Loshchilov and Hutter, 2019; PyTorch's ``AdamW``).

    Before :class:`Adam`'s step, ``p = p * (1 - lr * weight_decay)``; the arguments are Adam's.

    Examples
    --------
    >>> import autograd_core as ac
    >>> from nn.optim import AdamW
    >>> p = ac.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = AdamW([p], lr=0.1, weight_decay=0.5)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p
    tensor([ 0.8500, -1.8000], requires_grad=True)
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:  # a state saved by an older AdamW does not say it
            group["decoupled_weight_decay"] = True
