"""How an 8-bit ELIC is coded: bytes in rows, each half of the checkerboard a block of rows.

The layers are those of `net`, which says what they do; here nothing is gathered twice, the spatial
context is a product over the four neighbours alone, and what is all but surely 0 is not coded.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mode_core.layers.eight import convolved_bytes, to_bytes
from mode_core.layers.exact import VALUE_STEP, ExactConv2d, same
from mode_core.layers.hyper import INDEX_START, INDEX_UNIT
from mode_core.layers.rows import ByteHyper, empty_beside, map_of, matrices, rows_of
from mode_core.layers.sizes import Look
from mode_core.stream.entropy import WHOLE, Coder, SymbolReader, SymbolWriter


class Board(NamedTuple):
    """The places of a checkerboard, half by half."""

    halves: tuple[Tensor, Tensor]
    beside: Tensor
    """For each place of the second half four rows of the first: above, left, right, below.

    The row after the last one stands for all that is outside.
    """


@lru_cache(maxsize=8)
def board_of(height: int, width: int, device: torch.device) -> Board:
    """The checkerboard of a map; its first half has row + column even."""
    rows, columns = np.divmod(np.arange(height * width), width)
    even = (rows + columns) % 2 == 0
    first, second = np.flatnonzero(even), np.flatnonzero(~even)
    number = np.full((height + 2, width + 2), len(first))
    inside = np.full(height * width, len(first))
    inside[first] = np.arange(len(first))
    number[1:-1, 1:-1] = inside.reshape(height, width)
    at = rows[second] + 1, columns[second] + 1
    beside = [number[at[0] + dy, at[1] + dx] for dy, dx in ((-1, 0), (0, -1), (0, 1), (1, 0))]
    flat = np.stack(beside, 1).reshape(-1) if len(second) else np.zeros(0, np.int64)
    halves = torch.from_numpy(first).to(device), torch.from_numpy(second).to(device)
    return Board(halves, torch.from_numpy(flat).to(device))


def first_half(like: Tensor) -> Tensor:
    """The half of the checkerboard that is coded first: row + column even."""
    rows = torch.arange(like.shape[2], device=like.device)[:, None]
    columns = torch.arange(like.shape[3], device=like.device)[None]
    return (rows + columns) % 2 == 0


class _Group:
    """The layers of a group's context as matrices of bytes."""

    def __init__(self, context: Any, width: int) -> None:
        self.channel = None if context.channel is None else context.channel.in_bytes()
        self.spatial, self.out = context.spatial.in_bytes(), context.out.in_bytes()
        self.mix = matrices(context.mix, width)


class _Values(NamedTuple):
    """A group of the latent: its gains, and its values if it is written."""

    gain: Tensor
    inverse: Tensor
    offset: Tensor
    wanted: tuple[Tensor, Tensor] | None


class Coding:
    """An 8-bit ELIC ready to write and read."""

    def __init__(self, net: Any) -> None:
        self._net = net
        # the layers alone, since looking through a whole network takes a tenth of writing
        self._layers = [m for m in net.modules() if isinstance(m, ExactConv2d)]
        self._made_of = [layer.unrounded() for layer in self._layers]
        self.hyper = ByteHyper(net.hyper)
        self.groups = [_Group(context, net.config.context) for context in net.contexts]

    @property
    def device(self) -> torch.device:
        """Where the network lies; sums are the same anywhere, and the host codes integers."""
        found: torch.device = self._net.gains.frozen.device
        return found

    def is_of_today(self) -> bool:
        """Whether the network's weights are still the same."""
        now = (layer.unrounded() for layer in self._layers)
        return all(map(same, self._made_of, now))

    def walk(
        self, coder: Coder | Look, at: float, grid: tuple[int, int], y: Tensor | None, whole: bool
    ) -> tuple[Tensor, ...]:
        """Code everything in file order; the decoded rows of both halves."""
        net, board = self._net, board_of(*grid, self.device)
        side = self.hyper(net.hyper.decoded(coder, at, grid, y)).flatten(0, 1)
        _agree(coder, whole)
        sides = [side[half] for half in board.halves]
        channels = sum(net.config.groups)
        known = torch.empty(*grid, channels, dtype=torch.uint8, device=self.device)
        start, done = 0, []
        for group, values in zip(self.groups, self._values(at, board, y), strict=True):
            support = sides
            if group.channel is not None:
                context = convolved_bytes(group.channel, known[..., :start], 3).flatten(0, 1)
                pairs = zip(sides, board.halves, strict=True)
                support = [torch.cat([part, context[half]], 1) for part, half in pairs]
            parts = _coded(group, coder, support, board, values)
            stop = start + values.gain.shape[1]
            flat = known.flatten(0, 1)[:, start:stop]
            for half, (_, part) in zip(board.halves, parts, strict=True):
                flat.index_copy_(0, half, part)
            done.append([part for part, _ in parts])
            start = stop
        return tuple(torch.cat(part, 1) for part in zip(*done, strict=True))

    def _values(self, at: float, board: Board, y: Tensor | None) -> Iterator[_Values]:
        """What differs between the groups."""
        groups = self._net.config.groups
        tables = [t[..., 0, 0] for t in self._net.gains.exact(at, torch.float32)]
        wanted: list[Any] = [None] * len(groups)
        if y is not None:
            rows = rows_of(y) * tables[0]  # not in place: they may be the latent itself
            wanted = list(zip(*(rows[half].split(groups, 1) for half in board.halves), strict=True))
        gain, inverse, offset = (t.split(groups, 1) for t in tables)
        yield from map(_Values, gain, inverse, offset, wanted)


def _coded(
    group: _Group, coder: Coder | Look, support: list[Tensor], board: Board, values: _Values
) -> list[tuple[Tensor, Tensor]]:
    """Of both halves the decoded values, and the bytes that later contexts see of them."""
    gain, inverse, offset, wanted = values
    # powers of two, and single operations: no step here has two roundings that could be one
    fine, offset = gain / VALUE_STEP, offset + INDEX_START
    done: list[tuple[Tensor, Tensor]] = []
    for number in range(2):
        rows = support[number]
        if number:
            seen = empty_beside(done[0][1])[board.beside].reshape(len(rows), -1)
            rows = torch.cat([rows, group.spatial(seen)], 1)
        mean, raw = group.out(group.mix[number](rows)).chunk(2, 1)
        shift = (mean * fine).round_().mul_(VALUE_STEP)
        index = (raw * INDEX_UNIT).add_(offset)
        symbols = coder.code(index, shift, None if wanted is None else wanted[number])
        decoded = symbols.add_(shift).mul_(inverse)
        done.append((decoded, to_bytes(decoded)))
    return done


def _agree(coder: Coder | Look, whole: bool) -> None:
    """Tell the reader whether nothing is skipped from here on, or learn it."""
    table = np.zeros(1, np.int32)
    if isinstance(coder, SymbolWriter):
        coder.put(np.full(1, whole, np.int32), table, WHOLE)
        coder.skips = not whole
    elif isinstance(coder, SymbolReader):
        coder.skips = not coder.take(table, WHOLE)[0]


def coding_of(net: Any) -> Coding:
    """A network in bytes, made anew after its weights have changed."""
    if net.in_bytes is None or not net.in_bytes.is_of_today():
        net.in_bytes = Coding(net)
    found: Coding = net.in_bytes
    return found


def write(net: Any, at: float, y: Tensor) -> tuple[bytes, int]:
    """The stream of a latent and its check; whole, if it holds what nobody could expect."""
    coding = coding_of(net)
    for whole in (False, True):
        writer = SymbolWriter()
        coding.walk(writer, at, (y.shape[2], y.shape[3]), y.to(coding.device).float(), whole)
        if not writer.surprised:
            break
    return writer.payload(), writer.check


def show(net: Any, look: Look, at: float, y: Tensor) -> None:
    """Let somebody look at a latent as a writer does."""
    coding = coding_of(net)
    coding.walk(look, at, (y.shape[2], y.shape[3]), y.to(coding.device), False)


def read(net: Any, payload: bytes, at: float, grid: tuple[int, int]) -> tuple[Tensor, int]:
    """The decoded latent, in float32, and the check of its symbols."""
    coding, reader = coding_of(net), SymbolReader(payload, net.symbols(grid) + 1)
    board, halves = board_of(*grid, coding.device), coding.walk(reader, at, grid, None, False)
    rows = halves[0].new_empty(grid[0] * grid[1], halves[0].shape[1])
    for half, part in zip(board.halves, halves, strict=True):
        rows[half] = part
    return map_of(rows, grid), reader.check
