# mypy: ignore-errors
"""Numba: sums into indexed rows and elements. Indices were checked by `indexing`."""

from __future__ import annotations

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
