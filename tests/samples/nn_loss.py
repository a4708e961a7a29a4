"""Samples of the losses: every reduction, weights, and the shapes each takes."""

from __future__ import annotations

import numpy as np

from tests.op_samples import S, t

F = "nn.functional."


def classes(*shape: int, n: int, ignore: int | None = None) -> t:
    def make(rng: np.random.Generator) -> np.ndarray:
        y = rng.integers(0, n, shape)
        if ignore is not None and y.size:
            y.reshape(-1)[0] = ignore
        return y

    return t(*shape, dtype="int64", make=make, grad=False)


def prob(*shape: int, grad: bool = True) -> t:
    return t(*shape, lo=0.05, hi=0.95, grad=grad)


def distribution(*shape: int, axis: int = 1, grad: bool = True) -> t:
    def make(rng: np.random.Generator) -> np.ndarray:
        p = rng.uniform(0.1, 1.0, shape)
        return p / p.sum(axis, keepdims=True)

    return t(*shape, make=make, grad=grad)


def logs(*shape: int) -> t:
    return t(*shape, lo=-3.0, hi=-0.1)


def far(*shape: int) -> tuple[t, t]:
    """Two tensors whose differences stay away from 0, 0.5, 1 and 2."""

    def one(rng: np.random.Generator) -> np.ndarray:
        return rng.integers(-2, 3, shape) * 0.6 + 0.1

    return t(*shape, make=one), t(*shape, make=lambda rng: rng.integers(-2, 3, shape) * 0.7 - 0.13)


CLASS = t(values=1, dtype="int64", grad=False)
SAMPLES = []
for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"):
    a, b = far(3, 4)
    SAMPLES += [S(F + name, a, b), S(F + name, a, b, reduction="sum"), S(F + name, a, b, reduction="none")]
    SAMPLES += [S(F + name, *far()), S(F + name, t(0, 3), t(0, 3), reduction="sum")]
a, b = far(3, 4)
SAMPLES += [
    S(F + "mse_loss", a, b, weight=t(3, 4, lo=0.5, hi=1.5, grad=False)),
    S(F + "mse_loss", a, b, weight=t(3, 4, lo=0.5, hi=1.5, grad=False), reduction="sum"),
    S(F + "l1_loss", a, b, weight=t(3, 4, lo=0.5, hi=1.5, grad=False)),
    S(F + "huber_loss", a, b, weight=t(3, 4, lo=0.5, hi=1.5, grad=False), reduction="none"),
    S(F + "huber_loss", a, b, delta=0.5),
    S(F + "huber_loss", a, b, "sum", 2.0),
    S(F + "smooth_l1_loss", a, b, beta=0.5),
    S(F + "smooth_l1_loss", a, b, beta=2.0, reduction="none"),
    S(F + "smooth_l1_loss", a, b, beta=0.0),
    S(F + "mse_loss", t(0), t(0), check="value"),
]
for r in ("mean", "sum", "none"):
    SAMPLES += [
        S(F + "binary_cross_entropy", prob(3, 4), prob(3, 4, grad=False), reduction=r),
        S(F + "binary_cross_entropy", prob(3, 4), prob(3, 4), t(4, lo=0.5, hi=1.5, grad=False), reduction=r),
        S(F + "binary_cross_entropy_with_logits", t(3, 4), prob(3, 4, grad=False), reduction=r),
        S(
            F + "binary_cross_entropy_with_logits",
            t(3, 4),
            prob(3, 4),
            t(3, 4, lo=0.5, hi=1.5, grad=False),
            reduction=r,
        ),
        S(
            F + "binary_cross_entropy_with_logits",
            t(3, 4),
            prob(3, 4),
            pos_weight=t(4, lo=0.5, hi=3.0, grad=False),
            reduction=r,
        ),
        S(F + "kl_div", logs(3, 4), distribution(3, 4), reduction="batchmean" if r == "mean" else r),
        S(F + "kl_div", logs(3, 4), logs(3, 4), reduction="batchmean" if r == "mean" else r, log_target=True),
        S(F + "nll_loss", logs(4, 3), classes(4, n=3), reduction=r),
        S(
            F + "nll_loss",
            logs(4, 3, 2, 2),
            classes(4, 2, 2, n=3, ignore=1),
            t(3, lo=0.5, hi=1.5, grad=False),
            ignore_index=1,
            reduction=r,
        ),
        S(F + "cross_entropy", t(4, 3), classes(4, n=3), reduction=r),
        S(F + "cross_entropy", t(4, 3), classes(4, n=3, ignore=-100), t(3, lo=0.5, hi=1.5, grad=False), reduction=r),
        S(
            F + "cross_entropy",
            t(4, 3, 2),
            classes(4, 2, n=3, ignore=1),
            reduction=r,
            ignore_index=1,
            label_smoothing=0.2,
        ),
        S(
            F + "cross_entropy",
            t(2, 3, 2, 2),
            classes(2, 2, 2, n=3),
            t(3, lo=0.5, hi=1.5, grad=False),
            reduction=r,
            label_smoothing=0.1,
        ),
        S(F + "cross_entropy", t(4, 3), distribution(4, 3), reduction=r),
        S(
            F + "cross_entropy",
            t(4, 3, 2),
            distribution(4, 3, 2),
            t(3, lo=0.5, hi=1.5, grad=False),
            reduction=r,
            label_smoothing=0.2,
        ),
    ]
SAMPLES += [
    S(F + "kl_div", logs(3, 4), t(values=[[0.0, 0.2, 0.3, 0.5]] * 3, grad=False), reduction="sum"),
    S(F + "kl_div", logs(3, 4), distribution(4, axis=0), reduction="sum"),
    S(F + "cross_entropy", t(3), CLASS),
    S(F + "cross_entropy", t(3), distribution(3, axis=0), label_smoothing=0.1),
    S(F + "cross_entropy", t(values=[[1000.0, 0.0, -1000.0], [0.0, 0.0, 0.0]]), classes(2, n=3), check="first"),
    S(F + "cross_entropy", t(0, 3), classes(0, n=3), reduction="sum"),
    S(F + "cross_entropy", t(0, 3, grad=False), classes(0, n=3), check="value"),
    S(F + "nll_loss", logs(3), CLASS),
    S(F + "binary_cross_entropy", t(values=[0.0, 1.0, 0.5], grad=False), t(values=[1.0, 0.0, 0.5], grad=False), reduction="none", check="value"),
    S(F + "binary_cross_entropy_with_logits", t(values=[-1000.0, 1000.0, 0.0], grad=False), t(values=[1.0, 0.0, 0.5], grad=False), reduction="none", check="value"),
]  # fmt: skip
