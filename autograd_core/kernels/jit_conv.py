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
from .jit_simd import LANES, ROWS, clear1, clear8, make_tile, move1, move4, move8, transpose8

tile1 = make_tile(1)
tile2 = make_tile(2)
WIDE = 2 * LANES  # channels of a full register tile


@kernel
def take_pixels(g, at, channel_stride, lanes, width, pixels, turned, to):
    """Turn ``g[at + lane * channel_stride + pixel]`` into ``turned[to + pixel * width + lane]``, zeros from ``lanes`` on."""
    whole_lanes, whole_pixels = lanes - lanes % 8, pixels - pixels % 8
    source, target = g.ctypes.data + 4 * at, turned.ctypes.data + 4 * to
    for lane in range(0, whole_lanes, 8):
        for p in range(0, whole_pixels, 8):
            transpose8(
                source + 4 * (lane * channel_stride + p), 4 * channel_stride, target + 4 * (p * width + lane), 4 * width
            )
        for p in range(whole_pixels, pixels):
            for j in range(lane, lane + 8):
                turned[to + p * width + j] = g[at + j * channel_stride + p]
    for p in range(pixels):
        for j in range(whole_lanes, lanes):
            turned[to + p * width + j] = g[at + j * channel_stride + p]
        for j in range(max(lanes, whole_lanes), width):
            turned[to + p * width + j] = np.float32(0)


@kernel
def pack_rows(begin, end, w, panels, groups, lanes, widths, depth):
    """Weights ``w[group, lane, term]`` in the order the tiles read them; one index of the range is one tile.

    Per group, per tile of channels, term by term, a row of channels; those beyond ``lanes`` are filled with zeros.
    """
    tiles_in_group = -(-widths // WIDE)
    for tile in range(begin, end):
        g = tile // tiles_in_group
        first = (tile - g * tiles_in_group) * WIDE
        width = min(WIDE, widths - first)
        take_pixels(
            w, (g * lanes + first) * depth, depth, min(width, lanes - first), width, depth, panels, (g * widths + first) * depth
        )


@kernel
def pack_panels(begin, end, w, panels, terms, group_stride, lane_stride, lanes, widths):
    """As `pack_rows`, for terms that do not follow each other in the weights.

    ``w[g * group_stride + lane * lane_stride + terms[r]]`` is the weight of channel ``lane`` and term ``r``.
    One index of the range is one row of one group.
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
def copy_row(source, target, n):
    """Copy ``n`` floats; the last vector overlaps the one before it instead of a loop over the rest."""
    if n >= 8:
        last = 4 * (n - 8)
        for j in range(0, last, 32):
            move8(source + j, target + j)
        move8(source + last, target + last)
    elif n >= 4:
        last = 4 * (n - 4)
        move4(source, target)
        move4(source + last, target + last)
    else:
        for j in range(0, 4 * n, 4):
            move1(source + j, target + j)


@kernel
def clear_row(target, n):
    """Write ``n`` zeros."""
    if n >= 8:
        last = 4 * (n - 8)
        for j in range(0, last, 32):
            clear8(target + j)
        clear8(target + last)
    else:
        for j in range(0, 4 * n, 4):
            clear1(target + j)


@kernel
def copy_box(x, image, box, spec, d0, h0, w0, nd, nh, nw):
    """Copy ``(C, nd, nh, nw)`` pixels of one image that begin at ``(d0, h0, w0)``, zeros where there is no image."""
    channels, depth, height, width = spec[0], spec[1], spec[2], spec[3]
    plane, row_pitch, col = 4 * spec[4], 4 * spec[5], 4 * spec[6]
    left = min(max(-w0, 0), nw)
    right = max(min(width - w0, nw), left)
    top = min(max(-h0, 0), nh)
    bottom = max(min(height - h0, nh), top)
    whole_rows = left == 0 and right == nw == width and col == 4 * nw  # rows follow each other in both arrays
    line = 4 * width
    source_image = x.ctypes.data + 4 * image * channels * depth * height * width + 4 * w0
    for c in range(channels):
        for d in range(nd):
            to = box + c * plane + d * row_pitch
            if not 0 <= d0 + d < depth:
                clear_row(to, nh * spec[6])
                continue
            source = source_image + ((c * depth + d0 + d) * height + h0) * line
            if top > 0:
                clear_row(to, top * spec[6])
            if whole_rows:
                copy_row(source + top * line, to + top * col, (bottom - top) * nw)
            else:
                for h in range(top, bottom):
                    here = to + h * col
                    if left > 0:
                        clear_row(here, left)
                    copy_row(source + h * line + 4 * left, here + 4 * left, right - left)
                    if right < nw:
                        clear_row(here + 4 * right, nw - right)
            if bottom < nh:
                clear_row(to + bottom * col, (nh - bottom) * spec[6])


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
    contiguous, chunk, box_size, sums_size, tile_shares = spec[35], spec[36], spec[37], spec[38], spec[39]
    depth = offsets.size
    tiles_in_group = -(-widths // WIDE)
    tiles = groups * tiles_in_group
    copied = -1
    blocks = blocks_d * blocks_h * blocks_w
    box = np.empty(box_size, np.float32)
    sums = np.empty(sums_size, np.float32)
    box_at, sums_at = box.ctypes.data, sums.ctypes.data
    offsets_at, spots_at = offsets.ctypes.data, spots.ctypes.data
    panels_at, starts_at = panels.ctypes.data, starts.ctypes.data
    for job in range(begin, end):
        part, share = divmod(job, tile_shares)
        image, block = divmod(part, blocks)
        bd, rest = divmod(block, blocks_h * blocks_w)
        bh, bw = divmod(rest, blocks_w)
        d0, h0, w0 = bd * block_d, bh * block_h, bw * block_w
        nd, nh, nw = min(block_d, out_d - d0), min(block_h, out_h - h0), min(block_w, out_w - w0)
        pixels = nd * nh * nw
        if part != copied:
            copied = part
            copy_box(
                x, image, box_at, spec,
                d0 * stride_d + origin_d, h0 * stride_h + origin_h, w0 * stride_w + origin_w,
                (nd - 1) * stride_d + reach_d, (nh - 1) * stride_h + reach_h, (nw - 1) * stride_w + reach_w,
            )  # fmt: skip
        at = image * image_stride + first_place + d0 * step_d + h0 * step_h + w0 * step_w
        for tile in range(share * tiles // tile_shares, (share + 1) * tiles // tile_shares):
            g = tile // tiles_in_group
            lane = (tile - g * tiles_in_group) * WIDE
            base = box_at + 4 * g * in_group * plane
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
    box[0] = np.float32(0)  # used only by address above: this keeps it from being freed there


@kernel
def gather_weight(begin, end, x, g, sums, spec, terms, spots, shares, tile_shares, jobs):
    """Gradient of the weight: piece ``i`` adds a share of the jobs for a share of the channel tiles.

    ``sums[share of jobs, group, channel tile, term, channel]`` starts at zero.  A job turns its part of the output's
    gradient pixel by pixel, and the register tile runs over ROWS terms (input channel and tap) with the pixels as
    the terms of the sum.
    """
    channels = spec[0]
    plane = spec[4]
    groups, in_group, out_group, widths = spec[7], spec[8], spec[9], spec[10]
    blocks_d, blocks_h, blocks_w = spec[11], spec[12], spec[13]
    block_d, block_h, block_w = spec[14], spec[15], spec[16]
    out_d, out_h, out_w = spec[17], spec[18], spec[19]
    stride_d, stride_h, stride_w = spec[20], spec[21], spec[22]
    origin_d, origin_h, origin_w = spec[23], spec[24], spec[25]
    reach_d, reach_h, reach_w = spec[26], spec[27], spec[28]
    step_d, step_h, step_w, image_stride, channel_stride = spec[29], spec[30], spec[31], spec[33], spec[34]
    box_size, sums_size = spec[37], spec[38]
    rows = terms.size
    blocks = blocks_d * blocks_h * blocks_w
    tiles_in_group = -(-widths // WIDE)
    tiles = groups * tiles_in_group
    box = np.empty(box_size, np.float32)
    turned = np.empty(sums_size, np.float32)
    box_at, turned_at, terms_at, spots_at = box.ctypes.data, turned.ctypes.data, terms.ctypes.data, spots.ctypes.data
    for piece in range(begin, end):
        share, tile_share = divmod(piece, tile_shares)
        first_tile, last_tile = tile_share * tiles // tile_shares, (tile_share + 1) * tiles // tile_shares
        sums_at = sums.ctypes.data + 4 * share * groups * widths * rows
        for job in range(share * jobs // shares, (share + 1) * jobs // shares):
            image, block = divmod(job, blocks)
            bd, rest = divmod(block, blocks_h * blocks_w)
            bh, bw = divmod(rest, blocks_w)
            d0, h0, w0 = bd * block_d, bh * block_h, bw * block_w
            nd, nh, nw = min(block_d, out_d - d0), min(block_h, out_h - h0), min(block_w, out_w - w0)
            pixels = nd * nh * nw
            copy_box(
                x, image, box_at, spec,
                d0 * stride_d + origin_d, h0 * stride_h + origin_h, w0 * stride_w + origin_w,
                (nd - 1) * stride_d + reach_d, (nh - 1) * stride_h + reach_h, (nw - 1) * stride_w + reach_w,
            )  # fmt: skip
            at = image * image_stride + d0 * step_d + h0 * step_h + w0 * step_w
            for tile in range(first_tile, last_tile):
                group = tile // tiles_in_group
                lane = (tile - group * tiles_in_group) * WIDE
                width = min(WIDE, widths - lane)
                lanes = min(width, out_group - lane)
                take_pixels(g, at + (group * out_group + lane) * channel_stride, channel_stride, lanes, width, pixels, turned, 0)
                base = box_at + 4 * group * in_group * plane
                to = sums_at + 4 * (group * widths + lane) * rows
                for r in range(0, rows, ROWS):
                    out = to + 4 * r * width
                    if width == WIDE:
                        tile2(base, terms_at + 8 * r, spots_at, turned_at, pixels, out, 4 * width, out)
                    else:
                        tile1(base, terms_at + 8 * r, spots_at, turned_at, pixels, out, 4 * width, out)
    box[0] = np.float32(0)  # keeps it alive, as in gather


@kernel
def sum_shares(begin, end, sums, shares, groups, out_group, widths, rows, depth, dw):
    """``dw[channel, term]`` for output channels ``[begin, end)``: the sum of all shares, always in the same order."""
    size = groups * widths * rows
    for channel in range(begin, end):
        group, lane = divmod(channel, out_group)
        first = lane - lane % WIDE
        width = min(WIDE, widths - first)
        at = (group * widths + first) * rows + lane - first
        to = channel * depth
        for r in range(depth):
            total = sums[at + r * width]
            for share in range(1, shares):
                total += sums[share * size + at + r * width]
            dw[to + r] = total


@kernel
def sum_channels(begin, end, g, images, channels, pixels, out):
    """``out[c]`` for channels ``[begin, end)``: the sum of ``g`` ``(images, channels, pixels)``."""
    for c in range(begin, end):
        total = 0.0
        for n in range(images):
            at = (n * channels + c) * pixels
            part = np.float32(0)
            for p in range(pixels):
                part += g[at + p]
            total += part
        out[c] = total
