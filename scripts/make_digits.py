"""Make nn/datasets/digits.npz and digits.txt from the copy of the UCI digits that scikit-learn ships.

    python scripts/make_digits.py            write both files
    python scripts/make_digits.py --check    only compare: exit code 1 when the shipped file differs

Needs scikit-learn, which the packages themselves do not.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import sys
from importlib import resources
from pathlib import Path

import numpy as np

TARGET = Path(__file__).resolve().parents[1] / "nn" / "datasets"

NOTE = """\
Optical Recognition of Handwritten Digits
=========================================

digits.npz holds 1,797 images of handwritten digits: `images` (1797, 8, 8) uint8 with values 0 to 16, and `labels`
(1797,) uint8 with values 0 to 9. It is the test set of the UCI data set of that name: 32x32 bitmaps of digits that 13
people wrote, divided into 4x4 blocks, the number of inked pixels counted in each block.

Source    E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
          https://doi.org/10.24432/C50P49
          taken from scikit-learn's copy, sklearn/datasets/data/digits.csv.gz
Licence   Creative Commons Attribution 4.0 International (CC BY 4.0), https://creativecommons.org/licenses/by/4.0/
Changes   stored as two arrays of bytes instead of lines of text; no value was changed
Made by   scripts/make_digits.py
Checksum  sha256 of the bytes of `images` followed by the bytes of `labels`:
          {checksum}
"""


def read_source() -> tuple[np.ndarray, np.ndarray]:
    """Images and labels out of scikit-learn's text file: 64 counts and a label per line."""
    packed = (resources.files("sklearn.datasets") / "data" / "digits.csv.gz").read_bytes()
    table = np.array([line.split(",") for line in gzip.decompress(packed).decode("ascii").split()], dtype=np.float64)
    if table.shape != (1797, 65) or (table != table.astype(np.uint8)).any():
        raise SystemExit(f"digits.csv.gz is not the table of 1797 x 65 small integers it should be: {table.shape}")
    images, labels = table[:, :64].astype(np.uint8).reshape(-1, 8, 8), table[:, 64].astype(np.uint8)
    if images.max() != 16 or labels.max() != 9:
        raise SystemExit(f"values out of range: pixels up to {images.max()}, labels up to {labels.max()}")
    return images, labels


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the shipped file, write nothing")
    check = parser.parse_args().check
    images, labels = read_source()
    checksum = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
    if check:
        with np.load(TARGET / "digits.npz") as shipped:
            same = np.array_equal(shipped["images"], images) and np.array_equal(shipped["labels"], labels)
        print("the shipped file is", "the same" if same else "DIFFERENT")
        return 0 if same else 1
    np.savez_compressed(TARGET / "digits.npz", images=images, labels=labels)
    (TARGET / "digits.txt").write_text(NOTE.format(checksum=checksum), encoding="utf-8")
    print(f"{TARGET / 'digits.npz'}: {(TARGET / 'digits.npz').stat().st_size} bytes, sha256 of contents {checksum}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
