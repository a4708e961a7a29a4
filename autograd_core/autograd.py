"""PyTorch's ``torch.autograd``: ``backward``, ``grad``, grad modes, ``Function`` for ops of your own."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .engine import run_backward
from .errors import AutogradError
from .graph import OUTPUT, Node, extra_of, inferring, late, make_node, mode, set_recording
from .inplace import move
from .kernels.coo import RowGradient
from .op import sym
from .sparse import sparse_gradient
from .tensor import Tensor, wrap

__all__ = [
    "Function",
    "Variable",
    "backward",
    "enable_grad",
    "grad",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "set_grad_enabled",
]

Variable = Tensor
"""PyTorch's old name for a tensor that requires grad."""


# ------------------------------------------------------------------------------------------------- grad modes


class _GradMode:
    """A context manager and decorator that sets this thread's grad mode."""

    _value = True

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(mode.grad)
        set_recording(self._value)

    def __exit__(self, *exc: object) -> None:
        set_recording(self._before.pop())

    def _twin(self) -> _GradMode:
        return type(self)()

    def __call__(self, function: Any) -> Any:
        if inspect.isclass(function):
            raise TypeError(f"{type(self).__name__}: decorate the class's methods, not the class {function.__name__}.")
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generator(*args: Any, **kwargs: Any) -> Any:
                # The mode holds while the body runs, not while the caller has the control.
                with self._twin():
                    inner = function(*args, **kwargs)
                value, error = None, None
                while True:
                    try:
                        with self._twin():
                            out = inner.send(value) if error is None else inner.throw(error)
                    except StopIteration as stop:
                        return stop.value
                    value, error = None, None
                    try:
                        value = yield out
                    except GeneratorExit:
                        inner.close()
                        raise
                    except BaseException as e:
                        error = e

            return generator

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self._twin():
                return function(*args, **kwargs)

        return wrapped


class no_grad(_GradMode):
    """Nothing that runs inside is recorded (context manager or decorator, per thread).

    Examples
    --------
    >>> import autograd_core as ac
    >>> x = ac.ones(2, requires_grad=True)
    >>> with ac.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    _value = False

    def __new__(cls, function: Any = None) -> Any:
        self = object.__new__(cls)
        if function is not None:  # @no_grad without parentheses
            self.__init__()  # type: ignore[misc]
            return self(function)
        return self

    def __init__(self, function: Any = None) -> None:
        super().__init__()


class enable_grad(no_grad):
    """Recording is on inside, also within :class:`no_grad`."""

    _value = True


class set_grad_enabled(_GradMode):
    """Switch recording on or off, at once or as a context manager or decorator."""

    def __init__(self, mode_: bool) -> None:
        super().__init__()
        self._value = bool(mode_)
        self._at_call = mode.grad
        set_recording(self._value)

    def __enter__(self) -> None:
        self._before.append(self._at_call)
        set_recording(self._value)

    def _twin(self) -> _GradMode:
        twin = set_grad_enabled(self._value)
        return twin

    def __call__(self, function: Any) -> Any:
        set_recording(self._at_call)
        return super().__call__(function)


class inference_mode(_GradMode):
    """As :class:`no_grad`, and tensors made inside can never enter a graph (``x.is_inference()``)."""

    def __init__(self, mode: Any = True) -> None:
        super().__init__()
        self._on = mode if isinstance(mode, bool) else True
        self._inference_before: list[bool] = []

    def __new__(cls, mode: Any = True) -> Any:
        self = object.__new__(cls)
        if callable(mode):
            self.__init__(True)  # type: ignore[misc]
            return self(mode)
        return self

    def __enter__(self) -> None:
        self._before.append(mode.grad)
        self._inference_before.append(mode.inference)
        mode.inference = self._on
        inferring.add(self._on)
        set_recording(not self._on)

    def __exit__(self, *exc: object) -> None:
        set_recording(self._before.pop())
        mode.inference = self._inference_before.pop()
        inferring.add(-self._on)

    def _twin(self) -> _GradMode:
        return inference_mode(self._on)


def is_grad_enabled() -> bool:
    """Whether operations are recorded in this thread."""
    return mode.grad


def is_inference_mode_enabled() -> bool:
    """Whether this thread is inside :class:`inference_mode`."""
    return mode.inference


# ------------------------------------------------------------------------------------------------- backward and grad


def _sequence(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, Tensor) else tuple(value)


def _roots(name: str, tensors: Sequence[Tensor], cotangents: Sequence[Any], symbolic: bool) -> list[tuple[Node, Any]]:
    """Pairs of node and cotangent, checked."""
    if len(cotangents) != len(tensors):
        raise AutogradError(f"{name}: got {len(tensors)} tensors but {len(cotangents)} gradients; give one for each.")
    roots = []
    for i, (t, g) in enumerate(zip(tensors, cotangents, strict=True)):
        if not isinstance(t, Tensor):
            raise TypeError(f"{name}: expected Tensors, got {type(t).__name__} at position {i}.")
        if t.node is None:
            raise AutogradError(
                f"{name}: element {i} of the tensors does not require grad and has no grad_fn: nothing it was computed "
                "from had requires_grad=True (or it was computed under no_grad)."
            )
        if g is None:
            if t.array.size != 1:
                raise AutogradError(
                    f"{name}: grad can be implicitly created only for scalar outputs, this one has shape {t.array.shape}; "
                    "pass the gradient, or reduce it first, for example with sum() or mean()."
                )
            if t.array.dtype.kind == "c":
                raise AutogradError(
                    f"{name}: grad can be implicitly created only for real scalar outputs, not {t.dtype.name}."
                )
            one = np.ones(t.array.shape, t.array.dtype) if t.array.ndim else np.array(1, t.array.dtype)
            roots.append((t.node, wrap(one) if symbolic else one))
        else:
            if not isinstance(g, Tensor):
                if not isinstance(g, (np.ndarray, int, float)):
                    raise TypeError(f"{name}: a gradient must be a Tensor or None, got {type(g).__name__}.")
                g = wrap(np.asarray(g))
            if g.array.shape != t.array.shape:
                raise AutogradError(
                    f"{name}: a gradient of shape {g.array.shape} does not fit its tensor of shape {t.array.shape}."
                )
            c = g if g.array.dtype == t.array.dtype else sym.cast(g, t.array.dtype)
            roots.append((t.node, c if symbolic else c.array))
    return roots


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradients of ``tensors`` to the ``.grad`` of the leaves they were computed from.

    Parameters
    ----------
    tensors : Tensor or sequence of Tensor
        The roots; several are summed.
    grad_tensors : Tensor, None or sequence of them, optional
        Their cotangents (1 for tensors of one element when None).
    retain_graph, create_graph, inputs
        As for :meth:`Tensor.backward`.

    Source: PyTorch's page ``torch.autograd.backward``.
    """
    roots_ = _sequence(tensors)
    if grad_tensors is None:
        grad_tensors = grad_variables
    gs = (None,) * len(roots_) if grad_tensors is None else _sequence(grad_tensors)
    if mode.inference:
        raise AutogradError("backward: not possible inside inference_mode(), nothing was recorded.")
    wanted = None
    if inputs is not None:
        ins = _sequence(inputs)
        if not ins:
            raise AutogradError("backward: inputs is empty; leave it out to reach all leaves.")
        for t in ins:
            if not isinstance(t, Tensor) or t.node is None:
                raise AutogradError("backward: one of the inputs does not require grad.")
        wanted = [t.node for t in ins]
        for t in ins:
            if t.node.op is not None:
                t.retain_grad()
    run_backward(
        _roots("backward", roots_, gs, create_graph),
        wanted=wanted,
        retain_graph=create_graph if retain_graph is None else retain_graph,
        create_graph=create_graph,
    )


late["backward"] = backward


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """The gradients of ``outputs`` with respect to ``inputs``, as a tuple; ``.grad`` stays untouched.

    Parameters
    ----------
    outputs, inputs : Tensor or sequence of Tensor
    grad_outputs : Tensor, None or sequence of them, optional
        Cotangents of the outputs.
    retain_graph, create_graph : bool
        As for :meth:`Tensor.backward`.
    allow_unused : bool, optional
        Give None for an input that no output depends on, instead of raising (default: ``materialize_grads``).
    is_grads_batched : bool
        The cotangents have a leading batch dimension; the gradients then have it too.
    materialize_grads : bool
        Give zeros for unused inputs.

    Examples
    --------
    >>> import autograd_core as ac
    >>> x = ac.tensor(3.0, requires_grad=True)
    >>> (g,) = ac.autograd.grad(x**3, x, create_graph=True)
    >>> ac.autograd.grad(g, x)
    (tensor(18.),)

    Source: PyTorch's page ``torch.autograd.grad``.
    """
    ys, xs = _sequence(outputs), _sequence(inputs)
    if allow_unused is None:
        allow_unused = materialize_grads
    if materialize_grads and not allow_unused:
        raise ValueError("grad: materialize_grads=True needs allow_unused=True (or left out).")
    gs = (None,) * len(ys) if grad_outputs is None else _sequence(grad_outputs)
    keep = create_graph if retain_graph is None else retain_graph
    if is_grads_batched:
        return _batched_grad(ys, xs, gs, keep, create_graph, allow_unused, materialize_grads)
    wanted: list[Any] = [x.node if isinstance(x, Tensor) else None for x in xs]
    if None in wanted:
        i = wanted.index(None)
        if not isinstance(xs[i], Tensor):
            raise TypeError(f"grad: inputs must be Tensors, got {type(xs[i]).__name__} at position {i}.")
        raise AutogradError(f"grad: input {i} does not require grad; call requires_grad_() before computing with it.")
    got = run_backward(
        _roots("grad", ys, gs, create_graph),
        wanted=wanted,
        accumulate=False,
        retain_graph=keep,
        create_graph=create_graph,
    )
    assert got is not None
    kinds = {*map(type, got)}
    if kinds == {Tensor}:
        return tuple(got)
    if kinds == {np.ndarray} and grad_outputs is None and len({*map(id, got)}) == len(got):
        return tuple(map(wrap, got))
    out: list[Any] = []
    handed: set[int] = set()
    given = [c.array for c in gs if isinstance(c, Tensor)]
    for i, (x, g) in enumerate(zip(xs, got, strict=True)):
        if g is None:
            if not allow_unused:
                raise AutogradError(
                    f"grad: input {i} (shape {x.array.shape}) was not used in computing the outputs; pass allow_unused=True "
                    "to get None for it, or materialize_grads=True for zeros."
                )
            out.append(wrap(np.zeros_like(x.array)) if materialize_grads else None)
            continue
        if g.__class__ is RowGradient:
            g = sparse_gradient(g)
        elif not isinstance(g, Tensor):
            g = np.asarray(g)
            if id(g) in handed or (given and any(np.may_share_memory(c, g) for c in given)):
                g = g.copy()
            handed.add(id(g))
            g = wrap(g)
        out.append(g)
    return tuple(out)


def _batched_grad(ys: Any, xs: Any, gs: Any, keep: bool, create: bool, unused: bool, fill: bool) -> tuple[Any, ...]:
    """One backward per row of the batched cotangents, stacked."""
    sizes = {len(g) for g in gs if g is not None}
    if len(sizes) != 1:
        raise AutogradError(
            f"grad: is_grads_batched needs grad_outputs of one batch size, got {sorted(sizes) or 'none'}."
        )
    (n,) = sizes
    rows = [
        grad(
            ys, xs, [None if g is None else g[b] for g in gs],
            retain_graph=keep or b < n - 1, create_graph=create, allow_unused=unused, materialize_grads=fill,
        )
        for b in range(n)
    ]  # fmt: skip
    return tuple(None if col[0] is None else sym.stack(list(col), 0) for col in zip(*rows, strict=True))


# ------------------------------------------------------------------------------------------------- Function


class FunctionCtx:
    """What ``forward`` leaves for ``backward`` (PyTorch's ``ctx``).  Any attribute may be set on it."""

    def __init__(self) -> None:
        self.needs_input_grad: tuple[bool, ...] = ()
        self.materialize_grads = True
        self._saved: tuple[Tensor | None, ...] = ()
        self._non_differentiable: tuple[Tensor, ...] = ()
        self._dirty: tuple[Tensor, ...] = ()
        self._places: list[Any] | None = None
        self._seq = 0

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors (inputs, outputs or others) for backward; they are guarded against in-place writes."""
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(
                    f"save_for_backward: can only save Tensors, got {type(t).__name__}; set other values on ctx."
                )
        self._saved = tensors

    save_for_forward = save_for_backward

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What :meth:`save_for_backward` kept."""
        if self._places is None:
            return self._saved
        return tuple(None if t is None else wrap(t.array, p) for t, p in zip(self._saved, self._places, strict=True))

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say that these outputs carry no gradient."""
        self._non_differentiable = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say that forward wrote into these inputs (and returns them)."""
        self._dirty = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether outputs that nothing came back to get a gradient of zeros (default) or None."""
        self.materialize_grads = value


class Function:
    """An op of your own, without touching the engine (PyTorch's ``torch.autograd.Function``).

    Subclass it with static methods ``forward(ctx, *args)`` and ``backward(ctx, *grad_outputs)`` and call ``.apply``.
    ``backward`` returns one gradient per argument of forward (None where there is none).  Written with tensor
    operations it can be differentiated again; mark it with :func:`once_differentiable` where it cannot.
    ``forward(*args)`` with a separate ``setup_context(ctx, inputs, output)`` is understood too.

    Examples
    --------
    >>> import autograd_core as ac
    >>> class Cube(ac.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x**3
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return 3 * x**2 * g
    >>> x = ac.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward(); x.grad
    tensor(12.)
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the result; overridden by the user."""
        raise NotImplementedError("Function: write a static method forward(ctx, *args).")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Save what backward needs, when ``forward`` takes no ctx."""

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Give the gradient of each argument of forward; overridden by the user."""
        raise NotImplementedError("Function: write a static method backward(ctx, *grad_outputs).")

    vjp = backward

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run ``forward`` and record it."""
        ctx = FunctionCtx()
        inputs = tuple(a if isinstance(a, Tensor) else None for a in args)
        nodes = tuple(t.node if t is not None else None for t in inputs)
        recording = mode.grad and any(n is not None for n in nodes)
        ctx.needs_input_grad = tuple(recording and n is not None for n in nodes)
        before = mode.grad
        set_recording(False)
        try:
            if cls.setup_context is not Function.setup_context:
                result = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, result)
            else:
                result = cls.forward(ctx, *args, **kwargs)
        finally:
            set_recording(before)
        single = not isinstance(result, tuple)
        results = (result,) if single else result
        if not recording:
            return result
        return _record_function(cls, ctx, inputs, nodes, results, single)


def _record_function(
    cls: Any, ctx: FunctionCtx, inputs: tuple[Any, ...], nodes: tuple[Any, ...], results: tuple[Any, ...], single: bool
) -> Any:
    op = _FunctionOp(cls, len(inputs))
    live = [
        i for i, r in enumerate(results)
        if isinstance(r, Tensor) and r.array.dtype.kind in "fc" and not any(r is n for n in ctx._non_differentiable)
    ]  # fmt: skip
    outs: list[Any] = []
    for r in results:
        dirty = any(r is d for d in ctx._dirty)
        if isinstance(r, Tensor) and not dirty:
            fresh = wrap(r.array)  # an output that is an input becomes a tensor of its own
            outs.append(fresh)
        else:
            outs.append(r)
    if not live:
        return outs[0] if single else tuple(outs)
    first = outs[live[0]]
    saved = (ctx, *[t.array for t in ctx._saved if t is not None])
    op.materialize = ctx.materialize_grads
    hub = make_node(op, nodes, saved, (), first.array.dtype)
    op.current = weakref.ref(hub)
    op.slots = ("ctx", *[f"saved_tensors[{i}]" for i, t in enumerate(ctx._saved) if t is not None])
    places: list[Any] = [None] * len(results)
    if single:
        hub.shape = first.array.shape
        _place(first, hub)
        places[0] = hub
    else:
        hub.shape = tuple(
            (o.array.shape, o.array.dtype) if isinstance(o, Tensor) else ((), first.array.dtype) for o in outs
        )
        for i in live:
            places[i] = make_node(OUTPUT, (hub,), (i,), outs[i].array.shape, outs[i].array.dtype)
            _place(outs[i], places[i])
        extra_of(hub).outputs = tuple(None if p is None else weakref.ref(p) for p in places)
    # Saved outputs are found again at their place in the graph; saved inputs keep theirs.  Outputs are kept without
    # their node (the node owns ctx, and ctx must not own the node).
    kept: list[Any] = []
    origin: list[Any] = []
    for t in ctx._saved:
        which = next((i for i, r in enumerate(results) if t is not None and (r is t or outs[i] is t)), None)
        if t is None:
            kept.append(None)
            origin.append(None)
        elif which is not None and not any(t is x for x in inputs):
            kept.append(wrap(t.array))
            origin.append(which)
        else:
            kept.append(wrap(t.array))
            origin.append(t.node)
    ctx._saved = tuple(kept)
    op.origin = origin
    return outs[0] if single else tuple(outs)


def _place(tensor: Tensor, node: Node) -> None:
    if tensor.node is not None or tensor.extra is not None:
        move(tensor, node)
    else:
        tensor.node = node


class _FunctionOp:
    """Stands in the graph for one application of a user's Function, with the manners of an Op."""

    scalar = None
    reference = None
    elementwise = True  # gradients that broadcast are reduced, as PyTorch does
    holomorphic = False
    variadic = False
    view = False
    packed = True
    straight = lifted = None
    formula = ""
    params = ()
    outputs: tuple[str, ...] = ("y",)
    differentiable = (0,)

    def __init__(self, cls: Any, n: int) -> None:
        self.cls = cls
        self.name = cls.__name__
        self.inputs = tuple(f"arg{i}" for i in range(n))
        self.slots: tuple[str, ...] = ("ctx",)
        self.rules = (None,) * n
        self.texts = {"*": cls.backward}
        self.module = cls.__module__
        self.doc = cls.__doc__ or ""
        self.origin: list[Any] = []
        self.materialize = True

    def joint(self, F: Any, g: Any, saved: Any, needs: Any) -> Any:  # a method: set on the instance it would be a cycle
        ctx: FunctionCtx = saved[0]
        symbolic = F is sym
        gs = g if isinstance(g, tuple) else (g,)
        tensors = tuple(c if isinstance(c, Tensor) or c is None else wrap(np.asarray(c)) for c in gs)
        ctx._places = [o if isinstance(o, Node) else None for o in self.origin]
        if symbolic and any(isinstance(o, int) for o in self.origin):
            ctx._places = [self._output_place(o) if isinstance(o, int) else o for o in self.origin]
        try:
            got = (
                self.cls.backward(ctx, *tensors)
                if self.cls.backward is not Function.backward
                else self.cls.vjp(ctx, *tensors)
            )
        finally:
            ctx._places = None
        out = list(got) if isinstance(got, (tuple, list)) else [got]
        n = len(self.inputs)
        if len(out) > n and all(v is None for v in out[n:]):
            out = out[:n]
        if len(out) != n:
            raise AutogradError(
                f"{self.name}.backward: returned {len(out)} gradients, but forward had {n} arguments; return one for each."
            )
        for i, v in enumerate(out):
            if v is not None and not isinstance(v, Tensor):
                raise TypeError(f"{self.name}.backward: gradient {i} must be a Tensor or None, got {type(v).__name__}.")
        return [None if v is None else (v if symbolic else v.array) for v in out]

    current: Any = None  # a weak reference to the node (the node owns this object)

    def _output_place(self, index: int) -> Any:
        node = self.current() if self.current is not None else None
        if node is None:
            return None
        if node.extra is not None and node.extra.outputs is not None:
            ref = node.extra.outputs[index]
            return ref() if ref is not None else None
        return node


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a ``Function.backward`` that cannot be differentiated again; trying to raises."""

    @functools.wraps(function)
    def wrapped(ctx: Any, *grads: Any) -> Any:
        recording = mode.grad
        with no_grad():
            got = function(ctx, *grads)
        if not recording or not any(isinstance(g, Tensor) and g.requires_grad for g in grads):
            return got
        many = isinstance(got, tuple)
        values = got if many else (got,)
        guarded = []
        for v in values:
            if isinstance(v, Tensor):
                v = wrap(v.array, make_node(_ONCE, (None,), (), v.array.shape, v.array.dtype))
            guarded.append(v)
        return tuple(guarded) if many else guarded[0]

    return wrapped


class _OnceOp:
    """The op behind a gradient that has no gradient."""

    name = "once_differentiable"
    inputs = ("x",)
    params: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    packed = False
    outputs = ("y",)
    rules = (None,)
    texts: dict[str, Any] = {}
    elementwise = True
    holomorphic = False
    reference = None
    variadic = False
    view = False
    straight = lifted = None
    formula = ""
    scalar = None

    @staticmethod
    def joint(F: Any, g: Any, saved: Any, needs: Any) -> Any:
        raise AutogradError(
            "backward: trying to differentiate twice a function whose backward is marked @once_differentiable."
        )


_ONCE = _OnceOp()


def __getattr__(name: str) -> Any:
    """``gradcheck``, ``gradgradcheck`` and ``functional``, loaded when first used."""
    import importlib

    if name in ("gradcheck", "gradgradcheck", "GradcheckError"):
        return getattr(importlib.import_module(".gradcheck", __package__), name)
    if name == "functional":
        return importlib.import_module(".functional", __package__)
    if name in ("detect_anomaly", "set_detect_anomaly"):
        return getattr(importlib.import_module(".debug", __package__), name)
    if name == "profiler":
        return importlib.import_module(".profiler", __package__)
    raise AttributeError(f"module 'autograd_core.autograd' has no attribute {name!r}")
