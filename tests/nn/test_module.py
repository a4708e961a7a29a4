"""class Module: registration, names, state, modes, copies, text."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections import OrderedDict

import numpy as np
import pytest

import autograd_core as torch
import nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU())
        self.head = nn.Linear(8, 3)
        self.register_buffer("scale", torch.ones(3))
        self.register_buffer("seen", torch.zeros(1), persistent=False)

    def forward(self, x):
        return self.head(self.features(x).flatten(1)) * self.scale


X = torch.randn(2, 1, 4, 4)
NAMES = [
    "features.0.weight", "features.0.bias", "features.1.weight", "features.1.bias", "head.weight", "head.bias",
]  # fmt: skip


# --------------------------------------------------------------------------------------------------- registration


def test_names_and_order():
    net = Net()
    assert [n for n, _ in net.named_parameters()] == NAMES
    assert [n for n, _ in net.named_parameters(prefix="net")] == [f"net.{n}" for n in NAMES]
    assert list(net.named_parameters(recurse=False)) == []
    assert [n for n, _ in net.named_buffers()][:2] == ["scale", "seen"]
    assert [n for n, _ in net.named_modules()] == ["", "features", "features.0", "features.1", "features.2", "head"]
    assert [n for n, _ in net.named_children()] == ["features", "head"]
    assert "seen" not in net.state_dict()
    assert next(iter(net.state_dict())) == "scale"
    assert sum(1 for _ in net.parameters()) == 6
    assert len(list(net.buffers())) == 5


def test_shared_parameter_counts_once():
    a, b = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
    b.weight = a.weight
    both = nn.Sequential(a, b)
    assert len(list(both.parameters())) == 1
    assert [n for n, _ in both.named_parameters(remove_duplicate=False)] == ["0.weight", "1.weight"]
    assert list(both.state_dict()) == ["0.weight", "1.weight"]
    both(torch.ones(1, 2)).sum().backward()
    x = torch.ones(1, 2)
    w = a.weight.detach().clone().requires_grad_()
    (x @ w.t() @ w.t()).sum().backward()
    np.testing.assert_allclose(a.weight.grad.numpy(), w.grad.numpy(), rtol=1e-6)
    twin = copy.deepcopy(both)
    assert twin[0].weight is twin[1].weight
    assert twin[0].weight is not a.weight
    same = nn.Sequential(a, a)
    assert [n for n, _ in same.named_modules()] == ["", "0"]
    assert [n for n, _ in same.named_modules(remove_duplicate=False)] == ["", "0", "1"]


def test_assignment_moves_between_tables():
    m = nn.Module()
    m.x = 3
    m.x = nn.Parameter(torch.ones(1))
    assert list(m.state_dict()) == ["x"]
    m.x = nn.Linear(1, 1)
    assert [n for n, _ in m.named_parameters()] == ["x.weight", "x.bias"]
    m.x = None
    assert list(m.named_children()) == []
    del m.x
    assert not hasattr(m, "x")
    m.b = nn.Buffer(torch.ones(2), persistent=False)
    assert [n for n, _ in m.named_buffers()] == ["b"]
    assert list(m.state_dict()) == []
    m.b = torch.zeros(2)
    assert m.b is next(m.buffers())
    m.b = nn.Parameter(torch.ones(2))
    assert list(m.buffers()) == []
    assert [n for n, _ in m.named_parameters()] == ["b"]


def test_tables_can_be_written_directly():
    m = nn.Linear(2, 2)
    w = nn.Parameter(torch.zeros(2, 2))
    m._parameters["weight"] = w
    assert m.weight is w
    del m._parameters["weight"]
    assert not hasattr(m, "weight")
    m.weight = w.detach()
    assert list(m.state_dict()) == ["bias"]
    assert m(torch.ones(1, 2)).shape == (1, 2)
    m._modules = OrderedDict(a=nn.ReLU())
    assert [n for n, _ in m.named_children()] == ["a"]
    assert isinstance(m.a, nn.ReLU)
    assert "a" in m._modules
    assert len(m._parameters) == 1
    assert dict(m._parameters) == m._parameters.copy()


@pytest.mark.parametrize(
    ("write", "kind", "text"),
    [
        (lambda m: setattr(m, "weight", torch.ones(1)), TypeError, "cannot assign a Tensor as parameter 'weight'"),
        (lambda m: setattr(m, "weight", 3), TypeError, "cannot assign a int as parameter"),
        (lambda m: setattr(m, "child", 3), TypeError, "cannot assign a int as child module 'child'"),
        (lambda m: setattr(m, "buf", [1]), TypeError, "cannot assign a list as buffer 'buf'"),
        (lambda m: m.register_parameter("a.b", None), KeyError, 'cannot contain "."'),
        (lambda m: m.register_parameter("", None), KeyError, "cannot be empty"),
        (lambda m: m.register_parameter("forward", None), KeyError, "'forward' already exists"),
        (lambda m: m.register_parameter("buf", nn.Parameter(torch.ones(1))), KeyError, "'buf' already exists"),
        (lambda m: m.register_parameter("p", torch.ones(1)), TypeError, "cannot assign a Tensor as parameter 'p'"),
        (lambda m: m.register_buffer("weight", torch.ones(1)), KeyError, "'weight' already exists"),
        (lambda m: m.register_buffer("q", 3), TypeError, "cannot register a int as buffer"),
        (lambda m: m.register_buffer(3, None), TypeError, "the name must be a string, got int"),
        (lambda m: m.add_module("x", 3), TypeError, "'x' must be a Module or None, got int"),
        (lambda m: m.add_module("weight", nn.ReLU()), KeyError, "'weight' already exists"),
        (lambda m: m.missing, AttributeError, "'Linear' object has no attribute 'missing'"),
        (lambda m: delattr(m, "missing"), AttributeError, "missing"),
        (lambda m: m.train("yes"), ValueError, "train: mode must be True or False"),
        (lambda m: m.to(torch.int64), TypeError, "only accepts floating point or complex dtypes"),
        (lambda m: m.to("cuda"), NotImplementedError, "this engine runs on the CPU only"),
        (lambda m: m.to(3), TypeError, "expected a dtype, a device or a tensor, got int"),
        (lambda m: m.to(colour=3), TypeError, "unexpected argument 'colour'"),
        (lambda m: m.cuda(), NotImplementedError, "Module.cuda: this engine runs on the CPU only"),
        (lambda m: m.bfloat16(), TypeError, "bfloat16"),
        (lambda m: m.share_memory(), NotImplementedError, "Module.share_memory"),
        (lambda m: nn.Module()(1), NotImplementedError, r'Module \[Module\] is missing the required "forward" '
            r'function'),
        (lambda m: nn.Module(3), TypeError, "takes no arguments, got 1 positional"),
        (lambda m: nn.Parameter([1.0]), TypeError, "Parameter: data must be a Tensor, got list"),
        (lambda m: nn.Parameter(torch.ones(2).long()), RuntimeError, "only floating point and complex tensors"),
        (lambda m: m.get_submodule("a.b"), AttributeError, r"get_submodule: Linear \(Linear\) has no attribute 'a'"),
        (lambda m: m.get_submodule("weight"), AttributeError, "is not a Module but a Parameter"),
        (lambda m: m.get_parameter("w"), AttributeError, r"has no parameter 'w'; it has \['weight', 'bias'\]"),
        (lambda m: m.get_buffer("weight"), AttributeError, "has no buffer 'weight'"),
        (lambda m: m.register_forward_hook(3), TypeError, "expected a function, got int"),
    ],
)  # fmt: skip
def test_refusals(write, kind, text):
    m = nn.Linear(2, 2)
    m.child = nn.ReLU()
    m.register_buffer("buf", torch.ones(1))
    with pytest.raises(kind, match=text):
        write(m)


def test_before_super_init():
    class Early(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match=r"cannot assign 'layer' before Module.__init__"):
        Early()


def test_non_leaf_parameter():
    w = torch.ones(2, requires_grad=True)
    p = nn.Parameter(w * 2)
    assert p.is_leaf
    assert p.requires_grad
    assert not nn.Parameter(w, requires_grad=False).requires_grad


def test_finding_parts():
    net = Net()
    assert net.get_submodule("features.0") is net.features[0]
    assert net.get_submodule("") is net
    assert net.get_parameter("head.bias") is net.head.bias
    assert net.get_buffer("features.1.running_mean") is net.features[1].running_mean
    net.set_submodule("features.2", nn.Tanh())
    assert isinstance(net.features[2], nn.Tanh)
    with pytest.raises(AttributeError, match="has no module 'nine'"):
        net.set_submodule("features.nine", nn.Tanh(), strict=True)


# --------------------------------------------------------------------------------------------------- modes and types


def test_train_eval_reach_everything_and_overrides():
    class Frozen(nn.BatchNorm2d):
        def train(self, mode=True):
            return super().train(False)

    net = nn.Sequential(Frozen(2), nn.Sequential(nn.Dropout()))
    assert net.train() is net
    assert not net[0].training
    assert net[1][0].training
    assert not any(m.training for m in net.eval().modules())


def test_apply_order_and_init():
    seen = []
    Net().apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["Conv2d", "BatchNorm2d", "ReLU", "Sequential", "Linear", "Net"]


def test_types():
    net = Net()
    params = list(net.parameters())
    net(X).sum().backward()
    assert net.double() is net
    assert all(p is q for p, q in zip(params, net.parameters(), strict=True))
    assert {p.dtype for p in net.parameters()} == {torch.float64}
    assert {p.grad.dtype for p in net.parameters()} == {torch.float64}
    assert net.features[1].num_batches_tracked.dtype == torch.int64
    assert net(X.double()).dtype == torch.float64
    net.to(torch.zeros(1))
    assert net.head.weight.dtype == torch.float32
    assert net.to("cpu").to(device="cpu", dtype=torch.float16, non_blocking=True).scale.dtype == torch.float16
    assert net.float().half().type(torch.float64).head.weight.dtype == torch.float64
    assert net.cpu() is net
    net.zero_grad()
    net(X.double()).sum().backward()  # the leaf's place knows its new type
    assert net.head.weight.grad.dtype == torch.float64
    net.to_empty(device="cpu")
    assert net.head.weight.shape == (3, 8)


def test_requires_grad_and_zero_grad():
    net = Net()
    net.requires_grad_(False)
    assert not net(X).requires_grad
    net.requires_grad_()
    net(X).sum().backward()
    net.zero_grad(set_to_none=False)
    assert float(net.head.weight.grad.abs().sum()) == 0.0
    net.zero_grad()
    assert net.head.weight.grad is None
    assert net.compile() is None


# --------------------------------------------------------------------------------------------------- copies


@pytest.mark.parametrize("how", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
def test_copies_are_whole_and_separate(how):
    net = Net()
    net(X).sum().backward()
    net.eval()
    twin = how(net)
    assert repr(twin) == repr(net)
    np.testing.assert_array_equal(twin(X).detach().numpy(), net(X).detach().numpy())
    with torch.no_grad():
        twin.head.weight.zero_()
        twin.features[1].running_mean.fill_(9.0)
    assert float(net.head.weight.detach().abs().sum()) > 0
    assert float(net.features[1].running_mean.max()) < 9
    assert twin._parameters is not net._parameters
    twin.extra = nn.Parameter(torch.ones(1))
    assert "extra" not in net._parameters
    assert isinstance(twin.head.weight, nn.Parameter)
    assert twin.head.weight.requires_grad


def test_shallow_copy_has_its_own_tables():
    net = Net()
    twin = copy.copy(net)
    twin.more = nn.Linear(1, 1)
    assert "more" not in dict(net.named_children())
    assert twin.head is net.head


def test_deepcopy_leaves_gradients_behind_and_keeps_attributes():
    p = nn.Parameter(torch.ones(2))
    p.tag = "mine"
    (p * 2).sum().backward()
    q = copy.deepcopy(p)
    assert q.grad is None
    assert p.grad is not None
    assert q.tag == "mine"
    assert type(q) is nn.Parameter


def test_modules_die_without_the_collector():
    gc.collect()
    gc.disable()
    try:
        net = Net()
        net(X).sum().backward()
        gone = weakref.ref(net)
        del net
        assert gone() is None
    finally:
        gc.enable()


# --------------------------------------------------------------------------------------------------- text


def test_repr():
    assert repr(Net()) == (
        "Net(\n"
        "  (features): Sequential(\n"
        "    (0): Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1))\n"
        "    (1): BatchNorm2d(2, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)\n"
        "    (2): ReLU()\n"
        "  )\n"
        "  (head): Linear(in_features=8, out_features=3, bias=True)\n"
        ")"
    )
    assert repr(nn.Module()) == "Module()"

    class Two(nn.Linear):
        def extra_repr(self):
            return "one\ntwo"

    assert repr(Two(1, 1)) == "Two(\n  one\n  two\n)"
    assert repr(nn.Parameter(torch.ones(2))) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"
    assert repr(nn.Parameter(torch.ones(2), requires_grad=False)) == "Parameter containing:\ntensor([1., 1.])"


def test_dir_leaves_numbers_out():
    names = dir(nn.Sequential(nn.ReLU()))
    assert "forward" in names
    assert "0" not in names
    assert {"features", "head", "scale"} <= set(dir(Net()))


def test_import_paths():
    import importlib

    modules = "activation batchnorm container conv dropout linear loss module normalization rnn transformer"
    utils = "clip_grad parametrize prune rnn stateless"
    paths = [f"nn.modules.{m}" for m in modules.split()] + [f"nn.utils.{u}" for u in utils.split()]
    paths += [f"nn.{n}" for n in "parameter init parallel training functional optim data datasets".split()]
    for path in paths:
        importlib.import_module(path)
    from nn.modules.activation import MultiheadAttention
    from nn.modules.module import Module

    assert Module is nn.Module
    assert MultiheadAttention is nn.MultiheadAttention
    assert nn.optim.SGD
    assert nn.utils.clip_grad_norm_
    assert nn.parallel.DataParallel
    assert "utils" in dir(nn)
    with pytest.raises(AttributeError, match="module 'nn' has no attribute 'nonsense'"):
        nn.nonsense  # noqa: B018
