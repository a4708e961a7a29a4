"""Connectionist temporal classification (Graves et al., 2006)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..kernels import ctc as kernels
from ..op import defop, sym
from ..tensor import Tensor, wrap
from .checks import floating
from .loss import reduction_of

__all__: list[str] = []


def _ctc(
    logp: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int, zero_infinity: bool
) -> tuple[Any, Any, Any]:
    """Losses as asked for, as they are, and the log-probabilities of all beginnings."""
    full, alphas = kernels.ctc(logp, targets, input_lengths, target_lengths, blank)
    return np.where(np.isinf(full), 0, full).astype(full.dtype) if zero_infinity else full, full, alphas


def _ctc_rule(
    g: Any, logp: Any, targets: Any, input_lengths: Any, target_lengths: Any, full: Any, alphas: Any, blank: int,
    zero_infinity: bool,
) -> Any:  # fmt: skip
    out = kernels.ctc_backward(g, logp, targets, input_lengths, target_lengths, full, alphas, blank)
    if not zero_infinity and np.isinf(full).any():
        out[:, np.isinf(full)] = np.nan  # a target that does not fit: the gradient is not defined
    return out


def _ctc_reference(
    logp: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int, zero_infinity: bool
) -> Any:
    """The sum over all paths by dynamic programming, one op a step."""
    steps, n, _ = logp.array.shape
    labels, jump = kernels.labelled(targets.array, blank)
    lengths, ends = input_lengths.array, target_lengths.array
    low = -1e30  # stands for log 0: differences of infinities have no derivative
    width = labels.shape[1]
    index = wrap(np.ascontiguousarray(np.broadcast_to(labels, (steps, n, width))))
    emitted = sym.gather(logp, index, 2)
    start = np.full((n, width), low)
    start[:, 0] = 0
    if width > 1:
        start[:, 1] = np.where(ends > 0, 0, low)
    alpha: Any = wrap(start.astype(logp.array.dtype))
    wall = wrap(np.full((n, 2), low, logp.array.dtype))
    for t in range(steps):
        move = alpha
        if t:
            padded = sym.cat([wall, alpha], 1)
            one = sym.getitem(padded, (slice(None), slice(1, 1 + width)))
            two = sym.masked_fill(sym.getitem(padded, (slice(None), slice(0, width))), wrap(~jump), low)
            move = sym.logsumexp(sym.stack([alpha, one, two], 0), (0,), False)
        on = np.broadcast_to((t < lengths)[:, None], (n, width))
        alpha = sym.where(wrap(np.ascontiguousarray(on)), move + sym.getitem(emitted, (t, Ellipsis)), alpha)
    picks = np.stack([2 * ends, np.maximum(2 * ends - 1, 0)], 1)
    both = sym.masked_fill(sym.gather(alpha, wrap(picks), 1), wrap(np.stack([ends < 0, ends == 0], 1)), low)
    loss = -sym.logsumexp(both, (1,), False)
    return sym.masked_fill(loss, wrap(loss.array > 1e29), 0.0 if zero_infinity else math.inf)


defop(
    _ctc,
    "logp targets input_lengths target_lengths",
    "blank zero_infinity",
    name="ctc_loss",
    outputs="loss full alphas",
    differentiable="loss",
    formula="-log of the sum over all paths that spell the target of their probability",
    reference=_ctc_reference,
    logp=_ctc_rule,
)


def _integers(name: str, value: Any, what: str) -> Any:
    array = value.array if isinstance(value, Tensor) else np.asarray(value)
    if array.dtype.kind not in "iu":
        raise RuntimeError(f"{name}: {what} must be integers, got {array.dtype}.")
    return array.astype(np.int64)


def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """The connectionist temporal classification loss.

    Parameters
    ----------
    log_probs : Tensor, (T, N, C) or (T, C)
        Log-probabilities of each step, as ``log_softmax`` gives them.
    targets : Tensor of int, (N, S), or (sum of target_lengths,), or (S,)
        Classes, without blanks.
    input_lengths, target_lengths : Tensor of int or tuple, (N,) or ()
        How many steps and classes of each sample count.
    blank : int
        The class that stands for nothing.
    reduction : {"mean", "sum", "none"}
        The mean is of the losses divided by their target lengths.
    zero_infinity : bool
        Make the losses of targets that do not fit into the input 0 instead of infinite.

    Raises
    ------
    RuntimeError
        If shapes, lengths or classes do not fit.

    Notes
    -----
    The gradient is the derivative in ``log_probs`` itself.  PyTorch's kernel gives the one in the logits before
    ``log_softmax``; behind a ``log_softmax`` both are the same.

    Source: Graves et al., 2006; PyTorch, ``torch.nn.functional.ctc_loss``.
    """
    name = "ctc_loss"
    reduction = reduction_of(name, reduction)
    x = floating(name, log_probs, "log_probs")
    t = _integers(name, targets, "targets")
    lengths = np.atleast_1d(_integers(name, input_lengths, "input_lengths"))
    goals = np.atleast_1d(_integers(name, target_lengths, "target_lengths"))
    single = x.array.ndim == 2
    if x.array.ndim not in (2, 3):
        raise RuntimeError(f"{name}: log_probs must be (T, N, C) or (T, C), got shape {x.array.shape}.")
    if single:
        x = sym.reshape(x, (x.array.shape[0], 1, x.array.shape[1]))
    steps, n, classes = x.array.shape
    if lengths.shape != (n,) or goals.shape != (n,):
        raise RuntimeError(
            f"{name}: input_lengths and target_lengths must have size {n} (the batch), got {lengths.shape} and "
            f"{goals.shape}."
        )
    if not 0 <= blank < classes:
        raise RuntimeError(f"{name}: blank must be a class, 0 to {classes - 1}, got {blank}.")
    if n and (lengths.min() < 0 or lengths.max() > steps):
        raise RuntimeError(f"{name}: input_lengths must be from 0 to T={steps}, got {lengths.tolist()}.")
    if n and goals.min() < 0:
        raise RuntimeError(f"{name}: target_lengths must not be negative, got {goals.tolist()}.")
    longest = int(goals.max(initial=0))
    if t.ndim == 1:
        if t.size < goals.sum() or (not single and t.size != goals.sum()):
            raise RuntimeError(f"{name}: target_lengths sum to {goals.sum()} but targets has {t.size} elements.")
        padded = np.full((n, longest), blank, np.int64)
        start = 0
        for row, length in enumerate(goals):
            padded[row, :length] = t[start : start + length]
            start += length
        t = padded
    elif t.ndim != 2 or t.shape[0] != n or t.shape[1] < longest:
        raise RuntimeError(f"{name}: expected targets of shape ({n}, {longest} or more), got {t.shape}.")
    else:
        t = np.where(np.arange(longest) < goals[:, None], t[:, :longest], blank)
    if t.size and (t.min() < 0 or t.max() >= classes):
        raise RuntimeError(
            f"{name}: targets must be classes, 0 to {classes - 1}, got {int(t.min())} to {int(t.max())}."
        )
    losses = sym.ctc_loss(x, wrap(t), wrap(lengths), wrap(goals), int(blank), bool(zero_infinity))[0]
    if reduction == "none":
        return sym.reshape(losses, ()) if single else losses
    if reduction == "sum":
        return losses.sum()
    return (losses / wrap(np.maximum(goals, 1).astype(losses.array.dtype))).mean()
