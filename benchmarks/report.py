"""Results as Markdown tables and a plot, and written into the documents between their markers.

``python -m benchmarks.report`` writes the documents anew from ``docs/benchmarks.json``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import data
from benchmarks.race import median, ratio
from benchmarks.workloads import CONTESTANTS

ROOT = Path(__file__).parents[1]
Row = dict[str, Any]
Results = dict[str, Any]
SPECIAL = {"13", "14", "16"}


def markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table."""
    rows = [list(head), ["---"] * len(head), *map(list, lines)]
    return "\n".join("| " + " | ".join(r) + " |" for r in rows)


def number(value: float | None, digits: int = 3) -> str:
    """With so many figures, without exponents; a dash for what is not there."""
    if value is None:
        return "–"
    text = f"{value:#.{digits}g}"
    return (f"{value:.0f}" if "e" in text else text).rstrip(".")


def others(rows: Iterable[Row]) -> list[str]:
    """Who was measured beside us, in the list's order."""
    met = {n for r in rows for n in [*r["seconds"], *r["failed"]]}
    return [n for n in CONTESTANTS if n in met and n != "ours"]


def ms(row: Row, name: str, part: str = "") -> float | None:
    """Median milliseconds a step."""
    return 1e3 * median(row["seconds"][name][part]) if name in row["seconds"] else None


def cell(row: Row, name: str, part: str = "") -> str:
    """A ratio, a dash, or the word that the contestant failed."""
    return "failed" if name in row["failed"] else number(ratio(row["seconds"], name, part))


def goal(row: Row) -> str:
    return "–" if row["goal"] is None else f"{row['goal']:.1f}"


def steps_table(rows: list[Row]) -> str:
    """Training steps: our time, everyone's ratio."""
    names = others(rows)
    lines = [
        [r["number"], r["what"], number(ms(r, "ours")), *(cell(r, n) for n in names), goal(r)]
        for r in rows if r["number"] not in {"14", "16"}
    ]  # fmt: skip
    return markdown(["", "workload", "ours, ms", *names, "goal (torch)"], lines)


def memory_table(rows: list[Row]) -> str:
    """Peak memory of the processes."""
    names = ["ours", *others(rows)]
    lines = [
        [r["number"], *(number(r["peak_mb"].get(n)) for n in names)] for r in rows if r["number"] not in {"14", "16"}
    ]
    return markdown(["workload", *names], lines)


def cold_table(row: Row) -> str:
    """Start to exit, import, memory, first-ever run."""
    lines = [
        [
            name, number(median(run["seconds"] for run in runs)), number(median(run["import"] for run in runs)),
            number(row["first"].get(name)), number(row["peak_mb"][name]), f"{100 * row['ended'][name][1]:.1f} %",
        ]
        for name, runs in row["runs"].items()
    ]  # fmt: skip
    return markdown(["", "start to exit, s", "of it import, s", "first ever, s", "peak MB", "held-out accuracy"], lines)


def depth_table(row: Row) -> str:
    """Microseconds a layer."""
    names = ["ours", *others([row])]
    lines = [
        [part, *(number(None if n not in row["seconds"] else 1e3 * ms(row, n, part) / int(part)) for n in names)]  # type: ignore[operator]
        for part in next(iter(row["seconds"].values()))
    ]
    return markdown(["layers", *names], lines)


def convolution_table(row: Row) -> str:
    """GFLOP/s of each shape and pass."""
    names = ["ours", *others([row])]
    lines = []
    for part in next(iter(row["seconds"].values())):
        shape, which = part.split(": ")
        work = data.CONVOLUTIONS[shape].operations
        speeds = [
            number(work / 1e9 / median(row["seconds"][n][part])) if n in row["seconds"] else cell(row, n) for n in names
        ]
        lines.append(
            [shape if which == data.PASSES[0] else "", which, *speeds, *(cell(row, n, part) for n in names[1:])]
        )
    return markdown(["shape", "pass", *names, *(f"{n}'s time / ours" for n in names[1:])], lines)


def gradients_table(rows: list[Row]) -> str:
    """Largest relative difference of the gradients to float64's."""
    rows = [r for r in rows if any(r.get("gradient_difference", {}).values())]
    names = ["ours", *others(rows)]
    lines = []
    for r in rows:
        found = r["gradient_difference"]
        worst = {n: max(found[n].values()) for n in names if found.get(n)}
        lines.append([r["number"], r["what"], *(f"{worst[n]:.1e}" if n in worst else "–" for n in names)])
    return markdown(["", "workload", *names], lines)


def facts(results: Results) -> str:
    """One line about machine and versions."""
    m = dict(results["machine"])
    head = f"{m.pop('date')}, {m.pop('cpu')}, {results['threads']} threads on {m.pop('cores')} cores, {m.pop('system')}"
    return head + ": " + ", ".join(f"{k} {v}" for k, v in m.items()) + f"; medians of {results['starts']} x {results['rounds']} rounds."


def failures(rows: list[Row]) -> list[str]:
    return [f"- workload {r['number']}, {name}: {why}" for r in rows for name, why in r["failed"].items()]


def sections(results: Results, picture: str = "ratios.png") -> str:
    """The whole report; ``picture``: where the plot lies."""
    rows = {r["number"]: r for r in results["rows"]}
    every = list(rows.values())
    text = [facts(results), ""]
    text += [f"{name} was not there: {why}.\n" for name, why in results["missing"].items()]
    if set(rows) - {"14", "16"}:
        text += [
            "### Time of a step", "", "Another's time over ours: above 1 this engine is the faster one. A dash: it has no program for it.",
            "", steps_table(every), "", f"![The same ratios as points on a logarithmic scale]({picture})", "",
        ]  # fmt: skip
    if "13" in rows:
        text += ["### 13, cold start", "", cold_table(rows["13"]), ""]
    if "14" in rows:
        text += ["### 14, depth: microseconds a layer, forward and backward", "", depth_table(rows["14"]), ""]
    if "16" in rows:
        text += ["### 16, convolution alone: GFLOP/s", "", convolution_table(rows["16"]), ""]
    if any(any(r.get("gradient_difference", {}).values()) for r in every):
        text += [
            "### 17, correctness beside speed", "",
            f"Largest relative difference of float32 gradients to those of {results['reference']} in float64: in each tensor the "
            "largest difference over the largest gradient, then the largest over the tensors.",
            "", gradients_table(every), "",
        ]  # fmt: skip
    if set(rows) - {"14", "16"}:
        text += ["### Peak memory of the process, MB", "", memory_table(every), ""]
    if failures(every):
        text += ["### Failed", "", *failures(every), ""]
    return "\n".join(text)


def summary(results: Results) -> str:
    """The README's table."""
    rows = results["rows"]
    names = others(rows)
    lines = [
        [f"{r['number']}. {r['what']}", number(ms(r, "ours")), *(cell(r, n) for n in names)]
        for r in rows if r["number"] not in {"14", "16"}
    ]  # fmt: skip
    for r in rows:
        if r["number"] == "14":
            deep = max(r["seconds"]["ours"], key=int)
            each = number(1e3 * ms(r, "ours", deep) / int(deep))  # type: ignore[operator]
            what = f"14. a chain of {int(deep):,} layers (ours: {each} µs a layer)"
            lines.append([what, number(ms(r, "ours", deep)), *(cell(r, n, deep) for n in names)])
        if r["number"] == "16":
            spans = []
            for n in names:
                found = [v for part in r["seconds"]["ours"] if (v := ratio(r["seconds"], n, part)) is not None]
                spans.append(f"{number(min(found))} to {number(max(found))}" if found else "–")
            lines.append([f"16. convolution alone, {len(data.CONVOLUTIONS)} shapes, three passes", "–", *spans])
    lines.sort(key=lambda line: (int(re.findall(r"\d+", line[0])[0]), line[0]))
    return facts(results) + "\n\n" + markdown(["another's time over ours", "ours, ms", *names], lines)


def plot(results: Results, path: Path) -> None:
    """A point for each contestant and workload, a line at 1."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    rows = [r for r in results["rows"] if r["number"] not in {"14", "16"} and "ours" in r["seconds"]]
    names = others(rows)
    if not rows or not names:
        return
    fig, ax = plt.subplots(figsize=(10, 0.42 * len(rows) + 1.9), layout="constrained")
    low, high = 0.5, 2.0
    for k, name in enumerate(names):
        points = [(i, v) for i, r in enumerate(rows) if (v := ratio(r["seconds"], name)) is not None]
        if not points:
            continue
        y, x = zip(*points, strict=True)
        low, high = min(low, *x), max(high, *x)
        ax.scatter(x, y, s=46, marker="osD^vPX"[k], color=f"C{k}", label=name, zorder=3, alpha=0.9, linewidths=0)
    goals = [(i, r["goal"]) for i, r in enumerate(rows) if r["goal"]]
    ax.scatter(
        [g for _, g in goals], [i for i, _ in goals], marker="|", s=200, color="0.45", label="goal against torch"
    )
    ax.axvline(1, color="black", lw=1)
    ax.axvspan(1e-6, 1, color="0.5", alpha=0.08, lw=0)
    ax.set(xscale="log", xlim=(low / 1.3, high * 1.3), ylim=(len(rows) - 0.4, -0.6), yticks=range(len(rows)))
    ax.set_yticklabels([f"{r['number']}  {shorten(r['what'])}" for r in rows], fontsize=9)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.grid(axis="x", color="0.9")
    ax.grid(axis="y", color="0.93", lw=0.8)
    ax.set_axisbelow(True)
    ax.set_xlabel("another's time over ours: right of the line this engine is faster, in the grey it is slower")
    fig.legend(
        *ax.get_legend_handles_labels(), loc="outside upper center", ncols=len(names) + 1, fontsize=9, frameon=False
    )
    fig.savefig(path, dpi=110)
    plt.close(fig)


def shorten(text: str, length: int = 48) -> str:
    """Cut at a comma or colon."""
    for cut in (", batch", ",", ":"):
        if len(text) > length:
            text = text.split(cut)[0]
    return text


def fill(text: str, name: str, content: str) -> str:
    """The text with what stands between ``<!-- name -->`` and ``<!-- /name -->`` replaced."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"the document must have {begin} and, after it, {end} once each")
    return text[: text.index(begin) + len(begin)] + "\n" + content.strip() + "\n" + text[text.index(end) :]


def save(results: Results, folder: Path) -> None:
    """``results.json``, ``results.md`` and ``ratios.png``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "results.md").write_text(sections(results))
    try:
        plot(results, folder / "ratios.png")
    except ImportError:
        print("matplotlib is not installed: no plot")


def write_docs(results: Results) -> None:
    """The figures into ``docs/benchmarks.json``, the picture, ``docs/benchmarks.md`` and the README."""
    slim = results | {"rows": [{k: v for k, v in r.items() if k != "log"} for r in results["rows"]]}
    (ROOT / "docs" / "benchmarks.json").write_text(json.dumps(rounded(slim), indent=None) + "\n")
    plot(results, ROOT / "docs" / "pictures" / "benchmarks.png")
    whole = sections(results, "pictures/benchmarks.png")
    for path, content in (("docs/benchmarks.md", whole), ("README.md", summary(results))):
        file = ROOT / path
        file.write_text(fill(file.read_text(), "benchmarks", content))


def rounded(value: Any) -> Any:
    """Six figures are enough for a time."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return [rounded(v) for v in value] if isinstance(value, list | tuple) else value


if __name__ == "__main__":
    write_docs(json.loads((ROOT / "docs" / "benchmarks.json").read_text()))
