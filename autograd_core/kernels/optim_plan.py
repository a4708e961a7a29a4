"""Where the arrays of an optimizer lie in memory, so that one kernel call can update all of them.

    plan = Plan()                                       keep one for each parameter group
    plan.update(kernel, lists, grads, hyper, flags)     -> indices of the arrays that the compiled kernel updated

``lists`` are the parameters and the states, arrays beside arrays. Each step compares the arrays with those of the step
before; the table of addresses is made anew only when one of them is another object. What changes in each step, the
gradients, is looked up and checked in native code: their data pointers are read from the array objects themselves.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import runtime
from .thresholds import THRESHOLDS

Arrays = Sequence[np.ndarray]

CHUNK = 16384  # elements that one unit of parallel work covers
COMPILED_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))
LENGTHS, OWNERS, GRADS, LISTS = range(4)  # rows of a table: `LISTS` is the first one of parameters and states


class Group:
    """The tensors of one dtype that a kernel can update: a table of addresses, one column for each chunk."""

    __slots__ = ("arrays", "chunks", "grain", "ids", "like", "members", "native_layout", "offsets", "table")

    def __init__(self, members: list[int], lists: Sequence[Arrays], jit: Any) -> None:
        self.members = members
        self.arrays = [[arrays[k] for k in members] for arrays in lists]  # keeps them alive: the table holds addresses
        params = self.arrays[0]
        self.like = np.empty(0, params[0].dtype)
        sizes = np.array([p.size for p in params])
        counts = np.maximum(1, -(-sizes // CHUNK))
        owner = np.repeat(np.arange(len(params)), counts)
        first = np.cumsum(counts) - counts
        starts = (np.arange(len(owner)) - first[owner]) * CHUNK
        self.offsets = starts * self.like.itemsize
        self.chunks = len(owner)
        self.grain = max(1, THRESHOLDS["parallel.elements"] * self.chunks // max(1, int(sizes.sum())))
        self.table = np.zeros((LISTS + len(lists), len(owner)), np.int64)
        self.table[LENGTHS] = np.minimum(sizes[owner] - starts, CHUNK)
        self.table[OWNERS] = owner
        for row, arrays in enumerate(self.arrays, start=LISTS):
            self.table[row] = np.array([a.ctypes.data for a in arrays], np.int64)[owner] + self.offsets
        self.ids = _ids(params)
        # The layout of array objects is NumPy's binary interface, but not this file's to promise: try it on arrays
        # whose addresses are known, and ask each gradient for its address (0.5 us more) where it does not hold.
        self.native_layout = (
            jit.enter(self.ids, self.ids, self.table, self.offsets) and (self.table[GRADS] == self.table[LISTS]).all()
        )

    def enter(self, grads: Arrays, jit: Any) -> Arrays | None:
        """Enter the addresses of this step's gradients if all are contiguous and agree with their parameters.

        What is returned must outlive the kernel call; None: some gradient wants a closer look.
        """
        mine = grads if len(grads) == len(self.members) else [grads[k] for k in self.members]
        if self.native_layout and jit.enter(_ids(mine), self.ids, self.table, self.offsets):
            return mine
        return None

    def run(self, kernel: Any, rows: np.ndarray, flags: Sequence[bool]) -> None:
        """Update the tensors, whose gradients were entered, by the scalars in `rows`."""
        runtime.parallel(kernel, self.chunks, self.table, rows, self.like, *flags, grain=self.grain)

    def enter_copies(self, grads: Arrays) -> list[np.ndarray]:
        """The same for gradients of any layout: copies where a kernel cannot read them."""
        kept = [np.ascontiguousarray(grads[k], self.like.dtype) for k in self.members]
        addresses = np.array([g.ctypes.data for g in kept], np.int64)
        self.table[GRADS] = addresses[self.table[OWNERS]] + self.offsets
        return kept


class Plan:
    """Where lists of arrays lie in memory, looked up once and used at each step.

    Pass the same plan to each call with the same parameters. The plan holds references to the arrays and looks
    them up anew when any of them was replaced; a plan must not be used by two threads at once.
    """

    __slots__ = ("everything", "groups", "keys", "work")

    def __init__(self) -> None:
        self.keys: list[int] = []
        self.groups: list[Group] = []
        self.everything: set[int] = set()  # indices of the arrays that are in a group
        self.work = 0

    def locate(self, lists: Sequence[Arrays], jit: Any) -> list[Group]:
        """The compiled groups of `lists` (parameters first), renewed only when an array is another one."""
        keys: list[int] = []
        for arrays in lists:
            keys += map(id, arrays)
        if keys != self.keys:
            self.groups = _groups(lists, jit)
            self.everything = {k for group in self.groups for k in group.members}
            self.keys = keys
        return self.groups

    def whole(self, count: int) -> Group | None:
        """The one group that holds all of `count` tensors, in the order given, if there is one."""
        if len(self.groups) != 1 or len(self.everything) != count or not self.groups[0].native_layout:
            return None
        return self.groups[0]

    def ready(self, params: Arrays) -> Any:
        """The module of compiled kernels, or None while too little was done to be worth loading a compiler."""
        if _MODULE not in sys.modules:  # once another plan has paid for the import, every plan uses it
            self.work += sum([p.size for p in params]) + 1000 * len(params)
            least = THRESHOLDS["optim.numba"]
            if self.work < (min(least, THRESHOLDS["optim.loaded"]) if "numba" in sys.modules else least):
                return None
        return runtime.native("optim")


_MODULE = f"{__package__}.jit_optim"


def _ids(arrays: Arrays) -> np.ndarray:
    return np.fromiter(map(id, arrays), np.int64, len(arrays))


def _groups(lists: Sequence[Arrays], jit: Any) -> list[Group]:
    members: dict[np.dtype, list[int]] = {}
    for k, arrays in enumerate(zip(*lists, strict=True)):
        p = arrays[0]
        if p.dtype in COMPILED_DTYPES and all(
            a.dtype == p.dtype and a.shape == p.shape and a.flags.carray for a in arrays
        ):
            members.setdefault(p.dtype, []).append(k)
    return [Group(chosen, lists, jit) for chosen in members.values()]


NOTHING: frozenset[int] = frozenset()


def update(
    function: str,
    lists: Sequence[Arrays],
    grads: Arrays,
    plan: Plan | None,
    hyper: Sequence[Sequence[float]] | Callable[[], Sequence[Sequence[float]]],
    *flags: bool,
) -> frozenset[int] | set[int]:
    """Run the compiled kernel `function` on every tensor that it can take; return the indices of those.

    Parameters
    ----------
    function : str
        The name of the kernel in ``jit_optim``, and of the optimizer in messages.
    lists : sequence of lists of arrays
        Parameters first, then the states in the order of the kernel's rows.
    grads : list of arrays
    plan : Plan, optional
    hyper : rows of numbers, or a function that gives them
        One for all tensors, or one for each. The function is called only if a kernel will run.
    *flags : bool
        The kernel's.

    Raises
    ------
    RuntimeError
        If a gradient does not agree with its parameter in dtype and shape.
    """
    plan = Plan() if plan is None else plan
    params = lists[0]
    jit = plan.ready(params)
    groups = plan.locate(lists, jit) if jit is not None else ()
    kept = [group.enter(grads, jit) for group in groups]
    if None in kept or len(plan.everything) != len(params) or not groups:
        agree(function, params, grads)
        if not groups:
            return NOTHING
    rows = np.array(hyper() if callable(hyper) else hyper, np.float64)
    kernel = getattr(jit, function)
    for k, group in enumerate(groups):
        if kept[k] is None:
            kept[k] = group.enter_copies(grads)
        chosen = rows if len(rows) in (1, len(group.members)) else rows[group.members]
        group.run(kernel, chosen, flags)
    return plan.everything


def agree(function: str, params: Arrays, grads: Arrays) -> None:
    """Raise unless every gradient has the dtype and shape of its parameter."""
    if [p.shape for p in params] != [g.shape for g in grads] or [p.dtype for p in params] != [g.dtype for g in grads]:
        k = next(k for k, p in enumerate(params) if p.shape != grads[k].shape or p.dtype != grads[k].dtype)
        p, g = params[k], grads[k]
        raise RuntimeError(
            f"{function}: gradient {k} is {g.dtype}{list(g.shape)}, but its parameter is "
            f"{p.dtype}{list(p.shape)}; they must agree in dtype and shape"
        )


# --------------------------------------------------------------------------------------- clipping


def in_line(arrays: Arrays) -> tuple[Any, np.ndarray, np.ndarray, int] | None:
    """Kernels, ids, an empty array of their dtype and number of elements of arrays that one pass can take together.

    None when they differ in dtype or layout, or are small and no optimizer has loaded the kernels yet.
    """
    if not arrays or arrays[0].dtype not in COMPILED_DTYPES:
        return None
    if _MODULE not in sys.modules and sum([a.size for a in arrays]) < THRESHOLDS["optim.numba"] // 4:
        return None
    jit, dtype = runtime.native("optim"), arrays[0].dtype
    ids = _ids(arrays)
    if jit is None or not _layout_holds() or len(set(ids.tolist())) < len(ids):  # one twice: pieces would overlap
        return None
    total = jit.line(ids, id(dtype))
    return None if total < 0 else (jit, ids, np.empty(0, dtype), total)


@functools.cache
def _layout_holds() -> bool:
    """Whether array objects are laid out as the kernels take them to be; see `Group`."""
    a: list[np.ndarray] = [np.zeros((3, 2), np.float32), np.zeros((), np.float64)]
    return all(Group([0], [[x]], runtime.native("optim")).native_layout for x in a)
