"""The types that every part of the project shares: pictures, anchors, targets and codecs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from mode_core.errors import UnknownAnchor

if TYPE_CHECKING:
    from mode_core.stream.container import Bitstream

Image = npt.NDArray[np.uint8]
"""(height, width, 3), sRGB, 8 bit."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?inf|nan")


def number_in(text: str) -> float:
    """The number that a person or a file wrote; ValueError for what only Python reads as one.

    `float` takes 1_0 for ten, and any script's digits.
    """
    if not _NUMBER.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is not a number")
    return float(text)


SQ_EXPERT, VQ_EXPERT = "sq-expert", "vq-expert"
SHORT_ANCHORS: Mapping[str, str] = MappingProxyType(
    {"fidelity": "f", "perception": "p"}
    | {expert: expert.removesuffix("-expert") for expert in (SQ_EXPERT, VQ_EXPERT)}
)
"""What stands for an anchor in the name of a picture: mode-p."""


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
            blend = named[text] if text in named else number_in(text)
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
class Look:
    """How a curve is drawn; colour is never the only difference between two codecs."""

    light: str
    dark: str
    symbol: str
    dash: str = "solid"


INK = Look("#1c1c1c", "#f0f0f0", "circle")


@dataclass(frozen=True, slots=True)
class Published:
    """One checkpoint that a program may fetch."""

    codec: str
    dialect: str
    name: str
    quality: str
    bpp: float
    """The rate that its authors aimed for; 0 where they name none."""
    file: str
    urls: tuple[str, ...]
    """Where it may be fetched, tried in turn."""
    licence: str
    bytes_: int
    """Its size, about."""
    sha256: str = ""
    """Its hash, where somebody has published it."""
    trouble: str = ""
    """What is known of its host refusing it."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """Checkpoints that only people can fetch: their hosts ask for a browser."""

    codec: str
    what: str
    licence: str
    where: str


@dataclass(frozen=True, slots=True)
class CodecInfo:
    """What is known of a codec without loading it: the row that opens its folder."""

    id: str
    wire_id: int
    """Written into files: never reused, never changed."""
    outputs: Mapping[Anchor | None, str]
    """Labels of the standard pictures of one file; the key None means that there is only one."""
    summary: str
    paper: str = ""
    stated: str = ""
    """What its paper states, of what stands here."""
    ours: str = ""
    """What is ours instead, or inferred."""
    name: str = ""
    """The name of the codec itself; by default the label of its first output."""
    streams: tuple[str, ...] = ("payload",)
    learned: bool = True
    experts: tuple[str, ...] = ()
    """Codecs whose networks it stands on, frozen."""
    stages: tuple[str, ...] = ()
    """Names of its training stages, in order."""
    looks: Mapping[Anchor | None, Look] = field(default_factory=dict)
    """How its curves are drawn; the key None stands for all that are not named."""
    published_as: str = ""
    """The name under which its authors' numbers are in results/published."""
    published_in: tuple[str, ...] = ()
    """The metrics in which ours is held against them."""
    checkpoints: tuple[Published | ByHand, ...] = ()
    """Weights that others have published."""
    published_by: str = "authors'"
    """Whose those weights are, in a menu's words."""
    terms: str = ""
    """What the licence of public weights means for those who show their pictures."""
    folder: str = ""
    """The package that holds it; filled in by the registry."""

    @property
    def title(self) -> str:
        """The codec's name, whatever is decoded from its files."""
        return self.name or next(iter(self.outputs.values()))

    @property
    def has_anchors(self) -> bool:
        """Whether one file decodes in several ways."""
        return None not in self.outputs

    def label(self, anchor: Anchor | None) -> str:
        """The name of a picture: MoDE-F, MoDE-P, ELIC, or "MoDE 0.5" between and beside them."""
        return self.outputs.get(anchor) or f"{self.title} {anchor}"

    def look(self, anchor: Anchor | None) -> Look:
        """How the curve of an output is drawn."""
        return self.looks.get(anchor) or self.looks.get(None, INK)


class Codec(Protocol):
    """Makes a file of a photo, and a photo of the file. Obtained from `registry.load_codec`."""

    info: CodecInfo
    profile: str
    """Width of the loaded weights (tiny, compact, public), or "" for a classical codec."""

    def encode(self, image: Image, target: Target) -> Bitstream:
        """The file nearest to the target; outside the codec's range, its nearest end."""
        ...

    def decode(self, bitstream: Bitstream, anchor: Anchor | None = None) -> Image:
        """The picture in the file; UnknownAnchor if the codec does not offer that anchor."""
        ...


@runtime_checkable
class Opens(Protocol):
    """A codec that reads a file once for all of its pictures, as a codec with anchors should."""

    def opened(
        self, bitstream: Bitstream, anchors: Sequence[Anchor | None]
    ) -> Callable[[Anchor | None], Image]:
        """What draws the file's picture at each of these anchors."""
        ...


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """One decoded picture with the file that it came from."""

    codec: str
    profile: str
    """Width of the weights that decoded it; "" for a classical codec."""
    anchor: Anchor | None
    label: str
    """The name of the picture, with the profile of the weights unless they are ours."""
    image: Image = field(repr=False)
    file: bytes = field(repr=False)
    bitstream: Bitstream = field(repr=False)
    """The content of `file`, parsed."""
    target_bpp: float | None
    encode_s: float | None
    """None if the file existed before."""
    decode_s: float
    note: str = ""
    """Empty, or a sentence such as why the size asked for was not reached."""
    terms: str = ""
    """Weights and their licence, where they are not this project's."""
    read_s: float = 0.0
    """The part of `decode_s` that was spent once for all pictures of the file."""

    @property
    def bpp(self) -> float:
        """Bits per pixel of the whole file."""
        return 8 * len(self.file) / (self.bitstream.width * self.bitstream.height)

    @property
    def quality(self) -> int:
        """The codec's own number."""
        return self.bitstream.quality
