"""From rows to curves: the mean over the pictures at each target, and BD tables between curves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean

from mode_core.errors import NoOverlap, ResultsError
from mode_core.metrics import METRICS, Metric
from mode_core.metrics.bdrate import BDMetric, BDRate, Curve, bd_metric, bd_rate
from mode_core.results import PublishedPoint, Row

_SAME_RATE = 1.01
"""Targets below a codec's range all give its smallest file; points this near count once."""

PUBLISHED = "published:"
PUBLISHED_AS = {
    "elic": ("ELIC", ("psnr",)),
    "ms-illm": ("MS-ILLM", ("lpips", "psnr")),
    "dlf": ("DLF", ("lpips",)),
    "mode": ("MoDE", ("lpips",)),
}
"""Under which name a codec's authors have numbers, and the metrics in which ours are held against
them."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One curve against the anchor: the deltas, or the reason why there are none."""

    name: str
    pictures: int
    rate: BDRate | None = None
    metric: BDMetric | None = None
    reason: str = ""


def curve_name(row: Row) -> str:
    """What a row's curve is called: `elic`, `mode@fidelity`, `elic:public`."""
    profile = f":{row.profile}" if row.profile == "public" else ""
    return f"{row.codec}{profile}" + (f"@{row.anchor}" if row.anchor else "")


def rows_by_curve(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """The rows of each curve, by the curve's name."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[curve_name(row)].append(row)
    return dict(sorted(groups.items()))


def mean_curve(rows: Iterable[Row], metric: Metric, name: str = "the curve") -> Curve:
    """Mean rate and mean metric at each target that every picture was measured at."""
    at: dict[float, list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        value: float | None = getattr(row, metric.name)
        if value is not None:
            at[row.target_bpp].append((row.bpp, value))
    whole = max(map(len, at.values()), default=0)
    points: list[tuple[float, float]] = []
    means = sorted(
        (fmean(rate for rate, _ in cells), fmean(value for _, value in cells))
        for cells in at.values()
        if len(cells) == whole
    )
    for rate, value in means:
        if not points or rate > points[-1][0] * _SAME_RATE:
            points.append((rate, value))
    return Curve([p[0] for p in points], [p[1] for p in points], metric.higher_is_better, name)


def published_curve(
    points: Iterable[PublishedPoint], metric: Metric, codec: str, dataset: str
) -> Curve:
    """One published codec's curve from its source with the most points; sources are never mixed.

    LPIPS counts only where its network is known to be AlexNet.
    """
    sources: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for point in points:
        value: float | None = getattr(point, metric.name)
        if (point.codec, point.dataset) != (codec, dataset) or value is None:
            continue
        if metric.name != "lpips" or point.lpips_net == "alex":
            sources[point.source_ref].append((point.bpp, value))
    if not sources:
        raise ResultsError(f"nothing is published for {codec!r} on {dataset} in {metric.label}")
    source = max(sources, key=lambda ref: len(sources[ref]))
    rates, values = zip(*sources[source], strict=True)
    name = f"{codec} (published, {source.partition(':')[0]})"
    return Curve(rates, values, metric.higher_is_better, name)


def comparisons(rows: Iterable[Row], metric: Metric, anchor: str) -> list[Comparison]:
    """Every curve of the rows against one of them, each over the pictures that both have."""
    curves = rows_by_curve(rows)
    base = curves[find_curve(curves, anchor)]
    return [_compared(name, own, anchor, base, metric) for name, own in curves.items()]


def comparisons_with(rows: Iterable[Row], metric: Metric, anchor: Curve) -> list[Comparison]:
    """Every curve of the rows against a published one."""
    return [
        _deltas(anchor, mean_curve(own, metric, name), len({row.image for row in own}))
        for name, own in rows_by_curve(rows).items()
    ]


def find_curve(names: Mapping[str, object] | Sequence[str], wanted: str) -> str:
    """The name itself if there is such a curve; ResultsError that lists those there are."""
    if wanted not in names:
        raise ResultsError(
            f"there is no curve {wanted!r} in these results; choose one of {', '.join(names)}"
        )
    return wanted


def find_metric(name: str) -> Metric:
    """The metric of a results column."""
    if name not in Row._fields or name not in METRICS:
        known = ", ".join(key for key in METRICS if key in Row._fields)
        raise ResultsError(f"there is no metric {name!r} in results files; choose one of {known}")
    return METRICS[name]


def _compared(
    name: str, rows: Sequence[Row], anchor: str, base: Sequence[Row], metric: Metric
) -> Comparison:
    shared = {row.image for row in rows} & {row.image for row in base}
    return _deltas(
        mean_curve((row for row in base if row.image in shared), metric, anchor),
        mean_curve((row for row in rows if row.image in shared), metric, name),
        len(shared),
    )


def _deltas(anchor: Curve, other: Curve, pictures: int) -> Comparison:
    comparison = partial(Comparison, other.name, pictures)
    try:
        rate = bd_rate(anchor, other)
    except NoOverlap as error:
        return comparison(reason=str(error))
    try:
        return comparison(rate, bd_metric(anchor, other))
    except NoOverlap as error:
        return comparison(rate, reason=str(error))
