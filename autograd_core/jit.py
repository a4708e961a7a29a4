"""``torch.jit``: nothing is compiled here, so the decorators return what they are given; the rest says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .absent import absent

__all__ = ["export", "ignore", "is_scripting", "is_tracing", "script", "unused"]


def script(obj: Any = None, *args: Any, **kwargs: Any) -> Any:
    """``obj`` itself: it runs as Python, with the same results."""
    return (lambda f: f) if obj is None else obj


def script_method(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` itself."""
    return function


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """The function itself (``@ignore`` and ``@ignore(...)``)."""
    return drop if callable(drop) else (lambda f: f)


def unused(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` itself."""
    return function


def export(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` itself."""
    return function


def is_scripting() -> bool:
    """False: code runs as Python."""
    return False


def is_tracing() -> bool:
    """False: nothing is traced."""
    return False


__getattr__ = absent(
    "jit", "there is no TorchScript here.", "Call the Python function or module itself; save parameters with save()."
)
