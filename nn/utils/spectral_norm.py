"""Spectral normalisation in PyTorch's old form: a hook that divides the weight by its largest singular value."""

from __future__ import annotations

from typing import Any

import autograd_core as ac
from autograd_core import Tensor, graph

from .. import functional as F
from ..parameter import Parameter, is_lazy

__all__ = ["SpectralNorm", "remove_spectral_norm", "spectral_norm"]


def as_matrix(weight: Any, dim: int) -> Any:
    """``dim`` in front, the other dimensions as one."""
    if dim != 0:
        weight = weight.permute(dim, *[d for d in range(weight.ndim) if d != dim])
    return weight.reshape(weight.shape[0], -1)


def default_dim(module: Any) -> int:
    """The output dimension of the weight: 1 for transposed convolutions, else 0."""
    from ..modules.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d

    return 1 if isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)) else 0


def unit_vector(n: int, like: Any, eps: float) -> Any:
    """A random vector of norm 1."""
    return F.normalize(ac.randn(n, dtype=like.dtype), dim=0, eps=eps)


def into(target: Any, values: Any) -> None:
    """Overwrite a buffer; its identity stays."""
    target.array[...] = values.array
    graph.wrote(target.array)


class SpectralNorm:
    """The hook: computes ``name`` from ``name_orig`` with the power method, whose vectors are ``name_u`` and
    ``name_v``."""

    def __init__(self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        if n_power_iterations <= 0:
            raise ValueError(f"spectral_norm: n_power_iterations must be positive, got {n_power_iterations}.")
        self.name, self.dim, self.n_power_iterations, self.eps = name, dim, n_power_iterations, eps

    def compute_weight(self, module: Any, do_power_iteration: bool) -> Tensor:
        """weight / sigma, sigma = u^T W v."""
        weight = getattr(module, f"{self.name}_orig")
        u, v = getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            with ac.no_grad():
                for _ in range(self.n_power_iterations):
                    into(v, F.normalize(matrix.t().mv(u), dim=0, eps=self.eps))
                    into(u, F.normalize(matrix.mv(v), dim=0, eps=self.eps))
            u, v = u.clone(), v.clone()  # backward through two forwards needs the vectors of each
        return weight / u.dot(matrix.mv(v))  # type: ignore[no-any-return]

    @staticmethod
    def apply(module: Any, name: str, n_power_iterations: int, dim: int, eps: float) -> SpectralNorm:
        """Rename the parameter and register the hook."""
        if any(isinstance(h, SpectralNorm) and h.name == name for h in module._forward_pre_hooks.values()):
            raise RuntimeError(f"spectral_norm: {name!r} has spectral_norm already.")
        fn = SpectralNorm(name, n_power_iterations, dim, eps)
        weight = module._parameters.get(name)
        if weight is None:
            raise ValueError(f"spectral_norm: {type(module).__name__} has no parameter {name!r}.")
        if is_lazy(weight):
            raise ValueError("spectral_norm: the module is lazy and has no shapes yet; run it once first.")
        rows, cols = as_matrix(weight.detach(), dim).shape
        delattr(module, name)
        module.register_parameter(f"{name}_orig", weight)
        setattr(module, name, weight.detach())
        module.register_buffer(f"{name}_u", unit_vector(rows, weight, eps))
        module.register_buffer(f"{name}_v", unit_vector(cols, weight, eps))
        module.register_forward_pre_hook(fn)
        return fn

    def remove(self, module: Any) -> None:
        """Make the normalised weight the parameter."""
        with ac.no_grad():
            weight = self.compute_weight(module, do_power_iteration=False)
        for end in ("", "_u", "_v", "_orig"):
            delattr(module, self.name + end)
        module.register_parameter(self.name, Parameter(weight.detach()))

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, do_power_iteration=module.training))


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Any:
    """w / sigma(w), sigma being the largest singular value found by the power method (Miyato et al. 2018).

    PyTorch's old form; :func:`nn.utils.parametrizations.spectral_norm` is the new one.

    Parameters
    ----------
    module : Module
    name : str
        The parameter.
    n_power_iterations : int
        Steps of the power method in each forward in training.
    eps : float
        Guards the norms.
    dim : int, optional
        The output dimension (0; 1 for transposed convolutions).
    """
    SpectralNorm.apply(module, name, n_power_iterations, default_dim(module) if dim is None else dim, eps)
    return module


def remove_spectral_norm(module: Any, name: str = "weight") -> Any:
    """Undo :func:`spectral_norm`: the normalised weight becomes the parameter."""
    for key, hook in list(module._forward_pre_hooks.items()):
        if isinstance(hook, SpectralNorm) and hook.name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"remove_spectral_norm: {name!r} of {type(module).__name__} has no spectral_norm.")
