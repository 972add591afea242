"""Files to arrays and back. Whatever a camera or a designer saved comes out as 8-bit sRGB.

The size is read from the header and refused before a pixel is decoded, and every change made to the
picture is put into words. The file itself is never written to.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageOps
from PIL.ExifTags import Base
from PIL.PngImagePlugin import PngInfo

from mode_core.errors import UnsupportedImage
from mode_core.pictures.icc import to_srgb
from mode_core.pictures.sizes import FOREIGN_ERRORS, Size, jxl_size, webp_size
from mode_core.pictures.structure import check_structure
from mode_core.pictures.tiff import check_exif
from mode_core.stream.atomic import write_atomic
from mode_core.stream.container import MAX_PIXELS, MAX_SIDE
from mode_core.types import Image

BACKDROP = 0x77
"""Mid-grey, laid under transparent pixels: it shows white and black drawings alike."""
MAX_FILE_BYTES = 400_000_000
LOSSLESS = (".png", ".ppm", ".bmp", ".tif", ".tiff")
"""Endings of pictures that decoders write; a codec's own file has none of them."""
ENDINGS = (*LOSSLESS, ".jpg", ".jpeg", ".webp", ".avif", ".jxl", ".gif")
"""Endings, in small letters, of all pictures that can be read."""
FASTEST = 1
"""The PNG level for pictures that someone is waiting for."""

_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr")
_SPACES = ("LAB", "HSV")
_SAMPLES = {"I": "32-bit integer", "F": "floating-point", "I;12": "12-bit"}
_GREY_16 = ("I;16", "I;16L", "I;16B", "I;16N")
# A decoder told the wrong byte order hands out the low bytes that Pillow drops.
_LOW_BYTES = {
    f"{mode};16{order}": f"{mode};16{other}"
    for mode in ("RGB", "RGBA", "RGBX")
    for order, other in ("BL", "LB", "NB")
}
_SIZES = {"WEBP": webp_size, "JXL": jxl_size}
"""For readers that allocate or decode on opening."""
_BOMB = (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture ready to encode, and what was changed to make it so."""

    pixels: Image = field(repr=False)
    notes: tuple[str, ...] = ()


def read_image(source: str | Path | bytes) -> Image:
    """The pixels of a picture file, 8-bit sRGB; UnsupportedImage if it cannot be read."""
    return load_picture(source).pixels


def load_picture(source: str | Path | bytes) -> Picture:
    """The pixels of a picture file and a note on each thing that was changed."""
    name, data = _read(source)
    notes: list[str] = []
    with _quiet_pillow(), _open(data, name) as picture, _damage_explained(name):
        raw_mode = _raw_mode(picture)  # first, because asking a PNG for its EXIF loads the pixels
        orientation = _orientation(picture)
        loaded = _load_8_bit(picture, raw_mode, data, name, notes)
        if 2 <= orientation <= 8:
            notes.append("turned upright, as its EXIF orientation asks")
            if picture.format != "TIFF":  # Pillow turns those on its own
                loaded = _turned(loaded, orientation)
        colour, alpha = _split_alpha(loaded)
        pixels = np.asarray(to_srgb(colour, picture.info.get("icc_profile"), notes))
        if alpha is not None:
            pixels = _composite(pixels, np.asarray(alpha), notes)
        notes += _about_frames(picture)
    return Picture(np.array(pixels), tuple(notes))


def note_on_frames(source: str | Path) -> str:
    """The note of `load_picture` on further frames, without decoding the first; "" if none is."""
    name, data = _read(source)
    with _quiet_pillow(), _open(data, name) as picture, _damage_explained(name):
        return "".join(_about_frames(picture))


def png_bytes(image: Image, note: str = "", level: int = 4) -> bytes:
    """A lossless PNG; a note, such as the terms of a picture, travels in it as its comment."""
    file, texts = BytesIO(), PngInfo()
    if note:
        texts.add_itxt("Comment", note)
    pixels = Pillow.fromarray(np.ascontiguousarray(image))
    pixels.save(file, "PNG", compress_level=level, pnginfo=texts)
    return file.getvalue()


def write_png(path: str | Path, image: Image, note: str = "") -> None:
    """Write a PNG that appears under its name only once it is whole."""
    write_atomic(Path(path), png_bytes(image, note))


def _about_frames(picture: Pillow.Image) -> list[str]:
    # EOFError where there is one frame; a damaged second one is no loss
    with suppress(*FOREIGN_ERRORS):
        picture.seek(1)
        return ["several frames; only the first is used"]
    return []


def _read(source: str | Path | bytes) -> tuple[str, bytes]:
    """The picture's name for messages, and its bytes."""
    if isinstance(source, bytes):
        return "the uploaded picture", source
    path = Path(source)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UnsupportedImage(f"{path} cannot be read: {why}") from error
    if len(data) > MAX_FILE_BYTES:
        raise UnsupportedImage(
            f"{path.name} is larger than {MAX_FILE_BYTES // 10**6} MB; save it compressed"
        )
    return path.name, data


def _open(data: bytes, name: str) -> Pillow.Image:
    """The picture with its header read and its size allowed, no pixel decoded yet."""
    if not data:
        raise UnsupportedImage(f"{name} is empty")
    format = check_structure(data, name)
    try:
        if declared := _SIZES.get(format):
            _check_size(declared(data), name)
        picture = _open_header(data, format)
    except _BOMB as error:
        raise UnsupportedImage(
            f"{name} has more than {MAX_PIXELS // 10**6} megapixels; scale it down first"
        ) from error
    except FOREIGN_ERRORS as error:
        raise UnsupportedImage(
            f"{name} is not a picture that can be read; "
            "use PNG, JPEG, WebP, AVIF, JPEG XL, TIFF, BMP, GIF or PPM"
        ) from error
    _check_size(picture.size, name)
    return picture


def _open_header(data: bytes, format: str) -> Pillow.Image:
    if format == "JXL":
        from mode_core.pictures import libjxl  # registers its reader; needed by few, so loaded late

        format = libjxl.FORMAT
    return Pillow.open(BytesIO(data), formats=(format,))


@contextmanager
def _quiet_pillow() -> Iterator[None]:
    """No warnings on the terminal about what becomes an error or is repaired here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("error", Pillow.DecompressionBombWarning)
        yield


def _check_size(size: Size, name: str) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise UnsupportedImage(f"{name} is {width}x{height} pixels: there is nothing to encode")
    if width >= MAX_SIDE or height >= MAX_SIDE or width * height > MAX_PIXELS:
        raise UnsupportedImage(
            f"{name} is {width}x{height} pixels; at most {MAX_PIXELS // 10**6} megapixels and "
            f"{MAX_SIDE - 1} on a side are taken, so scale it down first"
        )


@contextmanager
def _damage_explained(name: str) -> Iterator[None]:
    try:
        yield
    except MemoryError as error:
        raise UnsupportedImage(
            f"{name} needs more memory than there is; scale it down first"
        ) from error
    except (*FOREIGN_ERRORS, *_BOMB) as error:
        raise UnsupportedImage(
            f"{name} is damaged or cut off: its pixels cannot be decoded"
        ) from error


def _orientation(picture: Pillow.Image) -> int:
    """The EXIF orientation, 1 (upright) where there is none that can be read."""
    if picture.format == "JXL":  # its decoder turns the pixels; EXIF only repeats what was done
        return 1
    try:
        if picture.format == "PNG":  # whose EXIF may come after its pixels
            picture.load()
        check_exif(picture.info.get("exif") or _exif_in_text(picture))
        return int(picture.getexif().get(Base.Orientation, 1))
    except FOREIGN_ERRORS:
        return 1


def _exif_in_text(picture: Pillow.Image) -> bytes:
    """EXIF in hexadecimal digits, as ImageMagick writes it into PNGs."""
    lines = str(picture.info.get("Raw profile type exif", "")).split("\n")
    return bytes.fromhex("".join(lines[3:]))


def _turned(picture: Pillow.Image, orientation: int) -> Pillow.Image:
    """The picture turned upright; Pillow would write its EXIF anew and fail if that is damaged."""
    for name in ("exif", "Raw profile type exif"):
        picture.info.pop(name, None)
    picture.getexif()[Base.Orientation] = orientation
    return ImageOps.exif_transpose(picture)


def _raw_mode(picture: Pillow.Image) -> str:
    """How the samples lie in the file, in Pillow's words; empty where its reader does not say."""
    for tile in getattr(picture, "tile", ()):
        return tile.args if isinstance(tile.args, str) else str(tile.args[0])
    return ""


def _load_8_bit(
    picture: Pillow.Image, raw_mode: str, data: bytes, name: str, notes: list[str]
) -> Pillow.Image:
    """The decoded picture with 8 bits per channel, rounded where there were 16."""
    if picture.mode in _GREY_16 and raw_mode != "I;12":
        notes.append("rounded from 16 to 8 bits per channel")
        return Pillow.fromarray(_round_16(np.asarray(picture)))
    if raw_mode in _LOW_BYTES or raw_mode == "LA;16B":
        notes.append("rounded from 16 to 8 bits per channel")
        return _round_colour_16(picture, raw_mode, data)
    if picture.mode in _SPACES:
        raise UnsupportedImage(f"{name} is in the colour space {picture.mode}; save it as RGB")
    if picture.mode not in _MODES:
        samples = _SAMPLES.get(picture.mode, picture.mode)
        raise UnsupportedImage(
            f"{name} holds {samples} samples; save it with 8 or 16 bits per channel"
        )
    if bits := picture.format == "JXL" and picture.info.get("bits per channel"):
        notes.append(f"rounded from {bits} to 8 bits per channel")
    picture.load()
    return picture


def _round_colour_16(picture: Pillow.Image, raw_mode: str, data: bytes) -> Pillow.Image:
    """Pillow keeps the high bytes of 16-bit colour; a second decoding fetches the low ones."""
    if raw_mode == "LA;16B":  # four bytes per pixel, so it can be read as if it were RGBA
        both = np.asarray(_decode_raw(picture, data, "RGBA")).astype(np.uint16)
        return Pillow.fromarray(_round_16(both[..., ::2] << 8 | both[..., 1::2]), "LA")
    high = np.asarray(_decode_raw(picture, data, raw_mode)).astype(np.uint16)
    low = np.asarray(_decode_raw(picture, data, _LOW_BYTES[raw_mode]))
    return Pillow.fromarray(_round_16(high << 8 | low))


def _decode_raw(like: Pillow.Image, data: bytes, raw_mode: str) -> Pillow.Image:
    """The picture decoded with another raw mode than its file asks for."""
    picture = _open_header(data, str(like.format))
    picture.tile = [  # type: ignore[attr-defined]
        tile._replace(args=raw_mode if isinstance(tile.args, str) else (raw_mode, *tile.args[1:]))
        for tile in picture.tile  # type: ignore[attr-defined]
    ]
    picture.load()
    return picture


def _round_16(values: npt.NDArray[np.integer[Any]]) -> Image:
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _split_alpha(picture: Pillow.Image) -> tuple[Pillow.Image, Pillow.Image | None]:
    """The colours as L, RGB or CMYK, and the alpha channel where it hides anything."""
    if not picture.has_transparency_data:
        kept = {"1": "L", "L": "L", "CMYK": "CMYK"}
        return picture.convert(kept.get(picture.mode, "RGB")), None
    *bands, alpha = picture.convert("LA" if picture.mode in ("L", "LA") else "RGBA").split()
    colour = bands[0] if len(bands) == 1 else Pillow.merge("RGB", bands)
    return colour, None if alpha.getextrema() == (255, 255) else alpha


def _composite(
    pixels: npt.NDArray[np.uint8], alpha: npt.NDArray[np.uint8], notes: list[str]
) -> Image:
    notes.append(f"transparency laid over mid-grey #{BACKDROP:02x}{BACKDROP:02x}{BACKDROP:02x}")
    weight = alpha[..., None].astype(np.uint16)
    return ((pixels * weight + BACKDROP * (255 - weight) + 127) // 255).astype(np.uint8)
