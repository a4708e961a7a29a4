"""Hooks: their order, what they may change, and that a module without hooks runs none of it."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import autograd_core as torch
import nn

X = torch.ones(2, 3)


def test_forward_hooks_order_and_changes():
    m, seen = nn.Linear(3, 1), []
    a = m.register_forward_pre_hook(lambda m, args: seen.append("pre 1"))
    m.register_forward_pre_hook(lambda m, args: seen.append("pre 0"), prepend=True)
    m.register_forward_pre_hook(lambda m, args: (args[0] * 2,))
    m.register_forward_hook(lambda m, args, out: seen.append(("post", float(args[0].sum()))))
    m.register_forward_hook(lambda m, args, out: out * 0)
    y = m(X)
    assert seen == ["pre 0", "pre 1", ("post", 12.0)]
    assert float(y.sum()) == 0.0
    a.remove()
    m(X)
    assert seen[3:] == ["pre 0", ("post", 12.0)]


def test_one_value_from_a_pre_hook():
    m = nn.Identity()
    m.register_forward_pre_hook(lambda m, args: args[0] + 1)
    assert float(m(X).sum()) == 12.0


def test_keyword_hooks():
    class Named(nn.Module):
        def forward(self, x, *, k=1):
            return x * k

    m = Named()
    m.register_forward_pre_hook(lambda m, args, kwargs: (args, {"k": kwargs["k"] + 1}), with_kwargs=True)
    m.register_forward_hook(lambda m, args, kwargs, out: out + kwargs["k"], with_kwargs=True)
    assert float(m(X, k=2)[0, 0]) == 6.0
    m.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match="forward pre-hook: must return None or a tuple"):
        m(X, k=1)


def test_always_called():
    class Fails(nn.Module):
        def forward(self, x):
            raise KeyError("no")

    m, seen = Fails(), []
    m.register_forward_hook(lambda m, args, out: seen.append(out), always_call=True)
    m.register_forward_hook(lambda m, args, out: seen.append("never"))
    with pytest.raises(KeyError):
        m(X)
    assert seen == [None]
    m.register_forward_hook(lambda m, args, out: 1 / 0, always_call=True)
    with pytest.warns(UserWarning, match="always_call=True raised"), pytest.raises(KeyError):
        m(X)


def test_full_backward_hooks():
    m, seen = nn.Linear(3, 1, bias=False), []
    m.register_full_backward_pre_hook(lambda m, g: seen.append(("pre", g[0].shape)))
    m.register_full_backward_hook(lambda m, gi, go: seen.append(("post", gi[0].shape, go[0].shape)))
    x = X.clone().requires_grad_()
    y = m(x)
    assert y.shape == (2, 1)
    y.sum().backward()
    assert seen == [("pre", (2, 1)), ("post", (2, 3), (2, 1))]
    np.testing.assert_allclose(x.grad.numpy(), np.repeat(m.weight.detach().numpy(), 2, 0))


def test_backward_hooks_replace_gradients():
    m = nn.Linear(3, 1, bias=False)
    m.register_full_backward_pre_hook(lambda m, g: (g[0] * 2,))
    m.register_full_backward_hook(lambda m, gi, go: (gi[0] * 10,))
    x = X.clone().requires_grad_()
    m(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 20 * np.repeat(m.weight.detach().numpy(), 2, 0), rtol=1e-6)
    np.testing.assert_allclose(m.weight.grad.numpy(), np.full((1, 3), 4.0))
    m.register_full_backward_hook(lambda m, gi, go: (gi[0], gi[0]))
    with pytest.raises(RuntimeError, match="returned 2 gradients where 1 were given"):
        m(x).sum().backward()


def test_backward_hook_without_input_gradient():
    m, seen = nn.Linear(3, 1), []
    m.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go[0].shape)))
    m(X).sum().backward()
    assert seen == [((), (2, 1))]
    with torch.no_grad():
        m(X)
    m.register_full_backward_hook(lambda m, gi, go: (torch.ones(1),))
    with pytest.raises(RuntimeError, match="whose inputs need no gradient must return None"):
        m(X).sum().backward()


def test_backward_hook_of_several_inputs_and_outputs():
    class Two(nn.Module):
        def forward(self, a, k, b):
            return a * k, b + a, "text"

    m, seen = Two(), []
    m.register_full_backward_hook(
        lambda m, gi, go: seen.append([None if g is None else g.tolist() for g in (*gi, *go)])
    )
    a, b = torch.ones(1, requires_grad=True), torch.ones(1)
    y, z, text = m(a, 3.0, b)
    assert text == "text"
    (y + 2 * z).sum().backward()
    assert seen == [[[5.0], None, [0.0], [1.0], [2.0], None]]  # PyTorch's: zeros for b, which needs none
    y, z, _ = m(a, 3.0, b)
    y.sum().backward()
    assert seen[1][:4] == [[3.0], None, [0.0], [1.0]]


def test_unhookable_output_warns():
    class Odd(nn.Module):
        def forward(self, x):
            return {"y": x}

    m = Odd()
    m.register_full_backward_hook(lambda *a: None)
    with pytest.warns(UserWarning, match="Odd must return a Tensor or a tuple of Tensors, not dict"):
        m(X)


def test_old_backward_hook():
    m, seen = nn.Linear(3, 1), []
    m.register_backward_hook(lambda m, gi, go: seen.append(go[0].shape))
    m(X).sum().backward()
    assert seen == [(2, 1)]


def test_hooks_for_all_modules():
    seen = []
    handles = [
        nn.register_module_forward_pre_hook(lambda m, args: seen.append(("pre", type(m).__name__))),
        nn.register_module_forward_hook(lambda m, args, out: seen.append(("post", type(m).__name__))),
        nn.register_module_full_backward_hook(lambda m, gi, go: seen.append(("back", type(m).__name__))),
    ]
    try:
        net = nn.Sequential(nn.Linear(3, 1))
        net.register_forward_hook(lambda m, args, out: seen.append("own"))
        net(X.clone().requires_grad_()).sum().backward()
    finally:
        for h in handles:
            h.remove()
    assert seen == [
        ("pre", "Sequential"), ("pre", "Linear"), ("post", "Linear"), ("post", "Sequential"), "own", ("back", "Linear"),
        ("back", "Sequential"),
    ]  # fmt: skip
    seen.clear()
    net(X)
    assert seen == ["own"]


def test_state_dict_hooks():
    m = nn.Sequential(nn.Linear(2, 2))
    m.register_state_dict_pre_hook(lambda m, prefix, keep: setattr(m[0], "asked", prefix))
    m.register_state_dict_post_hook(lambda m, sd, prefix, meta: sd.update(extra=torch.ones(1)))
    state = m.state_dict()
    assert m[0].asked == ""
    assert list(state) == ["0.weight", "0.bias", "extra"]
    m.register_load_state_dict_pre_hook(lambda m, sd, *rest: sd.pop("extra"))
    m.load_state_dict(state)
    seen = []
    m.register_load_state_dict_post_hook(
        lambda m, keys: (seen.append(list(keys.missing_keys)), keys.missing_keys.clear())[0]
    )
    del state["0.bias"]
    assert m.load_state_dict(state).missing_keys == []
    assert seen == [["0.bias"]]
    m[0].register_load_state_dict_post_hook(lambda m, keys: 3)
    with pytest.raises(RuntimeError, match="post-hook: must return None"):
        m.load_state_dict(state)


def test_hooks_are_copied_with_the_module():
    m, seen = nn.Linear(1, 1), []
    m.register_forward_hook(lambda m, args, out: seen.append(m))
    twin = copy.deepcopy(m)
    twin(torch.ones(1))
    assert seen == [twin]
    assert len(twin._forward_hooks) == 1
    twin._forward_hooks.clear()
    assert len(m._forward_hooks) == 1
    assert len(nn.ReLU()._forward_pre_hooks) == 0
