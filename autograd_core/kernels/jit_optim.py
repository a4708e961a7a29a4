# mypy: ignore-errors
"""Numba: optimizer updates over chunks of many tensors. Called through `optim_plan` only, which fills the tables.

Arguments that all updates share: ``table``, a column for each chunk: its length, the row of `hyper` with its tensor's
scalars, the addresses of gradient and parameter, then of the states in the order of `optim`'s lists; ``hyper``, one
row for all tensors or one for each; and ``like``, an empty array of the tensors' dtype. No fastmath: each operation is
the one NumPy does, so that kernel and twin agree to the last bit; the passes are bound by memory, not by arithmetic.
"""

from __future__ import annotations

import math

import numpy as np
from numba import carray

from .jit import inner, kernel
from .jit_memory import pointer
from .optim_plan import GRADS, LENGTHS, LISTS, OWNERS

# Of an array object, in words after the object's header: data, number of dimensions, their sizes, strides, base,
# dtype, flags (the struct that NumPy's C interface makes public). `optim_plan` tries it out before it relies on it.
HEADER = object.__basicsize__
DATA, NDIM, SIZES, DESCR, FLAGS, WORDS = 0, 1, 2, 5, 6, 7
HALF_WORD = 0xFFFFFFFF  # ints of 32 bits
READABLE, WRITEABLE = 0x1 | 0x100, 0x400  # C-contiguous and aligned


@kernel
def enter(ids, models, table, offsets):
    """Enter the data addresses of the arrays `ids` in the table's row of gradients, one array for each of `models`.

    False, and nothing of use entered, when one of them differs from its model in dtype or shape or is not contiguous.
    """
    for k in range(len(ids)):
        mine = carray(pointer(ids[k] + HEADER), (WORDS,), np.int64)
        model = carray(pointer(models[k] + HEADER), (WORDS,), np.int64)
        ndim = mine[NDIM] & HALF_WORD
        if mine[DESCR] != model[DESCR] or mine[FLAGS] & READABLE != READABLE or ndim != model[NDIM] & HALF_WORD:
            return False
        if ndim > 0:
            sizes = carray(pointer(mine[SIZES]), (ndim,), np.int64)
            wanted = carray(pointer(model[SIZES]), (ndim,), np.int64)
            for i in range(ndim):
                if sizes[i] != wanted[i]:
                    return False
    for c in range(len(offsets)):
        array = carray(pointer(ids[table[OWNERS, c]] + HEADER), (WORDS,), np.int64)
        table[GRADS, c] = array[DATA] + offsets[c]
    return True


@inner
def piece(table, row, c, like):
    """The part of a tensor that a chunk covers."""
    return carray(pointer(table[row, c]), (table[LENGTHS, c],), like.dtype)


@inner
def scalars(hyper, table, c):
    return hyper[table[OWNERS, c] if len(hyper) > 1 else 0]


@kernel(fastmath=False)
def sgd(begin, end, table, hyper, like, momentum, nesterov, maximize):
    t = like.dtype.type
    for c in range(begin, end):
        n = table[LENGTHS, c]
        h = scalars(hyper, table, c)
        negative_lr, mu, keep, decay = t(h[0]), t(h[1]), t(h[2]), t(h[3])
        decays, first = h[3] != 0, h[4] != 0
        g = piece(table, GRADS, c, like)
        p = piece(table, LISTS, c, like)
        if momentum:
            b = piece(table, LISTS + 1, c, like)
            for i in range(n):
                d = -g[i] if maximize else g[i]
                if decays:
                    d = d + decay * p[i]
                v = d if first else b[i] * mu + keep * d
                b[i] = v
                if nesterov:
                    v = d + mu * v
                p[i] += negative_lr * v
        else:
            for i in range(n):
                d = -g[i] if maximize else g[i]
                if decays:
                    d = d + decay * p[i]
                p[i] += negative_lr * d


@kernel(fastmath=False)
def adam(begin, end, table, hyper, like, amsgrad, decays, decoupled, maximize):
    t = like.dtype.type
    for c in range(begin, end):
        n = table[LENGTHS, c]
        h = scalars(hyper, table, c)
        step, correction, weight, beta1, beta2, rest2, eps, decay = (
            t(h[0]),
            t(h[1]),
            t(h[2]),
            t(h[3]),
            t(h[4]),
            t(h[5]),
            t(h[6]),
            t(h[7]),
        )
        near = h[2] < 0.5
        g = piece(table, GRADS, c, like)
        p = piece(table, LISTS, c, like)
        m = piece(table, LISTS + 1, c, like)
        v = piece(table, LISTS + 2, c, like)
        top = piece(table, LISTS + (3 if amsgrad else 2), c, like)
        for i in range(n):
            d = -g[i] if maximize else g[i]
            x = p[i]
            if decays:
                if decoupled:
                    x = x * decay
                else:
                    d = d + decay * x
            mean = m[i] + (d - m[i]) * weight if near else d - (d - m[i]) * beta1
            square = v[i] * beta2 + rest2 * d * d
            m[i] = mean
            v[i] = square
            if amsgrad:
                largest = top[i]
                if not square <= largest and not np.isnan(largest):  # a NaN on either side stays, as in torch.maximum
                    largest = square
                top[i] = largest
                square = largest
            p[i] = x + step * mean / (math.sqrt(square) / correction + eps)


@kernel(fastmath=False)
def rmsprop(begin, end, table, hyper, like, centered, momentum, maximize):
    t = like.dtype.type
    for c in range(begin, end):
        n = table[LENGTHS, c]
        h = scalars(hyper, table, c)
        negative_lr, alpha, rest, eps, decay, mu = t(h[0]), t(h[1]), t(h[2]), t(h[3]), t(h[4]), t(h[5])
        decays, near = h[4] != 0, h[2] < 0.5
        g = piece(table, GRADS, c, like)
        p = piece(table, LISTS, c, like)
        s = piece(table, LISTS + 1, c, like)
        a = piece(table, LISTS + (2 if centered else 1), c, like)
        b = piece(table, LISTS + ((3 if centered else 2) if momentum else 1), c, like)
        for i in range(n):
            d = -g[i] if maximize else g[i]
            if decays:
                d = d + decay * p[i]
            square = s[i] * alpha + rest * d * d
            s[i] = square
            if centered:
                mean = a[i] + (d - a[i]) * rest if near else d - (d - a[i]) * alpha
                a[i] = mean
                square = square - mean * mean
            average = math.sqrt(square) + eps
            if momentum:
                v = b[i] * mu + d / average
                b[i] = v
                p[i] += negative_lr * v
            else:
                p[i] += negative_lr * d / average


@kernel(fastmath=False)
def adagrad(begin, end, table, hyper, like, maximize):
    t = like.dtype.type
    for c in range(begin, end):
        n = table[LENGTHS, c]
        h = scalars(hyper, table, c)
        negative_lr, decay, eps = t(h[0]), t(h[1]), t(h[2])
        decays = h[1] != 0
        g = piece(table, GRADS, c, like)
        p = piece(table, LISTS, c, like)
        s = piece(table, LISTS + 1, c, like)
        for i in range(n):
            d = -g[i] if maximize else g[i]
            if decays:
                d = d + decay * p[i]
            total = s[i] + d * d
            s[i] = total
            p[i] += negative_lr * d / (math.sqrt(total) + eps)


@kernel(fastmath=False)
def adadelta(begin, end, table, hyper, like, maximize):
    t = like.dtype.type
    for c in range(begin, end):
        h = scalars(hyper, table, c)
        lr, rho, rest, eps, decay = t(h[0]), t(h[1]), t(h[2]), t(h[3]), t(h[4])
        decays = h[4] != 0
        g, p = piece(table, GRADS, c, like), piece(table, LISTS, c, like)
        s, a = piece(table, LISTS + 1, c, like), piece(table, LISTS + 2, c, like)
        for i in range(table[LENGTHS, c]):
            d = -g[i] if maximize else g[i]
            if decays:
                d = d + decay * p[i]
            square = rho * s[i] + rest * d * d
            s[i] = square
            move = math.sqrt(a[i] + eps) / math.sqrt(square + eps) * d
            a[i] = rho * a[i] + rest * move * move
            p[i] -= lr * move


@kernel(fastmath=False)
def adamax(begin, end, table, hyper, like, maximize):
    t = like.dtype.type
    for c in range(begin, end):
        h = scalars(hyper, table, c)
        step, weight, beta2, eps, decay = t(h[0]), t(h[1]), t(h[2]), t(h[3]), t(h[4])
        decays = h[4] != 0
        g, p = piece(table, GRADS, c, like), piece(table, LISTS, c, like)
        m, u = piece(table, LISTS + 1, c, like), piece(table, LISTS + 2, c, like)
        for i in range(table[LENGTHS, c]):
            d = -g[i] if maximize else g[i]
            if decays:
                d = d + decay * p[i]
            mean = m[i] + weight * (d - m[i])
            m[i] = mean
            size, old = abs(d) + eps, beta2 * u[i]
            if not size <= old and not np.isnan(old):  # a NaN on either side stays, as in torch.maximum
                old = size
            u[i] = old
            p[i] -= step * mean / old


@kernel(fastmath=False)
def nadam(begin, end, table, hyper, like, decoupled, maximize):
    t = like.dtype.type
    for c in range(begin, end):
        h = scalars(hyper, table, c)
        of_g, of_m, weight, beta2, rest2 = t(h[0]), t(h[1]), t(h[2]), t(h[3]), t(h[4])
        correction, eps, decay = t(h[5]), t(h[6]), t(h[7])
        decays = h[7] != 0
        g, p = piece(table, GRADS, c, like), piece(table, LISTS, c, like)
        m, v = piece(table, LISTS + 1, c, like), piece(table, LISTS + 2, c, like)
        for i in range(table[LENGTHS, c]):
            d = -g[i] if maximize else g[i]
            x = p[i]
            if decoupled:
                x = x * decay
            elif decays:
                d = d + decay * x
            mean = m[i] + weight * (d - m[i])
            square = beta2 * v[i] + rest2 * d * d
            m[i] = mean
            v[i] = square
            p[i] = x - (of_g * d + of_m * mean) / (math.sqrt(square / correction) + eps)


@kernel(fastmath=False)
def radam(begin, end, table, hyper, like, decoupled, maximize):
    t = like.dtype.type
    for c in range(begin, end):
        h = scalars(hyper, table, c)
        lr, correction1, root2, rectify = t(h[0]), t(h[1]), t(h[2]), t(h[3])
        weight, beta2, rest2, eps, decay = t(h[4]), t(h[5]), t(h[6]), t(h[7]), t(h[8])
        decays, adaptive = h[8] != 0, h[3] != 0
        g, p = piece(table, GRADS, c, like), piece(table, LISTS, c, like)
        m, v = piece(table, LISTS + 1, c, like), piece(table, LISTS + 2, c, like)
        for i in range(table[LENGTHS, c]):
            d = -g[i] if maximize else g[i]
            x = p[i]
            if decoupled:
                x = x * decay
            elif decays:
                d = d + decay * x
            mean = m[i] + weight * (d - m[i])
            square = beta2 * v[i] + rest2 * d * d
            m[i] = mean
            v[i] = square
            move = mean / correction1 * lr
            if adaptive:
                move = move * (root2 / (math.sqrt(square) + eps)) * rectify
            p[i] = x - move


@kernel(fastmath=False)
def asgd(begin, end, table, hyper, like, maximize):
    t = like.dtype.type
    for c in range(begin, end):
        h = scalars(hyper, table, c)
        shrink, eta, mu, decay = t(h[0]), t(h[1]), t(h[2]), t(h[3])
        copies, decays = h[2] == 1, h[3] != 0
        g, p, a = piece(table, GRADS, c, like), piece(table, LISTS, c, like), piece(table, LISTS + 1, c, like)
        for i in range(table[LENGTHS, c]):
            d = -g[i] if maximize else g[i]
            if decays:
                d = d + decay * p[i]
            x = p[i] * shrink - eta * d
            p[i] = x
            a[i] = x if copies else a[i] + (x - a[i]) * mu


@kernel(fastmath=False)
def rprop(begin, end, table, hyper, like, maximize):
    t = like.dtype.type
    zero, one = t(0), t(1)
    for c in range(begin, end):
        h = scalars(hyper, table, c)
        shrink, grow, least, most = t(h[0]), t(h[1]), t(h[2]), t(h[3])
        g, p = piece(table, GRADS, c, like), piece(table, LISTS, c, like)
        before, step = piece(table, LISTS + 1, c, like), piece(table, LISTS + 2, c, like)
        for i in range(table[LENGTHS, c]):
            d = -g[i] if maximize else g[i]
            turn, size = d * before[i], step[i]
            if turn > zero:
                size = size * grow
            if turn < zero:
                size, d = size * shrink, zero
            if size < least:
                size = least
            if size > most:
                size = most
            step[i] = size
            before[i] = d
            sign = d - d  # 0, and NaN where the gradient is not finite
            if d > zero:
                sign = one
            if d < zero:
                sign = -one
            p[i] -= sign * size


@kernel(fastmath=False)
def lion(begin, end, table, hyper, like, maximize):
    t = like.dtype.type
    zero = t(0)
    for c in range(begin, end):
        h = scalars(hyper, table, c)
        shrink, lr, beta1, rest1, beta2, rest2 = t(h[0]), t(h[1]), t(h[2]), t(h[3]), t(h[4]), t(h[5])
        g, p, m = piece(table, GRADS, c, like), piece(table, LISTS, c, like), piece(table, LISTS + 1, c, like)
        for i in range(table[LENGTHS, c]):
            d = -g[i] if maximize else g[i]
            way = beta1 * m[i] + rest1 * d
            move = lr * (way - way)
            if way > zero:
                move = lr
            if way < zero:
                move = -lr
            p[i] = p[i] * shrink - move
            m[i] = beta2 * m[i] + rest2 * d


# --------------------------------------------------------------------------------------- clipping
#
# Arrays of one dtype, given by their ids, as if they were laid end to end: a piece of the work is a part of that line.


@kernel
def line(ids, dtype_id):
    """The length of the line, or -1 when an array is of another dtype, is not contiguous, or may not be written to."""
    total = 0
    for k in range(len(ids)):
        array = carray(pointer(ids[k] + HEADER), (WORDS,), np.int64)
        if array[DESCR] != dtype_id or array[FLAGS] & (READABLE | WRITEABLE) != READABLE | WRITEABLE:
            return -1
        total += length(array)
    return total


@inner
def length(array):
    n = 1
    ndim = array[NDIM] & HALF_WORD
    if ndim > 0:
        sizes = carray(pointer(array[SIZES]), (ndim,), np.int64)
        for i in range(ndim):
            n *= sizes[i]
    return n


@inner
def part(ids, k, start, begin, end, like):
    """What `begin` to `end` of the line covers of array k, which starts at `start`; and where the next one starts."""
    array = carray(pointer(ids[k] + HEADER), (WORDS,), np.int64)
    n = length(array)
    low, high = max(begin - start, 0), min(end - start, n)
    return carray(pointer(array[DATA] + low * like.itemsize), (max(high - low, 0),), like.dtype), start + n


@kernel
def squares(begin, end, ids, like, sums, chunk):
    """The sum of squares of each chunk of the line, added up in float64."""
    for c in range(begin, end):
        total, start = 0.0, 0
        for k in range(len(ids)):
            x, start = part(ids, k, start, c * chunk, (c + 1) * chunk, like)
            for i in range(len(x)):
                value = np.float64(x[i])
                total += value * value
            if start >= (c + 1) * chunk:
                break
        sums[c] = total


@kernel(fastmath=False)
def scale(begin, end, ids, like, factor):
    f, start = like.dtype.type(factor), 0
    for k in range(len(ids)):
        x, start = part(ids, k, start, begin, end, like)
        for i in range(len(x)):
            x[i] *= f


@kernel(fastmath=False)
def clamp(begin, end, ids, like, bound):
    high, start = like.dtype.type(bound), 0
    low = -high
    for k in range(len(ids)):
        x, start = part(ids, k, start, begin, end, like)
        for i in range(len(x)):
            v = x[i]
            v = low if v < low else v  # NaN stays
            x[i] = high if v > high else v
