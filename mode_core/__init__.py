"""Learned image codecs as real files. Importing this loads neither torch nor a codec."""

from mode_core.codecs.registry import CODECS, codec_of, find_codec, load_codec
from mode_core.codecs.roundtrip import decode_all, roundtrip
from mode_core.errors import ModeError
from mode_core.metrics.bdrate import BDRate, Curve, bd_metric, bd_rate
from mode_core.metrics.table import MEASURABLE as METRICS
from mode_core.pictures.files import read_image, write_png
from mode_core.stream.container import Bitstream
from mode_core.types import Anchor, Codec, CodecInfo, Image, Reconstruction, Target

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
