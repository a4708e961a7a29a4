"""What every kernel stands on: the switch between NumPy and Numba, the thread count, and the thread pool.

Numba's own ``prange`` is not used: one of its threading layers ends the process when it forks, the other when two
threads enter at once.  Here a kernel is a compiled function ``fn(begin, end, *args)`` that holds no interpreter
lock and writes only what belongs to ``[begin, end)``; `parallel` cuts the range in one piece per thread, runs the
first piece in the calling thread and hands the others to sleeping helpers.
"""

from __future__ import annotations

import _thread
import atexit
import ctypes
import importlib
import math
import os
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from .thresholds import THRESHOLDS as THRESHOLDS

# --------------------------------------------------------------------------------------- NumPy or Numba

_modules: dict[str, ModuleType | None] = {}
_enabled = os.environ.get("AUTOGRAD_CORE_NUMBA", "1").strip().lower() not in ("0", "false", "off", "no")


def enabled() -> bool:
    """Whether Numba kernels may be used; False under ``AUTOGRAD_CORE_NUMBA=0`` (then NumPy runs everything)."""
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


def _limit_blas(count: int) -> bool:
    """Tell the BLAS inside NumPy to use ``count`` threads; False when it offers no such call."""
    try:
        from numpy._core import _multiarray_umath

        library = ctypes.CDLL(_multiarray_umath.__file__)  # its symbols include those of the BLAS it links
    except (ImportError, OSError):
        return False
    for name in (
        "scipy_openblas_set_num_threads64_",
        "scipy_openblas_set_num_threads",
        "openblas_set_num_threads64_",
        "openblas_set_num_threads",
        "MKL_Set_Num_Threads",
    ):
        function = getattr(library, name, None)
        if function is not None:
            function.argtypes, function.restype = [ctypes.c_int], None
            function(count)
            return True
    return False


_threads = _default_threads()


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
    _threads = count
    _limit_blas(count)


if "AUTOGRAD_CORE_NUM_THREADS" in os.environ or _threads < (os.cpu_count() or 1):
    _limit_blas(_threads)


# --------------------------------------------------------------------------------------- the pool

Job = tuple[Callable[..., Any], int, int, tuple[Any, ...]]


class _Helper:
    """A sleeping thread and its two locks: releasing ``go`` starts the job, ``done`` is released after it."""

    __slots__ = ("done", "error", "go", "job", "thread")

    def __init__(self) -> None:
        self.go, self.done = _thread.allocate_lock(), _thread.allocate_lock()
        self.go.acquire()
        self.done.acquire()
        self.job: Job | None = None
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self.serve, name="autograd_core kernel", daemon=True)
        self.thread.start()

    def serve(self) -> None:
        go, done = self.go, self.done
        while True:
            go.acquire()
            job = self.job
            if job is None:
                return
            try:
                job[0](job[1], job[2], *job[3])
            except BaseException as error:  # handed to the caller, who raises it
                self.error = error
            self.job = job = None  # a sleeping helper must not keep arrays alive
            done.release()


class _Pool:
    """The helpers, and the lock that lets one region at a time have them."""

    def __init__(self) -> None:
        self.free = _thread.allocate_lock()
        self.helpers: list[_Helper] = []
        self.closed = False

    def close(self) -> None:
        """Send the helpers home, so that none of them runs while the interpreter is taken down."""
        self.closed = True
        if not self.free.acquire(timeout=1.0):  # another thread is still in a region
            return
        for helper in self.helpers:
            helper.job = None
            helper.go.release()
        for helper in self.helpers:
            helper.thread.join(1.0)
        self.helpers.clear()
        self.free.release()


_pool = _Pool()


def _renew_pool() -> None:
    global _pool
    _pool = _Pool()  # a forked child has no threads, and the old locks are in whatever state they were


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_pool)
atexit.register(lambda: _pool.close())


def parts(n: int, grain: int = 1) -> int:
    """In how many pieces `parallel` cuts a range of ``n``; depends on ``n``, ``grain`` and the thread count only."""
    return max(1, min(_threads, n // grain if grain > 1 else n))


def split(n: int, pieces: int) -> list[int]:
    """Bounds of ``pieces`` nearly equal pieces of ``range(n)``, the longer ones first.

    Examples
    --------
    >>> split(10, 3)
    [0, 4, 7, 10]
    """
    size, rest = divmod(n, pieces)
    return [i * size + min(i, rest) for i in range(pieces + 1)]


def parallel(fn: Callable[..., Any], n: int, *args: Any, grain: int = 1) -> None:
    """Call ``fn(begin, end, *args)`` for pieces that cover ``range(n)``, each piece in a thread of its own.

    ``fn`` is a compiled kernel that releases the interpreter lock.  It must write only what belongs to its piece; a
    sum over pieces gets a row of its own per piece (run it with ``n = parts(...)`` and let it look up `split`).

    Parameters
    ----------
    fn : callable
        ``fn(begin, end, *args)``.
    n : int
        Length of the range; nothing is called when it is 0 or less.
    grain : int
        Smallest piece worth a thread of its own: below ``2 * grain`` everything runs in the calling thread.

    Notes
    -----
    The cut depends on ``n``, ``grain`` and the thread count only, so results are reproducible.  A call from inside
    a piece, or while another thread has the helpers, runs the same pieces one after the other.  Exceptions of a
    piece are raised here, after all pieces have ended.
    """
    if n <= 0:
        return
    pieces = _threads
    if n < pieces * grain:
        pieces = n // grain
    if pieces <= 1:
        fn(0, n, *args)
        return
    size, rest = divmod(n, pieces)
    first = size + (1 if rest else 0)
    pool = _pool
    if pool.closed or not pool.free.acquire(False):
        bounds = split(n, pieces)
        for i in range(pieces):
            fn(bounds[i], bounds[i + 1], *args)
        return
    helpers = pool.helpers
    started = 0
    try:
        while len(helpers) < pieces - 1:
            helpers.append(_Helper())
        begin = first
        for i in range(1, pieces):
            end = begin + size + (1 if i < rest else 0)
            helper = helpers[i - 1]
            helper.job = (fn, begin, end, args)
            started = i
            helper.go.release()
            begin = end
        fn(0, first, *args)
    finally:
        try:
            _join(helpers, started)
        finally:
            pool.free.release()


def _join(helpers: list[_Helper], count: int) -> None:
    error: BaseException | None = None
    for i in range(count):
        helper = helpers[i]
        while True:
            try:
                helper.done.acquire()
                break
            except BaseException as interrupt:  # Ctrl-C: the piece still writes into arrays, so wait for it
                error = interrupt
        if helper.error is not None:
            error, helper.error = helper.error, None
    if error is not None:
        raise error
