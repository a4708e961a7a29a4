"""What looking costs: recording against a plain step, the sinks, and the page in a real Chromium.

    python -m benchmarks.bench_viz            # all
    python -m benchmarks.bench_viz record     # one of: record sinks page

Ratios are taken in one run, the two sides in turn.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import autograd_core as ac
from autograd_core import viz

ROOT = Path(__file__).parents[1]


def best(*functions: Callable[[], Any], rounds: int = 15) -> list[float]:
    """The shortest time of each function, measured in turn."""
    times: list[list[float]] = [[] for _ in functions]
    for f in functions:
        f()
    for _ in range(rounds):
        for f, t in zip(functions, times, strict=True):
            start = perf_counter()
            f()
            t.append(perf_counter() - start)
    return [min(t) for t in times]


def chain(size: int, ops: int = 200) -> Callable[[], None]:
    """Small ops behind one another: the worst case for recording."""
    x = ac.tensor(np.ones(size, np.float32), requires_grad=True)

    def step() -> None:
        y = x
        for _ in range(ops // 2):
            y = (y * 0.999) + x
        y.sum().backward()
        x.grad = None

    return step


def training(model: Any, loss: Callable[[Any], Any]) -> Callable[[], None]:
    def step() -> None:
        model.zero_grad()
        loss(model).backward()

    return step


def steps() -> dict[str, Callable[[], None]]:
    """Training steps from very small to ordinary."""
    import nn
    import nn.functional as F

    rng = np.random.default_rng(0)

    def data(*shape: int) -> Any:
        return ac.tensor(rng.normal(size=shape).astype(np.float32))

    x, t = data(64, 64), ac.tensor(rng.integers(0, 10, 64))
    mlp = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
    images, labels = data(32, 1, 28, 28), ac.tensor(rng.integers(0, 10, 32))
    cnn = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
                        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                        nn.Linear(32 * 49, 10))  # fmt: skip
    sys.path.insert(0, str(ROOT / "docs"))
    from make_pictures import GPT

    gpt = GPT(vocabulary=65, width=64, heads=4, depth=4, length=64)
    tokens = ac.tensor(rng.integers(0, 65, (8, 64)))
    return {
        "200 ops on 8 floats": chain(8),
        "200 ops on 65,536 floats": chain(65_536),
        "MLP 64-128-64-10, batch 64": training(mlp, lambda m: F.cross_entropy(m(x), t)),
        "CNN on 32 images of 28x28": training(cnn, lambda m: F.cross_entropy(m(images), labels)),
        "GPT, 4 layers of 64, 8x64 tokens": training(gpt, lambda m: m.loss(tokens)),
    }


def record() -> None:
    print(f"{'step':34} {'plain':>10}  {'recorded':>9} {'no lines':>9} {'statistics':>10}")
    for name, step in steps().items():

        def run(step: Callable[[], None] = step, **options: Any) -> None:
            with viz.record(**options):
                step()

        plain, recorded, bare, numbers = best(
            step, run, lambda run=run: run(lines=False), lambda run=run: run(stats=True)
        )
        print(f"{name:34} {plain * 1e6:8.0f} µs  {recorded / plain:8.2f}x {bare / plain:8.2f}x {numbers / plain:9.2f}x")


def graphs() -> dict[str, viz.Graph]:
    from tests.viz import synthetic

    return {
        "5,000 nodes, no modules": synthetic.flat(5000),
        "5,000 nodes, 455 blocks": synthetic.blocks(455),
        "50,000 nodes, 4,545 blocks": synthetic.blocks(4545, numbers=False),
    }


def sinks() -> None:
    print(f"{'graph':30} {'text':>9} {'DOT text':>9} {'HTML':>9} {'page':>9} {'JSON':>9}")
    for name, g in graphs().items():
        row = []
        for make in (viz.text, lambda g: viz.dot(g).source, viz.html, lambda g: g.to_json()):
            start = perf_counter()
            out = make(g)
            row.append(perf_counter() - start)
            if make is viz.html:
                size = len(out.encode())
        print(
            f"{name:30} {row[0] * 1e3:6.0f} ms {row[1] * 1e3:6.0f} ms {row[2] * 1e3:6.0f} ms {size / 1e6:6.1f} MB"
            f" {row[3] * 1e3:6.0f} ms"
        )


def page() -> None:
    from tests.viz.chromium import Chromium, program

    if program() is None:
        print("no Chromium program here: the page is not measured")
        return
    print(
        f"{'page':30} {'first paint':>12} {'of it layout':>12} {'unfold all':>11} {'fold all':>9} {'shown':>6}"
        f" {'a frame, fit':>13} {'a frame, near':>13}"
    )
    with tempfile.TemporaryDirectory() as folder, Chromium(1400, 900) as b:
        for name, g in graphs().items():
            b.open(viz.html(g, Path(folder) / "graph.html"))
            b.settle()
            timings = b.js("graphPage.timings")
            b.js("graphPage.unfold()")
            b.settle()
            unfold, shown = b.js("graphPage.timings.fold"), b.js("graphPage.visible()")
            frames = b.js(
                """(() => { const s = graphPage.scene, time = () => { const t = [];
                for (let k = 0; k < 40; k++) { const a = performance.now(); s.x += 3; s.draw();
                s.ctx.getImageData(0, 0, 1, 1); t.push(performance.now() - a); }
                t.sort((a, b) => a - b); return t[20]; };
                s.fit(null, false); const far = time(); s.zoom = 1; const near = time(); return [far, near]; })()"""
            )
            b.js("graphPage.fold()")
            b.settle()
            fold = b.js("graphPage.timings.fold")
            print(
                f"{name:30} {timings['firstPaint']:9.0f} ms {timings['layout']:9.0f} ms {unfold:8.0f} ms {fold:6.0f} ms"
                f" {shown:6d} {frames[0]:10.1f} ms {frames[1]:10.1f} ms"
            )
            if problems := [p for p in b.problems if "willReadFrequently" not in p]:  # the readback above is on purpose
                print("  console:", problems)
            b.problems.clear()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    for part in sys.argv[1:] or ("record", "sinks", "page"):
        {"record": record, "sinks": sinks, "page": page}[part]()
        print()
