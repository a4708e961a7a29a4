"""Shows: deep Q-learning with replay and a target network balances a pole.
Source: Mnih et al., "Human-level control through deep reinforcement learning" (2015).
Result: the median seed's greedy policy holds the pole 150 of 200 steps or more (chance: about 20); without the target net under 60.
"""

from __future__ import annotations

import copy

import numpy as np
from _common import canvas, run, save
from policy_gradient import CartPoles
from ppo import LIMIT, POLES, Stream

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {"replay and target: steps held": (150, 200), "no target net: steps held": (8, 60)}
DISCOUNT, BATCH = 0.98, 64


class Replay:
    """The last transitions, overwritten in turn."""

    def __init__(self, capacity: int, rng: np.random.Generator) -> None:
        pair = np.zeros((2, capacity, 4), np.float32)
        self.columns = [pair[0], pair[1], np.zeros(capacity, int), np.zeros(capacity, bool)]
        self.count, self.capacity, self.rng = 0, capacity, rng

    def add(self, *rows: np.ndarray) -> None:
        """States, the states reached, actions, and whether the pole fell."""
        at = np.arange(self.count, self.count + len(rows[0])) % self.capacity
        for column, row in zip(self.columns, rows, strict=True):
            column[at] = row
        self.count += len(rows[0])

    def draw(self, size: int) -> list[torch.Tensor]:
        """Transitions drawn evenly, so that a batch is not a run of neighbours."""
        at = self.rng.integers(min(self.count, self.capacity), size=size)
        return [torch.from_numpy(column[at]) for column in self.columns]


@torch.no_grad()
def hold(net: nn.Module, count: int = 100) -> float:
    """Mean steps that the greedy policy holds fresh poles."""
    env, alive, steps = CartPoles(count, 77), np.ones(count, bool), 0
    for _ in range(LIMIT):
        steps += alive.sum()
        alive &= env.step(net(torch.from_numpy(env.state.astype(np.float32))).argmax(1).numpy())
    return float(steps / count)


def learn(seed: int, steps: int, keep: int = 20_000, wait: int = 100) -> list[float]:
    """Steps held by the greedy policy after each twentieth of the steps; the target net is renewed every ``wait`` steps."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    target, stream, replay, held = copy.deepcopy(net), Stream(seed), Replay(keep, rng), list[float]()
    optimizer = nn.optim.Adam(net.parameters(), lr=2e-3)
    schedule = nn.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, steps)
    for step in range(1, steps + 1):
        state = stream.env.state.astype(np.float32)
        with torch.no_grad():
            greedy = net(torch.from_numpy(state)).argmax(1).numpy()
        explore = max(0.02, 1 - 4 * step / steps)
        action = np.where(rng.random(POLES) < explore, rng.integers(2, size=POLES), greedy)
        reached, fell, _ = stream.step(action)
        replay.add(state, reached, action, fell)
        s, after, a, end = replay.draw(BATCH)
        with torch.no_grad():
            aim = 1 + DISCOUNT * target(after).amax(1) * ~end
        loss = F.smooth_l1_loss(net(s).gather(1, a[:, None])[:, 0], aim)  # the paper clips the error to [-1, 1]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % wait == 0:
            target.load_state_dict(net.state_dict())
        if step % (steps // 20) == 0:
            held.append(hold(net))
    return held


def main(small: bool = False, out: str = "runs/dqn") -> dict[str, float]:
    """Learning curves over seeds: all of it, and with the replay or the target network taken away."""
    seeds, steps = (1, 2000) if small else (5, 2000)
    figures = {}
    figure, axes = canvas(1, 3, 10.5, 3)
    ways: dict[str, dict[str, int]] = {"replay and target": {}, "no target net": {"wait": 1}, "the last 256 only": {"keep": 256}}
    for ax, (name, how) in zip(axes, ways.items(), strict=True):
        span = 600 if small and how else steps
        curves = np.array([learn(seed, span, **how) for seed in range(seeds)])
        figures[f"{name}: steps held"] = float(np.median(curves[:, -5:].mean(1)))
        at = np.linspace(0, span * POLES / 1000, 21)[1:]
        ax.plot(at, curves.T, lw=0.8, color="tab:blue", alpha=0.5)
        ax.plot(at, np.median(curves, 0), "k", lw=1.2)
        ax.axhline(20, color="tab:red", ls=":", label="random policy")
        ax.set(title=f"{name}: {figures[f'{name}: steps held']:.0f}", xlabel="thousand transitions", ylim=(0, 205))
    axes[0].legend(loc="lower right")
    axes[0].set_ylabel("steps held by the greedy policy")
    save(figure, out)
    return figures


if __name__ == "__main__":
    run(main, __doc__, "dqn", RESULT)
