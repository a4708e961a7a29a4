"""What the main process and its workers tell each other, and what a worker knows of itself."""

from __future__ import annotations

import pickle
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["BATCH", "END", "FAILED", "Failure", "Job", "WorkerInfo", "get_worker_info", "here"]

# The kinds of result.
END = "end of stream"
BATCH = "batch"
FAILED = "failed"


@dataclass(frozen=True)
class WorkerInfo:
    """The worker that runs this code: its `id`, `num_workers`, `seed` (of this worker) and `dataset` copy."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


class _Here(threading.local):
    info: WorkerInfo | None = None


here = _Here()


def get_worker_info() -> WorkerInfo | None:
    """In a DataLoader worker its `WorkerInfo`, elsewhere None.

    Source: PyTorch, `torch.utils.data.get_worker_info`.
    """
    return here.info


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
