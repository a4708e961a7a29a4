"""What the examples share: the command line, the shipped digits, shuffled batches, and where a picture goes."""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image  # comes with Matplotlib

import autograd_core as torch
import nn

Bounds = Mapping[str, tuple[float, float]]


def digits(count: int | None = None) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Training and held-out handwritten digits: images (N, 1, 8, 8) in [0, 1] and labels; at most ``count`` to train on."""
    train, test = nn.datasets.Digits(train=True), nn.datasets.Digits(train=False)
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(train.targets))[:count])
    images, labels = train.data[order].float().unsqueeze(1) / 16, train.targets[order]
    return images, labels, test.data.float().unsqueeze(1) / 16, test.targets


def batches(count: int, size: int, epochs: int = 1, seed: int = 0) -> Iterator[torch.Tensor]:
    """Indices of shuffled whole batches, ``epochs`` times through ``count`` samples."""
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        order = rng.permutation(count)
        for start in range(0, count - size + 1, size):
            yield torch.from_numpy(order[start : start + size])


def accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of rows whose largest entry stands at the label."""
    return (logits.argmax(1) == labels).float().mean().item()


def canvas(rows: int, columns: int, width: float = 9.0, height: float = 3.0) -> tuple[Figure, Any]:
    """A figure with a grid of axes (drawn without a screen)."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns)


def tiles(ax: Any, images: Any, columns: int, title: str = "", **how: Any) -> None:
    """Draw images (N, H, W) as one contact sheet."""
    pixels = np.asarray(images.detach().numpy() if isinstance(images, torch.Tensor) else images)
    pixels = pixels.reshape(-1, *pixels.shape[-2:])
    rows = -(-len(pixels) // columns)
    height, width = pixels.shape[1:]
    sheet = np.full((rows * (height + 1), columns * (width + 1)), np.nan)
    for i, image in enumerate(pixels):
        top, left = i // columns * (height + 1), i % columns * (width + 1)
        sheet[top : top + height, left : left + width] = image
    ax.imshow(sheet, **{"cmap": "gray_r"} | how)
    ax.set_axis_off()
    ax.set_title(title)


def save(figure: Figure, out: str | Path) -> None:
    """Write the picture of a program into its folder, with few colours, so that it stays small."""
    Path(out).mkdir(parents=True, exist_ok=True)
    figure.savefig(pixels := io.BytesIO(), dpi=72)
    Image.open(pixels).convert("RGB").quantize(96).save(Path(out) / "picture.png", optimize=True)


def misses(figures: Mapping[str, float], bounds: Bounds) -> list[str]:
    """The stated results that were not reached, as sentences."""
    return [
        f"{name} is {figures[name]:.6g}, stated: {low:.6g} to {high:.6g}"
        for name, (low, high) in bounds.items()
        if not low <= figures[name] <= high
    ]


def run(main: Callable[..., dict[str, float]], doc: str, name: str, bounds: Bounds, small: Bounds | None = None) -> None:
    """The command line of a program: run it, print its figures, and fail if it does not reach its stated result."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="the short form that the tests run")
    parser.add_argument("--out", default=f"runs/{name}", help="folder for the picture (default: %(default)s)")
    args = parser.parse_args()
    started = time.perf_counter()
    figures = main(small=args.small, out=args.out)
    figures = {key: float(value) for key, value in figures.items()}
    for key, value in figures.items():
        print(f"{key:40s} {value:.6g}")
    seconds = time.perf_counter() - started
    print(f"{seconds:.1f} s; picture in {args.out}/")
    (Path(args.out) / "figures.json").write_text(json.dumps({"seconds": seconds, **figures}, indent=1))
    if missed := misses(figures, (small if small and args.small else bounds)):
        sys.exit("result not reached: " + "; ".join(missed))
