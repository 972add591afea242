"""The detail branch of DLF: a small latent at stride 32 under a quadtree prior, coded exactly.

`FixedConv2d` is an ordinary convolution in float32 and an exactly reproducible one in float64. It
is finer than `layers.exact`, because weights trained elsewhere must give the symbols that they gave
there: activations are multiples of 2^-22 below 4096 and are cut into two halves of 17 bits;
weights keep 27 bits. A product then has 44 bits and 512 of them fit in the 53 of a float64.
"""

from __future__ import annotations

import math
from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.layers.blocks import at_quality
from mode_core.layers.exact import is_exact
from mode_core.layers.gaussian import round_through, training_bits
from mode_core.stream.entropy import LOG_SCALE_STEP, SCALE_LOW, SCALES, Coder

STEP_LOW, SCALE_START = 0.5, 0.4
SKIP_BELOW = 0.12
"""Where the prior is surer than this standard deviation, nothing is coded."""
QUADTREE = ((0, 1, 2, 3), (3, 2, 1, 0), (2, 3, 0, 1), (1, 0, 3, 2))
"""[step][quarter of the channels]: the place 2 (row % 2) + column % 2 that is coded."""
_UNIT, _LIMIT = 2.0**-22, 4096.0
_COARSE_UNIT = _UNIT * 2**17
_WEIGHT_BITS, _MOST_INPUTS = 27, 512


def on_fine_grid(x: Tensor) -> Tensor:
    """The nearest activation that the exact path can hold."""
    return (x / _UNIT).round().mul(_UNIT).clamp(-_LIMIT, _LIMIT)


class FixedConv2d(nn.Conv2d):
    """A 1x1 or a depthwise 3x3 convolution; float64 in means exact."""

    bias: nn.Parameter

    def __init__(self, inputs: int, outputs: int, kernel: int = 1) -> None:
        groups = inputs if kernel > 1 else 1
        super().__init__(inputs, outputs, kernel, padding=kernel // 2, groups=groups)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """The convolved map."""
        if not is_exact(x_BCHW):
            return super().forward(x_BCHW)
        x = on_fine_grid(x_BCHW)
        coarse = (x / _COARSE_UNIT).round() * _COARSE_UNIT
        weight = self.weight.detach().double()
        _, exponent = torch.frexp(weight.abs().max())
        unit = torch.ldexp(torch.ones_like(weight[0, 0, 0, 0]), exponent - _WEIGHT_BITS)
        weight = (weight / unit).round() * unit
        y = self._sums(coarse, weight) + self._sums(x - coarse, weight)
        return on_fine_grid(y + self.bias.detach().double()[:, None, None])

    def _sums(self, x: Tensor, weight: Tensor) -> Tensor:
        # not F.conv2d: on some devices it would go through a transform that rounds
        if self.groups == 1:
            if self.in_channels > _MOST_INPUTS:
                raise ValueError(f"{self.in_channels} inputs cannot be summed exactly")
            return (weight.flatten(1) @ x.flatten(2)).reshape(len(x), -1, *x.shape[2:])
        height, width = x.shape[2:]
        padded = F.pad(x, (1, 1, 1, 1))
        total = torch.zeros_like(x)
        for row in range(3):
            for column in range(3):
                part = padded[:, :, row : row + height, column : column + width]
                total = total + part * weight[:, 0, row, column, None, None]
        return total


class DepthConv(nn.Module):
    """x + 1x1(depthwise(leaky(1x1(x))))."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(FixedConv2d(inputs, inputs), nn.LeakyReLU(0.01))
        self.depth_conv = FixedConv2d(inputs, inputs, 3)
        self.conv2 = FixedConv2d(inputs, outputs)
        self.adaptor = FixedConv2d(inputs, outputs) if inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        """The refined map."""
        same = x if self.adaptor is None else self.adaptor(x)
        return same + self.conv2(self.depth_conv(self.conv1(x)))


class GatedMlp(nn.Module):
    """x + 1x1 of the sum of the two halves of a wide 1x1, after leaky ReLUs of two slopes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = FixedConv2d(channels, 4 * channels)
        self.conv_out = FixedConv2d(2 * channels, channels)

    @torch.no_grad()
    def forget_input(self) -> None:
        """Start near zero instead of near the identity: a network that predicts needs no skip."""
        same = torch.eye(len(self.conv_out.weight))[..., None, None]
        for bias in (self.conv.bias, self.conv_out.bias):
            bias.zero_()
        self.conv.weight.mul_(0.1)
        self.conv.weight[: 2 * len(same)] = torch.cat([same, -same])
        # both slopes together: leaky(x) - leaky(-x) = 1.1 x
        self.conv_out.weight.copy_(torch.cat([-same, same], 1) / 1.1)

    def forward(self, x: Tensor) -> Tensor:
        """The refined map."""
        a, b = self.conv(x).chunk(2, 1)
        return x + self.conv_out(F.leaky_relu(a, 0.1) + F.leaky_relu(b, 0.01))


class DepthBlock(nn.Sequential):
    """DCVC's depthwise convolution block."""

    def __init__(self, inputs: int, outputs: int) -> None:
        layers = DepthConv(inputs, outputs), GatedMlp(outputs)
        super().__init__(OrderedDict(block=nn.Sequential(*layers)))


@torch.no_grad()
def _start_at(network: nn.Sequential, values: Tensor) -> None:
    """Let a network begin with these values in its first channels and with 0 in the others."""
    last = [module for module in network.modules() if isinstance(module, GatedMlp)][-1]
    last.forget_input()
    last.conv_out.bias[: len(values)] = values


class DetailCodec(nn.Module):
    """Features at stride 32 to integers and back; gains and prior give all rates."""

    def __init__(self, channels: int, latent: int, trained: int) -> None:
        super().__init__()
        gain = torch.exp2(torch.arange(trained) - 1.0)[:, None, None, None]
        gain = gain.repeat(1, channels, 1, 1)
        self.enc_q, self.dec_q = nn.Parameter(gain), nn.Parameter(1 / gain)
        prior = torch.rand(1, latent, 1, 1).repeat(trained, 1, 1, 1)
        self.factorized_prior_vec = nn.Parameter(prior)
        same = (channels, channels)
        self.enc_trans_0 = nn.Sequential(DepthBlock(*same), DepthBlock(*same))
        self.enc_trans_1 = nn.Sequential(DepthBlock(*same), DepthBlock(channels, latent))
        self.dec_trans_0 = nn.Sequential(DepthBlock(latent, channels), DepthBlock(*same))
        self.dec_trans_1 = nn.Sequential(DepthBlock(*same), DepthBlock(*same))
        wide = (2 * latent, 2 * latent)
        self.y_prior_fusion = nn.Sequential(
            DepthBlock(latent, 2 * latent), DepthBlock(2 * latent, 3 * latent)
        )
        self.y_spatial_prior_reduction = FixedConv2d(3 * latent, latent)
        self.y_spatial_prior_adaptor_1 = DepthBlock(*wide)
        self.y_spatial_prior_adaptor_2 = DepthBlock(*wide)
        self.y_spatial_prior_adaptor_3 = DepthBlock(*wide)
        self.y_spatial_prior = nn.Sequential(*(DepthBlock(*wide) for _ in range(3)))
        # begin with steps near 1, means near 0 and scales that make most symbols 0
        scales = torch.full((latent,), SCALE_START)
        _start_at(self.y_prior_fusion, torch.cat([torch.ones(latent), scales]))
        _start_at(self.y_spatial_prior, scales)

    def analyse(self, h_BCHW: Tensor) -> Tensor:
        """The part of the transform that all qualities share."""
        return self.enc_trans_0(h_BCHW)

    def latent(self, inner_BCHW: Tensor, place_B: Tensor) -> Tensor:
        """The latent to be coded at a quality."""
        return self.enc_trans_1(inner_BCHW * at_qualities(self.enc_q, place_B))

    def synthesise(self, y_BCHW: Tensor, place_B: Tensor) -> Tensor:
        """Features for the decoder."""
        inner = self.dec_trans_0(y_BCHW) * at_qualities(self.dec_q, place_B)
        return self.dec_trans_1(inner)

    def quantise(self, y: Tensor, place_B: Tensor, sent_B: Tensor) -> tuple[Tensor, Tensor]:
        """The decoded latent (straight-through) and the bits of each picture.

        Pictures whose detail is not sent get the prior's means, for no bits.
        """
        step, scale, mean, common = self._start_parameters(place_B.to(y), y.shape)
        sent = sent_B.to(y)[:, None, None, None]
        y, y_hat, bits = y / step, torch.zeros_like(y), y.new_zeros(len(y))
        for turn in range(len(QUADTREE)):
            if turn:
                scale, mean = self._next_parameters(turn, y_hat, common)
            here = coded_places(turn, y)
            residual = (y - mean) * sent
            index = (at_least(scale, SCALE_LOW).log() - math.log(SCALE_LOW)) / LOG_SCALE_STEP
            spent = training_bits(residual, index) * sent
            bits = bits + (spent * here).sum((1, 2, 3))
            y_hat = y_hat + (round_through(residual) + mean) * here
        return y_hat * step, bits

    @torch.no_grad()
    def walk(
        self, coder: Coder | None, place: float, grid: tuple[int, int], y: Tensor | None
    ) -> Tensor:
        """Code everything in file order; without a coder, the latent that the prior expects."""
        at = torch.tensor([place], dtype=torch.float64, device=self.enc_q.device)
        shape = torch.Size((1, self.factorized_prior_vec.shape[1], *grid))
        step, scale, mean, common = self._start_parameters(at, shape)
        wanted = None if y is None else y.double() / step
        y_hat = torch.zeros_like(scale)
        for turn in range(len(QUADTREE)):
            if turn:
                scale, mean = self._next_parameters(turn, y_hat, common)
            here, index = coded_places(turn, y_hat), scale_tables(scale)
            symbols = torch.zeros_like(mean)
            if coder is not None:
                coded = here & (index > 0)
                values = None if wanted is None else wanted[coded]
                symbols[coded] = coder.code(index[coded], mean[coded], values)
            y_hat = y_hat + (symbols + mean) * here
        return y_hat * step

    def _start_parameters(self, place_B: Tensor, shape: torch.Size) -> tuple[Tensor, ...]:
        """Quantiser step, standard deviation, mean and what all turns see.

        The vector is constant but the maps are not: the padding of the convolutions shows.
        """
        vector: Tensor = self.factorized_prior_vec
        if is_exact(place_B):
            vector = on_fine_grid(vector.detach().double())
        seen = at_qualities(vector, place_B).expand(len(place_B), *shape[1:])
        all_three = self.y_prior_fusion(seen)
        step, scale, mean = all_three.chunk(3, 1)
        return at_least(step, STEP_LOW), scale, mean, self.y_spatial_prior_reduction(all_three)

    def _next_parameters(self, turn: int, y_hat: Tensor, common: Tensor) -> tuple[Tensor, Tensor]:
        adaptor = getattr(self, f"y_spatial_prior_adaptor_{turn}")
        scale, mean = self.y_spatial_prior(adaptor(torch.cat([y_hat, common], 1))).chunk(2, 1)
        return scale, mean


def at_qualities(table_AC11: Tensor, place_B: Tensor) -> Tensor:
    """The table's row for each picture, linear between trained ones; outside, the nearest."""
    if len(table_AC11) == 1:
        return table_AC11
    place_B = place_B.clamp(0, len(table_AC11) - 1)
    return at_quality(table_AC11.flatten(1), place_B)[..., None, None]


def at_least(x: Tensor, bound: float) -> Tensor:
    """x or the bound; below it a tenth of the gradient still passes, so that nothing gets stuck."""
    if is_exact(x):
        return x.clamp_min(bound)
    below = 0.1 * x.clamp_max(bound)
    return x.clamp_min(bound) + below - below.detach()


def coded_places(turn: int, like: Tensor) -> Tensor:
    """Which elements of the latent a turn codes: each quarter of the channels its own places."""
    rows = torch.arange(like.shape[2], device=like.device)[:, None]
    columns = torch.arange(like.shape[3], device=like.device)[None]
    place = rows % 2 * 2 + columns % 2
    quarter = (like.shape[1] // 4, -1, -1)
    masks = torch.cat([(place == kind)[None].expand(quarter) for kind in QUADTREE[turn]])
    return masks.expand(like.shape)


def scale_tables(scale: Tensor) -> Tensor:
    """The table for each exact standard deviation; 0 means: too sure to code anything.

    Tables end at geometric middles, the first one at the skip rule, and all of them between two
    multiples of the activations' unit, so no comparison is ever close.
    """
    middles = SCALE_LOW * torch.exp(LOG_SCALE_STEP * (torch.arange(SCALES - 1).double() + 0.5))
    middles[0] = SKIP_BELOW
    ends = ((middles / _UNIT).floor() + 0.5) * _UNIT
    return torch.bucketize(scale, ends.to(scale.device))
