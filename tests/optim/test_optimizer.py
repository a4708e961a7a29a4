"""What all optimizers share: groups, state, hooks, saving, errors, and what a step leaves behind."""

from __future__ import annotations

import copy
import gc
import pickle
import tracemalloc

import numpy as np
import pytest

import autograd_core as ac
from autograd_core.kernels.thresholds import THRESHOLDS
from nn import optim
from nn.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook, required

ALL = [
    "SGD",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "RAdam",
    "RMSprop",
    "Rprop",
    "Adagrad",
    "Adadelta",
    "ASGD",
    "Adafactor",
    "Muon",
    "Lion",
    "LAMB",
]
DIFFERENTIABLE = [n for n in ALL if n not in ("Adafactor", "Muon")]


def parameter(*shape, dtype=ac.float64, seed=0):
    return ac.tensor(np.random.default_rng(seed).standard_normal(shape), dtype=dtype, requires_grad=True)


def train(optimizer, params, steps=3):
    for _ in range(steps):
        optimizer.zero_grad()
        sum(((p - 1.5) ** 2).sum() for p in params).backward()
        optimizer.step()


@pytest.mark.parametrize("name", ALL)
def test_goes_downhill(name):
    params = [parameter(4, 3), parameter(2, 2, seed=1)]
    optimizer = getattr(optim, name)(params, lr=0.02)
    before = sum(float(((p - 1.5) ** 2).sum()) for p in params)
    train(optimizer, params, 30)
    assert sum(float(((p - 1.5) ** 2).sum()) for p in params) < before


@pytest.mark.parametrize("name", ALL)
def test_maximize_goes_uphill_the_same_way(name):
    if name == "Muon":
        return  # PyTorch's has no such option
    a, b = parameter(4, 3), parameter(4, 3)
    down, up = getattr(optim, name)([a], lr=0.02), getattr(optim, name)([b], lr=0.02, maximize=True)
    for _ in range(3):
        a.grad, b.grad = ac.full_like(a, 0.3), ac.full_like(b, -0.3)
        down.step(), up.step()
    np.testing.assert_array_equal(a.array, b.array)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", [ac.float32, ac.float64])
def test_state_has_the_parameters_dtype(name, dtype):
    p = parameter(4, 3, dtype=dtype)
    optimizer = getattr(optim, name)([p])
    train(optimizer, [p])
    assert p.dtype is dtype
    for key, value in optimizer.state[p].items():
        assert value.dtype is (ac.float32 if key in ("step", "mu_product", "eta", "mu") else dtype), key


@pytest.mark.parametrize("name", ALL)
def test_resumes_bit_for_bit(name):
    p = parameter(4, 3)
    optimizer = getattr(optim, name)([p], lr=0.1)
    train(optimizer, [p], 5)
    q = ac.tensor(p.array.copy(), requires_grad=True)
    other = getattr(optim, name)([q], lr=0.5)
    other.load_state_dict(optimizer.state_dict())
    train(optimizer, [p], 5)
    train(other, [q], 5)
    np.testing.assert_array_equal(p.array, q.array)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("copier", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"])
def test_copies_are_independent_and_go_on(name, copier):
    p = parameter(4, 3)
    optimizer = getattr(optim, name)([p], lr=0.1)
    train(optimizer, [p])
    other = copier(optimizer)
    q = other.param_groups[0]["params"][0]
    assert q is not p
    train(optimizer, [p])
    train(other, [q])
    np.testing.assert_array_equal(p.array, q.array)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_flow_through_recorded_steps(name):
    def run(start, slope):
        p = start.clone()
        optimizer = getattr(optim, name)([p], lr=0.1, differentiable=True)
        for _ in range(2):
            q = p.clone()
            p.grad = q * slope + q.sin() + slope
            optimizer.step()
        return p

    start, slope = parameter(3), ac.tensor([0.5, 2.0, -1.5], dtype=ac.float64, requires_grad=True)
    if name == "LAMB":  # the trust ratio counts as a constant, so only the direction is compared
        run(start, slope).sum().backward()
        assert start.grad is not None
        return
    assert ac.autograd.gradcheck(run, (start, slope))


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_recorded_and_ordinary_steps_agree(name):
    p, start = parameter(5), parameter(5)
    q = start.clone()
    plain, recorded = getattr(optim, name)([p], lr=0.1), getattr(optim, name)([q], lr=0.1, differentiable=True)
    for k in range(4):
        slope = np.cos(np.arange(5.0) + k)
        p.grad, q.grad = ac.tensor(slope), ac.tensor(slope)
        plain.step(), recorded.step()
    np.testing.assert_allclose(q.detach().numpy(), p.array, rtol=1e-13)


def test_lion_and_lamb_by_hand():
    p = ac.tensor([1.0, -2.0], dtype=ac.float64, requires_grad=True)
    optimizer = optim.Lion([p], lr=0.1, betas=(0.9, 0.5), weight_decay=0.5)
    m, x = np.zeros(2), p.array.copy()
    for g in ([1.0, -1.0], [-3.0, 0.5], [0.1, 0.1]):
        p.grad = ac.tensor(g, dtype=ac.float64)
        optimizer.step()
        x = x * (1 - 0.1 * 0.5) - 0.1 * np.sign(0.9 * m + 0.1 * np.array(g))
        m = 0.5 * m + 0.5 * np.array(g)
    np.testing.assert_allclose(p.array, x, rtol=1e-14)

    p = ac.tensor([3.0, -4.0], dtype=ac.float64, requires_grad=True)
    optimizer = optim.LAMB([p], lr=0.1, weight_decay=0.1, eps=1e-6, max_trust_ratio=3.0)
    m, v, x = np.zeros(2), np.zeros(2), p.array.copy()
    for t, g in enumerate(([1.0, -1.0], [-3.0, 0.5], [0.1, 0.1]), start=1):
        p.grad = ac.tensor(g, dtype=ac.float64)
        optimizer.step()
        g = np.array(g)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        r = m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-6) + 0.1 * x
        x = x - 0.1 * min(3.0, np.linalg.norm(x) / np.linalg.norm(r)) * r
    np.testing.assert_allclose(p.array, x, rtol=1e-13)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("order", ["C", "F"])
def test_large_parameters_in_chunks(name, order):
    rng = np.random.default_rng(0)
    values = rng.standard_normal((150, 300)), rng.standard_normal((150, 300))
    results = []
    for chunk in (1000, 10**9):
        optim.formula.CHUNK, kept = chunk, optim.formula.CHUNK
        try:
            p = ac.tensor(np.array(values[0], order=order), requires_grad=True)
            optimizer = getattr(optim, name)([p], lr=0.1, weight_decay=0.1) if name != "Rprop" else optim.Rprop([p])
            for k in range(3):
                p.grad = ac.tensor(np.array(np.cos(values[1] + k), order=order))
                optimizer.step()
        finally:
            optim.formula.CHUNK = kept
        results.append((p.array, {k: v.array for k, v in optimizer.state.get(p, {}).items()}))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    for key, value in results[0][1].items():
        np.testing.assert_array_equal(value, results[1][1][key], err_msg=key)


def test_muon_makes_updates_orthogonal():
    p = parameter(6, 4)
    before = p.array.copy()
    optimizer = optim.Muon([p], lr=1.0, weight_decay=0.0)
    p.grad = parameter(6, 4, seed=1).detach()
    optimizer.step()
    values = np.linalg.svd(before - p.array, compute_uv=False) / np.sqrt(6 / 4)
    assert np.all((values > 0.5) & (values < 1.5))


def test_groups_have_their_own_options():
    a, b = parameter(2), parameter(2)
    optimizer = optim.SGD([{"params": [a], "lr": 1.0}, {"params": b}], lr=0.1)
    a.grad, b.grad = ac.ones_like(a), ac.ones_like(b)
    x = a.array.copy(), b.array.copy()
    optimizer.step()
    np.testing.assert_allclose(a.array, x[0] - 1.0)
    np.testing.assert_allclose(b.array, x[1] - 0.1)
    c = parameter(3)
    optimizer.add_param_group({"params": [c], "momentum": 0.9})
    assert optimizer.param_groups[2]["lr"] == 0.1
    c.grad = ac.ones_like(c)
    optimizer.step()
    assert set(optimizer.state) == {c}


def test_named_parameters():
    a, b = parameter(2), parameter(2)
    optimizer = optim.SGD([("weight", a), ("bias", b)], lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
    with pytest.raises(ValueError, match="1 of 2 parameters have names"):
        optim.SGD([("weight", a), b], lr=0.1)
    with pytest.raises(ValueError, match="either all parameter groups have names or none"):
        optimizer.add_param_group({"params": [parameter(1)]})


def test_learning_rates_given_as_tensors():
    p, q = parameter(3), parameter(3)
    rate = ac.tensor(0.1, dtype=ac.float64)
    a, b = optim.Adam([p], lr=rate), optim.Adam([q], lr=0.1)
    schedule = optim.lr_scheduler.ExponentialLR(a, 0.5)
    train(a, [p]), train(b, [q])
    np.testing.assert_array_equal(p.array, q.array)
    schedule.step()
    assert float(rate) == pytest.approx(0.05)


def test_zero_grad():
    p = parameter(3)
    optimizer = optim.SGD([p], lr=0.1)
    p.grad = ac.ones_like(p)
    kept = p.grad
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is not None
    assert not p.grad.array.any()
    assert not kept.array.any()
    optimizer.zero_grad()
    assert p.grad is None
    optimizer.step()  # nothing to do


def test_parameters_without_a_gradient_are_left_alone():
    a, b = parameter(3), parameter(3)
    frozen = ac.ones(2)
    optimizer = optim.Adam([a, b, frozen], lr=0.1)
    x = b.array.copy()
    a.grad = ac.ones_like(a)
    optimizer.step()
    np.testing.assert_array_equal(b.array, x)
    assert set(optimizer.state) == {a}
    a.grad = b.grad = ac.ones_like(a)
    optimizer.step()
    assert (float(optimizer.state[a]["step"]), float(optimizer.state[b]["step"])) == (2.0, 1.0)


def test_step_stamps_the_write():
    p = parameter(3)
    optimizer = optim.SGD([p], lr=0.1)
    for _ in range(2):  # the first time and the remembered way
        loss = (p * p).sum()
        p.grad = ac.ones_like(p)
        optimizer.step()
        with pytest.raises(RuntimeError, match="modified in place"):
            loss.backward()


def test_closure_runs_with_gradients():
    p = parameter(3)
    optimizer = optim.Adam([p], lr=0.1)

    def closure():
        assert ac.is_grad_enabled()
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with ac.no_grad():
        loss = optimizer.step(closure)
    assert loss.requires_grad
    assert optimizer.step() is None


def test_step_hooks():
    p = parameter(3)
    optimizer = optim.SGD([p], lr=0.1)
    calls = []
    handles = [
        optimizer.register_step_pre_hook(lambda o, args, kwargs: calls.append("pre")),
        optimizer.register_step_post_hook(lambda o, args, kwargs: calls.append("post")),
        register_optimizer_step_pre_hook(lambda o, args, kwargs: calls.append("global pre")),
        register_optimizer_step_post_hook(lambda o, args, kwargs: calls.append("global post")),
    ]
    optimizer.step()
    assert calls == ["global pre", "pre", "post", "global post"]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(calls) == 4
    with optimizer.register_step_pre_hook(lambda o, args, kwargs: ((lambda: 5.0,), {})):
        assert optimizer.step() == 5.0
    with (
        optimizer.register_step_pre_hook(lambda o, args, kwargs: 3),
        pytest.raises(RuntimeError, match=r"SGD.step: a pre-hook must return None or \(args, kwargs\), got 3"),
    ):
        optimizer.step()


def test_state_dict_hooks():
    p = parameter(3)
    optimizer = optim.SGD([p], lr=0.1)
    calls = []
    optimizer.register_state_dict_pre_hook(lambda o: calls.append("pre"))
    optimizer.register_state_dict_post_hook(lambda o, s: {**s, "more": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, s: calls.append(s.pop("more")))
    optimizer.register_load_state_dict_post_hook(lambda o: calls.append("loaded"))
    optimizer.register_load_state_dict_pre_hook(lambda o, s: calls.append("first"), prepend=True)
    optimizer.load_state_dict(optimizer.state_dict())
    assert calls == ["pre", "first", 1, "loaded"]


def test_loaded_state_is_not_shared():
    p, q = parameter(3), parameter(3)
    a, b = optim.Adam([p]), optim.Adam([q])
    train(a, [p])
    b.load_state_dict(a.state_dict())
    before = b.state[q]["exp_avg"].array.copy()
    train(a, [p])
    np.testing.assert_array_equal(b.state[q]["exp_avg"].array, before)


def test_state_can_be_cleared_or_replaced_between_steps():
    p, q = parameter(3), parameter(3)
    a, b = optim.Adam([p], lr=0.1), optim.Adam([q], lr=0.1)
    train(a, [p])
    a.state.clear()
    with ac.no_grad():
        p.copy_(q)
    train(a, [p]), train(b, [q])
    np.testing.assert_array_equal(p.array, q.array)
    a.state[p]["exp_avg"] = ac.zeros_like(p)
    b.state[q]["exp_avg"].array[...] = 0
    a.state[p]["step"] = ac.tensor(7.0)
    b.state[q]["step"].array[...] = 7
    train(a, [p]), train(b, [q])
    np.testing.assert_array_equal(p.array, q.array)


def test_parameters_moved_to_another_array_or_layout():
    p, q = parameter(4, 3), parameter(4, 3)
    a, b = optim.Adam([p], lr=0.1), optim.Adam([q], lr=0.1)
    train(a, [p]), train(b, [q])
    p.data = ac.tensor(np.asfortranarray(p.array))
    train(a, [p]), train(b, [q])
    np.testing.assert_array_equal(p.array, q.array)


def test_an_optimizer_of_ones_own():
    class Plain(optim.Optimizer):
        def __init__(self, params, lr=required):
            super().__init__(params, {"lr": lr})

        def step(self, closure=None):
            with ac.no_grad():
                for group in self.param_groups:
                    for p in group["params"]:
                        p.add_(p.grad, alpha=-group["lr"])

    p = parameter(3)
    with pytest.raises(ValueError, match="Plain: the parameter group did not give the required option 'lr'"):
        Plain([p])
    optimizer = Plain([p], lr=0.5)
    calls = []
    optimizer.register_step_post_hook(lambda *a: calls.append(1))
    p.grad = ac.ones_like(p)
    x = p.array.copy()
    optimizer.step()
    np.testing.assert_allclose(p.array, x - 0.5)
    assert calls == [1]
    schedule = optim.lr_scheduler.StepLR(optimizer, 1)
    schedule.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.05)


@pytest.mark.parametrize("least", [0, 10**12])
def test_steps_leave_no_memory_behind(monkeypatch, least):
    for name in ("optim.numba", "optim.loaded"):  # kernels from the first step, or (if no test loaded them) none at all
        monkeypatch.setitem(THRESHOLDS, name, least)
    params = [parameter(20, 20, seed=k) for k in range(3)]
    optimizer = optim.Adam(params)
    train(optimizer, params, 20)
    gc.collect()
    gc.disable()
    try:
        tracemalloc.start()
        train(optimizer, params, 20)
        first = tracemalloc.get_traced_memory()[0]
        train(optimizer, params, 200)
        # one array of one step is 3,200 bytes; Python's free lists of tuples may still grow by 2,000 x 56 bytes
        assert tracemalloc.get_traced_memory()[0] - first < 150_000
    finally:
        tracemalloc.stop()
        gc.enable()


ERRORS = [
    (lambda p: optim.SGD([], lr=0.1), ValueError, "SGD: the optimizer got an empty parameter list"),
    (lambda p: optim.SGD(p, lr=0.1), TypeError, "SGD: params must be an iterable of tensors or dicts, got one tensor"),
    (lambda p: optim.SGD([1.0], lr=0.1), TypeError, "can only optimize tensors, parameter 0 is float"),
    (lambda p: optim.SGD([p * 2], lr=0.1), ValueError, "can't optimize a non-leaf tensor: parameter 0 was computed "
                                                       "by 'mul'"),
    (lambda p: optim.SGD([{"params": {p}}]), TypeError, "a set has none; use a list"),
    (lambda p: optim.SGD([{"params": [p]}, {"params": [p]}]), ValueError, "appear in more than one parameter group"),
    (lambda p: optim.SGD([{"weights": [p]}]), KeyError, "has no 'params'"),
    (lambda p: optim.SGD([p], lr=-1.0), ValueError, "SGD: invalid learning rate: lr must be at least 0, got -1.0"),
    (lambda p: optim.SGD([p], lr=float("nan")), ValueError, "SGD: invalid learning rate"),
    (lambda p: optim.SGD([p], lr="fast"), TypeError, "SGD: lr must be a number, got str"),
    (lambda p: optim.SGD([p], lr=ac.ones(2)), ValueError, r"lr given as a tensor must have 1 element, got shape "
                                                          r"\(2,\)"),
    (lambda p: optim.SGD([p], momentum=-0.1), ValueError, "momentum must be at least 0, got -0.1"),
    (lambda p: optim.SGD([p], nesterov=True), ValueError, "Nesterov momentum requires a momentum and zero dampening"),
    (lambda p: optim.SGD([p], foreach=True, fused=True), RuntimeError, "`fused` and `foreach` cannot be `True` "
                                                                       "together"),
    (lambda p: optim.Adam([p], differentiable=True, fused=True), RuntimeError, "`fused` does not support "
                                                                               "`differentiable`"),
    (lambda p: optim.Adam([p], betas=(1.0, 0.9)), ValueError, r"Adam: invalid betas\[0\]: .* got 1.0"),
    (lambda p: optim.AdamW([p], weight_decay=-1), ValueError, "AdamW: invalid weight_decay"),
    (lambda p: optim.Rprop([p], etas=(1.1, 1.2)), ValueError, r"0 < etas\[0\] < 1 < etas\[1\]"),
    (lambda p: optim.Adadelta([p], rho=1.5), ValueError, "rho: must be from 0 to 1, got 1.5"),
    (lambda p: optim.Adafactor([p], d=0.5), ValueError, "d must be at least 1, got 0.5"),
    (lambda p: optim.Adafactor([p], beta2_decay=0.5), ValueError, "beta2_decay: must be at most 0"),
    (lambda p: optim.Muon([p]), ValueError, r"only 2-d parameters are supported, got one of shape \(3,\)"),
    (lambda p: optim.Muon([p.detach().reshape(3, 1)], ns_steps=100), ValueError, "ns_steps must be less than 100"),
    (lambda p: optim.Muon([p.detach().reshape(3, 1)], adjust_lr_fn="x"), ValueError, "adjust_lr_fn 'x' is not "
                                                                                     "supported"),
    (lambda p: optim.LBFGS([{"params": [p]}, {"params": [parameter(1)]}]), ValueError, "there can be only one "
                                                                                       "group, got 2"),
    (lambda p: optim.LBFGS([p]).step(), TypeError, "LBFGS.step: needs a closure"),
    (lambda p: optim.LBFGS([p], line_search_fn="armijo").step(lambda: 0), RuntimeError, "only 'strong_wolfe' is "
                                                                                        "supported"),
    (lambda p: optim.SparseAdam([p], lr=0), ValueError, "lr must be more than 0, got 0"),
    (lambda p: optim.Optimizer([p], {}).step(), NotImplementedError, "an optimizer must define step"),
]  # fmt: skip


@pytest.mark.parametrize("case", ERRORS, ids=lambda c: c[2][:40])
def test_errors(case):
    make, kind, text = case
    with pytest.raises(kind, match=text):
        make(parameter(3))


def test_errors_of_steps_and_loading():
    p = parameter(3)
    dense = optim.SparseAdam([p])
    p.grad = ac.ones_like(p)
    with pytest.raises(RuntimeError, match="SparseAdam: dense gradients are not supported; use Adam"):
        dense.step()
    z = ac.ones(2, 2, dtype=ac.complex128, requires_grad=True)
    z.grad = ac.ones_like(z)
    for cls in (optim.Adafactor, optim.Muon):
        with pytest.raises(RuntimeError, match="complex parameters are not supported"):
            cls([z]).step()
    optimizer = optim.Adam([p])
    with pytest.raises(TypeError, match=r"Adam.load_state_dict: expected a dict, got list"):
        optimizer.load_state_dict([])
    with pytest.raises(KeyError, match="not an optimizer's state: no 'state'"):
        optimizer.load_state_dict({"model": {}})
    two = optim.Adam([p, parameter(2)])
    with pytest.raises(ValueError, match=r"doesn't match the size of the optimizer's group: sizes \[2\] against \[1\]"):
        optimizer.load_state_dict(two.state_dict())
    with pytest.raises(ValueError, match="different number of parameter groups: 2, and this optimizer has 1"):
        optimizer.load_state_dict(optim.Adam([{"params": [parameter(1)]}, {"params": [parameter(2)]}]).state_dict())
    with pytest.warns(UserWarning, match="holds the same parameter twice"):
        optim.SGD([p, p], lr=0.1)


@pytest.mark.parametrize("name", [*ALL, "LBFGS"])
def test_state_survives_a_file(name, tmp_path):
    """Saved with its schedule and loaded again, a run goes on bit for bit."""

    def make():
        p = parameter(4, 3)
        optimizer = getattr(optim, name)([p], lr=0.1)
        return p, optimizer, optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)

    def run(p, optimizer, schedule, steps):
        def closure():
            optimizer.zero_grad()
            loss = ((p - 1.5) ** 4).sum()
            loss.backward()
            return loss

        for _ in range(steps):
            optimizer.step(closure)
            schedule.step()

    p, optimizer, schedule = make()
    run(p, optimizer, schedule, 3)
    file = tmp_path / "state.safetensors"
    ac.save({"p": p.detach(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict()}, file)
    run(p, optimizer, schedule, 3)
    q, other, again = make()
    loaded = ac.load(file)
    with ac.no_grad():
        q.copy_(loaded["p"])
    other.load_state_dict(loaded["optimizer"])
    again.load_state_dict(loaded["schedule"])
    run(q, other, again, 3)
    np.testing.assert_array_equal(p.array, q.array)
