"""Training with modules leaves nothing behind: no cycles, no growth, also with the collector off."""

from __future__ import annotations

import gc

import pytest

import autograd_core as torch
import nn


def build(kind: str):
    if kind == "cnn":
        net = nn.Sequential(
            nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)
        )
        return net, torch.randn(4, 1, 6, 6), lambda y: nn.functional.cross_entropy(y, torch.tensor([0, 1, 2, 0]))
    if kind == "lstm":
        return nn.LSTM(3, 4, 2, bidirectional=True), torch.randn(5, 2, 3), lambda y: (y[0] ** 2).mean()
    if kind == "transformer":
        layer = nn.TransformerEncoderLayer(8, 2, 16)
        return nn.TransformerEncoder(layer, 2), torch.randn(5, 2, 8), lambda y: (y**2).mean()
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    net[0].register_forward_hook(lambda m, args, out: out * 2)
    net.register_full_backward_hook(lambda m, gi, go: None)
    nn.utils.parametrizations.weight_norm(net[1])
    return net, torch.randn(2, 3, requires_grad=True), lambda y: (y**2).mean()


@pytest.mark.parametrize("kind", ["cnn", "lstm", "transformer", "hooks"])
def test_no_cycles_in_training(kind: str) -> None:
    net, x, loss = build(kind)
    optimizer = nn.optim.Adam(net.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        loss(net(x)).backward()
        optimizer.step()

    for _ in range(3):
        step()
    gc.collect()
    gc.disable()
    try:
        gc.collect()
        before = len(gc.get_objects())
        for _ in range(30):
            step()
        after = len(gc.get_objects())
        garbage = gc.collect()
    finally:
        gc.enable()
    assert garbage == 0
    assert after - before < 50  # caches may settle; a leak would be hundreds
