"""Recurrent layers: kernel and twin against float64, backward against finite differences, both directions."""

import numpy as np
import pytest

from autograd_core.kernels import rnn as k
from autograd_core.kernels.thresholds import THRESHOLDS

GATES = {"rnn": 1, "relu": 1, "lstm": 4, "gru": 3}
SHAPES = [(5, 3, 4), (4, 17, 33), (1, 1, 1), (3, 8, 16)]


@pytest.fixture(params=["numpy", "numba"])
def way(request, monkeypatch):
    monkeypatch.setitem(THRESHOLDS, "rnn.numba", 10**18 if request.param == "numpy" else 0)
    monkeypatch.setitem(THRESHOLDS, "parallel.fma", 1)  # several pieces


def sample(kind, t, b, h):
    rng, n = np.random.default_rng(0), GATES[kind]
    scale = 1 / np.sqrt(h)
    arrays = [rng.standard_normal((t, b, n * h)), rng.uniform(-scale, scale, (n * h, h)), rng.standard_normal((b, h))]
    if kind == "lstm":
        arrays.append(rng.standard_normal((b, h)))
    if kind == "gru":
        arrays.insert(2, rng.uniform(-scale, scale, n * h))
    return arrays, rng.standard_normal((t, b, h)), rng.standard_normal((b, h))


def forward(kind, arrays, reverse):
    """What a loss can see: the hidden states, and the last cell of an LSTM."""
    if kind == "lstm":
        y, cells, _ = k.lstm(*arrays, reverse)
        return y, cells[0 if reverse else -1]
    if kind == "gru":
        return (k.gru(*arrays, reverse)[0],)
    return (k.rnn(*arrays, "relu" if kind == "relu" else "tanh", reverse),)


def backward(kind, arrays, gy, gc, reverse):
    """Gradients in the order of `arrays`."""
    if kind == "lstm":
        y, cells, gates = k.lstm(*arrays, reverse)
        return k.lstm_backward(gy, gc, y, cells, gates, *arrays[1:], reverse)
    if kind == "gru":
        y, gates = k.gru(*arrays, reverse)
        return k.gru_backward(gy, y, gates, arrays[1], arrays[3], reverse)
    activation = "relu" if kind == "relu" else "tanh"
    return k.rnn_backward(gy, k.rnn(*arrays, activation, reverse), *arrays[1:], activation, reverse)


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reverse", [False, True])
def test_against_float64(way, kind, shape, reverse):
    arrays, gy, gc = sample(kind, *shape)
    narrow = [a.astype(np.float32) for a in arrays]
    for a, b in zip(forward(kind, narrow, reverse), forward(kind, arrays, reverse), strict=True):
        assert a.dtype == np.float32
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    found = backward(kind, narrow, gy.astype(np.float32), gc.astype(np.float32), reverse)
    for a, b in zip(found, backward(kind, arrays, gy, gc, reverse), strict=True):
        assert a.dtype == np.float32
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("reverse", [False, True])
def test_backward_is_the_derivative(kind, reverse):
    arrays, gy, gc = sample(kind, 4, 2, 3)
    rng = np.random.default_rng(1)
    for position, gradient in enumerate(backward(kind, arrays, gy, gc, reverse)):
        step = rng.standard_normal(gradient.shape)
        moved = [[a + e * step if i == position else a for i, a in enumerate(arrays)] for e in (1e-6, -1e-6)]
        up, down = (
            sum((u * v).sum() for u, v in zip((gy, gc), forward(kind, m, reverse), strict=False)) for m in moved
        )
        np.testing.assert_allclose((gradient * step).sum(), (up - down) / 2e-6, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("kind", GATES)
def test_reverse_is_forward_on_the_flipped_sequence(way, kind):
    arrays, _, _ = sample(kind, 5, 3, 4)
    arrays = [a.astype(np.float32) for a in arrays]
    flipped = [np.flip(arrays[0], 0), *arrays[1:]]
    np.testing.assert_array_equal(forward(kind, arrays, True)[0], np.flip(forward(kind, flipped, False)[0], 0))


@pytest.mark.parametrize("kind", GATES)
def test_nan_stays_in_its_row_and_empty_batches(way, kind):
    arrays, gy, gc = sample(kind, 4, 5, 3)
    arrays = [a.astype(np.float32) for a in arrays]
    arrays[0][1, 2, :] = np.nan
    bad = np.isnan(forward(kind, arrays, False)[0])
    assert not bad[0].any()
    assert bad[1:, 2].all()
    assert not bad[:, [0, 1, 3, 4]].any()
    empty, gy, gc = sample(kind, 4, 0, 3)
    assert forward(kind, empty, False)[0].shape == (4, 0, 3)
    assert not backward(kind, empty, gy, gc, False)[1].any()


def test_wrong_input_is_an_error():
    x, w, h = np.zeros((5, 2, 12), np.float32), np.zeros((12, 3), np.float32), np.zeros((2, 3), np.float32)
    with pytest.raises(RuntimeError, match=r"lstm: expected hidden size \(2, 3\), got \(3, 3\)"):
        k.lstm(x, w, np.zeros((3, 3), np.float32), h)
    with pytest.raises(RuntimeError, match=r"gru: expected projections \(T, B, 3 \* H\)"):
        k.gru(x, w, w[:, 0], h)
    with pytest.raises(RuntimeError, match="one dtype, got float32, float32, float64"):
        k.lstm(x, w, h.astype(np.float64), h)
    with pytest.raises(ValueError, match="unknown nonlinearity 'gelu'"):
        k.rnn(x[:, :, :3], w[:3], h, "gelu")
