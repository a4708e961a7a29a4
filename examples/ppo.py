"""Shows: proximal policy optimisation learns to balance a pole: many careful steps on each batch of experience.
Source: Schulman et al., "Proximal policy optimization algorithms" (2017); "Generalized advantage estimation" (2016).
Result: the median of the seeds holds the pole 190 of 200 steps or more; a random policy holds about 20.
"""

from __future__ import annotations

import numpy as np
from _common import canvas, run, save
from policy_gradient import CartPoles, play

import autograd_core as torch
import nn
from nn.distributions import Categorical

RESULT = {"median of steps held": (190, 200), "worst seed": (150, 200), "random policy": (8, 40)}
SMALL = RESULT | {"median of steps held": (150, 200), "worst seed": (110, 200)}
LIMIT, POLES, STEPS, DISCOUNT, TRACE, CLIP = 200, 16, 64, 0.99, 0.95, 0.2


class ActorCritic(nn.Module):
    """A policy and a value, each with its own hidden layers; orthogonal start, the policy near chance."""

    def __init__(self) -> None:
        super().__init__()
        self.actor = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2))
        self.critic = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
        for net, last in ((self.actor, 0.01), (self.critic, 1.0)):
            for place, gain in ((0, 2**0.5), (2, 2**0.5), (4, last)):
                nn.init.orthogonal_(net[place].weight, gain)

    def forward(self, s: torch.Tensor) -> tuple[Categorical, torch.Tensor]:
        """States (N, 4) to the distribution of actions and the values (N,)."""
        return Categorical(logits=self.actor(s)), self.critic(s)[:, 0]


class Stream:
    """Cart-poles that begin anew when they fall or reach the limit, so that experience never stops."""

    def __init__(self, seed: int) -> None:
        self.env, self.rng, self.age = CartPoles(POLES, seed), np.random.default_rng(seed), np.zeros(POLES, int)
        self.finished = list[int]()

    def step(self, action: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns the states reached, which poles fell, and which episodes are over (fallen or at the limit)."""
        fell, self.age = ~self.env.step(action), self.age + 1
        over, reached = fell | (self.age == LIMIT), self.env.state.astype(np.float32)
        self.finished += self.age[over].tolist()
        self.env.state[over] = self.rng.uniform(-0.05, 0.05, (over.sum(), 4))
        self.age[over] = 0
        return reached, fell, over


@torch.no_grad()
def collect(net: ActorCritic, stream: Stream) -> tuple[torch.Tensor, ...]:
    """States, actions, their log-probabilities, advantages and returns of 64 steps of all poles, flattened."""
    rows = []
    for _ in range(STEPS):
        s = stream.env.state.astype(np.float32)
        policy, value = net(torch.from_numpy(s))
        a = policy.sample()
        reached, fell, over = stream.step(a.numpy())
        after = net(torch.from_numpy(reached))[1].numpy() * ~fell  # a pole at the limit would have gone on
        error = 1 + DISCOUNT * after - value.numpy()
        rows.append((s, a.numpy(), policy.log_prob(a).numpy(), value.numpy(), error, over))
    s, a, log_prob, value, error, over = (np.stack(column) for column in zip(*rows, strict=True))
    advantage, total = np.zeros_like(error), np.zeros(POLES, np.float32)
    for t in reversed(range(STEPS)):
        advantage[t] = total = error[t] + DISCOUNT * TRACE * total * ~over[t]
    return tuple(torch.from_numpy(v.reshape(POLES * STEPS, -1).squeeze()) for v in (s, a, log_prob, advantage, advantage + value))


def learn(seed: int, rounds: int, passes: int) -> tuple[list[float], float]:
    """Mean steps held by the episodes that ended in each round of 1024 steps, and of 100 fresh ones at the end."""
    torch.manual_seed(seed)
    net, stream, held = ActorCritic(), Stream(seed), list[float]()
    optimizer = nn.optim.Adam(net.parameters(), lr=2.5e-3, eps=1e-5)
    schedule = nn.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, rounds)
    for _ in range(rounds):
        states, actions, before, advantages, returns = collect(net, stream)
        for _ in range(passes):
            for part in torch.randperm(POLES * STEPS).split(256):
                policy, value = net(states[part])
                ratio = (policy.log_prob(actions[part]) - before[part]).exp()
                gain = (advantages[part] - advantages[part].mean()) / (advantages[part].std() + 1e-8)
                surrogate = torch.minimum(ratio * gain, ratio.clamp(1 - CLIP, 1 + CLIP) * gain)  # the paper's equation 7
                loss = -surrogate.mean() + 0.5 * nn.functional.mse_loss(value, returns[part]) - 0.01 * policy.entropy().mean()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(net.parameters(), 0.5)
                optimizer.step()
        schedule.step()
        held.append(float(np.mean(stream.finished or [LIMIT])))
        stream.finished = []
    return held, float(play(net.actor, 100, 1000 + seed)[2].sum(0).mean())


def main(small: bool = False, out: str = "runs/ppo") -> dict[str, float]:
    """Learning curves over seeds, and what a single pass over each batch makes of the same experience."""
    torch.manual_seed(0)
    random = float(play(ActorCritic().actor, 200, 0)[2].sum(0).mean())
    seeds, rounds = (2, 20) if small else (5, 50)
    ends, (figure, axes) = {}, canvas(1, 2, 9.5, 3.2)
    for ax, passes in zip(axes, (4, 1), strict=True):
        runs = [learn(seed, rounds, passes) for seed in range(seeds if passes > 1 or not small else 1)]
        curves, ends[passes] = zip(*runs, strict=True)
        experience = np.arange(1, rounds + 1) * POLES * STEPS / 1000
        ax.plot(experience, np.array(curves).T, lw=0.8, color="tab:blue", alpha=0.5)
        ax.plot(experience, np.median(curves, 0), "k", lw=1.2, label="median of the seeds")
        ax.axhline(random, color="tab:red", ls=":", label="random policy")
        ax.set(xlabel="thousand steps of experience", ylabel="steps held", ylim=(0, 205))
        ax.set_title(f"passes over each batch: {passes}; at the end {np.median(ends[passes]):.0f}")
        ax.legend(loc="lower right")
    save(figure, out)
    median, once = (float(np.median(ends[passes])) for passes in (4, 1))
    return {"median of steps held": median, "worst seed": min(ends[4]), "random policy": random, "one pass a batch": once}


if __name__ == "__main__":
    run(main, __doc__, "ppo", RESULT, SMALL)
