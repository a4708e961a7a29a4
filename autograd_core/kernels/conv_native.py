"""Compiled convolution: packs the weights, allocates the result, and runs the parts of a plan on the threads."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np

from . import conv_numpy, runtime
from .conv_plan import NARROW_TERMS, Plan, Problem

PACKED = 50_000  # weights that one thread packs in less time than waking another takes
SHARED_SUMS = 1 << 20  # floats that the partial sums of the weight's gradient may take


def _jit(name: str = "conv") -> ModuleType:
    module = runtime.native(name)
    assert module is not None  # conv.py has asked
    return module


def _flat(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array).reshape(-1)


def conv(x: np.ndarray, w: np.ndarray, bias: np.ndarray | None, problem: Problem) -> np.ndarray:
    """Float32 convolution; see ``conv_numpy.conv``."""
    plan, groups = problem.forward, problem.groups
    o = w.shape[0]
    lanes, depth = o // groups, w.size // o
    y = np.empty(problem.y_shape, np.float32)
    if problem.narrow_forward:
        weights = _flat(w.reshape(groups, lanes, depth).swapaxes(1, 2))
        starts = np.zeros(o, np.float32) if bias is None else np.ascontiguousarray(bias)
        arrays = _flat(x), weights, starts, y.reshape(-1), plan.spec, plan.offsets
        runtime.parallel(_jit("conv_narrow").narrow, plan.parts * groups, *arrays, grain=plan.grain)
        return y
    jit = _jit()
    panels = np.empty(groups * plan.widths * depth, np.float32)
    grain = PACKED // (jit.WIDE * depth) + 1
    runtime.parallel(jit.pack_rows, plan.tiles, _flat(w), panels, groups, lanes, plan.widths, depth, grain=grain)
    starts = np.zeros((groups, plan.widths), np.float32)
    if bias is not None:
        starts[:, :lanes] = bias.reshape(groups, lanes)
    _gather(jit, plan, _flat(x), panels, starts.reshape(-1), y.reshape(-1))
    return y


def _gather(jit: ModuleType, plan: Plan, x: np.ndarray, panels: np.ndarray, starts: np.ndarray, y: np.ndarray) -> None:
    shares, tables = plan.parts * plan.tile_shares, (plan.spec, plan.offsets, plan.spots, plan.places)
    runtime.parallel(jit.gather, shares, x, panels, starts, y, *tables, grain=plan.grain)


def conv_grad_input(g: np.ndarray, w: np.ndarray, problem: Problem) -> np.ndarray:
    """Gradient of `conv` with respect to its input; see ``conv_numpy.conv_grad_input``."""
    jit, groups = _jit(), problem.groups
    plans, holes = problem.inputs
    in_group, taps = w.shape[1], math.prod(w.shape[2:])
    out_group = w.shape[0] // groups
    dx = (np.zeros if holes else np.empty)(problem.x_shape, np.float32)
    flat_g, flat_w, flat_dx = _flat(g), _flat(w), dx.reshape(-1)
    for plan in plans:
        if problem.narrow_backward:
            weights = _flat(w.reshape(groups, out_group, in_group, taps)[..., plan.taps].swapaxes(2, 3))
            starts = np.zeros(groups * in_group, np.float32)
            arrays = flat_g, weights, starts, flat_dx, plan.spec, plan.offsets
            runtime.parallel(_jit("conv_narrow").narrow, plan.parts * groups, *arrays, grain=plan.grain)
            continue
        depth = out_group * len(plan.taps)
        panels = np.empty(groups * plan.widths * depth, np.float32)
        grain = PACKED // (jit.WIDE * depth) + 1
        if len(plan.taps) == taps:
            sizes = groups, out_group, in_group, plan.widths, taps
            runtime.parallel(jit.pack_columns, plan.tiles, flat_w, panels, *sizes, grain=grain)
        else:
            terms = (np.arange(out_group)[:, None] * in_group * taps + np.array(plan.taps)).ravel()
            steps = out_group * in_group * taps, taps, in_group, plan.widths
            runtime.parallel(jit.pack_panels, plan.tiles, flat_w, panels, terms, *steps, grain=grain)
        _gather(jit, plan, flat_g, panels, np.zeros(groups * plan.widths, np.float32), flat_dx)
    return dx


def conv_grad_weight(g: np.ndarray, x: np.ndarray, problem: Problem) -> np.ndarray:
    """Gradient of `conv` with respect to its weight; see ``conv_numpy.conv_grad_weight``."""
    if problem.narrow_forward:
        dw = _narrow_grad_weight(g, x, problem)
        if np.isfinite(dw).all():
            return dw
        # its zeros where a row's end is run over may have met an infinity that the true sum does not meet
        return conv_numpy.conv_grad_weight(g, x, problem.w_shape, *problem.how)
    jit, plan, groups = _jit(), problem.weight, problem.groups
    o, depth = problem.w_shape[0], math.prod(problem.w_shape[1:])
    rows = plan.offsets.size
    pieces = runtime.parts(plan.parts * plan.tiles, max(1, plan.grain // plan.tiles))
    # shares of the parts need sums of their own: as many as there is room for, then shares of the channels
    size = groups * plan.widths * rows
    shares = max(1, min(pieces, plan.parts, SHARED_SUMS // size))
    tile_shares = min(-(-pieces // shares), plan.tiles)
    sums = np.empty(shares * size, np.float32)
    tables = plan.spec, plan.offsets, plan.spots, shares, tile_shares, plan.parts
    runtime.parallel(jit.gather_weight, shares * tile_shares, _flat(x), _flat(g), sums, *tables)
    dw = np.empty(problem.w_shape, np.float32)
    sizes = shares, groups, o // groups, plan.widths, rows, depth
    grain = PACKED // (jit.WIDE * depth * shares) + 1
    runtime.parallel(jit.sum_shares, plan.tiles, sums, *sizes, dw.reshape(-1), grain=grain)
    return dw


def _narrow_grad_weight(g: np.ndarray, x: np.ndarray, problem: Problem) -> np.ndarray:
    jit, plan, groups = _jit("conv_narrow"), problem.weight, problem.groups
    o, depth = problem.w_shape[0], math.prod(problem.w_shape[1:])
    rows, channels = plan.offsets.size, o // groups
    pieces = runtime.parts(plan.parts * groups, plan.grain)
    group_shares = min(pieces, groups)
    size = o * rows * jit.LANES
    shares = max(1, min(pieces // group_shares, plan.parts, SHARED_SUMS // size))
    sums = np.zeros(shares * size, np.float32)
    tables = plan.spec, plan.offsets, shares, group_shares, plan.parts
    runtime.parallel(jit.narrow_weight, shares * group_shares, _flat(x), _flat(g), sums, *tables)
    terms = NARROW_TERMS[channels - 1]
    sums = sums.reshape(shares, groups, rows // terms, channels, terms, jit.LANES).sum(-1).sum(0)
    return np.ascontiguousarray(sums.swapaxes(1, 2).reshape(o, rows)[:, :depth]).reshape(problem.w_shape)


def bias_grad(g: np.ndarray) -> np.ndarray:
    """Sum of float32 ``g`` over images and pixels."""
    n, o = g.shape[:2]
    pixels = math.prod(g.shape[2:])
    out = np.empty(o, np.float32)
    grain = runtime.THRESHOLDS["parallel.elements"] // (n * pixels) + 1
    runtime.parallel(_jit().sum_channels, o, _flat(g), n, o, pixels, out, grain=grain)
    return out
