"""The graph: nodes, the one clock, grad mode, in-place stamps and the observer switch.

A tensor is an array and its place in the graph.  The place is a :class:`Node`: which op made the value, from which
parents, and what that op's gradient rules will need.  Nodes know nothing of tensors, so an activation that no rule
needs dies as soon as the user's program drops it.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

tick = itertools.count(1).__next__
"""The one clock.  It orders nodes for backward, stamps in-place writes and numbers nodes in pictures."""


late: dict[str, Callable[..., Any]] = {}
"""What a file asks of one above it: ``autograd`` puts ``backward`` here, which ``Tensor.backward`` calls."""


# ---------------------------------------------------------------------------------------------------- grad mode


class Mode(threading.local):
    """Per-thread switches.  Class attributes are what a new thread starts with."""

    grad: bool = True  # written by set_recording() only
    inference: bool = False


mode = Mode()

unrecorded: set[int] = set()
"""The threads in which recording is off.  Dispatchers look whether there is any before they look at their own thread's
:data:`mode`, which takes five times as long (5 % of a small op)."""


def set_recording(on: bool) -> None:
    """Whether this thread records from now on."""
    mode.grad = on
    if on:
        unrecorded.discard(threading.get_ident())
    else:
        unrecorded.add(threading.get_ident())


class Inferring:
    """How many ``inference_mode()`` blocks are open, in all threads: dispatchers look at this before they look at the
    thread's :data:`mode`, which takes five times as long."""

    __slots__ = ("_lock", "on")

    def __init__(self) -> None:
        self.on = 0
        self._lock = threading.Lock()

    def add(self, change: int) -> None:
        with self._lock:
            self.on += change


inferring = Inferring()


# ---------------------------------------------------------------------------------------------------- nodes


class NodeExtra:
    """What few nodes have: hooks, a retained gradient, sibling outputs, provenance."""

    __slots__ = ("grad", "hooks", "outputs", "post_hooks", "prehooks", "retain", "where")

    def __init__(self) -> None:
        self.hooks: dict[int, Callable[..., Any]] | None = None  # on the gradient of the node's value
        self.prehooks: dict[int, Callable[..., Any]] | None = None  # PyTorch's Node.register_prehook
        self.post_hooks: dict[int, Callable[..., Any]] | None = None  # after the rules ran / the leaf accumulated
        self.retain: bool = False
        self.grad: Any = None  # the retained gradient of a node that is not a leaf
        self.outputs: tuple[Any, ...] | None = None  # weak references to the Output nodes of an op with several outputs
        self.where: Any = None  # provenance, filled by an observer (file, line, module path)


class Node:
    """One recorded application of an op: a place in the graph.

    Attributes
    ----------
    op : Op or None
        The op that made the value (None for a leaf).
    parents : tuple of (Node or None)
        One per input; None where the input is a constant.
    saved : tuple or None
        The values that the op's rules name, in the order of ``op.slots``; None once backward has freed them.
    p0, p1, s0, s1, s2
        Where these are kept: the parents and the saved values one by one, or, for a ``packed`` op (one with more
        than two inputs or three slots), the two tuples in ``p0`` and ``s0``.  CPython's collector visits every
        object of a growing graph some five times; with tuples there were four objects a node, now there is one.
    shape, dtype
        Of the value (a NumPy shape and dtype): gradients are reduced and cast to them.
    seq : int
        The clock's tick at creation; creation order is a topological order.
    """

    # No __init__: dispatchers fill the slots themselves, which is 30 % quicker than a call of one; others use make_node.
    __slots__ = ("__weakref__", "dtype", "extra", "op", "p0", "p1", "s0", "s1", "s2", "seq", "shape")

    op: Any
    p0: Any
    p1: Node | None
    s0: Any
    s1: Any
    s2: Any
    shape: Any  # a tuple of int; for an op with several differentiable outputs, one (shape, dtype) per output
    dtype: np.dtype[Any]
    seq: int
    extra: NodeExtra | None

    @property
    def parents(self) -> tuple[Node | None, ...]:
        op = self.op
        if op is None:
            return ()
        if op.packed:
            return self.p0  # type: ignore[no-any-return]
        return (self.p0,) if len(op.inputs) == 1 else (self.p0, self.p1)

    @property
    def saved(self) -> tuple[Any, ...] | None:
        op = self.op
        if op is None or not op.slots:
            return ()
        if self.s0 is FREED:
            return None
        if op.packed:
            return self.s0  # type: ignore[no-any-return]
        k = len(op.slots)
        return (self.s0,) if k == 1 else (self.s0, self.s1) if k == 2 else (self.s0, self.s1, self.s2)

    def save(self, values: tuple[Any, ...]) -> None:
        """Keep ``values``, in the order of ``op.slots``."""
        if self.op.packed:
            self.s0 = values
        else:
            for slot, value in zip(("s0", "s1", "s2"), values):
                setattr(self, slot, value)

    def free(self) -> None:
        """Drop what is saved."""
        if self.op.slots:
            self.s0 = FREED
            self.s1 = self.s2 = None

    def name(self) -> str:
        """PyTorch's spelling of the op's name: ``mul`` is ``MulBackward``."""
        if self.op is None:
            return "AccumulateGrad"
        return "".join(p[:1].upper() + p[1:] for p in self.op.name.split("_")) + "Backward"

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The parents as PyTorch gives them: pairs of (node, index of the output it made)."""
        return tuple(
            (None, 0) if p is None else (p.p0, p.s0) if is_output(p) else (p, 0)
            for p in self.parents
        )

    @property
    def metadata(self) -> dict[str, Any]:
        return {"op": self.op.name if self.op is not None else None, "seq": self.seq}

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(grad_inputs, grad_outputs)`` after this node's rules ran (PyTorch's ``Node.register_hook``)."""
        extra = extra_of(self)
        if extra.post_hooks is None:
            extra.post_hooks = {}
        return RemovableHandle(extra.post_hooks, hook)

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(grad_outputs)`` before this node's rules run."""
        extra = extra_of(self)
        if extra.prehooks is None:
            extra.prehooks = {}
        return RemovableHandle(extra.prehooks, hook)

    def __repr__(self) -> str:
        return f"<{self.name()}>"


class _Freed:
    """What stands in ``Node.s0`` once backward has dropped the saved values."""

    def __repr__(self) -> str:
        return "FREED"


FREED = _Freed()


def packed(inputs: int, slots: int) -> bool:
    """Whether the nodes of an op with so many inputs and slots keep them in tuples."""
    return inputs > 2 or slots > 3


class Leaf(Node):
    """The place of a tensor that the user asked a gradient for.  Its gradient and hooks live here."""

    __slots__ = ("grad",)

    grad: Any


def make_node(
    op: Any,
    parents: tuple[Node | None, ...],
    saved: tuple[Any, ...],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
) -> Node:
    """A node made now."""
    node = Node()
    node.op, node.shape, node.dtype = op, shape, dtype
    node.seq, node.extra = tick(), None
    if op.packed:
        node.p0 = parents
    else:
        node.p0 = parents[0]
        if len(parents) == 2:
            node.p1 = parents[1]
    node.save(saved)
    return node


def make_leaf(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Leaf:
    """A leaf made now."""
    leaf = Leaf()
    leaf.op, leaf.shape, leaf.dtype = None, shape, dtype
    leaf.seq, leaf.extra, leaf.grad = tick(), None, None
    return leaf


def is_output(node: Node) -> bool:
    """Whether ``node`` is one output of an op with several differentiable outputs (its parent is the op's node)."""
    return node.op is OUTPUT


def extra_of(node: Node) -> NodeExtra:
    """The node's extras, created at first use."""
    if node.extra is None:
        node.extra = NodeExtra()
    return node.extra


class _OutputOp:
    """The op of the small nodes that stand for one output each of an op with several differentiable outputs."""

    name = "output"
    inputs = ("op",)
    params = ("index",)
    slots = ("index",)
    packed = False
    straight = lifted = None


OUTPUT = _OutputOp()


class RemovableHandle:
    """Takes a hook out again (``remove()``, or leaving a ``with`` block)."""

    __slots__ = ("_hooks", "id")

    def __init__(self, hooks: dict[int, Callable[..., Any]], hook: Callable[..., Any]) -> None:
        self._hooks: dict[int, Callable[..., Any]] | None = hooks
        self.id = tick()
        hooks[self.id] = hook

    def remove(self) -> None:
        if self._hooks is not None:
            self._hooks.pop(self.id, None)
            self._hooks = None

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


# ---------------------------------------------------------------------------------------------------- in-place stamps


class _Clock:
    """When any tensor was last written in place: older nodes must look whether it was a value of theirs."""

    __slots__ = ("last_write",)

    def __init__(self) -> None:
        self.last_write = 0


clock = _Clock()

stamps: dict[int, int] = {}
"""id of an array that owns memory -> the tick of its last in-place write.  Entries leave with their array."""

_watchers: dict[int, Any] = {}  # the weak references whose callbacks clear `stamps`


def owner(array: np.ndarray[Any, Any]) -> Any:
    """The object that owns the memory of ``array`` (NumPy collapses chains of views, buffers may add one link)."""
    while array.base is not None:
        if not isinstance(array.base, np.ndarray):
            return array.base
        array = array.base
    return array


def wrote(array: np.ndarray[Any, Any]) -> None:
    """Stamp an in-place write.  A node older than the stamp that saved this memory refuses to run its rules."""
    base = owner(array)
    key = id(base)
    now = tick()
    if key not in stamps:
        try:
            _watchers[key] = weakref.ref(base, partial(_forget, key))
        except TypeError:  # a foreign buffer that cannot be watched: keep it alive with its stamp
            _watchers[key] = base
    clock.last_write = stamps[key] = now


def _forget(key: int, _: Any) -> None:
    """An array died: its id may be given to another one."""
    stamps.pop(key, None)
    _watchers.pop(key, None)


def overwritten(node: Node) -> str | None:
    """The name of a value that ``node`` saved and that was written to since, or None."""
    for slot, value in zip(node.op.slots, node.saved or (), strict=False):
        if isinstance(value, np.ndarray) and stamps.get(id(owner(value)), 0) > node.seq:
            return str(slot)
    return None


# ---------------------------------------------------------------------------------------------------- observers


class _Observers(threading.local):
    """The observers of one thread, innermost first."""

    stack: tuple[Any, ...] = ()


class Watch:
    """The switch that every dispatcher, the engine and ``nn.Module`` look at: ``on`` is False unless an observer is active.

    An observer has methods that stand around the real work (do it with ``run`` and hand its result on):

    - ``forward(op, args, run)`` around the application of an op; call ``run(*args)``, its inputs and parameters;
    - ``backward(node, g, run)`` around the rules of one node; call ``run()``;
    - ``module(module, run)``, where it has one, around the call of an ``nn.Module``; call ``run()``.

    Observers are per thread and nest; the last one added is the outermost.
    """

    __slots__ = ("_active", "_local", "on")

    def __init__(self) -> None:
        self.on = False
        self._local = _Observers()
        self._active = 0

    def observers(self) -> tuple[Any, ...]:
        return self._local.stack

    @contextmanager
    def observing(self, observer: Any) -> Iterator[Any]:
        self.add(observer)
        try:
            yield observer
        finally:
            self.remove(observer)

    def add(self, observer: Any) -> None:
        """Let an observer look at this thread until :meth:`remove`; prefer :meth:`observing`."""
        self._local.stack += (observer,)
        self._active += 1
        self.on = True

    def remove(self, observer: Any) -> None:
        """Take an observer of this thread out."""
        self._local.stack = tuple(o for o in self._local.stack if o is not observer)
        self._active -= 1
        self.on = self._active > 0

    def forward(self, op: Any, plain: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Apply an op through this thread's observers."""
        stack = self._local.stack
        if len(stack) == 1:
            return stack[0].forward(op, args, plain)
        run = plain
        for observer in stack:
            run = partial(_forward_through, observer, op, run)
        return run(*args)

    def backward(self, node: Node, g: Any, run: Callable[[], Any]) -> Any:
        """Run a node's rules through this thread's observers."""
        for observer in self._local.stack:
            run = partial(observer.backward, node, g, run)
        return run()

    def module(self, module: Any, run: Callable[[], Any]) -> Any:
        """Call a module through those of this thread's observers that look at modules."""
        for observer in self._local.stack:
            if hasattr(observer, "module"):
                run = partial(observer.module, module, run)
        return run()


def _forward_through(observer: Any, op: Any, run: Callable[..., Any], *args: Any) -> Any:
    return observer.forward(op, args, run)


watch = Watch()
