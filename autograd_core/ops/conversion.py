"""Conversions and the small methods around them: ``to``, ``float``, ``copy_``, ``zero_``, ``new_zeros``, ``type``."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes, factories
from ..device import check_device
from ..device import device as Device
from ..graph import mode, wrote
from ..inplace import check_writable, move, store, write
from ..op import METHODS, method, sym
from ..tensor import Tensor, wrap
from .arithmetic import tensor_of

__all__ = [
    "is_complex", "is_floating_point",
]  # fmt: skip


def _convert(input: Tensor, target: Any, copy: bool = False) -> Tensor:
    if input.array.dtype == target:
        return sym.clone(input) if copy else input
    return sym.cast(input, target)


@method()
def to(input: Tensor, *args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False, copy: bool = False,
       memory_format: Any = None) -> Tensor:  # fmt: skip
    """The tensor in another type (devices are accepted where they are the CPU); itself where nothing changes."""
    for a in args:
        if isinstance(a, Tensor):
            dtype = a.dtype
        elif isinstance(a, (str, Device)) or a is None:
            device = a
        elif isinstance(a, bool):
            pass  # non_blocking by position
        else:
            dtype = a
    if device is not None:
        check_device("to", device)
    target = input.array.dtype if dtype is None else dtypes.to_numpy(dtype, "to")
    return _convert(input, target, copy)


for _name, _type in {
    "float": dtypes.float32, "double": dtypes.float64, "half": dtypes.float16, "int": dtypes.int32, "long": dtypes.int64,
    "short": dtypes.int16, "byte": dtypes.uint8, "char": dtypes.int8, "bool": dtypes.bool_, "cfloat": dtypes.complex64,
    "cdouble": dtypes.complex128,
}.items():  # fmt: skip

    def _method(self: Tensor, memory_format: Any = None, _target: Any = _type.numpy) -> Tensor:
        return _convert(self, _target)

    _method.__name__ = _name
    _method.__doc__ = f"The tensor converted to {_type.name}."
    METHODS[_name] = _method


@method()
def bfloat16(input: Tensor) -> Tensor:
    """Refused: there is no bfloat16 here."""
    return to(input, dtypes.bfloat16)


@method()
def cpu(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor itself: it is on the CPU."""
    return input


@method()
def cuda(input: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """Refused: there is no GPU here."""
    return to(input, device="cuda")


@method()
def type(input: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """Without argument PyTorch's name of the tensor type, else the tensor converted."""
    if dtype is None:
        return f"autograd_core.{TYPE_NAMES[input.dtype.name]}"
    if isinstance(dtype, str):
        short = dtype.rpartition(".")[2]
        if short not in TYPES:
            raise ValueError(f"type: unknown tensor type {dtype!r}; one of {', '.join(sorted(TYPES))}.")
        dtype = TYPES[short]
    elif hasattr(dtype, "tensor_dtype"):
        dtype = dtype.tensor_dtype
    return _convert(input, dtypes.to_numpy(dtype, "type"))


TYPES = {
    "FloatTensor": dtypes.float32, "DoubleTensor": dtypes.float64, "HalfTensor": dtypes.float16, "LongTensor": dtypes.int64,
    "IntTensor": dtypes.int32, "ShortTensor": dtypes.int16, "CharTensor": dtypes.int8, "ByteTensor": dtypes.uint8,
    "BoolTensor": dtypes.bool_, "ComplexFloatTensor": dtypes.complex64, "ComplexDoubleTensor": dtypes.complex128,
}  # fmt: skip
TYPE_NAMES = {d.name: n for n, d in TYPES.items()}


@method()
def type_as(input: Tensor, other: Tensor) -> Tensor:
    """The tensor in the type of ``other``."""
    return _convert(input, other.array.dtype)


@method()
def is_floating_point(input: Tensor) -> bool:
    """Whether the type is a real floating point one."""
    return input.array.dtype.kind == "f"


@method()
def is_complex(input: Tensor) -> bool:
    """Whether the type is complex."""
    return input.array.dtype.kind == "c"


# ------------------------------------------------------------------------------------------------- writing whole tensors


@method()
def copy_(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Write ``src`` (broadcast, converted) into this tensor, recorded."""
    check_writable(self, "copy_")
    s = tensor_of(src, "copy_")
    if s.array.dtype != self.array.dtype:
        s = sym.cast(s, self.array.dtype)
    elif s.node is not None and mode.grad:
        s = sym.alias(s)
    if s.array.shape != self.array.shape:
        try:
            s = sym.broadcast_to(s, self.array.shape)
        except RuntimeError:
            raise RuntimeError(
                f"copy_: a tensor of shape {s.array.shape} cannot be broadcast to the shape {self.array.shape} it is copied into."
            ) from None
    if s.array is self.array:
        return self
    return write(self, s, "copy_")


def fill_array(self: Tensor, name: str, values: Any) -> Tensor:
    """Overwrite all values with ones that depend on nothing."""
    check_writable(self, name)
    store(self.array, values, name)
    wrote(self.array)
    if mode.grad and (self.node is not None or self.extra is not None):
        move(self, None)
    return self


@method()
def fill_(self: Tensor, value: Any) -> Tensor:
    """Set all elements to a number (or a 0-d tensor)."""
    if isinstance(value, Tensor):
        if value.array.ndim:
            raise RuntimeError(f"fill_: expected a number or a 0-d tensor, got shape {value.array.shape}.")
        if value.node is not None and mode.grad:
            return copy_(self, value)
        value = value.item()
    if isinstance(value, complex) and self.array.dtype.kind != "c":
        raise RuntimeError(f"fill_: {value!r} cannot be stored in a tensor of type {self.dtype.name}.")
    return fill_array(self, "fill_", value)


@method()
def zero_(self: Tensor) -> Tensor:
    """Set all elements to 0."""
    return fill_array(self, "zero_", 0)


# ------------------------------------------------------------------------------------------------- new tensors of a kind


@method()
def new_tensor(
    self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of ``data`` in this tensor's type."""
    return factories.tensor(data, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad)


def _new(name: str) -> Any:
    make = getattr(factories, name)

    def f(
        self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **kw: Any
    ) -> Tensor:
        return make(*size, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad, **kw)

    f.__name__ = f"new_{name}"
    f.__doc__ = f":func:`{name}` in this tensor's type."
    return f


for _name in ("zeros", "ones", "empty"):
    METHODS[f"new_{_name}"] = _new(_name)


@method()
def new_full(
    self: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of one value in this tensor's type."""
    return factories.full(size, fill_value, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad)


@method()
def new(self: Tensor, *args: Any) -> Tensor:
    """PyTorch's legacy ``x.new(...)``: sizes or data, in this tensor's type."""
    return wrap(factories.legacy_array(args, None, self.array.dtype, "new"))


@method()
def numpy_dtype(self: Tensor) -> np.dtype[Any]:
    """NumPy's dtype of the array."""
    return self.array.dtype


METHODS["is_cuda"] = property(lambda self: False, doc="False: there is no GPU here.")  # type: ignore[assignment]
METHODS["is_sparse"] = property(lambda self: False, doc="False for dense tensors.")  # type: ignore[assignment]
METHODS["real"] = property(lambda self: sym.real(self) if self.array.dtype.kind == "c" else self, doc="The real part.")  # type: ignore[assignment]


@method()
def pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """The tensor itself: there is no device to copy to."""
    return self


@method()
def get_device(self: Tensor) -> int:
    """-1, PyTorch's number for the CPU."""
    return -1
