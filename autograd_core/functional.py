"""``torch.autograd.functional``: Jacobians, Hessians and their products with vectors, of functions of tensors.

Source: PyTorch's page "torch.autograd.functional"; the forward products by differentiating the backward pass twice
(Townsend 2017, "A new trick for calculating Jacobian vector products").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .autograd import enable_grad, grad
from .errors import AutogradError, wrong_type
from .op import sym
from .tensor import Tensor, wrap

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def _tensors(name: str, what: str, value: Any) -> tuple[tuple[Tensor, ...], bool]:
    """``value`` as a tuple of tensors, and whether it was one."""
    several = isinstance(value, (tuple, list))
    items = tuple(value) if several else (value,)
    for i, v in enumerate(items):
        if not isinstance(v, Tensor):
            raise wrong_type(name, f"{what} {i}" if several else what, "a Tensor", v)
    return items, several


def _fresh(xs: Sequence[Tensor], create_graph: bool) -> tuple[Tensor, ...]:
    """The inputs to differentiate with respect to: cut off from what came before, unless a graph is to be made."""
    out = []
    for x in xs:
        out.append(sym.alias(x) if create_graph and x.node is not None else wrap(x.array).requires_grad_())
    return tuple(out)


def _strict(
    name: str, gs: Sequence[Any], xs: Sequence[Tensor], strict: bool, create_graph: bool, what: str
) -> tuple[Tensor, ...]:
    """Gradients with None as zeros, or an error where PyTorch's ``strict`` asks for one."""
    out = []
    for i, (g, x) in enumerate(zip(gs, xs, strict=True)):
        if g is None:
            if strict:
                raise AutogradError(
                    f"{name}: the {what} do not depend on input {i}; leave out strict=True to get zeros."
                )
            g = wrap(np.zeros_like(x.array))
        elif strict and create_graph and g.node is None:
            raise AutogradError(
                f"{name}: the gradient of input {i} does not depend on the inputs; leave out strict=True."
            )
        out.append(g)
    return tuple(out)


def _shaped(name: str, v: Any, like: Sequence[Tensor], label: str) -> tuple[Tensor, ...]:
    """The vector(s) ``v``, checked against what they multiply; ones for one scalar."""
    if v is None:
        if len(like) != 1 or like[0].array.size != 1:
            raise AutogradError(f"{name}: v may be left out only for a single {label} of one element; give v.")
        return (wrap(np.ones_like(like[0].array)),)
    vs, _ = _tensors(name, "v", v)
    if len(vs) != len(like):
        raise AutogradError(f"{name}: v has {len(vs)} tensors for {len(like)} {label}s.")
    for i, (a, b) in enumerate(zip(vs, like, strict=True)):
        if a.array.shape != b.array.shape:
            raise AutogradError(
                f"{name}: v {i} has shape {a.array.shape}, its {label} {b.array.shape}; they must be equal."
            )
    return vs


def _evaluate(name: str, func: Callable[..., Any], xs: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], bool]:
    return _tensors(name, "an output of the function", func(*xs))


def _gradients(ys: Sequence[Tensor], xs: Sequence[Tensor], vs: Sequence[Any], create_graph: bool) -> tuple[Any, ...]:
    live = [(y, v) for y, v in zip(ys, vs, strict=True) if y.node is not None]
    if not live:
        return (None,) * len(xs)
    return grad(
        [y for y, _ in live], xs, [v for _, v in live], retain_graph=True, create_graph=create_graph, allow_unused=True
    )


def _out(values: Sequence[Any], several: bool, create_graph: bool) -> Any:
    values = tuple(v if create_graph else v.detach() for v in values)
    return values if several else values[0]


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``(func(inputs), v^T J)``: the product of a vector with the Jacobian.

    Parameters
    ----------
    func : callable
        Takes tensors, returns a tensor or a tuple of them.
    inputs : Tensor or tuple of Tensor
    v : Tensor or tuple of Tensor, optional
        Of the outputs' shapes; may be left out when the output is one number.
    create_graph : bool
        Record, so that the product can be differentiated.
    strict : bool
        Raise where an output does not depend on an input (instead of zeros).
    """
    with enable_grad():
        given, several = _tensors("vjp", "inputs", inputs)
        xs = _fresh(given, create_graph)
        ys, many = _evaluate("vjp", func, xs)
        vs = _shaped("vjp", v, ys, "output")
        gs = _strict("vjp", _gradients(ys, xs, vs, create_graph), xs, strict, create_graph, "outputs")
    return _out(ys, many, create_graph), _out(gs, several, create_graph)


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``(func(inputs), J v)``: the product of the Jacobian with a vector of the inputs' shapes."""
    with enable_grad():
        given, _ = _tensors("jvp", "inputs", inputs)
        xs = _fresh(given, create_graph)
        vs = _shaped("jvp", v, xs, "input")
        ys, many = _evaluate("jvp", func, xs)
        products = _forward_products(ys, xs, vs, create_graph, strict)
    return _out(ys, many, create_graph), _out(products, many, create_graph)


def _forward_products(
    ys: Sequence[Tensor], xs: Sequence[Tensor], vs: Sequence[Tensor], create_graph: bool, strict: bool
) -> tuple[Tensor, ...]:
    """J v: u^T J is linear in u, and its derivative in u, against v, is J v."""
    us = tuple(wrap(np.zeros_like(y.array)).requires_grad_() for y in ys)
    gs = _gradients(ys, xs, us, True)
    if strict and any(g is None for g in gs):
        raise AutogradError("jvp: the outputs do not depend on one of the inputs; leave out strict=True to get zeros.")
    pairs = [(g, v) for g, v in zip(gs, vs, strict=True) if g is not None and g.node is not None]
    if pairs:
        got = grad(
            [g for g, _ in pairs],
            us,
            [v for _, v in pairs],
            retain_graph=True,
            create_graph=create_graph,
            allow_unused=True,
        )
    else:
        got = (None,) * len(us)  # type: ignore[assignment]
    return tuple(wrap(np.zeros_like(y.array)) if p is None else p for p, y in zip(got, ys, strict=True))


def jacobian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """All derivatives of the outputs with respect to the inputs, of shape ``output.shape + input.shape``.

    Parameters
    ----------
    func, inputs, create_graph, strict
        As for :func:`vjp`.
    vectorize : bool
        Accepted; the rows are computed one by one either way.
    strategy : {"reverse-mode", "forward-mode"}
        Row by row, or column by column (fewer passes when there are fewer inputs than outputs).

    Returns
    -------
    Tensor, or tuples of them
        Nested by outputs, then inputs, where these are tuples.

    Examples
    --------
    >>> import autograd_core as ac
    >>> ac.autograd.functional.jacobian(lambda x: x**2, ac.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if strategy not in ("reverse-mode", "forward-mode"):
        raise ValueError(f"jacobian: strategy must be 'reverse-mode' or 'forward-mode', got {strategy!r}.")
    with enable_grad():
        given, several = _tensors("jacobian", "inputs", inputs)
        xs = _fresh(given, create_graph)
        ys, many = _evaluate("jacobian", func, xs)
        if strategy == "forward-mode":
            rows = _by_columns(ys, xs, create_graph)
        else:
            rows = tuple(_by_rows(y, xs, create_graph, strict) for y in ys)
    made = tuple(_out(r, several, create_graph) for r in rows)
    return made if many else made[0]


def _one_hot(x: Any, k: int) -> Any:
    e = np.zeros(x.size, x.dtype)
    e[k] = 1
    return e.reshape(x.shape)


def _by_rows(y: Tensor, xs: Sequence[Tensor], create_graph: bool, strict: bool) -> tuple[Tensor, ...]:
    rows: list[list[Tensor]] = [[] for _ in xs]
    for k in range(y.array.size):
        gs = _gradients((y,), xs, (wrap(_one_hot(y.array, k)),), create_graph)
        for column, g in zip(rows, _strict("jacobian", gs, xs, strict, create_graph, "outputs"), strict=True):
            column.append(g)
    return tuple(
        sym.reshape(sym.stack(r, 0), (*y.array.shape, *x.array.shape))
        if r
        else wrap(np.zeros((*y.array.shape, *x.array.shape), x.array.dtype))
        for r, x in zip(rows, xs, strict=True)
    )


def _by_columns(ys: Sequence[Tensor], xs: Sequence[Tensor], create_graph: bool) -> tuple[tuple[Tensor, ...], ...]:
    table: list[list[Tensor]] = [[] for _ in ys]
    for i, x in enumerate(xs):
        columns: list[list[Tensor]] = [[] for _ in ys]
        for k in range(x.array.size):
            vs = [wrap(_one_hot(u.array, k) if j == i else np.zeros_like(u.array)) for j, u in enumerate(xs)]
            for c, p in zip(columns, _forward_products(ys, xs, vs, create_graph, False), strict=True):
                c.append(p)
        for row, c, y in zip(table, columns, ys, strict=True):
            wide = sym.stack(c, y.array.ndim) if c else wrap(np.zeros((*y.array.shape, 0), y.array.dtype))
            row.append(sym.reshape(wide, (*y.array.shape, *x.array.shape)))
    return tuple(tuple(r) for r in table)


def _scalar(name: str, func: Callable[..., Any], xs: tuple[Tensor, ...]) -> Tensor:
    y = func(*xs)
    if not isinstance(y, Tensor):
        raise wrong_type(name, "the function's output", "one Tensor", y)
    if y.array.size != 1:
        raise AutogradError(f"{name}: the function must return one number, got shape {y.array.shape}.")
    return sym.reshape(y, ())


def hessian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The second derivatives of a function with one number as output, nested by inputs twice where these are a tuple."""
    given, several = _tensors("hessian", "inputs", inputs)

    def gradient(*xs: Tensor) -> tuple[Tensor, ...]:
        xs = tuple(x if x.node is not None else x.requires_grad_() for x in xs)
        gs = _gradients((_scalar("hessian", func, xs),), xs, (None,), True)
        return _strict("hessian", gs, xs, strict, True, "outputs")

    blocks = jacobian(gradient, tuple(given), create_graph, strict, vectorize, outer_jacobian_strategy)
    return blocks if several else blocks[0][0]


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``(func(inputs), v^T H)``: the product of a vector with the Hessian."""
    return _hessian_product("vhp", func, inputs, v, create_graph, strict)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``(func(inputs), H v)``: the product of the Hessian with a vector (the Hessian is symmetric: :func:`vhp` does it)."""
    return _hessian_product("hvp", func, inputs, v, create_graph, strict)


def _hessian_product(
    name: str, func: Callable[..., Any], inputs: Any, v: Any, create_graph: bool, strict: bool
) -> tuple[Any, Any]:
    with enable_grad():
        given, several = _tensors(name, "inputs", inputs)
        xs = _fresh(given, create_graph)
        vs = _shaped(name, v, xs, "input")
        y = _scalar(name, func, xs)
        gs = _strict(name, _gradients((y,), xs, (None,), True), xs, strict, True, "outputs")
        products = _strict(name, _gradients(gs, xs, vs, create_graph), xs, strict, create_graph, "gradients")
    return _out((y,), False, create_graph), _out(products, several, create_graph)
