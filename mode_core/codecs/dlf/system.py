"""How DLF codes and draws: tokens of windows, and detail that may be absent."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mode_core.codecs.dlf.config import DlfConfig
from mode_core.codecs.dlf.net import Dlf, Features, Latents
from mode_core.codecs.system import Networks, by_repeating, refuse_drift
from mode_core.codecs.tiles import grid_of
from mode_core.layers.device import NetOnDevice
from mode_core.stream.container import Stream
from mode_core.types import Anchor


class DlfSystem:
    """Semantic tokens of 256-pixel windows, and detail that may be absent."""

    def __init__(self, net: Dlf) -> None:
        # a decoder of the published size, which is loaded without the encoder, may be in half
        # precision; an encoder decides integers
        draws_only = net.config.as_published and not hasattr(net.hybrid_codec, "encoder")
        self.on_device = NetOnDevice(net, torch.float16 if draws_only else torch.float32)
        self.net = net
        self.stride, self.qualities = net.stride, net.qualities

    def analyse(self, x: Tensor) -> Features:
        """Tokens and detail features, on the CPU."""
        made = self.on_device.drawing.analyse(x.to(self.on_device.device))
        return Features(made.tokens.cpu(), made.detail.float().cpu())

    def write(self, analysed: Features, quality: int) -> tuple[Stream, ...]:
        """Tokens, then detail."""
        return tuple(Stream(*made) for made in self.net.write(analysed, quality))

    def sizes(self, analysed: Features) -> None:
        """Coding takes a third of the analysis: there is nothing to save."""

    def read(self, streams: Sequence[Stream], quality: int, size: tuple[int, int]) -> Latents:
        """Both, or the tokens alone."""
        padded = grid_of(*size, self.stride, 1)
        payloads = [stream.payload for stream in streams]
        latents, checks = self.net.read(payloads, quality, padded)
        for stream, check in zip(streams, checks, strict=True):
            if stream.payload:
                refuse_drift(check, stream.check)
        return latents

    def draw(self, latents: Latents, quality: int, anchor: Anchor | None) -> Tensor:
        """The picture."""
        at = self.on_device.quality_at(self.net.place(quality))
        return self.on_device.drawing.synthesise(latents, at)


OURS = Networks(Dlf, DlfConfig, DlfSystem)
PUBLIC = Networks(
    Dlf,
    DlfConfig,
    DlfSystem,
    by_repeating(256),
    writes=("hybrid_codec.encoder",),
    draws=("hybrid_codec.decoder", "prior_fusion", "vqgan"),
)
