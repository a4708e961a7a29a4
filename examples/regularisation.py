"""Shows: what helps when there are only 100 labelled digits: L1, L2, decay, dropout, early stopping, augmentation, smoothing.
Source: Tibshirani (1996); Krogh and Hertz (1992); Srivastava et al. (dropout, 2014); Szegedy et al. (label smoothing, 2016).
Result: augmentation cuts the plain net's held-out loss by 15 % or more; L1 zeroes at least 30 % of the weights (plain: under 5 %).
"""

from collections.abc import Callable

import numpy as np
from _common import accuracy, batches, canvas, digits, run, save

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {
    "augmented loss / plain loss": (0, 0.85), "zero weights with L1": (0.3, 1.0), "zero weights, plain": (0, 0.05),
    "early stopping loss / plain loss": (0, 1.0), "best accuracy": (0.88, 1.0),
}  # fmt: skip
SMALL = RESULT | {"augmented loss / plain loss": (0, 1.0), "zero weights with L1": (0.1, 1.0), "best accuracy": (0.8, 1.0)}


def shifted(x: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Each digit turned by up to 12 degrees and moved by up to half a pixel, a little noise on top."""
    a, b, c = torch.from_numpy(rng.uniform(-1, 1, (3, len(x))).astype(np.float32)) * torch.tensor([[0.2], [0.12], [0.12]])
    theta = torch.stack([torch.stack([a.cos(), -a.sin(), b], 1), torch.stack([a.sin(), a.cos(), c], 1)], 1)
    moved = F.grid_sample(x, F.affine_grid(theta, list(x.shape), align_corners=False), align_corners=False)
    return moved + 0.1 * torch.randn_like(x)


def train(seed: int, epochs: int, data: tuple, how: str) -> tuple[float, float, float, list[float]]:
    """One net: held-out loss and accuracy, share of (nearly) zero weights, held-out loss after each epoch."""
    x, y, stop_x, stop_y, t, labels = data
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    drop = 0.4 if how == "dropout" else 0.0
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Dropout(drop), nn.Linear(128, 10))
    make: Callable = nn.optim.AdamW if how == "weight decay" else nn.optim.Adam
    optimizer = make(model.parameters(), lr=5e-3, weight_decay=0.3 if how == "weight decay" else 0.0)
    weights = [p for p in model.parameters() if p.dim() > 1]
    curve, best = [], (np.inf, model.state_dict())
    for _ in range(epochs):
        for pick in batches(len(x), 20, 1, int(rng.integers(1 << 30))):
            inputs = shifted(x[pick], rng) if how == "augmentation" else x[pick]
            loss = F.cross_entropy(model(inputs), y[pick], label_smoothing=0.1 if how == "label smoothing" else 0.0)
            if how == "L1":
                loss = loss + 1e-3 * sum(w.abs().sum() for w in weights)
            if how == "L2":
                loss = loss + 3e-3 * sum(w.square().sum() for w in weights)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            curve.append(F.cross_entropy(model(t), labels).item())
            if how == "early stopping" and (now := F.cross_entropy(model(stop_x), stop_y).item()) < best[0]:
                best = now, {key: v.clone() for key, v in model.state_dict().items()}
        model.train()
    if how == "early stopping":
        model.load_state_dict(best[1])
    model.eval()
    with torch.no_grad():
        logits = model(t)
        zero = torch.cat([(w.abs() < 2e-3).flatten() for w in weights]).float().mean().item()
        return F.cross_entropy(logits, labels).item(), accuracy(logits, labels), zero, curve


def main(small: bool = False, out: str = "runs/regularisation") -> dict[str, float]:
    """The table: mean over seeds of held-out loss and error."""
    x, y, t, labels = digits(300)
    data = x[:100], y[:100], x[100:], y[100:], t, labels  # the other 200 only tell early stopping when to stop
    seeds, epochs = (1, 30) if small else (5, 120)
    kinds = ("plain", "L1", "L2", "weight decay", "dropout", "early stopping", "augmentation", "label smoothing")
    table = {}
    figure, (left, right) = canvas(1, 2, 10, 3.4)
    for kind in kinds:
        rows = [train(seed, epochs, data, kind) for seed in range(seeds)]
        table[kind] = np.mean([row[:3] for row in rows], axis=0)
        left.plot(np.mean([row[3] for row in rows], axis=0), lw=1, label=kind)
        loss, share, zeros = table[kind]
        print(f"{kind:16s} held-out loss {loss:.3f}   error {100 * (1 - share):.1f} %   zeros {100 * zeros:.0f} %")
    left.set(xlabel="epoch", ylim=(0.2, 1.2), title="Held-out cross-entropy, 100 training digits")
    left.legend(fontsize=7)
    errors = [100 * (1 - table[kind][1]) for kind in kinds]
    right.barh(kinds, errors, color="tab:blue")
    right.invert_yaxis()
    right.set(title="Held-out error (%)")
    for i, e in enumerate(errors):
        right.text(e, i, f" {e:.1f}", va="center", fontsize=8)
    save(figure, out)
    plain = table["plain"]
    return {
        "augmented loss / plain loss": table["augmentation"][0] / plain[0], "zero weights with L1": table["L1"][2],
        "zero weights, plain": plain[2], "early stopping loss / plain loss": table["early stopping"][0] / plain[0],
        "best accuracy": max(row[1] for row in table.values()),
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "regularisation", RESULT, SMALL)
