"""Complex numbers: parts, polar form, and the views between a complex tensor and a real one with a last dimension of 2.

None of these is complex differentiable, so every rule is the adjoint as it stands, in PyTorch's convention: the
gradient of a real L in z = x + iy is dL/dx + i dL/dy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import METHODS, defop, helper, method, sym
from ..tensor import Tensor, wrap
from .arithmetic import tensor_of

__all__ = [
    "angle",
    "complex",
    "conj_physical",
    "imag",
    "is_conj",
    "is_neg",
    "isreal",
    "polar",
    "real",
    "resolve_conj",
    "resolve_neg",
    "view_as_complex",
    "view_as_real",
]

# ------------------------------------------------------------------------------------------------- declarations

defop(
    lambda x: x.imag,
    name="imag",
    formula="the imaginary part of x",
    holomorphic=False,
    view=True,
    x=lambda g: g * 1j,
)


def _complex(a: Any, b: Any) -> Any:
    """a + bi without the arithmetic, which would make NaN of infinities."""
    out = np.empty(np.broadcast_shapes(np.shape(a), np.shape(b)), np.result_type(a, np.complex64))
    out.real, out.imag = a, b
    return out


defop(
    _complex,
    "a b",
    name="complex",
    elementwise=True,
    promote="none",
    holomorphic=False,
    formula="a + b i",
    a=lambda g, F: F.real(g),
    b=lambda g, F: F.imag(g),
)


@helper
def angle_rule(F: Any, g: Any, x: Any) -> Any:
    """i z / |z|^2 for complex z (0 at 0); a real number's angle is constant."""
    if not F.is_complex(x):
        return g * 0
    size = F.real(x) * F.real(x) + F.imag(x) * F.imag(x)
    return F.over_or_zero(x * 1j * g, size)


def _angle(x: Any) -> Any:
    if x.dtype.kind == "c":
        return np.angle(x)
    return np.where(np.isnan(x), x, np.where(x < 0, x.dtype.type(np.pi), x.dtype.type(0)))


defop(
    _angle,
    name="angle",
    elementwise=True,
    promote="float",
    holomorphic=False,
    formula="atan2(imag(x), real(x))",
    x=lambda g, x, F: F.angle_rule(g, x),
)


def _view_as_real(x: Any) -> Any:
    part = x.real
    return np.lib.stride_tricks.as_strided(part, (*x.shape, 2), (*x.strides, part.itemsize))


defop(
    _view_as_real,
    name="view_as_real",
    formula="(real(x), imag(x)) along a new last dimension",
    holomorphic=False,
    view=True,
    x=lambda g, F: F.complex(F.getitem(g, (Ellipsis, 0)), F.getitem(g, (Ellipsis, 1))),
)
defop(
    lambda x: x.view(np.result_type(x.dtype, np.complex64))[..., 0],
    name="view_as_complex",
    formula="x[..., 0] + x[..., 1] i",
    holomorphic=False,
    view=True,
    x=lambda g, F: F.view_as_real(g),
)

# ------------------------------------------------------------------------------------------------- functions


def complex(real: Tensor, imag: Tensor) -> Tensor:
    """``real + imag * i`` from two real tensors of one floating point type.

    Raises
    ------
    RuntimeError
        If the types differ or are not float32 or float64.

    Examples
    --------
    >>> import autograd_core as ac
    >>> ac.complex(ac.tensor([1.0, 2.0]), ac.tensor([3.0, 4.0]))
    tensor([1.+3.j, 2.+4.j])
    """
    a, b = tensor_of(real, "complex"), tensor_of(imag, "complex")
    _two_floats("complex", a, b)
    return sym.complex(a, b)


def _two_floats(name: str, a: Tensor, b: Tensor) -> None:
    for x in (a, b):
        if x.array.dtype.kind != "f" or x.array.dtype.itemsize < 4:
            raise RuntimeError(
                f"{name}: expected both inputs to be float32 or float64 tensors, got {a.dtype.name} and {b.dtype.name}."
            )
    if a.array.dtype != b.array.dtype:
        raise RuntimeError(
            f"{name}: expected inputs of the same dtype, got {a.dtype.name} and {b.dtype.name}; convert one with to()."
        )


def polar(abs: Tensor, angle: Tensor) -> Tensor:
    """``abs * (cos(angle) + i sin(angle))``."""
    r, t = tensor_of(abs, "polar"), tensor_of(angle, "polar")
    _two_floats("polar", r, t)
    return sym.complex(sym.mul(r, sym.cos(t)), sym.mul(r, sym.sin(t)))


def real(input: Tensor) -> Tensor:
    """The real part, a view (a real tensor is returned as it is)."""
    return sym.real(input) if input.array.dtype.kind == "c" else input


def imag(input: Tensor) -> Tensor:
    """The imaginary part of a complex tensor, a view.

    Raises
    ------
    RuntimeError
        If the tensor is real.
    """
    if input.array.dtype.kind != "c":
        raise RuntimeError(
            f"imag: is not defined for tensors of real dtype, got {input.dtype.name}; its imaginary part is 0."
        )
    return sym.imag(input)


def _set_real(self: Tensor, value: Any) -> None:
    real(self).copy_(value)  # type: ignore[attr-defined]


def _set_imag(self: Tensor, value: Any) -> None:
    imag(self).copy_(value)  # type: ignore[attr-defined]


METHODS["real"] = property(real, _set_real, doc="The real part, a view.")  # type: ignore[assignment]
METHODS["imag"] = property(imag, _set_imag, doc="The imaginary part, a view.")  # type: ignore[assignment]


@method("angle")
def angle(input: Tensor) -> Tensor:
    """The argument of each element in radians; for real tensors 0, or pi where negative."""
    return sym.angle(input)


def view_as_real(input: Tensor) -> Tensor:
    """A real view with a new last dimension of size 2: real and imaginary parts."""
    if input.array.dtype.kind != "c":
        raise RuntimeError(f"view_as_real: expected a complex tensor, got {input.dtype.name}.")
    return sym.view_as_real(input)


def view_as_complex(input: Tensor) -> Tensor:
    """A complex view of a real tensor whose last dimension holds real and imaginary parts.

    Raises
    ------
    RuntimeError
        If the last dimension has not size 2 and stride 1, or another stride is odd.
    """
    x = input.array
    if x.dtype.kind != "f" or x.itemsize < 4:
        raise RuntimeError(f"view_as_complex: expected a float32 or float64 tensor, got {input.dtype.name}.")
    if x.ndim == 0 or x.shape[-1] != 2:
        raise RuntimeError(f"view_as_complex: the last dimension must have size 2, got shape {x.shape}.")
    steps = [s // x.itemsize for s in x.strides]
    if x.size and (steps[-1] != 1 or any(s % 2 for s in steps[:-1])):
        raise RuntimeError(
            "view_as_complex: the last dimension must have stride 1 and the others even strides, got strides "
            f"{tuple(steps)}; "
            "use contiguous() first."
        )
    return sym.view_as_complex(input)


@method(inplace=True)
def conj_physical(input: Tensor) -> Tensor:
    """The complex conjugate, computed now (here :func:`conj` does so too)."""
    return sym.conj(input) if input.array.dtype.kind == "c" else input


@method()
def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: conjugates are never kept pending here."""
    return input


@method()
def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself: negations are never kept pending here."""
    return input


@method()
def is_conj(input: Tensor) -> bool:
    """False: conjugates are never kept pending here."""
    return False


@method()
def is_neg(input: Tensor) -> bool:
    """False: negations are never kept pending here."""
    return False


@method()
def isreal(input: Tensor) -> Tensor:
    """Where the imaginary part is 0."""
    return wrap(np.asarray(np.isreal(input.array)))
