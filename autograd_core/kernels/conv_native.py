"""Checked arguments to compiled convolution: packs the weights, allocates the result, runs the plan's jobs."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np

from . import conv_plan, runtime
from .conv_numpy import Ints


PACKED = 50_000  # weights that one thread packs in less time than waking another takes


def _jit() -> ModuleType:
    module = runtime.native("conv")
    assert module is not None  # conv.py asks runtime.enabled() first
    return module


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
    panels = np.empty(groups * plan.widths * depth, np.float32)
    runtime.parallel(
        jit.pack_rows, plan.tiles, _flat(w), panels, groups, o // groups, plan.widths, depth,
        grain=max(1, PACKED // (2 * jit.LANES * depth)),
    )  # fmt: skip
    starts = np.zeros((groups, plan.widths), np.float32)
    if bias is not None:
        starts[:, : o // groups] = bias.reshape(groups, -1)
    y = np.empty((x.shape[0], o, *out), np.float32)
    runtime.parallel(
        jit.gather, plan.parts * plan.tile_shares, _flat(x), panels, starts.reshape(-1), y.reshape(-1), plan.spec, plan.offsets, plan.spots,
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
        panels = np.empty(groups * plan.widths * terms.size, np.float32)
        runtime.parallel(
            jit.pack_panels, plan.tiles, flat_w, panels, terms, o // groups * in_group * taps, taps, in_group, plan.widths,
            grain=max(1, PACKED // (2 * jit.LANES * terms.size)),
        )  # fmt: skip
        starts = np.zeros(groups * plan.widths, np.float32)
        runtime.parallel(
            jit.gather, plan.parts * plan.tile_shares, flat_g, panels, starts, flat_dx, plan.spec, plan.offsets, plan.spots, plan.places,
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
    pieces = runtime.parts(plan.parts * plan.tiles, max(1, plan.grain // plan.tiles))
    # shares of the jobs need sums of their own: as many as there is room for, then shares of the channels
    size = groups * plan.widths * rows
    shares = max(1, min(pieces, plan.parts, conv_plan.SHARED_SUMS // size))
    tile_shares = min(-(-pieces // shares), plan.tiles)
    sums = np.zeros(shares * size, np.float32)
    runtime.parallel(
        jit.gather_weight, shares * tile_shares, _flat(x), _flat(g), sums, plan.spec, plan.offsets, plan.spots, shares,
        tile_shares, plan.parts,
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
