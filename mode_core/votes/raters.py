"""Which raters count: those who see the original where it stands beside the lowest rate."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from math import sqrt
from statistics import median

from mode_core.votes.records import (
    CHECK,
    LEFT,
    ORIGINAL,
    PAIR,
    RIGHT,
    SAME,
    UNSURE,
    Rater,
    Sides,
    Vote,
)

LEAST_RIGHT = 0.75
"""Who has fewer of the checks right is left out with all votes; "unsure" is not right."""
ONE_SIDED = 0.01
"""What leans to a side by chance less often than this is named."""
_NORMAL = 1.96


def screen(votes: Iterable[Vote]) -> tuple[Rater, ...]:
    """Every rater in the order of names, judged by checks alone, never by what they prefer."""
    of_rater: dict[str, list[Vote]] = defaultdict(list)
    for vote in votes:
        of_rater[vote.rater].append(vote)
    return tuple(_rater(name, of_rater[name]) for name in sorted(of_rater))


def sides(votes: Iterable[Vote]) -> Sides:
    """How often each side was chosen."""
    count = Counter(vote.answer for vote in votes)
    return Sides(count[LEFT], count[RIGHT], count[UNSURE])


def share_interval(part: int, whole: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    if not whole:
        return 0.0, 1.0
    share, pull = part / whole, _NORMAL**2 / whole
    middle = (share + pull / 2) / (1 + pull)
    half = _NORMAL * sqrt(share * (1 - share) / whole + pull / (4 * whole)) / (1 + pull)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def by_chance(one: int, other: int) -> float:
    """How likely fair coins are to lean at least as far to either side."""
    from scipy.special import bdtrc

    # counts of ways would leave the range of floats at about 1,024 coins
    return float(min(2 * bdtrc(max(one, other) - 1, one + other, 0.5), 1.0))


def _rater(name: str, votes: Sequence[Vote]) -> Rater:
    checks = [vote for vote in votes if vote.kind == CHECK]
    right = sum(vote.answer == _original_side(vote) for vote in checks)
    same = sides(vote for vote in votes if vote.kind == SAME)
    return Rater(
        name=name,
        pairs=sum(vote.kind == PAIR for vote in votes),
        checks=len(checks),
        right=right,
        same=same,
        seconds=median(vote.seconds for vote in votes),
        left_out=right < LEAST_RIGHT * len(checks),
        one_sided=by_chance(same.left, same.right) < ONE_SIDED,
    )


def _original_side(check: Vote) -> str:
    return LEFT if check.left == ORIGINAL else RIGHT
