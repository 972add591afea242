"""From entries of the dictionary to what a context is told: matching, alignment, synthesis.

As everything that decides a probability, in exact arithmetic where float64 comes in: a softmax
takes its exponentials from the table that tokens are coded with and rounds its shares to a grid,
places are eighths of a cell, and sums of numbers on grids do not depend on their order.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mode_core.codecs.clc.dictionary import REGION, from_regions, into_regions
from mode_core.layers.exact import VALUE_LIMIT, ExactConv2d, is_exact, on_grid
from mode_core.layers.gaussian import round_through
from mode_core.stream.entropy import EXP_STEPS, exp_table

SHARE_STEP = 2.0**-16
EIGHTHS = 8
FARTHEST = 4.0
"""How far, in cells, alignment may look."""
HERE = (0.0, 6.0)
"""What the same place is worth before training: two thirds of all shares, if an entry was sent."""
TAPS = ((0.0, 1.0), (1.0, 0.0), (0.0, -1.0), (-1.0, 0.0))
"""Row and column, in cells, of the places where alignment looks before training."""


def held(x: Tensor) -> Tensor:
    """Within what the exact path can hold, and on its grid there; in training gradients pass."""
    return on_grid(x) if is_exact(x) else x.clamp(-VALUE_LIMIT, VALUE_LIMIT)


def shares(logits: Tensor) -> Tensor:
    """The softmax over the last axis, on a grid where the logits are exact."""
    if not is_exact(logits):
        return logits.softmax(-1)
    table = exp_table().to(logits.device)
    depth = (logits.amax(-1, keepdim=True) - logits).mul(EXP_STEPS).round()
    weight = table[depth.clamp(max=len(table) - 1).long()].double()
    # at most 256 numbers below 2^31: their sum is exact, and a division rounds the same everywhere
    return (weight / weight.sum(-1, keepdim=True) / SHARE_STEP).round() * SHARE_STEP


def gate(logits: Tensor) -> Tensor:
    """The sigmoid, which is a softmax against zero."""
    if not is_exact(logits):
        return logits.sigmoid()
    return shares(torch.stack([logits, torch.zeros_like(logits)], -1))[..., 0]


def sampled(map_BCHW: Tensor, row_BHW: Tensor, column_BHW: Tensor) -> Tensor:
    """Values of a map at fractional places, one for each of its own, held at its edges."""
    height, width = map_BCHW.shape[2:]
    row, column = row_BHW.clamp(0, height - 1), column_BHW.clamp(0, width - 1)
    top, left = row.detach().floor(), column.detach().floor()
    down, along = (row - top)[:, None], (column - left)[:, None]
    flat = map_BCHW.flatten(2)

    def corner(below: int, right: int) -> Tensor:
        y, x = (top + below).clamp(max=height - 1), (left + right).clamp(max=width - 1)
        place = (y * width + x).long().flatten(1)[:, None].expand(-1, flat.shape[1], -1)
        return flat.gather(2, place).unflatten(2, row.shape[1:])

    upper = corner(0, 0) * (1 - along) + corner(0, 1) * along
    lower = corner(1, 0) * (1 - along) + corner(1, 1) * along
    return upper * (1 - down) + lower * down


def halved(x_BCHW: Tensor) -> Tensor:
    """Means of two by two places; a last odd row or column is left out where there are more."""
    rows, columns = (max(side // 2, 1) for side in x_BCHW.shape[2:])
    high, wide = min(2, x_BCHW.shape[2]), min(2, x_BCHW.shape[3])
    cut = x_BCHW[:, :, : rows * high, : columns * wide]
    return held(cut.unflatten(3, (columns, wide)).unflatten(2, (rows, high)).mean((3, 5)))


def told_map(like_BCHW: Tensor, sent_BR: Tensor | None) -> Tensor:
    """1 in regions whose entry was sent, 0 elsewhere."""
    batch, _, *grid = like_BCHW.shape
    if sent_BR is None:
        return like_BCHW.new_zeros(batch, 1, *grid)
    flat = (sent_BR >= 0).to(like_BCHW.dtype)[..., None, None, None]
    return from_regions(flat.expand(-1, -1, 1, REGION, REGION), (grid[0], grid[1]))


class Matching(nn.Module):
    """Each place of a region takes what is alike from all places of the region's entries."""

    def __init__(self, known: int, channels: int, width: int, told: bool = False) -> None:
        super().__init__()
        self.query = ExactConv2d(known, width)
        self.key = ExactConv2d(channels, width)
        self.sharpness = nn.Parameter(torch.tensor([2.0 * width**-0.5]))
        """The learnt temperature's inverse."""
        self.here = nn.Parameter(torch.tensor(HERE)) if told else None
        """How much more alike the same place is: of an entry that was found, of one sent."""

    def forward(
        self, known_BCHW: Tensor, entries_BRMCSS: Tensor, sent_BR: Tensor | None = None
    ) -> Tensor:
        """What was taken, as a map."""
        grid = known_BCHW.shape[2], known_BCHW.shape[3]
        batch, count, most = entries_BRMCSS.shape[:3]
        entries = entries_BRMCSS.flatten(0, 2)
        query = into_regions(self.query(known_BCHW)).flatten(3).flatten(0, 1).mT
        key = self.key(entries).flatten(2).unflatten(0, (-1, most)).transpose(1, 2).flatten(2)
        likeness = query @ key * held(self.sharpness.to(query.dtype))
        if self.here is not None:
            likeness = likeness + self._of_places(likeness, most, sent_BR)
        values = entries.flatten(2).unflatten(0, (-1, most)).transpose(1, 2).flatten(2)
        taken = held(shares(likeness) @ values.mT).mT.unflatten(2, (REGION, REGION))
        return from_regions(taken.unflatten(0, (batch, count)), grid)

    def _of_places(self, like: Tensor, most: int, sent_BR: Tensor | None) -> Tensor:
        """What is added for the same place of each entry; the one that was sent comes first."""
        assert self.here is not None
        found, sent = held(self.here.to(like.dtype))
        more = found.expand(len(like), most)
        if sent_BR is not None:
            first = torch.where(sent_BR.flatten() >= 0, sent, found)
            more = torch.cat([first[:, None], more[:, 1:]], 1)
        same = torch.eye(REGION**2, dtype=like.dtype, device=like.device)
        return (same[:, None] * more[:, None, :, None]).flatten(2)


class Alignment(nn.Module):
    """A deformable window at two scales; starts by changing nothing."""

    def __init__(self, known: int, channels: int, width: int) -> None:
        super().__init__()
        self.features = ExactConv2d(known + channels, width, 3, active=True)
        self.places = ExactConv2d(width, 4 * len(TAPS))
        self.mix = ExactConv2d(2 * len(TAPS) * channels, channels)
        nn.init.zeros_(self.mix.weight)
        with torch.no_grad():
            self.places.weight.mul_(0.1)
            self.places.bias.copy_(torch.tensor([TAPS, TAPS]).flatten())

    def forward(self, known_BCHW: Tensor, matched_BCHW: Tensor) -> Tensor:
        """The aligned map."""
        features = self.features(torch.cat([known_BCHW, matched_BCHW], 1))
        moved = self.places(features).clamp(-FARTHEST, FARTHEST)
        moved = (round_through(moved * EIGHTHS) / EIGHTHS).unflatten(1, (2, len(TAPS), 2))
        height, width = matched_BCHW.shape[2:]
        rows = torch.arange(height, device=moved.device, dtype=moved.dtype)[:, None]
        columns = torch.arange(width, device=moved.device, dtype=moved.dtype)
        seen = []
        for scale, source in enumerate((matched_BCHW, halved(matched_BCHW))):
            # where the middle of a fine place lies among coarse ones, in eighths once more
            y, x = (((at + 0.5) / (1 + scale) - 0.5) for at in (rows, columns))
            # tap by tap, since each holds as much as the map
            for down, along in (tap.unbind(1) for tap in moved[:, scale].unbind(1)):
                seen.append(held(sampled(source, y + down, x + along)))
        return held(matched_BCHW + self.mix(torch.cat(seen, 1)))


class Synthesis(nn.Module):
    """A gated mixture of what the latent's own features foretell and the aligned reference."""

    def __init__(self, known: int, channels: int) -> None:
        super().__init__()
        self.foretold = ExactConv2d(known, channels)
        self.share = ExactConv2d(known + channels, channels)

    def forward(self, known_BCHW: Tensor, aligned_BCHW: Tensor) -> Tensor:
        """The synthesised reference."""
        own = gate(self.share(torch.cat([known_BCHW, aligned_BCHW], 1)))
        foretold = self.foretold(known_BCHW)
        return held(aligned_BCHW + own * (foretold - aligned_BCHW))


class Reference(nn.Module):
    """Entries in, and what is added to the side features out; adds nothing before training."""

    def __init__(
        self, known: int, side: int, channels: int, widths: tuple[int, int], clm: bool, cls: bool,
        told: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        match, wide = widths
        self.told, known = told, known + told
        self.matching = Matching(known, channels, match, told) if clm else None
        self.alignment = Alignment(known, channels, match) if clm else None
        self.synthesis = Synthesis(known, channels) if cls else None
        self.widen = ExactConv2d(known + 2 * channels, wide, 3, active=True)
        self.out = ExactConv2d(wide, side)
        nn.init.zeros_(self.out.weight)

    def forward(
        self, known_BCHW: Tensor, entries_BRMCSS: Tensor, sent_BR: Tensor | None = None
    ) -> Tensor:
        """What the reference adds to the side features."""
        if self.told:
            known_BCHW = torch.cat([known_BCHW, told_map(known_BCHW, sent_BR)], 1)
        if self.matching is None or self.alignment is None:
            grid = known_BCHW.shape[2], known_BCHW.shape[3]
            aligned = held(from_regions(entries_BRMCSS.mean(2), grid))
        else:
            aligned = self.matching(known_BCHW, entries_BRMCSS, sent_BR)
            aligned = self.alignment(known_BCHW, aligned)
        made = aligned if self.synthesis is None else self.synthesis(known_BCHW, aligned)
        change: Tensor = self.out(self.widen(torch.cat([known_BCHW, aligned, made], 1)))
        return change
