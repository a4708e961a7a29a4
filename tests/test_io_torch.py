"""Reading PyTorch's zip files: tensors come out, and no file can make the reader run anything."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import struct
import subprocess
import sys
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

import autograd_core as ac
from autograd_core.io import load

# ---------------------------------------------------------------------------------------- files, built opcode by opcode


def text(s: str) -> bytes:
    raw = s.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def integer(n: int) -> bytes:
    return b"J" + struct.pack("<i", n) if abs(n) < 2**31 else b"\x8a\x09" + n.to_bytes(9, "little", signed=True)


def name(module: str, attribute: str) -> bytes:
    return f"c{module}\n{attribute}\n".encode()


def tup(*parts: bytes) -> bytes:
    return b"(" + b"".join(parts) + b"t"


def lst(*parts: bytes) -> bytes:
    return b"](" + b"".join(parts) + b"e"


def dct(*pairs: bytes) -> bytes:
    return b"}(" + b"".join(pairs) + b"u"


def call(function: bytes, *arguments: bytes) -> bytes:
    return function + tup(*arguments) + b"R"


def ints(values) -> bytes:
    return tup(*map(integer, values))


def storage(kind="FloatStorage", key="0", count=6, module="torch") -> bytes:
    return tup(text("storage"), name(module, kind), text(key), text("cpu"), integer(count)) + b"Q"


ORDERED = call(name("collections", "OrderedDict"))
FALSE, TRUE, NONE = b"\x89", b"\x88", b"N"


def tensor(source: bytes | None = None, offset=0, size=(2, 3), stride=(3, 1), grad=FALSE) -> bytes:
    source = storage() if source is None else source
    rebuild = name("torch._utils", "_rebuild_tensor_v2")
    return call(rebuild, source, integer(offset), ints(size), ints(stride), grad, ORDERED)


FLOATS = {"0": np.arange(6, dtype="<f4").tobytes()}


def archive(program: bytes, storages: dict[str, bytes] | None = None, extra: dict[str, bytes] | None = None, **options):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", options.get("method", zipfile.ZIP_STORED)) as z:
        z.writestr("archive/data.pkl", b"\x80\x02" + program + b".")
        for member, content in (extra or {"archive/byteorder": b"little", "archive/version": b"3\n"}).items():
            z.writestr(member, content)
        for key, content in (FLOATS if storages is None else storages).items():
            z.writestr(f"archive/data/{key}", content)
    return out.getvalue()


def read(program: bytes, *args, **options):
    return load(io.BytesIO(archive(program, *args, **options)))


def refused(program: bytes, why: str, *args, **options) -> None:
    with pytest.raises(RuntimeError, match=rf"^load: .* was refused: .*{why}[^\n]*\.$"):
        read(program, *args, **options)


# -------------------------------------------------------------------------------------------------------- what it reads


def test_tensor_and_containers():
    program = dct(text("w"), tensor(), text("n"), integer(3), text("l"), lst(NONE, TRUE, b"G" + struct.pack(">d", 0.5)))
    result = read(program)
    assert result["w"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert result["w"].dtype is ac.float32
    assert result["n"] == 3
    assert result["l"] == [None, True, 0.5]
    result["w"].array[0, 0] = 7.0  # writable


DTYPES = {
    "FloatStorage": "f4", "DoubleStorage": "f8", "HalfStorage": "f2", "LongStorage": "i8", "IntStorage": "i4",
    "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "?", "ComplexFloatStorage": "c8",
    "ComplexDoubleStorage": "c16",
}  # fmt: skip


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("kind", DTYPES)
def test_every_storage_in_both_byte_orders(kind, order):
    dtype = np.dtype(DTYPES[kind])
    values = np.array([0, 1, 1, 0, 1, 1]).astype(dtype)
    content = values.astype(dtype.newbyteorder("<" if order == "little" else ">")).tobytes()
    result = read(tensor(storage(kind)), {"0": content}, {"archive/byteorder": order.encode()})
    assert result.array.dtype == dtype
    assert result.array.ravel().tolist() == values.tolist()


def test_bfloat16_becomes_float32():
    bits = np.array([0x3F80, 0xC000, 0x7F80, 0xFF80, 0x0001, 0x4049], "<u2")
    result = read(tensor(storage("BFloat16Storage")), {"0": bits.tobytes()})
    assert result.dtype is ac.float32
    assert result.array.ravel().tolist() == [1, -2, np.inf, -np.inf, 2.0**-133, 3.140625]


@pytest.mark.parametrize(("torch_name", "dtype"), [("uint16", "u2"), ("uint32", "u4"), ("uint64", "u8")])
def test_types_without_a_storage_class(torch_name, dtype):
    values = np.arange(6, dtype=dtype)
    rebuild = name("torch._utils", "_rebuild_tensor_v3")
    source = storage("UntypedStorage", count=values.nbytes, module="torch.storage")
    program = call(rebuild, source, integer(0), ints((6,)), ints((1,)), FALSE, ORDERED, name("torch", torch_name))
    result = read(program, {"0": values.tobytes()})
    assert result.array.dtype == dtype
    assert result.tolist() == values.tolist()


def test_float8_becomes_float32():
    rebuild = name("torch._utils", "_rebuild_tensor_v3")
    source = storage("UntypedStorage", count=2, module="torch.storage")
    program = call(rebuild, source, integer(0), ints((2,)), ints((1,)), FALSE, ORDERED, name("torch", "float8_e4m3fn"))
    assert read(program, {"0": bytes([0x38, 0x7E])}).tolist() == [1.0, 448.0]


def test_views_of_one_storage_share_memory():
    program = lst(tensor(), tensor(offset=1, size=(3,), stride=(2,)), tensor(size=(3, 2), stride=(1, 3)))
    whole, part, turned = read(program)
    assert part.tolist() == [1, 3, 5]
    assert turned.tolist() == [[0, 3], [1, 4], [2, 5]]
    whole.array[0, 1] = 9.0
    assert part.tolist()[0] == 9
    assert turned.tolist()[1][0] == 9


def test_parameters_and_gradient_flags():
    rebuild = name("torch._utils", "_rebuild_parameter")
    wanted, frozen = read(lst(call(rebuild, tensor(), TRUE, ORDERED), call(rebuild, tensor(), FALSE, ORDERED)))
    assert wanted.requires_grad
    assert wanted.is_leaf
    assert not frozen.requires_grad
    assert read(tensor(grad=TRUE)).requires_grad


def test_state_dict_with_its_metadata_attribute():
    fill = b"(" + text("w") + tensor() + b"u"
    state = b"}(" + text("_metadata") + ORDERED + b"u"
    result = read(ORDERED + fill + state + b"b")
    assert type(result) is OrderedDict
    assert list(result) == ["w"]
    assert result._metadata == OrderedDict()


def test_small_things():
    size = call(name("torch", "Size"), lst(integer(1), integer(2)))
    device = call(name("torch", "device"), text("cuda"), integer(0))
    encoded = call(name("_codecs", "encode"), text("aÿ"), text("latin1"))
    numbers = call(name("__builtin__", "set"), lst(integer(1), integer(2)))
    z = call(name("builtins", "complex"), b"G" + struct.pack(">d", 1.0), b"G" + struct.pack(">d", 2.0))
    result = read(lst(size, device, encoded, numbers, z, name("torch", "float16"), name("torch", "bfloat16")))
    assert result == [ac.Size([1, 2]), ac.device("cpu"), b"a\xff", {1, 2}, 1 + 2j, ac.float16, ac.bfloat16]


def test_empty_and_zero_dimensional():
    assert read(tensor(size=(0, 3))).shape == (0, 3)
    assert read(tensor(size=(), stride=(), offset=5)).item() == 5.0
    assert read(tensor(storage(count=0), size=(0,), stride=(1,)), {"0": b""}).shape == (0,)


def test_numpy_numbers_and_arrays():
    """Checkpoints often carry a best accuracy as numpy.float64."""

    def written_by_pickle(value):
        raw = pickle.dumps(value, 2)
        assert raw[:2] == b"\x80\x02"
        assert raw[-1:] == b"."
        return raw[2:-1]

    array = np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3))
    for value in (np.float64(0.9875), np.int32(-4), np.bool_(True)):
        assert read(written_by_pickle(value)) == value
    result = read(written_by_pickle({"a": array, "b": [array]}))
    assert result["a"].tolist() == array.tolist()
    assert result["a"].dtype == np.int32
    assert result["b"][0] is result["a"]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_objects_of_every_protocol(protocol):
    value = {
        "a": [1, -(2**70), 2.5, None, True, "ü" * 300],
        "b": (b"x" * 300, {3, 4}, frozenset([5])),
        7: {},
        "t": (1,) * 5,
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("m/data.pkl", pickle.dumps(value, protocol))
    out.seek(0)
    assert load(out) == value


# ------------------------------------------------------------------------------------------------------ what it refuses


class Run:
    """What an attacker pickles: a call of his choice."""

    def __init__(self, function, *arguments):
        self.what = function, arguments

    def __reduce__(self):
        return self.what


@pytest.fixture
def tripwire(tmp_path, monkeypatch):
    """A folder that stays empty unless something ran."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert not list(tmp_path.iterdir())


ATTACKS = {
    "os.system": Run(os.system, "touch pwned"),
    "builtins.eval": Run(eval, "open('pwned', 'w')"),
    "builtins.exec": Run(exec, "open('pwned', 'w')"),
    "builtins.open": Run(open, "pwned", "w"),
    "subprocess.Popen": Run(subprocess.Popen, ["touch", "pwned"]),
    "builtins.getattr": Run(getattr, "x", "upper"),
    "builtins.__import__": Run(__import__, "os"),
    "operator.attrgetter": Run(__import__("operator").attrgetter("x")),
    "builtins.list": Run(list, (1, 2)),
    "builtins.type": Run(type, "x"),
}


@pytest.mark.parametrize("protocol", [0, 1, 2, 4, 5])
@pytest.mark.parametrize("what", ATTACKS)
def test_calls_are_refused_by_name(what, protocol, tripwire):
    program = pickle.dumps({"weights": [1, ATTACKS[what]]}, protocol)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("m/data.pkl", program)
    out.seek(0)
    with pytest.raises(RuntimeError, match=r"was refused: .*nothing was executed") as refusal:
        load(out)
    if protocol == 2:
        assert what.rpartition(".")[2] in str(refusal.value)


@pytest.mark.parametrize(
    ("module", "attribute"),
    [
        ("torch", "load"), ("torch.hub", "load"), ("torch.storage", "_load_from_bytes"), ("torch", "jit"),
        ("torch._utils", "_rebuild_qtensor"), ("torch.nn.modules.linear", "Linear"), ("__main__", "Net"),
        ("collections", "namedtuple"), ("torch", "FloatStorage.__class__"),
        ("torch._utils", "_rebuild_tensor_v2.__globals__"),
        ("builtins", "print"), ("numpy", "load"), ("autograd_core.io", "save"), ("", ""),
        ("torch", "float32.__class__"),
    ],
)  # fmt: skip
def test_names_outside_the_list(module, attribute, tripwire):
    refused(lst(name(module, attribute)), f"mentions '{module}.{attribute}'".replace(".", r"\."))
    stacked = text(module) + text(attribute) + b"\x93"
    refused(lst(stacked), "mentions")


def test_other_ways_to_call(tripwire):
    evil = name("os", "system")
    refused(b"(" + text("touch pwned") + b"ios\nsystem\n", "opcode INST")
    refused(b"(" + evil + text("touch pwned") + b"o", "mentions 'os.system'")
    refused(name("collections", "OrderedDict") + tup() + b"\x81", "opcode NEWOBJ")
    refused(name("collections", "OrderedDict") + tup() + b"}\x92", "opcode NEWOBJ_EX")
    refused(b"\x82\x01", "opcode EXT1")
    refused(b"Psomewhere\n", "opcode PERSID")
    refused(b"\x97", "opcode NEXT_BUFFER")
    refused(call(text("eval"), text("1")), "calls 'str'")
    refused(call(tensor(), text("1")), "calls 'Tensor'")
    refused(call(name("torch", "FloatStorage"), integer(1)), "calls 'torch.FloatStorage'")
    refused(call(name("torch.storage", "UntypedStorage"), integer(10**9)), "calls a storage class")
    refused(name("collections", "OrderedDict") + lst() + b"R", "called with no tuple")


def test_states_that_reach_into_objects(tripwire):
    refused(ORDERED + dct(text("__class__"), integer(1)) + b"b", "a state other than _metadata")
    refused(ORDERED + dct(text("update"), integer(1)) + b"b", "a state other than _metadata")
    refused(tensor() + dct(text("array"), integer(1)) + b"b", "sets the state of a Tensor")
    refused(lst() + dct() + b"b", "sets the state of a list")
    refused(name("torch._utils", "_rebuild_tensor_v2") + dct() + b"b", "sets the state of a _Name")


def test_stand_ins_do_not_leak(tripwire):
    """The inert objects for names and storages are never part of what load returns."""
    f = name("torch._utils", "_rebuild_tensor_v2")
    refused(f, "does not end with one object")
    refused(lst(f), "no value")
    refused(dct(text("a"), f), "no value")
    refused(lst(tup(tup(f))), "no value")
    refused(storage(), "does not end with one object")
    refused(dct(text("a"), storage()), "no value")
    refused(tup(storage()), "does not end with one object")
    refused(call(name("numpy.core.multiarray", "_reconstruct"), integer(0)), "does not end with one object")
    refused(call(name("collections", "OrderedDict"), lst(tup(text("a"), tup(f)))), "no value")


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (tensor(size=(2, 4), stride=(4, 1)), "over a storage of 6 items"),
        (tensor(offset=1), "over a storage of 6 items"),
        (tensor(offset=-1), "at offset -1"),
        (tensor(size=(-2, 3)), "no storage, size and stride"),
        (tensor(stride=(-3, 1)), "no storage, size and stride"),
        (tensor(size=(2,)), "no storage, size and stride"),
        (tensor(size=(2**62, 2**62), stride=(2**62, 1)), "over a storage of 6 items"),
        (tensor(text("x")), "no storage, size and stride"),
        (tensor(storage(count=7)), "has 24 bytes, expected 7 items"),
        (tensor(storage(count=-1)), "has -1 items"),
        (tensor(storage("DoubleStorage", count=6)), "has 24 bytes, expected 6 items"),
        (tensor(storage(key="1")), "storage '1' is missing"),
        (tensor(storage(key="../../0")), "which PyTorch does not write"),
        (tensor(storage(key="../data.pkl")), "which PyTorch does not write"),
        (tensor(storage(key="/etc/passwd")), "which PyTorch does not write"),
        (tensor(storage(key="²")), "which PyTorch does not write"),
        (tensor(storage("QInt8Storage")), "mentions 'torch.QInt8Storage'"),
        (tup(text("module"), text("x")) + b"Q", "no storage"),
        (text("0") + b"Q", "no storage"),
    ],
)
def test_tensors_that_lie(program, why, tripwire):
    refused(program, why)


def test_bad_booleans():
    refused(tensor(storage("BoolStorage")), "booleans other than 0 and 1", {"0": bytes([0, 1, 2, 0, 0, 0])})


def test_expanded_tensors_stay_virtual():
    """An expanded tensor is legal, whatever its size: it takes no memory until it is used."""
    assert read(tensor(size=(1_000_000, 1_000_000), stride=(0, 0))).shape == (1_000_000, 1_000_000)


def test_memo_tricks(tripwire):
    refused(b"h\x05", "nothing was stored at memo 5")
    refused(b"r\xff\xff\xff\x7f", "damaged")
    # A name cannot be smuggled into a container through the memo.
    refused(name("collections", "OrderedDict") + b"q\x010" + lst(b"h\x01"), "no value")
    # 2**60 leaves by doubling: the containers share, nothing is copied, and as a key it is refused before it is hashed.
    doubling = b")" + b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(60))
    refused(b"}" + doubling + integer(1) + b"s", "a key of type tuple")
    refused(b"\x8f(" + doubling + b"\x90", "a key of type tuple")
    assert isinstance(read(lst(doubling)), list)
    # A list that contains itself is legal pickle.
    loop = read(b"]q\x00h\x00a")
    assert loop[0] is loop


@pytest.mark.parametrize(
    "program",
    [b"", b"(", b"0", b"1", b"a", b"e", b"s", b"u", b"R", b"b", b"Q", b"t", b"\x85", b"(l0", b"}(" + text("a") + b"u",
     text("a") + integer(1) + b"a", integer(1) + integer(2), b"}" + lst() + integer(1) + b"s", b"X\xff\xff\xff\x7fab",
     b"\x8a\xff", b"\xff", b"cos\n", b"\x95" + b"\xff" * 8, b"(0", b"]((a"],
)  # fmt: skip
def test_programs_that_make_no_sense(program, tripwire):
    refused(program, "its program")


def test_random_mutations_only_ever_refuse_or_return(tripwire):
    rng = np.random.default_rng(0)
    program = dct(text("w"), tensor(), text("m"), ORDERED, text("l"), lst(integer(1), tup(text("a"), NONE)))
    survived = 0
    for _ in range(3000):
        broken = bytearray(program)
        for _ in range(int(rng.integers(1, 4))):
            broken[int(rng.integers(len(broken)))] = int(rng.integers(256))
        try:
            read(bytes(broken))
            survived += 1
        except RuntimeError as error:
            assert "was refused" in str(error)  # noqa: PT017 (not every mutation must raise)
    assert survived < 3000


def test_every_truncation(tmp_path):
    whole = archive(tensor())
    for length in range(0, len(whole), 7):
        (tmp_path / "m.pt").write_bytes(whole[:length])
        with pytest.raises(RuntimeError, match="was refused"):
            load(tmp_path / "m.pt")


def test_altered_names_inside_the_archive():
    """The name in front of a member disagrees with the directory, and is not even text."""
    whole = bytearray(archive(tensor()))
    position = whole.index(b"archive/data.pkl")
    whole[position + 3] = 0xEB
    whole[position - 23] |= 8  # bit 11 of the flags: the name is UTF-8
    with pytest.raises(RuntimeError, match="was refused: its zip archive is damaged"):
        load(io.BytesIO(bytes(whole)))


def test_a_storage_that_is_not_where_the_archive_says():
    whole = archive(tensor())
    position = whole.index(b"archive/data/0")
    for broken in (
        whole[:position] + b"archive/data/9" + whole[position + 14 :],
        whole[: position - 30] + b"XX" + whole[position - 28 :],
    ):
        with pytest.raises(RuntimeError, match="is not where its zip archive says"):
            load(io.BytesIO(broken))


def test_altered_bytes_of_a_storage():
    whole = archive(tensor())
    position = whole.index(FLOATS["0"]) + 5
    with pytest.raises(RuntimeError, match="its zip archive is damaged"):
        load(io.BytesIO(whole[:position] + b"\x55" + whole[position + 1 :]))


# ---------------------------------------------------------------------------------------------------------- the archive


def test_compressed_members_are_refused():
    """A megabyte that unpacks to gigabytes is never unpacked."""
    with pytest.raises(RuntimeError, match="is compressed, which PyTorch never does"):
        load(io.BytesIO(archive(tensor(storage(count=2**24)), {"0": bytes(2**26)}, method=zipfile.ZIP_DEFLATED)))


def test_overlapping_members_are_refused():
    whole = bytearray(archive(lst(tensor(), tensor(storage(key="1"))), {"0": bytes(24), "1": bytes(24)}))
    directory = whole.index(b"PK\x01\x02")
    first = whole.index(b"archive/data/0", directory) - 4
    second = whole.index(b"archive/data/1", directory) - 4
    (offset,) = struct.unpack_from("<I", whole, first)
    struct.pack_into("<I", whole, second, offset + 1)  # the second member is said to lie in the first
    with pytest.raises(RuntimeError, match="overlaps another"):
        load(io.BytesIO(bytes(whole)))


def test_members_larger_than_the_file_are_refused():
    whole = bytearray(archive(tensor(storage(count=2**29))))
    entry = whole.index(b"archive/data/0", whole.index(b"PK\x01\x02")) - 46
    struct.pack_into("<II", whole, entry + 20, 2**31, 2**31)  # both sizes in the directory
    with pytest.raises(RuntimeError, match="claims 2147483648 bytes, the file has"):
        load(io.BytesIO(bytes(whole)))


def test_paths_in_the_archive_are_only_names(tripwire):
    extra = {"archive/byteorder": b"little", "../../evil": b"x", "/evil": b"x", "archive/../../evil2": b"x"}
    assert read(tensor(), extra=extra).shape == (2, 3)


def test_archives_of_other_kinds():
    refused(tensor(), "it is a TorchScript program", extra={"archive/constants.pkl": b"x", "archive/code/a.py": b"x"})
    refused(tensor(), "byte order is 'middle'", extra={"archive/byteorder": b"middle"})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("hello.txt", "hi")
    out.seek(0)
    with pytest.raises(RuntimeError, match=r"0 members data\.pkl, a PyTorch file has one"):
        load(out)


def test_duplicate_members():
    out = io.BytesIO(archive(tensor()))
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(out, "a") as z:
        z.writestr("archive/data/0", bytes(24))
    out.seek(0)
    with pytest.raises(RuntimeError, match="twice"):
        load(out)


def test_legacy_files_get_a_clear_sentence():
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
    with pytest.raises(RuntimeError, match=r"before version 1.6"):
        load(io.BytesIO(magic + pickle.dumps(1001, 2)))


def test_nothing_is_imported():
    """Reading mentions PyTorch's names in plenty and imports none of it, nor the pickle machine."""
    code = (
        "import sys, io; from autograd_core.io import load; load(io.BytesIO(sys.stdin.buffer.read()));"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], input=archive(tensor()), check=True)


def test_the_list_of_opcodes_is_known_to_pickletools():
    from autograd_core.io_torch import _STEPS

    assert {opcode.name for opcode in pickletools.opcodes} >= _STEPS.keys()
