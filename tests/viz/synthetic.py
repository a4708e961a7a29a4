"""Graphs made from records alone: what the sinks are tested on without an engine."""

from __future__ import annotations

import numpy as np

from autograd_core.viz.records import Graph, Module, Node, Rule, Saved, Source, elements
from autograd_core.viz.stats import stats

FILE = "model.py"
LINES = [
    "import autograd_core as ac",
    "import nn",
    "",
    "class Block(nn.Module):",
    "    def forward(self, x):",
    "        h = self.fc1(self.norm(x))",
    "        h = nn.functional.gelu(h)",
    "        return x + self.fc2(h)",
    "",
    "for step in range(10):",
    "    loss = nn.functional.mse_loss(model(x), y)",
    "    loss.backward()",
]

RULES = {
    "linear": [
        Rule("input", "lambda g, weight, F: F.matmul(g, weight)", "g · weight"),
        Rule("weight", "lambda g, input, F: F.matmul(F.mT(g), input)", "gᵀ · input"),
        Rule("bias", "lambda g: g", "g"),
    ],
    "gelu": [Rule("x", "lambda g, x, F: F.gelu_backward(g, x)", "g · gelu′(x)")],
    "add": [Rule("a", "lambda g: g", "g"), Rule("b", "lambda g: g", "g")],
    "layer_norm": [Rule("x", "layer_norm_x", "layer_norm_x(g, x, weight)")],
    "mse_loss": [Rule("input", "lambda g, input, target: g * 2 * (input - target)", "g · 2 · (input − target)")],
}


class Builder:
    """Adds nodes one after the other, as a program would."""

    def __init__(self, title: str = "", numbers: bool = True, seed: int = 0) -> None:
        self.graph = Graph(title=title, sources={FILE: {i + 1: t for i, t in enumerate(LINES)}})
        self.clock = 0
        self.path: list[str] = []
        self.numbers = numbers
        self.rng = np.random.default_rng(seed)

    def module(self, path: str, kind: str) -> None:
        self.graph.modules[path] = Module(path, kind)

    def leaf(self, kind: str, name: str, shape: tuple[int, ...], module: str = "") -> int:
        self.clock += 1
        n = Node(
            self.clock,
            kind,
            kind,
            shape,
            "float32",
            name=name,
            module=module,
            requires_grad=kind == "parameter",
            bytes=4 * elements(shape),
        )
        if self.numbers:
            n.value = stats(self.rng.normal(size=24))
            n.grad = stats(self.rng.normal(size=24) * 0.01) if kind == "parameter" else None
        self.graph.nodes.append(n)
        return n.id

    def op(
        self,
        op: str,
        parents: list[int | None],
        shape: tuple[int, ...],
        module: str = "",
        inputs: tuple[str, ...] = (),
        line: int = 6,
        params: dict[str, str] | None = None,
    ) -> int:
        self.clock += 1
        size = 4 * elements(shape)
        if not inputs:
            inputs = (
                tuple(["input", "weight", "bias"][: len(parents)])
                if op == "linear"
                else ("a", "b")[: len(parents)]
                if len(parents) > 1
                else ("x",)
            )
        n = Node(
            self.clock,
            op,
            "op",
            shape,
            "float32",
            tuple(parents),
            inputs,
            module=module,
            source=Source(FILE, line, "forward"),
            bytes=size,
            rules=RULES.get(op, []),
            formula={"add": "a + b", "linear": "input · weightᵀ + bias"}.get(op, ""),
            params=params or {},
            requires_grad=True,
        )
        n.saved = (
            [Saved(inputs[0], shape, "float32", size, f"v{parents[0]}")]
            if op in ("linear", "gelu", "layer_norm")
            else []
        )
        if self.numbers:
            n.value, n.grad = stats(self.rng.normal(size=24)), stats(self.rng.normal(size=24) * 0.01)
            n.start, n.forward = self.clock * 1e-5, float(self.rng.uniform(1, 40)) * 1e-6 * (8 if op == "linear" else 1)
            n.backward = n.forward * 2
        self.graph.nodes.append(n)
        return n.id

    def output(self, i: int) -> None:
        self.graph.by_id()[i].output = True
        self.graph.outputs.append(i)


def linear(b: Builder, x: int, path: str, rows: int, i: int, o: int) -> int:
    b.module(path, "Linear")
    w = b.leaf("parameter", f"{path}.weight", (o, i), path)
    c = b.leaf("parameter", f"{path}.bias", (o,), path)
    return b.op("linear", [x, w, c], (rows, o), path)


def block(b: Builder, x: int, path: str, rows: int = 8, width: int = 16) -> int:
    b.module(path, "Block")
    b.module(f"{path}.norm", "LayerNorm")
    w = b.leaf("parameter", f"{path}.norm.weight", (width,), f"{path}.norm")
    c = b.leaf("parameter", f"{path}.norm.bias", (width,), f"{path}.norm")
    h = b.op("layer_norm", [x, w, c], (rows, width), f"{path}.norm", ("x", "weight", "bias"))
    h = linear(b, h, f"{path}.fc1", rows, width, 4 * width)
    h = b.op("gelu", [h], (rows, 4 * width), path, line=7)
    h = linear(b, h, f"{path}.fc2", rows, 4 * width, width)
    return b.op("add", [x, h], (rows, width), path, line=8)


def blocks(count: int = 12, title: str = "loss", numbers: bool = True) -> Graph:
    """A chain of equal residual blocks with a loss: 12 nodes a block."""
    b = Builder(title, numbers)
    x = b.leaf("input", "x", (8, 16))
    t = b.leaf("input", "target", (8, 16))
    for i in range(count):
        x = block(b, x, f"blocks.{i}")
    b.output(b.op("mse_loss", [x, t], (), inputs=("input", "target"), line=11))
    return b.graph


def mlp(title: str = "loss", numbers: bool = False) -> Graph:
    """Two linear layers and a loss."""
    b = Builder(title, numbers)
    x = b.leaf("input", "x", (4, 3))
    t = b.leaf("input", "target", (4, 2))
    h = linear(b, x, "fc1", 4, 3, 5)
    h = b.op("gelu", [h], (4, 5), line=7)
    h = linear(b, h, "fc2", 4, 5, 2)
    b.output(b.op("mse_loss", [h, t], (), inputs=("input", "target"), line=11))
    return b.graph


def flat(count: int = 5000, seed: int = 1) -> Graph:
    """No modules at all: ops that read two of the forty values before them."""
    b = Builder("flat", False)
    rng = np.random.default_rng(seed)
    ids = [b.leaf("input", "x", (4, 4))]
    while len(ids) < count:
        back = rng.integers(1, 1 + min(len(ids), 40), size=2)
        op = ("add", "mul", "tanh", "matmul", "sum")[int(rng.integers(5))]
        parents: list[int | None] = (
            [ids[-int(back[0])], ids[-int(back[1])]] if op in ("add", "mul", "matmul") else [ids[-int(back[0])]]
        )
        ids.append(b.op(op, parents, (4, 4)))
    b.output(ids[-1])
    return b.graph
