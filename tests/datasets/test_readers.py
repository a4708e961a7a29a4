"""Digits, the IDX and CIFAR readers, downloads and their errors."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import struct
import subprocess
import sys
import tarfile
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ac
from nn.data import DataLoader
from nn.datasets import CIFAR10, CIFAR100, KMNIST, MNIST, Digits, FashionMNIST, read_idx
from nn.datasets import digits as digits_module
from nn.transforms import Compose, RandomCrop, ToTensor

# --------------------------------------------------------------------------------------------------------------- digits


def test_digits_split():
    train, test, everything = Digits(True), Digits(False), Digits(None)
    assert (len(train), len(test), len(everything)) == (1438, 359, 1797)
    assert np.bincount(test.targets.array).tolist() == [36, 36, 35, 37, 36, 36, 36, 36, 35, 36]
    together = np.concatenate([train.data.array, test.data.array]).reshape(1797, -1)
    assert sorted(map(bytes, together)) == sorted(map(bytes, everything.data.array.reshape(1797, -1)))
    assert (Digits(False).data.array == test.data.array).all()


def test_digits_values():
    data = Digits(None)
    assert data.data.dtype is ac.uint8
    assert data.data.shape == (1797, 8, 8)
    assert data.data.array.max() == 16
    assert data.targets.dtype is ac.int64
    assert data.targets.tolist()[:10] == list(range(10))
    image, label = data[3]
    assert image.dtype is ac.float32
    assert image.shape == (1, 8, 8)
    assert label == 3
    assert type(label) is int
    np.testing.assert_array_equal(image.array[0], data.data.array[3] / np.float32(16))
    assert data[-1][1] == data[1796][1]
    assert data.classes[3] == "3"
    assert data.class_to_idx["7"] == 7
    for i in (1797, -1798):
        with pytest.raises(IndexError, match=f"Digits: index {i} is out of range for 1797 images"):
            data[i]


def test_digits_match_scikit_learn():
    theirs = pytest.importorskip("sklearn.datasets").load_digits()
    ours = Digits(None)
    np.testing.assert_array_equal(ours.data.array, theirs.images)
    np.testing.assert_array_equal(ours.targets.array, theirs.target)


def test_digits_transforms_and_batches():
    seen = []
    data = Digits(True, transform=lambda image: seen.append(image) or image.sum(), target_transform=str)
    _value, label = data[0]
    assert seen[0].shape == (8, 8)
    assert seen[0].dtype == np.float32
    assert seen[0].min() >= 0
    assert seen[0].max() <= 1
    assert label == str(Digits(True)[0][1])
    images, labels = next(iter(DataLoader(Digits(True), batch_size=5)))
    assert images.shape == (5, 1, 8, 8)
    assert images.dtype is ac.float32
    assert labels.dtype is ac.int64
    for i in range(5):
        np.testing.assert_array_equal(images.array[i], Digits(True)[i][0].array)
    augmented = Digits(True, transform=Compose([RandomCrop(8, padding=1), ToTensor()]))
    a, _ = next(iter(DataLoader(augmented, batch_size=5, generator=ac.Generator().manual_seed(0))))
    b, _ = next(iter(DataLoader(augmented, batch_size=5, generator=ac.Generator().manual_seed(0), num_workers=1)))
    assert (a.array == b.array).all()
    assert not (a.array == images.array).all()


def test_digits_are_independent_copies():
    a = Digits(True)
    a.data.array[:] = 0
    assert Digits(True).data.array.max() == 16


def test_digits_checks_its_file(monkeypatch, tmp_path):
    with pytest.raises(TypeError, match="train should be True, False or None, got 'yes'"):
        Digits("yes")
    digits_module._read.cache_clear()
    source = Path(digits_module.__file__).with_name("digits.npz").read_bytes()
    broken = bytearray(source)
    broken[len(broken) // 2] ^= 1
    for content, text in [(bytes(broken), "is damaged"), (source[:1000], "is damaged"), (None, "is missing")]:
        if content is not None:
            (tmp_path / "digits.npz").write_bytes(content)
        else:
            (tmp_path / "digits.npz").unlink()
        with monkeypatch.context() as patch:
            patch.setattr(digits_module.resources, "files", lambda package: tmp_path)
            with pytest.raises(RuntimeError, match=f"Digits: .*digits.npz {text}.*install"):
                Digits()
    buffer = io.BytesIO()
    np.savez(buffer, images=np.zeros((2, 8, 8), np.uint8), labels=np.zeros(2, np.uint8))
    (tmp_path / "digits.npz").write_bytes(buffer.getvalue())
    with monkeypatch.context() as patch:
        patch.setattr(digits_module.resources, "files", lambda package: tmp_path)
        with pytest.raises(RuntimeError, match=r"its contents have sha256 \w+, expected 87ff0c9e"):
            Digits()
    assert len(Digits()) == 1438


def test_the_note_beside_the_digits_tells_source_licence_and_checksum():
    note = Path(digits_module.__file__).with_name("digits.txt").read_text(encoding="utf-8")
    assert digits_module._CHECKSUM in note
    assert "CC BY 4.0" in note
    assert "10.24432/C50P49" in note


def test_the_script_makes_the_same_file():
    pytest.importorskip("sklearn")
    script = Path(__file__).parents[2] / "scripts" / "make_digits.py"
    subprocess.run([sys.executable, str(script), "--check"], check=True, capture_output=True)


# ------------------------------------------------------------------------------------------------------------ IDX files


def idx(array: np.ndarray, code: int = 0x08) -> bytes:
    header = bytes([0, 0, code, array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


RNG = np.random.default_rng(0)
CONTENT = {
    "train-images-idx3-ubyte": idx(RNG.integers(0, 256, (6, 28, 28), dtype=np.uint8)),
    "train-labels-idx1-ubyte": idx(np.arange(6, dtype=np.uint8)),
    "t10k-images-idx3-ubyte": idx(RNG.integers(0, 256, (4, 28, 28), dtype=np.uint8)),
    "t10k-labels-idx1-ubyte": idx(np.arange(4, dtype=np.uint8)),
}
PACKED = {name: gzip.compress(content, mtime=0) for name, content in CONTENT.items()}


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


class Small(MNIST):
    """MNIST with six and four images."""

    counts = {"train": 6, "t10k": 4}
    resources = {name: (md5(PACKED[name]), md5(CONTENT[name])) for name in CONTENT}


class SmallK(Small):
    """As KMNIST: no hashes of the plain files."""

    resources = {name: (md5(PACKED[name]), None) for name in CONTENT}


def place(folder: Path, packed: bool, names=CONTENT, dotted: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        file = name.replace("-idx", ".idx") if dotted else name
        (folder / (file + (".gz" if packed else ""))).write_bytes(PACKED[name] if packed else CONTENT[name])


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("where", ["Small/raw", "Small", "."])
@pytest.mark.parametrize("dotted", [True, False])
def test_mnist_reads_both_forms_in_three_places(tmp_path, packed, where, dotted):
    place(tmp_path / where, packed, dotted=dotted)
    train, test = Small(tmp_path), Small(str(tmp_path), train=False)
    assert len(train) == 6
    assert len(test) == 4
    np.testing.assert_array_equal(train.data.array.tobytes(), CONTENT["train-images-idx3-ubyte"][16:])
    assert test.targets.tolist() == [0, 1, 2, 3]
    image, label = train[2]
    assert image.shape == (1, 28, 28)
    assert image.dtype is ac.float32
    assert image.array.max() <= 1
    assert label == 2
    raw, _ = Small(tmp_path, transform=lambda image: image)[2]
    assert raw.dtype == np.uint8
    assert raw.shape == (28, 28)
    np.testing.assert_array_equal(image.array[0], raw * np.float32(1 / 255))


def test_mnist_gzip_by_another_packer_is_as_good(tmp_path):
    place(tmp_path, True)
    name = "train-images-idx3-ubyte"
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(CONTENT[name], compresslevel=1, mtime=5))
    assert len(Small(tmp_path)) == 6


def test_missing_files_are_named_with_place_and_hash(tmp_path):
    with pytest.raises(RuntimeError) as caught:
        MNIST(tmp_path)
    message = str(caught.value)
    assert "MNIST: train-images-idx3-ubyte.gz not found (md5 f68b3c2dcbeaaa9fbdd348bbdeb94873)" in message
    assert str(tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte.gz") in message
    assert "download=True" in message
    place(tmp_path, True, ["train-images-idx3-ubyte"])
    with pytest.raises(RuntimeError, match=r"Small: train-labels-idx1-ubyte.gz not found"):
        Small(tmp_path)


def damage(content: bytes) -> dict[str, bytes]:
    return {
        "cut": content[: len(content) // 2],
        "flipped": content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
        "empty": b"",
        "text": b"<html>404 not found</html>",
        "longer": content + b"x",
    }


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("how", damage(b"x" * 20))
def test_damaged_files_are_refused(tmp_path, packed, how):
    place(tmp_path, packed)
    name = "train-images-idx3-ubyte" + (".gz" if packed else "")
    (tmp_path / name).write_bytes(damage((tmp_path / name).read_bytes())[how])
    with pytest.raises(RuntimeError, match=rf"Small: .*{name} is damaged or not the published file: .*Delete it"):
        Small(tmp_path)


def test_sets_without_plain_hashes_check_form_and_packed_hash(tmp_path):
    place(tmp_path / "plain", False)
    assert len(SmallK(tmp_path / "plain")) == 6
    (tmp_path / "plain" / "train-labels-idx1-ubyte").write_bytes(idx(np.arange(5, dtype=np.uint8)))
    with pytest.raises(RuntimeError, match=r"it holds uint8 values of shape \(5,\), expected uint8 \(6,\)"):
        SmallK(tmp_path / "plain")
    place(tmp_path / "packed", True)
    name = "train-labels-idx1-ubyte"
    (tmp_path / "packed" / f"{name}.gz").write_bytes(gzip.compress(idx(np.zeros(6, np.uint8)), mtime=0))
    with pytest.raises(RuntimeError, match=rf"its md5 is \w+, expected {SmallK.resources[name][0]}"):
        SmallK(tmp_path / "packed")
    (tmp_path / "plain" / name).write_bytes(idx(np.full(6, 10, np.uint8)))
    with pytest.raises(RuntimeError, match="label 10 in train-labels-idx1-ubyte, there are 10 classes"):
        SmallK(tmp_path / "plain")


def test_the_known_sets_differ():
    hashes = [h for kind in (MNIST, FashionMNIST, KMNIST) for pair in kind.resources.values() for h in pair if h]
    assert len(set(hashes)) == len(hashes) == 20
    assert all(len(h) == 32 for h in hashes)
    assert all(len(kind.classes) == 10 for kind in (MNIST, FashionMNIST, KMNIST))


@pytest.mark.parametrize(
    ("code", "dtype"), [(0x08, "u1"), (0x09, "i1"), (0x0B, "i2"), (0x0C, "i4"), (0x0D, "f4"), (0x0E, "f8")]
)
def test_read_idx(tmp_path, code, dtype):
    array = np.arange(-3, 3).reshape(2, 3).astype(dtype)
    (tmp_path / "a.idx").write_bytes(idx(array, code))
    result = read_idx(tmp_path / "a.idx")
    assert result.dtype == dtype
    assert (result == array).all()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "it begins with nothing, which is no IDX header"),
        (b"\x01\x00\x08\x01", "it begins with 01 00 08 01"),
        (b"\0\0\x07\x01", "no IDX header"),
        (b"\0\0\x08\x03\0\0", "it ends after 6 bytes, within its header of 16"),
        (b"\0\0\x08\x02\xff\xff\xff\xff\xff\xff\xff\xff", "its header of shape"),
        (idx(np.zeros(3, np.uint8)) + b"x", "it has at least 12 bytes"),
    ],
)
def test_read_idx_errors(tmp_path, content, text):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(RuntimeError, match=f"read_idx: .*{text}"):
        read_idx(tmp_path / "a")


# ------------------------------------------------------------------------------------------------------------ downloads


@pytest.fixture
def server(tmp_path):
    """A web server over a folder, on this machine."""
    folder = tmp_path / "web"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield folder, f"http://127.0.0.1:{httpd.server_address[1]}/"
        httpd.shutdown()
        thread.join()


def test_download(tmp_path, server):
    folder, url = server
    place(folder, True)

    class Here(Small):
        mirrors = ("http://127.0.0.1:9/", url)  # the first answers nothing

    assert len(Here(tmp_path / "data", download=True)) == 6
    raw = tmp_path / "data" / "Here" / "raw"
    assert sorted(p.name for p in raw.iterdir()) == ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]
    for file in folder.iterdir():
        file.unlink()
    assert len(Here(tmp_path / "data", download=True)) == 6  # not fetched again


def test_download_of_something_else(tmp_path, server):
    folder, url = server
    place(folder, True)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(b"<html>login</html>")

    class Here(Small):
        mirrors = (url,)

    with pytest.raises(
        RuntimeError, match=r"could not download .*gave a file with md5 \w+.*Without a network, put the file at"
    ):
        Here(tmp_path / "data", download=True)
    assert not list((tmp_path / "data").rglob("*ubyte*"))


def test_download_without_a_network(tmp_path):
    class Nowhere(Small):
        mirrors = ("http://127.0.0.1:9/",)

    with pytest.raises(RuntimeError, match=r"could not download train-images-idx3-ubyte.gz .*refused.*put the file at"):
        Nowhere(tmp_path, download=True)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RuntimeError, match=r"cannot write to .*choose another root"):
        Nowhere(tmp_path / "file", download=True)


# ---------------------------------------------------------------------------------------------------------------- CIFAR


def cifar_records(count: int, classes: int, label_bytes: int) -> bytes:
    rng = np.random.default_rng(count)
    rows = rng.integers(0, 256, (count, label_bytes + 3072), dtype=np.uint8)
    rows[:, label_bytes - 1] = np.arange(count) % classes
    if label_bytes == 2:
        rows[:, 0] = rows[:, 1] // 5
    return rows.tobytes()


CIFAR_FILES = {f"data_batch_{i}.bin": cifar_records(20, 10, 1) for i in range(1, 6)} | {
    "test_batch.bin": cifar_records(10, 10, 1),
    "batches.meta.txt": b"airplane\n",
}
CIFAR100_FILES = {
    "train.bin": cifar_records(200, 100, 2),
    "test.bin": cifar_records(100, 100, 2),
    "fine_label_names.txt": "\n".join(f"name{i}" for i in range(100)).encode(),
}


def tar_of(folder: str, files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


CIFAR_TAR = tar_of("cifar-10-batches-bin", CIFAR_FILES)
CIFAR100_TAR = tar_of("cifar-100-binary", CIFAR100_FILES)


class SmallCIFAR10(CIFAR10):
    archive_md5 = md5(CIFAR_TAR)
    images_per_file = {True: 20, False: 10}


class SmallCIFAR100(CIFAR100):
    archive_md5 = md5(CIFAR100_TAR)
    images_per_file = {True: 200, False: 100}


@pytest.mark.parametrize("unpacked", [True, False])
def test_cifar10(tmp_path, unpacked):
    if unpacked:
        (tmp_path / "cifar-10-batches-bin").mkdir()
        for name, content in CIFAR_FILES.items():
            (tmp_path / "cifar-10-batches-bin" / name).write_bytes(content)
    else:
        (tmp_path / "cifar-10-binary.tar.gz").write_bytes(CIFAR_TAR)
    train, test = SmallCIFAR10(tmp_path), SmallCIFAR10(tmp_path, train=False)
    assert len(train) == 100
    assert len(test) == 10
    assert test.targets.tolist() == list(range(10))
    planes = np.frombuffer(CIFAR_FILES["test_batch.bin"], np.uint8).reshape(10, 3073)[3, 1:].reshape(3, 32, 32)
    assert test.data.shape == (10, 32, 32, 3)
    np.testing.assert_array_equal(test.data.array[3], planes.transpose(1, 2, 0))
    image, label = test[3]
    np.testing.assert_array_equal(image.array, planes * np.float32(1 / 255))
    assert label == 3
    assert test.classes[3] == "cat"
    assert next(iter(DataLoader(train, batch_size=7)))[0].shape == (7, 3, 32, 32)
    assert sorted(p.name for p in tmp_path.iterdir()) == (
        ["cifar-10-batches-bin" if unpacked else "cifar-10-binary.tar.gz"]
    )


def test_cifar100(tmp_path):
    (tmp_path / "cifar-100-binary.tar.gz").write_bytes(CIFAR100_TAR)
    test = SmallCIFAR100(tmp_path, train=False)
    assert test.targets.tolist() == list(range(100))
    assert test.classes[7] == "name7"
    assert test.coarse_targets.tolist() == [i // 5 for i in range(100)]


def test_cifar_errors(tmp_path):
    with pytest.raises(
        RuntimeError, match=r"CIFAR10: cifar-10-binary.tar.gz not found \(md5 c32a1d4ab5d03f1284b67883e8d87530\)"
    ):
        CIFAR10(tmp_path)
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(CIFAR_TAR[:-100])
    with pytest.raises(RuntimeError, match=r"is damaged .*its md5 is \w+, expected"):
        SmallCIFAR10(tmp_path)
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    with pytest.raises(RuntimeError, match=r"SmallCIFAR10: data_batch_1.bin not found"):
        SmallCIFAR10(tmp_path)
    for name, content in CIFAR_FILES.items():
        (folder / name).write_bytes(content)
    (folder / "data_batch_3.bin").write_bytes(CIFAR_FILES["data_batch_3.bin"][:-1])
    with pytest.raises(RuntimeError, match=r"data_batch_3.bin is damaged .*has 61459 bytes, expected 61460"):
        SmallCIFAR10(tmp_path)
    rows = bytearray(CIFAR_FILES["data_batch_3.bin"])
    for label in (5, 200):
        rows[0] = label
        (folder / "data_batch_3.bin").write_bytes(bytes(rows))
        with pytest.raises(RuntimeError, match=r"images per class are .*, expected 10 in each of 10"):
            SmallCIFAR10(tmp_path)


def test_cifar_archive_without_its_members(tmp_path):
    empty = tar_of("elsewhere", {"readme": b"hi"})

    class Odd(SmallCIFAR10):
        archive_md5 = md5(empty)

    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(empty)
    with pytest.raises(RuntimeError, match=r"it has no member data_batch_1.bin"):
        Odd(tmp_path)

    class NoTar(SmallCIFAR10):
        archive_md5 = md5(b"hello")

    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(b"hello")
    with pytest.raises(RuntimeError, match="it does not unpack"):
        NoTar(tmp_path)
