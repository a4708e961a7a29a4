"""Normalisation: kernel and twin against a wider type, the twin's backward against finite differences."""

import numpy as np
import pytest

from autograd_core.kernels import norm as k
from autograd_core.kernels.thresholds import THRESHOLDS

EPS = 1e-5


@pytest.fixture(params=["numpy", "numba"])
def way(request, monkeypatch):
    monkeypatch.setitem(THRESHOLDS, "norm.numba", 10**18 if request.param == "numpy" else 0)


def batch(g, x, w, b):
    y, mean, _, invstd = k.batch_norm(x, w, b, EPS)
    return y, k.batch_norm_backward(g, x, mean, invstd, w)


def evaluate(g, x, w, b):
    c = x.shape[1]
    mean, var = np.linspace(-1, 1, c).astype(x.dtype), np.linspace(0.5, 2, c).astype(x.dtype)
    y, invstd = k.batch_norm_eval(x, mean, var, w, b, EPS)
    return y, k.batch_norm_backward(g, x, mean, invstd, w, training=False)


def layer(g, x, w, b):
    y, mean, rstd = k.layer_norm(x, w.ndim, w, b, EPS)
    return y, k.layer_norm_backward(g, x, mean, rstd, w, w.ndim)


def rms(g, x, w, b):
    y, rstd = k.rms_norm(x, w.ndim, w, EPS)
    return y, k.rms_norm_backward(g, x, rstd, w, w.ndim)


def group(g, x, w, b):
    y, mean, rstd = k.group_norm(x, 3, w, b, EPS)
    return y, k.group_norm_backward(g, x, mean, rstd, w, 3)


CASES = [(f, s, s[1:2]) for f in (batch, evaluate, group) for s in ((5, 12), (4, 6, 7), (2, 6, 3, 5), (2, 96, 33))]
CASES += [
    (f, s, s[-d:])
    for f in (layer, rms)
    for s, d in (((7, 9), 1), ((3, 4, 65), 1), ((3, 4, 5), 2), ((20, 1), 1), ((300,), 1))
]


def sample(shape, affine, offset=1.0):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape) * np.linspace(1, 3, shape[-1]) + offset
    return rng.standard_normal(shape), x, rng.uniform(0.5, 2, affine), rng.standard_normal(affine)


@pytest.mark.parametrize(("function", "shape", "affine"), CASES)
def test_against_wider_type(way, function, shape, affine):
    arguments = sample(shape, affine)
    exact, gradients = function(*(a.astype(np.longdouble) for a in arguments))  # a type that only the twin knows
    y, found = function(*(a.astype(np.float32) for a in arguments))
    assert y.dtype == np.float32
    assert y.shape == shape
    assert y.flags.c_contiguous
    # float32 sums of at most 2000 terms of size 1 to 10, merged in float64 or summed by pairs
    np.testing.assert_allclose(y, exact, rtol=1e-4, atol=2e-5)
    for a, b in zip(found, gradients, strict=True):
        assert a.dtype == np.float32
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-4)


@pytest.mark.parametrize(("function", "shape", "affine"), CASES)
def test_backward_is_the_derivative(function, shape, affine):
    g, x, w, b = sample(shape, affine)
    _, gradients = function(g, x, w, b)
    rng = np.random.default_rng(1)
    for position, gradient in enumerate(gradients, start=1):
        step = rng.standard_normal(gradient.shape)
        moved = [[a + h * step if i == position else a for i, a in enumerate((g, x, w, b))] for h in (1e-6, -1e-6)]
        up, down = ((g * function(*arguments)[0]).sum() for arguments in moved)
        np.testing.assert_allclose((gradient * step).sum(), (up - down) / 2e-6, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("shape", [(64, 4), (8, 4, 50)])
def test_statistics_far_from_zero(way, shape):
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32) + np.float32(1000)
    _, mean, var, invstd = k.batch_norm(x, None, None, EPS)
    axes = (0,) if x.ndim == 2 else (0, 2)
    wide = x.astype(np.float64)
    np.testing.assert_allclose(mean, wide.mean(axes), rtol=1e-6)
    # each term is off by |mean - rounded mean| <= 6e-5 (half a unit of 1000 in float32) at most
    np.testing.assert_allclose(var, wide.var(axes), rtol=1e-3)
    np.testing.assert_allclose(invstd, 1 / np.sqrt(wide.var(axes) + EPS), rtol=1e-3)


def test_without_affine_parameters_layouts_and_half(way):
    _, x, _, _ = sample((4, 6, 8), (6,))
    x = x.astype(np.float32)
    one, zero = np.ones(6, np.float32), np.zeros(6, np.float32)
    np.testing.assert_array_equal(k.batch_norm(x, None, None, EPS)[0], k.batch_norm(x, one, zero, EPS)[0])
    turned = np.ascontiguousarray(x.transpose(2, 1, 0)).transpose(2, 1, 0)
    np.testing.assert_allclose(
        k.group_norm(turned, 2, None, None, EPS)[0], k.group_norm(x, 2, None, None, EPS)[0], rtol=1e-5, atol=1e-6
    )
    y, mean, rstd = k.layer_norm(x.astype(np.float16), 1, None, None, EPS)
    assert y.dtype == np.float16
    assert mean.dtype == rstd.dtype == np.float32
    assert mean.shape == (4, 6)
    np.testing.assert_allclose(y, k.layer_norm(x, 1, None, None, EPS)[0], atol=1e-2)


def test_nan_stays_in_its_slice_and_empty_inputs(way):
    x = np.random.default_rng(0).standard_normal((4, 3, 40)).astype(np.float32)
    x[1, 2, 3] = np.nan
    with np.errstate(invalid="ignore"):
        nan_and_empty(x)


def nan_and_empty(x):
    bad = np.isnan(k.batch_norm(x, None, None, EPS)[0])
    assert bad[:, 2].all()
    assert not bad[:, :2].any()
    bad = np.isnan(k.layer_norm(x, 1, None, None, EPS)[0])
    assert bad[1, 2].all()
    assert bad.sum() == 40
    x[1, 2, 3] = np.inf
    assert np.isnan(k.group_norm(x, 1, None, None, EPS)[0][1]).any()
    empty = np.zeros((0, 6, 4), np.float32)
    assert k.layer_norm(empty, 1, None, None, EPS)[0].shape == empty.shape
    assert k.group_norm(empty, 3, None, None, EPS)[0].shape == empty.shape


def test_wrong_input_is_an_error(way):
    x = np.zeros((1, 4), np.float32)
    with pytest.raises(ValueError, match="expected more than 1 value per channel when training"):
        k.batch_norm(x, None, None, EPS)
    with pytest.raises(RuntimeError, match=r"batch_norm: expected weight of shape \(4,\), got \(3,\)"):
        k.batch_norm(np.zeros((2, 4), np.float32), np.zeros(3, np.float32), None, EPS)
    with pytest.raises(ValueError, match="divisible by the number of groups, got 4 and 3"):
        k.group_norm(x, 3, None, None, EPS)
    with pytest.raises(RuntimeError, match="cannot normalise the last 3 dimensions"):
        k.layer_norm(x, 3, None, None, EPS)
    with pytest.raises(RuntimeError, match="the gradient has shape"):
        k.layer_norm_backward(x.T, x, x[:, 0], x[:, 0], None, 1)


def test_an_empty_batch_trains_to_nothing(way):
    for shape in ((0, 3), (0, 3, 4, 4), (2, 3, 0)):
        x = np.zeros(shape, np.float32)
        y, mean, var, invstd = k.batch_norm(x, None, None, EPS)
        assert y.shape == shape
        gx, gw, gb = k.batch_norm_backward(x, x, mean, invstd, None)
        assert gx.shape == shape
        np.testing.assert_array_equal((mean, var, gw, gb), np.zeros((4, 3)))
