"""Trials drawn by lot: balanced, with their shares of checks, and the same again for a seed."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest

from app.blind.plan import Design, Trial, plan
from mode_core.votes.records import CHECK, ORIGINAL, PAIR, SAME

FIVE = [f"codec{at}@0.1" for at in range(5)]
WORST = "jpeg@0.03"


def design(
    candidates: int = 5, pictures: int = 4, trials: int = 36, seed: int = 0, apart: bool = False
) -> Design:
    names = [f"codec{at}@0.1" for at in range(candidates)]
    pairs = [pair for pair in combinations(names, 2) if not apart or names[0] not in pair]
    return Design(
        tuple(f"kodim{at:02}" for at in range(pictures)), tuple(pairs), WORST, trials, seed
    )


def stood(trials: list[Trial]) -> tuple[Counter[str], Counter[str]]:
    pairs = [one for one in trials if one.kind == PAIR]
    return Counter(one.left for one in pairs), Counter(one.right for one in pairs)


@pytest.mark.parametrize(("trials", "checks", "sames"), [(10, 1, 1), (36, 4, 2), (120, 12, 6)])
def test_a_tenth_are_checks_and_a_twentieth_the_same_twice(
    trials: int, checks: int, sames: int
) -> None:
    found = plan(design(trials=trials), 0)
    kinds = Counter(one.kind for one in found)
    assert kinds == {PAIR: trials - checks - sames, CHECK: checks, SAME: sames}


@pytest.mark.parametrize("candidates", [2, 3, 5, 11])
@pytest.mark.parametrize("pictures", [1, 7])
@pytest.mark.parametrize("rater", [0, 3])
def test_every_kind_is_what_it_says(candidates: int, pictures: int, rater: int) -> None:
    for one in plan(design(candidates, pictures), rater):
        assert (one.left == one.right) == (one.kind == SAME)
        assert ((one.left, one.right).count(ORIGINAL) == 1) == (one.kind == CHECK)
        assert ((one.left, one.right).count(WORST) == 1) == (one.kind == CHECK)


@pytest.mark.parametrize("candidates", [2, 3, 5, 11])
@pytest.mark.parametrize("seed", range(5))
def test_no_candidate_is_on_one_side_more_than_once_oftener(candidates: int, seed: int) -> None:
    for rater in range(3):
        left, right = stood(plan(design(candidates, seed=seed), rater))
        names = {*left, *right}
        assert all(abs(left[name] - right[name]) <= 1 for name in names)


def test_over_many_raters_pairs_pictures_and_sides_are_alike() -> None:
    trials = [one for rater in range(20) for one in plan(design(), rater)]
    pairs = Counter(frozenset({one.left, one.right}) for one in trials if one.kind == PAIR)
    assert sum(pairs.values()) == 600
    assert {*pairs.values()} == {60}
    places = Counter(
        (frozenset({one.left, one.right}), one.picture) for one in trials if one.kind == PAIR
    )
    assert {*places.values()} == {15}
    left, right = stood(trials)
    assert all(abs(left[name] - right[name]) <= 20 for name in FIVE)
    same = Counter(one.left for one in trials if one.kind == SAME)
    assert {*same.values()} == {8}
    checks = Counter(one.left == ORIGINAL for one in trials if one.kind == CHECK)
    assert checks == {True: 40, False: 40}


def test_a_rater_sees_each_candidate_about_as_often_even_where_pairs_are_more_than_trials() -> None:
    for rater in range(10):
        left, right = stood(plan(design(11), rater))
        total = left + right
        assert len(total) == 11
        assert max(total.values()) - min(total.values()) <= 3


def test_nobody_sees_a_pair_again_on_a_picture_before_it_has_been_on_all() -> None:
    found = plan(design(3, pictures=10), 1)
    places = [(frozenset({one.left, one.right}), one.picture) for one in found if one.kind == PAIR]
    assert len(places) == len({*places}) == 30
    again = plan(design(2, pictures=1, trials=20), 0)
    assert len({one.spot for one in again if one.kind == PAIR}) == 17


def test_the_seed_makes_order_and_sides_repeatable() -> None:
    assert plan(design(), 2) == plan(design(), 2)
    assert plan(design(), 2) != plan(design(seed=1), 2)
    assert plan(design(), 2) != plan(design(), 3)


def test_only_pairs_that_are_wanted_are_shown() -> None:
    left, right = stood(plan(design(4, apart=True), 0))
    assert "codec0@0.1" not in {*left, *right}
    assert len({*left, *right}) == 3
