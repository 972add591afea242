"""Tokens that were not sent, predicted from those that were and from the enhanced picture.

    sent codes ─► encoder with vectors ─► what the vectors hold, put where no token was sent
    enhanced picture ─► Vq's analysis ─► decoder that looks at it ─► logits of every code

After MAGE (Li et al., https://arxiv.org/abs/2211.09117) as HDCompression uses it. Deviations, all
ours: a place attends to its window and to the vectors instead of all places; what is predicted is
added to what Vq's own prior expects and to where Vq sees the enhanced picture, so an untrained
predictor is no worse than these; the analysis stays as it is; and a place is drawn as the mean of
all codes. Choosing the likeliest code would give another one where machines differ in the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.codecs.hdc.blocks import (
    GatedForward,
    PlaceAttention,
    VectorAttention,
    WindowAttention,
    WindowBlock,
)
from mode_core.codecs.hdc.config import HdcConfig
from mode_core.codecs.tiles import by_tiles
from mode_core.codecs.vq.net import Vq
from mode_core.layers.blocks import Bottleneck, finely, start_small

ROWS_AT_ONCE = 16
"""Logits of a whole large picture would fill the memory."""
PRIOR_AT_START, SIGHT_AT_START = 0.6, 7.0
"""What the prior's logits, and the cosine between a code and what Vq sees, are worth at first.

Of six photographs at 0.02 to 0.05 bits per pixel these were near the best; at 1 and 0, the prior
alone, the likeliest code was the right one half as often.
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What Vq's analysis sees of a picture: features, and the vectors that it would quantise."""

    features: Tensor
    z: Tensor


def look(vq: Vq, x_BCHW: Tensor) -> Seen:
    """The enhanced picture as the tokenizer sees it."""
    features = by_tiles(vq.analysis.refined, (x_BCHW - 0.5,), vq.reach, 1, vq.cell)
    return Seen(features, F.normalize(vq.analysis.out(features).float(), dim=1))


def nothing_known(vq: Vq, grid: tuple[int, int]) -> Tensor:
    """Tokens of which none was sent."""
    return torch.full((1, *grid), vq.config.codes)


class _Encoding(nn.Module):
    """Places and vectors gather from each other."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.places = WindowBlock(width, heads)
        self.from_vectors = VectorAttention(width, width, heads)
        self.from_places = PlaceAttention(width, heads)

    def forward(self, x_BCHW: Tensor, v_BVC: Tensor) -> tuple[Tensor, Tensor]:
        x_BCHW = x_BCHW + self.from_vectors(x_BCHW, v_BVC)
        x_BCHW = self.places(x_BCHW)
        return x_BCHW, v_BVC + self.from_places(v_BVC, x_BCHW)


class _Decoding(nn.Module):
    """Places gather from each other and from the enhanced picture."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.own = WindowAttention(width, heads)
        self.other = WindowAttention(width, heads)
        self.forth = GatedForward(width)

    def forward(self, x_BCHW: Tensor, seen_BCHW: Tensor) -> Tensor:
        x_BCHW = x_BCHW + self.own(x_BCHW, x_BCHW)
        x_BCHW = x_BCHW + self.other(x_BCHW, seen_BCHW)
        return x_BCHW + self.forth(x_BCHW)


class Predictor(nn.Module):
    """What each token that is missing may be."""

    def __init__(self, vq: Vq, config: HdcConfig) -> None:
        super().__init__()
        width, heads, codes = config.width, config.heads, vq.config.codes
        self.tokens = nn.Conv2d(vq.config.depth, width, 1)
        self.missing = nn.Parameter(0.5 * torch.randn(1, width, 1, 1))
        self.slots = nn.Parameter(0.5 * torch.randn(1, config.vectors, width))
        self.vectors = nn.Linear(config.depth, width, bias=False)
        self.encoder = nn.ModuleList(_Encoding(width, heads) for _ in range(config.encoder_blocks))
        self.held = nn.Linear(config.vectors * width, width)
        self.eyes = nn.Sequential(
            nn.Conv2d(vq.analysis.out.in_channels, width, 1), Bottleneck(width)
        )
        self.decoder = nn.ModuleList(_Decoding(width, heads) for _ in range(config.decoder_blocks))
        self.out = nn.Conv2d(width, codes, 1)
        start_small(self.out, 0)
        self.prior_share = nn.Parameter(torch.tensor(PRIOR_AT_START))
        self.sight_share = nn.Parameter(torch.tensor(SIGHT_AT_START))

    def inner(self, vq: Vq, known_BHW: Tensor, seen: Seen, v_BVD: Tensor) -> Tensor:
        """The decoded map; a token equal to the number of codes was not sent."""
        missing = (known_BHW == vq.config.codes)[:, None]
        codes = vq.codebook.look_up(known_BHW.clamp(max=vq.config.codes - 1)) * vq.config.depth**0.5
        x = torch.where(missing, self.missing, self.tokens(codes))
        v = self.slots + self.vectors(v_BVD)
        for block in self.encoder:
            x, v = block(x, v)
        x = torch.where(missing, self.held(v.flatten(1))[:, :, None, None], x)
        looked = self.eyes(seen.features)
        for block in self.decoder:
            x = block(x, looked)
        return x

    def logits(self, vq: Vq, inner: Tensor, expected: Tensor, z: Tensor) -> Tensor:
        """Logits BKHW of some places: of the decoded map, the prior's features and Vq's sight."""
        with finely(inner):
            sight = torch.einsum("bchw,kc->bkhw", z, vq.codebook.vectors)
            prior = vq.prior.out(expected.float())
            own = self.out(inner.float())
            return own + self.prior_share * prior + self.sight_share * sight

    def forward(self, vq: Vq, known_BHW: Tensor, seen: Seen, v_BVD: Tensor) -> Tensor:
        """The code of each token that was sent, elsewhere the mean code that is predicted."""
        inner, prior = self.inner(vq, known_BHW, seen, v_BVD), vq.prior.features(known_BHW)
        bands = zip(*(part.split(ROWS_AT_ONCE, 2) for part in (inner, prior, seen.z)), strict=True)
        shares = (self.logits(vq, *band).softmax(1) for band in bands)
        made = [torch.einsum("bkhw,kc->bchw", share, vq.codebook.vectors) for share in shares]
        codes = vq.codebook.look_up(known_BHW.clamp(max=vq.config.codes - 1))
        return torch.where((known_BHW == vq.config.codes)[:, None], torch.cat(made, 2), codes)
