"""What the rate-distortion page shows for one state of its controls: a pure function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from app.explorer import plane
from app.explorer.bdtable import bd_table
from app.explorer.curves import Curve, anchor_of, number
from app.explorer.figure import plane_figure, rate_figure, styles
from app.explorer.library import Library, load_library, metrics_of
from app.explorer.picture import THIS, THIS_LABEL, caption, over_means, this_picture
from app.explorer.usercsv import MAX_BYTES, MAX_USER_FILES, Taken, UserFile, take_files
from mode_core.metrics import bdrate
from mode_core.metrics.table import METRICS, Metric, joined
from mode_core.types import Look

# Published codecs that people compare with first; the others are one click away.
FAMILIAR = ("ELIC", "MS-ILLM", "HiFiC", "VTM-18.0", "BPG 4:4:4", "DiffEIC", "StableCodec", "GLC")
_DEPTHS = (
    "published", "picture", "stored", "theirs", "ours", "live", "opened", "now", "yours"
)  # fmt: skip
"""Kinds of curves from back to front: published lines at the back, what a user brought in front."""
_USUAL_PLACES = (0.0, 0.5, 1.0)
"""One place between the anchors is enough among curves of rate; the plane shows all there are."""
_MEASURED = ("ours", "theirs")
_MAX_SENT = 2 * MAX_USER_FILES
"""How many files are read at most; unreadable ones do not count towards those that are shown."""


class Wish(NamedTuple):
    """The page's state, as far as the server needs it; made from untrusted JSON."""

    dataset: str = "kodak"
    metric: str = "psnr"
    reference: str = ""
    """Key of the curve that others are held against."""
    log: bool = True
    dark: bool = False
    picture: Mapping[str, Any] = {}
    files: tuple[UserFile, ...] = ()
    marks: bool = False
    """Whether points of the picture on screen stand over the means of a data set."""
    view: str = "rate"
    x: str = plane.DISTORTION
    y: str = plane.PERCEPTION
    at: float = 0.0
    """Metrics of the plane's axes, and its rate; 0 for the usual one."""

    @classmethod
    def parse(cls, state: object) -> Wish:
        """The wish in a state; whatever has the wrong type counts as not given."""
        given = state if isinstance(state, Mapping) else {}
        texts = {
            key: value[:400]
            for key in ("dataset", "metric", "reference", "view", "x", "y")
            if isinstance(value := given.get(key), str)
        }
        picture = given.get("picture")
        sent = given.get("files")
        files = tuple(
            UserFile(
                str(file.get("name", ""))[:120],
                str(file.get("text", ""))[: MAX_BYTES + 1],
                size if isinstance(size := file.get("size"), int) else 0,
            )
            for file in (sent if isinstance(sent, list) else [])[:_MAX_SENT]
            if isinstance(file, Mapping)
        )
        at = number(given.get("at")) or 0.0
        return cls(
            **texts,
            at=at if 1e-4 <= at <= 100 else 0.0,
            marks=given.get("marks") is True,
            log=given.get("log") is not False,
            dark=given.get("dark") is True,
            picture=picture if isinstance(picture, Mapping) else {},
            files=files,
        )


def show(wish: Wish) -> dict[str, Any]:
    """What the page shows of the results that are here, and of the files in the wish."""
    return answer(load_library(), wish)


def show_unread(wish: Wish, why: str) -> dict[str, Any]:
    """The same where none of the files was read."""
    lost = [{"name": file.name, "error": why, "summary": "", "elsewhere": None}
            for file in wish.files]  # fmt: skip
    return show(wish._replace(files=())) | {"files": lost}


def answer(library: Library, wish: Wish) -> dict[str, Any]:
    """Everything that the page draws: choices, figure, legend, BD-rates, notes."""
    files = take_files(wish.files)
    yours = [curve for file in files for curve in file.curves]
    alone = this_picture(library.rows, wish.picture)
    names = list(dict.fromkeys([*library.datasets, *(c.dataset for c in yours if c.dataset)]))
    menu = [{"id": name, "label": library.labels.get(name, name)} for name in names]
    if metrics_of(alone) or wish.dataset == THIS:
        menu.insert(0, {"id": THIS, "label": THIS_LABEL})
    known = [one["id"] for one in menu]
    dataset = wish.dataset if wish.dataset in known else next(iter(names), "")
    here = alone if dataset == THIS else library.of(dataset)
    here = [*here, *(curve for curve in yours if curve.dataset in ("", dataset))]
    if wish.marks and dataset != THIS:
        here += over_means(library.rows, wish.picture)
    metrics = metrics_of(here)
    wanted = joined(wish.metric)  # older links have lpips-vgg
    metric = METRICS[wanted if wanted in metrics else next(iter(metrics), "psnr")]
    seen = (_in_plane if wish.view == "plane" else _by_rate)(library, wish, here, metric)
    about = [] if dataset == THIS else _notes(library, dataset, seen.curves, here, seen.metric)
    return seen.parts | {
        "dataset": dataset,
        "metric": metric.key,
        "choices": {"datasets": menu, "metrics": _named(metrics), **seen.choices},
        "caption": caption(seen.curves),
        "files": [_report(file, dataset, metric, library, seen) for file in files],
        "notes": [*about, *seen.notes, *library.problems],
    }


class _Seen(NamedTuple):
    """One view of the curves: what is drawn, by which metric, and what the page gets of it."""

    curves: Sequence[Curve]
    metric: Metric
    parts: dict[str, Any]
    choices: Mapping[str, Any] = {}
    notes: Sequence[str] = ()


def _by_rate(library: Library, wish: Wish, here: Sequence[Curve], metric: Metric) -> _Seen:
    """Curves of one metric against rate, and their BD-rates."""
    shown = sorted((c for c in here if c.at(metric.key)), key=_depth)
    looks = styles(shown, library.published_names, library.their_names)
    compared = [c for c in shown if c.kind not in ("now", "opened", "picture")]
    points = {c.key: [(p.images, p.quality) for _, _, p in c.at(metric.key)] for c in shown}
    parts = {
        "view": "rate",
        "axis": _axis(metric),
        "figure": rate_figure(shown, metric, looks, log=wish.log, dark=wish.dark),
        "curves": _legend(shown, metric, looks, points),
        "bd": bd_table(compared, metric, wish.reference),
        "few": _few(wish, shown, metric),
    }
    return _Seen(shown, metric, parts)


def _in_plane(library: Library, wish: Wish, here: Sequence[Curve], _metric: Metric) -> _Seen:
    """Every codec at one rate, by two metrics."""
    seen = plane.plane_of(sorted(here, key=_depth), wish.x, wish.y, wish.at)
    looks = styles(seen.curves, library.published_names, library.their_names)
    points: dict[str, list[tuple[int, str]]] = {curve.key: [] for curve in seen.curves}
    for curve in seen.curves:
        if place := seen.places.get(curve.key):
            images = max(point.images for point in curve.points)
            points[curve.key].append((images, "" if place.measured else plane.INTERPOLATED))
    metrics = metrics_of(here)
    parts = {
        "view": "plane",
        "axis": _axis(seen.y),
        "across": _axis(seen.x),
        "figure": plane_figure(seen, looks, dark=wish.dark),
        "curves": _legend(seen.curves, seen.y, looks, points, between=True),
        "plane": plane.as_json(seen),
        "bd": bd_table([], seen.y),
    }
    across = dict.fromkeys([*metrics, seen.x.key])
    up = dict.fromkeys([*plane.beside(seen.x, metrics), seen.y.key])
    choices = {"across": _named(across), "up": _named(up)}
    none = f"No curve here has both {seen.x.label} and {seen.y.label}."
    return _Seen(seen.curves, seen.y, parts, choices, () if seen.curves else (none,))


def _depth(curve: Curve) -> int:
    return _DEPTHS.index(curve.kind)


def _named(metrics: Iterable[str]) -> list[dict[str, str]]:
    return [{"id": key, "label": METRICS[key].label} for key in metrics]


def _axis(metric: Metric) -> dict[str, Any]:
    words = {"label": metric.label, "short": metric.short, "title": metric.axis}
    return metric.as_json() | words | {"column": metric.column, "lpips_net": metric.net}


def _few(wish: Wish, shown: Sequence[Curve], metric: Metric) -> bool:
    """Whether the picture alone was measured at too few rates for a BD-rate of any codec."""
    live = [len(curve.at(metric.key)) for curve in shown if curve.kind == "live"]
    return wish.dataset == THIS and max(live, default=0) < bdrate.MIN_POINTS


def _report(
    file: Taken, dataset: str, metric: Metric, library: Library, seen: _Seen
) -> dict[str, Any]:
    """What the page shows about a file, and a view with its curves if this one shows none."""
    summary, elsewhere = file.summary, None
    places = [(c.dataset or dataset, key) for c in file.curves for key in metrics_of([c])]
    if places and (dataset, metric.key) not in places:

        def likeness(place: tuple[str, str]) -> tuple[bool, bool, bool]:
            return place[0] == dataset, place[0] in library.datasets, place[1] == metric.key

        where, what = max(places, key=likeness)
        elsewhere = {"dataset": where, "metric": what}
        name = library.labels.get(where, f"dataset “{where}”")
        summary += f"; not in this view but under {name}, {METRICS[what].label}"
    elif file.curves and not any(curve in seen.curves for curve in file.curves):
        summary += "; without both metrics of this plane"
    return {"name": file.name, "error": file.error, "summary": summary, "elsewhere": elsewhere}


def _legend(
    curves: Sequence[Curve],
    metric: Metric,
    looks: Mapping[str, Look],
    points: Mapping[str, Sequence[tuple[int, str]]],
    *,
    between: bool = False,
) -> list[dict[str, Any]]:
    """What the page must know about each trace, in the order of the traces; of each point how many
    pictures it is the mean of, and what was aimed at."""
    familiar = _familiar(curves, metric)
    return [
        {
            **{name: value for name, value in curve._asdict().items() if name != "points"},
            "on": _is_usual(curve, between)
            and (curve.kind != "published" or curve.key in familiar),
            "style": asdict(looks[curve.key]),
            "images": [images for images, _ in points[curve.key]],
            "at": [text for _, text in points[curve.key]],
        }
        for curve in curves
    ]


def _is_usual(curve: Curve, between: bool) -> bool:
    """Whether a curve is drawn unasked, as far as its anchor goes."""
    anchor = anchor_of(curve.anchor) if curve.anchor else None
    return between or anchor is None or anchor.blend in _USUAL_PLACES


def _familiar(curves: Sequence[Curve], metric: Metric) -> set[str]:
    """Keys of the longest curve of each familiar codec; if there is none, of the six longest."""
    published = sorted(
        (c for c in curves if c.kind == "published"), key=lambda c: -len(c.at(metric.key))
    )
    best = {curve.label: curve.key for curve in reversed(published) if curve.label in FAMILIAR}
    return set(best.values()) or {curve.key for curve in published[:6]}


def _notes(
    library: Library, dataset: str, shown: Sequence[Curve], here: Sequence[Curve], metric: Metric
) -> list[str]:
    notes = []
    name = library.labels.get(dataset, dataset)
    if not library.curves:
        notes.append("There are no results here yet: `python -m mode_core bench` makes them.")
    elif not any(curve.kind == "ours" for curve in here):
        whose = (
            "others'" if any(curve.kind == "theirs" for curve in here) else "published by others"
        )
        notes.append(f"Our codecs are not measured on {name} yet; the curves are {whose}.")
    elif not any(curve.kind == "ours" for curve in shown):
        others = any(curve.kind in ("published", "theirs") for curve in shown)
        text = f"Our results on {name} have no {metric.label}"
        notes.append(f"{text}; the curves are others'." if others else f"{text}.")
    drawn = {curve.key for curve in shown}
    if any(curve.kind == "now" and curve.key not in drawn for curve in here):
        notes.append(f"The picture on screen has no {metric.label}, so its points are not drawn.")
    unfinished = [f"{c.label}: {c.note}" for c in shown if c.kind in _MEASURED and c.note]
    return notes + unfinished
