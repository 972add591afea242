"""How large the picture inside an AVIF file really is.

The size that an AVIF file declares and the size of the AV1 picture in it are two numbers; readers
decode the second and scale it to the first. A file of 3 kB can so declare one pixel and make its
reader decode 268 million. Only the layout that our encoder writes is let through: one item, one
extent, one still picture, so that no second, larger picture can hide.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_LAYOUT = (b"ftyp", b"meta", b"mdat")
_META = {b"hdlr", b"pitm", b"iloc", b"iinf", b"iprp"}
_ONE_EXTENT = bytes.fromhex("0000000044000001000100000001")
"""Box `iloc`: version 0, four-byte numbers, one item, number 1, in this file, of one extent."""
_DELIMITER, _SEQUENCE, _FRAME = 2, 1, 6


def avif_size(payload: bytes) -> tuple[int, int]:
    """(width, height) of the coded picture; ValueError for a file laid out unlike ours."""
    boxes = list(_boxes(payload, 0, len(payload)))
    if tuple(kind for kind, _, _ in boxes) != _LAYOUT:
        raise ValueError("not a plain AVIF file")
    (_, meta, meta_end), (_, data, data_end) = boxes[1:]
    inner = list(_boxes(payload, meta + 4, meta_end))
    if {kind for kind, _, _ in inner} != _META or len(inner) != len(_META):
        raise ValueError("not a plain AVIF file")
    where = next(payload[start:end] for kind, start, end in inner if kind == b"iloc")
    if where != _ONE_EXTENT + struct.pack(">II", data, data_end - data):
        raise ValueError("the AVIF item is not the whole of the data")
    return _still_size(payload[data:data_end])


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of each box's body; the boxes must fill the range exactly."""
    while at < end:
        if at + 8 > end:
            raise ValueError("an AVIF box is cut off")
        length, kind = struct.unpack_from(">I4s", data, at)
        if not 8 <= length <= end - at:
            raise ValueError("an AVIF box is longer than its place")
        yield kind, at + 8, at + length
        at += length


def _still_size(data: bytes) -> tuple[int, int]:
    """The size in the sequence header of an AV1 still picture: one header, one frame."""
    units = [unit for unit in _units(data) if unit[0] != _DELIMITER]
    if [kind for kind, _ in units] != [_SEQUENCE, _FRAME]:
        raise ValueError("not one AV1 picture")
    header = units[0][1]
    left = 8 * len(header)
    bits = int.from_bytes(header, "big")

    def take(count: int) -> int:
        nonlocal left
        left -= count
        if left < 0:
            raise ValueError("the AV1 header is cut off")
        return bits >> left & ((1 << count) - 1)

    take(3)  # profile
    if take(2) != 0b11:  # a still picture with the short header, whose frame has no size of its own
        raise ValueError("not an AV1 still picture")
    take(5)  # level
    width_bits, height_bits = take(4) + 1, take(4) + 1
    return take(width_bits) + 1, take(height_bits) + 1


def _units(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and body of each AV1 unit; each must state its length."""
    at = 0
    while at < len(data):
        head = data[at]
        if head & 0b10000110 != 0b10:  # forbidden bit, extension, length present
            raise ValueError("an AV1 unit of another form")
        length, at = _leb128(data, at + 1)
        if length > len(data) - at:
            raise ValueError("an AV1 unit is cut off")
        yield head >> 3 & 15, data[at : at + length]
        at += length


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(data[at : at + 5]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("an AV1 length does not end")
