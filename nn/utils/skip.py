"""``skip_init``."""

from __future__ import annotations

import inspect
from typing import Any

__all__ = ["skip_init"]


def skip_init(module_cls: Any, *args: Any, **kwargs: Any) -> Any:
    """Make a module; PyTorch's function leaves its parameters uninitialised to save time.

    Here the initial values are drawn: parameters that a caller forgets to fill are then harmless.
    """
    from ..module import Module

    if not isinstance(module_cls, type) or not issubclass(module_cls, Module):
        raise RuntimeError(f"skip_init: expected a Module class, got {module_cls!r}.")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError(f"skip_init: {module_cls.__name__} has no device argument.")
    return module_cls(*args, **kwargs)
