"""Softmax kernels against their NumPy twins, on lengths around the vector width, odd strides and bad values."""

import numpy as np
import pytest

from autograd_core.kernels import softmax as k
from autograd_core.kernels.thresholds import THRESHOLDS

CASES = [
    ((1, 1), 1),
    ((3, 7), 1),
    ((5, 65), -1),
    ((2, 1000), 1),
    ((4, 33), 0),
    ((2, 5, 130), 1),
    ((3, 2, 2, 9), 0),
    ((6,), 0),
]
FORWARD, BACKWARD = [k.softmax, k.log_softmax], [k.softmax_backward, k.log_softmax_backward]


@pytest.fixture
def both(monkeypatch):
    def call(function, *arguments):
        results = []
        for threshold in (10**18, 0):
            monkeypatch.setitem(THRESHOLDS, "softmax.numba", threshold)
            results.append(function(*arguments))
        return results

    return call


@pytest.mark.parametrize(("shape", "axis"), CASES)
def test_kernel_equals_twin(both, shape, axis):
    rng = np.random.default_rng(0)
    x, g = (rng.standard_normal(shape).astype(np.float32) * 4 for _ in range(2))
    for forward, backward in zip(FORWARD, BACKWARD, strict=True):
        plain, fast = both(forward, x, axis)
        exact = forward(x.astype(np.float64), axis)
        assert fast.dtype == np.float32
        assert fast.flags.c_contiguous
        assert exact.dtype == np.float64
        # exp within 1 ulp, a sum of up to 1000 positive terms and one division: 8 ulp covers them
        np.testing.assert_allclose(fast, exact, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(plain, exact, rtol=1e-6, atol=1e-6)
        plain, fast = both(backward, g, exact.astype(np.float32), axis)
        np.testing.assert_allclose(fast, plain, rtol=1e-5, atol=1e-4 if forward is k.log_softmax else 1e-6)


@pytest.mark.parametrize("function", FORWARD)
@pytest.mark.parametrize("axis", [0, 1])
def test_nan_and_infinity(both, function, axis):
    x = np.zeros((4, 4), np.float32)
    x[0, 0], x[1, 0], x[2, 0], x[3, :] = np.nan, np.inf, -np.inf, -np.inf
    x = np.ascontiguousarray(x if axis == 1 else x.T)
    plain, fast = both(function, x, axis)
    np.testing.assert_allclose(fast, plain, rtol=1e-6)
    rows = fast if axis == 1 else fast.T
    assert np.isnan(rows[[0, 1, 3]][:, 0]).all()
    assert np.isnan(rows[[0, 3]]).all()
    assert rows[2, 0] == (0 if function is k.softmax else -np.inf)


@pytest.mark.parametrize("function", FORWARD)
def test_other_dtypes_layouts_and_sizes(both, function):
    x = np.random.default_rng(0).standard_normal((6, 10))
    for y in (x.T, x[::-2], x[:, ::3], x[:0], np.asfortranarray(x)):
        for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-6), (np.float16, 2e-3)):
            plain, fast = both(function, y.astype(dtype, order="K"), 1)
            assert fast.dtype == plain.dtype == dtype
            assert fast.shape == y.shape
            np.testing.assert_allclose(fast, function(y, 1), rtol=tolerance, atol=tolerance)
    assert function(np.array(3.0, np.float32), 0) == (1 if function is k.softmax else 0)
    with pytest.raises(IndexError, match=f"{function.__name__}: axis 2 is out of range for a 2-d array"):
        function(x, 2)


@pytest.mark.parametrize("function", BACKWARD)
def test_backward_checks_shapes(function):
    with pytest.raises(RuntimeError, match=r"the gradient has shape \(2, 3\) but the output has \(3, 2\)"):
        function(np.zeros((2, 3)), np.zeros((3, 2)), 1)


@pytest.mark.parametrize("size", [1.0, 59.0, 59.999, 60.0, 61.0, 85.0, 1e4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_without_a_shift_where_none_is_needed(size, dtype):
    """Below NO_SHIFT nothing is subtracted before exp; on both sides of it the result is right to the last bits."""
    rng = np.random.default_rng(1)
    x = (rng.uniform(-1, 1, (50, 7)) * size).astype(dtype)
    x[0], x[1], x[2, 0] = size, -size, size  # whole rows at the ends
    wide = x.astype(np.longdouble)
    e = np.exp(wide - wide.max(1, keepdims=True))
    shift = 0 if size < k.NO_SHIFT else size  # the difference to the greatest, up to 2 size, is rounded, and exp
    rounding = (8 + shift) * np.finfo(dtype).eps  # makes of its absolute error a relative one
    tiny = 4 * np.finfo(dtype).tiny
    np.testing.assert_allclose(k.softmax(x, 1), e / e.sum(1, keepdims=True), rtol=rounding, atol=tiny)
    assert k.bounded(x) == (size < k.NO_SHIFT)


def test_what_is_not_bounded():
    for bad in (np.nan, np.inf, -np.inf, 60.0, -60.0):
        x = np.zeros((3, 4), np.float32)
        x[1, 2] = bad
        assert not k.bounded(x)
        assert k.bounded(np.zeros((3, 4), np.float32))
