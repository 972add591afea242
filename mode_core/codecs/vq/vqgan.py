"""The blocks and the decoder of taming-transformers' VQGAN, under its public names."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTHS = (128, 128, 256, 256, 512)
"""Channels of the levels at strides 1, 2, 4, 8 and 16."""


class Codes(nn.Module):
    """A codebook as the public files name it."""

    def __init__(self, entries: int, depth: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(entries, depth)
        self.embedding.weight.data = F.normalize(self.embedding.weight.data, dim=1)


class Norm(nn.GroupNorm):
    """Zero mean and unit variance of 32 groups over the whole map, then scale and shift."""

    def __init__(self, channels: int) -> None:
        super().__init__(32, channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """The normalised map."""
        last = x.is_contiguous(memory_format=torch.channels_last)
        if x.device.type != "cpu" or not last:
            return super().forward(x)
        # where channels lie last, torch's float32 sums over 1024x1536 places are 3e-3 off
        return super().forward(x.contiguous()).contiguous(memory_format=torch.channels_last)


class ResBlock(nn.Module):
    """x + 3x3(swish(norm(3x3(swish(norm(x)))))); a 1x1 on the skip where the width changes."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = Norm(inputs), Norm(outputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.nin_shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """The refined map."""
        inner = self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))
        return self.nin_shortcut(x) + inner


class GlobalAttention(nn.Module):
    """Single-head attention over the whole map, however large the picture."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = Norm(channels)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(channels, channels, 1) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        """The refined map."""
        normed = self.norm(x)
        q, k, v = (
            layer(normed).flatten(2).transpose(1, 2)[:, None] for layer in (self.q, self.k, self.v)
        )
        gathered = F.scaled_dot_product_attention(q, k, v)[:, 0]
        return x + self.proj_out(gathered.transpose(1, 2).reshape(x.shape))


class Upsample(nn.Module):
    """Twice the size by repetition, then a 3x3 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """The larger map."""
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Refining(nn.Module):
    """Residual blocks at one stride, each followed by attention at the coarsest."""

    def __init__(self, inputs: int, width: int, count: int, attends: bool) -> None:
        super().__init__()
        widths = [inputs, *[width] * count]
        self.block = nn.ModuleList(ResBlock(*pair) for pair in pairwise(widths))
        self.attn = nn.ModuleList(GlobalAttention(width) for _ in range(count if attends else 0))

    def refine(self, x: Tensor) -> Tensor:
        """The map at its own stride."""
        for index, block in enumerate(self.block):
            x = block(x)
            if len(self.attn):
                x = self.attn[index](x)
        return x


class Level(Refining):
    """Three residual blocks, then the step to the next finer stride, if there is one."""

    def __init__(self, inputs: int, width: int, attends: bool, widens: bool) -> None:
        super().__init__(inputs, width, 3, attends)
        self.upsample = Upsample(width) if widens else nn.Identity()


def middle(channels: int) -> nn.ModuleDict:
    """Block, attention, block: what lies at the coarsest stride."""
    return nn.ModuleDict(
        {
            "block_1": ResBlock(channels, channels),
            "attn_1": GlobalAttention(channels),
            "block_2": ResBlock(channels, channels),
        }
    )


class VqganDecoder(nn.Module):
    """Latents at stride 16 to pixels in [-1, 1]."""

    def __init__(self, depth: int, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        top, last = len(widths) - 1, widths[0]
        self.conv_in = nn.Conv2d(depth, widths[top], 3, padding=1)
        self.mid = middle(widths[top])
        inputs = (*widths[1:], widths[top])
        self.up = nn.ModuleList(
            Level(inputs[level], width, level == top, level > 0)
            for level, width in enumerate(widths)
        )
        self.norm_out = Norm(last)
        self.conv_out = nn.Conv2d(last, 3, 3, padding=1)

    @property
    def widths(self) -> list[int]:
        """Channels after each level, coarsest first; the finest is part of the head."""
        blocks: list[Any] = [level.block[0] for level in self._levels()]
        return [block.conv2.out_channels for block in blocks][:0:-1]

    def _levels(self) -> list[Level]:
        return list(self.up)  # type: ignore[arg-type]

    def level(self, index: int, x: Tensor) -> Tensor:
        """One level: up to its stride, then its blocks; the first takes the latent."""
        levels, at = self._levels(), len(self.up) - 1 - index
        if index == 0:
            x = self.conv_in(x)
            for block in self.mid.values():
                x = block(x)
        else:
            x = levels[at + 1].upsample(x)
        return levels[at].refine(x)

    def head(self, x: Tensor) -> Tensor:
        """The picture from the last level's features."""
        last, before, *_ = self._levels()
        x = last.refine(before.upsample(x))
        return self.conv_out(F.silu(self.norm_out(x)))

    def forward(self, latent: Tensor) -> Tensor:
        """The picture."""
        for index in range(len(self.up) - 1):
            latent = self.level(index, latent)
        return self.head(latent)
