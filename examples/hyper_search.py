"""Shows: searching hyper-parameters by chance, and giving up early on the bad ones: successive halving against full runs.
Source: Bergstra and Bengio (2012); Jamieson and Talwalkar, "Non-stochastic best arm identification" (2016).
Result: for the same number of epochs halving's winners err no more than random search's, a median draw at least twice as often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from _common import accuracy, batches, canvas, digits, run, save

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {"halving: error on test digits": (0, 0.09), "random / halving": (1, 9), "median draw / halving": (2, 30)}
SMALL = RESULT | {"halving: error on test digits": (0, 0.12)}
Draw = dict[str, float]


def draw(rng: np.random.Generator) -> Draw:
    """Hyper-parameters by chance: log-uniform where the scale matters, as Bergstra and Bengio advise."""
    return {
        "rate": 10 ** rng.uniform(-4, 1), "decay": 10 ** rng.uniform(-6, -1), "momentum": rng.uniform(0, 0.98),
        "width": round(2 ** rng.uniform(2, 7)), "dropout": rng.uniform(0, 0.7), "batch": round(2 ** rng.uniform(4, 7)),
    }  # fmt: skip


class Trial:
    """One net with its hyper-parameters; it can be trained on, epoch by epoch."""

    def __init__(self, how: Draw, seed: int) -> None:
        torch.manual_seed(seed)
        width = int(how["width"])
        self.how, self.seed, self.curve = how, seed, list[float]()  # the curve: validation error after each epoch
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Dropout(how["dropout"]), nn.Linear(width, 10))
        self.optimizer = nn.optim.SGD(
            self.net.parameters(), lr=how["rate"], momentum=how["momentum"], weight_decay=how["decay"]
        )

    def go_on(self, epochs: int, x: torch.Tensor, y: torch.Tensor, check: tuple[torch.Tensor, torch.Tensor]) -> Trial:
        """Train on and note the validation error after each epoch."""
        for _ in range(epochs):
            self.net.train()
            for pick in batches(len(x), int(self.how["batch"]), 1, 1000 * self.seed + len(self.curve)):
                loss = F.cross_entropy(self.net(x[pick]), y[pick])
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            self.curve.append(self.error(*check))
        return self

    @torch.no_grad()
    def error(self, x: torch.Tensor, y: torch.Tensor) -> float:
        """Share of wrong labels."""
        self.net.eval()
        return 1 - accuracy(self.net(x), y)


def halving(trials: list[Trial], most: int, train: Callable[[Trial, int], Trial]) -> Iterator[tuple[int, Trial]]:
    """Successive halving, here by thirds: train all a little, keep the best third, train those three times as long.

    Gives the epochs spent so far and the leader after each rung.
    """
    spent, upto = 0, 1
    while upto <= most:
        for trial in trials:
            spent += upto - len(trial.curve)
            train(trial, upto - len(trial.curve))
        trials = sorted(trials, key=lambda trial: trial.curve[-1])
        yield spent, trials[0]
        trials, upto = trials[: max(1, len(trials) // 3)], 3 * upto


def main(small: bool = False, out: str = "runs/hyper_search") -> dict[str, float]:
    """The same number of epochs for both: 81 draws of which one in three goes on, against 9 draws trained to the end."""
    most, repeats = (9, 3) if small else (27, 6)
    images, labels, *test = digits(700)
    fit, check = (images[:400], labels[:400]), (images[400:], labels[400:])
    errors: dict[str, list[float]] = {"halving": [], "random": [], "draw": [], "test": []}
    figure, (left, middle, right) = canvas(1, 3, 10.5, 3.2)
    for repeat in range(repeats):
        rng = np.random.default_rng(repeat)
        many = [Trial(draw(rng), k) for k in range(3 * most)]
        path = list(halving(many, most, lambda trial, epochs: trial.go_on(epochs, *fit, check)))
        budget, winner = path[-1]
        few = [Trial(draw(rng), k).go_on(most, *fit, check) for k in range(budget // most)]
        finals = [trial.curve[-1] for trial in few]
        errors["halving"].append(winner.curve[-1])
        errors["random"].append(min(finals))
        errors["draw"] += finals
        errors["test"].append(winner.error(test[0], test[1]))
        label = repeat == 0
        steps = [(spent, trial.curve[-1]) for spent, trial in path]
        left.plot(*zip(*steps, strict=True), "o-", color="tab:blue", lw=0.8, ms=3, label="halving" if label else None)
        spent = most * np.arange(1, len(few) + 1)
        best = np.minimum.accumulate(finals)
        left.plot(spent, best, "s-", color="tab:orange", lw=0.8, ms=3, label="random search" if label else None)
        rates = [trial.how["rate"] for trial in many]
        right.scatter(rates, [trial.curve[-1] for trial in many], s=[2 * len(trial.curve) for trial in many], color="tab:blue")
        for trial in many if label else []:
            middle.plot(range(1, len(trial.curve) + 1), trial.curve, ".-", ms=3, lw=0.8)

    left.set(xlabel="epochs spent", ylabel="validation error of the leader", title=f"Same budget, {repeats} repeats", yscale="log")
    left.legend()
    middle.set(xlabel="epoch", ylabel="validation error", title="Halving: who goes on", xscale="log")
    right.set(xlabel="learning rate", ylabel="validation error", title="Every draw (size: epochs given)", xscale="log")
    save(figure, out)
    mean = {name: float(np.mean(values)) for name, values in errors.items()}
    return {
        "halving: error on test digits": mean["test"], "random / halving": mean["random"] / mean["halving"],
        "median draw / halving": float(np.median(errors["draw"])) / mean["halving"],
        "halving: validation error": mean["halving"], "random: validation error": mean["random"],
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "hyper_search", RESULT, SMALL)
