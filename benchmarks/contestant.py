"""One contestant and one workload in a process of its own: ``python -m benchmarks.contestant NAME NUMBER THREADS [--double]``.

It reads requests as JSON lines and answers with JSON lines; started and asked by ``race.py``.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from benchmarks.workloads import CONTESTANTS, Job, Workload, find


def limit_cpus(threads: int) -> None:
    """This process may use so many CPUs and no more, whatever a library's own switch for threads says."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def peak_megabytes() -> float:
    """The most memory this process has had resident.  (``getrusage`` would count that of the parent before ``exec``.)"""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def prepare(name: str, workload: Workload, threads: int, double: bool = False) -> dict[str, Job]:
    """The parts of a workload, ready to run."""
    module = importlib.import_module(f"benchmarks.{CONTESTANTS[name].module}")
    library = module.load(name, threads, double)
    program = getattr(module, workload.name)
    return {part: program(library, *([part] if part else [])) for part in workload.parts}


def turn(job: Job, seconds: float) -> float:
    """Seconds a step, over some time; one step before wakes threads and fills caches."""
    job.step()
    count, start = 0, time.perf_counter()
    while True:
        job.step()
        count += 1
        now = time.perf_counter()
        if now - start >= seconds:
            return (now - start) / count


def write_gradients(path: str, arrays: list[Any]) -> None:
    """One after the other in one array (a deep chain has 20,000), with their shapes."""
    import numpy as np

    np.savez(path, values=np.concatenate([a.ravel() for a in arrays]), shapes=json.dumps([a.shape for a in arrays]))


def serve(answer: Any) -> None:
    """Answer until told to stop."""
    name, number, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    double = "--double" in sys.argv
    limit_cpus(threads)
    workload = find(number)
    jobs = prepare(name, workload, threads, double)
    answer(losses={part: [job.number(job.step()) for _ in range(workload.steps)] for part, job in jobs.items()})
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "run":
            answer(seconds=turn(jobs[request["part"]], request["seconds"]))
        elif request["do"] == "peak":
            answer(peak=peak_megabytes())
        elif request["do"] == "gradients":  # of fresh weights, into a file
            files: dict[str, str] = {}
            for i, (part, job) in enumerate(prepare(name, workload, threads, double).items()):
                if job.gradients is not None:
                    files[part] = f"{request['path']}-{i}.npz"
                    write_gradients(files[part], job.gradients())
            answer(files=files)


def main() -> None:
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not mix with the answers

    def answer(**message: Any) -> None:
        print(json.dumps(message), file=out, flush=True)

    try:
        serve(answer)
    except Exception as error:
        traceback.print_exc()
        answer(error=f"{type(error).__name__}: {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
