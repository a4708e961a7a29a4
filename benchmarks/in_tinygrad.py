"""The workloads in tinygrad, each step under ``TinyJit``; its CPU backend compiles with ``clang``, which must be there.

The chain of 300 ops is left out: its gradient, one expression of thousands of terms, takes minutes to compile.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from tinygrad import Context, Device, Tensor, TinyJit
from tinygrad.nn import optim

from benchmarks import data
from benchmarks.workloads import Job

Weights = dict[str, Any]


def load(name: str, threads: int, double: bool = False) -> None:
    """Threads are an environment variable, read at import and set by the caller."""
    if os.environ.get("NUM_CPU_THREADS") != str(threads):
        raise RuntimeError(f"NUM_CPU_THREADS must be {threads}")


def device(arrays: Any) -> list[Any]:
    return [Tensor(a.astype(np.int32) if a.dtype == np.int64 else a).realize() for a in arrays]


def parameters(shapes: data.Shapes) -> Weights:
    found = {name: Tensor(value).realize() for name, value in data.initial(shapes).items()}
    for p in found.values():
        p.is_param_()
    return found


def training(objective: Callable[..., Any], shapes: data.Shapes, optimizer: Any, *batch: np.ndarray) -> Job:
    """Steps of ``objective(weights, *batch)``."""
    weights, values = parameters(shapes), device(batch)
    update = optimizer(list(weights.values()))

    @TinyJit  # type: ignore[untyped-decorator]
    def one(*batch: Any) -> Any:
        update.zero_grad()
        loss = objective(weights, *batch).backward()
        return loss.realize(*update.schedule_step())

    def step() -> Any:
        with Context(TRAINING=1):
            loss = one(*values)
        Device[Device.DEFAULT].synchronize()
        return loss

    return Job(step, item, lambda: gradients(objective, parameters(shapes), values))


def item(loss: Any) -> float:
    return float(loss.numpy())


def gradients(objective: Callable[..., Any], weights: Weights, values: list[Any]) -> list[np.ndarray]:
    objective(weights, *values).backward()
    return [p.grad.numpy() for p in weights.values()]


def linear(w: Weights, name: str, x: Any) -> Any:
    return x.linear(w[f"{name}.weight"].transpose(), w[f"{name}.bias"])


def mlp(w: Weights, x: Any, activation: str) -> Any:
    """Linear layers 0, 2, ... with an activation between them."""
    last = len(w) - 2
    for i in range(0, last, 2):
        x = getattr(linear(w, str(i), x), activation)()
    return linear(w, str(last), x)


def _adam(weights: list[Any]) -> Any:
    return optim.Adam(weights, lr=1e-3)


def _without_update(objective: Callable[..., Any], weights: Weights, values: list[Any]) -> Job:
    @TinyJit  # type: ignore[untyped-decorator]
    def one(*values: Any) -> Any:
        for p in weights.values():
            p.grad = None
        loss = objective(weights, *values).backward()
        return loss.realize(*(p.grad for p in weights.values()))

    def step() -> Any:
        loss = one(*values)
        Device[Device.DEFAULT].synchronize()
        return loss

    return Job(step, item, lambda: gradients(objective, weights, values))


def xor_mlp(lib: None) -> Job:
    def objective(w: Weights, x: Any, y: Any) -> Any:
        return (mlp(w, x, "tanh") - y).square().mean()

    return training(objective, data.mlp(2, 8, 1), lambda w: optim.SGD(w, lr=0.1, momentum=0.9), *data.XOR)


def _classify_mlp(w: Weights, x: Any, y: Any) -> Any:
    return mlp(w, x, "relu").sparse_categorical_crossentropy(y)


def digits_mlp(lib: None) -> Job:
    return training(_classify_mlp, data.mlp(64, 128, 64, 10), _adam, data.normal(64, 64), data.labels(64, 10))


def mnist_mlp(lib: None) -> Job:
    return training(_classify_mlp, data.mlp(784, 512, 256, 10), _adam, data.normal(128, 784), data.labels(128, 10))


def mnist_cnn(lib: None) -> Job:
    def objective(w: Weights, x: Any, y: Any) -> Any:
        for name in ("0", "2"):
            x = x.conv2d(w[f"{name}.weight"], w[f"{name}.bias"]).relu()
        x = linear(w, "6", x.max_pool2d().flatten(1)).relu()
        return linear(w, "8", x).sparse_categorical_crossentropy(y)

    return training(objective, data.MNIST_CNN, _adam, data.normal(64, 1, 28, 28), data.labels(64, 10))


def lenet(lib: None) -> Job:
    def objective(w: Weights, x: Any, y: Any) -> Any:
        for name in ("0", "3"):
            x = x.conv2d(w[f"{name}.weight"], w[f"{name}.bias"]).tanh().avg_pool2d()
        x = x.flatten(1)
        for name in ("7", "9"):
            x = linear(w, name, x).tanh()
        return linear(w, "11", x).sparse_categorical_crossentropy(y)

    optimizer = lambda w: optim.SGD(w, lr=0.01, momentum=0.9)
    return training(objective, data.LENET, optimizer, data.normal(64, 1, 32, 32), data.labels(64, 10))


def gelu_softmax(lib: None) -> Job:
    weights = dict(
        zip("xwb", device([data.normal(4096, 1024), data.normal(1024, seed=6), data.normal(1024, seed=7)]), strict=True)
    )
    for p in weights.values():
        p.is_param_()

    def objective(w: Weights, g: Any) -> Any:
        x = w["x"]
        gelu = 0.5 * x * (1 + (x / 2**0.5).erf())  # tinygrad's own gelu is the approximate one
        return ((gelu * w["w"] + w["b"]).softmax(-1) * g).sum()

    return _without_update(objective, weights, device([data.normal(4096, 1024, seed=8)]))


def digits_trainer(lib: None) -> tuple[Callable[[np.ndarray, np.ndarray], float], Callable[[np.ndarray], np.ndarray]]:
    weights = parameters(data.mlp(64, 128, 64, 10))
    update = _adam(list(weights.values()))

    @TinyJit  # type: ignore[untyped-decorator]
    def one(x: Any, y: Any) -> Any:
        update.zero_grad()
        loss = _classify_mlp(weights, x, y).backward()
        return loss.realize(*update.schedule_step())

    def step(x: np.ndarray, y: np.ndarray) -> float:
        with Context(TRAINING=1):
            return float(one(*device([x, y])).numpy())

    return step, lambda x: mlp(weights, *device([x]), "relu").numpy()
