"""Weight normalisation in PyTorch's old form: a hook that computes the weight before each forward."""

from __future__ import annotations

import warnings
from typing import Any

from autograd_core import Tensor

from ..parameter import Parameter, is_lazy

__all__ = ["WeightNorm", "remove_weight_norm", "weight_norm"]


def norm_except_dim(v: Any, dim: int) -> Any:
    """The 2-norm over all dimensions but ``dim`` (all of them for -1), dimensions kept."""
    if dim == -1:
        return (v * v).sum().sqrt()
    return (v * v).sum([d for d in range(v.ndim) if d != dim], keepdim=True).sqrt()


def weight_of(v: Any, g: Any, dim: int) -> Any:
    """g v / norm(v)."""
    return v * (g / norm_except_dim(v, dim))


class WeightNorm:
    """The hook: computes ``name`` from ``name_g`` and ``name_v``."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Any) -> Tensor:
        """The weight from its magnitude and direction."""
        return weight_of(getattr(module, f"{self.name}_v"), getattr(module, f"{self.name}_g"), self.dim)  # type: ignore[no-any-return]

    @staticmethod
    def apply(module: Any, name: str, dim: int | None) -> WeightNorm:
        """Split the parameter and register the hook."""
        if any(isinstance(h, WeightNorm) and h.name == name for h in module._forward_pre_hooks.values()):
            raise RuntimeError(f"weight_norm: {name!r} has weight_norm already.")
        fn = WeightNorm(name, dim)
        weight = getattr(module, name)
        if is_lazy(weight):
            raise ValueError("weight_norm: the module is lazy and has no shapes yet; run it once first.")
        delattr(module, name)
        module.register_parameter(f"{name}_g", Parameter(norm_except_dim(weight.detach(), fn.dim)))
        module.register_parameter(f"{name}_v", Parameter(weight.detach()))
        setattr(module, name, fn.compute_weight(module))
        module.register_forward_pre_hook(fn)
        return fn

    def remove(self, module: Any) -> None:
        """Make the weight one parameter again."""
        weight = self.compute_weight(module)
        delattr(module, self.name)
        delattr(module, f"{self.name}_g")
        delattr(module, f"{self.name}_v")
        setattr(module, self.name, Parameter(weight.detach()))

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """w = g v / norm(v), g and v being learned (Salimans & Kingma 2016); deprecated as in PyTorch.

    Use :func:`nn.utils.parametrizations.weight_norm`.
    """
    warnings.warn(
        "nn.utils.weight_norm is deprecated in favour of nn.utils.parametrizations.weight_norm.",
        FutureWarning,
        stacklevel=2,
    )
    WeightNorm.apply(module, name, dim)
    return module


def remove_weight_norm(module: Any, name: str = "weight") -> Any:
    """Undo :func:`weight_norm`: the weight becomes one parameter again."""
    for key, hook in list(module._forward_pre_hooks.items()):
        if isinstance(hook, WeightNorm) and hook.name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"remove_weight_norm: {name!r} of {type(module).__name__} has no weight_norm.")
