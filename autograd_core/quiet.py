"""NumPy's floating-point warnings off for a while, at a quarter of what ``np.errstate`` takes.

    before = hush()
    try: ...
    finally: restore(before)

Infinities and NaN are values like others in a backward pass, as in PyTorch, whatever the user's ``np.seterr`` says.
NumPy keeps those settings in a context variable; setting it takes 0.6 us, and ``np.errstate`` 2.6 us, as long as a
small op.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

hush: Callable[[], Any]
restore: Callable[[Any], Any]

try:
    from numpy._core.umath import _extobj_contextvar as _settings
    from numpy._core.umath import _make_extobj

    hush, restore = partial(_settings.set, _make_extobj(all="ignore")), _settings.reset
    restore(hush())
except (ImportError, TypeError, AttributeError, ValueError):  # not NumPy's public interface: it may go

    def hush() -> Any:
        return np.seterr(all="ignore")

    def restore(before: Any) -> Any:
        return np.seterr(**before)
