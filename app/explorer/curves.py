"""From results to the curves that can be drawn: ours, theirs, published, the user's, a picture's.

One source per curve, never mixed; what a point is stands in `mode_core.evaluation.curves`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from math import isfinite
from pathlib import PurePath
from typing import Any, Literal, NamedTuple
from zlib import crc32

from app.panes.weights import licence_of, maker_name, parts_of, with_profile
from mode_core.codecs.registry import CODECS
from mode_core.errors import UnknownAnchor
from mode_core.evaluation.curves import (
    Point,
    Sample,
    curve_at,
    frame_of,
    mean_points,
    published_points,
)
from mode_core.evaluation.rows import THEIRS, PublishedPoint, Row
from mode_core.metrics import bdrate
from mode_core.metrics.table import MEASURABLE, Metric
from mode_core.types import Anchor, number_in

Kind = Literal["ours", "theirs", "picture", "now", "opened", "yours", "published", "live", "stored"]
"""A picture's own curves are `picture` over the means of a data set; where it stands alone they are
`live` (measured now) or `stored` (from the results)."""
_LEAST_BPP, _MOST_BPP = 1e-6, 100
"""Rates that are believed of a page; no picture has others."""
THEIR_SOURCE = "theirs: measured here from their pictures"
Place = tuple[str, str, str, str]
"""Data set, codec, name of the rate and picture of a row of theirs."""


class Curve(NamedTuple):
    """Points of one codec from one source by rate; `group` is the legend entry it belongs to.

    Groups stand in links: short, and the same in every run.
    """

    key: str
    group: str
    label: str
    kind: Kind
    dataset: str
    points: Sequence[Point]
    codec: str = ""
    anchor: str = ""
    image: str = ""
    source: str = ""
    note: str = ""
    licence: str = ""
    """Licence of the public weights that made the pictures behind the points; else empty."""
    kept: Sequence[str] = ()
    """The rates of a curve of theirs whose pictures lie beside the results."""
    files: str = ""
    """A digest of which files rows of ours are about: picture, weights, quality, bytes."""

    def at(self, metric: str) -> list[tuple[float, float, Point]]:
        """(bpp, value, point) wherever this metric is known."""
        return [(p.bpp, p.values[metric], p) for p in self.points if metric in p.values]

    @property
    def origin(self) -> str:
        """Who made the curve: ours, yours, measured here, or the source of a published one."""
        ours = "measured here" if self.licence else "ours"  # weights of others are not ours
        known = {"ours": ours, "yours": "yours", "live": "measured now", "stored": "results"}
        return known.get(self.kind, self.source.split("/")[0])

    @property
    def name(self) -> str:
        """The label with the origin."""
        return f"{self.label} ({self.origin})"

    def for_bd(self, metric: Metric) -> bdrate.Curve:
        """The curve as BD-rates take it."""
        return curve_at(self.points, metric, self.name)


def number(value: object) -> float | None:
    """The value as a finite float, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        parsed = number_in(value) if isinstance(value, str) else float(value)
    except (ValueError, OverflowError):
        return None
    return parsed if isfinite(parsed) else None


def anchor_of(text: str) -> Anchor | None:
    """The anchor that a row names; None if there is no such anchor."""
    try:
        return Anchor.parse(text)
    except UnknownAnchor:
        return None


def codec_label(codec: str, anchor: str) -> str:
    """The label of a codec's picture, with the profile of public weights."""
    info, found = CODECS.get(parts_of(codec)[0]), anchor_of(anchor)
    if info is None or (found is None and (anchor or info.has_anchors)):
        return f"{info.title if info else codec} {anchor}".strip()
    return with_profile(info.label(found), codec)


def our_curves(rows: Iterable[Row]) -> list[Curve]:
    """The mean over each dataset at each target, one curve per codec, anchor and profile."""
    ours = [row for row in rows if row.profile != THEIRS]
    files: dict[str, set[tuple[object, ...]]] = defaultdict(set)
    for row in ours:
        file = row.image, row.target_bpp, row.weights, row.quality, row.bytes_file
        files[_key(row)].add(file)
    curves = [
        _ours(row, points, note)._replace(
            files=f"{crc32(repr(sorted(files[_key(row)])).encode()):08x}"
        )
        for row, points, note in _means(ours)
    ]
    return sorted(_told_apart(curves), key=registry_order)


def their_curves(rows: Iterable[Row], kept: Container[Place] = ()) -> list[Curve]:
    """The mean over each dataset at each rate of pictures that somebody else decoded."""
    theirs = [row for row in rows if row.profile == THEIRS]
    at_hand: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for row in theirs:
        if place_of(row) in kept:
            at_hand[row.dataset, row.codec][row.rate_name] = None
    curves = [
        Curve(
            key=f"theirs/{row.dataset}/{row.codec}",
            group=f"theirs/{crc32(row.codec.encode()):08x}",
            label=row.codec[:80],
            kind="theirs",
            dataset=row.dataset,
            points=points,
            codec=row.codec,
            source=THEIR_SOURCE,
            note=note,
            kept=tuple(at_hand[row.dataset, row.codec]),
        )
        for row, points, note in _means(theirs)
    ]
    return sorted(curves, key=lambda curve: (curve.label.lower(), curve.key))


def place_of(row: Row) -> Place:
    """Where a picture of theirs is found again."""
    return row.dataset, row.codec, row.rate_name, row.image


def _key(row: Row) -> str:
    """The rows of a curve have it in common."""
    return f"{row.dataset}/{maker_name(row.codec, row.profile)}/{row.anchor}/{row.profile}"


def _means(rows: Iterable[Row]) -> Iterator[tuple[Row, Sequence[Point], str]]:
    """A row of each curve, its points, and a note on rates that miss pictures and are left out."""
    first: dict[str, Row] = {}
    samples = []
    for row in rows:
        key = _key(row)
        first.setdefault(key, row)
        step = row.rate_name or f"aimed at {row.target_bpp:g} bpp"
        samples.append(Sample(key, step, row.image, row.bpp, row.values))
    frame = frame_of(samples)
    pictures = frame.groupby(["curve", "step"]).image.nunique()
    for key, points in mean_points(frame).items():
        whole = pictures[key].max()
        left_out = (pictures[key] < whole).sum()
        note = f"{left_out} unfinished rates left out (fewer than {whole} pictures)"
        yield first[key], points, note if left_out else ""


def _ours(row: Row, points: Sequence[Point], note: str) -> Curve:
    codec, anchor, profile = maker_name(row.codec, row.profile), row.anchor, row.profile
    return Curve(
        key=f"ours/{_key(row)}",
        group=f"{codec}/{anchor}",
        label=codec_label(codec, anchor),
        kind="ours",
        dataset=row.dataset,
        points=points,
        codec=codec,
        anchor=anchor,
        source=f"measured here, {profile} weights" if profile else "measured here",
        note=note,
        licence=licence_of(codec),
    )


def rows_of(rows: Iterable[Row], image: str) -> list[Row]:
    """The rows of one picture, by its name without the ending."""
    wanted = PurePath(image).stem.lower()
    return [row for row in rows if wanted and PurePath(row.image).stem.lower() == wanted]


def picture_curves(rows: Iterable[Row], image: str) -> list[Curve]:
    """The curves of one picture, where the results hold it; [] where they do not."""
    mine = rows_of(rows, image)
    return [
        curve._replace(
            key=f"picture/{curve.key}",
            kind="picture",
            image=mine[0].image,
            note="this picture only",
        )
        for curve in our_curves(mine)
    ]


def published_curves(rows: Sequence[PublishedPoint]) -> list[Curve]:
    """One curve per (codec, dataset, source); the same codec from two sources is two curves."""
    notes: dict[tuple[str, str, str], dict[str, None]] = defaultdict(dict)
    for row in rows:
        notes[row.codec, row.dataset, row.source_ref] |= {row.notes: None} if row.notes else {}
    curves = []
    for (codec, dataset, source), points in published_points(rows).items():
        key = f"published/{dataset}/{codec}/{source}"
        group = f"published/{crc32(key.encode()):08x}"
        note = "; ".join(notes[codec, dataset, source])
        curves.append(
            Curve(key, group, codec, "published", dataset, points, source=source, note=note)
        )
    return sorted(curves, key=lambda curve: (curve.label.lower(), curve.source))


def visited_curves(picture: Mapping[str, Any], least: int = 2) -> list[Curve]:
    """The curves of the picture on screen through all rates at which it was seen, if so many."""
    seen = live_curves(picture, "visited")
    points = mean_points(
        frame_of(Sample(one.group, str(at.bpp), "", *at[:2]) for one in seen for at in one.points)
    )
    return [
        curve._replace(
            key=f"picture/{group}",
            kind="picture",
            points=[point._replace(quality="") for point in points[group]],
            source="measured here, now",
            note="this picture only",
        )
        for group, curve in {one.group: one for one in reversed(seen)}.items()
        if len(points[group]) >= least
    ]


def live_curves(picture: Mapping[str, Any], which: str = "rows") -> list[Curve]:
    """The points of the picture on screen, from the viewer's `mode:result`; junk is left out."""
    image = str(picture.get("image", ""))[:200]
    curves: list[Curve] = []
    rows = picture.get(which)
    for row in rows[:256] if isinstance(rows, list) else []:
        bpp = number(row.get("bpp")) if isinstance(row, Mapping) else None
        if bpp is None or not _LEAST_BPP <= bpp <= _MOST_BPP:
            continue
        codec, anchor = str(row.get("codec") or "")[:40], str(row.get("anchor") or "")[:40]
        found = {metric.key: number(row.get(metric.key)) for metric in MEASURABLE.values()}
        known = ((MEASURABLE[key], value) for key, value in found.items() if value is not None)
        values = {one.key: value for one, value in known if one.limits[0] <= value <= one.limits[1]}
        label = str(row.get("label") or codec_label(codec, anchor))[:80]
        curve = Curve(
            key=f"now/{len(curves)}/{codec}/{anchor}",
            group=f"{codec}/{anchor}",
            label=label,
            kind="now",
            dataset="",
            points=[Point(bpp, values)],
            codec=codec,
            anchor=anchor,
            image=image,
            source="the picture on screen",
            licence=licence_of(codec),
        )
        curves.append(_opened(curve) if row.get("opened") is True else curve)
    return curves


def _opened(curve: Curve) -> Curve:
    """The point of a picture that was made elsewhere, of which only its name is known."""
    group = f"opened/{crc32(curve.label.encode('utf-8', 'replace')):08x}"
    source = "opened beside the picture on screen"
    return curve._replace(
        kind="opened", group=group, codec="", anchor="", source=source, licence=""
    )


def _told_apart(curves: Sequence[Curve]) -> list[Curve]:
    """The curves; labels name the profile where a codec was measured with several."""
    profiles = Counter((curve.dataset, curve.group) for curve in curves)
    return [
        curve._replace(label=f"{curve.label} ({curve.key.rpartition('/')[2] or 'no profile'})")
        if profiles[curve.dataset, curve.group] > 1
        else curve
        for curve in curves
    ]


def registry_order(curve: Curve) -> tuple[int, float, str, str]:
    """What curves are sorted by: codecs as in the table, from fidelity to perception."""
    ids = list(CODECS)
    codec, profile = parts_of(curve.codec)
    place = ids.index(codec) if codec in CODECS else len(ids)
    anchor = anchor_of(curve.anchor or "fidelity")
    return (place, anchor.blend if anchor else 2.0, profile, curve.key)
