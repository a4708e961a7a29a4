"""Writing into tensors: the array changes at once, and the tensor's place in the graph moves to a new node.

A write through a view must reach the graph of everything that shares the memory.  Views remember what they were taken
from (``Tensor.extra``), so after a write into a view its base gets a node that says "the old base with this region
replaced", and the other live views are taken anew from that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import dtypes
from .errors import AutogradError, DtypeError, ShapeError
from .graph import Node, extra_of, make_node, mode, owner, tick, wrote
from .op import OPS, Op, defop, raw, sym
from .tensor import Tensor, wrap


def inplace(function: Callable[..., Any], name: str | None = None) -> Callable[..., Tensor]:
    """The in-place form of an op: ``exp_ = inplace(exp)``."""
    label = name or f"{function.__name__}_"

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        check_writable(self, label)
        start = tick()
        result = function(self, *args, **kwargs)
        if result is NotImplemented:
            kinds = ", ".join(type(a).__name__ for a in args)
            raise TypeError(f"{label}: expected tensors or numbers, got ({kinds}).")
        return write(self, result, label, start)

    method.__name__ = method.__qualname__ = label
    method.__dict__["__wrapped__"] = function  # its signature is this method's
    method.__doc__ = f"The in-place form of :func:`{function.__name__}`: the result is written into this tensor."
    return method


def check_writable(x: Tensor, name: str) -> None:
    """Raise where PyTorch forbids an in-place operation on ``x``."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}: expected a Tensor to write into, got {type(x).__name__}.")
    if x.extra is not None and x.extra.inference and not mode.inference:
        raise AutogradError(
            f"{name}: a tensor made in inference_mode() cannot be changed in place outside of it; clone() it first."
        )
    if not mode.grad:
        return
    node = x.node
    if node is not None and node.op is None:
        raise AutogradError(
            f"{name}: a leaf tensor that requires grad cannot be changed by an in-place operation; "
            "wrap the change in no_grad(), or use the out-of-place form."
        )
    if x.extra is not None and x.extra.view_of is not None:
        root = x
        while root.extra is not None and root.extra.view_of is not None:
            root = root.extra.view_of
        if root.node is not None and root.node.op is None:
            raise AutogradError(
                f"{name}: a view of a leaf tensor that requires grad cannot be changed by an in-place operation; "
                "wrap the change in no_grad(), or clone() the leaf first."
            )


def write(x: Tensor, result: Tensor, name: str, since: int | None = None) -> Tensor:
    """Put ``result`` (just computed, of x's shape) into the memory of ``x`` and move x's place in the graph.

    ``since`` is the tick at which the computation began: what its nodes saved of x's memory is kept as it was.

    Raises
    ------
    RuntimeError
        If the shapes differ, or the result's type cannot be stored in x's.
    """
    y, target = result.array, x.array
    if y.shape != target.shape:
        try:
            fits = np.broadcast_shapes(y.shape, target.shape) == target.shape
        except ValueError:
            fits = False
        if not fits:
            raise ShapeError(
                f"{name}: the result has shape {y.shape}, which does not fit the tensor of shape {target.shape} it is written into."
            )
        result = sym.broadcast_to(result, target.shape)
        y = result.array
    if y.dtype != target.dtype:
        if dtypes.category(y.dtype) > dtypes.category(target.dtype):
            raise DtypeError(
                f"{name}: a result of type {y.dtype} cannot be stored in a tensor of type {target.dtype}; "
                "use the out-of-place form, or convert the tensor first."
            )
        result = sym.cast(result, target.dtype)
        y = result.array
    node = result.node
    if y is not target:
        if node is not None:
            if node.saved:
                _keep_old_values(node, target)
            if since is not None:
                _keep_inner_values(node, target, since)
        store(target, y, name)
    wrote(target)
    if mode.grad:
        if node is not None or x.node is not None or x.extra is not None:
            move(x, node)
    return x


def store(target: Any, value: Any, name: str) -> None:
    """Copy values into an array, with the house's error for memory that cannot be written."""
    try:
        np.copyto(target, value, casting="unsafe")
    except ValueError:
        if not target.flags.writeable:
            raise AutogradError(
                f"{name}: this tensor's memory cannot be written: it is an expanded tensor (several elements share one "
                "place) or comes from a read-only array. clone() it first."
            ) from None
        raise


def _keep_inner_values(node: Node, target: Any, since: int) -> None:
    """The same for the nodes behind ``node`` that are as new (the op was a composition)."""
    stack, seen = [node], {node}
    while stack:
        for parent in stack.pop().parents:
            if parent is not None and parent.op is not None and parent.seq > since and parent not in seen:
                seen.add(parent)
                stack.append(parent)
                if parent.saved:
                    _keep_old_values(parent, target)


def _keep_old_values(node: Node, target: Any) -> None:
    """Give a node copies of what it saved in the memory that is about to be overwritten."""
    base = owner(target)

    def kept(v: Any) -> Any:
        if isinstance(v, np.ndarray) and owner(v) is base:
            return v.copy()
        return tuple(kept(u) for u in v) if isinstance(v, tuple) else v

    assert node.saved is not None
    node.save(tuple(kept(v) for v in node.saved))


# ------------------------------------------------------------------------------------------------- views


def move(x: Tensor, node: Node | None) -> None:
    """x's values are now described by ``node``: tell its base and every live view of it."""
    if x.extra is None or (x.extra.view_of is None and not x.extra.views):
        _shift(x, node)
        return
    new = wrap(x.array, node)
    child = x
    while child.extra is not None and child.extra.view_of is not None:
        base = child.extra.view_of
        old, op, params = base.node, child.extra.view_op, child.extra.view_params
        place = None
        if old is not None or new.node is not None:
            saved = OPS["write_through"].saves((base.array, new.array), (old, new.node), (op, params), base.array)
            place = make_node(OPS["write_through"], (old, new.node), saved, base.array.shape, base.array.dtype)
        new = wrap(base.array, place)
        child = base
    _shift(child, new.node)
    stale = [child]
    while stale:
        source = stale.pop()
        for ref in (source.extra.views or ()) if source.extra is not None else ():
            view = ref()
            if view is None or view.extra is None or view.extra.view_of is not source:
                continue
            if source.node is None:
                view.node = None
            else:
                op, params = view.extra.view_op, view.extra.view_params
                saved = op.saves((source.array,), (source.node,), params, view.array)
                view.node = make_node(op, (source.node,), saved, view.array.shape, view.array.dtype)
            stale.append(view)


def _shift(x: Tensor, node: Node | None) -> None:
    """Move one tensor's place; a retained gradient is asked for at the new place."""
    old = x.node
    x.node = node
    if old is not None and node is not None and old.op is not None and old.extra is not None and old.extra.retain:
        old.extra.retain = False
        extra_of(node).retain = True


def _replace(old: Any, new: Any, view: Op, params: tuple[Any, ...]) -> Any:
    """A copy of ``old`` with the region that ``view`` shows replaced by ``new``."""
    out = np.copy(old, order="K")
    region = view.forward(out, *params)
    if not np.may_share_memory(region, out):  # a layout in which the view is a copy: write through a plain one
        out = np.array(old, order="C")
        region = view.forward(out, *params)
    region[...] = new
    return out


def _zero_region(x: Any, view: Op, params: tuple[Any, ...]) -> Any:
    return _replace(x, 0, view, params)


def _take_view(F: Any, g: Any, view: Op, params: tuple[Any, ...]) -> Any:
    return view.forward(g, *params) if F is raw else view.plain(g, *params)


defop(
    _zero_region,
    params="view params",
    name="zero_region",
    formula="x, with the region that the view shows set to 0",
    x=lambda g, view, params, F: F.zero_region(g, view, params),
)
defop(
    _replace,
    "old new",
    "view params",
    name="write_through",
    formula="old, with the region that the view shows replaced by new",
    old=lambda g, view, params, F: F.zero_region(g, view, params),
    new=lambda g, view, params, F: _take_view(F, g, view, params),
)
