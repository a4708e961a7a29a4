"""What every kernel stands on: the switch between NumPy and Numba, the thread count, and the thread pool.

Numba's own ``prange`` is not used: one of its threading layers ends the process when it forks, the other when two
threads enter at once.  Here a kernel is a compiled function ``fn(begin, end, *args)`` that holds no interpreter
lock and writes only what belongs to ``[begin, end)``; `parallel` cuts the range in pieces, which the calling thread
and the helpers that are awake take one after the other.
"""

from __future__ import annotations

import _thread
import atexit
import ctypes
import importlib
import math
import os
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .malloc import keep_freed_memory
from .thresholds import THRESHOLDS as THRESHOLDS

# --------------------------------------------------------------------------------------- NumPy or Numba

_modules: dict[str, ModuleType | None] = {}
_enabled = os.environ.get("AUTOGRAD_CORE_NUMBA", "1").strip().lower() not in ("0", "false", "off", "no")
_enabled = _enabled and os.environ.get("NUMBA_DISABLE_JIT", "0").strip() in ("", "0")


def enabled() -> bool:
    """Whether Numba kernels may be used.

    ``AUTOGRAD_CORE_NUMBA=0``: NumPy runs everything; ``eager``: kernels run also for small arrays, whose time does not
    repay the half second that loading Numba takes (see ``thresholds``).
    """
    return _enabled


def native(name: str) -> ModuleType | None:
    """The module of Numba code ``autograd_core.kernels.jit_<name>``, imported at first use; None when disabled.

    Examples
    --------
    >>> from autograd_core.kernels import runtime
    >>> jit = runtime.native("conv")          # imports Numba now, compiles when one of its functions is called
    """
    try:
        return _modules[name]
    except KeyError:
        return _import_native(name)


def _import_native(name: str) -> ModuleType | None:
    module = None
    if _enabled:
        try:
            importlib.import_module("numba")
        except ImportError as error:
            warnings.warn(f"Numba cannot be imported ({error}); kernels run as plain NumPy, slower.", stacklevel=3)
        else:
            module = importlib.import_module(f"{__package__}.jit_{name}")
    _modules[name] = module
    return module


# --------------------------------------------------------------------------------------- how many threads

MAX_THREADS = 256


def _quota(directory: Path) -> float:
    """CPUs that the control group at ``directory`` may use (version 2 or 1), infinity when it sets no limit."""
    try:
        quota, period = (directory / "cpu.max").read_text().split()
        return math.inf if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        pass
    try:
        limit = int((directory / "cpu.cfs_quota_us").read_text())
        return math.inf if limit <= 0 else limit / int((directory / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError, ZeroDivisionError):
        return math.inf


def available_cpus() -> int:
    """CPUs that this process may use: its affinity mask, cut by the limits of its control groups (rounded up)."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        count = os.cpu_count() or 1
    try:
        groups = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return max(1, count)
    limit = math.inf
    for line in groups:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root = Path("/sys/fs/cgroup")
        elif "cpu" in controllers.split(","):
            root = Path("/sys/fs/cgroup/cpu")
        else:
            continue
        here = root / path.lstrip("/")  # a limit may be set on any level above
        for directory in (here, *here.parents):
            limit = min(limit, _quota(directory))
            if directory == root:
                break
    return max(1, min(count, math.ceil(limit) if limit < math.inf else count))


def _default_threads() -> int:
    for variable in ("AUTOGRAD_CORE_NUM_THREADS", "OMP_NUM_THREADS"):
        text = os.environ.get(variable, "").split(",")[0].strip()
        if not text:
            continue
        if text.isdigit() and int(text) > 0:
            return min(int(text), MAX_THREADS)
        if variable.startswith("AUTOGRAD"):
            raise ValueError(f"{variable}={text!r}: expected a positive whole number of threads, as in {variable}=2.")
    return min(available_cpus(), MAX_THREADS)


def blas_functions(*names: str) -> tuple[Any, ...] | None:
    """Functions of the BLAS that NumPy is linked to, all in one manner of naming, or None when one is not there.

    ``64_`` at the end of a found function's ``__name__`` says that its integers have 64 bits.  The functions are called
    with the interpreter lock held, so they must be short.
    """
    try:
        library = ctypes.PyDLL(importlib.import_module("numpy._core._multiarray_umath").__file__ or "")
    except (ImportError, OSError):  # its symbols include those of the libraries it links
        return None
    for before, after in (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", "")):
        found = tuple(getattr(library, before + name + after, None) for name in names)
        if all(function is not None for function in found):
            return found
    return None


def _limit_blas(count: int) -> bool:
    """Tell the BLAS inside NumPy to use ``count`` threads; False when it offers no such call."""
    for name in ("openblas_set_num_threads", "MKL_Set_Num_Threads"):
        functions = blas_functions(name)
        if functions is not None:
            functions[0].argtypes, functions[0].restype = [ctypes.c_int], None
            functions[0](count)
            return True
    return False


_threads = _default_threads()
keep_freed_memory()


def get_num_threads() -> int:
    """Number of threads that one kernel uses (as ``torch.get_num_threads``)."""
    return _threads


def set_num_threads(count: int) -> None:
    """Set the number of threads that one kernel, or one matrix product in NumPy's BLAS, uses.

    The default is ``AUTOGRAD_CORE_NUM_THREADS``, else ``OMP_NUM_THREADS``, else the CPUs that the process may use
    (affinity mask and control-group limits).  Kernels and BLAS take turns and are never nested, so their threads
    do not multiply.  Results are reproducible to the last bit for a fixed count.

    Parameters
    ----------
    count : int
        At least 1.

    Raises
    ------
    TypeError
        ``count`` is not an int.
    RuntimeError
        ``count`` is less than 1 or more than 256.

    Examples
    --------
    >>> from autograd_core.kernels import runtime
    >>> before = runtime.get_num_threads()
    >>> runtime.set_num_threads(1)
    >>> runtime.get_num_threads()
    1
    >>> runtime.set_num_threads(before)
    """
    global _threads
    if isinstance(count, bool) or not isinstance(count, int):
        raise TypeError(f"set_num_threads: expected an int, got {type(count).__name__}.")
    if not 1 <= count <= MAX_THREADS:
        raise RuntimeError(f"set_num_threads: expected 1 to {MAX_THREADS} threads, got {count}.")
    if count != _threads:
        _threads = count
        _close_pool()
    _limit_blas(count)


if "AUTOGRAD_CORE_NUM_THREADS" in os.environ or _threads < (os.cpu_count() or 1):
    _limit_blas(_threads)


# --------------------------------------------------------------------------------------- the pool

BALANCE = 4  # pieces per thread: a thread that loses its CPU for a while holds up a small piece only
PATIENCE = 5_000  # rounds that an idle helper watches before it sleeps: about 0.4 ms; waking it takes 0.06 ms


class _Pool:
    """Helper threads around one mailbox (see ``jit_pool``).

    A helper watches the mailbox in compiled code, without the interpreter lock, and after a while sleeps on a lock.
    No region waits for a helper that has not taken a piece, so waking one late, or never, is safe.
    """

    def __init__(self, helpers: int) -> None:
        from . import jit_pool

        self.memory = np.zeros((jit_pool.WORDS + 1) * jit_pool.LINE // 8, np.int64)
        self.box: int = -(-self.memory.ctypes.data // jit_pool.LINE) * jit_pool.LINE
        self.closed_word = (self.box - self.memory.ctypes.data + jit_pool.CLOSED) // 8
        self.memory[(self.box - self.memory.ctypes.data + jit_pool.POST) // 8] = jit_pool.post_address()
        self.serve = jit_pool.serve
        self.region = jit_pool.region
        self.asleep: list[_thread.LockType] = []
        self.threads = [
            threading.Thread(target=self._watch, name=f"autograd_core kernel {i}", daemon=True) for i in range(helpers)
        ]
        if helpers:
            self.serve(self.box, 0)  # compiled here, once, and not in each helper
        for thread in self.threads:
            thread.start()

    def _watch(self) -> None:
        go = _thread.allocate_lock()
        go.acquire()
        while not self.memory[self.closed_word]:
            self.serve(self.box, PATIENCE)
            self.asleep.append(go)
            go.acquire()

    def wake(self) -> None:
        """Wake all helpers that sleep."""
        while self.asleep:
            try:
                self.asleep.pop().release()
            except IndexError:  # another thread took the last one
                break

    def close(self) -> None:
        """Send the helpers home.  A region under way ends without them; later ones run in the calling thread."""
        self.memory[self.closed_word] = 1
        self.wake()
        deadline = time.monotonic() + 1.0
        while any(thread.is_alive() for thread in self.threads) and time.monotonic() < deadline:
            self.wake()  # one that was about to sleep when it was told
            time.sleep(0.0001)


_pool: _Pool | None = None
_pool_lock = threading.Lock()
_exiting = False
_regions: dict[Any, Callable[..., int]] = {}


def _open_pool() -> _Pool:
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = _Pool(0 if _exiting else _threads - 1)
        return _pool


def _close_pool() -> None:
    global _pool
    with _pool_lock:
        pool, _pool = _pool, None
    if pool is not None:
        pool.close()


def _forget_pool() -> None:
    """A forked child has none of its parent's threads, and the locks are in whatever state they were."""
    global _pool, _pool_lock
    _pool, _pool_lock = None, threading.Lock()


def _at_exit() -> None:
    """Leave no helper running while the interpreter is taken down, and start no new one."""
    global _exiting
    _exiting = True
    if _pool is not None:
        _pool.close()  # but keep it: what still runs, runs its pieces by itself, with the same numbers


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)
atexit.register(_at_exit)


def parts(n: int, grain: int = 1) -> int:
    """In how many pieces `parallel` cuts a range of ``n``; depends on ``n``, ``grain`` and the thread count only."""
    most = _threads * BALANCE if _threads > 1 else 1
    return max(1, n // grain if n < most * grain else most)


def split(n: int, pieces: int) -> list[int]:
    """Bounds of the pieces: as equal as whole numbers can be, the longer ones first.

    Examples
    --------
    >>> from autograd_core.kernels import runtime
    >>> runtime.split(10, 3)
    [0, 4, 7, 10]
    """
    size, rest = divmod(n, pieces)
    return [i * size + min(i, rest) for i in range(pieces + 1)]


def parallel(fn: Any, n: int, *args: Any, grain: int = 1, balance: int = BALANCE) -> None:
    """Call the kernel ``fn(begin, end, *args)`` for pieces that cover ``range(n)``, with the threads there are.

    Parameters
    ----------
    fn : kernel
        Made by ``jit.kernel``; ``args`` are arrays and numbers.  It writes only what belongs to its piece; a sum over
        all pieces needs a row per piece: call it with ``n = parts(size, grain)`` and let it compute its own bounds.
    n : int
        Length of the range; nothing is called when it is 0 or less.
    grain : int
        Smallest piece worth handing to another thread: below ``2 * grain`` there is one piece.
    balance : int
        Pieces per thread, at most: fewer when each has work of its own to begin with.

    Raises
    ------
    MemoryError
        A piece could not get memory for its workspace (the only way in which a kernel may fail).

    Notes
    -----
    The cut depends on ``n``, ``grain`` and the thread count only (`parts`, `split`), so results are reproducible
    whoever runs a piece.  One region at a time has the helpers: a call from another thread meanwhile runs its
    pieces by itself.
    """
    if n <= 0:
        return
    pieces = _threads * balance
    if n < pieces * grain:
        pieces = n // grain
    if pieces <= 1 or _threads == 1:
        pieces = 1
    pool = _pool
    if pool is None:
        pool = _open_pool()
    if pieces > 1 and pool.asleep:
        pool.wake()
    region = _regions.get(fn)
    if region is None:
        region = _regions[fn] = pool.region(fn)
    if region(pool.box, n, pieces, *args):
        raise MemoryError("a kernel could not allocate its workspace.")
