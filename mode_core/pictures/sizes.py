"""Picture sizes read from a file's first bytes, for formats whose reader allocates on opening.

Pillow opens JPEG, PNG, TIFF and AVIF without touching pixels, so their sizes come from there. It
allocates the canvas of a WebP and decodes the whole of a JPEG XL before anyone can object.
"""

from __future__ import annotations

import struct
import zlib

FOREIGN_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    EOFError,
    MemoryError,
    struct.error,
    zlib.error,
)
"""What third-party readers raise on broken files; none of them promises a type of its own."""

_JXL_BARE, _JXL_BOXED = b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"
_JXL_SIDE = ((9, 1), (13, 1), (18, 1), (30, 1))
_JXL_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))

Size = tuple[int, int]


def is_webp(data: bytes) -> bool:
    """Whether these bytes begin like a WebP file."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def webp_size(data: bytes) -> Size:
    """(width, height) that a WebP file declares; ValueError if it declares none."""
    kind, body = data[12:16], data[20:30]
    if not is_webp(data) or len(body) < 10:
        raise ValueError("not a WebP header")
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", body[6:10])
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    raise ValueError("not a WebP header")


def is_jxl(data: bytes) -> bool:
    """Whether these bytes begin like a JPEG XL file, bare or boxed."""
    return data.startswith((_JXL_BARE, _JXL_BOXED))


def jxl_size(data: bytes) -> Size:
    """(width, height) that a JPEG XL file declares; ValueError if it declares none."""
    codestream = data if data.startswith(_JXL_BARE) else _jxl_codestream(data)
    if not codestream.startswith(_JXL_BARE):
        raise ValueError("not a JPEG XL header")
    return take_jxl_size(Bits(codestream[:16], 16))


def take_jxl_size(bits: Bits) -> Size:
    """The size header that follows the first two bytes of a JPEG XL codestream."""
    by_eight = bits.take(1) == 1
    height = _jxl_side(bits, by_eight)
    ratio = bits.take(3)
    if ratio == 0:
        return _jxl_side(bits, by_eight), height
    across, down = _JXL_RATIOS[ratio - 1]
    return height * across // down, height


class Bits:
    """Numbers of any width out of bytes, lowest bit first; ValueError past the end."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at
        """Place of the next bit."""

    def take(self, count: int) -> int:
        """The next `count` bits, at most 32."""
        first, shift = divmod(self.at, 8)
        self.at += count
        if self.at > 8 * len(self.data):
            raise ValueError("the header is cut off")
        return int.from_bytes(self.data[first : first + 5], "little") >> shift & ((1 << count) - 1)

    def choose(self, ways: tuple[tuple[int, int], ...]) -> int:
        """A number stored in one of four ways: so many bits, plus an offset."""
        count, offset = ways[self.take(2)]
        return self.take(count) + offset

    def align(self) -> None:
        """On to the next whole byte."""
        self.at += -self.at % 8


def _jxl_side(bits: Bits, by_eight: bool) -> int:
    return (bits.take(5) + 1) * 8 if by_eight else bits.choose(_JXL_SIDE)


def _jxl_codestream(data: bytes) -> bytes:
    """The first part of the codestream inside a boxed file."""
    at = 0
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = at + (16 if length == 1 else 8)
        if kind == b"jxlc":
            return data[body : body + 14]
        if kind == b"jxlp":  # a part number of four bytes comes first
            return data[body + 4 : body + 18]
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16], "big")
        if length < 8:
            break
        at += length
    raise ValueError("no codestream in the JPEG XL file")
