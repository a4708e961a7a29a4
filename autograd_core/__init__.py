"""A reverse-mode autodiff engine with a dynamic tensor graph: PyTorch's words, NumPy and Numba underneath."""

from __future__ import annotations

import importlib
import warnings
from math import e, inf, nan, pi
from typing import Any

# NumPy warns where PyTorch is silent (log(0), 0/0); only what our own modules compute is meant.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"autograd_core\b")

from . import dtypes, errors, graph  # noqa: E402
from .ops import attach as _attach  # noqa: E402
from .ops.activation import *  # noqa: E402
from .ops.arithmetic import *  # noqa: E402
from .ops.complex import *  # noqa: E402
from .ops.conv import *  # noqa: E402
from .ops.conversion import *  # noqa: E402
from .ops.distance import *  # noqa: E402
from .ops.dropout import *  # noqa: E402
from .ops.embedding import *  # noqa: E402
from .ops.floats import *  # noqa: E402
from .ops.index import *  # noqa: E402
from .ops.linear import *  # noqa: E402
from .ops.manners import *  # noqa: E402
from .ops.matmul import *  # noqa: E402
from .ops.norm import *  # noqa: E402
from .ops.pool import *  # noqa: E402
from .ops.vision import *  # noqa: E402
from .ops.decompositions import *  # noqa: E402
from .ops.linalg_legacy import *  # noqa: E402
from .ops.linalg_norms import *  # noqa: E402
from .ops.linalg_products import *  # noqa: E402
from .ops.random import *  # noqa: E402
from .ops.reduce import *  # noqa: E402
from .ops.shape import *  # noqa: E402
from .ops.scatter import *  # noqa: E402
from .ops.sorting import *  # noqa: E402
from .ops.special import *  # noqa: E402
from .ops.spectral import *  # noqa: E402
from .ops.stacking import *  # noqa: E402
from .ops.statistics import *  # noqa: E402
from . import autograd  # noqa: E402
from .autograd import enable_grad, inference_mode, is_grad_enabled, is_inference_mode_enabled, no_grad, set_grad_enabled  # noqa: E402
from .dtypes import *  # noqa: E402
from .factories import *  # noqa: E402
from .legacy import *  # noqa: E402
from .random import *  # noqa: E402
from .settings import *  # noqa: E402
from .device import device  # noqa: E402
from .formatting import set_printoptions  # noqa: E402
from .tensor import Size, Tensor  # noqa: E402

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
