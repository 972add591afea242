"""How HDC codes and draws: MoDE's two streams, of which the latent is of half the size."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from mode_core.codecs.elic.net import STEPS_BETWEEN
from mode_core.codecs.hdc.config import HdcConfig
from mode_core.codecs.hdc.enhancer import halved
from mode_core.codecs.hdc.net import Hdc, path
from mode_core.codecs.hdc.predictor import nothing_known
from mode_core.codecs.mode.system import Analysed, ModeSystem
from mode_core.codecs.system import Networks, SingleStream, read_stream
from mode_core.codecs.tiles import grid_of
from mode_core.codecs.vq.system import VqSystem
from mode_core.errors import BitstreamError
from mode_core.layers.device import NetOnDevice
from mode_core.stream.container import Stream
from mode_core.types import Anchor


class HdcSystem(ModeSystem):
    """Writes as MoDE does, along its own path; reads tokens as they were sent, and draws them all.

    Where the tokens are lost, all are predicted; where the latent is, Vq draws what it has.
    """

    def __init__(self, net: Hdc) -> None:
        self.net, self.on_device = net, NetOnDevice(net)
        self.sq, self.vq = SingleStream(net.elic), VqSystem(net.vq)
        self.stride = self.vq.stride = net.stride
        self.qualities = net.qualities

    def split(self, quality: int) -> tuple[int, int]:
        """The token share and the latent's quality."""
        shares, fineness = path(quality)
        return shares - 1, fineness

    def analyse(self, x: Tensor) -> Analysed:
        """Tokens of the picture, and the latent of its half."""
        return Analysed(self.vq.analyse(x), self.sq.analyse(halved(x)))

    def read(
        self, streams: Sequence[Stream], quality: int, size: tuple[int, int]
    ) -> tuple[Tensor | None, Tensor | None]:
        """Known tokens and the latent; None for the one that is lost."""
        vq, sq = streams
        share, fineness = self.split(quality)
        high, wide = grid_of(*size, self.stride, 1)
        tokens = None
        if vq.payload:
            tokens = read_stream(
                self.net.vq.read, vq, share, (high // self.net.vq.cell, wide // self.net.vq.cell)
            )
        elif not sq.payload:
            raise BitstreamError("the file holds no stream: there is nothing to decode")
        half = high // 2, wide // 2
        return tokens, self.sq.read([sq], fineness, half) if sq.payload else None

    def draw(
        self,
        latents: tuple[Tensor | None, Tensor | None],
        quality: int,
        anchor: Anchor | None,
    ) -> Tensor:
        """The picture."""
        tokens, y = latents
        if y is None:
            assert tokens is not None  # one of the two was read
            return self.vq.draw(self.net.vq.expected_codes(tokens), 0, None)
        if tokens is None:
            cell = self.net.elic.cell * 2 // self.net.vq.cell
            tokens = nothing_known(self.net.vq, (y.shape[2] * cell, y.shape[3] * cell))
        device = self.on_device.device
        at = self.on_device.quality_at(self.split(quality)[1] / STEPS_BETWEEN)
        return self.on_device.drawing(y.float().to(device), tokens.to(device), at)


OURS = Networks(Hdc, HdcConfig, HdcSystem)
