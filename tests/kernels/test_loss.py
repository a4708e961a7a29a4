"""Cross-entropy: kernel against twin, both against float64 and finite differences; corners."""

import itertools

import numpy as np
import pytest

from autograd_core.kernels import loss as k
from autograd_core.kernels.thresholds import THRESHOLDS

OPTIONS = [
    {"weight": w, "label_smoothing": s, "reduction": r}
    for w, s, r in itertools.product((False, True), (0.0, 0.1), ("mean", "sum", "none"))
]


@pytest.fixture(params=["numpy", "numba"])
def way(request, monkeypatch):
    monkeypatch.setitem(THRESHOLDS, "loss.numba", 10**18 if request.param == "numpy" else 0)


def sample(shape, dtype=np.float32):
    rng = np.random.default_rng(0)
    x = (3 * rng.standard_normal(shape)).astype(dtype)
    classes = shape[0] if len(shape) == 1 else shape[1]
    target = rng.integers(0, classes, shape[:0] if len(shape) == 1 else shape[:1] + shape[2:])
    if target.size > 2:
        target.reshape(-1)[1] = -100
    return x, target, rng.uniform(0.5, 2, classes).astype(dtype)


@pytest.mark.parametrize("shape", [(7,), (5, 10), (3, 65), (2, 4, 3, 5), (1, 1)])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_against_float64(way, shape, options):
    x, target, w = sample(shape)
    options = dict(options)
    w = w if options.pop("weight") else None
    wide = None if w is None else w.astype(np.float64)
    loss, lse, total = k.cross_entropy(x, target, w, **options)
    exact, exact_lse, _ = k.cross_entropy(x.astype(np.float64), target, wide, **options)
    assert loss.dtype == np.float32
    assert loss.shape == exact.shape == (target.shape if options["reduction"] == "none" else ())
    np.testing.assert_allclose(loss, exact, rtol=3e-6, atol=3e-6)
    g = np.random.default_rng(1).standard_normal(loss.shape)
    gx = k.cross_entropy_backward(g.astype(np.float32), x, target, lse, total, w, **options)
    expected = k.cross_entropy_backward(g, x.astype(np.float64), target, exact_lse, total, wide, **options)
    assert gx.dtype == np.float32
    assert gx.shape == x.shape
    assert gx.flags.c_contiguous
    np.testing.assert_allclose(gx, expected, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_backward_is_the_derivative(options):
    x, target, w = sample((4, 5, 2), np.float64)
    options = dict(options)
    w = w if options.pop("weight") else None
    loss, lse, total = k.cross_entropy(x, target, w, **options)
    g, step = np.ones_like(loss), np.random.default_rng(1).standard_normal(x.shape)
    gx = k.cross_entropy_backward(g, x, target, lse, total, w, **options)
    up, down = (k.cross_entropy(x + h * step, target, w, **options)[0].sum() for h in (1e-6, -1e-6))
    np.testing.assert_allclose((gx * step).sum(), (up - down) / 2e-6, rtol=1e-7)


def test_nll_is_cross_entropy_of_log_softmax():
    for shape in ((6,), (5, 7), (2, 4, 3)):
        x, target, w = sample(shape, np.float64)
        axis = 0 if x.ndim == 1 else 1
        logp = x - np.log(np.exp(x).sum(axis, keepdims=True))
        for weight, reduction in itertools.product((None, w), k.REDUCTIONS):
            loss, total = k.nll_loss(logp, target, weight, reduction=reduction)
            expected, lse, other = k.cross_entropy(x, target, weight, reduction=reduction)
            np.testing.assert_allclose(loss, expected)
            assert total == other
            g = np.random.default_rng(1).standard_normal(loss.shape)
            gl = k.nll_loss_backward(g, x.shape, x.dtype, target, total, weight, reduction=reduction)
            gx = gl - np.exp(logp) * gl.sum(axis, keepdims=True)
            np.testing.assert_allclose(
                gx, k.cross_entropy_backward(g, x, target, lse, total, weight, reduction=reduction), atol=1e-12
            )


def test_corners(way):
    x, target, _ = sample((4, 5))
    ignored = np.full(4, -100)
    loss, lse, total = k.cross_entropy(x, ignored)
    assert np.isnan(loss)
    assert total == 0
    np.testing.assert_array_equal(k.cross_entropy_backward(np.ones((), np.float32), x, ignored, lse, total), 0)
    assert k.cross_entropy(x, ignored, reduction="sum")[0] == 0
    assert np.isnan(k.cross_entropy(x[:0], target[:0])[0])
    x[0, 0] = np.nan
    x[2] = -np.inf
    x[3, 1] = -np.inf
    target[:] = 0
    losses, lse, _ = k.cross_entropy(x, target, reduction="none")
    assert np.isnan(losses).tolist() == [True, False, True, False]
    half, _, _ = k.cross_entropy(np.ones((2, 4), np.float16), np.array([0, 1]))
    assert half.dtype == np.float16
    assert abs(float(half) - np.log(4)) < 1e-3
    strided = np.asfortranarray(sample((4, 5))[0])
    np.testing.assert_allclose(
        k.cross_entropy(strided, target)[0], k.cross_entropy(np.ascontiguousarray(strided), target)[0]
    )


def test_wrong_input_is_an_error(way):
    x, target, w = sample((4, 5))
    target[2] = 5
    with pytest.raises(IndexError, match=r"cross_entropy: target 5 at \(2,\) is out of bounds for 5 classes"):
        k.cross_entropy(x, target)
    target[2] = -1
    with pytest.raises(IndexError, match="target -1"):
        k.cross_entropy(x, target)
    target[2] = 0
    with pytest.raises(ValueError, match=r"expected target shape \(4,\) for input \(4, 5\), got \(3,\)"):
        k.cross_entropy(x, target[:3])
    with pytest.raises(RuntimeError, match="got float32"):
        k.cross_entropy(x, w[:4])
    with pytest.raises(RuntimeError, match="each of the 5 classes"):
        k.cross_entropy(x, target, w[:4])
    with pytest.raises(ValueError, match="'avg' is not a valid value"):
        k.cross_entropy(x, target, reduction="avg")
    with pytest.raises(RuntimeError, match=r"got 1\.5"):
        k.cross_entropy(x, target, label_smoothing=1.5)


@pytest.mark.parametrize("size", [1.0, 59.999, 60.0, 85.0, 1e4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_with_and_without_a_shift(size, dtype):
    rng = np.random.default_rng(2)
    x = (rng.uniform(-1, 1, (40, 5)) * size).astype(dtype)
    x[0], x[1], x[2, 0], x[3, :4] = size, -size, size, -size
    target = rng.integers(0, 5, 40)
    wide = x.astype(np.longdouble)
    top = wide.max(1)
    lse = top + np.log(np.exp(wide - top[:, None]).sum(1))
    exact = lse - wide[np.arange(40), target]
    with np.errstate(all="raise", under="ignore"):  # nothing overflows on the way
        losses, got, _ = k.cross_entropy(x, target, reduction="none")
    rounding = 4 * np.finfo(dtype).eps * size  # of a number as large as the greatest logit
    np.testing.assert_allclose(got, lse, rtol=0, atol=rounding)
    np.testing.assert_allclose(losses, exact, rtol=0, atol=2 * rounding)


def test_a_backward_of_known_targets_is_the_same():
    rng = np.random.default_rng(3)
    x, target = rng.standard_normal((6, 4)), rng.integers(0, 4, 6)
    _, lse, total = k.cross_entropy(x, target)
    one = np.ones(())
    for reduction in ("mean", "sum"):
        plain, known = (
            k.cross_entropy_backward(one, x, target, lse, total, reduction=reduction, known=known)
            for known in (False, True)
        )
        np.testing.assert_array_equal(plain, known)
    with pytest.raises(IndexError, match="out of bounds"):
        k.cross_entropy_backward(one, x, target + 3, lse, total)
