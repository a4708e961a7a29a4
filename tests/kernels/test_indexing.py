"""Sums into indexed rows and elements: kernel and twin against a plain loop, order of summation, errors."""

import numpy as np
import pytest

from autograd_core.kernels import indexing, runtime
from autograd_core.kernels import indexing as k
from autograd_core.kernels.thresholds import THRESHOLDS


@pytest.fixture(params=["numpy", "numba"])
def way(request, monkeypatch):
    monkeypatch.setitem(THRESHOLDS, "indexing.numba", 10**18 if request.param == "numpy" else 0)


@pytest.mark.parametrize("row", [(), (1,), (7,), (3, 50)])
@pytest.mark.parametrize("count", [0, 1, 40])
def test_add_rows(way, row, count):
    rng = np.random.default_rng(0)
    out, index, values = rng.standard_normal((9, *row)), rng.integers(0, 9, count), rng.standard_normal((count, *row))
    expected = out.copy()
    for k_, v in zip(index, values, strict=True):
        expected[k_] += 0.5 * v
    result = out.astype(np.float32)
    assert k.add_rows(result, index, values.astype(np.float32), 0.5) is result
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)
    strided = np.zeros((9, *row, 2), np.float64)[..., 0]
    strided[...] = out
    np.testing.assert_allclose(k.add_rows(strided, index.astype(np.int32), values, 0.5), expected)


def test_embedding(way):
    rng = np.random.default_rng(0)
    weight, index = rng.standard_normal((10, 6)).astype(np.float32), rng.integers(0, 10, (4, 5))
    np.testing.assert_array_equal(k.take_rows(weight, index), weight[index])
    g = rng.standard_normal((4, 5, 6)).astype(np.float32)
    expected = np.zeros((10, 6))
    np.add.at(expected, index, g.astype(np.float64))
    np.testing.assert_allclose(k.embedding_backward(g, index, 10), expected, atol=1e-5)
    counts = np.maximum(np.bincount(index.ravel(), minlength=10), 1)
    padded = k.embedding_backward(g, index, 10, padding_idx=int(index[0, 0]), scale_grad_by_freq=True)
    expected /= counts[:, None]
    expected[index[0, 0]] = 0
    np.testing.assert_allclose(padded, expected, atol=1e-5)
    empty = np.zeros((0,), np.int64)
    assert k.take_rows(weight, empty).shape == (0, 6)
    assert not k.embedding_backward(np.zeros((0, 6), np.float32), empty, 3).any()


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_add_at(way, dtype):
    rng = np.random.default_rng(0)
    out, index = rng.integers(0, 9, (5, 8)).astype(dtype), rng.integers(0, 40, (3, 100))
    values = rng.integers(-5, 6, (3, 100)).astype(dtype)
    expected = out.copy()
    np.add.at(expected.reshape(-1), index, values)
    np.testing.assert_array_equal(k.add_at(out, index, values), expected)


def test_wrong_input_is_an_error(way):
    out, index, values = np.zeros((4, 3), np.float32), np.array([0, 4]), np.ones((2, 3), np.float32)
    with pytest.raises(IndexError, match=r"add_rows: index 4 at \(1,\) is out of range for 4 rows"):
        k.add_rows(out, index, values)
    with pytest.raises(IndexError, match="embedding: index -1"):
        k.take_rows(out, np.array([-1]))
    with pytest.raises(RuntimeError, match="integer indices, got float32"):
        k.take_rows(out, values)
    with pytest.raises(RuntimeError, match=r"values must have shape \(2, 3\)"):
        k.add_rows(out, index, values[:, :2])
    with pytest.raises(IndexError, match="index 12"):
        k.add_at(out, np.array([12]), np.ones(1, np.float32))
    with pytest.raises(RuntimeError, match="same shape"):
        k.add_at(out, index, values)


def along_reference(kernel, x, index, values, axis):
    out = x.copy()
    if kernel == "take_along":
        return np.take_along_axis(x, index, axis)
    if kernel == "take_slices":
        return np.take(x, index, axis)
    if kernel == "put_along":
        np.put_along_axis(out, index, values, axis)
    elif kernel == "add_along":
        grid = list(np.indices(index.shape, sparse=True))
        grid[axis] = index
        np.add.at(out, tuple(grid), values)
    else:
        np.add.at(out, (*(slice(None),) * axis, index), values)
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("kernel", ["take_along", "add_along", "put_along", "take_slices", "add_slices"])
def test_along_one_axis(kernel, dtype):
    rng = np.random.default_rng(0)
    for shape in [(120, 130), (8, 90, 17), (20_000,)]:
        x = (rng.standard_normal(shape) * 100).astype(dtype)
        for axis in range(x.ndim):
            for count in (shape[axis], 5000 // (x.size // shape[axis]) + 40):
                taken = (*shape[:axis], count, *shape[axis + 1 :])
                if kernel == "put_along" and count > shape[axis]:
                    continue  # which of two values stays is not said
                index = rng.integers(0, shape[axis], count if kernel.endswith("slices") else taken)
                if kernel == "put_along":
                    index = np.argsort(rng.random(shape), axis).take(np.arange(count), axis)
                values = None if kernel.startswith("take") else (rng.standard_normal(taken) * 100).astype(dtype)
                want = along_reference(kernel, x, index, values, axis)
                got = indexing.along(kernel, x if values is None else x.copy(), index, values, axis)
                if not runtime.enabled():
                    assert got is None
                    continue
                assert got.dtype == dtype
                np.testing.assert_array_equal(got, want)


def test_along_takes_other_layouts_and_refuses_bad_indices():
    if not runtime.enabled():
        return
    x = np.arange(20_000.0).reshape(100, 200).T
    index = np.random.default_rng(0).integers(0, 100, (200, 100))
    np.testing.assert_array_equal(indexing.along("take_along", x, index, None, 1), np.take_along_axis(x, index, 1))
    for bad in (-1, 100):
        index[3, 4] = bad
        with pytest.raises(IndexError, match=f"take_along: index {bad} is out of range for size 100"):
            indexing.along("take_along", x, index, None, 1)
    assert indexing.along("add_along", x, index, x, 1) is None  # written to, and not contiguous
    assert indexing.along("take_along", x, index[:, :3], None, 1) is None  # too few to be worth it
    assert indexing.along("take_along", x[:100], index, None, 1) is None  # another shape


def test_bounds():
    index = np.random.default_rng(0).integers(-50, 1000, 10_000)
    assert indexing.bounds(index) == (index.min(), index.max())
    assert indexing.bounds(index[:3].astype(np.int32)) == (index[:3].min(), index[:3].max())
