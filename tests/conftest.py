"""Collection: test ids must not contain addresses, so that the two test processes collect the same ids."""

from __future__ import annotations

import re

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if " at 0x" in item.nodeid:
            item._nodeid = re.sub(r" at 0x[0-9a-f]+", "", item.nodeid)
