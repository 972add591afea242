"""From votes to a ranking: raters are screened, and the votes of the others make fields."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import count
from statistics import median

import numpy as np

from mode_core.votes.field import field_of
from mode_core.votes.raters import screen, sides
from mode_core.votes.records import PAIR, SAME, Ranking, Vote
from mode_core.votes.tally import lopsided, names_in, sets_of, wins_of


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
        field_of(part, picture, np.random.default_rng((seed, next(number))))
        for picture in sorted(of_picture)
        for part in _connected(of_picture[picture])
    ]
    return Ranking(
        fields=tuple(fields),
        raters=raters,
        same=sides(vote for vote in kept if vote.kind == SAME),
        pairs=sides(pairs),
        lopsided=lopsided(pairs),
        seconds=median(vote.seconds for vote in pairs) if pairs else 0.0,
        pictures=len({vote.picture for vote in pairs}),
    )


def _connected(votes: Sequence[Vote]) -> list[list[Vote]]:
    """The votes by candidates that chains of votes connect: nothing is known beyond a chain."""
    names = names_in(votes)
    wins = wins_of(names, votes)
    sets = sets_of(wins + wins.T)
    parts: list[list[Vote]] = [[] for _ in range(max(sets) + 1)]
    for vote in votes:
        parts[sets[names.index(vote.left)]].append(vote)
    return parts
