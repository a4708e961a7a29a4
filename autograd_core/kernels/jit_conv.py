"""Convolution in float32 as compiled code: an implicit matrix product, without copied windows.

A *job* is a block of output pixels of one image.  The part of the image that it reads is copied once into a small
padded scratch array, where every window is a constant offset from its first pixel.  Then the register tile of
``jit_simd`` runs over ROWS pixels and 16 (or 32) output channels at a time: for each term of the sum, a vector of
weights times one broadcast input value per pixel, fetched at ``pixel + offset``.  The results, channel by channel
within a pixel, are turned into the output's order by 8 x 8 transposes.

The same code computes the forward pass and, with other tables, the gradient of the input (the taps of each phase of
the stride are a small convolution of their own); the tables are made in ``conv_plan``.
"""

from __future__ import annotations

import numpy as np

from .jit import kernel
from .jit_simd import LANES, ROWS, make_tile, transpose8

tile1 = make_tile(1)
tile2 = make_tile(2)
WIDE = 2 * LANES  # channels of a full register tile


@kernel
def pack_panels(begin, end, w, panels, terms, group_stride, lane_stride, lanes, widths):
    """Weights in the order the tiles read them: per group, per tile of channels, term by term, a row of channels.

    ``w[g * group_stride + lane * lane_stride + terms[r]]`` is the weight of channel ``lane`` and term ``r``; the
    channels beyond ``lanes`` are filled with zeros.  One index of the range is one row of one group.
    """
    depth = terms.size
    for index in range(begin, end):
        g, r = divmod(index, depth)
        base = g * group_stride + terms[r]
        panel = g * widths * depth
        for first in range(0, widths, WIDE):
            width = min(WIDE, widths - first)
            at = panel + first * depth + r * width
            for j in range(width):
                lane = first + j
                panels[at + j] = w[base + lane * lane_stride] if lane < lanes else np.float32(0)


@kernel
def copy_box(x, image, box, spec, d0, h0, w0, nd, nh, nw):
    """Copy ``(C, nd, nh, nw)`` pixels of one image that begin at ``(d0, h0, w0)``, zeros where there is no image."""
    channels, depth, height, width = spec[0], spec[1], spec[2], spec[3]
    plane, row_pitch, col = spec[4], spec[5], spec[6]
    left = min(max(-w0, 0), nw)
    right = max(min(width - w0, nw), left)
    for c in range(channels):
        for d in range(nd):
            source_d = d0 + d
            for h in range(nh):
                source_h = h0 + h
                to = c * plane + d * row_pitch + h * col
                if 0 <= source_d < depth and 0 <= source_h < height:
                    at = ((image * channels + c) * depth + source_d) * height * width + source_h * width + w0
                    for j in range(left):
                        box[to + j] = np.float32(0)
                    for j in range(left, right):
                        box[to + j] = x[at + j]
                    for j in range(right, nw):
                        box[to + j] = np.float32(0)
                else:
                    for j in range(nw):
                        box[to + j] = np.float32(0)


@kernel
def put_contiguous(sums, width, lanes, pixels, y, at, channel_stride):
    """Turn ``sums[pixel, lane]`` into ``y[at + lane * channel_stride + pixel]``."""
    whole_lanes, whole_pixels = lanes - lanes % 8, pixels - pixels % 8
    source, target = sums.ctypes.data, y.ctypes.data + 4 * at
    for lane in range(0, whole_lanes, 8):
        for p in range(0, whole_pixels, 8):
            transpose8(
                source + 4 * (p * width + lane), 4 * width, target + 4 * (lane * channel_stride + p), 4 * channel_stride
            )
        for j in range(lane, lane + 8):
            for p in range(whole_pixels, pixels):
                y[at + j * channel_stride + p] = sums[p * width + j]
    for j in range(whole_lanes, lanes):
        for p in range(pixels):
            y[at + j * channel_stride + p] = sums[p * width + j]


@kernel
def put_scattered(sums, width, lanes, pixels, y, at, channel_stride, places):
    """Turn ``sums[pixel, lane]`` into ``y[at + lane * channel_stride + places[pixel]]``."""
    for j in range(lanes):
        for p in range(pixels):
            y[at + j * channel_stride + places[p]] = sums[p * width + j]


@kernel
def gather(begin, end, x, panels, starts, y, spec, offsets, spots, places):
    """Jobs ``[begin, end)`` of one convolution; see the head of this file and `conv_plan.Gather` for ``spec``."""
    channels = spec[0]
    plane = spec[4]
    groups, in_group, out_group, widths = spec[7], spec[8], spec[9], spec[10]
    blocks_d, blocks_h, blocks_w = spec[11], spec[12], spec[13]
    block_d, block_h, block_w = spec[14], spec[15], spec[16]
    out_d, out_h, out_w = spec[17], spec[18], spec[19]
    stride_d, stride_h, stride_w = spec[20], spec[21], spec[22]
    origin_d, origin_h, origin_w = spec[23], spec[24], spec[25]
    reach_d, reach_h, reach_w = spec[26], spec[27], spec[28]
    step_d, step_h, step_w, first_place, image_stride, channel_stride = (
        spec[29], spec[30], spec[31], spec[32], spec[33], spec[34],
    )
    contiguous, chunk, box_size, sums_size = spec[35], spec[36], spec[37], spec[38]
    depth = offsets.size
    blocks = blocks_d * blocks_h * blocks_w
    box = np.empty(box_size, np.float32)
    sums = np.empty(sums_size, np.float32)
    box_at, sums_at = box.ctypes.data, sums.ctypes.data
    offsets_at, spots_at = offsets.ctypes.data, spots.ctypes.data
    panels_at, starts_at = panels.ctypes.data, starts.ctypes.data
    for job in range(begin, end):
        image, block = divmod(job, blocks)
        bd, rest = divmod(block, blocks_h * blocks_w)
        bh, bw = divmod(rest, blocks_w)
        d0, h0, w0 = bd * block_d, bh * block_h, bw * block_w
        nd, nh, nw = min(block_d, out_d - d0), min(block_h, out_h - h0), min(block_w, out_w - w0)
        pixels = nd * nh * nw
        copy_box(
            x, image, box, spec,
            d0 * stride_d + origin_d, h0 * stride_h + origin_h, w0 * stride_w + origin_w,
            (nd - 1) * stride_d + reach_d, (nh - 1) * stride_h + reach_h, (nw - 1) * stride_w + reach_w,
        )  # fmt: skip
        at = image * image_stride + first_place + d0 * step_d + h0 * step_h + w0 * step_w
        for g in range(groups):
            base = box_at + 4 * g * in_group * plane
            for lane in range(0, widths, WIDE):
                width = min(WIDE, widths - lane)
                panel = panels_at + 4 * (g * widths + lane) * depth
                for k in range(0, depth, chunk):
                    terms = min(chunk, depth - k)
                    for p in range(0, pixels, ROWS):
                        out = sums_at + 4 * p * width
                        start, step = (starts_at + 4 * (g * widths + lane), 0) if k == 0 else (out, 4 * width)
                        if width == WIDE:
                            tile2(
                                base, spots_at + 8 * p, offsets_at + 8 * k, panel + 4 * k * width, terms, start, step, out
                            )
                        else:
                            tile1(
                                base, spots_at + 8 * p, offsets_at + 8 * k, panel + 4 * k * width, terms, start, step, out
                            )
                lanes = min(width, out_group - lane)
                here = at + (g * out_group + lane) * channel_stride
                if contiguous:
                    put_contiguous(sums, width, lanes, pixels, y, here, channel_stride)
                else:
                    put_scattered(sums, width, lanes, pixels, y, here, channel_stride, places)
