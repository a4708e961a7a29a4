"""Checked arguments to compiled convolution: packs the weights, allocates the result, runs the plan's jobs."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np

from . import conv_numpy, conv_plan, runtime
from .conv_numpy import Ints


PACKED = 50_000  # weights that one thread packs in less time than waking another takes


def _jit(name: str = "conv") -> ModuleType:
    module = runtime.native(name)
    assert module is not None  # conv.py has asked
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
    if o // groups <= conv_plan.NARROW:
        starts = np.zeros(o, np.float32) if bias is None else np.ascontiguousarray(bias)
        weights = _flat(w.reshape(groups, o // groups, depth).swapaxes(1, 2))
        y = np.empty((x.shape[0], o, *out), np.float32)
        runtime.parallel(
            _jit("conv_narrow").narrow, plan.parts * groups, _flat(x), weights, starts, y.reshape(-1), plan.spec,
            plan.offsets, grain=plan.grain,
        )  # fmt: skip
        return y
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
        if in_group <= conv_plan.NARROW:
            weights = w.reshape(groups, o // groups, in_group, taps)[..., plan.taps].swapaxes(2, 3)
            runtime.parallel(
                _jit("conv_narrow").narrow, plan.parts * groups, flat_g, _flat(weights),
                np.zeros(groups * in_group, np.float32), flat_dx, plan.spec, plan.offsets, grain=plan.grain,
            )  # fmt: skip
            continue
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
    if o // groups <= conv_plan.NARROW:
        dw = _narrow_grad_weight(jit.LANES, plan, g, x, w_shape, groups)
        if np.isfinite(dw).all():
            return dw
        # its zeros where a row's end is run over may have met an infinity that the true sum does not meet
        return conv_numpy.conv_grad_weight(g, x, w_shape, stride, padding, dilation, groups)
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


def _narrow_grad_weight(
    lanes: int, plan: conv_plan.Gather, g: np.ndarray, x: np.ndarray, w_shape: Ints, groups: int
) -> np.ndarray:
    o, depth = w_shape[0], math.prod(w_shape[1:])
    rows, channels = plan.offsets.size, o // groups
    pieces = runtime.parts(plan.parts * groups, plan.grain)
    group_shares = min(pieces, groups)
    size = o * rows * lanes
    shares = max(1, min(pieces // group_shares, plan.parts, conv_plan.SHARED_SUMS // size))
    sums = np.zeros(shares * size, np.float32)
    runtime.parallel(
        _jit("conv_narrow").narrow_weight, shares * group_shares, _flat(x), _flat(g), sums, plan.spec, plan.offsets,
        shares, group_shares, plan.parts,
    )  # fmt: skip
    terms = conv_plan.NARROW_TERMS[channels - 1]
    sums = sums.reshape(shares, groups, rows // terms, channels, terms, lanes).sum(-1).sum(0)
    return np.ascontiguousarray(sums.swapaxes(1, 2).reshape(o, rows)[:, :depth]).reshape(w_shape)


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
