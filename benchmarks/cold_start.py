"""Workload 13: a program starts, imports a library, trains the digits MLP for five epochs, and ends.

``python -m benchmarks.cold_start NAME THREADS`` is that program; :func:`measure` starts it and holds the watch.  It says
itself how long its import took and how much memory it had; from start to exit is measured outside.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

EPOCHS, BATCH = 5, 64


def train(name: str, threads: int) -> dict[str, float]:
    """Import, train, evaluate on the held-out digits."""
    from benchmarks.contestant import limit_cpus, peak_megabytes
    from benchmarks.workloads import CONTESTANTS

    limit_cpus(threads)
    begin = time.perf_counter()
    module = importlib.import_module(f"benchmarks.{CONTESTANTS[name].module}")
    library = module.load(name, threads)
    imported = time.perf_counter() - begin
    import numpy as np

    from benchmarks import data

    x, y, held_x, held_y = data.digits()
    step, logits = module.digits_trainer(library)
    rng = np.random.default_rng(0)
    loss = 0.0
    for _ in range(EPOCHS):
        order = rng.permutation(len(x))
        for start in range(0, len(x) - BATCH + 1, BATCH):  # whole batches: a compiler need not compile for the rest
            batch = order[start : start + BATCH]
            loss = step(x[batch], y[batch])
    accuracy = float((logits(held_x).argmax(1) == held_y).mean())
    return {"import": imported, "loss": loss, "accuracy": accuracy, "peak_mb": peak_megabytes()}


def once(name: str, threads: int, cache: str | None = None) -> dict[str, float]:
    """Start the program and wait for its end; ``cache``: an empty folder for compiled code instead of the usual one."""
    from benchmarks.race import PATIENCE, Failed, end_group, environment

    variables = environment(threads)
    if cache is not None:
        variables |= {"AUTOGRAD_CORE_CACHE_DIR": cache, "NUMBA_CACHE_DIR": cache, "CACHEDB": f"{cache}/cache.db"}
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.cold_start", name, str(threads)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables, cwd=Path(__file__).parents[1],
        start_new_session=True,
    )  # fmt: skip
    try:
        out, errors = process.communicate(timeout=PATIENCE)
        seconds = time.perf_counter() - begin
    except subprocess.TimeoutExpired:
        raise Failed(f"did not end within {PATIENCE:.0f} s") from None
    finally:
        end_group(process)
    if process.returncode:
        raise Failed(errors.strip().splitlines()[-1] if errors.strip() else f"exit status {process.returncode}")
    found: dict[str, float] = json.loads(out.splitlines()[-1])
    return found | {"seconds": seconds}


def measure(
    workload: Any, names: Iterable[str], rounds: int, threads: int, progress: Callable[[str], None] = lambda text: None
) -> dict[str, Any]:
    """All contestants in turn, some rounds; before, each once with an empty cache (the first-ever run) and once warm,
    which must end with the same loss and accuracy."""
    from benchmarks.race import AGREE, Failed

    alive = [n for n in names if workload.can(n) and n != "torch-fused"]
    result: dict[str, Any] = {
        "number": workload.number,
        "what": workload.what,
        "goal": workload.goal,
        "failed": {},
        "first": {},
    }
    runs: dict[str, list[dict[str, float]]] = {n: [] for n in alive}
    ended: dict[str, tuple[float, float]] = {}
    for r in range(rounds + 1):
        progress(f"{workload.number} {workload.name}")
        for name in list(alive):
            try:
                if not r:
                    with tempfile.TemporaryDirectory() as folder:
                        result["first"][name] = once(name, threads, folder)["seconds"]
                found = once(name, threads)
            except Failed as error:
                result["failed"][name] = str(error)
                alive.remove(name)
                continue
            if r:
                runs[name].append(found)
                continue
            ended[name] = found["loss"], found["accuracy"]
            loss, accuracy = ended[alive[0]]
            # 110 steps of Adam let rounding grow: a loss may differ by ten times what five steps may, an image of 360 by its class
            if abs(found["loss"] - loss) > 10 * AGREE or abs(found["accuracy"] - accuracy) > 1 / 360 + 1e-9:
                result["failed"][name] = f"it ends at loss and accuracy {ended[name]}, {alive[0]} at {ended[alive[0]]}"
                alive.remove(name)
    result["runs"] = {n: runs[n] for n in alive}
    result["seconds"] = {n: {"": [run["seconds"] for run in runs[n]]} for n in alive}
    result["peak_mb"] = {n: max(run["peak_mb"] for run in runs[n]) for n in alive}
    result["ended"] = ended
    return result


if __name__ == "__main__":
    print(json.dumps(train(sys.argv[1], int(sys.argv[2]))))
