"""Activation functions and their derivatives, each in one pass over memory.

    relu(x)                      relu_backward(g, y)
    leaky_relu(x, slope)         leaky_relu_backward(g, x, slope)
    elu(x, alpha, scale, rate)   elu_backward(g, x, alpha, scale, rate)
    sigmoid(x)                   sigmoid_backward(g, y)
    tanh(x)                      tanh_backward(g, y)
    silu(x)                      silu_backward(g, x)
    gelu(x, approximate)         gelu_backward(g, x, approximate)            approximate: "none" or "tanh"
    softplus(x, beta, threshold) softplus_backward(g, x, beta, threshold)
    bias_add(x, bias)            in place: x += bias, over the last dimension
    bias_relu(x, bias)           in place: x = relu(x + bias)
    bias_relu_backward(g, y) -> (gx, gbias)                                  gbias: sum over all but the last dimension

`y` stands where the output is enough for the derivative and `x` where the input is needed. NaN passes through all of
them, and a NaN output passes its gradient, as in PyTorch. Results are C-contiguous, in the dtype of the first argument;
compiled for float32, otherwise NumPy (float16 computed in float32).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import runtime
from .thresholds import THRESHOLDS

FLOAT32 = np.dtype(np.float32)
PIECES = 8  # partial sums of a bias gradient: fixed, so that the result does not depend on the number of threads
SQRT_HALF, SQRT_2_OVER_PI, PDF = math.sqrt(0.5), math.sqrt(2 / math.pi), 1 / math.sqrt(2 * math.pi)
CUBIC = 0.044715  # Hendrycks and Gimpel 2016


def _pass(kernel: str, cheap: bool, arrays: tuple[np.ndarray, ...], *scalars: float) -> np.ndarray | None:
    """One compiled pass over `arrays`, or None when NumPy is the better choice."""
    x = arrays[0]
    if x.size < THRESHOLDS["elementwise.numba" if cheap else "activation.numba"]:
        return None
    for a in arrays:
        if a.dtype != FLOAT32 or a.shape != x.shape:
            return None
    jit = runtime.native("activation")
    if jit is None:
        return None
    y = np.empty(x.shape, FLOAT32)
    flat = [a.reshape(-1) if a.flags.c_contiguous else np.ascontiguousarray(a).reshape(-1) for a in arrays]
    runtime.parallel(
        getattr(jit, kernel),
        x.size,
        *flat,
        y.reshape(-1),
        *[np.float32(s) for s in scalars],
        grain=THRESHOLDS["parallel.elements" if cheap else "parallel.exp"],
    )
    return y


def _wide(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32) if x.dtype == np.float16 else x


def _narrow(y: Any, x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(y, x.dtype) if x.ndim else np.array(y, x.dtype)


def _same(function: str, g: np.ndarray, x: np.ndarray) -> None:
    if g.shape != x.shape:
        raise RuntimeError(
            f"{function}: the gradient has shape {g.shape} but the activation has {x.shape}; they must agree"
        )


def relu(x: np.ndarray) -> np.ndarray:
    """``max(x, 0)``."""
    y = _pass("relu", True, (x,))
    return _narrow(np.maximum(x, x.dtype.type(0)), x) if y is None else y


def relu_backward(g: np.ndarray, y: np.ndarray) -> np.ndarray:
    """`g` where the output is not zero. `y` may also be the boolean mask ``y > 0``."""
    _same("relu_backward", g, y)
    if y.dtype == np.bool_:
        return _narrow(g * y, g)
    gx = _pass("relu_backward", True, (g, y))
    return shut(g, y <= 0) if gx is None else gx


_ONE_BYTE = np.ones((), np.int8)
BITS = {np.dtype(np.float16): np.int16, np.dtype(np.float32): np.int32, np.dtype(np.float64): np.int64}


def shut(g: np.ndarray, closed: np.ndarray) -> np.ndarray:
    """`g`, and 0 where `closed`: by its bits, for np.where stumbles over branches that nobody can foresee."""
    bits = BITS.get(g.dtype)
    if bits is None or g.ndim == 0:
        return _narrow(np.where(closed, g.dtype.type(0), g), g)
    open_ = np.subtract(closed.view(np.int8), _ONE_BYTE)  # all ones where open, one byte wide: quicker than at full width
    mask = open_.astype(bits)
    np.bitwise_and(mask, g.view(bits), out=mask)
    return mask.view(g.dtype)


def leaky_relu(x: np.ndarray, slope: float = 0.01) -> np.ndarray:
    """``x if x > 0 else slope * x``."""
    y = _pass("leaky_relu", True, (x,), slope)
    return _narrow(np.where(x > 0, x, x * x.dtype.type(slope)), x) if y is None else y


def leaky_relu_backward(g: np.ndarray, x: np.ndarray, slope: float = 0.01) -> np.ndarray:
    """``g if x > 0 else slope * g``."""
    _same("leaky_relu_backward", g, x)
    gx = _pass("leaky_relu_backward", True, (g, x), slope)
    return _narrow(np.where(x > 0, g, g * g.dtype.type(slope)), g) if gx is None else gx


def elu(x: np.ndarray, alpha: float = 1.0, scale: float = 1.0, rate: float = 1.0) -> np.ndarray:
    """``scale * (x if x > 0 else alpha * (exp(rate * x) - 1))``: ELU, SELU (scale), CELU (rate ``1 / alpha``)."""
    y = _pass("elu", False, (x,), alpha * scale, scale, rate)
    if y is not None:
        return y
    w = _wide(x)
    return _narrow(np.where(w > 0, scale * w, alpha * scale * np.expm1(np.minimum(rate * w, 0))), x)


def elu_backward(g: np.ndarray, x: np.ndarray, alpha: float = 1.0, scale: float = 1.0, rate: float = 1.0) -> np.ndarray:
    """``g * scale * (1 if x > 0 else alpha * rate * exp(rate * x))``."""
    _same("elu_backward", g, x)
    gx = _pass("elu_backward", False, (g, x), alpha * scale * rate, scale, rate)
    if gx is not None:
        return gx
    w = _wide(x)
    return _narrow(_wide(g) * np.where(w > 0, scale, alpha * scale * rate * np.exp(np.minimum(rate * w, 0))), g)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """``1 / (1 + exp(-x))``."""
    y = _pass("sigmoid", False, (x,))
    return _narrow(_sigmoid(_wide(x)), x) if y is None else y


def _sigmoid(x: np.ndarray) -> np.ndarray:
    y = np.negative(x)
    with np.errstate(over="ignore"):  # exp may be infinite: its reciprocal is the 0 wanted
        y = np.exp(y, out=y if y.ndim else None)
    y += 1
    return np.reciprocal(y, out=y if y.ndim else None)


def sigmoid_backward(g: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``g * y * (1 - y)``."""
    _same("sigmoid_backward", g, y)
    gx = _pass("sigmoid_backward", True, (g, y))
    return _narrow(g * y * (1 - y), g) if gx is None else gx


def tanh(x: np.ndarray) -> np.ndarray:
    """Hyperbolic tangent."""
    y = _pass("tanh", False, (x,))
    return _narrow(np.tanh(x), x) if y is None else y


def tanh_backward(g: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``g * (1 - y**2)``."""
    _same("tanh_backward", g, y)
    gx = _pass("tanh_backward", True, (g, y))
    return _narrow(g * (1 - y * y), g) if gx is None else gx


def silu(x: np.ndarray) -> np.ndarray:
    """``x * sigmoid(x)`` (swish)."""
    y = _pass("silu", False, (x,))
    if y is not None:
        return y
    w = _wide(x)
    with np.errstate(invalid="ignore"):  # -inf * 0: NaN, as in PyTorch
        return _narrow(w * _sigmoid(w), x)


def silu_backward(g: np.ndarray, x: np.ndarray) -> np.ndarray:
    """``g * s * (1 + x * (1 - s))`` with ``s = sigmoid(x)``."""
    _same("silu_backward", g, x)
    gx = _pass("silu_backward", False, (g, x))
    if gx is not None:
        return gx
    w = _wide(x)
    with np.errstate(invalid="ignore"):
        s = _sigmoid(w)
        return _narrow(_wide(g) * (s * (1 + w * (1 - s))), g)


def erf(x: np.ndarray) -> np.ndarray:
    """The error function, in the dtype of `x` (at least float32)."""
    if x.size > 2000:
        from scipy.special import erf as vectorised

        return vectorised(x)
    return np.asarray(_scalar_erf(x)).astype(x.dtype)  # a small array does not wait for SciPy to be imported


_scalar_erf = np.frompyfunc(math.erf, 1, 1)


def gelu(x: np.ndarray, approximate: str = "none") -> np.ndarray:
    """``x * Phi(x)``, Phi the normal distribution function, or its tanh approximation."""
    exact = _exact("gelu", approximate)
    y = _pass("gelu" if exact else "gelu_tanh", False, (x,))
    if y is not None:
        return y
    w = _wide(x)
    with np.errstate(invalid="ignore"):
        if exact:
            return _narrow(0.5 * w * (1 + erf(w * w.dtype.type(SQRT_HALF))), x)
        return _narrow(0.5 * w * (1 + np.tanh(SQRT_2_OVER_PI * (w + CUBIC * w * w * w))), x)


def gelu_backward(g: np.ndarray, x: np.ndarray, approximate: str = "none") -> np.ndarray:
    """``g * (Phi(x) + x * phi(x))``, or the derivative of the approximation."""
    _same("gelu_backward", g, x)
    exact = _exact("gelu_backward", approximate)
    gx = _pass("gelu_backward" if exact else "gelu_tanh_backward", False, (g, x))
    if gx is not None:
        return gx
    w = _wide(x)
    with np.errstate(invalid="ignore", over="ignore"):
        if exact:
            slope = 0.5 * (1 + erf(w * w.dtype.type(SQRT_HALF))) + w * (PDF * np.exp(-0.5 * w * w))
        else:
            t = np.tanh(SQRT_2_OVER_PI * (w + CUBIC * w * w * w))
            slope = 0.5 * (1 + t) + 0.5 * w * (1 - t * t) * (SQRT_2_OVER_PI * (1 + 3 * CUBIC * w * w))
        return _narrow(_wide(g) * slope, g)


def _exact(function: str, approximate: str) -> bool:
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"{function}: approximate argument must be either none or tanh, got {approximate!r}")
    return approximate == "none"


def softplus(x: np.ndarray, beta: float = 1.0, threshold: float = 20.0) -> np.ndarray:
    """``log(1 + exp(beta * x)) / beta``, and `x` itself where ``beta * x > threshold``."""
    y = _pass("softplus", False, (x,), beta, threshold)
    if y is not None:
        return y
    w = _wide(x)
    z = w * beta
    return _narrow(np.where(z > threshold, w, (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))) / beta), x)


def softplus_backward(g: np.ndarray, x: np.ndarray, beta: float = 1.0, threshold: float = 20.0) -> np.ndarray:
    """``g * sigmoid(beta * x)``, and `g` itself where ``beta * x > threshold``."""
    _same("softplus_backward", g, x)
    gx = _pass("softplus_backward", False, (g, x), beta, threshold)
    if gx is not None:
        return gx
    z = _wide(x) * beta
    return _narrow(_wide(g) * np.where(z > threshold, 1, _sigmoid(z)), g)


# ------------------------------------------------------------------------------------------------ with a bias


def _biased(function: str, x: np.ndarray, bias: np.ndarray) -> Any:
    if x.ndim < 1 or bias.shape != x.shape[-1:]:
        raise RuntimeError(
            f"{function}: expected a bias of shape {x.shape[-1:]} for an array of shape {x.shape}, got {bias.shape}"
        )
    if x.size < THRESHOLDS["elementwise.numba"] or x.dtype != FLOAT32 or bias.dtype != FLOAT32 or not x.flags.carray:
        return None
    return runtime.native("activation")


def bias_add(x: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Add `bias` to every row of `x`, in place."""
    x += bias
    return x


def bias_relu(x: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """``relu(x + bias)``, in place: what follows a matrix product that nobody else holds."""
    jit = _biased("bias_relu", x, bias)
    if jit is None:
        x += bias
        return np.maximum(x, x.dtype.type(0), out=x)
    rows = x.reshape(-1, len(bias))
    runtime.parallel(
        jit.bias_relu,
        len(rows),
        rows,
        np.ascontiguousarray(bias),
        grain=max(1, THRESHOLDS["parallel.elements"] // len(bias)),
    )
    return x


def bias_relu_backward(g: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of the rows and of the bias of `bias_relu`, from its output."""
    _same("bias_relu_backward", g, y)
    compiled = THRESHOLDS["elementwise.numba"] <= y.size > 0 and g.dtype == FLOAT32 and y.dtype == FLOAT32
    jit = runtime.native("activation") if compiled else None
    if jit is None:
        gx = relu_backward(g, y)
        return gx, gx.sum(tuple(range(y.ndim - 1)))
    n = y.shape[-1]
    gx, partial = np.empty(y.shape, FLOAT32), np.zeros((PIECES, n), FLOAT32)
    runtime.parallel(
        jit.bias_relu_backward,
        PIECES,
        np.ascontiguousarray(g).reshape(-1, n),
        np.ascontiguousarray(y).reshape(-1, n),
        gx.reshape(-1, n),
        partial,
        grain=max(1, PIECES * THRESHOLDS["parallel.elements"] // y.size),
    )
    return gx, partial.sum(0)


def warm() -> list[tuple[str, Any]]:
    """What ``python -m autograd_core.kernels warm`` compiles."""
    x, b = np.zeros((64, 1024), np.float32), np.zeros(1024, np.float32)
    one = (relu, leaky_relu, elu, sigmoid, tanh, silu, gelu, softplus)
    two = (
        relu_backward,
        leaky_relu_backward,
        elu_backward,
        sigmoid_backward,
        tanh_backward,
        silu_backward,
        gelu_backward,
        softplus_backward,
    )
    return (
        [(f.__name__, lambda f=f: f(x)) for f in one]
        + [(f.__name__, lambda f=f: f(x, x)) for f in two]
        + [
            ("gelu tanh", lambda: gelu(x, "tanh")),
            ("gelu_backward tanh", lambda: gelu_backward(x, x, "tanh")),
            ("bias_relu", lambda: bias_relu(x, b)),
            ("bias_relu_backward", lambda: bias_relu_backward(x, x)),
        ]
    )
