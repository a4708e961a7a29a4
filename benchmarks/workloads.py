"""Training steps, each written once and run by every contestant that speaks PyTorch's words.

A workload is a function of a :class:`Library` that returns a ``step()`` giving the loss.  Weights and data come from
NumPy's generator, so all contestants start alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Library:
    """One contestant: the modules that stand for ``torch``, ``torch.nn`` and so on."""

    name: str
    torch: Any
    nn: Any
    F: Any
    optim: Any
    fused: bool = False

    def tensor(self, array: np.ndarray) -> Any:
        return self.torch.from_numpy(array)

    def adam(self, parameters: Any, cls: str = "Adam", **kwargs: Any) -> Any:
        if self.fused:
            kwargs["fused"] = True
        return getattr(self.optim, cls)(parameters, **kwargs)


def initialise(lib: Library, model: Any, seed: int = 0) -> None:
    """The same weights for everyone: normal, scaled by the fan-in."""
    rng = np.random.default_rng(seed)
    with lib.torch.no_grad():
        for p in model.parameters():
            shape = tuple(p.shape)
            if len(shape) > 1:
                fan = int(np.prod(shape[1:]))
                value = rng.standard_normal(shape) * np.sqrt(1.0 / fan)
            else:
                value = np.ones(shape) if "norm" in str(shape) else rng.uniform(-0.1, 0.1, shape)
            p.copy_(lib.tensor(value.astype(np.float32)))


def _data(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def _labels(n: int, classes: int, seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, classes, n)


def classifier(lib: Library, model: Any, x: np.ndarray, y: np.ndarray, optimizer: Any) -> Callable[[], float]:
    """A step of softmax classification."""
    X, Y = lib.tensor(x), lib.tensor(y)

    def step() -> Any:
        optimizer.zero_grad()
        loss = lib.F.cross_entropy(model(X), Y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def op_chain(lib: Library) -> Callable[[], Any]:
    """300 ops on 8 floats."""
    x = lib.tensor(_data(8)).requires_grad_()
    c = lib.tensor(_data(8, seed=3))

    def step() -> Any:
        x.grad = None
        y = x
        for _ in range(100):
            y = y * c
            y = y + c
            y = y.tanh()
        loss = y.sum()
        loss.backward()
        return loss

    return step


def xor_mlp(lib: Library) -> Callable[[], Any]:
    """XOR by 2-8-1, batch 4, SGD."""
    model = lib.nn.Sequential(lib.nn.Linear(2, 8), lib.nn.Tanh(), lib.nn.Linear(8, 1))
    initialise(lib, model)
    optimizer = lib.adam(model.parameters(), "SGD", lr=0.1, momentum=0.9)
    X = lib.tensor(np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32))
    Y = lib.tensor(np.array([[0], [1], [1], [0]], np.float32))

    def step() -> Any:
        optimizer.zero_grad()
        loss = lib.F.mse_loss(model(X), Y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def _mlp(lib: Library, *sizes: int) -> Any:
    layers: list[Any] = []
    for a, b in zip(sizes, sizes[1:], strict=False):
        layers += [lib.nn.Linear(a, b), lib.nn.ReLU()]
    model = lib.nn.Sequential(*layers[:-1])
    initialise(lib, model)
    return model


def digits_mlp(lib: Library) -> Callable[[], Any]:
    """64-128-64-10, batch 64, Adam."""
    model = _mlp(lib, 64, 128, 64, 10)
    return classifier(lib, model, _data(64, 64), _labels(64, 10), lib.adam(model.parameters(), lr=1e-3))


def mnist_mlp(lib: Library) -> Callable[[], Any]:
    """784-512-256-10, batch 128, Adam."""
    model = _mlp(lib, 784, 512, 256, 10)
    return classifier(lib, model, _data(128, 784), _labels(128, 10), lib.adam(model.parameters(), lr=1e-3))


def mnist_cnn(lib: Library) -> Callable[[], Any]:
    """The two-conv MNIST net (1-32-64, 3x3, pool, 9216-128-10), batch 64, Adam."""
    nn = lib.nn
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip
    initialise(lib, model)
    return classifier(lib, model, _data(64, 1, 28, 28), _labels(64, 10), lib.adam(model.parameters(), lr=1e-3))


def lenet(lib: Library) -> Callable[[], Any]:
    """LeNet-5 on 1x32x32, batch 64, SGD with momentum."""
    nn = lib.nn
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip
    initialise(lib, model)
    optimizer = lib.adam(model.parameters(), "SGD", lr=0.01, momentum=0.9)
    return classifier(lib, model, _data(64, 1, 32, 32), _labels(64, 10), optimizer)


def residual_blocks(lib: Library) -> Callable[[], Any]:
    """Three residual 3x3 blocks of 64 channels at 16x16 with batch norm, batch 32."""
    nn = lib.nn

    class Block(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(64, 64, 3, padding=1, bias=False), nn.Conv2d(64, 64, 3, padding=1, bias=False)
            self.m, self.n = nn.BatchNorm2d(64), nn.BatchNorm2d(64)

        def forward(self, x: Any) -> Any:
            return lib.F.relu(x + self.n(self.b(lib.F.relu(self.m(self.a(x))))))

    model = nn.Sequential(Block(), Block(), Block(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
    initialise(lib, model)
    optimizer = lib.adam(model.parameters(), "SGD", lr=0.01, momentum=0.9)
    return classifier(lib, model, _data(32, 64, 16, 16), _labels(32, 10), optimizer)


def character_gpt(lib: Library) -> Callable[[], Any]:
    """A character GPT: 4 layers, 4 heads, width 128, context 64, batch 12, AdamW."""
    nn, F, torch = lib.nn, lib.F, lib.torch
    width, heads, context, vocabulary = 128, 4, 64, 65

    class Block(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x: Any) -> Any:
            b, t, c = x.shape
            q, k, v = self.qkv(self.ln1(x)).split(width, dim=2)
            q, k, v = (z.view(b, t, heads, c // heads).transpose(1, 2) for z in (q, k, v))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.proj(y.transpose(1, 2).contiguous().view(b, t, c))
            return x + self.down(F.gelu(self.up(self.ln2(x))))

    class GPT(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.token, self.place = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
            self.blocks = nn.ModuleList([Block() for _ in range(4)])
            self.ln, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)

        def forward(self, index: Any) -> Any:
            x = self.token(index) + self.place(torch.arange(context))
            for block in self.blocks:
                x = block(x)
            return self.head(self.ln(x))

    model = GPT()
    initialise(lib, model)
    optimizer = lib.adam(model.parameters(), "AdamW", lr=1e-3)
    text = np.random.default_rng(4).integers(0, vocabulary, (12, context + 1))
    X, Y = lib.tensor(text[:, :-1].copy()), lib.tensor(text[:, 1:].copy())

    def step() -> Any:
        optimizer.zero_grad()
        logits = model(X)
        loss = F.cross_entropy(logits.view(-1, vocabulary), Y.reshape(-1))
        loss.backward()
        optimizer.step()
        return loss

    return step


def lstm(lib: Library) -> Callable[[], Any]:
    """LSTM 64-128, 32 steps, batch 32."""
    nn = lib.nn

    class Net(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.head = nn.LSTM(64, 128, batch_first=True), nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            y, _ = self.rnn(x)
            return self.head(y[:, -1])

    model = Net()
    initialise(lib, model)
    return classifier(lib, model, _data(32, 32, 64), _labels(32, 10), lib.adam(model.parameters(), lr=1e-3))


def hessian_vector(lib: Library) -> Callable[[], Any]:
    """Hessian-vector product of a 64-128-64-10 MLP, batch 64."""
    nn, torch = lib.nn, lib.torch
    model = nn.Sequential(nn.Linear(64, 128), nn.Tanh(), nn.Linear(128, 64), nn.Tanh(), nn.Linear(64, 10))
    initialise(lib, model)
    X, Y = lib.tensor(_data(64, 64)), lib.tensor(_labels(64, 10))
    parameters = list(model.parameters())
    vectors = [lib.tensor(_data(*p.shape, seed=5)) for p in parameters]

    def step() -> Any:
        loss = lib.F.cross_entropy(model(X), Y)
        grads = torch.autograd.grad(loss, parameters, create_graph=True)
        dot = sum((g * v).sum() for g, v in zip(grads, vectors, strict=True))
        hv = torch.autograd.grad(dot, parameters)
        return hv[0].sum()

    return step


def pinn(lib: Library) -> Callable[[], Any]:
    """A physics-informed net: second derivatives inside the loss (heat equation), 2-32-32-1, 256 points, Adam."""
    nn, torch = lib.nn, lib.torch
    model = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
    initialise(lib, model)
    optimizer = lib.adam(model.parameters(), lr=1e-3)
    points = _data(256, 2)
    x, t = lib.tensor(points[:, :1].copy()).requires_grad_(), lib.tensor(points[:, 1:].copy()).requires_grad_()

    def step() -> Any:
        optimizer.zero_grad()
        u = model(torch.cat([x, t], 1))
        u_x, u_t = torch.autograd.grad(u.sum(), [x, t], create_graph=True)
        (u_xx,) = torch.autograd.grad(u_x.sum(), x, create_graph=True)
        loss = ((u_t - 0.1 * u_xx) ** 2).mean() + (u**2).mean()
        loss.backward()
        optimizer.step()
        return loss

    return step


def gelu_affine_softmax(lib: Library) -> Callable[[], Any]:
    """gelu, affine, softmax over 4096x1024, forward and backward."""
    x = lib.tensor(_data(4096, 1024)).requires_grad_()
    w, b = lib.tensor(_data(1024, seed=6)).requires_grad_(), lib.tensor(_data(1024, seed=7)).requires_grad_()
    g = lib.tensor(_data(4096, 1024, seed=8))

    def step() -> Any:
        for p in (x, w, b):
            p.grad = None
        y = (lib.F.gelu(x) * w + b).softmax(-1)
        loss = (y * g).sum()
        loss.backward()
        return loss

    return step


def adam_many(lib: Library) -> Callable[[], Any]:
    """One Adam step over 200 tensors of 1,000."""
    return _adam(lib, 200, 1000)


def adam_one(lib: Library) -> Callable[[], Any]:
    """One Adam step over one tensor of 10 million."""
    return _adam(lib, 1, 10_000_000)


def _adam(lib: Library, count: int, size: int) -> Callable[[], Any]:
    parameters = [lib.tensor(_data(size, seed=i)).requires_grad_() for i in range(count)]
    for i, p in enumerate(parameters):
        p.grad = lib.tensor(_data(size, seed=1000 + i))
    optimizer = lib.adam(parameters, lr=1e-3)

    def step() -> Any:
        optimizer.step()
        return parameters[0].detach()[0]

    return step


@dataclass(frozen=True)
class Workload:
    """One row of the table; ``steps`` of one round, chosen so that a round takes some tenths of a second."""

    number: str
    build: Callable[[Library], Callable[[], Any]]
    steps: int
    goal: float  # PyTorch eager's time over ours


WORKLOADS = [
    Workload("1", op_chain, 100, 2.0),
    Workload("2", xor_mlp, 500, 2.5),
    Workload("3", digits_mlp, 300, 2.5),
    Workload("4", mnist_mlp, 50, 1.0),
    Workload("5", mnist_cnn, 3, 1.0),
    Workload("6", lenet, 20, 1.0),
    Workload("7", residual_blocks, 4, 1.0),
    Workload("8", character_gpt, 5, 1.0),
    Workload("9", lstm, 15, 1.0),
    Workload("10", hessian_vector, 80, 1.5),
    Workload("11", pinn, 40, 1.5),
    Workload("12", gelu_affine_softmax, 4, 1.0),
    Workload("15a", adam_many, 100, 3.0),
    Workload("15b", adam_one, 6, 7.0),
]
