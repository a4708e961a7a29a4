"""The backward pass: one loop over the graph, newest node first.

Nodes carry the tick at which they were made, and a node is always made after its parents.  So a heap ordered by tick
visits every node after all nodes that use it: a topological order without recursion and without a second pass.
"""

from __future__ import annotations

from functools import partial
from heapq import heappop, heappush, heapreplace
from operator import attrgetter
from typing import Any

import numpy as np
from numpy import ndarray

from .dtypes import C64, C128, F32, F64
from .errors import AutogradError
from .graph import FREED, OUTPUT, Node, clock, make_node, mode, overwritten, owner, set_recording, watch, wrote
from .kernels.coo import RowGradient
from .kernels.indexing import PartGradient, add_rows
from .op import raw, sym
from .quiet import hush, restore
from .sparse import SparseTensor, sparse_gradient
from .tensor import Tensor, wrap

NONE, SOME, ALL = 0, 1, 2  # of a node's parents lead to a wanted node
_SEQ = attrgetter("seq")


def run_backward(
    roots: list[tuple[Node, Any]],
    *,
    wanted: list[Node] | None = None,
    accumulate: bool = True,
    retain_graph: bool = False,
    create_graph: bool = False,
    symbolic: bool | None = None,
) -> list[Any] | None:
    """Propagate cotangents from ``roots`` to the leaves.

    Parameters
    ----------
    roots : list of (Node, cotangent)
        The cotangents are ndarrays, or Tensors when the pass is symbolic.
    wanted : list of Node, optional
        Compute the gradients of these nodes only (and return them unless ``accumulate``).
    accumulate : bool
        Add gradients to the leaves' ``.grad``.
    retain_graph : bool
        Keep what the nodes saved.
    create_graph : bool
        Record the pass.
    symbolic : bool, optional
        Run the rules on Tensors (default: when ``create_graph``).

    Returns
    -------
    list or None
        For each wanted node its gradient (ndarray or Tensor, None if unreached); None when accumulating.
    """
    symbolic = create_graph if symbolic is None else symbolic
    F = sym if symbolic else raw
    keep = retain_graph or create_graph
    # Most often every leaf is wanted, so nothing is left out; that is taken to be so until something else is met, which
    # saves a walk through the graph (4 % of a Hessian-vector product).
    hopeful = wanted is not None and not watch.on and not [n for n in wanted if n.op is not None]
    useful = None if wanted is None or hopeful else _useful(roots, wanted)
    found: dict[Node, Any] = dict.fromkeys(wanted) if wanted is not None else {}

    pending: dict[Node, Any] = {}  # node -> the sum of the cotangents that reached it so far
    owned: set[Node] = set()  # nodes whose pending sum is a buffer made here, free to be added into
    heap: list[tuple[int, Node]] = []
    leaves: dict[Node, Any] = {}  # leaves need no order: they are settled after the walk

    for node, g in roots:
        if useful is None or node in useful:
            box = leaves if node.op is None else pending
            if node in box:
                _add(box, node, g, owned)
            else:
                box[node] = g
                if box is pending:
                    heappush(heap, (-node.seq, node))

    before = mode.grad
    set_recording(create_graph)
    settings = hush()  # an infinite slope is no reason for a warning
    try:
        ahead: Node | None = None  # the first parent met: most often the next in order, so it need not wait in the heap
        g_ahead: Any = None
        while True:
            if ahead is not None:
                if heap and heap[0][0] < -ahead.seq:  # one that waits is newer
                    pending[ahead] = g_ahead
                    node = heapreplace(heap, (-ahead.seq, ahead))[1]
                    g = pending.pop(node)
                else:
                    node = ahead
                    g = g_ahead
                ahead = None
            elif heap:
                node = heappop(heap)[1]
                g = pending.pop(node)
            else:
                break
            extra = node.extra
            op = node.op
            rules = op.lifted if symbolic else op.straight
            if hopeful and (
                extra is not None  # a hook
                or rules is None  # a rule that may be told what is not needed
                or (op.packed and [p for p in node.p0 if p and p.op is None and p not in found])
            ):
                hopeful = False
                useful = _useful(roots, wanted)
            if useful is not None and node not in useful:  # met while there was hope
                continue
            if extra is not None:
                g = _run_hooks(node, g, symbolic)
            if useful is not None:
                if node in found:
                    found[node] = g
                    owned.discard(node)
                needed = useful[node]
                if needed == NONE:
                    continue
                if needed == SOME:
                    rules = None
            if rules is not None and node.seq > clock.last_write and (node.dtype is F32 or node.dtype is F64):
                slots = op.slots
                if slots and node.s0 is FREED:
                    raise _freed_error(node)
                if watch.on:
                    # not a lambda: it would make slower cells of the loop's variables
                    grads = watch.backward(node, g, partial(_shown_whole, rules, F, g, node))
                else:
                    grads = rules(F, g, node)
                if slots and not keep:  # node.free(), written out
                    node.s0 = FREED
                    node.s1 = node.s2 = None
            elif op is OUTPUT:
                _send_output(node, g, pending, heap)
                continue
            elif watch.on:
                grads = _watched(node, g, F, symbolic, keep, useful)
            else:
                grads = rule_gradients(node, g, F, symbolic, keep, useful)
            if extra is not None and extra.post_hooks:
                grads = _run_post_hooks(node, grads, g, F, symbolic)
            k = len(grads)
            while k:  # a while loop costs half of for ... in zip for one or two parents
                k -= 1
                gp = grads[k]
                if gp is None:
                    continue
                parent = node.p0[k] if op.packed else node.p1 if k else node.p0
                if parent is None:
                    continue
                a = gp.array if symbolic else gp
                if a.shape != parent.shape or a.dtype is not parent.dtype:
                    if a.__class__ is PartGradient:
                        gp = _joined(a, parent, leaves if parent.op is None else pending, owned, ahead)
                        if gp is None:
                            continue
                    if gp.shape != parent.shape or gp.dtype != parent.dtype:
                        gp = _fit(gp, parent, F, symbolic, op)
                if parent.op is None:
                    if parent in leaves:
                        _add(leaves, parent, gp, owned)
                    else:
                        leaves[parent] = gp
                        if hopeful and parent not in found:
                            hopeful = False
                            useful = _useful(roots, wanted)
                elif heap and parent in pending:
                    _add(pending, parent, gp, owned)
                elif ahead is None:
                    ahead = parent
                    g_ahead = gp
                elif parent is ahead:
                    g_ahead = g_ahead + gp
                else:
                    pending[parent] = gp
                    heappush(heap, (-parent.seq, parent))
        for leaf in leaves:
            if leaf.extra is not None and (wanted is None or leaf in found):
                leaves[leaf] = _run_hooks(leaf, leaves[leaf], symbolic)
            if leaf in found:
                found[leaf] = leaves[leaf]
    finally:
        restore(settings)
        set_recording(before)
    if accumulate:
        _accumulate(leaves, owned, found if wanted is not None else None, roots, create_graph)
        return None
    assert wanted is not None
    return [found[n] for n in wanted]


def rule_gradients(node: Node, g: Any, F: Any, symbolic: bool, keep: bool, useful: dict[Node, int] | None) -> list[Any]:
    """The gradients of a node's parents, from the rules of its op: the way that takes every op and case."""
    op, saved, parents = node.op, node.saved, node.parents
    if saved is None:
        raise _freed_error(node)
    if node.seq < clock.last_write and (slot := overwritten(node)) is not None:
        raise _overwritten_error(node, slot)
    if g.__class__ is list:  # an op with several outputs: one cotangent each, None where nothing came
        g = _fill_outputs(node, g, symbolic)
    d = node.dtype
    flip = d is not F32 and (d is C64 or d is C128) and op.holomorphic
    values: Any = saved
    if symbolic:
        values = lift(node)
        if op.reference is not None:
            return through_reference(node, values, g, useful)
    if flip:
        g = tuple(F.conj(v) for v in g) if g.__class__ is tuple else F.conj(g)
    if op.joint is not None:
        needs = tuple([p is not None and (useful is None or p in useful) for p in parents])
        grads = list(op.joint(F, g, values, needs))
    elif useful is None:
        grads = [None if p is None or rule is None else rule(F, g, values) for p, rule in zip(parents, op.rules)]
    else:
        grads = [
            None if p is None or rule is None or p not in useful else rule(F, g, values)
            for p, rule in zip(parents, op.rules)
        ]
    grads = _whole(grads)
    if flip:
        grads = [None if gp is None or p is None else F.conj(gp) for gp, p in zip(grads, parents)]
    if not keep:
        node.free()
    return grads


def _add(box: dict[Node, Any], node: Node, g: Any, owned: set[Node]) -> None:
    """Add a further contribution to a node's cotangent."""
    old = box[node]
    if old.__class__ is not ndarray or old.ndim == 0:  # a Tensor, a sparse gradient, a number
        box[node] = old + g
    elif node in owned:
        old += g
    else:
        box[node] = old + g
        owned.add(node)


def _fit(gp: Any, parent: Node, F: Any, symbolic: bool, op: Any) -> Any:
    """Reduce a gradient to the shape and dtype of the value it belongs to."""
    if gp.__class__ is PartGradient:
        gp = gp.whole()
    if not op.elementwise and gp.shape != parent.shape:
        raise AutogradError(
            f"backward: the rule of '{op.name}' gave a gradient of shape {tuple(gp.shape)} for an input of shape "
            f"{parent.shape}."
        )
    if gp.shape != parent.shape:
        gp = F.sum_to(gp, parent.shape)
    dtype = gp.array.dtype if symbolic else gp.dtype
    if dtype != parent.dtype:
        if dtype.kind == "c" and parent.dtype.kind != "c":
            gp = F.real(gp)
        gp = F.cast(gp, parent.dtype)
    return gp


def _joined(part: PartGradient, parent: Node, box: dict[Node, Any], owned: set[Node], ahead: Node | None) -> Any:
    """Add the gradient of a part of an array to what the array has already (None), or make it an array."""
    if parent in box:
        if parent in owned and part.value.dtype is parent.dtype:
            part.add_to(box[parent])
            return None
    elif parent is not ahead:
        owned.add(parent)
    return part.whole()


def _whole(grads: Any) -> list[Any]:
    """The gradients of a node's parents, each as an array."""
    return [v.whole() if v.__class__ is PartGradient else v for v in grads]


def _shown_whole(rules: Any, F: Any, g: Any, node: Node) -> list[Any]:
    """What a node's rules give, for those who want to look at it."""
    return _whole(rules(F, g, node))


def _watched(node: Node, g: Any, F: Any, symbolic: bool, keep: bool, useful: dict[Node, int] | None) -> Any:
    return watch.backward(node, g, lambda: rule_gradients(node, g, F, symbolic, keep, useful))


def _useful(roots: list[tuple[Node, Any]], wanted: list[Node] | None) -> dict[Node, int] | None:
    """The nodes on a path from a root to a wanted node, each with how many of its parents are such nodes.

    None if all are: every leaf is wanted, so nothing is to be left out.  Nothing older than the oldest wanted node can
    lead to one, so the search stops there.
    """
    assert wanted is not None
    targets = set(wanted)
    oldest = min([n.seq for n in wanted], default=0)
    useful = {n: NONE for n in wanted if n.op is None}
    every = len(useful) == len(targets)
    seen: set[Node] = set()
    stack = [node for node, _ in roots if node.seq >= oldest]
    while stack:
        node = stack.pop()
        op = node.op
        if op is None:
            every = every and node in useful
        elif node not in seen:
            seen.add(node)
            for p in node.p0 if op.packed else (node.p0,) if len(op.inputs) == 1 else (node.p0, node.p1):
                if p is not None and p not in seen:
                    if p.op is None:
                        every = every and p in useful
                    elif p.seq >= oldest:
                        stack.append(p)
                    else:
                        every = False
    if every:
        return None
    for node in sorted(seen, key=_SEQ):
        lead, stray = False, False
        for p in node.parents:
            if p is not None:
                if p in useful:
                    lead = True
                else:
                    stray = True
        if lead:
            useful[node] = SOME if stray else ALL
        elif node in targets:
            useful[node] = NONE
    return useful


# ------------------------------------------------------------------------------------------------- several outputs


def _send_output(node: Node, g: Any, pending: dict[Node, Any], heap: list[tuple[int, Node]]) -> None:
    """Put one output's cotangent into the list of its op's node."""
    hub = node.p0
    if hub not in pending:
        pending[hub] = [None] * len(hub.shape)
        heappush(heap, (-hub.seq, hub))
    cotangents, i = pending[hub], node.s0
    cotangents[i] = g if cotangents[i] is None else cotangents[i] + g


def _fill_outputs(node: Node, g: list[Any], symbolic: bool) -> tuple[Any, ...]:
    """Cotangents of all outputs, zero where none came (None where a user's Function asked for that)."""
    if not getattr(node.op, "materialize", True):
        return tuple(g)
    out = []
    for v, (shape, dtype) in zip(g, node.shape, strict=True):
        if v is None:
            v = np.zeros(shape, dtype)
            v = wrap(v) if symbolic else v
        out.append(v)
    return tuple(out)


# ------------------------------------------------------------------------------------------------- higher order


def lift(node: Node) -> list[Any]:
    """What a node saved, as Tensors at their places in the graph, so that its rules can be differentiated."""
    op = node.op
    out: list[Any] = []
    for slot, value in zip(op.slots, node.saved or (), strict=True):
        if slot in op.inputs:
            if op.variadic:
                value = tuple(
                    wrap(v, p) if isinstance(v, np.ndarray) else v for v, p in zip(value, node.parents, strict=True)
                )
            elif isinstance(value, np.ndarray):
                value = wrap(value, node.parents[op.inputs.index(slot)])
        elif slot == "y" or slot in op.outputs:
            value = _lift_output(node, slot, value)
        out.append(value)
    return out


def _lift_output(node: Node, slot: str, value: Any) -> Any:
    op = node.op
    if len(op.outputs) == 1:
        return wrap(value, node)
    if slot == "y":
        return tuple(_lift_output(node, o, v) for o, v in zip(op.outputs, value, strict=True))
    i = op.outputs.index(slot)
    if i not in op.differentiable:
        return wrap(value) if isinstance(value, np.ndarray) else value
    if len(op.differentiable) == 1:
        return wrap(value, node)
    assert node.extra is not None and node.extra.outputs is not None
    place = node.extra.outputs[i]()  # the live output, so that a gradient asked of it is seen
    if place is None:
        place = make_node(OUTPUT, (node,), (i,), value.shape, value.dtype)
    return wrap(value, place)


def through_reference(node: Node, inner: list[Any], g: Any, useful: dict[Node, int] | None) -> list[Any]:
    """Gradients of a fused op by differentiating its reference composition at this node.

    Each input enters through an ``alias`` of its own, so that the walk stops there, also when one input was computed
    from another or the same tensor was given twice.
    """
    op = node.op
    value = dict(zip(op.slots, inner, strict=True))
    recording = mode.grad
    set_recording(True)
    try:
        entries: list[Any] = []
        if op.variadic:
            given = value[op.inputs[0]]
            args: list[Any] = [[sym.alias(v) if isinstance(v, Tensor) else v for v in given]]
            entries = list(args[0])
        else:
            for name in op.inputs:
                v = value[name]
                entries.append(sym.alias(v) if isinstance(v, Tensor) and v.node is not None else v)
            args = list(entries)
        y = op.reference(*args, *[value[p] for p in op.params])
    finally:
        set_recording(recording)
    ask = [
        e.node
        if isinstance(e, Tensor) and e.node is not None and p is not None and (useful is None or p in useful)
        else None
        for e, p in zip(entries, node.parents, strict=True)
    ]
    targets = [n for n in ask if n is not None]
    ys = y if isinstance(y, tuple) else (y,)
    gs = g if isinstance(g, tuple) else (g,)
    if len(gs) != len(ys):  # the reference computes the differentiable outputs only, or all of them
        ys = tuple(ys[i] for i in op.differentiable)
        gs = tuple(gs[i] for i in op.differentiable) if len(gs) > len(op.differentiable) else gs
    roots = [(t.node, c) for t, c in zip(ys, gs, strict=True) if t.node is not None]
    got = run_backward(
        roots, wanted=targets, accumulate=False, retain_graph=True, create_graph=recording, symbolic=True
    )
    by = dict(zip(targets, got or (), strict=True))
    return [None if n is None else by[n] for n in ask]


# ------------------------------------------------------------------------------------------------- hooks and leaves


def _run_hooks(node: Node, g: Any, symbolic: bool) -> Any:
    """Tensor hooks and retained gradients of one node, in PyTorch's order; returns the gradient to go on with."""
    extra = node.extra
    assert extra is not None
    for hook in list((extra.hooks or {}).values()):
        got = hook(g if symbolic else _shown(g))
        if got is not None:
            if not isinstance(got, Tensor):
                raise TypeError(f"register_hook: a hook must return None or a Tensor, got {type(got).__name__}.")
            if tuple(got.shape) != tuple(g.shape):
                raise AutogradError(
                    f"register_hook: a hook changed the gradient's shape from {tuple(g.shape)} to {tuple(got.shape)}."
                )
            g = got if symbolic else got.row_gradient() if isinstance(got, SparseTensor) else got.array
    for hook in list((extra.prehooks or {}).values()):
        got = hook((g if symbolic else wrap(np.asarray(g)),))
        if got is not None:
            g = got[0] if symbolic else got[0].array
    if extra.retain:
        new = g if symbolic else wrap(np.array(g))
        extra.grad = new if extra.grad is None else extra.grad + new
    return g


def _shown(g: Any) -> Tensor:
    """A gradient of the ordinary backward as a hook sees it."""
    return sparse_gradient(g) if g.__class__ is RowGradient else wrap(np.asarray(g))


def _run_post_hooks(node: Node, grads: Any, g: Any, F: Any, symbolic: bool) -> list[Any]:
    """Hooks of ``Node.register_hook``: they see the gradients of the parents and may replace them."""
    assert node.extra is not None and node.extra.post_hooks is not None
    out = [
        v if v is None or p is None else _fit(v, p, F, symbolic, node.op)
        for v, p in zip(grads, node.parents, strict=True)
    ]
    for hook in list(node.extra.post_hooks.values()):
        shown = tuple(v if v is None or isinstance(v, Tensor) else wrap(np.asarray(v)) for v in out)
        cotangents = tuple(
            v if v is None or isinstance(v, Tensor) else wrap(np.asarray(v))
            for v in (g if isinstance(g, (list, tuple)) else (g,))
        )
        got = hook(shown, cotangents)
        if got is not None:
            out = [v if v is None or symbolic else v.array for v in got]
    return out


def _accumulate(
    leaves: dict[Node, Any], owned: set[Node], only: dict[Node, Any] | None, roots: Any, create_graph: bool
) -> None:
    """Add what reached each leaf to its ``.grad``; no two leaves, and no leaf and the caller, share a buffer."""
    given: set[int] = {id(owner(g.array if isinstance(g, Tensor) else g)) for _, g in roots}
    for leaf, g in leaves.items():
        if only is not None and leaf not in only:
            continue
        old = leaf.grad  # type: ignore[attr-defined]
        if old is None and g.__class__ is ndarray and not create_graph:
            if leaf not in owned:
                buffer = id(g)
                if g.base is not None or buffer in given or not g.flags.writeable:
                    g = g.copy()
                given.add(buffer)
            leaf.grad = wrap(g)  # type: ignore[attr-defined]
            if leaf.extra is None:
                continue
        elif create_graph:
            g = g if isinstance(g, Tensor) else wrap(np.asarray(g))
            leaf.grad = sym.clone(g) if old is None else old + g  # type: ignore[attr-defined]
        elif g.__class__ is RowGradient or old.__class__ is SparseTensor:
            leaf.grad = _add_sparse(old, g)  # type: ignore[attr-defined]
        elif old is not None:
            a = g.array if isinstance(g, Tensor) else g
            if old.node is not None:
                leaf.grad = wrap(old.array + a)  # type: ignore[attr-defined]
            else:
                old.array += a
                wrote(old.array)
        else:
            leaf.grad = wrap(np.array(g.array if isinstance(g, Tensor) else g))  # type: ignore[attr-defined]
        if leaf.extra is not None and leaf.extra.post_hooks:
            for hook in list(leaf.extra.post_hooks.values()):
                hook()
    # Buffers are compared by identity while all of them are alive in `leaves`, so ids cannot be reused meanwhile.


def _add_sparse(old: Tensor | None, g: Any) -> Tensor:
    """The sum of a leaf's old gradient and a new one, where one of them is sparse; it is as long as both are."""
    if g.__class__ is not RowGradient:
        return old + (g if isinstance(g, Tensor) else wrap(g))  # type: ignore[operator, no-any-return]
    if old is None:
        return sparse_gradient(RowGradient(g.rows, g.values.copy(), g.shape))
    if old.__class__ is SparseTensor or old.node is not None:
        return old.detach() + sparse_gradient(g)  # type: ignore[operator, no-any-return]
    add_rows(old.array, g.rows, g.values)
    wrote(old.array)
    return old


def _freed_error(node: Node) -> AutogradError:
    return AutogradError(
        f"backward: this graph was already freed by an earlier backward() (at '{node.op.name}'); "
        "pass retain_graph=True to the first call."
    )


def _overwritten_error(node: Node, slot: str) -> AutogradError:
    where = node.extra.where if node.extra is not None else None
    at = f" ({where[0]}:{where[1]})" if where else ""
    return AutogradError(
        f"backward: the value '{slot}' saved by '{node.op.name}'{at} was modified in place afterwards, so its gradient "
        "would be wrong. Use the out-of-place form, or clone() before writing."
    )
