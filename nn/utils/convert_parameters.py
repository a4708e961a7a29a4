"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

import autograd_core as ac
from autograd_core import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The elements of all parameters as one vector (gradients flow through).

    Examples
    --------
    >>> import nn
    >>> nn.utils.parameters_to_vector(nn.Linear(3, 2).parameters()).shape
    Size([8])
    """
    return ac.cat([p.reshape(-1) for p in parameters])  # type: ignore[attr-defined,no-any-return]


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Make the parameters' values those of ``vec`` (they share its memory, as PyTorch's do).

    Raises
    ------
    TypeError
        If ``vec`` is not a tensor.
    RuntimeError
        If it has too few or too many elements.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"vector_to_parameters: expected a Tensor, got {type(vec).__name__}.")
    found = list(parameters)
    wanted = sum(p.array.size for p in found)
    if vec.array.size != wanted:
        raise RuntimeError(f"vector_to_parameters: the vector has {vec.array.size} elements, the parameters {wanted}.")
    start, flat = 0, vec.detach().reshape(-1)  # type: ignore[attr-defined]
    for p in found:
        end = start + p.array.size
        p.data = flat[start:end].reshape(p.array.shape)
        start = end
