"""DLF's semantic tokens: the codebook, and numbers of fixed length in a stream."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.bitstream import symbol_check
from mode_core.errors import BitstreamError
from mode_core.nets.vq import Codebook

Tokens = npt.NDArray[np.uint16]


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


def pack(tokens: Tokens, bits: int) -> bytes:
    """Tokens at a fixed length, highest bit first."""
    places = np.arange(bits - 1, -1, -1, dtype=np.uint16)
    return np.packbits((tokens.reshape(-1, 1) >> places) & 1).tobytes()


def unpack(payload: bytes, bits: int, count: int, codes: int) -> Tokens:
    """The tokens again; BitstreamError unless there are `count` of them, all below `codes`."""
    wanted = -(-count * bits // 8)
    if len(payload) != wanted:
        what = f"has {len(payload)} bytes, not {wanted}" if payload else "is lost"
        raise BitstreamError(f"the token stream {what}; without it nothing can be decoded")
    digits = np.unpackbits(np.frombuffer(payload, np.uint8), count=count * bits)
    places = 1 << np.arange(bits - 1, -1, -1)
    tokens = (digits.reshape(count, bits) @ places).astype(np.uint16)
    if tokens.max() >= codes:
        raise BitstreamError("the token stream is damaged: it holds impossible tokens")
    return tokens


def token_check(tokens: Tokens) -> int:
    """The symbol check of tokens."""
    return symbol_check(tokens.astype("<u2").tobytes())
