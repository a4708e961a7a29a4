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


def conv_grad_weight(
    g: np.ndarray, x: np.ndarray, w_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int
) -> np.ndarray:
    """Gradient of `conv` with respect to its weight; see ``conv_numpy.conv_grad_weight``."""
    jit = _jit()
    plan = conv_plan.weight_gradient(
        x.shape, w_shape, stride, padding, dilation, groups, g.shape[2:], jit.LANES, jit.ROWS
    )
    o, depth = w_shape[0], math.prod(w_shape[1:])
    rows = plan.offsets.size
    pieces = runtime.parts(plan.jobs * plan.tiles, max(1, plan.grain // plan.tiles))
    # shares of the jobs need sums of their own: as many as there is room for, then shares of the channels
    size = groups * plan.widths * rows
    shares = max(1, min(pieces, plan.jobs, conv_plan.SHARED_SUMS // size))
    tile_shares = min(-(-pieces // shares), plan.tiles)
    sums = np.zeros(shares * size, np.float32)
    runtime.parallel(
        jit.gather_weight, shares * tile_shares, _flat(x), _flat(g), sums, plan.spec, plan.offsets, plan.spots, shares,
        tile_shares, plan.jobs,
    )  # fmt: skip
    dw = np.empty(w_shape, np.float32)
    runtime.parallel(
        jit.sum_shares, o, sums, shares, groups, o // groups, plan.widths, rows, depth, dw.reshape(-1),
        grain=max(1, 20_000 // (depth * shares)),
    )  # fmt: skip
    return dw


def bias_grad(g: np.ndarray) -> np.ndarray:
    """Sum of float32 ``g`` over images and pixels."""
    n, o = g.shape[:2]
    pixels = math.prod(g.shape[2:])
    out = np.empty(o, np.float32)
    runtime.parallel(
        _jit().sum_channels, o, _flat(g), n, o, pixels, out,
        grain=max(1, runtime.THRESHOLDS["parallel.elements"] // max(1, n * pixels)),
    )  # fmt: skip
    return out
