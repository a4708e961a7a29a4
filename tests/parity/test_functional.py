"""nn.functional beside torch.nn.functional where a sample cannot say it: signatures, gradients that are no derivatives,
float16, warnings, and large float32 inputs that take the compiled kernels."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

import autograd_core as ac
import nn.functional as F

torch = pytest.importorskip("torch")
TF = torch.nn.functional


def _arguments(function) -> list:
    return [
        (p.name, None if p.default is p.empty else p.default) for p in inspect.signature(function).parameters.values()
    ]


NAMES = sorted(
    n for n in dir(TF)
    if not n.startswith("_") and inspect.isfunction(getattr(TF, n)) and hasattr(F, n)
    and _arguments(getattr(TF, n))[0][0] != "args"  # some dispatchers of pooling hide theirs
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_signature(name):
    """The same names, order and defaults."""
    theirs = _arguments(getattr(TF, name))
    assert _arguments(getattr(F, name))[: len(theirs)] == theirs


def rng(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def both(f, *arrays, wanted=None):
    """Value and gradients (of <y, y>) here and in PyTorch."""
    out = []
    for lib, functional in ((ac, F), (torch, TF)):
        xs = [lib.from_numpy(np.array(a)) for a in arrays]
        for x, a in zip(xs, arrays, strict=True):
            if a.dtype.kind == "f":
                x.requires_grad_()
        y = f(functional, *xs)
        (y * y).sum().backward()
        grads = [x.grad for x, a in zip(xs, arrays, strict=True) if a.dtype.kind == "f"]
        out.append([np.asarray(v.array if lib is ac else v.detach().numpy()) for v in (y, *grads)])
    return out


@pytest.mark.parametrize(
    "options",
    [
        {"padding_idx": 2},
        {"padding_idx": -4},
        {"scale_grad_by_freq": True},
        {"padding_idx": 0, "scale_grad_by_freq": True},
    ],
)
def test_embedding_gradients_that_are_no_derivatives(options):
    index = np.array([[0, 2, 2], [1, 2, 0]])
    for a, b in zip(*both(lambda f, i, w: f.embedding(i, w, **options), index, rng(4, 3)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_embedding_bag_scaled_by_frequency(mode):
    """Each row's gradient over its count.  PyTorch 2.13 divides by another row's count here, so it gives the sums only."""
    index = np.array([[0, 2, 2], [1, 2, 0]])
    scaled = both(lambda f, i, w: f.embedding_bag(i, w, mode=mode, scale_grad_by_freq=True), index, rng(4, 3))[0]
    plain = both(lambda f, i, w: f.embedding_bag(i, w, mode=mode), index, rng(4, 3))[1]
    np.testing.assert_allclose(scaled[0], plain[0], rtol=1e-12)
    np.testing.assert_allclose(scaled[1], plain[1] / np.array([2, 1, 3, 1])[:, None], rtol=1e-12)


def test_same_padding_of_even_kernels():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = both(
            lambda f, x, w: f.conv2d(x, w, padding="same", dilation=(1, 3)), rng(2, 3, 7, 6), rng(4, 3, 4, 2, seed=1)
        )
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_running_statistics_of_float32():
    stats = {}
    for lib, functional in ((ac, F), (torch, TF)):
        m, v = lib.zeros(3), lib.ones(3)
        for k in range(5):
            functional.batch_norm(
                lib.from_numpy(rng(4, 3, 5, seed=k).astype(np.float32)), m, v, training=True, momentum=0.2
            )
        stats[lib] = [np.asarray(t.array if lib is ac else t.numpy()) for t in (m, v)]
    for a, b in zip(stats[ac], stats[torch], strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


HALF = {
    "relu": lambda f, x: f.relu(x),
    "gelu": lambda f, x: f.gelu(x),
    "silu": lambda f, x: f.silu(x),
    "softplus": lambda f, x: f.softplus(x),
    "softmax": lambda f, x: f.softmax(x, -1),
    "log_softmax": lambda f, x: f.log_softmax(x, 0),
    "layer_norm": lambda f, x: f.layer_norm(x, (8,)),
    "max_pool1d": lambda f, x: f.max_pool1d(x, 2),
    "linear": lambda f, x: f.linear(x, x),
    "mse_loss": lambda f, x: f.mse_loss(x, x * 0),
    "dropout": lambda f, x: f.dropout(x, 0.5, False),
}


@pytest.mark.parametrize("name", HALF)
def test_float16(name):
    x = rng(4, 8).astype(np.float16)
    for a, b in zip(*both(HALF[name], x), strict=True):
        assert a.dtype == b.dtype == np.float16
        np.testing.assert_allclose(
            a.astype(float), b.astype(float), rtol=4e-3, atol=4e-3
        )  # 2 to 4 units in the last place


def f32(*shape, seed=0):
    return rng(*shape, seed=seed).astype(np.float32)


def labels(n, *shape):
    return np.random.default_rng(7).integers(0, n, shape)


LARGE = {
    "relu": (lambda f, x: f.relu(x), f32(300, 301)),
    "leaky_relu": (lambda f, x: f.leaky_relu(x, 0.1), f32(300, 301)),
    "elu": (lambda f, x: f.elu(x, 1.3), f32(300, 301)),
    "selu": (lambda f, x: f.selu(x), f32(300, 301)),
    "celu": (lambda f, x: f.celu(x, 0.7), f32(300, 301)),
    "gelu": (lambda f, x: f.gelu(x), f32(300, 301)),
    "gelu tanh": (lambda f, x: f.gelu(x, approximate="tanh"), f32(300, 301)),
    "silu": (lambda f, x: f.silu(x), f32(300, 301)),
    "mish": (lambda f, x: f.mish(x), f32(300, 301)),
    "softplus": (lambda f, x: f.softplus(x, 2.0, 3.0), f32(300, 301)),
    "logsigmoid": (lambda f, x: f.logsigmoid(x), f32(300, 301)),
    "sigmoid": (lambda f, x: f.sigmoid(x), f32(300, 301)),
    "tanh": (lambda f, x: f.tanh(x), f32(300, 301)),
    "softmax": (lambda f, x: f.softmax(x, 1), f32(100, 101, 5)),
    "log_softmax": (lambda f, x: f.log_softmax(x, -1), f32(100, 505)),
    "cross_entropy": (lambda f, x, t: f.cross_entropy(x, t, label_smoothing=0.1), f32(100, 50, 7), labels(50, 100, 7)),
    "bce": (lambda f, x, t: f.binary_cross_entropy_with_logits(x, t), f32(100, 301), np.abs(np.tanh(f32(100, 301, seed=1)))),
    "batch_norm": (lambda f, x, w, b: f.batch_norm(x, None, None, w, b, True), f32(8, 16, 15, 17), f32(16), f32(16, seed=1)),
    "batch_norm rows": (lambda f, x, w, b: f.batch_norm(x, None, None, w, b, True), f32(300, 101), f32(101), f32(101, seed=1)),
    "layer_norm": (lambda f, x, w, b: f.layer_norm(x, (101,), w, b), f32(300, 101), f32(101), f32(101, seed=1)),
    "rms_norm": (lambda f, x, w: f.rms_norm(x, (101,), w), f32(300, 101), f32(101)),
    "group_norm": (lambda f, x, w, b: f.group_norm(x, 4, w, b), f32(8, 16, 15, 17), f32(16), f32(16, seed=1)),
    "instance_norm": (lambda f, x, w, b: f.instance_norm(x, None, None, w, b), f32(8, 16, 15, 17), f32(16), f32(16, seed=1)),
    "conv2d": (lambda f, x, w, b: f.conv2d(x, w, b, 2, 1), f32(4, 8, 17, 19), f32(12, 8, 3, 3), f32(12)),
    "conv_transpose2d": (lambda f, x, w, b: f.conv_transpose2d(x, w, b, 2, 1, 1), f32(4, 12, 9, 9), f32(12, 8, 3, 3), f32(8)),
    "max_pool2d": (lambda f, x: f.max_pool2d(x, 3, 2, 1), f32(4, 16, 31, 33)),
    "avg_pool2d": (lambda f, x: f.avg_pool2d(x, 3, 2, 1), f32(4, 16, 31, 33)),
    "adaptive_avg_pool2d": (lambda f, x: f.adaptive_avg_pool2d(x, (5, 7)), f32(4, 16, 31, 33)),
    "embedding": (lambda f, i, w: f.embedding(i, w), labels(50, 100, 30), f32(50, 16)),
    "attention": (
        lambda f, q, k, v: f.scaled_dot_product_attention(q, k, v, is_causal=True),
        f32(2, 4, 65, 32), f32(2, 4, 65, 32, seed=1), f32(2, 4, 65, 32, seed=2),
    ),
    "grid_sample": (lambda f, x, g: f.grid_sample(x, g, align_corners=False), f32(2, 5, 31, 33), f32(2, 30, 30, 2, seed=1) * 0.5),
    "ctc_loss": (
        lambda f, x, t: f.ctc_loss(x.log_softmax(-1), t, tuple(range(40, 24, -1)), tuple(range(16)), reduction="none"),
        f32(40, 16, 12), labels(11, 16, 15) + 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_large_float32(name):
    """Inputs above the kernels' thresholds: as near to float64 as PyTorch's float32 is, within a factor of 4."""
    f, *arrays = LARGE[name]
    exact = both(f, *[a.astype(np.float64) if a.dtype == np.float32 else a for a in arrays])[1]
    ours, theirs = both(f, *arrays)
    for a, b, e in zip(ours, theirs, exact, strict=True):
        assert a.dtype == np.float32
        scale = np.abs(e).max() + 1e-30
        error, reference = np.abs(a - e).max() / scale, np.abs(b - e).max() / scale
        assert error <= 4 * reference + 1e-6
