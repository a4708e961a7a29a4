"""What runs around a module's forward and backward when hooks are registered.

A module without hooks has none of this: its ``_hooks`` is None and a call goes straight to ``forward``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from autograd_core import Tensor, autograd
from autograd_core.graph import RemovableHandle

__all__ = [
    "register_module_backward_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
]


class Hooks:
    """The hooks of one module (or of all modules), by kind; each a dict from handle id to function."""

    __slots__ = (
        "always",
        "backward",
        "backward_pre",
        "forward",
        "forward_pre",
        "load_state_dict_post",
        "load_state_dict_pre",
        "old_backward",
        "state_dict",
        "state_dict_pre",
        "with_kwargs",
    )

    def __init__(self) -> None:
        self.forward_pre: dict[int, Callable[..., Any]] = {}
        self.forward: dict[int, Callable[..., Any]] = {}
        self.backward_pre: dict[int, Callable[..., Any]] = {}
        self.backward: dict[int, Callable[..., Any]] = {}
        self.old_backward: dict[int, Callable[..., Any]] = {}
        self.state_dict_pre: dict[int, Callable[..., Any]] = {}
        self.state_dict: dict[int, Callable[..., Any]] = {}
        self.load_state_dict_pre: dict[int, Callable[..., Any]] = {}
        self.load_state_dict_post: dict[int, Callable[..., Any]] = {}
        self.with_kwargs: set[int] = set()  # for load_state_dict_pre: those that get the module first
        self.always: set[int] = set()

    def add(
        self,
        kind: str,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always: bool = False,
    ) -> RemovableHandle:
        """Register a hook of one kind and return the handle that removes it."""
        if not callable(hook):
            raise TypeError(f"register hook: expected a function, got {type(hook).__name__}.")
        table = getattr(self, kind)
        handle = RemovableHandle(table, hook)
        if prepend:
            others = [(k, v) for k, v in table.items() if k != handle.id]
            table.clear()
            table[handle.id] = hook
            table.update(others)
        if with_kwargs:
            self.with_kwargs.add(handle.id)
        if always:
            self.always.add(handle.id)
        return handle

    def __deepcopy__(self, memo: dict[int, Any]) -> Hooks:
        # Functions are shared; bound methods follow the copy, as copy.deepcopy does with PyTorch's dicts of hooks.
        import copy

        twin = Hooks()
        memo[id(self)] = twin
        for name in self.__slots__:
            setattr(twin, name, copy.deepcopy(getattr(self, name), memo))
        return twin

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)


EVERY = Hooks()
"""The hooks of all modules (``register_module_*_hook``)."""


def run_forward(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``module.forward`` with the hooks around it, in PyTorch's order: those of all modules first."""
    own = module._hooks
    levels = (EVERY,) if own is EVERY else (EVERY, own)
    called: set[int] = set()
    result = None
    try:
        for level in levels:
            for key, hook in list(level.forward_pre.items()):
                args, kwargs = _run_pre_hook(module, key in level.with_kwargs, hook, args, kwargs)
        around = _around_backward(module, levels)
        if around is not None:
            args = around.inputs(args)
        result = module.forward(*args, **kwargs)
        for level in levels:
            for key, hook in list(level.forward.items()):
                called.add(key)
                changed = hook(module, args, kwargs, result) if key in level.with_kwargs else hook(module, args, result)
                if changed is not None:
                    result = changed
        if around is not None:
            result = around.outputs(result)
        for level in levels:
            for hook in list(level.old_backward.values()):
                _hook_last_node(module, result, hook)
        return result
    except Exception:
        _run_always(module, levels, called, args, kwargs, result)
        raise


def _run_pre_hook(module: Any, with_kwargs: bool, hook: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
    if with_kwargs:
        got = hook(module, args, kwargs)
        if got is None:
            return args, kwargs
        if not isinstance(got, tuple) or len(got) != 2:
            raise RuntimeError(f"forward pre-hook: must return None or a tuple (new_args, new_kwargs), got {got!r}.")
        return got
    got = hook(module, args)
    if got is None:
        return args, kwargs
    return (got if isinstance(got, tuple) else (got,)), kwargs


def _run_always(module: Any, levels: Any, called: set[int], args: Any, kwargs: Any, result: Any) -> None:
    """After an error, the hooks registered with ``always_call`` still run; what they raise becomes a warning."""
    for level in levels:
        for key, hook in list(level.forward.items()):
            if key in level.always and key not in called:
                try:
                    hook(module, args, kwargs, result) if key in level.with_kwargs else hook(module, args, result)
                except Exception as error:
                    warnings.warn(
                        f"forward hook with always_call=True raised while another error was on its way: {error}",
                        stacklevel=2,
                    )


def _hook_last_node(module: Any, result: Any, hook: Callable[..., Any]) -> None:
    """PyTorch's old backward hook: on the node of the (first) output, whatever its inputs are."""
    first = result
    while not isinstance(first, Tensor):
        first = next(v for v in first.values() if isinstance(v, Tensor)) if isinstance(first, dict) else first[0]
    if first.grad_fn is not None:
        first.grad_fn.register_hook(lambda grad_in, grad_out: hook(module, grad_in, grad_out))


# --------------------------------------------------------------------------------------------- full backward hooks


def _around_backward(module: Any, levels: Any) -> _AroundBackward | None:
    pre = [h for level in levels for h in level.backward_pre.values()]
    post = [h for level in levels for h in level.backward.values()]
    return _AroundBackward(module, pre, post) if pre or post else None


class _AroundBackward:
    """Two identity ops around one call of a module: gradients of its outputs and inputs pass through them."""

    def __init__(self, module: Any, pre: list[Any], post: list[Any]) -> None:
        self.module, self.pre, self.post = module, pre, post
        self.grad_outputs: tuple[Any, ...] | None = None
        self.has_inputs = False

    def inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        places = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        if not autograd.is_grad_enabled() or not any(args[i].requires_grad for i in places):
            return args
        self.has_inputs = True
        passed = _Through.apply(self._at_inputs, *(args[i] for i in places))
        passed = passed if isinstance(passed, tuple) else (passed,)
        at = dict(zip(places, passed, strict=True))
        self.count, self.where = len(args), places
        return tuple(at.get(i, a) for i, a in enumerate(args))

    def outputs(self, result: Any) -> Any:
        single = not isinstance(result, tuple)
        values = (result,) if single else result
        places = [i for i, v in enumerate(values) if isinstance(v, Tensor)]
        if not places:
            warnings.warn(
                f"full backward hook: for it to be called, {type(self.module).__name__} must return a Tensor or "
                "a tuple of "
                f"Tensors, not {type(result).__name__}.",
                stacklevel=4,
            )
            return result
        if not any(values[i].requires_grad for i in places):
            return result
        self.out_count, self.out_where = len(values), places
        passed = _Through.apply(self._at_outputs, *(values[i] for i in places))
        passed = passed if isinstance(passed, tuple) else (passed,)
        at = dict(zip(places, passed, strict=True))
        whole = [at.get(i, v) for i, v in enumerate(values)]
        if single:
            return whole[0]
        return type(result)(*whole) if hasattr(result, "_fields") else tuple(whole)

    def _at_outputs(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        full: list[Any] = [None] * self.out_count
        for i, g in zip(self.out_where, grads, strict=True):
            full[i] = g
        self.grad_outputs = tuple(full)
        for hook in self.pre:
            got = hook(self.module, self.grad_outputs)
            if got is not None:
                self.grad_outputs = self._same_length("full backward pre-hook", got, self.out_count)
        if not self.has_inputs:
            for hook in self.post:
                got = hook(self.module, (), self.grad_outputs)
                if got is not None and not (isinstance(got, tuple) and all(g is None for g in got)):
                    raise RuntimeError(
                        "full backward hook: a hook of a module whose inputs need no gradient must return None, "
                        f"got {type(got).__name__}."
                    )
        assert self.grad_outputs is not None
        return tuple(self.grad_outputs[i] for i in self.out_where)

    def _at_inputs(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        full: list[Any] = [None] * self.count
        for i, g in zip(self.where, grads, strict=True):
            full[i] = g
        grad_input: tuple[Any, ...] = tuple(full)
        outputs = self.grad_outputs
        for hook in self.post:
            got = hook(self.module, grad_input, outputs)
            if got is not None:
                grad_input = self._same_length("full backward hook", got, self.count)
        self.grad_outputs = None
        return tuple(grad_input[i] for i in self.where)

    @staticmethod
    def _same_length(name: str, got: Any, n: int) -> tuple[Any, ...]:
        got = got if isinstance(got, tuple) else (got,)
        if len(got) != n:
            raise RuntimeError(f"{name}: returned {len(got)} gradients where {n} were given; return as many, or None.")
        return got


class _Through(autograd.Function):
    """The identity on several tensors, whose gradients a function may look at and replace."""

    @staticmethod
    def forward(ctx: Any, look: Any, *tensors: Any) -> Any:
        ctx.look = look
        passed = tuple(t.view_as(t) for t in tensors)
        ctx.mark_non_differentiable(*[t for t, n in zip(passed, ctx.needs_input_grad[1:], strict=True) if not n])
        return passed if len(passed) > 1 else passed[0]

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return (None, *ctx.look(grads))


# --------------------------------------------------------------------------------------------- hooks of all modules


def _register(kind: str, hook: Callable[..., Any], **options: Any) -> RemovableHandle:
    from .module import Module

    if Module._hooks is None:
        Module._hooks = EVERY  # every module now looks at them; modules with hooks of their own do so anyway
    return EVERY.add(kind, hook, **options)


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, args)`` before the forward of every module."""
    return _register("forward_pre", hook)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call ``hook(module, args, output)`` after the forward of every module."""
    return _register("forward", hook, with_kwargs=with_kwargs, always=always_call)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_output)`` before the backward of every module."""
    return _register("backward_pre", hook)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` after the backward of every module."""
    return _register("backward", hook)


def register_module_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """The old form of :func:`register_module_full_backward_hook`, kept for old scripts."""
    return _register("old_backward", hook)
