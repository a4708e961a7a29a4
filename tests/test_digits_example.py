"""The main job in small form: it learns, equal seeds agree to the last bit, a stopped run resumes, Ctrl-C is survived."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import autograd_core as ac
from examples import digits_cnn

ROOT = Path(__file__).resolve().parent.parent


def run(out: Path, *arguments: str) -> tuple[float, bytes]:
    accuracy = digits_cnn.main(["--quiet", "--out", str(out), *arguments])
    return accuracy, (out / "model.safetensors").read_bytes()


def test_learns_and_is_reproducible(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    accuracy, model = run(tmp_path / "a", "--epochs", "4", "--lr", "0.02")
    assert accuracy > 0.95
    assert "held-out accuracy" in capsys.readouterr().out
    assert run(tmp_path / "b", "--epochs", "4", "--lr", "0.02")[1] == model
    assert run(tmp_path / "c", "--epochs", "4", "--lr", "0.02", "--seed", "1")[1] != model
    run(tmp_path / "d", "--epochs", "4", "--lr", "0.02", "--stop-after", "2")
    checkpoint = str(tmp_path / "d" / "checkpoint.safetensors")
    assert run(tmp_path / "d", "--epochs", "4", "--lr", "0.02", "--resume", checkpoint)[1] == model


def test_pictures(tmp_path: Path) -> None:
    digits_cnn.main(["--epochs", "1", "--out", str(tmp_path)])
    names = {p.name for p in tmp_path.iterdir()}
    assert {"model.safetensors", "checkpoint.safetensors", "curves.png", "errors.png", "graph.dot"} <= names
    assert "cross_entropy" in (tmp_path / "graph.dot").read_text()


def test_missing_mnist_says_what_and_where(tmp_path: Path) -> None:
    with pytest.raises((RuntimeError, FileNotFoundError), match="train-images") as caught:
        digits_cnn.main(["--data", str(tmp_path), "--out", str(tmp_path / "out")])
    assert str(tmp_path) in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_leaves_a_usable_checkpoint(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(ROOT / "examples" / "digits_cnn.py"),
        "--quiet",
        "--epochs",
        "5000",
        "--out",
        str(tmp_path),
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    checkpoint = tmp_path / "checkpoint.safetensors"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "continue with --resume" in out
    state = ac.load(checkpoint)
    assert state["epoch"] >= 1 and "model" in state
