"""First and second derivatives of whole modules against finite differences, and modules under functional transforms."""

from __future__ import annotations

import pytest

import autograd_core as torch
import nn
from autograd_core.autograd import gradcheck, gradgradcheck
from autograd_core.func import functional_call, grad, vmap

MODULES = [
    (lambda: nn.LSTM(2, 3, proj_size=2, bidirectional=True), (3, 2, 2)),
    (lambda: nn.GRU(2, 3, batch_first=True), (2, 3, 2)),
    (lambda: nn.RNN(2, 3, 2), (3, 2, 2)),
    (lambda: nn.BatchNorm1d(3), (4, 3)),
    (lambda: nn.InstanceNorm1d(3, affine=True), (2, 3, 4)),
    (lambda: nn.GroupNorm(2, 4), (2, 4, 3)),
    (lambda: nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0, activation="gelu"), (3, 2, 4)),
    (lambda: nn.Conv2d(2, 2, 3, padding=1, padding_mode="circular"), (1, 2, 4, 4)),
    (lambda: nn.ConvTranspose1d(2, 3, 3, 2), (1, 2, 4)),
    (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)), (2, 3)),
]


@pytest.mark.parametrize(("build", "shape"), MODULES, ids=lambda v: str(v) if isinstance(v, tuple) else "")
def test_orders_one_and_two(build, shape):
    torch.manual_seed(0)
    module = build().double()
    x = torch.randn(*shape, dtype=torch.float64, requires_grad=True)
    parameters = tuple(p for p in module.parameters() if p.ndim < 3)[:2]

    def run(x, *_):
        y = module(x)
        return y[0] if isinstance(y, tuple) else y

    assert gradcheck(run, (x, *parameters))
    assert gradgradcheck(run, (x, *parameters))


def test_gradients_per_sample():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    values = {k: v.detach() for k, v in net.named_parameters()}
    x = torch.randn(5, 3)
    each = vmap(grad(lambda p, row: functional_call(net, p, (row,)).sum()), (None, 0))(values, x)
    net(x).sum().backward()
    for name, p in net.named_parameters():
        assert each[name].shape == (5, *p.shape)
        assert torch.allclose(each[name].sum(0), p.grad, atol=1e-6)
    net.zero_grad()
    for i, row in enumerate(x):
        net.zero_grad()
        net(row).sum().backward()
        assert torch.allclose(each["0.weight"][i], net[0].weight.grad, atol=1e-6)
