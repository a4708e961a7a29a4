# mypy: ignore-errors
"""Convolution in float32 with one to four output channels per group: depthwise, and gradients of images.

The register tile of ``jit_conv`` needs many output channels to fill its vectors.  Here a vector holds neighbouring
pixels instead.  The part of an image that a job reads is copied with its columns (rows, slices) sorted by their phase
of the stride, so that neighbouring output pixels read neighbouring floats.  Rows are then taken as one long line:
the few sums that run over a row's end are computed and dropped.
"""

from __future__ import annotations

import numpy as np

from .conv_plan import (
    BLOCK,
    BLOCKS,
    CHANNEL_STRIDE,
    CHANNELS,
    COLUMN,
    FIRST,
    GROUPS,
    IMAGE_STRIDE,
    IN_GROUP,
    INPUT,
    LINE,
    NARROW_TERMS,
    ORIGIN,
    OUT,
    OUT_GROUP,
    PHASE,
    PLANE,
    REACH,
    STEP,
    STRIDE,
    SUMS,
)
from .jit import inner, kernel
from .jit_conv import clear_row
from .jit_simd import LANES, address, copy_rows, keep, make_dots, make_strip, move1

strip1, strip2, strip3, strip4 = make_strip(1, 8), make_strip(2, 5), make_strip(3, 4), make_strip(4, 3)
end1, end2, end3, end4 = make_strip(1, 1), make_strip(2, 1), make_strip(3, 1), make_strip(4, 1)
dots1, dots2, dots3, dots4 = (make_dots(c, terms) for c, terms in enumerate(NARROW_TERMS, 1))


@inner
def load_group(x_at, image, group, box, spec, d0, h0, w0, nd, nh, nw):
    """Copy ``(in_group, nd, nh, nw)`` pixels from ``(d0, h0, w0)`` on, sorted by phase, zeros outside the image."""
    depth, height, width = spec[INPUT], spec[INPUT + 1], spec[INPUT + 2]
    stride_d, stride_h, stride_w = spec[STRIDE], spec[STRIDE + 1], spec[STRIDE + 2]
    plane, line, column, phase = 4 * spec[PLANE], 4 * spec[LINE], 4 * spec[COLUMN], 4 * spec[PHASE]
    if min(d0, h0, w0) < 0 or d0 + nd > depth or h0 + nh > height or w0 + nw > width:
        clear_row(box, spec[IN_GROUP] * spec[PLANE])
    left, right, top, bottom = max(-w0, 0), min(width - w0, nw), max(-h0, 0), min(height - h0, nh)
    group_at = x_at + 4 * (image * spec[CHANNELS] + group * spec[IN_GROUP]) * depth * height * width
    for c in range(spec[IN_GROUP]):
        for d in range(max(-d0, 0), min(depth - d0, nd)):
            source = group_at + 4 * (((c * depth + d0 + d) * height + h0) * width + w0)
            slice_at = box + c * plane + (d // stride_d) * line + (d % stride_d) * stride_h * stride_w * phase
            if stride_h == 1 and stride_w == 1:
                source += 4 * (top * width + left)
                copy_rows(source, 4 * width, slice_at + top * column + 4 * left, column, bottom - top, right - left)
                continue
            for h in range(top, bottom):
                target = slice_at + (h // stride_h) * column + (h % stride_h) * stride_w * phase
                for w in range(left, right):
                    place = target + (w % stride_w) * phase + 4 * (w // stride_w)
                    move1(source + 4 * (h * width + w), place)


@inner
def enter(part, spec):
    """Image, first pixel and size of one part of the work."""
    image, block = divmod(part, spec[BLOCKS] * spec[BLOCKS + 1] * spec[BLOCKS + 2])
    bd, rest = divmod(block, spec[BLOCKS + 1] * spec[BLOCKS + 2])
    bh, bw = divmod(rest, spec[BLOCKS + 2])
    d0, h0, w0 = bd * spec[BLOCK], bh * spec[BLOCK + 1], bw * spec[BLOCK + 2]
    nd, nh, nw = (
        min(spec[BLOCK], spec[OUT] - d0),
        min(spec[BLOCK + 1], spec[OUT + 1] - h0),
        min(spec[BLOCK + 2], spec[OUT + 2] - w0),
    )
    return image, d0, h0, w0, nd, nh, nw


@inner
def load(x_at, image, group, box, spec, d0, h0, w0, nd, nh, nw):
    """Copy what the output pixels ``(nd, nh, nw)`` from ``(d0, h0, w0)`` read."""
    load_group(
        x_at,
        image,
        group,
        box,
        spec,
        d0 * spec[STRIDE] + spec[ORIGIN],
        h0 * spec[STRIDE + 1] + spec[ORIGIN + 1],
        w0 * spec[STRIDE + 2] + spec[ORIGIN + 2],
        (nd - 1) * spec[STRIDE] + spec[REACH],
        (nh - 1) * spec[STRIDE + 1] + spec[REACH + 1],
        (nw - 1) * spec[STRIDE + 2] + spec[REACH + 2],
    )


@kernel
def narrow(begin, end, x, weights, starts, y, spec, offsets):
    """Pairs (part, group) ``[begin, end)``; ``weights[group, term, channel]``, ``starts[group, channel]``."""
    groups, channels, channel_stride = spec[GROUPS], spec[OUT_GROUP], spec[CHANNEL_STRIDE]
    line, column = spec[LINE], spec[COLUMN]
    depth = offsets.size
    slack = 8 * LANES
    box = np.zeros(spec[IN_GROUP] * spec[PLANE] + slack, np.float32)
    pitch = spec[SUMS] + slack
    sums = np.empty(channels * pitch, np.float32)
    box_at, sums_at, offsets_at = address(box), address(sums), address(offsets)
    for index in range(begin, end):
        part, group = divmod(index, groups)
        image, d0, h0, w0, nd, nh, nw = enter(part, spec)
        load(address(x), image, group, box_at, spec, d0, h0, w0, nd, nh, nw)
        total = (nd - 1) * line + (nh - 1) * column + nw
        right = address(weights) + 4 * group * depth * channels
        start = address(starts) + 4 * group * channels
        p = 0
        if channels == 1:
            while p <= total - 8 * LANES:
                strip1(box_at + 4 * p, offsets_at, depth, right, start, sums_at + 4 * p, 4 * pitch)
                p += 8 * LANES
        elif channels == 2:
            while p <= total - 5 * LANES:
                strip2(box_at + 4 * p, offsets_at, depth, right, start, sums_at + 4 * p, 4 * pitch)
                p += 5 * LANES
        elif channels == 3:
            while p <= total - 4 * LANES:
                strip3(box_at + 4 * p, offsets_at, depth, right, start, sums_at + 4 * p, 4 * pitch)
                p += 4 * LANES
        else:
            while p <= total - 3 * LANES:
                strip4(box_at + 4 * p, offsets_at, depth, right, start, sums_at + 4 * p, 4 * pitch)
                p += 3 * LANES
        while p < total:
            if channels == 1:
                end1(box_at + 4 * p, offsets_at, depth, right, start, sums_at + 4 * p, 4 * pitch)
            elif channels == 2:
                end2(box_at + 4 * p, offsets_at, depth, right, start, sums_at + 4 * p, 4 * pitch)
            elif channels == 3:
                end3(box_at + 4 * p, offsets_at, depth, right, start, sums_at + 4 * p, 4 * pitch)
            else:
                end4(box_at + 4 * p, offsets_at, depth, right, start, sums_at + 4 * p, 4 * pitch)
            p += LANES
        place = image * spec[IMAGE_STRIDE] + spec[FIRST] + d0 * spec[STEP] + h0 * spec[STEP + 1] + w0 * spec[STEP + 2]
        for c in range(channels):
            for d in range(nd):
                at = address(y) + 4 * (place + (group * channels + c) * channel_stride + d * spec[STEP])
                source = sums_at + 4 * (c * pitch + d * line)
                if spec[STEP + 2] == 1:
                    copy_rows(source, 4 * column, at, 4 * spec[STEP + 1], nh, nw)
                    continue
                for h in range(nh):
                    for w in range(nw):
                        there = at + 4 * (h * spec[STEP + 1] + w * spec[STEP + 2])
                        move1(source + 4 * (h * column + w), there)
    keep(box)
    keep(sums)


@kernel
def narrow_weight(begin, end, x, g, sums, spec, offsets, shares, group_shares, parts):
    """Gradient of the weight: piece ``i`` adds a share of the parts for a share of the groups.

    ``sums[share of parts, group, tile of terms, channel, term, lane]`` starts at zero.  The output's gradient is laid
    out like the sums of `narrow`, with zeros where a row's end is run over.
    """
    groups, channels, channel_stride = spec[GROUPS], spec[OUT_GROUP], spec[CHANNEL_STRIDE]
    line, column = spec[LINE], spec[COLUMN]
    depth = offsets.size
    slack = 8 * LANES
    box = np.zeros(spec[IN_GROUP] * spec[PLANE] + slack, np.float32)
    pitch = spec[SUMS] + slack
    lines = np.empty(channels * pitch, np.float32)
    box_at, lines_at, offsets_at = address(box), address(lines), address(offsets)
    for piece in range(begin, end):
        share, group_share = divmod(piece, group_shares)
        for part in range(share * parts // shares, (share + 1) * parts // shares):
            image, d0, h0, w0, nd, nh, nw = enter(part, spec)
            place = image * spec[IMAGE_STRIDE] + d0 * spec[STEP] + h0 * spec[STEP + 1] + w0
            vectors = ((nd - 1) * line + (nh - 1) * column + nw + LANES - 1) // LANES
            for group in range(group_share * groups // group_shares, (group_share + 1) * groups // group_shares):
                load(address(x), image, group, box_at, spec, d0, h0, w0, nd, nh, nw)
                clear_row(lines_at, channels * pitch)
                for c in range(channels):
                    for d in range(nd):
                        at = address(g) + 4 * (place + (group * channels + c) * channel_stride + d * spec[STEP])
                        there = lines_at + 4 * (c * pitch + d * line)
                        copy_rows(at, 4 * spec[STEP + 1], there, 4 * column, nh, nw)
                to = address(sums) + 4 * LANES * (share * groups + group) * channels * depth
                if channels == 1:
                    for r in range(0, depth, 9):
                        dots1(lines_at, 4 * pitch, box_at, offsets_at + 8 * r, vectors, to + 4 * LANES * r)
                elif channels == 2:
                    for r in range(0, depth, 6):
                        dots2(lines_at, 4 * pitch, box_at, offsets_at + 8 * r, vectors, to + 8 * LANES * r)
                elif channels == 3:
                    for r in range(0, depth, 4):
                        dots3(lines_at, 4 * pitch, box_at, offsets_at + 8 * r, vectors, to + 12 * LANES * r)
                else:
                    for r in range(0, depth, 3):
                        dots4(lines_at, 4 * pitch, box_at, offsets_at + 8 * r, vectors, to + 16 * LANES * r)
    keep(box)
    keep(lines)
