"""Reading PyTorch's .pt and .pth files without PyTorch, and without running anything that they say.

Such a file is a zip archive: ``data.pkl``, a pickle program that builds the saved object, and one member per storage
with its raw bytes. A pickle program can import and call anything. So it is not unpickled: the interpreter below steps
through it and knows the opcodes that build containers, and by name the few functions with which PyTorch spells a
tensor, for which it has its own. Every other name is refused where it is mentioned; nothing is ever imported.

Source: PyTorch's note "Serialization semantics"; Python's `pickletools` for the opcodes.
"""

from __future__ import annotations

import pickletools
import struct
import warnings
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, BinaryIO, Literal

import numpy as np

from . import dtypes
from .device import CPU
from .io_safetensors import FileProblem, bfloat16_to_float32, fill, float8_to_float32
from .tensor import Size, Tensor, wrap

__all__ = ["check_members", "is_legacy_torch", "read_torch_zip"]

Array = np.ndarray[Any, Any]

# Storage classes and dtypes by PyTorch's names. bfloat16 and the 8-bit floats become float32, which holds all of
# their values exactly.
_STORAGES = {
    "FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool", "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}  # fmt: skip
_NUMPY_OF = {name: name for name in (d.name for d in dtypes.ALL)} | {
    "bfloat16": "uint16", "float8_e4m3fn": "uint8", "float8_e5m2": "uint8",
}  # fmt: skip
_WIDEN: dict[str, Callable[[Array], Array]] = {
    "bfloat16": bfloat16_to_float32,
    "float8_e4m3fn": lambda bits: float8_to_float32(bits, 4, True),
    "float8_e5m2": lambda bits: float8_to_float32(bits, 5, False),
}
_DTYPES = {d.name: d for d in (*dtypes.ALL, dtypes.bfloat16)}
_MAX_ITEMS = 50_000_000  # opcodes; a state dict of 10,000 tensors has under a million


class _Name:
    """A name that the program mentions; inert."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class _Storage:
    """A storage that the program refers to: its values, flat; untyped bytes also as the types they were asked for."""

    __slots__ = ("typed", "values")

    def __init__(self, values: Array) -> None:
        self.values = values
        self.typed: dict[str, _Storage] = {}


class _DtypeOf:
    """What ``numpy.dtype("f8")`` builds; its state only sets the byte order."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype


class _NumpyArray:
    """An ndarray under construction: its values come with BUILD, on which `read` replaces it."""

    __slots__ = ("array",)

    def __init__(self) -> None:
        self.array: Array | None = None


class _Arguments(tuple[Any, ...]):
    """A tuple that holds something inert: fit to be arguments, not to be part of the result."""

    __slots__ = ()


_MARK = _Name("mark")


# ---------------------------------------------------------------------------------------------------------------------
# The archive


def check_members(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """The members by name, after checking that none is packed, encrypted, twice there, over another or out of the file.

    PyTorch stores its members plainly; a packed one could unpack to any size, and overlapping ones are how a small file
    claims to be large.
    """
    members: dict[str, zipfile.ZipInfo] = {}
    end = 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        if info.filename in members:
            raise FileProblem(f"its zip archive has the member {info.filename!r} twice")
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise FileProblem(f"its member {info.filename!r} is compressed, which PyTorch never does")
        if info.flag_bits & 1:
            raise FileProblem(f"its member {info.filename!r} is encrypted")
        if info.header_offset < end:
            raise FileProblem(f"its member {info.filename!r} overlaps another")
        end = info.header_offset + 30 + info.file_size
        if end > size:
            raise FileProblem(f"its member {info.filename!r} claims {info.file_size} bytes, the file has {size}")
        members[info.filename] = info
    return members


def is_legacy_torch(start: bytes) -> bool:
    """Whether a file begins like those PyTorch wrote before version 1.6: a pickle of a magic number."""
    return (
        start[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
        and b"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19" in start
    )


def read_torch_zip(file: BinaryIO) -> Any:
    """The object in a zip file that PyTorch's `torch.save` wrote.

    Raises
    ------
    FileProblem
        When the archive is damaged, or its program is refused; the text says what it mentioned.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            programs = [name for name in names if name.endswith("/data.pkl") and name.count("/") == 1]
            if len(programs) != 1:
                raise FileProblem(f"its zip archive has {len(programs)} members data.pkl, a PyTorch file has one")
            prefix = programs[0][: -len("data.pkl")]
            if f"{prefix}constants.pkl" in names or any(name.startswith(f"{prefix}code/") for name in names):
                raise FileProblem(
                    "it is a TorchScript program, not a file of tensors; in PyTorch, save the model's state_dict()"
                )
            members = check_members(archive, file.seek(0, 2))

            order = "little"
            if f"{prefix}byteorder" in members:
                order = archive.read(f"{prefix}byteorder").decode("ascii", "replace")
            if order not in ("little", "big"):
                raise FileProblem(f"its byte order is {order!r}, expected 'little' or 'big'")
            program = _Program(lambda name: _stored_bytes(file, members[name]), members, prefix, order)
            return program.run(archive.read(programs[0]))
    except FileProblem:
        raise
    except (zipfile.BadZipFile, ValueError, RuntimeError, EOFError, OSError, struct.error) as error:
        raise FileProblem(f"its zip archive is damaged ({error})") from None


def _stored_bytes(file: BinaryIO, info: zipfile.ZipInfo) -> Array:
    """A plainly stored member's bytes, read straight into an array (zipfile's own reader copies them twice)."""
    file.seek(info.header_offset)
    header = file.read(30)
    if len(header) != 30 or header[:4] != b"PK\x03\x04":
        raise FileProblem(f"its member {info.filename!r} is not where its zip archive says")
    name_length, extra_length = struct.unpack_from("<HH", header, 26)
    if file.read(name_length) != info.filename.encode("ascii", "replace"):
        raise FileProblem(f"its member {info.filename!r} is not where its zip archive says")
    file.seek(extra_length, 1)
    content = np.empty(info.file_size, np.uint8)
    if fill(file, content.data) != info.file_size:
        raise FileProblem(f"its member {info.filename!r} is cut short")
    if zlib.crc32(content.data) != info.CRC:
        raise FileProblem(f"its zip archive is damaged: the checksum of {info.filename!r} differs")
    return content


# ---------------------------------------------------------------------------------------------------------------------
# The program


class _Program:
    """Steps through the pickle program of one archive."""

    def __init__(
        self, read: Callable[[str], Array], members: dict[str, zipfile.ZipInfo], prefix: str, order: str
    ) -> None:
        self._read, self._members, self._prefix = read, members, prefix
        self._order: Literal["<", ">"] = "<" if order == "little" else ">"
        self._storages: dict[tuple[str, str], _Storage] = {}
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self, program: bytes) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # pickletools decoding escapes of a damaged name
            return self._run(program)

    def _run(self, program: bytes) -> Any:
        try:
            for count, (opcode, argument, _) in enumerate(pickletools.genops(program)):
                if count > _MAX_ITEMS:
                    raise FileProblem(f"its program has more than {_MAX_ITEMS} steps")
                if opcode.name == "STOP":
                    if len(self._stack) != 1 or not self._is_value(self._stack[0]):
                        raise FileProblem("its program does not end with one object")
                    return self._settled(self._stack[0])
                step = _STEPS.get(opcode.name)
                if step is None:
                    raise FileProblem(
                        f"its program uses the opcode {opcode.name}, which files of tensors and plain containers "
                        "do not need; refused, nothing was executed"
                    )
                step(self, argument)
        except FileProblem:
            raise
        except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, UnicodeError) as error:
            raise FileProblem(f"its program is damaged ({type(error).__name__}: {error})") from None
        except MemoryError:
            raise FileProblem("its program claims more than fits in memory") from None
        raise FileProblem("its program has no end")

    # -- the stack ---------------------------------------------------------------------------------------------------

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def pop(self) -> Any:
        value = self._stack.pop()
        if value is _MARK:
            raise FileProblem("its program is damaged (a mark where a value should be)")
        return self._settled(value)

    def top(self, kind: type | tuple[type, ...]) -> Any:
        value = self._stack[-1]
        if not isinstance(value, kind):
            raise FileProblem(f"its program is damaged (a {type(value).__name__} where a container should be)")
        return value

    def pop_to_mark(self) -> list[Any]:
        place = len(self._stack) - 1
        while self._stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise FileProblem("its program is damaged (no mark)")
        values = [self._settled(value) for value in self._stack[place + 1 :]]
        del self._stack[place:]
        return values

    @staticmethod
    def _settled(value: Any) -> Any:
        if isinstance(value, _NumpyArray) and value.array is not None:
            return value.array
        return value

    @staticmethod
    def _is_value(value: Any) -> bool:
        return not isinstance(value, (_Name, _Storage, _DtypeOf, _Arguments)) and not (
            isinstance(value, _NumpyArray) and value.array is None
        )

    def values(self, values: list[Any]) -> list[Any]:
        """`values`, each of which must be fit to be part of the result."""
        for value in values:
            if not self._is_value(value):
                raise FileProblem("its program puts something into a container that is no value")
        return values

    def push_tuple(self, values: list[Any]) -> None:
        self.push(tuple(values) if all(map(self._is_value, values)) else _Arguments(values))

    def memoize(self, place: int) -> None:
        if place > _MAX_ITEMS:
            raise FileProblem("its program is damaged (memo out of range)")
        self._memo[place] = self._stack[-1]

    def recall(self, place: int) -> None:
        if place not in self._memo:
            raise FileProblem(f"its program is damaged (nothing was stored at memo {place})")
        self._stack.append(self._memo[place])

    # -- containers --------------------------------------------------------------------------------------------------

    def set_items(self, flat: list[Any]) -> None:
        target = self.top((dict, OrderedDict))
        if len(flat) % 2:
            raise FileProblem("its program is damaged (a key without a value)")
        self.values(flat)
        for key, value in zip(flat[::2], flat[1::2], strict=True):
            target[self._key(key)] = value

    def _key(self, key: Any) -> Any:
        """A dict's key or a set's entry: plain, and flat, for a tuple of tuples of ... can take for ever to hash."""
        simple = (str, int, float, complex, bool, bytes, type(None), np.generic, dtypes.dtype)
        if isinstance(key, simple) or (type(key) in (tuple, Size) and all(isinstance(part, simple) for part in key)):
            return key
        raise FileProblem(f"its program has a key of type {type(key).__name__}; plain keys are str, numbers and tuples")

    # -- names, calls, states ----------------------------------------------------------------------------------------

    def mention(self, module: str, name: str) -> None:
        full = f"{module}.{name}"
        if module in ("torch", "torch.storage") and name in _STORAGES:
            self.push(_Name(full))
        elif module == "torch" and name in _DTYPES:
            self.push(_DTYPES[name])
        elif (module == "torch" and name in _WIDEN) or full in _CALLS:
            self.push(_Name(full))
        else:
            raise FileProblem(
                f"its program mentions {full!r}, which is neither a tensor nor a plain container; refused, nothing was "
                "executed. In PyTorch, save a state_dict() of tensors, numbers, lists and dicts"
            )

    def call(self) -> None:
        arguments, function = self.pop(), self.pop()
        if not isinstance(function, _Name) or function.name not in _CALLS:
            shown = function.name if isinstance(function, _Name) else type(function).__name__
            raise FileProblem(f"its program calls {shown!r}; refused, nothing was executed")
        if not isinstance(arguments, tuple):
            raise FileProblem(f"its program is damaged ({function.name} is called with no tuple)")
        self.push(_CALLS[function.name](self, *arguments))

    def build(self) -> None:
        state, target = self.pop(), self._stack[-1]
        if isinstance(target, OrderedDict):
            # A module's state_dict carries the versions of its parts as an attribute.
            if not isinstance(state, dict) or set(state) - {"_metadata"}:
                raise FileProblem("its program gives an OrderedDict a state other than _metadata; refused")
            for key, value in state.items():
                setattr(target, key, value)
        elif (
            isinstance(target, _DtypeOf)
            and isinstance(state, tuple)
            and len(state) > 1
            and state[1] in ("<", ">", "|", "=")
        ):
            target.dtype = target.dtype.newbyteorder(state[1])
        elif isinstance(target, _NumpyArray) and isinstance(state, tuple) and len(state) == 5:
            _, shape, dtype, fortran, raw = state
            if not isinstance(dtype, _DtypeOf) or type(raw) is not bytes or type(shape) is not tuple:
                raise FileProblem("its program is damaged (an ndarray's state)")
            flat = np.frombuffer(raw, dtype.dtype).astype(dtype.dtype.newbyteorder("="))
            target.array = flat.reshape(shape, order="F" if fortran else "C")
        else:
            raise FileProblem(f"its program sets the state of a {type(target).__name__}; refused, nothing was executed")

    def storage(self, key: Any) -> None:
        """A persistent id: ("storage", class, member, device, number of items)."""
        if not isinstance(key, tuple) or len(key) != 5 or key[0] != "storage" or not isinstance(key[1], _Name):
            raise FileProblem("its program refers to something outside that is no storage")
        _, kind, member, _, count = key
        short = kind.name.rpartition(".")[2]
        dtype = "uint8" if short == "UntypedStorage" else _STORAGES.get(short)
        if dtype is None or not isinstance(member, str) or not member.isascii() or not member.isdigit():
            raise FileProblem(f"its program refers to a storage {kind.name} {member!r}, which PyTorch does not write")
        if not isinstance(count, int) or count < 0:
            raise FileProblem(f"its storage {member!r} has {count!r} items")
        self.push(self._load(member, dtype, count))

    def _load(self, member: str, dtype: str, count: int | None) -> _Storage:
        if (member, dtype) not in self._storages:
            name = f"{self._prefix}data/{member}"
            if name not in self._members:
                raise FileProblem(f"its storage {member!r} is missing")
            stored = np.dtype(_NUMPY_OF[dtype]).newbyteorder(self._order)
            size = self._members[name].file_size
            if size % stored.itemsize or (count is not None and size != count * stored.itemsize):
                raise FileProblem(f"its storage {member!r} has {size} bytes, expected {count} items of {dtype}")
            raw = self._read(name)
            if dtype == "bool" and raw.size and raw.max() > 1:
                raise FileProblem(f"its storage {member!r} holds booleans other than 0 and 1")
            values = raw.view(stored).astype(stored.newbyteorder("="), copy=False)
            self._storages[member, dtype] = _Storage(_WIDEN[dtype](values) if dtype in _WIDEN else values)
        return self._storages[member, dtype]


# -- PyTorch's own functions, in our words ---------------------------------------------------------------------------


def _whole(values: Any) -> bool:
    return type(values) in (tuple, list, Size) and all(type(n) is int and n >= 0 for n in values)


def _view(storage: Any, offset: Any, size: Any, stride: Any) -> Array:
    """The tensor's array over its storage, after checking that it lies inside."""
    if not isinstance(storage, _Storage) or not _whole(size) or not _whole(stride) or len(size) != len(stride):
        raise FileProblem("its program builds a tensor from something that is no storage, size and stride")
    if type(offset) is not int or offset < 0:
        raise FileProblem(f"its program builds a tensor at offset {offset!r}")
    values = storage.values
    empty = any(n == 0 for n in size)
    last = offset if empty else offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if last > values.size or (not empty and last >= values.size):
        raise FileProblem(
            f"its program builds a tensor of size {tuple(size)}, stride {tuple(stride)} at offset {offset} over a "
            f"storage of {values.size} items"
        )
    if empty:
        return np.empty(size, values.dtype)
    step = values.itemsize
    return np.lib.stride_tricks.as_strided(values[offset:], tuple(size), tuple(n * step for n in stride))


def _rebuild_tensor(
    program: _Program, storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any = False, *_: Any
) -> Tensor:
    tensor = wrap(_view(storage, offset, size, stride))
    return tensor.requires_grad_() if requires_grad is True and tensor.array.dtype.kind in "fc" else tensor


def _rebuild_tensor_v3(
    program: _Program,
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    requires_grad: Any,
    hooks: Any,
    dtype: Any,
    *_: Any,
) -> Tensor:
    """Types without a storage class of their own: untyped bytes and a dtype."""
    name = dtype.name.rpartition(".")[2] if isinstance(dtype, (_Name, dtypes.dtype)) else ""
    if not isinstance(storage, _Storage) or storage.values.dtype != np.uint8 or name not in _NUMPY_OF:
        raise FileProblem("its program builds a tensor from something that is no storage and dtype")
    stored = np.dtype(_NUMPY_OF[name]).newbyteorder(program._order)
    if storage.values.size % stored.itemsize:
        raise FileProblem(f"its storage of {storage.values.size} bytes does not hold whole items of {name}")
    if name not in storage.typed:
        typed = storage.values.view(stored).astype(stored.newbyteorder("="), copy=False)
        storage.typed[name] = _Storage(_WIDEN[name](typed) if name in _WIDEN else typed)
    return _rebuild_tensor(program, storage.typed[name], offset, size, stride, requires_grad)


def _rebuild_parameter(program: _Program, data: Any, requires_grad: Any, *_: Any) -> Tensor:
    if not isinstance(data, Tensor):
        raise FileProblem("its program builds a parameter from something that is no tensor")
    fresh = data.detach()
    return fresh.requires_grad_() if requires_grad is True and fresh.array.dtype.kind in "fc" else fresh


def _ordered_dict(program: _Program, *arguments: Any) -> OrderedDict[Any, Any]:
    result: OrderedDict[Any, Any] = OrderedDict()
    for pairs in arguments[:1]:
        for key, value in pairs:
            program.values([value])
            result[program._key(key)] = value
    return result


def _device(program: _Program, *arguments: Any) -> Any:
    return CPU  # wherever it was, it is here now


def _encode(program: _Program, text: str, encoding: str = "latin1") -> bytes:
    if encoding not in ("latin1", "latin-1", "utf-8", "ascii"):
        raise FileProblem(f"its program encodes text as {encoding!r}")
    return text.encode(encoding)


def _numpy_dtype(program: _Program, code: str, *_: Any) -> _DtypeOf:
    dtype = np.dtype(code)
    if dtype.newbyteorder("=") not in (known.numpy for known in dtypes.ALL):
        raise FileProblem(f"its program has NumPy values of type {code!r}; numbers and booleans can be read")
    return _DtypeOf(dtype)


def _numpy_scalar(program: _Program, dtype: Any, raw: Any) -> Any:
    if not isinstance(dtype, _DtypeOf) or type(raw) is not bytes or len(raw) != dtype.dtype.itemsize:
        raise FileProblem("its program is damaged (a NumPy number)")
    return np.frombuffer(raw, dtype.dtype).astype(dtype.dtype.newbyteorder("="))[0]


def _collection(kind: Callable[..., Any]) -> Callable[..., Any]:
    def make(program: _Program, *arguments: Any) -> Any:
        values = program.values(list(arguments[0])) if arguments else []
        return kind(program._key(value) for value in values)

    return make


def _bytearray(program: _Program, *arguments: Any) -> bytearray:
    if arguments and type(arguments[0]) is str:
        return bytearray(_encode(program, *arguments))
    if arguments and type(arguments[0]) is not bytes:
        raise FileProblem("its program is damaged (a bytearray)")
    return bytearray(*arguments[:1])


def _size(program: _Program, values: Any = ()) -> Size:
    if not _whole(values):
        raise FileProblem("its program is damaged (a torch.Size)")
    return Size(values)


def _storage_class(program: _Program, *_: Any) -> Any:
    raise FileProblem("its program calls a storage class, which PyTorch's files do not; refused, nothing was executed")


_CALLS: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v3": _rebuild_tensor_v3,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": _rebuild_parameter,
    "torch.storage.UntypedStorage": _storage_class,
    "torch.UntypedStorage": _storage_class,
    "torch.Size": _size,
    "torch.device": _device,
    "collections.OrderedDict": _ordered_dict,
    "_codecs.encode": _encode,
    "builtins.bytearray": _bytearray,
    "__builtin__.bytearray": _bytearray,
    "builtins.bytes": lambda program: b"",
    "__builtin__.bytes": lambda program: b"",
    "builtins.set": _collection(set),
    "__builtin__.set": _collection(set),
    "builtins.frozenset": _collection(frozenset),
    "__builtin__.frozenset": _collection(frozenset),
    "builtins.complex": lambda program, real, imag=0.0: complex(real, imag),
    "__builtin__.complex": lambda program, real, imag=0.0: complex(real, imag),
    "numpy.dtype": _numpy_dtype,
    "numpy.ndarray": _storage_class,
    **dict.fromkeys(("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"), _numpy_scalar),
    **dict.fromkeys(
        ("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"),
        lambda program, *_: _NumpyArray(),
    ),
}


# -- opcodes ---------------------------------------------------------------------------------------------------------


def _tuple_of(count: int) -> Callable[[_Program, Any], None]:
    def step(program: _Program, _: Any) -> None:
        program.push_tuple([program.pop() for _ in range(count)][::-1])

    return step


def _append(program: _Program, _: Any) -> None:
    value = program.pop()
    program.top(list).extend(program.values([value]))


def _appends(program: _Program, _: Any) -> None:
    values = program.values(program.pop_to_mark())
    program.top(list).extend(values)


def _set_item(program: _Program, _: Any) -> None:
    value, key = program.pop(), program.pop()
    program.set_items([key, value])


def _add_items(program: _Program, _: Any) -> None:
    values = [program._key(value) for value in program.pop_to_mark()]
    program.top(set).update(values)


def _stack_global(program: _Program, _: Any) -> None:
    name, module = program.pop(), program.pop()
    if type(name) is not str or type(module) is not str:
        raise FileProblem("its program is damaged (a name that is no text)")
    program.mention(module, name)


def _dict(program: _Program, _: Any) -> None:
    flat = program.pop_to_mark()
    program.push({})
    program.set_items(flat)


def _discard(program: _Program, _: Any) -> None:
    program._stack.pop()


def _discard_to_mark(program: _Program, _: Any) -> None:
    program.pop_to_mark()


def _value(program: _Program, argument: Any) -> None:
    program.push(argument)


def _constant(value: Any) -> Callable[[_Program, Any], None]:
    return lambda program, _: program.push(value)


def _nothing(program: _Program, _: Any) -> None:
    pass


_STEPS: dict[str, Callable[[_Program, Any], None]] = {
    "PROTO": _nothing,
    "FRAME": _nothing,
    "MARK": _constant(_MARK),
    "POP": _discard,
    "POP_MARK": _discard_to_mark,
    "NONE": _constant(None),
    "NEWTRUE": _constant(True),
    "NEWFALSE": _constant(False),
    **dict.fromkeys(
        (
            "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT", "SHORT_BINUNICODE", "BINUNICODE",
            "BINUNICODE8", "SHORT_BINSTRING", "BINSTRING", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8",
        ),
        _value,
    ),
    "EMPTY_TUPLE": _constant(()),
    "TUPLE": lambda program, _: program.push_tuple(program.pop_to_mark()),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "EMPTY_LIST": lambda program, _: program.push([]),
    "LIST": lambda program, _: program.push(program.values(program.pop_to_mark())),
    "APPEND": _append,
    "APPENDS": _appends,
    "EMPTY_DICT": lambda program, _: program.push({}),
    "DICT": _dict,
    "SETITEM": _set_item,
    "SETITEMS": lambda program, _: program.set_items(program.pop_to_mark()),
    "EMPTY_SET": lambda program, _: program.push(set()),
    "ADDITEMS": _add_items,
    "FROZENSET": lambda program, _: program.push(frozenset(program._key(v) for v in program.pop_to_mark())),
    "GLOBAL": lambda program, argument: program.mention(*argument.split(" ", 1)),
    "STACK_GLOBAL": _stack_global,
    "REDUCE": lambda program, _: program.call(),
    "BUILD": lambda program, _: program.build(),
    "BINPERSID": lambda program, _: program.storage(program.pop()),
    "MEMOIZE": lambda program, _: program.memoize(len(program._memo)),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), lambda program, place: program.memoize(place)),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), lambda program, place: program.recall(place)),
}  # fmt: skip
