"""The decorator of Numba kernels and their cache on disk.  Importing this file imports Numba."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
from numba.core import caching

# No "nnan", no "ninf": a NaN or an infinity must come out as IEEE says.
FASTMATH = frozenset({"contract", "reassoc", "nsz"})


def kernel(fn: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Compile ``fn`` at its first call: no interpreter lock, NumPy's division, no bounds checks, cached on disk.

    ``fastmath`` defaults to what may reorder and fuse sums but keeps NaN and infinity (`FASTMATH`).  The cache is
    safe for several processes that start together, and follows the content of the kernel's file.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_core.kernels.jit import kernel
    >>> @kernel(cache=False)
    ... def scale(begin, end, x, factor):
    ...     for i in range(begin, end):
    ...         x[i] *= factor
    >>> x = np.ones(3, np.float32)
    >>> scale(0, 2, x, 5.0)
    >>> x
    array([5., 5., 1.], dtype=float32)
    """
    if fn is None:
        return lambda function: kernel(function, **options)
    cache = options.pop("cache", True)
    settings = {
        "nogil": True,
        "fastmath": set(FASTMATH),
        "error_model": "numpy",
        "boundscheck": False,
        "no_cfunc_wrapper": True,
    }
    settings.update(options)
    dispatcher: Any = numba.njit(**settings)(fn)  # type: ignore[call-overload]
    if cache and cache_directory() is not None:
        # Some platforms cannot cache; compiling in each process is slower, not wrong.
        with contextlib.suppress(RuntimeError, OSError):
            dispatcher._cache = _Cache(fn)
    return dispatcher


def inner(fn: Callable[..., Any]) -> Any:
    """A `kernel` that only other kernels call: without what Python needs to call it, it compiles in half the time."""
    return kernel(fn, cache=False, no_cpython_wrapper=True, inline="always")


def beside(fn: Any, source: str, names: dict[str, Any]) -> Any:
    """The function that ``source`` defines, as if it stood in the file of ``fn``: it is cached with that file."""
    code = compile("\n" * (fn.__code__.co_firstlineno - 1) + source, fn.__code__.co_filename, "exec")
    space = {"__name__": fn.__module__, **names}
    exec(code, space)
    made = space[source.split("(", 1)[0].removeprefix("def ")]
    made.__qualname__ = f"{fn.__qualname__}.{made.__name__}"
    return made


# --------------------------------------------------------------------------------------- the cache

_here = Path(__file__).resolve().parent
_directory: Path | bool | None = False  # False: not looked for yet


def _candidates() -> Iterator[Path]:
    for variable in ("AUTOGRAD_CORE_CACHE_DIR", "NUMBA_CACHE_DIR"):
        if os.environ.get(variable):
            yield Path(os.environ[variable]) / "autograd_core"
            return  # an explicit wish is not second-guessed
    yield _here / "__pycache__" / "numba"
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if os.path.isabs(base):
        yield Path(base) / "autograd_core" / "numba"


def cache_directory() -> Path | None:
    """Where compiled kernels are kept: beside the package, else (read-only install) in the user's cache, else None."""
    global _directory
    if _directory is False:
        _directory = None
        for candidate in _candidates():
            try:
                candidate.mkdir(parents=True, exist_ok=True)
                probe = candidate / f".probe-{os.getpid()}"
                probe.touch()
                probe.unlink()
            except OSError:
                continue
            _directory = candidate
            break
    assert _directory is None or isinstance(_directory, Path)
    return _directory


def _stamp(file: Path) -> str:
    """Hash of a kernel's file and of the files that every kernel may build on: the cache must follow both."""
    digest = hashlib.sha256(numba.__version__.encode())
    shared = ("jit.py", "jit_gemm.py", "jit_math.py", "jit_memory.py", "jit_pool.py", "jit_simd.py")
    for source in (file, *(_here / name for name in shared)):
        with contextlib.suppress(OSError):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


class _Locator(caching._CacheLocator):
    def __init__(self, file: Path, line: int) -> None:
        directory = cache_directory()
        assert directory is not None
        self._stamp, self._line = _stamp(file), line
        self._path = directory / f"{file.stem}-{self._stamp}"

    def get_cache_path(self) -> str:
        return str(self._path)

    def get_source_stamp(self) -> str:
        return self._stamp

    def get_disambiguator(self) -> str:
        return str(self._line)

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> _Locator | None:
        file = Path(py_file)
        return cls(file, py_func.__code__.co_firstlineno) if file.is_file() else None


class _Impl(caching.CompileResultCacheImpl):
    _locator_classes = [_Locator]


class _Cache(caching.FunctionCache):
    """Numba's cache, made safe for several processes.

    Numba numbers data files from an index that it reads and writes without a lock: two processes that compile
    different signatures at once can end with an index naming the other's machine code.  One lock file prevents it.
    """

    _impl_class = _Impl

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # a damaged file (disk full, killed while copying) is a miss
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        with contextlib.suppress(OSError):
            Path(self.cache_path).mkdir(parents=True, exist_ok=True)
            with _exclusive(Path(self.cache_path) / ".lock"):
                try:
                    super().save_overload(sig, data)
                except pickle.UnpicklingError:  # the index is damaged: begin a new one
                    self.flush()
                    super().save_overload(sig, data)


@contextlib.contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    with open(path, "ab") as file:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
            try:
                yield
            finally:
                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)  # released when the file is closed
            yield
