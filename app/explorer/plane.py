"""The distortion-perception plane: every codec at one rate, and MoDE's way between its anchors.

Values lie on the codec's own curve, interpolated as BD-metrics are, and never outside of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import isclose, isfinite, log
from typing import Any, NamedTuple

from app.explorer.curves import Curve, anchor_of
from app.explorer.library import metrics_of
from app.panes.weights import parts_of, with_profile
from mode_core.codecs.registry import CODECS
from mode_core.errors import NoOverlap
from mode_core.metrics import bdrate
from mode_core.metrics.table import METRICS, Metric, joined

RATES = (0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0)
DISTORTION, PERCEPTION, RATE = "psnr", "lpips", 0.1
"""What the axes are, and at which rate, unless somebody chooses."""
_SAME_SIZE = 1e-9
"""One byte of any file is more than that."""
INTERPOLATED = "between measured rates"
_WHICH = {
    "now": "on screen",
    "picture": "of this picture",
    "live": "now",
    "stored": "in the results",
}


class Place(NamedTuple):
    """Where a curve lies in the plane; `bpp` is the rate, or an end that is as good as it."""

    bpp: float
    x: float
    y: float
    measured: bool


class Path(NamedTuple):
    """The way of one codec's files through its anchors: keys of curves, from fidelity on."""

    label: str
    keys: Sequence[str]
    anchors: Sequence[str]
    same: bool
    """Whether all of these pictures are of the same files, as far as anybody can tell."""


class Plane(NamedTuple):
    """Where curves lie at a rate, and why others, which were not measured there, do not."""

    x: Metric
    y: Metric
    rate: float
    curves: Sequence[Curve]
    """Those with both metrics."""
    places: Mapping[str, Place]
    absent: Mapping[str, str]

    @property
    def paths(self) -> list[Path]:
        """Ways through at least two anchors."""
        return [path for path in _paths(self) if len(path.keys) > 1]


def plane_of(curves: Iterable[Curve], x: str, y: str, rate: float = 0.0) -> Plane:
    """The plane of two metrics at a rate; what is not there, or 0, stands for the usual."""
    curves = list(curves)
    across, up = axes_of(curves, x, y)
    both = [curve for curve in curves if _points(curve, across, up)]
    rate = rate or _usual_rate(both, across, up)
    places: dict[str, Place] = {}
    absent: dict[str, str] = {}
    for curve in both:
        try:
            places[curve.key] = _place(curve, across, up, rate)
        except NoOverlap as error:
            absent[curve.key] = str(error)
    return Plane(across, up, rate, both, places, absent)


def axes_of(curves: Sequence[Curve], x: str, y: str) -> tuple[Metric, Metric]:
    """The metrics of both axes: those wished for, as far as there are values."""
    there = metrics_of(curves)
    wanted = joined(x), joined(y)
    across = next((key for key in (wanted[0], DISTORTION, *there) if key in there), DISTORTION)
    others = beside(METRICS[across], there)
    up = next((key for key in (wanted[1], PERCEPTION, *others) if key in others), PERCEPTION)
    return METRICS[across], METRICS[up]


def beside(metric: Metric, keys: Iterable[str]) -> list[str]:
    """The metrics that another axis can have; one measure of two networks is no plane."""
    return [key for key in keys if METRICS[key].column != metric.column]


def rates_of(plane: Plane) -> list[float]:
    """The usual rates at which something was measured, and the one that is shown."""
    return sorted({*_measured_rates(plane.curves, plane.x, plane.y), plane.rate})


def as_json(plane: Plane) -> dict[str, Any]:
    """What the page must know of the plane beside its figure."""
    return {
        "at": plane.rate,
        "rates": [{"id": f"{rate:g}", "label": f"{rate:g} bpp"} for rate in rates_of(plane)],
        "absent": dict(plane.absent),
        "paths": [path._asdict() for path in plane.paths],
    }


def _usual_rate(curves: Sequence[Curve], x: Metric, y: Metric) -> float:
    """The usual rate, or the nearest at which something was measured."""
    rates = _measured_rates(curves, x, y)
    return min(rates, key=lambda rate: abs(log(rate / RATE)), default=RATE)


def _measured_rates(curves: Sequence[Curve], x: Metric, y: Metric) -> list[float]:
    """Round rates within some curve, of those measured here if there are any; else all rates."""
    own = [curve for curve in curves if curve.kind != "published"] or curves
    spans = [[rate for rate, _, _ in _points(curve, x, y)] for curve in own]
    held = [one for one in RATES if any(_holds((min(s), max(s)), one) for s in spans)]
    return held or [float(f"{rate:.2g}") for rates in spans for rate in rates]


def _holds(span: tuple[float, float], rate: float) -> bool:
    return span[0] / bdrate.SAME_RATE <= rate <= span[1] * bdrate.SAME_RATE


def _points(curve: Curve, x: Metric, y: Metric) -> list[tuple[float, float, float]]:
    """(bpp, x, y) by rate, wherever both metrics are known."""
    return sorted(
        (point.bpp, point.values[x.key], point.values[y.key])
        for point in curve.points
        if all(isfinite(point.values.get(one.key, float("nan"))) for one in (x, y))
    )


def _place(curve: Curve, x: Metric, y: Metric, rate: float) -> Place:
    rates, across, up = zip(*_points(curve, x, y), strict=True)
    bpp = bdrate.rate_within(rates, rate, curve.name)
    near = any(_holds((one, one), bpp) for one in rates)

    def value(values: Sequence[float]) -> float:
        return bdrate.value_at(bdrate.Curve(rates, values, name=curve.name), bpp)

    return Place(bpp, value(across), value(up), near)


def _paths(plane: Plane) -> Iterable[Path]:
    """Per codec and source its anchors between the ends; those of one expert are on no way."""
    found: dict[tuple[str, str, str], list[tuple[float, Curve]]] = defaultdict(list)
    for curve in plane.curves:
        anchor = anchor_of(curve.anchor)
        if curve.codec and anchor and not anchor.expert and curve.key in plane.places:
            found[curve.kind, curve.codec, curve.source].append((anchor.blend, curve))
    for (kind, codec, _), members in found.items():
        members.sort(key=lambda one: (one[0], one[1].key))
        info = CODECS.get(parts_of(codec)[0])
        label = with_profile(info.title, codec) if info else codec
        label = f"{label} {_WHICH.get(kind, '')}".strip()
        own = [curve for _, curve in members]
        anchors = [f"{blend:g}" for blend, _ in members]
        yield Path(label, [one.key for one in own], anchors, _are_of_same_files(own, plane))


def _are_of_same_files(curves: Sequence[Curve], plane: Plane) -> bool:
    """Whether rows name the same files; of the page's own points, whether sizes are the same.

    Those count that are nearest to the rate, since other rates may have been seen at one anchor.
    """
    if all(curve.files for curve in curves):
        return len({curve.files for curve in curves}) == 1
    around = [_around(curve, plane) for curve in curves]
    return all(
        isclose(one, first, rel_tol=_SAME_SIZE)
        for other in around
        for one, first in zip(other, around[0], strict=True)
    )


def _around(curve: Curve, plane: Plane) -> tuple[float, float]:
    """The measured rates below and above the one that a curve is shown at."""
    bpp = plane.places[curve.key].bpp
    rates = [rate for rate, _, _ in _points(curve, plane.x, plane.y)]
    below = max((rate for rate in rates if rate <= bpp * (1 + _SAME_SIZE)), default=bpp)
    return below, min((rate for rate in rates if rate >= bpp * (1 - _SAME_SIZE)), default=bpp)
