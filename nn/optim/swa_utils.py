"""Averages of weights: stochastic weight averaging and exponential moving averages (``torch.optim.swa_utils``)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

import autograd_core as ac
from autograd_core import Tensor, no_grad

from ..module import Module
from .lr_scheduler.base import LRScheduler, Rate, per_group
from .optimizer import Optimizer

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

Average = Callable[[Tensor, Tensor, Any], Tensor]
MultiAverage = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]


def _check_decay(name: str, decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"{name}: invalid decay {decay}; it must be in the range [0, 1].")


def _blend(averages: Sequence[Tensor], current: Sequence[Tensor], weight: float) -> None:
    """``average += weight * (current - average)`` in place, for each pair."""
    for average, value in zip(averages, current, strict=True):
        a, v = average.array, value.array
        if a.dtype.kind in "fc":
            difference = v - a
            difference *= weight
            np.add(a, difference, out=a)
        else:
            a[...] = a + weight * (v - a)
        ac.graph.wrote(a)


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """The exponential moving average of lists of parameters, ``decay * average + (1 - decay) * current``, in place."""
    _check_decay("get_ema_multi_avg_fn", decay)

    def ema_update(averages: Sequence[Tensor], current: Sequence[Tensor], num_averaged: Any) -> None:
        _blend(averages, current, 1 - decay)

    return ema_update


def get_swa_multi_avg_fn() -> MultiAverage:
    """The running mean of lists of parameters, in place."""

    def swa_update(averages: Sequence[Tensor], current: Sequence[Tensor], num_averaged: Any) -> None:
        _blend(averages, current, 1.0 / (int(num_averaged) + 1))

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """The exponential moving average of one parameter, ``decay * average + (1 - decay) * current``."""
    _check_decay("get_ema_avg_fn", decay)

    def ema_update(average: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
        a: Any = average
        with no_grad():
            return decay * a + (1 - decay) * current  # type: ignore[no-any-return, operator]

    return ema_update


def get_swa_avg_fn() -> Average:
    """The running mean of one parameter."""

    def swa_update(average: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
        a: Any = average
        with no_grad():
            return a + (current - a) / (num_averaged + 1)  # type: ignore[no-any-return]

    return swa_update


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of what the model's were at each :meth:`update_parameters`.

    Parameters
    ----------
    model : Module
    device : optional
        The CPU.
    avg_fn : callable, optional
        ``avg_fn(average, current, num_averaged)`` gives a parameter's new average (default: the running mean).
    multi_avg_fn : callable, optional
        ``multi_avg_fn(averages, current, num_averaged)`` updates lists of parameters of one dtype in place.
    use_buffers : bool
        Average the buffers too; otherwise they are copied.

    Raises
    ------
    AssertionError
        If both functions are given.

    Examples
    --------
    >>> import autograd_core as ac, nn
    >>> from nn.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
    >>> model = nn.Linear(2, 1)
    >>> ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    >>> ema.update_parameters(model)
    >>> int(ema.n_averaged)
    1
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("AveragedModel: only one of avg_fn and multi_avg_fn should be given.")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", ac.tensor(0, dtype=ac.long, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def _values(self, module: Module) -> list[Tensor]:
        tensors: Iterable[Tensor] = module.parameters()
        if self.use_buffers:
            tensors = itertools.chain(tensors, module.buffers())
        return [t.detach() for t in tensors]

    def update_parameters(self, model: Module) -> None:
        """Take the model's present parameters into the averages (the first time, copy them)."""
        averages, current = self._values(self.module), self._values(model)
        if len(averages) != len(current) or any(a.array.shape != c.array.shape for a, c in zip(averages, current)):
            raise RuntimeError(
                "AveragedModel.update_parameters: this model's parameters differ in number or shape from those of "
                "the model "
                f"that is averaged ({len(current)} against {len(averages)} tensors)."
            )
        if int(self.n_averaged) == 0:
            _copy(averages, current)
        elif self.avg_fn is not None:
            _copy(averages, [self.avg_fn(a, c, self.n_averaged) for a, c in zip(averages, current, strict=True)])
        else:
            average = self.multi_avg_fn or get_swa_multi_avg_fn()
            for kind in dict.fromkeys(a.array.dtype for a in averages):
                members = [i for i, a in enumerate(averages) if a.array.dtype == kind]
                average([averages[i] for i in members], [current[i] for i in members], self.n_averaged)
        if not self.use_buffers:
            _copy([b.detach() for b in self.module.buffers()], [b.detach() for b in model.buffers()])
        self.n_averaged.array[...] += 1
        ac.graph.wrote(self.n_averaged.array)


def _copy(targets: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    for target, value in zip(targets, values, strict=True):
        target.array[...] = value.array
        ac.graph.wrote(target.array)


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of a model's batch norms anew, as plain averages over the loader's batches.

    Parameters
    ----------
    loader : iterable
        Of inputs, or of lists whose first element is the input.
    model : Module
    device : optional
        The CPU.
    """
    norms = [
        m for m in model.modules() if getattr(m, "running_mean", None) is not None and hasattr(m, "reset_running_stats")
    ]
    norms = [m for m in norms if "BatchNorm" in "".join(c.__name__ for c in type(m).__mro__)]
    if not norms:
        return
    momenta = [m.momentum for m in norms]
    was_training = model.training
    model.train()
    for m in norms:
        m.reset_running_stats()
        m.momentum = None  # a cumulative average
    try:
        with no_grad():
            for batch in loader:
                x = batch[0] if isinstance(batch, (list, tuple)) else batch
                model(x if device is None else x.to(device))
    finally:
        for m, momentum in zip(norms, momenta, strict=True):
            m.momentum = momentum
        model.train(was_training)


class SWALR(LRScheduler):
    """Anneal the learning rates to ``swa_lr`` and stay there.

    Parameters
    ----------
    optimizer : Optimizer
    swa_lr : float or list of float
    anneal_epochs : int
    anneal_strategy : {"cos", "linear"}
    last_epoch : int

    Raises
    ------
    ValueError
        For another strategy or a negative number of epochs.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for rate, group in zip(per_group("SWALR", "swa_lr", optimizer, swa_lr), optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"SWALR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}.")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"SWALR: anneal_epochs must be an integer of at least 0, got {anneal_epochs}.")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _alpha(self, step: int) -> float:
        part = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * part)) / 2 if self._anneal_strategy == "cos" else part

    def get_lr(self) -> list[Rate]:
        self._warn_outside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, alpha = self._alpha(step - 1), self._alpha(step)
        values = []
        for group in self.optimizer.param_groups:
            rate, target = group["lr"], group["swa_lr"]
            start = target if before == 1 else (rate - before * target) / (1 - before)
            values.append(target * alpha + start * (1 - alpha))
        return values
