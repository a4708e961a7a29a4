"""Shows: a net as a scikit-learn estimator, its width and rate chosen by cross-validation inside a Pipeline.
Source: Buitinck et al., "API design for machine learning software: experiences from the scikit-learn project" (2013).
Result: the chosen net reads >= 94 % of held-out digits; scikit-learn's GridSearchCV, if installed, gives our scores.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from _common import batches, canvas, digits, run, save

import autograd_core as torch
import nn
import nn.functional as F

try:
    from sklearn.base import BaseEstimator, ClassifierMixin

    BASES: tuple[Any, ...] = (ClassifierMixin, BaseEstimator)
except ImportError:  # the estimator then runs by itself
    BASES = ()

RESULT = {
    "held-out accuracy of the chosen": (0.94, 1), "worst / best score of the grid": (0, 0.9),
    "gap to scikit-learn's search": (0, 1e-12), "gap to scikit-learn's best_params_": (0, 0),
}  # fmt: skip


class NetClassifier(*BASES):  # type: ignore[misc]
    """One hidden layer by Adam. __init__ keeps its arguments as they are; what is learnt ends in an underscore."""

    def __init__(self, hidden: int = 64, lr: float = 1e-2, epochs: int = 20, seed: int = 0) -> None:
        self.hidden, self.lr, self.epochs, self.seed = hidden, lr, epochs, seed

    def fit(self, x: np.ndarray, y: np.ndarray) -> NetClassifier:
        """Learn from rows x (N, features) and any labels y (N,)."""
        torch.manual_seed(self.seed)
        self.classes_, which = np.unique(y, return_inverse=True)
        rows, labels = torch.tensor(x, dtype=torch.float32), torch.from_numpy(which)
        first, last = nn.Linear(rows.shape[1], self.hidden), nn.Linear(self.hidden, len(self.classes_))
        self.net_ = nn.Sequential(first, nn.ReLU(), last)
        optimizer = nn.optim.Adam(self.net_.parameters(), lr=self.lr)
        for pick in batches(len(rows), min(50, len(rows)), self.epochs, self.seed):
            optimizer.zero_grad()
            F.cross_entropy(self.net_(rows[pick]), labels[pick]).backward()
            optimizer.step()
        return self

    @torch.no_grad()
    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Probabilities (N, classes)."""
        return self.net_(torch.tensor(x, dtype=torch.float32)).softmax(1).numpy()

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The most likely label of each row."""
        return self.classes_[self.predict_proba(x).argmax(1)]

    def score(self, x: np.ndarray, y: np.ndarray) -> float:
        """Share of the rows that are read as they should be."""
        return float((self.predict(x) == y).mean())


def standardised(x: np.ndarray, like: np.ndarray) -> np.ndarray:
    """What StandardScaler does: mean and deviation come from the training rows alone."""
    return (x - like.mean(0)) / np.where(like.std(0) > 1e-12, like.std(0), 1)


def search(x: np.ndarray, y: np.ndarray, grid: dict[str, Any], folds: int) -> list[tuple[dict[str, Any], float]]:
    """Every combination with its mean score over ``folds`` blocks, each held out once."""
    out, blocks = [], np.array_split(np.arange(len(x)), folds)
    for values in itertools.product(*grid.values()):
        chosen, scores = dict(zip(grid, values, strict=True)), []
        for block in blocks:
            rest = np.setdiff1d(np.arange(len(x)), block)
            model = NetClassifier(**chosen).fit(standardised(x[rest], x[rest]), y[rest])
            scores.append(model.score(standardised(x[block], x[rest]), y[block]))
        out.append((chosen, float(np.mean(scores))))
    return out


def main(small: bool = False, out: str = "runs/sklearn_bridge") -> dict[str, float]:
    """Search by ourselves, and again through scikit-learn where it is installed."""
    train, labels, test, test_labels = (part.numpy() for part in digits())
    train, test = train.reshape(-1, 64).astype(np.float64), test.reshape(-1, 64).astype(np.float64)
    x, y, every = (train[:400], labels[:400], 2) if small else (train, labels, 1)
    grid: dict[str, list[Any]] = {"hidden": [4, 8, 16, 32, 64][::every], "lr": [1e-4, 1e-3, 1e-2, 1e-1][::every]}
    results = search(x, y, grid, 3)
    best, _ = max(results, key=lambda entry: entry[1])
    scores = np.array([score for _, score in results]).reshape(len(grid["hidden"]), -1)
    chosen = NetClassifier(**best).fit(standardised(train, train), labels)
    reached = chosen.score(standardised(test, train), test_labels)
    gap, unlike = 0.0, 0
    if BASES:
        from sklearn.model_selection import GridSearchCV, KFold
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        pipeline = make_pipeline(StandardScaler(), NetClassifier())
        theirs = GridSearchCV(pipeline, {f"netclassifier__{k}": v for k, v in grid.items()}, cv=KFold(3)).fit(x, y)
        gap = float(np.abs(theirs.cv_results_["mean_test_score"] - scores.ravel()).max())
        unlike = sum(theirs.best_params_[f"netclassifier__{name}"] != value for name, value in best.items())

    figure, ax = canvas(1, 1, 6, 3.4)
    ax.imshow(scores, cmap="viridis", aspect="auto")
    for (row, column), score in np.ndenumerate(scores):
        ax.text(column, row, f"{100 * score:.1f}", ha="center", va="center", color="w" if score < 0.8 else "k")
    ax.set_xticks(range(len(grid["lr"])), [f"{lr:g}" for lr in grid["lr"]])
    ax.set_yticks(range(len(grid["hidden"])), [str(width) for width in grid["hidden"]])
    ax.set(xlabel="learning rate", ylabel="hidden units", title=f"Cross-validated accuracy, %; chosen: {best}")
    save(figure, out)
    return {
        "held-out accuracy of the chosen": reached, "worst / best score of the grid": scores.min() / scores.max(),
        "gap to scikit-learn's search": gap, "gap to scikit-learn's best_params_": unlike,
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "sklearn_bridge", RESULT)
