"""``Parameter`` and ``Buffer``: tensors that a module registers when they are assigned to it."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ac
from autograd_core import Tensor, graph

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "is_lazy"]


def _array_of(data: Any, name: str) -> Any:
    if data is None:
        return np.empty(0, ac.get_default_dtype().numpy)
    if not isinstance(data, Tensor):
        raise TypeError(
            f"{name}: data must be a Tensor, got {type(data).__name__}. Make one with autograd_core.tensor(...)."
        )
    return data.array


class Parameter(Tensor):
    """A tensor that is learned: assigned to a :class:`Module` it appears in ``parameters()`` and ``state_dict()``.

    Parameters
    ----------
    data : Tensor, optional
        Its values; memory is shared, the graph is left behind.
    requires_grad : bool
        Whether gradients are computed for it.

    Raises
    ------
    TypeError
        If ``data`` is not a Tensor.
    RuntimeError
        If it requires grad and its type has no gradient (integers, bool).

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> nn.Parameter(torch.ones(2))
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        array = _array_of(data, type(self).__name__)
        if requires_grad and array.dtype.kind not in "fc":
            raise RuntimeError(
                f"Parameter: only floating point and complex tensors can require gradients, got {array.dtype}. "
                "Convert it with float(), or pass requires_grad=False."
            )
        self.array, self.node, self.extra = array, None, None
        if requires_grad:
            self.node = graph.make_leaf(array.shape, array.dtype)

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        # As in PyTorch: values and the flag, without the gradient.
        if id(self) in memo:
            return memo[id(self)]
        grad, self.grad = self.grad, None
        try:
            return super().__deepcopy__(memo)
        finally:
            self.grad = grad


class Buffer(Tensor):
    """A tensor that belongs to a module's state without being learned (running statistics, masks).

    Parameters
    ----------
    data : Tensor, optional
        Its values; memory is shared.
    persistent : bool
        Whether it is part of the ``state_dict``.

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> m = nn.Module()
    >>> m.mean = nn.Buffer(torch.zeros(3))
    >>> list(m.state_dict())
    ['mean']
    """

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None:
        self.array, self.node, self.extra = _array_of(data, "Buffer"), None, None
        self.persistent = persistent


class _Uninitialized:
    """A tensor without a shape yet.  Its ``array`` is not set, so every use of the values lands in ``__getattr__``."""

    array: Any
    node: Any
    extra: Any
    __dict__: dict[str, Any]
    _plain: type

    def _start(self, dtype: Any, device: Any, requires_grad: bool) -> None:
        if device is not None:
            ac.device(device)
        self.node, self.extra = None, None
        self.__dict__["_dtype"] = ac.get_default_dtype() if dtype is None else dtype
        if requires_grad:
            self.node = graph.make_leaf((0,), self.__dict__["_dtype"].numpy)

    def __getattr__(self, name: str) -> Any:
        if name == "array":
            raise RuntimeError(
                f"{type(self).__name__}: this tensor has no shape yet, because its lazy module has not seen an input. "
                "Run the model once on an example input (and load or count parameters after that)."
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def dtype(self) -> Any:
        return self.__dict__["_dtype"]

    @property
    def data(self) -> Any:
        return self

    @data.setter
    def data(self, value: Any) -> None:
        """Taken by ``Module.to`` and its kin: only the number type changes."""
        self.__dict__["_dtype"] = value.dtype

    def to(self, *args: Any, **kwargs: Any) -> Any:
        target = next((a for a in (*args, *kwargs.values()) if isinstance(a, ac.dtype)), self.dtype)
        return type(self)(requires_grad=self.node is not None, dtype=target)  # type: ignore[call-arg]

    def is_floating_point(self) -> bool:
        return bool(self.dtype.is_floating_point)

    def is_complex(self) -> bool:
        return bool(self.dtype.is_complex)

    def detach(self) -> Any:
        return self

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become an ordinary tensor of this shape (its values are not set yet)."""
        if device is not None:
            ac.device(device)
        kind = ac.empty(0, dtype=self.dtype if dtype is None else dtype).array.dtype
        self.array = np.zeros(tuple(shape), kind)
        if self.node is not None:
            self.node.shape, self.node.dtype = self.array.shape, kind
        del self.__dict__["_dtype"]
        self.__class__ = self._plain  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            memo[id(self)] = type(self)(requires_grad=self.node is not None, dtype=self.dtype)  # type: ignore[call-arg]
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self.node is not None, None, self.dtype)


class UninitializedParameter(_Uninitialized, Parameter):  # type: ignore[misc]
    """The parameter of a lazy module before its first input: it has a type but no shape.

    Raises
    ------
    RuntimeError
        When its values or shape are asked for before :meth:`materialize`.
    """

    _plain = Parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        self._start(dtype, device, requires_grad)


class UninitializedBuffer(_Uninitialized, Tensor):  # type: ignore[misc]
    """The buffer of a lazy module before its first input."""

    _plain = Buffer

    def __init__(self, requires_grad: bool = False, device: Any = None, dtype: Any = None) -> None:
        self._start(dtype, device, requires_grad)

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become an ordinary buffer of this shape."""
        super().materialize(shape, device, dtype)
        self.__dict__.setdefault("persistent", True)


def is_lazy(param: Any) -> bool:
    """Whether ``param`` still waits for its shape."""
    return isinstance(param, _Uninitialized)
