"""A wide 3x3 convolution with 2.25 times fewer multiplications, for drawing pictures on a CPU.

Winograd's F(2x2, 3x3): a 2x2 block of outputs is a product, element by element, of its 4x4 inputs
and the kernel, both transformed (Lavin and Gray, https://arxiv.org/abs/1509.09308). Over all
channels that makes 16 matrix products. Sums come out in another order than in a plain convolution,
so nothing that decides an integer may use this.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_FEWEST_TILES = 64
"""Below, transforming the kernels costs more than is saved."""
_MEMORY = threading.local()
_KERNEL = torch.tensor([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])


class WideConv(nn.Conv2d):
    """A 3x3 convolution of stride 1 that keeps the size."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 3, padding=1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """The convolved map."""
        if torch.is_grad_enabled() or not _pays(x_BCHW):
            return super().forward(x_BCHW)
        return torch.cat([_convolved(x, self.weight, self.bias) for x in x_BCHW])


def _pays(x: Tensor) -> bool:
    library = torch.backends.mkldnn
    able = library.is_available() and bool(library.enabled)
    fitting = x.device.type == "cpu" and x.dtype == torch.float32
    return able and fitting and x.shape[2] * x.shape[3] >= 4 * _FEWEST_TILES


def _convolved(x_CHW: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    height, width = x_CHW.shape[1:]
    rows, columns = -(-height // 2), -(-width // 2)
    more = (0, 0, 1, 2 * columns - width + 1, 1, 2 * rows - height + 1)
    tiles = _tiles(F.pad(x_CHW.permute(1, 2, 0), more), rows, columns)
    # oneDNN's product: the other library behind torch is half as fast on some processors
    product = torch.ops.mkldnn._linear_pointwise
    pairs = zip(tiles, _kernels(weight), strict=True)
    made = [product(*pair, None, "none", [], "") for pair in pairs]
    y = x_CHW.new_empty(rows, 2, columns, 2, len(weight))
    halves = [_outputs(made[j::4]) for j in range(4)]
    for i in range(2):
        for j, block in enumerate(_outputs([half[i] for half in halves])):
            y[:, i, :, j] = block.view(rows, columns, -1)
    y = y.view(2 * rows, 2 * columns, -1)[:height, :width]
    return (y if bias is None else y.add_(bias)).permute(2, 0, 1)[None]


def _tiles(x_HWC: Tensor, rows: int, columns: int) -> Tensor:
    """The 16 transformed elements of all 4x4 inputs, each (tiles, channels)."""
    tiles = _scratch("tiles", 16, rows, columns, x_HWC.shape[2])
    for i, part in enumerate(_inputs(x_HWC, 0, rows)):
        for j, tile in enumerate(_inputs(part, 1, columns)):
            tiles[4 * i + j] = tile
    return tiles.flatten(1, 2)


def _kernels(weight_OI33: Tensor) -> Tensor:
    """The kernels' 16 transformed elements, (16, O, I)."""
    outputs, inputs = weight_OI33.shape[:2]
    change, made = torch.kron(_KERNEL, _KERNEL), _scratch("kernels", 16, outputs * inputs)
    torch.mm(change, weight_OI33.reshape(outputs * inputs, 9).t(), out=made)
    return made.view(16, outputs, inputs)


def _scratch(use: str, *shape: int) -> Tensor:
    """Memory that is used again: fresh pages cost more than the arithmetic."""
    own = vars(_MEMORY)
    if own.get(use) is None or own[use].numel() < prod(shape):
        with torch.inference_mode(False):  # or it could not be written to outside of that mode
            own[use] = torch.empty(prod(shape))
    return own[use][: prod(shape)].view(shape)


def _inputs(x: Tensor, axis: int, count: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    every_second = (slice(at, at + 2 * count - 1, 2) for at in range(4))
    a, b, c, d = (x[cut] if axis == 0 else x[:, cut] for cut in every_second)
    return a - c, b + c, c - b, b - d


def _outputs(made: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    a, b, c, d = made
    return a + b + c, b - c - d
