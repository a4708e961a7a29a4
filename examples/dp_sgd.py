"""Shows: training with differential privacy: each sample's gradient clipped, noise added, the privacy loss accounted.
Source: Abadi et al., "Deep learning with differential privacy" (2016); Mironov, Talwar and Zhang, "RDP of the sampled Gaussian" (2019).
Result: at least 80 % on held-out digits at epsilon < 8, delta 1e-4; per-sample gradients equal one-by-one gradients to 1e-6.
"""

import math

import numpy as np
from _common import accuracy, batches, canvas, digits, run, save

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {
    "private accuracy": (0.80, 1.0), "epsilon": (0.1, 8.0), "ordinary accuracy": (0.93, 1.0), "per-sample gradients: gap": (0, 1e-6),
    "largest sample norm after clipping": (0.5, 1.00001), "accountant against the closed form (q = 1)": (0, 1e-6),
}  # fmt: skip
SMALL = RESULT | {"private accuracy": (0.5, 1.0), "ordinary accuracy": (0.8, 1.0)}
ORDERS, DELTA = range(2, 65), 1e-4


def rdp(q: float, sigma: float, order: int) -> float:
    """Renyi divergence of one step of the Gaussian mechanism on a Poisson sample (Mironov et al., integer orders)."""
    terms = [
        math.log(math.comb(order, k)) + (order - k) * math.log1p(-q) + k * math.log(q) + (k * k - k) / (2 * sigma**2)
        for k in range(order + 1)
    ]
    top = max(terms)
    return (top + math.log(sum(math.exp(t - top) for t in terms))) / (order - 1)


def epsilon(q: float, sigma: float, steps: int) -> float:
    """The smallest epsilon over the orders, at DELTA."""
    return min(steps * rdp(q, sigma, a) + math.log(1 / DELTA) / (a - 1) for a in ORDERS)


def sample_gradients(w: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> list[torch.Tensor]:
    """Gradients of every sample at once: each sample gets its own copy of the weights, and the losses are summed."""
    copies = [v.detach().expand(len(x), *v.shape).clone().requires_grad_() for v in w]
    h = (torch.einsum("ni,nio->no", x, copies[0]) + copies[1]).tanh()
    logits = torch.einsum("ni,nio->no", h, copies[2]) + copies[3]
    return list(torch.autograd.grad(F.cross_entropy(logits, y, reduction="sum"), copies))


def logits_of(w: list[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """The net, with common weights."""
    return (x @ w[0] + w[1]).tanh() @ w[2] + w[3]


def init() -> list[torch.Tensor]:
    """A 64-24-10 net."""
    torch.manual_seed(0)
    return [0.12 * torch.randn(64, 24), torch.zeros(24), 0.2 * torch.randn(24, 10), torch.zeros(10)]


def main(small: bool = False, out: str = "runs/dp_sgd") -> dict[str, float]:
    """Private and ordinary training of the same net."""
    x, y, t, labels = digits()
    x, t = x.flatten(1) - 0.3, t.flatten(1) - 0.3
    w, clip, sigma, q, steps = init(), 1.0, 2.5, 0.15, 60 if small else 400
    grads = sample_gradients(w, x[:8], y[:8])
    gap = 0.0
    for i in range(8):
        own = [v.clone().requires_grad_() for v in w]
        one = torch.autograd.grad(F.cross_entropy(logits_of(own, x[i : i + 1]), y[i : i + 1]), own)
        gap = max(gap, max((a[i] - b).abs().max().item() for a, b in zip(grads, one, strict=True)))

    rng, trace, largest = np.random.default_rng(0), [], 0.0
    speed = [torch.zeros_like(v) for v in w]
    for step in range(steps):
        pick = torch.from_numpy(np.flatnonzero(rng.random(len(x)) < q))  # Poisson sampling, as the accountant assumes
        grads = sample_gradients(w, x[pick], y[pick])
        norm = torch.stack([g.flatten(1).square().sum(1) for g in grads]).sum(0).sqrt()
        factor = (clip / norm.clamp(min=1e-9)).clamp(max=1.0)
        largest = max(largest, (norm * factor).max().item())
        for v, g, m in zip(w, grads, speed, strict=True):
            total = (g * factor.reshape(-1, *[1] * (g.dim() - 1))).sum(0) + sigma * clip * torch.randn_like(v)
            m.mul_(0.9).add_(total / (q * len(x)))
            v -= (0.5 if small else 0.2) * m
        if step % 10 == 9:
            trace.append((epsilon(q, sigma, step + 1), accuracy(logits_of(w, t), labels)))
    plain = [v.requires_grad_() for v in init()]
    optimizer = nn.optim.SGD(plain, lr=0.2, momentum=0.9)
    for pick in batches(len(x), 64, 3 if small else 15):
        optimizer.zero_grad()
        F.cross_entropy(logits_of(plain, x[pick]), y[pick]).backward()
        optimizer.step()
    ordinary = accuracy(logits_of(plain, t), labels)

    figure, ax = canvas(1, 1, 7, 3.2)
    ax.plot(*np.array(trace).T, ".-", label=f"private, noise {sigma}")
    ax.axhline(ordinary, color="k", ls=":", label="ordinary training")
    ax.set(xlabel=f"privacy loss epsilon (delta = {DELTA:g})", ylabel="held-out accuracy", title="What privacy costs", ylim=(0, 1))
    ax.legend()
    save(figure, out)
    return {
        "private accuracy": trace[-1][1], "epsilon": epsilon(q, sigma, steps), "ordinary accuracy": ordinary,
        "per-sample gradients: gap": gap,
        "largest sample norm after clipping": largest,
        "accountant against the closed form (q = 1)": abs(rdp(1 - 1e-12, sigma, 8) - 8 / (2 * sigma**2)),
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "dp_sgd", RESULT, SMALL)
