"""A graph as one HTML file that needs nothing else: no network, no server, no library."""

from __future__ import annotations

import html as markup
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from . import fold
from .records import Graph, Source, Stats
from .text import heading
from .words import FAMILIES, family, shape_text, write_file

_PAGE = Path(__file__).parent / "page"
_SCRIPTS = ("graph.js", "layout.js", "colours.js", "scene.js", "panel.js", "main.js")
_KINDS = {"op": 0, "parameter": 1, "input": 2, "constant": 3, "module": 4}


def html(
    graph: Any, path: str | os.PathLike[str] | None = None, *, fold_repeats: bool = False, model: Any = None
) -> Any:
    """Draw a graph as one self-contained HTML page.

    Parameters
    ----------
    graph : a tensor, several tensors, a recording or a :class:`Graph`.
    path : where to write the page; an existing file is replaced only when the new one is complete. Without it the
        page's text is returned.
    fold_repeats : draw runs of equal modules once, as "Block × 12".
    model : an ``nn.Module`` whose parameters give the leaves their names.

    Returns
    -------
    pathlib.Path or str
        The path written to, or the page.

    Raises
    ------
    OSError
        When the file cannot be written; the sentence says where and why.

    Examples
    --------
    >>> viz.html(loss, "graph.html")                                          # doctest: +SKIP
    """
    from .walk import to_graph

    g = to_graph(graph, "viz.html", model=model)
    text = page(fold.fold_repeats(g) if fold_repeats else g)
    return text if path is None else write_file(path, text, "viz.html")


def page(g: Graph) -> str:
    """The page for a graph, as text."""
    parts = {
        "@TITLE@": markup.escape(g.title or "Graph"),
        "@CSS@": _read("page.css"),
        "@JS@": '"use strict";\n(() => {\n' + "\n".join(_read(s) for s in _SCRIPTS) + "\n})();",
        "@DATA@": _json(payload(g)),
    }
    head, _, rest = _read("page.html").partition("@TITLE@")
    out = [head, parts["@TITLE@"]]
    for mark in ("@CSS@", "@DATA@", "@JS@"):  # in the template's order, so that data is never searched for marks
        before, _, rest = rest.partition(mark)
        out += [before, parts[mark]]
    return "".join([*out, rest])


def frame(g: Graph, height: int = 560) -> str:
    """The page inside an ``iframe`` for a notebook."""
    return (
        f'<iframe title="{markup.escape(g.title or "computation graph", quote=True)}"'
        f' style="width:100%;height:{height}px;border:1px solid #8884;border-radius:8px" sandbox="allow-scripts"'
        f' srcdoc="{markup.escape(page(g), quote=True)}"></iframe>'
    )


def _read(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")


def _json(data: Any) -> str:
    """JSON that is safe inside a script element: no ``<``, ``>``, ``&`` and no line separators."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for c in "<>&\u2028\u2029":
        text = text.replace(c, f"\\u{ord(c):04x}")
    return text


class _Table:
    """Values stored once and called by their index."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self._index: dict[Any, int] = {}

    def __call__(self, key: Any, row: Callable[[], Any] | None = None) -> int:
        i = self._index.get(key)
        if i is None:
            i = self._index[key] = len(self.rows)
            self.rows.append(key if row is None else row())
        return i


def payload(g: Graph) -> dict[str, Any]:
    """What the page reads: columns of numbers into tables of texts, so that 50,000 nodes stay small."""
    s, infos, sources, files = _Table(), _Table(), _Table(), _Table()
    of = fold.chains(g)
    module_index = {path: i for i, path in enumerate(g.modules)}
    index = {n.id: i for i, n in enumerate(g.nodes)}
    modules = []
    for m in g.modules.values():
        around = of(m.path)[:-1]
        modules.append([s(m.path), s(m.type), module_index[around[-1]] if around else -1, m.repeat, s(m.last)])
    columns: dict[str, list[Any]] = {
        name: []
        for name in [
            "id",
            "op",
            "kind",
            "name",
            "shape",
            "dtype",
            "module",
            "parents",
            "inputs",
            "params",
            "family",
            "info",
            "source",
            "saved",
            "savedBytes",
            "bytes",
            "forward",
            "backward",
            "value",
            "grad",
            "flags",
            "mark",
            "remark",
            "count",
        ]
    }

    def lines(file: str) -> dict[str, Any]:
        return {"name": file, "lines": {str(i): t for i, t in g.sources.get(file, {}).items()}}

    def place(src: Source) -> list[Any]:
        return [files(src.file, partial(lines, src.file)), src.line, src.function]

    for n in g.nodes:
        chain = of(n.module)
        rules = tuple((r.input, r.code, r.formula) for r in n.rules)
        info = (n.formula, n.scalar, rules)
        src = n.source
        row = {
            "id": n.id,
            "op": s(n.op),
            "kind": _KINDS.get(n.kind, 0),
            "name": s(n.name),
            "shape": s(shape_text(n.shape)),
            "dtype": s(n.dtype),
            "module": module_index[chain[-1]] if chain else -1,
            "parents": [-1 if p is None else index.get(p, -1) for p in n.parents],
            "inputs": s(",".join(n.inputs)),
            "params": s(", ".join(f"{k} = {v}" for k, v in n.params.items())),
            "family": s(family(n.op)),
            "info": infos(info, partial(_info, info)) if any(info) else -1,
            "source": -1 if src is None else sources((src.file, src.line, src.function), partial(place, src)),
            "saved": (
                [
                    [x.slot, shape_text(x.shape), x.dtype, x.bytes, x.buffer or f"{n.id}.{i}"]
                    for i, x in enumerate(n.saved)
                ]
                or 0
            ),
            "savedBytes": n.saved_bytes,
            "bytes": n.bytes,
            "forward": n.forward,
            "backward": n.backward,
            "value": _numbers(n.value),
            "grad": _numbers(n.grad),
            "flags": n.requires_grad + 2 * n.output,
            "mark": s(n.mark),
            "remark": s(n.note),
            "count": n.count,
        }
        for name, cell in row.items():
            columns[name].append(cell)
    bad, origins = trouble(g)
    for i, n in enumerate(g.nodes):
        columns["flags"][i] += 4 * (n.id in bad) + 8 * (n.id in origins)
    used = {family(n.op) for n in g.nodes if n.kind == "op"}
    has = {
        "forward": any(n.forward for n in g.nodes),
        "backward": any(n.backward for n in g.nodes),
        "bytes": any(n.bytes for n in g.nodes),
        "saved": any(n.saved for n in g.nodes),
        "grad": any(n.grad for n in g.nodes),
        "nan": any(n.value or n.grad or n.mark for n in g.nodes),
        "trouble": bool(origins) or any(n.grad and n.grad.nan + n.grad.inf for n in g.nodes),
    }
    return {
        "title": g.title,
        "note": g.note,
        "heading": heading(g).partition(": ")[2].split("\n")[0],
        "strings": s.rows,
        "infos": infos.rows,
        "sources": sources.rows,
        "files": files.rows,
        "modules": modules,
        "families": [f for f in FAMILIES if f in used],
        "has": has,
        **columns,
    }


def _info(info: tuple[str, str, Any]) -> dict[str, Any]:
    return {"formula": info[0], "scalar": info[1], "rules": info[2]}


def trouble(g: Graph) -> tuple[set[int], set[int]]:
    """The nodes whose values hold NaN or infinity that nobody asked for, and those where it began.

    An infinity that was given as a number (a mask's ``-inf``) is meant, and so is what only passes it on.
    """
    bad: set[int] = set()
    origins = {n.id for n in g.nodes if n.mark in ("culprit", "error")}
    meant: set[int] = set()
    by_id = g.by_id()
    for n in g.nodes:
        v = n.value
        if v is None or not v.nan + v.inf:
            continue
        parents = [by_id[p] for p in n.parents if p is not None and p in by_id]
        infinite = [p.id for p in parents if p.value is not None and p.value.inf]
        if not v.nan and (any("inf" in t for t in n.params.values()) or infinite) and all(i in meant for i in infinite):
            meant.add(n.id)
            continue
        bad.add(n.id)
        if not any(p.id in bad for p in parents):
            origins.add(n.id)
    return bad, origins


def _numbers(x: Stats | None) -> list[Any] | int:
    if x is None:
        return 0
    return [
        _short(x.min),
        _short(x.max),
        _short(x.mean),
        _short(x.std),
        _short(x.norm),
        _short(x.zeros),
        x.nan,
        x.inf,
        _short(x.low),
        _short(x.high),
        x.counts,
        x.size,
    ]


def _short(x: float | None) -> float | None:
    return None if x is None else float(f"{x:.5g}")
