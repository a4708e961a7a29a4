"""``torch.testing``: ``assert_close``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .tensor import Tensor

__all__ = ["assert_allclose", "assert_close"]

# PyTorch's tolerances per type: (rtol, atol).
_TOLERANCE = {
    "float16": (1e-3, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7), "complex64": (1.3e-6, 1e-5), "complex128": (1e-7, 1e-7),
}  # fmt: skip


def assert_close(
    actual: Any, expected: Any, *, allow_subclasses: bool = True, rtol: float | None = None, atol: float | None = None,
    equal_nan: bool = False, check_device: bool = True, check_dtype: bool = True, check_layout: bool = True,
    check_stride: bool = False, msg: str | Callable[[str], str] | None = None,
) -> None:  # fmt: skip
    """Raise unless ``|actual - expected| <= atol + rtol * |expected|`` everywhere.

    Parameters
    ----------
    actual, expected
        Tensors, numbers, arrays, or sequences and mappings of them.
    rtol, atol : float, optional
        Both or neither; left out, they follow from the types (1.3e-6 and 1e-5 for float32, 1e-7 for float64).
    msg : str or callable, optional
        The message, or what makes it from the generated one.

    Raises
    ------
    AssertionError
        With the number of elements that differ and the greatest differences.

    Source: PyTorch's page ``torch.testing.assert_close``.
    """
    if (rtol is None) != (atol is None):
        raise ValueError("assert_close: give both rtol and atol, or neither.")
    problem = _problem(actual, expected, rtol, atol, equal_nan, check_dtype, check_stride, "")
    if problem:
        raise AssertionError(msg(problem) if callable(msg) else problem if msg is None else msg)


def _problem(a: Any, b: Any, rtol: Any, atol: Any, equal_nan: bool, dtype: bool, stride: bool, where: str) -> str:
    """What differs, or nothing."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        if set(a) != set(b):
            return f"The keys of the mappings{where} do not match: {sorted(map(str, set(a) ^ set(b)))} are only in one."
        return next(
            (p for k in a if (p := _problem(a[k], b[k], rtol, atol, equal_nan, dtype, stride, f"{where}[{k!r}]"))), ""
        )
    plain = (list, tuple)
    if isinstance(a, plain) and isinstance(b, plain) and isinstance(a, Sequence):
        if len(a) != len(b):
            return f"The lengths of the sequences{where} do not match: {len(a)} != {len(b)}."
        pairs = enumerate(zip(a, b, strict=True))
        return next(
            (p for i, (x, y) in pairs if (p := _problem(x, y, rtol, atol, equal_nan, dtype, stride, f"{where}[{i}]"))),
            "",
        )
    if a is None and b is None:
        return ""
    kinds = (Tensor, np.ndarray, np.generic, bool, int, float, complex)
    if not isinstance(a, kinds) or not isinstance(b, kinds):
        raise TypeError(f"assert_close: cannot compare {type(a).__name__} with {type(b).__name__}{where}.")
    if isinstance(a, Tensor) != isinstance(b, Tensor):
        return f"The types{where} do not match: {type(a).__name__} != {type(b).__name__}."
    x, y = (v.array if isinstance(v, Tensor) else np.asarray(v) for v in (a, b))
    if x.shape != y.shape:
        return f"The values{where} for attribute 'shape' do not match: {x.shape} != {y.shape}."
    if dtype and isinstance(a, Tensor) and isinstance(b, Tensor) and x.dtype != y.dtype:
        return f"The values{where} for attribute 'dtype' do not match: {a.dtype} != {b.dtype}."
    if stride and x.strides != y.strides:
        return f"The values{where} for attribute 'stride()' do not match: {x.strides} != {y.strides} bytes."
    if rtol is None:
        pairs_ = [_TOLERANCE.get(v.dtype.name, (0.0, 0.0)) for v in (x, y)]
        rtol, atol = max(p[0] for p in pairs_), max(p[1] for p in pairs_)
    wide = np.result_type(x, y, np.float64)
    x, y = x.astype(wide), y.astype(wide)
    with np.errstate(all="ignore"):
        near = (x == y) | ((np.abs(x - y) <= atol + rtol * np.abs(y)) & np.isfinite(y))
        if equal_nan:
            near |= np.isnan(x) & np.isnan(y)
        if near.all():
            return ""
        bad = ~near
        difference = np.where(bad, np.abs(x - y), 0)
        relative = np.where(bad, np.abs(x - y) / np.abs(y), 0)
    exact = "equal" if rtol == 0 and atol == 0 else "close"
    if not x.ndim:
        return f"Values{where} are not {exact}: expected {y.item()} but got {x.item()} (allowed: {atol:g} absolute, {rtol:g} relative)."
    at = tuple(
        int(i) for i in np.unravel_index(np.nanargmax(np.where(np.isnan(difference), np.inf, difference)), x.shape)
    )
    rel = tuple(int(i) for i in np.unravel_index(np.nanargmax(np.where(np.isnan(relative), np.inf, relative)), x.shape))
    return (
        f"Tensor-likes{where} are not {exact}!\n\n"
        f"Mismatched elements: {int(bad.sum())} / {x.size} ({100 * bad.mean():.1f}%)\n"
        f"Greatest absolute difference: {difference[at]:g} at index {at} (up to {atol:g} allowed)\n"
        f"Greatest relative difference: {relative[rel]:g} at index {rel} (up to {rtol:g} allowed)"
    )


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str = "",
) -> None:
    """PyTorch's older name: :func:`assert_close` that does not look at types."""
    a, b = (v if isinstance(v, Tensor) else np.asarray(v) for v in (actual, expected))
    a, b = (v.array if isinstance(v, Tensor) else v for v in (a, b))
    assert_close(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=False, msg=msg or None)
