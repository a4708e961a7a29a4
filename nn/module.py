"""class Module: parameters, buffers and children under names, and a forward that can be called.

The modules themselves are in ``nn.modules``; hooks in ``nn.hooks``, loading in ``nn.loading``, the module's path in
error texts in ``nn.blame``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

import autograd_core as ac
from autograd_core import Tensor, errors, graph
from autograd_core.graph import RemovableHandle

from . import hooks, loading
from .blame import blame
from .parameter import Buffer, Parameter
from .registry import Registry

__all__ = ["Module"]

_TABLES = ("_parameters", "_buffers", "_modules")
_CPU_ONLY = "this engine runs on the CPU only."


class Module:
    """Base class of all neural network modules.

    Subclass it, make the parts in ``__init__`` (parameters, buffers and modules are registered when they are assigned
    to an attribute) and compute in ``forward``; call the module, not its forward.

    Attributes
    ----------
    training : bool
        Whether it is in training mode (dropout drops, batch norm uses the batch): see :meth:`train` and :meth:`eval`.

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.fc = nn.Linear(4, 2)
    ...     def forward(self, x):
    ...         return self.fc(x).relu()
    >>> net = Net()
    >>> net
    Net(
      (fc): Linear(in_features=4, out_features=2, bias=True)
    )
    >>> net(torch.ones(3, 4)).shape
    Size([3, 2])

    Notes
    -----
    Source: PyTorch, page "Module".
    """

    training: bool = True
    call_super_init: bool = False
    dump_patches: bool = False
    _version: int = 1
    _hooks: hooks.Hooks | None = None
    _parameters: Registry
    _buffers: Registry
    _modules: Registry
    _non_persistent_buffers_set: set[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args or kwargs:
            what = f"{len(args)} positional arguments" if args else f"the argument {next(iter(kwargs))!r}"
            raise TypeError(f"{type(self).__name__}.__init__: Module takes no arguments, got {what}.")
        values = self.__dict__
        values["training"] = True
        values["_parameters"] = Registry(self)
        values["_buffers"] = Registry(self)
        values["_modules"] = Registry(self)
        values["_non_persistent_buffers_set"] = set()

    # ---------------------------------------------------------------------------------------------- calling

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The computation; every subclass writes it."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function.')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._hooks is None and not _watch.on:
            try:
                return self.forward(*args, **kwargs)
            except Exception as error:
                better = blame(error, self, args, kwargs)
                if better is not error:
                    raise better from error
                raise
        try:
            run = (
                (lambda: self.forward(*args, **kwargs))
                if self._hooks is None
                else (lambda: hooks.run_forward(self, args, kwargs))
            )
            return _watch.module(self, run) if _watch.on else run()
        except Exception as error:
            better = blame(error, self, args, kwargs)
            if better is not error:
                raise better from error
            raise

    # ---------------------------------------------------------------------------------------------- registration

    def __setattr__(self, name: str, value: Any) -> None:
        values = self.__dict__
        if "_parameters" not in values:
            if isinstance(value, (Parameter, Module, Buffer)):
                raise AttributeError(
                    f"{type(self).__name__}: cannot assign {name!r} before Module.__init__() was called; "
                    "begin __init__ with super().__init__()."
                )
            object.__setattr__(self, name, value)
        elif isinstance(value, Parameter):
            self._release(name, "_parameters")
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self._release(name, "_modules")
            values["_modules"][name] = value
        elif isinstance(value, Buffer):
            self._release(name, "_buffers")
            self.register_buffer(name, value, persistent=value.persistent)
        elif name in values["_parameters"].names:
            if value is not None:
                raise TypeError(
                    f"{type(self).__name__}: cannot assign a {type(value).__name__} as parameter {name!r} "
                    "(a Parameter or None is expected). Wrap it in nn.Parameter, or write into the parameter "
                    "under no_grad()."
                )
            values[name] = None
        elif name in values["_modules"].names:
            if value is not None:
                raise TypeError(
                    f"{type(self).__name__}: cannot assign a {type(value).__name__} as child module {name!r} "
                    "(a Module or None is expected)."
                )
            values[name] = None
        elif name in values["_buffers"].names:
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"{type(self).__name__}: cannot assign a {type(value).__name__} as buffer {name!r} "
                    "(a Tensor or None is expected)."
                )
            values[name] = value
        elif name in _TABLES:  # PyTorch's users replace these dicts now and then
            names = {**value}
            values[name].clear()
            values[name].update(names)
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        for table in (self._parameters, self._buffers, self._modules):
            if name in table.names:
                del table[name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __getattr__(self, name: str) -> Any:
        # Only reached for what is missing: say what there is.
        if isinstance(getattr(type(self), name, None), property):  # it raised AttributeError itself: show that one
            return getattr(type(self), name).fget(self)
        hint = ""
        if name in _TABLES:
            hint = " Begin __init__ with super().__init__()."
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'.{hint}", name=name, obj=self)

    def _release(self, name: str, keep: str) -> None:
        """Take ``name`` out of the attributes and of the tables other than ``keep``."""
        for table in _TABLES:
            names = self.__dict__[table].names
            if name in names:
                if table == keep:
                    return
                del names[name]
        self._non_persistent_buffers_set.discard(name)
        self.__dict__.pop(name, None)

    def _check_name(self, what: str, name: Any, table: Registry) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{what}: the name must be a string, got {type(name).__name__}.")
        if "." in name:
            raise KeyError(f'{what}: the name cannot contain ".", got {name!r}.')
        if name == "":
            raise KeyError(f"{what}: the name cannot be empty.")
        if name not in table.names and (name in self.__dict__ or hasattr(type(self), name)):
            raise KeyError(f"{what}: attribute {name!r} already exists.")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter (or the name of one that is absent: None)."""
        if "_parameters" not in self.__dict__:
            raise AttributeError("register_parameter: cannot assign before Module.__init__() was called.")
        self._check_name("register_parameter", name, self._parameters)
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"register_parameter: cannot assign a {type(param).__name__} as parameter {name!r} "
                    "(a Parameter or None is expected)."
                )
            if not param.is_leaf:
                raise ValueError(
                    f"register_parameter: {name!r} was computed by an op; a parameter is a leaf. Compute it in "
                    "forward instead."
                )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is state but not learned; ``persistent`` ones are in the ``state_dict``."""
        if "_buffers" not in self.__dict__:
            raise AttributeError("register_buffer: cannot assign before Module.__init__() was called.")
        self._check_name("register_buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"register_buffer: cannot register a {type(tensor).__name__} as buffer {name!r} (a Tensor or "
                "None is expected)."
            )
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a child under ``name``."""
        if not isinstance(module, Module) and module is not None:
            raise TypeError(f"add_module: {name!r} must be a Module or None, got {type(module).__name__}.")
        self._check_name("add_module", name, self._modules)
        self._modules[name] = module

    register_module = add_module

    # ---------------------------------------------------------------------------------------------- finding parts

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path such as ``"features.3"`` (``""`` is the module itself).

        Raises
        ------
        AttributeError
            If there is none; the text names the longest part that exists.
        """
        module: Any = self
        if target == "":
            return self
        done: list[str] = []
        for name in target.split("."):
            here = ".".join(done) or type(self).__name__
            if not hasattr(module, name):
                raise AttributeError(
                    f"get_submodule: {here} ({type(module).__name__}) has no attribute {name!r}; "
                    f"its children are {list(module._modules)}."
                )
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(
                    f"get_submodule: {name!r} of {here} is not a Module but a {type(module).__name__}."
                )
            done.append(name)
        return module  # type: ignore[no-any-return]

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Replace (or, unless ``strict``, add) the module at a dotted path."""
        if target == "":
            raise ValueError("set_submodule: cannot replace the module itself; give a path.")
        head, _, name = target.rpartition(".")
        parent = self.get_submodule(head)
        if not isinstance(module, Module):
            raise ValueError(f"set_submodule: expected a Module, got {type(module).__name__}.")
        if strict and name not in parent._modules:
            raise AttributeError(f"set_submodule: {type(parent).__name__} has no module {name!r}.")
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path."""
        return self._get_part(target, "_parameters", "parameter")  # type: ignore[no-any-return]

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a dotted path."""
        return self._get_part(target, "_buffers", "buffer")  # type: ignore[no-any-return]

    def _get_part(self, target: str, table: str, what: str) -> Any:
        head, _, name = target.rpartition(".")
        parent = self.get_submodule(head)
        found = getattr(parent, table)
        if name not in found:
            raise AttributeError(
                f"get_{what}: {head or type(self).__name__} ({type(parent).__name__}) has no {what} {name!r}; "
                f"it has {list(found)}."
            )
        return found[name]

    def _named_members(
        self, get: Callable[[Any], Any], prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[Any]:
        seen: set[int] = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, value in get(module):
                if value is None or (remove_duplicate and id(value) in seen):
                    continue
                seen.add(id(value))
                yield (f"{path}.{name}" if path else name), value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Pairs of dotted name and parameter; one that is shared appears once."""
        yield from self._named_members(lambda m: m._parameters.items(), prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, in the order they were registered: what an optimizer takes."""
        for _, p in self.named_parameters(recurse=recurse):
            yield p

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Pairs of dotted name and buffer."""
        yield from self._named_members(lambda m: m._buffers.items(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers."""
        for _, b in self.named_buffers(recurse=recurse):
            yield b

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Pairs of name and direct child."""
        seen: set[int] = set()
        for name, child in self._modules.items():
            if child is not None and id(child) not in seen:
                seen.add(id(child))
                yield name, child

    def children(self) -> Iterator[Module]:
        """Direct children."""
        for _, child in self.named_children():
            yield child

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Pairs of dotted path and module, this one first (path ``""``), each before its children."""
        memo = set() if memo is None else memo
        stack: list[tuple[str, Module]] = [(prefix, self)]
        while stack:
            path, module = stack.pop()
            if remove_duplicate:
                if module in memo:
                    continue
                memo.add(module)
            yield path, module
            stack += [
                (f"{path}.{name}" if path else name, child)
                for name, child in reversed(module._modules.items())
                if child is not None
            ]

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and all below it."""
        for _, m in self.named_modules(remove_duplicate=remove_duplicate):
            yield m

    # ---------------------------------------------------------------------------------------------- changing all parts

    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Call ``fn`` on every module, children first (for initialisation)."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Set training mode (or, with False, evaluation mode) here and below."""
        if not isinstance(mode, bool):
            raise ValueError(f"train: mode must be True or False, got {mode!r}.")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """Set evaluation mode: dropout passes everything, batch norm uses its running statistics."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Ask for gradients of all parameters, or freeze them."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters (or fill them with zeros)."""
        for p in self.parameters():
            if p.grad is not None:
                if set_to_none:
                    p.grad = None
                else:
                    p.grad = ac.zeros_like(p.grad)

    def _apply(self, fn: Callable[[Any], Any], recurse: bool = True) -> Self:
        """Replace the values of every parameter and buffer by ``fn`` of them; parameters keep their identity."""
        if recurse:
            for child in self.children():
                child._apply(fn)
        with ac.no_grad():
            for p in self._parameters.values():
                if p is not None:
                    grad = p.grad
                    p.grad = None
                    p.data = fn(p.data)
                    if grad is not None:
                        p.grad = fn(grad.detach())
            for name, b in self._buffers.items():
                if b is not None:
                    self._buffers[name] = fn(b)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert floating point and complex parameters and buffers: ``to(dtype)``, ``to("cpu")``, ``to(tensor)``.

        Raises
        ------
        TypeError
            For a dtype that is not floating point or complex.
        NotImplementedError
            For any device but the CPU.
        """
        target = kwargs.pop("dtype", None)
        if (place := kwargs.pop("device", None)) is not None:
            ac.device(place)
        unknown = set(kwargs) - {"non_blocking", "copy", "memory_format"}
        if unknown:
            raise TypeError(f"Module.to: unexpected argument {sorted(unknown)[0]!r}.")
        for a in args:
            if isinstance(a, Tensor):
                target = a.dtype
            elif isinstance(a, ac.dtype):
                target = a
            elif isinstance(a, (str, ac.device)):
                ac.device(a)
            elif not isinstance(a, bool) and a is not None:
                raise TypeError(f"Module.to: expected a dtype, a device or a tensor, got {type(a).__name__}.")
        if target is None:
            return self
        if not (target.is_floating_point or target.is_complex):
            raise TypeError(f"Module.to: only accepts floating point or complex dtypes, got {target}.")
        return self._apply(lambda t: t.to(target) if t.is_floating_point() or t.is_complex() else t)

    def type(self, dst_type: Any) -> Self:
        """Convert all parameters and buffers to ``dst_type``."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self) -> Self:
        """Floating point parameters and buffers to float32."""
        return self._floats(ac.float32)

    def double(self) -> Self:
        """Floating point parameters and buffers to float64."""
        return self._floats(ac.float64)

    def half(self) -> Self:
        """Floating point parameters and buffers to float16."""
        return self._floats(ac.float16)

    def bfloat16(self) -> Self:
        """Not possible here: NumPy has no bfloat16 (an error says so)."""
        return self._floats(ac.bfloat16)

    def _floats(self, target: Any) -> Self:
        return self._apply(lambda t: t.to(target) if t.is_floating_point() else t)

    def cpu(self) -> Self:
        """The module itself: it is on the CPU."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """Not possible here (an error says so)."""
        raise errors.not_here("Module.cuda", _CPU_ONLY, "Leave the call out.")

    xpu = ipu = mtia = cuda

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """New uninitialised memory for all parameters and buffers."""
        ac.device(device)
        return self._apply(lambda t: ac.empty_like(t), recurse=recurse)

    def share_memory(self) -> Self:
        """Not possible here (an error says so)."""
        raise errors.not_here(
            "Module.share_memory",
            "tensors are NumPy arrays in this process's own memory.",
            "Train with threads, or send state_dict()s.",
        )

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Accepted and without effect: modules run eagerly."""

    # ---------------------------------------------------------------------------------------------- hooks

    def _own_hooks(self) -> hooks.Hooks:
        if "_hooks" not in self.__dict__:
            self.__dict__["_hooks"] = hooks.Hooks()
        return self.__dict__["_hooks"]  # type: ignore[no-any-return]

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before forward; what it returns replaces the arguments.

        With ``with_kwargs`` it is ``hook(module, args, kwargs)`` and returns ``(args, kwargs)``.
        """
        return self._own_hooks().add("forward_pre", hook, prepend=prepend, with_kwargs=with_kwargs)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after forward; what it returns replaces the output.

        With ``with_kwargs`` it is ``hook(module, args, kwargs, output)``; with ``always_call`` it runs even if forward
        raised.
        """
        return self._own_hooks().add("forward", hook, prepend=prepend, with_kwargs=with_kwargs, always=always_call)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` before the module's backward; what it returns replaces ``grad_output``."""
        return self._own_hooks().add("backward_pre", hook, prepend=prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` after the module's backward; it may replace ``grad_input``."""
        return self._own_hooks().add("backward", hook, prepend=prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """The old form: on the last op of forward only. Use :meth:`register_full_backward_hook`."""
        return self._own_hooks().add("old_backward", hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before ``state_dict`` reads the module."""
        return self._own_hooks().add("state_dict_pre", hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` after; it may change the dict in place."""
        return self._own_hooks().add("state_dict", hook)

    _register_state_dict_hook = register_state_dict_post_hook

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, metadata, strict, missing, unexpected, errors)`` before loading."""
        return self._own_hooks().add("load_state_dict_pre", hook, with_kwargs=True)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> RemovableHandle:
        return self._own_hooks().add("load_state_dict_pre", hook, with_kwargs=with_module)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after loading; it may take keys out of the two lists."""
        return self._own_hooks().add("load_state_dict_post", hook)

    # ---------------------------------------------------------------------------------------------- state

    def get_extra_state(self) -> Any:
        """Further state for the ``state_dict``; override it together with :meth:`set_extra_state`."""
        raise RuntimeError("get_extra_state: override it together with set_extra_state() to save further state.")

    def set_extra_state(self, state: Any) -> None:
        """Take back what :meth:`get_extra_state` gave."""
        raise RuntimeError("set_extra_state: override it to load what get_extra_state() saved.")

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """This module's own entries (a subclass may override it)."""
        for name, p in self._parameters.items():
            if p is not None:
                destination[prefix + name] = p if keep_vars else p.detach()
        for name, b in self._buffers.items():
            if b is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = b if keep_vars else b.detach()
        if type(self).get_extra_state is not Module.get_extra_state:
            destination[prefix + "_extra_state"] = self.get_extra_state()

    def state_dict(self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """All parameters and persistent buffers by dotted name; the tensors share memory with the module's.

        Parameters
        ----------
        destination : dict, optional
            Filled and returned instead of a new one.
        prefix : str
            Put before every name.
        keep_vars : bool
            Give the parameters themselves instead of detached tensors.
        """
        if args:  # PyTorch's old positional form
            destination, prefix, keep_vars = [*args, *[destination, prefix, keep_vars][len(args) :]]
        if destination is None:
            destination = OrderedDict()
        if self._hooks is not None:
            for hook in list(self._hooks.state_dict_pre.values()):
                hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, child in self._modules.items():
            if child is not None:
                child.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        if self._hooks is not None:
            for hook in list(self._hooks.state_dict.values()):
                got = hook(self, destination, prefix, {})
                if got is not None:
                    destination = got
        return destination

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: Any,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load this module's own entries (a subclass may override it and change ``state_dict`` before)."""
        loading.load_own(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Copy the values of a ``state_dict`` into the parameters and buffers.

        Everything is compared before anything is copied: on an error the model is as it was.

        Parameters
        ----------
        strict : bool
            Whether its keys must be exactly the model's.
        assign : bool
            Put the given tensors in the place of the model's instead of copying their values.

        Returns
        -------
        named tuple
            ``missing_keys`` and ``unexpected_keys``.

        Raises
        ------
        RuntimeError
            One error that lists all missing, unexpected and mis-shaped entries.
        """
        return loading.load_state_dict(self, state_dict, strict, assign)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for table in _TABLES:
            if table in self.__dict__:
                self.__dict__[table] = self.__dict__[table].bound_to(self)

    # ---------------------------------------------------------------------------------------------- text

    def _get_name(self) -> str:
        return self.__class__.__name__

    def extra_repr(self) -> str:
        """What a subclass wants shown of itself in ``repr``."""
        return ""

    def _repr_html_(self) -> str:
        """The module as a tree that folds, for notebooks."""
        from autograd_core.viz.notebook import module_html

        return module_html(self)

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): " + repr(child).replace("\n", "\n  ") for name, child in self._modules.items()]
        if len(lines) == 1 and not children:
            return f"{self._get_name()}({lines[0]})"
        if not lines and not children:
            return f"{self._get_name()}()"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines + children) + "\n)"

    def __dir__(self) -> list[str]:
        return sorted(n for n in {*dir(type(self)), *self.__dict__} if not n[0].isdigit())


def _table(kind: str) -> property:
    return property(lambda self: getattr(self._own_hooks(), kind), doc=f"The hooks of kind {kind!r}, by handle id.")


for _kind in ("forward", "forward_pre", "backward", "backward_pre", "state_dict", "state_dict_pre"):
    setattr(Module, f"_{_kind}_hooks", _table(_kind))  # the names under which PyTorch's users find them
for _kind in ("load_state_dict_pre", "load_state_dict_post"):
    setattr(Module, f"_{_kind}_hooks", _table(_kind))

_watch = graph.watch
