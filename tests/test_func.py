"""torch.func, autograd.functional, checkpoint, pytrees, assert_close, and the names that cannot exist here."""

# ruff: noqa: E501  (tables: one call a line)

from __future__ import annotations

import gc
import weakref
from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import autograd_core as ac
import nn
from autograd_core import func
from autograd_core.autograd import functional as AF
from autograd_core.utils import _pytree as pytree
from autograd_core.utils.checkpoint import checkpoint, checkpoint_sequential


def close(a, b):
    np.testing.assert_allclose(a.array, b.array if isinstance(b, ac.Tensor) else b, rtol=1e-9, atol=1e-12)


X = ac.tensor([0.3, -0.7, 1.1], dtype=ac.float64)
Y = ac.tensor([1.5, 0.2, -0.4], dtype=ac.float64)


def cubic(x):
    return (x**3).sum() + x[0] * x[1] * x[2]


def cubic_gradient(x):
    a = x.array
    return 3 * a**2 + np.array([a[1] * a[2], a[0] * a[2], a[0] * a[1]])


def cubic_hessian(x):
    a = x.array
    return np.diag(6 * a) + np.array([[0, a[2], a[1]], [a[2], 0, a[0]], [a[1], a[0], 0]])


def mapping(x, y):
    return x.sin() * y, (x * y).sum()


# ------------------------------------------------------------------------------------------------- torch.func


def test_grad_and_its_nesting():
    close(func.grad(cubic)(X), cubic_gradient(X))
    assert not func.grad(cubic)(X).requires_grad
    close(func.hessian(cubic)(X), cubic_hessian(X))
    close(func.jacfwd(func.grad(cubic))(X), cubic_hessian(X))
    f = ac.tensor(0.5, dtype=ac.float64)
    third = func.grad(func.grad(func.grad(lambda x: x.sin())))
    close(third(f), -np.cos(0.5))
    # an inner transform inside an outer function
    outer = func.grad(lambda x: (func.grad(cubic)(x) * x).sum())
    close(outer(X), cubic_hessian(X) @ X.array + cubic_gradient(X))


def test_grad_of_trees_aux_and_argnums():
    params = {"w": X, "b": [Y]}
    g = func.grad(lambda p, x: (p["w"] * x + p["b"][0]).sum())(params, Y)
    close(g["w"], Y)
    close(g["b"][0], np.ones(3))
    got, (value, aux) = func.grad_and_value(lambda x: (cubic(x), "note"), has_aux=True)(X)
    close(got, cubic_gradient(X))
    close(value, cubic(X))
    assert aux == "note"
    gx, gy = func.grad(lambda x, y: (x * y).sum(), argnums=(0, 1))(X, Y)
    close(gx, Y)
    close(gy, X)


def test_what_is_outside_keeps_its_gradient():
    w = Y.clone().requires_grad_()
    g = func.grad(lambda x: (x**2 * w).sum())(X)
    close(g, 2 * X.array * Y.array)
    g.sum().backward()
    close(w.grad, 2 * X.array)


def test_vjp_jvp_and_jacobians():
    (a, _), pull = func.vjp(mapping, X, Y)
    close(a, np.sin(X.array) * Y.array)
    gx, gy = pull((ac.ones(3, dtype=ac.float64), ac.tensor(2.0, dtype=ac.float64)))
    close(gx, np.cos(X.array) * Y.array + 2 * Y.array)
    close(gy, np.sin(X.array) + 2 * X.array)
    _, (ta, tb) = func.jvp(mapping, (X, Y), (Y, X))
    close(ta, np.cos(X.array) * Y.array**2 + np.sin(X.array) * X.array)
    close(tb, (Y.array**2 + X.array**2).sum())
    (jx, jy), (kx, _) = func.jacrev(mapping, argnums=(0, 1))(X, Y)
    close(jx, np.diag(np.cos(X.array) * Y.array))
    close(jy, np.diag(np.sin(X.array)))
    close(kx, Y)
    (fx, fy), (hx, _) = func.jacfwd(mapping, argnums=(0, 1))(X, Y)
    close(fx, jx)
    close(fy, jy)
    close(hx, kx)


def test_vmap():
    rows = ac.randn(4, 3, dtype=ac.float64)
    close(func.vmap(func.grad(cubic))(rows), np.stack([cubic_gradient(r) for r in rows]))
    close(func.vmap(lambda a, b: a @ b, in_dims=(0, None))(rows, X), rows.array @ X.array)
    close(func.vmap(lambda a: a * 2, in_dims=1, out_dims=1)(rows), rows.array * 2)
    out = ac.vmap(lambda p: (p["a"], p["b"].sum()))({"a": rows, "b": rows})
    close(out[1], rows.array.sum(1))
    r = rows.clone().requires_grad_()
    func.vmap(cubic)(r).sum().backward()
    close(r.grad, np.stack([cubic_gradient(q) for q in rows]))


def test_functional_call_per_sample_gradients():
    ac.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    params = {k: v.detach() for k, v in net.named_parameters()}
    x, y = ac.randn(5, 3), ac.randn(5, 1)

    def loss(p, x, y):
        return ((func.functional_call(net, p, (x,)) - y) ** 2).mean()

    each = func.vmap(func.grad(loss), in_dims=(None, 0, 0))(params, x, y)
    loss(dict(net.named_parameters()), x, y).backward()
    for k, v in net.named_parameters():
        np.testing.assert_allclose(each[k].array.mean(0), v.grad.array, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: func.grad(lambda x: x)(X),
            RuntimeError,
            r"grad: the function must return one 0-d tensor, got shapes \(3,\)",
        ),
        (
            lambda: func.grad(cubic)(ac.tensor([1, 2, 3])),
            RuntimeError,
            "grad: cannot differentiate with respect to a tensor of type int64",
        ),
        (
            lambda: func.grad(cubic, argnums=2)(X),
            RuntimeError,
            "grad: argnums 2 is out of range for 1 positional arguments.",
        ),
        (
            lambda: func.jvp(cubic, (X,), (ac.ones(2),)),
            RuntimeError,
            r"jvp: a tangent has shape \(2,\), its primal \(3,\)",
        ),
        (lambda: func.vmap(cubic)(1.0), ValueError, "vmap: in_dims 0 is no dimension of float."),
        (
            lambda: func.vmap(lambda a, b: a)(ac.ones(2), ac.ones(3)),
            ValueError,
            r"vmap: the mapped dimensions must be of one size, got \[2, 3\].",
        ),
    ],
)
def test_func_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


# ------------------------------------------------------------------------------------------------- autograd.functional


def test_functional_products():
    y, g = AF.vjp(cubic, X)
    close(y, cubic(X))
    close(g, cubic_gradient(X))
    _, (gx, gy) = AF.vjp(lambda x, y: x * y, (X, Y), ac.ones(3, dtype=ac.float64))
    close(gx, Y)
    close(gy, X)
    _, d = AF.jvp(lambda x: x**2, X, Y)
    close(d, 2 * X.array * Y.array)
    _, h = AF.hvp(cubic, X, Y)
    close(h, cubic_hessian(X) @ Y.array)
    _, h = AF.vhp(cubic, X, Y)
    close(h, cubic_hessian(X) @ Y.array)


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
def test_functional_jacobian(strategy):
    (jx, jy), (kx, ky) = AF.jacobian(mapping, (X, Y), strategy=strategy)
    close(jx, np.diag(np.cos(X.array) * Y.array))
    close(jy, np.diag(np.sin(X.array)))
    close(kx, Y)
    close(ky, X)
    close(AF.jacobian(lambda x: x.reshape(1, 3) * 2, X, strategy=strategy), 2 * np.eye(3)[None])


def test_functional_hessian_and_graphs():
    close(AF.hessian(cubic, X), cubic_hessian(X))
    blocks = AF.hessian(lambda x, y: (x * y).sum() + (x**2).sum(), (X, Y))
    close(blocks[0][0], 2 * np.eye(3))
    close(blocks[0][1], np.eye(3))
    close(blocks[1][1], np.zeros((3, 3)))
    x = X.clone().requires_grad_()
    AF.jacobian(lambda x: x**3, x, create_graph=True).sum().backward()
    close(x.grad, 6 * X.array)
    assert not AF.jacobian(lambda x: x**3, x).requires_grad


def test_functional_errors():
    with pytest.raises(RuntimeError, match="vjp: v may be left out only for a single output of one element; give v."):
        AF.vjp(lambda x: x * 2, X)
    with pytest.raises(RuntimeError, match="jacobian: the outputs do not depend on input 1"):
        AF.jacobian(lambda x, y: x * 2, (X, Y), strict=True)
    with pytest.raises(RuntimeError, match=r"hessian: the function must return one number, got shape \(3,\)."):
        AF.hessian(lambda x: x * 2, X)
    with pytest.raises(TypeError, match="jvp: inputs must be a Tensor, got float."):
        AF.jvp(lambda x: x, 2.0)


# ------------------------------------------------------------------------------------------------- checkpoint


def test_checkpoint_gives_the_same_gradients():
    ac.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 3))
    x = ac.randn(4, 3, requires_grad=True)
    results = []
    for run in (lambda f, v: f(v), lambda f, v: checkpoint(f, v), lambda f, v: checkpoint(f, v, use_reentrant=False)):
        net.zero_grad()
        x.grad = None
        ac.manual_seed(5)
        y = run(net, net[0](ac.ones(4, 3)) @ ac.ones(8, 3) + x)  # the same weights before and in the segment
        after = ac.rand(1).item()
        (y**2).sum().backward()
        results.append([after, *(p.grad.array.copy() for p in net.parameters()), x.grad.array.copy()])
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)


def test_checkpoint_keeps_no_values_and_takes_trees():
    kept = []

    def segment(d, scale=1.0):
        h = (d["x"] * 2).exp()
        kept.append(weakref.ref(h))
        return {"y": (h * scale).sin(), "n": 3}

    x = ac.randn(5, requires_grad=True)
    out = checkpoint(segment, {"x": x}, scale=2.0)
    gc.collect()
    assert kept[0]() is None and out["n"] == 3
    out["y"].sum().backward()
    h = np.exp(2 * x.array)
    np.testing.assert_allclose(x.grad.array, np.cos(2 * h) * 2 * 2 * h, rtol=1e-5)
    w = ac.ones(2, requires_grad=True)  # no argument needs a gradient, but a parameter does
    (g,) = ac.autograd.grad(checkpoint(lambda v: v * w, ac.tensor([2.0, 3.0])).sum(), w)
    assert g.tolist() == [2.0, 3.0]
    with ac.no_grad():
        assert not checkpoint(segment, {"x": x})["y"].requires_grad


def test_checkpoint_errors_and_sequences():
    x = ac.ones(2, requires_grad=True)
    y = checkpoint(lambda v: v**3, x)
    with pytest.raises(
        RuntimeError, match="checkpoint: second derivatives of a checkpointed segment are not available"
    ):
        ac.autograd.grad(y.sum(), x, create_graph=True)
    z = checkpoint_sequential([ac.sin, ac.exp, ac.sin], 2, x)
    z.sum().backward()
    e = np.exp(np.sin(1.0))
    np.testing.assert_allclose(x.grad.array, np.cos(e) * e * np.cos(1.0) * np.ones(2), rtol=1e-5)
    with pytest.raises(ValueError, match="checkpoint_sequential: 4 segments of 3 functions."):
        checkpoint_sequential([ac.sin, ac.exp, ac.sin], 4, x)


# ------------------------------------------------------------------------------------------------- small parts


def test_pytrees():
    Pair = namedtuple("Pair", "a b")
    tree = {"x": [1, (2, 3)], "y": Pair(4, OrderedDict(z=5))}
    leaves, spec = pytree.tree_flatten(tree)
    assert leaves == [1, 2, 3, 4, 5] and spec.num_leaves == 5
    assert pytree.tree_unflatten(leaves, spec) == tree
    assert pytree.tree_map(lambda v: v * 2, tree)["y"] == Pair(8, OrderedDict(z=10))
    assert pytree.tree_map(lambda a, b: a + b, [1, 2], [3, 4]) == [4, 6]
    with pytest.raises(ValueError, match="tree_unflatten: 1 leaves for a structure of 5."):
        pytree.tree_unflatten([1], spec)


def test_assert_close():
    from autograd_core.testing import assert_close

    a = ac.tensor([1.0, 2.0])
    assert_close(a, a + 1e-7)
    assert_close({"k": [a, 1.0]}, {"k": [a, 1.0]})
    with pytest.raises(AssertionError) as error:
        assert_close(a, ac.tensor([1.0, 2.5]))
    assert str(error.value) == (
        "Tensor-likes are not close!\n\nMismatched elements: 1 / 2 (50.0%)\nGreatest absolute difference: 0.5 at index (1,) (up to 1e-05 allowed)\n"
        "Greatest relative difference: 0.2 at index (1,) (up to 1.3e-06 allowed)"
    )
    with pytest.raises(
        AssertionError, match="attribute 'dtype' do not match: autograd_core.float32 != autograd_core.float64."
    ):
        assert_close(a, a.double())
    with pytest.raises(AssertionError, match=r"attribute 'shape' do not match: \(2,\) != \(1,\)."):
        assert_close(a, a[:1])
    nan = ac.tensor([float("nan")])
    assert_close(nan, nan, equal_nan=True)
    with pytest.raises(AssertionError):
        assert_close(nan, nan)
    with pytest.raises(ValueError, match="give both rtol and atol, or neither"):
        assert_close(a, a, rtol=1.0)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: ac.jit.trace(None, None), "jit.trace: there is no TorchScript here."),
        (lambda: ac.onnx.export(None), "onnx.export: there is no ONNX exporter here."),
        (lambda: ac.hub.load_state_dict_from_url("x"), "hub.load_state_dict_from_url: nothing is downloaded here."),
        (
            lambda: ac.distributed.init_process_group("nccl"),
            "distributed.init_process_group: this engine trains in one process.",
        ),
        (lambda: ac.distributed.ReduceOp.SUM, "distributed.ReduceOp: this engine trains in one process."),
        (
            lambda: ac.multiprocessing.spawn(print),
            "multiprocessing.spawn: tensors are not shared between processes here.",
        ),
        (
            lambda: ac.utils.tensorboard.SummaryWriter(),
            "utils.tensorboard: this part of torch.utils has no counterpart here.",
        ),
        (lambda: ac.cuda.FloatTensor(2), "cuda.FloatTensor: this engine runs on the CPU only."),
        (lambda: ac.BFloat16Tensor(2), "BFloat16Tensor: NumPy has no bfloat16."),
        (lambda: ac.zeros(2).bfloat16(), "bfloat16"),
        (lambda: ac.zeros(2, device="cuda"), "zeros: device 'cuda': this engine runs on the CPU only."),
    ],
)
def test_what_cannot_exist_here(call, text):
    with pytest.raises((NotImplementedError, TypeError), match=text):
        call()


def test_questions_that_scripts_ask():
    assert not ac.distributed.is_available() and not ac.distributed.is_initialized() and not ac.jit.is_scripting()
    assert not ac.compiler.is_compiling() and ac.version.cuda is None and not ac.is_autocast_enabled()
    f = lambda x: x
    assert ac.jit.script(f) is f and ac.compile(f) is f and ac.compile(fullgraph=True)(f) is f and ac.jit.ignore(f) is f
    before = ac.get_num_threads()
    ac.set_num_threads(1)
    assert ac.get_num_threads() == 1
    ac.set_num_threads(before)
    with pytest.raises(RuntimeError, match="set_num_threads: the number of threads must be positive, got 0."):
        ac.set_num_threads(0)
    ac.use_deterministic_algorithms(True, warn_only=True)
    assert ac.are_deterministic_algorithms_enabled() and ac.is_deterministic_algorithms_warn_only_enabled()
    ac.use_deterministic_algorithms(False)
    assert ac.result_type(ac.tensor(1), 2.0) is ac.float32 and ac.typename(ac.tensor([1])) == "autograd_core.LongTensor"
    assert ac.utils.data.DataLoader is nn.data.DataLoader
