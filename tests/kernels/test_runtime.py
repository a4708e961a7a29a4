"""The switch between NumPy and Numba, the thread count, the cutting of ranges, and the cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from autograd_core.kernels import runtime

ROOT = Path(__file__).resolve().parents[2]
needs_numba = pytest.mark.skipif(not runtime.enabled(), reason="AUTOGRAD_CORE_NUMBA=0: there are no kernels")


def run(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=120,
    )


def answer(code: str, **env: str) -> str:
    done = run(code, **env)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def restore_threads():
    before = runtime.get_num_threads()
    yield
    runtime.set_num_threads(before)


def test_importing_the_kernels_loads_no_numba():
    code = (
        "import sys\n"
        "from autograd_core.kernels import runtime, conv\n"
        "import numpy as np\n"
        "conv.conv(np.ones((1, 1, 4, 4), np.float32), np.ones((1, 1, 3, 3), np.float32))\n"
        "print([m for m in ('numba', 'llvmlite', 'scipy') if m in sys.modules])"
    )
    assert answer(code) == "[]"


@pytest.mark.parametrize("variable", ["AUTOGRAD_CORE_NUMBA=0", "NUMBA_DISABLE_JIT=1"])
def test_without_numba_everything_runs_on_numpy(variable):
    name, value = variable.split("=")
    code = (
        "import sys\n"
        "from autograd_core.kernels import runtime, conv\n"
        "import numpy as np\n"
        "x, w = np.ones((8, 16, 20, 20), np.float32), np.ones((16, 16, 3, 3), np.float32)\n"
        "y = conv.conv(x, w)\n"
        "conv.conv_grad_weight(y, x, w.shape), conv.conv_grad_input(y, w, x.shape), conv.bias_grad(y)\n"
        "print(runtime.enabled(), runtime.native('conv'), 'numba' in sys.modules, y.max())"
    )
    assert answer(code, **{name: value}) == "False None False 144.0"


def test_a_numba_that_cannot_be_imported_is_a_warning(tmp_path):
    (tmp_path / "numba.py").write_text("raise ImportError('no LLVM here')\n")
    code = (
        "from autograd_core.kernels import conv\n"
        "import numpy as np\n"
        "x, w = np.ones((8, 16, 20, 20), np.float32), np.ones((16, 16, 3, 3), np.float32)\n"
        "print(conv.conv(x, w).max(), conv.bias_grad(x)[0], conv.conv_grad_weight(conv.conv(x, w), x, w.shape).shape)"
    )
    search = f"{tmp_path}{os.pathsep}{ROOT}"
    done = run(code, PYTHONPATH=search, AUTOGRAD_CORE_NUMBA="1", NUMBA_DISABLE_JIT="0")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "144.0 3200.0 (16, 16, 3, 3)"
    assert done.stderr.count("Numba cannot be imported (no LLVM here); kernels run as plain NumPy, slower.") == 1


def test_thread_count_from_the_environment():
    code = "from autograd_core.kernels import runtime; print(runtime.get_num_threads())"
    assert answer(code, AUTOGRAD_CORE_NUM_THREADS="3", OMP_NUM_THREADS="7") == "3"
    assert answer(code, AUTOGRAD_CORE_NUM_THREADS="", OMP_NUM_THREADS="7,2") == "7"
    default = int(answer(code, AUTOGRAD_CORE_NUM_THREADS="", OMP_NUM_THREADS=""))
    assert 1 <= default <= (os.cpu_count() or 1)
    done = run(code, AUTOGRAD_CORE_NUM_THREADS="many")
    assert "ValueError: AUTOGRAD_CORE_NUM_THREADS='many': expected a positive whole number of threads" in done.stderr


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the platform has no affinity masks")
def test_thread_count_respects_affinity():
    code = (
        "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
        "from autograd_core.kernels import runtime; print(runtime.get_num_threads())"
    )
    assert answer(code, AUTOGRAD_CORE_NUM_THREADS="", OMP_NUM_THREADS="") == "1"


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"cpu.max": "max 100000\n"}, float("inf")),
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n"}, float("inf")),
        ({"cpu.cfs_quota_us": "400000\n", "cpu.cfs_period_us": "100000\n"}, 4.0),
        ({}, float("inf")),
        ({"cpu.max": "nonsense"}, float("inf")),
    ],
)
def test_control_group_limits(tmp_path, files, limit):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert runtime._quota(tmp_path) == limit


def test_set_num_threads_checks(restore_threads):
    for wrong in (1.0, "2", True, None):
        with pytest.raises(TypeError, match=r"set_num_threads: expected an int, got"):
            runtime.set_num_threads(wrong)
    for wrong in (0, -1, 257):
        with pytest.raises(RuntimeError, match=rf"set_num_threads: expected 1 to 256 threads, got {wrong}\."):
            runtime.set_num_threads(wrong)
    runtime.set_num_threads(2)
    assert runtime.get_num_threads() == 2


def test_blas_is_told(restore_threads):
    """The BLAS inside NumPy follows, where it has a call for it (OpenBLAS in the wheels)."""
    threadpoolctl = pytest.importorskip("threadpoolctl")
    if not runtime._limit_blas(runtime.get_num_threads()):
        pytest.skip("this NumPy's BLAS cannot be told")
    for count in (1, 2):
        runtime.set_num_threads(count)
        assert count in {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}


def test_ranges_are_cut_evenly():
    for n in (1, 2, 7, 100):
        for pieces in range(1, n + 1):
            bounds = runtime.split(n, pieces)
            sizes = np.diff(bounds)
            assert (bounds[0], bounds[-1], len(sizes)) == (0, n, pieces)
            assert sizes.max() - sizes.min() <= 1
            assert (np.diff(sizes) <= 0).all()


def test_number_of_pieces(restore_threads):
    runtime.set_num_threads(1)
    assert runtime.parts(1000) == 1
    runtime.set_num_threads(2)
    assert [runtime.parts(n, 100) for n in (0, 1, 99, 199, 200, 799, 10_000)] == [1, 1, 1, 1, 2, 7, 8]


@needs_numba
def test_every_index_is_visited_once(restore_threads):
    from autograd_core.kernels.jit import kernel

    @kernel(cache=False)
    def mark(begin, end, seen, value):
        for i in range(begin, end):
            seen[i] += value

    for threads in (1, 2, 3, 8):
        runtime.set_num_threads(threads)
        for n in (0, 1, 2, 31, 32, 33, 1000):
            seen = np.zeros(n, np.int64)
            runtime.parallel(mark, n, seen, 1)
            assert (seen == 1).all()
        runtime.parallel(mark, -3, np.zeros(0, np.int64), 1)


@needs_numba
def test_a_kernel_that_runs_out_of_memory_says_so(restore_threads):
    from autograd_core.kernels.jit import kernel

    @kernel(cache=False)
    def greedy(begin, end, size, out):
        for i in range(begin, end):
            out[i] = np.empty(size[0], np.float64).size

    runtime.set_num_threads(2)
    for n in (1, 8):
        with pytest.raises(MemoryError, match="a kernel could not allocate its workspace"):
            runtime.parallel(greedy, n, np.array([1 << 58]), np.zeros(n))
        out = np.zeros(n)
        runtime.parallel(greedy, n, np.array([5]), out)  # and the pool still works
        assert (out == 5).all()


PROBE = """
import sys, warnings
warnings.simplefilter("error")
sys.path.insert(0, sys.argv[1])
import numpy as np, jit_probe
x = np.ones(3, np.float32)
jit_probe.double(x)
assert (x == 2).all()
from autograd_core.kernels.jit import cache_directory
print(cache_directory(), sum(jit_probe.double.stats.cache_hits.values()))
"""
SOURCE = """
from autograd_core.kernels.jit import kernel
@kernel
def double(x):
    for i in range(x.size):
        x[i] *= {factor}
"""


@needs_numba
def test_the_cache_follows_the_source_and_survives_damage(tmp_path):
    source, cache = tmp_path / "jit_probe.py", tmp_path / "cache"

    def hits() -> str:
        env = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "AUTOGRAD_CORE_CACHE_DIR": str(cache),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        done = subprocess.run(
            [sys.executable, "-c", PROBE, str(tmp_path)], env=env, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        where, count = done.stdout.split()
        assert where == str(cache / "autograd_core")
        return count

    source.write_text(SOURCE.format(factor=2))
    assert [hits(), hits()] == ["0", "1"]
    source.write_text(SOURCE.format(factor="2.0"))
    assert hits() == "0"
    for file in cache.rglob("*.nb?"):
        file.write_bytes(b"not a kernel")
    assert hits() == "0"


@needs_numba
def test_a_cache_that_cannot_be_written_is_done_without(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    (tmp_path / "jit_probe.py").write_text(SOURCE.format(factor=2))
    env = {**os.environ, "PYTHONPATH": str(ROOT), "AUTOGRAD_CORE_CACHE_DIR": str(blocked / "under")}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path)], env=env, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout.strip()) == (0, "None 0"), done.stderr


def test_the_command_line(tmp_path):
    def command(word: str, **env: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "autograd_core.kernels", word],
            env={**os.environ, "PYTHONPATH": str(ROOT), "AUTOGRAD_CORE_CACHE_DIR": str(tmp_path), **env},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "threads" in command("info")
    assert "nothing to compile" in command("warm", AUTOGRAD_CORE_NUMBA="0")
    assert "numba          off" in command("info", AUTOGRAD_CORE_NUMBA="0")
    assert str(tmp_path) in command("clear") or not runtime.enabled()


def test_eager_takes_kernels_at_every_size():
    code = (
        "import numpy as np, sys\n"
        "from autograd_core.kernels import norm\n"
        "norm.layer_norm(np.ones((2, 3), np.float32), 1, None, None, 1e-5)\n"
        "print('numba' in sys.modules)"
    )
    for mode, expected in (("eager", "True"), ("1", "False")):
        environment = dict(os.environ, AUTOGRAD_CORE_NUMBA=mode)
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected
