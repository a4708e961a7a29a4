"""Texts of tensors beside PyTorch's."""

# ruff: noqa: E501  (tables: one call a line)

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ac

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(0)
ARRAYS = {
    "scalar": np.float32(1.5), "int scalar": np.int64(3), "vector": np.array([1.0, 2.5, -3.25], np.float32), "whole floats": np.array([1.0, 2.0, -30.0], np.float32),
    "ints": np.arange(12).reshape(3, 4) - 5, "bools": np.array([[True, False], [False, False]]), "wide range": np.array([1e-5, 1.0, 1e5], np.float32),
    "small": np.array([1e-8, 2e-9], np.float32), "large": np.array([1e10, -3e12], np.float32), "nan and inf": np.array([np.nan, np.inf, -np.inf, 1.5], np.float32),
    "only nan": np.array([np.nan], np.float32), "empty": np.empty((0,), np.float32), "empty rows": np.empty((2, 0), np.float32), "empty ints": np.empty((0,), np.int64),
    "float64": RNG.standard_normal((2, 3)), "float16": RNG.standard_normal(4).astype(np.float16), "int32": np.array([1, 2], np.int32), "uint8": np.array([[1, 255]], np.uint8),
    "random": RNG.standard_normal((3, 4)).astype(np.float32), "random 3d": RNG.standard_normal((2, 3, 4)).astype(np.float32), "long": np.arange(2000), "long floats": np.linspace(0, 1, 1500, dtype=np.float32),
    "wide": RNG.standard_normal((3, 30)).astype(np.float32), "big matrix": RNG.standard_normal((100, 100)).astype(np.float32), "zeros": np.zeros((2, 2), np.float32), "negative zero": np.array([-0.0, 0.0], np.float32),
    "complex": np.array([1 + 2j, -0.5j], np.complex64), "4d": np.zeros((2, 2, 2, 2), np.float32), "mixed magnitude": np.array([[1000.5, 0.001], [12.0, 3.0]], np.float32), "ints wide": np.array([[1, 1000000], [-5, 33]]),
}  # fmt: skip


@pytest.mark.parametrize("name", ARRAYS)
def test_repr(name: str) -> None:
    a = np.asarray(ARRAYS[name])
    ours, theirs = repr(ac.tensor(a)), repr(torch.tensor(a))
    assert ours.replace("autograd_core.", "torch.") == theirs


def test_repr_with_requires_grad() -> None:
    assert repr(ac.ones(2, requires_grad=True)) == repr(torch.ones(2, requires_grad=True))
    assert repr(ac.tensor(1.0, requires_grad=True)) == repr(torch.tensor(1.0, requires_grad=True))


def test_print_options() -> None:
    a = np.linspace(0, 1, 7, dtype=np.float32)
    try:
        for options in ({"precision": 2}, {"threshold": 3, "edgeitems": 1}, {"sci_mode": True}, {"linewidth": 30}):
            ac.set_printoptions(**options)
            torch.set_printoptions(**options)
            assert repr(ac.tensor(a)) == repr(torch.tensor(a))
            ac.set_printoptions(profile="default", sci_mode=None)
            torch.set_printoptions(profile="default", sci_mode=None)
    finally:
        ac.set_printoptions(profile="default", sci_mode=None)
        torch.set_printoptions(profile="default", sci_mode=None)


def test_str_and_size() -> None:
    x, y = ac.zeros(2, 3), torch.zeros(2, 3)
    assert str(x) == str(y) and f"{x}" == f"{y}"
    assert repr(x.shape) == repr(y.shape).replace("torch.", "")
