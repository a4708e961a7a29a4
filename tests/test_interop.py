"""NumPy's functions on tensors, shared memory both ways, DLPack, copies and pickles."""

# ruff: noqa: E501  (tables: one call a line)

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import autograd_core as ac
from autograd_core.ops import interop

RNG = np.random.default_rng(0)
A = RNG.uniform(0.2, 0.8, (3, 4))
B = RNG.uniform(0.2, 0.8, (3, 4))
I = RNG.integers(1, 9, (3, 4))
SQUARE = A[:, :3] @ A[:, :3].T + np.eye(3)

UNARY = [n for n in (*interop.DIRECT, *interop.UFUNCS) if getattr(np, n).nin == 1 and n not in ("invert", "frexp")]
BINARY = [n for n in (*interop.DIRECT, *interop.UFUNCS) if getattr(np, n).nin == 2 and n != "matmul"]
INTEGER = {"gcd", "lcm", "bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift"}


@pytest.mark.parametrize("name", sorted(UNARY))
def test_unary_ufuncs(name):
    f = getattr(np, name)
    a = A + 1 if name == "arccosh" else A
    x = ac.from_numpy(a.copy()).requires_grad_()
    y = f(x)
    assert isinstance(y, ac.Tensor)
    np.testing.assert_allclose(y.array, f(a), rtol=1e-14)
    if y.dtype.is_floating_point:
        y.sum().backward()
        h = 1e-6
        np.testing.assert_allclose(x.grad.array, (f(a + h) - f(a - h)) / (2 * h), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", sorted(BINARY))
def test_binary_ufuncs(name):
    f = getattr(np, name)
    a, b = (I, I.T.reshape(3, 4) % 5 + 1) if name in INTEGER else (A, I) if name == "ldexp" else (A, B)
    expected = f(a, b)
    for x, y in ((ac.from_numpy(a), ac.from_numpy(b)), (a, ac.from_numpy(b)), (ac.from_numpy(a), b)):
        z = f(x, y)
        assert isinstance(z, ac.Tensor)
        np.testing.assert_allclose(z.array, expected, rtol=1e-14)


def test_operators_between_arrays_and_tensors():
    x = ac.from_numpy(A.copy()).requires_grad_()
    for z in (A + x, x + A, A - x, A * x, A / x, A**x, A @ x.T, np.float64(2) * x, np.float32(2) - x, x > A, x == A):
        assert isinstance(z, ac.Tensor)
    (B * x).sum().backward()
    np.testing.assert_array_equal(x.grad.array, B)
    y = ac.ones(2)  # a NumPy number is a number, not an array of its type
    assert (np.float64(2) * y).dtype is ac.float32 and (y * np.float64(2)).dtype is ac.float32
    a = A.copy()
    a += ac.from_numpy(B)
    assert type(a) is np.ndarray
    np.testing.assert_array_equal(a, A + B)
    with pytest.raises(RuntimeError, match="a result that requires grad cannot be written into an ndarray"):
        a += x


@pytest.mark.parametrize(
    "call",
    [
        lambda f, a, b: f.sum(a), lambda f, a, b: f.sum(a, 1), lambda f, a, b: f.sum(a, axis=0, keepdims=True), lambda f, a, b: f.mean(a, axis=(0, 1)), lambda f, a, b: f.prod(a, axis=1),
        lambda f, a, b: f.std(a), lambda f, a, b: f.var(a, axis=0, ddof=1), lambda f, a, b: f.max(a), lambda f, a, b: f.amin(a, axis=1), lambda f, a, b: f.argmax(a, axis=1), lambda f, a, b: f.all(a > 0), lambda f, a, b: f.any(a > 9, axis=0),
        lambda f, a, b: f.cumsum(a, axis=1), lambda f, a, b: f.cumprod(a, 0), lambda f, a, b: f.sort(a), lambda f, a, b: f.sort(a, axis=None), lambda f, a, b: f.argsort(a, axis=0), lambda f, a, b: f.median(a), lambda f, a, b: f.median(a, axis=1),
        lambda f, a, b: f.quantile(a, 0.3, axis=0), lambda f, a, b: f.percentile(a, [20, 70]), lambda f, a, b: f.concatenate([a, b]), lambda f, a, b: f.concatenate([a, b], axis=None), lambda f, a, b: f.stack([a, b], axis=1), lambda f, a, b: f.vstack([a, b]), lambda f, a, b: f.hstack((a, b)), lambda f, a, b: f.dstack([a, b]), lambda f, a, b: f.column_stack([a, b]),
        lambda f, a, b: f.split(a, 2, axis=1)[1], lambda f, a, b: f.array_split(a, 3, axis=1)[0], lambda f, a, b: f.where(a > b, a, b), lambda f, a, b: f.where(a > b, a, 0.0), lambda f, a, b: f.reshape(a, (2, 6)), lambda f, a, b: f.ravel(a), lambda f, a, b: f.transpose(a), lambda f, a, b: f.transpose(a, (1, 0)), lambda f, a, b: f.swapaxes(a, 0, 1), lambda f, a, b: f.moveaxis(a, 0, 1), lambda f, a, b: f.expand_dims(a, 1), lambda f, a, b: f.expand_dims(a, axis=0), lambda f, a, b: f.squeeze(f.expand_dims(a, 0), axis=0),
        lambda f, a, b: f.broadcast_to(a, (2, 3, 4)), lambda f, a, b: f.tile(a, (2, 1)), lambda f, a, b: f.repeat(a, 2, axis=1), lambda f, a, b: f.repeat(a, 2), lambda f, a, b: f.flip(a), lambda f, a, b: f.flip(a, 1), lambda f, a, b: f.roll(a, 1), lambda f, a, b: f.roll(a, 1, axis=1), lambda f, a, b: f.rot90(a), lambda f, a, b: f.clip(a, 0.3, 0.6), lambda f, a, b: f.clip(a, a_min=0.3, a_max=None),
        lambda f, a, b: f.dot(a, b.T), lambda f, a, b: f.matmul(a, b.T), lambda f, a, b: f.tensordot(a, b, axes=([0, 1], [0, 1])), lambda f, a, b: f.einsum("ij,kj->ik", a, b), lambda f, a, b: f.outer(a[0], b[0]), lambda f, a, b: f.inner(a, b), lambda f, a, b: f.kron(a, b), lambda f, a, b: f.trace(a), lambda f, a, b: f.diagonal(a, 1), lambda f, a, b: f.diag(a), lambda f, a, b: f.tril(a, k=-1), lambda f, a, b: f.triu(a),
        lambda f, a, b: f.isclose(a, b), lambda f, a, b: f.allclose(a, a), lambda f, a, b: f.array_equal(a, b), lambda f, a, b: f.nonzero(a > 0.5)[1], lambda f, a, b: f.argwhere(a > 0.5), lambda f, a, b: f.unique(a), lambda f, a, b: f.zeros_like(a), lambda f, a, b: f.full_like(a, 2.0), lambda f, a, b: f.copy(a), lambda f, a, b: f.round(a, 1), lambda f, a, b: f.cov(a), lambda f, a, b: f.corrcoef(a), lambda f, a, b: f.diff(a, axis=0), lambda f, a, b: f.meshgrid(a[0], b[:, 0])[0], lambda f, a, b: f.nan_to_num(a), lambda f, a, b: f.take(a, [0, 2], axis=1), lambda f, a, b: f.take(a, [5, 7]), lambda f, a, b: f.atleast_3d(a), lambda f, a, b: f.trapezoid(a), lambda f, a, b: f.count_nonzero(a), lambda f, a, b: f.nansum(a, axis=0), lambda f, a, b: f.nanmean(a), lambda f, a, b: f.cross(a[:, :3], b[:, :3]),
        lambda f, a, b: f.linalg.norm(a), lambda f, a, b: f.linalg.norm(a, axis=1), lambda f, a, b: f.linalg.inv(a[:, :3]), lambda f, a, b: f.linalg.det(a[:, :3]), lambda f, a, b: f.linalg.solve(a[:, :3], b), lambda f, a, b: f.linalg.svd(a)[1], lambda f, a, b: f.fft.fft(a), lambda f, a, b: f.fft.rfft(a, axis=0), lambda f, a, b: f.fft.ifft2(a), lambda f, a, b: f.real(a), lambda f, a, b: f.take_along_axis(a, f.argsort(b, axis=1), axis=1),
        lambda f, a, b: f.add.reduce(a, axis=1), lambda f, a, b: f.multiply.accumulate(a, axis=1), lambda f, a, b: f.subtract.outer(a, b), lambda f, a, b: f.maximum.reduce(a), lambda f, a, b: f.add.reduce(a, axis=None), lambda f, a, b: f.add(a, b, dtype=np.float32),
    ],
)  # fmt: skip
def test_functions(call):
    expected = call(np, A, B)
    x, y = ac.from_numpy(A.copy()).requires_grad_(), ac.from_numpy(B.copy())
    got = call(np, x, y)
    if isinstance(expected, bool | np.bool_) and not isinstance(got, ac.Tensor):
        assert got == expected
        return
    assert isinstance(got, ac.Tensor)
    assert got.shape == np.shape(expected)
    np.testing.assert_allclose(got.array, expected, rtol=1e-12, atol=1e-14)
    if got.requires_grad:
        got.abs().sum().backward()
        assert x.grad is not None


def test_facts_about_shapes():
    x = ac.zeros(2, 3)
    assert np.shape(x) == (2, 3) and np.ndim(x) == 2 and np.size(x) == 6 and np.size(x, 1) == 3
    assert np.shares_memory(x, x.array)
    assert np.array2string(ac.tensor([1.0])) == "[1.]"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda x: np.cbrt(x),
            "numpy.cbrt: there is no Tensor form of it, and a plain result would lose the gradient. Call it with tensor.detach().numpy().",
        ),
        (lambda x: np.interp(x, [0, 1], [1, 2]), "numpy.interp: there is no Tensor form of it"),
        (lambda x: np.add.at(x, [0], 1), "numpy.add.at: there is no Tensor form of it"),
        (
            lambda x: np.exp(x, where=np.ones(3, bool)),
            "numpy.exp: where= is not understood for tensors; use autograd_core.where().",
        ),
        (lambda x: np.reshape(x, (3,), order="F"), "numpy.reshape: only order='C' is understood for tensors, got 'F'."),
    ],
)
def test_what_has_no_tensor_form(call, text):
    with pytest.raises(TypeError) as error:
        call(ac.ones(3))
    assert text in str(error.value)


def test_sharing_memory():
    t = ac.zeros(2, 3)
    a = np.asarray(t)
    assert a is t.array and t.numpy() is t.array
    a[0, 0] = 5
    assert t[0, 0].item() == 5
    u = ac.from_numpy(a)
    u[1, 2] = 7
    assert t[1, 2].item() == 7
    assert np.asarray(t, dtype=np.float64).dtype == np.float64
    assert not np.shares_memory(np.array(t), t.array)
    with pytest.raises(
        RuntimeError, match=r"requires grad, and an ndarray cannot carry gradients. Use tensor.detach\(\).numpy\(\)"
    ):
        np.asarray(t.clone().requires_grad_())


def test_dlpack_both_ways():
    t = ac.arange(6.0).reshape(2, 3)
    a = np.from_dlpack(t)
    assert np.shares_memory(a, t.array)
    source = np.arange(4.0)
    u = ac.from_dlpack(source)
    source[0] = 9
    assert u[0].item() == 9
    assert np.shares_memory(ac.from_dlpack(t).array, t.array)
    with pytest.raises(RuntimeError, match="requires grad cannot be exported"):
        np.from_dlpack(t.clone().requires_grad_())


def test_python_numbers_and_lists():
    t = ac.tensor([[1, 2], [3, 4]])
    assert t.tolist() == [[1, 2], [3, 4]] and [r.tolist() for r in t] == [[1, 2], [3, 4]]
    assert len(t) == 2 and 3 in t and 9 not in t
    assert (
        f"{ac.tensor(1.5):.2f}" == "1.50"
        and int(ac.tensor(3)) == 3
        and float(ac.tensor(2)) == 2.0
        and [10, 20, 30][ac.tensor(1)] == 20
    )
    assert list(reversed(ac.tensor([1, 2, 3])).tolist()) == [3, 2, 1]


def test_copies_and_pickles():
    t = ac.tensor([1.0, 2.0], requires_grad=True)
    (t * t).sum().backward()
    d = copy.deepcopy(t)
    assert (
        d.requires_grad
        and d.grad.tolist() == [2.0, 4.0]
        and not np.shares_memory(d.array, t.array)
        and d.grad is not t.grad
    )
    pair = [t, t]
    twice = copy.deepcopy(pair)
    assert twice[0] is twice[1]
    with pytest.raises(RuntimeError, match="deepcopy: only leaf tensors can be copied"):
        copy.deepcopy(t * 2)
    p = pickle.loads(pickle.dumps(t))
    assert p.requires_grad and p.tolist() == [1.0, 2.0]
    assert pickle.loads(pickle.dumps(ac.float32)) is ac.float32
    with pytest.raises(RuntimeError, match="pickle: only leaf tensors can be pickled"):
        pickle.dumps(t * 2)
