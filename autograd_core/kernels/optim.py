"""Optimizer updates in place over lists of arrays: one pass over memory, one kernel call for all tensors.

    sgd(params, grads, momentum_buffers=None, *, lr, momentum, dampening, weight_decay, nesterov, maximize, first, plan)
    adam(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs=None, *, step, lr, betas, eps, weight_decay, decoupled,
         maximize, plan)
    rmsprop(params, grads, square_avgs, grad_avgs=None, momentum_buffers=None, *, lr, alpha, eps, weight_decay,
            momentum, maximize, plan)
    adagrad(params, grads, state_sums, *, step, lr, lr_decay, weight_decay, eps, maximize, plan)
    norms(arrays, ord=2.0) -> float64 array, the norm of each array (gradient clipping)
    scale(arrays, factor)                               every array times one factor, in place

Every formula follows the order of operations of PyTorch's ``_single_tensor_*`` functions, and the kernels do the same
IEEE operations as the NumPy twins: both give the same bits. So it may not matter, and does not, which of them
runs. A ``Plan`` (keep one for each parameter group) remembers the addresses of parameters and states between steps.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import runtime
from .thresholds import THRESHOLDS

Arrays = Sequence[np.ndarray]

CHUNK = 16384  # elements that one unit of parallel work covers
STAGED = 4096  # gradients up to this size are gathered by one np.concatenate: cheaper than asking each for its address
COMPILED_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))


class Plan:
    """Where lists of arrays lie in memory, checked once and used at each step.

    Pass the same plan to each call with the same parameters. The plan holds references to the arrays and looks
    them up anew when any of them was replaced; a plan must not be used by two threads at once.
    """

    __slots__ = ("groups", "keys", "work")

    def __init__(self) -> None:
        self.keys: list[int] = []
        self.groups: list[_Group] = []
        self.work = 0

    def locate(self, lists: Sequence[Arrays]) -> list[_Group]:
        """Return the compiled groups of `lists` (parameters first), renewed only when an array is another one."""
        keys: list[int] = []
        for arrays in lists:
            keys += map(id, arrays)
        if keys != self.keys:
            self.groups = _groups(lists)
            self.keys = keys
        return self.groups


class _Group:
    """The tensors of one dtype that a kernel can update: a table of addresses, one column for each chunk."""

    __slots__ = (
        "arrays",
        "dtype",
        "grain",
        "large",
        "lengths",
        "like",
        "members",
        "one_owner",
        "owner",
        "sizes",
        "small",
        "staging",
        "table",
    )

    def __init__(self, members: list[int], lists: Sequence[Arrays]) -> None:
        self.members = members
        self.arrays = [[arrays[k] for k in members] for arrays in lists]  # keeps them alive: the table holds addresses
        params = self.arrays[0]
        self.dtype = params[0].dtype
        self.sizes = [p.size for p in params]
        counts = [max(1, -(-size // CHUNK)) for size in self.sizes]
        self.owner = np.repeat(np.arange(len(params)), counts)
        self.one_owner = np.zeros_like(self.owner)
        starts = np.concatenate([np.arange(c) for c in counts]) * CHUNK
        self.lengths = np.minimum(np.array(self.sizes)[self.owner] - starts, CHUNK)
        offsets = starts * self.dtype.itemsize
        # Row 0 is the gradients', the following rows are those of `lists`; unused rows repeat the last one.
        self.table = np.empty((1 + len(lists), len(starts)), np.int64)
        for row, arrays in enumerate(self.arrays, start=1):
            self.table[row] = np.array([a.ctypes.data for a in arrays], np.int64)[self.owner] + offsets
        first = np.concatenate(([0], np.cumsum(counts)))
        self.small = [k for k, size in enumerate(self.sizes) if size <= STAGED]
        self.large = [
            (k, slice(first[k], first[k + 1]), offsets[first[k] : first[k + 1]])
            for k, size in enumerate(self.sizes)
            if size > STAGED
        ]
        small_sizes = [self.sizes[k] for k in self.small]
        self.staging = np.empty(sum(small_sizes), self.dtype)
        places = self.staging.ctypes.data + self.dtype.itemsize * (np.cumsum(small_sizes) - small_sizes)
        self.table[0, [first[k] for k in self.small]] = places
        self.like = np.empty(0, self.dtype)
        self.grain = max(1, THRESHOLDS["parallel.elements"] * len(starts) // max(1, sum(self.sizes)))

    def take(self, grads: Arrays) -> list[np.ndarray]:
        """Enter the addresses of this step's gradients; the returned list must outlive the kernel call."""
        kept = []
        if self.small:
            np.concatenate([grads[self.members[k]] for k in self.small], axis=None, out=self.staging)
        for k, columns, offsets in self.large:
            grad = np.ascontiguousarray(grads[self.members[k]], self.dtype)
            kept.append(grad)
            self.table[0, columns] = grad.ctypes.data + offsets
        return kept


def _groups(lists: Sequence[Arrays]) -> list[_Group]:
    members: dict[np.dtype, list[int]] = {}
    for k, arrays in enumerate(zip(*lists, strict=True)):
        p = arrays[0]
        if p.dtype in COMPILED_DTYPES and all(
            a.dtype == p.dtype and a.shape == p.shape and a.flags.carray for a in arrays
        ):
            members.setdefault(p.dtype, []).append(k)
    return [_Group(chosen, lists) for chosen in members.values()]


def _run(kernel: str, lists: Sequence[Arrays], grads: Arrays, plan: Plan | None, hyper: Any, *flags: bool) -> set[int]:
    """Update what the compiled kernel can update; return the indices of those tensors (none of them when it is
    too early to be worth a compiler). `hyper` is a row of scalars, or a row for each tensor."""
    work = sum([p.size for p in lists[0]]) + 1000 * len(lists[0])
    if plan is not None:
        plan.work += work
        work = plan.work
    ready = f"{__package__}.jit_optim" in sys.modules  # another plan has paid for the import already
    jit = runtime.native("optim") if ready or work >= THRESHOLDS["optim.numba"] else None
    if jit is None:
        return set()
    groups = (Plan() if plan is None else plan).locate(lists)
    rows = np.array(hyper, np.float64, ndmin=2)
    done: set[int] = set()
    for group in groups:
        kept = group.take(grads)
        owner = group.owner if len(rows) > 1 else group.one_owner
        chosen = rows if len(rows) in (1, len(group.members)) else rows[group.members]
        runtime.parallel(
            getattr(jit, kernel),
            len(owner),
            group.table,
            group.lengths,
            owner,
            chosen,
            group.like,
            *flags,
            grain=group.grain,
        )
        del kept
        done.update(group.members)
    return done


def _check(function: str, params: Arrays, grads: Arrays, *states: Arrays | None) -> list[Arrays]:
    for other in (grads, *states):
        if other is not None and len(other) != len(params):
            raise ValueError(
                f"{function}: {len(params)} parameters but a list of {len(other)} arrays beside them; "
                "every list needs one array for each parameter"
            )
    if [p.shape for p in params] != [g.shape for g in grads] or [p.dtype for p in params] != [g.dtype for g in grads]:
        k = next(k for k, p in enumerate(params) if p.shape != grads[k].shape or p.dtype != grads[k].dtype)
        p, g = params[k], grads[k]
        raise RuntimeError(
            f"{function}: gradient {k} is {g.dtype}{list(g.shape)}, but its parameter is "
            f"{p.dtype}{list(p.shape)}; they must agree in dtype and shape"
        )
    return [params, *(s for s in states if s is not None)]


def _steps(function: str, step: int | Sequence[int], count: int) -> list[int]:
    if isinstance(step, int):
        return [step] * count
    steps = [int(s) for s in step]
    if len(steps) != count:
        raise ValueError(
            f"{function}: {count} parameters but {len(steps)} steps; give one int, or one for each parameter"
        )
    return steps


def sgd(
    params: Arrays,
    grads: Arrays,
    momentum_buffers: Arrays | None = None,
    *,
    lr: float,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
    maximize: bool = False,
    first: bool | Sequence[bool] = False,
    plan: Plan | None = None,
) -> None:
    """Stochastic gradient descent (`torch.optim.SGD`), in place.

    With momentum, ``b = momentum * b + (1 - dampening) * g`` and ``p -= lr * b``; where `first` is true, ``b = g``.
    `momentum_buffers` may be None only when `momentum` is 0.
    """
    if momentum != 0 and momentum_buffers is None:
        raise ValueError(f"sgd: momentum={momentum} needs momentum_buffers")
    buffers = momentum_buffers if momentum != 0 else None
    lists = _check("sgd", params, grads, buffers)
    starts = [bool(first)] * len(params) if isinstance(first, (bool, np.bool_)) else list(first)
    hyper = np.empty((len(params), 5))
    hyper[:] = -lr, momentum, 1 - dampening, weight_decay, 0
    hyper[:, 4] = starts
    done = _run("sgd", lists, grads, plan, hyper, buffers is not None, nesterov, maximize)
    for k, (p, g) in enumerate(zip(params, grads, strict=True)):
        if k in done:
            continue
        if maximize:
            g = -g
        if weight_decay != 0:
            g = g + weight_decay * p
        if buffers is not None:
            b = buffers[k]
            if starts[k]:
                b[...] = g
            else:
                b *= momentum
                b += (1 - dampening) * g
            g = g + momentum * b if nesterov else b
        p += -lr * g


def adam(
    params: Arrays,
    grads: Arrays,
    exp_avgs: Arrays,
    exp_avg_sqs: Arrays,
    max_exp_avg_sqs: Arrays | None = None,
    *,
    step: int | Sequence[int],
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled: bool = False,
    maximize: bool = False,
    plan: Plan | None = None,
) -> None:
    """Adam, AMSGrad when `max_exp_avg_sqs` is given, AdamW when `decoupled` (`torch.optim.Adam`, `AdamW`), in place.

    `step` counts from 1 and already includes this update; a sequence gives each parameter its own.
    """
    beta1, beta2 = betas
    lists = _check("adam", params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs)
    amsgrad = max_exp_avg_sqs is not None
    steps = _steps("adam", step, len(params))
    corrections = {s: (-(lr / (1 - beta1**s)), (1 - beta2**s) ** 0.5) for s in set(steps)}
    decay = 1 - lr * weight_decay if decoupled else weight_decay
    tail = (1 - beta1, beta1, beta2, 1 - beta2, eps, decay)
    hyper = [corrections[s] + tail for s in (steps if len(corrections) > 1 else corrections)]
    done = _run("adam", lists, grads, plan, hyper, amsgrad, weight_decay != 0, decoupled, maximize)
    for k, (p, g) in enumerate(zip(params, grads, strict=True)):
        if k in done:
            continue
        m, v = exp_avgs[k], exp_avg_sqs[k]
        step_size, correction = corrections[steps[k]]
        if maximize:
            g = -g
        if weight_decay != 0:
            if decoupled:
                p *= decay
            else:
                g = g + weight_decay * p
        _lerp(m, g, 1 - beta1)
        v *= beta2
        update = (1 - beta2) * g
        update *= g
        v += update
        if amsgrad:
            np.maximum(max_exp_avg_sqs[k], v, out=max_exp_avg_sqs[k])  # type: ignore[index]
            v = max_exp_avg_sqs[k]  # type: ignore[index]
        denominator = np.sqrt(v)
        denominator /= correction
        denominator += eps
        p += step_size * m / denominator


def rmsprop(
    params: Arrays,
    grads: Arrays,
    square_avgs: Arrays,
    grad_avgs: Arrays | None = None,
    momentum_buffers: Arrays | None = None,
    *,
    lr: float = 1e-2,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
    maximize: bool = False,
    plan: Plan | None = None,
) -> None:
    """RMSprop (`torch.optim.RMSprop`), centered when `grad_avgs` is given, in place."""
    if momentum > 0 and momentum_buffers is None:
        raise ValueError(f"rmsprop: momentum={momentum} needs momentum_buffers")
    buffers = momentum_buffers if momentum > 0 else None
    lists = _check("rmsprop", params, grads, square_avgs, grad_avgs, buffers)
    done = _run(
        "rmsprop",
        lists,
        grads,
        plan,
        (-lr, alpha, 1 - alpha, eps, weight_decay, momentum),
        grad_avgs is not None,
        buffers is not None,
        maximize,
    )
    for k, (p, g) in enumerate(zip(params, grads, strict=True)):
        if k in done:
            continue
        s = square_avgs[k]
        if maximize:
            g = -g
        if weight_decay != 0:
            g = g + weight_decay * p
        s *= alpha
        s += (1 - alpha) * g * g
        if grad_avgs is not None:
            _lerp(grad_avgs[k], g, 1 - alpha)
            s = s - grad_avgs[k] * grad_avgs[k]
        average = np.sqrt(s)
        average += eps
        if buffers is not None:
            b = buffers[k]
            b *= momentum
            b += g / average
            p += -lr * b
        else:
            p += -lr * g / average


def adagrad(
    params: Arrays,
    grads: Arrays,
    state_sums: Arrays,
    *,
    step: int | Sequence[int],
    lr: float = 1e-2,
    lr_decay: float = 0.0,
    weight_decay: float = 0.0,
    eps: float = 1e-10,
    maximize: bool = False,
    plan: Plan | None = None,
) -> None:
    """Adagrad (`torch.optim.Adagrad`), in place; `step` as in `adam`."""
    lists = _check("adagrad", params, grads, state_sums)
    steps = _steps("adagrad", step, len(params))
    hyper = np.array([(-(lr / (1 + (s - 1) * lr_decay)), weight_decay, eps) for s in steps]).reshape(-1, 3)
    done = _run("adagrad", lists, grads, plan, hyper, maximize)
    for k, (p, g) in enumerate(zip(params, grads, strict=True)):
        if k in done:
            continue
        if maximize:
            g = -g
        if weight_decay != 0:
            g = g + weight_decay * p
        state_sums[k] += g * g
        deviation = np.sqrt(state_sums[k])
        deviation += eps
        p += float(hyper[k, 0]) * g / deviation


def norms(arrays: Arrays, ord: float = 2.0) -> np.ndarray:
    """The p-norm of each array, as float64; combine them with one more `numpy.linalg.norm` of the same order."""
    out = np.empty(len(arrays))
    for k, x in enumerate(arrays):
        flat = x.reshape(-1)
        if flat.dtype == np.float16:
            flat = flat.astype(np.float32)
        if flat.size == 0:
            out[k] = 0.0
        elif ord == 2.0:
            out[k] = np.sqrt(np.vdot(flat, flat).real)  # BLAS: one pass, and threads for the large ones
        elif np.isinf(ord):
            out[k] = np.abs(flat).max() if ord > 0 else np.abs(flat).min()
        elif ord == 1.0:
            out[k] = np.abs(flat).sum(dtype=np.float64)
        elif ord == 0.0:
            out[k] = np.count_nonzero(flat)
        else:
            out[k] = np.sum(np.abs(flat) ** ord, dtype=np.float64) ** (1.0 / ord)
    return out


def scale(arrays: Arrays, factor: float) -> None:
    """Multiply every array by `factor`, in place (what clipping does to gradients)."""
    for x in arrays:
        x *= factor


def _lerp(start: np.ndarray, end: np.ndarray, weight: float) -> None:
    """`torch.lerp_`: the form that is exact at the nearer end."""
    difference = end - start
    if weight < 0.5:
        difference *= weight
        start += difference
    else:
        difference *= 1 - weight
        np.subtract(end, difference, out=start)
