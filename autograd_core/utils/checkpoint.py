"""Memory for time: a segment of the computation is run again in backward instead of keeping its intermediate values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..autograd import Function, enable_grad, grad, is_grad_enabled
from ..errors import AutogradError
from ..graph import Node, tick
from ..random import get_rng_state, set_rng_state
from ..tensor import Tensor, wrap
from ._pytree import tree_flatten, tree_unflatten

__all__ = ["checkpoint", "checkpoint_sequential"]


def _ends(ys: list[Tensor], since: int, inputs: set[Node]) -> list[Node]:
    """The nodes that a segment's results depend on and that were there before it: parameters and the like."""
    found: dict[Node, None] = {}
    stack: list[Node] = [y.node for y in ys if y.node is not None]
    seen = set(stack)
    while stack:
        node = stack.pop()
        if node in inputs:
            continue
        if node.op is None or node.seq <= since:
            found[node] = None
            continue
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return list(found)


class _Segment:
    """What is needed to run a function again."""

    def __init__(self, function: Callable[..., Any], args: Any, kwargs: Any, preserve: bool) -> None:
        self.function = function
        self.leaves, self.spec = tree_flatten((args, kwargs))
        self.where = [i for i, v in enumerate(self.leaves) if isinstance(v, Tensor) and v.node is not None]
        self.state = get_rng_state() if preserve else None

    def run(self) -> tuple[list[Tensor], list[Any], Any]:
        """Inputs cut off from the graph, the result's leaves and their structure."""
        leaves = list(self.leaves)
        cut = []
        for i in self.where:
            leaves[i] = wrap(leaves[i].array).requires_grad_()
            cut.append(leaves[i])
        args, kwargs = tree_unflatten(leaves, self.spec)
        with enable_grad():
            results, spec = tree_flatten(self.function(*args, **kwargs))
        return cut, results, spec


class _Checkpoint(Function):
    @staticmethod
    def forward(
        ctx: Any, segment: _Segment, values: tuple[Tensor, ...], which: list[int], ends: list[Node], *inputs: Tensor
    ) -> Any:
        ctx.segment, ctx.which, ctx.ends = segment, which, ends
        ctx.save_for_backward(*inputs[: len(segment.where)])
        return values if len(values) > 1 else values[0]

    @staticmethod
    def backward(ctx: Any, *gs: Any) -> Any:
        if is_grad_enabled():
            raise AutogradError(
                "checkpoint: second derivatives of a checkpointed segment are not available; call the function itself."
            )
        ctx.saved_tensors  # noqa: B018  (raises if an input was overwritten)
        segment = ctx.segment
        now = get_rng_state() if segment.state is not None else None
        if segment.state is not None:
            set_rng_state(segment.state)
        try:
            cut, results, _ = segment.run()
        finally:
            if now is not None:
                set_rng_state(now)
        places = [*cut, *(wrap(_stand_in(n), n) for n in ctx.ends)]
        pairs = [
            (results[i], g) for i, g in zip(ctx.which, gs, strict=True) if g is not None and results[i].node is not None
        ]
        got = (
            grad([y for y, _ in pairs], places, [g for _, g in pairs], allow_unused=True)
            if pairs and places
            else [None] * len(places)
        )
        return (None, None, None, None, *got)


def _stand_in(node: Node) -> Any:
    import numpy as np

    return np.broadcast_to(np.zeros((), node.dtype), node.shape)


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """``function(*args, **kwargs)`` without keeping its intermediate values: backward runs it a second time.

    Gradients flow to the arguments and to everything else the function uses (parameters of modules).

    Parameters
    ----------
    use_reentrant : bool, optional
        Accepted for PyTorch's sake: there is one way here, and it has the limits of neither.
    preserve_rng_state : bool
        The second run draws the same random numbers as the first (dropout).
    **kwargs
        Passed on; ``context_fn``, ``determinism_check`` and ``debug`` are PyTorch's own and left out.

    Raises
    ------
    RuntimeError
        In a backward pass with ``create_graph=True``.

    Source: Chen, Xu, Zhang, Guestrin 2016, "Training Deep Nets with Sublinear Memory Cost".
    """
    for own in ("context_fn", "determinism_check", "debug", "early_stop"):
        kwargs.pop(own, None)
    if not is_grad_enabled():
        return function(*args, **kwargs)
    segment = _Segment(function, args, kwargs, preserve_rng_state)
    since = tick()
    cut, results, spec = segment.run()
    which = [i for i, r in enumerate(results) if isinstance(r, Tensor) and r.node is not None]
    if not which:
        return tree_unflatten(results, spec)
    ends = _ends([results[i] for i in which], since, {c.node for c in cut if c.node is not None})
    inputs = [segment.leaves[i] for i in segment.where]
    values = tuple(wrap(results[i].array) for i in which)
    for i in which:
        results[i] = None  # the segment's graph is freed here
    del cut
    out = _Checkpoint.apply(segment, values, which, ends, *inputs, *(wrap(_stand_in(n), n) for n in ends))
    for i, y in zip(which, out if isinstance(out, tuple) else (out,), strict=True):
        results[i] = y
    return tree_unflatten(results, spec)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """A chain of functions (or an ``nn.Sequential``) in ``segments`` checkpointed parts, the last one kept."""
    chain = list(functions.children()) if hasattr(functions, "children") else list(functions)
    if not 1 <= segments <= len(chain):
        raise ValueError(f"checkpoint_sequential: {segments} segments of {len(chain)} functions.")
    size = len(chain) // segments

    def part(start: int, stop: int) -> Callable[[Any], Any]:
        def run(x: Any) -> Any:
            for f in chain[start:stop]:
                x = f(x)
            return x

        return run

    start = 0
    for _ in range(segments - 1):
        input = checkpoint(part(start, start + size), input, use_reentrant=use_reentrant, **kwargs)
        start += size
    return part(start, len(chain))(input)
