"""Sparse tensors, their products and sparse gradients against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ac
import nn
from nn import optim

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

INDEX = [[0, 1, 1, 0, 3], [2, 0, 2, 2, 1]]


def same(ours, theirs, rtol=1e-12):
    assert ours.is_sparse == theirs.is_sparse
    assert tuple(ours.shape) == tuple(theirs.shape)
    if ours.is_sparse:
        ours, theirs = ours.coalesce(), theirs.coalesce()
        np.testing.assert_array_equal(ours.indices().array, theirs.indices().numpy())
        ours, theirs = ours.values(), theirs.values()
    np.testing.assert_allclose(ours.detach().array, theirs.detach().numpy(), rtol=rtol, atol=1e-14)


CALLS = {
    "mm": lambda T, a, v, d: T.sparse.mm(a, d),
    "operator": lambda T, a, v, d: a @ d,
    "left": lambda T, a, v, d: d.t() @ a.t(),
    "sparse mm": lambda T, a, v, d: T.sparse.mm(a, a.t()),
    "addmm": lambda T, a, v, d: T.sparse.addmm(T.ones(4, 2, dtype=T.float64), a, d, beta=0.5, alpha=2.0),
    "dense": lambda T, a, v, d: a.to_dense(),
    "coalesce": lambda T, a, v, d: a.coalesce(),
    "scaled sum": lambda T, a, v, d: a * 3.0 + a,
    "difference": lambda T, a, v, d: a - a * 0.5,
    "quotient": lambda T, a, v, d: a / 4.0,
    "negative": lambda T, a, v, d: -a,
    "transpose": lambda T, a, v, d: a.t(),
    "product of sparse": lambda T, a, v, d: a.coalesce() * (a * 2.0).coalesce(),
    "dense plus sparse": lambda T, a, v, d: T.ones(4, 3, dtype=T.float64) + a,
    "sum": lambda T, a, v, d: T.sparse.sum(a),
    "sum of rows": lambda T, a, v, d: T.sparse.sum(a, 1),
    "sum of columns": lambda T, a, v, d: T.sparse.sum(a, [0]),
    "to_sparse": lambda T, a, v, d: d.to_sparse(),
    "to_sparse rows": lambda T, a, v, d: d.to_sparse(1),
    "mask": lambda T, a, v, d: (d @ d.t()).sparse_mask(
        T.sparse_coo_tensor([[0, 2], [1, 2]], T.ones(2), (3, 3)).coalesce()
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_values_and_gradients(name):
    rng = np.random.default_rng(0)
    numbers, dense = rng.standard_normal(5), rng.standard_normal((3, 2))
    results = []
    for T in (ac, torch):
        v, d = T.tensor(numbers, requires_grad=True), T.tensor(dense, requires_grad=True)
        y = CALLS[name](T, T.sparse_coo_tensor(T.tensor(INDEX), v, (4, 3)), v, d)
        full = y.to_dense() if y.is_sparse else y
        (full * full).sum().backward()
        results.append((y, v.grad, d.grad))
    for ours, theirs in zip(*results, strict=True):
        if theirs is None:
            assert ours is None
        else:
            same(ours, theirs)


MADE = {
    "matrix": lambda T: T.sparse_coo_tensor(T.tensor(INDEX), T.tensor([1.0, 2.0, 3.0, 4.5, -1.0]), (4, 3)),
    "coalesced": lambda T: T.eye(3).to_sparse(),
    "leaf": lambda T: T.eye(3).to_sparse().requires_grad_(),
    "empty": lambda T: T.sparse_coo_tensor((2, 3)),
    "integers": lambda T: T.sparse_coo_tensor([[0, 2]], [5, -7], (4,)),
    "dense dimension": lambda T: T.sparse_coo_tensor([[0, 2]], T.ones(2, 2, dtype=T.float64)),
    "three dimensions": lambda T: T.sparse_coo_tensor([[1], [0], [2]], [0.5], (2, 1, 3)),
    "cast": lambda T: T.sparse_coo_tensor([[1]], [1.0], (2,), dtype=T.float64),
    "many": lambda T: T.sparse_coo_tensor([list(range(1200))], T.arange(1200.0)),
}


@pytest.mark.parametrize("name", MADE)
def test_text_and_parts(name):
    a, b = MADE[name](ac), MADE[name](torch)
    # lines are filled by the words' lengths, and "autograd_core." is longer than "torch."
    assert repr(a).replace("autograd_core.", "torch.").split() == repr(b).split()
    assert (a._nnz(), a.sparse_dim(), a.dense_dim(), a.is_coalesced()) == (
        b._nnz(),
        b.sparse_dim(),
        b.dense_dim(),
        b.is_coalesced(),
    )
    assert (tuple(a.shape), str(a.dtype).split(".")[-1], a.is_leaf) == (
        tuple(b.shape),
        str(b.dtype).split(".")[-1],
        b.is_leaf,
    )
    np.testing.assert_array_equal(a._indices().array, b._indices().numpy())
    same(a, b)


def test_a_sparse_leaf():
    grads = []
    for T in (ac, torch):
        a = (
            T.sparse_coo_tensor(T.tensor(INDEX), T.tensor([1.0, 2.0, 3.0, 4.0, 5.0]), (4, 3))
            .coalesce()
            .requires_grad_()
        )
        for _ in range(2):
            (T.sparse.mm(a, T.arange(6.0).reshape(3, 2)) ** 2).sum().backward()
        grads.append(a.grad)
    same(*grads)


def pair(**kwargs):
    table = np.random.default_rng(1).standard_normal((7, 3))
    ours = nn.Embedding(7, 3, sparse=True, _weight=ac.tensor(table), **kwargs)
    return ours, torch.nn.Embedding(7, 3, sparse=True, _weight=torch.tensor(table), **kwargs)


@pytest.mark.parametrize("kwargs", [{}, {"padding_idx": 2}], ids=str)
def test_gradients_of_an_embedding(kwargs):
    e, f = pair(**kwargs)
    for rows in ([1, 4, 1, 2], [[2, 0], [6, 6]]):
        for m, T in ((e, ac), (f, torch)):
            (m(T.tensor(rows)) ** 2).sum().backward()
        same(e.weight.grad, f.weight.grad)
        assert e.weight.grad._nnz() == f.weight.grad._nnz() and not e.weight.grad.is_coalesced()


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_gradients_of_bags(mode):
    table = np.random.default_rng(1).standard_normal((7, 3))
    grads = []
    for T, N in ((ac, nn), (torch, torch.nn)):
        bag = N.EmbeddingBag(7, 3, mode=mode, sparse=True, _weight=T.tensor(table))
        (bag(T.tensor([1, 4, 1, 2, 2]), T.tensor([0, 2])) ** 2).sum().backward()
        grads.append(bag.weight.grad)
    same(*grads)


@pytest.mark.parametrize(
    ("name", "kwargs"), [("SparseAdam", {}), ("SGD", {}), ("SGD", {"momentum": 0.9}), ("Adagrad", {})]
)
def test_training_an_embedding(name, kwargs):
    e, f = pair()
    a = getattr(optim, name)(e.parameters(), lr=0.05, **kwargs)
    b = getattr(torch.optim, name)(list(f.parameters()), lr=0.05, **kwargs)
    rng = np.random.default_rng(2)
    for _ in range(10):
        rows, target = rng.integers(0, 7, (2, 3)), rng.standard_normal((2, 3, 3))
        for m, o, T in ((e, a, ac), (f, b, torch)):
            o.zero_grad()
            ((m(T.tensor(rows)) - T.tensor(target)) ** 2).mean().backward()
            o.step()
        # the two sum repeated rows and move them in another order: a few roundings a step
        np.testing.assert_allclose(e.weight.detach().array, f.weight.detach().numpy(), rtol=1e-11)
