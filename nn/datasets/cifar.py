"""CIFAR-10 and CIFAR-100, read from the publisher's binary version."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ._files import damaged, download, md5_of, missing
from ._images import ImageArrays, Transform

__all__ = ["CIFAR10", "CIFAR100"]


class CIFAR10(ImageArrays):
    """32x32 colour images in ten classes: 50,000 to train on, 10,000 to test on.

    Read from the binary version: either the archive ``cifar-10-binary.tar.gz`` in `root`, whose md5 is compared with
    the published one, or its unpacked folder ``cifar-10-batches-bin``, whose files are checked for size, range of
    labels and the published number of images per class (hashes of the single files are not published). Nothing is
    unpickled, and nothing is unpacked to disk.

    Parameters
    ----------
    root : str or Path
        The folder that holds the archive or the unpacked folder.
    train : bool
    transform : callable, optional
        Gets the image as a uint8 array (32, 32, 3); default: a float32 tensor (3, 32, 32) in [0, 1].
    target_transform : callable, optional
        Gets the label, an int.
    download : bool
        Fetch the archive into `root` when neither form is there.

    Raises
    ------
    RuntimeError
        When files are missing or damaged; the text says which, what was expected and where to put it.

    Source: PyTorch, `torchvision.datasets.CIFAR10`; format and md5: https://www.cs.toronto.edu/~kriz/cifar.html
    """

    urls: Sequence[str] = ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",)
    archive = "cifar-10-binary.tar.gz"
    archive_md5 = "c32a1d4ab5d03f1284b67883e8d87530"
    folder = "cifar-10-batches-bin"
    train_files: Sequence[str] = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
    test_files: Sequence[str] = ("test_batch.bin",)
    images_per_file = {True: 10_000, False: 10_000}
    label_bytes = 1  # of which the last is the label that counts
    classes: Sequence[str] = (
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    )  # fmt: skip
    _names_file: str | None = None
    _class_count = 10

    def __init__(
        self,
        root: str | Path,
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        download: bool = False,
    ) -> None:
        self.root = Path(root)
        self.train = bool(train)
        names = list(self.train_files if train else self.test_files)
        wanted = names + ([self._names_file] if self._names_file else [])
        content = self._read(wanted, download)
        record = self.label_bytes + 3072
        parts = []
        for name in names:
            path, raw = content[name]
            expected = self.images_per_file[self.train] * record
            if len(raw) != expected:
                raise damaged(
                    type(self).__name__, path,
                    f"it has {len(raw)} bytes, expected {expected} ({self.images_per_file[self.train]} records of "
                    f"{record})",
                )  # fmt: skip
            parts.append(np.frombuffer(raw, np.uint8).reshape(-1, record))
        rows = np.concatenate(parts)
        labels = rows[:, self.label_bytes - 1]
        per_class = np.bincount(labels, minlength=self._class_count)
        if len(per_class) > self._class_count or (per_class != len(rows) // self._class_count).any():
            raise damaged(
                type(self).__name__, content[names[0]][0].parent,
                f"images per class are {per_class.tolist()}, expected {len(rows) // self._class_count} in each of "
                f"{self._class_count}",
            )  # fmt: skip
        if self._names_file:
            path, raw = content[self._names_file]
            self.classes = raw.decode("ascii", errors="replace").split()
            if len(self.classes) != self._class_count:
                raise damaged(
                    type(self).__name__, path, f"it names {len(self.classes)} classes, expected {self._class_count}"
                )
        self._extra_labels = rows[:, : self.label_bytes - 1].astype(np.int64)
        images = rows[:, self.label_bytes :].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        super().__init__(np.ascontiguousarray(images), labels, transform, target_transform)

    def _read(self, names: list[str], fetch: bool) -> dict[str, tuple[Path, bytes]]:
        """The content of the named files, from the unpacked folder or straight from the archive."""
        who = type(self).__name__
        folder, archive = self.root / self.folder, self.root / self.archive
        if folder.is_dir():
            for name in names:
                if not (folder / name).is_file():
                    raise missing(who, name, [folder / name], None, self.urls)
            return {name: (folder / name, (folder / name).read_bytes()) for name in names}
        if not archive.is_file():
            if not fetch:
                raise missing(who, self.archive, [archive, folder], self.archive_md5, self.urls)
            download(who, self.urls, archive, self.archive_md5)
        elif (got := md5_of(archive)) != self.archive_md5:
            raise damaged(who, archive, f"its md5 is {got}, expected {self.archive_md5}")
        import tarfile

        content: dict[str, tuple[Path, bytes]] = {}
        try:
            with tarfile.open(archive, "r:gz") as tar:
                for member in tar:
                    name = member.name.rpartition("/")[2]
                    if member.isfile() and name in names:
                        file = tar.extractfile(member) or io.BytesIO()
                        content[name] = archive / member.name, file.read()
        except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
            raise damaged(who, archive, f"it does not unpack ({error})") from None
        for name in names:
            if name not in content:
                raise damaged(who, archive, f"it has no member {name}")
        return content


class CIFAR100(CIFAR10):
    """32x32 colour images in 100 classes of 600: 50,000 to train on, 10,000 to test on.

    Arguments as `CIFAR10`; the archive is ``cifar-100-binary.tar.gz``, the folder ``cifar-100-binary``. The 20 coarse
    labels are in `coarse_targets`.

    Source: PyTorch, `torchvision.datasets.CIFAR100`; format and md5: https://www.cs.toronto.edu/~kriz/cifar.html
    """

    urls = ("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",)
    archive = "cifar-100-binary.tar.gz"
    archive_md5 = "03b5dce01913d631647c71ecec9e9cb8"
    folder = "cifar-100-binary"
    train_files = ("train.bin",)
    test_files = ("test.bin",)
    images_per_file = {True: 50_000, False: 10_000}
    label_bytes = 2
    classes = ()
    _names_file = "fine_label_names.txt"
    _class_count = 100

    @property
    def coarse_targets(self) -> np.ndarray:
        """The labels of the 20 superclasses."""
        return self._extra_labels[:, 0]
