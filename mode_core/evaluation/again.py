"""Pictures of rows, made again: a row's file at the row's quality, or nothing if it is another one.

A file is encoded once for all rows that were measured from it, at their own quality and with the
imported set that they name, without a search for a size. What comes out otherwise today is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mode_core.codecs.identity import quality_for
from mode_core.codecs.registry import load_codec
from mode_core.codecs.roundtrip import decode_file
from mode_core.evaluation.bench import name_in_rows, tag_in
from mode_core.evaluation.rows import THEIRS, Row
from mode_core.evaluation.workers import Reader
from mode_core.metrics import QUICK_METRICS, measure
from mode_core.pictures.files import read_image
from mode_core.stream.container import Bitstream
from mode_core.types import Anchor, Image, Target

OTHER_FILE = "whose file comes out otherwise today, by other weights or another encoder"
OTHER_PICTURE = "whose picture has another PSNR today"
NO_PHOTO = "without their photo"
THEIR_ROWS = "whose pictures others decoded (bench --reconstructions --resume measures those)"
_SAME_DB = 0.01
"""The picture is drawn in bfloat16 on one machine and in float32 on the next."""


class OtherwiseError(Exception):
    """What is made today is not what the rows are of."""


class PictureAgain(NamedTuple):
    """One decoded picture, and the rows that were measured from it."""

    rows: Sequence[Row]
    original: Image
    image: Image


def by_file(
    rows: Iterable[Row], photos: Sequence[Path]
) -> Iterator[tuple[Path | None, Sequence[Row]]]:
    """The rows of each file together, with its photo, if that is among these."""
    known = {name_in_rows(photo): photo for photo in photos}
    files: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        file = row.image, row.codec, row.profile, row.weights, row.quality, row.bytes_file
        files.setdefault(file, []).append(row)
    for own in files.values():
        yield known.get(own[0].image), own


def pictures_again(
    photo: Path | None, rows: Sequence[Row], read: Reader = read_image
) -> Iterator[PictureAgain]:
    """The pictures of one file's rows; those that are others today are left out.

    OtherwiseError if the file itself is another one, or cannot be made.
    """
    first = rows[0]
    if first.profile == THEIRS:
        raise OtherwiseError(THEIR_ROWS)
    if photo is None:
        raise OtherwiseError(NO_PHOTO)
    codec = load_codec(first.codec, first.profile)
    quality = quality_for(first.codec, first.profile, first.weights, first.quality)
    if quality is None:
        raise OtherwiseError(OTHER_FILE)
    original = read(photo)
    made = codec.encode(original, Target(quality=quality))
    if not all(_is_of(row, made) for row in rows):
        raise OtherwiseError(OTHER_FILE)
    file = made.to_bytes()
    names = list(dict.fromkeys(row.anchor for row in rows))
    anchors = [Anchor.parse(name) if name else None for name in names]
    pictures = decode_file(file, Bitstream.from_bytes(file), anchors, codec)
    for name, picture in zip(names, pictures, strict=True):
        own = [row for row in rows if row.anchor == name]
        if same := _of_picture(own, original, picture.image):
            yield PictureAgain(same, original, picture.image)


def _is_of(row: Row, made: Bitstream) -> bool:
    """Whether a file is the one that a row was measured from, as far as the row tells."""
    told = row.weights, row.quality, row.bytes_file, row.bytes_payload, row.width, row.height
    sizes = len(made.to_bytes()), made.payload_bytes, made.width, made.height
    return told == (tag_in(made), made.quality, *sizes)


def _of_picture(rows: Sequence[Row], original: Image, picture: Image) -> list[Row]:
    """Those rows of an anchor that were measured from this picture."""
    quick = measure(original, picture, QUICK_METRICS).values
    return [
        row
        for row in rows
        if all(
            math.isclose(row.values[key], value, rel_tol=0, abs_tol=_SAME_DB)
            for key, value in quick.items()
            if key in row.values
        )
    ]
