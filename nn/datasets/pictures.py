"""Reading picture files without an imaging library: PNG, PPM, PGM and .npy; others through Pillow where installed."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

__all__ = ["IMAGE_EXTENSIONS", "read_image", "read_png", "read_pnm", "write_png"]

IMAGE_EXTENSIONS = (".png", ".ppm", ".pgm", ".npy", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")

_MAX_PIXELS = 1 << 28  # a header that claims more is not believed
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # colour type -> samples per pixel
_PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


class _Damaged(Exception):
    """What is wrong with the file's content."""


def read_image(path: str | Path) -> np.ndarray:
    """The picture in a file as an array (H, W) for grey or (H, W, C) for colour.

    Parameters
    ----------
    path : str or Path
        PNG, PPM, PGM or .npy; every other format needs Pillow.

    Returns
    -------
    numpy.ndarray
        uint8, or uint16 for 16-bit files; .npy files as stored.

    Raises
    ------
    RuntimeError
        When the file is missing, damaged, or in a format that needs Pillow and Pillow is not installed.
    """
    path = Path(path)
    readers: dict[str, Callable[[bytes], np.ndarray]] = {".png": read_png, ".ppm": read_pnm, ".pgm": read_pnm}
    suffix = path.suffix.lower()
    try:
        if suffix in readers:
            return readers[suffix](path.read_bytes())
        if suffix == ".npy":
            return _read_npy(path)
    except OSError as error:
        raise RuntimeError(f"read_image: cannot read {path} ({error.strerror or error}).") from None
    except (RuntimeError, ValueError, EOFError) as error:
        raise RuntimeError(f"read_image: {path}: {error}") from None
    try:
        from PIL import Image  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise RuntimeError(
            f"read_image: {path} is not PNG, PPM, PGM or .npy; reading {suffix or 'it'} needs Pillow "
            "(pip install pillow)."
        ) from None
    try:
        with Image.open(path) as picture:
            return np.array(picture if picture.mode in ("L", "RGB", "RGBA") else picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise RuntimeError(f"read_image: cannot read {path} ({error}).") from None


def _read_npy(path: Path) -> np.ndarray:
    array = np.load(path, allow_pickle=False, mmap_mode="r")  # a map: a header that lies costs no memory
    if not isinstance(array, np.ndarray) or array.ndim not in (2, 3):
        raise RuntimeError(f"holds shape {getattr(array, 'shape', None)}; an image is (H, W) or (H, W, C).")
    return np.array(array)


def read_png(content: bytes) -> np.ndarray:
    """The picture in a PNG file's bytes: uint8 or uint16, (H, W), (H, W, 2), (H, W, 3) or (H, W, 4).

    Palettes become RGB (RGBA with transparency), 1-, 2- and 4-bit grey is spread over 0..255; interlaced files are
    refused. Checksums of the chunks are compared.

    Raises
    ------
    RuntimeError

    Source: W3C, Portable Network Graphics (PNG) Specification.
    """
    try:
        return _png(content)
    except _Damaged as problem:
        raise RuntimeError(f"read_png: {problem}.") from None


def _png(content: bytes) -> np.ndarray:
    if content[:8] != _PNG_SIGNATURE:
        raise _Damaged("not a PNG file")
    header = palette = transparency = None
    packed = []
    position = 8
    while True:
        if position + 12 > len(content):
            raise _Damaged(f"ends after {len(content)} bytes without an end mark")
        length = int.from_bytes(content[position : position + 4], "big")
        kind = content[position + 4 : position + 8]
        body = content[position + 8 : position + 8 + length]
        crc = content[position + 8 + length : position + 12 + length]
        if len(crc) < 4 or zlib.crc32(kind + body) != int.from_bytes(crc, "big"):
            raise _Damaged(f"its {kind.decode('latin1')!r} chunk is cut short or altered")
        position += 12 + length
        if kind == b"IHDR":
            header = body
        elif kind == b"PLTE":
            palette = np.frombuffer(body[: len(body) // 3 * 3], np.uint8).reshape(-1, 3)
        elif kind == b"tRNS":
            transparency = np.frombuffer(body, np.uint8)
        elif kind == b"IDAT":
            packed.append(body)
        elif kind == b"IEND":
            break
    if header is None or len(header) != 13:
        raise _Damaged("has no header")
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    depth, colour, compression, filtering, interlace = header[8:]
    if depth not in _PNG_DEPTHS.get(colour, ()) or compression or filtering:
        raise _Damaged(f"has bit depth {depth} with colour type {colour}, which PNG does not know")
    if interlace:
        raise _Damaged("is interlaced, which this reader does not do; save it without interlacing")
    if not 0 < width * height <= _MAX_PIXELS:
        raise _Damaged(f"claims {width} x {height} pixels")
    channels = _PNG_CHANNELS[colour]
    row_bytes = (width * channels * depth + 7) // 8
    expected = height * (row_bytes + 1)
    unpacker = zlib.decompressobj()
    try:
        raw = unpacker.decompress(b"".join(packed), expected)
    except zlib.error as error:
        raise _Damaged(f"its pixels do not unpack ({error})") from None
    if len(raw) != expected:
        raise _Damaged(f"has {len(raw)} bytes of pixels, expected {expected}")
    rows = _unfilter(np.frombuffer(raw, np.uint8).reshape(height, row_bytes + 1), max(1, channels * depth // 8))
    pixels: np.ndarray
    if depth == 16:
        pixels = rows.view(">u2").astype(np.uint16).reshape(height, width, channels)
    elif depth == 8:
        pixels = rows.reshape(height, width, channels)
    else:
        bits = np.unpackbits(rows, axis=1)[:, : width * depth].reshape(height, width, depth)
        pixels = (bits @ (1 << np.arange(depth - 1, -1, -1))).astype(np.uint8)[..., None]
        if colour == 0:
            pixels = pixels * np.uint8(255 // ((1 << depth) - 1))
    if colour == 3:
        if palette is None or int(pixels.max()) >= len(palette):
            raise _Damaged("uses colours that its palette does not have")
        entries = palette
        if transparency is not None:
            alpha = np.full(len(palette), 255, np.uint8)
            alpha[: len(transparency)] = transparency[: len(palette)]
            entries = np.concatenate([palette, alpha[:, None]], 1)
        return entries[pixels[..., 0]]
    return pixels[..., 0] if channels == 1 else pixels


def _unfilter(rows: np.ndarray, step: int) -> np.ndarray:
    """Undo each row's filter; `step` is the distance in bytes to the pixel on the left."""
    height, width = rows.shape[0], rows.shape[1] - 1
    out = np.empty((height, width), np.uint8)
    above = np.zeros(width, np.uint8)
    for y in range(height):
        kind, row = int(rows[y, 0]), rows[y, 1:]
        if kind == 0:
            out[y] = row
        elif kind == 1:
            # Left: a running sum modulo 256 in each byte lane of the pixel.
            for lane in range(step):
                out[y, lane::step] = np.cumsum(row[lane::step], dtype=np.uint8)
        elif kind == 2:
            out[y] = row + above
        elif kind in (3, 4):
            _unfilter_sequential(kind, row, above, out[y], step)
        else:
            raise _Damaged(f"uses filter {kind}, which PNG does not know")
        above = out[y]
    return out


def _unfilter_sequential(kind: int, row: np.ndarray, above: np.ndarray, out: np.ndarray, step: int) -> None:
    """Average and Paeth depend on the decoded byte to the left: plain Python integers are fastest for that."""
    source, up = row.tolist(), above.tolist()
    done = [0] * len(source)
    for i, value in enumerate(source):
        left = done[i - step] if i >= step else 0
        if kind == 3:
            guess = (left + up[i]) >> 1
        else:
            corner = up[i - step] if i >= step else 0
            to_left, to_up, to_corner = abs(up[i] - corner), abs(left - corner), abs(left + up[i] - 2 * corner)
            guess = left if to_left <= to_up and to_left <= to_corner else up[i] if to_up <= to_corner else corner
        done[i] = (value + guess) & 255
    out[:] = done


def write_png(path: str | Path, pixels: np.ndarray) -> None:
    """Write a uint8 array (H, W), (H, W, 3) or (H, W, 4) as a PNG file.

    Raises
    ------
    ValueError
        For any other shape or dtype.
    """
    pixels = np.asarray(pixels)
    colour = 0 if pixels.ndim == 2 else {3: 2, 4: 6}.get(pixels.shape[2]) if pixels.ndim == 3 else None
    if colour is None or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise ValueError(
            f"write_png: expected uint8 of shape (H, W), (H, W, 3) or (H, W, 4), got {pixels.dtype} {pixels.shape}."
        )
    height, width = pixels.shape[:2]
    rows = np.zeros((height, 1 + pixels[0].size), np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, colour, 0, 0, 0])
    Path(path).write_bytes(
        _PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)) + chunk(b"IEND", b"")
    )


def read_pnm(content: bytes) -> np.ndarray:
    """The picture in a PGM or PPM file's bytes (P2, P3, P5, P6): (H, W) or (H, W, 3), uint8 or uint16.

    Values are spread over 0..255 (0..65535 above 8 bits) when the file's maximum is another.

    Raises
    ------
    RuntimeError

    Source: the Netpbm manual pages of pgm and ppm.
    """
    try:
        return _pnm(content)
    except _Damaged as problem:
        raise RuntimeError(f"read_pnm: {problem}.") from None


def _pnm(content: bytes) -> np.ndarray:
    if content[:2] not in (b"P2", b"P3", b"P5", b"P6"):
        raise _Damaged("not a PGM or PPM file")
    plain, channels = content[1] in b"23", 3 if content[1] in b"36" else 1
    fields: list[int] = []
    position = 2
    while len(fields) < 3:
        while position < len(content) and content[position : position + 1].isspace():
            position += 1
        if content[position : position + 1] == b"#":
            end = content.find(b"\n", position)
            position = len(content) if end < 0 else end
            continue
        start = position
        while position < len(content) and 48 <= content[position] <= 57 and position - start < 10:
            position += 1
        if start == position:
            raise _Damaged("its header is not three numbers")
        fields.append(int(content[start:position]))
    width, height, top = fields
    if not 0 < width * height <= _MAX_PIXELS or not 0 < top < 65536:
        raise _Damaged(f"claims {width} x {height} pixels up to {top}")
    count = width * height * channels
    if plain:
        words = content[position:].split()
        if len(words) != count or not all(word.isdigit() and len(word) < 6 for word in words):
            raise _Damaged(f"has {len(words)} values, expected {count} whole numbers")
        values = np.array([int(word) for word in words], np.int64)
    else:
        dtype = np.dtype(">u2" if top > 255 else "u1")
        raw = content[position + 1 :]
        if len(raw) != count * dtype.itemsize:
            raise _Damaged(f"has {len(raw)} bytes of pixels, expected {count * dtype.itemsize}")
        values = np.frombuffer(raw, dtype)
    if values.size and int(values.max()) > top:
        raise _Damaged(f"has values above its maximum {top}")
    full = 65535 if top > 255 else 255
    if top != full:
        values = (values.astype(np.int64) * full + top // 2) // top
    pixels = values.astype(np.uint16 if top > 255 else np.uint8)
    return pixels.reshape((height, width, 3) if channels == 3 else (height, width))
