"""The list of workloads and of contestants; the programs are in ``in_pytorch.py``, ``in_jax.py`` and so on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import data


@dataclass(frozen=True)
class Contestant:
    """A library and the file with its programs; ``package`` is what must be installed, ``distribution`` its name there."""

    module: str
    package: str
    distribution: str
    what: str


CONTESTANTS = {
    "ours": Contestant("in_pytorch", "autograd_core", "autograd-core", "this engine"),
    "torch": Contestant("in_pytorch", "torch", "torch", "PyTorch eager, default optimizers"),
    "torch-fused": Contestant("in_pytorch", "torch", "torch", "PyTorch eager, `fused=True` optimizers"),
    "jax": Contestant("in_jax", "jax", "jax", "JAX, the whole step under `jax.jit`"),
    "jax-eager": Contestant("in_jax", "jax", "jax", "JAX op by op"),
    "autograd": Contestant("in_autograd", "autograd", "autograd", "HIPS autograd on NumPy"),
    "tinygrad": Contestant("in_tinygrad", "tinygrad", "tinygrad", "tinygrad, the step under `TinyJit`"),
}


@dataclass(frozen=True)
class Job:
    """A workload made ready by a contestant.

    ``step()`` does one step, has finished when it returns, and returns the loss; ``number(loss)`` makes it a float.
    ``gradients()`` gives those at the initial weights, in the order of the weights' names.
    """

    step: Callable[[], Any]
    number: Callable[[Any], float] = float
    gradients: Callable[[], list[np.ndarray]] | None = None


@dataclass(frozen=True)
class Workload:
    """One workload.  ``goal``: PyTorch eager's time over ours; ``peers``: the libraries beside ours and PyTorch that
    have a program for it; ``parts``: its sizes, timed apart; ``seconds``: length of a turn of one part."""

    number: str
    name: str
    what: str
    goal: float | None
    peers: tuple[str, ...] = ()
    parts: tuple[str, ...] = ("",)
    seconds: float = 0.15
    steps: int = 5  # that must give equal losses before anything is timed

    def can(self, contestant: str) -> bool:
        """Whether this contestant has a program."""
        return contestant in ("ours", "torch", *self.peers)


_MLP = ("torch-fused", "jax", "jax-eager", "autograd", "tinygrad")

WORKLOADS = (
    Workload("1", "op_chain", "300 ops on 8 floats, forward and backward", 2.0, ("jax", "jax-eager", "autograd")),
    Workload("2", "xor_mlp", "XOR by 2-8-1, batch 4, SGD with momentum", 2.5, _MLP),
    Workload("3", "digits_mlp", "digits MLP 64-128-64-10, batch 64, Adam", 2.5, _MLP),
    Workload("4", "mnist_mlp", "MNIST MLP 784-512-256-10, batch 128, Adam", 1.0, _MLP),
    Workload("5", "mnist_cnn", "MNIST net 1-32-64, 3x3, pool, 9216-128-10, batch 64, Adam", 1.0, ("torch-fused", "jax", "tinygrad")),
    Workload("6", "lenet", "LeNet-5 on 1x32x32, batch 64, SGD with momentum", 1.0, ("torch-fused", "jax", "tinygrad")),
    Workload("7", "residual", "three residual blocks, 64 channels, 16x16, batch norm, batch 32, SGD", 1.0, ("torch-fused", "jax")),
    Workload("8", "gpt", "character GPT: 4 layers, 4 heads, width 128, context 64, batch 12, AdamW", 1.0, ("torch-fused", "jax")),
    Workload("9", "lstm", "LSTM 64-128, 32 steps, batch 32, Adam", 1.0, ("torch-fused", "jax")),
    Workload("10", "hessian_vector", "Hessian-vector product of a 64-128-64-10 MLP, batch 64", 1.5, ("jax", "jax-eager", "autograd")),
    Workload("11", "pinn", "physics-informed net 2-32-32-1, 256 points, Adam", 1.5, ("torch-fused", "jax", "jax-eager", "autograd")),
    Workload("12", "gelu_softmax", "softmax(gelu(x) w + b) of 4096x1024, forward and backward", 1.0, ("jax", "jax-eager", "tinygrad")),
    Workload(
        "13", "cold_start", "cold start: process start, import, five epochs of the digits MLP, exit", 1.0,
        ("jax", "autograd", "tinygrad"),
    ),
    Workload(
        "14", "depth", "chains of linear and tanh layers 16 wide, batch 8, forward and backward", None,
        ("jax",), parts=tuple(map(str, data.DEPTHS)), steps=1,
    ),
    Workload("15a", "adam_many", "one Adam step over 200 tensors of 1,000", 3.0, ("torch-fused", "jax")),
    Workload("15b", "adam_one", "one Adam step over one tensor of 10 million", 7.0, ("torch-fused", "jax")),
    Workload(
        "16", "convolution", "convolution alone, GFLOP/s", 0.9, ("jax",), seconds=0.05, steps=1,
        parts=tuple(f"{shape}: {which}" for shape in data.CONVOLUTIONS for which in data.PASSES),
    ),
)  # fmt: skip


def find(number: str) -> Workload:
    """The workload of that number."""
    return next(w for w in WORKLOADS if w.number == number)
