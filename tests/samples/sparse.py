"""Samples of sparse tensors: what flows through their values and their dense partners."""

from __future__ import annotations

from tests.op_samples import S, t

INDEX = [[0, 1, 1, 0, 3], [2, 0, 2, 2, 1]]  # a place twice, row 2 empty


def sparse(T, values, size=(4, 3)):
    return T.sparse_coo_tensor(T.tensor(INDEX), values, size)


SAMPLES = [
    # PyTorch's second derivative of a sparse product fails or is unsupported, so values and first order are compared
    S(lambda T, v, d: T.sparse.mm(sparse(T, v), d), t(5), t(3, 2), label="sparse.mm dense", check="second", parity=False),
    S(lambda T, v, d: T.sparse.mm(sparse(T, v), d), t(5), t(3, 2), label="sparse.mm dense first", check="first"),
    S(lambda T, v, d: T.sparse.mm(sparse(T, v), d), t(5), t(3, 0), label="sparse.mm no columns", check="first"),
    S(lambda T, v: T.sparse.mm(sparse(T, v), sparse(T, v).t()).to_dense(), t(5), label="sparse.mm sparse", check="first"),
    S(
        lambda T, m, v, d: T.sparse.addmm(m, sparse(T, v), d, beta=0.5, alpha=-2.0),
        t(4, 2), t(5), t(3, 2),
        label="sparse.addmm factors", check="first",
    ),
    S(lambda T, v: sparse(T, v).to_dense(), t(5), label="sparse_coo_tensor to_dense", check="first"),
    S(lambda T, v: sparse(T, v, (4, 3, 2)).to_dense(), t(5, 2), label="sparse_coo_tensor dense dimension", check="first"),
    S(lambda T, v: sparse(T, v).coalesce().values(), t(5), label="sparse_coo_tensor coalesce", check="first"),
    S(lambda T, v: (sparse(T, v) * 3.0 + sparse(T, v)).to_dense(), t(5), label="sparse_coo_tensor sum", check="first"),
    S(lambda T, v: T.sparse.sum(sparse(T, v)), t(5), label="sparse.sum", check="first"),
    S(lambda T, v: T.sparse.sum(sparse(T, v), 0).to_dense(), t(5), label="sparse.sum of a dimension", check="first"),
    S(lambda T, d: T.sparse.mm(d.to_sparse(), d.t()), t(4, 3), label="Tensor.to_sparse", check="first"),
]  # fmt: skip
