"""What containers can do beyond holding modules."""

from __future__ import annotations

from collections import OrderedDict

import pytest

import autograd_core as torch
import nn


def kinds(modules) -> str:
    return " ".join(type(m).__name__ for m in modules)


def test_sequential_edits():
    s = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Sigmoid())
    assert kinds(s[1:]) == "Tanh Sigmoid"
    assert isinstance(s[-1], nn.Sigmoid)
    assert len(s) == 3
    s[1] = nn.ELU()
    assert s.append(nn.GELU()) is s
    assert kinds(s.insert(1, nn.SELU())) == "ReLU SELU ELU Sigmoid GELU"
    assert kinds(s.insert(-1, nn.Tanh())) == "ReLU SELU ELU Sigmoid Tanh GELU"
    del s[0]
    assert list(s._modules) == ["0", "1", "2", "3", "4"]
    assert isinstance(s.pop(0), nn.SELU)
    del s[1:3]
    assert kinds(s) == "ELU GELU"
    assert kinds(s.extend([nn.ReLU()])) == "ELU GELU ReLU"
    assert kinds(s + nn.Sequential(nn.Tanh())) == "ELU GELU ReLU Tanh"
    assert kinds(s * 2) == kinds(2 * s) == "ELU GELU ReLU ELU GELU ReLU"
    s += nn.Sequential(nn.Tanh())
    s *= 2
    assert len(s) == 8
    with pytest.raises(ValueError, match="\\+ needs another Sequential"):
        s.__add__([nn.ReLU()])
    with pytest.raises(ValueError, match="positive number"):
        s * 0
    with pytest.raises(IndexError, match="insert: index 9"):
        s.insert(9, nn.ReLU())
    named = nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Tanh()))
    assert named.a is named[0]
    assert list(named[:1]._modules) == ["a"]
    assert nn.Sequential()(3) == 3


def test_module_list_and_dict():
    m = nn.ModuleList([nn.ReLU()])
    m += [nn.Tanh()]
    m.extend(nn.ModuleList([nn.ELU()]))
    m.insert(0, nn.GELU())
    assert kinds(m) == "GELU ReLU Tanh ELU"
    assert kinds(m + nn.ModuleList([nn.SELU()])) == "GELU ReLU Tanh ELU SELU"
    assert isinstance(m[1:], nn.ModuleList)
    assert isinstance(m.pop(-1), nn.ELU)
    m[0] = nn.Linear(1, 1)
    assert [n for n, _ in m.named_parameters()] == ["0.weight", "0.bias"]
    with pytest.raises(NotImplementedError):
        m(1)
    d = nn.ModuleDict({"a": nn.ReLU()})
    d["b"] = nn.Tanh()
    d.update([("c", nn.ELU())])
    d.update(nn.ModuleDict({"a": nn.GELU()}))
    assert list(d) == ["a", "b", "c"]
    assert kinds(d.values()) == "GELU Tanh ELU"
    assert "b" in d
    assert isinstance(d.pop("b"), nn.Tanh)
    del d["c"]
    assert [k for k, _ in d.items()] == list(d.keys()) == ["a"]
    d.clear()
    assert len(d) == 0


def test_parameter_containers():
    p = nn.ParameterList([torch.ones(1), "text"])
    p.append(torch.zeros(2)).extend([torch.ones(3)])
    p[0] = torch.full((1,), 5.0)
    assert len(p) == 4
    assert isinstance(p[0], nn.Parameter)
    assert p[1] == "text"
    assert len(list(p.parameters())) == 3
    assert [tuple(v.shape) for v in p[2:]] == [(2,), (3,)]
    p += [torch.ones(1)]
    with pytest.raises(IndexError, match="index 7 is out of range for 5"):
        p[7]
    d = nn.ParameterDict({"z": torch.ones(1), "a": torch.ones(2)})
    assert list(d) == ["a", "z"]
    d["m"] = torch.ones(3)
    assert list(reversed(d)) == ["m", "z", "a"]
    assert d.get("no") is None
    assert d.setdefault("m", 3) is d["m"]
    assert d.popitem()[0] == "m"
    assert tuple(d.pop("a").shape) == (2,)
    both = d | nn.ParameterDict({"q": torch.ones(1)})
    assert list(both) == ["z", "q"]
    d |= both
    assert list(d.copy().keys()) == ["z", "q"]
    assert list(d.fromkeys(["x", "y"], 0).values()) == [0, 0]
    assert [n for n, _ in d.named_parameters()] == ["z", "q"]
    d.clear()
    assert list(d.parameters()) == []
    with pytest.raises(KeyError, match="it is empty"):
        d.popitem()
    with pytest.raises(TypeError, match="keys must be strings"):
        d[3] = torch.ones(1)


def test_data_parallel():
    net = nn.DataParallel(nn.Linear(2, 3), device_ids=[0])
    assert net(torch.ones(1, 2)).shape == (1, 3)
    assert net.module.weight is net.get_parameter("module.weight")
