"""Shows: transfer learning: a convolution net taught on warped images of 0 to 4, frozen, gets a new head for 5 to 9.
Source: Yosinski, Clune, Bengio and Lipson, "How transferable are features in deep neural networks?" (2014).
Result: with 5 images a class, the frozen net errs at most 0.8 times as often as one from scratch or of random layers.
"""

from __future__ import annotations

import numpy as np
from _common import accuracy, batches, canvas, digits, run, save, tiles

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {
    "error, frozen / from scratch": (0, 0.8), "error, frozen / random features": (0, 0.8),
    "accuracy on the old digits": (0.9, 1.0), "change of the frozen layers": (0, 0),
}  # fmt: skip
SMALL = RESULT | {"accuracy on the old digits": (0.75, 1.0)}
WAYS = {"from scratch": "C3", "random features": "C1", "frozen": "C0", "fine-tuned": "C2"}


def warp(images: torch.Tensor, copies: int, seed: int, size: int = 12) -> torch.Tensor:
    """Turned, scaled and shifted copies on a larger canvas: much to learn that has nothing to do with the class."""
    rng, count = np.random.default_rng(seed), copies * len(images)
    turn, scale, shift = rng.uniform(-0.3, 0.3, count), rng.uniform(1.2, 1.6, count), rng.uniform(-0.3, 0.3, (2, count))
    c, s = scale * np.cos(turn), scale * np.sin(turn)
    rows = np.stack([c, -s, shift[0], s, c, shift[1]], 1).reshape(count, 2, 3).astype(np.float32)
    grid = F.affine_grid(torch.from_numpy(rows), [count, 1, size, size], align_corners=False)
    return F.grid_sample(images.repeat(copies, 1, 1, 1), grid, align_corners=False)


def features() -> nn.Sequential:
    """Images (N, 1, 12, 12) to 432 numbers; group norm, which keeps no statistics that would have to be frozen too."""
    return nn.Sequential(
        nn.Conv2d(1, 24, 5, padding=2, stride=2), nn.GroupNorm(4, 24), nn.ReLU(),
        nn.Conv2d(24, 32, 3, padding=1), nn.GroupNorm(4, 32), nn.ReLU(),
        nn.Conv2d(32, 48, 3, padding=1, stride=2), nn.GroupNorm(4, 48), nn.ReLU(), nn.Flatten(),
    )  # fmt: skip


def fit(model: nn.Module, x: torch.Tensor, y: torch.Tensor, epochs: int, lr: float = 3e-3, size: int = 50) -> None:
    """AdamW over the parameters that ask for a gradient, with a falling rate."""
    optimizer = nn.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=lr, weight_decay=1e-2)
    picks = list(batches(len(x), min(size, len(x)), epochs))
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, len(picks))
    for pick in picks:
        optimizer.zero_grad()
        F.cross_entropy(model(x[pick]), y[pick]).backward()
        optimizer.step()
        schedule.step()


def start(way: str, taught: nn.Sequential) -> nn.Sequential:
    """What ``way`` trains: a new head on a body that is new or taught, frozen or not."""
    body = features()
    if way in ("frozen", "fine-tuned"):
        body.load_state_dict(taught.state_dict())
    if way in ("frozen", "random features"):
        body.requires_grad_(False)
    return nn.Sequential(body, nn.Linear(432, 5))


def main(small: bool = False, out: str = "runs/transfer_learning") -> dict[str, float]:
    """Teach 0 to 4 from many images, then 5 to 9 from a few, in four ways, over several draws."""
    torch.manual_seed(0)
    x, y, test_x, test_y = digits()
    copies = 4
    x, y, test_x, test_y = warp(x, copies, 0), y.repeat(copies), warp(test_x, 2, 1), test_y.repeat(2)
    old, new, kept = y < 5, test_y >= 5, test_y < 5
    # Mirrored and turned digits make three further classes each: more to tell apart, hence more general features.
    views = [x[old], x[old].flip(3), x[old].transpose(2, 3), x[old].rot90(1, (2, 3))]
    taught = features()
    first = nn.Sequential(taught, nn.Linear(432, 20))
    fit(first, torch.cat(views), torch.cat([y[old] + 5 * i for i in range(4)]), 3 if small else 8, size=100)
    with torch.no_grad():
        learnt = accuracy(first(test_x[kept]), test_y[kept])
    counts, draws = ([5], 2) if small else ([1, 2, 5, 10, 20, 50], 6)
    errors, moved = {way: np.zeros((len(counts), draws)) for way in WAYS}, 0.0
    for row, column in np.ndindex(len(counts), draws):
        order = torch.randperm(len(y))
        few = torch.cat([order[y[order] == digit][: counts[row]] for digit in range(5, 10)])
        for way in WAYS:
            model = start(way, taught)
            fit(model, x[few], y[few] - 5, 40, lr=1e-3 if way == "fine-tuned" else 3e-3)
            with torch.no_grad():
                errors[way][row, column] = 1 - accuracy(model(test_x[new]), test_y[new] - 5)
            if way == "frozen":
                pairs = zip(model[0].parameters(), taught.parameters(), strict=True)
                moved = max(moved, *((p - q).abs().max().item() for p, q in pairs))

    figure, (left, right) = canvas(1, 2, 9, 3.6)
    shown = torch.cat([x[y == digit][:5] for pair in zip(range(5), range(5, 10), strict=True) for digit in pair])
    tiles(left, shown, 10, "Taught with many images (left half),\nwith a few (right half)")
    for way, colour in WAYS.items():
        mean, spread = 100 * errors[way].mean(1), 100 * errors[way].std(1) / draws**0.5
        right.errorbar(counts, mean, spread, fmt="o-", ms=4, color=colour, label=way)
    right.set(xscale="log", xlabel="images a class", ylabel="held-out error, %", title=f"5 to 9, mean of {draws} draws")
    right.set_xticks(counts, [str(count) for count in counts])
    right.minorticks_off()
    right.legend()
    save(figure, out)
    at = {way: float(error[counts.index(5)].mean()) for way, error in errors.items()}
    return {
        "error, frozen / from scratch": at["frozen"] / at["from scratch"], "error, frozen": at["frozen"],
        "error, frozen / random features": at["frozen"] / at["random features"], "error, fine-tuned": at["fine-tuned"],
        "accuracy on the old digits": learnt, "change of the frozen layers": moved,
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "transfer_learning", RESULT, SMALL)
