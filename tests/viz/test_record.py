"""Walking and recording real graphs."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import autograd_core as ac
from autograd_core import viz
from autograd_core.graph import watch
from nn.module import Module
from nn.parameter import Parameter


class Dense(Module):
    def __init__(self, i: int, o: int, seed: int = 0) -> None:
        super().__init__()
        rng = np.random.default_rng(seed)
        self.weight = Parameter(ac.tensor(rng.normal(size=(i, o)).astype(np.float32)))
        self.bias = Parameter(ac.zeros(o))

    def forward(self, x):
        return x @ self.weight + self.bias


class Net(Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = Dense(3, 5)
        self.fc2 = Dense(5, 2, 1)

    def forward(self, x):
        return self.fc2(self.fc1(x).tanh())


class Twice(Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = Dense(3, 3)

    def forward(self, x):
        return self.cell(self.cell(x))


def ops(graph):
    return [n for n in graph.nodes if n.kind == "op"]


# ------------------------------------------------------------------------------------------------- walking


def test_walk_gives_every_node_with_its_rules():
    x = ac.tensor([[1.0, 2.0]])
    w = ac.tensor([[1.0], [2.0]], requires_grad=True)
    loss = ((x @ w) * 3.0).sum()
    g = viz.graph(loss)
    assert [n.label for n in g.nodes] == ["x", "w", "matmul", "mul", "sum"]
    assert g.title == "loss"
    assert g.by_id()[g.outputs[0]].op == "sum"
    mul = ops(g)[1]
    assert mul.params == {"b": "3"}
    assert mul.parents[1] is None
    assert [(r.input, r.formula) for r in mul.rules] == [("a", "g · b"), ("b", "g · a")]
    assert mul.rules[0].code == "lambda g, b: g * b"
    assert mul.formula == "y = a · b"
    assert [(s.slot, s.shape) for s in ops(g)[0].saved] == [("a", (1, 2))]


def test_walk_of_several_outputs_and_of_ops_with_several_outputs():
    x = ac.tensor([[3.0, 1.0], [2.0, 4.0]], requires_grad=True)
    values, _ = x.max(1)
    a, b = values.sum(), (x * x).sum()
    g = viz.graph([a, b])
    assert len(g.outputs) == 2
    assert sum(n.output for n in g.nodes) == 2
    parts = ac.split(x, 1)
    g = viz.graph((parts[0] * parts[1]).sum())
    assert all(p in g.by_id() for n in g.nodes for p in n.parents if p is not None)
    assert "output" not in {n.op for n in g.nodes}


def test_names_come_from_the_model():
    net = Net()
    g = viz.graph(net(ac.ones(2, 3)).sum())
    assert {n.name for n in g.nodes if n.kind == "parameter"} == {"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"}
    assert "fc1" in g.modules


def test_a_graph_200_000_deep_is_walked():
    y = x = ac.tensor([1.0], requires_grad=True)
    for _ in range(100_000):
        y = -y
    assert len(viz.graph(y)) == 100_001
    del x


def test_bad_input_gets_a_sentence():
    with pytest.raises(
        RuntimeError, match=r"viz.html: this tensor is a constant: nothing was recorded.*viz.record\(\)"
    ):
        viz.html(ac.ones(2))
    with pytest.raises(RuntimeError, match="tensor 1 is a constant"):
        viz.dot([ac.ones(2, requires_grad=True), ac.ones(2)])
    for bad in (3, "loss", [], None):
        with pytest.raises(
            TypeError, match=r"viz.text: expected a tensor, a list of tensors, a recording or a viz.Graph, got"
        ):
            viz.text(bad)


def test_a_freed_graph_is_drawn_and_says_so():
    x = ac.tensor([1.0, 2.0], requires_grad=True)
    y = (x.exp() * x).sum()
    y.backward()
    text = viz.text(y)
    assert "backward() has freed this graph" in text
    assert "exp(x)" in text
    assert "viz.record()" in text


def test_the_graph_is_not_kept_alive_by_its_records():
    x = ac.tensor([1.0], requires_grad=True)
    y = x * 2.0
    g = viz.graph(y)
    ref = weakref.ref(y.node)
    del y
    assert ref() is None
    assert len(g) == 2


# ------------------------------------------------------------------------------------------------- recording


def step(net, x, t):
    loss = ((net(x) - t) ** 2).mean()
    loss.backward()
    return loss


def test_record_tells_lines_modules_times_and_bytes():
    net, x, t = Net(), ac.ones(4, 3), ac.zeros(4, 2)
    with viz.record(title="step") as rec:
        loss = step(net, x, t)
    g = rec.graph()
    assert [n.op for n in ops(g)] == ["matmul", "add", "tanh", "matmul", "add", "sub", "pow", "mean"]
    assert [n.module for n in ops(g)] == ["fc1", "fc1", "", "fc2", "fc2", "", "", ""]
    assert {p: m.type for p, m in g.modules.items()} == {"fc1": "Dense", "fc2": "Dense"}
    assert {n.name: n.module for n in g.nodes if n.kind == "parameter"} == {
        "fc1.weight": "fc1", "fc1.bias": "fc1", "fc2.weight": "fc2", "fc2.bias": "fc2"}  # fmt: skip
    assert {n.name for n in g.nodes if n.kind == "input"} == {"x", "t"}
    assert all(n.source.file.endswith("test_record.py") and n.forward > 0 and n.backward > 0 for n in ops(g))
    assert ops(g)[0].source.function == "forward"
    assert ops(g)[-1].source.function == "step"
    assert "return x @ self.weight + self.bias" in dict(g.context(ops(g)[0].source))[ops(g)[0].source.line]
    assert g.outputs == [loss.node.seq]
    assert g.title == "step"
    tanh = ops(g)[2]
    assert [(s.slot, s.bytes) for s in tanh.saved] == [("y", 80)]
    assert tanh.bytes == 80


def test_record_with_statistics():
    net, x, t = Net(), ac.ones(4, 3), ac.zeros(4, 2)
    with viz.record(stats=True) as rec:
        loss = step(net, x, t)
    g = rec.graph()
    by = g.by_id()
    assert by[g.outputs[0]].value.mean == pytest.approx(loss.item(), rel=1e-6)
    assert by[g.outputs[0]].grad.mean == 1.0
    w = next(n for n in g.nodes if n.name == "fc1.weight")
    assert w.grad.norm == pytest.approx(float(np.linalg.norm(net.fc1.weight.grad.array)), rel=1e-6)
    assert w.value.mean == pytest.approx(float(net.fc1.weight.array.mean()), rel=1e-5)
    assert all(sum(n.value.counts) == n.value.size for n in g.nodes)


def test_recording_changes_no_number_and_costs_nothing_afterwards():
    net, x, t = Net(), ac.ones(4, 3), ac.zeros(4, 2)
    step(net, x, t)
    plain = net.fc1.weight.grad.array.copy()
    net.fc1.weight.grad = None
    with viz.record(stats=True):
        step(net, x, t)
    np.testing.assert_array_equal(net.fc1.weight.grad.array, plain)
    assert not watch.on


def test_recording_keeps_no_activation_alive():
    x = ac.tensor(np.ones(1000, np.float32), requires_grad=True)
    gc.disable()
    try:
        with viz.record() as rec:
            y = x * 2.0
            ref = weakref.ref(y.array)
            z = y + 1.0
            del y
            assert ref() is None
            z.sum().backward()
        assert len(rec.graph()) == 4
    finally:
        gc.enable()


def test_a_module_called_twice_appears_twice():
    with viz.record() as rec:
        Twice()(ac.ones(2, 3)).sum().backward()
    g = rec.graph()
    assert set(g.modules) == {"cell", "cell#2"}
    assert {n.name: n.module for n in g.nodes if n.kind == "parameter"} == {"cell.weight": "", "cell.bias": ""}


def test_two_models_keep_apart():
    a, b = Net(), Net()
    with viz.record() as rec:
        b(a(ac.ones(1, 3)).sum() * ac.ones(1, 3)).sum().backward()
    g = rec.graph()
    assert {p.partition(".")[0] for p in g.modules} == {"Net", "Net#2"}
    assert {p.count(".") for p in g.modules} == {0, 1}


def test_constants_that_ops_make_are_followed():
    with viz.record() as rec:
        x = ac.ones(3)
        y = (x + 1.0) * 2.0
    g = rec.graph()
    assert [n.op for n in ops(g)] == ["add", "mul"]
    assert ops(g)[1].parents[0] == ops(g)[0].id
    assert not ops(g)[0].requires_grad
    assert "mul(%" in viz.text(rec)
    del y


def test_what_began_before_the_recording_is_walked():
    x = ac.tensor([1.0, 2.0], requires_grad=True)
    c = ac.tensor([3.0, 4.0])
    h = (x * c).exp()
    with viz.record() as rec:
        (h * c).sum().backward()
    g = rec.graph()
    assert [n.op for n in ops(g)] == ["mul", "exp", "mul", "sum"]
    assert all(p in g.by_id() for n in g.nodes for p in n.parents if p is not None)


def test_second_order_is_recorded_too():
    x = ac.tensor([2.0], requires_grad=True)
    with viz.record() as rec:
        y = x * x * x
        (g,) = ac.autograd.grad(y, x, create_graph=True)
        g.backward()
    graph = rec.graph()
    assert "backward" in graph.modules
    assert x.grad.item() == 12.0
    assert all(p in graph.by_id() for n in graph.nodes for p in n.parents if p is not None)
    assert viz.html(rec).startswith("<!doctype html>")


def test_a_recording_of_several_steps_counts_each():
    net, x, t = Net(), ac.ones(4, 3), ac.zeros(4, 2)
    with viz.record() as rec:
        for _ in range(3):
            step(net, x, t)
    g = rec.graph()
    assert sum(n.op == "mean" for n in g.nodes) == 3
    assert len(g.outputs) == 3
    assert {p.partition(".")[0] for p in g.modules} == {"Net", "Net#2", "Net#3"}


def test_record_cannot_be_entered_twice():
    rec = viz.record()
    with rec, pytest.raises(RuntimeError, match=r"already running; make another with viz.record\(\)"):
        rec.__enter__()


def test_records_survive_json_and_draw_the_same():
    net, x, t = Net(), ac.ones(4, 3), ac.zeros(4, 2)
    with viz.record(stats=True) as rec:
        step(net, x, t)
    g = rec.graph()
    again = viz.Graph.from_json(g.to_json())
    assert again == g
    assert viz.text(again) == viz.text(g)
    assert viz.html(again) == viz.html(g)


def test_inplace_and_views_are_recorded():
    with viz.record() as rec:
        x = ac.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        y = x * 1.0
        y[0] = 0.0
        y.add_(1.0)
        y.t().sum().backward()
    g = rec.graph()
    assert all(p in g.by_id() for n in g.nodes for p in n.parents if p is not None)
    assert viz.text(g)


def test_a_long_program_records_in_linear_memory():
    x = ac.tensor([1.0], requires_grad=True)
    with viz.record() as rec:
        for _ in range(300):
            (x * 2.0).sum().backward()
    assert len(rec._held) <= 1
    assert not rec._holds


def test_a_parameter_that_a_rule_reads_costs_nothing():
    x = ac.tensor(np.ones((4, 8), np.float32), requires_grad=True)
    w = ac.tensor(np.ones((8, 8), np.float32), requires_grad=True)
    with viz.record() as rec:
        y = x.exp() @ w
    for g in (rec.graph(), viz.graph(y)):
        matmul = ops(g)[-1]
        assert {s.slot: s.borrowed for s in matmul.saved} == {"a": False, "b": True}
        assert matmul.saved_bytes == 128 and g.totals()["saved_bytes"] == 128


def test_a_recording_that_ends_in_an_error_shows_the_failing_op():
    x = ac.tensor(np.ones((2, 3), np.float32), requires_grad=True)
    rec = viz.record()
    with pytest.raises(RuntimeError), rec:
        ac.minimum(x.exp(), ac.ones(4))
    g = rec.graph()
    bad = next(n for n in g.nodes if n.mark == "error")
    assert (
        bad.op == "minimum" and "do not broadcast" in bad.note and len([p for p in bad.parents if p is not None]) == 2
    )
    assert "!! %" in viz.text(rec) and not watch.on


def test_observers_nest():
    from autograd_core import debug, profiler

    net, x, t = Net(), ac.ones(4, 3), ac.zeros(4, 2)
    with viz.record() as rec, profiler.profile() as p, debug.detect_anomaly() as anomaly:
        step(net, x, t)
    assert len(rec.ops) == len(p.recording.ops) == len(anomaly.ops) == 8
    assert [n.module for n in ops(rec.graph())] == [n.module for n in ops(anomaly.graph())]
