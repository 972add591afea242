"""Which candidates are told apart, what places this leaves open, and how many votes would do."""

from __future__ import annotations

from math import ceil, isfinite

import numpy as np
import numpy.typing as npt

from mode_core.votes.records import Group
from mode_core.votes.scatter import Scatter
from mode_core.votes.strengths import Numbers

Flags = npt.NDArray[np.bool_]
_POWER = 0.84
"""Standard errors beyond the end of an interval: then four of five tests tell the two apart."""
_MOST_TIMES = 100
"""How many times the votes are still worth naming a number for."""


def told_apart(strength_K: Numbers, between: Scatter, low_K: Numbers, high_K: Numbers) -> Flags:
    """Pairs whose intervals do not overlap, and whose difference is not 0 among all differences."""
    distance_KK = np.abs(strength_K[:, None] - strength_K)
    certain = distance_KK > between.half_width(times=_pairs(strength_K))
    clear = (low_K[:, None] > high_K) | (high_K[:, None] < low_K)
    told: Flags = certain & clear
    return told


def places(strength_K: Numbers, apart_KK: Flags) -> list[tuple[int, int]]:
    """The first and the last place that each candidate may have."""
    ahead_KK = strength_K[:, None] < strength_K
    first = 1 + (apart_KK & ahead_KK).sum(1)
    last = len(strength_K) - (apart_KK & ahead_KK.T).sum(1)
    return [*zip(first.tolist(), last.tolist(), strict=True)]


def more_votes(strength_K: Numbers, between: Scatter, votes: int) -> Numbers:
    """How many more votes of the same kind tell each pair apart in four of five tests; or inf."""
    distance_KK = np.abs(strength_K[:, None] - strength_K)
    wanted = (between.critical(times=_pairs(strength_K)) + _POWER) * between.error
    with np.errstate(divide="ignore", invalid="ignore"):
        times = (wanted / distance_KK) ** 2 - 1
    # A pair that its difference alone tells apart is held together by other candidates' intervals.
    return np.where((times > 0) & (times <= _MOST_TIMES), votes * times, np.inf)


def groups(names: list[str], apart_KK: Flags, more_KK: Numbers) -> tuple[Group, ...]:
    """Neighbours of an order, best first, none of which is told from any other of them."""
    found = _runs(apart_KK)
    inside = {pair for run in found for pair in _pairs_of(run)}
    found += [pair for pair in _pairs_of([*range(len(names))]) if not apart_KK[pair]
              and pair not in inside]  # fmt: skip
    made = []
    for run in found:
        most = max(float(more_KK[pair]) for pair in _pairs_of(run))
        members = tuple(names[at] for at in run)
        made.append(Group(members, _in_words(most), _in_words(float(more_KK[run[0], run[-1]]))))
    return tuple(made)


def _runs(apart_KK: Flags) -> list[tuple[int, ...]]:
    """The longest runs of neighbours without a pair that is told apart."""
    runs: list[tuple[int, ...]] = []
    for start in range(len(apart_KK)):
        end = start + 1
        while end < len(apart_KK) and not apart_KK[start:end, end].any():
            end += 1
        if end - start > 1 and (not runs or runs[-1][-1] < end - 1):
            runs.append(tuple(range(start, end)))
    return runs


def _pairs_of(run: list[int] | tuple[int, ...]) -> list[tuple[int, int]]:
    return [(a, b) for at, a in enumerate(run) for b in run[at + 1 :]]


def _pairs(strength_K: Numbers) -> int:
    return max(len(strength_K) * (len(strength_K) - 1) // 2, 1)


def _in_words(more: float) -> int | None:
    """The number with two digits that mean something; None beyond what anybody would ask for."""
    if not isfinite(more):
        return None
    unit: int = 10 ** max(len(str(ceil(more))) - 2, 0)
    return max(ceil(more / unit) * unit, 1)
