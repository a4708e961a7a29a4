"""detect_anomaly stops where a NaN or infinity is made; live_graphs says who keeps graphs."""

from __future__ import annotations

import gc
import traceback
import weakref

import numpy as np
import pytest

import autograd_core as ac
from autograd_core import debug, viz
from autograd_core.graph import watch
from nn.module import Module

from .viz.test_record import Dense, Net


def caught(function, **options):
    with pytest.raises(debug.AnomalyError) as e, debug.detect_anomaly(**options):
        function()
    return e.value


def line_of(error) -> str:
    return traceback.extract_tb(error.__traceback__)[-1].line


def test_sqrt_of_a_negative_two_ops_upstream():
    def forward():
        x = ac.tensor([4.0, 1.0, 9.0], requires_grad=True)
        h = x - 2.0
        r = h.sqrt()
        loss = (r * 3.0).sum()
        loss.backward()

    e = caught(forward)
    text = str(e)
    assert text.startswith("sqrt made a NaN (")
    assert "test_debug.py:" in text
    assert "in forward" in text
    assert "output[1] = nan (1 element of 3), from x[1] = -1" in text
    assert "Shapes: x [3] -> output [3]" in text
    assert line_of(e) == "r = h.sqrt()", "a debugger must stop in the user's frame"
    assert [n.op for n in e.graph.nodes if n.mark == "culprit"] == ["sqrt"]
    assert [n.op for n in e.graph.nodes if n.kind == "op"] == ["sub", "sqrt"], "the graph ends at the culprit"
    assert "#ffd9d9" in viz.dot(e.graph).source
    assert "!! %" in viz.text(e.graph)


def test_softmax_of_a_row_that_is_masked_completely():
    def forward():
        scores = ac.tensor(np.zeros((2, 3), np.float32), requires_grad=True)
        mask = ac.tensor([[False, True, False], [True, True, True]])
        p = scores.masked_fill(mask, float("-inf")).softmax(-1)
        return p.sum()

    text = str(caught(forward))
    assert text.startswith("softmax made a NaN")
    assert "output[1, 0]" in text
    assert "-inf" in text
    assert "infinite throughout (3 elements)" in text


def test_masks_with_infinity_pass():
    scores = ac.tensor(np.zeros((2, 3), np.float32), requires_grad=True)
    mask = ac.tensor([[False, True, False], [True, False, True]])
    with debug.detect_anomaly():
        scores.masked_fill(mask, float("-inf")).softmax(-1).sum().backward()
    assert np.isfinite(scores.grad.array).all()


def test_log_of_zero_times_zero():
    def forward():
        p = ac.tensor([0.5, 0.0], requires_grad=True)
        return (p * p.log()).sum()

    text = str(caught(forward))
    assert text.startswith("log made an infinity")
    assert "output[1] = -inf" in text
    assert "from x[1] = 0" in text
    only_nan = str(caught(forward, infinity=False))
    assert only_nan.startswith("mul made a NaN")
    assert "a[1] = 0" in only_nan
    assert "b[1] = -inf" in only_nan


def test_zero_divided_by_zero():
    def forward():
        x = ac.tensor([[1.0, 1.0], [0.0, 0.0]], requires_grad=True)
        return x / x.sum(1, keepdim=True)

    text = str(caught(forward))
    assert text.startswith("div made a NaN")
    assert "a[1, 0] = 0" in text
    assert "b[1, 0] = 0" in text


def test_exploding_rnn():
    def run():
        h = ac.ones(1, 4)
        w = ac.tensor(np.full((4, 4), 1e3, np.float32), requires_grad=True)
        for _ in range(50):
            h = h @ w
        return h

    e = caught(run)
    assert str(e).startswith("matmul made an infinity")
    assert "a between" in str(e)
    assert line_of(e) == "h = h @ w"
    assert sum(n.op == "matmul" for n in e.graph.nodes) > 5


def test_the_module_is_named():
    class Bad(Module):
        def __init__(self):
            super().__init__()
            self.inner = Dense(2, 2)

        def forward(self, x):
            return self.inner(x).log()

    class Outer(Module):
        def __init__(self):
            super().__init__()
            self.bad = Bad()

        def forward(self, x):
            return self.bad(x)

    net = Outer()
    net.bad.inner.weight.array[...] = -1
    e = caught(lambda: net(ac.ones(1, 2)))
    assert "module bad" in str(e)
    assert "log made a NaN" in str(e)
    assert next(n for n in e.graph.nodes if n.mark == "culprit").module == "bad"


def test_the_first_rule_in_backward_order():
    def run():
        x = ac.tensor([1.0, 0.0], requires_grad=True)
        y = x.sqrt()
        (y * 2.0).sum().backward()

    e = caught(run)
    text = str(e)
    assert text.startswith("the backward of sqrt made an infinity")
    assert "dx[1] = inf" in text
    assert "y[1] = 0" in text
    assert "The rule: dx = g / (2 · y)" in text
    assert "test_debug.py:" in text
    assert line_of(e) == "(y * 2.0).sum().backward()"
    assert next(n for n in e.graph.nodes if n.mark == "culprit").op == "sqrt"


def test_nan_in_backward_only():
    def run():
        x = ac.tensor([0.0, 1.0], requires_grad=True)
        y = x.sqrt()
        (y * ac.tensor([0.0, 1.0])).sum().backward()

    assert "the backward of sqrt made a NaN" in str(caught(run))


def test_data_that_comes_in_bad_is_named():
    def run():
        x = ac.tensor([[1.0, float("nan")]])
        w = ac.tensor([[1.0], [1.0]], requires_grad=True)
        return (x @ w).sum()

    text = str(caught(run))
    assert "matmul read a NaN" in text
    assert "input 'a' [1, 2] came in with a[0, 1] = nan" in text
    assert "look at the data" in text


def test_a_bad_gradient_given_to_backward():
    def run():
        x = ac.tensor([1.0, 2.0], requires_grad=True)
        (x * 2.0).backward(ac.tensor([1.0, float("nan")]))

    assert "the gradient that backward() was given already holds NaN" in str(caught(run))


def test_good_programs_pass_unchanged():
    net = Net()
    net(ac.ones(2, 3)).sum().backward()
    plain = net.fc1.weight.grad.array.copy()
    net.zero_grad()
    with debug.detect_anomaly():
        net(ac.ones(2, 3)).sum().backward()
    np.testing.assert_array_equal(net.fc1.weight.grad.array, plain)
    assert not watch.on


def test_integers_booleans_and_empty_tensors_pass():
    with debug.detect_anomaly():
        assert (ac.tensor([1, 2]) + 1).tolist() == [2, 3]
        assert ac.zeros(0).exp().numel() == 0


def test_other_errors_go_through():
    with pytest.raises(RuntimeError, match="do not broadcast"), debug.detect_anomaly():
        ac.ones(2) + ac.ones(3)
    assert not watch.on


def test_check_nan_off_only_records():
    with debug.detect_anomaly(check_nan=False) as rec:
        ac.tensor([-1.0], requires_grad=True).sqrt()
    assert len(rec.graph()) == 2


def test_as_a_decorator():
    @debug.detect_anomaly()
    def forward(x):
        return x.log()

    assert forward(ac.tensor([1.0])).item() == 0.0
    with pytest.raises(debug.AnomalyError, match="log made an infinity"):
        forward(ac.tensor([0.0]))


def test_the_switch():
    assert ac.autograd.detect_anomaly is debug.detect_anomaly
    with pytest.raises(debug.AnomalyError, match="log made an infinity") as e, debug.set_detect_anomaly(True):
        ac.zeros(1, requires_grad=True).log()
    assert e.value.graph.nodes[-1].mark == "culprit" and line_of(e.value).startswith("ac.zeros(1")
    assert not watch.on
    debug.set_detect_anomaly(True)
    try:
        with debug.set_detect_anomaly(False):
            ac.zeros(1).log()
        with pytest.raises(debug.AnomalyError) as e:
            ac.zeros(1).log()
        assert e.value.graph.nodes[-1].mark == "culprit"
    finally:
        debug.set_detect_anomaly(False)
    ac.zeros(1).log()
    assert not watch.on


def test_a_long_loop_keeps_one_step_only():
    net = Net()
    with debug.detect_anomaly() as anomaly:
        for _ in range(20):
            net(ac.ones(2, 3)).sum().backward()
    assert len(anomaly.ops) == 6


# ------------------------------------------------------------------------------------------------- live graphs


def test_losses_that_were_never_detached():
    gc.collect()
    before = len(debug.live_graphs())
    x = ac.tensor(np.ones(100, np.float32), requires_grad=True)
    losses = []
    for k in range(4):
        losses.append((x * float(k)).exp().sum())
    found = debug.live_graphs()
    assert len(found) == before + 4
    mine = [g for g in found if g.holder == "list 'losses'"]
    assert len(mine) == 4
    assert mine[0].op == "sum"
    assert mine[0].nodes == 4
    assert mine[0].bytes == 400
    text = str(found)
    assert "list 'losses': 4 tensors (sum)" in text
    assert "append loss.item() or loss.detach() instead" in text
    losses.clear()
    del found, mine
    assert len(debug.live_graphs()) == before


def test_only_the_ends_of_a_graph_are_listed():
    gc.collect()
    before = len(debug.live_graphs())
    x = ac.tensor([1.0], requires_grad=True)
    h = x * 2.0
    y = h * 3.0
    found = debug.live_graphs()
    assert len(found) == before + 1
    assert any(g.tensor is y and g.holder == "variable 'y'" for g in found)
    del h, found


class Holder:
    pass


def test_attributes_and_dictionaries_are_named():
    gc.collect()
    x = ac.tensor([1.0], requires_grad=True)
    holder = Holder()
    holder.last = x * 2.0
    log = {"loss": x * 3.0}
    names = {g.holder for g in debug.live_graphs()}
    assert "attribute 'last' of a Holder" in names
    assert "dict 'log'" in names
    del log


def test_nothing_alive():
    assert str(debug.LiveGraphs()) == "no tensor keeps a graph alive"


def test_live_graphs_passes_by_what_is_already_dead():
    # A weakref.proxy outlives its object and raises at any question but its type: another library may hold one.
    class Owner:
        pass

    owner = Owner()
    gone = weakref.proxy(owner, lambda _: None)  # with a callback the collector tracks it
    del owner
    x = ac.ones(2, requires_grad=True)
    kept = x * 2
    assert any(o is gone for o in gc.get_objects())
    assert any(g.tensor is kept for g in debug.live_graphs())
