"""How many pixels an AVIF file makes its reader decode, whatever size it declares.

Readers decode the AV1 pictures in a file and scale them to the size that the file declares. One
file may hold several: colour, alpha, a gain map, the cells of a grid, the layers of each.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from mode_core.pictures.av1 import FRAME, FRAME_HEADER, SEQUENCE, sequence_size, units
from mode_core.pictures.excess import Excess
from mode_core.pictures.tiff import check_exif
from mode_core.stream.container import MAX_PIXELS

_BRANDS = (b"avif", b"avis", b"mif1", b"msf1")
_INSIDE = {b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0, b"meta": 4, b"iprp": 0,
           b"ipco": 0}  # fmt: skip
"""Boxes that hold boxes, and where those start."""
_AV1, _EXIF = b"av01", b"Exif"
_MAX_BOXES, _MAX_ITEMS, _MAX_FRAMES = 20_000, 2_000, 16
_MOST = 6 * MAX_PIXELS
"""Colour, alpha and a gain map, twice over for layers or for cells that reach beyond a grid."""

Box = tuple[bytes, int, int]
"""Kind, start and end of its body."""


def is_avif(data: bytes) -> bool:
    """Whether these bytes begin like an AVIF file."""
    return data[4:8] == b"ftyp" and data[8:12] in _BRANDS


def walk_avif(data: bytes) -> None:
    """Every AV1 picture that may be decoded: all items, and the first sample of each track."""
    boxes = list(_boxes(data, 0, len(data)))
    work = 0
    for kind, coded in (*_items(data, boxes), *_samples(data, boxes)):
        if kind == _EXIF:
            check_exif(coded[4 + int.from_bytes(coded[:4], "big") :])
            continue
        work += _work(coded)
        if work > _MOST:
            raise Excess(
                f"is an AVIF that holds more than {_MOST // 10**6} megapixels in all; save it anew"
            )


def _work(coded: bytes) -> int:
    """Pixels that decoding these units comes to."""
    largest, frames = 0, 0
    try:
        for kind, body in units(coded):
            frames += kind in (FRAME, FRAME_HEADER)
            if kind == SEQUENCE:
                width, height = sequence_size(body[:64])
                largest = max(largest, width * height)
    except ValueError:
        pass  # damaged behind what was seen so far
    if largest > MAX_PIXELS or frames > _MAX_FRAMES:
        raise Excess(
            f"is an AVIF with a picture of more than {MAX_PIXELS // 10**6} megapixels or of too "
            "many layers inside; scale it down first"
        )
    return largest * max(frames, 1)


def _boxes(data: bytes, at: int, end: int) -> Iterator[Box]:
    """All boxes in the order of the file, those inside others after them."""
    places, count = [(at, end)], 0
    while places:
        at, end = places.pop()
        if end - at < 8:
            continue
        length, kind = struct.unpack_from(">I4s", data, at)
        body = at + 8
        if length == 1:
            length, body = int.from_bytes(data[body : body + 8], "big"), body + 8
        stop = min(at + length, end) if length else end
        if stop < body:
            continue
        count += 1
        if count > _MAX_BOXES:
            raise Excess("is an AVIF of too many parts; save it anew")
        yield kind, body, stop
        places.append((stop, end))
        if kind in _INSIDE:
            places.append((body + _INSIDE[kind], stop))


def _items(data: bytes, boxes: Sequence[Box]) -> Iterator[tuple[bytes, bytes]]:
    """The bytes of each item that is an AV1 picture or EXIF, with its type."""
    stores = [start for kind, start, _ in boxes if kind == b"idat"] or [0]
    types = [
        found for kind, start, end in boxes if kind == b"iinf" for found in _types(data, start, end)
    ]
    for kind, start, end in boxes:
        if kind != b"iloc":
            continue
        for item, inside, extents in _locations(data, start, end):
            base = stores[0] if inside else 0
            for type in (type for number, type in types if number == item):
                yield type, _joined(data, [(base + at, size) for at, size in extents])


def _joined(data: bytes, extents: Sequence[tuple[int, int]]) -> bytes:
    parts, room = [], len(data)
    for at, size in extents:
        parts.append(data[at : at + size if size else None])
        room -= len(parts[-1])
        if room < 0:
            raise Excess("is an AVIF whose parts overlap; save it anew")
    return b"".join(parts)


def _types(data: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Number and type of each item that matters here."""
    for kind, at, _ in _boxes(data, start + (8 if data[start] else 6), end):
        if kind == b"infe":
            behind = at + (8 if data[at] >= 3 else 6)
            type = data[behind + 2 : behind + 6]
            if type in (_AV1, _EXIF):
                yield int.from_bytes(data[at + 4 : behind], "big"), type


def _locations(
    data: bytes, start: int, end: int
) -> Iterator[tuple[int, bool, list[tuple[int, int]]]]:
    """Each item's number, whether it lies in the item store, and its extents."""
    at = start

    def take(count: int) -> int:
        nonlocal at
        at += count
        if at > end:
            raise ValueError("the table of items is cut off")
        return int.from_bytes(data[at - count : at], "big")

    version = take(4) >> 24
    widths = take(2)
    offset_size, length_size, base_size, index_size = (widths >> s & 15 for s in (12, 8, 4, 0))
    number = 4 if version == 2 else 2
    items = take(number)
    if items > _MAX_ITEMS:
        raise Excess("is an AVIF of too many parts; save it anew")
    for _ in range(items):
        item = take(number)
        inside = version > 0 and take(2) & 15 == 1
        take(2)
        base = take(base_size)
        extents = []
        for _ in range(take(2)):
            take(index_size if version else 0)
            extents.append((base + take(offset_size), take(length_size)))
        yield item, inside, extents


def _samples(data: bytes, boxes: Sequence[Box]) -> Iterator[tuple[bytes, bytes]]:
    """The first sample of each track."""
    size = offset = -1
    for kind, start, _ in boxes:
        if kind == b"stbl":
            size = offset = -1
        elif kind == b"stsz":
            (uniform,) = struct.unpack_from(">4xI", data, start)
            size = uniform or struct.unpack_from(">12xI", data, start)[0]
        elif kind in (b"stco", b"co64"):
            (offset,) = struct.unpack_from(">8xI" if kind == b"stco" else ">8xQ", data, start)
        if size >= 0 and offset >= 0:
            yield _AV1, data[offset : offset + size]
            size = offset = -1
