"""The parts of an AV1 stream and the size in its header, without decoding any of it."""

from __future__ import annotations

from collections.abc import Iterator

from mode_core.pictures.sizes import Size

DELIMITER, SEQUENCE, FRAME_HEADER, FRAME = 2, 1, 3, 6


def units(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and body of each unit; ValueError where one is cut off."""
    at = 0
    while at < len(data):
        head = data[at]
        at += 2 if head & 0b100 else 1
        length = len(data) - at
        if head & 0b10:
            length, at = _leb128(data, at)
        if head & 0x80 or not 0 <= length <= len(data) - at:
            raise ValueError("an AV1 unit is cut off")
        yield head >> 3 & 15, data[at : at + length]
        at += length


def sequence_size(header: bytes) -> Size:
    """(width, height) of the largest frame that a sequence header allows."""
    bits = _HighFirst(header)
    bits.take(4)  # profile, and whether it is a still picture
    if bits.take(1):  # short header
        bits.take(5)
    else:
        _skip_timing(bits)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(width_bits) + 1, bits.take(height_bits) + 1


def is_short_still(header: bytes) -> bool:
    """Whether this is the short header of a still picture, whose frame has no size of its own."""
    return header[:1] != b"" and header[0] & 0b11000 == 0b11000


class _HighFirst:
    """Numbers of any width out of bytes, highest bit first; ValueError past the end."""

    def __init__(self, data: bytes) -> None:
        self.left = 8 * len(data)
        self.bits = int.from_bytes(data, "big")

    def take(self, count: int) -> int:
        self.left -= count
        if self.left < 0:
            raise ValueError("the AV1 header is cut off")
        return self.bits >> self.left & ((1 << count) - 1)


def _skip_timing(bits: _HighFirst) -> None:
    """Past clocks and operating points, by section 5.5 of the AV1 specification."""
    delay = 0
    if bits.take(1):  # timing
        bits.take(64)
        if bits.take(1):  # a number that counts its own leading zeros
            zeros = 0
            while not bits.take(1):
                zeros += 1
            bits.take(zeros)
        if bits.take(1):  # decoder model
            delay = bits.take(5) + 1
            bits.take(42)
    display = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if delay and bits.take(1):
            bits.take(2 * delay + 1)
        if display and bits.take(1):
            bits.take(4)


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(data[at : at + 5]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("an AV1 length does not end")
