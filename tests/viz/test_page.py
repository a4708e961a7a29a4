"""The HTML page in a real Chromium: it opens, folds, finds, clicks and draws, and says nothing on the console."""

# ruff: noqa: E501

from __future__ import annotations

import pytest

from autograd_core import viz

from . import synthetic
from .chromium import Chromium, program

pytestmark = pytest.mark.skipif(program() is None, reason="no Chromium program on this machine")


@pytest.fixture(scope="module")
def browser():
    with Chromium(1400, 900) as b:
        yield b


@pytest.fixture
def page(browser, tmp_path):
    """Opens the page of a graph; afterwards the console must be silent and nothing fetched."""
    browser.problems.clear()
    browser.requests.clear()

    def open_graph(graph):
        path = viz.html(graph, tmp_path / "graph.html")
        browser.open(path)
        browser.settle()
        return browser

    yield open_graph
    assert browser.problems == []
    assert all(url.startswith("file://") for url in browser.requests), browser.requests


HEAD = 48  # the height of the toolbar above the canvas


def where(b, key):
    x, y = b.js(f"graphPage.position({key!r})")
    return x, y + HEAD


def centre(b, key, zoom=1.0):
    """Bring an item to the middle of the window at a zoom where all is drawn."""
    b.js(
        f"(() => {{ const s = graphPage.scene, i = graphPage.graph.byKey.get({key!r}); s.zoom = {zoom}; s.x = 400 -"
        f" (i.ax + i.aw / 2) * {zoom}; s.y = 300 - i.ay * {zoom}; s.draw(); }})()"
    )


def group(b, path):
    return b.js(f"graphPage.graph.groups.find(g => g.path === {path!r}).key")


def test_it_opens_with_everything_in_place(page, tmp_path):
    b = page(synthetic.blocks(3))
    assert b.js("document.title") == "loss"
    assert b.js("graphPage.graph.nodes.length") == len(synthetic.blocks(3).nodes)
    assert "16 ops" in b.js("document.getElementById('detail').textContent")
    assert b.js("graphPage.visible()") == 36 + 3 + 9 - 0 or b.js("graphPage.visible()") > 40
    picture = b.screenshot(tmp_path / "open.png")
    assert len(picture) > 20_000  # not an empty sheet
    painted = b.js(
        "(() => { const c = document.getElementById('canvas'), d = c.getContext('2d').getImageData(0, 0, c.width,"
        " c.height).data;const s = new Set(); for (let i = 0; i < d.length; i += 16) s.add(d[i] << 16 | d[i + 1] << 8 |"
        " d[i + 2]); return s.size; })()"
    )
    assert painted > 20


def test_no_two_boxes_overlap_and_children_stay_inside(page):
    b = page(synthetic.blocks(4))
    assert (
        b.js("""(() => {
      const bad = [], items = graphPage.scene.items;
      for (const i of items) {
        if (!i.up.root && (i.ax < i.up.ax || i.ay < i.up.ay || i.ax + i.aw > i.up.ax + i.up.aw + 0.01 || i.ay + i.ah > i.up.ay + i.up.ah + 0.01)) bad.push(['outside', i.key]);
        for (const j of items) if (i !== j && i.up === j.up && i.ax < j.ax + j.aw && j.ax < i.ax + i.aw && i.ay < j.ay + j.ah && j.ay < i.ay + i.ah) bad.push([i.key, j.key]);
      }
      return bad; })()""")
        == []
    )


def test_every_edge_is_drawn_from_end_to_end(page):
    g = synthetic.blocks(3)
    b = page(g)
    drawn = b.js("""(() => {
      const out = new Set();
      for (const p of graphPage.scene.paths) if (!p.v || !(p.v.group && p.v.open)) for (const r of p.readers) if (p.v === graphPage.graph.nodes[r]) out.add(p.from.id + '>' + graphPage.graph.nodes[r].id);
      return [...out]; })()""")
    assert set(drawn) == {f"{p}>{c}" for p, c, _ in g.edges()}
    gaps = b.js("""(() => {  // a wire inside a module begins where the wire outside ended
      const ends = graphPage.scene.paths.map(p => [p.q[0], p.q[1], p.q[p.q.length - 2], p.q[p.q.length - 1], p.from.index]);
      const bad = [];
      for (const p of graphPage.scene.paths) {
        if (p.v && p.v.group && p.v.open) {
          const x = p.q[p.q.length - 2], y = p.q[p.q.length - 1];
          if (!ends.some(e => e[4] === p.from.index && Math.abs(e[0] - x) < 0.6 && Math.abs(e[1] - y) < 0.6)) bad.push([p.from.id, x, y]);
        }
        if (p.u && p.u.group && p.u.open) {
          if (!ends.some(e => e[4] === p.from.index && Math.abs(e[2] - p.q[0]) < 0.6 && Math.abs(e[3] - p.q[1]) < 11)) bad.push([p.from.id, p.q[0], p.q[1]]);
        }
      }
      return bad; })()""")
    assert gaps == []


def test_click_on_a_node_shows_all_that_is_known(page):
    b = page(synthetic.blocks(2))
    centre(b, "n8")
    b.click(*where(b, "n8"))
    text = b.js("document.getElementById('detail').innerText")
    assert "linear %8" in text
    assert "input · weightᵀ + bias" in text
    assert "lambda g, weight, F: F.matmul(g, weight)" in text
    assert "∂input = g · weight" in text
    assert "model.py:6" in text
    assert "h = self.fc1(self.norm(x))" in text
    assert "blocks.0.fc1.weight" in text
    assert "gelu %9" in text
    assert "2.05 kB" in text
    assert b.js("document.querySelectorAll('#detail svg.hist').length") == 2
    assert b.js("document.querySelector('pre .here').textContent").startswith("6")
    b.js("document.querySelector('#detail a.go').click()")
    assert "Linear" in b.js("document.getElementById('detail').innerText")


def test_click_on_a_module_folds_and_unfolds_it(page):
    b = page(synthetic.blocks(2))
    key = group(b, "blocks.0")
    centre(b, key)
    before, count = where(b, key), b.js("graphPage.visible()")
    b.click(*before)
    b.settle()
    assert b.js(f"graphPage.graph.byKey.get({key!r}).open") is False
    assert b.js("graphPage.visible()") < count
    x, y = b.js(
        f"(() => {{ const s = graphPage.scene, g = graphPage.graph.byKey.get({key!r}); return [g.ax * s.zoom + s.x,"
        " g.ay * s.zoom + s.y]; })()"
    )
    b.click(x + 20, y + HEAD + 20)
    b.settle()
    assert b.js(f"graphPage.graph.byKey.get({key!r}).open") is True
    assert b.js("graphPage.visible()") == count


def test_fold_and_unfold_all_by_key(page):
    b = page(synthetic.blocks(5))
    b.key("c")
    b.settle()
    assert b.js("graphPage.visible()") == 5 + 3
    b.key("e")
    b.settle()
    assert b.js("graphPage.visible()") == len(synthetic.blocks(5).nodes) + 20


def test_search_finds_shows_and_unfolds(page):
    b = page(synthetic.blocks(6))
    b.key("c")
    b.settle()
    b.key("/")
    assert b.js("document.activeElement.id") == "find"
    for c in "gelu blocks.4":
        b.key(c)
    assert b.js("document.getElementById('hits').textContent") == "1"
    b.key("Enter")
    b.settle()
    assert b.js("graphPage.scene.selected.op") == "gelu"
    assert b.js("graphPage.scene.selected.up.path") == "blocks.4"
    x, y = b.js("graphPage.position(graphPage.scene.selected.key)")
    assert 0 < x < 1028
    assert 0 < y < 852
    b.js("document.getElementById('find').value = ''")
    for c in "nothing like it":
        b.key(c)
    assert b.js("document.getElementById('hits').textContent") == "none"
    b.key("Escape")
    assert b.js("graphPage.scene.matches") is None


def test_search_by_line(page):
    b = page(synthetic.blocks(2))
    assert b.js("graphPage.find('model.py:7')") == 2


def test_pan_zoom_and_fit(page):
    b = page(synthetic.blocks(2))
    b.js("graphPage.scene.fit(null, false)")
    x, y, zoom = b.js("[graphPage.scene.x, graphPage.scene.y, graphPage.scene.zoom]")
    b.drag(200, 700, 60, -40)
    assert b.js("[graphPage.scene.x, graphPage.scene.y]") == pytest.approx([x + 60, y - 40])
    b.wheel(300, 300, -200)
    b.js("new Promise(r => requestAnimationFrame(() => r(1)))")
    assert b.js("graphPage.scene.zoom") > zoom
    b.key("f")
    b.settle()
    assert b.js("graphPage.scene.zoom") == pytest.approx(zoom, rel=1e-3)


def test_backward_view_shows_rules_and_turns_the_arrows(page, tmp_path):
    b = page(synthetic.blocks(1))
    forward = b.screenshot(tmp_path / "f.png")
    b.key("b")
    b.settle()
    assert b.js("graphPage.scene.backward") is True
    assert b.js("graphPage.scene.backwardLines(graphPage.graph.byKey.get('n8'))") == [
        "∂input = g · weight",
        "∂weight = gᵀ · input",
        "∂bias = g",
    ]
    assert b.screenshot(tmp_path / "b.png") != forward
    assert b.js("document.querySelector('#view [data-view=backward]').getAttribute('aria-pressed')") == "true"


def test_hover_shows_the_way_from_the_loss_to_a_parameter(page):
    g = synthetic.blocks(3)
    b = page(g)
    w = next(n for n in g.nodes if n.name == "blocks.1.fc1.weight")
    key = f"n{w.id}"
    centre(b, key)
    b.move(*where(b, key))
    b.settle()
    on = set(b.js("[...graphPage.scene.path].map(i => graphPage.graph.nodes[i].id)"))
    children, expected, todo = g.children(), set(), [w.id]
    while todo:
        i = todo.pop()
        if i not in expected:
            expected.add(i)
            todo += children[i]
    assert on == expected
    assert "blocks.1.fc1.weight" in b.js("document.getElementById('tip').textContent")
    b.move(5, 890)
    b.settle()
    assert b.js("graphPage.scene.path") is None


def test_keyboard_walk(page):
    b = page(synthetic.mlp())
    b.js("document.getElementById('canvas').focus()")
    b.key("ArrowDown")
    assert b.js("graphPage.scene.selected.op") == "mse_loss"
    b.settle()
    b.key("ArrowUp")
    assert b.js("graphPage.scene.selected.op") == "linear"
    b.key("ArrowUp")
    assert b.js("graphPage.scene.selected.op") == "gelu"
    b.key("ArrowDown")
    assert b.js("graphPage.scene.selected.op") == "linear"
    b.key("Escape")
    assert b.js("graphPage.scene.selected") is None


@pytest.mark.parametrize("dark", [False, True])
def test_colours_and_themes(page, browser, dark, tmp_path):
    browser.theme(dark)
    b = page(synthetic.blocks(2))
    modes = b.js("[...document.getElementById('colour').options].map(o => o.value)")
    assert modes == ["family", "forward", "backward", "bytes", "saved", "grad", "nan"]
    seen = set()
    for i, mode in enumerate(modes):
        b.key(str(i + 1))
        assert b.js("graphPage.scene.mode") == mode
        b.settle()
        seen.add(b.screenshot(tmp_path / "c.png"))
        assert b.js("document.getElementById('legend').textContent")
    assert len(seen) >= 6
    b.key("t")
    assert b.js("document.documentElement.classList.contains('dark')") is not dark
    browser.theme(False)


def test_parameters_can_be_hidden(page):
    b = page(synthetic.blocks(2))
    count = b.js("graphPage.visible()")
    b.key("p")
    b.settle()
    assert b.js("graphPage.visible()") == count - 12
    b.key("p")
    b.settle()
    assert b.js("graphPage.visible()") == count


def test_where_a_nan_began_is_marked_and_shown_first(page):
    g = synthetic.blocks(8)
    bad = [n for n in g.nodes if n.module.startswith("blocks.6") and n.kind == "op"]
    for n in g.nodes:
        if n.kind == "op" and n.id >= bad[1].id:
            n.value.nan = 3
    b = page(g)
    assert b.js("graphPage.scene.mode") == "nan"
    assert b.js("graphPage.graph.nodes.filter(n => n.origin).map(n => n.id)") == [bad[1].id]
    assert "Trouble began at" in b.js("document.getElementById('detail').textContent")
    b.js("graphPage.select(graphPage.graph.nodes.find(n => n.origin))")
    assert "first NaN or infinity came from here" in b.js("document.getElementById('detail').textContent")


def test_where_a_bad_gradient_began(page):
    g = synthetic.blocks(3)
    stop = next(n for n in g.nodes if n.op == "gelu" and n.module == "blocks.1")
    for n in g.nodes:
        if n.grad is not None and n.id <= stop.id:
            n.grad.inf = 1
    b = page(g)
    assert stop.id in b.js("graphPage.graph.nodes.filter(n => n.gradOrigin).map(n => n.id)")


def test_a_comparison_shows_what_was_added_and_removed(page):
    a, b_ = synthetic.mlp(), synthetic.mlp()
    b_.nodes.insert(5, synthetic.Node(100, "tanh", "op", (4, 5), "float32", (5,), ("x",)))
    a.nodes[5].params = {"approximate": "tanh"}
    b = page(viz.diff(a, b_).merged)
    legend = b.js("document.getElementById('legend').textContent")
    assert "only in the second" in legend and "differs" in legend and "only in the first" not in legend
    assert "The structure first differs here" in b.js("document.getElementById('detail').textContent")


def test_hostile_names_do_nothing_but_show(page):
    from .test_sinks import HOSTILE, hostile

    b = page(hostile())
    b.js("window.alert = () => { window.harmed = true; }")
    for key in b.js("[...graphPage.graph.byKey.keys()]"):
        b.js(f"graphPage.select(graphPage.graph.byKey.get({key!r}))")
    b.js("graphPage.find('onerror')")
    centre(b, "n5")
    b.move(*where(b, "n5"))
    assert b.js("window.harmed") is None
    assert b.js("document.querySelectorAll('img').length") == 0
    assert "onerror" in b.js("document.getElementById('detail').textContent")
    assert b.js("graphPage.graph.nodes[0].name") == HOSTILE


def test_five_thousand_nodes_unfolded(page):
    b = page(synthetic.flat(5000))
    assert b.js("graphPage.visible()") == 5000
    b.js("graphPage.scene.fit(null, false)")
    assert b.js("graphPage.scene.items.every(i => Number.isFinite(i.ax + i.ay))")


def test_fifty_thousand_nodes_open_folded(page):
    b = page(synthetic.blocks(4600, numbers=False))
    assert b.js("graphPage.graph.nodes.length") > 50_000
    assert b.js("graphPage.visible()") < 6000


def test_a_long_graph_without_modules_opens_in_folders(page):
    b = page(synthetic.flat(12_000))
    assert b.js("graphPage.visible()") < 400
    b.js("graphPage.toggle(graphPage.graph.root.items.find(i => i.group && !i.open))")
    b.settle()
    assert b.js("graphPage.visible()") > 200


@pytest.mark.parametrize(
    "graph",
    [viz.Graph(), viz.Graph(nodes=[viz.Node(1, "w", "parameter", (2,), "float32", name="w")])],
    ids=["empty", "one"],
)
def test_small_graphs(page, graph):
    b = page(graph)
    b.key("f")
    b.key("b")
    b.key("ArrowDown")
    b.settle()
    assert b.js("graphPage.visible()") == len(graph.nodes)


def test_rings_of_modules_are_laid_out_too(page):
    b_ = synthetic.Builder("ring")
    b_.module("a", "A")
    b_.module("b", "B")
    x = b_.leaf("input", "x", (2,))
    x = b_.op("exp", [x], (2,), "a")
    x = b_.op("log", [x], (2,), "b")
    x = b_.op("sin", [x], (2,), "a")
    x = b_.op("cos", [x], (2,), "b")
    b_.output(x)
    b = page(b_.graph)
    assert b.js("graphPage.visible()") == 7
    assert b.js("graphPage.scene.items.every(i => Number.isFinite(i.ax + i.ay))")


def test_the_notebook_frame_runs_the_page(browser, tmp_path):
    browser.problems.clear()
    (tmp_path / "notebook.html").write_text(
        f"<!doctype html><meta charset=utf-8><body>{synthetic.mlp()._repr_html_()}</body>"
    )
    browser.open(tmp_path / "notebook.html")
    assert browser.js("document.querySelector('iframe').srcdoc.length") > 10_000
    assert browser.problems == []
