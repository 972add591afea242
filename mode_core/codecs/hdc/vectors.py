"""Vectors that sum up a picture: extracted from the original in training, made anew at the decoder.

    training   v = extractor(x, what the decoder has of it)
    decoder    v = four steps of diffusion from noise, led by what the decoder has alone

Both after DiffIR (Xia et al., https://arxiv.org/abs/2303.09472). Deviations, all ours: over many
pictures each number has mean 0 and variance 1, so zero is the usual picture and an error of 1 means
that nothing is known (normalised picture by picture, vectors were nearly the same for all); the
network says where the chain should end
and the noise follows from that, which is the same step but cannot blow up; the noise of the decoder
is stored with the weights, for a picture must not depend on a generator's version.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.codecs.hdc.config import HdcConfig
from mode_core.layers.blocks import Analysis, finely, start_small
from mode_core.layers.device import sent

STEPS = 4
BETA = (0.1, 0.99)
"""How much noise the first and the last step add; those between lie on a line."""
_BLOCKS = 4
_FOLLOWED, _LEAST = 0.05, 1e-4
_SEED = 20250211


def centred(*pictures: Tensor) -> Tensor:
    """Pictures on top of each other, around grey."""
    return torch.cat(pictures, 1) - 0.5


class Spread(nn.Module):
    """Numbers around their mean over pictures, in deviations; both follow along while it learns."""

    mean: Tensor
    variance: Tensor
    turns: Tensor

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(numbers))
        self.register_buffer("variance", torch.ones(numbers))
        self.register_buffer("turns", torch.zeros(()))

    def forward(self, numbers_BN: Tensor) -> Tensor:
        """The normalised numbers."""
        return (numbers_BN - self.mean) * (self.variance + _LEAST).rsqrt()

    @torch.no_grad()
    def follow(self, numbers_BN: Tensor) -> None:
        """Move towards the mean and variance of some pictures."""
        share = (1 / self.turns.add_(1)).clamp_min(_FOLLOWED)  # at first they know of no pictures
        self.mean.lerp_(numbers_BN.mean(0), share)
        self.variance.lerp_((numbers_BN - self.mean).square().mean(0), share)


class Extractor(nn.Module):
    """The vectors BVD of pictures that lie on top of each other."""

    def __init__(self, config: HdcConfig, pictures: int) -> None:
        super().__init__()
        self.shape = config.vectors, config.depth
        numbers, width = config.vectors * config.depth, config.eyes[-1][1]
        self.eyes = Analysis(config.eyes, width, 3 * pictures)
        self.sum_up = nn.Sequential(
            nn.GELU(), nn.Linear(width, 2 * numbers), nn.GELU(), nn.Linear(2 * numbers, numbers)
        )
        self.spread = Spread(numbers)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Vectors of unit variance; the picture may have any size."""
        features = self.eyes(x_BCHW)
        with finely(x_BCHW):
            numbers = self.sum_up(features.float().mean((2, 3)))
            if self.training and self.eyes.out.weight.requires_grad:
                self.spread.follow(numbers)
            return self.spread(numbers).unflatten(1, self.shape)


class _Step(nn.Module):
    """Residual layers on a vector that see what leads it."""

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(2 * numbers, numbers), nn.Linear(numbers, numbers)

    def forward(self, v: Tensor, led: Tensor) -> Tensor:
        return v + self.last(F.gelu(self.first(torch.cat([v, led], 1))))


class VectorDiffusion(nn.Module):
    """Four steps from noise to vectors; before training they end at zero."""

    noise: Tensor
    alpha: Tensor
    kept: Tensor

    def __init__(self, config: HdcConfig) -> None:
        super().__init__()
        numbers = config.vectors * config.depth
        self.lead = Extractor(config, 1)
        self.turn = nn.Parameter(0.1 * torch.randn(STEPS, numbers))
        self.blocks = nn.ModuleList(_Step(numbers) for _ in range(_BLOCKS))
        self.end = nn.Linear(numbers, numbers)
        start_small(self.end, 0)
        alpha = 1 - torch.linspace(*BETA, STEPS)
        self.register_buffer("alpha", alpha, persistent=False)
        self.register_buffer("kept", alpha.cumprod(0), persistent=False)
        generator = torch.Generator().manual_seed(_SEED)
        noise = torch.randn(1, numbers, generator=generator, device="cpu")
        self.register_buffer("noise", noise)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """The vectors of a picture, always the same ones."""
        led = self.lead(centred(x_BCHW))
        return self.chain(self.noise.expand(len(led), -1), led)

    def noisy(self, v_BVD: Tensor, generator: torch.Generator) -> Tensor:
        """Vectors as the last forward step leaves them: hardly more than noise."""
        made = torch.randn(v_BVD.flatten(1).shape, generator=generator, device="cpu")
        kept = self.kept[-1]
        return kept.sqrt() * v_BVD.flatten(1) + (1 - kept).sqrt() * sent(made, v_BVD.device)

    def chain(self, v: Tensor, led_BVD: Tensor) -> Tensor:
        """All four steps back."""
        with finely(v):
            led = led_BVD.flatten(1)
            for step in reversed(range(STEPS)):
                v = self._back(v, led, step)
        return v.view_as(led_BVD)

    def _back(self, v: Tensor, led: Tensor, step: int) -> Tensor:
        inner = v + self.turn[step]
        for block in self.blocks:
            inner = block(inner, led)
        alpha, kept = self.alpha[step], self.kept[step]
        # of the noise in v, as much as the end leaves, its share of this step is taken away
        noise = (v - kept.sqrt() * self.end(inner)) / (1 - kept).sqrt()
        return (v - (1 - alpha) / (1 - kept).sqrt() * noise) / alpha.sqrt()
