"""Text of an array as PyTorch prints tensors: four digits, aligned columns, long tensors summarised."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


class _Options:
    precision = 4
    threshold: float = 1000
    edgeitems = 3
    linewidth = 80
    sci_mode: bool | None = None


options = _Options()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print (PyTorch's ``torch.set_printoptions``).

    Parameters
    ----------
    precision : int, optional
        Digits after the point (4).
    threshold : int, optional
        Element count above which a tensor is summarised (1000).
    edgeitems : int, optional
        Items at each end of a summarised dimension (3).
    linewidth : int, optional
        Characters a line (80).
    profile : {"default", "short", "full"}, optional
        Sets the four above at once.
    sci_mode : bool, optional
        Scientific notation always (True) or never (False); None decides by the values.
    """
    profiles = {"default": (4, 1000, 3, 80), "short": (2, 1000, 2, 80), "full": (4, math.inf, 3, 80)}
    if profile is not None:
        if profile not in profiles:
            raise ValueError(f"set_printoptions: profile must be one of {sorted(profiles)}, got {profile!r}.")
        options.precision, options.threshold, options.edgeitems, options.linewidth = profiles[profile]  # type: ignore[assignment]
    for key, value in (
        ("precision", precision),
        ("threshold", threshold),
        ("edgeitems", edgeitems),
        ("linewidth", linewidth),
    ):
        if value is not None:
            setattr(options, key, value)
    options.sci_mode = sci_mode


class _Formatter:
    """Widths and notation that fit all elements of a (summarised) array."""

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        self.floating = values.dtype.kind == "f"
        self.int_mode, self.sci_mode, self.width = True, False, 1
        p = options.precision
        if not self.floating:
            self.width = max([1, *(len(str(v)) for v in values.reshape(-1).tolist())])
            return
        flat = values.reshape(-1).astype(np.float64)
        finite = flat[np.isfinite(flat) & (flat != 0)]
        if finite.size == 0:
            return
        lo, hi = float(np.abs(finite).min()), float(np.abs(finite).max())
        self.int_mode = bool((finite == np.ceil(finite)).all())
        wide = hi / lo > 1000.0 or hi > 1.0e8
        self.sci_mode = wide if self.int_mode else (wide or lo < 1.0e-4)
        if options.sci_mode is not None:
            self.sci_mode = options.sci_mode
        if self.sci_mode:
            self.width = max(len(f"{v:.{p}e}") for v in finite.tolist())
        elif self.int_mode:
            self.width = max(len(f"{v:.0f}") + 1 for v in finite.tolist())
        else:
            self.width = max(len(f"{v:.{p}f}") for v in finite.tolist())

    def __call__(self, value: Any) -> str:
        if not self.floating:
            text = str(value)
        elif self.sci_mode:
            text = f"{value:{self.width}.{options.precision}e}"
        elif self.int_mode:
            text = f"{value:.0f}" + ("." if math.isfinite(value) else "")
        else:
            text = f"{value:.{options.precision}f}"
        return text.rjust(self.width)


class _ComplexFormatter:
    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        self.real, self.imag = _Formatter(values.real), _Formatter(values.imag)
        self.width = self.real.width + self.imag.width + 2

    def __call__(self, value: complex) -> str:
        imag = (self.imag(value.imag) + "j").lstrip()
        return self.real(value.real) + (imag if imag[0] in "+-" else "+" + imag)


def _summary(a: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The elements that a summarised print shows."""
    e = options.edgeitems
    for axis in range(a.ndim):
        if a.shape[axis] > 2 * e:
            keep = np.r_[0:e, a.shape[axis] - e : a.shape[axis]]
            a = np.take(a, keep, axis)
    return a


def _block(a: np.ndarray[Any, Any], indent: int, summarize: bool, fmt: Any) -> str:
    e = options.edgeitems
    if a.ndim == 0:
        return str(fmt(a.item()))
    cut = summarize and a.shape[0] > 2 * e
    if a.ndim == 1:
        per_line = max(1, (options.linewidth - indent) // (fmt.width + 2))
        shown = [fmt(v) for v in (a[:e].tolist() if cut else a.tolist())]
        if cut:
            shown += [" ..."] + [fmt(v) for v in a[-e:].tolist()]
        lines = [", ".join(shown[i : i + per_line]) for i in range(0, len(shown), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    rows = [*a[:e], None, *a[-e:]] if cut else list(a)
    parts = ["..." if r is None else _block(r, indent + 1, summarize, fmt) for r in rows]
    return "[" + ("," + "\n" * (a.ndim - 1) + " " * (indent + 1)).join(parts) + "]"


def array_text(a: np.ndarray[Any, Any], indent: int) -> str:
    """The values alone, lines after the first indented by ``indent``."""
    summarize = a.size > options.threshold
    sample = _summary(a) if summarize else a
    fmt = _ComplexFormatter(sample) if a.dtype.kind == "c" else _Formatter(sample)
    return _block(a, indent, summarize, fmt)


def tensor_text(a: np.ndarray[Any, Any], suffixes: list[str], prefix: str = "tensor(") -> str:
    """``tensor([...], suffix, suffix)``, with the suffixes on lines of their own where they do not fit."""
    indent = len(prefix)
    if a.size == 0 and a.ndim:
        text = "[]"
        if a.shape != (0,):
            suffixes = [f"size={tuple(a.shape)}", *suffixes]
    else:
        text = array_text(a, indent)
    out = prefix + text
    last = len(out) - out.rfind("\n") + 1
    for s in suffixes:
        if last + len(s) + 2 > options.linewidth:
            out += ",\n" + " " * indent + s
            last = indent + len(s)
        else:
            out += ", " + s
            last += len(s) + 2
    return out + ")"
