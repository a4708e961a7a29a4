"""Pruning: parameters multiplied by a mask of zeros and ones (PyTorch's ``torch.nn.utils.prune``).

The original stays in ``name_orig``, the mask is the buffer ``name_mask``, and a hook computes ``name`` before each
forward.
"""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

import autograd_core as ac
from autograd_core import Tensor
from autograd_core.random import stream

__all__ = [
    "BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "PruningContainer",
    "RandomStructured",
    "RandomUnstructured", "custom_from_mask", "global_unstructured", "identity", "is_pruned", "l1_unstructured",
    "ln_structured",
    "random_structured", "random_unstructured", "remove",
]  # fmt: skip


class BasePruningMethod(ABC):
    """A way to choose what is pruned; subclasses set ``PRUNING_TYPE`` and write ``compute_mask``."""

    PRUNING_TYPE: str = "unstructured"
    _tensor_name: str = ""

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask for importances ``t``, on top of ``default_mask``."""

    def apply_mask(self, module: Any) -> Any:
        """The original parameter times its mask."""
        name = self._tensor_name
        if not name:
            raise RuntimeError(f"{type(self).__name__}: it has not been applied to a parameter yet; use its apply().")
        original = getattr(module, f"{name}_orig")
        return getattr(module, f"{name}_mask").to(original.dtype) * original

    @classmethod
    def apply(cls, module: Any, name: str, *args: Any, importance_scores: Any = None, **kwargs: Any) -> Any:
        """Prune ``module.name``: register the original, the mask and the hook (on top of earlier pruning where there
        is any)."""
        method: Any = cls(*args, **kwargs)
        method._tensor_name = name
        key, old = _pruning_of(module, name)
        value = getattr(module, name)
        if importance_scores is not None and importance_scores.shape != value.shape:
            raise ValueError(
                f"{cls.__name__}: importance_scores must have the shape of {name!r}, {tuple(value.shape)}, "
                f"got {tuple(importance_scores.shape)}."
            )
        scores = value if importance_scores is None else importance_scores
        if old is None:
            mask = method.compute_mask(scores.detach(), ac.ones_like(value))
            delattr(module, name)
            module.register_parameter(f"{name}_orig", value)
        else:
            chain = old if isinstance(old, PruningContainer) else PruningContainer(old)
            chain.add_pruning_method(method)
            mask = chain.compute_mask(scores.detach(), getattr(module, f"{name}_mask").detach().clone())
            del module._forward_pre_hooks[key]
            method = chain
        module.register_buffer(f"{name}_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t: Any, default_mask: Any = None, importance_scores: Any = None) -> Any:
        """``t`` times the mask, without a module."""
        if importance_scores is not None and importance_scores.shape != t.shape:
            raise ValueError(
                f"prune: importance_scores must have shape {tuple(t.shape)}, got {tuple(importance_scores.shape)}."
            )
        scores = t if importance_scores is None else importance_scores
        return t * self.compute_mask(scores.detach(), ac.ones_like(t) if default_mask is None else default_mask)

    def remove(self, module: Any) -> None:
        """Make the pruned values the parameter's; the mask and the hook go."""
        name = self._tensor_name
        pruned = self.apply_mask(module).detach()
        original = getattr(module, f"{name}_orig")
        if hasattr(module, name):
            delattr(module, name)
        delattr(module, f"{name}_orig")
        delattr(module, f"{name}_mask")
        original.data = pruned
        setattr(module, name, original)


def _pruning_of(module: Any, name: str) -> tuple[Any, Any]:
    """The hook that prunes ``name``, and its key."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            return key, hook
    return None, None


class PruningContainer(BasePruningMethod):
    """Several prunings of one parameter, one after the other."""

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: tuple[Any, ...] = ()
        if len(args) == 1:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """Add a method for the same parameter."""
        if not isinstance(method, BasePruningMethod) and method is not None:
            raise TypeError(f"PruningContainer: expected a BasePruningMethod, got {type(method).__name__}.")
        if method is not None and self._tensor_name != method._tensor_name:
            raise ValueError(
                f"PruningContainer: it prunes {self._tensor_name!r}, but the added method prunes "
                f"{method._tensor_name!r}."
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: Any) -> Any:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The newest method's mask for what is not pruned yet, combined with ``default_mask``."""
        method = self._pruning_methods[-1]
        kept = default_mask.array
        part: Any
        if method.PRUNING_TYPE == "unstructured":
            part = kept == 1
        elif method.PRUNING_TYPE == "structured":
            d = method.dim % t.ndim
            alive = kept.sum(axis=tuple(i for i in range(t.ndim) if i != d)) != 0
            part = (slice(None),) * d + (alive,)
        elif method.PRUNING_TYPE == "global":
            part = (slice(None),) * t.ndim
        else:
            raise ValueError(f"PruningContainer: unknown PRUNING_TYPE {method.PRUNING_TYPE!r}.")
        mask = kept.astype(t.array.dtype)
        mask[part] = method.compute_mask(ac.from_numpy(t.array[part]), ac.from_numpy(kept[part])).array
        return ac.from_numpy(mask)


# ---------------------------------------------------------------------------------------------------- amounts


def _check_amount(name: str, amount: Any) -> None:
    if not isinstance(amount, numbers.Real):
        raise TypeError(f"{name}: amount must be an int or a float, got {amount!r}.")
    integral = isinstance(amount, numbers.Integral)
    if (integral and amount < 0) or (not integral and not 0.0 <= float(amount) <= 1.0):
        raise ValueError(f"{name}: amount must be a float in [0, 1] or a non-negative int, got {amount}.")


def _count(name: str, amount: Any, size: int) -> int:
    """How many of ``size`` are pruned."""
    n = int(amount) if isinstance(amount, numbers.Integral) else round(amount * size)
    if n > size:
        raise ValueError(f"{name}: amount={amount} is more than the {size} there are to prune.")
    return n


def _lowest(scores: Any, n: int) -> Any:
    """Indices of the n lowest scores."""
    return np.argsort(scores.reshape(-1), kind="stable")[:n]


class Identity(BasePruningMethod):
    """Prunes nothing; only makes the mask of ones."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class _Unstructured(BasePruningMethod):
    """Prunes single elements: those with the lowest scores."""

    def __init__(self, amount: Any) -> None:
        _check_amount(type(self).__name__, amount)
        self.amount = amount

    def _scores(self, a: Any) -> Any:
        raise TypeError(f"{type(self).__name__}: a subclass gives the scores.")

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        n = _count(type(self).__name__, self.amount, t.array.size)
        mask = default_mask.array.copy()
        mask.reshape(-1)[_lowest(self._scores(t.array), n)] = 0
        return ac.from_numpy(mask)


class RandomUnstructured(_Unstructured):
    """Prunes elements at random; ``amount`` is a number or a fraction."""

    def _scores(self, a: Any) -> Any:
        return stream(None).random(a.shape)


class L1Unstructured(_Unstructured):
    """Prunes the elements with the smallest absolute values; ``amount`` is a number or a fraction."""

    def _scores(self, a: Any) -> Any:
        return np.abs(a)


class _Structured(BasePruningMethod):
    """Prunes whole slices along ``dim``: those with the lowest scores."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: Any, dim: int = -1) -> None:
        _check_amount(type(self).__name__, amount)
        self.amount, self.dim = amount, dim

    def _scores(self, rows: Any) -> Any:
        raise TypeError(f"{type(self).__name__}: a subclass gives the scores.")

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        name = type(self).__name__
        if t.ndim <= 1:
            raise ValueError(f"{name}: structured pruning needs at least 2 dimensions, got shape {tuple(t.shape)}.")
        if not -t.ndim <= self.dim < t.ndim:
            raise IndexError(f"{name}: dim={self.dim} is out of range for shape {tuple(t.shape)}.")
        d = self.dim % t.ndim
        size = t.array.shape[d]
        rows = np.moveaxis(t.array, d, 0).reshape(size, -1)
        mask = default_mask.array.copy()
        mask[(slice(None),) * d + (_lowest(self._scores(rows), _count(name, self.amount, size)),)] = 0
        return ac.from_numpy(mask)


class RandomStructured(_Structured):
    """Prunes slices at random."""

    def _scores(self, rows: Any) -> Any:
        return stream(None).random(len(rows))


class LnStructured(_Structured):
    """Prunes the slices with the smallest n-norms."""

    def __init__(self, amount: Any, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def _scores(self, rows: Any) -> Any:
        order = 2 if self.n == "fro" else {"inf": np.inf, "-inf": -np.inf}.get(self.n, self.n)
        return np.linalg.norm(rows, ord=order, axis=1)


class CustomFromMask(BasePruningMethod):
    """Prunes by a given mask."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if self.mask.shape != default_mask.shape:
            raise ValueError(
                f"CustomFromMask: the mask has shape {tuple(self.mask.shape)}, the tensor {tuple(default_mask.shape)}."
            )
        return default_mask * self.mask.to(default_mask.dtype)  # type: ignore[operator,attr-defined,no-any-return]


# ---------------------------------------------------------------------------------------------------- functions


def identity(module: Any, name: str) -> Any:
    """Make the mask of ``module.name`` without pruning anything."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Any, name: str, amount: Any) -> Any:
    """Prune ``amount`` (a number, or a fraction) of the elements at random."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Any, name: str, amount: Any, importance_scores: Tensor | None = None) -> Any:
    """Prune the ``amount`` of elements with the smallest absolute values (or scores).

    Examples
    --------
    >>> import nn
    >>> from nn.utils import prune
    >>> layer = prune.l1_unstructured(nn.Linear(10, 10), "weight", amount=0.3)
    >>> int(layer.weight_mask.sum()), sorted(layer.state_dict())
    (70, ['bias', 'weight_mask', 'weight_orig'])
    """
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Any, name: str, amount: Any, dim: int) -> Any:
    """Prune ``amount`` of the slices along ``dim`` at random."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Any, name: str, amount: Any, n: Any, dim: int, importance_scores: Tensor | None = None
) -> Any:
    """Prune the ``amount`` of slices along ``dim`` with the smallest n-norms."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Any, name: str, mask: Tensor) -> Any:
    """Prune by a given mask."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Any, str]], pruning_method: Any, importance_scores: Any = None, **kwargs: Any
) -> None:
    """Prune several parameters as if they were one vector.

    Parameters
    ----------
    parameters : pairs of (module, name)
    pruning_method : class
        An unstructured method, such as ``L1Unstructured``.
    importance_scores : dict, optional
        (module, name) to scores.
    **kwargs
        For the method, such as ``amount``.
    """
    pairs: Sequence[tuple[Any, str]] = list(parameters)
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, dict):
        raise TypeError(f"global_unstructured: importance_scores must be a dict, got {type(scores).__name__}.")
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(f"global_unstructured: only unstructured methods can be used, got {pruning_method.__name__}.")
    values = [getattr(m, n) for m, n in pairs]
    flat = np.concatenate([scores.get(pair, v).array.reshape(-1) for pair, v in zip(pairs, values, strict=True)])
    masks = [getattr(m, f"{n}_mask", None) for m, n in pairs]
    kept = np.concatenate(
        [
            np.ones(v.array.size, flat.dtype) if k is None else k.array.reshape(-1)
            for k, v in zip(masks, values, strict=True)
        ]
    )
    chain = PruningContainer()
    method._tensor_name = chain._tensor_name = "all"
    chain.add_pruning_method(method)
    final = chain.compute_mask(ac.from_numpy(flat), ac.from_numpy(kept)).array
    start = 0
    for (m, n), v in zip(pairs, values, strict=True):
        end = start + v.array.size
        custom_from_mask(m, n, ac.from_numpy(final[start:end].reshape(v.array.shape).copy()))
        start = end


def remove(module: Any, name: str) -> Any:
    """Make pruning of ``module.name`` permanent: the pruned values become the parameter."""
    key, hook = _pruning_of(module, name)
    if hook is None:
        raise ValueError(f"prune.remove: {name!r} of {type(module).__name__} is not pruned.")
    hook.remove(module)
    del module._forward_pre_hooks[key]
    return module


def is_pruned(module: Any) -> bool:
    """Whether a parameter of the module, or of one below it, is pruned."""
    return any(isinstance(h, BasePruningMethod) for m in module.modules() for h in m._forward_pre_hooks.values())
