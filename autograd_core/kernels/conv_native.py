"""Checked arguments to compiled convolution: packs the weights, allocates the result, runs the plan's jobs."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np

from . import conv_plan, runtime
from .conv_numpy import Ints


def _jit() -> ModuleType:
    module = runtime.native("conv")
    assert module is not None  # conv.py asks runtime.enabled() first
    return module


def _panels(jit: ModuleType, w: np.ndarray, plan: conv_plan.Gather, terms: np.ndarray, groups: int,
            group_stride: int, lane_stride: int, lanes: int) -> np.ndarray:  # fmt: skip
    panels = np.empty(groups * plan.widths * terms.size, np.float32)
    runtime.parallel(
        jit.pack_panels, groups * terms.size, w, panels, terms, group_stride, lane_stride, lanes, plan.widths,
        grain=max(1, 50_000 // plan.widths),
    )  # fmt: skip
    return panels


def _flat(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array).reshape(-1)


def conv(
    x: np.ndarray, w: np.ndarray, bias: np.ndarray | None, stride: Ints, padding: Ints, dilation: Ints, groups: int, out: Ints
) -> np.ndarray:
    """Float32 convolution; see ``conv_numpy.conv``."""
    jit = _jit()
    plan = conv_plan.forward(x.shape, w.shape, stride, padding, dilation, groups, out, jit.LANES, jit.ROWS)
    o, in_group = w.shape[:2]
    taps = math.prod(w.shape[2:])
    depth = in_group * taps
    panels = _panels(jit, _flat(w), plan, np.arange(depth), groups, o // groups * depth, depth, o // groups)
    starts = np.zeros((groups, plan.widths), np.float32)
    if bias is not None:
        starts[:, : o // groups] = bias.reshape(groups, -1)
    y = np.empty((x.shape[0], o, *out), np.float32)
    runtime.parallel(
        jit.gather, plan.jobs, _flat(x), panels, starts.reshape(-1), y.reshape(-1), plan.spec, plan.offsets, plan.spots,
        plan.places, grain=plan.grain,
    )  # fmt: skip
    return y


def conv_grad_input(
    g: np.ndarray, w: np.ndarray, x_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> np.ndarray:
    """Gradient of `conv` with respect to its input; see ``conv_numpy.conv_grad_input``."""
    jit = _jit()
    plans, holes = conv_plan.input_gradient(
        g.shape, w.shape, x_shape, stride, padding, dilation, groups, jit.LANES, jit.ROWS
    )
    o, in_group = w.shape[:2]
    taps = math.prod(w.shape[2:])
    dx = (np.zeros if holes else np.empty)(x_shape, np.float32)
    flat_g, flat_w, flat_dx = _flat(g), _flat(w), dx.reshape(-1)
    for plan in plans:
        terms = (np.arange(o // groups)[:, None] * in_group * taps + np.array(plan.taps)).ravel()
        panels = _panels(jit, flat_w, plan, terms, groups, o // groups * in_group * taps, taps, in_group)
        starts = np.zeros(groups * plan.widths, np.float32)
        runtime.parallel(
            jit.gather, plan.jobs, flat_g, panels, starts, flat_dx, plan.spec, plan.offsets, plan.spots, plan.places,
            grain=plan.grain,
        )  # fmt: skip
    return dx
