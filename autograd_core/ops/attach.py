"""Gives class Tensor the methods that the tables registered."""

from __future__ import annotations

from . import activation, arithmetic, attention, basic, conv, conversion, coo, ctc, distance, dropout, elementwise, embedding, index, linear, loss, matmul, norm, padding, pool, pool_more, reduce, rnn, shape, upsample, vision
from . import complex, decompositions, fft, linalg, linalg_legacy, linalg_norms, linalg_products, polynomials, special, spectral
from . import floats, interop, manners, random, scatter, sorting, stacking, statistics
from ..inplace import inplace
from ..op import INPLACE, METHODS, sym
from ..tensor import Tensor


def _simple() -> None:
    """Unary functions are their dispatchers; so are their methods, with an in-place form each."""
    for name in arithmetic.UNARY:
        METHODS.setdefault(name, getattr(sym, name))
        INPLACE.setdefault(f"{name}_", getattr(sym, name))
    for alias, name in arithmetic.ALIASES.items():
        METHODS.setdefault(alias, METHODS[name])
        if f"{name}_" in INPLACE:
            INPLACE.setdefault(f"{alias}_", INPLACE[f"{name}_"])
    for name in ("softmax", "isnan", "isinf", "isfinite"):
        METHODS.setdefault(name, getattr(sym, name))


def attach() -> None:
    """Set every registered function on class Tensor."""
    _simple()
    for name, function in METHODS.items():
        setattr(Tensor, name, function)
    for name, function in INPLACE.items():
        setattr(Tensor, name, inplace(function, name))
    for operator in ("add", "sub", "mul", "truediv", "pow", "floordiv", "mod", "and", "or", "xor", "lshift", "rshift"):
        setattr(Tensor, f"__i{operator}__", inplace(METHODS[f"__{operator}__"], f"__i{operator}__"))


attach()
