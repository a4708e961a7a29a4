"""``torch.compiler``: nothing is compiled, so its questions are answered with no and its decorators change nothing."""

from __future__ import annotations

from typing import Any

__all__ = ["disable", "is_compiling", "is_dynamo_compiling", "reset"]


def is_compiling() -> bool:
    """False."""
    return False


def is_dynamo_compiling() -> bool:
    """False."""
    return False


def disable(fn: Any = None, recursive: bool = True) -> Any:
    """The function itself."""
    return (lambda f: f) if fn is None else fn


def reset() -> None:
    """Does nothing."""
