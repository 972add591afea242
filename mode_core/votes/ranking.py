"""From votes to a ranking: raters are screened, votes counted, strengths and intervals computed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import count
from statistics import median

import numpy as np

from mode_core.votes import apart
from mode_core.votes.agreement import agreements
from mode_core.votes.raters import screen, sides
from mode_core.votes.records import LEFT, PAIR, SAME, UNSURE, Field, Ranking, Standing, Vote
from mode_core.votes.scatter import (
    Labels,
    Scatter,
    clusters_of,
    combined,
    drawn_totals,
    variance_of,
)
from mode_core.votes.strengths import (
    Numbers,
    covariance,
    fit,
    odds,
    odds_slope,
)


def rank(votes: Iterable[Vote], seed: int = 0, per_picture: bool = False) -> Ranking:
    """What the votes say; the same votes in any order, and the same seed, give the same numbers."""
    votes = sorted(votes, key=lambda vote: (vote.rater, vote.trial))
    raters = screen(votes)
    out = {rater.name for rater in raters if rater.left_out}
    kept = [vote for vote in votes if vote.rater not in out]
    pairs = [vote for vote in kept if vote.kind == PAIR]
    of_picture: dict[str, list[Vote]] = defaultdict(list)
    for vote in pairs:
        of_picture[vote.picture if per_picture else ""].append(vote)
    number = count()
    fields = [
        _field(part, picture, np.random.default_rng((seed, next(number))))
        for picture in sorted(of_picture)
        for part in _connected(of_picture[picture])
    ]
    return Ranking(
        fields=tuple(fields),
        raters=raters,
        same=sides(vote for vote in kept if vote.kind == SAME),
        pairs=sides(pairs),
        seconds=median(vote.seconds for vote in pairs) if pairs else 0.0,
        pictures=len({vote.picture for vote in pairs}),
    )


def _names(votes: Iterable[Vote]) -> list[str]:
    return sorted({name for vote in votes for name in (vote.left, vote.right)})


def _connected(votes: Sequence[Vote]) -> list[list[Vote]]:
    """The votes by candidates that chains of votes connect: nothing is known beyond a chain."""
    names = _names(votes)
    wins = _wins(names, votes)
    sets = _sets(wins + wins.T)
    parts: list[list[Vote]] = [[] for _ in range(max(sets) + 1)]
    for vote in votes:
        parts[sets[names.index(vote.left)]].append(vote)
    return parts


def _sets(edges: Numbers) -> list[int]:
    """For each candidate the number of its set, within which every one is reached from every."""
    from scipy.sparse.csgraph import connected_components

    labels: list[int] = connected_components(edges > 0, connection="strong")[1].tolist()
    return labels


def _field(votes: Sequence[Vote], picture: str, rng: np.random.Generator) -> Field:
    """One field, with all that is said of its candidates."""
    names = _names(votes)
    wins = _wins(names, votes)
    strength = fit(wins[None])[0]
    errors = _errors(votes, names, wins, strength, rng)
    standings, groups = _standings(names, strength, errors, wins, len(votes))
    best = dict(sorted(zip(names, strength.tolist(), strict=True), key=lambda one: -one[1]))
    return Field(
        picture=picture,
        standings=standings,
        groups=groups,
        votes=len(votes),
        unsure=sides(votes).unsure,
        raters=len({vote.rater for vote in votes}),
        pictures=len({vote.picture for vote in votes}),
        one_way=_one_way(names, wins, best),
        agreements=agreements(votes, best, rng),
    )


def _one_way(names: list[str], wins: Numbers, best: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    sets = dict(zip(names, _sets(wins), strict=True))
    members: dict[int, list[str]] = defaultdict(list)
    for name in best:
        members[sets[name]].append(name)
    return tuple(map(tuple, members.values())) if len(members) > 1 else ()


def _cells(names: Sequence[str], votes: Sequence[Vote]) -> tuple[Labels, Numbers]:
    """For each vote its two cells of the table of wins, and what it adds to each."""
    place = {name: at for at, name in enumerate(names)}
    left = np.array([place[vote.left] for vote in votes], np.intp)
    right = np.array([place[vote.right] for vote in votes], np.intp)
    won = np.array([_left_wins(vote) for vote in votes])
    size = len(names)
    return np.stack([left * size + right, right * size + left], 1), np.stack([won, 1 - won], 1)


def _left_wins(vote: Vote) -> float:
    return 0.5 if vote.answer == UNSURE else float(vote.answer == LEFT)


def _wins(names: Sequence[str], votes: Sequence[Vote]) -> Numbers:
    """How many votes each candidate (row) has won of each other one (column)."""
    cells, amounts = _cells(names, votes)
    size = len(names)
    found: Numbers = np.bincount(cells.ravel(), amounts.ravel(), size * size).reshape(size, size)
    return found


def _measures(strength_BK: Numbers) -> Numbers:
    """All that gets an interval, in one row for each draw: odds, strengths, differences."""
    difference = strength_BK[:, :, None] - strength_BK[:, None, :]
    return np.concatenate(
        [odds(strength_BK), strength_BK, difference.reshape(len(strength_BK), -1)], 1
    )


def _errors(
    votes: Sequence[Vote],
    names: Sequence[str],
    wins: Numbers,
    strength: Numbers,
    rng: np.random.Generator,
) -> Scatter:
    size = len(names)
    cells, amounts = _cells(names, votes)
    drawn = []
    for labels in ([vote.rater for vote in votes], [vote.picture for vote in votes]):
        clusters = clusters_of(labels)
        if clusters.count > 1:
            totals = drawn_totals(rng, clusters, cells, amounts, size * size)
            measured = _measures(fit(totals.reshape(-1, size, size)))
            drawn.append((variance_of(measured, clusters), clusters))
    unit = np.eye(size)
    slope = [odds_slope(strength), unit, (unit[:, None] - unit[None]).reshape(-1, size)]
    slopes = np.concatenate(slope)
    alone = ((slopes @ covariance(wins, strength, sides(votes).unsure)) * slopes).sum(1)
    return combined(alone, drawn)


def _standings(
    names: list[str], strength: Numbers, errors: Scatter, wins: Numbers, votes: int
) -> tuple[tuple[Standing, ...], tuple[apart.Group, ...]]:
    size = len(names)
    middle = np.concatenate([odds(strength[None])[0], strength])
    half = errors.half_width()[: 2 * size]
    low, high = middle - half, middle + half
    between = Scatter(*(one[2 * size :].reshape(size, size) for one in errors))
    told = apart.told_apart(strength, between, low[:size], high[:size])
    more = apart.more_votes(strength, between, votes)
    order = np.argsort(-strength, kind="stable")
    square = np.ix_(order, order)
    grouped = apart.groups([names[at] for at in order], told[square], more[square], votes)
    place = apart.places(strength, told)
    standings = tuple(
        Standing(
            names[at],
            *place[at],
            *(float(1 / (1 + np.exp(-ends[at]))) for ends in (middle, low, high)),
            *(float(ends[size + at]) for ends in (middle, low, high)),
            votes=int(wins[at].sum() + wins[:, at].sum()),
        )
        # an order that the votes do not bear out is not shown
        for at in (order.tolist() if told.any() else range(size))
    )
    return standings, grouped
