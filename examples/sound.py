"""Shows: naming synthesised sounds by their spectrogram, the STFT being a layer that gradients pass through.
Source: Piczak, "Environmental sound classification with convolutional neural networks" (2015); Allen, Rabiner (1977).
Result: 95 % of noisy new sounds named; the mean spectrum, blind to time, 15 points less; inverse STFT exact to 1e-5.
"""

from __future__ import annotations

import numpy as np
from _common import accuracy, batches, canvas, run, save

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {"accuracy": (0.95, 1), "gain over the mean spectrum": (0.15, 1), "error of the inverse STFT": (0, 1e-5)}
KINDS = ("tone", "rising", "falling", "vibrato", "tremolo", "square wave", "bell", "hiss")
RATE, LENGTH = 8000, 4096  # half a second


def sound(kind: str, rng: np.random.Generator) -> np.ndarray:
    """One sound of random pitch, phase, loudness and start, in white noise (0 to 10 dB below it)."""
    t = np.arange(LENGTH) / RATE
    hertz = np.full(LENGTH, 300 * 4 ** rng.random())  # two octaves: 300 to 1200 Hz
    if kind in ("rising", "falling"):  # falling is rising, played backwards
        hertz *= 2 ** (rng.uniform(1.4, 3) * t)
    elif kind == "vibrato":
        hertz *= 1 + 0.12 * np.sin(2 * np.pi * rng.uniform(5, 9) * t)
    angle = 2 * np.pi * (np.cumsum(hertz) / RATE + rng.random())
    wave = np.sin(angle)
    if kind == "tremolo":  # swells and fades
        wave *= 0.5 + 0.5 * np.sin(2 * np.pi * (rng.uniform(5, 9) * t + rng.random()))
    elif kind == "square wave":  # odd overtones
        wave = np.asarray(sum(np.sin(k * angle) / k for k in (1, 3, 5)))
    elif kind == "bell":  # partials of a struck bar (1 : 2.756 : 5.404), each dying in its own time
        wave = np.asarray(sum(np.sin(r * angle) * np.exp(-(3 + 3 * r) * t) for r in (1, 2.756)))
    elif kind == "hiss":
        wave = rng.standard_normal(LENGTH) * np.exp(-(((t - 0.25) / rng.uniform(0.07, 0.28)) ** 2))
    if kind == "falling":
        wave = wave[::-1]
    wave = np.pad(wave, (int(rng.integers(LENGTH // 4)), 0))[:LENGTH]
    noise = rng.standard_normal(LENGTH) * wave.std() * 10 ** -rng.uniform(0, 0.5)
    return (wave + noise) * rng.uniform(0.1, 1)


def sounds(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Waves (count, LENGTH) and their kinds."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(len(KINDS), size=count)
    waves = np.stack([sound(KINDS[k], rng) for k in kinds]).astype(np.float32)
    return torch.from_numpy(waves), torch.from_numpy(kinds)


class Spectrogram(nn.Module):
    """log |STFT|^2 in bands that are equally wide to the ear (mel), brought to the same mean for every sound."""

    def __init__(self, bands: int = 40, size: int = 256) -> None:
        super().__init__()
        self.size, self.window = size, nn.Buffer(torch.hann_window(size))
        hertz = np.linspace(0, RATE / 2, size // 2 + 1)
        top = 2595 * np.log10(1 + RATE / 2 / 700)
        edges = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
        rise = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
        fall = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
        self.mel = nn.Buffer(torch.tensor(np.minimum(rise, fall).clip(0), dtype=torch.float32))

    def forward(self, wave: torch.Tensor) -> torch.Tensor:
        """(N, samples) to (N, bands, frames)."""
        spectrum = torch.stft(wave, self.size, self.size // 2, window=self.window, return_complex=True)
        x = (self.mel @ spectrum.abs().square() + 1e-6).log()
        return x - x.mean((1, 2), keepdim=True)


def net(kind: str, width: int) -> nn.Module:
    """Spectrograms (N, 40, 33) in, logits out."""
    if kind == "mean spectrum":
        tail = (nn.Linear(40, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, len(KINDS)))
        return nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Flatten(), *tail)
    layers: list[nn.Module] = [nn.Unflatten(1, (1, 40))]
    for i, o in ((1, width), (width, 2 * width), (2 * width, 2 * width)):
        layers += [nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(2 * width * 5 * 4, len(KINDS)))


def main(small: bool = False, out: str = "runs/sound") -> dict[str, float]:
    """Train on spectrograms and on their means over time; show the kinds, and where in a sound its name lies."""
    (waves, y), (fresh, truth) = sounds(640 if small else 4000, 0), sounds(400 if small else 1000, 1)
    spectrogram = Spectrogram()
    x, scores = spectrogram(waves), {}
    for kind in ("mean spectrum", "spectrogram"):
        torch.manual_seed(0)
        model, epochs = net(kind, 8 if small else 16), 8 if small else 15
        optimizer = nn.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=1e-2)
        schedule = nn.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=epochs * (len(x) // 32))
        for pick in batches(len(x), 32, epochs):
            optimizer.zero_grad()
            F.cross_entropy(model(x[pick]), y[pick]).backward()
            optimizer.step()
            schedule.step()
        scores[kind] = accuracy(model.eval()(spectrogram(fresh)), truth)

    spectra = torch.stft(fresh, 256, 128, window=spectrogram.window, return_complex=True)
    back = torch.istft(spectra, 256, 128, window=spectrogram.window, length=LENGTH)

    examples = torch.stack([fresh[truth == k][0] for k in range(8)]).requires_grad_()
    evidence = model(spectrogram(examples)).diagonal().sum()  # for each sound's own kind
    (slope,) = torch.autograd.grad(evidence, examples)  # through the STFT, down to the samples
    figure, axes = canvas(2, 5, 10, 3.6)
    pictures = [*spectrogram(examples).detach(), *spectrogram(slope)[[3, 4]]]
    titles = [*KINDS, "makes it a vibrato", "makes it a tremolo"]
    for ax, name, picture in zip([*axes[:, :4].flat, *axes[:, 4]], titles, pictures, strict=True):
        ax.imshow(picture.numpy(), origin="lower", aspect="auto", cmap="magma", extent=(0, 0.5, 0, 40), vmin=0)
        ax.set(title=name, xticks=(0, 0.5), yticks=(0, 40))
    axes[1, 0].set(ylabel="mel band", xlabel="seconds")
    save(figure, out)
    gain, error = scores["spectrogram"] - scores["mean spectrum"], (back - fresh).abs().max().item()
    return {"accuracy": scores["spectrogram"], "gain over the mean spectrum": gain, "error of the inverse STFT": error}


if __name__ == "__main__":
    run(main, __doc__, "sound", RESULT)
