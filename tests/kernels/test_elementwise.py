"""Vectorised elementwise passes against float64, over all of float32: at most 2 units in the last place."""

import numpy as np
import pytest
import scipy.special

from autograd_core.kernels import elementwise, runtime

EDGES = [0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, np.nextafter(np.float32(-1), np.float32(0)), 88.7, 88.73, 89, -17.3, -30, -104,
         3.4e38, -3.4e38, 1e-45, -1e-45, 1.2e-38, 1e-8, 0.35, -0.35, 0.4142, 4.2, 3.9]  # fmt: skip
UNARY = {
    "expm1": np.expm1,
    "log1p": np.log1p,
    "erf": scipy.special.erf,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "sign": lambda x: np.where(np.isnan(x), 0, np.sign(x)),
}


def values():
    rng = np.random.default_rng(0)
    any_bits = rng.integers(0, 2**32, 200_000, dtype=np.uint64).astype(np.uint32).view(np.float32)
    small = rng.uniform(-1, 1, 50_000) * 10.0 ** rng.uniform(-45, -3, 50_000)
    parts = [any_bits, small, rng.uniform(-1, 1, 100_000), rng.uniform(-100, 100, 50_000), np.tile(EDGES, 10)]
    return np.concatenate([p.astype(np.float32) for p in parts])


def check(got, exact, most=2.0):
    """Within `most` units in the last place of the rounded exact value; infinities, NaN and signs of zeros equal."""
    want = exact.astype(np.float32)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    np.testing.assert_array_equal(np.signbit(got)[~np.isnan(want)], np.signbit(want)[~np.isnan(want)])
    finite = np.isfinite(want)
    np.testing.assert_array_equal(got[~finite], want[~finite])
    units = np.abs(got[finite].astype(np.float64) - exact[finite]) / np.spacing(np.abs(want[finite]))
    assert units.max() <= most, units.max()


@pytest.mark.parametrize("name", UNARY)
def test_accuracy(name):
    x = values()
    with np.errstate(all="ignore"):
        check(getattr(elementwise, name)(x), UNARY[name](x.astype(np.float64)))


def test_atan2_accuracy():
    x = values()
    y = np.random.default_rng(1).permutation(x)
    with np.errstate(all="ignore"):
        near = x * np.random.default_rng(2).uniform(0.5, 2, x.size).astype(np.float32)
        for other in (y, near):
            check(elementwise.atan2(x, other), np.arctan2(x.astype(np.float64), other.astype(np.float64)))


def test_atan2_at_the_edges():
    a, b = (m.ravel().repeat(100) for m in np.meshgrid(np.float32(EDGES), np.float32(EDGES)))
    with np.errstate(all="ignore"):
        check(elementwise.atan2(a, b), np.arctan2(a.astype(np.float64), b.astype(np.float64)))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", UNARY)
def test_layouts_dtypes_and_sizes(name, dtype):
    """Small arrays, other dtypes and other layouts give NumPy's or SciPy's values in the dtype of the argument."""
    for x in (np.linspace(0.1, 0.9, 7), np.linspace(0.1, 0.9, 12_000).reshape(100, 120).T):
        y = getattr(elementwise, name)(x.astype(dtype))
        assert y.dtype == dtype and y.shape == x.shape
        exact = UNARY[name](x.astype(dtype).astype(np.float64))
        np.testing.assert_allclose(y, exact, rtol=4 * np.finfo(dtype).eps)


def test_atan2_of_other_shapes_and_dtypes():
    x = np.linspace(-1, 1, 10_000).reshape(100, 100)
    for a, b in [(x, x[0]), (x, x.astype(np.float32)), (x.astype(np.float32), x[:1].astype(np.float32))]:
        np.testing.assert_array_equal(elementwise.atan2(a, b), np.arctan2(a, b))


def test_passes_do_not_depend_on_threads():
    x = values()
    before = runtime.get_num_threads()
    results = []
    for threads in (1, 2):
        runtime.set_num_threads(threads)
        with np.errstate(all="ignore"):
            results.append(elementwise.log1p(x))
    runtime.set_num_threads(before)
    np.testing.assert_array_equal(*results)
