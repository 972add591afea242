"""VQGAN at stride 16 (Esser et al., https://arxiv.org/abs/2012.09841) as its authors publish it.

    x ── encoder ─► 1x1 ─► nearest of 1024 or 16384 codes ─► token ─ 10 or 14 bits
    x̂ ◄── decoder ◄── 1x1 ◄── code

Parameter names are those of taming-transformers. Normalisation and attention look at the whole map,
so a picture that is large enough to be cut into tiles comes out slightly different.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.codecs.vq.tokens import pack, token_check, unpack
from mode_core.codecs.vq.vqgan import WIDTHS, Codes, Norm, Refining, VqganDecoder, middle
from mode_core.layers.blocks import Stage

_PLACES_AT_ONCE = 2048


@dataclass(frozen=True, slots=True)
class VqPublicConfig:
    """The size of one public VQGAN."""

    codes: int = 1024
    depth: int = 256
    widths: tuple[int, ...] = WIDTHS
    """Channels of the levels at strides 1, 2, 4, 8 and 16."""

    @property
    def bits(self) -> int:
        """Bits of one token."""
        return (self.codes - 1).bit_length()

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Stride, channels and blocks of the levels whose features MoDE changes, finest first."""
        return tuple((1 << level, width, 3) for level, width in enumerate(self.widths) if level)


class Downsample(nn.Module):
    """Half the size by a 3x3 convolution that looks right and down only."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """The smaller map."""
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Narrowing(Refining):
    """Two residual blocks, then the step to the next coarser stride, if there is one."""

    def __init__(self, inputs: int, width: int, coarsest: bool) -> None:
        super().__init__(inputs, width, 2, coarsest)
        self.downsample = nn.Identity() if coarsest else Downsample(width)

    def forward(self, x: Tensor) -> Tensor:
        """The map at the next coarser stride."""
        return self.downsample(self.refine(x))


class VqganEncoder(nn.Module):
    """Pixels in [-1, 1] to features at stride 16."""

    def __init__(self, depth: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        first, last = widths[0], widths[-1]
        self.conv_in = nn.Conv2d(3, first, 3, padding=1)
        inputs = (first, *widths[:-1])
        self.down = nn.ModuleList(
            Narrowing(inputs[level], width, level == len(widths) - 1)
            for level, width in enumerate(widths)
        )
        self.mid = middle(last)
        self.norm_out = Norm(last)
        self.conv_out = nn.Conv2d(last, depth, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """The features."""
        x = self.conv_in(x)
        for block in (*self.down, *self.mid.values()):
            x = block(x)
        return self.conv_out(F.silu(self.norm_out(x)))


class NearestCodes(Codes):
    """The codebook; codes and vectors are compared without normalising them."""

    @property
    def vectors(self) -> Tensor:
        """The codes, one in a row."""
        return self.embedding.weight

    def nearest(self, z_BCHW: Tensor) -> Tensor:
        """The token at every place."""
        batch, depth, height, width = z_BCHW.shape
        places = z_BCHW.permute(0, 2, 3, 1).reshape(-1, depth)
        sizes = self.vectors.square().sum(1)
        # |z|^2, equal for all codes of a place, is left out; done in portions, to save memory
        tokens = [
            torch.addmm(sizes, part, self.vectors.t(), alpha=-2).argmin(1)
            for part in places.split(_PLACES_AT_ONCE)
        ]
        return torch.cat(tokens).reshape(batch, height, width)

    def look_up(self, tokens_BHW: Tensor) -> Tensor:
        """The code at every place, BCHW."""
        out: Tensor = self.embedding(tokens_BHW)
        return out.permute(0, 3, 1, 2)


class VqPublic(nn.Module):
    """Tokenizer and coder; one quality, all tokens are sent."""

    stride = cell = 16
    codec = "vq"
    qualities = range(1)

    def __init__(self, config: VqPublicConfig) -> None:
        super().__init__()
        self.config = config
        self.reach = 16 * 16
        self.encoder = VqganEncoder(config.depth, config.widths)
        self.quant_conv = nn.Conv2d(config.depth, config.depth, 1)
        self.quantize = NearestCodes(config.codes, config.depth)
        self.post_quant_conv = nn.Conv2d(config.depth, config.depth, 1)
        self.decoder = VqganDecoder(config.depth, config.widths)

    @property
    def codebook(self) -> NearestCodes:
        """The codes."""
        return self.quantize

    @property
    def synthesis(self) -> VqganDecoder:
        """What draws, in levels."""
        return self.decoder

    # ── transforms: float, any device ──────────────────────────────────────────────────────────

    def encode(self, x_BCHW: Tensor) -> Tensor:
        """Vectors before quantisation."""
        return self.quant_conv(self.encoder(2 * x_BCHW - 1))

    def analyse(self, x_BCHW: Tensor) -> Tensor:
        """The tokens of a picture."""
        return self.codebook.nearest(self.encode(x_BCHW))

    def start(self, codes_BCHW: Tensor) -> Tensor:
        """What the first level takes."""
        return self.post_quant_conv(codes_BCHW)

    def level(self, index: int, features: Tensor) -> Tensor:
        """One level of the decoder; MoDE changes its features before the next."""
        return self.decoder.level(index, features)

    def head(self, features: Tensor) -> Tensor:
        """The picture from the last level's features."""
        return (self.decoder.head(features) + 1) / 2

    def synthesise(self, codes_BCHW: Tensor) -> Tensor:
        """The picture of a map of codes, not clamped."""
        out: Tensor = self.decoder(self.start(codes_BCHW))
        return (out + 1) / 2

    # ── coding ─────────────────────────────────────────────────────────────────────────────────

    def freeze(self) -> None:
        """Nothing to round: nothing decides a probability."""

    def write(self, tokens_1HW: Tensor, _quality: int) -> tuple[bytes, int]:
        """The tokens at a fixed length, and their check."""
        tokens = tokens_1HW.cpu().numpy().astype(np.uint16)
        return pack(tokens, self.config.bits), token_check(tokens)

    def read(self, payload: bytes, _quality: int, grid: tuple[int, int]) -> tuple[Tensor, int]:
        """The tokens and their check."""
        tokens = unpack(payload, self.config.bits, grid[0] * grid[1], self.config.codes)
        return torch.from_numpy(tokens.astype(np.int64)).reshape(1, *grid), token_check(tokens)

    def expected_codes(self, known_1HW: Tensor) -> Tensor:
        """The code of each token: all are known."""
        return self.codebook.look_up(known_1HW)
