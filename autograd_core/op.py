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
import linecache
from collections.abc import Callable, Sequence
from typing import Any
from weakref import ref

import numpy as np

from . import dtypes
from .errors import AutogradError, no_broadcast
from .graph import OUTPUT, Node, make_node, extra_of, mode, tick, watch
from .tensor import Tensor, wrap

Array = Any  # an ndarray, or a NumPy scalar where a rule made one
Rule = Callable[..., Any]


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
        All rules in one call, ``straight(F, g, saved, parents)``: the short way for ops that need nothing else.
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
        "module",
        "name",
        "outputs",
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
    rules: tuple[Rule | None, ...]
    joint: Rule | None
    straight: Callable[..., Any] | None
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
    op.reference = reference
    op.module = inspect.currentframe().f_back.f_globals["__name__"]  # type: ignore[union-attr]
    unknown = set(rules) - set(op.inputs)
    if unknown:
        raise ValueError(f"defop: {op.name} has no input named {sorted(unknown)}; its inputs are {op.inputs}.")

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
            raise ValueError(f"defop: a rule of {op.name} names {n!r}, which is not an input, parameter, output or shape.")
    op.slots = tuple(users)
    op.joint = _compile_rule(joint, op.slots) if joint else None
    op.rules = tuple(_compile_rule(rules[i], op.slots) if i in rules else None for i in op.inputs)

    op.straight = None if joint or len(op.differentiable) > 1 else _straight(op, rules)
    if variadic:
        op.call, op.plain, op.saves = _variadic_dispatcher(op)
    else:
        op.call, op.plain, op.saves = _generate(op, users)
    op.call.__doc__ = doc or formula or (scalar.replace("{", "").replace("}", "") if scalar else "")
    OPS[op.name] = op
    setattr(raw, op.name, forward)
    setattr(sym, op.name, op.call)
    return op.call


def helper(function: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
    """Put a composition of ops into both namespaces: ``function(F, ...)`` becomes ``F.name(...)`` for rules."""
    name = name or function.__name__
    setattr(raw, name, lambda *a, **k: function(raw, *a, **k))
    setattr(sym, name, lambda *a, **k: function(sym, *a, **k))
    return function


def _arguments(rule: Rule) -> tuple[str, ...]:
    """The values that a rule names, ``g``, ``F`` and ``needs`` left out."""
    return tuple(n for n in inspect.signature(rule).parameters if n not in ("g", "F", "needs"))


def _compile_rule(rule: Rule, slots: tuple[str, ...]) -> Rule:
    """``rule`` with its named values taken from a node's saved tuple: ``(F, g, s) -> gradient``."""
    names = inspect.signature(rule).parameters
    args = ", ".join(n if n in ("g", "F", "needs") else f"s[{slots.index(n)}]" for n in names)
    head = "F, g, s, needs" if "needs" in names else "F, g, s, needs=None"
    return eval(f"lambda {head}: rule({args})", {"rule": rule})  # type: ignore[no-any-return]


def _straight(op: Op, rules: dict[str, Rule]) -> Callable[..., Any]:
    """All rules of an op written out in one function: two calls a node less than a loop over compiled rules."""
    parts = []
    for i, name in enumerate(op.inputs):
        if name not in rules:
            parts.append("None")
            continue
        args = ", ".join(n if n in ("g", "F") else f"s[{op.slots.index(n)}]" for n in inspect.signature(rules[name]).parameters)
        parts.append(f"rule_{i}({args})" + (f" if p[{i}] is not None else None" if len(op.inputs) > 1 else ""))
    env = {f"rule_{i}": rules.get(name) for i, name in enumerate(op.inputs)}
    return eval(f"lambda F, g, s, p: ({', '.join(parts)},)", env)  # type: ignore[no-any-return]


# ------------------------------------------------------------------------------------------------- the public surface

METHODS: dict[str, Callable[..., Any]] = {}
"""What ``ops`` attaches to class Tensor: name -> function whose first argument is the tensor."""


def method(*names: str, inplace: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: the function is also a Tensor method, under its own name or ``names`` (and in place as ``name_``)."""

    def attach(function: Callable[..., Any]) -> Callable[..., Any]:
        for n in names or (function.__name__,):
            METHODS[n] = function
            if inplace:
                INPLACE[f"{n}_"] = function
        return function

    return attach


INPLACE: dict[str, Callable[..., Any]] = {}
"""In-place methods: name -> the out-of-place function that computes the new value."""


# ------------------------------------------------------------------------------------------------- dispatchers
#
# A dispatcher is written out for each op: a loop over *args costs 1.55 us a call, the unrolled text 0.7-0.85 us
# (design, "the fast path is short").  linecache knows the text, so tracebacks and debuggers show it.

_HEAD = """\
def {name}({signature}):
{watch}{unwrap}{promote}    try:
        y = forward({arrays})
    except Exception as error:
        raise explain(op, ({inputs},), error) from error
"""

_ONE = """\
    if y.__class__ is not ndarray:
        y = as_array(y)
    t = new(Tensor)
    t.array = y
    t.extra = None
"""

_RECORD = """\
    if ({tracked}) and mode.grad:
        t.node = n = Node()
        n.op = op
        n.parents = ({nodes},)
        n.saved = ({saved})
        n.shape = y.shape
        n.dtype = y.dtype
        n.seq = tick()
        n.extra = None
    else:
        t.node = None
"""

_WATCH = """\
    if watch.on:
        return watch.forward(op, plain, ({arguments},))
"""

_PAIR = """\
    if isinstance({a}, Tensor):
        x_0 = {a}.array
        n_0 = {a}.node
        d = x_0.dtype
        if isinstance({b}, Tensor):
            x_1 = {b}.array
            n_1 = {b}.node
            plain_case = x_1.dtype is d
        else:
            x_1 = {b}
            n_1 = None
            plain_case = {b}.__class__ in NUMBERS
    else:
        x_0 = {a}
        n_0 = None
        if isinstance({b}, Tensor):
            x_1 = {b}.array
            n_1 = {b}.node
            d = x_1.dtype
            plain_case = {a}.__class__ in NUMBERS
        else:
            x_1 = {b}
            n_1 = d = None
            plain_case = False
    if not plain_case or (d is not F32 and d is not F64):
        x_0, x_1 = promote(op, (x_0, x_1))
        if x_0 is None:
            return NotImplemented
"""


def _generate(op: Op, users: dict[str, set[str]]) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """Write out the dispatcher of ``op``: the observed form, the plain form, and the function that saves."""
    k = len(op.inputs)
    args = {("x",): ["input"], ("a", "b"): ["input", "other"]}.get(op.inputs, list(op.inputs))
    args = [a if a not in op.params else f"{a}_" for a in args]
    arrays = [f"x_{i}" for i in range(k)]
    nodes = [f"n_{i}" for i in range(k)]
    promote = ""
    if op.elementwise and k == 2 and op.promote != "none":
        unwrap = _PAIR.format(a=args[0], b=args[1])
    else:
        unwrap = "".join(
            f"    if isinstance({a}, Tensor):\n        x_{i} = {a}.array\n        n_{i} = {a}.node\n"
            f"    else:\n        x_{i} = {a}\n        n_{i} = None\n"
            for i, a in enumerate(args)
        )
        if op.elementwise and op.promote != "none":
            test = "x_0.__class__ is not ndarray or (x_0.dtype is not F32 and x_0.dtype is not F64)" if k == 1 else "True"
            promote = f"    if {test}:\n        {', '.join(arrays)}, = promote(op, ({', '.join(arrays)},))\n"
            promote += f"        if x_0 is None:\n            raise wrong_operands(op, ({', '.join(args)},))\n"

    ruled = {i for i in op.inputs if op.joint or op.rules[op.inputs.index(i)]}
    values: dict[str, str] = {"y": "y"}
    values.update({name: f"x_{i}" for i, name in enumerate(op.inputs)})
    values.update({f"{name}_shape": f"np_shape(x_{i})" for i, name in enumerate(op.inputs)})
    values.update({p: p for p in op.params})
    if len(op.outputs) > 1:
        values.update({o: f"y[{i}]" for i, o in enumerate(op.outputs)})

    def saved_as(slot: str) -> str:
        readers = users[slot] & ruled
        if slot in op.params or slot.endswith("_shape") or len(readers) == 0 or readers == ruled:
            return values[slot]  # cheap, or read by every rule
        test = " or ".join(f"n_{op.inputs.index(i)} is not None" for i in op.inputs if i in readers)
        return f"({values[slot]} if {test} else None)"

    saved = "".join(saved_as(s) + ", " for s in op.slots)
    tracked = " or ".join(f"n_{op.inputs.index(i)} is not None" for i in op.inputs if i in ruled)
    fill: dict[str, Any] = {
        "name": _identifier(op.name),
        "signature": ", ".join([*args, *op.params]),
        "arguments": ", ".join([*args, *op.params]),
        "unwrap": unwrap,
        "promote": promote,
        "arrays": ", ".join([*arrays, *op.params]),
        "inputs": ", ".join(arrays),
        "nodes": ", ".join(nodes),
        "saved": saved,
        "tracked": tracked,
    }
    body = _HEAD
    if len(op.outputs) > 1:
        body += f"    return several(op, y, ({fill['nodes']},), ({saved}))\n" if ruled else "    return several(op, y, (), ())\n"
    else:
        body += _ONE + (_RECORD if ruled else "    t.node = None\n")
        if op.view:
            first = args[0]
            body += f"    if y.base is not None and isinstance({first}, Tensor) and y is not x_0:\n"
            body += f"        link_view(t, {first}, op, ({', '.join(op.params)}{',' if op.params else ''}))\n"
        body += "    return t\n"

    env: dict[str, Any] = dict(
        op=op, forward=op.forward, Tensor=Tensor, Node=Node, new=object.__new__, tick=tick, mode=mode, watch=watch,
        ndarray=np.ndarray, as_array=np.asarray, np_shape=np.shape, F32=dtypes.F32, F64=dtypes.F64,
        NUMBERS=frozenset((float, int)), promote=promote_inputs, explain=explain, several=several, wrong_operands=wrong_operands,
        link_view=link_view, __name__=op.module,
    )  # fmt: skip
    plain = _execute(body.format(watch="", **fill), env, f"{op.name} (plain)")
    env["plain"] = plain
    call = _execute(body.format(watch=_WATCH.format(**fill), **fill), env, op.name)
    saves = f"def saves(xs, nodes, params, y):\n    {', '.join(arrays)}, = xs\n    {', '.join(nodes)}, = nodes\n"
    if op.params:
        saves += f"    {', '.join(op.params)}, = params\n"
    saves += f"    return ({saved})\n"
    return call, plain, _execute(saves, env, f"{op.name} (saves)")


def _identifier(name: str) -> str:
    return name if name.isidentifier() else "op_" + "".join(c if c.isalnum() else "_" for c in name)


def _execute(source: str, env: dict[str, Any], label: str) -> Callable[..., Any]:
    filename = f"<autograd_core dispatcher of {label}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    local: dict[str, Any] = {}
    exec(compile(source, filename, "exec"), env, local)
    function: Callable[..., Any] = next(iter(local.values()))
    return function


def _variadic_dispatcher(op: Op) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """The dispatcher of an op over a sequence of tensors (``cat``, ``stack``, ``einsum``)."""
    slots, params, (sequence,) = op.slots, op.params, op.inputs

    def saves(xs: Any, nodes: Any, values: Any, y: Any) -> tuple[Any, ...]:
        shapes = f"{sequence}_shape"
        out: list[Any] = []
        for s in slots:
            if s == "y":
                out.append(y)
            elif s == sequence:
                out.append(tuple(xs))
            elif s == shapes:
                out.append(tuple(x.shape for x in xs))
            else:
                out.append(values[params.index(s)])
        return tuple(out)

    def plain(tensors: Sequence[Any], *values: Any) -> Any:
        xs = [t.array if isinstance(t, Tensor) else t for t in tensors]
        try:
            y = op.forward(xs, *values)
        except Exception as error:
            raise explain(op, tuple(xs), error) from error
        t = wrap(y if y.__class__ is np.ndarray else np.asarray(y))
        if mode.grad and (op.joint is not None):
            nodes = tuple(t.node if isinstance(t, Tensor) else None for t in tensors)
            if any(n is not None for n in nodes):
                t.node = make_node(op, nodes, saves(xs, nodes, values, t.array), t.array.shape, t.array.dtype)
        return t

    def call(tensors: Sequence[Any], *values: Any) -> Any:
        if watch.on:
            return watch.forward(op, plain, (tensors, *values))
        return plain(tensors, *values)

    call.__name__ = plain.__name__ = op.name
    return call, plain, saves


def several(op: Op, ys: tuple[Any, ...], nodes: tuple[Node | None, ...], saved: tuple[Any, ...]) -> tuple[Tensor, ...]:
    """The outputs of an op that has several.

    With one differentiable output the op's node is that output's place.  With more, the op's node stands behind small
    Output nodes, one per differentiable output; it gets its cotangents as a tuple.
    """
    outs = tuple(wrap(y if y.__class__ is np.ndarray else np.asarray(y)) for y in ys)
    if not (mode.grad and any(n is not None for n in nodes)):
        return outs
    if len(op.differentiable) == 1:
        t = outs[op.differentiable[0]]
        t.node = make_node(op, nodes, saved, t.array.shape, t.array.dtype)
        return outs
    hub = make_node(op, nodes, saved, (), outs[op.differentiable[0]].array.dtype)
    places: list[Any] = []
    for i, t in enumerate(outs):
        if i in op.differentiable:
            t.node = make_node(OUTPUT, (hub,), (i,), t.array.shape, t.array.dtype)
            places.append(ref(t.node))
        else:
            places.append(None)
    hub.shape = tuple((t.array.shape, t.array.dtype) for t in outs)  # type: ignore[assignment]
    extra_of(hub).outputs = tuple(places)
    return outs


def promote_inputs(op: Op, xs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Inputs of an elementwise op that are not plainly of one float type, converted by PyTorch's rules.

    Returns a tuple of None when an input is nothing that PyTorch would take (the operator then tries the other side).
    """
    values: list[Any] = []
    for x in xs:
        if isinstance(x, np.ndarray):
            values.append(x)
        elif isinstance(x, (bool, int, float, complex, np.number, np.bool_)):
            values.append(x.item() if isinstance(x, np.generic) else x)
        else:
            return (None,) * len(xs)
    target = dtypes.result_dtype(values)
    if op.promote == "float" and dtypes.category(target) < 2:
        target = dtypes.default.numpy
    return tuple(
        (v if v.dtype == target else v.astype(target)) if isinstance(v, np.ndarray) else _number(v, target) for v in values
    )


def wrong_operands(op: Op, xs: tuple[Any, ...]) -> TypeError:
    """The error for operands that are neither tensors nor numbers."""
    return TypeError(f"{op.name}: expected tensors or numbers, got ({', '.join(type(x).__name__ for x in xs)}).")


def _number(value: Any, target: np.dtype[Any]) -> Any:
    """A Python number in an array of type ``target``; integers wrap around as PyTorch's do."""
    if target.kind in "iu" and isinstance(value, int):
        return np.array(value & (2 ** (8 * target.itemsize) - 1), dtype=np.dtype(f"u{target.itemsize}")).view(target)
    return np.array(value).astype(target)


def explain(op: Op, xs: tuple[Any, ...], error: Exception) -> Exception:
    """The house's error for a kernel's exception."""
    if isinstance(error, (AutogradError, NotImplementedError)) or getattr(error, "explained", False):
        return error
    shapes = [np.shape(x) for x in xs if isinstance(x, (np.ndarray, np.generic))]
    text = str(error)
    made: Exception
    if "broadcast" in text and len(shapes) > 1:
        made = no_broadcast(op.name, *shapes)
    elif isinstance(error, np.exceptions.AxisError):
        made = IndexError(f"{op.name}: {error}.")
    elif isinstance(error, TypeError) and any(not isinstance(x, np.ndarray) for x in xs):
        kinds = ", ".join("Tensor" if isinstance(x, np.ndarray) else type(x).__name__ for x in xs)
        made = TypeError(f"{op.name}: expected tensors or numbers, got ({kinds}).")
    elif isinstance(error, TypeError):
        kinds = ", ".join(f"{x.dtype}" for x in xs if isinstance(x, np.ndarray))
        made = RuntimeError(f"{op.name}: not defined for dtype {kinds}. ({text})")
    else:
        kind = type(error) if type(error) in (IndexError, TypeError, MemoryError, ZeroDivisionError) else RuntimeError
        if text.startswith(f"{op.name}:") or isinstance(error, RuntimeError):
            return error  # the kernel already spoke for itself
        sizes = ", ".join(str(s) for s in shapes)
        made = kind(f"{op.name}: {text}" + (f" (shapes {sizes})" if sizes else ""))
    return made


# ------------------------------------------------------------------------------------------------- views


def link_view(view: Tensor, source: Tensor, op: Op, params: tuple[Any, ...]) -> None:
    """Remember that ``view`` shares memory with ``source``, so that a write into one is seen by the other's graph."""
    if mode.inference:
        return
    extra = view.extra = _new_extra()
    extra.view_of = source
    extra.view_op = op
    extra.view_params = params
    if source.extra is None:
        source.extra = _new_extra()
    views = source.extra.views
    if views is None:
        source.extra.views = [ref(view)]
    else:
        if len(views) >= 32 and len(views) & (len(views) - 1) == 0:  # at powers of two, drop the dead ones
            views[:] = [v for v in views if v() is not None]
        views.append(ref(view))


from .tensor import TensorExtra as _new_extra  # noqa: E402  (after the text that uses it, for reading order)
