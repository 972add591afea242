"""Pictures as tensors: padded to the network's stride, and cut into tiles when they are large."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mode_core.types import Image

TILE = 2048
"""Side in pixels of a tile's core; a picture up to this size is never cut."""


def to_tensor(image: Image, stride: int) -> Tensor:
    """(1, 3, H, W) in [0, 1]; sides grow to multiples of the stride by repeating the border."""
    height, width, _ = image.shape
    pixels = np.require(image, requirements=("C", "W"))
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    padding = (0, -width % stride, 0, -height % stride)
    x = F.pad(x, padding, mode="replicate") if any(padding) else x
    return x.contiguous(memory_format=torch.channels_last)


def to_image(x_1CHW: Tensor, height: int, width: int) -> Image:
    """The top left part as 8-bit pixels on the host."""
    x = x_1CHW[0, :, :height, :width].float().clamp(0, 1).mul(255).round().to(torch.uint8)
    return x.permute(1, 2, 0).cpu().contiguous().numpy()


def grid_of(height: int, width: int, stride: int, cell: int) -> tuple[int, int]:
    """Rows and columns of a latent whose places are `cell` pixels wide, after padding."""
    return -(-height // stride) * stride // cell, -(-width // stride) * stride // cell


def by_tiles(
    compute: Callable[..., Tensor],
    maps: tuple[Tensor, ...],
    reach: int,
    inputs_cell: int = 1,
    output_cell: int = 1,
) -> Tensor:
    """compute(*maps), tile by tile when the picture is large; the same to within rounding.

    All maps lie on one grid with places of `inputs_cell` pixels. A tile sees `reach` pixels around
    its core, so nothing that decides it is missing. Cores and margins are multiples of 64.
    """
    rows, columns = (side * inputs_cell for side in maps[0].shape[2:])
    if rows <= TILE and columns <= TILE:
        return compute(*maps)
    margin = -(-reach // 64) * 64
    bands = []
    for top in range(0, rows, TILE):
        band = []
        for left in range(0, columns, TILE):
            y, x = _window(top, rows, margin), _window(left, columns, margin)
            high, wide = (slice(a // inputs_cell, b // inputs_cell) for a, b in (y, x))
            core = compute(*(m[:, :, high, wide] for m in maps))
            skip_y, skip_x = (top - y[0]) // output_cell, (left - x[0]) // output_cell
            height = min(TILE, rows - top) // output_cell
            width = min(TILE, columns - left) // output_cell
            band.append(core[:, :, skip_y : skip_y + height, skip_x : skip_x + width])
        bands.append(torch.cat(band, 3))
    return torch.cat(bands, 2)


def _window(start: int, side: int, margin: int) -> tuple[int, int]:
    return max(0, start - margin), min(side, start + TILE + margin)
