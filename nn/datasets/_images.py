"""What all labelled image sets in memory share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import autograd_core as ac

from ..data.collate import Batch
from ..data.dataset import Dataset
from ..data.seeding import fetch_each

__all__ = ["ImageArrays"]

Transform = Callable[[Any], Any]


class ImageArrays(Dataset[tuple[Any, Any]]):
    """Labelled images that are all in memory.

    `data` holds the images as stored (uint8, (N, H, W) or (N, H, W, 3)), `targets` their int64 labels. A sample is
    ``(image, label)``. Without a `transform` the image is a float32 tensor (C, H, W) in [0, 1], ready for a model;
    a `transform` is given the image as an array (H, W) or (H, W, 3).
    """

    classes: Sequence[str] = ()
    _scale = 255.0  # the stored value that stands for full intensity

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
    ) -> None:
        self._images = images
        self._labels = labels.astype(np.int64)
        self.transform = transform
        self.target_transform = target_transform

    @property
    def data(self) -> ac.Tensor:
        """All images as stored, a uint8 tensor that shares the dataset's memory."""
        return ac.from_numpy(self._images)

    @property
    def targets(self) -> ac.Tensor:
        """All labels, an int64 tensor that shares the dataset's memory."""
        return ac.from_numpy(self._labels)

    @property
    def class_to_idx(self) -> dict[str, int]:
        """From a class's name to its label."""
        return {name: label for label, name in enumerate(self.classes)}

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"{type(self).__name__}: index {index} is out of range for {len(self)} images.")
        label: Any = int(self._labels[index])
        if self.transform is None:
            image: Any = ac.from_numpy(self._to_float(self._images[index : index + 1 or None])[0])
        else:
            image = self.transform(self._for_transform(self._images[index]))
        return image, label if self.target_transform is None else self.target_transform(label)

    def __getitems__(self, indices: Sequence[int]) -> Any:
        if self.transform is not None or self.target_transform is not None:
            return fetch_each(self.__getitem__, indices)
        rows = np.asarray(indices, dtype=np.intp)
        try:
            return Batch(
                ac.from_numpy(self._to_float(self._images.take(rows, axis=0))),
                ac.from_numpy(self._labels.take(rows)),
            )
        except IndexError:
            raise IndexError(
                f"{type(self).__name__}: an index of {list(indices)} is out of range for {len(self)} images."
            ) from None

    def _to_float(self, images: np.ndarray) -> np.ndarray:
        """(N, H, W[, C]) uint8 to (N, C, H, W) float32 in [0, 1]."""
        images = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
        return np.multiply(images, np.float32(1 / self._scale), dtype=np.float32, order="C")

    def _for_transform(self, image: np.ndarray) -> np.ndarray:
        return image.copy()  # a transform may write into what it gets

    def __repr__(self) -> str:
        h, w = self._images.shape[1:3]
        return f"{type(self).__name__}({self.extra_repr()}{len(self)} images of {h}x{w})"

    def extra_repr(self) -> str:
        """What the repr says before the number of images."""
        train = getattr(self, "train", None)
        return "" if train is None else f"train={train}, "
