"""MNIST and the sets in its shape, read from their IDX files."""

from __future__ import annotations

import gzip
import hashlib
import math
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ._files import damaged, download, first_existing, md5_of, missing
from ._images import ImageArrays, Transform

__all__ = ["KMNIST", "MNIST", "FashionMNIST", "read_idx"]

# The third byte of an IDX file says the type of its values; they are big-endian.
_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | Path) -> np.ndarray:
    """The array in an IDX file, plain or gzipped.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    numpy.ndarray
        In the machine's byte order.

    Raises
    ------
    RuntimeError
        When the file is not IDX, or longer or shorter than its header says.

    Source: the format's description on the MNIST page (http://yann.lecun.com/exdb/mnist/).
    """
    path = Path(path)
    return _parse_idx("read_idx", path, _unpack("read_idx", path, None))


def _unpack(who: str, path: Path, limit: int | None) -> bytes:
    """The file's bytes, unpacked when gzipped; never more than `limit` + 1."""
    try:
        with open(path, "rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            if not packed:
                return plain.read(-1 if limit is None else limit + 1)
            with gzip.GzipFile(fileobj=plain) as file:
                return file.read(-1 if limit is None else limit + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise damaged(who, path, f"its gzip data does not unpack ({error})") from None


def _parse_idx(who: str, path: Path, raw: bytes) -> np.ndarray:
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] not in _IDX_TYPES:
        raise damaged(who, path, f"it begins with {raw[:4].hex(' ') or 'nothing'}, which is no IDX header")
    dtype, ndim = np.dtype(_IDX_TYPES[raw[2]]), raw[3]
    header = 4 + 4 * ndim
    if len(raw) < header:
        raise damaged(who, path, f"it ends after {len(raw)} bytes, within its header of {header}")
    shape = tuple(int(n) for n in np.frombuffer(raw, ">u4", ndim, 4))
    expected = header + math.prod(shape) * dtype.itemsize
    if len(raw) != expected:
        than = "ends after" if len(raw) < expected else "has at least"
        raise damaged(who, path, f"it {than} {len(raw)} bytes, its header of shape {shape} says {expected}")
    return np.frombuffer(raw, dtype, offset=header).reshape(shape).astype(dtype.newbyteorder("="))


class MNIST(ImageArrays):
    """28x28 images of handwritten digits: 60,000 to train on, 10,000 to test on.

    The four IDX files are looked for in ``root/MNIST/raw``, ``root/MNIST`` and ``root``, gzipped or plain, and their
    md5 is compared with the published one.

    Parameters
    ----------
    root : str or Path
        The folder that holds the files.
    train : bool
    transform : callable, optional
        Gets the image as a uint8 array (28, 28); default: a float32 tensor (1, 28, 28) in [0, 1].
    target_transform : callable, optional
        Gets the label, an int.
    download : bool
        Fetch missing files into ``root/MNIST/raw``.

    Raises
    ------
    RuntimeError
        When a file is missing or damaged; the text says which, what was expected and where to put it.

    Source: PyTorch, `torchvision.datasets.MNIST`; hashes as published there and with each set.
    """

    mirrors: Sequence[str] = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/")
    classes: Sequence[str] = (
        "0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six", "7 - seven", "8 - eight",
        "9 - nine",
    )  # fmt: skip
    # file -> (md5 of the .gz as published, md5 of its unpacked content or None where none is published)
    resources: dict[str, tuple[str, str | None]] = {
        "train-images-idx3-ubyte": ("f68b3c2dcbeaaa9fbdd348bbdeb94873", "6bbc9ace898e44ae57da46a324031adb"),
        "train-labels-idx1-ubyte": ("d53e105ee54ea40749a09fcbcd1e9432", "a25bea736e30d166cdddb491f175f624"),
        "t10k-images-idx3-ubyte": ("9fb629c4189551a2d022fa330f9573f3", "2646ac647ad5339dbf082846283269ea"),
        "t10k-labels-idx1-ubyte": ("ec29112dd5afa0611ce80d1b7f02629c", "27ae3e4e09519cfbb04c329615203637"),
    }
    counts = {"train": 60_000, "t10k": 10_000}
    size = (28, 28)

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
        part = "train" if train else "t10k"
        count = self.counts[part]
        images = self._load(f"{part}-images-idx3-ubyte", (count, *self.size), download)
        labels = self._load(f"{part}-labels-idx1-ubyte", (count,), download)
        if labels.size and int(labels.max()) >= len(self.classes):
            raise RuntimeError(
                f"{type(self).__name__}: label {int(labels.max())} in {part}-labels-idx1-ubyte, there are "
                f"{len(self.classes)} classes."
            )
        super().__init__(images, labels, transform, target_transform)

    @property
    def raw_folder(self) -> Path:
        """Where downloads go."""
        return self.root / type(self).__name__ / "raw"

    def _candidates(self, name: str) -> list[Path]:
        folders = (self.raw_folder, self.raw_folder.parent, self.root)
        dotted = name.replace("-idx", ".idx")  # as some unpackers write it
        return [folder / (stem + end) for folder in folders for stem in (name, dotted) for end in (".gz", "")]

    def _load(self, name: str, shape: tuple[int, ...], fetch: bool) -> np.ndarray:
        who = type(self).__name__
        packed_md5, plain_md5 = self.resources[name]
        urls = [f"{mirror}{name}.gz" for mirror in self.mirrors]
        path = first_existing(self._candidates(name))
        if path is None:
            target = self.raw_folder / f"{name}.gz"
            if not fetch:
                nearby = [
                    self.raw_folder / f"{name}.gz",
                    self.raw_folder / name,
                    self.root / f"{name}.gz",
                    self.root / name,
                ]
                raise missing(who, f"{name}.gz", nearby, packed_md5, urls)
            path = download(who, urls, target, packed_md5)
        expected = 4 + 4 * len(shape) + math.prod(shape)
        raw = _unpack(who, path, expected)
        # The same content packed by another gzip is as good: what counts is what was unpacked.
        got = hashlib.md5(raw, usedforsecurity=False).hexdigest()
        if plain_md5 is not None and got != plain_md5:
            values = _parse_idx(who, path, raw)  # says more when the form is wrong, too
            raise damaged(who, path, f"its content of shape {values.shape} has md5 {got}, expected {plain_md5}")
        if plain_md5 is None and path.suffix == ".gz" and (got := md5_of(path)) != packed_md5:
            raise damaged(who, path, f"its md5 is {got}, expected {packed_md5}")
        values = _parse_idx(who, path, raw)
        if values.shape != shape or values.dtype != np.uint8:
            raise damaged(who, path, f"it holds {values.dtype} values of shape {values.shape}, expected uint8 {shape}")
        return values


class FashionMNIST(MNIST):
    """28x28 images of clothes in ten classes, in MNIST's form (Zalando Research, MIT licence).

    Arguments as `MNIST`; files in ``root/FashionMNIST/raw``.

    Source: PyTorch, `torchvision.datasets.FashionMNIST`.
    """

    mirrors = ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",)
    classes = (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    )  # fmt: skip
    resources = {
        "train-images-idx3-ubyte": ("8d4fb7e6c68d591d4c3dfef9ec88bf0d", "f4a8712d7a061bf5bd6d2ca38dc4d50a"),
        "train-labels-idx1-ubyte": ("25c81989df183df01b3e8a0aad5dffbe", "9018921c3c673c538a1fc5bad174d6f9"),
        "t10k-images-idx3-ubyte": ("bef4ecab320f06d8554ea6380940ec79", "8181f5470baa50b63fa0f6fddb340f0a"),
        "t10k-labels-idx1-ubyte": ("bb300cfdad3c16e7a12a480ee83cd310", "15d484375f8d13e6eb1aabb0c3f46965"),
    }


class KMNIST(MNIST):
    """28x28 images of cursive Japanese characters in ten classes, in MNIST's form (CODH, CC BY-SA 4.0).

    Arguments as `MNIST`; files in ``root/KMNIST/raw``. The publisher gives hashes of the gzipped files only: unpacked
    files are checked for their form and sizes.

    Source: PyTorch, `torchvision.datasets.KMNIST`.
    """

    mirrors = (
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        "https://storage.googleapis.com/kuzushiji-mnist/",
    )
    classes = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
    resources = {
        "train-images-idx3-ubyte": ("bdb82020997e1d708af4cf47b453dcf7", None),
        "train-labels-idx1-ubyte": ("e144d726b3acfaa3e44228e80efcd344", None),
        "t10k-images-idx3-ubyte": ("5c965bf0a639b31b8f53240b1b52f4d7", None),
        "t10k-labels-idx1-ubyte": ("7320c461ea6c1c855c0b718fb2a4b134", None),
    }
