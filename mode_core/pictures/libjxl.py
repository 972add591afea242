"""JPEG XL for Pillow, whose own builds lack it: importing this teaches Pillow the format "JXL".

Pixels come from imagecodecs: the first frame, upright. Colour profiles are asked of the libjxl that
imagecodecs is linked to, since it hands out none itself.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import IO, Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from mode_core.pictures.sizes import is_jxl
from mode_core.types import Image

FORMAT = "JXL"
BITS = "bits per channel"
"""In the `info` of a picture whose samples were rounded, because Pillow cannot hold them."""
_THREADS = 1
_UNREAD = b"unread"
"""Stands for a profile that cannot be had: no profile at all, so whoever uses it says so."""
_COLOUR_ENCODING, _OF_THE_PIXELS = 0x100, 1


def _open(file: IO[bytes], _: str | bytes) -> Pillow.Image:
    data = file.read()
    if not is_jxl(data[:12]):
        raise SyntaxError("not a JPEG XL file")
    samples = imagecodecs.jpegxl_decode(data, index=0, numthreads=_THREADS)
    fits = samples.dtype == np.uint8 or (samples.dtype == np.uint16 and samples.ndim == 2)
    picture = Pillow.fromarray(samples if fits else _to_8_bit(samples))
    picture.format = FORMAT
    picture.info |= {} if fits else {BITS: 8 * samples.itemsize}
    if profile := _profile(data):
        picture.info["icc_profile"] = profile
    return picture


def _to_8_bit(samples: npt.NDArray[Any]) -> Image:
    whole = 1 if samples.dtype.kind == "f" else np.iinfo(samples.dtype).max
    levels = np.nan_to_num(samples.astype(np.float32)) * np.float32(255 / whole)
    rounded: Image = np.rint(levels.clip(0, 255)).astype(np.uint8)
    return rounded


def _save(picture: Pillow.Image, file: IO[bytes], _: str | bytes) -> None:
    told = picture.encoderinfo
    distance = _distance(told.get("quality", 90))
    pixels, effort = np.asarray(picture), told.get("effort", 7)
    file.write(
        imagecodecs.jpegxl_encode(pixels, effort=effort, distance=distance, numthreads=_THREADS)
    )


def _distance(quality: float) -> float:
    """What libjxl makes of a quality from 0 to 100: 1 is just about to be seen, 0 lossless."""
    if quality >= 100:
        return 0.0
    if quality >= 30:
        return 0.1 + (100 - quality) * 0.09
    return 53 / 3000 * quality**2 - 23 / 20 * quality + 25


def _profile(data: bytes) -> bytes:
    """The ICC profile of the pixels that libjxl decodes to; empty where they have none."""
    try:
        lib = _library()
    except (OSError, AttributeError):
        return _UNREAD
    decoder = ctypes.c_void_p(lib.JxlDecoderCreate(None))
    try:
        lib.JxlDecoderSubscribeEvents(decoder, _COLOUR_ENCODING)
        lib.JxlDecoderSetInput(decoder, data, ctypes.c_size_t(len(data)))
        if lib.JxlDecoderProcessInput(decoder) != _COLOUR_ENCODING:
            return b""
        size = ctypes.c_size_t()
        if lib.JxlDecoderGetICCProfileSize(decoder, _OF_THE_PIXELS, ctypes.byref(size)):
            return b""
        profile = ctypes.create_string_buffer(size.value)
        failed = lib.JxlDecoderGetColorAsICCProfile(decoder, _OF_THE_PIXELS, profile, size)
        return b"" if failed else profile.raw
    finally:
        lib.JxlDecoderDestroy(decoder)


@cache
def _library() -> ctypes.CDLL:
    """The libjxl behind imagecodecs' module: the names of what a library is linked to are its."""
    from imagecodecs import _jpegxl

    lib = ctypes.CDLL(_jpegxl.__file__)
    lib.JxlDecoderCreate.restype = ctypes.c_void_p
    return lib


Pillow.register_open(FORMAT, _open, is_jxl)  # type: ignore[arg-type]
Pillow.register_save(FORMAT, _save)
