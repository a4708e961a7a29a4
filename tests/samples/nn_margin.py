"""Samples of the losses that are compositions, of CTC, and of distances."""

from __future__ import annotations

import numpy as np

from tests.op_samples import S, resolve, t

F = "nn.functional."


def signs(*shape: int) -> t:
    return t(*shape, make=lambda rng: np.where(rng.random(shape) < 0.5, -1.0, 1.0), grad=False)


def spread(*shape: int, step: float = 0.37, shift: float = 0.11) -> t:
    """Values whose differences stay away from the hinges at 0, 1 and the margins below."""
    return t(
        *shape,
        make=lambda rng: (
            rng.integers(-4, 5, shape) * step + shift * (1 + 0.01 * np.arange(int(np.prod(shape)))).reshape(shape)
        ),
    )


def ints(values: object) -> t:
    return t(values=values, dtype="int64", grad=False)


SAMPLES = []
for r in ("mean", "sum", "none"):
    SAMPLES += [
        S(F + "soft_margin_loss", t(3, 4), signs(3, 4), reduction=r),
        S(F + "hinge_embedding_loss", spread(3, 4), signs(3, 4), reduction=r),
        S(F + "hinge_embedding_loss", spread(3, 4), signs(3, 4), margin=0.5, reduction=r),
        S(F + "margin_ranking_loss", spread(5), spread(5, step=0.31), signs(5), reduction=r),
        S(F + "margin_ranking_loss", spread(5, 1), spread(5, 1, step=0.31), signs(5, 1), margin=0.43, reduction=r),
        S(F + "cosine_embedding_loss", t(4, 3), t(4, 3), signs(4), reduction=r),
        S(F + "cosine_embedding_loss", t(4, 3), t(4, 3), signs(4), margin=-0.9, reduction=r),
        S(F + "multi_margin_loss", spread(3, 4), ints([0, 3, 1]), reduction=r, check="first"),
        S(
            F + "multi_margin_loss",
            spread(3, 4),
            ints([0, 3, 1]),
            p=2,
            margin=0.7,
            weight=t(4, lo=0.5, hi=1.5, grad=False),
            reduction=r,
            check="first",
        ),
        S(
            F + "multilabel_margin_loss",
            spread(3, 4),
            ints([[3, 0, -1, 1], [1, -1, -1, -1], [-1, 2, 0, 1]]),
            reduction=r,
            check="first",
        ),
        S(F + "multilabel_soft_margin_loss", t(3, 4), t(3, 4, lo=0, hi=1), reduction=r),
        S(
            F + "multilabel_soft_margin_loss",
            t(3, 4),
            t(3, 4, lo=0, hi=1),
            weight=t(4, lo=0.5, hi=1.5, grad=False),
            reduction=r,
        ),
        S(F + "poisson_nll_loss", t(3, 4), t(3, 4, lo=0.2, hi=5), reduction=r),
        S(
            F + "poisson_nll_loss",
            t(3, 4, lo=0.5, hi=3),
            t(3, 4, lo=0.2, hi=5),
            log_input=False,
            full=True,
            eps=1e-3,
            reduction=r,
        ),
        S(F + "gaussian_nll_loss", t(3, 4), t(3, 4), t(3, 4, lo=0.2, hi=2), reduction=r),
        S(F + "gaussian_nll_loss", t(3, 4), t(3, 4), t(3, 1, lo=0.2, hi=2), full=True, reduction=r),
        S(F + "gaussian_nll_loss", t(3, 4), t(3, 4), t(3, lo=0.2, hi=2), eps=0.01, reduction=r),
        S(F + "triplet_margin_loss", t(4, 3), t(4, 3), t(4, 3), reduction=r, margin=1.1),
        S(F + "triplet_margin_loss", t(4, 3), t(4, 3), t(4, 3), margin=2.0, p=3, swap=True, reduction=r),
        S(F + "triplet_margin_with_distance_loss", t(4, 3), t(4, 3), t(4, 3), reduction=r, margin=1.2),
    ]
SAMPLES += [
    S(F + "cosine_embedding_loss", t(3), t(3), t(values=-1.0, grad=False)),
    S(F + "multi_margin_loss", spread(4), ints(2), check="first"),
    S(F + "multi_margin_loss", t(), ints(0), check="first"),
    S(F + "multilabel_margin_loss", t(), ints(0), check="first"),
    S(F + "multi_margin_loss", spread(3, 4), ints([0, 3, 1]), p=2, parity=False),  # second order, which PyTorch has not
    S(F + "multilabel_margin_loss", spread(4), ints([2, 1, -1, 0]), check="first"),
    S(F + "multilabel_margin_loss", spread(2, 4), ints([[3, 0, -1, 1], [1, -1, -1, -1]]), parity=False),  # as above
    S(F + "gaussian_nll_loss", t(3, 4), t(3, 4), 0.7),
    S(
        lambda T, a, b, c: resolve(T, F + "triplet_margin_with_distance_loss")(
            a, b, c, distance_function=lambda x, y: 1 - resolve(T, F + "cosine_similarity")(x, y), margin=0.9, swap=True
        ),
        t(4, 3), t(4, 3), t(4, 3), label=F + "triplet_margin_with_distance_loss cosine",
    ),
    S(F + "cosine_similarity", t(3, 4), t(3, 4)),
    S(F + "cosine_similarity", t(2, 3, 4), t(3, 1), dim=-1),
    S(F + "cosine_similarity", t(3, 4), t(3, 4), 0, 0.5),
    S("cosine_similarity", t(3, 4), t(3, 4), dim=0, eps=1e-3),
    S(F + "pairwise_distance", t(3, 4), t(3, 4)),
    S(F + "pairwise_distance", t(3, 4), t(4), p=1.0, eps=1e-3, keepdim=True),
    S(F + "pairwise_distance", t(4), t(3, 4), 3.0),
    S(F + "pdist", t(5, 3), check="first"),
    S(F + "pdist", t(5, 3), parity=False),  # second order, which PyTorch has not
    S(F + "pdist", t(4, 3), p=1.0, check="first"),
    S(F + "pdist", t(4, 3), 3.0, check="first"),
    S(F + "pdist", t(4, 3), float("inf"), check="first"),
    S(F + "pdist", t(1, 3), check="value"),
    S(F + "normalize", t(3, 4)),
    S(F + "normalize", t(3, 4, 2), p=1.0, dim=2, eps=0.1),
    S(F + "normalize", t(3, 4, 2), 3.0, (0, 2)),
    S(F + "normalize", t(values=[[0.0, 0.0], [3.0, 4.0]], grad=False), check="value"),
]  # fmt: skip


def ctc(*args: object, **kwargs: object) -> object:
    """Behind a log_softmax, where PyTorch's gradient and the derivative are the same."""
    return lambda T, x, y: resolve(T, F + "ctc_loss")(x.log_softmax(-1), y, *args, **kwargs)


PADDED = [[1, 2, 2], [3, 1, 0], [2, 0, 0]]
for r in ("mean", "sum", "none"):
    SAMPLES += [
        S(
            ctc((6, 5, 6), (3, 2, 1), reduction=r),
            t(6, 3, 4),
            ints(PADDED),
            label=F + f"ctc_loss padded {r}",
            check="first",
        ),
        S(
            ctc((6, 5, 6), (3, 2, 1), reduction=r),
            t(6, 3, 4),
            ints([1, 2, 2, 3, 1, 2]),
            label=F + f"ctc_loss joined {r}",
            check="first",
        ),
        S(
            ctc((6, 5, 6), (3, 2, 0), blank=3, reduction=r),
            t(6, 3, 4),
            ints([[1, 2, 2], [0, 1, 0], [2, 0, 0]]),
            label=F + f"ctc_loss blank 3 {r}",
            check="first",
        ),
    ]
SAMPLES += [
    S(
        ctc((6, 5, 6), (3, 2, 1)), t(6, 3, 4), ints(PADDED), label=F + "ctc_loss second order", parity=False
    ),  # PyTorch has none
    S(
        ctc((3, 5, 6), (3, 2, 1), zero_infinity=True, reduction="none"),
        t(6, 3, 4),
        ints(PADDED),
        label=F + "ctc_loss zero_infinity",
        check="first",
    ),
    S(
        ctc((3, 5, 6), (3, 2, 1), reduction="none"),
        t(6, 3, 4, grad=False),
        ints(PADDED),
        label=F + "ctc_loss infinite",
        check="value",
    ),
    S(ctc((5,), (2,)), t(5, 4), ints([1, 2]), label=F + "ctc_loss unbatched", check="first"),
    S(
        F + "ctc_loss", t(5, 2, 4, lo=-3, hi=-1), ints([[1, 2], [3, 3]]), (5, 4), (2, 2), parity=False
    ),  # the derivative itself: see ctc_loss
]
