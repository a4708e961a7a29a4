"""Optimizers given by one formula per parameter, read by two readers.

A formula uses operators and the functions of a module ``F`` only, so it runs on ndarrays (``F`` is NumPy: the ordinary
step, in place) and on Tensors (``F`` is autograd_core: ``differentiable=True``, where the step itself is recorded).
Where enough was updated to be worth a compiler, one compiled pass over all tensors does the same operations.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter, is_, itemgetter
from typing import Any, TypeAlias

import numpy as np

import autograd_core
from autograd_core import Tensor, enable_grad
from autograd_core.kernels.optim_plan import update
from autograd_core.kernels.runtime import native
from autograd_core.tensor import wrap

from .optimizer import Array, Group, Optimizer, State, Workspace, advance, count_on, number, real_view

Rows: TypeAlias = list[tuple[float, ...]]

ARRAY = attrgetter("array")
CHUNK = 16384  # elements of a large parameter that are done at a time, so that temporaries stay in the cache


class FormulaOptimizer(Optimizer):
    """An optimizer that treats each parameter by itself.

    A subclass gives ``_formula``, and ``_update`` too where a fused kernel does the same for all parameters at once.
    """

    counts: bool = True  # whether the state has a "step"
    elementwise: bool = True  # whether each element of a parameter moves by itself
    kernel: str = ""  # the compiled pass that does what the formula does, to the last bit
    moments: tuple[str, ...] = ()  # the pieces of state that it takes,
    flags: tuple[str, ...] = ("maximize",)  # and the options

    def _step_group(self, group: Group, work: Workspace) -> None:
        params, grads, states = self._with_gradients(group)
        if not params or (work.last is not None and self._again(params, grads, states, group, work)):
            return
        step = advance(work, states) if self.counts else 0
        if group.get("differentiable"):
            self._record(params, grads, states, group, step)
            return
        written = arrays = [p.array for p in params]
        gradients = [g.array for g in grads]
        if "c" in [a.dtype.kind for a in arrays]:
            arrays, gradients = [real_view(a) for a in arrays], [real_view(g) for g in gradients]
        self._update(arrays, gradients, states, group, step, work)
        work.stamp(written)
        work.last = Repeat.of(self, states, group, work) if self.kernel and written is arrays else None

    def _again(
        self, params: list[Tensor], grads: list[Tensor], states: list[State], group: Group, work: Workspace
    ) -> bool:
        """Step by the kernel as the last time; False, with nothing done, where an array or a choice is another one."""
        last: Repeat = work.last
        if last.choices != self._choices(group) or group.get("differentiable") or not last.holds(params, states):
            return False
        entered = last.tensors.enter(list(map(ARRAY, grads)), last.jit)
        if entered is None:
            return False
        step = count_on(last.steps) if last.steps is not None else 0
        counters: dict[str, Array] = {}
        rows = np.array(self._scalars(states, group, step, work, counters), np.float64)
        last.tensors.run(last.kernel, rows, last.choices)
        for key, value in counters.items():
            work.together(key, states)[:] = value
        work.stamp_again()
        return True

    def _pieces(self, group: Group) -> tuple[str, ...]:
        """The pieces of state that the kernel takes, in its order."""
        return self.moments

    def _choices(self, group: Group) -> tuple[bool, ...]:
        """The kernel's flags."""
        return tuple([group[name] for name in self.flags])

    def _update(
        self,
        params: list[Array],
        grads: list[Array],
        states: list[State],
        group: Group,
        step: int | list[int],
        work: Workspace,
    ) -> None:
        """The ordinary step: update the arrays in place, by the compiled kernel or else by the formula."""
        done: Any = ()
        if self.kernel:
            lists = [params, *([s[key].array for s in states] for key in self._pieces(group))]
            if any(a.dtype.kind == "c" for a in lists[-1]):
                lists[1:] = [[real_view(a) for a in arrays] for arrays in lists[1:]]
            counters: dict[str, Array] = {}
            done = update(self.kernel, lists, grads, work.plan,
                          lambda: self._scalars(states, group, step, work, counters), *self._choices(group))  # fmt: skip
            for key, value in counters.items():
                at = slice(None) if len(done) == len(params) else list(done)
                work.together(key, states)[at] = value[at]
            if len(done) == len(params):
                return
        steps = [step] * len(params) if isinstance(step, int) else step
        if isinstance(group.get("lr"), Tensor):  # the formula shall compute with numbers, as the kernel does
            group = {**group, "lr": number(group["lr"])}
        for k, (p, g, state, t) in enumerate(zip(params, grads, states, steps, strict=True)):
            if k in done:
                continue
            arrays = {key: real_view(v.array) for key, v in state.items() if isinstance(v, Tensor)}
            if self.elementwise and p.size > 2 * CHUNK:
                self._update_in_chunks(p, g, arrays, group, t)
                continue
            new, changed = self._formula(np, p, -g if group.get("maximize") else g, arrays, group, t)
            p[...] = new
            for key, value in changed.items():
                arrays[key][...] = value

    def _scalars(
        self, states: list[State], group: Group, step: int | list[int], work: Workspace, counters: dict[str, Array]
    ) -> Rows:
        """The kernel's numbers: one row for all parameters, or one for each; new values of counters go to `counters`."""
        raise NotImplementedError(f"{type(self).__name__}: a kernel wants its numbers.")

    def _update_in_chunks(self, p: Array, g: Array, arrays: dict[str, Array], group: Group, step: int) -> None:
        """The same, piece by piece."""
        like_p = [key for key, a in arrays.items() if a.shape == p.shape]
        flat = {key: arrays[key].reshape(-1) for key in like_p}
        whole, gradient = p.reshape(-1), g.reshape(-1)
        copied = [(target, source) for target, source in [(p, whole), *((arrays[k], flat[k]) for k in like_p)]
                  if not np.may_share_memory(target, source)]  # fmt: skip
        changed: dict[str, Any] = {}
        for start in range(0, whole.size, CHUNK):
            part = slice(start, start + CHUNK)
            pieces = {key: a[part] for key, a in flat.items()}
            d = -gradient[part] if group.get("maximize") else gradient[part]
            whole[part], changed = self._formula(np, whole[part], d, {**arrays, **pieces}, group, step)
            for key in like_p:
                if key in changed:
                    pieces[key][...] = changed[key]
        for key, value in changed.items():
            if key not in flat:
                arrays[key][...] = value
        for target, source in copied:
            target[...] = source.reshape(target.shape)

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


class Repeat:
    """What a step by one compiled pass found out, for the next one: half of a small net's step was finding it out again.

    It holds for as long as the parameters, and the tensors in their states, have the very arrays they had.
    """

    __slots__ = ("arrays", "choices", "jit", "kernel", "pieces", "steps", "tensors")

    def __init__(
        self, tensors: Any, optimizer: FormulaOptimizer, states: list[State], group: Group, work: Workspace
    ) -> None:
        self.tensors = tensors
        self.jit = native("optim")
        self.kernel = getattr(self.jit, optimizer.kernel)
        self.choices = optimizer._choices(group)
        self.arrays = [a for arrays in tensors.arrays for a in arrays]
        self.pieces = [itemgetter(key) for key in optimizer._pieces(group)]
        self.steps = None
        if optimizer.counts:
            self.steps = work.together("step", states)
            self.arrays += [s["step"].array for s in states]
            self.pieces.append(itemgetter("step"))

    @classmethod
    def of(cls, optimizer: FormulaOptimizer, states: list[State], group: Group, work: Workspace) -> Repeat | None:
        """Of the step that was just done; None unless one pass over tensors of one type did all of it."""
        tensors = work.plan.whole(len(states))
        return None if tensors is None else cls(tensors, optimizer, states, group, work)

    def holds(self, params: list[Tensor], states: list[State]) -> bool:
        """Whether nothing moved."""
        arrays = list(map(ARRAY, params))
        try:
            for piece in self.pieces:
                arrays += map(ARRAY, map(piece, states))
        except (KeyError, AttributeError):
            return False
        return len(arrays) == len(self.arrays) and all(map(is_, arrays, self.arrays))


def add_decay(p: Any, g: Any, weight_decay: float) -> Any:
    """The gradient with the L2 penalty's."""
    return g if weight_decay == 0 else g + weight_decay * p


def each_step(step: int | list[int], row: Callable[[int], tuple[float, ...]]) -> Rows:
    """A row of numbers for the common step, or one for the step of each parameter."""
    if isinstance(step, int):
        return [row(step)]
    known = {t: row(t) for t in set(step)}
    return [known[t] for t in step]
