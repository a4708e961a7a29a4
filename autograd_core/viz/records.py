"""What a picture of a graph is made from: plain records, which know no Tensor and no engine.

Every sink (text, DOT, Mermaid, HTML, diff, memory) reads these and nothing else, so a graph can be
recorded in one process, stored as JSON and drawn in another.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any

VERSION = 1

#: The kinds a node can have. "module" is a whole module drawn as one node (see ``fold.collapse``).
KINDS = ("op", "parameter", "input", "constant", "module")


@dataclass(slots=True)
class Stats:
    """The numbers that describe one array. All but the counts are taken over its finite elements.

    ``min``, ``max``, ``mean``, ``std`` and ``norm`` (Euclidean) are ``None`` when no element is finite;
    ``zeros`` is the share of exact zeros (0 to 1); ``nan`` and ``inf`` count elements; ``counts`` is a
    histogram with equal bins from ``low`` to ``high``.
    """

    size: int = 0
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None
    norm: float | None = None
    zeros: float = 0.0
    nan: int = 0
    inf: int = 0
    low: float = 0.0
    high: float = 0.0
    counts: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Saved:
    """One value that a node keeps for backward.

    Slots with the same ``buffer`` share one memory block; the names of parameters' blocks begin with ``p``.
    """

    slot: str
    shape: tuple[int, ...] = ()
    dtype: str = ""
    bytes: int = 0
    buffer: str = ""

    @property
    def borrowed(self) -> bool:
        """Whether this is a parameter's memory."""
        return self.buffer.startswith("p")


@dataclass(slots=True)
class Rule:
    """The gradient rule of one input: as it stands in the op table, and as a formula."""

    input: str
    code: str = ""
    formula: str = ""

    def __str__(self) -> str:
        names = ", ".join(f"d{i}" for i in self.input.split(", "))  # a joint rule gives several gradients
        return f"{names} = {self.formula or self.code}"


@dataclass(slots=True)
class Source:
    """A line of the user's program."""

    file: str
    line: int
    function: str = ""

    def __str__(self) -> str:
        return f"{self.file.replace(chr(92), '/').rsplit('/', 1)[-1]}:{self.line}"


@dataclass(slots=True)
class Node:
    """One recorded application of an op, or one leaf.

    ``id`` is the clock's tick, so ids are in the order of execution; ids below zero are values that
    entered the graph from outside (data, constants). ``parents`` holds one id for each input slot, or
    ``None`` where the input was a plain number (its text is then in ``params``).
    """

    id: int
    op: str
    kind: str = "op"
    shape: tuple[int, ...] = ()
    dtype: str = ""
    parents: tuple[int | None, ...] = ()
    inputs: tuple[str, ...] = ()
    name: str = ""
    params: dict[str, str] = field(default_factory=dict)
    module: str = ""
    source: Source | None = None
    saved: list[Saved] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    formula: str = ""
    scalar: str = ""
    value: Stats | None = None
    grad: Stats | None = None
    bytes: int = 0
    start: float | None = None
    forward: float | None = None
    backward_start: float | None = None
    backward: float | None = None
    requires_grad: bool = False
    output: bool = False
    count: int = 1
    mark: str = ""
    note: str = ""

    @property
    def saved_bytes(self) -> int:
        """Bytes kept for backward: each memory block once, and not the parameters, which are in memory anyway."""
        blocks = {s.buffer or f"#{i}": s.bytes for i, s in enumerate(self.saved) if not s.borrowed}
        return sum(blocks.values())

    @property
    def label(self) -> str:
        """What to call the node in a picture: the name of a leaf, the op otherwise."""
        return self.name or self.op


@dataclass(slots=True)
class Module:
    """One call of a module: its path as in ``named_modules()``, its class, and how many equal calls it stands for.

    A second call of the same module within its parent has the path ``cell#2``.
    """

    path: str
    type: str = ""
    repeat: int = 1
    last: str = ""


@dataclass(slots=True)
class Graph:
    """A recorded graph: nodes in order of execution, module calls, and the source lines they point to."""

    nodes: list[Node] = field(default_factory=list)
    modules: dict[str, Module] = field(default_factory=dict)
    outputs: list[int] = field(default_factory=list)
    sources: dict[str, dict[int, str]] = field(default_factory=dict)
    title: str = ""
    note: str = ""

    def __len__(self) -> int:
        return len(self.nodes)

    def by_id(self) -> dict[int, Node]:
        """Nodes by id."""
        return {n.id: n for n in self.nodes}

    def edges(self) -> Iterator[tuple[int, int, int]]:
        """Every edge as (parent id, child id, input slot); parents that are not in the graph are left out."""
        known = {n.id for n in self.nodes}
        for n in self.nodes:
            for slot, p in enumerate(n.parents):
                if p is not None and p in known:
                    yield p, n.id, slot

    def children(self) -> dict[int, list[int]]:
        """For each node id, the ids of the nodes that read it."""
        out: dict[int, list[int]] = {n.id: [] for n in self.nodes}
        for p, c, _ in self.edges():
            if not out[p] or out[p][-1] != c:
                out[p].append(c)
        return out

    def context(self, source: Source, around: int = 3) -> list[tuple[int, str]]:
        """The recorded source lines around ``source``, as (line number, text)."""
        lines = self.sources.get(source.file, {})
        return [(i, lines[i]) for i in range(source.line - around, source.line + around + 1) if i in lines]

    def totals(self) -> dict[str, float]:
        """Sums for headings: ops, parameters (elements), bytes of values, bytes saved, seconds."""
        blocks: dict[str, int] = {}
        for n in self.nodes:
            for i, s in enumerate(n.saved):
                if not s.borrowed:
                    blocks[s.buffer or f"{n.id}#{i}"] = s.bytes
        size = {n.id: elements(n.shape) for n in self.nodes if n.kind == "parameter"}
        return {
            "ops": sum(n.count for n in self.nodes if n.kind in ("op", "module")),
            "parameters": sum(size.values()),
            "bytes": sum(n.bytes for n in self.nodes if n.kind in ("op", "module")),
            "saved_bytes": sum(blocks.values()),
            "forward": sum(n.forward or 0.0 for n in self.nodes),
            "backward": sum(n.backward or 0.0 for n in self.nodes),
        }

    def to_dict(self) -> dict[str, Any]:
        """The graph as plain lists and dictionaries; fields that hold their default are left out."""
        out: dict[str, Any] = {
            "version": VERSION,
            "title": self.title,
            "note": self.note,
            "outputs": list(self.outputs),
        }
        out["modules"] = [_pack(m) for m in self.modules.values()]
        out["sources"] = {f: {str(i): t for i, t in lines.items()} for f, lines in self.sources.items()}
        out["nodes"] = [_pack(n) for n in self.nodes]
        return out

    @staticmethod
    def from_dict(d: dict[str, Any]) -> Graph:
        """The inverse of :meth:`to_dict`."""
        version = d.get("version") if isinstance(d, dict) else None
        if version != VERSION:
            raise ValueError(
                f"viz: these records have version {version!r}; this release reads version {VERSION}. "
                "Record the graph again with this release."
            )
        modules = [Module(**m) for m in d["modules"]]
        return Graph(
            nodes=[_unpack_node(n) for n in d["nodes"]],
            modules={m.path: m for m in modules},
            outputs=list(d["outputs"]),
            sources={f: {int(i): t for i, t in lines.items()} for f, lines in d["sources"].items()},
            title=d["title"],
            note=d["note"],
        )

    def to_json(self) -> str:
        """The graph as JSON text (strict: no NaN literals)."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> Graph:
        """Read what :meth:`to_json` wrote."""
        try:
            d = json.loads(text)
        except json.JSONDecodeError as e:
            raise ValueError(
                f"viz: this is not a recorded graph: {e}. Give the text that Graph.to_json() wrote."
            ) from None
        return Graph.from_dict(d)

    def _repr_html_(self) -> str:
        from .html import frame

        return frame(self)

    def __str__(self) -> str:
        from .text import text

        return text(self)

    def __repr__(self) -> str:
        return f"<viz.Graph {self.title!r}: {len(self.nodes)} nodes, {len(self.modules)} module calls>"


def elements(shape: Iterable[int]) -> int:
    """The number of elements of an array of this shape."""
    n = 1
    for s in shape:
        n *= s
    return n


def _defaults(cls: Any) -> dict[str, Any]:
    blank = cls(id=0, op="") if cls is Node else cls("", 0) if cls is Source else cls() if cls is Stats else cls("")
    return {f.name: getattr(blank, f.name) for f in fields(cls)}


_DEFAULTS = {cls: _defaults(cls) for cls in (Stats, Saved, Rule, Source, Node, Module)}
_ALWAYS = {"id", "op", "slot", "input", "file", "line", "path"}


def _pack(record: Any) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, default in _DEFAULTS[type(record)].items():
        v = getattr(record, name)
        if v == default and name not in _ALWAYS:
            continue
        if type(v) in _DEFAULTS:
            v = _pack(v)
        elif isinstance(v, list) and v and type(v[0]) in _DEFAULTS:
            v = [_pack(x) for x in v]
        elif isinstance(v, tuple):
            v = list(v)
        out[name] = v
    return out


def _unpack_node(d: dict[str, Any]) -> Node:
    d = dict(d)
    for name in ("shape", "parents", "inputs"):
        if name in d:
            d[name] = tuple(d[name])
    if "source" in d:
        d["source"] = Source(**d["source"])
    for name in ("value", "grad"):
        if name in d:
            d[name] = Stats(**d[name])
    if "saved" in d:
        d["saved"] = [Saved(**{**s, "shape": tuple(s.get("shape", ()))}) for s in d["saved"]]
    if "rules" in d:
        d["rules"] = [Rule(**r) for r in d["rules"]]
    return Node(**d)
