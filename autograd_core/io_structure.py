"""Nested containers as JSON beside named arrays, and back.

Numbers, texts, lists and dicts with text keys are themselves in the JSON; everything else is an object with the key
"!", which names its kind. No kind can hold code.
"""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from . import dtypes
from .device import device
from .io_safetensors import FileProblem, as_bytes, storable
from .tensor import Size, Tensor, wrap

__all__ = ["NUMPY_TYPES", "Encoder", "checksum", "decode"]

Array = np.ndarray[Any, Any]

NUMPY_TYPES = frozenset(d.numpy for d in dtypes.ALL)
_KIND = "!"
_MAX_DEPTH = 200
_BYTES_AS_ARRAY = 1024  # longer ones are stored as uint8 payload


def checksum(array: Array) -> int:
    """CRC-32 of the array's type, shape and stored bytes."""
    kind = f"{array.dtype.newbyteorder('<').str}{array.shape}"
    return zlib.crc32(as_bytes(array), zlib.crc32(kind.encode("ascii")))


class Encoder:
    """Turns one object into `structure` (for JSON) and `arrays` (for the file)."""

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}
        self.checksums: dict[str, int] = {}
        self.complex128: list[str] = []  # names of arrays stored as pairs of float64
        self._names: dict[Any, str] = {}  # where an array lies in memory -> its name
        self._owners: dict[str, list[int]] = {}  # name -> ids of the tensors that share it
        self._open: set[int] = set()  # containers being encoded, to notice cycles
        self._alive: list[Any] = []  # ids stay valid as long as their objects live

    def encode(self, obj: Any, path: tuple[Any, ...] = ()) -> Any:
        """`obj` in a form that JSON holds; its arrays are collected."""
        if obj is None or obj is True or obj is False or type(obj) is str:
            return self._text(obj, path) if type(obj) is str else obj
        kind = type(obj)
        if kind is int:
            return obj
        if kind is float:
            return obj if math.isfinite(obj) else {_KIND: "float", "v": repr(obj)}
        if isinstance(obj, Tensor):
            return self._tensor(obj, path)
        if isinstance(obj, np.ndarray):
            return {_KIND: "array", "name": self._array(np.asarray(obj), path)}
        if isinstance(obj, np.generic):
            return {_KIND: "scalar", "name": self._array(np.asarray(obj), path)}
        if kind is complex:
            return {_KIND: "complex", "v": [self.encode(obj.real), self.encode(obj.imag)]}
        if kind in (bytes, bytearray):
            return self._bytes(obj, path)
        if isinstance(obj, dtypes.dtype):
            return {_KIND: "dtype", "v": obj.name}
        if isinstance(obj, device):
            return {_KIND: "device", "v": str(obj)}
        return self._container(obj, path)

    def _container(self, obj: Any, path: tuple[Any, ...]) -> Any:
        kind = type(obj)
        if kind not in (dict, OrderedDict, list, tuple, Size, set, frozenset):
            raise self._refuse(obj, path)
        if id(obj) in self._open:
            raise ValueError(f"save: {_spell(path)} contains itself; a file can hold no cycles.")
        if len(path) > _MAX_DEPTH:
            raise ValueError(f"save: {_spell(path[:3])}... is nested deeper than {_MAX_DEPTH} levels.")
        self._open.add(id(obj))
        self._alive.append(obj)
        try:
            if kind in (dict, OrderedDict):
                return self._dict(obj, path)
            values = sorted(obj, key=repr) if kind in (set, frozenset) else obj
            items = [self.encode(value, (*path, i)) for i, value in enumerate(values)]
            return items if kind is list else {_KIND: kind.__name__, "v": items}
        finally:
            self._open.discard(id(obj))

    def _dict(self, obj: Any, path: tuple[Any, ...]) -> Any:
        if type(obj) is dict and _KIND not in obj and all(type(key) is str for key in obj):
            return {self._text(key, path): self.encode(value, (*path, key)) for key, value in obj.items()}
        pairs = []
        for key, value in obj.items():
            if not _plain_key(key):
                raise TypeError(
                    f"save: {_spell(path)} has a key of type {type(key).__name__}; keys can be str, int, float, bool, "
                    "None, bytes and tuples of these."
                )
            pairs.append([self.encode(key, path), self.encode(value, (*path, key))])
        entry: dict[str, Any] = {_KIND: type(obj).__name__, "v": pairs}
        if "_metadata" in getattr(obj, "__dict__", {}):  # a module's state_dict carries its parts' versions there
            entry["metadata"] = self.encode(obj._metadata, (*path, "_metadata"))
        return entry

    def _text(self, text: str, path: tuple[Any, ...]) -> str:
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise ValueError(f"save: {_spell(path)} holds a text that is not valid Unicode: {text!r}.") from None
        return text

    def _bytes(self, obj: bytes | bytearray, path: tuple[Any, ...]) -> Any:
        kind = type(obj).__name__
        if len(obj) <= _BYTES_AS_ARRAY:
            return {_KIND: kind, "v": base64.b64encode(obj).decode("ascii")}
        return {_KIND: kind, "name": self._array(np.frombuffer(bytes(obj), np.uint8), path)}

    def _tensor(self, tensor: Tensor, path: tuple[Any, ...]) -> Any:
        if not tensor.is_leaf:
            raise RuntimeError(
                f"save: {_spell(path)} was computed by a recorded op, and a file cannot hold the graph behind it; save "
                "its detach()."
            )
        name = self._array(tensor.array, path)
        owners = self._owners.setdefault(name, [])
        if id(tensor) not in owners:
            owners.append(id(tensor))
            self._alive.append(tensor)
        entry: dict[str, Any] = {_KIND: "tensor", "name": name}
        if tensor.requires_grad:
            entry["requires_grad"] = True
        if (which := owners.index(id(tensor))) > 0:  # another tensor over the same memory
            entry["owner"] = which
        return entry

    def _array(self, array: Array, path: tuple[Any, ...]) -> str:
        """The name under which the array is stored; the same memory is stored once."""
        where = (array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.str)
        if array.size and where in self._names:
            return self._names[where]
        stored, paired = array, array.dtype == np.complex128
        if paired:  # the format has no complex128
            stored = np.ascontiguousarray(array).reshape(*array.shape, 1).view(np.float64)
        elif not storable(array) or array.dtype.newbyteorder("=") not in NUMPY_TYPES:
            raise TypeError(
                f"save: {_spell(path)} is an array of dtype {array.dtype}; arrays of numbers and booleans can be "
                "stored."
            )
        name = ".".join(map(str, path)) or "tensor"
        while name in self.arrays or name == "__metadata__":
            name += "_"
        self._text(name, path)
        self.arrays[name] = stored
        if paired:
            self.complex128.append(name)
        self.checksums[name] = checksum(stored)
        self._names[where] = name
        self._alive.append(array)
        return name

    def _refuse(self, obj: Any, path: tuple[Any, ...]) -> TypeError:
        kind = type(obj)
        where = _spell(path)
        if hasattr(obj, "state_dict"):
            return TypeError(
                f"save: {where} is a {kind.__name__}; save its state_dict(), and load that into a new one."
            )
        if hasattr(obj, "get_state") and hasattr(obj, "set_state"):
            return TypeError(f"save: {where} is a {kind.__name__}; save its get_state().")
        hint = ""
        if isinstance(obj, dict):
            hint = " Turn it into a dict."
        elif isinstance(obj, tuple):
            hint = " Turn it into a tuple or, with _asdict(), a dict."
        elif isinstance(obj, (int, float, str)):
            hint = f" Turn it into a plain {next(t for t in (int, float, str) if isinstance(obj, t)).__name__}."
        elif hasattr(obj, "__fspath__"):
            hint = " Turn it into a str."
        return TypeError(
            f"save: {where} is a {kind.__module__}.{kind.__qualname__}; a file holds tensors, arrays, numbers, str, "
            f"bytes, None, and dict, list, tuple, set of these.{hint}"
        )


def _spell(path: tuple[Any, ...]) -> str:
    return "obj" + "".join(f"[{key!r}]" for key in path)


def _plain_key(key: Any) -> bool:
    if type(key) is tuple:
        return all(_plain_key(part) for part in key)
    return key is None or type(key) in (str, int, float, bool, bytes)


# ---------------------------------------------------------------------------------------------------------------------


def decode(structure: Any, arrays: dict[str, Array]) -> Any:
    """The object that `Encoder` turned into `structure` and `arrays`."""
    tensors: dict[tuple[str, int], Tensor] = {}

    def array_of(entry: dict[str, Any]) -> Array:
        name = entry.get("name")
        if not isinstance(name, str) or name not in arrays:
            raise FileProblem(f"its structure speaks of an array {name!r} that is not in the file")
        return arrays[name]

    def tensor(entry: dict[str, Any]) -> Tensor:
        key = (entry.get("name"), entry.get("owner", 0))
        if key not in tensors:
            made = wrap(array_of(entry))
            tensors[key] = made.requires_grad_() if entry.get("requires_grad") else made  # type: ignore[index]
        return tensors[key]  # type: ignore[index]

    def ordered_dict(entry: dict[str, Any]) -> OrderedDict[Any, Any]:
        result = OrderedDict((build(key), build(value)) for key, value in entry["v"])
        if "metadata" in entry:
            result._metadata = build(entry["metadata"])  # type: ignore[attr-defined]
        return result

    def bytes_of(entry: dict[str, Any]) -> bytes:
        return base64.b64decode(entry["v"], validate=True) if "v" in entry else array_of(entry).tobytes()

    kinds: dict[Any, Callable[[dict[str, Any]], Any]] = {
        "tensor": tensor,
        "array": array_of,
        "scalar": lambda e: array_of(e)[()],
        "float": lambda e: float(e["v"]),
        "complex": lambda e: complex(*map(build, e["v"])),
        "bytes": bytes_of,
        "bytearray": lambda e: bytearray(bytes_of(e)),
        "dtype": lambda e: _dtype_named(e["v"]),
        "device": lambda e: device(e["v"]),
        "tuple": lambda e: tuple(map(build, e["v"])),
        "Size": lambda e: Size(map(build, e["v"])),
        "set": lambda e: set(map(build, e["v"])),
        "frozenset": lambda e: frozenset(map(build, e["v"])),
        "dict": lambda e: {build(key): build(value) for key, value in e["v"]},
        "OrderedDict": ordered_dict,
    }

    def build(value: Any) -> Any:
        if isinstance(value, list):
            return [build(item) for item in value]
        if not isinstance(value, dict):
            return value
        if _KIND not in value:
            return {key: build(item) for key, item in value.items()}
        make = kinds.get(value[_KIND])
        if make is None:
            raise FileProblem(f"its structure has the kind {value[_KIND]!r}, which this version does not know")
        return make(value)

    try:
        return build(structure)
    except FileProblem:
        raise
    except (RuntimeError, KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise FileProblem(f"its structure is not one that save() writes ({type(error).__name__}: {error})") from None


def _dtype_named(name: str) -> dtypes.dtype:
    for known in (*dtypes.ALL, dtypes.bfloat16):
        if known.name == name:
            return known
    raise ValueError(f"no dtype {name!r}")
