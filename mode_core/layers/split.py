"""Convolutions that give the same result on every machine, for weights trained without any grid.

`exact` rounds weights and activations to fixed grids, which a net must be trained to bear. A public
checkpoint is not, so here less is lost than in float32: a map is rounded to 28 bits below its
largest value, and every kernel is cut into two parts whose entries are integers times a power of
two, each as fine as a float64 sum can bear without rounding. The two sums are then exact, whatever
the order, threads or instructions; adding them is one IEEE operation.

The bound: a row of a part has integer entries whose sizes add up to at most 2^24 and half the row's
length, and a map's integers are at most 2^28, so no partial sum passes 2^53.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.layers.exact import patches

VALUE_BITS, ROW_BITS, PARTS = 28, 24, 2
_COUNT_BITS = 30


class SplitConv:
    """One layer of a network as fixed integers; stride-1 or, transposed, doubling the size."""

    def __init__(self, layer: nn.Conv2d | nn.ConvTranspose2d) -> None:
        self.doubles = isinstance(layer, nn.ConvTranspose2d)
        weight = layer.weight.detach().double().cpu()
        if self.doubles:
            weight = sub_pixel(weight)
        self.kernel = weight.shape[-1]
        # entries have at most 24 bits: float32 holds them in half the memory
        self.parts = [part.float() for part in split(weight.flatten(1))]
        bias = torch.zeros(layer.out_channels) if layer.bias is None else layer.bias
        self.bias = bias.detach().double().cpu()[:, None, None]

    def __call__(self, x_1CHW: Tensor) -> Tensor:
        """The convolved map."""
        # the map, rounded to 28 bits below its largest size
        _, exponent = math.frexp(x_1CHW.detach().abs().max().item())
        step = math.ldexp(1.0, exponent - VALUE_BITS)
        weights = [part.double() for part in self.parts]
        bands = patches((x_1CHW / step).round() * step, self.kernel)
        products = zip(*([weight @ band for weight in weights] for band in bands), strict=True)
        sums = (torch.cat(some, -1) for some in products)
        first, second = (s.reshape(1, -1, *x_1CHW.shape[2:]) for s in sums)
        y = first + second
        return (F.pixel_shuffle(y, 2) if self.doubles else y) + self.bias


class SplitNetwork:
    """A chain of convolutions and ReLUs, evaluated exactly."""

    convolution: Callable[..., Any] = SplitConv

    def __init__(self, layers: nn.Sequential) -> None:
        self.layers = [
            self.convolution(layer)
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
            else F.relu_
            for layer in layers
        ]

    def __call__(self, x: Tensor) -> Tensor:
        """The last map, float64."""
        for layer in self.layers:
            x = layer(x)
        return x


def split(weight_OK: Tensor) -> list[Tensor]:
    """Parts that add up to the weight, each of integers small enough for exact sums."""
    parts, rest = [], weight_OK
    for _ in range(PARTS):
        # a power that no row's sum of sizes passes; counted in integers, to be the same everywhere
        _, top = math.frexp(rest.abs().max().item())
        counts = (rest.abs() * math.ldexp(1.0, _COUNT_BITS - top)).ceil().sum(1).max()
        exponent = math.frexp(counts.item())[1] - _COUNT_BITS + top
        step = math.ldexp(1.0, exponent - ROW_BITS)
        parts.append((rest / step).round() * step)
        rest = rest - parts[-1]
    return parts


def sub_pixel(weight_IO55: Tensor) -> Tensor:
    """The 3x3 kernel, four outputs for each, that with a pixel shuffle equals a transposed 5x5.

    Output 2i + r of the transposed convolution (stride 2, padding 2, output padding 1) sees input
    i + 1 - q through tap 2q + r, q in 0..2; the sixth tap is zero.
    """
    inputs, outputs = weight_IO55.shape[:2]
    taps = F.pad(weight_IO55, (0, 1, 0, 1)).reshape(inputs, outputs, 3, 2, 3, 2).flip(2, 4)
    return taps.permute(1, 3, 5, 0, 2, 4).reshape(4 * outputs, inputs, 3, 3)
