"""Sparse tensors by coordinates, and sparse gradients of embeddings."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import autograd_core as ac
import nn
from nn import optim

INDEX = [[0, 1, 1, 0], [2, 0, 2, 2]]
DENSE = np.array([[0.0, 0.0, 4.0], [4.0, 0.0, 5.0]])


def example(**kwargs):
    return ac.sparse_coo_tensor(INDEX, [3.0, 4.0, 5.0, 1.0], (2, 3), **kwargs)


def test_what_it_is():
    a = example()
    assert a.is_sparse and not ac.zeros(1).is_sparse
    assert a.layout is ac.sparse_coo and repr(a.layout) == "autograd_core.sparse_coo"
    assert a.shape == a.size() == (2, 3) and a.size(-1) == 3 and a.dtype is ac.float32 and a.device.type == "cpu"
    assert a._nnz() == a.nnz == 4 and a.sparse_dim() == 2 and a.dense_dim() == 0 and a.numel() == 6 and a.dim() == 2
    assert not a.is_coalesced() and not a.requires_grad and isinstance(a, ac.Tensor)
    b = a.coalesce()
    assert b.is_coalesced() and b.coalesce() is b
    assert b.indices().tolist() == [[0, 1, 1], [2, 0, 2]] and b.values().tolist() == [4.0, 4.0, 5.0]
    assert a._indices().tolist() == INDEX and a._values().tolist() == [3.0, 4.0, 5.0, 1.0]
    np.testing.assert_array_equal(a.to_dense().array, DENSE)
    assert a.double().dtype is ac.float64 and a.to(ac.float64).to_dense().dtype is ac.float64


def test_sizes_are_inferred_and_may_have_dense_dimensions():
    a = ac.sparse_coo_tensor([[0, 2]], ac.ones(2, 4))
    assert a.shape == (3, 4) and a.dense_dim() == 1 and a.to_dense().sum().item() == 8
    assert ac.sparse_coo_tensor((2, 3)).to_dense().tolist() == [[0.0] * 3] * 2
    cube = ac.sparse_coo_tensor([[1], [0], [2]], [7], (2, 1, 3))
    assert cube.dtype is ac.int64 and cube.to_dense()[1, 0, 2].item() == 7


def test_arithmetic():
    a = example()
    two = ac.full((2, 3), 2.0)
    for got, want in [
        (a + a, 2 * DENSE), (a - a * 3, -2 * DENSE), (2 * a, 2 * DENSE), (a / 2, DENSE / 2), (-a, -DENSE),
        (a * two, 2 * DENSE), (a * a.coalesce(), DENSE**2), (a.t(), DENSE.T), (a.T.T, DENSE), (a.add(a, alpha=3), 4 * DENSE),
        (a.clone(), DENSE), (a.detach(), DENSE), (ac.sparse.mm(a, a.t()), DENSE @ DENSE.T),
    ]:  # fmt: skip
        assert got.is_sparse
        np.testing.assert_allclose(got.to_dense().array, want)
    for got, want in [
        (a + two, DENSE + 2), (two + a, DENSE + 2), (two - a, 2 - DENSE), (a @ two.t(), DENSE @ np.full((3, 2), 2)),
        (two.t() @ a, np.full((3, 2), 2) @ DENSE), (a @ ac.ones(3), DENSE.sum(1)), (a.mm(ac.eye(3)), DENSE),
        (ac.spmm(a, ac.eye(3)), DENSE), (a.sum(), DENSE.sum()), (ac.sparse.addmm(ac.ones(2, 3), a, ac.eye(3), beta=2), DENSE + 2),
    ]:  # fmt: skip
        assert not got.is_sparse
        np.testing.assert_allclose(got.array, want)
    np.testing.assert_allclose(ac.sparse.sum(a, 0).to_dense().array, DENSE.sum(0))
    np.testing.assert_allclose(ac.sparse.sum(a, (0, 1)).array, DENSE.sum())


def test_values_are_a_tensor_with_gradients():
    v = ac.tensor([3.0, 4.0, 5.0, 1.0], requires_grad=True)
    d = ac.arange(6.0).reshape(3, 2).requires_grad_()
    a = ac.sparse_coo_tensor(INDEX, v, (2, 3))
    assert a.requires_grad and not a.is_leaf
    (ac.sparse.mm(a, d) ** 2).sum().backward()
    y = DENSE @ d.array.astype(float)
    np.testing.assert_allclose(d.grad.array, 2 * DENSE.T @ y)
    np.testing.assert_allclose(v.grad.array, (2 * y @ d.array.T)[tuple(INDEX)])


def test_a_sparse_leaf_has_a_sparse_gradient():
    a = example(requires_grad=True)
    assert a.is_leaf and a.requires_grad
    for k in (1, 2):
        (a @ ac.tensor([[1.0], [2.0], [3.0]])).sum().backward()
        assert a.grad.is_sparse and a.grad._values().tolist() == [3.0 * k, 1.0 * k, 3.0 * k, 3.0 * k]
    a.grad = None
    assert a.grad is None
    seen = []
    a.register_hook(lambda g: seen.append(g))
    ac.sparse.sum(a).backward()
    assert seen[0].is_sparse and seen[0]._values().tolist() == [1.0] * 4


def test_to_sparse_and_back():
    x = ac.tensor(DENSE, requires_grad=True)
    s = x.to_sparse()
    assert s.is_coalesced() and s.nnz == 3 and s.to_sparse() is s
    (s.to_dense() * 2).sum().backward()
    np.testing.assert_array_equal(x.grad.array, 2 * (DENSE != 0))
    rows = ac.tensor(DENSE[[0, 0, 1]] * [[0], [1], [1]]).to_sparse(1)
    assert rows.indices().tolist() == [[1, 2]] and rows.values().shape == (2, 3)
    assert x.sparse_mask(example()).values().tolist() == [4.0, 4.0, 5.0]


def test_text():
    assert repr(example()) == (
        "tensor(indices=tensor([[0, 1, 1, 0],\n                       [2, 0, 2, 2]]),\n"
        "       values=tensor([3., 4., 5., 1.]),\n"
        "       size=(2, 3), nnz=4, layout=autograd_core.sparse_coo)"
    )
    assert "requires_grad=True" in repr(example(requires_grad=True))


def test_copies():
    a = example(requires_grad=True)
    b = copy.deepcopy(a)
    assert b.requires_grad and b.is_leaf and b.to_dense().tolist() == DENSE.tolist()
    b.detach()._values().zero_()
    assert a.to_dense().tolist() == DENSE.tolist()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: ac.sparse_coo_tensor([[0.5]], [1.0]), TypeError, "sparse_coo_tensor: indices must be integers"),
        (lambda: ac.sparse_coo_tensor([0], [1.0]), RuntimeError, "indices must be a matrix"),
        (lambda: ac.sparse_coo_tensor([[0, 1]], [1.0]), RuntimeError, "2 indices need as many values"),
        (lambda: ac.sparse_coo_tensor([[5]], [1.0], (3,)), RuntimeError, "index 5 of dimension 0 is out of range"),
        (lambda: ac.sparse_coo_tensor([[-1]], [1.0], (3,)), RuntimeError, "must not be negative, got -1"),
        (lambda: ac.sparse_coo_tensor([[0]], [1.0], (3, 2)), RuntimeError, "must have 1 dimensions"),
        (lambda: ac.sparse_coo_tensor([[1, 0]], [1.0, 2.0], is_coalesced=True), RuntimeError, "not sorted"),
        (lambda: example().values(), RuntimeError, "values: .* call coalesce"),
        (lambda: example().indices(), RuntimeError, "indices: .* call coalesce"),
        (lambda: example().exp(), RuntimeError, "takes dense tensors only, got a sparse one of shape .2, 3."),
        (lambda: example() @ ac.ones(2, 2), RuntimeError, r"sparse.mm: shapes \(2, 3\) and \(2, 2\) do not fit"),
        (lambda: example() @ ac.ones(3, 2, dtype=ac.float64), TypeError, "sparse.mm: expected one dtype"),
        (lambda: ac.sparse.mm(example(), ac.ones(3)), RuntimeError, "mat2 must be a matrix"),
        (lambda: example() + 1, TypeError, "would be dense"),
        (lambda: example() + example().t(), RuntimeError, "cannot be added"),
        (lambda: ac.sparse.sum(ac.ones(2)), TypeError, "must be a sparse tensor"),
        (lambda: ac.ones(2).sparse_mask(example()), RuntimeError, "shapes .* differ"),
        (lambda: example().transpose(0, 2), IndexError, "dimension 2 is out of range"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


# ------------------------------------------------------------------------------------------------- sparse gradients


def table(sparse=True, **kwargs):
    ac.manual_seed(0)
    return nn.Embedding(6, 3, sparse=sparse, dtype=ac.float64, **kwargs)


@pytest.mark.parametrize("kwargs", [{}, {"padding_idx": 4}, {"scale_grad_by_freq": True}])
def test_an_embedding_has_a_sparse_gradient(kwargs):
    a, b = table(**kwargs), table(False, **kwargs)
    for rows in ([1, 4, 1], [[5, 4]], []):
        for e in (a, b):
            (e(ac.tensor(rows, dtype=ac.int64)) ** 2).sum().backward()
        assert a.weight.grad.is_sparse and a.weight.grad.shape == (6, 3)
        np.testing.assert_allclose(a.weight.grad.to_dense().array, b.weight.grad.array, rtol=1e-14)


def test_sparse_and_dense_gradients_add_up():
    e, f = table(), table(False)
    i = ac.tensor([1, 4, 1])
    for m in (e, f):
        (m(i).sum() + (m.weight**2).sum() + m(i[:1]).sum()).backward()  # one backward
        m(i).sum().backward()  # sparse into dense
    np.testing.assert_allclose(e.weight.grad.array, f.weight.grad.array)
    e.weight.grad = None
    e(i).sum().backward()
    e.weight.sum().backward()  # dense into sparse
    assert e.weight.grad.tolist() == [[1.0] * 3, [3.0] * 3, [1.0] * 3, [1.0] * 3, [2.0] * 3, [1.0] * 3]


def test_the_gradient_owns_its_memory():
    e = table()
    seed = ac.ones(2, 3, dtype=ac.float64)
    e(ac.tensor([0, 1])).backward(seed)
    e.weight.grad._values().zero_()
    assert seed.sum().item() == 6


def test_grad_hooks_and_second_order():
    e = table()
    i = ac.tensor([2, 2])
    (g,) = ac.autograd.grad((e(i) ** 3).sum(), e.weight)
    assert g.is_sparse
    (h,) = ac.autograd.grad((e(i) ** 3).sum(), e.weight, create_graph=True)
    np.testing.assert_allclose(h.array, g.to_dense().array)
    (hh,) = ac.autograd.grad(h.sum(), e.weight)
    np.testing.assert_allclose((hh.to_dense() if hh.is_sparse else hh).array[2], 12 * e.weight.array[2])
    handle = e.weight.register_hook(lambda g: g * 2)
    e(i).sum().backward()
    handle.remove()
    assert e.weight.grad.is_sparse and e.weight.grad.to_dense()[2].tolist() == [4.0] * 3


def test_bags_have_sparse_gradients():
    for mode in ("sum", "mean"):
        ac.manual_seed(0)
        a = nn.EmbeddingBag(6, 3, mode=mode, sparse=True)
        b = nn.EmbeddingBag(6, 3, mode=mode, _weight=a.weight.detach().clone())
        i = ac.tensor([[1, 4], [1, 0]])
        for m in (a, b):
            (m(i) ** 2).sum().backward()
        assert a.weight.grad.is_sparse
        np.testing.assert_allclose(a.weight.grad.to_dense().array, b.weight.grad.array, rtol=1e-6)
    with pytest.raises(RuntimeError, match="sparse gradients do not go with mode='max'"):
        nn.EmbeddingBag(6, 3, mode="max", sparse=True)(i)


def test_the_weight_must_be_a_leaf():
    w = ac.ones(3, 2, requires_grad=True)
    with pytest.raises(RuntimeError, match="embedding: sparse=True needs a weight that is a leaf, .* 'mul'"):
        nn.functional.embedding(ac.tensor([0]), w * 2, sparse=True)


@pytest.mark.parametrize(
    "make", [lambda p: optim.SGD(p, 0.1), lambda p: optim.SGD(p, 0.1, momentum=0.9), lambda p: optim.Adagrad(p, 0.1)]
)
def test_steps_are_those_of_dense_gradients(make):
    a, b = table(), table(False)
    steps = [make(m.parameters()) for m in (a, b)]
    for k in range(4):
        for m, o in zip((a, b), steps, strict=True):
            o.zero_grad(set_to_none=k % 2 == 0)
            (m(ac.tensor([k, 1, 1])) ** 2).sum().backward()
            nn.utils.clip_grad_norm_(m.parameters(), 0.5)
            nn.utils.clip_grad_value_(m.parameters(), 0.3)
            o.step()
    np.testing.assert_allclose(a.weight.array, b.weight.array, rtol=1e-12)


def test_sparse_adam_moves_the_rows_read_only():
    e = table()
    before = e.weight.array.copy()
    o = optim.SparseAdam(e.parameters(), 0.1)
    e(ac.tensor([1, 3, 1])).sum().backward()
    o.step()
    moved = (e.weight.array != before).any(1)
    assert moved.tolist() == [False, True, False, True, False, False]
