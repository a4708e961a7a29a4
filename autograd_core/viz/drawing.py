"""A ``graphviz.Digraph`` that knows where to find a program to draw with."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import Any

import graphviz

from .words import write_file


class Drawing(graphviz.Digraph):
    """A ``graphviz.Digraph`` that finds a program to draw with, or says in one sentence how to get one.

    ``source`` and ``save()`` need no program. ``render()``, ``pipe()``, ``view()`` and the notebook's picture need
    Graphviz's ``dot``, or the bundled one of the ``viz`` extra.
    """

    def pipe(self, format: str | None = None, *args: Any, **kwargs: Any) -> Any:
        """The picture as bytes (or text, with ``encoding=``) in the given format."""
        kind = format or self.format
        encoding = kwargs.pop("encoding", None)
        data = super().pipe(kind, *args, **kwargs) if shutil.which("dot") else _run_bundled(self.source, kind)
        if kind == "svg":
            data = _anchor(data.decode()).encode()
        return data.decode(encoding) if encoding else data

    def render(
        self,
        filename: Any = None,
        directory: Any = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
        *args: Any,
        outfile: Any = None,
        **kwargs: Any,
    ) -> str:
        """Draw into a file, as in graphviz; an existing picture is replaced only when the new one is complete."""
        kind = format or (os.path.splitext(outfile)[1][1:] if outfile else "") or self.format
        if outfile is None:
            outfile = f"{os.path.join(directory or self.directory or '', filename or self.filename)}.{kind}"
            if not cleanup:
                write_file(outfile[: -len(kind) - 1], self.source, "viz.dot.render")
        elif not cleanup and filename:
            write_file(filename, self.source, "viz.dot.render")
        write_file(outfile, self.pipe(kind), "viz.dot.render")
        if view:
            graphviz.view(outfile)
        return os.fspath(outfile)

    def _repr_svg_(self) -> str:
        return str(self.pipe("svg", encoding="utf-8"))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        """The picture for a notebook; where no program can draw it, the DOT text rather than an error."""
        try:
            return {"image/svg+xml": self._repr_svg_()}
        except RuntimeError as e:
            return {"text/plain": f"{e}\n\n{self.source}"}


_GROUP = re.compile(r'<g id="[^"]*" class="(node|cluster)">.*?</g>\n', re.S)
_TEXT = re.compile(r'<text text-anchor="start" x="([^"]*)" y="([^"]*)"([^>]*)>(.*?)</text>\n?')
_SHAPE = re.compile(r'<(?:polygon|polyline)[^>]* points="([^"]*)"|<path[^>]* d="([^"]*)"|<ellipse[^>]* cx="([^"]*)"')


def _anchor(svg: str) -> str:
    """Hold labels by their middle, and the words of a module's title together.

    Graphviz places each line by the widths of its own fonts; a viewer with other fonts would show it off its place.
    """

    def group(m: re.Match[str]) -> str:
        text = m[0]
        if m[1] == "cluster":
            return re.sub(r"(<text [^>]*>[^<]*)</text>\n<text [^>]*fill=\"([^\"]*)\"[^>]*>([^<]*)</text>", _join, text)
        shape = _SHAPE.search(text)
        if shape is None:
            return text
        if shape[3]:
            middle = float(shape[3])
        else:
            xs = [float(p.split(",")[0]) for p in re.findall(r"-?[\d.]+,-?[\d.]+", shape[1] or shape[2])]
            middle = (min(xs) + max(xs)) / 2
        return _TEXT.sub(
            lambda t: f'<text text-anchor="middle" x="{middle:.2f}" y="{t[2]}"{t[3]}>{t[4]}</text>\n', text
        )

    return _GROUP.sub(group, svg)


def _join(m: re.Match[str]) -> str:
    words = m[3].replace("&#160;", " ").strip()
    return f'{m[1]}<tspan dx="7" font-weight="normal" fill="{m[2]}">{words}</tspan></text>'


def _bundled() -> str | None:
    """The program that the ``viz`` extra brings, in the folder of the running Python or on the path."""
    name = "graphviz-pure" + (".exe" if os.name == "nt" else "")
    beside = os.path.join(os.path.dirname(sys.executable), name)
    return beside if os.access(beside, os.X_OK) else shutil.which(name)


def _run_bundled(source: str, format: str) -> bytes:
    program = _bundled()
    if program is None:
        raise RuntimeError(
            "viz.dot: no Graphviz program was found; install the system package 'graphviz' (apt, brew, dnf, choco) "
            "or the extra: pip install 'autograd-core[viz]'. viz.text and viz.html need neither."
        )
    done = subprocess.run([program, f"-T{format}"], input=source.encode(), capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"viz.dot: {os.path.basename(program)} could not draw {format!r}:"
            f" {done.stderr.decode(errors='replace').strip()}"
        )
    return done.stdout
