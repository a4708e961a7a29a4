"""Matrix products on the threads of the kernels, not on those of the BLAS inside NumPy.

    matmul(a, b) -> y        as numpy.matmul
    linear(x, weight, bias=None) -> y        x weight^T + bias, x (..., k), weight (m, k), bias (m,)
    sum_rows(x) -> y        the sum over the rows of x (n, k), as a product with ones
    alone(product, a, b) -> y        product(a, b) with one thread of BLAS

OpenBLAS has a pool of threads of its own, and after a product its threads go on turning for some 30 ms in wait of the
next.  Where a kernel's threads want those CPUs meanwhile, both lose: with two threads on two CPUs a transformer's training
step took as long as with one.  So BLAS computes shares of a product, each in one thread of the kernels' pool (`linear`,
`matmul`), and products too small to share in the calling thread (`alone`).  Its number of threads is set to one during
such a call only: what a user computes with NumPy beside this package is as quick as ever.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from . import runtime
from .thresholds import THRESHOLDS

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
DOT = np.ndarray.dot  # np.dot takes 0.6 us more, for the arguments that replace it
ALONE = 1 << 18  # multiply-adds up to which OpenBLAS takes one thread by itself
ALONE_VECTOR = 9_215  # the same for products with a vector: elements of the matrix
MANY_ROWS = 65536  # of a matrix to sum: vectors of ones up to this length are kept
BALANCE = 1  # shares per thread: each copies the whole of one factor, so fewer than in other kernels
ROWS = 32  # of the product, in a share: whole register tiles of every BLAS

_unknown: Any = object()
_limit: Any = _unknown  # sets BLAS's number of threads and returns what it was; None when BLAS has no such function


def _find_limit() -> None:
    # No argtypes: ctypes passes an int as C's int without them too, in half the time.
    global _limit
    _limit = None
    if found := runtime.blas_functions("openblas_set_num_threads_local"):
        (_limit,) = found
    elif found := runtime.blas_functions("openblas_get_num_threads", "openblas_set_num_threads"):  # before 0.3.27
        count, set_count = found
        set_count.restype = None
        _limit = lambda threads: (count(), set_count(threads))[0]


def alone(product: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """``product(a, b)`` with one thread of BLAS; 0.7 us on top.

    Examples
    --------
    >>> import numpy as np
    >>> alone(np.dot, np.ones((300, 300)), np.ones(300))[0]
    np.float64(300.0)
    """
    if _limit is _unknown:
        _find_limit()
    if _limit is None:
        return product(a, b)
    threads = _limit(1)
    if threads == 1:  # set by the user, or by a product in another thread, which will set it back
        return product(a, b)
    try:
        return product(a, b)
    finally:
        _limit(threads)


def _gemm(double: bool) -> tuple[int, bool] | None:
    """Address of CBLAS's gemm, and whether its integers have 64 bits."""
    try:
        return _gemms[double]
    except KeyError:
        _gemms[double] = found = _find_gemm("cblas_dgemm" if double else "cblas_sgemm")
        return found


_gemms: dict[bool, tuple[int, bool] | None] = {}


def _find_gemm(name: str) -> tuple[int, bool] | None:
    functions = runtime.blas_functions("openblas_set_num_threads", name)  # an OpenBLAS: its threads can be told
    if functions is None:
        return None
    address = ctypes.cast(functions[1], ctypes.c_void_p).value
    return (address, functions[1].__name__.endswith("64_")) if address else None


def _stored(x: np.ndarray) -> tuple[np.ndarray, bool, int]:
    """A matrix, or a batch of them, as BLAS can read it; whether transposed, and the numbers from one row to the next."""
    item, (rows, columns), (row_step, step) = x.itemsize, x.shape[-2:], x.strides[-2:]
    if step == item and row_step >= columns * item and row_step % item == 0:
        return x, False, row_step // item
    if row_step == item and step >= rows * item and step % item == 0:
        return x, True, step // item
    return np.ascontiguousarray(x), False, columns


def _products(a: np.ndarray, b: np.ndarray, bias: np.ndarray | None, out: np.ndarray) -> bool:
    """out = a b (+ bias) for (batch, m, k) and (batch, k, n) of one floating type; False when it cannot be done here."""
    function = _gemm(a.dtype is FLOAT64)
    jit = runtime.native("blas") if function else None
    if function is None or jit is None:
        return False
    batch, m, k = a.shape
    n = b.shape[2]
    a, turn_a, lda = _stored(a)
    b, turn_b, ldb = _stored(b)
    item = a.itemsize
    if a.strides[0] % item or b.strides[0] % item:
        return False
    if bias is not None:
        bias = np.ascontiguousarray(bias)
    columns = n > m  # every share copies all of the other factor: the smaller one
    alone(
        lambda *_: runtime.parallel(
            jit.products, batch * -(-max(m, n) // ROWS),
            *function, item, m, n, k,
            a.ctypes.data, turn_a, lda, a.strides[0] // item, b.ctypes.data, turn_b, ldb, b.strides[0] // item,
            out.ctypes.data, 0 if bias is None else bias.ctypes.data, ROWS, columns,
            grain=max(1, THRESHOLDS["parallel.fma"] // (ROWS * min(m, n) * k)), balance=BALANCE,
        ),
        None,
        None,
    )  # fmt: skip
    return True


def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The matrix product of two matrices or of batches of them, as ``numpy.matmul``.

    Examples
    --------
    >>> import numpy as np
    >>> matmul(np.ones((2, 3)), np.ones((3, 1)))
    array([[3.],
           [3.]])
    """
    work = a.size * b.shape[-1]
    flat = a.ndim == 2 == b.ndim
    if work <= ALONE:
        return a.dot(b) if flat else np.matmul(a, b)  # the same; dot is 0.6 us quicker to call
    if work >= THRESHOLDS["blas.numba"] and _shared(a, b):
        shape = a.shape[:-2] if a.ndim >= b.ndim else b.shape[:-2]
        out = np.empty((*shape, a.shape[-2], b.shape[-1]), a.dtype)
        if flat or (a.shape[:-2] == b.shape[:-2]):
            count = math.prod(shape)
            x, y = a.reshape(count, *a.shape[-2:]), b.reshape(count, *b.shape[-2:])
            if _products(x, y, None, out):
                return out
    return alone(DOT, a, b) if flat else np.asarray(alone(np.matmul, a, b))


def _shared(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether a large product goes to the threads of the kernels."""
    return runtime.get_num_threads() > 1 and a.dtype is b.dtype and (a.dtype is FLOAT32 or a.dtype is FLOAT64)


def linear(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """``x weight^T + bias`` for x (..., k) and weight (m, k).

    Examples
    --------
    >>> import numpy as np
    >>> linear(np.ones((1, 3)), np.ones((2, 3)), np.array([0.0, 1.0]))
    array([[3., 4.]])
    """
    if x.ndim != 2:
        return linear(x.reshape(-1, x.shape[-1]), weight, bias).reshape(*x.shape[:-1], len(weight))
    turned = weight.T
    work = x.size * len(weight)
    if work <= ALONE:
        y = x.dot(turned)
    elif work >= THRESHOLDS["blas.numba"] and _shared(x, weight) and (bias is None or bias.dtype is x.dtype):
        y = np.empty((len(x), len(weight)), x.dtype)
        if _products(x[None], turned[None], bias, y):
            return y
        y = x.dot(turned)
    else:
        y = alone(DOT, x, turned)
    if bias is not None:
        y += bias
    return y


@lru_cache(maxsize=64)
def _ones(count: int, dtype: Any) -> np.ndarray:
    return np.ones(count, dtype)


def sum_rows(x: np.ndarray) -> np.ndarray:
    """``x.sum(0)`` of a matrix of floats, as a product with ones: two to four times quicker, and more exact.

    Examples
    --------
    >>> import numpy as np
    >>> sum_rows(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([4., 6.])
    """
    if len(x) > MANY_ROWS or not (x.dtype is FLOAT32 or x.dtype is FLOAT64):
        return np.add.reduce(x, 0)  # as the sum over dimension 0 is computed everywhere else
    ones = _ones(len(x), x.dtype)
    return ones.dot(x) if x.size <= ALONE_VECTOR else np.asarray(alone(DOT, ones, x))


def warm() -> list[tuple[str, Callable[[], object]]]:
    """What ``python -m autograd_core.kernels warm`` compiles."""
    x = np.zeros((512, 512), np.float32)
    return [("products", lambda: matmul(x, x))]
