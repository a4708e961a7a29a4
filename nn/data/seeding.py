"""The random numbers of one sample: a stream keyed by (epoch, index), the same in whatever process it is drawn.

A loader that splits an epoch over workers must not let the split decide which augmentation a picture gets. So the
stream is not "the worker's": it is a Philox counter generator whose 128-bit key is the epoch's seed and the sample's
index. No state travels between processes, and the stream exists only when a transform asks for it.
"""

from __future__ import annotations

import hashlib
import operator
import random
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import autograd_core as ac

__all__ = ["fetch_each", "sample_rng"]

_MASK64 = (1 << 64) - 1


class _Here(threading.local):
    """What the current thread is loading: set by the loader, read by `sample_rng`."""

    epoch_seed: int | None = None
    index: Any = None
    rng: np.random.Generator | None = None
    seed_globals: bool = False


_here = _Here()


def sample_rng() -> np.random.Generator:
    """The random stream of the sample being loaded, as a `numpy.random.Generator`.

    Inside a dataset that a `DataLoader` reads, the stream is a function of (epoch seed, index) alone: the same sample
    gets the same numbers with 0, 1 or 16 workers, processes or threads. Every call during one sample hands back the
    same advancing stream. Outside a loader it is the default generator's stream, which `autograd_core.manual_seed`
    starts.

    Returns
    -------
    numpy.random.Generator

    Examples
    --------
    >>> from nn.data import Dataset, sample_rng
    >>> class Noisy(Dataset):
    ...     def __len__(self): return 4
    ...     def __getitem__(self, i): return i + sample_rng().normal()
    """
    here = _here
    if here.epoch_seed is None:
        return ac.default_generator.numpy
    if here.rng is None:
        key = np.array([here.epoch_seed & _MASK64, _as_word(here.index)], dtype=np.uint64)
        here.rng = np.random.Generator(np.random.Philox(key=key))
    return here.rng


def draw_seed(generator: Any) -> int:
    """One 63-bit seed from `generator` (None: the default generator)."""
    return int(ac.randint(0, (1 << 63) - 1, (), generator=generator))


def _as_word(index: Any) -> int:
    """`index` as 64 bits: integers as they are, anything else by a digest of its repr (stable between processes)."""
    try:
        return int(operator.index(index)) & _MASK64
    except TypeError:
        return int.from_bytes(hashlib.blake2b(repr(index).encode(), digest_size=8).digest(), "little")


def _seed_globals(epoch_seed: int, index: Any) -> None:
    """Seed `random`, `numpy.random` and the default generator from (epoch seed, index)."""
    word = (epoch_seed * 0x9E3779B97F4A7C15 ^ _as_word(index) * 0xC2B2AE3D27D4EB4F) & _MASK64
    random.seed(word)
    np.random.seed(word & 0xFFFFFFFF)
    ac.manual_seed(word >> 1)


@contextmanager
def epoch_of(epoch_seed: int, seed_globals: bool = False, restore: bool = True) -> Iterator[None]:
    """Within: this thread loads samples of the epoch with `epoch_seed`.

    With `seed_globals` and `restore` the global generators are put back as they were afterwards, so a loader without
    workers leaves the training program's own random numbers alone.
    """
    here = _here
    before = here.epoch_seed, here.index, here.rng, here.seed_globals
    here.epoch_seed, here.index, here.rng, here.seed_globals = epoch_seed, None, None, seed_globals
    kept = (random.getstate(), np.random.get_state(), ac.get_rng_state()) if seed_globals and restore else None
    try:
        yield
    finally:
        here.epoch_seed, here.index, here.rng, here.seed_globals = before
        if kept is not None:
            random.setstate(kept[0])
            np.random.set_state(kept[1])
            ac.set_rng_state(kept[2])


def at(index: Any) -> None:
    """From here on this thread loads the sample (or, with a list, the batch) `index`."""
    here = _here
    here.index = index
    here.rng = None
    if here.seed_globals and here.epoch_seed is not None:
        _seed_globals(here.epoch_seed, index)


def fetch_each(get: Callable[[Any], Any], indices: Iterable[Any], keys: Iterable[Any] | None = None) -> list[Any]:
    """``[get(i) for i in indices]`` where every sample draws from its own stream.

    For a dataset's `__getitems__` that falls back on single samples. `keys` (default: the indices) name the streams.
    """
    samples = []
    for index, key in zip(indices, indices if keys is None else keys, strict=True):
        at(key)
        samples.append(get(index))
    return samples
