"""Bjontegaard deltas: one number for how far apart two rate-distortion curves are.

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
    overlap = _overlap(first.qualities, second.qualities, reference, other)
    percent = float(
        bjontegaard.bd_rate(*first, *second, method, require_matching_points=False, min_overlap=0)
    )
    return BDRate(percent, overlap)


def bd_metric(reference: Curve, other: Curve, method: str = "pchip") -> BDMetric:
    """How much higher the metric of `other` is at the same rate; NoOverlap if not comparable."""
    import bjontegaard

    first, second = _comparable(reference, other)
    ours, theirs = ([math.log(rate) for rate in one.rates] for one in (first, second))
    overlap = _overlap(ours, theirs, reference, other)
    difference = float(
        bjontegaard.bd_psnr(*first, *second, method, require_matching_points=False, min_overlap=0)
    )
    return BDMetric(difference if reference.higher_is_better else 0.0 - difference, overlap)


def _comparable(reference: Curve, other: Curve) -> tuple[_Points, _Points]:
    if reference.higher_is_better != other.higher_is_better:
        raise ValueError("one curve's metric rises with quality, the other's falls")
    return _points(reference), _points(other)


def _points(curve: Curve) -> _Points:
    """The points by rising rate; NoOverlap unless they make a curve."""
    if len(curve.rates) < MIN_POINTS:
        raise NoOverlap(
            f"{curve.name} has {len(curve.rates)} points; a curve needs {MIN_POINTS} or more"
        )
    if not all(map(math.isfinite, (*curve.rates, *curve.values))) or min(curve.rates) <= 0:
        raise NoOverlap(f"{curve.name} has a rate or a value that is not a finite, usable number")
    sign = 1 if curve.higher_is_better else -1
    rates, values = zip(*sorted(zip(curve.rates, curve.values, strict=True)), strict=True)
    for (rate, value), (next_rate, next_value) in pairwise(zip(rates, values, strict=True)):
        if next_rate <= rate * _NEXT_RATE or sign * (next_value - value) <= 0:
            raise NoOverlap(
                f"{curve.name} is not monotone: {value:g} at {rate:g} bpp, "
                f"then {next_value:g} at {next_rate:g} bpp"
            )
    return _Points(list(rates), [sign * value for value in values])


def _overlap(
    first: Sequence[float], second: Sequence[float], reference: Curve, other: Curve
) -> float:
    shared = min(max(first), max(second)) - max(min(first), min(second))
    shorter = min(max(first) - min(first), max(second) - min(second))
    share = max(shared, 0.0) / shorter
    if share < MIN_OVERLAP:
        raise NoOverlap(
            f"{reference.name} and {other.name} share {share:.0%} of the shorter curve; "
            f"a comparison needs {MIN_OVERLAP:.0%}"
        )
    return share
