"""The tensor itself: what it knows of its shape, type and memory; views, in-place rearranging, resizing, small methods."""

# ruff: noqa: E501  (tables: one call a line)

from __future__ import annotations

import weakref

import numpy as np
import pytest

import autograd_core as ac
from autograd_core.op import INPLACE, METHODS


def test_facts():
    t = ac.zeros(2, 3, dtype=ac.float64)
    assert (t.shape, t.size(), t.size(1), t.ndim, t.dim(), t.numel(), t.nelement()) == ((2, 3), (2, 3), 3, 2, 2, 6, 6)
    assert (t.itemsize, t.nbytes, t.element_size(), t.stride(), t.stride(0)) == (8, 48, 8, (3, 1), 3)
    assert (
        t.device.type == "cpu"
        and t.get_device() == -1
        and t.is_cpu
        and not (t.is_cuda or t.is_sparse or t.is_quantized or t.is_meta)
    )
    assert repr(t.layout) == "autograd_core.strided" and t.layout is ac.strided and t.name is None
    assert (
        t.is_contiguous() and not t.t().is_contiguous() and t.t().contiguous().is_contiguous() and t.contiguous() is t
    )
    assert t[1:].storage_offset() == 3 and t.is_set_to(t.view(2, 3)) and not t.is_set_to(t.view(3, 2))
    assert t.shape.numel() == 6 and t.shape[:1] == ac.Size([2]) and isinstance(t.shape[:1], ac.Size)
    assert (
        t.is_floating_point() and not t.is_complex() and t.is_signed() and not t.is_shared() and t.share_memory_() is t
    )


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.view(6), lambda x: x.reshape(3, 2), lambda x: x[0], lambda x: x[:, ::2], lambda x: x.t(), lambda x: x.T, lambda x: x.mT, lambda x: x.transpose(0, 1), lambda x: x.permute(1, 0), lambda x: x.unsqueeze(0), lambda x: x.squeeze(),
        lambda x: x.flatten(), lambda x: x.expand(4, 2, 3), lambda x: x.narrow(1, 0, 2), lambda x: x.select(0, 1), lambda x: x.diagonal(), lambda x: x.unbind()[1], lambda x: x.chunk(2)[1], lambda x: x.split(1)[0], lambda x: x.tensor_split(2)[0], lambda x: x.unfold(1, 2, 1), lambda x: x.detach(), lambda x: x.movedim(0, 1), lambda x: x.view_as(x), lambda x: x.ravel(), lambda x: x.data,
    ],
)  # fmt: skip
def test_views_share_memory(view):
    x = ac.arange(6.0).reshape(2, 3)
    y = view(x)
    assert np.shares_memory(x.array, y.array)
    if 0 not in y.stride():
        y.add_(100)
        assert (x.array >= 100).any()


@pytest.mark.parametrize(
    "copy",
    [
        lambda x: x.clone(),
        lambda x: x.flip(0),
        lambda x: x.repeat(1, 1),
        lambda x: x[[0, 1]],
        lambda x: x.roll(1, 0),
        lambda x: x.contiguous().clone(),
        lambda x: x.tril(),
        lambda x: x.narrow_copy(0, 0, 2),
    ],
)
def test_copies_do_not(copy):
    x = ac.arange(6.0).reshape(2, 3)
    assert not np.shares_memory(x.array, copy(x).array)


def test_diagonal_can_be_written_and_differentiated():
    x = ac.zeros(3, 3, requires_grad=True)
    y = x * 1
    y.diagonal(1).copy_(ac.tensor([5.0, 6.0]))
    assert y.tolist() == [[0, 5, 0], [0, 0, 6], [0, 0, 0]]
    y.sum().backward()
    assert x.grad.tolist() == [[1, 0, 1], [1, 1, 0], [1, 1, 1]]
    for shape, offset, a, b in (((3, 5), -2, 0, 1), ((2, 4, 3), 1, 2, 0), ((4, 2), 3, 1, 0), ((2, 2), 5, 0, 1)):
        z = ac.from_numpy(np.zeros(shape))
        z.diagonal(offset, a, b).fill_(1.0)
        expected = np.zeros(shape)
        d = np.diagonal(expected, offset, a, b).copy()
        assert z.array.sum() == d.size


def test_as_strided_is_a_view():
    x = ac.zeros(6, requires_grad=True)
    y = x * 1
    y.as_strided((2, 2), (2, 1), 1).fill_(3.0)
    assert y.tolist() == [0, 3, 3, 3, 3, 0]
    y.sum().backward()
    assert x.grad.tolist() == [1, 0, 0, 0, 0, 1]
    with pytest.raises(
        RuntimeError, match=r"as_strided: size \(3, 3\) and stride \(2, 1\) reach beyond the 6 elements of the tensor."
    ):
        x.as_strided((3, 3), (2, 1))
    with pytest.raises(RuntimeError, match="as_strided: needs a contiguous tensor"):
        ac.zeros(2, 3).t().as_strided((2,), (1,))


def test_rearranging_in_place_keeps_memory_and_graph():
    x = ac.arange(6.0).reshape(1, 2, 3)
    base = x.array
    assert (
        x.squeeze_().shape == (2, 3)
        and x.t_().shape == (3, 2)
        and x.unsqueeze_(1).shape == (3, 1, 2)
        and x.transpose_(0, 2).shape == (2, 1, 3)
    )
    assert np.shares_memory(base, x.array)
    leaf = ac.ones(2, 3, requires_grad=True)
    with pytest.raises(RuntimeError, match="t_: a leaf tensor that requires grad cannot be changed"):
        leaf.t_()
    y = leaf * 2
    assert y.t_() is y and y.grad_fn is not None
    (y * ac.arange(6.0).reshape(3, 2)).sum().backward()
    np.testing.assert_array_equal(leaf.grad.array, 2 * np.arange(6.0).reshape(3, 2).T)


def test_resizing():
    x = ac.arange(6)
    assert (
        x.resize_(2, 3).tolist() == [[0, 1, 2], [3, 4, 5]]
        and x.resize_((4,)).tolist() == [0, 1, 2, 3]
        and x.resize_(2, 4).shape == (2, 4)
    )
    assert x.array.reshape(-1)[:4].tolist() == [0, 1, 2, 3]
    assert x.resize_as_(ac.zeros(2)).shape == (2,)
    y = ac.zeros(2)
    assert y.set_(ac.ones(3)).tolist() == [1, 1, 1] and y.set_().shape == (0,)


def test_elementwise_python_functions():
    assert ac.tensor([1.0, -2.0]).apply_(abs).tolist() == [1.0, 2.0]
    assert ac.tensor([1, 5]).map_(ac.tensor([3, 2]), max).tolist() == [3, 5]
    with pytest.raises(RuntimeError, match="apply_: a Python function has no gradient"):
        (ac.ones(2, requires_grad=True) * 1).apply_(abs)


def test_subclasses_and_copies_of_settings():
    class Marked(ac.Tensor):
        pass

    x = ac.ones(2, requires_grad=True)
    m = x.as_subclass(Marked)
    assert type(m) is Marked and m.array is x.array and m.requires_grad
    with pytest.raises(TypeError, match="as_subclass: expected a subclass of Tensor"):
        x.as_subclass(int)


def test_in_place_forms_are_where_the_table_says():
    for name, function in INPLACE.items():
        method = getattr(ac.Tensor, name)
        assert method.__name__ == name and method.__doc__, name
        assert inspect_name(function), name
    for name, function in METHODS.items():
        if isinstance(function, property):
            continue
        assert getattr(ac.Tensor, name) is function, name


def inspect_name(function):
    return getattr(function, "__name__", "")


def test_free_in_place_functions():
    x = ac.tensor([1.0, -4.0])
    assert (
        ac.abs_(x) is x
        and x.tolist() == [1.0, 4.0]
        and ac.sqrt_(x).tolist() == [1.0, 2.0]
        and ac.zero_(x).tolist() == [0.0, 0.0]
    )
    with pytest.raises(AttributeError, match="module 'autograd_core' has no attribute 'nothing_'"):
        _ = ac.nothing_


def test_in_place_of_a_composition_keeps_what_its_rules_read():
    x = ac.tensor([[3.0, 4.0], [0.3, 0.4]], dtype=ac.float64, requires_grad=True)
    y = x * 1
    y.renorm_(2, 0, 1.0)
    y.sum().backward()
    z = ac.tensor(x.tolist(), dtype=ac.float64, requires_grad=True)
    z.renorm(2, 0, 1.0).sum().backward()
    np.testing.assert_allclose(x.grad.array, z.grad.array)


def test_tensors_are_freed_without_the_collector():
    x = ac.zeros(2, 3)
    x.t_()
    ref = weakref.ref(x)
    v = x[0]
    del x
    assert ref() is not None  # a view keeps its base
    del v
    assert ref() is None


@pytest.mark.parametrize(
    "name",
    [
        "exp",
        "log",
        "sin",
        "tanh",
        "sqrt",
        "sigmoid",
        "erf",
        "sum",
        "mean",
        "std",
        "softmax",
        "matmul",
        "cumsum",
        "norm",
        "prod",
        "logsumexp",
    ],
)
def test_float16_is_near_float64(name):
    a = np.random.default_rng(0).uniform(0.1, 1.0, (4, 4))
    x, y = ac.tensor(a, dtype=ac.float16), ac.tensor(a, dtype=ac.float64)
    args = {"softmax": (1,), "cumsum": (0,), "logsumexp": (1,), "prod": (1,)}.get(name, ())
    p, q = (getattr(v, name)(*((v,) if name == "matmul" else args)) for v in (x, y))
    assert p.dtype is ac.float16
    np.testing.assert_allclose(
        p.array.astype(np.float64), q.array, rtol=4e-3, atol=2e-3
    )  # half the last place of float16 is 5e-4, a few roundings


def test_float16_sums_do_not_stop_at_2048():
    x = ac.ones(10_000, dtype=ac.float16)
    assert x.sum().item() == 10_000 and x.mean().item() == 1.0
    big = ac.full((10_000,), 10.0, dtype=ac.float16)
    assert big.mean().item() == 10.0  # the sum alone would overflow
