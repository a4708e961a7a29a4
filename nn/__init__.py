"""Neural networks in PyTorch's words: modules, functions, optimizers, data, on ``autograd_core``."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import functional as functional, init as init, modules as modules, parameter as parameter
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

if TYPE_CHECKING:  # what __getattr__ loads when it is first touched
    from . import data as data, datasets as datasets, distributions as distributions, optim as optim
    from . import parallel as parallel, training as training, transforms as transforms, utils as utils
    from .parallel import DataParallel as DataParallel

_LAZY = ("data", "datasets", "distributions", "optim", "parallel", "training", "transforms", "utils")

if not TYPE_CHECKING:  # a type checker cannot compute this list; without one it takes what the star brings
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
