"""Small charts as SVG text, readable on light and dark paper, without any library."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

_STYLE = (
    "<style>text{font:12px system-ui,'Segoe UI',Helvetica,Arial,sans-serif;fill:#1b2333}"
    ".soft{fill:#5d687c;font-size:11px}.title{font-weight:650;font-size:14px}.axis{stroke:#c3ccdb}.paper{fill:#fff}"
    "@media(prefers-color-scheme:dark){text{fill:#e7ebf3}.soft{fill:#a3adbf}.axis{stroke:#3b4558}.paper{fill:#1a1f29}}"
    "</style>"
)


def escape(text: str) -> str:
    """Text for SVG: escaped, without control characters."""
    return html.escape("".join(c if c.isprintable() else " " for c in text), quote=True)


def label(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    """A piece of text at (x, y), in pixels; ``kind`` is its class in the style sheet."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'


def rect(x: float, y: float, w: float, h: float, fill: str, title: str = "") -> str:
    """A filled rectangle; ``title`` shows under the pointer."""
    inner = f"<title>{escape(title)}</title>" if title else ""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(w, 0):.1f}" height="{max(h, 0):.1f}" fill="{fill}">{inner}</rect>'
    )


def line(x0: float, y0: float, x1: float, y1: float, kind: str = "axis") -> str:
    """A line from (x0, y0) to (x1, y1), in pixels."""
    return f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" class="{kind}"/>'


def document(width: float, height: float, parts: Sequence[str], title: str) -> str:
    """The SVG text around its parts."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f}'
        f' {height:.0f}" role="img" aria-label="{escape(title)}">{_STYLE}<rect class="paper" width="100%"'
        f' height="100%"/>{"".join(parts)}</svg>'
    )


def clip(text: str, count: int) -> str:
    """Text cut in the middle, where names of parameters differ least."""
    return text if len(text) <= count else text[: count // 3] + "…" + text[-(count - count // 3 - 1) :]


def decade_colour(x: float | None, middle: float, decades: float = 4.0) -> str:
    """Blue for far below the middle (in decades), red for far above, light between; grey for nothing."""
    if x is None or not math.isfinite(x):
        return "#cf222e" if x is not None else "#9aa3b2"
    t = -1.0 if x <= 0 else max(-1.0, min(1.0, (math.log10(x) - middle) / decades))
    stops = ((32, 76, 190), (148, 190, 240), (238, 240, 244), (250, 168, 120), (190, 20, 40))
    at = (t + 1) * 2
    i = min(3, int(at))
    return "#" + "".join(f"{round(a + (b - a) * (at - i)):02x}" for a, b in zip(stops[i], stops[i + 1], strict=True))
