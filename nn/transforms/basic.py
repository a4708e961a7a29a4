"""Transforms without chance, and those that put others together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..data.seeding import sample_rng
from . import functional as F

__all__ = [
    "CenterCrop",
    "Compose",
    "ConvertImageDtype",
    "Grayscale",
    "Lambda",
    "Normalize",
    "Pad",
    "RandomApply",
    "RandomChoice",
    "RandomOrder",
    "Resize",
    "ToTensor",
    "Transform",
]  # fmt: skip


class Transform:
    """A callable from image to image whose repr shows its arguments."""

    def __call__(self, image: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: a Transform subclass must define __call__(self, image).")

    def __repr__(self) -> str:
        arguments = ", ".join(f"{k}={v!r}" for k, v in vars(self).items() if not k.startswith("_"))
        return f"{type(self).__name__}({arguments})"


def check_callables(who: str, transforms: Any) -> list[Callable[[Any], Any]]:
    """The transforms as a list; all must be callable."""
    if not isinstance(transforms, (list, tuple)):
        raise TypeError(f"{who}: transforms should be a list of callables, got {type(transforms).__name__}.")
    for i, transform in enumerate(transforms):
        if not callable(transform):
            raise TypeError(f"{who}: transforms[{i}] is {type(transform).__name__}, which cannot be called.")
    return list(transforms)


def check_probability(who: str, p: Any) -> float:
    """`p` if it is one."""
    if isinstance(p, bool) or not isinstance(p, (int, float)) or not 0 <= p <= 1:
        raise ValueError(f"{who}: p should be a probability from 0 to 1, got {p!r}.")
    return float(p)


class Compose(Transform):
    """One transform after the other.

    Examples
    --------
    >>> import numpy as np
    >>> from nn.transforms import Compose, Normalize, RandomCrop, RandomHorizontalFlip, ToTensor
    >>> augment = Compose([RandomCrop(28, padding=2), RandomHorizontalFlip(), ToTensor(), Normalize(0.5, 0.5)])
    >>> augment(np.zeros((28, 28), np.uint8)).shape
    Size([1, 28, 28])

    Source: PyTorch, `torchvision.transforms.Compose`.
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = check_callables("Compose", transforms)

    def __call__(self, image: Any) -> Any:
        for transform in self.transforms:
            image = transform(image)
        return image

    def __repr__(self) -> str:
        return "\n".join(["Compose(", *(f"    {transform!r}" for transform in self.transforms), ")"])


class ToTensor(Transform):
    """An array (H, W) or (H, W, C) to a tensor (C, H, W); uint8 to float32 in [0, 1]."""

    def __call__(self, image: Any) -> Any:
        return F.to_tensor(image)


class ConvertImageDtype(Transform):
    """The image in another dtype, scaled to its range."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype

    def __call__(self, image: Any) -> Any:
        return F.convert_image_dtype(image, self.dtype)


class Normalize(Transform):
    """``(image - mean) / std`` per channel."""

    def __init__(self, mean: Sequence[float] | float, std: Sequence[float] | float, inplace: bool = False) -> None:
        self.mean, self.std, self.inplace = mean, std, inplace

    def __call__(self, image: Any) -> Any:
        return F.normalize(image, self.mean, self.std, self.inplace)


class Resize(Transform):
    """See `functional.resize`."""

    def __init__(
        self, size: F.Size, interpolation: str = "bilinear", max_size: int | None = None, antialias: bool = True
    ) -> None:
        F.pair("Resize", "size", size)
        self.size, self.interpolation, self.max_size, self.antialias = size, interpolation, max_size, antialias

    def __call__(self, image: Any) -> Any:
        return F.resize(image, self.size, self.interpolation, self.max_size, self.antialias)


class CenterCrop(Transform):
    """The rectangle of `size` in the middle."""

    def __init__(self, size: F.Size) -> None:
        self.size = F.pair("CenterCrop", "size", size)

    def __call__(self, image: Any) -> Any:
        return F.center_crop(image, self.size)


class Pad(Transform):
    """Pixels added around the image; see `functional.pad`."""

    def __init__(self, padding: F.Size, fill: float = 0, padding_mode: str = "constant") -> None:
        F.padding_sides("Pad", padding)
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def __call__(self, image: Any) -> Any:
        return F.pad(image, self.padding, self.fill, self.padding_mode)


class Grayscale(Transform):
    """Luma, in 1 or 3 channels."""

    def __init__(self, num_output_channels: int = 1) -> None:
        self.num_output_channels = num_output_channels

    def __call__(self, image: Any) -> Any:
        return F.rgb_to_grayscale(image, self.num_output_channels)


class Lambda(Transform):
    """Any function. (Worker processes started by "spawn" need one that can be pickled, so no lambda.)"""

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            raise TypeError(f"Lambda: argument lambd should be callable, got {type(lambd).__name__}.")
        self.lambd = lambd

    def __call__(self, image: Any) -> Any:
        return self.lambd(image)


class RandomApply(Transform):
    """All of `transforms` with probability `p`, otherwise none."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]], p: float = 0.5) -> None:
        self.transforms = check_callables("RandomApply", transforms)
        self.p = check_probability("RandomApply", p)

    def __call__(self, image: Any) -> Any:
        if sample_rng().random() < self.p:
            for transform in self.transforms:
                image = transform(image)
        return image


class RandomChoice(Transform):
    """One of `transforms`, with probabilities in proportion to `p` (default: equal)."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]], p: Sequence[float] | None = None) -> None:
        self.transforms = check_callables("RandomChoice", transforms)
        weights = np.ones(len(self.transforms)) if p is None else np.asarray(p, float)
        if (
            not self.transforms
            or weights.shape != (len(self.transforms),)
            or (weights < 0).any()
            or not weights.sum() > 0
        ):
            raise ValueError(
                f"RandomChoice: p should be {len(self.transforms)} weights, not negative and not all zero, got {p!r}."
            )
        self.p = (weights / weights.sum()).tolist()

    def __call__(self, image: Any) -> Any:
        return self.transforms[int(sample_rng().choice(len(self.transforms), p=self.p))](image)


class RandomOrder(Transform):
    """All of `transforms` in a random order."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = check_callables("RandomOrder", transforms)

    def __call__(self, image: Any) -> Any:
        for i in sample_rng().permutation(len(self.transforms)):
            image = self.transforms[i](image)
        return image
