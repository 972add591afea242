"""Bjontegaard deltas: one number for how far apart two rate-distortion curves are; and one curve's
value at a rate, interpolated as they do it.

The overlap is the shared interval divided by the shorter of the two curves' intervals: of quality
for the BD-rate, of log rate for the BD-metric. Below 30 % nothing is reported.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from mode_core.errors import NoOverlap

MIN_OVERLAP, MIN_POINTS = 0.3, 3
SAME_RATE = 1.01
"""Rates this near count as one: codecs meet a target by about as much."""
_NEXT_RATE = 1 + 1e-9
"""Rates nearer than this have no slope between them."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Operating points of one codec, in any order: bits per pixel and a metric's values."""

    rates: Sequence[float]
    values: Sequence[float]
    higher_is_better: bool = True
    name: str = "the curve"

    def __post_init__(self) -> None:
        if len(self.rates) != len(self.values):
            raise ValueError(f"{len(self.rates)} rates, but {len(self.values)} values")


class BDRate(NamedTuple):
    """Rate of the other curve at equal quality against the reference's; negative is smaller."""

    percent: float
    overlap: float


class BDMetric(NamedTuple):
    """Metric of the other curve at equal rate minus the reference's, in the metric's own unit."""

    difference: float
    overlap: float


class _Points(NamedTuple):
    rates: list[float]
    qualities: list[float]
    """Rising with rate: a metric that falls as pictures get better is negated."""


def bd_rate(reference: Curve, other: Curve, method: str = "pchip") -> BDRate:
    """Percent of rate that `other` needs more for the same quality; NoOverlap if not comparable."""
    import bjontegaard

    first, second = _comparable(reference, other)
    overlap = _overlap("quality", first.qualities, second.qualities, reference, other)
    percent = float(
        bjontegaard.bd_rate(*first, *second, method, require_matching_points=False, min_overlap=0)
    )
    return BDRate(percent, overlap)


def bd_metric(reference: Curve, other: Curve, method: str = "pchip") -> BDMetric:
    """How much higher the metric of `other` is at the same rate; NoOverlap if not comparable."""
    import bjontegaard

    first, second = _comparable(reference, other)
    ours, theirs = ([math.log(rate) for rate in one.rates] for one in (first, second))
    overlap = _overlap("rate", ours, theirs, reference, other)
    difference = float(
        bjontegaard.bd_psnr(*first, *second, method, require_matching_points=False, min_overlap=0)
    )
    return BDMetric(difference if reference.higher_is_better else 0.0 - difference, overlap)


def rate_within(rates: Sequence[float], rate: float, name: str = "the curve") -> float:
    """The rate, or the measured end that is the same rate; NoOverlap where nothing was measured."""
    low, high = min(rates, default=0.0), max(rates, default=0.0)
    if not low / SAME_RATE <= rate <= high * SAME_RATE:
        span = f"{low:.3g} to {high:.3g}" if high > low * SAME_RATE else f"{high:.3g}"
        raise NoOverlap(f"{name} is known at {span} bpp, not at {rate:.3g}")
    return min(max(rate, low), high)


def value_at(curve: Curve, rate: float) -> float:
    """The metric at a rate, by PCHIP over log rate as `bd_metric` has it; NoOverlap outside."""
    from bjontegaard.interpolation import interpolate_pchip

    points = sorted(zip(curve.rates, curve.values, strict=True))
    _check_numbers(curve)
    rate = rate_within(curve.rates, rate, curve.name)
    if len(points) == 1:
        return points[0][1]
    for (lower, _), (upper, _) in pairwise(points):
        if upper <= lower * _NEXT_RATE:
            raise NoOverlap(f"{curve.name} has two points at {lower:.3g} bpp")
    rates, values = zip(*points, strict=True)
    return float(interpolate_pchip([math.log10(one) for one in rates], values)(math.log10(rate)))


def _comparable(reference: Curve, other: Curve) -> tuple[_Points, _Points]:
    if reference.higher_is_better != other.higher_is_better:
        raise ValueError("one curve's metric rises with quality, the other's falls")
    return _points(reference), _points(other)


def _points(curve: Curve) -> _Points:
    """The points by rising rate; NoOverlap unless they make a curve."""
    if len(curve.rates) < MIN_POINTS:
        count = len(curve.rates)
        points = f"{count} point{'s' * (count != 1)}"
        raise NoOverlap(f"{curve.name} has {points}; a curve needs {MIN_POINTS} or more")
    _check_numbers(curve)
    sign = 1 if curve.higher_is_better else -1
    rates, values = zip(*sorted(zip(curve.rates, curve.values, strict=True)), strict=True)
    for (rate, value), (next_rate, next_value) in pairwise(zip(rates, values, strict=True)):
        if next_rate <= rate * _NEXT_RATE or sign * (next_value - value) <= 0:
            raise NoOverlap(
                f"{curve.name} is not monotone: {value:g} at {rate:g} bpp, "
                f"then {next_value:g} at {next_rate:g} bpp"
            )
    return _Points(list(rates), [sign * value for value in values])


def _check_numbers(curve: Curve) -> None:
    usable = all(map(math.isfinite, (*curve.rates, *curve.values)))
    if not usable or min(curve.rates, default=1.0) <= 0:
        raise NoOverlap(f"{curve.name} has a rate or a value that is not a finite, usable number")


def _overlap(
    what: str, first: Sequence[float], second: Sequence[float], reference: Curve, other: Curve
) -> float:
    shared = min(max(first), max(second)) - max(min(first), min(second))
    shorter = min(max(first) - min(first), max(second) - min(second))
    share = max(shared, 0.0) / shorter
    if share < MIN_OVERLAP:
        raise NoOverlap(
            f"{reference.name} and {other.name} share {share:.0%} of the shorter curve's range in "
            f"{what}; a comparison needs {MIN_OVERLAP:.0%}"
        )
    return share
