"""A walk over a picture file before a decoder sees it: what costs more than it shows is refused.

A file's pixels are limited by its header, but a small file can ask for much more work than that: a
thousand scans over the same picture, a text that inflates without end, a coded picture that is
larger than the one it is scaled to. Each walk is linear in the file, believes no length, and lets
through whatever it does not understand: decoders refuse that on their own.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import NamedTuple

from mode_core.errors import UnsupportedImage
from mode_core.pictures.avif import is_avif, walk_avif
from mode_core.pictures.excess import Excess
from mode_core.pictures.sizes import is_jxl, is_webp
from mode_core.pictures.tiff import EXIF_MARK, check_exif, is_tiff, walk_tiff

MAX_SCANS = 100
"""Each scan makes the decoder visit every block again; encoders write about a dozen."""
_MAX_SEGMENTS, _MAX_FILLER, _MAX_EXIF = 10_000, 65_536, 16
_MAX_CHUNKS, _MAX_PACKED = 100_000, 100
_MAX_COMMENT = 1_000_000
_MAX_RUNS = 4_000_000
_PPM_HEADER, _MAX_PPM_COMMENTS = 65_536, 1000

_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""A JPEG marker: neither a stuffed zero, nor filler, nor a restart inside a scan."""
_END, _SCAN, _APP1, _ALONE = 0xD9, 0xDA, 0xE1, (0x01, 0xD8)
_EXTENSION, _IMAGE, _COMMENT = 0x21, 0x2C, 0xFE


class Kind(NamedTuple):
    """One format: its name in Pillow, how its files begin, and the walk over them."""

    format: str
    begins: Callable[[bytes], bool]
    walk: Callable[[bytes], None]


def check_structure(data: bytes, name: str) -> str:
    """The format of a picture file, as Pillow calls it; UnsupportedImage if it is none of ours."""
    for format, begins, walk in KINDS:
        if not begins(data):
            continue
        try:
            walk(data)
        except Excess as error:
            raise UnsupportedImage(f"{name} {error}") from error
        except (struct.error, IndexError, ValueError):
            pass  # cut off or damaged: its decoder says so
        return format
    raise UnsupportedImage(
        f"{name} is not a picture that can be read; "
        "use PNG, JPEG, WebP, AVIF, JPEG XL, TIFF, BMP, GIF or PPM"
    )


def walk_jpeg(data: bytes, most: int = MAX_SCANS) -> None:
    """Up to the first picture's end; what phones put behind it is not decoded."""
    at, scans, segments, filler = 2, 0, 0, 0
    exif: list[bytes] = []
    while found := _MARKER.search(data, at):
        filler += 0 if scans else found.start() - at
        kind, at = data[found.end() - 1], found.end()
        if kind == _END:
            return
        segments += 1
        length = int.from_bytes(data[at : at + 2], "big")
        if kind == _APP1 and data[at + 2 : at + 8] == EXIF_MARK:
            exif.append(data[at + 8 : at + length])
        at += 0 if kind in _ALONE else max(2, length)
        scans += kind == _SCAN
        if scans > most:
            raise Excess(f"is a JPEG of more than {most} scans; save it anew in an editor")
        if segments > _MAX_SEGMENTS or filler > _MAX_FILLER or len(exif) > _MAX_EXIF:
            raise Excess("is a JPEG with far more segments than pictures have; save it anew")
        if kind == _SCAN:
            check_exif(b"".join(exif))


def walk_png(data: bytes) -> None:
    """Chunk by chunk; Pillow inflates each packed text and profile on its own."""
    at, chunks, packed = 8, 0, 0
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        at += 12 + length
        chunks += 1
        packed += kind in (b"iCCP", b"zTXt", b"iTXt")
        if chunks > _MAX_CHUNKS or packed > _MAX_PACKED:
            raise Excess(
                f"is a PNG of more than {_MAX_CHUNKS} chunks or {_MAX_PACKED} packed texts; "
                "save it anew without them"
            )


def walk_gif(data: bytes) -> None:
    """Up to the second picture, which is as far as readers go here."""
    at, pictures, comment = 13 + _table(data[10]), 0, 0
    room = 1000 + len(data) // 64
    while pictures < 2:
        kind, at = data[at], at + 1
        if kind == _IMAGE:
            pictures += 1
            at += 10 + _table(data[at + 8])
        elif kind == _EXTENSION:
            label, at = data[at], at + 1
        else:
            return
        while length := data[at]:
            at += 1 + length
            room -= 1
            comment += length if kind == _EXTENSION and label == _COMMENT else 0
            if room < 0 or comment > _MAX_COMMENT:
                raise Excess("is a GIF of countless tiny parts or an endless comment; save it anew")
        at += 1


def _table(flags: int) -> int:
    """Bytes of the colour table that these flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def walk_bmp(data: bytes) -> None:
    """Runs are read one by one, in Python."""
    header = int.from_bytes(data[14:18], "little")
    compression = int.from_bytes(data[30:34], "little") if header >= 40 else 0
    if compression in (1, 2) and len(data) > _MAX_RUNS:
        raise Excess(
            f"is a BMP of run lengths with more than {_MAX_RUNS // 10**6} MB; save it as PNG"
        )


def walk_ppm(data: bytes) -> None:
    """Header and comments are read byte by byte and cut out one by one, in Python."""
    at = 2
    for _ in range(2 if data[1:2] in b"14" else 3):
        at = _token_end(data, at)
    comments = data.count(b"#") if data[1:2] in b"123" else 0
    if at >= _PPM_HEADER or comments > _MAX_PPM_COMMENTS:
        raise Excess("is a PPM with more comments than can be read; save it without them")


def _token_end(data: bytes, at: int) -> int:
    """Behind the next number of a PPM's header, as Pillow reads it: comments may split it."""
    begun = False
    while at < min(len(data), _PPM_HEADER):
        byte = data[at : at + 1]
        at += 1
        if byte == b"#":
            ends = (data.find(mark, at) for mark in b"\r\n")
            at = 1 + min((end for end in ends if end >= 0), default=len(data))
        elif byte.isspace() and begun:
            break
        begun = begun or not byte.isspace()
    return at


def _nothing(data: bytes) -> None:
    """For WebP, whose canvas bounds the one frame that is decoded, and for JPEG XL.

    Frames of a JPEG XL file may lie behind an entropy-coded colour profile, so walking to them
    would take a decoder; what bounds those is the time and memory of the process that reads.
    """


def _starts(*marks: bytes) -> Callable[[bytes], bool]:
    return lambda data: data.startswith(marks)


KINDS = (
    Kind("PNG", _starts(b"\x89PNG\r\n\x1a\n"), walk_png),
    Kind("JPEG", _starts(b"\xff\xd8\xff"), walk_jpeg),
    Kind("WEBP", is_webp, _nothing),
    Kind("AVIF", is_avif, walk_avif),
    Kind("JXL", is_jxl, _nothing),
    Kind("TIFF", is_tiff, walk_tiff),
    Kind("BMP", _starts(b"BM"), walk_bmp),
    Kind("GIF", _starts(b"GIF87a", b"GIF89a"), walk_gif),
    Kind("PPM", _starts(*(b"P%d" % kind for kind in range(1, 7))), walk_ppm),
)
