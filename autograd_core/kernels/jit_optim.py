# mypy: ignore-errors
"""Numba: optimizer updates over chunks of many tensors. Called by `optim` only, which fills the tables.

Arguments that all kernels share: ``table[row, chunk]`` the addresses (row 0 gradients, then parameters and states in
the order of `optim`'s lists), ``lengths[chunk]``, ``owner[chunk]`` the row of `hyper` with the tensor's scalars, and
``like``, an empty array of the tensors' dtype. No fastmath: each operation is the one NumPy does, so that kernel and
twin agree to the last bit; the passes are bound by memory, not by arithmetic.
"""

from __future__ import annotations

import math

import numpy as np
from numba import carray

from .jit import kernel
from .jit_memory import pointer


@kernel(fastmath=False)
def sgd(begin, end, table, lengths, owner, hyper, like, momentum, nesterov, maximize):
    t = like.dtype.type
    for c in range(begin, end):
        n = lengths[c]
        h = hyper[owner[c]]
        negative_lr, mu, keep, decay = t(h[0]), t(h[1]), t(h[2]), t(h[3])
        decays, first = h[3] != 0, h[4] != 0
        g = carray(pointer(table[0, c]), (n,), like.dtype)
        p = carray(pointer(table[1, c]), (n,), like.dtype)
        if momentum:
            b = carray(pointer(table[2, c]), (n,), like.dtype)
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
def adam(begin, end, table, lengths, owner, hyper, like, amsgrad, decays, decoupled, maximize):
    t = like.dtype.type
    for c in range(begin, end):
        n = lengths[c]
        h = hyper[owner[c]]
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
        g = carray(pointer(table[0, c]), (n,), like.dtype)
        p = carray(pointer(table[1, c]), (n,), like.dtype)
        m = carray(pointer(table[2, c]), (n,), like.dtype)
        v = carray(pointer(table[3, c]), (n,), like.dtype)
        top = carray(pointer(table[4 if amsgrad else 3, c]), (n,), like.dtype)
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
def rmsprop(begin, end, table, lengths, owner, hyper, like, centered, momentum, maximize):
    t = like.dtype.type
    for c in range(begin, end):
        n = lengths[c]
        h = hyper[owner[c]]
        negative_lr, alpha, rest, eps, decay, mu = t(h[0]), t(h[1]), t(h[2]), t(h[3]), t(h[4]), t(h[5])
        decays, near = h[4] != 0, h[2] < 0.5
        g = carray(pointer(table[0, c]), (n,), like.dtype)
        p = carray(pointer(table[1, c]), (n,), like.dtype)
        s = carray(pointer(table[2, c]), (n,), like.dtype)
        a = carray(pointer(table[3 if centered else 2, c]), (n,), like.dtype)
        b = carray(pointer(table[(4 if centered else 3) if momentum else 2, c]), (n,), like.dtype)
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
def adagrad(begin, end, table, lengths, owner, hyper, like, maximize):
    t = like.dtype.type
    for c in range(begin, end):
        n = lengths[c]
        h = hyper[owner[c]]
        negative_lr, decay, eps = t(h[0]), t(h[1]), t(h[2])
        decays = h[1] != 0
        g = carray(pointer(table[0, c]), (n,), like.dtype)
        p = carray(pointer(table[1, c]), (n,), like.dtype)
        s = carray(pointer(table[2, c]), (n,), like.dtype)
        for i in range(n):
            d = -g[i] if maximize else g[i]
            if decays:
                d = d + decay * p[i]
            total = s[i] + d * d
            s[i] = total
            p[i] += negative_lr * d / (math.sqrt(total) + eps)
