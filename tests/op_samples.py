"""Samples: calls of public functions from which the generic tests derive values, gradients, dtypes and layouts.

A sample names a function as PyTorch spells it below ``torch`` and gives its arguments, with :func:`t` standing for
tensors.  The same sample runs here and, in the parity tests, in PyTorch.  The samples of a family of ops live in
``tests/samples/<family>.py`` as a list ``SAMPLES``.
"""

from __future__ import annotations

import importlib
import pkgutil
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class t:
    """A tensor argument: ``t(3, 4)`` is a 3 x 4 float64 tensor, uniform in [lo, hi), that asks for a gradient.

    Parameters
    ----------
    *shape : int
    lo, hi : float
        Range of the values (integers: ``lo`` to ``hi - 1``).
    dtype : str
    grad : bool, optional
        Whether the tensor requires grad (default: floats and complex do).
    values : nested lists or array, optional
        These values instead of random ones.
    make : callable, optional
        ``make(rng) -> array`` for anything else (symmetric matrices, permutations, well separated values).
    """

    shape: tuple[int, ...]
    lo: float
    hi: float
    dtype: str
    grad: bool
    values: Any
    make: Callable[[np.random.Generator], Any] | None

    def __init__(
        self, *shape: int, lo: float = -1.0, hi: float = 1.0, dtype: str = "float64", grad: bool | None = None,
        values: Any = None, make: Callable[[np.random.Generator], Any] | None = None,
    ) -> None:  # fmt: skip
        put = object.__setattr__
        put(self, "shape", shape)
        put(self, "lo", lo)
        put(self, "hi", hi)
        put(self, "dtype", dtype)
        put(self, "grad", np.dtype(dtype).kind in "fc" if grad is None else grad)
        put(self, "values", values)
        put(self, "make", make)

    def array(self, rng: np.random.Generator) -> np.ndarray:
        """The values, drawn from ``rng``."""
        n = np.dtype(self.dtype)
        if self.values is not None:
            return np.array(self.values, dtype=n)
        if self.make is not None:
            return np.ascontiguousarray(self.make(rng)).astype(n)
        if n.kind == "b":
            return np.asarray(rng.random(self.shape) < 0.5)
        if n.kind in "iu":
            return np.asarray(rng.integers(int(self.lo), int(self.hi), self.shape)).astype(n)
        a = rng.uniform(self.lo, self.hi, self.shape)
        if n.kind == "c":
            a = a + 1j * rng.uniform(self.lo, self.hi, self.shape)
        return np.asarray(a).astype(n)


def distinct(*shape: int, lo: float = -1.0, hi: float = 1.0, grad: bool = True) -> t:
    """Values far enough from each other that a finite difference cannot change their order."""

    def make(rng: np.random.Generator) -> Any:
        n = int(np.prod(shape))
        return rng.permutation(np.linspace(lo, hi, n) if n > 1 else np.full(n, (lo + hi) / 2)).reshape(shape)

    return t(*shape, make=make, grad=grad)


@dataclass(eq=False)
class Sample:
    """One call.  ``check`` says how far it goes: "value", "first" or "second" order."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    function: Callable[..., Any] | None = None
    check: str = "second"
    parity: bool = True
    tolerance: float = 1.0
    label: str = ""
    family: str = field(default="")

    def __str__(self) -> str:
        return self.label


def S(
    name: str | Callable[..., Any], *args: Any, check: str = "second", parity: bool = True, tolerance: float = 1.0,
    label: str = "", **kwargs: Any,
) -> Sample:  # fmt: skip
    """A sample of the function ``name``, or of a callable ``f(T, *args)`` where T is the library (ours or torch).

    ``check="first"`` leaves out second order, ``"value"`` gradients altogether; ``parity=False`` keeps PyTorch out (say
    why beside it); ``tolerance`` multiplies the tolerances (say why beside it).  A callable needs a ``label`` that
    starts with the name of what it shows.
    """
    function = None if isinstance(name, str) else name
    text = name if isinstance(name, str) else label
    if not text:
        raise ValueError("a sample with a callable needs a label")
    return Sample(
        text.split()[0], args, kwargs, function, check, parity, tolerance, label or _describe(text, args, kwargs)
    )


def _describe(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    def show(v: Any) -> str:
        if isinstance(v, t):
            kind = "" if v.dtype == "float64" else v.dtype
            return f"{kind}{list(v.shape) if v.values is None else np.shape(v.values)}"
        if isinstance(v, (list, tuple)):
            return f"({','.join(show(x) for x in v)})"
        return str(v)[:24]

    parts = [show(a) for a in args] + [f"{k}={show(v)}" for k, v in kwargs.items()]
    return f"{name}({', '.join(parts)})"


def arrays_of(sample: Sample) -> list[np.ndarray]:
    """The arrays of all tensor arguments of a sample, in order; the same at each call."""
    rng = np.random.default_rng(zlib.crc32(sample.label.encode()))
    out: list[np.ndarray] = []

    def visit(v: Any) -> None:
        if isinstance(v, t):
            out.append(v.array(rng))
        elif isinstance(v, (list, tuple)):
            for x in v:
                visit(x)
        elif isinstance(v, dict):
            for x in v.values():
                visit(x)

    visit(sample.args)
    visit(sample.kwargs)
    return out


def placeholders(sample: Sample) -> list[t]:
    """The tensor arguments of a sample, in the order of :func:`arrays_of`."""
    out: list[t] = []

    def visit(v: Any) -> None:
        if isinstance(v, t):
            out.append(v)
        elif isinstance(v, (list, tuple)):
            for x in v:
                visit(x)
        elif isinstance(v, dict):
            for x in v.values():
                visit(x)

    visit(sample.args)
    visit(sample.kwargs)
    return out


def call(sample: Sample, library: Any, tensors: list[Any]) -> Any:
    """Run a sample in a library (ours or torch) on the given tensors."""
    queue = list(tensors)

    def fill(v: Any) -> Any:
        if isinstance(v, t):
            return queue.pop(0)
        if isinstance(v, (list, tuple)):
            return type(v)(fill(x) for x in v)
        if isinstance(v, dict):
            return {k: fill(x) for k, x in v.items()}
        if isinstance(v, Dtype):
            return getattr(library, v.name)
        return v

    args, kwargs = fill(sample.args), fill(sample.kwargs)
    if sample.function is not None:
        return sample.function(library, *args, **kwargs)
    return resolve(library, sample.name)(*args, **kwargs)


@dataclass(frozen=True)
class Dtype:
    """A dtype argument of a sample: ``Dtype("float32")`` is ``library.float32``."""

    name: str


def resolve(library: Any, name: str) -> Any:
    """The function ``name`` of a library; ``Tensor.x`` is the method called as a function."""
    obj: Any = library
    for part in name.split("."):
        if part == "nn" and library.__name__ == "autograd_core":
            obj = importlib.import_module("nn")
        else:
            obj = getattr(obj, part)
    return obj


def flatten(result: Any) -> list[Any]:
    """The tensors of a result, in order."""
    if isinstance(result, (list, tuple)):
        return [x for r in result for x in flatten(r)]
    if isinstance(result, dict):
        return [x for r in result.values() for x in flatten(r)]
    return [result]


def all_samples() -> list[Sample]:
    """The samples of all families."""
    from tests import samples

    out: list[Sample] = []
    for module in sorted(m.name for m in pkgutil.iter_modules(samples.__path__)):
        for s in importlib.import_module(f"tests.samples.{module}").SAMPLES:
            s.family = module
            out.append(s)
    seen: dict[str, int] = {}
    for s in out:  # equal labels get a number, so that test ids (and random values) differ
        seen[s.label] = seen.get(s.label, 0) + 1
        if seen[s.label] > 1:
            s.label += f" #{seen[s.label]}"
    return out
