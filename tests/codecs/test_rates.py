"""The search finds the nearest size, and encodes few times on the way."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf
from statistics import mean

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mode_core.codecs.rates import Estimate, nearest_quality

QUALITIES = range(225)


class Counted:
    """A size function that remembers how often, and for what, it was asked."""

    def __init__(self, size_of: Callable[[int], int]) -> None:
        self.size_of = size_of
        self.asked: list[int] = []

    def __call__(self, quality: int) -> int:
        self.asked.append(quality)
        return self.size_of(quality)


def typical(quality: int) -> int:
    return round(2000 * exp(2.8 * (quality / 224) ** 1.2))


@given(
    st.lists(st.integers(0, 400), min_size=1, max_size=260),
    st.floats(1, 60_000),
    st.none() | st.integers(-5, 300),
)
@example([0] * 225, 1.0, None)  # a plateau: every quality gives the same file
@example([0] * 100 + [300] + [0] * 100, 160.0, 3)  # a cliff between two plateaus
def test_no_quality_comes_nearer_where_sizes_rise(
    rises: list[int], wanted: float, guess: int | None
) -> None:
    sizes = [50 + sum(rises[: place + 1]) for place in range(len(rises))]
    size_of = Counted(sizes.__getitem__)
    found = nearest_quality(size_of, range(len(sizes)), wanted, guess)
    assert abs(sizes[found] - wanted) == min(abs(size - wanted) for size in sizes)
    assert len(size_of.asked) == len(set(size_of.asked)), "a quality was encoded twice"
    assert len(size_of.asked) <= 2 * 8 + 3


def test_a_typical_search_takes_few_encodings() -> None:
    counts = []
    for wanted in range(typical(0), typical(224), 97):
        size_of = Counted(typical)
        nearest_quality(size_of, QUALITIES, wanted)
        counts.append(len(size_of.asked))
    assert max(counts) <= 6
    assert mean(counts) < 5


def test_a_good_guess_saves_encodings() -> None:
    def asked(guess: int | None) -> int:
        size_of = Counted(typical)
        assert nearest_quality(size_of, QUALITIES, typical(200) + 1, guess) == 200
        return len(size_of.asked)

    assert asked(guess=200) <= 3
    assert asked(guess=200) <= asked(guess=None)


@pytest.mark.parametrize(("wanted", "end"), [(1, 10), (10**9, 19)])
def test_outside_the_range_the_nearest_end_is_given(wanted: float, end: int) -> None:
    size_of = Counted(lambda quality: 100 * quality)
    assert nearest_quality(size_of, range(10, 20), wanted) == end
    assert len(size_of.asked) <= 3


def test_a_single_quality_is_the_answer_to_every_wish() -> None:
    assert nearest_quality(lambda _: 77, range(3, 4), 1000) == 3


@given(st.floats(1900, 40_000), st.integers(0, 2**32))
def test_small_dips_cost_at_most_their_own_size(wanted: float, seed: int) -> None:
    def bumpy(quality: int) -> int:
        return round(typical(quality) * (1 + 0.01 * ((quality * 7919 + seed) % 13) / 13))

    found = bumpy(nearest_quality(bumpy, QUALITIES, wanted))
    nearest = min((bumpy(quality) for quality in QUALITIES), key=lambda size: abs(size - wanted))
    assert abs(found - wanted) <= abs(nearest - wanted) + 0.03 * wanted


class Guessed:
    """An estimate that is a little off at a glance, and hardly near the quality it looked at."""

    def __init__(self, sizes: list[int], seed: int) -> None:
        self.sizes, self.seed = sizes, seed

    def __call__(self, quality: int, near: int | None) -> float:
        noise = ((quality * 7919 + (near or 0) * 104729 + self.seed) % 101 - 50) / 50
        if near is None:
            return self.sizes[quality] * 0.7 * (1 + 0.05 * noise)
        drift = 1 + 0.001 * (quality - near) + 0.001 * noise
        return self.sizes[quality] * drift + 2 * noise


@given(st.integers(0, 2**32), st.floats(-0.1, 1.1))
def test_with_an_estimate_the_same_quality_takes_three_files_at_most(
    seed: int, share: float
) -> None:
    sizes = [round(4 * typical(quality) + quality) for quality in QUALITIES]
    wanted = sizes[0] * (sizes[-1] / sizes[0]) ** share
    size_of = Counted(sizes.__getitem__)
    found = nearest_quality(size_of, QUALITIES, wanted, estimate=Guessed(sizes, seed))
    assert found == nearest_quality(sizes.__getitem__, QUALITIES, wanted)
    assert len(size_of.asked) <= 3


def test_with_an_estimate_most_searches_take_one_file_or_two() -> None:
    sizes = [typical(quality) for quality in QUALITIES]
    counts = []
    for wanted in range(sizes[0], sizes[-1], 97):
        size_of = Counted(sizes.__getitem__)
        nearest_quality(size_of, QUALITIES, wanted, estimate=Guessed(sizes, 3))
        counts.append(len(size_of.asked))
    assert mean(counts) < 1.8


LIES: dict[str, Estimate] = {
    "half of the size": lambda quality, near: typical(quality) / 2,
    "always the same": lambda quality, near: 9000.0,
    "falls where sizes rise": lambda quality, near: float(typical(224 - quality)),
    "nothing at all": lambda quality, near: 0.0,
    "no number": lambda quality, near: inf,
    "another one in every place": lambda quality, near: 1.0 + quality * 7919 % 30_011,
}


@pytest.mark.parametrize("lie", LIES)
def test_an_estimate_that_is_wrong_costs_files_but_not_the_answer(lie: str) -> None:
    for wanted in (1.0, 2500.0, 9000.0, 20_000.0, 10.0**9):
        size_of = Counted(typical)
        found = nearest_quality(size_of, QUALITIES, wanted, estimate=LIES[lie])
        assert found == nearest_quality(typical, QUALITIES, wanted)
        assert len(size_of.asked) == len(set(size_of.asked)) <= 12
