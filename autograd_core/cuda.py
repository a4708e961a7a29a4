"""The names below ``torch.cuda`` that CPU code touches; there is no GPU here, and everything else says so."""

from __future__ import annotations

from typing import Any

from .errors import not_here

__all__ = [
    "current_device",
    "device_count",
    "empty_cache",
    "is_available",
    "manual_seed",
    "manual_seed_all",
    "synchronize",
]


def is_available() -> bool:
    """False: this engine runs on the CPU."""
    return False


def device_count() -> int:
    """0."""
    return 0


def is_initialized() -> bool:
    """False."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False."""
    return False


def manual_seed(seed: int) -> None:
    """Ignored, as PyTorch ignores it without a GPU."""


def manual_seed_all(seed: int) -> None:
    """Ignored, as PyTorch ignores it without a GPU."""


def empty_cache() -> None:
    """Does nothing."""


def synchronize(device: Any = None) -> None:
    """Does nothing: operations are done when they return."""


def memory_allocated(device: Any = None) -> int:
    """0."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """0."""
    return 0


def memory_reserved(device: Any = None) -> int:
    """0."""
    return 0


def reset_peak_memory_stats(device: Any = None) -> None:
    """Does nothing."""


def current_device() -> int:
    """Refused: there is no GPU."""
    raise not_here("cuda.current_device", "this engine runs on the CPU only.", "Guard it with cuda.is_available().")


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    if name == "amp":
        import importlib

        return importlib.import_module("autograd_core.amp")

    class Unavailable:
        """Stands for a name of torch.cuda; using it says that there is no GPU here."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            raise not_here(f"cuda.{name}", "this engine runs on the CPU only.", "Guard it with cuda.is_available().")

    Unavailable.__name__ = name
    return Unavailable
