"""JPEG, WebP, AVIF and JPEG XL: their own real files, carried as the one stream of a `.mode` file.

Settings, all at the encoders' usual effort: JPEG optimised and progressive, WebP method 6, AVIF
speed 6, JPEG XL effort 7; colour at half resolution (4:2:0) for JPEG and AVIF below their best
tenth, always for WebP. Quality counts up with file size, in steps as fine as the encoder allows:

    jpeg  0..255  the standard tables times 50 * 2500 ** (-quality / 255): 3 % finer each step
    webp  0..255  libwebp's 0..100
    avif  0..63   aom's 64 quantizers
    jxl   0..255  libjxl's 0..99.9
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image as Pillow

from mode_core.codecs.classical.avif import avif_size
from mode_core.codecs.classical.jxl import jxl_size
from mode_core.codecs.rates import nearest_file
from mode_core.errors import BitstreamError, UnknownAnchor, UnsupportedImage
from mode_core.pictures.sizes import FOREIGN_ERRORS, Size, webp_size
from mode_core.pictures.structure import walk_jpeg
from mode_core.stream.container import Bitstream, Stream
from mode_core.types import Anchor, Codec, CodecInfo, Image, Target

_FINE = range(256)
_NO_WEIGHTS = b"\0\0\0\0"
_BOMB = (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning)


@dataclass(frozen=True, slots=True)
class Format:
    """One classical file format: how Pillow writes it, and how its size is read without pixels."""

    pillow: str
    qualities: range
    side_limit: int
    options: Callable[[int], Mapping[str, object]]
    size: Callable[[bytes], Size]
    pixels_in_byte: int
    """No file holds more of them in each of its bytes; a flat picture comes near it."""


def codec(info: CodecInfo) -> Codec:
    """The codec of this name."""
    if info.id == "jxl":
        from mode_core.pictures import libjxl  # noqa: F401  (teaches Pillow the format)
    return ClassicalCodec(info, _FORMATS[info.id])


class ClassicalCodec:
    """A file format that everyone knows, behind the same interface as the learned codecs."""

    profile = ""

    def __init__(self, info: CodecInfo, format: Format) -> None:
        self.info = info
        self.format = format

    def encode(self, image: Image, target: Target) -> Bitstream:
        """The file nearest to the target; outside the codec's range, its nearest end."""
        height, width, _ = image.shape
        if max(height, width) > self.format.side_limit:
            raise UnsupportedImage(
                f"{self._label} takes at most {self.format.side_limit} pixels on a side and the "
                f"picture is {width}x{height}; scale it down or choose another codec"
            )
        picture = Pillow.fromarray(image)

        def file_at(quality: int) -> Bitstream:
            stream = Stream(self._write(picture, quality))
            return Bitstream(
                self.info.wire_id, _NO_WEIGHTS, quality, width, height, (stream,), target.bpp
            )

        return nearest_file(file_at, self.format.qualities, target, (width, height))

    def decode(self, bitstream: Bitstream, anchor: Anchor | None = None) -> Image:
        """The picture in the file; there is only one, so no anchor may be given."""
        if anchor is not None:
            raise UnknownAnchor(f"{self._label} decodes in one way only; leave out the anchor")
        if bitstream.codec != self.info.wire_id or len(bitstream.streams) != 1:
            raise BitstreamError(f"the file is not one {self._label} stream")
        payload = bitstream.streams[0].payload
        declared = (bitstream.width, bitstream.height)
        if len(payload) * self.format.pixels_in_byte < declared[0] * declared[1]:
            raise BitstreamError(
                f"the {self._label} data in the file is too short to hold a picture of "
                f"{bitstream.width}x{bitstream.height} pixels"
            )
        try:
            if self.format.size(payload) == declared:
                return self._read(payload, declared)
        except (*FOREIGN_ERRORS, *_BOMB) as error:
            raise BitstreamError(f"the {self._label} data in the file is damaged") from error
        raise BitstreamError(
            f"the {self._label} data in the file is not {bitstream.width}x{bitstream.height} "
            "pixels, as the file says"
        )

    @property
    def _label(self) -> str:
        return self.info.outputs[None]

    def _write(self, picture: Pillow.Image, quality: int) -> bytes:
        file = BytesIO()
        picture.save(file, self.format.pillow, **self.format.options(quality))
        return file.getvalue()

    def _read(self, payload: bytes, declared: Size) -> Image:
        with Pillow.open(BytesIO(payload), formats=(self.format.pillow,)) as picture:
            if picture.size != declared:  # the format's own two places for a size disagree
                raise ValueError(f"the picture is {picture.size}")
            return np.array(picture.convert("RGB"))


def _jpeg_options(quality: int) -> Mapping[str, object]:
    scale = 50 * 2500 ** (-quality / _FINE[-1])
    tables = {
        place: [min(max(round(step * scale), 1), 255) for step in table]
        for place, table in _standard_tables().items()
    }
    subsampling = "4:4:4" if quality >= 230 else "4:2:0"
    return {"qtables": tables, "subsampling": subsampling, "optimize": True, "progressive": True}


@cache
def _standard_tables() -> Mapping[int, list[int]]:
    """The example tables of the JPEG standard: what libjpeg writes at quality 50."""
    file = BytesIO()
    Pillow.new("RGB", (1, 1)).save(file, "JPEG", quality=50)
    with Pillow.open(file, formats=("JPEG",)) as picture:
        return picture.quantization  # type: ignore[attr-defined]


def _jpeg_size(payload: bytes) -> Size:
    walk_jpeg(payload)
    with Pillow.open(BytesIO(payload), formats=("JPEG",)) as picture:
        return picture.size


def _webp_options(quality: int) -> Mapping[str, object]:
    return {"quality": 100 * quality / _FINE[-1], "method": 6}


def _avif_options(quality: int) -> Mapping[str, object]:
    subsampling = "4:4:4" if quality >= 57 else "4:2:0"
    return {"quality": round(quality * 100 / 63), "subsampling": subsampling, "speed": 6}


def _jxl_options(quality: int) -> Mapping[str, object]:
    return {"quality": 99.9 * quality / _FINE[-1], "effort": 7}  # 100 would mean lossless


_FORMATS: Mapping[str, Format] = {
    # one bit in each of six blocks for 16x16 pixels
    "jpeg": Format("JPEG", _FINE, 65500, _jpeg_options, _jpeg_size, 341),
    # modes of 16x16 pixels take 3.4 bits: their probabilities are fixed
    "webp": Format("WEBP", _FINE, 16383, _webp_options, webp_size, 682),
    "avif": Format("AVIF", range(64), 65535, _avif_options, avif_size, 100_000),
    # the walk over the frame demands a size for each group of pixels
    "jxl": Format("JXL", _FINE, 65535, _jxl_options, jxl_size, 1 << 20),
}
