"""Tables and block sizes of the compiled convolutions, made once per shape.

Every case is brought to three spatial dimensions (leading ones) and to one form: the output pixel ``p`` of a grid
reads the input at ``p * stride + tap`` for a list of taps (vectors of whole numbers, negative ones reach into the
padding).  A forward pass is one such grid; the gradient of the input is one per phase of the stride.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

import numpy as np

from . import runtime
from .conv_numpy import Ints

BOX = 48 * 1024  # floats of an image part that a job copies: a share of the second-level cache
PIXELS = 512  # most output pixels of a job: its sums (16 floats each) stay in the first-level cache
BUNCHED = 192  # small images are done together until they have so many output pixels
FEW = 24  # a job has at least so many output pixels, whatever its part of the image takes
LEAST = 96  # an image is not cut in smaller jobs just to have more of them
TERMS = 200  # terms per pass over the pixels: their weights (16 floats each) stay in the first-level cache
TURNED = 256  # most output pixels of a job of the weight's gradient: as many terms of its sums
SHARED_SUMS = 1 << 20  # floats that the partial sums of the weight's gradient may take
NARROW = 4  # up to so many output channels per group, vectors hold pixels instead of channels
NARROW_TERMS = (9, 6, 4, 3)  # terms of the weight's gradient at once, for 1 to 4 channels
LONG = 4096  # most output pixels of a job with pixels in its vectors
JOBS = 16  # fewest jobs, if the shape allows, so that threads have something to share


# Positions in the table of whole numbers that the kernels read; those of three dimensions take three places.
(
    CHANNELS, PLANE, LINE, COLUMN, GROUPS, IN_GROUP, OUT_GROUP, WIDTHS, FIRST, IMAGE_STRIDE, CHANNEL_STRIDE, CONTIGUOUS,
    CHUNK, IMAGE_BOX, SUMS, TILE_SHARES, BUNCH, IMAGES, PHASE,
) = range(19)  # fmt: skip
INPUT, BLOCKS, BLOCK, OUT, STRIDE, ORIGIN, REACH, STEP = range(19, 43, 3)


def three(values: Ints, fill: int) -> Ints:
    """``values`` with leading ``fill`` up to three entries."""
    return (fill,) * (3 - len(values)) + tuple(values)


@dataclass(frozen=True)
class Gather:
    """What ``jit_conv.gather`` needs beside the arrays."""

    parts: int  # parts of the work: blocks of images
    tile_shares: int  # each part is done in so many shares of the register tiles
    grain: int
    spec: np.ndarray  # int64, in the order that gather reads
    offsets: np.ndarray  # int64 bytes: one per term (channel, tap)
    spots: np.ndarray  # int64 bytes: one per pixel of a job
    places: np.ndarray  # int64 floats: one per pixel of a job, where the output is not contiguous
    taps: tuple[int, ...]  # indices of the taps in the kernel window
    widths: int  # channels of one group, filled up to whole vectors
    tiles: int  # register tiles that the channels of all groups take


def _blocks(out: Ints, stride: Ints, reach: Ints, channels: int, images: int, most: int, least: int = LEAST) -> Ints:
    """Output pixels per job in each dimension: whole images, else whole slices, else whole rows, else parts of a row."""

    def fits(block: list[int]) -> bool:
        pixels = math.prod(block)
        box = channels * math.prod((b - 1) * s + r for b, s, r in zip(block, stride, reach, strict=True))
        return pixels <= FEW or (pixels <= most and box <= BOX)

    block = [1, 1, 1]
    for axis in (2, 1, 0):
        cuts = 1
        while True:
            block[axis] = -(-out[axis] // cuts)
            if block[axis] == 1 or fits(block):
                break
            cuts += 1
        if block[axis] < out[axis]:
            break
    # more jobs for more threads, as long as each is worth its while
    for axis in (0, 1):
        rest = math.prod(block[axis + 1 :])
        jobs = images * math.prod(-(-n // b) for n, b in zip(out, block, strict=True))
        cuts = min(-(-JOBS // jobs), max(1, block[axis] * rest // least))
        block[axis] = -(-block[axis] // cuts)
    return (block[0], block[1], block[2])


def _padded(size: int) -> int:
    """Floats from channel to channel: an odd number of cache lines, so that channels do not share cache sets."""
    lines = -(-size // 16)
    return 16 * (lines | 1)


def grid(
    x_shape: Ints, out: Ints, stride: Ints, taps: list[tuple[int, Ints]], groups: int, out_channels: int,
    y_shape: Ints, step: Ints, first: Ints, lanes: int, rows: int, most: int = PIXELS, bunch_pixels: int = BUNCHED,
) -> Gather:  # fmt: skip
    """Plan one grid of output pixels.

    ``x_shape`` is (n, c, d, h, w); ``taps`` holds (index in the window, offset vector); output pixel ``p`` is stored at
    ``p * step + first`` of an array of spatial shape ``y_shape``.  ``lanes`` and ``rows`` describe the register tile.
    """
    n, c = x_shape[:2]
    in_group, out_group = c // groups, out_channels // groups
    vectors = np.array([vector for _, vector in taps], np.int64)
    origin = vectors.min(0)
    reach = tuple(int(v) for v in vectors.max(0) - origin + 1)
    block = _blocks(out, stride, reach, c, n, most)
    count = tuple(-(-m // b) for m, b in zip(out, block, strict=True))
    pixels = math.prod(block)

    # the copied part of an image: channels `plane` floats apart
    size = tuple((b - 1) * s + r for b, s, r in zip(block, stride, reach, strict=True))
    pitch = np.array([size[1] * size[2], size[2], 1], np.int64)
    plane = _padded(math.prod(size))
    image_box = c * plane
    bunch = 1
    if math.prod(count) == 1:  # several whole images at once, to fill the register tiles and their sums
        bunch = max(1, min(bunch_pixels // pixels, BOX // image_box, n // JOBS))

    cells = np.stack(np.meshgrid(*map(np.arange, block), indexing="ij"), -1).reshape(-1, 3)
    offsets = (np.arange(in_group)[:, None] * plane + (vectors - origin) @ pitch).ravel() * 4
    spots = (np.arange(bunch)[:, None] * image_box + (cells * stride) @ pitch).ravel() * 4
    spots = np.concatenate([spots, spots[-1:].repeat(-spots.size % rows)])
    steps = np.array(step) * [y_shape[1] * y_shape[2], y_shape[2], 1]

    widths = -(-out_group // lanes) * lanes
    tiles = groups * -(-widths // (2 * lanes))
    parts = -(-n // bunch) * math.prod(count)
    tile_shares = min(tiles, max(1, JOBS // max(1, parts)))  # too few images and pixels: share out the channels
    depth = offsets.size
    spec = np.zeros(43, np.int64)
    for place, value in {
        CHANNELS: c, PLANE: plane, LINE: pitch[0], COLUMN: pitch[1], GROUPS: groups, IN_GROUP: in_group,
        OUT_GROUP: out_group, WIDTHS: widths,
        IMAGE_STRIDE: out_channels * math.prod(y_shape), CHANNEL_STRIDE: math.prod(y_shape),
        CONTIGUOUS: tuple(step) == (1, 1, 1) and tuple(out) == tuple(y_shape),
        CHUNK: -(-depth // -(-depth // TERMS)), IMAGE_BOX: image_box, SUMS: spots.size * min(widths, 2 * lanes),
        TILE_SHARES: tile_shares, BUNCH: bunch, IMAGES: n,
    }.items():  # fmt: skip
        spec[place] = value
    spec[FIRST] = np.array(first) @ np.array([y_shape[1] * y_shape[2], y_shape[2], 1])
    for place, triple in {
        INPUT: x_shape[2:], BLOCKS: count, BLOCK: block, OUT: out, STRIDE: stride, ORIGIN: origin, REACH: reach, STEP: steps,
    }.items():  # fmt: skip
        spec[place : place + 3] = triple
    work = bunch * pixels * depth * widths * groups // tile_shares  # multiply-adds of one share
    return Gather(
        parts=parts, tile_shares=tile_shares, grain=max(1, -(-runtime.THRESHOLDS["parallel.fma"] // work)), spec=spec,
        offsets=offsets, spots=spots, places=cells @ steps, taps=tuple(i for i, _ in taps), widths=widths, tiles=tiles,
    )  # fmt: skip


def narrow_grid(
    x_shape: Ints, out: Ints, stride: Ints, taps: list[tuple[int, Ints]], groups: int, out_channels: int,
    y_shape: Ints, step: Ints, first: Ints,
) -> Gather:  # fmt: skip
    """As `grid`, for ``jit_conv_narrow``: parts of one group's channels, sorted by phase of the stride."""
    n, c = x_shape[:2]
    in_group = c // groups
    vectors = np.array([vector for _, vector in taps], np.int64)
    origin = vectors.min(0)
    reach = tuple(int(v) for v in vectors.max(0) - origin + 1)
    block = _blocks(out, stride, reach, in_group, n * groups, LONG, LONG // 4)
    count = tuple(-(-m // b) for m, b in zip(out, block, strict=True))
    size = tuple(-(-((b - 1) * s + r) // s) for b, s, r in zip(block, stride, reach, strict=True))  # of one phase
    pitch = np.array([size[1] * size[2], size[2], 1], np.int64)
    phase = math.prod(size)
    plane = _padded(phase * math.prod(stride))
    phases, places = (vectors - origin) % stride, (vectors - origin) // stride
    order = phases @ [stride[1] * stride[2], stride[2], 1]
    offsets = (np.arange(in_group)[:, None] * plane + order * phase + places @ pitch).ravel() * 4
    y_pitch = np.array([y_shape[1] * y_shape[2], y_shape[2], 1], np.int64)
    parts = n * math.prod(count)
    spec = np.zeros(43, np.int64)
    for place, value in {
        CHANNELS: c, PLANE: plane, LINE: pitch[0], COLUMN: pitch[1], PHASE: phase, GROUPS: groups, IN_GROUP: in_group,
        OUT_GROUP: out_channels // groups, FIRST: np.array(first) @ y_pitch,
        IMAGE_STRIDE: out_channels * math.prod(y_shape), CHANNEL_STRIDE: math.prod(y_shape), IMAGES: n,
        SUMS: (block[0] - 1) * pitch[0] + (block[1] - 1) * pitch[1] + block[2],
    }.items():  # fmt: skip
        spec[place] = value
    for place, triple in {
        INPUT: x_shape[2:], BLOCKS: count, BLOCK: block, OUT: out, STRIDE: stride, ORIGIN: origin, REACH: reach,
        STEP: np.array(step) * y_pitch,
    }.items():  # fmt: skip
        spec[place : place + 3] = triple
    work = math.prod(block) * offsets.size * (out_channels // groups)
    return Gather(
        parts=parts, tile_shares=groups, grain=max(1, -(-runtime.THRESHOLDS["parallel.fma"] // (4 * work))), spec=spec,
        offsets=offsets, spots=offsets[:0], places=offsets[:0], taps=tuple(i for i, _ in taps),
        widths=out_channels // groups, tiles=groups,
    )  # fmt: skip


def _window(w_shape: Ints, stride: Ints, padding: Ints, dilation: Ints) -> tuple[Ints, list[tuple[int, Ints]]]:
    """Stride and taps of the forward pass in three dimensions."""
    kernel, stride, padding, dilation = (
        three(w_shape[2:], 1), three(stride, 1), three(padding, 0), three(dilation, 1),
    )  # fmt: skip
    taps = [
        (i, tuple(t * d - p for t, d, p in zip(tap, dilation, padding, strict=True)))
        for i, tap in enumerate(product(*map(range, kernel)))
    ]
    return stride, taps


@lru_cache(maxsize=256)
def forward(
    x_shape: Ints, w_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int, out: Ints, lanes: int, rows: int
) -> Gather:
    """The one grid of a forward pass."""
    stride, taps = _window(w_shape, stride, padding, dilation)
    shape = (*x_shape[:2], *three(x_shape[2:], 1))
    out = three(out, 1)
    if w_shape[0] // groups <= NARROW:
        return narrow_grid(shape, out, stride, taps, groups, w_shape[0], out, (1, 1, 1), (0, 0, 0))
    return grid(shape, out, stride, taps, groups, w_shape[0], out, (1, 1, 1), (0, 0, 0), lanes, rows)


@lru_cache(maxsize=256)
def input_gradient(
    g_shape: Ints, w_shape: Ints, x_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int, lanes: int, rows: int
) -> tuple[list[Gather], bool]:
    """One grid per phase of the stride, and whether some input pixels are read by no window (their gradient is 0).

    Input pixel ``i`` was read at tap ``t`` by output pixel ``p`` when ``i = p stride + t dilation - padding``; for the
    pixels ``i = phase + j stride`` that is ``p = j + (phase + padding - t dilation) / stride``, where it divides.
    """
    kernel, stride, padding, dilation = (
        three(w_shape[2:], 1), three(stride, 1), three(padding, 0), three(dilation, 1),
    )  # fmt: skip
    size = three(x_shape[2:], 1)
    grids: list[Gather] = []
    holes = False
    for phase in product(*map(range, stride)):
        out = tuple(-(-(n - f) // s) for n, f, s in zip(size, phase, stride, strict=True))
        if min(out) < 1:
            continue
        taps = []
        for i, tap in enumerate(product(*map(range, kernel))):
            moved = [f + p - t * d for f, p, t, d in zip(phase, padding, tap, dilation, strict=True)]
            if all(m % s == 0 for m, s in zip(moved, stride, strict=True)):
                taps.append((i, tuple(m // s for m, s in zip(moved, stride, strict=True))))
        if not taps:
            holes = True
            continue
        shape = (*g_shape[:2], *three(g_shape[2:], 1))
        if w_shape[1] <= NARROW:
            grids.append(narrow_grid(shape, out, (1, 1, 1), taps, groups, x_shape[1], size, stride, phase))
        else:
            grids.append(grid(shape, out, (1, 1, 1), taps, groups, x_shape[1], size, stride, phase, lanes, rows))
    return grids, holes


@lru_cache(maxsize=256)
def weight_gradient(
    x_shape: Ints, w_shape: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int, out: Ints, lanes: int, rows: int
) -> Gather:
    """The grid of a forward pass in smaller jobs, its terms filled up to whole register tiles."""
    stride, taps = _window(w_shape, stride, padding, dilation)
    shape = (*x_shape[:2], *three(x_shape[2:], 1))
    out = three(out, 1)
    if w_shape[0] // groups <= NARROW:
        plan = narrow_grid(shape, out, stride, taps, groups, w_shape[0], out, (1, 1, 1), (0, 0, 0))
        rows = NARROW_TERMS[w_shape[0] // groups - 1]
    else:
        plan = grid(shape, out, stride, taps, groups, w_shape[0], out, (1, 1, 1), (0, 0, 0), lanes, rows, TURNED, TURNED)
    missing = -plan.offsets.size % rows
    return replace(plan, offsets=np.concatenate([plan.offsets, plan.offsets[:1].repeat(missing)]))
