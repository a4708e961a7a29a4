"""Kernels: ndarrays in, ndarrays out.  NumPy and Numba only; nothing here knows a Tensor or a graph.

Each subject is a module of checked public functions with their plain NumPy twins (``conv.py``), beside one of
Numba code (``jit_conv.py``) that is imported when a kernel is first needed.  `runtime` decides between them and
owns the threads, `thresholds` holds the measured sizes, ``python -m autograd_core.kernels warm`` compiles ahead.
"""

from . import runtime as runtime
