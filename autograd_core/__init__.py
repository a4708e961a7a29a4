"""A reverse-mode autodiff engine with a dynamic tensor graph: PyTorch's words, NumPy and Numba underneath."""

from __future__ import annotations

import importlib
import warnings
from math import e as e, inf as inf, nan as nan, pi as pi
from typing import TYPE_CHECKING, Any

# NumPy warns where PyTorch is silent (log(0), 0/0); only what our own modules compute is meant.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"autograd_core\b")

from . import dtypes as dtypes, errors as errors, graph as graph  # x as x: exported, for type checkers
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
from . import autograd as autograd, sparse as sparse
from .autograd import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    is_grad_enabled as is_grad_enabled,
    is_inference_mode_enabled as is_inference_mode_enabled,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from .dtypes import *
from .factories import *
from .legacy import *
from .random import *
from .settings import *
from .sparse import sparse_coo_tensor as sparse_coo_tensor, spmm as spmm
from .device import device as device
from .formatting import set_printoptions as set_printoptions
from .tensor import Size as Size, Tensor as Tensor

if TYPE_CHECKING:  # what __getattr__ loads when it is first touched
    from . import amp as amp, backends as backends, compiler as compiler, cuda as cuda, debug as debug
    from . import distributed as distributed, fft as fft, func as func, functional as functional
    from . import gradcheck as gradcheck, io as io, jit as jit, kernels as kernels, linalg as linalg
    from . import multiprocessing as multiprocessing, onnx as onnx, profiler as profiler, special as special
    from . import testing as testing, utils as utils, version as version, viz as viz
    from .amp import GradScaler as GradScaler, autocast as autocast, is_autocast_enabled as is_autocast_enabled
    from .debug import detect_anomaly as detect_anomaly
    from .func import vmap as vmap
    from .io import load as load, save as save

__version__ = "0.1.0"

_LAZY = frozenset(
    "amp backends compiler cuda debug distributed fft func functional gradcheck hub io jit kernels linalg multiprocessing onnx profiler "
    "special testing utils version viz".split()
)
_FROM = {
    "save": "io", "load": "io", "autocast": "amp", "GradScaler": "amp", "is_autocast_enabled": "amp", "vmap": "func",
    "detect_anomaly": "debug",
}  # fmt: skip
_PACKAGES = {"nn": "nn", "optim": "nn.optim", "distributions": "nn.distributions"}
"""Packages that stand above this one; scripts reach them as ``torch.nn`` and ``torch.optim``."""


def __getattr__(name: str) -> Any:
    """Sub-packages that are loaded when first touched, and in-place functions (``exp_(x)`` is ``x.exp_()``)."""
    if name in _LAZY:
        return importlib.import_module(f".{name}", __name__)
    if name in _PACKAGES:
        return importlib.import_module(_PACKAGES[name])
    if name in _FROM:
        return getattr(importlib.import_module(f".{_FROM[name]}", __name__), name)
    if name.endswith("_") and not name.startswith("_") and hasattr(Tensor, name):
        return getattr(Tensor, name)
    raise AttributeError(f"module 'autograd_core' has no attribute {name!r}")
