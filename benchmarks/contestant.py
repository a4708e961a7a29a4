"""One contestant in a process of its own: reads requests as JSON lines, runs rounds, answers with JSON lines."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from typing import Any

from benchmarks.workloads import WORKLOADS, Library


def library(name: str, threads: int) -> Library:
    """The modules of a contestant, limited to ``threads``."""
    if name == "ours":
        import autograd_core
        import nn
        import nn.functional as F
        import nn.optim as optim
        from autograd_core.kernels import runtime

        runtime.set_num_threads(threads)
        return Library(name, autograd_core, nn, F, optim)
    import torch

    torch.set_num_threads(threads)
    return Library(name, torch, torch.nn, torch.nn.functional, torch.optim, fused=name == "torch-fused")


def main() -> None:
    """Serve one workload."""
    name, number, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not mix with the answers

    def answer(**message: Any) -> None:
        print(json.dumps(message), file=out, flush=True)

    workload = next(w for w in WORKLOADS if w.number == number)
    started = time.perf_counter()
    lib = library(name, threads)
    step = workload.build(lib)
    losses = [float(step().detach()) for _ in range(5)]
    answer(losses=losses, ready=time.perf_counter() - started)
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "stop":
            break
        start = time.perf_counter()
        for _ in range(request["steps"]):
            step()
        answer(seconds=(time.perf_counter() - start) / request["steps"])
    answer(peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main()
