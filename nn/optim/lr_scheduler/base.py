"""What all schedules share: counting, setting the learning rates, saving."""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from autograd_core import Tensor, no_grad

from ..optimizer import Optimizer, number

Rate: TypeAlias = Any  # a float, or a 0-d tensor where the group's "lr" is one


class LRScheduler:
    """Base class of schedules that set every group's ``lr`` at each :meth:`step` (PyTorch's ``LRScheduler``).

    A subclass defines ``get_lr()``, which computes the rates from ``self.last_epoch``, ``self.base_lrs`` and the
    groups' current rates.

    Parameters
    ----------
    optimizer : Optimizer
    last_epoch : int
        -1 to start; another value resumes, and then the groups must have their ``initial_lr``.

    Raises
    ------
    TypeError
        If ``optimizer`` is not an Optimizer.
    KeyError
        If it should resume and a group has no ``initial_lr``.
    """

    _get_lr_called_within_step: bool = False
    _is_initial: bool = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = checked_optimizer(type(self).__name__, optimizer)
        if last_epoch == -1:
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", copied(group["lr"]))
        else:
            for i, group in enumerate(optimizer.param_groups):
                if "initial_lr" not in group:
                    raise KeyError(
                        f"{type(self).__name__}: 'initial_lr' is not specified in param_groups[{i}], so the schedule "
                        f"cannot resume at last_epoch={last_epoch}. Load the optimizer's state first, or start with "
                        "last_epoch=-1."
                    )
        self.base_lrs: list[Rate] = rates(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer, as a dict."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what :meth:`state_dict` gave."""
        self.__dict__.update(state_dict)

    def get_last_lr(self) -> list[Rate]:
        """The learning rates that the last step set, one for each group."""
        return self._last_lr

    def get_lr(self) -> list[Rate]:
        """The learning rates of the present epoch, computed; see :meth:`get_last_lr` for what is set."""
        raise NotImplementedError(f"{type(self).__name__}: a schedule must define get_lr().")

    def step(self, epoch: Any = None) -> None:
        """Go one epoch (or batch) further and set the learning rates; call it after ``optimizer.step()``.

        Parameters
        ----------
        epoch : int, optional
            Deprecated: jump to this epoch.
        """
        if self._step_count == 1 and not self.optimizer._opt_called:
            if "step" in self.optimizer.__dict__:
                warnings.warn(
                    "lr_scheduler.step: optimizer.step() seems to have been overridden on the object, so its calls "
                    "cannot be seen. Please make sure to call optimizer.step() before lr_scheduler.step().",
                    UserWarning,
                    stacklevel=2,
                )
            else:
                warnings.warn(
                    "Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first value of the schedule "
                    "is skipped. Call `optimizer.step()` first, then `lr_scheduler.step()`.",
                    UserWarning,
                    stacklevel=2,
                )
        self._step_count += 1
        if epoch is not None:
            warn_of_epoch()
        self._update_lr(epoch)

    def _update_lr(self, epoch: Any = None) -> None:
        with self._computing():
            if epoch is None:
                self.last_epoch += 1
                values = self.get_lr()
            else:
                self.last_epoch = epoch
                closed_form = getattr(self, "_get_closed_form_lr", self.get_lr)
                values = closed_form()
        self._set(values)

    def _set(self, values: Sequence[Rate]) -> None:
        for group, value in zip(self.optimizer.param_groups, values, strict=True):
            set_option(group, "lr", value)
        self._last_lr = rates(self.optimizer, "lr")

    @contextmanager
    def _computing(self) -> Iterator[None]:
        self._get_lr_called_within_step = True
        try:
            yield
        finally:
            self._get_lr_called_within_step = False

    def _warn_outside_step(self) -> None:
        if not self._get_lr_called_within_step:
            warnings.warn(
                "get_lr: outside of step() this computes the next rates; "
                "to get the last learning rate computed by the scheduler, please use `get_last_lr()`.",
                UserWarning,
                stacklevel=3,
            )


class ChainableLR(LRScheduler):
    """A schedule that multiplies whatever the rates are, so that several can act on one optimizer."""

    def _factor(self) -> float:
        """What the current rates are multiplied by at ``self.last_epoch``."""
        raise NotImplementedError(f"{type(self).__name__}: a chainable schedule must define its factor.")

    def get_lr(self) -> list[Rate]:
        self._warn_outside_step()
        factor = self._factor()
        return [rate * factor for rate in rates(self.optimizer, "lr")]


class LambdasMixin:
    """Schedules given by one function for each group; functions are not saved, callable objects are."""

    lr_lambdas: list[Callable[[int], float]]

    def _take(self, name: str, optimizer: Optimizer, lr_lambda: Any) -> None:
        checked_optimizer(name, optimizer)
        self.lr_lambdas = per_group(name, "lr_lambda", optimizer, lr_lambda)
        for function in self.lr_lambdas:
            if not callable(function):
                raise TypeError(f"{name}: lr_lambda must be a function of the epoch, got {type(function).__name__}.")

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and plain functions, as a dict."""
        state = {key: value for key, value in self.__dict__.items() if key not in ("optimizer", "lr_lambdas")}
        state["lr_lambdas"] = [saved_callable(function) for function in self.lr_lambdas]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what :meth:`state_dict` gave."""
        self.__dict__.update({key: value for key, value in state_dict.items() if key != "lr_lambdas"})
        for function, saved in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=True):
            if saved is not None:
                function.__dict__.update(saved)


def saved_callable(function: Any) -> dict[str, Any] | None:
    """The attributes of a callable object; None for a plain function."""
    return None if isinstance(function, (types.FunctionType, type(None))) else function.__dict__.copy()


def checked_optimizer(name: str, optimizer: Any) -> Optimizer:
    """The optimizer, or TypeError."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{name}: {type(optimizer).__name__} is not an Optimizer.")
    return optimizer


def copied(value: Any) -> Any:
    """A number, or a copy of a tensor: rates never share memory with the optimizer's."""
    return value.detach().clone() if isinstance(value, Tensor) else value  # type: ignore[attr-defined]


def rates(optimizer: Optimizer, key: str) -> list[Rate]:
    """``group[key]`` of every group."""
    return [copied(group[key]) for group in optimizer.param_groups]


def set_option(group: dict[str, Any], key: str, value: Any) -> None:
    """Set ``group[key]``; a tensor is filled, so that who holds it sees the new value."""
    if isinstance(group[key], Tensor):
        with no_grad():
            group[key].fill_(number(value))
    else:
        group[key] = value


def per_group(name: str, argument: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """One value for each group, from one for all or a list."""
    if not isinstance(value, (list, tuple)):
        return [copied(value) for _ in optimizer.param_groups]
    if len(value) != len(optimizer.param_groups):
        raise ValueError(
            f"{name}: {argument} must have the same length as optimizer.param_groups: "
            f"got {len(value)} values for {len(optimizer.param_groups)} groups."
        )
    return [copied(v) for v in value]


def momentum_of(name: str, optimizer: Optimizer) -> str:
    """Which option of the optimizer is its momentum: ``"momentum"`` or ``"betas"``."""
    for key in ("betas", "momentum"):
        if key in optimizer.defaults:
            return key
    raise ValueError(
        f"{name}: with cycle_momentum=True the optimizer must support momentum or betas, and "
        f"{type(optimizer).__name__} has "
        "neither. Pass cycle_momentum=False."
    )


def set_momentum(group: dict[str, Any], use_beta1: bool, value: float) -> None:
    """Set a group's momentum, or its first beta."""
    if use_beta1:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value


def warn_of_epoch() -> None:
    """The warning about ``step(epoch)``."""
    warnings.warn(
        "The epoch parameter in `scheduler.step()` is deprecated: call `scheduler.step()` without it.",
        UserWarning,
        stacklevel=3,
    )
