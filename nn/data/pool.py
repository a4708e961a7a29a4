"""The workers as the main process sees them: given tasks, waited for, noticed when they die, ended."""

from __future__ import annotations

import contextlib
import multiprocessing.connection
import os
import pickle
import queue
import signal
import threading
import time
import warnings
import weakref
from typing import Any

from .messages import Failure, Job
from .worker import ThreadWorker, process_main, receive, thread_main

__all__ = ["ProcessPool", "ThreadPool", "WorkerPool"]


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
                    target=process_main,
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
            message: tuple[int, int, str, Any] = receive(connection)
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
        self._workers: list[ThreadWorker] = []
        self._tasks: list[queue.SimpleQueue[Any]] = []
        self._finalizer = weakref.finalize(self, _end_threads, self._workers, self._tasks)
        results = self._results
        for worker in range(job.num_workers):
            tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
            state = ThreadWorker(worker, job, tasks.get, lambda *message: results.put(message))
            thread = threading.Thread(
                target=thread_main, args=(state, results), daemon=True, name=f"DataLoader worker {worker}"
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


def _end_threads(workers: list[ThreadWorker], tasks: list[queue.SimpleQueue[Any]]) -> None:
    """Tell the threads to stop. They do so after the sample in hand; a thread cannot be stopped inside one."""
    for state in workers:
        state.latest_epoch = 1 << 62
    for line in tasks:
        line.put(None)
