"""The workloads in JAX: functions of weights, compiled whole (``jax``) or run op by op (``jax-eager``).

A step takes weights, optimizer state and data as arguments, so that nothing of it can be computed at compile time, and
gives its buffers back to be reused (donation); it waits for its results.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks import data
from benchmarks.workloads import Job

Weights = dict[str, Any]


@dataclass
class Library:
    """Compiled or not."""

    eager: bool

    def jit(self, f: Callable[..., Any], donate: tuple[int, ...] = ()) -> Callable[..., Any]:
        return f if self.eager else jax.jit(f, donate_argnums=donate)


def load(name: str, threads: int, double: bool = False) -> Library:
    """The contestant ``jax`` or ``jax-eager``; XLA takes the CPUs the process may use, which the caller has limited."""
    return Library(name == "jax-eager")


def device(weights: Any) -> Any:
    """Arrays as JAX holds them."""
    return jax.tree.map(jnp.asarray, weights)


def adam(lr: float, decay: float = 0.0) -> tuple[Callable[[Any], Any], Callable[[Any, Any, Any], tuple[Any, Any]]]:
    """Adam, or AdamW, as PyTorch defines them."""

    def start(weights: Any) -> Any:
        return jax.tree.map(jnp.zeros_like, weights), jax.tree.map(jnp.zeros_like, weights), jnp.zeros((), jnp.int32)

    def update(weights: Any, grads: Any, state: Any) -> tuple[Any, Any]:
        m, v, t = state
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
        one, two = 1 - 0.9 ** t.astype(jnp.float32), 1 - 0.999 ** t.astype(jnp.float32)
        weights = jax.tree.map(
            lambda w, m, v: w * (1 - lr * decay) - lr / one * m / (jnp.sqrt(v / two) + 1e-8), weights, m, v
        )
        return weights, (m, v, t)

    return start, update


def sgd(lr: float) -> tuple[Callable[[Any], Any], Callable[[Any, Any, Any], tuple[Any, Any]]]:
    """Gradient descent with momentum 0.9."""

    def update(weights: Any, grads: Any, momentum: Any) -> tuple[Any, Any]:
        momentum = jax.tree.map(lambda m, g: 0.9 * m + g, momentum, grads)
        return jax.tree.map(lambda w, m: w - lr * m, weights, momentum), momentum

    return lambda weights: jax.tree.map(jnp.zeros_like, weights), update


def training(
    lib: Library, objective: Callable[..., Any], shapes: data.Shapes, optimizer: Any, *batch: np.ndarray
) -> Job:
    """Steps of ``objective(weights, *batch)``."""
    return training_with(lib, lambda w, extra, *b: (objective(w, *b), extra), shapes, optimizer, (), *batch)


def training_with(
    lib: Library, objective: Callable[..., Any], shapes: data.Shapes, optimizer: Any, extra: Any, *batch: np.ndarray
) -> Job:
    """Steps of an objective that also updates something that is not trained, as running means."""
    start, update = optimizer
    values = device(batch)
    differentiate = jax.value_and_grad(objective, has_aux=True)

    def one(weights: Any, state: Any, extra: Any, *batch: Any) -> Any:
        (loss, extra), grads = differentiate(weights, extra, *batch)
        weights, state = update(weights, grads, state)
        return weights, state, extra, loss

    compiled = lib.jit(one, donate=(0, 1, 2))
    weights = device(data.initial(shapes))
    now = [weights, start(weights), device(extra)]

    def step() -> Any:
        *now[:], loss = jax.block_until_ready(compiled(*now, *values))
        return loss

    def gradients() -> list[np.ndarray]:
        (_, _), grads = lib.jit(differentiate)(device(data.initial(shapes)), device(extra), *values)
        return [np.asarray(grads[name]) for name in shapes]

    return Job(step, gradients=gradients)


def cross_entropy(logits: Any, y: Any) -> Any:
    """Mean over the batch."""
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean()


def linear(w: Weights, name: str, x: Any) -> Any:
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def mlp(w: Weights, x: Any, activation: Callable[[Any], Any]) -> Any:
    """Linear layers 0, 2, ... with an activation between them."""
    last = len(w) - 2  # weights and biases of layers numbered in twos
    for i in range(0, last, 2):
        x = activation(linear(w, str(i), x))
    return linear(w, str(last), x)


def op_chain(lib: Library) -> Job:
    def objective(x: Any, c: Any) -> Any:
        y = x
        for _ in range(100):
            y = y * c
            y = y + c
            y = jnp.tanh(y)
        return y.sum()

    x, c = device((data.normal(8), data.normal(8, seed=3)))
    both = lib.jit(jax.value_and_grad(objective))
    return Job(lambda: jax.block_until_ready(both(x, c))[0], gradients=lambda: [np.asarray(both(x, c)[1])])


def xor_mlp(lib: Library) -> Job:
    def objective(w: Weights, x: Any, y: Any) -> Any:
        return jnp.square(mlp(w, x, jnp.tanh) - y).mean()

    return training(lib, objective, data.mlp(2, 8, 1), sgd(0.1), *data.XOR)


def _classify_mlp(w: Weights, x: Any, y: Any) -> Any:
    return cross_entropy(mlp(w, x, jax.nn.relu), y)


def digits_mlp(lib: Library) -> Job:
    return training(lib, _classify_mlp, data.mlp(64, 128, 64, 10), adam(1e-3), data.normal(64, 64), data.labels(64, 10))


def mnist_mlp(lib: Library) -> Job:
    return training(
        lib, _classify_mlp, data.mlp(784, 512, 256, 10), adam(1e-3), data.normal(128, 784), data.labels(128, 10)
    )


def conv(x: Any, w: Any, padding: int = 0, stride: int = 1, groups: int = 1) -> Any:
    return lax.conv_general_dilated(x, w, (stride, stride), [(padding, padding)] * 2, feature_group_count=groups)


def pool(x: Any, start: float, combine: Any) -> Any:
    """Windows of 2x2."""
    return lax.reduce_window(x, start, combine, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")


def mnist_cnn(lib: Library) -> Job:
    def objective(w: Weights, x: Any, y: Any) -> Any:
        for name in ("0", "2"):
            x = jax.nn.relu(conv(x, w[f"{name}.weight"]) + w[f"{name}.bias"][:, None, None])
        x = pool(x, -jnp.inf, lax.max).reshape(len(x), -1)
        return cross_entropy(linear(w, "8", jax.nn.relu(linear(w, "6", x))), y)

    return training(lib, objective, data.MNIST_CNN, adam(1e-3), data.normal(64, 1, 28, 28), data.labels(64, 10))


def lenet(lib: Library) -> Job:
    def objective(w: Weights, x: Any, y: Any) -> Any:
        for name in ("0", "3"):
            x = jnp.tanh(conv(x, w[f"{name}.weight"]) + w[f"{name}.bias"][:, None, None])
            x = pool(x, 0.0, lax.add) * 0.25
        x = x.reshape(len(x), -1)
        for name in ("7", "9"):
            x = jnp.tanh(linear(w, name, x))
        return cross_entropy(linear(w, "11", x), y)

    return training(lib, objective, data.LENET, sgd(0.01), data.normal(64, 1, 32, 32), data.labels(64, 10))


def residual(lib: Library) -> Job:
    def norm(w: Weights, name: str, x: Any, running: Any) -> tuple[Any, Any]:
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3))
        count = x.size // x.shape[1]
        running = {
            "mean": 0.9 * running["mean"] + 0.1 * mean,
            "var": 0.9 * running["var"] + 0.1 * var * (count / (count - 1)),
        }
        scale = w[f"{name}.weight"] * lax.rsqrt(var + 1e-5)
        return (x - mean[:, None, None]) * scale[:, None, None] + w[f"{name}.bias"][:, None, None], running

    def objective(w: Weights, running: Any, x: Any, y: Any) -> Any:
        after = {}
        for block in range(3):
            h, after[f"{block}.m"] = norm(w, f"{block}.m", conv(x, w[f"{block}.a.weight"], 1), running[f"{block}.m"])
            h = conv(jax.nn.relu(h), w[f"{block}.b.weight"], 1)
            h, after[f"{block}.n"] = norm(w, f"{block}.n", h, running[f"{block}.n"])
            x = jax.nn.relu(x + h)
        return cross_entropy(linear(w, "5", x.mean((2, 3))), y), lax.stop_gradient(after)

    running = {
        f"{block}.{norm}": {"mean": np.zeros(64, np.float32), "var": np.ones(64, np.float32)}
        for block in range(3)
        for norm in "mn"
    }
    batch = data.normal(32, 64, 16, 16), data.labels(32, 10)
    return training_with(lib, objective, data.RESIDUAL, sgd(0.01), running, *batch)


def gpt(lib: Library) -> Job:
    def norm(w: Weights, name: str, x: Any) -> Any:
        x = x - x.mean(-1, keepdims=True)
        return x * lax.rsqrt(jnp.square(x).mean(-1, keepdims=True) + 1e-5) * w[f"{name}.weight"] + w[f"{name}.bias"]

    def objective(w: Weights, index: Any, following: Any) -> Any:
        x = w["token.weight"][index] + w["place.weight"]
        for i in range(data.LAYERS):
            name = f"blocks.{i}"
            shape = (*x.shape[:2], data.HEADS, data.WIDTH // data.HEADS)
            q, k, v = (z.reshape(shape) for z in jnp.split(linear(w, f"{name}.qkv", norm(w, f"{name}.ln1", x)), 3, -1))
            y = jax.nn.dot_product_attention(q, k, v, is_causal=True).reshape(x.shape)
            x = x + linear(w, f"{name}.proj", y)
            h = jax.nn.gelu(linear(w, f"{name}.up", norm(w, f"{name}.ln2", x)), approximate=False)
            x = x + linear(w, f"{name}.down", h)
        logits = norm(w, "ln", x) @ w["head.weight"].T
        return cross_entropy(logits.reshape(-1, data.VOCABULARY), following.reshape(-1))

    return training(lib, objective, data.gpt(), adam(1e-3, decay=0.01), *data.gpt_text())


def lstm(lib: Library) -> Job:
    def objective(w: Weights, x: Any, y: Any) -> Any:
        bias = w["rnn.bias_ih_l0"] + w["rnn.bias_hh_l0"]
        inputs = x.transpose(1, 0, 2) @ w["rnn.weight_ih_l0"].T + bias

        def cell(state: Any, x: Any) -> Any:
            h, c = state
            i, f, g, o = jnp.split(x + h @ w["rnn.weight_hh_l0"].T, 4, -1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        start = jnp.zeros((len(x), 128), jnp.float32)
        (h, _), _ = lax.scan(cell, (start, start), inputs)
        return cross_entropy(linear(w, "head", h), y)

    return training(lib, objective, data.LSTM, adam(1e-3), data.normal(32, 32, 64), data.labels(32, 10))


def hessian_vector(lib: Library) -> Job:
    shapes = data.mlp(64, 128, 64, 10)
    vectors = device({name: data.normal(*shape, seed=5) for name, shape in shapes.items()})
    weights, batch = device(data.initial(shapes)), device((data.normal(64, 64), data.labels(64, 10)))

    def product(weights: Weights, vectors: Weights, x: Any, y: Any) -> Weights:
        """Forward over reverse, JAX's own recommendation."""
        gradient = jax.grad(lambda w: cross_entropy(mlp(w, x, jnp.tanh), y))
        return jax.jvp(gradient, (weights,), (vectors,))[1]  # type: ignore[no-any-return]

    compiled = lib.jit(product)

    def step() -> Any:
        return jax.block_until_ready(compiled(weights, vectors, *batch))["0.weight"]

    def gradients() -> list[np.ndarray]:
        found = compiled(weights, vectors, *batch)
        return [np.asarray(found[name]) for name in shapes]

    return Job(step, lambda h: float(h.sum()), gradients)


def pinn(lib: Library) -> Job:
    def objective(w: Weights, x: Any, t: Any) -> Any:
        def u(x: Any, t: Any) -> Any:
            return mlp(w, jnp.concatenate([x, t], 1), jnp.tanh)

        def u_x(x: Any, t: Any) -> Any:
            return jax.grad(lambda x, t: u(x, t).sum())(x, t)

        u_xx = jax.grad(lambda x: u_x(x, t).sum())(x)
        u_t = jax.grad(lambda t: u(x, t).sum())(t)
        return jnp.square(u_t - 0.1 * u_xx).mean() + jnp.square(u(x, t)).mean()

    points = data.normal(256, 2)
    return training(lib, objective, data.mlp(2, 32, 32, 1), adam(1e-3), points[:, :1], points[:, 1:])


def gelu_softmax(lib: Library) -> Job:
    def objective(x: Any, w: Any, b: Any, g: Any) -> Any:
        return (jax.nn.softmax(jax.nn.gelu(x, approximate=False) * w + b) * g).sum()

    arguments = device(
        (data.normal(4096, 1024), data.normal(1024, seed=6), data.normal(1024, seed=7), data.normal(4096, 1024, seed=8))
    )
    both = lib.jit(jax.value_and_grad(objective, (0, 1, 2)))
    return Job(
        lambda: jax.block_until_ready(both(*arguments))[0],
        gradients=lambda: [np.asarray(a) for a in both(*arguments)[1]],
    )


def depth(lib: Library, layers: str) -> Job:
    """The layers are stacked and scanned: written out one by one, XLA would compile a deep chain for hours."""
    arrays = data.chain(int(layers))
    weights = device((np.stack(arrays[::2]), np.stack(arrays[1::2])))
    x = jnp.asarray(data.normal(data.CHAIN_BATCH, data.CHAIN_WIDTH))

    def objective(weights: Any, x: Any) -> Any:
        return lax.scan(lambda h, wb: (jnp.tanh(h @ wb[0].T + wb[1]), None), x, weights)[0].sum()

    both = lib.jit(jax.value_and_grad(objective))

    def gradients() -> list[np.ndarray]:
        w, b = map(np.asarray, both(weights, x)[1])
        return [a for pair in zip(w, b, strict=True) for a in pair]

    return Job(lambda: jax.block_until_ready(both(weights, x))[0], gradients=gradients)


def adam_many(lib: Library) -> Job:
    return _adam(lib, 200, 1000)


def adam_one(lib: Library, size: int = 10_000_000) -> Job:
    return _adam(lib, 1, size)


def _adam(lib: Library, count: int, size: int) -> Job:
    start, update = adam(1e-3)
    weights = device([data.normal(size, seed=i) for i in range(count)])
    grads = device([data.normal(size, seed=1000 + i) for i in range(count)])
    now = [weights, start(weights)]
    compiled = lib.jit(lambda w, state, g: update(w, g, state), donate=(0, 1))

    def step() -> Any:
        now[:] = jax.block_until_ready(compiled(*now, grads))
        return now[0]

    return Job(step, lambda w: float(w[-1][-1]))


def convolution(lib: Library, part: str) -> Job:
    name, which = part.split(": ")
    how = data.CONVOLUTIONS[name]
    x, w, g = device(how.arrays())

    def forward(x: Any, w: Any) -> Any:
        return conv(x, w, how.padding, how.stride, how.groups)

    programs: dict[str, Callable[..., Any]] = {
        "forward": lambda x, w, g: forward(x, w),
        "grad input": lambda x, w, g: jax.vjp(lambda x: forward(x, w), x)[1](g)[0],
        "grad weight": lambda x, w, g: jax.vjp(lambda w: forward(x, w), w)[1](g)[0],
    }
    compiled = lib.jit(programs[which])
    return Job(
        lambda: jax.block_until_ready(compiled(x, w, g)),
        lambda y: float(jnp.sqrt(jnp.square(y).mean())),
        lambda: [np.asarray(compiled(x, w, g))],
    )


def digits_trainer(
    lib: Library,
) -> tuple[Callable[[np.ndarray, np.ndarray], float], Callable[[np.ndarray], np.ndarray]]:
    start, update = adam(1e-3)
    weights = device(data.initial(data.mlp(64, 128, 64, 10)))
    now = [weights, start(weights)]

    def one(weights: Any, state: Any, x: Any, y: Any) -> Any:
        loss, grads = jax.value_and_grad(_classify_mlp)(weights, x, y)
        return *update(weights, grads, state), loss

    compiled = lib.jit(one, donate=(0, 1))
    predict = lib.jit(lambda w, x: mlp(w, x, jax.nn.relu))

    def step(x: np.ndarray, y: np.ndarray) -> float:
        *now[:], loss = compiled(*now, x, y)
        return float(loss)

    return step, lambda x: np.asarray(predict(now[0], x))
