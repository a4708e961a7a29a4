"""``torch.multiprocessing``: tensors are not shared between processes here; Python's own multiprocessing pickles them."""

from __future__ import annotations

from .absent import absent

__getattr__ = absent(
    "multiprocessing",
    "tensors are not shared between processes here.",
    "Use Python's multiprocessing, or DataLoader's workers.",
)
