"""A graph as text: one line for each op, like a small program."""

from __future__ import annotations

from typing import Any

from . import fold
from .records import Graph, Node
from .words import bytes_text, dtype_shape, number, plural, seconds_text

SHOW = ("values", "grads", "time", "bytes", "rules", "lines")


def parse_show(show: str, allowed: tuple[str, ...] = SHOW) -> set[str]:
    """The words of ``show="values,grads"``; an unknown word is an error that lists the known ones."""
    words = {w.strip() for w in show.split(",") if w.strip()}
    if unknown := sorted(words - set(allowed)):
        raise ValueError(f"viz: show has {', '.join(map(repr, unknown))}; it can have {', '.join(allowed)}")
    return words


def references(graph: Graph) -> dict[int, str]:
    """How each node is called in text: a leaf by its name, anything else by its id."""
    out: dict[int, str] = {}
    taken: set[str] = set()
    for n in graph.nodes:
        if n.kind in ("parameter", "input", "constant") and n.name and n.name not in taken:
            taken.add(n.name)
            out[n.id] = n.name
        else:
            out[n.id] = f"%{n.id}"
    return out


def call_text(n: Node, names: dict[int, str]) -> str:
    """The node as a call: ``linear(x, fc.weight, fc.bias)``."""
    args = []
    for slot, p in enumerate(n.parents):
        name = n.inputs[slot] if slot < len(n.inputs) else ""
        if p is not None and p in names:
            args.append(names[p])
        elif name in n.params:
            args.append(n.params[name])
        else:
            args.append("·")
    args += [f"{k}={v}" for k, v in n.params.items() if k not in n.inputs]
    return f"{n.op}({', '.join(args)})"


def text(graph: Any, *, show: str = "bytes,lines", depth: int | None = None, fold_repeats: bool = False) -> str:
    """List a graph as text, one line an op.

    Parameters
    ----------
    graph : a tensor, several tensors, a recording or a :class:`Graph`.
    show : what to print beside op, inputs and shape, separated by commas: ``values``, ``grads``, ``time``,
        ``bytes``, ``rules``, ``lines``. What was not recorded is left out.
    depth : draw modules nested deeper than this as one line.
    fold_repeats : print runs of equal modules once.

    Returns
    -------
    str

    Examples
    --------
    >>> print(viz.text((x * w).sum()))                                        # doctest: +SKIP
    """
    from .walk import to_graph

    g = to_graph(graph, "viz.text")
    want = parse_show(show)
    head = heading(g)
    if fold_repeats:
        g = fold.fold_repeats(g)
    if depth is not None:
        g = fold.collapse(g, depth)
    names = references(g)
    of = fold.chains(g)
    rows: list[tuple[str, str, list[str] | None]] = []
    before: tuple[str, ...] = ()
    for n in g.nodes:
        here = of(n.module)
        same = 0
        while same < min(len(before), len(here)) and before[same] == here[same]:
            same += 1
        for level in range(same, len(here)):
            call = g.modules[here[level]]
            times = f" × {call.repeat} (to {call.last})" if call.repeat > 1 else ""
            rows.append(("  " * level + f"# {call.path}: {call.type}{times}", "", None))
        before = here
        rows.append(_row(n, names, want, "  " * len(here)))
        if "rules" in want:
            rows += [("  " * len(here) + f"      {r}", "", None) for r in n.rules if r.code]
        if n.note:
            rows.append(("  " * len(here) + f"      ^ {n.note}", "", None))
    width = min(max((len(a) for a, _, more in rows if more is not None), default=0), 76)
    wide = max((len(b) for _, b, _ in rows), default=0)
    lines = [a if more is None else f"{a:<{width}}  {b:<{wide}}  {'  '.join(more)}".rstrip() for a, b, more in rows]
    return "\n".join([head, "", *lines])


def _row(n: Node, names: dict[int, str], want: set[str], indent: str) -> tuple[str, str, list[str]]:
    ref = names[n.id]
    if n.kind == "module":
        inputs = ", ".join(names[p] for p in n.parents if p is not None and p in names)
        left = f"{ref} = {n.name}: {n.op}({inputs})"
    elif n.kind == "op":
        left = f"{ref} = {call_text(n, names)}"
    else:
        left = f"{ref} = {n.kind}"
    mark = {"": "", "culprit": "!! ", "error": "!! ", "added": "+ ", "removed": "- ", "numbers": "~ "}.get(
        n.mark, f"{n.mark} "
    )
    more = []
    if n.output:
        more.append("<- output")
    if n.count > 1:
        more.append(plural(n.count, "op"))
    if "bytes" in want and n.saved_bytes:
        slots = ", ".join(s.slot for s in n.saved if s.bytes and not s.borrowed) if n.kind == "op" else ""
        more.append(f"keeps {slots + ' ' if slots else ''}{bytes_text(n.saved_bytes)}")
    if "time" in want and (n.forward is not None or n.backward is not None):
        more.append(" / ".join(filter(None, (seconds_text(n.forward), seconds_text(n.backward)))))
    for word, title, s in (("values", "value", n.value), ("grads", "grad", n.grad)):
        if word in want and s is not None:
            bad = "".join(f" {k} {w}" for k, w in ((s.nan, "NaN"), (s.inf, "inf")) if k)
            more.append(f"{title} {number(s.min)}..{number(s.max)} mean {number(s.mean)} std {number(s.std)}{bad}")
    if "lines" in want and n.source is not None and n.kind != "parameter":
        more.append(str(n.source))
    return indent + mark + left, dtype_shape(n.dtype, n.shape), more


def heading(g: Graph) -> str:
    """One line that says what the graph is."""
    t = g.totals()
    parts = [plural(int(t["ops"]), "op")]
    count = sum(n.kind == "parameter" for n in g.nodes)
    if count:
        parts.append(f"{plural(count, 'parameter')} ({int(t['parameters']):,} elements)")
    if t["saved_bytes"]:
        parts.append(f"{bytes_text(t['saved_bytes'])} kept for backward")
    if t["forward"]:
        parts.append(
            f"forward {seconds_text(t['forward'])}"
            + (f", backward {seconds_text(t['backward'])}" if t["backward"] else "")
        )
    return f"{g.title or 'graph'}: " + ", ".join(parts) + (f"\n{g.note}" if g.note else "")
