"""A ``graphviz.Digraph`` that knows where to find a program to draw with."""

from __future__ import annotations

import os
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

    def pipe(self, format: str | None = None, *args: Any, **kwargs: Any) -> Any:  # noqa: A002
        """The picture as bytes (or text, with ``encoding=``) in the given format."""
        if shutil.which("dot"):
            return super().pipe(format, *args, **kwargs)
        data = _run_bundled(self.source, format or self.format)
        encoding = kwargs.get("encoding")
        return data.decode(encoding) if encoding else data

    def render(self, filename: Any = None, directory: Any = None, view: bool = False, cleanup: bool = False,
               format: str | None = None, *args: Any, outfile: Any = None, **kwargs: Any) -> str:  # noqa: A002
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


def _bundled() -> str | None:
    """The program that the ``viz`` extra brings, in the folder of the running Python or on the path."""
    name = "graphviz-pure" + (".exe" if os.name == "nt" else "")
    beside = os.path.join(os.path.dirname(sys.executable), name)
    return beside if os.access(beside, os.X_OK) else shutil.which(name)


def _run_bundled(source: str, format: str) -> bytes:  # noqa: A002
    program = _bundled()
    if program is None:
        raise RuntimeError("viz.dot: no Graphviz program was found; install the system package 'graphviz' (apt, brew, dnf, choco) "
                           "or the extra: pip install 'autograd-core[viz]'. viz.text and viz.html need neither.")
    done = subprocess.run([program, f"-T{format}"], input=source.encode(), capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"viz.dot: {os.path.basename(program)} could not draw {format!r}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
