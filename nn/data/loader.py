"""DataLoader: batches of a dataset, loaded here or by workers, in an order that can be resumed exactly."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

from . import seeding
from .collate import default_collate, default_convert
from .dataset import IterableDataset
from .fetch import make_fetcher
from .messages import BATCH, END, Job
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

if TYPE_CHECKING:
    from .pool import WorkerPool

__all__ = ["DataLoader"]

T_co = TypeVar("T_co", covariant=True)


class Source(Protocol[T_co]):
    """What samples can be read from: a Dataset, a list, a Tensor, anything indexed."""

    def __getitem__(self, index: Any, /) -> T_co: ...


class _Endless(Sampler[None]):
    """The sampler of an iterable dataset: None for ever."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


@dataclass
class _Progress:
    """Where an epoch stands: what `state_dict` needs beside the sampler."""

    epoch: int
    base_seed: int
    generator_state: Any  # at the epoch's start, before its first draw
    yielded: int = 0
    done: bool = False


class DataLoader(Generic[T_co]):
    """Iterate over `dataset` in batches.

    Parameters
    ----------
    dataset : Dataset or IterableDataset
        With `__getitem__` and `__len__`, or with `__iter__`. `__getitems__(indices)` is used where it exists.
    batch_size : int or None
        Samples per batch; None turns batching off: samples come one by one, through `default_convert`.
    shuffle : bool, optional
        A new random order each epoch.
    sampler : Sampler or iterable, optional
        Gives the indices; excludes `shuffle`.
    batch_sampler : Sampler or iterable, optional
        Gives lists of indices; excludes `batch_size`, `shuffle`, `sampler` and `drop_last`.
    num_workers : int
        0: load in the iterating thread. Otherwise this many workers load ahead.
    collate_fn : callable, optional
        From a list of samples to a batch; default `default_collate`.
    pin_memory : bool
        Accepted; there is no device to pin memory for.
    drop_last : bool
        Leave out a last batch that is not full.
    timeout : float
        Seconds to wait for a batch from the workers; 0 waits for ever.
    worker_init_fn : callable, optional
        Called in each worker with its id when it starts.
    multiprocessing_context : str or context, optional
        "fork", "spawn", "forkserver" or a context; default: the `multiprocessing` module's own default.
    generator : Generator, optional
        For the order and the epoch's seed; default: the default generator.
    prefetch_factor : int, optional
        Batches loaded ahead per worker; default 2 with workers.
    persistent_workers : bool
        Keep the workers between epochs.
    pin_memory_device : str
        Accepted and not used.
    in_order : bool
        With False, batches come as workers finish them.
    worker_type : {"process", "thread"}
        Threads share the dataset and start at once; they suit datasets that spend their time in NumPy or in files.
    seed_globals : bool
        Seed `random`, `numpy.random` and the default generator before each sample from (epoch, index), so that
        datasets which draw from these also give the same samples whatever the number of workers. `sample_rng` and
        `nn.transforms` do so without it, and cost less. Not with threads, which share those generators.

    Notes
    -----
    Random numbers of a sample depend on the epoch's seed and the sample's index, not on the worker: `num_workers`,
    `worker_type` and a resume in mid-epoch do not change any sample. The epoch's seed is drawn from `generator` when
    the iteration begins.

    `state_dict()` inside the loop describes the position after the batch in hand; a new loader of the same
    arguments that loads it hands out exactly the batches that were still to come, then the same later epochs.

    Examples
    --------
    >>> import autograd_core as ac
    >>> from nn.data import DataLoader, TensorDataset
    >>> [len(batch) for (batch,) in DataLoader(TensorDataset(ac.arange(5)), batch_size=2)]
    [2, 2, 1]

    Source: PyTorch, `torch.utils.data.DataLoader`; `state_dict` as in `torchdata.stateful_dataloader`.
    """

    _FIXED = frozenset(("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"))
    _ready = False

    def __init__(
        self,
        dataset: Source[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler[Any] | Iterable[Any] | None = None,
        batch_sampler: Sampler[Any] | Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        worker_type: str = "process",
        seed_globals: bool = False,
    ) -> None:
        if isinstance(num_workers, bool) or not isinstance(num_workers, int) or num_workers < 0:
            raise ValueError(
                f"DataLoader: num_workers should be a non-negative integer, got {num_workers!r}; use 0 to load in the "
                "main process."
            )
        if not timeout >= 0:
            raise ValueError(f"DataLoader: timeout should be a non-negative number of seconds, got {timeout!r}.")
        if num_workers == 0 and prefetch_factor is not None:
            raise ValueError(
                f"DataLoader: prefetch_factor={prefetch_factor} needs workers; set num_workers > 0 or leave it out."
            )
        if prefetch_factor is not None and prefetch_factor < 1:
            raise ValueError(f"DataLoader: prefetch_factor should be at least 1, got {prefetch_factor}.")
        if persistent_workers and num_workers == 0:
            raise ValueError("DataLoader: persistent_workers needs num_workers > 0.")
        if worker_type not in ("process", "thread"):
            raise ValueError(f'DataLoader: worker_type should be "process" or "thread", got {worker_type!r}.')
        if seed_globals and worker_type == "thread" and num_workers > 0:
            raise ValueError(
                "DataLoader: seed_globals seeds generators that threads share; use worker_type='process', or draw from "
                "nn.data.sample_rng() in the dataset."
            )
        self.dataset: Any = dataset
        self.num_workers = num_workers
        self.prefetch_factor = 2 if num_workers > 0 and prefetch_factor is None else prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.generator = generator
        self.persistent_workers = persistent_workers
        self.in_order = in_order
        self.worker_type = worker_type
        self.seed_globals = seed_globals
        self.multiprocessing_context = multiprocessing_context
        self._streams = isinstance(dataset, IterableDataset)

        if self._streams:
            if shuffle:
                raise ValueError(
                    "DataLoader: shuffle=True with an IterableDataset: a stream has no indices to shuffle; shuffle in "
                    "the dataset."
                )
            if sampler is not None or batch_sampler is not None:
                raise ValueError(
                    f"DataLoader: an IterableDataset takes no {'sampler' if sampler is not None else 'batch_sampler'}: "
                    "the order is the stream's own."
                )
        elif not hasattr(dataset, "__getitem__"):
            raise TypeError(
                f"DataLoader: dataset is {type(dataset).__name__}, which has no __getitem__ and is not an "
                "IterableDataset."
            )
        if sampler is not None and shuffle:
            raise ValueError("DataLoader: sampler option is mutually exclusive with shuffle; give one of them.")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "DataLoader: batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and "
                    "drop_last; give the batch_sampler alone."
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("DataLoader: batch_size=None turns batching off; drop_last has no meaning then.")
        if sampler is None:
            if self._streams:
                sampler = _Endless()
            elif shuffle:
                sampler = RandomSampler(cast(Sized, dataset), generator=generator)
            else:
                sampler = SequentialSampler(cast(Sized, dataset))
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self._batched = batch_sampler is not None
        self.collate_fn = collate_fn or (default_collate if self._batched else default_convert)

        self._pool: WorkerPool | None = None
        self._pool_lock = threading.Lock()
        self._epochs = 0
        self._progress: _Progress | None = None
        self._resume: dict[str, Any] | None = None
        self._ready = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self._ready and name in self._FIXED:
            raise ValueError(
                f"DataLoader: {name} should not be set after the DataLoader is initialized; make a new loader."
            )
        if name == "multiprocessing_context" and value is not None:
            if self.num_workers == 0 or self.worker_type == "thread":
                raise ValueError(
                    "DataLoader: multiprocessing_context is for worker processes, but "
                    + ("num_workers=0." if self.num_workers == 0 else "worker_type='thread'.")
                )
            if isinstance(value, str):
                import multiprocessing

                methods = multiprocessing.get_all_start_methods()
                if value not in methods:
                    raise ValueError(
                        f"DataLoader: multiprocessing_context should be a start method in {methods}, got {value!r}."
                    )
                value = multiprocessing.get_context(value)
            elif not hasattr(value, "Process"):
                raise TypeError(
                    "DataLoader: multiprocessing_context should be a start method's name or a multiprocessing "
                    f"context, got {type(value).__name__}."
                )
        super().__setattr__(name, value)

    def __len__(self) -> int:
        if self._streams:
            count = len(self.dataset)
            if self.batch_size is None:
                return count
            return count // self.batch_size if self.drop_last else -(-count // self.batch_size)
        return len(self.batch_sampler if self._batched else self.sampler)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        progress, skip = self._begin_epoch()
        if self.num_workers == 0:
            return _HereIterator(self, progress, skip)
        return _WorkerIterator(self, progress, skip)

    # -- epochs and their resume -------------------------------------------------------------------------------------

    def _begin_epoch(self) -> tuple[_Progress, int]:
        """Draw the epoch's seed, or take up the epoch that `load_state_dict` described; batches to skip."""
        resume, self._resume = self._resume, None
        if resume is not None and resume["generator"] is not None:
            self.generator.set_state(resume["generator"])
        start = None if self.generator is None else self.generator.get_state()
        if resume is not None and resume["in_progress"]:
            # The draw is repeated where the generator is our own, so that it stands where it stood.
            seed = resume["base_seed"] if self.generator is None else seeding.draw_seed(self.generator)
            self._progress = _Progress(resume["epoch"], seed, start, yielded=resume["batches"])
            return self._progress, resume["batches"]
        self._progress = _Progress(self._epochs, seeding.draw_seed(self.generator), start)
        self._epochs += 1
        return self._progress, 0

    def _indices(self) -> Iterator[Any]:
        return iter(self.batch_sampler if self._batched else self.sampler)  # type: ignore[arg-type]

    def _stateful(self) -> dict[str, Any]:
        """The samplers and the dataset where they can save their state."""
        parts = {"sampler": self.sampler, "batch_sampler": self.batch_sampler}
        if self._streams and self.num_workers == 0:
            parts["dataset"] = self.dataset
        return {
            name: part
            for name, part in parts.items()
            if hasattr(part, "state_dict") and hasattr(part, "load_state_dict")
        }

    def state_dict(self) -> dict[str, Any]:
        """Where the running epoch stands, in plain values and tensors that `autograd_core.save` stores.

        Returns
        -------
        dict
            ``epoch``, ``in_progress``, ``batches`` handed out, ``base_seed``, ``generator`` (its state at the epoch's
            start, or now between epochs), states of samplers and of a streaming dataset that have `state_dict`, and
            the dataset's length and batch size to check a resume against.
        """
        if self._resume is not None:
            return dict(self._resume)
        progress = self._progress
        running = progress is not None and not progress.done
        if running:
            generator_state = progress.generator_state  # type: ignore[union-attr]
        else:
            generator_state = None if self.generator is None else self.generator.get_state()
        parts = self._stateful()
        if not running:  # between epochs a random sampler's last start is history
            parts = {name: part for name, part in parts.items() if not hasattr(part, "_began")}
        return {
            "version": 1,
            "epoch": progress.epoch if running else self._epochs,  # type: ignore[union-attr]
            "in_progress": running,
            "batches": progress.yielded if running else 0,  # type: ignore[union-attr]
            "base_seed": progress.base_seed if running else None,  # type: ignore[union-attr]
            "generator": generator_state,
            **{name: part.state_dict() for name, part in parts.items()},
            "dataset_length": self._dataset_length(),
            "batch_size": self.batch_size,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state` at the next iteration.

        Raises
        ------
        ValueError
            When `state` is not a loader's, or was saved over another dataset length, batch size or kind of generator.
        """
        needed = {"epoch", "in_progress", "batches", "base_seed", "generator", "dataset_length", "batch_size"}
        if not isinstance(state, dict) or not needed <= state.keys():
            lacking = sorted(needed - set(state)) if isinstance(state, dict) else type(state).__name__
            raise ValueError(f"DataLoader.load_state_dict: this is not the state of a DataLoader: missing {lacking}.")
        for name, here in (("dataset_length", self._dataset_length()), ("batch_size", self.batch_size)):
            if state[name] != here:
                raise ValueError(
                    f"DataLoader.load_state_dict: the state was saved with {name}={state[name]}, this loader has "
                    f"{here}; the position would not be the same."
                )
        if (state["generator"] is None) != (self.generator is None):
            raise ValueError(
                "DataLoader.load_state_dict: the state was saved by a loader "
                f"{'without' if state['generator'] is None else 'with'} a generator, this one is "
                f"{'without' if self.generator is None else 'with'}; construct both alike."
            )
        for name, part in self._stateful().items():
            if name in state:
                part.load_state_dict(state[name])
        self._resume = dict(state)
        self._epochs = state["epoch"] + (1 if state["in_progress"] else 0)
        self._progress = None

    def _dataset_length(self) -> int | None:
        try:
            return len(self.dataset)
        except (TypeError, NotImplementedError):
            return None

    # -- workers -----------------------------------------------------------------------------------------------------

    def _take_pool(self, base_seed: int) -> WorkerPool:
        with self._pool_lock:
            pool, self._pool = self._pool, None
        if pool is not None and not pool.broken:
            return pool
        import multiprocessing

        from .pool import ProcessPool, ThreadPool

        job = Job(
            self.dataset, self._batched, self.collate_fn, self.drop_last, self.num_workers, base_seed,
            self.worker_init_fn, self.seed_globals,
        )  # fmt: skip
        if self.worker_type == "thread":
            return ThreadPool(job)
        return ProcessPool(job, self.multiprocessing_context or multiprocessing.get_context())

    def _return_pool(self, pool: WorkerPool) -> None:
        """Keep the workers for the next epoch, or end them."""
        if self.persistent_workers and not pool.broken:
            with self._pool_lock:
                if self._pool is None:
                    self._pool = pool
                    return
        pool.shutdown()


class _HereIterator:
    """Loads in the iterating thread."""

    def __init__(self, loader: DataLoader[Any], progress: _Progress, skip: int) -> None:
        self._progress = progress
        self._seed_globals = loader.seed_globals
        self._indices = loader._indices()
        streams = loader._streams
        with seeding.epoch_of(progress.base_seed, self._seed_globals):
            self._fetch = make_fetcher(loader.dataset, loader._batched, loader.collate_fn, loader.drop_last)
        if skip and streams and "dataset" not in loader._stateful():
            for _ in range(skip):
                self._load(next(self._indices))
        elif not streams:
            for _ in range(skip):
                next(self._indices, None)

    def __iter__(self) -> Iterator[Any]:
        return self

    def _load(self, indices: Any) -> Any:
        with seeding.epoch_of(self._progress.base_seed, self._seed_globals):
            return self._fetch(indices)

    def __next__(self) -> Any:
        try:
            batch = self._load(next(self._indices))
        except StopIteration:
            self._progress.done = True
            raise
        self._progress.yielded += 1
        return batch


class _WorkerIterator:
    """Hands tasks to workers round robin, and their batches out in the tasks' order."""

    def __init__(self, loader: DataLoader[Any], progress: _Progress, skip: int) -> None:
        self._loader = loader
        self._progress = progress
        self._indices = loader._indices()
        self._streams = loader._streams
        self._skip = skip if self._streams else 0  # a stream is run again; indices are passed over
        if not self._streams:
            for _ in range(skip):
                next(self._indices, None)
        self._pool: WorkerPool | None = loader._take_pool(progress.base_seed)
        self._epoch = _next_epoch_number()
        self._workers = itertools.cycle(range(loader.num_workers))
        self._open = [True] * loader.num_workers  # streams that have not ended
        self._number = 0  # of the next task
        self._outstanding: dict[int, tuple[int, Any]] = {}  # task -> (worker, indices)
        self._order: deque[int] = deque()  # tasks whose batches are still to be handed out
        self._done: dict[int, tuple[str, Any]] = {}
        try:
            self._pool.begin_epoch(self._epoch, progress.base_seed)
            for _ in range(loader.num_workers * loader.prefetch_factor):  # type: ignore[operator]
                self._submit()
        except BaseException:
            self._end(keep=False)
            raise

    def __iter__(self) -> Iterator[Any]:
        return self

    def _submit(self) -> None:
        """One more task, if there is a worker and an index left."""
        for _ in range(len(self._open)):
            worker = next(self._workers)
            if self._open[worker]:
                break
        else:
            return
        try:
            indices = next(self._indices)
        except StopIteration:
            return
        self._outstanding[self._number] = (worker, indices)
        self._order.append(self._number)
        self._pool.submit(worker, self._epoch, self._number, indices)  # type: ignore[union-attr]
        self._number += 1

    def __next__(self) -> Any:
        try:
            while True:
                batch = self._next_result()
                if self._skip:
                    self._skip -= 1
                    continue
                self._progress.yielded += 1
                return batch
        except StopIteration:
            self._progress.done = True
            self._end(keep=True)
            raise
        except _WorkerError as error:
            failure = error.failure
        except BaseException:  # KeyboardInterrupt, a dead worker, a timeout: leave nobody behind
            self._end(keep=False)
            raise
        self._progress.yielded += 1
        failure.reraise()

    def _next_result(self) -> Any:
        """The next batch in order; raises StopIteration at the end, _WorkerError for a worker's exception."""
        if self._pool is None:
            raise StopIteration
        while self._order:
            number = self._order[0]
            if not self._loader.in_order and self._done:
                number = next(iter(self._done))
            if number in self._done:
                kind, payload = self._done.pop(number)
                self._order.remove(number)
                if kind == END:
                    continue
                self._submit()
                if kind == BATCH:
                    return payload
                raise _WorkerError(payload)
            epoch, number, kind, payload = self._pool.receive(self._loader.timeout, f"batch {number}")
            if epoch != self._epoch or number not in self._outstanding:
                continue  # of an epoch that was left half-way
            worker, _ = self._outstanding.pop(number)
            self._done[number] = kind, payload
            if kind == END and self._open[worker]:
                self._open[worker] = False
                self._submit()
        raise StopIteration

    def _end(self, keep: bool) -> None:
        pool, self._pool = self._pool, None
        if pool is None:
            return
        if keep:
            self._loader._return_pool(pool)
        else:
            pool.shutdown()

    def __del__(self) -> None:
        # An iterator dropped half-way. Persistent workers stay: results of this epoch are passed over later.
        if getattr(self, "_pool", None) is not None:
            self._end(keep=True)


class _WorkerError(Exception):
    """Carries a worker's Failure out of the receiving loop."""

    def __init__(self, failure: Any) -> None:
        super().__init__(failure)
        self.failure = failure


_epoch_numbers = itertools.count()


def _next_epoch_number() -> int:
    """A number for the messages of one iteration; rising, so a worker can tell old tasks from new."""
    return next(_epoch_numbers)
