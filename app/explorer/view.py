"""What the rate-distortion page shows for one state of its controls: a pure function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple, TypedDict

from app.explorer.bdtable import bd_table
from app.explorer.curves import Curve, live_curves, picture_curves, visited_curves
from app.explorer.figure import rate_figure, styles
from app.explorer.library import Library, load_library, metrics_of
from app.explorer.usercsv import MAX_BYTES, check_size, read_user_csv
from mode_core.errors import ResultsError
from mode_core.metrics.table import METRICS, Metric, find_metric, joined
from mode_core.types import Look

# Published codecs that people compare with first; the others are one click away.
FAMILIAR = ("ELIC", "MS-ILLM", "HiFiC", "VTM-18.0", "BPG 4:4:4", "DiffEIC", "StableCodec", "GLC")
_DEPTHS = ("published", "picture", "theirs", "ours", "yours", "opened", "now")
"""Kinds of curves from back to front: published lines at the back, the picture on screen last."""
_MEASURED = ("ours", "theirs")
MAX_USER_FILES = 4
_MAX_SENT = 2 * MAX_USER_FILES
"""How many files are read at most; unreadable ones do not count towards those that are shown."""


class RDPoint(TypedDict):
    """One point as the /rd endpoint gives it."""

    codec: str
    label: str
    anchor: str
    kind: str
    dataset: str
    bpp: float
    metric: str
    value: float
    images: int
    source: str
    note: str


class UserFile(NamedTuple):
    """A file that somebody dropped; its text stays empty when it is too large to be sent."""

    name: str
    text: str
    size: int


class Taken(NamedTuple):
    """What was found in a user's file, or why nothing was."""

    name: str
    curves: list[Curve]
    summary: str
    error: str = ""


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

    @classmethod
    def parse(cls, state: object) -> Wish:
        """The wish in a state; whatever has the wrong type counts as not given."""
        given = state if isinstance(state, Mapping) else {}
        texts = {
            key: value[:400]
            for key in ("dataset", "metric", "reference")
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
        return cls(
            **texts,
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
    every = [*library.curves, *yours]
    theirs = [curve.dataset for curve in yours if curve.dataset]
    datasets = list(dict.fromkeys([*library.datasets, *theirs]))
    dataset = wish.dataset if wish.dataset in datasets else next(iter(datasets), "")
    here = [c for c in every if c.dataset == dataset or (c.kind == "yours" and not c.dataset)]
    here += live_curves(wish.picture)
    own = picture_curves(library.rows, str(wish.picture.get("image", "")))
    here += own or visited_curves(wish.picture)
    metrics = metrics_of(here)
    wanted = joined(wish.metric)  # older links have lpips-vgg
    metric = METRICS[wanted if wanted in metrics else next(iter(metrics), "psnr")]
    shown = sorted((c for c in here if c.at(metric.key)), key=lambda c: _DEPTHS.index(c.kind))
    looks = styles(shown, library.published_names, library.their_names)
    return {
        "dataset": dataset,
        "metric": metric.key,
        "choices": {
            "datasets": [{"id": id, "label": library.labels.get(id, id)} for id in datasets],
            "metrics": [{"id": key, "label": METRICS[key].label} for key in metrics],
        },
        "axis": metric.as_json()
        | {"label": metric.label, "title": metric.axis}
        | {"column": metric.column, "lpips_net": metric.net},
        "figure": rate_figure(shown, metric, looks, log=wish.log, dark=wish.dark),
        "curves": _legend(shown, metric, looks),
        "bd": bd_table(
            [c for c in shown if c.kind not in ("now", "opened", "picture")], metric, wish.reference
        ),
        "files": [_report(file, dataset, metric, library) for file in files],
        "notes": [*_notes(library, dataset, shown, here, metric), *library.problems],
    }


def rd_points(library: Library, dataset: str, metric: str) -> list[RDPoint]:
    """The points behind the plot, measured here and published, for the typed endpoint."""
    wanted = find_metric(metric)
    if dataset not in library.datasets:
        known = ", ".join(library.datasets) or "none yet"
        raise ResultsError(f"there are no results for dataset {dataset[:80]!r}; there are {known}")
    return [
        RDPoint(
            codec=curve.codec or curve.label,
            label=curve.label,
            anchor=curve.anchor,
            kind=curve.kind,
            dataset=curve.dataset,
            bpp=bpp,
            metric=wanted.key,
            value=value,
            images=point.images,
            source=curve.source,
            note=curve.note,
        )
        for curve in library.of(dataset)
        for bpp, value, point in curve.at(wanted.key)
    ]


def take_files(files: Iterable[UserFile]) -> list[Taken]:
    """Each file with its curves or a refusal; only readable ones count towards the limit."""
    taken: list[Taken] = []
    for name, text, size in files:
        try:
            check_size(size)
            curves, summary = read_user_csv(text, name)
            if sum(bool(file.curves) for file in taken) >= MAX_USER_FILES:
                raise ResultsError(f"{MAX_USER_FILES} files are the most at once; remove one first")
            taken.append(Taken(name, curves, summary))
        except ResultsError as error:
            taken.append(Taken(name, [], "", str(error)))
    return taken


def _report(file: Taken, dataset: str, metric: Metric, library: Library) -> dict[str, Any]:
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
    return {"name": file.name, "error": file.error, "summary": summary, "elsewhere": elsewhere}


def _legend(
    curves: Sequence[Curve], metric: Metric, looks: Mapping[str, Look]
) -> list[dict[str, Any]]:
    """What the page must know about each trace, in the order of the traces."""
    familiar = _familiar(curves, metric)
    return [
        {
            **{name: value for name, value in curve._asdict().items() if name != "points"},
            "on": curve.kind != "published" or curve.key in familiar,
            "style": asdict(looks[curve.key]),
            "images": [point.images for _, _, point in curve.at(metric.key)],
            "at": [point.quality for _, _, point in curve.at(metric.key)],
        }
        for curve in curves
    ]


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
