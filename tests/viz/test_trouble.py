"""Diff, memory, gradient flow, the graph of an error, and the command line."""

from __future__ import annotations

import subprocess
import sys
import xml.dom.minidom
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ac
from autograd_core import viz
from nn.module import Module

from . import synthetic
from .test_record import Dense, Net, step

# ------------------------------------------------------------------------------------------------- diff


def test_equal_graphs_have_no_difference():
    d = viz.diff(synthetic.blocks(3), synthetic.blocks(3))
    assert not d
    assert "Same structure: 36 nodes" in str(d)
    assert "agree" in str(d)


def test_structure_is_aligned_around_what_was_added():
    a, b = synthetic.mlp(), synthetic.mlp()
    extra = synthetic.Node(100, "tanh", "op", (4, 5), "float32", (6,), ("x",))
    b.nodes.insert([n.op for n in b.nodes].index("gelu") + 1, extra)
    next(n for n in b.nodes if n.id == 9).parents = (100, 7, 8)
    d = viz.diff(a, b)
    assert [(x.kind, x.a, x.b) for x in d.differences] == [("added", None, 100), ("changed", 9, 9)]
    assert d.first_structure.text.startswith("only in the second: tanh %100")
    assert "reads other values" in d.text()
    back = viz.diff(b, a)
    assert [x.kind for x in back.differences] == ["removed", "changed"]
    merged = {n.mark for n in back.merged.nodes}
    assert "removed" in merged
    assert all(p in back.merged.by_id() for n in back.merged.nodes for p in n.parents if p is not None)
    assert "digraph" in back.dot().source
    assert back.html().startswith("<!doctype")
    assert "- %" in back.listing()


def test_shapes_and_arguments_are_compared():
    a, b = synthetic.mlp(), synthetic.mlp()
    next(n for n in b.nodes if n.op == "gelu").shape = (4, 6)
    assert "float32[4, 5] became float32[4, 6]" in str(viz.diff(a, b))
    b = synthetic.mlp()
    next(n for n in b.nodes if n.op == "gelu").params = {"approximate": "tanh"}
    assert "approximate=– became approximate=tanh" in str(viz.diff(a, b))


def test_numbers_differ_beyond_a_tolerance():
    net, x, t = Net(), ac.ones(4, 3), ac.zeros(4, 2)

    def run():
        net.zero_grad()
        with viz.record(stats=True) as rec:
            step(net, x, t)
        return rec

    a = run()
    assert not viz.diff(a, run())
    net.fc2.weight.array[0, 0] += 1e-3
    d = viz.diff(a, run())
    assert d.first_structure is None
    assert d.first_numbers is not None
    assert "fc2.weight" in d.first_numbers.text
    assert "value" in d.first_numbers.text
    assert not viz.diff(a, run(), rtol=0.5)
    assert "No numbers to compare" in str(viz.diff(viz.graph(net(x).sum()), viz.graph(net(x).sum())))


def test_large_graphs_are_aligned_in_time():
    a, b = synthetic.flat(5000), synthetic.flat(5000, seed=2)
    assert viz.diff(a, b)


# ------------------------------------------------------------------------------------------------- memory


def test_memory_counts_each_block_once_and_not_the_parameters():
    net, x, t = Net(), ac.ones(4, 3), ac.zeros(4, 2)
    with viz.record() as rec:
        step(net, x, t)
    m = viz.memory(rec)
    tanh, out = 4 * 5 * 4, 4 * 2 * 4  # what tanh keeps is also what the second matmul reads; pow keeps its base
    assert m.kept == tanh + out
    assert m.peak.bytes == m.kept
    assert m.timeline[-1].bytes == 0
    assert m.by("op") == {"tanh": 80, "pow": 32}
    assert m.borrowed >= 5 * 2 * 4
    assert "peak 112 B" in str(m)
    assert "by module" in str(m)
    xml.dom.minidom.parseString(m.svg())
    with pytest.raises(ValueError, match="takes 'module', 'op' or 'line', got 'x'"):
        m.by("x")


def test_memory_of_a_graph_that_was_only_walked():
    x = ac.tensor(np.ones(100, np.float32), requires_grad=True)
    m = viz.memory((x * 2.0).exp().tanh().sum())
    assert m.kept == 800
    assert max(t.bytes for t in m.timeline) == 800
    assert m.timeline[-1].bytes == 0


# ------------------------------------------------------------------------------------------------- gradient flow


class Deep(Module):
    def __init__(self, scale: float, activation: str, depth: int = 12) -> None:
        super().__init__()
        self.activation = activation
        self.layers = [Dense(16, 16, i) for i in range(depth)]
        for i, layer in enumerate(self.layers):
            layer.weight.array *= scale / 4
            setattr(self, f"layer{i}", layer)

    def forward(self, x):
        for layer in self.layers:
            x = getattr(layer(x), self.activation)()
        return x


@pytest.mark.parametrize(("scale", "activation", "verdict"), [
    (1.0, "sigmoid", "Gradients vanish towards the input"), (6.0, "sin", "Gradients explode towards the input"),
    (1.0, "sin", "Healthy"),
])  # fmt: skip
def test_verdicts(scale, activation, verdict):
    net = Deep(scale, activation)
    net(ac.ones(2, 16)).mean().backward()
    flow = viz.gradient_flow(net)
    assert flow.verdict.startswith(verdict), flow.verdict
    assert str(flow).count("\n") >= 24
    assert "layer0.weight" in str(flow)
    xml.dom.minidom.parseString(flow.svg())
    row = flow.rows[0]
    assert row.grad == pytest.approx(float(np.linalg.norm(net.layer0.weight.grad.array)), rel=1e-5)
    assert row.ratio == pytest.approx(row.grad / row.weight)


def test_verdict_before_backward_and_with_missing_zero_and_bad_gradients():
    net = Net()
    assert "call backward()" in viz.gradient_flow(net).verdict
    net.fc1(ac.ones(1, 3)).sum().backward()
    assert "No gradient reached fc2.weight, fc2.bias" in viz.gradient_flow(net).verdict
    net.fc1.weight.grad.array[...] = 0
    net.fc1.bias.grad.array[0] = np.nan
    verdict = viz.gradient_flow(net).verdict
    assert "gradient of fc1.weight is exactly zero" in verdict
    assert "NaN or infinity in the gradient of fc1.bias" in verdict
    with pytest.raises(ValueError, match="no parameters"):
        viz.gradient_flow([])


def test_gradient_history_is_a_heat_map():
    net, x, t = Net(), ac.ones(4, 3), ac.zeros(4, 2)
    history = viz.GradientHistory(net)
    assert "no steps yet" in str(history)
    for _ in range(4):
        net.zero_grad()
        step(net, x, t)
        history.step()
    assert history.svg().count("fc1.weight, step") == 4
    assert "first step" in str(history)
    xml.dom.minidom.parseString(history.svg())


# ----------------------------------------------------------------------------------------------- the graph of an error


def test_forward_error_marks_the_op_and_its_operands():
    x = ac.tensor(np.ones((2, 3), np.float32), requires_grad=True)
    h = x.exp()
    with pytest.raises(RuntimeError) as caught:
        h + ac.ones(4)
    g = viz.last_error(caught.value)
    bad = next(n for n in g.nodes if n.mark == "error")
    assert bad.op == "add"
    assert "a: float32[2, 3]" in bad.note
    assert "b: float32[4]" in bad.note
    assert bad.source.function == "test_forward_error_marks_the_op_and_its_operands"
    assert [n.label for n in g.nodes][:2] == ["x", "exp"]
    assert "!! %" in viz.text(g)
    assert "h + ac.ones(4)" in dict(g.context(bad.source))[bad.source.line]


def test_error_inside_a_module_names_it():
    net = Net()
    net.fc2.weight = Dense(4, 2).weight
    with pytest.raises(RuntimeError, match="fc2") as caught:
        net(ac.ones(1, 3))
    g = viz.last_error(caught.value)
    bad = next(n for n in g.nodes if n.mark == "error")
    assert bad.module == "fc2"
    assert "fc2" in g.note
    assert any(n.name == "fc1.weight" for n in g.nodes)


def test_backward_error_marks_the_node():
    x = ac.tensor([1.0], requires_grad=True)
    y = (x.exp() * 2.0).sum()
    y.backward()
    with pytest.raises(RuntimeError) as caught:
        y.backward()
    g = viz.last_error(caught.value)
    assert [n.op for n in g.nodes if n.mark == "error"]
    assert "already freed" in g.note


def test_no_error_gets_a_sentence():
    with pytest.raises(RuntimeError, match="no error is being handled"):
        viz.last_error()
    with pytest.raises(RuntimeError, match="ZeroDivisionError did not come from an op"):
        viz.last_error(ZeroDivisionError())


# ------------------------------------------------------------------------------------------------- command line


SCRIPT = """
import sys
import autograd_core as ac
from tests.viz.test_record import Net
def main():
    net = Net()
    for k in range(3):
        loss = (net(ac.ones(4, 3)) ** 2).mean()
        loss.backward()
    print("ran with", sys.argv[1:])
    if "--fail" in sys.argv:
        net(ac.ones(4, 7))
main()
"""


def run(tmp_path: Path, *args: str, script: str = SCRIPT) -> subprocess.CompletedProcess[str]:
    (tmp_path / "train.py").write_text(script)
    root = Path(__file__).parents[2]
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); from autograd_core.viz.__main__ import main; sys.exit(main())"
    )
    return subprocess.run(
        [sys.executable, "-c", code, str(root), *args], capture_output=True, text=True, cwd=tmp_path, check=False
    )


def test_command_line_draws_the_last_step(tmp_path):
    r = run(tmp_path, "train.py", "--out", "g.txt", "--lr", "0.1", "--memory")
    assert r.returncode == 0, r.stderr
    assert "ran with ['--lr', '0.1']" in r.stdout
    assert "7 ops of train.py" in r.stdout
    assert "kept for backward" in r.stdout
    text = (tmp_path / "g.txt").read_text()
    assert text.count("mean(") == 1
    assert "# fc1: Dense" in text
    assert "train.py:8" in text


@pytest.mark.parametrize("kind", ["html", "dot", "mmd", "md", "json"])
def test_command_line_formats(tmp_path, kind):
    r = run(tmp_path, "train.py", "--out", f"g.{kind}")
    assert r.returncode == 0, r.stderr
    start = {"html": "<!doctype", "dot": "digraph", "mmd": "flowchart", "md": "```mermaid", "json": '{"version":1'}[
        kind
    ]
    assert (tmp_path / f"g.{kind}").read_text(encoding="utf-8").startswith(start)


def test_command_line_draws_an_error(tmp_path):
    r = run(tmp_path, "train.py", "--out", "g.txt", "--fail")
    assert r.returncode == 1
    assert "Traceback" in r.stderr
    assert "!! %" in (tmp_path / "g.txt").read_text()


def test_command_line_sentences(tmp_path):
    r = run(tmp_path, "nothing.py")
    assert r.returncode == 2
    assert "nothing.py: no such file" in r.stderr
    r = run(tmp_path, "train.py", "--out", "g.bmp")
    assert r.returncode == 2
    assert "must be one of .html" in r.stderr
    r = run(tmp_path, "train.py", script="print(1)")
    assert r.returncode == 1
    assert "ran no op" in r.stderr
    r = run(tmp_path, "train.py", "--out", "no/such/g.html")
    assert r.returncode == 1
    assert "viz.html: cannot write" in r.stderr
    assert "Traceback" not in r.stderr
