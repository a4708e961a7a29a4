"""Workers of a DataLoader: processes or threads that turn tasks into batches.

Every worker process has a pipe of its own. A queue shared by all workers would need a lock, and a worker killed while
it holds that lock stops everybody; with one pipe each, a death is seen at once as an end of file and harms nobody
else. In the worker one small thread reads the pipe, so the main process never blocks on sending a task while the
worker blocks on sending a batch, and a worker whose main process is gone ends at once.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import multiprocessing.connection
import os
import pickle
import queue
import random
import signal
import threading
import time
import traceback
import warnings
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_core as ac

from . import seeding
from .fetch import MapFetcher, StreamFetcher, make_fetcher

__all__ = [
    "BATCH",
    "END",
    "FAILED",
    "Failure",
    "Job",
    "ProcessPool",
    "ThreadPool",
    "WorkerInfo",
    "WorkerPool",
    "get_worker_info",
]


# ---------------------------------------------------------------------------------------------------------------------
# What a worker knows


@dataclass(frozen=True)
class WorkerInfo:
    """The worker that runs this code: its `id`, `num_workers`, `seed` (of this worker) and `dataset` copy."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


class _Here(threading.local):
    info: WorkerInfo | None = None


_here = _Here()


def get_worker_info() -> WorkerInfo | None:
    """In a DataLoader worker its `WorkerInfo`, elsewhere None.

    Source: PyTorch, `torch.utils.data.get_worker_info`.
    """
    return _here.info


@dataclass(frozen=True)
class Job:
    """All that a worker needs to know, sent once when it starts."""

    dataset: Any
    batched: bool
    collate_fn: Callable[[Any], Any]
    drop_last: bool
    num_workers: int
    base_seed: int
    init_fn: Callable[[int], None] | None
    seed_globals: bool


@dataclass
class Failure:
    """An exception of a worker, in a form that travels."""

    kind: type[Exception]
    name: str
    text: str
    where: str

    @classmethod
    def of(cls, error: BaseException, where: str) -> Failure:
        kind: type[Exception] = RuntimeError
        if isinstance(error, Exception):  # a worker's SystemExit is not to end the main program
            try:
                pickle.dumps(type(error))
                kind = type(error)
            except Exception:  # a class local to a function: its name stays in the text
                kind = RuntimeError
        return cls(kind, type(error).__name__, "".join(traceback.format_exception(error)), where)

    def reraise(self) -> None:
        """Raise the exception's own kind, with the worker's traceback in its text."""
        message = f"Caught {self.name} in DataLoader {self.where}.\nOriginal {self.text}"
        if issubclass(self.kind, KeyError):
            message = _Verbatim(message)  # KeyError prints the repr of its argument
        try:
            error = self.kind(message)
        except Exception:  # kinds whose constructor wants something else, such as UnicodeDecodeError
            error = RuntimeError(message)
        raise error


class _Verbatim(str):
    """A str whose repr is itself."""

    def __repr__(self) -> str:
        return str(self)


END = "end of stream"
BATCH = "batch"
FAILED = "failed"


def _describe(task: Any) -> str:
    """A task in words, at most a few indices of it."""
    if task is None:
        return "the worker's start"
    number, indices = task
    if isinstance(indices, (list, tuple)) and any(i is not None for i in indices):
        shown = ", ".join(map(repr, indices[:4])) + (", ..." if len(indices) > 4 else "")
        return f"batch {number} (indices {shown})"
    return f"batch {number}"


class _Worker:
    """The loop of one worker, whatever carries its messages.

    `take()` gives the next message or None to stop: ("epoch", epoch, epoch_seed) or ("task", epoch, number, indices).
    `give(epoch, number, kind, payload)` hands back a result.
    """

    def __init__(self, worker: int, job: Job, take: Callable[[], Any], give: Callable[..., None]) -> None:
        self.worker, self.job, self.take, self.give = worker, job, take, give
        self.latest_epoch = -1  # set from outside as soon as a new epoch is known: older tasks are not worth doing

    def run(self) -> None:
        job = self.job
        _here.info = WorkerInfo(self.worker, job.num_workers, job.base_seed + self.worker, job.dataset)
        where = f"worker {self.worker} ({'thread' if isinstance(self, _ThreadWorker) else f'process {os.getpid()}'})"
        start_failure: Failure | None = None
        if job.init_fn is not None:
            try:
                job.init_fn(self.worker)
            except Exception as error:
                start_failure = Failure.of(error, f"{where} while calling worker_init_fn")
        fetch: MapFetcher | StreamFetcher | None = None
        epoch, epoch_seed = -1, 0
        while (message := self.take()) is not None:
            if message[0] == "epoch":
                _, epoch, epoch_seed = message
                fetch = None
                continue
            _, task_epoch, number, indices = message
            if task_epoch != epoch or task_epoch < self.latest_epoch:
                continue
            kind, payload = FAILED, start_failure
            if start_failure is None:
                try:
                    with seeding.epoch_of(epoch_seed, job.seed_globals, restore=False):
                        if fetch is None:
                            fetch = make_fetcher(job.dataset, job.batched, job.collate_fn, job.drop_last, self.worker)
                        kind, payload = BATCH, fetch(indices)
                except Exception as error:
                    if isinstance(error, StopIteration):
                        self.give(epoch, number, END, None)
                        continue
                    what = f"{where} while loading {_describe((number, indices))}"
                    kind, payload = FAILED, Failure.of(error, what)
            try:
                self.give(epoch, number, kind, payload)
            except Exception as error:  # the batch cannot be pickled
                if isinstance(error, OSError):
                    raise
                what = f"{where} while sending {_describe((number, indices))} to the main process"
                self.give(epoch, number, FAILED, Failure.of(error, what))


class _ThreadWorker(_Worker):
    """A worker that is a thread of the main process."""


# ---------------------------------------------------------------------------------------------------------------------
# Messages over a pipe: pickle protocol 5 with the arrays' bytes beside the pickle, so they are copied once on each side


def _send(connection: multiprocessing.connection.Connection, message: Any) -> None:
    buffers: list[pickle.PickleBuffer] = []
    stream = io.BytesIO()
    pickle.Pickler(stream, protocol=5, buffer_callback=buffers.append).dump(message)
    # Everything is pickled before the first byte is sent: a batch that cannot be pickled leaves the pipe clean.
    raws = [buffer.raw() for buffer in buffers]
    connection.send_bytes(pickle.dumps([raw.nbytes for raw in raws]))
    connection.send_bytes(stream.getbuffer())
    for raw in raws:
        if raw.nbytes:
            connection.send_bytes(raw)


def _receive(connection: multiprocessing.connection.Connection) -> Any:
    sizes = pickle.loads(connection.recv_bytes())
    head = connection.recv_bytes()
    buffers = []
    for size in sizes:
        buffer = np.empty(size, dtype=np.uint8)
        if size:
            connection.recv_bytes_into(buffer.data)
        buffers.append(buffer)
    return pickle.loads(head, buffers=buffers)


# ---------------------------------------------------------------------------------------------------------------------
# In the worker process


def _process_main(worker: int, job: Job, connection: Any, inherited: list[Any]) -> None:
    """The worker process: from its first line to its end."""
    parent = os.getppid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a handler of the main program is not for its workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the main process decides
    for other in inherited:  # the main process's ends of the pipes, copied by fork
        other.close()
    random.seed(job.base_seed + worker)
    np.random.seed((job.base_seed + worker) & 0xFFFFFFFF)
    ac.manual_seed(job.base_seed + worker)
    if hasattr(ac, "set_num_threads"):
        ac.set_num_threads(1)  # the workers are the parallelism

    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    state = _Worker(worker, job, tasks.get, lambda *message: _send(connection, message))

    def read() -> None:
        while True:
            try:
                while not connection.poll(5.0):
                    if os.getppid() != parent:  # orphaned while some third process holds the pipe open
                        raise EOFError
                message = pickle.loads(connection.recv_bytes())
            except (EOFError, OSError):  # the main process is gone, or no longer wants us
                break
            if message[0] == "epoch":
                state.latest_epoch = message[1]
            tasks.put(message)
        tasks.put(None)
        state.latest_epoch = 1 << 62
        time.sleep(0.4)  # for what the dataset does on its way out
        os._exit(0)

    threading.Thread(target=read, daemon=True, name="DataLoader reader").start()
    try:
        state.run()
    except (BrokenPipeError, ConnectionResetError):
        os._exit(0)


# ---------------------------------------------------------------------------------------------------------------------
# In the main process


class WorkerPool:
    """What processes and threads have in common, seen from the main process."""

    kind = ""
    broken = False

    def begin_epoch(self, epoch: int, epoch_seed: int) -> None:
        """Tell every worker that an epoch begins; results of older ones are dropped."""
        raise NotImplementedError

    def submit(self, worker: int, epoch: int, number: int, indices: Any) -> None:
        """Give a task to a worker."""
        raise NotImplementedError

    def receive(self, timeout: float, waiting_for: str) -> tuple[int, int, str, Any]:
        """The next result of any worker: (epoch, number, kind, payload)."""
        raise NotImplementedError

    def shutdown(self) -> None:
        """End all workers now."""
        raise NotImplementedError


class ProcessPool(WorkerPool):
    """Workers that are processes."""

    kind = "process"

    def __init__(self, job: Job, context: Any) -> None:
        self._connections: list[Any] = []
        self._processes: list[Any] = []
        self._ready: list[Any] = []
        # The finalizer must not hold the pool, or the pool would never be dropped.
        self._finalizer = weakref.finalize(self, _end_processes, self._connections, self._processes, os.getpid())
        forks = context.get_start_method() == "fork"
        try:
            for worker in range(job.num_workers):
                ours, theirs = context.Pipe(duplex=True)
                inherited = [*self._connections, ours] if forks else []
                process = context.Process(
                    target=_process_main,
                    args=(worker, job, theirs, inherited),
                    daemon=True,
                    name=f"DataLoader worker {worker}",
                )
                with warnings.catch_warnings():
                    # Python 3.12 warns of fork in a process with threads. BLAS's threads are parked at that moment,
                    # and which start method to use is the user's choice (multiprocessing_context).
                    warnings.filterwarnings("ignore", message=".*multi-threaded", category=DeprecationWarning)
                    process.start()
                theirs.close()
                self._connections.append(ours)
                self._processes.append(process)
        except BaseException:
            self.shutdown()
            raise

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return [process.pid for process in self._processes]

    def begin_epoch(self, epoch: int, epoch_seed: int) -> None:
        for worker in range(len(self._connections)):
            self._post(worker, ("epoch", epoch, epoch_seed))

    def submit(self, worker: int, epoch: int, number: int, indices: Any) -> None:
        self._post(worker, ("task", epoch, number, indices))

    def _post(self, worker: int, message: Any) -> None:
        try:
            self._connections[worker].send_bytes(pickle.dumps(message, protocol=5))
        except OSError:
            self._died(worker, "before it was given its next task")

    def receive(self, timeout: float, waiting_for: str) -> tuple[int, int, str, Any]:
        if not self._ready:
            sentinels = [process.sentinel for process in self._processes]
            ready = multiprocessing.connection.wait([*self._connections, *sentinels], timeout or None)
            if not ready:
                count = len(self._processes)
                self.shutdown()
                raise RuntimeError(
                    f"DataLoader: timed out after {timeout:g} seconds waiting for {waiting_for} from "
                    f"{count} worker processes. Raise timeout=, or see what the dataset waits for."
                )
            self._ready = [c for c in self._connections if c in ready]
            if not self._ready:  # somebody died and left nothing to read
                self._died(sentinels.index(ready[0]), f"while {waiting_for} was awaited")
        connection = self._ready.pop(0)
        try:
            message: tuple[int, int, str, Any] = _receive(connection)
            return message
        except (EOFError, OSError):
            self._died(self._connections.index(connection), f"while {waiting_for} was awaited")
            raise  # not reached: _died raises

    def _died(self, worker: int, when: str) -> None:
        process = self._processes[worker]
        process.join(1.0)
        code, pid = process.exitcode, process.pid
        self.shutdown()
        if code is not None and code < 0:
            try:
                how = f"was killed by signal {signal.Signals(-code).name}"
            except ValueError:
                how = f"was killed by signal {-code}"
            why = " The system kills processes like this when memory runs out." if code == -signal.SIGKILL else ""
        else:
            how, why = f"exited unexpectedly with code {code}", ""
        raise RuntimeError(
            f"DataLoader: worker {worker} (pid {pid}) {how} {when}.{why} Use num_workers=0 to see its error here."
        )

    def shutdown(self) -> None:
        self.broken = True
        self._finalizer()


def _end_processes(connections: list[Any], processes: list[Any], owner: int) -> None:
    """End the workers: ask, then terminate, then kill; at most about a second, whatever they are doing."""
    if os.getpid() != owner:  # a forked child dropped its copy of the pool; the workers are not its own
        return
    for connection in connections:
        with contextlib.suppress(OSError):
            connection.close()  # the worker's reader sees the end of file and exits
    deadline = time.monotonic() + 0.5
    for end in ("terminate", "kill", None):
        for process in processes:
            process.join(max(0.0, deadline - time.monotonic()))
        alive = [process for process in processes if process.is_alive()]
        if not alive or end is None:
            break
        for process in alive:
            getattr(process, end)()
        deadline = time.monotonic() + 0.5
    for process in processes:
        if not process.is_alive():
            process.close()
    connections.clear()
    processes.clear()


class ThreadPool(WorkerPool):
    """Workers that are threads: they share the dataset with the main program and with each other."""

    kind = "thread"

    def __init__(self, job: Job) -> None:
        self._results: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._workers: list[_ThreadWorker] = []
        self._tasks: list[queue.SimpleQueue[Any]] = []
        self._finalizer = weakref.finalize(self, _end_threads, self._workers, self._tasks)
        results = self._results
        for worker in range(job.num_workers):
            tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
            state = _ThreadWorker(worker, job, tasks.get, lambda *message: results.put(message))
            thread = threading.Thread(
                target=_thread_main, args=(state, results), daemon=True, name=f"DataLoader worker {worker}"
            )
            thread.start()
            self._tasks.append(tasks)
            self._workers.append(state)

    def begin_epoch(self, epoch: int, epoch_seed: int) -> None:
        for state, tasks in zip(self._workers, self._tasks, strict=True):
            state.latest_epoch = epoch
            tasks.put(("epoch", epoch, epoch_seed))

    def submit(self, worker: int, epoch: int, number: int, indices: Any) -> None:
        self._tasks[worker].put(("task", epoch, number, indices))

    def receive(self, timeout: float, waiting_for: str) -> tuple[int, int, str, Any]:
        try:
            message: Any = self._results.get(timeout=timeout or None)
        except queue.Empty:
            count = len(self._workers)
            self.shutdown()
            raise RuntimeError(
                f"DataLoader: timed out after {timeout:g} seconds waiting for {waiting_for} from {count} worker "
                "threads. Raise timeout=, or see what the dataset waits for."
            ) from None
        if isinstance(message, Failure):
            self.shutdown()
            message.reraise()
        result: tuple[int, int, str, Any] = message
        return result

    def shutdown(self) -> None:
        self.broken = True
        self._finalizer()


def _thread_main(state: _ThreadWorker, results: Any) -> None:
    try:
        state.run()
    except BaseException as error:  # SystemExit and the like end this thread; the main thread must hear of it
        results.put(Failure.of(error, f"worker {state.worker} (thread), which ended"))


def _end_threads(workers: list[_ThreadWorker], tasks: list[queue.SimpleQueue[Any]]) -> None:
    """Tell the threads to stop. They do so after the sample in hand; a thread cannot be stopped inside one."""
    for state in workers:
        state.latest_epoch = 1 << 62
    for line in tasks:
        line.put(None)
