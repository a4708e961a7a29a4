"""Shapes drawn by hypothesis: broadcasting, reductions and indexing against NumPy, gradients against their definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd_core as ac

QUICK = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
OPS = {
    "add": (np.add, lambda g, a, b: (g, g)),
    "sub": (np.subtract, lambda g, a, b: (g, -g)),
    "mul": (np.multiply, lambda g, a, b: (g * b, g * a)),
    "div": (np.divide, lambda g, a, b: (g / b, -g * a / b**2)),
    "maximum": (np.maximum, lambda g, a, b: (g * (a > b), g * (b > a))),
}


def reduce_to(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The definition: sum over every place that one element was broadcast to."""
    lead = g.ndim - len(shape)
    g = g.sum(tuple(range(lead)))
    return g.sum(tuple(i for i, s in enumerate(shape) if s == 1), keepdims=True) if shape else g


@pytest.mark.parametrize("name", OPS)
@QUICK
@given(
    shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, min_side=0, max_side=4),
    seed=st.integers(0, 2**16),
)
def test_binary_ops_broadcast(name: str, shapes: hnp.BroadcastableShapes, seed: int) -> None:
    forward, rule = OPS[name]
    rng = np.random.default_rng(seed)
    a, b = (np.asarray(rng.uniform(0.5, 2.0, s)) for s in shapes.input_shapes)
    x, y = ac.tensor(a, requires_grad=True), ac.tensor(b, requires_grad=True)
    z = getattr(ac, name)(x, y)
    assert z.shape == shapes.result_shape
    np.testing.assert_array_equal(z.detach().numpy(), forward(a, b))
    g = np.asarray(rng.standard_normal(shapes.result_shape))
    z.backward(ac.tensor(g))
    for leaf, array, expected in zip((x, y), (a, b), rule(g, a, b), strict=True):
        full = np.broadcast_to(expected, shapes.result_shape)
        assert leaf.grad is not None and leaf.grad.shape == array.shape
        np.testing.assert_allclose(leaf.grad.numpy(), reduce_to(full, array.shape), rtol=1e-12, atol=1e-12)


@QUICK
@given(data=st.data(), shape=hnp.array_shapes(min_dims=0, max_dims=4, min_side=1, max_side=4))
def test_reductions(data: st.DataObject, shape: tuple[int, ...]) -> None:
    dims = data.draw(
        st.lists(st.integers(-len(shape), len(shape) - 1), unique_by=lambda d: d % len(shape)) if shape else st.just([])
    )
    keep = data.draw(st.booleans())
    a = np.random.default_rng(0).standard_normal(shape)
    x = ac.tensor(a, requires_grad=True)
    axes = tuple(dims) if dims else None
    y = x.sum(dims, keep) if dims else x.sum()
    np.testing.assert_allclose(y.detach().numpy(), a.sum(axes, keepdims=keep and bool(dims)), rtol=1e-12, atol=1e-12)
    y.backward(ac.full(y.shape, 2.0, dtype=ac.float64))
    np.testing.assert_array_equal(x.grad.numpy(), np.full(shape, 2.0))


@QUICK
@given(data=st.data(), shape=hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=5))
def test_basic_indexing(data: st.DataObject, shape: tuple[int, ...]) -> None:
    index = data.draw(hnp.basic_indices(shape, allow_newaxis=True))
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(p, slice) and (p.step or 1) < 0 for p in parts):
        with pytest.raises(ValueError, match="step must be positive"):
            ac.ones(shape)[index]
        return
    a = np.random.default_rng(0).standard_normal(shape)
    x = ac.tensor(a, requires_grad=True)
    y = x[index]
    np.testing.assert_array_equal(y.detach().numpy(), a[index])
    y.sum().backward()
    expected = np.zeros(shape)
    expected[index] = 1
    np.testing.assert_array_equal(x.grad.numpy(), expected)


@QUICK
@given(data=st.data(), shape=hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5))
def test_integer_indexing_accumulates(data: st.DataObject, shape: tuple[int, ...]) -> None:
    index = data.draw(hnp.integer_array_indices(shape))
    a = np.random.default_rng(0).standard_normal(shape)
    x = ac.tensor(a, requires_grad=True)
    y = x[tuple(ac.tensor(i) for i in index)]
    np.testing.assert_array_equal(y.detach().numpy(), a[index])
    y.sum().backward()
    expected = np.zeros(shape)
    np.add.at(expected, index, 1)
    np.testing.assert_array_equal(x.grad.numpy(), expected)


@QUICK
@given(shapes=hnp.mutually_broadcastable_shapes(signature="(m,k),(k,n)->(m,n)", max_dims=2, max_side=4))
def test_matmul_broadcasts_batches(shapes: hnp.BroadcastableShapes) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(s) for s in shapes.input_shapes)
    x, y = ac.tensor(a, requires_grad=True), ac.tensor(b, requires_grad=True)
    z = x @ y
    np.testing.assert_allclose(z.detach().numpy(), a @ b, rtol=1e-12, atol=1e-12)
    g = rng.standard_normal(shapes.result_shape)
    z.backward(ac.tensor(g))
    for leaf, full in ((x, g @ b.swapaxes(-1, -2)), (y, a.swapaxes(-1, -2) @ g)):
        lead = full.ndim - leaf.ndim
        expected = full.sum(tuple(range(lead)))
        axes = tuple(i for i, s in enumerate(leaf.shape[:-2]) if s == 1 and expected.shape[i] != 1)
        np.testing.assert_allclose(leaf.grad.numpy(), expected.sum(axes, keepdims=True), rtol=1e-10, atol=1e-10)
