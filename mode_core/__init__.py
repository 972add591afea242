"""Learned image codecs as real files. Importing this loads neither torch nor a codec."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mode_core.codecs.registry import CODECS, codec_of, find_codec, load_codec
    from mode_core.codecs.roundtrip import decode_all, roundtrip
    from mode_core.errors import ModeError
    from mode_core.metrics import METRICS
    from mode_core.metrics.bdrate import BDRate, Curve, bd_metric, bd_rate
    from mode_core.pictures.files import read_image, write_png
    from mode_core.stream.container import Bitstream
    from mode_core.types import Anchor, Codec, CodecInfo, Image, Reconstruction, Target

_HOMES = {
    "Anchor": "types",
    "BDRate": "metrics.bdrate",
    "Bitstream": "stream.container",
    "CODECS": "codecs.registry",
    "Codec": "types",
    "CodecInfo": "types",
    "Curve": "metrics.bdrate",
    "Image": "types",
    "METRICS": "metrics",
    "ModeError": "errors",
    "Reconstruction": "types",
    "Target": "types",
    "bd_metric": "metrics.bdrate",
    "bd_rate": "metrics.bdrate",
    "codec_of": "codecs.registry",
    "decode_all": "codecs.roundtrip",
    "find_codec": "codecs.registry",
    "load_codec": "codecs.registry",
    "read_image": "pictures.files",
    "roundtrip": "codecs.roundtrip",
    "write_png": "pictures.files",
}

__all__ = [
    "CODECS",
    "METRICS",
    "Anchor",
    "BDRate",
    "Bitstream",
    "Codec",
    "CodecInfo",
    "Curve",
    "Image",
    "ModeError",
    "Reconstruction",
    "Target",
    "bd_metric",
    "bd_rate",
    "codec_of",
    "decode_all",
    "find_codec",
    "load_codec",
    "read_image",
    "roundtrip",
    "write_png",
]


def __getattr__(name: str) -> object:
    """A public name, its module imported on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
