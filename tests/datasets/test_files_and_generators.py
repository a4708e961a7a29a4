"""Pictures, folders, tables and generated data."""

from __future__ import annotations

import io
import struct
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ac
from nn.data import DataLoader
from nn.datasets import (
    CharDataset,
    CSVDataset,
    DatasetFolder,
    ImageFolder,
    blobs,
    circles,
    moons,
    read_image,
    read_png,
    read_pnm,
    sine_waves,
    spirals,
    toy_text,
    write_png,
)

RNG = np.random.default_rng(0)


# ------------------------------------------------------------------------------------------------------------------ PNG


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, depth, colour, rows: bytes, extra: bytes = b"", interlace=0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def filtered(pixels: np.ndarray, kinds) -> bytes:
    """Rows of bytes under the given filter kinds, by the specification's formulas."""
    height, width, step = pixels.shape
    flat = pixels.reshape(height, width * step).astype(int)
    out = b""
    for y, kind in zip(range(height), kinds, strict=True):
        row = flat[y]
        left = np.concatenate([np.zeros(step, int), row[:-step]]) if width > 1 else np.zeros(step, int)
        up = flat[y - 1] if y else np.zeros_like(row)
        corner = np.concatenate([np.zeros(step, int), up[:-step]]) if width > 1 else np.zeros(step, int)
        p = left + up - corner
        pa, pb, pc = abs(p - left), abs(p - up), abs(p - corner)
        paeth = np.where((pa <= pb) & (pa <= pc), left, np.where(pb <= pc, up, corner))
        guess = [0, left, up, (left + up) // 2, paeth][kind]
        out += bytes([kind]) + ((row - guess) % 256).astype(np.uint8).tobytes()
    return out


@given(st.integers(1, 9), st.lists(st.integers(0, 4), min_size=1, max_size=6), st.sampled_from([1, 2, 3, 4]))
@settings(max_examples=60, deadline=None)
def test_png_filters(width, kinds, channels):
    pixels = np.random.default_rng(width).integers(0, 256, (len(kinds), width, channels), dtype=np.uint8)
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    result = read_png(png(width, len(kinds), 8, colour, filtered(pixels, kinds)))
    np.testing.assert_array_equal(result, pixels[..., 0] if channels == 1 else pixels)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (1, 1, 4)])
def test_png_written_and_read(tmp_path, shape):
    pixels = RNG.integers(0, 256, shape, dtype=np.uint8)
    write_png(tmp_path / "a.png", pixels)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), pixels)


def test_png_of_pillow_agrees(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    for mode, shape in [("L", (6, 5)), ("RGB", (6, 5, 3)), ("RGBA", (6, 5, 4)), ("LA", (6, 5, 2))]:
        pixels = RNG.integers(0, 256, shape, dtype=np.uint8)
        Image.fromarray(pixels, mode=None).save(tmp_path / f"{mode}.png")
        np.testing.assert_array_equal(read_image(tmp_path / f"{mode}.png"), pixels)
    palette = Image.fromarray(RNG.integers(0, 256, (6, 5, 3), dtype=np.uint8)).quantize(7)
    palette.save(tmp_path / "P.png")
    np.testing.assert_array_equal(read_image(tmp_path / "P.png"), np.array(palette.convert("RGB")))
    Image.fromarray((RNG.integers(0, 2, (6, 5)) * 255).astype(np.uint8)).convert("1").save(tmp_path / "1.png")
    np.testing.assert_array_equal(read_image(tmp_path / "1.png"), np.array(Image.open(tmp_path / "1.png").convert("L")))
    write_png(tmp_path / "ours.png", RNG.integers(0, 256, (4, 3, 3), dtype=np.uint8))
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / "ours.png")), read_image(tmp_path / "ours.png"))


def test_png_small_depths_and_16_bit():
    rows = b"\x00" + bytes([0b00011011])
    np.testing.assert_array_equal(read_png(png(4, 1, 2, 0, rows)), [[0, 85, 170, 255]])
    wide = read_png(png(2, 1, 16, 0, b"\x00" + struct.pack(">HH", 7, 65535)))
    assert wide.dtype == np.uint16
    assert wide.tolist() == [[7, 65535]]
    palette = chunk(b"PLTE", bytes([1, 2, 3, 4, 5, 6])) + chunk(b"tRNS", bytes([9]))
    np.testing.assert_array_equal(read_png(png(2, 1, 1, 3, b"\x00\x40", palette)), [[[1, 2, 3, 9], [4, 5, 6, 255]]])


GOOD = png(2, 2, 8, 0, b"\x00\x01\x02\x00\x03\x04")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "not a PNG file"),
        (GOOD[:-1], "is cut short or altered|without an end mark"),
        (GOOD[:20], "cut short or altered|without an end mark"),
        (GOOD.replace(b"IHDR", b"IHDX", 1), "cut short or altered"),
        (GOOD[:8] + chunk(b"IEND", b""), "has no header"),
        (png(2, 2, 8, 0, b"\x00\x01\x02"), "has 3 bytes of pixels, expected 6"),
        (png(2, 1, 8, 0, b"\x07\x01\x02"), "uses filter 7"),
        (png(2, 1, 3, 0, b"\x00\x01"), "bit depth 3"),
        (png(2, 1, 8, 0, b"\x00\x01\x02", interlace=1), "interlaced"),
        (png(0, 1, 8, 0, b""), "claims 0 x 1 pixels"),
        (png(2**31 - 1, 2**31 - 1, 8, 0, b""), "claims 2147483647 x 2147483647 pixels"),
        (png(2, 1, 8, 3, b"\x00\x00\x05", chunk(b"PLTE", bytes(3))), "its palette does not have"),
        (png(2, 1, 8, 3, b"\x00\x00\x00"), "its palette does not have"),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)) + chunk(b"IDAT", b"junk")
         + chunk(b"IEND", b""), "do not unpack"),
    ],
)  # fmt: skip
def test_png_errors(content, text):
    with pytest.raises(RuntimeError, match=text):
        read_png(content)


def test_png_bomb_stops_at_the_claimed_size():
    bomb = png(2, 1, 8, 0, bytes(50_000_000))
    assert read_png(bomb).shape == (1, 2)  # what is beyond the picture is never unpacked


def test_every_truncated_png_is_refused():
    for length in range(len(GOOD)):
        with pytest.raises(RuntimeError, match="read_png"):
            read_png(GOOD[:length])


@pytest.mark.parametrize(
    "pixels", [np.zeros((2, 2)), np.zeros((2, 2, 5), np.uint8), np.zeros((0, 2), np.uint8), np.uint8(3)]
)
def test_write_png_errors(tmp_path, pixels):
    with pytest.raises(ValueError, match="write_png: expected uint8 of shape"):
        write_png(tmp_path / "a.png", pixels)


# ------------------------------------------------------------------------------------------------------------------ PNM


def test_pnm():
    assert read_pnm(b"P5 2 1 255\n\x01\x02").tolist() == [[1, 2]]
    assert read_pnm(b"P6\n# a remark\n1 1\n255\n\x01\x02\x03").tolist() == [[[1, 2, 3]]]
    assert read_pnm(b"P2 2 1 15\n0 15").tolist() == [[0, 255]]
    assert read_pnm(b"P3 1 1 255\n1 2\n3\n").tolist() == [[[1, 2, 3]]]
    wide = read_pnm(b"P5 1 1 65535\n\x01\x00")
    assert wide.dtype == np.uint16
    assert wide.tolist() == [[256]]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"P7 1 1 255\n", "not a PGM or PPM"),
        (b"P5 2 2 255\n\x01", "has 1 bytes of pixels, expected 4"),
        (b"P5 2 x 255\n", "not three numbers"),
        (b"P5", "not three numbers"),
        (b"P5 #", "not three numbers"),
        (b"P5 99999999 99999999 255\n", "claims"),
        (b"P5 1 1 0\n\x01", "claims"),
        (b"P2 2 1 255\n1", "has 1 values"),
        (b"P2 1 1 255\n-1", "whole numbers"),
        (b"P5 1 1 100\n\xff", "above its maximum 100"),
    ],
)
def test_pnm_errors(content, text):
    with pytest.raises(RuntimeError, match=text):
        read_pnm(content)


# -------------------------------------------------------------------------------------------------------------- folders


@pytest.fixture
def pictures(tmp_path):
    for name, count in (("dog", 2), ("cat", 3)):
        (tmp_path / name / "deep").mkdir(parents=True)
        for i in range(count):
            write_png(tmp_path / name / "deep" / f"{i}.png", np.full((4, 5, 3), 10 * i, np.uint8))
    np.save(tmp_path / "dog" / "x.npy", np.full((4, 5, 3), 255, np.uint8))
    (tmp_path / "dog" / "notes.txt").write_text("no picture")
    return tmp_path


def test_image_folder(pictures):
    data = ImageFolder(pictures)
    assert data.classes == ["cat", "dog"]
    assert data.class_to_idx == {"cat": 0, "dog": 1}
    assert data.targets == [0, 0, 0, 1, 1, 1]
    assert len(data) == 6
    image, label = data[5]
    assert image.shape == (3, 4, 5)
    assert image.dtype is ac.float32
    assert image.array.min() == 1
    assert label == 1
    assert data[1][0].array.max() == np.float32(10 / 255)
    raw, _ = ImageFolder(pictures, transform=lambda image: image, target_transform=str)[1]
    assert raw.shape == (4, 5, 3)
    assert raw.dtype == np.uint8
    images, labels = next(iter(DataLoader(data, batch_size=6, num_workers=1)))
    assert images.shape == (6, 3, 4, 5)
    assert labels.tolist() == data.targets


def test_folder_errors(pictures, tmp_path):
    with pytest.raises(RuntimeError, match="is not a folder; it should hold one folder of files per class"):
        ImageFolder(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RuntimeError, match="has no folders in it"):
        ImageFolder(tmp_path / "empty")
    with pytest.raises(RuntimeError, match=r"found no files with .png.* for: empty"):
        ImageFolder(tmp_path)
    assert len(ImageFolder(tmp_path, allow_empty=True)) == 6
    with pytest.raises(ValueError, match="either extensions or is_valid_file"):
        DatasetFolder(pictures, loader=open)
    (pictures / "cat" / "bad.png").write_bytes(b"nothing")
    with pytest.raises(RuntimeError, match=r"read_image: .*bad.png: read_png: not a PNG file"):
        list(ImageFolder(pictures, allow_empty=True))


def test_formats_that_need_pillow(tmp_path, monkeypatch):
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff")
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(RuntimeError, match=r"reading .jpg needs Pillow \(pip install pillow\)"):
        read_image(tmp_path / "a.jpg")


def test_formats_through_pillow(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    pixels = np.full((6, 5, 3), 77, np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.bmp")
    np.testing.assert_array_equal(read_image(tmp_path / "a.bmp"), pixels)
    (tmp_path / "b.bmp").write_bytes(b"junk")
    with pytest.raises(RuntimeError, match=r"read_image: cannot read .*b\.bmp"):
        read_image(tmp_path / "b.bmp")


def test_read_image_errors(tmp_path):
    with pytest.raises(RuntimeError, match=r"cannot read .*nothing\.png \(No such file"):
        read_image(tmp_path / "nothing.png")
    np.save(tmp_path / "a.npy", np.zeros(3))
    with pytest.raises(RuntimeError, match=r"holds shape \(3,\); an image is"):
        read_image(tmp_path / "a.npy")
    np.save(tmp_path / "b.npy", np.array([[print]]), allow_pickle=True)
    with pytest.raises(RuntimeError, match=r"b\.npy: "):
        read_image(tmp_path / "b.npy")


# --------------------------------------------------------------------------------------------------------------- tables


def table(text, **options):
    return CSVDataset(io.StringIO(text), **options)


def test_csv():
    data = table("height,width,kind\n1,2.5,cat\n3,4,dog\n5,6,cat\n", target="kind")
    assert data.feature_names == ["height", "width"]
    assert data.classes == ["cat", "dog"]
    x, y = data.tensors
    assert x.tolist() == [[1, 2.5], [3, 4], [5, 6]]
    assert x.dtype is ac.float32
    assert y.tolist() == [0, 1, 0]
    assert y.dtype is ac.int64
    assert next(iter(DataLoader(data, batch_size=3)))[0].shape == (3, 2)


def test_csv_variants(tmp_path):
    assert table("1;2\n3;4\n", delimiter=";").tensors[0].tolist() == [[1, 2], [3, 4]]
    assert len(table("1,2\n3,4\n", target=-1).tensors) == 2
    assert table("1,2\n3,4\n", target=1).tensors[1].dtype is ac.int64
    assert table("1,2.5\n3,4\n", target=1).tensors[1].dtype is ac.float32
    assert table("a,b\n1,\n3,4\n", missing=-1.0).tensors[0].tolist() == [[1, -1], [3, 4]]
    assert table("1,?\n3,4\n", missing=0.0).tensors[0].tolist() == [[1, 0], [3, 4]]
    assert table("a,b,c\n1,2,3\n", columns=["c", 0]).tensors[0].tolist() == [[3, 1]]
    assert table("1,2\n", header=False).feature_names == ["0", "1"]
    (tmp_path / "x.csv").write_bytes("\ufeffa,b\r\n\r\n1,2\r\n".encode())
    assert CSVDataset(tmp_path / "x.csv").feature_names == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "options", "kind", "message"),
    [
        ("", {}, RuntimeError, "is empty"),
        ("a,b\n", {}, RuntimeError, "has a header but no rows"),
        ("a,b\n1,2\n3\n", {}, RuntimeError, "line 3: 1 entries, expected 2"),
        ("a,b\n1,2\n3,x\n", {}, RuntimeError, "line 3, column 'b': 'x'; features must be numbers"),
        ("a,b\n1,\n", {}, RuntimeError, "line 2, column 'b': a missing value; pass missing="),
        ("a,b\n1,2\n", {"target": "c"}, ValueError, r"no column 'c' in .*; its columns are \['a', 'b'\]"),
        ("a,b\n1,2\n", {"target": 2}, ValueError, "no column 2"),
        ("a\n1\n", {"target": "a"}, ValueError, "no column is left"),
        ('a,b\n1,"2\n', {}, RuntimeError, "line"),
    ],
)
def test_csv_errors(text, options, kind, message):
    with pytest.raises(kind, match=f"CSVDataset: .*{message}"):
        table(text, **options)


def test_csv_files_that_are_none(tmp_path):
    with pytest.raises(RuntimeError, match=r"cannot read .*No such file"):
        CSVDataset(tmp_path / "none.csv")
    with pytest.raises(RuntimeError, match="is not UTF-8 text"):
        CSVDataset(io.BytesIO(b"\xff\xfe\x00"))
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RuntimeError, match="is not UTF-8 text"):
        CSVDataset(tmp_path / "x.csv")


# ----------------------------------------------------------------------------------------------------------- generators


@pytest.mark.parametrize("make", [moons, circles, spirals, blobs])
def test_points(make):
    data = make(n=91, seed=3)
    x, y = data.tensors
    assert x.shape == (91, 2)
    assert x.dtype is ac.float32
    assert y.shape == (91,)
    assert y.dtype is ac.int64
    counts = np.bincount(y.array)
    assert counts.max() - counts.min() <= 1
    assert (make(n=91, seed=3).tensors[0].array == x.array).all()
    assert not (make(n=91, seed=4).tensors[0].array == x.array).all()
    for bad in (-1, 0.5, True, "a"):
        with pytest.raises(ValueError, match=f"{make.__name__}: seed should be a non-negative integer"):
            make(n=10, seed=bad)
        with pytest.raises(ValueError, match=f"{make.__name__}: n should be an integer"):
            make(n=bad)


def test_shapes_of_the_points():
    x, y = (t.array for t in circles(400, noise=0.0, factor=0.3).tensors)
    np.testing.assert_allclose(np.hypot(*x.T), np.where(y, 0.3, 1.0), rtol=1e-6)
    x, y = (t.array for t in moons(400, noise=0.0).tensors)
    np.testing.assert_allclose(np.hypot(*x[y == 0].T), 1, rtol=1e-6)
    np.testing.assert_allclose(np.hypot(*(x[y == 1] - [1, 0.5]).T), 1, rtol=1e-6)
    x, _ = (t.array for t in spirals(300, classes=5, noise=0.0).tensors)
    assert np.hypot(*x.T).max() <= 1 + 1e-6
    x, y = (t.array for t in blobs(3000, classes=4, features=3, spread=0.5).tensors)
    assert x.shape == (3000, 3)
    assert abs(x[y == 2].std(0) - 0.5).max() < 0.1
    for make, options, text in [
        (circles, {"factor": 1.0}, "factor should lie between 0 and 1"),
        (moons, {"noise": -1}, "noise should be a finite standard deviation"),
        (moons, {"noise": float("nan")}, "noise should be a finite standard deviation"),
        (spirals, {"classes": 0}, "classes should be an integer of at least 1"),
    ]:
        with pytest.raises(ValueError, match=text):
            make(**options)


def test_sine_waves():
    x, y = sine_waves(5, 20, noise=0.0).tensors
    assert x.shape == y.shape == (5, 20, 1)
    assert x.dtype is ac.float32
    np.testing.assert_array_equal(x.array[:, 1:], y.array[:, :-1])
    noisy, clean = sine_waves(5, 20, noise=0.5).tensors
    assert not (noisy.array == x.array).all()
    assert (clean.array == y.array).all()


def test_text():
    text = toy_text(50, seed=1)
    assert text == toy_text(50, seed=1) != toy_text(50, seed=2)
    assert text.count("\n") == 50
    assert all(line[0].isupper() and line[-1] == "." for line in text.splitlines())
    data = CharDataset(text, block=16)
    x, y = data[3]
    assert x.shape == (16,)
    assert x.dtype is ac.int64
    assert x.tolist()[1:] == y.tolist()[:-1]
    assert data.decode(x) == text[3:19]
    assert data.decode([0]) == data.alphabet[0]
    assert len(data) == len(text) - 16
    assert data[-1][1].tolist() == data[len(data) - 1][1].tolist()
    with pytest.raises(IndexError, match="out of range"):
        data[len(data)]
    with pytest.raises(ValueError, match="the text has 3 characters, block=3 needs at least 4"):
        CharDataset("abc", 3)
    with pytest.raises(ValueError, match="the text has the character 'b', the alphabet has not"):
        CharDataset("abab", 2, alphabet="a")
