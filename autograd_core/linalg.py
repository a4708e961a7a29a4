"""Linear algebra: PyTorch's ``torch.linalg`` names.

Everything works on stacks of matrices, keeps float32 and complex64, and is differentiable to any order where the
mathematics is.  A matrix for which the result does not exist raises :class:`LinAlgError`, a ``RuntimeError``.

Examples
--------
>>> import autograd_core as ac
>>> A = ac.tensor([[4.0, 1.0], [1.0, 3.0]], requires_grad=True)
>>> ac.linalg.slogdet(A).logabsdet.backward()
>>> A.grad
tensor([[ 0.2727, -0.0909],
        [-0.0909,  0.3636]])
"""

from __future__ import annotations

from typing import Any

from .ops.decompositions import (
    eig,
    eigh,
    eigvals,
    eigvalsh,
    householder_product,
    ldl_factor,
    ldl_factor_ex,
    ldl_solve,
    lu,
    lu_factor,
    lu_factor_ex,
    lu_solve,
    qr,
    svd,
    svdvals,
)
from .ops.lapack import LinAlgError
from .ops.linalg import (
    also as _also,
)
from .ops.linalg import (
    cholesky,
    cholesky_ex,
    det,
    inv,
    inv_ex,
    lstsq,
    matrix_exp,
    pinv,
    slogdet,
    solve,
    solve_ex,
    solve_triangular,
)
from .ops.linalg_norms import cond, matrix_norm, matrix_rank
from .ops.linalg_norms import linalg_norm as norm
from .ops.linalg_products import (
    linalg_cross as cross,
)
from .ops.linalg_products import (
    linalg_vander as vander,
)
from .ops.linalg_products import (
    matrix_power,
    multi_dot,
    tensorinv,
    tensorsolve,
    vecdot,
)
from .ops.matmul import matmul
from .ops.reduce import vector_norm as _vector_norm
from .ops.shape import diagonal as _diagonal
from .tensor import Tensor

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "householder_product",
    "inv",
    "inv_ex",
    "ldl_factor",
    "ldl_factor_ex",
    "ldl_solve",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_ex",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]


vector_norm = _also(input="x")(_vector_norm)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """A view of the diagonals of matrices (of the last two dimensions unless others are named)."""
    return _diagonal(A, offset, dim1, dim2)
