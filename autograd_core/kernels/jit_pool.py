# mypy: ignore-errors
"""The native half of the thread pool: how pieces of a range are posted, claimed and awaited without Python.

A region is posted in a *mailbox*, an array of words one cache line apart.  Whoever gets hold of the ticket (the
posting thread and every helper that happens to be awake) takes the next piece until none is left; the posting
thread then waits for the pieces that others still have in hand.  So nothing depends on a helper being awake: one
that sleeps, was forked away or has no CPU costs speed only, and uneven pieces even out.
"""

from __future__ import annotations

import platform
import sys
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from .jit import beside, inner, kernel

LINE = 64  # bytes in a cache line
WORDS = 10  # in the mailbox
# ticket = epoch << 32 | pieces not yet claimed: a claim can only succeed in the region it was read in
TICKET, PENDING, BUSY, FUNCTION, ENV, SIZE, PIECES, ERROR, CLOSED, POST = (LINE * i for i in range(WORDS))

_word = ir.IntType(64)
_byte_pointer = ir.IntType(8).as_pointer()


def _address(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, _word.as_pointer())


@intrinsic
def load(typingctx, address):
    """Read a word that other threads write."""

    def codegen(context, builder, signature, args):
        return builder.load_atomic(_address(builder, args[0]), "acquire", 8)

    return types.int64(types.int64), codegen


@intrinsic
def store(typingctx, address, value):
    """Write a word that other threads read; what was written before is visible to them."""

    def codegen(context, builder, signature, args):
        builder.store_atomic(args[1], _address(builder, args[0]), "release", 8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen


@intrinsic
def swap_if(typingctx, address, expected, value):
    """Write ``value`` if the word is ``expected``; whether it was."""

    def codegen(context, builder, signature, args):
        pair = builder.cmpxchg(_address(builder, args[0]), args[1], args[2], "acq_rel", "acquire")
        return builder.extract_value(pair, 1)

    return types.boolean(types.int64, types.int64, types.int64), codegen


@intrinsic
def add(typingctx, address, value):
    """Add to a word."""

    def codegen(context, builder, signature, args):
        return builder.atomic_rmw("add", _address(builder, args[0]), args[1], "acq_rel")

    return types.int64(types.int64, types.int64), codegen


@intrinsic
def pause(typingctx):
    """Tell the CPU that this is a waiting loop."""

    def codegen(context, builder, signature, args):
        machine = platform.machine().lower()
        if machine in ("x86_64", "amd64"):
            hint = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(ir.VoidType(), []), "llvm.x86.sse2.pause"
            )
            builder.call(hint, [])
        elif machine in ("aarch64", "arm64"):
            number = ir.IntType(32)
            hint = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(ir.VoidType(), [number]), "llvm.aarch64.hint"
            )
            builder.call(hint, [ir.Constant(number, 1)])
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def give_way(typingctx):
    """Let another thread have this CPU, if one waits for it."""

    def codegen(context, builder, signature, args):
        if sys.platform != "win32":
            number = ir.IntType(32)
            builder.call(cgutils.get_or_insert_function(builder.module, ir.FunctionType(number, []), "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(), codegen


def _piece_type(context: Any) -> Any:
    return context.call_conv.get_function_type(types.none, (types.int64, types.int64, types.int64))


@intrinsic
def call_piece(typingctx, function, env, begin, end):
    """Run a function made by `bind` on ``[begin, end)``; its status, 0 when it raised nothing."""

    def codegen(context, builder, signature, args):
        function_type = _piece_type(context)
        function = builder.inttoptr(args[0], function_type.as_pointer())
        result = cgutils.alloca_once(builder, function_type.args[0].pointee)
        exception = cgutils.alloca_once(builder, function_type.args[1].pointee)
        status = builder.call(function, [result, exception, args[2], args[3], args[1]])
        return builder.sext(status, _word)

    return types.int64(types.int64, types.int64, types.int64, types.int64), codegen


@intrinsic
def bind(typingctx, function, values):
    """Addresses of ``piece(begin, end, env)``, which calls ``function(begin, end, *values)``, and of its env.

    The env lies on the stack of the calling function and is valid until that returns.
    """
    call_type = function.get_call_type(typingctx, (types.int64, types.int64, *values.types), {})

    def codegen(context, builder, signature, args):
        env = cgutils.alloca_once_value(builder, args[1])
        outer = builder.function
        piece = ir.Function(builder.module, _piece_type(context), name=f"{outer.name}.piece")
        piece.linkage = "internal"
        inner = ir.IRBuilder(piece.append_basic_block("entry"))
        begin, end, pointer = piece.args[2:]
        packed = inner.load(inner.inttoptr(pointer, env.type))
        unpacked = cgutils.unpack_tuple(inner, packed, len(values.types))
        body = context.get_function(function, call_type)
        context.add_linking_libs(getattr(body, "libs", ()))
        body(inner, [begin, end, *unpacked])
        inner.ret(ir.Constant(ir.IntType(32), 0))
        return context.make_tuple(
            builder, signature.return_type, [builder.ptrtoint(piece, _word), builder.ptrtoint(env, _word)]
        )

    return types.UniTuple(types.int64, 2)(function, values), codegen


@inner
def run_pieces(box):
    """Claim and run pieces of the posted region until none is left; how many this thread ran."""
    count = 0
    while True:
        ticket = load(box + TICKET)
        left = ticket & 0xFFFFFFFF
        if left == 0:
            return count
        if not swap_if(box + TICKET, ticket, ticket - 1):
            continue
        # claimed: the region cannot end before this piece has, so its description stays valid
        pieces = load(box + PIECES)
        size, rest = divmod(load(box + SIZE), pieces)
        i = pieces - left
        begin = i * size + min(i, rest)
        end = begin + size + (1 if i < rest else 0)
        status = call_piece(load(box + FUNCTION), load(box + ENV), begin, end)
        if status != 0:
            store(box + ERROR, status)
        add(box + PENDING, -1)
        count += 1


@kernel
def post(box, function, env, n, pieces):
    """Run ``pieces`` pieces of ``range(n)`` with whatever helpers are awake; 0, or the status of a failed piece."""
    if pieces == 1 or not swap_if(box + BUSY, 0, 1):
        size, rest = divmod(n, pieces)
        error = 0
        for i in range(pieces):
            begin = i * size + min(i, rest)
            status = call_piece(function, env, begin, begin + size + (1 if i < rest else 0))
            if status != 0:
                error = status
        return error
    store(box + FUNCTION, function)
    store(box + ENV, env)
    store(box + SIZE, n)
    store(box + PIECES, pieces)
    store(box + PENDING, pieces)
    store(box + ERROR, 0)
    store(box + TICKET, ((load(box + TICKET) >> 32) + 1) << 32 | pieces)
    run_pieces(box)
    spins = 0
    while load(box + PENDING) != 0:
        spins += 1
        if spins < 200:
            pause()
        else:
            give_way()
    error = load(box + ERROR)
    store(box + BUSY, 0)
    return error


@kernel
def serve(box, patience):
    """A helper's watch: run pieces as they are posted; return after ``patience`` rounds without one."""
    idle = 0
    while idle < patience and load(box + CLOSED) == 0:
        if run_pieces(box) > 0:
            idle = 0
        idle += 1
        pause()
        if idle & 7 == 0:
            give_way()
    return 0


def post_address() -> int:
    """Where the machine code of `post` lies, for the mailbox's word ``POST``."""
    signature = (types.int64,) * 5
    post.compile(signature)
    compiled = post.overloads[signature]
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)


@intrinsic
def call_post(typingctx, box, function, env, n, pieces):
    """Call `post` at the address in the mailbox: compiled into every region it took two thirds of their compile time."""

    def codegen(context, builder, signature, args):
        function_type = context.call_conv.get_function_type(types.int64, signature.args)
        place = builder.add(args[0], ir.Constant(_word, POST))
        target = builder.inttoptr(builder.load(_address(builder, place)), function_type.as_pointer())
        result = cgutils.alloca_once(builder, function_type.args[0].pointee)
        exception = cgutils.alloca_once(builder, function_type.args[1].pointee)
        builder.call(target, [result, exception, *args])
        return builder.load(result)

    return types.int64(*[types.int64] * 5), codegen


def region(function: Any) -> Any:
    """The compiled ``region(box, n, pieces, *args)`` that posts the kernel ``function(begin, end, *args)``."""
    names = "".join(
        f"{name}, " for name in function.py_func.__code__.co_varnames[2 : function.py_func.__code__.co_argcount]
    )
    source = (
        f"def region(box, n, pieces, {names}):\n"
        f"    function, env = bind(body, ({names}))\n"
        f"    return call_post(box, function, env, n, pieces)\n"
    )
    # The body without what Python needs to call it, and not cached: it lies in the region's machine code.
    options = {name: value for name, value in function.targetoptions.items() if name != "nopython"}
    body = kernel(function.py_func, cache=False, **options | {"no_cpython_wrapper": True})
    return kernel(beside(function.py_func, source, {"bind": bind, "call_post": call_post, "body": body}))
