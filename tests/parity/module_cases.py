"""One line per way to build and call a module; everything is then held against PyTorch's module of the same name.

``C(name, *args, **kwargs)`` builds; ``.on(*inputs, **inputs)`` says what it is called with: ``f(shape)`` floats,
``i(shape, n)``
integers below n, ``b(shape)`` booleans, or plain values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Array:
    """An input to be drawn."""

    kind: str
    shape: tuple[int, ...]
    lo: float = -1.0
    hi: float = 1.0
    grad: bool = True

    def draw(self, random: np.random.Generator) -> np.ndarray:
        if self.kind == "i":
            return random.integers(int(self.lo), int(self.hi), self.shape)
        if self.kind == "b":
            return random.random(self.shape) < self.hi
        values = random.random(self.shape) * (self.hi - self.lo) + self.lo
        if self.kind == "logp":
            return values - np.log(np.exp(values).sum(-1, keepdims=True))
        if self.kind == "p":
            return values / values.sum(-1, keepdims=True)
        if self.kind == "sign":
            return np.sign(values)
        return values


def f(*shape: int, lo: float = -1.0, hi: float = 1.0, grad: bool = True) -> Array:
    return Array("f", shape, lo, hi, grad)


def i(shape: tuple[int, ...], n: int, lo: int = 0) -> Array:
    return Array("i", shape, lo, n, False)


def b(*shape: int, p: float = 0.3) -> Array:
    return Array("b", shape, 0, p, False)


def logp(*shape: int) -> Array:
    return Array("logp", shape, -1, 1)


def logits(*shape: int) -> Array:
    """Log-probabilities as the log_softmax of a leaf; the gradient compared is the leaf's.

    PyTorch's ctc_loss gives its input the gradient that is right only behind a log_softmax.
    """
    return Array("logits", shape, -1, 1)


def prob(*shape: int) -> Array:
    return Array("p", shape, 0.1, 1.0, False)


def sign(*shape: int) -> Array:
    return Array("sign", shape, -1, 1, False)


class Tensorial:
    """A constructor argument that is a tensor: fixed values."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)


class C:
    """A call of a module: see the module's text.  ``random`` ones draw numbers in training and are compared in
    evaluation."""

    def __init__(self, name: str, *args: Any, random: bool = False, tolerance: float = 1e-9, **kwargs: Any) -> None:
        self.name, self.args, self.kwargs = name, args, kwargs
        self.random, self.tolerance = random, tolerance
        self.inputs: tuple[Any, ...] = ()
        self.named: dict[str, Any] = {}

    def on(self, *inputs: Any, **named: Any) -> C:
        self.inputs, self.named = inputs, named
        return self

    def __str__(self) -> str:
        def show(v: Any) -> str:
            return "t" if isinstance(v, Tensorial) else str(v).replace(" ", "")

        text = ",".join([*map(show, self.args), *(f"{k}={show(v)}" for k, v in self.kwargs.items())])
        shapes = ";".join(
            "x".join(map(str, v.shape)) if isinstance(v, Array) else "" for v in (*self.inputs, *self.named.values())
        )
        return f"{self.name}({text})[{shapes}]"


def _elementwise() -> list[C]:
    plain = "LogSigmoid Mish ReLU ReLU6 SELU SiLU Sigmoid Softsign Tanh Tanhshrink".split()
    x = f(3, 4, lo=-4, hi=4)
    cases = [C(n).on(x) for n in plain]
    cases += [C(n, inplace=True).on(f(3, 4, lo=-4, hi=4, grad=False)) for n in ("ReLU", "Mish", "SiLU", "SELU")]
    # PyTorch holds the constants of these (1/6, 1/alpha) in float32 whatever the input's type: half a unit in the last
    # of 24 bits is 2^-25 = 3e-8, and both factors of a product may carry one.
    coarse = 6e-8
    cases += [C(n, tolerance=coarse).on(x) for n in ("Hardsigmoid", "Hardswish", "CELU")]
    cases += [C("CELU", alpha=0.7, tolerance=coarse).on(x)]
    cases += [C("Hardswish", inplace=True, tolerance=coarse).on(f(3, 4, lo=-4, hi=4, grad=False))]
    for name, options in {
        "ELU": [{}, {"alpha": 0.7}],
        "GELU": [{}, {"approximate": "tanh"}],
        "GLU": [{}, {"dim": 0}],
        "Hardshrink": [{}, {"lambd": 1.3}],
        "Hardtanh": [{}, {"min_val": -2.0, "max_val": 0.5}, {"inplace": False, "min_value": -0.3}],
        "LeakyReLU": [{}, {"negative_slope": 0.3}],
        "LogSoftmax": [{"dim": 1}, {"dim": 0}],
        "Softmax": [{"dim": 1}, {"dim": -2}],
        "Softmin": [{"dim": 1}, {"dim": 0}],
        "Softplus": [{}, {"beta": 2.0, "threshold": 3.0}],
        "Softshrink": [{}, {"lambd": 1.1}],
        "Threshold": [{"threshold": 0.3, "value": -7.0}],
        "PReLU": [{}, {"num_parameters": 4, "init": 0.1}],
        "Identity": [{}, {"anything": 3}],
        "RReLU": [{}, {"lower": 0.1, "upper": 0.5}],
    }.items():
        size = f(4, 4, lo=-4, hi=4) if name in ("GLU", "PReLU") else x
        cases += [C(name, random=name == "RReLU", **o).on(size) for o in options]
    cases += [C("Softmax2d").on(f(2, 3, 4, 5)), C("Softmax2d").on(f(3, 4, 5))]
    for name in ("Dropout", "AlphaDropout", "FeatureAlphaDropout"):
        cases += [C(name, random=True).on(f(3, 4, 5)), C(name, 0.2, random=True).on(f(3, 4, 5))]
    for n, shape in ((1, (2, 3, 4)), (2, (2, 3, 4, 4)), (3, (2, 3, 2, 2, 2))):
        cases += [
            C(f"Dropout{n}d", random=True).on(f(*shape)),
            C(f"Dropout{n}d", p=0.1, inplace=True, random=True).on(f(*shape, grad=False)),
        ]
    return cases


def _linear_and_shape() -> list[C]:
    return [
        C("Linear", 4, 3).on(f(2, 4)),
        C("Linear", 4, 3, bias=False).on(f(2, 5, 4)),
        C("Linear", 4, 3).on(f(4)),
        C("Linear", 4, 1).on(f(0, 4)),
        C("Bilinear", 3, 4, 2).on(f(5, 3), f(5, 4)),
        C("Bilinear", 3, 4, 2, bias=False).on(f(2, 5, 3), f(2, 5, 4)),
        C("LazyLinear", 3).on(f(2, 4)),
        C("LazyLinear", 3, bias=False).on(f(2, 4)),
        C("Flatten").on(f(2, 3, 4)),
        C("Flatten", 0, 1).on(f(2, 3, 4)),
        C("Unflatten", 1, (2, -1)).on(f(2, 6)),
        C("Unflatten", -1, [3, 2]).on(f(2, 6)),
        C("Fold", (4, 5), (2, 2)).on(f(2, 12, 12)),
        C("Fold", (4, 5), (2, 3), dilation=1, padding=1, stride=2).on(f(2, 12, 9)),
        C("Unfold", (2, 3)).on(f(2, 3, 4, 5)),
        C("Unfold", 2, dilation=2, padding=1, stride=(1, 2)).on(f(2, 3, 4, 5)),
        C("PixelShuffle", 2).on(f(2, 8, 3, 3)),
        C("PixelUnshuffle", 2).on(f(2, 2, 4, 6)),
        C("ChannelShuffle", 2).on(f(2, 6, 3, 3)),
        C("CosineSimilarity").on(f(3, 4), f(3, 4)),
        C("CosineSimilarity", dim=0, eps=1e-6).on(f(3, 4), f(3, 4)),
        C("PairwiseDistance").on(f(3, 4), f(3, 4)),
        C("PairwiseDistance", p=3.0, keepdim=True, eps=1e-4).on(f(3, 4), f(3, 4)),
    ]


def _convolutions() -> list[C]:
    cases = []
    sizes = {1: (7,), 2: (6, 7), 3: (4, 5, 4)}
    for n, size in sizes.items():
        x = f(2, 4, *size)
        cases += [
            C(f"Conv{n}d", 4, 6, 3).on(x),
            C(f"Conv{n}d", 4, 6, 3, 2, 1, bias=False).on(x),
            C(f"Conv{n}d", 4, 6, 2, padding="same", dilation=1).on(x),
            C(f"Conv{n}d", 4, 6, 3, padding="valid", groups=2).on(f(4, *size)),
            *(C(f"Conv{n}d", 4, 6, 3, padding=1, padding_mode=m).on(x) for m in ("reflect", "replicate", "circular")),
            C(f"Conv{n}d", 4, 4, 3, padding="same", padding_mode="reflect").on(x),
            C(f"LazyConv{n}d", 6, 3, padding=1).on(x),
            C(f"LazyConv{n}d", 6, 2, 2, bias=False, groups=2).on(x),
            C(f"ConvTranspose{n}d", 4, 6, 3).on(x),
            C(f"ConvTranspose{n}d", 4, 6, 3, 2, 1, 1, 2, dilation=1).on(x),
            C(f"ConvTranspose{n}d", 4, 6, 2, 2, bias=False).on(f(4, *size)),
            C(f"ConvTranspose{n}d", 4, 6, 3, stride=2, padding=1).on(x, output_size=[2 * s for s in size]),
            C(f"LazyConvTranspose{n}d", 6, 3, stride=2).on(x),
        ]
    cases += [
        C("Conv2d", 4, 6, (2, 3), (2, 1), (1, 2), (1, 2)).on(f(2, 4, 6, 9)),
        C("Conv2d", 4, 8, 3, groups=4).on(f(2, 4, 6, 6)),
        C("ConvTranspose2d", 4, 6, (2, 3), (2, 1), (0, 1), dilation=(2, 1)).on(f(2, 4, 5, 6)),
    ]
    return cases


def _pooling() -> list[C]:
    cases = []
    sizes = {1: (9,), 2: (8, 9), 3: (6, 6, 6)}
    for n, size in sizes.items():
        x = f(2, 3, *size)
        cases += [
            C(f"MaxPool{n}d", 2).on(x),
            C(f"MaxPool{n}d", 3, 2, 1, ceil_mode=True).on(x),
            C(f"MaxPool{n}d", 2, dilation=2, return_indices=True).on(x),
            C(f"MaxPool{n}d", 3, 1).on(f(3, *size)),
            C(f"AvgPool{n}d", 2).on(x),
            C(f"AvgPool{n}d", 3, 2, 1, ceil_mode=True).on(x),
            C(f"AvgPool{n}d", 3, padding=1, count_include_pad=False).on(x),
            C(f"LPPool{n}d", 2, 2).on(f(2, 3, *size, lo=0.1)),
            C(f"LPPool{n}d", 3, 3, stride=2, ceil_mode=True).on(f(2, 3, *size, lo=0.1)),
            C(f"AdaptiveAvgPool{n}d", 3).on(x),
            C(f"AdaptiveAvgPool{n}d", 1).on(f(3, *size)),
            C(f"AdaptiveMaxPool{n}d", 3).on(x),
            C(f"AdaptiveMaxPool{n}d", 2, return_indices=True).on(x),
            C(f"MaxUnpool{n}d", 2).on(Pooled(f(2, 3, *(2 * (k // 2) for k in size)), n)),
            C(f"MaxUnpool{n}d", 2, stride=2).on(Pooled(x, n), output_size=[2, 3, *size]),
        ]
    cases += [
        C("AvgPool2d", 2, divisor_override=3).on(f(2, 3, 6, 6)),
        C("AvgPool3d", 2, divisor_override=5).on(f(2, 3, 4, 4, 4)),
        C("MaxPool2d", (3, 2), (2, 1), (1, 0)).on(f(2, 3, 8, 9)),
        C("AdaptiveAvgPool2d", (3, None)).on(f(2, 3, 7, 5)),
        C("AdaptiveMaxPool2d", (None, 2)).on(f(2, 3, 7, 5)),
        C("AdaptiveAvgPool3d", (2, None, 3)).on(f(2, 3, 4, 3, 7)),
        C("FractionalMaxPool2d", 2, output_size=(3, 4), _random_samples=Tensorial(np.full((2, 3, 2), 0.4))).on(
            f(2, 3, 8, 9)
        ),
        C(
            "FractionalMaxPool2d",
            3,
            output_ratio=0.5,
            return_indices=True,
            _random_samples=Tensorial(np.full((2, 3, 2), 0.7)),
        ).on(f(2, 3, 8, 9)),
        C("FractionalMaxPool3d", 2, output_size=3, _random_samples=Tensorial(np.full((2, 3, 3), 0.3))).on(
            f(2, 3, 6, 7, 6)
        ),
    ]
    return cases


@dataclass(frozen=True)
class Pooled:
    """The two results of max pooling with window 2, as inputs of unpooling."""

    source: Array
    n: int
    shape: tuple[int, ...] = ()


def _padding() -> list[C]:
    cases = []
    sizes = {1: (5,), 2: (5, 6), 3: (4, 5, 4)}
    for n, size in sizes.items():
        x = f(2, 3, *size)
        uneven = tuple(range(1, 2 * n + 1)) if n == 1 else (1, 2, 0, 3) if n == 2 else (1, 2, 0, 3, 2, 1)
        for kind in ("Reflection", "Replication", "Circular", "Zero"):
            cases += [C(f"{kind}Pad{n}d", 2).on(x), C(f"{kind}Pad{n}d", uneven).on(f(3, *size))]
        cases += [C(f"ConstantPad{n}d", 1, 2.5).on(x), C(f"ConstantPad{n}d", uneven, -1.0).on(x)]
        cases += [C(f"ConstantPad{n}d", (-1, 2) + (0, 0) * (n - 1), 0.5).on(x)]
    return cases


def _norms() -> list[C]:
    cases = []
    sizes = {1: (5,), 2: (4, 5), 3: (3, 4, 2)}
    for n, size in sizes.items():
        x = f(3, 4, *size)
        for lazy in ("", "Lazy"):
            first = () if lazy else (4,)
            cases += [
                C(f"{lazy}BatchNorm{n}d", *first).on(x),
                C(f"{lazy}BatchNorm{n}d", *first, eps=1e-3, momentum=None).on(x),
                C(f"{lazy}BatchNorm{n}d", *first, momentum=0.3, affine=False).on(x),
                C(f"{lazy}BatchNorm{n}d", *first, track_running_stats=False).on(x),
                C(f"{lazy}InstanceNorm{n}d", *first).on(x),
                C(f"{lazy}InstanceNorm{n}d", *first, affine=True, track_running_stats=True, momentum=0.2).on(x),
            ]
        cases += [
            C(f"BatchNorm{n}d", 4, bias=False).on(x),
            C(f"InstanceNorm{n}d", 4, affine=True, eps=1e-3).on(f(4, *size)),
            C(f"InstanceNorm{n}d", 4, affine=True, bias=False).on(x),
        ]
    return [
        *cases,
        C("BatchNorm1d", 4).on(f(6, 4)),
        C("LayerNorm", 5).on(f(3, 4, 5)),
        C("LayerNorm", (4, 5), eps=1e-3).on(f(3, 4, 5)),
        C("LayerNorm", [4, 5], elementwise_affine=False).on(f(3, 4, 5)),
        C("LayerNorm", 5, bias=False).on(f(3, 4, 5)),
        C("RMSNorm", 5).on(f(3, 4, 5)),
        C("RMSNorm", (4, 5), eps=1e-3).on(f(3, 4, 5)),
        C("RMSNorm", 5, elementwise_affine=False).on(f(3, 4, 5)),
        C("GroupNorm", 2, 6).on(f(3, 6, 4)),
        C("GroupNorm", 3, 6, eps=1e-3).on(f(3, 6, 4, 2)),
        C("GroupNorm", 6, 6, affine=False).on(f(3, 6)),
        C("GroupNorm", 2, 6, bias=False).on(f(3, 6, 4)),
        C("LocalResponseNorm", 3).on(f(2, 6, 4, 4)),
        C("LocalResponseNorm", 2, alpha=0.1, beta=0.5, k=2.0).on(f(2, 6, 4)),
    ]


def _embeddings() -> list[C]:
    weights = np.linspace(-1, 1, 30).reshape(10, 3)
    return [
        C("Embedding", 10, 3).on(i((2, 4), 10)),
        C("Embedding", 10, 3, padding_idx=0).on(i((2, 4), 10)),
        C("Embedding", 10, 3, padding_idx=-1, scale_grad_by_freq=True).on(i((8,), 10)),
        C("Embedding", 10, 3, max_norm=0.5).on(i((4,), 10)),
        C("Embedding", 10, 3, max_norm=0.7, norm_type=1.0).on(i((4,), 10)),
        C("Embedding", 10, 3, _weight=Tensorial(weights), _freeze=True).on(i((), 10)),
        C("EmbeddingBag", 10, 3).on(i((2, 4), 10)),
        C("EmbeddingBag", 10, 3, mode="sum").on(i((7,), 10), [0, 3, 3]),
        C("EmbeddingBag", 10, 3, mode="max").on(i((7,), 10), [0, 3, 5]),
        C("EmbeddingBag", 10, 3, mode="sum", include_last_offset=True).on(i((7,), 10), [0, 3, 7]),
        C("EmbeddingBag", 10, 3, mode="mean", padding_idx=2).on(i((7,), 4), [0, 3, 5]),
        C("EmbeddingBag", 10, 3, mode="sum").on(i((7,), 10), [0, 3, 5], per_sample_weights=f(7)),
        # scale_grad_by_freq is left to our own tests: PyTorch's CPU kernel takes the counts of other rows here.
        C("EmbeddingBag", 10, 3, mode="sum", max_norm=0.4).on(i((2, 4), 10)),
    ]


def _recurrent() -> list[C]:
    cases = []
    for name in ("RNN", "LSTM", "GRU"):
        x = f(5, 3, 4)
        cases += [
            C(name, 4, 5).on(x),
            C(name, 4, 5, 2, bias=False).on(x),
            C(name, 4, 5, num_layers=2, bidirectional=True, batch_first=True).on(f(3, 5, 4)),
            C(name, 4, 5, num_layers=3, dropout=0.4, random=True).on(x),
            C(name, 4, 5, bidirectional=True).on(f(5, 4)),
        ]
        state = f(2, 3, 5)
        cases.append(C(name, 4, 5, bidirectional=True).on(x, [state, state] if name == "LSTM" else state))
    cases += [
        C("RNN", 4, 5, 2, "relu").on(f(5, 3, 4)),
        C("RNN", 4, 5, nonlinearity="relu", num_layers=2).on(f(5, 3, 4), f(2, 3, 5)),
        C("LSTM", 4, 5, proj_size=2).on(f(5, 3, 4)),
        C("LSTM", 4, 5, 2, proj_size=3, bidirectional=True).on(f(5, 3, 4), [f(4, 3, 3), f(4, 3, 5)]),
        C("RNNCell", 4, 5).on(f(3, 4)),
        C("RNNCell", 4, 5, bias=False, nonlinearity="relu").on(f(3, 4), f(3, 5)),
        C("LSTMCell", 4, 5).on(f(3, 4)),
        C("LSTMCell", 4, 5, bias=False).on(f(3, 4), [f(3, 5), f(3, 5)]),
        C("LSTMCell", 4, 5).on(f(4)),
        C("GRUCell", 4, 5).on(f(3, 4)),
        C("GRUCell", 4, 5, False).on(f(3, 4), f(3, 5)),
        C("GRUCell", 4, 5).on(f(4), f(5)),
    ]
    return cases


CAUSAL = np.triu(np.full((5, 5), -np.inf), 1)
PADDED = np.array([[False, False, False, False, True], [False, False, False, True, True], [False] * 5])


def _attention() -> list[C]:
    q, k = f(5, 3, 8), f(6, 3, 8)
    cases = [
        C("MultiheadAttention", 8, 2).on(q, k, f(6, 3, 8)),
        C("MultiheadAttention", 8, 2).on(f(5, 8), f(6, 8), f(6, 8)),
        C("MultiheadAttention", 8, 4, batch_first=True).on(f(3, 5, 8), f(3, 6, 8), f(3, 6, 8), need_weights=False),
        C("MultiheadAttention", 8, 2, bias=False).on(q, k, k, average_attn_weights=False),
        C("MultiheadAttention", 8, 2, kdim=6, vdim=4).on(q, f(6, 3, 6), f(6, 3, 4)),
        C("MultiheadAttention", 8, 2, add_bias_kv=True, add_zero_attn=True).on(q, k, k),
        C("MultiheadAttention", 8, 2).on(q, q, q, attn_mask=Tensorial(CAUSAL), need_weights=False, is_causal=True),
        C("MultiheadAttention", 8, 2).on(q, q, q, attn_mask=Tensorial(np.isinf(CAUSAL))),
        C("MultiheadAttention", 8, 2).on(q, q, q, key_padding_mask=Tensorial(PADDED)),
        C("MultiheadAttention", 8, 2).on(
            q, q, q, key_padding_mask=Tensorial(PADDED), attn_mask=Tensorial(np.isinf(CAUSAL)), need_weights=False
        ),
        C("MultiheadAttention", 8, 2).on(q, q, q, attn_mask=f(6, 5, 5)),
        C("MultiheadAttention", 8, 2, dropout=0.3, random=True).on(q, q, q),
    ]
    layer: dict[str, Any] = {"dim_feedforward": 16, "dropout": 0.0}
    x, memory = f(5, 3, 8), f(6, 3, 8)
    for name, inputs in (("TransformerEncoderLayer", (x,)), ("TransformerDecoderLayer", (x, memory))):
        mask = "src_mask" if len(inputs) == 1 else "tgt_mask"
        padding = "src_key_padding_mask" if len(inputs) == 1 else "tgt_key_padding_mask"
        cases += [
            C(name, 8, 2, **layer).on(*inputs),
            C(name, 8, 2, **layer, activation="gelu", norm_first=True, bias=False, layer_norm_eps=1e-3).on(*inputs),
            C(name, 8, 2, **layer, batch_first=True).on(*(f(*np.take(v.shape, [1, 0, 2])) for v in inputs)),
            C(name, 8, 2, **layer).on(*inputs, **{mask: Tensorial(CAUSAL)}),
            C(name, 8, 2, 16, random=True).on(*inputs, **{padding: Tensorial(PADDED)}),
        ]
    cases += [
        C("Transformer", 8, 2, 1, 2, 16, 0.0).on(x, f(4, 3, 8)),
        C("Transformer", 8, 2, 2, 1, 16, 0.0, batch_first=True, norm_first=True).on(f(3, 5, 8), f(3, 4, 8)),
        C("Transformer", 8, 2, 1, 1, 16, 0.0).on(
            x,
            f(5, 3, 8),
            tgt_mask=Tensorial(CAUSAL),
            src_key_padding_mask=Tensorial(PADDED),
            memory_key_padding_mask=Tensorial(PADDED),
        ),
    ]
    return cases


def _losses() -> list[C]:
    cases = []
    x, t = f(3, 4), f(3, 4)
    for reduction in ("mean", "sum", "none"):
        r = {"reduction": reduction}
        cases += [
            C("L1Loss", **r).on(x, t),
            C("MSELoss", **r).on(x, t),
            C("SmoothL1Loss", **r, beta=0.4).on(x, t),
            C("HuberLoss", **r, delta=0.3).on(x, t),
            C("NLLLoss", **r).on(logp(3, 4), i((3,), 4)),
            C("NLLLoss", Tensorial([0.1, 0.5, 1.0, 2.0]), ignore_index=1, **r).on(logp(3, 4), i((3,), 4)),
            C("CrossEntropyLoss", **r).on(f(3, 4), i((3,), 4)),
            C("CrossEntropyLoss", Tensorial([0.1, 0.5, 1.0, 2.0]), ignore_index=1, label_smoothing=0.2, **r).on(
                f(6, 4), i((6,), 4)
            ),
            C("CrossEntropyLoss", label_smoothing=0.1, **r).on(f(3, 4), prob(3, 4)),
            C("CrossEntropyLoss", **r).on(f(2, 4, 3, 2), i((2, 3, 2), 4)),
            C("KLDivLoss", **r).on(logp(3, 4), prob(3, 4)),
            C("KLDivLoss", log_target=True, **r).on(logp(3, 4), logp(3, 4)),
            C("BCELoss", **r).on(f(3, 4, lo=0.1, hi=0.9), prob(3, 4)),
            C("BCELoss", Tensorial([0.1, 0.5, 1.0, 2.0]), **r).on(f(3, 4, lo=0.1, hi=0.9), prob(3, 4)),
            C("BCEWithLogitsLoss", **r).on(x, prob(3, 4)),
            C("BCEWithLogitsLoss", Tensorial([0.1, 0.5, 1.0, 2.0]), pos_weight=Tensorial([1.0, 2.0, 3.0, 4.0]), **r).on(
                x, prob(3, 4)
            ),
            C("HingeEmbeddingLoss", 0.7, **r).on(x, sign(3, 4)),
            C("SoftMarginLoss", **r).on(x, sign(3, 4)),
            C("MultiLabelSoftMarginLoss", **r).on(x, i((3, 4), 2)),
            C("MultiLabelMarginLoss", **r).on(x, Tensorial([[3, 0, -1, 1], [1, -1, 0, 0], [0, 1, 2, 3]])),
            C("MultiMarginLoss", **r).on(x, i((3,), 4)),
            C("MultiMarginLoss", p=2, margin=0.5, weight=Tensorial([0.1, 0.5, 1.0, 2.0]), **r).on(x, i((3,), 4)),
            C("CosineEmbeddingLoss", 0.1, **r).on(x, t, sign(3)),
            C("MarginRankingLoss", 0.2, **r).on(f(5), f(5), sign(5)),
            C("TripletMarginLoss", **r).on(x, t, f(3, 4)),
            C("TripletMarginLoss", margin=0.5, p=3.0, swap=True, **r).on(x, t, f(3, 4)),
            C("TripletMarginWithDistanceLoss", margin=0.6, swap=True, **r).on(x, t, f(3, 4)),
            C("GaussianNLLLoss", full=True, **r).on(x, t, f(3, 4, lo=0.1, hi=2)),
            C("PoissonNLLLoss", **r).on(x, f(3, 4, lo=0, hi=3)),
            C("PoissonNLLLoss", log_input=False, full=True, **r).on(f(3, 4, lo=0.1), f(3, 4, lo=0.2, hi=4)),
            C("CTCLoss", **r).on(logits(6, 2, 5), i((2, 3), 5, 1), [6, 5], [3, 2]),
            C("CTCLoss", blank=4, zero_infinity=True, **r).on(logits(6, 2, 5), i((2, 3), 4), [6, 5], [3, 1]),
        ]
    cases.append(C("KLDivLoss", reduction="batchmean").on(logp(3, 4), prob(3, 4)))
    cases.append(C("AdaptiveLogSoftmaxWithLoss", 8, 12, [3, 7], div_value=2.0).on(f(6, 8), i((6,), 12)))
    cases.append(C("AdaptiveLogSoftmaxWithLoss", 8, 12, [4], head_bias=True).on(f(8), i((), 12)))
    return cases


def _resampling() -> list[C]:
    return [
        C("Upsample", scale_factor=2).on(f(2, 3, 4)),
        C("Upsample", size=(5, 7)).on(f(2, 3, 4, 3)),
        C("Upsample", scale_factor=(2.0, 1.5), mode="bilinear").on(f(2, 3, 4, 4)),
        C("Upsample", scale_factor=2, mode="bilinear", align_corners=True).on(f(2, 3, 4, 3)),
        C("Upsample", size=7, mode="linear").on(f(2, 3, 4)),
        C("Upsample", scale_factor=2, mode="bicubic").on(f(2, 3, 4, 3)),
        C("Upsample", scale_factor=2, mode="trilinear").on(f(2, 3, 2, 3, 2)),
        C("Upsample", scale_factor=1.7, mode="nearest-exact", recompute_scale_factor=True).on(f(2, 3, 4, 3)),
        C("UpsamplingBilinear2d", scale_factor=2).on(f(2, 3, 4, 3)),
        C("UpsamplingNearest2d", size=(5, 6)).on(f(2, 3, 4, 3)),
    ]


CASES: list[C] = [
    *_elementwise(), *_linear_and_shape(), *_convolutions(), *_pooling(), *_padding(), *_norms(), *_embeddings(),
    *_recurrent(),
    *_attention(), *_losses(), *_resampling(),
]  # fmt: skip

CONTAINERS = (
    "Module ModuleDict ModuleList ParameterDict ParameterList Sequential TransformerDecoder TransformerEncoder".split()
)
"""Modules that other tests hold against PyTorch's."""
