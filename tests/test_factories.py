"""Tensors from values, sizes and ranges, and PyTorch's legacy constructors."""

# ruff: noqa: E501  (tables: one call a line)

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ac


@pytest.mark.parametrize(
    ("data", "dtype", "shape"),
    [
        (1, "int64", ()), (1.5, "float32", ()), (True, "bool", ()), (1j, "complex64", ()), ([], "float32", (0,)), ([1, 2.5], "float32", (2,)),
        ([[1, 2], [3, 4]], "int64", (2, 2)), ((True, False), "bool", (2,)), (np.float64(2), "float64", ()), (np.arange(3, dtype=np.int16), "int16", (3,)),
        ([np.float64(1), np.float64(2)], "float64", (2,)), ([[], []], "float32", (2, 0)), (range(3), "int64", (3,)),
    ],
)  # fmt: skip
def test_tensor(data, dtype, shape):
    t = ac.tensor(data if not isinstance(data, range) else list(data))
    assert t.dtype.name == dtype and t.shape == shape


def test_tensor_copies_and_as_tensor_shares():
    a = np.zeros(2)
    assert not np.shares_memory(ac.tensor(a).array, a)
    assert np.shares_memory(ac.as_tensor(a).array, a) and np.shares_memory(ac.from_numpy(a).array, a)
    t = ac.ones(2)
    assert ac.as_tensor(t) is t and ac.as_tensor(t, dtype=ac.float64).dtype is ac.float64
    assert not np.shares_memory(ac.asarray(a, copy=True).array, a)
    nested = ac.tensor([ac.tensor(1.0), ac.tensor(2.0)])
    assert nested.tolist() == [1.0, 2.0]


def test_by_size():
    for make in (ac.zeros, ac.ones, ac.empty, ac.rand, ac.randn):
        for t in (make(2, 3), make((2, 3)), make([2, 3]), make(size=(2, 3)), make(ac.Size([2, 3]))):
            assert t.shape == (2, 3) and t.dtype is ac.float32
        assert (
            make(2, dtype=ac.float64, requires_grad=True).requires_grad
            and make(()).shape == ()
            and make(0, 3).shape == (0, 3)
        )
        out = ac.empty(0, dtype=ac.float64)
        assert make(2, out=out) is out and out.shape == (2,) and out.dtype is ac.float64
        with pytest.raises(TypeError, match=f"{make.__name__}: unexpected keyword argument 'colour'."):
            make(2, colour=1)
    assert (
        ac.full((2,), 3).dtype is ac.int64
        and ac.full((2,), 3.0).dtype is ac.float32
        and ac.full((2,), True).dtype is ac.bool
    )
    assert (
        ac.full((), 2).shape == ()
        and ac.eye(2, 3).tolist() == [[1, 0, 0], [0, 1, 0]]
        and ac.scalar_tensor(2).dtype is ac.float32
    )
    x = ac.ones(2, 3, dtype=ac.float64)
    for t in (ac.zeros_like(x), ac.ones_like(x), ac.empty_like(x), ac.full_like(x, 2), ac.rand_like(x)):
        assert t.shape == (2, 3) and t.dtype is ac.float64
    s = ac.empty_strided((2, 3), (1, 2))
    assert s.shape == (2, 3) and s.stride() == (1, 2)
    assert x.new_empty_strided((2, 3), (1, 2)).dtype is ac.float64


def test_ranges():
    assert ac.arange(3).tolist() == [0, 1, 2] and ac.arange(3).dtype is ac.int64 and ac.arange(3.0).dtype is ac.float32
    assert (
        ac.arange(1, 7, 2).tolist() == [1, 3, 5]
        and ac.arange(start=1, end=3).tolist() == [1, 2]
        and ac.arange(3, 0, -1).tolist() == [3, 2, 1]
    )
    np.testing.assert_allclose(ac.arange(0, 1, 0.1, dtype=ac.float64).array, np.arange(0, 1, 0.1))
    assert (
        ac.linspace(0, 1, 5).tolist() == [0, 0.25, 0.5, 0.75, 1]
        and ac.linspace(0, 1, 0).shape == (0,)
        and ac.linspace(2, 5, 1).tolist() == [2]
    )
    np.testing.assert_allclose(ac.logspace(0, 2, 3).array, [1, 10, 100], rtol=1e-6)
    assert ac.tril_indices(2, 2, dtype=ac.int32).dtype is ac.int32


def test_default_dtype():
    try:
        ac.set_default_dtype(ac.float64)
        assert (
            ac.zeros(1).dtype is ac.float64
            and ac.tensor(1.0).dtype is ac.float64
            and ac.tensor(1j).dtype is ac.complex128
            and (ac.tensor(1) / 2).dtype is ac.float64
        )
        assert repr(ac.tensor(1.0)) == "tensor(1.)"
        ac.set_default_tensor_type("torch.FloatTensor")
        assert ac.get_default_dtype() is ac.float32
        ac.set_default_tensor_type(ac.DoubleTensor)
        assert ac.get_default_dtype() is ac.float64
        with pytest.raises(
            TypeError,
            match="set_default_tensor_type: expected a floating point tensor type such as 'FloatTensor', got 'LongTensor'.",
        ):
            ac.set_default_tensor_type("LongTensor")
    finally:
        ac.set_default_dtype(ac.float32)


LEGACY = {
    "FloatTensor": "float32", "DoubleTensor": "float64", "HalfTensor": "float16", "LongTensor": "int64", "IntTensor": "int32", "ShortTensor": "int16", "CharTensor": "int8",
    "ByteTensor": "uint8", "BoolTensor": "bool", "ComplexFloatTensor": "complex64", "ComplexDoubleTensor": "complex128",
}  # fmt: skip


@pytest.mark.parametrize("name", LEGACY)
def test_legacy_constructors(name):
    cls, dtype = getattr(ac, name), getattr(ac, LEGACY[name])
    assert (
        cls(2, 3).shape == (2, 3)
        and cls(2, 3).dtype is dtype
        and cls().shape == (0,)
        and cls(ac.Size([2])).shape == (2,)
    )
    t = cls([1, 0])
    assert t.tolist() == [1, 0] and t.dtype is dtype and type(t) is ac.Tensor
    assert isinstance(t, cls) and not isinstance(ac.zeros(1, dtype=ac.uint16), cls) and not isinstance(3, cls)
    assert t.type() == f"autograd_core.{name}" == ac.typename(t) and repr(cls) == f"<class 'autograd_core.{name}'>"
    x = ac.tensor([1, 0])
    assert x.type(cls).dtype is dtype and x.type(f"torch.{name}").dtype is dtype and x.type(dtype).dtype is dtype


def test_legacy_tensor_and_methods():
    assert (
        ac.Tensor(2, 3).shape == (2, 3)
        and ac.Tensor([1, 2]).dtype is ac.float32
        and ac.Tensor().shape == (0,)
        and ac.Tensor(np.arange(3)).tolist() == [0, 1, 2]
    )
    x = ac.zeros(2, dtype=ac.float64)
    assert x.new(3).dtype is ac.float64 and x.new([1, 2]).tolist() == [1, 2] and x.new_tensor([1]).dtype is ac.float64
    assert (
        x.new_zeros(2, 3).shape == (2, 3)
        and x.new_ones((2,)).tolist() == [1, 1]
        and x.new_full((2,), 7).tolist() == [7, 7]
        and x.new_empty(0).shape == (0,)
    )
    assert x.new_zeros(2, dtype=ac.int32).dtype is ac.int32
    assert ac.zeros(1).type_as(x).dtype is ac.float64
    x.data = ac.ones(3)
    assert x.tolist() == [1, 1, 1] and not ac.ones(2, requires_grad=True).data.requires_grad
    with pytest.raises(
        TypeError, match=r"FloatTensor: expected sizes or a sequence of values, got the float 2.5; use tensor\(2.5\)."
    ):
        ac.FloatTensor(2.5)


def test_small_free_functions():
    assert (
        ac.range(1, 4).tolist() == [1, 2, 3, 4]
        and ac.range(0, 1, 0.5).tolist() == [0, 0.5, 1]
        and ac.range(3).dtype is ac.float32
    )
    assert [v.tolist() for v in ac.unravel_index(ac.tensor([5, 2]), (2, 3))] == [[1, 0], [2, 2]]
    with pytest.raises(ValueError, match=r"unravel_index: an index lies outside the 6 elements of shape \(2, 3\)."):
        ac.unravel_index(ac.tensor([6]), (2, 3))
    assert ac.frombuffer(bytearray(b"\x01\x02"), dtype=ac.uint8).tolist() == [1, 2]
    x = ac.ones(2, requires_grad=True)
    assert not ac.detach(x).requires_grad and ac.get_device(x) == -1 and ac.newaxis is None
    assert (
        x.contiguous(memory_format=ac.contiguous_format) is x
        and repr(ac.channels_last) == "autograd_core.channels_last"
    )
    assert x.clone(memory_format=ac.preserve_format).tolist() == [1, 1] and ac.zeros(1, 3, 2, 2).to(
        memory_format=ac.channels_last
    ).shape == (1, 3, 2, 2)
