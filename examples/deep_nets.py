"""Shows: gradients that vanish and explode in nets of 50 to 100 layers, and what cures them; the gradient-flow picture.
Source: Hochreiter (1991); Glorot and Bengio (2010); He et al. (2015, 2016); Saxe et al. (2014); Ioffe and Szegedy (2015); Pascanu (2013).
Result: first/last gradient < 1e-6 before, 1e-2 to 1e2 after; 100 residual layers read >= 90 % of digits, 100 plain ones < 30 %.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from _common import accuracy, batches, canvas, digits, run, save

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {  # batch norm alone makes gradients grow (Yang et al. 2019)
    "sigmoid: first / last gradient": (0, 1e-6), "ReLU, N(0, 0.05): first / last gradient": (0, 1e-6),
    "too large: first / last gradient": (1e3, math.inf), "ReLU, He: first / last gradient": (1e-2, 1e2),
    "tanh, orthogonal: first / last gradient": (1e-2, 1e2), "batch norm: first / last gradient": (1e2, 1e7),
    "layer norm: first / last gradient": (1e-2, 1e2), "residual: first / last gradient": (1e-2, 1e2),
    "100 plain layers": (0, 0.3), "100 residual layers": (0.9, 1.0), "largest gradient norm after clipping": (0.99, 1.0001),
    "loss with clipping / without": (0, 0.5),
}  # fmt: skip
SMALL = RESULT | {"100 residual layers": (0.6, 1.0)}
WIDTH = 32


class Deep(nn.Module):
    """``depth`` equal layers between two linear ones; residual adds each layer's input to its output."""

    def __init__(self, depth: int, act: Callable, init: Callable, norm: type | None = None, residual: bool = False) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(64, WIDTH), nn.Linear(WIDTH, 10)
        self.layers = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(depth))
        self.norms = nn.ModuleList((norm(WIDTH) if norm else nn.Identity()) for _ in range(depth))
        self.act, self.residual = act, residual
        for layer in self.layers:
            init(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images to logits."""
        x = self.first(x.flatten(1))
        for layer, norm in zip(self.layers, self.norms, strict=True):
            # pre-activation order in residual layers, so that the identity path is free
            x = x + layer(self.act(norm(x))) if self.residual else self.act(norm(layer(x)))
        return self.last(x)


he = partial(nn.init.kaiming_normal_, nonlinearity="relu")
NETS: dict[str, tuple] = {  # activation, initialisation, norm, residual
    "sigmoid": (torch.sigmoid, nn.init.xavier_uniform_),
    "ReLU, N(0, 0.05)": (torch.relu, lambda w: nn.init.normal_(w, std=0.05)),
    "too large": (F.leaky_relu, lambda w: nn.init.normal_(w, std=2.5 / math.sqrt(WIDTH))),
    "tanh, orthogonal": (torch.tanh, lambda w: nn.init.orthogonal_(w, 1.05)),
    "ReLU, He": (torch.relu, he),
    "batch norm": (torch.relu, he, nn.BatchNorm1d),
    "layer norm": (torch.relu, he, nn.LayerNorm),
    "residual": (torch.relu, lambda w: nn.init.normal_(w, std=0.1 / math.sqrt(WIDTH)), None, True),
}


def flow(model: Deep, x: torch.Tensor, y: torch.Tensor) -> list[float]:
    """Norm of the loss's gradient at each layer's output, first layer first."""
    norms: list[float] = []
    for layer in model.layers:
        layer.register_full_backward_hook(lambda module, grad_input, grad_output: norms.append(grad_output[0].norm().item()))
    F.cross_entropy(model(x), y).backward()
    return norms[::-1]


def train(model: nn.Module, data: tuple, epochs: int, make: Any, clip: float = math.inf) -> tuple[float, float, float]:
    """Held-out accuracy, last loss, largest norm of an applied gradient."""
    x, y, test_x, test_y = data
    optimizer, largest = make(model.parameters()), 0.0
    for pick in batches(len(x), 64, epochs):
        optimizer.zero_grad()
        F.cross_entropy(model(x[pick]), y[pick]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        largest = max(largest, nn.utils.get_total_norm([p.grad for p in model.parameters()]).item())
        optimizer.step()
    with torch.no_grad():
        loss = F.cross_entropy(model(x), y).item()
        return accuracy(model(test_x), test_y), loss if math.isfinite(loss) else 1e9, largest


def main(small: bool = False, out: str = "runs/deep_nets") -> dict[str, float]:
    """Diagnose, cure, train."""
    data = digits()
    figures: dict[str, float] = {}
    figure, (left, right) = canvas(1, 2, 10, 3.6)
    for name, recipe in NETS.items():
        torch.manual_seed(0)
        norms = flow(Deep(50, *recipe), data[0][:128], data[1][:128])
        figures[f"{name}: first / last gradient"] = norms[0] / norms[-1]
        left.plot(range(1, 51), [max(n, 1e-30) for n in norms], label=name, ls="-" if 1e-2 < norms[0] / norms[-1] < 1e2 else ":")
    left.set(yscale="log", ylim=(1e-22, 1e22), xlabel="layer", title="Gradient at each layer: sick (dotted), cured")
    left.legend(fontsize=7, ncols=2)
    epochs = 3 if small else 10
    for name, recipe in (("100 plain layers", NETS["ReLU, N(0, 0.05)"]), ("100 residual layers", NETS["residual"])):
        torch.manual_seed(0)
        figures[name], *_ = train(Deep(100, *recipe), data, epochs, lambda p: nn.optim.Adam(p, lr=1e-3))
    too_large = (torch.tanh, lambda w: nn.init.normal_(w, std=2.0 / math.sqrt(WIDTH)))
    losses = {}
    for clip in (math.inf, 1.0):
        torch.manual_seed(0)
        _, losses[clip], largest = train(Deep(12, *too_large), data, 4, lambda p: nn.optim.SGD(p, lr=0.1, momentum=0.9), clip)
    figures |= {"largest gradient norm after clipping": largest, "loss with clipping / without": losses[1.0] / losses[math.inf]}
    right.bar(list(figures)[-4:-2], list(figures.values())[-4:-2], color=["tab:red", "tab:green"])
    right.set(ylim=(0, 1), title="Held-out accuracy on digits")
    save(figure, out)
    return figures


if __name__ == "__main__":
    run(main, __doc__, "deep_nets", RESULT, SMALL)
