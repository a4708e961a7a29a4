"""Shows: learning from a stream whose law changes four times: frozen, online, and restarted at an alarm.
Source: Gama, Medas, Castillo and Rodrigues, "Learning with drift detection" (DDM, 2004), whose SINE streams these are.
Result: every change alarmed within 400 samples, at most one false; restarting gains 2 points on falling steps.
"""

import math

import numpy as np
from _common import canvas, run, save

import autograd_core as torch
import nn
import nn.functional as F
from nn.optim.lr_scheduler import LambdaLR

RESULT = {
    "restarted: accuracy": (0.77, 0.9), "constant step: accuracy": (0.77, 0.9), "frozen: accuracy": (0.3, 0.65),
    "restarted above falling": (0.02, 0.4), "slowest alarm": (1, 400), "false or missed alarms": (0, 1),
}  # fmt: skip
NOISE = 0.1  # this share of the labels is wrong, so that 0.9 is the best possible accuracy


def stream(period: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Points in the unit square, above or below a sine; with each period the law is another, or turned round."""
    rng = np.random.default_rng(seed)
    x = rng.random((5 * period, 2))
    one = x[:, 1] < np.sin(x[:, 0])
    two = x[:, 1] < 0.5 + 0.3 * np.sin(3 * math.pi * x[:, 0])
    law = np.arange(5 * period) // period
    y = np.select([law == 0, law == 1, law == 2, law == 3], [one, ~one, two, ~two], one)
    y ^= rng.random(len(y)) < NOISE
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y.astype(np.int64))


class DriftDetector:
    """Counts errors: their rate p is expected to fall; alarms when it has risen three deviations above its lowest."""

    def __init__(self) -> None:
        self.count, self.errors, self.lowest, self.spread = 0, 0, math.inf, math.inf

    def add(self, errors: int, count: int) -> bool:
        """Take in ``count`` answers; True: the law has changed."""
        self.count, self.errors = self.count + count, self.errors + errors
        p = self.errors / self.count
        s = math.sqrt(p * (1 - p) / self.count)
        if self.count < 300:
            return False
        if p + s < self.lowest + self.spread:
            self.lowest, self.spread = p, s
        return p + s > self.lowest + 3 * self.spread


def learner(falling: bool) -> tuple[nn.Module, nn.optim.Optimizer, LambdaLR, DriftDetector]:
    """A new net; its step size may fall as 1/t, which is right (Robbins and Monro) as long as the law stays."""
    net = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2))
    optimizer = nn.optim.Adam(net.parameters(), lr=0.03)
    return net, optimizer, LambdaLR(optimizer, lambda t: 1 / (1 + t / 20) if falling else 1.0), DriftDetector()


def learn(x: torch.Tensor, y: torch.Tensor, period: int, how: str) -> tuple[np.ndarray, list[int]]:
    """Prequential: each sample is first asked, then learned from, ten at a time. Right or wrong, and the alarms."""
    torch.manual_seed(0)
    net, optimizer, schedule, detector = learner(how != "constant step")
    right, alarms = [], []
    for start in range(0, len(x), 10):
        logits, labels = net(x[start : start + 10]), y[start : start + 10]
        right.append((logits.argmax(1) == labels).numpy())
        if how == "frozen" and start >= period:
            continue
        optimizer.zero_grad()
        F.cross_entropy(logits, labels).backward()
        optimizer.step()
        schedule.step()
        if how == "restarted" and detector.add(int((~right[-1]).sum()), 10):
            alarms.append(start + 10)
            net, optimizer, schedule, detector = learner(True)
    return np.concatenate(right), alarms


def main(small: bool = False, out: str = "runs/drift") -> dict[str, float]:
    """Four learners on the same streams: accuracy over the last 200 samples, and what it is in all."""
    period, streams = 2000, 1 if small else 5
    figures: dict[str, float] = {}
    figure, ax = canvas(1, 1, 10, 3.6)
    for how in ("frozen", "falling step", "constant step", "restarted"):
        stories = [learn(*stream(period, seed), period, how) for seed in range(streams)]
        right = np.mean([right for right, _ in stories], 0)
        figures[f"{how}: accuracy"] = right.mean()
        smooth = np.convolve(right, np.full(200, 1 / 200), "valid")
        ax.plot(np.arange(200, len(right) + 1), smooth, lw=1, label=f"{how}: {right.mean():.3f}")
    # An alarm is right if it is the first one after a change; all else is false, and a change without one is missed.
    slowest, wrong = 0, 0
    for _, alarms in stories:
        for change in range(period, 5 * period, period):
            delays = [alarm - change for alarm in alarms if change < alarm <= change + period]
            slowest, wrong = max(slowest, min(delays, default=period)), wrong + abs(len(delays) - 1)
            ax.axvline(change, color="0.8", lw=3, zorder=0)
        wrong += sum(alarm <= period for alarm in alarms)
        for alarm in alarms:
            ax.axvline(alarm, color="tab:red", lw=0.6, ls=":")
    ax.axhline(1 - NOISE, color="k", lw=0.8, ls=":")
    ax.set(xlabel="sample (grey: the law changes; red: alarm)", ylim=(0, 1))
    ax.set_title("Accuracy over the last 200 samples, each asked before it is learned")
    ax.legend(ncols=2, loc="lower right")
    save(figure, out)
    gain = figures["restarted: accuracy"] - figures["falling step: accuracy"]
    figures |= {"restarted above falling": gain, "slowest alarm": slowest, "false or missed alarms": wrong / streams}
    return figures


if __name__ == "__main__":
    run(main, __doc__, "drift", RESULT)
