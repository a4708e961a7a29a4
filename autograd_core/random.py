"""Random streams: ``Generator``, ``manual_seed`` and the state of the default generator.

The numbers come from NumPy's PCG64, so a seed gives the same stream on every platform (not PyTorch's bits).
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from .device import CPU, check_device, device
from .tensor import Tensor, wrap

__all__ = [
    "Generator",
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
]


class Generator:
    """A stream of random numbers (PyTorch's ``torch.Generator``); ``.numpy`` is NumPy's generator behind it."""

    __slots__ = ("_seed", "numpy")

    def __init__(self, device: Any = "cpu") -> None:
        check_device("Generator", device)
        self.manual_seed(67280421310721)

    @property
    def device(self) -> device:
        return CPU

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream that belongs to ``seed``."""
        self._seed = _checked_seed("manual_seed", seed)
        self.numpy = np.random.Generator(np.random.PCG64(self._seed))
        return self

    def seed(self) -> int:
        """Start at an unforeseeable seed and return it."""
        value = int(np.random.SeedSequence().entropy % 2**63)  # type: ignore[operator]
        self.manual_seed(value)
        return value

    def initial_seed(self) -> int:
        """The seed the stream was started with."""
        return self._seed

    def get_state(self) -> Tensor:
        """The state as a tensor of bytes."""
        state = {"seed": self._seed, "state": self.numpy.bit_generator.state}
        return wrap(np.frombuffer(json.dumps(state).encode(), np.uint8).copy())

    def set_state(self, new_state: Tensor) -> Generator:
        """Go back to a state that :meth:`get_state` gave."""
        if not isinstance(new_state, Tensor) or new_state.array.dtype != np.uint8:
            raise TypeError("set_state: expected the uint8 tensor that get_state() gave.")
        try:
            state = json.loads(new_state.array.tobytes())
            stream = np.random.PCG64()
            stream.state = state["state"]
            seed = int(state["seed"])
        except (ValueError, KeyError, TypeError, UnicodeDecodeError):
            raise RuntimeError(
                "set_state: these bytes are not a generator's state; use what get_state() gave."
            ) from None
        self._seed, self.numpy = seed, np.random.Generator(stream)
        return self

    def __repr__(self) -> str:
        return f"<autograd_core.Generator seed={self._seed}>"


def _checked_seed(name: str, seed: Any) -> int:
    if isinstance(seed, Tensor):
        seed = seed.item()
    if isinstance(seed, float) and seed != seed:
        raise ValueError(f"{name}: a seed cannot be NaN; give an integer.")
    try:
        value = int(seed)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{name}: the seed must be an integer, got {seed!r}.") from None
    if value != seed:
        raise TypeError(f"{name}: the seed must be an integer, got {seed!r}.")
    if not -(2**63) <= value < 2**64:
        raise RuntimeError(f"{name}: the seed must fit 64 bits, got {value}.")
    return value % 2**64


default_generator = Generator()


def stream(generator: Generator | None) -> np.random.Generator:
    """NumPy's generator of ``generator``, or of the default one."""
    if generator is None:
        return default_generator.numpy
    if not isinstance(generator, Generator):
        raise TypeError(f"generator must be an autograd_core.Generator, got {type(generator).__name__}.")
    return generator.numpy


def manual_seed(seed: int) -> Generator:
    """Seed the default generator: what follows is the same in every run."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seed the default generator unforeseeably; returns the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed of the default generator."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The default generator's state, as a tensor of bytes."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Restore the default generator's state."""
    default_generator.set_state(new_state)


class fork_rng:
    """A context in which random numbers may be drawn without moving the default generator."""

    def __init__(self, devices: Any = None, enabled: bool = True) -> None:
        self._enabled = enabled

    def __enter__(self) -> None:
        self._state = get_rng_state()

    def __exit__(self, *exc: object) -> None:
        if self._enabled:
            set_rng_state(self._state)
