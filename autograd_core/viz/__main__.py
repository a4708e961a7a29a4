"""``python -m autograd_core.viz script.py --out graph.html``: run a script and draw its last training step.

What is drawn is the last forward and backward that ran to the end; without a backward, everything that ran. When the
script raises inside an op, the graph up to the error is drawn with the failing op marked.
"""

from __future__ import annotations

import argparse
import os
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any

from ..graph import watch
from .dot import dot
from .errors import last_error
from .html import html
from .memory import memory
from .mermaid import mermaid
from .record import Recording
from .records import Graph
from .text import text
from .words import plural, write_file

_LIMIT = 200_000  # ops without a backward that are kept


class LastStep:
    """An observer that keeps the step that runs and the last one that was complete."""

    def __init__(self, stats: bool) -> None:
        self.stats = stats
        self.now = Recording(stats=stats)
        self.before: Recording | None = None

    def _turn(self) -> None:
        """A forward after a backward begins a new step."""
        now = self.now
        if not now._depth and not now._stack and (now.backwards or len(now.ops) > _LIMIT):
            self.before = now if now.backwards else self.before
            self.now = Recording(stats=self.stats)

    def forward(self, op: Any, args: tuple[Any, ...], run: Any) -> Any:
        self._turn()
        return self.now.forward(op, args, run)

    def backward(self, node: Any, g: Any, run: Any) -> Any:
        return self.now.backward(node, g, run)

    def module(self, module: Any, run: Any) -> Any:
        self._turn()
        return self.now.module(module, run)

    @property
    def step(self) -> Recording:
        """The last complete step, or what ran if there was none."""
        return self.now if self.now.backwards or self.before is None else self.before


def save(graph: Graph, path: str, options: argparse.Namespace) -> Path:
    """Write a graph in the format that the path's ending names."""
    kind = os.path.splitext(path)[1].lower()
    folding: dict[str, Any] = {"depth": options.depth, "fold_repeats": options.fold}
    if kind in (".html", ".htm"):
        return Path(html(graph, path, fold_repeats=options.fold))
    if kind in (".svg", ".png", ".pdf"):
        return Path(dot(graph, **folding).render(outfile=path, cleanup=True))
    makers = {
        ".dot": lambda: dot(graph, **folding).source,
        ".gv": lambda: dot(graph, **folding).source,
        ".txt": lambda: text(graph, **folding) + "\n",
        ".mmd": lambda: mermaid(graph, **folding),
        ".md": lambda: f"```mermaid\n{mermaid(graph, **folding)}```\n",
        ".json": graph.to_json,
    }
    return write_file(path, makers[kind](), "autograd_core.viz")


def main(argv: list[str] | None = None) -> int:
    """Run a script and draw it; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m autograd_core.viz",
        description="Run a script and draw its last training step.",
        epilog="Arguments that are not listed here go to the script; so does all after '--'.",
    )
    parser.add_argument("script", help="the Python file to run")
    parser.add_argument(
        "--out",
        default="graph.html",
        help="where to draw: .html .svg .png .pdf .dot .txt .mmd .md .json (default graph.html)",
    )
    parser.add_argument("--stats", action="store_true", help="record statistics of all values and gradients")
    parser.add_argument("--fold", action="store_true", help="draw runs of equal modules once")
    parser.add_argument("--depth", type=int, default=None, help="draw modules nested deeper than this as one")
    parser.add_argument("--memory", action="store_true", help="print what is kept for backward, by whom")
    given = list(sys.argv[1:] if argv is None else argv)
    own, rest = (given[: given.index("--")], given[given.index("--") + 1 :]) if "--" in given else (given, [])
    options, unknown = parser.parse_known_args(own)
    kind = os.path.splitext(options.out)[1].lower()
    if kind not in (".html", ".htm", ".svg", ".png", ".pdf", ".dot", ".gv", ".txt", ".mmd", ".md", ".json"):
        parser.error(f"--out {options.out}: the ending must be one of .html .svg .png .pdf .dot .txt .mmd .md .json")
    if not os.path.isfile(options.script):
        parser.error(f"{options.script}: no such file")
    watcher = LastStep(options.stats)
    before = sys.argv, list(sys.path)
    sys.argv = [options.script, *unknown, *rest]
    sys.path.insert(0, os.path.dirname(os.path.abspath(options.script)))
    code, graph, names = 0, None, {}
    try:
        with watch.observing(watcher):
            names = runpy.run_path(options.script, run_name="__main__")
    except SystemExit as e:
        code = e.code if isinstance(e.code, int) else 0 if e.code is None else 1
    except KeyboardInterrupt:
        print("interrupted: drawing what ran so far", file=sys.stderr)
        code = 130
    except Exception as e:
        traceback.print_exc()
        code = 1
        try:
            graph = last_error(e)
        except RuntimeError:
            graph = None
    finally:
        sys.argv, sys.path[:] = before
    recording = watcher.step
    if graph is None and not recording.ops:
        print("autograd_core.viz: the script ran no op of autograd_core, so there is nothing to draw.", file=sys.stderr)
        return code or 1
    if graph is None:
        recording.learn(names)
        graph = recording.graph()
        if graph.title == "recording":
            graph.title = os.path.basename(options.script)
    try:
        path = save(graph, options.out, options)
    except (OSError, RuntimeError) as e:
        print(e.args[-1] if e.args else e, file=sys.stderr)
        return 1
    print(f"{path}: {plural(sum(n.kind == 'op' for n in graph.nodes), 'op')} of {options.script}")
    if options.memory:
        print(memory(graph))
    return code


if __name__ == "__main__":
    sys.exit(main())
