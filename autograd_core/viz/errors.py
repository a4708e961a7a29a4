"""The graph around an error: what led to the op that raised, with the op and its operands marked."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from ..tensor import Tensor
from . import rules, source, walk
from .records import Graph, Module, Node, Source
from .words import dtype_shape


def last_error(error: BaseException | None = None) -> Graph:
    """The partial graph of a forward or backward that raised.

    Parameters
    ----------
    error : the exception. Without it, the one being handled (inside ``except``), else the last one that the interpreter
        or the notebook has shown.

    Returns
    -------
    Graph
        What the failing op's operands were computed from, the op itself marked, its operands' shapes in its note.

    Raises
    ------
    RuntimeError
        When there is no error, or it did not come from an op.

    Examples
    --------
    >>> try:                                                                  # doctest: +SKIP
    ...     model(x)
    ... except RuntimeError:
    ...     viz.html(viz.last_error(), "error.html")
    """
    if error is None:
        error = sys.exception() or getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    if error is None:
        raise RuntimeError(
            "viz.last_error: no error is being handled; call it inside the except block, or give it the exception."
        )
    carried = getattr(error, "graph", None)
    if isinstance(carried, Graph):
        return carried
    frames = _frames(error)
    for frame in reversed(frames):
        node = frame.f_locals.get("node") if frame.f_code.co_name in ("rule_gradients", "run_backward") else None
        if node is not None:
            return _backward(node, error, frames)
    for frame in reversed(frames):
        if frame.f_code.co_filename.startswith("<autograd_core dispatcher"):
            return _forward(frame, error, frames)
    for frame in reversed(frames):  # a check that ran before any op: mark the call that it belongs to
        if not source.is_inside(frame.f_code.co_filename):
            return _call(frame, error, frames)
    raise RuntimeError(f"viz.last_error: {type(error).__name__} did not come from an op; there is no graph to draw.")


def _frames(error: BaseException) -> list[FrameType]:
    out = []
    trace = error.__traceback__
    while trace is not None:
        out.append(trace.tb_frame)
        trace = trace.tb_next
    return out


def _lines(error: BaseException) -> dict[int, int]:
    """The line that each frame of the traceback stood on (a frame that was left says the wrong one)."""
    out = {}
    trace = error.__traceback__
    while trace is not None:
        out[id(trace.tb_frame)] = trace.tb_lineno
        trace = trace.tb_next
    return out


def module_path(frames: list[FrameType]) -> list[tuple[str, str]]:
    """The modules whose calls are on a stack, outermost first, as (path, class)."""
    out: list[tuple[str, str]] = []
    outer: Any = None
    path = ""
    for f in frames:
        module = f.f_locals.get("self") if f.f_code.co_name == "__call__" else None
        if module is None or not hasattr(module, "named_modules") or module is outer:
            continue
        if outer is None:
            path = ""
        else:
            name = next((n for n, m in outer.named_modules() if m is module and n), type(module).__name__)
            path = f"{path}.{name}" if path else name
        out.append((path, type(module).__name__))
        outer = module
    return out


def _model(frames: list[FrameType]) -> Any:
    """The outermost module whose call is on the stack."""
    selves = (f.f_locals.get("self") for f in frames if f.f_code.co_name == "__call__")
    return next((m for m in selves if hasattr(m, "named_modules")), None)


def _names(frames: list[FrameType]) -> tuple[dict[int, str], dict[int, str]]:
    """What the user's frames on the stack call things; inner frames come last, so that outer names win."""
    nodes: dict[int, str] = {}
    arrays: dict[int, str] = {}
    model = _model(frames)
    if model is not None:
        source.add_module_names(model, nodes)
    for f in frames:
        if not source.is_inside(f.f_code.co_filename):
            more, others = source.names_in(f)
            nodes, arrays = {**more, **nodes}, {**others, **arrays}
    return nodes, arrays


def _user(frames: list[FrameType], error: BaseException) -> Source | None:
    lines = _lines(error)
    for f in reversed(frames):
        if not source.is_inside(f.f_code.co_filename):
            return Source(source.short_path(f.f_code.co_filename), lines[id(f)], f.f_code.co_name)
    return None


def _sentence(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def _graph(reader: walk.Reader, failing: Node | None, error: BaseException, frames: list[FrameType]) -> Graph:
    graph = walk.in_order(
        Graph(nodes=[*reader.nodes.values(), *reader.outside.values(), *([failing] if failing else [])])
    )
    graph.title = "graph of an error"
    modules = module_path(frames)
    where = ".".join(filter(None, (modules[-1][0],))) if modules else ""
    graph.note = _sentence(error) + (f" (in module {where or modules[-1][1]})" if modules else "")
    walk.guess_modules(graph, _model(frames))
    if failing is not None and where:
        for path, kind in modules:
            if path:
                graph.modules.setdefault(path, Module(path, kind))
        failing.module = where
        walk.place_leaves(graph)
    source.add_context(graph)
    return graph


def _forward(frame: FrameType, error: BaseException, frames: list[FrameType]) -> Graph:
    op = frame.f_globals.get("op", None)
    values = frame.f_locals
    operands = [v for v in values.values() if isinstance(v, Tensor)]
    args = [values[k] for k in frame.f_code.co_varnames[: frame.f_code.co_argcount]]
    count = len(op.inputs) if op is not None else len(operands)
    return _around(op.name if op is not None else frame.f_code.co_name, op, args[:count], args[count:], error, frames)


def _call(frame: FrameType, error: BaseException, frames: list[FrameType]) -> Graph:
    """An error that a public function raised before it reached an op: its tensors are that frame's arguments."""
    below = frames[frames.index(frame) + 1 :]
    for f in below:
        names = f.f_code.co_varnames[: f.f_code.co_argcount]
        if f.f_code.co_name not in ("__call__", "_call_impl", "forward") and any(
            isinstance(f.f_locals.get(n), Tensor) for n in names
        ):
            return _around(f.f_code.co_name, None, [f.f_locals.get(n) for n in names], [], error, frames, names)
    for f in reversed(below):
        names = f.f_code.co_varnames[: f.f_code.co_argcount]
        if any(isinstance(f.f_locals.get(n), Tensor) for n in names):
            own = tuple(n for n in names if n != "self")
            module = f.f_locals.get("self")
            name = type(module).__name__ if f.f_code.co_name == "forward" and module is not None else f.f_code.co_name
            return _around(name, None, [f.f_locals.get(n) for n in own], [], error, frames, own)
    raise RuntimeError(f"viz.last_error: {type(error).__name__} did not come from an op; there is no graph to draw.")


def _around(
    name: str,
    op: Any,
    inputs: list[Any],
    params: list[Any],
    error: BaseException,
    frames: list[FrameType],
    slots: tuple[str, ...] = (),
) -> Graph:
    """Everything the operands were computed from, and the failing op at the end."""
    nodes, arrays = _names(frames)
    reader = walk.Reader(nodes, arrays)
    parents: list[int | None] = []
    shapes = []
    failing = Node(0, name, "op", requires_grad=True, mark="error", source=_user(frames, error))
    slots = op.inputs if op is not None else slots
    for slot, t in zip(slots, inputs, strict=False):
        for i, v in enumerate(t if isinstance(t, list | tuple) else (t,)):
            label = f"{slot}[{i}]" if isinstance(t, list | tuple) else slot
            if isinstance(v, Tensor):
                if v.node is not None:
                    reader.follow(v.node)
                    parents.append(walk.hub(v.node)[0].seq)
                else:
                    parents.append(reader.from_outside(v.array).id)
                shapes.append(f"{label}: {dtype_shape(str(v.array.dtype), v.array.shape)}")
            else:
                parents.append(None)
                failing.params[label] = walk.brief(v)
            failing.inputs += (label,)
    failing.id = max([*reader.nodes, 0]) + 1
    failing.parents = tuple(parents)
    failing.note = "; ".join(shapes) + ". " + _sentence(error)
    if op is not None:
        failing.formula, texts = rules.describe(op)
        failing.rules = list(texts)
        failing.params |= {k: walk.brief(v) for k, v in zip(op.params, params, strict=False)}
    return _graph(reader, failing, error, frames)


def _backward(place: Any, error: BaseException, frames: list[FrameType]) -> Graph:
    nodes, arrays = _names(frames)
    reader = walk.Reader(nodes, arrays)
    reader.follow(place)
    n = reader.nodes[walk.hub(place)[0].seq]
    n.mark, n.note = "error", "its backward raised. " + _sentence(error)
    return _graph(reader, None, error, frames)
