# mypy: ignore-errors
"""Vector building blocks as LLVM code: what Numba's own loops do not reach.

Vectors are as wide as the CPU's registers (`LANES` floats; LLVM splits them where a CPU has narrower ones).  All
functions take addresses as integers, read and write without checks, and are for kernels only.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic


def _lanes() -> int:
    return 16 if llvm.get_host_cpu_features().get("avx512f") else 8


LANES = _lanes()  # floats in one vector
ROWS = 6  # rows of a register tile: ROWS x 2 sums, 2 vectors and a broadcast fill 15 of the 16 registers of AVX2

_float = ir.FloatType()
_i32 = ir.IntType(32)
_i64 = ir.IntType(64)


def _vector(lanes: int) -> Any:
    return ir.VectorType(_float, lanes)


def _pointer(builder: Any, address: Any, kind: Any) -> Any:
    return builder.inttoptr(address, kind.as_pointer())


def _load(builder: Any, address: Any, lanes: int) -> Any:
    return builder.load(_pointer(builder, address, _vector(lanes)), align=4)


def _store(builder: Any, value: Any, address: Any) -> None:
    builder.store(value, _pointer(builder, address, value.type), align=4)


def _plus(builder: Any, address: Any, amount: int) -> Any:
    return builder.add(address, ir.Constant(_i64, amount)) if amount else address


def _broadcast(builder: Any, address: Any, lanes: int) -> Any:
    value = builder.load(_pointer(builder, address, _float), align=4)
    one = builder.insert_element(ir.Constant(_vector(lanes), ir.Undefined), value, ir.Constant(_i32, 0))
    return builder.shuffle_vector(
        one, ir.Constant(_vector(lanes), ir.Undefined), ir.Constant(ir.VectorType(_i32, lanes), [0] * lanes)
    )


def _fma(builder: Any, lanes: int) -> Any:
    kind = ir.FunctionType(_vector(lanes), [_vector(lanes)] * 3)
    return cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{lanes}f32")


@intrinsic
def address(typingctx, array):
    """Address of an array's first element (as ``array.ctypes.data``, at a tenth of the compile time)."""

    def codegen(context, b, signature, args):
        data = context.make_array(signature.args[0])(context, b, args[0]).data
        return b.ptrtoint(data, _i64)

    return types.int64(array), codegen


@intrinsic
def keep(typingctx, array):
    """Keep an array alive until here: where only its `address` is used, it would be freed after that."""

    def codegen(context, b, signature, args):
        return context.get_dummy_value()

    return types.void(array), codegen


def make_tile(vectors: int) -> Any:
    """``tile(base, spots, offsets, panel, depth, start, step, out)`` for rows of ``vectors`` vectors.

    ``out[i, :] = start[i, :] + sum_r  base[spots[i] + offsets[r]] * panel[r, :]`` for ROWS rows ``i`` and ``depth``
    terms ``r`` (at least one).  ``spots`` and ``offsets`` are int64 tables of bytes, ``panel`` and ``out`` are
    contiguous, ``start`` advances ``step`` bytes per row.  One tile does for a convolution (rows: pixels, terms:
    taps of the window) and for its weight's gradient (rows: taps, terms: pixels), without copying windows.
    """
    width = 4 * LANES

    @intrinsic
    def tile(typingctx, base, spots, offsets, panel, depth, start, step, out):
        def codegen(context, b, signature, args):
            base, spots, offsets, panel, depth, start, step, out = args
            fma = _fma(b, LANES)
            rows = [b.add(base, b.load(_pointer(b, _plus(b, spots, 8 * i), _i64), align=8)) for i in range(ROWS)]
            first = []
            for i in range(ROWS):
                row = b.add(start, b.mul(step, ir.Constant(_i64, i)))
                first.append([_load(b, _plus(b, row, width * j), LANES) for j in range(vectors)])
            entry, loop, done = b.block, b.append_basic_block("terms"), b.append_basic_block("done")
            b.branch(loop)
            b.position_at_end(loop)
            r, here = b.phi(_i64), b.phi(_i64)
            r.add_incoming(ir.Constant(_i64, 0), entry)
            here.add_incoming(panel, entry)
            sums = [[b.phi(_vector(LANES)) for _ in range(vectors)] for _ in range(ROWS)]
            for i in range(ROWS):
                for j in range(vectors):
                    sums[i][j].add_incoming(first[i][j], entry)
            right = [_load(b, _plus(b, here, width * j), LANES) for j in range(vectors)]
            offset = b.load(b.gep(_pointer(b, offsets, _i64), [r]), align=8)
            after = []
            for i in range(ROWS):
                left = _broadcast(b, b.add(rows[i], offset), LANES)
                after.append([b.call(fma, [left, right[j], sums[i][j]]) for j in range(vectors)])
            following = b.add(r, ir.Constant(_i64, 1))
            r.add_incoming(following, loop)
            here.add_incoming(_plus(b, here, width * vectors), loop)
            for i in range(ROWS):
                for j in range(vectors):
                    sums[i][j].add_incoming(after[i][j], loop)
            b.cbranch(b.icmp_signed("<", following, depth), loop, done)
            b.position_at_end(done)
            for i in range(ROWS):
                for j in range(vectors):
                    _store(b, after[i][j], _plus(b, out, width * (vectors * i + j)))
            return context.get_dummy_value()

        return types.void(*(types.int64,) * 8), codegen

    return tile


@intrinsic
def transpose8(typingctx, source, pitch, target, row):
    """Copy an 8 x 8 block of floats transposed; ``pitch`` and ``row`` are the bytes from row to row."""

    def codegen(context, b, signature, args):
        source, pitch, target, row = args
        rows = [_load(b, b.add(source, b.mul(pitch, ir.Constant(_i64, i))), 8) for i in range(8)]

        def shuffle(x: Any, y: Any, order: list[int]) -> Any:
            return b.shuffle_vector(x, y, ir.Constant(ir.VectorType(_i32, 8), order))

        # three rounds of exchanges: single floats, pairs within half vectors, half vectors
        low, high = [0, 8, 1, 9, 4, 12, 5, 13], [2, 10, 3, 11, 6, 14, 7, 15]
        a = [shuffle(rows[i], rows[i + 1], order) for i in (0, 2, 4, 6) for order in (low, high)]
        even, odd = [0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15]
        c = [shuffle(a[4 * h + j], a[4 * h + j + 2], order) for h in (0, 1) for j in (0, 1) for order in (even, odd)]
        first, second = [0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]
        turned = [shuffle(c[j], c[4 + j], order) for order in (first, second) for j in range(4)]
        for i in range(8):
            _store(b, turned[i], b.add(target, b.mul(row, ir.Constant(_i64, i))))
        return context.get_dummy_value()

    return types.void(*(types.int64,) * 4), codegen


def _make_move(lanes: int) -> Any:
    @intrinsic
    def move(typingctx, source, target):
        """Copy ``lanes`` floats."""

        def codegen(context, b, signature, args):
            _store(b, _load(b, args[0], lanes), args[1])
            return context.get_dummy_value()

        return types.void(types.int64, types.int64), codegen

    return move


move1 = _make_move(1)


def _rolled(builder: Any, branch: Any) -> None:
    """Ask LLVM not to unroll the loop that ``branch`` closes: it is short, and a rest would cost more than it saves."""
    module = builder.module
    wish = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    loop = ir.values.MDValue(module, [wish], str(len(module.metadata)))
    loop.operands = (loop, wish)  # the metadata of a loop begins with itself
    branch.set_metadata("llvm.loop", loop)


@intrinsic
def copy_rows(typingctx, source, source_pitch, target, target_pitch, rows, length):
    """Copy ``rows`` rows of ``length`` floats, the pitches in bytes.

    Rows of 8 and more are copied by vectors, of which the last overlaps the one before it.
    """

    def codegen(context, b, signature, args):
        source, source_pitch, target, target_pitch, rows, length = args
        zero, one = ir.Constant(_i64, 0), ir.Constant(_i64, 1)
        vectors, scalars, done = (b.append_basic_block(name) for name in ("vectors", "scalars", "done"))
        choose = b.append_basic_block("choose")
        some = b.and_(b.icmp_signed(">", rows, zero), b.icmp_signed(">", length, zero))
        b.cbranch(some, choose, done)
        b.position_at_end(choose)
        b.cbranch(b.icmp_signed(">=", length, ir.Constant(_i64, 8)), vectors, scalars)
        for block, lanes in ((vectors, 8), (scalars, 1)):
            inner, after = b.append_basic_block("floats"), b.append_basic_block("next")
            b.position_at_end(block)
            row, here, there = b.phi(_i64), b.phi(_i64), b.phi(_i64)
            last = b.shl(b.sub(length, ir.Constant(_i64, lanes)), ir.Constant(_i64, 2))
            b.branch(inner)
            b.position_at_end(inner)
            j = b.phi(_i64)
            _store(b, _load(b, b.add(here, j), lanes), b.add(there, j))
            following = b.add(j, ir.Constant(_i64, 4 * lanes))
            j.add_incoming(zero, block)
            j.add_incoming(following, inner)
            _rolled(b, b.cbranch(b.icmp_signed("<", following, last), inner, after))
            b.position_at_end(after)
            _store(b, _load(b, b.add(here, last), lanes), b.add(there, last))
            for phi, start, step in ((row, zero, one), (here, source, source_pitch), (there, target, target_pitch)):
                phi.add_incoming(start, choose)
                phi.add_incoming(b.add(phi, step), after)
            b.cbranch(b.icmp_signed("<", b.add(row, one), rows), block, done)
        b.position_at_end(done)
        return context.get_dummy_value()

    return types.void(*(types.int64,) * 6), codegen


@intrinsic
def clear8(typingctx, target):
    """Write 8 zeros."""

    def codegen(context, b, signature, args):
        _store(b, ir.Constant(_vector(8), [0.0] * 8), args[0])
        return context.get_dummy_value()

    return types.void(types.int64), codegen


@intrinsic
def clear1(typingctx, target):
    """Write one zero."""

    def codegen(context, b, signature, args):
        b.store(ir.Constant(_float, 0.0), _pointer(b, args[0], _float), align=4)
        return context.get_dummy_value()

    return types.void(types.int64), codegen


def make_strip(channels: int, vectors: int) -> Any:
    """``strip(base, offsets, depth, weights, starts, out, pitch)`` for ``vectors`` vectors of pixels in a row.

    ``out[c, :] = starts[c] + sum_r weights[r, c] * base[offsets[r] :]`` for each of ``channels`` output channels ``c``,
    which are ``pitch`` bytes apart.
    """
    width = 4 * LANES

    @intrinsic
    def strip(typingctx, base, offsets, depth, weights, starts, out, pitch):
        def codegen(context, b, signature, args):
            base, offsets, depth, weights, starts, out, pitch = args
            fma = _fma(b, LANES)
            first = [_broadcast(b, _plus(b, starts, 4 * c), LANES) for c in range(channels)]
            entry, loop, done = b.block, b.append_basic_block("terms"), b.append_basic_block("done")
            b.branch(loop)
            b.position_at_end(loop)
            r = b.phi(_i64)
            r.add_incoming(ir.Constant(_i64, 0), entry)
            sums = [[b.phi(_vector(LANES)) for _ in range(vectors)] for _ in range(channels)]
            at = b.add(base, b.load(b.gep(_pointer(b, offsets, _i64), [r]), align=8))
            pixels = [_load(b, _plus(b, at, width * j), LANES) for j in range(vectors)]
            row = b.add(weights, b.mul(r, ir.Constant(_i64, 4 * channels)))
            following = b.add(r, ir.Constant(_i64, 1))
            r.add_incoming(following, loop)
            after = []
            for c in range(channels):
                weight = _broadcast(b, _plus(b, row, 4 * c), LANES)
                after.append([b.call(fma, [weight, pixels[j], sums[c][j]]) for j in range(vectors)])
                for j in range(vectors):
                    sums[c][j].add_incoming(first[c], entry)
                    sums[c][j].add_incoming(after[c][j], loop)
            b.cbranch(b.icmp_signed("<", following, depth), loop, done)
            b.position_at_end(done)
            for c in range(channels):
                line = b.add(out, b.mul(pitch, ir.Constant(_i64, c)))
                for j in range(vectors):
                    _store(b, after[c][j], _plus(b, line, width * j))
            return context.get_dummy_value()

        return types.void(*(types.int64,) * 7), codegen

    return strip


def make_dots(channels: int, terms: int) -> Any:
    """``dots(left, pitch, base, offsets, count, sums)``: scalar products of ``count`` vectors, kept lane by lane.

    ``sums[c, r, :] += left[c, v, :] * base[offsets[r] + v, :]`` over all vectors ``v``, for each of ``channels`` rows
    of ``left`` (``pitch`` bytes apart) and ``terms`` offsets.
    """
    width = 4 * LANES

    @intrinsic
    def dots(typingctx, left, pitch, base, offsets, count, sums):
        def codegen(context, b, signature, args):
            left, pitch, base, offsets, count, sums = args
            fma = _fma(b, LANES)
            rows = [b.add(left, b.mul(pitch, ir.Constant(_i64, c))) for c in range(channels)]
            spots = [b.add(base, b.load(_pointer(b, _plus(b, offsets, 8 * r), _i64), align=8)) for r in range(terms)]
            places = [[_plus(b, sums, width * (terms * c + r)) for r in range(terms)] for c in range(channels)]
            first = [[_load(b, place, LANES) for place in line] for line in places]
            entry, loop, done = b.block, b.append_basic_block("vectors"), b.append_basic_block("done")
            b.branch(loop)
            b.position_at_end(loop)
            v = b.phi(_i64)
            v.add_incoming(ir.Constant(_i64, 0), entry)
            totals = [[b.phi(_vector(LANES)) for _ in range(terms)] for _ in range(channels)]
            at = b.mul(v, ir.Constant(_i64, width))
            lefts = [_load(b, b.add(row, at), LANES) for row in rows]
            after: list[list[Any]] = [[None] * terms for _ in range(channels)]
            for r in range(terms):
                right = _load(b, b.add(spots[r], at), LANES)
                for c in range(channels):
                    after[c][r] = b.call(fma, [lefts[c], right, totals[c][r]])
            following = b.add(v, ir.Constant(_i64, 1))
            v.add_incoming(following, loop)
            for c in range(channels):
                for r in range(terms):
                    totals[c][r].add_incoming(first[c][r], entry)
                    totals[c][r].add_incoming(after[c][r], loop)
            v_end = b.icmp_signed("<", following, count)
            b.cbranch(v_end, loop, done)
            b.position_at_end(done)
            for c in range(channels):
                for r in range(terms):
                    _store(b, after[c][r], places[c][r])
            return context.get_dummy_value()

        return types.void(*(types.int64,) * 6), codegen

    return dots
