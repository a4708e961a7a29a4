"""Shows: matrix factorisation with biases guesses ratings, finds tastes that nobody told it, and recommends.
Source: Koren, Bell and Volinsky, "Matrix factorization techniques for recommender systems" (2009).
Result: 60 % of the way from damped means to the noise floor (RMSE), half of the way to the best top fives.
"""

import numpy as np
from _common import batches, canvas, run, save

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {"way to the noise floor": (0.6, 1), "way to the best top five": (0.5, 1)}
RANK, NOISE = 3, 0.4


class World:
    """Items of four genres, users who like some; a rating is mean + user + item + taste . content + noise."""

    def __init__(self, users: int, items: int, share: float, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.genre = rng.integers(4, size=items)
        centres = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
        content = 0.7 * centres[self.genre] + 0.3 * rng.standard_normal((items, RANK))
        taste = 0.5 * rng.standard_normal((users, RANK))
        quality, mood = 0.4 * rng.standard_normal(items), 0.4 * rng.standard_normal((users, 1))
        self.wish = 3.3 + mood + quality + taste @ content.T  # what each user would say, but for the noise
        stars = self.wish + NOISE * rng.standard_normal(self.wish.shape)
        popularity = rng.pareto(1.5, items) + 0.3  # a few items are rated by many
        seen = rng.random(stars.shape) < np.minimum(share * popularity / popularity.mean(), 0.9)
        self.users, self.items = (torch.from_numpy(i) for i in seen.nonzero())
        self.seen, self.stars = seen, torch.tensor(stars[seen], dtype=torch.float32)


class Factorisation(nn.Module):
    """mean + b_u + c_i + p_u . q_i"""

    def __init__(self, users: int, items: int, rank: int, mean: float) -> None:
        super().__init__()
        self.mean = mean
        self.user, self.item = nn.Embedding(users, rank), nn.Embedding(items, rank)
        self.user_bias, self.item_bias = nn.Embedding(users, 1), nn.Embedding(items, 1)
        for table in (self.user, self.item, self.user_bias, self.item_bias):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, u: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
        """Stars that users u give to items i."""
        return self.mean + (self.user_bias(u) + self.item_bias(i))[:, 0] + (self.user(u) * self.item(i)).sum(1)


def means(world: World, train: torch.Tensor, damping: float = 5.0) -> np.ndarray:
    """Overall mean + damped item mean + damped user mean of the rest: (users, items)."""
    u, i, stars = (v[train].numpy() for v in (world.users, world.items, world.stars))
    rest, (users, items) = stars - stars.mean(), world.wish.shape
    item = np.bincount(i, rest, items) / (np.bincount(i, minlength=items) + damping)
    user = np.bincount(u, rest - item[i], users) / (np.bincount(u, minlength=users) + damping)
    return stars.mean() + user[:, None] + item


def fit(world: World, train: torch.Tensor, test: torch.Tensor, rank: int, epochs: int) -> tuple[Factorisation, list]:
    """Squared error + L2 on what a rating touches (the paper's equation 5); test RMSE after each epoch."""
    torch.manual_seed(0)
    model = Factorisation(len(world.wish), len(world.genre), rank, world.stars[train].mean().item())
    optimizer = nn.optim.Adam(model.parameters(), lr=0.02)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    history = []
    for epoch in range(epochs):
        for pick in batches(len(train), 512, seed=epoch):
            u, i = world.users[train[pick]], world.items[train[pick]]
            size = sum((table(k) ** 2).sum(1).mean() for table, k in ((model.user, u), (model.item, i)))
            optimizer.zero_grad()
            (F.mse_loss(model(u, i), world.stars[train[pick]]) + 0.02 * size).backward()
            optimizer.step()
        schedule.step()
        guess = model(world.users[test], world.items[test]).detach()
        history.append(F.mse_loss(guess, world.stars[test]).sqrt().item())
    return model, history


def main(small: bool = False, out: str = "runs/recommender") -> dict[str, float]:
    """Guess the held-out fifth of the ratings; recommend five unseen items to everybody."""
    world = World(500, 250, 0.2) if small else World(1000, 500, 0.1)
    order = torch.from_numpy(np.random.default_rng(1).permutation(len(world.stars)))
    test, train = order[: len(order) // 5], order[len(order) // 5 :]
    u, i, truth = (v[test].numpy() for v in (world.users, world.items, world.stars))

    epochs, ranks = (25, (RANK,)) if small else (40, (1, 2, RANK, 8))
    curves = {rank: fit(world, train, test, rank, epochs) for rank in ranks}
    model = curves[RANK][0]
    p, q, b, c = (v.detach() for v in model.parameters())
    factorised = (model.mean + b + c.T + p @ q.T).numpy()
    overall, plain = np.full_like(world.wish, model.mean), means(world, train)
    scores = {"overall mean": overall, "means": plain, "factorisation": factorised, "noise floor": world.wish}
    rmse = {name: float(np.sqrt(np.mean((table[u, i] - truth) ** 2))) for name, table in scores.items()}
    worth = {}
    for name, table in scores.items():
        five = np.argsort(np.where(world.seen, -np.inf, table), axis=1)[:, -5:]
        worth[name] = float(np.take_along_axis(world.wish, five, 1).mean())

    figure, (left, middle, right) = canvas(1, 3, 11, 3.4)
    for rank, (_, curve) in curves.items():
        left.plot(range(1, epochs + 1), curve, label=f"rank {rank}")
    left.axhline(rmse["means"], color="k", ls="--", lw=1, label="means")
    left.axhline(rmse["noise floor"], color="k", ls=":", lw=1, label="noise floor")
    left.set(xlabel="epoch", title="Error on held-out ratings (RMSE)", ylim=(0.35, 1))
    left.legend(fontsize=8, ncols=2)
    middle.bar(["any five", "means", "factorisation", "best"], worth.values(), color=["0.7", "0.5", "C0", "C2"])
    middle.set(title="True worth of the five recommended", ylim=(3, None), ylabel="stars")
    plane = q @ torch.linalg.svd(q - q.mean(0), full_matrices=False)[2].T[:, :2]
    right.scatter(*plane.numpy().T, c=world.genre, cmap="tab10", s=10)
    right.set(title="Learned items, by hidden genre", xticks=(), yticks=())
    save(figure, out)

    ways = {"way to the noise floor": rmse, "way to the best top five": worth}
    figures = {name: (x["factorisation"] - x["means"]) / (x["noise floor"] - x["means"]) for name, x in ways.items()}
    return figures | {f"RMSE, {name}": value for name, value in rmse.items()}


if __name__ == "__main__":
    run(main, __doc__, "recommender", RESULT)
