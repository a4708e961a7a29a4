"""The UCI handwritten digits, which ship with the package."""

from __future__ import annotations

import hashlib
import io
import zipfile
from functools import lru_cache
from importlib import resources

import numpy as np

from ._images import ImageArrays, Transform

__all__ = ["Digits"]

_CHECKSUM = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"


@lru_cache(maxsize=1)
def _read() -> tuple[np.ndarray, np.ndarray]:
    file = resources.files(__package__) / "digits.npz"
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as content:
            images, labels = content["images"], content["labels"]
        checksum = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
    except FileNotFoundError:
        raise RuntimeError(f"Digits: {file} is missing; it is part of the package, install it again.") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RuntimeError(f"Digits: {file} is damaged ({error}); install the package again.") from None
    if checksum != _CHECKSUM:
        raise RuntimeError(
            f"Digits: {file} is damaged: its contents have sha256 {checksum}, expected {_CHECKSUM}; install the "
            "package again."
        )
    return images, labels


class Digits(ImageArrays):
    """1,797 handwritten digits of 8x8 pixels, in the package itself.

    Parameters
    ----------
    train : bool or None
        True: the 1,438 images to train on; False: the held-out fifth, 359 images; None: all. Of each class every
        fifth image in the file's order, from the third, is held out, so the split needs no random numbers.
    transform : callable, optional
        Gets the image as a float32 array (8, 8) in [0, 1]; default: a float32 tensor (1, 8, 8).
    target_transform : callable, optional
        Gets the label, an int.

    Attributes
    ----------
    data : Tensor
        (N, 8, 8) uint8, values 0 to 16.
    targets : Tensor
        (N,) int64.

    Raises
    ------
    RuntimeError
        When the shipped file is missing or its checksum differs.

    Examples
    --------
    >>> train, test = Digits(train=True), Digits(train=False)
    >>> len(train), len(test), train[0][0].shape
    (1438, 359, Size([1, 8, 8]))

    Source: E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, CC BY 4.0; see digits.txt beside this file.
    """

    classes = [str(digit) for digit in range(10)]
    _scale = 16.0

    def __init__(
        self,
        train: bool | None = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
    ) -> None:
        if train is not None and not isinstance(train, (bool, np.bool_)):
            raise TypeError(f"Digits: train should be True, False or None, got {train!r}.")
        images, labels = _read()
        if train is not None:
            held_out = np.zeros(len(labels), dtype=bool)
            for label in range(10):
                held_out[np.flatnonzero(labels == label)[2::5]] = True
            chosen = ~held_out if train else held_out
            images, labels = images[chosen], labels[chosen]
        super().__init__(images.copy(), labels, transform, target_transform)
        self.train = train

    def _for_transform(self, image: np.ndarray) -> np.ndarray:
        return image * np.float32(1 / self._scale)
