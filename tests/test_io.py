"""save, load: what goes in comes out, files appear whole, and everything else is refused with a sentence."""

from __future__ import annotations

import io
import json
import os
import pickle
import signal
import stat
import struct
import subprocess
import sys
import threading
import zipfile
import zlib
from collections import Counter, OrderedDict, namedtuple
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ac
from autograd_core.io import load, load_npz, read_metadata, save, save_npz

ALL_DTYPES = ["float16", "float32", "float64", "complex64", "complex128", "uint8", "uint16", "uint32", "uint64",
              "int8", "int16", "int32", "int64", "bool"]  # fmt: skip


def there_and_back(obj):
    file = io.BytesIO()
    save(obj, file)
    file.seek(0)
    result = load(file)
    assert not file.read(), "load reads exactly what save wrote"
    return result


def same(a, b) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, ac.Tensor):
        return a.requires_grad == b.requires_grad and same(a.array, b.array)
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (float, complex, np.generic)):
        return repr(a) == repr(b)
    return a == b


# ---------------------------------------------------------------------------------------------------------- round trips


@pytest.mark.parametrize("dtype", ALL_DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3, 4)])
def test_every_dtype_and_shape(dtype, shape):
    array = np.array(np.arange(np.prod(shape, dtype=int)).reshape(shape) % 2, dtype=dtype)
    tensor = ac.from_numpy(np.array(array))
    obj = {"tensor": tensor, "array": array}
    assert same(there_and_back(obj), obj)


def test_layouts_are_saved_by_value():
    base = np.arange(24, dtype=np.float32).reshape(4, 6)
    views = [base.T, base[::2], base[::-1, ::-2], np.broadcast_to(base[0], (3, 6)), np.asfortranarray(base)]
    for view in views:
        assert (there_and_back(view) == view).all()
        assert (there_and_back(ac.from_numpy(view.copy()).t()).array == view.T).all()
    big = np.arange(5, dtype=">i4")
    assert there_and_back(big).tolist() == [0, 1, 2, 3, 4]


def test_values_to_the_bit():
    specials = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, 1.7976931348623157e308])
    payload = np.array([0x7FC00001, 0xFFC12345], np.uint32).view(np.float32)  # NaNs with contents
    assert same(there_and_back([specials, payload]), [specials, payload])


PLAIN = [
    None, True, False, 0, -1, 2**200, 0.1, -0.0, 1e300, float("inf"), float("-inf"), float("nan"), "", "ünï→", "!",
    b"", b"\x00\xff", b"x" * 5000, bytearray(b"ab"), 1 + 2j, complex(float("nan"), -0.0), [], {}, (), [[], {}, ()],
    {"!": 1}, {1: 2, None: 3, (1, "a"): 4, False: 5, 2.5: 6, b"k": 7}, OrderedDict(b=1, a=2), {1, 2}, frozenset("a"),
    np.float32(1.5), np.int64(-3), np.bool_(True), np.complex128(1j), np.float16(2), ac.float32, ac.bool,
    ac.device("cpu"), ac.Size([1, 2]),
]  # fmt: skip


@pytest.mark.parametrize("value", PLAIN, ids=lambda v: repr(v)[:30])
def test_plain_values(value):
    assert same(there_and_back(value), value)
    assert same(there_and_back({"a": [value, (value,)]}), {"a": [value, (value,)]})


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8"))
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.tuples(inner, inner)
    | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5) | st.integers(), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(nested)
@settings(deadline=None)
def test_any_nesting(value):
    assert same(there_and_back(value), value)


def test_requires_grad_is_kept_and_graphs_are_refused():
    x = ac.ones(2, requires_grad=True)
    back = there_and_back({"x": x, "c": ac.ones(2)})
    assert back["x"].requires_grad
    assert back["x"].is_leaf
    assert not back["c"].requires_grad
    with pytest.raises(RuntimeError, match=r"save: obj\['y'\] was computed by a recorded op.*detach\(\)"):
        save({"y": x * 2}, io.BytesIO())


def test_shared_memory_is_stored_once_and_shared_again():
    w = ac.randn(100, 100)
    obj = {"a": w, "b": w, "c": w.detach(), "n": w.array}
    file = io.BytesIO()
    save(obj, file)
    assert len(file.getvalue()) < 1.1 * w.nbytes
    file.seek(0)
    back = load(file)
    assert back["a"] is back["b"]
    assert back["a"] is not back["c"]
    assert back["a"].array is back["c"].array is back["n"]


def test_flat_state_dict_is_an_ordinary_safetensors_file(tmp_path):
    import safetensors.numpy as safetensors

    state = OrderedDict([("layer.weight", ac.randn(3, 2)), ("layer.bias", ac.zeros(3)), ("steps", ac.tensor(7))])
    save(state, tmp_path / "m.safetensors")
    theirs = safetensors.load_file(tmp_path / "m.safetensors")
    assert {k: v.tobytes() for k, v in theirs.items()} == {k: v.array.tobytes() for k, v in state.items()}
    assert same(load(tmp_path / "m.safetensors"), state)


@pytest.mark.parametrize("dtype", [d for d in ALL_DTYPES if d != "complex128"])
def test_files_of_the_safetensors_package(tmp_path, dtype):
    import safetensors.numpy as safetensors

    arrays = {"a": np.arange(6).astype(dtype).reshape(2, 3), "empty": np.zeros((0, 2), dtype), "s": np.ones((), dtype)}
    safetensors.save_file(arrays, tmp_path / "m.safetensors", {"made by": "them"})
    back = load(tmp_path / "m.safetensors")
    assert {k: v.array.tobytes() for k, v in back.items()} == {k: v.tobytes() for k, v in arrays.items()}
    assert all(back[k].shape == arrays[k].shape and back[k].array.dtype == dtype for k in arrays)
    assert read_metadata(tmp_path / "m.safetensors") == {"made by": "them"}


def raw_safetensors(header: dict, payload: bytes) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + payload


def test_bfloat16_and_float8_become_float32_exactly():
    bits = np.array([0x3F80, 0xC000, 0x7F80, 0x0001, 0x8000], np.uint16)
    file = raw_safetensors({"x": {"dtype": "BF16", "shape": [5], "data_offsets": [0, 10]}}, bits.tobytes())
    x = load(io.BytesIO(file))["x"]
    assert x.dtype is ac.float32
    np.testing.assert_array_equal(x.array, np.array([1, -2, np.inf, 2.0**-133, -0.0], np.float32))
    codes = bytes([0x38, 0xB8, 0x7E, 0x01, 0x80, 0x7F])
    x = load(io.BytesIO(raw_safetensors({"x": {"dtype": "F8_E4M3", "shape": [6], "data_offsets": [0, 6]}}, codes)))["x"]
    np.testing.assert_array_equal(x.array, np.array([1, -1, 448, 2.0**-9, -0.0, np.nan], np.float32))
    codes = bytes([0x3C, 0x7B, 0x7C, 0xFC, 0x01, 0x7E])
    x = load(io.BytesIO(raw_safetensors({"x": {"dtype": "F8_E5M2", "shape": [6], "data_offsets": [0, 6]}}, codes)))["x"]
    np.testing.assert_array_equal(x.array, np.array([1, 57344, np.inf, -np.inf, 2.0**-16, np.nan], np.float32))


def test_the_versions_in_a_state_dict_are_kept():
    state = OrderedDict(w=ac.ones(2))
    state._metadata = OrderedDict({"": {"version": 1}, "bn": {"version": 2}})
    assert there_and_back({"model": state})["model"]._metadata == state._metadata
    assert not hasattr(there_and_back(OrderedDict()), "_metadata")


def test_metadata(tmp_path):
    save({"a": ac.ones(1)}, tmp_path / "m", metadata={"model": "tiny", "format": "mine"})
    assert read_metadata(tmp_path / "m") == {"model": "tiny", "format": "mine"}
    with pytest.raises(TypeError, match="metadata should be texts"):
        save({}, tmp_path / "m", metadata={"epoch": 3})
    with pytest.raises(TypeError, match="names of your own"):
        save({}, tmp_path / "m", metadata={"autograd_core": "x"})


def test_names_that_collide():
    obj = {"a.b": ac.ones(1), "a": {"b": ac.zeros(1)}, "__metadata__": ac.ones(2), "": ac.ones(3)}
    assert same(there_and_back(obj), obj)


def test_generator_state_goes_through():
    g = ac.Generator().manual_seed(5)
    state = there_and_back({"rng": g.get_state()})["rng"]
    a = ac.rand(3, generator=g)
    b = ac.rand(3, generator=ac.Generator().set_state(state))
    assert (a.array == b.array).all()


# ------------------------------------------------------------------------------------------------------ what is refused

Point = namedtuple("Point", "x y")


class Model:
    def state_dict(self):
        return {}


class Text(str):
    pass


@pytest.mark.parametrize(
    ("obj", "text"),
    [
        ({"model": Model()}, r"obj\['model'\] is a Model; save its state_dict\(\)"),
        ([ac.Generator()], r"obj\[0\] is a Generator; save its get_state\(\)"),
        ({"a": {"b": [object()]}}, r"obj\['a'\]\['b'\]\[0\] is a builtins.object; a file holds tensors"),
        (print, "builtin_function_or_method"),
        (Counter("ab"), "collections.Counter.*Turn it into a dict"),
        (Point(1, 2), "Turn it into a tuple or, with _asdict"),
        (Text("x"), "Turn it into a plain str"),
        (Path("x"), "Turn it into a str"),
        ({object(): 1}, "has a key of type object"),
        ({frozenset(): 1}, "has a key of type frozenset"),
        (np.array(["a"]), "an array of dtype <U1"),
        (np.array([object()]), "an array of dtype object"),
        (np.zeros(2, np.longdouble), "an array of dtype"),
        (np.array(["2020-01-01"], "M8[D]"), "an array of dtype datetime64"),
    ],
)
def test_what_cannot_be_stored(obj, text):
    file = io.BytesIO()
    with pytest.raises(TypeError, match=f"^save: .*{text}"):
        save(obj, file)
    assert not file.getvalue()


def test_cycles_and_depth():
    loop: list = [1]
    loop.append({"again": loop})
    with pytest.raises(ValueError, match=r"save: obj\[1\]\['again'\] contains itself"):
        save(loop, io.BytesIO())
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested deeper than 200 levels"):
        save(deep, io.BytesIO())
    twice = [1]
    assert there_and_back([twice, twice]) == [[1], [1]]


def test_unpaired_surrogates():
    with pytest.raises(ValueError, match="not valid Unicode"):
        save({"a": "\ud800"}, io.BytesIO())
    with pytest.raises(ValueError, match="not valid Unicode"):
        save({"\ud800": 1}, io.BytesIO())


def test_bad_targets(tmp_path):
    with pytest.raises(TypeError, match=r"save: expected a path or a file object with write\(\), got int"):
        save({}, 3)
    with pytest.raises(TypeError, match=r"load: expected a path or a file object with read\(\), got NoneType"):
        load(None)
    with pytest.raises(RuntimeError, match=r"parent directory .* does not exist; make it first"):
        save({}, tmp_path / "no" / "where")
    with pytest.raises(FileNotFoundError, match="load: there is no file"):
        load(tmp_path / "nothing")
    with pytest.raises(RuntimeError, match="is a folder"):
        load(tmp_path)
    with pytest.raises(RuntimeError, match="CPU only"):
        load(tmp_path / "nothing", map_location="cuda")


@pytest.mark.parametrize("location", [None, "cpu", ac.device("cpu"), lambda storage, place: storage, {"cuda:0": "cpu"}])
def test_map_location_and_weights_only_are_accepted(tmp_path, location):
    save(ac.ones(2), tmp_path / "x")
    assert load(tmp_path / "x", map_location=location, weights_only=False, mmap=True).tolist() == [1, 1]


# -------------------------------------------------------------------------------------------------------- damaged files


def sample_file() -> bytes:
    file = io.BytesIO()
    save({"w": ac.arange(12.0).reshape(3, 4), "lr": 0.125, "name": "net", "c": ac.zeros(2, dtype=ac.complex128)}, file)
    return file.getvalue()


def test_every_truncation_is_refused(tmp_path):
    whole = sample_file()
    for length in range(len(whole)):
        (tmp_path / "f").write_bytes(whole[:length])
        with pytest.raises(RuntimeError, match=r"^load: .* was refused: "):
            load(tmp_path / "f")
        with pytest.raises(RuntimeError, match=r"^load: .* was refused: "):
            load(io.BytesIO(whole[:length]))


def test_extra_bytes_are_refused(tmp_path):
    (tmp_path / "f").write_bytes(sample_file() + b"x")
    with pytest.raises(RuntimeError, match="it has extra bytes"):
        load(tmp_path / "f")


def test_every_flipped_bit_is_noticed_or_harmless(tmp_path):
    whole = sample_file()
    original = load(io.BytesIO(whole))
    for position in range(len(whole)):
        broken = bytearray(whole)
        broken[position] ^= 1 << (position % 8)
        (tmp_path / "f").write_bytes(broken)
        try:
            result = load(tmp_path / "f")
        except RuntimeError as error:
            assert "was refused" in str(error)  # noqa: PT017 (not every flip must raise)
        else:  # a changed byte that means nothing: padding, or the name of a metadata entry nobody reads
            assert same(result, original), position


HOSTILE = {
    "empty": b"",
    "short": b"abc",
    "text": b"hello, this is no checkpoint at all",
    "png": b"\x89PNG\r\n\x1a\n" + bytes(64),
    "huge header": (2**62).to_bytes(8, "little") + b"{" + bytes(50),
    "header beyond the end": (1000).to_bytes(8, "little") + b"{}" + bytes(10),
    "not json": (8).to_bytes(8, "little") + b"{a: b}  ",
    "json list": (8).to_bytes(8, "little") + b"{[]}    ",
    "deep json": (200_000).to_bytes(8, "little") + b'{"a":' + b"[" * 199_995,
    "no tensor": raw_safetensors({"x": 5}, b""),
    "negative": raw_safetensors({"x": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, bytes(4)),
    "float shape": raw_safetensors({"x": {"dtype": "F32", "shape": [1.0], "data_offsets": [0, 4]}}, bytes(4)),
    "unknown type": raw_safetensors({"x": {"dtype": "F31", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
    "terabytes": raw_safetensors({"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}, bytes(4)),
    "overflow": raw_safetensors({"x": {"dtype": "F32", "shape": [2**62, 4], "data_offsets": [0, 0]}}, b""),
    "overlap": raw_safetensors(
        {
            "x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
            "y": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]},
        },
        bytes(12),
    ),
    "gap": raw_safetensors({"x": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, bytes(8)),
    "size against shape": raw_safetensors({"x": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}, bytes(8)),
    "bad bool": raw_safetensors({"x": {"dtype": "BOOL", "shape": [1], "data_offsets": [0, 1]}}, b"\x02"),
    "metadata": raw_safetensors({"__metadata__": {"a": 1}}, b""),
    "twice": (74).to_bytes(8, "little")
    + b'{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"x":{"dtype":"U8",    ',
    "structure": raw_safetensors({"__metadata__": {"autograd_core": "{}"}}, b""),
    "npy": b"\x93NUMPY\x01\x00" + bytes(100),
    "bad zip": b"PK\x03\x04" + bytes(100),
    "pickle": pickle.dumps({"a": 1}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_foreign_and_hostile_files(name, tmp_path):
    (tmp_path / "f").write_bytes(HOSTILE[name])
    for source in (tmp_path / "f", io.BytesIO(HOSTILE[name])):
        with pytest.raises(RuntimeError, match=r"^load: .* was refused: [^\n]*\.$"):
            load(source)


def checksummed(content: dict) -> bytes:
    text = json.dumps(content)
    metadata = {"autograd_core": text, "autograd_core.crc32": f"{zlib.crc32(text.encode()):08x}"}
    return raw_safetensors({"__metadata__": metadata}, b"")


@pytest.mark.parametrize(
    "structure",
    [
        {"!": "tensor", "name": "gone"},
        {"!": "tensor"},
        {"!": "eval", "v": "1"},
        {"!": ["list"]},
        {"!": "tuple", "v": 5},
        {"!": "dict", "v": [[1]]},
        {"!": "dict", "v": [[[1], 2]]},
        {"!": "set", "v": [[]]},
        {"!": "dtype", "v": "object"},
        {"!": "device", "v": "cuda"},
        {"!": "bytes", "v": "@@"},
        {"!": "float", "v": "x"},
    ],
)
def test_structures_that_save_does_not_write(structure):
    with pytest.raises(RuntimeError, match="was refused: its structure"):
        load(io.BytesIO(checksummed({"version": 1, "structure": structure, "crc32": {}})))


def test_future_version():
    with pytest.raises(RuntimeError, match="saved in version 2 of this format, this is version 1; update"):
        load(io.BytesIO(checksummed({"version": 2, "structure": 1, "crc32": {}})))


def test_text_mode_and_pickles(tmp_path):
    with pytest.raises(RuntimeError, match="opened as text"):
        load(io.StringIO("abc"))
    with pytest.raises(RuntimeError, match="a Python pickle, which could run anything; nothing of it was read"):
        load(io.BytesIO(pickle.dumps([1, 2])))


# --------------------------------------------------------------------------------------------------- files appear whole


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "model"
    save({"a": ac.ones(3)}, target)
    before = target.read_bytes()

    def fail(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        save({"a": ac.zeros(3)}, target)
    assert target.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_permissions_and_links_are_kept(tmp_path):
    target, link = tmp_path / "model", tmp_path / "latest"
    save({}, target)
    target.chmod(0o640)
    link.symlink_to(target)
    save({"a": 1}, link)
    assert link.is_symlink()
    assert load(target) == {"a": 1}
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_pipes_are_written_and_read(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=save, args=({"a": ac.ones(2)}, str(pipe)))
    writer.start()
    assert load(pipe)["a"].tolist() == [1, 1]
    writer.join()
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_several_objects_in_one_stream():
    file = io.BytesIO()
    for i in range(3):
        save({"i": i, "t": ac.full((2,), float(i))}, file)
    file.seek(0)
    assert [load(file)["i"] for _ in range(3)] == [0, 1, 2]


class OneWay(io.RawIOBase):
    """A stream that cannot seek, such as a socket."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self._content.readinto(buffer)


def test_streams_that_cannot_seek():
    assert load(OneWay(sample_file()))["lr"] == 0.125


KILLED = """
import sys
import numpy as np
from autograd_core.io import save
import autograd_core as ac
i = 0
while True:
    i += 1
    save({"i": i, "a": ac.full((200_000,), float(i)), "b": ac.full((200_000,), float(i))}, sys.argv[1])
    if i == 1:
        print("started", flush=True)
"""


def test_a_killed_process_leaves_a_whole_file(tmp_path):
    rng = np.random.default_rng(0)
    target = tmp_path / "model"
    for _ in range(6):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(target)], stdout=subprocess.PIPE)
        assert process.stdout.readline()
        try:
            process.wait(timeout=float(rng.uniform(0.005, 0.1)))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        content = load(target)
        assert (content["a"].array == content["i"]).all()
        assert (content["b"].array == content["i"]).all()


# ----------------------------------------------------------------------------------------------------------------- .npz


def test_npz_round_trip_and_numpy_agree(tmp_path):
    state = {"a": ac.randn(2, 3), "b.c": ac.arange(4), "f": np.asfortranarray(np.ones((2, 3))), "n": 2.5}
    for compressed in (False, True):
        save_npz(state, tmp_path / "x.npz", compressed=compressed)
        back = load(tmp_path / "x.npz")
        assert list(back) == list(state)
        assert (back["a"].array == state["a"].array).all()
        assert back["n"].item() == 2.5
        with np.load(tmp_path / "x.npz") as theirs:
            assert (theirs["b.c"] == np.arange(4)).all()
            assert (theirs["f"] == 1).all()
    np.savez(tmp_path / "y.npz", p=np.arange(3, dtype=">f8"), q=np.array(True))
    back = load_npz(tmp_path / "y.npz")
    assert back["p"].tolist() == [0, 1, 2]
    assert back["p"].dtype is ac.float64
    assert back["q"].dtype is ac.bool


def test_npz_by_suffix(tmp_path):
    save({"a": ac.ones(2)}, tmp_path / "x.npz")
    assert zipfile.is_zipfile(tmp_path / "x.npz")
    with pytest.raises(TypeError, match="save_npz: expected a dict of tensors, got Tensor"):
        save(ac.ones(2), tmp_path / "x.npz")
    with pytest.raises(TypeError, match="save_npz: 'a' is dict, which is no array of numbers"):
        save({"a": {}}, tmp_path / "x.npz")
    assert load(tmp_path / "x.npz")["a"].tolist() == [1, 1]


def npz_with(member: bytes, size: int | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.npy", member)
    return out.getvalue()


def npy(header: str, payload: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + payload


@pytest.mark.parametrize(
    "member",
    [
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", pickle.dumps([print])),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }", bytes(4)),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", bytes(4)),
        npy("{'descr': '<U3', 'fortran_order': False, 'shape': (1,), }", bytes(12)),
        npy("__import__('os').system('touch pwned')", bytes(4)),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", bytes(4)),
        b"not an npy at all",
        b"",
    ],
)
def test_npz_that_lies(member, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RuntimeError, match=r"^load: .* was refused: [^\n]+\.$"):
        load(io.BytesIO(npz_with(member)))
    assert not list(tmp_path.iterdir())


def test_npz_truncations():
    file = io.BytesIO()
    save_npz({"a": ac.arange(20)}, file, compressed=True)
    whole = file.getvalue()
    for length in range(0, len(whole), 3):
        with pytest.raises(RuntimeError, match="was refused"):
            load(io.BytesIO(whole[:length]))


def test_equal_contents_make_equal_files():
    def content(write):
        file = io.BytesIO()
        write(file)
        return file.getvalue()

    obj = {"a": ac.arange(5), "s": {3, 1, 2}}
    assert content(lambda f: save(obj, f)) == content(lambda f: save(obj, f))
    assert content(lambda f: save_npz({"a": obj["a"]}, f)) == content(lambda f: save_npz({"a": obj["a"]}, f))
