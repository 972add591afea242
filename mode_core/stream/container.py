"""The file format `.mode`: a short header, the codec's streams, a checksum.

All integers are little-endian. A varint holds 7 bits per byte, low bits first, the high bit set on
all bytes but the last, and is at most 4 bytes long.

    offset  bytes  field
    0       4      magic, "MODE"
    4       1      version, 1
    5       1      codec, the `wire_id` of its row
    6       4      weights tag, the first 4 bytes of a SHA-256; zero for classical codecs
    10      1      quality, the codec's own number
    11      2      target: the rate aimed for in 1/2048 bits per pixel, 0 when none was given
    13      1-4    width, varint
    ..      1-4    height, varint
    ..      1      number of streams, 1 to 4
    ..             per stream: symbol check (2), length (varint; absent for the last stream)
    ..             the streams, one after the other; the last one fills what is left
    -4      4      CRC-32 of everything before it

A symbol check is the CRC-16 of the integers that the stream decodes to (0: none), so a machine
that reads other integers than were written is noticed. A stream of length zero is lost: MoDE then
decodes with the expert that is left. At 768x512 the overhead is 24 bytes with one stream and 28
with two.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace

from mode_core.errors import BitstreamError

MAGIC, VERSION = b"MODE", 1
MAX_SIDE, MAX_PIXELS, MAX_STREAMS = 1 << 16, 25_000_000, 4
_FIXED = struct.Struct("<4sBB4sBH")
_TARGET_STEPS = 2048


@dataclass(frozen=True, slots=True)
class Stream:
    """One codec-specific payload and the CRC-16 of what it decodes to."""

    payload: bytes
    check: int = 0


@dataclass(frozen=True, slots=True)
class Bitstream:
    """A parsed file: everything a decoder may know."""

    codec: int
    weights: bytes
    quality: int
    width: int
    height: int
    streams: tuple[Stream, ...]
    target_bpp: float | None = None

    @property
    def bpp(self) -> float:
        """Bits per pixel of the whole file, header included."""
        return 8 * len(self.to_bytes()) / (self.width * self.height)

    @property
    def payload_bytes(self) -> int:
        """Bytes of the streams alone."""
        return sum(len(stream.payload) for stream in self.streams)

    def without(self, index: int) -> Bitstream:
        """The same file with one stream lost."""
        streams = list(self.streams)
        streams[index] = Stream(b"", streams[index].check)
        return replace(self, streams=tuple(streams))

    def to_bytes(self) -> bytes:
        """The file."""
        steps = round((self.target_bpp or 0) * _TARGET_STEPS)
        head = bytearray(
            _FIXED.pack(MAGIC, VERSION, self.codec, self.weights, self.quality, min(steps, 0xFFFF))
        )
        head += _varint(self.width) + _varint(self.height)
        head.append(len(self.streams))
        for place, stream in enumerate(self.streams, 1):
            head += stream.check.to_bytes(2, "little")
            if place < len(self.streams):
                head += _varint(len(stream.payload))
        body = bytes(head) + b"".join(stream.payload for stream in self.streams)
        return body + zlib.crc32(body).to_bytes(4, "little")

    @classmethod
    def from_bytes(cls, data: bytes) -> Bitstream:
        """The file's content; BitstreamError unless it is whole and intact."""
        if data[:4] != MAGIC:
            raise BitstreamError("not a .mode file: it does not start with MODE")
        if len(data) < _FIXED.size + 4:
            raise BitstreamError(f"the file is cut off: {len(data)} bytes hold no header")
        if data[4] != VERSION:
            raise BitstreamError(
                f"the file has format version {data[4]}, this program reads {VERSION}"
            )
        body = data[:-4]
        if zlib.crc32(body) != int.from_bytes(data[-4:], "little"):
            raise BitstreamError("the file is damaged or cut off: its checksum does not match")
        _, _, codec, weights, quality, steps = _FIXED.unpack_from(body)
        width, at = _read_varint(body, _FIXED.size)
        height, at = _read_varint(body, at)
        if not (0 < width < MAX_SIDE and 0 < height < MAX_SIDE and width * height <= MAX_PIXELS):
            raise BitstreamError(
                f"the file says {width}x{height} pixels; at most {MAX_PIXELS // 10**6} megapixels "
                "are decoded"
            )
        streams = _read_streams(body, at)
        return cls(codec, weights, quality, width, height, streams, _target_of(steps))


TARGET_DOUBT = 1 / _TARGET_STEPS
"""A rate that was read is off by less than this from the one that was asked for."""


def _target_of(steps: int) -> float | None:
    """The rate that was aimed for: the one of fewest digits that is written as so many steps.

    Rates are asked for in few digits, and a file's size is held against what was asked for.
    """
    exact = steps / _TARGET_STEPS
    tries = (round(exact, digits) for digits in range(1, 5))
    return next((one for one in tries if round(one * _TARGET_STEPS) == steps), exact) or None


def symbol_check(data: bytes) -> int:
    """The CRC-16 that marks what a stream decodes to; never 0, which means "none"."""
    return (zlib.crc32(data) & 0xFFFF) or 1


def _read_streams(body: bytes, at: int) -> tuple[Stream, ...]:
    count = body[at] if at < len(body) else 0
    if not 1 <= count <= MAX_STREAMS:
        raise BitstreamError(f"the file says it has {count} streams; 1 to {MAX_STREAMS} are known")
    at += 1
    marks: list[tuple[int, int]] = []
    for place in range(1, count + 1):
        check = int.from_bytes(body[at : at + 2], "little")
        at += 2
        length = -1
        if place < count:
            length, at = _read_varint(body, at)
        marks.append((check, length))
    left = len(body) - at - sum(length for _, length in marks[:-1])
    if left < 0:
        raise BitstreamError("the file is inconsistent: its streams are longer than the file")
    streams = []
    for check, length in [*marks[:-1], (marks[-1][0], left)]:
        streams.append(Stream(body[at : at + length], check))
        at += length
    return tuple(streams)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(4):
        if at + place >= len(data):
            break
        byte = data[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise BitstreamError("the file's header is damaged: a number does not end")
