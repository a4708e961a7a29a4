"""Parametrizations: a parameter that is computed from other parameters whenever it is read.

``module.weight`` becomes a property of a class made for this module; what is learned is in
``module.parametrizations.weight``.  The class is made anew whenever the set of parametrized names changes, so copies
of a
module never share one that is being changed.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import autograd_core as ac
from autograd_core import Tensor

from ..module import Module
from ..modules.container import ModuleDict, ModuleList
from ..parameter import Parameter

__all__ = [
    "ParametrizationList", "cached", "is_parametrized", "register_parametrization", "remove_parametrizations",
    "transfer_parametrizations_and_params", "type_before_parametrizations",
]  # fmt: skip


class _Cache(threading.local):
    depth: int = 0
    values: dict[tuple[int, str], Any]


_cache = _Cache()


@contextmanager
def cached() -> Iterator[None]:
    """Within this context each parametrized tensor is computed once, at its first use."""
    if _cache.depth == 0:
        _cache.values = {}
    _cache.depth += 1
    try:
        yield
    finally:
        _cache.depth -= 1
        if _cache.depth == 0:
            _cache.values = {}


def _register(module: Module, name: str, value: Any) -> None:
    if isinstance(value, Parameter):
        module.register_parameter(name, value)
    else:
        module.register_buffer(name, value)


def _check_same(what: str, new: Any, old: Any) -> None:
    if not isinstance(new, Tensor):
        raise ValueError(f"register_parametrization: {what} must return a tensor, got {type(new).__name__}.")
    if new.dtype != old.dtype or new.shape != old.shape:
        raise ValueError(
            f"register_parametrization: {what} may not change dtype or shape unless unsafe=True; "
            f"{old.dtype} {tuple(old.shape)} became {new.dtype} {tuple(new.shape)}."
        )


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, and the original tensor(s) they start from (``original`` or ``original0``
    ...)."""

    def __init__(self, modules: Sequence[Module], original: Any, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList: needs at least one parametrization.")
        super().__init__(modules)
        self.unsafe = unsafe
        before = original.detach().clone()
        with ac.no_grad():
            new: Any = original
            for module in reversed(list(self)):
                new = _invert(module, new)
        if not isinstance(new, (Tensor, Sequence)):
            raise ValueError(
                f"register_parametrization: right_inverse must return a tensor or several, got {type(new).__name__}."
            )
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        new = cast(Any, new)
        if self.is_tensor:
            if new.dtype != original.dtype:
                raise ValueError(
                    f"register_parametrization: right_inverse may not change the dtype, {original.dtype} became "
                    f"{new.dtype}."
                )
            if new is not original:
                original.data = new.detach()  # the parameter keeps its identity: optimizers know it already
            _register(self, "original", original)
        else:
            for i, part in enumerate(new):
                if not isinstance(part, Tensor):
                    raise ValueError(
                        f"register_parametrization: right_inverse gave {type(part).__name__} as element {i}."
                    )
                part = part.detach()
                _register(
                    self,
                    f"original{i}",
                    Parameter(part, original.requires_grad) if isinstance(original, Parameter) else part,
                )
        if not unsafe:
            _check_same("a parametrization", self(), before)

    def right_inverse(self, value: Tensor) -> None:
        """Set the original tensor(s) so that the parametrized one becomes ``value``."""
        with ac.no_grad():
            new: Any = value
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"{type(module).__name__}: it has no right_inverse, so its result cannot be assigned to."
                    )
                new = module.right_inverse(new)
            olds = [self.original] if self.is_tensor else [getattr(self, f"original{i}") for i in range(self.ntensors)]
            news = [new] if self.is_tensor else list(new)
            if len(news) != len(olds):
                raise ValueError(f"right_inverse: expected {len(olds)} tensors, got {len(news)}.")
            for old, part in zip(olds, news, strict=True):
                if not isinstance(part, Tensor) or part.dtype != old.dtype:
                    raise ValueError(
                        f"right_inverse: expected a tensor of dtype {old.dtype}, got "
                        f"{getattr(part, 'dtype', type(part))}."
                    )
                old.data = part.detach()

    def forward(self) -> Any:
        first = [self.original] if self.is_tensor else [getattr(self, f"original{i}") for i in range(self.ntensors)]
        modules = list(self)
        x = modules[0](*first)
        for module in modules[1:]:
            x = module(x)
        return x


def _invert(module: Any, value: Any) -> Any:
    """``right_inverse`` where there is one; the identity otherwise."""
    if not hasattr(module, "right_inverse"):
        return value
    try:
        return module.right_inverse(value)
    except NotImplementedError:
        return value


# ------------------------------------------------------------------------------------------------ the module's class


def _property(name: str) -> property:
    def read(self: Any) -> Any:
        if not _cache.depth:
            return self.parametrizations[name]()
        key = (id(self), name)
        if key not in _cache.values:
            _cache.values[key] = self.parametrizations[name]()
        return _cache.values[key]

    def write(self: Any, value: Any) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(read, write)


def _deepcopy(self: Any, memo: dict[int, Any]) -> Any:
    twin = self.__new__(type(self))
    memo[id(self)] = twin
    twin.__setstate__(copy.deepcopy(self.__dict__, memo))
    return twin


def _no_pickle(self: Any, protocol: Any = None) -> Any:
    raise RuntimeError(
        f"pickle: a module with parametrizations ({type(self).__name__}) cannot be pickled; save its "
        "state_dict() instead, "
        "or remove_parametrizations() first."
    )


def _set_class(module: Any) -> None:
    """Give ``module`` a class with a property for each parametrized name, or its own class back."""
    base = type_before_parametrizations(module)
    names = list(module.parametrizations) if is_parametrized(module) else []
    if not names:
        module.__class__ = base
        return
    body: dict[str, Any] = {name: _property(name) for name in names}
    body |= {"_parametrized_class": base, "__reduce_ex__": _no_pickle, "__module__": base.__module__}
    if not hasattr(base, "__deepcopy__"):
        body["__deepcopy__"] = _deepcopy
    module.__class__ = type(f"Parametrized{base.__name__}", (base,), body)


# ------------------------------------------------------------------------------------------------ public functions


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Make ``module.tensor_name`` the result of ``parametrization`` applied to the original tensor.

    Parameters
    ----------
    module : Module
    tensor_name : str
        A parameter or buffer of it.
    parametrization : Module
        Called with the original tensor; may have ``right_inverse(value)``, which finds the original for a value
        (several
        tensors for the first parametrization).
    unsafe : bool
        Allow shape and dtype to change.

    Raises
    ------
    ValueError
        If there is no such tensor, or shape or dtype would change.

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> import nn.utils.parametrize as P
    >>> class Symmetric(nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).transpose(-1, -2)
    >>> layer = P.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    >>> bool((layer.weight == layer.weight.t()).all())
    True
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            now = getattr(module, tensor_name)
            new = parametrization(now)
            _check_same("a parametrization", new, now)
            if hasattr(parametrization, "right_inverse"):
                _check_same("right_inverse", _invert(parametrization, new), now)
        chain: Any = module.parametrizations[tensor_name]  # type: ignore[index]
        chain.append(parametrization)
        chain.unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        chain = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe=unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            module.parametrizations = ModuleDict()
        table: Any = module.parametrizations
        table._modules[tensor_name] = chain  # a tensor's name may be that of a method of ModuleDict
        _set_class(module)
    else:
        raise ValueError(
            f"register_parametrization: {type(module).__name__} has no parameter, buffer or parametrized tensor "
            f"{tensor_name!r}."
        )
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether the module (or one tensor of it) has parametrizations."""
    table = module.__dict__.get("parametrizations")
    if not isinstance(table, ModuleDict):
        return False
    return len(table) > 0 if tensor_name is None else tensor_name in table


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make the tensor an ordinary parameter again.

    Parameters
    ----------
    leave_parametrized : bool
        Whether its value is the parametrized one, or the original (possible for a single original tensor only).

    Raises
    ------
    ValueError
        If it has no parametrizations, or ``leave_parametrized=False`` with several originals.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(
            f"remove_parametrizations: {tensor_name!r} of {type(module).__name__} has no parametrizations."
        )
    chain: Any = module.parametrizations[tensor_name]  # type: ignore[index]
    if not chain.is_tensor and not leave_parametrized:
        raise ValueError(
            f"remove_parametrizations: {tensor_name!r} is computed from {chain.ntensors} tensors, so there is no "
            "original to "
            "leave; use leave_parametrized=True."
        )
    if chain.is_tensor:
        tensor = chain.original
        if leave_parametrized:
            with ac.no_grad():
                tensor.data = getattr(module, tensor_name).detach()
    else:
        value = getattr(module, tensor_name)
        tensor = Parameter(value) if value.requires_grad else value
    del module.parametrizations[tensor_name]  # type: ignore[operator]
    if len(module.parametrizations) == 0:  # type: ignore[arg-type]
        delattr(module, "parametrizations")
    _set_class(module)
    _register(module, tensor_name, tensor)
    return module


def type_before_parametrizations(module: Module) -> type:
    """The module's class as it was before it had parametrizations."""
    return getattr(type(module), "_parametrized_class", type(module))


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Give ``to_module`` copies of the parametrizations (and the tensors they start from) of ``from_module``."""
    if not is_parametrized(from_module):
        return to_module
    table: Any = from_module.parametrizations
    for name in list(table) if tensor_name is None else [tensor_name]:
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach().clone()))
        for p in table[name]:
            register_parametrization(to_module, name, copy.deepcopy(p), unsafe=True)
        source, target = table[name], to_module.parametrizations[name]  # type: ignore[index]
        names = ["original"] if source.is_tensor else [f"original{i}" for i in range(source.ntensors)]
        for n in names:
            getattr(target, n).data = getattr(source, n).detach().clone()
    return to_module
