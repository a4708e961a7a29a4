"""Random changes of what the pixels are: colours, noise, blur."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..data.seeding import sample_rng
from . import functional as F
from .basic import Transform, check_probability
from .geometry import _range

__all__ = ["ColorJitter", "GaussianBlur", "GaussianNoise", "RandomGrayscale", "RandomInvert"]

_Spread = float | Sequence[float]


class ColorJitter(Transform):
    """Brightness, contrast, saturation and hue changed at random, in a random order.

    Parameters
    ----------
    brightness, contrast, saturation : float or (low, high)
        The factor is drawn from ``[max(0, 1 - x), 1 + x]`` or from the given range.
    hue : float or (low, high)
        The turn is drawn from ``[-x, x]``, x at most 0.5, or from the given range.

    Source: PyTorch, `torchvision.transforms.ColorJitter`.
    """

    def __init__(
        self, brightness: _Spread = 0, contrast: _Spread = 0, saturation: _Spread = 0, hue: _Spread = 0
    ) -> None:
        self.brightness = self._factor("brightness", brightness)
        self.contrast = self._factor("contrast", contrast)
        self.saturation = self._factor("saturation", saturation)
        turn = _range("ColorJitter", "hue", hue, symmetric=True)
        if turn[0] < -0.5 or turn[1] > 0.5:
            raise ValueError(f"ColorJitter: hue should lie in [-0.5, 0.5], got {hue!r}.")
        self.hue = None if turn == (0.0, 0.0) else turn

    @staticmethod
    def _factor(name: str, value: Any) -> tuple[float, float] | None:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if not value >= 0:
                raise ValueError(f"ColorJitter: a single {name} should not be negative, got {value!r}.")
            value = (max(0.0, 1 - value), 1 + value)
        low, high = _range("ColorJitter", name, value)
        if low < 0:
            raise ValueError(f"ColorJitter: {name} should not be negative, got {value!r}.")
        return None if (low, high) == (1.0, 1.0) else (low, high)

    def __call__(self, image: Any) -> Any:
        rng = sample_rng()
        steps = (
            (F.adjust_brightness, self.brightness),
            (F.adjust_contrast, self.contrast),
            (F.adjust_saturation, self.saturation),
            (F.adjust_hue, self.hue),
        )
        for i in rng.permutation(len(steps)):
            change, spread = steps[i]
            if spread is not None:
                image = change(image, rng.uniform(*spread))
        return image


class RandomGrayscale(Transform):
    """Grey, in as many channels as the image has, with probability `p`."""

    def __init__(self, p: float = 0.1) -> None:
        self.p = check_probability("RandomGrayscale", p)

    def __call__(self, image: Any) -> Any:
        if sample_rng().random() >= self.p:
            return image
        return F.rgb_to_grayscale(image, F.get_dimensions(image)[0])


class RandomInvert(Transform):
    """Dark and bright exchanged with probability `p`."""

    def __init__(self, p: float = 0.5) -> None:
        self.p = check_probability("RandomInvert", p)

    def __call__(self, image: Any) -> Any:
        return F.invert(image) if sample_rng().random() < self.p else image


class GaussianBlur(Transform):
    """Blurred by a normal kernel whose standard deviation is drawn from `sigma`.

    Source: PyTorch, `torchvision.transforms.GaussianBlur`.
    """

    def __init__(self, kernel_size: F.Size, sigma: float | Sequence[float] = (0.1, 2.0)) -> None:
        self.kernel_size = F.pair("GaussianBlur", "kernel_size", kernel_size)
        if any(size % 2 == 0 for size in self.kernel_size):
            raise ValueError(f"GaussianBlur: kernel_size should be odd, got {kernel_size!r}.")
        self.sigma = _range("GaussianBlur", "sigma", (sigma, sigma) if isinstance(sigma, (int, float)) else sigma)
        if self.sigma[0] <= 0:
            raise ValueError(f"GaussianBlur: sigma should be positive, got {sigma!r}.")

    def __call__(self, image: Any) -> Any:
        return F.gaussian_blur(image, self.kernel_size, float(sample_rng().uniform(*self.sigma)))


class GaussianNoise(Transform):
    """Normal noise added to a float image, the result clipped to [0, 1] unless `clip` is False.

    Source: PyTorch, `torchvision.transforms.v2.GaussianNoise`.
    """

    def __init__(self, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> None:
        if not sigma >= 0:
            raise ValueError(f"GaussianNoise: sigma should not be negative, got {sigma!r}.")
        self.mean, self.sigma, self.clip = mean, sigma, clip

    def __call__(self, image: Any) -> Any:
        values, back = F.as_planes("GaussianNoise", image)
        if values.dtype.kind != "f":
            raise TypeError(f"GaussianNoise: expected a float image, got {values.dtype}; put ToTensor() before it.")
        noise = self.mean + self.sigma * sample_rng().standard_normal(values.shape)
        noisy = (values + noise).astype(values.dtype)
        return back(np.clip(noisy, 0, 1) if self.clip else noisy)
