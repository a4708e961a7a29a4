"""Shows: REINFORCE and an actor-critic balancing a pole, several seeds, on a cart-pole written in plain NumPy.
Source: Williams, "Simple statistical gradient-following algorithms" (1992); Barto, Sutton and Anderson (1983) for the cart-pole.
Result: both hold the pole for 150 of 200 steps or more (a random policy: about 20), as the median over three seeds.
"""

import math

import numpy as np
from _common import canvas, run, save

import autograd_core as torch
import nn
import nn.functional as F
from nn.distributions import Categorical

RESULT = {"REINFORCE: steps held": (150, 200), "actor-critic: steps held": (150, 200), "random policy: steps held": (8, 40)}
SMALL = {"REINFORCE: steps held": (80, 200), "actor-critic: steps held": (80, 200), "random policy: steps held": (8, 40)}


class CartPoles:
    """Many cart-poles at once; the equations of Barto, Sutton and Anderson, Euler steps of 0.02 s."""

    def __init__(self, count: int, seed: int) -> None:
        self.state = np.random.default_rng(seed).uniform(-0.05, 0.05, (count, 4))

    def step(self, action: np.ndarray) -> np.ndarray:
        """Push left (0) or right (1) with 10 N; returns which poles still stand."""
        _, v, angle, spin = self.state.T
        c, s = np.cos(angle), np.sin(angle)
        push = (20.0 * action - 10 + 0.05 * spin**2 * s) / 1.1
        turn = (9.8 * s - c * push) / (0.5 * (4 / 3 - 0.1 * c**2 / 1.1))
        rate = np.stack([v, push - 0.05 * turn * c / 1.1, spin, turn], 1)
        self.state = self.state + 0.02 * rate
        return (np.abs(self.state[:, 0]) < 2.4) & (np.abs(self.state[:, 2]) < math.radians(12))


def play(policy: nn.Module, count: int, seed: int, limit: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """States, actions and a mask of living steps, each (steps, count, ...)."""
    env, alive = CartPoles(count, seed), np.ones(count, bool)
    states: list[np.ndarray] = []
    actions, masks = [], []
    while alive.any() and len(states) < limit:
        states.append(env.state.astype(np.float32))
        with torch.no_grad():
            actions.append(Categorical(logits=policy(torch.from_numpy(states[-1]))).sample().numpy())
        masks.append(alive)
        alive = alive & env.step(actions[-1])
    return np.array(states), np.array(actions), np.array(masks)


def learn(kind: str, rounds: int, seed: int) -> list[float]:
    """Mean steps held in each round of 16 episodes."""
    torch.manual_seed(seed)
    policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
    critic = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 1))
    over_policy, over_critic = nn.optim.Adam(policy.parameters(), lr=0.02), nn.optim.Adam(critic.parameters(), lr=0.02)
    held = []
    for k in range(rounds):
        states, actions, alive = play(policy, 16, 1000 * seed + k)
        held.append(float(alive.sum(0).mean()))
        returns, total = np.zeros(alive.shape, np.float32), np.zeros(16)
        for t in reversed(range(len(alive))):
            total = alive[t] * (1 + 0.98 * total)
            returns[t] = total
        s, a = torch.from_numpy(states[alive]), torch.from_numpy(actions[alive])
        g = torch.from_numpy(returns[alive])
        if kind == "actor-critic":  # the critic's value is the baseline; it learns from the same returns
            for _ in range(5):
                over_critic.zero_grad()
                F.smooth_l1_loss(critic(s)[:, 0], g).backward()
                over_critic.step()
            advantage = g - critic(s)[:, 0].detach()
        else:
            advantage = g - g.mean()
        advantage = advantage / (advantage.std() + 1e-6)
        chosen = Categorical(logits=policy(s))
        loss = -(chosen.log_prob(a) * advantage).mean() - 0.003 * chosen.entropy().mean()
        over_policy.zero_grad()
        loss.backward()
        over_policy.step()
    return held


def main(small: bool = False, out: str = "runs/policy_gradient") -> dict[str, float]:
    """Learning curves of both over seeds."""
    torch.manual_seed(0)
    start = nn.Linear(4, 2)
    nn.init.zeros_(start.weight)
    nn.init.zeros_(start.bias)
    figures = {"random policy: steps held": float(play(start, 200, 0)[2].sum(0).mean())}
    figure, axes = canvas(1, 2, 9, 3)
    for ax, kind in zip(axes, ("REINFORCE", "actor-critic"), strict=True):
        curves = np.array([learn(kind, 14 if small else 120, seed) for seed in range(1 if small else 3)])
        ax.plot(curves.T, lw=0.8, color="tab:blue", alpha=0.5)
        ax.plot(np.median(curves, 0), "k", lw=1.2)
        ax.axhline(figures["random policy: steps held"], color="tab:red", ls=":", label="random policy")
        ax.set(title=f"{kind}: seeds and their median", xlabel="round of 16 episodes", ylabel="steps held", ylim=(0, 205))
        ax.legend(loc="upper left")
        figures[f"{kind}: steps held"] = float(np.median(curves[:, -5:].mean(1)))
    save(figure, out)
    return figures


if __name__ == "__main__":
    run(main, __doc__, "policy_gradient", RESULT, SMALL)
