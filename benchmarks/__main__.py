"""All workloads beside the peers that are installed, in one run: ``python -m benchmarks``.

    python -m benchmarks                          everything, half an hour on a quiet machine
    python -m benchmarks --only 3,16 --starts 5
    python -m benchmarks --against torch,jax
    python -m benchmarks --quick                  two short rounds: does it run, not how fast
    python -m benchmarks --write-docs             the figures into docs/benchmarks.md and the README

Each contestant runs in a process of its own, in turns.  Before anything is timed, each must reach the losses of a
float64 reference from the same weights.  What each workload is: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import subprocess
import sys
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks import cold_start, race, report
from benchmarks.workloads import CONTESTANTS, WORKLOADS


def machine() -> dict[str, str]:
    """Facts to read the figures by."""
    cpu = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    facts = {
        "date": str(date.today()), "cpu": cpu, "cores": str(cores()), "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
    }  # fmt: skip
    for name in ("numpy", "scipy", "numba", *dict.fromkeys(c.distribution for c in CONTESTANTS.values())):
        try:
            facts[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            pass
    if "autograd-core" not in facts:  # run from a checkout
        done = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=report.ROOT, check=False
        )
        facts["autograd-core"] = done.stdout.strip() or "?"
    return facts


def cores() -> int:
    """CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose(against: str) -> tuple[list[str], dict[str, str]]:
    """Contestants that are installed, ours first, and those that are not, with the reason."""
    names, missing = ["ours"], {}
    for name in filter(None, against.split(",")):
        if name not in CONTESTANTS:
            raise SystemExit(f"--against {name}: not one of {', '.join(CONTESTANTS)}")
        package = CONTESTANTS[name].package
        if importlib.util.find_spec(package) is None:
            missing[name] = f"the package {package} is not installed"
        elif name not in names:
            names.append(name)
    return names, missing


def main() -> int:
    """Run, print, write; 1 if a contestant failed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", help="workload numbers, separated by commas")
    parser.add_argument("--starts", type=int, default=3, help="how often each contestant starts (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=6, help="after each start (default: %(default)s)")
    parser.add_argument(
        "--threads", type=int, default=min(2, cores()), help="for each contestant (default: %(default)s)"
    )
    usual = ",".join(n for n in CONTESTANTS if n not in ("ours", "jax-eager"))
    parser.add_argument("--against", default=usual, help="contestants (default: %(default)s; there is also jax-eager)")
    parser.add_argument("--quick", action="store_true", help="two short rounds")
    parser.add_argument("--out", default="runs/benchmarks", help="folder for results.json, results.md, ratios.png")
    parser.add_argument("--write-docs", action="store_true", help="also into docs/ and the README")
    args = parser.parse_args()
    numbers = [w.number for w in WORKLOADS]
    only = args.only.split(",") if args.only else numbers
    for number in only:
        if number not in numbers:
            parser.error(f"--only {number}: not one of {', '.join(numbers)} (17 is measured with each)")
    if args.write_docs and (args.quick or args.only):
        parser.error("--write-docs wants the whole run: without --only and --quick")
    if not 1 <= args.threads <= cores():
        parser.error(f"--threads {args.threads}: this process may use 1 to {cores()} CPUs")
    names, missing = choose(args.against)
    for name, why in missing.items():
        print(f"{name}: {why}; left out")
    reference = "torch" if importlib.util.find_spec("torch") else "ours"
    starts, rounds = (1, 2) if args.quick else (max(1, args.starts), max(1, args.rounds))
    results: dict[str, Any] = {
        "machine": machine(), "threads": args.threads, "starts": starts, "rounds": rounds, "missing": missing, "rows": [],
        "reference": "PyTorch" if reference == "torch" else "this engine",
    }  # fmt: skip
    print(report.facts(results))
    chosen = [w for w in WORKLOADS if w.number in only]
    with tqdm(total=len(chosen) * starts * (rounds + 1), unit="round", disable=None) as bar:

        def progress(text: str) -> None:
            bar.set_description(text)
            bar.update()

        for w in chosen:
            if w.name == "cold_start":
                row = cold_start.measure(w, names, starts * (rounds + 1) - 1, args.threads, progress)
            else:
                row = race.run(w, names, reference, rounds, args.threads, args.quick, progress, starts)
            results["rows"].append(row)
            ratios = ", ".join(f"{n} {report.cell(row, n, w.parts[-1])}" for n in report.others([row]))
            mine = report.number(report.ms(row, "ours", w.parts[-1]))
            bar.write(f"{w.number:>3s} {w.name:14s} ours {mine} ms; over ours: {ratios}")
            for name, why in row["failed"].items():
                bar.write(f"    {name} failed: {why}")
            report.save(results, Path(args.out))  # after each: an interruption loses nothing
    print("\n" + report.sections(results))
    print(f"written: {args.out}/results.json, results.md, ratios.png")
    if args.write_docs:
        report.write_docs(results)
        print("written: docs/benchmarks.md, docs/benchmarks.json, docs/pictures/benchmarks.png, README.md")
    return int(any(row["failed"] for row in results["rows"]))


if __name__ == "__main__":
    sys.exit(main())
