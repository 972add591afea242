"""BD-rate and BD-metric against closed forms, a second implementation, and everything refused."""

from __future__ import annotations

import math
from itertools import accumulate

import bjontegaard  # noqa: F401  (slow to import, and hypothesis keeps time)
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from mode_core.errors import NoOverlap
from mode_core.metrics.bdrate import Curve, bd_metric, bd_rate

RATES = (0.1, 0.2, 0.4, 0.8)
PSNR = (28.0, 30.5, 33.0, 35.2)
LPIPS = (0.4, 0.25, 0.15, 0.08)


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    """Any monotone curve, rising or falling."""
    count = draw(st.integers(3, 9))
    steps = st.lists(st.floats(0.05, 1.0), min_size=count, max_size=count)
    rates = [0.02 * math.exp(x) for x in accumulate(draw(steps))]
    values = list(accumulate(draw(steps)))
    rises = draw(st.booleans())
    return Curve(rates, values if rises else [-value for value in values], rises)


@pytest.mark.parametrize("method", ["pchip", "akima"])
@given(curve=curves())
def test_a_curve_with_itself_is_0(method: str, curve: Curve) -> None:
    assert bd_rate(curve, curve, method) == (pytest.approx(0, abs=1e-9), 1)
    assert bd_metric(curve, curve, method) == (pytest.approx(0, abs=1e-9), 1)


@pytest.mark.parametrize("method", ["pchip", "akima"])
@given(curve=curves())
def test_rates_times_1_1_are_plus_10_percent(method: str, curve: Curve) -> None:
    dearer = Curve([1.1 * rate for rate in curve.rates], curve.values, curve.higher_is_better)
    assert bd_rate(curve, dearer, method).percent == pytest.approx(10)
    assert bd_rate(dearer, curve, method).percent == pytest.approx(100 / 1.1 - 100)


@given(curve=curves(), shift=st.floats(-0.01, 0.01))
def test_a_shifted_metric_is_the_bd_metric(curve: Curve, shift: float) -> None:
    values = [value + shift for value in curve.values]
    moved = Curve(curve.rates, values, curve.higher_is_better)
    assert bd_metric(curve, moved).difference == pytest.approx(shift, abs=1e-9)


@given(first=curves(), second=curves())
def test_a_second_implementation_agrees(first: Curve, second: Curve) -> None:
    second = Curve(second.rates, [abs(v) for v in second.values], True)
    first = Curve(first.rates, [abs(v) for v in first.values], True)
    try:
        percent, overlap = bd_rate(first, second)
    except NoOverlap:
        return
    low = max(min(first.values), min(second.values))
    high = min(max(first.values), max(second.values))
    areas = [
        PchipInterpolator(curve.values, np.log(curve.rates)).integrate(low, high)
        for curve in (first, second)
    ]
    assert percent == pytest.approx(100 * math.expm1((areas[1] - areas[0]) / (high - low)))
    shorter = min(max(curve.values) - min(curve.values) for curve in (first, second))
    assert overlap == pytest.approx((high - low) / shorter)


@given(curve=curves(), seed=st.randoms())
def test_the_order_of_points_does_not_matter(curve: Curve, seed: object) -> None:
    points = list(zip(curve.rates, curve.values, strict=True))
    seed.shuffle(points)  # type: ignore[attr-defined]
    shuffled = Curve([p[0] for p in points], [p[1] for p in points], curve.higher_is_better)
    assert bd_rate(curve, shuffled).percent == pytest.approx(0, abs=1e-9)


def test_lower_lpips_at_equal_rate_is_a_saving() -> None:
    reference = Curve(RATES, LPIPS, higher_is_better=False)
    better = Curve(RATES, [value * 0.8 for value in LPIPS], higher_is_better=False)
    assert bd_rate(reference, better).percent < -10
    assert bd_metric(reference, better).difference < 0


def test_curves_of_different_length_compare() -> None:
    longer = Curve((*RATES, 1.6), (*PSNR, 37.0))
    assert bd_rate(Curve(RATES, PSNR), longer).percent == pytest.approx(0, abs=0.5)


def test_overlap_is_counted_on_the_shorter_curve() -> None:
    reference = Curve(RATES, (30.0, 32.0, 34.0, 40.0))
    assert bd_rate(reference, Curve(RATES, (29.0, 30.0, 31.0, 33.0))).overlap == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("curve", "words"),
    [
        (Curve(RATES, [value + 6 for value in PSNR], name="far"), "share 17% .* needs 30%"),
        (Curve(RATES, [value + 60 for value in PSNR]), "share 0%"),
        (Curve(RATES, (28, 33, 30.5, 35)), "not monotone: 33 at 0.2 bpp, then 30.5 at 0.4 bpp"),
        (Curve(RATES, (28, 30.5, 30.5, 35)), "not monotone"),
        (Curve((0.1, 0.2, 0.2, 0.4), PSNR), "not monotone"),
        (Curve(RATES, sorted(PSNR, reverse=True)), "not monotone"),
        (Curve(RATES[:2], PSNR[:2]), "2 points; a curve needs 3"),
        (Curve((), ()), "0 points"),
        (Curve(RATES, (*PSNR[:3], math.inf)), "not a finite"),
        (Curve(RATES, (*PSNR[:3], math.nan)), "not a finite"),
        (Curve((0, *RATES[1:]), PSNR), "not a finite, usable"),
    ],
)
def test_what_cannot_be_compared_is_refused(curve: Curve, words: str) -> None:
    with pytest.raises(NoOverlap, match=words):
        bd_rate(Curve(RATES, PSNR), curve)
    with pytest.raises(NoOverlap):
        bd_rate(curve, Curve(RATES, PSNR))


def test_rates_that_do_not_overlap_have_no_bd_metric() -> None:
    with pytest.raises(NoOverlap, match="share 0%"):
        bd_metric(Curve(RATES, PSNR), Curve([rate * 10 for rate in RATES], PSNR))


def test_two_directions_or_lengths_in_one_comparison_are_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match="rises"):
        bd_rate(Curve(RATES, PSNR), Curve(RATES, LPIPS, higher_is_better=False))
    with pytest.raises(ValueError, match="4 rates, but 3 values"):
        Curve(RATES, PSNR[:3])
