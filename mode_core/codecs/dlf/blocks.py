"""The transformer and convolution blocks of DLF, with the names of the public weights.

Shape letters: B batch, N windows of all pictures, L tokens, C channels, H and W rows and columns.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WINDOW = 16
PLACES = WINDOW**2
_REACH = 2 * WINDOW - 1


@dataclass(frozen=True, slots=True)
class Style:
    """What all attention blocks of one DLF have in common."""

    head: int = 32
    as_published: bool = False
    """Dense bias tables where the public model has them, and masks stored with the weights."""


class ChannelsLast(nn.Module):
    """BCHW to BHWC."""

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """The same values in the other order."""
        return x_BCHW.permute(0, 2, 3, 1)


class ChannelsFirst(nn.Module):
    """BHWC to BCHW."""

    def forward(self, x_BHWC: Tensor) -> Tensor:
        """The same values in the other order."""
        return x_BHWC.permute(0, 3, 1, 2)


def cut(x_BHWC: Tensor) -> Tensor:
    """Windows of 16x16 places as token sequences; by picture, then row, then column."""
    batch, height, width, channels = x_BHWC.shape
    x = x_BHWC.reshape(batch, height // WINDOW, WINDOW, width // WINDOW, WINDOW, channels)
    return x.transpose(2, 3).reshape(-1, PLACES, channels)


def join(x_NLC: Tensor, rows: int, columns: int) -> Tensor:
    """The map BHWC of `rows` x `columns` windows."""
    channels = x_NLC.shape[2]
    x = x_NLC.reshape(-1, rows, columns, WINDOW, WINDOW, channels)
    return x.transpose(2, 3).reshape(-1, rows * WINDOW, columns * WINDOW, channels)


def _heads(qkv: Tensor, head: int) -> Tensor:
    """Query, key and value, each (sequences, heads, tokens, head)."""
    return qkv.reshape(*qkv.shape[:2], 3, -1, head).permute(2, 0, 3, 1, 4)


class Attention(nn.Module):
    """Ordinary multi-head attention of a sequence to itself."""

    def __init__(self, width: int, style: Style) -> None:
        super().__init__()
        self.head = style.head
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def forward(self, x_NLC: Tensor) -> Tensor:
        """What each token gathers."""
        q, k, v = _heads(F.linear(x_NLC, self.in_proj_weight, self.in_proj_bias), self.head)
        gathered = F.scaled_dot_product_attention(q, k, v)
        return self.out_proj(gathered.transpose(1, 2).flatten(2))


class TransformerBlock(nn.Module):
    """Attention, then two linear layers; both on normalised input and added to it."""

    def __init__(self, width: int, style: Style) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = Attention(width, style)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            OrderedDict(
                c_fc=nn.Linear(width, 4 * width), gelu=nn.GELU(), c_proj=nn.Linear(4 * width, width)
            )
        )

    def forward(self, x_NLC: Tensor) -> Tensor:
        """The refined tokens."""
        x_NLC = x_NLC + self.attn(self.ln_1(x_NLC))
        return x_NLC + self.mlp(self.ln_2(x_NLC))


def shift_mask(of_rows: bool, device: torch.device | None = None) -> Tensor:
    """Minus infinity between tokens of a window that only the roll has made neighbours."""
    place = torch.arange(PLACES, device=device)
    late = (place // WINDOW if of_rows else place % WINDOW) >= WINDOW // 2
    apart = late[:, None] != late[None]
    return torch.zeros(PLACES, PLACES, device=device).masked_fill(apart, -torch.inf)


class WindowAttention(nn.Module):
    """Attention within windows, with one bias for all heads; shifted ones straddle windows.

    The public model has a bias for every offset in the first block of a stack and one for every
    pair of places in the others.
    """

    def __init__(self, width: int, index: int, style: Style) -> None:
        super().__init__()
        self.head, self.shift = style.head, WINDOW // 2 if index % 2 else 0
        if self.shift and style.as_published:
            self.register_buffer("upper_lower_mask", shift_mask(of_rows=True))
            self.register_buffer("left_right_mask", shift_mask(of_rows=False))
        side = PLACES if index and style.as_published else _REACH
        self.pos_embedding = nn.Parameter(0.02 * torch.randn(side, side))
        self.to_qkv = nn.Linear(width, 3 * width, bias=False)
        self.to_out = nn.Linear(width, width)

    def forward(self, x_BHWC: Tensor) -> Tensor:
        """What each place gathers."""
        batch, rows, columns = len(x_BHWC), *(n // WINDOW for n in x_BHWC.shape[1:3])
        windows = cut(x_BHWC.roll((-self.shift, -self.shift), (1, 2)))
        q, k, v = _heads(self.to_qkv(windows), self.head)
        bias = self.bias()[None]
        if self.shift:
            bias = (bias + self.masks(rows, columns)).repeat(batch, 1, 1)
        gathered = F.scaled_dot_product_attention(q, k, v, bias[:, None].to(q.dtype))
        out = join(self.to_out(gathered.transpose(1, 2).flatten(2)), rows, columns)
        return out.roll((self.shift, self.shift), (1, 2))

    def bias(self) -> Tensor:
        """What is added to each product of a query (row) and a key (column)."""
        if self.pos_embedding.shape[0] == PLACES:
            return self.pos_embedding
        place = torch.arange(PLACES, device=self.pos_embedding.device)
        row, column = (
            at[None] - at[:, None] + WINDOW - 1 for at in (place // WINDOW, place % WINDOW)
        )
        return self.pos_embedding[row, column]

    def masks(self, rows: int, columns: int) -> Tensor:
        """One mask per window: only the last row and the last column hold both picture edges."""
        masks = torch.zeros(rows, columns, PLACES, PLACES, device=self.pos_embedding.device)
        masks[-1] += self._mask("upper_lower_mask")
        masks[:, -1] += self._mask("left_right_mask")
        return masks.flatten(0, 1)

    def _mask(self, name: str) -> Tensor:
        stored: Tensor | None = getattr(self, name, None)
        if stored is not None:
            return stored
        return shift_mask(name == "upper_lower_mask", self.pos_embedding.device)


class WindowBlock(nn.Module):
    """A Swin block over a map BHWC."""

    def __init__(self, width: int, index: int, style: Style) -> None:
        super().__init__()
        self.norm_attn = nn.LayerNorm(width)
        self.attention_block = WindowAttention(width, index, style)
        self.norm_mlp = nn.LayerNorm(width)
        layers = nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        self.mlp_block = nn.Sequential(OrderedDict(net=nn.Sequential(*layers)))

    def forward(self, x_BHWC: Tensor) -> Tensor:
        """The refined map."""
        x_BHWC = x_BHWC + self.attention_block(self.norm_attn(x_BHWC))
        return x_BHWC + self.mlp_block(self.norm_mlp(x_BHWC))


def window_blocks(width: int, count: int, style: Style) -> list[nn.Module]:
    """A stack over BHWC: every second block is shifted."""
    return [WindowBlock(width, index, style) for index in range(count)]


def window_stack(width: int, count: int, style: Style) -> nn.Sequential:
    """A stack over BCHW; its blocks count from 1 in the names of weights."""
    return nn.Sequential(ChannelsLast(), *window_blocks(width, count, style), ChannelsFirst())


class ConvBlock(nn.Module):
    """x plus a depthwise 5x5 convolution and two linear layers; the scale is on the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layer_scale = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.conv = nn.Conv2d(channels, channels, 5, padding=2, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.mlp = nn.Sequential(
            nn.Linear(channels, 2 * channels), nn.GELU(), nn.Linear(2 * channels, channels)
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """The refined map."""
        branch = self.conv(x_BCHW * self.layer_scale).permute(0, 2, 3, 1)
        return x_BCHW + self.mlp(self.norm(branch)).permute(0, 3, 1, 2)


class Exchange(nn.Module):
    """The interactive transform: tokens and feature map of each window attend to each other."""

    def __init__(self, tokens: int, width: int, channels: int, blocks: int, style: Style) -> None:
        super().__init__()
        self.titok_pos_emb = nn.Parameter(torch.zeros(tokens, 1, width))
        self.feat_pos_emb = nn.Parameter(torch.zeros(PLACES, 1, channels))
        self.titok_compress_proj = nn.Linear(width, channels)
        self.attn = nn.Sequential(*(TransformerBlock(channels, style) for _ in range(blocks)))
        self.titok_decompress_proj = nn.Sequential(
            nn.Linear(channels, 2 * channels), nn.LayerNorm(2 * channels), nn.SiLU()
        )
        self.zero_add = nn.Linear(2 * channels, width)
        self.feat_add = nn.Sequential(nn.LayerNorm(channels), nn.Linear(channels, channels))
        nn.init.zeros_(self.zero_add.weight)
        nn.init.zeros_(self.zero_add.bias)

    def forward(self, f_BCHW: Tensor, t_NLC: Tensor) -> tuple[Tensor, Tensor]:
        """Both, refined by each other."""
        rows, columns = (n // WINDOW for n in f_BCHW.shape[2:])
        windows = cut(f_BCHW.permute(0, 2, 3, 1))
        tokens = self.titok_compress_proj(t_NLC + self.titok_pos_emb.transpose(0, 1))
        both = torch.cat([tokens, windows + self.feat_pos_emb.transpose(0, 1)], 1)
        tokens, gathered = self.attn(both).split([t_NLC.shape[1], PLACES], 1)
        t_NLC = t_NLC + self.zero_add(self.titok_decompress_proj(tokens))
        windows = windows + self.feat_add(gathered)
        return join(windows, rows, columns).permute(0, 3, 1, 2), t_NLC
