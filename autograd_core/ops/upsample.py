"""Interpolation of images: nearest, linear and cubic, up and down, with and without antialiasing.

Along one dimension an interpolation is a sparse matrix, kept as a table: for each output place a few input places and
their weights.  Its transpose is such a table too, so one loop does the op and its gradient, and the op being linear,
every order of derivative.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..op import defop, sym
from ..tensor import Tensor
from .checks import floating, tensor

__all__: list[str] = []

Plan = tuple[
    int, str, int, int, float | None, bool, bool
]  # axis, mode, size in, size out, scale, align_corners, antialias


# ------------------------------------------------------------------------------------------------- the tables


def _cubic(d: Any, a: float) -> Any:
    """Keys' cubic convolution kernel at distance d (Keys, 1981)."""
    d = np.abs(d)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def _antialiased(mode: str, size: int, out: int, scale: float) -> tuple[Any, Any]:
    """Weights of a kernel stretched over the input places that one output place covers (as Pillow does it)."""
    reach = (1.0 if mode == "linear" else 2.0) * max(scale, 1.0)
    centre = scale * (np.arange(out) + 0.5)
    first = np.maximum((centre - reach + 0.5).astype(np.int64), 0)
    last = np.minimum((centre + reach + 0.5).astype(np.int64), size)
    index = first[:, None] + np.arange(max(int((last - first).max(initial=1)), 1))
    d = (index - centre[:, None] + 0.5) / max(scale, 1.0)
    weight = np.maximum(1 - np.abs(d), 0) if mode == "linear" else _cubic(d, -0.5)
    weight = np.where(index < last[:, None], weight, 0.0)
    weight /= weight.sum(1, keepdims=True)
    return np.minimum(index, size - 1), weight


@functools.lru_cache(maxsize=256)
def table(mode: str, size: int, out: int, scale: float | None, align_corners: bool, antialias: bool) -> tuple[Any, Any]:
    """``(index, weight)``, both (out, taps): ``y[o] = sum over t of weight[o, t] x[index[o, t]]``."""
    o = np.arange(out, dtype=np.float64)
    if mode in ("nearest", "nearest-exact"):
        pick = np.float32(1 / scale if scale else size / out)  # PyTorch picks in single precision
        at = (o.astype(np.float32) + np.float32(0.5 if mode == "nearest-exact" else 0)) * pick
        return np.minimum(np.floor(at).astype(np.int64), size - 1)[:, None], np.ones((out, 1))
    if align_corners:
        step = (size - 1) / (out - 1) if out > 1 else 0.0
        at = o * step
    else:
        step = 1 / scale if scale else size / out
        at = (o + 0.5) * step - 0.5
    if antialias:
        return _antialiased(mode, size, out, step)
    if mode == "linear":
        at = np.maximum(at, 0.0)
        low = np.minimum(np.floor(at).astype(np.int64), size - 1)
        f = np.minimum(at - low, 1.0)
        return np.stack([low, np.minimum(low + 1, size - 1)], 1), np.stack([1 - f, f], 1)
    low = np.floor(at).astype(np.int64)
    taps = low[:, None] + np.arange(-1, 3)
    return np.clip(taps, 0, size - 1), _cubic(at[:, None] - taps, -0.75)


@functools.lru_cache(maxsize=256)
def transposed(
    mode: str, size: int, out: int, scale: float | None, align_corners: bool, antialias: bool
) -> tuple[Any, Any]:
    """The transpose of `table`, in the same form: for each input place, the output places that show it."""
    index, weight = table(mode, size, out, scale, align_corners, antialias)
    rows = np.repeat(np.arange(out), index.shape[1])
    columns, values = index.reshape(-1), weight.reshape(-1)
    order = np.argsort(columns, kind="stable")
    columns, rows, values = columns[order], rows[order], values[order]
    counts = np.bincount(columns, minlength=size)
    place = np.arange(columns.size) - np.repeat(np.cumsum(counts) - counts, counts)
    back = np.zeros((size, max(int(counts.max(initial=0)), 1)), np.int64)
    scaled = np.zeros(back.shape)
    back[columns, place], scaled[columns, place] = rows, values
    return back, scaled


DENSE = 256  # sizes up to which a matrix product beats passes over memory, although the matrix is nearly all zeros


@functools.lru_cache(maxsize=256)
def dense(*key: Any) -> Any:
    """The matrix of `table`, (out, size)."""
    index, weight = table(*key)
    out = np.zeros((key[2], key[1]))
    np.add.at(out, (np.arange(key[2])[:, None], index), weight)
    return out


def _product(x: Any, axis: int, matrix: Any) -> Any:
    """The matrix applied along an axis."""
    matrix = matrix.astype(x.dtype)
    if axis == x.ndim - 1:
        return np.matmul(x, matrix.T)
    y = np.matmul(matrix, x.reshape(*x.shape[: axis + 1], math.prod(x.shape[axis + 1 :])))
    return y.reshape(*x.shape[:axis], len(matrix), *x.shape[axis + 1 :])


def _gathered(x: Any, axis: int, index: Any, weight: Any) -> Any:
    """A table applied along an axis, one pass over memory for each tap."""
    taps = index.shape[1]
    if taps == 1 and (weight == 1).all():
        return np.take(x, index[:, 0], axis)
    spread = (-1,) + (1,) * (x.ndim - axis - 1)
    y = np.take(x, index[:, 0], axis)
    y *= weight[:, 0].astype(x.dtype).reshape(spread)
    for k in range(1, taps):
        part = np.take(x, index[:, k], axis)
        part *= weight[:, k].astype(x.dtype).reshape(spread)
        y += part
    return y


def _apply(x: Any, plans: Any, back: bool) -> Any:
    wide = x.astype(np.float32) if x.dtype == np.float16 else x
    # an infinity or a NaN times the zeros of a matrix would spread along the line
    finite = wide.dtype.kind == "f" and bool(np.isfinite(np.add.reduce(wide, axis=None)))
    for axis, *key in plans:
        if finite and key[0] in ("linear", "cubic") and max(key[1], key[2]) <= DENSE:
            matrix = dense(*key)
            wide = _product(wide, axis, matrix.T if back else matrix)
        else:
            wide = _gathered(wide, axis, *(transposed if back else table)(*key))
    return wide.astype(x.dtype, copy=False)


def _interpolate(x: Any, plans: tuple[Plan, ...]) -> Any:
    return _apply(x, plans, False)


def _interpolate_back(x: Any, plans: tuple[Plan, ...]) -> Any:
    return _apply(x, reversed(plans), True)


defop(
    _interpolate,
    params="plans",
    name="interpolate",
    formula="along each planned dimension, y[o] = sum over taps of weight[o, tap] x[index[o, tap]]",
    x=lambda g, plans, F: F.interpolate_back(g, plans),
)
defop(
    _interpolate_back,
    params="plans",
    name="interpolate_back",
    formula="the transpose of interpolate, applied to x",
    x=lambda g, plans, F: F.interpolate(g, plans),
)

# ------------------------------------------------------------------------------------------------- the function

RANKS = {
    "nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "area": (1, 2, 3), "linear": (1,), "bilinear": (2,),
    "trilinear": (3,), "bicubic": (2,),
}  # fmt: skip


def _sizes(
    name: str, x: Tensor, size: Any, scale_factor: Any, recompute: bool | None
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The output's size, and the scale to use where it was given."""
    spatial = x.array.shape[2:]
    rank = len(spatial)
    if (size is None) == (scale_factor is None):
        what = (
            "either size or scale_factor should be defined"
            if size is None
            else "only one of size and scale_factor may be defined"
        )
        raise ValueError(f"{name}: {what}.")
    if size is not None:
        given = tuple(size) if isinstance(size, Sequence) else (size,) * rank
        if len(given) != rank:
            raise ValueError(
                f"{name}: input has {rank} spatial dimensions (shape {x.array.shape}), size has {len(given)}: {given}."
            )
        if not all(hasattr(s, "__index__") for s in given):
            raise TypeError(f"{name}: size must be ints, got {given}.")
        if recompute:
            raise ValueError(f"{name}: recompute_scale_factor is not meaningful with an explicit size.")
        out = tuple(int(s) for s in given)
        scales: tuple[float | None, ...] = (None,) * rank
    else:
        factors = tuple(scale_factor) if isinstance(scale_factor, Sequence) else (scale_factor,) * rank
        if len(factors) != rank:
            raise ValueError(
                f"{name}: input has {rank} spatial dimensions (shape {x.array.shape}), scale_factor has {len(factors)}."
            )
        out = tuple(math.floor(s * f) for s, f in zip(spatial, factors, strict=True))
        scales = (None,) * rank if recompute else tuple(float(f) for f in factors)
    if any(s < 1 for s in (*out, *spatial)):
        raise RuntimeError(
            f"{name}: input and output sizes should be greater than 0, got input {spatial} and output {out}."
        )
    return out, scales


def interpolate(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None, antialias: bool = False,
) -> Tensor:  # fmt: skip
    """Resample the spatial dimensions of (n, c, *spatial) to ``size``, or by ``scale_factor``.

    Parameters
    ----------
    input : Tensor, (n, c, length), (n, c, height, width) or (n, c, depth, height, width)
    size, scale_factor : number or sequence of numbers
        One of them.
    mode : {"nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area"}
        "linear" takes 1 spatial dimension, "bilinear" and "bicubic" 2, "trilinear" 3.
    align_corners : bool, optional
        Let the centres of the corner places fall on each other, not their edges (linear and cubic modes).
    recompute_scale_factor : bool, optional
        Derive the scale from the rounded output size.
    antialias : bool
        Stretch the kernel when shrinking ("bilinear", "bicubic").

    Raises
    ------
    ValueError, NotImplementedError
        If the arguments do not go together.

    Examples
    --------
    >>> import autograd_core as ac
    >>> from autograd_core.ops.upsample import interpolate
    >>> interpolate(ac.tensor([[[1.0, 2.0]]]), scale_factor=2, mode="linear", align_corners=True)
    tensor([[[1.0000, 1.3333, 1.6667, 2.0000]]])

    Source: PyTorch, ``torch.nn.functional.interpolate``.
    """
    name = "interpolate"
    x = tensor(name, input)
    if mode not in RANKS:
        raise NotImplementedError(f"{name}: mode must be one of {', '.join(RANKS)}, got {mode!r}.")
    rank = x.array.ndim - 2
    if rank not in RANKS[mode]:
        fits = ", ".join(m for m, ranks in RANKS.items() if rank in ranks)
        raise NotImplementedError(
            f"{name}: mode {mode!r} takes {' or '.join(str(r + 2) for r in RANKS[mode])}-d input, got shape "
            f"{x.array.shape}" + (f"; for this input use {fits}." if fits else ".")
        )
    plain = mode in ("nearest", "nearest-exact", "area")
    if plain and align_corners is not None:
        raise ValueError(
            f"{name}: align_corners can only be set with linear, bilinear, bicubic and trilinear modes, not with "
            f"{mode!r}."
        )
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError(f"{name}: antialias is only defined for modes 'bilinear' and 'bicubic', not for {mode!r}.")
    if mode not in ("nearest", "nearest-exact"):
        x = floating(name, x)
    out, scales = _sizes(name, x, size, scale_factor, recompute_scale_factor)
    if mode == "area":
        return sym.adaptive_avg_pool(x, out)
    kernel = {"bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    # where a size does not change, PyTorch copies whatever the scale says; but nearest does so for images only
    copies = kernel == "linear" or antialias or (kernel == "nearest" and rank == 2)
    plans = tuple(
        (2 + i, kernel, s, o, None if copies and o == s else f, bool(align_corners), antialias)
        for i, (s, o, f) in enumerate(zip(x.array.shape[2:], out, scales, strict=True))
    )
    return sym.interpolate(x, plans)


def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """The old name of :func:`interpolate`."""
    warnings.warn("upsample is deprecated, use interpolate instead.", UserWarning, stacklevel=2)
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """The old name of :func:`interpolate` with mode "nearest"."""
    warnings.warn("upsample_nearest is deprecated, use interpolate instead.", UserWarning, stacklevel=2)
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """The old name of :func:`interpolate` with mode "bilinear" and ``align_corners=True``."""
    warnings.warn("upsample_bilinear is deprecated, use interpolate instead.", UserWarning, stacklevel=2)
    return interpolate(input, size, scale_factor, "bilinear", align_corners=True)
