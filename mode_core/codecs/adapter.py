"""What all learned codecs share: what a network codes and draws, wrapped in real files.

Everything that is the same for all of them is here: padding, the search for the size asked for,
checks, precision. What differs is their `System`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from mode_core.codecs.identity import tags_of
from mode_core.codecs.rates import nearest_file
from mode_core.codecs.system import System
from mode_core.codecs.tiles import to_image, to_tensor
from mode_core.errors import BitstreamError, UnknownAnchor, WeightsMismatch
from mode_core.layers.device import fast_type, quick
from mode_core.stream.container import Bitstream, Stream
from mode_core.types import Anchor, CodecInfo, Image, Target
from mode_core.weights.sets import all_weights


class LearnedCodec:
    """Real bytes out, and nothing but those bytes in."""

    draws_in = staticmethod(fast_type)
    """The precision in which pictures are drawn; reading files is exact with any of them."""

    def __init__(self, info: CodecInfo, profile: str, tag: bytes, system: System) -> None:
        self.info, self.profile, self.tag, self.system = info, profile, tag, system

    @torch.inference_mode()
    def encode(self, image: Image, target: Target) -> Bitstream:
        """The file nearest to the target; the transforms run once."""
        system = self.system
        analysed = system.analyse(to_tensor(image, system.stride))
        sizes = system.sizes(analysed)

        def file_at(quality: int) -> Bitstream:
            return self._file(image, quality, system.write(analysed, quality), target)

        empty = (Stream(b""),) * len(self.info.streams)
        header = len(self._file(image, 0, empty, target).to_bytes())
        estimate = sizes and (lambda quality, near: header + sizes(quality, near))
        return nearest_file(file_at, system.qualities, target, image.shape, estimate=estimate)

    def decode(self, bitstream: Bitstream, anchor: Anchor | None = None) -> Image:
        """The picture at an anchor; if one stream is lost, the picture that the other gives."""
        return self.opened(bitstream, [anchor])(anchor)

    @torch.inference_mode()
    def opened(
        self, bitstream: Bitstream, anchors: Sequence[Anchor | None]
    ) -> Callable[[Anchor | None], Image]:
        """What draws the file's pictures at these anchors; its streams are read once for all."""
        self._refuse_foreign(bitstream)
        self._refuse_anchors(anchors)
        size, system = (bitstream.height, bitstream.width), self.system
        latents = system.read(bitstream.streams, bitstream.quality, size)

        @torch.inference_mode()
        def drawn(anchor: Anchor | None) -> Image:
            with quick(self.draws_in()):
                return to_image(system.draw(latents, bitstream.quality, anchor), *size)

        return drawn

    def _file(
        self, image: Image, quality: int, streams: tuple[Stream, ...], target: Target
    ) -> Bitstream:
        height, width, _ = image.shape
        return Bitstream(self.info.wire_id, self.tag, quality, width, height, streams, target.bpp)

    def _refuse_foreign(self, bitstream: Bitstream) -> None:
        if bitstream.codec != self.info.wire_id:
            raise BitstreamError(f"this is not a file of {self.info.id}")
        if bitstream.weights != self.tag:
            here = tags_of(one for one in all_weights() if one.codec == self.info.id)
            raise WeightsMismatch(
                f"the file was made with {self.info.id} weights {bitstream.weights.hex()}, but "
                f"{here} are here; import the checkpoint that it was made with, or use the version "
                "of this program whose bundled weights made it"
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

    def _refuse_anchors(self, anchors: Sequence[Anchor | None]) -> None:
        named = [anchor for anchor in anchors if anchor is not None]
        if named and None in self.info.outputs:
            raise UnknownAnchor(
                f"{self.info.id} decodes in one way only; leave out the anchor ({named[0]})"
            )
