"""The models of the pictures: drawn by every sink without a cut label, an overlap or a word on the console."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from autograd_core import viz

from .chromium import Chromium, program

SCRIPT = Path(__file__).parents[2] / "docs" / "make_pictures.py"


@pytest.fixture(scope="module")
def made():
    spec = importlib.util.spec_from_file_location("make_pictures", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, module.graphs()


NAMES = ("mlp", "resnet-block", "lstm", "gpt")


@pytest.mark.parametrize("name", NAMES)
def test_every_node_is_complete(made, name):
    g = made[1][name]
    ids = g.by_id()
    assert len(g.outputs) == 1 and viz.Graph.from_json(g.to_json()) == g
    for n in g.nodes:
        assert all(p is None or p in ids for p in n.parents)
        if n.kind == "op":
            assert n.source is not None and "make_pictures.py" in n.source.file and n.formula and n.value is not None
            assert (n.backward is not None and n.grad is not None) or not n.requires_grad
        if n.kind == "parameter":
            assert n.name.count(".") >= 1 and n.grad is not None and n.grad.norm > 0
    assert viz.dot(g, **made[0].DRAWN[name]).source.count("->") >= len(NAMES)
    assert viz.mermaid(g).startswith("flowchart") and viz.memory(g).kept > 0


def test_the_layers_of_a_gpt_are_one_block(made):
    assert viz.fold_repeats(made[1]["gpt"]).modules["blocks.0"].repeat == 4


def test_the_steps_of_an_lstm_are_calls_of_one_cell(made):
    g = made[1]["lstm"]
    assert {p for p in g.modules if p.startswith("cell") and "." not in p} == {
        "cell",
        *(f"cell#{k}" for k in range(2, 9)),
    }


@pytest.mark.skipif(program() is None, reason="no Chromium program on this machine")
def test_pages(made, tmp_path):
    with Chromium(1400, 900) as b:
        for name in NAMES:
            b.open(viz.html(made[1][name], tmp_path / "graph.html"))
            b.js("graphPage.unfold()")
            b.settle()
            cut = b.js(
                "graphPage.scene.items.filter(i => !(i.group && i.open)).filter(i => graphPage.scene.lines(i)"
                ".some((t, k) => graphPage.scene.textWidth(t, graphPage.fonts[k]) > i.aw - (i.group ? 34 : 14)))"
                ".map(i => i.key)"
            )  # fmt: skip
            assert cut == [], name
            overlaps = b.js("""(() => { const bad = [], items = graphPage.scene.items;
              for (const i of items) for (const j of items) if (i !== j && i.up === j.up && i.ax < j.ax + j.aw
                && j.ax < i.ax + i.aw && i.ay < j.ay + j.ah && j.ay < i.ay + i.ah) bad.push([i.key, j.key]);
              return bad; })()""")
            assert overlaps == [], name
        assert b.problems == []
