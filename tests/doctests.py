"""The examples in docstrings run: ``python -m pytest tests/doctests.py``."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import autograd_core
import nn


def modules() -> list[str]:
    """All modules of both packages."""
    out = []
    for package in (autograd_core, nn):
        out.append(package.__name__)
        out += [
            m.name for m in pkgutil.walk_packages(package.__path__, package.__name__ + ".") if "__main__" not in m.name
        ]
    return [m for m in out if not m.rpartition(".")[2].startswith("jit_")]


@pytest.mark.parametrize("name", modules())
def test_docstrings(name: str) -> None:
    autograd_core.manual_seed(0)
    failed, _ = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE, verbose=False
    )
    assert failed == 0
