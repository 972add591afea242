"""The picture decoders that DLF ends in: taming-transformers' VQGAN, or the Vq expert's synthesis.

Both hold the codebook whose codes DLF mixes, and map a mixture at stride 16 to a picture.
"""

from __future__ import annotations

from torch import Tensor, nn

from mode_core.codecs.vq.vqgan import Codes, VqganDecoder
from mode_core.layers.blocks import Stage, Synthesis


class _CodesDecoder(nn.Module):
    def __init__(self, entries: int, depth: int) -> None:
        super().__init__()
        self.quantize = Codes(entries, depth)

    @property
    def codebook(self) -> Tensor:
        """The vectors that are mixed."""
        return self.quantize.embedding.weight


class ExpertDecoder(_CodesDecoder):
    """The codebook and synthesis of the Vq expert."""

    def __init__(self, entries: int, depth: int, stages: tuple[Stage, ...]) -> None:
        super().__init__(entries, depth)
        self.depth, self.synthesis = depth, Synthesis(stages, depth)

    def forward(self, latent_BCHW: Tensor) -> Tensor:
        """The picture, about [0, 1]."""
        return self.synthesis(latent_BCHW * self.depth**0.5) + 0.5


class Vqgan(_CodesDecoder):
    """The public VQGAN without its encoder."""

    def __init__(self, entries: int, depth: int) -> None:
        super().__init__(entries, depth)
        self.post_quant_conv = nn.Conv2d(depth, depth, 1)
        self.decoder = VqganDecoder(depth)

    def forward(self, latent_BCHW: Tensor) -> Tensor:
        """The picture, about [0, 1]."""
        out: Tensor = self.decoder(self.post_quant_conv(latent_BCHW))
        return (out + 1) / 2
