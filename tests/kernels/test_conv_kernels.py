"""Convolution kernels against the definition, and the compiled ones against their NumPy twins."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from autograd_core.kernels import conv as C
from autograd_core.kernels import conv_numpy, runtime

needs_numba = pytest.mark.skipif(not runtime.enabled(), reason="AUTOGRAD_CORE_NUMBA=0: only the NumPy twins exist")


def by_definition(x, w, stride, padding, dilation, groups):
    """The formula of ``conv_numpy``, one output pixel and tap at a time, in float64."""
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), *((p, p) for p in padding)))
    w = w.astype(np.float64)
    n, o = x.shape[0], w.shape[0]
    out = [
        (m - d * (k - 1) - 1) // s + 1 for m, k, s, d in zip(x.shape[2:], w.shape[2:], stride, dilation, strict=True)
    ]
    y = np.zeros((n, o, *out))
    x = x.reshape(n, groups, -1, *x.shape[2:])
    w = w.reshape(groups, o // groups, *w.shape[1:])
    for p in product(*map(range, out)):
        for t in product(*map(range, w.shape[3:])):
            at = tuple(a * s + b * d for a, b, s, d in zip(p, t, stride, dilation, strict=True))
            value = np.einsum("ngc,goc->ngo", x[(..., *at)], w[(..., *t)])
            y[(slice(None), slice(None), *p)] += value.reshape(n, o)
    return y


# name: x, w, stride, padding, dilation, groups
CASES = {
    "plain": ((3, 5, 11, 9), (18, 5, 3, 3), 1, 0, 1, 1),
    "same padding": ((4, 16, 8, 8), (32, 16, 3, 3), 1, 1, 1, 1),
    "one channel in": ((2, 1, 13, 10), (16, 1, 3, 3), 1, 1, 1, 1),
    "three channels, 7x7, stride 2": ((2, 3, 21, 23), (17, 3, 7, 7), 2, 3, 1, 1),
    "1x1": ((3, 20, 7, 7), (24, 20, 1, 1), 1, 0, 1, 1),
    "1x1, stride 2": ((2, 10, 9, 9), (12, 10, 1, 1), 2, 0, 1, 1),
    "asymmetric": ((2, 6, 12, 7), (9, 6, 5, 2), (3, 1), (4, 0), (1, 2), 1),
    "dilated": ((1, 4, 15, 15), (8, 4, 3, 3), 1, 2, 2, 1),
    "padding beyond the kernel": ((2, 3, 4, 4), (5, 3, 2, 2), 1, 3, 1, 1),
    "stride beyond the kernel": ((2, 6, 14, 13), (10, 6, 2, 2), (4, 3), 1, 1, 1),
    "groups": ((2, 24, 9, 9), (32, 6, 3, 3), 1, 1, 1, 4),
    "groups, stride 2": ((2, 12, 10, 11), (27, 4, 3, 3), 2, 1, 1, 3),
    "depthwise": ((2, 20, 12, 17), (20, 1, 3, 3), 1, 1, 1, 20),
    "depthwise, stride 2": ((2, 9, 15, 16), (9, 1, 5, 3), 2, (2, 1), 1, 9),
    "depthwise, dilated": ((1, 6, 15, 16), (6, 1, 3, 3), (1, 3), 2, (2, 1), 6),
    "depthwise, 3 per channel": ((2, 4, 9, 10), (12, 1, 3, 3), 1, 1, 1, 4),
    "two channels out": ((2, 7, 33, 40), (2, 7, 3, 3), 1, 1, 1, 1),
    "four channels out": ((3, 7, 10, 10), (4, 7, 4, 4), 2, 1, 1, 1),
    "1d": ((3, 8, 200), (16, 8, 5), 2, 2, 1, 1),
    "1d, long": ((1, 4, 3000), (8, 4, 9), 1, 4, 1, 1),
    "1d, causal": ((2, 8, 64), (8, 8, 2), 1, 4, 4, 1),
    "3d": ((2, 5, 6, 7, 8), (12, 5, 3, 2, 3), 1, (1, 0, 1), 1, 1),
    "3d, stride 2": ((1, 4, 7, 8, 9), (4, 2, 3, 3, 3), (2, 1, 2), 1, 1, 2),
    "a pixel": ((40, 30, 3, 3), (20, 30, 3, 3), 1, 0, 1, 1),
    "many images": ((50, 8, 4, 4), (16, 8, 3, 3), 1, 1, 1, 1),
    "few pixels, many channels": ((1, 64, 4, 4), (200, 64, 3, 3), 1, 1, 1, 1),
    "several passes over the terms": ((1, 90, 6, 6), (10, 90, 3, 3), 1, 1, 1, 1),
    "large image": ((1, 3, 130, 120), (8, 3, 3, 3), 1, 1, 1, 1),
}


def tuples(case):
    x, w, stride, padding, dilation, groups = CASES[case]
    rank = len(w) - 2
    full = [v if isinstance(v, tuple) else (v,) * rank for v in (stride, padding, dilation)]
    return x, w, *full, groups


def draw(case, dtype=np.float32):
    """Small whole numbers: every product and sum is exact in float32, so that results must be equal to the last bit."""
    x_shape, w_shape, stride, padding, dilation, groups = tuples(case)
    rng = np.random.default_rng(len(case))
    x = rng.integers(-4, 5, x_shape).astype(dtype)
    w = rng.integers(-4, 5, w_shape).astype(dtype)
    bias = rng.integers(-4, 5, w_shape[0]).astype(dtype)
    out = conv_numpy.out_size(x_shape[2:], w_shape[2:], stride, padding, dilation)
    g = rng.integers(-4, 5, (x_shape[0], w_shape[0], *out)).astype(dtype)
    return x, w, bias, g, (stride, padding, dilation, groups)


@pytest.fixture
def compiled(monkeypatch):
    """Use the compiled kernels for every size."""
    monkeypatch.setitem(runtime.THRESHOLDS, "conv.numba", 0)
    monkeypatch.setitem(runtime.THRESHOLDS, "conv.bias_grad", 0)


@pytest.fixture(params=[1, 3])
def threads(request):
    before = runtime.get_num_threads()
    runtime.set_num_threads(request.param)
    yield request.param
    runtime.set_num_threads(before)


@pytest.mark.parametrize("case", CASES)
def test_numpy_twins_follow_the_definition(case):
    x, w, bias, g, how = draw(case, np.float64)
    y = conv_numpy.conv(x, w, None, *how)
    assert np.array_equal(y, by_definition(x, w, *how))
    # the gradients are the adjoint maps: <g, conv(x, w)> is linear in x and in w
    assert np.vdot(conv_numpy.conv_grad_input(g, w, x.shape, *how), x) == np.vdot(g, y)
    assert np.vdot(conv_numpy.conv_grad_weight(g, x, w.shape, *how), w) == np.vdot(g, y)
    spread = (1, -1, *(1,) * (x.ndim - 2))
    assert np.array_equal(conv_numpy.conv(x, w, bias, *how), y + bias.reshape(spread))


@needs_numba
@pytest.mark.parametrize("case", CASES)
def test_compiled_kernels_equal_their_numpy_twins(case, compiled, threads):
    x, w, bias, g, how = draw(case)
    assert np.array_equal(C.conv(x, w, bias, *how), conv_numpy.conv(x, w, bias, *how))
    assert np.array_equal(C.conv(x, w, None, *how), conv_numpy.conv(x, w, None, *how))
    assert np.array_equal(C.conv_grad_input(g, w, x.shape, *how), conv_numpy.conv_grad_input(g, w, x.shape, *how))
    assert np.array_equal(C.conv_grad_weight(g, x, w.shape, *how), conv_numpy.conv_grad_weight(g, x, w.shape, *how))
    assert np.array_equal(C.bias_grad(g), g.sum((0, *range(2, g.ndim))))


@needs_numba
@pytest.mark.parametrize("case", ["plain", "depthwise, stride 2", "1d", "3d, stride 2"])
def test_any_strides(case, compiled):
    x, w, bias, g, how = draw(case)

    def strange(a):
        wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
        wide[..., ::-2] = a
        assert np.array_equal(wide[..., ::-2], a)
        return wide[..., ::-2]

    for change in (np.asfortranarray, strange):
        a, b, c, d = (change(v) for v in (x, w, bias, g))
        assert np.array_equal(C.conv(a, b, c, *how), conv_numpy.conv(x, w, bias, *how))
        assert np.array_equal(C.conv_grad_input(d, b, x.shape, *how), conv_numpy.conv_grad_input(g, w, x.shape, *how))
        assert np.array_equal(C.conv_grad_weight(d, a, w.shape, *how), conv_numpy.conv_grad_weight(g, x, w.shape, *how))
        assert C.conv(a, b, c, *how).flags.c_contiguous


@needs_numba
@pytest.mark.parametrize("case", ["same padding", "depthwise", "few pixels, many channels", "1d, long"])
def test_reproducible_for_a_thread_count(case, compiled):
    x_shape, w_shape, *how = tuples(case)
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(x_shape, np.float32), rng.standard_normal(w_shape, np.float32)
    before = runtime.get_num_threads()
    runtime.set_num_threads(4)
    try:
        y = C.conv(x, w, None, *how)
        dw, dx = C.conv_grad_weight(y, x, w_shape, *how), C.conv_grad_input(y, w, x_shape, *how)
        for _ in range(20):
            assert np.array_equal(C.conv(x, w, None, *how), y)
            assert np.array_equal(C.conv_grad_weight(y, x, w_shape, *how), dw)
            assert np.array_equal(C.conv_grad_input(y, w, x_shape, *how), dx)
    finally:
        runtime.set_num_threads(before)


@needs_numba
@pytest.mark.parametrize("case", ["same padding", "depthwise", "three channels, 7x7, stride 2", "two channels out"])
def test_accuracy_of_float32(case, compiled):
    """Against float64, within what ``terms`` rounded products and sums may err: terms * eps * sum of sizes."""
    x_shape, w_shape, *how = tuples(case)
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal(x_shape, np.float32), rng.standard_normal(w_shape, np.float32)
    eps = np.finfo(np.float32).eps
    wide = [a.astype(np.float64) for a in (x, w)]
    y = C.conv(x, w, None, *how)
    bound = math.prod(w_shape[1:]) * eps * conv_numpy.conv(*map(np.abs, wide), None, *how)
    assert (np.abs(y - conv_numpy.conv(*wide, None, *how)) <= bound + 1e-30).all()
    g = rng.standard_normal(y.shape, np.float32)
    terms = y.size // y.shape[1]
    exact = conv_numpy.conv_grad_weight(g.astype(np.float64), wide[0], w_shape, *how)
    bound = terms * eps * conv_numpy.conv_grad_weight(np.abs(g.astype(np.float64)), np.abs(wide[0]), w_shape, *how)
    assert (np.abs(C.conv_grad_weight(g, x, w_shape, *how) - exact) <= bound).all()


@needs_numba
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_go_where_they_should(case, value, compiled):
    """One bad input pixel, gradient or weight spoils exactly what the definition says, nothing beside it."""
    x, w, bias, g, how = draw(case)
    x[0, 0].flat[-1] = value
    g[-1, -1].flat[0] = value
    with np.errstate(invalid="ignore"):
        for got, want in (
            (C.conv(x, w, bias, *how), conv_numpy.conv(x, w, bias, *how)),
            (C.conv_grad_input(g, w, x.shape, *how), conv_numpy.conv_grad_input(g, w, x.shape, *how)),
            (C.conv_grad_weight(g, x, w.shape, *how), conv_numpy.conv_grad_weight(g, x, w.shape, *how)),
        ):
            assert np.array_equal(np.isfinite(got), np.isfinite(want))
            assert np.array_equal(got[np.isfinite(want)], want[np.isfinite(want)])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_is_kept_and_sizes_of_zero_work(dtype):
    for n, c in ((0, 3), (2, 0), (0, 0)):
        x, w, bias = np.ones((n, c, 5, 5), dtype), np.ones((4, c, 3, 3), dtype), np.arange(4).astype(dtype)
        y = C.conv(x, w, bias)
        assert (y.shape, y.dtype) == ((n, 4, 3, 3), dtype)
        assert (y == bias[:, None, None]).all()
        assert C.conv_grad_input(y, w, x.shape).shape == x.shape
        dw = C.conv_grad_weight(y, x, w.shape)
        assert (dw.shape, dw.dtype) == (w.shape, dtype)
        assert not dw.any()
        assert C.bias_grad(y).shape == (4,)
    x = np.ones((2, 3, 6, 6), dtype)
    y = C.conv(x, np.ones((4, 3, 3, 3), dtype), stride=2)
    assert y.dtype == dtype
    assert (y == 27).all()


@pytest.mark.parametrize("output_padding", [0, 1])
def test_transposed(output_padding):
    """`transposed_size` gives a shape whose convolution has the input's shape, as `conv_grad_input` needs."""
    x, w = np.ones((2, 6, 5, 4)), np.ones((6, 2, 3, 3))
    shape = C.transposed_size("conv_transpose2d", x.shape, w.shape, 2, 1, output_padding, 2)
    assert shape == (2, 4, 9 + output_padding, 7 + output_padding)
    y = C.conv_grad_input(x, w, shape, 2, 1, 1, 2)
    assert (y.shape, y[0, 0, 0, 0], y[0, 0, 1, 1]) == (shape, 3, 12)


ONE = np.ones((2, 3, 5, 5), np.float32)
WEIGHT = np.ones((4, 3, 3, 3), np.float32)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: C.conv(ONE, np.ones((4, 2, 3, 3), np.float32)),
            "conv2d: weight (4, 2, 3, 3) with groups=1 expects 2 input channels, got input (2, 3, 5, 5) with 3.",
        ),
        (lambda: C.conv(ONE, WEIGHT, stride=0), "conv2d: stride must be positive, got (0, 0)."),
        (
            lambda: C.conv(ONE, WEIGHT, padding=-1),
            "conv2d: padding must not be negative, got (-1, -1); slice the input instead.",
        ),
        (lambda: C.conv(ONE, WEIGHT, dilation=(1, 0)), "conv2d: dilation must be positive, got (1, 0)."),
        (lambda: C.conv(ONE, WEIGHT, stride=(1, 2, 3)), "conv2d: expected stride to be one int or 2, got (1, 2, 3)."),
        (lambda: C.conv(ONE, WEIGHT, groups=0), "conv2d: groups must be positive, got 0."),
        (
            lambda: C.conv(ONE, WEIGHT, groups=3),
            "conv2d: out_channels=4 of weight (4, 3, 3, 3) cannot be divided into groups=3.",
        ),
        (
            lambda: C.conv(ONE, WEIGHT, dilation=3, padding=(0, 1)),
            "conv2d: the kernel (7 x 7 with its dilation) is larger than the padded input (5 x 7); input (2, 3, 5, 5), "
            "weight (4, 3, 3, 3), padding (0, 1). Pad more or use a smaller kernel.",
        ),
        (
            lambda: C.conv(ONE, WEIGHT.astype(np.float64)),
            "conv2d: expected one dtype, got input float32, weight float64; convert with .to().",
        ),
        (
            lambda: C.conv(ONE, WEIGHT, np.ones(3, np.float32)),
            "conv2d: expected bias of shape (4,), got (3,).",
        ),
        (
            lambda: C.conv(ONE[0], WEIGHT),
            "conv2d: weight (4, 3, 3, 3) has 2 kernel dimensions, so the input must be (batch, channels, H, W), got "
            "shape (3, 5, 5).",
        ),
        (
            lambda: C.conv(ONE[..., :0], WEIGHT, padding=2),
            "conv2d: input (2, 3, 5, 0) has no pixels; only the batch or the channels may be 0.",
        ),
        (
            lambda: C.conv(ONE, WEIGHT[:, :, :0]),
            "conv2d: weight (4, 3, 0, 3) has a dimension of size 0; only in_channels may be 0.",
        ),
        (
            lambda: C.conv_grad_input(ONE, WEIGHT, (2, 3, 5, 5)),
            "conv2d_input: expected a gradient of shape (2, 4, 3, 3), got (2, 3, 5, 5).",
        ),
        (
            lambda: C.conv_grad_weight(ONE, ONE, (4, 3, 3, 3), name="conv2d_weight"),
            "conv2d_weight: expected a gradient of shape (2, 4, 3, 3), got (2, 3, 5, 5).",
        ),
        (
            lambda: C.transposed_size("conv_transpose2d", (1, 4, 5, 5), (4, 3, 3, 3), 2, 1, 2),
            "conv_transpose2d: output_padding must be smaller than stride or dilation, got output_padding (2, 2), "
            "stride (2, 2), dilation (1, 1).",
        ),
        (
            lambda: C.transposed_size("conv_transpose2d", (1, 3, 5, 5), (4, 3, 3, 3)),
            "conv_transpose2d: weight (4, 3, 3, 3) expects 4 input channels, got input (1, 3, 5, 5) with 3.",
        ),
        (
            lambda: C.transposed_size("conv_transpose2d", (1, 4, 2, 2), (4, 3, 3, 3), 1, 3),
            "conv_transpose2d: the output would have size (-2 x -2): input (1, 4, 2, 2), weight (4, 3, 3, 3), padding "
            "(3, 3). Use less padding or a larger kernel.",
        ),
    ],
)
def test_errors_say_what_and_why(call, text):
    with pytest.raises(RuntimeError) as caught:
        call()
    assert str(caught.value) == text
