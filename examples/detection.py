"""Shows: a one-shot detector: every cell of a grid says whether an object's centre lies in it, its box and its kind.
Source: Redmon et al., "You only look once" (2016); Yu et al., "UnitBox" (2016) for the IoU loss; mAP as VOC's.
Result: mAP at IoU 0.5 of 0.85 or more on new scenes; right detections overlap their objects by 0.75 or more.
"""

import numpy as np
from _common import canvas, run, save

import autograd_core as torch
import nn
import nn.functional as F
from nn.training import fit

RESULT = {"mAP at IoU 0.5": (0.85, 1.0), "mAP at IoU 0.75": (0.5, 1.0), "mean IoU of right detections": (0.75, 1.0)}
SMALL = {"mAP at IoU 0.5": (0.6, 1.0), "mAP at IoU 0.75": (0.2, 1.0), "mean IoU of right detections": (0.65, 1.0)}
KINDS, SIDE, GRID, CELL = ("disc", "square", "triangle"), 48, 6, 8


def scenes(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Noisy pictures (N, 1, 48, 48) of up to four shapes; per cell (N, 6, 6, 6): 1 if a centre is in it, box, kind."""
    rng, (y, x) = np.random.default_rng(seed), np.mgrid[:SIDE, :SIDE] + 0.5
    pictures, cells = 0.15 * rng.standard_normal((count, SIDE, SIDE)), np.zeros((count, GRID, GRID, 6))
    for picture, cell, taken in zip(pictures, cells, np.zeros(pictures.shape, bool), strict=True):
        for _ in range(rng.integers(1, 5)):
            size, kind = rng.uniform(8, 20, 2), rng.integers(3)
            corner = rng.uniform(0, SIDE - size)
            u, v = 2 * (x - corner[0]) / size[0] - 1, 2 * (y - corner[1]) / size[1] - 1
            box = np.maximum(abs(u), abs(v)) < 1
            column, line = ((corner + size / 2) // CELL).astype(int)
            if not cell[line, column, 0] and taken[box].mean() < 0.1:  # one object a cell; boxes overlap little
                picture[(u * u + v * v < 1, box, box & (2 * abs(u) < v + 1))[kind]] += rng.uniform(0.5, 1.0)
                taken |= box
                cell[line, column] = (1, *corner, *(corner + size), kind)
    return torch.from_numpy(np.float32(pictures)).unsqueeze(1), torch.from_numpy(np.float32(cells))


def iou(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Intersection over union of boxes (..., 4)."""
    both = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    return both / ((a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - both)


class Detector(nn.Sequential):
    """Convolutions down to 6 x 6 cells; each gives 8 numbers: object or not, box, kind."""

    def __init__(self) -> None:
        super().__init__()
        for a, b, stride in ((1, 16, 2), (16, 32, 2), (32, 64, 2), (64, 64, 1), (64, 64, 1)):
            self.extend([nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b), nn.LeakyReLU(0.1)])
        self.append(nn.Conv2d(64, 8, 1))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Per cell: logit of an object, box in pixels (centre inside the cell), logits of kinds."""
        there, centre, size, kind = super().forward(x).permute(0, 2, 3, 1).split([1, 2, 2, 3], -1)
        line, column = torch.meshgrid(torch.arange(GRID), torch.arange(GRID), indexing="ij")
        centre, half = CELL * (torch.stack([column, line], -1) + centre.sigmoid()), 7 * size.clamp(-2, 2).exp()
        return there[..., 0], torch.cat([centre - half, centre + half], -1), kind


def criterion(said: tuple[torch.Tensor, torch.Tensor, torch.Tensor], cells: torch.Tensor) -> torch.Tensor:
    """Per object: is there one (all cells), 1 - IoU of its box, its kind (cells with a centre)."""
    there, box, kind = said
    target = cells[here := cells[..., 0] > 0]
    found = F.binary_cross_entropy_with_logits(there, cells[..., 0], reduction="sum") / len(target)
    return found + 2 * (1 - iou(box[here], target[:, 1:5]).mean()) + F.cross_entropy(kind[here], target[:, 5].long())


@torch.no_grad()
def detect(model: Detector, x: torch.Tensor) -> torch.Tensor:
    """Rows (picture, score, box, kind), best first; no box that overlaps a better one of its kind (NMS)."""
    there, box, kind = model(x)
    share, name = kind.softmax(-1).max(-1)
    here = (sure := there.sigmoid() * share) > 0.05
    rows = torch.column_stack([here.nonzero()[:, 0], sure[here], box[here], name[here]])
    rows = rows[rows[:, 1].argsort(descending=True)]
    double = (iou(rows[:, None, 2:6], rows[:, 2:6]) > 0.5) & (rows[:, None, [0, 6]] == rows[:, [0, 6]]).all(-1)
    return rows[~double.tril(-1).any(1)]


def score(found: torch.Tensor, truth: torch.Tensor, need: float) -> tuple[float, float]:
    """Mean over kinds of the area under precision-recall; mean overlap of right detections. An object counts once."""
    areas, overlaps = [], [0.0]
    for kind in range(len(KINDS)):
        objects, fits = truth[truth[:, 6] == kind], []
        for row in found[found[:, 6] == kind]:
            fit, i = (iou(objects[:, 2:6], row[2:6]) * (objects[:, 0] == row[0])).max(0)
            fits.append(fit.item())
            objects[i, 0] -= 1e6 * float(fit >= need)  # once found, no longer there
        hits = np.array(fits) >= need
        precision = hits.cumsum() / np.arange(1, len(hits) + 1)
        areas.append(np.maximum.accumulate(precision[::-1])[::-1][hits].sum() / len(objects))
        overlaps += list(np.array(fits)[hits])
    return float(np.mean(areas)), float(np.sum(overlaps) / max(len(overlaps) - 1, 1))


def main(small: bool = False, out: str = "runs/detection") -> dict[str, float]:
    """Train, detect on new scenes, score, draw."""
    torch.manual_seed(0)
    (x, cells), (test, truth) = scenes(600 if small else 4000, 0), scenes(60 if small else 300, 1)
    model, epochs = Detector(), 10 if small else 16
    optimizer = nn.optim.Adam(model.parameters(), lr=5e-3)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    train = nn.data.DataLoader(nn.data.TensorDataset(x, cells), batch_size=32, shuffle=True)
    fit(model, train, criterion, optimizer, epochs, scheduler=schedule, progress=False)
    found = detect(model.eval(), test)
    objects = torch.column_stack([(here := truth[..., 0] > 0).nonzero()[:, 0], truth[here]])  # rows as detect's
    (half, overlap), (strict, _) = score(found, objects, 0.5), score(found, objects, 0.75)
    figure, axes = canvas(1, 5, 9.5, 2.3)
    for n, ax in enumerate(axes.flat):
        ax.imshow(test[n, 0].numpy(), cmap="gray_r", vmin=0.2, vmax=1.4, extent=(0, SIDE, SIDE, 0))
        ax.set(xticks=[], yticks=[])
        for sure, left, top, right, bottom, kind in found[(found[:, 0] == n) & (found[:, 1] > 0.3)][:, 1:].tolist():
            ax.plot([left, right, right, left, left], [top, top, bottom, bottom, top], f"C{int(kind)}", lw=1.5)
            ax.text(left, top - 1, f"{KINDS[int(kind)]} {sure:.2f}", color=f"C{int(kind)}", fontsize=7)
    save(figure, out)
    return {"mAP at IoU 0.5": half, "mAP at IoU 0.75": strict, "mean IoU of right detections": overlap}


if __name__ == "__main__":
    run(main, __doc__, "detection", RESULT, SMALL)
