"""Entries that a writer sends because the decoder would not find them: how, and at what price.

An entry is sent as its rank in the decoder's own order, so that a likely one takes fewer bits.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mode_core.codecs.clc.dictionary import REGION, into_regions
from mode_core.codecs.elic.coding import first_half
from mode_core.errors import BitstreamError
from mode_core.layers.gaussian import gaussian_bits
from mode_core.layers.sizes import Look
from mode_core.stream.entropy import (
    CdfTables,
    Coder,
    SymbolReader,
    SymbolWriter,
    frequencies_to_tables,
    symbol_bits,
)

ANY, HERE, RANK = 0, 1, 2
_LIKELY = 16
"""Ranks from here on are rarer than those before, in inverse proportion."""


@lru_cache(maxsize=4)
def tables(entries: int) -> CdfTables:
    """One table for whether anything is sent, one for each region, one for ranks."""
    rows = torch.zeros(3, max(entries, 2), dtype=torch.long)
    rows[ANY, :2] = torch.tensor([1023, 1])
    rows[HERE, :2] = torch.tensor([3, 1])
    rows[RANK, :entries] = (1 << 20) // (_LIKELY + torch.arange(entries))
    one = [
        frequencies_to_tables(row[None, : entries if kind == RANK else 2])
        for kind, row in enumerate(rows)
    ]
    return CdfTables.of(
        [table.cdfs[0] for table in one], [table.sizes[0] for table in one], [0, 0, 0]
    )


def exchange(coder: object, order: Tensor, sent: Tensor | None) -> Tensor | None:
    """What is sent (1, R), written or read; whoever only looks is told the ranks."""
    if isinstance(coder, SymbolWriter | SymbolReader):
        return _code(coder, order, sent)
    if isinstance(coder, BitsOfPlaces) and sent is not None:
        coder.ranks = ranks_of(order, sent)
    return sent


def ranks_of(order: Tensor, sent: Tensor) -> Tensor:
    """Where sent entries stand in an order of all; -1 where none is sent."""
    found = (order == sent[..., None]).long().argmax(2)
    return torch.where(sent >= 0, found, -1)


def _code(coder: Coder, order: Tensor, sent: Tensor | None) -> Tensor | None:
    entries, regions = order.shape[2], order.shape[1]
    writes = isinstance(coder, SymbolWriter)

    def coded(kind: int, values: Tensor | None, count: int) -> Tensor:
        index = torch.full((count,), kind)
        given = None if values is None else values.double()
        return coder.code(index, torch.zeros(count), given, tables(entries))

    ranks = ranks_of(order, sent)[0] if writes and sent is not None else None
    flag = torch.tensor([float(ranks is not None)]) if writes else None
    if not _within(coded(ANY, flag, 1), 2).any():
        return None
    flags = None if ranks is None else ranks >= 0
    here = _within(coded(HERE, flags, regions), 2) > 0
    wanted = None if ranks is None else ranks[here]
    found = _within(coded(RANK, wanted, int(here.sum())), entries) if here.any() else here[:0]
    out = order.new_full((1, regions), -1)
    out[0, here] = order[0, here].gather(1, found.long()[:, None])[:, 0]
    return out


def _within(symbols: Tensor, count: int) -> Tensor:
    if symbols.numel() and not 0 <= float(symbols.min()) <= float(symbols.max()) < count:
        raise BitstreamError("the stream is damaged: it names an entry that no dictionary has")
    return symbols


def opening(regions: int, entries: int) -> float:
    """The bits that it takes to send nothing at all in a file where something may be sent."""
    made = tables(entries)
    any_sent = np.diff(symbol_bits(np.array([0, 1]), made, ANY))[0]
    return float(any_sent) + regions * float(symbol_bits(np.array([0]), made, HERE)[0])


def price(ranks: Tensor, entries: int) -> Tensor:
    """The bits that sending takes in each region, beside those of `opening`."""
    made = tables(entries)
    flag = np.diff(symbol_bits(np.array([0, 1]), made, HERE))[0]
    bits = symbol_bits(ranks.clamp_min(0).flatten().numpy(), made, RANK)
    return torch.from_numpy(bits).float().reshape(ranks.shape) + float(flag)


class BitsOfPlaces(Look):
    """A look that adds up what each place of the latent takes."""

    def __init__(self, grid: tuple[int, int]) -> None:
        super().__init__()
        first = first_half(torch.empty(1, 1, *grid)).flatten()
        self._places = [half.nonzero().flatten() for half in (first, ~first)]
        self._bits = torch.zeros(grid[0] * grid[1])
        self._grid = grid
        self._turn = -1
        self.ranks = torch.zeros(1, 0, dtype=torch.long)

    def code(
        self, scale: Tensor, mean: Tensor, values: Tensor | None, tables: CdfTables | None = None
    ) -> Tensor:
        """The integers that a writer would write; the hyper-latent comes first, then halves."""
        if values is None or tables is not None:
            raise ValueError("a look needs values, and Gaussian tables")
        symbols = (values - mean).round()
        if self._turn >= 0:
            bits = gaussian_bits(symbols, scale).sum((0, 1, 3))
            self._bits.index_add_(0, self._places[self._turn % 2], bits)
        self._turn += 1
        return symbols

    def of_regions(self) -> Tensor:
        """The sums (1, R) over regions."""
        whole = self._bits.reshape(1, 1, *self._grid)
        # beyond the edges of the picture nothing is coded, where the last places would be repeated
        whole = F.pad(whole, (0, -self._grid[1] % REGION, 0, -self._grid[0] % REGION))
        return into_regions(whole).sum((2, 3, 4))
