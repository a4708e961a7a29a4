"""What a notebook shows of tensors, modules and records."""

from __future__ import annotations

import autograd_core as ac
import nn
from autograd_core import viz


def test_a_tensor_shows_its_program():
    x = ac.tensor([1.0, 2.0], requires_grad=True)
    html = (x * 2.0).exp()._repr_html_()
    assert "computed by 2 ops" in html and "mul(leaf1, 2)" in html
    assert "<details>" not in ac.ones(2)._repr_html_() and "tensor([1., 1.])" in ac.ones(2)._repr_html_()
    y = x
    for _ in range(500):
        y = y * 1.0
    assert "more than 400 ops lead here" in y._repr_html_()


def test_a_module_is_a_tree():
    html = nn.Sequential(nn.Linear(2, 3), nn.ReLU())._repr_html_()
    assert html.count("<details") == 2 and "in_features=2" in html and "9 elements" in html and "(3, 2)" in html


def test_names_are_escaped():
    class Strange(nn.Module):
        def extra_repr(self):
            return "<script>"

    net = nn.Module()
    net.add_module("<b>", Strange())
    assert "<script>" not in net._repr_html_() and "&lt;b&gt;" in net._repr_html_()


def test_records_and_recordings_have_a_page():
    with viz.record() as rec:
        (ac.ones(2, requires_grad=True) * 2.0).sum().backward()
    for thing in (rec, rec.graph()):
        assert thing._repr_html_().startswith("<iframe")
    assert "<svg" in viz.memory(rec)._repr_html_()
    assert "mul(" in str(rec) and "2 ops forward, 2 backward" in repr(rec) and "module calls" in repr(rec.graph())
