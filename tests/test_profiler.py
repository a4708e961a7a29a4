"""The profiler: what it counts, its table, its trace."""

from __future__ import annotations

import json

import pytest

import autograd_core as ac
from autograd_core import profiler

from .viz.test_record import Net, step


@pytest.fixture(scope="module")
def profile():
    net, x, t = Net(), ac.ones(4, 3), ac.zeros(4, 2)
    with profiler.profile() as p:
        for _ in range(3):
            step(net, x, t)
    return p


def test_rows_by_op(profile):
    rows = {r["name"]: r for r in profile.rows("op")}
    assert set(rows) == {"matmul", "add", "tanh", "sub", "pow", "mean"}
    assert rows["matmul"]["calls"] == 6
    assert rows["tanh"]["calls"] == 3
    assert rows["tanh"]["bytes"] == 3 * 4 * 5 * 4
    assert rows["tanh"]["kept"] == 240
    for r in rows.values():
        assert r["forward"] > 0
        assert r["backward"] > 0
        assert r["total"] == pytest.approx(r["forward"] + r["backward"])
        assert r["mean"] == pytest.approx(r["total"] / r["calls"])
    assert sum(r["share"] for r in rows.values()) == pytest.approx(1)
    assert sum(r["total"] for r in rows.values()) < profile.wall


def test_rows_by_module_count_what_runs_inside(profile):
    rows = {r["name"]: r for r in profile.rows("module")}
    assert rows["Net (Net)"]["calls"] == 15
    assert rows["Net.fc1 (Dense)"]["calls"] == 6
    assert rows["Net (Net)"]["total"] > rows["Net.fc1 (Dense)"]["total"]
    assert rows["outside modules"]["calls"] == 9


def test_rows_by_line(profile):
    rows = profile.rows("line")
    assert len(rows) == 3
    assert all("test_record.py:" in r["name"] for r in rows)
    assert sum(r["calls"] for r in rows) == 24


def test_table(profile):
    lines = profile.table().splitlines()
    assert lines[0].split()[:4] == ["op", "calls", "forward", "backward"]
    totals = [r["total"] for r in profile.rows("op")]
    assert lines[2].split()[0] == max(profile.rows("op"), key=lambda r: r["total"])["name"]
    assert len(lines) == 2 + len(totals) + 1
    assert "watching 48 events cost about" in lines[-1]
    assert "% of the wall time" in lines[-1]
    assert "… and 4 more" in profile.table(limit=2)
    names = [line.split()[0] for line in profile.table(sort="name", limit=None).splitlines()[2:-1]]
    assert names == sorted(names)
    for column in profiler.COLUMNS:
        assert profile.table(sort=column)
    assert str(profile) == profile.table()


def test_bad_arguments(profile):
    with pytest.raises(ValueError, match="by must be 'op', 'module' or 'line', got 'x'"):
        profile.table("x")
    with pytest.raises(ValueError, match="sort must be one of name, calls"):
        profile.table(sort="speed")


def test_chrome_trace(profile, tmp_path):
    path = profile.export_chrome_trace(tmp_path / "trace.json")
    events = [e for e in json.loads(path.read_text())["traceEvents"] if e["ph"] == "X"]
    kinds = {k: [e for e in events if e["cat"] == k] for k in ("forward", "backward", "module")}
    assert len(kinds["forward"]) == 24
    assert len(kinds["backward"]) == 24
    assert len(kinds["module"]) == 9
    assert all(e["dur"] >= 0 and e["ts"] >= 0 for e in events)
    outer = next(e for e in kinds["module"] if e["name"] == "Net (Net)")
    inner = next(e for e in kinds["module"] if e["name"] == "Net.fc1 (Dense)")
    assert outer["ts"] <= inner["ts"]
    assert inner["ts"] + inner["dur"] <= outer["ts"] + outer["dur"] + 0.01
    assert kinds["forward"][0]["args"]["shape"] == [4, 5]
    assert "test_record.py" in kinds["forward"][0]["args"]["line"]
    with pytest.raises(OSError, match=r"profile\.export_chrome_trace: cannot write"):
        profile.export_chrome_trace(tmp_path / "no" / "trace.json")


def test_overhead_is_measured(profile):
    assert 0 < profile.overhead < 1


def test_an_empty_profile():
    with profiler.profile() as p:
        pass
    assert p.rows("op") == []
    assert "watching 0 events" in p.table()


def test_profiles_can_go_on():
    x = ac.tensor([1.0], requires_grad=True)
    p = profiler.profile()
    for _ in range(2):
        with p:
            (x * 2.0).sum().backward()
    assert {r["name"]: r["calls"] for r in p.rows("op")} == {"mul": 2, "sum": 2}
