"""The declaration of an op, the table of all ops, the dispatchers, and the two namespaces ``raw`` and ``sym``.

An op is one record::

    mul = defop(np.multiply, "a b", name="mul", scalar="{a} * {b}", a=lambda g, b: g * b, b=lambda g, a: g * a)

It names its ndarray kernel, its inputs and parameters, and one gradient rule for each input.  A rule's parameter names
are what it saves: ``g`` is the cotangent, ``y`` the output, an input by its name, ``x_shape`` only a shape, a parameter
by its name, ``F`` the namespace.  What no rule names is not kept.  Rules use operators and ``F`` only, so that one rule
has three readers: ``F = raw`` (ndarray kernels) in an ordinary backward, ``F = sym`` (Tensor dispatchers) under
``create_graph``, and its text in pictures and docs.

Complex numbers: a rule is written as if all were real.  For an op that is complex differentiable the engine conjugates
the cotangent before and the gradient after the rule, which turns the plain transpose into PyTorch's convention; an op
that is not (``abs``, ``real``, ``conj`` ...) says ``holomorphic=False`` and its rule is the adjoint as it stands.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from numpy import ndarray

from .dispatch import dispatchers, variadic_dispatcher
from .graph import packed
from .tensor import wrap

Array = Any  # an ndarray, or a NumPy scalar where a rule made one
Rule = Callable[..., Any]
Function = TypeVar("Function", bound=Callable[..., Any])


class Op:
    """One op: what computes it, what its inputs are called, and how each input's gradient follows.

    Attributes
    ----------
    name : str
    forward : callable
        The ndarray kernel, called as ``forward(*inputs, *params)``.
    inputs, params, outputs : tuple of str
    differentiable : tuple of int
        Which outputs carry a gradient.
    slots : tuple of str
        What a node of this op saves, in order.
    rules : tuple of (callable or None)
        Per input, ``rule(F, g, saved)``.
    straight : callable or None
        All rules in one call, ``straight(raw, g, node)``: the short way for ops that need nothing else.
    lifted : callable or None
        The same on Tensors, ``lifted(sym, g, node)``, where the rules and not a reference are to be differentiated.
    joint : callable or None
        One rule for all inputs together, ``joint(F, g, saved, needs) -> sequence of gradients``.
    texts : dict
        Input name (or ``"*"`` for a joint rule) to the rule as the table writes it (a function; see ``viz``).
    scalar : str or None
        The op on one element, as an expression in the inputs' names (elementwise ops only).
    formula : str
        The forward computation in words of mathematics, for docs and pictures.
    reference : callable or None
        The op as a composition of ops: what is differentiated under ``create_graph`` when the rules are raw kernels.
    """

    __slots__ = (
        "call",
        "differentiable",
        "doc",
        "elementwise",
        "formula",
        "forward",
        "holomorphic",
        "inputs",
        "joint",
        "keep_numbers",
        "lifted",
        "module",
        "name",
        "outputs",
        "packed",
        "params",
        "plain",
        "promote",
        "reference",
        "rules",
        "saves",
        "scalar",
        "slots",
        "straight",
        "texts",
        "variadic",
        "view",
    )

    name: str
    forward: Callable[..., Any]
    inputs: tuple[str, ...]
    params: tuple[str, ...]
    outputs: tuple[str, ...]
    differentiable: tuple[int, ...]
    slots: tuple[str, ...]
    packed: bool
    rules: tuple[Rule | None, ...]
    joint: Rule | None
    keep_numbers: bool
    straight: Callable[..., Any] | None
    lifted: Callable[..., Any] | None
    texts: dict[str, Rule]
    scalar: str | None
    formula: str
    reference: Callable[..., Any] | None
    elementwise: bool
    promote: str
    view: bool
    holomorphic: bool
    variadic: bool
    doc: str
    module: str
    call: Callable[..., Any]
    plain: Callable[..., Any]
    saves: Callable[..., tuple[Any, ...]]

    def compile_rules(self) -> None:
        """Bind the rules to the slots they read (done when the op is first used)."""
        if "*" in self.texts:
            self.joint = _compile_rule(self.texts["*"], self.slots)
            self.rules = (None,) * len(self.inputs)
        else:
            self.rules = tuple(
                _compile_rule(self.texts[i], self.slots) if i in self.texts else None for i in self.inputs
            )
            if len(self.differentiable) <= 1:
                self.straight = _straight(self, lifting=False)
                whole = "y" in self.slots and len(self.outputs) > 1 and "y" not in self.outputs  # a tuple of outputs
                self.lifted = None if self.reference or whole else _straight(self, lifting=True)

    def __repr__(self) -> str:
        return f"<op {self.name}({', '.join(self.inputs + self.params)})>"


class Namespace:
    """The ops by name, for rules: ``F.exp(x)``."""

    def __init__(self, label: str) -> None:
        self._label = label

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the namespace {self._label!r} has no op {name!r}; declare it with defop() or helper()")

    def __repr__(self) -> str:
        return f"<namespace {self._label}>"


OPS: dict[str, Op] = {}
raw: Any = Namespace("raw")
sym: Any = Namespace("sym")


def defop(
    forward: Callable[..., Any],
    inputs: str = "x",
    params: str = "",
    *,
    name: str | None = None,
    scalar: str | None = None,
    elementwise: bool | None = None,
    promote: str = "same",
    formula: str = "",
    doc: str = "",
    outputs: str = "y",
    differentiable: str | None = None,
    reference: Callable[..., Any] | None = None,
    view: bool = False,
    holomorphic: bool = True,
    variadic: bool = False,
    keep_numbers: bool = False,
    joint: Rule | None = None,
    **rules: Rule,
) -> Callable[..., Any]:
    """Declare an op and return its dispatcher (a function of Tensors that records).

    Parameters
    ----------
    forward : callable
        ``forward(*inputs, *params)`` on ndarrays; returns an array, or a tuple when there are several ``outputs``.
    inputs, params : str
        Names, separated by spaces.  Inputs can carry gradients, parameters cannot.
    scalar : str, optional
        The op on one element, such as ``"{a} * {b}"``; makes the op elementwise (it broadcasts and promotes).
    promote : {"same", "float", "none"}
        For elementwise ops: which type mixed or integer inputs are computed in ("float" lifts integers to the default
        float type).
    outputs, differentiable : str
        Names of the outputs, and of those among them that carry a gradient (default: all).
    reference : callable, optional
        A composition of ops equal to this one.  Give it when the rules are raw kernels that are not ops themselves.
    view : bool
        The kernel may return a view of its first input; writes into either are then seen by both.
    holomorphic : bool
        See the module's text.
    variadic : bool
        The one input is a sequence of tensors; the op then has a ``joint`` rule.
    keep_numbers : bool
        Python numbers reach the kernel and the rules as they are (else as 0-d arrays).
    joint : callable, optional
        One rule that returns the gradients of all inputs; may name ``needs`` (which inputs want one).
    **rules
        One rule per input name.

    Returns
    -------
    callable
        ``dispatcher(*inputs, *params)``.

    Examples
    --------
    >>> from autograd_core.op import defop
    >>> import numpy as np, autograd_core as ac
    >>> cube = defop(lambda x: x**3, name="cube_example", scalar="{x} ** 3", x=lambda g, x: g * 3 * x**2)
    >>> x = ac.tensor(2.0, requires_grad=True)
    >>> cube(x).backward(); x.grad
    tensor(12.)
    """
    op = Op()
    op.name = name or forward.__name__
    if op.name in OPS:
        raise ValueError(f"defop: an op named {op.name!r} exists already (declared in {OPS[op.name].module}).")
    op.forward = forward
    op.inputs, op.params, op.outputs = tuple(inputs.split()), tuple(params.split()), tuple(outputs.split())
    wanted = op.outputs if differentiable is None else tuple(differentiable.split())
    op.differentiable = tuple(op.outputs.index(o) for o in wanted) if (rules or joint) else ()
    op.scalar, op.formula, op.doc = scalar, formula, doc
    op.elementwise = scalar is not None if elementwise is None else elementwise
    op.promote, op.view, op.holomorphic, op.variadic = promote, view, holomorphic, variadic
    op.keep_numbers = keep_numbers
    op.reference = reference
    op.module = inspect.currentframe().f_back.f_globals["__name__"]  # type: ignore[union-attr]
    unknown = set(rules) - set(op.inputs)
    if unknown:
        raise ValueError(f"defop: {op.name} has no input named {sorted(unknown)}; its inputs are {op.inputs}.")
    taken = {"n", "t", "y", "ys", "op", "forward", "plain", "mode", "tick"} & {*op.params}  # names in dispatchers' text
    if taken:
        raise ValueError(
            f"defop: {op.name} names a parameter {sorted(taken)}, which its dispatcher uses; choose another."
        )

    op.texts = {"*": joint} if joint else dict(rules)
    wants = {key: _arguments(rule) for key, rule in op.texts.items()}
    users: dict[str, set[str]] = {}  # slot -> the inputs whose rules read it
    for key, names in wants.items():
        for n in names:
            users.setdefault(n, set()).update(op.inputs if key == "*" else (key,))
    if reference is not None:
        for n in op.inputs + op.params:
            users.setdefault(n, set()).update(op.inputs)
    known = {"y", *op.inputs, *op.params, *op.outputs, *(f"{i}_shape" for i in op.inputs)}
    for n in users:
        if n not in known:
            raise ValueError(
                f"defop: a rule of {op.name} names {n!r}, which is not an input, parameter, output or shape."
            )
    op.slots = tuple(users)
    op.packed = variadic or packed(len(op.inputs), len(op.slots))
    op.joint, op.rules, op.straight, op.lifted = None, (), None, None  # compiled at first use
    op.call, op.plain, op.saves = variadic_dispatcher(op) if variadic else dispatchers(op, users)
    op.call.__doc__ = doc or formula or (scalar.replace("{", "").replace("}", "") if scalar else "")
    OPS[op.name] = op
    setattr(raw, op.name, forward)
    setattr(sym, op.name, op.call)
    return op.call


def helper(function: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
    """Put a composition of ops into both namespaces: ``function(F, ...)`` becomes ``F.name(...)`` for rules."""
    name = name or function.__name__
    setattr(raw, name, partial(function, raw))
    setattr(sym, name, partial(function, sym))
    return function


def _arguments(rule: Rule) -> tuple[str, ...]:
    """The values that a rule names, ``g``, ``F`` and ``needs`` left out."""
    return tuple(n for n in _parameters(rule) if n not in ("g", "F", "needs"))


def _parameters(rule: Rule) -> tuple[str, ...]:
    """The parameters without default of a function (inspect.signature takes 20 times as long, and there are many rules)."""
    code = rule.__code__  # type: ignore[attr-defined]
    names: tuple[str, ...] = code.co_varnames[: code.co_argcount]
    defaults = rule.__defaults__  # type: ignore[attr-defined]
    return names[: len(names) - len(defaults)] if defaults else names


def _compile_rule(rule: Rule, slots: tuple[str, ...]) -> Rule:
    """``rule`` with its named values taken from a node's saved tuple: ``(F, g, s) -> gradient``."""
    names = _parameters(rule)
    args = ", ".join(n if n in ("g", "F", "needs") else f"s[{slots.index(n)}]" for n in names)
    head = "F, g, s, needs" if "needs" in names else "F, g, s, needs=None"
    return eval(f"lambda {head}: rule({args})", {"rule": rule})


def _straight(op: Op, lifting: bool) -> Callable[..., Any]:
    """All rules of an op written out in one function: two calls a node less than a loop over compiled rules.

    ``lifting`` makes Tensors of the arrays that the node saved, at the places of the graph that they came from.
    """
    slot, parent = ("n.s0[{}]", "n.p0[{}]") if op.packed else ("n.s{}", "n.p{}")

    def value(name: str) -> str:
        if name in ("g", "F"):
            return name
        text = slot.format(op.slots.index(name))
        if lifting and name in op.inputs:
            return f"at({text}, {parent.format(op.inputs.index(name))})"
        if lifting and (name == "y" or name in op.outputs):
            return f"at({text}, {'n' if len(op.outputs) == 1 or op.outputs.index(name) in op.differentiable else None})"
        return text

    parts = []
    for i, name in enumerate(op.inputs):
        if name not in op.texts:
            parts.append("None")
            continue
        args = ", ".join(map(value, _parameters(op.texts[name])))
        wanted = f" if {parent.format(i)} is not None else None" if len(op.inputs) > 1 else ""
        parts.append(f"rule_{i}({args}){wanted}")
    env: dict[str, Any] = {f"rule_{i}": op.texts.get(name) for i, name in enumerate(op.inputs)}
    return eval(f"lambda F, g, n: ({', '.join(parts)},)", env | {"at": _at})


def _at(value: Any, place: Any) -> Any:
    """A saved array as a Tensor at its place in the graph; a number, or None, as it is."""
    return wrap(value, place) if isinstance(value, ndarray) else value


# ------------------------------------------------------------------------------------------------- the public surface

METHODS: dict[str, Callable[..., Any]] = {}
"""What ``ops`` attaches to class Tensor: name -> function whose first argument is the tensor."""


def method(*names: str, inplace: bool = False) -> Callable[[Function], Function]:
    """Decorator: the function is also a Tensor method, under its own name or ``names`` (and in place as ``name_``)."""

    def attach(function: Function) -> Function:
        for n in names or (function.__name__,):
            METHODS[n] = function
            if inplace:
                INPLACE[f"{n}_"] = function
        return function

    return attach


INPLACE: dict[str, Callable[..., Any]] = {}
"""In-place methods: name -> the out-of-place function that computes the new value."""
