"""A plain training loop and what one wants beside it: metrics, early stopping, a log, curves.

Nothing in the library needs it; :func:`fit` is short enough to be copied into a script and changed.
"""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ac
from autograd_core import Tensor

__all__ = [
    "EarlyStopping",
    "History",
    "accuracy",
    "confusion_matrix",
    "evaluate",
    "fit",
    "plot_curves",
    "topk_accuracy",
]

Metric = Callable[[Tensor, Tensor], float]


# ---------------------------------------------------------------------------------------------------- metrics


def _classes(output: Any, target: Any, name: str) -> tuple[Any, Any]:
    o, t = output.array, target.array
    if t.dtype.kind not in "iub" or o.ndim != t.ndim + 1 or o.shape[:1] + o.shape[2:] != t.shape:
        raise ValueError(
            f"{name}: expected scores (N, classes, ...) and integer targets (N, ...), got {o.shape} and "
            f"{t.shape} {t.dtype}."
        )
    return o, t


def accuracy(output: Tensor, target: Tensor) -> float:
    """The fraction of targets (N, ...) that have the highest of the scores (N, classes, ...).

    Examples
    --------
    >>> import autograd_core as torch
    >>> from nn.training import accuracy
    >>> accuracy(torch.tensor([[0.1, 0.9], [0.8, 0.2]]), torch.tensor([1, 1]))
    0.5
    """
    o, t = _classes(output, target, "accuracy")
    return float((o.argmax(1) == t).mean()) if t.size else math.nan


def topk_accuracy(output: Tensor, target: Tensor, k: int = 5) -> float:
    """The fraction of targets that are among the ``k`` highest scores."""
    o, t = _classes(output, target, "topk_accuracy")
    if not 1 <= k <= o.shape[1]:
        raise ValueError(f"topk_accuracy: k must be between 1 and the {o.shape[1]} classes, got {k}.")
    own = np.take_along_axis(o, np.expand_dims(t.astype(np.int64), 1), 1)
    return float(((o > own).sum(1) < k).mean()) if t.size else math.nan


def confusion_matrix(output: Tensor, target: Tensor, num_classes: int | None = None) -> Tensor:
    """Counts (classes, classes): row = target, column = prediction.

    Parameters
    ----------
    output : Tensor
        Scores (N, classes) or predicted classes (N,).
    target : Tensor (N,)
    num_classes : int, optional
        Found from the arguments unless given.
    """
    o, t = output.array, target.array.reshape(-1)
    predicted = o.argmax(1) if o.ndim == 2 else o.reshape(-1)
    if predicted.shape != t.shape:
        raise ValueError(f"confusion_matrix: {predicted.size} predictions for {t.size} targets.")
    found = o.shape[1] if o.ndim == 2 else int(max(predicted.max(initial=-1), t.max(initial=-1))) + 1
    n = found if num_classes is None else num_classes
    if t.size and (t.min() < 0 or t.max() >= n or predicted.max() >= n):
        raise ValueError(f"confusion_matrix: classes must be in [0, {n - 1}].")
    counts = np.bincount(t.astype(np.int64) * n + predicted.astype(np.int64), minlength=n * n)
    return ac.from_numpy(counts.reshape(n, n))


# ---------------------------------------------------------------------------------------------------- beside the loop


class EarlyStopping:
    """Says when a value has not improved for ``patience`` epochs, and keeps the best state.

    Parameters
    ----------
    patience : int
        Epochs without improvement that are allowed.
    min_delta : float
        The least change that counts as improvement.
    mode : {"min", "max"}
        Whether lower or higher is better.
    restore_best : bool
        Whether the model gets its best state back at the end (see :meth:`restore`).

    Examples
    --------
    >>> from nn.training import EarlyStopping
    >>> stop = EarlyStopping(patience=2)
    >>> [stop.step(loss) for loss in (1.0, 0.8, 0.9, 0.85, 0.81)]
    [False, False, False, False, True]
    """

    def __init__(self, patience: int = 5, min_delta: float = 0.0, mode: str = "min", restore_best: bool = True) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"EarlyStopping: mode must be 'min' or 'max', got {mode!r}.")
        if patience < 0:
            raise ValueError(f"EarlyStopping: patience must not be negative, got {patience}.")
        self.patience, self.min_delta, self.mode, self.restore_best = patience, min_delta, mode, restore_best
        self.best = math.inf if mode == "min" else -math.inf
        self.best_epoch = -1
        self.epoch = -1
        self._state: dict[str, Tensor] | None = None

    def step(self, value: float, model: Any = None) -> bool:
        """Report one epoch's value; True when it is time to stop.  A NaN never counts as improvement."""
        self.epoch += 1
        gain = (self.best - value) if self.mode == "min" else (value - self.best)
        if gain > self.min_delta:
            self.best, self.best_epoch = value, self.epoch
            if model is not None and self.restore_best:
                self._state = {k: v.clone() for k, v in model.state_dict().items()}
        return self.epoch - max(self.best_epoch, 0) > self.patience

    def restore(self, model: Any) -> None:
        """Give the model its best state back, where one was kept."""
        if self._state is not None:
            model.load_state_dict(self._state)


class History(list[dict[str, Any]]):
    """A list of one dict per epoch; with a path, each is also appended to a ``.csv`` or ``.jsonl`` file at once.

    Parameters
    ----------
    path : str or Path, optional
        Where to log; the ending says the format.
    """

    def __init__(self, path: Any = None) -> None:
        super().__init__()
        self.path = None if path is None else Path(path)
        if self.path is not None and self.path.suffix not in (".csv", ".jsonl"):
            raise ValueError(f"History: the log must end in .csv or .jsonl, got {self.path.name!r}.")

    def add(self, **values: Any) -> None:
        """Append one epoch's values."""
        self.append(values)
        if self.path is None:
            return
        first = len(self) == 1
        with self.path.open("w" if first else "a", newline="", encoding="utf-8") as file:
            if self.path.suffix == ".jsonl":
                file.write(json.dumps(values) + "\n")
            else:
                writer = csv.DictWriter(file, fieldnames=list(self[0]))
                if first:
                    writer.writeheader()
                writer.writerow(values)

    def column(self, name: str) -> list[Any]:
        """One value over all epochs."""
        return [row.get(name, math.nan) for row in self]


def plot_curves(history: Iterable[Mapping[str, Any]], path: Any = None) -> Any:
    """Draw loss and metrics over epochs with matplotlib; saved to ``path`` where given.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError("plot_curves: needs matplotlib; install it, for example with the extra 'examples'.") from None
    rows = list(history)
    names = [n for n in (rows[0] if rows else {}) if n not in ("epoch", "seconds", "lr")]
    kinds = list(dict.fromkeys(n.removeprefix("val_") for n in names)) or ["loss"]
    figure = Figure(figsize=(5 * len(kinds), 3.5), layout="constrained")
    for i, kind in enumerate(kinds):
        axes = figure.add_subplot(1, len(kinds), i + 1)
        for name, label in ((kind, "training"), (f"val_{kind}", "validation")):
            if name in names:
                axes.plot([r["epoch"] for r in rows], [r[name] for r in rows], marker=".", label=label)
        axes.set_xlabel("epoch")
        axes.set_ylabel(kind)
        axes.grid(alpha=0.3)
        if axes.has_data():
            axes.legend()
    if path is not None:
        figure.savefig(path, dpi=150)
    return figure


# ---------------------------------------------------------------------------------------------------- the loop


def _rows(target: Any) -> int:
    return len(target) if isinstance(target, Tensor) and target.ndim else 1


def _values(metrics: Mapping[str, Metric], output: Any, target: Any) -> dict[str, float]:
    return {name: float(metric(output, target)) for name, metric in metrics.items()}


class _Means:
    """Means of values over batches, weighted by their sizes."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.count = 0

    def add(self, n: int, values: Mapping[str, float]) -> None:
        self.count += n
        for name, v in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + n * v

    def read(self) -> dict[str, float]:
        return {name: s / self.count for name, s in self.sums.items()} if self.count else {}


def evaluate(
    model: Any, data: Iterable[Any], loss_fn: Callable[[Any, Any], Tensor], metrics: Mapping[str, Metric] | None = None
) -> dict[str, float]:
    """Loss and metrics over ``data`` (batches of input and target), in evaluation mode, without gradients."""
    means = _Means()
    training = model.training
    model.eval()
    try:
        with ac.no_grad():
            for x, target in data:
                output = model(x)
                means.add(
                    _rows(target), {"loss": float(loss_fn(output, target))} | _values(metrics or {}, output, target)
                )
    finally:
        model.train(training)
    return means.read()


def fit(
    model: Any,
    train: Any,
    loss_fn: Callable[[Any, Any], Tensor],
    optimizer: Any,
    epochs: int = 1,
    *,
    valid: Any = None,
    metrics: Mapping[str, Metric] | None = None,
    scheduler: Any = None,
    clip_norm: float | None = None,
    early_stopping: EarlyStopping | None = None,
    monitor: str | None = None,
    log: Any = None,
    curves: Any = None,
    progress: bool = True,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
) -> History:
    """Train ``model`` on batches of (input, target).

    Parameters
    ----------
    model, train, loss_fn, optimizer
        The model, an iterable of batches (a DataLoader), ``loss_fn(output, target)``, and the optimizer.
    epochs : int
        Passes over ``train``.
    valid : iterable, optional
        Batches for :func:`evaluate` after each epoch; its values are logged as ``val_...``.
    metrics : dict, optional
        Name to function of (output, target).
    scheduler : optional
        Stepped after each epoch (with the monitored value, where it is a ReduceLROnPlateau).
    clip_norm : float, optional
        Largest norm of the gradients.
    early_stopping : EarlyStopping, optional
        Told the monitored value after each epoch.
    monitor : str, optional
        The monitored value: ``val_loss`` where there is validation, else ``loss``.
    log : path, optional
        A ``.csv`` or ``.jsonl`` file, written as it goes.
    curves : path, optional
        A picture of the curves, drawn at the end.
    progress : bool
        Whether to show a tqdm bar.
    on_epoch : callable, optional
        Called with each epoch's values.

    Returns
    -------
    History
        One dict per epoch.

    Raises
    ------
    RuntimeError
        If the loss becomes NaN or infinite (with the epoch and the batch).

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> from nn.training import fit
    >>> x = torch.linspace(-1, 1, 32).reshape(32, 1)
    >>> model = nn.Linear(1, 1)
    >>> history = fit(model, [(x, 2 * x)], nn.MSELoss(), nn.optim.SGD(model.parameters(), lr=0.5), 50, progress=False)
    >>> history[-1]["loss"] < 1e-3
    True
    """
    history = History(log)
    monitor = monitor or ("val_loss" if valid is not None else "loss")
    for epoch in range(epochs):
        start = time.perf_counter()
        row: dict[str, Any] = {"epoch": epoch + 1}
        row |= _one_epoch(
            model, train, loss_fn, optimizer, metrics or {}, clip_norm, f"epoch {epoch + 1}/{epochs}", progress
        )
        if valid is not None:
            row |= {f"val_{k}": v for k, v in evaluate(model, valid, loss_fn, metrics).items()}
        row |= {"lr": optimizer.param_groups[0]["lr"], "seconds": round(time.perf_counter() - start, 3)}
        if monitor not in row:
            raise ValueError(
                f"fit: there is no value {monitor!r} to monitor; there are {[k for k in row if k != 'epoch']}."
            )
        history.add(**row)
        if scheduler is not None:
            if type(scheduler).__name__ == "ReduceLROnPlateau":
                scheduler.step(row[monitor])
            else:
                scheduler.step()
        if on_epoch is not None:
            on_epoch(row)
        if early_stopping is not None and early_stopping.step(row[monitor], model):
            break
    if early_stopping is not None:
        early_stopping.restore(model)
    if curves is not None:
        plot_curves(history, curves)
    return history


def _one_epoch(
    model: Any,
    train: Any,
    loss_fn: Any,
    optimizer: Any,
    metrics: Mapping[str, Metric],
    clip_norm: float | None,
    title: str,
    progress: bool,
) -> dict[str, float]:
    from .utils import clip_grad_norm_

    bar = train
    if progress:
        from tqdm.auto import tqdm

        bar = tqdm(train, desc=title, leave=True)
    model.train()
    means = _Means()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for i, (x, target) in enumerate(bar):
        optimizer.zero_grad()
        output = model(x)
        loss = loss_fn(output, target)
        value = float(loss)
        if not math.isfinite(value):
            raise RuntimeError(
                f"fit: the loss is {value} in {title}, batch {i}. Lower the learning rate, clip gradients "
                "(clip_norm=...), "
                "or look for the first bad value with autograd_core.debug."
            )
        loss.backward()
        if clip_norm is not None:
            clip_grad_norm_(parameters, clip_norm)
        optimizer.step()
        means.add(_rows(target), {"loss": value} | _values(metrics, output, target))
        if progress:
            bar.set_postfix({k: f"{v:.4f}" for k, v in means.read().items()})
    return means.read()
