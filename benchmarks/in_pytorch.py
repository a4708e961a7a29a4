"""The workloads in PyTorch's words, run by this engine and by PyTorch itself: one program, two libraries."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import data
from benchmarks.workloads import Job


@dataclass
class Library:
    """The modules that stand for ``torch``, ``torch.nn`` and so on."""

    name: str
    torch: Any
    nn: Any
    F: Any
    optim: Any
    double: bool = False

    def tensor(self, array: np.ndarray) -> Any:
        if self.double and array.dtype == np.float32:
            array = array.astype(np.float64)
        return self.torch.from_numpy(array)

    def optimizer(self, kind: str, parameters: Iterable[Any], **options: Any) -> Any:
        if self.name == "torch-fused":
            options["fused"] = True
        return getattr(self.optim, kind)(parameters, **options)


def load(name: str, threads: int, double: bool = False) -> Library:
    """The contestant ``ours``, ``torch`` or ``torch-fused``, with that many threads, in float32 or float64."""
    if name == "ours":
        import autograd_core as torch
        import nn
        import nn.functional as F
        import nn.optim as optim
    else:
        import torch  # type: ignore[no-redef]
        from torch import nn, optim  # type: ignore[no-redef]
        from torch.nn import functional as F  # type: ignore[no-redef]
    torch.set_num_threads(threads)
    if double:
        torch.set_default_dtype(torch.float64)
    return Library(name, torch, nn, F, optim, double)


def with_weights(lib: Library, model: Any, shapes: data.Shapes) -> Any:
    """The model with the weights everyone starts from."""
    named = dict(model.named_parameters())
    found = {name: tuple(p.shape) for name, p in named.items()}
    if found != shapes:
        raise ValueError(f"the model's parameters are {found}, expected {shapes}")
    with lib.torch.no_grad():
        for name, value in data.initial(shapes).items():
            named[name].copy_(lib.tensor(value))
    return model


def number(loss: Any) -> float:
    return float(loss.detach())


def training(objective: Callable[[], Any], model: Any, shapes: data.Shapes, optimizer: Any) -> Job:
    """Zero the gradients, forward, loss, backward, update."""
    named = dict(model.named_parameters())
    parameters = [named[name] for name in shapes]

    def step() -> Any:
        optimizer.zero_grad()
        loss = objective()
        loss.backward()
        optimizer.step()
        return loss

    return Job(step, number, gradients(objective, parameters))


def gradients(objective: Callable[[], Any], parameters: list[Any]) -> Callable[[], list[np.ndarray]]:
    """A function that gives the gradients as arrays."""

    def compute() -> list[np.ndarray]:
        for p in parameters:
            p.grad = None
        objective().backward()
        return [p.grad.detach().numpy() for p in parameters]

    return compute


def classification(lib: Library, model: Any, shapes: data.Shapes, x: np.ndarray, y: np.ndarray, optimizer: Any) -> Job:
    """Training with cross-entropy."""
    X, Y = lib.tensor(x), lib.tensor(y)
    return training(lambda: lib.F.cross_entropy(model(X), Y), model, shapes, optimizer)


def op_chain(lib: Library) -> Job:
    x = lib.tensor(data.normal(8)).requires_grad_()
    c = lib.tensor(data.normal(8, seed=3))

    def objective() -> Any:
        y = x
        for _ in range(100):
            y = y * c
            y = y + c
            y = y.tanh()
        return y.sum()

    def step() -> Any:
        x.grad = None
        loss = objective()
        loss.backward()
        return loss

    return Job(step, number, gradients(objective, [x]))


def mlp(lib: Library, activation: Any, *sizes: int) -> tuple[Any, data.Shapes]:
    """A multi-layer perceptron and its shapes."""
    layers: list[Any] = []
    for a, b in zip(sizes, sizes[1:], strict=False):
        layers += [lib.nn.Linear(a, b), activation()]
    shapes = data.mlp(*sizes)
    return with_weights(lib, lib.nn.Sequential(*layers[:-1]), shapes), shapes


def xor_mlp(lib: Library) -> Job:
    model, shapes = mlp(lib, lib.nn.Tanh, 2, 8, 1)
    optimizer = lib.optimizer("SGD", model.parameters(), lr=0.1, momentum=0.9)
    X, Y = map(lib.tensor, data.XOR)
    return training(lambda: lib.F.mse_loss(model(X), Y), model, shapes, optimizer)


def digits_mlp(lib: Library) -> Job:
    model, shapes = mlp(lib, lib.nn.ReLU, 64, 128, 64, 10)
    optimizer = lib.optimizer("Adam", model.parameters(), lr=1e-3)
    return classification(lib, model, shapes, data.normal(64, 64), data.labels(64, 10), optimizer)


def mnist_mlp(lib: Library) -> Job:
    model, shapes = mlp(lib, lib.nn.ReLU, 784, 512, 256, 10)
    optimizer = lib.optimizer("Adam", model.parameters(), lr=1e-3)
    return classification(lib, model, shapes, data.normal(128, 784), data.labels(128, 10), optimizer)


def mnist_cnn(lib: Library) -> Job:
    nn = lib.nn
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip
    with_weights(lib, model, data.MNIST_CNN)
    optimizer = lib.optimizer("Adam", model.parameters(), lr=1e-3)
    return classification(lib, model, data.MNIST_CNN, data.normal(64, 1, 28, 28), data.labels(64, 10), optimizer)


def lenet(lib: Library) -> Job:
    nn = lib.nn
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip
    with_weights(lib, model, data.LENET)
    optimizer = lib.optimizer("SGD", model.parameters(), lr=0.01, momentum=0.9)
    return classification(lib, model, data.LENET, data.normal(64, 1, 32, 32), data.labels(64, 10), optimizer)


def residual(lib: Library) -> Job:
    nn, F = lib.nn, lib.F

    class Block(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(64, 64, 3, padding=1, bias=False), nn.Conv2d(64, 64, 3, padding=1, bias=False)
            self.m, self.n = nn.BatchNorm2d(64), nn.BatchNorm2d(64)

        def forward(self, x: Any) -> Any:
            return F.relu(x + self.n(self.b(F.relu(self.m(self.a(x))))))

    model = nn.Sequential(Block(), Block(), Block(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
    with_weights(lib, model, data.RESIDUAL)
    optimizer = lib.optimizer("SGD", model.parameters(), lr=0.01, momentum=0.9)
    return classification(lib, model, data.RESIDUAL, data.normal(32, 64, 16, 16), data.labels(32, 10), optimizer)


def gpt(lib: Library) -> Job:
    nn, F, torch = lib.nn, lib.F, lib.torch
    width, heads = data.WIDTH, data.HEADS

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
            self.token, self.place = nn.Embedding(data.VOCABULARY, width), nn.Embedding(data.CONTEXT, width)
            self.blocks = nn.ModuleList([Block() for _ in range(data.LAYERS)])
            self.ln, self.head = nn.LayerNorm(width), nn.Linear(width, data.VOCABULARY, bias=False)

        def forward(self, index: Any) -> Any:
            x = self.token(index) + self.place(torch.arange(data.CONTEXT))
            for block in self.blocks:
                x = block(x)
            return self.head(self.ln(x))

    shapes = data.gpt()
    model = with_weights(lib, GPT(), shapes)
    X, Y = map(lib.tensor, data.gpt_text())
    return training(
        lambda: F.cross_entropy(model(X).view(-1, data.VOCABULARY), Y.view(-1)),
        model, shapes, lib.optimizer("AdamW", model.parameters(), lr=1e-3),
    )  # fmt: skip


def lstm(lib: Library) -> Job:
    nn = lib.nn

    class Net(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.head = nn.LSTM(64, 128, batch_first=True), nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            y, _ = self.rnn(x)
            return self.head(y[:, -1])

    model = with_weights(lib, Net(), data.LSTM)
    optimizer = lib.optimizer("Adam", model.parameters(), lr=1e-3)
    return classification(lib, model, data.LSTM, data.normal(32, 32, 64), data.labels(32, 10), optimizer)


def hessian_vector(lib: Library) -> Job:
    model, _ = mlp(lib, lib.nn.Tanh, 64, 128, 64, 10)
    X, Y = lib.tensor(data.normal(64, 64)), lib.tensor(data.labels(64, 10))
    parameters = list(model.parameters())
    vectors = [lib.tensor(data.normal(*p.shape, seed=5)) for p in parameters]
    grad = lib.torch.autograd.grad

    def product() -> Any:
        grads = grad(lib.F.cross_entropy(model(X), Y), parameters, create_graph=True)
        return grad(sum((g * v).sum() for g, v in zip(grads, vectors, strict=True)), parameters)

    return Job(lambda: product()[0], lambda h: float(h.sum()), lambda: [h.numpy() for h in product()])


def pinn(lib: Library) -> Job:
    grad = lib.torch.autograd.grad
    model, shapes = mlp(lib, lib.nn.Tanh, 2, 32, 32, 1)
    points = data.normal(256, 2)
    x, t = (lib.tensor(points[:, i : i + 1].copy()).requires_grad_() for i in (0, 1))

    def objective() -> Any:
        u = model(lib.torch.cat([x, t], 1))
        u_x, u_t = grad(u.sum(), [x, t], create_graph=True)
        (u_xx,) = grad(u_x.sum(), x, create_graph=True)
        return ((u_t - 0.1 * u_xx) ** 2).mean() + (u**2).mean()

    return training(objective, model, shapes, lib.optimizer("Adam", model.parameters(), lr=1e-3))


def gelu_softmax(lib: Library) -> Job:
    x = lib.tensor(data.normal(4096, 1024)).requires_grad_()
    w, b = (lib.tensor(data.normal(1024, seed=s)).requires_grad_() for s in (6, 7))
    g = lib.tensor(data.normal(4096, 1024, seed=8))

    def objective() -> Any:
        return ((lib.F.gelu(x) * w + b).softmax(-1) * g).sum()

    def step() -> Any:
        for p in (x, w, b):
            p.grad = None
        loss = objective()
        loss.backward()
        return loss

    return Job(step, number, gradients(objective, [x, w, b]))


def depth(lib: Library, layers: str) -> Job:
    weights = [lib.tensor(a).requires_grad_() for a in data.chain(int(layers))]
    pairs = list(zip(weights[::2], weights[1::2], strict=True))
    x = lib.tensor(data.normal(data.CHAIN_BATCH, data.CHAIN_WIDTH))

    def objective() -> Any:
        h = x
        for w, b in pairs:
            h = lib.F.linear(h, w, b).tanh()
        return h.sum()

    def step() -> Any:
        for p in weights:
            p.grad = None
        loss = objective()
        loss.backward()
        return loss

    return Job(step, number, gradients(objective, weights))


def adam_many(lib: Library) -> Job:
    return _adam(lib, 200, 1000)


def adam_one(lib: Library, size: int = 10_000_000) -> Job:
    return _adam(lib, 1, size)


def _adam(lib: Library, count: int, size: int) -> Job:
    parameters = [lib.tensor(data.normal(size, seed=i)).requires_grad_() for i in range(count)]
    for i, p in enumerate(parameters):
        p.grad = lib.tensor(data.normal(size, seed=1000 + i))
    optimizer = lib.optimizer("Adam", parameters, lr=1e-3)

    def step() -> Any:
        optimizer.step()
        return parameters[-1]

    return Job(step, lambda p: float(p.detach()[-1]))


def convolution(lib: Library, part: str) -> Job:
    """One pass alone: no library's words say that, so ours and PyTorch's convolutions are called beneath autograd."""
    name, which = part.split(": ")
    how = data.CONVOLUTIONS[name]
    x, w, g = how.arrays()
    settings = how.stride, how.padding, 1, how.groups
    if lib.name == "ours":
        from autograd_core.kernels import conv

        if lib.double:
            x, w, g = (a.astype(np.float64) for a in (x, w, g))
        call: Callable[[], np.ndarray] = {
            "forward": lambda: conv.conv(x, w, None, *settings),
            "grad input": lambda: conv.conv_grad_input(g, w, x.shape, *settings),
            "grad weight": lambda: conv.conv_grad_weight(g, x, w.shape, *settings),
        }[which]
        return Job(call, lambda y: float(np.sqrt(np.mean(np.square(y)))), lambda: [call()])
    torch, X, W, G = lib.torch, lib.tensor(x), lib.tensor(w), lib.tensor(g)
    two = [how.stride] * 2, [how.padding] * 2, [1, 1]

    def forward() -> Any:
        with torch.no_grad():
            return torch.conv2d(X, W, None, *settings)

    def backward(*wanted: bool) -> Any:
        return torch.ops.aten.convolution_backward(G, X, W, None, *two, False, [0, 0], how.groups, [*wanted, False])

    step: Callable[[], Any] = {
        "forward": forward,
        "grad input": lambda: backward(True, False)[0],
        "grad weight": lambda: backward(False, True)[1],
    }[which]
    return Job(step, lambda y: float(y.square().mean().sqrt()), lambda: [step().numpy()])


def digits_trainer(
    lib: Library,
) -> tuple[Callable[[np.ndarray, np.ndarray], float], Callable[[np.ndarray], np.ndarray]]:
    """For the cold start: one step on a batch, giving its loss; and logits."""
    model, _ = mlp(lib, lib.nn.ReLU, 64, 128, 64, 10)
    optimizer = lib.optimizer("Adam", model.parameters(), lr=1e-3)

    def step(x: np.ndarray, y: np.ndarray) -> float:
        optimizer.zero_grad()
        loss = lib.F.cross_entropy(model(lib.tensor(x)), lib.tensor(y))
        loss.backward()
        optimizer.step()
        return loss.item()  # type: ignore[no-any-return]

    def logits(x: np.ndarray) -> np.ndarray:
        with lib.torch.no_grad():
            return model(lib.tensor(x)).numpy()  # type: ignore[no-any-return]

    return step, logits
