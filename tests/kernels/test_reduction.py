"""Compiled sums, products and scans beside NumPy's."""

import numpy as np
import pytest

from autograd_core.kernels import reduction, runtime

SHAPES = [(300, 300), (7, 30_000), (1, 200_001), (90_001,), (30, 40, 50), (60_000, 2), (3, 150_000)]
AXES = [None, -1, 0, (0,), (-2, -1), ()]


def array(shape, dtype):
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.complex64])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_sums(shape, keepdims, dtype):
    x = array(shape, dtype)
    eps = np.finfo(dtype).eps if np.dtype(dtype).kind in "fc" else 0
    for axes in AXES:
        if isinstance(axes, tuple) and len(axes) > x.ndim:
            continue
        for fast, y in ((reduction.add, x), (reduction.square, x * x)):
            if fast is reduction.square and np.dtype(dtype).kind == "c":
                continue
            got = fast(x, axes, keepdims)
            wide = y.astype(np.complex128 if np.dtype(dtype).kind == "c" else np.float64)
            exact = wide.sum(axes, keepdims=keepdims)
            assert (
                got.dtype == x.dtype and got.shape == exact.shape and type(got) is type(y.sum(axes, keepdims=keepdims))
            )
            # Blocks of 1024 in lanes of 8 and more: fewer than 1024 / 8 + 8 roundings in a row, and one of the result.
            # NumPy's pairwise sums along other axes add one element at a time: as many roundings as elements.
            bound = eps * abs(wide).sum(axes, keepdims=keepdims) * 140 + eps * abs(exact) * 4
            if axes in (0, (0,)) and x.ndim > 1:
                bound = bound * max(1, x.shape[0] / 140)
            assert (abs(got - exact) <= bound).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products(dtype):
    x = 1 + array((80, 200), dtype) / 100
    for axes in (1, None, 0, (0, 1)):
        # n factors: n roundings
        np.testing.assert_allclose(reduction.multiply(x, axes), x.prod(axes), rtol=2 * x.size * np.finfo(dtype).eps)
    assert np.isnan(reduction.multiply(np.where(x == x[3, 3], np.nan, x), 1)[3])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64])
@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_scans_have_the_bits_of_numpy(name, dtype):
    for shape in [(103, 99), (1, 20_000), (20_000,), (5, 7, 300), (20_000, 1)]:
        x = (1 + array(shape, dtype) / 50).astype(dtype)
        for y in (x, x[..., ::-1], np.swapaxes(x, 0, -1), x[..., ::2]):
            for axis in (-1, 0):
                want = getattr(np, name)(y, axis, dtype=dtype)
                np.testing.assert_array_equal(getattr(reduction, name)(y, axis), want)


def test_nan_and_infinity():
    x = np.zeros((4, 20_000), np.float32)
    x[0, 7], x[1, 9], x[2, 3:5] = np.nan, np.inf, (np.inf, -np.inf)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(reduction.add(x, 1), [np.nan, np.inf, np.nan, 0])
        np.testing.assert_array_equal(reduction.square(x, 1), [np.nan, np.inf, np.inf, 0])


def test_threads_give_the_same_sums():
    x = array((3, 500_000), np.float32)
    before, results = runtime.get_num_threads(), []
    for threads in (1, 2):
        runtime.set_num_threads(threads)
        results.append(np.concatenate([reduction.add(x, 1), [reduction.square(x, None)]]))
    runtime.set_num_threads(before)
    np.testing.assert_array_equal(*results)
