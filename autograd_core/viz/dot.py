"""A graph as DOT: a ``graphviz.Digraph`` with modules as nested clusters."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from . import fold
from .records import Graph, Node
from .text import parse_show
from .words import COLOURS, bytes_text, family, number, plural, seconds_text, shape_text

if TYPE_CHECKING:
    from .drawing import Drawing

SHOW = ("values", "grads", "time", "bytes", "saved", "rules", "lines", "shapes")

_CLUSTER = ("#fafbfd", "#f3f5f9", "#ebeff5", "#e4e9f1")
_MARKS = {"culprit": "#d11a2a", "error": "#d11a2a", "added": "#1a7f37", "removed": "#b35900", "numbers": "#8250df"}


def dot(
    graph: Any,
    *,
    show: str = "shapes",
    depth: int | None = None,
    fold_repeats: bool = False,
    parameters: bool = True,
    direction: str = "TB",
    model: Any = None,
) -> Drawing:
    """Draw a graph with Graphviz.

    Parameters
    ----------
    graph : a tensor, several tensors, a recording or a :class:`Graph`.
    show : what to write, by commas: ``shapes`` (on edges), ``values``, ``grads``, ``time``, ``bytes``, ``saved``
        (each value kept for backward as its own node), ``rules``, ``lines``.
    depth : draw modules nested deeper than this as one node.
    fold_repeats : draw runs of equal modules once, as "Block × 12".
    parameters : whether parameters are drawn.
    direction : ``"TB"`` (down) or ``"LR"`` (to the right).
    model : an ``nn.Module`` whose parameters give the leaves their names.

    Returns
    -------
    graphviz.Digraph
        Shown inline in notebooks; ``.source`` is the DOT text; ``.render("graph", format="svg")`` draws a file.

    Examples
    --------
    >>> viz.dot(loss, show="shapes,bytes").render("graph", format="svg")     # doctest: +SKIP
    """
    from .drawing import Drawing
    from .walk import to_graph

    g = to_graph(graph, "viz.dot", model=model)
    want = parse_show(show, SHOW)
    if direction not in ("TB", "LR"):
        raise ValueError(f"viz.dot: direction must be 'TB' or 'LR', got {direction!r}")
    g = fold.fold_repeats(g) if fold_repeats else g
    g = fold.collapse(g, depth) if depth is not None else g
    g = g if parameters else fold.hide(g, ("parameter",))
    d = Drawing("graph", format="svg")
    d.attr(
        "graph",
        rankdir=direction,
        fontname="Helvetica,Arial,sans-serif",
        fontsize="11",
        labelloc="t",
        labeljust="l",
        nodesep="0.28",
        ranksep="0.42",
        pad="0.25",
        bgcolor="white",
        color="#aab4c4",
        style="rounded",
        newrank="false",
    )
    d.attr(
        "node",
        fontname="Helvetica,Arial,sans-serif",
        fontsize="11",
        shape="box",
        style="rounded,filled",
        margin="0.12,0.06",
        height="0.3",
        penwidth="1.1",
    )
    d.attr(
        "edge",
        fontname="Helvetica,Arial,sans-serif",
        fontsize="9",
        color="#8792a5",
        fontcolor="#6b7688",
        arrowsize="0.65",
        penwidth="1.1",
    )
    title = "<br align='left'/>".join(
        f"<b>{_safe(t)}</b>" if i == 0 else _safe(t) for i, t in enumerate(filter(None, (g.title, g.note)))
    )
    if title:
        d.attr("graph", label=f"<{title}<br align='left'/>>")
    _clusters(d, g, want)
    by_id = g.by_id()
    seen: set[tuple[int, int]] = set()
    placed: set[int] = set()
    for n in g.nodes:
        for p in n.parents:
            if p is None or p not in by_id or (p, n.id) in seen:
                continue
            seen.add((p, n.id))
            parent = by_id[p]
            label = shape_text(parent.shape) if "shapes" in want and parent.kind in ("op", "module") else ""
            style = {"style": "dashed"} if parent.kind == "constant" or not parent.requires_grad else {}
            if parent.mark in ("culprit", "error") or n.mark in ("culprit", "error"):
                style["color"] = _MARKS["culprit"]
            if parent.kind in ("op", "module", "input"):
                style["weight"] = "6"  # the main way of the data is drawn straight
            d.edge(_key(p), _key(n.id), label=f" {label} " if label else None, **style)
        data = [p for p in n.parents if p is not None and p in by_id and by_id[p].kind != "parameter"]
        for q in n.parents:  # parameters stand below what flows in, so that a module's box begins under its input
            if (
                q is not None
                and q in by_id
                and by_id[q].kind == "parameter"
                and by_id[q].module == n.module
                and q not in placed
            ):
                placed.add(q)  # below what its first reader reads; later ones could close a ring
                for p in dict.fromkeys(data):
                    if by_id[p].module != n.module:
                        d.edge(_key(p), _key(q), style="invis", weight="0")
        if "saved" in want:
            for i, s in enumerate(n.saved):
                if s.bytes:
                    d.edge(_key(n.id), f"{_key(n.id)}_s{i}", style="dotted", arrowhead="none", color="#9a8f78")
    return d


def _clusters(d: Any, g: Graph, want: set[str]) -> None:
    """Write the nodes, each inside the cluster of its module call; without recursion over the nodes."""
    of = fold.chains(g)
    own: dict[str, list[Node]] = {"": []}
    inside: dict[str, list[str]] = {"": []}
    for n in g.nodes:
        c = of(n.module)
        for outer, path in zip(("", *c), c, strict=False):
            if path not in own:
                own[path], inside[path] = [], []
                inside[outer].append(path)
        own[c[-1] if c else ""].append(n)

    order = {path: k for k, path in enumerate(own)}

    def write(to: Any, path: str, level: int) -> None:
        for n in own[path]:
            _node(to, n, want)
        for i in inside[path]:
            call = g.modules[i]
            with to.subgraph(name=f"cluster_{order[i]}") as sub:
                times = f" × {call.repeat}" if call.repeat > 1 else ""
                where = f"{call.path} … {call.last}" if call.repeat > 1 else call.path
                style = "rounded,filled" if call.repeat == 1 else "rounded,filled,bold"
                sub.attr(
                    label=f"<<b>{_safe(call.type)}{times}</b>  <font color='#6b7688'>{_safe(where)}</font>>",
                    style=style,
                    fillcolor=_CLUSTER[min(level, 3)],
                    color="#aab4c4",
                    margin="12",
                )
                write(sub, i, level + 1)

    write(d, "", 0)


def _key(i: int) -> str:
    return f"n{i}" if i >= 0 else f"i{-i}"


def _safe(text: str, limit: int = 120) -> str:
    """Text for an HTML-like label: escaped, without control characters, and not endless."""
    text = "".join(c if c.isprintable() else " " for c in text)
    return html.escape(text if len(text) <= limit else text[: limit - 1] + "…", quote=True)


def _lines(n: Node, want: set[str]) -> Iterable[str]:
    """The small lines under a node's name."""
    if n.kind in ("parameter", "input", "constant"):
        yield _safe(f"{shape_text(n.shape)}  {n.dtype}".strip())
    elif n.output or "shapes" not in want:
        yield _safe(f"{shape_text(n.shape)}")
    if n.kind == "module":
        yield f"{_safe(n.name)} · {plural(n.count, 'op')}"
    if n.kind == "op" and (
        outside := {k: v for k, v in n.params.items() if len(v) <= 24 and v not in ("None", "False")}
    ):
        yield _safe(", ".join(f"{k}={v}" for k, v in list(outside.items())[:3]))
    if "rules" in want:
        yield from (_safe(str(r), 56) for r in n.rules if r.code)
    for word, title, s in (("values", "", n.value), ("grads", "∂ ", n.grad)):
        if word in want and s is not None:
            bad = "".join(f" <b>{k} {w}</b>" for k, w in ((s.nan, "NaN"), (s.inf, "inf")) if k)
            yield f"{title}{number(s.mean)} ± {number(s.std)} [{number(s.min)}, {number(s.max)}]{bad}"
    if "time" in want and (n.forward is not None or n.backward is not None):
        yield " / ".join(filter(None, (seconds_text(n.forward), seconds_text(n.backward))))
    if "bytes" in want and n.saved_bytes:
        yield f"keeps {bytes_text(n.saved_bytes)}"
    if "lines" in want and n.source is not None and n.kind == "op":
        yield _safe(str(n.source))
    if n.note:
        yield f"<b>{_safe(n.note)}</b>"


def _node(d: Any, n: Node, want: set[str]) -> None:
    small = "".join(f"<br/><font point-size='9' color='#4d5768'>{line}</font>" for line in _lines(n, want) if line)
    attributes: dict[str, str] = {}
    if n.kind == "parameter":
        attributes = {
            "shape": "ellipse",
            "style": "filled",
            "fillcolor": "#fff3cf",
            "color": "#c79a1b",
            "margin": "0.04,0.02",
        }
    elif n.kind == "input":
        attributes = {
            "shape": "parallelogram",
            "style": "filled",
            "fillcolor": "#dff5e1",
            "color": "#3b9a48",
            "margin": "0.02,0.04",
        }
    elif n.kind == "constant":
        attributes = {"style": "dashed,rounded", "color": "#9aa3b2", "fontcolor": "#5b6577"}
    elif n.kind == "module":
        attributes = {
            "shape": "box3d",
            "style": "filled",
            "fillcolor": "#e3e9f3",
            "color": "#5c6b84",
            "margin": "0.2,0.1",
        }
    else:
        fill, border = COLOURS[family(n.op)]
        attributes = {"fillcolor": fill, "color": border}
    if n.output:
        attributes["peripheries"] = "2"
    if n.mark in _MARKS:
        attributes |= {"color": _MARKS[n.mark], "penwidth": "2.6"}
        if n.mark in ("culprit", "error"):
            attributes["fillcolor"] = "#ffd9d9"
    if n.source is not None and "lines" not in want:
        attributes["tooltip"] = _safe(str(n.source)).replace("\\", "/")
    name = n.op if n.kind == "module" else n.label.removeprefix(f"{n.module}.")
    d.node(_key(n.id), label=f"<<b>{_safe(name)}</b>{small}>", **attributes)
    if "saved" in want:
        for i, s in enumerate(n.saved):
            if s.bytes:
                d.node(
                    f"{_key(n.id)}_s{i}",
                    label=(
                        f"<<font point-size='9'>{_safe(s.slot)}:"
                        f" {shape_text(s.shape)}<br/>{bytes_text(s.bytes)}</font>>"
                    ),
                    shape="cylinder",
                    style="filled",
                    fillcolor="#f6f1e4",
                    color="#b7a77f",
                    margin="0.06,0.02",
                    height="0.2",
                )
