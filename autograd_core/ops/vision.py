"""Rearrangements of images (pixel shuffle, unfold, fold) and sampling at given places (affine_grid, grid_sample)."""

from __future__ import annotations

import functools
import itertools
import math
import operator
import warnings
from typing import Any

import numpy as np

from ..kernels import indexing as kernels
from ..op import defop, helper, raw, sym
from ..tensor import Tensor, wrap
from .checks import floating, one_type, sizes, tensor

__all__ = ["channel_shuffle", "pixel_shuffle", "pixel_unshuffle"]

# ------------------------------------------------------------------------------------------------- shuffles


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(..., c r^2, h, w) to (..., c, h r, w r): channels become pixels (Shi et al., 2016)."""
    x, r = tensor("pixel_shuffle", input), upscale_factor
    s = x.array.shape
    if len(s) < 3:
        raise RuntimeError(f"pixel_shuffle: expected at least 3 dimensions (channels, height, width), got shape {s}.")
    if r < 1:
        raise RuntimeError(f"pixel_shuffle: upscale_factor must be positive, got {r}.")
    if s[-3] % (r * r):
        raise RuntimeError(
            f"pixel_shuffle: {s[-3]} channels (shape {s}) cannot be divided by the square of upscale_factor={r}."
        )
    lead, n = s[:-3], len(s) - 3
    c, h, w = s[-3] // (r * r), s[-2], s[-1]
    y = sym.permute(sym.reshape(x, (*lead, c, r, r, h, w)), (*range(n), n, n + 3, n + 1, n + 4, n + 2))
    return sym.reshape(y, (*lead, c, h * r, w * r))


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(..., c, h r, w r) to (..., c r^2, h, w): the inverse of :func:`pixel_shuffle`."""
    x, r = tensor("pixel_unshuffle", input), downscale_factor
    s = x.array.shape
    if len(s) < 3:
        raise RuntimeError(f"pixel_unshuffle: expected at least 3 dimensions (channels, height, width), got shape {s}.")
    if r < 1:
        raise RuntimeError(f"pixel_unshuffle: downscale_factor must be positive, got {r}.")
    if s[-2] % r or s[-1] % r:
        raise RuntimeError(f"pixel_unshuffle: height and width of shape {s} cannot be divided by downscale_factor={r}.")
    lead, n = s[:-3], len(s) - 3
    c, h, w = s[-3], s[-2] // r, s[-1] // r
    y = sym.permute(sym.reshape(x, (*lead, c, h, r, w, r)), (*range(n), n, n + 2, n + 4, n + 1, n + 3))
    return sym.reshape(y, (*lead, c * r * r, h, w))


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The channels of ``groups`` groups dealt out in turn (Zhang et al., "ShuffleNet", 2017)."""
    x = tensor("channel_shuffle", input)
    s = x.array.shape
    if len(s) < 3:
        raise RuntimeError(f"channel_shuffle: expected at least 3 dimensions (batch, channels, ...), got shape {s}.")
    if groups < 1 or s[1] % groups:
        raise RuntimeError(f"channel_shuffle: {s[1]} channels (shape {s}) cannot be divided into groups={groups}.")
    y = sym.transpose(sym.reshape(x, (s[0], groups, s[1] // groups, *s[2:])), 1, 2)
    return sym.reshape(y, s)


# ------------------------------------------------------------------------------------------------- unfold and fold


def _places(size: int, kernel: int, dilation: int, padding: int, stride: int) -> int:
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def _unfold(x: Any, kernel: Any, dilation: Any, padding: Any, stride: Any) -> Any:
    n, c, h, w = x.shape
    oh, ow = (_places(*a) for a in zip((h, w), kernel, dilation, padding, stride, strict=True))
    p = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2)) if any(padding) else x
    s = p.strides
    windows = np.lib.stride_tricks.as_strided(
        p,
        (n, c, *kernel, oh, ow),
        (s[0], s[1], s[2] * dilation[0], s[3] * dilation[1], s[2] * stride[0], s[3] * stride[1]),
        writeable=False,
    )
    return windows.reshape(n, c * kernel[0] * kernel[1], oh * ow)


def _fold(x: Any, output: Any, kernel: Any, dilation: Any, padding: Any, stride: Any) -> Any:
    n = x.shape[0]
    c = x.shape[1] // (kernel[0] * kernel[1])
    oh, ow = (_places(*a) for a in zip(output, kernel, dilation, padding, stride, strict=True))
    columns = x.reshape(n, c, *kernel, oh, ow)
    out = np.zeros((n, c, output[0] + 2 * padding[0], output[1] + 2 * padding[1]), x.dtype)
    for i, j in itertools.product(range(kernel[0]), range(kernel[1])):
        y0, x0 = i * dilation[0], j * dilation[1]
        out[:, :, y0 : y0 + stride[0] * (oh - 1) + 1 : stride[0], x0 : x0 + stride[1] * (ow - 1) + 1 : stride[1]] += (
            columns[:, :, i, j]
        )
    return out[:, :, padding[0] : padding[0] + output[0], padding[1] : padding[1] + output[1]]


defop(
    _unfold,
    params="kernel dilation padding stride",
    name="unfold",
    formula="each window of x as a column",
    x=lambda g, x_shape, kernel, dilation, padding, stride, F: F.fold(
        g, x_shape[2:], kernel, dilation, padding, stride
    ),
)
defop(
    _fold,
    params="output kernel dilation padding stride",
    name="fold",
    formula="columns added into the windows they belong to",
    x=lambda g, kernel, dilation, padding, stride, F: F.unfold(g, kernel, dilation, padding, stride),
)


def _window_arguments(name: str, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Any:
    kernel, dilation = sizes(name, kernel_size, 2, "kernel_size"), sizes(name, dilation, 2, "dilation")
    padding, stride = sizes(name, padding, 2, "padding"), sizes(name, stride, 2, "stride")
    for what, values, least in (
        ("kernel_size", kernel, 1),
        ("dilation", dilation, 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
    ):
        if min(values) < least:
            raise RuntimeError(f"{name}: {what} must be {'positive' if least else 'non-negative'}, got {values}.")
    return kernel, dilation, padding, stride


def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """Each window of an image as a column: (n, c, h, w) to (n, c kh kw, windows).

    Raises
    ------
    RuntimeError
        If the window does not fit.
    """
    x = tensor("unfold", input)
    arguments = _window_arguments("unfold", kernel_size, dilation, padding, stride)
    s = x.array.shape
    if len(s) not in (3, 4) or 0 in s[-3:]:
        raise RuntimeError(f"unfold: expected a 3-d or 4-d input whose sizes but the batch's are not 0, got shape {s}.")
    whole = x if len(s) == 4 else sym.reshape(x, (1, *s))
    counts = tuple(_places(*a) for a in zip(s[-2:], *arguments, strict=True))
    if min(counts) < 1:
        raise RuntimeError(
            f"unfold: a kernel of {arguments[0]} with dilation {arguments[1]} and padding {arguments[2]} does not fit "
            "into the input "
            f"{s[-2:]}: there would be {counts} windows."
        )
    y = sym.unfold(whole, *arguments)
    return y if len(s) == 4 else sym.reshape(y, y.array.shape[1:])


def fold(
    input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Columns added into the windows of an image, (n, c kh kw, windows) to (n, c, h, w): the transpose of `unfold`.

    Raises
    ------
    RuntimeError
        If rows or columns do not fit the windows.
    """
    x = tensor("fold", input)
    out = sizes("fold", output_size, 2, "output_size")
    arguments = _window_arguments("fold", kernel_size, dilation, padding, stride)
    s, kernel = x.array.shape, arguments[0]
    if len(s) not in (2, 3):
        raise RuntimeError(f"fold: expected a 2-d or 3-d input (batch, channels * kernel, windows), got shape {s}.")
    if s[-2] % (kernel[0] * kernel[1]):
        raise RuntimeError(
            f"fold: dimension 1 of the input, {s[-2]} (shape {s}), must be divisible by the kernel's size "
            f"{math.prod(kernel)}."
        )
    counts = tuple(_places(*a) for a in zip(out, *arguments, strict=True))
    if min(counts) < 1 or s[-1] != math.prod(counts):
        raise RuntimeError(
            f"fold: output_size={out}, kernel_size={kernel}, dilation={arguments[1]}, padding={arguments[2]}, "
            f"stride={arguments[3]} "
            f"give {counts[0]} x {counts[1]} = {math.prod(counts)} windows, the input {s} has {s[-1]}."
        )
    y = sym.fold(x if len(s) == 3 else sym.reshape(x, (1, *s)), out, *arguments)
    return y if len(s) == 3 else sym.reshape(y, y.array.shape[1:])


# ------------------------------------------------------------------------------------------------- affine_grid


def _base_grid(size: tuple[int, ...], align_corners: bool, dtype: Any) -> Any:
    """Homogeneous coordinates of the places of an image, (places, rank + 1), x first."""
    lines = []
    for s in size:
        line = np.linspace(-1, 1, s) if s > 1 else np.zeros(s)
        lines.append(line if align_corners else line * ((s - 1) / s))
    mesh = np.meshgrid(*lines, indexing="ij")
    return np.stack([*(m.reshape(-1) for m in reversed(mesh)), np.ones(mesh[0].size)], 1).astype(dtype)


def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    """The sampling grid of an affine map, for :func:`grid_sample`.

    Parameters
    ----------
    theta : Tensor, (n, 2, 3) or (n, 3, 4)
        Affine matrices.
    size : sequence of int, (n, c, h, w) or (n, c, d, h, w)
        Size of the image to be sampled.
    align_corners : bool
        Whether -1 and 1 are the centres of the corner pixels (True) or their outer edges.

    Returns
    -------
    Tensor, (n, h, w, 2) or (n, d, h, w, 3)
    """
    x = floating("affine_grid", theta, "theta")
    full = tuple(int(s) for s in size)
    rank = len(full) - 2
    if rank not in (2, 3):
        raise NotImplementedError(f"affine_grid: size must be (n, c, h, w) or (n, c, d, h, w), got {full}.")
    if min(full) <= 0:
        raise ValueError(f"affine_grid: expected a non-zero, positive output size, got {full}.")
    if x.array.shape != (full[0], rank, rank + 1):
        raise ValueError(
            f"affine_grid: expected a batch of {rank}d affine matrices of shape ({full[0]}, {rank}, {rank + 1}) for "
            f"size {full}, got "
            f"{x.array.shape}."
        )
    if align_corners is None:
        warnings.warn(
            "affine_grid: align_corners was left out and is False; set it to say so.", UserWarning, stacklevel=2
        )
    base = wrap(_base_grid(full[2:], bool(align_corners), x.array.dtype))
    flat = sym.matmul(base, sym.transpose(x, 1, 2))
    return sym.reshape(flat, (full[0], *full[2:], rank))


# ------------------------------------------------------------------------------------------------- grid_sample


# Images are sampled as tables of pixels, (n * pixels, channels): a tap is then a row to pick or to add.


def _gather_points(x: Any, index: Any) -> Any:
    """``y[k] = x[index[k]]``, rows."""
    return x.take(index, 0)


def _scatter_points(x: Any, index: Any, size: int) -> Any:
    """Zeros (size, c) with ``x[k]`` added to row ``index[k]``."""
    return kernels.add_rows(np.zeros((size, *x.shape[1:]), x.dtype), index, x)


defop(
    _gather_points,
    "x index",
    name="gather_points",
    formula="y[k] = x[index[k]], rows",
    x=lambda g, index, x_shape, F: F.scatter_points(g, index, x_shape[0]),
)
defop(
    _scatter_points,
    "x index",
    "size",
    name="scatter_points",
    formula="zeros with x[k] added to row index[k]",
    x=lambda g, index, F: F.gather_points(g, index),
)


def _mirror(F: Any, at: Any, low: float, high: float) -> Any:
    """Reflect coordinates at low and high."""
    span = high - low
    if span <= 0:
        return at * 0
    d = F.abs(at - low)
    turns = F.floor(d / span)
    rest = d - turns * span
    return F.where(F.remainder(turns, 2.0) == 0, rest + low, high - rest)


@helper
def sample_coordinates(F: Any, grid: Any, size: int, mode: str, padding: str, align_corners: bool) -> Any:
    """Pixel coordinates along one dimension from coordinates in [-1, 1]."""
    at = (grid + 1) * ((size - 1) / 2) if align_corners else ((grid + 1) * size - 1) * 0.5
    return at if mode == "bicubic" else F.sample_inside(at, size, padding, align_corners)


@helper
def sample_inside(F: Any, at: Any, size: int, padding: str, align_corners: bool) -> Any:
    """Coordinates brought inside the image, by its border or by reflection."""
    if padding == "border":
        return F.clamp(at, 0.0, size - 1.0)
    if padding == "reflection":
        at = _mirror(F, at, 0.0, size - 1.0) if align_corners else _mirror(F, at, -0.5, size - 0.5)
        return F.clamp(at, 0.0, size - 1.0)
    return at


CUBIC = -0.75  # the constant of Keys' kernel that PyTorch uses


def _cubic_weights(f: Any) -> list[Any]:
    """Weights of the four pixels around a place at fraction f (works on arrays and Tensors)."""
    a, h = CUBIC, 1 - f
    return [
        ((a * (f + 1) - 5 * a) * (f + 1) + 8 * a) * (f + 1) - 4 * a,
        ((a + 2) * f - (a + 3)) * f * f + 1,
        ((a + 2) * h - (a + 3)) * h * h + 1,
        ((a * (h + 1) - 5 * a) * (h + 1) + 8 * a) * (h + 1) - 4 * a,
    ]


def _cubic_slopes(f: Any) -> list[Any]:
    a, h = CUBIC, 1 - f
    outer = lambda d: (3 * a * d - 10 * a) * d + 8 * a
    inner = lambda d: (3 * (a + 2) * d - 2 * (a + 3)) * d
    return [outer(f + 1), inner(f), -inner(h), -outer(h + 1)]


def _numbers(at: Any) -> Any:
    return at.array if isinstance(at, Tensor) else at


def _taps(at: Any, size: int, mode: str, padding: str, align_corners: bool) -> list[tuple[Any, Any, Any]]:
    """For each pixel that counts along one dimension: its place (clipped), whether it exists, its weight.

    ``at`` may be a Tensor, the weights are then too.
    """
    values = np.nan_to_num(_numbers(at), nan=-1.0, posinf=2.0**31, neginf=-(2.0**31))
    values = np.clip(values, -(2.0**31), 2.0**31)
    if mode == "nearest":
        ones = np.ones(values.shape, bool)  # a Tensor's weight stays on its graph, with derivative 0
        places, weights = (
            [np.rint(values)],
            [sym.masked_fill(at, wrap(ones), 1.0) if isinstance(at, Tensor) else np.ones_like(values)],
        )
    else:
        low = np.floor(values)
        f = at - low if not isinstance(at, Tensor) else at - wrap(low)
        if mode == "bicubic":
            places, weights = [low + k for k in (-1, 0, 1, 2)], _cubic_weights(f)
        else:
            places, weights = [low, low + 1], [1 - f, f]
    out = []
    for place, weight in zip(places, weights, strict=True):
        if mode == "bicubic" and padding != "zeros":
            place = np.rint(_inside_numbers(place, size, padding, align_corners))
        exists = (place >= 0) & (place < size)
        out.append((np.clip(place, 0, size - 1).astype(np.int64), exists, weight))
    return out


def _inside_numbers(at: Any, size: int, padding: str, align_corners: bool) -> Any:
    return raw.sample_inside(at, size, padding, align_corners)


def _combinations(taps: list[list[tuple[Any, Any, Any]]], spatial: tuple[int, ...]) -> Any:
    """Each pixel around the places: its row in the table, whether it exists, its weight in each dimension."""
    first = np.arange(len(taps[0][0][0]))[:, None] * math.prod(spatial)
    for choice in itertools.product(*taps):
        index = functools.reduce(lambda i, ts: i * ts[1] + ts[0][0], zip(choice, spatial, strict=True), 0)
        exists = functools.reduce(operator.and_, (c[1] for c in choice))
        yield (index + first).reshape(-1), exists, [c[2] for c in choice]


def _pixels(x: Any) -> Any:
    """(n, c, *spatial) as (n * pixels, c)."""
    return np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])


def _images(rows: Any, n: int, spatial: tuple[int, ...]) -> Any:
    """The inverse of `_pixels`."""
    return np.ascontiguousarray(np.moveaxis(rows.reshape(n, *spatial, -1), -1, 1))


def _split_grid(grid: Any) -> list[Any]:
    """(n, *out, rank) to one (n, places) array for each spatial dimension (the grid has x first)."""
    rank, n = grid.shape[-1], grid.shape[0]
    return [grid[..., rank - 1 - d].reshape(n, -1) for d in range(rank)]


def _grid_sample(x: Any, grid: Any, kind: str, padding: str, align_corners: bool) -> Any:
    n, spatial, table = x.shape[0], x.shape[2:], _pixels(x)
    taps = [
        _taps(raw.sample_coordinates(u, s, kind, padding, align_corners), s, kind, padding, align_corners)
        for u, s in zip(_split_grid(grid), spatial, strict=True)
    ]
    y = np.zeros((n * math.prod(grid.shape[1:-1]), x.shape[1]), x.dtype)
    for index, exists, weights in _combinations(taps, spatial):
        weight = np.where(exists, functools.reduce(operator.mul, weights), 0).astype(x.dtype, copy=False)
        part = table.take(index, 0)
        part *= weight.reshape(-1, 1)
        y += part
    return _images(y, n, grid.shape[1:-1])


def _coordinate_slope(u: Any, size: int, mode: str, padding: str, align_corners: bool) -> Any:
    """d(pixel coordinate)/d(grid coordinate): its scale, 0 beyond a border, negative where reflected."""
    scale = (size - 1) / 2 if align_corners else size / 2
    at = (u + 1) * ((size - 1) / 2) if align_corners else ((u + 1) * size - 1) * 0.5
    if mode == "bicubic" or padding == "zeros":
        return scale
    sign: Any = 1.0
    if padding == "reflection":
        low, high = (0.0, size - 1.0) if align_corners else (-0.5, size - 0.5)
        if high <= low:
            return 0.0
        d = np.abs(at - low)
        even = np.floor(d / (high - low)) % 2 == 0
        sign = np.where(even, 1.0, -1.0) * np.where(at < low, -1.0, 1.0)
        at = _mirror(raw, at, low, high)
    return scale * sign * ((at >= 0) & (at <= size - 1))


def _grid_sample_rule(g: Any, x: Any, grid: Any, kind: str, padding: str, align_corners: bool, needs: Any) -> Any:
    n, spatial, table, up = x.shape[0], x.shape[2:], _pixels(x), _pixels(g)
    coordinates = _split_grid(grid)
    ats = [
        raw.sample_coordinates(u, s, kind, padding, align_corners) for u, s in zip(coordinates, spatial, strict=True)
    ]
    taps = [_taps(at, s, kind, padding, align_corners) for at, s in zip(ats, spatial, strict=True)]
    gx = np.zeros_like(table) if needs[0] else None
    moved = [np.zeros(u.shape, x.dtype) for u in coordinates]
    slopes = []
    for at in ats if needs[1] and kind != "nearest" else []:
        f = at - np.floor(at)
        slopes.append(_cubic_slopes(f) if kind == "bicubic" else [-np.ones_like(f), np.ones_like(f)])
    numbers = itertools.product(*(range(len(t)) for t in taps))
    for which, (index, exists, weights) in zip(numbers, _combinations(taps, spatial), strict=True):
        if gx is not None:
            weight = np.where(exists, functools.reduce(operator.mul, weights), 0).astype(x.dtype, copy=False)
            kernels.add_rows(gx, index, up * weight.reshape(-1, 1))
        if slopes:
            dot = np.where(exists, np.einsum("kc,kc->k", up, table.take(index, 0)).reshape(exists.shape), 0)
            for d in range(len(spatial)):
                others = [w if k != d else slopes[d][which[d]] for k, w in enumerate(weights)]
                moved[d] += dot * functools.reduce(operator.mul, others)
    g_grid = None
    if needs[1]:
        parts = [
            m * _coordinate_slope(u, s, kind, padding, align_corners)
            for m, u, s in zip(moved, coordinates, spatial, strict=True)
        ]
        g_grid = np.stack(parts[::-1], -1).reshape(grid.shape).astype(grid.dtype, copy=False)
    return None if gx is None else _images(gx, n, spatial), g_grid


def _grid_sample_reference(x: Any, grid: Any, kind: str, padding: str, align_corners: bool) -> Any:
    n, c, *spatial = x.array.shape
    order = (0, *range(2, len(spatial) + 2), 1)
    table = sym.reshape(sym.permute(x, order), (n * math.prod(spatial), c))
    rank, out = grid.array.shape[-1], grid.array.shape[1:-1]
    taps = []
    for d, s in enumerate(spatial):
        u = sym.reshape(sym.getitem(grid, (Ellipsis, rank - 1 - d)), (n, math.prod(out)))
        at = sym.sample_coordinates(u, s, kind, padding, align_corners)
        taps.append(_taps(at, s, kind, padding, align_corners))
    y: Any = 0.0
    for index, exists, weights in _combinations(taps, tuple(spatial)):
        weight = functools.reduce(lambda a, b: a * b, [w if isinstance(w, Tensor) else wrap(w) for w in weights])
        weight = sym.reshape(sym.where(wrap(exists), weight, 0.0), (n * math.prod(out), 1))
        y = y + sym.gather_points(table, wrap(index)) * weight
    back = (0, len(out) + 1, *range(1, len(out) + 1))
    return sym.permute(sym.reshape(y, (n, *out, c)), back)


# Jaderberg et al., "Spatial Transformer Networks", 2015.
defop(
    _grid_sample,
    "x grid",
    "kind padding align_corners",
    name="grid_sample",
    formula="y[n, c, p] = x[n, c] interpolated at grid[n, p]",
    reference=_grid_sample_reference,
    joint=_grid_sample_rule,
)


def grid_sample(
    input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Tensor:
    """Sample images at the places that ``grid`` names.

    Parameters
    ----------
    input : Tensor, (n, c, h, w) or (n, c, d, h, w)
    grid : Tensor, (n, oh, ow, 2) or (n, od, oh, ow, 3)
        Coordinates (x, y) or (x, y, z), from -1 to 1 across the image.
    mode : {"bilinear", "nearest", "bicubic"}
        "bilinear" is trilinear for volumes; "bicubic" is for images only.
    padding_mode : {"zeros", "border", "reflection"}
        What lies outside.
    align_corners : bool
        Whether -1 and 1 are the centres of the corner pixels (True) or their outer edges.

    Returns
    -------
    Tensor, (n, c, oh, ow) or (n, c, od, oh, ow)

    Raises
    ------
    ValueError, RuntimeError
        If arguments or shapes do not fit.
    """
    name = "grid_sample"
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(f"{name}: expected mode to be 'bilinear', 'nearest' or 'bicubic', got {mode!r}.")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            f"{name}: expected padding_mode to be 'zeros', 'border' or 'reflection', got {padding_mode!r}."
        )
    x, places = floating(name, input), floating(name, grid, "grid")
    one_type(name, input=x, grid=places)
    s, p = x.array.shape, places.array.shape
    rank = len(s) - 2
    if rank not in (2, 3) or len(p) != len(s) or p[-1] != rank or p[0] != s[0]:
        raise RuntimeError(
            f"{name}: expected input (n, c, h, w) with grid (n, oh, ow, 2), or input (n, c, d, h, w) with grid (n, "
            f"od, oh, ow, 3), got {s} "
            f"and {p}."
        )
    if mode == "bicubic" and rank == 3:
        raise RuntimeError(f"{name}: mode 'bicubic' takes 4-d input only, got shape {s}.")
    if 0 in s[2:]:
        raise RuntimeError(f"{name}: the input's spatial sizes must not be 0, got shape {s}.")
    if align_corners is None:
        warnings.warn(
            "grid_sample: align_corners was left out and is False; set it to say so.", UserWarning, stacklevel=2
        )
    return sym.grid_sample(x, places, mode, padding_mode, bool(align_corners))
