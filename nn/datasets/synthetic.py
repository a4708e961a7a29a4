"""Data made on the spot, from a seed: for examples, tests and a first look at a model."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import autograd_core as ac

from ..data.dataset import Dataset, TensorDataset

__all__ = ["CharDataset", "blobs", "circles", "moons", "sine_waves", "spirals", "toy_text"]


def _rng(who: str, seed: Any) -> np.random.Generator:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"{who}: seed should be a non-negative integer, got {seed!r}.")
    return np.random.Generator(np.random.PCG64(int(seed)))


def _check(who: str, least: int = 1, **numbers: Any) -> None:
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"{who}: {name} should be an integer of at least {least}, got {value!r}.")


def _check_noise(who: str, noise: float) -> None:
    if not (isinstance(noise, (int, float)) and 0 <= noise < math.inf):
        raise ValueError(f"{who}: noise should be a finite standard deviation of at least 0, got {noise!r}.")


def _finish(points: np.ndarray, labels: np.ndarray, noise: float, rng: np.random.Generator) -> TensorDataset:
    """Noise on top, then one random order for points and labels."""
    order = rng.permutation(len(points))
    points = points + noise * rng.standard_normal(points.shape)
    return TensorDataset(ac.from_numpy(points[order].astype(np.float32)), ac.from_numpy(labels[order].astype(np.int64)))


def moons(n: int = 1000, noise: float = 0.1, seed: int = 0) -> TensorDataset:
    """Two half circles that reach into each other.

    Parameters
    ----------
    n : int
        Number of points, half of them in each class.
    noise : float
        Standard deviation of the normal noise on the coordinates; the half circles have radius 1.
    seed : int

    Returns
    -------
    TensorDataset
        Points (n, 2) float32, labels (n,) int64.

    Examples
    --------
    >>> points, labels = moons(6, noise=0.0).tensors
    >>> points.shape, sorted(labels.tolist())
    (Size([6, 2]), [0, 0, 0, 1, 1, 1])
    """
    _check("moons", 2, n=n)
    _check_noise("moons", noise)
    upper = np.linspace(0, math.pi, n - n // 2)
    lower = np.linspace(0, math.pi, n // 2)
    points = np.concatenate(
        [np.stack([np.cos(upper), np.sin(upper)], 1), np.stack([1 - np.cos(lower), 0.5 - np.sin(lower)], 1)]
    )
    return _finish(points, np.arange(n) >= len(upper), noise, _rng("moons", seed))


def circles(n: int = 1000, noise: float = 0.05, factor: float = 0.5, seed: int = 0) -> TensorDataset:
    """Two circles around the origin, of radius 1 (class 0) and `factor` (class 1); otherwise as `moons`."""
    _check("circles", 2, n=n)
    _check_noise("circles", noise)
    if not 0 < factor < 1:
        raise ValueError(f"circles: factor should lie between 0 and 1, got {factor!r}.")
    outer = np.linspace(0, 2 * math.pi, n - n // 2, endpoint=False)
    inner = np.linspace(0, 2 * math.pi, n // 2, endpoint=False)
    angle = np.concatenate([outer, inner])
    labels = np.arange(n) >= len(outer)
    radius = np.where(labels, factor, 1.0)
    return _finish(np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1), labels, noise, _rng("circles", seed))


def spirals(n: int = 1000, classes: int = 3, turns: float = 0.75, noise: float = 0.03, seed: int = 0) -> TensorDataset:
    """`classes` arms that wind `turns` times out of the origin to radius 1; otherwise as `moons`."""
    _check("spirals", 1, n=n, classes=classes)
    _check_noise("spirals", noise)
    labels = np.arange(n) % classes
    radius = (np.arange(n) // classes + 1) / math.ceil(n / classes)
    angle = 2 * math.pi * (labels / classes + turns * radius)
    return _finish(np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1), labels, noise, _rng("spirals", seed))


def blobs(
    n: int = 1000, classes: int = 3, features: int = 2, spread: float = 1.0, box: float = 10.0, seed: int = 0
) -> TensorDataset:
    """Normal clouds of standard deviation `spread` around centres drawn uniformly from [-box, box].

    Returns
    -------
    TensorDataset
        Points (n, features) float32, labels (n,) int64, classes as even as `n` allows.
    """
    _check("blobs", 1, n=n, classes=classes, features=features)
    _check_noise("blobs", spread)
    rng = _rng("blobs", seed)
    centres = rng.uniform(-box, box, (classes, features))
    labels = np.arange(n) % classes
    return _finish(centres[labels], labels, spread, rng)


def sine_waves(
    n: int = 100, length: int = 100, noise: float = 0.0, frequencies: tuple[float, float] = (0.02, 0.1), seed: int = 0
) -> TensorDataset:
    """Sine waves of random frequency and phase, each with the same wave one step later as its target.

    Parameters
    ----------
    n, length : int
        Number of waves, steps per wave.
    noise : float
        Standard deviation of the noise on the inputs; the waves have amplitude 1.
    frequencies : (float, float)
        Cycles per step are drawn uniformly between these.
    seed : int

    Returns
    -------
    TensorDataset
        Inputs and targets, both (n, length, 1) float32.
    """
    _check("sine_waves", 1, n=n, length=length)
    _check_noise("sine_waves", noise)
    rng = _rng("sine_waves", seed)
    frequency = rng.uniform(*frequencies, (n, 1))
    phase = rng.uniform(0, 2 * math.pi, (n, 1))
    wave = np.sin(2 * math.pi * frequency * np.arange(length + 1) + phase)
    inputs = wave[:, :-1] + noise * rng.standard_normal((n, length))
    return TensorDataset(
        ac.from_numpy(inputs[..., None].astype(np.float32)), ac.from_numpy(wave[:, 1:, None].astype(np.float32))
    )


_SUBJECTS = ("the cat", "a dog", "the old sailor", "my sister", "the wind", "a small robot", "the moon", "our teacher")
_VERBS = ("watches", "paints", "finds", "forgets", "follows", "carries", "counts", "hears")
_OBJECTS = ("the sea", "a red door", "three apples", "the long road", "a quiet song", "the last train", "the stars")
_ENDINGS = ("at night", "in the rain", "before breakfast", "without a word", "again and again", "on sundays")


def toy_text(sentences: int = 1000, seed: int = 0) -> str:
    """A text of small English sentences with a learnable grammar: subject, verb, object, sometimes an ending.

    Parameters
    ----------
    sentences : int
    seed : int

    Returns
    -------
    str
        One sentence per line.

    Examples
    --------
    >>> toy_text(1, seed=0).endswith(".\\n")
    True
    """
    _check("toy_text", 1, sentences=sentences)
    rng = _rng("toy_text", seed)
    return "".join(_sentence(rng) for _ in range(sentences))


def _sentence(rng: np.random.Generator) -> str:
    def choose(words: Sequence[str]) -> str:
        return words[int(rng.integers(len(words)))]

    text = f"{choose(_SUBJECTS)} {choose(_VERBS)} {choose(_OBJECTS)}"
    if rng.random() < 0.5:
        text += f" {choose(_ENDINGS)}"
    return text[0].upper() + text[1:] + ".\n"


class CharDataset(Dataset[tuple[Any, Any]]):
    """Windows of a text as character indices: sample i is ``(text[i:i+block], text[i+1:i+block+1])``.

    Parameters
    ----------
    text : str
    block : int
        Characters per window.
    alphabet : str, optional
        The characters in the order of their indices; default: those of `text`, sorted.

    Examples
    --------
    >>> data = CharDataset("hello", block=3)
    >>> data.alphabet, data[0]
    ('ehlo', (tensor([1, 0, 2]), tensor([0, 2, 2])))
    """

    def __init__(self, text: str, block: int, alphabet: str | None = None) -> None:
        _check("CharDataset", 1, block=block)
        if len(text) <= block:
            raise ValueError(
                f"CharDataset: the text has {len(text)} characters, block={block} needs at least {block + 1}."
            )
        self.alphabet = "".join(sorted(set(text))) if alphabet is None else alphabet
        self.block = block
        places = {character: i for i, character in enumerate(self.alphabet)}
        try:
            self._codes = np.array([places[character] for character in text], dtype=np.int64)
        except KeyError as error:
            raise ValueError(
                f"CharDataset: the text has the character {error.args[0]!r}, the alphabet has not."
            ) from None

    def __len__(self) -> int:
        return len(self._codes) - self.block

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"CharDataset: index {index} is out of range for {len(self)} windows.")
        window = self._codes[index % len(self) :][: self.block + 1].copy()
        return ac.from_numpy(window[:-1]), ac.from_numpy(window[1:])

    def decode(self, codes: Any) -> str:
        """The text that `codes` (a tensor or sequence of indices) stand for."""
        values: Iterator[Any] = iter(codes.tolist() if hasattr(codes, "tolist") else codes)
        return "".join(self.alphabet[int(code)] for code in values)
