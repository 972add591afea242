"""The table of codecs. A literal, so that it can be read, searched and not overwritten by accident.

`wire_id` is written into files: never reuse or change one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from types import MappingProxyType

from mode_core.errors import BitstreamError, UnknownCodec
from mode_core.types import Anchor, Codec, CodecInfo

_LEARNED, _CLASSICAL = "mode_core.codecs.learned", "mode_core.codecs.classical"

_TABLE = (
    CodecInfo(
        "mode",
        1,
        {Anchor.FIDELITY: "MoDE-F", Anchor.PERCEPTION: "MoDE-P"},
        _LEARNED,
        "Mixture of decoder experts: one dual-stream file, decoded for fidelity or perception",
        "https://arxiv.org/abs/2605.14391",
        ("vq", "sq"),
    ),
    CodecInfo(
        "elic",
        2,
        {None: "ELIC"},
        _LEARNED,
        "Uneven groups, space-channel context: the fidelity expert",
        "https://arxiv.org/abs/2203.10886",
        ("sq",),
    ),
    CodecInfo(
        "ms-illm",
        3,
        {None: "MS-ILLM"},
        _LEARNED,
        "HiFiC auto-encoder trained with an implicit local likelihood discriminator",
        "https://arxiv.org/abs/2301.11189",
        ("sq",),
    ),
    CodecInfo(
        "dlf",
        4,
        {None: "DLF"},
        _LEARNED,
        "Dual generative latent fusion: semantic tokens and coded detail",
        "https://arxiv.org/abs/2503.01428",
        ("tokens", "detail"),
    ),
    CodecInfo(
        "vq",
        5,
        {None: "VQ"},
        _LEARNED,
        "Vector-quantised tokens with a learned prior: the perception expert",
        "https://arxiv.org/abs/2012.09841",
        ("vq",),
    ),
    CodecInfo("jpeg", 16, {None: "JPEG"}, _CLASSICAL, "JPEG, libjpeg-turbo", learned=False),
    CodecInfo("webp", 17, {None: "WebP"}, _CLASSICAL, "WebP lossy, libwebp", learned=False),
    CodecInfo("avif", 18, {None: "AVIF"}, _CLASSICAL, "AVIF, libavif and libaom", learned=False),
    CodecInfo("jxl", 19, {None: "JPEG XL"}, _CLASSICAL, "JPEG XL, libjxl", learned=False),
)

CODECS: Mapping[str, CodecInfo] = MappingProxyType({info.id: info for info in _TABLE})


def find_codec(id: str) -> CodecInfo:
    """The codec of this name."""
    if id not in CODECS:
        raise UnknownCodec(f"there is no codec {id!r}; choose one of {', '.join(CODECS)}")
    return CODECS[id]


def codec_of(wire_id: int) -> CodecInfo:
    """The codec that wrote a file with this number."""
    for info in _TABLE:
        if info.wire_id == wire_id:
            return info
    raise BitstreamError(f"the file was made by codec number {wire_id}, which is not known here")


@lru_cache(maxsize=16)
def load_codec(id: str, profile: str = "") -> Codec:
    """The codec, ready to use; `profile` "" takes the bundled weights, "public" the authors'."""
    info = find_codec(id)
    codec: Codec = import_module(info.module).build(info, profile)
    return codec
