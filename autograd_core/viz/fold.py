"""Make a graph smaller before it is drawn: modules as single nodes, equal blocks as one, leaves left out.

Each function takes a :class:`~autograd_core.viz.records.Graph` and gives a new one; the old one is not changed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace

from .records import Graph, Module, Node, Saved


def chain(graph: Graph, path: str) -> tuple[str, ...]:
    """The module calls around a path, outermost first: the prefixes of ``path`` that are calls in ``graph``."""
    out: list[str] = []
    at = -1
    while path and at != len(path):
        at = path.find(".", at + 1)
        at = len(path) if at < 0 else at
        if path[:at] in graph.modules:
            out.append(path[:at])
    return tuple(out)


def chains(graph: Graph) -> Callable[[str], tuple[str, ...]]:
    """:func:`chain` for one graph, remembered by path."""
    known: dict[str, tuple[str, ...]] = {}

    def of(path: str) -> tuple[str, ...]:
        c = known.get(path)
        if c is None:
            c = known[path] = chain(graph, path)
        return c

    return of


def hide(graph: Graph, kinds: tuple[str, ...]) -> Graph:
    """Leave out the nodes of these kinds (``"parameter"``, ``"input"``, ``"constant"``)."""
    kept = [n for n in graph.nodes if n.kind not in kinds]
    ids = {n.id for n in kept}
    nodes = [replace(n, parents=tuple(p if p in ids else None for p in n.parents)) for n in kept]
    return replace(graph, nodes=nodes)


def ancestors(graph: Graph, *targets: int) -> Graph:
    """Only the nodes that the given nodes were computed from (and those nodes themselves)."""
    by_id = graph.by_id()
    todo, seen = list(targets), set()
    while todo:
        i = todo.pop()
        if i not in seen and i in by_id:
            seen.add(i)
            todo.extend(p for p in by_id[i].parents if p is not None)
    return replace(
        graph, nodes=[n for n in graph.nodes if n.id in seen], outputs=[i for i in graph.outputs if i in seen]
    )


def collapse(graph: Graph, depth: int) -> Graph:
    """Draw every module call deeper than ``depth`` levels as one node: ``depth=1`` keeps the outermost modules only.

    The node of a module sums the time, bytes and saved values of what it stands for, and keeps its ops' count.
    """
    if depth < 0:
        raise ValueError(f"viz: depth must be 0 or more, got {depth}")
    of = chains(graph)
    into: dict[int, str] = {}
    for n in graph.nodes:
        c = of(n.module)
        if len(c) > depth:
            into[n.id] = c[depth]
    if not into:
        return graph
    last = {path: i for i, path in into.items()}  # a module's node takes the id of its last node: still in order
    by_id = graph.by_id()
    for path in last:
        ops = [i for i, p in into.items() if p == path and by_id[i].kind == "op"]
        last[path] = ops[-1] if ops else last[path]
    target = {i: last[path] for i, path in into.items()}
    nodes: dict[int, Node] = {}
    blocks: dict[int, dict[str, Saved]] = {}
    for n in graph.nodes:
        if n.id not in into:
            parents = tuple(None if p is None else target.get(p, p) for p in n.parents)
            nodes[n.id] = replace(n, parents=parents)
            continue
        path, key = into[n.id], target[n.id]
        m = nodes.get(key)
        if m is None:
            call = graph.modules[path]
            m = nodes[key] = Node(
                id=key, op=call.type or path, kind="module", name=path, count=0, module=_parent(of(path))
            )
            blocks[key] = {}
        inside = [p for p in n.parents if p is not None and target.get(p, p) != key]
        m.parents += tuple(q for q in dict.fromkeys(target.get(p, p) for p in inside) if q not in m.parents)
        m.count += n.kind == "op"
        m.bytes += n.bytes if n.kind == "op" else 0
        for what in ("forward", "backward"):
            if getattr(n, what) is not None:
                setattr(m, what, (getattr(m, what) or 0.0) + getattr(n, what))
        blocks[key].update({s.buffer or f"{n.id}#{i}": s for i, s in enumerate(n.saved)})
        m.requires_grad |= n.requires_grad
        m.output |= n.output
        m.mark, m.note = m.mark or n.mark, m.note or n.note
        if n.kind == "op":
            m.shape, m.dtype, m.value, m.source = n.shape, n.dtype, n.value, m.source or n.source
            m.grad = n.grad or m.grad
    for key, saved in blocks.items():
        nodes[key].saved = list(saved.values())
        nodes[key].inputs = ("",) * len(nodes[key].parents)
    kept = {p: m for p, m in graph.modules.items() if len(of(p)) <= depth}
    order = {n.id: i for i, n in enumerate(graph.nodes)}
    ordered = sorted(nodes.values(), key=lambda n: order[n.id])
    outputs = list(dict.fromkeys(target.get(i, i) for i in graph.outputs))
    return replace(graph, nodes=ordered, modules=kept, outputs=outputs)


def _parent(c: tuple[str, ...]) -> str:
    return c[-2] if len(c) > 1 else ""


def fold_repeats(graph: Graph) -> Graph:
    """Draw runs of equal neighbouring modules once: twelve blocks become one that says "Block × 12".

    Modules are equal when they have the same class and the same ops, shapes and wiring inside; they are
    neighbours when their parent runs no op of its own between them.
    """
    of = chains(graph)
    members: dict[str, list[Node]] = {}
    inside: dict[str, list[str]] = {"": []}
    for n in graph.nodes:
        for c in of(n.module):
            members.setdefault(c, []).append(n)
    for path in sorted(members, key=lambda p: (_first_op(members[p]), len(p))):
        inside.setdefault(_parent(of(path)), []).append(path)
    signatures = {p: _signature(graph, p, members[p]) for p in members}
    positions = {n.id: i for i, n in enumerate(graph.nodes)}

    same: dict[int, int] = {}  # a dropped node -> the node of the block that stands for it
    dropped: set[str] = set()
    repeat: dict[str, Module] = {}
    todo = [""]
    while todo:
        parent = todo.pop()
        paths = inside.get(parent, [])
        run: list[str] = []
        for path in [*paths, ""]:
            if (
                run
                and path
                and signatures[path] == signatures[run[0]]
                and _adjacent(graph, positions, members, run[-1], path)
            ):
                run.append(path)
                continue
            if run:
                todo.append(run[0])
                if len(run) > 1:
                    call = graph.modules[run[0]]
                    repeat[run[0]] = replace(call, repeat=call.repeat * len(run), last=run[-1])
                    for other in run[1:]:
                        dropped.add(other)
                        same.update((b.id, a.id) for a, b in zip(members[run[0]], members[other], strict=True))
            run = [path]
    if not dropped:
        return graph

    def target(i: int) -> int:
        while i in same:
            i = same[i]
        return i

    nodes = []
    for n in graph.nodes:
        if n.id not in same:
            parents = tuple(None if p is None else q if (q := target(p)) == p or q < n.id else None for p in n.parents)
            nodes.append(replace(n, parents=parents))
    had = {p for n in graph.nodes for p in n.parents}
    read = {p for n in nodes for p in n.parents}
    nodes = [n for n in nodes if n.kind not in ("input", "constant", "parameter") or n.id in read or n.id not in had]
    gone = {p for p in graph.modules if dropped.intersection(of(p))}
    modules = {p: repeat.get(p, m) for p, m in graph.modules.items() if p not in gone}
    return replace(graph, nodes=nodes, modules=modules, outputs=list(dict.fromkeys(map(target, graph.outputs))))


def _first_op(nodes: list[Node]) -> int:
    return next((n.id for n in nodes if n.kind not in ("parameter", "input", "constant")), nodes[0].id)


def _signature(graph: Graph, path: str, nodes: list[Node]) -> Hashable:
    index = {n.id: i for i, n in enumerate(nodes)}
    cut = len(path)
    return (
        graph.modules[path].type,
        tuple(
            (
                n.op,
                n.kind,
                n.shape,
                n.dtype,
                n.module[cut:],
                tuple(index.get(p, -1) if p is not None else None for p in n.parents),
            )
            for n in nodes
        ),
    )


def _adjacent(graph: Graph, positions: dict[int, int], members: dict[str, list[Node]], a: str, b: str) -> bool:
    own = {n.id for n in members[a]} | {n.id for n in members[b]}
    end = (
        max(positions[n.id] for n in members[a] if n.kind == "op" or n.kind == "module")
        if any(n.kind in ("op", "module") for n in members[a])
        else max(positions[n.id] for n in members[a])
    )
    begin = positions[_first_op(members[b])]
    between = graph.nodes[end + 1 : begin]
    return all(n.id in own or n.kind not in ("op", "module") for n in between)
