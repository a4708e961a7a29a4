"""Shows: on the cliff walk SARSA learns the safe way round and Q-learning the short way along the edge, from which it falls.
Source: Sutton and Barto, "Reinforcement learning" (2018), example 6.6; semi-gradient steps as in their chapter 10.
Result: Q-learning's greedy path takes the optimal 13 steps at the edge, SARSA's keeps off it; yet while exploring SARSA earns more.
"""

from __future__ import annotations

import numpy as np
from _common import canvas, run, save

import autograd_core as torch
import nn

RESULT = {
    "Q-learning: steps of the greedy path": (13, 13), "SARSA: steps of the greedy path": (15, 17),
    "Q-learning: steps beside the cliff": (10, 10), "SARSA: steps beside the cliff": (0, 1),
    "Q-learning: reward while learning": (-70, -35), "SARSA: reward while learning": (-35, -15),
}  # fmt: skip
SMALL = RESULT | {"SARSA: reward while learning": (-40, -15)}  # learning is not over after 160 episodes
ROWS, COLUMNS, START, GOAL = 4, 12, 36, 47
MOVES = np.array([(-1, 0), (1, 0), (0, -1), (0, 1)])


def step(state: np.ndarray, action: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Move in the grid: -1 a step; the cliff costs 100 and sends back to the start."""
    row, column = np.stack(np.divmod(state, COLUMNS)) + MOVES[action].T
    after = row.clip(0, ROWS - 1) * COLUMNS + column.clip(0, COLUMNS - 1)
    fell = (after > START) & (after < GOAL)
    return np.where(fell, START, after), np.where(fell, -100.0, -1.0).astype(np.float32)


def learn(kind: str, runs: int, episodes: int, rate: float = 0.5, explore: float = 0.1) -> tuple[np.ndarray, torch.Tensor]:
    """Reward of each episode (runs, episodes) and the mean of the runs' action values (48, 4).

    The value is linear in the one-hot state, each run with weights of its own: an embedding with sparse gradients.
    """
    rng, every = np.random.default_rng(0), np.arange(runs)
    q = nn.Embedding(runs * ROWS * COLUMNS, 4, sparse=True)
    nn.init.zeros_(q.weight)
    optimizer = nn.optim.SGD(q.parameters(), lr=rate)
    rewards, done, state = np.zeros((runs, episodes + 1)), np.zeros(runs, int), np.full(runs, START)

    def choose(values: torch.Tensor) -> np.ndarray:
        best = (values.detach().numpy() + 1e-6 * rng.random((runs, 4))).argmax(1)  # ties broken by chance
        return np.where(rng.random(runs) < explore, rng.integers(4, size=runs), best)

    action = choose(q(torch.from_numpy(every * 48 + state)))
    for _ in range(60 * episodes):
        if done.min() == episodes:
            break
        after, reward = step(state, action)
        values = q(torch.from_numpy(every * 48 + state))
        with torch.no_grad():
            ahead = q(torch.from_numpy(every * 48 + after))
        following = choose(ahead)
        goal = after == GOAL
        best = ahead.amax(1) if kind == "Q-learning" else ahead[every, following]  # the only difference
        aim = torch.from_numpy(reward) + best * torch.from_numpy(~goal)
        loss = ((aim - values[every, action]) ** 2).sum() / 2  # semi-gradient: the aim is held fixed
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rewards[every, done] += reward
        done = np.minimum(done + goal, episodes)
        state = np.where(goal, START, after)
        action = np.where(goal, choose(q(torch.from_numpy(every * 48 + state))), following)
    return rewards[:, :-1], q.weight.detach().view(runs, ROWS * COLUMNS, 4).mean(0)


def walk(q: torch.Tensor) -> list[int]:
    """The greedy path from the start, at most 40 steps."""
    path = [START]
    while path[-1] != GOAL and len(path) <= 40:
        path.append(int(step(np.array(path[-1:]), q[path[-1]].argmax().numpy()[None])[0][0]))
    return path


def main(small: bool = False, out: str = "runs/sarsa") -> dict[str, float]:
    """Both on the same walk; curves, paths, arrows."""
    runs, episodes = (12, 160) if small else (100, 500)
    figures = {}
    figure, axes = canvas(1, 3, 11, 3)
    for ax, kind, colour in ((axes[1], "SARSA", "tab:blue"), (axes[2], "Q-learning", "tab:red")):
        rewards, q = learn(kind, runs, episodes)
        curve = np.convolve(rewards.mean(0), np.ones(10) / 10, "valid")
        axes[0].plot(range(10, episodes + 1), curve, color=colour, lw=0.9, label=kind)
        path = walk(q)
        figures[f"{kind}: reward while learning"] = float(rewards[:, -60 if small else -300 :].mean())
        figures[f"{kind}: steps of the greedy path"] = len(path) - 1
        figures[f"{kind}: steps beside the cliff"] = sum(24 < s < 35 for s in path)

        value = q.amax(1).numpy().copy()
        value[START + 1 : GOAL] = np.nan
        ax.imshow(value.reshape(ROWS, COLUMNS), cmap="YlGn", vmin=-20, vmax=0)
        ax.set_facecolor("0.3")
        best = MOVES[q.argmax(1).numpy()] * 0.3
        for s in [*range(START + 1), GOAL]:
            row, column = divmod(s, COLUMNS)
            if s != GOAL:
                ax.arrow(column - best[s, 1] / 2, row - best[s, 0] / 2, best[s, 1], best[s, 0], head_width=0.2, color="0.4", lw=0.5)
        ax.plot(*np.divmod(path, COLUMNS)[::-1], color=colour, lw=2.5, alpha=0.6)
        ax.text(5.5, 3, "the cliff", color="w", ha="center", va="center")
        ax.text(0, 3, "S", ha="center", va="center", weight="bold")
        ax.text(11, 3, "G", ha="center", va="center", weight="bold")
        ax.set(title=f"{kind}: greedy path, {len(path) - 1} steps", xticks=[], yticks=[])
    axes[0].set(xlabel="episode", ylabel="sum of rewards", title=f"While learning, mean of {runs} runs", ylim=(-120, 0))
    axes[0].legend()
    save(figure, out)
    return figures


if __name__ == "__main__":
    run(main, __doc__, "sarsa", RESULT, SMALL)
