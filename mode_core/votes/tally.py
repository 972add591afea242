"""Votes as numbers: who won how often of whom, and which candidates chains of votes connect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from mode_core.votes.raters import ONE_SIDED, by_chance
from mode_core.votes.records import LEFT, UNSURE, Sides, Vote
from mode_core.votes.scatter import Labels
from mode_core.votes.strengths import Numbers


def names_in(votes: Iterable[Vote]) -> list[str]:
    """The candidates, sorted."""
    return sorted({name for vote in votes for name in (vote.left, vote.right)})


def cells_of(names: Sequence[str], votes: Sequence[Vote]) -> tuple[Labels, Numbers]:
    """For each vote its two cells of the table of wins, and what it adds to each."""
    place, size = {name: at for at, name in enumerate(names)}, len(names)
    left = np.array([place[vote.left] for vote in votes], np.intp)
    right = np.array([place[vote.right] for vote in votes], np.intp)
    won = np.array([0.5 if vote.answer == UNSURE else vote.answer == LEFT for vote in votes], float)
    return np.stack([left * size + right, right * size + left], 1), np.stack([won, 1 - won], 1)


def wins_of(names: Sequence[str], votes: Sequence[Vote]) -> Numbers:
    """How many votes each candidate (row) has won of each other one (column)."""
    cells, amounts = cells_of(names, votes)
    size = len(names)
    found = np.bincount(cells.ravel(), amounts.ravel(), size * size)
    return found.reshape(size, size).astype(np.float64)


def lopsided(votes: Sequence[Vote]) -> tuple[tuple[str, Sides], ...]:
    """Candidates that stood on one side more often than a lot would put any of them."""
    left, right = Counter(vote.left for vote in votes), Counter(vote.right for vote in votes)
    names = names_in(votes)
    stood = {name: Sides(left[name], right[name]) for name in names}
    return tuple(
        (name, one)
        for name, one in stood.items()
        if by_chance(one.left, one.right) < ONE_SIDED / len(names)
    )


def sets_of(edges_KK: Numbers) -> list[int]:
    """For each candidate the number of its set, within which every one is reached from every."""
    from scipy.sparse.csgraph import connected_components

    labels: list[int] = connected_components(edges_KK > 0, connection="strong")[1].tolist()
    return labels
