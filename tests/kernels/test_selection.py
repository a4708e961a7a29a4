"""Selection gives the values and the places that a stable sort gives."""

import numpy as np
import pytest

from autograd_core.kernels import runtime, selection

pytestmark = pytest.mark.skipif(not runtime.enabled(), reason="without Numba the ops sort")
DTYPES = [np.float32, np.float64, np.int32, np.int64]


def arrays(dtype):
    rng = np.random.default_rng(0)
    yield rng.standard_normal((40, 200)).astype(dtype)  # integers: nearly all equal
    yield (rng.standard_normal((3, 5000)) * 1000).astype(dtype)
    yield rng.integers(0, 4, (300, 17)).astype(dtype)
    yield np.arange(8000).reshape(2, 4000).astype(dtype)
    yield np.arange(8000)[::-1].reshape(2, 4000).astype(dtype)
    yield np.zeros((1, 5000), dtype)
    yield (rng.standard_normal((20, 15, 30)) * 10).astype(dtype).transpose(2, 0, 1)
    if np.dtype(dtype).kind == "f":
        x = rng.integers(-3, 3, (200, 40)).astype(dtype)
        x[rng.random(x.shape) < 0.1] = np.nan
        x[rng.random(x.shape) < 0.1] = np.inf
        x[rng.random(x.shape) < 0.1] = -np.inf
        x[rng.random(x.shape) < 0.1] = -0.0
        x[5] = np.nan
        yield x


def picked(x, order, places, axis):
    index = np.take_along_axis(order, places, axis)
    return np.take_along_axis(x, index, axis), index


def same(got, want):
    np.testing.assert_array_equal(got[0], want[0])
    np.testing.assert_array_equal(got[1], want[1])
    assert got[0].dtype == want[0].dtype and got[1].dtype == np.int64


@pytest.mark.parametrize("dtype", DTYPES)
def test_rank(dtype):
    for x in arrays(dtype):
        for axis in range(x.ndim):
            order = np.argsort(x, axis, kind="stable")
            n = x.shape[axis]
            for k in {0, n // 3, n - 1}:
                same(
                    selection.rank(x, k, axis),
                    picked(x, order, np.expand_dims(np.full(order.take(0, axis).shape, k), axis), axis),
                )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("skip_nan", [False, True])
def test_median(dtype, skip_nan):
    for x in arrays(dtype):
        for axis in range(x.ndim):
            n, nans = x.shape[axis], (x != x).sum(axis, keepdims=True)
            k = np.where(nans > 0, np.maximum((n - nans - 1) // 2, 0) if skip_nan else n - nans, (n - 1) // 2)
            same(selection.median(x, axis, skip_nan), picked(x, np.argsort(x, axis, kind="stable"), k, axis))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("largest", [False, True])
def test_top(dtype, largest):
    for x in arrays(dtype):
        for axis in range(x.ndim):
            n = x.shape[axis]
            order = np.argsort(x, axis, kind="stable")
            if largest:
                order = (n - 1) - np.flip(np.argsort(np.flip(x, axis), axis, kind="stable"), axis)
            for k in {min(n // 2, 1), min(n // 2, 5), min(n // 2, 64)} - {0}:
                index = order.take(np.arange(k), axis)
                same(selection.top(x, k, axis, largest), (np.take_along_axis(x, index, axis), index))


def test_what_numpy_does_better():
    x = np.zeros((10, 10), np.float32)
    assert selection.top(x, 3, 1, True) is None and selection.rank(x, 3, 1) is None
    wide = np.zeros((2, 10_000), np.float32)
    assert selection.top(wide, 65, 1, True) is None and selection.top(wide, 0, 1, True) is None
    assert selection.median(wide.astype(np.float16), 1, False) is None
