"""Saving and loading: tensors in safetensors, containers as JSON beside them, never a pickle.

`save` writes to a temporary file beside the target, makes sure it is on the disk and renames it: a process killed at
any moment leaves the old file or the new one, whole. `load` reads these files, plain safetensors files, .npz archives
and PyTorch's zip files, and refuses whatever is damaged with one sentence.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np

from .device import check_device, device
from .io_safetensors import FileProblem, looks_like_safetensors, read_header, read_safetensors, write_safetensors
from .io_structure import NUMPY_TYPES, Encoder, checksum, decode
from .tensor import Tensor, wrap

__all__ = ["load", "load_npz", "read_metadata", "save", "save_npz"]

_STRUCTURE = "autograd_core"
_CHECKSUM = "autograd_core.crc32"
_VERSION = 1


# ---------------------------------------------------------------------------------------------------------------------
# Files that appear whole


@contextlib.contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` when the block ends well, and is gone when it does not."""
    target = os.path.realpath(path)  # a link goes on pointing to the file it pointed to
    try:
        mode = os.stat(target).st_mode
    except OSError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):  # a pipe or a device cannot be replaced, only written to
        with open(target, "wb") as file:
            yield file
        return
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name}.{os.urandom(6).hex()}.tmp")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        with os.fdopen(handle, "wb") as file:
            if mode is not None:
                with contextlib.suppress(OSError):
                    os.chmod(temporary, stat.S_IMODE(mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    if hasattr(os, "O_DIRECTORY"):  # the new name, too, should survive a power failure
        with contextlib.suppress(OSError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _as_path(who: str, file: Any) -> str | None:
    """The path, or None for a file-like object."""
    if isinstance(file, (str, bytes, os.PathLike)):
        return os.fsdecode(file)
    wanted = "write" if who.startswith("save") else "read"
    if not hasattr(file, wanted):
        raise TypeError(f"{who}: expected a path or a file object with {wanted}(), got {type(file).__name__}.")
    return None


def _write(who: str, file: Any, write: Callable[[Any], None]) -> None:
    path = _as_path(who, file)
    if path is None:
        write(file)
        return
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise RuntimeError(f"{who}: parent directory {folder} does not exist; make it first.")
    with replacing(path) as out:
        write(out)


# ---------------------------------------------------------------------------------------------------------------------
# save


def save(obj: Any, f: Any, *, metadata: Mapping[str, str] | None = None) -> None:
    """Save tensors, `state_dict()`s and nested plain containers to a file.

    Parameters
    ----------
    obj : object
        Tensor, ndarray, number, str, bytes, None, dtype, device, and dict, OrderedDict, list, tuple, set of these.
        A flat dict of tensors makes a file that every safetensors reader reads under the same names. Tensors over the
        same memory are stored once and share it again when loaded; tensors that overlap in part are stored apart.
    f : path or file
        A path (suffix ".npz": as `save_npz`), or an object with ``write``.
    metadata : dict of str, optional
        Texts for the file's header; `read_metadata` gets them back without reading the tensors.

    Raises
    ------
    TypeError
        When `obj` holds something else; the text says where.
    ValueError
        When a container contains itself.
    RuntimeError
        When a tensor is part of a graph, or the folder does not exist.

    Notes
    -----
    The file is written beside its place, flushed to disk and renamed, so the old file stays whole until the new one is.

    Examples
    --------
    >>> import io, autograd_core as ac
    >>> file = io.BytesIO()
    >>> ac.save({"weight": ac.ones(2), "epoch": 3}, file)
    >>> _ = file.seek(0)
    >>> ac.load(file)
    {'weight': tensor([1., 1.]), 'epoch': 3}

    Source: PyTorch, `torch.save`.
    """
    path = _as_path("save", f)
    if path is not None and path.lower().endswith(".npz"):
        save_npz(obj, f)
        return
    texts = dict(metadata or {})
    for key, value in texts.items():
        if not isinstance(key, str) or not isinstance(value, str) or key in (_STRUCTURE, _CHECKSUM):
            raise TypeError(f"save: metadata should be texts under names of your own, got {key!r}: {value!r}.")
    encoder = Encoder()
    structure = encoder.encode(obj)
    content = {"version": _VERSION, "structure": structure, "crc32": encoder.checksums}
    if encoder.complex128:
        content["complex128"] = encoder.complex128
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    texts = {"format": "pt", **texts, _STRUCTURE: text, _CHECKSUM: f"{zlib.crc32(text.encode('utf-8')):08x}"}
    _write("save", f, lambda file: write_safetensors(file, encoder.arrays, texts))


def save_npz(obj: Mapping[str, Any], f: Any, compressed: bool = False) -> None:
    """Save a flat dict of tensors, arrays or numbers as a NumPy .npz archive (written whole or not at all).

    Parameters
    ----------
    obj : mapping from str
    f : path or file
    compressed : bool

    Raises
    ------
    TypeError
        When `obj` is not such a mapping.
    """
    if not isinstance(obj, Mapping):
        raise TypeError(f"save_npz: expected a dict of tensors, got {type(obj).__name__}.")
    arrays = {}
    for name, value in obj.items():
        if not isinstance(name, str) or not name or "\0" in name:
            raise TypeError(f"save_npz: names should be non-empty texts, got {name!r}.")
        if isinstance(value, Tensor) and not value.is_leaf:
            raise RuntimeError(f"save_npz: {name!r} was computed by a recorded op; save its detach().")
        array = value.array if isinstance(value, Tensor) else np.asarray(value)
        if array.dtype.newbyteorder("=") not in NUMPY_TYPES:
            raise TypeError(
                f"save_npz: {name!r} is {type(value).__name__}, which is no array of numbers; .npz holds a flat dict "
                "of tensors. save() with another suffix stores nested containers."
            )
        arrays[name] = array

    def write(file: Any) -> None:
        method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
        with zipfile.ZipFile(file, "w", method, allowZip64=True) as archive:
            for name, array in arrays.items():
                member = zipfile.ZipInfo(f"{name}.npy")  # a fixed date: equal contents make equal files
                member.compress_type = method
                with archive.open(member, "w", force_zip64=True) as out:
                    np.lib.format.write_array(out, np.asanyarray(array), allow_pickle=False)

    _write("save_npz", f, write)


# ---------------------------------------------------------------------------------------------------------------------
# load


def load(f: Any, map_location: Any = None, *, weights_only: bool = True, mmap: bool | None = None) -> Any:
    """Load what `save` saved, a safetensors file, an .npz archive, or a .pt/.pth file that PyTorch wrote.

    The kind is seen from the content, not from the name. Nothing in a file is ever executed.

    Parameters
    ----------
    f : path or file
        A path, or an object with ``read``.
    map_location : device, str, callable or dict, optional
        Accepted: everything is loaded to the CPU.
    weights_only : bool
        Accepted: no file can hold more than tensors and plain containers.
    mmap : bool, optional
        Accepted and not used.

    Returns
    -------
    object
        As saved. A safetensors file from elsewhere gives a dict of tensors, an .npz archive too. bfloat16 and 8-bit
        floats become float32, which holds their values exactly.

    Raises
    ------
    RuntimeError
        When the file is cut short, altered, of another kind, or a PyTorch file that holds anything else than tensors
        and plain containers.
    FileNotFoundError

    Source: PyTorch, `torch.load`.
    """
    if map_location is not None and not callable(map_location) and not isinstance(map_location, Mapping):
        if isinstance(map_location, (str, device)):
            device(map_location)
        else:
            check_device("load", map_location)
    with _opened("load", f) as (file, alone, name):
        return _guarded("load", name, lambda: _load_any(file, alone))


def load_npz(f: Any) -> dict[str, Tensor]:
    """Load an .npz archive as a dict of tensors; see `load`.

    Raises
    ------
    RuntimeError
        When it is damaged or holds anything else than numbers.
    """
    with _opened("load_npz", f) as (file, _, name):
        tensors: dict[str, Tensor] = _guarded("load_npz", name, lambda: _read_npz(file))
        return tensors


def read_metadata(f: Any) -> dict[str, str]:
    """The texts in the header of a safetensors file, without reading its tensors.

    Raises
    ------
    RuntimeError
        When it is not such a file.
    """
    with _opened("read_metadata", f) as (file, _, name):
        _, _, metadata = _guarded("read_metadata", name, lambda: read_header(file))
    return {key: value for key, value in metadata.items() if key not in (_STRUCTURE, _CHECKSUM)}


@contextlib.contextmanager
def _opened(who: str, f: Any) -> Iterator[tuple[BinaryIO, bool, str]]:
    """(file, whether it holds one thing only, name for messages)."""
    path = _as_path(who, f)
    if path is None:
        if not _seekable(f):
            f = io.BytesIO(f.read())
        yield f, False, str(getattr(f, "name", "the file object"))
        return
    if os.path.isdir(path):
        raise RuntimeError(f"{who}: {path} is a folder, not a file.")
    try:
        file = open(path, "rb")  # noqa: SIM115 (closed by the with below)
    except FileNotFoundError:
        raise FileNotFoundError(f"{who}: there is no file {path}.") from None
    with file:
        info = os.fstat(file.fileno())
        if stat.S_ISREG(info.st_mode):
            yield file, True, path
        else:
            yield io.BytesIO(file.read()), False, path


def _seekable(file: Any) -> bool:
    try:
        return bool(file.seekable())
    except AttributeError:
        return hasattr(file, "seek") and hasattr(file, "tell")


def _guarded(who: str, name: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except FileProblem as problem:
        raise RuntimeError(f"{who}: {name} was refused: {problem}.") from None
    except MemoryError:
        raise RuntimeError(f"{who}: {name} was refused: it claims more than fits in memory.") from None


def _load_any(file: BinaryIO, alone: bool) -> Any:
    begin = file.tell()
    start = file.read(64)
    file.seek(begin)
    if not isinstance(start, bytes):
        raise FileProblem("it was opened as text; open it in binary mode ('rb')")
    if not start:
        raise FileProblem("it is empty")
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        whole = file if begin == 0 else io.BytesIO(file.read())
        return _load_zip(whole)
    if looks_like_safetensors(start):
        return _load_safetensors(file, alone)
    from .io_torch import is_legacy_torch

    if is_legacy_torch(start):
        raise FileProblem(
            "it is in the format PyTorch wrote before version 1.6, which is one pickle; in PyTorch, load it and save "
            "it again, then this reader can"
        )
    if start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05":
        raise FileProblem("it is a Python pickle, which could run anything; nothing of it was read")
    if start[:6] == b"\x93NUMPY":
        raise FileProblem("it is a NumPy .npy file; read it with numpy.load(..., allow_pickle=False) and from_numpy()")
    raise FileProblem(
        f"it is neither safetensors nor a zip archive of PyTorch or NumPy (it begins with {start[:8].hex(' ')})"
    )


def _load_zip(file: BinaryIO) -> Any:
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise FileProblem(f"its zip archive is damaged ({error})") from None
    file.seek(0)
    if names and all(name.endswith(".npy") for name in names):
        return _read_npz(file)
    from .io_torch import read_torch_zip

    return read_torch_zip(file)


def _load_safetensors(file: BinaryIO, alone: bool) -> Any:
    arrays, metadata = read_safetensors(file, alone)
    if _STRUCTURE not in metadata and _CHECKSUM not in metadata:
        return {name: wrap(array) for name, array in arrays.items()}
    text = metadata.get(_STRUCTURE, "")
    if metadata.get(_CHECKSUM) != f"{zlib.crc32(text.encode('utf-8')):08x}":
        raise FileProblem("its structure was altered: the checksum differs")
    try:
        content = json.loads(text)
        version, structure, checksums = content["version"], content["structure"], content["crc32"]
        paired = content.get("complex128", [])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise FileProblem("its structure is not one that save() writes") from None
    if version != _VERSION:
        raise FileProblem(f"it was saved in version {version} of this format, this is version {_VERSION}; update")
    for name, array in arrays.items():
        if name in checksums and checksum(array) != checksums[name]:
            raise FileProblem(f"its tensor {name!r} was altered: the checksum differs")
    for name in paired:
        if name not in arrays or arrays[name].dtype != np.float64 or arrays[name].shape[-1:] != (2,):
            raise FileProblem(f"its array {name!r} should hold complex numbers and does not")
        arrays[name] = arrays[name].view(np.complex128)[..., 0]
    return decode(structure, arrays)


def _read_npz(file: BinaryIO) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    try:
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                name = info.filename.removesuffix(".npy")
                if name in tensors:
                    raise FileProblem(f"its zip archive has the member {info.filename!r} twice")
                with archive.open(info) as member:
                    tensors[name] = wrap(_read_npy(member, info))
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, zlib.error, struct.error) as error:
        raise FileProblem(f"its zip archive is damaged ({error})") from None
    except (ValueError, SyntaxError, TypeError, RuntimeError) as error:
        if isinstance(error, FileProblem):
            raise
        raise FileProblem(f"it is no archive of numbers ({error})") from None
    return tensors


def _read_npy(member: Any, info: zipfile.ZipInfo) -> np.ndarray[Any, Any]:
    """One array; its header must agree with the member's size before any room is made for it."""
    version = np.lib.format.read_magic(member)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise FileProblem(f"its member {info.filename!r} is of .npy version {version}")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(member)
    if dtype.newbyteorder("=") not in NUMPY_TYPES:
        raise FileProblem(f"its member {info.filename!r} holds {dtype}, which no tensor has")
    count = 1
    for n in shape:
        count *= n
    expected = count * dtype.itemsize
    if member.tell() + expected != info.file_size:
        raise FileProblem(
            f"its member {info.filename!r} of shape {shape} needs {expected} bytes, has "
            f"{info.file_size - member.tell()}"
        )
    parts, left = [], expected
    while left and (part := member.read(min(left, 1 << 24))):  # in pieces: the size, too, is only a claim
        parts.append(part)
        left -= len(part)
    if left:
        raise FileProblem(f"its member {info.filename!r} is cut short")
    flat = np.frombuffer(b"".join(parts), dtype).astype(dtype.newbyteorder("="))
    return flat.reshape(shape, order="F" if fortran else "C")
