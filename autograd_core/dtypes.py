"""Names of the number types, the default one, and PyTorch's promotion rule.

Promotion follows PyTorch, not NumPy: a type belongs to one of four categories (bool < integer < float < complex); of
tensors with dimensions, 0-d tensors and Python numbers, a later group only matters when its category is higher than
that of all groups before it.  Source: PyTorch's "Tensor Attributes" page, section torch.dtype.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from .errors import wrong_type

__all__ = [
    "bfloat16",
    "bool",
    "can_cast",
    "cdouble",
    "cfloat",
    "complex64",
    "complex128",
    "double",
    "dtype",
    "finfo",
    "float",
    "float16",
    "float32",
    "float64",
    "get_default_dtype",
    "half",
    "iinfo",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "long",
    "promote_types",
    "set_default_dtype",
    "short",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]


class dtype:
    """A number type.  ``.numpy`` is NumPy's name for it; the objects are unique, so ``is`` and ``==`` agree."""

    __slots__ = ("is_complex", "is_floating_point", "is_signed", "itemsize", "name", "numpy")

    def __init__(self, name: str) -> None:
        self.name = name
        self.numpy: np.dtype[Any] = np.dtype(name)
        self.itemsize = self.numpy.itemsize
        self.is_floating_point = self.numpy.kind == "f"
        self.is_complex = self.numpy.kind == "c"
        self.is_signed = self.numpy.kind in "ifc"

    def to_complex(self) -> dtype:
        """The complex type of the same precision."""
        return _BY_NUMPY[np.result_type(self.numpy, np.complex64)]

    def to_real(self) -> dtype:
        """The real type of the same precision."""
        return _BY_NUMPY[np.empty(0, self.numpy).real.dtype]

    def __repr__(self) -> str:
        return f"autograd_core.{self.name}"

    def __reduce__(self) -> str:
        return "bool_" if self.name == "bool" else self.name

    def __copy__(self) -> dtype:
        return self

    def __deepcopy__(self, memo: Any) -> dtype:
        return self


float16 = half = dtype("float16")
float32 = dtype("float32")
float64 = double = dtype("float64")
complex64 = cfloat = dtype("complex64")
complex128 = cdouble = dtype("complex128")
uint8 = dtype("uint8")
uint16 = dtype("uint16")
uint32 = dtype("uint32")
uint64 = dtype("uint64")
int8 = dtype("int8")
int16 = short = dtype("int16")
int32 = dtype("int32")
int64 = long = dtype("int64")
bool_ = dtype("bool")

ALL = (
    float16,
    float32,
    float64,
    complex64,
    complex128,
    uint8,
    uint16,
    uint32,
    uint64,
    int8,
    int16,
    int32,
    int64,
    bool_,
)
_BY_NUMPY: dict[np.dtype[Any], dtype] = {d.numpy: d for d in ALL}
_PYTHON = {builtins.float: float64, builtins.int: int64, builtins.bool: bool_, builtins.complex: complex128}
F32, F64 = float32.numpy, float64.numpy
C64, C128 = complex64.numpy, complex128.numpy


class _Bfloat16(dtype):
    """bfloat16 is a name only: NumPy has no such type, and nothing here stores it."""

    __slots__ = ()

    def __init__(self) -> None:
        self.name = "bfloat16"
        self.itemsize = 2
        self.is_floating_point, self.is_complex, self.is_signed = True, False, True


bfloat16 = _Bfloat16()


def to_numpy(d: Any, name: str = "dtype") -> np.dtype[Any]:
    """NumPy's dtype for a dtype of ours, of NumPy's, or a Python number type."""
    if isinstance(d, dtype):
        if d is bfloat16:
            raise TypeError(
                f"{name}: bfloat16 tensors do not exist here (NumPy has no such type); use float32 instead."
            )
        return d.numpy
    if isinstance(d, type) and d in _PYTHON:
        return _PYTHON[d].numpy
    try:
        n = np.dtype(d).newbyteorder("=")
    except TypeError:
        raise wrong_type(name, "dtype", "a dtype such as autograd_core.float32", d) from None
    if n not in _BY_NUMPY:
        raise TypeError(f"{name}: NumPy's dtype {n} has no tensor type; use one of {', '.join(x.name for x in ALL)}.")
    return n


def of(array: np.ndarray[Any, Any]) -> dtype:
    """The dtype object of an array."""
    return _BY_NUMPY[array.dtype]


class _Default:
    __slots__ = ("complex", "dtype", "numpy")

    dtype: dtype
    numpy: np.dtype[Any]
    complex: np.dtype[Any]


default = _Default()
default.dtype, default.numpy, default.complex = float32, F32, C64


def get_default_dtype() -> dtype:
    """The float type that factories and Python floats get (float32 unless changed)."""
    return default.dtype


def set_default_dtype(d: Any) -> None:
    """Set the default float type.

    Raises
    ------
    TypeError
        If ``d`` is not a floating point type.
    """
    n = to_numpy(d, "set_default_dtype")
    if n.kind != "f":
        raise TypeError(f"set_default_dtype: only floating point types can be the default, got {d!r}.")
    default.dtype, default.numpy = _BY_NUMPY[n], n
    default.complex = np.result_type(n, np.complex64)


_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}


def category(n: np.dtype[Any]) -> builtins.int:
    """0 bool, 1 integer, 2 float, 3 complex."""
    return _CATEGORY[n.kind]


def promote_numpy(a: np.dtype[Any], b: np.dtype[Any]) -> np.dtype[Any]:
    """PyTorch's ``promote_types`` on NumPy dtypes: within a category NumPy's rule, else the higher category's type."""
    if a == b:
        return a
    ca, cb = _CATEGORY[a.kind], _CATEGORY[b.kind]
    if ca == cb or {ca, cb} == {2, 3}:
        return np.promote_types(a, b)
    return a if ca > cb else b


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest type that both convert to safely, by PyTorch's table."""
    return _BY_NUMPY[promote_numpy(to_numpy(type1, "promote_types"), to_numpy(type2, "promote_types"))]


def can_cast(from_: Any, to: Any) -> builtins.bool:
    """Whether PyTorch allows an in-place result of type ``from_`` to be stored in type ``to``.

    A value may not lose its category (float to int, complex to float), except that precision within one may shrink.
    """
    return _CATEGORY[to_numpy(from_, "can_cast").kind] <= _CATEGORY[to_numpy(to, "can_cast").kind]


def number_type(value: Any) -> np.dtype[Any]:
    """The type a Python number stands for when it is alone in its category."""
    if isinstance(value, (builtins.bool, np.bool_)):
        return bool_.numpy
    if isinstance(value, (builtins.int, np.integer)):
        return int64.numpy
    if isinstance(value, (builtins.float, np.floating)):
        return default.numpy
    return default.complex


def result_dtype(values: Any) -> np.dtype[Any]:
    """The type of an elementwise op over arrays and Python numbers, by PyTorch's three priorities."""
    groups: list[np.dtype[Any] | None] = [None, None, None]  # with dimensions, 0-d, Python numbers
    for v in values:
        if isinstance(v, np.ndarray):
            k, n = (0 if v.ndim else 1), v.dtype
        else:
            k, n = 2, number_type(v)
        old = groups[k]
        groups[k] = n if old is None else promote_numpy(old, n)
    result: np.dtype[Any] | None = None
    for n_ in groups:
        if n_ is not None and (result is None or _CATEGORY[n_.kind] > _CATEGORY[result.kind]):
            # a complex number beside a real tensor keeps the tensor's precision
            result = (
                np.result_type(result, np.complex64)
                if result is not None and result.kind == "f" and n_.kind == "c"
                else n_
            )
    assert result is not None
    return result


class finfo:
    """Limits of a floating point type (``min max eps tiny smallest_normal resolution bits``)."""

    def __init__(self, type: Any = None) -> None:
        n = default.numpy if type is None else to_numpy(type, "finfo")
        if n.kind not in "fc":
            raise TypeError(f"finfo: needs a floating point type, got {type!r}; use iinfo for integers.")
        i = np.finfo(n)
        self.dtype = _BY_NUMPY[np.dtype(i.dtype)].name
        self.bits = builtins.int(i.bits)
        self.min, self.max = builtins.float(i.min), builtins.float(i.max)
        self.eps, self.resolution = builtins.float(i.eps), builtins.float(i.resolution)
        self.tiny = self.smallest_normal = builtins.float(i.smallest_normal)

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo:
    """Limits of an integer type (``min max bits``)."""

    def __init__(self, type: Any) -> None:
        n = to_numpy(type, "iinfo")
        if n.kind not in "iu":
            raise TypeError(f"iinfo: needs an integer type, got {type!r}; use finfo for floats.")
        i = np.iinfo(n)
        self.dtype, self.bits, self.min, self.max = _BY_NUMPY[n].name, i.bits, builtins.int(i.min), builtins.int(i.max)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"


# PyTorch's names that hide Python's own come last, so that nothing above reads them by mistake.
float = float32
int = int32
bool = bool_
