"""From rows to curves and BD tables: one definition for the command line, the cards and the page.

A point is the mean over the pictures of one step (a target rate). Only steps measured for all
pictures count, and steps that give much the same rate count once. pandas is imported on first use.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from mode_core.errors import NoOverlap, ResultsError
from mode_core.evaluation.rows import THEIRS, PublishedPoint, Row
from mode_core.metrics.bdrate import SAME_RATE, BDMetric, BDRate, Curve, bd_metric, bd_rate
from mode_core.metrics.table import Metric
from mode_core.weights.sets import PUBLIC

if TYPE_CHECKING:
    from pandas import DataFrame

PUBLISHED = "published:"


class Sample(NamedTuple):
    """One measured picture of a curve."""

    curve: str
    step: str
    image: str
    bpp: float
    values: Mapping[str, float]


class Point(NamedTuple):
    """One operating point: a rate, and a value for each metric known at it."""

    bpp: float
    values: Mapping[str, float]
    images: int = 1
    quality: str = ""


class Comparison(NamedTuple):
    """One curve against the reference: the deltas, and for each that is missing why it is."""

    name: str
    rate: BDRate | None = None
    metric: BDMetric | None = None
    no_rate: str = ""
    no_metric: str = ""


def curve_name(row: Row) -> str:
    """What a row's curve is called: `elic`, `mode@fidelity`, `elic:public`, `elic:theirs`."""
    named = row.profile.startswith(PUBLIC) or row.profile == THEIRS
    profile = f":{row.profile}" if named else ""
    return f"{row.codec}{profile}" + (f"@{row.anchor}" if row.anchor else "")


def curves_of(rows: Iterable[Row]) -> dict[str, list[Point]]:
    """The points of each curve of the rows, by the curve's name."""
    rows = list(rows)
    points = mean_points(frame_of(map(_sample, rows)))
    return {name: points.get(name, []) for name in sorted(set(map(curve_name, rows)))}


def frame_of(samples: Iterable[Sample]) -> DataFrame:
    """A line per sample and metric; of a picture measured twice at one step the later one."""
    import pandas as pd

    lines = [(*one[:4], key, value) for one in samples for key, value in one.values.items()]
    frame = pd.DataFrame(lines, columns=["curve", "step", "image", "bpp", "metric", "value"])
    return frame.drop_duplicates(["curve", "step", "image", "metric"], keep="last")


def mean_points(frame: DataFrame) -> dict[str, list[Point]]:
    """The points of each curve by rate; a mean that is infinite is no point."""
    points: dict[str, list[Point]] = defaultdict(list)
    if frame.empty:
        return points
    means = frame.groupby(["curve", "metric", "step"], sort=False, as_index=False).agg(
        bpp=("bpp", "mean"), value=("value", "mean"), images=("image", "size")
    )
    whole = means.groupby(["curve", "metric"]).images.transform("max")
    means = means[means.images == whole].sort_values("bpp", kind="stable")
    # Targets below a codec's range all give its smallest file.
    last: dict[tuple[str, str], float] = defaultdict(float)
    found: dict[tuple[str, float, int, str], dict[str, float]] = defaultdict(dict)
    for curve, metric, step, bpp, value, images in means.itertuples(index=False):
        if isfinite(value) and bpp > last[curve, metric] * SAME_RATE:
            last[curve, metric] = bpp
            found[curve, bpp, images, step][metric] = value
    for (curve, bpp, images, step), values in found.items():
        points[curve].append(Point(bpp, values, images, step))
    return points


def published_points(rows: Iterable[PublishedPoint]) -> dict[tuple[str, str, str], list[Point]]:
    """The points by (codec, dataset, source), each once: sources are never mixed."""
    found: dict[tuple[str, str, str], list[Point]] = defaultdict(list)
    for row in rows:
        point = Point(row.bpp, row.values, 0, row.quality)
        found[row.codec, row.dataset, row.source_ref].append(point)
    return {key: by_rate(points) for key, points in found.items()}


def by_rate(points: Iterable[Point]) -> list[Point]:
    """By rate, each point once."""
    unique = {(point.bpp, *point.values.items()): point for point in reversed(list(points))}
    return sorted(unique.values(), key=lambda point: point.bpp)


def curve_at(points: Iterable[Point], metric: Metric, name: str) -> Curve:
    """The points at which a metric is known, as BD-rates take them."""
    known = [(one.bpp, one.values[metric.key]) for one in points if metric.key in one.values]
    rates, values = zip(*known, strict=True) if known else ((), ())
    return Curve(rates, values, metric.higher_is_better, name)


def published_curve(
    rows: Iterable[PublishedPoint], metric: Metric, codec: str, dataset: str
) -> Curve:
    """One published codec's curve from its source with the most points."""
    curves = [
        curve_at(points, metric, f"{codec} (published, {source.partition(':')[0]})")
        for (*what, source), points in published_points(rows).items()
        if what == [codec, dataset]
    ]
    longest = max(curves, key=lambda curve: len(curve.rates), default=None)
    if longest is None or not longest.rates:
        raise ResultsError(f"nothing is published for {codec!r} on {dataset} in {metric.label}")
    return longest


def comparisons(rows: Iterable[Row], metric: Metric, reference: str | Curve) -> list[Comparison]:
    """Every curve of the rows against one of them, over the pictures of both, or a given curve."""
    rows = list(rows)
    if isinstance(reference, Curve):
        ours = curves_of(rows).items()
        return [compared(reference, curve_at(points, metric, name)) for name, points in ours]
    names = sorted(set(map(curve_name, rows)))
    if reference not in names:
        known = ", ".join(names)
        raise ResultsError(
            f"there is no curve {reference!r} in these results; choose one of {known}"
        )
    frame = frame_of(map(_sample, rows))
    frame = frame[frame.metric == metric.key]
    return [compared(*_pair(frame, metric, reference, name)) for name in names]


def _pair(frame: DataFrame, metric: Metric, *names: str) -> list[Curve]:
    shared = set.intersection(*(set(frame[frame.curve == name].image) for name in names))
    points = mean_points(frame[frame.curve.isin(names) & frame.image.isin(shared)])
    return [curve_at(points.get(name, []), metric, name) for name in names]


@lru_cache(maxsize=4096)
def compared(reference: Curve, other: Curve) -> Comparison:
    """Both deltas; cached, because most curves of a page stay the same from click to click."""
    rate, metric, no_rate, no_metric = None, None, "", ""
    try:
        rate = bd_rate(reference, other)
    except NoOverlap as error:
        no_rate = str(error)
    try:
        metric = bd_metric(reference, other)
    except NoOverlap as error:
        no_metric = str(error)
    return Comparison(other.name, rate, metric, no_rate, no_metric)


def _sample(row: Row) -> Sample:
    step = row.rate_name or f"{row.target_bpp:g}"
    return Sample(curve_name(row), step, row.image, row.bpp, row.values)
