# mypy: ignore-errors
"""Numba: a share of matrix products, each computed in the calling thread by the BLAS inside NumPy.

The BLAS function is called at its address, which is found anew in every process; so is the width of its integers, since
the compiled kernel outlives an exchange of NumPy.
"""

from __future__ import annotations

from llvmlite import ir
from numba import carray, types
from numba.core import cgutils
from numba.extending import intrinsic

from .jit import kernel
from .jit_memory import pointer

ROW_MAJOR, AS_IS, TURNED = 101, 111, 112  # names of the orders in CBLAS


def _make(number, bits):
    """``gemm(function, m, n, k, a, turned, lda, b, turned, ldb, c, ldc, add)``: CBLAS's gemm, C = A B or C += A B.

    All sizes are int64.
    """

    @intrinsic
    def gemm(typingctx, function, m, n, k, a, turn_a, lda, b, turn_b, ldb, c, ldc, add):
        def codegen(context, builder, signature, args):
            function, m, n, k, a, turn_a, lda, b, turn_b, ldb, c, ldc, add = args
            enum, integer, address = ir.IntType(32), ir.IntType(bits), ir.IntType(8).as_pointer()
            matrix = [address, integer]
            kinds = [enum] * 3 + [integer] * 3 + [number, *matrix, *matrix, number, *matrix]

            def order(turned):
                return builder.select(cgutils.is_true(builder, turned), enum(TURNED), enum(AS_IS))

            def size(value):
                return value if bits == 64 else builder.trunc(value, integer)

            def array(start, step):
                return [builder.inttoptr(start, address), size(step)]

            call = builder.inttoptr(function, ir.FunctionType(ir.VoidType(), kinds).as_pointer())
            head = [enum(ROW_MAJOR), order(turn_a), order(turn_b), size(m), size(n), size(k)]
            keep = builder.select(cgutils.is_true(builder, add), number(1.0), number(0.0))
            builder.call(call, [*head, number(1.0), *array(a, lda), *array(b, ldb), keep, *array(c, ldc)])
            return context.get_dummy_value()

        return types.void(*[types.int64] * 13), codegen

    return gemm


_single, _single_wide = _make(ir.FloatType(), 32), _make(ir.FloatType(), 64)
_double, _double_wide = _make(ir.DoubleType(), 32), _make(ir.DoubleType(), 64)


def _make_fill(number):
    @kernel(cache=False, no_cpython_wrapper=True)
    def fill_rows(c, ldc, rows, columns, row):
        """Copy a row into all rows of a block of a matrix."""
        values = carray(pointer(row), columns, number)
        for i in range(rows):
            line = carray(pointer(c + i * ldc * values.itemsize), columns, number)
            for j in range(columns):
                line[j] = values[j]

    return fill_rows


_fill_single, _fill_double = _make_fill(types.float32), _make_fill(types.float64)


@kernel
def products(
    begin, end, function, wide, item, height, width, depth, a, turn_a, lda, step_a, b, turn_b, ldb, step_b, c, bias, block, columns
):  # fmt: skip
    """Blocks `begin` to `end` of a batch of products C = A B (+ a row): blocks of rows of C, or of columns.

    a, b, c, bias: addresses, 0 for no bias; item: bytes a number; turned: stored as the transpose; ld: numbers from a
    row (stored) to the next; step: numbers from a matrix to the next; block: rows or columns in a block.
    """
    length = width if columns else height
    blocks = -(-length // block)
    while begin < end:
        which, first = divmod(begin, blocks)
        last = min(blocks, first + end - begin)
        begin += last - first
        start, size = first * block, min(length, last * block) - first * block
        rows, wide_c = (height, size) if columns else (size, width)
        here_a, here_b, here_c = a + which * step_a * item, b + which * step_b * item, c + which * height * width * item
        row = bias
        if columns:
            here_b += (start * ldb if turn_b else start) * item
            here_c += start * item
            row += start * item
        else:
            here_a += (start if turn_a else start * lda) * item
            here_c += start * width * item
        add = bias != 0  # BLAS fills C with zeros before it adds; with the bias there, adding it costs nothing more
        if item == 4:
            if add:
                _fill_single(here_c, width, rows, wide_c, row)
            if wide:
                _single_wide(function, rows, wide_c, depth, here_a, turn_a, lda, here_b, turn_b, ldb, here_c, width, add)
            else:
                _single(function, rows, wide_c, depth, here_a, turn_a, lda, here_b, turn_b, ldb, here_c, width, add)
        else:
            if add:
                _fill_double(here_c, width, rows, wide_c, row)
            if wide:
                _double_wide(function, rows, wide_c, depth, here_a, turn_a, lda, here_b, turn_b, ldb, here_c, width, add)
            else:
                _double(function, rows, wide_c, depth, here_a, turn_a, lda, here_b, turn_b, ldb, here_c, width, add)
