# mypy: ignore-errors
"""Numba: sums into indexed rows and elements. Indices were checked by `indexing`."""

from __future__ import annotations

import numpy as np

from .jit import kernel

STRIP = 32  # columns that a thread owns at least


@kernel
def add_rows(begin, end, out, index, values):
    """Pieces are strips of columns, so that no two threads add into the same place."""
    left, right = begin * STRIP, min(end * STRIP, out.shape[1])
    for k in range(len(index)):
        row, value = out[index[k], left:right], values[k, left:right]
        for i in range(len(row)):
            row[i] += value[i]


@kernel
def add_at(begin, end, out, index, values):
    for k in range(len(index)):
        out[index[k]] += values[k]


@kernel
def bounds(begin, end, index, out):
    """The least and the greatest of `index`; the range is one piece."""
    low, high = index[0], index[0]
    for i in range(len(index)):
        low, high = min(low, index[i]), max(high, index[i])
    out[0], out[1] = low, high


# Along one axis: arrays have shape (outer, along, inner). An index out of range is left out and noted in `bad`: the
# comparison is unsigned, which also catches negative ones and tells the compiler that an index is not negative.


@kernel
def take_along(begin, end, x, index, out, bad):
    n, inner = np.uint64(x.shape[1]), x.shape[2]
    for o in range(begin, end):
        for m in range(index.shape[1]):
            for i in range(inner):
                k = np.uint64(index[o, m, i])
                if k < n:
                    out[o, m, i] = x[o, k, i]
                else:
                    bad[0] = 1


@kernel
def add_along(begin, end, out, index, values, bad):
    n, inner = np.uint64(out.shape[1]), out.shape[2]
    for o in range(begin, end):
        for m in range(index.shape[1]):
            for i in range(inner):
                k = np.uint64(index[o, m, i])
                if k < n:
                    out[o, k, i] += values[o, m, i]
                else:
                    bad[0] = 1


@kernel
def put_along(begin, end, out, index, values, bad):
    n, inner = np.uint64(out.shape[1]), out.shape[2]
    for o in range(begin, end):
        for m in range(index.shape[1]):
            for i in range(inner):
                k = np.uint64(index[o, m, i])
                if k < n:
                    out[o, k, i] = values[o, m, i]
                else:
                    bad[0] = 1


@kernel
def take_slices(begin, end, x, index, out, bad):
    """The same index for all of outer and inner."""
    n, inner = np.uint64(x.shape[1]), x.shape[2]
    for o in range(begin, end):
        for m in range(len(index)):
            k = np.uint64(index[m])
            if k < n:
                for i in range(inner):
                    out[o, m, i] = x[o, k, i]
            else:
                bad[0] = 1


@kernel
def add_slices(begin, end, out, index, values, bad):
    n, inner = np.uint64(out.shape[1]), out.shape[2]
    for o in range(begin, end):
        for m in range(len(index)):
            k = np.uint64(index[m])
            if k < n:
                for i in range(inner):
                    out[o, k, i] += values[o, m, i]
            else:
                bad[0] = 1


# The same along the last axis: arrays have shape (outer, along). A loop over inner = 1 would take three times as long.


@kernel
def take_along_last(begin, end, x, index, out, bad):
    n = np.uint64(x.shape[1])
    for o in range(begin, end):
        row, places, y = x[o], index[o], out[o]
        for m in range(len(places)):
            k = np.uint64(places[m])
            if k < n:
                y[m] = row[k]
            else:
                bad[0] = 1


@kernel
def add_along_last(begin, end, out, index, values, bad):
    n = np.uint64(out.shape[1])
    for o in range(begin, end):
        row, places, v = out[o], index[o], values[o]
        for m in range(len(places)):
            k = np.uint64(places[m])
            if k < n:
                row[k] += v[m]
            else:
                bad[0] = 1


@kernel
def put_along_last(begin, end, out, index, values, bad):
    n = np.uint64(out.shape[1])
    for o in range(begin, end):
        row, places, v = out[o], index[o], values[o]
        for m in range(len(places)):
            k = np.uint64(places[m])
            if k < n:
                row[k] = v[m]
            else:
                bad[0] = 1


@kernel
def take_slices_last(begin, end, x, index, out, bad):
    n = np.uint64(x.shape[1])
    for o in range(begin, end):
        row, y = x[o], out[o]
        for m in range(len(index)):
            k = np.uint64(index[m])
            if k < n:
                y[m] = row[k]
            else:
                bad[0] = 1


@kernel
def add_slices_last(begin, end, out, index, values, bad):
    n = np.uint64(out.shape[1])
    for o in range(begin, end):
        row, v = out[o], values[o]
        for m in range(len(index)):
            k = np.uint64(index[m])
            if k < n:
                row[k] += v[m]
            else:
                bad[0] = 1
