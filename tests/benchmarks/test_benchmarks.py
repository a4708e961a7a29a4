"""The benchmarks run: this engine's program of each workload, the checks before the clock, and what is written."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import data, in_pytorch, race, report
from benchmarks.contestant import prepare, write_gradients
from benchmarks.workloads import CONTESTANTS, WORKLOADS, Job, find

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def ours() -> in_pytorch.Library:
    import autograd_core

    return in_pytorch.load("ours", autograd_core.get_num_threads())


def check(job: Job, steps: int = 2) -> list[float]:
    """It steps, its losses and gradients are numbers, and a fresh gradient is not zero."""
    losses = [job.number(job.step()) for _ in range(steps)]
    assert np.isfinite(losses).all()
    if job.gradients is not None:
        found = job.gradients()
        assert all(np.isfinite(g).all() for g in found)
        assert any(g.any() for g in found)
    return losses


SMALL = [w for w in WORKLOADS if w.name not in ("cold_start", "depth", "convolution", "adam_one")]


@pytest.mark.parametrize("workload", SMALL, ids=lambda w: w.name)
def test_our_program_steps(ours: in_pytorch.Library, workload: race.Workload) -> None:
    check(getattr(in_pytorch, workload.name)(ours))


@pytest.mark.parametrize("number", ["2", "3", "9"])
def test_training_lowers_the_loss(ours: in_pytorch.Library, number: str) -> None:
    losses = check(getattr(in_pytorch, find(number).name)(ours), 30)
    assert losses[-1] < losses[0]


def test_our_program_steps_where_sizes_are_given(ours: in_pytorch.Library) -> None:
    check(in_pytorch.adam_one(ours, size=1000))
    check(in_pytorch.depth(ours, "10"))
    for which in data.PASSES:
        check(in_pytorch.convolution(ours, f"1x28x28, 3x3: {which}"))


def test_digits_trainer_learns(ours: in_pytorch.Library) -> None:
    x, y, held_x, held_y = data.digits()
    assert x.shape == (1437, 64) and held_x.shape == (360, 64) and x.max() == 1
    step, logits = in_pytorch.digits_trainer(ours)
    losses = [step(x[i : i + 64], y[i : i + 64]) for _ in range(3) for i in range(0, 1408, 64)]
    assert losses[-1] < 0.5 * losses[0]
    assert (logits(held_x).argmax(1) == held_y).mean() > 0.7


def test_chain_neither_fades_nor_explodes(ours: in_pytorch.Library) -> None:
    gradients = in_pytorch.depth(ours, "1000").gradients()  # type: ignore[misc]
    first, last = np.abs(gradients[0]).max(), np.abs(gradients[-2]).max()
    assert 1e-4 < first / last < 1e4


def test_every_contestant_has_the_programs_it_is_listed_for() -> None:
    for workload in WORKLOADS:
        name = "digits_trainer" if workload.name == "cold_start" else workload.name
        for contestant in filter(workload.can, CONTESTANTS):
            source = (ROOT / "benchmarks" / f"{CONTESTANTS[contestant].module}.py").read_text()
            assert re.search(rf"^def {name}\(", source, re.M), f"{contestant} has no {name}"


def test_operations_of_a_convolution() -> None:
    how = data.Convolution((2, 4, 5, 5), (6, 2, 3, 3), stride=2, padding=1, groups=2)
    assert how.out == (2, 6, 3, 3)
    assert how.operations == 2 * (2 * 6 * 3 * 3) * (2 * 3 * 3)


def test_difference_of_gradients(tmp_path: Path) -> None:
    a, b = str(tmp_path / "a.npz"), str(tmp_path / "b.npz")
    write_gradients(a, [np.array([[1.0], [2.02]]), np.array([0.0]), np.array([10.0])])
    write_gradients(b, [np.array([[1.0], [2.0]]), np.array([0.0]), np.array([10.0])])
    assert race.difference(a, b) == pytest.approx(0.01)
    write_gradients(a, [np.array([1.0, 2.0])])
    with pytest.raises(RuntimeError, match=r"shapes \[\[2\]\], expected \[\[2, 1\], \[1\], \[1\]\]"):
        race.difference(a, b)


def test_ratio_is_taken_round_by_round() -> None:
    seconds = {"ours": {"": [1.0, 10.0, 1.0]}, "torch": {"": [2.0, 20.0, 3.0]}}
    assert race.ratio(seconds, "torch") == 2.0
    assert race.ratio(seconds, "jax") is None


def results() -> report.Results:
    """Of a run that never was."""

    def row(number: str, **extra: object) -> report.Row:
        w = find(number)
        times = {n: {part: [0.001 * k, 0.001 * k] for part in w.parts} for n, k in (("ours", 1), ("torch", 2))}
        return {
            "number": number, "what": w.what, "goal": w.goal, "failed": {}, "seconds": times, "log": "",
            "peak_mb": {"ours": 50.0, "torch": 300.0}, "gradient_difference": {"ours": {"": 2e-7}, "torch": {"": 3e-7}},
        } | extra  # fmt: skip

    runs = {
        n: [{"seconds": s, "import": 0.2, "loss": 0.3, "accuracy": 0.9, "peak_mb": 40.0}]
        for n, s in (("ours", 1), ("torch", 3))
    }
    cold = {"runs": runs, "first": {"ours": 5.0}, "ended": dict.fromkeys(runs, (0.3, 0.9)), "gradient_difference": {}}
    return {
        "machine": {"date": "today", "cpu": "a CPU", "cores": "2", "system": "an OS", "Python": "3"}, "threads": 2,
        "starts": 1, "rounds": 2,
        "missing": {"jax": "the package jax is not installed"}, "reference": "PyTorch",
        "rows": [row("3"), row("12", failed={"tinygrad": "no answer"}), row("13", **cold), row("14"), row("16")],
    }  # fmt: skip


def test_report_says_everything() -> None:
    text = report.sections(results())
    for line in (
        "| 3 | digits MLP 64-128-64-10, batch 64, Adam | 1.00 | 2.00 | – | 2.5 |",
        "| 12 | softmax(gelu(x) w + b) of 4096x1024, forward and backward | 1.00 | 2.00 | failed | 1.0 |",
        "| torch | 3.00 | 0.200 | – | 300 | 90.0 % |",
        "| 10000 | 0.100 | 0.200 |",
        "jax was not there: the package jax is not installed.",
        "- workload 12, tinygrad: no answer",
    ):
        assert line in text
    assert "2.0e-07" in text and "GFLOP/s" in text


def test_summary_and_saved_files(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    lines = [line for line in report.summary(results()).splitlines() if re.match(r"\| \d", line)]
    assert [line.split(".")[0] for line in lines] == ["| 3", "| 12", "| 13", "| 14", "| 16"]
    report.save(results(), tmp_path)
    assert json.loads((tmp_path / "results.json").read_text())["rounds"] == 2
    assert (tmp_path / "ratios.png").stat().st_size > 5000


def test_fill_replaces_between_markers() -> None:
    text = "before\n<!-- benchmarks -->\nold\n<!-- /benchmarks -->\nafter\n"
    assert report.fill(text, "benchmarks", "new\n") == text.replace("old", "new")
    with pytest.raises(ValueError, match="once each"):
        report.fill("no markers", "benchmarks", "new")


@pytest.mark.parametrize("path", ["README.md", "docs/benchmarks.md"])
def test_documents_have_their_markers(path: str) -> None:
    text = (ROOT / path).read_text()
    filled = report.fill(text, "benchmarks", "new figures")  # raises where a marker is missing
    assert "new figures" in filled and "| torch |" in text and "| torch |" not in filled


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_command_runs(tmp_path: Path) -> None:
    done = command("--quick", "--only", "2", "--against", "", "--threads", "1", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    row = json.loads((tmp_path / "results.json").read_text())["rows"][0]
    assert row["number"] == "2" and len(row["seconds"]["ours"][""]) == 2
    assert max(row["gradient_difference"]["ours"].values()) < 1e-5
    assert "XOR by 2-8-1" in done.stdout


def test_wrong_arguments_are_named() -> None:
    assert "--only 99: not one of 1, 2" in command("--only", "99").stderr
    assert "--against snail: not one of ours, torch" in command("--against", "snail").stderr


def test_a_contestant_that_fails_is_named_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONTESTANTS, "broken", CONTESTANTS["ours"])  # known here, not in the process that is started
    workload = race.Workload("2", "xor_mlp", "", None, peers=("broken",), seconds=0.01)
    row = race.run(workload, ["ours", "broken"], "ours", rounds=1, threads=1, starts=2)
    assert "KeyError" in row["failed"]["broken"]
    assert list(row["seconds"]) == ["ours"]
    assert len(row["seconds"]["ours"][""]) == 2


def test_prepare_gives_a_job_for_each_part() -> None:
    jobs = prepare("ours", race.Workload("14", "depth", "", None, parts=("3", "4")), 1)
    assert set(jobs) == {"3", "4"}


def test_peers_are_absent_or_usable() -> None:
    from benchmarks.__main__ import choose

    names, missing = choose("torch,jax,autograd,tinygrad")
    assert names[0] == "ours"
    assert {*names[1:], *missing} == {"torch", "jax", "autograd", "tinygrad"}
    assert all(importlib.util.find_spec(CONTESTANTS[n].package) is None for n in missing)
