"""Bradley-Terry against its likelihood written out, and what is made of it against other ways."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import kendalltau

from mode_core.votes.agreement import kendall
from mode_core.votes.apart import groups, told_apart
from mode_core.votes.scatter import Clusters, Scatter, combined
from mode_core.votes.strengths import PRIOR, Numbers, covariance, fit, odds, odds_slope


def some_wins(seed: int, size: int = 4) -> Numbers:
    wins = np.random.default_rng(seed).integers(0, 30, (size, size)) / 2
    np.fill_diagonal(wins, 0)
    return wins


def likelihood(strength: Numbers, wins: Numbers) -> float:
    ahead = strength[:, None] - strength
    votes = (wins * np.log1p(np.exp(-ahead))).sum()
    return float(votes + PRIOR * np.log1p(np.exp([-strength, strength])).sum())


@pytest.mark.parametrize("seed", range(5))
def test_no_other_strengths_are_likelier(seed: int) -> None:
    wins = some_wins(seed)
    found = fit(wins[None])[0]
    best = minimize(likelihood, np.zeros(4), args=(wins,), tol=1e-10).x
    np.testing.assert_allclose(found, best - best.mean(), atol=1e-4)


def test_draws_are_fitted_as_they_would_be_alone() -> None:
    wins = np.stack([some_wins(seed) for seed in range(6)])
    alone = np.concatenate([fit(one[None]) for one in wins])
    np.testing.assert_allclose(fit(wins), alone, atol=1e-7)


def test_the_ends_of_what_can_be_voted_are_fitted_too() -> None:
    wins = np.zeros((3, 3, 3))
    wins[1, 0, 1] = 1e6
    wins[2] = np.triu(np.full((3, 3), 50_000.0), 1)
    found = fit(wins)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[0], 0)
    assert found[2, 0] > found[2, 1] > found[2, 2]


def test_two_candidates_have_the_odds_of_their_difference() -> None:
    strength = np.array([[0.7, -0.7]])
    np.testing.assert_allclose(odds(strength), [[1.4, -1.4]])


def test_the_slope_of_odds_is_that_of_small_steps() -> None:
    strength, step = np.array([0.4, -0.1, 1.2, -1.5]), 1e-6
    steps = [(odds((strength + step * one)[None]) - odds(strength[None]))[0] for one in np.eye(4)]
    np.testing.assert_allclose(odds_slope(strength), np.array(steps).T / step, atol=1e-5)


def test_unsure_votes_scatter_less() -> None:
    wins = np.array([[0, 20.0], [20.0, 0]])
    sure, unsure = (covariance(wins, np.zeros(2), count)[0, 0] for count in (0, 20))
    assert unsure == pytest.approx(sure / 2)
    # the difference of two shares of one half, 40 votes and the prior's: 4 / 41 each way
    assert sure == pytest.approx(1 / 41, rel=0.02)


def test_scatter_is_that_of_both_clusters_and_never_below_chance() -> None:
    many = Clusters(np.zeros(0, np.intp), 21)
    alone = np.array([1.0, 1.0, 1.0])
    found = combined(alone, [(np.array([3.0, 0.5, 1.0]), many), (np.array([2.0, 0.9, 1.0]), many)])
    np.testing.assert_allclose(found.error**2, [4, 1, 1])
    assert found.freedom == 20
    assert found.critical() == pytest.approx(2.086, abs=0.001)
    few = Clusters(np.zeros(0, np.intp), 3)
    assert combined(alone, [(alone, many), (alone, few)]).freedom == 2
    assert combined(alone, []).critical() == pytest.approx(1.96, abs=0.001)
    assert combined(alone, []).critical(times=10) == pytest.approx(2.807, abs=0.001)


def test_the_difference_among_all_must_tell_two_apart() -> None:
    strength = np.arange(12.0)
    for error, told in (0.25, True), (0.4, False):
        between = Scatter(np.full((12, 12), error), 1e6)
        # 0.4 is enough for one pair of candidates (1 > 1.96 * 0.4), but not among 66
        found = told_apart(strength, between)
        assert bool(found[0, 1]) is told
        assert found[0, 11]
        assert not found.diagonal().any()


def test_groups_are_the_longest_runs_and_no_pair_is_forgotten() -> None:
    apart = np.zeros((4, 4), bool)
    apart[0, 3] = apart[3, 0] = apart[1, 2] = apart[2, 1] = True
    found = groups([*"abcd"], apart, np.full((4, 4), 1234.0))
    assert [group.candidates for group in found] == [("a", "b"), ("c", "d"), ("a", "c"), ("b", "d")]
    assert {group.more for group in found} == {1300}
    whole = groups([*"abcd"], apart & False, np.full((4, 4), np.inf))
    assert [(group.candidates, group.more) for group in whole] == [((*"abcd",), None)]


@pytest.mark.parametrize("seed", range(5))
def test_kendall_is_scipys(seed: int) -> None:
    ours, theirs = np.random.default_rng(seed).integers(0, 5, (2, 8)).tolist()
    assert kendall(ours, theirs) == pytest.approx(kendalltau(ours, theirs).statistic)
    assert kendall(ours, [1] * 8) is None
