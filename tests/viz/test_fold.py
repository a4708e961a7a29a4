"""Folding: modules as one node, equal blocks as one."""

from __future__ import annotations

import pytest

from autograd_core.viz import fold
from autograd_core.viz.records import Graph

from . import synthetic


def ids_are_consistent(g: Graph) -> None:
    seen = set()
    for n in g.nodes:
        assert all(p is None or p in seen for p in n.parents), n
        seen.add(n.id)
    assert set(g.outputs) <= seen
    assert all(not n.module or n.module in g.modules or fold.chain(g, n.module) for n in g.nodes)


def test_chain():
    g = synthetic.blocks(1)
    assert fold.chain(g, "blocks.0.fc1") == ("blocks.0", "blocks.0.fc1")  # "blocks" is a list, not a call
    assert fold.chain(g, "") == ()


@pytest.mark.parametrize("depth", [0, 1, 2, 5])
def test_collapse(depth):
    g = synthetic.blocks(3)
    before = g.to_json()
    c = fold.collapse(g, depth)
    assert g.to_json() == before, "the graph given must not change"
    ids_are_consistent(c)
    assert c.totals()["ops"] == g.totals()["ops"]
    assert c.totals()["bytes"] == g.totals()["bytes"]
    assert c.totals()["saved_bytes"] == g.totals()["saved_bytes"]
    assert c.totals()["forward"] == pytest.approx(g.totals()["forward"])
    kinds = {n.kind for n in c.nodes}
    assert ("module" in kinds) == (depth < 2)
    if depth == 0:
        assert [n.label for n in c.nodes] == ["x", "blocks.0", "blocks.1", "blocks.2", "target", "mse_loss"] or len(
            c.nodes
        ) == 6


def test_collapse_refuses_negative_depth():
    with pytest.raises(ValueError, match="depth must be 0 or more, got -1"):
        fold.collapse(synthetic.mlp(), -1)


def test_equal_blocks_become_one():
    g = fold.fold_repeats(synthetic.blocks(12))
    ids_are_consistent(g)
    assert g.modules["blocks.0"].repeat == 12
    assert g.modules["blocks.0"].last == "blocks.11"
    assert set(g.modules) == {"blocks.0", "blocks.0.norm", "blocks.0.fc1", "blocks.0.fc2"}
    loss = g.nodes[-1]
    assert g.by_id()[loss.parents[0]].op == "add", "the loss now reads the block that stands for all"


def test_different_blocks_stay():
    g = synthetic.blocks(4)
    odd = next(n for n in g.nodes if n.module == "blocks.2" and n.op == "gelu")
    odd.op = "relu"
    f = fold.fold_repeats(g)
    ids_are_consistent(f)
    assert {p: m.repeat for p, m in f.modules.items() if p.count(".") == 1} == {
        "blocks.0": 2,
        "blocks.2": 1,
        "blocks.3": 1,
    }


def test_blocks_with_ops_between_stay():
    b = synthetic.Builder("x")
    x = b.leaf("input", "x", (8, 16))
    for i in range(3):
        x = synthetic.block(b, x, f"blocks.{i}")
        x = b.op("mul", [x, x], (8, 16))
    b.output(x)
    f = fold.fold_repeats(b.graph)
    assert all(m.repeat == 1 for m in f.modules.values())


def test_nested_repeats():
    b = synthetic.Builder("x")
    x = b.leaf("input", "x", (8, 16))
    for i in range(2):
        b.module(f"stage.{i}", "Stage")
        for j in range(3):
            x = synthetic.block(b, x, f"stage.{i}.{j}")
    b.output(x)
    f = fold.fold_repeats(b.graph)
    ids_are_consistent(f)
    assert f.modules["stage.0"].repeat == 2
    assert f.modules["stage.0.0"].repeat == 3
    assert sum(n.kind == "op" for n in f.nodes) == 5


def test_hide_and_ancestors():
    g = fold.hide(synthetic.mlp(), ("parameter",))
    ids_are_consistent(g)
    assert not any(n.kind == "parameter" for n in g.nodes)
    mlp = synthetic.mlp()
    part = fold.ancestors(mlp, next(n.id for n in mlp.nodes if n.op == "gelu"))
    assert [n.label for n in part.nodes] == ["x", "fc1.weight", "fc1.bias", "linear", "gelu"]
    assert part.outputs == []
