"""``gradcheck`` and ``gradgradcheck``: a function's gradients against central differences.

The failure says which input, which index, what the rule and what the difference gave, and which op made the output.
Source: PyTorch's page "torch.autograd.gradcheck".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .autograd import grad
from .errors import AutogradError
from .tensor import Tensor, wrap

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """A gradient that does not agree with the finite difference."""


def _outputs(func: Callable[..., Any], inputs: tuple[Any, ...]) -> list[Tensor]:
    got = func(*inputs)
    ys = list(got) if isinstance(got, (tuple, list)) else [got]
    return [y for y in ys if isinstance(y, Tensor) and y.array.dtype.kind in "fc" and y.requires_grad]


def _values(func: Callable[..., Any], inputs: tuple[Any, ...], keep: list[int]) -> list[np.ndarray[Any, Any]]:
    got = func(*inputs)
    ys = list(got) if isinstance(got, (tuple, list)) else [got]
    return [np.array(ys[i].array) for i in keep]


def _check(name: str, inputs: Any) -> tuple[Any, ...]:
    xs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    if not any(isinstance(x, Tensor) and x.requires_grad for x in xs):
        raise ValueError(f"{name}: at least one input must be a Tensor with requires_grad=True.")
    for i, x in enumerate(xs):
        if isinstance(x, Tensor) and x.requires_grad:
            if x.node is not None and x.node.op is not None:
                raise ValueError(f"{name}: input {i} must be a leaf; call detach().requires_grad_() on it.")
            if (
                x.array.size > 1
                and 0 in x.array.strides
                and any(s == 0 and n > 1 for s, n in zip(x.array.strides, x.array.shape, strict=True))
            ):
                raise RuntimeError(f"{name}: input {i} is an expanded tensor, whose elements share memory; clone() it.")
    return xs


def _report(
    name: str, i: int, j: int, index: tuple[int, ...], a: Any, n: Any, y: Tensor, atol: float, rtol: float
) -> str:
    op = y.node.op.name if y.node is not None and y.node.op is not None else "the function"
    return (
        f"{name}: the gradient of output {j} (made by '{op}') with respect to input {i} at index {index} is {a:.10g}, but the "
        f"finite difference gives {n:.10g} (difference {abs(a - n):.3g}, allowed atol={atol:g} + rtol={rtol:g} * |numerical|). "
        "Either a gradient rule is wrong, or the function is not differentiable at this point, or the input is not float64."
    )


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Compare the gradients of ``func`` with central differences ``(f(x + eps) - f(x - eps)) / (2 eps)``.

    Parameters
    ----------
    func : callable
        Takes the inputs, returns a Tensor or a tuple of them.
    inputs : Tensor or tuple
        Those with ``requires_grad`` are checked; they should be float64 (or complex128).
    eps, atol, rtol : float
        Step, and the tolerances of ``|analytical - numerical| <= atol + rtol |numerical|``.
    raise_exception : bool
        Raise on failure (else return False).
    nondet_tol : float
        How far two backward passes may differ.
    fast_mode : bool
        Compare directional derivatives along one random direction instead of every entry of the Jacobian.
    check_undefined_grad, check_grad_dtypes, check_batched_grad, check_forward_ad, ...
        Accepted as in PyTorch; gradients' dtypes are always checked.

    Returns
    -------
    bool

    Raises
    ------
    GradcheckError
        Naming the input, the index, the analytical and the numerical value, and the op.

    Examples
    --------
    >>> import autograd_core as ac
    >>> x = ac.rand(3, dtype=ac.float64, requires_grad=True)
    >>> ac.autograd.gradcheck(lambda x: (x * x).sin(), x)
    True
    """
    xs = _check("gradcheck", inputs)
    try:
        if fast_mode:
            _fast(func, xs, eps, atol, rtol)
        else:
            _full(func, xs, eps, atol, rtol)
        _deterministic(func, xs, nondet_tol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _tracked(xs: tuple[Any, ...]) -> list[int]:
    return [i for i, x in enumerate(xs) if isinstance(x, Tensor) and x.requires_grad]


def _all_outputs(func: Callable[..., Any], xs: tuple[Any, ...]) -> tuple[list[Tensor], list[int]]:
    got = func(*xs)
    ys = list(got) if isinstance(got, (tuple, list)) else [got]
    keep = [k for k, y in enumerate(ys) if isinstance(y, Tensor) and y.requires_grad]
    if not keep:
        raise ValueError("gradcheck: no output requires grad.")
    return [ys[k] for k in keep], keep


def _difference(
    func: Any, xs: tuple[Any, ...], keep: list[int], x: Tensor, move: np.ndarray[Any, Any], eps: float
) -> list[Any]:
    """The central difference of the outputs when x moves along ``move``."""
    old = x.array.copy()
    try:
        x.array[...] = old + eps * move
        up = _values(func, xs, keep)
        x.array[...] = old - eps * move
        down = _values(func, xs, keep)
    finally:
        x.array[...] = old
    return [(a - b) / (2 * eps) for a, b in zip(up, down, strict=True)]


def _full(func: Any, xs: tuple[Any, ...], eps: float, atol: float, rtol: float) -> None:
    ys, keep = _all_outputs(func, xs)
    for i in _tracked(xs):
        x = xs[i]
        parts: Any = (1.0, 1j) if x.array.dtype.kind == "c" else (1.0,)
        numeric = [np.zeros((y.array.size, x.array.size, len(parts)), np.complex128) for y in ys]
        for k, index in enumerate(np.ndindex(x.array.shape)):
            for p, unit in enumerate(parts):
                move = np.zeros(x.array.shape, x.array.dtype)
                move[index] = unit
                for j, d in enumerate(_difference(func, xs, keep, x, move, eps)):
                    numeric[j][:, k, p] = d.reshape(-1)
        for j, y in enumerate(ys):
            units: Any = (1.0, 1j) if y.array.dtype.kind == "c" else (1.0,)
            for row in range(y.array.size):
                for unit in units:
                    w: Any = np.zeros(y.array.size, y.array.dtype)
                    w[row] = unit
                    (g,) = grad(y, x, wrap(w.reshape(y.array.shape)), retain_graph=True, allow_unused=True)
                    a = np.zeros(x.array.size, x.array.dtype) if g is None else g.array.reshape(-1)
                    if g is not None and g.array.dtype != x.array.dtype:
                        raise GradcheckError(
                            f"gradcheck: the gradient of input {i} is {g.dtype.name}, the input {x.dtype.name}."
                        )
                    for p in range(len(parts)):
                        # <g, u> under PyTorch's convention: Re(conj(w) dy) = Re(conj(g) dx)
                        n = (np.conj(unit) * numeric[j][row, :, p]).real
                        v = (np.conj(a) * parts[p]).real
                        bad = ~(np.abs(v - n) <= atol + rtol * np.abs(n)) & ~(np.isnan(v) & np.isnan(n))
                        if bad.any():
                            k = int(np.argmax(bad))
                            where = tuple(int(q) for q in np.unravel_index(k, x.array.shape))
                            raise GradcheckError(_report("gradcheck", i, keep[j], where, v[k], n[k], y, atol, rtol))


def _fast(func: Any, xs: tuple[Any, ...], eps: float, atol: float, rtol: float) -> None:
    ys, keep = _all_outputs(func, xs)
    rng = np.random.default_rng(0)
    for i in _tracked(xs):
        x = xs[i]
        u: Any = rng.standard_normal(x.array.shape)
        if x.array.dtype.kind == "c":
            u = u + 1j * rng.standard_normal(x.array.shape)
        u = np.asarray(u / max(np.linalg.norm(u.reshape(-1)), 1e-30)).astype(x.array.dtype)
        numeric = _difference(func, xs, keep, x, u, eps)
        for j, y in enumerate(ys):
            w: Any = rng.standard_normal(y.array.shape)
            if y.array.dtype.kind == "c":
                w = w + 1j * rng.standard_normal(y.array.shape)
            w = np.asarray(w).astype(y.array.dtype)
            (g,) = grad(y, x, wrap(w), retain_graph=True, allow_unused=True)
            a = 0.0 if g is None else float(np.sum((np.conj(g.array) * u).real))
            n = float(np.sum((np.conj(w) * numeric[j]).real))
            room = atol * max(1.0, float(np.linalg.norm(w.reshape(-1)))) + rtol * abs(n)
            if not abs(a - n) <= room:
                op = y.node.op.name if y.node is not None and y.node.op is not None else "the function"
                raise GradcheckError(
                    f"gradcheck: the directional derivative of output {keep[j]} (made by '{op}') along a random direction of "
                    f"input {i} is {a:.10g} by the gradient, {n:.10g} by the finite difference (allowed {room:.3g}). "
                    "Run again with fast_mode=False to see which index."
                )


def _deterministic(func: Any, xs: tuple[Any, ...], tol: float) -> None:
    def once() -> list[Any]:
        ys, _ = _all_outputs(func, xs)
        tracked = [xs[i] for i in _tracked(xs)]
        return [
            None if g is None else g.array
            for g in grad(ys, tracked, [wrap(np.ones_like(y.array)) for y in ys], allow_unused=True)
        ]

    for a, b in zip(once(), once(), strict=True):
        if a is not None and not np.allclose(a, b, rtol=0, atol=tol, equal_nan=True):
            raise GradcheckError(
                f"gradcheck: two backward passes differ by {np.abs(a - b).max():.3g}: the function is not deterministic "
                "(pass nondet_tol to allow it)."
            )


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Compare the gradients of the gradients of ``func`` with central differences.

    ``grad_outputs`` are the cotangents of the first backward pass (random ones when left out); they are checked as
    inputs too.  The other arguments are those of :func:`gradcheck`.
    """
    xs = _check("gradgradcheck", inputs)
    ys = _outputs(func, xs)
    if not ys:
        raise ValueError("gradgradcheck: no output requires grad.")
    if grad_outputs is None:
        rng = np.random.default_rng(0)
        ws = []
        for y in ys:
            w: Any = rng.standard_normal(y.array.shape)
            if y.array.dtype.kind == "c":
                w = w + 1j * rng.standard_normal(y.array.shape)
            ws.append(wrap(np.asarray(w).astype(y.array.dtype)).requires_grad_())
    else:
        given = (grad_outputs,) if isinstance(grad_outputs, Tensor) else tuple(grad_outputs)
        ws = [g.detach().clone().requires_grad_() for g in given]  # type: ignore[attr-defined]
    if len(ws) != len(ys):
        raise AutogradError(f"gradgradcheck: {len(ys)} outputs require grad but {len(ws)} grad_outputs were given.")
    count = len(xs)

    def gradients(*args: Any) -> tuple[Tensor, ...]:
        inner, cotangents = args[:count], args[count:]
        tracked = [x for x in inner if isinstance(x, Tensor) and x.requires_grad]
        got = grad(_outputs(func, inner), tracked, list(cotangents), create_graph=True, allow_unused=True)
        return tuple(g for g in got if g is not None)

    return gradcheck(
        gradients, (*xs, *ws), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception, nondet_tol=nondet_tol,
        fast_mode=fast_mode,
    )  # fmt: skip
