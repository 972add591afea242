"""The latent stream's picture, enhanced: from a picture of half the size back to the whole one."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.codecs.elic.net import TRAINED, Elic
from mode_core.codecs.hdc.blocks import MapBlock
from mode_core.codecs.hdc.config import HdcConfig
from mode_core.codecs.tiles import by_tiles
from mode_core.layers.blocks import QualityScale, Synthesis, finely, reach_of, start_small

STRIDE = 16
"""The map that the enhanced picture is made from; at half the size ELIC's level at 8."""


def halved(x_BCHW: Tensor) -> Tensor:
    """A picture of half the size."""
    with finely(x_BCHW):
        return F.interpolate(x_BCHW, scale_factor=0.5, mode="bicubic", antialias=True)


def doubled(x_BCHW: Tensor) -> Tensor:
    """A picture of twice the size."""
    with finely(x_BCHW):
        return F.interpolate(x_BCHW.float(), scale_factor=2.0, mode="bicubic")


@dataclass(frozen=True, slots=True)
class Enhanced:
    """The picture, and the features that its last layer saw."""

    picture: Tensor
    features: Tensor


class Enhancer(nn.Module):
    """Blocks on the latent, ELIC's own decoder, blocks on its features, and a rise to pixels.

    What it adds is nothing before training: then the picture is ELIC's, doubled.
    """

    def __init__(self, elic: Elic, config: HdcConfig) -> None:
        super().__init__()
        strides = [stride for stride, _, _ in reversed(elic.config.stages)]
        if STRIDE // 2 not in strides:
            raise ValueError("ELIC has no level at the stride that the enhancer starts from")
        self.tap = strides.index(STRIDE // 2)
        latent, width = sum(elic.config.groups), config.width
        block = width, config.depth, config.heads
        self.into = nn.Conv2d(latent, width, 1)
        self.quality = QualityScale(TRAINED, width)
        self.latent_blocks = nn.ModuleList(MapBlock(*block) for _ in range(config.latent_blocks))
        self.out = nn.Conv2d(width, latent, 1)
        start_small(self.out, 0)
        self.lift = nn.Conv2d(elic.synthesis.widths[self.tap], width, 1)
        self.map_blocks = nn.ModuleList(MapBlock(*block) for _ in range(config.map_blocks))
        self.rise = Synthesis(config.rise, width)
        start_small(self.rise.head, 0)
        self.reach, self.cell = reach_of(config.rise), config.rise[0][0]

    def forward(self, elic: Elic, y_BCHW: Tensor, v_BVD: Tensor, quality_B: Tensor) -> Enhanced:
        """The enhanced picture from the latent of the half-size one."""
        y = y_BCHW + self.change(y_BCHW, v_BVD, quality_B)
        features = y
        for index in range(len(elic.synthesis.levels)):
            features = elic.level(index, features, quality_B)
            if index == self.tap:
                seen = features
        small = elic.head(features, y)
        seen = self.lift(seen)
        for block in self.map_blocks:
            seen = block(seen, v_BVD)
        last = by_tiles(self._risen, (seen,), self.reach, STRIDE, self.cell)
        return Enhanced(doubled(small) + self.rise.head(last), last)

    def change(self, y_BCHW: Tensor, v_BVD: Tensor, quality_B: Tensor) -> Tensor:
        """What is added to the latent."""
        inner = self.quality(self.into(y_BCHW), quality_B)
        for block in self.latent_blocks:
            inner = block(inner, v_BVD)
        return self.out(inner)

    def _risen(self, seen: Tensor) -> Tensor:
        for level in self.rise.levels:
            seen = level(seen)
        return seen
