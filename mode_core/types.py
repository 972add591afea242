"""The words that every part of the project shares: pictures, wishes, and what a codec promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from mode_core.errors import UnknownAnchor

if TYPE_CHECKING:
    from mode_core.bitstream import Bitstream

Image = npt.NDArray[np.uint8]
"""(height, width, 3), sRGB, 8 bit."""

SQ_EXPERT, VQ_EXPERT = "sq-expert", "vq-expert"


@dataclass(frozen=True, slots=True)
class Anchor:
    """How a file is decoded: a place between fidelity (0) and perception (1), or one expert."""

    blend: float
    expert: str = ""

    FIDELITY: ClassVar[Anchor]
    PERCEPTION: ClassVar[Anchor]

    @classmethod
    def parse(cls, text: str) -> Anchor:
        """The anchor that people write: fidelity, perception, 0..1, sq-expert or vq-expert."""
        named = {"fidelity": 0.0, "perception": 1.0}
        if text in (SQ_EXPERT, VQ_EXPERT):
            return cls(0.0, text)
        try:
            blend = named[text] if text in named else float(text)
        except ValueError:
            blend = -1.0
        if not 0 <= blend <= 1:
            raise UnknownAnchor(
                f"anchor {text!r} is unknown; use fidelity, perception, a number from 0 to 1, "
                f"{SQ_EXPERT} or {VQ_EXPERT}"
            )
        return cls(blend)

    def __str__(self) -> str:
        return self.expert or {0.0: "fidelity", 1.0: "perception"}.get(
            self.blend, f"{self.blend:g}"
        )


Anchor.FIDELITY = Anchor(0.0)
Anchor.PERCEPTION = Anchor(1.0)


@dataclass(frozen=True, slots=True)
class Target:
    """What the caller wishes for: a size in bits per pixel, or one of the codec's qualities."""

    bpp: float | None = None
    quality: int | None = None

    def __post_init__(self) -> None:
        if (self.bpp is None) == (self.quality is None):
            raise ValueError("give either bpp or quality")
        if self.bpp is not None and not 0 < self.bpp <= 24:
            raise ValueError(f"bpp is {self.bpp}; it must be above 0 and at most 24")


@dataclass(frozen=True, slots=True)
class CodecInfo:
    """What is known of a codec without loading it."""

    id: str
    wire_id: int
    outputs: Mapping[Anchor | None, str]
    """Labels of the standard pictures of one file; the key None means: only one way to decode."""
    module: str
    summary: str
    paper: str = ""
    streams: tuple[str, ...] = ("payload",)
    learned: bool = True


class Codec(Protocol):
    """A photo into a file and back. Obtained from `registry.load_codec`."""

    info: CodecInfo
    profile: str
    """Width of the loaded weights (tiny, compact, public), or "" for a classical codec."""

    def encode(self, image: Image, target: Target) -> Bitstream:
        """The file nearest to the target; outside the codec's range, its nearest end."""
        ...

    def decode(self, bitstream: Bitstream, anchor: Anchor | None = None) -> Image:
        """The picture in the file; UnknownAnchor if the codec does not offer that anchor."""
        ...


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """One decoded picture with the file that it came from."""

    codec: str
    label: str
    anchor: Anchor | None
    image: Image = field(repr=False)
    file: bytes = field(repr=False)
    bpp: float
    target_bpp: float | None
    quality: int
    encode_s: float
    decode_s: float
    note: str = ""
    """Empty, or a sentence such as why the size asked for was not reached."""
