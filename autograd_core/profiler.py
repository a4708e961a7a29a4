"""Where time and memory go: per op, per module, per line of the user's program.

The profiler watches the same switch as ``viz.record()``. It states its own overhead, measured on this machine.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any

from .viz import source
from .viz.record import Recording
from .viz.words import bytes_text, seconds_text, write_file

__all__ = ["Profile", "profile"]

_CALL = re.compile(r"#\d+")  # the number of a later call of the same module: a profile adds the calls up

#: The columns of :meth:`Profile.table`, each a key to sort by.
COLUMNS = ("name", "calls", "forward", "backward", "total", "share", "mean", "bytes", "kept")


class Profile:
    """A profile; use as a context manager, then print ``table()``.

    Attributes
    ----------
    wall : float
        Seconds from entering to leaving the block.
    events : int
        Ops forward and nodes backward that were seen.
    """

    def __init__(self, lines: bool = True) -> None:
        self.recording = Recording(lines=lines, title="profile")
        self.wall = 0.0
        self._began = 0.0
        self._cost: float | None = None
        self._rows: dict[str, list[dict[str, Any]]] = {}

    def __enter__(self) -> Profile:
        self.recording.__enter__()
        self._began = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wall += perf_counter() - self._began
        self._rows.clear()
        self.recording.__exit__(kind, error, trace)

    @property
    def events(self) -> int:
        return len(self.recording.ops) + len(self.recording.backwards)

    @property
    def overhead(self) -> float:
        """Seconds that watching cost: events times the cost of one, measured on a chain of small ops at first use."""
        if self._cost is None:
            self._cost = _cost_of_an_event()
        return self.events * self._cost

    # ------------------------------------------------------------------------------------------- tables

    def rows(self, by: str = "op") -> list[dict[str, Any]]:
        """One dictionary for each ``"op"``, ``"module"`` (with all inside it) or ``"line"``, by the table's columns."""
        if by not in ("op", "module", "line"):
            raise ValueError(f"profile: by must be 'op', 'module' or 'line', got {by!r}.")
        if by not in self._rows:
            self._rows[by] = self._collect(by)
        return self._rows[by]

    def _collect(self, by: str) -> list[dict[str, Any]]:
        rec = self.recording
        paths, modules, _ = rec._module_paths()
        rows: dict[str, dict[str, Any]] = {}
        total = 0.0
        for key, op, _, _, shape, dtype, saved, where, call, _, forward, _, _ in rec.ops:
            backward = rec.backwards.get(key, (0.0, 0.0, None))[1]
            total += forward + backward
            path = _CALL.sub("", paths[call]) if call >= 0 else "backward" if call == -2 else ""
            if by == "op":
                names = [op.name]
            elif by == "line":
                names = [source.text_of(where) if where else "unknown line"]
            else:
                parts = path.split(".") if path else []
                around = [".".join(parts[: i + 1]) for i in range(len(parts))]
                names = [f"{p} ({modules[p].type})" for p in around if p in modules] or ["outside modules"]
            size = int(dtype.itemsize)
            for s in shape:
                size *= s
            for name in names:
                row = rows.get(name)
                if row is None:
                    row = rows[name] = {
                        "name": name,
                        "calls": 0,
                        "forward": 0.0,
                        "backward": 0.0,
                        "bytes": 0,
                        "kept": 0,
                    }
                row["calls"] += 1
                row["forward"] += forward
                row["backward"] += backward
                row["bytes"] += size
                row["kept"] += sum({b: n for _, b, _, _, n in saved}.values())
        for row in rows.values():
            row["total"] = row["forward"] + row["backward"]
            row["share"] = row["total"] / total if total else 0.0
            row["mean"] = row["total"] / row["calls"]
        return list(rows.values())

    def table(self, by: str = "op", sort: str = "total", limit: int | None = 20) -> str:
        """The profile as text.

        Parameters
        ----------
        by : ``"op"``, ``"module"`` (a module counts all that runs inside it) or ``"line"``.
        sort : any column: ``name calls forward backward total share mean bytes kept``.
        limit : how many rows; None for all.
        """
        if sort not in COLUMNS:
            raise ValueError(f"profile: sort must be one of {', '.join(COLUMNS)}, got {sort!r}.")
        rows = sorted(self.rows(by), key=lambda r: r[sort], reverse=sort != "name")
        shown = rows if limit is None else rows[:limit]
        heads = {
            "name": by,
            "forward": "forward",
            "backward": "backward",
            "total": "total",
            "share": "share",
            "mean": "mean of a call",
            "calls": "calls",
            "bytes": "values",
            "kept": "kept",
        }
        show: dict[str, Callable[[Any], str]] = {
            "name": str,
            "calls": lambda v: f"{v:,}",
            "share": lambda v: f"{100 * v:.1f} %",
            "bytes": bytes_text,
            "kept": bytes_text,
        }
        order = ("name", "calls", "forward", "backward", "total", "share", "mean", "bytes", "kept")
        cells = [[heads[c] for c in order]] + [[show.get(c, seconds_text)(r[c]) or "0" for c in order] for r in shown]
        widths = [max(len(row[i]) for row in cells) for i in range(len(order))]
        lines = [
            "  ".join(
                c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in cells
        ]
        lines.insert(1, "-" * max(map(len, lines)))
        if len(rows) > len(shown):
            lines.append(f"… and {len(rows) - len(shown)} more")
        inside = sum(e[10] for e in self.recording.ops) + sum(b[1] for b in self.recording.backwards.values())
        lines.append(
            f"wall {seconds_text(self.wall)}, in ops {seconds_text(inside)}; watching {self.events:,} events cost about"
            f" {seconds_text(self.overhead)} ({100 * self.overhead / self.wall if self.wall else 0:.0f} % of the wall"
            " time)"
        )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.table()

    # ------------------------------------------------------------------------------------------- for other tools

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> Path:
        """Write the run for ``chrome://tracing`` or Perfetto: modules, forward and backward on a line each.

        An existing file is replaced only when the new one is complete.
        """
        rec = self.recording
        paths, _modules, _ = rec._module_paths()
        names = {e[0]: e[1].name for e in rec.ops}
        events: list[dict[str, Any]] = [
            {"ph": "M", "name": "thread_name", "pid": 1, "tid": t, "args": {"name": n}}
            for t, n in ((1, "modules"), (2, "forward"), (3, "backward"))
        ]

        def add(name: str, track: int, start: float, seconds: float, **args: Any) -> None:
            events.append(
                {
                    "ph": "X",
                    "name": name,
                    "cat": ("", "module", "forward", "backward")[track],
                    "pid": 1,
                    "tid": track,
                    "ts": round((start - rec.began) * 1e6, 3),
                    "dur": round(seconds * 1e6, 3),
                    "args": args,
                }
            )

        spans: dict[int, tuple[float, float]] = {}
        for key, op, _, _, shape, dtype, _, where, call, start, seconds, _, _ in rec.ops:
            line = source.text_of(where) if where else ""
            add(
                op.name,
                2,
                start,
                seconds,
                id=key,
                shape=list(shape),
                dtype=str(dtype),
                line=line,
                module=paths[call] if call >= 0 else "",
            )
            c = call
            while c >= 0:
                lo, hi = spans.get(c, (start, start + seconds))
                spans[c] = (min(lo, start), max(hi, start + seconds))
                c = rec.calls[c][0]
        for key, (start, seconds, _) in rec.backwards.items():
            add(names.get(key, "node"), 3, start, seconds, id=key)
        for c, (lo, hi) in sorted(spans.items()):
            add(f"{paths[c] or 'model'} ({type(rec.calls[c][1]).__name__})", 1, lo, hi - lo)
        text = json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}, separators=(",", ":"))
        return write_file(path, text, "profile.export_chrome_trace")


def profile(*, lines: bool = True) -> Profile:
    """Profile what runs inside a ``with`` block.

    Parameters
    ----------
    lines : also attribute time to the user's source lines.

    Returns
    -------
    Profile

    Examples
    --------
    >>> import autograd_core as ac
    >>> from autograd_core import profiler
    >>> x = ac.tensor([1.0, 2.0], requires_grad=True)
    >>> with profiler.profile() as p:
    ...     (x * x).sum().backward()
    >>> p.rows("op")[0]["name"]
    'mul'
    """
    return Profile(lines)


def _cost_of_an_event(ops: int = 300, rounds: int = 5) -> float:
    """The cost of watching one event: a chain of small ops with and without a recording, the best of a few rounds."""
    import numpy as np

    from .tensor import wrap

    def run() -> float:
        a = np.ones(4, dtype=np.float32)
        x: Any = wrap(a).requires_grad_()
        t = perf_counter()
        for _ in range(ops):
            x = x * 1.0
        x.backward(wrap(a))
        return perf_counter() - t

    plain = min(run() for _ in range(rounds))
    watched = []
    for _ in range(rounds):
        with Recording():
            watched.append(run())
    return max(0.0, min(watched) - plain) / (2 * ops)
