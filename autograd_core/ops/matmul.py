"""Matrix products: matmul, its shapes in PyTorch's words (mm, bmm, mv, dot ...), einsum, linear."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import F32, F64
from ..errors import ShapeError
from ..kernels import blas
from ..op import defop, helper, method, sym
from ..tensor import Tensor
from .arithmetic import add as _add
from .arithmetic import mul as _mul
from .arithmetic import tensor_of

__all__ = [
    "addmm", "baddbmm", "bmm", "dot", "einsum", "ger", "matmul", "mm", "mv", "outer",
]  # fmt: skip

helper(lambda F, x: F.transpose(x, -2, -1), "mT")


# Matrices and batches of them; vectors are given a dimension by `matmul` below.  Batches that broadcast are summed.
# The gradients of a product are products with one factor transposed, and theirs again: three ops, and no node for a
# transpose in any order of differentiation.
defop(
    blas.matmul,
    "a b",
    name="matmul",
    formula="y = a b: y[..., i, j] = sum over k of a[..., i, k] b[..., k, j]",
    a=lambda g, b, a_shape, F: F.shaped(F.matmul_nt(g, b), a_shape),
    b=lambda g, a, b_shape, F: F.shaped(F.matmul_tn(a, g), b_shape),
)
defop(
    lambda a, b: blas.matmul(a, b.T if b.ndim == 2 else b.swapaxes(-1, -2)),
    "a b",
    name="matmul_nt",
    formula="y = a b^T",
    a=lambda g, b, a_shape, F: F.shaped(F.matmul(g, b), a_shape),
    b=lambda g, a, b_shape, F: F.shaped(F.matmul_tn(g, a), b_shape),
)
defop(
    lambda a, b: blas.matmul(a.T if a.ndim == 2 else a.swapaxes(-1, -2), b),
    "a b",
    name="matmul_tn",
    formula="y = a^T b",
    a=lambda g, b, a_shape, F: F.shaped(F.matmul_nt(b, g), a_shape),
    b=lambda g, a, b_shape, F: F.shaped(F.matmul(a, g), b_shape),
)

# Two vectors; as a product of a row and a column its gradients were products with a 1 x 1 matrix, a hundred times slower.
defop(
    np.dot,
    "a b",
    name="dot",
    formula="y = sum over i of a[i] b[i]",
    a=lambda g, b: g * b,
    b=lambda g, a: g * a,
)


@helper
def rows(F: Any, x: Any) -> Any:
    """All leading dimensions as one."""
    return x if x.ndim == 2 else F.reshape(x, (-1, x.shape[-1]))


@helper
def unrows(F: Any, x: Any, shape: tuple[int, ...]) -> Any:
    """The leading dimensions of ``shape`` back from one."""
    return x if len(shape) == 2 else F.reshape(x, shape)


@helper
def column_sum(F: Any, x: Any) -> Any:
    """The sum over the rows of a matrix."""
    if x.__class__ is np.ndarray and (x.dtype is F32 or x.dtype is F64):
        return blas.sum_rows(x)  # a product with ones
    return F.sum(x, (0,), False)


defop(
    blas.linear,
    "x weight bias",
    name="linear",
    formula="x weight^T + bias",
    x=lambda g, weight, x_shape, F: F.unrows(F.matmul(F.rows(g), weight), x_shape),
    weight=lambda g, x, F: F.matmul_tn(F.rows(g), F.rows(x)),
    bias=lambda g, F: F.column_sum(F.rows(g)),
)


def _check_types(name: str, a: Tensor, b: Tensor) -> None:
    if a.array.dtype != b.array.dtype:
        raise RuntimeError(
            f"{name}: both tensors must have the same dtype, got {a.dtype.name} and {b.dtype.name}; convert one with to()."
        )


@method()
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product; vectors count as a row on the left and a column on the right, leading dimensions broadcast.

    Raises
    ------
    RuntimeError
        If the inner dimensions differ, the batches do not broadcast, or the dtypes differ.
    """
    if not isinstance(input, Tensor) or not isinstance(other, Tensor):
        if isinstance(input, (bool, int, float)) or isinstance(other, (bool, int, float)):
            raise TypeError("matmul: expects two tensors, got a number; use * to scale.")
        input, other = tensor_of(input, "matmul"), tensor_of(other, "matmul")
    a, b = input.array, other.array
    if a.dtype is not b.dtype:
        _check_types("matmul", input, other)
    n, m = a.ndim, b.ndim
    if n == 0 or m == 0:
        raise RuntimeError(f"matmul: both tensors need at least one dimension, got shapes {a.shape} and {b.shape}.")
    if a.shape[-1] != b.shape[-2 if m > 1 else -1]:
        axis = "b.shape[-2]" if m > 1 else "b.shape[-1]"
        raise ShapeError(
            f"matmul: inner dimensions differ: a is {a.shape} and b is {b.shape}, a.shape[-1]={a.shape[-1]} but "
            f"{axis}={b.shape[-2 if m > 1 else -1]}."
        )
    if n == 2 and m == 2:
        return sym.matmul(input, other)
    if n == 1 and m == 1:
        return sym.dot(input, other)
    if n > 2 and m == 2:  # one product of tall matrices instead of many small ones
        flat = sym.matmul(sym.reshape(input, (-1 if a.size else 0, a.shape[-1])), other) if a.size else None
        if flat is not None:
            return sym.reshape(flat, (*a.shape[:-1], b.shape[-1]))
    x = sym.reshape(input, (1, a.shape[0])) if n == 1 else input
    y = sym.reshape(other, (b.shape[0], 1)) if m == 1 else other
    out = sym.matmul(x, y)
    if n == 1 or m == 1:
        s = out.array.shape
        s = s[:-1] if m == 1 else s
        out = sym.reshape(out, (*s[:-2], *s[-1:]) if n == 1 and m > 1 else s[:-1] if n == 1 else s)
    return out


def _shaped(name: str, a: Tensor, b: Tensor, n: int, m: int) -> None:
    for x in (a, b):
        if not isinstance(x, Tensor):
            raise TypeError(f"{name}: expected Tensors, got {type(x).__name__}.")
    if a.array.ndim != n or b.array.ndim != m:
        raise RuntimeError(
            f"{name}: expects tensors of {n} and {m} dimensions, got shapes {a.array.shape} and {b.array.shape}."
        )


@method()
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices."""
    _shaped("mm", input, mat2, 2, 2)
    return matmul(input, mat2)


@method()
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of two batches of matrices of equal length."""
    _shaped("bmm", input, mat2, 3, 3)
    if input.array.shape[0] != mat2.array.shape[0]:
        raise ShapeError(f"bmm: batch sizes differ: shapes {input.array.shape} and {mat2.array.shape}.")
    return matmul(input, mat2)


@method()
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix and a vector."""
    _shaped("mv", input, vec, 2, 1)
    return matmul(input, vec)


@method()
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The inner product of two vectors of equal length."""
    _shaped("dot", input, tensor, 1, 1)
    return matmul(input, tensor)


@method("outer", "ger")
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """``out[i, j] = input[i] * vec2[j]``."""
    _shaped("outer", input, vec2, 1, 1)
    return _mul(sym.reshape(input, (input.array.shape[0], 1)), vec2)


ger = outer


def _combine(input: Tensor, product: Tensor, beta: Any, alpha: Any) -> Tensor:
    """``beta * input + alpha * product``; a beta of 0 ignores the input, also its NaN."""
    if alpha != 1:
        product = _mul(product, alpha)
    if beta == 0:
        return product
    return _add(product, input if beta == 1 else _mul(input, beta))


@method(inplace=True)
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * input + alpha * mat1 @ mat2``."""
    return _combine(input, mm(mat1, mat2), beta, alpha)


@method(inplace=True)
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * input + alpha * batch1 @ batch2``."""
    return _combine(input, bmm(batch1, batch2), beta, alpha)


# ------------------------------------------------------------------------------------------------- einsum


def _einsum_rule(g: Any, xs: Any, xs_shape: Any, equation: str, needs: Any, F: Any) -> Any:
    """Each operand's gradient is an einsum of the cotangent with the other operands."""
    inputs, output = equation.split("->")
    terms = inputs.split(",")
    out: list[Any] = []
    for i, (term, need) in enumerate(zip(terms, needs, strict=True)):
        if not need:
            out.append(None)
            continue
        others = [t for k, t in enumerate(terms) if k != i]
        operands = [g, *[x for k, x in enumerate(xs) if k != i]]
        seen = set(output) | set("".join(others))
        present = "".join(c for c in term if c in seen)
        part = F.einsum(operands, f"{','.join([output, *others])}->{present}")
        # letters summed away inside this operand alone: the gradient is the same along them
        shape, k = [], 0
        for j, c in enumerate(term):
            if c in seen:
                shape.append(part.shape[k])
                k += 1
            else:
                shape.append(1)
        part = F.reshape(part, tuple(shape))
        out.append(F.broadcast_to(part, xs_shape[i]) if part.shape != xs_shape[i] else part)
    return out


defop(
    lambda xs, equation: np.einsum(
        equation, *xs, optimize="greedy" if len(xs) > 2 else len(xs) == 2 and xs[0].size * xs[1].size > 4096
    ),
    "xs",
    "equation",
    name="einsum",
    variadic=True,
    formula="the sum over the letters that are not in the result",
    joint=_einsum_rule,
)


def einsum(equation: str, *operands: Any) -> Tensor:
    """Sums of products in Einstein's notation: ``einsum("bij,bjk->bik", a, b)``.

    Letters name dimensions, ``...`` stands for broadcast ones; a letter twice in one operand takes the diagonal, letters
    that are not in the result are summed.

    Raises
    ------
    RuntimeError
        If the equation does not fit the operands.
    """
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    xs = [tensor_of(x, "einsum") for x in operands]
    text = equation.replace(" ", "")
    inputs, arrow, output = text.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(xs):
        raise RuntimeError(f"einsum: the equation {equation!r} names {len(terms)} operands, {len(xs)} were given.")
    letters = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in text]
    widest = max(
        (x.array.ndim - len(t.replace("...", "")) for t, x in zip(terms, xs, strict=True) if "..." in t), default=0
    )
    dots = "".join(letters[:widest])
    for i, (t, x) in enumerate(zip(terms, xs, strict=True)):
        plain = t.replace("...", "")
        count = x.array.ndim - len(plain)
        if count < 0 or (count > 0 and "..." not in t):
            raise RuntimeError(
                f"einsum: operand {i} has {x.array.ndim} dimensions (shape {x.array.shape}), the equation {equation!r} names {t!r}."
            )
        terms[i] = t.replace("...", dots[widest - count :] if count else "")
    if not arrow:
        joined = "".join(terms)
        output = dots + "".join(sorted(c for c in set(joined) - set(dots) if joined.count(c) == 1))
    else:
        output = output.replace("...", dots)
    for i, t in enumerate(terms):  # diagonals first, so that every rule sees distinct letters
        while len(set(t)) < len(t):
            c = next(c for c in t if t.count(c) > 1)
            a = t.index(c)
            b = t.index(c, a + 1)
            if xs[i].array.shape[a] != xs[i].array.shape[b]:
                raise ShapeError(
                    f"einsum: letter {c!r} has sizes {xs[i].array.shape[a]} and {xs[i].array.shape[b]} in operand {i}."
                )
            xs[i] = sym.diagonal(xs[i], 0, a, b)
            t = t[:a] + t[a + 1 : b] + t[b + 1 :] + c
        terms[i] = t
    sizes: dict[str, int] = {}
    for i, (t, x) in enumerate(zip(terms, xs, strict=True)):
        for c, s in zip(t, x.array.shape, strict=True):
            if sizes.setdefault(c, s) != s:
                if 1 not in (sizes[c], s):
                    raise ShapeError(
                        f"einsum: letter {c!r} has size {sizes[c]} before and {s} in operand {i} ({equation!r})."
                    )
                sizes[c] = max(sizes[c], s)
    for i, (t, x) in enumerate(zip(terms, xs, strict=True)):
        full = tuple(sizes[c] for c in t)
        if full != x.array.shape:
            xs[i] = sym.broadcast_to(x, full)
    missing = [c for c in output if c not in sizes]
    if missing or len(set(output)) < len(output):
        raise RuntimeError(
            f"einsum: the result {output!r} of {equation!r} names a letter twice or one that no operand has."
        )
    return sym.einsum(xs, f"{','.join(terms)}->{output}")


from ..op import METHODS  # noqa: E402

METHODS["__matmul__"] = matmul
METHODS["__rmatmul__"] = lambda self, other: matmul(other, self)
