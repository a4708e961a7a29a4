"""Tensors from values, sizes and ranges: ``tensor``, ``zeros``, ``arange``, ``randn`` and their kin."""

from __future__ import annotations

import builtins
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from . import dtypes
from .device import check_device
from .errors import wrong_type
from .random import Generator, stream
from .tensor import Tensor, wrap

__all__ = [
    "arange", "as_tensor", "asarray", "empty", "empty_like", "eye", "from_dlpack", "from_numpy", "full", "full_like",
    "is_tensor", "linspace", "logspace", "ones", "ones_like", "rand", "rand_like", "randint", "randint_like", "randn",
    "randn_like", "randperm", "scalar_tensor", "tensor", "zeros", "zeros_like",
]  # fmt: skip


def _finish(array: Any, requires_grad: bool, device: Any, name: str, out: Any = None) -> Tensor:
    if device is not None:
        check_device(name, device)
    if out is not None:
        return _write_out(array, name, out)
    t = wrap(array)
    return t.requires_grad_() if requires_grad else t


def _write_out(array: Any, name: str, out: Any) -> Tensor:
    """PyTorch's ``out=``: the values go into a given tensor, which takes their shape."""
    from .inplace import check_writable, write

    if not isinstance(out, Tensor):
        raise wrong_type(name, "out", "a Tensor", out)
    check_writable(out, name)
    if out.array.shape != array.shape:
        out.array = np.empty(array.shape, out.array.dtype)
    return write(out, wrap(array), name)


def _keyword_size(name: str, keywords: dict[str, Any]) -> Any:
    """The ``size=`` among keywords, where no other may stand."""
    size = keywords.pop("size", None)
    if keywords:
        raise TypeError(f"{name}: unexpected keyword argument {next(iter(keywords))!r}.")
    return size


def _shape(name: str, sizes: tuple[Any, ...], size: Any = None) -> tuple[int, ...]:
    """``f(2, 3)``, ``f((2, 3))`` and ``f(size=(2, 3))`` alike, checked."""
    if size is not None:
        sizes = (size,)
    if len(sizes) == 1 and isinstance(sizes[0], Iterable) and not (isinstance(sizes[0], Tensor) and sizes[0].ndim == 0):
        sizes = tuple(sizes[0])
    out = []
    for s in sizes:
        if isinstance(s, (builtins.float, str)) or not hasattr(s, "__index__"):
            raise wrong_type(name, "sizes", "ints", s)
        n = int(s)
        if n < 0:
            raise RuntimeError(f"{name}: sizes must not be negative, got {n} in {tuple(int(v) for v in sizes)}.")
        out.append(n)
    return tuple(out)


def _type(dtype: Any, name: str, out: Any = None) -> np.dtype[Any]:
    if dtype is None and isinstance(out, Tensor):
        return out.array.dtype
    return dtypes.default.numpy if dtype is None else dtypes.to_numpy(dtype, name)


def _from_values(data: Any, dtype: Any, name: str, copy: bool | None) -> Any:
    """An array of ``data``: numbers, nested sequences, arrays, tensors."""
    target = None if dtype is None else dtypes.to_numpy(dtype, name)
    if isinstance(data, Tensor):
        source = data.array
    elif isinstance(data, (np.ndarray, np.generic)):
        source = np.asarray(data)
    else:
        return _from_python(data, target, name)
    if source.dtype.newbyteorder("=") not in dtypes._BY_NUMPY:
        raise TypeError(f"{name}: NumPy's dtype {source.dtype} has no tensor type; convert the array to numbers first.")
    return np.array(source, dtype=target or source.dtype.newbyteorder("="), copy=copy, order="K")


def _from_python(data: Any, target: Any, name: str) -> Any:
    plain = _strip(data)
    try:
        a = np.asarray(plain)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name}: the nested sequences do not form a regular array ({error}).") from None
    if a.size == 0 and a.dtype.kind == "f" and target is None:
        return a.astype(dtypes.default.numpy)
    if a.dtype.kind == "O" and _all_ints(plain):
        raise RuntimeError(f"{name}: an integer does not fit 64 bits.")
    if a.dtype.kind not in "biufc":
        raise TypeError(f"{name}: expected numbers, got {_first_odd(plain)}.")
    if target is None:
        if a.dtype.kind == "f" and not _numpy_typed(data):
            target = dtypes.default.numpy
        elif a.dtype.kind == "c" and not _numpy_typed(data):
            target = dtypes.default.complex
        elif a.dtype.kind in "iu" and not _numpy_typed(data):
            target = dtypes.long.numpy
        else:
            target = a.dtype
    return a.astype(target, copy=False) if a.dtype != target else a


def _strip(data: Any) -> Any:
    """Nested sequences with tensors inside as plain numbers and arrays."""
    if isinstance(data, Tensor):
        return data.array
    if isinstance(data, (list, tuple)) and any(isinstance(v, (Tensor, list, tuple)) for v in data):
        return [_strip(v) for v in data]
    return data


def _all_ints(data: Any) -> bool:
    if isinstance(data, (list, tuple)):
        return all(_all_ints(v) for v in data)
    return isinstance(data, int)


def _numpy_typed(data: Any) -> bool:
    """Whether the values carry a NumPy type of their own (the first one decides)."""
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return isinstance(data, (np.generic, np.ndarray, Tensor))


def _first_odd(data: Any) -> str:
    if isinstance(data, (list, tuple)):
        for v in data:
            if odd := _first_odd(v):
                return odd
        return ""
    return "" if isinstance(data, (int, float, complex, np.number, np.ndarray)) else f"{type(data).__name__} {data!r}"


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """A new tensor that copies ``data`` (a number, nested lists, an array, a tensor).

    Python floats become the default float type, ints int64; arrays keep their type.

    Examples
    --------
    >>> import autograd_core as ac
    >>> ac.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    return _finish(_from_values(data, dtype, "tensor", True), requires_grad, device, "tensor")


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of ``data``, sharing memory with an array or being the given tensor where the type allows."""
    if device is not None:
        check_device("as_tensor", device)
    if isinstance(data, Tensor):
        if dtype is None or dtypes.to_numpy(dtype, "as_tensor") == data.array.dtype:
            return data
        return data.to(dtype)  # type: ignore[attr-defined]
    return wrap(_from_values(data, dtype, "as_tensor", None))


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of ``obj``; copies only if it must, or if ``copy`` is True."""
    t = tensor(obj, dtype=dtype, device=device) if copy else as_tensor(obj, dtype, device)
    return t.requires_grad_() if requires_grad else t


def from_numpy(ndarray: Any) -> Tensor:
    """A tensor that shares memory with an ndarray.

    Raises
    ------
    TypeError
        If it is no ndarray, or of a type that tensors do not have.
    """
    if not isinstance(ndarray, np.ndarray):
        raise wrong_type("from_numpy", "ndarray", "a numpy.ndarray", ndarray)
    if ndarray.dtype not in dtypes._BY_NUMPY:
        raise TypeError(f"from_numpy: NumPy's dtype {ndarray.dtype} has no tensor type; convert the array first.")
    return wrap(ndarray if type(ndarray) is np.ndarray else ndarray.view(np.ndarray))


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor that shares memory with any object that speaks DLPack."""
    return wrap(np.from_dlpack(ext_tensor))


def is_tensor(obj: Any) -> bool:
    """Whether ``obj`` is a Tensor."""
    return isinstance(obj, Tensor)


def legacy_array(args: tuple[Any, ...], device: Any, dtype: np.dtype[Any], name: str) -> Any:
    """What PyTorch's ``Tensor(...)`` makes: a size list gives an uninitialised array, data a copy of it."""
    if device is not None:
        check_device(name, device)
    if not args:
        return np.empty(0, dtype)
    if len(args) == 1 and not isinstance(args[0], (int, np.integer)):
        data = args[0]
        from .tensor import Size

        if isinstance(data, Size):
            return np.zeros(data, dtype)
        if isinstance(data, builtins.float):
            raise TypeError(
                f"{name}: expected sizes or a sequence of values, got the float {data}; use tensor({data})."
            )
        return _from_values(data, dtype, name, True).astype(dtype, copy=False)
    return np.zeros(_shape(name, args), dtype)


# ------------------------------------------------------------------------------------------------- by size


def empty(
    *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, out: Any = None, layout: Any = None,
    memory_format: Any = None, pin_memory: bool = False, **kw: Any,
) -> Tensor:  # fmt: skip
    """A tensor whose values are whatever the memory held."""
    return _finish(
        np.empty(_shape("empty", size, _keyword_size("empty", kw)), _type(dtype, "empty", out)),
        requires_grad,
        device,
        "empty",
        out,
    )


def zeros(
    *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, out: Any = None, layout: Any = None,
    **kw: Any,
) -> Tensor:  # fmt: skip
    """A tensor of zeros."""
    return _finish(
        np.zeros(_shape("zeros", size, _keyword_size("zeros", kw)), _type(dtype, "zeros", out)),
        requires_grad,
        device,
        "zeros",
        out,
    )


def ones(
    *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, out: Any = None, layout: Any = None,
    **kw: Any,
) -> Tensor:  # fmt: skip
    """A tensor of ones."""
    return _finish(
        np.ones(_shape("ones", size, _keyword_size("ones", kw)), _type(dtype, "ones", out)),
        requires_grad,
        device,
        "ones",
        out,
    )


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None,
         out: Any = None) -> Tensor:  # fmt: skip
    """A tensor of one value, of the value's type unless ``dtype`` is given."""
    value = fill_value.item() if isinstance(fill_value, (Tensor, np.generic)) else fill_value
    if not isinstance(value, (bool, int, builtins.float, complex)):
        raise wrong_type("full", "fill_value", "a number", fill_value)
    n = dtypes.number_type(value) if dtype is None else dtypes.to_numpy(dtype, "full")
    return _finish(np.full(_shape("full", (size,)), value, n), requires_grad, device, "full", out)


def scalar_tensor(value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A 0-d tensor of the default float type."""
    return _finish(np.asarray(value, _type(dtype, "scalar_tensor")), requires_grad, device, "scalar_tensor")


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, out: Any = None,
        layout: Any = None) -> Tensor:  # fmt: skip
    """The n x m matrix with ones on its diagonal."""
    rows, cols = _shape("eye", (n, n if m is None else m))
    return _finish(np.eye(rows, cols, dtype=_type(dtype, "eye", out)), requires_grad, device, "eye", out)


def _like(name: str, input: Any, dtype: Any) -> tuple[Any, np.dtype[Any]]:
    if not isinstance(input, Tensor):
        raise wrong_type(name, "input", "a Tensor", input)
    return input.array, input.array.dtype if dtype is None else dtypes.to_numpy(dtype, name)


def _layout(a: Any) -> Any:
    """Strides are kept, but not of an expanded array: its repeated dimension would become the innermost one."""
    return "C" if 0 in a.strides else "K"


def zeros_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None,
               memory_format: Any = None) -> Tensor:  # fmt: skip
    """Zeros in the shape and type of ``input``."""
    a, n = _like("zeros_like", input, dtype)
    return _finish(np.zeros_like(a, n, _layout(a)), requires_grad, device, "zeros_like")


def ones_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None,
              memory_format: Any = None) -> Tensor:  # fmt: skip
    """Ones in the shape and type of ``input``."""
    a, n = _like("ones_like", input, dtype)
    return _finish(np.ones_like(a, n, _layout(a)), requires_grad, device, "ones_like")


def empty_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None,
               memory_format: Any = None) -> Tensor:  # fmt: skip
    """An uninitialised tensor in the shape and type of ``input``."""
    a, n = _like("empty_like", input, dtype)
    return _finish(np.empty_like(a, n, _layout(a)), requires_grad, device, "empty_like")


def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
              layout: Any = None, memory_format: Any = None) -> Tensor:  # fmt: skip
    """One value in the shape and type of ``input``."""
    a, n = _like("full_like", input, dtype)
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    return _finish(np.full_like(a, value, n, _layout(a)), requires_grad, device, "full_like")


# ------------------------------------------------------------------------------------------------- ranges


def arange(*bounds: Any, start: Any = None, end: Any = None, step: Any = None, dtype: Any = None, device: Any = None,
           requires_grad: bool = False, out: Any = None, layout: Any = None) -> Tensor:  # fmt: skip
    """``arange(end)``, ``arange(start, end)`` or ``arange(start, end, step)``: start, start + step, ... below end."""
    given = [b.item() if isinstance(b, (Tensor, np.generic)) else b for b in bounds]
    if len(given) == 1 and end is None:
        end = given[0]
    elif given:
        start = given[0]
        end = given[1] if len(given) > 1 else end
        step = given[2] if len(given) > 2 else step
    start = 0 if start is None else start
    step = 1 if step is None else step
    for v in (start, end, step):
        if not isinstance(v, (int, builtins.float)):
            raise wrong_type("arange", "bounds", "numbers", v)
    if step == 0 or not all(math.isfinite(v) for v in (start, end, step)):
        raise RuntimeError(f"arange: the step must not be 0 and the bounds must be finite, got {start}, {end}, {step}.")
    if (end - start) * step < 0:
        raise RuntimeError(
            f"arange: from {start} to {end} in steps of {step} leads away from the end; check the step's sign."
        )
    if dtype is None:
        whole = all(isinstance(v, int) for v in (start, end, step))
        n = dtypes.long.numpy if whole else dtypes.default.numpy
    else:
        n = dtypes.to_numpy(dtype, "arange")
    count = math.ceil((end - start) / step)
    values = np.arange(count) * step + start  # in float64 or int64, then rounded once
    return _finish(values.astype(n), requires_grad, device, "arange", out)


def linspace(start: Any, end: Any, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
             out: Any = None, layout: Any = None) -> Tensor:  # fmt: skip
    """``steps`` values from ``start`` to ``end``, both included."""
    if int(steps) < 0:
        raise RuntimeError(f"linspace: the number of steps must not be negative, got {steps}.")
    a, b = (builtins.float(v) for v in (start, end))
    return _finish(
        np.linspace(a, b, int(steps)).astype(_type(dtype, "linspace", out)), requires_grad, device, "linspace", out
    )


def logspace(start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: Any = None, device: Any = None,
             requires_grad: bool = False) -> Tensor:  # fmt: skip
    """``base`` to the powers of :func:`linspace`."""
    if int(steps) < 0:
        raise RuntimeError(f"logspace: the number of steps must not be negative, got {steps}.")
    values = np.power(builtins.float(base), np.linspace(builtins.float(start), builtins.float(end), int(steps)))
    return _finish(values.astype(_type(dtype, "logspace")), requires_grad, device, "logspace")


# ------------------------------------------------------------------------------------------------- random


def _float_type(dtype: Any, name: str, out: Any = None) -> np.dtype[Any]:
    n = _type(dtype, name, out)
    if n.kind not in "fc":
        raise RuntimeError(f"{name}: random floats need a floating point dtype, got {n}; use randint() for integers.")
    return n


def _uniform(rng: np.random.Generator, shape: tuple[int, ...], n: np.dtype[Any]) -> Any:
    if n in (dtypes.F32, dtypes.F64):
        return np.asarray(rng.random(shape, dtype=n.type))
    if n.kind == "c":
        return (rng.random(shape) + 1j * rng.random(shape)).astype(n)
    return rng.random(shape).astype(n)


def _normal(rng: np.random.Generator, shape: tuple[int, ...], n: np.dtype[Any]) -> Any:
    if n in (dtypes.F32, dtypes.F64):
        return np.asarray(rng.standard_normal(shape, dtype=n.type))
    if n.kind == "c":  # PyTorch: variance 1 in all, so 1/2 for each part
        return ((rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) * math.sqrt(0.5)).astype(n)
    return np.asarray(rng.standard_normal(shape)).astype(n)


def rand(*size: Any, generator: Generator | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False,
         out: Any = None, layout: Any = None, pin_memory: bool = False, **kw: Any) -> Tensor:  # fmt: skip
    """Uniform random numbers in [0, 1)."""
    shape = _shape("rand", size, _keyword_size("rand", kw))
    return _finish(
        _uniform(stream(generator), shape, _float_type(dtype, "rand", out)), requires_grad, device, "rand", out
    )


def randn(*size: Any, generator: Generator | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False,
          out: Any = None, layout: Any = None, pin_memory: bool = False, **kw: Any) -> Tensor:  # fmt: skip
    """Normal random numbers of mean 0 and variance 1."""
    shape = _shape("randn", size, _keyword_size("randn", kw))
    return _finish(
        _normal(stream(generator), shape, _float_type(dtype, "randn", out)), requires_grad, device, "randn", out
    )


def rand_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, generator: Any = None,
              layout: Any = None, memory_format: Any = None) -> Tensor:  # fmt: skip
    """:func:`rand` in the shape and type of ``input``."""
    a, n = _like("rand_like", input, dtype)
    return rand(a.shape, dtype=n, device=device, requires_grad=requires_grad, generator=generator)


def randn_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, generator: Any = None,
               layout: Any = None, memory_format: Any = None) -> Tensor:  # fmt: skip
    """:func:`randn` in the shape and type of ``input``."""
    a, n = _like("randn_like", input, dtype)
    return randn(a.shape, dtype=n, device=device, requires_grad=requires_grad, generator=generator)


def randint(*args: Any, low: int | None = None, high: int | None = None, size: Any = None, generator: Generator | None = None,
            dtype: Any = None, device: Any = None, requires_grad: bool = False, out: Any = None, layout: Any = None) -> Tensor:  # fmt: skip
    """``randint(high, size)`` or ``randint(low, high, size)``: integers in [low, high)."""
    rest = list(args)
    if size is None:
        if not rest:
            raise TypeError("randint: missing argument size.")
        size = rest.pop()
    if high is None:
        if not rest:
            raise TypeError("randint: missing argument high.")
        high = rest.pop()
    if low is None:
        low = rest.pop() if rest else 0
    lo, hi = int(low), int(high)
    if lo >= hi:
        raise RuntimeError(f"randint: low must be smaller than high, got {lo} and {hi}.")
    n = dtypes.long.numpy if dtype is None else dtypes.to_numpy(dtype, "randint")
    values = stream(generator).integers(lo, hi, _shape("randint", (size,)))
    return _finish(np.asarray(values).astype(n), requires_grad, device, "randint", out)


def randint_like(input: Tensor, low: int, high: int | None = None, *, dtype: Any = None, device: Any = None,
                 requires_grad: bool = False, generator: Any = None, memory_format: Any = None) -> Tensor:  # fmt: skip
    """:func:`randint` in the shape and type of ``input``."""
    a, n = _like("randint_like", input, dtype)
    lo, hi = (0, low) if high is None else (low, high)
    return randint(lo, hi, a.shape, dtype=n, device=device, requires_grad=requires_grad, generator=generator)


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False,
             out: Any = None, layout: Any = None, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """A random order of 0 ... n-1."""
    if int(n) < 0:
        raise RuntimeError(f"randperm: n must not be negative, got {n}.")
    t = dtypes.long.numpy if dtype is None else dtypes.to_numpy(dtype, "randperm")
    return _finish(stream(generator).permutation(int(n)).astype(t), requires_grad, device, "randperm", out)
