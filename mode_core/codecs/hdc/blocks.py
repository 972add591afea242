"""The blocks of HDC's networks: attention over channels, vectors and windows, for any picture.

None of them needs more memory than a map has places: channels attend to channels as in Restormer
(Zamir et al., https://arxiv.org/abs/2111.09881), places to a few vectors or to their own window.

Shape letters: B batch, C channels, H and W rows and columns of a map at stride 16 or 32, V vectors
and D their numbers, N windows of all pictures, L places.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.layers.blocks import ChannelNorm

WINDOW = 8
"""Side in places; maps at stride 16 are padded to whole windows."""
_SPREAD = 2.0
"""Places at which a window's attention starts to look away from a place's own neighbourhood."""


def cut(x_BCHW: Tensor) -> Tensor:
    """Windows as sequences NLC; by picture, then row, then column."""
    batch, channels, height, width = x_BCHW.shape
    x = x_BCHW.reshape(batch, channels, height // WINDOW, WINDOW, width // WINDOW, WINDOW)
    return x.permute(0, 2, 4, 3, 5, 1).reshape(-1, WINDOW**2, channels)


def join(x_NLC: Tensor, height: int, width: int) -> Tensor:
    """The map BCHW again."""
    channels = x_NLC.shape[2]
    x = x_NLC.reshape(-1, height // WINDOW, width // WINDOW, WINDOW, WINDOW, channels)
    return x.permute(0, 5, 1, 3, 2, 4).reshape(-1, channels, height, width)


def heads_of(x_NLC: Tensor, heads: int) -> Tensor:
    """The channels in groups: (N, heads, L, channels of one)."""
    return x_NLC.unflatten(2, (heads, -1)).transpose(1, 2)


class ChannelAttention(nn.Module):
    """Every channel gathers from all others, by how alike they are over the whole map."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = ChannelNorm(width)
        self.lift = nn.Conv2d(width, 3 * width, 1, bias=False)
        self.mix = nn.Conv2d(3 * width, 3 * width, 3, padding=1, groups=3 * width, bias=False)
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.out = nn.Conv2d(width, width, 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """What is added to the map."""
        mixed = self.mix(self.lift(self.norm(x_BCHW)))
        q, k, v = mixed.flatten(2).unflatten(1, (3, self.heads, -1)).unbind(1)
        alike = F.normalize(q.float(), dim=-1) @ F.normalize(k.float(), dim=-1).mT
        gathered = (alike * self.temperature).softmax(-1).to(v.dtype) @ v
        return self.out(gathered.reshape(x_BCHW.shape))


class VectorAttention(nn.Module):
    """Every place gathers from a few vectors; vectors that are zero change nothing."""

    def __init__(self, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = ChannelNorm(width)
        self.q = nn.Conv2d(width, width, 1)
        self.kv = nn.Linear(depth, 2 * width, bias=False)
        self.out = nn.Conv2d(width, width, 1, bias=False)

    def forward(self, x_BCHW: Tensor, v_BVD: Tensor) -> Tensor:
        """What is added to the map."""
        q = heads_of(self.q(self.norm(x_BCHW)).flatten(2).mT, self.heads)
        k, v = (heads_of(part, self.heads) for part in self.kv(v_BVD).chunk(2, 2))
        gathered = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        return self.out(gathered.mT.reshape(x_BCHW.shape))


class PlaceAttention(nn.Module):
    """The reverse: every vector gathers from all places."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.norm_own = ChannelNorm(width), nn.LayerNorm(width)
        self.q = nn.Linear(width, width)
        self.kv = nn.Conv2d(width, 2 * width, 1)
        self.out = nn.Linear(width, width)

    def forward(self, v_BVC: Tensor, x_BCHW: Tensor) -> Tensor:
        """What is added to the vectors."""
        q = heads_of(self.q(self.norm_own(v_BVC)), self.heads)
        kv = self.kv(self.norm(x_BCHW)).flatten(2).mT
        k, v = (heads_of(part, self.heads) for part in kv.chunk(2, 2))
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class WindowAttention(nn.Module):
    """Every place gathers from a window of this map or another one; at first from its neighbours.

    Each head has a bias of its own for every offset.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.norm_seen = ChannelNorm(width), ChannelNorm(width)
        self.q = nn.Conv2d(width, width, 1)
        self.kv = nn.Conv2d(width, 2 * width, 1)
        self.out = nn.Conv2d(width, width, 1)
        away = torch.arange(1 - WINDOW, WINDOW).square().float()
        near = -(away[:, None] + away[None]) / (2 * _SPREAD**2)
        self.near = nn.Parameter(near.flatten().expand(heads, -1).clone())

    def forward(self, x_BCHW: Tensor, seen_BCHW: Tensor) -> Tensor:
        """What is added to the map, from what is seen of the other one."""
        q = heads_of(cut(self.q(self.norm(x_BCHW))), self.heads)
        kv = cut(self.kv(self.norm_seen(seen_BCHW)))
        k, v = (heads_of(part, self.heads) for part in kv.chunk(2, 2))
        gathered = F.scaled_dot_product_attention(q, k, v, self._bias()[None].to(q.dtype))
        return self.out(join(gathered.transpose(1, 2).flatten(2), *x_BCHW.shape[2:]))

    def _bias(self) -> Tensor:
        """What is added to each product of a query (row) and a key (column)."""
        place = torch.arange(WINDOW**2, device=self.near.device)
        row, column = (
            at[None] - at[:, None] + WINDOW - 1 for at in (place // WINDOW, place % WINDOW)
        )
        return self.near[:, row * (2 * WINDOW - 1) + column]


class GatedForward(nn.Module):
    """Restormer's feed-forward part: neighbours are mixed, and one half gates the other."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(width)
        self.lift = nn.Conv2d(width, 4 * width, 1)
        self.mix = nn.Conv2d(4 * width, 4 * width, 3, padding=1, groups=4 * width)
        self.out = nn.Conv2d(2 * width, width, 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """What is added to the map."""
        gate, value = self.mix(self.lift(self.norm(x_BCHW))).chunk(2, 1)
        return self.out(F.gelu(gate) * value)


class MapBlock(nn.Module):
    """Restormer's block with vectors between its two parts."""

    def __init__(self, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.channels = ChannelAttention(width, heads)
        self.vectors = VectorAttention(width, depth, heads)
        self.forth = GatedForward(width)

    def forward(self, x_BCHW: Tensor, v_BVD: Tensor) -> Tensor:
        """The refined map."""
        x_BCHW = x_BCHW + self.channels(x_BCHW)
        x_BCHW = x_BCHW + self.vectors(x_BCHW, v_BVD)
        return x_BCHW + self.forth(x_BCHW)


class WindowBlock(nn.Module):
    """Attention within windows, then neighbours across them."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.window = WindowAttention(width, heads)
        self.forth = GatedForward(width)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """The refined map."""
        x_BCHW = x_BCHW + self.window(x_BCHW, x_BCHW)
        return x_BCHW + self.forth(x_BCHW)
