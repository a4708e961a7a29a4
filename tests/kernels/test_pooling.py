"""Pooling: kernel equals twin to the last index, both equal a plain loop over windows; borders, ties, NaN."""

import itertools

import numpy as np
import pytest

from autograd_core.kernels import pooling as k
from autograd_core.kernels.thresholds import THRESHOLDS

# spatial, kernel, stride, padding, dilation, ceil_mode
CASES = [
    ((8, 8), (2, 2), 2, 0, 1, False),
    ((9, 21), (2, 2), 2, 0, 1, True),
    ((7, 40), (3, 3), (2, 1), 1, 1, False),
    ((11, 10), (3, 2), (1, 3), (1, 0), 1, True),
    ((10, 19), (3, 3), 2, (1, 1), 2, True),
    ((12,), (3,), 2, 1, 1, True),
    ((4, 5, 6), (2, 3, 2), (2, 1, 2), (0, 1, 1), 1, True),
    ((1, 1), (1, 1), 1, 0, 1, False),
]


@pytest.fixture
def both(monkeypatch):
    def call(function, *arguments):
        results = []
        for threshold in (10**18, 0):
            monkeypatch.setitem(THRESHOLDS, "pooling.numba", threshold)
            results.append(function(*arguments))
        return results

    return call


def sample(shape, dtype=np.float32):
    x = np.random.default_rng(0).integers(-3, 4, shape).astype(dtype)  # many ties
    if x.size > 20 and x.dtype.kind == "f":
        x.reshape(-1)[[5, 17]] = np.nan, np.inf
        x.reshape(-1)[20:60] = -np.inf
    return x


def windows(length, kernel, stride, padding, dilation, count):
    """Positions of each window inside the input, by the definition."""
    return [
        [
            o * stride - padding + t * dilation
            for t in range(kernel)
            if 0 <= o * stride - padding + t * dilation < length
        ]
        for o in range(count)
    ]


def triple(value, n):
    return (value,) * n if isinstance(value, int) else value


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_max_pool(both, case, dtype):
    spatial, *arguments = case
    x = sample((2, 3, *spatial), dtype)
    (y, indices), (fast, fast_indices) = both(k.max_pool, x, *arguments)
    np.testing.assert_array_equal(fast, y)
    np.testing.assert_array_equal(fast_indices, indices)
    assert fast.dtype == dtype
    assert fast_indices.dtype == indices.dtype == np.int32
    n = len(spatial)
    stride, padding, dilation = (triple(a, n) for a in arguments[1:4])
    axes = [
        windows(length, kk, s, p, d, c)
        for length, kk, s, p, d, c in zip(spatial, arguments[0], stride, padding, dilation, y.shape[2:], strict=True)
    ]
    for place in itertools.product(*(range(c) for c in y.shape[2:])):
        block = x[0, 1][np.ix_(*(axis[o] for axis, o in zip(axes, place, strict=True)))]
        np.testing.assert_array_equal(y[0, 1][place], block.max())
        at = np.unravel_index(indices[0, 1][place], spatial)
        np.testing.assert_array_equal(x[0, 1][at], block.max())
        assert all(a in axis[o] for a, axis, o in zip(at, axes, place, strict=True))
        if not np.isnan(block.max()):
            first = np.unravel_index(block.argmax(), block.shape)
            assert at == tuple(axis[o][f] for axis, o, f in zip(axes, place, first, strict=True))
    g = np.random.default_rng(1).standard_normal(y.shape).astype(dtype)
    plain, fast = both(k.max_pool_backward, g, indices, x.shape, n)
    np.testing.assert_allclose(fast, plain, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(plain.sum(), g.sum(), rtol=1e-4)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("include_pad", [True, False])
def test_avg_pool(both, case, include_pad):
    spatial, kernel, stride, padding, _, ceil_mode = case
    padding = tuple(min(p, kk // 2) for p, kk in zip(triple(padding, len(spatial)), kernel, strict=True))
    x = np.random.default_rng(0).standard_normal((2, 3, *spatial))
    for divisor in (None, 3):
        arguments = (kernel, stride, padding, ceil_mode, include_pad, divisor)
        exact = k.avg_pool(x, *arguments)
        for y in both(k.avg_pool, x.astype(np.float32), *arguments):
            assert y.dtype == np.float32
            np.testing.assert_allclose(y, exact, rtol=1e-5, atol=1e-6)
        g = np.random.default_rng(1).standard_normal(exact.shape)
        for gx in both(k.avg_pool_backward, g.astype(np.float32), x.shape, *arguments):
            np.testing.assert_allclose((gx * x).sum(), (g * exact).sum(), rtol=1e-4, atol=1e-4)  # the adjoint
    axes = [
        windows(length, kk, s, p, 1, c)
        for length, kk, s, p, c in zip(
            spatial, kernel, triple(stride, len(spatial)), padding, exact.shape[2:], strict=True
        )
    ]
    total = k.avg_pool(x, kernel, stride, padding, ceil_mode, include_pad, 1)
    for place in itertools.product(*(range(c) for c in exact.shape[2:])):
        block = x[1, 2][np.ix_(*(axis[o] for axis, o in zip(axes, place, strict=True)))]
        np.testing.assert_allclose(total[1, 2][place], block.sum(), atol=1e-12)


@pytest.mark.parametrize(("spatial", "out"), [((7, 9), (3, 4)), ((5,), (8,)), ((4, 6, 5), (1, 1, 1)), ((6, 6), (6, 6))])
def test_adaptive(both, spatial, out):
    x = np.random.default_rng(0).standard_normal((2, 3, *spatial))
    exact = k.adaptive_avg_pool(x, out)
    for y in both(k.adaptive_avg_pool, x.astype(np.float32), out):
        np.testing.assert_allclose(y, exact, rtol=1e-5, atol=1e-6)
    g = np.random.default_rng(1).standard_normal(exact.shape)
    for gx in both(k.adaptive_avg_pool_backward, g.astype(np.float32), x.shape, out):
        np.testing.assert_allclose((gx * x).sum(), (g * exact).sum(), rtol=1e-4, atol=1e-4)
    (y, indices), (fast, fast_indices) = both(k.adaptive_max_pool, x.astype(np.float32), out)
    np.testing.assert_array_equal(fast, y)
    np.testing.assert_array_equal(fast_indices, indices)
    edges = [[(o * n // m, -(-(o + 1) * n // m)) for o in range(m)] for n, m in zip(spatial, out, strict=True)]
    for place in itertools.product(*(range(c) for c in out)):
        block = x[0, 0][tuple(slice(*e[o]) for e, o in zip(edges, place, strict=True))]
        np.testing.assert_allclose(exact[0, 0][place], block.mean(), atol=1e-12)
        assert y[0, 0][place] == np.float32(block.max())


def test_layouts_dtypes_and_empty_batches(both):
    x = sample((4, 6, 8, 2)).transpose(3, 0, 2, 1)
    assert not x.flags.c_contiguous
    for result in both(k.max_pool, x, (2, 2)):
        np.testing.assert_array_equal(result[0], k.max_pool(np.ascontiguousarray(x), (2, 2))[0])
    for dtype in (np.int64, np.uint8, np.float16, np.bool_):
        y, _ = k.max_pool(np.arange(16).reshape(1, 4, 4).astype(dtype), (2, 2))
        assert y.dtype == dtype
        assert y.max() == dtype(15)
    assert k.avg_pool(np.ones((1, 4, 4), np.float16), (2, 2)).dtype == np.float16
    for y, indices in both(k.max_pool, np.zeros((0, 3, 8, 8), np.float32), (2, 2)):
        assert y.shape == indices.shape == (0, 3, 4, 4)
        assert k.max_pool_backward(y, indices, (0, 3, 8, 8), 2).shape == (0, 3, 8, 8)
    for y in both(k.avg_pool, np.zeros((0, 8, 8), np.float32), (2, 2)):
        assert y.shape == (0, 4, 4)
    x = sample((2, 6, 6))
    y, indices = k.max_pool(x, (2, 2))
    back = k.max_unpool(y, indices, (6, 6))
    assert back.shape == x.shape
    assert np.count_nonzero(np.isfinite(back) & (back != 0)) <= y.size


def test_wrong_input_is_an_error(monkeypatch):
    x = np.zeros((2, 8, 8), np.float32)
    with pytest.raises(
        RuntimeError, match="max_pool: padding must be between 0 and half of the effective kernel size, got padding=2"
    ):
        k.max_pool(x, (2, 2), 2, 2)
    with pytest.raises(RuntimeError, match=r"avg_pool: a kernel of size 9 .* does not fit into length 8"):
        k.avg_pool(x, (9, 9))
    with pytest.raises(RuntimeError, match="must be greater than zero, got 2, 0 and 1"):
        k.max_pool(x, (2, 2), 0)
    with pytest.raises(RuntimeError, match="stride must have 2 values"):
        k.max_pool(x, (2, 2), (1, 1, 1))
    with pytest.raises(RuntimeError, match="divisor_override must not be zero"):
        k.avg_pool(x, (2, 2), divisor_override=0)
    with pytest.raises(RuntimeError, match="expected a gradient of shape"):
        k.avg_pool_backward(x, x.shape, (2, 2))
    g, indices = np.zeros((2, 4, 4), np.float32), np.full((2, 4, 4), 64, np.int32)
    for threshold in (0, 10**18):
        monkeypatch.setitem(THRESHOLDS, "pooling.numba", threshold)
        with pytest.raises(IndexError, match="max_pool_backward: index 64 is outside its plane, which has 64 elements"):
            k.max_pool_backward(g, indices, x.shape, 2)
