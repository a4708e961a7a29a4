"""Clipping gradients by norm or by value, in place, between ``backward`` and the optimizer's step."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

import autograd_core as ac
from autograd_core import Tensor, graph
from autograd_core.kernels import optim as kernels

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]


def _tensors(name: str, values: Any) -> list[Any]:
    if isinstance(values, Tensor):
        return [values]
    found = list(values)
    for v in found:
        if not isinstance(v, Tensor):
            raise TypeError(f"{name}: expected tensors, got {type(v).__name__}.")
    return found


def _values(t: Any) -> Any:
    """The array of a tensor, or of a sparse tensor's values."""
    if getattr(t, "is_sparse", False):
        return t.coalesce().values().array
    return t.array


def _norm(a: Any, p: float) -> float:
    """The p-norm of all elements, summed in float64 (a norm of many small numbers, or of large ones, stays right)."""
    flat = a.reshape(-1)
    if flat.size == 0:
        return 0.0
    if p == 2 and flat.dtype in (np.float32, np.float64):
        square = 0.0
        for start in range(0, flat.size, 65536):
            part = flat[start : start + 65536].astype(np.float64, copy=False)
            square += float(np.dot(part, part))
        if 1e-290 < square < math.inf:  # squares neither vanished nor overflowed
            return math.sqrt(square)
    size = np.abs(flat).astype(np.float64)
    if p == math.inf:
        return float(size.max())
    if p == -math.inf:
        return float(size.min())
    if p == 0:
        return float(np.count_nonzero(size))
    return float((size**p).sum() ** (1.0 / p))


def get_total_norm(
    tensors: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """The norm of all elements of all tensors together, as if they were one vector; a constant (no gradient flows).

    Parameters
    ----------
    tensors : Tensor or iterable of Tensor
    norm_type : float
        p of the norm; infinity for the largest absolute value.
    error_if_nonfinite : bool
        Raise where the norm is NaN or infinite.
    foreach : bool, optional
        Accepted for PyTorch's sake.

    Raises
    ------
    RuntimeError
        See ``error_if_nonfinite``.
    """
    found = _tensors("get_total_norm", tensors)
    p = float(norm_type)
    if not found:
        return ac.tensor(0.0)
    arrays = [_values(t) for t in found]
    square = kernels.square_sum(arrays) if p == 2 else None
    if square is not None and 1e-290 < square < math.inf:  # float64 squares neither vanished nor overflowed
        value = math.sqrt(square)
    else:
        value = _norm(np.array([_norm(a, p) for a in arrays]), p)
    total = ac.from_numpy(np.array(value, np.empty(0, arrays[0].dtype).real.dtype))
    if error_if_nonfinite and not math.isfinite(value):
        raise RuntimeError(
            f"get_total_norm: the total norm of order {norm_type} is {value}, so it cannot be clipped. "
            "Find the gradient that is not finite, or pass error_if_nonfinite=False."
        )
    return total


def clip_grads_with_norm_(parameters: Any, max_norm: float, total_norm: Tensor, foreach: bool | None = None) -> None:
    """Scale the gradients so that a total norm, already computed, becomes at most ``max_norm``."""
    scale = float(max_norm) / (float(total_norm) + 1e-6)
    if scale >= 1:
        return
    grads = [p.grad for p in _tensors("clip_grads_with_norm_", parameters)]
    # linear in the values of sparse ones too: repeated rows may stay apart
    arrays = [g._values().array if getattr(g, "is_sparse", False) else g.array for g in grads if g is not None]
    kernels.scale(arrays, scale)
    for a in arrays:
        graph.wrote(a)


def clip_grad_norm_(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the gradients in place so that their total norm is at most ``max_norm``.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Those whose ``.grad`` is clipped.
    max_norm : float
        The largest norm allowed.
    norm_type : float
        p of the norm.
    error_if_nonfinite : bool
        Raise where the norm is NaN or infinite.

    Returns
    -------
    Tensor
        The norm before clipping.

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> w = nn.Parameter(torch.ones(4)); w.grad = torch.full((4,), 3.0)
    >>> nn.utils.clip_grad_norm_([w], 1.0)
    tensor(6.)
    >>> w.grad
    tensor([0.5000, 0.5000, 0.5000, 0.5000])

    Notes
    -----
    Source: Pascanu et al. 2013; PyTorch, page "clip_grad_norm_".
    """
    if not isinstance(parameters, Tensor):
        parameters = list(parameters)  # an iterator is read twice
    found = _tensors("clip_grad_norm_", parameters)
    total = get_total_norm([p.grad for p in found if p.grad is not None], norm_type, error_if_nonfinite)
    clip_grads_with_norm_(found, max_norm, total)
    return total


def clip_grad_norm(*args: Any, **kwargs: Any) -> Tensor:
    """PyTorch's old name of :func:`clip_grad_norm_`."""
    warnings.warn("clip_grad_norm is deprecated in favour of clip_grad_norm_.", FutureWarning, stacklevel=2)
    return clip_grad_norm_(*args, **kwargs)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Clamp every gradient to [-clip_value, clip_value], in place."""
    bound = float(clip_value)
    arrays = []
    for p in _tensors("clip_grad_value_", parameters):
        if p.grad is not None:
            if getattr(p.grad, "is_sparse", False):
                p.grad = p.grad.coalesce()  # type: ignore[attr-defined]
            arrays.append(_values(p.grad))
    kernels.clamp(arrays, bound)
    for a in arrays:
        graph.wrote(a)
