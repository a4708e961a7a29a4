"""Finding trouble: where a NaN began, and what keeps graphs alive."""

from __future__ import annotations

import functools
import gc
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType, ModuleType, TracebackType
from typing import Any, TypeVar

import numpy as np

from .errors import AutogradError
from .graph import watch
from .tensor import Tensor, TensorExtra
from .viz import rules, source, walk
from .viz.record import Recording
from .viz.records import Graph
from .viz.words import bytes_text, plural

__all__ = ["AnomalyError", "LiveGraph", "LiveGraphs", "detect_anomaly", "live_graphs", "set_detect_anomaly"]

F = TypeVar("F", bound=Callable[..., Any])


class AnomalyError(AutogradError):
    """A NaN or infinity was made. ``graph`` is the partial graph, the culprit marked, for any sink of ``viz``."""

    graph: Graph


class detect_anomaly(Recording):
    """Stop at the first op in forward order, or the first rule in backward order, that makes a NaN or infinity.

    An op makes a NaN when none of its inputs has one, and an infinity when all its inputs are finite: a mask that fills
    with ``-inf`` on purpose passes, the softmax of a row that is masked completely does not.

    Parameters
    ----------
    check_nan : False only records, so that errors of other kinds carry the partial graph.
    infinity : also stop at infinities.

    Raises
    ------
    AnomalyError
        In the user's own frame, so that a debugger stops at the line. The text names the op, the line, the module, the
        shapes and the index and value of the offending element; ``error.graph`` draws the graph up to it.

    Examples
    --------
    >>> import autograd_core as ac
    >>> from autograd_core import debug
    >>> x = ac.tensor([4.0, -1.0], requires_grad=True)
    >>> with debug.detect_anomaly():                                          # doctest: +IGNORE_EXCEPTION_DETAIL
    ...     x.sqrt().sum().backward()
    Traceback (most recent call last):
    autograd_core.debug.AnomalyError: sqrt made a NaN

    The name is PyTorch's ``torch.autograd.detect_anomaly``; there only the backward pass is looked at.
    """

    def __init__(self, check_nan: bool = True, *, infinity: bool = True) -> None:
        super().__init__(title="anomaly")
        self.check_nan = check_nan
        self.infinity = infinity

    def __call__(self, function: F) -> F:
        """Use as a decorator."""

        @functools.wraps(function)
        def inner(*args: Any, **kwargs: Any) -> Any:
            with detect_anomaly(self.check_nan, infinity=self.infinity):
                return function(*args, **kwargs)

        return inner  # type: ignore[return-value]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self.finish(error)

    def finish(self, error: BaseException | None) -> None:
        """Give an anomaly the names that the user's variables know, and let its traceback end in the user's frame."""
        if isinstance(error, AnomalyError):
            self.learn_names(source.user_frame(2))
            error.graph = self._marked(error)
            error.__traceback__ = _until_user(error.__traceback__)

    # ------------------------------------------------------------------------------------------- the observer

    def forward(self, op: Any, args: tuple[Any, ...], run: Any) -> Any:
        self._turn()
        with np.errstate(all="ignore"):
            y = super().forward(op, args, run)
        if self.check_nan:
            for i, t in enumerate(y if y.__class__ is tuple else (y,)):
                if isinstance(t, Tensor) and t.array.dtype.kind in "fc" and not _finite(t.array):
                    self._look(op, args, t.array, op.outputs[i] if len(op.outputs) > 1 else "")
        return y

    def module(self, module: Any, run: Any) -> Any:
        self._turn()
        return super().module(module, run)

    def _turn(self) -> None:
        """A forward after a backward begins a new step: the one before was good, and is forgotten."""
        if self.check_nan and self.backwards and not self._depth and not self._stack:
            self.clear()

    def backward(self, node: Any, g: Any, run: Any) -> Any:
        saved = node.saved
        grads = super().backward(node, g, run)
        if self.check_nan:
            come = [_array(v) for v in (g if g.__class__ in (list, tuple) else (g,)) if v is not None]
            nan_came = any(np.isnan(a).any() for a in come if a.dtype.kind in "fc")
            inf_came = any(not _finite(a) for a in come)
            names = walk.input_names(node.op, len(node.parents))
            for name, gp in zip(names, grads, strict=False):
                a = None if gp is None else _array(gp)
                if a is None or a.dtype.kind not in "fc" or _finite(a):
                    continue
                made_nan = not nan_came and bool(np.isnan(a).any())
                if made_nan or (self.infinity and not inf_came):
                    self._stop_backward(node, saved, name, a, "NaN" if made_nan else "infinity")
                if not self.backwards or len(self.backwards) == 1:
                    raise self._error(
                        f"backward: the gradient that backward() was given already holds {_what(come[0])}.", node.seq
                    )
        return grads

    # ------------------------------------------------------------------------------------------- the sentences

    def _look(self, op: Any, args: tuple[Any, ...], y: Any, output: str) -> None:
        """Raise if this op made what is not finite in ``y``."""
        inputs = list(args[0] if op.variadic else args[: len(op.inputs)])
        params = args[1:] if op.variadic else args[len(op.inputs) :]
        names = walk.input_names(op, len(inputs))
        arrays = [
            (n, _array(v))
            for n, v in zip(names, inputs, strict=False)
            if isinstance(v, Tensor | np.ndarray | float | int | complex)
        ]
        arrays += [
            (n, _array(v))
            for n, v in zip(op.params, params, strict=False)
            if isinstance(v, Tensor | np.ndarray | float | complex)
        ]
        numbers = [(n, a) for n, a in arrays if a.dtype.kind in "fc"]
        nan_in = [(n, a) for n, a in numbers if np.isnan(a).any()]
        inf_in = [(n, a) for n, a in numbers if np.isinf(a).any()]
        made_nan = not nan_in and bool(np.isnan(y).any())
        made_inf = self.infinity and not nan_in and not inf_in and bool(np.isinf(y).any())
        event = self.ops[-1]
        if nan_in and np.isnan(y).any():
            for (name, a), p in zip(
                nan_in, (event[2][names.index(n)] if n in names else None for n, _ in nan_in), strict=True
            ):
                if isinstance(p, int) and p not in {e[0] for e in self.ops[:-1]}:
                    index = _first_bad(a, np.isnan)
                    raise self._error(
                        f"{op.name} read a NaN{self._at(event)}: its input {name!r} {list(a.shape)} came in with "
                        f"{_element(name, a, index)}, {plural(int(np.isnan(a).sum()), 'NaN')} in all. "
                        "No op made it: look at the data, or at the parameter's last update.",
                        event[0],
                    )
            return
        if not (made_nan or made_inf):
            return
        test = np.isnan if made_nan else np.isinf
        index = _first_bad(y, test)
        one_to_one = op.elementwise or len(inputs) == 1
        reasons = [
            _reason(n, a, index, y.shape if one_to_one else ())
            for n, a in arrays
            if a.dtype.kind in "fciu" and (a.ndim or not n.startswith("eps"))
        ]
        shapes = ", ".join(f"{n} {list(a.shape)}" for n, a in arrays if a.ndim) or "plain numbers"
        out = f"{output or 'output'} {list(y.shape)}"
        formula = rules.describe(op)[0]
        raise self._error(
            f"{op.name} made {'a NaN' if made_nan else 'an infinity'}{self._at(event)}:"
            f" {_element(output or 'output', y, index)} ({plural(int(test(y).sum()), 'element')} of {y.size:,}), from"
            f" {'; '.join(r for r in reasons if r) or 'finite inputs'}. Shapes: {shapes} -> {out}. Formula: {formula}.",
            event[0],
        )

    def _stop_backward(self, node: Any, saved: Any, name: str, a: Any, what: str) -> None:
        op = node.op
        test = np.isnan if what == "NaN" else np.isinf
        index = _first_bad(a, test)
        values = dict(zip(op.slots, saved or (), strict=False))
        reasons = [
            _reason(n, v, index, a.shape)
            for n, v in values.items()
            if isinstance(v, np.ndarray) and v.dtype.kind in "fciu"
        ]
        rule = next((r for r in rules.describe(op)[1] if name in r.input.split(", ")), None)
        event = next((e for e in reversed(self.ops) if e[0] == node.seq), None)
        where = self._at(event) if event is not None else ""
        text = f" The rule: {rule}." if rule is not None and rule.code else ""
        raise self._error(
            f"the backward of {op.name} made {'a NaN' if what == 'NaN' else 'an infinity'}{where}: the gradient of"
            f" {name!r} {list(a.shape)} has {_element('d' + name, a, index)} ({plural(int(test(a).sum()), 'element')}"
            f" of {a.size:,}){', from ' + '; '.join(r for r in reasons if r) if any(reasons) else ''}.{text}",
            node.seq,
        )

    def _at(self, event: tuple[Any, ...]) -> str:
        """`` (model.py:12 in forward, module layers.0.fc)``."""
        parts = []
        if event[7] is not None:
            parts.append(source.text_of(event[7]))
        if event[8] >= 0:
            path = self._module_paths()[0][event[8]]
            parts.append(f"module {path or type(self.calls[event[8]][1]).__name__}")
        return f" ({', '.join(parts)})" if parts else ""

    def _error(self, text: str, culprit: int) -> AnomalyError:
        error = AnomalyError(text)
        error.culprit = culprit  # type: ignore[attr-defined]
        if _switch.on is self:  # no block ends here that could add the graph later
            error.graph = self._marked(error)
        return error

    def _marked(self, error: AnomalyError) -> Graph:
        graph = self._build()
        culprit = error.culprit  # type: ignore[attr-defined]
        for n in graph.nodes:
            if n.id == culprit:
                n.mark, n.note = "culprit", str(error)
        if any(n.id == culprit for n in graph.nodes):
            graph.outputs = graph.outputs or [culprit]
        graph.note = "stopped here: the node that made it is marked"
        return graph


class set_detect_anomaly:
    """Switch :class:`detect_anomaly` on or off for this thread; as a context manager, until the block ends.

    Parameters
    ----------
    mode : whether to look.
    check_nan : False only records, so that errors carry the partial graph.

    Examples
    --------
    >>> from autograd_core import debug
    >>> _ = debug.set_detect_anomaly(True)
    >>> _ = debug.set_detect_anomaly(False)

    The name is PyTorch's ``torch.autograd.set_detect_anomaly``.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = _switch.on
        self._set(detect_anomaly(check_nan) if mode else None)

    @staticmethod
    def _set(anomaly: detect_anomaly | None) -> None:
        if _switch.on is not None:
            watch.remove(_switch.on)
        if anomaly is not None:
            watch.add(anomaly)
        _switch.on = anomaly

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if _switch.on is not None:
            _switch.on.finish(error)
        self._set(self._before)


class _Switch(threading.local):
    on: detect_anomaly | None = None


_switch = _Switch()


def _array(value: Any) -> Any:
    return value.array if isinstance(value, Tensor) else np.asarray(value)


def _finite(a: Any) -> bool:
    return a.dtype.kind not in "fc" or bool(np.isfinite(a).all())


def _first_bad(a: Any, test: Callable[[Any], Any]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(test(a))), a.shape)) if a.ndim else ()


def _element(name: str, a: Any, index: tuple[int, ...]) -> str:
    return f"{name}{list(index) if index else ''} = {_number(a[index])}"


def _number(x: Any) -> str:
    return f"{x.item() if hasattr(x, 'item') else x:.6g}"


def _what(a: Any) -> str:
    return "NaN" if np.isnan(a).any() else "an infinity"


def _reason(name: str, a: Any, index: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """The element of an input behind the output's element ``index``, or the input's range where several are."""
    if a.ndim == 0:
        return f"{name} = {_number(a)}"
    if a.shape == shape and shape:
        row = f", its row along the last dimension {_row(a, index)}" if a.ndim > 1 and not np.isfinite(a[index]) else ""
        return _element(name, a, index) + row
    if shape and a.ndim <= len(shape):
        tail = index[len(index) - a.ndim :]
        if all(d == 1 or d == s for d, s in zip(a.shape, shape[len(shape) - a.ndim :], strict=True)):
            return _element(name, a, tuple(0 if d == 1 else i for d, i in zip(a.shape, tail, strict=True)))
    if a.size == 0:
        return f"{name} is empty"
    return f"{name} between {_number(np.min(a))} and {_number(np.max(a))}"


def _row(a: Any, index: tuple[int, ...]) -> str:
    row = a[index[:-1]]
    if np.all(np.isinf(row)):
        return f"is infinite throughout ({plural(row.size, 'element')})"
    return "[" + ", ".join(_number(v) for v in row[:6]) + (", …]" if row.size > 6 else "]")


def _until_user(trace: TracebackType | None) -> TracebackType | None:
    """A traceback that ends at the user's innermost frame, where a debugger should stop."""
    steps = []
    t = trace
    while t is not None:
        steps.append(t)
        t = t.tb_next
    while steps and source.is_inside(steps[-1].tb_frame.f_code.co_filename):
        steps.pop()
    out: TracebackType | None = None
    for t in reversed(steps):
        out = TracebackType(out, t.tb_frame, t.tb_lasti, t.tb_lineno)
    return out or trace


# ------------------------------------------------------------------------------------------------- live graphs


@dataclass(slots=True)
class LiveGraph:
    """A tensor that keeps a graph alive: who holds it, and how much hangs on it."""

    tensor: Any = field(repr=False)
    holder: str = ""
    op: str = ""
    nodes: int = 0
    bytes: int = 0


class LiveGraphs(list[LiveGraph]):
    """What :func:`live_graphs` found, largest first; prints as a table with advice."""

    total_nodes: int = 0
    total_bytes: int = 0

    def __str__(self) -> str:
        if not self:
            return "no tensor keeps a graph alive"
        groups: dict[str, list[LiveGraph]] = {}
        for g in self:
            groups.setdefault(g.holder, []).append(g)
        lines = [
            f"{plural(len(self), 'tensor')} {'keeps' if len(self) == 1 else 'keep'} {plural(self.total_nodes, 'node')}"
            f" and {bytes_text(self.total_bytes)} alive"
        ]
        for holder, found in sorted(groups.items(), key=lambda e: -sum(g.nodes for g in e[1])):
            ops = ", ".join(dict.fromkeys(g.op for g in found))
            lines.append(
                f"  {holder}: {plural(len(found), 'tensor')} ({ops}), up to"
                f" {plural(max(g.nodes for g in found), 'node')} and {bytes_text(max(g.bytes for g in found))} each"
            )
        repeated = [h for h, found in groups.items() if len(found) > 1]
        if repeated:
            lines.append(
                f"{repeated[0]} holds {len(groups[repeated[0]])} tensors with their graphs: append loss.item() or"
                " loss.detach() instead."
            )
        return "\n".join(lines)


def live_graphs() -> LiveGraphs:
    """Find the tensors that keep graphs alive, who holds them, and how much hangs on each.

    A tensor that another found tensor was computed from is left out: its graph is part of the other's. Uses the garbage
    collector's list of objects, so it takes a moment in a large program.

    Returns
    -------
    LiveGraphs
        A list of :class:`LiveGraph`, largest first.

    Examples
    --------
    >>> import autograd_core as ac
    >>> from autograd_core import debug
    >>> x = ac.tensor([1.0], requires_grad=True)
    >>> losses = [(x * k).sum() for k in range(3)]                            # never detached
    >>> len(debug.live_graphs())
    3
    """
    # issubclass of the type, because isinstance asks the object for its class, which a dead weakref.proxy refuses.
    tensors = [t for t in gc.get_objects() if issubclass(type(t), Tensor)]
    found = [t for t in tensors if t.node is not None and t.node.op is not None]
    inner: set[int] = set()
    sizes: dict[int, tuple[int, int]] = {}
    everything: dict[int, int] = {}
    blocks: dict[int, int] = {}
    for t in found:
        seen: dict[int, Any] = {}
        todo = [t.node]
        while todo:
            n = todo.pop()
            if n is None or n.seq in seen:
                continue
            seen[n.seq] = n
            todo.extend(n.parents)
        own: dict[int, int] = {}
        for n in seen.values():
            for v in n.saved or ():
                for a in v if isinstance(v, tuple) else (v,):
                    if isinstance(a, np.ndarray) and a.ndim:
                        own[id(walk.owner(a))] = int(a.nbytes)
            everything[n.seq] = 1
        blocks.update(own)
        assert t.node is not None
        inner.update(k for k in seen if k != t.node.seq)
        sizes[id(t)] = (len(seen), sum(own.values()))
    tops = [t for t in found if t.node is not None and t.node.seq not in inner]
    hidden = {id(tensors), id(found), id(tops)}
    out = LiveGraphs(
        LiveGraph(t, holder, t.node.op.name, *sizes[id(t)])
        for t, holder in zip(tops, _holders(tops, hidden), strict=True)
        if t.node is not None
    )
    out.sort(key=lambda g: -g.nodes)
    out.total_nodes, out.total_bytes = len(everything), sum(blocks.values())
    return out


class _Referrers:
    """Who refers to some objects.  One look through all objects for many of them: a large program has millions."""

    def __init__(self, values: Sequence[Any], hidden: set[int]) -> None:
        self.hidden = hidden | {id(values)}
        ids = {id(v) for v in values}
        self.found: dict[int, list[Any]] = {}
        for r in gc.get_referrers(*values) if values else ():
            if id(r) not in self.hidden and not isinstance(r, FrameType):
                for v in gc.get_referents(r):
                    if id(v) in ids:
                        self.found.setdefault(id(v), []).append(r)

    def of(self, value: Any) -> list[Any]:
        return self.found.get(id(value), [])


def _holders(tensors: list[Any], hidden: set[int]) -> list[str]:
    """In words, for each tensor: which variable, list, dictionary or object holds it."""
    first = _Referrers(tensors, hidden)
    containers = {id(r): r for t in tensors for r in first.of(t) if isinstance(r, list | tuple | set | dict)}
    second = _Referrers(list(containers.values()), hidden)
    return [_holder(t, first, second) for t in tensors]


def _holder(t: Any, first: _Referrers, second: _Referrers) -> str:
    for depth in (0, 1):
        for r in first.of(t):
            if isinstance(r, list | tuple | set) and not isinstance(r, LiveGraphs):
                name = _variable(r, second)
                if name or depth:
                    return (
                        f"{type(r).__name__} {name!r}"
                        if name
                        else f"a {type(r).__name__} of {plural(len(r), 'element')}"
                    )
            if isinstance(r, dict):
                key = next((k for k, v in r.items() if v is t), None)
                if key is not None and (name := _dictionary(r, key, second)):
                    return name
            elif not isinstance(r, LiveGraph | ModuleType | TensorExtra):
                key = next((k for k, v in getattr(r, "__dict__", {}).items() if v is t), None)
                if key is not None:
                    return f"attribute {key!r} of a {type(r).__name__}"
    return _frame_variable(t) or "unknown holder"


def _variable(container: Any, referrers: _Referrers) -> str:
    for r in referrers.of(container):
        if isinstance(r, dict):
            key = next((k for k, v in r.items() if v is container), None)
            if isinstance(key, str):
                return key
    return _frame_variable(container).removeprefix("variable ").strip("'")


def _dictionary(d: dict[Any, Any], key: Any, referrers: _Referrers) -> str:
    for r in referrers.of(d):
        if isinstance(r, ModuleType):
            return f"variable {key!r}"
        if getattr(r, "__dict__", None) is d:
            return f"attribute {key!r} of a {type(r).__name__}"
    name = _frame_variable(d).removeprefix("variable ").strip("'")
    return f"dict {name!r}" if name else f"a dict under key {key!r}"


def _frame_variable(value: Any) -> str:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if not source.is_inside(frame.f_code.co_filename):
            for k, v in frame.f_locals.items():
                if v is value:
                    return f"variable {k!r}"
        frame = frame.f_back
    return ""
