"""Samples of normalisation layers."""

from __future__ import annotations

import numpy as np

from tests.op_samples import S, resolve, t

F = "nn.functional."


def var(*shape: int) -> t:
    return t(*shape, lo=0.5, hi=2.0, grad=False)


def mean(*shape: int) -> t:
    return t(*shape, grad=False)


def tracked(name: str, shape: tuple[int, ...], **kwargs: object) -> object:
    """Running statistics after one call, and the result."""

    def run(T, x, m, v, w, b):
        m, v = m.clone(), v.clone()
        y = resolve(T, F + name)(x, m, v, w, b, True, **kwargs)
        return [y, m, v]

    c = shape[1]
    return S(run, t(*shape), mean(c), var(c), t(c), t(c), label=f"{F}{name} tracks {kwargs} {shape}")


SAMPLES = [
    S(F + "batch_norm", t(6, 3), None, None, training=True),
    S(F + "batch_norm", t(6, 3), None, None, t(3), t(3), True),
    S(F + "batch_norm", t(4, 3, 5), None, None, t(3), None, True, 0.1, 0.01),
    S(F + "batch_norm", t(2, 3, 4, 3), None, None, weight=t(3), bias=t(3), training=True, eps=1e-3),
    S(
        F + "batch_norm", t(2, 3, 2, 2, 3), None, None, None, t(3), training=True, check="first"
    ),  # PyTorch fails in second order without a weight
    S(F + "batch_norm", t(2, 3, 4, 3), mean(3), var(3), t(3), t(3)),
    S(F + "batch_norm", t(2, 3, 4), mean(3), var(3), training=False, eps=0.1),
    S(F + "batch_norm", t(5, 3), mean(3), var(3), t(3)),
    tracked("batch_norm", (4, 3)),
    tracked("batch_norm", (2, 3, 4, 2), momentum=0.3),
    tracked("batch_norm", (2, 3, 4), momentum=0.0, eps=0.1),
    S(F + "instance_norm", t(2, 3, 5)),
    S(F + "instance_norm", t(2, 3, 4, 3), weight=t(3), bias=t(3)),
    S(F + "instance_norm", t(2, 3, 2, 3, 2), None, None, t(3), t(3), True, 0.1, 1e-2),
    S(F + "instance_norm", t(2, 3, 4, 3), mean(3), var(3), t(3), t(3), use_input_stats=False),
    tracked("instance_norm", (2, 3, 4, 2), momentum=0.3),
    tracked("instance_norm", (3, 2, 5)),
    S(F + "layer_norm", t(4, 5), (5,)),
    S(F + "layer_norm", t(2, 3, 4), (3, 4), t(3, 4), t(3, 4)),
    S(F + "layer_norm", t(2, 3, 4), [4], weight=t(4), eps=0.01),
    S(F + "layer_norm", t(2, 3, 4), (4,), None, t(4), check="first"),  # PyTorch fails in second order without a weight
    S(F + "layer_norm", t(5), (5,), t(5), t(5)),
    S(F + "layer_norm", t(0, 4), (4,), t(4), t(4)),
    S(F + "rms_norm", t(4, 5), (5,)),
    S(F + "rms_norm", t(2, 3, 4), (3, 4), t(3, 4)),
    S(F + "rms_norm", t(2, 3, 4), (4,), weight=t(4), eps=0.01),
    S(F + "group_norm", t(2, 6, 5), 3),
    S(F + "group_norm", t(2, 6, 3, 2), 2, t(6), t(6)),
    S(F + "group_norm", t(3, 4), 2, weight=t(4), eps=0.01),
    S(F + "group_norm", t(2, 4, 3), 4, bias=t(4), parity=False),  # PyTorch fails in backward without a weight
    S(F + "group_norm", t(2, 4, 3), 1, t(4), t(4)),
    S(F + "local_response_norm", t(2, 5, 4), 3),
    S(F + "local_response_norm", t(2, 5, 3, 2), 2, alpha=0.5, beta=0.5, k=2.0),
    S(F + "local_response_norm", t(2, 5, 2, 3, 2), 5, 0.1),
    S(F + "group_norm", t(0, 2), 1, t(2), t(2), parity=False),  # PyTorch fails in second order
    S("layer_norm", t(4, 5), (5,), t(5), t(5)),
    S("group_norm", t(2, 6, 5), 3),
    S("rms_norm", t(4, 5), (5,)),
    S(
        F + "layer_norm", t(values=np.array([[1e4, 1e4 + 1, 1e4 + 2]])), (3,), tolerance=1e5
    ),  # cancellation: x - mean loses 4 digits, f'' is 1e4 off in finite differences
]
