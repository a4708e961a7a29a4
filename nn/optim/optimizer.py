"""The base of all optimizers: parameter groups, state, hooks, and the format in which they are saved."""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from operator import attrgetter, is_
from typing import Any, TypeAlias

import numpy as np

from autograd_core import Tensor, enable_grad, get_default_dtype
from autograd_core.graph import Leaf, RemovableHandle, clock, owner, stamps, tick, wrote
from autograd_core.kernels.optim_plan import Plan
from autograd_core.tensor import wrap

Array: TypeAlias = Any
Group: TypeAlias = dict[str, Any]
State: TypeAlias = dict[str, Any]
Params: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]
Closure: TypeAlias = Callable[[], Any]


class _Required:
    """The default of an option that every group must give."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()

_global_pre_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()
_global_post_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` before every step of every optimizer."""
    return RemovableHandle(_global_pre_hooks, hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` after every step of every optimizer."""
    return RemovableHandle(_global_post_hooks, hook)


_PLAIN = {Tensor}  # the types of gradients that need no further look
_ONE = {d: np.ones((), d) for d in map(np.dtype, "fdeil")}  # NumPy takes twice as long with the number 1
_GRAD = attrgetter("node.grad")  # of a leaf


class Workspace:
    """What one parameter group keeps between steps: where its arrays lie, its counters, and how to stamp a write."""

    __slots__ = ("arrays", "counters", "ids", "keys", "last", "plan")

    def __init__(self) -> None:
        self.plan = Plan()
        self.last: Any = None  # see `formula.Repeat`
        self.counters: dict[str, Counters] = {}
        self.ids: list[int] = []
        self.keys: list[int] = []
        self.arrays: list[Array] = []

    def together(self, key: str, states: list[State]) -> Array:
        """The counters ``state[key]`` of all states as one array, which they are made views of: a write into it is
        a write into each of them."""
        mine = self.counters.get(key)
        if mine is None:
            mine = self.counters[key] = Counters()
        return mine.of(key, states)

    def stamp(self, arrays: list[Array]) -> None:
        """Tell the graph that these arrays were written to (``wrote`` for each, in one go)."""
        ids = list(map(id, arrays))
        if ids == self.ids:
            self.stamp_again()
            return
        for array in arrays:
            wrote(array)
        self.arrays, self.ids = arrays, ids  # held, so that neither their ids nor their owners' can be reused
        self.keys = [id(owner(array)) for array in arrays]

    def stamp_again(self) -> None:
        """`stamp` for the arrays of the last time."""
        clock.last_write = now = tick()
        stamps.update(dict.fromkeys(self.keys, now))


def _hooked(step: Callable[..., Any]) -> Callable[..., Any]:
    """``step`` with the hooks around it."""
    if getattr(step, "hooked", False):
        return step

    @functools.wraps(step)
    def hooked(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        self._opt_called = True  # what a scheduler looks at to warn about a wrong order of calls
        if not (self._step_pre_hooks or self._step_post_hooks or _global_pre_hooks or _global_post_hooks):
            return step(self, *args, **kwargs)
        for hook in (*_global_pre_hooks.values(), *self._step_pre_hooks.values()):
            result = hook(self, args, kwargs)
            if result is None:
                continue
            if not (isinstance(result, tuple) and len(result) == 2):
                raise RuntimeError(
                    f"{type(self).__name__}.step: a pre-hook must return None or (args, kwargs), got {result!r}."
                )
            args, kwargs = result
        out = step(self, *args, **kwargs)
        for hook in (*self._step_post_hooks.values(), *_global_post_hooks.values()):
            hook(self, args, kwargs)
        return out

    hooked.hooked = True  # type: ignore[attr-defined]
    return hooked


class Optimizer:
    """Base class of all optimizers (``torch.optim.Optimizer``).

    To write an optimizer of your own, either define ``step(closure=None)``, as in PyTorch, or define
    ``_step_group(group, work)``, which updates the parameters of one group; the base class then runs the closure.

    Parameters
    ----------
    params : iterable of Tensor, of dict, or of (name, Tensor)
        What to optimize: one group, or groups as dicts ``{"params": ..., "lr": ...}``.
    defaults : dict
        Options of groups that do not give their own.

    Attributes
    ----------
    param_groups : list of dict
        Each with ``"params"`` and its options.
    state : dict
        From a parameter to its state.

    Raises
    ------
    TypeError
        If ``params`` is a tensor, or one of the parameters is not a tensor.
    ValueError
        If there are no parameters, one is not a leaf, or one is in two groups.
    """

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._make_hooks()
        name = type(self).__name__
        if isinstance(params, Tensor):
            raise TypeError(
                f"{name}: params must be an iterable of tensors or dicts, got one tensor of shape "
                f"{tuple(params.shape)}; put it in a list."
            )
        self.state: defaultdict[Tensor, State] = defaultdict(dict)
        self.param_groups: list[Group] = []
        self._work: list[Workspace] = []
        groups = list(params)
        if not groups:
            raise ValueError(
                f"{name}: the optimizer got an empty parameter list. Pass model.parameters() of a model that has "
                "parameters (a generator can be read only once)."
            )
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)  # type: ignore[arg-type]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _hooked(cls.__dict__["step"])  # type: ignore[method-assign]

    def _make_hooks(self) -> None:
        self._step_pre_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self._step_post_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self._state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self._state_dict_post_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self._load_state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self._load_state_dict_post_hooks: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self._opt_called = False

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "_step_pre_hooks" not in self.__dict__:
            self._make_hooks()
        self._work = []

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join(lines) + "\n)"

    # ------------------------------------------------------------------------------------------- groups

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters, ``{"params": ..., options}``; options not given are the optimizer's defaults.

        Raises
        ------
        TypeError
            If the group is not a dict, its parameters are a set, or one of them is not a tensor.
        ValueError
            If a parameter is not a leaf or is in another group already, or names are given for some only.
        """
        name = type(self).__name__
        if not isinstance(param_group, dict):
            raise TypeError(f"{name}.add_param_group: param_group must be a dict, got {type(param_group).__name__}.")
        if "params" not in param_group:
            raise KeyError(f"{name}.add_param_group: the group has no 'params', only {sorted(param_group)}.")
        given = param_group["params"]
        if isinstance(given, set):
            raise TypeError(
                f"{name}: parameters need the same order in every run, and a set has none; use a list instead."
            )
        given = [given] if isinstance(given, Tensor) else list(given)
        names = [item[0] for item in given if isinstance(item, tuple)]
        params = [item[1] if isinstance(item, tuple) else item for item in given]
        if names and len(names) != len(params):
            raise ValueError(
                f"{name}: {len(names)} of {len(params)} parameters have names; give all of them names, or none."
            )
        for i, p in enumerate(params):
            if not isinstance(p, Tensor):
                raise TypeError(f"{name}: an optimizer can only optimize tensors, parameter {i} is {type(p).__name__}.")
            if not (p.is_leaf or p.retains_grad or self.defaults.get("differentiable")):
                raise ValueError(
                    f"{name}: can't optimize a non-leaf tensor: parameter {i} was computed by "
                    f"'{p.grad_fn.op.name}' "  # type: ignore[union-attr]
                    "and its gradient is not kept. Pass the tensors it was computed from."
                )
        group = param_group
        group["params"] = params
        if names:
            group["param_names"] = names
        for key, default in self.defaults.items():
            if default is required and key not in group:
                raise ValueError(f"{name}: the parameter group did not give the required option {key!r}.")
            group.setdefault(key, default)
        members = set(params)
        if len(members) != len(params):
            warnings.warn(
                f"{name}: a parameter group holds the same parameter twice; each step will update it twice.",
                stacklevel=3,
            )
        for k, other in enumerate(self.param_groups):
            if ("param_names" in group) != ("param_names" in other):
                raise ValueError(
                    f"{name}: either all parameter groups have names or none has; group {k} differs from the new one."
                )
            shared = members.intersection(other["params"])
            if shared:
                shape = tuple(next(iter(shared)).shape)
                raise ValueError(
                    f"{name}: some parameters appear in more than one parameter group ({len(shared)} of the new group "
                    f"are in group {k} already, one of shape {shape})."
                )
        self.param_groups.append(group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or fill them with zeros when ``set_to_none`` is False."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    node = p.node
                    if node.__class__ is Leaf:
                        node.grad = None
                    else:
                        p.grad = None
                elif p.grad is not None:
                    p.grad = p.grad.detach()
                    p.grad.zero_()

    # ------------------------------------------------------------------------------------------- the step

    def step(self, closure: Closure | None = None) -> Any:
        """Update the parameters once from their ``.grad``.

        Parameters
        ----------
        closure : callable, optional
            Evaluates the model again and returns the loss; it is called first, with gradients enabled.

        Returns
        -------
        The closure's loss, or None.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        work = self._work
        if len(work) < len(self.param_groups):
            work += [Workspace() for _ in range(len(self.param_groups) - len(work))]
        for group, space in zip(self.param_groups, work, strict=False):
            self._step_group(group, space)
        return loss

    step = _hooked(step)

    def _step_group(self, group: Group, work: Workspace) -> None:
        """Update the parameters of one group."""
        raise NotImplementedError(f"{type(self).__name__}: an optimizer must define step().")

    def _with_gradients(self, group: Group) -> tuple[list[Tensor], list[Tensor], list[State]]:
        """The group's parameters that have a gradient, their gradients, and their states (made at first use)."""
        params: list[Tensor] = group["params"]
        state = self.state
        try:
            grads: list[Any] = list(map(_GRAD, params))
        except AttributeError:  # a parameter that is no leaf, or wants no gradient
            grads = [p.grad for p in params]
        states: list[Any] = list(map(state.get, params))
        if all(states) and {*map(type, grads)} == _PLAIN:  # every step but the first, and unusual ones
            return params, grads, states
        params, grads, states = [], [], []
        for p in group["params"]:
            g = p.grad
            if g is None:
                continue
            s = state.get(p)
            if not s:
                s = {}
                self._init_state(p, s, group)
                if s:
                    state[p] = s
            if g.__class__ is not Tensor and is_sparse(g):
                if not self.takes_sparse:
                    raise RuntimeError(
                        f"{type(self).__name__}: sparse gradients are not supported; "
                        "use SparseAdam, SGD or Adagrad, or a layer with sparse=False."
                    )
                if self._update_rows(p, g, s, group):
                    wrote(p.array)
                    continue
                g = g.to_dense()
            params.append(p)
            grads.append(g)
            states.append(s)
        return params, grads, states

    takes_sparse: bool = False

    def _update_rows(self, p: Tensor, g: Any, state: State, group: Group) -> bool:
        """Update the rows of a parameter that a sparse gradient names; False asks for the dense step instead."""
        return False

    def _init_state(self, p: Tensor, state: State, group: Group) -> None:
        """Fill the state of a parameter at its first step."""

    # ------------------------------------------------------------------------------------------- hooks

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before each step; it may return new ``(args, kwargs)``."""
        return RemovableHandle(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return RemovableHandle(self._step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` before :meth:`state_dict`."""
        return _register(self._state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` after :meth:`state_dict`; what it returns replaces the result."""
        return _register(self._state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before loading; what it returns is loaded instead."""
        return _register(self._load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` after loading."""
        return _register(self._load_state_dict_post_hooks, hook, prepend)

    # ------------------------------------------------------------------------------------------- saving

    def state_dict(self) -> dict[str, Any]:
        """The optimizer's state as plain containers, in PyTorch's format.

        Returns
        -------
        dict
            ``"state"``: from a parameter's index (counted over all groups) to its state; ``"param_groups"``: the
            groups' options, with those indices as ``"params"``.  The tensors are the optimizer's own, not copies.
        """
        for hook in self._state_dict_pre_hooks.values():
            hook(self)
        index: dict[Tensor, int] = {}
        groups = []
        for group in self.param_groups:
            for p in group["params"]:
                index.setdefault(p, len(index))
            options = {k: v for k, v in group.items() if k != "params"}
            groups.append({**options, "params": [index[p] for p in group["params"]]})
        state = {index[k] if isinstance(k, Tensor) else k: v for k, v in self.state.items()}
        result: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in self._state_dict_post_hooks.values():
            changed = hook(self, result)
            if changed is not None:
                result = changed
        return result

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what :meth:`state_dict` gave (here or in PyTorch); floating state takes its parameter's dtype.

        The tensors are copied, so two optimizers that load the same state do not share it.

        Raises
        ------
        TypeError, KeyError
            If it is not an optimizer's state.
        ValueError
            If the number of groups, or of parameters in one, differs.
        """
        name = f"{type(self).__name__}.load_state_dict"
        if not isinstance(state_dict, dict):
            raise TypeError(f"{name}: expected a dict, got {type(state_dict).__name__}.")
        state_dict = dict(state_dict)
        for hook in self._load_state_dict_pre_hooks.values():
            changed = hook(self, state_dict)
            if changed is not None:
                state_dict = changed
        for key in ("state", "param_groups"):
            if key not in state_dict:
                raise KeyError(f"{name}: not an optimizer's state: no {key!r}, only {sorted(map(str, state_dict))}.")
        saved_groups = deepcopy(state_dict["param_groups"])
        ours = [len(g["params"]) for g in self.param_groups]
        theirs = [len(g["params"]) for g in saved_groups]
        if len(ours) != len(theirs):
            raise ValueError(
                f"{name}: the loaded state dict has a different number of parameter groups: {len(theirs)}, "
                f"and this optimizer has {len(ours)}."
            )
        if ours != theirs:
            raise ValueError(
                f"{name}: the loaded state dict contains a parameter group that doesn't match the size of the "
                f"optimizer's group: sizes {theirs} against {ours}."
            )
        owner_of: dict[Any, Tensor] = {}
        for group, saved in zip(self.param_groups, saved_groups, strict=True):
            owner_of.update(zip(saved["params"], group["params"], strict=True))
        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            p = owner_of.get(key)
            state[key if p is None else p] = value if p is None else _loaded(p, value, None)
        for group, saved in zip(self.param_groups, saved_groups, strict=True):
            saved["params"] = group["params"]
            if "param_names" in group:
                saved.setdefault("param_names", group["param_names"])
        self.__setstate__({"state": state, "param_groups": saved_groups})
        for hook in self._load_state_dict_post_hooks.values():
            hook(self)


# State that is one number with a precision of its own; casting it would make a resumed run differ from an unbroken one.
COUNTERS = ("step", "mu_product", "eta", "mu")


def _register(hooks: OrderedDict[int, Callable[..., Any]], hook: Callable[..., Any], prepend: bool) -> RemovableHandle:
    handle = RemovableHandle(hooks, hook)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def _loaded(p: Tensor, value: Any, key: str | None) -> Any:
    """A copy of a saved piece of state that fits the parameter: its dtype, except for counters."""
    if isinstance(value, (Tensor, np.ndarray)):
        array = np.array(value.array if isinstance(value, Tensor) else value)
        if key not in COUNTERS and p.array.dtype.kind in "fc":
            array = array.astype(p.array.dtype, copy=False)
        return wrap(array)
    if isinstance(value, dict):
        return {k: _loaded(p, v, k) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_loaded(p, v, None) for v in value)
    return value


# ------------------------------------------------------------------------------------------- for the optimizers


def new_step(value: float = 0.0) -> Tensor:
    """A counter, as PyTorch keeps it: a 0-d float tensor."""
    return wrap(np.array(value, np.float64 if get_default_dtype().itemsize == 8 else np.float32))


class Counters:
    """Counters of parameters that step together: views of one array, so that one addition counts for all."""

    __slots__ = ("arrays", "base")

    def __init__(self) -> None:
        self.base: Array = np.empty(0)
        self.arrays: list[Array] = []

    def of(self, key: str, states: list[State]) -> Array:
        """The common array of ``state[key]``; made, and the counters made views of it, where it is not theirs."""
        try:
            arrays = [s[key].array for s in states]
        except AttributeError:  # a plain number, as in old files
            arrays = []
        if len(arrays) != len(self.arrays) or not all(map(is_, arrays, self.arrays)):
            values = [float(s[key]) for s in states]
            kept = {a.dtype for a in arrays}
            self.base = np.array(values, kept.pop() if len(kept) == 1 else np.float32)
            self.arrays = [self.base[i : i + 1].reshape(()) for i in range(len(states))]
            for s, a in zip(states, self.arrays, strict=True):
                s[key] = wrap(a)
        return self.base


def advance(work: Workspace, states: list[State]) -> int | list[int]:
    """Add 1 to the ``step`` of every state; return the common new value, or one for each when they differ."""
    return count_on(work.together("step", states))


def count_on(counters: Array) -> int | list[int]:
    """Add 1 to all counters; the common new value, or one for each."""
    counters += _ONE.get(counters.dtype, 1)
    steps = counters.tolist()
    first = steps[0]
    return int(first) if steps.count(first) == len(steps) else [int(v) for v in steps]


def number(value: Any) -> float:
    """An option as a Python float (learning rates may be 0-d tensors)."""
    return value if value.__class__ is float else float(value)


def real_view(array: Array) -> Array:
    """A complex array as a real one with a last dimension of size 2 (PyTorch optimizes complex numbers as pairs)."""
    if array.dtype.kind != "c":
        return array
    return array[..., None].view(array.real.dtype)


def zeros_for(p: Tensor) -> Tensor:
    """Zeros in the shape, dtype and layout of a parameter."""
    return wrap(np.zeros_like(p.array))


def is_sparse(t: Any) -> bool:
    """Whether a tensor is sparse."""
    return bool(getattr(t, "is_sparse", False))


def rows_of(g: Any, negate: bool) -> tuple[Any, Array]:
    """A sparse gradient as an index of the parameter, without repetitions, and the values there."""
    g = g.coalesce()
    index, values = g.indices().array, g.values().array
    return tuple(index), (-values if negate else values)


def at_least(name: str, argument: str, value: Any, low: float = 0.0, *, strict: bool = False) -> None:
    """Raise ValueError unless ``value >= low`` (``> low`` when strict); NaN never passes."""
    if isinstance(value, Tensor) and value.array.size != 1:
        raise ValueError(f"{name}: {argument} given as a tensor must have 1 element, got shape {tuple(value.shape)}.")
    if not isinstance(value, (int, float, np.number, np.bool_, Tensor)):
        raise TypeError(f"{name}: {argument} must be a number, got {type(value).__name__}.")
    if not (float(value) > low if strict else float(value) >= low):
        word = {"lr": "learning rate"}.get(argument, argument)
        bound = "more than" if strict else "at least"
        raise ValueError(f"{name}: invalid {word}: {argument} must be {bound} {low:g}, got {value}.")


def fraction(name: str, argument: str, value: Any) -> None:
    """Raise ValueError unless ``0 <= value < 1``."""
    if not 0.0 <= value < 1.0:
        raise ValueError(f"{name}: invalid {argument}: must be at least 0 and less than 1, got {value}.")


def check_ways(name: str, foreach: bool | None, fused: bool | None, differentiable: bool) -> None:
    """The ways of computing that PyTorch does not let go together (here there is one way, and it is fused)."""
    if fused and foreach:
        raise RuntimeError(f"{name}: `fused` and `foreach` cannot be `True` together.")
    if fused and differentiable:
        raise RuntimeError(f"{name}: `fused` does not support `differentiable`.")
