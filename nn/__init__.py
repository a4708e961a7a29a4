"""Neural networks in PyTorch's words: modules, functions, optimizers, data, on ``autograd_core``."""

from __future__ import annotations

import importlib
from typing import Any

from . import functional, init, modules, parameter
from .hooks import (
    register_module_backward_hook as register_module_backward_hook,
    register_module_forward_hook as register_module_forward_hook,
    register_module_forward_pre_hook as register_module_forward_pre_hook,
    register_module_full_backward_hook as register_module_full_backward_hook,
    register_module_full_backward_pre_hook as register_module_full_backward_pre_hook,
)
from .module import Module as Module
from .modules import *
from .parameter import (
    Buffer as Buffer,
    Parameter as Parameter,
    UninitializedBuffer as UninitializedBuffer,
    UninitializedParameter as UninitializedParameter,
)

_LAZY = ("data", "datasets", "distributions", "optim", "parallel", "training", "transforms", "utils")

__all__ = ["Buffer", "Parameter", "functional", "init", "modules", "parameter", *modules.__all__, *_LAZY]


def __getattr__(name: str) -> Any:
    """Sub-packages that are loaded when first touched."""
    if name in _LAZY:
        return importlib.import_module(f".{name}", __name__)
    if name == "DataParallel":
        from .parallel import DataParallel

        return DataParallel
    raise AttributeError(f"module 'nn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
