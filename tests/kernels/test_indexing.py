"""Sums into indexed rows and elements: kernel and twin against a plain loop, order of summation, errors."""

import numpy as np
import pytest

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
