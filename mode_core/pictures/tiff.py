"""The directory of a TIFF file, which EXIF is too: how much its reader would copy out of it.

Pillow reads the data of every tag of a directory. Tags may overlap, so a thousand of them can each
claim the whole file.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from contextlib import suppress

from mode_core.pictures.excess import Excess

EXIF_MARK = b"Exif\0\0"
_MAX_TAGS, _MAX_NUMBERS = 10_000, 1_000_000
_WIDTHS: Mapping[int, int] = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8,
                              17: 8, 18: 8}  # fmt: skip
"""Bytes of one value of each type; types that are not here take one."""


def is_tiff(data: bytes) -> bool:
    """Whether these bytes begin like a TIFF file, small or big."""
    return data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"II\0*", b"MM*\0")


def walk_tiff(data: bytes) -> None:
    """The first directory, the only one that is read."""
    if len(data) < 16:
        return
    order = "<" if data[:2] == b"II" else ">"
    if b"+" in data[2:4]:
        head, entry, at = "Q", "HHQ8x", struct.unpack_from(order + "Q", data, 8)[0]
    else:
        head, entry, at = "H", "HHI4x", struct.unpack_from(order + "I", data, 4)[0]
    (count,) = struct.unpack_from(order + head, data, at)
    if count > _MAX_TAGS:
        raise Excess(f"has a directory of more than {_MAX_TAGS} tags; save it anew")
    room = 2 * len(data)
    at += struct.calcsize(head)
    for _ in range(count):
        _, kind, values = struct.unpack_from(order + entry, data, at)
        at += struct.calcsize(order + entry)
        width = _WIDTHS.get(kind, 1)
        room -= min(values * width, len(data))
        if room < 0 or (width > 1 and values > _MAX_NUMBERS):
            raise Excess("has a directory whose tags hold more than the file itself; save it anew")


def check_exif(block: bytes) -> None:
    """Excess if an EXIF block is one that its reader would copy over and over."""
    with suppress(struct.error):  # damaged, which its reader notices
        walk_tiff(block.removeprefix(EXIF_MARK))
