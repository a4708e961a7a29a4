"""PyTorch's legacy constructors: ``FloatTensor(2, 3)``, ``LongTensor([1, 2])`` and ``isinstance(x, FloatTensor)``.

They are no classes of their own: calling one makes a plain Tensor of its type, and an isinstance test asks for the type.
"""

from __future__ import annotations

from typing import Any

from . import dtypes
from .errors import not_here
from .factories import legacy_array
from .ops.conversion import TYPES
from .tensor import Tensor, wrap

__all__ = [*TYPES, "BFloat16Tensor", "set_default_tensor_type", "typename"]


class LegacyType(type):
    """The class of the legacy constructors."""

    tensor_dtype: dtypes.dtype

    def __call__(cls, *args: Any, device: Any = None) -> Tensor:
        return wrap(legacy_array(args, device, cls.tensor_dtype.numpy, cls.__name__))

    def __instancecheck__(cls, obj: Any) -> bool:
        return isinstance(obj, Tensor) and obj.array.dtype == cls.tensor_dtype.numpy

    @property
    def dtype(cls) -> dtypes.dtype:
        """The type of the tensors that this constructor makes."""
        return cls.tensor_dtype

    def __repr__(cls) -> str:
        return f"<class 'autograd_core.{cls.__name__}'>"


for _name, _dtype in TYPES.items():
    globals()[_name] = LegacyType(
        _name,
        (),
        {
            "tensor_dtype": _dtype,
            "__doc__": f"``{_name}(*sizes)`` or ``{_name}(values)``: a {_dtype.name} tensor, as PyTorch's legacy constructor makes it.",
            "__module__": "autograd_core",
        },
    )


def BFloat16Tensor(*args: Any, **kwargs: Any) -> Tensor:
    """Refused: there is no bfloat16 here."""
    raise not_here("BFloat16Tensor", "NumPy has no bfloat16.", "Use FloatTensor or HalfTensor.")


def set_default_tensor_type(t: Any) -> None:
    """Set the default float type by the name of a tensor type (``"DoubleTensor"`` or ``DoubleTensor``).

    Raises
    ------
    TypeError
        If it is no floating point tensor type.
    """
    name = t.rpartition(".")[2] if isinstance(t, str) else getattr(t, "__name__", "")
    if name not in TYPES or not TYPES[name].is_floating_point:
        raise TypeError(
            f"set_default_tensor_type: expected a floating point tensor type such as 'FloatTensor', got {t!r}."
        )
    dtypes.set_default_dtype(TYPES[name])


def typename(obj: Any) -> str:
    """The name of an object's type; for tensors that of the legacy constructor (``autograd_core.FloatTensor``)."""
    if isinstance(obj, Tensor):
        return str(obj.type())  # type: ignore[attr-defined]
    cls = obj if isinstance(obj, type) else type(obj)
    module = getattr(obj, "__module__", None) or cls.__module__
    name = getattr(obj, "__qualname__", None) or cls.__qualname__
    return str(name) if module in ("builtins", "__builtin__") else f"{module}.{name}"
