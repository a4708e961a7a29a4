"""Make examples/data/digits_torch.pt: a small net trained by PyTorch, with what is needed to check the one who loads it.

    python scripts/make_pt_checkpoint.py

Needs PyTorch, which the packages themselves do not. The file holds plain containers and tensors: the net's state dict,
Adam's state dict, eight images with PyTorch's logits for them, and the losses of PyTorch's next five steps.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

TARGET = Path(__file__).resolve().parents[1] / "examples" / "data"

NOTE = """\
digits_torch.pt
===============

A PyTorch checkpoint (torch.save's zip format), written by scripts/make_pt_checkpoint.py with PyTorch {version}: a
convolutional net of {count:,} parameters after {steps} steps of Adam on the training part of the digits that ship with this
project (nn/datasets/digits.txt says where those come from). examples/torch_checkpoint.py loads it without PyTorch.

"model"      state dict of the net, batch norm statistics included
"optimizer"  state dict of Adam
"images"     50 training images (50, 1, 8, 8), "labels" theirs
"logits"     PyTorch's answer for them, in evaluation mode
"losses"     of PyTorch's next five Adam steps on these images, in training mode
"held_out"   share of the held-out digits that PyTorch's net reads
"""


def digits() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """The shipped digits, divided as nn.datasets.Digits divides them."""
    import nn as ours

    train, test = ours.datasets.Digits(train=True), ours.datasets.Digits(train=False)
    parts = (train.data.numpy() / 16, train.targets.numpy(), test.data.numpy() / 16, test.targets.numpy())
    x, y, test_x, test_y = (torch.from_numpy(np.array(part)) for part in parts)
    return x.float().unsqueeze(1), y.long(), test_x.float().unsqueeze(1), test_y.long()


def main() -> None:
    """Train, record, save."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    x, y, test_x, test_y = digits()
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(96, 10),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    steps = 300
    for _ in range(steps):
        pick = torch.randint(len(x), (64,))
        optimizer.zero_grad()
        F.cross_entropy(model(x[pick]), y[pick]).backward()
        optimizer.step()
    model.eval()
    images, labels = x[:50].clone(), y[:50].clone()
    with torch.no_grad():
        held_out = (model(test_x).argmax(1) == test_y).double().mean().item()
        logits = model(images)
    checkpoint = {
        "model": {name: value.clone() for name, value in model.state_dict().items()},
        "images": images, "labels": labels, "logits": logits, "held_out": held_out,
    }  # fmt: skip
    state = optimizer.state_dict()
    state["state"] = {key: {name: v.clone() for name, v in entry.items()} for key, entry in state["state"].items()}
    checkpoint["optimizer"] = state
    model.train()
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    TARGET.mkdir(exist_ok=True)
    torch.save({**checkpoint, "losses": losses}, TARGET / "digits_torch.pt")
    count = sum(p.numel() for p in model.parameters())
    note = NOTE.format(version=torch.__version__.split("+")[0], count=count, steps=steps)
    (TARGET / "digits_torch.txt").write_text(note, encoding="utf-8")
    print(f"{TARGET / 'digits_torch.pt'}: {(TARGET / 'digits_torch.pt').stat().st_size} bytes, held-out {held_out:.4f}")


if __name__ == "__main__":
    main()
