"""Two graphs side by side: aligned by structure, and where they first differ in structure or in numbers."""

from __future__ import annotations

import math
import os
from collections.abc import Hashable
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any

from .records import Graph, Node, Stats
from .text import text as list_text
from .words import dtype_shape, number, plural


@dataclass(slots=True)
class Difference:
    """One place where two graphs differ: ``kind`` is added, removed, changed or numbers."""

    kind: str
    text: str
    a: int | None = None
    b: int | None = None


class Diff:
    """What :func:`diff` found. True when there is any difference.

    Attributes
    ----------
    differences : list of Difference, in order of execution
    merged : Graph
        Both graphs in one, with the differing nodes marked: what ``dot`` and ``html`` draw.
    """

    def __init__(self, a: Graph, b: Graph, rtol: float, atol: float) -> None:
        self.a, self.b, self.rtol, self.atol = a, b, rtol, atol
        self.differences: list[Difference] = []
        self._values: list[Difference] = []
        self._grads: list[Difference] = []
        self.merged = self._merge()

    def __bool__(self) -> bool:
        return bool(self.differences)

    @property
    def first_structure(self) -> Difference | None:
        """The first difference in structure."""
        return next((d for d in self.differences if d.kind != "numbers"), None)

    @property
    def first_numbers(self) -> Difference | None:
        """The first place where the recorded numbers differ by more than the tolerance."""
        return next((d for d in self.differences if d.kind == "numbers"), None)

    def summary(self) -> str:
        """What differs, in a few sentences."""
        structure, numbers = self.first_structure, self.first_numbers
        out = []
        if structure is None:
            out.append(f"Same structure: {plural(len(self.b.nodes), 'node')}.")
        else:
            out.append(f"The structure first differs here: {structure.text}.")
        compared = sum(x.value is not None and y.value is not None for x, y in self.pairs)
        if numbers is not None:
            out.append(
                f"The numbers first differ here (beyond rtol={self.rtol:g}, atol={self.atol:g}): {numbers.text}."
            )
        elif compared:
            out.append(f"The numbers of {plural(compared, 'node')} agree (rtol={self.rtol:g}, atol={self.atol:g}).")
        else:
            out.append("No numbers to compare: record both with stats=True.")
        return "\n".join(out)

    def text(self, limit: int = 40) -> str:
        """The summary and the differing nodes, one a line."""
        signs = {"added": "+", "removed": "-", "changed": "!", "numbers": "~"}
        lines = [self.summary()]
        if self.differences:
            lines.append("")
            lines += [f"{signs[d.kind]} {d.text}" for d in self.differences[:limit]]
            if len(self.differences) > limit:
                lines.append(f"… and {len(self.differences) - limit} more")
        return "\n".join(lines)

    def listing(self) -> str:
        """Both graphs as one listing with the differing lines marked."""
        return list_text(self.merged)

    def dot(self, **options: Any) -> Any:
        """The merged graph drawn with Graphviz; see :func:`viz.dot`."""
        from .dot import dot

        return dot(self.merged, **options)

    def html(self, path: str | os.PathLike[str] | None = None) -> Any:
        """The merged graph as a page; see :func:`viz.html`."""
        from .html import html

        return html(self.merged, path)

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return self.merged._repr_html_()

    # ------------------------------------------------------------------------------------------- how it is found

    def _merge(self) -> Graph:
        a, b = self.a.nodes, self.b.nodes
        shift = 1 + max([n.id for n in (*a, *b)], default=0) + max([-n.id for n in (*a, *b)], default=0)
        same: dict[int, int] = {}
        self.pairs: list[tuple[Node, Node]] = []
        steps: list[tuple[Node | None, Node | None]] = []
        for i, j in _align([_key(n, self.a) for n in a], [_key(n, self.b) for n in b]):
            x, y = (a[i] if i is not None else None), (b[j] if j is not None else None)
            steps.append((x, y))
            if x is not None and y is not None:
                same[x.id] = y.id
                self.pairs.append((x, y))
        nodes = []
        for x, y in steps:
            if y is None and x is not None:
                parents = tuple(None if p is None else same.get(p, p + shift) for p in x.parents)
                text = f"only in the first: {_name(x)}"
                self.differences.append(Difference("removed", text, x.id, None))
                nodes.append(
                    replace(x, id=x.id + shift, parents=parents, mark="removed", note="only in the first", output=False)
                )
            elif x is None and y is not None:
                self.differences.append(Difference("added", f"only in the second: {_name(y)}", None, y.id))
                nodes.append(replace(y, mark="added", note="only in the second"))
            elif x is not None and y is not None:
                nodes.append(self._compare(x, y, same))
        self.differences += [*self._values, *reversed(self._grads)]  # the order they arose in
        merged = replace(
            self.b,
            nodes=nodes,
            modules={**self.a.modules, **self.b.modules},
            sources={**self.a.sources, **self.b.sources},
            title=f"{self.a.title} → {self.b.title}",
        )
        merged.note = self.summary().replace("\n", " ")
        return merged

    def _compare(self, x: Node, y: Node, same: dict[int, int]) -> Node:
        if (x.shape, x.dtype) != (y.shape, y.dtype):
            what = f"{dtype_shape(x.dtype, x.shape)} became {dtype_shape(y.dtype, y.shape)}"
        elif x.params != y.params:
            what = ", ".join(
                f"{k}={x.params.get(k, '–')} became {k}={y.params.get(k, '–')}"
                for k in {**x.params, **y.params}
                if x.params.get(k) != y.params.get(k)
            )
        elif tuple(None if p is None else same.get(p) for p in x.parents) != y.parents:
            what = "reads other values"
        else:
            notes = []
            for title, s, t, found in (
                ("value", x.value, y.value, self._values),
                ("gradient", x.grad, y.grad, self._grads),
            ):
                if s is not None and t is not None and (what := self._numbers(s, t)):
                    found.append(Difference("numbers", f"{_name(y)}: {title} {what}", x.id, y.id))
                    notes.append(f"{title} {what}")
            if notes:
                return replace(y, mark="numbers", note="; ".join(notes))
            return y
        self.differences.append(Difference("changed", f"{_name(y)}: {what}", x.id, y.id))
        return replace(y, mark="numbers", note=what)

    def _numbers(self, s: Stats, t: Stats) -> str:
        if (s.nan, s.inf) != (t.nan, t.inf):
            return f"{s.nan} NaN and {s.inf} infinite became {t.nan} and {t.inf}"
        scale = max((abs(v) for v in (s.min, s.max, t.min, t.max) if v is not None), default=0.0)
        for what in ("mean", "std", "min", "max", "norm"):
            p, q = getattr(s, what), getattr(t, what)
            if (
                p is not None
                and q is not None
                and abs(p - q) > self.atol + self.rtol * max(abs(p), abs(q), scale if what == "mean" else 0.0)
            ):
                return f"{what} {number(p)} became {number(q)}" + (
                    f" (by {abs(p - q):.2g})" if math.isclose(p, q, rel_tol=1e-3) else ""
                )
        return ""


def diff(a: Any, b: Any, *, rtol: float = 1e-5, atol: float = 1e-8) -> Diff:
    """Compare two graphs: two runs, two seeds, two versions of a model.

    Parameters
    ----------
    a, b : tensors, recordings or :class:`Graph`.
    rtol, atol : numbers closer than ``atol + rtol * size`` count as equal. What is compared are the recorded statistics
        (mean, spread, extremes, norm, NaN counts) of values and gradients; record with ``stats=True`` to have them.

    Returns
    -------
    Diff
        Prints as text; ``.dot()`` and ``.html(path)`` draw it.

    Examples
    --------
    >>> print(viz.diff(before, after))                                        # doctest: +SKIP
    """
    from .walk import to_graph

    return Diff(to_graph(a, "viz.diff"), to_graph(b, "viz.diff"), rtol, atol)


def _key(n: Node, graph: Graph) -> Hashable:
    """What makes two nodes the same place: op and class of module, so that a layer that moved still matches."""
    around = graph.modules.get(n.module)
    name = n.name.rpartition(".")[2] if n.kind == "parameter" else ""
    return (n.kind, n.op, around.type if around is not None else n.module, name)


def _name(n: Node) -> str:
    where = f" at {n.source}" if n.source is not None else ""
    return f"{n.label} %{n.id}" + (f" in {n.module}" if n.module and n.kind != "parameter" else "") + where


def _align(a: list[Hashable], b: list[Hashable]) -> list[tuple[int | None, int | None]]:
    """Pairs of equal keys in order, the rest alone; what begins and ends alike is taken off first."""
    head = 0
    while head < min(len(a), len(b)) and a[head] == b[head]:
        head += 1
    tail = 0
    while tail < min(len(a), len(b)) - head and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    out: list[tuple[int | None, int | None]] = [(i, i) for i in range(head)]
    x, y = a[head : len(a) - tail], b[head : len(b) - tail]
    for kind, i0, i1, j0, j1 in SequenceMatcher(None, x, y, autojunk=len(x) * len(y) > 4_000_000).get_opcodes():
        if kind == "equal":
            out += [(head + i, head + j) for i, j in zip(range(i0, i1), range(j0, j1), strict=True)]
        else:
            out += [(head + i, None) for i in range(i0, i1)] + [(None, head + j) for j in range(j0, j1)]
    return out + [(len(a) - tail + k, len(b) - tail + k) for k in range(tail)]
