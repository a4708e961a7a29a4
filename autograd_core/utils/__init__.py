"""``torch.utils``: ``checkpoint``, ``_pytree``, ``hooks``; ``data`` is the data package of nn."""

from __future__ import annotations

import importlib
from typing import Any

from ..absent import absent

_absent = absent("utils", "this part of torch.utils has no counterpart here.")


def __getattr__(name: str) -> Any:
    if name in ("checkpoint", "_pytree", "hooks"):
        return importlib.import_module(f".{name}", __name__)
    if name == "data":
        return importlib.import_module("nn.data")
    return _absent(name)
