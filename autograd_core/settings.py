"""Switches of the whole process: threads, determinism, precision; and what PyTorch's ``compile`` is here."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from . import dtypes
from .device import CPU, check_device, device
from .errors import wrong_type
from .tensor import Tensor

__all__ = [
    "are_deterministic_algorithms_enabled", "compile", "get_default_device", "get_float32_matmul_precision", "get_num_interop_threads",
    "get_num_threads", "is_deterministic_algorithms_warn_only_enabled", "is_inference", "is_storage", "result_type",
    "set_default_device", "set_deterministic_debug_mode", "set_float32_matmul_precision", "set_num_interop_threads", "set_num_threads",
    "use_deterministic_algorithms",
]  # fmt: skip


def _runtime() -> Any:
    return importlib.import_module(".kernels.runtime", __package__)  # not at import time: it may look for Numba


def get_num_threads() -> int:
    """How many threads a kernel may use."""
    return int(_runtime().get_num_threads())


def set_num_threads(n: int) -> None:
    """Let kernels use up to ``n`` threads.

    Raises
    ------
    RuntimeError
        If ``n`` is not positive.
    """
    if not isinstance(n, int) or isinstance(n, bool):
        raise wrong_type("set_num_threads", "n", "an int", n)
    if n < 1:
        raise RuntimeError(f"set_num_threads: the number of threads must be positive, got {n}.")
    _runtime().set_num_threads(n)


def get_num_interop_threads() -> int:
    """1: ops run one after another."""
    return 1


def set_num_interop_threads(n: int) -> None:
    """Accepted for PyTorch's sake; ops run one after another whatever ``n`` is."""
    if n < 1:
        raise RuntimeError(f"set_num_interop_threads: the number of threads must be positive, got {n}.")


class _State:
    deterministic = False
    warn_only = False
    precision = "highest"


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Remembered only: equal seeds and inputs give equal results here in any case."""
    _State.deterministic, _State.warn_only = bool(mode), bool(warn_only)


def are_deterministic_algorithms_enabled() -> bool:
    """What :func:`use_deterministic_algorithms` was last told."""
    return _State.deterministic


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """What ``warn_only`` was last told."""
    return _State.deterministic and _State.warn_only


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """PyTorch's other spelling: "default", "warn" or "error" (0, 1, 2)."""
    names = ("default", "warn", "error")
    if debug_mode not in (*names, 0, 1, 2):
        raise ValueError(
            f"set_deterministic_debug_mode: expected one of {', '.join(names)} or 0, 1, 2, got {debug_mode!r}."
        )
    level = names.index(debug_mode) if isinstance(debug_mode, str) else debug_mode
    use_deterministic_algorithms(level > 0, warn_only=level == 1)


def set_float32_matmul_precision(precision: str) -> None:
    """Remembered only: float32 products are computed in float32 here ("highest")."""
    if precision not in ("highest", "high", "medium"):
        raise ValueError(f"set_float32_matmul_precision: expected highest, high or medium, got {precision!r}.")
    _State.precision = precision


def get_float32_matmul_precision() -> str:
    """What :func:`set_float32_matmul_precision` was last told."""
    return _State.precision


def get_default_device() -> device:
    """Always ``device('cpu')``."""
    return CPU


def set_default_device(device: Any) -> None:
    """Accepts the CPU, refuses any other device."""
    if device is not None:
        check_device("set_default_device", device)


def compile(model: Callable[..., Any] | None = None, **options: Any) -> Any:
    """``model`` itself: there is no graph compiler behind this name, and what runs is the same either way.

    PyTorch's keywords (``fullgraph dynamic backend mode options disable``) are accepted; without ``model`` a decorator is
    returned.
    """
    if model is None:
        return lambda m: m
    if not callable(model):
        raise wrong_type("compile", "model", "callable", model)
    return model


def result_type(tensor1: Any, tensor2: Any) -> dtypes.dtype:
    """The type that an elementwise op of the two (tensors or numbers) gives."""
    values = []
    for v in (tensor1, tensor2):
        if not isinstance(v, (Tensor, bool, int, float, complex)):
            raise wrong_type("result_type", "the arguments", "tensors or numbers", v)
        values.append(v.array if isinstance(v, Tensor) else v)
    return dtypes.of(np.empty(0, dtypes.result_dtype(values)))


def is_storage(obj: Any) -> bool:
    """False: tensors hold ndarrays, there is no storage class."""
    return False


def is_inference(input: Tensor) -> bool:
    """Whether the tensor was made in inference mode."""
    return input.is_inference()
