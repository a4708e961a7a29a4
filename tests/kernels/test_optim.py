"""Compiled optimizer passes give the same bits as their NumPy twins, over many steps, options and layouts."""

import sys

import numpy as np
import pytest

from autograd_core.kernels import optim, optim_plan, runtime
from autograd_core.kernels.thresholds import THRESHOLDS

NATIVE = runtime.native
SHAPES = [(3, 5), (), (0, 4), (7,), (4100,), (33, 1000)]


def run(monkeypatch, compiled, call, columns, dtype, steps=3, change=lambda arrays: arrays, shapes=SHAPES):
    """Three steps from the same start; returns every parameter and state."""
    monkeypatch.setitem(THRESHOLDS, "optim.numba", 0)
    monkeypatch.setattr(runtime, "native", NATIVE if compiled else lambda name: None)
    rng = np.random.default_rng(0)
    lists = [change([np.asarray(rng.standard_normal(s)).astype(dtype) for s in shapes])]
    lists += [change([np.asarray(abs(rng.standard_normal(s))).astype(dtype) for s in shapes]) for _ in range(columns)]
    plan = optim.Plan()
    for step in range(1, steps + 1):
        grads = [np.asarray(rng.standard_normal(s)).astype(dtype) for s in shapes]
        call(lists[0], grads, *lists[1:], step=step, plan=plan)
    if compiled and runtime.enabled() and dtype in (np.float32, np.float64):
        assert plan.groups, "the compiled kernel did not run"
    return [a for arrays in lists for a in arrays]


def same(monkeypatch, call, columns, dtype=np.float32, **options):
    plain = run(monkeypatch, False, call, columns, dtype, **options)
    fast = run(monkeypatch, True, call, columns, dtype, **options)
    for a, b in zip(plain, fast, strict=True):
        assert a.dtype == dtype
        np.testing.assert_array_equal(a, b)


def sgd(**options):
    return lambda p, g, *states, step, plan: optim.sgd(
        p, g, *states, lr=0.1, first=[step == 1] * len(p), plan=plan, **options
    )


def adam(**options):
    return lambda *lists, step, plan: optim.adam(
        *lists, step=[step + k for k in range(len(lists[0]))], plan=plan, **options
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"momentum": 0.9},
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
        {"momentum": 0.9, "dampening": 0.3, "maximize": True},
    ],
)
def test_sgd(monkeypatch, options):
    same(monkeypatch, sgd(**options), columns=1 if options else 0)


@pytest.mark.parametrize("columns", [2, 3])  # three: amsgrad
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weight_decay": 0.1},
        {"weight_decay": 0.1, "decoupled": True, "maximize": True},
        {"betas": (0.3, 0.5)},
    ],
)
def test_adam(monkeypatch, options, columns):
    same(monkeypatch, adam(**options), columns)


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_adam_in_other_dtypes(monkeypatch, dtype):
    same(monkeypatch, adam(), 2, dtype)


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_rmsprop(monkeypatch, centered, momentum):
    def call(p, g, s, *rest, step, plan):
        rest = list(rest)
        averages = rest.pop(0) if centered else None
        for a, square in zip(averages or [], s, strict=False):
            a *= step == 1  # a mean of squares is never below the square of the mean
            square += 1
        optim.rmsprop(p, g, s, averages, *rest, momentum=momentum, weight_decay=0.01, plan=plan)

    same(monkeypatch, call, 1 + centered + (momentum > 0))


@pytest.mark.parametrize("options", [{}, {"weight_decay": 0.1, "lr_decay": 0.01, "maximize": True}])
def test_adagrad(monkeypatch, options):
    same(monkeypatch, lambda p, g, s, step, plan: optim.adagrad(p, g, s, step=step, plan=plan, **options), 1)


def test_arrays_that_are_not_contiguous_take_the_twin(monkeypatch):
    def strided(arrays):
        return [np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a for a in arrays]

    same(monkeypatch, adam(), 2, change=strided)


def test_nan_and_infinity(monkeypatch):
    def call(p, g, *states, step, plan):
        for bad in (np.nan, np.inf):
            g[3][1 if bad == np.inf else 2] = bad
        with np.errstate(all="ignore"):
            optim.adam(p, g, *states, step=step, plan=plan)

    same(monkeypatch, call, 3)


def test_plan_follows_replaced_arrays(monkeypatch):
    monkeypatch.setitem(THRESHOLDS, "optim.numba", 0)
    plan = optim.Plan()
    for _ in range(3):
        p, g = [np.ones(5, np.float32)], [np.ones(5, np.float32)]
        optim.sgd(p, g, lr=0.5, plan=plan)
        np.testing.assert_array_equal(p[0], 0.5)


def test_wrong_gradients_are_errors():
    p = [np.ones((2, 3), np.float32)]
    with pytest.raises(
        RuntimeError, match=r"adam: gradient 0 is float64\[2, 3\], but its parameter is float32\[2, 3\]"
    ):
        optim.adam(p, [np.ones((2, 3))], p, p, step=1)
    with pytest.raises(ValueError, match="sgd: 1 parameters but a list of 2"):
        optim.sgd(p, p + p, lr=1.0)
    with pytest.raises(ValueError, match="needs momentum_buffers"):
        optim.sgd(p, p, lr=1.0, momentum=0.9)


@pytest.mark.parametrize("ord", [2.0, 1.0, 3.0, 0.0, np.inf, -np.inf])
def test_norms(ord):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(s).astype(np.float32) for s in [(3, 4), (1000,), (5, 1)]]
    expected = [np.linalg.norm(a.astype(np.float64).ravel(), ord) for a in arrays]
    np.testing.assert_allclose(optim.norms(arrays, ord), expected, rtol=2e-6)  # float32 squares: 24 bits, pairwise sums


def test_scale():
    arrays = [np.ones((2, 3), np.float32), np.ones((), np.float32)]
    optim.scale(arrays, 0.25)
    assert all((a == 0.25).all() and a.dtype == np.float32 for a in arrays)


def passes(monkeypatch, compiled):
    monkeypatch.setitem(THRESHOLDS, "optim.numba", 0)
    monkeypatch.setattr(runtime, "native", NATIVE if compiled else lambda name: None)


def gradients(dtype=np.float32):
    rng = np.random.default_rng(0)
    return [np.asarray(rng.standard_normal(s)).astype(dtype) for s in [*SHAPES, (100_000,), (3,)]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clipping_passes(monkeypatch, dtype):
    results = []
    for compiled in (False, True):
        passes(monkeypatch, compiled)
        arrays = gradients(dtype)
        arrays[-1][:] = np.nan, np.inf, -np.inf
        optim.scale(arrays, 0.3)
        optim.clamp(arrays, 0.2)
        results.append(arrays)
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not (abs(a) > dtype(0.2)).any()
    assert np.isnan(results[1][-1][0])


def test_sum_of_squares(monkeypatch):
    passes(monkeypatch, True)
    arrays = gradients()
    expected = sum((a.astype(np.float64) ** 2).sum() for a in arrays)
    if runtime.enabled():
        np.testing.assert_allclose(optim.square_sum(arrays), expected, rtol=1e-12)
    for odd in (arrays[5].T, arrays[5].astype(np.float64), arrays[0], arrays[5].astype(np.float16)):
        assert optim.square_sum([*arrays, odd]) is None  # another layout, another dtype, the same array twice
    assert optim.square_sum([]) is None


def test_clipping_does_not_write_into_read_only_arrays(monkeypatch):
    passes(monkeypatch, True)
    fixed = np.ones(5, np.float32)
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        optim.scale([fixed], 0.5)
    assert (fixed == 1).all()


def test_less_work_is_enough_where_numba_is_loaded_already(monkeypatch):
    """Kernels and twins give the same bits, so what has run before may decide."""
    params = [np.zeros(299_000, np.float32)]  # counted with 1,000 for the tensor
    monkeypatch.setattr(optim_plan.runtime, "native", lambda name: name)
    monkeypatch.delitem(sys.modules, optim_plan._MODULE, raising=False)
    monkeypatch.setitem(sys.modules, "numba", np)
    plan = optim_plan.Plan()
    assert [plan.ready(params) for _ in range(5)] == [None, None, None, "optim", "optim"]
    monkeypatch.delitem(sys.modules, "numba")
    plan = optim_plan.Plan()
    assert [plan.ready(params) for _ in range(40)] == [None] * 33 + ["optim"] * 7
