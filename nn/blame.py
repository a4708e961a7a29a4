"""Which module an error came from: on the error path only, its text gets the module's path in the model.

``net.features.3 (Conv2d): expected 32 input channels, got 16, input shape (8, 16, 28, 28)``
"""

from __future__ import annotations

import sys
from typing import Any

from autograd_core import Tensor, errors

_PREFIXED = (
    RuntimeError,
    ValueError,
    TypeError,
    IndexError,
    errors.ShapeError,
    errors.DtypeError,
    errors.DimError,
    errors.AutogradError,
)


class _Trail:
    """What is known so far about where an error came from; kept on the exception while it rises through the modules."""

    __slots__ = ("modules", "text")

    def __init__(self, text: str | None) -> None:
        self.modules: list[Any] = []  # innermost first
        self.text = text


def blame(error: Exception, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Exception:
    """Called by each ``Module.__call__`` that ``error`` passes: write the path known so far into its text.

    Returns
    -------
    Exception
        ``error``, or a clearer one to raise instead.
    """
    trail = getattr(error, "_module_trail", None)
    if trail is None and isinstance(error, AttributeError):
        error = _not_a_tensor(error, module, args)
    if trail is None:
        plain = type(error) in _PREFIXED and len(error.args) == 1 and isinstance(error.args[0], str)
        trail = _Trail(error.args[0] if plain else None)
        try:
            error._module_trail = trail  # type: ignore[attr-defined]
        except AttributeError:
            return error
        error.add_note(_note(module, args, kwargs))
    if trail.modules and trail.modules[-1] is module:
        return error
    trail.modules.append(module)
    if trail.text is not None:
        inner = trail.modules[0]
        kind = type(inner).__name__
        text = _without_function(trail.text, kind)
        if len(trail.modules) == 1:
            error.args = (f"{kind}: {text}",)
        else:
            error.args = (f"{_path(trail.modules, sys._getframe(2))} ({kind}): {text}",)
    return error


def _not_a_tensor(error: Exception, module: Any, args: tuple[Any, ...]) -> Exception:
    """For an array or a list given to one of our modules: a TypeError that says so, instead of a missing attribute."""
    if type(module).__module__.partition(".")[0] != __name__.partition(".")[0]:
        return error
    for a in args:
        kind = type(a).__name__
        if not isinstance(a, Tensor) and f"{kind}' object has no attribute" in str(error):
            how = "from_numpy(...)" if kind == "ndarray" else "tensor(...)"
            return TypeError(
                f"{type(module).__name__}: expected a Tensor, got {kind}; convert it with autograd_core.{how}."
            )
    return error


def _without_function(text: str, kind: str) -> str:
    """``conv2d: expected ...`` said by Conv2d loses its first word."""
    head, colon, rest = text.partition(": ")
    return rest if colon and head.replace("_", "").lower() == kind.lower() else text


def _note(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    inputs = ", ".join([_describe(a) for a in args] + [f"{k}={_describe(v)}" for k, v in kwargs.items()])
    text = repr(module)
    if "\n" in text:
        text = f"{type(module).__name__}(...)"
    return f"raised in the forward of {text}, called with ({inputs})"


def _describe(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"Tensor{tuple(value.array.shape)} {value.array.dtype}"
    return type(value).__name__ if not isinstance(value, (int, float, bool, str, type(None))) else repr(value)


def _path(modules: list[Any], caller: Any) -> str:
    """The path of ``modules[0]`` below the outermost one, whose name is the caller's variable or its class."""
    path = _variable(modules[-1], caller) or type(modules[-1]).__name__
    for outer, inner in zip(reversed(modules), list(reversed(modules))[1:], strict=False):
        name = next((n for n, m in outer.named_modules() if m is inner and n), None)
        path += f".{name}" if name else f" > {type(inner).__name__}"
    return path


def _variable(module: Any, frame: Any) -> str | None:
    """The name of the variable that holds ``module`` where it was called."""
    while frame is not None and frame.f_code.co_name in ("__call__", "run_forward"):
        frame = frame.f_back
    if frame is None:
        return None
    for table in (frame.f_locals, frame.f_globals):
        for name, value in list(table.items()):
            if value is module and name != "self" and not name.startswith("_"):
                return str(name)
    return None
