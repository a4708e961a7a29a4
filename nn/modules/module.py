"""``Module`` under PyTorch's import path."""

from ..module import Module as Module
