# mypy: ignore-errors
"""Numba: a matrix product inside a kernel, of a matrix at any strides with one copied into panels.

For products too small for a BLAS call to pay, or inside a piece that runs in a thread of its own: no threads of BLAS
are woken, nothing is allocated. The register tile is that of the convolutions.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .jit import FASTMATH
from .jit_simd import LANES, ROWS, address, make_tile

WIDTH = 2 * LANES  # columns of a register tile, and of a panel
ZERO = np.float32(0)
_inlined = njit(fastmath=set(FASTMATH), error_model="numpy")
_tile = make_tile(2)


@_inlined
def pack_columns(x, panels):
    """Copy x (rows, n) to panels (n / WIDTH, rows, WIDTH), zeros beyond n."""
    rows, n = x.shape
    for c in range(len(panels)):
        left = c * WIDTH
        width = min(WIDTH, n - left)
        for r in range(rows):
            source, target = x[r, left : left + width], panels[c, r]
            for i in range(width):
                target[i] = source[i]
            for i in range(width, WIDTH):
                target[i] = ZERO


@_inlined
def pack_rows(x, panels):
    """The same for the transpose of x (n, depth): panels (n / WIDTH, depth, WIDTH)."""
    n, depth = x.shape
    for c in range(len(panels)):
        left = c * WIDTH
        width = min(WIDTH, n - left)
        panel = panels[c]
        if width < WIDTH:
            panel[:] = ZERO
        for i in range(width):
            source = x[left + i]
            for r in range(depth):
                panel[r, i] = source[r]


@_inlined
def multiply(a, row_step, term_step, m, depth, panels, n, c, add, spots, offsets, zeros, tile):
    """``c[:m, :n] = A B``, or ``+=`` with `add`: A[i, r] at ``a + i * row_step + r * term_step``, B in panels."""
    here = address(offsets)
    for r in range(depth):
        offsets[r] = r * term_step
    for top in range(0, m, ROWS):
        for i in range(ROWS):
            spots[i] = min(top + i, m - 1) * row_step  # rows beyond the last repeat it, and are not copied
        height = min(ROWS, m - top)
        for p in range(-(-n // WIDTH)):
            _tile(a, address(spots), here, address(panels[p]), depth, address(zeros), 0, address(tile))
            left = p * WIDTH
            width = min(WIDTH, n - left)
            for i in range(height):
                source, target = tile[i], c[top + i, left : left + width]
                if add:
                    for j in range(width):
                        target[j] += source[j]
                else:
                    for j in range(width):
                        target[j] = source[j]
