"""Numba: pooling over (planes, depth, height, width); windows come as tables of starts, ends and counts."""

from __future__ import annotations

import numpy as np

from .jit import kernel


@kernel(fastmath=False)
def max_pool(begin, end, x, d0, d1, dn, h0, h1, hn, w0, w1, wn, step, y, indices):  # type: ignore[no-untyped-def]
    height, width = x.shape[2], x.shape[3]
    lowest = y.dtype.type(-np.inf)
    sd, sh, sw = step[0], step[1], step[2]
    for p in range(begin, end):
        for od in range(len(d0)):
            for oh in range(len(h0)):
                for ow in range(len(w0)):
                    best, where = lowest, (d0[od] * height + h0[oh]) * width + w0[ow]
                    for i in range(d0[od], d1[od], sd):
                        for j in range(h0[oh], h1[oh], sh):
                            row = x[p, i, j]
                            base = (i * height + j) * width
                            for k in range(w0[ow], w1[ow], sw):
                                value = row[k]
                                if value > best or value != value:
                                    best, where = value, base + k
                    y[p, od, oh, ow] = best
                    indices[p, od, oh, ow] = where


@kernel(fastmath=False)
def max_pool_regular(begin, end, x, d0, d1, dn, h0, h1, hn, w0, w1, wn, step, first, taps, stride, y, indices):  # type: ignore[no-untyped-def]
    """Windows at a fixed stride: one tap at a time for a whole row of outputs, branch-free, so that it vectorises.

    Output o of a row covers ``first + o * stride + t * step[2]`` for t below `taps`, where that lies inside.
    """
    height, width = x.shape[2], x.shape[3]
    lowest = y.dtype.type(-np.inf)
    columns = y.shape[3]
    far = np.uint64(stride)
    for p in range(begin, end):
        for od in range(len(d0)):
            for oh in range(len(h0)):
                out, where = y[p, od, oh], indices[p, od, oh]
                corner = (d0[od] * height + h0[oh]) * width
                for o in range(columns):
                    out[o] = lowest
                    where[o] = corner + w0[o]
                for i in range(d0[od], d1[od], step[0]):
                    for j in range(h0[oh], h1[oh], step[1]):
                        row = x[p, i, j]
                        for t in range(taps):
                            shift = first + t * step[2]
                            low = max(0, -(shift // stride))  # the first output whose tap is not left of the row
                            high = min(columns, (width - 1 - shift) // stride + 1)
                            if low >= high:
                                continue
                            source, best, place = row[low * stride + shift :], out[low:high], where[low:high]
                            base = np.int32((i * height + j) * width + low * stride + shift)
                            if stride == 1:
                                for o in range(len(best)):
                                    value = source[o]
                                    take = (value > best[o]) | (value != value)
                                    best[o] = value if take else best[o]
                                    place[o] = base + np.int32(o) if take else place[o]
                            elif stride == 2:
                                for o in range(len(best)):
                                    value = source[np.uint64(o) * np.uint64(2)]
                                    take = (value > best[o]) | (value != value)
                                    best[o] = value if take else best[o]
                                    place[o] = base + np.int32(2 * o) if take else place[o]
                            else:
                                for o in range(len(best)):
                                    value = source[np.uint64(o) * far]
                                    take = (value > best[o]) | (value != value)
                                    best[o] = value if take else best[o]
                                    place[o] = base + np.int32(stride * o) if take else place[o]


@kernel(fastmath=False)
def max_pool_halves(begin, end, x, y, indices):  # type: ignore[no-untyped-def]
    """Windows of 2 x 2, side by side: branch-free, so that the loop over a row becomes vectors."""
    width = np.int32(x.shape[3])
    rows, columns = y.shape[2], y.shape[3]
    one, two = np.uint64(1), np.uint64(2)
    for p in range(begin, end):
        for i in range(rows):
            top, bottom = x[p, 0, 2 * i], x[p, 0, 2 * i + 1]
            out, where = y[p, 0, i], indices[p, 0, i]
            base = np.int32(2 * i) * width
            for j in range(columns):
                left = np.uint64(j) * two  # unsigned: a negative index would count from the end
                a, b, c, d = top[left], top[left + one], bottom[left], bottom[left + one]
                best, offset = a, np.int32(0)
                take = (b > best) | (b != b)
                best, offset = b if take else best, np.int32(1) if take else offset
                take = (c > best) | (c != c)
                best, offset = c if take else best, width if take else offset
                take = (d > best) | (d != d)
                best, offset = d if take else best, np.int32(width + np.int32(1)) if take else offset
                out[j] = best
                where[j] = base + np.int32(2 * j) + offset


@kernel(fastmath=False)
def max_pool_backward(begin, end, g, indices, gx, outside):  # type: ignore[no-untyped-def]
    """An index outside the plane is left out and reported, not followed."""
    area = gx.shape[1]
    for p in range(begin, end):
        gx[p, :] = 0
        for i in range(g.shape[1]):
            k = indices[p, i]
            if 0 <= k < area:
                gx[p, k] += g[p, i]
            else:
                outside[p] = True


@kernel
def plane_means(begin, end, x, y):  # type: ignore[no-untyped-def]
    count = y.dtype.type(x.shape[1])
    for p in range(begin, end):
        total = y.dtype.type(0)
        for i in range(x.shape[1]):
            total += x[p, i]
        y[p] = total / count


@kernel
def avg_pool(begin, end, x, d0, d1, dn, h0, h1, hn, w0, w1, wn, y):  # type: ignore[no-untyped-def]
    """Rows of a window are summed over their whole width first: that is the part which vectorises."""
    zero = y.dtype.type(0)
    column = np.empty(x.shape[3], y.dtype)
    for p in range(begin, end):
        for od in range(len(d0)):
            for oh in range(len(h0)):
                column[:] = zero
                for i in range(d0[od], d1[od]):
                    for j in range(h0[oh], h1[oh]):
                        row = x[p, i, j]
                        for k in range(len(row)):
                            column[k] += row[k]
                rows, out = dn[od] * hn[oh], y[p, od, oh]
                for ow in range(len(w0)):
                    total = zero
                    for k in range(w0[ow], w1[ow]):
                        total += column[k]
                    count = rows * wn[ow]
                    out[ow] = total / y.dtype.type(count if count != 0 else 1)


@kernel
def avg_pool_backward(begin, end, g, d0, d1, dn, h0, h1, hn, w0, w1, wn, gx):  # type: ignore[no-untyped-def]
    zero = gx.dtype.type(0)
    column = np.empty(gx.shape[3], gx.dtype)
    for p in range(begin, end):
        gx[p] = zero
        for od in range(len(d0)):
            for oh in range(len(h0)):
                column[:] = zero
                rows, up = dn[od] * hn[oh], g[p, od, oh]
                for ow in range(len(w0)):
                    count = rows * wn[ow]
                    share = up[ow] / gx.dtype.type(count if count != 0 else 1)
                    for k in range(w0[ow], w1[ow]):
                        column[k] += share
                for i in range(d0[od], d1[od]):
                    for j in range(h0[oh], h1[oh]):
                        row = gx[p, i, j]
                        for k in range(len(row)):
                            row[k] += column[k]
