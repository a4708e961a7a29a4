"""Schedules made of schedules: one after the other, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from ..optimizer import Optimizer
from .base import LRScheduler, rates, set_option
from .plateau import ReduceLROnPlateau


class _Combined(LRScheduler):
    """What both share: the parts, and how they are saved."""

    _schedulers: Sequence[LRScheduler]

    def _check(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> Optimizer:
        name = type(self).__name__
        if len(schedulers) < 1:
            raise ValueError(f"{name}: expects at least one scheduler, got no scheduler.")
        optimizer = getattr(schedulers[0], "optimizer", None) if optimizer is None else optimizer
        for i, scheduler in enumerate(schedulers):
            if not hasattr(scheduler, "optimizer"):
                raise TypeError(f"{name}: at index {i} there is no scheduler but {type(scheduler).__name__}.")
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(
                    f"{name}: ReduceLROnPlateau (at index {i}) is not supported, because its step() needs a metric; "
                    "step it by itself."
                )
            if scheduler.optimizer is not optimizer:
                raise ValueError(
                    f"{name}: all schedulers must belong to the same optimizer, "
                    f"{type(scheduler).__name__} at index {i} has another one."
                )
        assert optimizer is not None
        return optimizer

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer, with the parts' states, as a dict."""
        state = {key: value for key, value in self.__dict__.items() if key not in ("optimizer", "_schedulers")}
        state["_schedulers"] = [scheduler.state_dict() for scheduler in self._schedulers]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what :meth:`state_dict` gave."""
        self.__dict__.update({key: value for key, value in state_dict.items() if key != "_schedulers"})
        for scheduler, saved in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            scheduler.load_state_dict(saved)


class SequentialLR(_Combined):
    """One schedule after the other, changing at the milestones.

    Parameters
    ----------
    optimizer : Optimizer
    schedulers : list of LRScheduler
    milestones : list of int
        One fewer than the schedulers.
    last_epoch : int

    Raises
    ------
    ValueError
        If there are no schedulers, they have other optimizers, or the number of milestones does not fit.
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1
    ) -> None:
        self.optimizer = self._check(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "SequentialLR: expects one scheduler more than milestones, "
                f"got {len(schedulers)} schedulers and {len(milestones)} milestones."
            )
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        for group in optimizer.param_groups:
            set_option(group, "lr", group["initial_lr"])
        _undo(self)  # each part made its first step when it was built: only the one that starts may
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self, epoch: Any = None) -> None:
        """Go one epoch further."""
        if epoch is not None:
            raise TypeError("SequentialLR.step: takes no epoch.")
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[i]
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


def _undo(scheduler: LRScheduler) -> None:
    if isinstance(scheduler, _Combined):
        for part in scheduler._schedulers:
            _undo(part)
    else:
        scheduler.last_epoch -= 1


class ChainedScheduler(_Combined):
    """All schedules at once, each acting on what the one before made.

    Parameters
    ----------
    schedulers : sequence of LRScheduler
    optimizer : Optimizer, optional
        Default: the first schedule's.

    Raises
    ------
    ValueError
        If there are no schedulers, or they have other optimizers.
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self.optimizer = self._check(schedulers, optimizer)
        self._schedulers = schedulers
        self._last_lr = rates(self.optimizer, "lr")

    def step(self, epoch: Any = None) -> None:
        """Step all of them."""
        if epoch is not None:
            raise TypeError("ChainedScheduler.step: takes no epoch.")
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = rates(self.optimizer, "lr")
