"""The elementwise functions in PyTorch's words: ``add(input, other, alpha=1)``, ``clamp``, ``where`` and their kin.

Unary functions are the dispatchers themselves; binary ones check that both sides are something a tensor can meet.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes
from ..dispatch import promote_inputs
from ..errors import wrong_type
from ..op import INPLACE, METHODS, method, sym
from ..tensor import Tensor, wrap
from . import elementwise as e

Number = builtins.int | builtins.float | builtins.complex | builtins.bool

__all__ = [
    "abs",
    "absolute",
    "acos",
    "acosh",
    "add",
    "addcdiv",
    "addcmul",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bitwise_and",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "ceil",
    "clamp",
    "clamp_max",
    "clamp_min",
    "clip",
    "clone",
    "conj",
    "cos",
    "cosh",
    "div",
    "divide",
    "eq",
    "exp",
    "exp2",
    "expm1",
    "fix",
    "floor",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "frac",
    "ge",
    "greater",
    "greater_equal",
    "gt",
    "isfinite",
    "isinf",
    "isnan",
    "le",
    "lerp",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "masked_fill",
    "maximum",
    "minimum",
    "mul",
    "multiply",
    "ne",
    "neg",
    "negative",
    "not_equal",
    "positive",
    "pow",
    "reciprocal",
    "relu",
    "remainder",
    "round",
    "rsqrt",
    "rsub",
    "sgn",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "sub",
    "subtract",
    "tan",
    "tanh",
    "true_divide",
    "trunc",
    "where",
]  # fmt: skip

UNARY = (
    "abs acos acosh asin asinh atan atanh ceil cos cosh exp exp2 expm1 floor frac log log10 log1p log2 neg positive "
    "reciprocal rsqrt sgn sigmoid sign sin sinh sqrt square tan tanh trunc bitwise_not logical_not"
).split()
ALIASES = {
    "absolute": "abs", "arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh", "arctan": "atan",
    "arctanh": "atanh", "fix": "trunc", "negative": "neg", "arctan2": "atan2", "multiply": "mul", "subtract": "sub",
    "divide": "div", "true_divide": "div", "greater": "gt", "greater_equal": "ge", "less": "lt", "less_equal": "le",
    "not_equal": "ne", "clip": "clamp",
}  # fmt: skip


def tensor_of(value: Any, name: str) -> Tensor:
    """``value`` as a Tensor (numbers and ndarrays become constants)."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, (builtins.bool, builtins.int, builtins.float, builtins.complex)):
        return wrap(np.asarray(value, dtypes.number_type(value)))
    if isinstance(value, (np.ndarray, np.generic)):
        return wrap(np.asarray(value))
    raise wrong_type(name, "input", "a Tensor", value)


def _binary(dispatch: Callable[..., Any], name: str, doc: str = "") -> Callable[[Any, Any], Tensor]:
    """The free function of a binary op: as the dispatcher, but raises for operands that are not numbers."""

    def function(input: Any, other: Any) -> Tensor:
        if not isinstance(input, Tensor) and not isinstance(other, Tensor):
            input = tensor_of(input, name)
        result = dispatch(input, other)
        if result is NotImplemented:
            raise TypeError(
                f"{name}: expected tensors or numbers, got ({type(input).__name__}, {type(other).__name__})."
            )
        return result

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc or f"Elementwise ``{dispatch.__doc__}``, broadcasting and promoting as PyTorch does."
    METHODS[name] = function
    INPLACE[f"{name}_"] = function
    return function


_add, _sub, _mul, _div = e.add, e.sub, e.mul, e.div
mul = _binary(_mul, "mul")
maximum = _binary(e.maximum, "maximum")
minimum = _binary(e.minimum, "minimum")
fmax = _binary(e.fmax, "fmax")
fmin = _binary(e.fmin, "fmin")
atan2 = _binary(e.atan2, "atan2")
logaddexp = _binary(e.logaddexp, "logaddexp")
logaddexp2 = _binary(e.logaddexp2, "logaddexp2")
eq = _binary(e.eq, "eq")
ne = _binary(e.ne, "ne")
lt = _binary(e.lt, "lt")
le = _binary(e.le, "le")
gt = _binary(e.gt, "gt")
ge = _binary(e.ge, "ge")
logical_and = _binary(e.logical_and, "logical_and")
logical_or = _binary(e.logical_or, "logical_or")
logical_xor = _binary(e.logical_xor, "logical_xor")
bitwise_and = _binary(e.bitwise_and, "bitwise_and")
bitwise_or = _binary(e.bitwise_or, "bitwise_or")
bitwise_xor = _binary(e.bitwise_xor, "bitwise_xor")
bitwise_left_shift = _binary(e.bitwise_left_shift, "bitwise_left_shift")
bitwise_right_shift = _binary(e.bitwise_right_shift, "bitwise_right_shift")
fmod = _binary(e.fmod, "fmod")
remainder = _binary(e.remainder, "remainder")
floor_divide = _binary(e.floor_divide, "floor_divide")
pow = _binary(e.pow, "pow")
_plain_add, _plain_sub, _plain_div = _binary(_add, "add"), _binary(_sub, "sub"), _binary(_div, "div")


@method(inplace=True)
def add(input: Any, other: Any, *, alpha: Number = 1) -> Tensor:
    """``input + alpha * other``."""
    return _plain_add(input, other if alpha == 1 else mul(other, alpha))


@method(inplace=True)
def sub(input: Any, other: Any, *, alpha: Number = 1) -> Tensor:
    """``input - alpha * other``."""
    for v in (input, other):
        if isinstance(v, Tensor) and v.array.dtype.kind == "b":
            raise RuntimeError(
                "sub: subtraction with a bool tensor is not defined; use logical_xor() or bitwise_not()."
            )
    return _plain_sub(input, other if alpha == 1 else mul(other, alpha))


@method(inplace=True)
def rsub(input: Any, other: Any, *, alpha: Number = 1) -> Tensor:
    """``other - alpha * input``."""
    return sub(other, input, alpha=alpha)


@method(inplace=True)
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """``input / other``; ``rounding_mode`` "trunc" or "floor" rounds the quotient."""
    if rounding_mode is None:
        return _plain_div(input, other)
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode == "trunc":
        arrays = [v.array if isinstance(v, Tensor) else v for v in (input, other)]
        if dtypes.result_dtype([np.asarray(v) if isinstance(v, np.generic) else v for v in arrays]).kind in "iub":
            return sub(input, fmod(input, other)).floor_divide(other)  # type: ignore[attr-defined]
        return e.trunc(_plain_div(input, other))
    raise RuntimeError(f"div: rounding_mode must be None, 'trunc' or 'floor', got {rounding_mode!r}.")


@method(inplace=True)
def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """``min(max(input, min), max)``; bounds are numbers or tensors, either may be left out."""
    if min is None and max is None:
        raise RuntimeError("clamp: at least one of min and max must be given.")
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        if min is not None:
            input = maximum(input, min)
        return input if max is None else minimum(input, max)
    x = tensor_of(input, "clamp")
    target = dtypes.result_dtype([x.array, *[v for v in (min, max) if v is not None]])
    return sym.clamp(x if x.array.dtype == target else sym.cast(x, target), min, max)


@method(inplace=True)
def clamp_min(input: Tensor, min: Any) -> Tensor:
    """``max(input, min)``."""
    return clamp(input, min=min)


@method(inplace=True)
def clamp_max(input: Tensor, max: Any) -> Tensor:
    """``min(input, max)``."""
    return clamp(input, max=max)


@method(inplace=True)
def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """Round to the nearest integer (halves to even), or to ``decimals`` digits."""
    if decimals == 0:
        return e.round_(input)
    scale = 10.0**decimals
    return e.round_(input * scale) / scale  # type: ignore[operator]


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """``input`` where ``condition`` holds, else ``other``; with one argument, the indices where it holds.

    The gradient goes to the branch that was taken, zero to the other.
    """
    if input is None and other is None:
        return sym_nonzero(condition)
    c = tensor_of(condition, "where")
    if c.array.dtype.kind != "b":
        if c.array.dtype != np.uint8:
            raise RuntimeError(
                f"where: the condition must be a bool tensor, got {c.dtype.name}; compare it with something."
            )
        c = wrap(c.array.astype(bool))
    sides = (input, other)
    arrays = promote_inputs(_WHERE, tuple(v.array if isinstance(v, Tensor) else v for v in sides))
    if arrays[0] is None:
        raise TypeError(f"where: expected tensors or numbers, got ({type(input).__name__}, {type(other).__name__}).")
    target = arrays[0].dtype
    a, b = (
        (v if v.array.dtype == target else sym.cast(v, target)) if isinstance(v, Tensor) else wrap(x)
        for v, x in zip(sides, arrays, strict=True)
    )
    return sym.where(c, a, b)


class _Promoting:
    promote = "same"


_WHERE: Any = _Promoting()


def sym_nonzero(condition: Any) -> tuple[Tensor, ...]:
    """The indices of the elements that are not zero, one tensor a dimension."""
    return tuple(wrap(i) for i in np.nonzero(tensor_of(condition, "where").array))


@method("where")
def _where_method(self: Tensor, condition: Any, other: Any) -> Tensor:
    """``self`` where ``condition`` holds, else ``other``."""
    return where(condition, self, other)


@method(inplace=True)
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """``value`` (a number or a 0-d tensor) where ``mask`` is True, else ``input``."""
    x = tensor_of(input, "masked_fill")
    m = tensor_of(mask, "masked_fill")
    if m.array.dtype.kind != "b":
        raise RuntimeError(f"masked_fill: the mask must be a bool tensor, got {m.dtype.name}.")
    if isinstance(value, Tensor):
        if value.array.ndim:
            raise RuntimeError(f"masked_fill: value must be a number or a 0-d tensor, got shape {value.array.shape}.")
        if value.node is not None:
            return where(m, sym.cast(value, x.array.dtype), x)
        value = value.item()
    if isinstance(value, builtins.complex) and x.array.dtype.kind != "c":
        raise RuntimeError(
            f"masked_fill: value {value!r} cannot be stored in a tensor of type {x.dtype.name} without loss."
        )
    return sym.masked_fill(x, m, value)


@method(inplace=True)
def addcmul(input: Tensor, tensor1: Any, tensor2: Any, *, value: Number = 1) -> Tensor:
    """``input + value * tensor1 * tensor2``."""
    product = mul(tensor1, tensor2)
    return add(input, product, alpha=value)


@method(inplace=True)
def addcdiv(input: Tensor, tensor1: Any, tensor2: Any, *, value: Number = 1) -> Tensor:
    """``input + value * tensor1 / tensor2``."""
    return add(input, _plain_div(tensor1, tensor2), alpha=value)


@method(inplace=True)
def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """``input + weight * (end - input)``."""
    return add(input, mul(sub(end, input), weight))


@method(inplace=True)
def relu(input: Tensor) -> Tensor:
    """``max(input, 0)``, with derivative 0 at 0."""
    return sym.relu(input)


@method()
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A recorded copy."""
    return sym.clone(input)


@method()
def conj(input: Tensor) -> Tensor:
    """The complex conjugate (real tensors are returned as they are)."""
    return sym.conj(input) if input.array.dtype.kind == "c" else input


# unary functions are their dispatchers
abs = e.abs
acos = e.acos
acosh = e.acosh
asin = e.asin
asinh = e.asinh
atan = e.atan
atanh = e.atanh
ceil = e.ceil
cos = e.cos
cosh = e.cosh
exp = e.exp
exp2 = e.exp2
expm1 = e.expm1
floor = e.floor
frac = e.frac
log = e.log
log10 = e.log10
log1p = e.log1p
log2 = e.log2
neg = e.neg
positive = e.positive
reciprocal = e.reciprocal
rsqrt = e.rsqrt
sgn = e.sgn
sigmoid = e.sigmoid
sign = e.sign
sin = e.sin
sinh = e.sinh
sqrt = e.sqrt
square = e.square
tan = e.tan
tanh = e.tanh
trunc = e.trunc
bitwise_not = e.bitwise_not
logical_not = e.logical_not
isnan, isinf, isfinite = e.isnan, e.isinf, e.isfinite

# PyTorch's other names
absolute = abs
arccos = acos
arccosh = acosh
arcsin = asin
arcsinh = asinh
arctan = atan
arctanh = atanh
fix = trunc
negative = neg
arctan2 = atan2
multiply = mul
subtract = sub
divide = div
true_divide = div
greater = gt
greater_equal = ge
less = lt
less_equal = le
not_equal = ne
clip = clamp


def _reflected(dispatch: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    return lambda self, other: dispatch(other, self)


OPERATORS = {
    "add": e.add, "sub": e.sub, "mul": e.mul, "truediv": e.div, "pow": e.pow, "floordiv": e.floor_divide,
    "mod": e.remainder, "and": e.bitwise_and, "or": e.bitwise_or, "xor": e.bitwise_xor,
    "lshift": e.bitwise_left_shift, "rshift": e.bitwise_right_shift,
}  # fmt: skip
for _name, _dispatch in OPERATORS.items():
    METHODS[f"__{_name}__"] = _dispatch
    METHODS[f"__r{_name}__"] = _reflected(_dispatch)
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    METHODS[f"__{_name}__"] = getattr(e, _name)
METHODS["__neg__"] = e.neg
METHODS["__pos__"] = e.positive
METHODS["__abs__"] = e.abs
METHODS["__invert__"] = e.bitwise_not
