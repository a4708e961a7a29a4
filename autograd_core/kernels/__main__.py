"""``python -m autograd_core.kernels warm | info | clear``: the compiled kernels of this machine."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import shutil
import sys
import time
from collections.abc import Callable

from . import runtime


def warm_list() -> list[tuple[str, Callable[[], object]]]:
    """Every ``(label, call)`` that the kernel modules offer in their ``warm()``; each call compiles what it names."""
    package = importlib.import_module(__package__ or "autograd_core.kernels")
    found: list[tuple[str, Callable[[], object]]] = []
    for info in pkgutil.iter_modules(package.__path__):
        if info.name.startswith("_") or info.name.startswith("jit"):
            continue
        offer = getattr(importlib.import_module(f"{package.__name__}.{info.name}"), "warm", None)
        if offer is not None:
            found += [(f"{info.name}: {label}", call) for label, call in offer()]
    return found


def warm() -> int:
    """Compile all kernels ahead, so that no later process waits for the compiler."""
    if not runtime.enabled():
        print("AUTOGRAD_CORE_NUMBA=0: kernels run as plain NumPy, nothing to compile.")
        return 0
    from tqdm import tqdm

    from .jit import cache_directory

    begin = time.perf_counter()
    jobs = warm_list()
    bar = tqdm(jobs, unit="kernel", disable=None)
    for label, call in bar:
        bar.set_postfix_str(label)
        call()
    where = cache_directory()
    print(
        f"{len(jobs)} kernels ready in {time.perf_counter() - begin:.1f} s, "
        + (f"kept in {where}" if where else "not kept: no directory can be written (set AUTOGRAD_CORE_CACHE_DIR)")
    )
    return 0


def info() -> int:
    """Print what the kernels run on."""
    print(f"threads        {runtime.get_num_threads()} (CPUs this process may use: {runtime.available_cpus()})")
    if not runtime.enabled():
        print("numba          off (AUTOGRAD_CORE_NUMBA=0)")
        return 0
    import llvmlite.binding as llvm
    import numba

    from .jit import cache_directory

    where = cache_directory()
    files = list(where.rglob("*.nbc")) if where else []
    print(f"numba          {numba.__version__} for {llvm.get_host_cpu_name()}")
    print(f"cache          {where}: {len(files)} kernels, {sum(f.stat().st_size for f in files) / 1e6:.1f} MB")
    return 0


def clear() -> int:
    """Remove the compiled kernels from the disk."""
    from .jit import cache_directory

    where = cache_directory()
    if where is not None:
        shutil.rmtree(where, ignore_errors=True)
    print(f"removed {where}")
    return 0


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m autograd_core.kernels", description=__doc__)
    commands = {"warm": warm, "info": info, "clear": clear}
    texts = "; ".join(f"{name}: {call.__doc__}" for name, call in commands.items())
    parser.add_argument("command", choices=list(commands), help=texts)
    return commands[parser.parse_args(argv).command]()


if __name__ == "__main__":
    sys.exit(main())
