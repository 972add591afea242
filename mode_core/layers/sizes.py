"""How many bytes a latent takes at each quality, reckoned without coding it.

A look walks through the latent as a writer does, but in float32, and keeps the residual and the
scale of every value. With another quality's gains these tell, by the coder's own tables, what that
quality takes: within 0.3 % where the look was, within 1 % a few qualities beside it. The means and
scales themselves change slowly from one quality to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mode_core.layers.gaussian import Gains
from mode_core.stream.entropy import (
    SCALES,
    SYMBOL_LIMIT,
    CdfTables,
    gaussian_tables,
    scale_index,
    symbol_bits,
)

CODER_BYTES = 6.0
"""What a stream takes beside the information in its symbols: a check, and the coder's end."""
_REACH = 1536
"""Symbols from minus to plus this have their own entry; few are larger, and cost little more."""
_SURE_SCALE, _SURE_RESIDUAL = -1.0, 0.3
_BITS_OF_NONZERO = 3.7
"""What a value takes on average that does not round to zero; 2.6 to 4.1 over rates and pictures."""


class Scaling(NamedTuple):
    """What a quality does to a part of the latent: residual = value * gain - mean, per channel."""

    gain: Tensor
    mean: Tensor
    offset: Tensor
    """What it adds to the scale, in places of the coder's tables."""


@dataclass(frozen=True, slots=True)
class Scalings:
    """What a quality does to the hyper-latent, then to groups of the latent's channels."""

    gains: Gains
    of_hyper: Callable[[float], Scaling]
    steps_between: int
    groups: tuple[int, ...]
    coded: list[int]
    """The group of each part that is coded after the hyper-latent."""

    def gain(self, quality: int) -> Tensor:
        """The gain of every channel of the latent."""
        return self.gains.exact(quality / self.steps_between, torch.float32)[0]

    def at(self, quality: int) -> list[Scaling]:
        """One for each part, in the order in which they are coded."""
        place = quality / self.steps_between
        gain, _, offset = self.gains.exact(place, torch.float32)
        parts = (t.split(self.groups, 1) for t in (gain, torch.zeros_like(gain), offset))
        groups = [Scaling(*part) for part in zip(*parts, strict=True)]
        return [self.of_hyper(place), *(groups[group] for group in self.coded)]


class Seen(NamedTuple):
    """The values of one part that may cost anything: channel, scale, residual."""

    channel: Tensor
    scale: Tensor
    residual: Tensor


class Look:
    """A coder that codes nothing and remembers what it was asked to."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []

    def code(
        self, scale: Tensor, mean: Tensor, values: Tensor | None, tables: CdfTables | None = None
    ) -> Tensor:
        """The integers that a writer would write."""
        if values is None or tables is not None:
            raise ValueError("a look needs values, and Gaussian tables")
        residual = values - mean
        # most values are surely zero at all qualities around this one, for no bits
        kept = (scale > _SURE_SCALE) | (residual.abs() > _SURE_RESIDUAL)
        self.seen.append(Seen(kept.nonzero()[:, 1], scale[kept], residual[kept]))
        return residual.round().clamp(-SYMBOL_LIMIT, SYMBOL_LIMIT)


class LatentSizes:
    """The bytes of one latent's stream at any quality, as it looks at another.

    `walk` shows a look the parts of the latent at a quality. One look is kept.
    """

    def __init__(
        self,
        y: Tensor,
        walk: Callable[[Look, int], None],
        scalings: Scalings,
    ) -> None:
        self._y, self._walk, self._scalings = y, walk, scalings
        self._near: int | None = None
        self._look = Look()

    def __call__(self, quality: int, near: int | None) -> float:
        """Bytes at a quality as things look at another one; without one, roughly."""
        if near is None:
            nonzero = int(((self._y * self._scalings.gain(quality)).abs_() > 0.5).sum())
            return CODER_BYTES + _BITS_OF_NONZERO * nonzero / 8
        if near != self._near:
            self._look, self._near = Look(), near
            self._walk(self._look, near)
        pairs = zip(self._scalings.at(near), self._scalings.at(quality), strict=True)
        bits = sum(
            bits_of(*_changed(part, *pair))
            for part, pair in zip(self._look.seen, pairs, strict=True)
        )
        return CODER_BYTES + bits / 8


def _changed(part: Seen, before: Scaling, after: Scaling) -> tuple[Tensor, Tensor]:
    """Scale and residual at another quality, if the network's mean and scale are the same."""
    ratio = after.gain / before.gain
    ratio, shift, lift = (
        change.flatten().index_select(0, part.channel)
        for change in (ratio, before.mean * ratio - after.mean, after.offset - before.offset)
    )
    return part.scale + lift, part.residual * ratio + shift


def bits_of(scale: Tensor, residual: Tensor) -> float:
    """What the coder would take for the nearest integers."""
    row = scale_index(scale).to(torch.int32).mul_(2 * _REACH + 1)
    place = residual.round().clamp_(-_REACH, _REACH).to(torch.int32).add_(_REACH)
    return float(_bits_by_table().index_select(0, row.add_(place).flatten()).sum())


@cache
def _bits_by_table() -> Tensor:
    symbols, tables = np.arange(-_REACH, _REACH + 1), gaussian_tables()
    rows = [symbol_bits(symbols, tables, table) for table in range(SCALES)]
    return torch.from_numpy(np.stack(rows).astype(np.float32)).flatten()
