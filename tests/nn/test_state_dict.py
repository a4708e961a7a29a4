"""Loading state: strictness, one complete error, nothing half loaded."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

import autograd_core as torch
import nn


def net() -> nn.Module:
    return nn.Sequential(OrderedDict(conv=nn.Conv2d(1, 2, 3), bn=nn.BatchNorm2d(2), fc=nn.Linear(4, 3)))


def test_round_trip():
    a, b = net(), net()
    assert repr(b.load_state_dict(a.state_dict())) == "<All keys matched successfully>"
    for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True):
        np.testing.assert_array_equal(x.numpy(), y.numpy())
    assert a.state_dict()["fc.weight"].array is a.fc.weight.array
    assert not a.state_dict()["fc.weight"].requires_grad
    assert a.state_dict(keep_vars=True)["fc.weight"] is a.fc.weight
    assert next(iter(a.state_dict(prefix="x."))) == "x.conv.weight"
    into: dict = {}
    assert a.state_dict(destination=into) is into


def test_one_complete_error_and_nothing_loaded():
    m = net()
    before = {k: v.clone() for k, v in m.state_dict().items()}
    state = {k: v + 1 for k, v in net().state_dict().items()}
    state["conv.wieght"] = state.pop("conv.weight")
    state["fc.bias"] = torch.zeros(5)
    state["bn.running_mean"] = 3.0
    state["alien"] = torch.zeros(2, 2)
    del state["bn.running_var"]
    with pytest.raises(RuntimeError) as caught:
        m.load_state_dict(state)
    assert str(caught.value) == (
        "load_state_dict: error(s) in loading state_dict for Sequential; nothing was loaded.\n"
        "Missing key(s) in state_dict (2):\n"
        '  "conv.weight" (2, 1, 3, 3)  did you mean "conv.wieght"?\n'
        '  "bn.running_var" (2,)\n'
        "Unexpected key(s) in state_dict (2):\n"
        '  "alien" (2, 2)\n'
        '  "conv.wieght" (2, 1, 3, 3)  did you mean "conv.weight"?\n'
        "Entries that do not fit (2):\n"
        "  bn.running_mean: expected a Tensor, got float.\n"
        "  size mismatch for fc.bias: the state_dict has (5,), the model has (3,)."
    )
    for k, v in m.state_dict().items():
        np.testing.assert_array_equal(v.numpy(), before[k].numpy())


def test_not_strict():
    m = net()
    state = m.state_dict()
    state["new"] = torch.zeros(1)
    del state["fc.weight"]
    keys = m.load_state_dict(state, strict=False)
    assert keys.missing_keys == ["fc.weight"]
    assert keys.unexpected_keys == ["new"]
    assert repr(keys) == "_IncompatibleKeys(missing_keys=['fc.weight'], unexpected_keys=['new'])"
    state["fc.bias"] = torch.zeros(9)
    with pytest.raises(RuntimeError, match=r"size mismatch for fc.bias"):
        m.load_state_dict(state, strict=False)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda s: {f"module.{k}": v for k, v in s.items()}, 'All its keys begin with "module."'),
        (lambda s: {"epoch": 3, "model": s}, r'This is a whole checkpoint; did you mean state_dict\["model"\]\?'),
    ],
)
def test_hints(change, text):
    with pytest.raises(RuntimeError, match=text):
        net().load_state_dict(change(net().state_dict()))
    wrapped = nn.DataParallel(net())
    with pytest.raises(RuntimeError, match=r'The model.s keys begin with "module\."'):
        wrapped.load_state_dict(net().state_dict())
    with pytest.raises(TypeError, match="expected a dict of tensors, got list"):
        net().load_state_dict([1])


def test_types_follow_the_model_unless_assigned():
    m = nn.Linear(2, 2)
    w = m.weight
    m.load_state_dict({k: v.double() for k, v in m.state_dict().items()})
    assert m.weight is w
    assert m.weight.dtype == torch.float32
    m.bias.requires_grad_(False)
    m.load_state_dict({k: v.double() for k, v in m.state_dict().items()}, assign=True)
    assert m.weight is not w
    assert m.weight.dtype == torch.float64
    assert isinstance(m.weight, nn.Parameter)
    assert not m.bias.requires_grad


def test_loading_is_seen_by_backward():
    m = nn.Linear(2, 2)
    y = (m(torch.ones(1, 2)) ** 2).sum()
    x = torch.ones(1, 2, requires_grad=True)
    z = m(x).sum()
    m.load_state_dict(nn.Linear(2, 2).state_dict())
    y.backward()
    with pytest.raises(RuntimeError, match="modified in place"):
        z.backward()


def test_extra_state():
    class Counts(nn.Module):
        def __init__(self):
            super().__init__()
            self.n = 0

        def get_extra_state(self):
            return {"n": self.n}

        def set_extra_state(self, state):
            self.n = state["n"]

    a, b = nn.Sequential(Counts()), nn.Sequential(Counts())
    a[0].n = 7
    assert a.state_dict() == {"0._extra_state": {"n": 7}}
    b.load_state_dict(a.state_dict())
    assert b[0].n == 7
    with pytest.raises(RuntimeError, match=r"0\._extra_state"):
        b.load_state_dict({})
    with pytest.raises(RuntimeError, match="_extra_state"):
        nn.ReLU().load_state_dict({"_extra_state": 1})


def test_own_loading_code():
    class Renamed(nn.Linear):
        def _load_from_state_dict(self, state_dict, prefix, *rest):
            if prefix + "w" in state_dict:
                state_dict[prefix + "weight"] = state_dict.pop(prefix + "w")
            super()._load_from_state_dict(state_dict, prefix, *rest)

    m = nn.Sequential(Renamed(2, 1, bias=False))
    m.load_state_dict({"0.w": torch.full((1, 2), 4.0)})
    assert m[0].weight.tolist() == [[4.0, 4.0]]


def test_old_batch_norm_without_counter():
    m = nn.BatchNorm1d(2)
    m.num_batches_tracked += 5
    state = m.state_dict()
    del state["num_batches_tracked"]
    m.load_state_dict(state)
    assert int(m.num_batches_tracked) == 5


def test_scalar_saved_as_one_element():
    m = nn.Module()
    m.s = nn.Parameter(torch.tensor(1.0))
    m.load_state_dict({"s": torch.tensor([3.0])})
    assert float(m.s) == 3.0


def test_lazy_modules_load():
    a = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    b = nn.Sequential(nn.LazyLinear(2), nn.LazyBatchNorm1d())
    b.load_state_dict(a.state_dict())
    assert b[0].weight.shape == (2, 3)
    x = torch.ones(4, 3)
    np.testing.assert_array_equal(a(x).detach().numpy(), b(x).detach().numpy())
    assert repr(a) == repr(b)
    with pytest.raises(RuntimeError, match="has no values yet"):
        a.load_state_dict(nn.Sequential(nn.LazyLinear(2), nn.LazyBatchNorm1d()).state_dict())
