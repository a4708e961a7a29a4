"""Records: JSON and back, totals, statistics, and files that are replaced only when complete."""

from __future__ import annotations

import json
import os
import stat

import numpy as np
import pytest

from autograd_core.viz.records import Graph, Node, Saved, Source
from autograd_core.viz.stats import stats
from autograd_core.viz.words import bytes_text, family, seconds_text, shape_text, write_file

from . import synthetic


@pytest.mark.parametrize(
    "graph",
    [Graph(), synthetic.mlp(), synthetic.mlp(numbers=True), synthetic.blocks(2)],
    ids=["empty", "mlp", "numbers", "blocks"],
)
def test_json_and_back(graph):
    text = graph.to_json()
    assert Graph.from_json(text) == graph
    assert json.loads(text)["version"] == 1


def test_json_has_no_nan_literals():
    g = Graph(nodes=[Node(1, "x", value=stats(np.array([np.nan, np.inf, 1.0])), grad=stats(np.array([np.nan])))])
    assert "NaN" not in g.to_json()
    assert Graph.from_json(g.to_json()) == g
    assert g.nodes[0].value.nan == 1
    assert g.nodes[0].value.inf == 1
    assert g.nodes[0].value.max == 1.0
    assert g.nodes[0].grad.mean is None


def test_other_versions_and_other_texts_are_refused():
    with pytest.raises(ValueError, match="version 99"):
        Graph.from_dict({"version": 99})
    with pytest.raises(ValueError, match="not a recorded graph"):
        Graph.from_json("hello")
    with pytest.raises(ValueError, match="version None"):
        Graph.from_json("[]")


def test_a_memory_block_is_counted_once():
    n = Node(
        1,
        "f",
        saved=[
            Saved("a", (4,), "float32", 16, "b0"),
            Saved("y", (2,), "float32", 8, "b0"),
            Saved("c", (1,), "float32", 4, "b1"),
        ],
    )
    assert n.saved_bytes == 12
    g = Graph(
        nodes=[
            Node(1, "f", saved=[Saved("a", (4,), "float32", 16, "b0")]),
            Node(2, "g", saved=[Saved("a", (4,), "float32", 16, "b0")]),
        ]
    )
    assert g.totals()["saved_bytes"] == 16


def test_context_is_what_was_recorded_around_a_line():
    g = synthetic.mlp()
    assert [i for i, _ in g.context(Source(synthetic.FILE, 2), around=2)] == [1, 2, 3, 4]
    assert g.context(Source("elsewhere.py", 2)) == []


@pytest.mark.parametrize("a", [
    np.zeros(0), np.float32(3), np.arange(6).reshape(2, 3), np.array([True, False]), np.array([1 + 1j, 2]),
    np.full(5, 7.0),
    np.array([1e300, -1e300]), np.array([1e-310, 0]), np.array([5e-324, 1e308]), np.array([np.inf, -np.inf]),
], ids=str)  # fmt: skip
def test_statistics_of_odd_arrays(a):
    s = stats(a)
    assert s.size == np.asarray(a).size
    assert sum(s.counts) == s.size - s.nan - s.inf
    for v in (s.min, s.max, s.mean, s.std, s.norm):
        assert v is None or np.isfinite(v)


def test_statistics_are_right():
    a = np.random.default_rng(0).normal(size=(40, 50)).astype(np.float32)
    a[0, :10] = 0
    s = stats(a)
    assert s.mean == pytest.approx(a.mean(dtype=float))
    assert s.std == pytest.approx(a.std(dtype=float))
    assert s.norm == pytest.approx(np.linalg.norm(a.astype(float)))
    assert s.zeros == pytest.approx(10 / 2000)
    assert (s.min, s.max) == (a.min(), a.max())
    np.testing.assert_array_equal(s.counts, np.histogram(a.astype(float), bins=24, range=(s.low, s.high))[0])


def test_words():
    assert [bytes_text(n) for n in (0, 999, 1000, 123_456, 5e6, 2e9)] == [
        "0 B",
        "999 B",
        "1 kB",
        "123 kB",
        "5 MB",
        "2 GB",
    ]
    assert [seconds_text(s) for s in (None, 2.0, 0.0123, 4.56e-6, 3e-9)] == ["", "2 s", "12.3 ms", "4.56 µs", "3 ns"]
    assert shape_text((2, 3)) == "2×3"
    assert shape_text(()) == "()"


@pytest.mark.parametrize(("op", "name"), [
    ("matmul", "matmul"), ("matmul_tn", "matmul"), ("linear", "matmul"), ("conv2d", "conv"), ("max_pool2d", "conv"),
    ("batch_norm", "norm"), ("cross_entropy_backward", "loss"),
    ("relu", "activation"),
    ("log_softmax", "activation"), ("cross_entropy", "loss"), ("mse_loss", "loss"), ("sum", "reduce"),
    ("reshape", "shape"), ("getitem", "index"),
    ("embedding", "index"), ("dropout", "random"), ("add", "elementwise"), ("never_heard_of", "other"),
    ("scaled_dot_product_attention", "matmul"),
])  # fmt: skip
def test_families(op, name):
    assert family(op) == name


def test_a_file_is_replaced_only_when_complete(tmp_path, monkeypatch):
    path = tmp_path / "graph.html"
    path.write_text("old")

    def broken(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(OSError, match=r"viz\.html: cannot write .*No space left on device.*give a path"):
        write_file(path, "new", "viz.html")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["graph.html"]
    monkeypatch.undo()
    write_file(path, "new", "viz.html")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["graph.html"]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


def test_a_path_that_cannot_be_written_gets_a_sentence(tmp_path):
    with pytest.raises(
        FileNotFoundError,
        match=(
            r"viz\.html: cannot write .*no/such/graph\.html.*No such file or directory.*give a path in a folder that"
            " exists"
        ),
    ):
        write_file(tmp_path / "no" / "such" / "graph.html", "x", "viz.html")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="cannot write"):
        write_file(tmp_path / "folder", "x", "viz.html")
    assert os.listdir(tmp_path) == ["folder"]
