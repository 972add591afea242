"""How large the picture inside an AVIF file really is.

The size that an AVIF file declares and the size of the AV1 picture in it are two numbers; readers
decode the second and scale it to the first. A file of 3 kB can so declare one pixel and make its
reader decode 268 million. Only the layout that our encoder writes is let through: one item, one
extent, one still picture, so that no second, larger picture can hide.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mode_core.pictures.av1 import DELIMITER, FRAME, SEQUENCE, is_short_still, sequence_size, units
from mode_core.pictures.sizes import Size

_LAYOUT = (b"ftyp", b"meta", b"mdat")
_META = {b"hdlr", b"pitm", b"iloc", b"iinf", b"iprp"}
_ONE_EXTENT = bytes.fromhex("0000000044000001000100000001")
"""Box `iloc`: version 0, four-byte numbers, one item, number 1, in this file, of one extent."""


def avif_size(payload: bytes) -> Size:
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


def _still_size(data: bytes) -> Size:
    """The size in the sequence header of an AV1 still picture: one header, one frame."""
    parts = [part for part in units(data) if part[0] != DELIMITER]
    if [kind for kind, _ in parts] != [SEQUENCE, FRAME]:
        raise ValueError("not one AV1 picture")
    header = parts[0][1]
    if not is_short_still(header):  # whose frame has no size of its own
        raise ValueError("not an AV1 still picture")
    return sequence_size(header)
