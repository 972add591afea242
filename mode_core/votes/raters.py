"""Which raters count: those who see the original where it stands beside the lowest rate."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from math import comb, sqrt
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
_ONE_SIDED = 0.01
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
        one_sided=_by_chance(same) < _ONE_SIDED,
    )


def _original_side(check: Vote) -> str:
    return LEFT if check.left == ORIGINAL else RIGHT


def _by_chance(same: Sides) -> float:
    """How likely fair coins are to lean at least as far to either side."""
    thrown, most = same.left + same.right, max(same.left, same.right)
    ways = sum(comb(thrown, heads) for heads in range(most, thrown + 1))
    return min(2 * ways / (1 << thrown), 1.0)  # whole numbers: floats end at 2**1024
