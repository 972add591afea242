"""What each learned codec codes and draws: its network's walk, without files around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from mode_core.bitstream import Stream
from mode_core.codecs.placed import Placed
from mode_core.entropy import DRIFT
from mode_core.errors import BitstreamError, DecoderDrift
from mode_core.nets.between import REACH, between
from mode_core.nets.dlf import Dlf
from mode_core.nets.dlf import Features as DlfFeatures
from mode_core.nets.dlf import Latents as DlfLatents
from mode_core.nets.elic import ANCHORS
from mode_core.nets.elic import STEPS_PER_ANCHOR as ELIC_STEPS
from mode_core.nets.mode import FEWEST, Mode, shares_beside
from mode_core.nets.vq import Vq
from mode_core.tensors import by_tiles, grid_of
from mode_core.types import SQ_EXPERT, VQ_EXPERT, Anchor


class System(Protocol):
    """What differs between learned codecs. `read` and `write` are exact, `draw` may be float."""

    stride: int
    qualities: range

    def analyse(self, x: Tensor) -> Any:
        """What is coded, once for all qualities."""
        ...

    def write(self, analysed: Any, quality: int) -> tuple[Stream, ...]:
        """The streams at one quality."""
        ...

    def read(self, streams: Sequence[Stream], quality: int, size: tuple[int, int]) -> Any:
        """What the streams decode to; None for a lost one that another can stand in for."""
        ...

    def draw(self, latents: Any, quality: int, anchor: Anchor | None) -> Tensor:
        """The padded picture."""
        ...


class SingleStream:
    """ELIC and MS-ILLM: one latent, one stream, one picture."""

    def __init__(self, net: Any) -> None:
        self.placed, self.net = Placed(net), net
        self.stride, self.qualities = net.stride, net.qualities

    def analyse(self, x: Tensor) -> Tensor:
        """The latent, on the CPU."""
        net = self.placed.drawing
        y = by_tiles(net.analyse, (x.to(self.placed.device),), net.reach, 1, net.cell)
        return y.float().cpu()

    def write(self, analysed: Tensor, quality: int) -> tuple[Stream, ...]:
        """One stream."""
        return (Stream(*self.net.write(analysed, quality)),)

    def read(self, streams: Sequence[Stream], quality: int, size: tuple[int, int]) -> Tensor:
        """The decoded latent."""
        grid = grid_of(*size, self.stride, self.net.cell)
        return read_stream(self.net.read, streams[0], quality, grid)

    def draw(self, latents: Tensor, quality: int, anchor: Anchor | None) -> Tensor:
        """The picture."""
        net, y = self.placed.drawing, latents.float().to(self.placed.device)
        at = self.placed.quality_at(quality / net.steps_per_anchor)
        return by_tiles(lambda y: net.synthesise(y, at), (y,), net.reach, net.cell)


class VqSystem:
    """Tokens, whole or in part."""

    def __init__(self, net: Vq) -> None:
        self.placed, self.net = Placed(net), net
        self.stride, self.qualities = net.stride, net.qualities

    def analyse(self, x: Tensor) -> Tensor:
        """The tokens."""
        net = self.placed.drawing
        z = by_tiles(net.encode, (x.to(self.placed.device),), net.reach, 1, net.cell)
        return self.net.codebook.nearest(z.cpu())

    def write(self, analysed: Tensor, quality: int) -> tuple[Stream, ...]:
        """One stream of the tokens that are sent."""
        return (Stream(*self.net.write(analysed, quality)),)

    def read(self, streams: Sequence[Stream], quality: int, size: tuple[int, int]) -> Tensor:
        """The codes at every place, expected ones where no token was sent."""
        grid = grid_of(*size, self.stride, self.net.cell)
        return self.net.expected_codes(read_stream(self.net.read, streams[0], quality, grid))

    def draw(self, latents: Tensor, quality: int, anchor: Anchor | None) -> Tensor:
        """The picture."""
        net, codes = self.placed.drawing, latents.to(self.placed.device)
        return by_tiles(net.synthesise, (codes,), net.reach, net.cell)


class ModeSystem:
    """Two streams, two experts, and pictures anywhere between fidelity and perception.

    The lowest qualities send few tokens beside the coarsest latent, up to half of them; above, the
    latent grows finer, and the other half of the tokens comes little by little.
    """

    def __init__(self, net: Mode) -> None:
        self.placed = Placed(net)
        self.sq, self.vq = SingleStream(net.elic), VqSystem(net.vq)
        self.stride = net.stride
        self.vq.stride = net.stride
        self.qualities = range(256)

    def split(self, quality: int) -> tuple[int, int]:
        """The token share and the latent's quality."""
        finest, steps = (ANCHORS - 1) * ELIC_STEPS, self.qualities[-1] - FEWEST + 1
        fineness = max(0, quality - FEWEST + 1) * finest // steps
        return min(quality, shares_beside(fineness / finest) - 1), fineness

    def analyse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens and latent."""
        return self.vq.analyse(x), self.sq.analyse(x)

    def write(self, analysed: tuple[Tensor, Tensor], quality: int) -> tuple[Stream, ...]:
        """The token stream, then the latent's."""
        share, fineness = self.split(quality)
        return self.vq.write(analysed[0], share) + self.sq.write(analysed[1], fineness)

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
        net, device = self.placed.drawing, self.placed.device
        at = self.placed.quality_at(fineness / ELIC_STEPS)

        def blended(y: Tensor, codes: Tensor) -> Tensor:
            seen = net.references(y, codes, at)
            # an anchor is its own picture to the bit, and the other one is not even drawn
            if blend == 0:
                return net.fidelity(y, seen, at)
            perception = net.perception(codes, seen, at)
            if blend == 1:
                return perception
            return between(net.fidelity(y, seen, at), perception, blend)

        maps = y.float().to(device), codes.to(device)
        return by_tiles(blended, maps, net.reach + REACH, net.elic.cell)


class DlfSystem:
    """Semantic tokens of 256-pixel windows, and detail that may be absent."""

    def __init__(self, net: Dlf) -> None:
        # a decoder of the published size, which is loaded without the encoder, may be in half
        # precision; an encoder decides integers
        draws_only = net.config.as_published and not hasattr(net.hybrid_codec, "encoder")
        self.placed = Placed(net, torch.float16 if draws_only else torch.float32)
        self.net = net
        self.stride, self.qualities = net.stride, net.qualities

    def analyse(self, x: Tensor) -> DlfFeatures:
        """Tokens and detail features, on the CPU."""
        made = self.placed.drawing.analyse(x.to(self.placed.device))
        return DlfFeatures(made.tokens.cpu(), made.detail.float().cpu())

    def write(self, analysed: DlfFeatures, quality: int) -> tuple[Stream, ...]:
        """Tokens, then detail."""
        return tuple(Stream(*made) for made in self.net.write(analysed, quality))

    def read(self, streams: Sequence[Stream], quality: int, size: tuple[int, int]) -> DlfLatents:
        """Both, or the tokens alone."""
        padded = grid_of(*size, self.stride, 1)
        payloads = [stream.payload for stream in streams]
        latents, checks = self.net.read(payloads, quality, padded)
        for stream, check in zip(streams, checks, strict=True):
            if stream.payload:
                _refuse_drift(check, stream.check)
        return latents

    def draw(self, latents: DlfLatents, quality: int, anchor: Anchor | None) -> Tensor:
        """The picture."""
        at = self.placed.quality_at(self.net.place(quality))
        picture: Tensor = self.placed.drawing.synthesise(latents, at)
        return picture


def read_stream(reader: Callable[..., tuple[Tensor, int]], stream: Stream, *where: Any) -> Tensor:
    """What a stream decodes to, checked against what was written."""
    if not stream.payload:
        raise BitstreamError("the stream that this picture needs is missing from the file")
    latent, check = reader(stream.payload, *where)
    _refuse_drift(check, stream.check)
    return latent


def _refuse_drift(read: int, written: int) -> None:
    if read != written:
        raise DecoderDrift(DRIFT)


SYSTEMS: dict[str, Any] = {
    "elic": SingleStream,
    "ms-illm": SingleStream,
    "vq": VqSystem,
    "mode": ModeSystem,
    "dlf": DlfSystem,
}
