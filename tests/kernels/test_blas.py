"""Products of matrices: numbers, layouts, BLAS's thread count during and after, and what malloc is told."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from autograd_core.kernels import blas, malloc, runtime


def answer(code: str, **env: str) -> str:
    """What a new process prints."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    path = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**clean, "PYTHONPATH": path, **env},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


needs_openblas = pytest.mark.skipif(
    runtime.blas_functions("openblas_get_num_threads", "openblas_set_num_threads") is None,
    reason="this NumPy has another BLAS",
)
# small; in one thread; in shares of rows, of columns; long sums; blocks that do not come out even
SIZES = [(3, 4, 5), (70, 70, 70), (768, 128, 96), (96, 128, 768), (40, 5000, 50), (331, 257, 129), (1, 2000, 2100)]


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture(autouse=True)
def two_threads():
    before = runtime.get_num_threads()
    runtime.set_num_threads(2)
    yield
    runtime.set_num_threads(before)


def layouts(x):
    """The same numbers stored in different ways."""
    wide = np.zeros((*x.shape[:-2], x.shape[-2] + 2, x.shape[-1] * 2), x.dtype)
    part = wide[..., 1:-1, : x.shape[-1]]
    part[...] = x
    spread = wide[..., 1:-1, ::2]
    backward = np.ascontiguousarray(x[..., ::-1, :])[..., ::-1, :]
    yield from (x, np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2), part, backward)
    spread[...] = x
    yield spread


def error_bound(a, b):
    """Of a sum of k products in any order: k units of rounding of the sum of their magnitudes."""
    return a.shape[-1] * np.finfo(a.dtype).eps * (np.abs(a) @ np.abs(b))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_matrices_in_all_layouts(size, dtype, rng):
    m, k, n = size
    a, b, bias = (rng.standard_normal(s).astype(dtype) for s in ((m, k), (k, n), (n,)))
    exact = a.astype(np.float64) @ b.astype(np.float64)
    bound = error_bound(a, b)
    for x in layouts(a):
        for y in layouts(b):
            product, sum_ = blas.matmul(x, y), blas.linear(x, y.T, bias)
            assert product.dtype == sum_.dtype == dtype
            assert product.flags.c_contiguous
            assert (np.abs(product - exact) <= bound).all()
            assert (np.abs(sum_ - exact - bias) <= bound + np.finfo(dtype).eps * (np.abs(exact) + np.abs(bias))).all()


@pytest.mark.parametrize("batch", [(48,), (2, 3), (1,)])
def test_batches(batch, rng):
    a, b = rng.standard_normal((*batch, 200, 90)), rng.standard_normal((*batch, 90, 240))
    for x in layouts(a):
        for y in layouts(b):
            np.testing.assert_allclose(blas.matmul(x, y), np.matmul(a, b), rtol=0, atol=1e-11)
    np.testing.assert_allclose(blas.matmul(a, b[0]), np.matmul(a, b[0]), rtol=0, atol=1e-11)  # broadcast
    np.testing.assert_allclose(blas.matmul(a[:1], b), np.matmul(a[:1], b), rtol=0, atol=1e-11)


def test_what_blas_does_not_know_is_numpys(rng):
    whole = rng.integers(-5, 5, (200, 210)), rng.integers(-5, 5, (210, 220))
    np.testing.assert_array_equal(blas.matmul(*whole), whole[0] @ whole[1])
    a, b = whole[0] + 1j, whole[1] * 1j
    np.testing.assert_array_equal(blas.matmul(a, b), a @ b)
    assert blas.matmul(np.ones((0, 3)), np.ones((3, 2))).shape == (0, 2)
    np.testing.assert_array_equal(blas.matmul(np.ones((2, 0)), np.ones((0, 2))), np.zeros((2, 2)))


def test_infinite_and_undefined_numbers(rng):
    a, b = rng.standard_normal((300, 200)).astype(np.float32), rng.standard_normal((200, 300)).astype(np.float32)
    a[7, 3], a[250, 9] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        got, expected = blas.matmul(a, b), a @ b
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    np.testing.assert_array_equal(np.isinf(got), np.isinf(expected))
    assert np.isnan(got[7]).all()
    assert np.isinf(got[250]).all()


def test_the_same_numbers_every_time(rng):
    a, b = rng.standard_normal((513, 300)).astype(np.float32), rng.standard_normal((300, 127)).astype(np.float32)
    first = blas.matmul(a, b)
    assert all((blas.matmul(a, b) == first).all() for _ in range(20))


def test_sums_of_rows(rng):
    for rows, columns in ((3, 2), (768, 512), (blas.MANY_ROWS + 1, 2)):
        x = rng.standard_normal((rows, columns))
        np.testing.assert_allclose(blas.sum_rows(x), x.sum(0), rtol=0, atol=1e-12 * rows)
    np.testing.assert_array_equal(blas.sum_rows(np.array([[1, 2], [3, 4]])), [4, 6])


@needs_openblas
def test_blas_has_its_threads_back():
    count, limit = runtime.blas_functions("openblas_get_num_threads", "openblas_set_num_threads")
    a = np.ones((300, 300))
    assert count() == 2
    assert blas.alone(lambda a, b: count(), a, a) == 1
    assert count() == 2
    with pytest.raises(ValueError, match="shapes"):
        blas.alone(np.dot, a, a[1:])
    assert count() == 2
    blas.matmul(a, a)
    blas.linear(np.ones((2000, 300)), a, a[0])
    assert count() == 2
    limit(1)  # what a user has set stays
    blas.matmul(a, a)
    assert count() == 1


@needs_openblas
def test_from_several_threads(rng):
    count = runtime.blas_functions("openblas_get_num_threads")[0]
    a = rng.standard_normal((400, 400))
    expected, wrong = blas.matmul(a, a), []

    def work():
        wrong.extend(i for i in range(30) if not (blas.matmul(a, a) == expected).all())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert count() == 2


def test_malloc_keeps_what_a_step_frees():
    code = (
        "from autograd_core.kernels import malloc\n"
        "import numpy as np, resource\n"
        "def faults():\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "def step():\n"
        "    return [np.ones(500_000) for _ in range(4)]\n"
        "step(); before = faults()\n"
        "for _ in range(10): step()\n"
        "print(malloc.keep_freed_memory(), faults() - before)"
    )
    kept, faults = map(int, answer(code).split())
    if kept:
        assert faults < 2000  # of the 39,000 pages that the steps touch
    for setting in ("AUTOGRAD_CORE_MALLOC=0", "MALLOC_TOP_PAD_=131072"):
        name, value = setting.split("=")
        assert answer(code, **{name: value}).split()[0] == "0"


def test_malloc_on_other_systems(monkeypatch):
    monkeypatch.setattr(malloc.sys, "platform", "darwin")
    assert malloc.keep_freed_memory() == 0
