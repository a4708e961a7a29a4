"""Every op, from its samples: gradients of first and second order, raw against symbolic rules, dtypes, layouts, aliasing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_core as ac
from autograd_core.graph import watch
from autograd_core.op import OPS
from tests.op_samples import Sample, all_samples, arrays_of, call, flatten, placeholders

SAMPLES = all_samples()
GRADED = [s for s in SAMPLES if s.check != "value"]
touched: set[str] = set()


class _Collector:
    """Notes which ops run."""

    def forward(self, op: Any, args: Any, run: Any) -> Any:
        touched.add(op.name)
        return run(*args)

    def backward(self, node: Any, g: Any, run: Any) -> Any:
        return run()


def tensors_of(sample: Sample, arrays: list[np.ndarray]) -> list[Any]:
    """Fresh leaves around copies of ``arrays``."""
    return [
        ac.from_numpy(a).requires_grad_(p.grad)
        for a, p in zip((a.copy(order="K") for a in arrays), placeholders(sample), strict=True)
    ]


def outputs(sample: Sample, tensors: list[Any]) -> list[Any]:
    """The results that carry gradients."""
    return [y for y in flatten(call(sample, ac, tensors)) if isinstance(y, ac.Tensor) and y.requires_grad]


def dot(a: Any, b: Any) -> float:
    """Re <a, b>, the pairing under which PyTorch's complex gradients are gradients."""
    return float(np.sum((np.conj(a) * b).real)) if a is not None else 0.0


def cotangents(ys: list[Any], seed: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    out = []
    for y in ys:
        w = rng.uniform(0.5, 1.5, y.shape)
        if y.array.dtype.kind == "c":
            w = w + 1j * rng.uniform(-1.0, 1.0, y.shape)
        out.append(np.asarray(w, y.array.dtype))
    return out


def directions(sample: Sample, arrays: list[np.ndarray], seed: int) -> list[np.ndarray]:
    """A random direction for each input that asks for a gradient, zero for the others."""
    rng = np.random.default_rng(seed)
    out = []
    for a, p in zip(arrays, placeholders(sample), strict=True):
        u = rng.uniform(-1.0, 1.0, a.shape) if p.grad else np.zeros(a.shape)
        if p.grad and a.dtype.kind == "c":
            u = u + 1j * rng.uniform(-1.0, 1.0, a.shape)
        out.append(u)
    return out


def shifted(arrays: list[np.ndarray], us: list[np.ndarray], h: float) -> list[np.ndarray]:
    return [np.asarray(a + h * u) if a.dtype.kind in "fc" else a for a, u in zip(arrays, us, strict=True)]


def raw_gradients(sample: Sample, arrays: list[np.ndarray], ws: list[np.ndarray]) -> list[Any]:
    """Gradients of the leaves by an ordinary backward."""
    xs = tensors_of(sample, arrays)
    ys = outputs(sample, xs)
    ac.autograd.backward(ys, [ac.from_numpy(w) for w in ws])
    return [None if x.grad is None else x.grad.array for x in xs]


STEP = 1e-6
# A central difference of step h errs by h^2 f'''/6 (1e-12 here) plus rounding eps |f| / h (2e-10 |f|): 1e-6 of the
# values at hand leaves room for f up to a few thousand.
RTOL, ATOL = 2e-6, 2e-7


@pytest.mark.parametrize("sample", GRADED, ids=str)
def test_gradients(sample: Sample) -> None:
    """First order against central differences, raw against symbolic rules, then second order likewise."""
    arrays = arrays_of(sample)
    with watch.observing(_Collector()):
        xs = tensors_of(sample, arrays)
        ys = outputs(sample, xs)
        assert ys, "no output requires grad: mark the sample check='value', or its tensors grad=False"
        ws = cotangents(ys)
    got = raw_gradients(sample, arrays, ws)
    for a, x, g in zip(arrays, xs, got, strict=True):
        np.testing.assert_array_equal(x.array, a, err_msg="the call changed its input")
        if g is not None:
            assert g.shape == a.shape and g.dtype == a.dtype
    us = directions(sample, arrays, 2)

    def value(h: float) -> float:
        return sum(
            dot(w, y.array)
            for w, y in zip(ws, outputs(sample, tensors_of(sample, shifted(arrays, us, h))), strict=True)
        )

    numeric = (value(STEP) - value(-STEP)) / (2 * STEP)
    analytic = sum(dot(g, u) for g, u in zip(got, us, strict=True))
    assert analytic == pytest.approx(numeric, rel=RTOL * sample.tolerance, abs=ATOL * sample.tolerance)

    # raw rules equal symbolic rules
    leaves = [x for x in xs if x.requires_grad]
    symbolic = ac.autograd.grad(ys, leaves, [ac.from_numpy(w) for w in ws], create_graph=True, allow_unused=True)
    by = dict(zip(map(id, leaves), symbolic, strict=True))
    for x, g in zip(xs, got, strict=True):
        s = by.get(id(x))
        if g is None or s is None:
            assert g is None and s is None
            continue
        np.testing.assert_allclose(
            s.array, g, rtol=1e-9, atol=1e-10 * sample.tolerance, err_msg="raw and symbolic rules differ"
        )

    if sample.check != "second":
        return
    vs = directions(sample, arrays, 3)
    pairs = [(s, v) for x, v in zip(xs, vs, strict=True) if (s := by.get(id(x))) is not None and s.requires_grad]
    analytic2 = 0.0
    if pairs:
        again = ac.autograd.grad(
            [s for s, _ in pairs],
            leaves,
            [ac.from_numpy(np.asarray(v, s.array.dtype)) for s, v in pairs],
            allow_unused=True,
        )
        second = dict(zip(map(id, leaves), again, strict=True))
        analytic2 = sum(
            dot(second[id(x)].array, u) for x, u in zip(xs, us, strict=True) if second.get(id(x)) is not None
        )

    def slope(h: float) -> float:
        return sum(dot(g, v) for g, v in zip(raw_gradients(sample, shifted(arrays, us, h), ws), vs, strict=True))

    numeric2 = (slope(STEP) - slope(-STEP)) / (2 * STEP)
    assert analytic2 == pytest.approx(numeric2, rel=2 * RTOL * sample.tolerance, abs=5 * ATOL * sample.tolerance)


FLOAT = [s for s in SAMPLES if any(p.dtype == "float64" for p in placeholders(s))]


@pytest.mark.parametrize("sample", FLOAT, ids=str)
def test_float32_stays_float32(sample: Sample) -> None:
    """float32 in gives float32 out and float32 gradients, near the float64 values."""
    arrays = arrays_of(sample)
    with np.errstate(over="ignore"):
        low = [
            a.astype(np.float32) if a.dtype == np.float64 else a.astype(np.complex64) if a.dtype == np.complex128 else a
            for a in arrays
        ]
    with watch.observing(_Collector()):
        ys = [y for y in flatten(call(sample, ac, tensors_of(sample, arrays))) if isinstance(y, ac.Tensor)]
    xs = tensors_of(sample, low)
    zs = [z for z in flatten(call(sample, ac, xs)) if isinstance(z, ac.Tensor)]
    narrow = {np.dtype(np.float64): np.dtype(np.float32), np.dtype(np.complex128): np.dtype(np.complex64)}
    explicit = "dtype" in sample.kwargs or sample.function is not None
    for y, z in zip(ys, zs, strict=True):
        if not explicit:
            assert z.array.dtype == narrow.get(y.array.dtype, y.array.dtype)
        assert z.array.shape == y.array.shape
    tracked = [z for z in zs if z.requires_grad]
    if sample.check != "value" and tracked:
        ac.autograd.backward(tracked, [ac.ones_like(z) for z in tracked])
        for x in xs:
            if x.grad is not None:
                assert x.grad.array.dtype == x.array.dtype and x.grad.array.shape == x.array.shape


def _strided(a: np.ndarray) -> np.ndarray:
    """The same values with negative or transposed strides."""
    if a.ndim == 0:
        return a
    if a.ndim == 1:
        wide = np.zeros(2 * a.shape[0], a.dtype)[::-2][: a.shape[0]]
    else:
        wide = np.zeros(a.shape[::-1], a.dtype).T
    wide[...] = a
    return wide


LAYOUT = (
    [s for s in SAMPLES if s.function is None and not s.name.startswith("Tensor.view") and s.name not in LAYOUT_MATTERS]
    if (
        LAYOUT_MATTERS := {
            "view_as_real",
            "view_as_complex",
            "Tensor.stride",
            "Tensor.is_contiguous",
            "as_strided",
            "Tensor.data_ptr",
        }
    )
    else []
)


@pytest.mark.parametrize("sample", LAYOUT, ids=str)
def test_layouts(sample: Sample) -> None:
    """Transposed and reversed memory gives the same values and gradients."""
    arrays = arrays_of(sample)
    if sample.name.startswith(("rand", "normal", "nn.functional.dropout")):
        ac.manual_seed(0)
    plain_xs = tensors_of(sample, arrays)
    plain = [y for y in flatten(call(sample, ac, plain_xs)) if isinstance(y, ac.Tensor)]
    if sample.name.startswith(("rand", "normal", "nn.functional.dropout")):
        ac.manual_seed(0)
    xs = [ac.from_numpy(_strided(a)).requires_grad_(p.grad) for a, p in zip(arrays, placeholders(sample), strict=True)]
    other = [y for y in flatten(call(sample, ac, xs)) if isinstance(y, ac.Tensor)]
    for a, b in zip(plain, other, strict=True):
        coarse = a.array.dtype in (
            np.float16,
            np.float32,
            np.complex64,
        )  # another memory order, another summation order
        np.testing.assert_allclose(b.array, a.array, rtol=1e-5 if coarse else 1e-10, atol=1e-12 * sample.tolerance)
    ya, yb = [y for y in plain if y.requires_grad], [y for y in other if y.requires_grad]
    if sample.check != "value" and ya:
        ws = cotangents(ya)
        ac.autograd.backward(ya, [ac.from_numpy(w.copy()) for w in ws])
        ac.autograd.backward(yb, [ac.from_numpy(w.copy()) for w in ws])
        grads = []
        for p, q in zip(plain_xs, xs, strict=True):
            assert (p.grad is None) == (q.grad is None)
            if p.grad is not None:
                np.testing.assert_allclose(q.grad.array, p.grad.array, rtol=1e-8, atol=1e-10 * sample.tolerance)
                grads.append(p.grad.array)
        for i, a in enumerate(grads):
            assert not any(np.may_share_memory(a, b) for b in grads[i + 1 :] if a.size and b.size), (
                "two gradients share memory"
            )
            assert not any(np.may_share_memory(a, x.array) for x in plain_xs if a.size), (
                "a gradient shares an input's memory"
            )


def test_every_op_has_samples() -> None:
    """An op of the table that no sample reaches is untested."""
    for sample in SAMPLES:
        if sample.check == "value" and sample not in FLOAT:
            with watch.observing(_Collector()):
                call(sample, ac, tensors_of(sample, arrays_of(sample)))
    if len(touched) < len(OPS) / 4:
        pytest.skip("the sample tests of this file were deselected")
    internal = {n for n in OPS if n not in touched}
    reached_by_rules = _ops_in_rules()
    # write_through is no call: a write through a view records it (samples "t_ then writes through a view", test_inplace.py)
    missing = sorted(n for n in internal - reached_by_rules - {"write_through"} if not n.endswith("_example"))
    assert not missing, f"ops without samples: {missing}"


def _ops_in_rules() -> set[str]:
    """Ops that run in the gradient rules of sampled ops (second order goes through them)."""
    seen: set[str] = set()

    class Rules(_Collector):
        def forward(self, op: Any, args: Any, run: Any) -> Any:
            seen.add(op.name)
            return run(*args)

    for sample in GRADED:
        xs = tensors_of(sample, arrays_of(sample))
        leaves = [x for x in xs if x.requires_grad]
        ys = outputs(sample, xs)
        with watch.observing(Rules()):
            gs = ac.autograd.grad(ys, leaves, [ac.ones_like(y) for y in ys], create_graph=True, allow_unused=True)
            again = [g for g in gs if g is not None and g.requires_grad]
            if again and sample.check == "second":
                ac.autograd.grad(again, leaves, [ac.ones_like(g) for g in again], create_graph=True, allow_unused=True)
    return seen
