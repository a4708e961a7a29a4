"""CTC: the compiled recursions against their NumPy twins, and both against the sum over all paths."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from autograd_core.kernels import ctc as kernels
from autograd_core.kernels import runtime


def case(dtype, steps=7, n=5, classes=4, longest=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((steps, n, classes)).astype(dtype)
    logp = x - np.log(np.exp(x).sum(-1, keepdims=True))
    targets = rng.integers(1, classes, (n, longest))
    return logp, targets, np.array([steps, steps - 1, 2, 0, 3]), np.array([longest, 1, 3, 0, 0])


@pytest.mark.skipif(not runtime.enabled(), reason="Numba is switched off")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernel_equals_numpy(dtype, monkeypatch):
    arguments = case(dtype)
    g = np.linspace(0.5, 1.5, 5).astype(dtype)
    results = []
    for least in (0, 10**9):
        monkeypatch.setitem(kernels.THRESHOLDS, "ctc.numba", least)
        loss, alphas = kernels.ctc(*arguments)
        results.append((loss, kernels.ctc_backward(g, *arguments, loss, alphas)))
    (loss, gradient), (loss_numpy, gradient_numpy) = results
    tolerance = 1e-5 if dtype == np.float32 else 1e-12  # sums in float64 against sums in float32
    assert loss.dtype == gradient.dtype == dtype
    np.testing.assert_allclose(loss, loss_numpy, rtol=tolerance)
    np.testing.assert_allclose(gradient, gradient_numpy, rtol=tolerance, atol=tolerance)
    assert np.isinf(loss[2])
    assert not gradient[:, 2].any()


def test_sum_over_all_paths():
    logp, targets, inputs, goals = case(np.float64, steps=4, n=5, classes=3, longest=2)
    inputs, goals = np.array([4, 4, 3, 4, 4]), np.array([2, 1, 2, 0, 2])
    loss, _ = kernels.ctc(logp, targets, inputs, goals)
    for n in range(5):
        total = 0.0
        for path in itertools.product(range(3), repeat=int(inputs[n])):
            spelt = [c for c, _ in itertools.groupby(path) if c != 0]
            if spelt == targets[n, : goals[n]].tolist():
                total += np.exp(sum(logp[t, n, c] for t, c in enumerate(path)))
        np.testing.assert_allclose(loss[n], -np.log(total) if total else np.inf, rtol=1e-12)


def test_wrong_arguments_never_reach_the_kernel():
    logp, targets, inputs, goals = case(np.float32)
    with pytest.raises(RuntimeError, match="input_lengths must be 5 numbers from 0 to 7"):
        kernels.ctc(logp, targets, inputs + 1, goals)
    with pytest.raises(RuntimeError, match="blank and targets must be classes, 0 to 3"):
        kernels.ctc(logp, targets + 2, inputs, goals)
    with pytest.raises(RuntimeError, match=r"expected logp \(T, N, C\)"):
        kernels.ctc(logp[0], targets, inputs, goals)
