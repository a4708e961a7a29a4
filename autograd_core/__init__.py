"""A reverse-mode autodiff engine with a dynamic tensor graph: PyTorch's words, NumPy and Numba underneath."""

from __future__ import annotations

import importlib
import warnings
from math import e, inf, nan, pi
from typing import Any

# NumPy warns where PyTorch is silent (log(0), 0/0); only what our own modules compute is meant.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"autograd_core\b")

from . import dtypes, errors, graph
from .ops import attach as _attach
from .ops.activation import *
from .ops.arithmetic import *
from .ops.complex import *
from .ops.conv import *
from .ops.conversion import *
from .ops.distance import *
from .ops.dropout import *
from .ops.embedding import *
from .ops.floats import *
from .ops.index import *
from .ops.linear import *
from .ops.manners import *
from .ops.matmul import *
from .ops.norm import *
from .ops.pool import *
from .ops.vision import *
from .ops.decompositions import *
from .ops.linalg_legacy import *
from .ops.linalg_norms import *
from .ops.linalg_products import *
from .ops.random import *
from .ops.reduce import *
from .ops.shape import *
from .ops.scatter import *
from .ops.sorting import *
from .ops.special import *
from .ops.spectral import *
from .ops.stacking import *
from .ops.statistics import *
from . import autograd, sparse
from .autograd import enable_grad, inference_mode, is_grad_enabled, is_inference_mode_enabled, no_grad, set_grad_enabled
from .dtypes import *
from .factories import *
from .legacy import *
from .random import *
from .settings import *
from .sparse import sparse_coo_tensor, spmm
from .device import device
from .formatting import set_printoptions
from .tensor import Size, Tensor

__version__ = "0.1.0"

_LAZY = frozenset(
    "amp backends compiler cuda debug distributed fft func functional gradcheck hub io jit kernels linalg multiprocessing onnx profiler "
    "special testing utils version viz".split()
)
_FROM = {
    "save": "io", "load": "io", "autocast": "amp", "GradScaler": "amp", "is_autocast_enabled": "amp", "vmap": "func",
    "detect_anomaly": "debug",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Sub-packages that are loaded when first touched, and in-place functions (``exp_(x)`` is ``x.exp_()``)."""
    if name in _LAZY:
        return importlib.import_module(f".{name}", __name__)
    if name in _FROM:
        return getattr(importlib.import_module(f".{_FROM[name]}", __name__), name)
    if name.endswith("_") and not name.startswith("_") and hasattr(Tensor, name):
        return getattr(Tensor, name)
    raise AttributeError(f"module 'autograd_core' has no attribute {name!r}")
