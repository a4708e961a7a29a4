"""Shows: LeNet-5, the first convolution net in daily use, against a fully connected net of as many parameters.
Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition" (1998), section II.
Result: of digits anywhere in a 32 x 32 field LeNet reads 95 % or more; the other net errs at least twice as often.
"""

from _common import accuracy, batches, canvas, digits, run, save, tiles

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {
    "LeNet-5: accuracy": (0.95, 1.0), "errors, fully connected / LeNet-5": (2.0, 50.0),
    "parameters, fully connected / LeNet-5": (0.98, 1.02), "way C1 has gone / its first length": (0.25, 10.0),
}  # fmt: skip
SMALL = RESULT | {"LeNet-5: accuracy": (0.94, 1.0), "errors, fully connected / LeNet-5": (1.5, 50.0)}  # ten epochs
Pair = tuple[torch.Tensor, torch.Tensor]


def place(images: torch.Tensor, room: int) -> torch.Tensor:
    """Enlarge (N, 1, 8, 8) to the paper's 20 x 20, each up to ``room`` pixels off the centre of a 32 x 32 field."""
    large = F.interpolate(images, size=(20, 20), mode="bilinear", align_corners=False)
    field = torch.zeros(len(images), 1, 32, 32)
    for i, (top, left) in enumerate(torch.randint(6 - room, 6 + room + 1, (len(images), 2)).tolist()):
        field[i, :, top : top + 20, left : left + 20] = large[i]
    return 1.275 * field - 0.1  # paper -0.1, ink 1.175: about zero mean, about unit variance


class LeNet5(nn.Module):
    """Layers C1 to F6 by the paper's names: maps grow in number as they shrink in size."""

    def __init__(self) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5)  # 32 x 32 -> 6 maps of 28 x 28
        self.c3 = nn.Conv2d(6, 16, 5)  # 14 x 14 -> 16 maps of 10 x 10
        self.c5 = nn.Conv2d(16, 120, 5)  # 5 x 5 -> 120 numbers
        self.f6, self.output = nn.Linear(120, 84), nn.Linear(84, 10)
        self.pool = nn.AvgPool2d(2)  # S2 and S4

    def maps(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What C1 and C3 see."""
        c1 = self.c1(x).tanh()
        return c1, self.c3(self.pool(c1)).tanh()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of ten classes."""
        c5 = self.c5(self.pool(self.maps(x)[1])).tanh().flatten(1)
        return self.output(self.f6(c5).tanh())


def fully_connected() -> nn.Sequential:
    """One hidden layer; 60 units give the number of LeNet-5's parameters within 1 %."""
    return nn.Sequential(nn.Flatten(), nn.Linear(1024, 60), nn.Tanh(), nn.Linear(60, 10))


def start(model: nn.Module) -> None:
    """Weights for tanh: neither fading nor saturating, as the paper asks in its appendix A."""
    for parameter in model.parameters():
        if parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter, nn.init.calculate_gain("tanh"))
        else:
            nn.init.zeros_(parameter)


def learn(model: nn.Module, train: Pair, test: Pair, epochs: int, room: int) -> list[float]:
    """Accuracy on held-out digits after each epoch; every epoch sees the digits in new places."""
    images, labels = train
    steps = epochs * (len(images) // 16)
    optimizer = nn.optim.Adam(model.parameters(), lr=2e-3)
    schedule = nn.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    reached = []
    for epoch in range(epochs):
        fields = place(images, room)
        for pick in batches(len(fields), 16, seed=epoch):
            optimizer.zero_grad()
            F.cross_entropy(model(fields[pick]), labels[pick]).backward()
            optimizer.step()
            schedule.step()
        with torch.no_grad():
            reached.append(accuracy(model(test[0]), test[1]))
    return reached


def main(small: bool = False, out: str = "runs/lenet") -> dict[str, float]:
    """Train both, look into LeNet."""
    torch.manual_seed(0)
    epochs, room = (10, 2) if small else (60, 4)
    images, labels, held, names = digits()
    test = place(held, room), names
    lenet, plain = LeNet5(), fully_connected()
    sizes = [sum(p.numel() for p in model.parameters()) for model in (lenet, plain)]
    for model in (lenet, plain):
        start(model)
    first = lenet.c1.weight.detach().clone()
    curves = [learn(model, (images, labels), test, epochs, room) for model in (lenet, plain)]
    right, other = (curve[-1] for curve in curves)

    figure, axes = canvas(1, 4, 11.5, 3.1)
    for name, size, curve in zip(("LeNet-5", "fully connected"), sizes, curves, strict=True):
        axes[0].plot(range(1, epochs + 1), [100 * (1 - a) for a in curve], label=f"{name}, {size:,} parameters")
    axes[0].set(xlabel="epoch", ylim=(0, 40), title="Held-out digits misread (%)")
    axes[0].legend(fontsize=7)
    with torch.no_grad():
        c1, c3 = lenet.maps(test[0][:3])
    tiles(axes[1], test[0][:12], 4, "Digits anywhere in the field")
    tiles(axes[2], c1, 6, "Three of them as C1 sees them", cmap="RdBu_r", vmin=-1, vmax=1)
    tiles(axes[3], c3, 8, "... and as C3 does", cmap="RdBu_r", vmin=-1, vmax=1)
    save(figure, out)
    return {
        "LeNet-5: accuracy": right, "fully connected: accuracy": other,
        "errors, fully connected / LeNet-5": (1 - other) / max(1 - right, 1 / len(held)),
        "parameters, fully connected / LeNet-5": sizes[1] / sizes[0],
        "way C1 has gone / its first length": ((lenet.c1.weight - first).norm() / first.norm()).item(),
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "lenet", RESULT, SMALL)
