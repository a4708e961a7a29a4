# mypy: ignore-errors
"""Numba: pooling over (planes, depth, height, width); windows come as tables of starts, ends and counts."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .jit import kernel


@kernel(fastmath=False)
def max_pool(begin, end, x, d0, d1, dn, h0, h1, hn, w0, w1, wn, step, y, indices):
    """The largest of each window and its index in the plane, for any windows (`max_pool_regular` is the quick one)."""
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
                                if value > best or np.isnan(value):
                                    best, where = value, base + k
                    y[p, od, oh, ow] = best
                    indices[p, od, oh, ow] = where


def _make_block(stride: int) -> Any:
    """``block(base, taps, spots, count, corner, lefts, out, where, n)``: the maxima of up to 8 neighbouring windows.

    Tap r of window o is the float at address ``base + taps[r] + 4 * stride * o``, and its index is
    ``corner + spots[r] + stride * o``; a window of -inf only reports ``lefts[o]``. Written in vectors by hand, because
    rows of pooled images are short: a compiler's vector loop leaves most of them to its scalar tail.
    """
    i1, i32, i64, f32 = (ir.IntType(1), ir.IntType(32), ir.IntType(64), ir.FloatType())
    floats, ints = ir.VectorType(f32, 8), ir.VectorType(i32, 8)

    @intrinsic
    def block(typing_context, base, taps, spots, count, corner, lefts, out, where, n):
        """See `_make_block`."""

        def generate(context, b, signature, arguments):
            base, taps, spots, count, corner, lefts, out, where, n = arguments

            def splat(value):
                one = b.insert_element(ir.Constant(ints, ir.Undefined), value, i32(0))
                return b.shuffle_vector(one, ir.Constant(ints, ir.Undefined), ir.Constant(ints, [0] * 8))

            def at(address, kind):
                return b.inttoptr(address, kind.as_pointer())

            def masked(action, kind, name):
                mask = ir.VectorType(i1, 8)
                pointer = kind.as_pointer()
                shape = (
                    ir.FunctionType(kind, [pointer, i32, mask, kind])
                    if action == "load"
                    else ir.FunctionType(ir.VoidType(), [kind, pointer, i32, mask])
                )
                return cgutils.get_or_insert_function(b.module, shape, f"llvm.masked.{action}.{name}.p0")

            load, load_int = masked("load", floats, "v8f32"), masked("load", ints, "v8i32")
            iota = ir.Constant(ints, list(range(8)))
            lanes = b.trunc(n, i32)
            active = b.icmp_signed("<", iota, splat(lanes))
            zeros = ir.Constant(floats, [0.0] * 8)
            if stride == 2:  # 15 floats, the odd ones dropped
                reach = splat(b.sub(b.mul(lanes, i32(2)), i32(1)))
                low = b.icmp_signed("<", iota, reach)
                high = b.icmp_signed("<", ir.Constant(ints, list(range(8, 16))), reach)
            lowest = ir.Constant(floats, [float("-inf")] * 8)
            start = b.call(load_int, [at(lefts, ints), i32(4), active, ir.Constant(ints, [0] * 8)])
            ramp = b.add(splat(b.trunc(corner, i32)), ir.Constant(ints, [stride * o for o in range(8)]))
            entry, loop, done = b.block, b.append_basic_block("taps"), b.append_basic_block("done")
            b.branch(loop)
            b.position_at_end(loop)
            r, best, place = b.phi(i64), b.phi(floats), b.phi(ints)
            r.add_incoming(i64(0), entry)
            best.add_incoming(lowest, entry)
            place.add_incoming(start, entry)
            address = b.add(base, b.load(b.gep(at(taps, i64), [r])))
            if stride == 1:
                value = b.call(load, [at(address, floats), i32(4), active, zeros])
            else:
                left = b.call(load, [at(address, floats), i32(4), low, zeros])
                right = b.call(load, [at(b.add(address, i64(32)), floats), i32(4), high, zeros])
                value = b.shuffle_vector(left, right, ir.Constant(ints, [0, 2, 4, 6, 8, 10, 12, 14]))
            spot = b.add(ramp, splat(b.trunc(b.load(b.gep(at(spots, i64), [r])), i32)))
            take = b.or_(b.fcmp_ordered(">", value, best), b.fcmp_unordered("uno", value, value))
            new_best, new_place = b.select(take, value, best), b.select(take, spot, place)
            following = b.add(r, i64(1))
            for phi, fresh in ((r, following), (best, new_best), (place, new_place)):
                phi.add_incoming(fresh, loop)
            b.cbranch(b.icmp_signed("<", following, count), loop, done)
            b.position_at_end(done)
            with b.if_else(b.icmp_signed("==", n, i64(8))) as (whole, part):
                with whole:
                    b.store(new_best, at(out, floats), align=4)
                    b.store(new_place, at(where, ints), align=4)
                with part:
                    b.call(masked("store", floats, "v8f32"), [new_best, at(out, floats), i32(4), active])
                    b.call(masked("store", ints, "v8i32"), [new_place, at(where, ints), i32(4), active])
            return context.get_dummy_value()

        return types.void(*(types.int64,) * 9), generate

    return block


_block_1, _block_2 = _make_block(1), _make_block(2)


@kernel(fastmath=False)
def max_pool_regular(begin, end, x, pads, size, stride, lefts, corners_d, corners_h, taps, spots, y, indices):
    """float32 windows at fixed strides, 1 or 2 along a row; the plane is first copied between borders of -inf.

    ``pads`` and ``size``: the borders before and the size of that copy; ``taps`` in bytes of the copy, ``spots`` in
    elements of the plane; ``corners_d`` and ``corners_h``: index of the first valid tap along depth and height.
    """
    depth, height, width = x.shape[1], x.shape[2], x.shape[3]
    columns, far = y.shape[3], stride[2]
    plain = size[0] == depth and size[1] == height and size[2] == width
    copy = np.full((1, 1, 1) if plain else (size[0], size[1], size[2]), np.float32(-np.inf), np.float32)
    left = np.empty(columns, np.int32)
    for p in range(begin, end):
        if plain:
            base = x[p].ctypes.data
        else:
            for i in range(depth):
                for j in range(height):
                    target, source = copy[i + pads[0], j + pads[1], pads[2] : pads[2] + width], x[p, i, j]
                    for k in range(width):
                        target[k] = source[k]
            base = copy.ctypes.data
        for od in range(y.shape[1]):
            for oh in range(y.shape[2]):
                start = np.int32((corners_d[od] * height + corners_h[oh]) * width)
                for o in range(columns):
                    left[o] = start + lefts[o]
                row = base + 4 * ((od * stride[0] * size[1] + oh * stride[1]) * size[2])
                corner = ((od * stride[0] - pads[0]) * height + oh * stride[1] - pads[1]) * width - pads[2]
                out, where = y[p, od, oh].ctypes.data, indices[p, od, oh].ctypes.data
                for o in range(0, columns, 8):
                    n, shift = min(8, columns - o), o * far
                    if far == 1:
                        _block_1(
                            row + 4 * shift,
                            taps.ctypes.data,
                            spots.ctypes.data,
                            len(taps),
                            corner + shift,
                            left.ctypes.data + 4 * o,
                            out + 4 * o,
                            where + 4 * o,
                            n,
                        )
                    else:
                        _block_2(
                            row + 4 * shift,
                            taps.ctypes.data,
                            spots.ctypes.data,
                            len(taps),
                            corner + shift,
                            left.ctypes.data + 4 * o,
                            out + 4 * o,
                            where + 4 * o,
                            n,
                        )


@kernel(fastmath=False)
def max_pool_backward(begin, end, g, indices, gx, outside):
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
def plane_means(begin, end, x, y):
    """The mean of each plane."""
    count = y.dtype.type(x.shape[1])
    for p in range(begin, end):
        total = y.dtype.type(0)
        for i in range(x.shape[1]):
            total += x[p, i]
        y[p] = total / count


@kernel
def avg_pool(begin, end, x, d0, d1, dn, h0, h1, hn, w0, w1, wn, y):
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
def avg_pool_backward(begin, end, g, d0, d1, dn, h0, h1, hn, w0, w1, wn, gx):
    """Each gradient, divided by its count, added over its window in zeros."""
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
