"""A reverse-mode autodiff engine with a dynamic tensor graph: PyTorch's words, NumPy and Numba underneath."""

from __future__ import annotations

from . import dtypes, errors, graph
from .ops import attach as _attach
from .autograd import *
from .dtypes import *
from .factories import *
from .random import *
from .device import device
from .formatting import set_printoptions
from .tensor import Size, Tensor

__version__ = "0.1.0"
