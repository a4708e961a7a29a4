"""NumPy's world: ``np.exp(t)``, ``array * t`` and ``np.concatenate([t, u])`` give Tensors that differentiate.

NumPy asks a tensor (NEP 13 and NEP 18) what its ufuncs and functions mean; here they are mapped to the functions of this
package.  What has no counterpart raises a TypeError that says so, instead of a silent conversion that loses gradients.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import AutogradError
from ..op import method
from ..tensor import Tensor, wrap
from .arithmetic import tensor_of

__all__: list[str] = []

# ------------------------------------------------------------------------------------------------- ufuncs

# NumPy's names where PyTorch's differ.
UFUNCS = {
    "subtract": "sub", "multiply": "mul", "divide": "div", "true_divide": "div", "power": "pow", "negative": "neg", "absolute": "abs",
    "fabs": "abs", "rint": "round", "conjugate": "conj", "invert": "bitwise_not", "left_shift": "bitwise_left_shift",
    "right_shift": "bitwise_right_shift", "degrees": "rad2deg", "radians": "deg2rad", "equal": "eq", "not_equal": "ne",
    "mod": "remainder",
}  # fmt: skip
DIRECT = frozenset(
    "add floor_divide remainder fmod float_power positive sign heaviside exp exp2 expm1 log log2 log10 log1p sqrt square reciprocal "
    "sin cos tan arcsin arccos arctan arctan2 hypot sinh cosh tanh arcsinh arccosh arctanh deg2rad rad2deg maximum minimum fmax fmin "
    "floor ceil trunc copysign nextafter ldexp signbit isfinite isinf isnan logaddexp logaddexp2 greater greater_equal less less_equal "
    "logical_and logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor matmul gcd lcm frexp".split()
)
_REDUCE = {
    "add": "sum",
    "multiply": "prod",
    "maximum": "amax",
    "minimum": "amin",
    "logical_and": "all",
    "logical_or": "any",
}
_ACCUMULATE = {"add": "cumsum", "multiply": "cumprod"}


def public(name: str) -> Any:
    """A public function of the package by its (dotted) name."""
    obj: Any = importlib.import_module("autograd_core")
    for part in name.split("."):
        obj = getattr(obj, part)
    return obj


def _no_form(name: str) -> TypeError:
    return TypeError(
        f"numpy.{name}: there is no Tensor form of it, and a plain result would lose the gradient. "
        f"Call it with tensor.detach().numpy()."
    )


def _into(out: Any, result: Any) -> Any:
    """NumPy's ``out=``: a tensor is written in place, an array gets the values of a result without gradient."""
    if isinstance(out, tuple):
        out = out[0]
    if out is None:
        return result
    if isinstance(out, Tensor):
        return out.copy_(result)  # type: ignore[attr-defined]
    if isinstance(result, Tensor) and result.node is not None:
        raise AutogradError(
            "numpy: a result that requires grad cannot be written into an ndarray; use detach() first, or a Tensor."
        )
    out[...] = np.asarray(result)
    return out


@method("__array_ufunc__")
def array_ufunc(
    self: Tensor, ufunc: np.ufunc, kind: str, *inputs: Any, out: Any = None, dtype: Any = None, **kwargs: Any
) -> Any:
    """What a NumPy ufunc means for tensors."""
    name = ufunc.__name__
    where = kwargs.pop("where", True)
    if where is not True:
        raise TypeError(f"numpy.{name}: where= is not understood for tensors; use autograd_core.where().")
    for k in ("casting", "order", "subok"):
        kwargs.pop(k, None)
    if dtype is not None:  # NumPy computes in that type
        inputs = tuple(
            tensor_of(x, name).to(np.dtype(dtype)) if isinstance(x, (np.ndarray, Tensor)) else x for x in inputs
        )  # type: ignore[attr-defined]
    if kind == "__call__":
        if name not in UFUNCS and name not in DIRECT:
            raise _no_form(name)
        result = public(UFUNCS.get(name, name))(
            *(tensor_of(x, f"numpy.{name}") if isinstance(x, np.ndarray) else x for x in inputs)
        )
    elif kind in ("reduce", "accumulate") and name in (_REDUCE if kind == "reduce" else _ACCUMULATE):
        axis = kwargs.pop("axis", 0)
        if kind == "reduce":
            axes = {} if axis is None else {"dim": axis}
            result = public(_REDUCE[name])(tensor_of(inputs[0], name), keepdim=kwargs.pop("keepdims", False), **axes)
        else:
            result = public(_ACCUMULATE[name])(tensor_of(inputs[0], name), axis)
    elif kind == "outer" and (name in UFUNCS or name in DIRECT) and len(inputs) == 2:
        a, b = (tensor_of(x, name) for x in inputs)
        result = public(UFUNCS.get(name, name))(a.reshape(*a.shape, *(1,) * b.ndim), b)  # type: ignore[attr-defined]
    else:
        raise _no_form(f"{name}.{kind}")
    if kwargs and any(v is not None for v in kwargs.values()):
        raise TypeError(f"numpy.{name}: arguments {sorted(kwargs)} are not understood for tensors.")
    return _into(out, result)


# ------------------------------------------------------------------------------------------------- functions

_FUNCTIONS: dict[str, Callable[..., Any]] = {}
_PLAIN = frozenset(
    "array2string array_repr array_str save savez savez_compressed savetxt shares_memory may_share_memory result_type can_cast "
    "min_scalar_type common_type iscomplexobj isrealobj copyto".split()
)


def _numpy(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def note(function: Callable[..., Any]) -> Callable[..., Any]:
        for n in names:
            _FUNCTIONS[n] = function
        return function

    return note


def _some(**kwargs: Any) -> dict[str, Any]:
    return {k: v for k, v in kwargs.items() if v is not None}


def _reduction(name: str, ours: str, typed: bool) -> None:
    if typed:

        def f(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
            return _into(
                out,
                public(ours)(
                    tensor_of(a, name),
                    **_some(dim=axis, dtype=None if dtype is None else np.dtype(dtype)),
                    keepdim=keepdims,
                ),
            )
    else:

        def f(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:  # type: ignore[misc]
            return _into(out, public(ours)(tensor_of(a, name), **_some(dim=axis), keepdim=keepdims))

    _FUNCTIONS[name] = f


for _n, _o, _t in (
    ("sum", "sum", True), ("mean", "mean", True), ("nansum", "nansum", True), ("nanmean", "nanmean", True), ("max", "amax", False),
    ("amax", "amax", False), ("min", "amin", False), ("amin", "amin", False), ("all", "all", False), ("any", "any", False),
    ("argmax", "argmax", False), ("argmin", "argmin", False),
):  # fmt: skip
    _reduction(_n, _o, _t)


@_numpy("prod")
def _prod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    return _into(out, public("prod")(tensor_of(a, "prod"), **_some(dim=axis, dtype=dtype), keepdim=keepdims))


def _spread(name: str) -> None:
    def f(
        a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: bool = False, **kw: Any
    ) -> Any:
        ddof = kw.get("correction", ddof)
        return _into(out, public(name)(tensor_of(a, name), axis, correction=ddof, keepdim=keepdims))

    _FUNCTIONS[name] = f


_spread("std")
_spread("var")

# Functions that take the array first and then what ours takes, with axis for dim.
for _n, _o in {
    "cumsum": "cumsum", "cumprod": "cumprod", "argsort": "argsort", "expand_dims": "unsqueeze",
    "swapaxes": "swapaxes", "moveaxis": "movedim",
    "broadcast_to": "broadcast_to", "clip": "clamp", "dot": "matmul", "inner": "inner", "outer": "outer", "kron": "kron", "trace": "trace",
    "tril": "tril", "triu": "triu", "fliplr": "fliplr", "flipud": "flipud", "isclose": "isclose", "allclose": "allclose",
    "array_equal": "equal", "argwhere": "argwhere", "zeros_like": "zeros_like", "ones_like": "ones_like", "empty_like": "empty_like",
    "full_like": "full_like", "diag": "diag", "copy": "clone", "bincount": "bincount", "cov": "cov", "corrcoef": "corrcoef",
    "isreal": "isreal", "isneginf": "isneginf", "isposinf": "isposinf", "count_nonzero": "count_nonzero", "diff": "diff",
    "nan_to_num": "nan_to_num", "searchsorted": "searchsorted", "array_split": "tensor_split", "rot90": "rot90", "squeeze": "squeeze",
    "linalg.inv": "linalg.inv", "linalg.det": "linalg.det", "linalg.solve": "linalg.solve", "linalg.cholesky": "linalg.cholesky",
    "linalg.pinv": "linalg.pinv", "linalg.matrix_power": "linalg.matrix_power", "linalg.slogdet": "linalg.slogdet",
    "linalg.qr": "linalg.qr",
    "linalg.eigh": "linalg.eigh", "linalg.eigvalsh": "linalg.eigvalsh", "linalg.svd": "linalg.svd", "linalg.norm": "linalg.norm",
    "linalg.eig": "linalg.eig", "linalg.eigvals": "linalg.eigvals", "trapezoid": "trapezoid", "cross": "linalg.cross",
}.items():  # fmt: skip

    def _first(a: Any, *args: Any, _ours: str = _o, _name: str = _n, **kwargs: Any) -> Any:
        for theirs, mine in (
            ("axis", "dim"),
            ("keepdims", "keepdim"),
            ("a_min", "min"),
            ("a_max", "max"),
            ("k", "diagonal"),
        ):
            if theirs in kwargs:
                kwargs[mine] = kwargs.pop(theirs)
        out = kwargs.pop("out", None)
        rest = [tensor_of(v, _name) if isinstance(v, np.ndarray) else v for v in args]
        if _ours in ("clone", "zeros_like", "ones_like", "empty_like"):
            kwargs = {k: v for k, v in kwargs.items() if k == "dtype"}
        return _into(out, public(_ours)(tensor_of(a, f"numpy.{_name}"), *rest, **kwargs))

    _FUNCTIONS[_n] = _first


@_numpy("median")
def _median(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    return _quantile(a, 0.5, axis, out, keepdims=keepdims)  # NumPy's is the mean of the two in the middle


@_numpy("quantile")
def _quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
) -> Any:
    x = tensor_of(a, "quantile")
    q = q if isinstance(q, Tensor) or np.ndim(q) == 0 else wrap(np.asarray(q, x.array.dtype))
    return _into(out, public("quantile")(x, q, axis, keepdims, interpolation=method))


@_numpy("percentile")
def _percentile(a: Any, q: Any, *args: Any, **kwargs: Any) -> Any:
    return _quantile(a, np.asarray(q) / 100 if np.ndim(q) else q / 100, *args, **kwargs)


@_numpy("sort")
def _sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    x = tensor_of(a, "sort")
    return public("sort")(x.reshape(-1) if axis is None else x, 0 if axis is None else axis)[0]  # type: ignore[attr-defined]


def _joining(name: str, ours: str, axis_default: int | None) -> None:
    def f(arrays: Any, axis: Any = axis_default, out: Any = None, **kwargs: Any) -> Any:
        ts = [tensor_of(x, name) for x in arrays]
        if axis is None and axis_default is not None:
            ts, axis = [x.reshape(-1) for x in ts], 0  # type: ignore[attr-defined]
        return _into(out, public(ours)(ts) if axis_default is None else public(ours)(ts, axis))

    _FUNCTIONS[name] = f


for _n, _o, _a in (
    ("concatenate", "cat", 0), ("stack", "stack", 0), ("vstack", "vstack", None), ("hstack", "hstack", None),
    ("dstack", "dstack", None), ("column_stack", "column_stack", None),
):  # fmt: skip
    _joining(_n, _o, _a)


@_numpy("split")
def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    x = tensor_of(ary, "split")
    if isinstance(indices_or_sections, int) and x.array.shape[axis] % indices_or_sections:
        raise ValueError(
            f"numpy.split: dimension {axis} of shape {x.array.shape} does not split into {indices_or_sections} equal parts."
        )
    return public("tensor_split")(x, indices_or_sections, axis)


@_numpy("where")
def _where(condition: Any, *sides: Any) -> Any:
    return public("where")(
        tensor_of(condition, "where"), *(tensor_of(v, "where") if isinstance(v, np.ndarray) else v for v in sides)
    )


@_numpy("reshape")
def _reshape(a: Any, shape: Any = None, order: str = "C", *, newshape: Any = None, copy: Any = None) -> Any:
    if order != "C":
        raise TypeError(f"numpy.reshape: only order='C' is understood for tensors, got {order!r}.")
    return tensor_of(a, "reshape").reshape(shape if newshape is None else newshape)  # type: ignore[attr-defined]


@_numpy("ravel")
def _ravel(a: Any, order: str = "C") -> Any:
    return _reshape(a, -1, order)


@_numpy("transpose")
def _transpose(a: Any, axes: Any = None) -> Any:
    x = tensor_of(a, "transpose")
    return x.permute(*(range(x.ndim)[::-1] if axes is None else axes))  # type: ignore[attr-defined]


@_numpy("flip")
def _flip(m: Any, axis: Any = None) -> Any:
    x = tensor_of(m, "flip")
    return x.flip(tuple(range(x.ndim)) if axis is None else axis)  # type: ignore[attr-defined]


@_numpy("roll")
def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    return public("roll")(tensor_of(a, "roll"), shift, axis)


@_numpy("tile")
def _tile(A: Any, reps: Any) -> Any:
    return public("tile")(tensor_of(A, "tile"), reps)


@_numpy("repeat")
def _repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    return public("repeat_interleave")(
        tensor_of(a, "repeat"), repeats if np.ndim(repeats) == 0 else wrap(np.asarray(repeats)), axis
    )


@_numpy("einsum")
def _einsum(equation: str, *operands: Any, **kwargs: Any) -> Any:
    return public("einsum")(equation, *(tensor_of(x, "einsum") for x in operands))


@_numpy("tensordot")
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    return public("tensordot")(tensor_of(a, "tensordot"), tensor_of(b, "tensordot"), axes)


@_numpy("diagonal")
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return public("diagonal")(tensor_of(a, "diagonal"), offset, axis1, axis2)


@_numpy("take")
def _take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    x, i = tensor_of(a, "take"), np.asarray(indices)
    if axis is None:
        x, axis = x.reshape(-1), 0  # type: ignore[attr-defined]
    return _into(out, x[(slice(None),) * (axis % x.ndim) + (wrap(i),)])  # type: ignore[index]


@_numpy("take_along_axis")
def _take_along(arr: Any, indices: Any, axis: Any = -1) -> Any:
    return public("take_along_dim")(tensor_of(arr, "take_along_axis"), tensor_of(indices, "take_along_axis"), axis)


@_numpy("nonzero")
def _nonzero(a: Any) -> Any:
    return public("nonzero")(tensor_of(a, "nonzero"), as_tuple=True)


@_numpy("unique")
def _unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    **kw: Any,
) -> Any:
    if return_index:
        raise TypeError("numpy.unique: return_index is not understood for tensors.")
    return public("unique")(tensor_of(ar, "unique"), True, return_inverse, return_counts, axis)


@_numpy("round", "around")
def _round(a: Any, decimals: int = 0, out: Any = None) -> Any:
    return _into(out, public("round")(tensor_of(a, "round"), decimals=decimals))


@_numpy("meshgrid")
def _meshgrid(*xi: Any, indexing: str = "xy", **kwargs: Any) -> Any:
    return public("meshgrid")(*(tensor_of(x, "meshgrid") for x in xi), indexing=indexing)


_FUNCTIONS["shape"] = lambda a: tuple(a.shape)
_FUNCTIONS["ndim"] = lambda a: a.ndim
_FUNCTIONS["size"] = lambda a, axis=None: a.array.size if axis is None else a.array.shape[axis]
_FUNCTIONS["real"] = lambda val: val.real
_FUNCTIONS["imag"] = lambda val: val.imag
for _n in ("atleast_1d", "atleast_2d", "atleast_3d"):
    _FUNCTIONS[_n] = lambda *a, _o=_n: public(_o)(*(tensor_of(x, _o) for x in a))
for _n in ("fft", "ifft", "rfft", "irfft", "fft2", "ifft2", "fftn", "ifftn"):

    def _fft(
        a: Any,
        n: Any = None,
        axis: Any = None,
        norm: Any = None,
        out: Any = None,
        *,
        s: Any = None,
        axes: Any = None,
        _o: str = _n,
    ) -> Any:
        sizes = _some(n=n) if _o.endswith("ft") else _some(s=n if s is None else s)
        return public(f"fft.{_o}")(tensor_of(a, _o), **sizes, **_some(dim=axis if axes is None else axes, norm=norm))

    _FUNCTIONS[f"fft.{_n}"] = _fft


def _plain(value: Any) -> Any:
    """Tensors in arguments as arrays (raises where one requires grad)."""
    if isinstance(value, Tensor):
        return value.numpy()
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(v) for v in value)
    return value


@method("__array_function__")
def array_function(self: Tensor, func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
    """What a NumPy function means for tensors."""
    module = getattr(func, "__module__", "numpy") or "numpy"
    name = f"{module.removeprefix('numpy').lstrip('.')}.{func.__name__}".lstrip(".")
    known = _FUNCTIONS.get(name)
    if known is not None:
        return known(*args, **kwargs)
    if func.__name__ in _PLAIN or module.startswith("numpy.testing"):
        return func(*_plain(tuple(args)), **{k: _plain(v) for k, v in kwargs.items()})
    raise _no_form(name)
