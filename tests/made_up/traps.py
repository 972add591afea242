"""Files that ask for far more work than they show, made small: each is a trap for its decoder."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from PIL import Image as Pillow

GREEN = (90, 120, 60)
_PACKED = b"k\0\0" + zlib.compress(bytes(99))


def flat(side: int, format: str, **options: Any) -> bytes:
    """A picture of one colour."""
    file = BytesIO()
    Pillow.new("RGB", (side, side), GREEN).save(file, format, **options)
    return file.getvalue()


def many_scans(scans: int, side: int = 64) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    data = flat(side, "JPEG", progressive=True)
    return data[:-2] + data[data.rindex(b"\xff\xda") : -2] * scans + data[-2:]


def small_says_avif(side: int, says: int) -> bytes:
    """An AVIF that declares a smaller picture than it holds."""
    data = bytearray(flat(side, "AVIF", quality=20, speed=10))
    at = data.index(b"ispe") + 8
    data[at : at + 8] = struct.pack(">II", says, says)
    return bytes(data)


def overlapping_tags(tags: int, size: int) -> bytes:
    """A TIFF directory, or EXIF, in which every tag claims the same bytes."""
    entries = (struct.pack("<HHII", 1000 + tag, 7, size, 0) for tag in range(tags))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", tags) + b"".join(entries) + bytes(size)


def jpeg_with(segments: bytes) -> bytes:
    """A JPEG with these bytes behind its first marker."""
    data = flat(8, "JPEG")
    return data[:2] + segments + data[2:]


def exif_segments(block: bytes) -> bytes:
    """EXIF in as many JPEG segments as it takes."""
    parts = (block[at : at + 60_000] for at in range(0, len(block), 60_000))
    return b"".join(b"\xff\xe1" + struct.pack(">H", 8 + len(one)) + b"Exif\0\0" + one
                    for one in parts)  # fmt: skip


def chunk(kind: bytes, body: bytes) -> bytes:
    """One PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(chunks: bytes) -> bytes:
    """A PNG with these chunks behind its header."""
    data = flat(8, "PNG")
    return data[:33] + chunks + data[33:]


def gif_with(extension: int, block: bytes, count: int) -> bytes:
    """A GIF with an extension of so many blocks before its picture."""
    data = flat(8, "GIF")
    at = 13 + (3 << (data[10] & 7) + 1)
    part = bytes([len(block)]) + block
    return data[:at] + bytes([0x21, extension]) + part * count + b"\0" + data[at:]


def run_length_bmp(pairs: int) -> bytes:
    """A BMP of run lengths with so many runs of one pixel."""
    head = struct.pack("<IiiHHIIiiII", 40, 4000, 2500, 1, 8, 1, 0, 0, 0, 256, 0)
    body = head + bytes(1024) + b"\1\7" * pairs
    return b"BM" + struct.pack("<IHHI", 14 + len(body), 0, 0, 14 + 40 + 1024) + body


TRAPS: Mapping[str, Callable[[], bytes]] = {
    "jpeg of a thousand scans": lambda: many_scans(1000),
    "jpeg of countless segments": lambda: jpeg_with(b"\xff\xe5\0\2" * 20_000),
    "jpeg with filler": lambda: jpeg_with(b"\xff\xe5\0\2" + bytes(100_000)),
    "jpeg whose exif overlaps": lambda: jpeg_with(exif_segments(overlapping_tags(4000, 60_000))),
    "jpeg with exif without end": lambda: jpeg_with(exif_segments(bytes(60_000)) * 20),
    "avif larger than it says": lambda: small_says_avif(5100, 100),
    "png of packed texts": lambda: png_with(
        chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(99))) * 200
    ),
    "png of packed profiles": lambda: png_with(
        chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(99))) * 200
    ),
    "png of empty chunks": lambda: png_with(chunk(b"teSt", b"") * 100_001),
    "gif with a long comment": lambda: gif_with(0xFE, bytes(255), 5000),
    "gif of tiny blocks": lambda: gif_with(0xFF, b"x", 50_000),
    "tiff whose tags overlap": lambda: overlapping_tags(4000, 60_000),
    "tiff of countless tags": lambda: overlapping_tags(20_000, 10),
    "bmp of countless runs": lambda: run_length_bmp(2_100_000),
    "ppm with a long comment": lambda: b"P6 1#" + b"x" * 100_000 + b"\n0 10 255 " + bytes(300),
    "ppm with countless comments": lambda: b"P3 10 10 255\n" + b"#\n" * 2000,
}
