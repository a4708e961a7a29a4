"""What runs in a worker of a DataLoader, process or thread: it turns tasks into batches.

Every worker process has a pipe of its own. A queue shared by all workers would need a lock, and a worker killed while
it holds that lock stops everybody; with one pipe each, a death is seen at once as an end of file and harms nobody
else. In the worker one small thread reads the pipe, so the main process never blocks on sending a task while the
worker blocks on sending a batch, and a worker whose main process is gone ends at once.
"""

from __future__ import annotations

import io
import os
import pickle
import queue
import random
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

import autograd_core as ac

from . import seeding
from .fetch import MapFetcher, StreamFetcher, make_fetcher
from .messages import BATCH, END, FAILED, Failure, Job, WorkerInfo, here

__all__ = ["ThreadWorker", "Worker", "process_main", "receive", "send", "thread_main"]


def _describe(task: Any) -> str:
    """A task in words, at most a few indices of it."""
    if task is None:
        return "the worker's start"
    number, indices = task
    if isinstance(indices, (list, tuple)) and any(i is not None for i in indices):
        shown = ", ".join(map(repr, indices[:4])) + (", ..." if len(indices) > 4 else "")
        return f"batch {number} (indices {shown})"
    return f"batch {number}"


class Worker:
    """The loop of one worker, whatever carries its messages.

    `take()` gives the next message or None to stop: ("epoch", epoch, epoch_seed) or ("task", epoch, number, indices).
    `give(epoch, number, kind, payload)` hands back a result.
    """

    def __init__(self, worker: int, job: Job, take: Callable[[], Any], give: Callable[..., None]) -> None:
        self.worker, self.job, self.take, self.give = worker, job, take, give
        self.latest_epoch = -1  # set from outside as soon as a new epoch is known: older tasks are not worth doing

    def run(self) -> None:
        """Work through the orders until the loader says stop; a failure travels back as a message."""
        job = self.job
        here.info = WorkerInfo(self.worker, job.num_workers, job.base_seed + self.worker, job.dataset)
        where = f"worker {self.worker} ({'thread' if isinstance(self, ThreadWorker) else f'process {os.getpid()}'})"
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


class ThreadWorker(Worker):
    """A worker that is a thread of the main process."""


# ---------------------------------------------------------------------------------------------------------------------
# Messages over a pipe: pickle protocol 5 with the arrays' bytes beside the pickle, so they are copied once on each side


def send(connection: Connection, message: Any) -> None:
    """Send a message; its arrays go as they lie in memory, outside the pickle (PEP 574)."""
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


def receive(connection: Connection) -> Any:
    """The next message of :func:`send`, its arrays in fresh memory."""
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


def process_main(worker: int, job: Job, connection: Any, inherited: list[Any]) -> None:
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
    state = Worker(worker, job, tasks.get, lambda *message: send(connection, message))

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
# In the worker thread


def thread_main(state: ThreadWorker, results: Any) -> None:
    """What a worker thread runs."""
    try:
        state.run()
    except BaseException as error:  # SystemExit and the like end this thread; the main thread must hear of it
        results.put(Failure.of(error, f"worker {state.worker} (thread), which ended"))
