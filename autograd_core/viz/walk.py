"""From the engine's graph to records: every node that a value was computed from, without recursion."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from ..graph import OUTPUT
from ..graph import Node as Place
from ..graph import owner as owner
from ..tensor import Tensor
from . import rules, source
from .records import Graph, Module, Node, Saved

_PLAIN = (int, float, complex, str, bool, type(None), np.number, np.bool_)


def to_graph(thing: Any, who: str, *, model: Any = None) -> Graph:
    """The records of whatever a sink was given: a tensor, several, a recording, a :class:`Graph`.

    ``who`` is the function the user called, for the sentence that says what is wrong.
    """
    if isinstance(thing, Graph):
        return thing
    if hasattr(thing, "graph") and callable(thing.graph) and not isinstance(thing, Tensor):
        return thing.graph()  # type: ignore[no-any-return]
    tensors = [thing] if isinstance(thing, Tensor) else list(thing) if isinstance(thing, list | tuple) else []
    if not tensors or not all(isinstance(t, Tensor) for t in tensors):
        raise TypeError(
            f"{who}: expected a tensor, a list of tensors, a recording or a viz.Graph, got {type(thing).__name__}."
        )
    constants = [i for i, t in enumerate(tensors) if t.node is None]
    if constants:
        which = "this tensor is" if len(tensors) == 1 else f"tensor {constants[0]} is"
        raise RuntimeError(
            f"{who}: {which} a constant: nothing was recorded for it, because no input had requires_grad=True or it was"
            " computed under no_grad(). Draw a tensor that requires grad, or wrap the computation in `with"
            " viz.record() as rec:` and draw rec."
        )
    return walk(tensors, model=model)


def graph(thing: Any, *, model: Any = None) -> Graph:
    """The records of a graph: what every sink of ``viz`` draws from.

    Parameters
    ----------
    thing : a tensor, a list of tensors, or a recording.
    model : an ``nn.Module`` whose parameters give the leaves their names.

    Returns
    -------
    Graph
        ``.to_json()`` stores it, ``Graph.from_json(text)`` reads it back.

    Examples
    --------
    >>> import autograd_core as ac
    >>> from autograd_core import viz
    >>> x = ac.tensor([1.0, 2.0], requires_grad=True)
    >>> [n.op for n in viz.graph((x * x).sum()).nodes]
    ['parameter', 'mul', 'sum']
    """
    return to_graph(thing, "viz.graph", model=model)


def walk(tensors: Iterable[Any], *, model: Any = None) -> Graph:
    """The graph behind some tensors. Leaves take their names from ``model``, else from the user's variables."""
    tensors = list(tensors)
    names, arrays = source.names_in(source.user_frame(2))
    if model is not None:
        names = {**names}
        own: dict[int, str] = {}
        source.add_module_names(model, own)
        names.update(own)
    reader = Reader(names, arrays)
    for t in tensors:
        reader.follow(t.node)
    out = reader.finish([hub(t.node)[0].seq for t in tensors])
    title = names.get(hub(tensors[0].node)[0].seq, "") if len(tensors) == 1 else ""
    out.title = title or "graph"
    if reader.freed:
        out.note = (
            "backward() has freed this graph: its shape is drawn, but what it kept is no longer known. Draw it before "
            "backward(), pass retain_graph=True, or use viz.record()."
        )
    guess_modules(out, model)
    source.add_context(out)
    return out


def hub(place: Place) -> tuple[Place, int]:
    """The op's node behind a place: for one output of an op with several, that op and the output's index."""
    if place.op is OUTPUT:
        index = place.saved[0] if place.saved else 0
        return place.parents[0], index  # type: ignore[return-value]
    return place, 0


class Reader:
    """Collects the records of places in the graph."""

    def __init__(self, names: dict[int, str] | None = None, arrays: dict[int, str] | None = None) -> None:
        self.names = names or {}
        self.arrays = arrays or {}
        self.nodes: dict[int, Node] = {}
        self.outside: dict[int, Node] = {}  # id of an array that entered from outside -> its record
        self.kept: list[Any] = []  # keeps those arrays alive while their ids are in use
        self.buffers: dict[int, str] = {}
        self.freed = False

    def follow(self, start: Place | None) -> None:
        """Record ``start`` and everything it was computed from."""
        todo = [] if start is None else [start]
        while todo:
            place, _ = hub(todo.pop())
            if place.seq not in self.nodes:
                self.nodes[place.seq] = self.leaf(place) if place.op is None else self.op(place)
                todo.extend(p for p in place.parents if p is not None)

    def leaf(self, place: Place) -> Node:
        grad = place.grad  # type: ignore[attr-defined]
        n = Node(
            place.seq,
            "parameter",
            "parameter",
            tuple(place.shape),
            str(place.dtype),
            name=self.names.get(place.seq, ""),
            requires_grad=True,
            bytes=_bytes(place.shape, place.dtype),
        )
        if grad is not None:
            from .stats import stats

            n.grad = stats(grad.array)
        return n

    def op(self, place: Place) -> Node:
        """The record of one op: its rules as written, what it saved, and what it was computed from."""
        op = place.op
        formula, texts = rules.describe(op)
        shape, dtype = _first(place)
        inputs = input_names(op, len(place.parents))
        n = Node(
            place.seq,
            op.name,
            "op",
            shape,
            dtype,
            inputs=inputs,
            bytes=_bytes(shape, place.dtype),
            formula=formula,
            scalar=op.scalar or "",
            rules=list(texts),
            requires_grad=True,
        )
        values: dict[str, Any] = {}
        if place.saved is None:
            self.freed = True
        else:
            values = dict(zip(op.slots, place.saved, strict=False))
            n.saved = [s for slot, v in values.items() for s in self.saved(slot, v)]
        n.params = {p: brief(values[p]) for p in op.params if p in values}
        parents: list[int | None] = []
        for i, p in enumerate(place.parents):
            if p is not None:
                parents.append(hub(p)[0].seq)
                continue
            value = values.get(op.inputs[i]) if i < len(op.inputs) and not op.variadic else None
            if op.variadic and isinstance(values.get(op.inputs[0]), tuple):
                value = values[op.inputs[0]][i]
            if isinstance(value, np.ndarray) and value.ndim:
                parents.append(self.from_outside(value).id)
            else:
                if value is not None:
                    n.params[inputs[i]] = brief(value)
                    n.saved = [s for s in n.saved if s.slot != inputs[i]]  # a plain number
                parents.append(None)
        n.parents = tuple(parents)
        for s in n.saved:
            p = place.parents[inputs.index(s.slot)] if s.slot in inputs else None
            if p is not None and p.op is None:
                s.buffer = f"p{p.seq}"
        where = place.extra.where if place.extra is not None else None
        if where:
            n.source = source_record(where[0], where[1])
        return n

    def saved(self, slot: str, value: Any) -> list[Saved]:
        """The arrays in one saved slot."""
        if isinstance(value, tuple):
            return [s for i, v in enumerate(value) for s in self.saved(f"{slot}[{i}]", v)]
        if not isinstance(value, np.ndarray):
            return []
        base = owner(value)
        key = self.buffers.setdefault(id(base), f"b{len(self.buffers)}")
        self.kept.append(base)
        return [Saved(slot, value.shape, str(value.dtype), int(value.nbytes), key)]

    def from_outside(self, array: Any, kind: str = "input") -> Node:
        """The record of an array that is no node: data, targets, masks."""
        n = self.outside.get(id(array))
        if n is None:
            number = len(self.outside) + 1
            n = self.outside[id(array)] = Node(
                -number,
                kind,
                kind,
                array.shape,
                str(array.dtype),
                bytes=int(array.nbytes),
                name=self.arrays.get(id(array), "") or f"in{number}",
            )
            self.kept.append(array)
        return n

    def renumber(self, n: Node, to: int) -> None:
        """Give an outside array another id."""
        for m in self.nodes.values():
            m.parents = tuple(to if p == n.id else p for p in m.parents)
        n.id = to

    def finish(self, outputs: list[int]) -> Graph:
        """The graph in order of execution, each leaf just before its first reader."""
        return in_order(
            Graph(nodes=[*self.nodes.values(), *self.outside.values()], outputs=list(dict.fromkeys(outputs)))
        )


def in_order(graph: Graph) -> Graph:
    """Sort the nodes by execution, each leaf just before its first reader; number and name the nameless leaves."""
    by_id = graph.by_id()
    ordered: dict[int, Node] = {}
    for n in sorted((n for n in graph.nodes if n.kind == "op"), key=lambda n: n.id):
        for p in n.parents:
            if p is not None and p not in ordered and p in by_id and by_id[p].kind != "op":
                ordered[p] = by_id[p]
        ordered[n.id] = n
    for n in graph.nodes:
        ordered.setdefault(n.id, n)
    graph.nodes = list(ordered.values())
    unnamed = 0
    for n in graph.nodes:
        if n.kind == "parameter" and not n.name:
            unnamed += 1
            n.name = f"leaf{unnamed}"
        n.output = n.id in graph.outputs
    return graph


def input_names(op: Any, count: int) -> tuple[str, ...]:
    """The names of an op's input slots; the slots of an op over a sequence are numbered."""
    if op.variadic or len(op.inputs) < count:
        return tuple(f"{op.inputs[0]}[{i}]" for i in range(count))
    return tuple(op.inputs)


def brief(value: Any) -> str:
    """A parameter of an op in a few signs."""
    if isinstance(value, np.ndarray):
        return brief(value.item()) if value.ndim == 0 else f"{value.dtype}{list(value.shape)}"
    if isinstance(value, Tensor):
        return brief(value.array)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return f"{value:.6g}"
    text = (
        repr(value)
        if isinstance(value, (*_PLAIN, tuple, list, slice))
        else getattr(value, "__name__", type(value).__name__)
    )
    return text if len(text) <= 48 else text[:45] + "…"


def source_record(file: str, line: int, function: str = "") -> Any:
    """The place in the user's program, its path as short as it can be read."""
    from .records import Source

    return Source(source.short_path(file), line, function)


def _first(place: Place) -> tuple[tuple[int, ...], str]:
    """Shape and dtype of a place; of an op with several outputs, those of its first differentiable one."""
    shape: Any = place.shape
    if shape and isinstance(shape[0], tuple):
        shape = shape[place.op.differentiable[0]][0]
    return tuple(shape), str(place.dtype)


def _bytes(shape: Iterable[Any], dtype: Any) -> int:
    n = int(np.dtype(dtype).itemsize)
    for s in shape:
        if isinstance(s, tuple):
            return 0
        n *= s
    return n


def guess_modules(graph: Graph, model: Any = None) -> None:
    """For a graph walked without a recording: an op that reads parameters of one module belongs to that module."""
    if not any("." in n.name for n in graph.nodes if n.kind == "parameter"):
        return
    by_id = graph.by_id()
    types = {path: type(m).__name__ for path, m in model.named_modules()} if model is not None else {}
    used: set[str] = set()
    for n in graph.nodes:
        if n.kind != "op" or n.module:
            continue
        homes = {by_id[p].name.rpartition(".")[0] for p in n.parents if p is not None and by_id[p].kind == "parameter"}
        if len(homes) == 1 and (home := homes.pop()):
            if home in used:
                continue  # a second use of the same module is left outside, so that no ring of modules appears
            used.add(home)
            n.module = home
            graph.modules.setdefault(home, Module(home, types.get(home, "Module")))
    place_leaves(graph)


def place_leaves(graph: Graph) -> None:
    """Put each parameter and constant into the innermost module that holds all its readers."""
    readers = graph.children()
    by_id = graph.by_id()
    for n in graph.nodes:
        if n.kind not in ("parameter", "constant") or n.module:
            continue
        paths = [by_id[c].module.split(".") if by_id[c].module else [] for c in readers[n.id]]
        if paths:
            shared = 0
            while all(len(p) > shared for p in paths) and len({p[shared] for p in paths}) == 1:
                shared += 1
            n.module = ".".join(paths[0][:shared])


def relabel(graph: Graph, names: dict[int, str]) -> Graph:
    """The same graph with other names for some nodes."""
    return replace(graph, nodes=[replace(n, name=names.get(n.id, n.name)) for n in graph.nodes])
