"""The hazards of threads under kernels: several users at once, fork, spawn, nested use, and the end of the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from autograd_core.kernels import runtime

pytestmark = pytest.mark.skipif(not runtime.enabled(), reason="AUTOGRAD_CORE_NUMBA=0: there are no kernels to thread")

ROOT = Path(__file__).resolve().parents[2]

PRELUDE = """
import os, sys, threading, time
import numpy as np
from autograd_core.kernels import runtime
from autograd_core.kernels.conv import conv, conv_grad_weight
runtime.set_num_threads(4)
rng = np.random.default_rng(0)
x = rng.standard_normal((16, 8, 20, 20), dtype=np.float32)
w = rng.standard_normal((16, 8, 3, 3), dtype=np.float32)
def work():
    y = conv(x, w, None, 1, 1, 1, 1)
    return y, conv_grad_weight(y, x, w.shape, 1, 1, 1, 1)
want = work()
def check():
    for a, b in zip(work(), want):
        assert a.tobytes() == b.tobytes(), "result depends on who runs a piece"
"""


def run(code: str, timeout: float = 60) -> str:
    """Run ``code`` in a fresh interpreter: a hazard ends that process, not the tests."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + code], env=env, capture_output=True, text=True, timeout=timeout
    )
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert done.stderr == ""
    return done.stdout


def test_four_threads_at_once_get_the_same_bits():
    out = run(
        """
errors = []
def loop():
    try:
        for _ in range(50):
            check()
    except BaseException as error:
        errors.append(error)
threads = [threading.Thread(target=loop) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print(errors)
"""
    )
    assert out == "[]\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_fork_after_use_and_while_another_thread_computes():
    out = run(
        """
stop = threading.Event()
def loop():
    while not stop.is_set():
        work()
busy = threading.Thread(target=loop)
busy.start()
codes = []
for _ in range(8):
    pid = os.fork()
    if pid == 0:
        check()
        grandchild = os.fork()
        if grandchild == 0:
            check()
            os._exit(0)
        os._exit(os.waitpid(grandchild, 0)[1])
    codes.append(os.waitpid(pid, 0)[1])
    check()
stop.set()
busy.join()
print(codes)
"""
    )
    assert out == f"{[0] * 8}\n"


def test_spawned_processes_start_together(tmp_path):
    """Processes with one empty cache compile and store the same kernel at once; a later one loads all of it."""
    source = tmp_path / "jit_probe.py"
    source.write_text(
        "import sys, numpy as np\n"
        "from autograd_core.kernels import runtime\n"
        "from autograd_core.kernels.jit import kernel\n"
        "@kernel\n"
        "def scale(x, factor):\n"
        "    for i in range(x.size):\n"
        "        x[i] *= factor\n"
        "for dtype in (np.float32, np.float64)[:: int(sys.argv[1])]:\n"
        "    x = np.ones(3, dtype)\n"
        "    scale(x, dtype(2))\n"
        "    assert x.dtype == dtype and (x == 2).all(), x\n"
        "print(sum(scale.stats.cache_hits.values()))\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT), "AUTOGRAD_CORE_CACHE_DIR": str(tmp_path / "cache")}

    def start(order: int) -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, str(source), str(order)], env=env, stdout=subprocess.PIPE, text=True)

    together = [start(order) for order in (1, -1, 1)]
    for process in together:
        process.communicate(timeout=120)
        assert process.returncode == 0
    last = start(1)
    assert last.communicate(timeout=60)[0].strip() == "2"


def test_a_region_inside_a_region_runs_serially():
    """A callback inside a kernel's piece that starts another region must neither deadlock nor change the numbers."""
    out = run(
        """
import numba, warnings
warnings.simplefilter("ignore", numba.core.errors.NumbaWarning)  # about the callback
from autograd_core.kernels.jit import kernel
@kernel(cache=False)
def outer(begin, end, out):
    with numba.objmode():
        check()
    for i in range(begin, end):
        out[i] = i
out = np.zeros(64)
runtime.parallel(outer, 64, out)
print((out == np.arange(64)).all())
"""
    )
    assert out == "True\n"


@pytest.mark.parametrize(
    "ending",
    [
        "check()",
        "check(); sys.exit(0)",
        "check(); runtime._pool.asleep or time.sleep(0.1); check()",
        "import atexit; atexit.register(check)",
        "class Late:\n    def __del__(self): check()\nkeep = Late()",
        "t = threading.Thread(target=lambda: [check() for _ in range(10**6)], daemon=True); t.start(); check()",
        "t = threading.Thread(target=lambda: [check() for _ in range(30)]); t.start()",
    ],
    ids=["end of script", "sys.exit", "helpers asleep", "in atexit", "in a finaliser", "daemon thread", "thread"],
)
def test_the_interpreter_exits_cleanly(ending):
    run(ending, timeout=30)


def test_ctrl_c_leaves_the_pool_usable():
    if sys.platform == "win32":
        pytest.skip("no SIGINT to send to one thread")
    out = run(
        """
import signal
hits = 0
signal.signal(signal.SIGALRM, signal.default_int_handler)
for _ in range(20):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.005)
        while True:
            work()
    except KeyboardInterrupt:
        hits += 1
    check()
print(hits)
"""
    )
    assert out == "20\n"
    assert signal.SIGALRM  # the child's handler is the child's


def test_changing_the_thread_count_while_others_compute():
    before = runtime.get_num_threads()
    errors: list[BaseException] = []
    stop = threading.Event()
    x = np.ones((8, 8, 12, 12), np.float32)
    w = np.ones((8, 8, 3, 3), np.float32)

    def loop() -> None:
        from autograd_core.kernels.conv import conv

        try:
            while not stop.is_set():
                assert conv(x, w, None, 1, 0, 1, 1)[3, 2, 1, 0] == 72
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=loop) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for count in (1, 2, 5, 3, 1, 4):
            runtime.set_num_threads(count)
            time.sleep(0.02)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        runtime.set_num_threads(before)
    assert errors == []
    assert sum(t.name.startswith("autograd_core kernel") and t.is_alive() for t in threading.enumerate()) < 6
