"""What may be asked for: limits, and the errors of what lies beyond them."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from app.panes.names import ORIGINAL, all_panes, opened_key, own_rate, parse_pane
from app.panes.weights import info_of, parts_of
from app.server.jobs import anchor_of
from app.server.store import Opened, Photo
from mode_core.codecs.registry import CODECS
from mode_core.errors import ModeError

MAX_PANES, MAX_CODED = 40, 12
"""On one screen: of all kinds, and of those that this server codes."""
MIN_BPP, MAX_BPP = 0.001, 8.0
LARGE_PIXELS, SCALED_PIXELS = 1_500_000, 1_000_000
"""The page asks before it codes more, and offers a picture of so many pixels instead."""


PICTURE_GONE = "this picture is not in the server's memory (any more); open the file again"
OPENED_GONE = "this opened picture has left the server's memory; drop or open its file again"
OPENED_FOR_ANOTHER = "this picture was opened beside another original; open its file again"
FILE_GONE = "this file is not in the server's memory (any more); open it again"


class Expired(ModeError):
    """The picture or file has left the server's memory."""


class BadRequest(ModeError):
    """The request asks for something that does not exist."""


def check_size(size: int, limit: int) -> None:
    """BadRequest for a file of more bytes than are taken."""
    if size > limit:
        raise BadRequest(f"the file has more than {limit >> 20} MB, which is the limit here")


def check_request(panes: Sequence[str], bpp: float) -> None:
    """ModeError unless every pane can exist and the rate is one that pictures have."""
    if len(panes) > MAX_PANES:
        raise BadRequest(f"{len(panes)} panes were asked for; {MAX_PANES} is the most")
    coded = [id for id in panes if id != ORIGINAL and not opened_key(id)]
    if len(coded) > MAX_CODED:
        raise BadRequest(f"{len(coded)} coded panes were asked for; {MAX_CODED} is the most")
    if coded:
        _check_rate(bpp, "the rate")
    for id in coded:
        if (own := own_rate(id)) is not None:
            _check_rate(own, f"the rate of {id!r:.50}")
        if not _can_be(id):
            names = ", ".join(all_panes())
            raise BadRequest(
                f"there is no pane {id!r:.50}; choose from {names}; each may have a rate of its "
                "own, as elic@0.05"
            )


def _check_rate(bpp: float, what: str) -> None:
    if not (isfinite(bpp) and MIN_BPP <= bpp <= MAX_BPP):
        raise BadRequest(f"{what} is {bpp:g} bpp; it must lie between {MIN_BPP} and {MAX_BPP:g}")


def _can_be(pane: str) -> bool:
    """Whether a pane names a codec, and an anchor where that has several; or UnknownAnchor."""
    codec, anchor = parse_pane(pane)
    if parts_of(codec)[0] not in CODECS or codec.endswith("."):
        return False
    anchor_of(anchor)
    return (None in info_of(codec).outputs) != bool(anchor)


def check_opened(found: object, photo: Photo) -> Opened | str:
    """A picture that was made elsewhere, or the sentence why it is not shown beside this photo."""
    if not isinstance(found, Opened):
        return OPENED_GONE
    return found if found.photo == photo.key else OPENED_FOR_ANOTHER
