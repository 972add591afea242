"""A stand-in for the learned codecs: MoDE with two anchors, instantly, without any weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from mode_core.errors import WeightsUnavailable
from mode_core.stream.container import Bitstream, Stream
from mode_core.types import Anchor, Codec, CodecInfo, Image, Target
from mode_core.weights.sets import WeightsSet

TAG = b"toy!"


class ToyMode:
    """Keeps every n-th row and column; the anchor makes the picture brighter."""

    profile = "toy"

    def __init__(self, info: CodecInfo, tag: bytes) -> None:
        self.info, self.tag = info, tag
        self.encoded = 0
        self.seen: list[bytes] = []

    def encode(self, image: Image, target: Target) -> Bitstream:
        self.encoded += 1
        height, width, _ = image.shape
        pixels = height * width
        wanted = (target.bpp or 1.0) * pixels / 8
        step = target.quality or max(1, round((3 * pixels / wanted) ** 0.5))
        streams = Stream(image[::step, ::step].tobytes()), Stream(b"tokens")
        return Bitstream(self.info.wire_id, self.tag, step, width, height, streams, target.bpp)

    def decode(self, bitstream: Bitstream, anchor: Anchor | None = None) -> Image:
        self.seen.append(bitstream.to_bytes())
        step, height, width = bitstream.quality, bitstream.height, bitstream.width
        shape = -(-height // step), -(-width // step), 3
        small = np.frombuffer(bitstream.streams[0].payload, np.uint8).reshape(shape)
        picture = small.repeat(step, 0).repeat(step, 1)[:height, :width]
        lift = 8 * (anchor.blend if anchor else 0)
        bright: Image = np.clip(picture + lift, 0, 255).astype(np.uint8)
        return bright


class ToyFamily(ToyMode):
    """Sets of one rate each, as authors' weights are: files say quality 0 and name their set."""

    profile = "public"
    steps = (9, 4)

    def encode(self, image: Image, target: Target) -> Bitstream:
        place = (
            int(target.bpp > 1) if target.quality is None and target.bpp else target.quality or 0
        )
        made = super().encode(image, Target(quality=self.steps[place]))
        return replace(made, quality=0, weights=b"set%d" % place)

    def decode(self, bitstream: Bitstream, anchor: Anchor | None = None) -> Image:
        step = self.steps[int(bitstream.weights[3:])]
        return super().decode(replace(bitstream, quality=step), anchor)


def toy_family(folder: Path) -> list[WeightsSet]:
    """What the registry would find of it."""
    return [
        WeightsSet("mode", "public", folder, {"identity": (b"set%d" % place).hex() + "00" * 28})
        for place in (0, 1)
    ]


def build_only_mode(info: CodecInfo, profile: str, tag: bytes = TAG) -> Codec:
    """In place of `mode_core.codecs.learned.build`: MoDE is here, the others are not."""
    if info.id != "mode":
        raise WeightsUnavailable(f"{info.id} has no weights here")
    return ToyMode(info, tag)
