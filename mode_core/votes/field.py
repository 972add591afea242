"""One field: the strengths of its candidates, their intervals, and the order that is borne out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import exp
from typing import NamedTuple

import numpy as np

from mode_core.votes import apart
from mode_core.votes.agreement import agreements
from mode_core.votes.raters import sides
from mode_core.votes.records import Field, Group, Standing, Vote
from mode_core.votes.scatter import Scatter, scattered
from mode_core.votes.strengths import Numbers, covariance, fit, odds, odds_slope
from mode_core.votes.tally import cells_of, names_in, sets_of, wins_of


class Estimates(NamedTuple):
    """Numbers of all candidates in the order of their names, and the ends of their intervals."""

    middle: Numbers
    low: Numbers
    high: Numbers


def field_of(votes: Sequence[Vote], picture: str, rng: np.random.Generator) -> Field:
    """All that is said of candidates which chains of votes connect."""
    names = names_in(votes)
    wins_KK = wins_of(names, votes)
    strength_K = fit(wins_KK[None])[0]
    errors = _errors(votes, names, strength_K, rng)
    standings, groups = _standings(names, strength_K, errors, wins_KK)
    best = dict(sorted(zip(names, strength_K.tolist(), strict=True), key=lambda one: -one[1]))
    return Field(
        picture=picture,
        standings=standings,
        groups=groups,
        votes=len(votes),
        unsure=sides(votes).unsure,
        raters=len({vote.rater for vote in votes}),
        pictures=len({vote.picture for vote in votes}),
        one_way=_one_way(names, wins_KK, best),
        agreements=agreements(votes, best, rng),
    )


def _errors(
    votes: Sequence[Vote], names: Sequence[str], strength_K: Numbers, rng: np.random.Generator
) -> Scatter:
    """The errors of odds, of strengths, and of the differences of strengths, one after another."""
    size, unit = len(names), np.eye(len(names))
    slope = [odds_slope(strength_K), unit, (unit[:, None] - unit[None]).reshape(-1, size)]
    slopes = np.concatenate(slope)
    spread_KK = covariance(wins_of(names, votes), strength_K, sides(votes).unsure)
    alone = ((slopes @ spread_KK) * slopes).sum(1)

    def measured(totals: Numbers) -> Numbers:
        strength_BK = fit(totals.reshape(-1, size, size))
        difference = strength_BK[:, :, None] - strength_BK[:, None, :]
        flat = difference.reshape(len(strength_BK), -1)
        return np.concatenate([odds(strength_BK), strength_BK, flat], 1)

    return scattered(votes, cells_of(names, votes), size * size, measured, alone, rng)


def _standings(
    names: list[str], strength_K: Numbers, errors: Scatter, wins_KK: Numbers
) -> tuple[tuple[Standing, ...], tuple[Group, ...]]:
    size, half = len(names), errors.half_width()
    chance = _estimates(odds(strength_K[None])[0], half[:size])
    strength = _estimates(strength_K, half[size : 2 * size])
    between = Scatter(errors.error[2 * size :].reshape(size, size), errors.freedom)
    told = apart.told_apart(strength_K, between)
    more = apart.more_votes(strength_K, between, round(wins_KK.sum()))
    order = np.argsort(-strength_K, kind="stable")
    square = np.ix_(order, order)
    groups = apart.groups([names[at] for at in order], told[square], more[square])
    places = apart.places(strength_K, told)
    votes = (wins_KK + wins_KK.T).sum(1)
    # an order that the votes do not bear out is not shown
    shown = order.tolist() if told.any() else range(size)
    standings = tuple(
        Standing(
            candidate=names[at],
            first=places[at][0],
            last=places[at][1],
            wins=_chance(chance.middle[at]),
            low=_chance(chance.low[at]),
            high=_chance(chance.high[at]),
            strength=float(strength.middle[at]),
            strength_low=float(strength.low[at]),
            strength_high=float(strength.high[at]),
            votes=round(votes[at]),
        )
        for at in shown
    )
    return standings, groups


def _estimates(middle: Numbers, half: Numbers) -> Estimates:
    return Estimates(middle, middle - half, middle + half)


def _chance(odds: float) -> float:
    return 1 / (1 + exp(-odds))


def _one_way(
    names: Sequence[str], wins_KK: Numbers, best: Iterable[str]
) -> tuple[tuple[str, ...], ...]:
    """Sets of candidates between which every vote went one way: nothing says how far apart."""
    sets = dict(zip(names, sets_of(wins_KK), strict=True))
    members: dict[int, list[str]] = defaultdict(list)
    for name in best:
        members[sets[name]].append(name)
    return tuple(map(tuple, members.values())) if len(members) > 1 else ()
