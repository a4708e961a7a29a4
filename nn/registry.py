"""The tables of a module (``_parameters``, ``_buffers``, ``_modules``): names in order, values in the module itself.

A registered value lives in the module's ``__dict__`` like any attribute, so ``self.weight`` is an ordinary attribute
look-up (PyTorch's detour over ``__getattr__`` costs several times as much); a registry only knows which names are
parameters, buffers or children.  There is one truth, whichever way it is written.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, MutableMapping
from typing import Any


class Registry(MutableMapping[str, Any]):
    """An ordered table of names whose values are attributes of ``owner``."""

    __slots__ = ("__weakref__", "_owner", "names")

    def __init__(self, owner: Any = None, names: Any = ()) -> None:
        self.names: dict[str, None] = dict.fromkeys(names)
        self._owner = weakref.ref(owner) if owner is not None else None

    def _values(self) -> dict[str, Any]:
        owner = self._owner() if self._owner is not None else None
        if owner is None:
            raise ReferenceError("this table belonged to a module that no longer exists; keep the module alive.")
        return owner.__dict__  # type: ignore[no-any-return]

    def __getitem__(self, name: str) -> Any:
        if name not in self.names:
            raise KeyError(name)
        return self._values()[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._values()[name] = value
        self.names[name] = None

    def __delitem__(self, name: str) -> None:
        del self.names[name]
        self._values().pop(name, None)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def items(self) -> Any:
        """Pairs, as a list: the table may change while they are walked."""
        if not self.names:
            return ()
        values = self._values()
        return [(n, values[n]) for n in self.names]

    def values(self) -> Any:
        """Values, as a list."""
        if not self.names:
            return ()
        values = self._values()
        return [values[n] for n in self.names]

    def copy(self) -> dict[str, Any]:
        """A plain dict."""
        return dict(self.items())

    def __repr__(self) -> str:
        return repr(dict(self.items()))

    def __reduce__(self) -> Any:
        return Registry, (None, tuple(self.names))

    def bound_to(self, owner: Any) -> Registry:
        """The same names for another module (after a copy or unpickling)."""
        return Registry(owner, self.names)
