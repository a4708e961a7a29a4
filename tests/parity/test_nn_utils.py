"""nn.init and nn.utils against PyTorch's."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import autograd_core as ac
import nn
from nn.utils import parametrizations, parametrize, prune

torch = pytest.importorskip("torch")
pytest.importorskip("torch.nn.utils.prune")

pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm.*deprecated:FutureWarning")


def ours(a: np.ndarray) -> Any:
    return ac.from_numpy(np.array(a))


def pair(build: Any) -> tuple[Any, Any]:
    """The same module twice in float64, with PyTorch's values in ours."""
    other, mine = build(torch.nn).double(), build(nn).double()
    mine.load_state_dict({k: ours(v.detach().numpy()) for k, v in other.state_dict().items()})
    return mine, other


def same_state(mine: Any, other: Any, tolerance: float = 1e-12) -> None:
    a, b = mine.state_dict(), other.state_dict()
    assert list(a) == list(b)
    for k, v in b.items():
        np.testing.assert_allclose(a[k].numpy(), v.numpy(), rtol=tolerance, atol=tolerance, err_msg=k)


def same_training(mine: Any, other: Any, shape: tuple[int, ...], tolerance: float = 1e-9) -> None:
    """Three steps of SGD: outputs, gradients and state stay the same."""
    random = np.random.default_rng(0)
    step, step_t = nn.optim.SGD(mine.parameters(), lr=0.1), torch.optim.SGD(other.parameters(), lr=0.1)
    for _ in range(3):
        x = random.standard_normal(shape)
        y, y_t = mine(ours(x)), other(torch.from_numpy(x))
        np.testing.assert_allclose(y.detach().numpy(), y_t.detach().numpy(), rtol=tolerance, atol=tolerance)
        step.zero_grad()
        step_t.zero_grad()
        (y * y).sum().backward()
        (y_t * y_t).sum().backward()
        for (n, p), p_t in zip(mine.named_parameters(), other.parameters(), strict=True):
            np.testing.assert_allclose(p.grad.numpy(), p_t.grad.numpy(), rtol=tolerance, atol=tolerance, err_msg=n)
        step.step()
        step_t.step()
    same_state(mine, other, tolerance * 10)


# ------------------------------------------------------------------------------------------------ init


@pytest.mark.parametrize("shape", [(3, 5), (4, 6, 3), (8, 2, 3, 3), (5, 5, 3, 2, 1), (7, 7)])
def test_fixed_fillings(shape: tuple[int, ...]) -> None:
    def both(name: str, *args: Any) -> None:
        a, b = getattr(nn.init, name)(ac.zeros(shape), *args), getattr(torch.nn.init, name)(torch.zeros(shape), *args)
        np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=name)

    both("constant_", 0.3)
    both("ones_")
    both("zeros_")
    if len(shape) == 2:
        both("eye_")
    else:
        both("dirac_")
        if shape[0] % 2 == 0:
            both("dirac_", 2)
    assert nn.init._calculate_fan_in_and_fan_out(ac.zeros(shape)) == torch.nn.init._calculate_fan_in_and_fan_out(
        torch.zeros(shape)
    )


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("uniform_", (-1.0, 3.0)), ("normal_", (0.5, 2.0)), ("trunc_normal_", (0.2, 1.5, -1.0, 2.0)),
        ("trunc_normal_", (0.0, 0.02)),
        ("xavier_uniform_", (1.7,)), ("xavier_normal_", ()), ("kaiming_uniform_", (0.3,)), ("kaiming_uniform_", (0,
        "fan_out", "relu")),
        ("kaiming_normal_", (0, "fan_in", "tanh")), ("kaiming_normal_", ()),
    ],
)  # fmt: skip
def test_random_fillings(name: str, args: tuple[Any, ...]) -> None:
    """Quantiles of 60,000 draws.  The standard error of a quantile q is sqrt(q (1 - q) / n) / density; five of them,
    with the
    density at a normal distribution's 5 % point (0.1 in units of the spread), bound what is allowed."""
    ac.manual_seed(1)
    torch.manual_seed(1)
    a = getattr(nn.init, name)(ac.zeros(200, 300), *args).numpy().ravel()
    b = getattr(torch.nn.init, name)(torch.zeros(200, 300), *args).numpy().ravel()
    q = np.linspace(0.05, 0.95, 19)
    error = 5 * np.sqrt(2 * 0.05 * 0.95 / a.size) / 0.1 * b.std()
    assert np.abs(np.quantile(a, q) - np.quantile(b, q)).max() < error
    if "uniform" in name or args[2:] == (-1.0, 2.0):  # bounded within a few spreads
        assert abs(a.min() - b.min()) < 0.01 * b.std()
        assert abs(a.max() - b.max()) < 0.01 * b.std()


def test_orthogonal_and_sparse() -> None:
    for shape in ((5, 5), (3, 7), (7, 3), (4, 2, 3)):
        m = nn.init.orthogonal_(ac.zeros(shape, dtype=ac.float64), gain=2.0).numpy().reshape(shape[0], -1)
        gram = m @ m.T if m.shape[0] <= m.shape[1] else m.T @ m
        np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-12)
    s = nn.init.sparse_(ac.zeros(10, 50), sparsity=0.33).numpy()
    assert (s == 0).sum(0).tolist() == [4] * 50
    assert abs(s[s != 0].std() - 0.01) < 0.002


@pytest.mark.parametrize(
    "name", ["linear", "conv2d", "conv_transpose1d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]
)
def test_gain(name: str) -> None:
    assert nn.init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    assert nn.init.calculate_gain("leaky_relu", 0.3) == torch.nn.init.calculate_gain("leaky_relu", 0.3)


# ------------------------------------------------------------------------------------------------ gradients and vectors


@pytest.mark.parametrize("p", [1.0, 2.0, 3.5, 0.0, float("inf")])
@pytest.mark.parametrize("limit", [0.5, 100.0])
def test_clipping(p: float, limit: float) -> None:
    random = np.random.default_rng(0)
    grads = [random.standard_normal(s) for s in ((3, 4), (5,), ())]
    mine = [nn.Parameter(ours(np.zeros_like(g))) for g in grads]
    other = [torch.nn.Parameter(torch.zeros(g.shape, dtype=torch.float64)) for g in grads]
    for a, b, g in zip(mine, other, grads, strict=True):
        a.grad, b.grad = ours(g), torch.from_numpy(np.array(g))
    total, total_t = nn.utils.clip_grad_norm_(iter(mine), limit, p), torch.nn.utils.clip_grad_norm_(other, limit, p)
    np.testing.assert_allclose(total.numpy(), total_t.numpy(), rtol=1e-12)
    for a, b in zip(mine, other, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-12)
    nn.utils.clip_grad_value_(mine, 0.1)
    torch.nn.utils.clip_grad_value_(other, 0.1)
    for a, b in zip(mine, other, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-12)


def test_vectors() -> None:
    mine, other = pair(lambda n: n.Sequential(n.Linear(3, 2), n.BatchNorm1d(2)))
    v, v_t = nn.utils.parameters_to_vector(mine.parameters()), torch.nn.utils.parameters_to_vector(other.parameters())
    np.testing.assert_array_equal(v.detach().numpy(), v_t.detach().numpy())
    nn.utils.vector_to_parameters(v * 2, mine.parameters())
    torch.nn.utils.vector_to_parameters(v_t * 2, other.parameters())
    same_state(mine, other)
    same_training(mine, other, (4, 3))


# ------------------------------------------------------------------------------------------------ fusion,
# functional_call


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("transpose", [False, True])
def test_fusion(bias: bool, transpose: bool) -> None:
    layer = "ConvTranspose2d" if transpose else "Conv2d"
    mine, other = pair(lambda n: n.Sequential(getattr(n, layer)(2, 3, 3, bias=bias), n.BatchNorm2d(3)))
    x = np.random.default_rng(0).standard_normal((2, 2, 6, 6))
    for m, t in ((mine, ours), (other, torch.from_numpy)):
        m(t(x))
        m.eval()
    fused = nn.utils.fuse_conv_bn_eval(mine[0], mine[1], transpose)
    fused_t = torch.nn.utils.fuse_conv_bn_eval(other[0], other[1], transpose)
    same_state(fused, fused_t)
    np.testing.assert_allclose(fused(ours(x)).detach().numpy(), mine(ours(x)).detach().numpy(), atol=1e-12)
    a, b = pair(lambda n: n.Sequential(n.Linear(3, 4), n.BatchNorm1d(4)))
    same_state(nn.utils.fuse_linear_bn_eval(a.eval()[0], a[1]), torch.nn.utils.fuse_linear_bn_eval(b.eval()[0], b[1]))


def test_functional_call() -> None:
    mine, other = pair(lambda n: n.Sequential(n.Linear(3, 4), n.Tanh(), n.Linear(4, 2)))
    x = np.ones((2, 3))
    values = {"0.weight": np.full((4, 3), 0.2), "2.bias": np.full(2, 3.0)}
    given = {k: ours(v).requires_grad_() for k, v in values.items()}
    given_t = {k: torch.from_numpy(v).requires_grad_() for k, v in values.items()}
    before = mine[0].weight
    y = nn.utils.stateless.functional_call(mine, given, (ours(x),))
    y_t = torch.func.functional_call(other, given_t, (torch.from_numpy(x),))
    np.testing.assert_allclose(y.detach().numpy(), y_t.detach().numpy(), rtol=1e-12)
    y.sum().backward()
    y_t.sum().backward()
    for k, v in given.items():
        np.testing.assert_allclose(v.grad.numpy(), given_t[k].grad.numpy(), rtol=1e-12)
    assert mine[0].weight is before
    assert before.grad is None


# ------------------------------------------------------------------------------------------------ norms of weights

LAYERS = [
    (lambda n: n.Linear(4, 3), (5, 4)),
    (lambda n: n.Conv2d(2, 4, 3), (2, 2, 5, 5)),
    (lambda n: n.ConvTranspose1d(2, 4, 3), (2, 2, 5)),
]


@pytest.mark.parametrize(("build", "shape"), LAYERS)
@pytest.mark.parametrize("dim", [0, 1, None])
@pytest.mark.parametrize("new", [True, False])
def test_weight_norm(build: Any, shape: tuple[int, ...], dim: Any, new: bool) -> None:
    mine, other = pair(build)
    if new:
        parametrizations.weight_norm(mine, dim=dim)
        torch.nn.utils.parametrizations.weight_norm(other, dim=dim)
        assert repr(mine) == repr(other)
    else:
        nn.utils.weight_norm(mine, dim=dim)
        torch.nn.utils.weight_norm(other, dim=dim)
    same_state(mine, other)
    same_training(mine, other, shape)
    if new:
        same_training(copy.deepcopy(mine), copy.deepcopy(other), shape)
        parametrize.remove_parametrizations(mine, "weight")
        torch.nn.utils.parametrize.remove_parametrizations(other, "weight")
    else:
        nn.utils.remove_weight_norm(mine)
        torch.nn.utils.remove_weight_norm(other)
    assert type(mine) is type(build(nn))
    same_training(mine, other, shape)


def test_weight_norm_reads_the_old_form() -> None:
    old = nn.utils.weight_norm(nn.Linear(3, 2))
    new = parametrizations.weight_norm(nn.Linear(3, 2))
    new.load_state_dict(old.state_dict())
    x = ac.ones(1, 3)
    np.testing.assert_allclose(new(x).detach().numpy(), old(x).detach().numpy(), rtol=1e-6)


@pytest.mark.parametrize(("build", "shape"), LAYERS)
@pytest.mark.parametrize("new", [True, False])
def test_spectral_norm(build: Any, shape: tuple[int, ...], new: bool) -> None:
    mine, other = pair(build)
    if new:
        parametrizations.spectral_norm(mine)
        torch.nn.utils.parametrizations.spectral_norm(other)
        assert repr(mine) == repr(other)
    else:
        nn.utils.spectral_norm(mine, n_power_iterations=2)
        torch.nn.utils.spectral_norm(other, n_power_iterations=2)
    assert list(mine.state_dict()) == list(other.state_dict())
    mine.load_state_dict({k: ours(v.numpy()) for k, v in other.state_dict().items()})  # the vectors start at random
    same_training(mine, other, shape)
    mine.eval()
    other.eval()
    same_training(mine, other, shape)
    if new:
        parametrize.remove_parametrizations(mine, "weight")
        torch.nn.utils.parametrize.remove_parametrizations(other, "weight")
    else:
        nn.utils.remove_spectral_norm(mine)
        torch.nn.utils.remove_spectral_norm(other)
    same_training(mine, other, shape)


@pytest.mark.parametrize("size", [(4, 4), (5, 3), (3, 5)])
@pytest.mark.parametrize("kind", [None, "matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("trivial", [True, False])
def test_orthogonal(size: tuple[int, int], kind: Any, trivial: bool) -> None:
    def build(n: Any) -> Any:
        layer = n.Linear(size[1], size[0], bias=False)
        n.init.orthogonal_(layer.weight)
        return layer

    mine, other = pair(build)
    if not trivial and kind != "householder":
        return  # the initial value is then not the weight's, see the next test
    parametrizations.orthogonal(mine, orthogonal_map=kind, use_trivialization=trivial)
    torch.nn.utils.parametrizations.orthogonal(other, orthogonal_map=kind, use_trivialization=trivial)
    assert repr(mine) == repr(other)
    if trivial:
        mine.parametrizations.weight[0].base = ours(other.parametrizations.weight[0].base.numpy())
    same_state(mine, other, 1e-10)
    same_training(mine, other, (2, size[1]), 1e-8)
    w = mine.weight.detach().numpy()
    gram = w.T @ w if size[0] >= size[1] else w @ w.T
    np.testing.assert_allclose(gram, np.eye(min(size)), atol=1e-10)


@pytest.mark.parametrize("kind", ["matrix_exp", "cayley"])
def test_orthogonal_without_base(kind: str) -> None:
    mine, other = pair(lambda n: n.Linear(3, 5, bias=False))
    parametrizations.orthogonal(mine, orthogonal_map=kind, use_trivialization=False)
    torch.nn.utils.parametrizations.orthogonal(other, orthogonal_map=kind, use_trivialization=False)
    same_training(mine, other, (2, 3), 1e-8)
    with pytest.raises(NotImplementedError, match="only when use_trivialization=True"):
        mine.weight = ac.ones(5, 3, dtype=ac.float64)


# ------------------------------------------------------------------------------------------------ parametrize


def parts(n: Any) -> tuple[Any, Any]:
    class Symmetric(n.Module):
        def forward(self, x: Any) -> Any:
            return x.triu() + x.triu(1).transpose(-1, -2)

        def right_inverse(self, a: Any) -> Any:
            return a.triu()

    class Scaled(n.Module):
        def __init__(self) -> None:
            super().__init__()
            self.s = n.Parameter((ac if n is nn else torch).ones(1, dtype=(ac if n is nn else torch).float64) * 2)

        def forward(self, x: Any) -> Any:
            return x * self.s

    return Symmetric(), Scaled()


def test_chained_parametrizations() -> None:
    mine, other = pair(lambda n: n.Sequential(n.Linear(3, 3), n.Linear(3, 3)))
    for m, n, register in (
        (mine, nn, parametrize.register_parametrization),
        (other, torch.nn, torch.nn.utils.parametrize.register_parametrization),
    ):
        symmetric, scaled = parts(n)
        register(m[0], "weight", symmetric)
        register(m[0], "weight", scaled)
        register(m[1], "bias", parts(n)[1])
    assert repr(mine) == repr(other)
    same_state(mine, other)
    same_training(mine, other, (4, 3))
    twin, twin_t = copy.deepcopy(mine), copy.deepcopy(other)
    parametrize.remove_parametrizations(mine[0], "weight", leave_parametrized=False)
    torch.nn.utils.parametrize.remove_parametrizations(other[0], "weight", leave_parametrized=False)
    same_training(mine, other, (4, 3))
    assert parametrize.is_parametrized(
        twin[0], "weight"
    )  # the copy keeps its own (PyTorch's shares a class with the original)
    assert twin[0].weight.shape == (3, 3)
    assert type(twin[0]).__name__ == type(twin_t[0]).__name__
    a, b = mine[1], other[1]
    assert parametrize.type_before_parametrizations(a) is nn.Linear
    with parametrize.cached(), torch.nn.utils.parametrize.cached():
        assert a.bias is a.bias
    assert a.bias is not a.bias
    np.testing.assert_allclose(a.bias.detach().numpy(), b.bias.detach().numpy())


# ------------------------------------------------------------------------------------------------ pruning


def test_l1_and_structured_pruning() -> None:
    mine, other = pair(lambda n: n.Sequential(n.Linear(6, 5), n.Conv2d(2, 4, 3)))
    theirs = torch.nn.utils.prune
    for p, m in ((prune, mine), (theirs, other)):
        p.l1_unstructured(m[0], "weight", amount=0.3)
        p.ln_structured(m[0], "weight", amount=2, n=2, dim=1)
        p.l1_unstructured(m[0], "bias", amount=2)
        p.ln_structured(m[1], "weight", amount=0.5, n=1, dim=0)
        assert p.is_pruned(m)
    same_state(mine, other)
    same_training(mine[0], other[0], (3, 6))
    same_training(mine[1], other[1], (3, 2, 5, 5))
    for p, m in ((prune, mine), (theirs, other)):
        p.remove(m[0], "weight")
        p.remove(m[0], "bias")
        p.remove(m[1], "weight")
        assert not p.is_pruned(m)
    assert {k for k, _ in mine.named_parameters()} == {k for k, _ in other.named_parameters()}
    for k, v in other.state_dict().items():
        np.testing.assert_allclose(mine.state_dict()[k].numpy(), v.numpy(), atol=1e-9)


def test_global_and_custom_pruning() -> None:
    mine, other = pair(lambda n: n.Sequential(n.Linear(6, 5), n.Linear(5, 4)))
    for p, m in ((prune, mine), (torch.nn.utils.prune, other)):
        p.global_unstructured([(m[0], "weight"), (m[1], "weight")], p.L1Unstructured, amount=0.4)
    same_state(mine, other)
    mask = np.arange(5) % 2
    prune.custom_from_mask(mine[0], "bias", ours(mask))
    torch.nn.utils.prune.custom_from_mask(other[0], "bias", torch.from_numpy(mask))
    prune.identity(mine[1], "bias")
    torch.nn.utils.prune.identity(other[1], "bias")
    same_training(mine, other, (3, 6))


def test_random_pruning() -> None:
    m = nn.Linear(10, 10)
    prune.random_unstructured(m, "weight", amount=0.25)
    assert int((m.weight_mask == 0).sum()) == 25
    prune.random_structured(m, "weight", amount=3, dim=0)
    assert int((m.weight_mask.sum(1) == 0).sum()) >= 3
    assert len(m._forward_pre_hooks) == 1
    container = next(iter(m._forward_pre_hooks.values()))
    assert isinstance(container, prune.PruningContainer)
    assert len(container) == 2
    method = prune.L1Unstructured(2)
    assert method.prune(ac.tensor([3.0, 1.0, 2.0])).tolist() == [3.0, 0.0, 0.0]
