"""Gradients of gradients, four deep, of ops whose rules are ops themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import autograd_core as ac
import nn.functional as F

RNG = np.random.default_rng(0)
WEIGHT = RNG.uniform(0.5, 1.5, 4)
OPTIONS: list[dict[str, Any]] = [
    {}, {"reduction": "sum"}, {"reduction": "none"}, {"weight": WEIGHT}, {"label_smoothing": 0.1}, {"ignore_index": 1},
    {"weight": WEIGHT, "label_smoothing": 0.2, "reduction": "none"},
]  # fmt: skip


def four_times(library: Any, y: Any, xs: tuple[Any, ...]) -> list[np.ndarray]:
    """The first gradient of y, of the sum of squares of its gradients, and so on."""
    out = []
    for _ in range(4):
        gs = library.autograd.grad(y, xs, create_graph=True)
        out.append(gs[0].detach().numpy())
        y = sum((g * g).sum() for g in gs)
    return out


def assert_equal(ours: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12 * abs(b).max())


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("shape", "target"), [((5, 4), (5,)), ((4,), ()), ((3, 4, 2), (3, 2))])
def test_cross_entropy(shape: tuple[int, ...], target: tuple[int, ...], options: dict[str, Any]) -> None:
    rng = np.random.default_rng(1)
    x, t = rng.normal(size=shape), rng.integers(0, 4, target)
    results = []
    for library, functional in ((ac, F), (torch, torch.nn.functional)):
        made = {k: library.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
        leaf = library.tensor(x, requires_grad=True)
        losses = functional.cross_entropy(leaf * leaf, library.tensor(t), **made)
        results.append(four_times(library, (losses * losses).sum(), (leaf,)))
    assert_equal(*results)


@pytest.mark.parametrize("shapes", [((3, 4), (4, 2)), ((2, 3, 4), (4, 2)), ((2, 1, 3, 4), (5, 4, 2)), ((4,), (4, 2))])
def test_matmul(shapes: tuple[tuple[int, ...], ...]) -> None:
    rng = np.random.default_rng(2)
    values = [rng.normal(size=shape) for shape in shapes]
    results = []
    for library in (ac, torch):
        a, b = (library.tensor(v, requires_grad=True) for v in values)
        results.append(four_times(library, (a @ b).tanh().sum(), (a, b)))
    assert_equal(*results)
