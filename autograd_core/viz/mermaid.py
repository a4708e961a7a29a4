"""A graph as a Mermaid flowchart, for Markdown."""

from __future__ import annotations

from typing import Any

from . import fold
from .records import Graph, Node
from .words import COLOURS, family, shape_text


def mermaid(
    graph: Any, *, depth: int | None = None, fold_repeats: bool = False, parameters: bool = True, direction: str = "TD"
) -> str:
    """Write a graph as a Mermaid flowchart: the text for a ```` ```mermaid ```` block.

    Parameters
    ----------
    graph : a tensor, several tensors, a recording or a :class:`Graph`.
    depth, fold_repeats, parameters : as in :func:`dot`.
    direction : ``"TD"`` or ``"LR"``.

    Returns
    -------
    str
    """
    from .walk import to_graph

    g = to_graph(graph, "viz.mermaid")
    if direction not in ("TD", "TB", "LR"):
        raise ValueError(f"viz.mermaid: direction must be 'TD' or 'LR', got {direction!r}")
    g = fold.fold_repeats(g) if fold_repeats else g
    g = fold.collapse(g, depth) if depth is not None else g
    g = g if parameters else fold.hide(g, ("parameter",))
    lines = [f"flowchart {direction}"]
    of = fold.chains(g)
    order: dict[str, int] = {}
    tree: dict[str, list[Node | str]] = {"": []}
    for n in g.nodes:
        c = of(n.module)
        for outer, path in zip(("", *c), c, strict=False):
            if path not in order:
                order[path] = len(order)
                tree[path] = []
                tree[outer].append(path)
        tree[c[-1] if c else ""].append(n)
    _write(lines, g, tree, "", order, "  ")
    known = g.by_id()
    seen: set[tuple[int, int]] = set()
    for p, c_, _ in g.edges():
        if (p, c_) not in seen:
            seen.add((p, c_))
            parent = known[p]
            label = f"|{shape_text(parent.shape)}|" if parent.kind in ("op", "module") and parent.shape else ""
            lines.append(f"  {_key(p)} -->{label} {_key(c_)}")
    used: dict[str, list[str]] = {}
    for n in g.nodes:
        used.setdefault(_style(n), []).append(_key(n.id))
    for style, keys in used.items():
        fill, border = {
            "parameter": ("#fff3cf", "#c79a1b"),
            "input": ("#dff5e1", "#3b9a48"),
            "constant": ("#ffffff", "#9aa3b2"),
            "module": ("#e3e9f3", "#5c6b84"),
            "culprit": ("#ffd9d9", "#d11a2a"),
        }.get(style) or COLOURS[style]
        lines.append(f"  classDef {style}_ fill:{fill},stroke:{border},color:#1d2433")
        lines.append(f"  class {','.join(keys)} {style}_")
    return "\n".join(lines) + "\n"


def _write(
    lines: list[str], g: Graph, tree: dict[str, list[Node | str]], path: str, order: dict[str, int], indent: str
) -> None:
    for item in tree[path]:
        if isinstance(item, str):
            call = g.modules[item]
            times = f" × {call.repeat}" if call.repeat > 1 else ""
            lines.append(f'{indent}subgraph m{order[item]}["{_safe(call.type)}{times} · {_safe(item)}"]')
            _write(lines, g, tree, item, order, indent + "  ")
            lines.append(f"{indent}end")
        else:
            left, right = {"parameter": ("([", "])"), "input": ("[/", "/]"), "module": ("[[", "]]")}.get(
                item.kind, ("[", "]")
            )
            more = "" if item.kind == "op" and not item.output else f"<br/>{shape_text(item.shape)}"
            note = f"<br/>{_safe(item.note)}" if item.note else ""
            lines.append(f'{indent}{_key(item.id)}{left}"{_safe(item.label)}{more}{note}"{right}')


def _style(n: Node) -> str:
    if n.mark in ("culprit", "error"):
        return "culprit"
    return family(n.op) if n.kind == "op" else n.kind


def _key(i: int) -> str:
    return f"n{i}" if i >= 0 else f"i{-i}"


def _safe(text: str) -> str:
    """Text inside Mermaid's double quotes, where ``#`` starts a character code."""
    return "".join(_CODES.get(c, c) if c.isprintable() else " " for c in text)


_CODES = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;", "&": "#amp;"}
