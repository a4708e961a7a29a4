"""``torch.func``: ``grad``, ``vjp``, ``jvp``, ``jacrev``, ``jacfwd``, ``hessian`` and ``vmap`` of functions, composable.

Arguments may be nested lists, tuples and dicts of tensors (a module's parameters).  The transforms are made of ordinary
recorded computation, so they nest to any depth: what an outer transform differentiates keeps its graph.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import autograd
from .autograd import enable_grad
from .errors import AutogradError, wrong_type
from .graph import Node
from .op import sym
from .tensor import Tensor, wrap
from .utils._pytree import TreeSpec, tree_flatten, tree_map, tree_unflatten

__all__ = ["functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "vjp", "vmap"]


def functional_call(
    module: Any,
    parameters_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: Any = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call an ``nn.Module`` as if the given tensors were its parameters and buffers."""
    call = importlib.import_module("nn.utils.stateless").functional_call
    return call(module, parameters_and_buffer_dicts, args, kwargs, tie_weights=tie_weights, strict=strict)


# ------------------------------------------------------------------------------------------------- levels


def _mark(name: str, leaves: Sequence[Any]) -> list[Tensor]:
    """New places in the graph for the tensors that a transform differentiates."""
    out = []
    for v in leaves:
        if not isinstance(v, Tensor):
            raise wrong_type(name, "what is differentiated", "made of Tensors", v)
        if v.array.dtype.kind not in "fc":
            raise AutogradError(
                f"{name}: cannot differentiate with respect to a tensor of type {v.dtype.name}; convert it to float."
            )
        out.append(sym.alias(v) if v.node is not None else wrap(v.array).requires_grad_())
    return out


def _others(ys: Sequence[Tensor], mine: Sequence[Tensor]) -> bool:
    """Whether results depend on anything besides the marked tensors that asks for a gradient."""
    own = {x.node for x in mine if x.node is not None}
    stack: list[Node] = [y.node for y in ys if y.node is not None]
    seen = set(stack)
    while stack:
        node = stack.pop()
        if node in own:
            if node.op is not None:  # an alias of something an outer transform differentiates
                return True
            continue
        if node.op is None:
            return True
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return False


def _gradients(ys: Sequence[Tensor], xs: Sequence[Tensor], vs: Sequence[Any], create: bool) -> list[Any]:
    live = [(y, v) for y, v in zip(ys, vs, strict=True) if y.node is not None]
    if not live:
        return [wrap(np.zeros_like(x.array)) for x in xs]
    got = autograd.grad(
        [y for y, _ in live],
        xs,
        [v for _, v in live],
        retain_graph=True,
        create_graph=create,
        allow_unused=True,
        materialize_grads=True,
    )
    return list(got)


def _pure(values: Any, create: bool) -> Any:
    """Results without the graph of this transform, unless an outer one needs it."""
    return values if create else tree_map(lambda v: v.detach() if isinstance(v, Tensor) else v, values)


def _chosen(name: str, argnums: int | tuple[int, ...], args: tuple[Any, ...]) -> tuple[int, ...]:
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    for k in numbers:
        if not isinstance(k, int) or not -len(args) <= k < len(args):
            raise RuntimeError(f"{name}: argnums {k} is out of range for {len(args)} positional arguments.")
    return tuple(k % len(args) for k in numbers)


class _Call:
    """A function called with its chosen arguments marked."""

    def __init__(
        self,
        name: str,
        func: Callable[..., Any],
        argnums: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        has_aux: bool,
    ) -> None:
        numbers = _chosen(name, argnums, args)
        self.single = not isinstance(argnums, tuple)
        flat = [tree_flatten(args[k]) for k in numbers]
        self.specs = [spec for _, spec in flat]
        self.counts = [len(leaves) for leaves, _ in flat]
        self.xs = _mark(name, [v for leaves, _ in flat for v in leaves])
        new, start = list(args), 0
        for k, spec, n in zip(numbers, self.specs, self.counts, strict=True):
            new[k] = tree_unflatten(self.xs[start : start + n], spec)
            start += n
        result = func(*new, **kwargs)
        self.aux: Any = None
        if has_aux:
            if not isinstance(result, tuple) or len(result) != 2:
                raise RuntimeError(f"{name}: with has_aux=True the function must return (output, aux).")
            result, self.aux = result
        self.result = result
        self.ys, self.spec = tree_flatten(result)
        for y in self.ys:
            if not isinstance(y, Tensor):
                raise wrong_type(name, "the function's output", "made of Tensors", y)
        self.create = _others(self.ys, self.xs)

    def shaped(self, values: Sequence[Any]) -> Any:
        """Values for the marked tensors in the form of the arguments."""
        out, start = [], 0
        for spec, n in zip(self.specs, self.counts, strict=True):
            out.append(tree_unflatten(values[start : start + n], spec))
            start += n
        return out[0] if self.single else tuple(out)


# ------------------------------------------------------------------------------------------------- transforms


def grad_and_value(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that returns ``(gradient, value)`` of ``func`` (with ``has_aux``: ``(gradient, (value, aux))``)."""

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with enable_grad():
            c = _Call("grad", func, argnums, args, kwargs, has_aux)
            if len(c.ys) != 1 or c.spec.type is not None or c.ys[0].array.ndim:
                shapes = ", ".join(str(y.array.shape) for y in c.ys)
                raise RuntimeError(
                    f"grad: the function must return one 0-d tensor, got shapes {shapes}; sum it, or use vjp() or jacrev()."
                )
            got = c.shaped(_gradients(c.ys, c.xs, (None,), c.create))
        got, value, aux = _pure((got, c.result, c.aux), c.create)
        return got, (value, aux) if has_aux else value

    return wrapped


def grad(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns the gradient of ``func`` (a 0-d tensor) with respect to the arguments ``argnums``.

    Parameters
    ----------
    func : callable
        Returns a 0-d tensor, or with ``has_aux`` a pair of it and anything else.
    argnums : int or tuple of int
        The positional arguments to differentiate (trees of tensors allowed).

    Examples
    --------
    >>> import autograd_core as ac
    >>> f = lambda x: x**3
    >>> ac.func.grad(ac.func.grad(f))(ac.tensor(2.0))
    tensor(12.)
    """

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        got, value = grad_and_value(func, argnums, has_aux)(*args, **kwargs)
        return (got, value[1]) if has_aux else got

    return wrapped


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """``(output, vjp_fn)``: ``vjp_fn(cotangents)`` gives a tuple of gradients, one for each of ``primals``."""
    with enable_grad():
        c = _Call("vjp", func, tuple(range(len(primals))), primals, {}, has_aux)

    def vjp_fn(*cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        vs, _ = tree_flatten(cotangents[0] if len(cotangents) == 1 else cotangents)
        if len(vs) != len(c.ys):
            raise RuntimeError(f"vjp: {len(vs)} cotangents for {len(c.ys)} outputs; give one for each.")
        with enable_grad():
            create = c.create or any(isinstance(v, Tensor) and v.node is not None for v in vs)
            return _pure(c.shaped(_gradients(c.ys, c.xs, vs, create)), create)

    value, aux = _pure((c.result, c.aux), c.create)
    return (value, vjp_fn, aux) if has_aux else (value, vjp_fn)


def _forward(c: _Call, vs: Sequence[Tensor], create: bool) -> list[Tensor]:
    """J v for every output: the derivative of u^T J in u, against v."""
    us = [wrap(np.zeros_like(y.array)).requires_grad_() for y in c.ys]
    gs = _gradients(c.ys, c.xs, us, True)
    pairs = [(g, v) for g, v in zip(gs, vs, strict=True) if g.node is not None]
    if not pairs:
        return [wrap(np.zeros_like(y.array)) for y in c.ys]
    return _gradients([g for g, _ in pairs], us, [v for _, v in pairs], create)


def jvp(
    func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> tuple[Any, ...]:
    """``(output, J tangents)``: the directional derivative of ``func`` at ``primals``."""
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple) or len(primals) != len(tangents):
        raise RuntimeError("jvp: primals and tangents must be tuples of the same length.")
    with enable_grad():
        c = _Call("jvp", func, tuple(range(len(primals))), primals, {}, has_aux)
        vs, _ = tree_flatten(tangents)
        if len(vs) != len(c.xs):
            raise RuntimeError(f"jvp: {len(vs)} tangents for {len(c.xs)} tensors in primals; give one for each.")
        for v, x in zip(vs, c.xs, strict=True):
            if v.array.shape != x.array.shape:
                raise RuntimeError(
                    f"jvp: a tangent has shape {v.array.shape}, its primal {x.array.shape}; they must be equal."
                )
        create = c.create or any(v.node is not None for v in vs)
        product = tree_unflatten(_forward(c, vs, create), c.spec)
    value, product, aux = _pure((c.result, product, c.aux), create)
    return (value, product, aux) if has_aux else (value, product)


def _unit(x: Any, k: int) -> Tensor:
    e = np.zeros(x.size, x.dtype)
    e[k] = 1
    return wrap(e.reshape(x.shape))


def jacrev(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False, **options: Any
) -> Callable[..., Any]:
    """A function that returns the Jacobian of ``func``, row by row by backward passes (``chunk_size`` is accepted)."""

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with enable_grad():
            c = _Call("jacrev", func, argnums, args, kwargs, has_aux)
            blocks = []
            for y in c.ys:
                rows = [_gradients((y,), c.xs, (_unit(y.array, k),), c.create) for k in range(y.array.size)]
                blocks.append(
                    c.shaped([_stacked([r[i] for r in rows], y.array.shape, x.array) for i, x in enumerate(c.xs)])
                )
            got = tree_unflatten(blocks, c.spec)
        got, aux = _pure((got, c.aux), c.create)
        return (got, aux) if has_aux else got

    return wrapped


def _stacked(rows: list[Tensor], shape: tuple[int, ...], x: Any) -> Tensor:
    if not rows:
        return wrap(np.zeros((*shape, *x.shape), x.dtype))
    return sym.reshape(sym.stack(rows, 0), (*shape, *x.shape))


def jacfwd(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """A function that returns the Jacobian of ``func``, column by column (fewer passes where inputs are fewer than outputs)."""

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with enable_grad():
            c = _Call("jacfwd", func, argnums, args, kwargs, has_aux)
            table: list[list[Tensor]] = [[] for _ in c.ys]
            for i, x in enumerate(c.xs):
                columns: list[list[Tensor]] = [[] for _ in c.ys]
                for k in range(x.array.size):
                    vs = [_unit(u.array, k) if j == i else wrap(np.zeros_like(u.array)) for j, u in enumerate(c.xs)]
                    for column, p in zip(columns, _forward(c, vs, c.create), strict=True):
                        column.append(p)
                for row, column, y in zip(table, columns, c.ys, strict=True):
                    wide = (
                        sym.stack(column, y.array.ndim)
                        if column
                        else wrap(np.zeros((*y.array.shape, 0), y.array.dtype))
                    )
                    row.append(sym.reshape(wide, (*y.array.shape, *x.array.shape)))
            got = tree_unflatten([c.shaped(row) for row in table], c.spec)
        got, aux = _pure((got, c.aux), c.create)
        return (got, aux) if has_aux else got

    return wrapped


def hessian(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """A function that returns the second derivatives of ``func``."""
    return jacrev(jacrev(func, argnums), argnums)


# ------------------------------------------------------------------------------------------------- vmap


def _in_dims(in_dims: Any, args: tuple[Any, ...]) -> tuple[list[Any], list[Any], TreeSpec]:
    """For each leaf of the arguments its batch dimension or None."""
    leaves, spec = tree_flatten(args)
    per_arg = (in_dims,) * len(args) if isinstance(in_dims, int) or in_dims is None else tuple(in_dims)
    if len(per_arg) != len(args):
        raise ValueError(f"vmap: in_dims has {len(per_arg)} entries for {len(args)} arguments.")
    dims: list[Any] = []

    def visit(arg: Any, dim: Any) -> None:
        if isinstance(dim, int) or dim is None:
            found = tree_flatten(arg)[0]
            dims.extend([dim] * len(found))
        elif isinstance(arg, dict):
            for k in arg:
                visit(arg[k], dim[k])
        else:
            for a, d in zip(arg, dim, strict=True):
                visit(a, d)

    for arg, dim in zip(args, per_arg, strict=True):
        visit(arg, dim)
    return leaves, dims, spec


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """``func`` applied to each element of the batch dimension(s) of its arguments, the results stacked.

    The elements are computed one after another: the results are those of PyTorch's vmap, the speed is that of a loop.

    Parameters
    ----------
    in_dims : int, None or nested tuple
        The batch dimension of each argument; None for one that all elements share.
    out_dims : int or tuple of int
        Where the batch dimension goes in the results.
    randomness, chunk_size
        Accepted; random draws differ from element to element.
    """

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        leaves, dims, spec = _in_dims(in_dims, args)
        sizes = set()
        for v, d in zip(leaves, dims, strict=True):
            if d is not None:
                if not isinstance(v, Tensor) or not -v.array.ndim <= d < v.array.ndim:
                    what = f"a tensor of shape {v.array.shape}" if isinstance(v, Tensor) else type(v).__name__
                    raise ValueError(f"vmap: in_dims {d} is no dimension of {what}.")
                sizes.add(v.array.shape[d])
        if len(sizes) != 1:
            raise ValueError(f"vmap: the mapped dimensions must be of one size, got {sorted(sizes) or 'none'}.")
        (n,) = sizes
        results = []
        for k in range(n):
            part = [v if d is None else v.select(d, k) for v, d in zip(leaves, dims, strict=True)]
            results.append(tree_flatten(func(*tree_unflatten(part, spec), **kwargs)))
        if not results:
            raise RuntimeError("vmap: the batch dimension is empty, so the results' shapes are not known.")
        out_spec = results[0][1]
        width = len(results[0][0])
        places = [out_dims] * width if isinstance(out_dims, int) else list(out_dims)
        if len(places) != width:
            raise ValueError(f"vmap: out_dims has {len(places)} entries for {width} results.")
        columns = []
        for i, d in enumerate(places):
            column = [r[0][i] for r in results]
            if not all(isinstance(v, Tensor) for v in column):
                raise wrong_type("vmap", "the function's results", "Tensors", column[0])
            m = column[0].array.ndim + 1
            columns.append(sym.stack(column, d % m))
        return tree_unflatten(columns, out_spec)

    return wrapped
