"""The side information of an 8-bit set as rows of bytes, a row for each place: for coding alone.

The layers are those of `hyper`; laid out so, each is one product of matrices.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mode_core.layers.eight import ByteMatrix, convolved_bytes, from_bytes, to_bytes
from mode_core.layers.exact import ExactConv2d, ExactResidual
from mode_core.layers.hyper import HyperPrior


class ByteConv:
    """A layer at every place of a map of bytes."""

    def __init__(self, layer: ExactConv2d) -> None:
        self.matrix, self.kernel = layer.in_bytes(), layer.kernel

    def __call__(self, x_HWC: Tensor) -> Tensor:
        """The next map."""
        return convolved_bytes(self.matrix, x_HWC, self.kernel)


class ByteResidual:
    """What is added to a map, and the map."""

    def __init__(self, block: ExactResidual) -> None:
        self.first, self.second = ByteConv(block.first), ByteConv(block.second)

    def __call__(self, x_HWC: Tensor) -> Tensor:
        """The refined map."""
        return to_bytes(self.second(self.first(x_HWC)).add_(from_bytes(x_HWC)))


class ByteHyper:
    """From the decoded hyper-latent to features at the latent's stride."""

    def __init__(self, hyper: HyperPrior) -> None:
        self.widen, self.finish = ByteConv(hyper.widen), ByteConv(hyper.finish)
        self.middle, self.refine = ByteResidual(hyper.middle), ByteResidual(hyper.refine)

    def __call__(self, z_1CHW: Tensor) -> Tensor:
        """A map of bytes (H, W, C)."""
        z = to_bytes(z_1CHW[0].permute(1, 2, 0))
        return self.refine(_doubled(self.finish(self.middle(_doubled(self.widen(z))))))


def _doubled(x_HWC: Tensor) -> Tensor:
    """Four values beside each other become those of 2x2 places, as `pixel_shuffle` lays them."""
    height, width, channels = x_HWC.shape
    x = x_HWC.reshape(height, width, channels // 4, 2, 2).permute(0, 3, 1, 4, 2)
    return x.reshape(2 * height, 2 * width, channels // 4)


def matrices(layer: ExactConv2d, unseen: int) -> tuple[ByteMatrix, ByteMatrix]:
    """A layer without its last inputs, where they are 0, and with all."""
    return layer.in_bytes(layer.weight.shape[1] - unseen), layer.in_bytes()


def rows_of(x_1CHW: Tensor) -> Tensor:
    """A row for each place."""
    return x_1CHW[0].flatten(1).t().contiguous()


def map_of(rows: Tensor, grid: tuple[int, int]) -> Tensor:
    """The map (1, C, H, W) that rows were made of."""
    return rows.t().reshape(1, -1, *grid).contiguous()


def empty_beside(x: Tensor) -> Tensor:
    """Rows, and one more that says 0, for what lies outside."""
    return torch.cat([x, torch.full_like(x[:1], 128)])
