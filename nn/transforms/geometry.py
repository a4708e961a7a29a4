"""Random crops, flips, turns and other moves of the pixels.

Chance comes from `nn.data.sample_rng()`: under a DataLoader it depends on (epoch, index) alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..data.seeding import sample_rng
from . import functional as F
from .basic import Transform, check_probability

__all__ = [
    "RandomAffine",
    "RandomCrop",
    "RandomErasing",
    "RandomHorizontalFlip",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomVerticalFlip",
]  # fmt: skip


def _range(who: str, name: str, value: Any, symmetric: bool = False) -> tuple[float, float]:
    """(low, high) from two numbers, or from one meaning -x..x."""
    if symmetric and isinstance(value, (int, float)) and not isinstance(value, bool):
        if not value >= 0:
            raise ValueError(f"{who}: a single {name} should not be negative, got {value!r}.")
        return -float(value), float(value)
    try:
        low, high = (float(v) for v in value)
    except (TypeError, ValueError):
        raise ValueError(f"{who}: {name} should be two numbers, low and high, got {value!r}.") from None
    if not low <= high or not math.isfinite(low) or not math.isfinite(high):
        raise ValueError(f"{who}: {name} should be finite with low <= high, got {value!r}.")
    return low, high


class RandomCrop(Transform):
    """A rectangle of `size` anywhere in the image, padded before.

    Parameters
    ----------
    size : int or (height, width)
    padding : int or sequence, optional
        As in `functional.pad`.
    pad_if_needed : bool
        Pad an image that is smaller than `size` (otherwise an error).
    fill, padding_mode
        As in `functional.pad`.

    Source: PyTorch, `torchvision.transforms.RandomCrop`.
    """

    def __init__(
        self,
        size: F.Size,
        padding: F.Size | None = None,
        pad_if_needed: bool = False,
        fill: float = 0,
        padding_mode: str = "constant",
    ) -> None:
        self.size = F.pair("RandomCrop", "size", size)
        if padding is not None:
            F.padding_sides("RandomCrop", padding)
        self.padding, self.pad_if_needed, self.fill, self.padding_mode = padding, pad_if_needed, fill, padding_mode

    def __call__(self, image: Any) -> Any:
        if self.padding is not None:
            image = F.pad(image, self.padding, self.fill, self.padding_mode)
        height, width = self.size
        _, h, w = F.get_dimensions(image)
        if self.pad_if_needed:
            lack_w, lack_h = max(width - w, 0), max(height - h, 0)
            if lack_w or lack_h:
                image = F.pad(image, (lack_w, lack_h), self.fill, self.padding_mode)
                h, w = h + 2 * lack_h, w + 2 * lack_w
        if h < height or w < width:
            raise ValueError(
                f"RandomCrop: required crop size {self.size} is larger than the image, {h} x {w}; pass padding or "
                "pad_if_needed=True."
            )
        rng = sample_rng()
        top, left = int(rng.integers(h - height + 1)), int(rng.integers(w - width + 1))
        return F.crop(image, top, left, height, width)


class RandomResizedCrop(Transform):
    """A random part of the image, resized to `size`.

    Parameters
    ----------
    size : int or (height, width)
    scale : (low, high)
        Range of the part's share of the area.
    ratio : (low, high)
        Range of the part's width over height, drawn evenly in the logarithm.
    interpolation : str

    Source: PyTorch, `torchvision.transforms.RandomResizedCrop`.
    """

    def __init__(
        self,
        size: F.Size,
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3 / 4, 4 / 3),
        interpolation: str = "bilinear",
    ) -> None:
        self.size = F.pair("RandomResizedCrop", "size", size)
        self.scale = _range("RandomResizedCrop", "scale", scale)
        self.ratio = _range("RandomResizedCrop", "ratio", ratio)
        if self.scale[0] < 0 or self.scale[1] <= 0 or self.ratio[0] <= 0:
            raise ValueError(f"RandomResizedCrop: scale {scale!r} and ratio {ratio!r} should be positive.")
        self.interpolation = interpolation

    def __call__(self, image: Any) -> Any:
        _, h, w = F.get_dimensions(image)
        rng = sample_rng()
        for _ in range(10):
            area = h * w * rng.uniform(*self.scale)
            ratio = math.exp(rng.uniform(math.log(self.ratio[0]), math.log(self.ratio[1])))
            width, height = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < width <= w and 0 < height <= h:
                top, left = int(rng.integers(h - height + 1)), int(rng.integers(w - width + 1))
                return F.resized_crop(image, top, left, height, width, self.size, self.interpolation)
        # No draw fitted: the largest part in the middle whose ratio is allowed.
        width, height = w, h
        if w / h < self.ratio[0]:
            height = max(1, round(w / self.ratio[0]))
        elif w / h > self.ratio[1]:
            width = max(1, round(h * self.ratio[1]))
        top, left = (h - height) // 2, (w - width) // 2
        return F.resized_crop(image, top, left, height, width, self.size, self.interpolation)


class RandomHorizontalFlip(Transform):
    """Left and right exchanged with probability `p`."""

    def __init__(self, p: float = 0.5) -> None:
        self.p = check_probability("RandomHorizontalFlip", p)

    def __call__(self, image: Any) -> Any:
        return F.hflip(image) if sample_rng().random() < self.p else image


class RandomVerticalFlip(Transform):
    """Top and bottom exchanged with probability `p`."""

    def __init__(self, p: float = 0.5) -> None:
        self.p = check_probability("RandomVerticalFlip", p)

    def __call__(self, image: Any) -> Any:
        return F.vflip(image) if sample_rng().random() < self.p else image


class RandomRotation(Transform):
    """Turned by an angle drawn from `degrees`: (low, high), or one number for -x..x; positive is counter-clockwise.

    Source: PyTorch, `torchvision.transforms.RandomRotation`.
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        interpolation: str = "nearest",
        expand: bool = False,
        center: Sequence[float] | None = None,
        fill: float = 0,
    ) -> None:
        self.degrees = _range("RandomRotation", "degrees", degrees, symmetric=True)
        self.interpolation, self.expand, self.center, self.fill = interpolation, expand, center, fill

    def __call__(self, image: Any) -> Any:
        angle = sample_rng().uniform(*self.degrees)
        return F.rotate(image, angle, self.interpolation, self.expand, self.center, self.fill)


class RandomAffine(Transform):
    """Turned, moved, scaled and sheared at random around the middle.

    Parameters
    ----------
    degrees : float or (low, high)
        Range of the angle.
    translate : (x, y), optional
        Largest shift as a share of width and height.
    scale : (low, high), optional
    shear : float, (low, high) or (x low, x high, y low, y high), optional
        Degrees.

    Source: PyTorch, `torchvision.transforms.RandomAffine`.
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: float | Sequence[float] | None = None,
        interpolation: str = "nearest",
        fill: float = 0,
        center: Sequence[float] | None = None,
    ) -> None:
        self.degrees = _range("RandomAffine", "degrees", degrees, symmetric=True)
        if translate is not None and (len(translate) != 2 or not all(0 <= t <= 1 for t in translate)):
            raise ValueError(f"RandomAffine: translate should be two shares from 0 to 1, got {translate!r}.")
        self.translate = translate
        self.scale = None if scale is None else _range("RandomAffine", "scale", scale)
        if self.scale is not None and self.scale[0] <= 0:
            raise ValueError(f"RandomAffine: scale values should be positive, got {scale!r}.")
        self.shear = None if shear is None else self._shears(shear)
        self.interpolation, self.fill, self.center = interpolation, fill, center

    @staticmethod
    def _shears(shear: Any) -> tuple[tuple[float, float], tuple[float, float]]:
        if not isinstance(shear, (int, float)) and len(shear) == 4:
            return _range("RandomAffine", "shear", shear[:2]), _range("RandomAffine", "shear", shear[2:])
        return _range("RandomAffine", "shear", shear, symmetric=True), (0.0, 0.0)

    def __call__(self, image: Any) -> Any:
        rng = sample_rng()
        _, h, w = F.get_dimensions(image)
        angle = rng.uniform(*self.degrees)
        translate = (0.0, 0.0)
        if self.translate is not None:
            reach_x, reach_y = self.translate[0] * w, self.translate[1] * h
            translate = (float(round(rng.uniform(-reach_x, reach_x))), float(round(rng.uniform(-reach_y, reach_y))))
        scale = 1.0 if self.scale is None else rng.uniform(*self.scale)
        shear = (0.0, 0.0) if self.shear is None else (rng.uniform(*self.shear[0]), rng.uniform(*self.shear[1]))
        return F.affine(image, angle, translate, scale, shear, self.interpolation, self.fill, self.center)


class RandomErasing(Transform):
    """A random rectangle erased with probability `p`.

    Parameters
    ----------
    p : float
    scale : (low, high)
        Range of the rectangle's share of the area.
    ratio : (low, high)
        Range of its height over width, drawn evenly in the logarithm.
    value : float, sequence or "random"
        What to fill in; "random": standard normal noise.
    inplace : bool

    Source: PyTorch, `torchvision.transforms.RandomErasing`; Zhong et al., "Random Erasing Data Augmentation", 2017.
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: Any = 0,
        inplace: bool = False,
    ) -> None:
        self.p = check_probability("RandomErasing", p)
        self.scale = _range("RandomErasing", "scale", scale)
        self.ratio = _range("RandomErasing", "ratio", ratio)
        if self.scale[0] < 0 or self.scale[1] > 1 or self.ratio[0] <= 0:
            raise ValueError(
                f"RandomErasing: scale should lie in [0, 1] and ratio be positive, got {scale!r} and {ratio!r}."
            )
        if isinstance(value, str) and value != "random":
            raise ValueError(f'RandomErasing: value should be numbers or "random", got {value!r}.')
        self.value, self.inplace = value, inplace

    def __call__(self, image: Any) -> Any:
        rng = sample_rng()
        if rng.random() >= self.p:
            return image
        channels, h, w = F.get_dimensions(image)
        for _ in range(10):
            area = h * w * rng.uniform(*self.scale)
            ratio = math.exp(rng.uniform(math.log(self.ratio[0]), math.log(self.ratio[1])))
            height, width = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < height < h and 0 < width < w:
                top, left = int(rng.integers(h - height + 1)), int(rng.integers(w - width + 1))
                value = self.value
                if isinstance(value, str):
                    planes = F.as_planes("RandomErasing", image).values
                    value = rng.standard_normal((channels, height, width) if planes.ndim > 2 else (height, width))
                return F.erase(image, top, left, height, width, value, self.inplace)
        return image
