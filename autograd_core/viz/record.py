"""Recording what really runs, forward and backward: ``with viz.record() as rec:``.

The observer writes one short tuple for each op and each node of the backward pass; records are made from the tuples
only when someone asks for them. What it holds on to are numbers and leaves, never an activation.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterable
from time import perf_counter
from types import TracebackType
from typing import Any

import numpy as np

from ..graph import OUTPUT, Leaf, owner, tick, watch
from ..tensor import Tensor
from . import rules, source, walk
from .records import Graph, Module, Node, Saved, Source, Stats
from .stats import stats as describe_array

inside, is_inside = source.inside, source.is_inside
ndarray = np.ndarray
_SIMPLE = frozenset((int, float, bool, str, type(None), complex))
_BACKWARD = -2  # the module call of ops that ran inside a backward pass


class Recording:
    """What ran inside a ``with viz.record()`` block. Give it to any sink: ``viz.html(rec, "step.html")``.

    Parameters
    ----------
    stats : record minimum, maximum, mean, spread, zeros, NaN, infinities and a histogram of every value and gradient.
        Costs several passes over every array.
    lines : record the user's file and line of every op.
    title : the name of the picture.
    """

    def __init__(self, stats: bool = False, lines: bool = True, title: str = "") -> None:
        self.stats = stats
        self.lines = lines
        self.title = title
        self._watching: Any = None
        self.clear()

    def clear(self) -> None:
        """Forget what was recorded."""
        self.began = perf_counter()
        self.ops: list[tuple[Any, ...]] = []
        self.backwards: dict[int, tuple[float, float, Stats | None]] = {}
        self.leaves: dict[int, tuple[Leaf, Stats | None]] = {}
        self.outside: dict[int, tuple[tuple[int, ...], Any, Stats | None]] = {}
        self.calls: list[tuple[int, Any]] = []  # module calls: (index of the call around it, module)
        self.failed: tuple[Any, ...] | None = None
        self.known: set[int] = set()
        self._stack: list[int] = []
        self._constants: dict[int, tuple[Any, int]] = {}
        self._foreign: list[Any] = []
        self._held: dict[int, list[Any]] = {}  # id of a kept buffer -> [its name, how many nodes hold it]
        self._holds: dict[int, list[int]] = {}
        self._buffers = 0
        self._names: dict[int, str] = {}
        self._depth = 0
        self._graph: tuple[int, Graph] | None = None

    # ------------------------------------------------------------------------------------------- as a context

    def __enter__(self) -> Recording:
        if self._watching is not None:
            raise RuntimeError("viz.record: this recording is already running; make another with viz.record().")
        self._watching = watch.observing(self)
        self._watching.__enter__()
        self.began = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        watching, self._watching = self._watching, None
        watching.__exit__(kind, error, trace)
        self.learn_names(source.user_frame(2))

    def learn_names(self, frame: Any) -> None:
        """Take names for leaves and inputs from the variables of the user's frame."""
        self.learn(source.variables(frame))

    def learn(self, variables: dict[str, Any]) -> None:
        """Take names for leaves and inputs from variables."""
        nodes, arrays = source.names_of(variables)
        self._names.update(nodes)
        for key, name in arrays.items():
            entry = self._constants.get(key)
            if entry is not None and entry[0]() is not None:
                self._names.setdefault(entry[1], name)

    # ------------------------------------------------------------------------------------------- the observer

    def forward(self, op: Any, args: tuple[Any, ...], run: Any) -> Any:
        """Around one op."""
        t0 = perf_counter()
        try:
            y = run(*args)
        except Exception as error:
            if self.failed is None:
                self.failed = (op, self._parents(op, args), self._params(op, args), self._where(), self._call(), error)
            raise
        seconds = perf_counter() - t0
        known = self.known
        parents: list[Any] = []
        if op.variadic or op.params:
            parents = self._parents(op, args)
        else:  # the same as _parents, for the many small ops: a call less
            for a in args:
                if isinstance(a, Tensor) and (n := a.node) is not None and n.op is not OUTPUT:
                    key = n.seq
                    if key not in known:
                        self._meet(n, a)
                    parents.append(key)
                elif a.__class__ is float:
                    parents.append((a,))
                else:
                    parents.append(self._parent(a))
        if y.__class__ is tuple:
            first = y[op.differentiable[0]] if op.differentiable else y[0]
        elif y is NotImplemented:
            return y
        else:
            first = y
        node, array = first.node, first.array
        saved: Any = ()
        if node is not None:
            if node.op is OUTPUT:
                node = node.parents[0]
            key = node.seq
            if node.saved:
                saved = self._keep(key, node.saved)
        else:
            key = tick()
            self._constants[id(array)] = (weakref.ref(array), key)
        if y.__class__ is tuple:
            for t in y:
                if t.node is None:
                    self._constants[id(t.array)] = (weakref.ref(t.array), key)
        known.add(key)
        where = None
        if self.lines:
            frame = sys._getframe(2)
            while frame is not None:
                code = frame.f_code
                ours = inside.get(code.co_filename)
                if ours is False or (ours is None and not is_inside(code.co_filename)):
                    where = (code, frame.f_lasti)
                    break
                frame = frame.f_back  # type: ignore[assignment]
        self.ops.append((
            key, op, parents, self._params(op, args) if op.params else (), array.shape, array.dtype, saved, where,
            self._stack[-1] if self._stack else (_BACKWARD if self._depth else -1), t0, seconds, node is not None,
            describe_array(array) if self.stats else None,
        ))  # fmt: skip
        return y

    def backward(self, node: Any, g: Any, run: Any) -> Any:
        """Around the rules of one node."""
        key = node.seq
        if key not in self.known:
            self._foreign.append(node)
        self._depth += 1
        t0 = perf_counter()
        try:
            grads = run()
        finally:
            seconds = perf_counter() - t0
            self._depth -= 1
        numbers = None
        if self.stats:
            arrays: list[Any] = [
                getattr(v, "array", v) for v in (g if g.__class__ in (list, tuple) else (g,)) if v is not None
            ]
            numbers = describe_array(arrays[0] if len(arrays) == 1 else np.concatenate([np.ravel(a) for a in arrays]))
        self.backwards[key] = (t0, seconds, numbers)
        for b in self._holds.pop(key, ()):
            entry = self._held[b]
            entry[1] -= 1
            if not entry[1]:
                del self._held[b]
        return grads

    def module(self, module: Any, run: Any) -> Any:
        """Around the call of a module."""
        self.calls.append((self._call(), module))
        self._stack.append(len(self.calls) - 1)
        try:
            return run()
        finally:
            self._stack.pop()

    # ------------------------------------------------------------------------------------------- while it runs

    def _call(self) -> int:
        return self._stack[-1] if self._stack else (_BACKWARD if self._depth else -1)

    def _parents(self, op: Any, args: tuple[Any, ...]) -> list[Any]:
        """For each input the id of its node, or a plain number alone in a tuple."""
        return [self._parent(a) for a in (args[0] if op.variadic else args[: len(op.inputs)])]

    def _parent(self, a: Any) -> Any:
        if isinstance(a, Tensor):
            n = a.node
            if n is None:
                return self._constant(a.array)
            if n.op is OUTPUT:
                n = n.parents[0]
                assert n is not None
            if n.seq not in self.known:
                self._meet(n, a)
            return n.seq
        if isinstance(a, np.ndarray) and a.ndim:
            return self._constant(a)
        return (a,) if a.__class__ in _SIMPLE else (walk.brief(a),)

    def _params(self, op: Any, args: tuple[Any, ...]) -> Any:
        rest = args[1:] if op.variadic else args[len(op.inputs) :]
        return tuple([p if p.__class__ in _SIMPLE else walk.brief(p) for p in rest]) if rest else ()

    def _meet(self, node: Any, tensor: Any) -> None:
        """A place in the graph that was not made under this recording."""
        self.known.add(node.seq)
        if node.op is None:
            self.leaves[node.seq] = (node, describe_array(tensor.array) if self.stats else None)
            self._name(node.seq, tensor.array)
            block = id(owner(tensor.array))
            if block not in self._held:  # what rules keep of it costs nothing: Memory knows it by this name
                self._held[block] = [f"p{node.seq}", 1]
        else:
            self._foreign.append(node)

    def _constant(self, array: Any) -> int:
        """The id of an array without a node: that of the op that made it, or a new one below zero."""
        entry = self._constants.get(id(array))
        if entry is not None and entry[0]() is array:
            return entry[1]
        key = -1 - len(self.outside)
        self._name(key, array)
        self.outside[key] = (array.shape, array.dtype, describe_array(array) if self.stats else None)
        self._constants[id(array)] = (weakref.ref(array), key)
        return key

    def _name(self, key: int, array: Any) -> None:
        """Call something that entered from outside as the user's program calls it where it was first read."""
        if self.lines:
            for name, v in source.variables(source.user_frame(2), local=True).items():
                if isinstance(v, Tensor) and v.array is array and not name.startswith("_"):
                    self._names.setdefault(key, name)
                    return

    def _keep(self, key: int, saved: Iterable[Any]) -> list[tuple[int, str, Any, Any, int]]:
        """Shapes and memory blocks of what a node keeps."""
        out = []
        holds = []
        held = self._held
        for i, v in enumerate(saved):
            if v is None:
                continue
            for a in v if v.__class__ is tuple else (v,):
                if a.__class__ is ndarray and a.ndim:  # single numbers are not worth counting
                    b = id(a if a.base is None else owner(a))
                    entry = held.get(b)
                    if entry is None:
                        entry = held[b] = [f"b{self._buffers}", 0]
                        self._buffers += 1
                    entry[1] += 1
                    holds.append(b)
                    out.append((i, entry[0], a.shape, a.dtype, a.nbytes))
        if holds:
            self._holds[key] = holds
        return out

    def _where(self) -> source.Place | None:
        frame = source.user_frame(2)
        return None if frame is None else (frame.f_code, frame.f_lasti)

    # ------------------------------------------------------------------------------------------- records

    def graph(self) -> Graph:
        """The records of what ran so far."""
        state = len(self.ops) + len(self.backwards) + (self.failed is not None)
        if self._graph is None or self._graph[0] != state:
            self._graph = (state, self._build())
        return self._graph[1]

    def _build(self) -> Graph:
        paths, modules, names = self._module_paths()
        names = {**names, **{k: v for k, v in self._names.items() if k not in names}}
        nodes: dict[int, Node] = {}
        for key, (shape, dtype, numbers) in self.outside.items():
            size = int(np.prod(shape, dtype=np.int64))
            nodes[key] = Node(
                key,
                "input",
                "input" if size > 1 else "constant",
                tuple(shape),
                str(dtype),
                name=names.get(key, f"in{-key}"),
                value=numbers,
                bytes=size * dtype.itemsize,
            )
        reader = walk.Reader(names)
        for place in self._foreign:
            reader.follow(place)
        for n in reversed(reader.outside.values()):  # their ids go on below those met here
            reader.renumber(n, n.id - len(self.outside))
        nodes.update(reader.nodes)
        for key, (leaf, numbers) in self.leaves.items():
            n = nodes[key] = reader.leaf(leaf)
            n.value = numbers
        for event in self.ops:
            nodes[event[0]] = self._node(event, paths)
        for key, (start, seconds, numbers) in self.backwards.items():
            n = nodes.get(key)  # type: ignore[assignment]
            if n is not None:
                n.backward_start, n.backward, n.grad = start - self.began, seconds, numbers or n.grad
        if self.failed is not None:
            n = self._failed_node(paths)
            nodes[n.id] = n
        graph = walk.in_order(Graph(nodes=[*nodes.values(), *reader.outside.values()], modules=modules, outputs=[]))
        graph.outputs = self._outputs(graph)
        for n in graph.nodes:
            n.output = n.id in graph.outputs
        graph.title = self.title or (names.get(graph.outputs[0], "") if len(graph.outputs) == 1 else "") or "recording"
        walk.place_leaves(graph)
        used = {p for n in graph.nodes for p in _prefixes(n.module)}
        graph.modules = {p: m for p, m in graph.modules.items() if p in used}
        source.add_context(graph)
        return graph

    def _node(self, event: tuple[Any, ...], paths: list[str]) -> Node:
        key, op, parents, params, shape, dtype, saved, where, call, start, seconds, tracked, numbers = event
        formula, texts = rules.describe(op)
        inputs = walk.input_names(op, len(parents))
        n = Node(
            key,
            op.name,
            "op",
            tuple(shape),
            str(dtype),
            inputs=inputs,
            formula=formula,
            scalar=op.scalar or "",
            rules=list(texts),
            requires_grad=tracked,
            value=numbers,
            start=start - self.began,
            forward=seconds,
            module=_path(paths, call),
        )
        n.bytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        n.params = {inputs[i]: _text(p[0]) for i, p in enumerate(parents) if isinstance(p, tuple)}
        n.params |= {name: _text(p) for name, p in zip(op.params, params, strict=False)}
        n.parents = tuple(None if isinstance(p, tuple) else p for p in parents)
        n.saved = [
            Saved(op.slots[i], tuple(s), str(d), int(size), b)
            for i, b, s, d, size in saved
            if s or op.slots[i] not in n.params
        ]
        if where is not None:
            n.source = Source(source.short_path(where[0].co_filename), source.line_of(where), where[0].co_name)
        return n

    def _failed_node(self, paths: list[str]) -> Node:
        """The op that raised: it has no value, and carries the sentence of the error."""
        assert self.failed is not None
        op, parents, params, where, call, error = self.failed
        event = (
            max((e[0] for e in self.ops), default=0) + 1,
            op,
            parents,
            params,
            (),
            np.dtype("V"),
            (),
            where,
            call,
            self.began,
            0.0,
            True,
            None,
        )
        while event[0] in self.known:
            event = (event[0] + 1, *event[1:])
        n = self._node(event, paths)
        n.dtype, n.bytes, n.forward, n.mark, n.note = (
            "",
            0,
            None,
            "error",
            str(error).splitlines()[0] if str(error) else type(error).__name__,
        )
        return n

    def _outputs(self, graph: Graph) -> list[int]:
        """Where backward began; without a backward, what requires grad and was read by nothing."""
        readers = graph.children()
        ran = [i for i in self.backwards if i in readers and not any(c in self.backwards for c in readers[i])]
        if ran:
            return sorted(ran)
        ops = [n for n in graph.nodes if n.kind == "op" and n.mark != "error"]
        free = [n.id for n in ops if n.requires_grad and not readers[n.id]]
        return free or [n.id for n in ops[-1:]]

    def _module_paths(self) -> tuple[list[str], dict[str, Module], dict[int, str]]:
        """A path for every module call, the calls by path, and the names of the parameters they own."""
        modules: dict[str, Module] = {}
        names: dict[int, str] = {}
        paths: list[str] = []
        roots = [m for around, m in self.calls if around < 0 and _has_children(m)]
        several = len({id(m) for m in roots}) > 1
        for m in {id(m): m for m in roots}.values():
            for name, p in m.named_parameters():
                if p.node is not None:
                    names.setdefault(p.node.seq, f"{type(m).__name__}.{name}" if several else name)
        inner: dict[int, dict[int, str]] = {}
        times: dict[tuple[int, str], int] = {}
        for around, m in self.calls:
            if around < 0:
                if len(roots) == 1 and m is roots[0]:
                    paths.append("")
                    continue
                name = type(m).__name__
            else:
                outer = self.calls[around][1]
                if id(outer) not in inner:
                    inner[id(outer)] = {id(c): n for n, c in outer.named_modules() if n}
                name = inner[id(outer)].get(id(m), type(m).__name__)
            k = times[around, name] = times.get((around, name), 0) + 1
            path = ".".join(filter(None, (paths[around] if around >= 0 else "", name + (f"#{k}" if k > 1 else ""))))
            paths.append(path)
            modules[path] = Module(path, type(m).__name__)
            if around < 0 and not _has_children(m):
                for n, p in m.named_parameters():
                    if p.node is not None:
                        names.setdefault(p.node.seq, n)
        if any(e[8] == _BACKWARD for e in self.ops):
            modules["backward"] = Module("backward", "Backward")
        return paths, modules, names

    def _repr_html_(self) -> str:
        return self.graph()._repr_html_()

    def __str__(self) -> str:
        return str(self.graph())

    def __repr__(self) -> str:
        return f"<viz.record: {len(self.ops)} ops forward, {len(self.backwards)} backward>"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else walk.brief(value)


def _path(paths: list[str], call: int) -> str:
    return "backward" if call == _BACKWARD else paths[call] if call >= 0 else ""


def _prefixes(path: str) -> list[str]:
    parts = path.split(".") if path else []
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def _has_children(module: Any) -> bool:
    return next(iter(module.children()), None) is not None


def record(*, stats: bool = False, lines: bool = True, title: str = "") -> Recording:
    """Record everything that runs inside a ``with`` block: forward and backward, with lines, modules, times and bytes.

    Parameters
    ----------
    stats : also describe every value and gradient (range, moments, zeros, NaN, histogram).
    lines : record the user's source lines.
    title : the name of the picture.

    Returns
    -------
    Recording
        Give it to any sink of ``viz``; ``rec.graph()`` are its records.

    Examples
    --------
    >>> with viz.record(stats=True) as rec:                                   # doctest: +SKIP
    ...     loss = model(x).square().mean()
    ...     loss.backward()
    >>> viz.html(rec, "step.html")                                            # doctest: +SKIP
    """
    return Recording(stats, lines, title)
