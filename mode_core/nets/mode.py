"""MoDE (https://arxiv.org/abs/2605.14391): two frozen experts whose decoders help each other.

    expert stream      u = level(h),  h = ESE(u)                      per expert and level
    modulation stream  m = CEM(level(m), own h, partner's h)          per expert and level

Only the abstract, captions and one equation of the paper were available to us: the two frozen
branches, the shared dual-stream file, ESE and "gated residual cross-expert modulation" are stated
there; the formulas of ESE and CEM, the levels and the losses are inferred and are ours.

With zero gates and zero last layers MoDE-F is the fidelity expert and MoDE-P the perception expert,
exactly. The experts' weights live in their own files; this module's own are ESE and CEM alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.nets.blocks import ChannelNorm, QualityScale, reach_of, start_small
from mode_core.nets.elic import ANCHORS, Elic
from mode_core.nets.vq import Vq


@dataclass(frozen=True, slots=True)
class ModeConfig:
    """The size of ESE and CEM, and which parts an ablation leaves out."""

    hidden: tuple[int, ...] = (96, 64)
    ese: bool = True
    cem: bool = True
    gated: bool = True

    @classmethod
    def public(cls) -> ModeConfig:
        """4.4 million parameters, for a public ELIC and VQGAN: levels at strides 16, 8, 4 and 2."""
        return cls(hidden=(256, 192, 128, 96))


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
        out: Tensor = u + self.last(inner)
        return out


class Cem(nn.Module):
    """Cross-expert modulation: u + gamma * sigmoid(g) * (a * norm(u) + b); starts as the identity.

    g, a and b come from the own features, the own reference and the partner's reference. Without
    gates (an ablation) the features are concatenated and a residual is added as it is.
    """

    def __init__(self, own: int, partner: int, hidden: int, gated: bool) -> None:
        super().__init__()
        self.norm, self.norm_own, self.norm_partner = (
            ChannelNorm(own),
            ChannelNorm(own),
            ChannelNorm(partner),
        )
        self.from_features = nn.Conv2d(own, hidden, 1)
        self.from_own = nn.Conv2d(own, hidden, 1)
        self.from_partner = nn.Conv2d(partner, hidden, 1)
        self.depthwise = nn.Conv2d(3 * hidden, 3 * hidden, 3, padding=1, groups=3 * hidden)
        self.mix = nn.Conv2d(3 * hidden, hidden, 1)
        self.quality = QualityScale(ANCHORS, hidden)
        self.gated = gated
        self.out = nn.Conv2d(hidden, 3 * own if gated else own, 1)
        self.gamma = nn.Parameter(torch.zeros(1, own, 1, 1))

    def forward(self, u: Tensor, own: Tensor, partner: Tensor, quality_B: Tensor) -> Tensor:
        """The modulated features."""
        normed = self.norm(u)
        parts = (
            self.from_features(normed),
            self.from_own(self.norm_own(own)),
            self.from_partner(self.norm_partner(partner)),
        )
        inner = self.quality(
            F.gelu(self.mix(F.gelu(self.depthwise(torch.cat(parts, 1))))), quality_B
        )
        if not self.gated:
            residual: Tensor = self.gamma * self.out(inner)
            return u + residual
        gate, scale, shift = self.out(inner).chunk(3, 1)
        return u + self.gamma * gate.sigmoid() * (scale * normed + shift)


@dataclass(frozen=True, slots=True)
class Pictures:
    """Reconstructions of one batch; the expert stream's are needed in training only."""

    fidelity: Tensor
    perception: Tensor
    expert_fidelity: Tensor | None = None
    expert_perception: Tensor | None = None


class Mode(nn.Module):
    """ESE and CEM over two experts."""

    stride = 64
    codec = "mode"

    def __init__(self, elic: Elic, vq: Vq, config: ModeConfig) -> None:
        super().__init__()
        self.config = config
        # in a tuple, so that the frozen experts are no parameters of this module
        self._experts = (elic.requires_grad_(False).eval(), vq.requires_grad_(False).eval())
        # per level ESE and CEM add one 3x3 window each
        self.reach = max(
            reach_of(elic.config.stages, windows_per_level=2),
            reach_of(vq.config.stages, windows_per_level=2),
        )
        widths = list(zip(elic.synthesis.widths, vq.synthesis.widths, strict=True))
        self.ese = nn.ModuleList(
            nn.ModuleList((Ese(f), Ese(p))) if config.ese else nn.ModuleList() for f, p in widths
        )
        self.cem = nn.ModuleList(
            nn.ModuleList((Cem(f, p, hidden, config.gated), Cem(p, f, hidden, config.gated)))
            for (f, p), hidden in zip(widths, config.hidden, strict=True)
        )

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Mode:
        for expert in self._experts:
            expert._apply(fn, recurse)
        return super()._apply(fn, recurse)

    @property
    def elic(self) -> Elic:
        """The frozen fidelity expert."""
        return self._experts[0]

    @property
    def vq(self) -> Vq:
        """The frozen perception expert."""
        return self._experts[1]

    @staticmethod
    def _pair(levels: nn.ModuleList, index: int) -> tuple[nn.Module, nn.Module]:
        """Both experts' modules of one level."""
        pair: Any = levels[index]
        return pair[0], pair[1]

    def forward(
        self, y: Tensor, codes: Tensor, quality_B: Tensor, with_experts: bool = False
    ) -> Pictures:
        """Both anchored pictures from the decoded latent and codes."""
        elic, vq = self._experts
        start = vq.start(codes)
        f, p = y, start
        mod_f, mod_p = y, start
        for index in range(len(self.cem)):
            f, p = elic.level(index, f, quality_B), vq.level(index, p)
            if self.config.ese:
                f, p = (ese(u) for ese, u in zip(self._pair(self.ese, index), (f, p), strict=True))
            mod_f, mod_p = elic.level(index, mod_f, quality_B), vq.level(index, mod_p)
            if self.config.cem:
                cem_f, cem_p = self._pair(self.cem, index)
                mod_f, mod_p = cem_f(mod_f, f, p, quality_B), cem_p(mod_p, p, f, quality_B)
        pictures = elic.head(mod_f, y), vq.head(mod_p)
        if not with_experts:
            return Pictures(*pictures)
        return Pictures(*pictures, elic.head(f, y), vq.head(p))
