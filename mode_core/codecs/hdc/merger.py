"""Both streams as one picture: corrected codes, a decoder that assists, and exchanged pictures."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.codecs.hdc.blocks import WindowBlock
from mode_core.codecs.hdc.config import HdcConfig
from mode_core.codecs.hdc.enhancer import Enhanced
from mode_core.codecs.hdc.predictor import Seen
from mode_core.codecs.mode.net import BLOCK, PictureCem
from mode_core.codecs.tiles import by_tiles
from mode_core.codecs.vq.net import Vq
from mode_core.layers.blocks import Synthesis, start_small


class Correction(nn.Module):
    """Several linear branches of the codes, summed up by maps that the enhanced picture gives.

    What is stated: a 3x3 and a 1x1 layer for each branch, no softmax over the maps, Swin blocks for
    them. Ours: the sum is added to the codes, and is zero before training.
    """

    def __init__(self, vq: Vq, config: HdcConfig) -> None:
        super().__init__()
        depth, branches, inner = vq.config.depth, config.branches, config.branches * config.branch
        self.first = nn.Conv2d(depth, inner, 3, padding=1)
        self.last = nn.Conv2d(inner, branches * depth, 1, groups=branches)
        start_small(self.last, 0)
        self.eyes = nn.Conv2d(vq.analysis.out.in_channels, config.width, 1)
        self.blocks = nn.Sequential(
            *(WindowBlock(config.width, config.heads) for _ in range(config.correction_blocks))
        )
        self.maps = nn.Conv2d(config.width, branches, 1)
        nn.init.constant_(self.maps.get_parameter("bias"), 1 / branches)

    def forward(self, codes_BCHW: Tensor, seen: Seen) -> Tensor:
        """The corrected codes."""
        maps = self.maps(self.blocks(self.eyes(seen.features)))
        branches = self.last(self.first(codes_BCHW)).unflatten(1, (maps.shape[1], -1))
        return codes_BCHW + (branches * maps[:, :, None]).sum(1)


class Merger(nn.Module):
    """A copy of Vq's decoder draws corrected codes and adds its features to Vq's, level by level.

    Vq's own decoder stays as it is (HDCompression trains it too). Broad tones that no code holds
    come from the enhanced picture, exchanged as MoDE exchanges pictures. Before training the
    picture is Vq's.
    """

    def __init__(self, vq: Vq, config: HdcConfig) -> None:
        super().__init__()
        stages, depth = vq.config.stages, vq.config.depth
        if config.rise[0][0] != stages[0][0]:
            raise ValueError("Vq draws at another stride than the enhancer")
        widths, stride = vq.synthesis.widths, stages[0][0]
        self.correction = Correction(vq, config) if config.correction else None
        self.assistant = Synthesis(stages, depth).levels
        self.joins = nn.ModuleList(nn.Conv2d(width, width, 1) for width in widths)
        for layer in self.joins:
            start_small(layer, 0)
        self.exchange = PictureCem(widths[-1], config.rise[0][1], config.hidden, stride, gated=True)
        # the exchange sees one window of blocks around its own
        self.reach = vq.reach + BLOCK

    def start_from(self, vq: Vq) -> None:
        """Let the assistant begin as Vq's decoder."""
        self.assistant.load_state_dict(vq.synthesis.levels.state_dict())

    def forward(
        self, vq: Vq, codes: Tensor, enhanced: Enhanced, seen: Seen, quality_B: Tensor
    ) -> Tensor:
        """The picture."""
        corrected = self.correction(codes, seen) if self.correction else codes
        fine = vq.cell // vq.config.stages[0][0]

        def drawn(codes: Tensor, corrected: Tensor, features: Tensor, picture: Tensor) -> Tensor:
            folded = F.pixel_shuffle(features, fine), F.pixel_shuffle(picture, vq.cell)
            return self._drawn(vq, codes, corrected, *folded, quality_B)

        on_one_grid = (
            codes, corrected, F.pixel_unshuffle(enhanced.features, fine),
            F.pixel_unshuffle(enhanced.picture, vq.cell),
        )  # fmt: skip
        return by_tiles(drawn, on_one_grid, self.reach, vq.cell)

    def _drawn(
        self, vq: Vq, codes: Tensor, corrected: Tensor, other: Tensor, picture: Tensor, at: Tensor
    ) -> Tensor:
        features, own = vq.start(codes), vq.start(corrected)
        for index, (level, joined) in enumerate(zip(self.assistant, self.joins, strict=True)):
            own = level(own)
            features = vq.level(index, features) + joined(own)
        return self.exchange((features, own, other), vq.head(features), picture, at)
