"""Recording and backward: accumulation, higher order, hooks, modes, freed graphs, depth, leaks."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest

import autograd_core as ac
from autograd_core.errors import AutogradError
from autograd_core.graph import unrecorded


def leaf(*values: float) -> ac.Tensor:
    return ac.tensor(list(values), dtype=ac.float64, requires_grad=True)


def test_gradients_accumulate_and_share_no_buffer() -> None:
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    z = x + y
    z.backward(ac.ones(2, dtype=ac.float64))
    assert x.grad.array is not y.grad.array and not np.may_share_memory(x.grad.array, y.grad.array)
    first = x.grad
    (x * 2).sum().backward()
    assert x.grad is first
    np.testing.assert_array_equal(x.grad.array, [3.0, 3.0])
    np.testing.assert_array_equal(y.grad.array, [1.0, 1.0])


def test_cotangent_is_not_aliased() -> None:
    x, g = leaf(1.0, 2.0), ac.ones(2, dtype=ac.float64)
    (x + 0).backward(g)
    g.zero_()
    np.testing.assert_array_equal(x.grad.array, [1.0, 1.0])


def test_a_tensor_used_many_times() -> None:
    x = leaf(2.0)
    y = x * x * x + x
    (y + y).backward()
    assert x.grad.item() == 2 * (3 * 4 + 1)


def test_fourth_order() -> None:
    x = leaf(1.5)
    g = (x**6).sum()
    for expected in (6 * 1.5**5, 30 * 1.5**4, 120 * 1.5**3, 360 * 1.5**2):
        (g,) = ac.autograd.grad(g.sum(), x, create_graph=True)
        assert g.item() == pytest.approx(expected, rel=1e-12)


def test_create_graph_accumulates_a_graph() -> None:
    x = leaf(2.0)
    (x**3).sum().backward(create_graph=True)
    assert x.grad.requires_grad
    (h,) = ac.autograd.grad(x.grad.sum(), x)
    assert h.item() == pytest.approx(12.0)


def test_grad_penalty_through_both_paths() -> None:
    x, w = leaf(1.0, 2.0, 3.0), leaf(0.5, -1.0, 2.0)
    y = (w * x.tanh()).sum()
    (g,) = ac.autograd.grad(y, x, create_graph=True)
    (g * g).sum().backward()
    s = 1 - np.tanh(x.array) ** 2
    np.testing.assert_allclose(w.grad.array, 2 * w.array * s * s, rtol=1e-12)


def test_grad_arguments() -> None:
    x, y, z = leaf(1.0), leaf(2.0), leaf(3.0)
    out = (x * y).sum()
    with pytest.raises(AutogradError, match="input 1 .* was not used"):
        ac.autograd.grad(out, [x, z], retain_graph=True)
    assert ac.autograd.grad(out, [x, z], allow_unused=True, retain_graph=True)[1] is None
    got = ac.autograd.grad(out, [x, z], materialize_grads=True)
    assert got[1].tolist() == [0.0] and x.grad is None
    a, b = ac.autograd.grad([x * 2, y * 3], [x, y], [ac.ones(1, dtype=ac.float64)] * 2)
    assert (a.item(), b.item()) == (2.0, 3.0)
    batch = ac.autograd.grad(x * 2, x, ac.tensor([[1.0], [2.0]], dtype=ac.float64), is_grads_batched=True)
    assert batch[0].tolist() == [[2.0], [4.0]]


def test_backward_inputs_reaches_only_those() -> None:
    x, y = leaf(1.0), leaf(2.0)
    h = x * y
    (h * h).sum().backward(inputs=[x, h])
    assert x.grad.item() == 8.0 and y.grad is None and h.grad.item() == 4.0


def test_several_roots() -> None:
    x = leaf(1.0, 2.0)
    ac.autograd.backward([x.sum(), (x * x).sum()])
    np.testing.assert_array_equal(x.grad.array, 1 + 2 * x.array)


def test_freed_graph_says_so() -> None:
    x = leaf(1.0)
    y = (x.exp() * 2).sum()
    y.backward()
    with pytest.raises(AutogradError, match=r"already freed .* pass retain_graph=True"):
        y.backward()
    z = x.exp().sum()
    z.backward(retain_graph=True)
    z.backward()


def test_errors_of_backward() -> None:
    with pytest.raises(AutogradError, match="does not require grad"):
        ac.ones(2).sum().backward()
    with pytest.raises(AutogradError, match=r"only for scalar outputs, this one has shape \(2,\)"):
        leaf(1.0, 2.0).exp().backward()
    with pytest.raises(AutogradError, match=r"shape \(3,\) does not fit .* \(2,\)"):
        leaf(1.0, 2.0).exp().backward(ac.ones(3))


def test_modes() -> None:
    x = leaf(1.0)
    with ac.no_grad():
        assert not (x * 2).requires_grad
        with ac.enable_grad():
            assert (x * 2).requires_grad
    with ac.set_grad_enabled(False):
        assert not ac.is_grad_enabled()
    assert ac.is_grad_enabled()
    ac.set_grad_enabled(False)
    assert not (x * 2).requires_grad
    ac.set_grad_enabled(True)
    with ac.inference_mode():
        y = x * 2
        assert not y.requires_grad and ac.is_inference_mode_enabled()
        made = [y, y.sum(), y[0:1], ac.cat([y]), y.max(0)[0], ac.zeros(2), y.detach(), x.clone(), y.reshape(-1)]
        assert all(t.is_inference() for t in made)
        plain = ac.ones(2, 3)
        with ac.inference_mode(False):
            assert not (plain + 1).is_inference()
    outside = ac.ones(2, 3)
    with ac.inference_mode():  # a view is where its source is, as in PyTorch
        assert not any(
            t.is_inference() for t in (outside[0], outside.view(-1), outside.T, outside.detach(), outside.add_(1))
        )
    assert y[0:1].is_inference() and y.detach().is_inference()
    assert not (y + 1).is_inference() and not y.clone().is_inference()
    with pytest.raises(RuntimeError, match="add_: a tensor made in inference_mode"):
        y.add_(1)
    with pytest.raises(RuntimeError, match="requires_grad_: this tensor was made in inference_mode"):
        y.requires_grad_()

    @ac.no_grad()
    def f(x: ac.Tensor) -> ac.Tensor:
        return x * 2

    @ac.no_grad
    def g(x: ac.Tensor) -> ac.Tensor:
        return x * 2

    @ac.no_grad()
    def steps() -> object:
        yield ac.is_grad_enabled()
        yield ac.is_grad_enabled()

    assert not f(x).requires_grad and not g(x).requires_grad
    for inside in steps():
        assert not inside and ac.is_grad_enabled()


def test_mode_is_per_thread() -> None:
    seen = []
    with ac.no_grad():
        thread = threading.Thread(target=lambda: seen.append(ac.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_a_thread_without_recording_stops_no_other() -> None:
    """Dispatchers look at ``unrecorded`` first: both ways round, and nothing left in it."""
    x = leaf(1.0, 2.0)
    seen: list[tuple[bool, bool]] = []
    off, done = threading.Event(), threading.Event()

    def work() -> None:
        with ac.no_grad():
            seen.append(((x * 2).requires_grad, ac.stack([x, x]).requires_grad))
            off.set()
            done.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    assert off.wait(10)
    seen.append(((x * 2).requires_grad, ac.stack([x, x]).requires_grad))
    with ac.no_grad():
        seen.append(((x * 2).requires_grad, ac.stack([x, x]).requires_grad))
    done.set()
    thread.join()
    assert seen == [(False, False), (True, True), (False, False)]
    assert not unrecorded & {thread.ident, threading.get_ident()} and (x * 2).requires_grad


def test_hooks() -> None:
    x = leaf(1.0, 2.0)
    h = x * 3
    order = []
    handle = h.register_hook(lambda g: order.append("h") or g * 2)
    x.register_hook(lambda g: order.append("x"))
    h.retain_grad()
    h.sum().backward()
    assert order == ["h", "x"]
    assert x.grad.tolist() == [6.0, 6.0] and h.grad.tolist() == [2.0, 2.0]
    handle.remove()
    x.grad = None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    with pytest.raises(AutogradError, match="changed the gradient's shape"):
        y = x * 2
        y.register_hook(lambda g: g.sum())
        y.sum().backward()


def test_post_accumulate_hook_and_node_hooks() -> None:
    x = leaf(1.0)
    seen = []
    x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.item()))
    (x * 5).sum().backward()
    assert seen == [5.0]
    y = (x * 2).exp()
    calls = []
    y.grad_fn.register_hook(lambda gi, go: calls.append((len(gi), len(go))))
    y.grad_fn.register_prehook(lambda go: calls.append("pre"))
    y.sum().backward()
    assert calls == ["pre", (1, 1)]


def test_grad_fn_and_next_functions() -> None:
    x = leaf(1.0)
    y = (x * 2).exp()
    assert y.grad_fn.name() == "ExpBackward" and not y.is_leaf and x.is_leaf and x.grad_fn is None
    ((mul, index),) = y.grad_fn.next_functions
    assert mul.name() == "MulBackward" and index == 0
    assert mul.next_functions[0][0].name() == "AccumulateGrad"


def test_flags_of_leaves() -> None:
    x = ac.ones(2)
    assert x.requires_grad_() is x and x.requires_grad
    (x * 2).sum().backward()
    x.requires_grad = False
    assert x.grad is not None and x.grad.tolist() == [2.0, 2.0]
    x.requires_grad_()
    assert x.grad.tolist() == [2.0, 2.0]
    with pytest.raises(AutogradError, match="only floating point"):
        ac.ones(2, dtype=ac.int64).requires_grad_()
    with pytest.raises(AutogradError, match="computed by 'mul'"):
        (x * 2).requires_grad_(False)
    d = (x * 2).detach()
    assert not d.requires_grad and d.is_leaf
    with pytest.raises(AutogradError, match=r"shape \(3,\) does not fit"):
        x.grad = ac.ones(3)


def test_cost_grows_linearly_and_depth_is_unbounded() -> None:
    """200,000 ops forward, backward and freed, without recursion."""
    x = ac.ones(1, dtype=ac.float64, requires_grad=True)
    y = x
    for _ in range(200_000):
        y = y + 1.0
    y.backward()
    assert x.grad.item() == 1.0
    node = weakref.ref(y.node)
    del y
    assert node() is None
    y = x
    for _ in range(50_000):
        y = y * 1.0
    (g,) = ac.autograd.grad(y, x, create_graph=True)
    assert g.item() == 1.0
    del y, g


def test_a_wide_graph_visits_each_node_once() -> None:
    visits = []
    x = leaf(1.0)
    y = x * 1
    y.register_hook(lambda g: visits.append(g.item()))
    for _ in range(30):
        y = y + y  # 2**30 paths
    y.sum().backward()
    assert visits == [2.0**30] and x.grad.item() == 2.0**30


def test_no_cycles_a_graph_dies_with_the_collector_off() -> None:
    gc.collect()
    gc.disable()
    try:
        w = ac.randn(8, 8, requires_grad=True)
        died = []
        for _ in range(5):
            x = ac.randn(4, 8)
            h = (x @ w).tanh()
            v = h[1:3]
            s, i = h.max(dim=1)
            loss = (h * h).sum() + v.sum() + s.sum() + ac.cat([h, h]).mean()
            died += [weakref.ref(h.node), weakref.ref(loss.node), weakref.ref(h), weakref.ref(v)]
            (g,) = ac.autograd.grad(loss, w, create_graph=True)
            g.sum().backward()
            w.grad = None
            del x, h, v, s, i, loss, g
        assert all(r() is None for r in died)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_thousand_steps_leave_memory_where_it_was() -> None:
    """Training with the collector off."""
    import tracemalloc

    import nn

    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    optimizer = nn.optim.Adam(model.parameters(), lr=1e-3)
    x, y = ac.randn(16, 4), ac.randint(0, 2, (16,))

    def steps(count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()

    # CPython keeps up to 2,000 dead tuples of each length for reuse and kernels load once, so the first windows grow; a
    # leak would grow in every one (one tensor a step is 100 kB a window).
    growth = []
    gc.disable()
    try:
        tracemalloc.start()
        while len(growth) < 8 and (not growth or growth[-1] > 2_000):
            before = tracemalloc.get_traced_memory()[0]
            steps(1000)
            growth.append(tracemalloc.get_traced_memory()[0] - before)
    finally:
        tracemalloc.stop()
        gc.enable()
    assert growth[-1] <= 2_000, growth


def test_activations_no_rule_needs_die_early() -> None:
    x = ac.randn(16, requires_grad=True)
    a = x + 1
    array = weakref.ref(a.array)
    b = a.relu()
    del a
    assert array() is None
    b.sum().backward()


def test_only_what_was_asked_for_is_computed() -> None:
    x, w = leaf(1.0), leaf(2.0)
    ran = []
    h = w * 3
    h.register_hook(lambda g: ran.append(1))
    ac.autograd.grad((x * h).sum(), x)
    assert ran == []


def test_four_threads_train_at_once() -> None:
    errors = []

    def work(seed: int) -> None:
        try:
            rng = np.random.default_rng(seed)
            w = ac.from_numpy(rng.standard_normal((5, 5))).requires_grad_()
            for _ in range(50):
                loss = (ac.from_numpy(rng.standard_normal((3, 5))) @ w).tanh().sum()
                loss.backward()
                with ac.no_grad():
                    w -= 0.01 * w.grad
                w.grad = None
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_duplicate_inputs_and_gradients_of_intermediates() -> None:
    x = leaf(3.0)
    h = x * x
    y = (h * 2).sum()
    gh, gx, gx2 = ac.autograd.grad(y, [h, x, x])
    assert (gh.item(), gx.item(), gx2.item()) == (2.0, 12.0, 12.0)
    assert gx is not gx2 and not np.may_share_memory(gx.array, gx2.array)


def test_function_with_outputs_nothing_came_back_to() -> None:
    seen = []

    class Two(ac.autograd.Function):
        @staticmethod
        def forward(ctx, x, materialize):
            ctx.set_materialize_grads(materialize)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, a, b):
            seen.append(b if b is None else b.tolist())
            return a * 2, None

    x = leaf(1.0)
    for materialize in (True, False):
        Two.apply(x, materialize)[0].sum().backward()
    assert seen == [[0.0], None] and x.grad.item() == 4.0


def test_only_what_leads_to_the_wanted_is_computed() -> None:
    """One leaf of several is asked for: hooks on the way to the others stay silent, whatever op the others enter by."""
    heard: list[str] = []
    x, w, b, v = leaf(1.0, 2.0), leaf(3.0, 4.0), leaf(0.5, 0.5), leaf(2.0, 2.0)
    for name, t in (("w", w), ("b", b), ("v", v), ("x", x)):
        t.register_hook(lambda g, name=name: heard.append(name))
    side = w * b
    side.register_hook(lambda g: heard.append("side"))
    h = x * 2
    h.register_hook(lambda g: heard.append("h"))
    y = ((h + side) * v).sum()
    (g,) = ac.autograd.grad(y, x, retain_graph=True)
    np.testing.assert_array_equal(g.array, [4.0, 4.0])
    assert heard == ["h", "x"]
    heard.clear()
    _, gv = ac.autograd.grad(y, [x, v], retain_graph=True)
    np.testing.assert_array_equal(gv.array, [3.5, 6.0])
    assert sorted(heard) == ["h", "v", "x"]
    heard.clear()
    ac.autograd.grad(y, [x, v, w, b])
    assert sorted(heard) == ["b", "h", "side", "v", "w", "x"]


def test_an_unwanted_leaf_met_late_stops_the_search_there() -> None:
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    ran: list[str] = []

    class Watched(ac.autograd.Function):
        @staticmethod
        def forward(ctx, a):  # type: ignore[no-untyped-def]
            return a * 2

        @staticmethod
        def backward(ctx, g):  # type: ignore[no-untyped-def]
            ran.append("unwanted")
            return g * 2

    y = (x * 3).sum() + (Watched.apply(Watched.apply(w)) * w).sum()
    (g,) = ac.autograd.grad(y, x)
    np.testing.assert_array_equal(g.array, [3.0, 3.0])
    assert not ran
    assert w.grad is None and x.grad is None


def test_a_leaf_that_is_the_output() -> None:
    x, y = leaf(1.0), leaf(2.0)
    gx, gy = ac.autograd.grad([x * y, x], [x, y], [ac.ones(1, dtype=ac.float64)] * 2)
    np.testing.assert_array_equal([gx.item(), gy.item()], [3.0, 1.0])
    (only,) = ac.autograd.grad([y, x * y], [x], [ac.ones(1, dtype=ac.float64)] * 2)
    assert only.item() == 2.0


def test_backward_says_nothing_of_infinities_whatever_numpy_is_told() -> None:
    x = leaf(0.0, 1.0)
    before = np.geterr()
    with np.errstate(all="raise"):
        inside = np.geterr()
        y = ac.sqrt(x).sum()
        y.backward()
        assert np.geterr() == inside
        with pytest.raises(AutogradError, match="already freed"):
            y.backward()
        assert np.geterr() == inside
    assert np.geterr() == before
    np.testing.assert_array_equal(x.grad.array, [np.inf, 0.5])


def test_quiet_without_numpys_private_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    from numpy._core import umath

    from autograd_core import quiet

    monkeypatch.delattr(umath, "_make_extobj", raising=False)
    try:
        importlib.reload(quiet)
        before = np.geterr()
        token = quiet.hush()
        assert set(np.geterr().values()) == {"ignore"}
        quiet.restore(token)
        assert np.geterr() == before
    finally:
        monkeypatch.undo()
        importlib.reload(quiet)


@pytest.mark.parametrize("dtype", [ac.float16, ac.float32, ac.float64, ac.complex64])
@pytest.mark.parametrize("where", ["leaf", "inner", "both", "wanted", "hooked"])
def test_gradients_of_parts_of_one_tensor_add_up(dtype: ac.dtype, where: str) -> None:
    """Slices that overlap, repeat, step back and miss rows, beside uses of the whole: exact in small integers."""
    rng = np.random.default_rng(4)
    values = rng.integers(-3, 4, (6, 5, 4)).astype(dtype.numpy)
    indices = [
        (slice(0, 2),), (slice(1, 4), 2), (0,), (0,), (5, 4, 3), (Ellipsis, slice(None, None, 2)),
        (slice(None, None, 3), slice(1, 1)), (slice(-2, None), None, slice(1, 3)),
    ]  # fmt: skip
    weights = [rng.integers(-3, 4, values[i].shape).astype(dtype.numpy) for i in indices]
    expected = np.zeros_like(values)
    for i, w in zip(indices, weights, strict=True):
        expected[i] += w.conj()
    if where == "both":
        expected += 3
    x = ac.from_numpy(values).requires_grad_()
    heard: list[ac.Tensor] = []
    z = x if where == "leaf" else x * 1
    if where == "hooked":
        z.register_hook(heard.append)
        z.retain_grad()
    total: ac.Tensor = sum((z[i] * ac.from_numpy(np.asarray(w))).sum() for i, w in zip(indices, weights, strict=True))
    if where == "both":
        total = (z * 2).sum() + total + z.sum()
    if dtype.is_complex:
        total = total.real
    if where == "wanted":
        gz, gx = ac.autograd.grad(total, [z, x])
        np.testing.assert_array_equal(gz.array, expected)
        np.testing.assert_array_equal(gx.array, expected)
        assert not np.may_share_memory(gz.array, gx.array)
        return
    total.backward()
    np.testing.assert_array_equal(x.grad.array, expected)
    assert x.grad.array.dtype == dtype.numpy
    if where == "hooked":
        (h,) = heard
        np.testing.assert_array_equal(h.array, expected)
        np.testing.assert_array_equal(z.grad.array, expected)


def test_a_cotangent_that_was_given_is_not_written_into() -> None:
    """A part's gradient goes into a buffer of the engine's own, never into an array that belongs to someone else."""
    x = ac.arange(6, dtype=ac.float64).requires_grad_()
    y = x * 1
    g = ac.ones(6, dtype=ac.float64)
    ac.autograd.backward([y, y[2:4].sum()], [g, None])
    np.testing.assert_array_equal(g.array, 1)
    np.testing.assert_array_equal(x.grad.array, [1, 1, 2, 2, 1, 1])
    (h,) = ac.autograd.grad([x, x[:2].sum()], [x], [g, None])
    np.testing.assert_array_equal(g.array, 1)
    np.testing.assert_array_equal(h.array, [2, 2, 1, 1, 1, 1])


def test_who_watches_sees_the_gradient_of_a_part_as_an_array() -> None:
    from autograd_core.graph import watch

    seen: list[tuple[int, ...]] = []

    class Observer:
        def forward(self, op, args, run):  # type: ignore[no-untyped-def]
            return run(*args)

        def backward(self, node, g, run):  # type: ignore[no-untyped-def]
            grads = run()
            seen.extend(v.shape for v in grads if isinstance(v, np.ndarray))
            return grads

    x = leaf(1.0, 2.0, 3.0)
    with watch.observing(Observer()):
        (x[1:] * 2).sum().backward()
    assert (3,) in seen
    np.testing.assert_array_equal(x.grad.array, [0.0, 2.0, 2.0])
    heard: list[int] = []
    y = x[1:]
    y.grad_fn.register_hook(lambda inputs, outputs: heard.append(inputs[0].array.size))
    y.sum().backward()
    assert heard == [3]
