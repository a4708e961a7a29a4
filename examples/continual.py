"""Shows: a net forgets its first task while it learns the second; elastic weight consolidation holds what mattered.
Source: Kirkpatrick et al., "Overcoming catastrophic forgetting in neural networks" (2017).
Result: accuracy on the first task falls by 15 points or more without, and by less than half of that with consolidation.
"""

from _common import accuracy, batches, canvas, digits, run, save

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {"forgetting, plain": (0.15, 1.0), "forgetting, consolidated / plain": (-0.2, 0.5), "second task, consolidated": (0.85, 1.0)}
SMALL = {"forgetting, plain": (0.1, 1.0), "forgetting, consolidated / plain": (-0.2, 0.7), "second task, consolidated": (0.7, 1.0)}


def importance(model: nn.Module, x: torch.Tensor, samples: int) -> list[torch.Tensor]:
    """Diagonal of the Fisher information: mean square of the gradient of log p at labels drawn from the model."""
    total = [torch.zeros_like(p) for p in model.parameters()]
    for i in range(samples):
        logits = model(x[i : i + 1])
        label = torch.multinomial(logits.detach().softmax(1), 1)[0]
        grads = torch.autograd.grad(F.cross_entropy(logits, label), list(model.parameters()))
        for t, g in zip(total, grads, strict=True):
            t += g**2 / samples
    return total


def main(small: bool = False, out: str = "runs/continual") -> dict[str, float]:
    """Task one: digits. Task two: the same digits with their pixels shuffled."""
    x, y, t, labels = digits()
    x, t = x.flatten(1), t.flatten(1)
    torch.manual_seed(0)
    shuffle = torch.randperm(64)
    curves: dict[str, tuple[list[float], list[float]]] = {}
    for name, strength in (("plain", 0.0), ("consolidated", 400.0)):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10))
        old: list[torch.Tensor] = []
        fisher: list[torch.Tensor] = []
        first, second = [], []
        for task in range(2):
            optimizer = nn.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
            inputs = x[:, shuffle] if task else x
            for step, pick in enumerate(batches(len(x), 32, 6 if small else 30, seed=task)):
                loss = F.cross_entropy(model(inputs[pick]), y[pick])
                for p, o, f in zip(model.parameters(), old, fisher, strict=False):
                    loss = loss + 0.5 * strength * (f * (p - o) ** 2).sum()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 5.0)
                optimizer.step()
                if step % 20 == 19:
                    with torch.no_grad():
                        first.append(accuracy(model(t), labels))
                        second.append(accuracy(model(t[:, shuffle]), labels))
            if task == 0:
                learnt = first[-1]
                old = [p.detach().clone() for p in model.parameters()]
                fisher = importance(model, x, 150 if small else 1000)
        curves[name] = first, second
    figure, axes = canvas(1, 2, 9.5, 3)
    for ax, k, title in ((axes[0], 0, "First task: digits"), (axes[1], 1, "Second task: shuffled digits")):
        for name, pair in curves.items():
            ax.plot(pair[k], label=name)
        ax.axvline(len(curves["plain"][0]) / 2 - 0.5, color="k", ls=":", lw=0.8)
        ax.set(title=title, ylim=(0, 1.02), xlabel="20 steps (the second task starts at the line)", ylabel="held-out accuracy")
        ax.legend()
    save(figure, out)
    lost = {name: learnt - pair[0][-1] for name, pair in curves.items()}
    return {
        "forgetting, plain": lost["plain"], "forgetting, consolidated / plain": lost["consolidated"] / lost["plain"],
        "second task, consolidated": curves["consolidated"][1][-1], "second task, plain": curves["plain"][1][-1],
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "continual", RESULT, SMALL)
