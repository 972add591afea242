"""From rows of results to the curves that can be drawn: ours, published, the user's, one picture's.

Rules that every curve keeps: one source per curve; LPIPS values of different networks are
different metrics; a mean is taken only over the full set of pictures.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from statistics import fmean
from typing import Any, Literal, NamedTuple
from zlib import crc32

from app.axes import METRICS, lpips_key
from app.makers import licence_of, maker_name, parts_of, with_profile
from mode_core.errors import UnknownAnchor
from mode_core.registry import CODECS
from mode_core.types import Anchor

SAME_RATE = 1.01
"""Rates nearer than this are one point of ours, as in `python -m mode_core bdrate`."""

Kind = Literal["ours", "picture", "now", "yours", "published"]


class Point(NamedTuple):
    """One operating point: a rate, and a value for each metric known at it."""

    bpp: float
    values: Mapping[str, float]
    images: int = 1
    quality: str = ""


class Curve(NamedTuple):
    """Points of one codec from one source by rate; `group` is the legend entry it belongs to.

    Groups stand in links: short, and the same in every run.
    """

    key: str
    group: str
    label: str
    kind: Kind
    dataset: str
    points: tuple[Point, ...]
    codec: str = ""
    anchor: str = ""
    image: str = ""
    source: str = ""
    note: str = ""
    licence: str = ""
    """Of public weights that the pictures behind the points were made with."""

    def at(self, metric: str) -> list[tuple[float, float, Point]]:
        """(bpp, value, point) wherever this metric is known."""
        return [(p.bpp, p.values[metric], p) for p in self.points if metric in p.values]


def values_of(row: Any, lpips_net: str) -> dict[str, float]:
    """The finite metric values of a row (an object with metric attributes), by metric key."""
    values = {}
    for column in ("psnr", "ms_ssim", "lpips", "dists", "fid"):
        value = number(getattr(row, column, None))
        if value is not None:
            values[lpips_key(lpips_net) if column == "lpips" else column] = value
    return values


def number(value: object) -> float | None:
    """The value as a finite float, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        parsed = float(value)
    except ValueError:
        return None
    return parsed if math.isfinite(parsed) else None


def codec_label(codec: str, anchor: str) -> str:
    """What a codec's picture is called: the registry's label, or MoDE with the blend behind it."""
    info = CODECS.get(parts_of(codec)[0])
    if info is None:
        return f"{codec} {anchor}".strip()
    try:
        wanted = Anchor.parse(anchor) if anchor else None
    except UnknownAnchor:
        return f"{codec} {anchor}"
    if wanted in info.outputs:
        return with_profile(info.outputs[wanted], codec)
    name = info.outputs[None] if None in info.outputs else info.outputs[Anchor.FIDELITY][:-2]
    return f"{name} {anchor}".strip()


def our_curves(rows: Iterable[Any], lpips_net: str = "alex") -> list[Curve]:
    """The mean over each dataset at each target, one curve per codec, anchor and profile."""
    found: dict[tuple[str, str, str, str], list[Any]] = defaultdict(list)
    for row in rows:
        maker = maker_name(row.codec, row.profile or "")
        found[row.dataset, maker, str(row.anchor or ""), row.profile or ""].append(row)
    curves = []
    for (dataset, codec, anchor, profile), members in found.items():
        points, note = _means(members, lpips_net)
        curves.append(
            Curve(
                key=f"ours/{dataset}/{codec}/{anchor}/{profile}",
                group=f"{codec}/{anchor}",
                label=codec_label(codec, anchor),
                kind="ours",
                dataset=dataset,
                points=points,
                codec=codec,
                anchor=anchor,
                source=f"measured here, {profile} weights" if profile else "measured here",
                note=note,
                licence=licence_of(codec),
            )
        )
    return sorted(_told_apart(curves), key=_registry_order)


def picture_curves(rows: Iterable[Any], image: str, lpips_net: str = "alex") -> list[Curve]:
    """The curves of one picture, where the results hold it; [] where they do not."""
    wanted = PurePath(image).stem.lower()
    mine = [row for row in rows if wanted and PurePath(row.image).stem.lower() == wanted]
    return [
        curve._replace(
            key=f"picture/{curve.key}",
            kind="picture",
            image=mine[0].image,
            note="this picture only",
        )
        for curve in our_curves(mine, lpips_net)
    ]


def published_curves(rows: Iterable[Any]) -> list[Curve]:
    """One curve per (codec, dataset, source); the same codec from two sources is two curves."""
    found: dict[tuple[str, str, str], list[Any]] = defaultdict(list)
    for row in rows:
        found[row.codec, row.dataset, row.source_ref].append(row)
    curves = []
    for (codec, dataset, source), members in found.items():
        points = ordered(
            Point(float(r.bpp), values_of(r, r.lpips_net or ""), 0, str(r.quality or ""))
            for r in members
        )
        key = f"published/{dataset}/{codec}/{source}"
        group = f"published/{crc32(key.encode()):08x}"
        note = "; ".join(dict.fromkeys(r.notes for r in members if r.notes))
        curves.append(
            Curve(key, group, codec, "published", dataset, points, source=source, note=note)
        )
    return sorted(curves, key=lambda curve: (curve.label.lower(), curve.source))


def visited_curves(picture: Mapping[str, Any]) -> list[Curve]:
    """The curves of the picture on screen through all rates at which it was seen."""
    found: dict[str, list[Curve]] = defaultdict(list)
    for curve in live_curves(picture, "visited"):
        found[curve.group].append(curve)
    return [
        one[0]._replace(
            key=f"picture/{group}",
            kind="picture",
            points=_spaced(ordered(point for curve in one for point in curve.points)),
            source="measured here, now",
            note="this picture only",
        )
        for group, one in found.items()
        if len({point.bpp for curve in one for point in curve.points}) > 1
    ]


def live_curves(picture: Mapping[str, Any], which: str = "rows") -> list[Curve]:
    """The points of the picture on screen, from the viewer's `mode:result`; junk is left out."""
    image = str(picture.get("image", ""))[:200]
    curves: list[Curve] = []
    rows = picture.get(which)
    for row in rows[:256] if isinstance(rows, list) else []:
        bpp = number(row.get("bpp")) if isinstance(row, Mapping) else None
        if bpp is None or bpp <= 0:
            continue
        codec, anchor = str(row.get("codec") or "")[:40], str(row.get("anchor") or "")[:40]
        holder = NamedRow(*(row.get(name) for name in NamedRow._fields))
        values = values_of(holder, str(row.get("lpips_net") or "alex"))
        if (student := number(row.get("lpips_student"))) is not None:
            values["lpips-student"] = student
        curves.append(
            Curve(
                key=f"now/{len(curves)}/{codec}/{anchor}",
                group=f"{codec}/{anchor}",
                label=str(row.get("label") or codec_label(codec, anchor))[:80],
                kind="now",
                dataset="",
                points=(Point(bpp, values),),
                codec=codec,
                anchor=anchor,
                image=image,
                source="the picture on screen",
                licence=licence_of(codec),
            )
        )
    return curves


class NamedRow(NamedTuple):
    """The metric columns of a row that came as JSON or CSV."""

    psnr: object = None
    ms_ssim: object = None
    lpips: object = None
    dists: object = None
    fid: object = None


def _means(rows: Sequence[Any], lpips_net: str) -> tuple[tuple[Point, ...], str]:
    """A point per target, left out where pictures are still missing; and a note saying so."""
    steps: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in rows:
        target = number(row.target_bpp)
        steps[f"{target:g} bpp" if target else f"quality {row.quality}"][row.image] = row
    whole = max(len(images) for images in steps.values())
    full = {name: list(images.values()) for name, images in steps.items() if len(images) == whole}
    points = [_mean(name, images, lpips_net) for name, images in full.items()]
    left_out = len(steps) - len(full)
    note = f"{left_out} unfinished rates left out (fewer than {whole} pictures)" if left_out else ""
    return _spaced(ordered(points)), note


def _mean(name: str, rows: Sequence[Any], lpips_net: str) -> Point:
    each = [values_of(row, lpips_net) for row in rows]
    shared = set.intersection(*(set(values) for values in each))
    values = {key: fmean(values[key] for values in each) for key in METRICS if key in shared}
    return Point(fmean(float(row.bpp) for row in rows), values, len(rows), f"aimed at {name}")


def ordered(points: Iterable[Point]) -> tuple[Point, ...]:
    """By rate, each point once."""
    unique = {(p.bpp, *p.values.values()): p for p in reversed(list(points))}
    return tuple(sorted(unique.values(), key=lambda point: point.bpp))


def _spaced(points: Iterable[Point]) -> tuple[Point, ...]:
    """Targets beyond a codec's range give much the same file again; such points count once."""
    kept: list[Point] = []
    for point in points:
        if not kept or point.bpp > kept[-1].bpp * SAME_RATE:
            kept.append(point)
    return tuple(kept)


def _told_apart(curves: Sequence[Curve]) -> list[Curve]:
    """Profiles are named only where a codec was measured with several."""
    profiles: dict[tuple[str, str], int] = defaultdict(int)
    for curve in curves:
        profiles[curve.dataset, curve.group] += 1
    return [
        curve._replace(label=f"{curve.label} ({curve.key.rpartition('/')[2] or 'no profile'})")
        if profiles[curve.dataset, curve.group] > 1
        else curve
        for curve in curves
    ]


def _registry_order(curve: Curve) -> tuple[int, float, str, str]:
    ids = list(CODECS)
    codec, profile = parts_of(curve.codec)
    place = ids.index(codec) if codec in CODECS else len(ids)
    try:
        blend = Anchor.parse(curve.anchor or "0").blend
    except UnknownAnchor:
        blend = 2.0
    return (place, blend, profile, curve.key)
