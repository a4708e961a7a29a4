"""What every contestant is given: sizes, initial weights, inputs, labels, the same float32 numbers for all.

Weights are named and shaped as PyTorch names and shapes them (a linear weight is (out, in)); gradients are compared in
the order of these names.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

Shapes = dict[str, tuple[int, ...]]


def initial(shapes: Shapes, seed: int = 0) -> dict[str, np.ndarray]:
    """Matrices and filters: normal over the root of the fan-in; biases: small; the weights of norms: around one."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, shape in shapes.items():
        if len(shape) > 1:
            value = rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
        else:
            value = rng.uniform(-0.1, 0.1, shape) + name.endswith("weight")
        found[name] = value.astype(np.float32)
    return found


def normal(*shape: int, seed: int = 1) -> np.ndarray:
    """Standard normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def labels(n: int, classes: int, seed: int = 2) -> np.ndarray:
    """Classes."""
    return np.random.default_rng(seed).integers(0, classes, n)


def linear(name: str, fan_in: int, fan_out: int) -> Shapes:
    """Shapes of a linear layer."""
    return {f"{name}.weight": (fan_out, fan_in), f"{name}.bias": (fan_out,)}


def mlp(*sizes: int) -> Shapes:
    """Shapes of linear layers with an activation, which has no parameters, between them."""
    shapes: Shapes = {}
    for i, (a, b) in enumerate(zip(sizes, sizes[1:], strict=False)):
        shapes |= linear(str(2 * i), a, b)
    return shapes


# 2: the truth table of exclusive or
XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), np.array([[0], [1], [1], [0]], np.float32)

# 5: the net of PyTorch's MNIST example without dropout
MNIST_CNN: Shapes = {
    "0.weight": (32, 1, 3, 3), "0.bias": (32,), "2.weight": (64, 32, 3, 3), "2.bias": (64,),
    **linear("6", 9216, 128), **linear("8", 128, 10),
}  # fmt: skip

# 6: LeNet-5 with full connections between its convolutions
LENET: Shapes = {
    "0.weight": (6, 1, 5, 5), "0.bias": (6,), "3.weight": (16, 6, 5, 5), "3.bias": (16,),
    **linear("7", 400, 120), **linear("9", 120, 84), **linear("11", 84, 10),
}  # fmt: skip

# 7: three residual blocks
RESIDUAL: Shapes = {
    **{
        f"{block}.{layer}.{which}": (64, 64, 3, 3) if layer in "ab" else (64,)
        for block in range(3)
        for layer, which in (("a", "weight"), ("b", "weight"), ("m", "weight"), ("m", "bias"), ("n", "weight"), ("n", "bias"))
    },
    **linear("5", 64, 10),
}  # fmt: skip

# 8: a character GPT
WIDTH, HEADS, CONTEXT, VOCABULARY, LAYERS = 128, 4, 64, 65, 4


def gpt() -> Shapes:
    """Shapes of the GPT."""
    shapes: Shapes = {"token.weight": (VOCABULARY, WIDTH), "place.weight": (CONTEXT, WIDTH)}
    for i in range(LAYERS):
        block = f"blocks.{i}"
        for norm in ("ln1", "ln2"):
            shapes |= {f"{block}.{norm}.weight": (WIDTH,), f"{block}.{norm}.bias": (WIDTH,)}
        shapes |= linear(f"{block}.qkv", WIDTH, 3 * WIDTH) | linear(f"{block}.proj", WIDTH, WIDTH)
        shapes |= linear(f"{block}.up", WIDTH, 4 * WIDTH) | linear(f"{block}.down", 4 * WIDTH, WIDTH)
    return shapes | {"ln.weight": (WIDTH,), "ln.bias": (WIDTH,), "head.weight": (VOCABULARY, WIDTH)}


def gpt_text() -> tuple[np.ndarray, np.ndarray]:
    """Twelve pieces of text, and each character's successor."""
    text = np.random.default_rng(4).integers(0, VOCABULARY, (12, CONTEXT + 1))
    return text[:, :-1].copy(), text[:, 1:].copy()


# 9: an LSTM whose last state is classified
LSTM: Shapes = {
    "rnn.weight_ih_l0": (512, 64), "rnn.weight_hh_l0": (512, 128), "rnn.bias_ih_l0": (512,), "rnn.bias_hh_l0": (512,),
    **linear("head", 128, 10),
}  # fmt: skip


# 14: chains
DEPTHS = (10, 100, 1_000, 10_000)
CHAIN_WIDTH, CHAIN_BATCH = 16, 8


def chain(depth: int) -> list[np.ndarray]:
    """Orthogonal weights and zero biases, in turn: through tanh, signal and gradient fade no faster than a power of the
    depth, so that the deepest chain does not compute with subnormal numbers."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(depth):
        q, _ = np.linalg.qr(rng.standard_normal((CHAIN_WIDTH, CHAIN_WIDTH)))
        found += [q.astype(np.float32), np.zeros(CHAIN_WIDTH, np.float32)]
    return found


# 16: convolutions alone
@dataclass(frozen=True)
class Convolution:
    """One layer; square strides and paddings."""

    x: tuple[int, int, int, int]
    w: tuple[int, int, int, int]
    stride: int = 1
    padding: int = 0
    groups: int = 1

    @property
    def out(self) -> tuple[int, int, int, int]:
        """Shape of the output."""
        rows, columns = (
            (n + 2 * self.padding - k) // self.stride + 1 for n, k in zip(self.x[2:], self.w[2:], strict=True)
        )
        return self.x[0], self.w[0], rows, columns

    @property
    def operations(self) -> int:
        """Those of the formula, two a multiply-add, whatever is done about padding; the same for each pass."""
        return 2 * int(np.prod(self.out)) * int(np.prod(self.w[1:]))

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Input, weight and the output's cotangent."""
        return normal(*self.x, seed=1), normal(*self.w, seed=2), normal(*self.out, seed=3)


CONVOLUTIONS = {
    "1x28x28, 3x3": Convolution((64, 1, 28, 28), (32, 1, 3, 3)),
    "32x26x26, 3x3": Convolution((64, 32, 26, 26), (64, 32, 3, 3)),
    "64x16x16, 3x3, padded": Convolution((32, 64, 16, 16), (64, 64, 3, 3), padding=1),
    "256x14x14, 1x1": Convolution((8, 256, 14, 14), (256, 256, 1, 1)),
    "3x224x224, 7x7, stride 2": Convolution((4, 3, 224, 224), (64, 3, 7, 7), stride=2, padding=3),
    "128x28x28, 3x3, 4 groups": Convolution((8, 128, 28, 28), (128, 32, 3, 3), padding=1, groups=4),
    "64x56x56, 3x3, depthwise": Convolution((8, 64, 56, 56), (64, 1, 3, 3), padding=1, groups=64),
}
PASSES = ("forward", "grad input", "grad weight")


# 13: real digits
def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """1,437 images (rows of 64 numbers up to 1) and labels to train on, 360 held out: the UCI digits the package ships."""
    path = Path(__file__).parents[1] / "nn" / "datasets" / "digits.npz"
    with np.load(path) as file:
        images, classes = file["images"], file["labels"]
    x = images.reshape(len(images), 64).astype(np.float32) / np.float32(16)
    y = classes.astype(np.int64)
    return x[:1437], y[:1437], x[1437:], y[1437:]
