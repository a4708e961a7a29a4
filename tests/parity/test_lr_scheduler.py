"""Every schedule against PyTorch's: rates, momenta, saved keys, resuming, over 25 epochs; weight averages."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest

import autograd_core as ac
from nn import optim

torch = pytest.importorskip("torch")


class Halving:
    """A callable object, whose attributes are saved."""

    def __init__(self) -> None:
        self.base = 0.5

    def __call__(self, epoch: int) -> float:
        return self.base ** (epoch / 3)


CASES = {
    "LambdaLR": lambda S, o: S.LambdaLR(o, lambda e: 0.9**e),
    "LambdaLR each": lambda S, o: S.LambdaLR(o, [Halving(), lambda e: 1 / (1 + e)]),
    "MultiplicativeLR": lambda S, o: S.MultiplicativeLR(o, lambda e: 0.95),
    "StepLR": lambda S, o: S.StepLR(o, 3, 0.5),
    "MultiStepLR": lambda S, o: S.MultiStepLR(o, [2, 5, 5, 9], 0.5),
    "ConstantLR": lambda S, o: S.ConstantLR(o, 0.3, 4),
    "LinearLR": lambda S, o: S.LinearLR(o, 0.2, 0.9, 6),
    "ExponentialLR": lambda S, o: S.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda S, o: S.PolynomialLR(o, 8, 1.7),
    "CosineAnnealingLR": lambda S, o: S.CosineAnnealingLR(o, 6, 0.01),
    "CosineAnnealingWarmRestarts": lambda S, o: S.CosineAnnealingWarmRestarts(o, 3, 2, 0.01),
    "CosineAnnealingWarmRestarts equal": lambda S, o: S.CosineAnnealingWarmRestarts(o, 4),
    "CyclicLR": lambda S, o: S.CyclicLR(o, [0.01, 0.02], 0.1, 4, 3),
    "CyclicLR triangular2": lambda S, o: S.CyclicLR(o, 0.01, 0.1, 4, mode="triangular2", base_momentum=0.7),
    "CyclicLR exp_range": lambda S, o: S.CyclicLR(o, 0.01, 0.1, 4, mode="exp_range", gamma=0.9, cycle_momentum=False),
    "CyclicLR own": lambda S, o: S.CyclicLR(o, 0.01, 0.1, 4, scale_fn=Halving(), scale_mode="iterations"),
    "OneCycleLR": lambda S, o: S.OneCycleLR(o, 0.7, total_steps=26),
    "OneCycleLR three phases": lambda S, o: S.OneCycleLR(
        o, [0.7, 0.3], epochs=5, steps_per_epoch=6, three_phase=True, anneal_strategy="linear", pct_start=0.25
    ),
    "SequentialLR": lambda S, o: S.SequentialLR(
        o, [S.LinearLR(o, 0.1, 1.0, 4), S.CosineAnnealingLR(o, 10), S.ExponentialLR(o, 0.9)], [4, 12]
    ),
    "ChainedScheduler": lambda S, o: S.ChainedScheduler(
        [S.ConstantLR(o, 0.1, 3), S.ExponentialLR(o, 0.9), S.MultiStepLR(o, [5], 0.1)]
    ),
    "ChainedScheduler cosine": lambda S, o: S.ChainedScheduler(
        [S.CosineAnnealingLR(o, 5), S.LinearLR(o, 0.1, 1, 4)], o
    ),
    "SequentialLR of restarts": lambda S, o: S.SequentialLR(
        o, [S.LinearLR(o, 0.1), S.CosineAnnealingWarmRestarts(o, 3)], [5]
    ),
    "SWALR": lambda S, o: swa(S).SWALR(o, 0.05, 6),
    "SWALR linear": lambda S, o: swa(S).SWALR(o, [0.05, 0.01], 6, "linear"),
    "SWALR at once": lambda S, o: swa(S).SWALR(o, 0.05, 0),
}


def swa(schedulers):
    if schedulers is optim.lr_scheduler:
        from nn.optim import swa_utils

        return swa_utils
    return torch.optim.swa_utils


def optimizers(kind: str):
    for lib, module in ((ac, optim), (torch, torch.optim)):
        groups = [{"params": [lib.zeros(2, requires_grad=True)], "lr": rate} for rate in (0.5, 0.2)]
        yield getattr(module, kind)(groups, **({"momentum": 0.9} if kind == "SGD" else {}))


def snapshot(optimizer):
    return [
        [float(g["lr"]), float(g.get("momentum", 0.0)), *map(float, g.get("betas", ()))] for g in optimizer.param_groups
    ]


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("name", CASES)
def test_rates_and_saved_keys(name, kind):
    ours, theirs = optimizers(kind)
    a, b = CASES[name](optim.lr_scheduler, ours), CASES[name](torch.optim.lr_scheduler, theirs)
    assert list(ours.param_groups[0]) == list(theirs.param_groups[0])
    for _ in range(25):
        np.testing.assert_allclose(snapshot(ours), snapshot(theirs), rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(a.get_last_lr(), b.get_last_lr(), rtol=1e-12, atol=1e-15)
        for stepper in (ours, theirs, a, b):
            stepper.step()
    # PyTorch also saves a bound method of CyclicLR's
    assert set(a.state_dict()) == set(b.state_dict()) - {"_scale_fn_ref"}


@pytest.mark.parametrize("name", CASES)
def test_pytorchs_state_continues_here(name):
    ours, theirs = optimizers("SGD")
    a, b = CASES[name](optim.lr_scheduler, ours), CASES[name](torch.optim.lr_scheduler, theirs)
    theirs.step(), ours.step()
    for _ in range(7):
        b.step()
    a.load_state_dict(copy.deepcopy(b.state_dict()))
    saved = copy.deepcopy(theirs.state_dict())
    ours.load_state_dict({"state": {}, "param_groups": saved["param_groups"]})
    for _ in range(10):
        a.step(), b.step()
        np.testing.assert_allclose(snapshot(ours), snapshot(theirs), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    "name",
    [
        "StepLR",
        "MultiStepLR",
        "ConstantLR",
        "LinearLR",
        "ExponentialLR",
        "PolynomialLR",
        "CosineAnnealingLR",
        "LambdaLR",
    ],
)
@pytest.mark.filterwarnings("ignore:The epoch parameter", "ignore:Detected call")
def test_jumping_to_an_epoch(name):
    ours, theirs = optimizers("SGD")
    a, b = CASES[name](optim.lr_scheduler, ours), CASES[name](torch.optim.lr_scheduler, theirs)
    for epoch in (3, 7, 5, 20):
        a.step(epoch), b.step(epoch)
        np.testing.assert_allclose(snapshot(ours), snapshot(theirs), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("multiple", [1, 2])
def test_fractional_epochs_of_warm_restarts(multiple):
    ours, theirs = optimizers("SGD")
    a = optim.lr_scheduler.CosineAnnealingWarmRestarts(ours, 3, multiple)
    b = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(theirs, 3, multiple)
    for k in range(80):
        a.step(k / 4), b.step(k / 4)
        np.testing.assert_allclose(snapshot(ours), snapshot(theirs), rtol=1e-12, atol=1e-15)


PLATEAUS = [
    {},
    {"mode": "max", "factor": 0.5, "patience": 1, "threshold": 0.1, "threshold_mode": "abs"},
    {"patience": 2, "cooldown": 2, "min_lr": [0.1, 0.01]},
    {"mode": "max", "patience": 0, "threshold": 0.05, "eps": 0.01, "min_lr": 1e-3},
    {"threshold_mode": "abs", "threshold": 0.3, "patience": 3, "factor": 0.7},
]


@pytest.mark.parametrize("kwargs", PLATEAUS, ids=str)
def test_plateau(kwargs):
    ours, theirs = optimizers("SGD")
    a = optim.lr_scheduler.ReduceLROnPlateau(ours, **kwargs)
    b = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **kwargs)
    for k in range(40):
        metric = math.exp(-0.2 * k) + 0.3 * math.sin(k)
        a.step(metric), b.step(metric)
        np.testing.assert_allclose(snapshot(ours), snapshot(theirs), rtol=1e-12)
    assert set(a.state_dict()) == set(b.state_dict())
    assert a.state_dict()["num_bad_epochs"] == b.state_dict()["num_bad_epochs"]


AVERAGES = [(how, b) for how in ("mean", "ema", "ema one by one", "mean one by one") for b in (False, True)]


# (PyTorch's mean of lists cannot average integer buffers.)
@pytest.mark.parametrize(("how", "buffers"), [*AVERAGES, ("mean of lists", False)])
def test_averaged_model(how, buffers):
    import nn
    from nn.optim import swa_utils

    results = []
    rng = np.random.default_rng(0)
    data = [rng.standard_normal((8, 3)).astype("float32") for _ in range(5)]
    weights = [rng.standard_normal((2, 3)).astype("float32") for _ in range(4)]
    for lib, layers, tools in ((ac, nn, swa_utils), (torch, torch.nn, torch.optim.swa_utils)):
        kwargs = {
            "mean": {},
            "ema": {"multi_avg_fn": tools.get_ema_multi_avg_fn(0.9)},
            "ema one by one": {"avg_fn": tools.get_ema_avg_fn(0.8)},
            "mean one by one": {"avg_fn": tools.get_swa_avg_fn()},
            "mean of lists": {"multi_avg_fn": tools.get_swa_multi_avg_fn()},
        }[how]
        model = layers.Sequential(layers.BatchNorm1d(3), layers.Linear(3, 2))
        averaged = tools.AveragedModel(model, use_buffers=buffers, **kwargs)
        for w in weights:
            with lib.no_grad():
                model[1].weight.copy_(lib.tensor(w))
                model[1].bias.zero_()
                model(lib.tensor(data[0]))
            averaged.update_parameters(model)
        first = {k: np.array(v.detach().numpy()) for k, v in averaged.state_dict().items()}
        tools.update_bn([lib.tensor(d) for d in data], averaged)
        results.append((first, {k: np.array(v.detach().numpy()) for k, v in averaged.state_dict().items()}))
    for ours, theirs in zip(*results):
        assert list(ours) == list(theirs)
        for key in ours:
            np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-5, atol=1e-6, err_msg=key)
