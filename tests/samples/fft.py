"""Samples of the Fourier transforms, short-time transforms and windows."""

from __future__ import annotations

from typing import Any

from tests.op_samples import Dtype, S, t

C = "complex128"
ANY = (dict(), dict(dtype=C))
SAMPLES: list[Any] = []
NO_MKL: Any = dict(parity=False)  # PyTorch's MKL refuses tensors without elements

for _n in ("fft", "ifft", "irfft", "hfft"):
    for k in ANY:
        SAMPLES += [
            S(f"fft.{_n}", t(5, **k)), S(f"fft.{_n}", t(2, 4, **k)), S(f"fft.{_n}", t(2, 3, 4, **k), dim=1), S(f"fft.{_n}", t(2, 5, **k), 3), S(f"fft.{_n}", t(2, 5, **k), n=8),
            S(f"fft.{_n}", t(2, 5, **k), n=7, dim=0), S(f"fft.{_n}", t(0, 4, **k), **NO_MKL), S(f"fft.{_n}", t(2, 4, **k), n=1),
            *(S(f"fft.{_n}", t(5, **k), norm=norm) for norm in ("backward", "ortho", "forward")),
        ]  # fmt: skip
for _n in ("rfft", "ihfft"):
    SAMPLES += [
        S(f"fft.{_n}", t(5)), S(f"fft.{_n}", t(2, 4)), S(f"fft.{_n}", t(2, 3, 4), dim=1), S(f"fft.{_n}", t(2, 5), 3), S(f"fft.{_n}", t(2, 5), n=8), S(f"fft.{_n}", t(2, 1)),
        S(f"fft.{_n}", t(2, 5), n=7, dim=0), S(f"fft.{_n}", t(0, 4), **NO_MKL), *(S(f"fft.{_n}", t(5), norm=norm) for norm in ("backward", "ortho", "forward")),
        S(f"fft.{_n}", t(4, dtype="int64", lo=-3, hi=3), check="value", tolerance=10),  # float32
    ]  # fmt: skip
for _n in ("fft2", "ifft2", "fftn", "ifftn", "irfft2", "irfftn", "hfft2", "hfftn"):
    for k in ANY:
        SAMPLES += [
            S(f"fft.{_n}", t(3, 4, **k)), S(f"fft.{_n}", t(2, 3, 5, **k), dim=(0, 2)), S(f"fft.{_n}", t(3, 4, **k), (2, 6)), S(f"fft.{_n}", t(3, 4, **k), s=(4, 5), dim=(1, 0)),
            *(S(f"fft.{_n}", t(3, 4, **k), norm=norm) for norm in ("backward", "ortho", "forward")), S(f"fft.{_n}", t(0, 3, 4, **k), dim=(1, 2), **NO_MKL),
        ]  # fmt: skip
        if _n.endswith("n"):
            SAMPLES += [
                S(f"fft.{_n}", t(2, 3, 4, **k)),
                S(f"fft.{_n}", t(2, 3, 4, **k), s=(3,)),
                S(f"fft.{_n}", t(2, 3, 4, **k), dim=(1,)),
            ]
for _n in ("rfft2", "rfftn", "ihfft2", "ihfftn"):
    SAMPLES += [
        S(f"fft.{_n}", t(3, 4)), S(f"fft.{_n}", t(2, 3, 5), dim=(0, 2)), S(f"fft.{_n}", t(3, 4), (2, 6)), S(f"fft.{_n}", t(3, 4), s=(4, 5), dim=(1, 0)),
        *(S(f"fft.{_n}", t(3, 4), norm=norm) for norm in ("backward", "ortho", "forward")), S(f"fft.{_n}", t(0, 3, 4), dim=(1, 2), **NO_MKL),
    ]  # fmt: skip
    if _n.endswith("n"):
        SAMPLES += [
            S(f"fft.{_n}", t(2, 3, 4)),
            S(f"fft.{_n}", t(2, 3, 4), s=(3,)),
            S(f"fft.{_n}", t(2, 3, 4), dim=(1,)),
        ]
for k in ANY:
    SAMPLES += [
        S("fft.fftshift", t(5, **k)), S("fft.fftshift", t(4, 3, **k)), S("fft.fftshift", t(4, 3, **k), dim=1), S("fft.ifftshift", t(5, **k)), S("fft.ifftshift", t(4, 3, **k), (0, 1)),
        S("fft.ifftshift", t(4, 3, **k), dim=0),
        S("stft", t(20, **k), 8, return_complex=True), S("stft", t(2, 20, **k), 8, 3, 6, return_complex=True), S("stft", t(20, **k), n_fft=7, hop_length=2, center=False, return_complex=True),
        S("stft", t(2, 20, **k), 8, window=t(8), pad_mode="constant", normalized=True, return_complex=True), S("stft", t(20, **k), 8, win_length=5, window=t(5), return_complex=False),
        S("stft", t(20, **k), 8, onesided=False, pad_mode="replicate", return_complex=True), S("Tensor.stft", t(20, **k), 8, pad_mode="circular", onesided=False, return_complex=True),
    ]  # fmt: skip
_WINDOW = dict(lo=0.5, hi=1.5)
SAMPLES += [
    S("stft", t(20, dtype=C), 8), S("stft", t(20), 8, window=t(8, dtype=C), onesided=False),
    S("istft", t(5, 6, dtype=C), 8), S("istft", t(2, 5, 6, dtype=C), 8, 2, window=t(8, **_WINDOW)), S("istft", t(5, 6, dtype=C), 8, hop_length=3, win_length=6, window=t(6, **_WINDOW)),
    S("istft", t(5, 6, dtype=C), 8, center=False, normalized=True), S("istft", t(5, 6, dtype=C), 8, length=9), S("istft", t(8, 6, dtype=C), 8, onesided=False, return_complex=True),
    S("istft", t(8, 6, dtype=C), 8, onesided=False), S("Tensor.istft", t(4, 6, dtype=C), 7, 2, onesided=True, center=False),
    S(lambda T, x: T.istft(T.stft(x, 8, window=T.hann_window(8, dtype=x.dtype), return_complex=True), 8, window=T.hann_window(8, dtype=x.dtype), length=20), t(2, 20), label="istft of stft"),
]  # fmt: skip
F32, F64 = Dtype("float32"), Dtype("float64")
for _n in ("hann_window", "hamming_window", "blackman_window", "bartlett_window", "kaiser_window"):
    SAMPLES += [S(_n, m, p, dtype=F64, check="value") for m in (0, 1, 2, 7, 8) for p in (True, False)] + [
        S(_n, 6, check="value", tolerance=50)
    ]  # float32
SAMPLES += [
    S("hamming_window", 7, True, 0.6, 0.3, dtype=F64, check="value"), S("hamming_window", 7, periodic=False, alpha=0.5, beta=0.5, dtype=F64, check="value"),
    S("kaiser_window", 7, True, 5.0, dtype=F64, check="value"), S("kaiser_window", 7, periodic=False, beta=3.0, dtype=F64, check="value"),
    *(S(_n, m, check="value", tolerance=10) for _n in ("fft.fftfreq", "fft.rfftfreq") for m in (1, 4, 5)),  # float32
    *(S(_n, 5, d=0.25, dtype=F64, check="value") for _n in ("fft.fftfreq", "fft.rfftfreq")), *(S(_n, 4, 2.0, dtype=F64, check="value") for _n in ("fft.fftfreq", "fft.rfftfreq")),
]  # fmt: skip
