"""What both sides have: latents of pieces of training photographs, and how one is found.

A region of a picture is described by what the decoder knows of it too: means and mean deviations of
decoded maps, over the region and over its quarters, on few axes and rounded to bytes. Distances
between such descriptions are integers, and where two are equal the earlier entry is nearer: every
machine finds the same entries. A ball tree would find them as well, but with 64 axes and a few
thousand entries it compares with all of them anyway, and one product does that.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.layers.exact import ExactConv2d, on_grid

REGION = 8
"""Side of a region in places of the latent: 128 pixels."""
BYTE = 127.0
POOLED = 10
"""Numbers that describe one channel of a region: means and deviations, each 4 + 1."""


def regions_of(grid: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of regions; those at the lower and right edge may be in part outside."""
    return -(-grid[0] // REGION), -(-grid[1] // REGION)


def into_regions(x_BCHW: Tensor) -> Tensor:
    """A map as regions (B, R, C, 8, 8), repeated beyond its edges."""
    rows, columns = regions_of((x_BCHW.shape[2], x_BCHW.shape[3]))
    below, right = rows * REGION - x_BCHW.shape[2], columns * REGION - x_BCHW.shape[3]
    # one row and column at a time: what is repeated may be longer than the map itself
    if below:
        x_BCHW = torch.cat([x_BCHW, x_BCHW[:, :, -1:].expand(-1, -1, below, -1)], 2)
    if right:
        x_BCHW = torch.cat([x_BCHW, x_BCHW[..., -1:].expand(-1, -1, -1, right)], 3)
    x = x_BCHW.unflatten(3, (columns, REGION)).unflatten(2, (rows, REGION))
    return x.permute(0, 2, 4, 1, 3, 5).flatten(1, 2)


def from_regions(x_BRCSS: Tensor, grid: tuple[int, int]) -> Tensor:
    """The map that regions make."""
    rows, columns = regions_of(grid)
    x = x_BRCSS.unflatten(1, (rows, columns)).permute(0, 3, 1, 4, 2, 5)
    return x.flatten(4, 5).flatten(2, 3)[:, :, : grid[0], : grid[1]]


def pooled(regions_NCSS: Tensor) -> Tensor:
    """Means and mean deviations of regions (N, 10 C): sums of numbers on a grid are exact."""
    parts = []
    for side in (REGION // 2, REGION):
        # nothing but views and sums: average pooling has no order of adding that is promised
        cells = regions_NCSS.unflatten(3, (-1, side)).unflatten(2, (-1, side))
        mean = cells.mean((3, 5), keepdim=True)
        parts += [mean.flatten(1), (cells - mean).abs().mean((3, 5)).flatten(1)]
    return on_grid(torch.cat(parts, 1))


class Dictionary(nn.Module):
    """Entries as bytes, and for each look-up the bytes that describe them."""

    entries: Tensor
    scale: Tensor
    projection: Tensor
    strength: Tensor

    def __init__(
        self, entries: int, channels: int, latent: int, axes: int, described: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.count = entries
        shape = entries, channels, REGION, REGION
        self.register_buffer("entries", torch.zeros(shape, dtype=torch.int8))
        self.register_buffer("scale", torch.zeros(channels))
        self.register_buffer("projection", torch.zeros(channels, latent))
        """From a latent to the channels of entries; only a writer that sends entries needs it."""
        self.register_buffer("strength", torch.ones(channels))
        """What one unit of a channel of entries is in steps of the quantiser."""
        self.describers = nn.ModuleList(
            ExactConv2d(POOLED * channels, axes) for channels in described
        )
        # set once from photographs and never trained: descriptions of entries are stored
        self.describers.requires_grad_(False)
        for place in range(len(described)):
            keys = torch.zeros(entries, axes, dtype=torch.int8)
            self.register_buffer(f"keys_{place}", keys)

    def describe(self, place: int, map_BCHW: Tensor) -> Tensor:
        """Bytes (B, R, axes) that describe the regions of a map, for a look-up."""
        regions = into_regions(map_BCHW)
        found = self.describers[place](pooled(regions.flatten(0, 1))[..., None, None])
        return found[..., 0, 0].round().clamp(-BYTE, BYTE).unflatten(0, regions.shape[:2])

    def nearest(self, place: int, description_BRA: Tensor, count: int) -> Tensor:
        """The entries (B, R, count) nearest to descriptions, in order."""
        keys = getattr(self, f"keys_{place}").to(description_BRA.dtype)
        # integers below 2^24, which a float32 holds as well
        distance = keys.square().sum(1) - 2 * (description_BRA @ keys.mT)
        numbers = torch.arange(self.count, device=keys.device)
        order = distance.long() * self.count + numbers
        return order.topk(min(count, self.count), largest=False).indices

    def read(self, chosen: Tensor, dtype: torch.dtype) -> Tensor:
        """Entries (N, C, 8, 8) by their numbers (N,)."""
        scale = on_grid(self.scale.to(dtype))[:, None, None]
        return self.entries.index_select(0, chosen).to(dtype) * scale

    def most_alike(self, y_BCHW: Tensor) -> Tensor:
        """The entry (B, R) whose latent differs least from each region's own; for a writer."""
        strength = self.strength[:, None, None]
        mine = into_regions(self.projected(y_BCHW) * strength).flatten(2)
        theirs = (self.entries.to(y_BCHW.dtype) * self.scale[:, None, None] * strength).flatten(1)
        return (theirs.square().sum(1) - 2 * (mine @ theirs.mT)).argmin(2)

    def projected(self, y_BCHW: Tensor) -> Tensor:
        """A latent in the channels of entries."""
        return F.conv2d(y_BCHW, self.projection[..., None, None].to(y_BCHW.dtype))
