"""Contestants of one workload: started in processes of their own, checked, timed in turns, asked for their gradients."""

from __future__ import annotations

import json
import os
import selectors
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.workloads import Workload

PATIENCE = 240.0  # seconds for a contestant to build, compile and do its first steps, or to answer anything else
AGREE = 1e-4  # losses may differ from the float64 reference by so much of it (or of 1, where it is smaller); seen: 1e-5


class Failed(Exception):
    """A contestant that did not answer."""


def environment(threads: int) -> dict[str, str]:
    """The switches by which libraries take their number of threads."""
    names = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUM_CPU_THREADS"
    path = str(Path(sys.executable).parent) + os.pathsep + os.environ.get("PATH", "")
    return os.environ | dict.fromkeys(names, str(threads)) | {"PATH": path, "JAX_PLATFORMS": "cpu"}


def end_group(process: subprocess.Popen[Any]) -> None:
    """End a process that leads a session, and what it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # all of them have ended
    process.wait()


class Process:
    """A contestant at work."""

    def __init__(self, name: str, workload: Workload, threads: int, *options: str, log: Any = None) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.contestant", name, workload.number, str(threads), *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment(threads),
            cwd=Path(__file__).parents[1], start_new_session=True,
        )  # fmt: skip

    def read(self) -> dict[str, Any]:
        """The next answer."""
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(PATIENCE):
                raise Failed(f"no answer within {PATIENCE:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"ended with exit status {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def ask(self, **request: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failed(f"ended with exit status {self.process.wait()}") from None
        return self.read()

    def stop(self) -> None:
        """Let it go; at once if it does not, with the processes it may have started (compilers)."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        end_group(self.process)
        if self.process.stdout is not None:
            self.process.stdout.close()


def run(
    workload: Workload, names: Iterable[str], reference: str, rounds: int, threads: int,
    quick: bool = False, progress: Callable[[str], None] = lambda text: None, starts: int = 1,
) -> dict[str, Any]:  # fmt: skip
    """One workload's figures.

    ``names`` are those who take part, ``reference`` the library that gives float64 losses and gradients.  All are
    started ``starts`` times, since one start's median differs from another's by up to a third, and timed for ``rounds``
    rounds each time; ``progress`` is called once a round.  A contestant that fails or parts from the reference is named
    in ``failed`` and not timed.
    """
    result: dict[str, Any] = {"number": workload.number, "what": workload.what, "goal": workload.goal, "failed": {}}
    alive: dict[str, Process] = {}
    with tempfile.TemporaryDirectory() as folder:
        log = open(Path(folder) / "log", "w+")  # noqa: SIM115 (closed below)

        def attempt(process: Process, action: Callable[[Process], Any]) -> Any:
            try:
                return action(process)
            except Failed as error:
                result["failed"][process.name] = str(error)
                alive.pop(process.name, None)
                process.stop()
                return None

        judge = Process(reference, workload, threads, "--double", log=log)
        try:
            alive |= {n: Process(n, workload, threads, log=log) for n in names if workload.can(n)}
            truth = judge.read()["losses"]
            losses = {p.name: attempt(p, lambda p: p.read()["losses"]) for p in list(alive.values())}
            result["losses"] = {"reference": truth} | {n: v for n, v in losses.items() if v}
            result["loss_difference"] = {}
            for name, found in losses.items():
                if found:
                    apart = difference_of_losses(found, truth)
                    result["loss_difference"][name] = apart
                    if not apart <= AGREE:
                        result["failed"][name] = f"its losses part from the float64 reference's: {found} and {truth}"
                        alive.pop(name).stop()
            times: dict[str, dict[str, list[float]]] = {n: {part: [] for part in workload.parts} for n in alive}
            seconds = workload.seconds / 5 if quick else workload.seconds
            for start in range(starts):
                if start:
                    for p in alive.values():
                        p.stop()
                    alive |= {n: Process(n, workload, threads, log=log) for n in alive}
                    for p in list(alive.values()):
                        attempt(p, lambda p: p.read())
                for r in range(rounds + 1):  # the first round warms up
                    progress(f"{workload.number} {workload.name}")
                    for part in workload.parts:
                        for p in list(alive.values())[:: -1 if r % 2 else 1]:
                            time.sleep(0.005)  # the threads of the one before may still spin
                            answer = attempt(p, lambda p: p.ask(do="run", part=part, seconds=seconds))
                            if r and answer:
                                times[p.name][part].append(answer["seconds"])
            times = {n: t for n, t in times.items() if n in alive}
            peaks = {p.name: attempt(p, lambda p: p.ask(do="peak")["peak"]) for p in list(alive.values())}
            files = {
                p.name: attempt(p, lambda p: p.ask(do="gradients", path=f"{folder}/{p.name}")["files"])
                for p in list(alive.values())
            }
            exact = judge.ask(do="gradients", path=f"{folder}/reference")["files"]
            result["gradient_difference"] = {
                n: {part: difference(found[part], exact[part]) for part in found} for n, found in files.items() if found
            }
            result["seconds"] = times
            result["peak_mb"] = {n: v for n, v in peaks.items() if v}
        except Failed as error:
            raise RuntimeError(f"workload {workload.number}: the reference {reference} failed: {error}") from None
        finally:
            for p in [*alive.values(), judge]:
                p.stop()
            log.seek(0)
            result["log"] = log.read()[-4000:] if result["failed"] else ""
            log.close()
    return result


def difference_of_losses(found: dict[str, list[float]], truth: dict[str, list[float]]) -> float:
    """The largest, relative to the loss where that is above 1."""
    return max(
        abs(a - b) / max(1.0, abs(b))
        for part in truth
        for a, b in zip(found[part], truth[part], strict=True)
    )  # fmt: skip


def difference(found: str, exact: str) -> float:
    """The largest over the tensors of the largest difference over the largest gradient in that tensor."""
    with np.load(found) as a, np.load(exact) as b:
        ours, theirs = json.loads(str(a["shapes"])), json.loads(str(b["shapes"]))
        if ours != theirs:
            raise RuntimeError(f"gradients have shapes {ours[:20]}, expected {theirs[:20]}")
        starts = np.cumsum([0, *(int(np.prod(shape)) for shape in theirs)])[:-1]
        apart = np.maximum.reduceat(np.abs(a["values"] - b["values"]), starts)
        scale = np.maximum.reduceat(np.abs(b["values"]), starts)
    return float((apart / np.where(scale > 0, scale, 1)).max())


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def ratio(seconds: dict[str, dict[str, list[float]]], name: str, part: str = "") -> float | None:
    """The contestant's time over ours: median over the rounds of what they measured one after the other."""
    if name not in seconds or "ours" not in seconds:
        return None
    return median(b / a for a, b in zip(seconds["ours"][part], seconds[name][part], strict=True))
