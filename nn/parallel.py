"""``DataParallel`` as scripts use it: with one device it passes everything to the module it wraps."""

from __future__ import annotations

from typing import Any

from autograd_core import errors

from .module import Module

__all__ = ["DataParallel", "DistributedDataParallel"]


class DataParallel(Module):
    """Calls ``module``; the ``state_dict`` keys begin with ``module.`` as PyTorch's do.

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> net = nn.DataParallel(nn.Linear(2, 3))
    >>> list(net.state_dict()), net(torch.zeros(1, 2)).shape
    (['module.weight', 'module.bias'], Size([1, 3]))
    """

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        self.module = module
        self.dim = dim
        self.device_ids: list[Any] = []
        self.output_device = None

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)


class DistributedDataParallel:
    """Not possible here: there are no process groups (an error says so)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise errors.not_here("DistributedDataParallel", "there are no process groups.", "Use the module itself.")
