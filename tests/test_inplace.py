"""Writing into tensors: values, gradients, views, versions, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ac
from autograd_core.errors import AutogradError


def leaf(*values: float) -> ac.Tensor:
    return ac.tensor(list(values), dtype=ac.float64, requires_grad=True)


def test_a_leaf_may_not_be_written() -> None:
    x = leaf(1.0, 2.0)
    for write in (lambda: x.add_(1), lambda: x.__setitem__(0, 1.0), lambda: x[0].mul_(2), lambda: x.zero_()):
        with pytest.raises(AutogradError, match="leaf tensor that requires grad"):
            write()
    with ac.no_grad():
        x.add_(1)
        x[0] = 5.0
        x -= 0.5
    assert x.tolist() == [4.5, 2.5] and x.requires_grad and x.is_leaf


def test_overwritten_saved_value_is_an_error() -> None:
    x = leaf(1.0, 2.0)
    y = x.exp()
    z = y * 2
    y.add_(1)  # exp saved y
    with pytest.raises(AutogradError, match="'y' saved by 'exp' .* modified in place"):
        z.sum().backward()
    a, b = leaf(1.0, 2.0) * 1, leaf(1.0, 2.0) * 1
    c = a * b
    b[0] = 9.0
    with pytest.raises(AutogradError, match="saved by 'mul'"):
        c.sum().backward()


def test_writing_what_no_rule_saved_is_fine() -> None:
    x = leaf(1.0, 2.0)
    y = x + 1
    z = y + 2
    y.mul_(3)
    (z.sum() + y.sum()).backward()
    assert x.grad.tolist() == [4.0, 4.0]


def test_in_place_form_keeps_what_its_own_rule_needs() -> None:
    x = leaf(1.0, 2.0)
    y = x * 1
    y.sin_()
    y.exp_()
    y.sum().backward()
    np.testing.assert_allclose(x.grad.array, np.exp(np.sin(x.array)) * np.cos(x.array))


def test_views_see_writes_and_gradients_follow() -> None:
    x = leaf(1.0, 2.0, 3.0, 4.0)
    h = x * 1
    v = h.view(2, 2)
    row = v[0]
    row.mul_(10)
    assert h.tolist() == [10.0, 20.0, 3.0, 4.0]
    h[3] = 0.0
    (v * ac.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=ac.float64)).sum().backward()
    assert x.grad.tolist() == [10.0, 20.0, 3.0, 0.0]
    assert v[1, 1].item() == 0.0


def test_optimizer_like_update_is_seen_by_backward() -> None:
    w = leaf(1.0, 2.0)
    loss = (w * w).sum()
    with ac.no_grad():
        w.sub_(0.1)
    with pytest.raises(AutogradError, match="modified in place"):
        loss.backward()


def test_detach_shares_memory_and_versions() -> None:
    x = leaf(1.0, 2.0)
    y = x.exp()
    y.detach().zero_()
    assert y.tolist() == [0.0, 0.0]
    with pytest.raises(AutogradError, match="modified in place"):
        y.sum().backward()


def test_shapes_and_types_that_do_not_fit() -> None:
    x = ac.ones(2)
    with pytest.raises(RuntimeError, match=r"result has shape \(3, 2\), which does not fit"):
        x.add_(ac.ones(3, 2))
    with pytest.raises(RuntimeError, match="float.* cannot be stored in a tensor of type int64"):
        ac.ones(2, dtype=ac.int64).add_(0.5)
    with pytest.raises(RuntimeError, match=r"shape \(3,\) cannot be assigned to the indexed region of shape \(2,\)"):
        ac.ones(4)[:2] = ac.ones(3)
    with pytest.raises(IndexError, match="out of bounds|out of range"):
        ac.ones(4)[7] = 1.0
    with pytest.raises(TypeError, match="expected a Tensor or a number"):
        ac.ones(4)[0] = "a"
    with pytest.raises(RuntimeError, match="expanded tensor"):
        ac.ones(1).expand(3).add_(1)


def test_assignment_converts_and_broadcasts() -> None:
    x = ac.zeros(2, 3, dtype=ac.int64)
    x[:, 1] = 2.7
    x[0] = ac.tensor([1, 2, 3])
    assert x.tolist() == [[1, 2, 3], [0, 2, 0]]
    y = ac.zeros(3)
    y[y == 0] = ac.tensor(4.0)
    assert y.tolist() == [4.0, 4.0, 4.0]


def test_augmented_assignment_of_a_slice() -> None:
    z = leaf(1.0, 2.0)
    h = ac.zeros(2, 3, dtype=ac.float64)
    for k in range(3):
        h[:, k] += z * (k + 1)
    h.sum().backward()
    assert z.grad.tolist() == [6.0, 6.0]


def test_constants_may_become_tracked() -> None:
    w = leaf(2.0)
    buffer = ac.zeros(4, dtype=ac.float64)
    view = buffer[1:3]
    view.copy_(w * 3)
    assert buffer.requires_grad and view.requires_grad
    buffer.sum().backward()
    assert w.grad.item() == 6.0


def test_in_place_returns_self_and_moves_the_place() -> None:
    x = leaf(1.0) * 1
    before = x.grad_fn
    assert x.add_(1) is x and x.grad_fn is not before and x.grad_fn.name() == "AddBackward"


def test_stamps_leave_with_their_arrays() -> None:
    from autograd_core import graph

    count = len(graph.stamps)
    for _ in range(100):
        x = ac.zeros(4)
        x.add_(1)
    del x
    assert len(graph.stamps) <= count + 1
