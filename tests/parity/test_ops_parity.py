"""Every sample, in PyTorch too: values, dtypes, shapes, first and second gradients in float64, dtypes in float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_core as ac
from tests.op_samples import Sample, all_samples, arrays_of, call, flatten, placeholders

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # PyTorch's own deprecations

SAMPLES = [s for s in all_samples() if s.parity]
RTOL, ATOL = (
    1e-7,
    1e-9,
)  # both sides compute in float64; the room is for other summation orders and other LAPACK drivers


def _ours(sample: Sample, arrays: list[np.ndarray]) -> list[Any]:
    return [ac.from_numpy(a.copy()).requires_grad_(p.grad) for a, p in zip(arrays, placeholders(sample), strict=True)]


def _theirs(sample: Sample, arrays: list[np.ndarray]) -> list[Any]:
    return [
        torch.from_numpy(a.copy()).requires_grad_(p.grad) for a, p in zip(arrays, placeholders(sample), strict=True)
    ]


def _np(x: Any) -> Any:
    if isinstance(x, ac.Tensor):
        return x.array
    return x.detach().resolve_conj().resolve_neg().numpy(force=True) if isinstance(x, torch.Tensor) else x


def _compare(ours: list[Any], theirs: list[Any], what: str, scale: float) -> None:
    assert len(ours) == len(theirs), f"{what}: {len(ours)} results here, {len(theirs)} in PyTorch"
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        a, b = _np(a), _np(b)
        if not isinstance(b, np.ndarray):
            if not isinstance(b, torch.dtype | torch.device | torch.layout):
                assert a == b or (a != a and b != b), f"{what} {i}"
            continue
        assert a.shape == b.shape, f"{what} {i}: shape {a.shape} here, {b.shape} in PyTorch"
        assert a.dtype == b.dtype, f"{what} {i}: {a.dtype} here, {b.dtype} in PyTorch"
        np.testing.assert_allclose(a, b, rtol=RTOL * scale, atol=ATOL * scale, err_msg=f"{what} {i}")


def _weights(ys: list[Any]) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    out = []
    for y in ys:
        w = rng.uniform(0.5, 1.5, y.shape)
        out.append(np.asarray(w + 1j * rng.uniform(-1, 1, y.shape) if y.array.dtype.kind == "c" else w, y.array.dtype))
    return out


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_same_as_torch(sample: Sample) -> None:
    arrays = arrays_of(sample)
    xs, ts = _ours(sample, arrays), _theirs(sample, arrays)
    ours, theirs = flatten(call(sample, ac, xs)), flatten(call(sample, torch, ts))
    _compare(ours, theirs, "value", sample.tolerance)
    if sample.check == "value":
        return
    mine = [y.requires_grad for y in ours if isinstance(y, ac.Tensor)]
    other = [y.requires_grad for y in theirs if isinstance(y, torch.Tensor)]
    assert mine == other, "other outputs require grad"
    ys = [y for y in ours if isinstance(y, ac.Tensor) and y.requires_grad]
    zs = [z for z in theirs if isinstance(z, torch.Tensor) and z.requires_grad]
    ws = _weights(ys)
    leaves, tleaves = [x for x in xs if x.requires_grad], [x for x in ts if x.requires_grad]
    second = sample.check == "second"
    ga = ac.autograd.grad(ys, leaves, [ac.from_numpy(w) for w in ws], create_graph=second, allow_unused=True)
    gb = torch.autograd.grad(zs, tleaves, [torch.from_numpy(w) for w in ws], create_graph=second, allow_unused=True)
    zero = [np.zeros(x.shape, x.array.dtype) for x in leaves]
    _compare(
        [ac.from_numpy(z) if a is None else a for a, z in zip(ga, zero, strict=True)],
        [torch.from_numpy(z) if b is None else b for b, z in zip(gb, zero, strict=True)],
        "gradient", sample.tolerance,
    )  # fmt: skip
    if not second:
        return
    pa, pb = [g for g in ga if g is not None and g.requires_grad], [g for g in gb if g is not None and g.requires_grad]
    none = [None] * len(leaves)
    ha = ac.autograd.grad([_square(g) for g in pa], leaves, allow_unused=True) if pa else none
    hb = torch.autograd.grad([_square(g) for g in pb], tleaves, allow_unused=True) if pb else none
    _compare(
        [z if a is None else a.array for a, z in zip(ha, zero, strict=True)],
        [z if b is None else _np(b) for b, z in zip(hb, zero, strict=True)],
        "second gradient", 10 * sample.tolerance,
    )  # fmt: skip


def _square(g: Any) -> Any:
    """<g, its own value>: a scalar whose gradient is a Hessian-vector product."""
    product = g * g.detach()
    return product.real.sum() if g.is_complex() else product.sum()


LOW = [s for s in SAMPLES if any(p.dtype in ("float64", "complex128") for p in placeholders(s))]


@pytest.mark.parametrize("sample", LOW, ids=str)
def test_float32_dtypes_as_torch(sample: Sample) -> None:
    low = {np.dtype(np.float64): np.float32, np.dtype(np.complex128): np.complex64}
    arrays = [a.astype(low.get(a.dtype, a.dtype)) for a in arrays_of(sample)]
    ours = flatten(call(sample, ac, _ours(sample, arrays)))
    theirs = flatten(call(sample, torch, _theirs(sample, arrays)))
    for a, b in zip(ours, theirs, strict=True):
        a, b = _np(a), _np(b)
        if isinstance(b, np.ndarray):
            assert a.dtype == b.dtype, f"{a.dtype} here, {b.dtype} in PyTorch"
