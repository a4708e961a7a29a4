"""Loss functions that are ops: a value and one formula for the gradient, with the mean or sum taken in the same pass.

Losses that are plain compositions (margins, triplets ...) are in ``nn/functional``.  A loss over pairs of elements
refuses a broadcast in which both sides grow, such as (32, 1) against (32,): it is nearly always a forgotten
dimension, and gives a number that trains to something else.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from .. import dtypes
from ..errors import no_broadcast
from ..kernels import activation as activations
from ..kernels import loss as kernels
from ..op import defop, helper, raw, sym
from ..tensor import Tensor, wrap
from .checks import floating, one_type, tensor

__all__: list[str] = []

# ------------------------------------------------------------------------------------------------- reductions


def _reduced(losses: Any, reduction: str) -> Any:
    if reduction == "none":
        return losses
    total = np.add.reduce(losses, axis=None)
    return np.asarray(
        total / losses.dtype.type(losses.size or math.nan) if reduction == "mean" else total, losses.dtype
    )


@helper
def per_element(F: Any, g: Any, shape: tuple[int, ...], reduction: str) -> Any:
    """The gradient of each element's loss, given that of their mean or sum."""
    return g / (math.prod(shape) or math.nan) if reduction == "mean" else g


def reduce_loss(losses: Tensor, reduction: str) -> Tensor:
    """The mean or the sum of a tensor of losses, or the losses themselves."""
    if reduction == "none":
        return losses
    return losses.mean() if reduction == "mean" else losses.sum()


def reduction_of(name: str, reduction: Any, size_average: bool | None = None, reduce: bool | None = None) -> str:
    """``reduction``, or what PyTorch's old arguments ``size_average`` and ``reduce`` say."""
    if size_average is not None or reduce is not None:
        warnings.warn(
            f"{name}: size_average and reduce are deprecated, use reduction='mean', 'sum' or 'none' instead.",
            UserWarning,
            stacklevel=3,
        )
        return "none" if reduce is False else "sum" if size_average is False else "mean"
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{name}: {reduction!r} is not a valid value for reduction; use 'mean', 'sum' or 'none'.")
    return reduction


def pair(
    name: str, input: Any, target: Any, warn: bool = True, exact: bool = False, kinds: str = "f"
) -> tuple[Tensor, Tensor]:
    """Input and target, brought to one shape and dtype; ``kinds`` of numbers may be "f", "fc" or "fi".

    Raises
    ------
    RuntimeError
        If the shapes do not broadcast, or if both would grow.
    """
    x, t = tensor(name, input), tensor(name, target, "target")
    a, b = x.array.shape, t.array.shape
    if a != b:
        if exact:
            raise ValueError(f"{name}: target size {b} must be the same as input size {a}.")
        try:
            shape = np.broadcast_shapes(a, b)
        except ValueError:
            raise no_broadcast(name, a, b) from None
        if shape not in (a, b):
            raise RuntimeError(
                f"{name}: input {a} and target {b} would broadcast to {shape}. Give both the same shape."
            )
        if warn:
            warnings.warn(
                f"{name}: using a target size {b} that is different to the input size {a}; it is broadcast to {shape}. "
                "Give both the same shape.",
                UserWarning, stacklevel=4,
            )  # fmt: skip
        x = x if a == shape else sym.broadcast_to(x, shape)
        t = t if b == shape else sym.broadcast_to(t, shape)
    if x.array.dtype != t.array.dtype:
        both = dtypes.promote_numpy(x.array.dtype, t.array.dtype)
        x = x if x.array.dtype == both else sym.cast(x, both)
        t = t if t.array.dtype == both else sym.cast(t, both)
    return (floating(name, x, complex="c" in kinds) if "i" not in kinds else x), t


# ------------------------------------------------------------------------------------------------- distances


def _mse(x: Any, target: Any, reduction: str) -> Any:
    d = x - target
    if reduction == "none":
        return d * d
    total = np.dot(d.reshape(-1), d.reshape(-1)) if d.dtype != np.float16 else np.add.reduce(d * d, axis=None)
    return np.asarray(total / d.dtype.type(d.size or math.nan) if reduction == "mean" else total, d.dtype)


defop(
    _mse,
    "x target",
    "reduction",
    name="mse_loss",
    formula="(x - target)^2, reduced",
    x=lambda g, x, target, reduction, F: (x - target) * F.per_element(g * 2, x.shape, reduction),
    target=lambda g, x, target, reduction, F: (target - x) * F.per_element(g * 2, x.shape, reduction),
)
defop(
    lambda x, target, reduction: _reduced(np.abs(x - target), reduction),
    "x target",
    "reduction",
    name="l1_loss",
    holomorphic=False,
    formula="|x - target|, reduced",
    x=lambda g, x, target, reduction, F: F.sgn(x - target) * F.per_element(g, x.shape, reduction),
    target=lambda g, x, target, reduction, F: F.sgn(target - x) * F.per_element(g, x.shape, reduction),
)


def _huber(x: Any, target: Any, delta: float, scale: float, reduction: str) -> Any:
    d = x - target
    near = np.clip(d, -delta, delta)  # c (d - c/2) is d^2/2 inside and delta (|d| - delta/2) outside
    d -= near * 0.5
    d *= near
    if scale != 1.0:
        d *= scale
    return _reduced(d, reduction)


# Huber, "Robust Estimation of a Location Parameter", 1964; smooth_l1 is Huber's loss over delta.
defop(
    _huber,
    "x target",
    "delta scale reduction",
    name="huber_loss",
    formula="scale d^2/2 where |d| < delta, else scale delta (|d| - delta/2), d = x - target, reduced",
    x=lambda g, x, target, delta, scale, reduction, F: (
        F.clamp(x - target, -delta, delta) * F.per_element(g * scale, x.shape, reduction)
    ),
    target=lambda g, x, target, delta, scale, reduction, F: (
        F.clamp(target - x, -delta, delta) * F.per_element(g * scale, x.shape, reduction)
    ),
)

# ------------------------------------------------------------------------------------------------- two classes


@helper
def weighted(F: Any, x: Any, weight: Any) -> Any:
    """x weight, or x where there is no weight."""
    return x if weight is None else x * weight


def _bce(x: Any, target: Any, weight: Any, reduction: str) -> Any:
    losses = (target - 1) * np.maximum(np.log1p(-x), -100) - target * np.maximum(np.log(x), -100)
    return _reduced(losses if weight is None else losses * weight, reduction)


# The logarithm is not let below -100, as in PyTorch, so that a certain and wrong answer costs 100 and not infinity.
defop(
    _bce,
    "x target weight",
    "reduction",
    name="binary_cross_entropy",
    formula="-weight (target log x + (1 - target) log(1 - x)), reduced",
    x=lambda g, x, target, weight, reduction, F: F.weighted(
        F.per_element(g, x.shape, reduction) * (x - target) / F.clamp((1 - x) * x, 1e-12, None), weight
    ),
    target=lambda g, x, weight, reduction, F: F.weighted(
        F.per_element(g, x.shape, reduction) * (F.log1p(-x) - F.log(x)), weight
    ),
)


def _bce_with_logits(x: Any, target: Any, weight: Any, pos_weight: Any, reduction: str) -> Any:
    rest = activations.softplus(-x, 1.0, math.inf)
    if pos_weight is not None:
        rest *= 1 + (pos_weight - 1) * target
    losses = (1 - target) * x + rest
    return _reduced(losses if weight is None else losses * weight, reduction)


@helper
def logits_slope(F: Any, x: Any, target: Any, pos_weight: Any) -> Any:
    """sigmoid(x) - target, and with a weight p on positives: (1 - t) - (1 + (p - 1) t) sigmoid(-x)."""
    if pos_weight is None:
        return F.sigmoid(x) - target
    return (1 - target) - (1 + (pos_weight - 1) * target) * F.sigmoid(-x)


@helper
def logits_target_slope(F: Any, x: Any, pos_weight: Any) -> Any:
    """The derivative in the target: -x, and with a weight p on positives: -x - (p - 1) log(sigmoid(x))."""
    return -x if pos_weight is None else -x - (pos_weight - 1) * F.logsigmoid(x)


defop(
    _bce_with_logits,
    "x target weight pos_weight",
    "reduction",
    name="binary_cross_entropy_with_logits",
    formula="weight ((1 - target) x + (1 + (pos_weight - 1) target) log(1 + exp(-x))), reduced",
    x=lambda g, x, target, weight, pos_weight, reduction, F: F.weighted(
        F.per_element(g, x.shape, reduction) * F.logits_slope(x, target, pos_weight), weight
    ),
    target=lambda g, x, weight, pos_weight, reduction, F: F.weighted(
        F.per_element(g, x.shape, reduction) * F.logits_target_slope(x, pos_weight), weight
    ),
)

# ------------------------------------------------------------------------------------------------- distributions


def _kl_div(x: Any, target: Any, log_target: bool, reduction: str) -> Any:
    if log_target:
        return _reduced(np.exp(target) * (target - x), reduction)
    positive = target > 0
    entropy = np.where(positive, target * np.log(np.where(positive, target, 1)), target * 0)
    return _reduced(entropy - target * x, reduction)


@helper
def kl_target_slope(F: Any, x: Any, target: Any, log_target: bool) -> Any:
    """d/dt of t (log t - x), or of exp(t) (t - x)."""
    return F.exp(target) * (target - x + 1) if log_target else F.log(target) + 1 - x


defop(
    _kl_div,
    "x target",
    "log_target reduction",
    name="kl_div",
    formula="target (log target - x), or exp(target) (target - x) with log_target, reduced",
    x=lambda g, target, target_shape, log_target, reduction, F: (
        -F.per_element(g, target_shape, reduction) * (F.exp(target) if log_target else target)
    ),
    target=lambda g, x, target, log_target, reduction, F: (
        F.per_element(g, x.shape, reduction) * F.kl_target_slope(x, target, log_target)
    ),
)


def _all_count(target: Any, ignore_index: int) -> bool:
    """Whether no row is ignored."""
    return not np.equal(target, ignore_index).any()


def _coefficients(x: Any, target: Any, weight: Any, ignore_index: int, label_smoothing: float) -> Any:
    """What each log-probability counts, of x's shape: the loss of a row is minus their sum of products."""
    axis = 0 if x.ndim == 1 else 1
    classes = x.shape[axis]
    if x.ndim == 2 and weight is None and not label_smoothing and _all_count(target, ignore_index):
        plain = np.zeros(x.size, x.dtype)
        plain[target.astype(np.intp, copy=False) + np.arange(0, x.size, classes)] = 1
        return plain.reshape(x.shape)
    counted = np.expand_dims(target != ignore_index, axis)
    out = np.zeros(x.shape, x.dtype)
    safe = np.where(counted, np.expand_dims(target, axis), 0)
    np.put_along_axis(out, safe.astype(np.int64), 1 - label_smoothing, axis)
    out += label_smoothing / classes
    if weight is not None:
        out *= weight.reshape(-1, *(1,) * (x.ndim - 1 - axis))
    return np.where(counted, out, x.dtype.type(0))


def _classified(logp: Any, target: Any, weight: Any, ignore_index: int, label_smoothing: float, reduction: str) -> Any:
    """The negative log-likelihood as a composition of ops."""
    axis = 0 if logp.array.ndim == 1 else 1
    t, w = target.array, None if weight is None else weight.array
    c = _coefficients(logp.array, t, w, ignore_index, label_smoothing)
    losses = -sym.sum(sym.where(wrap(c != 0), logp, 0.0) * wrap(c), (axis,), False)
    if reduction == "none":
        return losses
    total = sym.sum(losses, tuple(range(losses.array.ndim)), False)
    if reduction == "sum":
        return total
    n = kernels._total(t.reshape(-1), w, ignore_index)
    return total / (n if n else math.nan)


def _cross_entropy(x: Any, target: Any, weight: Any, ignore_index: int, label_smoothing: float, reduction: str) -> Any:
    return kernels.cross_entropy(
        x, target, weight, ignore_index=ignore_index, label_smoothing=label_smoothing, reduction=reduction
    )


def _cross_entropy_backward(
    u: Any, x: Any, target: Any, weight: Any, lse: Any, total: Any,
    ignore_index: int, label_smoothing: float, reduction: str,
) -> Any:  # fmt: skip
    return kernels.cross_entropy_backward(
        np.asarray(u), x, target, lse, total, weight,
        ignore_index=ignore_index, label_smoothing=label_smoothing, reduction=reduction, known=True,
    )  # fmt: skip


@helper
def slope_per_gradient(F: Any, g: Any, x: Any, reduction: str, *rest: Any) -> Any:
    """The sum over the classes (and over the rows, where the loss is reduced) of g times the slope."""
    axis = 0 if x.ndim == 1 else 1
    each = reduction == "none"
    ones = np.ones(tuple(n for i, n in enumerate(x.shape) if i != axis) if each else (), g.dtype if F is raw else g.array.dtype)
    slope = F.cross_entropy_backward(ones if F is raw else wrap(ones), x, *rest, reduction)
    return F.sum(g * slope, (axis,) if each else tuple(range(len(x.shape))), False)


@helper
def slope_per_logit(
    F: Any, g: Any, u: Any, x: Any, target: Any, weight: Any, lse: Any, total: Any,
    ignore_index: int, label_smoothing: float, reduction: str,
) -> Any:  # fmt: skip
    """u times the Jacobian of softmax times g, in each row as often as its coefficients count together."""
    axis = 0 if x.ndim == 1 else 1
    p = np.exp(x - lse.reshape(-1, 1)) if F is raw and x.ndim == 2 else F.softmax(x, axis)
    out = F.softmax_backward(g, p, axis)
    logits, classes, w = (v if F is raw or v is None else v.array for v in (x, target, weight))
    if w is not None or total != classes.size:
        c = _coefficients(logits, classes, w, ignore_index, label_smoothing).sum(axis, keepdims=True)
        here = c != 0  # a row that does not count may hold anything
        out = F.where(here if F is raw else wrap(here), out, 0.0) * (c if F is raw else wrap(c))
    if reduction == "none":
        u = F.reshape(u, tuple(1 if i == axis else n for i, n in enumerate(x.shape)))
    return out * (u * (1 / total if total else math.nan) if reduction == "mean" else u)


defop(
    _cross_entropy,
    "x target weight",
    "ignore_index label_smoothing reduction",
    name="cross_entropy",
    outputs="loss lse total",
    differentiable="loss",
    formula="weight[target] (log(sum of exp(x)) - x[target]) over the classes of each row, reduced",
    x=lambda g, x, target, weight, lse, total, ignore_index, label_smoothing, reduction, F: F.cross_entropy_backward(
        g, x, target, weight, lse, total, ignore_index, label_smoothing, reduction
    ),
)
# Its slope; lse is a function of x that only saves computing it again, so it has no rule of its own.
defop(
    _cross_entropy_backward,
    "u x target weight lse",
    "total ignore_index label_smoothing reduction",
    name="cross_entropy_backward",
    formula="u weight[target] (softmax(x) - onehot(target)), over what the mean divides by",
    u=lambda g, x, target, weight, lse, total, ignore_index, label_smoothing, reduction, F: F.slope_per_gradient(
        g, x, reduction, target, weight, lse, total, ignore_index, label_smoothing
    ),
    x=lambda g, u, x, target, weight, lse, total, ignore_index, label_smoothing, reduction, F: F.slope_per_logit(
        g, u, x, target, weight, lse, total, ignore_index, label_smoothing, reduction
    ),
)


def _nll_loss(x: Any, target: Any, weight: Any, ignore_index: int, reduction: str) -> Any:
    return kernels.nll_loss(x, target, weight, ignore_index=ignore_index, reduction=reduction)


defop(
    _nll_loss,
    "x target weight",
    "ignore_index reduction",
    name="nll_loss",
    outputs="loss total",
    differentiable="loss",
    formula="-weight[target] x[target] over the classes of each row, reduced",
    reference=lambda x, target, weight, ignore_index, reduction: _classified(
        x, target, weight, ignore_index, 0.0, reduction
    ),
    x=lambda g, x, target, weight, total, ignore_index, reduction: kernels.nll_loss_backward(
        np.asarray(g), x.shape, x.dtype, target, total, weight, ignore_index=ignore_index, reduction=reduction
    ),
)

# ------------------------------------------------------------------------------------------------- the functions


def _elementwise(
    name: str,
    dispatch: Any,
    input: Any,
    target: Any,
    size_average: Any,
    reduce: Any,
    reduction: str,
    weight: Any,
    *params: Any,
) -> Tensor:
    """A loss of pairs, weighted where PyTorch lets it be."""
    reduction = reduction_of(name, reduction, size_average, reduce)
    x, t = pair(name, input, target, kinds="fc" if name == "l1_loss" else "f")
    if weight is None:
        return dispatch(x, t, *params, reduction)
    w = tensor(name, weight, "weight")
    if w.array.shape != x.array.shape:
        raise ValueError(f"{name}: weight and input must have the same size, got {w.array.shape} and {x.array.shape}.")
    losses = dispatch(x, t, *params, "none") * w
    if reduction == "mean":
        return losses.sum() / w.sum()
    return reduce_loss(losses, reduction)


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """``(input - target)**2``, its mean, its sum, or each (``reduction="none"``).

    Parameters
    ----------
    input, target : Tensor
        Of one shape.  A broadcast of one side is done with a warning, one of both sides refused.
    reduction : {"mean", "sum", "none"}
    weight : Tensor, optional
        A factor for each element; the mean is then divided by the sum of weights.

    Raises
    ------
    RuntimeError
        If the shapes do not fit.

    Examples
    --------
    >>> import autograd_core as ac
    >>> from autograd_core.ops.loss import mse_loss
    >>> mse_loss(ac.tensor([1.0, 2.0]), ac.tensor([0.0, 0.0]))
    tensor(2.5000)
    """
    return _elementwise("mse_loss", sym.mse_loss, input, target, size_average, reduce, reduction, weight)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """``|input - target|``, reduced; the derivative at 0 is 0."""
    return _elementwise("l1_loss", sym.l1_loss, input, target, size_average, reduce, reduction, weight)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """``d**2 / (2 beta)`` where ``|d| < beta``, else ``|d| - beta / 2``; ``d = input - target`` (Girshick, 2015)."""
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss: beta must not be negative, got {beta}.")
    if beta == 0:
        return _elementwise("smooth_l1_loss", sym.l1_loss, input, target, size_average, reduce, reduction, None)
    return _elementwise(
        "smooth_l1_loss", sym.huber_loss, input, target, size_average, reduce, reduction, None, float(beta), 1 / beta
    )


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """``d**2 / 2`` where ``|d| <= delta``, else ``delta (|d| - delta / 2)``; ``d = input - target``."""
    if delta <= 0:
        raise RuntimeError(f"huber_loss: delta must be positive, got {delta}.")
    return _elementwise("huber_loss", sym.huber_loss, input, target, None, None, reduction, weight, float(delta), 1.0)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """``-(t log x + (1 - t) log(1 - x))`` of probabilities ``x``, reduced; logarithms are not let below -100.

    Raises
    ------
    ValueError
        If the shapes differ.
    RuntimeError
        If an input is not between 0 and 1.
    """
    name = "binary_cross_entropy"
    reduction = reduction_of(name, reduction, size_average, reduce)
    x, t = floating(name, input), tensor(name, target, "target")
    if x.array.shape != t.array.shape:
        raise ValueError(
            f"{name}: target size {t.array.shape} is different to input size {x.array.shape}; give both the same shape."
        )
    one_type(name, input=x, target=t)
    a = x.array
    if a.size and not (a.min() >= 0 and a.max() <= 1):
        wrong = a[~((a >= 0) & (a <= 1))].reshape(-1)[0]
        raise RuntimeError(
            f"{name}: all elements of input should be between 0 and 1, got {float(wrong):g}; for logits use "
            "binary_cross_entropy_with_logits."
        )
    w = None
    if weight is not None:
        w = sym.broadcast_to(tensor(name, weight, "weight"), a.shape)
    return sym.binary_cross_entropy(x, t, w, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """:func:`binary_cross_entropy` of ``sigmoid(input)``, computed without overflow.

    Parameters
    ----------
    input, target : Tensor
        Of one shape.
    weight : Tensor, optional
        A factor for each element (broadcast).
    pos_weight : Tensor, optional
        A factor for positive targets, one a class (broadcast).

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    name = "binary_cross_entropy_with_logits"
    reduction = reduction_of(name, reduction, size_average, reduce)
    x, t = pair(name, input, target, exact=True)
    shape = x.array.shape
    extra: list[Tensor | None] = []
    for what, v in (("weight", weight), ("pos_weight", pos_weight)):
        if v is None:
            extra.append(None)
            continue
        try:
            extra.append(sym.broadcast_to(tensor(name, v, what), shape))
        except RuntimeError:
            raise RuntimeError(
                f"{name}: {what} {v.array.shape} cannot be broadcast to the input's shape {shape}."
            ) from None
    return sym.binary_cross_entropy_with_logits(x, t, *extra, reduction)


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """``target * (log(target) - input)``, reduced: the Kullback-Leibler divergence of log-probabilities ``input``.

    Parameters
    ----------
    input : Tensor
        Log-probabilities.
    target : Tensor
        Probabilities, or with ``log_target`` their logarithms.
    reduction : {"mean", "batchmean", "sum", "none"}
        ``"batchmean"`` divides the sum by the batch size and is the mathematical definition.
    """
    batchmean = reduction == "batchmean"
    if reduction == "mean" and size_average is None and reduce is None:
        warnings.warn(
            "kl_div: reduction='mean' divides by the number of elements and not by the batch size; use 'batchmean' "
            "for the divergence itself.",
            UserWarning, stacklevel=2,
        )  # fmt: skip
    reduction = reduction_of("kl_div", "sum" if batchmean else reduction, size_average, reduce)
    x, t = pair("kl_div", input, target, warn=False)
    loss = sym.kl_div(x, t, bool(log_target), reduction)
    return loss / x.array.shape[0] if batchmean and x.array.ndim else loss


def _class_weight(name: str, weight: Any, x: Tensor) -> Tensor | None:
    if weight is None:
        return None
    w = tensor(name, weight, "weight")
    one_type(name, input=x, weight=w)
    return w


def cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None, ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean", label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """The cross-entropy between logits and targets, reduced.

    Parameters
    ----------
    input : Tensor, (C,), (N, C) or (N, C, d1, ...)
        Logits.
    target : Tensor
        Class indices, of the input's shape without C; or probabilities, of the input's shape.
    weight : Tensor, (C,), optional
        A factor for each class.
    ignore_index : int
        Targets of this value count nowhere.
    reduction : {"mean", "sum", "none"}
        The mean is over the targets' weights.
    label_smoothing : float
        Share, from 0 to 1, of the uniform distribution that is mixed into the targets.

    Raises
    ------
    ValueError, RuntimeError
        If shapes or dtypes do not fit.
    IndexError
        If a target is no class.

    Examples
    --------
    >>> import autograd_core as ac
    >>> from autograd_core.ops.loss import cross_entropy
    >>> cross_entropy(ac.zeros(2, 4), ac.tensor([1, 3]))
    tensor(1.3863)

    Source: PyTorch, ``torch.nn.functional.cross_entropy``.
    """
    name = "cross_entropy"
    reduction = reduction_of(name, reduction, size_average, reduce)
    x, t = floating(name, input), tensor(name, target, "target")
    w = _class_weight(name, weight, x)
    if t.array.dtype.kind == "f":
        return _soft_cross_entropy(x, t, w, reduction, label_smoothing)
    return sym.cross_entropy(x, t, w, int(ignore_index), float(label_smoothing), reduction)[0]


def _soft_cross_entropy(
    x: Tensor, target: Tensor, weight: Tensor | None, reduction: str, label_smoothing: float
) -> Tensor:
    """Targets as probabilities: minus the sum over classes of ``weight target log_softmax(x)``."""
    name, shape = "cross_entropy", x.array.shape
    if target.array.shape != shape:
        raise RuntimeError(
            f"{name}: floating point targets are probabilities and need the input's shape {shape}, got "
            f"{target.array.shape}; class "
            "indices must be an integer tensor (use long())."
        )
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"{name}: label_smoothing must be between 0.0 and 1.0, got {label_smoothing}.")
    if not shape:
        raise RuntimeError(f"{name}: the input must have at least one dimension, got a 0-d tensor.")
    axis = 0 if len(shape) == 1 else 1
    classes = shape[axis]
    if weight is not None and weight.array.shape != (classes,):
        raise RuntimeError(
            f"{name}: weight must have one value for each of the {classes} classes, got shape {weight.array.shape}."
        )
    t: Any = target
    if label_smoothing > 0:
        t = t * (1 - label_smoothing) + label_smoothing / classes
    if weight is not None:
        t = t * sym.reshape(weight, (classes, *(1,) * (len(shape) - 1 - axis)))
    losses = -sym.sum(sym.log_softmax(x, axis) * t, (axis,), False)
    if reduction == "none":
        return losses
    total = losses.sum()
    rows = x.array.size // classes if classes else 0
    return total / (rows or math.nan) if reduction == "mean" else total


def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Any = None, ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Minus the log-probability of each target, reduced.  Arguments as for :func:`cross_entropy`.

    Raises
    ------
    ValueError, RuntimeError
        If shapes or dtypes do not fit.
    IndexError
        If a target is no class.
    """
    reduction = reduction_of("nll_loss", reduction, size_average, reduce)
    x, t = floating("nll_loss", input), tensor("nll_loss", target, "target")
    return sym.nll_loss(x, t, _class_weight("nll_loss", weight, x), int(ignore_index), reduction)[0]
