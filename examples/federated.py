"""Shows: ten clients with different digits train one net without showing their data, nor even their updates, to the server.
Source: McMahan et al., "Federated averaging" (2017); Shamir (1979) and Bonawitz et al. (2017): additive secret sharing.
Result: 85 % or more on held-out digits (the best client alone: below 60 %); the shared sum equals the plain sum to 1e-5.
"""

import numpy as np
from _common import accuracy, batches, canvas, digits, run, save

import autograd_core as torch
import nn
import nn.functional as F
from nn.utils import parameters_to_vector, vector_to_parameters

RESULT = {
    "federated accuracy": (0.85, 1.0), "best client alone": (0.1, 0.6), "secure sum against plain sum": (0, 1e-5),
    "likeness of a share to the update": (-0.1, 0.1),
}  # fmt: skip
SMALL = RESULT | {"federated accuracy": (0.6, 1.0)}
SCALE = 2**24  # updates become integers of this resolution, added modulo 2^64


def net() -> nn.Sequential:
    """64-32-10."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


def share(update: np.ndarray, parties: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Random integers that add up to the update modulo 2^64; any parties - 1 of them are pure noise."""
    secret = np.round(update.astype(np.float64) * SCALE).astype(np.int64).view(np.uint64)
    shares = [rng.integers(0, 2**64, size=update.shape, dtype=np.uint64) for _ in range(parties - 1)]
    return [*shares, secret - np.sum(shares, axis=0, dtype=np.uint64)]


def secure_sum(updates: list[np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Every client sends one share to every other; each adds what it got; the server adds the sums. Also one share, to look at."""
    sent = [share(update, len(updates), rng) for update in updates]
    received = [np.sum([row[j] for row in sent], axis=0, dtype=np.uint64) for j in range(len(updates))]
    total = np.asarray(np.sum(received, axis=0, dtype=np.uint64))
    return total.view(np.int64) / SCALE, sent[0][-1]


def local(model: nn.Module, x: torch.Tensor, y: torch.Tensor, epochs: int, seed: int) -> None:
    """A client's own training."""
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1)
    for pick in batches(len(x), 16, epochs, seed):
        optimizer.zero_grad()
        F.cross_entropy(model(x[pick]), y[pick]).backward()
        optimizer.step()


def main(small: bool = False, out: str = "runs/federated") -> dict[str, float]:
    """Each client holds three kinds of digits only."""
    x, y, t, labels = digits()
    rng, rounds = np.random.default_rng(0), 12 if small else 60
    kinds = [[k, (k + 3) % 10, (k + 7) % 10] for k in range(10)]
    owned = [torch.from_numpy(np.flatnonzero(np.isin(y.numpy(), held))) for held in kinds]
    owned = [part[torch.from_numpy(rng.permutation(len(part))[:120])] for part in owned]
    alone = []
    for part in owned:
        model = net()
        local(model, x[part], y[part], 10, 0)
        alone.append(accuracy(model(t), labels))
    server, curve, gap = net(), [], 0.0
    for k in range(rounds):
        start = parameters_to_vector(server.parameters()).detach().clone()
        updates = []
        for part in owned:
            client = net()
            client.load_state_dict(server.state_dict())
            local(client, x[part], y[part], 2, k)
            updates.append((parameters_to_vector(client.parameters()).detach() - start).numpy())
        total, seen = secure_sum(updates, rng)
        gap = max(gap, float(np.abs(total - np.sum(updates, axis=0)).max()))
        vector_to_parameters(start + torch.tensor(total / len(owned), dtype=torch.float32), server.parameters())
        curve.append(accuracy(server(t), labels))
    noise = seen.astype(np.float64)
    likeness = np.corrcoef(noise, updates[0])[0, 1]

    figure, (left, right) = canvas(1, 2, 9, 3)
    left.plot(curve, label="federated")
    left.axhline(max(alone), color="k", ls=":", label="best client alone")
    left.set(xlabel="round", ylabel="held-out accuracy", ylim=(0, 1), title="Ten clients, three kinds of digits each")
    left.legend()
    right.plot(updates[0], noise / 2**64, ".", ms=2)
    right.set(xlabel="client's update", ylabel="share that another party sees / 2^64", title=f"A share tells nothing (r = {likeness:.3f})")
    save(figure, out)
    return {
        "federated accuracy": curve[-1], "best client alone": max(alone), "secure sum against plain sum": gap,
        "likeness of a share to the update": float(likeness),
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "federated", RESULT, SMALL)
