"""Every program of examples/ runs in its small form and reaches its stated result."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

FOLDER = Path(__file__).parents[2] / "examples"
OTHERS = {"gallery", "digits_cnn"}  # digits_cnn has its own command line and tests
PROGRAMS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in OTHERS and path.stem[0] != "_")


@pytest.fixture(autouse=True)
def _examples_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs import their helper as they do when they are started."""
    monkeypatch.syspath_prepend(str(FOLDER))


@pytest.mark.parametrize("name", PROGRAMS)
def test_small_form_reaches_its_result(name: str, tmp_path: Path) -> None:
    program = importlib.import_module(name)
    try:
        figures = program.main(small=True, out=str(tmp_path))
        bounds = getattr(program, "SMALL", program.RESULT)
        assert bounds
        assert not importlib.import_module("_common").misses(figures, bounds)
        assert (tmp_path / "picture.png").stat().st_size > 2000
    finally:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", PROGRAMS)
def test_form_of_a_program(name: str) -> None:
    """At most 120 lines; three first lines that say what it shows, where it comes from and what it must reach."""
    lines = (FOLDER / f"{name}.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 120
    for line, start in zip(lines, ('"""Shows: ', "Source: ", "Result: "), strict=False):
        assert line.startswith(start)
    assert (FOLDER / "pictures" / f"{name}.png").stat().st_size < 60_000
