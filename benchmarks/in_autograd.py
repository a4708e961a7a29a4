"""The workloads in HIPS autograd: NumPy functions of lists of arrays, optimizers in plain NumPy, in place.

Left out are those it has no operation for (convolution, pooling), and the deep chains: the gradient of a list of weights
takes it time quadratic in the list's length (2 ms a layer at 400 layers).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import grad, value_and_grad

from benchmarks import data
from benchmarks.workloads import Job

Weights = list[Any]


def load(name: str, threads: int, double: bool = False) -> None:
    """Nothing to set: BLAS's threads are limited by the environment."""


class Adam:
    """As PyTorch defines it; one buffer for what is in between."""

    def __init__(self, weights: list[np.ndarray], lr: float) -> None:
        self.weights, self.lr, self.t = weights, lr, 0
        self.m, self.v = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]

    def step(self, grads: list[np.ndarray]) -> None:
        self.t += 1
        one, two = 1 - 0.9**self.t, 1 - 0.999**self.t
        for w, g, m, v in zip(self.weights, grads, self.m, self.v, strict=True):
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            denominator = np.sqrt(v * (1 / two))
            denominator += 1e-8
            np.divide(m, denominator, out=denominator)
            denominator *= self.lr / one
            w -= denominator


class SGD:
    """Gradient descent with momentum 0.9."""

    def __init__(self, weights: list[np.ndarray], lr: float) -> None:
        self.weights, self.lr, self.m = weights, lr, [np.zeros_like(w) for w in weights]

    def step(self, grads: list[np.ndarray]) -> None:
        for w, g, m in zip(self.weights, grads, self.m, strict=True):
            m *= 0.9
            m += g
            w -= self.lr * m


def training(objective: Callable[[Weights], Any], shapes: data.Shapes, optimizer: type, lr: float) -> Job:
    """Steps of ``objective(weights)``."""
    weights = list(data.initial(shapes).values())
    differentiate = value_and_grad(objective)
    updater = optimizer(weights, lr)

    def step() -> Any:
        loss, grads = differentiate(weights)
        updater.step(grads)
        return loss

    return Job(step, gradients=lambda: grad(objective)(list(data.initial(shapes).values())))


def cross_entropy(logits: Any, y: np.ndarray) -> Any:
    """Mean over the batch."""
    shifted = logits - anp.max(logits, axis=1, keepdims=True)
    logarithm = anp.log(anp.sum(anp.exp(shifted), axis=1))
    return anp.mean(logarithm - shifted[np.arange(len(y)), y])


def relu(x: Any) -> Any:
    return anp.maximum(x, np.float32(0))


def mlp(weights: Weights, x: Any, activation: Callable[[Any], Any]) -> Any:
    """Weights and biases in turn, an activation between layers."""
    for i in range(0, len(weights) - 2, 2):
        x = activation(anp.dot(x, weights[i].T) + weights[i + 1])
    return anp.dot(x, weights[-2].T) + weights[-1]


def op_chain(lib: None) -> Job:
    x, c = data.normal(8), data.normal(8, seed=3)

    def objective(y: Any) -> Any:
        for _ in range(100):
            y = y * c
            y = y + c
            y = anp.tanh(y)
        return anp.sum(y)

    both = value_and_grad(objective)
    return Job(lambda: both(x)[0], gradients=lambda: [both(x)[1]])


def xor_mlp(lib: None) -> Job:
    x, y = data.XOR
    return training(lambda w: anp.mean((mlp(w, x, anp.tanh) - y) ** 2), data.mlp(2, 8, 1), SGD, 0.1)


def digits_mlp(lib: None) -> Job:
    x, y = data.normal(64, 64), data.labels(64, 10)
    return training(lambda w: cross_entropy(mlp(w, x, relu), y), data.mlp(64, 128, 64, 10), Adam, 1e-3)


def mnist_mlp(lib: None) -> Job:
    x, y = data.normal(128, 784), data.labels(128, 10)
    return training(lambda w: cross_entropy(mlp(w, x, relu), y), data.mlp(784, 512, 256, 10), Adam, 1e-3)


def hessian_vector(lib: None) -> Job:
    x, y = data.normal(64, 64), data.labels(64, 10)
    shapes = data.mlp(64, 128, 64, 10)
    weights = list(data.initial(shapes).values())
    vectors = [data.normal(*shape, seed=5) for shape in shapes.values()]
    gradient = grad(lambda w: cross_entropy(mlp(w, x, anp.tanh), y))

    def dot(w: Weights) -> Any:
        return sum(anp.sum(g * v) for g, v in zip(gradient(w), vectors, strict=True))

    product = grad(dot)
    return Job(lambda: product(weights)[0], lambda h: float(h.sum()), lambda: product(weights))


def pinn(lib: None) -> Job:
    points = data.normal(256, 2)
    x, t = points[:, :1].copy(), points[:, 1:].copy()

    def objective(w: Weights) -> Any:
        def u(x: Any, t: Any) -> Any:
            return mlp(w, anp.concatenate([x, t], 1), anp.tanh)

        u_x = grad(lambda x, t: anp.sum(u(x, t)), 0)
        u_xx = grad(lambda x: anp.sum(u_x(x, t)))(x)
        u_t = grad(lambda x, t: anp.sum(u(x, t)), 1)(x, t)
        return anp.mean((u_t - np.float32(0.1) * u_xx) ** 2) + anp.mean(u(x, t) ** 2)

    return training(objective, data.mlp(2, 32, 32, 1), Adam, 1e-3)


def digits_trainer(lib: None) -> tuple[Callable[[np.ndarray, np.ndarray], float], Callable[[np.ndarray], np.ndarray]]:
    weights = list(data.initial(data.mlp(64, 128, 64, 10)).values())
    optimizer = Adam(weights, 1e-3)
    differentiate = value_and_grad(lambda w, x, y: cross_entropy(mlp(w, x, relu), y))

    def step(x: np.ndarray, y: np.ndarray) -> float:
        loss, grads = differentiate(weights, x, y)
        optimizer.step(grads)
        return float(loss)

    return step, lambda x: mlp(weights, x, relu)
