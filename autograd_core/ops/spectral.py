"""The short-time Fourier transform, its inverse, and window functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes
from ..op import defop, method, sym
from ..tensor import Tensor, wrap

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "istft", "kaiser_window", "stft"]

# ------------------------------------------------------------------------------------------------- frames


def _frames(x: Any, size: int, hop: int) -> Any:
    """Stretches of ``size`` of the last dimension, ``hop`` apart."""
    return np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(x, size, -1)[..., ::hop, :])


def _overlap_add(x: Any, hop: int, length: int) -> Any:
    """The sum of frames laid ``hop`` apart.  Frames are cut into pieces of one hop, so that each addition is one
    slice."""
    *lead, count, size = x.shape
    pieces = -(-size // hop)
    padded = np.zeros((*lead, count, pieces * hop), x.dtype)
    padded[..., :size] = x
    padded = padded.reshape(*lead, count, pieces, hop)
    total = np.zeros((*lead, count + pieces - 1, hop), x.dtype)
    for k in range(pieces):
        total[..., k : k + count, :] += padded[..., k, :]
    flat = total.reshape(*lead, -1)
    out = np.zeros((*lead, length), x.dtype)
    n = min(length, flat.shape[-1])
    out[..., :n] = flat[..., :n]
    return out


defop(
    _frames,
    params="size hop",
    name="frames",
    formula="y[..., i, j] = x[..., i hop + j]",
    x=lambda g, x_shape, size, hop, F: F.overlap_add(g, hop, x_shape[-1]),
)
defop(
    _overlap_add,
    params="hop length",
    name="overlap_add",
    formula="y[..., i hop + j] += x[..., i, j]",
    x=lambda g, x_shape, hop, F: F.frames(g, x_shape[-1], hop),
)


def _padded_ends(x: Tensor, width: int, mode: str) -> Tensor:
    """The last dimension longer by ``width`` at both ends."""
    n = x.array.shape[-1]
    last = x.array.ndim - 1
    if mode == "constant":
        return sym.pad_constant(x, (*((0, 0),) * last, (width, width)), 0)  # type: ignore[no-any-return]
    if mode == "reflect":
        if width >= n:
            raise RuntimeError(
                f"stft: reflect padding of {width} = n_fft // 2 needs a signal longer than that, got length {n}."
            )
        head = sym.flip(sym.getitem(x, (Ellipsis, slice(1, width + 1))), (last,))
        tail = sym.flip(sym.getitem(x, (Ellipsis, slice(n - width - 1, n - 1))), (last,))
    elif mode == "replicate":
        shape = (*x.array.shape[:-1], width)
        head = sym.broadcast_to(sym.getitem(x, (Ellipsis, slice(0, 1))), shape)
        tail = sym.broadcast_to(sym.getitem(x, (Ellipsis, slice(n - 1, n))), shape)
    elif mode == "circular":
        head, tail = sym.getitem(x, (Ellipsis, slice(n - width, n))), sym.getitem(x, (Ellipsis, slice(0, width)))
    else:
        raise RuntimeError(f"stft: pad_mode must be 'reflect', 'constant', 'replicate' or 'circular', got {mode!r}.")
    return sym.cat([head, x, tail], last)  # type: ignore[no-any-return]


def _window(name: str, window: Tensor | None, win_length: int, n_fft: int, dtype: Any) -> Tensor:
    """The window (ones unless given) in the middle of n_fft points."""
    if window is None:
        window = wrap(np.ones(win_length, dtype))
    elif window.array.ndim != 1 or window.array.shape[0] != win_length:
        raise RuntimeError(
            f"{name}: expected a 1-d window of length win_length={win_length}, got shape {window.array.shape}."
        )
    if win_length == n_fft:
        return window
    left = (n_fft - win_length) // 2
    return sym.pad_constant(window, ((left, n_fft - win_length - left),), 0)  # type: ignore[no-any-return]


def _lengths(name: str, n_fft: int, hop_length: int | None, win_length: int | None) -> tuple[int, int]:
    hop = n_fft // 4 if hop_length is None else hop_length
    win = n_fft if win_length is None else win_length
    if hop <= 0:
        raise RuntimeError(f"{name}: expected hop_length > 0, got {hop}.")
    if not 0 < win <= n_fft:
        raise RuntimeError(f"{name}: expected 0 < win_length <= n_fft, got win_length={win}, n_fft={n_fft}.")
    return hop, win


@method()
def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """The short-time Fourier transform: transforms of windowed frames ``hop_length`` apart.

    Parameters
    ----------
    input : Tensor, shape (time,) or (batch, time)
    n_fft : int
        Length of a frame's transform.
    hop_length : int
        Distance of frames, n_fft // 4 unless given.
    win_length : int
        Length of the window, n_fft unless given; a shorter one is padded to it.
    window : Tensor, shape (win_length,)
        Ones unless given.
    center : bool
        Frames are centred at their time: the signal is padded by n_fft // 2 at both ends, in ``pad_mode``.
    normalized : bool
        Times 1 / sqrt(n_fft).
    onesided : bool
        Only frequencies 0 to n_fft // 2 (default for a real signal).
    return_complex : bool
        False gives a real tensor with a last dimension of 2; must be given for a real signal with a real window.

    Returns
    -------
    Tensor, shape ([batch,] frequencies, frames)
    """
    x = input
    if x.array.dtype.kind not in "fc" or x.array.ndim not in (1, 2):
        raise RuntimeError(
            f"stft: expected a 1-d or 2-d tensor of floating point or complex type, got {x.dtype.name} of shape "
            f"{x.array.shape}."
        )
    hop, win = _lengths("stft", n_fft, hop_length, win_length)
    if center and align_to_window is not None:
        raise RuntimeError("stft: align_to_window should only be set when center = false.")
    is_complex = x.array.dtype.kind == "c" or (window is not None and window.array.dtype.kind == "c")
    if return_complex is None:
        if not is_complex:
            raise RuntimeError(
                "stft: requires the return_complex parameter be given for real inputs; pass return_complex=True."
            )
        return_complex = True
    if onesided is None:
        onesided = not is_complex
    if onesided and is_complex:
        raise RuntimeError("stft: cannot have onesided output if window or input is complex; pass onesided=False.")
    flat = x.array.ndim == 1
    if flat:
        x = sym.reshape(x, (1, x.array.shape[0]))
    if center:
        x = _padded_ends(x, n_fft // 2, pad_mode)
    elif align_to_window:
        left = (n_fft - win) // 2
        x = sym.pad_constant(x, ((0, 0), (left, left)), 0)
    if not 0 < n_fft <= x.array.shape[-1]:
        raise RuntimeError(f"stft: expected 0 < n_fft <= {x.array.shape[-1]} (the padded length), got n_fft={n_fft}.")
    real = x.array.real.dtype
    framed = sym.frames(x, n_fft, hop)
    if window is not None or win != n_fft:
        framed = sym.mul(framed, _window("stft", window, win, n_fft, real))
    scale = "root" if normalized else "one"
    if onesided:
        y = sym.fft_r2c(framed, (2,), scale)
    else:
        y = sym.fft_c2c(framed, (2,), True, scale)
    y = sym.transpose(y, 1, 2)
    if flat:
        y = sym.reshape(y, y.array.shape[1:])
    return y if return_complex else sym.view_as_real(y)


@method()
def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The inverse of :func:`stft`: overlapping frames added and divided by the sum of the squared windows.

    Source: D. W. Griffin and J. S. Lim, "Signal estimation from modified short-time Fourier transform" (1984).

    Raises
    ------
    RuntimeError
        If the squared windows sum to 0 somewhere, so that the signal is not determined there.
    """
    name = "istft"
    x = input
    if x.array.dtype.kind != "c" or x.array.ndim not in (2, 3):
        raise RuntimeError(
            f"{name}: requires a complex tensor of shape (frequencies, frames) or (batch, frequencies, frames), got "
            f"{x.dtype.name} of shape {x.array.shape}; see view_as_complex()."
        )
    hop, win = _lengths(name, n_fft, hop_length, win_length)
    if onesided is None:
        onesided = x.array.shape[-2] != n_fft
    bins = n_fft // 2 + 1 if onesided else n_fft
    if x.array.shape[-2] != bins:
        raise RuntimeError(
            f"{name}: expected {bins} frequencies for n_fft={n_fft} (onesided={onesided}), got {x.array.shape[-2]}."
        )
    if return_complex and onesided:
        raise RuntimeError(f"{name}: cannot have onesided input with return_complex=True; pass onesided=False.")
    flat = x.array.ndim == 2
    if flat:
        x = sym.reshape(x, (1, *x.array.shape))
    x = sym.transpose(x, 1, 2)
    real = x.array.real.dtype
    w = _window(name, window, win, n_fft, real)
    scale = "root" if normalized else "all"
    if return_complex:
        framed = sym.fft_c2c(x, (2,), False, scale)
    else:
        if not onesided:
            x = sym.getitem(x, (Ellipsis, slice(0, n_fft // 2 + 1)))
        framed = sym.fft_c2r(x, (2,), n_fft, scale)
    count = framed.array.shape[1]
    full = n_fft + hop * (count - 1)
    y = sym.overlap_add(sym.mul(framed, w), hop, full)
    envelope = sym.overlap_add(sym.broadcast_to(sym.mul(w, w), (1, count, n_fft)), hop, full)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else full - n_fft // 2 if center else full
    stop = min(end, full)
    y, envelope = (sym.getitem(v, (Ellipsis, slice(start, stop))) for v in (y, envelope))
    least = np.abs(envelope.array).min(initial=math.inf)
    if least < 1e-11:
        raise RuntimeError(
            f"{name}: window overlap add min: {least}; the squared windows must not sum to 0 anywhere. Use a smaller "
            "hop_length."
        )
    y = sym.div(y, envelope)
    if end > full:
        y = sym.pad_constant(y, ((0, 0), (0, end - full)), 0)
    return sym.reshape(y, y.array.shape[1:]) if flat else y


# ------------------------------------------------------------------------------------------------- windows


def _made(name: str, n: int, periodic: bool, dtype: Any, requires_grad: bool, f: Any) -> Tensor:
    """``f`` at 0 ... 1 in n points; a periodic window is the symmetric one of n + 1 points without the last."""
    target = dtypes.default.numpy if dtype is None else dtypes.to_numpy(dtype, name)
    if target.kind != "f":
        raise RuntimeError(f"{name}: expects floating point dtypes, got {target}.")
    if n < 0:
        raise RuntimeError(f"{name}: requires non-negative window_length, got {n}.")
    if n <= 1:
        y = np.ones(n, target)
    else:
        y = f(np.arange(n) / (n if periodic else n - 1)).astype(target)
    out = wrap(y)
    return out.requires_grad_() if requires_grad else out


def hann_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """``sin(pi n / N)^2``."""
    return _made(
        "hann_window", window_length, periodic, dtype, requires_grad, lambda u: 0.5 - 0.5 * np.cos(2 * np.pi * u)
    )


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """``alpha - beta cos(2 pi n / N)``."""
    return _made(
        "hamming_window", window_length, periodic, dtype, requires_grad, lambda u: alpha - beta * np.cos(2 * np.pi * u)
    )


def blackman_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """``0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N)``."""
    return _made(
        "blackman_window", window_length, periodic, dtype, requires_grad,
        lambda u: 0.42 - 0.5 * np.cos(2 * np.pi * u) + 0.08 * np.cos(4 * np.pi * u),
    )  # fmt: skip


def bartlett_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """``1 - |2 n / N - 1|``."""
    return _made("bartlett_window", window_length, periodic, dtype, requires_grad, lambda u: 1 - np.abs(2 * u - 1))


def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """``I0(beta sqrt(1 - (2 n / N - 1)^2)) / I0(beta)``."""
    return _made(
        "kaiser_window", window_length, periodic, dtype, requires_grad,
        lambda u: np.i0(beta * np.sqrt(np.maximum(1 - (2 * u - 1) ** 2, 0))) / np.i0(beta),
    )  # fmt: skip
