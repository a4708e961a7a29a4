"""All workloads beside PyTorch in one run: ``python -m benchmarks [--only 1,5] [--rounds 7] [--quick]``.

Each contestant runs in a process of its own; rounds are interleaved, so that the machine's moods hit all alike.  Before
anything is timed, all contestants must reach the same losses over five steps from the same weights.  Printed are medians
over the rounds and ratios (a contestant's time over ours: above 1 we are faster).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.workloads import WORKLOADS, Workload


class Process:
    """A contestant at work."""

    def __init__(self, name: str, workload: Workload, threads: int) -> None:
        env = dict(
            os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads)
        )
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.contestant", name, workload.number, str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env,
        )  # fmt: skip

    def read(self) -> dict[str, Any]:
        line = self.process.stdout.readline()  # type: ignore[union-attr]
        if not line:
            raise RuntimeError(f"the contestant {self.name} died")
        return json.loads(line)  # type: ignore[no-any-return]

    def ask(self, **request: Any) -> dict[str, Any]:
        print(json.dumps(request), file=self.process.stdin, flush=True)
        return self.read()

    def stop(self) -> float:
        peak = self.ask(do="stop")["peak"]
        self.process.wait(10)
        return float(peak)


def run(workload: Workload, names: list[str], rounds: int, threads: int) -> dict[str, Any]:
    """One row."""
    processes = [Process(n, workload, threads) for n in names]
    losses = {p.name: p.read()["losses"] for p in processes}
    first = losses[names[0]]
    for name, values in losses.items():
        for a, b in zip(first, values, strict=True):
            if abs(a - b) > 2e-3 * max(1.0, abs(b)):
                raise RuntimeError(
                    f"workload {workload.number}: {names[0]} and {name} part: losses {first} and {values}"
                )
    times: dict[str, list[float]] = {n: [] for n in names}
    for r in range(rounds + 1):
        for p in processes:
            seconds = p.ask(do="run", steps=workload.steps)["seconds"]
            if r:  # the first round warms up
                times[p.name].append(seconds)
    peaks = {p.name: p.stop() for p in processes}
    return {
        "number": workload.number,
        "what": (workload.build.__doc__ or "").rstrip("."),
        "goal": workload.goal,
        "ms": {n: 1e3 * statistics.median(t) for n, t in times.items()},
        "ratio": {
            n: statistics.median(b / a for a, b in zip(times["ours"], t, strict=True))
            for n, t in times.items()
            if n != "ours"
        },
        "peak_mb": peaks,
        "losses": losses,
    }


def table(rows: list[dict[str, Any]], names: list[str]) -> str:
    """The results as Markdown."""
    others = [n for n in names if n != "ours"]
    head = [
        "",
        "workload",
        "ours (ms)",
        *[f"{n} / ours" for n in others],
        "goal",
        "peak MB (ours, " + ", ".join(others) + ")",
    ]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for r in rows:
        peak = ", ".join(f"{r['peak_mb'][n]:.0f}" for n in ["ours", *others])
        cells = [
            r["number"],
            r["what"],
            f"{r['ms']['ours']:.3g}",
            *[f"{r['ratio'][n]:.2f}" for n in others],
            f"{r['goal']:g}",
            peak,
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def plot(rows: list[dict[str, Any]], names: list[str], path: Path) -> None:
    """Bars of the ratios, a line at 1."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    others = [n for n in names if n != "ours"]
    fig, ax = plt.subplots(figsize=(9, 0.45 * len(rows) + 1.5), layout="constrained")
    height = 0.8 / max(1, len(others))
    for k, n in enumerate(others):
        ax.barh([i + k * height for i in range(len(rows))], [r["ratio"][n] for r in rows], height, label=f"{n} / ours")
    ax.axvline(1, color="black", lw=1)
    ax.set(
        yticks=[i + 0.4 - height / 2 for i in range(len(rows))],
        xlabel="time over ours (right of the line: we are faster)",
        xscale="log",
    )
    ax.set_yticklabels([f"{r['number']}  {r['what'].split(',')[0][:44]}" for r in rows], fontsize=8)
    ax.invert_yaxis()
    ax.legend()
    fig.savefig(path, dpi=120)


def machine() -> dict[str, str]:
    """Facts to read the figures by."""
    versions = {}
    for name in ("numpy", "numba", "scipy", "torch", "jax", "autograd", "tinygrad"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    model = platform.processor()
    try:
        model = next(
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        )
    except (OSError, StopIteration):
        pass
    return {
        "date": str(date.today()),
        "cpu": model,
        "cores": str(len(os.sched_getaffinity(0))),
        "python": platform.python_version(),
        **versions,
    }


def main() -> None:
    """Run, print, write ``benchmarks/results/``."""
    parser = argparse.ArgumentParser(description="Training steps beside PyTorch.")
    parser.add_argument("--only", help="workload numbers, separated by commas")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--against", default="torch,torch-fused", help="contestants (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="two rounds")
    parser.add_argument("--out", default="benchmarks/results")
    args = parser.parse_args()
    names = ["ours"]
    for n in args.against.split(","):
        if importlib.util.find_spec("torch") is None:
            print(f"{n}: not installed, left out")
        else:
            names.append(n)
    chosen = [w for w in WORKLOADS if args.only is None or w.number in args.only.split(",")]
    rows = []
    facts = machine()
    print(", ".join(f"{k} {v}" for k, v in facts.items()))
    for w in (bar := tqdm(chosen, unit="workload")):
        bar.set_description(f"{w.number} {w.build.__name__}")
        rows.append(run(w, names, 2 if args.quick else args.rounds, args.threads))
        tqdm.write(table(rows[-1:], names).splitlines()[-1])
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps({"machine": facts, "threads": args.threads, "rows": rows}, indent=1))
    text = table(rows, names)
    (out / "results.md").write_text(", ".join(f"{k} {v}" for k, v in facts.items()) + "\n\n" + text + "\n")
    print("\n" + text)
    try:
        plot(rows, names, out / "ratios.png")
    except ImportError:
        print("matplotlib is not installed: no plot")


if __name__ == "__main__":
    main()
