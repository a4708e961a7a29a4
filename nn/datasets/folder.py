"""Pictures in folders: one folder per class."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ac

from ..data.dataset import Dataset
from ._images import Transform
from .pictures import IMAGE_EXTENSIONS, read_image

__all__ = ["DatasetFolder", "ImageFolder"]


class DatasetFolder(Dataset[tuple[Any, Any]]):
    """Files in ``root/<class>/**``, read by `loader`; classes are the folders' names in order.

    Parameters
    ----------
    root : str or Path
    loader : callable
        From a path to a sample.
    extensions : sequence of str, optional
        Which files count, such as ``(".npy",)``; give this or `is_valid_file`.
    transform, target_transform : callable, optional
    is_valid_file : callable, optional
        From a path to whether the file counts.
    allow_empty : bool
        Accept classes without files.

    Attributes
    ----------
    classes : list of str
    class_to_idx : dict
    samples : list of (path, label)
    targets : list of int

    Raises
    ------
    RuntimeError
        When there is no such folder, no class in it, or a class without files.

    Source: PyTorch, `torchvision.datasets.DatasetFolder`.
    """

    def __init__(
        self,
        root: str | Path,
        loader: Callable[[str], Any],
        extensions: Sequence[str] | None = None,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        who = type(self).__name__
        if (extensions is None) == (is_valid_file is None):
            raise ValueError(f"{who}: give either extensions or is_valid_file.")
        self.root, self.loader = Path(root), loader
        self.transform, self.target_transform = transform, target_transform
        self.extensions = None if extensions is None else tuple(end.lower() for end in extensions)
        if not self.root.is_dir():
            raise RuntimeError(f"{who}: {self.root} is not a folder; it should hold one folder of files per class.")
        self.classes = sorted(entry.name for entry in os.scandir(self.root) if entry.is_dir())
        if not self.classes:
            raise RuntimeError(f"{who}: {self.root} has no folders in it; expected one folder of files per class.")
        self.class_to_idx = {name: label for label, name in enumerate(self.classes)}
        counts = is_valid_file or (lambda path: path.lower().endswith(self.extensions))  # type: ignore[arg-type]
        self.samples: list[tuple[str, int]] = []
        empty = []
        for name, label in self.class_to_idx.items():
            found = sorted(
                os.path.join(folder, file)
                for folder, _, files in os.walk(self.root / name, followlinks=True)
                for file in files
                if counts(os.path.join(folder, file))
            )
            if not found:
                empty.append(name)
            self.samples += [(path, label) for path in found]
        if empty and not allow_empty:
            kinds = f" with {', '.join(self.extensions)}" if self.extensions else ""
            raise RuntimeError(f"{who}: found no files{kinds} in {self.root} for: {', '.join(empty)}.")
        self.targets = [label for _, label in self.samples]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, label = self.samples[index]
        sample = self.loader(path)
        sample = self._default(sample) if self.transform is None else self.transform(sample)
        return sample, label if self.target_transform is None else self.target_transform(label)

    def _default(self, sample: Any) -> Any:
        return sample


class ImageFolder(DatasetFolder):
    """Pictures in ``root/<class>/**``: PNG, PPM, PGM and .npy by themselves, other formats through Pillow.

    Without a `transform` a sample's picture is a float32 tensor (C, H, W) in [0, 1]; a `transform` gets the array.

    Parameters
    ----------
    root : str or Path
    transform, target_transform : callable, optional
    loader : callable
        Default `read_image`.
    is_valid_file : callable, optional
    allow_empty : bool

    Source: PyTorch, `torchvision.datasets.ImageFolder`.
    """

    def __init__(
        self,
        root: str | Path,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        loader: Callable[[str], Any] = read_image,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        extensions = IMAGE_EXTENSIONS if is_valid_file is None else None
        super().__init__(root, loader, extensions, transform, target_transform, is_valid_file, allow_empty)
        self.imgs = self.samples

    def _default(self, sample: Any) -> Any:
        image = np.asarray(sample)
        image = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
        if image.dtype in (np.uint8, np.uint16):
            image = image / np.float32(np.iinfo(image.dtype).max)
        return ac.from_numpy(np.ascontiguousarray(image, dtype=np.float32))
