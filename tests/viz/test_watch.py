"""The observer switch: what an observer sees, how observers nest, and that nothing stays behind."""

from __future__ import annotations

import threading

import pytest

import autograd_core as ac
from autograd_core.graph import watch


class Seen:
    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    def forward(self, op, args, run):
        self.log.append(f"{self.name} {op.name}")
        return run(*args)

    def backward(self, node, g, run):
        self.log.append(f"{self.name} d{node.op.name}")
        return run()


def step() -> list[float]:
    x = ac.tensor([1.0, 2.0], requires_grad=True)
    ((x * 3.0) ** 2).sum().backward()
    return x.grad.tolist()


def test_an_observer_sees_every_op_and_every_rule_and_changes_nothing():
    plain = step()
    log: list[str] = []
    with watch.observing(Seen("a", log)):
        assert step() == plain
    assert log == ["a mul", "a pow", "a sum", "a dsum", "a dpow", "a dmul"]
    assert not watch.on
    assert step() == plain
    assert len(log) == 6


def test_the_last_observer_is_the_outermost():
    log: list[str] = []
    with watch.observing(Seen("inner", log)), watch.observing(Seen("outer", log)):
        step()
    assert log[:2] == ["outer mul", "inner mul"]
    assert log[-2:] == ["outer dmul", "inner dmul"]


def test_observers_belong_to_their_thread():
    log: list[str] = []
    with watch.observing(Seen("a", log)):
        t = threading.Thread(target=step)
        t.start()
        t.join()
    assert log == []


def test_the_switch_goes_off_after_an_error():
    with pytest.raises(RuntimeError), watch.observing(Seen("a", [])):
        raise RuntimeError
    assert not watch.on
    assert watch.observers() == ()


def test_only_observers_that_look_at_modules_are_called_for_them():
    log: list[str] = []

    class Modules(Seen):
        def module(self, module, run):
            self.log.append(f"enter {module}")
            try:
                return run()
            finally:
                self.log.append(f"leave {module}")

    with watch.observing(Seen("plain", log)), watch.observing(Modules("m", log)):
        assert watch.module("block", lambda: 7) == 7
    assert log == ["enter block", "leave block"]


def test_freed_and_overwritten_graphs_are_still_refused_under_an_observer():
    x = ac.tensor([1.0], requires_grad=True)
    y = (x * x).sum()
    with watch.observing(Seen("a", [])):
        y.backward()
        with pytest.raises(RuntimeError, match="already freed"):
            y.backward()
