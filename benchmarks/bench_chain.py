"""Time per op of a 300-op chain on 8 floats, forward and backward, beside PyTorch eager; and import time.

    python benchmarks/bench_chain.py [--rounds 30]

The two take turns in one process, each time is the minimum over the rounds of one turn, the ratio that of medians over
turns.  Above 1 this engine is the faster one.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
import time
from typing import Any

CHAINS = {
    "mul add tanh": lambda y, c: ((y * c) + c).tanh(),
    "mul sub sin": lambda y, c: ((y * c) - c).sin(),
    "scale add div sigmoid": lambda y, c: ((y * 0.1 + c) / c).sigmoid(),
    "relu mul add": lambda y, c: (y.relu() * c) + c,
}
OPS_PER_LINK = {"mul add tanh": 3, "mul sub sin": 3, "scale add div sigmoid": 4, "relu mul add": 3}


def once(link: Any, x: Any, c: Any, links: int) -> tuple[float, float]:
    """Seconds of one forward and one backward."""
    a = time.perf_counter()
    y = x
    for _ in range(links):
        y = link(y, c)
    b = time.perf_counter()
    y.sum().backward()
    return b - a, time.perf_counter() - b


def turn(lib: Any, link: Any, links: int, rounds: int) -> tuple[float, float]:
    """The best of some rounds, in microseconds an op."""
    lib.manual_seed(0)
    x, c = lib.randn(8, requires_grad=True), lib.randn(8)
    for _ in range(5):
        once(link, x, c, links)
    runs = [once(link, x, c, links) for _ in range(rounds)]
    return min(r[0] for r in runs) * 1e6, min(r[1] for r in runs) * 1e6


def import_seconds(statement: str, repeat: int = 5) -> float:
    """Median seconds of an import in a fresh process, inside Python."""
    code = f"import time; s = time.perf_counter(); {statement}; print(time.perf_counter() - s)"
    out = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(repeat)
    ]
    return statistics.median(out)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--turns", type=int, default=5)
    args = parser.parse_args()
    import autograd_core as ours

    try:
        import torch

        torch.set_num_threads(2)
    except ImportError:
        torch = None
        print("PyTorch is not installed: our own times only")
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, microseconds per op")
    print(f"{'chain':22s} {'ours fwd':>9s} {'bwd':>6s} {'torch fwd':>10s} {'bwd':>6s} {'torch / ours':>13s}")
    for name, link in CHAINS.items():
        links = 300 // OPS_PER_LINK[name]
        count = links * OPS_PER_LINK[name]
        mine, theirs = [], []
        for _ in range(args.turns):
            mine.append(turn(ours, link, links, args.rounds))
            if torch is not None:
                theirs.append(turn(torch, link, links, args.rounds))
        f, b = (statistics.median(m[i] for m in mine) / count for i in (0, 1))
        if theirs:
            tf, tb = (statistics.median(t[i] for t in theirs) / count for i in (0, 1))
            ratio = statistics.median(sum(t) / sum(m) for t, m in zip(theirs, mine, strict=True))
            print(f"{name:22s} {f:9.2f} {b:6.2f} {tf:10.2f} {tb:6.2f} {ratio:13.2f}")
        else:
            print(f"{name:22s} {f:9.2f} {b:6.2f}")
    print(f"import autograd_core, nn: {import_seconds('import autograd_core, nn'):.3f} s", end="")
    print(f"   import numpy: {import_seconds('import numpy'):.3f} s", end="")
    print(f"   import torch: {import_seconds('import torch'):.3f} s" if torch is not None else "")


if __name__ == "__main__":
    main()
