"""Discrete Fourier transforms.

Three ops carry the whole family: ``fft_c2c`` (complex to complex), ``fft_r2c`` (real to the half spectrum) and
``fft_c2r`` (half spectrum to real).  A transform is a symmetric matrix, so the rule of c2c is c2c itself; those of the
other two are each other, with weights for the half that is not stored: every coefficient but the first (and, for even
n, the last) stands for two.  They come from SciPy's pocketfft, which computes float32 in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dtypes
from ..errors import wrong_type
from ..op import defop, helper, sym
from ..tensor import Tensor, wrap
from .dims import many_dims, one_dim

# ------------------------------------------------------------------------------------------------- declarations

# SciPy's word for a factor of 1, 1/sqrt(n) or 1/n in front of the sum, for either sign of the exponent.
_NORM = {
    (True, "one"): "backward", (True, "root"): "ortho", (True, "all"): "forward",
    (False, "one"): "forward", (False, "root"): "ortho", (False, "all"): "backward",
}  # fmt: skip


def scipy_fft() -> Any:
    """``scipy.fft``, imported when first needed."""
    import scipy.fft

    return scipy.fft


def _c2c(x: Any, axes: tuple[int, ...], direct: bool, scale: str) -> Any:
    if x.size == 0:
        return np.zeros(x.shape, np.result_type(x.dtype, np.complex64))
    f = scipy_fft().fftn if direct else scipy_fft().ifftn
    return f(x, axes=axes, norm=_NORM[direct, scale])


def _r2c(x: Any, axes: tuple[int, ...], scale: str) -> Any:
    if x.size == 0:
        shape = list(x.shape)
        shape[axes[-1]] = shape[axes[-1]] // 2 + 1
        return np.zeros(shape, np.result_type(x.dtype, np.complex64))
    return scipy_fft().rfftn(x, axes=axes, norm=_NORM[True, scale])


def _c2r(x: Any, axes: tuple[int, ...], length: int, scale: str) -> Any:
    sizes = [x.shape[a] for a in axes[:-1]] + [length]
    if x.size == 0:
        shape = list(x.shape)
        shape[axes[-1]] = length
        return np.zeros(shape, x.real.dtype)
    return scipy_fft().irfftn(x, s=sizes, axes=axes, norm=_NORM[False, scale])


def _twice(shape: Sequence[int], axis: int, n: int, value: float, dtype: Any) -> Any:
    """Weights along ``axis``: ``value`` for the coefficients that stand for two, 1 for the others."""
    k = n // 2 + 1
    w = np.full(k, value, np.empty(0, dtype).real.dtype)
    w[0] = 1
    if n % 2 == 0 and k > 1:
        w[-1] = 1
    return w.reshape((k,) + (1,) * (len(shape) - 1 - axis))


helper(
    lambda F, x, axis, n, value: x * _twice(x.shape, axis, n, value, (x.array if isinstance(x, Tensor) else x).dtype),
    "weigh_half",
)

defop(
    _c2c,
    params="axes direct scale",
    name="fft_c2c",
    formula="y_k = sum of x_j exp(-+ 2 pi i jk / n) over axes (times 1, 1 / sqrt n or 1 / n)",
    x=lambda g, axes, direct, scale, F: F.fft_c2c(g, axes, direct, scale),
)
defop(
    _r2c,
    params="axes scale",
    name="fft_r2c",
    formula="the first half, along the last of axes, of the transform of a real x",
    holomorphic=False,
    x=lambda g, x_shape, axes, scale, F: F.fft_c2r(
        F.weigh_half(g, axes[-1], x_shape[axes[-1]], 0.5), axes, x_shape[axes[-1]], scale
    ),
)
defop(
    _c2r,
    params="axes length scale",
    name="fft_c2r",
    formula="the real signal of that length whose spectrum's first half is x",
    holomorphic=False,
    x=lambda g, axes, length, scale, F: F.weigh_half(F.fft_r2c(g, axes, scale), axes[-1], length, 2.0),
)

# ------------------------------------------------------------------------------------------------- arguments

_SCALES = {
    True: {None: "one", "backward": "one", "ortho": "root", "forward": "all"},
    False: {None: "all", "backward": "all", "ortho": "root", "forward": "one"},
}


def _scale(name: str, norm: str | None, forward: bool) -> str:
    try:
        return _SCALES[forward][norm]
    except KeyError:
        raise RuntimeError(f"{name}: norm must be 'backward', 'ortho' or 'forward', got {norm!r}.") from None


def _input(name: str, x: Any, kind: str) -> Tensor:
    """``x`` in a type that can be transformed: ``kind`` is "complex" or "real" for what is asked for, "any" for
    either."""
    if not isinstance(x, Tensor):
        raise wrong_type(name, "input", "a Tensor", x)
    d = x.array.dtype
    if d.kind in "iub":
        x = sym.cast(x, dtypes.default.numpy)
    elif d == np.float16:
        raise RuntimeError(f"{name}: unsupported dtype float16; convert it with float().")
    if kind == "real" and d.kind == "c":
        raise RuntimeError(f"{name}: expects a real input tensor, got {d}; use fft() for complex ones.")
    if kind == "complex" and x.array.dtype.kind != "c":
        x = sym.cast(x, np.result_type(x.array.dtype, np.complex64))
    return x


def _resize(x: Tensor, axis: int, n: int, name: str) -> Tensor:
    """``x`` cut or padded with zeros at its end to length n along ``axis``."""
    if n < 1:
        raise RuntimeError(f"{name}: invalid number of data points ({n}) specified; it must be at least 1.")
    have = x.array.shape[axis]
    if n < have:
        return sym.getitem(x, (*(slice(None),) * axis, slice(0, n), Ellipsis))  # type: ignore[no-any-return]
    if n > have:
        widths = tuple((0, n - have) if d == axis else (0, 0) for d in range(x.array.ndim))
        return sym.pad_constant(x, widths, 0)  # type: ignore[no-any-return]
    return x


def _axis(name: str, x: Tensor, dim: int) -> int:
    if x.array.ndim == 0:
        raise IndexError(
            f"{name}: dimension {dim} is out of range for a 0-d tensor; give it a dimension with unsqueeze(0)."
        )
    return one_dim(name, dim, x.array.ndim)


def _sizes(name: str, x: Tensor, s: Any, dim: Any) -> tuple[tuple[int, ...], list[int | None]]:
    """The axes of an n-dimensional transform and the lengths asked for (None: as they are)."""
    ndim = x.array.ndim
    s = None if s is None else [s] if isinstance(s, int) else [int(k) for k in s]
    if dim is None:
        if s is None:
            axes = tuple(range(ndim))
        elif len(s) > ndim:
            raise RuntimeError(
                f"{name}: got shape with {len(s)} values but the input tensor only has {ndim} dimensions."
            )
        else:
            axes = tuple(range(ndim - len(s), ndim))
    else:
        axes = many_dims(name, dim if isinstance(dim, int) or len(dim) else None, ndim) if dim != () else ()
        if s is not None and len(s) != len(axes):
            raise RuntimeError(
                f"{name}: when given, dim and s must have the same length, got {len(axes)} and {len(s)}."
            )
    return axes, [None if s is None or s[i] == -1 else s[i] for i in range(len(axes))]


def _fit(name: str, x: Tensor, axes: tuple[int, ...], sizes: Sequence[int | None]) -> Tensor:
    for axis, n in zip(axes, sizes, strict=True):
        x = _resize(x, axis, x.array.shape[axis] if n is None else n, name)
    return x


# ------------------------------------------------------------------------------------------------- one dimension


def fft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The discrete Fourier transform along ``dim``: ``y_k = sum_j x_j exp(-2 pi i jk / n)``.

    Parameters
    ----------
    input : Tensor
        Real or complex.
    n : int, optional
        Length of the signal: cut or padded with zeros to it.
    dim : int
    norm : {"backward", "ortho", "forward"}
        No factor, ``1/sqrt(n)``, or ``1/n``; the inverse transform has the other part.

    Returns
    -------
    Tensor
        complex64 for float32, complex128 for float64.
    """
    return _one("fft.fft", input, n, dim, norm, True)


def ifft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of :func:`fft`: ``y_k = 1/n sum_j x_j exp(2 pi i jk / n)``."""
    return _one("fft.ifft", input, n, dim, norm, False)


def _one(name: str, input: Tensor, n: int | None, dim: int, norm: str | None, forward: bool) -> Tensor:
    x = _input(name, input, "any")
    d = _axis(name, x, dim)
    x = _resize(x, d, x.array.shape[d] if n is None else n, name)
    return sym.fft_c2c(x, (d,), forward, _scale(name, norm, forward))  # type: ignore[no-any-return]


def rfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The first n // 2 + 1 values of :func:`fft` of a real signal; the others are their conjugates."""
    x = _input("fft.rfft", input, "real")
    d = _axis("fft.rfft", x, dim)
    x = _resize(x, d, x.array.shape[d] if n is None else n, "fft.rfft")
    return sym.fft_r2c(x, (d,), _scale("fft.rfft", norm, True))  # type: ignore[no-any-return]


def irfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of :func:`rfft`: a real signal of length ``n``, 2 (m - 1) for m values unless given."""
    return _half("fft.irfft", input, n, dim, _scale("fft.irfft", norm, False), False)


def hfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The real :func:`fft` of a signal that is conjugate symmetric in time, given by its first half."""
    return _half("fft.hfft", input, n, dim, _scale("fft.hfft", norm, True), True)


def _half(name: str, input: Tensor, n: int | None, dim: int, scale: str, conjugate: bool) -> Tensor:
    x = _input(name, input, "complex")
    d = _axis(name, x, dim)
    n = 2 * (x.array.shape[d] - 1) if n is None else n
    if n < 1:
        raise RuntimeError(f"{name}: invalid number of data points ({n}) specified; it must be at least 1.")
    x = _resize(x, d, n // 2 + 1, name)
    return sym.fft_c2r(sym.conj(x) if conjugate else x, (d,), n, scale)  # type: ignore[no-any-return]


def ihfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of :func:`hfft`: the first half of the inverse transform of a real signal."""
    x = _input("fft.ihfft", input, "real")
    d = _axis("fft.ihfft", x, dim)
    x = _resize(x, d, x.array.shape[d] if n is None else n, "fft.ihfft")
    return sym.conj(sym.fft_r2c(x, (d,), _scale("fft.ihfft", norm, False)))  # type: ignore[no-any-return]


# ------------------------------------------------------------------------------------------------- several dimensions


def _several(name: str, input: Tensor, s: Any, dim: Any, norm: str | None, forward: bool) -> Tensor:
    x = _input(name, input, "any")
    axes, sizes = _sizes(name, x, s, dim)
    x = _fit(name, x, axes, sizes)
    if not axes:
        return x if x.array.dtype.kind == "c" else sym.cast(x, np.result_type(x.array.dtype, np.complex64))  # type: ignore[no-any-return]
    return sym.fft_c2c(x, axes, forward, _scale(name, norm, forward))  # type: ignore[no-any-return]


def _several_to_half(name: str, input: Tensor, s: Any, dim: Any, scale: str, conjugate: bool) -> Tensor:
    x = _input(name, input, "real")
    axes, sizes = _sizes(name, x, s, dim)
    if not axes:
        raise RuntimeError(f"{name}: must transform at least one axis.")
    y = sym.fft_r2c(_fit(name, x, axes, sizes), axes, scale)
    return sym.conj(y) if conjugate else y


def _several_from_half(name: str, input: Tensor, s: Any, dim: Any, scale: str, conjugate: bool) -> Tensor:
    x = _input(name, input, "complex")
    axes, sizes = _sizes(name, x, s, dim)
    if not axes:
        raise RuntimeError(f"{name}: must transform at least one axis.")
    last = sizes[-1]
    n = 2 * (x.array.shape[axes[-1]] - 1) if last is None else last
    if n < 1:
        raise RuntimeError(f"{name}: invalid number of data points ({n}) specified; it must be at least 1.")
    x = _fit(name, x, axes, [*sizes[:-1], n // 2 + 1])
    return sym.fft_c2r(sym.conj(x) if conjugate else x, axes, n, scale)  # type: ignore[no-any-return]


def fft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """:func:`fft` over two dimensions; ``s`` gives their lengths."""
    return _several("fft.fft2", input, s, dim, norm, True)


def ifft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """The inverse of :func:`fft2`."""
    return _several("fft.ifft2", input, s, dim, norm, False)


def fftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """:func:`fft` over several dimensions (all, or the last ``len(s)``, unless ``dim`` names them)."""
    return _several("fft.fftn", input, s, dim, norm, True)


def ifftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """The inverse of :func:`fftn`."""
    return _several("fft.ifftn", input, s, dim, norm, False)


def rfft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """:func:`rfft` over the last of two dimensions, :func:`fft` over the other."""
    return _several_to_half("fft.rfft2", input, s, dim, _scale("fft.rfft2", norm, True), False)


def irfft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """The inverse of :func:`rfft2`."""
    return _several_from_half("fft.irfft2", input, s, dim, _scale("fft.irfft2", norm, False), False)


def rfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """:func:`rfft` over the last of several dimensions, :func:`fft` over the others."""
    return _several_to_half("fft.rfftn", input, s, dim, _scale("fft.rfftn", norm, True), False)


def irfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """The inverse of :func:`rfftn`."""
    return _several_from_half("fft.irfftn", input, s, dim, _scale("fft.irfftn", norm, False), False)


def hfft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """:func:`hfft` over the last of two dimensions, :func:`fft` over the other."""
    return _several_from_half("fft.hfft2", input, s, dim, _scale("fft.hfft2", norm, True), True)


def ihfft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """The inverse of :func:`hfft2`."""
    return _several_to_half("fft.ihfft2", input, s, dim, _scale("fft.ihfft2", norm, False), True)


def hfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """:func:`hfft` over the last of several dimensions, :func:`fft` over the others."""
    return _several_from_half("fft.hfftn", input, s, dim, _scale("fft.hfftn", norm, True), True)


def ihfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """The inverse of :func:`hfftn`."""
    return _several_to_half("fft.ihfftn", input, s, dim, _scale("fft.ihfftn", norm, False), True)


# ------------------------------------------------------------------------------------------------- frequencies


def _frequencies(name: str, values: Any, n: int, d: float, dtype: Any, requires_grad: bool) -> Tensor:
    target = dtypes.default.numpy if dtype is None else dtypes.to_numpy(dtype, name)
    if target.kind not in "fc":
        raise RuntimeError(f"{name}: requires a floating point or complex dtype, got {target}.")
    y = wrap((values * (1.0 / (n * d))).astype(target) if n else values.astype(target))
    return y.requires_grad_() if requires_grad else y


def fftfreq(
    n: int, d: float = 1.0, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The frequencies of :func:`fft`'s values, in cycles per unit of the sample spacing ``d``: 0, 1/(nd), ... then
    negative."""
    k = np.arange(n, dtype=np.float64)
    return _frequencies("fft.fftfreq", np.where(k < (n + 1) // 2, k, k - n), n, d, dtype, requires_grad)


def rfftfreq(
    n: int, d: float = 1.0, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The frequencies of :func:`rfft`'s values."""
    return _frequencies("fft.rfftfreq", np.arange(n // 2 + 1, dtype=np.float64), n, d, dtype, requires_grad)


def _shift(name: str, input: Tensor, dim: Any, sign: int) -> Tensor:
    axes = many_dims(name, dim, input.array.ndim)
    sizes = [input.array.shape[a] for a in axes]
    shifts = tuple(n // 2 if sign > 0 else (n + 1) // 2 for n in sizes)
    return sym.roll(input, shifts, axes)  # type: ignore[no-any-return]


def fftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Frequency 0 moved to the middle, along ``dim`` (all unless given)."""
    return _shift("fft.fftshift", input, dim, 1)


def ifftshift(input: Tensor, dim: Any = None) -> Tensor:
    """The inverse of :func:`fftshift`."""
    return _shift("fft.ifftshift", input, dim, -1)
