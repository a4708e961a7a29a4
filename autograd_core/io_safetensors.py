"""The safetensors format: a JSON header with names, types, shapes and offsets, then the tensors' bytes.

    8 bytes   length n of the header, little-endian
    n bytes   {"__metadata__": {str: str}, name: {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
    the rest  the tensors one after the other, without gaps, little-endian, C order

Reading goes through the `safetensors` package, which checks every claim of a header before it believes it.  Writing is
done here: the package (0.8) writes the metadata in another order in each process, and equal trainings must leave equal
files; and arrays go to the file one by one, without a second copy of the whole in memory.

Source: the format's description at https://github.com/huggingface/safetensors.
"""

from __future__ import annotations

import json
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


def read_header(file: BinaryIO) -> tuple[bytes, dict[str, Any], dict[str, str]]:
    """The header's bytes, its entries by name, and its metadata; leaves `file` at the first tensor."""
    start = file.read(9)
    if not looks_like_safetensors(start):
        raise FileProblem("it is not a safetensors file")
    length = int.from_bytes(start[:8], "little")
    text = start[8:] + file.read(length - 1)
    if len(text) != length:
        raise FileProblem(f"it is cut short: it ends after {8 + len(text)} bytes, within its header of {length}")
    try:
        header = json.loads(text.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise FileProblem("its header is not the JSON it should be") from None
    if not isinstance(header, dict):
        raise FileProblem("its header is not the JSON it should be")
    metadata = header.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise FileProblem("its metadata are not a table of texts")
    return start[:8] + text, header, metadata


def read_safetensors(file: BinaryIO, alone: bool) -> tuple[dict[str, Array], dict[str, str]]:
    """All arrays, in the order of the header, and the metadata.  ``alone``: the file must end with the tensors."""
    from safetensors import SafetensorError, deserialize

    head, entries, metadata = read_header(file)
    wanted, body = _claimed(entries), b""
    try:
        body = file.read() if alone else file.read(wanted)
        stored = dict(deserialize(head + body))
    except (SafetensorError, OverflowError) as error:
        found = len(body)
        what = "it is cut short: " if found < wanted else "it has extra bytes: " if found > wanted else ""
        sizes = f"{what}{found} bytes of tensors, its header says {wanted}; " if what else ""
        raise FileProblem(f"{sizes}the safetensors package says: {error}") from None
    tensors = {}
    for name in entries:
        kind, values = stored[name]["dtype"], stored[name]["data"]
        if kind not in _NUMPY_OF and kind not in _WIDENED:
            raise FileProblem(f"its tensor {name!r} has the type {kind!r}, which this reader does not know")
        array = np.frombuffer(values, _NUMPY_OF.get(kind) or _WIDENED[kind][0])
        if kind == "BOOL" and array.size and array.view(np.uint8).max() > 1:
            raise FileProblem(f"its tensor {name!r} holds booleans other than 0 and 1")
        if kind in _WIDENED:
            array = _WIDENED[kind][1](array)
        tensors[name] = array.astype(array.dtype.newbyteorder("="), copy=False).reshape(stored[name]["shape"])
    return tensors, metadata


def _claimed(entries: dict[str, Any]) -> int:
    """How many bytes of tensors a header speaks of, as far as it can be read."""
    offsets = [e.get("data_offsets") for e in entries.values() if isinstance(e, dict)]
    ends = [o[1] for o in offsets if isinstance(o, list) and len(o) == 2]
    return max([0, *[e for e in ends if isinstance(e, int)]])


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
