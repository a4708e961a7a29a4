"""Time per node of chains of 100 to 200,000 ops, forward and backward: it should not grow.

python benchmarks/bench_depth.py
"""

from __future__ import annotations

import time

import autograd_core as ac


def main() -> None:
    """Print microseconds a node for each depth."""
    print(f"{'ops':>8s} {'forward':>8s} {'backward':>9s} {'freed':>7s}   microseconds a node")
    for count in (100, 1_000, 10_000, 100_000, 200_000):
        best = [1e9] * 3
        for _ in range(max(1, min(20, 200_000 // count // 4))):
            x = ac.ones(1, requires_grad=True)
            marks = [time.perf_counter()]
            y = x
            for _ in range(count):
                y = y + x
            marks.append(time.perf_counter())
            y.backward()
            marks.append(time.perf_counter())
            del y
            marks.append(time.perf_counter())
            best = [min(b, (q - p) / count * 1e6) for b, p, q in zip(best, marks, marks[1:], strict=False)]
        print(f"{count:8d} {best[0]:8.2f} {best[1]:9.2f} {best[2]:7.2f}")


if __name__ == "__main__":
    main()
