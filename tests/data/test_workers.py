"""Workers, processes and threads: the same batches as without, errors with their tracebacks, nobody left behind."""

from __future__ import annotations

import gc
import os
import random
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import autograd_core as ac
from nn.data import DataLoader, Dataset, IterableDataset, TensorDataset, get_worker_info, sample_rng
from nn.transforms import Compose, RandomCrop, RandomHorizontalFlip, ToTensor

KINDS = ["process", "thread"]
both = pytest.mark.parametrize("kind", KINDS)


class Pictures(Dataset):
    augment = Compose([RandomCrop(8, padding=2), RandomHorizontalFlip(), ToTensor()])

    def __len__(self):
        return 23

    def __getitem__(self, i):
        image = np.random.default_rng(i).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        return self.augment(image), i, {"noise": float(sample_rng().normal())}


class Stream(IterableDataset):
    """Splits itself over the workers."""

    def __init__(self, n=20):
        self.n = n

    def __iter__(self):
        info = get_worker_info()
        start, step = (0, 1) if info is None else (info.id, info.num_workers)
        return iter(range(start, self.n, step))


class GloballyNoisy(Pictures):
    def __getitem__(self, i):
        return i, random.random(), float(np.random.rand()), ac.rand(1).item()


class Fails(Dataset):
    def __init__(self, error=None, at=5):
        self.error, self.at = error, at

    def __len__(self):
        return 12

    def __getitem__(self, i):
        if i == self.at:
            raise self.error
        return i


class Slow(Fails):
    def __getitem__(self, i):
        if i >= self.at:
            time.sleep(60)
        return i


class Dies(Fails):
    def __getitem__(self, i):
        if i == self.at:
            os.kill(os.getpid(), self.error)
        return i


class Leaves(Fails):
    def __getitem__(self, i):
        if i == self.at:
            sys.exit(3)
        return i


def seeded(n=0):
    return ac.Generator().manual_seed(n)


def epoch(loader):
    def plain(value):
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        return value.tolist() if hasattr(value, "tolist") else [plain(v) for v in value]

    return [plain(batch) for batch in loader]


def children() -> set[int]:
    """This process's children, without the helpers that multiprocessing keeps for spawn and forkserver."""
    path = f"/proc/{os.getpid()}/task"
    found = set()
    for task in os.listdir(path):
        try:
            with open(f"{path}/{task}/children") as file:
                found |= {int(pid) for pid in file.read().split()}
        except FileNotFoundError:
            pass
    return {pid for pid in found if not is_helper(pid)}


def is_helper(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            command = file.read()
    except FileNotFoundError:
        return True
    return b"resource_tracker" in command or b"forkserver" in command


@pytest.fixture(autouse=True)
def nobody_left_behind():
    before, threads = children(), threading.active_count()
    yield
    gc.collect()
    deadline = time.monotonic() + 5
    while (children() - before or threading.active_count() > threads) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not children() - before, "worker processes outlived their loader"
    assert threading.active_count() <= threads, "worker threads outlived their loader"


# ----------------------------------------------------------------------------------------------------- the same batches


@both
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("shuffle", [False, True])
def test_same_batches_and_augmentations_as_without_workers(kind, workers, shuffle):
    arguments = {"batch_size": 4, "shuffle": shuffle}
    alone = DataLoader(Pictures(), generator=seeded(), **arguments)
    together = DataLoader(Pictures(), generator=seeded(), num_workers=workers, worker_type=kind, **arguments)
    for _ in range(2):
        assert epoch(together) == epoch(alone)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_other_start_methods(method):
    loader = DataLoader(
        TensorDataset(ac.arange(6)), batch_size=2, num_workers=1, multiprocessing_context=method, generator=seeded()
    )
    assert epoch(loader) == [[[0, 1]], [[2, 3]], [[4, 5]]]


def test_seed_globals_makes_global_generators_follow_the_sample():
    alone = DataLoader(GloballyNoisy(), batch_size=4, seed_globals=True, generator=seeded())
    together = DataLoader(GloballyNoisy(), batch_size=4, seed_globals=True, generator=seeded(), num_workers=2)
    assert epoch(alone) == epoch(together)


@both
def test_persistent_workers(kind):
    alone = DataLoader(Pictures(), batch_size=4, shuffle=True, generator=seeded())
    loader = DataLoader(
        Pictures(),
        batch_size=4,
        shuffle=True,
        generator=seeded(),
        num_workers=2,
        persistent_workers=True,
        worker_type=kind,
    )
    assert epoch(loader) == epoch(alone)
    pool = loader._pool
    next(iter(loader)), next(iter(alone))  # left half-way: its results must not turn up in the next epoch
    gc.collect()
    assert epoch(loader) == epoch(alone)
    assert loader._pool is pool
    if kind == "process":
        assert len(pool.pids) == 2


@both
def test_iterable_over_workers(kind):
    loader = DataLoader(Stream(), batch_size=3, num_workers=2, worker_type=kind)
    batches = epoch(loader)
    assert sorted(i for batch in batches for i in batch) == list(range(20))
    assert batches[:2] == [[0, 2, 4], [1, 3, 5]]  # workers take turns
    assert epoch(loader) == batches


@both
def test_iterable_of_uneven_length(kind):
    loader = DataLoader(Stream(5), batch_size=2, num_workers=3, worker_type=kind, drop_last=True)
    assert epoch(loader) == [[0, 3], [1, 4]]


@both
def test_in_order_false_gives_every_batch_once(kind):
    loader = DataLoader(range(30), batch_size=4, num_workers=3, in_order=False, worker_type=kind)
    assert sorted(i for batch in epoch(loader) for i in batch) == list(range(30))


def test_large_batches_and_long_task_lists_do_not_block_each_other():
    """Tasks and batches that both exceed a pipe's buffer at the same time."""
    data = TensorDataset(ac.randn(60_000, 16))
    loader = DataLoader(data, batch_size=20_000, num_workers=2, prefetch_factor=4, shuffle=True, timeout=60)
    assert sum(len(batch) for (batch,) in loader) == 60_000


@both
def test_odd_payloads(kind):
    data = [np.zeros((0, 3)), np.asfortranarray(np.ones((2, 3))), np.ones(6)[::2]]
    loader = DataLoader(data, batch_size=None, num_workers=1, worker_type=kind)
    assert [t.tolist() for t in loader] == [a.tolist() for a in data]
    for tensor in loader:
        tensor.array[...] = 5  # writable


@both
def test_worker_info_and_init(kind):
    class Info(Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            info = get_worker_info()
            return info.id, info.num_workers, info.seed, info.dataset is self, self.mark

    def init(worker):
        get_worker_info().dataset.mark = 7 if kind == "thread" else 10 + worker

    assert get_worker_info() is None
    (a, b) = epoch(DataLoader(Info(), batch_size=2, num_workers=2, worker_init_fn=init, worker_type=kind))
    assert a[0] == [0, 0]
    assert b[0] == [1, 1]
    assert a[1] == [2, 2]
    assert a[3] == [True, True]
    assert b[2][0] == a[2][0] + 1
    assert [a[4][0], b[4][0]] == ([7, 7] if kind == "thread" else [10, 11])


def test_globals_are_seeded_per_worker_process():
    loader = DataLoader(GloballyNoisy(), batch_size=23, num_workers=1, generator=seeded())
    assert epoch(loader) == epoch(DataLoader(GloballyNoisy(), batch_size=23, num_workers=1, generator=seeded()))
    values = epoch(loader)[0][1]
    assert len(set(values)) == 23


# --------------------------------------------------------------------------------------------------------------- errors


class Picky(ValueError):
    def __init__(self, a, b):
        super().__init__(f"{a}{b}")


@both
@pytest.mark.parametrize(
    ("error", "kind_raised"),
    [
        (ZeroDivisionError("deep inside"), ZeroDivisionError),
        (KeyError("deep inside"), KeyError),
        (Picky("deep ", "inside"), RuntimeError),
        (FileNotFoundError(2, "deep inside"), FileNotFoundError),
        (MemoryError("deep inside"), MemoryError),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_errors_keep_their_kind_and_traceback(kind, error, kind_raised):
    loader = iter(DataLoader(Fails(error), batch_size=2, num_workers=2, worker_type=kind))
    assert next(loader).tolist() == [0, 1]
    assert next(loader).tolist() == [2, 3]
    with pytest.raises(kind_raised) as caught:
        next(loader)
    message = str(caught.value)
    assert f"Caught {type(error).__name__} in DataLoader worker 0" in message
    assert "while loading batch 2 (indices 4, 5)" in message
    assert "raise self.error" in message
    assert "deep inside" in message
    assert next(loader).tolist() == [6, 7]  # as in PyTorch, the iterator goes on


@both
def test_errors_at_the_start(kind):
    def init(worker):
        raise ValueError("no licence")

    with pytest.raises(ValueError, match=r"(?s)while calling worker_init_fn.*no licence"):
        next(iter(DataLoader(range(4), num_workers=1, worker_init_fn=init, worker_type=kind)))


def test_batches_that_cannot_be_pickled():
    loader = DataLoader(range(4), batch_size=2, num_workers=1, collate_fn=lambda samples: lambda: samples)
    with pytest.raises(Exception, match=r"(?s)while sending batch 0 .*to the main process.*pickle"):
        next(iter(loader))
    graph = DataLoader(range(4), num_workers=1, collate_fn=lambda s: ac.ones(1, requires_grad=True) * 2)
    with pytest.raises(RuntimeError, match=r"(?s)while sending batch 0.*only leaf tensors can be pickled"):
        next(iter(graph))


@pytest.mark.parametrize("workers", [0, 1])
def test_stop_iteration_does_not_pass_for_the_end(workers):
    with pytest.raises(RuntimeError, match="the dataset or collate_fn raised StopIteration"):
        list(DataLoader(Fails(StopIteration()), num_workers=workers))


def test_timeout():
    loader = iter(DataLoader(Slow(at=2), num_workers=1, timeout=0.3))
    assert next(loader).item() == 0
    assert next(loader).item() == 1
    start = time.monotonic()
    with pytest.raises(RuntimeError, match=r"timed out after 0\.3 seconds waiting for batch 2 from 1 worker processes"):
        next(loader)
    assert time.monotonic() - start < 5


def test_timeout_of_threads():
    release = threading.Event()

    class Waits(Fails):
        def __getitem__(self, i):
            release.wait(20)
            return i

    loader = iter(DataLoader(Waits(), num_workers=1, timeout=0.2, worker_type="thread"))
    with pytest.raises(RuntimeError, match=r"timed out after 0.2 seconds waiting for batch 0 from 1 worker threads"):
        next(loader)
    release.set()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_worker_is_noticed_at_once(workers):
    loader = iter(DataLoader(Dies(signal.SIGKILL), num_workers=workers))
    start = time.monotonic()
    killed = r"worker \d \(pid \d+\) was killed by signal SIGKILL while .*memory runs out"
    with pytest.raises(RuntimeError, match=killed):
        list(loader)
    assert time.monotonic() - start < 5


def test_a_crashed_worker_is_noticed_at_once():
    loader = iter(DataLoader(Dies(signal.SIGUSR1), num_workers=1))
    with pytest.raises(RuntimeError, match="was killed by signal SIGUSR1"):
        list(loader)


def test_a_worker_that_leaves():
    with pytest.raises(RuntimeError, match=r"worker 0 .* exited unexpectedly with code 3"):
        list(DataLoader(Leaves(), num_workers=1))
    with pytest.raises(RuntimeError, match=r"Caught SystemExit in DataLoader worker 0 \(thread\), which ended"):
        list(DataLoader(Leaves(), num_workers=1, worker_type="thread"))


def test_persistent_workers_are_replaced_after_one_died():
    loader = DataLoader(range(8), num_workers=2, persistent_workers=True, batch_size=2)
    expected = epoch(loader)
    os.kill(loader._pool.pids[0], signal.SIGKILL)
    time.sleep(0.1)
    with pytest.raises(RuntimeError, match="was killed by signal SIGKILL"):
        epoch(loader)
    assert epoch(loader) == expected


# --------------------------------------------------------------------------------------------------- nobody left behind


@both
def test_dropping_an_iterator_half_way(kind):
    loader = DataLoader(range(100), num_workers=2, worker_type=kind)
    iterator = iter(loader)
    next(iterator)
    before = len(children())
    del iterator
    if kind == "process":
        assert before >= 2
        assert not children()


def test_dropping_while_workers_are_busy_takes_a_second_at_most():
    iterator = iter(DataLoader(Slow(at=1), num_workers=2))
    next(iterator)
    start = time.monotonic()
    del iterator
    assert time.monotonic() - start < 3


CTRL_C = """
import sys, time, os
from nn.data import DataLoader
loader = DataLoader(range(1000), num_workers=2, worker_type=sys.argv[1], persistent_workers=sys.argv[2] == "1")
def slow(samples):
    time.sleep(0.05)
    return os.getpid()
loader.collate_fn = slow
try:
    for i, batch in enumerate(loader):
        print(batch, flush=True)
        if i == 1:
            print("go", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    time.sleep(float(sys.argv[3]))
"""


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def all_gone(pids, seconds=5.0) -> bool:
    deadline = time.monotonic() + seconds
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(map(alive, pids))


def run_until_go(*arguments):
    process = subprocess.Popen(
        [sys.executable, "-c", CTRL_C, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    pids = set()
    for line in process.stdout:
        if line.strip() == "go":
            break
        pids.add(int(line))
    return process, pids - {process.pid}


@both
@pytest.mark.parametrize("persistent", ["0", "1"])
def test_ctrl_c_reaches_the_whole_group_and_leaves_nobody(kind, persistent):
    process, pids = run_until_go(kind, persistent, "0")
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "interrupted" in out
    assert "Traceback" not in err
    assert all_gone(pids)


def test_ctrl_c_ends_the_workers_even_when_the_program_goes_on():
    process, pids = run_until_go("process", "0", "20")
    process.send_signal(signal.SIGINT)
    assert all_gone(pids)
    assert process.poll() is None
    process.kill()
    process.communicate()


def test_a_killed_main_process_leaves_no_orphans():
    process, pids = run_until_go("process", "1", "0")
    assert pids
    process.kill()
    process.communicate()
    assert all_gone(pids)


def test_two_loaders_at_once_and_orphans_of_both():
    a = iter(DataLoader(range(50), num_workers=2))
    b = iter(DataLoader(range(50), num_workers=2))
    assert [next(a).item(), next(b).item(), next(a).item()] == [0, 0, 1]
    del a
    assert [next(b).item() for _ in range(49)] == list(range(1, 50))


def test_a_fork_of_the_main_process_does_not_end_its_workers():
    loader = iter(DataLoader(range(50), num_workers=2))
    next(loader)
    pid = os.fork()
    if pid == 0:
        try:
            del loader
            gc.collect()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert [next(loader).item() for _ in range(49)] == list(range(1, 50))
