"""Linear algebra, transforms, special functions: identities, exact error texts, laziness, what samples cannot say."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import autograd_core as ac
from autograd_core.ops import lapack

rng = np.random.default_rng(0)
DTYPES = ["float32", "float64", "complex64", "complex128"]


def matrix(*shape: int, dtype: str = "float64") -> Any:
    a = rng.uniform(-1, 1, shape)
    if dtype.startswith("c"):
        a = a + 1j * rng.uniform(-1, 1, shape)
    return ac.tensor((a + 2 * np.eye(*shape[-2:])).astype(dtype))


def close(a: Any, b: Any) -> None:
    """Equal up to some hundred roundings, the matrices here being small and well conditioned."""
    a, b = (x.array if isinstance(x, ac.Tensor) else np.asarray(x) for x in (a, b))
    assert a.shape == b.shape
    np.testing.assert_allclose(
        a, b, rtol=0, atol=500 * np.finfo(a.dtype).eps * max(1.0, float(np.abs(b).max(initial=0)))
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "shape", [(3, 3), (5, 3), (3, 5), (2, 4, 4), (40, 4, 3), (40, 3, 4), (0, 3, 3), (2, 0, 0), (2, 3, 0)]
)
def test_factors_multiply_to_the_matrix(shape: tuple[int, ...], dtype: str) -> None:
    a = matrix(*shape, dtype=dtype)
    k = min(shape[-2:])
    q, r = ac.linalg.qr(a)
    close(q @ r, a)
    close(q.mH @ q, np.broadcast_to(np.eye(k, dtype=dtype), (*shape[:-2], k, k)))
    p, low, up = ac.linalg.lu(a)
    close(p @ low @ up, a)
    u, s, vh = ac.linalg.svd(a, full_matrices=False)
    close((u * s.unsqueeze(-2)) @ vh, a)
    if k and a.numel():
        assert (s.array[..., :-1] >= s.array[..., 1:]).all()
    if shape[-1] == shape[-2]:
        w, v = ac.linalg.eigh(a @ a.mH)
        close(v @ (w.unsqueeze(-1) * v.mH), a @ a.mH)
        w, v = ac.linalg.eig(a)
        close(v @ (w.unsqueeze(-1) * ac.linalg.inv(v)), a.array.astype(v.array.dtype))
        c = ac.linalg.cholesky(a @ a.mH)
        close(c @ c.mH, a @ a.mH)
        close(ac.linalg.inv(a) @ a, np.broadcast_to(np.eye(k, dtype=dtype), shape))
        sign, log = ac.linalg.slogdet(a)
        close(sign * log.exp(), ac.linalg.det(a))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("stack", [(), (3,), (50,)])
def test_solutions_solve(stack: tuple[int, ...], dtype: str) -> None:
    """One system, few, and enough that the whole stack is worked on at once."""
    a, b = matrix(*stack, 4, 4, dtype=dtype), matrix(*stack, 4, 2, dtype=dtype)
    close(a @ ac.linalg.solve(a, b), b)
    close(ac.linalg.solve(a, b.mT, left=False) @ a, b.mT)
    for upper in (True, False):
        t = a.triu() if upper else a.tril()
        close(t @ ac.linalg.solve_triangular(a, b, upper=upper), b)
    packed = ac.linalg.lu_factor(a)
    close(a @ ac.linalg.lu_solve(*packed, b), b)
    close(a.mH @ ac.linalg.lu_solve(*packed, b, adjoint=True), b)
    h = a + a.mH
    close(h @ ac.linalg.ldl_solve(*ac.linalg.ldl_factor(h, hermitian=True), b, hermitian=True), b)
    x = ac.linalg.lstsq(ac.cat([a, a], -2), ac.cat([b, b], -2)).solution
    close(a @ x, b)


@pytest.mark.parametrize("dtype", DTYPES)
def test_many_small_matrices_take_the_same_way_as_one(dtype: str) -> None:
    a = matrix(50, 4, 4, dtype=dtype).array
    lu, pivots, info = lapack.getrf(a)
    for i in range(len(a)):
        one = lapack.getrf(a[i])
        close(lu[i], one[0])
        assert (pivots[i] == one[1]).all()
        assert info[i] == one[2] == 0
    close(lapack.expm(a), np.stack([lapack.expm(m) for m in a]))


def test_the_first_zero_pivot_is_told() -> None:
    a = np.stack([np.eye(3), np.zeros((3, 3)), np.diag([1.0, 2.0, 0.0]), np.ones((3, 3))])
    few, many = lapack.getrf(a)[2], lapack.getrf(np.concatenate([a, np.tile(np.eye(3), (9, 1, 1))]))[2]
    assert few.tolist() == many[:4].tolist() == [0, 1, 3, 2]


def test_matrix_exponential() -> None:
    t = 0.7
    rotation = ac.linalg.matrix_exp(ac.tensor([[0.0, -t], [t, 0.0]], dtype=ac.float64))
    close(rotation, [[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
    close(ac.linalg.matrix_exp(ac.zeros(2, 3, 3)), ac.eye(3).expand(2, 3, 3))
    wide = np.array([-30.0, 1e-9, 40.0])  # norms that ask for different numbers of squarings
    np.testing.assert_allclose(
        ac.linalg.matrix_exp(ac.tensor(wide[:, None, None])).array.ravel(), np.exp(wide), rtol=1e-13
    )


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: ac.linalg.inv(ac.ones(3, 4)),
            "linalg.inv: A must be batches of square matrices, but they are 3 by 4 matrices (shape (3, 4)).",
        ),
        (
            lambda: ac.linalg.inv(ac.stack([ac.eye(2), ac.ones(2, 2)])),
            "linalg.inv: (Batch element 1): The diagonal element 2 is zero, the inversion could not be completed "
            "because the input "
            "matrix is singular. Check the matrix, or use linalg.pinv() or linalg.lstsq().",
        ),
        (
            lambda: ac.linalg.cholesky(-ac.eye(2)),
            "linalg.cholesky: The factorization could not be completed because the input is not positive-definite (the "
            "leading minor "
            "of order 1 is not positive-definite).",
        ),
        (
            lambda: ac.linalg.solve(ac.eye(2), ac.ones(3, 1)),
            "linalg.solve: incompatible shapes of A and B for the equation AX = B (2x2 and 3x1; shapes (2, 2) and (3, "
            "1)).",
        ),
        (
            lambda: ac.linalg.inv(ac.ones(2, 2, dtype=ac.int64)),
            "linalg.inv: expected a float32, float64 or complex tensor, got int64; convert it with float() or "
            "double().",
        ),
        (
            lambda: ac.fft.fft(ac.ones(3), n=0),
            "fft.fft: invalid number of data points (0) specified; it must be at least 1.",
        ),
        (
            lambda: ac.imag(ac.ones(2)),
            "imag: is not defined for tensors of real dtype, got float32; its imaginary part is 0.",
        ),
    ],
)
def test_error_texts(call: Any, text: str) -> None:
    with pytest.raises(RuntimeError) as error:
        call()
    assert str(error.value) == text


def test_singular_matrices_raise_one_kind() -> None:
    with pytest.raises(ac.linalg.LinAlgError):
        ac.linalg.inv(ac.zeros(2, 2))
    with pytest.raises(np.linalg.LinAlgError):
        ac.linalg.cholesky(-ac.eye(2))


def test_gradients_where_they_do_not_exist() -> None:
    x = ac.eye(3, dtype=ac.complex128) + ac.tensor(1j * rng.uniform(size=(3, 3)))
    with pytest.raises(RuntimeError, match="determined up to multiplication by a phase"):
        ac.linalg.svd(x.clone().requires_grad_()).U.sum().real.backward()
    with pytest.raises(RuntimeError, match="additional columns"):
        ac.linalg.svd(ac.ones(4, 2).tril().requires_grad_(), full_matrices=True).U.sum().backward()
    with pytest.raises(RuntimeError, match="mode='reduced'"):
        ac.linalg.qr(ac.ones(4, 2).tril().requires_grad_(), "complete").Q.sum().backward()


def test_views_of_complex_tensors_share_memory() -> None:
    z = ac.zeros(3, dtype=ac.complex64)
    ac.view_as_real(z)[:, 1] = 2.0
    z.real[0] = 1.0
    assert z.tolist() == [1 + 2j, 2j, 2j]
    z.imag = ac.tensor([5.0, 6.0, 7.0])
    z.real = 4.0
    assert z.tolist() == [4 + 5j, 4 + 6j, 4 + 7j]
    x = ac.tensor([1 + 1j, 1 - 1j], requires_grad=True)
    y = x * 2
    y.real = ac.zeros(2)
    y.abs().sum().backward()
    assert x.grad.tolist() == [2j, -2j]
    pairs = ac.zeros(2, 2)
    ac.view_as_complex(pairs)[0] = 3 - 1j
    assert pairs.tolist() == [[3.0, -1.0], [0.0, 0.0]]


def test_transforms_invert() -> None:
    for n in (1, 2, 5, 8):
        x = ac.tensor(rng.uniform(size=(3, n)))
        close(ac.fft.irfft(ac.fft.rfft(x), n=n), x)
        close(ac.fft.hfft(ac.fft.ihfft(x), n=n), x)
        close(ac.fft.ifft(ac.fft.fft(x)).real, x)
        close(ac.fft.ifftshift(ac.fft.fftshift(x)), x)
        for norm in ("backward", "ortho", "forward"):
            close(ac.fft.irfft2(ac.fft.rfft2(x, norm=norm), s=(3, n), norm=norm), x)
    signal = ac.tensor(rng.uniform(size=(2, 50)))
    window = ac.hann_window(16, dtype=ac.float64)
    close(ac.istft(ac.stft(signal, 16, window=window, return_complex=True), 16, window=window, length=50), signal)


def test_trigamma_against_its_recurrence() -> None:
    x = np.concatenate([np.geomspace(1e-3, 1e3, 400), -rng.uniform(0.1, 8.0, 100)])
    y, z = ac.polygamma(1, ac.tensor(x)).array, ac.polygamma(1, ac.tensor(x + 1)).array
    # psi1(x) = psi1(x + 1) + 1 / x^2; the reflection at x near a pole p loses eps |x| / |x - p|
    room = 1e-14 * (1 + np.abs(x) / np.abs(x - np.round(x)).clip(1e-3) * (x < 0))
    assert (np.abs(y - z - x**-2.0) <= room * np.maximum(np.abs(y), x**-2.0) * 10).all()
    assert ac.polygamma(1, ac.tensor([0.0, -1.0, np.inf])).tolist() == [np.inf, np.inf, 0.0]


def test_inplace_forms() -> None:
    x = ac.tensor([0.2, 0.6])
    expected = [ac.erf(x), ac.lgamma(ac.erf(x))]
    y = x.clone()
    assert y.erf_() is y
    close(y, expected[0])
    close(y.lgamma_(), expected[1])
    a = ac.zeros(2, 2)
    a.addr_(ac.tensor([1.0, 2.0]), ac.tensor([3.0, 4.0])).addmv_(ac.eye(2), ac.ones(2), alpha=0.5)
    close(a, [[3.5, 4.5], [6.5, 8.5]])


def test_scipy_is_loaded_when_needed_only() -> None:
    code = (
        "import sys, autograd_core as ac, autograd_core.linalg, autograd_core.fft, autograd_core.special\n"
        "ac.linalg.inv(ac.eye(2)); ac.linalg.svd(ac.eye(2)); ac.linalg.matrix_exp(ac.eye(2)); "
        "ac.linalg.norm(ac.ones(3))\n"
        "assert not any(m == 'scipy' or m.startswith('scipy.') for m in sys.modules)\n"
        "ac.erf(ac.ones(2)); assert 'scipy.special' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
