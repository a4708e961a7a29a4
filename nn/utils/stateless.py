"""Calling a module with other parameters than its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ..module import Module

__all__ = ["functional_call"]


def functional_call(
    module: Module,
    parameters_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: Any = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call ``module`` as if the given tensors were its parameters and buffers (PyTorch's
    ``torch.func.functional_call``).

    Parameters
    ----------
    module : Module
    parameters_and_buffer_dicts : dict, or tuple of dicts
        Dotted name to tensor; gradients flow to these.
    args : any
        The call's positional arguments; a tuple, or one argument.
    kwargs : dict, optional
        Its keyword arguments.
    tie_weights : bool
        A parameter that the module has in two places is replaced in both.
    strict : bool
        Every parameter and buffer must be given, and nothing else.

    Raises
    ------
    RuntimeError
        With ``strict``, for missing or unexpected names.
    ValueError
        If two tied names are given different tensors.

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> from nn.utils.stateless import functional_call
    >>> double = {"weight": torch.eye(2) * 2, "bias": torch.zeros(2)}
    >>> functional_call(nn.Linear(2, 2), double, torch.tensor([1.0, 2.0]))
    tensor([2., 4.])
    """
    if isinstance(parameters_and_buffer_dicts, Mapping):
        given = dict(parameters_and_buffer_dicts)
    elif isinstance(parameters_and_buffer_dicts, Sequence) and all(
        isinstance(d, Mapping) for d in parameters_and_buffer_dicts
    ):
        given = {}
        for d in parameters_and_buffer_dicts:
            if twice := sorted(set(given) & set(d)):
                raise ValueError(f"functional_call: {twice} appear in more than one dict.")
            given.update(d)
    else:
        raise ValueError("functional_call: expected a dict of tensors or a tuple of such dicts.")
    positional = () if args is None else args if isinstance(args, tuple) else (args,)
    with _replaced(module, given, tie_weights, strict):
        return module(*positional, **(kwargs or {}))


def _places(module: Module) -> dict[str, tuple[Any, str, Any]]:
    """Dotted name -> (module, attribute, tensor) of every parameter and buffer; shared ones under each name."""
    out = {}
    for path, part in module.named_modules(remove_duplicate=False):
        for table in (part._parameters, part._buffers):
            for name, value in table.items():
                if value is not None:
                    out[f"{path}.{name}" if path else name] = (part, name, value)
    return out


@contextmanager
def _replaced(module: Module, given: dict[str, Any], tie_weights: bool, strict: bool) -> Iterator[None]:
    places = _places(module)
    wanted = dict(given)
    if tie_weights:
        names: dict[int, list[str]] = {}
        for name, (_, _, value) in places.items():
            names.setdefault(id(value), []).append(name)
        for tied in names.values():
            chosen = {id(given[n]): given[n] for n in tied if n in given}
            if len(chosen) > 1:
                raise ValueError(
                    f"functional_call: {tied} are one tensor of the module, but were given different values."
                )
            for value in chosen.values():
                wanted.update(dict.fromkeys(tied, value))
    unexpected = sorted(set(wanted) - set(places))
    missing = sorted(set(places) - set(wanted))
    if strict and (missing or unexpected):
        parts = [f"missing {missing}"] * bool(missing) + [f"unexpected {unexpected}"] * bool(unexpected)
        raise RuntimeError(f"functional_call: with strict=True the names must be the module's; {', '.join(parts)}.")
    if unexpected:
        raise RuntimeError(f"functional_call: the module has no parameters or buffers named {unexpected}.")
    old = []
    try:
        for name, value in wanted.items():
            part, attribute, original = places[name]
            part.__dict__[attribute] = value  # a registry's values live in the module's attributes
            old.append((part, attribute, original))
        yield
    finally:
        for part, attribute, original in old:
            part.__dict__[attribute] = original
