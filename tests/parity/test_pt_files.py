"""Files that PyTorch itself wrote, read without it."""

from __future__ import annotations

import io
from collections import OrderedDict

import numpy as np
import pytest

from autograd_core.io import load, save

torch = pytest.importorskip("torch")

DTYPES = ["float16", "float32", "float64", "complex64", "complex128", "uint8", "uint16", "uint32", "uint64", "int8",
          "int16", "int32", "int64", "bool"]  # fmt: skip


def through_file(obj, **options):
    file = io.BytesIO()
    torch.save(obj, file, **options)
    file.seek(0)
    return load(file)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype(dtype, protocol):
    t = (torch.arange(12).reshape(3, 4) % 5).to(getattr(torch, dtype))
    ours = through_file({"t": t, "v": t.t()[1:], "e": t[:0], "s": t[1, 2]}, pickle_protocol=protocol)
    for key, theirs in {"t": t, "v": t.t()[1:], "e": t[:0], "s": t[1, 2]}.items():
        assert ours[key].array.dtype == theirs.numpy().dtype
        np.testing.assert_array_equal(ours[key].array, theirs.numpy())
    assert np.shares_memory(ours["t"].array, ours["v"].array)


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_narrow_floats_are_exact_in_float32(dtype):
    codes = torch.arange(65536 if dtype == "bfloat16" else 256, dtype=torch.int32)
    t = codes.to(torch.int16 if dtype == "bfloat16" else torch.uint8).view(getattr(torch, dtype))
    ours = through_file(t).array
    np.testing.assert_array_equal(ours, t.to(torch.float32).numpy())
    signs = np.signbit(ours)[~np.isnan(ours)]
    np.testing.assert_array_equal(signs, np.signbit(t.to(torch.float32).numpy())[~np.isnan(ours)])


def test_a_whole_checkpoint():
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3),
        torch.nn.BatchNorm2d(4),
        torch.nn.Flatten(),
        torch.nn.LazyLinear(5),
        torch.nn.LSTM(5, 3),
    )
    out, _ = model(torch.randn(2, 1, 6, 6))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, betas=(0.8, 0.99))
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    out.sum().backward()
    optimizer.step()
    scheduler.step()
    checkpoint = {
        "model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict(),
        "rng": torch.get_rng_state(), "epoch": 3, "best": np.float64(0.5), "note": "ü", "size": torch.Size([1, 2]),
        "dtype": torch.float16, "device": torch.device("cpu"), "parameter": torch.nn.Parameter(torch.ones(2)),
    }  # fmt: skip
    ours = through_file(checkpoint)
    assert type(ours["model"]) is OrderedDict
    assert list(ours["model"]) == list(checkpoint["model"])
    assert ours["model"]._metadata == checkpoint["model"]._metadata
    for key, theirs in checkpoint["model"].items():
        assert ours["model"][key].array.tobytes() == theirs.numpy().tobytes()
    assert ours["optimizer"]["param_groups"] == checkpoint["optimizer"]["param_groups"]
    for key, theirs in checkpoint["optimizer"]["state"].items():
        for name, value in theirs.items():
            np.testing.assert_array_equal(ours["optimizer"]["state"][key][name].array, value.numpy())
    assert ours["scheduler"] == checkpoint["scheduler"]
    assert ours["epoch"] == 3
    assert ours["best"] == 0.5
    assert ours["note"] == "ü"
    assert ours["size"] == (1, 2)
    assert ours["parameter"].requires_grad
    np.testing.assert_array_equal(ours["rng"].array, checkpoint["rng"].numpy())
    again = io.BytesIO()
    save(dict(ours.items()), again)  # and it can be kept in our own format


@pytest.mark.filterwarnings("ignore:Sparse invariant checks", "ignore:torch.quantize_per_tensor")
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: torch.nn.Linear(2, 2), "torch.nn.modules.linear.Linear"),
        (lambda: torch.nn.Sequential(torch.nn.ReLU()), "torch.nn.modules.container.Sequential"),
        (lambda: torch.sparse_coo_tensor([[0]], [1.0], (2,)), "torch._utils._rebuild_sparse_tensor"),
        (lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8), "torch"),
        (lambda: np.array([object()]), "NumPy values of type"),
    ],
)
def test_what_is_no_plain_tensor_is_refused_by_name(make, name):
    with pytest.raises(RuntimeError, match=f"was refused: .*({name})"):
        through_file({"x": make()})


def test_the_format_before_1_6():
    for obj in ({"a": torch.ones(2)}, torch.ones(2)):
        with pytest.raises(RuntimeError, match=r"before version 1\.6"):
            through_file(obj, _use_new_zipfile_serialization=False)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript(tmp_path):
    torch.jit.trace(torch.nn.Linear(2, 2), torch.ones(1, 2)).save(str(tmp_path / "m.pt"))
    with pytest.raises(RuntimeError, match="it is a TorchScript program"):
        load(tmp_path / "m.pt")


def test_safetensors_of_pytorch(tmp_path):
    safetensors_torch = pytest.importorskip("safetensors.torch")
    state = {"a": torch.randn(3, 4), "b": torch.randn(5).bfloat16(), "c": torch.randn(4).to(torch.float8_e5m2)}
    safetensors_torch.save_file(state, tmp_path / "m.safetensors")
    ours = load(tmp_path / "m.safetensors")
    for key, theirs in state.items():
        np.testing.assert_array_equal(ours[key].array, theirs.to(torch.float32).numpy())
    save(ours, tmp_path / "ours.safetensors")
    back = safetensors_torch.load_file(tmp_path / "ours.safetensors")
    for key, theirs in state.items():
        assert torch.equal(back[key], theirs.to(torch.float32))
