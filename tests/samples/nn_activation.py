"""Samples of the activation functions; kinks are avoided where gradients are compared."""

from __future__ import annotations

import numpy as np

from tests.op_samples import Dtype, S, resolve, t

F = "nn.functional."


def apart(*shape: int, scale: float = 4.0) -> t:
    """Values at odd multiples of a small number: never on a kink at a round number."""

    def make(rng: np.random.Generator) -> np.ndarray:
        n = int(np.prod(shape))
        return (rng.permutation((np.arange(n) + 0.5) / n * 2 - 1) * scale + 0.0137).reshape(shape)

    return t(*shape, make=make)


EDGES = [-np.inf, -100.0, -20.0, -3.0, -0.0, 0.0, 0.5, 3.0, 20.0, 100.0, np.inf, np.nan]
PLAIN = "relu relu6 hardtanh leaky_relu elu selu celu gelu silu mish softplus logsigmoid hardsigmoid hardswish hardshrink softshrink softsign tanhshrink sigmoid tanh rrelu".split()

ORDER = {"hardsigmoid": "first"}  # as far as PyTorch goes; the second order is a sample of its own below
SAMPLES = [S(F + name, apart(3, 5), check=ORDER.get(name, "second")) for name in PLAIN]
SAMPLES += [S(F + name, apart(), check=ORDER.get(name, "second")) for name in PLAIN]
SAMPLES += [S(F + name, t(0, 3), check=ORDER.get(name, "second")) for name in PLAIN]
SAMPLES += [S(F + "hardsigmoid", apart(3, 4), parity=False)]  # PyTorch has no second order here
# at the edges PyTorch's vectorised and scalar paths agree on these only (0 * inf is taken differently by the others)
EXACT = "relu relu6 hardtanh leaky_relu elu selu celu softplus logsigmoid hardsigmoid hardshrink softshrink tanhshrink sigmoid tanh rrelu".split()
SAMPLES += [S(F + name, t(values=EDGES, grad=False), check="value") for name in EXACT]
SAMPLES += [
    S(F + "relu", t(4, 3, lo=-5, hi=5, dtype="int64"), check="value"),
    S(F + "relu6", t(4, 3, lo=-9, hi=9, dtype="int64"), check="value"),
    S(F + "hardtanh", apart(3, 4), -2.0, 1.5),
    S(F + "hardtanh", apart(3, 4), min_val=-0.5, max_val=3.0),
    S(F + "leaky_relu", apart(3, 4), 0.3),
    S(F + "leaky_relu", apart(3, 4), negative_slope=-0.2),
    S(F + "elu", apart(3, 4), 0.7),
    S(F + "elu", apart(3, 4), alpha=2.0),
    S(F + "celu", apart(3, 4), 0.7),
    S(F + "celu", apart(3, 4), alpha=2.0),
    S(F + "gelu", apart(3, 4), approximate="tanh"),
    S(F + "gelu", apart(2, 3, 4), approximate="none"),
    S(F + "softplus", apart(3, 4), 2.0, 5.0),
    S(F + "softplus", apart(3, 4, scale=30.0), beta=0.8),
    S(F + "softplus", apart(3, 4, scale=30.0), threshold=10.0),
    S(F + "hardshrink", apart(3, 4), 1.1),
    S(F + "hardshrink", apart(3, 4), lambd=0.0),
    S(F + "softshrink", apart(3, 4), 1.1),
    S(F + "softshrink", apart(3, 4), lambd=0.3),
    S(F + "threshold", apart(3, 4), 0.7, 20.0),
    S(F + "threshold", apart(3, 4), threshold=-0.7, value=-1.0),
    S(F + "rrelu", apart(3, 4), 0.2, 0.4),
    S(F + "rrelu", apart(3, 4), lower=0.25, upper=0.25, training=True),
    S(F + "prelu", apart(2, 3, 4), t(3)),
    S(F + "prelu", apart(2, 3, 4, 2), t(1)),
    S(F + "prelu", apart(5), t(1)),
    S(F + "prelu", apart(5, 3), t(3)),
    S(F + "glu", t(3, 4)),
    S(F + "glu", t(3, 4, 2), 1),
    S(F + "glu", t(6, 4), dim=0),
    S(F + "softmax", t(3, 4), 1),
    S(F + "softmax", t(2, 3, 4), dim=-2),
    S(F + "softmax", t(3, 4, dtype="float32"), dim=0, dtype=Dtype("float64"), check="value"),
    S(F + "softmin", t(3, 4), 1),
    S(F + "softmin", t(2, 3, 4), dim=0),
    S(F + "log_softmax", t(3, 4), 1),
    S(F + "log_softmax", t(2, 3, 4), dim=-1),
    S(
        lambda T, x: [(T.manual_seed(1), resolve(T, F + "gumbel_softmax")(x, tau=0.7))[1] for _ in range(1)],
        t(4, 5), label=F + "gumbel_softmax soft", parity=False,  # other random numbers
    ),
    S(
        lambda T, x: (T.manual_seed(1), resolve(T, F + "gumbel_softmax")(x, hard=True, dim=0))[1],
        t(4, 5, grad=False), label=F + "gumbel_softmax hard", parity=False, check="value",  # other random numbers
    ),
    S(
        lambda T, x: (T.manual_seed(1), resolve(T, F + "rrelu")(x, 0.1, 0.9, True))[1],
        apart(4, 5), label=F + "rrelu random", parity=False,  # other random numbers
    ),
]  # fmt: skip

IN_PLACE = {"relu_": (), "elu_": (0.7,), "selu_": (), "celu_": (1.3,), "leaky_relu_": (0.2,), "hardtanh_": (-1.0, 2.0),
            "threshold_": (0.3, -2.0), "rrelu_": (0.25, 0.25, True)}  # fmt: skip
SAMPLES += [
    S(lambda T, x, n=name, a=args: resolve(T, F + n)(x.clone(), *a), apart(3, 4), label=f"{F}{name}")
    for name, args in IN_PLACE.items()
]  # fmt: skip
SAMPLES += [
    S(
        lambda T, x, n=name: resolve(T, F + n)(x.clone(), inplace=True),
        apart(3, 4),
        label=f"{F}{name} inplace",
        check=ORDER.get(name, "second"),
    )
    for name in "relu relu6 hardtanh leaky_relu elu selu celu silu mish hardsigmoid hardswish".split()
]
