"""Parts of PyTorch that cannot exist here: a name can be imported, and using it raises one sentence that says why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import not_here


def absent(module: str, why: str, instead: str = "") -> Callable[[str], Any]:
    """A module's ``__getattr__``: any name is a class whose use raises :class:`~autograd_core.errors.NotAvailableError`."""

    def getattr_(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module 'autograd_core.{module}' has no attribute {name!r}")

        class Meta(type):
            def __getattr__(cls, attribute: str) -> Any:
                if attribute.startswith("__"):
                    raise AttributeError(attribute)
                raise not_here(f"{module}.{name}", why, instead)

        class Unavailable(metaclass=Meta):
            def __new__(cls, *args: Any, **kwargs: Any) -> Any:
                raise not_here(f"{module}.{name}", why, instead)

        Unavailable.__name__ = Unavailable.__qualname__ = name
        Unavailable.__doc__ = f"Not available: {why}"
        return Unavailable

    return getattr_
