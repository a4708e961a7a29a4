"""The safetensors format: a JSON header with names, types, shapes and offsets, then the tensors' bytes.

    8 bytes   length n of the header, little-endian
    n bytes   {"__metadata__": {str: str}, name: {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
    the rest  the tensors one after the other, without gaps, little-endian, C order

Written here rather than through the `safetensors` package because arrays go to the file one by one, without a second
copy of the whole in memory, and because every way a file can be wrong gets its own sentence.

Source: the format's description at https://github.com/huggingface/safetensors.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

__all__ = ["FileProblem", "looks_like_safetensors", "read_safetensors", "write_safetensors"]

Array = np.ndarray[Any, Any]

_NUMPY_OF = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8",
    "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8", "C64": "<c8",
}  # fmt: skip
_NAME_OF = {np.dtype(numpy): name for name, numpy in _NUMPY_OF.items()}
_MAX_HEADER = 100_000_000  # the format's own limit
_METADATA = "__metadata__"


class FileProblem(RuntimeError):
    """What is wrong with a file's content; the caller adds the file's name."""


# ---------------------------------------------------------------------------------------------------------------------
# Types that NumPy lacks: their values are all float32 values, so reading them as float32 loses nothing


def bfloat16_to_float32(bits: Array) -> Array:
    """The float32 values of bfloat16 bit patterns (uint16): the upper half of a float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def float8_to_float32(bits: Array, exponent_bits: int, finite: bool) -> Array:
    """The float32 values of 8-bit floats: e4m3fn (no infinities, one NaN) when `finite`, else e5m2."""
    mantissa_bits = 7 - exponent_bits
    bias = (1 << (exponent_bits - 1)) - 1
    code = np.arange(256)
    exponent, mantissa = (code & 127) >> mantissa_bits, code & ((1 << mantissa_bits) - 1)
    fraction = mantissa / (1 << mantissa_bits)
    value = np.where(exponent == 0, np.ldexp(fraction, 1 - bias), np.ldexp(1 + fraction, exponent - bias))
    if finite:
        value[(code & 127) == 127] = np.nan
    else:
        top = exponent == (1 << exponent_bits) - 1
        value[top] = np.where(mantissa[top] == 0, np.inf, np.nan)
    return np.where(code > 127, -value, value).astype(np.float32)[bits]


_WIDENED = {
    "BF16": ("<u2", bfloat16_to_float32),
    "F8_E4M3": ("u1", lambda bits: float8_to_float32(bits, 4, True)),
    "F8_E5M2": ("u1", lambda bits: float8_to_float32(bits, 5, False)),
}


# ---------------------------------------------------------------------------------------------------------------------
# Writing


def storable(array: Array) -> bool:
    """Whether the format has this dtype (in any byte order)."""
    return array.dtype.newbyteorder("<") in _NAME_OF or array.dtype in _NAME_OF


def as_bytes(array: Array) -> memoryview:
    """The array's values as the format stores them; no copy when they lie like that already."""
    plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return plain.reshape(-1).view(np.uint8).data


def write_safetensors(file: Any, tensors: dict[str, Array], metadata: dict[str, str]) -> None:
    """Write the arrays and metadata to `file` (anything with `write`)."""
    # Largest items first, so that every tensor lies aligned for readers that map the file.
    names = sorted(tensors, key=lambda name: -tensors[name].dtype.itemsize)
    header: dict[str, Any] = {_METADATA: metadata} if metadata else {}
    end = 0
    for name in names:
        array = tensors[name]
        begin, end = end, end + array.nbytes
        kind = _NAME_OF[array.dtype.newbyteorder("<")]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    if len(text) > _MAX_HEADER:
        raise ValueError(
            f"save: names and plain values take {len(text)} bytes, the format allows {_MAX_HEADER}; store large values "
            "as tensors."
        )
    file.write(len(text).to_bytes(8, "little") + text)
    for name in names:
        if tensors[name].nbytes:
            file.write(as_bytes(tensors[name]))


# ---------------------------------------------------------------------------------------------------------------------
# Reading


def looks_like_safetensors(start: bytes) -> bool:
    """Whether a file that begins with these bytes (at least 9) can be safetensors."""
    return len(start) >= 9 and start[8:9] == b"{" and 2 <= int.from_bytes(start[:8], "little") <= _MAX_HEADER


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise FileProblem("its header names an entry twice")
    return result


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _entries(header: dict[str, Any]) -> Iterator[tuple[str, str, tuple[int, ...], int, int]]:
    """(name, dtype, shape, begin, end) in the order of the bytes, checked to lie without gaps."""
    found = []
    for name, entry in header.items():
        if not isinstance(entry, dict) or not {"dtype", "shape", "data_offsets"} <= entry.keys():
            raise FileProblem(f"its entry {name!r} is not a tensor's")
        kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
        if kind not in _NUMPY_OF and kind not in _WIDENED:
            raise FileProblem(f"its tensor {name!r} has the type {kind!r}, which this reader does not know")
        if not isinstance(shape, list) or not all(_whole(n) for n in shape) or len(shape) > 64:
            raise FileProblem(f"its tensor {name!r} has no valid shape")
        if not isinstance(offsets, list) or len(offsets) != 2 or not all(_whole(n) for n in offsets):
            raise FileProblem(f"its tensor {name!r} has no valid offsets")
        found.append((offsets[0], offsets[1], name, kind, tuple(shape)))
    found.sort(key=lambda entry: entry[:2])
    position = 0
    for begin, end, name, kind, shape in found:
        itemsize = np.dtype(_NUMPY_OF.get(kind) or _WIDENED[kind][0]).itemsize
        size = math.prod(shape) * itemsize
        if begin != position or end - begin != size:
            raise FileProblem(
                f"its tensor {name!r} of shape {shape} lies at {begin}..{end}, expected {position}..{position + size}"
            )
        position = end
        yield name, kind, shape, begin, end


def read_header(file: BinaryIO, size: int | None) -> tuple[dict[str, str], list[tuple[str, str, tuple[int, ...], int]]]:
    """Metadata and (name, dtype, shape, bytes) of the tensors in order; leaves `file` at the first tensor.

    `size` is the number of bytes from the header's start to the end where that is known, and must agree.
    """
    start = file.read(9)
    if not looks_like_safetensors(start):
        raise FileProblem("it is not a safetensors file")
    length = int.from_bytes(start[:8], "little")
    if size is not None and 8 + length > size:
        raise FileProblem(f"it ends after {size} bytes, within its header of {length}")
    text = start[8:] + file.read(length - 1)
    if len(text) != length:
        raise FileProblem(f"it ends after {8 + len(text)} bytes, within its header of {length}")
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_no_duplicates)
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise FileProblem("its header is not the JSON it should be") from None
    if not isinstance(header, dict):
        raise FileProblem("its header is not the JSON it should be")
    metadata = header.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise FileProblem("its metadata are not a table of texts")
    entries = [(name, kind, shape, end - begin) for name, kind, shape, begin, end in _entries(header)]
    total = 8 + length + sum(entry[3] for entry in entries)
    if size is not None and size != total:
        what = "it is cut short:" if size < total else "it has extra bytes:"
        raise FileProblem(f"{what} {size} bytes, its header says {total}")
    return metadata, entries


def read_safetensors(file: BinaryIO, size: int | None) -> tuple[dict[str, Array], dict[str, str]]:
    """All arrays, in the order of their bytes, and the metadata; see `read_header` for `size`."""
    metadata, entries = read_header(file, size)
    if size is None:  # a stream of unknown length: take what there is before making room for what the header claims
        total = sum(entry[3] for entry in entries)
        content = file.read(total)
        if len(content) != total:
            raise FileProblem(f"it is cut short: {len(content)} bytes of tensors, its header says {total}")
        file = io.BytesIO(content)
    tensors = {}
    for name, kind, shape, nbytes in entries:
        dtype = np.dtype(_NUMPY_OF.get(kind) or _WIDENED[kind][0])
        array = np.empty(nbytes // dtype.itemsize, dtype)
        if nbytes and fill(file, array.view(np.uint8).data) != nbytes:
            raise FileProblem(f"it is cut short within the tensor {name!r}")
        if kind == "BOOL" and nbytes and array.view(np.uint8).max() > 1:
            raise FileProblem(f"its tensor {name!r} holds booleans other than 0 and 1")
        if kind in _WIDENED:
            array = _WIDENED[kind][1](array)
        tensors[name] = array.astype(array.dtype.newbyteorder("="), copy=False).reshape(shape)
    return tensors, metadata


def fill(file: BinaryIO, view: memoryview) -> int:
    """Read into `view` until it is full or the file ends; the number of bytes read."""
    done = 0
    while done < len(view):
        if hasattr(file, "readinto"):
            got = file.readinto(view[done:]) or 0
        else:
            content = file.read(len(view) - done)
            got = len(content)
            view[done : done + got] = content
        if not got:
            break
        done += got
    return done
