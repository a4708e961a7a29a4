"""Exception classes and the few message texts that several functions share.

Every message says what happened, with the numbers; why; and what to do.  The classes are PyTorch's kinds (a shape
error is a ``RuntimeError``) and, where Python's users would look for another kind, that one too.
"""

from __future__ import annotations

from typing import Any


class AutogradError(RuntimeError):
    """Base of the errors of recording and of backward."""


class ShapeError(RuntimeError, ValueError):
    """Shapes that do not fit the operation."""


class DtypeError(RuntimeError, TypeError):
    """Dtypes that do not fit the operation."""


class DimError(IndexError):
    """A dimension that the tensor does not have."""


class OutOfRangeError(IndexError, RuntimeError):
    """An index in a tensor of indices that points outside."""


class NotAvailableError(NotImplementedError):
    """A part of PyTorch that cannot exist here (devices, compilers, process groups)."""


def no_broadcast(name: str, *shapes: tuple[int, ...]) -> ShapeError:
    """The error for shapes that do not broadcast, naming the first dimension (from the right) that differs."""
    detail = ""
    longest = max(len(s) for s in shapes)
    for d in range(1, longest + 1):
        sizes = [s[-d] for s in shapes if len(s) >= d and s[-d] != 1]
        if len(set(sizes)) > 1:
            detail = f" (dimension -{d} is {' against '.join(map(str, dict.fromkeys(sizes)))})"
            break
    text = " and ".join(str(tuple(s)) for s in shapes)
    return ShapeError(
        f"{name}: shapes {text} do not broadcast{detail}; dimensions are compared from the right and "
        f"must be equal or 1. Reshape one of them, or add a dimension with unsqueeze()."
    )


def bad_dim(name: str, dim: Any, ndim: int) -> DimError:
    """The error for a dimension out of range."""
    lo, hi = (-ndim, ndim - 1) if ndim else (-1, 0)
    return DimError(f"{name}: dimension {dim} is out of range for a {ndim}-d tensor; expected one of {lo} to {hi}.")


def wrong_type(name: str, argument: str, expected: str, got: Any) -> TypeError:
    """The error for an argument of a wrong type."""
    return TypeError(f"{name}: {argument} must be {expected}, got {type(got).__name__}.")


def not_here(name: str, why: str, instead: str = "") -> NotAvailableError:
    """The one sentence for a name that PyTorch has and that cannot exist here."""
    return NotAvailableError(f"{name}: {why}" + (f" {instead}" if instead else ""))
