"""``torch.utils.hooks``."""

from __future__ import annotations

from ..graph import RemovableHandle

__all__ = ["RemovableHandle"]
