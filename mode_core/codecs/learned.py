"""All learned codecs behind one adapter: a network's walk, wrapped in real files.

A `System` tells the adapter what its network codes and draws; everything else (padding, the search
for the size asked for, checks, tiles, device) is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from mode_core.bitstream import Bitstream, Stream
from mode_core.codecs.placed import Placed, fast_type, quick
from mode_core.entropy import DRIFT
from mode_core.errors import BitstreamError, DecoderDrift, UnknownAnchor, WeightsMismatch
from mode_core.nets.dlf import Dlf
from mode_core.nets.dlf import Features as DlfFeatures
from mode_core.nets.dlf import Latents as DlfLatents
from mode_core.nets.elic import ANCHORS
from mode_core.nets.elic import STEPS_PER_ANCHOR as ELIC_STEPS
from mode_core.nets.mode import FEWEST, Mode, shares_beside
from mode_core.nets.vq import Vq
from mode_core.rates import nearest_quality
from mode_core.tensors import by_tiles, grid_of, to_image, to_tensor
from mode_core.types import SQ_EXPERT, VQ_EXPERT, Anchor, Codec, CodecInfo, Image, Target
from mode_core.weights import PUBLIC, TAG_BYTES, find_weights, load_net


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


class LearnedCodec:
    """Real bytes out, and nothing but those bytes in."""

    draws_in = staticmethod(fast_type)
    """The precision of pictures; what is read from files is exact whatever it is."""

    def __init__(self, info: CodecInfo, profile: str, tag: bytes, system: System) -> None:
        self.info, self.profile, self.tag, self.system = info, profile, tag, system

    @torch.inference_mode()
    def encode(self, image: Image, target: Target) -> Bitstream:
        """The file nearest to the target; the transforms run once."""
        system = self.system
        analysed = system.analyse(to_tensor(image, system.stride))
        made: dict[int, Bitstream] = {}

        def size_of(quality: int) -> int:
            made[quality] = self._file(image, quality, system.write(analysed, quality), target)
            return len(made[quality].to_bytes())

        if target.quality is not None:
            size_of(min(max(target.quality, system.qualities[0]), system.qualities[-1]))
            return next(iter(made.values()))
        wanted = (target.bpp or 0) * image.shape[0] * image.shape[1] / 8
        return made[nearest_quality(size_of, system.qualities, wanted)]

    @torch.inference_mode()
    def decode(self, bitstream: Bitstream, anchor: Anchor | None = None) -> Image:
        """The picture at an anchor; with one stream lost, what the other gives."""
        self._refuse_foreign(bitstream, anchor)
        size = bitstream.height, bitstream.width
        latents = self.system.read(bitstream.streams, bitstream.quality, size)
        with quick(self.draws_in()):
            return to_image(self.system.draw(latents, bitstream.quality, anchor), *size)

    def _file(
        self, image: Image, quality: int, streams: tuple[Stream, ...], target: Target
    ) -> Bitstream:
        height, width, _ = image.shape
        return Bitstream(self.info.wire_id, self.tag, quality, width, height, streams, target.bpp)

    def _refuse_foreign(self, bitstream: Bitstream, anchor: Anchor | None) -> None:
        if bitstream.codec != self.info.wire_id:
            raise BitstreamError(f"this is not a file of {self.info.id}")
        if bitstream.weights != self.tag:
            raise WeightsMismatch(
                f"the file was made with {self.info.id} weights {bitstream.weights.hex()}, but "
                f"{self.tag.hex()} ({self.profile}) are here; use the version that made it"
            )
        if bitstream.quality not in self.system.qualities:
            raise BitstreamError(
                f"the file has quality {bitstream.quality}; {self.info.id} knows "
                f"{self.system.qualities[0]} to {self.system.qualities[-1]}"
            )
        if len(bitstream.streams) != len(self.info.streams):
            raise BitstreamError(
                f"the file has {len(bitstream.streams)} streams; {self.info.id} has "
                f"{len(self.info.streams)}"
            )
        if anchor is not None and None in self.info.outputs:
            raise UnknownAnchor(
                f"{self.info.id} decodes in one way only; leave out the anchor ({anchor})"
            )


def build(info: CodecInfo, profile: str) -> Codec:
    """The codec with its weights loaded; the entry point the registry calls."""
    if profile.startswith(PUBLIC):
        from mode_core.codecs import public  # it builds on this module

        return public.build(info, profile)
    found = find_weights(info.id, profile)
    system = _SYSTEMS[info.id](load_net(found))
    return LearnedCodec(info, found.width, found.digest()[:TAG_BYTES], system)


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
        """One expert's picture, or the blend of both anchored ones.

        Between two estimators the best trade of distortion for perception is their interpolation
        (Freirich et al., NeurIPS 2021).
        """
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
            return perception if blend == 1 else net.fidelity(y, seen, at).lerp(perception, blend)

        maps = y.float().to(device), codes.to(device)
        return by_tiles(blended, maps, net.reach, net.elic.cell)


class DlfSystem:
    """Semantic tokens of 256-pixel windows, and detail that may be absent."""

    def __init__(self, net: Dlf) -> None:
        # the published size has 1.2 billion parameters
        half = torch.float16 if net.config.as_published else torch.float32
        self.placed, self.net = Placed(net, half), net
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


_SYSTEMS: dict[str, Any] = {
    "elic": SingleStream,
    "ms-illm": SingleStream,
    "vq": VqSystem,
    "mode": ModeSystem,
    "dlf": DlfSystem,
}
