"""The picture on screen as a data set of its own: what was measured now, and what the results hold.

Each curve has one source: no row of a file joins a curve that was measured now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zlib import crc32

from app.explorer.curves import (
    Curve,
    codec_label,
    live_curves,
    our_curves,
    picture_curves,
    registry_order,
    rows_of,
    visited_curves,
)
from mode_core.evaluation.rows import Row

THIS = "@picture"
"""What menus and links call it: no folder of results has such a name."""
THIS_LABEL = "This picture"
_BOTH = "Open marks and dots: rows of the results. Whole lines: measured now."
_OVER = (
    "Ringed points, and thin lines, are one picture, the one on screen; the others are means of {}."
)


def this_picture(rows: Iterable[Row], picture: Mapping[str, Any]) -> list[Curve]:
    """Every curve and point of the picture on screen."""
    image = str(picture.get("image", ""))[:200]
    opened = [one for one in live_curves(picture) if one.kind == "opened"]
    return [*_live(picture, image), *_stored(rows, image), *opened]


def over_means(rows: Iterable[Row], picture: Mapping[str, Any]) -> list[Curve]:
    """Its points now and its own curves, to be drawn over the means of a data set."""
    own = picture_curves(rows, str(picture.get("image", "")))
    return [*live_curves(picture), *(own or visited_curves(picture))]


def caption(curves: Sequence[Curve]) -> str:
    """What a reader must know to tell a picture's points from means, and rows from what is new."""
    kinds = {curve.kind for curve in curves}
    if kinds & {"now", "picture", "opened"} and kinds & {"ours", "theirs"}:
        images = (p.images for c in curves if c.kind in ("ours", "theirs") for p in c.points)
        return _OVER.format(f"{max(images)} pictures")
    return _BOTH if kinds >= {"live", "stored"} else ""


def _live(picture: Mapping[str, Any], image: str) -> list[Curve]:
    """Through all rates at which its panes were seen, one alone if there is no other."""
    seen = {"visited": picture.get("visited") or picture.get("rows"), "image": image}
    curves = sorted(visited_curves(seen, least=1), key=registry_order)
    return [
        curve._replace(
            key=f"live/{curve.group}",
            kind="live",
            label=codec_label(curve.codec, curve.anchor) if curve.codec else curve.label,
            dataset=THIS,
            note="",
        )
        for curve in curves
    ]


def _stored(rows: Iterable[Row], image: str) -> list[Curve]:
    """Its rows, where it is one of a data set's."""
    return [
        curve._replace(
            key=f"stored/{curve.key}",
            group=f"stored/{crc32(curve.key.encode()):08x}",
            kind="stored",
            dataset=THIS,
            image=image,
            source=f"results/{curve.dataset}",
        )
        for curve in our_curves(rows_of(rows, image))
    ]
