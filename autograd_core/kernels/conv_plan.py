"""Tables and block sizes of the compiled convolutions, made once per shape.

Every case is brought to three spatial dimensions (leading ones) and to one form, the *grid*: output pixel ``p`` reads
the input at ``p * stride + tap`` for a list of taps (vectors of whole numbers, negative ones reach into the padding).
A forward pass is one grid; the gradient of the input is one per phase of the stride.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any

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
NARROW = 4  # up to so many output channels per group, vectors hold pixels instead of channels
NARROW_TERMS = (9, 6, 4, 3)  # terms of the weight's gradient at once, for 1 to 4 channels
LONG = 4096  # most output pixels of a job with pixels in its vectors
JOBS = 16  # fewest jobs, if the shape allows, so that threads have something to share


# Positions in the table of whole numbers that the kernels read; those with three dimensions take three places.
(
    CHANNELS, PLANE, LINE, COLUMN, GROUPS, IN_GROUP, OUT_GROUP, WIDTHS, FIRST, IMAGE_STRIDE, CHANNEL_STRIDE, CONTIGUOUS,
    CHUNK, IMAGE_BOX, SUMS, TILE_SHARES, BUNCH, IMAGES, PHASE,
) = range(19)  # fmt: skip
INPUT, BLOCKS, BLOCK, OUT, STRIDE, ORIGIN, REACH, STEP = range(19, 43, 3)


def three(values: Ints, fill: int) -> Ints:
    """``values`` with leading ``fill`` up to three entries."""
    return (fill,) * (3 - len(values)) + tuple(values)


@dataclass(frozen=True, eq=False)
class Grid:
    """What is to be computed: ``y[p * step + first] = sum over taps of x[p * stride + tap]``, per group of channels."""

    x_shape: Ints  # (n, c, d, h, w)
    out: Ints  # output pixels
    stride: Ints
    taps: list[tuple[int, Ints]]  # (index in the kernel's window, offset vector)
    groups: int
    channels: int  # of the output, all groups together
    y_shape: Ints  # (d, h, w) of the array that the outputs are stored in
    step: Ints = (1, 1, 1)
    first: Ints = (0, 0, 0)


@dataclass(frozen=True, eq=False)
class Plan:
    """How it is computed: what ``jit_conv.gather`` or ``jit_conv_narrow.narrow`` need beside the arrays."""

    parts: int  # of the work: blocks of images
    tile_shares: int  # each part is done in so many shares of the register tiles
    tiles: int  # register tiles that the channels of all groups take
    widths: int  # channels of one group, filled up to whole vectors
    grain: int  # shares worth a thread of their own
    spec: np.ndarray  # int64, at the positions above
    offsets: np.ndarray  # int64 bytes: one per term (channel, tap)
    spots: np.ndarray  # int64 bytes: one per pixel of a part
    places: np.ndarray  # int64 floats: one per pixel of a part, where the output is not contiguous
    taps: list[int]  # indices in the kernel's window


def _blocks(out: Ints, stride: Ints, reach: Ints, channels: int, images: int, most: int, least: int) -> Ints:
    """Output pixels per part in each dimension: whole images, else slices, else rows, else parts of a row."""

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


def _pitch(shape: Ints) -> np.ndarray:
    """Floats from one index to the next in each dimension of a contiguous array."""
    return np.array([shape[1] * shape[2], shape[2], 1], np.int64)


def _vectors(taps: list[tuple[int, Ints]]) -> tuple[np.ndarray, np.ndarray, Ints]:
    """Offset vectors from the first pixel that a window reads, that pixel, and how far a window reaches."""
    vectors = np.array([vector for _, vector in taps], np.int64)
    origin = vectors.min(0)
    return vectors - origin, origin, tuple(int(v) + 1 for v in vectors.max(0) - origin)


def _table(values: dict[int, Any]) -> np.ndarray:
    table = np.zeros(STEP + 3, np.int64)
    for place, value in values.items():
        table[place : place + np.size(value)] = value
    return table


def _grain(work: int) -> int:
    """Shares of ``work`` multiply-adds each that pay for waking a thread."""
    return max(1, -(-runtime.THRESHOLDS["parallel.fma"] // work))


def wide_plan(grid: Grid, most: int = PIXELS, together: int = BUNCHED, box: int = BOX) -> Plan:
    """Plan for many output channels: vectors hold channels."""
    from .jit_simd import LANES, ROWS

    n, c = grid.x_shape[:2]
    in_group, out_group = c // grid.groups, grid.channels // grid.groups
    vectors, origin, reach = _vectors(grid.taps)
    block = _blocks(grid.out, grid.stride, reach, c, n, most, LEAST)
    count = tuple(-(-m // b) for m, b in zip(grid.out, block, strict=True))
    pixels = math.prod(block)
    widths = -(-out_group // LANES) * LANES
    tiles = grid.groups * -(-widths // (2 * LANES))

    # the copied part of an image: channels `plane` floats apart
    size = tuple((b - 1) * s + r for b, s, r in zip(block, grid.stride, reach, strict=True))
    pitch = _pitch(size)
    plane = _padded(math.prod(size))
    bunch = 1
    if math.prod(count) == 1:  # several whole images at once, to fill the register tiles and their sums
        bunch = max(1, min(together // pixels, box // (c * plane), n * tiles // JOBS))

    cells = np.stack(np.meshgrid(*map(np.arange, block), indexing="ij"), -1).reshape(-1, 3)
    offsets = (np.arange(in_group)[:, None] * plane + vectors @ pitch).ravel() * 4
    spots = (np.arange(bunch)[:, None] * c * plane + (cells * grid.stride) @ pitch).ravel() * 4
    spots = np.concatenate([spots, spots[-1:].repeat(-spots.size % ROWS)])
    steps = np.array(grid.step) * _pitch(grid.y_shape)

    parts = -(-n // bunch) * math.prod(count)
    tile_shares = min(tiles, max(1, JOBS // max(1, parts)))  # too few images and pixels: share out the channels
    depth = offsets.size
    spec = _table(
        {
            CHANNELS: c,
            PLANE: plane,
            LINE: pitch[0],
            COLUMN: pitch[1],
            GROUPS: grid.groups,
            IN_GROUP: in_group,
            OUT_GROUP: out_group,
            WIDTHS: widths,
            FIRST: np.array(grid.first) @ _pitch(grid.y_shape),
            IMAGE_STRIDE: grid.channels * math.prod(grid.y_shape),
            CHANNEL_STRIDE: math.prod(grid.y_shape),
            CONTIGUOUS: grid.step == (1, 1, 1) and grid.out == grid.y_shape,
            CHUNK: -(-depth // -(-depth // TERMS)),
            IMAGE_BOX: c * plane,
            SUMS: spots.size * min(widths, 2 * LANES),
            TILE_SHARES: tile_shares,
            BUNCH: bunch,
            IMAGES: n,
            INPUT: grid.x_shape[2:],
            BLOCKS: count,
            BLOCK: block,
            OUT: grid.out,
            STRIDE: grid.stride,
            ORIGIN: origin,
            REACH: reach,
            STEP: steps,
        }
    )
    grain = _grain(bunch * pixels * depth * widths * grid.groups // tile_shares)
    taps = [i for i, _ in grid.taps]
    return Plan(parts, tile_shares, tiles, widths, grain, spec, offsets, spots, cells @ steps, taps)


def narrow_plan(grid: Grid) -> Plan:
    """Plan for few output channels per group: vectors hold pixels, and the input is sorted by phase of the stride."""
    n, c = grid.x_shape[:2]
    in_group, out_group = c // grid.groups, grid.channels // grid.groups
    vectors, origin, reach = _vectors(grid.taps)
    block = _blocks(grid.out, grid.stride, reach, in_group, n * grid.groups, LONG, LONG // 4)
    count = tuple(-(-m // b) for m, b in zip(grid.out, block, strict=True))
    size = tuple(  # of one phase
        -(-((b - 1) * s + r) // s) for b, s, r in zip(block, grid.stride, reach, strict=True)
    )
    pitch = _pitch(size)
    phase = math.prod(size)
    plane = _padded(phase * math.prod(grid.stride))
    order = (vectors % grid.stride) @ _pitch(grid.stride)
    offsets = (np.arange(in_group)[:, None] * plane + order * phase + vectors // grid.stride @ pitch).ravel() * 4
    spec = _table(
        {
            CHANNELS: c,
            PLANE: plane,
            LINE: pitch[0],
            COLUMN: pitch[1],
            PHASE: phase,
            GROUPS: grid.groups,
            IN_GROUP: in_group,
            OUT_GROUP: out_group,
            FIRST: np.array(grid.first) @ _pitch(grid.y_shape),
            IMAGE_STRIDE: grid.channels * math.prod(grid.y_shape),
            CHANNEL_STRIDE: math.prod(grid.y_shape),
            IMAGES: n,
            SUMS: (np.array(block) - 1) @ pitch + 1,
            INPUT: grid.x_shape[2:],
            BLOCKS: count,
            BLOCK: block,
            OUT: grid.out,
            STRIDE: grid.stride,
            ORIGIN: origin,
            REACH: reach,
            STEP: np.array(grid.step) * _pitch(grid.y_shape),
        }
    )
    grain = _grain(4 * math.prod(block) * offsets.size * out_group)  # a part of the speed of wide tiles
    none = offsets[:0]
    taps = [i for i, _ in grid.taps]
    return Plan(n * math.prod(count), grid.groups, grid.groups, out_group, grain, spec, offsets, none, none, taps)


@dataclass(frozen=True, eq=False)
class Problem:
    """One convolution, checked; its plans are made when first asked for."""

    x_shape: Ints
    w_shape: Ints
    stride: Ints
    padding: Ints
    dilation: Ints
    groups: int
    out: Ints  # spatial shape of the output

    @cached_property
    def work(self) -> int:
        """Multiply-adds."""
        return self.x_shape[0] * math.prod(self.out) * math.prod(self.w_shape)

    @cached_property
    def how(self) -> tuple[Ints, Ints, Ints, int]:
        """Stride, padding, dilation and groups."""
        return self.stride, self.padding, self.dilation, self.groups

    @cached_property
    def y_shape(self) -> Ints:
        """The output's shape."""
        return (self.x_shape[0], self.w_shape[0], *self.out)

    @cached_property
    def narrow_forward(self) -> bool:
        """Whether a group has so few output channels that vectors hold pixels, forward and for the weight."""
        return self.w_shape[0] // self.groups <= NARROW

    @cached_property
    def narrow_backward(self) -> bool:
        """The same for the gradient of the input, whose output channels are the input's."""
        return self.w_shape[1] <= NARROW

    @property
    def _window(self) -> list[tuple[int, Ints]]:
        """Index in the kernel and offset ``t * dilation - padding`` of each tap."""
        kernel, dilation, padding = three(self.w_shape[2:], 1), three(self.dilation, 1), three(self.padding, 0)
        return [
            (i, tuple(t * d - p for t, d, p in zip(tap, dilation, padding, strict=True)))
            for i, tap in enumerate(product(*map(range, kernel)))
        ]

    @property
    def _forward_grid(self) -> Grid:
        shape = (*self.x_shape[:2], *three(self.x_shape[2:], 1))
        out = three(self.out, 1)
        return Grid(shape, out, three(self.stride, 1), self._window, self.groups, self.w_shape[0], out)

    @cached_property
    def forward(self) -> Plan:
        """The one grid of a forward pass."""
        return narrow_plan(self._forward_grid) if self.narrow_forward else wide_plan(self._forward_grid)

    @cached_property
    def weight(self) -> Plan:
        """The grid of a forward pass in smaller parts, its terms filled up to whole register tiles."""
        from .jit_simd import ROWS

        if self.narrow_forward:
            plan, rows = narrow_plan(self._forward_grid), NARROW_TERMS[self.w_shape[0] // self.groups - 1]
        else:
            plan, rows = wide_plan(self._forward_grid, TURNED, TURNED, 4 * BOX), ROWS
        missing = -plan.offsets.size % rows
        return replace(plan, offsets=np.concatenate([plan.offsets, plan.offsets[:1].repeat(missing)]))

    @cached_property
    def inputs(self) -> tuple[list[Plan], bool]:
        """One grid per phase of the stride, and whether some input pixels are read by no window (gradient 0).

        Input pixel ``i`` was read at tap ``t`` by output pixel ``p`` when ``i = p stride + t dilation - padding``; for
        the pixels ``i = phase + j stride`` that is ``p = j + (phase + padding - t dilation) / stride``, if it divides.
        """
        stride, size = three(self.stride, 1), three(self.x_shape[2:], 1)
        g_shape = (*self.y_shape[:2], *three(self.out, 1))
        plans, holes = [], False
        for phase in product(*map(range, stride)):
            out = tuple(-(-(n - f) // s) for n, f, s in zip(size, phase, stride, strict=True))
            if min(out) < 1:
                continue
            taps = []
            for i, vector in self._window:
                moved = [f - v for f, v in zip(phase, vector, strict=True)]
                if all(m % s == 0 for m, s in zip(moved, stride, strict=True)):
                    taps.append((i, tuple(m // s for m, s in zip(moved, stride, strict=True))))
            if not taps:
                holes = True
                continue
            grid = Grid(g_shape, out, (1, 1, 1), taps, self.groups, self.x_shape[1], size, stride, phase)
            plans.append(narrow_plan(grid) if self.narrow_backward else wide_plan(grid))
        return plans, holes
