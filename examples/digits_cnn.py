"""A convolutional network learns real handwritten digits, on an engine whose every gradient rule you can read.

Source: LeCun et al., "Gradient-based learning applied to document recognition" (1998); data: UCI handwritten digits.
Result: at least 98 % of a held-out fifth in under 20 seconds on two CPU cores.

    python examples/digits_cnn.py                    # the digits that ship with the package
    python examples/digits_cnn.py --data DIR         # MNIST's IDX files from DIR
    python examples/digits_cnn.py --resume runs/digits_cnn/checkpoint.safetensors --epochs 20
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import autograd_core as ac
import nn
import nn.functional as F


def network(size: int) -> nn.Sequential:
    """conv-bn-relu-pool twice, then a linear layer behind dropout."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * (size // 4) ** 2, 10),
    )  # fmt: skip


def load_data(folder: str | None) -> tuple[ac.Tensor, ac.Tensor, ac.Tensor, ac.Tensor]:
    """Training and held-out images (N, 1, H, W) in [0, 1] and labels: MNIST from a folder, or the shipped digits."""
    train: Any
    test: Any
    if folder:
        train, test, top = nn.datasets.MNIST(folder, train=True), nn.datasets.MNIST(folder, train=False), 255.0
    else:
        train, test, top = nn.datasets.Digits(train=True), nn.datasets.Digits(train=False), 16.0
    return (
        train.data.float().unsqueeze(1) / top, train.targets, test.data.float().unsqueeze(1) / top, test.targets,
    )  # fmt: skip


@ac.no_grad()
def predict(model: nn.Module, images: ac.Tensor) -> ac.Tensor:
    """Logits of all images, in evaluation mode."""
    model.eval()
    out = ac.cat([model(part) for part in images.split(512)])
    model.train()
    return out


class Run:
    """Everything that a checkpoint must hold, so that a resumed run continues to the last bit."""

    def __init__(self, size: int, steps_per_epoch: int, args: argparse.Namespace) -> None:
        ac.manual_seed(args.seed)
        self.model = network(size)
        self.optimizer = nn.optim.AdamW(self.model.parameters(), lr=args.lr, weight_decay=1e-3)
        self.schedule = nn.optim.lr_scheduler.OneCycleLR(
            self.optimizer, max_lr=args.lr, total_steps=max(2, steps_per_epoch * args.epochs)
        )
        self.epoch = 0
        self.history: dict[str, list[float]] = {"loss": [], "train_accuracy": [], "test_loss": [], "test_accuracy": []}

    def save(self, path: Path) -> None:
        """Write the checkpoint; the old file stays whole until the new one is complete."""
        state = {
            "model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "schedule": self.schedule.state_dict(),
            "rng": ac.get_rng_state(), "epoch": self.epoch, "history": self.history,
        }  # fmt: skip
        ac.save(state, path)

    def load(self, path: str) -> None:
        """Continue where a checkpoint stopped."""
        state = ac.load(path)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        ac.set_rng_state(state["rng"])
        self.epoch, self.history = state["epoch"], state["history"]


def train_epoch(run: Run, images: ac.Tensor, labels: ac.Tensor, batch: int, seed: int, bar: Any) -> tuple[float, float]:
    """One pass over shuffled batches; returns mean loss and accuracy."""
    order = np.random.default_rng([seed, run.epoch]).permutation(len(images))
    total, right = 0.0, 0
    for start in range(0, len(order) - batch + 1, batch):
        pick = order[start : start + batch]
        x, y = ac.from_numpy(images.array[pick]), ac.from_numpy(labels.array[pick])
        run.optimizer.zero_grad()
        logits = run.model(x)
        loss = F.cross_entropy(logits, y)
        loss.backward()
        run.optimizer.step()
        run.schedule.step()
        total += loss.item()
        right += int((logits.argmax(1) == y).sum())
        bar.update()
        bar.set_postfix(loss=f"{loss.item():.3f}", accuracy=f"{100 * right / (start + batch):.1f} %", refresh=False)
    count = max(1, len(order) // batch)
    return total / count, right / (count * batch)


def draw(run: Run, logits: ac.Tensor, images: ac.Tensor, labels: ac.Tensor, out: Path) -> None:
    """Learning curves; misclassified digits beside the confusion matrix."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    epochs = range(1, len(run.history["loss"]) + 1)
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    left.plot(epochs, run.history["loss"], label="training")
    left.plot(epochs, run.history["test_loss"], label="held out")
    left.set(xlabel="epoch", ylabel="cross-entropy", yscale="log", title="Loss")
    left.legend()
    right.plot(epochs, [100 * a for a in run.history["train_accuracy"]], label="training")
    right.plot(epochs, [100 * a for a in run.history["test_accuracy"]], label="held out")
    right.set(xlabel="epoch", ylabel="accuracy (%)", ylim=(90, 100.3), title="Accuracy")
    right.legend(loc="lower right")
    fig.savefig(out / "curves.png", dpi=110)
    plt.close(fig)

    guess, truth = logits.argmax(1).array, labels.array
    wrong = np.flatnonzero(guess != truth)[:12]
    matrix = np.zeros((10, 10), int)
    np.add.at(matrix, (truth, guess), 1)
    fig = plt.figure(figsize=(10, 4.6), layout="constrained")
    digits, confusion = fig.subfigures(1, 2, width_ratios=[1.1, 1], squeeze=False)[0]
    digits.suptitle("Misclassified held-out digits" if len(wrong) else "No held-out digit was misclassified")
    for ax in (axes := digits.subplots(3, 4)).flat:
        ax.axis("off")
    probability = logits.softmax(1).array
    for ax, i in zip(axes.flat, wrong, strict=False):
        ax.imshow(images.array[i, 0], cmap="gray_r")
        ax.set_title(f"{truth[i]} read as {guess[i]} ({100 * probability[i, guess[i]]:.0f} %)", fontsize=8)
    ax = confusion.subplots()
    ax.imshow(np.log1p(matrix), cmap="Blues")
    for (i, j), n in np.ndenumerate(matrix):
        if n:
            ax.text(
                j, i, str(n), ha="center", va="center", fontsize=8, color="white" if n > matrix.max() / 4 else "black"
            )
    ax.set(xticks=range(10), yticks=range(10), xlabel="read as", ylabel="true digit", title="Confusion matrix")
    fig.savefig(out / "errors.png", dpi=110)
    plt.close(fig)


def draw_graph(run: Run, images: ac.Tensor, labels: ac.Tensor, out: Path) -> str:
    """The computation graph of one step, as DOT and, where Graphviz is found, as SVG."""
    from autograd_core import viz

    loss = F.cross_entropy(run.model(images[:8]), labels[:8])
    picture = viz.dot(loss, model=run.model)
    picture.save(out / "graph.dot")
    try:
        picture.render(outfile=str(out / "graph.svg"), cleanup=True)
    except Exception as error:  # Graphviz's program is not part of the Python package
        return f"graph.dot (no SVG: {str(error).splitlines()[0]})"
    return "graph.dot, graph.svg"


def main(argv: list[str] | None = None) -> float:
    """Train, report, draw; returns the held-out accuracy."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder with MNIST's IDX files (default: the digits that ship with the package)")
    parser.add_argument("--out", default="runs/digits_cnn", help="folder for results (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=5e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", help="checkpoint to continue from")
    parser.add_argument(
        "--stop-after", type=int, help="leave after this many epochs (the schedule is still for --epochs)"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar, no pictures")
    args = parser.parse_args(argv)

    started = time.perf_counter()
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    train_x, train_y, test_x, test_y = load_data(args.data)
    steps = len(train_x) // args.batch
    run = Run(train_x.shape[-1], steps, args)
    if args.resume:
        run.load(args.resume)
    last = min(args.epochs, run.epoch + args.stop_after) if args.stop_after else args.epochs
    checkpoint = out / "checkpoint.safetensors"
    accuracy = run.history["test_accuracy"][-1] if run.history["test_accuracy"] else 0.0
    try:
        with tqdm(total=(last - run.epoch) * steps, unit="step", disable=args.quiet, dynamic_ncols=True) as bar:
            while run.epoch < last:
                bar.set_description(f"epoch {run.epoch + 1}/{args.epochs}")
                loss, train_accuracy = train_epoch(run, train_x, train_y, args.batch, args.seed, bar)
                logits = predict(run.model, test_x)
                accuracy = (logits.argmax(1) == test_y).float().mean().item()
                for key, value in (
                    ("loss", loss), ("train_accuracy", train_accuracy),
                    ("test_loss", F.cross_entropy(logits, test_y).item()), ("test_accuracy", accuracy),
                ):  # fmt: skip
                    run.history[key].append(value)
                run.epoch += 1
                run.save(checkpoint)
    except KeyboardInterrupt:
        print(f"\nstopped in epoch {run.epoch + 1}; continue with --resume {checkpoint}")
        if not checkpoint.exists():
            run.save(checkpoint)
        sys.exit(130)

    trained = time.perf_counter() - started
    ac.save(run.model.state_dict(), out / "model.safetensors")
    logits = predict(run.model, test_x)
    wrote = ["model.safetensors", "checkpoint.safetensors"]
    if not args.quiet:
        draw(run, logits, test_x, test_y, out)
        wrote += ["curves.png", "errors.png", draw_graph(run, test_x, test_y, out)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    print(
        f"held-out accuracy {100 * accuracy:.2f} % ({int(round((1 - accuracy) * len(test_y)))} of {len(test_y)} wrong) "
        f"after {run.epoch} epochs, trained in {trained:.1f} s, peak memory {peak:.0f} MB"
    )
    print(f"wrote {', '.join(wrote)} to {out}/")
    return accuracy


if __name__ == "__main__":
    main()
