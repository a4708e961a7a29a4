"""Schedules: saving and resuming, the order of calls, errors (the rates themselves: tests/parity)."""

from __future__ import annotations

import warnings

import pytest

import autograd_core as ac
from nn.optim import SGD, Adadelta, Adam, lr_scheduler, swa_utils


def optimizer(lr=1.0, cls=SGD, groups=1, **kwargs):
    return cls([{"params": [ac.zeros(1, requires_grad=True)]} for _ in range(groups)], lr=lr, **kwargs)


def test_rates_by_hand():
    o = optimizer()
    schedule = lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, 0.25, 1.0, 3), lr_scheduler.ExponentialLR(o, 0.5)], [4]
    )
    seen = []
    for _ in range(7):
        seen.append(schedule.get_last_lr()[0])
        o.step()
        schedule.step()
    assert seen == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0, 0.5, 0.25])


def test_order_of_calls():
    o = optimizer()
    schedule = lr_scheduler.StepLR(o, 1)
    with pytest.warns(UserWarning, match="Detected call of `lr_scheduler.step"):
        schedule.step()
    o = optimizer()
    schedule = lr_scheduler.StepLR(o, 1)
    o.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schedule.step()
    with pytest.warns(UserWarning, match="please use `get_last_lr"):
        schedule.get_lr()
    with pytest.warns(UserWarning, match="epoch parameter"):
        schedule.step(5)


def test_resuming():
    def make(last_epoch=-1, o=None):
        o = o or optimizer(momentum=0.9)
        return o, lr_scheduler.CosineAnnealingLR(o, 10, last_epoch=last_epoch)

    a, whole = make()
    a.step()
    for _ in range(4):
        whole.step()
    b, part = make()
    part.load_state_dict(whole.state_dict())
    b.load_state_dict(a.state_dict())
    whole.step(), part.step()
    assert whole.get_last_lr() == part.get_last_lr()
    with pytest.raises(KeyError, match="'initial_lr' is not specified in param_groups"):
        make(last_epoch=3)


class Ramp:
    def __init__(self):
        self.scale = 1.0

    def __call__(self, epoch):
        return self.scale / (1 + epoch)


def test_callable_objects_are_saved():
    a = lr_scheduler.LambdaLR(optimizer(groups=2), [Ramp(), lambda e: 1.0])
    a.lr_lambdas[0].scale = 0.5
    state = a.state_dict()
    assert state["lr_lambdas"] == [{"scale": 0.5}, None]
    b = lr_scheduler.LambdaLR(optimizer(groups=2), [Ramp(), lambda e: 1.0])
    b.load_state_dict(state)
    assert b.lr_lambdas[0].scale == 0.5
    assert state["lr_lambdas"] == [{"scale": 0.5}, None]


ERRORS = [
    (lambda o: lr_scheduler.StepLR("sgd", 3), TypeError, "StepLR: str is not an Optimizer"),
    (lambda o: lr_scheduler.ReduceLROnPlateau("sgd"), TypeError, "str is not an Optimizer"),
    (lambda o: lr_scheduler.LambdaLR(o, [len, len]), ValueError, "got 2 values for 1 groups"),
    (lambda o: lr_scheduler.MultiplicativeLR(o, 0.5), TypeError, "lr_lambda must be a function of the epoch, got "
                                                                 "float"),
    (lambda o: lr_scheduler.ConstantLR(o, 2.0), ValueError, "factor must be between 0 and 1, got 2.0"),
    (lambda o: lr_scheduler.LinearLR(o, 0.0), ValueError, "start_factor must be greater than 0 and at most 1"),
    (lambda o: lr_scheduler.LinearLR(o, 0.5, 2.0), ValueError, "end_factor must be between 0 and 1"),
    (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 0), ValueError, "expected positive integer T_0, got 0"),
    (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2, 0), ValueError, "integer T_mult >= 1, got 0"),
    (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2, 1, "a"), ValueError, "float or int eta_min"),
    (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2).step(-1), ValueError, "non-negative epoch, got -1"),
    (lambda o: lr_scheduler.CyclicLR(o, 0.1, 0.2, mode="square"), ValueError, "mode 'square' is invalid"),
    (lambda o: lr_scheduler.CyclicLR(o, [0.1, 0.2], 0.3), ValueError, "base_lr must have the same length"),
    (lambda o: lr_scheduler.CyclicLR(optimizer(cls=Adadelta), 0.1, 0.2), ValueError, "Adadelta has neither"),
    (lambda o: lr_scheduler.OneCycleLR(o, 0.1), ValueError, "either total_steps, or both epochs and steps_per_epoch"),
    (lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=0), ValueError, "positive integer total_steps, got 0"),
    (lambda o: lr_scheduler.OneCycleLR(o, 0.1, epochs=2, steps_per_epoch=1.5), ValueError, "positive integer "
                                                                                           "steps_per_epoch"),
    (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 10, pct_start=2.0), ValueError, "between 0 and 1 for pct_start, got "
                                                                               "2.0"),
    (lambda o: lr_scheduler.OneCycleLR(o, 0.1, 10, anneal_strategy="x"), ValueError, "'cos' or 'linear', got 'x'"),
    (lambda o: lr_scheduler.SequentialLR(o, [], []), ValueError, "expects at least one scheduler"),
    (lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(o, 1)], [1]), ValueError, "got 1 schedulers and 1 "
                                                                                           "milestones"),
    (lambda o: lr_scheduler.ChainedScheduler([3]), TypeError, "at index 0 there is no scheduler but int"),
    (lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.ReduceLROnPlateau(o)]), ValueError, "its step.. needs a "
                                                                                               "metric"),
    (lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.StepLR(o, 1)], optimizer()), ValueError, "same optimizer"),
    (lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=1.0), ValueError, "factor should be < 1.0, got 1.0"),
    (lambda o: lr_scheduler.ReduceLROnPlateau(o, mode="low"), ValueError, "mode 'low' is unknown"),
    (lambda o: lr_scheduler.ReduceLROnPlateau(o, threshold_mode="x"), ValueError, "threshold_mode 'x' is unknown"),
    (lambda o: lr_scheduler.ReduceLROnPlateau(o, min_lr=[1, 2]), ValueError, "expected 1 values of min_lr, got 2"),
    (lambda o: lr_scheduler.LRScheduler(o), NotImplementedError, "a schedule must define get_lr"),
    (lambda o: swa_utils.SWALR(o, 0.1, anneal_strategy="x"), ValueError, "SWALR: anneal_strategy must be 'cos' or "
                                                                         "'linear'"),
    (lambda o: swa_utils.SWALR(o, 0.1, -1), ValueError, "anneal_epochs must be an integer of at least 0"),
    (lambda o: swa_utils.get_ema_avg_fn(2.0), ValueError, "invalid decay 2.0"),
]  # fmt: skip


@pytest.mark.parametrize("case", ERRORS, ids=lambda c: c[2][:40])
def test_errors(case):
    make, kind, text = case
    with pytest.raises(kind, match=text):
        make(optimizer())


def test_one_cycle_ends():
    o = optimizer(cls=Adam)
    schedule = lr_scheduler.OneCycleLR(o, 0.1, total_steps=3)
    o.step()
    for _ in range(3):
        schedule.step()
    with pytest.raises(ValueError, match="tried to step 4 times, and the cycle has 3 steps"):
        schedule.step()


def test_plateau_notices_new_groups():
    o = optimizer()
    schedule = lr_scheduler.ReduceLROnPlateau(o, patience=0, min_lr=[0.0])
    o.add_param_group({"params": [ac.zeros(1, requires_grad=True)]})
    schedule.step(1.0)
    with pytest.raises(RuntimeError, match="the optimizer has 2 groups and min_lrs 1 values"):
        schedule.step(1.0)
