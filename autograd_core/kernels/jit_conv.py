# mypy: ignore-errors
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

from .conv_plan import (
    BLOCK,
    BLOCKS,
    BUNCH,
    CHANNEL_STRIDE,
    CHANNELS,
    CHUNK,
    COLUMN,
    CONTIGUOUS,
    FIRST,
    GROUPS,
    IMAGE_BOX,
    IMAGE_STRIDE,
    IMAGES,
    IN_GROUP,
    INPUT,
    LINE,
    ORIGIN,
    OUT,
    OUT_GROUP,
    PLANE,
    REACH,
    STEP,
    STRIDE,
    SUMS,
    TILE_SHARES,
    WIDTHS,
)
from .jit import inner, kernel
from .jit_simd import LANES, ROWS, address, clear1, clear8, copy_rows, keep, make_tile, move1, transpose8

tile1 = make_tile(1)
tile2 = make_tile(2)
WIDE = 2 * LANES  # channels of a full register tile


@inner
def take_pixels(source, channel_stride, lanes, width, pixels, target):
    """Turn ``source[lane * channel_stride + pixel]`` into ``target[pixel * width + lane]``, zeros from ``lanes`` on."""
    whole_lanes, whole_pixels = lanes - lanes % 8, pixels - pixels % 8
    for lane in range(0, whole_lanes, 8):
        for p in range(0, whole_pixels, 8):
            here, there = source + 4 * (lane * channel_stride + p), target + 4 * (p * width + lane)
            transpose8(here, 4 * channel_stride, there, 4 * width)
    for p in range(pixels):
        for j in range(whole_lanes if p < whole_pixels else 0, lanes):
            move1(source + 4 * (j * channel_stride + p), target + 4 * (p * width + j))
        for j in range(lanes, width):
            clear1(target + 4 * (p * width + j))


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
        source, target = (
            address(w) + 4 * (g * lanes + first) * depth,
            address(panels) + 4 * (g * widths + first) * depth,
        )
        take_pixels(source, depth, min(width, lanes - first), width, depth, target)


@kernel
def pack_columns(begin, end, w, panels, groups, channels, lanes, widths, taps):
    """As `pack_rows`, for weights ``w[group, channel, lane, tap]`` whose terms are the channels and taps."""
    tiles_in_group = -(-widths // WIDE)
    for tile in range(begin, end):
        g = tile // tiles_in_group
        first = (tile - g * tiles_in_group) * WIDE
        width = min(WIDE, widths - first)
        whole = min(width, lanes - first)
        source = address(w) + 4 * (g * channels * lanes + first) * taps
        target = address(panels) + 4 * (g * widths + first) * channels * taps
        if taps == 1 and whole == width:
            copy_rows(source, 4 * lanes, target, 4 * width, channels, width)
        else:
            for c in range(channels):
                take_pixels(source + 4 * c * lanes * taps, taps, whole, width, taps, target + 4 * c * taps * width)


@kernel
def pack_panels(begin, end, w, panels, terms, group_stride, lane_stride, lanes, widths):
    """As `pack_rows`, for any terms: where the stride leaves out taps.

    ``w[g * group_stride + lane * lane_stride + terms[r]]`` is the weight of channel ``lane`` and term ``r``.
    """
    depth = terms.size
    tiles_in_group = -(-widths // WIDE)
    for tile in range(begin, end):
        g = tile // tiles_in_group
        first = (tile - g * tiles_in_group) * WIDE
        width = min(WIDE, widths - first)
        whole = min(width, lanes - first)
        to = (g * widths + first) * depth
        for r in range(depth):
            at = g * group_stride + terms[r] + first * lane_stride
            for j in range(whole):
                panels[to + r * width + j] = w[at + j * lane_stride]
            for j in range(whole, width):
                panels[to + r * width + j] = np.float32(0)


@inner
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


@inner
def copy_box(x_at, image, box, spec, d0, h0, w0, nd, nh, nw):
    """Copy ``(C, nd, nh, nw)`` pixels of one image that begin at ``(d0, h0, w0)``, zeros where there is no image."""
    channels, depth, height, width = spec[CHANNELS], spec[INPUT], spec[INPUT + 1], spec[INPUT + 2]
    plane, slice_pitch, row_pitch = 4 * spec[PLANE], 4 * spec[LINE], 4 * spec[COLUMN]
    left, top, front = max(-w0, 0), max(-h0, 0), max(-d0, 0)
    right, bottom, back = min(width - w0, nw), min(height - h0, nh), min(depth - d0, nd)
    if left + top + front > 0 or right < nw or bottom < nh or back < nd:
        clear_row(box, channels * spec[PLANE])
    length = right - left
    if length <= 0 or bottom <= top:
        return
    rows = bottom - top
    if length == width and row_pitch == 4 * width:  # the rows follow each other in both arrays
        length *= rows
        rows = 1
    image_at = x_at + 4 * (((image * channels * depth + d0) * height + h0 + top) * width + w0 + left)
    for c in range(channels):
        for d in range(front, back):
            source = image_at + 4 * (c * depth + d) * height * width
            target = box + c * plane + d * slice_pitch + top * row_pitch + 4 * left
            copy_rows(source, 4 * width, target, row_pitch, rows, length)


@inner
def load_part(x_at, part, box, spec):
    """Copy what part ``part`` of the work reads: (first image, images, place of the first pixel, pixels per image)."""
    block_d, block_h, block_w = spec[BLOCK], spec[BLOCK + 1], spec[BLOCK + 2]
    bunch, block = divmod(part, spec[BLOCKS] * spec[BLOCKS + 1] * spec[BLOCKS + 2])
    bd, rest = divmod(block, spec[BLOCKS + 1] * spec[BLOCKS + 2])
    bh, bw = divmod(rest, spec[BLOCKS + 2])
    d0, h0, w0 = bd * block_d, bh * block_h, bw * block_w
    nd, nh, nw = min(block_d, spec[OUT] - d0), min(block_h, spec[OUT + 1] - h0), min(block_w, spec[OUT + 2] - w0)
    first = bunch * spec[BUNCH]
    images = min(spec[BUNCH], spec[IMAGES] - first)
    for i in range(images):
        copy_box(
            x_at,
            first + i,
            box + 4 * i * spec[IMAGE_BOX],
            spec,
            d0 * spec[STRIDE] + spec[ORIGIN],
            h0 * spec[STRIDE + 1] + spec[ORIGIN + 1],
            w0 * spec[STRIDE + 2] + spec[ORIGIN + 2],
            (nd - 1) * spec[STRIDE] + spec[REACH],
            (nh - 1) * spec[STRIDE + 1] + spec[REACH + 1],
            (nw - 1) * spec[STRIDE + 2] + spec[REACH + 2],
        )
    place = spec[FIRST] + d0 * spec[STEP] + h0 * spec[STEP + 1] + w0 * spec[STEP + 2]
    return first, images, place, nd * nh * nw


@inner
def put_pixels(source, width, lanes, pixels, target, channel_stride):
    """Turn ``source[pixel * width + lane]`` into ``target[lane * channel_stride + pixel]``."""
    whole_lanes, whole_pixels = lanes - lanes % 8, pixels - pixels % 8
    for lane in range(0, whole_lanes, 8):
        for p in range(0, whole_pixels, 8):
            here, there = source + 4 * (p * width + lane), target + 4 * (lane * channel_stride + p)
            transpose8(here, 4 * width, there, 4 * channel_stride)
    for j in range(lanes):
        for p in range(whole_pixels if j < whole_lanes else 0, pixels):
            move1(source + 4 * (p * width + j), target + 4 * (j * channel_stride + p))


@inner
def scatter_pixels(source, width, lanes, pixels, target, channel_stride, places):
    """Turn ``source[pixel * width + lane]`` into ``target[lane * channel_stride + places[pixel]]``."""
    for j in range(lanes):
        for p in range(pixels):
            move1(source + 4 * (p * width + j), target + 4 * (j * channel_stride + places[p]))


@kernel
def gather(begin, end, x, panels, starts, y, spec, offsets, spots, places):
    """Shares ``[begin, end)`` of one convolution; see the head of this file, and ``conv_plan`` for ``spec``."""
    in_group, out_group, widths, plane = spec[IN_GROUP], spec[OUT_GROUP], spec[WIDTHS], spec[PLANE]
    channel_stride, chunk, tile_shares = spec[CHANNEL_STRIDE], spec[CHUNK], spec[TILE_SHARES]
    depth = offsets.size
    tiles_in_group = -(-widths // WIDE)
    tiles = spec[GROUPS] * tiles_in_group
    box = np.empty(spec[BUNCH] * spec[IMAGE_BOX], np.float32)
    sums = np.empty(spec[SUMS], np.float32)
    box_at, sums_at = address(box), address(sums)
    offsets_at, spots_at = address(offsets), address(spots)
    panels_at, starts_at = address(panels), address(starts)
    loaded = -1
    first, images, place, pixels = 0, 0, 0, 0
    for index in range(begin, end):
        part, share = divmod(index, tile_shares)
        if part != loaded:
            first, images, place, pixels = load_part(address(x), part, box_at, spec)
            loaded = part
        for tile in range(share * tiles // tile_shares, (share + 1) * tiles // tile_shares):
            g = tile // tiles_in_group
            lane = (tile - g * tiles_in_group) * WIDE
            width = min(WIDE, widths - lane)
            base = box_at + 4 * g * in_group * plane
            panel = panels_at + 4 * (g * widths + lane) * depth
            for k in range(0, depth, chunk):
                terms = min(chunk, depth - k)
                for p in range(0, images * pixels, ROWS):
                    out = sums_at + 4 * p * width
                    start, step = (starts_at + 4 * (g * widths + lane), 0) if k == 0 else (out, 4 * width)
                    right = panel + 4 * k * width
                    if width == WIDE:
                        tile2(base, spots_at + 8 * p, offsets_at + 8 * k, right, terms, start, step, out)
                    else:
                        tile1(base, spots_at + 8 * p, offsets_at + 8 * k, right, terms, start, step, out)
            lanes = min(width, out_group - lane)
            for i in range(images):
                at = (first + i) * spec[IMAGE_STRIDE] + place + (g * out_group + lane) * channel_stride
                source, target = sums_at + 4 * i * pixels * width, address(y) + 4 * at
                if spec[CONTIGUOUS]:
                    put_pixels(source, width, lanes, pixels, target, channel_stride)
                else:
                    scatter_pixels(source, width, lanes, pixels, target, channel_stride, places)
    keep(box)
    keep(sums)


@kernel
def gather_weight(begin, end, x, g, sums, spec, terms, spots, shares, tile_shares, parts):
    """Gradient of the weight: piece ``i`` adds a share of the parts of the images for a share of the channel tiles.

    The result is ``sums[share of parts, group, channel tile, term, channel]``.  The output's gradient is turned to
    pixel by pixel, and the register tile runs over ROWS terms (input channel and tap) with the pixels as the terms of
    the sum.
    """
    in_group, out_group, widths, plane = spec[IN_GROUP], spec[OUT_GROUP], spec[WIDTHS], spec[PLANE]
    channel_stride, groups = spec[CHANNEL_STRIDE], spec[GROUPS]
    rows = terms.size
    tiles_in_group = -(-widths // WIDE)
    tiles = groups * tiles_in_group
    box = np.empty(spec[BUNCH] * spec[IMAGE_BOX], np.float32)
    turned = np.empty(spec[SUMS], np.float32)
    nothing = np.zeros(WIDE, np.float32)
    nothing_at = address(nothing)
    box_at, turned_at, terms_at, spots_at = address(box), address(turned), address(terms), address(spots)
    for piece in range(begin, end):
        share, tile_share = divmod(piece, tile_shares)
        sums_at = address(sums) + 4 * share * groups * widths * rows
        first_part = share * parts // shares
        for part in range(first_part, (share + 1) * parts // shares):
            first, images, place, pixels = load_part(address(x), part, box_at, spec)
            for tile in range(tile_share * tiles // tile_shares, (tile_share + 1) * tiles // tile_shares):
                group = tile // tiles_in_group
                lane = (tile - group * tiles_in_group) * WIDE
                width = min(WIDE, widths - lane)
                lanes = min(width, out_group - lane)
                for i in range(images):
                    at = (first + i) * spec[IMAGE_STRIDE] + place + (group * out_group + lane) * channel_stride
                    take_pixels(
                        address(g) + 4 * at, channel_stride, lanes, width, pixels, turned_at + 4 * i * pixels * width
                    )
                base = box_at + 4 * group * in_group * plane
                to = sums_at + 4 * (group * widths + lane) * rows
                for r in range(0, rows, ROWS):
                    out = to + 4 * r * width
                    start, step = (nothing_at, 0) if part == first_part else (out, 4 * width)
                    if width == WIDE:
                        tile2(base, terms_at + 8 * r, spots_at, turned_at, images * pixels, start, step, out)
                    else:
                        tile1(base, terms_at + 8 * r, spots_at, turned_at, images * pixels, start, step, out)
    keep(box)
    keep(turned)
    keep(nothing)


@kernel
def sum_shares(begin, end, sums, shares, groups, out_group, widths, rows, depth, dw):
    """``dw[channel, term]`` of channel tiles ``[begin, end)``: the sum of all shares, always in the same order."""
    size = groups * widths * rows
    tiles_in_group = -(-widths // WIDE)
    for tile in range(begin, end):
        group = tile // tiles_in_group
        first = (tile - group * tiles_in_group) * WIDE
        width = min(WIDE, widths - first)
        at = (group * widths + first) * rows
        for share in range(1, shares):
            for i in range(rows * width):
                sums[at + i] += sums[share * size + at + i]
        target = address(dw) + 4 * (group * out_group + first) * depth
        put_pixels(address(sums) + 4 * at, width, min(width, out_group - first), depth, target, depth)


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
