"""``torch.distributed``: there are no process groups here; the questions that scripts ask first are answered."""

from __future__ import annotations

from .absent import absent

__all__ = ["is_available", "is_initialized", "is_torchelastic_launched"]


def is_available() -> bool:
    """False: there are no process groups here."""
    return False


def is_initialized() -> bool:
    """False."""
    return False


def is_torchelastic_launched() -> bool:
    """False."""
    return False


__getattr__ = absent("distributed", "this engine trains in one process.", "Guard it with distributed.is_available().")
