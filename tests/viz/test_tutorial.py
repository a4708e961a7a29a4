"""The tutorial: every block runs, and its outputs begin as the page says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "seeing-graphs.md"


def test_every_block_runs_and_says_what_the_page_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```(python|text)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert sum(kind == "python" for kind, _ in blocks) > 8
    names: dict[str, object] = {"__name__": "tutorial"}
    program, said = "", ""
    for kind, block in blocks:
        if kind == "text":
            words = re.findall(r"[A-Za-z_]{3,}", block.split("...")[0].split("wall")[0])
            missing = [w for w in dict.fromkeys(words) if w not in said and not w.endswith("py") and w != "train"]
            assert not missing, (missing, said[:1500])
            continue
        file = tmp_path / "train.py"
        lines = program.count("\n")
        program += block
        file.write_text(program, encoding="utf-8")
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile("\n" * lines + block, str(file), "exec"), names)
        said = out.getvalue()
    made = {p.name for p in tmp_path.iterdir()}
    assert {"step.html", "anomaly.html", "gradients.svg", "difference.html", "trace.json"} <= made


def test_the_pictures_of_the_page_exist():
    for picture in re.findall(r"!\[[^]]*\]\(([^)]*)\)", PAGE.read_text(encoding="utf-8")):
        assert (PAGE.parent / picture).stat().st_size > 10_000
