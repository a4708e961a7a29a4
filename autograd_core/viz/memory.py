"""What is kept for backward: how much, by whom, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import fold, svg
from .records import Graph, Node
from .words import bytes_text, plural


@dataclass(slots=True)
class Moment:
    """The bytes kept after one step: the forward of a node, or its rules in the backward pass."""

    node: int
    phase: str
    bytes: int


class Memory:
    """What :func:`memory` found; prints as a table, and draws its timeline with ``svg()``.

    Attributes
    ----------
    kept : int
        Bytes of values kept for backward, each memory block once, without blocks that are parameters or inputs.
    borrowed : int
        Bytes of parameters and inputs that rules read, which are in memory anyway.
    timeline : list of Moment
    peak : Moment
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        by_id = graph.by_id()
        self.owner: dict[str, int] = {}
        self.size: dict[str, int] = {}
        self.holders: dict[str, set[int]] = {}
        borrowed: dict[str, int] = {}
        for n in graph.nodes:
            for i, s in enumerate(n.saved):
                if not s.bytes:
                    continue
                key = s.buffer or f"{n.id}#{i}"
                slot = n.inputs.index(s.slot) if s.slot in n.inputs else -1
                parent = by_id.get(n.parents[slot] or 0) if 0 <= slot < len(n.parents) else None
                if s.borrowed or (parent is not None and parent.kind in ("parameter", "input")):
                    borrowed[key] = max(borrowed.get(key, 0), s.bytes)
                self.owner.setdefault(key, n.id)
                self.size[key] = max(self.size.get(key, 0), s.bytes)
                self.holders.setdefault(key, set()).add(n.id)
        for key in borrowed:
            for table in (self.owner, self.size, self.holders):
                table.pop(key, None)  # type: ignore[attr-defined]
        self.borrowed = sum(borrowed.values())
        self.kept = sum(self.size.values())
        self.by_node: dict[int, int] = {}
        for key, i in self.owner.items():
            self.by_node[i] = self.by_node.get(i, 0) + self.size[key]
        self.timeline = self._timeline()
        self.peak = max(self.timeline, key=lambda m: m.bytes, default=Moment(0, "forward", 0))

    def _timeline(self) -> list[Moment]:
        """Forward in order of execution; backward as it was recorded, else newest first as the engine runs it."""
        ops = [n for n in self.graph.nodes if n.kind in ("op", "module")]
        events: list[tuple[float, int, str, Node]] = []
        timed = all(n.start is not None for n in ops)
        last = max([n.start or 0.0 for n in ops], default=0.0) if timed else float(len(ops))
        recorded = any(n.backward_start is not None for n in ops)
        for i, n in enumerate(ops):
            events.append((n.start if timed and n.start is not None else float(i), i, "forward", n))
            if recorded and timed:
                if n.backward_start is not None:
                    events.append((n.backward_start, i, "backward", n))
            elif n.requires_grad:
                events.append((last + len(ops) - i, i, "backward", n))
        now, out = 0, []
        left = {key: set(who) for key, who in self.holders.items()}
        keys: dict[int, list[str]] = {}
        for key, who in self.holders.items():
            for i in who:
                keys.setdefault(i, []).append(key)
        held: set[str] = set()
        for _, _, phase, n in sorted(events, key=lambda e: e[:2]):
            for key in keys.get(n.id, ()):
                if phase == "forward" and key not in held:
                    held.add(key)
                    now += self.size[key]
                elif phase == "backward" and key in held:
                    left[key].discard(n.id)
                    if not left[key]:
                        held.discard(key)
                        now -= self.size[key]
            out.append(Moment(n.id, phase, now))
        return out

    def by(self, what: str) -> dict[str, int]:
        """Bytes kept by ``"module"``, ``"op"`` or ``"line"``, largest first."""
        if what not in ("module", "op", "line"):
            raise ValueError(f"viz.memory: by() takes 'module', 'op' or 'line', got {what!r}")
        nodes = self.graph.by_id()
        of = fold.chains(self.graph)
        out: dict[str, int] = {}
        for i, size in self.by_node.items():
            n = nodes[i]
            key = (
                n.op
                if what == "op"
                else str(n.source or "unknown line")
                if what == "line"
                else (of(n.module) or ("outside modules",))[-1]
            )
            out[key] = out.get(key, 0) + size
        return dict(sorted(out.items(), key=lambda e: -e[1]))

    def text(self, limit: int = 10) -> str:
        """The peak, and who keeps most."""
        nodes = self.graph.by_id()
        lines = [
            f"{bytes_text(self.kept)} kept for backward in {plural(len(self.size), 'block')}"
            + (
                f", and {bytes_text(self.borrowed)} of parameters and inputs that are in memory anyway"
                if self.borrowed
                else ""
            )
        ]
        if self.peak.bytes:
            at = nodes[self.peak.node]
            lines.append(
                f"peak {bytes_text(self.peak.bytes)} after the {self.peak.phase} of {at.label} %{at.id}"
                + (f" ({at.source})" if at.source else "")
            )
        for what in ("module", "op", "line"):
            rows = list(self.by(what).items())[:limit]
            if rows:
                width = max(len(k) for k, _ in rows)
                lines += ["", f"by {what}"] + [
                    f"  {k:<{width}}  {bytes_text(v):>8}  {100 * v / self.kept:5.1f} %" for k, v in rows
                ]
        return "\n".join(lines)

    def svg(self) -> str:
        """The timeline as a picture: bytes kept, step by step, forward and then backward."""
        W, H, left, top, bottom = 760, 260, 70, 40, 40
        peak, n = max(self.peak.bytes, 1), max(len(self.timeline), 1)
        step = (W - left - 20) / n
        nodes = self.graph.by_id()
        parts = [svg.label(left, 22, f"Kept for backward: peak {bytes_text(self.peak.bytes)}", "title")]
        for k in range(5):
            y = H - bottom - (H - top - bottom) * k / 4
            parts += [svg.line(left, y, W - 20, y), svg.label(left - 8, y + 4, bytes_text(peak * k / 4), "soft", "end")]
        colours = {"forward": "#3567c7", "backward": "#c2365f"}
        many = len(self.timeline) > 1500
        for i, m in enumerate(self.timeline):
            if many and i % (len(self.timeline) // 1500 + 1):
                continue
            h = (H - top - bottom) * m.bytes / peak
            at = nodes[m.node]
            parts.append(
                svg.rect(
                    left + i * step,
                    H - bottom - h,
                    max(step * (len(self.timeline) // 1500 + 1 if many else 1) - (0.6 if step > 3 else 0), 0.5),
                    h,
                    colours[m.phase],
                    f"{m.phase} of {at.label} %{at.id}: {bytes_text(m.bytes)}",
                )
            )
        split = sum(m.phase == "forward" for m in self.timeline) * step + left
        parts += [
            svg.label(left, H - 14, "forward", "soft"),
            svg.label(min(split, W - 90), H - 14, "backward", "soft"),
            svg.label(W - 20, H - 14, f"{plural(n, 'step')} of the program", "soft", "end"),
        ]
        return svg.document(W, H, parts, "memory timeline")

    def _repr_html_(self) -> str:
        return self.svg()

    def __str__(self) -> str:
        return self.text()


def memory(graph: Any) -> Memory:
    """Say what a graph keeps for its backward pass, by whom, and draw the timeline.

    Parameters
    ----------
    graph : a recording, a tensor or a :class:`Graph`.

    Returns
    -------
    Memory

    Examples
    --------
    >>> print(viz.memory(rec))                                                # doctest: +SKIP
    """
    from .walk import to_graph

    return Memory(to_graph(graph, "viz.memory"))
