"""Text, DOT and Mermaid from records: golden texts, hostile names, options."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograd_core import viz
from autograd_core.viz import drawing
from autograd_core.viz.records import Graph, Module, Node, Source

from . import synthetic

GOLDEN = Path(__file__).parent / "golden"


def golden(name: str, text: str) -> None:
    """Compare with the stored text; UPDATE_GOLDEN=1 stores what came out, to be read before it is committed."""
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_text_golden():
    golden("mlp.txt", viz.text(synthetic.mlp(), show="bytes,lines,rules") + "\n")


def test_text_golden_folded():
    golden("blocks-folded.txt", viz.text(synthetic.blocks(3, numbers=False), fold_repeats=True) + "\n")
    golden("blocks-depth1.txt", viz.text(synthetic.blocks(3), depth=1, show="values,grads,time,bytes") + "\n")


def test_dot_golden():
    golden("mlp.dot", viz.dot(synthetic.mlp(), show="shapes,bytes,saved,rules,lines").source)


def test_dot_golden_folded():
    golden("blocks-folded.dot", viz.dot(synthetic.blocks(3), fold_repeats=True, show="shapes,values,grads,time").source)


def test_mermaid_golden():
    golden("mlp.mmd", viz.mermaid(synthetic.mlp()))


HOSTILE = '</script><img src=x onerror="alert(1)">&"\'`\n\t\x00\u2028{}<b>|\\l;#'


def hostile() -> Graph:
    g = synthetic.mlp(numbers=True)
    g.title = g.note = HOSTILE
    for n in g.nodes:
        n.name = HOSTILE
        n.note = HOSTILE
        n.params = {HOSTILE: HOSTILE}
        n.source = Source(HOSTILE, 1, HOSTILE)
        n.module = HOSTILE if n.kind == "op" else ""
        n.formula = HOSTILE
    g.modules = {HOSTILE: Module(HOSTILE, HOSTILE)}
    g.sources = {HOSTILE: {1: HOSTILE}}
    return g


def test_hostile_names_cannot_leave_their_place():
    page = viz.html(hostile())
    assert "<img" not in page
    assert page.count("</script>") == 2
    data = page.partition('id="data">')[2].partition("</script>")[0]
    assert not set(data) & set("<>&\u2028\u2029")
    mermaid = viz.mermaid(hostile())
    assert "<img" not in mermaid
    assert '"alert' not in mermaid
    dot = viz.dot(hostile(), show="shapes,values,grads,time,bytes,saved,rules,lines").source
    assert "<img" not in dot


needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's dot is not installed")


@needs_dot
def test_dot_draws_hostile_names(tmp_path):
    out = viz.dot(hostile(), show="shapes,values,grads,time,bytes,saved,rules,lines").render(
        outfile=str(tmp_path / "x.svg")
    )
    svg = Path(out).read_text()
    assert "<img" not in svg
    assert "onerror" in svg


@needs_dot
def test_render_draws_files_and_leaves_none_half_written(tmp_path):
    d = viz.dot(synthetic.mlp())
    assert d.render(str(tmp_path / "mlp"), format="png", cleanup=True) == str(tmp_path / "mlp.png")
    assert (tmp_path / "mlp.png").read_bytes().startswith(b"\x89PNG")
    d.render(str(tmp_path / "mlp"), format="pdf")
    assert (tmp_path / "mlp.pdf").read_bytes().startswith(b"%PDF")
    assert "digraph" in (tmp_path / "mlp").read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mlp", "mlp.pdf", "mlp.png"]
    with pytest.raises(OSError, match=r"viz\.dot\.render: cannot write"):
        d.render(outfile=str(tmp_path / "no" / "x.svg"))
    assert "<svg" in d._repr_mimebundle_()["image/svg+xml"]


def test_without_graphviz_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_: None)
    monkeypatch.setattr(drawing, "_bundled", lambda: None)
    d = viz.dot(synthetic.mlp())
    with pytest.raises(
        RuntimeError, match=r"no Graphviz program was found; install the system package 'graphviz'.*\[viz\]"
    ):
        d.pipe("svg")
    assert "digraph" in d.source, "the text needs no program"
    assert "no Graphviz program" in d._repr_mimebundle_()["text/plain"]


def test_the_bundled_program_is_used_where_there_is_no_dot(monkeypatch, tmp_path):
    program = tmp_path / "graphviz-pure"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.stdout.write('<svg>' + sys.argv[1] + str(len(sys.stdin.read()) > 50) +"
        " '</svg>')\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(drawing, "_bundled", lambda: str(program))
    monkeypatch.setattr(shutil, "which", lambda *_: None)
    assert viz.dot(synthetic.mlp()).pipe("svg", encoding="utf-8") == "<svg>-TsvgTrue</svg>"
    assert Path(viz.dot(synthetic.mlp()).render(outfile=str(tmp_path / "a.svg"))).read_text().startswith("<svg>")


def test_unknown_options_are_named():
    with pytest.raises(ValueError, match="show has 'colours'; it can have values, grads"):
        viz.text(synthetic.mlp(), show="values,colours")
    with pytest.raises(ValueError, match="show has 'x'"):
        viz.dot(synthetic.mlp(), show="x")
    with pytest.raises(ValueError, match="direction must be 'TB' or 'LR'"):
        viz.dot(synthetic.mlp(), direction="UP")
    with pytest.raises(ValueError, match="direction must be"):
        viz.mermaid(synthetic.mlp(), direction="UP")


def test_every_edge_of_the_records_is_in_the_drawings():
    g = synthetic.blocks(2)
    edges = {(p, c) for p, c, _ in g.edges()}
    dot = viz.dot(g).source
    assert {(int(a), int(b)) for a, b in re.findall(r"^\s*n(\d+) -> n(\d+)\b(?! \[style=invis)", dot, re.M)} == edges
    mermaid = viz.mermaid(g)
    assert {(int(a), int(b)) for a, b in re.findall(r"^  n(\d+) -->(?:\|[^|]*\|)? n(\d+)", mermaid, re.M)} == edges


def test_marks_stand_out():
    g = synthetic.mlp()
    gelu = next(n for n in g.nodes if n.op == "gelu")
    gelu.mark, gelu.note = "culprit", "made a NaN"
    assert "!! %6 = gelu" in viz.text(g)
    assert "^ made a NaN" in viz.text(g)
    assert "#ffd9d9" in viz.dot(g).source
    assert "culprit_" in viz.mermaid(g)


def test_a_deep_graph_needs_no_recursion():
    nodes = [Node(1, "parameter", "parameter", (1,), "float32", name="w")]
    nodes += [Node(i, "mul", "op", (1,), "float32", (i - 1,), ("x",)) for i in range(2, 30_002)]
    g = Graph(nodes=nodes, outputs=[30_001])
    assert viz.text(g).count("\n") > 30_000
    assert viz.dot(g).source.count("->") == 30_000
    assert Graph.from_json(g.to_json()) == g
    assert len(viz.html(g)) > 100_000


def test_importing_viz_is_light():
    code = (
        "import sys; import autograd_core.viz; "
        "print(sorted(m for m in ('graphviz', 'matplotlib', 'numba', 'scipy', 'IPython') if m in sys.modules))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
