# mypy: ignore-errors
"""Numba: the k-th smallest and the k first of each row, without sorting; see `selection`."""

from __future__ import annotations

import numpy as np

from .jit import inner, kernel


@inner
def kth(a, n, k):
    """The element of rank k among the first n of `a` (no NaN), which are moved about.

    Quickselect (Hoare 1961). A partition writes every element and moves the end by a comparison's outcome: no branch
    for the processor to guess. The pivot is the middle of three at random places, so no order of the input is slow.
    """
    left, random = 0, np.uint64(88172645463325252)
    while True:
        size = n - left
        if size <= 16:
            for i in range(left + 1, n):
                v, j = a[i], i
                while j > left and a[j - 1] > v:
                    a[j] = a[j - 1]
                    j -= 1
                a[j] = v
            return a[left + k]
        random ^= random << np.uint64(13)
        random ^= random >> np.uint64(7)
        random ^= random << np.uint64(17)
        bits = np.int64(random >> np.uint64(1))
        p, q, r = a[left + bits % size], a[left + (bits >> 20) % size], a[left + (bits >> 40) % size]
        pivot = max(min(p, q), min(max(p, q), r))
        low = left
        for i in range(left, n):
            v = a[i]
            a[i] = a[low]
            a[low] = v
            low += np.int64(v < pivot)
        if k < low - left:
            n = low
            continue
        high = low
        for i in range(low, n):
            v = a[i]
            a[i] = a[high]
            a[high] = v
            high += np.int64(v == pivot)
        if k < high - left:
            return pivot
        k -= high - left
        left = high


@kernel
def rank_rows(begin, end, x, k, median, skip_nan, values, index):
    """The element of rank k of each row, NaN greatest, and its place in a stable sort; `median` finds its rank itself."""
    n = x.shape[1]
    room = np.empty(n, x.dtype)
    for r in range(begin, end):
        row, numbers = x[r], 0
        for i in range(n):
            room[numbers] = row[i]
            numbers += np.int64(row[i] == row[i])
        if median:
            k = (n - 1) // 2
            if numbers < n:
                k = max((numbers - 1) // 2, 0) if skip_nan else numbers
        place = -1
        if k < numbers:
            value = kth(room, numbers, k)
            before = 0
            for i in range(n):
                before += np.int64(row[i] < value)
            for i in range(n):
                if row[i] == value:
                    if before == k:
                        place = i
                        break
                    before += 1
        else:
            before = numbers
            for i in range(n):
                if row[i] != row[i]:
                    if before == k:
                        place = i
                        break
                    before += 1
        values[r] = row[place]
        index[r] = place


@inner
def ahead(a, b, largest):
    """Whether a comes before b: NaN counts as greatest."""
    if largest:
        return a > b or (a != a and b == b)
    return a < b or (b != b and a == a)


@kernel
def top_rows(begin, end, x, largest, values, index):
    """The first k of each row in order; equal elements in theirs."""
    n, k = x.shape[1], values.shape[1]
    for r in range(begin, end):
        row, best, at = x[r], values[r], index[r]
        for i in range(k):
            v, j = row[i], i
            while j > 0 and ahead(v, best[j - 1], largest):
                best[j], at[j] = best[j - 1], at[j - 1]
                j -= 1
            best[j], at[j] = v, i
        last = best[k - 1]
        for i in range(k, n):
            v = row[i]
            if ahead(v, last, largest):
                j = k - 1
                while j > 0 and ahead(v, best[j - 1], largest):
                    best[j], at[j] = best[j - 1], at[j - 1]
                    j -= 1
                best[j], at[j] = v, i
                last = best[k - 1]
