"""class Tensor: an array and its place in the graph.

The methods that compute (``exp``, ``sum``, ``view`` ...) are attached by the tables in ``ops``; here is what a tensor
is: its array, its node, its gradient, hooks, and its text.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import dtypes
from .device import CPU, device
from .dtypes import dtype as Dtype
from .errors import AutogradError, ShapeError
from .formatting import tensor_text
from .graph import Node, RemovableHandle, extra_of, inferring, late, make_leaf, mode, wrote

Array = np.ndarray[Any, Any]


class Size(tuple[int, ...]):
    """A shape: a tuple of int that prints as PyTorch's and knows its element count."""

    __slots__ = ()

    def numel(self) -> int:
        n = 1
        for s in self:
            n *= s
        return n

    def __repr__(self) -> str:
        return f"Size([{', '.join(map(str, self))}])"

    def __getitem__(self, index: Any) -> Any:
        got = tuple.__getitem__(self, index)
        return Size(got) if isinstance(index, slice) else got

    def __add__(self, other: Any) -> Size:
        return Size(tuple.__add__(self, tuple(other)))


class TensorExtra:
    """What few tensors have: the tensor they are a view of, their views, a gradient without a node."""

    __slots__ = ("grad", "inference", "view_of", "view_op", "view_params", "views")

    def __init__(self) -> None:
        self.view_of: Tensor | None = None
        self.view_op: Any = None
        self.view_params: tuple[Any, ...] = ()
        self.views: list[weakref.ref[Tensor]] | None = None
        self.grad: Tensor | None = None
        self.inference = False


class Tensor:
    """A multi-dimensional array that records what is computed from it.

    ``Tensor(2, 3)`` makes an uninitialised tensor of that size and ``Tensor([1, 2])`` one with these values, both of
    the default float type, as PyTorch's legacy constructor does; prefer :func:`autograd_core.tensor`.

    Attributes
    ----------
    array : numpy.ndarray
        The values.  Writing into it bypasses the graph: call :func:`autograd_core.graph.wrote` afterwards, or write
        through the tensor (``x[...] = v``) under ``no_grad()``.
    node : Node or None
        The place in the graph; None for a constant.

    Examples
    --------
    >>> import autograd_core as ac
    >>> x = ac.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = ("__weakref__", "array", "extra", "node")

    array: Array
    node: Node | None
    extra: TensorExtra | None

    __array_priority__ = 1000

    def __init__(self, *args: Any, device: Any = None) -> None:
        from .factories import legacy_array

        self.array = legacy_array(args, device, dtypes.default.numpy, type(self).__name__)
        self.node = None
        self.extra = None

    # ------------------------------------------------------------------------------------------- what it is

    @property
    def shape(self) -> Size:
        """The sizes of the dimensions."""
        return Size(self.array.shape)

    @property
    def dtype(self) -> Dtype:
        """The number type."""
        return dtypes.of(self.array)

    @property
    def device(self) -> device:
        """Always ``device('cpu')``."""
        return CPU

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.array.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.array.size * self.array.itemsize

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded op made it (constants are leaves by convention)."""
        return self.node is None or self.node.op is None

    @property
    def grad_fn(self) -> Node | None:
        """The node of the op that made it, None for a leaf."""
        node = self.node
        return None if node is None or node.op is None else node

    @property
    def output_nr(self) -> int:
        """Which output of its op it is."""
        from .graph import is_output

        node = self.node
        return int(node.saved[0]) if node is not None and node.saved and is_output(node) else 0

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to it."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for a gradient of this tensor (or no longer), in place.

        Raises
        ------
        RuntimeError
            If its type has no gradient (integers, bool), or it is the result of a recorded op.
        """
        if requires_grad:
            if self.node is None:
                if self.array.dtype.kind not in "fc":
                    raise AutogradError(
                        f"requires_grad_: only floating point and complex tensors can require gradients, "
                        f"this one is {self.dtype.name}. Convert it first, for example with float()."
                    )
                if self.is_inference():
                    raise AutogradError(
                        "requires_grad_: this tensor was made in inference_mode(); clone() it outside to use it in training."
                    )
                leaf = make_leaf(self.array.shape, self.array.dtype)
                if self.extra is not None and self.extra.grad is not None:
                    leaf.grad, self.extra.grad = self.extra.grad, None
                self.node = leaf
        elif self.node is not None:
            if self.node.op is not None:
                raise AutogradError(
                    "requires_grad_: can only change the flag of a leaf; this tensor was computed by "
                    f"'{self.node.op.name}'. Use detach() to get a constant with the same values."
                )
            grad = self.node.grad  # type: ignore[attr-defined]
            self.node = None
            if grad is not None:
                self.grad = grad
        return self

    # ------------------------------------------------------------------------------------------- gradients

    @property
    def grad(self) -> Tensor | None:
        """The accumulated gradient of a leaf (or of a tensor that had :meth:`retain_grad`), None before backward."""
        node = self.node
        if node is None:
            return self.extra.grad if self.extra is not None else None
        if node.op is None:
            return node.grad  # type: ignore[attr-defined]
        return node.extra.grad if node.extra is not None else None

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"Tensor.grad: expected a Tensor or None, got {type(value).__name__}.")
            if value is self:
                raise AutogradError("Tensor.grad: a tensor cannot be its own gradient; use clone().")
            if value.shape != self.array.shape:
                raise AutogradError(
                    f"Tensor.grad: a gradient of shape {tuple(value.shape)} does not fit a tensor of shape {self.array.shape}."
                )
            if value.dtype is not self.dtype:
                raise AutogradError(
                    f"Tensor.grad: a gradient of dtype {value.dtype.name} does not fit a tensor of dtype {self.dtype.name}."
                )
        node = self.node
        if node is None:
            if self.extra is None:
                if value is None:
                    return
                self.extra = TensorExtra()
            self.extra.grad = value
        elif node.op is None:
            node.grad = value  # type: ignore[attr-defined]
        else:
            extra_of(node).grad = value

    @grad.deleter
    def grad(self) -> None:
        self.grad = None

    def backward(
        self,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add the gradients of this tensor to the ``.grad`` of the leaves it was computed from.

        Parameters
        ----------
        gradient : Tensor, optional
            The cotangent, of this tensor's shape; may be left out for a tensor of one element (then it is 1).
        retain_graph : bool, optional
            Keep what the rules saved, so that backward can run again (default: the value of ``create_graph``).
        create_graph : bool
            Record the backward pass too, for higher derivatives.
        inputs : Tensor or sequence of Tensor, optional
            Accumulate into these only.

        Raises
        ------
        RuntimeError
            If no gradient flows to it, its graph was freed, or a saved value was overwritten.
        """
        late["backward"]((self,), (gradient,), retain_graph, create_graph, inputs=inputs)

    def retain_grad(self) -> None:
        """Keep the gradient of this non-leaf in ``.grad`` when backward passes."""
        if self.node is None:
            raise AutogradError("retain_grad: this tensor does not require grad.")
        if self.node.op is not None:
            extra_of(self.node).retain = True

    @property
    def retains_grad(self) -> bool:
        """Whether :meth:`retain_grad` was called on this non-leaf."""
        node = self.node
        return node is not None and node.op is not None and node.extra is not None and node.extra.retain

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call ``hook(grad)`` whenever this tensor's gradient is computed; what it returns replaces the gradient."""
        if self.node is None:
            raise AutogradError("register_hook: cannot register a hook on a tensor that does not require grad.")
        extra = extra_of(self.node)
        if extra.hooks is None:
            extra.hooks = {}
        return RemovableHandle(extra.hooks, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call ``hook(tensor)`` after this leaf's ``.grad`` was accumulated."""
        if self.node is None or self.node.op is not None:
            raise AutogradError(
                "register_post_accumulate_grad_hook: only leaf tensors that require grad have such hooks."
            )
        extra = extra_of(self.node)
        if extra.post_hooks is None:
            extra.post_hooks = {}
        me = weakref.ref(self)

        def call() -> None:
            tensor = me()
            if tensor is not None:
                hook(tensor)

        return RemovableHandle(extra.post_hooks, call)

    # ------------------------------------------------------------------------------------------- leaving the graph

    def detach(self) -> Tensor:
        """A constant that shares this tensor's memory."""
        t = wrap(self.array)
        if (t.extra is not None) != self.is_inference():  # as a view: made in inference mode if its source was
            t.extra = TensorExtra() if t.extra is None else t.extra
            t.extra.inference = self.is_inference()
        return t

    def detach_(self) -> Tensor:
        """Make this tensor a constant, in place."""
        if self.extra is not None and self.extra.view_of is not None:
            raise AutogradError(
                "detach_: a view cannot be detached in place, its base would stay tracked; use detach()."
            )
        self.node = None
        return self

    @property
    def data(self) -> Tensor:
        """A constant that shares this tensor's memory (PyTorch's legacy ``.data``)."""
        return wrap(self.array)

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Tensor.data: expected a Tensor, got {type(value).__name__}.")
        self.array = value.array
        if self.node is not None and self.node.op is None:
            self.node.shape, self.node.dtype = value.array.shape, value.array.dtype

    def is_inference(self) -> bool:
        """Whether it was made in ``inference_mode()``."""
        return self.extra is not None and self.extra.inference

    def numpy(self, *, force: bool = False) -> Array:
        """The values as an ndarray that shares memory.

        Raises
        ------
        RuntimeError
            If the tensor requires grad and ``force`` is False.
        """
        if self.node is not None and not force:
            raise AutogradError(
                "numpy: this tensor requires grad, and an ndarray cannot carry gradients. Use tensor.detach().numpy()."
            )
        return self.array

    def item(self) -> Any:
        """The value of a tensor of one element, as a Python number."""
        if self.array.size != 1:
            raise ShapeError(
                f"item: a tensor with {self.array.size} elements (shape {self.array.shape}) is not one number."
            )
        return self.array.item()

    def tolist(self) -> Any:
        """The values as (nested) lists of Python numbers."""
        return self.array.tolist()

    # ------------------------------------------------------------------------------------------- Python's manners

    def __len__(self) -> int:
        if self.array.ndim == 0:
            raise TypeError("len: a 0-d tensor has no length.")
        return self.array.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self.array.ndim == 0:
            raise TypeError("iter: a 0-d tensor cannot be iterated.")
        return iter([self[i] for i in range(self.array.shape[0])])  # type: ignore[index]

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise RuntimeError(
                f"bool: the truth of a tensor with {self.array.size} elements is ambiguous; use any() or all()."
                if self.array.size
                else "bool: the truth of a tensor without elements is ambiguous."
            )
        return bool(self.array)

    def __int__(self) -> int:
        return int(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __index__(self) -> int:
        if self.array.size != 1 or self.array.dtype.kind not in "iub":
            raise TypeError("index: only integer tensors of a single element can be converted to an index.")
        return int(self.array.item())

    def __contains__(self, value: Any) -> bool:
        if isinstance(value, Tensor):
            value = value.array
        if not isinstance(value, (bool, int, float, complex, np.ndarray, np.generic)):
            raise TypeError(f"in: a tensor contains numbers, not {type(value).__name__}.")
        return bool((self.array == value).any())

    __hash__ = object.__hash__  # by identity, as PyTorch's; __eq__ compares elements

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if self.node is not None:
            raise AutogradError(
                "numpy: this tensor requires grad, and an ndarray cannot carry gradients. Use tensor.detach().numpy()."
            )
        return np.array(self.array, dtype=dtype, copy=copy)

    def __dlpack__(self, **kwargs: Any) -> Any:
        if self.node is not None:
            raise AutogradError("__dlpack__: a tensor that requires grad cannot be exported; use detach().")
        return self.array.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()

    def __repr__(self) -> str:
        suffixes = []
        plain = (dtypes.default.numpy, dtypes.default.complex, np.dtype(np.int64), np.dtype(bool))
        if self.array.dtype not in plain or (self.array.size == 0 and self.array.dtype != dtypes.default.numpy):
            suffixes.append(f"dtype={self.dtype!r}")
        if self.node is not None:
            suffixes.append("requires_grad=True" if self.node.op is None else f"grad_fn={self._grad_fn_text()}")
        return tensor_text(self.array, suffixes)

    def _grad_fn_text(self) -> str:
        from .graph import is_output

        node = self.node
        assert node is not None
        return repr(node.parents[0] if is_output(node) else node)

    def __format__(self, spec: str) -> str:
        return self.item().__format__(spec) if self.array.ndim == 0 else object.__format__(self, spec)

    def __copy__(self) -> Tensor:
        twin = object.__new__(type(self))
        twin.array, twin.node, twin.extra = self.array, self.node, None
        if hasattr(self, "__dict__"):
            twin.__dict__.update(self.__dict__)
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if id(self) in memo:
            return memo[id(self)]
        if self.node is not None and self.node.op is not None:
            raise AutogradError(
                "deepcopy: only leaf tensors can be copied with their place in the graph; this one was computed by "
                f"'{self.node.op.name}'. Use detach().clone() for the values, or clone() for a recorded copy."
            )
        twin = object.__new__(type(self))
        twin.array, twin.node, twin.extra = self.array.copy(order="K"), None, None
        memo[id(self)] = twin
        if self.node is not None:
            twin.requires_grad_()
        if self.grad is not None:
            twin.grad = copy.deepcopy(self.grad, memo)
        if hasattr(self, "__dict__"):
            twin.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return twin

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self.node is not None and self.node.op is not None:
            raise AutogradError(
                "pickle: only leaf tensors can be pickled, this one was computed by "
                f"'{self.node.op.name}'. Use detach(); for files prefer autograd_core.save()."
            )
        return _rebuild, (type(self), self.array, self.node is not None, getattr(self, "__dict__", None))


def _rebuild(cls: type[Tensor], array: Array, requires_grad: bool, attributes: dict[str, Any] | None) -> Tensor:
    """Make an unpickled tensor again."""
    t = object.__new__(cls)
    t.array, t.node, t.extra = array, None, None
    if attributes:
        t.__dict__.update(attributes)
    return t.requires_grad_(requires_grad)


def wrap(array: Array, node: Node | None = None) -> Tensor:
    """A tensor around an ndarray, without copy or check (the fast way in for ops)."""
    t = object.__new__(Tensor)
    t.array = array
    t.node = node
    t.extra = None
    if inferring.on:
        mark(t)
    return t


def mark(t: Tensor) -> None:
    """Remember that ``t`` was made in this thread's ``inference_mode()``, if it was."""
    if mode.inference and t.node is None:
        if t.extra is None:
            t.extra = TensorExtra()
        t.extra.inference = True


def touch(tensor: Tensor) -> None:
    """Stamp an in-place write into ``tensor.array``, so that backward notices saved values that changed."""
    wrote(tensor.array)
