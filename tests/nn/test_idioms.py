"""What training scripts do with modules every day, as they write it."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest

import autograd_core as torch
import nn
import nn.functional as F
import nn.optim as optim


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, 1)
        self.dropout1 = nn.Dropout2d(0.25)
        self.fc1 = nn.Linear(4 * 3 * 3, 16)
        self.fc2 = nn.Linear(16, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(x, 2)
        x = self.dropout1(x)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        return F.log_softmax(self.fc2(x), dim=1)


X, Y = torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 3, 4, 5])


def test_mnist_loop():
    torch.manual_seed(1)
    device = torch.device("cpu")
    model = Net().to(device)
    optimizer = optim.Adadelta(model.parameters(), lr=1.0)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    losses = []
    for _ in range(3):
        model.train()
        for _ in range(40):
            data, target = X.to(device), Y.to(device)
            optimizer.zero_grad()
            loss = F.nll_loss(model(data), target)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
    model.eval()
    with torch.no_grad():
        pred = model(X).argmax(dim=1, keepdim=True)
    assert losses[-1] < losses[0]
    assert pred.eq(Y.view_as(pred)).sum().item() >= 4


def test_weights_init():
    def weights_init(m):
        classname = m.__class__.__name__
        if classname.find("Conv") != -1:
            nn.init.normal_(m.weight.data, 0.0, 0.02)
        elif classname.find("Linear") != -1:
            nn.init.xavier_uniform_(m.weight, gain=nn.init.calculate_gain("relu"))
            nn.init.constant_(m.bias.data, 0)

    net = Net()
    assert net.apply(weights_init) is net
    assert float(net.fc1.bias.abs().sum()) == 0
    assert 0.01 < float(net.conv1.weight.std()) < 0.03
    lstm = nn.LSTM(3, 4)
    for name, param in lstm.named_parameters():
        if "weight_hh" in name:
            nn.init.orthogonal_(param.data)
        elif "bias" in name:
            param.data.fill_(0)
            param.data[4:8] = 1.0  # the forget gate
    assert lstm.bias_ih_l0[5].item() == 1.0
    stdv = 1.0 / math.sqrt(net.fc1.weight.size(1))
    net.fc1.weight.data.uniform_(-stdv, stdv)
    assert net.fc1.weight.abs().max().item() <= stdv


def test_counting_freezing_and_surgery():
    net = Net()
    total = sum(p.numel() for p in net.parameters() if p.requires_grad)
    assert total == 4 * 9 + 4 + 36 * 16 + 16 + 160 + 10
    for param in net.conv1.parameters():
        param.requires_grad = False
    net.fc2 = nn.Linear(net.fc2.in_features, 3)
    optimizer = optim.SGD(filter(lambda p: p.requires_grad, net.parameters()), lr=0.1, momentum=0.9)
    before = net.conv1.weight.clone()
    F.cross_entropy(net(X), Y % 3).backward()
    optimizer.step()
    assert torch.equal(before, net.conv1.weight)
    assert net.conv1.weight.grad is None
    body = nn.Sequential(*list(net.children())[:-1])
    assert [type(m).__name__ for m in body] == ["Conv2d", "Dropout2d", "Linear"]
    assert isinstance(dict(net.named_modules())["fc1"], (nn.Linear, nn.Conv2d))
    net.fc2 = nn.Identity()
    assert net.eval()(X).shape == (6, 16)


def test_moving_averages_and_manual_steps():
    model = nn.Linear(3, 2)
    average = copy.deepcopy(model)
    for p in average.parameters():
        p.requires_grad_(False)
    model(torch.ones(1, 3)).sum().backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= 0.1 * p.grad
        for p, q in zip(model.parameters(), average.parameters(), strict=True):
            q.mul_(0.9).add_(p, alpha=0.1)
            q.data.copy_(0.5 * q.data + 0.5 * p.data)
    assert not torch.equal(model.weight, average.weight)
    for p in model.parameters():
        p.grad.data.clamp_(-0.1, 0.1)
    assert model.weight.grad.max().item() <= 0.1 + 1e-6
    best = copy.deepcopy(model.state_dict())
    model.weight.data.zero_()
    assert best["weight"].abs().sum().item() > 0
    model.load_state_dict(best)
    assert torch.equal(model.weight, best["weight"])
    model.weight.data = torch.ones(2, 3)
    model.weight.grad = None
    model(torch.ones(1, 3)).sum().backward()
    assert model.weight.grad.shape == (2, 3)


def test_positional_encoding_and_learned_scalars():
    class Positional(nn.Module):
        def __init__(self, d_model: int, max_len: int = 50) -> None:
            super().__init__()
            position = torch.arange(max_len).unsqueeze(1)
            div = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
            pe = torch.zeros(max_len, 1, d_model)
            pe[:, 0, 0::2] = torch.sin(position * div)
            pe[:, 0, 1::2] = torch.cos(position * div)
            self.register_buffer("pe", pe)
            self.scale = nn.Parameter(torch.tensor(1.0))

        def forward(self, x):
            return x + self.scale * self.pe[: x.size(0)]

    m = Positional(8)
    y = m(torch.zeros(5, 2, 8))
    y.sum().backward()
    assert m.scale.grad.shape == ()
    np.testing.assert_allclose(m.scale.grad.item(), 2 * m.pe[:5].sum().item(), rtol=1e-5)
    assert list(m.state_dict()) == ["scale", "pe"]


def test_features_by_hook():
    features = {}
    net = Net().eval()
    handle = net.fc1.register_forward_hook(lambda module, args, output: features.update(fc1=output.detach()))
    net(X)
    assert features["fc1"].shape == (6, 16)
    handle.remove()


def test_an_attribute_error_in_a_property_is_shown():
    class Odd(nn.Module):
        @property
        def device(self):
            return self.weigth.device

    with pytest.raises(AttributeError, match="'Odd' object has no attribute 'weigth'"):
        Odd().device  # noqa: B018


def test_sharing_a_decoder():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(10, 4)
            self.out = nn.Linear(4, 10, bias=False)
            self.out.weight = self.embed.weight

        def forward(self, i):
            return self.out(self.embed(i))

    m = Tied()
    optimizer = optim.SGD(m.parameters(), lr=0.1)
    assert len(optimizer.param_groups[0]["params"]) == 1
    F.cross_entropy(m(torch.tensor([1, 2])), torch.tensor([2, 3])).backward()
    optimizer.step()
    assert m.out.weight is m.embed.weight
    twin = Tied()
    twin.load_state_dict(m.state_dict())
    assert torch.equal(twin.out.weight, m.embed.weight)
