"""Max and average pooling over the last 1 to 3 dimensions, plain and adaptive, with their backward passes.

    max_pool(x, kernel, stride=None, padding=0, dilation=1, ceil_mode=False) -> (y, indices)
    adaptive_max_pool(x, output_size) -> (y, indices)
    max_pool_backward(g, indices, input_shape, dims) -> gx                 for both; `dims` pooled dimensions
    max_unpool(x, indices, spatial) -> y                                   each value at its index, zero elsewhere
    avg_pool(x, kernel, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None) -> y
    avg_pool_backward(g, input_shape, kernel, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
                      divisor_override=None) -> gx
    adaptive_avg_pool(x, output_size) -> y
    adaptive_avg_pool_backward(g, input_shape, output_size) -> gx

`kernel`, `output_size` (and where they are given, `stride`, `padding`, `dilation`) are tuples with one int for each
pooled dimension; all dimensions before those are planes. `indices` are positions in the flattened plane, as PyTorch's,
but int32 while a plane has fewer than 2**31 elements. Among equal values the first wins, and a NaN wins over all.

All variants reduce to a table for each dimension: where the window of each output starts and ends.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from . import runtime
from .thresholds import THRESHOLDS

COMPILED = (np.dtype(np.float32), np.dtype(np.float64))
Ints = Sequence[int]


class Windows(NamedTuple):
    """Along one dimension: output o covers ``range(start[o], end[o], step)`` and counts as ``size[o]`` elements.

    Windows at a fixed stride also know their `taps`, and where the first one would start if padding were real.
    """

    length: int
    start: np.ndarray
    end: np.ndarray
    size: np.ndarray
    step: int = 1
    taps: int = 1
    first: int = 0
    stride: int = 0


class Layout:
    """The windows of all pooled dimensions, and the tables made of them at first need (kept, as layouts are)."""

    def __init__(self, windows: list[Windows]) -> None:
        self.windows = windows
        self.output = tuple(len(w.start) for w in windows)
        self.input = tuple(w.length for w in windows)
        self.area = math.prod(self.input)
        self.taps = math.prod(max(int((-(-(w.end - w.start) // w.step)).max(initial=0)), 0) for w in windows)

    @functools.cached_property
    def padding_front(self) -> tuple[int, ...]:
        """Dimensions of length 1 that make three of the pooled ones."""
        return (1,) * (3 - len(self.windows))

    @functools.cached_property
    def whole(self) -> bool:
        """One window, which is the plane."""
        return all(len(w.start) == 1 and w.start[0] == 0 and w.end[0] == w.size[0] == w.length for w in self.windows)

    @functools.cached_property
    def tables(self) -> list[np.ndarray]:
        """Start, end and count of three dimensions, for the kernels."""
        return _tables(self.windows)

    @functools.cached_property
    def steps(self) -> np.ndarray:
        """Step of the taps along three dimensions."""
        return np.array([1] * (3 - len(self.windows)) + [w.step for w in self.windows])

    @functools.cached_property
    def regular_tables(self) -> tuple[np.ndarray, ...]:
        """What `jit_pooling.max_pool_regular` reads."""
        return _regular_tables(self.windows)

    @functools.cached_property
    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """The index in the flattened plane of each tap, (windows, taps), and which taps are inside the plane.

        Taps of a short window that are not there point to its first one.
        """
        places: Any = np.zeros((1, 1), np.int64)
        inside: Any = np.ones((1, 1), np.bool_)
        for w in self.windows:
            longest = max(int((-(-(w.end - w.start) // w.step)).max(initial=0)), 0)
            place = w.start[:, None] + np.arange(longest) * w.step
            there = place < w.end[:, None]
            place = np.where(there, place, w.start[:, None])
            places = places[:, None, :, None] * w.length + place[None, :, None, :]
            inside = inside[:, None, :, None] & there[None, :, None, :]
            places = places.reshape(places.shape[0] * places.shape[1], -1)
            inside = inside.reshape(places.shape)
        return places, inside

    @functools.cached_property
    def flat_places(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`places` in one row, the same as int32, and where each window's taps begin in it."""
        places, _ = self.places
        flat = places.reshape(-1)
        return flat, flat.astype(np.int32), np.arange(len(places)) * places.shape[1]

    @functools.cached_property
    def padded_places(self) -> np.ndarray:
        """`places` tap by tap, (taps, windows), in one row; taps that are not there point behind the plane."""
        places, inside = self.places
        return np.ascontiguousarray(np.where(inside, places, self.area).T).reshape(-1)

    @functools.cached_property
    def covering(self) -> np.ndarray:
        """Which windows hold each element of the plane, (most, area); behind the last window where there are fewer."""
        places, inside = self.places
        place, window = places[inside], np.nonzero(inside)[0]
        order = np.argsort(place, kind="stable")
        counts = np.bincount(place, minlength=self.area)
        rank = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
        table = np.full((self.area, max(1, counts.max(initial=0))), len(places))
        table[place[order], rank] = window[order]
        return np.ascontiguousarray(table.T)

    @functools.cached_property
    def never_empty(self) -> bool:
        """Whether every window has a tap inside the plane."""
        return all(bool((w.end > w.start).all()) for w in self.windows)

    def divisors(self, dtype: np.dtype, override: int | None) -> np.ndarray:
        """What each window's sum is divided by, in one row."""
        return _divisor_row(self, np.dtype(np.float32) if dtype == np.float16 else dtype, override)


@functools.lru_cache(maxsize=256)
def _divisor_row(layout: Layout, dtype: np.dtype, override: int | None) -> np.ndarray:
    if override is not None:
        return np.full(math.prod(layout.output), override, dtype)
    divisors = np.ones((), np.int64)
    for counts in _open([w.size for w in layout.windows]):
        divisors = divisors * counts
    return np.where(divisors == 0, 1, divisors).astype(dtype).reshape(-1)


GATHERED = 200_000  # values that a twin may hold at once to treat all windows in one go


@functools.lru_cache(maxsize=64)
def _plane_starts(planes: int, area: int) -> np.ndarray:
    return np.arange(0, planes * area, area).reshape(planes, 1) if area else np.zeros((planes, 1), np.int64)


# ------------------------------------------------------------------------------------------------ where windows lie


def _per_dimension(function: str, name: str, value: int | Ints, n: int) -> tuple[int, ...]:
    values = (value,) * n if isinstance(value, int) else tuple(int(v) for v in value)
    if len(values) != n:
        raise RuntimeError(f"{function}: {name} must have {n} values, got {values}")
    return values


def output_length(
    function: str, length: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool
) -> int:
    """Number of windows along a dimension; `ceil_mode` adds a partial one that starts inside input or left padding."""
    if kernel < 1 or stride < 1 or dilation < 1:
        raise RuntimeError(
            f"{function}: kernel size, stride and dilation must be greater than zero, "
            f"got {kernel}, {stride} and {dilation}"
        )
    reach = dilation * (kernel - 1) + 1
    if padding < 0 or padding > reach // 2:
        raise RuntimeError(
            f"{function}: padding must be between 0 and half of the effective kernel size, "
            f"got padding={padding} for kernel_size={kernel} and dilation={dilation}"
        )
    count = (length + 2 * padding - reach + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (count - 1) * stride >= length + padding:
        count -= 1
    if count < 1:
        raise RuntimeError(
            f"{function}: a kernel of size {kernel} (dilation {dilation}) does not fit into length {length} "
            f"with padding {padding}: the output would be too small"
        )
    return count


def _regular(
    function: str,
    spatial: Ints,
    kernel: Ints,
    stride: int | Ints | None,
    padding: int | Ints,
    dilation: int | Ints,
    ceil_mode: bool,
    include_pad: bool,
) -> Layout:
    try:
        return _regular_layout(function, spatial, kernel, stride, padding, dilation, ceil_mode, include_pad)
    except TypeError:  # lists cannot be remembered
        values = [tuple(v) if isinstance(v, list) else v for v in (spatial, kernel, stride, padding, dilation)]
        return _regular_layout(function, *values, ceil_mode, include_pad)


@functools.lru_cache(maxsize=256)
def _regular_layout(
    function: str,
    spatial: Ints,
    kernel: Ints,
    stride: int | Ints | None,
    padding: int | Ints,
    dilation: int | Ints,
    ceil_mode: bool,
    include_pad: bool,
) -> Layout:
    n = len(kernel)
    strides = _per_dimension(function, "stride", kernel if stride is None or stride == () else stride, n)
    paddings, dilations = (
        _per_dimension(function, "padding", padding, n),
        _per_dimension(function, "dilation", dilation, n),
    )
    windows = []
    for length, k, s, p, d in zip(spatial, kernel, strides, paddings, dilations, strict=True):
        start = np.arange(output_length(function, length, k, s, p, d, ceil_mode)) * s - p
        stop = np.minimum(start + d * (k - 1) + 1, length + p)
        first = np.where(start < 0, start + -(start // d) * d, start)  # the first tap inside
        end = np.maximum(np.minimum(stop, length), first)
        windows.append(Windows(length, first, end, stop - start if include_pad else end - first, d, k, -p, s))
    return Layout(windows)


def _adaptive(function: str, spatial: Ints, output_size: Ints) -> Layout:
    return _adaptive_layout(function, tuple(spatial), tuple(output_size))


@functools.lru_cache(maxsize=256)
def _adaptive_layout(function: str, spatial: Ints, output_size: Ints) -> Layout:
    windows = []
    for length, out in zip(spatial, output_size, strict=True):
        if out < 0:
            raise RuntimeError(f"{function}: output sizes must not be negative, got {tuple(output_size)}")
        o = np.arange(out)
        start, end = o * length // max(out, 1), -(-(o + 1) * length // max(out, 1))
        windows.append(Windows(length, start, end, end - start))
    return Layout(windows)


def _planes(function: str, shape: Ints, n: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Split a shape into planes and pooled dimensions."""
    if not 1 <= n <= 3 or len(shape) < n:
        raise RuntimeError(
            f"{function}: expected an input with at least {n} dimensions to pool over, got shape {tuple(shape)}"
        )
    spatial = tuple(shape[len(shape) - n :])
    if 0 in spatial:
        raise RuntimeError(f"{function}: the pooled dimensions must not be empty, got shape {tuple(shape)}")
    return tuple(shape[: len(shape) - n]), spatial


def _tables(windows: list[Windows]) -> list[np.ndarray]:
    """Start, end and count of three dimensions, the missing ones in front as a single window of length 1."""
    one = Windows(1, np.zeros(1, np.int64), np.ones(1, np.int64), np.ones(1, np.int64))
    whole = [one] * (3 - len(windows)) + windows
    return [np.ascontiguousarray(a, np.int64) for w in whole for a in (w.start, w.end, w.size)]


def _solid(x: np.ndarray, planes: Ints, windows: list[Windows]) -> np.ndarray:
    shape = (1,) * (3 - len(windows)) + tuple(w.length for w in windows)
    return np.ascontiguousarray(x).reshape(math.prod(planes), *shape)


def _open(axes: list[np.ndarray]) -> list[np.ndarray]:
    """One vector for each dimension, shaped to broadcast against the others."""
    return [a.reshape((-1,) + (1,) * (len(axes) - k - 1)) for k, a in enumerate(axes)]


def _jit(x: np.ndarray) -> Any:
    return runtime.native("pooling") if x.size >= THRESHOLDS["pooling.numba"] and x.dtype in COMPILED else None


def _grain(elements: int, planes: int) -> int:
    return max(1, THRESHOLDS["parallel.elements"] * planes // max(1, elements))


# ------------------------------------------------------------------------------------------------ max


def max_pool(
    x: np.ndarray,
    kernel: Ints,
    stride: int | Ints | None = None,
    padding: int | Ints = 0,
    dilation: int | Ints = 1,
    ceil_mode: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Largest value in each window and where it lies. See the module's docstring."""
    planes, spatial = _planes("max_pool", x.shape, len(kernel))
    windows = _regular("max_pool", spatial, kernel, stride, padding, dilation, ceil_mode, False)
    return _max(x, planes, windows)


def adaptive_max_pool(x: np.ndarray, output_size: Ints) -> tuple[np.ndarray, np.ndarray]:
    """Largest value in each of ``output_size`` nearly equal windows."""
    planes, spatial = _planes("adaptive_max_pool", x.shape, len(output_size))
    return _max(x, planes, _adaptive("adaptive_max_pool", spatial, output_size))


def _max(x: np.ndarray, planes: tuple[int, ...], layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    shape = planes + layout.output
    index_type = np.int32 if layout.area < 2**31 else np.int64
    jit = _jit(x)
    if jit is None or index_type is np.int64 or 0 in shape:
        if 0 not in shape and x.size // layout.area * math.prod(layout.output) * layout.taps <= GATHERED:
            found = _max_gathered(x, shape, layout)
            if found is not None:
                return found
        y, indices = _max_numpy(x.reshape(-1, *layout.input) if planes else x[None], layout.windows)
        return y.reshape(shape), indices.reshape(shape).astype(index_type, copy=False)
    windows = layout.windows
    solid = _solid(x, planes, windows)
    count = len(solid)
    y, indices = np.empty(shape, x.dtype), np.empty(shape, np.int32)
    d = layout.padding_front + layout.output
    out, where = y.reshape(count, *d), indices.reshape(count, *d)
    work = x.size * max(1, layout.taps) // 4
    if x.dtype == np.float32 and windows[-1].stride in (1, 2):
        runtime.parallel(
            jit.max_pool_regular, count, solid, *layout.regular_tables, out, where, grain=_grain(work, count)
        )
    else:
        runtime.parallel(
            jit.max_pool, count, solid, *layout.tables, layout.steps, out, where, grain=_grain(work, count)
        )
    return y, indices


def _max_gathered(x: np.ndarray, shape: tuple[int, ...], layout: Layout) -> tuple[np.ndarray, np.ndarray] | None:
    """All taps of all windows side by side: few NumPy calls.  None where a window is empty or holds a NaN."""
    if not layout.never_empty:
        return None
    flat = x.reshape(-1, layout.area)
    places, places32, begins = layout.flat_places
    count = len(flat)
    best = flat.take(places, 1).reshape(count, len(begins), -1).argmax(2)
    best += begins
    y = flat.take(places.take(best) + _plane_starts(count, layout.area))
    if x.dtype.kind == "f":
        top = np.maximum.reduce(y, None)
        if top != top:
            return None  # the last NaN of a window is the one, which argmax does not find
    return y.reshape(shape), places32.take(best).reshape(shape)


def _regular_tables(windows: list[Windows]) -> tuple[np.ndarray, ...]:
    """What `jit_pooling.max_pool_regular` wants to know of windows at fixed strides."""
    one = Windows(1, np.zeros(1, np.int64), np.ones(1, np.int64), np.ones(1, np.int64), stride=1)
    whole = [one] * (3 - len(windows)) + windows
    pads = np.array([-w.first for w in whole])
    ends = [(len(w.start) - 1) * w.stride + (w.taps - 1) * w.step + 1 for w in whole]  # of the last window, padded
    size = np.array([max(w.length - w.first, end) for w, end in zip(whole, ends, strict=True)])
    reach = [np.arange(w.taps) * w.step for w in whole]
    d, h, w = _open(reach)
    taps = ((d * size[1] + h) * size[2] + w).reshape(-1) * 4
    spots = ((d * whole[1].length + h) * whole[2].length + w).reshape(-1)
    starts = [np.ascontiguousarray(v.start, np.int64) for v in whole]
    return pads, size, np.array([v.stride for v in whole]), starts[2], starts[0], starts[1], taps, spots


def _max_numpy(x: np.ndarray, windows: list[Windows]) -> tuple[np.ndarray, np.ndarray]:
    floating = x.dtype.kind == "f"
    lowest = -np.inf if floating else (np.iinfo(x.dtype).min if x.dtype.kind in "iu" else False)
    shape = tuple(len(w.start) for w in windows)
    best = np.full((len(x), *shape), lowest, x.dtype)
    strides = [math.prod(w.length for w in windows[k + 1 :]) for k in range(len(windows))]
    corner = sum(_open([w.start * s for w, s in zip(windows, strides, strict=True)]))
    indices = np.array(np.broadcast_to(corner, best.shape), np.int64, order="C")
    taps = [range(max((-(-(w.end - w.start) // w.step)).max(initial=0), 0)) for w in windows]
    for offset in itertools.product(*taps):
        places = [w.start + o * w.step for w, o in zip(windows, offset, strict=True)]
        inside = _open([p < w.end for p, w in zip(places, windows, strict=True)])
        places = [np.minimum(p, w.length - 1) for p, w in zip(places, windows, strict=True)]
        at: Any = (slice(None), *_open(places))
        value = x[at]
        better = value > best
        if floating:
            better |= np.isnan(value)
        for mask in inside:
            better &= mask
        np.copyto(best, value, where=better)
        np.copyto(indices, sum(_open([p * s for p, s in zip(places, strides, strict=True)])), where=better)
    return best, indices


def max_pool_backward(g: np.ndarray, indices: np.ndarray, input_shape: Ints, dims: int) -> np.ndarray:
    """Add each gradient at the index its maximum came from; the last `dims` dimensions make a plane.

    Raises
    ------
    IndexError
        An index lies outside its plane.
    """
    planes, area = _scatter_shape("max_pool_backward", g, indices, input_shape, dims)
    if g.size == 0:
        return np.zeros(tuple(input_shape), g.dtype)
    jit = _jit(g)
    if jit is None or indices.dtype != np.int32:
        _check_indices("max_pool_backward", indices, area)
        gx = np.zeros(planes * area, g.dtype)
        where = (indices.reshape(planes, -1) + _plane_starts(planes, area)).reshape(-1)
        np.add.at(gx, where, g.reshape(-1))  # in one dimension NumPy has a quick way
        return gx.reshape(tuple(input_shape))
    gx, outside = np.empty((planes, area), g.dtype), np.zeros(planes, np.bool_)
    flat, where = np.ascontiguousarray(g).reshape(planes, -1), np.ascontiguousarray(indices).reshape(planes, -1)
    runtime.parallel(jit.max_pool_backward, planes, flat, where, gx, outside, grain=_grain(gx.size, planes))
    if outside.any():
        _check_indices("max_pool_backward", indices, area)
    return gx.reshape(tuple(input_shape))


def max_unpool(x: np.ndarray, indices: np.ndarray, spatial: Ints) -> np.ndarray:
    """Put each value at its index in a plane of zeros (`torch.nn.functional.max_unpool2d`)."""
    shape = x.shape[: x.ndim - len(spatial)] + tuple(spatial)
    planes, area = _scatter_shape("max_unpool", x, indices, shape, len(spatial))
    _check_indices("max_unpool", indices, area)
    y = np.zeros((planes, area), x.dtype)
    if x.size:
        np.put_along_axis(y, indices.reshape(planes, -1).astype(np.int64, copy=False), x.reshape(planes, -1), 1)
    return y.reshape(shape)


def _scatter_shape(function: str, g: np.ndarray, indices: np.ndarray, shape: Ints, dims: int) -> tuple[int, int]:
    """Number of planes and their area."""
    planes, spatial = _planes(function, shape, dims)
    if g.shape != indices.shape or g.ndim != len(shape) or g.shape[: len(planes)] != planes:
        raise RuntimeError(
            f"{function}: values {g.shape} and indices {indices.shape} do not fit planes of {tuple(shape)}"
        )
    return math.prod(planes), math.prod(spatial)


def _check_indices(function: str, indices: np.ndarray, area: int) -> None:
    if indices.dtype == np.int32 and indices.size and np.maximum.reduce(indices.view(np.uint32), None) < area:
        return  # as an unsigned number a negative one is huge
    if indices.size and (indices.min() < 0 or indices.max() >= area):
        wrong = int(indices[(indices < 0) | (indices >= area)][0])
        raise IndexError(f"{function}: index {wrong} is outside its plane, which has {area} elements")


# ------------------------------------------------------------------------------------------------ average


def avg_pool(
    x: np.ndarray,
    kernel: Ints,
    stride: int | Ints | None = None,
    padding: int | Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> np.ndarray:
    """Mean of each window; `divisor_override` replaces the number of elements. See the module's docstring."""
    planes, spatial = _planes("avg_pool", x.shape, len(kernel))
    windows = _regular("avg_pool", spatial, kernel, stride, padding, 1, ceil_mode, count_include_pad)
    return _average(x, planes, windows, _override("avg_pool", divisor_override))


def avg_pool_backward(
    g: np.ndarray,
    input_shape: Ints,
    kernel: Ints,
    stride: int | Ints | None = None,
    padding: int | Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> np.ndarray:
    """Gradient of `avg_pool`: each one spread evenly over its window."""
    planes, spatial = _planes("avg_pool_backward", input_shape, len(kernel))
    windows = _regular("avg_pool_backward", spatial, kernel, stride, padding, 1, ceil_mode, count_include_pad)
    return _spread("avg_pool_backward", g, planes, windows, _override("avg_pool_backward", divisor_override))


def adaptive_avg_pool(x: np.ndarray, output_size: Ints) -> np.ndarray:
    """Mean of each of ``output_size`` nearly equal windows."""
    planes, spatial = _planes("adaptive_avg_pool", x.shape, len(output_size))
    return _average(x, planes, _adaptive("adaptive_avg_pool", spatial, output_size))


def adaptive_avg_pool_backward(g: np.ndarray, input_shape: Ints, output_size: Ints) -> np.ndarray:
    """Gradient of `adaptive_avg_pool`."""
    planes, spatial = _planes("adaptive_avg_pool_backward", input_shape, len(output_size))
    windows = _adaptive("adaptive_avg_pool_backward", spatial, output_size)
    return _spread("adaptive_avg_pool_backward", g, planes, windows)


def _override(function: str, divisor: int | None) -> int | None:
    if divisor == 0:
        raise RuntimeError(f"{function}: divisor_override must not be zero")
    return divisor


def _divided(layout: Layout, divisor: int | None) -> list[np.ndarray]:
    """The kernels' tables, with `divisor` in place of the counts."""
    if divisor is None:
        return layout.tables
    tables = list(layout.tables)
    for k in (2, 5, 8):
        tables[k] = np.full_like(tables[k], divisor if k == 2 else 1)
    return tables


def _average(x: np.ndarray, planes: tuple[int, ...], layout: Layout, divisor: int | None = None) -> np.ndarray:
    shape = planes + layout.output
    if x.dtype.kind != "f":
        raise RuntimeError(f"avg_pool: expected a floating-point input, got {x.dtype}")
    jit = _jit(x)
    if jit is not None and 0 not in shape:
        windows = layout.windows
        solid = _solid(x, planes, windows)
        y = np.empty(shape, x.dtype)
        if divisor is None and layout.whole:
            runtime.parallel(
                jit.plane_means,
                len(solid),
                solid.reshape(len(solid), -1),
                y.reshape(-1),
                grain=_grain(x.size, len(solid)),
            )
            return y
        out = y.reshape(len(solid), *layout.padding_front, *layout.output)
        tables = _divided(layout, divisor)
        runtime.parallel(jit.avg_pool, len(solid), solid, *tables, out, grain=_grain(x.size, len(solid)))
        return y
    wide = x.astype(np.float32) if x.dtype == np.float16 else x
    if 0 in shape:
        return np.empty(shape, x.dtype)
    divisors = layout.divisors(wide.dtype, divisor)
    flat = wide.reshape(-1, layout.area)
    if layout.whole:
        y = np.add.reduce(flat, 1, keepdims=True)
    elif len(flat) * len(divisors) * layout.taps <= GATHERED:
        padded = np.empty((len(flat), layout.area + 1), flat.dtype)
        padded[:, :-1] = flat
        padded[:, -1] = 0
        y = np.add.reduce(padded.take(layout.padded_places, 1).reshape(len(flat), -1, len(divisors)), 1)
    else:
        for axis, w in enumerate(layout.windows, start=len(planes)):  # a product of intervals: a dimension at a time
            front: Any = (slice(None),) * axis
            wide = np.stack([wide[(*front, slice(s, e))].sum(axis) for s, e in zip(w.start, w.end, strict=True)], axis)
        y = wide.reshape(len(flat), -1)
    y /= divisors
    return y.reshape(shape).astype(x.dtype, copy=False)


def _spread(
    function: str, g: np.ndarray, planes: tuple[int, ...], layout: Layout, divisor: int | None = None
) -> np.ndarray:
    expected = planes + layout.output
    if g.shape != expected:
        raise RuntimeError(f"{function}: expected a gradient of shape {expected}, got {g.shape}")
    shape = planes + layout.input
    jit = _jit(g)
    count = math.prod(planes)
    if jit is not None:
        gx = np.empty(shape, g.dtype)
        up = np.ascontiguousarray(g).reshape(count, *layout.padding_front, *layout.output)
        out = gx.reshape(count, *layout.padding_front, *layout.input)
        tables = _divided(layout, divisor)
        runtime.parallel(jit.avg_pool_backward, count, up, *tables, out, grain=_grain(gx.size, count))
        return gx
    if g.size == 0:
        return np.zeros(shape, g.dtype)
    divisors = layout.divisors(g.dtype, divisor)
    part = g.reshape(count, -1) / divisors
    if count * layout.area * layout.taps <= GATHERED:
        padded = np.empty((count, len(divisors) + 1), part.dtype)
        padded[:, :-1] = part
        padded[:, -1] = 0
        table = layout.covering
        part = padded.take(table.reshape(-1), 1)
        if len(table) > 1:
            part = np.add.reduce(part.reshape(count, *table.shape), 1)
    else:
        part = part.reshape(expected)
        for axis, w in enumerate(layout.windows, start=len(planes)):
            wide = np.zeros((*part.shape[:axis], w.length, *part.shape[axis + 1 :]), part.dtype)
            front: Any = (slice(None),) * axis
            for o, (s, e) in enumerate(zip(w.start, w.end, strict=True)):
                wide[(*front, slice(s, e))] += part[(*front, slice(o, o + 1))]
            part = wide
    return part.reshape(shape).astype(g.dtype, copy=False)


def warm() -> list[tuple[str, Any]]:
    """What ``python -m autograd_core.kernels warm`` compiles."""
    x = np.zeros((4, 8, 32, 32), np.float32)
    large = np.zeros((32, 8, 16, 16), np.float32)
    return [
        ("max_pool 2 x 2", lambda: max_pool(x, (2, 2))),
        ("max_pool", lambda: max_pool(x, (3, 3), 2, 1)),
        ("max_pool_backward", lambda: max_pool_backward(large, large.astype(np.int32), (32, 8, 32, 32), 2)),
        ("avg_pool", lambda: avg_pool(x, (2, 2))),
        ("avg_pool_backward", lambda: avg_pool_backward(large, (32, 8, 32, 32), (2, 2))),
    ]
