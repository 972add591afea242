"""DLF's codebook of semantic tokens."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.codecs.vq.net import Codebook


class TokenBook(Codebook):
    """The codebook under its public name; codes count as unit vectors, however they are stored."""

    def __init__(self, codes: int, depth: int) -> None:
        nn.Module.__init__(self)
        self.embedding = nn.Embedding(codes, depth)
        self.embedding.weight.data = F.normalize(self.embedding.weight.data, dim=1)
        self.embedding.requires_grad_(False)
        self.register_buffer("uses", torch.ones(codes), persistent=False)

    @property
    def vectors(self) -> Tensor:  # type: ignore[override]
        """The stored vectors, moved in place while training."""
        return self.embedding.weight

    def nearest(self, z_BCHW: Tensor) -> Tensor:
        """The token at every place."""
        unit = F.normalize(self.embedding.weight, dim=1)
        return torch.einsum("bchw,kc->bhwk", z_BCHW, unit.to(z_BCHW)).argmax(-1)

    def look_up(self, tokens_BHW: Tensor) -> Tensor:
        """The normalised code at every place, BCHW."""
        return F.normalize(self.embedding(tokens_BHW), dim=-1).permute(0, 3, 1, 2)
