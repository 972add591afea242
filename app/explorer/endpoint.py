"""The points behind the plot, as the typed endpoint /rd gives them."""

from __future__ import annotations

from typing import TypedDict

from app.explorer.library import Library
from mode_core.errors import ResultsError
from mode_core.metrics.table import find_metric


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
