"""Samples of linear algebra: solves, factorisations, determinants, norms, products.

Factors with free signs or phases (U, V, eigenvectors) are sampled through what does not depend on them; symmetric and
triangular inputs are made inside the sample, so that a difference in any element of the leaf is a valid step.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.op_samples import Dtype, S, distinct, t

inf = math.inf
C = "complex128"
L = "linalg."
BOTH: Any = ({}, {"dtype": C})


def regular(*shape: int, dtype: str = "float64", grad: bool = True) -> t:
    """Well conditioned matrices: random plus twice the identity."""

    def make(rng: np.random.Generator) -> Any:
        a = rng.uniform(-1, 1, shape)
        if dtype == C:
            a = a + 1j * rng.uniform(-1, 1, shape)
        return a + 2 * np.eye(*shape[-2:])

    return t(*shape, make=make, dtype=dtype, grad=grad)


def hermitian(x: Any) -> Any:
    return x + x.mH


def positive(T: Any, x: Any) -> Any:
    return x @ x.mH + T.eye(x.shape[-1], dtype=x.dtype)


def factor(T: Any, x: Any) -> Any:
    return T.linalg.cholesky(positive(T, x))


def low_rank(m: int, n: int, rank: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    return (rng.uniform(-1, 1, (m, rank)) @ rng.uniform(-1, 1, (rank, n))).tolist()


def repeated(*values: float) -> Any:
    """A symmetric matrix with these eigenvalues."""
    q, _ = np.linalg.qr(np.random.default_rng(1).uniform(-1, 1, (len(values), len(values))))
    return ((q * np.array(values)) @ q.T).tolist()


SAMPLES: list[Any] = []
for k in BOTH:
    A, B3, E0 = regular(3, 3, **k), regular(2, 3, 3, **k), t(0, 0, **k)
    for _n in (
        "linalg.inv",
        "inverse",
        "linalg.det",
        "det",
        "linalg.slogdet",
        "slogdet",
        "linalg.matrix_exp",
        "matrix_exp",
        "linalg.eigvals",
    ):
        SAMPLES += [
            S(_n, A),
            S(_n, B3),
            S(_n, E0),
            S(_n, t(2, 0, 0, **k)),
            S(_n, t(0, 3, 3, **k)),
            S(_n, regular(1, 1, **k)),
        ]
    SAMPLES += [
        S("logdet", B3), S("Tensor.logdet", B3), S(L + "pinv", t(3, 3, **k)), S("Tensor.inverse", A), S("Tensor.det", A),
        S(L + "inv_ex", A, check="first"), S(L + "inv_ex", B3, check_errors=True),
        # solves
        S(L + "solve", A, t(3, 2, **k)), S(L + "solve", B3, t(3, 2, **k)), S(L + "solve", A, t(2, 3, 2, **k)), S(L + "solve", A, t(3, **k)),
        S(L + "solve", B3, t(2, 3, **k)), S(L + "solve", B3, t(2, 4, 3, **k), left=False), S(L + "solve", E0, t(0, 2, **k)),
        S(L + "solve", A, t(3, 0, **k)), S(L + "solve_ex", A, t(3, 2, **k)), S(L + "solve_ex", B3, t(2, 1, 3, **k), left=False, check_errors=True),
        *(
            S(L + "solve_triangular", B3, t(2, 3, 2, **k) if left else t(4, 3, **k), upper=up, left=left, unitriangular=unit)
            for up in (False, True) for left in (False, True) for unit in (False, True)
        ),
        S(L + "solve_triangular", A, t(2, 3, 1, **k), upper=True), S(L + "solve_triangular", E0, t(0, 1, **k), upper=True),
        S("triangular_solve", t(3, 2, **k), A), S("triangular_solve", t(2, 3, 2, **k), B3, False), S("Tensor.triangular_solve", t(3, 2, **k), A, transpose=True, unitriangular=True),
        *(S(L + "lstsq", t(2, 4, 2, **k), t(2, 4, 2, **k), driver=d, check="first") for d in ("gels", "gelsd", "gelss")),
        *(S(lambda T, a, b, d=d: T.linalg.lstsq(a, b, driver=d)[0], t(2, 2, 4, **k), t(2, 2, 2, **k), label=f"linalg.lstsq wide {d} {k}") for d in ("gels", "gelsd")),
        S(lambda T, a, b: T.linalg.lstsq(a, b).solution, t(4, 3, **k), t(4, 1, **k), label=f"linalg.lstsq gelsy {k}"),
        S(lambda T, a, b: T.linalg.lstsq(a, b, rcond=1e-6, driver="gelss").solution, t(2, 4, 3, **k), t(2, 4, **k), label=f"linalg.lstsq vectors {k}"),
        # Cholesky
        S(lambda T, x: T.linalg.cholesky(positive(T, x)), B3, label=f"linalg.cholesky {k}"),
        S(lambda T, x: T.linalg.cholesky(positive(T, x), upper=True), A, label=f"linalg.cholesky upper {k}"),
        S(lambda T, x: T.linalg.cholesky(T.eye(3, dtype=x.dtype) * 4 + T.tril(x, -1)), A, label=f"linalg.cholesky reads the lower triangle {k}", check="value"),
        S(lambda T, x: T.linalg.cholesky_ex(positive(T, x)), B3, label=f"linalg.cholesky_ex {k}"),
        S(lambda T, x: T.linalg.cholesky_ex(positive(T, x), upper=True, check_errors=True), A, label=f"linalg.cholesky_ex upper {k}"),
        S(L + "cholesky", E0),
        S(lambda T, x: T.cholesky(positive(T, x)), B3, label=f"cholesky {k}"), S(lambda T, x: positive(T, x).cholesky(upper=True), A, label=f"cholesky upper {k}"),
        # PyTorch gives the triangle that is not read a gradient, too: triangular matrices here
        S(lambda T, x: T.cholesky_inverse(factor(T, x)), A, label=f"cholesky_inverse {k}"), S(lambda T, x: T.cholesky_inverse(factor(T, x).mH, upper=True), B3, label=f"cholesky_inverse upper {k}"),
        S(lambda T, b, x: T.cholesky_solve(b, factor(T, x)), t(3, 2, **k), A, label=f"cholesky_solve {k}"), S(lambda T, b, x: b.cholesky_solve(factor(T, x).mH, True), t(2, 3, 2, **k), A, label=f"cholesky_solve upper {k}"),
        # pseudo-inverses
        S(L + "pinv", t(2, 4, 3, **k)), S(L + "pinv", t(3, 5, **k)), S("pinverse", t(3, 4, **k)), S(L + "pinv", t(0, 3, **k)), S(L + "pinv", t(2, 3, 0, **k)),
        S(lambda T, x: T.linalg.pinv(hermitian(x), hermitian=True), B3, label=f"linalg.pinv hermitian {k}"),
        S(L + "pinv", t(3, 4, **k), rtol=1e-3), S(L + "pinv", t(3, 4, **k), atol=1e-3), S(L + "pinv", t(3, 4, **k), 1e-5),
        # factorisations
        S(L + "qr", A), S(L + "qr", t(2, 4, 3, **k)), S(L + "qr", regular(3, 5, **k)), S(L + "qr", regular(3, 5, **k), "complete"), S(L + "qr", B3, mode="complete"),
        S(L + "qr", t(4, 3, grad=False, **k), mode="complete", check="value"), S(L + "qr", t(4, 3, grad=False, **k), mode="r", check="value"),
        S(L + "qr", t(0, 3, **k)), S(L + "qr", t(3, 0, **k), check="value"), S("qr", t(4, 3, **k)), S("Tensor.qr", A, some=False),
        S(lambda T, x: T.linalg.eigvalsh(hermitian(x)), B3, label=f"linalg.eigvalsh {k}"), S(L + "eigvalsh", A, check="value"), S(L + "eigvalsh", B3, "U", check="value"),
        S(lambda T, x: [v.abs() for v in T.linalg.eigh(hermitian(x))], B3, label=f"linalg.eigh {k}"),
        S(lambda T, x: [v.abs() for v in T.linalg.eigh(hermitian(x), UPLO="U")], A, label=f"linalg.eigh upper {k}"),
        S(lambda T, x: [v.abs() for v in T.linalg.eig(x)], regular(2, 3, 3, **k), label=f"linalg.eig {k}"), S(L + "eigh", E0), S(L + "eig", E0, check="value"),
        *(
            S(lambda T, x, full=full: [v.abs() for v in T.linalg.svd(x, full_matrices=full)], t(2, *s, **k), label=f"linalg.svd {s} {full} {k}")
            for s in ((3, 3), (4, 3), (2, 4)) for full in ((False, True) if s == (3, 3) else (False,))
        ),
        S(lambda T, x: T.linalg.svd(x)[1], t(4, 3, **k), label=f"linalg.svd full {k}"),
        S(lambda T, x: [v.abs() for v in T.linalg.svd(x)], t(4, 3, grad=False, **k), check="value", label=f"linalg.svd full shapes {k}"),
        S(L + "svd", t(0, 3, grad=False, **k), check="value"), S(L + "svd", t(3, 0, grad=False, **k), False, check="value"),
        S(L + "svdvals", t(2, 4, 3, **k)), S(L + "svdvals", t(3, 4, grad=False, **k), check="value"),
        S(lambda T, x: [v.abs() for v in T.svd(x)], t(4, 3, **k), label=f"svd {k}"), S(lambda T, x: T.svd(x, some=False).S, t(3, 4, **k), label=f"svd some=False {k}"),
        S("svd", t(4, 3, grad=False, **k), compute_uv=False, check="value"),
        *(S(_n, x) for _n in ("linalg.lu", "linalg.lu_factor", "linalg.lu_factor_ex") for x in (B3, t(4, 3, **k), t(2, 3, 4, **k), E0)),
        S("lu", B3), S("Tensor.lu", t(4, 3, **k)), S("lu", A, get_infos=True),
        S(lambda T, a: T.lu_unpack(*T.linalg.lu_factor(a)), B3, label=f"lu_unpack {k}"),
        S(lambda T, a: T.lu_unpack(*T.linalg.lu_factor(a), unpack_pivots=False).L, t(4, 3, **k), label=f"lu_unpack data {k}"),
        S(lambda T, a: T.lu_unpack(*T.linalg.lu_factor(a), unpack_data=False).P, t(4, 3, grad=False, **k), label=f"lu_unpack pivots {k}", check="value"),
        *(
            S(lambda T, a, b, left=left, adj=adj: T.linalg.lu_solve(*T.linalg.lu_factor(a), b, left=left, adjoint=adj), B3, t(2, 3, 2, **k) if left else t(2, 2, 3, **k), label=f"linalg.lu_solve left={left} adjoint={adj} {k}")
            for left in (True, False) for adj in (True, False)
        ),
        S(lambda T, a, b: T.lu_solve(b, *T.linalg.lu_factor(a)), A, t(3, 2, **k), label=f"lu_solve {k}"),
        # PyTorch's own second order of Householder products is wrong in the untouched triangle; first order is compared
        S(L + "householder_product", t(2, 4, 3, **k), t(2, 2, **k), check="first"), S("orgqr", t(4, 2, **k), t(2, **k), check="first"),
        S("ormqr", t(4, 2, **k), t(2, **k), t(4, 3, **k), check="first"), S("ormqr", t(2, 4, 2, **k), t(2, 2, **k), t(2, 3, 4, **k), False, True, check="first"),
        S(lambda T, x: T.geqrf(x)[0].triu().abs(), t(2, 4, 3, grad=False, **k), label=f"geqrf {k}", check="value"),
        S(lambda T, x: T.linalg.ldl_factor(hermitian(x), hermitian=True).LD.tril(), t(2, 3, 3, grad=False, **k), label=f"linalg.ldl_factor {k}", check="value"),
        S(lambda T, x: T.linalg.ldl_factor_ex(x + x.mT)[1:], t(3, 3, grad=False, **k), label=f"linalg.ldl_factor_ex {k}", check="value"),
        *(  # PyTorch has no gradient here
            S(lambda T, b, h=h: T.linalg.ldl_solve(*T.linalg.ldl_factor(positive(T, T.ones(3, 3, dtype=b.dtype).tril()), hermitian=h), b, hermitian=h), t(3, 2, **k), label=f"linalg.ldl_solve {h} {k}", parity=False)
            for h in (True, False)
        ),
        # powers and products
        *(S(_n, A, p) for _n in ("linalg.matrix_power", "matrix_power") for p in (0, 1, 2, 3, 5, -1, -2)), S(L + "matrix_power", B3, 3),
        S(L + "multi_dot", [t(2, 3, **k), t(3, 4, **k)]), S(L + "multi_dot", [t(2, 3, **k), t(3, 4, **k), t(4, 1, **k), t(1, 5, **k)]),
        S(L + "multi_dot", [t(3, **k), t(3, 4, **k), t(4, **k)]), S("chain_matmul", t(2, 3, **k), t(3, 4, **k), t(4, 2, **k)),
        S(L + "tensorinv", t(2, 3, 6, **k)), S(L + "tensorinv", t(4, 2, 2, **k), ind=1), S(L + "tensorsolve", t(2, 3, 6, **k), t(2, 3, **k)),
        S(L + "tensorsolve", t(2, 6, 3, **k), t(2, 3, **k), dims=(1,)), S(L + "vander", t(2, 3, **k)), S(L + "vander", t(3, **k), N=4), S("vander", t(3, **k), parity=False),  # PyTorch's backward fails
        S("vander", t(3, **k), 4, True, parity=False), S("vander", t(3, grad=False, **k), N=4, check="value"), S(L + "vecdot", t(2, 3, **k), t(3, **k)), S(L + "vecdot", t(2, 3, **k), t(2, 3, **k), dim=0),
        S("vdot", t(3, **k), t(3, **k)), S("inner", t(3, **k), t(3, **k)), S("inner", t(2, 3, **k), t(4, 3, **k)), S("inner", t(**k), t(2, 3, **k)),
        S("Tensor.inner", t(2, 2, 3, **k), t(3, **k)), S("kron", t(2, 3, **k), t(2, 2, **k)), S("kron", t(2, **k), t(2, 2, 2, **k)), S("Tensor.kron", t(2, 2, **k), t(0, 2, **k)),
        S("tensordot", t(2, 3, 4, **k), t(3, 4, 2, **k)), S("tensordot", t(2, 3, **k), t(3, 4, **k), dims=1), S("tensordot", t(2, **k), t(3, **k), dims=0),
        S("tensordot", t(2, 3, 4, **k), t(4, 5, 3, **k), ([1, 2], [2, 0])), S("tensordot", t(2, 3, **k), t(1, 4, **k), ([1], [0])),
        S(L + "cross", t(2, 3, **k), t(2, 3, **k)), S(L + "cross", t(3, 2, **k), t(3, 1, **k), dim=0), S("cross", t(3, 3, **k), t(3, 3, **k), 1), S("cross", t(3, **k), t(3, **k)),
        S("Tensor.cross", t(3, 2, **k), t(3, 2, **k), dim=0), S("trace", t(3, 4, **k)), S("Tensor.trace", t(4, 3, **k)),
        S("addmv", t(2, **k), t(2, 3, **k), t(3, **k)), S("addmv", t(1, **k), t(2, 3, **k), t(3, **k), beta=0.5, alpha=2), S("addr", t(2, 3, **k), t(2, **k), t(3, **k)),
        S("addr", t(3, **k), t(2, **k), t(3, **k), beta=2, alpha=-0.5), S("addbmm", t(2, 4, **k), t(3, 2, 3, **k), t(3, 3, 4, **k)),
        S("addbmm", t(4, **k), t(3, 2, 3, **k), t(3, 3, 4, **k), beta=0.5, alpha=2), S("Tensor.addbmm", t(2, 4, **k), t(0, 2, 3, **k), t(0, 3, 4, **k)),
        S(L + "diagonal", t(2, 3, 4, **k)), S(L + "diagonal", t(2, 3, 4, **k), offset=1, dim1=0, dim2=1), S(L + "matmul", t(2, 3, **k), t(3, 2, **k)),
        # norms
        *(S(L + "matrix_norm", t(2, 3, 4, **k), ord=o, keepdim=kd) for o in ("fro", "nuc", inf, -inf, 1, -1, 2, -2) for kd in (False, True)),
        *(S(L + "matrix_norm", t(3, 2, 4, **k), o, (0, 2)) for o in ("fro", "nuc", inf, -1, 2)),
        S(L + "norm", t(2, 3, **k)), S(L + "norm", t(3, **k), 3), S(L + "norm", t(2, 3, **k), "nuc"), S(L + "norm", t(2, 3, 4, **k), 2, (0, 1)), S(L + "norm", t(2, 3, 4, **k), ord=1, dim=1),
        S(L + "norm", t(2, 3, 4, **k), dim=(0, 2), keepdim=True), S(L + "norm", t(2, 3, **k), inf),
        S("norm", t(2, 3, **k)), S("norm", t(2, 3, **k), 1), S("norm", t(2, 3, **k), p=3.5, dim=1), S("norm", t(2, 3, **k), "fro", (0, 1), True), S("norm", t(2, 3, **k), "nuc"),
        S("norm", t(2, 3, **k), inf, dim=0), S("Tensor.norm", t(2, 3, **k), 2, -1), S("Tensor.norm", t(**k)), S("norm", t(0, **k)),
        *(S(L + "cond", A, p) for p in (None, 2, -2)), S(L + "cond", t(2, 3, 4, **k)),
        *(S(L + "cond", A, p, parity=False) for p in ("fro", "nuc", 1, -1, inf, -inf)),  # PyTorch's backward fails in most
        *(S(L + "cond", regular(2, 3, 3, grad=False, **k), p, check="value") for p in ("fro", "nuc", 1, -1, inf, -inf)),
        S(L + "matrix_rank", t(values=low_rank(4, 3, 2), grad=False, **k), check="value"), S(L + "matrix_rank", t(2, 3, 4, grad=False, **k), check="value"),
        S(L + "matrix_rank", t(0, 3, grad=False, **k), check="value"), S(L + "matrix_rank", t(values=repeated(1, 1e-4, 0), grad=False, **k), hermitian=True, check="value"),
        S("dist", t(2, 3, **k), t(2, 3, **k)), S("dist", t(2, 3, **k), t(3, **k), 1), S("Tensor.dist", t(2, 3, **k), t(2, 1, **k), p=3), S("dist", t(4, **k), t(4, **k), inf),
    ]  # fmt: skip

for _o in (1, 2, inf, "nuc", "fro"):
    SAMPLES += [
        S(L + "matrix_norm", t(0, 2, grad=False), _o, check="value"),
        S(L + "matrix_norm", t(2, 3, 0, grad=False), _o, keepdim=True, check="value"),
    ]
SAMPLES += [S(L + "cond", t(0, 0, grad=False), check="value"), S(L + "cond", t(2, 0, 0, grad=False), 1, check="value")]
_R, _IX, _ONES = repeated(3.0, 3.0, 1.0), repeated(1.0, 1.0, 1.0), [[1.0, 1.0], [1.0, 1.0]]
_MINUS = [[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
SAMPLES += [
    # equal values have gradients where vectors are not asked for
    S(lambda T, x: T.linalg.svdvals(x).sum(), t(values=_IX), label="linalg.svdvals equal", check="first"),
    S(lambda T, x: T.linalg.eigvalsh(x).sum(), t(values=_R), label="linalg.eigvalsh equal", check="first"),
    S(L + "matrix_norm", t(values=low_rank(4, 3, 2)), "fro"), S("norm", t(values=[0.0, 0.0]), check="value"),
    # singular matrices
    S(L + "det", t(values=low_rank(3, 3, 2)), check="first"), S(L + "det", t(values=low_rank(4, 4, 2)), check="first"), S(L + "det", t(values=[[0.0, 0.0], [0.0, 0.0]]), check="first"),
    S("logdet", t(values=[[1.0, 2.0], [2.0, 1.0]], grad=False), check="value"), S("logdet", t(values=_ONES, grad=False), check="value"),
    S(L + "slogdet", t(values=_ONES, grad=False), check="value"), S(L + "cond", t(values=_ONES, grad=False), 1, check="value"),
    S(lambda T, x: T.linalg.inv_ex(x).info, t(values=_ONES, grad=False), label="linalg.inv_ex singular", check="value"),
    S(lambda T, x: T.linalg.solve_ex(x, x).info, t(values=[_ONES, [[1.0, 0.0], [0.0, 1.0]]], grad=False), label="linalg.solve_ex singular", check="value"),
    S(lambda T, x: T.linalg.cholesky_ex(x).info, t(values=[_IX, _MINUS, repeated(1, 2, -3)], grad=False), label="linalg.cholesky_ex indefinite", check="value"),
    S(lambda T, x: T.linalg.lu_factor_ex(x).info, t(values=[_IX, [[1.0, 1.0, 1.0]] * 3], grad=False), label="linalg.lu_factor_ex singular", check="value"),
    S(L + "solve_triangular", t(values=[[1.0, 0.0], [1.0, 0.0]], grad=False), t(2, 1, lo=0.5, grad=False), upper=False, check="value"),
    S(L + "lstsq", t(values=low_rank(4, 3, 2), grad=False), t(4, 2, grad=False), check="value"),
    S(L + "lstsq", t(values=low_rank(4, 3, 2), grad=False), t(4, 2, grad=False), rcond=1e-3, driver="gelsd", check="value"),
    S(L + "pinv", t(values=low_rank(4, 3, 2), grad=False), check="value"), S(L + "pinv", t(values=low_rank(4, 3, 2), grad=False), atol=0.1, rtol=0.1, check="value"),
    S(L + "matrix_rank", t(values=low_rank(4, 3, 2), grad=False), 1e-3, check="value"), S(L + "matrix_rank", t(values=low_rank(4, 3, 2), grad=False), atol=0.3, rtol=0.1, check="value"),
    S(L + "matrix_power", t(2, 2, dtype="int64", lo=-2, hi=3), 3, check="value"), S("trace", t(3, 3, dtype="int32", lo=0, hi=9), check="value"),
    S("vander", t(3, dtype="int32", lo=0, hi=4), check="value"), S("kron", t(2, dtype="int64", lo=0, hi=4), t(2, dtype="int64", lo=0, hi=4), check="value"),
    S("tensordot", t(2, 2, dtype="int64", lo=0, hi=4), t(2, 2, dtype="int64", lo=0, hi=4), 1, check="value"), S("addmv", t(2, dtype="int64", lo=0, hi=4), t(2, 2, dtype="int64", lo=0, hi=4), t(2, dtype="int64", lo=0, hi=4), alpha=3, check="value"),
    S(L + "norm", t(2, 3), dtype=Dtype("float64")), S(L + "matrix_norm", t(2, 3, dtype="float32"), dtype=Dtype("float64"), check="first"), S("norm", t(2, 3, dtype="float32"), dtype=Dtype("float64"), check="first", tolerance=10),
    # distances (PyTorch has no second order)
    S("cdist", t(3, 4), t(5, 4), parity=False), S("cdist", t(2, 3, 4), t(5, 4), 2.0, parity=False), S("cdist", t(3, 4), t(5, 4), check="first"),
    S("cdist", t(2, 1, 3, 4), t(3, 2, 4), compute_mode="donot_use_mm_for_euclid_dist", check="first"), S("cdist", t(3, 4), t(2, 4), 3.0, parity=False),
    S("cdist", t(3, 4), t(5, 4), compute_mode="use_mm_for_euclid_dist", check="first"), S("cdist", t(30, 2), t(2, 2), check="first", tolerance=10),  # near rows cancel
    *(S("cdist", distinct(3, 4), distinct(2, 4, lo=-0.73, hi=1.9), p, check="first") for p in (0.0, 1.0, 1.5, 3.0, inf)), S("cdist", t(0, 4), t(5, 4), check="first"), S("cdist", t(3, 0), t(5, 0), 1.0, check="first"),
    S(lambda T, x: T.cdist(x, x), t(values=[[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]]), label="cdist with itself", check="first"),
    # random projections are exact at full rank
    S(lambda T, x: T.svd_lowrank(x, q=3, niter=4)[1], t(5, 3), label="svd_lowrank", check="first"),
    S(lambda T, x, m: T.svd_lowrank(x, 3, 2, M=m)[1], t(3, 6), t(3, 6), label="svd_lowrank mean", check="first"),
    S(lambda T, x: T.pca_lowrank(x, q=3, niter=4)[1], t(6, 3), label="pca_lowrank", check="first"),
    S(lambda T, x: T.pca_lowrank(x, 3, False)[1], t(3, 6), label="pca_lowrank uncentred", check="first"),
]  # fmt: skip
