"""DLF's encoder and decoder: a transformer and a convolutional branch that exchange features.

Tokens are in the order class, places of the window row by row, latent tokens. Patches, feature map
and VQGAN latents share stride 16, so a window of 16x16 places is 256x256 pixels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.codecs.dlf.blocks import (
    PLACES,
    WINDOW,
    ChannelsFirst,
    ChannelsLast,
    ConvBlock,
    Exchange,
    TransformerBlock,
    cut,
    join,
    window_blocks,
    window_stack,
)
from mode_core.codecs.dlf.config import DlfConfig
from mode_core.codecs.dlf.detail import DetailCodec
from mode_core.codecs.vq.net import Codebook
from mode_core.layers.blocks import Analysis

PATCH = 16


class Trunk(nn.Module):
    """Transformer layers over tokens, with exchanges with the feature map after some of them."""

    def __init__(self, config: DlfConfig) -> None:
        super().__init__()
        width, channels, style = config.width, config.channels, config.style
        length = 1 + PLACES + config.tokens
        self.positional_embedding = _scaled(1 + PLACES, width)
        self.class_embedding = _scaled(1, width)
        self.latent_token_positional_embedding = _scaled(config.tokens, width)
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer = nn.ModuleList(
            TransformerBlock(width, style) for _ in range(config.layers)
        )
        self.inter_blocks = nn.ModuleDict(
            {
                str(layer): Exchange(length, width, channels, config.exchange_blocks, style)
                for layer in config.exchanges
            }
        )
        self.feat_blocks = nn.ModuleDict(
            {
                str(layer): nn.Sequential(
                    window_stack(channels, config.window_blocks, style),
                    *(ConvBlock(channels) for _ in range(config.conv_blocks)),
                )
                for layer in config.exchanges
            }
        )

    def assemble(self, places_NLC: Tensor, latents_NLC: Tensor) -> Tensor:
        """The sequence of one window: class, places, latent tokens."""
        first = self.class_embedding.expand(len(places_NLC), 1, -1).to(places_NLC)
        body = torch.cat([first, places_NLC], 1) + self.positional_embedding
        latents = latents_NLC + self.latent_token_positional_embedding
        return self.ln_pre(torch.cat([body, latents.expand(len(body), -1, -1)], 1))

    def run(self, f_BCHW: Tensor, t_NLC: Tensor) -> tuple[Tensor, Tensor]:
        """Feature map and tokens after all layers."""
        for layer, block in enumerate(self.transformer):
            t_NLC = block(t_NLC)
            if str(layer) in self.inter_blocks:
                f_BCHW, t_NLC = self.inter_blocks[str(layer)](f_BCHW, t_NLC)
                f_BCHW = self.feat_blocks[str(layer)](f_BCHW)
        return f_BCHW, t_NLC


class Encoder(Trunk):
    """A picture to unquantised tokens and detail features."""

    def __init__(self, config: DlfConfig) -> None:
        super().__init__(config)
        width, channels, style = config.width, config.channels, config.style
        self.grey = 0.5 if config.stages else 0.0
        self.patch_embed = (
            Analysis(config.stages, width)
            if config.stages
            else nn.Conv2d(3, width, PATCH, stride=PATCH)
        )
        self.pix_emb_proj = nn.Conv2d(width, channels, 1)
        self.feat_in = window_stack(channels, config.first_blocks, style)
        self.conv_out = nn.Conv2d(width, config.depth, 1)
        self.feat_out = nn.Sequential(
            window_stack(channels, config.last_blocks, style),
            nn.Conv2d(channels, channels, 2, stride=2),
            ChannelsLast(),
            nn.LayerNorm(channels),
            nn.Linear(channels, channels),
            ChannelsFirst(),
        )

    def forward(self, x_BCHW: Tensor, latents_LC: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (windows, depth, 1, tokens) and features at stride 32."""
        patches = self.patch_embed(x_BCHW - self.grey)
        features = self.feat_in(self.pix_emb_proj(patches))
        tokens = self.assemble(cut(patches.permute(0, 2, 3, 1)), latents_LC[None])
        features, tokens = self.run(features, tokens)
        latents = self.ln_post(tokens[:, 1 + PLACES :])
        z = self.conv_out(as_columns(latents)).transpose(2, 3)
        return z, self.feat_out(features)


def as_columns(latents_NLC: Tensor) -> Tensor:
    """Tokens as channels of a map, by the plain reshape that the public weights were trained with.

    It is no transposition: a column holds every L-th number of the whole sequence.
    """
    windows, length, width = latents_NLC.shape
    return latents_NLC.reshape(windows, width, length, 1)


class Decoder(Trunk):
    """Codes and detail features to maps at stride 16, semantic and detailed."""

    def __init__(self, config: DlfConfig) -> None:
        super().__init__(config)
        width, channels = config.width, config.channels
        self.mask_token = nn.Parameter(width**-0.5 * torch.randn(1, 1, width))
        self.decoder_embed = nn.Linear(config.depth, width)
        self.init_feat_up = nn.Sequential(
            nn.Conv2d(channels, 4 * channels, 1),
            nn.PixelShuffle(2),
            window_stack(channels, config.first_blocks, config.style),
        )

    def forward(self, codes_NC1L: Tensor, g_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Both maps, BCHW."""
        features = self.init_feat_up(g_BCHW)
        latents = self.decoder_embed(codes_NC1L.flatten(2).transpose(1, 2))
        places = self.mask_token.expand(len(latents), PLACES, -1)
        features, tokens = self.run(features, self.assemble(places, latents))
        body = self.ln_post(tokens[:, 1 : 1 + PLACES])
        rows, columns = (n // WINDOW for n in features.shape[2:])
        return join(body, rows, columns).permute(0, 3, 1, 2), features


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


class HybridCodec(nn.Module):
    """Both branches with what is coded between encoder and decoder."""

    def __init__(self, config: DlfConfig) -> None:
        super().__init__()
        self.latent_tokens = _scaled(config.tokens, config.width)
        self.encoder, self.decoder = Encoder(config), Decoder(config)
        self.quantize = TokenBook(config.codes, config.depth)
        self.quantize_feat = DetailCodec(config.channels, config.latent, config.anchors)


class Fusion(nn.Module):
    """Both maps to logits over the codes of a VQGAN."""

    def __init__(self, config: DlfConfig) -> None:
        super().__init__()
        width, channels, inner, style = config.width, config.channels, config.inner, config.style

        def stack(channels: int, count: int) -> nn.Sequential:
            return nn.Sequential(*window_blocks(channels, count, style))

        self.titok_in = nn.Sequential(ChannelsLast(), stack(width, config.fusion_blocks))
        self.feat_in = nn.Sequential(ChannelsLast(), stack(channels, config.fusion_blocks))
        self.merge = nn.Sequential(
            nn.Linear(width + channels, inner),
            nn.LayerNorm(inner),
            nn.SiLU(),
            nn.Linear(inner, width),
            stack(width, config.merge_blocks),
        )
        self.ffn = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, inner),
            nn.Tanh(),
            nn.Linear(inner, config.entries),
        )

    def forward(self, semantic_BCHW: Tensor, detail_BCHW: Tensor) -> Tensor:
        """Logits BCHW."""
        both = torch.cat([self.titok_in(semantic_BCHW), self.feat_in(detail_BCHW)], -1)
        out: Tensor = self.ffn(self.merge(both))
        return out.permute(0, 3, 1, 2)


def _scaled(tokens: int, width: int) -> nn.Parameter:
    return nn.Parameter(width**-0.5 * torch.randn(tokens, width))
