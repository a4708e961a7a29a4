"""Ready-made parametrizations: weight norm, spectral norm, orthogonal matrices."""

from __future__ import annotations

from typing import Any

import autograd_core as ac
from autograd_core import Tensor

from .. import functional as F
from ..module import Module
from .parametrize import register_parametrization
from .spectral_norm import as_matrix, default_dim, into, unit_vector
from .weight_norm import norm_except_dim, weight_of

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Any:
        return weight_of(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Any, Any]:
        return norm_except_dim(weight, self.dim), weight


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """w = g v / norm(v), g and v being learned (Salimans & Kingma 2016).

    Parameters
    ----------
    module : Module
    name : str
        The parameter.
    dim : int, optional
        The dimension each of whose slices has a norm of its own; None for one norm.

    Examples
    --------
    >>> import nn
    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(20, 40))
    >>> {n: tuple(p.shape) for n, p in layer.parametrizations.weight.named_parameters()}
    {'original0': (40, 1), 'original1': (40, 20)}
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    module._register_load_state_dict_pre_hook(_ReadOldForm(name))
    return module


class _ReadOldForm:
    """Checkpoints of the old weight_norm have ``weight_g`` and ``weight_v``."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        old = [f"{prefix}{self.name}_g", f"{prefix}{self.name}_v"]
        if all(k in state_dict for k in old):
            for i, k in enumerate(old):
                state_dict[f"{prefix}parametrizations.{self.name}.original{i}"] = state_dict.pop(k)


class _SpectralNorm(Module):
    def __init__(self, weight: Any, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(f"spectral_norm: dim={dim} is out of range for a {weight.ndim}-d weight.")
        if n_power_iterations <= 0:
            raise ValueError(f"spectral_norm: n_power_iterations must be positive, got {n_power_iterations}.")
        self.dim, self.eps = dim % weight.ndim, eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight.detach(), self.dim)
            self.register_buffer("_u", unit_vector(matrix.shape[0], weight, eps))
            self.register_buffer("_v", unit_vector(matrix.shape[1], weight, eps))
            self._power_method(matrix, 15)

    def _power_method(self, matrix: Any, steps: int) -> None:
        with ac.no_grad():
            for _ in range(steps):
                into(self._u, F.normalize(matrix.mv(self._v), dim=0, eps=self.eps))
                into(self._v, F.normalize(matrix.t().mv(self._u), dim=0, eps=self.eps))

    def forward(self, weight: Any) -> Any:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # backward through two forwards needs the vectors of each
        return weight / u.dot(matrix.mv(v))

    def right_inverse(self, value: Any) -> Any:
        return value


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Any:
    """w / sigma(w), sigma being the largest singular value found by the power method (Miyato et al. 2018).

    Parameters
    ----------
    module : Module
    name : str
        The parameter.
    n_power_iterations : int
        Steps of the power method each time the weight is read in training.
    eps : float
        Guards the norms.
    dim : int, optional
        The output dimension (0; 1 for transposed convolutions).
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"spectral_norm: {type(module).__name__} has no parameter or buffer {name!r}.")
    where = default_dim(module) if dim is None else dim
    register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, where, eps))
    return module


class _Orthogonal(Module):
    def __init__(self, weight: Any, orthogonal_map: str, use_trivialization: bool) -> None:
        super().__init__()
        self.shape, self.orthogonal_map = tuple(weight.shape), orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Any) -> Any:
        n, k = X.shape[-2:]
        wide = n < k
        if wide:
            X, n, k = X.mT, k, n
        if self.orthogonal_map == "householder":
            below = X.tril(-1)
            tau = 2.0 / (1.0 + (below * below).sum(-2))
            Q = ac.linalg.householder_product(below, tau)
            Q = Q * X.detach().diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(
                -2
            )  # the diagonal holds signs, not parameters
        else:
            lower = X.tril()
            if n != k:
                lower = ac.cat([lower, X.new_zeros(*X.shape[:-2], n, n - k)], -1)  # type: ignore[attr-defined]
            A = lower - lower.mH
            if self.orthogonal_map == "matrix_exp":
                Q = ac.linalg.matrix_exp(A)
            else:  # Cayley: (I - A/2)^-1 (I + A/2)
                identity = ac.eye(n, dtype=A.dtype)
                Q = ac.linalg.solve(identity - 0.5 * A, identity + 0.5 * A)
            if n != k:
                Q = Q[..., :k]
        if "base" in self._buffers:
            Q = self.base @ Q
        return Q.mT if wide else Q

    def right_inverse(self, Q: Any) -> Any:
        if tuple(Q.shape) != self.shape:
            raise ValueError(f"orthogonal: expected a value of shape {self.shape}, got {tuple(Q.shape)}.")
        with ac.no_grad():
            start = Q
            n, k = Q.shape[-2:]
            wide = n < k
            if wide:
                Q, n, k = Q.mT, k, n
            if "base" not in self._buffers:
                return self._inverse_without_base(Q, n, k, wide)
            if n != k:  # complete to a square matrix
                Q = ac.cat([Q, ac.randn(*Q.shape[:-2], n, n - k, dtype=Q.dtype)], -1)  # type: ignore[attr-defined]
            self.base = Q.clone() if n == k and _is_orthogonal(Q) else _orthogonalise(Q)
            size = min(start.shape[-2:])
            minus = ac.zeros_like(start)
            minus[..., range(size), range(size)] = -1  # type: ignore[index]  # maps to the identity under every map
            return minus

    def _inverse_without_base(self, Q: Any, n: int, k: int, wide: bool) -> Any:
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                "orthogonal: a value can be assigned with matrix_exp and cayley only when use_trivialization=True."
            )
        import numpy as np
        from scipy.linalg import lapack

        arrays = Q.array.reshape(-1, n, k)
        out = np.empty_like(arrays)
        for i, a in enumerate(arrays):
            geqrf = lapack.get_lapack_funcs("geqrf", (a,))
            reflectors, tau, _, _ = geqrf(a)
            diagonal = np.arange(k)
            signs = np.sign(reflectors[diagonal, diagonal])
            reflectors[diagonal, diagonal] = signs * np.where(
                tau == 0, -1, 1
            )  # a reflector with tau 0 reflects nothing
            out[i] = reflectors
        result: Any = ac.from_numpy(out.reshape(Q.shape))
        return result.mT if wide else result


def _is_orthogonal(Q: Any) -> bool:
    import numpy as np

    a = Q.array
    gram = np.swapaxes(a.conj(), -1, -2) @ a
    return bool(np.abs(gram - np.eye(a.shape[-1])).max(initial=0) <= 10 * a.shape[-2] * np.finfo(a.dtype).eps)


def _orthogonalise(A: Any) -> Any:
    """The Q of A = Q R with a positive diagonal of R."""
    import numpy as np

    q, r = np.linalg.qr(A.array)
    d = np.diagonal(r, axis1=-2, axis2=-1)
    return ac.from_numpy(np.ascontiguousarray(q * np.sign(d.real)[..., None, :]))


def orthogonal(
    module: Any, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Any:
    """Keep a matrix (or a batch of matrices) orthogonal: orthonormal columns, or rows where it is wide.

    Parameters
    ----------
    module : Module
    name : str
        The parameter.
    orthogonal_map : {"matrix_exp", "cayley", "householder"}, optional
        How it is computed from unconstrained numbers (matrix_exp for square or complex matrices, else householder).
    use_trivialization : bool
        Whether the maps start from a stored matrix (``base``), which makes the initial value that of the weight.

    Notes
    -----
    Source: Lezcano Casado 2019; PyTorch, page "orthogonal".
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"orthogonal: {type(module).__name__} has no parameter or buffer {name!r}.")
    if weight.ndim < 2:
        raise ValueError(f"orthogonal: expected a matrix or a batch of matrices, got shape {tuple(weight.shape)}.")
    is_complex = weight.array.dtype.kind == "c"
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-2] == weight.shape[-1] or is_complex else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(
            f"orthogonal: orthogonal_map must be 'matrix_exp', 'cayley' or 'householder', got {orthogonal_map!r}."
        )
    if is_complex and orthogonal_map == "householder":
        raise ValueError("orthogonal: the householder map is for real matrices only.")
    register_parametrization(module, name, _Orthogonal(weight, orthogonal_map, use_trivialization), unsafe=True)
    return module
