"""The folder of results as curves, read again when a file in it changes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from app.explorer.curves import (
    Curve,
    Place,
    our_curves,
    place_of,
    published_curves,
    their_curves,
)
from mode_core.errors import ResultsError
from mode_core.evaluation.folders import holds_rows
from mode_core.evaluation.rows import THEIRS, Row, kept_picture, read_published, read_rows
from mode_core.metrics.table import METRICS
from mode_core.settings import RESULTS, for_visitors

PUBLISHED = Path("published") / "points.csv"
OWN_LABEL = "dataset.json"
"""The label of one folder of results: {"label": ...}; datasets.json has {name: label} instead."""


class Library(NamedTuple):
    """All that was measured or published; `problems` are sentences about unreadable files."""

    rows: tuple[Row, ...]
    curves: tuple[Curve, ...]
    problems: tuple[str, ...]
    labels: Mapping[str, str] = {}
    """The labels of datasets, by name."""
    kept: Mapping[Place, Path] = {}
    """The pictures that somebody else decoded and that lie beside their results."""

    @property
    def datasets(self) -> list[str]:
        """The names of all datasets: those measured here first, then those with the most points."""
        sizes: dict[str, tuple[bool, int]] = {}
        for curve in self.curves:
            mine, size = sizes.get(curve.dataset, (False, 0))
            sizes[curve.dataset] = (mine or curve.kind != "published", size + len(curve.points))
        return sorted(sizes, key=lambda name: (not sizes[name][0], -sizes[name][1], name))

    def of(self, dataset: str) -> list[Curve]:
        """The curves over one dataset."""
        return [curve for curve in self.curves if curve.dataset == dataset]

    @property
    def published_names(self) -> list[str]:
        """Every published codec, sorted: a codec keeps its place, and so its style, everywhere."""
        return self._names("published")

    @property
    def their_names(self) -> list[str]:
        """Every codec whose pictures somebody else decoded, sorted for the same reason."""
        return self._names("theirs")

    def _names(self, kind: str) -> list[str]:
        return sorted({curve.label for curve in self.curves if curve.kind == kind})


def load_library(folder: Path = RESULTS) -> Library:
    """The library of a folder; the same object until a file changes."""
    files = sorted([*folder.glob("*/*.csv"), *folder.glob("*/dataset*.json")])
    stamp = tuple((str(f), f.stat().st_mtime_ns, f.stat().st_size) for f in files if f.is_file())
    return _load(folder, stamp)


@lru_cache(maxsize=4)
def _load(folder: Path, stamp: tuple[tuple[str, int, int], ...]) -> Library:
    rows: list[Row] = []
    kept: dict[Place, Path] = {}
    published: list[Curve] = []
    labels: dict[str, str] = {}
    problems: list[str] = []
    for path in (Path(name) for name, _, _ in stamp):
        try:
            if path.suffix == ".json":
                labels |= _labels(path)
            elif path == folder / PUBLISHED:
                published = published_curves(read_published(path))
            elif path.parent.name != PUBLISHED.parent.name and holds_rows(path):
                found = read_rows(path)
                rows += found
                kept |= _kept(path.parent, found)
        except ResultsError as error:
            problems.append(for_visitors(str(error).replace(f"{folder}/", "results/")))
    curves = (*our_curves(rows), *their_curves(rows, kept), *published)
    return Library(tuple(rows), curves, tuple(problems), labels, kept)


def _kept(folder: Path, rows: list[Row]) -> dict[Place, Path]:
    """The pictures beside results that rows of theirs are about."""
    theirs = (row for row in rows if row.profile == THEIRS)
    places = {place_of(row): kept_picture(folder, row) for row in theirs}
    return {place: path for place, path in places.items() if path and path.is_file()}


def _labels(path: Path) -> dict[str, str]:
    """Labels of datasets by name: of one folder's, or of all that others have published on."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        wanted = {path.parent.name: found["label"]} if path.name == OWN_LABEL else dict(found)
    except (ValueError, LookupError, TypeError) as error:
        raise ResultsError(f'{path} is not as expected, {{"label": "Kodak"}}: {error}') from error
    return {name: str(label) for name, label in wanted.items()}


def metrics_of(curves: Iterable[Curve]) -> list[str]:
    """The metrics that at least one of the curves has, in the order of the table."""
    known = {key for curve in curves for point in curve.points for key in point.values}
    return [key for key in METRICS if key in known]
