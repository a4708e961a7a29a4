"""The core ops, forward and backward, beside PyTorch at sizes 10, 10^4 and 10^6: ratios, and the ten worst.

A ratio is PyTorch's time over ours: above 1 is faster than PyTorch.  The two are timed in turns in one process, each with
one thread, and the best of several rounds counts.  Time is the thread's CPU time, so that other work on the machine
disturbs little.

    python benchmarks/bench_ops.py [--sizes 10 10000] [--only exp,sum] [--seconds 0.05]
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np  # noqa: E402

import autograd_core as ac  # noqa: E402

Maker = Callable[[int, np.random.Generator], list[np.ndarray]]


def vector(lo: float = 0.1, hi: float = 0.9) -> Maker:
    return lambda n, rng: [rng.uniform(lo, hi, n).astype(np.float32)]


def two(n: int, rng: np.random.Generator) -> list[np.ndarray]:
    return [rng.uniform(0.1, 0.9, n).astype(np.float32) for _ in range(2)]


def square(n: int, rng: np.random.Generator) -> list[np.ndarray]:
    k = max(2, math.isqrt(n))
    return [rng.uniform(0.1, 0.9, (k, k)).astype(np.float32)]


def squares(n: int, rng: np.random.Generator) -> list[np.ndarray]:
    return square(n, rng) + square(n, rng)


def with_row(n: int, rng: np.random.Generator) -> list[np.ndarray]:
    (a,) = square(n, rng)
    return [a, rng.uniform(0.1, 0.9, a.shape[1]).astype(np.float32)]


def indexed(n: int, rng: np.random.Generator) -> list[np.ndarray]:
    (a,) = square(n, rng)
    return [a, rng.integers(0, a.shape[0], a.shape[0])]


def gathered(n: int, rng: np.random.Generator) -> list[np.ndarray]:
    (a,) = square(n, rng)
    return [a, rng.integers(0, a.shape[0], a.shape)]


UNARY = "exp log sqrt rsqrt sin cos tanh sigmoid relu abs neg square reciprocal log1p expm1 floor sign erf".split()
BINARY = "add sub mul div pow maximum minimum atan2".split()
CASES: dict[str, tuple[Callable[..., Any], Maker]] = {
    **{n: ((lambda T, x, n=n: getattr(T, n)(x)), vector()) for n in UNARY},
    **{n: ((lambda T, x, y, n=n: getattr(T, n)(x, y)), two) for n in BINARY},
    "add a number": (lambda T, x: x + 1.5, vector()),
    "mul by a row": (lambda T, x, y: x * y, with_row),
    "clamp": (lambda T, x: x.clamp(0.2, 0.8), vector()),
    "where": (lambda T, x, y: T.where(x > y, x, y), two),
    "x > y": (lambda T, x, y: x > y, two),
    "masked_fill": (lambda T, x: x.masked_fill(x > 0.5, 0.0), vector()),
    "lerp": (lambda T, x, y: T.lerp(x, y, 0.3), two),
    "addcmul": (lambda T, x, y: T.addcmul(x, x, y), two),
    "sum": (lambda T, x: x.sum(), square),
    "sum(0)": (lambda T, x: x.sum(0), square),
    "sum(1)": (lambda T, x: x.sum(1), square),
    "mean": (lambda T, x: x.mean(), square),
    "var(1)": (lambda T, x: x.var(1), square),
    "std": (lambda T, x: x.std(), square),
    "max(1)": (lambda T, x: x.max(1)[0], square),
    "amax(0)": (lambda T, x: x.amax(0), square),
    "max": (lambda T, x: x.max(), square),
    "argmax(1)": (lambda T, x: x.argmax(1), square),
    "prod(1)": (lambda T, x: x.prod(1), square),
    "cumsum(1)": (lambda T, x: x.cumsum(1), square),
    "cumprod(1)": (lambda T, x: x.cumprod(1), square),
    "logsumexp(1)": (lambda T, x: x.logsumexp(1), square),
    "softmax(1)": (lambda T, x: x.softmax(1), square),
    "log_softmax(1)": (lambda T, x: x.log_softmax(1), square),
    "norm": (lambda T, x: x.norm(), square),
    "any": (lambda T, x: (x > 2).any(), square),
    "reshape": (lambda T, x: x.reshape(-1), square),
    "transpose": (lambda T, x: x.t(), square),
    "transpose contiguous": (lambda T, x: x.t().contiguous(), square),
    "permute": (lambda T, x: x.permute(1, 0), square),
    "unsqueeze": (lambda T, x: x.unsqueeze(0), square),
    "expand": (lambda T, x: x.expand(3, -1, -1), square),
    "cat": (lambda T, x, y: T.cat([x, y], 1), squares),
    "stack": (lambda T, x, y: T.stack([x, y]), squares),
    "split": (lambda T, x: x.split(max(1, x.shape[0] // 2))[0], square),
    "chunk": (lambda T, x: x.chunk(2, 1)[1], square),
    "flip": (lambda T, x: x.flip(1), square),
    "roll": (lambda T, x: x.roll(1, 1), square),
    "tril": (lambda T, x: x.tril(), square),
    "repeat": (lambda T, x: x.repeat(2, 1), square),
    "x[1:]": (lambda T, x: x[1:], square),
    "x[:, 0]": (lambda T, x: x[:, 0], square),
    "x[index]": (lambda T, x, i: x[i], indexed),
    "x[mask]": (lambda T, x: x[x > 0.5], square),
    "index_select": (lambda T, x, i: x.index_select(1, i), indexed),
    "gather": (lambda T, x, i: x.gather(1, i), gathered),
    "scatter_add": (lambda T, x, i: T.zeros_like(x).scatter_add(1, i, x), gathered),
    "index_add": (lambda T, x, i: T.zeros_like(x).index_add(0, i, x), indexed),
    "sort": (lambda T, x: x.sort(1)[0], square),
    "topk": (lambda T, x: x.topk(min(5, x.shape[1]), 1)[0], square),
    "median(1)": (lambda T, x: x.median(1)[0], square),
    "matmul": (lambda T, x, y: x @ y, squares),
    "outer": (lambda T, x, y: T.outer(x, y), lambda n, rng: [v[: max(2, math.isqrt(n))] for v in two(n, rng)]),
    "dot": (lambda T, x, y: T.dot(x, y), two),
    "clone": (lambda T, x: x.clone(), square),
    "zeros_like": (lambda T, x: T.zeros_like(x), square),
}


def runs(
    T: Any, make: Callable[[np.ndarray], Any], f: Callable[..., Any], arrays: list[np.ndarray]
) -> dict[str, Callable[[], Any]]:
    """The call forward, and forward with backward where it has one."""
    xs = [make(a) for a in arrays]
    leaves = [x for x, a in zip(xs, arrays, strict=True) if a.dtype.kind == "f"]
    out: dict[str, Callable[[], Any]] = {"forward": lambda: f(T, *xs)}
    for x in leaves:
        x.requires_grad_()
    y = f(T, *xs)
    if y.requires_grad:
        g = T.ones_like(y)
        grad = T.autograd.grad
        out["both"] = lambda: grad(f(T, *xs), leaves, g)
    plain = [make(a) for a in arrays]
    out["forward"] = lambda: f(T, *plain)
    return out


def best(pair: tuple[Callable[[], Any], Callable[[], Any]], seconds: float) -> tuple[float, float]:
    """The best CPU time of each, measured in turns."""
    times = [math.inf, math.inf]
    counts = []
    for f in pair:
        f()
        start = time.thread_time()
        f()
        counts.append(max(1, min(2000, int(seconds / 10 / max(time.thread_time() - start, 1e-7)))))
    stop = time.thread_time() + 2 * seconds
    while time.thread_time() < stop or math.inf in times:
        for k, f in enumerate(pair):
            start = time.thread_time()
            for _ in range(counts[k]):
                f()
            times[k] = min(times[k], (time.thread_time() - start) / counts[k])
    return times[0], times[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 10_000, 1_000_000])
    parser.add_argument("--only", default="")
    parser.add_argument("--seconds", type=float, default=0.03)
    options = parser.parse_args()
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: nothing to compare with.")
        return 1
    torch.set_num_threads(1)
    ac.set_num_threads(1)
    chosen = [n for n in CASES if not options.only or n in options.only.split(",")]
    results: list[tuple[float, str, int, str, float]] = []
    head = "".join(f"{f'fwd {s}':>14}{f'+bwd {s}':>14}" for s in options.sizes)
    print(f"PyTorch's time over ours (one thread each; above 1: faster than PyTorch)\n{'':22}{head}")
    for name in chosen:
        f, make = CASES[name]
        row = f"{name:22}"
        for size in options.sizes:
            arrays = make(size, np.random.default_rng(0))
            mine = runs(ac, lambda a: ac.from_numpy(a.copy()), f, arrays)
            theirs = runs(torch, lambda a: torch.from_numpy(a.copy()), f, arrays)
            for part in ("forward", "both"):
                if part in mine and part in theirs:
                    a, b = best((mine[part], theirs[part]), options.seconds)
                    results.append((b / a, name, size, part, a))
                    row += f"{b / a:14.2f}"
                else:
                    row += f"{'-':>14}"
        print(row, flush=True)
    for size in options.sizes:
        ratios = [r for r, _, s, _, _ in results if s == size]
        print(
            f"size {size}: geometric mean {math.exp(sum(map(math.log, ratios)) / len(ratios)):.2f}, "
            f"below 0.5: {sum(r < 0.5 for r in ratios)} of {len(ratios)}"
        )
    print("the ten worst:")
    for r, name, size, part, seconds in sorted(results)[:10]:
        print(f"  {r:6.2f}  {name} ({part}, size {size}): {seconds * 1e6:.1f} us here")
    return 0


if __name__ == "__main__":
    sys.exit(main())
