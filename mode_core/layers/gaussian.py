"""Variable-rate Gaussian coding: gains by which one model has all rates, and the training rate.

A latent in natural units times its gain is rounded and coded; divided by it again (with a gain of
its own, learned apart) it is a latent once more. Gains are learned at a few trained qualities and
are linear in between. For coding they are frozen into integers that travel with the weights.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from mode_core.layers.blocks import at_quality
from mode_core.layers.exact import VALUE_STEP
from mode_core.stream.entropy import LOG_SCALE_STEP, SCALE_LOW

_UNITS = torch.tensor([2.0**-16, 2.0**-20, VALUE_STEP], dtype=torch.float64)
_TAIL, _TAIL_REACH = 2e-6, 4.0
_LEAST_LIKELIHOOD = 1e-9
_NOISE_FROM = math.log(0.5 / SCALE_LOW) / LOG_SCALE_STEP


class Gains(nn.Module):
    """Gain, inverse gain and scale-table offset for every channel at every quality."""

    frozen: Tensor

    def __init__(self, log_gain_AC: Tensor) -> None:
        super().__init__()
        self.log_gain = nn.Parameter(log_gain_AC.clone())
        self.log_inverse = nn.Parameter(-log_gain_AC)
        self.register_buffer("frozen", torch.zeros(3, *log_gain_AC.shape, dtype=torch.int32))

    @torch.no_grad()
    def start_from(self, strength_C: Tensor, log_lambda_A: Tensor) -> None:
        """Gains at which a uniform quantiser trades rate for error at each lambda."""
        coarser = 0.25 * (1 - torch.arange(len(log_lambda_A)) / (len(log_lambda_A) - 1))
        log_gain = (3.913 + 0.5 * log_lambda_A - coarser)[:, None] + strength_C.log()[None]
        self.log_gain.copy_(log_gain)
        self.log_inverse.copy_(-log_gain)

    def tables(self) -> tuple[Tensor, Tensor, Tensor]:
        """The three tables at the trained qualities."""
        return self.log_gain.exp(), self.log_inverse.exp(), self.log_gain / LOG_SCALE_STEP

    def at(self, quality_B: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gain, inverse and offset in training, shaped to multiply a map."""
        gain, inverse, offset = (at_quality(t, quality_B)[..., None, None] for t in self.tables())
        return gain, inverse, offset

    @torch.no_grad()
    def freeze(self) -> None:
        """Round the tables to integers: from here on, files depend on them."""
        tables = (
            torch.stack(self.tables()).double() / _UNITS.to(self.log_gain.device)[:, None, None]
        )
        self.frozen.copy_(tables.round().clamp(-(2**31), 2**31 - 1).to(torch.int32))

    def exact(
        self, quality: float, dtype: torch.dtype = torch.float64
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The same three from the frozen integers; quality counts trained ones."""
        at = torch.tensor([quality], dtype=torch.float64, device=self.frozen.device)
        units = _UNITS.to(self.frozen.device)
        gain, inverse, offset = (
            at_quality(table.double() * unit, at)[..., None, None].to(dtype)
            for table, unit in zip(self.frozen, units, strict=True)
        )
        return gain, inverse, offset


def gaussian_bits(residual: Tensor, index: Tensor) -> Tensor:
    """Bits for a rounded (or noisy) residual under a Gaussian of fractional table index.

    A faint wide tail is mixed in, so that a latent far outside still feels a gradient.
    """
    scale = SCALE_LOW * torch.exp(LOG_SCALE_STEP * index.clamp(0, 63))
    size = residual.abs()
    root = scale * math.sqrt(2)
    mass = 0.5 * (torch.erfc((size - 0.5) / root) - torch.erfc((size + 0.5) / root))
    tail = _TAIL * torch.exp(-size / (_TAIL_REACH * scale + 1))
    return -torch.log2(mass + tail)


def round_through(x: Tensor) -> Tensor:
    """Rounded, with the gradient of no rounding."""
    return x + (x.round() - x).detach()


def with_noise(x: Tensor) -> Tensor:
    """The training stand-in for rounding in the rate term."""
    return x + torch.empty_like(x).uniform_(-0.5, 0.5)


def training_bits(residual: Tensor, index: Tensor, settled: bool = False) -> Tensor:
    """The rate term: uniform noise stands in for rounding.

    In the last part of training, when latents have settled, small scales are rounded for real. A
    latent that always rounds to zero costs nothing in a file, but 0.15 bit with noise on it: over
    320 channels that is 0.2 bits per pixel of rate that no file has. Not before: the noise also
    teaches the encoder to leave out what is not worth its bits.
    """
    noisy = with_noise(residual)
    if settled:
        noisy = torch.where(index.detach() > _NOISE_FROM, noisy, round_through(residual))
    return gaussian_bits(noisy, index)


def gaussian_likelihood(residual: Tensor, scale: Tensor) -> Tensor:
    """The mass of a Gaussian around a residual, as CompressAI's models were trained with it.

    The raw scale is bounded from below, no more.
    """
    scale = _AtLeast.apply(scale, SCALE_LOW)
    size, root = residual.abs(), -(2**-0.5) / scale
    mass = 0.5 * (torch.erfc(root * (0.5 - size)) - torch.erfc(root * (-0.5 - size)))
    return _AtLeast.apply(mass, _LEAST_LIKELIHOOD)


class _AtLeast(torch.autograd.Function):
    """The larger of x and a bound; below it gradients pass that would lift x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, bound: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.bound = bound
        return x.clamp_min(bound)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return gradient * ((x >= ctx.bound) | (gradient < 0)), None
