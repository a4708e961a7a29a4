"""Optimizer updates in place over lists of arrays: one pass over memory, one kernel call for all tensors.

    sgd(params, grads, momentum_buffers=None, *, lr, momentum, dampening, weight_decay, nesterov, maximize, first, plan)
    adam(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs=None, *, step, lr, betas, eps, weight_decay, decoupled,
         maximize, plan)
    rmsprop(params, grads, square_avgs, grad_avgs=None, momentum_buffers=None, *, lr, alpha, eps, weight_decay,
            momentum, maximize, plan)
    adagrad(params, grads, state_sums, *, step, lr, lr_decay, weight_decay, eps, maximize, plan)
    norms(arrays, ord=2.0) -> float64 array, the norm of each array (gradient clipping)
    square_sum(arrays) -> the sum of all squares, in one pass, or None
    scale(arrays, factor)                               every array times one factor, in place
    clamp(arrays, bound)                                every array to [-bound, bound], in place

Every formula follows the order of operations of PyTorch's ``_single_tensor_*`` functions, and the kernels do the same
IEEE operations as the NumPy twins: both give the same bits. So it may not matter, and does not, which of them
runs. The other optimizers (``nn/optim``) have their twin in their formula and call `optim_plan.update` themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import runtime
from .optim_plan import CHUNK, Arrays, in_line, update
from .optim_plan import Plan as Plan
from .thresholds import THRESHOLDS


def _check(function: str, params: Arrays, grads: Arrays, *states: Arrays | None) -> list[Arrays]:
    for other in (grads, *states):
        if other is not None and len(other) != len(params):
            raise ValueError(
                f"{function}: {len(params)} parameters but a list of {len(other)} arrays beside them; "
                "every list needs one array for each parameter"
            )
    return [params, *(s for s in states if s is not None)]


def _steps(function: str, step: int | Sequence[int], count: int) -> list[int]:
    if isinstance(step, int):
        return [step]  # one for all
    steps = [int(s) for s in step]
    if len(steps) != count:
        raise ValueError(
            f"{function}: {count} parameters but {len(steps)} steps; give one int, or one for each parameter"
        )
    return steps


def sgd_row(
    lr: float, momentum: float, dampening: float, weight_decay: float, first: bool = False
) -> tuple[float, ...]:
    """The scalars of the kernel `sgd`; `first`: the momentum begins with this gradient."""
    return -lr, momentum, 1 - dampening, weight_decay, first


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
    starts = [bool(first)] if isinstance(first, (bool, np.bool_)) else list(first)
    if len(starts) > 1 and len(set(starts)) == 1:
        starts = starts[:1]
    hyper = [sgd_row(lr, momentum, dampening, weight_decay, s) for s in starts]
    done = update("sgd", lists, grads, plan, hyper, buffers is not None, nesterov, maximize)
    if len(done) == len(params):
        return
    for k, (p, g) in enumerate(zip(params, grads, strict=True)):
        if k in done:
            continue
        if maximize:
            g = -g
        if weight_decay != 0:
            g = g + weight_decay * p
        if buffers is not None:
            b = buffers[k]
            if starts[k % len(starts)]:
                b[...] = g
            else:
                b *= momentum
                b += (1 - dampening) * g
            g = g + momentum * b if nesterov else b
        p += -lr * g


def adam_row(step: int, lr: float, beta1: float, beta2: float, eps: float, decay: float) -> tuple[float, ...]:
    """The scalars of the kernel `adam` for one step; `decay` is the factor of the parameter, or what L2 adds of it."""
    return -(lr / (1 - beta1**step)), (1 - beta2**step) ** 0.5, 1 - beta1, beta1, beta2, 1 - beta2, eps, decay


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
    decay = 1 - lr * weight_decay if decoupled else weight_decay
    known = {s: adam_row(s, lr, beta1, beta2, eps, decay) for s in set(steps)}
    hyper = [known[s] for s in steps]
    done = update("adam", lists, grads, plan, hyper, amsgrad, weight_decay != 0, decoupled, maximize)
    if len(done) == len(params):
        return
    for k, (p, g) in enumerate(zip(params, grads, strict=True)):
        if k in done:
            continue
        m, v = exp_avgs[k], exp_avg_sqs[k]
        step_size, correction, *_ = hyper[k % len(hyper)]
        if maximize:
            g = -g
        if weight_decay != 0:
            if decoupled:
                p *= decay
            else:
                g = g + weight_decay * p
        _lerp(m, g, 1 - beta1)
        v *= beta2
        growth = (1 - beta2) * g
        growth *= g
        v += growth
        if amsgrad:
            np.maximum(max_exp_avg_sqs[k], v, out=max_exp_avg_sqs[k])  # type: ignore[index]
            v = max_exp_avg_sqs[k]  # type: ignore[index]
        denominator = np.sqrt(v)
        denominator /= correction
        denominator += eps
        p += step_size * m / denominator


def rmsprop_row(lr: float, alpha: float, eps: float, weight_decay: float, momentum: float) -> tuple[float, ...]:
    """The scalars of the kernel `rmsprop`."""
    return -lr, alpha, 1 - alpha, eps, weight_decay, momentum


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
    done = update(
        "rmsprop",
        lists,
        grads,
        plan,
        [rmsprop_row(lr, alpha, eps, weight_decay, momentum)],
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


def adagrad_row(step: int, lr: float, lr_decay: float, weight_decay: float, eps: float) -> tuple[float, ...]:
    """The scalars of the kernel `adagrad` for one step."""
    return -(lr / (1 + (step - 1) * lr_decay)), weight_decay, eps


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
    known = {s: adagrad_row(s, lr, lr_decay, weight_decay, eps) for s in set(steps)}
    hyper = [known[s] for s in steps]
    done = update("adagrad", lists, grads, plan, hyper, maximize)
    if len(done) == len(params):
        return
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
        p += hyper[k % len(hyper)][0] * g / deviation


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


def square_sum(arrays: Arrays) -> float | None:
    """The sum of the squares of all elements, in one pass and float64; None when `norms` is the better choice."""
    found = in_line(arrays)
    if found is None:
        return None
    jit, ids, like, total = found
    sums = np.zeros(-(-total // CHUNK))
    grain = max(1, THRESHOLDS["parallel.elements"] // CHUNK)
    runtime.parallel(jit.squares, len(sums), ids, like, sums, CHUNK, grain=grain)
    return float(sums.sum())


def scale(arrays: Arrays, factor: float) -> None:
    """Multiply every array by `factor`, in place (what clipping by norm does to gradients)."""
    found = in_line(arrays)
    if found is not None:
        jit, ids, like, total = found
        runtime.parallel(jit.scale, total, ids, like, float(factor), grain=THRESHOLDS["parallel.elements"])
        return
    for x in arrays:
        np.multiply(x, x.dtype.type(factor), out=x)


def clamp(arrays: Arrays, bound: float) -> None:
    """Bring every element into [-bound, bound], in place; NaN stays (clipping by value)."""
    found = in_line(arrays)
    if found is not None:
        jit, ids, like, total = found
        runtime.parallel(jit.clamp, total, ids, like, float(bound), grain=THRESHOLDS["parallel.elements"])
        return
    for x in arrays:
        high = np.array(bound, x.dtype)  # a Python number would cost more than the arithmetic
        np.maximum(x, -high, out=x)
        np.minimum(x, high, out=x)


def _lerp(start: np.ndarray, end: np.ndarray, weight: float) -> None:
    """`torch.lerp_`: the form that is exact at the nearer end."""
    difference = end - start
    if weight < 0.5:
        difference *= weight
        start += difference
    else:
        difference *= 1 - weight
        np.subtract(end, difference, out=start)


def warm() -> list[tuple[str, Any]]:
    """What ``python -m autograd_core.kernels warm`` compiles: float32, the dtype of nearly all training."""
    one = [np.zeros(4, np.float32)]
    kernels = {
        "sgd": (1, 3),
        "adam": (3, 4),
        "rmsprop": (3, 3),
        "adagrad": (1, 1),
        "adadelta": (2, 1),
        "adamax": (2, 1),
    }
    kernels |= {"nadam": (2, 2), "radam": (2, 2), "asgd": (1, 1), "rprop": (2, 1), "lion": (1, 1)}

    def step(name: str, states: int, flags: int) -> None:
        runtime.native("optim")  # what `update` waits for
        update(name, [one] * (1 + states), one, None, [(1.0,) * 9], *(False,) * flags)

    def clip() -> None:
        runtime.native("optim")
        square_sum(one)
        scale(one, 0.5)
        clamp(one, 1.0)

    return [(name, lambda name=name, given=given: step(name, *given)) for name, given in kernels.items()] + [
        ("clipping", clip)
    ]
