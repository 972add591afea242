"""Pictures that lie beside results of others, as panes: what a click on their curve opens."""

from __future__ import annotations

from pathlib import PurePath

from app.explorer.curves import place_of
from app.explorer.library import Library, load_library
from app.panes.names import plain_name
from app.server.demands import BadRequest
from app.server.elsewhere import Elsewhere
from app.server.store import Opened, Photo
from mode_core.evaluation.rows import THEIRS, Row

_NAMED = 8
"""Pictures that a refusal names."""


def kept_pane(
    elsewhere: Elsewhere, photo: Photo, name: str, point: tuple[str, str, str], visitor: str
) -> Opened:
    """The picture of this original at a point: the data set, the codec and its name of the rate."""
    library = load_library()
    codec, rate = (plain_name(text) for text in point[1:])
    row = _row_of(library, point, name)
    path = library.kept[place_of(row)]
    try:
        picture = elsewhere.service.add_photo(path.read_bytes(), visitor)
    except OSError as error:
        raise BadRequest(f"the picture of {codec} at {rate} cannot be read here") from error
    return elsewhere.open(photo, picture, f"{codec} {rate}", row.bytes_file, visitor)


def _row_of(library: Library, point: tuple[str, str, str], name: str) -> Row:
    theirs = [row for row in library.rows if row.profile == THEIRS]
    kept = [row for row in theirs if place_of(row)[:3] == point and place_of(row) in library.kept]
    for row in kept:
        if PurePath(row.image).stem.lower() == name.lower():
            return row
    codec, rate = (plain_name(text) for text in point[1:])
    if not kept:
        raise BadRequest(f"the pictures of {codec} at {rate} are not here")
    names = ", ".join(PurePath(row.image).stem for row in kept[:_NAMED])
    more = ", …" if len(kept) > _NAMED else ""
    raise BadRequest(
        f"the pictures of {codec} are of {names}{more}; open the original of one of them first, "
        "under that name"
    )
