"""Dispatchers: the functions of Tensors that apply an op and record it.

A dispatcher is written out for each op as text: a loop over *args costs 1.55 us a call, the unrolled text 0.7-0.85 us.
It is written when the op is first used (compiling all of them would add 0.3 s to the import), and linecache knows the
text, so tracebacks and debuggers show it.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from types import CodeType, FunctionType
from typing import Any
from weakref import ref

import numpy as np

from . import dtypes
from .errors import AutogradError, no_broadcast
from .graph import OUTPUT, Node, extra_of, inferring, make_node, mode, tick, unrecorded, watch
from .tensor import Tensor, TensorExtra, mark, wrap

Op = Any  # the class is declared in op.py, which stands above this file

# ------------------------------------------------------------------------------------------------- the text

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
    if ({tracked}) and (not unrecorded or mode.grad):
        t.node = n = Node()
        n.op = op
{keep}        n.shape = shapes[y.shape]
        n.dtype = y.dtype
        n.seq = tick()
        n.extra = None
    else:
        t.node = None
{mark}"""

_MARK = """\
{indent}if inferring.on:
{indent}    mark(t)
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
{numbers}"""


# NumPy takes 400 ns longer over a Python number than over a 0-d array of the right type, so numbers are turned into such
# arrays, and the arrays are remembered.
_NUMBERS = """\
    elif n_1 is None and x_1.__class__ is not ndarray:
        k = numbers32.get(x_1) if d is F32 else numbers64.get(x_1)
        x_1 = zero_d(x_1, d) if k is None else k
    elif n_0 is None and x_0.__class__ is not ndarray:
        k = numbers32.get(x_0) if d is F32 else numbers64.get(x_0)
        x_0 = zero_d(x_0, d) if k is None else k
"""

numbers32: dict[float, Any] = {}
numbers64: dict[float, Any] = {}


def zero_d(value: float, dtype: np.dtype[Any]) -> Any:
    """A number as a 0-d array of ``dtype`` (remembered, but for 0, whose sign a dict key does not tell)."""
    if dtype is not dtypes.F32 and dtype is not dtypes.F64:
        return value
    array = np.array(value, dtype)
    if value:
        known = numbers32 if dtype is dtypes.F32 else numbers64
        if len(known) > 500:
            known.clear()
        array.flags.writeable = False
        known[value] = array
    return array


def _sources(op: Op, users: dict[str, set[str]]) -> dict[str, str]:
    """The text of an op's dispatcher, observed and plain, and of the function that saves."""
    k = len(op.inputs)
    args = {("x",): ["input"], ("a", "b"): ["input", "other"]}.get(op.inputs, list(op.inputs))
    args = [a if a not in op.params else f"{a}_" for a in args]
    arrays = [f"x_{i}" for i in range(k)]
    nodes = [f"n_{i}" for i in range(k)]
    promote = ""
    if op.elementwise and k == 2 and op.promote != "none":
        unwrap = _PAIR.format(a=args[0], b=args[1], numbers="" if op.keep_numbers else _NUMBERS)
    else:
        unwrap = "".join(
            f"    if isinstance({a}, Tensor):\n        x_{i} = {a}.array\n        n_{i} = {a}.node\n"
            f"    else:\n        x_{i} = {a}\n        n_{i} = None\n"
            for i, a in enumerate(args)
        )
        if op.elementwise and op.promote != "none":
            test = (
                "x_0.__class__ is not ndarray or (x_0.dtype is not F32 and x_0.dtype is not F64)" if k == 1 else "True"
            )
            promote = f"    if {test}:\n        {', '.join(arrays)}, = promote(op, ({', '.join(arrays)},))\n"
            promote += f"        if x_0 is None:\n            raise wrong_operands(op, ({', '.join(args)},))\n"

    ruled = set(op.inputs) if "*" in op.texts else set(op.texts)
    values: dict[str, str] = {"y": "y"}
    values.update({name: f"x_{i}" for i, name in enumerate(op.inputs)})
    shape = "np_shape(x_{})" if op.elementwise else "x_{}.shape"  # an elementwise op may be given a number
    values.update({f"{name}_shape": shape.format(i) for i, name in enumerate(op.inputs)})
    values.update({p: p for p in op.params})
    if len(op.outputs) > 1:
        values["y"] = "ys"
        values.update({o: f"ys[{i}]" for i, o in enumerate(op.outputs)})

    def saved_as(slot: str) -> str:
        readers = users[slot] & ruled
        if slot in op.params or slot.endswith("_shape") or len(readers) == 0 or readers == ruled:
            return values[slot]  # cheap, or read by every rule
        test = " or ".join(f"n_{op.inputs.index(i)} is not None" for i in op.inputs if i in readers)
        return f"({values[slot]} if {test} else None)"

    saves_as = [saved_as(s) for s in op.slots]
    saved = "".join(s + ", " for s in saves_as)
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
        "keep": _keep(op.packed, nodes, saves_as),
        "tracked": tracked,
    }
    body = _HEAD
    if len(op.outputs) > 1 and len(op.differentiable) != 1:
        body += "    ys = y\n"
        body += (
            f"    return several(op, ys, ({fill['nodes']},), ({saved}))\n"
            if ruled
            else "    return several(op, ys, (), ())\n"
        )
    elif len(op.outputs) > 1:  # one carries a gradient: the op's node is its place
        fill["mark"] = _MARK.format(indent=8 * " ")
        place = op.differentiable[0]
        body += f"    ys = y\n    y = ys[{place}]\n" + _ONE + _RECORD
        returned = ", ".join("t" if i == place else f"constant(ys[{i}])" for i in range(len(op.outputs)))
        body += f"    return {returned}\n"
    else:
        if op.view:  # a view belongs where its source does: link_view tells
            fill["mark"] = ""
            unmarked = ""
        else:
            fill["mark"] = _MARK.format(indent=8 * " ")
            unmarked = _MARK.format(indent=4 * " ")
        body += _ONE + (_RECORD if ruled else "    t.node = None\n" + unmarked)
        if op.view:
            first = args[0]
            body += f"    if y.base is not None and isinstance({first}, Tensor) and y is not x_0:\n"
            body += f"        link_view(t, {first}, op, ({', '.join(op.params)}{',' if op.params else ''}))\n"
            body += "    elif inferring.on:\n        mark(t)\n"
        body += "    return t\n"

    watched = _WATCH.format(**fill)
    saves = f"def saves(xs, nodes, params, y):\n    {', '.join(arrays)}, = xs\n    {', '.join(nodes)}, = nodes\n"
    if op.params:
        saves += f"    {', '.join(op.params)}, = params\n"
    if len(op.outputs) > 1:
        saves += "    ys = y\n"
    saves += f"    return ({saved})\n"
    return {"call": body.format(watch=watched, **fill), "plain": body.format(watch="", **fill), "saves": saves}


def _keep(packed: bool, nodes: list[str], saved: list[str]) -> str:
    """The lines that put parents and saved values into the node ``n``."""
    if packed:
        nodes, saved = [f"({', '.join(nodes)},)"], [f"({', '.join(saved)},)"]
    slots = [(f"p{i}", v) for i, v in enumerate(nodes)] + [(f"s{i}", v) for i, v in enumerate(saved)]
    return "".join(f"        n.{slot} = {value}\n" for slot, value in slots)


class _Shapes(dict[tuple[int, ...], tuple[int, ...]]):
    """One tuple for all nodes of a shape: NumPy makes a new one each time, which the collector would visit."""

    def __missing__(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if len(self) > 500:
            self.clear()
        self[shape] = shape
        return shape


_TOOLS: dict[str, Any] = dict(
    shapes=_Shapes(), inferring=inferring, mark=mark,
    Tensor=Tensor, Node=Node, new=object.__new__, tick=tick, mode=mode, unrecorded=unrecorded,
    watch=watch, ndarray=np.ndarray, as_array=np.asarray,
    np_shape=np.shape, F32=dtypes.F32, F64=dtypes.F64, NUMBERS=frozenset((float, int)), numbers32=numbers32,
    numbers64=numbers64, zero_d=zero_d,
)  # fmt: skip


def dispatchers(
    op: Op, users: dict[str, set[str]]
) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """The observed dispatcher of ``op``, the plain one, and the function that saves.

    ``users`` tells for each slot which inputs' rules read it.  The functions are made now and get their code at the
    first call, so that whoever holds one keeps the same object.
    """
    env = dict(
        _TOOLS, op=op, forward=op.forward, promote=promote_inputs, explain=explain, several=several, constant=_constant,
        wrong_operands=wrong_operands, link_view=link_view, __name__=op.module,
    )  # fmt: skip
    functions = {
        kind: FunctionType(_unwritten.__code__, env, _identifier(op.name)) for kind in ("call", "plain", "saves")
    }
    env["plain"] = functions["plain"]

    def write(kind: str) -> Callable[..., Any]:
        for k, source in _sources(op, users).items():
            functions[k].__code__ = _compile(source, f"{op.name}" if k == "call" else f"{op.name} ({k})")
        op.compile_rules()
        return functions[kind]

    env["write"] = write
    for kind, f in functions.items():
        f.__kwdefaults__ = {"kind_": kind}
    return functions["call"], functions["plain"], functions["saves"]


def _unwritten(*args: Any, kind_: str = "", **kwargs: Any) -> Any:
    """What a dispatcher does when called for the first time: write itself, then run."""
    return write(kind_)(*args, **kwargs)  # type: ignore[name-defined]  # noqa: F821  (in the function's own globals)


def _identifier(name: str) -> str:
    return name if name.isidentifier() else "op_" + "".join(c if c.isalnum() else "_" for c in name)


def _compile(source: str, label: str) -> CodeType:
    """The code of the one function in ``source``."""
    filename = f"<autograd_core dispatcher of {label}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    module = compile(source, filename, "exec")
    return next(c for c in module.co_consts if isinstance(c, CodeType))


def variadic_dispatcher(op: Op) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """The dispatcher of an op over a sequence of tensors (``cat``, ``stack``, ``einsum``)."""
    slots, params, (sequence,) = op.slots, op.params, op.inputs

    places = {p: f"values[{i}]" for i, p in enumerate(params)}
    places |= {"y": "y", sequence: "tuple(xs)", f"{sequence}_shape": "tuple([x.shape for x in xs])"}
    saves = eval(f"lambda xs, nodes, values, y: ({''.join(places[slot] + ', ' for slot in slots)})")

    def plain(tensors: Sequence[Any], *values: Any) -> Any:
        xs = [t.array if isinstance(t, Tensor) else t for t in tensors]
        try:
            y = op.forward(xs, *values)
        except Exception as error:
            raise explain(op, tuple(xs), error) from error
        t = wrap(y if y.__class__ is np.ndarray else np.asarray(y))
        if "*" in op.texts and (not unrecorded or mode.grad):
            nodes = tuple([t.node if isinstance(t, Tensor) else None for t in tensors])
            if nodes.count(None) < len(nodes):
                t.node = make_node(op, nodes, saves(xs, nodes, values, t.array), t.array.shape, t.array.dtype)
        return t

    def call(tensors: Sequence[Any], *values: Any) -> Any:
        if watch.on:
            return watch.forward(op, plain, (tensors, *values))
        return plain(tensors, *values)

    call.__name__ = plain.__name__ = op.name
    op.compile_rules()
    return call, plain, saves


def _constant(y: Any) -> Tensor:
    """An output without gradient."""
    return wrap(y if y.__class__ is np.ndarray else np.asarray(y))


def several(op: Op, ys: tuple[Any, ...], nodes: tuple[Node | None, ...], saved: tuple[Any, ...]) -> tuple[Tensor, ...]:
    """The outputs of an op with several differentiable ones, or none.

    The op's node stands behind small Output nodes, one per differentiable output; it gets its cotangents as a tuple.
    """
    outs = tuple([_constant(y) for y in ys])
    if not mode.grad or nodes.count(None) == len(nodes):
        return outs
    hub = make_node(op, nodes, saved, (), outs[op.differentiable[0]].array.dtype)
    places: list[Any] = []
    for i, t in enumerate(outs):
        if i in op.differentiable:
            t.node = make_node(OUTPUT, (hub,), (i,), t.array.shape, t.array.dtype)
            places.append(ref(t.node))
        else:
            places.append(None)
    hub.shape = tuple((t.array.shape, t.array.dtype) for t in outs)
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
        (v if v.dtype == target else v.astype(target)) if isinstance(v, np.ndarray) else _number(v, target)
        for v in values
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
        made = RuntimeError(
            f"{op.name}: not defined for dtype {kinds}; convert the tensor first, for example with float() or long()."
        )
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
    extra = view.extra = TensorExtra()
    if source.extra is not None and source.extra.inference:
        extra.inference = True
    if mode.inference:
        return
    extra.view_of = source
    extra.view_op = op
    extra.view_params = params
    if source.extra is None:
        source.extra = TensorExtra()
    views = source.extra.views
    if views is None:
        source.extra.views = [ref(view)]
    else:
        if len(views) >= 32 and len(views) & (len(views) - 1) == 0:  # at powers of two, drop the dead ones
            views[:] = [v for v in views if v() is not None]
        views.append(ref(view))
