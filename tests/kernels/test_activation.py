"""Activations: kernel and twin against float64 formulas, derivatives against finite differences, special values."""

import math

import numpy as np
import pytest

from autograd_core.kernels import activation as k
from autograd_core.kernels.thresholds import THRESHOLDS

FROM_OUTPUT = {"relu", "sigmoid", "tanh"}
CASES = [
    ("relu", ()),
    ("leaky_relu", (0.2,)),
    ("elu", (0.7,)),
    ("elu", (1.673, 1.05, 1.0)),
    ("elu", (2.0, 1.0, 0.5)),
    ("sigmoid", ()),
    ("tanh", ()),
    ("silu", ()),
    ("gelu", ()),
    ("gelu", ("tanh",)),
    ("softplus", ()),
    ("softplus", (2.0, 5.0)),
]


@pytest.fixture(params=["numpy", "numba"])
def way(request, monkeypatch):
    for name in ("elementwise.numba", "activation.numba"):
        monkeypatch.setitem(THRESHOLDS, name, 10**18 if request.param == "numpy" else 0)


def pair(name):
    return getattr(k, name), getattr(k, name + "_backward")


@pytest.mark.parametrize(("name", "options"), CASES)
def test_against_float64(way, name, options):
    forward, backward = pair(name)
    x = np.concatenate([np.linspace(-12, 12, 3001), np.linspace(-1e-3, 1e-3, 7), [-90.0, 60.0]])
    x = x.astype(np.float32).astype(np.float64)  # the same points in both types
    g = np.cos(np.arange(x.size)).astype(np.float32)
    exact = forward(x, *options)
    y = forward(x.astype(np.float32), *options)
    assert exact.dtype == np.float64
    assert y.dtype == np.float32
    assert y.shape == x.shape
    # gelu and softplus cancel near zero: 1 + erf is exact to half a unit of 1, times |x| <= 12
    np.testing.assert_allclose(y, exact, rtol=1e-6, atol=1e-6 if name in ("gelu", "softplus") else 1e-37)
    saved = exact if name in FROM_OUTPUT else x
    gx = backward(g, saved.astype(np.float32), *options)
    assert gx.dtype == np.float32
    np.testing.assert_allclose(gx, backward(g.astype(np.float64), saved, *options), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_backward_is_the_derivative(name, options):
    forward, backward = pair(name)
    x = np.linspace(-6, 6, 101) + 0.013
    y = forward(x, *options)
    slope = (forward(x + 1e-6, *options) - forward(x - 1e-6, *options)) / 2e-6
    np.testing.assert_allclose(
        backward(np.ones_like(x), y if name in FROM_OUTPUT else x, *options), slope, rtol=1e-6, atol=1e-8
    )


@pytest.mark.parametrize(("name", "options"), CASES)
def test_special_values_and_layouts(way, name, options):
    forward, backward = pair(name)
    y = forward(np.array([np.nan, np.inf, -np.inf, 0.0, 200.0, -200.0], np.float32), *options)
    at_zero = 0.5 if name == "sigmoid" else math.log(2) / (options or (1,))[0] if name == "softplus" else 0.0
    at_infinity = (
        1.0 if name in ("sigmoid", "tanh") else np.inf * (options[1] if name == "elu" and len(options) > 1 else 1)
    )
    assert np.isnan(y[0])
    assert y[1] == at_infinity
    assert abs(y[3] - at_zero) < 1e-7
    assert np.isnan(y[2]) if name in ("silu", "gelu") else not np.isnan(y[2])
    gx = backward(np.ones(2, np.float32), np.array([np.nan, 1.0], np.float32), *options)
    assert name in ("relu", "leaky_relu") or np.isnan(gx[0])
    if name == "relu":
        assert gx[0] == 1.0
    x = np.random.default_rng(0).standard_normal((6, 8)).astype(np.float32)
    for view in (x.T, x[::2, ::-3], x[:0], x[0, 0].reshape(())):
        z = forward(view, *options)
        assert z.shape == view.shape
        assert z.dtype == np.float32
        assert z.flags.c_contiguous
        assert isinstance(z, np.ndarray)
        np.testing.assert_allclose(
            z, forward(np.ascontiguousarray(view).astype(np.float64), *options), rtol=1e-5, atol=1e-6
        )
        assert backward(z, z, *options).shape == view.shape
    half = forward(x.astype(np.float16), *options)
    assert half.dtype == np.float16
    np.testing.assert_allclose(half, forward(x, *options), atol=2e-3)


def test_bias_relu(way):
    rng = np.random.default_rng(0)
    for shape in ((5, 7), (3, 4, 33), (0, 4), (1, 1)):
        x, b, g = rng.standard_normal(shape), rng.standard_normal(shape[-1]), rng.standard_normal(shape)
        expected = np.maximum(x + b, 0)
        y = x.astype(np.float32)
        assert k.bias_relu(y, b.astype(np.float32)) is y
        np.testing.assert_allclose(y, expected, atol=1e-6)
        gx, gb = k.bias_relu_backward(g.astype(np.float32), y)
        np.testing.assert_allclose(gx, g * (expected > 0), atol=1e-6)
        np.testing.assert_allclose(gb, (g * (expected > 0)).reshape(-1, shape[-1]).sum(0), atol=1e-5)
    with pytest.raises(RuntimeError, match=r"bias_relu: expected a bias of shape \(4,\)"):
        k.bias_relu(np.zeros((2, 4), np.float32), np.zeros(3, np.float32))


def test_wrong_input_is_an_error():
    x = np.zeros(3, np.float32)
    with pytest.raises(RuntimeError, match="gelu: approximate argument must be either none or tanh, got 'fast'"):
        k.gelu(x, "fast")
    with pytest.raises(RuntimeError, match=r"tanh_backward: the gradient has shape \(2,\)"):
        k.tanh_backward(x[:2], x)


def test_a_mask_is_enough_for_relu():
    x = np.array([-1.0, 2.0, 0.0], np.float32)
    np.testing.assert_array_equal(k.relu_backward(np.full(3, 5.0, np.float32), x > 0), [0, 5, 0])


def test_relu_backward_gates_by_bits(way):
    g = np.array([[np.nan, np.inf, -np.inf, -0.0], [1.0, 2.0, np.inf, 3.0]], np.float32)
    y = np.array([[1.0, 0.0, -0.0, 2.0], [np.nan, 0.0, 5.0, 1e-45]], np.float32)
    expected = np.array([[np.nan, 0.0, 0.0, -0.0], [1.0, 0.0, np.inf, 3.0]], np.float32)
    np.testing.assert_array_equal(k.relu_backward(g, y), expected)
    np.testing.assert_array_equal(k.relu_backward(g.T, y.T), expected.T)
    for dtype in (np.float16, np.float64):
        np.testing.assert_array_equal(
            k.relu_backward(g.astype(dtype), y.astype(dtype)).astype(np.float32)[0], expected[0]
        )


@pytest.mark.parametrize("size", [1, 999, 1000, 1001, 8192, 29_999, 30_000, 59_999, 60_000, 60_001])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_relu_at_the_sizes_where_its_way_changes(size, dtype):
    import autograd_core as ac

    rng = np.random.default_rng(size)
    a = rng.standard_normal(size).astype(dtype)
    a[: size // 4] = rng.choice(np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], dtype), size // 4)
    for shape in ((size,), (1, size), (-1, 10) if size % 10 == 0 else (size, 1)):
        for layout in (
            a.reshape(shape),
            np.repeat(a.reshape(shape), 2, -1)[..., ::2],
            np.asfortranarray(a.reshape(shape)),
        ):
            x = ac.from_numpy(layout).requires_grad_()
            y = ac.relu(x)
            g = rng.standard_normal(x.array.shape).astype(dtype)
            g.flat[0] = np.inf
            y.backward(ac.from_numpy(g))
            with np.errstate(invalid="ignore"):
                np.testing.assert_array_equal(y.array, np.where(np.isnan(layout) | (layout > 0), layout, 0))
                np.testing.assert_array_equal(x.grad.array, np.where(layout <= 0, 0, g))
