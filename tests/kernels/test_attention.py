"""Attention: kernel and twin against float64, the twin's backward against finite differences, masks, blind rows."""

import itertools

import numpy as np
import pytest

from autograd_core.kernels import attention as k
from autograd_core.kernels.thresholds import THRESHOLDS

SHAPES = [
    ((2, 3), 7, 7, 4, 4),
    ((1,), 65, 33, 32, 20),
    ((2,), 1, 5, 3, 17),
    ((), 130, 130, 8, 8),
    ((2, 2), 64, 64, 32, 32),
]


@pytest.fixture(params=["numpy", "numba"])
def way(request, monkeypatch):
    monkeypatch.setitem(THRESHOLDS, "attention.numba", 10**18 if request.param == "numpy" else 0)


def sample(lead, t, s, d, e):
    rng = np.random.default_rng(0)
    return [rng.standard_normal((*lead, *shape)) for shape in ((t, e), (t, d), (s, d), (s, e))]


def masks(lead, t, s):
    rng = np.random.default_rng(1)
    allowed = rng.random((t, s)) > 0.3
    allowed[0] = False  # a query that sees nothing
    full = rng.standard_normal((*lead, t, s))
    return {
        "none": None,
        "bool": allowed,
        "float": rng.standard_normal((t, s)),
        "full": full,
        "row": full[..., :1, :],
        "column": full[:1, ..., :1] if lead else full[..., :1],
    }


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    ("kind", "causal"), list(itertools.product(["none", "bool", "float", "full", "row", "column"], [False, True]))
)
@pytest.mark.parametrize("band", [1 << 16, 300])
def test_against_float64(monkeypatch, way, shape, kind, causal, band):
    monkeypatch.setattr(k, "BAND", band)
    g, q, key, v = sample(*shape)
    mask = masks(*shape[:3])[kind]
    y, lse = k.attention(q, key, v, mask, causal, 0.3)
    narrow = [a.astype(np.float32) for a in (g, q, key, v)]
    small = mask if mask is None or mask.dtype == np.bool_ else mask.astype(np.float32)
    found, found_lse = k.attention(*narrow[1:], small, causal, 0.3)
    assert found.dtype == found_lse.dtype == np.float32
    assert found.shape == y.shape
    np.testing.assert_allclose(found, y, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found_lse, lse, rtol=1e-5, atol=1e-5)
    exact = k.attention_backward(g, q, key, v, y, lse, mask, causal, 0.3)
    gradients = k.attention_backward(*narrow, found, found_lse, small, causal, 0.3)
    for a, b in zip(gradients, exact, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=3e-5)


@pytest.mark.parametrize(("kind", "causal"), [("none", True), ("bool", False), ("row", True)])
def test_backward_is_the_derivative(kind, causal):
    g, *inputs = sample((2,), 5, 6, 3, 4)
    mask = masks((2,), 5, 6)[kind]
    y, lse = k.attention(*inputs, mask, causal)
    gradients = k.attention_backward(g, *inputs, y, lse, mask, causal)
    rng = np.random.default_rng(2)
    for position, gradient in enumerate(gradients):
        step = rng.standard_normal(gradient.shape)
        moved = [[a + h * step if i == position else a for i, a in enumerate(inputs)] for h in (1e-6, -1e-6)]
        up, down = ((g * k.attention(*arguments, mask, causal)[0]).sum() for arguments in moved)
        np.testing.assert_allclose((gradient * step).sum(), (up - down) / 2e-6, rtol=1e-6, atol=1e-7)


def test_blind_rows_nan_layouts_and_empty(way):
    g, q, key, v = (a.astype(np.float32) for a in sample((2,), 6, 6, 4, 4))
    mask = np.ones((6, 6), np.bool_)
    mask[3] = False
    y, lse = k.attention(q, key, v, mask)
    assert not y[:, 3].any()
    assert np.isinf(lse[:, 3]).all()
    assert all(np.isfinite(a).all() for a in k.attention_backward(g, q, key, v, y, lse, mask))
    turned = q.transpose(1, 0, 2).copy().transpose(1, 0, 2)
    np.testing.assert_array_equal(k.attention(turned, key, v)[0], k.attention(q, key, v)[0])
    q[0, 2, 1] = np.nan
    bad = np.isnan(k.attention(q, key, v)[0])
    assert bad[0, 2].all()
    assert bad.sum() == 4
    half, lse = k.attention(*(a.astype(np.float16) for a in (q[1:], key[1:], v[1:])))
    assert half.dtype == np.float16
    assert lse.dtype == np.float32
    for t, s in ((0, 3), (3, 0)):
        empty = [np.zeros((2, n, 4), np.float32) for n in (t, s, s)]
        assert not k.attention(*empty)[0].any()
        assert k.attention(*empty)[0].shape == (2, t, 4)


def test_wrong_input_is_an_error():
    x = np.zeros((2, 4, 8), np.float32)
    with pytest.raises(RuntimeError, match=r"key \(2, 4, 7\) .* do not fit"):
        k.attention(x, x[..., :7], x)
    with pytest.raises(RuntimeError, match=r"mask of shape \(3, 4\) does not broadcast to the scores' \(2, 4, 4\)"):
        k.attention(x, x, x, np.ones((3, 4), np.bool_))
    with pytest.raises(RuntimeError, match="mask of dtype bool or float32, got int64"):
        k.attention(x, x, x, np.ones((4, 4), np.int64))
    with pytest.raises(RuntimeError, match="of one floating-point dtype"):
        k.attention(x, x, x.astype(np.float64))
