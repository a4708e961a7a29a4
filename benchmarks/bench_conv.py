"""Convolution kernels in GFLOP/s, beside PyTorch's (oneDNN) when it is installed.

    python benchmarks/bench_conv.py [--only digits,stem] [--pass forward,input,weight] [--threads 2] [--seconds 2]

Contestants take turns in blocks of some calls rather than call by call: after a call, the threads of PyTorch's OpenMP
go on spinning for a while, and would take the CPU from whoever comes next.  A row shows the median, and the ratio of
the medians and of the first deciles (what each reaches when the machine is quiet).  The operations counted are those
of the formula, 2 per multiply-add, whatever is done about padding.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autograd_core.kernels import conv, runtime

try:
    import torch
except ImportError:
    torch = None  # type: ignore[assignment]


class Shape(NamedTuple):
    x: tuple[int, ...]
    w: tuple[int, ...]
    stride: int = 1
    padding: int = 0
    groups: int = 1


SHAPES = {
    "mnist-1": Shape((64, 1, 28, 28), (32, 1, 3, 3)),
    "mnist-2": Shape((64, 32, 26, 26), (64, 32, 3, 3)),
    "digits-1": Shape((64, 1, 8, 8), (16, 1, 3, 3), padding=1),
    "digits-2": Shape((64, 16, 8, 8), (32, 16, 3, 3), padding=1),
    "residual": Shape((32, 64, 16, 16), (64, 64, 3, 3), padding=1),
    "1x1": Shape((8, 256, 14, 14), (256, 256, 1, 1)),
    "stem-7x7-s2": Shape((4, 3, 224, 224), (64, 3, 7, 7), stride=2, padding=3),
    "grouped": Shape((8, 128, 28, 28), (128, 32, 3, 3), padding=1, groups=4),
    "depthwise": Shape((8, 64, 56, 56), (64, 1, 3, 3), padding=1, groups=64),
    "stride-2": Shape((8, 64, 56, 56), (128, 64, 3, 3), stride=2, padding=1),
    "deep": Shape((8, 512, 7, 7), (512, 512, 3, 3), padding=1),
}
PASSES = ("forward", "input", "weight")
BLOCK = 0.04  # seconds for which one contestant runs before the next one has its turn


def contestants(shape: Shape, which: str) -> dict[str, Callable[[], Any]]:
    """One call per contestant, each returning the same array."""
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(shape.x, np.float32), rng.standard_normal(shape.w, np.float32)
    bias = rng.standard_normal(shape.w[0], np.float32)
    how = shape.stride, shape.padding, 1, shape.groups
    g = rng.standard_normal(conv.conv(x, w, bias, *how).shape, np.float32)
    ours: dict[str, Callable[[], Any]] = {
        "forward": lambda: conv.conv(x, w, bias, *how),
        "input": lambda: conv.conv_grad_input(g, w, x.shape, *how),
        "weight": lambda: conv.conv_grad_weight(g, x, w.shape, *how),
    }
    found = {"ours": ours[which]}
    if torch is not None:
        tx, tw, tb, tg = (torch.from_numpy(a) for a in (x, w, bias, g))

        def forward() -> Any:
            with torch.no_grad():
                return torch.conv2d(tx, tw, tb, shape.stride, shape.padding, 1, shape.groups)

        def backward(mask: list[bool]) -> Any:
            two = [shape.stride] * 2, [shape.padding] * 2, [1, 1]
            return torch.ops.aten.convolution_backward(tg, tx, tw, None, *two, False, [0, 0], shape.groups, mask)

        theirs: dict[str, Callable[[], Any]] = {
            "forward": forward,
            "input": lambda: backward([True, False, False])[0],
            "weight": lambda: backward([False, True, False])[1],
        }
        found["torch"] = theirs[which]
    return found


def measure(calls: dict[str, Callable[[], Any]], seconds: float) -> dict[str, list[float]]:
    """Times of every call, in turns, without the first of each turn (which wakes threads and fills caches)."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or min(map(len, times.values())) < 5:
        for name, call in calls.items():
            call()
            stop = time.perf_counter() + BLOCK
            while True:
                begin = time.perf_counter()
                call()
                now = time.perf_counter()
                times[name].append(now - begin)
                if now > stop:
                    break
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(SHAPES), help="shapes, comma separated")
    parser.add_argument("--pass", dest="passes", default=",".join(PASSES), help="passes, comma separated")
    parser.add_argument("--threads", type=int, default=runtime.get_num_threads())
    parser.add_argument("--seconds", type=float, default=2.0, help="per shape and pass")
    options = parser.parse_args()
    runtime.set_num_threads(options.threads)
    if torch is not None:
        torch.set_num_threads(options.threads)
    print(f"{options.threads} threads; GFLOP/s (median); ratio above 1: ours is quicker")
    print(f"{'shape':13s} {'pass':8s} {'ours':>7s} {'torch':>7s} {'ratio':>7s} {'quiet':>7s} {'difference':>11s}")
    for name in options.only.split(","):
        shape = SHAPES[name]
        for which in options.passes.split(","):
            calls = contestants(shape, which)
            work = 2 * np.prod(shape.w[1:]) * output_size(shape)
            results = {who: np.asarray(call()) for who, call in calls.items()}
            times = {who: sorted(values) for who, values in measure(calls, options.seconds).items()}
            medians = {who: statistics.median(values) for who, values in times.items()}
            row = f"{name:13s} {which:8s} {work / medians['ours'] / 1e9:7.1f}"
            if "torch" in calls:
                quiet = {who: values[len(values) // 10] for who, values in times.items()}
                difference = np.abs(results["ours"] - results["torch"]).max() / np.abs(results["torch"]).max()
                row += f" {work / medians['torch'] / 1e9:7.1f} {medians['torch'] / medians['ours']:7.2f}"
                row += f" {quiet['torch'] / quiet['ours']:7.2f} {difference:11.1e}"
            print(row, flush=True)


def output_size(shape: Shape) -> int:
    """Numbers in the output."""
    out = [(n + 2 * shape.padding - k) // shape.stride + 1 for n, k in zip(shape.x[2:], shape.w[2:], strict=True)]
    return shape.x[0] * shape.w[0] * int(np.prod(out))


if __name__ == "__main__":
    main()
