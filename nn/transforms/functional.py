"""Operations on images without chance: the arithmetic under the transforms.

An image is an array, (H, W) for grey or (H, W, C) for colour, or a tensor (..., C, H, W) or (H, W); the result is of
the same kind. Integer images span their dtype's range (0 to 255 for uint8), float images 0 to 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

import autograd_core as ac

__all__ = [
    "adjust_brightness",
    "adjust_contrast",
    "adjust_hue",
    "adjust_saturation",
    "affine",
    "center_crop",
    "convert_image_dtype",
    "crop",
    "erase",
    "gaussian_blur",
    "get_dimensions",
    "hflip",
    "invert",
    "normalize",
    "pad",
    "resize",
    "resized_crop",
    "rgb_to_grayscale",
    "rotate",
    "to_tensor",
    "vflip",
]  # fmt: skip

Size = int | Sequence[int]


# ---------------------------------------------------------------------------------------------------------------------
# Kinds of image


class Planes(NamedTuple):
    """An image as planes (..., H, W), and the way back to the kind it came in."""

    values: np.ndarray
    back: Callable[[np.ndarray], Any]


def as_planes(who: str, image: Any) -> Planes:
    """View `image` as planes with height and width last."""
    if isinstance(image, ac.Tensor):
        if image.ndim < 2:
            raise ValueError(f"{who}: expected an image tensor (..., C, H, W), got shape {tuple(image.shape)}.")
        return Planes(image.array, lambda out: ac.from_numpy(np.ascontiguousarray(out)))
    if not isinstance(image, np.ndarray):
        if not hasattr(image, "__array_interface__"):  # what Pillow's images have
            raise TypeError(f"{who}: expected an image as array or tensor, got {type(image).__name__}.")
        image = np.asarray(image)
    if image.ndim == 2:
        return Planes(image, np.ascontiguousarray)
    if image.ndim == 3:
        return Planes(
            image.transpose(2, 0, 1),
            lambda out: np.ascontiguousarray(np.moveaxis(out, -3, -1) if out.ndim == 3 else out),
        )
    raise ValueError(f"{who}: expected an image array (H, W) or (H, W, C), got shape {image.shape}.")


def full_value(dtype: np.dtype[Any]) -> float:
    """What stands for full intensity in `dtype`."""
    return 1.0 if dtype.kind in "fb" else float(np.iinfo(dtype).max)


def _like(values: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Float `values` in `dtype`: integers are rounded and clipped to their range."""
    if dtype.kind == "f":
        return values.astype(dtype, copy=False)
    if dtype.kind == "b":
        return values >= 0.5
    info = np.iinfo(dtype)
    return np.clip(np.rint(values), info.min, info.max).astype(dtype)


def _work_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The float type to compute in: float64 stays, all else is float32."""
    return np.dtype(np.float64 if dtype == np.float64 else np.float32)


def get_dimensions(image: Any) -> tuple[int, int, int]:
    """(channels, height, width) of `image`."""
    values = as_planes("get_dimensions", image).values
    return (values.shape[-3] if values.ndim > 2 else 1), values.shape[-2], values.shape[-1]


def pair(who: str, name: str, value: Any, least: int = 1) -> tuple[int, int]:
    """(height, width) from one number or two."""
    values = (value, value) if isinstance(value, (int, np.integer)) else tuple(value)
    if len(values) == 1:
        values *= 2
    if len(values) != 2 or any(
        isinstance(v, bool) or not isinstance(v, (int, np.integer)) or v < least for v in values
    ):
        raise ValueError(f"{who}: {name} should be one or two integers of at least {least}, got {value!r}.")
    return int(values[0]), int(values[1])


# ---------------------------------------------------------------------------------------------------------------------
# Kinds of value


def to_tensor(image: Any) -> ac.Tensor:
    """An image array (H, W) or (H, W, C) as a tensor (C, H, W); uint8 becomes float32 in [0, 1].

    Other dtypes keep their values. A tensor is handed back as it is.

    Source: PyTorch, `torchvision.transforms.functional.to_tensor`.
    """
    if isinstance(image, ac.Tensor):
        return image
    planes = as_planes("to_tensor", image).values
    if planes.ndim == 2:
        planes = planes[None]
    if planes.dtype == np.uint8:
        return ac.from_numpy(np.multiply(planes, np.float32(1 / 255), dtype=np.float32, order="C"))
    if planes.dtype == np.uint16:
        planes = planes.astype(np.int32)
    return ac.from_numpy(np.array(planes, order="C"))


def convert_image_dtype(image: Any, dtype: Any = None) -> Any:
    """The image in another dtype, its values scaled to that dtype's range (default: float32)."""
    values, back = as_planes("convert_image_dtype", image)
    target = np.dtype(np.float32 if dtype is None else getattr(dtype, "numpy", dtype))
    scaled = values.astype(np.float64) * (full_value(target) / full_value(values.dtype))
    return back(_like(scaled, target))


def normalize(image: Any, mean: Sequence[float] | float, std: Sequence[float] | float, inplace: bool = False) -> Any:
    """``(image - mean) / std`` per channel; a float image (..., C, H, W) as tensor, or an array (H, W, C).

    Source: PyTorch, `torchvision.transforms.functional.normalize`.
    """
    values, back = as_planes("normalize", image)
    if values.dtype.kind != "f":
        raise TypeError(f"normalize: expected a float image, got {values.dtype}; put ToTensor() before Normalize.")
    channels = values.shape[-3] if values.ndim > 2 else 1
    shape = (-1, 1, 1) if values.ndim > 2 else (-1, 1)
    m = np.atleast_1d(np.asarray(mean, dtype=values.dtype))
    s = np.atleast_1d(np.asarray(std, dtype=values.dtype))
    for name, given in (("mean", m), ("std", s)):
        if given.ndim != 1 or given.size not in (1, channels):
            raise ValueError(f"normalize: {name} has {given.size} values, the image has {channels} channels.")
    if (s == 0).any():
        raise ValueError(f"normalize: std {s.tolist()} has a zero, which would divide by zero.")
    if inplace and isinstance(image, ac.Tensor):
        image.sub_(ac.from_numpy(m.reshape(shape))).div_(ac.from_numpy(s.reshape(shape)))
        return image
    return back((values - m.reshape(shape)) / s.reshape(shape))


# ---------------------------------------------------------------------------------------------------------------------
# Where the pixels are


def crop(image: Any, top: int, left: int, height: int, width: int) -> Any:
    """The rectangle from (top, left); what lies outside of the image is zero.

    Source: PyTorch, `torchvision.transforms.functional.crop`.
    """
    values, back = as_planes("crop", image)
    if height < 1 or width < 1:
        raise ValueError(f"crop: height and width should be positive, got {height} x {width}.")
    h, w = values.shape[-2:]
    if top >= 0 and left >= 0 and top + height <= h and left + width <= w:
        return back(values[..., top : top + height, left : left + width].copy())
    out = np.zeros((*values.shape[:-2], height, width), values.dtype)
    y0, y1, x0, x1 = max(top, 0), min(top + height, h), max(left, 0), min(left + width, w)
    if y1 > y0 and x1 > x0:
        out[..., y0 - top : y1 - top, x0 - left : x1 - left] = values[..., y0:y1, x0:x1]
    return back(out)


def center_crop(image: Any, size: Size) -> Any:
    """The rectangle of `size` in the middle; a smaller image is padded with zeros."""
    height, width = pair("center_crop", "size", size)
    _, h, w = get_dimensions(image)
    return crop(image, _half(h - height), _half(w - width), height, width)


def _half(n: int) -> int:
    return round(n / 2.0) if n >= 0 else -((-n) // 2)


def hflip(image: Any) -> Any:
    """Left and right exchanged."""
    values, back = as_planes("hflip", image)
    return back(values[..., ::-1].copy())


def vflip(image: Any) -> Any:
    """Top and bottom exchanged."""
    values, back = as_planes("vflip", image)
    return back(values[..., ::-1, :].copy())


_PAD_MODES = {"constant": "constant", "edge": "edge", "reflect": "reflect", "symmetric": "symmetric"}


def pad(image: Any, padding: Size, fill: float = 0, padding_mode: str = "constant") -> Any:
    """Pixels added around the image.

    Parameters
    ----------
    padding : int or sequence
        All sides; (left and right, top and bottom); or (left, top, right, bottom).
    fill : float
        The value in mode "constant".
    padding_mode : {"constant", "edge", "reflect", "symmetric"}

    Source: PyTorch, `torchvision.transforms.functional.pad`.
    """
    left, top, right, bottom = padding_sides("pad", padding)
    if padding_mode not in _PAD_MODES:
        raise ValueError(f"pad: padding_mode should be one of {list(_PAD_MODES)}, got {padding_mode!r}.")
    values, back = as_planes("pad", image)
    h, w = values.shape[-2:]
    if padding_mode == "reflect" and (max(top, bottom) >= h or max(left, right) >= w):
        raise ValueError(f"pad: reflecting {padding!r} needs an image larger than the padding, this one is {h} x {w}.")
    widths = [(0, 0)] * (values.ndim - 2) + [(top, bottom), (left, right)]
    extra = {"constant_values": fill} if padding_mode == "constant" else {}
    return back(np.pad(values, widths, mode=padding_mode, **extra))  # type: ignore[call-overload]


def padding_sides(who: str, padding: Any) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) from one, two or four numbers."""
    sides = (padding,) if isinstance(padding, (int, np.integer)) else tuple(padding)
    if len(sides) not in (1, 2, 4) or any(not isinstance(n, (int, np.integer)) or n < 0 for n in sides):
        raise ValueError(f"{who}: padding should be 1, 2 or 4 non-negative integers, got {padding!r}.")
    left, top, right, bottom = sides * (4 // len(sides))
    return int(left), int(top), int(right), int(bottom)


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(0.0, 1.0 - np.abs(x))


def _cubic(x: np.ndarray, a: float = -0.5) -> np.ndarray:
    x = np.abs(x)
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


_FILTERS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], float]] = {
    "bilinear": (_triangle, 1.0),
    "bicubic": (_cubic, 2.0),
}


def _resize_matrix(old: int, new: int, interpolation: str, antialias: bool) -> np.ndarray:
    """(new, old) weights of a one-dimensional resize; row sums are 1.

    The filter's support grows with the shrinking factor (antialias), as in Pillow.
    """
    kernel, support = _FILTERS[interpolation]
    scale = old / new
    stretch = max(scale, 1.0) if antialias else 1.0
    centres = (np.arange(new) + 0.5) * scale
    positions = np.arange(old) + 0.5
    if antialias:
        weights = kernel((positions - centres[:, None]) / stretch)
        weights[np.abs(positions - centres[:, None]) > support * stretch] = 0.0
    else:  # edges repeat instead of being left out
        reach = math.ceil(support) + 1
        offsets = np.arange(-reach, reach + 1)
        nearest = np.floor(centres).astype(int)[:, None] + offsets
        taps = kernel(nearest + 0.5 - centres[:, None])
        weights = np.zeros((new, old))
        np.add.at(weights, (np.arange(new)[:, None], np.clip(nearest, 0, old - 1)), taps)
    return weights / weights.sum(1, keepdims=True)


def resize(
    image: Any, size: Size, interpolation: str = "bilinear", max_size: int | None = None, antialias: bool = True
) -> Any:
    """The image at another size.

    Parameters
    ----------
    size : int or (height, width)
        One number: the shorter side's length, the other in proportion.
    interpolation : {"nearest", "bilinear", "bicubic"}
    max_size : int, optional
        With one number as `size`: the longer side is at most this.
    antialias : bool
        Average over all pixels that fall on an output pixel when shrinking.

    Source: PyTorch, `torchvision.transforms.functional.resize`; the filters are Pillow's.
    """
    values, back = as_planes("resize", image)
    h, w = values.shape[-2:]
    if not h or not w:
        raise ValueError(f"resize: the image is empty, {h} x {w}.")
    interpolation = str(getattr(interpolation, "value", interpolation)).lower()
    if interpolation not in ("nearest", *_FILTERS):
        raise ValueError(f"resize: interpolation should be 'nearest', 'bilinear' or 'bicubic', got {interpolation!r}.")
    if isinstance(size, (int, np.integer)) or len(size) == 1:
        short, _ = pair("resize", "size", size)
        long = int(short * max(h, w) / min(h, w))
        if max_size is not None and long > max_size:
            short, long = int(max_size * short / long), max_size
        new_h, new_w = (short, long) if h <= w else (long, short)
    else:
        if max_size is not None:
            raise ValueError("resize: max_size is for a size of one number.")
        new_h, new_w = pair("resize", "size", size)
    new_h, new_w = max(new_h, 1), max(new_w, 1)
    if (new_h, new_w) == (h, w):
        return back(values.copy())
    if interpolation == "nearest":
        rows = np.minimum((np.arange(new_h) * (h / new_h)).astype(int), h - 1)
        columns = np.minimum((np.arange(new_w) * (w / new_w)).astype(int), w - 1)
        return back(values[..., rows[:, None], columns])
    work = _work_type(values.dtype)
    across = _resize_matrix(w, new_w, interpolation, antialias).astype(work)
    down = _resize_matrix(h, new_h, interpolation, antialias).astype(work)
    return back(_like(down @ (values.astype(work, copy=False) @ across.T), values.dtype))


def resized_crop(
    image: Any, top: int, left: int, height: int, width: int, size: Size, interpolation: str = "bilinear"
) -> Any:
    """`crop`, then `resize`."""
    return resize(crop(image, top, left, height, width), pair("resized_crop", "size", size), interpolation)


def rotate(
    image: Any,
    angle: float,
    interpolation: str = "nearest",
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: float = 0,
) -> Any:
    """The image turned counter-clockwise by `angle` degrees.

    Parameters
    ----------
    expand : bool
        Enlarge the output so that all of the turned image is in it.
    center : (x, y), optional
        The fixed point in pixels from the upper left corner; default: the middle.

    Source: PyTorch, `torchvision.transforms.functional.rotate`.
    """
    return _transform("rotate", image, -angle, (0.0, 0.0), 1.0, (0.0, 0.0), interpolation, fill, center, expand)


def affine(
    image: Any,
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: float | Sequence[float],
    interpolation: str = "nearest",
    fill: float = 0,
    center: Sequence[float] | None = None,
) -> Any:
    """The image turned clockwise by `angle`, sheared, scaled and moved; all around `center`.

    Parameters
    ----------
    angle : float
        Degrees.
    translate : (x, y)
        Pixels, to the right and down.
    scale : float
    shear : float or (x, y)
        Degrees.

    Source: PyTorch, `torchvision.transforms.functional.affine`.
    """
    both = (float(shear), 0.0) if isinstance(shear, (int, float)) else tuple(float(s) for s in shear)
    both = (*both, 0.0)[:2]
    if not scale > 0:
        raise ValueError(f"affine: scale should be positive, got {scale!r}.")
    if len(translate) != 2:
        raise ValueError(f"affine: translate should be two numbers, got {translate!r}.")
    return _transform("affine", image, angle, tuple(translate), scale, both, interpolation, fill, center, False)


def _matrix(angle: float, scale: float, shear: tuple[float, ...]) -> np.ndarray:
    """The 2x2 map from input to output offsets, x first and y downwards."""
    turn, sx, sy = (math.radians(v) for v in (angle, *shear))
    return scale * np.array(
        [
            [math.cos(turn - sy) / math.cos(sy), -math.cos(turn - sy) * math.tan(sx) / math.cos(sy) - math.sin(turn)],
            [math.sin(turn - sy) / math.cos(sy), -math.sin(turn - sy) * math.tan(sx) / math.cos(sy) + math.cos(turn)],
        ]
    )


def _transform(
    who: str, image: Any, angle: float, translate: tuple[float, ...], scale: float, shear: tuple[float, ...],
    interpolation: str, fill: float, center: Sequence[float] | None, expand: bool,
) -> Any:  # fmt: skip
    values, back = as_planes(who, image)
    interpolation = str(getattr(interpolation, "value", interpolation)).lower()
    if interpolation not in ("nearest", "bilinear"):
        raise ValueError(f"{who}: interpolation should be 'nearest' or 'bilinear', got {interpolation!r}.")
    if not all(math.isfinite(v) for v in (angle, scale, *translate, *shear)):
        raise ValueError(f"{who}: angle, translate, scale and shear should be finite numbers.")
    h, w = values.shape[-2:]
    forward = _matrix(angle, scale, shear)
    # A given centre counts from the corner of the image; the arithmetic is relative to its middle.
    pivot = np.zeros(2) if center is None else np.array([center[0] - w / 2, center[1] - h / 2])
    new_h, new_w = h, w
    if expand:
        corners = np.array([[-w / 2, w / 2, w / 2, -w / 2], [-h / 2, -h / 2, h / 2, h / 2]])
        reach = forward @ (corners - pivot[:, None]) + pivot[:, None]
        new_w, new_h = (math.ceil(round(v, 4)) for v in reach.max(1) - reach.min(1))
        pivot_out = pivot - (reach.max(1) + reach.min(1)) / 2
    else:
        pivot_out = pivot
    y, x = np.meshgrid(np.arange(new_h) - (new_h - 1) / 2, np.arange(new_w) - (new_w - 1) / 2, indexing="ij")
    offsets = np.stack([x.ravel() - pivot_out[0] - translate[0], y.ravel() - pivot_out[1] - translate[1]])
    source = np.linalg.inv(forward) @ offsets + pivot[:, None]
    columns = (source[0] + (w - 1) / 2).reshape(new_h, new_w)
    rows = (source[1] + (h - 1) / 2).reshape(new_h, new_w)
    return back(_sample(values, rows, columns, interpolation, fill))


def _sample(values: np.ndarray, rows: np.ndarray, columns: np.ndarray, interpolation: str, fill: float) -> np.ndarray:
    """`values` at fractional positions; `fill` outside."""
    h, w = values.shape[-2:]
    # Positions that are whole numbers up to rounding are meant to be whole: turns by 90 degrees stay exact.
    rows, columns = np.round(rows, 9), np.round(columns, 9)
    if interpolation == "nearest":
        r, c = np.rint(rows).astype(int), np.rint(columns).astype(int)
        inside = (r >= 0) & (r < h) & (c >= 0) & (c < w)
        taken = values[..., np.clip(r, 0, h - 1), np.clip(c, 0, w - 1)]
        return np.where(inside, taken, np.asarray(fill, values.dtype))
    work = _work_type(values.dtype)
    r0, c0 = np.floor(rows).astype(int), np.floor(columns).astype(int)
    out = np.zeros((*values.shape[:-2], *rows.shape), work)
    covered = np.zeros(rows.shape, work)
    for dr in (0, 1):
        for dc in (0, 1):
            r, c = r0 + dr, c0 + dc
            weight = ((1 - np.abs(rows - r)) * (1 - np.abs(columns - c))).astype(work)
            weight = np.where((r >= 0) & (r < h) & (c >= 0) & (c < w), weight, work.type(0))
            out += weight * values[..., np.clip(r, 0, h - 1), np.clip(c, 0, w - 1)]
            covered += weight
    return _like(out + (1 - covered) * work.type(fill), values.dtype)


# ---------------------------------------------------------------------------------------------------------------------
# What the pixels are


def _blend(who: str, values: np.ndarray, other: Any, factor: float) -> np.ndarray:
    """``factor * values + (1 - factor) * other`` in the image's range."""
    if not 0 <= factor < math.inf:
        raise ValueError(f"{who}: the factor should be a finite number of at least 0, got {factor!r}.")
    mixed = values.astype(_work_type(values.dtype)) * factor + (1 - factor) * other
    return _like(np.clip(mixed, 0, full_value(values.dtype)), values.dtype)


def _grey(values: np.ndarray) -> np.ndarray:
    """Luma (ITU-R 601) as one plane (..., 1, H, W)."""
    work = values.astype(_work_type(values.dtype))
    if values.ndim < 3 or values.shape[-3] == 1:
        return work if values.ndim > 2 else work[None]
    if values.shape[-3] != 3:
        raise ValueError(f"expected 1 or 3 channels, got {values.shape[-3]}")
    red, green, blue = work[..., 0, :, :], work[..., 1, :, :], work[..., 2, :, :]
    return (0.2989 * red + 0.587 * green + 0.114 * blue)[..., None, :, :]


def _colours(who: str, image: Any) -> Planes:
    planes = as_planes(who, image)
    channels = planes.values.shape[-3] if planes.values.ndim > 2 else 1
    if channels not in (1, 3):
        raise ValueError(f"{who}: expected an image of 1 or 3 channels, got {channels}.")
    return planes


def adjust_brightness(image: Any, factor: float) -> Any:
    """All values times `factor`: 0 is black, 1 the image itself."""
    values, back = _colours("adjust_brightness", image)
    return back(_blend("adjust_brightness", values, 0.0, factor))


def adjust_contrast(image: Any, factor: float) -> Any:
    """Away from the mean grey by `factor`: 0 is plain grey, 1 the image itself."""
    values, back = _colours("adjust_contrast", image)
    grey = _grey(values)
    if values.dtype.kind != "f":
        grey = np.floor(grey)
    mean = grey.mean(axis=(-3, -2, -1), keepdims=True)
    return back(_blend("adjust_contrast", values, mean if values.ndim > 2 else mean[0], factor))


def adjust_saturation(image: Any, factor: float) -> Any:
    """Away from grey by `factor`: 0 is a grey image, 1 the image itself."""
    values, back = _colours("adjust_saturation", image)
    if values.ndim < 3 or values.shape[-3] == 1:
        return back(values.copy())
    grey = _grey(values)
    return back(_blend("adjust_saturation", values, np.floor(grey) if values.dtype.kind != "f" else grey, factor))


def adjust_hue(image: Any, factor: float) -> Any:
    """Hues turned by `factor` of a full circle, from -0.5 to 0.5."""
    if not -0.5 <= factor <= 0.5:
        raise ValueError(f"adjust_hue: the factor should lie in [-0.5, 0.5], got {factor!r}.")
    values, back = _colours("adjust_hue", image)
    if values.ndim < 3 or values.shape[-3] == 1:
        return back(values.copy())
    full = full_value(values.dtype)
    rgb = values.astype(_work_type(values.dtype)) / full
    high, low = rgb.max(-3), rgb.min(-3)
    spread = high - low
    safe = np.where(spread == 0, 1, spread)
    red, green, blue = rgb[..., 0, :, :], rgb[..., 1, :, :], rgb[..., 2, :, :]
    hue = np.where(
        high == red, (green - blue) / safe, np.where(high == green, 2 + (blue - red) / safe, 4 + (red - green) / safe)
    )
    hue = (np.where(spread == 0, 0, hue) / 6 + factor) % 1.0
    # The standard conversion back: channel n falls from full as the hue leaves its sextant.
    out = np.empty_like(rgb)
    for channel, n in enumerate((5, 3, 1)):
        k = (n + hue * 6) % 6
        out[..., channel, :, :] = high - spread * np.clip(np.minimum(k, 4 - k), 0, 1)
    return back(_like(np.clip(out, 0, 1) * full, values.dtype))


def rgb_to_grayscale(image: Any, num_output_channels: int = 1) -> Any:
    """Luma of a colour image, in 1 or 3 equal channels; an image (H, W) stays one when 1 is asked for.

    Source: PyTorch, `torchvision.transforms.functional.rgb_to_grayscale`.
    """
    if num_output_channels not in (1, 3):
        raise ValueError(f"rgb_to_grayscale: num_output_channels should be 1 or 3, got {num_output_channels!r}.")
    values, back = _colours("rgb_to_grayscale", image)
    grey = _grey(values)
    grey = _like(np.floor(grey) if values.dtype.kind != "f" else grey, values.dtype)
    if values.ndim == 2:
        if num_output_channels == 1:
            return back(grey[0])
        channels_last = not isinstance(image, ac.Tensor)
        return back(np.stack([grey[0]] * 3, axis=-1 if channels_last else 0))
    return back(np.repeat(grey, 3, axis=-3) if num_output_channels == 3 else grey)


def invert(image: Any) -> Any:
    """Full intensity minus the image."""
    values, back = as_planes("invert", image)
    return back((full_value(values.dtype) - values).astype(values.dtype))


def erase(image: Any, top: int, left: int, height: int, width: int, value: Any = 0, inplace: bool = False) -> Any:
    """The rectangle filled with `value`: a number, one per channel, or an array (C, height, width).

    Source: PyTorch, `torchvision.transforms.functional.erase`.
    """
    values, back = as_planes("erase", image)
    fill = np.asarray(value, dtype=values.dtype)
    if fill.ndim == 1 and values.ndim > 2:
        fill = fill[:, None, None]
    if inplace and isinstance(image, ac.Tensor):
        image[..., top : top + height, left : left + width] = ac.from_numpy(np.array(fill))
        return image
    out = values.copy()
    out[..., top : top + height, left : left + width] = fill
    return back(out)


def gaussian_blur(image: Any, kernel_size: Size, sigma: float | Sequence[float] | None = None) -> Any:
    """The image blurred by a normal kernel, borders reflected.

    Parameters
    ----------
    kernel_size : int or (x, y)
        Odd.
    sigma : float or (x, y), optional
        Standard deviation in pixels; default ``0.3 * ((kernel_size - 1) / 2 - 1) + 0.8``.

    Source: PyTorch, `torchvision.transforms.functional.gaussian_blur`.
    """
    kx, ky = pair("gaussian_blur", "kernel_size", kernel_size)
    if kx % 2 == 0 or ky % 2 == 0:
        raise ValueError(f"gaussian_blur: kernel_size should be odd, got {kernel_size!r}.")
    if sigma is None:
        sigmas = [0.3 * ((k - 1) / 2 - 1) + 0.8 for k in (kx, ky)]
    else:
        sigmas = [float(sigma)] * 2 if isinstance(sigma, (int, float)) else [float(s) for s in sigma] * (3 - len(sigma))
    if len(sigmas) != 2 or not all(s > 0 for s in sigmas):
        raise ValueError(f"gaussian_blur: sigma should be one or two positive numbers, got {sigma!r}.")
    values, back = as_planes("gaussian_blur", image)
    h, w = values.shape[-2:]
    if kx // 2 >= w or ky // 2 >= h:
        raise ValueError(f"gaussian_blur: kernel_size {kernel_size!r} is too large for an image of {h} x {w}.")
    out = values.astype(_work_type(values.dtype))
    for axis, size, s in ((-1, kx, sigmas[0]), (-2, ky, sigmas[1])):
        reach = size // 2
        taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / s) ** 2)
        taps = (taps / taps.sum()).astype(out.dtype)
        widths = [(0, 0)] * out.ndim
        widths[axis] = (reach, reach)
        padded = np.pad(out, widths, mode="reflect")
        out = np.lib.stride_tricks.sliding_window_view(padded, size, axis=axis) @ taps
    return back(_like(out, values.dtype))
