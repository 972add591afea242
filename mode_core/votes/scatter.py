"""How far numbers made of votes scatter: votes of one rater, and of one picture, hang together.

A bootstrap draws raters anew, another one pictures. Each scatter holds what chance does to single
votes, so both together hold it twice, and once is taken away: the variance of Cameron, Gelbach and
Miller for clusters of two kinds. It is never below that of independent votes, since two votes of
one rater do not tell more than two votes of two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mode_core.votes.records import Vote
from mode_core.votes.strengths import Numbers

DRAWS = 1000
_MOST_FREEDOM = 1e6
Labels = npt.NDArray[np.intp]


class Clusters(NamedTuple):
    """Votes that hang together: the raters', or the pictures'."""

    labels: Labels
    """The cluster of each vote, numbered from 0."""
    size: int


class Scatter(NamedTuple):
    """Standard errors, and how many free observations they are known from."""

    error: Numbers
    freedom: float

    def half_width(self, sure: float = 0.95, times: int = 1) -> Numbers:
        """Half of an interval; `times` intervals of this width hold together with that chance."""
        return self.critical(sure, times) * self.error

    def critical(self, sure: float = 0.95, times: int = 1) -> float:
        """The same in standard errors: Student's t, by Bonferroni where there are several."""
        return float(students_t(np.array(self.freedom), sure, times))


def students_t(freedom: Numbers, sure: float = 0.95, times: int = 1) -> Numbers:
    """How many standard errors one of `times` intervals reaches to either side."""
    from scipy.special import stdtrit

    found: Numbers = stdtrit(freedom, 1 - (1 - sure) / (2 * times))
    return found


def scattered(
    votes: Sequence[Vote],
    cells: tuple[Labels, Numbers],
    width: int,
    measured: Callable[[Numbers], Numbers],
    alone: Numbers,
    rng: np.random.Generator,
) -> Scatter:
    """The scatter of what is measured of totals of cells, to some of which each vote adds amounts.

    `alone` is the variance if all votes were independent.
    """
    drawn = []
    for names in ([vote.rater for vote in votes], [vote.picture for vote in votes]):
        clusters = clusters_of(names)
        if clusters.size > 1:
            draws = measured(_drawn_totals(rng, clusters, cells, width))
            # draws of few clusters scatter too little by a known factor
            drawn.append((draws.var(0) * clusters.size / (clusters.size - 1), clusters))
    return combined(alone, drawn)


def clusters_of(names: Sequence[str]) -> Clusters:
    """The cluster of each vote by its name."""
    place = {name: at for at, name in enumerate(sorted(set(names)))}
    return Clusters(np.array([place[name] for name in names], np.intp), len(place))


def _drawn_totals(
    rng: np.random.Generator, clusters: Clusters, cells: tuple[Labels, Numbers], width: int
) -> Numbers:
    """Totals in draws of as many clusters as there are, with replacement."""
    place = clusters.labels[:, None] * width + cells[0]
    sums = np.bincount(place.ravel(), cells[1].ravel(), clusters.size * width)
    even = np.full(clusters.size, 1 / clusters.size)
    times = rng.multinomial(clusters.size, even, DRAWS)
    totals: Numbers = times @ sums.reshape(clusters.size, width)
    return totals


def combined(alone: Numbers, drawn: Sequence[tuple[Numbers, Clusters]]) -> Scatter:
    """The scatter from the variance of independent votes, and those of drawn raters and pictures.

    All of it counts as seen by the raters or by the pictures, whichever are fewer: that few of them
    happen to agree does not say that others would.
    """
    added = np.maximum(np.zeros_like(alone) + sum(found - alone for found, _ in drawn), 0)
    freedom = min((clusters.size - 1.0 for _, clusters in drawn), default=_MOST_FREEDOM)
    return Scatter(np.sqrt(alone + added), freedom)
