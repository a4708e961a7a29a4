"""Losses that are compositions: margins, triplets, likelihoods.  The fused ones are ``autograd_core.ops.loss``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_core as ac
from autograd_core import Tensor
from autograd_core.ops.activation import logsigmoid
from autograd_core.ops.checks import floating, inexact, integers, tensor
from autograd_core.ops.distance import pairwise_distance
from autograd_core.ops.loss import pair, reduce_loss, reduction_of


def _at_least(x: Any, bound: float) -> Tensor:
    return x.clamp(min=bound)


def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """``log(1 + exp(-target * input))``, targets being 1 or -1, reduced."""
    reduction = reduction_of("soft_margin_loss", reduction, size_average, reduce)
    x, t = pair("soft_margin_loss", input, target, warn=False)
    return reduce_loss(-logsigmoid(t * x), reduction)


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """``input`` where the target is 1, ``max(0, margin - input)`` where it is -1, reduced."""
    reduction = reduction_of("hinge_embedding_loss", reduction, size_average, reduce)
    x, t = pair("hinge_embedding_loss", input, target, warn=False)
    near = ac.where(t != -1, x, 0.0)
    far = ac.where(t != 1, _at_least(margin - x, 0), 0.0)
    return reduce_loss(near + far, reduction)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """``max(0, -target * (input1 - input2) + margin)``: 1 wants the first to be larger, -1 the second; reduced."""
    name = "margin_ranking_loss"
    reduction = reduction_of(name, reduction, size_average, reduce)
    a, b = tensor(name, input1, "input1"), tensor(name, input2, "input2")
    t = tensor(name, target, "target")
    if not a.ndim == b.ndim == t.ndim:
        raise RuntimeError(
            f"{name}: all input tensors should have the same number of dimensions, got input1 {tuple(a.shape)}, "
            f"input2 {tuple(b.shape)} "
            f"and target {tuple(t.shape)}."
        )
    a, b = pair(name, a, b, warn=False, kinds="fi")
    d, t = pair(name, a - b, t, warn=False, kinds="fi")
    return reduce_loss(_at_least(-t * d + float(margin), 0), reduction)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """``1 - cos(input1, input2)`` where the target is 1, ``max(0, cos - margin)`` where it is -1, reduced.

    Parameters
    ----------
    input1, input2 : Tensor, (N, D) or (D,)
    target : Tensor, (N,) or ()
    """
    name = "cosine_embedding_loss"
    reduction = reduction_of(name, reduction, size_average, reduce)
    a, b, t = tensor(name, input1, "input1"), tensor(name, input2, "input2"), tensor(name, target, "target")
    if t.ndim not in (0, 1):
        raise RuntimeError(f"{name}: a 0-d or 1-d target is expected, got shape {tuple(t.shape)}.")
    if (t.ndim == 1 and (a.ndim != 2 or b.ndim != 2 or a.shape[0] != t.shape[0])) or (
        t.ndim == 0 and (a.ndim != 1 or b.ndim != 1)
    ):
        expected = "2-d inputs of as many rows" if t.ndim else "1-d inputs"
        raise RuntimeError(
            f"{name}: a target of shape {tuple(t.shape)} expects {expected}, got {tuple(a.shape)} and {tuple(b.shape)}."
        )
    tiny = 1e-12
    product = (a * b).sum(-1)
    lengths = (((a * a).sum(-1) + tiny) * ((b * b).sum(-1) + tiny)).sqrt()
    cosine = product / lengths
    losses = ac.where(t == 1, 1 - cosine, 0.0) + ac.where(t == -1, _at_least(cosine - margin, 0), 0.0)
    return reduce_loss(losses, reduction)


def _classed(name: str, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor, bool]:
    """Scores (N, C) and class indices (N,), checked; and whether there was a batch."""
    x, t = floating(name, input), integers(name, target, "target")
    x = x.reshape(1) if x.ndim == 0 else x  # a single class
    if x.ndim not in (1, 2) or 0 in tuple(x.shape)[-1:]:
        raise RuntimeError(f"{name}: expected a non-empty input of shape (N, C) or (C,), got {tuple(x.shape)}.")
    whole = x.ndim == 2
    if tuple(t.shape) not in ((tuple(x.shape[:1]),) if whole else ((), (1,))):
        raise RuntimeError(
            f"{name}: inconsistent target size {tuple(t.shape)} for input {tuple(x.shape)}; expected one class a row."
        )
    return (x if whole else x.unsqueeze(0)), t.reshape(-1), whole


def multi_margin_loss(
    input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``sum over i != y of max(0, margin - x[y] + x[i]) ** p / C``, times ``weight[y]``, reduced.

    Raises
    ------
    IndexError
        If a target is no class.
    """
    name = "multi_margin_loss"
    reduction = reduction_of(name, reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError(f"{name}: only p == 1 and p == 2 are supported, got {p}.")
    if weight is not None and weight.ndim != 1:
        raise ValueError(f"{name}: weight must be one-dimensional, got shape {tuple(weight.shape)}.")
    x, t, whole = _classed(name, input, target)
    classes = x.shape[1]
    _in_range(name, t, classes)
    if weight is not None and tuple(weight.shape) != (classes,):
        raise ValueError(
            f"{name}: weight must have one value for each of the {classes} classes, got shape {tuple(weight.shape)}."
        )
    index = t.reshape(-1, 1)
    z = _at_least(margin - x.gather(1, index) + x, 0)
    if p == 2:
        z = z * z
    if weight is not None:
        z = z * weight[t].unsqueeze(1)
    other = ac.ones(tuple(x.shape), dtype=x.dtype).scatter(1, index, 0.0)
    losses = (z * other).sum(1) / classes
    return reduce_loss(losses if whole else losses.reshape(()), reduction)


def _in_range(name: str, target: Tensor, classes: int) -> None:
    a = target.array
    if a.size and (a.min() < 0 or a.max() >= classes):
        wrong = int(a[(a < 0) | (a >= classes)][0])
        raise IndexError(f"{name}: target {wrong} is out of range for {classes} classes (0 to {classes - 1}).")


def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """``sum over labels j and other classes i of max(0, 1 - (x[y_j] - x[i])) / C``, reduced.

    Parameters
    ----------
    input : Tensor, (N, C) or (C,)
    target : Tensor of int, input's shape
        The labels of each row in its first places; the first -1 ends them.
    """
    name = "multilabel_margin_loss"
    reduction = reduction_of(name, reduction, size_average, reduce)
    x, t = floating(name, input), integers(name, target, "target")
    if x.ndim == 0 and t.ndim == 0:  # a single class
        x, t = x.reshape(1), t.reshape(1)
    if x.ndim not in (1, 2) or tuple(x.shape) != tuple(t.shape) or x.shape[-1] == 0:
        raise RuntimeError(
            f"{name}: expected input (N, C) or (C,) and a target of its shape, got {tuple(x.shape)} and "
            f"{tuple(t.shape)}."
        )
    whole = x.ndim == 2
    classes = x.shape[-1]
    scores = x.reshape(-1, classes)
    labels = t.array.reshape(-1, classes)
    valid = np.cumprod(labels >= 0, 1).astype(bool)
    _in_range(name, ac.from_numpy(labels[valid]), classes)
    wanted = np.zeros(labels.shape, bool)
    rows = np.nonzero(valid)[0]
    wanted[rows, labels[valid]] = True
    picked = scores.gather(1, ac.from_numpy(np.where(valid, labels, 0)))
    z = _at_least(1 - (picked.unsqueeze(2) - scores.unsqueeze(1)), 0)  # (row, label, other class)
    counted = ac.from_numpy((valid[:, :, None] & ~wanted[:, None, :]).astype(x.array.dtype))
    losses = (z * counted).sum((1, 2)) / classes
    return reduce_loss(losses if whole else losses.reshape(()), reduction)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """``-(t log s(x) + (1 - t) log s(-x))``, s the sigmoid, averaged over the classes (the last dimension), reduced."""
    name = "multilabel_soft_margin_loss"
    reduction = reduction_of(name, reduction, size_average, reduce)
    x, t = pair(name, input, target, warn=False)
    losses = -(t * logsigmoid(x) + (1 - t) * logsigmoid(-x))
    if weight is not None:
        losses = losses * weight
    classes = x.shape[-1] if x.ndim else 1
    return reduce_loss((losses.sum(-1) if x.ndim else losses) / classes, reduction)


def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool = True, full: bool = False, size_average: Any = None,
    eps: float = 1e-8,
    reduce: Any = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Minus the log-likelihood of counts ``target`` under Poisson rates ``exp(input)`` (or ``input``), reduced.

    ``full`` adds Stirling's approximation of ``log(target!)`` where the target is above 1.
    """
    name = "poisson_nll_loss"
    reduction = reduction_of(name, reduction, size_average, reduce)
    x, t = pair(name, inexact(name, input), target, warn=False)
    losses = x.exp() - t * x if log_input else x - t * (x + eps).log()
    if full:
        safe = ac.where(t > 1, t, 1.0)
        stirling = safe * safe.log() - safe + 0.5 * (2 * math.pi * safe).log()
        losses = losses + ac.where(t > 1, stirling, 0.0)
    return reduce_loss(losses, reduction)


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor | float, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """``(log(var) + (input - target)**2 / var) / 2``, the variance kept above ``eps``, reduced (Nix and Weigend, 1994).

    Parameters
    ----------
    input, target : Tensor, (N, *)
    var : Tensor or float
        Of the input's shape, or with a last dimension of size 1, or without it.
    full : bool
        Add the constant ``log(2 pi) / 2``.
    """
    name = "gaussian_nll_loss"
    reduction = reduction_of(name, reduction)
    x, t = pair(name, input, target, warn=False)
    if isinstance(var, float | int):
        if var < 0:
            raise ValueError(f"{name}: var has negative entries, got {var}.")
        v = ac.full(tuple(x.shape), float(var), dtype=x.dtype)
    else:
        v = tensor(name, var, "var")
        if tuple(v.shape) != tuple(x.shape):
            if tuple(x.shape[:-1]) == tuple(v.shape):
                v = v.unsqueeze(-1)
            elif np.broadcast_shapes(tuple(v.shape), tuple(x.shape)) != tuple(x.shape) if _broadcasts(v, x) else True:
                raise ValueError(f"{name}: var is of incorrect size {tuple(v.shape)} for input {tuple(x.shape)}.")
        if (v.array < 0).any():
            raise ValueError(f"{name}: var has negative entries, the smallest is {float(v.array.min()):g}.")
    v = v + (v.detach().clamp(min=eps) - v.detach())  # kept above eps; the derivative is untouched
    losses = 0.5 * (v.log() + (x - t) ** 2 / v)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduce_loss(losses, reduction)


def _broadcasts(a: Tensor, b: Tensor) -> bool:
    try:
        np.broadcast_shapes(tuple(a.shape), tuple(b.shape))
    except ValueError:
        return False
    return True


def _triplet(name: str, positive: Any, negative: Any, between: Any, margin: float, reduction: str) -> Tensor:
    if between is not None:
        negative = ac.minimum(negative, between)
    return reduce_loss(_at_least(margin + positive - negative, 0), reduction)


def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2, eps: float = 1e-6,
    swap: bool = False,
    size_average: Any = None, reduce: Any = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """``max(0, margin + |anchor - positive|_p - |anchor - negative|_p)`` over the last dimension, reduced.

    With ``swap`` the negative's distance to the positive counts when it is smaller (Balntas et al., 2016).
    """
    name = "triplet_margin_loss"
    reduction = reduction_of(name, reduction, size_average, reduce)
    if margin <= 0:
        raise ValueError(f"{name}: margin must be greater than 0, got {margin}.")
    a, b, c = (tensor(name, v, w) for v, w in ((anchor, "anchor"), (positive, "positive"), (negative, "negative")))
    if not a.ndim == b.ndim == c.ndim:
        raise RuntimeError(
            f"{name}: anchor, positive and negative should have the same number of dimensions, got {tuple(a.shape)}, "
            f"{tuple(b.shape)} and "
            f"{tuple(c.shape)}."
        )
    between = pairwise_distance(b, c, p, eps) if swap else None
    return _triplet(name, pairwise_distance(a, b, p, eps), pairwise_distance(a, c, p, eps), between, margin, reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0, swap: bool = False, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """:func:`triplet_margin_loss` with any distance function (``pairwise_distance`` when left out)."""
    name = "triplet_margin_with_distance_loss"
    reduction = reduction_of(name, reduction)
    if margin <= 0:
        raise ValueError(f"{name}: margin must be greater than 0, got {margin}.")
    a, b, c = (tensor(name, v, w) for v, w in ((anchor, "anchor"), (positive, "positive"), (negative, "negative")))
    if not a.ndim == b.ndim == c.ndim:
        raise RuntimeError(
            f"{name}: anchor, positive and negative should have the same number of dimensions, got {tuple(a.shape)}, "
            f"{tuple(b.shape)} and "
            f"{tuple(c.shape)}."
        )
    distance = distance_function or pairwise_distance
    return _triplet(name, distance(a, b), distance(a, c), distance(b, c) if swap else None, margin, reduction)
