"""PyTorch's place of :class:`ExponentialFamily`."""

from __future__ import annotations

from .distribution import ExponentialFamily as ExponentialFamily
