"""Optimizers given by one formula per parameter, read by two readers.

A formula uses operators and the functions of a module ``F`` only, so it runs on ndarrays (``F`` is NumPy: the ordinary
step, in place) and on Tensors (``F`` is autograd_core: ``differentiable=True``, where the step itself is recorded).
"""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core
from autograd_core import Tensor, enable_grad
from autograd_core.tensor import wrap

from .optimizer import Array, Group, Optimizer, State, Workspace, advance, real_view


class FormulaOptimizer(Optimizer):
    """An optimizer that treats each parameter by itself.

    A subclass gives ``_formula``, and ``_update`` too where a fused kernel does the same for all parameters at once.
    """

    counts: bool = True  # whether the state has a "step"

    def _step_group(self, group: Group, work: Workspace) -> None:
        params, grads, states = self._with_gradients(group)
        if not params:
            return
        step = advance(states) if self.counts else 0
        if group.get("differentiable"):
            self._record(params, grads, states, group, step)
            return
        written = arrays = [p.array for p in params]
        gradients = [g.array for g in grads]
        if "c" in [a.dtype.kind for a in arrays]:
            arrays, gradients = [real_view(a) for a in arrays], [real_view(g) for g in gradients]
        self._update(arrays, gradients, states, group, step, work)
        work.stamp(written)

    def _update(
        self,
        params: list[Array],
        grads: list[Array],
        states: list[State],
        group: Group,
        step: int | list[int],
        work: Workspace,
    ) -> None:
        """The ordinary step: update the arrays in place."""
        steps = [step] * len(params) if isinstance(step, int) else step
        for p, g, state, t in zip(params, grads, states, steps, strict=True):
            arrays = {k: real_view(v.array) for k, v in state.items() if isinstance(v, Tensor)}
            new, changed = self._formula(np, p, -g if group.get("maximize") else g, arrays, group, t)
            p[...] = new
            for key, value in changed.items():
                arrays[key][...] = value

    def _record(
        self, params: list[Tensor], grads: list[Tensor], states: list[State], group: Group, step: int | list[int]
    ) -> None:
        """The step as operations on tensors, which are recorded."""
        steps = [step] * len(params) if isinstance(step, int) else step
        with enable_grad():
            for p, g, state, t in zip(params, grads, states, steps, strict=True):
                signed: Any = -g if group.get("maximize") else g  # type: ignore[operator]
                new, changed = self._formula(autograd_core, p, signed, state, group, t)
                p.copy_(new)  # type: ignore[attr-defined]
                for key, value in changed.items():
                    state[key] = value if isinstance(value, Tensor) else wrap(np.array(value, state[key].array.dtype))

    def _formula(self, F: Any, p: Any, g: Any, s: dict[str, Any], h: Group, step: int) -> tuple[Any, dict[str, Any]]:
        """The new value of a parameter and the pieces of state that change, from gradient, state and options."""
        raise NotImplementedError(f"{type(self).__name__}: an optimizer must define its formula.")


def add_decay(p: Any, g: Any, weight_decay: float) -> Any:
    """The gradient with the L2 penalty's."""
    return g if weight_decay == 0 else g + weight_decay * p
