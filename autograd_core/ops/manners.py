"""Small methods around a tensor: rearranging it in place, resizing, and PyTorch's questions about memory and devices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dtypes
from ..errors import AutogradError, ShapeError, wrong_type
from ..graph import wrote
from ..inplace import check_writable
from ..op import METHODS, method, sym
from ..tensor import Tensor, wrap
from .arithmetic import tensor_of
from .conversion import fill_, zero_
from .dims import size_list
from .shape import squeeze, stride, t, transpose, unsqueeze

__all__ = [
    "channels_last", "channels_last_3d", "contiguous_format", "detach", "empty_strided", "fill", "frombuffer", "get_device", "layout",
    "memory_format", "newaxis", "preserve_format", "range", "sparse_coo", "strided", "unravel_index", "unsafe_chunk", "unsafe_split",
    "zero_",
]  # fmt: skip


class layout:
    """How elements are kept: ``strided`` in one array, ``sparse_coo`` as places and values."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"autograd_core.{self._name}"

    def __reduce__(self) -> str:
        return self._name


strided, sparse_coo = layout("strided"), layout("sparse_coo")
newaxis = None


class memory_format:
    """PyTorch's memory formats: names that are accepted and change nothing (arrays here are row-major)."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"autograd_core.{self.name}"


contiguous_format, preserve_format = memory_format("contiguous_format"), memory_format("preserve_format")
channels_last, channels_last_3d = memory_format("channels_last"), memory_format("channels_last_3d")

# ------------------------------------------------------------------------------------------------- rearranging in place


def rearrange(x: Tensor, y: Tensor) -> Tensor:
    """Let ``x`` become ``y``, a view of it; whoever shares its memory keeps doing so."""
    if y is x or y.array is x.array:
        return x
    old = wrap(x.array, x.node)
    old.extra, new = x.extra, y.extra
    if old.extra is not None:
        for ref in old.extra.views or ():
            view = ref()
            if view is not None and view.extra is not None and view.extra.view_of is x:
                view.extra.view_of = old
        base = old.extra.view_of
        if base is not None and base.extra is not None and base.extra.views is not None:
            import weakref

            base.extra.views.append(weakref.ref(old))
    x.array, x.node, x.extra = y.array, y.node, new
    if new is not None and new.view_of is not None and old.extra is not None:
        import weakref

        new.view_of = old
        old.extra.views = [*(old.extra.views or ()), weakref.ref(x)]
    return x


def _in_place(name: str, function: Callable[..., Tensor], *names: str) -> None:
    def f(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        check_writable(self, name)
        return rearrange(self, function(self, *args, **kwargs))

    f.__name__ = f.__qualname__ = name
    f.__doc__ = f":func:`{function.__name__}` of the tensor itself: its shape changes, its memory does not."
    for n in (name, *names):
        METHODS[n] = f


_in_place("squeeze_", squeeze)
_in_place("unsqueeze_", unsqueeze)
_in_place("transpose_", transpose, "swapaxes_", "swapdims_")
_in_place("t_", t)


@method()
def resize_(self: Tensor, *sizes: Any, memory_format: Any = None) -> Tensor:
    """Give the tensor another size; elements keep their row-major places, new ones hold whatever the memory held.

    Unlike PyTorch's, a tensor that grows (or shrinks) no longer shares memory with its views.
    """
    shape = size_list("resize_", sizes)
    if any(s < 0 for s in shape):
        raise RuntimeError(f"resize_: sizes must not be negative, got {shape}.")
    if self.node is not None:
        raise AutogradError("resize_: a tensor that requires grad cannot be resized; use detach().")
    n = int(np.prod(shape))
    flat = self.array.reshape(-1)
    if n == flat.size:
        self.array = flat.reshape(shape)
    else:
        array = np.empty(n, self.array.dtype)
        kept = min(n, flat.size)
        array[:kept] = flat[:kept]
        self.array, self.extra = array.reshape(shape), None
    return self


@method()
def resize_as_(self: Tensor, other: Tensor, memory_format: Any = None) -> Tensor:
    """:meth:`resize_` to the size of ``other``."""
    return resize_(self, other.array.shape)


@method()
def set_(self: Tensor, source: Tensor | None = None) -> Tensor:
    """Let the tensor stand for the memory of ``source`` (or for none)."""
    if self.node is not None:
        raise AutogradError("set_: a tensor that requires grad cannot be set; use detach().")
    if source is not None and not isinstance(source, Tensor):
        raise wrong_type("set_", "source", "a Tensor", source)
    self.array = np.empty(0, self.array.dtype) if source is None else source.array
    self.extra = None
    return self


@method()
def fill_diagonal_(self: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """Set the main diagonal to a number; ``wrap`` starts it again below a tall matrix."""
    check_writable(self, "fill_diagonal_")
    if self.array.ndim < 2 or (self.array.ndim > 2 and len(set(self.array.shape)) > 1):
        raise RuntimeError(
            f"fill_diagonal_: needs a matrix, or equal sizes in more dimensions, got shape {self.array.shape}."
        )
    if self.node is not None:
        n = int(np.prod(self.array.shape))
        mask = np.zeros(self.array.shape, bool)
        np.fill_diagonal(mask, True, wrap)
        from ..inplace import write

        return write(self, sym.masked_fill(self, _constant(mask), fill_value), "fill_diagonal_") if n else self
    np.fill_diagonal(self.array, fill_value, wrap)
    wrote(self.array)
    return self


def _constant(array: Any) -> Tensor:
    return wrap(array)


@method()
def apply_(self: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Replace each element by ``callable(element)`` (a Python loop: slow)."""
    check_writable(self, "apply_")
    if self.node is not None:
        raise AutogradError("apply_: a Python function has no gradient; use detach() first.")
    self.array[...] = np.asarray([callable(v) for v in self.array.reshape(-1).tolist()], self.array.dtype).reshape(
        self.array.shape
    )
    wrote(self.array)
    return self


@method()
def map_(self: Tensor, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Replace each element by ``callable(element, element of tensor)`` (a Python loop: slow)."""
    check_writable(self, "map_")
    if self.node is not None or tensor.node is not None:
        raise AutogradError("map_: a Python function has no gradient; use detach() first.")
    other = np.broadcast_to(tensor.array, self.array.shape).reshape(-1).tolist()
    mine = self.array.reshape(-1).tolist()
    self.array[...] = np.asarray([callable(a, b) for a, b in zip(mine, other, strict=True)], self.array.dtype).reshape(
        self.array.shape
    )
    wrote(self.array)
    return self


def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor like ``input`` full of ``value`` (a number or a 0-d tensor, to which the gradient flows)."""
    return fill_(sym.clone(tensor_of(input, "fill")), value)


# ------------------------------------------------------------------------------------------------- sizes and strides


@method()
def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """The sum over the dimensions that broadcasting from ``size`` would have added or stretched."""
    shape = size_list("sum_to_size", size)
    have = input.array.shape
    extra = len(have) - len(shape)
    if extra < 0 or any(s not in (1, n) for s, n in zip(shape, have[extra:], strict=True)):
        raise ShapeError(f"sum_to_size: size {shape} does not broadcast to the shape {have} of the tensor.")
    return sym.sum_to(input, shape)


def empty_strided(
    size: Sequence[int], stride: Sequence[int], *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """An uninitialised tensor of given size and strides (in elements)."""
    n = dtypes.default.numpy if dtype is None else dtypes.to_numpy(dtype, "empty_strided")
    if len(size) != len(stride) or any(v < 0 for v in (*size, *stride)):
        raise RuntimeError(
            f"empty_strided: size {tuple(size)} and stride {tuple(stride)} must be as many numbers, none negative."
        )
    last = sum((s - 1) * k for s, k in zip(size, stride, strict=True)) if all(size) else -1
    memory = np.empty(last + 1, n)
    y = wrap(np.lib.stride_tricks.as_strided(memory, tuple(size), tuple(k * n.itemsize for k in stride)))
    return y.requires_grad_() if requires_grad else y


@method()
def new_empty_strided(
    self: Tensor, size: Sequence[int], stride: Sequence[int], dtype: Any = None, **kwargs: Any
) -> Tensor:
    """:func:`empty_strided` in this tensor's type."""
    return empty_strided(size, stride, dtype=dtype or self.dtype, **kwargs)


@method()
def storage_offset(self: Tensor) -> int:
    """How many elements of the memory's owner come before the first element."""
    base: Any = self.array
    while isinstance(base.base, np.ndarray):
        base = base.base
    return int((self.array.__array_interface__["data"][0] - base.__array_interface__["data"][0]) // self.array.itemsize)


@method()
def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether both are the same memory in the same shape and strides."""
    a, b = self.array, tensor.array
    same = a.__array_interface__["data"][0] == b.__array_interface__["data"][0]
    return same and a.shape == b.shape and stride(self) == stride(tensor) and a.dtype == b.dtype


@method()
def unsafe_chunk(self: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """:meth:`chunk`; views here are always safe."""
    return self.chunk(chunks, dim)  # type: ignore[attr-defined,no-any-return]


@method()
def unsafe_split(self: Tensor, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """:meth:`split`; views here are always safe."""
    return self.split(split_size, dim)  # type: ignore[attr-defined,no-any-return]


@method()
def as_subclass(self: Tensor, cls: type[Tensor]) -> Tensor:
    """The same array and place in the graph as an object of a subclass of Tensor."""
    if not (isinstance(cls, type) and issubclass(cls, Tensor)):
        raise TypeError(f"as_subclass: expected a subclass of Tensor, got {cls!r}.")
    twin = object.__new__(cls)
    twin.array, twin.node, twin.extra = self.array, self.node, None
    return twin


@method()
def __reversed__(self: Tensor) -> Tensor:
    """``reversed(t)``: the first dimension in reverse order."""
    return sym.flip(self, (0,)) if self.array.ndim else self


@method()
def share_memory_(self: Tensor) -> Tensor:
    """The tensor itself: processes get copies here, not shared memory."""
    return self


@method()
def is_shared(self: Tensor) -> bool:
    """False: memory is not shared between processes."""
    return False


@method()
def is_pinned(self: Tensor, device: Any = None) -> bool:
    """False: there is no device that would need pinned memory."""
    return False


@method()
def to_dense(self: Tensor, dtype: Any = None, *, masked_grad: Any = None) -> Tensor:
    """The tensor itself: all tensors here are dense."""
    return self if dtype is None else self.to(dtype)  # type: ignore[attr-defined,no-any-return]


def _fact(value: Any, doc: str) -> Any:
    return property(lambda self: value, doc=doc)


for _name in (
    "is_meta",
    "is_quantized",
    "is_mkldnn",
    "is_mps",
    "is_nested",
    "is_sparse_csr",
    "is_xla",
    "is_xpu",
    "is_vulkan",
):
    METHODS[_name] = _fact(False, "False: there are only plain tensors on the CPU.")
METHODS["is_cpu"] = _fact(True, "True: there are only tensors on the CPU.")
METHODS["layout"] = _fact(strided, "Always ``strided``.")
METHODS["name"] = _fact(None, "None: tensors carry no names.")


# ------------------------------------------------------------------------------------------------- free functions


def detach(input: Tensor) -> Tensor:
    """A constant that shares the tensor's memory."""
    return tensor_of(input, "detach").detach()


def get_device(input: Tensor) -> int:
    """-1, PyTorch's number for the CPU."""
    return -1


def range(
    start: float = 0, end: float | None = None, step: float = 1, *, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """PyTorch's old ``range``: as :func:`arange` in the default float type, with ``end`` included."""
    from ..factories import arange

    if end is None:
        start, end = 0, start
    if step == 0 or (end - start) * step < 0:
        raise RuntimeError(
            f"range: from {start} to {end} in steps of {step} leads away from the end; check the step's sign."
        )
    count = int((end - start) / step) + 1
    values = np.arange(count) * step + start
    return wrap(values.astype(dtypes.to_numpy(dtype or arange(1.0).dtype, "range"))).requires_grad_(requires_grad)


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """The coordinates, in a tensor of ``shape``, of places counted in row-major order."""
    i = tensor_of(indices, "unravel_index").array
    sizes = size_list("unravel_index", (shape,)) if not isinstance(shape, int) else (shape,)
    if i.dtype.kind not in "iu":
        raise ValueError(f"unravel_index: the indices must be integers, got {i.dtype}.")
    n = int(np.prod(sizes))
    if i.size and (i.min() < 0 or i.max() >= n):
        raise ValueError(f"unravel_index: an index lies outside the {n} elements of shape {sizes}.")
    return tuple(wrap(np.asarray(k)) for k in np.unravel_index(i, sizes))


def frombuffer(buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A vector that shares the memory of an object with Python's buffer protocol."""
    y = wrap(np.frombuffer(buffer, dtypes.to_numpy(dtype, "frombuffer"), count, offset))
    return y.requires_grad_() if requires_grad else y
