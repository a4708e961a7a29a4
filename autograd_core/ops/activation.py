"""Activation functions: the table of their ops, and the functions in PyTorch's words.

Formulas: PyTorch's documentation of ``torch.nn.functional``; sources of the less known ones are named beside them.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..kernels import activation as kernels
from ..op import defop, helper, method, sym
from ..random import stream
from ..tensor import Tensor, wrap
from . import elementwise as _elementwise  # noqa: F401  (relu, sigmoid, tanh live there)
from .checks import floating, inexact, settle, tensor
from .dims import one_dim

__all__ = [
    "celu", "celu_", "hardshrink", "prelu", "relu_", "rrelu", "rrelu_", "selu", "selu_", "threshold", "threshold_",
]  # fmt: skip

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946

# ------------------------------------------------------------------------------------------------- declarations

defop(
    lambda x, lo, hi: x.clip(lo, hi),
    params="lo hi",
    name="hardtanh",
    elementwise=True,
    formula="min(max(x, lo), hi)",
    x=lambda g, x, lo, hi, F: F.masked_fill(g, (x <= lo) | (x >= hi), 0.0),
)
# The derivative of each of these is an op too, with a kernel of one pass; its own rules are formulas, for every order.
defop(
    kernels.leaky_relu,
    params="slope",
    name="leaky_relu",
    elementwise=True,
    formula="x where x > 0, else slope x",
    x=lambda g, x, slope, F: F.leaky_relu_backward(g, x, slope),
)
defop(
    kernels.leaky_relu_backward,
    "u x",
    "slope",
    name="leaky_relu_backward",
    elementwise=True,
    formula="u where x > 0, else slope u",
    u=lambda g, x, slope, F: F.leaky_relu_backward(g, x, slope),
)
defop(
    kernels.elu,
    params="alpha scale rate",
    name="elu",
    elementwise=True,
    formula="scale x where x > 0, else scale alpha (exp(rate x) - 1)",
    x=lambda g, x, alpha, scale, rate, F: F.elu_backward(g, x, alpha, scale, rate),
)
defop(
    kernels.elu_backward,
    "u x",
    "alpha scale rate",
    name="elu_backward",
    elementwise=True,
    formula="u scale where x > 0, else u scale alpha rate exp(rate x)",
    u=lambda g, x, alpha, scale, rate, F: F.elu_backward(g, x, alpha, scale, rate),
    x=lambda g, u, x, alpha, scale, rate, F: F.where(
        x > 0, 0.0, g * u * F.exp(F.clamp(x, None, 0.0) * rate) * (alpha * scale * rate * rate)
    ),
)
defop(
    lambda x, weight: np.where(x > 0, x, x * weight),
    "x weight",
    name="prelu",
    elementwise=True,
    formula="x where x > 0, else weight x",
    x=lambda g, x, weight, F: F.where(x > 0, g, g * weight),
    weight=lambda g, x, F: g * F.clamp(x, None, 0.0),
)


@helper
def gelu_curve(F: Any, x: Any, approximate: str) -> Any:
    """The second derivative: phi(x) (2 - x^2), or that of x (1 + tanh v) / 2 with v = sqrt(2/pi) (x + 0.044715 x^3)."""
    if approximate == "none":
        return F.exp(x * x * -0.5) * (2 - x * x) * (1 / math.sqrt(2 * math.pi))
    k, c = math.sqrt(2 / math.pi), 0.044715
    tanh = F.tanh((x + x * x * x * c) * k)
    slope, bend = (x * x * (3 * c) + 1) * k, x * (6 * c * k)
    return (1 - tanh * tanh) * (slope + x * (bend * 0.5 - tanh * slope * slope))


# Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.
defop(
    kernels.gelu,
    params="approximate",
    name="gelu",
    elementwise=True,
    formula="x Phi(x) = x (1 + erf(x / sqrt 2)) / 2",
    x=lambda g, x, approximate, F: F.gelu_backward(g, x, approximate),
)
defop(
    kernels.gelu_backward,
    "u x",
    "approximate",
    name="gelu_backward",
    elementwise=True,
    formula="u (Phi(x) + x phi(x))",
    u=lambda g, x, approximate, F: F.gelu_backward(g, x, approximate),
    x=lambda g, u, x, approximate, F: g * u * F.gelu_curve(x, approximate),
)


@helper
def silu_curve(F: Any, x: Any) -> Any:
    """The second derivative of x s(x), s the sigmoid."""
    s = F.sigmoid(x)
    return s * (1 - s) * (2 + x * (1 - 2 * s))


defop(
    kernels.silu,
    name="silu",
    elementwise=True,
    formula="x sigmoid(x)",
    x=lambda g, x, F: F.silu_backward(g, x),
)
defop(
    kernels.silu_backward,
    "u x",
    name="silu_backward",
    elementwise=True,
    formula="u s (1 + x (1 - s)), s = sigmoid(x)",
    u=lambda g, x, F: F.silu_backward(g, x),
    x=lambda g, u, x, F: g * u * F.silu_curve(x),
)
defop(
    kernels.softplus,
    params="beta threshold",
    name="softplus",
    elementwise=True,
    formula="log(1 + exp(beta x)) / beta, and x where beta x > threshold",
    x=lambda g, x, beta, threshold, F: F.softplus_backward(g, x, beta, threshold),
)
defop(
    kernels.softplus_backward,
    "u x",
    "beta threshold",
    name="softplus_backward",
    elementwise=True,
    formula="u sigmoid(beta x), and u where beta x > threshold",
    u=lambda g, x, beta, threshold, F: F.softplus_backward(g, x, beta, threshold),
    x=lambda g, u, x, beta, threshold, F: F.masked_fill(
        g * u * F.sigmoid(x * beta) * F.sigmoid(x * -beta) * beta, x * beta > threshold, 0.0
    ),
)
defop(
    lambda x: -kernels.softplus(-x, 1.0, math.inf),
    name="logsigmoid",
    elementwise=True,
    formula="log(sigmoid(x))",
    x=lambda g, x, F: F.softplus_backward(g, -x, 1.0, math.inf),
)


@helper
def mish_slope(F: Any, x: Any) -> Any:
    """d/dx of x tanh(softplus(x))."""
    t = F.tanh(F.softplus(x, 1.0, 20.0))
    return t + x * F.sigmoid(x) * (1 - t * t)


# PyTorch: Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2019.
defop(
    lambda x: x * np.tanh(kernels.softplus(x)),
    name="mish",
    elementwise=True,
    formula="x tanh(log(1 + exp(x)))",
    x=lambda g, x, F: g * F.mish_slope(x),
)
defop(
    lambda x: np.clip(x + 3, 0, 6) / 6,
    name="hardsigmoid",
    elementwise=True,
    formula="min(max(x + 3, 0), 6) / 6",
    x=lambda g, x, F: F.masked_fill(g / 6, (x <= -3) | (x >= 3), 0.0),
)
defop(
    lambda x: x * np.clip(x + 3, 0, 6) / 6,
    name="hardswish",
    elementwise=True,
    formula="x min(max(x + 3, 0), 6) / 6",
    x=lambda g, x, F: F.where(x >= 3, g, F.masked_fill(g * (x / 3 + 0.5), x <= -3, 0.0)),
)
defop(
    lambda x, lambd: np.where((x >= -lambd) & (x <= lambd), 0.0, x),
    params="lambd",
    name="hardshrink",
    elementwise=True,
    formula="x where |x| > lambd, else 0",
    x=lambda g, x, lambd, F: F.masked_fill(g, (x >= -lambd) & (x <= lambd), 0.0),
)
defop(
    lambda x, lambd: np.where(x > lambd, x - lambd, np.where(x < -lambd, x + lambd, x * 0)),
    params="lambd",
    name="softshrink",
    elementwise=True,
    formula="sign(x) max(|x| - lambd, 0)",
    x=lambda g, x, lambd, F: F.masked_fill(g, (x >= -lambd) & (x <= lambd), 0.0),
)
defop(
    lambda x, threshold, value: np.where(x <= threshold, np.asarray(value, x.dtype), x),
    params="threshold value",
    name="threshold",
    elementwise=True,
    formula="x where x > threshold, else value",
    x=lambda g, x, threshold, F: F.masked_fill(g, x <= threshold, 0.0),
)
defop(
    lambda x: x / (1 + np.abs(x)),
    name="softsign",
    elementwise=True,
    formula="x / (1 + |x|)",
    x=lambda g, x, F: g / F.square(1 + F.abs(x)),
)
defop(
    lambda x: x - np.tanh(x),
    name="tanhshrink",
    elementwise=True,
    formula="x - tanh(x)",
    x=lambda g, x, F: g * F.square(F.tanh(x)),
)


def _halves(shape: tuple[int, ...], axis: int) -> tuple[Any, Any]:
    """The index of the first and of the second half along ``axis``."""
    lead, half = (slice(None),) * axis, shape[axis] // 2
    return (*lead, slice(0, half)), (*lead, slice(half, None))


def _glu(x: Any, axis: int) -> Any:
    a, b = _halves(x.shape, axis)
    return x[a] / (1 + np.exp(-x[b]))


@helper
def glu_rule(F: Any, g: Any, x: Any, axis: int) -> Any:
    """g s for the first half, g a s (1 - s) for the second."""
    a, b = _halves(x.shape, axis)
    s = F.sigmoid(F.getitem(x, b))
    gs = g * s
    return F.cat([gs, gs * F.getitem(x, a) * (1 - s)], axis)


# PyTorch: Dauphin et al., "Language Modeling with Gated Convolutional Networks", 2016.
defop(
    _glu,
    params="axis",
    name="glu",
    formula="a sigmoid(b), a and b the halves of x along axis",
    x=lambda g, x, axis, F: F.glu_rule(g, x, axis),
)

# ------------------------------------------------------------------------------------------------- the functions


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """``max(x, 0)``, elementwise; the derivative at 0 is 0."""
    return settle(input, sym.relu(tensor("relu", input)), inplace, "relu_")


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """``min(max(x, 0), 6)``, elementwise."""
    return settle(input, sym.hardtanh(tensor("relu6", input), 0, 6), inplace, "relu6")


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """``min(max(x, min_val), max_val)``, elementwise; the derivative at the bounds is 0."""
    x = tensor("hardtanh", input)
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val {min_val} must not be greater than max_val {max_val}.")
    if x.array.dtype.kind in "iu":
        min_val, max_val = int(min_val), int(max_val)
    return settle(input, sym.hardtanh(x, min_val, max_val), inplace, "hardtanh_")


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """``x`` where it is positive, else ``negative_slope * x``."""
    return settle(input, sym.leaky_relu(floating("leaky_relu", input), negative_slope), inplace, "leaky_relu_")


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``x`` where it is positive, else ``alpha * (exp(x) - 1)`` (Clevert et al., 2015)."""
    return settle(input, sym.elu(floating("elu", input), alpha, 1.0, 1.0), inplace, "elu_")


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """``scale * elu(x, alpha)`` with the constants of self-normalising networks (Klambauer et al., 2017)."""
    return settle(input, sym.elu(floating("selu", input), SELU_ALPHA, SELU_SCALE, 1.0), inplace, "selu_")


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``max(x, 0) + min(0, alpha * (exp(x / alpha) - 1))``."""
    if alpha == 0:
        raise RuntimeError("celu: alpha must not be 0 (the function divides by it).")
    return settle(input, sym.elu(floating("celu", input), alpha, 1.0, 1.0 / alpha), inplace, "celu_")


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """``x * Phi(x)``, Phi the normal distribution function; ``approximate="tanh"`` takes the usual approximation."""
    x = floating("gelu", input)
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}.")
    return sym.gelu(x, approximate)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """``x * sigmoid(x)``, also called swish."""
    x = floating("silu", input, complex=True)
    y = sym.silu(x) if x.array.dtype.kind == "f" else sym.mul(x, sym.sigmoid(x))
    return settle(input, y, inplace, "silu")


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """``x * tanh(softplus(x))``."""
    return settle(input, sym.mish(floating("mish", input)), inplace, "mish")


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """``log(1 + exp(beta * x)) / beta``; ``x`` itself where ``beta * x > threshold``."""
    return sym.softplus(floating("softplus", input), float(beta), float(threshold))


def logsigmoid(input: Tensor) -> Tensor:
    """``log(1 / (1 + exp(-x)))``, without overflow."""
    return sym.logsigmoid(floating("logsigmoid", input))


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """``min(max(x + 3, 0), 6) / 6``."""
    return settle(input, sym.hardsigmoid(floating("hardsigmoid", input)), inplace, "hardsigmoid")


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """``x * min(max(x + 3, 0), 6) / 6`` (Howard et al., "Searching for MobileNetV3", 2019)."""
    return settle(input, sym.hardswish(floating("hardswish", input)), inplace, "hardswish")


@method()
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """``x`` where ``|x| > lambd``, else 0."""
    return sym.hardshrink(floating("hardshrink", input), lambd)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """``x`` moved towards 0 by ``lambd``, and 0 where it is nearer than that."""
    if lambd < 0:
        raise RuntimeError(f"softshrink: lambd must not be negative, got {lambd}.")
    return sym.softshrink(floating("softshrink", input), lambd)


def softsign(input: Tensor) -> Tensor:
    """``x / (1 + |x|)``."""
    x = inexact("softsign", input)
    return sym.softsign(x) if x.array.dtype.kind == "f" else sym.div(x, sym.add(sym.abs(x), 1))


def tanhshrink(input: Tensor) -> Tensor:
    """``x - tanh(x)``."""
    return sym.tanhshrink(inexact("tanhshrink", input))


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """``x`` where it is greater than ``threshold``, else ``value``."""
    return settle(input, sym.threshold(tensor("threshold", input), threshold, value), inplace, "threshold_")


@method()
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """``x`` where it is positive, else ``weight * x``; one weight, or one for each channel (dimension 1).

    Raises
    ------
    RuntimeError
        If the number of weights is neither 1 nor the number of channels.
    """
    x, w = floating("prelu", input), floating("prelu", weight, "weight")
    if w.array.ndim > 1:
        raise RuntimeError(f"prelu: weight must have 0 or 1 dimensions, got shape {w.array.shape}.")
    n = x.array.ndim
    if w.array.size != 1:
        channels = x.array.shape[1] if n > 1 else 1
        if n == 0:
            raise RuntimeError(f"prelu: a 0-d input takes one weight, got {w.array.size}.")
        if w.array.size != channels:
            raise RuntimeError(
                f"prelu: weight has {w.array.size} values, input of shape {x.array.shape} has {channels} channels; "
                "give one weight, "
                "or one a channel."
            )
    shape = (1, w.array.size) + (1,) * (n - 2) if n > 1 else (w.array.size,) * min(n, 1)
    return sym.prelu(x, sym.reshape(w, shape))


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
    generator: Any = None,
) -> Tensor:
    """:func:`leaky_relu` with a slope drawn for each element from ``[lower, upper]``; their mean when not training."""
    x = floating("rrelu", input)
    if lower > upper:
        raise RuntimeError(f"rrelu: lower {lower} must not be greater than upper {upper}.")
    if training:
        slope = np.asarray(stream(generator).uniform(lower, upper, x.array.shape), x.array.dtype)
        y = sym.prelu(x, wrap(slope))
    else:
        y = sym.leaky_relu(x, (lower + upper) / 2)
    return settle(input, y, inplace, "rrelu_")


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """``a * sigmoid(b)``, ``a`` and ``b`` being the halves of the input along ``dim``."""
    x = floating("glu", input)
    if x.array.ndim == 0:
        raise RuntimeError("glu: a 0-d input cannot be halved; it needs at least one dimension.")
    d = one_dim("glu", dim, x.array.ndim)
    if x.array.shape[d] % 2:
        raise RuntimeError(
            f"glu: the size of dimension {dim} must be even, got {x.array.shape[d]} (shape {x.array.shape})."
        )
    return sym.glu(x, d)


def sigmoid(input: Tensor) -> Tensor:
    """``1 / (1 + exp(-x))``, elementwise."""
    return sym.sigmoid(tensor("sigmoid", input))


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent, elementwise."""
    return sym.tanh(tensor("tanh", input))


# ------------------------------------------------------------------------------------------------- softmax and kin


def _softmax_dim(name: str, dim: int | None, ndim: int) -> int:
    """PyTorch's choice when ``dim`` is left out, with its warning."""
    if dim is not None:
        return dim
    chosen = 0 if ndim in (0, 1, 3) else 1
    warnings.warn(
        f"{name}: dim was left out, {chosen} was chosen; name the dimension: dim={chosen}.", UserWarning, stacklevel=4
    )
    return chosen


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """``exp(x) / sum(exp(x))`` along ``dim``."""
    x = tensor("softmax", input)
    return x.softmax(_softmax_dim("softmax", dim, x.array.ndim), dtype=dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """:func:`softmax` of ``-x``."""
    x = tensor("softmin", input)
    return (-x).softmax(_softmax_dim("softmin", dim, x.array.ndim), dtype=dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """``log(softmax(x))`` along ``dim``, without overflow."""
    x = tensor("log_softmax", input)
    return x.log_softmax(_softmax_dim("log_softmax", dim, x.array.ndim), dtype=dtype)


def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1, generator: Any = None
) -> Tensor:
    """A sample of the Gumbel-softmax distribution (Jang et al., 2016; Maddison et al., 2016).

    Parameters
    ----------
    logits : Tensor
        Unnormalised log-probabilities along ``dim``.
    tau : float
        Temperature, positive.
    hard : bool
        Return one-hot vectors, with the gradient of the soft sample.
    """
    x = floating("gumbel_softmax", logits, "logits")
    if not tau > 0:
        raise ValueError(f"gumbel_softmax: tau must be positive, got {tau}.")
    noise = wrap(np.asarray(stream(generator).gumbel(size=x.array.shape), x.array.dtype))
    d = one_dim("gumbel_softmax", dim, x.array.ndim)
    soft = sym.softmax(sym.div(sym.add(x, noise), tau), d)
    if not hard:
        return soft
    one_hot = np.zeros(soft.array.shape, soft.array.dtype)
    np.put_along_axis(one_hot, soft.array.argmax(d, keepdims=True), 1, d)
    return (wrap(one_hot) - soft.detach()) + soft


# ------------------------------------------------------------------------------------------------- in place


def relu_(input: Tensor) -> Tensor:
    """:func:`relu`, written into its argument."""
    return relu(input, inplace=True)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """:func:`elu`, written into its argument."""
    return elu(input, alpha, inplace=True)


def selu_(input: Tensor) -> Tensor:
    """:func:`selu`, written into its argument."""
    return selu(input, inplace=True)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """:func:`celu`, written into its argument."""
    return celu(input, alpha, inplace=True)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """:func:`leaky_relu`, written into its argument."""
    return leaky_relu(input, negative_slope, inplace=True)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """:func:`hardtanh`, written into its argument."""
    return hardtanh(input, min_val, max_val, inplace=True)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """:func:`threshold`, written into its argument."""
    return globals()["threshold"](input, threshold, value, inplace=True)


def rrelu_(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Tensor:
    """:func:`rrelu`, written into its argument."""
    return rrelu(input, lower, upper, training, inplace=True)
