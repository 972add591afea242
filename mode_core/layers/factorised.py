"""Coder tables as integers: a factorised prior's, made once, and the choice among Gaussians'."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mode_core.stream.entropy import LOG_SCALE_STEP, SCALE_LOW, SCALES, CdfTables

if TYPE_CHECKING:
    from compressai.entropy_models import EntropyBottleneck

HALF_WIDTH = 255
TABLE_WIDTH = 2 * HALF_WIDTH + 3
SCALE_STEP = 2.0**-20
"""Scales are compared with the table in whole steps, so that no last bit of a float decides."""
_TOTAL, _TAIL = 1 << 16, 2.0**-18


STORED_TABLES = ("_offset", "_quantized_cdf", "_cdf_length")
"""CompressAI's own tables beside a prior's parameters: never stored and never trusted here."""


def bare_prior(channels: int) -> EntropyBottleneck:
    """CompressAI's factorised prior, whose state has none of its stored tables."""
    from compressai.entropy_models import EntropyBottleneck

    prior = EntropyBottleneck(channels)
    for name in STORED_TABLES:
        prior.register_buffer(name, torch.IntTensor(), persistent=False)
    return prior


class PriorTables(nn.Module):
    """A factorised prior's coder tables: integers that travel with the weights.

    They are made once, when weights are imported or frozen. Floats made anew on another machine
    could differ in a last bit, and then nothing of a file could be read there.
    """

    cdf: Tensor
    size: Tensor
    offset: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("cdf", torch.zeros(channels, TABLE_WIDTH, dtype=torch.int32))
        self.register_buffer("size", torch.zeros(channels, dtype=torch.int32))
        self.register_buffer("offset", torch.zeros(channels, dtype=torch.int32))

    def make_from(self, bottleneck: EntropyBottleneck) -> None:
        """Take the tables of a prior."""
        made = integer_tables(bottleneck)
        for own, values in zip((self.cdf, self.size, self.offset), made, strict=True):
            own.copy_(values)

    def for_coder(self) -> CdfTables:
        """The form that the coder takes."""
        sizes = self.size.tolist()
        cdfs = [row[:length].tolist() for row, length in zip(self.cdf.cpu(), sizes, strict=True)]
        return CdfTables.of(cdfs, sizes, self.offset.tolist())


def nearest_scale(scale: Tensor) -> Tensor:
    """The table whose scale is nearest in ratio; raw scales below the least take the first."""
    between = torch.arange(SCALES - 1).double() + 0.5
    limits = (SCALE_LOW * torch.exp(LOG_SCALE_STEP * between) / SCALE_STEP).round()
    return torch.searchsorted(limits, (scale / SCALE_STEP).round().contiguous())


@torch.no_grad()
def integer_tables(bottleneck: EntropyBottleneck) -> tuple[Tensor, Tensor, Tensor]:
    """Cumulative counts (C, TABLE_WIDTH), sizes and offsets around each channel's median.

    The stored outer quantiles are not used: a training run that was cut short leaves them too
    narrow, and every symbol outside costs an escape code.
    """
    twin = copy.deepcopy(bottleneck).double().cpu()
    medians = twin.quantiles[:, 0, 1]
    steps = torch.arange(-HALF_WIDTH, HALF_WIDTH + 1).double()
    places = (medians[:, None] + steps)[:, None]
    lower = twin._logits_cumulative(places - 0.5, stop_gradient=True)[:, 0]
    upper = twin._logits_cumulative(places + 0.5, stop_gradient=True)[:, 0]
    # on the far side of the middle a difference of sigmoids loses all its digits
    sign = torch.where(lower + upper > 0, -1.0, 1.0)  # never 0: a prior may be symmetric
    mass = (torch.sigmoid(sign * upper) - torch.sigmoid(sign * lower)).abs()
    below, above = torch.sigmoid(lower), torch.sigmoid(-upper)
    cdf = torch.zeros(len(medians), TABLE_WIDTH, dtype=torch.int32)
    size, offset = cdf.new_zeros(len(medians)), cdf.new_zeros(len(medians))
    for channel in range(len(medians)):
        first = _last_true(below[channel] < _TAIL, HALF_WIDTH)
        last = 2 * HALF_WIDTH - _last_true(above[channel].flip(0) < _TAIL, HALF_WIDTH)
        tail = below[channel, first] + above[channel, last]
        shares = torch.cat([mass[channel, first : last + 1], tail[None]])
        # of 65,536, at least one for each
        counts = 1 + torch.floor(shares / shares.sum() * (_TOTAL - len(shares))).int()
        counts[counts.argmax()] += _TOTAL - int(counts.sum())
        cdf[channel, 1 : len(counts) + 1] = counts.cumsum(0)
        size[channel], offset[channel] = len(counts) + 1, first - HALF_WIDTH
    return cdf, size, offset


def _last_true(flags: Tensor, limit: int) -> int:
    """The last place up to a limit before which all flags are set; 0 if none is."""
    run = int(flags[: limit + 1].long().cumprod(0).sum())
    return min(max(run - 1, 0), limit)
