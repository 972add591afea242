"""HDCompression (Lu et al., https://arxiv.org/abs/2502.07160): two streams, and vectors for free.

    x ─ halved ─ ELIC ─► latent ──► enhancer ──────────► enhanced picture ─┐
    x ─ Vq ─► some of the tokens ─► predictor ◄─ (as Vq sees it) ◄─────────┤
                                        └► codes ─► correction ─► merger ◄─┘─► picture

Enhancer and predictor are told vectors that sum the picture up. In training they are extracted with
the original at hand; at the decoder four steps of diffusion make them from what is decoded
(`vectors.py`), and no bits are spent on them.

Deviations, all ours: ELIC and a token prior instead of MLIC and plain indices, so a quality sends
any part of the tokens, in Vq's own order; nothing new decides a bit, so files are as exact as those
of the two experts; tokens that are missing are drawn as a mean; of the decoders the assistant alone
learns, and pictures are exchanged after it. Each part's own deviations stand in its file. The
experts' weights live in their own files.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mode_core.codecs.elic.net import STEPS_BETWEEN, Elic
from mode_core.codecs.hdc.config import HdcConfig
from mode_core.codecs.hdc.enhancer import Enhanced, Enhancer, doubled, halved
from mode_core.codecs.hdc.merger import Merger
from mode_core.codecs.hdc.predictor import Predictor, look
from mode_core.codecs.hdc.vectors import Extractor, VectorDiffusion, centred
from mode_core.codecs.vq.net import SHARES, Vq
from mode_core.layers.experts import OnExperts

FEWEST, FINEST = 8, 4 * STEPS_BETWEEN
"""Token shares of the lowest quality, and ELIC's quality at the highest."""
STEPS_A_SHARE = 3
"""One of so many steps sends another share, until all are sent; others make the latent finer."""


def path(quality: int) -> tuple[int, int]:
    """How many token shares a quality sends, and ELIC's quality beside them.

    Measured with both experts' real streams on Kodak 05, 13, 19 and 23: 0.018 to 0.024 bits per
    pixel at the lowest, 0.026 to 0.037 at 21, 0.045 to 0.074 at 71, where all tokens are sent.
    """
    more = min(SHARES - FEWEST, (quality + 1) // STEPS_A_SHARE)
    return FEWEST + more, quality - more


class Hdc(OnExperts):
    """Vectors, enhancer, predictor and merger over two experts."""

    stride = 128
    codec = "hdc"
    qualities = range(SHARES - FEWEST + FINEST + 1)

    def __init__(self, elic: Elic, vq: Vq, config: HdcConfig) -> None:
        super().__init__(elic, vq)
        self.config = config
        self.enhancer = Enhancer(elic, config)
        self.predictor = Predictor(vq, config)
        self.merger = Merger(vq, config)
        named = {"enhancer": config.enhancer_vectors, "predictor": config.predictor_vectors}
        wanted = [name for name, there in named.items() if there]
        self.extractors = nn.ModuleDict({name: Extractor(config, 2) for name in wanted})
        self.diffusions = nn.ModuleDict({name: VectorDiffusion(config) for name in wanted})

    @property
    def elic(self) -> Elic:
        """The frozen fidelity expert, which sees pictures of half the size."""
        return self._experts[0]

    @property
    def vq(self) -> Vq:
        """The frozen perception expert."""
        return self._experts[1]

    def plain(self, y: Tensor, quality_B: Tensor) -> Tensor:
        """ELIC's picture, doubled: all that the decoder has before it enhances."""
        return doubled(self.elic.synthesise(y, quality_B))

    def extracted(self, which: str, x: Tensor, decoded: Tensor) -> Tensor:
        """Vectors with the original at hand."""
        if which not in self.extractors:
            return self.no_vectors(decoded)
        return self.extractors[which](centred(x, decoded))

    def made(self, which: str, decoded: Tensor) -> Tensor:
        """Vectors as the decoder makes them."""
        if which not in self.diffusions:
            return self.no_vectors(decoded)
        return self.diffusions[which](decoded)

    def no_vectors(self, like: Tensor) -> Tensor:
        """Vectors that say nothing."""
        shape = len(like), self.config.vectors, self.config.depth
        return torch.zeros(shape, device=like.device)

    def enhance(self, y: Tensor, v: Tensor, quality_B: Tensor) -> Enhanced:
        """The latent stream's picture."""
        return self.enhancer(self.elic, y, v, quality_B)

    def analyse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The latent of the picture at half its size, and all tokens."""
        return self.elic.analyse(halved(x)), self.vq.analyse(x)

    def forward(self, y: Tensor, known: Tensor, quality_B: Tensor) -> Tensor:
        """The picture of a file, from its latent and the tokens that were sent."""
        enhanced = self.enhance(y, self.made("enhancer", self.plain(y, quality_B)), quality_B)
        seen = look(self.vq, enhanced.picture)
        v = self.made("predictor", enhanced.picture)
        codes = self.predictor(self.vq, known, seen, v)
        return self.merger(self.vq, codes, enhanced, seen, quality_B)
