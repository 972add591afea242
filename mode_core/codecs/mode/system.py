"""How MoDE codes and draws: two streams, and pictures at and between two anchors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from mode_core.codecs.elic.net import STEPS_BETWEEN as ELIC_STEPS
from mode_core.codecs.elic.net import TRAINED
from mode_core.codecs.mode.between import REACH, between
from mode_core.codecs.mode.net import FEWEST, Mode, ModeConfig, shares_beside
from mode_core.codecs.system import Networks, SingleStream, Sizes, by_repeating
from mode_core.codecs.tiles import by_tiles
from mode_core.codecs.vq.system import VqSystem
from mode_core.errors import BitstreamError
from mode_core.layers.device import NetOnDevice
from mode_core.stream.container import Stream
from mode_core.types import SQ_EXPERT, VQ_EXPERT, Anchor


@dataclass(frozen=True, slots=True)
class Analysed:
    """Tokens and latent of one picture, and the token streams written so far.

    Many qualities send the same share of the tokens.
    """

    tokens: Tensor
    latent: Tensor
    sent: dict[int, tuple[Stream, ...]] = field(default_factory=dict)


class ModeSystem:
    """Two streams, two experts, and pictures anywhere between fidelity and perception.

    The lowest qualities send few tokens beside the coarsest latent, up to half of them; above, the
    latent grows finer, and the other half of the tokens comes little by little.
    """

    qualities = range(256)

    def __init__(self, net: Mode) -> None:
        self.on_device = NetOnDevice(net)
        self.sq, self.vq = SingleStream(net.elic), VqSystem(net.vq)
        self.stride = net.stride
        self.vq.stride = net.stride

    def split(self, quality: int) -> tuple[int, int]:
        """The token share and the latent's quality."""
        finest, steps = (TRAINED - 1) * ELIC_STEPS, self.qualities[-1] - FEWEST + 1
        fineness = max(0, quality - FEWEST + 1) * finest // steps
        return min(quality, shares_beside(fineness / finest) - 1), fineness

    def analyse(self, x: Tensor) -> Analysed:
        """Tokens and latent."""
        return Analysed(self.vq.analyse(x), self.sq.analyse(x))

    def write(self, analysed: Analysed, quality: int) -> tuple[Stream, ...]:
        """The token stream, then the latent's."""
        share, fineness = self.split(quality)
        if share not in analysed.sent:
            analysed.sent[share] = self.vq.write(analysed.tokens, share)
        return analysed.sent[share] + self.sq.write(analysed.latent, fineness)

    def sizes(self, analysed: Analysed) -> Sizes | None:
        """What both streams would take."""
        vq, sq = self.vq.sizes(analysed.tokens), self.sq.sizes(analysed.latent)
        if vq is None or sq is None or len(self.qualities) == 1:
            return None

        def both(quality: int, near: int | None) -> float:
            share, fineness = self.split(quality)
            return vq(share, None) + sq(fineness, None if near is None else self.split(near)[1])

        return both

    def read(
        self, streams: Sequence[Stream], quality: int, size: tuple[int, int]
    ) -> tuple[Tensor | None, Tensor | None]:
        """Codes and latent; None for the one that is lost."""
        vq, sq = streams
        share, fineness = self.split(quality)
        codes = self.vq.read([vq], share, size) if vq.payload else None
        return codes, self.sq.read([sq], fineness, size) if sq.payload else None

    def draw(
        self,
        latents: tuple[Tensor | None, Tensor | None],
        quality: int,
        anchor: Anchor | None,
    ) -> Tensor:
        """One expert's picture, an anchored one, or one between the anchors."""
        codes, y = latents
        anchor = anchor or Anchor.FIDELITY
        share, fineness = self.split(quality)
        if y is not None and (codes is None or anchor.expert == SQ_EXPERT):
            return self.sq.draw(y, fineness, None)
        if codes is None:
            raise BitstreamError("the file holds no stream: there is nothing to decode")
        if y is None or anchor.expert == VQ_EXPERT:
            return self.vq.draw(codes, share, None)
        return self._blend(y, codes, fineness, anchor.blend)

    def _blend(self, y: Tensor, codes: Tensor, fineness: int, blend: float) -> Tensor:
        net, device = self.on_device.drawing, self.on_device.device
        at = self.on_device.quality_at(fineness / ELIC_STEPS)

        def blended(y: Tensor, codes: Tensor) -> Tensor:
            seen = net.references(y, codes, at)
            # at an anchor the picture is exactly that anchor's, and the other one is not drawn
            if blend == 0:
                return net.fidelity(y, seen, at)
            perception = net.perception(codes, seen, at)
            if blend == 1:
                return perception
            return between(net.fidelity(y, seen, at), perception, blend)

        maps = y.float().to(device), codes.to(device)
        return by_tiles(blended, maps, net.reach + REACH, net.elic.cell)


class FixedRateMode(ModeSystem):
    """MoDE on two experts of one rate each: there is one size."""

    qualities = range(1)

    def split(self, quality: int) -> tuple[int, int]:
        """All tokens, and the latent."""
        return 0, 0


OURS = Networks(Mode, ModeConfig, ModeSystem)
PUBLIC = Networks(Mode, ModeConfig, FixedRateMode, by_repeating(64))
