"""How far metrics prefer what raters prefer: vote by vote, and in the order of candidates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np

from mode_core.metrics.table import METRICS, Metric
from mode_core.votes.records import LEFT, UNSURE, Agreement, Vote
from mode_core.votes.scatter import scattered


def agreements(
    votes: Sequence[Vote], strengths: Mapping[str, float], rng: np.random.Generator
) -> tuple[Agreement, ...]:
    """A line for each metric that at least one decided vote has both values of."""
    decided = [vote for vote in votes if vote.answer != UNSURE]
    found = []
    for key, metric in METRICS.items():
        known = [one for one in decided if key in one.left_values and key in one.right_values]
        if known:
            share, low, high = _share(known, metric, rng)
            tau = _in_order(votes, metric, strengths)
            found.append(Agreement(key, share, low, high, len(known), tau))
    return tuple(found)


def _share(
    votes: Sequence[Vote], metric: Metric, rng: np.random.Generator
) -> tuple[float, float, float]:
    """The share of votes that went the metric's way, with its interval."""
    right = np.array([_went_its_way(vote, metric) for vote in votes])
    cells = np.tile(np.arange(2), (len(votes), 1)), np.stack([right, np.ones(len(votes))], 1)
    share = float(right.mean())
    careful = (right.sum() + 1) / (len(votes) + 2)  # all of one kind would not scatter at all
    alone = np.array(careful * (1 - careful) / len(votes))
    errors = scattered(votes, cells, 2, lambda totals: totals[:, 0] / totals[:, 1], alone, rng)
    half = float(errors.half_width())
    return share, max(share - half, 0.0), min(share + half, 1.0)


def _went_its_way(vote: Vote, metric: Metric) -> float:
    left, right = vote.left_values[metric.key], vote.right_values[metric.key]
    if left == right:
        return 0.5
    return float(((left > right) == metric.higher_is_better) == (vote.answer == LEFT))


def _in_order(
    votes: Sequence[Vote], metric: Metric, strengths: Mapping[str, float]
) -> float | None:
    """Kendall's tau-b over pictures of which every candidate has a value."""
    of_picture: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for vote in votes:
        for candidate, values in (vote.left, vote.left_values), (vote.right, vote.right_values):
            if metric.key in values:
                of_picture[vote.picture][candidate].append(values[metric.key])
    whole = [one for one in of_picture.values() if one.keys() >= strengths.keys()]
    if not whole:
        return None
    means = {name: fmean(fmean(one[name]) for one in whole) for name in strengths}
    sign = 1 if metric.higher_is_better else -1
    return kendall([sign * means[name] for name in strengths], [*strengths.values()])


def kendall(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """Kendall's tau-b; None where one side has no order at all."""
    above = np.triu_indices(len(ours), 1)
    a, b = (np.sign(np.subtract.outer(one, one))[above] for one in (ours, theirs))
    ordered = np.count_nonzero(a) * np.count_nonzero(b)
    return float(a @ b / ordered**0.5) if ordered else None
