"""Shows: why deep nets have shortcuts: two nets of the same depth and weights, with batch norm, with and without them.
Source: He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (2015), section 4.2 (6n + 2 layers).
Result: the deep residual net fits (loss at most half the deep plain one's) and reads 96 % of held-out digits.
"""

from __future__ import annotations

from _common import accuracy, batches, canvas, digits, run, save

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {
    "residual, deep: accuracy": (0.96, 1.0), "training loss, residual / plain, both deep": (0.0, 0.5),
    "training loss, plain: deep / shallow": (1.2, 1e4), "training loss, residual: deep / shallow": (0.0, 2.0),
}  # fmt: skip


def convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """3 x 3, then batch norm, which has the bias."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs))


class Block(nn.Module):
    """Two convolutions and, if ``shortcut``, what came in, thinned and zero-padded where maps shrink (option A)."""

    def __init__(self, inputs: int, outputs: int, stride: int, shortcut: bool) -> None:
        super().__init__()
        self.first, self.second = convolution(inputs, outputs, stride), convolution(outputs, outputs)
        self.stride, self.extra, self.shortcut = stride, outputs - inputs, shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """ReLU after the sum, as in the paper's figure 2."""
        y = self.second(self.first(x).relu())
        if self.shortcut:
            y = y + F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.extra))
        return y.relu()


def net(n: int, width: int, shortcut: bool) -> nn.Sequential:
    """6n + 2 layers: one convolution, three stages of n blocks (8 x 8, 4 x 4 and 2 x 2 pixels), mean, linear."""
    layers: list[nn.Module] = [convolution(1, width), nn.ReLU()]
    for stage in range(3):
        for k in range(n):
            halve = stage > 0 and k == 0
            layers.append(Block(width << stage - halve, width << stage, 1 + halve, shortcut))
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width * 4, 10))
    for m in model.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
    return model


def learn(model: nn.Module, x: torch.Tensor, y: torch.Tensor, epochs: int) -> tuple[list[float], list[float]]:
    """Training loss at each step, and the first step's gradient of each convolution; SGD as in the paper."""
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    schedule = nn.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=epochs * (len(x) // 128))
    losses, pulls = [], []
    for pick in batches(len(x), 128, epochs):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[pick]), y[pick])
        loss.backward()
        pulls.append([p.grad.norm().item() for p in model.parameters() if p.grad is not None and p.dim() == 4])
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses, pulls[0]


def main(small: bool = False, out: str = "runs/resnet") -> dict[str, float]:
    """Train shallow and deep nets, plain and residual."""
    x, y, t, labels = digits()
    width, epochs, depths = (8, 5, (1, 4)) if small else (16, 12, (1, 9))
    kinds = [(name, n) for n in depths for name in ("plain", "residual")]
    figure, (left, middle, right) = canvas(1, 3, 11, 3.2)
    end, reached = {}, {}
    for name, n in kinds:
        torch.manual_seed(0)
        model = net(n, width, name == "residual")
        losses, pull = learn(model, x, y, epochs)
        model.eval()
        with torch.no_grad():
            reached[name, n] = accuracy(model(t), labels)
        end[name, n] = sum(losses[-11:]) / 11  # the last epoch
        how = {"color": "tab:red" if name == "plain" else "tab:blue", "ls": "-" if n > 1 else ":"}
        left.semilogy(losses, lw=0.9, label=f"{name}, {6 * n + 2} layers", **how)
        right.semilogy(range(1, len(pull) + 1), pull, lw=0.9, **how)
    left.set(xlabel="step", title="Training loss")
    left.legend(fontsize=7)
    colours = ["tab:red", "tab:blue"] * 2
    bars = middle.barh([f"{name} {6 * n + 2}" for name, n in kinds], [100 * reached[k] for k in kinds], color=colours)
    middle.bar_label(bars, fmt="%.1f", label_type="center", color="white")
    middle.invert_yaxis()
    middle.set(title="Held-out digits read (%)")
    right.set(xlabel="convolution, first to last", title="Gradient of its weights, first step")
    save(figure, out)
    (shallow, deep), tiny = depths, 1e-4
    return {
        "residual, deep: accuracy": reached["residual", deep], "plain, deep: accuracy": reached["plain", deep],
        "training loss, residual / plain, both deep": end["residual", deep] / end["plain", deep],
        "training loss, plain: deep / shallow": end["plain", deep] / max(end["plain", shallow], tiny),
        "training loss, residual: deep / shallow": end["residual", deep] / max(end["residual", shallow], tiny),
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "resnet", RESULT)
