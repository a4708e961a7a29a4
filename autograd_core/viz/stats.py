"""Statistics of one array, as a record."""

from __future__ import annotations

from typing import Any

import numpy as np

from .records import Stats

BINS = 24


def stats(array: Any, bins: int = BINS) -> Stats:
    """Describe an array: range, moments, zeros, NaN and infinity counts, and a histogram of its finite elements.

    Parameters
    ----------
    array : ndarray of any shape and dtype; complex arrays are described by their absolute values.
    bins : number of histogram bins.

    Examples
    --------
    >>> s = stats(np.array([0.0, 1.0, 3.0, np.nan]))
    >>> s.max, s.nan, s.zeros
    (3.0, 1, 0.25)
    """
    a = np.asarray(array)
    if a.dtype.kind == "c":
        a = np.abs(a)
    a = a.ravel().astype(np.float64)
    n = a.size
    if not n:
        return Stats()
    lo, hi = a.min(), a.max()
    out = Stats(size=n, zeros=float(n - np.count_nonzero(a)) / n)
    if not np.isfinite(lo + hi):
        finite = np.isfinite(a)
        out.nan = int(np.isnan(a).sum())
        out.inf = int(n - finite.sum()) - out.nan
        a = a[finite]
        if not a.size:
            return out
        lo, hi = a.min(), a.max()
    with np.errstate(all="ignore"):
        out.min, out.max = float(lo), float(hi)
        scale = max(abs(out.min), abs(out.max))
        b = a / scale if scale > 1e100 or 0 < scale < 1e-100 else a  # squares must neither overflow nor vanish
        unit = scale if b is not a else 1.0
        mean = np.add.reduce(b) / b.size  # plain reductions: BLAS would wake its threads for each small array
        norm = float(np.sqrt(np.add.reduce(b * b)) * unit)
        d = b - mean
        out.mean = float(mean * unit)
        out.std = float(np.sqrt(np.add.reduce(d * d) / b.size) * unit)
        out.norm = norm if np.isfinite(norm) else float(np.finfo(np.float64).max)
        out.low, out.high = out.min, out.max
        span = hi - lo
        if span > 0 and np.isfinite(span) and np.isfinite(bins / span):
            index = ((a - lo) * (bins / span)).astype(np.intp)
            np.minimum(index, bins - 1, out=index)
            out.counts = np.bincount(index, minlength=bins).tolist()
        else:
            out.counts = [int(a.size)]
    return out
