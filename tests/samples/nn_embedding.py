"""Samples of embedding, bags, one-hot vectors and dropout."""

from __future__ import annotations

from tests.op_samples import S, resolve, t

F = "nn.functional."


def index(*shape: int, n: int = 5) -> t:
    return t(*shape, lo=0, hi=n, dtype="int64", grad=False)


def ints(*values: int) -> t:
    return t(values=list(values), dtype="int64", grad=False)


def seeded(name: str, x: t, *args: object, **kwargs: object) -> object:
    """A random function under a fixed seed; PyTorch draws other numbers, so parity is left out."""
    label = f"{F}{name} random {list(x.shape)} {args} {kwargs}"
    return S(lambda T, x: (T.manual_seed(3), resolve(T, F + name)(x, *args, **kwargs))[1], x, label=label, parity=False)


def renormed(T, i, w):
    w = w.clone()
    with T.no_grad():
        return [resolve(T, F + "embedding")(i, w, max_norm=1.0, norm_type=1.0), w]


SAMPLES = [
    S(F + "embedding", index(4), t(5, 3)),
    # a row of padding, or a gradient divided by counts, is not the derivative: test_functional compares those
    S(F + "embedding", index(2, 3, n=4), t(5, 3), 4),
    S(F + "embedding", index(2, 3, n=4), t(5, 3), padding_idx=-1),
    S(F + "embedding", ints(0, 1, 3, 2), t(5, 3), scale_grad_by_freq=True, check="first"),  # no second order in PyTorch
    S(F + "embedding", t(3, lo=0, hi=5, dtype="int32", grad=False), t(5, 2)),
    S(F + "embedding", index(0), t(5, 3)),
    S(renormed, ints(0, 3, 3), t(5, 3, lo=-2, hi=2, grad=False), label=F + "embedding max_norm", check="value"),
    # the gradient is a sparse tensor, which the generic tests do not compare: see test_sparse.py
    S(F + "embedding", index(2, 3), t(5, 3, grad=False), sparse=True, check="value"),
    S(F + "embedding_bag", index(2, 3), t(5, 3, grad=False), sparse=True, check="value"),
    S(F + "one_hot", ints(0, 2, 1), check="value"),
    S(F + "one_hot", index(2, 3), 6, check="value"),
    S(F + "one_hot", index(2, 0), num_classes=4, check="value"),
]
for mode in ("sum", "mean", "max"):
    order = "second" if mode != "max" else "first"
    SAMPLES += [
        S(F + "embedding_bag", index(3, 4), t(5, 3), mode=mode, check="first"),  # no second order in PyTorch
        S(F + "embedding_bag", index(7), t(5, 3), ints(0, 2, 2, 5), mode=mode, check="first"),
        S(F + "embedding_bag", index(7), t(5, 3), ints(0, 3, 7), mode=mode, include_last_offset=True, check="first"),
        S(F + "embedding_bag", ints(0, 2, 1, 2, 2, 3), t(5, 3), ints(0, 2, 4), mode=mode, padding_idx=2, check="first"),
    ]
SAMPLES += [
    S(F + "embedding_bag", index(3, 4), t(5, 3), mode="sum", per_sample_weights=t(3, 4), check="first"),
    S(
        F + "embedding_bag",
        index(6),
        t(5, 3),
        ints(0, 1, 4),
        mode="sum",
        per_sample_weights=t(6),
        padding_idx=1,
        check="first",
    ),
    S(F + "embedding_bag", index(3, 4), t(5, 3), check="first"),
    S(
        F + "embedding_bag", index(3, 2), t(5, 3), mode="sum", label=F + "embedding_bag second order", parity=False
    ),  # no second order in PyTorch
]
for name, shape in (
    ("dropout", (3, 4)), ("dropout1d", (3, 4, 5)), ("dropout1d", (4, 5)), ("dropout2d", (3, 4, 2, 3)), ("dropout3d", (2, 3, 2, 2, 2)),
    ("dropout3d", (3, 2, 2, 2)), ("alpha_dropout", (3, 4)), ("feature_alpha_dropout", (3, 4, 2)),
):  # fmt: skip
    SAMPLES += [
        seeded(name, t(*shape), 0.4, True),
        S(F + name, t(*shape), 0.4, False),
        S(F + name, t(*shape), p=0.0, training=True),
        S(F + name, t(*shape), p=1.0, training=True),
    ]
SAMPLES += [
    S("dropout", t(3, 4), 0.3, False),
    seeded("dropout", t(50), p=0.9),
]
