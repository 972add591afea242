"""DLF (Xue et al., ICCV 2025, https://github.com/dlfcodec/Dual-generative-Latent-Fusion).

    x ─┬─ transformer ─► 32 vectors per window ─► tokens ─ 10 bits each ──► transformer ─┐
       │      ▲ ▼                                                               ▲ ▼      ├─► logits
       └─ feature map ──► latent at stride 32 ─► quadtree prior ─ rANS ─► feature map ───┘     │
                              x̂ ◄── picture decoder ◄── softmax @ codebook of a VQGAN ◄────────┘

`DlfConfig.public()` is the published model under its published names, quirks included. Deviations
of our own widths:
 - one set of weights for all rates: gains and prior vector are learned at a few qualities, and the
   lowest quality sends no detail at all: the decoder then sees the means of the prior;
 - patches are seen through the Vq expert's analysis and the picture decoder is its synthesis; the
   training starts from both, and from logits that already respect the geometry of its codes;
 - relative bias tables in all window blocks; heads of 32; fewer tokens in the codebook.
At every width the detail prior runs in exact arithmetic (`detail.py`) and the project's own
coder tables are used, so files differ from the authors' in their bytes, not in their symbols.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.codecs.dlf.config import DlfConfig
from mode_core.codecs.dlf.decoders import ExpertDecoder, Vqgan
from mode_core.codecs.dlf.transforms import Fusion, HybridCodec, TokenBook
from mode_core.codecs.vq.net import Vq
from mode_core.codecs.vq.tokens import pack, token_check, unpack
from mode_core.layers.blocks import Analysis, finely
from mode_core.stream.entropy import SymbolReader, SymbolWriter

STEPS_BETWEEN = 28
SURE_AT_START = 8.0
"""How many nats of logit the inner product of a unit vector and a code is worth at first."""
_DETAIL_STRIDE = 32


@dataclass(frozen=True, slots=True)
class Features:
    """What the encoder knows of one picture, the same for all qualities.

    Tokens are (windows, 1, length), detail (1, C, H, W) at stride 32.
    """

    tokens: Tensor
    detail: Tensor


@dataclass(frozen=True, slots=True)
class Latents:
    """What a file decodes to; no detail where its stream is lost or was never sent."""

    tokens: Tensor
    detail: Tensor | None
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Prediction:
    """One training batch up to the input of the picture decoder."""

    latent: Tensor
    """Mixture of the picture decoder's codes."""
    logits: Tensor
    bits: Tensor
    """Tokens and detail, over the padded picture."""
    commitment: Tensor
    z: Tensor
    """Unit vectors before quantisation: what `codebook.revive` takes."""
    tokens: Tensor


class Dlf(nn.Module):
    """The network with its coder.

    A place is a quality counted in trained qualities, as networks see it: 0 is the first of them,
    and below it no detail is sent.
    """

    stride = 256
    codec = "dlf"

    def __init__(self, config: DlfConfig) -> None:
        super().__init__()
        self.config = config
        steps = (config.anchors - 1) * STEPS_BETWEEN
        self.qualities = range(steps + 2 if steps else 1)
        self.hybrid_codec = HybridCodec(config)
        self.prior_fusion = Fusion(config)
        self.vqgan: ExpertDecoder | Vqgan = (
            ExpertDecoder(config.entries, config.entry_depth, config.stages)
            if config.stages
            else Vqgan(config.entries, config.entry_depth)
        )

    @property
    def codebook(self) -> TokenBook:
        """The codes of the tokens."""
        return self.hybrid_codec.quantize

    def place(self, quality: int) -> float:
        """The place of a quality."""
        return (quality - 1) / STEPS_BETWEEN if len(self.qualities) > 1 else 0.0

    @torch.no_grad()
    def start_from(self, vq: Vq) -> None:
        """Take over codebook and transforms of a trained Vq expert."""
        config, patches = self.config, self.hybrid_codec.encoder.patch_embed
        own, theirs = (config.entries, config.entry_depth, config.stages), vq.config
        if (
            not isinstance(self.vqgan, ExpertDecoder)
            or not isinstance(patches, Analysis)
            or own != (theirs.codes, theirs.depth, theirs.stages)
        ):
            raise ValueError("the Vq expert has another size than this picture decoder")
        self.vqgan.codebook.copy_(vq.codebook.vectors)
        self.vqgan.synthesis.load_state_dict(vq.synthesis.state_dict())
        patches.lifts.load_state_dict(vq.analysis.lifts.state_dict())
        patches.bodies.load_state_dict(vq.analysis.bodies.state_dict())
        head: Any = self.prior_fusion.ffn[-1]
        directions = torch.randn(config.entry_depth, config.inner) / config.inner**0.5
        head.weight.copy_(SURE_AT_START * vq.codebook.vectors @ directions)
        head.bias.zero_()

    # ── transforms: float, any device ──────────────────────────────────────────────────────────

    def analyse(self, x_BCHW: Tensor) -> Features:
        """Tokens and detail features of a picture in [0, 1]."""
        z, h = self._encode(x_BCHW)
        return Features(self.codebook.nearest(z), self.hybrid_codec.quantize_feat.analyse(h))

    def synthesise(self, latents: Latents, quality_B: Tensor) -> Tensor:
        """The (padded) picture; quality in places."""
        home = self.hybrid_codec.latent_tokens
        detail = latents.detail
        if detail is None:
            # as in training without detail, whatever the quality was
            quality_B = torch.full_like(quality_B, -1.0)
            with finely(quality_B):
                detail = self.hybrid_codec.quantize_feat.walk(None, 0.0, _grid(latents.size), None)
        codes = self.codebook.look_up(latents.tokens.to(home.device))
        logits = self._logits(codes.to(home), detail.to(home), quality_B.to(home))
        return self.vqgan(self.mixture(logits))

    def mixture(self, logits_BCHW: Tensor) -> Tensor:
        """The picture decoder's input: no code is chosen, all are mixed."""
        share = logits_BCHW.softmax(1)
        return torch.einsum("bkhw,kc->bchw", share, self.vqgan.codebook.to(share))

    def _encode(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        x_BCHW = _padded(x_BCHW).to(self.hybrid_codec.latent_tokens.dtype)
        z, h = self.hybrid_codec.encoder(x_BCHW, self.hybrid_codec.latent_tokens)
        return F.normalize(z.float(), dim=1), h

    def _logits(self, codes: Tensor, y_hat: Tensor, place_B: Tensor) -> Tensor:
        detail = self.hybrid_codec.quantize_feat.synthesise(y_hat, place_B)
        return self.prior_fusion(*self.hybrid_codec.decoder(codes, detail))

    # ── training: float32, differentiable ──────────────────────────────────────────────────────

    def predict(self, x_BCHW: Tensor, quality_B: Tensor, unquantised: bool = False) -> Prediction:
        """Everything but the picture; in training mode the codebook follows along.

        Unquantised, the vectors skip the codebook, which only makes sense once they carry
        information.
        """
        z, h = self._encode(x_BCHW)
        tokens = self.codebook.nearest(z)
        codes = z if unquantised else self.codebook.look_up(tokens)
        if self.training and not unquantised:
            self.codebook.follow(z, tokens)
        y_hat, bits_B = self._quantise(h, quality_B)
        logits = self._logits(z + (codes - z).detach(), y_hat, quality_B).float()
        bits_B = bits_B + self.config.bits * tokens.numel() / len(x_BCHW)
        commitment = F.mse_loss(z, codes) * self.config.depth
        return Prediction(self.mixture(logits), logits, bits_B, commitment, z, tokens)

    def training_step(self, x_BCHW: Tensor, quality_B: Tensor) -> tuple[Tensor, Prediction]:
        """The decoded batch and what led to it; quality in places, negative ones send no detail."""
        prediction = self.predict(x_BCHW, quality_B)
        height, width = x_BCHW.shape[2:]
        picture = self.vqgan(prediction.latent)[..., :height, :width]
        return picture, prediction

    def _quantise(self, h: Tensor, quality_B: Tensor) -> tuple[Tensor, Tensor]:
        detail = self.hybrid_codec.quantize_feat
        with torch.autocast(h.device.type, enabled=False):
            y = detail.latent(detail.analyse(h.float()), quality_B)
            return detail.quantise(y, quality_B, quality_B >= 0)

    # ── coding: exact ──────────────────────────────────────────────────────────────────────────

    def freeze(self) -> None:
        """Nothing to round: all that decides a probability is rounded when it is used."""

    def write(self, features: Features, quality: int) -> list[tuple[bytes, int]]:
        """The streams of tokens and detail, each with its symbol check; no detail is no bytes."""
        tokens = features.tokens.cpu().numpy().astype(np.uint16)
        streams = [(pack(tokens, self.config.bits), token_check(tokens))]
        place = self.place(quality)
        if place < 0:
            return [*streams, (b"", 0)]
        inner, detail = features.detail, self.hybrid_codec.quantize_feat
        y = detail.latent(inner, torch.full((1,), place, dtype=inner.dtype, device=inner.device))
        writer = SymbolWriter()
        detail.walk(writer, place, (y.shape[2], y.shape[3]), y)
        return [*streams, (writer.payload(), writer.check)]

    def read(
        self, payloads: list[bytes], quality: int, size: tuple[int, int]
    ) -> tuple[Latents, list[int]]:
        """Latents and checks; size is that of the padded picture. Detail may be lost (no bytes)."""
        semantic, detail = payloads
        windows = size[0] // self.stride * (size[1] // self.stride)
        count, bits = windows * self.config.tokens, self.config.bits
        tokens = unpack(semantic, bits, count, self.config.codes)
        found = torch.from_numpy(tokens.astype(np.int64)).reshape(windows, 1, -1)
        place, grid = self.place(quality), _grid(size)
        if place < 0 or not detail:
            return Latents(found, None, size), [token_check(tokens), 0]
        reader = SymbolReader(detail, grid[0] * grid[1] * self.config.latent)
        y_hat = self.hybrid_codec.quantize_feat.walk(reader, place, grid, None)
        return Latents(found, y_hat, size), [token_check(tokens), reader.check]


def feature_loss(prediction: Prediction, vq: Vq, x_BCHW: Tensor) -> Tensor:
    """How far the mixture is from the Vq expert's codes: squared distance + 0.25 cross-entropy."""
    with torch.no_grad():
        index = vq.analyse(_padded(x_BCHW))
        codes = vq.codebook.look_up(index)
    distance = (prediction.latent - codes).square().sum(1).mean()
    return distance + 0.25 * F.cross_entropy(prediction.logits, index)


def _grid(size: tuple[int, int]) -> tuple[int, int]:
    return size[0] // _DETAIL_STRIDE, size[1] // _DETAIL_STRIDE


def _padded(x_BCHW: Tensor) -> Tensor:
    """Whole windows, the last row and column repeated."""
    bottom, right = (-side % Dlf.stride for side in x_BCHW.shape[2:])
    return F.pad(x_BCHW, (0, right, 0, bottom), mode="replicate") if bottom or right else x_BCHW
