"""MoDE (https://arxiv.org/abs/2605.14391): two frozen experts whose decoders help each other.

    expert stream      u = level(h),  h = ESE(u)                      per expert and level
    modulation stream  m = CEM(level(m), own h, partner's h)          per expert and level
    picture            x = head(m) + what PictureCem takes over from the partner's picture

Only the abstract, captions and one equation of the paper were available to us: the two frozen
branches, the shared dual-stream file, ESE and "gated residual cross-expert modulation" are stated
there; the formulas of ESE and CEM, the levels and the losses are inferred and are ours.

With zero gates and zero last layers MoDE-F is the fidelity expert and MoDE-P the perception expert,
exactly. The experts' weights live in their own files; this module's own are ESE and CEM alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.codecs.elic.net import TRAINED, Elic
from mode_core.codecs.vq.net import SHARES, Vq
from mode_core.layers.blocks import (
    ChannelNorm,
    QualityScale,
    dct_basis,
    finely,
    reach_of,
    start_small,
)
from mode_core.layers.experts import OnExperts

FIDELITY, PERCEPTION = 0, 1
BLOCK = 8
"""Side in pixels of the blocks in which pictures are exchanged."""
FEWEST = SHARES // 2
"""Token shares beside the coarsest latent: every second token; the prior guesses the others."""


def shares_beside(fineness: float) -> int:
    """How many token shares go with a latent, from the coarsest (0) to the finest (1)."""
    return FEWEST + round(fineness * (SHARES - FEWEST))


@dataclass(frozen=True, slots=True)
class ModeConfig:
    """The size of ESE and CEM, and which parts an ablation leaves out.

    Without CEM the pictures are those of the expert stream, as ESE alone makes them.
    """

    hidden: tuple[int, ...] = (96, 64)
    ese: bool = True
    cem: bool = True
    gated: bool = True
    pictures: bool = True

    @classmethod
    def public(cls) -> ModeConfig:
        """4.4 million parameters, for a public ELIC and VQGAN: levels at strides 16, 8, 4 and 2.

        Pictures are not exchanged: all that the public ELIC draws passes through its levels.
        """
        return cls(hidden=(256, 192, 128, 96), pictures=False)


class Ese(nn.Module):
    """Expert-specific enhancement: u + W2 gelu(DW3x3 gelu(W1 norm(u))); starts as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.first = nn.Conv2d(channels, channels, 1)
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.last = nn.Conv2d(channels, channels, 1)
        start_small(self.last, 0)

    def forward(self, u: Tensor) -> Tensor:
        """The reference features."""
        inner = F.gelu(self.depthwise(F.gelu(self.first(self.norm(u)))))
        return u + self.last(inner)


class Evidence(nn.Module):
    """One map made of the own features, the own reference and the partner's reference."""

    def __init__(self, own: int, partner: int, hidden: int) -> None:
        super().__init__()
        self.norm, self.norm_own = ChannelNorm(own), ChannelNorm(own)
        self.norm_partner = ChannelNorm(partner)
        self.from_features = nn.Conv2d(own, hidden, 1)
        self.from_own = nn.Conv2d(own, hidden, 1)
        self.from_partner = nn.Conv2d(partner, hidden, 1)
        self.depthwise = nn.Conv2d(3 * hidden, 3 * hidden, 3, padding=1, groups=3 * hidden)
        self.mix = nn.Conv2d(3 * hidden, hidden, 1)
        self.quality = QualityScale(TRAINED, hidden)

    def forward(
        self, u: Tensor, own: Tensor, partner: Tensor, quality_B: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The evidence, and the own features normalised."""
        normed = self.norm(u)
        parts = (
            self.from_features(normed),
            self.from_own(self.norm_own(own)),
            self.from_partner(self.norm_partner(partner)),
        )
        mixed = F.gelu(self.mix(F.gelu(self.depthwise(torch.cat(parts, 1)))))
        return self.quality(mixed, quality_B), normed


class Cem(nn.Module):
    """Cross-expert modulation: u + gamma * sigmoid(g) * (a * norm(u) + b); starts as the identity.

    g, a and b come from the evidence. Without gates (an ablation) a residual is added as it is.
    """

    def __init__(self, own: int, partner: int, hidden: int, gated: bool) -> None:
        super().__init__()
        self.evidence = Evidence(own, partner, hidden)
        self.gated = gated
        self.out = nn.Conv2d(hidden, 3 * own if gated else own, 1)
        self.gamma = nn.Parameter(torch.zeros(1, own, 1, 1))

    def forward(self, u: Tensor, own: Tensor, partner: Tensor, quality_B: Tensor) -> Tensor:
        """The modulated features."""
        evidence, normed = self.evidence(u, own, partner, quality_B)
        if not self.gated:
            residual: Tensor = self.gamma * self.out(evidence)
            return u + residual
        gate, scale, shift = self.out(evidence).chunk(3, 1)
        return u + self.gamma * gate.sigmoid() * (scale * normed + shift)


class PictureCem(nn.Module):
    """The same for pictures: x + gamma * (sigmoid(g) * (partner's x - x) + b), in 8x8 DCT bands.

    Bands let the low frequencies come from one expert and the texture from the other.
    """

    basis: Tensor

    def __init__(self, own: int, partner: int, hidden: int, stride: int, gated: bool) -> None:
        super().__init__()
        self.evidence = Evidence(own, partner, hidden)
        self.gated, self.to_blocks = gated, BLOCK // stride
        bands = 3 * BLOCK**2
        self.out = nn.Conv2d(hidden, 2 * bands if gated else bands, 1)
        start_small(self.out, 0.1 * hidden**-0.5)
        self.gamma = nn.Parameter(torch.zeros(1, bands, 1, 1))
        self.register_buffer("basis", dct_basis(bands, BLOCK)[0][..., None, None], persistent=False)

    def bands(self, x_BCHW: Tensor) -> Tensor:
        """A picture as DCT coefficients of its blocks."""
        with finely(x_BCHW):
            return F.conv2d(F.pixel_unshuffle(x_BCHW, BLOCK), self.basis.to(x_BCHW.dtype))

    def forward(
        self, features: tuple[Tensor, ...], x: Tensor, other: Tensor, quality_B: Tensor
    ) -> Tensor:
        """The own picture x with what it takes over from the partner's."""
        if self.to_blocks > 1:
            features = tuple(F.avg_pool2d(part, self.to_blocks) for part in features)
        evidence, _ = self.evidence(*features, quality_B)
        x, other = x.float(), other.float()  # a public expert's picture may come in less
        change = self.out(evidence).float()
        if self.gated:
            gate, change = change.chunk(2, 1)
            change = change + gate.sigmoid() * self.bands(other - x)
        with finely(x):
            blocks = F.conv2d(self.gamma * change, self.basis.to(x.dtype).transpose(0, 1))
        return x + F.pixel_shuffle(blocks, BLOCK)


@dataclass(frozen=True, slots=True)
class References:
    """The expert stream: both experts' enhanced features at every level, and their pictures."""

    features: list[tuple[Tensor, Tensor]]
    fidelity: Tensor
    perception: Tensor


class Mode(OnExperts):
    """ESE and CEM over two experts."""

    stride = 64
    codec = "mode"
    ese: Any
    cem: Any
    picture_cem: Any
    """All three are lists of pairs, of which mypy sees no more than modules."""

    def __init__(self, elic: Elic, vq: Vq, config: ModeConfig) -> None:
        super().__init__(elic, vq)
        self.config = config
        # per level ESE and CEM add one 3x3 window each, the exchange of pictures one of blocks
        self.reach = BLOCK + max(reach_of(net.config.stages, 2) for net in (elic, vq))
        widths = list(zip(elic.synthesis.widths, vq.synthesis.widths, strict=True))
        self.ese = nn.ModuleList(
            nn.ModuleList((Ese(f), Ese(p))) if config.ese else nn.ModuleList() for f, p in widths
        )
        self.cem = nn.ModuleList(
            nn.ModuleList((Cem(f, p, hidden, config.gated), Cem(p, f, hidden, config.gated)))
            for (f, p), hidden in zip(widths, config.hidden, strict=True)
            if config.cem
        )
        (f, p), hidden, stride = widths[-1], config.hidden[-1], elic.config.stages[0][0]
        self.picture_cem = nn.ModuleList(
            PictureCem(own, partner, hidden, stride, config.gated)
            for own, partner in ((f, p), (p, f))
            if config.pictures
        )

    @property
    def elic(self) -> Elic:
        """The frozen fidelity expert."""
        return self._experts[0]

    @property
    def vq(self) -> Vq:
        """The frozen perception expert."""
        return self._experts[1]

    def gates(self, branch: int) -> list[nn.Parameter]:
        """The parameters that are zero before training, so that a branch equals its expert."""
        return [pair[branch].gamma for pair in (*self.cem, self.picture_cem) if len(pair)]

    def references(self, y: Tensor, codes: Tensor, quality_B: Tensor) -> References:
        """The expert stream from the decoded latent and codes."""
        elic, vq = self._experts
        f, p = y, vq.start(codes)
        features = []
        for index, enhance in enumerate(self.ese):
            f, p = elic.level(index, f, quality_B), vq.level(index, p)
            if self.config.ese:
                f, p = enhance[0](f), enhance[1](p)
            features.append((f, p))
        return References(features, elic.head(f, y), vq.head(p))

    def fidelity(self, y: Tensor, seen: References, quality_B: Tensor) -> Tensor:
        """MoDE-F."""
        if not self.config.cem:
            return seen.fidelity
        elic, features = self.elic, y
        for index, (own, partner) in enumerate(seen.features):
            features = elic.level(index, features, quality_B)
            features = self.cem[index][FIDELITY](features, own, partner, quality_B)
        x, last = elic.head(features, y), (features, *seen.features[-1])
        return self._exchanged(FIDELITY, last, x, seen.perception, quality_B)

    def perception(self, codes: Tensor, seen: References, quality_B: Tensor) -> Tensor:
        """MoDE-P."""
        if not self.config.cem:
            return seen.perception
        vq, features = self.vq, self.vq.start(codes)
        for index, (partner, own) in enumerate(seen.features):
            features = vq.level(index, features)
            features = self.cem[index][PERCEPTION](features, own, partner, quality_B)
        x, last = vq.head(features), (features, *reversed(seen.features[-1]))
        return self._exchanged(PERCEPTION, last, x, seen.fidelity, quality_B)

    def _exchanged(
        self, branch: int, last: tuple[Tensor, ...], x: Tensor, other: Tensor, quality_B: Tensor
    ) -> Tensor:
        return self.picture_cem[branch](last, x, other, quality_B) if self.config.pictures else x

    def forward(self, y: Tensor, codes: Tensor, quality_B: Tensor) -> tuple[Tensor, Tensor]:
        """Both anchored pictures."""
        seen = self.references(y, codes, quality_B)
        return self.fidelity(y, seen, quality_B), self.perception(codes, seen, quality_B)
