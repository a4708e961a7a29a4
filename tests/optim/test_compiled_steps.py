"""Compiled optimizer steps give the bits of the formulas, over steps, options, layouts and dtypes."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ac
from autograd_core.kernels import runtime
from autograd_core.kernels.thresholds import THRESHOLDS
from nn import optim

NATIVE = runtime.native
SHAPES = [(3, 5), (), (0, 4), (7,), (4100,), (33, 1000)]
CASES = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1, "nesterov": True}),
    ("Adam", {"lr": 0.1, "amsgrad": True}),
    ("AdamW", {"lr": 0.1}),
    ("RMSprop", {"momentum": 0.9, "centered": True}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1}),
    ("Adadelta", {}),
    ("Adadelta", {"rho": 0.7, "weight_decay": 0.1, "maximize": True}),
    ("Adamax", {}),
    ("Adamax", {"betas": (0.5, 0.9), "weight_decay": 0.1, "maximize": True}),
    ("NAdam", {}),
    ("NAdam", {"weight_decay": 0.1, "momentum_decay": 0.01, "maximize": True}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.1}),
    ("RAdam", {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.1, "maximize": True}),
    ("RAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("ASGD", {}),
    ("ASGD", {"lr": 0.1, "t0": 3, "weight_decay": 0.1, "maximize": True}),
    ("Rprop", {}),
    ("Rprop", {"lr": 0.1, "etas": (0.4, 1.3), "step_sizes": (1e-4, 0.11), "maximize": True}),
    ("Lion", {"lr": 0.01}),
    ("Lion", {"lr": 0.01, "weight_decay": 0.1, "betas": (0.5, 0.9), "maximize": True}),
]


def run(monkeypatch, compiled, name, options, dtypes=("float32",), skip=(), spoil=None, steps=8, between=None):
    """Steps from the same start; all parameters and states, and the indices that the kernel updated."""
    monkeypatch.setitem(THRESHOLDS, "optim.numba", 0)
    monkeypatch.setattr(runtime, "native", NATIVE if compiled else lambda name: None)
    rng = np.random.default_rng(0)
    params = []
    for k, shape in enumerate(SHAPES):
        a = np.asarray(rng.standard_normal(shape)).astype(dtypes[k % len(dtypes)])
        params.append(ac.from_numpy(a).requires_grad_())
    if spoil:
        spoil(params)
    optimizer = getattr(optim, name)(params, **options)
    for step in range(steps):
        for k, p in enumerate(params):
            g = np.asarray(rng.standard_normal(p.shape)).astype(p.array.dtype)
            p.grad = None if (step, k) in skip else ac.from_numpy(g)
        if between:
            between(step, params, optimizer)
        optimizer.step()
    out = [p.array for p in params]
    for p in params:
        out += [v.array for v in optimizer.state[p].values() if isinstance(v, ac.Tensor)]
    return out, optimizer._work[0].plan.everything


def same(monkeypatch, name, options, members=None, **rest):
    plain, _ = run(monkeypatch, False, name, options, **rest)
    fast, done = run(monkeypatch, True, name, options, **rest)
    if runtime.enabled():
        assert done == (set(range(len(SHAPES))) if members is None else members)
    for a, b in zip(plain, fast, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_same_bits(monkeypatch, name, options):
    same(monkeypatch, name, options)


@pytest.mark.parametrize("name", ["SGD", "Adam", "NAdam", "ASGD", "RAdam"])
def test_two_dtypes_and_one_the_kernels_do_not_take(monkeypatch, name):
    same(monkeypatch, name, {"lr": 0.01}, {0, 2, 3, 5}, dtypes=("float64", "float16", "float32"))


@pytest.mark.parametrize("name", ["Adam", "NAdam", "ASGD", "RAdam", "Adamax"])
def test_parameters_that_missed_steps_have_their_own_count(monkeypatch, name):
    same(monkeypatch, name, {}, skip={(0, 1), (2, 3), (2, 5), (4, 0)})


@pytest.mark.parametrize("name", ["SGD", "Adam", "NAdam", "Lion"])
def test_parameters_of_other_layouts(monkeypatch, name):
    def spoil(params):
        params[0].data = ac.from_numpy(np.asfortranarray(params[0].array))
        params[5].data = ac.from_numpy(np.repeat(params[5].array, 2, axis=1)[:, ::2])

    same(monkeypatch, name, {"lr": 0.01}, {1, 2, 3, 4}, spoil=spoil)


def test_gradients_of_any_layout(monkeypatch):
    monkeypatch.setitem(THRESHOLDS, "optim.numba", 0)
    values = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)
    backing = np.arange(25, dtype=np.float32)
    odd = np.frombuffer(b"\0" + values.tobytes(), np.uint8)[1:].view(np.float32).reshape(4, 6)
    assert not odd.flags.aligned
    for g in (values, np.asfortranarray(values), np.repeat(values, 2, 1)[:, ::2], values[::-1], odd,
              np.broadcast_to(values[:1], (4, 6)), backing[1:].reshape(4, 6), values.astype(values.dtype.newbyteorder("=")),
              ):  # fmt: skip
        p = ac.zeros(4, 6).requires_grad_()
        p.grad = ac.from_numpy(g)
        optim.SGD([p], lr=1.0).step()
        np.testing.assert_array_equal(p.array, -g)


def test_nan_and_infinity(monkeypatch):
    def spoil(params):
        params[4].array[:3] = np.nan, np.inf, -np.inf

    with np.errstate(all="ignore"):
        for name, _ in CASES:
            same(monkeypatch, name, {"lr": 0.01}, spoil=spoil, steps=2)


def test_wrong_gradients_change_nothing(monkeypatch):
    monkeypatch.setitem(THRESHOLDS, "optim.numba", 0)
    params = [ac.ones(3).requires_grad_(), ac.ones(4, dtype=ac.float64).requires_grad_()]
    for p in params:
        p.grad = ac.ones_like(p)
    params[1].grad.array = np.ones(5)
    with pytest.raises(RuntimeError, match=r"lion: gradient 1 is float64\[5\], but its parameter is float64\[4\]"):
        optim.Lion(params).step()
    assert all((p.array == 1).all() for p in params)


def moved(event):
    """What a user may do between two steps; each makes the compiled step find its arrays, or its numbers, anew."""

    def between(step, params, optimizer):
        if step != 4:
            return
        p, group = params[4], optimizer.param_groups[0]
        state = optimizer.state[p]
        if event == "lr":
            group["lr"] = ac.tensor(0.05)
        elif event == "option":
            group["weight_decay"] = 0.3
        elif event == "maximize":
            group["maximize"] = True
        elif event == "data":
            p.data = p.data * 2
        elif event == "written":
            with ac.no_grad():
                p.mul_(2)
        elif event == "moment":
            key = next(k for k in state if k != "step")
            state[key] = state[key] * 2
        elif event == "count":
            state["step"].fill_(40)
        elif event == "counter":
            state["step"] = ac.tensor(30.0)
        elif event == "loaded":
            saved = optimizer.state_dict()
            saved["state"][4] = {k: v * 2 for k, v in saved["state"][4].items()}
            optimizer.load_state_dict(saved)
        elif event == "no gradient":
            p.grad = None
        elif event == "gradient of another layout":
            params[5].grad = ac.from_numpy(np.asfortranarray(params[5].grad.array))
        elif event == "one more":
            optimizer.param_groups[0]["params"].append(ac.ones(3, requires_grad=True))
            optimizer.param_groups[0]["params"][-1].grad = ac.ones(3)

    return between


EVENTS = ("lr", "option", "maximize", "data", "written", "moment", "loaded", "no gradient", "gradient of another layout",
          "one more")  # fmt: skip


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "NAdam"])
def test_a_step_goes_on_from_the_last_one_unless_something_moved(monkeypatch, name, event):
    options = {"lr": 0.1, "momentum": 0.9} if name == "SGD" else {"lr": 0.01}
    members = set(range(len(SHAPES) + (event == "one more")))
    same(monkeypatch, name, options, members, between=moved(event))


@pytest.mark.parametrize("event", ["count", "counter"])
@pytest.mark.parametrize("name", ["Adam", "Adagrad", "RAdam", "NAdam"])
def test_counts_are_read_at_every_step(monkeypatch, name, event):
    same(monkeypatch, name, {"lr": 0.01}, between=moved(event))


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_every_compiled_optimizer_goes_on(monkeypatch, name, options):
    again = []
    whole = optim.formula.FormulaOptimizer._again
    monkeypatch.setattr(
        optim.formula.FormulaOptimizer, "_again", lambda self, *args: again.append(whole(self, *args)) or again[-1]
    )
    run(monkeypatch, True, name, options)
    assert again == [True] * 7 * runtime.enabled()  # without compiled passes there is nothing to go on from


def test_a_step_that_is_to_be_recorded_does_not_go_on_from_a_compiled_one(monkeypatch):
    monkeypatch.setitem(THRESHOLDS, "optim.numba", 0)
    p, g = ac.ones(3, requires_grad=True), ac.ones(3, requires_grad=True)
    optimizer = optim.SGD([p], lr=0.1)
    p.grad = ac.ones(3)
    optimizer.step()
    optimizer.step()
    optimizer.param_groups[0]["differentiable"] = True
    q = p.clone()
    optimizer.param_groups[0]["params"] = [q]
    q.grad = g * 2
    optimizer.step()
    (slope,) = ac.autograd.grad(q.sum(), g)
    np.testing.assert_allclose(slope.array, -0.2, rtol=1e-6)
