"""Dropout: one random stream for kernel and twin, probabilities, scaling, corners."""

import numpy as np
import pytest

from autograd_core.kernels import dropout as k
from autograd_core.kernels import runtime
from autograd_core.kernels.thresholds import THRESHOLDS


def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("shape", [(1,), (3, 5), (1024,), (3, 1025), (5000,), (0, 4), ()])
def test_kernel_and_twin_draw_the_same_mask(monkeypatch, shape):
    x = np.random.default_rng(0).standard_normal(shape)
    x = np.asarray(x, np.float32)
    results = []
    for threshold, threads in ((10**18, 1), (0, 1), (0, 2)):
        for name in ("dropout.numba", "elementwise.numba"):
            monkeypatch.setitem(THRESHOLDS, name, threshold)
        monkeypatch.setitem(THRESHOLDS, "parallel.exp", 1)
        before = runtime.get_num_threads()
        runtime.set_num_threads(threads)
        y, mask = k.dropout(x, 0.3, rng())
        results.append((y, mask, k.dropout_backward(x, mask, 0.3)))
        runtime.set_num_threads(before)
    for y, mask, gx in results:
        assert mask.dtype == np.bool_
        assert y.shape == mask.shape == shape
        assert y.dtype == np.float32
        np.testing.assert_array_equal(mask, results[0][1])
        np.testing.assert_allclose(y, x * mask / np.float32(0.7), rtol=1e-6)
        np.testing.assert_array_equal(gx, y)


def test_probability_and_independence():
    for p in (0.1, 0.5, 0.9):
        mask = k.keep_mask((200_000,), p, rng())
        deviation = np.sqrt(p * (1 - p) / mask.size)
        assert abs(mask.mean() - (1 - p)) < 5 * deviation
        assert abs(np.corrcoef(mask[:-1], mask[1:])[0, 1]) < 5 / np.sqrt(mask.size)
    generator = rng()
    first, second = (k.keep_mask((1000,), 0.5, generator) for _ in range(2))
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(1000)


def test_corners():
    x = np.array([1.0, np.nan, 3.0])
    y, mask = k.dropout(x, 0.0, rng())
    assert mask.all()
    np.testing.assert_array_equal(y, x)
    y, mask = k.dropout(x, 1.0, rng())
    assert not mask.any()
    assert not y.any()
    assert y.dtype == np.float64
    assert not k.dropout_backward(np.ones(3), mask, 1.0).any()
    with pytest.raises(ValueError, match=r"between 0 and 1, but got 1\.5"):
        k.dropout(x, 1.5, rng())
    with pytest.raises(RuntimeError, match=r"shape \(2,\) but the mask has \(3,\)"):
        k.dropout_backward(x[:2], mask, 0.5)
