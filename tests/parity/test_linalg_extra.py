"""Linear algebra, transforms, special functions beside PyTorch: what samples cannot say (errors, named results)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_core as ac

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

KINDS = (IndexError, TypeError, ValueError, RuntimeError)

WRONG: dict[str, Callable[[Any], Any]] = {
    "inv not square": lambda T: T.linalg.inv(T.ones(2, 3)),
    "inv of a vector": lambda T: T.linalg.inv(T.ones(3)),
    "inv of integers": lambda T: T.linalg.inv(T.ones(2, 2, dtype=T.int64)),
    "inv of half": lambda T: T.linalg.inv(T.ones(2, 2, dtype=T.float16)),
    "inv singular": lambda T: T.linalg.inv(T.ones(2, 2)),
    "inv singular in a batch": lambda T: T.linalg.inv(T.stack([T.eye(2), T.zeros(2, 2)])),
    "inverse singular": lambda T: T.ones(2, 2).inverse(),
    "inv_ex check_errors": lambda T: T.linalg.inv_ex(T.ones(2, 2), check_errors=True),
    "solve singular": lambda T: T.linalg.solve(T.ones(2, 2), T.ones(2)),
    "solve sizes": lambda T: T.linalg.solve(T.eye(2), T.ones(3, 1)),
    "solve dtypes": lambda T: T.linalg.solve(T.eye(2), T.ones(2, 1, dtype=T.float64)),
    "solve batches": lambda T: T.linalg.solve(T.ones(2, 3, 3), T.ones(4, 3, 1)),
    "solve_triangular sizes": lambda T: T.linalg.solve_triangular(T.eye(2), T.ones(3, 1), upper=True),
    "solve_triangular vector": lambda T: T.linalg.solve_triangular(T.eye(2), T.ones(2), upper=True),
    "cholesky indefinite": lambda T: T.linalg.cholesky(-T.eye(2)),
    "cholesky not square": lambda T: T.linalg.cholesky(T.ones(2, 3)),
    "cholesky_ex check_errors": lambda T: T.linalg.cholesky_ex(-T.eye(2), check_errors=True),
    "det not square": lambda T: T.linalg.det(T.ones(2, 3)),
    "logdet vector": lambda T: T.logdet(T.ones(3)),
    "qr mode": lambda T: T.linalg.qr(T.eye(2), mode="raw"),
    "qr vector": lambda T: T.linalg.qr(T.ones(3)),
    "qr complete backward": lambda T: T.linalg.qr(T.ones(3, 2).tril().requires_grad_(), "complete")[0].sum().backward(),
    "qr r backward": lambda T: T.linalg.qr(T.ones(3, 2).tril().requires_grad_(), "r").R.sum().backward(),
    "svd driver": lambda T: T.linalg.svd(T.eye(2), driver="gesvd"),
    "svd not finite": lambda T: T.linalg.svd(T.full((2, 2), float("nan"))),
    "svd phase": lambda T: (
        T.linalg.svd((T.eye(2) + 1j * T.ones(2, 2).tril()).requires_grad_())[0].sum().abs().backward()
    ),
    "eigh UPLO": lambda T: T.linalg.eigh(T.eye(2), UPLO="X"),
    "eigh not square": lambda T: T.linalg.eigh(T.ones(2, 3)),
    "eig not finite": lambda T: T.linalg.eig(T.full((2, 2), float("inf"))),
    "lu without pivoting": lambda T: T.linalg.lu_factor(T.eye(2), pivot=False),
    "lu_factor singular": lambda T: T.linalg.lu_factor(T.zeros(2, 2)),
    "lu_solve pivots": lambda T: T.linalg.lu_solve(T.eye(2), T.tensor([1, 2]), T.ones(2, 1)),
    "lstsq driver": lambda T: T.linalg.lstsq(T.eye(2), T.ones(2, 1), driver="x"),
    "lstsq rows": lambda T: T.linalg.lstsq(T.eye(2), T.ones(3, 1)),
    "pinv vector": lambda T: T.linalg.pinv(T.ones(3)),
    "pinv hermitian not square": lambda T: T.linalg.pinv(T.ones(2, 3), hermitian=True),
    "matrix_power not square": lambda T: T.linalg.matrix_power(T.ones(2, 3), 2),
    "matrix_exp not square": lambda T: T.linalg.matrix_exp(T.ones(2, 3)),
    "matrix_norm vector": lambda T: T.linalg.matrix_norm(T.ones(3)),
    "matrix_norm order": lambda T: T.linalg.matrix_norm(T.ones(2, 2), ord=3),
    "matrix_norm name": lambda T: T.linalg.matrix_norm(T.ones(2, 2), ord="x"),
    "matrix_norm same dims": lambda T: T.linalg.matrix_norm(T.ones(2, 2), dim=(0, 0)),
    "matrix_norm of nothing": lambda T: T.linalg.matrix_norm(T.ones(0, 2), ord=-2),
    "norm three dims": lambda T: T.linalg.norm(T.ones(2, 2, 2), ord=2),
    "norm dims": lambda T: T.linalg.norm(T.ones(2, 2, 2), dim=(0, 1, 2)),
    "norm integers": lambda T: T.linalg.norm(T.ones(2, dtype=T.int64)),
    "cond integers": lambda T: T.linalg.cond(T.ones(2, 2, dtype=T.int64)),
    "cond not square": lambda T: T.linalg.cond(T.ones(2, 3), 1),
    "multi_dot one": lambda T: T.linalg.multi_dot([T.eye(2)]),
    "multi_dot sizes": lambda T: T.linalg.multi_dot([T.ones(2, 3), T.ones(2, 3)]),
    "tensorinv sizes": lambda T: T.linalg.tensorinv(T.ones(2, 3, 4)),
    "tensorinv ind": lambda T: T.linalg.tensorinv(T.eye(2), ind=0),
    "tensorsolve sizes": lambda T: T.linalg.tensorsolve(T.ones(2, 3), T.ones(2)),
    "vander 0-d": lambda T: T.linalg.vander(T.tensor(1.0)),
    "vander N": lambda T: T.linalg.vander(T.ones(3), N=0),
    "householder_product sizes": lambda T: T.linalg.householder_product(T.ones(2, 3), T.ones(2)),
    "cross sizes": lambda T: T.linalg.cross(T.ones(2, 4), T.ones(2, 4)),
    "cross dims": lambda T: T.linalg.cross(T.ones(3), T.ones(2, 3)),
    "tensordot sizes": lambda T: T.tensordot(T.ones(2, 3), T.ones(2, 3), 1),
    "tensordot dims": lambda T: T.tensordot(T.ones(2, 3), T.ones(2, 3), dims=-1),
    "vdot matrices": lambda T: T.vdot(T.eye(2), T.eye(2)),
    "inner sizes": lambda T: T.inner(T.ones(2), T.ones(3)),
    "trace of a vector": lambda T: T.trace(T.ones(3)),
    "addbmm sizes": lambda T: T.addbmm(T.ones(2, 2), T.ones(3, 2, 3), T.ones(3, 2, 2)),
    "cdist columns": lambda T: T.cdist(T.ones(2, 3), T.ones(2, 4)),
    "cdist negative p": lambda T: T.cdist(T.ones(2, 3), T.ones(2, 3), p=-1),
    "fft dim": lambda T: T.fft.fft(T.ones(3), dim=1),
    "fft n": lambda T: T.fft.fft(T.ones(3), n=0),
    "fft norm": lambda T: T.fft.fft(T.ones(3), norm="x"),
    "fft half": lambda T: T.fft.fft(T.ones(3, dtype=T.float16)),
    "rfft complex": lambda T: T.fft.rfft(T.ones(3, dtype=T.complex64)),
    "irfft of one": lambda T: T.fft.irfft(T.ones(1)),
    "fftn lengths": lambda T: T.fft.fftn(T.ones(3, 3), s=(2,), dim=(0, 1)),
    "fftn dims twice": lambda T: T.fft.fftn(T.ones(3, 3), dim=(0, 0)),
    "stft without return_complex": lambda T: T.stft(T.ones(20), 8),
    "stft reflect too long": lambda T: T.stft(T.ones(3), 8, return_complex=True),
    "stft hop": lambda T: T.stft(T.ones(20), 8, hop_length=0, return_complex=True),
    "stft window": lambda T: T.stft(T.ones(20), 8, window=T.ones(4), return_complex=True),
    "istft real": lambda T: T.istft(T.ones(5, 3, 2), 8),
    "istft window of zeros": lambda T: T.istft(T.ones(5, 3, dtype=T.complex64), 8, window=T.zeros(8)),
    "window length": lambda T: T.hann_window(-1),
    "window dtype": lambda T: T.hann_window(4, dtype=T.int64),
    "polygamma order": lambda T: T.polygamma(-1, T.ones(2)),
    "mvlgamma order": lambda T: T.mvlgamma(T.ones(2), 0),
    "zeta in its order": lambda T: T.special.zeta(T.full((1,), 2.0, requires_grad=True), T.ones(1)).sum().backward(),
    "igamma in its shape": lambda T: T.igamma(T.full((1,), 2.0, requires_grad=True), T.ones(1)).sum().backward(),
    "imag of real": lambda T: T.imag(T.ones(2)),
    "complex of two types": lambda T: T.complex(T.ones(2), T.ones(2, dtype=T.float64)),
    "complex of integers": lambda T: T.complex(T.ones(2, dtype=T.int64), T.ones(2, dtype=T.int64)),
    "view_as_real of real": lambda T: T.view_as_real(T.ones(2)),
    "view_as_complex sizes": lambda T: T.view_as_complex(T.ones(3)),
    "view_as_complex strides": lambda T: T.view_as_complex(T.ones(2, 3).t()),
}


@pytest.mark.parametrize("case", WRONG, ids=str)
def test_the_same_kind_of_error(case: str) -> None:
    with pytest.raises(KINDS) as theirs:
        WRONG[case](torch)
    with pytest.raises(KINDS) as ours:
        WRONG[case](ac)
    kind = next(k for k in KINDS if isinstance(theirs.value, k))
    assert isinstance(ours.value, kind), f"{ours.value!r} here, {theirs.value!r} in PyTorch"
    if isinstance(theirs.value, torch.linalg.LinAlgError):
        assert isinstance(ours.value, ac.linalg.LinAlgError)
    text = str(ours.value)
    assert ":" in text
    assert len(text) > 20


NAMED: dict[str, Callable[[Any], Any]] = {
    "slogdet": lambda T: T.linalg.slogdet(T.eye(2)),
    "svd": lambda T: T.linalg.svd(T.eye(2)),
    "qr": lambda T: T.linalg.qr(T.eye(2)),
    "eigh": lambda T: T.linalg.eigh(T.eye(2)),
    "eig": lambda T: T.linalg.eig(T.eye(2)),
    "lstsq": lambda T: T.linalg.lstsq(T.eye(2), T.eye(2)),
    "lu": lambda T: T.linalg.lu(T.eye(2)),
    "lu_factor": lambda T: T.linalg.lu_factor(T.eye(2)),
    "lu_factor_ex": lambda T: T.linalg.lu_factor_ex(T.eye(2)),
    "inv_ex": lambda T: T.linalg.inv_ex(T.eye(2)),
    "solve_ex": lambda T: T.linalg.solve_ex(T.eye(2), T.eye(2)),
    "cholesky_ex": lambda T: T.linalg.cholesky_ex(T.eye(2)),
    "ldl_factor": lambda T: T.linalg.ldl_factor(T.eye(2)),
    "ldl_factor_ex": lambda T: T.linalg.ldl_factor_ex(T.eye(2)),
    "legacy svd": lambda T: T.svd(T.eye(2)),
    "legacy qr": lambda T: T.qr(T.eye(2)),
    "lu_unpack": lambda T: T.lu_unpack(*T.linalg.lu_factor(T.eye(2))),
    "triangular_solve": lambda T: T.triangular_solve(T.eye(2), T.eye(2)),
    "geqrf": lambda T: T.geqrf(T.eye(2)),
}


@pytest.mark.parametrize("case", NAMED, ids=str)
def test_named_results(case: str) -> None:
    ours, theirs = NAMED[case](ac), NAMED[case](torch)
    fields = [f for f in dir(type(theirs)) if not f.startswith(("_", "n_")) and f not in ("count", "index")]
    assert set(ours._fields) == set(fields)
    for f in fields:
        a, b = getattr(ours, f), getattr(theirs, f)
        assert tuple(a.shape) == tuple(b.shape)
        assert a.dtype.name == str(b.dtype).removeprefix("torch.")


@pytest.mark.parametrize("space", ["linalg", "fft", "special"])
def test_every_name_exists(space: str) -> None:
    theirs = getattr(torch, space)
    names = [n for n in dir(theirs) if not n.startswith("_") and callable(getattr(theirs, n)) and n != "Tensor"]
    assert [n for n in names if not hasattr(getattr(ac, space), n)] == []


def test_conditions_far_from_one() -> None:
    """Ill-conditioned systems: both sides are within the error that the condition number allows."""
    n = 8
    hilbert = 1.0 / (np.arange(n)[:, None] + np.arange(n)[None, :] + 1)
    b = np.ones((n, 1))
    ours, theirs = (
        ac.linalg.solve(ac.tensor(hilbert), ac.tensor(b)),
        torch.linalg.solve(torch.tensor(hilbert), torch.tensor(b)),
    )
    # |dx| / |x| <= cond * eps, cond of this matrix being 1.5e10
    np.testing.assert_allclose(ours.array, theirs.numpy(), rtol=2 * 1.5e10 * np.finfo(float).eps)
    assert float(ac.linalg.cond(ac.tensor(hilbert))) == pytest.approx(
        float(torch.linalg.cond(torch.tensor(hilbert))), rel=1e-5
    )
