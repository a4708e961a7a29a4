"""Samples of convolutions, plain and transposed: every argument in 1 to 3 dimensions."""

from __future__ import annotations

from tests.op_samples import S, resolve, t

F = "nn.functional."

SAMPLES = [
    S(F + "conv1d", t(2, 3, 7), t(4, 3, 3)),
    S(F + "conv1d", t(2, 4, 9), t(6, 2, 3), t(6), 2, 1, 2, 2),
    S(F + "conv1d", t(4, 9), t(2, 4, 3), bias=t(2), stride=(3,), padding=(2,)),
    S(F + "conv1d", t(2, 3, 7), t(4, 3, 3), padding="same"),
    S(F + "conv1d", t(2, 3, 7), t(4, 3, 4), padding="same", parity=False),  # PyTorch warns; test_functional compares
    S(F + "conv1d", t(0, 3, 7), t(4, 3, 3)),
    S(F + "conv2d", t(2, 3, 5, 6), t(4, 3, 3, 2)),
    S(F + "conv2d", t(2, 3, 6, 5), t(4, 3, 3, 3), t(4), stride=2, padding=1),
    S(F + "conv2d", t(2, 4, 6, 7), t(4, 1, 3, 3), t(4), stride=(1, 2), padding=(2, 1), dilation=(2, 1), groups=4),
    S(F + "conv2d", t(3, 5, 6), t(4, 3, 1, 1), t(4)),
    S(F + "conv2d", t(1, 2, 5, 6), t(2, 2, 3, 2), padding="same", dilation=(1, 2)),
    S(F + "conv2d", t(1, 2, 5, 6), t(2, 2, 2, 2), padding="valid", stride=2),
    S(F + "conv3d", t(1, 2, 4, 5, 4), t(3, 2, 2, 3, 2), t(3)),
    S(F + "conv3d", t(2, 2, 4, 5, 4), t(2, 1, 2, 2, 2), t(2), stride=(1, 2, 1), padding=(1, 0, 1), groups=2),
    S(F + "conv3d", t(2, 4, 4, 4), t(3, 2, 2, 2, 2), dilation=2),
    S(F + "conv_transpose1d", t(2, 3, 5), t(3, 2, 3)),
    S(F + "conv_transpose1d", t(2, 4, 5), t(4, 2, 3), t(4), 2, 1, 1, 2, 1),
    S(F + "conv_transpose1d", t(3, 5), t(3, 2, 3), bias=t(2), dilation=2, output_padding=1),
    S(F + "conv_transpose2d", t(2, 3, 4, 3), t(3, 2, 2, 3)),
    S(F + "conv_transpose2d", t(2, 4, 3, 4), t(4, 1, 3, 3), t(2), stride=2, padding=1, output_padding=1, groups=2),
    S(F + "conv_transpose2d", t(3, 4, 3), t(3, 2, 2, 2), stride=(2, 3), dilation=(2, 1)),
    S(F + "conv_transpose2d", t(1, 2, 3, 3), t(2, 2, 2, 2), stride=(1, 2), dilation=(3, 1), output_padding=(2, 1)),
    S(F + "conv_transpose3d", t(1, 2, 3, 3, 2), t(2, 3, 2, 2, 2), t(3)),
    S(
        F + "conv_transpose3d",
        t(1, 2, 3, 2, 2),
        t(2, 1, 2, 3, 2),
        stride=(2, 1, 2),
        padding=(0, 1, 0),
        groups=2,
        output_padding=(1, 0, 0),
    ),
    S(
        lambda T, x, w, b: resolve(T, F + "conv2d")(x, w, b) ** 2,
        t(1, 2, 4, 4),
        t(3, 2, 2, 2),
        t(3),
        label=F + "conv2d squared: the bias in second order",
    ),
    S("conv2d", t(2, 3, 5, 5), t(4, 3, 3, 3), t(4), padding=1),
    S("conv1d", t(2, 3, 5), t(4, 3, 3), t(4), padding=1),
    S("conv_transpose2d", t(2, 3, 4, 4), t(3, 2, 2, 2), t(2), 2),
    S(F + "linear", t(4, 3), t(2, 3)),
    S(F + "linear", t(2, 4, 3), t(5, 3), t(5)),
    S(F + "linear", t(3), t(5, 3), t(5)),
    S(F + "linear", t(2, 0, 3), t(5, 3), t(5)),
    S(F + "linear", t(4, 3), t(3)),
    S(F + "bilinear", t(4, 3), t(4, 2), t(5, 3, 2)),
    S(F + "bilinear", t(2, 4, 3), t(2, 4, 2), t(5, 3, 2), t(5)),
]
