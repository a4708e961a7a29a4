"""Modules whose sizes come from their first input."""

from __future__ import annotations

from typing import Any

from ..parameter import is_lazy

__all__: list[str] = []


class LazyModuleMixin:
    """Put before a module class: parameters start without a shape and get one from the first input.

    The subclass sets ``cls_to_become`` (the class it turns into once it has its shapes) and writes
    ``initialize_parameters(*inputs)``.
    """

    cls_to_become: type | None = None
    _lazy_hook: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lazy_hook = self.register_forward_pre_hook(_infer, with_kwargs=True)  # type: ignore[attr-defined]

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give every parameter its shape, from the inputs of the first call."""
        raise NotImplementedError(
            f"{type(self).__name__}: write initialize_parameters(*inputs), which gives the parameters shapes."
        )

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer still waits for its shape."""
        tables = (self._parameters, self._buffers)  # type: ignore[attr-defined]
        return any(is_lazy(t) for table in tables for t in table.values())


def _infer(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """The hook before the first forward."""
    module.initialize_parameters(*args, **kwargs)
    if module.has_uninitialized_params():
        raise RuntimeError(f"{type(module).__name__}: initialize_parameters() left parameters without a shape.")
    module._lazy_hook.remove()
    del module._lazy_hook
    hooks = module._hooks
    if not any(getattr(hooks, kind) for kind in hooks.__slots__ if kind not in ("with_kwargs", "always")):
        del module.__dict__["_hooks"]  # calls are direct from now on
    if module.cls_to_become is not None:
        module.__class__ = module.cls_to_become
