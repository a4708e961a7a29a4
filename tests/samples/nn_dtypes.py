"""Samples of the neural-network functions that take complex numbers or integers in PyTorch."""

from __future__ import annotations

from tests.op_samples import S, t

F = "nn.functional."


def c(*shape: int) -> t:
    return t(*shape, dtype="complex128")


def i(*shape: int, dtype: str = "int64") -> t:
    return t(*shape, lo=0, hi=9, dtype=dtype, grad=False)


SAMPLES = [
    S(F + "silu", c(3, 4), parity=False),  # PyTorch has the value only
    S(F + "silu", t(3, 4, dtype="complex128", grad=False), check="value"),
    S(F + "softsign", c(3, 4)),
    S(F + "tanhshrink", c(3, 4)),
    S(F + "l1_loss", c(3, 4), c(3, 4)),
    S(F + "l1_loss", c(3, 4), c(3, 4), reduction="none"),
    S(F + "linear", c(3, 4), c(2, 4), c(2)),
    S(F + "conv1d", c(2, 3, 6), c(4, 3, 3), c(4), padding=1),
    S(F + "conv2d", c(1, 2, 5, 4), c(3, 2, 2, 2), stride=2),
    S(F + "conv_transpose2d", c(1, 2, 3, 3), c(2, 3, 2, 2), c(3)),
    S(F + "normalize", c(3, 4)),
    S(F + "pairwise_distance", c(3, 4), c(3, 4)),
    S(F + "triplet_margin_loss", c(3, 4), c(3, 4), c(3, 4), margin=2.0),
    S(F + "pad", c(2, 3, 4), (1, 2), mode="reflect"),
    S(F + "unfold", c(1, 2, 4, 4), 2),
    S(F + "pixel_shuffle", c(1, 4, 2, 2), 2),
]
SAMPLES += [
    S(F + "linear", i(3, 4), i(2, 4), check="value"),
    S(F + "conv2d", i(1, 2, 4, 4), i(3, 2, 2, 2), check="value"),
    S(F + "bilinear", i(3, 4), i(3, 2), i(5, 4, 2), check="value"),
    S(F + "max_pool2d", i(1, 2, 4, 4), 2, check="value"),
    S(F + "softsign", i(3, 4), check="value"),
    S(F + "tanhshrink", i(3, 4), check="value"),
    S(F + "threshold", i(3, 4), 4, 20, check="value"),
    S(F + "hardtanh", i(3, 4), 2, 5, check="value"),
    S(F + "margin_ranking_loss", i(5), i(5), i(5), reduction="sum", check="value"),
    S(F + "pairwise_distance", i(3, 4), i(3, 4), check="value"),
    S(F + "pairwise_distance", i(3, 4, dtype="uint8"), i(3, 4, dtype="uint8"), check="value"),
    S(F + "poisson_nll_loss", i(3, 4), i(3, 4), reduction="sum", check="value"),
    S(
        F + "cosine_embedding_loss",
        t(values=[[1, 2, 3]], dtype="int64", grad=False),
        t(values=[[4, 1, 0]], dtype="int64", grad=False),
        t(values=[1], dtype="int64", grad=False),
        check="value",
    ),
    S(F + "interpolate", i(1, 2, 4, 4, dtype="uint8"), scale_factor=2, check="value"),
    S(F + "mse_loss", t(3, 4), t(3, 4, dtype="float32"), check="first"),
]
